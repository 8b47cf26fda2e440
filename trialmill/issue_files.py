"""The issues of a build as files: issues.json for programs, issues.xlsx for people.

The workbook is laid out for a data manager: what blocks and what warns on sheets of their own, subject by subject as
the site's pages lie, with what was entered and what to ask; on the right what a programmer needs. A sheet shows what
is gone since the last list, the last one counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import orjson

from engine.run.issues import SEVERITIES, Issue
from engine.spec.study import Study
from formats.xlsx_write import Sheet, xlsx_bytes
from trialmill.issue_changes import Changes
from trialmill.issue_questions import BLANK, field_label, form_label, visit_label

COLUMNS = {"Status": 11, "Id": 12, "Subject": 15, "Form or file": 22, "Visit": 16, "Field": 26, "Entered": 26,
           "What is wrong": 48, "Question to the site": 52, "Dataset": 9, "Variable": 10, "Record key": 36,
           "Raw file and line": 26}  # fmt: skip
COUNTS = {"Severity": 10, "Dataset": 10, "Variable": 12, "What is wrong": 90, "Issues": 8, "Subjects": 9, "New": 8}
IN_VIEW = "D2"  # status, id and subject stay in view
SHEETS = {"blocking": "Blocking", "warning": "Warnings", "info": "Info"}
Row = tuple[str, ...]


def issues_json(issues: Iterable[Issue]) -> bytes:
    """The issues in their order, one row each."""
    return orjson.dumps([i.row() for i in issues], option=orjson.OPT_INDENT_2) + b"\n"


def issues_xlsx(issues: Sequence[Issue], study: Study, changes: Changes) -> bytes:
    """The issues by severity, then by subject, form, visit and field; those that are gone; how many of each kind."""
    sheets = []
    for severity, name in SHEETS.items():
        found = [i for i in issues if i.severity == severity]
        if found or severity != "info":
            rows = [_row(study, i, changes.status(i)) for i in _sorted(study, found)]
            sheets.append(Sheet(name, COLUMNS, rows, freeze=IN_VIEW))
    rows = [_row(study, i, "gone") for i in _sorted(study, changes.gone)]
    sheets.append(Sheet("Gone", COLUMNS, rows, freeze=IN_VIEW))
    if changes.unseen:
        rows = [_row(study, i, "not looked at") for i in _sorted(study, changes.unseen)]
        sheets.append(Sheet("Not looked at", COLUMNS, rows, freeze=IN_VIEW))
    sheets.append(Sheet("Counts", COUNTS, _counts(issues, changes)))
    first = next((place for place, sheet in enumerate(sheets) if sheet.rows), 0)
    return xlsx_bytes(sheets, study.file.created, title=f"Issues of {study.name}", opens_on=first)


def kind_of(issue: Issue) -> Row:
    """What issues of one kind share: severity, dataset, variable, and the message without the value at fault."""
    return (issue.severity, issue.dataset, issue.variable, issue.message.partition(': "')[0])


def _row(study: Study, issue: Issue, status: str) -> Row:
    vendor = issue.form in study.raw.vendors
    form = issue.source.partition(" line ")[0] if vendor else form_label(study, issue.form)
    names = [field_label(study, issue.form, name) for name, _ in issue.fields]
    entered = [BLANK if value is None else value for _, value in issue.fields]
    if len(names) > 1:  # so that each value stands beside its field's name
        entered = [f"{name}: {value}" for (name, _), value in zip(issue.fields, entered, strict=True)]
    return (
        status,
        issue.id,
        issue.subject,
        form,
        visit_label(study, issue.visit),
        "\n".join(names),
        "\n".join(entered),
        issue.message,
        issue.question,
        issue.dataset,
        issue.variable,
        issue.key,
        issue.source,
    )


def _sorted(study: Study, issues: Iterable[Issue]) -> list[Issue]:
    """By subject, form in the order of the book, visit in the order of the study, field in that of the page."""
    forms = list(study.forms.forms) if study.forms is not None else []
    visits = list(study.forms.visits) if study.forms is not None else []

    def place(issue: Issue) -> tuple[object, ...]:
        columns = list(study.forms.columns(issue.form)) if study.forms is not None and issue.form in forms else []
        field = issue.fields[0][0] if issue.fields else ""
        at = (_index(forms, issue.form), issue.form, _index(visits, issue.visit), issue.visit, _index(columns, field))
        return (issue.subject, *at, field, issue.dataset, issue.variable, issue.key, issue.message, issue.id)

    return sorted(issues, key=place)


def _index(known: list[str], name: str) -> int:
    return known.index(name) if name in known else len(known)


def _counts(issues: Iterable[Issue], changes: Changes) -> list[tuple[str | int, ...]]:
    counts: Counter[Row] = Counter()
    fresh: Counter[Row] = Counter()
    people: defaultdict[Row, set[str]] = defaultdict(set)
    for issue in issues:
        kind = kind_of(issue)
        counts[kind] += 1
        fresh[kind] += changes.status(issue) == "new"
        people[kind] |= {issue.subject} - {""}
    order = sorted(counts, key=lambda k: (SEVERITIES.index(k[0]), *k[1:]))
    return [(*k, counts[k], len(people[k]), fresh[k]) for k in order]
