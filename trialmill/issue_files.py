"""The issues of a build as files: issues.json for programs, issues.xlsx for people.

The workbook is laid out for a data manager: what blocks first, then subject by subject, with the raw file and line to
look at; a second sheet counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import orjson

from engine.run.issues import SEVERITIES, Issue, Issues
from formats.xlsx_write import Sheet, xlsx_bytes

COLUMNS = {"Severity": 10, "Subject": 16, "Raw file and line": 30, "Dataset": 10, "Variable": 12, "Record": 40,
           "Message": 90, "Id": 12}  # fmt: skip
COUNTS = {"Severity": 10, "Dataset": 10, "Variable": 12, "Message": 90, "Issues": 8, "Subjects": 9}


def issues_json(issues: Iterable[Issue]) -> bytes:
    """The issues in their order, one row each."""
    return orjson.dumps([i.row() for i in issues], option=orjson.OPT_INDENT_2) + b"\n"


def issues_xlsx(issues: Iterable[Issue], created: datetime, study: str) -> bytes:
    """The issues by severity, subject, raw file and line; and how many of each kind there are."""
    listed = sorted(issues, key=_for_people)
    rows = [(i.severity, i.subject, i.source, i.dataset, i.variable, i.key, i.message, i.id) for i in listed]
    counts: Counter[tuple[str, ...]] = Counter()
    people: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for issue in listed:
        kind = (issue.severity, issue.dataset, issue.variable, _kind(issue))
        counts[kind] += 1
        people[kind] |= {issue.subject} - {""}
    order = sorted(counts, key=lambda k: (SEVERITIES.index(k[0]), *k[1:]))
    told = [(*k, counts[k], len(people[k])) for k in order]
    return xlsx_bytes(
        [Sheet("Issues", COLUMNS, rows), Sheet("Counts", COUNTS, told)], created, title=f"Issues of {study}")


def read_issues(path: Path) -> list[Issue]:
    """Issues of a former build; none where there is no such file."""
    if not path.is_file():
        return []
    rows = orjson.loads(path.read_bytes())
    return [Issue(**{k: v for k, v in row.items() if k != "id"}) for row in rows]


def in_order(issues: Iterable[Issue]) -> list[Issue]:
    """Each issue once, in the order of issues.json."""
    return Issues(list(issues)).listed()


def _for_people(issue: Issue) -> tuple[object, ...]:
    file, _, line = issue.source.partition(" line ")
    number = int(line) if line.isdigit() else 0
    return (SEVERITIES.index(issue.severity), issue.subject, file, number, issue.dataset, issue.variable, issue.message)


def _kind(issue: Issue) -> str:
    """The message without the value at fault."""
    return issue.message.partition(': "')[0]
