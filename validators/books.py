"""The report as a workbook for exchange: Summary, Causes, Records, Rules.

On the sheet Causes the columns Disposition and Comment are for a reviewer to fill; the columns behind them say what
they were when the workbook was written, so that what the reviewer changed can be told from what others changed since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.spec.study import Study
from formats.xlsx_write import Sheet, Tinted, xlsx_bytes
from validators.causes import OPEN, Cause
from validators.conformance import Conformance
from validators.outcomes import by_source

FORM = "trialmill check 1"  # of the workbook: raised when sheets or columns change that are read back
SUMMARY, CAUSES = "Summary", "Causes"
ID, RULE, ON, COUNT = "Id", "Rule", "On", "Records"
DISPOSITION, COMMENT = "Disposition", "Comment"
WAS, SAID = "Disposition as sent", "Comment as sent"
COLUMNS = {ID: 13, "Status": 10, "Severity": 10, "Source": 15, RULE: 15, ON: 20, "What": 60, "Value": 22, COUNT: 9,
           "Subjects": 9, "First record": 50, "Expected": 36, "What to do": 40, DISPOSITION: 13, COMMENT: 40,
           "Note": 28, "Spec": 34, "Rule at": 30, "Decided at": 30, WAS: 13, SAID: 20}  # fmt: skip
RECORDS = {"Cause": 13, "Severity": 10, "Rule": 15, "Dataset": 9, "Variable": 11, "Subject": 16, "Record": 50,
           "Message": 80, "Explained": 40}  # fmt: skip
RULES = {"Source": 16, "Rule": 22, "Ended": 24, "What it asks": 80, "Why not run, or skipped": 60, "Datasets": 9,
         "Causes": 8, "Not explained": 13}  # fmt: skip
GONE = {
    "Id": 13,
    "Status": 14,
    "Severity": 10,
    "Source": 15,
    "Rule": 15,
    "On": 20,
    "What": 70,
    "Value": 22,
    "Records": 9,
}


def workbook(
    report: Conformance,
    study: Study,
    status: Mapping[str, str],
    gone: Sequence[Mapping[str, Any]] = (),
    unseen: Sequence[Mapping[str, Any]] = (),
    changed: str = "",
) -> bytes:
    """The workbook; see page.page for what is given."""
    causes = [_cause(c, status.get(c.id, "")) for c in report.causes]
    sheets = [
        Sheet(SUMMARY, {"What": 34, "Says": 100}, list(_summary(report, study, changed)), as_text=True),
        Sheet(CAUSES, COLUMNS, causes, freeze="C2", as_text=True),
        Sheet("Records", RECORDS, [_record(f.row()) for f in report.findings]),
        Sheet(
            "Rules",
            RULES,
            [(e.source, e.rule or "all", e.told, e.title, e.why, e.on, e.causes, e.open) for e in report.ended],
        ),
    ]
    if gone or unseen:
        rows = [_gone(g, "gone") for g in gone] + [_gone(g, "not looked at") for g in unseen]
        sheets.append(Sheet("Gone", GONE, rows))
    opens = 1 if report.causes else 0
    return xlsx_bytes(sheets, study.file.created, title=f"Conformance report of {study.name}", opens_on=opens)


def sent(cause: Cause) -> tuple[str, str]:
    """Disposition and comment of a cause as the workbook shows them."""
    return ("" if cause.decided == OPEN else cause.decided, cause.comment)


def _cause(cause: Cause, status: str) -> tuple[str | int | None, ...]:
    word, comment = sent(cause)
    first = str(cause.shown[0]) if cause.shown else ""
    return (
        cause.id, status, cause.severity, cause.source, cause.rule, cause.where, cause.what, cause.value, cause.count,
        len(cause.subjects), first, cause.expected, cause.do, Tinted(word), Tinted(comment), cause.note, cause.spec,
        cause.at, cause.decided_at, word, comment,
    )  # fmt: skip


def _summary(report: Conformance, study: Study, changed: str) -> list[tuple[str, str]]:
    rows = [("Study", study.name), ("Form", FORM), ("Specs SHA-256", study.fingerprint), ("Verdict", report.verdict())]
    if changed:
        rows.append(("Since the last report", changed))
    for each in by_source(report.ended):
        counts = ", ".join(f"{n:,} {state}" for state, n in each.counts.items() if n)
        what = f"{each.state} - {each.why}" if each.why else each.state
        rows.append((each.source, f"{what}{f' ({counts})' if counts else ''}"))
    rows += [(word, f"{n:,} causes") for word, n in report.counts().items()]
    rows += [("CORE report", line) for line in report.core]
    rows += [("Note", note) for note in report.notes]
    to_do = f"fill {DISPOSITION} (explained, to fix or query) and {COMMENT} on the sheet {CAUSES}, then run: "
    rows.append(("To decide", f"{to_do}trialmill check --dispositions THIS_FILE"))
    return rows


def _record(row: Mapping[str, str]) -> tuple[str, ...]:
    names = ("cause", "severity", "rule", "dataset", "variable", "subject", "key", "message", "explained")
    return tuple(row[n] for n in names)


def _gone(row: Mapping[str, Any], status: str) -> tuple[str | int | None, ...]:
    on = ".".join(p for p in (row["dataset"], row["variable"]) if p)
    return (row["id"], status, row["severity"], row["source"], row["rule"], on, row["what"], row["value"], row["count"])
