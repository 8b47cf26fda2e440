"""Kinds of check and of values that rules use: what each finds, and what it leaves alone."""

import numpy as np
import pandas as pd
import pytest

from engine.errors import SpecError
from engine.spec.document import read_document
from validators.causes import causes_of
from validators.conformance import Conformance, as_json, told
from validators.evaluate import explain, run_rules, unused
from validators.lint import lint_rules
from validators.names import unknown_names
from validators.outcomes import Looked, ended
from validators.rules import Rules, read_rules
from validators.shelf import Shelf


def rules(catalogue, text):
    found = Rules()
    read_rules(read_document(text, "checks.yaml"), catalogue, True, found)
    return found


def broken(shelf, checks, let="{}"):
    """Dataset, record and message of everything that breaks the checks of a rule."""
    text = f"rules:\n  R1:\n    title: a rule\n    let: {let}\n    checks:\n      - {checks}\n"
    found = rules(shelf.catalogue, text)
    (rule,) = found.rules
    rule.checks = [b for b in rule.checks if not (b.pattern and unknown_names(b, shelf.catalogue))]
    assert [unknown_names(b, shelf.catalogue) for b in rule.checks] == [[]] * len(rule.checks)
    faults = run_rules(shelf, found).faults
    return [(f.dataset, int(r), v) for f in faults for r, v in zip(f.rows, f.values, strict=True)] + [
        (f.dataset, None, f.says) for f in faults if not len(f.rows)
    ]


@pytest.mark.parametrize(
    ("check", "rows", "why"),
    [
        ("{each: AE, holds: \"AESER == 'N'\"}", [1], "the record that is known not to hold"),
        ("{each: AE, holds: \"AESDTH == 'N'\"}", [0, 2], "a missing value does not hold"),
        ("{each: AE, holds: \"AESDTH is missing or AESDTH == 'N'\"}", [], "unless the rule allows it"),
        ("{each: AE, where: \"AESDTH == 'N'\", holds: \"AESER == 'N'\"}", [1], "where is known to be true"),
        ("{each: AE, where: \"SUPPAE.AEDLT == 'Y'\", holds: \"AESER == 'N'\"}", [1], "the record's own qualifier"),
        ("{each: AE, where: \"DM.SEX == 'F'\", holds: \"AESER == 'N'\"}", [1], "the subject's one record elsewhere"),
        ("{each: AE, where: \"SUPPAE.AEDLT == 'Y'\", holds: \"ADSL.SAFFL == 'Y'\"}", [], "analysis datasets alike"),
        ("{each: EX, holds: \"EXDOSE * 10 < study.DAYS * 3\"}", [0], "settings of the study"),
    ],
)
def test_a_condition_on_each_record(shelf, check, rows, why):
    assert [row for _, row, _ in broken(shelf, check)] == rows, why


@pytest.mark.parametrize(
    ("value", "expected", "why"),
    [
        ("{count: EX}", [2.0, 0.0], "0 when there is none"),
        ("{count: EX, where: \"EX.EXDOSE > 5\"}", [1.0, 0.0], "those that fit"),
        ("{count: EX, where: \"EX.EXDOSE * 8 == AGE * 2\"}", [1.0, 0.0], "compared with the record itself"),
        ("{count: DM, match: none}", [2.0, 2.0], "all records of the study"),
        ("{count: DM, match: none, where: \"DM.SEX == SEX\"}", [1.0, 1.0], "the same dataset, far and near"),
        ("{sum: EX.EXDOSE}", [15.0, None], "missing when there is none"),
        ("{earliest: EX.EXSTDTC}", ["2030-03-10T08:00", None], "lowest text"),
        ("{latest: EX.EXENDTC}", ["2030-05-01", None], "highest text"),
        ("{value: EX.EXTRT}", ["TOY", None], "the one value of several records"),
        ("{value: EX.EXDOSE}", [None, None], "several different values are none"),
        ("{value: EX.EXDOSE * 2, where: \"EX.EXSEQ == 1\"}", [20.0, None], "a formula"),
        ("{value: SUPPAE.AEDLT, where: \"AE.AESEQ == 2\"}", ["Y", None], "a qualifier of the other dataset"),
        ("{days: EX.EXSTDTC, to: EX.EXENDTC}", [49.0, 0.0], "11 and 38 days"),
        ("{days: EX.EXSTDTC, to: EX.EXENDTC, since: date(RFXSTDTC), until: date(RFXSTDTC) + study.DAYS - 1}",
         [24.0, 0.0], "days 1 to 11 and 16 to 28, without the gap"),
        ("{next: SEX, per: STUDYID, order: USUBJID}", ["M", None], "of the following record"),
        ("{previous: SEX, per: STUDYID, order: USUBJID}", [None, "F"], "of the one before"),
        ("{look_up: FACTOR, in: factors, by: {TEST: upper('alt'), UNIT: \"'U/L'\"}}", ["1", "1"], "row by two columns"),
        ("{term: C49484, codelist: C66789}", ["NOT DONE", "NOT DONE"], "by C-code"),
        ("{compute: AGE + 1}", [41.0, 51.0], "a formula of the record"),
    ],
)  # fmt: skip
def test_values_that_a_rule_names(shelf, value, expected, why):
    said = broken(shelf, '{each: DM, holds: "SEX == \'?\'", says: "{X}"}', f"{{X: {value}}}")
    shown = ["nothing" if e is None else f"{e:g}" if isinstance(e, float) else e for e in expected]
    assert [message for _, _, message in said] == shown, why


def test_days_of_an_ongoing_period_run_to_the_stated_day(shelf, frames):
    frames["EX"].loc[1, "EXENDTC"] = None
    until = "ongoing: date('2030-03-27')"
    said = broken(shelf, '{each: DM, holds: "SEX == \'?\'", says: "{X}"}', f"{{X: {{days: EX.EXSTDTC, to: EX.EXENDTC, {until}}}}}")
    assert said[0][2] == "14", "11 days and 3"


def test_groups_of_records_are_of_a_stated_size(shelf):
    check = "{per: [USUBJID, AEDECOD], of: AE, at_most: 1}"
    assert broken(shelf, check) == []
    shelf.frames["AE"].loc[1, "AEDECOD"] = "Rash"
    assert [row for _, row, _ in broken(shelf, check)] == [0, 1], "both records of the pair"
    assert [row for _, row, _ in broken(shelf, "{per: USUBJID, of: AE, at_least: 2}")] == [2]


def test_groups_hold_a_stated_number_of_different_values(shelf):
    assert broken(shelf, "{per: AETERM, of: AE, distinct: AEDECOD, at_most: 1}") == []
    shelf.frames["AE"].loc[2, "AEDECOD"] = "Exanthem"
    assert [row for _, row, _ in broken(shelf, "{per: AETERM, of: AE, distinct: AEDECOD, at_most: 1}")] == [0, 2]


def test_two_datasets_hold_the_same_subjects(shelf):
    both = "{same: [{of: DM}, {of: ADSL}]}"
    assert broken(shelf, both) == []
    shelf.frames["ADSL"].loc[1, "USUBJID"] = "T-9"
    assert broken(shelf, both) == [("DM", 1, "has no record of ADSL with it"), ("ADSL", 1, "has no record of DM with it")]
    within = "{same: [{of: EX}, {of: ADSL, where: \"SAFFL == 'Y'\"}], within: true}"
    assert broken(shelf, within) == []


def test_counts_agree(shelf):
    check = "{totals: [{subjects: EX}, {records: ADSL, where: \"SAFFL == 'Y'\"}, 1]}"
    assert broken(shelf, check) == []
    shelf.frames["ADSL"].loc[1, "SAFFL"] = "Y"
    ((dataset, row, says),) = broken(shelf, check)
    assert (dataset, row) == ("EX", None)
    assert says == "a rule: 1 subjects of EX; 2 records of ADSL where SAFFL == 'Y'; 1 stated"


def test_periods_share_no_day(shelf):
    check = "{no_overlap: [{of: EX, from: EXSTDTC, to: EXENDTC}, {of: AE, from: AESTDTC, to: AEENDTC, where: \"AETERM == 'Rash'\"}]}"
    assert broken(shelf, check) == [("EX", 0, "a day that a record of AE holds too: 2030-03-10")]
    shelf.frames["AE"].loc[0, "AEENDTC"] = "2030-03-09"
    assert broken(shelf, check) == []
    shelf.frames["AE"].loc[2, "USUBJID"] = "T-1"
    assert broken(shelf, check) == [("EX", 0, "a day that a record of AE holds too: 2030-03-12")], "an end that is missing"


def test_messages_show_dates_as_dates_and_say_nothing_for_missing(shelf):
    said = broken(shelf, '{each: ADSL, holds: "SAFFL == \'?\'", says: "from {TRTSDT}, died {DTHDT}, {AGE} years"}')
    assert [m for _, _, m in said] == ["from 2030-03-10, died 2030-05-29, 40 years", "from nothing, died nothing, 50 years"]


def test_one_check_is_held_for_many_datasets_and_variables(shelf):
    check = '{each: "*", except: [SE, SV, EG, GF, MI], with: {DATED: [--STDTC, --DTC]}, where: "DATED is present", holds: "date_part(DATED) < \'2030-03-17\'"}'
    assert sorted((d, r) for d, r, _ in broken(shelf, check)) == [("AE", 1), ("DS", 1), ("EX", 1), ("LB", 1), ("LB", 2)]


def test_a_rule_that_needs_an_unpublished_package_is_not_run_and_said_so(shelf):
    shelf.packages = frozenset({"sdtm"})
    found = rules(shelf.catalogue, "rules: {R1: {title: t, checks: [{same: [{of: DM}, {of: ADSL}]}]}}")
    outcome = run_rules(shelf, found)
    assert (outcome.faults, outcome.run, outcome.skipped) == ([], 0, {"R1": "ADSL not published"})


def test_a_dataset_without_a_file_is_empty(shelf):
    del shelf.frames["EX"]
    assert broken(shelf, "{totals: [{subjects: EX}, 0]}") == []


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        ({"DM": ("USUBJID", 1, "T-1")}, "{each: AE, holds: \"DM.SEX == 'F'\"}", "one record per subject"),
        ({"LB": ("LBORRES", 0, "many")}, "{each: LB, holds: \"LBORRES > 1\"}", "is not a number"),
    ],
)
def test_what_cannot_be_told_is_a_finding_not_a_crash(shelf, change, check, says):
    for name, (variable, row, value) in change.items():
        shelf.frames[name].loc[row, variable] = value
    ((_, row, message),) = broken(shelf, check)
    assert row is None and "this cannot be told" in message and says in message


def test_large_datasets_are_compared_in_pieces(shelf, monkeypatch):
    monkeypatch.setattr("validators.lets.MAX_PAIRS", 3)
    n = 50
    shelf.frames["AE"] = pd.concat([shelf.frames["AE"].iloc[[0]]] * n, ignore_index=True)
    shelf.frames["AE"]["AESEQ"] = np.arange(1.0, n + 1)
    said = broken(shelf, '{each: AE, holds: "AESEQ == 0", says: "{X}"}', '{X: {count: AE, where: "AE.AESEQ < AESEQ"}}')
    assert [m for _, _, m in said] == [str(i) for i in range(n)]


# -- reading


@pytest.mark.parametrize(
    ("text", "said", "near"),
    [
        ("rules: {R: {title: t, checks: [{eachh: AE, holds: AESER is present}]}}", 'no check "eachh"', "each"),
        ("rules: {R: {title: t, checks: [{each: ADTE, holds: AVAL is present}]}}", 'no dataset "ADTE"', "ADTTE"),
        ("rules: {R: {title: t, checks: [{each: AE, holds: AESEER is present}]}}", 'AE has no "AESEER"', "AESER"),
        ("rules: {R: {title: t, checks: [{each: AE, holds: DM.SEXX is present}]}}", 'DM has no "SEXX"', "SEX"),
        ("rules: {R: {title: t, checks: [{each: AE, holds: SUPPAE.AEDLTT is present}]}}", 'SUPPAE has no "AEDLTT"', "AEDLT"),
        ("rules: {R: {title: t, checks: [{each: AE, holds: study.DCUT is present}]}}", 'study has no "DCUT"', "DCUTDT"),
        ("rules: {R: {title: t, checks: [{each: AE, holds: X is present}], let: {X: {cuont: EX}}}}", "no kind of value", "count"),
        ("rules: {R: {title: t, checks: [{each: AE, holds: X is present}], let: {X: {count: EXX}}}}", 'no dataset "EXX"', "EX"),
        ("rules: {R: {title: t, checks: [{each: AE, holds: X is present}], let: {X: {look_up: F, in: factors, by: {TEST: AETERM}}}}}", 'no column "F"', ""),
        ("rules: {R: {title: t, checks: [{each: AE, holds: X is present}], let: {X: {term: C1, codelist: C66789}}}}", "no term C1", ""),
        ("rules: {R: {title: t, checks: [{each: AE, holds: X is present, says: '{AESEER}'}], let: {X: {count: EX}}}}", 'AE has no "AESEER"', "AESER"),
        ("rules: {R: {title: t, checks: [{each: AE, holds: AESER is present}], let: {AETERM: {count: EX}}}}", "", ""),
        ("rules: {R: {title: t, checks: [{each: DM, with: {X: [SEX, AGEE]}, holds: X is present}]}}", 'DM has no "AGEE"', "AGE"),
        ("rules: {R: {title: t, checks: [{per: AESERR, of: AE, at_most: 1}]}}", 'AE has no "AESERR"', "AESER"),
        ("rules: {R: {title: t, checks: [{per: AESER, of: AE}]}}", "say at_most or at_least", ""),
        ("rules: {R: {title: t, checks: [{each: AE, holds: 1 ++}]}}", "not an expression", ""),
        ("rules: {R: {title: t, severity: bad, checks: [{each: AE, holds: AESER is present}]}}", "severity", ""),
        ("rules: {R: {title: t}}", "no checks", ""),
        ("explained: [{rule: R9, reason: x}]\nrules: {}", 'no rule "R9"', ""),
    ],
)  # fmt: skip
def test_lint_says_what_is_wrong_with_a_rule_and_where(catalogue, tmp_path, text, said, near):
    study = catalogue.study
    path = study.folder / "checks.yaml"
    path.write_text(text)
    try:
        problems = lint_rules(study)
    finally:
        path.unlink()
    if not said:
        assert problems == [], "a value that no check names is not looked at"
        return
    (problem,) = problems
    assert said in str(problem) and near in problem.nearest
    assert problem.place.file.endswith("checks.yaml") and problem.place.line >= 1


def test_a_rule_given_twice_is_an_error(catalogue):
    found = rules(catalogue, "rules: {R: {title: t, checks: [{each: AE, holds: AESER is present}]}}")
    with pytest.raises(SpecError, match="given twice"):
        read_rules(read_document("rules: {R: {title: t, checks: [{each: AE, holds: AESER is present}]}}", "b.yaml"), catalogue, True, found)


# -- telling


TWO = """
rules:
  R1: {title: Nothing is serious, checks: [{each: AE, holds: "AESER == 'N'", says: "AESER {AESER}"}]}
  R2: {title: Everyone is young, severity: warning, checks: [{each: DM, holds: AGE < 30, says: "{AGE} years"}]}
explained:
  - {rule: R2, subject: T-1, reason: forty is young}
  - {rule: R1, subject: T-2, reason: nothing}
"""


def conformance(shelf, found):
    outcome = run_rules(shelf, found)
    faults = explain(outcome.faults, [e for e, _ in found.explained], shelf)
    causes = causes_of(faults, shelf.named, shelf.catalogue)
    rows = ended(Looked(), outcome, [], causes)
    return Conformance("TOY", "", faults, causes, rows, 11, 30, shelf.named, notes=unused(found, faults))


def test_the_report_tells_causes_with_their_records_and_counts_explained_ones_apart(shelf):
    report = conformance(shelf, rules(shelf.catalogue, TWO))
    lines = list(told(report))
    one, two = report.causes
    assert lines[0] == f"{one.id}  R1  error  AE.AESER: 1 record of 1 subject: Nothing is serious"
    assert lines[1] == "  T-1, AESTDTC 2030-04, AETERM Cough: AESER Y"
    assert two.rule == "R2" and two.note == "1 of 2 explained by rule" and not two.clean, "only T-1 is explained"
    assert "explains no finding of R1" in "".join(lines)
    assert lines[-2] == "11 datasets, 22 rules: 1 error, 1 warning, 0 explained"
    assert lines[-1].startswith("Not clean: 2 of 2 causes not explained (1 error, 1 warning)")
    assert not report.clean
    assert as_json(report, {}) == as_json(report, {}) and b'"explained": "forty is young"' in as_json(report, {})


def test_a_report_with_explained_findings_alone_is_clean(shelf):
    found = rules(shelf.catalogue, TWO.replace("T-1, reason: forty", '"", reason: forty').replace("R1, subject: T-2", "R1"))
    report = conformance(shelf, found)
    assert report.clean and {k: n for k, n in report.counts().items() if n} == {"explained": 2}


def test_a_shelf_without_packages_lacks_everything(catalogue):
    shelf = Shelf(catalogue, {}, frozenset())
    assert shelf.lacks("AE") and shelf.lacks("SUPPAE") and not shelf.lacks("study")
