"""Every check of the general rules is broken by the corruption it is for, and by nothing in clean datasets."""

from pathlib import Path

import pytest

from validators.evaluate import run_rules
from validators.rules import Rules, load_rules

CORRUPTIONS = [
    ("SD01", "AE", [("USUBJID", 0, "T-9")], "a subject that DM does not have"),
    ("SD02", "AE", [("AESTDY", 1, 20.0)], "a study day of a partial date"),
    ("SD02", "AE", [("AESTDY", 0, 0.0)], "a day 0"),
    ("SD02", "AE", [("AESTDTC", 0, "2030-03-11")], "a day that is not that of its date"),
    ("SD02", "AE", [("AEENDY", 2, 3.0)], "an end day of a subject without a first dose"),
    ("SD02", "AE", [("AEENDY", 0, 1.0)], "counted from 0"),
    ("SD02", "AE", [("AEENDTC", 0, "2030-03-09")], "another end"),
    ("SD02", "LB", [("LBDY", 0, None)], "no day for a complete date before the first dose"),
    ("SD02", "LB", [("LBDY", 1, 7.0)], "counted from 0"),
    ("SD02", "LB", [("LBDTC", 1, "2030-03")], "a day of a partial date"),
    ("SD03", "EX", [("EXENDTC", 0, "2030-03-09")], "ends before it starts"),
    ("SD03", "EX", [("EXENDTC", 0, "2030-03-10T07:00")], "an hour before it starts"),
    ("SD04", "LB", [("LBORRES", 2, "5")], "a result of what was not done"),
    ("SD04", "LB", [("LBSTRESN", 2, 5.0)], "a number"),
    ("SD04", "LB", [("LBORRESU", 2, "U/L")], "a unit"),
    ("SD04", "LB", [("LBREASND", 2, None)], "no reason"),
    ("SD04", "LB", [("LBSTAT", 2, None)], "a reason, yet it was done"),
    ("SD05", "LB", [("LBSTRESC", 0, None)], "a result that is not standardised"),
    ("SD05", "LB", [("LBSTRESN", 0, 31.0)], "another number than its text"),
    ("SD05", "LB", [("LBSTRESN", 1, 5.0)], "a number of a text that is none"),
    ("SD05", "LB", [("LBORRES", 0, None)], "standardised from nothing"),
    ("SD05", "VS", [("VSORRES", 1, None)], "standardised from nothing, and not derived"),
    ("SD06", "LB", [("VISITNUM", 0, 7.0)], "a visit that SV does not have"),
    ("SD06", "LB", [("VISIT", 0, "WEEK 9")], "another name than in SV"),
    ("SD07", "CM", [("CMSTTPT", 0, None)], "before what?"),
    ("SD07", "AE", [("AEENTPT", 1, None)], "ongoing when?"),
    ("SD07", "CM", [("CMSTRF", 1, "BEFORE")], "relative to a period that does not exist"),
    ("SD08", "LB", [("LBSTRESC", 0, None)], "a baseline without a result"),
    ("SD08", "LB", [("LBDTC", 0, "2030-03-10T08:01")], "a baseline after the first dose"),
    ("SD09", "SE", [("SEENDTC", 0, "2030-03-09")], "a gap"),
    ("SD09", "SE", [("TAETORD", 0, 3.0)], "elements out of order"),
    ("SD10", "LB", [("EPOCH", 0, "TREATMENT")], "screening called treatment"),
    ("SD10", "LB", [("EPOCH", 1, None)], "no epoch in the middle of treatment"),
    ("SD11", "SE", [("ELEMENT", 0, "Run-in")], "another element than in the plan"),
    ("SD11", "TA", [("ETCD", 1, "TREAT")], "an element that the plan does not have"),
    ("SD11", "DM", [("ARM", 0, "Arm B")], "another arm than in the plan"),
    ("SD11", "TA", [("ELEMENT", 1, "Therapy")], "another name of an element than in the plan"),
    ("SD11", "DM", [("ACTARM", 0, "Arm B")], "another actual arm than in the plan"),
    ("SD11", "IE", [("IETEST", 0, "Age")], "another text than in the plan"),
    ("SD12", "TS", [("TSVALNF", 0, None)], "neither a value nor why not"),
    ("SD12", "TS", [("TSVALNF", 1, "NA")], "a value, and why there is none"),
    ("SD12", "TS", [("TSVCDREF", 1, None), ("TSVCDVER", 1, None)], "a code of nothing"),
    ("SD12", "TS", [("TSVCDREF", 1, None), ("TSVALCD", 1, None)], "a version of nothing"),
    ("SD13", "LB", [("LBSTRESU", 1, "IU/L")], "two units of a test of one specimen"),
    ("SD13", "GF", [("GFSTRESU", 2, "ratio")], "two units of one detail of a genomic finding"),
    ("SD13", "MI", [("MISTRESU", 1, "10^9/L")], "two units of a test of one specimen and method"),
    ("SD13", "EG", [("EGSTRESU", 1, "s")], "two units of a test by one method"),
    ("SD13", "VS", [("VSTESTCD", 1, "BMI")], "two units of a test"),
    ("AD01", "ADTTE", [("USUBJID", 0, "T-9")], "a subject that ADSL does not have"),
    ("AD02", "ADTTE", [("SAFFL", 0, "N")], "another population than in ADSL"),
    ("AD03", "ADSL", [("SAFFL", 1, None)], "neither in nor out"),
    ("AD04", "ADTTE", [("PARAMCD", 1, "OS")], "two numbers of one parameter"),
    ("AD04", "ADTTE", [("PARAMN", 1, 1.0)], "one number of two parameters"),
    ("AD04", "ADTTE", [("PARAMCD", 1, "OS"), ("AVALU", 1, "WEEKS")], "two units"),
    ("AD05", "ADTTE", [("CHG", 1, -49.0)], "no difference from baseline"),
    ("AD05", "ADTTE", [("BASE", 0, 80.0)], "a baseline that is not the baseline"),
    ("AD05", "ADTTE", [("ABLFL", 1, "Y"), ("PARAMCD", 1, "OS")], "two baselines"),
    ("AD06", "ADTTE", [("ADY", 0, 80.0)], "counted from 0"),
    ("AD06", "ADTTE", [("ADT", 1, 25630.0)], "before the first dose"),
    ("AD06", "ADTTE", [("ADT", 1, None)], "a day without a date"),
    ("AD07", "ADTTE", [("ADT", 0, None)], "a flag without a date"),
    ("AD07", "ADSL", [("TRTEDT", 0, None)], "a flag without a date"),
    ("AD07", "ADSL", [("TRTSDTM", 0, None)], "a flag without a time"),
    ("AD07", "ADSL", [("DTHDT", 0, None)], "a flag without a date"),
    ("AD08", "ADSL", [("TRTEDT", 0, 25600.0)], "ends before it starts"),
    ("AD08", "ADSL", [("TRTEDT", 1, 25700.0)], "ends and never started"),
    ("AD09", "ADTTE", [("EVNTDESC", 0, None)], "an event without a description"),
    ("AD09", "ADTTE", [("CNSDTDSC", 1, None)], "censored, unsaid when"),
    ("AD09", "ADTTE", [("STARTDT", 0, 25800.0)], "an event before its start"),
    ("AD09", "ADTTE", [("PARAMCD", 1, "OS")], "two events of one parameter"),
]  # fmt: skip


@pytest.fixture(scope="module")
def general(catalogue):
    """Rules of the two files that the made-up study is for; the others are held by faults planted in BY002."""
    known = load_rules(catalogue).rules
    return Rules([r for r in known if Path(r.place.file).name in ("sdtm.yaml", "adam.yaml")])


def corrupted(shelf, dataset, changes):
    for variable, row, value in changes:
        shelf.frames[dataset].loc[row, variable] = value
    return shelf


def test_clean_datasets_break_no_general_rule(shelf, general):
    outcome = run_rules(shelf, general)
    assert [(f.rule, f.dataset, f.values) for f in outcome.faults] == []
    assert outcome.run == len(general.rules)


@pytest.fixture(scope="module")
def broken(fresh, general):
    """The faults of the rule that each corruption is for."""
    return [
        run_rules(corrupted(fresh(), dataset, changes), Rules([r for r in general.rules if r.id == rule])).faults
        for rule, dataset, changes, _ in CORRUPTIONS
    ]


@pytest.mark.parametrize("at", range(len(CORRUPTIONS)), ids=[f"{c[0]} {c[3]}" for c in CORRUPTIONS])
def test_a_corruption_breaks_the_rule_that_is_for_it(broken, at):
    _, dataset, _, why = CORRUPTIONS[at]
    assert [f for f in broken[at] if f.dataset == dataset], why


def test_every_check_of_every_general_rule_can_fail(broken, general):
    places = {(rule.id, bound.place.line) for rule in general.rules for bound in rule.checks}
    assert places - {(f.rule, f.place.line) for faults in broken for f in faults} == set()
