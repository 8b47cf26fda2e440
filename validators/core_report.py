"""The report of CDISC CORE for people and for programs: what is not explained first, what did not run always named.

For programs it holds no clock time, so that the same report gives the same bytes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from validators.core import CoreReport, Group

WIDTH = 120


def told_core(report: CoreReport) -> Iterator[str]:
    """The report in lines for people."""
    yield f"{report.title}: {report.file}"
    yield ""
    for group in sorted((g for g in report.groups if not g.not_run), key=lambda g: bool(g.reason)):
        yield from _found(group)
        yield ""
    failed = sorted((g for g in report.groups if g.not_run), key=_alike)
    for _, same in groupby(failed, key=_alike):
        yield from _not_run(list(same))
        yield ""
    if report.skipped:
        yield f"skipped   {len(report.skipped)} rules that CORE held against no dataset:"
        yield from _wrapped(", ".join(report.skipped))
    for each in report.notes:
        yield f"note      {each}"
    yield summary(report)


def summary(report: CoreReport) -> str:
    """One line: rules by how they ended, findings by whether they are explained."""
    ended = report.counts()
    words = ", ".join(f"{n:,} {word}" for word, n in ended.items() if word != "rules")
    found = {True: 0, False: 0}
    for group in report.groups:
        if not group.not_run:
            found[bool(group.reason)] += group.count
    open_rules = len({g.rule for g in report.groups if g.not_run and not g.reason})
    told = f"{found[True]:,} findings explained, {found[False]:,} not explained"
    told += f", {open_rules} rules not run and not explained" if open_rules else ""
    return f"CORE: {ended['rules']} rules: {words}; {told}"


def _found(group: Group) -> Iterator[str]:
    state = "explained" if group.reason else "not explained"
    n = f"{group.count:,} finding{'' if group.count == 1 else 's'}"
    yield f"{group.rule}  {state}  {group.what}: {n}: {group.message}"
    if group.reason:
        yield f"  explained {group.reason}"
        return
    for record in group.records:
        yield f"  {record}"
    if group.count > len(group.records):
        yield f"  and {group.count - len(group.records):,} more"


def _not_run(groups: list[Group]) -> Iterator[str]:
    first = groups[0]
    names = [g.dataset for g in groups if g.dataset]
    state = "not run, explained" if first.reason else "not run, not explained"
    yield f"{first.rule}  {state}: {first.message}"
    if names:
        yield from _wrapped(f"{len(names)} dataset{'' if len(names) == 1 else 's'}: {', '.join(names)}")
    said = next((r.why for g in groups for r in g.records if r.why), "")
    if said:
        yield from _wrapped(said)
    if first.reason:
        yield f"  explained {first.reason}"


def _alike(group: Group) -> tuple[bool, str, str, str]:
    """What rules that did not run on several datasets have in common; those not explained come first."""
    return bool(group.reason), group.rule, group.message, group.reason


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def core_json(report: CoreReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "report": report.file,
        "about": report.title,
        "counts": report.counts(),
        "groups": [
            {
                "rule": g.rule,
                "dataset": g.dataset,
                "variables": list(g.variables),
                "message": g.message,
                "not run": g.not_run,
                "count": g.count,
                "explained": g.reason,
                "first": [str(r) for r in g.records],
            }
            for g in report.groups
        ],
        "skipped": report.skipped,
        "notes": report.notes,
    }
