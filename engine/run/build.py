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
from engine.run.plan import Node, Plan
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
    stuck: list[Node] = field(default_factory=list)  # what could not be worked out

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
    stuck = execute(run, plan, nodes, catalogue.type_of, jobs=jobs, progress=progress)
    stopped = {n.dataset for n in stuck}
    made: dict[str, list[Built]] = {}
    for package, names in wanted.items():
        complete = [b for name in names if name not in stopped for b in assemble(run, catalogue, name)]
        made[package] = [b for b in settle_lengths(complete) if len(b.frame)]
    _name_records(run, plan, nodes, stuck, catalogue)
    unknown = {f"{d}.{v}: {c}": n for (d, v, c), n in sorted(run.unknown.items())}
    return Result(made, run.close_issues(), run.counts, run, unknown, stuck)


def _name_records(run: Run, plan: Plan, done: list[Node], stuck: list[Node], catalogue: Catalogue) -> None:
    """Work out the keys of the records that issues speak of, where nothing else needed them.

    So an issue reads the same whichever packages are built. What deriving the keys would report is not told here: it
    is told by a build of their own package.
    """
    specs = [run.study.datasets[name] for name in sorted(run.unnamed()) if name in run.study.datasets]
    keys = [Node(s.name, "var", k) for s in specs for k in s.keys if any(True for _ in s.lines(k))]
    known, lost, more = set(done), set(stuck), []
    for node in plan.order(keys):
        if any(need in lost for need in plan.needed(node)):
            lost.add(node)
        elif node not in known:
            more.append(node)
    counts, unknown = {name: dict(each) for name, each in run.counts.items()}, run.unknown.copy()
    found = list(run.issues.found)
    run.naming = True
    execute(run, plan, more, catalogue.type_of)
    run.naming = False
    run.issues.found, run.counts, run.unknown = found, counts, unknown


def start(study: Study, raw: dict[str, RawTable], toolbox: Toolbox) -> tuple[Run, list[Issue]]:
    """A run whose people are known."""
    dates = {}
    by = study.file.identity.USUBJID.by
    if by is not None and by.source in raw:
        values = raw[by.source].frame[by.name].reset_index(drop=True)
        finished = raw[by.source].delivered
        dates[by] = values if finished else toolbox.to_iso(by.source, by.name, None, values, None)[0]
    identity = resolve(study, raw, dates)
    run = Run(study, identity.tables, identity.people, toolbox)
    run.counts.update(identity.counts)
    return run, identity.issues
