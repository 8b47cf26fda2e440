"""The derivations of ADSL on made-up subjects, case by case: the study's own spec over hand-made SDTM records."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.run.derive import carry_out
from engine.run.plan import Plan
from engine.run.run import Run
from engine.run.tables import Records, Table
from engine.spec.catalogue import Catalogue
from engine.spec.lint import lint
from engine.spec.study import load_study
from tests.by002.conftest import STUDY
from trialmill.build import Tools

CUT = "2026-03-31"
START = "2025-03-10"  # of the DLT window, whose Day 28 is 2025-04-06
TREATED = {
    "DM": [{"RFXSTDTC": f"{START}T08:00", "RFICDTC": "2025-03-01", "ARMCD": "ESC200", "ACTARMCD": "ESC200", "AGE": 50,
            "ARM": "BY002 200 mg QD Escalation", "ACTARM": "BY002 200 mg QD Escalation"}],
    "EX": [{"EXSTDTC": f"{START}T08:00", "EXENDTC": f"{START}T08:00", "EXSEQ": 1},
           {"EXSTDTC": "2025-03-11", "EXENDTC": "2025-05-31", "EXSEQ": 2}],
    "SV": [{"SVSTDTC": START, "SVOCCUR": "Y", "SVCNTMOD": "IN PERSON"},
           {"SVSTDTC": "2025-06-02", "SVOCCUR": "Y", "SVCNTMOD": "IN PERSON"}],
}  # fmt: skip
DERIVED = ("ADSL", "ADAE")  # by the study's specs; all else is made up
STOPPED = {"DSSCAT": "STUDY TREATMENT", "DSDECOD": "DISEASE RELAPSE", "DSTERM": "DISEASE RELAPSE", "EPOCH": "TREATMENT",
           "DSSTDTC": "2025-06-02", "DSSEQ": 9}  # fmt: skip


@pytest.fixture(scope="module")
def study():
    return load_study(STUDY)


@pytest.fixture(scope="module")
def adsl(study):
    """A function: SDTM records of several subjects to their ADSL records, each with what was told of it in "told"."""
    catalogue = Catalogue(study)
    plan = Plan(study.datasets)
    nodes = plan.order(plan.nodes_of(["ADSL"]))

    def table(name, records, columns, who):
        made = {}
        for column in sorted(columns):
            values = [r.get(column) for r in records]
            numeric = name not in ("eot",) and catalogue.type_of(name, column) == "Num"
            made[column] = pd.Series(values, dtype="float64" if numeric else "str")
        subject = np.array(who, dtype=np.int64)
        return Table(name, Records(subject, np.zeros(len(subject), dtype=np.int64)), made)

    def derive(*subjects):
        numbers = list(range(len(subjects)))
        names = pd.Series([f"BY002-01-{i:03d}" for i in numbers], dtype="str")
        people = Table("person", Records(np.array(numbers), np.array(numbers) * 0), {"USUBJID": names})
        run = Run(study, {}, people, Tools(study))
        for name in study.datasets:
            if name not in DERIVED:
                own = [(i, r) for i, s in enumerate(subjects) for r in s.get(name, [])]
                needed = {n.variable for n in nodes if n.dataset == name and n.kind == "var"}
                run.tables[name] = table(name, [r for _, r in own], needed, [i for i, _ in own])
        forms = [(i, r) for i, s in enumerate(subjects) for r in s.get("eot", [])]
        run.tables["eot"] = table("eot", [r for _, r in forms], {"LASTDOS"}, [i for i, _ in forms])
        run.tables["eot"].raw = True
        for node in nodes:
            if node.dataset in DERIVED:
                carry_out(run, plan, node, catalogue.type_of)
        columns = run.tables["ADSL"].columns
        frame = pd.DataFrame({n: _shown(n, v) for n, v in columns.items()}).astype(object)
        rows = frame.where(frame.notna(), None).to_dict("records")
        told = [i for i in run.close_issues() if i.dataset == "ADSL"]
        return [
            {**r, "told": [i.message for i in told if i.subject == name]} for r, name in zip(rows, names, strict=True)
        ]

    return derive


def _shown(name, values):
    if not name.endswith("DT") or values.dtype != np.float64:
        return values
    return [None if pd.isna(v) else (date(1960, 1, 1) + timedelta(days=int(v))).isoformat() for v in values]


def subject(**more):
    """The treated subject with other or further records: DM and eot replaced, other datasets appended."""
    made = {name: [dict(r) for r in records] for name, records in TREATED.items()}
    for name, records in more.items():
        if name == "DM":
            made["DM"][0] |= records
        else:
            made[name] = records if name == "EX" else made.get(name, []) + records
    return made


def test_the_study_lints(study):
    assert [str(p) for p in lint(study) if p.place and "adsl" in p.place.file] == []


ENDS = [
    ("2025-05-31", {"DS": [STOPPED]}, "2025-05-31", None, "the last dose"),
    (None, {}, CUT, "Y", "ongoing: the cut-off"),
    ("2025-05-31", {}, CUT, "Y", "on hold at the cut-off, treatment not ended"),
    ("2025-05-31", {"eot": [{"LASTDOS": "31-MAY-2025"}]}, "2025-05-31", None, "its end was recorded after the cut-off"),
    (None, {"DS": [STOPPED], "eot": [{"LASTDOS": "30-MAY-2025"}]}, "2025-05-30", None, "the end of treatment form"),
    ("2025-05", {"DS": [STOPPED]}, "2025-05-31", "D", "day missing: the last of the month"),
    ("2025-05", {"DS": [STOPPED], "eot": [{"LASTDOS": "20-MAY-2025"}]}, "2025-05-20", None, "a complete date is not imputed"),
    (None, {"DS": [STOPPED], "DM": {"DTHFL": "Y", "DTHDTC": "2025-06-20"}}, "2025-06-20", "Y", "not after death"),
]  # fmt: skip


def test_end_of_treatment(adsl):
    """Last dose, what else is recorded, TRTEDT, TRTEDTF."""
    first = TREATED["EX"][0]
    made = [
        subject(EX=[first, {"EXSTDTC": "2025-03-11", "EXENDTC": last, "EXSEQ": 2}], **more) for last, more, *_ in ENDS
    ]
    for row, (*_, ends, flag, why) in zip(adsl(*made), ENDS, strict=True):
        assert (row["TRTEDT"], row["TRTEDTF"]) == (ends, flag), why
        assert row["TRTDURD"] == (date.fromisoformat(ends) - date.fromisoformat(START)).days + 1, why
        told = any("says when" in m for m in row["told"])
        assert told == (flag == "Y" and row["EOTSTT"] != "ONGOING"), "an end that nothing dates is reported"


DEATHS = [
    ("2025-06-20", {}, "2025-06-20", None, "2025-06-20", "as recorded"),
    ("2025-06", {}, "2025-06-03", "D", "2025-06-03", "seen on 2 June: the day after"),
    ("2025-07", {}, "2025-07-01", "D", "2025-07-01", "seen in an earlier month: the first"),
    ("2025", {}, "2025-06-03", "M", "2025-06-03", "month missing: the day after last seen"),
    ("2026", {}, "2026-01-01", "M", "2026-01-01", "month missing: 1 January"),
    (None, {}, "2025-06-03", "Y", "2025-06-03", "date not known: the day after last seen"),
    ("2025-06", {"SS": [{"SSTESTCD": "LSCFADTC", "SSSTRESC": "2025-06-11"}]}, "2025-06-12", "D", "2025-06-12",
     "the family saw the subject on 11 June"),
    ("2025-06", {"CM": [{"CMSTDTC": "2025-06", "CMCAT": "CONCOMITANT MEDICATION"}]}, "2025-06-03", "D", "2025-06-03",
     "a partial date shows nobody alive on a day"),
]  # fmt: skip


def test_death(adsl):
    """DTHDTC, what else is recorded, DTHDT, DTHDTF, LSTALVDT."""
    made = [subject(DM={"DTHFL": "Y", "DTHDTC": dtc}, DS=[STOPPED], **more) for dtc, more, *_ in DEATHS]
    for row, (*_, died, flag, alive, why) in zip(adsl(*made), DEATHS, strict=True):
        assert (row["DTHDT"], row["DTHDTF"], row["LSTALVDT"]) == (died, flag, alive), why


ALIVE = [
    ({}, "2025-06-02", "the last visit"),
    ({"SV": [{"SVSTDTC": "2025-07-01", "SVOCCUR": "N"}]}, "2025-06-02", "a visit that did not take place"),
    ({"SV": [{"SVSTDTC": "2025-07-01", "SVOCCUR": "Y", "SVCNTMOD": "TELEPHONE CALL"}]}, "2025-06-02", "a telephone call"),
    ({"SV": [{"SVSTDTC": "2025-07-01"}]}, "2025-07-01", "an unscheduled visit"),
    ({"SS": [{"SSTESTCD": "LSCFADTC", "SSSTRESC": "2025-07-01", "SSDTC": "2025-07-20"}]}, "2025-07-01",
     "the date alive, not the date of the contact"),
    ({"LB": [{"LBDTC": "2025-07-02", "LBSTRESC": "5"}, {"LBDTC": "2025-07-09"}]}, "2025-07-02", "only with a result"),
    ({"PC": [{"PCDTC": "2025-07-02T08:00", "PCSTRESC": "<1.00"}, {"PCDTC": "2025-07-09"}]}, "2025-07-02",
     "a sample below quantitation was drawn from a living subject"),
    ({"VS": [{"VSDTC": "2025-07-02T08:00", "VSSTRESC": "70"}, {"VSDTC": "2025-07-09"}]}, "2025-07-02", "a vital sign"),
    ({"EG": [{"EGDTC": "2025-07-02T08:00:30", "EGSTRESC": "NORMAL"}, {"EGDTC": "2025-07-09"}]}, "2025-07-02", "an ECG"),
    ({"MI": [{"MIDTC": "2025-07-02", "MISTRESC": "<5"}, {"MIDTC": "2025-07-09"}]}, "2025-07-02", "a marrow that was assessed"),
    ({"GF": [{"GFDTC": "2025-07-02", "GFSTRESC": "UNDETERMINED"}, {"GFDTC": "2025-07-09"}]}, "2025-07-02",
     "a specimen that was sequenced, not one that failed"),
    ({"RS": [{"RSDTC": "2025-07-02", "RSSTRESC": "NE"}]}, "2025-07-02", "a response assessment"),
    ({"AE": [{"AESTDTC": "2025-06-30", "AEENDTC": "2025-07-02"}]}, "2025-07-02", "the end of an adverse event"),
    ({"AE": [{"AESTDTC": "2025-06-30", "AEENDTC": "2026-04-02"}]}, "2025-06-30", "an end after the cut-off does not count"),
    ({"PR": [{"PRSTDTC": "2025-07-02", "PRCAT": "TRANSFUSION"}]}, "2025-07-02", "a transfusion"),
    ({"DS": [{**STOPPED, "DSSTDTC": "2025-08-01"}]}, "2025-06-02", "a disposition date is not in the list"),
]  # fmt: skip


def test_last_known_alive(adsl):
    for row, (_, alive, why) in zip(adsl(*(subject(**more) for more, *_ in ALIVE)), ALIVE, strict=True):
        assert row["LSTALVDT"] == alive, why


def dosed(*intervals):
    return [{"EXSTDTC": s, "EXENDTC": e, "EXSEQ": i} for i, (s, e) in enumerate(intervals, 1)]


FULL = dosed((START, "2025-04-06"))
DLT = {"AEDLT": "Y", "AESTDTC": "2025-03-20"}


EVALUABLE = [
    ({"EX": FULL}, "Y", "N", "28 doses, followed to Day 28"),
    ({"EX": dosed((START, "2025-03-30"))}, "Y", "N", "21 doses are enough"),
    ({"EX": dosed((START, "2025-03-29"))}, "N", "N", "20 are not"),
    ({"EX": dosed((START, "2025-03-25"), ("2025-04-07", "2025-05-31"))}, "N", "N", "doses after Day 28 do not count"),
    ({"EX": dosed((START, "2025-03-12")), "AE": [DLT]}, "Y", "Y", "a toxicity makes evaluable whatever the doses"),
    ({"EX": FULL, "AE": [{**DLT, "AESTDTC": START}]}, "Y", "Y", "onset on Day 1"),
    ({"EX": FULL, "AE": [{**DLT, "AESTDTC": "2025-04-06"}]}, "Y", "Y", "onset on Day 28"),
    ({"EX": FULL, "AE": [{**DLT, "AESTDTC": "2025-04-07"}]}, "Y", "N", "onset on Day 29 is outside the window"),
    ({"EX": FULL, "AE": [{**DLT, "AESTDTC": "2025-03-09"}]}, "Y", "N", "onset before the first dose"),
    ({"EX": FULL, "AE": [{**DLT, "AESTDTC": "2025-04"}]}, "Y", "Y", "a month that may mean a day of the window"),
    ({"EX": FULL, "AE": [{**DLT, "AESTDTC": "2025-05"}]}, "Y", "N", "a month after it"),
    ({"EX": FULL, "AE": [{**DLT, "AEDLT": "N"}]}, "Y", "N", "the investigator decides"),
    ({"EX": dosed((START, "2025-04-04")), "DM": {"DTHFL": "Y", "DTHDTC": "2025-04-05"}}, "N", "N", "dead on Day 27"),
    ({"EX": dosed((START, "2025-04-04")), "DM": {"DTHFL": "Y", "DTHDTC": "2025-04-06"}}, "Y", "N", "dead on Day 28"),
    ({"EX": FULL, "DS": [{"DSSCAT": "STUDY PARTICIPATION", "DSDECOD": "WITHDRAWAL BY SUBJECT",
      "EPOCH": "FOLLOW-UP", "DSSTDTC": "2025-04-05", "DSSEQ": 9}]}, "N", "N", "withdrawn on Day 27"),
    ({"EX": FULL, "DM": {"ARMCD": "EXP400", "ACTARMCD": "EXP400"}}, "N", "N", "expansion is never evaluable"),
    ({"EX": FULL, "DM": {"ARMCD": "EXP400", "ACTARMCD": "EXP400"}, "AE": [DLT]}, "N", "N", "whatever its toxicities"),
]  # fmt: skip


def test_evaluable_for_dose_limitation(adsl):
    """What is recorded, DLTEVFL, DLTFL."""
    made = [subject(**more) for more, *_ in EVALUABLE]
    for each in made:
        if "DTHFL" in each["DM"][0]:
            each["SV"] = each["SV"][:1]
    for row, each, (*_, evaluable, toxic, why) in zip(adsl(*made), made, EVALUABLE, strict=True):
        assert (row["DLTEVFL"], row["DLTFL"]) == (evaluable, toxic), why
        outside = any(r.get("AEDLT") == "Y" for r in each.get("AE", [])) and toxic == "N"
        assert any("dose-limiting toxicity outside" in m for m in row["told"]) == outside, why


def test_not_followed_to_day_28_is_not_evaluable(adsl):
    made = subject(EX=dosed((START, "2025-04-02")))
    made["SV"] = [{"SVSTDTC": "2025-04-02", "SVOCCUR": "Y"}]
    (row,) = adsl(made)
    assert (row["_DOSEC1"], row["LSTALVDT"], row["DLTEVFL"]) == (24, "2025-04-02", "N")


def test_a_screen_failure_has_no_treatment_and_is_in_no_population(adsl):
    failed = {"DM": [{"ARMNRS": "SCREEN FAILURE", "RFICDTC": "2025-03-01", "AGE": 61}],
              "DS": [{"DSSCAT": "STUDY PARTICIPATION", "DSDECOD": "SCREEN FAILURE", "EPOCH": "SCREENING",
                      "DSSTDTC": "2025-03-08", "DSSEQ": 2}]}  # fmt: skip
    (row,) = adsl(failed)
    flags = ("SAFFL", "FASFL", "ENRLFL", "SCRNFFL", "DLTEVFL", "PKFL", "RESPEVFL")
    assert [row[n] for n in flags] == ["N", "N", "N", "Y", "N", "N", "N"]
    absent = ("TRT01P", "TRT01A", "TR01AG1", "TRTSDT", "TRTSDTM", "TRTSTMF", "TRTEDT", "TRTEDTF", "DLTFL", "EOTSTT")
    assert [row[n] for n in absent] == [None] * len(absent)
    assert (row["EOSSTT"], row["DCSREAS"], row["EOSDT"]) == ("DISCONTINUED", "SCREEN FAILURE", "2025-03-08")
    assert row["AGEGR1"] == ">=60" and row["told"] == []


def test_completed_screening_is_no_end_of_study(adsl):
    screened = {"DSSCAT": "STUDY PARTICIPATION", "DSDECOD": "COMPLETED", "EPOCH": "SCREENING", "DSSTDTC": "2025-03-08",
                "DSSEQ": 2}  # fmt: skip
    done = {**screened, "EPOCH": "LONG-TERM FOLLOW-UP", "DSSTDTC": "2026-01-08", "DSSEQ": 8}
    ongoing, completed = adsl(subject(DS=[screened]), subject(DS=[screened, STOPPED, done]))
    assert (ongoing["EOSSTT"], ongoing["DCSREAS"], ongoing["EOSDT"]) == ("ONGOING", None, None)
    assert (completed["EOSSTT"], completed["DCSREAS"], completed["EOSDT"]) == ("COMPLETED", None, "2026-01-08")
    assert (ongoing["EOTSTT"], completed["EOTSTT"], completed["DCTREAS"]) == (
        "ONGOING",
        "DISCONTINUED",
        "DISEASE RELAPSE",
    )


def test_a_first_dose_without_a_time_starts_at_midnight_and_says_so(adsl):
    timed, untimed = adsl(subject(), subject(DM={"RFXSTDTC": START}))
    assert timed["TRTSDTM"] - untimed["TRTSDTM"] == 8 * 3600
    assert (timed["TRTSTMF"], untimed["TRTSTMF"]) == (None, "H")


RESPONSES = [
    ("NR", "2025-04-07", "Y", "no response is an assessment"),
    ("NE", "2025-04-07", "N", "not evaluable is none"),
    ("RELAPSED DISEASE", "2025-04-07", "N", "relapse is not in the list"),
    ("MORPHOLOGIC LEUKEMIA-FREE STATE", "2025-04-07", "Y", "in CDISC words"),
    ("CR", START, "N", "on the day of first dose is baseline"),
    ("CR", "2025-04", "N", "a partial date does not count"),
]  # fmt: skip


def test_response_evaluable(adsl):
    made = [subject(RS=[{"RSTESTCD": "OVRLRESP", "RSSTRESC": r, "RSDTC": d, "RSSEQ": 1}]) for r, d, *_ in RESPONSES]
    for row, (*_, flag, why) in zip(adsl(*made), RESPONSES, strict=True):
        assert row["RESPEVFL"] == flag, why


PROFILE = {"PCTESTCD": "BY002", "PCSTRESN": 812.0, "PCTPTNUM": 2.0, "PCRFTDTC": f"{START}T08:00"}


SAMPLES = [
    (PROFILE, "Y", "a concentration after a known dose"),
    ({**PROFILE, "PCSTRESN": None}, "N", "below quantitation is no number"),
    ({**PROFILE, "PCTPTNUM": 0.0}, "N", "before the dose"),
    ({**PROFILE, "PCTESTCD": "BY002M1"}, "N", "only the metabolite"),
    ({**PROFILE, "PCRFTDTC": None}, "N", "the dose is not known"),
]  # fmt: skip


def test_pharmacokinetic_population(adsl):
    for row, (_, flag, why) in zip(adsl(*(subject(PC=[sample]) for sample, *_ in SAMPLES)), SAMPLES, strict=True):
        assert row["PKFL"] == flag, why


def test_transplant_and_new_therapy(adsl):
    hsct = [{"PRCAT": "HSCT", "PRSTDTC": d} for d in ("2025-08-01", "2025-07-01", "2025-02-01")]
    prior = [{"PRCAT": "PRIOR HSCT", "PRSTDTC": "2024-02-01"}]
    new = [{"CMCAT": "SUBSEQUENT ANTI-LEUKEMIA THERAPY", "CMSTDTC": d} for d in ("2025-09-01", "2025-10-01", "2025-06")]
    row, other, part, month = adsl(
        subject(PR=hsct + prior, CM=new[:2]),
        subject(),
        subject(PR=[{**hsct[0], "PRSTDTC": "2025-08"}]),
        subject(CM=new),
    )
    assert (row["HSCTFL"], row["HSCTDT"], row["PRHSCTFL"], row["NALTDT"]) == ("Y", "2025-07-01", "Y", "2025-09-01")
    assert (row["HSCTDTF"], row["NALTDTF"]) == (None, None)
    assert (other["HSCTFL"], other["HSCTDT"], other["PRHSCTFL"], other["NALTDT"]) == ("N", None, "N", None)
    assert (part["HSCTFL"], part["HSCTDT"], part["HSCTDTF"]) == ("Y", "2025-08-01", "D"), "day 1 of the known month"
    assert (month["NALTDT"], month["NALTDTF"]) == ("2025-06-01", "D"), "a month is earlier than a day of a later one"


def test_a_partly_known_new_therapy_or_transplant_before_the_last_dose_is_told(adsl):
    """The last dose is on 2025-05-31: what is imputed before it cuts responses and emergence, so it must be looked at."""
    new = [{"CMCAT": "SUBSEQUENT ANTI-LEUKEMIA THERAPY", "CMSTDTC": d} for d in ("2025-05", "2025-06")]
    hsct = [{"PRCAT": "HSCT", "PRTRT": "ALLOGENEIC HSCT", "PRSTDTC": d} for d in ("2025-05", "2025-06")]
    rows = adsl(*(subject(CM=[n], DS=[STOPPED]) for n in new), *(subject(PR=[h], DS=[STOPPED]) for h in hsct))
    assert [r["NALTDT"] for r in rows[:2]] == ["2025-05-01", "2025-06-01"]
    assert [len([m for m in r["told"] if "partly known" in m]) for r in rows] == [1, 0, 1, 0]


def test_a_transplant_that_is_not_allogeneic_is_told(adsl):
    first, second = ({"PRCAT": "HSCT", "PRTRT": t, "PRSTDTC": d} for t, d in (("AUTOLOGOUS HSCT", "2025-07-01"), ("ALLOGENEIC HSCT", "2025-08-01")))
    auto, allo = adsl(subject(PR=[second, first]), subject(PR=[second]))
    assert [m for m in auto["told"] if "not allogeneic" in m] and not [m for m in allo["told"] if "not allogeneic" in m]


def test_death_after_the_last_dose_to_the_day(adsl):
    made = [subject(DM={"DTHFL": "Y", "DTHDTC": d}, DS=[STOPPED]) for d in ("2025-06-30", "2025-07-01")]
    rows = adsl(*made, subject(DS=[STOPPED]))
    assert [r["TRTEDT"] for r in rows] == ["2025-05-31"] * 3
    assert [r["DTHB30FL"] for r in rows] == ["Y", "N", None], "30 days are within, 31 are not; null for the living"


def test_the_order_of_the_records_changes_nothing(adsl):
    made = subject(AE=[DLT, {**DLT, "AESTDTC": "2025-03-21"}], DS=[STOPPED])
    turned = {name: records[::-1] for name, records in made.items()}
    assert adsl(made) == adsl(turned)
