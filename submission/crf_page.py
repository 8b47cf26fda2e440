"""What lies on a page of the annotated CRF: texts, boxes, lines and links, each with its place.

Places are in points from the upper left corner of the page, y downwards; the y of a text is that of its upper edge.
Nothing is drawn here (acrf.py) and nothing known of forms.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from submission.pdf_text import PLAIN, width, wrap

A4 = (595.0, 842.0)
BLACK, GREY, PALE, RULE = "#000000", "#666666", "#f2f2f2", "#bfbfbf"


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text."""

    x: float
    y: float
    text: str
    size: float
    font: str = PLAIN
    colour: str = BLACK

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.x + width(self.text, self.size, self.font)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; `round_` is the radius of its corners."""

    x: float
    y: float
    w: float
    h: float
    fill: str = ""
    stroke: str = BLACK
    round_: float = 0.0
    thick: float = 0.5


@dataclass(frozen=True, slots=True)
class Link:
    """An area that leads to another page."""

    x: float
    y: float
    w: float
    h: float
    page: int


@dataclass(slots=True)
class Page:
    """One page: its number from 1, its size, the form that it shows ('' for the front matter), and what lies on it."""

    number: int
    w: float
    h: float
    form: str = ""
    title: str = ""
    texts: list[Text] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    def write(self, x: float, y: float, text: str, size: float, font: str = PLAIN, colour: str = BLACK) -> None:
        """Put one line of text."""
        if text:
            self.texts.append(Text(x, y, text, size, font, colour))

    def paragraph(
        self, x: float, y: float, text: str, limit: float, size: float, font: str = PLAIN, colour: str = BLACK
    ) -> float:
        """Put a text in lines of at most `limit` points; gives its height."""
        lines = wrap(text, limit, size, font)
        for index, line in enumerate(lines):
            self.write(x, y + index * leading(size), line, size, font, colour)
        return len(lines) * leading(size)

    def rule(self, x: float, y: float, w: float, colour: str = RULE) -> None:
        """Put a thin line across."""
        self.boxes.append(Box(x, y, w, 0.0, "", colour))


def leading(size: float) -> float:
    """Height of a line of text."""
    return round(size * 1.25, 2)


def height(text: str, limit: float, size: float, font: str = PLAIN) -> float:
    """Height of a text in lines of at most `limit` points."""
    return len(wrap(text, limit, size, font)) * leading(size)
