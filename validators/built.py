"""Holds what a build made against its schemas before anything is published.

A failure is a blocking issue of its record, with the raw file and line behind it. What the build itself found wrong
with a variable is not told a second time.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np

from engine.errors import Problem
from engine.run.assemble import Built
from engine.run.at import At
from engine.run.issues import Issue
from engine.run.run import Run
from engine.spec.catalogue import Catalogue
from validators.findings import Fault, Named, messages, problem
from validators.schemas import make_schema


def check_built(
    run: Run, packages: dict[str, list[Built]], known: Iterable[Issue]
) -> tuple[list[Issue], list[Problem]]:
    """Blocking issues, one a record, and the same told by fault for those who run the build.

    Args:
        run: the build's run, which knows where records came from.
        packages: the datasets of each package.
        known: what the build found itself.
    """
    catalogue = Catalogue(run.study)
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
                    issues += _issues(run, built, fault, named)
                    problems.append(problem(fault, named, partial(_source, run, built)))
    return issues, problems


def _issues(run: Run, built: Built, fault: Fault, named: Named) -> list[Issue]:
    found = list(messages(fault))
    rows = np.array([row for row, _ in found if row >= 0], dtype=np.int64)
    sources = dict(zip(rows.tolist(), _sources(run, built, rows), strict=True))
    return [
        Issue(
            "blocking",
            fault.dataset,
            fault.variable,
            message,
            named.subject(row) if row >= 0 else "",
            named.key(row) if row >= 0 else "",
            sources.get(row, ""),
        )
        for row, message in found
    ]


def _source(run: Run, built: Built, row: int) -> str:
    return _sources(run, built, np.array([row]))[0]


def _sources(run: Run, built: Built, rows: np.ndarray) -> list[str]:
    """Raw file and line behind records of a dataset; those of a qualifier are its parent's."""
    if not len(rows):
        return []
    name = built.info.name
    table = run.table(name if name in run.study.datasets else name.removeprefix("SUPP"))
    return run.places(At(run, table, built.rows[rows]))
