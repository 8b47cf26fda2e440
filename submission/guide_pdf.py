"""A reviewer's guide as a PDF file: contents with pages and links, bookmarks; the same bytes on any day.

Sources: reportlab user guide, chapters 5 to 9.
"""

from __future__ import annotations

import io
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    LongTable,
    PageBreak,
    PageTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Paragraph as Words
from reportlab.platypus.tableofcontents import TableOfContents

from submission.guide import Bullets, Flow, Guide, Heading, Paragraph, Table
from submission.pdf_text import BOLD, PLAIN, dated, font_of, no_clock

MARGIN = 2.0 * cm
ROOM = 110  # points that a heading and what follows it need on a page
WIDE = A4[0] - 2 * MARGIN
HEAD_FILL, STAGE_FILL, DRAFT_FILL, LINE, EDGE = "#d9e2ec", "#eef3f8", "#fff2a8", "#9aa5b1", "#5b7083"


def _style(name: str, size: float, font: str = PLAIN, **more: Any) -> ParagraphStyle:
    font_of("", font)
    return ParagraphStyle(name, fontName=font, bulletFontName=PLAIN, fontSize=size, leading=size * 1.3, **more)


def guide_pdf(guide: Guide) -> bytes:
    """The PDF file of a guide."""
    with no_clock():
        return _Writer(guide).bytes()


class _Writer(BaseDocTemplate):  # type: ignore[misc]
    """Platypus' document, which tells the contents and the bookmarks of each heading as it comes to lie on a page."""

    def __init__(self, guide: Guide) -> None:
        self.guide = guide
        self.styles = {
            "title": _style("title", 22, BOLD, spaceAfter=10),
            "body": _style("body", 9, spaceAfter=5),
            "draft": _style("draft", 9, spaceAfter=5, backColor=HexColor(DRAFT_FILL), borderPadding=2),
            "bullet": _style("bullet", 9, spaceAfter=2, leftIndent=12, bulletIndent=2),
            "caption": _style("caption", 8.5, BOLD, spaceBefore=4, spaceAfter=3),
            "cell": _style("cell", 7),
            "head": _style("head", 7, BOLD),
            "arrow": _style("arrow", 7.5, alignment=TA_CENTER),
            "h1": _style("h1", 14, BOLD, spaceBefore=14, spaceAfter=5),
            "h2": _style("h2", 11, BOLD, spaceBefore=9, spaceAfter=4),
            "h3": _style("h3", 9.5, BOLD, spaceBefore=7, spaceAfter=3),
        }
        self.buffer = io.BytesIO()
        super().__init__(
            self.buffer, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
            title=f"{guide.study} {guide.title}", author=guide.study, subject=guide.subtitle, creator="Trialmill",
            invariant=1, pageCompression=1, initialFontName=font_of("", PLAIN),
        )  # fmt: skip
        frame = Frame(MARGIN, MARGIN, WIDE, A4[1] - 2 * MARGIN, 0, 0, 0, 0)
        self.addPageTemplates([PageTemplate("page", [frame], onPage=self._edges)])
        self.keys = 0

    def bytes(self) -> bytes:
        """Lay out and write, twice or more until the pages of the contents stand."""
        self.multiBuild(self._story())
        return self.buffer.getvalue()

    def beforeDocument(self) -> None:
        """Each pass numbers the headings anew, in a file of its own."""
        self.keys = 0
        dated(self.canv, self.guide.created)

    def afterFlowable(self, flowable: Any) -> None:
        """A heading goes into the contents and the bookmarks."""
        heading = getattr(flowable, "heading", None)
        if heading is None:
            return
        key = f"heading{self.keys}"
        self.keys += 1
        level = heading.level - 1
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(heading.said, key, level, closed=level > 0)
        if level < 2:
            self.notify("TOCEntry", (level, _marked(heading.said, PLAIN), self.page, key))

    def _edges(self, canvas: Any, _document: Any) -> None:
        canvas.saveState()
        canvas.setFillColor(HexColor("#666666"))
        canvas.setFont(font_of(self.guide.study, PLAIN), 7)
        canvas.drawString(MARGIN, A4[1] - MARGIN + 12, self.guide.study)
        canvas.setFont(PLAIN, 7)
        canvas.drawRightString(A4[0] - MARGIN, A4[1] - MARGIN + 12, self.guide.title)
        canvas.drawRightString(A4[0] - MARGIN, MARGIN - 18, f"Page {canvas.getPageNumber()}")
        canvas.restoreState()

    def _story(self) -> list[Any]:
        guide = self.guide
        story: list[Any] = [Spacer(1, 60), self._words(guide.title, "title")]
        for text in (f"Study {guide.study}", guide.subtitle, f"Dated {guide.created:%Y-%m-%d}"):
            story.append(self._words(text, "body"))
        if guide.drafts:
            story.append(self._words(guide.draft_note, "draft"))
        story += [Spacer(1, 14), self._words("Contents", "h2")]
        contents = TableOfContents(dotsMinLevel=0)
        contents.tableStyle = TableStyle([
            ("FONTNAME", (0, 0), (-1, -1), PLAIN),
            *((side, (0, 0), (-1, -1), 0) for side in ("LEFTPADDING", "RIGHTPADDING")),
        ])  # fmt: skip
        contents.levelStyles = [_style("toc1", 9, spaceBefore=3), _style("toc2", 8.5, leftIndent=14)]
        story += [contents, PageBreak()]
        for block in guide.blocks:
            story += self._block(block)
        return story

    def _block(self, block: Any) -> list[Any]:
        if isinstance(block, Heading):
            words = self._words(block.said, f"h{min(block.level, 3)}")
            words.heading = block
            return [CondPageBreak(ROOM), words]
        if isinstance(block, Paragraph):
            return [self._words(block.text, "draft" if block.draft else "body")]
        if isinstance(block, Bullets):
            return [Words(_marked(item, PLAIN), self.styles["bullet"], bulletText="\u2022") for item in block.items]
        if isinstance(block, Table):
            return self._table(block)
        return self._flow(block)

    def _words(self, text: str, style: str) -> Any:
        return Words(_marked(text, self.styles[style].fontName), self.styles[style])

    def _table(self, block: Table) -> list[Any]:
        whole = sum(block.shares)
        rows = [[self._words(c, "head") for c in block.columns]]
        rows += [[self._words(c, "cell") for c in row] for row in block.rows]
        style = TableStyle([
            ("FONTNAME", (0, 0), (-1, -1), PLAIN),
            ("GRID", (0, 0), (-1, -1), 0.4, HexColor(LINE)),
            ("BACKGROUND", (0, 0), (-1, 0), HexColor(HEAD_FILL)),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            *((side, (0, 0), (-1, -1), 3) for side in ("LEFTPADDING", "RIGHTPADDING")),
            *((side, (0, 0), (-1, -1), 2) for side in ("TOPPADDING", "BOTTOMPADDING")),
        ])  # fmt: skip
        widths = [WIDE * share / whole for share in block.shares]
        table = LongTable(rows, widths, repeatRows=1, style=style, splitInRow=1)
        return [CondPageBreak(ROOM / 2), self._words(block.caption, "caption"), table, Spacer(1, 8)]

    def _flow(self, block: Flow) -> list[Any]:
        """Stages one below the other, between them an arrow with its words."""
        story: list[Any] = [self._words(block.caption, "caption")]
        for index, stage in enumerate(block.stages):
            cells = [[self._words(stage.title, "head")], *([self._words(i, "cell")] for i in stage.items)]
            style = TableStyle([
                ("FONTNAME", (0, 0), (-1, -1), PLAIN),
                ("BOX", (0, 0), (-1, -1), 0.8, HexColor(EDGE)),
                ("BACKGROUND", (0, 0), (-1, -1), HexColor(STAGE_FILL)),
                *((side, (0, 0), (-1, -1), 2) for side in ("TOPPADDING", "BOTTOMPADDING")),
            ])  # fmt: skip
            story.append(LongTable(cells, [WIDE * 0.86], style=style))
            if index < len(block.stages) - 1:
                story += [_Arrow(), *([self._words(block.arrows[index], "arrow")] if block.arrows[index] else [])]
        return [KeepTogether(story), Spacer(1, 8)]


class _Arrow(Flowable):  # type: ignore[misc]
    """An arrow that points down, in the middle."""

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        """Its size."""
        self.middle = width / 2
        return width, 14.0

    def draw(self) -> None:
        """A line and its head."""
        self.canv.setStrokeColor(HexColor(EDGE))
        self.canv.setFillColor(HexColor(EDGE))
        self.canv.line(self.middle, 13, self.middle, 4)
        head = self.canv.beginPath()
        head.moveTo(self.middle - 3, 5)
        head.lineTo(self.middle + 3, 5)
        head.lineTo(self.middle, 0)
        head.close()
        self.canv.drawPath(head, stroke=0, fill=1)


def _marked(text: str, font: str) -> str:
    """A text as platypus reads it; its lines kept, in the Asian font where the other lacks a letter."""
    said = escape(text).replace("\n", "<br/>")
    found = font_of(text.replace("\n", ""), font)
    return said if found == font else f'<font name="{found}">{said}</font>'
