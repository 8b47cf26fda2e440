"""TA, TE, TV, TI and TS: the plan of the study, from its tables and settings, beside a few made-up people."""

from itertools import groupby

import pytest

from tests.sdtm.conftest import STUDY
from tests.sdtm.made_up import shown
from tests.sdtm.people import Person, records


@pytest.fixture(scope="module")
def design(derive):
    """The trial design beside two people, one of whom was enrolled."""
    people = Person().dosed(), Person("01-902", "X2", consent="28-FEB-2025").off_study("09-MAR-2025", "SF")
    return derive(records(*people), "TA", "TE", "TV", "TI", "TS", "SE")


def value(design, parameter, column="TSVAL"):
    ts = design["TS"]
    return ts.loc[ts["TSPARMCD"] == parameter, column].tolist()


def test_no_trial_design_dataset_has_subjects(design):
    assert all("USUBJID" not in design[name].columns for name in ("TA", "TE", "TV", "TI", "TS"))


def test_every_planned_arm_has_its_own_dose_between_screening_and_follow_up(design):
    ta = shown(design["TA"], "ARMCD TAETORD ETCD EPOCH")
    arms = {arm: [r[1:] for r in found] for arm, found in groupby(ta, key=lambda r: r[0])}
    assert list(arms) == ["ESC100", "ESC200", "ESC300", "ESC400", "ESC600", "ESC800", "EXP400"], "opened or not"
    assert arms["EXP400"] == [
        (1, "SCRN", "SCREENING"), (2, "T400", "TREATMENT"), (3, "SFU", "FOLLOW-UP"), (4, "LTFU", "LONG-TERM FOLLOW-UP"),
    ]  # fmt: skip
    assert {a: e[1][1] for a, e in arms.items() if a[:3] == "ESC"} == {f"ESC{d}": f"T{d}" for d in (100, 200, 300, 400, 600, 800)}
    branch = [r for r in shown(design["TA"], "ARMCD TAETORD TABRANCH") if r[2]]
    assert branch[0] == ("ESC100", 1, "Assigned to BY002 100 mg QD Escalation") and len(branch) == 7


def test_elements_of_arms_and_of_subjects_are_those_of_te(design):
    te = dict(shown(design["TE"], "ETCD ELEMENT"))
    assert set(design["TA"]["ETCD"]) == set(te)
    assert all(te[code] == name for code, name in shown(design["SE"], "ETCD ELEMENT"))
    rules = shown(design["TE"], "TESTRL TEENRL TEDUR")
    assert len(set(rules)) == len(rules) and all(start and end for start, end, _ in rules)


def test_the_plan_of_visits_is_that_of_the_protocol(design):
    tv = shown(design["TV"], "VISITNUM VISIT VISITDY")
    cycles = {f"C{n}D1": (100 * n + 1, 28 * (n - 1) + 1) for n in range(1, 25)}
    assert {v: (n, d) for n, v, d in tv if v in cycles} == cycles
    assert [v for v in tv if v[1][0] == "S" or v[1][0] == "E"][:3] == [
        (1, "SCREENING", ""), (9001, "END OF TREATMENT", ""), (9002, "SAFETY FOLLOW-UP", "")]  # fmt: skip
    assert tv[-18:] == [(9100 + k, f"SURVIVAL FOLLOW-UP {k}", "") for k in range(1, 19)]
    assert len(tv) == 1 + 24 + 7 + 1 + 18 and all(design["TV"]["TVSTRL"]) and not any(design["TV"]["ARMCD"])


def test_twelve_inclusion_and_fifteen_exclusion_criteria(design):
    codes = [f"EXCL{n:02}" for n in range(1, 16)] + [f"INCL{n:02}" for n in range(1, 13)]
    kinds = {"INCL": "INCLUSION", "EXCL": "EXCLUSION"}
    assert shown(design["TI"], "IETESTCD IECAT TIVERS") == [(c, kinds[c[:4]], "1") for c in codes]
    assert design["TI"]["IETEST"].is_unique


CODED = [  # parameter, value, C-code of the CDISC term
    ("STYPE", "INTERVENTIONAL", "C98388"), ("TPHASE", "PHASE I TRIAL", "C15600"), ("INTMODEL", "SEQUENTIAL", "C142568"),
    ("INTTYPE", "DRUG", "C1909"), ("TBLIND", "OPEN LABEL", "C49659"), ("TCNTRL", "NONE", "C41132"),
    ("TINDTP", "TREATMENT", "C49656"), ("ADAPT", "Y", "C49488"), ("RANDOM", "N", "C49487"), ("SEXPOP", "BOTH", "C49636"),
    ("DOSU", "mg", "C28253"), ("DOSFRQ", "QD", "C25473"), ("DOSFRM", "TABLET", "C42998"), ("ROUTE", "ORAL", "C38288"),
    ("SDTIGVER", "3.4", "C189638"), ("SDTMVER", "2.0", "C189639"),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "text", "code"), CODED, ids=[c[0] for c in CODED])
def test_a_value_that_is_a_cdisc_term_has_its_code(design, parameter, text, code):
    columns = [value(design, parameter, c) for c in ("TSVAL", "TSVALCD", "TSVCDREF", "TSVCDVER")]
    assert columns == [[text], [code], ["CDISC CT"], ["2025-03-28"]]


OTHER = [  # parameter, TSVAL, TSVALNF, TSVALCD, TSVCDREF
    ("AGEMIN", "P18Y", "", "", ""), ("AGEMAX", "", "PINF", "", ""), ("PTRTDUR", "", "NA", "", ""),
    ("REGID", "", "UNK", "", ""), ("SENDTC", "", "UNK", "", ""), ("TRT", "BY002", "", "", "UNII"),
    ("PCLAS", "Menin Inhibitor", "", "", "MED-RT"), ("INDIC", "Acute leukemia", "", "91855006", "SNOMED"),
    ("TDIGRP", "Acute leukemia", "", "91855006", "SNOMED"), ("FCNTRY", "CHN", "", "", "ISO 3166-1 alpha-3"),
    ("RANDQT", "1", "", "", ""), ("PLANSUB", "24", "", "", ""), ("LENGTH", "P36M", "", "", ""),
    ("DCUTDTC", "2026-03-31", "", "", ""), ("SSTDTC", "2024-03-04", "", "", ""), ("RLPSCRIT", "ELN 2022", "", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "expected"), [(c[0], c[1:]) for c in OTHER], ids=[c[0] for c in OTHER])
def test_other_values_and_why_some_are_null(design, parameter, expected):
    columns = ("TSVAL", "TSVALNF", "TSVALCD", "TSVCDREF")
    assert tuple(value(design, parameter, c)[0] for c in columns) == expected
    assert value(design, parameter, "TSVCDVER") == [""]


def test_values_of_one_parameter_are_numbered_within_it(design):
    assert value(design, "TTYPE") == ["SAFETY", "TOLERABILITY", "DOSE FINDING", "PHARMACOKINETIC", "EFFICACY"]
    assert value(design, "DOSE") == ["100", "200", "300", "400", "600", "800"], "in the order of the table, not of text"
    ts = shown(design["TS"], "TSPARMCD TSSEQ")
    assert all([n for _, n in found] == list(range(1, 99))[: len(found)] for found in
               [list(g) for _, g in groupby(ts, key=lambda r: r[0])])  # fmt: skip
    counts = {p: len(value(design, p)) for p in ("OBJPRIM", "OBJSEC", "OBJEXP", "OUTMSPRI", "OUTMSSEC", "OUTMSEXP")}
    assert counts == {"OBJPRIM": 4, "OBJSEC": 3, "OBJEXP": 2, "OUTMSPRI": 4, "OUTMSSEC": 18, "OUTMSEXP": 8}


def test_planned_numbers_are_those_of_the_arms(design):
    assert value(design, "NARMS") == value(design, "NCOHORT") == [str(design["TA"]["ARMCD"].nunique())]


def test_actual_subjects_are_those_who_entered_the_trial(design):
    assert value(design, "ACTSUB") == ["1"]


def test_a_study_start_that_is_not_the_first_consent_is_listed(design):
    (issue,) = [i for i in design["~issues"] if i.dataset == "TS"]
    assert (issue.severity, issue.variable, issue.key) == ("warning", "TSVAL", "TSPARMCD SSTDTC, TSSEQ 1")
    assert "first consent" in issue.message and not issue.subject
    file, line = issue.source.split(" line ")
    assert file == "tables/trial_summary.csv"
    assert (STUDY / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].startswith("SSTDTC,")


def test_long_text_goes_on_in_further_values_and_nothing_else_does(design):
    parts = [value(design, "STOPRULE", c)[0] for c in ("TSVAL", "TSVAL1", "TSVAL2")]
    assert all(0 < len(p) <= 200 for p in parts) and " ".join(parts).endswith("among 6 evaluable participants.")
    assert list(design["TS"].columns)[5:9] == ["TSVAL", "TSVAL1", "TSVAL2", "TSVALNF"], "no variable without a value"
    assert [r[0] for r in shown(design["TS"], "TSPARMCD TSVAL1") if r[1]] == ["STOPRULE"]
