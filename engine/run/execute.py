"""Works through a plan: every node once its needs are done, on one thread or several.

Nodes are pure, so the number of threads changes nothing but the time. A node that fails blocks those that need
it; each of them is listed once, and everything else is still worked out, so that one run shows all problems.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from engine.errors import DataError, Problem
from engine.run.derive import TypeOf, carry_out
from engine.run.issues import Issue
from engine.run.plan import Node, Plan
from engine.run.run import Run

Progress = Callable[[int, int, str], None]


def execute(
    run: Run,
    plan: Plan,
    nodes: list[Node],
    type_of: TypeOf,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Node]:
    """Carry out `nodes` (in an order that respects needs).

    Returns:
        The nodes that could not be carried out; why stands in the run's issues.
    """
    position = {node: i for i, node in enumerate(nodes)}
    open_needs = {n: sum(need in position for need in plan.needed(n)) for n in nodes}
    dependants: dict[Node, list[Node]] = {n: [] for n in nodes}
    for node in nodes:
        for need in plan.needed(node):
            if need in position:
                dependants[need].append(node)
    blocked: dict[Node, Node] = {}  # node -> what blocks it
    ready = [n for n in nodes if not open_needs[n]]
    done = 0
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        running: dict[Future[list[Problem]], Node] = {}
        while ready or running:
            ready.sort(key=lambda n: position[n])
            for node in ready:
                running[pool.submit(_one, run, plan, node, type_of, blocked)] = node
            ready = []
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                node = running.pop(future)
                problems = future.result()
                done += 1
                if progress is not None:
                    progress(done, len(nodes), node.dataset)
                if problems:
                    run.issues.add(_issues(node, problems))
                    blocked[node] = node
                for after in dependants[node]:
                    if node in blocked:
                        blocked.setdefault(after, node)
                    open_needs[after] -= 1
                    if not open_needs[after]:
                        ready.append(after)
    stopped = [n for n in nodes if n in blocked]
    causes = {n: _cause(blocked, n) for n in stopped}
    run.issues.add(
        Issue("info", n.dataset, n.variable, f"not derived, since {causes[n]} could not be", found_in=n.dataset)
        for n in stopped
        if blocked[n] != n and n.kind == "var"
    )
    return stopped


def _one(run: Run, plan: Plan, node: Node, type_of: TypeOf, blocked: dict[Node, Node]) -> list[Problem]:
    if node in blocked:
        return []
    try:
        carry_out(run, plan, node, type_of)
    except DataError as error:
        return error.problems
    return []


def _cause(blocked: dict[Node, Node], node: Node) -> Node:
    while blocked[node] != node:
        node = blocked[node]
    return node


def _issues(node: Node, problems: list[Problem]) -> list[Issue]:
    made = []
    for p in problems:
        parts = [p.what] + [f"{k} {v}" for k, v in (("found", p.found), ("expected", p.expected), ("do", p.do)) if v]
        made.append(
            Issue(
                "blocking",
                node.dataset,
                node.variable,
                "; ".join(parts),
                source=str(p.place) if p.place else "",
                found_in=node.dataset,
            )
        )
    return made
