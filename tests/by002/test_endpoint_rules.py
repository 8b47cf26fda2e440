"""ADRS and ADTTE by BY002's own specs on made-up subjects: every row of the analysis plan's tables, ties included.

Days are study days of subjects whose first dose is Day 1; the data cut-off is Day 365 unless the case says otherwise.
"""

import pandas as pd
import pytest

from tests.by002.made_up import build_from, copying, iso, study_day

NAMES = "SUBJID SITEID TRT01P TRT01A TRTSDT TRTEDT SAFFL FASFL RESPEVFL DTHDT DTHDTF LSTALVDT HSCTDT NALTDT EOTDT DCTREAS DCUTDT"
LABEL = ", label: X, type: Char"
ADSL = copying(
    "ADSL",
    "adsl",
    NAMES.split(),
    "SUBJID",
    RESPEVFL=LABEL,
    HSCTDT=", label: X, type: Num",
    NALTDT=", label: X, type: Num",
    EOTDT=", label: X, type: Num",
    DCUTDT=", label: X, type: Num",
).replace("dataset: ADSL", "dataset: ADSL\nstructure: ADSL")
RS = copying(
    "RS", "rs", ["RSTESTCD", "RSSTRESC", "RSEVAL", "RSDTC", "VISITNUM", "VISIT"], "RSTESTCD, RSDTC, RSSTRESC"
) + ("  RSSEQ: {sequence: keys}\n")
MARROW = """
dataset: MARROW                                # no marrow is judged here: see test_marrow_rules.py
working: true
structure: BDS
keys: [STUDYID, USUBJID, MISEQ]
records: {each: marrow, where: marrow.MISEQ is present}
variables:
  MISEQ: {copy: marrow.MISEQ, type: Num}
  ADT: {date: marrow.ADT, type: Num}
  AVAL: {copy: marrow.AVAL, type: Num}
  AVALC: {copy: marrow.AVALC, type: Char}
  VISITNUM: {copy: marrow.VISITNUM, type: Num}
  VISIT: {copy: marrow.VISIT, type: Char}
"""
NOTHING = ["SUBJECT", "MISEQ", "ADT", "AVAL", "AVALC", "VISITNUM", "VISIT"]
RESULTS = {"MLFS": "MORPHOLOGIC LEUKEMIA-FREE STATE", "REL": "RELAPSED DISEASE"}
EVALUABLE = {"CR", "CRh", "CRi", "MLFS", "PR", "NR", "PD"}
ALIVE, LAST = "LAST KNOWN ALIVE", "LAST RESPONSE ASSESSMENT"
HSCT = "ALLOGENEIC HSCT"

# name: what happened by day, and what must come of it: (day, CNSR, description), None where there is no record
CASES = {
    "remission_then_relapse": (
        {"resp": {29: "NR", 57: "CRh", 113: "CRh", 170: "REL"}, "death": 300},
        {
            "OS": (300, 0, "DEATH"),
            "EFS": (170, 0, "RELAPSE"),
            "EFS2": (170, 0, "RELAPSE"),
            "RFS": (170, 0, "RELAPSE"),
            "DOR": (170, 0, "RELAPSE OR PROGRESSION"),
            "DORCRC": (170, 0, "RELAPSE"),
            "CIR": (170, 0, "RELAPSE"),
            "TTR": (57, 0, "FIRST RESPONSE"),
            "TTCRC": (57, 0, "FIRST RESPONSE"),
        },
    ),
    "remission_then_death": (
        {"resp": {57: "CR", 113: "CR"}, "death": 150},
        {
            "EFS": (150, 0, "DEATH"),
            "EFS2": (150, 0, "DEATH"),
            "RFS": (150, 0, "DEATH"),
            "DOR": (150, 0, "DEATH"),
            "DORCRC": (150, 0, "DEATH"),
            "CIR": (150, 2, "DEATH WITHOUT RELAPSE"),
        },
    ),
    "relapse_and_death_on_one_day": (
        {"resp": {57: "CR", 113: "REL"}, "death": 113},
        {
            "OS": (113, 0, "DEATH"),
            "EFS": (113, 0, "RELAPSE"),
            "EFS2": (113, 0, "RELAPSE"),
            "RFS": (113, 0, "RELAPSE"),
            "DOR": (113, 0, "RELAPSE OR PROGRESSION"),
            "CIR": (113, 0, "RELAPSE"),
        },
    ),
    "remission_without_event": (
        {"resp": {57: "CRi", 113: "CRi"}, "alive": 340},
        {
            "OS": (340, 1, ALIVE),
            "EFS": (113, 1, LAST),
            "EFS2": (113, 1, LAST),
            "RFS": (340, 1, ALIVE),
            "DOR": (113, 1, LAST),
            "DORCRC": (113, 1, LAST),
            "CIR": (340, 1, ALIVE),
            "CIRH": (340, 1, ALIVE),
        },
    ),
    "remission_on_the_landmark": (
        {"resp": {29: "NR", 180: "CR"}, "alive": 340},
        {"EFS": (180, 1, LAST), "TTCRC": (180, 0, "FIRST RESPONSE")},
    ),
    "first_remission_after_the_landmark": (
        {"resp": {29: "NR", 181: "CR", 240: "REL"}, "alive": 340},
        {
            "EFS": (1, 0, "TREATMENT FAILURE"),
            "EFS2": (240, 0, "RELAPSE"),
            "RFS": (240, 0, "RELAPSE"),
            "TTCRC": (181, 0, "FIRST RESPONSE"),
        },
    ),
    "no_remission_at_all": (
        {"resp": {29: "NR", 57: "NR"}, "alive": 340},
        {
            "EFS": (1, 0, "TREATMENT FAILURE"),
            "EFS2": (57, 1, LAST),
            "OS": (340, 1, ALIVE),
            **dict.fromkeys(("RFS", "DOR", "DORCRC", "TTR", "TTCRC", "CIR", "RFSH", "DORH", "CIRH")),
        },
    ),
    "progression_before_landmark_and_cut_off": (
        {"resp": {29: "MLFS", 57: "PD"}, "cut": 100, "alive": 100},
        {
            "EFS": (1, 0, "TREATMENT FAILURE"),
            "EFS2": (57, 0, "PROGRESSIVE DISEASE"),
            "DOR": (57, 0, "RELAPSE OR PROGRESSION"),
            "TTR": (29, 0, "FIRST RESPONSE"),
            "TTCRC": None,
            "RFS": None,
        },
    ),
    "stopped_for_lack_of_efficacy": (
        {"resp": {29: "NR", 57: "NR"}, "eot": 60, "why": "LACK OF EFFICACY", "death": 200},
        {"EFS": (1, 0, "TREATMENT FAILURE"), "EFS2": (60, 0, "TREATMENT FAILURE"), "OS": (200, 0, "DEATH")},
    ),
    "stopped_for_progression_on_the_day_of_it": (
        {"resp": {29: "PD"}, "eot": 29, "why": "PROGRESSIVE DISEASE", "alive": 50},
        {"EFS2": (29, 0, "PROGRESSIVE DISEASE")},
    ),
    "stopped_for_lack_of_efficacy_on_the_day_of_death": (
        {"resp": {29: "NR"}, "eot": 60, "why": "LACK OF EFFICACY", "death": 60},
        {"EFS2": (60, 0, "TREATMENT FAILURE")},
    ),
    "stopped_for_lack_of_efficacy_after_remission": (
        {"resp": {29: "CR", 57: "NR"}, "eot": 60, "why": "LACK OF EFFICACY", "alive": 90},
        {"EFS2": (57, 1, LAST), "EFS": (57, 1, LAST)},
    ),
    "stopped_for_an_adverse_event": (
        {"resp": {29: "NR"}, "eot": 60, "why": "ADVERSE EVENT", "alive": 90},
        {"EFS2": (29, 1, LAST), "EFS": (1, 0, "TREATMENT FAILURE")},
    ),
    "never_assessed_dead_by_the_landmark": (
        {"resp": {}, "death": 17},
        {"EFS": (1, 0, "DEATH BEFORE RESPONSE ASSESSMENT"), "EFS2": (17, 0, "DEATH"), "OS": (17, 0, "DEATH")},
    ),
    "only_ne_dead_by_the_landmark": (
        {"resp": {29: "NE"}, "death": 180},
        {"EFS": (1, 0, "DEATH BEFORE RESPONSE ASSESSMENT")},
    ),
    "never_assessed_dead_after_the_landmark": (
        {"resp": {}, "death": 181},
        {"EFS": (1, 2, "NON-EVALUABLE"), "OS": (181, 0, "DEATH"), "EFS2": (181, 0, "DEATH")},
    ),
    "only_ne_and_alive": (
        {"resp": {29: "NE"}, "alive": 90},
        {"EFS": (1, 2, "NON-EVALUABLE"), "EFS2": (1, 2, "NO POST-BASELINE ASSESSMENT")},
    ),
    "landmark_not_reached_on_treatment": (
        {"resp": {29: "NR", 57: "PR"}, "cut": 180, "alive": 179},
        {
            "EFS": (57, 3, "LANDMARK NOT REACHED"),
            "EFS2": (57, 1, LAST),
            "DOR": (57, 1, LAST),
            "TTR": (57, 0, "FIRST RESPONSE"),
        },
    ),
    "landmark_reached_the_day_before_the_cut_off": (
        {"resp": {29: "NR", 57: "PR"}, "cut": 181, "alive": 180},
        {"EFS": (1, 0, "TREATMENT FAILURE")},
    ),
    "new_therapy_before_landmark_and_cut_off": (
        {"resp": {29: "NR"}, "nalt": 40, "cut": 100, "alive": 100},
        {"EFS": (1, 0, "TREATMENT FAILURE")},
    ),
    "treatment_ended_before_landmark_and_cut_off": (
        {"resp": {29: "NR"}, "eot": 35, "why": "PHYSICIAN DECISION", "cut": 100, "alive": 100},
        {"EFS": (1, 0, "TREATMENT FAILURE")},
    ),
    "death_before_landmark_and_cut_off": (
        {"resp": {29: "NR"}, "death": 90, "cut": 100},
        {"EFS": (1, 0, "TREATMENT FAILURE"), "OS": (90, 0, "DEATH")},
    ),
    "relapse_after_transplant": (
        {"resp": {29: "PR", 57: "CR", 106: "CR", 260: "REL"}, "hsct": 120, "alive": 340},
        {
            "EFS": (260, 0, "RELAPSE"),
            "RFS": (260, 0, "RELAPSE"),
            "CIR": (260, 0, "RELAPSE"),
            "OS": (340, 1, ALIVE),
            **dict.fromkeys(("OSH", "EFS2H", "RFSH", "DORH", "CIRH"), (120, 3, HSCT)),
        },
    ),
    "relapse_on_the_day_of_transplant": (
        {"resp": {57: "CR", 120: "REL"}, "hsct": 120, "alive": 340},
        {
            "RFSH": (120, 0, "RELAPSE"),
            "EFS2H": (120, 0, "RELAPSE"),
            "DORH": (120, 0, "RELAPSE OR PROGRESSION"),
            "CIRH": (120, 0, "RELAPSE"),
            "OSH": (120, 3, HSCT),
        },
    ),
    "relapse_before_transplant": (
        {"resp": {57: "CR", 110: "REL"}, "hsct": 120, "death": 200},
        {
            "RFSH": (110, 0, "RELAPSE"),
            "EFS2H": (110, 0, "RELAPSE"),
            "CIRH": (110, 0, "RELAPSE"),
            "OSH": (120, 3, HSCT),
            "OS": (200, 0, "DEATH"),
        },
    ),
    "death_after_transplant": (
        {"resp": {57: "CR"}, "hsct": 120, "death": 200},
        {
            "CIR": (200, 2, "DEATH WITHOUT RELAPSE"),
            "CIRH": (120, 3, HSCT),
            "RFSH": (120, 3, HSCT),
            "DORCRC": (200, 0, "DEATH"),
        },
    ),
    "death_on_the_day_of_transplant": (
        {"resp": {57: "CR"}, "hsct": 120, "death": 120},
        {"CIRH": (120, 2, "DEATH WITHOUT RELAPSE"), "RFSH": (120, 0, "DEATH"), "OSH": (120, 0, "DEATH")},
    ),
    "progression_before_the_first_response": (
        {"resp": {29: "PD", 57: "CR", 113: "PD"}, "alive": 340},
        {"EFS2": (29, 0, "PROGRESSIVE DISEASE"), "TTR": None, "DOR": None},  # the interval ended with the first PD
    ),
    "response_then_progression": (
        {"resp": {29: "PR", 57: "PD", 85: "PD"}, "death": 300},
        {"DOR": (57, 0, "RELAPSE OR PROGRESSION"), "DORCRC": None, "RFS": None},
    ),
    "response_first_seen_after_new_therapy": (
        {"resp": {29: "NR", 113: "CR", 170: "REL"}, "nalt": 113, "alive": 340},
        {"TTR": None, "RFS": None, "EFS": (1, 0, "TREATMENT FAILURE"), "EFS2": (170, 1, LAST)},
    ),
}


def adsl(subject, happened):
    """The ADSL record of a made-up subject."""
    resp, cut = happened["resp"], happened.get("cut", 365)
    death = happened.get("death")
    return {
        "SUBJECT": subject,
        "SUBJID": subject,
        "SITEID": "01",
        "TRT01P": "A",
        "TRT01A": "A",
        "TRTSDT": iso(1),
        "TRTEDT": iso(happened.get("eot", min(cut, death or cut))),
        "SAFFL": "Y",
        "FASFL": "Y",
        "RESPEVFL": "Y" if set(resp.values()) & EVALUABLE else "N",
        "DTHDT": iso(death),
        "DTHDTF": None,
        "LSTALVDT": iso(death or happened.get("alive")),
        "HSCTDT": iso(happened.get("hsct")),
        "NALTDT": iso(happened.get("nalt")),
        "EOTDT": iso(happened.get("eot")),
        "DCTREAS": happened.get("why"),
        "DCUTDT": iso(cut),
    }


def assessments(subject, happened):
    """The RS records of a made-up subject: one at baseline, the responses, the MRD results."""
    found = [("OVRLRESP", -3, "NE"), *(("OVRLRESP", day, result) for day, result in happened["resp"].items())]
    found += [("MRDRESP", day, result) for day, result in happened.get("mrd", {}).items()]
    return [
        {
            "SUBJECT": subject,
            "RSTESTCD": test,
            "RSSTRESC": RESULTS.get(result, result),
            "RSEVAL": "INVESTIGATOR",
            "RSDTC": iso(day),
            "VISITNUM": "1",
            "VISIT": "V",
        }
        for test, day, result in found
    ]


def study_of(cases, folder):
    """The datasets of all cases in one study."""
    records = {
        "adsl": [adsl(name, happened) for name, (happened, _) in cases.items()],
        "rs": [row for name, (happened, _) in cases.items() for row in assessments(name, happened)],
    }
    written = {"adam/adsl": ADSL, "adam/marrow": MARROW, "sdtm/rs": RS}
    return build_from(folder, ("resp", "adrs", "adtte"), written, records | {"marrow": [dict.fromkeys(NOTHING) | {"SUBJECT": min(cases)}]})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    datasets, issues = study_of(CASES, tmp_path_factory.mktemp("endpoints"))
    assert not [i for i in issues if i.severity != "info"], issues
    return datasets


EXPECTED = [(name, code, told) for name, (_, outcomes) in CASES.items() for code, told in outcomes.items()]


@pytest.mark.parametrize(("name", "code", "told"), EXPECTED, ids=[f"{n}-{c}" for n, c, _ in EXPECTED])
def test_time_to_event_ends_as_the_analysis_plan_says(made, name, code, told):
    adtte = made["ADTTE"]
    rows = adtte[(adtte["USUBJID"] == name) & (adtte["PARAMCD"] == code)]
    if told is None:
        assert rows.empty
        return
    row = rows.iloc[0]
    text = row["EVNTDESC"] if row["CNSR"] == 0 else row["CNSDTDSC"]
    assert (study_day(row["ADT"]), row["CNSR"], text) == told
    assert row["AVAL"] == row["ADT"] - row["STARTDT"] + 1 >= 1 and row["AVALU"] == "DAYS"
    assert pd.isna(row["CNSDTDSC"] if row["CNSR"] == 0 else row["EVNTDESC"])


def test_event_types_of_relapse_incidence_agree_with_the_outcome(made):
    adtte = made["ADTTE"]
    cir = adtte[adtte["PARAMCD"].isin(["CIR", "CIRH"])]
    assert cir["EVTYPEN"].tolist() == cir["CNSR"].map({0: 1, 1: 0, 2: 2, 3: 0}).tolist()
    assert set(cir["EVTYPEN"]) == {0, 1, 2} and adtte[~adtte["PARAMCD"].str.startswith("CIR")]["EVTYPEN"].isna().all()


def test_survival_is_never_shorter_than_event_free_or_relapse_free_survival(made):
    adtte = made["ADTTE"]
    end = adtte.pivot(index="USUBJID", columns="PARAMCD", values="ADT")
    days = adtte.pivot(index="USUBJID", columns="PARAMCD", values="AVAL")
    assert (end["OS"] >= end["EFS"]).all() and (end["OS"] >= end["RFS"].fillna(0)).all()
    assert (days["OS"] >= days["EFS"]).all() and not adtte.duplicated(["USUBJID", "PARAMCD"]).any()


def test_each_endpoint_holds_exactly_its_population(made):
    adrs, adtte = made["ADRS"], made["ADTTE"]

    def yes(code):
        return set(adrs[(adrs["PARAMCD"] == code) & (adrs["AVALC"] == "Y")]["USUBJID"])

    def has(code):
        return set(adtte[adtte["PARAMCD"] == code]["USUBJID"])

    assert has("RFS") == has("CIR") == has("DORCRC") == has("TTCRC") == yes("CRCRSP") and yes("CRCRSP")
    assert has("DOR") == has("TTR") == yes("ORRSP") > yes("CRCRSP") >= yes("CRHRSP") >= yes("CRRSP")
    assert has("OS") == has("EFS") == has("EFS2") == set(CASES)


def test_sources_name_the_record_that_decides(made):
    adtte = made["ADTTE"].set_index(["USUBJID", "PARAMCD"])[["SRCDOM", "SRCVAR", "SRCSEQ"]]
    # by their keys the RS records of this subject are: NE at baseline, NR, CRh, CRh, relapse
    assert adtte.loc[("remission_then_relapse", "RFS")].tolist() == ["RS", "RSDTC", 5]
    assert adtte.loc[("remission_then_relapse", "TTR")].tolist() == ["RS", "RSDTC", 3]
    assert adtte.loc[("remission_then_relapse", "OS")].tolist()[:2] == ["ADSL", "DTHDT"]
    assert adtte.loc[("relapse_after_transplant", "OSH")].tolist()[:2] == ["ADSL", "HSCTDT"]


# -- best response and response flags: {day: result}, BOR, its day, first remission, what it shows
BEST = [
    ({29: "NR", 57: "CRh", 85: "CRi"}, {}, "CRh", 57, 57, "the best by rank, whenever it comes"),
    ({29: "CR", 57: "CR"}, {}, "CR", 29, 29, "of equal ones the earliest"),
    ({29: "MLFS", 57: "PR"}, {}, "MLFS", 29, None, "MLFS is no remission"),
    ({29: "NR", 57: "REL"}, {}, "NR", 29, None, "a relapse is never the best"),
    ({29: "PD", 57: "CR"}, {}, "PD", 29, None, "the first progression ends the interval and belongs to it"),
    ({29: "CR", 57: "REL", 85: "CR"}, {}, "CR", 29, 29, "after a relapse nothing counts"),
    ({29: "NR", 57: "CR"}, {"hsct": 57}, "CR", 57, 57, "the day of transplant counts"),
    ({29: "NR", 58: "CR"}, {"hsct": 57}, "NR", 29, None, "the day after it does not"),
    ({29: "NR", 57: "CR"}, {"nalt": 57}, "NR", 29, None, "the day of new therapy does not count"),
    ({29: "NR", 57: "CR"}, {"nalt": 58}, "CR", 57, 57, "the day before it does"),
    ({29: "NE", 57: "NE"}, {}, "NE", 29, None, "only NE"),
    ({}, {}, "NE", None, None, "no assessment: NE without a date"),
    ({29: "CR"}, {"nalt": 20}, "NE", None, None, "nothing before new therapy"),
    ({1: "CR", 29: "NR"}, {}, "NR", 29, None, "an assessment on the day of first dose is baseline"),
]


@pytest.fixture(scope="module")
def best(tmp_path_factory):
    cases = {f"S{i:02d}": ({"resp": resp, "alive": 300, **more}, {}) for i, (resp, more, *_) in enumerate(BEST)}
    return study_of(cases, tmp_path_factory.mktemp("best"))[0]["ADRS"]


@pytest.mark.parametrize("index", range(len(BEST)), ids=[b[-1].replace(" ", "_") for b in BEST])
def test_best_overall_response_and_first_remission(best, index):
    _, _, bor, day, remission, _ = BEST[index]
    rows = best[best["USUBJID"] == f"S{index:02d}"].set_index("PARAMCD")
    assert (rows.loc["BOR", "AVALC"], study_day(rows.loc["BOR", "ADT"])) == (bor, day)
    assert rows.loc["BOR", "AVAL"] == ["CR", "CRh", "CRi", "MLFS", "PR", "NR", "PD", "REL", "NE"].index(bor) + 1
    crc = rows.loc["CRCRSP"]
    assert (crc["AVALC"], crc["AVAL"], study_day(crc["ADT"])) == (("Y", 1, remission) if remission else ("N", 0, None))


def test_response_flags_are_nested(best):
    wide = best[best["PARAMCD"].isin(["CRRSP", "CRHRSP", "CRCRSP", "ORRSP"])]
    wide = wide.pivot(index="USUBJID", columns="PARAMCD", values="AVAL")
    assert (wide["CRRSP"] <= wide["CRHRSP"]).all() and (wide["CRHRSP"] <= wide["CRCRSP"]).all()
    assert (wide["CRCRSP"] <= wide["ORRSP"]).all() and len(wide) == len(BEST)


MRD = [
    ({29: "CR"}, {29: "NEGATIVE"}, {}, 29, "at the first remission"),
    ({29: "CR"}, {57: "NEGATIVE"}, {}, 57, "28 days after it"),
    ({29: "CR"}, {58: "NEGATIVE"}, {}, None, "29 days after it is too late"),
    ({29: "CR"}, {28: "NEGATIVE", 40: "POSITIVE"}, {}, None, "before it does not count"),
    ({29: "CR", 50: "REL"}, {50: "NEGATIVE"}, {}, None, "not on the day of relapse"),
    ({29: "CR"}, {40: "NEGATIVE"}, {"hsct": 40}, None, "not on the day of transplant"),
    ({29: "CR"}, {39: "NEGATIVE"}, {"hsct": 40}, 39, "the day before transplant"),
]


@pytest.fixture(scope="module")
def mrd(tmp_path_factory):
    cases = {f"S{i}": ({"resp": resp, "mrd": found, "alive": 300, **more}, {}) for i, (resp, found, more, *_) in enumerate(MRD)}
    adrs = study_of(cases, tmp_path_factory.mktemp("mrd"))[0]["ADRS"]
    return adrs[adrs["PARAMCD"] == "MRDNEG"].set_index("USUBJID")


@pytest.mark.parametrize("index", range(len(MRD)), ids=[m[-1].replace(" ", "_") for m in MRD])
def test_mrd_negative_within_28_days_of_remission(mrd, index):
    day = MRD[index][3]
    row = mrd.loc[f"S{index}"]
    assert (row["AVALC"], study_day(row["ADT"])) == ("Y" if day else "N", day)


def test_mrd_is_asked_only_of_subjects_in_remission(made):
    adrs = made["ADRS"]
    asked = set(adrs[adrs["PARAMCD"] == "MRDNEG"]["USUBJID"])
    assert asked == set(adrs[(adrs["PARAMCD"] == "CRCRSP") & (adrs["AVALC"] == "Y")]["USUBJID"])


def test_every_assessment_is_a_row_and_the_last_one_with_a_result_is_named(made):
    adrs = made["ADRS"]
    rows = adrs[adrs["USUBJID"] == "remission_then_relapse"]
    investigator = rows[rows["PARAMCD"] == "OVRINV"]
    assert investigator["AVALC"].tolist() == ["NE", "NR", "CRh", "CRh", "REL"]
    assert investigator["ADY"].tolist() == [-3, 29, 57, 113, 170] and investigator["SRCSEQ"].tolist() == [1, 2, 3, 4, 5]
    last = rows[rows["PARAMCD"] == "LSTAC"].iloc[0]
    assert (last["AVALC"], study_day(last["ADT"])) == ("REL", 170)
    assert "only_ne_and_alive" not in set(adrs[adrs["PARAMCD"] == "LSTAC"]["USUBJID"])


def test_events_are_one_row_each_subject_with_their_date(made):
    adrs = made["ADRS"]
    for code, name, day in (
        ("RELAPSE", "relapse_after_transplant", 260),
        ("PD", "response_then_progression", 57),
        ("DEATH", "remission_then_death", 150),
        ("HSCT", "death_after_transplant", 120),
        ("NALT", "new_therapy_before_landmark_and_cut_off", 40),
    ):
        rows = adrs[adrs["PARAMCD"] == code].set_index("USUBJID")
        assert len(rows) == len(CASES) and set(rows["AVALC"]) == {"Y", "N"}
        assert (rows.loc[name, "AVALC"], rows.loc[name, "AVAL"], study_day(rows.loc[name, "ADT"])) == ("Y", 1, day)
        assert rows[rows["AVALC"] == "N"][["ADT", "SRCDOM"]].isna().all(axis=None)


def test_parameters_and_their_texts_are_one_to_one(made):
    for name in ("ADRS", "ADTTE"):
        pairs = made[name][["PARAMCD", "PARAM", "PARAMN"]].drop_duplicates()
        assert not pairs.isna().any(axis=None) and len(pairs) == pairs["PARAM"].nunique() == pairs["PARAMN"].nunique()
        assert (pairs["PARAM"].str.len() <= 200).all()
