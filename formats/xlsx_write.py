"""Workbooks for people: sheets of text and numbers with a header row that stays in view and can be filtered.

Every text is a text cell, also one that begins like a formula, so nothing that came with the data is ever computed.
Same sheets, same bytes under the same libraries: members have one time and a fixed order.

Sources: ECMA-376 part 1; OWASP, "CSV injection".
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from formats.atomic import write_bytes

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CELL_LENGTH = 32767  # characters that a cell can hold
_CUT = " ... (see the JSON file)"
_TINT = PatternFill("solid", fgColor="FFF7DC")
_MODIFIED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


class Tinted(str):
    """A text whose cell is tinted, such as one that people may change."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, columns with their widths in characters, and rows of text, numbers or None.

    What lies above and left of the cell `freeze` stays in view. With `as_text` the cells of texts keep as text whatever
    someone types into them: no dates of 1-2, no formulas.
    """

    name: str
    columns: dict[str, int]
    rows: Iterable[Sequence[str | float | int | None]]
    freeze: str = "A2"
    as_text: bool = False


def write_xlsx(path: Path | str, sheets: Sequence[Sheet], created: datetime, *, title: str = "") -> None:
    """Write a workbook; the file appears whole or not at all.

    Args:
        path: the file to make or replace.
        sheets: in their order.
        created: the time that the workbook names as its own.
        title: in the workbook's properties.

    Raises:
        FileError: the folder is missing or closed to writing.
    """
    write_bytes(path, xlsx_bytes(sheets, created, title=title))


def xlsx_bytes(sheets: Sequence[Sheet], created: datetime, *, title: str = "", opens_on: int = 0) -> bytes:
    """The workbook as bytes; see write_xlsx. `opens_on` is the place of the sheet that is seen first."""
    book = Workbook(write_only=True)
    book.properties.creator, book.properties.title = "trialmill", title
    for sheet in sheets:
        made = book.create_sheet(sheet.name)
        made.freeze_panes = sheet.freeze
        for number, width in enumerate(sheet.columns.values(), 1):
            made.column_dimensions[get_column_letter(number)].width = width
        made.append([_cell(made, name, bold=True) for name in sheet.columns])
        count = 1
        for row in sheet.rows:
            made.append([_cell(made, value, as_text=sheet.as_text) for value in row])
            count += 1
        made.auto_filter.ref = f"A1:{get_column_letter(len(sheet.columns))}{count}"
    book.active = opens_on
    raw = io.BytesIO()
    book.save(raw)
    return _fixed(raw, created)


def cell_text(value: str) -> str:
    """A text as a cell holds it: control characters written out, and cut to what a cell takes."""
    text = ILLEGAL_CHARACTERS_RE.sub(lambda m: f"\\x{ord(m[0]):02x}", value)
    return text[: CELL_LENGTH - len(_CUT)] + _CUT if len(text) > CELL_LENGTH else text


def _cell(sheet: Any, value: str | float | int | None, *, bold: bool = False, as_text: bool = False) -> Any:
    if not isinstance(value, str):
        if value is None or not as_text:
            return value
        cell = WriteOnlyCell(sheet, value=value)
        cell.alignment = Alignment(vertical="top")
        return cell
    text = cell_text(value)
    cell = WriteOnlyCell(sheet, value=None)
    cell.value = text
    cell.data_type = "s"
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    if as_text:
        cell.number_format = "@"
    if isinstance(value, Tinted):
        cell.fill = _TINT
    if bold:
        cell.font = Font(bold=True)
    elif text.startswith(FORMULA_STARTS):
        cell.quotePrefix = True  # stays text when someone edits the cell
    return cell


def _fixed(raw: io.BytesIO, created: datetime) -> bytes:
    """The archive with one time in all members, and in the properties."""
    moment = max(created, datetime(1980, 1, 1)).replace(microsecond=0, tzinfo=None)
    stamp = moment.isoformat().encode() + b"Z"
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as new:
        for name in sorted(old.namelist(), key=lambda n: (n != "[Content_Types].xml", n)):
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>" + stamp + rb"\g<2>", content)
            info = zipfile.ZipInfo(name, moment.timetuple()[:6])
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            new.writestr(info, content)
    return out.getvalue()
