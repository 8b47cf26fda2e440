"""The pages of one form of the annotated CRF: its head, then its questions in a column or its fields in a grid.

Sources: CDASHIG 2.1 section 3 (form design); conventions of the annotated CRF as in crf_boxes.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.spec.forms import FormsSpec, Item
from engine.spec.study import Study
from submission.crf_answers import Answers
from submission.crf_boxes import NO_COLOUR, FormBoxes, NoteBox, Noted
from submission.crf_front import visits_said
from submission.crf_page import A4, GREY, PALE, Box, Page, height, leading
from submission.pdf_text import BOLD, ITALIC, PLAIN, longest_word, width, wrap

MARGIN, FOOT = 36.0, 40.0
NOTE, TITLE_NOTE = 9.0, 10.0  # points of the annotations
PAD = 3.0
ASK, ANSWER, NOTES = 150.0, 158.0, 203.0  # widths of questions, answers and annotations
SPACE = 6.0
MOST_COLUMNS, ROWS = 9, 3  # of a grid
NUMBER = 18.0  # width of the column that numbers the rows of a grid


class FormPages:
    """One form laid out."""

    def __init__(
        self, study: Study, forms: FormsSpec, name: str, boxes: FormBoxes, colours: dict[str, str], first: int
    ) -> None:
        """Lay out the form on pages from number `first` on."""
        self.study, self.forms, self.name, self.boxes, self.colours = study, forms, name, boxes, colours
        self.form = forms.forms[name]
        self.answers = Answers(forms, study.raw.formats)
        self.first = first
        self.pages: list[Page] = []
        self.noted: list[Noted] = []
        columns = self._grid_columns()
        if columns and self._grid(columns):
            return
        self.pages, self.noted = [], []
        self._column()

    # the head

    def _page(self, *, turned: bool) -> tuple[Page, float]:
        """A new page with its head; gives where the rest begins."""
        w, h = (A4[1], A4[0]) if turned else A4
        title = self.form.name + (" (continued)" if self.pages else "")
        page = Page(self.first + len(self.pages), w, h, self.name, title)
        y = MARGIN - 8
        said = f"{self.study.name}   {self.study.file.title}"
        y += page.paragraph(MARGIN, y, said, w - 2 * MARGIN, 7, PLAIN, GREY) + 2
        page.write(MARGIN, y, title, 14, BOLD)
        page.write(MARGIN + width(title, 14, BOLD) + 8, y + 5, f"[{self.forms.oid(self.name)}]", 8, PLAIN, GREY)
        y += leading(14) + 2
        if not self.pages:
            y += page.paragraph(MARGIN, y, self._visits(), w - 2 * MARGIN, 8, ITALIC) + 4
        y = self._titles(page, y, w - 2 * MARGIN)
        page.rule(MARGIN, y, w - 2 * MARGIN, "#000000")
        self.pages.append(page)
        return page, y + SPACE

    def _visits(self) -> str:
        often = "; may be filled several times" if self.form.repeating else ""
        return f"Filled at: {visits_said(self.forms, self.name)}{often}"

    def _titles(self, page: Page, y: float, limit: float) -> float:
        """The datasets of the form, side by side."""
        x = MARGIN
        for domain, text in self.boxes.titles():
            wide = min(width(text, TITLE_NOTE, BOLD) + 2 * PAD, limit)
            if x > MARGIN and x + wide > MARGIN + limit:
                x, y = MARGIN, y + leading(TITLE_NOTE) + 2 * PAD + 2
            page.boxes.append(self._frame(domain, x, y, wide, leading(TITLE_NOTE) + PAD))
            page.write(x + PAD, y + PAD / 2 + 1, text, TITLE_NOTE, BOLD)
            x += wide + SPACE
        return y + leading(TITLE_NOTE) + PAD + SPACE if self.boxes.titles() else y

    def _common(self, page: Page, y: float) -> float:
        """Subject and visit, and what else every form has that goes to the tabulations."""
        roles = self.study.raw.roles
        labels = {roles.subject: "Subject", **({roles.visit: "Visit"} if roles.visit else {})}
        shown = [*labels, *(c for c in self.boxes.common if c not in labels)]
        for column in shown:
            high = max(15.0, self._notes_height(self.boxes.boxes(column), self._notes_width(page)))
            page.write(MARGIN, y + 2, labels.get(column, column), 8, BOLD)
            page.boxes.append(Box(MARGIN + ASK + SPACE, y, ANSWER - 30, 13.0))
            self._notes(page, column, page.w - MARGIN - self._notes_width(page), y, self._notes_width(page))
            y += high + 4
        return y

    def _notes_width(self, page: Page) -> float:
        return page.w - 2 * MARGIN - ASK - ANSWER - 2 * SPACE

    # annotations

    def _frame(self, domain: str, x: float, y: float, w: float, h: float) -> Box:
        return Box(x, y, w, h, self.colours.get(domain, NO_COLOUR), "#404040", 1.5)

    def _notes(self, page: Page, column: str, x: float, y: float, limit: float) -> float:
        """The boxes of a column one below the other; gives their height."""
        top = y
        for box in self.boxes.boxes(column):
            lines = [(line, wrap(line.text, limit - 2 * PAD, NOTE)) for line in box.lines]
            wide = max(width(t, NOTE) for _, texts in lines for t in texts) + 2 * PAD
            high = sum(len(texts) for _, texts in lines) * leading(NOTE) + PAD
            page.boxes.append(self._frame(box.domain, x, y, wide, high))
            at = y + PAD / 2 + 0.5
            for line, texts in lines:
                for text in texts:
                    page.write(x + PAD, at, text, NOTE)
                    at += leading(NOTE)
                self.noted.append(Noted(column, line.text, line.targets, page.number))
            y += high + 2
        return y - top

    def _notes_height(self, boxes: Sequence[NoteBox], limit: float) -> float:
        return sum(
            sum(height(line.text, limit - 2 * PAD, NOTE) for line in box.lines) + PAD + 2 for box in boxes
        )

    def _columns_of(self, name: str, item: Item) -> list[str]:
        """The columns of the export that a field fills: its own and that of its unit."""
        return [name, f"{name}U"] if item.units else [name]

    # questions in a column

    def _column(self) -> None:
        page, y = self._page(turned=False)
        y = self._common(page, y)
        section = ""
        for name, item in self.form.items.items():
            for row in range(self.answers.rows(self.name, name, item)):
                high = self._row_height(name, item, row)
                heading = item.section if item.section != section else ""
                if y + high + (20 if heading else 0) > page.h - FOOT and y > page.h / 4:
                    page, y = self._page(turned=False)
                    heading = item.section
                if heading:
                    page.boxes.append(Box(MARGIN, y, page.w - 2 * MARGIN, 14, PALE, "#f2f2f2"))
                    page.write(MARGIN + 3, y + 2, heading, 9, BOLD)
                    y += 18
                section = item.section
                self._row(page, y, name, item, row)
                y += high
                page.rule(MARGIN, y - 3, page.w - 2 * MARGIN)

    def _row_height(self, name: str, item: Item, row: int) -> float:
        answered = self.answers.draw(None, 0, 0, self.name, name, item, ANSWER, row)
        asked = height(_asked(name, item, row), ASK, 9) + leading(6)
        noted = sum(self._notes_height(self.boxes.boxes(c), NOTES) for c in self._columns_of(name, item))
        return max(asked, answered, 0 if row else noted) + SPACE + 3

    def _row(self, page: Page, y: float, name: str, item: Item, row: int) -> None:
        below = page.paragraph(MARGIN, y, _asked(name, item, row), ASK, 9)
        page.write(MARGIN, y + below, name, 6, PLAIN, GREY)
        self.answers.draw(page, MARGIN + ASK + SPACE, y, self.name, name, item, ANSWER, row)
        at = y
        for column in [] if row else self._columns_of(name, item):
            at += self._notes(page, column, MARGIN + ASK + ANSWER + 2 * SPACE, at, NOTES)

    # fields in a grid

    def _grid_columns(self) -> list[float]:
        """Widths of the columns of a grid; none where the form is no list or its fields do not fit side by side."""
        items = self.form.items
        if not self.form.repeating or len(items) > MOST_COLUMNS:
            return []
        if any(self.answers.rows(self.name, name, item) > 1 for name, item in items.items()):
            return []
        least = [self._least(name, item) + 2 * PAD + 2 for name, item in items.items()]
        room = A4[1] - 2 * MARGIN - NUMBER - sum(least)
        return [w + room / len(least) for w in least] if room >= 0 else []

    def _least(self, name: str, item: Item) -> float:
        notes = [line.text for c in self._columns_of(name, item) for b in self.boxes.boxes(c) for line in b.lines]
        return max(
            self.answers.least(self.name, name, item),
            longest_word(item.prompt or name, 8, BOLD),
            *(longest_word(t, NOTE) + 2 * PAD for t in notes),
        )

    def _grid(self, columns: Sequence[float]) -> bool:
        """Lay out the form as a list with a row for each record; False where it is too high for a page."""
        page, y = self._page(turned=True)
        y = self._common(page, y) + 2
        items = list(self.form.items.items())
        inner = [w - 2 * PAD for w in columns]
        asked = max(height(i.prompt or n, w, 8, BOLD) for (n, i), w in zip(items, inner, strict=True)) + leading(6) + 4
        notes = max(
            sum(self._notes_height(self.boxes.boxes(c), w) for c in self._columns_of(n, i))
            for (n, i), w in zip(items, inner, strict=True)
        )  # fmt: skip
        row = max(
            self.answers.draw(None, 0, 0, self.name, n, i, w) for (n, i), w in zip(items, inner, strict=True)
        )  # fmt: skip
        heights = [asked, notes + 6, row + 10, *[18.0] * (ROWS - 1)]
        if y + sum(heights) > page.h - FOOT:
            return False
        self._lines(page, y, columns, heights)
        x = MARGIN + NUMBER
        for (name, item), w in zip(items, columns, strict=True):
            below = page.paragraph(x + PAD, y + 2, item.prompt or name, w - 2 * PAD, 8, BOLD)
            page.write(x + PAD, y + 2 + below, name, 6, PLAIN, GREY)
            at = y + asked + 3
            for column in self._columns_of(name, item):
                at += self._notes(page, column, x + PAD, at, w - 2 * PAD)
            self.answers.draw(page, x + PAD, y + asked + notes + 11, self.name, name, item, w - 2 * PAD)
            x += w
        return True

    def _lines(self, page: Page, y: float, columns: Sequence[float], heights: Sequence[float]) -> None:
        """Cells of the grid, the first row tinted, the rows numbered."""
        for index, high in enumerate(heights):
            x = MARGIN
            for w in (NUMBER, *columns):
                page.boxes.append(Box(x, y, w, high, PALE if index == 0 else "", "#808080"))
                x += w
            if index > 1:
                page.write(MARGIN + 5, y + 4, str(index - 1), 8)
            y += high


def _asked(name: str, item: Item, row: int) -> str:
    return (item.prompt or name) + (" (continued)" if row else "")
