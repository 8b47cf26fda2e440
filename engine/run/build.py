"""Builds packages of a study in memory: identity, graph, assembled datasets, issues. Writes nothing.

Sources: architecture, "Graph" and "The contract".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.errors import SpecError
from engine.run.assemble import Built, assemble, settle_lengths
from engine.run.execute import Progress, execute
from engine.run.identity import RawTable, resolve
from engine.run.issues import Issue
from engine.run.plan import Plan
from engine.run.run import Run, Toolbox
from engine.spec.catalogue import Catalogue
from engine.spec.study import Study


@dataclass(slots=True)
class Result:
    """What a build made: datasets by package, and all that was found on the way."""

    packages: dict[str, list[Built]]
    issues: list[Issue]
    counts: dict[str, dict[str, int]]
    run: Run
    unknown: dict[str, int] = field(default_factory=dict)

    @property
    def blocking(self) -> int:
        """Issues that forbid publishing."""
        return sum(i.severity == "blocking" for i in self.issues)


def build(
    study: Study,
    raw: dict[str, RawTable],
    toolbox: Toolbox,
    packages: Iterable[str],
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Build these packages.

    Raises:
        SpecError: a cycle, or what neither spec nor standard says.
        DataError: identity cannot be resolved.
    """
    catalogue = Catalogue(study)
    if catalogue.problems:
        raise SpecError(catalogue.problems)
    run, identity_issues = start(study, raw, toolbox)
    run.issues.add(identity_issues)
    plan = Plan(study.datasets)
    wanted = {p: [d.name for d in study.package(p)] for p in packages}
    nodes = plan.order(plan.nodes_of(name for names in wanted.values() for name in names))
    stopped = {n.dataset for n in execute(run, plan, nodes, catalogue.type_of, jobs=jobs, progress=progress)}
    made: dict[str, list[Built]] = {}
    for package, names in wanted.items():
        complete = [b for name in names if name not in stopped for b in assemble(run, catalogue, name)]
        made[package] = [b for b in settle_lengths(complete) if len(b.frame)]
    unknown = {f"{d}.{v}: {c}": n for (d, v, c), n in sorted(run.unknown.items())}
    return Result(made, run.close_issues(), run.counts, run, unknown)


def start(study: Study, raw: dict[str, RawTable], toolbox: Toolbox) -> tuple[Run, list[Issue]]:
    """A run whose people are known."""
    dates = {}
    by = study.file.identity.USUBJID.by
    if by is not None and by.source in raw:
        values = raw[by.source].frame[by.name].reset_index(drop=True)
        dates[by], _ = toolbox.to_iso(by.source, by.name, None, values, None)
    identity = resolve(study, raw, dates)
    run = Run(study, identity.tables, identity.people, toolbox)
    run.counts.update(identity.counts)
    return run, identity.issues
