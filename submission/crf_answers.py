"""How a field of a form is answered on paper: boxes for dates, lines for text, choices with their decodes, units.

Sources: CDASHIG 2.1 section 3 (best practice of form design): choices with their words, dates as DD-MON-YYYY, units
printed where there is one.
"""

from __future__ import annotations

import re

from engine.spec.forms import FormsSpec, Item
from engine.spec.sources import Formats
from submission.crf_page import GREY, Box, Page, leading
from submission.pdf_text import PLAIN, longest_word, width, wrap

SIZE, SMALL = 8.0, 6.0
CELL, GAP = 7.0, 3.5  # width of the box of one letter, and between groups of them
MARK = 7.0  # a tick box
LONG = 100  # characters of a text that is given two lines
MOST = 20  # choices of one row of a form; a longer list goes on in the next


class Answers:
    """Draws, or only measures, the answer of any field."""

    def __init__(self, forms: FormsSpec, formats: Formats) -> None:
        """Take the code lists and the way in which dates are written."""
        self.forms, self.formats = forms, formats

    def rows(self, form: str, name: str, item: Item) -> int:
        """In how many rows the answer stands: one, but for a long list of choices."""
        listed = item.type in ("code", "codes")
        return max(1, -(-len(self._decodes(form, name)) // MOST)) if listed else 1

    def draw(
        self, page: Page | None, x: float, y: float, form: str, name: str, item: Item, limit: float, row: int = 0
    ) -> float:
        """Put the answer at a place, in at most `limit` points; gives its height. Without a page it is only measured.

        Args:
            page: where to put it; None to measure.
            x: left edge, points.
            y: upper edge, points.
            form: the form's name.
            name: the field.
            item: what the form says of it.
            limit: width that there is, points.
            row: which part of a long list of choices.
        """
        if item.type == "date":
            return self._letters(page, x, y, self.formats.date)
        if item.type == "time":
            return self._letters(page, x, y, self.formats.time)
        if item.type in ("code", "codes"):
            choices = list(self._decodes(form, name).items())[row * MOST : (row + 1) * MOST]
            return self._choices(page, x, y, dict(choices), limit, several=item.type == "codes")
        if item.type == "number":
            return self._number(page, x, y, item, limit)
        lines = 2 if (item.length or 0) > LONG else 1
        if page is not None:
            page.boxes.append(Box(x, y, limit, 13.0 * lines))
        return 13.0 * lines

    def least(self, form: str, name: str, item: Item) -> float:
        """The least width in which the answer can stand, in points."""
        if item.type in ("date", "time"):
            pattern = self.formats.date if item.type == "date" else self.formats.time
            groups = _groups(pattern)
            return sum(map(len, groups)) * CELL + (len(groups) - 1) * GAP + 2
        if item.type in ("code", "codes"):
            return MARK + 4 + max(longest_word(t, SIZE) for t in self._shown(self._decodes(form, name)))
        if item.type == "number":
            units = [item.unit, *item.units]
            return 30 + max((width(u, SIZE) + MARK + 8 for u in units if u), default=0.0)
        return 40.0

    def _decodes(self, form: str, name: str) -> dict[str, str]:
        return self.forms.decodes(form, name) or {}

    def _shown(self, decodes: dict[str, str]) -> list[str]:
        """Each choice as printed: its word, and the code by which it is exported where that is another."""
        return [f"{word} [{code}]" if word != code else word for code, word in decodes.items()]

    def _letters(self, page: Page | None, x: float, y: float, pattern: str) -> float:
        """One box for each letter of a date or time, what it stands for beneath."""
        for group in _groups(pattern):
            for _ in group:
                if page is not None:
                    page.boxes.append(Box(x, y, CELL, 12.0))
                x += CELL
            if page is not None:
                middle = x - len(group) * CELL / 2 - width(group, SMALL) / 2
                page.write(middle, y + 13.0, group, SMALL, PLAIN, GREY)
            x += GAP
        return 12.0 + 2 + leading(SMALL)

    def _number(self, page: Page | None, x: float, y: float, item: Item, limit: float) -> float:
        box = 46.0 if limit >= 90 else 28.0
        if page is not None:
            page.boxes.append(Box(x, y, box, 13.0))
        if item.unit and page is not None:
            page.write(x + box + 4, y + 2, item.unit, SIZE)
        if item.units:
            units = {unit: unit for unit in item.units}
            return max(13.0, self._choices(page, x + box + 6, y + 2, units, limit - box - 6, several=False))
        return 13.0

    def _choices(
        self, page: Page | None, x: float, y: float, decodes: dict[str, str], limit: float, *, several: bool
    ) -> float:
        """Boxes to tick, round where one only may be; side by side as far as they fit."""
        at, top, row = x, y, 0.0
        for text in self._shown(decodes):
            lines = wrap(text, limit - MARK - 4, SIZE)
            wide = MARK + 4 + max(width(line, SIZE) for line in lines)
            if at > x and at + wide > x + limit:
                at, top, row = x, top + row, 0.0
            if page is not None:
                page.boxes.append(Box(at, top + 1, MARK, MARK, "", round_=0.0 if several else MARK / 2))
                for index, line in enumerate(lines):
                    page.write(at + MARK + 3, top + index * leading(SIZE), line, SIZE)
            row = max(row, len(lines) * leading(SIZE) + 2)
            at += wide + 8
        return top + row - y


def _groups(pattern: str) -> list[str]:
    """The parts of a way to write a date or time: DD, MON, YYYY."""
    return re.findall(r"[A-Za-z]+", pattern) or ["?"]
