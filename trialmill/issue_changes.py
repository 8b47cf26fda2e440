"""What became of the issues since the last list: new, still open, gone.

The list itself (issues.json) says nothing of former builds, so that the same input and spec give the same bytes. What
changed stands in issues_changes.json and in the workbook, both of which have the last list as an input. The last list
is that of a blocked build where there is one, else that of what is published. An issue is gone when this build looked
where it was found and it was not there; where this build did not look (another package, or behind what blocks it) it
is listed as not looked at, and the next build compares with it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from engine.run.issues import Issue, derived_in
from engine.run.plan import Node
from engine.spec.study import Study
from trialmill.outputs import CHANGES, ISSUES

NEW, STILL_OPEN = "new", "still open"


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids that the last list had not, and issues of it that this one has not; `first`: there was no last list."""

    first: bool = True
    new: frozenset[str] = frozenset()
    gone: list[Issue] = field(default_factory=list)
    unseen: list[Issue] = field(default_factory=list)

    def status(self, issue: Issue) -> str:
        """Of an issue of this build."""
        return NEW if self.first or issue.id in self.new else STILL_OPEN

    def counted(self, issues: Iterable[Issue], severity: str) -> tuple[int, int]:
        """How many issues of a severity are new, and how many still open."""
        said = [self.status(i) for i in issues if i.severity == severity]
        return said.count(NEW), said.count(STILL_OPEN)


def beside(out: Path, name: str) -> Path:
    """Where a blocked build puts its lists, beside the output folder."""
    return out.with_name(f"{out.name}.{name}")


def last_list(out: Path) -> list[Issue] | None:
    """The issues of the last list, with those that its build did not look at; None when there is none."""
    blocked = beside(out, ISSUES)
    places = (blocked, beside(out, CHANGES)) if blocked.is_file() else (out / ISSUES, out / CHANGES)
    if not places[0].is_file():
        return None
    found = read_issues(places[0])
    if places[1].is_file():
        found += [Issue.read(row) for row in orjson.loads(places[1].read_bytes())["not looked at"]]
    return found


def read_issues(path: Path) -> list[Issue]:
    """The issues of a list; none where there is no such file."""
    return [Issue.read(row) for row in orjson.loads(path.read_bytes())] if path.is_file() else []


def compare(
    now: list[Issue], last: list[Issue] | None, study: Study, packages: list[str], stuck: list[Node]
) -> Changes:
    """What changed since the last list.

    Args:
        now: the issues of this build. last: those of the last list. study: it says which package a dataset is of.
        packages: those that were built. stuck: what could not be worked out.
    """
    if last is None:
        return Changes()
    there, had = {i.id for i in now}, {i.id for i in last}
    absent = [i for i in last if i.id not in there]
    unseen = {i.id for i in absent if not _looked_at(i, study, packages, stuck)}
    return Changes(
        False,
        frozenset(there - had),
        [i for i in absent if i.id not in unseen],
        [i for i in absent if i.id in unseen],
    )


def changes_json(changes: Changes, now: list[Issue]) -> bytes:
    """Ids that are new and still open, and the rows of the issues that are gone or were not looked at."""
    told = {
        "new": [i.id for i in now if changes.status(i) == NEW],
        "still open": [i.id for i in now if changes.status(i) == STILL_OPEN],
        "gone": [i.row() for i in changes.gone],
        "not looked at": [i.row() for i in changes.unseen],
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n"


def _looked_at(issue: Issue, study: Study, packages: list[str], stuck: list[Node]) -> bool:
    """Whether this build would have found the issue again if it were still there."""
    for name in derived_in(issue):
        spec = study.datasets.get(name)
        if spec is None:  # no longer in the study
            continue
        if spec.package not in packages:
            return False
        if any(n.dataset == name and (n.kind != "var" or n.variable == issue.variable) for n in stuck):
            return False
    return True
