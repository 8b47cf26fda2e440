"""Where the parts of a traced path stand when it is drawn: records as boxes, their variables as rows, in columns.

The record asked for stands left, raw cells, rows of tables and settings stand right; between them each record stands
further right than those that were derived from it. Nothing is drawn here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.run.lineage import Step
from engine.spec.study import Study
from trialmill.trace_path import TracePath

MOST_DRAWN = 150  # variables of a path that are drawn
ROOMS = {"adam": "ADaM", "working": "intermediate", "sdtm": "SDTM", "raw": "raw", "table": "table", "study": "study"}
BOX, ROW, HEAD = 214, 17, 34  # width of a box, height of a row of it and of its head
ACROSS, DOWN, MARGIN, TITLE = 58, 14, 14, 26  # gaps between columns and boxes, the edge, the names of the columns

Key = tuple[str, str, int]


@dataclass(slots=True)
class Box:
    """A record: what it is, what names it, its rows as positions in the path, and where it stands."""

    room: str
    name: str
    keys: str
    rows: list[int] = field(default_factory=list)
    column: int = 0
    x: int = 0
    y: int = 0

    @property
    def height(self) -> int:
        """Of the whole box."""
        return HEAD + ROW * len(self.rows) + 5

    def row_y(self, number: int) -> int:
        """The middle of a row."""
        return self.y + HEAD + ROW * self.rows.index(number) + ROW // 2


@dataclass(slots=True)
class Drawing:
    """The boxes, which of them holds each step, the edges that are drawn, what is left out, and the size."""

    boxes: list[Box]
    box_of: dict[int, Box]
    edges: list[tuple[int, int]]
    left_out: int
    columns: list[str]
    width: int
    height: int


def lay_out(path: TracePath, study: Study) -> Drawing:
    """Place the first MOST_DRAWN steps of a path, those nearest to the value first."""
    drawn = _nearest(path)
    edges = [(one, other) for one, other in path.edges if one in drawn and other in drawn]
    boxes: dict[Key, Box] = {}
    box_of: dict[int, Box] = {}
    for number in sorted(drawn):
        key, box = _box(path.steps[number], study)
        box_of[number] = boxes.setdefault(key, box)
        box_of[number].rows.append(number)
    made = list(boxes.values())
    _columns(made, [(box_of[one], box_of[other]) for one, other in edges])
    columns = _stack(made, [(box_of[one], box_of[other]) for one, other in edges])
    width = 2 * MARGIN + (max(b.column for b in made) + 1) * (BOX + ACROSS) - ACROSS
    height = MARGIN + max(b.y + b.height for b in made)
    return Drawing(made, box_of, edges, len(path.steps) - len(drawn), columns, width, height)


def _nearest(path: TracePath) -> set[int]:
    into: dict[int, list[int]] = {}
    for one, other in path.edges:
        into.setdefault(one, []).append(other)
    found, wave = {0: None}, [0]
    while wave:
        wave = list(dict.fromkeys(n for each in wave for n in into.get(each, ()) if n not in found))
        found |= dict.fromkeys(wave)
    return set(list(found)[:MOST_DRAWN])


def _box(step: Step, study: Study) -> tuple[Key, Box]:
    """The box that a step belongs to."""
    table, row = step.at
    spec = study.datasets.get(table)
    if spec is not None:
        standard = study.file.packages[spec.package].standard if spec.package in study.file.packages else ""
        room = "working" if spec.working else "adam" if standard == "adamig" else "sdtm"
        return (room, table, row), Box(room, table, step.keys)
    if step.kind == "cell":
        return ("raw", step.source, 0), Box("raw", *_place(step.source))
    if step.kind == "row":
        return ("table", step.source, 0), Box("table", *_place(step.source))
    if step.kind in ("setting", "identity"):
        return ("study", table, 0), Box("study", "study.yaml" if table == "study" else "identity", "")
    return ("told", step.name, row), Box("sdtm", step.name, "")


def _place(source: str) -> tuple[str, str]:
    """A file (and sheet), and the line of it."""
    at = max(source.rfind(" line "), source.rfind(" record "))
    return source[:at], source[at + 1:]


def _columns(boxes: list[Box], edges: Iterable[tuple[Box, Box]]) -> None:
    """Each box further right than those derived from it; what is read in a circle of records does not count."""
    number = {id(box): n for n, box in enumerate(boxes)}
    into: list[list[int]] = [[] for _ in boxes]
    for one, other in edges:
        if one is not other:
            into[number[id(one)]].append(number[id(other)])
    forward: list[tuple[int, int]] = []
    state = [0] * len(boxes)
    order: list[int] = []

    def visit(n: int) -> None:
        state[n] = 1
        for m in dict.fromkeys(into[n]):
            if state[m] != 1:
                forward.append((n, m))
            if state[m] == 0:
                visit(m)
        state[n] = 2
        order.append(n)

    for n in range(len(boxes)):
        if state[n] == 0:
            visit(n)
    for n in reversed(order):
        for _, m in (edge for edge in forward if edge[0] == n):
            boxes[m].column = max(boxes[m].column, boxes[n].column + 1)
    last = max(box.column for box in boxes)
    inputs = [box for box in boxes if box.room in ("raw", "table", "study")]
    furthest = max([box.column for box in boxes if box not in inputs], default=-1) + 1
    for box in inputs:
        box.column = max(furthest, min(last, furthest))


def _stack(boxes: list[Box], edges: list[tuple[Box, Box]]) -> list[str]:
    """Boxes of a column one above the other, near those that were derived from them; the names of the columns."""
    named = []
    rooms = list(ROOMS)
    for column in range(max(box.column for box in boxes) + 1):
        own = [box for box in boxes if box.column == column]
        wish = {}
        for box in own:
            near = [one.y + one.height / 2 for one, other in edges if other is box and one.column < column]
            wish[id(box)] = sum(near) / len(near) if near else 0.0
        own.sort(key=lambda box, wish=wish: (wish[id(box)], boxes.index(box)))
        y = MARGIN + TITLE
        for box in own:
            box.x, box.y = MARGIN + column * (BOX + ACROSS), y
            y += box.height + DOWN
        held = sorted({box.room for box in own}, key=rooms.index)
        named.append(" · ".join(ROOMS[room] for room in held))
    return named
