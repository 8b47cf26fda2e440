"""The path of a traced value: of all that was read on the way, what the value was taken from or made of.

Where what a step read holds its value, that is followed; else all that its value was made of; else all that it read.
Of steps that are told in full elsewhere the full one counts, so that each variable of each record is there once.

Sources: architecture, "Lineage".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.run.lineage import Step
from engine.run.shown import as_day

PLACE = re.compile(r"\S (line|record) \d+$")  # of a raw file, of a table of the study, of a delivered dataset


@dataclass(slots=True)
class TracePath:
    """Steps in the order they are met, the value itself first; which was read for which; what each is among others."""

    steps: list[Step] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)  # positions: what was derived, what it came from
    among: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[tuple[Step, str]]:
        """The cells of input files and rows of tables at its ends, each with what it is among others."""
        found: dict[tuple[str, str, str], tuple[Step, str]] = {}
        for step, among in zip(self.steps, self.among, strict=True):
            if not (step.above or step).used and PLACE.search(step.source):
                found.setdefault((step.name, step.received or step.value, step.source), (step, among))
        return list(found.values())


def path_of(step: Step) -> TracePath:
    """The path behind a traced value."""
    path = TracePath()
    place: dict[tuple[int, str], int] = {}

    def follow(each: Step, among: str) -> int:
        full = each.above if each.above is not None and each.above.name == each.name else each
        key = (id(each.above or each), each.name)  # columns that one record verb made share what it read
        known = place.get(key)
        if known is not None:
            return known
        number = place[key] = len(path.steps)
        path.steps.append(full)
        path.among.append(among)
        for used in came_from(full):
            edge = (number, follow(used, used.among or among))
            if edge not in path.edges:
                path.edges.append(edge)
        return number

    follow(step, "")
    return path


def came_from(step: Step) -> list[Step]:
    """Of what a step read, that which its value was taken from or made of."""
    full = step.above or step
    main = {id(used) for used in full.main}
    whole = any(used.among for used in full.main)  # several records as a whole: that one holds the value is chance
    same = [] if whole and len(full.main) > 1 else [used for used in full.used if is_same(used.value, step.value)]
    return [used for used in same if id(used) in main] or same or full.main or full.used


def is_same(one: str, other: str) -> bool:
    """Whether two shown values are one: the same text, or the same day as text and as a number."""
    return one == other or (as_day(one)[:10] == as_day(other)[:10] and "-" in as_day(one)[1:10])

