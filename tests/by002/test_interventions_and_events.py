"""BY002's specs of EC, EX, CM, PR, MH and AE on hand-made records of made-up subjects.

Everything else of the export is empty, so that every expected value can be read off the few records given. The cases
of a table are different subjects of one build.
"""

from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import adam  # noqa: F401
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.run.assemble import assemble
from engine.run.build import start
from engine.run.execute import execute
from engine.run.identity import RawTable
from engine.run.plan import Plan
from engine.spec.catalogue import Catalogue
from engine.spec.study import load_study
from trialmill.build import Tools

STUDY = load_study(Path(__file__).resolve().parents[2] / "specs" / "by002")
NAMES = ("EC", "EX", "CM", "PR", "MH", "AE")
CODED = (
    "Cough",
    "Rash",
    "Fever",
    "Gout",
    "Acute myeloid leukaemia",
    "Acute myeloid leukaemia relapse",
    "Extramedullary disease",
)
DRUGS = ("Voriconazole", "Fluconazole", "Paracetamol", "DA 3+7", "FLAG-Ida", "Gilteritinib")
BASE = {
    "subj": [{"PERSONID": "P1", "SCRNO": "01-901"}],
    "ic": [{"ICDAT": "01-MAR-2025", "ICTYPE": "MAIN"}],
    "enr": [{"ENRYN": "Y", "ENRDAT": "09-MAR-2025", "COHORT": "ESC", "DOSELVL": "200"}],
    "dose": [{"DSTDAT": "10-MAR-2025", "DONGO": "Y", "DTAKEN": "Y", "DOSE": "200", "N50": "0", "N100": "2",
              "DREAS": "PLANNED"}],
    "pkd": [{"PKDOSDAT": "10-MAR-2025", "PKDOSTIM": "08:05", "FASTYN": "Y", "VISITOID": "C1D1"}],
    "meddra": [{"VERBATIM": v, "VERSION": "0", "LLT": v, "LLTCD": "1", "PT": v.upper(), "PTCD": "2", "HLT": "H",
                "HLTCD": "3", "HLGT": "G", "HLGTCD": "4", "SOC": "S", "SOCCD": "5"} for v in CODED],
    "whodrug": [{"VERBATIM": v, "VERSION": "0", "DECOD": v.upper(), "CLAS": "C", "CLASCD": "K"} for v in DRUGS],
    "translations": [{"field": "AE.AETERMZH", "zh": "发热（T＞38℃）", "en": "Fever"},
                     {"field": "CM.CMTRTZH", "zh": "伏立康唑", "en": "Voriconazole"},
                     {"field": "MH.MHTERM", "zh": "痛风", "en": "Gout"},
                     {"field": "DOSE.DREASO", "zh": "药片丢失", "en": "Tablets lost"}],
}  # fmt: skip
TREATED = {"DOSE": "200", "N50": "0", "N100": "2", "DTAKEN": "Y", "DONGO": "N", "DREAS": "PLANNED"}
EVENT = {"AENO": "1", "AETERM": "Cough", "AESTDAT": "20-MAR-2025", "AEENDAT": "25-MAR-2025", "AEONGO": "N",
         "AETOXGR": "2", "AESER": "N", "AESDTH": "N", "AESLIFE": "N", "AESHOSP": "N", "AESDISAB": "N", "AESCONG": "N",
         "AESINTV": "N", "AESMIE": "N", "AEREL": "POSS", "AEACN": "NONE", "AEOUT": "RECOVERED/RESOLVED", "AEDLT": "N",
         "AEAESI": "N", "AETRT": "NONE"}  # fmt: skip
DRUG = {"CMTRT": "Paracetamol", "CMDOSE": "500", "CMDOSU": "mg", "CMFRQ": "PRN", "CMROUTE": "ORAL",
        "CMSTDAT": "11-MAR-2025", "CMENDAT": "12-MAR-2025", "CMONGO": "N"}  # fmt: skip


def raw_tables(records):
    """Every form and vendor file of the study, with BASE and then `records`, which replace those of BASE."""
    given = {**BASE, **records}
    columns = {f: (*STUDY.raw.common, *STUDY.forms.columns(f)) for f in STUDY.forms.forms}
    columns |= {v: tuple(layout.columns) for v, layout in STUDY.raw.vendors.items()}
    tables = {}
    for name, names in columns.items():
        rows, number = [], Counter()
        for row in given.get(name, []):
            subject = row.get("SUBJECT", "01-901")
            number[subject] += 1
            common = {"STUDY": "BY002", "SITE": "01", "SUBJECT": subject, "VISITOID": "LOG", "VISITREP": "1",
                      "FORMOID": name.upper(), "FORMREP": str(number[subject]), "RECNO": str(number[subject]),
                      "RECSTAT": "ACTIVE", "ENTRYDTM": "2025-04-01T00:00:00Z"}  # fmt: skip
            whole = {**common, **row} if name in STUDY.forms.forms else row
            assert set(whole) <= set(names), f"{name} has no {set(whole) - set(names)}"
            rows.append(whole)
        frame = pd.DataFrame({c: pd.array([r.get(c) or None for r in rows], dtype="str") for c in names})
        subject = "SUBJECT" if "SUBJECT" in names else ""
        zeros = np.zeros(len(rows), dtype=np.int64)
        tables[name] = RawTable(name, frame, (f"{name}.csv",), zeros, np.arange(2, len(rows) + 2), subject)
    return tables


def build(names=NAMES, many=False, **records):
    """Datasets by name (frames with '' for missing text) and the issues, worst first."""
    catalogue = Catalogue(STUDY)
    run, issues = start(STUDY, raw_tables(records), Tools(STUDY))
    run.issues.add(issues)
    plan = Plan(STUDY.datasets)
    failed = execute(run, plan, plan.order(plan.nodes_of(names)), catalogue.type_of)
    assert not failed, [str(i) for i in run.close_issues()]
    made = {b.info.name: b.frame for name in names for b in assemble(run, catalogue, name)}
    frames = {}
    for name, frame in made.items():
        text = [c for c in frame if frame[c].dtype != np.float64]
        frames[name] = frame.assign(**{c: frame[c].fillna("").astype(object) for c in text})
    issues = [(i.severity, f"{i.dataset}.{i.variable}", i.message, i.subject) for i in run.close_issues()]
    return frames, [i if many else i[:3] for i in issues]


def together(names, cases):
    """Datasets and issues of each case, all built at once: case n is the subject 01-9nn."""
    records = {}
    for number, case in enumerate(cases, start=1):
        subject = f"01-{900 + number}"
        own = {"subj": [{"PERSONID": subject, "SCRNO": subject}]}
        for name, given in {**BASE, **own, **case}.items():
            rows_ = [{**row, "SUBJECT": subject} if name in STUDY.forms.forms else row for row in given]
            records.setdefault(name, [])
            records[name] += [row for row in rows_ if name in STUDY.forms.forms or row not in records[name]]
    made, issues = build(names, many=True, **records)
    split = []
    for number in range(1, len(cases) + 1):
        who = f"BY002-01-{900 + number}"
        frames = {name: f[f["USUBJID"] == who].reset_index(drop=True) for name, f in made.items()}
        split.append((frames, [i[:3] for i in issues if i[3] == who]))
    return split


def table(names, cases, records):
    """A test's table: each case with a function that gives what the build made of it; built when first asked for."""

    @cache
    def built():
        return together(names, [records(*case) for case in cases])

    return [(*case, lambda n=number: built()[n]) for number, case in enumerate(cases)]


def rows(frame, *columns):
    return frame[list(columns)].to_numpy().tolist()


def qualifiers(frame, sequence="1"):
    return dict(rows(frame[frame["IDVARVAL"] == sequence], "QNAM", "QVAL"))


# -- EC and EX


def tablets_of(tablets, _, mg, *more):
    """One interval of so many tablets of 50 and of 100 mg."""
    dose = {"DSTDAT": "10-MAR-2025", "DENDAT": "12-MAR-2025", "N50": tablets[0], "N100": tablets[1], "DOSE": str(mg)}
    return {"dose": [{**TREATED, **dose}], "pkd": []}


def last_doses(start, end, *more):
    """A first day and one more interval."""
    first = {**TREATED, "DSTDAT": "10-MAR-2025", "DENDAT": "10-MAR-2025"}
    return {"dose": [first, {**TREATED, "DSTDAT": start, "DENDAT": end, "DONGO": "N" if end else "Y"}]}


def test_an_open_interval_is_split_at_the_first_dose_and_stays_open():
    made, issues = build(("EC", "EX"))
    assert rows(made["EX"], "EXSEQ", "EXLNKID", "EXDOSE", "EXDOSU", "EXDOSFRQ", "EXSTDTC", "EXENDTC", "EXSTDY") == [
        [1, "1-1", 200, "mg", "QD", "2025-03-10T08:05", "2025-03-10T08:05", 1],
        [2, "1-2", 200, "mg", "QD", "2025-03-11", "", 2],
    ]
    assert rows(made["EC"], "ECMOOD", "ECPRESP", "ECOCCUR", "ECDOSE", "ECDOSU", "ECPSTRG", "ECPSTRGU", "ECFAST") == [
        ["PERFORMED", "Y", "Y", 2, "TABLET", 100, "mg", "Y"],
        ["PERFORMED", "Y", "Y", 2, "TABLET", 100, "mg", ""],
    ]
    assert not issues


@pytest.mark.parametrize(
    ("tablets", "expected", "mg", "why", "built"),
    table(
        ("EC", "EX"),
        [
            (("0", "2"), [2, "TABLET", 100, "mg"], 200, "two of 100 mg"),
            (("1", "0"), [1, "TABLET", 50, "mg"], 50, "one of 50 mg"),
            (("3", ""), [3, "TABLET", 50, "mg"], 150, "the other strength left blank"),
            (("1", "1"), [150, "mg", None, ""], 150, "two strengths: in mg"),
            (("", ""), [200, "mg", None, ""], 200, "tablets not recorded: in mg"),
        ],
        tablets_of,
    ),
)
def test_tablets_of_one_strength_are_counted_and_mixed_ones_given_in_mg(tablets, expected, mg, why, built):
    made, issues = built()
    found = rows(made["EC"], "ECDOSE", "ECDOSU", "ECPSTRG", "ECPSTRGU")[0]
    assert [None if v != v else v for v in found] == expected, why  # noqa: PLR0124  NaN
    assert rows(made["EX"], "EXDOSE", "EXDOSU") == [[mg, "mg"]]
    assert not issues


def test_missed_and_adjusted_doses():
    made, issues = build(
        ("EC", "EX"),
        dose=[
            {**TREATED, "DSTDAT": "10-MAR-2025", "DENDAT": "16-MAR-2025"},
            {"DSTDAT": "17-MAR-2025", "DENDAT": "18-MAR-2025", "DONGO": "N", "DTAKEN": "N", "DREAS": "AE", "DAENO": "3"},
            {"DSTDAT": "19-MAR-2025", "DENDAT": "19-MAR-2025", "DONGO": "N", "DTAKEN": "N", "DREAS": "OTHER",
             "DREASO": "药片丢失"},
            {**TREATED, "DSTDAT": "20-MAR-2025", "DENDAT": "25-MAR-2025", "DOSE": "100", "N100": "1", "DREAS": "CYP3A4"},
        ],
    )  # fmt: skip
    taken = rows(made["EC"], "ECSTDTC", "ECOCCUR", "ECREASOC", "ECADJ", "ECDOSU", "ECDOSFRQ", "ECSPID", "ECLNKID")
    assert taken == [
        ["2025-03-10T08:05", "Y", "", "", "TABLET", "QD", "", "1-1"],
        ["2025-03-11", "Y", "", "", "TABLET", "QD", "", "1-2"],
        ["2025-03-17", "N", "ADVERSE EVENT", "", "", "", "3", ""],
        ["2025-03-19", "N", "Tablets lost", "", "", "", "", ""],
        ["2025-03-20", "Y", "", "STRONG CYP3A4 INHIBITOR", "TABLET", "QD", "", "4-1"],
    ]
    assert rows(made["EX"], "EXLNKID", "EXDOSE", "EXADJ") == [
        ["1-1", 200, ""], ["1-2", 200, ""], ["4-1", 100, "STRONG CYP3A4 INHIBITOR"],
    ], "missed doses are absent from EX"  # fmt: skip
    assert made["EC"].loc[made["EC"]["ECOCCUR"] == "N", "ECDOSE"].isna().all() and not issues


@pytest.mark.parametrize(
    ("start", "end", "kept", "why", "built"),
    table(
        ("EC", "EX"),
        [
            ("25-MAR-2026", "31-MAR-2026", [["2026-03-25", "2026-03-31"]], "ends on the day of the cut-off"),
            ("25-MAR-2026", "05-APR-2026", [["2026-03-25", ""]], "goes on beyond it: ongoing at the cut-off"),
            ("01-APR-2026", "05-APR-2026", [], "starts after it"),
            ("31-MAR-2026", "", [["2026-03-31", ""]], "starts on it and is open"),
        ],
        last_doses,
    ),
)
def test_doses_at_the_cut_off(start, end, kept, why, built):
    assert rows(built()[0]["EX"], "EXSTDTC", "EXENDTC")[1:] == kept, why


def test_a_split_at_the_cut_off_makes_no_record_after_it():
    pkd = [*BASE["pkd"], {"PKDOSDAT": "31-MAR-2026", "PKDOSTIM": "09:00", "VISITOID": "C1D15"}]
    made, _ = build(("EC", "EX"), pkd=pkd)
    assert rows(made["EC"], "ECSTDTC", "ECENDTC")[1:] == [
        ["2025-03-11", "2026-03-30"], ["2026-03-31T09:00", "2026-03-31T09:00"],
    ]  # fmt: skip
    pkd[1]["PKDOSDAT"] = "02-APR-2026"
    made, _ = build(("EC", "EX"), pkd=pkd)
    assert rows(made["EC"], "ECSTDTC", "ECENDTC")[1:] == [["2025-03-11", ""]]


@pytest.mark.parametrize(
    ("dose", "said", "built"),
    table(
        ("EC", "EX"),
        [
            ({"DSTDAT": "11-MAR-2025"}, "pkd.PKDOSDAT lies in no interval"),
            ({"DTAKEN": "N", "DOSE": "", "N50": "", "N100": ""}, "pkd.PKDOSDAT lies in no interval"),
            ({"DOSE": "250"}, "do not add up"),
            ({"DONGO": "N"}, "no end date and is not marked ongoing"),
            ({"DENDAT": "12-MAR-2025"}, "marked ongoing and has an end date"),
            ({"DONGO": "N", "DENDAT": "09-MAR-2025"}, "ends before it starts"),
            ({"DSTTIM": "09:30"}, "differs between the intake form and the PK form"),
        ],
        lambda dose, said: {"dose": [{**BASE["dose"][0], **dose}]},
    ),
)
def test_contradictions_of_the_intake_form_are_issues(dose, said, built):
    assert any(said in message for _, _, message in built()[1]), built()[1]


def test_a_dose_after_the_end_of_treatment_is_an_issue():
    _, issues = build(("EC", "EX"), eot=[{"EOTDAT": "20-MAR-2025", "EOTREAS": "AE"}])
    assert not issues, "an interval that is open may have ended"
    late = {**TREATED, "DSTDAT": "10-MAR-2025", "DENDAT": "21-MAR-2025"}
    _, issues = build(("EC", "EX"), dose=[late], eot=[{"EOTDAT": "20-MAR-2025", "EOTREAS": "AE"}])
    assert [i[1:] for i in issues] == [("EX.EXENDTC", 'a dose after the end of treatment: "2025-03-21"')]
    _, issues = build(
        ("EC", "EX"), dose=[late], eot=[{"EOTDAT": "25-MAR-2025", "LASTDOS": "20-MAR-2025", "EOTREAS": "AE"}]
    )
    assert [i[1] for i in issues] == ["EX.EXENDTC"] and "last dose" in issues[0][2]


# -- AE


@pytest.mark.parametrize(
    ("start", "time", "dtc", "day", "epoch", "why", "built"),
    table(
        ("AE",),
        [
            ("20-MAR-2025", "14:30", "2025-03-20T14:30", 11, "TREATMENT", "date and time"),
            ("20-MAR-2025", "UN:UN", "2025-03-20", 11, "TREATMENT", "time unknown: a date"),
            ("10-MAR-2025", "07:00", "2025-03-10T07:00", 1, "SCREENING", "before the first dose of that day"),
            ("10-MAR-2025", "", "2025-03-10", 1, "TREATMENT", "day of first dose, no time, not planned before it"),
            ("09-MAR-2025", "", "2025-03-09", -1, "SCREENING", "the day before is -1"),
            ("UN-APR-2025", "", "2025-04", None, "TREATMENT", "day unknown: no study day"),
            ("UN-MAR-2025", "", "2025-03", None, "", "a month with two epochs"),
            ("15-UNK-2025", "", "2025---15", None, "", "month unknown, day known"),
            ("UN-UNK-2025", "", "2025", None, "", "month unknown"),
            ("UN-UNK-UNKN", "", "", None, "", "nothing known"),
        ],
        lambda start, time, *_: {"ae": [{**EVENT, "AESTDAT": start, "AESTTIM": time}]},
    ),
)
def test_partial_dates_stay_partial(start, time, dtc, day, epoch, why, built):
    found = rows(built()[0]["AE"], "AESTDTC", "AESTDY", "EPOCH")[0]
    assert [None if v != v else v for v in found] == [dtc, day, epoch], why  # noqa: PLR0124  NaN


@pytest.mark.parametrize(
    ("start", "kept", "why", "built"),
    table(
        ("AE",),
        [
            ("31-MAR-2026", True, "the day of the cut-off"),
            ("01-APR-2026", False, "the day after"),
            ("UN-MAR-2026", True, "a month that may lie before it"),
            ("UN-APR-2026", False, "a month that cannot"),
            ("UN-UNK-2026", True, "a year that may"),
            ("05-UNK-2026", True, "month unknown"),
            ("UN-UNK-2027", False, "a year that cannot"),
            ("UN-UNK-UNKN", True, "unknown: may lie before it"),
        ],
        lambda start, *_: {"ae": [{**EVENT, "AESTDAT": start, "AEENDAT": "", "AEONGO": "Y"}]},
    ),
)
def test_the_cut_keeps_what_may_have_started_by_then(start, kept, why, built):
    assert len(built()[0]["AE"]) == kept, why


def test_chinese_is_translated_and_never_written():
    made, issues = build(("AE", "CM", "MH"),
                         ae=[{**EVENT, "AETERM": "", "AETERMZH": "发热(T>38℃)"}],
                         cm=[{**DRUG, "CMTRT": "", "CMTRTZH": "伏立康唑"}],
                         mh=[{"MHTERM": "痛风", "MHONGO": "Y"}])  # fmt: skip
    assert rows(made["AE"], "AETERM", "AEDECOD", "AELLTCD") == [["Fever", "FEVER", 1]]
    assert rows(made["CM"], "CMTRT", "CMDECOD") == [["Voriconazole", "VORICONAZOLE"]]
    assert ["Gout", "GOUT"] in rows(made["MH"], "MHTERM", "MHDECOD")
    assert not issues


def test_a_missing_translation_is_blocking():
    _, issues = build(("AE",), ae=[{**EVENT, "AETERM": "", "AETERMZH": "头痛"}])
    assert ("blocking", "AE.AETERM", 'ae.AETERMZH has no translation in translations.csv: "头痛"') in issues


def test_actions_taken_together():
    made, _ = build(("AE",), ae=[{**EVENT, "AEACN": "INT;WD;RED"}, {**EVENT, "AENO": "2", "AETERM": "Rash"}])
    assert rows(made["AE"], "AETERM", "AEACN") == [["Cough", "DRUG WITHDRAWN"], ["Rash", "DOSE NOT CHANGED"]]
    assert qualifiers(made["SUPPAE"]) == {
        "AEACN1": "DRUG WITHDRAWN", "AEACN2": "DOSE REDUCED", "AEACN3": "DRUG INTERRUPTED", "AEDLT": "N",
    }  # fmt: skip
    assert qualifiers(made["SUPPAE"], "2") == {"AEDLT": "N"}


def test_other_answers_of_the_event_form():
    event = {**EVENT, "AEREL": "DEF", "AETRT": "MED;OTH", "AETRTO": "Oxygen", "AEAESI": "DS", "AEENDAT": "", "AEONGO": "Y",
             "AEOUT": "NOT RECOVERED/NOT RESOLVED", "AESER": "Y", "AESHOSP": "Y"}  # fmt: skip
    made, issues = build(("AE",), ae=[event])
    wanted = {"AEREL": "DEFINITELY RELATED", "AECONTRT": "Y", "AEACNOTH": "OTHER", "AETOXGR": "2", "AESER": "Y",
              "AESHOSP": "Y", "AESDTH": "N", "AEENRTPT": "ONGOING", "AEENTPT": "2026-03-31", "AEENDTC": ""}  # fmt: skip
    assert made["AE"].iloc[0][list(wanted)].to_dict() == wanted
    assert qualifiers(made["SUPPAE"]) == {"AEDLT": "N", "AEAESI": "DS", "AETRTO": "Oxygen"}
    assert not issues
    made, _ = build(("AE",), ae=[event], eos=[{"EOSDAT": "30-JUN-2025", "EOSREAS": "LTFU"}])
    assert rows(made["AE"], "AEENTPT") == [["2025-06-30"]], "ongoing at the end of the study"


FATAL = {"AEOUT": "FATAL", "AESDTH": "Y", "AETOXGR": "5", "AESER": "Y"}
DEAD = [{"DTHDAT": "25-MAR-2025", "DTHCAUS": "AE", "DTHAENO": "1"}]


@pytest.mark.parametrize(
    ("change", "dead", "said", "built"),
    table(
        ("AE",),
        [
            ({}, DEAD, ""),
            ({"AETOXGR": "4"}, DEAD, "do not agree"),
            ({"AESDTH": "N", "AEENDAT": "24-MAR-2025", "AESLIFE": "Y"}, DEAD, "do not agree"),
            ({"AEOUT": "UNKNOWN"}, DEAD, "do not agree"),
            ({}, [], "do not agree"),
            ({"AEOUT": "UNKNOWN", "AESDTH": "N", "AETOXGR": "3", "AESHOSP": "Y"}, DEAD, "named as cause of death"),
            ({"AESER": "N"}, DEAD, "is not serious"),
        ],
        lambda change, dead, _: {"ae": [{**EVENT, **FATAL, **change}], "dth": dead},
    ),
)
def test_a_fatal_event_and_the_death_agree_or_it_is_an_issue(change, dead, said, built):
    assert any(said in m for _, _, m in built()[1]) if said else not built()[1], built()[1]


@pytest.mark.parametrize(
    ("change", "said", "built"),
    table(
        ("AE",),
        [
            ({"AESER": "Y"}, "without a criterion"),
            ({"AEONGO": "Y"}, "marked ongoing and has an end date"),
            ({"AEENDAT": ""}, "not ongoing and has no end date"),
            ({"AEENDAT": "19-MAR-2025"}, "ends before it starts"),
            ({"AETRT": "OTH"}, "not specified"),
            ({"AEDLT": "Y", "AESTDAT": "07-APR-2025", "AEENDAT": "08-APR-2025"}, "dose limiting toxicity"),
            ({"AEDLT": "Y", "AESTDAT": "06-APR-2025", "AEENDAT": "08-APR-2025"}, ""),
        ],
        lambda change, _: {"ae": [{**EVENT, **change}]},
    ),
)
def test_contradictions_of_the_event_form_are_issues(change, said, built):
    assert any(said in m for _, _, m in built()[1]) if said else not built()[1], built()[1]


def test_of_exact_repeats_the_lowest_number_stays():
    made, issues = build(("AE", "CM", "EX"), ae=[EVENT, EVENT, {**EVENT, "AENO": "2"}], cm=[DRUG, DRUG],
                         dose=[BASE["dose"][0], BASE["dose"][0]])  # fmt: skip
    assert rows(made["AE"], "AESEQ", "AESPID") == [[1, "1"], [2, "2"]]
    assert len(made["CM"]) == 1 and len(made["EX"]) == 2 and not issues


def test_a_long_term_goes_on_in_the_qualifiers():
    made, issues = build(("AE",), ae=[{**EVENT, "AETERM": "Cough " * 40}])
    assert rows(made["AE"], "AETERM") == [[("Cough " * 33).strip()]]
    assert qualifiers(made["SUPPAE"])["AETERM1"] == ("Cough " * 7).strip()
    assert [i[1] for i in issues] == ["AE.AEDECOD"], "not coded, which is a query and no reason to stop"


# -- CM


def test_three_categories_of_medication():
    made, issues = build(
        ("CM",),
        ptx=[{"PTLINE": "2", "PTREG": "FLAG-Ida", "PTSTDAT": "UN-FEB-2024", "PTENDAT": "UN-UNK-2024", "PTHSCT": "N"}],
        cm=[{**DRUG, "CMAENO": "4", "CMINDC": "Fever"}],
        nalt=[{"NALTRT": "Gilteritinib", "NALSTDAT": "01-JUN-2025", "NALREAS": "Blasts risen"}],
    )
    columns = ("CMCAT", "CMTRT", "CMGRPID", "CMSPID", "CMINDC", "CMSTDTC", "CMENDTC")
    assert rows(made["CM"], *columns) == [
        ["CONCOMITANT MEDICATION", "Paracetamol", "", "4", "Fever", "2025-03-11", "2025-03-12"],
        ["PRIOR ANTI-LEUKEMIA THERAPY", "FLAG-Ida", "2", "", "", "2024-02", "2024"],
        ["SUBSEQUENT ANTI-LEUKEMIA THERAPY", "Gilteritinib", "", "", "Blasts risen", "2025-06-01", ""],
    ]
    assert rows(made["CM"], "CMDOSE", "CMDOSU", "CMDOSFRQ", "CMROUTE")[0] == [500, "mg", "PRN", "ORAL"]
    assert not issues


@pytest.mark.parametrize(
    ("change", "expected", "why", "built"),
    table(
        ("CM",),
        [
            ({"CMONGO": "Y", "CMENDAT": ""}, ["", "", "ONGOING", "2026-03-31"], "ongoing at the cut-off"),
            (
                {"CMSTDAT": "", "CMENDAT": "05-MAR-2025"},
                ["BEFORE", "FIRST DOSE", "", ""],
                "ended before the first dose",
            ),
            ({"CMSTDAT": "UN-UNK-UNKN", "VISITOID": "SCR"}, ["BEFORE", "FIRST DOSE", "", ""], "recorded at screening"),
            ({"CMSTDAT": ""}, ["", "", "", ""], "nothing says when it began"),
            ({"CMSTDAT": "UN-UNK-2024"}, ["", "", "", ""], "the year is known"),
        ],
        lambda change, *_: {"cm": [{**DRUG, **change}]},
    ),
)
def test_relative_timing_stands_only_with_its_reference(change, expected, why, built):
    assert rows(built()[0]["CM"], "CMSTRTPT", "CMSTTPT", "CMENRTPT", "CMENTPT") == [expected], why


def test_a_prior_therapy_of_unknown_start_began_before_the_first_dose_if_there_was_one():
    therapy = [{"PTLINE": "1", "PTREG": "DA 3+7", "PTENDAT": "UN-MAY-2024"}]
    made, _ = build(("CM",), ptx=therapy)
    assert rows(made["CM"], "CMSTRTPT", "CMSTTPT") == [["BEFORE", "FIRST DOSE"]]
    made, _ = build(("CM",), ptx=therapy, dose=[], pkd=[])
    assert rows(made["CM"], "CMSTRTPT", "CMSTTPT") == [["", ""]], "never treated"


@pytest.mark.parametrize(
    ("drug", "strength", "built"),
    table(
        ("CM",),
        [("Voriconazole", "STRONG"), ("Fluconazole", "MODERATE"), ("Paracetamol", None)],
        lambda drug, _: {"cm": [{**DRUG, "CMTRT": drug}]},
    ),
)
def test_strength_of_a_cyp3a4_inhibitor(drug, strength, built):
    assert qualifiers(built()[0]["SUPPCM"]).get("CMCYP3A") == strength


def test_a_dose_in_words_is_text():
    made, issues = build(("CM",), cm=[{**DRUG, "CMDOSE": "1-2", "CMDOSU": "TABLET"}])
    assert rows(made["CM"], "CMDOSTXT", "CMDOSU") == [["1-2", "TABLET"]] and made["CM"]["CMDOSE"].isna().all()
    assert not issues


# -- PR and MH


def test_procedures():
    made, issues = build(
        ("PR",),
        hsct=[{"HSCTDAT": "01-JUL-2025", "CONDDAT": "24-JUN-2025", "HTYPE": "ALLO", "DONOR": "HAPLO", "STATUS": "CR"}],
        ptx=[{"PTLINE": "1", "PTREG": "DA 3+7", "PTHSCT": "AUTO", "PTHSCTDAT": "UN-MAY-2024"},
             {"PTLINE": "2", "PTREG": "FLAG-Ida", "PTHSCT": "N"}],
        trf=[{"TRFDAT": "12-MAR-2025", "TRFTYPE": "PLT", "TRFUNIT": "1"}],
    )  # fmt: skip
    assert rows(made["PR"], "PRCAT", "PRTRT", "PRSTDTC", "PRDOSU") == [
        ["HSCT", "ALLOGENEIC HSCT", "2025-07-01", ""],
        ["PRIOR HSCT", "AUTOLOGOUS HSCT", "2024-05", ""],
        ["TRANSFUSION", "PLATELET TRANSFUSION", "2025-03-12", "U"],
    ]
    assert qualifiers(made["SUPPPR"]) == {"DONOR": "HAPLO", "CONDDTC": "2025-06-24", "HSCTSTAT": "CR"}
    assert qualifiers(made["SUPPPR"], "2") == {} and not issues


DIAGNOSIS = {"DXTYPE": "AML", "WHO": "AML with mutated NPM1", "DXDAT": "UN-AUG-2023", "RRSTAT": "RELAPSED", "NPRIOR": "2",
             "LASTRELDAT": "20-FEB-2025", "EMDYN": "Y"}  # fmt: skip


def test_histories():
    made, issues = build(("MH",), dx=[DIAGNOSIS],
                         mh=[{"MHTERM": "Gout", "MHSTDAT": "UN-UNK-2019", "MHONGO": "Y", "MHTOXGR": "1"}])  # fmt: skip
    columns = ("MHCAT", "MHTERM", "MHOCCUR", "MHSTDTC", "MHENRTPT", "MHENTPT", "MHTOXGR", "MHDECOD")
    assert rows(made["MH"], *columns) == [
        ["DISEASE HISTORY", "Acute myeloid leukaemia relapse", "", "2025-02-20", "", "", "", "ACUTE MYELOID LEUKAEMIA RELAPSE"],
        ["DISEASE HISTORY", "Extramedullary disease", "Y", "", "", "", "", "EXTRAMEDULLARY DISEASE"],
        ["GENERAL", "Gout", "", "2019", "ONGOING", "SCREENING", "1", "GOUT"],
        ["PRIMARY DIAGNOSIS", "Acute myeloid leukaemia", "", "2023-08", "", "", "", "ACUTE MYELOID LEUKAEMIA"],
    ]
    assert qualifiers(made["SUPPMH"], "4") == {"RRSTAT": "RELAPSED", "NPRIOR": "2", "WHOCLASS": "AML with mutated NPM1"}
    assert len(made["SUPPMH"]) == 3 and not issues


def test_a_person_screened_twice_has_one_diagnosis_and_no_history_twice():
    again = {"SUBJECT": "01-902"}
    gout = {"MHTERM": "Gout", "MHSTDAT": "01-FEB-2019", "MHONGO": "Y"}
    made, _ = build(
        ("MH", "CM"),
        subj=[
            {"PERSONID": "P1", "SCRNO": "01-901"},
            {**again, "PERSONID": "P1", "SCRNO": "01-902", "PREVSUBJ": "01-901"},
        ],
        ic=[{"ICDAT": "01-JAN-2025", "ICTYPE": "MAIN"}, {**again, "ICDAT": "01-MAR-2025", "ICTYPE": "MAIN"}],
        enr=[{**again, **BASE["enr"][0]}],
        dose=[{**again, **BASE["dose"][0]}],
        pkd=[{**again, **BASE["pkd"][0]}],
        dx=[{**DIAGNOSIS, "DXDAT": "01-AUG-2023"}, {**again, **DIAGNOSIS}],
        mh=[gout, {**again, **gout}],
        ptx=[{"PTLINE": "1", "PTREG": "DA 3+7"}, {**again, "PTLINE": "1", "PTREG": "DA 3+7"}],
    )
    assert set(made["MH"]["USUBJID"]) == {"BY002-01-901"}
    assert rows(made["MH"][made["MH"]["MHCAT"] == "PRIMARY DIAGNOSIS"], "MHSTDTC") == [["2023-08"]]
    assert (made["MH"]["MHTERM"] == "Gout").sum() == 1 and len(made["CM"]) == 1
