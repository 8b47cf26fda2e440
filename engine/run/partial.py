"""A run over what one explanation needs: the variables on the way, for one subject where no verb looks at others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from engine.run.build import start
from engine.run.execute import execute
from engine.run.identity import RawTable
from engine.run.plan import Node, Plan
from engine.run.run import Run, Toolbox
from engine.spec.catalogue import Catalogue
from engine.spec.study import Study


def partial_run(
    study: Study, raw: dict[str, RawTable], toolbox: Toolbox, nodes: Iterable[Node], subject: str | None
) -> tuple[Run, bool]:
    """Work out these nodes, and what they need; for one subject only where every verb on the way allows it.

    Returns:
        The run, and whether only the subject was worked on.

    Raises:
        SpecError: a cycle. DataError: identity cannot be resolved.
    """
    catalogue = Catalogue(study)
    plan = Plan(study.datasets)
    order = plan.order(nodes)
    run, _ = start(study, raw, toolbox)
    alone = subject is not None and not any(_sees_others(study, node) for node in order)
    if alone:
        codes = np.flatnonzero(run.people.columns["USUBJID"] == subject)
        alone = len(codes) == 1
        if alone:
            run, _ = start(study, _of_subject(run, study, raw, int(codes[0])), toolbox)
    execute(run, plan, order, catalogue.type_of)
    return run, alone


def _sees_others(study: Study, node: Node) -> bool:
    """Whether a verb of the node looks at the records of other subjects."""
    spec = study.datasets[node.dataset]
    if node.kind == "records":
        return any(step.params.own_scope(step.verb.scope) == "study" for part in spec.parts for step in part.steps)
    lines = [line for _, line in spec.all_lines() if line.name == node.variable]
    return any(line.params.own_scope(line.verb.scope) == "study" for line in lines)


def _of_subject(run: Run, study: Study, raw: dict[str, RawTable], code: int) -> dict[str, RawTable]:
    """The raw records of one person; sources that are about no subject stay whole."""
    kept = {}
    for name, given in raw.items():
        table = run.tables[name]
        assert table.file_of is not None and table.line is not None
        personal = bool(given.subject_column) or name in study.file.identity.via
        rows = np.flatnonzero(table.records.subject == code) if personal else np.arange(table.n)
        frame = pd.DataFrame(table.columns).iloc[rows].reset_index(drop=True)
        kept[name] = replace(given, frame=frame, file_of=table.file_of[rows], line=table.line[rows])
    return kept
