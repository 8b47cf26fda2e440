"""What became of the causes since the last report: new, still there, gone, or not looked at.

The report itself (NAME.check.json) knows nothing of former ones, so that the same datasets give the same bytes. What
changed stands in NAME.check_changes.json, on the page and in the workbook, which have the last report as an input. A
cause is gone when this check ran what found it and it was not there; where it did not (no CORE this time, a package not
published) the cause is listed as not looked at, and the next check compares with it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from engine.errors import FileError, Place, Problem
from validators.causes import NOT_RUN
from validators.conformance import Conformance
from validators.findings import CORE, FILES, SCHEMAS
from validators.outcomes import Ended

NEW, STILL = "new", "still there"
REPORT, CHANGES = "check.json", "check_changes.json"
_NEEDS = ("id", "source", "rule", "severity", "dataset", "variable", "what", "value", "count")
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CheckChanges:
    """Status of each cause by id, and rows of causes that are gone or were not looked for; `first`: no last report."""

    first: bool = True
    status: dict[str, str] = field(default_factory=dict)
    gone: Rows = field(default_factory=list)
    unseen: Rows = field(default_factory=list)

    def told(self) -> str:
        """One sentence."""
        if self.first:
            return "No earlier report to compare with."
        said = list(self.status.values())
        parts = [f"{said.count(NEW):,} new", f"{said.count(STILL):,} still there", f"{len(self.gone):,} gone"]
        if self.unseen:
            parts.append(f"{len(self.unseen):,} not looked at")
        return f"Since the last report: {', '.join(parts)}."


def last_report(out: Path, study: str) -> Rows | None:
    """Causes of the last report on a study, with those that it did not look for; None when there is none.

    Raises:
        FileError: the last report is damaged.
    """
    path = out.with_name(f"{out.name}.{REPORT}")
    if not path.is_file():
        return None
    try:
        content = orjson.loads(path.read_bytes())
        if content.get("study") != study or "causes" not in content:
            return None
        found = [{n: row[n] for n in _NEEDS} for row in content["causes"]]
        beside = out.with_name(f"{out.name}.{CHANGES}")
        if beside.is_file():
            found += [{n: row[n] for n in _NEEDS} for row in orjson.loads(beside.read_bytes())["not looked at"]]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise FileError(
            Problem("the last report is damaged", Place(str(path)), do="delete it, then check again")
        ) from error
    return list({row["id"]: row for row in found}.values())


def compare(report: Conformance, last: Rows | None, lacks: Callable[[str], bool]) -> CheckChanges:
    """What changed.

    Args:
        report: of this check. last: causes of the last one.
        lacks: whether a dataset belongs to a package that was not published.
    """
    if last is None:
        return CheckChanges(True, {c.id: NEW for c in report.causes})
    had, here = {row["id"] for row in last}, {c.id for c in report.causes}
    status = {c.id: STILL if c.id in had else NEW for c in report.causes}
    absent = sorted((row for row in last if row["id"] not in here), key=lambda r: (r["source"], r["rule"], r["id"]))
    gone = [row for row in absent if _looked(row, report.ended, lacks)]
    return CheckChanges(False, status, gone, [row for row in absent if row not in gone])


def _looked(row: dict[str, Any], ended: Sequence[Ended], lacks: Callable[[str], bool]) -> bool:
    """Whether this check would have found the cause again if it were still there."""
    if row["dataset"] and row["source"] != CORE and lacks(row["dataset"]):
        return False
    found = next((e for e in ended if (e.source, e.rule) == (row["source"], row["rule"])), None)
    if row["source"] == CORE:
        return found is not None and (found.state != NOT_RUN or row["severity"] == NOT_RUN)
    if found is None or row["source"] in (FILES, SCHEMAS):
        return True
    return not (found.why and found.state != "skipped")


def changes_json(changes: CheckChanges) -> bytes:
    """Ids that are new and still there, and rows of causes that are gone or were not looked for."""
    told = {
        "new": sorted(i for i, s in changes.status.items() if s == NEW),
        "still there": sorted(i for i, s in changes.status.items() if s == STILL),
        "gone": changes.gone,
        "not looked at": changes.unseen,
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n"
