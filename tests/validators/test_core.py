"""Findings of CDISC CORE joined with the study's explanations, on a small made-up report."""

import json

import pytest

from engine.errors import FileError, SpecError
from engine.spec.document import read_document
from validators.causes import causes_of_core
from validators.core import read_core
from validators.core_report import summary
from validators.explained import read_explained
from validators.lint import lint_rules

COLUMNS = {"AE": {"USUBJID", "AETERM", "AESER"}, "LB": {"USUBJID", "LBTESTCD", "LBSTRESU"}, "DM": {"USUBJID", "SEX"}}
UNITS = ["LBSTRESU", "LBTESTCD", "LBCAT"]


def issue(rule, dataset, subject="", row="", variables=(), values=(), message="is wrong"):
    return {
        "core_id": rule, "message": message, "executability": "fully executable", "dataset": dataset,
        "USUBJID": subject, "row": row, "SEQ": "", "variables": list(variables), "values": list(values),
    }  # fmt: skip


def failed(rule, dataset, why):
    """An execution error as CORE lists it: variables and values are texts."""
    message = "rule execution error - Column not found in data"
    return {**issue(rule, dataset, message=message), "variables": "", "values": why}


RULES = {
    "CORE-000001": "SUCCESS",
    "CORE-000002": "ISSUE REPORTED",
    "CORE-000003": "SKIPPED",
    "CORE-000004": "EXECUTION ERROR",
    "CORE-000005": "ISSUE REPORTED",
}
ISSUES = [
    issue("CORE-000002", "AE", "T-1", 2, ["AESER", "AETERM"], ["Y", "Cough"]),
    issue("CORE-000002", "AE", "T-2", 3, ["AESER", "AETERM"], [None, "Rash"]),
    issue("CORE-000002", "LB", "T-1", 1, ["LBSTRESU"], ["null"]),
    failed("CORE-000004", "AE", "AESEV is not there"),
    failed("CORE-000004", "LB", "LBSEV is not there"),
    issue("CORE-000005", "N/A", "N/A", 0, UNITS, ["null"] * 3, "Grouping variables not found in dataset: ['LBCAT']"),
]


@pytest.fixture
def report(tmp_path, catalogue):
    """A function that reads a made-up report with the explanations given as YAML lines."""

    def read(*explained, issues=ISSUES, rules=RULES, limit=None):
        content = {
            "Conformance_Details": {
                "Report_Generation": "2031-01-01T00:00:00", "CORE_Engine_Version": "0.17.1", "Standard": "SDTMIG",
                "Version": "V3.4", "CT_Version": "sdtmct-2025-03-28", "Issue_Limit_Per_Rule": limit,
            },
            "Dataset_Details": [{"filename": n, "label": n, "length": 1} for n in COLUMNS],
            "Issue_Summary": [],
            "Issue_Details": issues,
            "Rules_Report": [{"core_id": r, "message": f"{r} says", "status": s} for r, s in rules.items()],
        }  # fmt: skip
        path = tmp_path / "core.json"
        path.write_text(json.dumps(content))
        entries = read_explained(document(*explained), catalogue) if explained else []
        return read_core(path, COLUMNS, entries)

    return read


def document(*lines):
    return read_document("explained:\n" + "".join(f"  - {{{line}}}\n" for line in lines), "explained.yaml")


def open_groups(report):
    return [(g.rule, g.dataset, g.count, g.not_run) for g in report.groups if not g.reason]


EVERYTHING = (
    "rule: CORE-000002, dataset: AE, reason: known",
    "rule: CORE-000002, dataset: LB, reason: known",
    "rule: CORE-000004, not_run: true, reason: known",
    "rule: CORE-000005, dataset: LB, not_run: true, reason: known",
)


def test_without_explanations_everything_that_was_found_or_did_not_run_is_open(report):
    found = report()
    assert open_groups(found) == [
        ("CORE-000002", "AE", 2, False),
        ("CORE-000002", "LB", 1, False),
        ("CORE-000004", "AE", 1, True),
        ("CORE-000004", "LB", 1, True),
        ("CORE-000005", "LB", 1, True),
    ]
    assert not found.clean


def test_a_rule_that_did_not_run_or_was_skipped_never_counts_as_passed(report):
    found = report(*EVERYTHING)
    assert found.passed == ["CORE-000001"] and list(found.skipped) == ["CORE-000003"]
    assert found.counts() == {"rules": 5, "passed": 1, "with findings": 1, "not run": 2, "skipped": 1}


def test_with_every_group_explained_the_report_is_clean_and_says_the_reasons(report):
    found = report(*EVERYTHING)
    assert found.clean and found.notes == []
    assert summary(found) == (
        "CORE: 5 rules: 1 passed, 1 with findings, 2 not run, 1 skipped; 3 findings explained, 0 not explained"
    )


def test_issues_alike_are_one_cause_with_records_and_subjects_and_what_did_not_run_is_one_of_its_own(report, catalogue):
    causes = {(c.rule, c.where): c for c in causes_of_core([report(*EVERYTHING[1:])], catalogue)}
    found = causes[("CORE-000002", "AE.AESER, AETERM")]
    assert (found.severity, found.counted, found.decided) == ("error", "2 records of 2 subjects", "open")
    assert [str(s) for s in found.shown] == ["T-1, record 2: AESER Y, AETERM Cough", "T-2, record 3: AESER null, AETERM Rash"]
    failed = causes[("CORE-000004", "the study")]
    assert (failed.severity, failed.counted, failed.decided) == ("not run", "2 datasets", "explained")
    assert [(s.key, s.found) for s in failed.shown] == [("AE", "AESEV is not there"), ("LB", "LBSEV is not there")]


def test_a_cause_of_core_keeps_its_id_when_it_is_explained_and_says_when_only_some_of_it_is(report, catalogue):
    entry = "rule: CORE-000002, dataset: AE, subject: T-2, reason: known"
    (before,) = [c for c in causes_of_core([report()], catalogue) if c.where.startswith("AE.")]
    (after,) = [c for c in causes_of_core([report(entry)], catalogue) if c.where.startswith("AE.")]
    assert (before.id, before.decided, before.note) == (after.id, "open", "")
    assert (after.decided, after.note) == ("open", "1 of 2 explained by rule")


@pytest.mark.parametrize(
    ("entry", "open_", "why"),
    [
        ("rule: CORE-000002, reason: x", [], "a rule alone explains all its findings"),
        ("rule: CORE-000002, dataset: AE, variable: AETERM, reason: x", ["LB"], "rule, dataset and variable agree"),
        ("rule: CORE-000002, dataset: LB, variable: AETERM, reason: x", ["AE", "LB"], "the variable does not"),
        ("rule: CORE-000002, dataset: AE, subject: T-2, reason: x", ["AE", "LB"], "one subject of two"),
        ("rule: CORE-000001, dataset: AE, reason: x", ["AE", "LB"], "another rule"),
        ("rule: CORE-000002, not_run: true, reason: x", ["AE", "LB"], "the rule did run"),
    ],
)
def test_an_entry_explains_what_agrees_with_all_that_it_gives(report, entry, open_, why):
    found = report(entry)
    assert [d for r, d, _, _ in open_groups(found) if r == "CORE-000002"] == open_, why


def test_an_entry_about_findings_does_not_explain_that_the_rule_did_not_run(report):
    found = report("rule: CORE-000004, reason: x", "rule: CORE-000005, dataset: LB, reason: x")
    assert [(r, not_run) for r, _, _, not_run in open_groups(found) if r != "CORE-000002"] == [
        ("CORE-000004", True), ("CORE-000004", True), ("CORE-000005", True),
    ]  # fmt: skip


def test_an_entry_about_another_standard_explains_nothing_and_is_not_noted(report):
    analysis = [f"standard: adamig, rule: {rule}, reason: x" for rule in ("CORE-000002", "CDISC.ADaMIG.AD0885")]
    found = report(*EVERYTHING[1:], *analysis)
    assert open_groups(found) == [("CORE-000002", "AE", 2, False)] and found.notes == []


def test_the_entry_that_gives_the_most_gives_the_reason(report):
    found = report("rule: CORE-000002, reason: all", "rule: CORE-000002, dataset: AE, subject: T-2, reason: this one")
    assert [(g.dataset, g.reason, g.count) for g in found.groups if g.rule == "CORE-000002"] == [
        ("AE", "all", 1),
        ("AE", "this one", 1),
        ("LB", "all", 1),
    ]


@pytest.mark.parametrize(
    ("variables", "dataset", "why"),
    [
        (UNITS, "LB", "has two of the variables"),
        (["USUBJID"], "", "three datasets have it"),
        (["XXTERM"], "", "no dataset has it"),
    ],
)
def test_a_dataset_that_the_report_does_not_name_is_told_by_its_variables(report, variables, dataset, why):
    found = report(issues=[issue("CORE-000005", "N/A", "N/A", 0, variables, ["null"] * len(variables))])
    assert [g.dataset for g in found.groups if g.rule == "CORE-000005"] == [dataset], why


def test_explanations_that_explain_nothing_are_named(report):
    found = report(*EVERYTHING, "rule: CORE-000001, reason: gone", "rule: CORE-000999, reason: never there")
    assert found.clean, "a stale entry is a note"
    assert found.notes == [
        "explained.yaml:6:5  CORE-000001 explains nothing that CORE found",
        "explained.yaml:7:5  CORE-000999 explains a rule that is not in the report",
    ]


@pytest.mark.parametrize("status", ["ISSUE REPORTED", "EXECUTION ERROR", "UNKNOWN STATUS"])
def test_a_rule_that_ended_badly_and_lists_nothing_is_open(report, status):
    found = report(issues=[], rules={"CORE-000001": status})
    (group,) = found.groups
    assert group.not_run == (status != "ISSUE REPORTED") and not found.clean and found.passed == []


def test_a_limit_on_what_is_listed_is_said(report):
    assert "at most 100 issues a rule" in report(limit="100").notes[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "is not JSON"), ("{}", "no report of CORE"), ('{"Rules_Report": 1}', "Conformance_Details: Field required")],
)
def test_a_file_that_is_no_report_is_refused(tmp_path, text, says):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(FileError, match=r"other\.json") as error:
        read_core(path, COLUMNS, [])
    assert says in str(error.value)


def test_a_report_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FileError, match="cannot read the report"):
        read_core(tmp_path / "none.json", COLUMNS, [])


# -- explained.yaml


@pytest.mark.parametrize(
    ("entry", "said", "place", "near"),
    [
        ("rule: CORE-000001", 'the key "reason" is missing', ":2:", ""),
        ("rule: CORE-000001, reason: ''", "say why", ":2:", ""),
        ("rule: CORE-000001, reason: x, varable: AESER", 'unknown key "varable"', ":2:", "variable"),
        ("rule: core one, reason: x", "an id such as", ":2:", ""),
        ("rule: CORE-000001, dataset: AF, reason: x", 'no dataset "AF"', ":2:", ""),
        ("rule: CORE-000001, dataset: SUPPAF, reason: x", 'no dataset "SUPPAF"', ":2:", "SUPPAE"),
        ("rule: CORE-000001, variable: AESEER, reason: x", 'a variable "AESEER"', ":2:", "AESER"),
        ("rule: CORE-000001, variable: AESER, not_run: true, reason: x", "names no variable", ":2:", ""),
        ("rule: CORE-000001, not_run: maybe, reason: x", "not_run", ":2:", ""),
        ("rule: CORE-000001, dataset: ADSL, reason: x", "ADSL is no dataset of sdtmig", ":2:", ""),
        ("standard: adamig, rule: AD0001, dataset: AE, reason: x", "AE is no dataset of adamig", ":2:", ""),
        ("standard: adam, rule: AD0001, reason: x", "standard", ":2:", ""),
    ],
)
def test_lint_says_what_is_wrong_with_an_explanation_and_where(catalogue, entry, said, place, near):
    path = catalogue.study.folder / "explained.yaml"
    path.write_text(f"explained:\n  - {{{entry}}}\n")
    try:
        (problem,) = lint_rules(catalogue.study)
    finally:
        path.unlink()
    assert said in str(problem) and near in problem.nearest
    assert f"explained.yaml{place}" in str(problem.place)


def test_names_of_cores_own_are_let_pass(catalogue):
    (entry,) = read_explained(document("rule: CORE-000001, variable: $max_dsstdtc, reason: x"), catalogue)
    assert entry[0].variable == "$max_dsstdtc"


def test_an_explanation_given_twice_is_an_error(catalogue):
    with pytest.raises(SpecError, match=r"explained.yaml:3:5  CORE-000001: explained twice"):
        read_explained(document("rule: CORE-000001, reason: x", "rule: CORE-000001, reason: y"), catalogue)
