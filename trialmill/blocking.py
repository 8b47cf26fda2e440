"""What a blocked build says on the screen: the kinds of what blocks it, how many there are, and where all are listed.

Sources: house style, "Errors".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from engine.errors import Problem
from engine.run.issues import Issue
from trialmill.issue_files import kind_of

MAX_TOLD = 20  # kinds that are printed; the lists hold all
MAX_VALUES = 4  # values at fault that are shown of one kind


def told_blocking(issues: list[Issue], own: list[Issue], more: list[Problem], lists: list[Path]) -> list[Problem]:
    """The blocking issues by kind, each with its values and first record; at the end how many, and the lists.

    Args:
        issues: all of the build. own: those of them that `more` does not tell; `more`: kinds, as schemas tell them.
        lists: the files that list every issue.
    """
    kinds: dict[tuple[str, ...], list[Issue]] = {}
    for issue in own:
        if issue.severity == "blocking":
            kinds.setdefault(kind_of(issue), []).append(issue)
    problems = [*(_problem(each) for each in kinds.values()), *more]
    total = sum(i.severity == "blocking" for i in issues)
    kind_count = f"{len(problems)} kind{'' if len(problems) == 1 else 's'}"
    shown = f", {MAX_TOLD} of them shown" if len(problems) > MAX_TOLD else ""
    behind = sum(i.severity == "info" and i.message.startswith("not derived") for i in issues)
    end = Problem(
        f"{counted(total, 'blocking issue')} of {kind_count}{shown}; nothing was published",
        found=f"{counted(behind, 'variable')} could not be derived because of them" if behind else "",
        do=f"all are listed in {' and '.join(map(str, lists))}",
    )
    return [*problems[:MAX_TOLD], end]


def counted(count: int, noun: str) -> str:
    """`1 warning`, `2 warnings`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _problem(issues: list[Issue]) -> Problem:
    first = min(issues, key=_place)
    where = f"{first.dataset}.{first.variable}" if first.variable else first.dataset
    says = kind_of(first)[-1]
    what = f"{where}: {says}" if len(issues) == 1 else f"{where}: {len(issues):,} records: {says}"
    record = ", ".join(p for p in (first.subject, first.key, f"from {first.source}" if first.source else "") if p)
    lead = "first " if len(issues) > 1 else ""
    asked = {i.question for i in issues}
    ask = asked.pop() if len(asked) == 1 else ""
    return Problem(
        what,
        found=", ".join(p for p in (_values(issues), f"{lead}{record}" if record else "") if p),
        do=ask if ask.startswith("For ") else "",  # somebody else than the site must act
    )


def _place(issue: Issue) -> tuple[str, str, int]:
    file, _, line = issue.source.rpartition(" line ")
    return (issue.subject, file, int(line) if line.isdigit() else 0)


def _values(issues: Iterable[Issue]) -> str:
    """The values at fault, the most frequent first: `"Dose held" x3, "none"`."""
    values = Counter(v for i in issues if (v := i.message.partition(": ")[2]).startswith('"'))
    ordered = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    told = [f"{value} x{count:,}" if count > 1 else value for value, count in ordered[:MAX_VALUES]]
    rest = len(ordered) - MAX_VALUES
    return ", ".join(told) + (f" and {counted(rest, 'more value')}" if rest > 0 else "")
