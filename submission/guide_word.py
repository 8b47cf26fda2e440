"""A reviewer's guide as a Word file for the team to edit: the same bytes on any day.

Sources: ISO/IEC 29500 (Office Open XML); python-docx documentation.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_COLOR_INDEX
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from submission.guide import Bullets, Flow, Guide, Heading, Paragraph, Table

FONT, ASIAN_FONT = "Arial", "SimSun"
WIDE = 17.0  # cm of text on a page of A4
HEAD_FILL, STAGE_FILL = "D9E2EC", "EEF3F8"
_STAMP = (1980, 1, 1, 0, 0, 0)


def guide_docx(guide: Guide) -> bytes:
    """The Word file of a guide."""
    document = Document()
    _page(document, guide)
    _cover(document, guide)
    for block in guide.blocks:
        if isinstance(block, Heading):
            document.add_heading(block.said, level=min(block.level, 4))
        elif isinstance(block, Paragraph):
            _draft(document, block.text) if block.draft else document.add_paragraph(block.text)
        elif isinstance(block, Bullets):
            for item in block.items:
                document.add_paragraph(item, style="List Bullet")
        elif isinstance(block, Table):
            _table(document, block)
        else:
            _flow(document, block)
    buffer = io.BytesIO()
    document.save(buffer)
    return _settled(buffer.getvalue())


def _page(document: Any, guide: Guide) -> None:
    """Paper, styles, properties, head and foot."""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.0)
    section.top_margin = section.bottom_margin = Cm(2.2)
    for name in ("Normal", "Heading 1", "Heading 2", "Heading 3", "Title", "List Bullet"):
        style = document.styles[name]
        style.font.name = FONT
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), ASIAN_FONT)
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            style.element.rPr.rFonts.attrib.pop(qn(f"w:{theme}"), None)
        if name != "Normal":
            style.font.color.rgb = RGBColor(0, 0, 0)
    normal = document.styles["Normal"]
    normal.font.size = Pt(10)
    normal.paragraph_format.space_after = Pt(6)
    for name, size in (("Heading 1", 15), ("Heading 2", 12), ("Heading 3", 10.5)):
        document.styles[name].font.size = Pt(size)
    properties = document.core_properties
    properties.title, properties.subject = guide.title, f"{guide.study}: {guide.subtitle}"
    properties.author, properties.comments, properties.keywords = guide.study, "", ""
    properties.last_modified_by, properties.revision = guide.study, 1
    properties.created = properties.modified = guide.created.replace(tzinfo=None)
    head, foot = section.header.paragraphs[0], section.footer.paragraphs[0]
    head.text = f"{guide.study}    {guide.title}"
    head.runs[0].font.size = Pt(8)
    foot.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    _field(foot, "PAGE", "1")


def _cover(document: Any, guide: Guide) -> None:
    document.add_paragraph(guide.title, style="Title")
    for text in (f"Study {guide.study}", guide.subtitle, f"Dated {guide.created:%Y-%m-%d}"):
        document.add_paragraph(text)
    if guide.drafts:
        _draft(document, guide.draft_note)
    document.add_paragraph().add_run("Contents").bold = True
    entries = [b for b in guide.blocks if isinstance(b, Heading) and b.level <= 2]
    first = document.add_paragraph()
    _begin(first, 'TOC \\o "1-2" \\h \\z \\u')
    at = first
    for index, entry in enumerate(entries):
        at = first if index == 0 else document.add_paragraph()
        at.paragraph_format.left_indent = Cm(0.6 * (entry.level - 1))
        at.paragraph_format.space_after = Pt(1)
        at.add_run(entry.said)
    _end(at)
    document.add_page_break()


def _draft(document: Any, text: str) -> None:
    run = document.add_paragraph().add_run(text)
    run.font.highlight_color = WD_COLOR_INDEX.YELLOW


def _table(document: Any, block: Table) -> None:
    _caption(document, block.caption)
    table = document.add_table(rows=1 + len(block.rows), cols=len(block.columns), style="Table Grid")
    table.autofit = False
    whole = sum(block.shares)
    widths = [Cm(WIDE * share / whole) for share in block.shares]
    for column, wide in zip(table.columns, widths, strict=True):
        column.width = wide
    rows = [block.columns, *block.rows]
    for index, (row, texts) in enumerate(zip(table._tbl.tr_lst, rows, strict=True)):
        for cell, text, wide in zip(row.tc_lst, texts, widths, strict=True):
            _cell(cell, text, wide, head=index == 0)
        properties = row.get_or_add_trPr()
        properties.append(_element("cantSplit"))
        if index == 0:
            properties.append(_element("tblHeader"))
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def _cell(cell: Any, text: str, wide: Any, *, head: bool) -> None:
    """Fill one cell; written to the XML itself, since a table may have thousands."""
    cell.width = wide
    paragraph = cell.p_lst[0]
    format_ = paragraph.get_or_add_pPr()
    format_.append(_element("spacing", after="0"))
    for index, line in enumerate(text.split("\n")):
        run = paragraph.add_r()
        properties = run.get_or_add_rPr()
        if head:
            properties.append(_element("b"))
        properties.append(_element("sz", val="16"))
        if index:
            run.append(_element("br"))
        run.add_t(line)
    if head:
        cell.get_or_add_tcPr().append(_element("shd", val="clear", color="auto", fill=HEAD_FILL))


def _flow(document: Any, block: Flow) -> None:
    """Stages one below the other in cells, between them an arrow with its words."""
    _caption(document, block.caption)
    table = document.add_table(rows=2 * len(block.stages) - 1, cols=1)
    table.autofit = False
    for index, stage in enumerate(block.stages):
        cell = table.cell(2 * index, 0)
        cell._tc.get_or_add_tcPr().append(_element("shd", val="clear", color="auto", fill=STAGE_FILL))
        _borders(cell)
        title = cell.paragraphs[0]
        title.add_run(stage.title).bold = True
        title.paragraph_format.space_after = Pt(2)
        for item in stage.items:
            run = cell.add_paragraph().add_run(item)
            run.font.size = Pt(8)
        if index < len(block.stages) - 1:
            arrow = table.cell(2 * index + 1, 0).paragraphs[0]
            arrow.alignment = WD_ALIGN_PARAGRAPH.CENTER
            arrow.add_run(f"\u2193 {block.arrows[index]}".strip()).font.size = Pt(8)
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def _borders(cell: Any) -> None:
    borders = _element("tcBorders")
    for side in ("top", "left", "bottom", "right"):
        borders.append(_element(side, val="single", sz="6", color="5B7083"))
    cell._tc.get_or_add_tcPr().append(borders)


def _caption(document: Any, text: str) -> None:
    paragraph = document.add_paragraph()
    run = paragraph.add_run(text)
    run.bold, run.font.size = True, Pt(9)
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.space_after = Pt(3)


def _element(name: str, **attributes: str) -> Any:
    element = OxmlElement(f"w:{name}")
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), value)
    return element


def _field(paragraph: Any, instruction: str, shown: str) -> None:
    _begin(paragraph, instruction)
    paragraph.add_run(shown)
    _end(paragraph)


def _begin(paragraph: Any, instruction: str) -> None:
    run = paragraph.add_run()._r
    run.append(_element("fldChar", fldCharType="begin"))
    code = _element("instrText")
    code.text = f" {instruction} "
    run.append(code)
    run.append(_element("fldChar", fldCharType="separate"))


def _end(paragraph: Any) -> None:
    paragraph.add_run()._r.append(_element("fldChar", fldCharType="end"))


def _settled(raw: bytes) -> bytes:
    """The same members in their order with one fixed stamp."""
    out = io.BytesIO()
    packed = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", packed, compresslevel=6) as new:
        names = sorted(old.namelist(), key=lambda n: (n != "[Content_Types].xml", n))
        for name in names:
            info = zipfile.ZipInfo(name, _STAMP)
            info.compress_type, info.create_system, info.external_attr = packed, 3, 0o600 << 16
            new.writestr(info, old.read(name))
    return out.getvalue()
