"""The graph of a study: what has to be worked out before what, over all datasets at once.

Nodes are the records of a dataset, its variables computed early (those that the cut needs), its records after
the cut, each variable, and its order. DM.RFSTDTC needs EX and EX.EXSTDY needs DM: only variables, not
datasets, have an order of derivation. A true cycle is an error that prints its path.

Sources: architecture, "Graph".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from engine.errors import Problem, SpecError
from engine.spec.dataset import DatasetSpec, VariableLine
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, RecordParams

Kind = Literal["records", "early", "rows", "var", "order", "check"]


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One thing to work out."""

    dataset: str
    kind: Kind
    variable: str = ""

    def __str__(self) -> str:
        """As told to people."""
        what = {
            "records": "its records",
            "rows": "its records after the cut",
            "order": "its order",
            "check": "its checks",
        }.get(self.kind)
        return f"{self.dataset}.{self.variable}" if self.variable else f"{self.dataset} ({what})"


class Plan:
    """The nodes of a study and what each needs."""

    def __init__(self, datasets: dict[str, DatasetSpec]) -> None:
        """Plan over these datasets; references to what does not exist are lint's concern and skipped here."""
        self.datasets = datasets
        self.needs: dict[Node, tuple[Node, ...]] = {}

    def nodes_of(self, names: Iterable[str]) -> list[Node]:
        """The nodes that make these datasets complete: every variable and the order."""
        wanted: list[Node] = []
        for name in names:
            spec = self.datasets[name]
            wanted.append(Node(name, "order"))
            wanted += [Node(name, "var", v) for v in dict.fromkeys(line.name for _, line in spec.all_lines())]
            wanted += [Node(name, "check")] if spec.header.checks else []
        return wanted

    def order(self, wanted: Iterable[Node]) -> list[Node]:
        """Every node needed for `wanted`, each after what it needs; checks of working datasets go with their records.

        Raises:
            SpecError: a cycle; its path is printed with the lines of the specs.
        """
        done: dict[Node, bool] = {}
        result: list[Node] = []
        waiting = list(wanted)
        for start in waiting:  # grows while it is gone through
            stack: list[tuple[Node, Iterator[Node]]] = []
            if start in done:
                continue
            done[start] = False
            stack.append((start, iter(self.needed(start))))
            while stack:
                node, rest = stack[-1]
                step = next(rest, None)
                if step is None:
                    stack.pop()
                    done[node] = True
                    result.append(node)
                    spec = self.datasets[node.dataset]
                    if node.kind == "records" and spec.working and spec.header.checks:
                        waiting.append(Node(node.dataset, "check"))
                elif step not in done:
                    done[step] = False
                    stack.append((step, iter(self.needed(step))))
                elif not done[step]:
                    path = [n for n, _ in stack]
                    raise SpecError(self._cycle([*path[path.index(step) :], step]))
        return result

    def needed(self, node: Node) -> tuple[Node, ...]:
        """What a node needs, in a fixed order."""
        if node not in self.needs:
            self.needs[node] = tuple(dict.fromkeys(self._needed(self.datasets[node.dataset], node)))
        return self.needs[node]

    def early(self, name: str) -> tuple[str, ...]:
        """Variables that the cut of a dataset reads, with the variables of the dataset that those read."""
        return self._early[name]

    @cached_property
    def _early(self) -> dict[str, tuple[str, ...]]:
        result = {}
        for name, spec in self.datasets.items():
            waiting = [spec.header.cut_off] if spec.header.cut_off else []
            if spec.header.keep is not None:
                waiting += [r.name for r in spec.header.keep.refs if r.source in (None, name)]
            found: dict[str, None] = {}
            while waiting:
                variable = waiting.pop(0)
                if variable in found:
                    continue
                found[variable] = None
                for _, line in _lines(spec, variable):
                    waiting += [r.name for r in line_refs(line) if r.source in (None, name)]
            result[name] = tuple(found)
        return result

    def _needed(self, spec: DatasetSpec, node: Node) -> Iterator[Node]:
        name = spec.name
        if node.kind == "records":
            for part in spec.parts:
                for step in part.steps:
                    for table in step_tables(step.params):
                        if table in self.datasets:
                            yield Node(table, "rows")
                    for ref in step.refs():
                        yield from self._of_ref(spec, ref, "var")
        elif node.kind == "early":
            yield Node(name, "records")
            for _, line in _lines(spec, node.variable):
                yield from self._of_line(spec, line, "early")
        elif node.kind == "rows":
            yield Node(name, "records")
            for variable in self.early(name):
                yield Node(name, "early", variable)
            if spec.header.keep is not None:
                for ref in spec.header.keep.refs:
                    if ref.source not in (None, name):
                        yield from self._of_ref(spec, ref, "var")
        elif node.kind == "order":
            yield Node(name, "rows")
            for key in spec.keys:  # a key that numbers the records in their order cannot decide it
                if any(not line.params.needs_order for _, line in _lines(spec, key)):
                    yield Node(name, "var", key)
            for ref in spec.header.ties:
                yield from self._of_ref(spec, ref, "var")
        elif node.kind == "check":
            yield Node(name, "rows")
            for check in spec.header.checks:
                for ref in check.refs():
                    yield from self._of_ref(spec, ref, "var")
        else:
            yield Node(name, "rows")
            if node.variable not in self.early(name):
                for _, line in _lines(spec, node.variable):
                    yield from self._of_line(spec, line, "var")

    def _of_line(self, spec: DatasetSpec, line: VariableLine, kind: Kind) -> Iterator[Node]:
        if line.params.needs_order:
            yield Node(spec.name, "order")
        for table in line.params.tables():
            if table in self.datasets:
                yield Node(table, "rows")
        for ref in line_refs(line):
            yield from self._of_ref(spec, ref, kind)

    def _of_ref(self, spec: DatasetSpec, ref: VariableRef, kind: Kind) -> Iterator[Node]:
        if ref.source in (None, spec.name):
            if any(True for _ in _lines(spec, ref.name)):
                yield Node(spec.name, kind, ref.name)
        elif ref.source in self.datasets:
            yield Node(ref.source, "rows")
            if any(True for _ in _lines(self.datasets[ref.source], ref.name)):
                yield Node(ref.source, "var", ref.name)

    def _cycle(self, path: list[Node]) -> Problem:
        steps = []
        for node in path:
            spec = self.datasets[node.dataset]
            line = next((line for _, line in _lines(spec, node.variable)), None)
            place = line.place if line else spec.document.place("records")
            steps.append(f"{node} ({place})")
        first = self.datasets[path[0].dataset]
        line = next((line for _, line in _lines(first, path[0].variable)), None)
        return Problem(
            "these need one another in a circle",
            line.place if line else first.document.place(),
            found="\n            -> ".join(steps),
            do="let one of them read its source instead",
        )


def line_refs(line: VariableLine) -> Iterator[VariableRef]:
    """What a line reads, those references included that its verb always has."""
    yield from line.refs()


def step_tables(params: RecordParams | Params) -> tuple[str, ...]:
    """Tables that a verb reads as a whole."""
    return params.tables()


def _lines(spec: DatasetSpec, name: str) -> Iterator[tuple[object, VariableLine]]:
    yield from spec.lines(name)
    if name in spec.supplemental:
        yield None, spec.supplemental[name]
