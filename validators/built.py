"""Holds what a build made against its schemas before anything is published.

A failure is a blocking issue of its record, with the raw file and line behind it. What the build itself found wrong
with a variable is not told a second time: where a required value is missing because a verb did not know what it read,
the verb's own warning of that record, which names the cause and whom to ask, becomes the blocking one.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from engine.errors import Problem
from engine.run.assemble import Built
from engine.run.at import At
from engine.run.entries import Entry, entries
from engine.run.issues import Issue
from engine.run.run import Run
from engine.spec.catalogue import Catalogue
from validators.findings import Fault, Named, messages, problem
from validators.schemas import make_schema


def check_built(
    run: Run, packages: dict[str, list[Built]], known: Iterable[Issue]
) -> tuple[list[Issue], list[Issue], list[Problem]]:
    """What the build found, the blocking issues beside it, and these told by fault for those who run the build.

    Of what the build found, warnings that say why a required value is missing are blocking now.

    Args:
        run: the build's run, which knows where records came from.
        packages: the datasets of each package.
        known: what the build found itself.
    """
    catalogue = Catalogue(run.study)
    known = list(known)
    causes = _causes(run, known)
    blocking: set[int] = set()  # places in `known`
    told = {(i.dataset, i.variable) for i in known if i.severity == "blocking"}
    issues: list[Issue] = []
    problems: list[Problem] = []
    for package in packages.values():
        frames = {b.info.name: b.frame for b in package}
        for built in package:
            parent = frames.get(built.info.name.removeprefix("SUPP"))
            named = Named(built.info, built.frame)
            for fault in make_schema(catalogue, built.info, parent).faults(built.frame):
                if (fault.dataset, fault.variable) not in told:
                    rest, found = _unexplained(run, built, fault, named, causes)
                    blocking.update(found)
                    if rest is not None:
                        issues += _issues(run, built, rest, named)
                        problems.append(problem(rest, named, partial(_source, run, built)))
    known = [replace(i, severity="blocking") if at in blocking else i for at, i in enumerate(known)]
    return known, issues, problems


def _causes(run: Run, known: list[Issue]) -> dict[tuple[str, ...], list[int]]:
    """Warnings of verbs by dataset, variable, subject and raw record; those of the spec's checks are no causes."""
    causes: dict[tuple[str, ...], list[int]] = {}
    for at, issue in enumerate(known):
        spec = run.study.datasets.get(issue.dataset)
        checks = {check.says for check in spec.header.checks} if spec is not None else set()
        if issue.severity == "warning" and issue.source and issue.message.partition(': "')[0] not in checks:
            causes.setdefault((issue.dataset, issue.variable, issue.subject, issue.source), []).append(at)
    return causes


def _unexplained(
    run: Run, built: Built, fault: Fault, named: Named, causes: dict[tuple[str, ...], list[int]]
) -> tuple[Fault | None, list[int]]:
    """A fault without the records of which a verb told why they have no value, and the places of these causes."""
    if fault.rule != "required" or not len(fault.rows):
        return fault, []
    left, found = [], []
    records = _entries(run, built, fault.rows, fault.variable)
    for place, (row, entry) in enumerate(zip(fault.rows, records, strict=True)):
        told = causes.get((fault.dataset, fault.variable, named.subject(row), entry.source))
        if told:
            found.append(told.pop())
        else:
            left.append(place)
    rest = replace(fault, rows=fault.rows[left], values=[fault.values[i] for i in left]) if left else None
    return rest, found


def _issues(run: Run, built: Built, fault: Fault, named: Named) -> list[Issue]:
    found = list(messages(replace(fault, place=None)))  # an id may not move with the lines of the spec
    rows = np.array([row for row, _ in found if row >= 0], dtype=np.int64)
    behind = dict(zip(rows.tolist(), _entries(run, built, rows, fault.variable), strict=True))
    spec = run.study.datasets[_parent(run, built)]
    lasting = Named(named.info, named.frame)
    lasting.keys = [k for k in named.keys if k not in {*spec.numbered_keys, "IDVARVAL"}]
    issues = []
    for row, message in found:
        entry = behind.get(row, Entry(source=str(fault.place) if fault.place is not None else ""))
        one = row >= 0
        issues.append(
            Issue(
                "blocking",
                fault.dataset,
                fault.variable,
                message,
                named.subject(row) if one else "",
                named.key(row) if one else "",
                entry.source,
                entry.form,
                entry.visit,
                entry.fields,
                found_in=spec.name,
                anchor=", ".join(p for p in (lasting.key(row), entry.key) if p) if one else "",
                content=entry.content,
            )
        )
    return issues


def _source(run: Run, built: Built, row: int) -> str:
    return _entries(run, built, np.array([row]), "")[0].source


def _entries(run: Run, built: Built, rows: np.ndarray, variable: str) -> list[Entry]:
    """The raw records behind records of a dataset; those of a qualifier are its parent's."""
    if not len(rows):
        return []
    return entries(run, At(run, run.table(_parent(run, built)), built.rows[rows]), variable)


def _parent(run: Run, built: Built) -> str:
    name = built.info.name
    return name if name in run.study.datasets else name.removeprefix("SUPP")
