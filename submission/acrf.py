"""acrf.pdf: the annotated CRF drawn from its layout, with links and bookmarks by visit and by form.

Nothing is decided here but what a PDF needs. The same layout gives the same bytes on any day.

Sources: reportlab user guide; SDTM Metadata Submission Guidelines 2.0 (bookmarks by visit and by form).
"""

from __future__ import annotations

import io
from typing import NamedTuple

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from engine.spec.forms import FormsSpec
from engine.spec.study import Study
from submission.crf_front import AT_ANY, visits_of
from submission.crf_layout import CrfLayout
from submission.crf_page import GREY, Box, Page, Text
from submission.pdf_text import PLAIN, dated, font_of, no_clock, width

ASCENT = 0.8  # of the size of a letter: its upper edge over the base line


def acrf_pdf(layout: CrfLayout, study: Study) -> bytes:
    """The file of a layout."""
    with no_clock():
        return _drawn(layout, study)


def _drawn(layout: CrfLayout, study: Study) -> bytes:
    buffer = io.BytesIO()
    first = (layout.pages[0].w, layout.pages[0].h)
    canvas = Canvas(buffer, pagesize=first, invariant=1, pageCompression=1, initialFontName=font_of("", PLAIN))
    dated(canvas, study.file.created)
    canvas.setTitle(f"{study.name} annotated case report form")
    canvas.setSubject(study.file.title)
    canvas.setAuthor(study.name)
    canvas.setCreator("Trialmill")
    entries = _bookmarks(layout, study.forms or FormsSpec(forms={}))
    for page in layout.pages:
        _draw(canvas, page, len(layout.pages), [e.key for e in entries if e.page == page.number])
    for entry in entries:
        canvas.addOutlineEntry(entry.title, entry.key, entry.level, closed=entry.closed)
    canvas.showOutline()
    canvas.save()
    return buffer.getvalue()


def _draw(canvas: Canvas, page: Page, last: int, keys: list[str]) -> None:
    canvas.setPageSize((page.w, page.h))
    for key in (_place(page.number), *keys):
        canvas.bookmarkPage(key, fit="Fit")
    for box in page.boxes:
        _box(canvas, page, box)
    for text in page.texts:
        _text(canvas, page, text)
    said = f"Page {page.number} of {last}"
    _text(canvas, page, Text(page.w - 36 - width(said, 7), page.h - 24, said, 7, colour=GREY))
    for link in page.links:
        below = page.h - link.y - link.h
        canvas.linkRect("", _place(link.page), (link.x, below, link.x + link.w, below + link.h), thickness=0)
    canvas.showPage()


def _box(canvas: Canvas, page: Page, box: Box) -> None:
    canvas.setLineWidth(box.thick)
    canvas.setStrokeColor(HexColor(box.stroke))
    if box.h == 0:
        canvas.line(box.x, page.h - box.y, box.x + box.w, page.h - box.y)
        return
    if box.fill:
        canvas.setFillColor(HexColor(box.fill))
    canvas.roundRect(box.x, page.h - box.y - box.h, box.w, box.h, box.round_, stroke=1, fill=1 if box.fill else 0)


def _text(canvas: Canvas, page: Page, text: Text) -> None:
    canvas.setFillColor(HexColor(text.colour))
    canvas.setFont(font_of(text.text, text.font), text.size)
    canvas.drawString(text.x, page.h - text.y - ASCENT * text.size - text.size * 0.1, text.text)


def _place(page: int) -> str:
    return f"page{page}"


class _Entry(NamedTuple):
    """One bookmark; its key is its own, since a PDF knows bookmarks by where they lead."""

    title: str
    key: str
    page: int
    level: int
    closed: bool


def _bookmarks(layout: CrfLayout, forms: FormsSpec) -> list[_Entry]:
    """Front matter, then forms by visit in the order of the visits, then by form in the order of the book."""
    entries: list[_Entry] = []

    def add(title: str, page: int, level: int, *, closed: bool = False) -> None:
        entries.append(_Entry(title, f"entry{len(entries)}", page, level, closed))

    for page in layout.pages:
        if not page.form and "continued" not in page.title:
            add(page.title, page.number, 0)
    if not layout.forms:
        return entries
    groups = visits_of(forms)
    add("Visits", layout.forms[groups[0][1][0]], 0)
    for visit, names in groups:
        add(forms.visits[visit] if visit else AT_ANY, layout.forms[names[0]], 1, closed=True)
        for name in names:
            add(forms.forms[name].name, layout.forms[name], 2)
    add("Forms", min(layout.forms.values()), 0)
    for name, number in layout.forms.items():
        add(forms.forms[name].name, number, 1)
    return entries
