"""Workbooks written sheet by sheet as records come, with the same bytes every time.

Each sheet grows in a file of its own, so memory does not grow with the records; sheets may be filled in turns.
Texts stand in the cells themselves, dates are serial numbers with a date style.

Sources: ECMA-376 part 1, 18.3 (worksheets) and 18.8 (styles); part 2 (packages).
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

EXCEL_EPOCH = date(1899, 12, 30)
STAMP = (1980, 1, 1, 0, 0, 0)  # the earliest a zip archive can hold; the same in every workbook
MAX_ROWS = 1_048_576
Cell = str | float | date | None
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class Workbook:
    """A workbook being written; `close` packs it. Rows are lists of text, numbers, dates and None."""

    def __init__(self, path: Path, scratch: Path) -> None:
        """A new workbook at `path`; `scratch` is an empty folder for the sheets in the making."""
        self.path, self.scratch = path, scratch
        self.rows: dict[str, int] = {}
        self._files: dict[str, IO[str]] = {}
        scratch.mkdir()

    def add(self, sheet: str, header: list[str], rows: Iterable[list[Cell]]) -> None:
        """Append rows to a sheet; a new sheet begins with its header."""
        if sheet not in self._files:
            name = self.scratch / f"{len(self._files) + 1}.xml"
            self._files[sheet] = name.open("w", encoding="utf-8", newline="")
            self._files[sheet].write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>')
            self.rows[sheet] = 0
            self._write(sheet, header)
        for row in rows:
            self._write(sheet, row)

    def _write(self, sheet: str, row: Iterable[Cell]) -> None:
        number = self.rows[sheet] = self.rows[sheet] + 1
        if number > MAX_ROWS:
            raise OverflowError(f"the sheet {sheet} is full: a worksheet holds {MAX_ROWS:,} rows")
        cells = "".join(_cell(f"{_letters(i)}{number}", value) for i, value in enumerate(row) if value is not None)
        self._files[sheet].write(f'<row r="{number}">{cells}</row>')

    def close(self) -> None:
        """Pack the sheets, in the order of their names when `sorted`, into the workbook."""
        for file in self._files.values():
            file.write("</sheetData></worksheet>")
            file.close()
        names = list(self._files)
        with zipfile.ZipFile(self.path, "w") as archive:
            for member, content in _parts(names).items():
                archive.writestr(_member(member), content)
            for i in range(1, len(names) + 1):
                source = self.scratch / f"{i}.xml"
                with (
                    source.open("rb") as sheet,
                    archive.open(_member(f"xl/worksheets/sheet{i}.xml"), "w", force_zip64=True) as target,
                ):
                    shutil.copyfileobj(sheet, target, 1 << 20)
        shutil.rmtree(self.scratch)


def _cell(at: str, value: Cell) -> str:
    if isinstance(value, date):
        return f'<c r="{at}" s="1"><v>{(value - EXCEL_EPOCH).days}</v></c>'
    if isinstance(value, str):
        space = ' xml:space="preserve"' if value != value.strip() or "\n" in value else ""
        return f'<c r="{at}" t="inlineStr"><is><t{space}>{escape(value)}</t></is></c>'
    return f'<c r="{at}"><v>{value}</v></c>'


_LETTERS: list[str] = []


def _letters(index: int) -> str:
    """A column's letters: A for 0, Z for 25, AA for 26."""
    while len(_LETTERS) <= index:
        n = len(_LETTERS)
        _LETTERS.append((_LETTERS[n // 26 - 1] if n >= 26 else "") + chr(65 + n % 26))
    return _LETTERS[index]


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    info.create_system = 3
    return info


def _parts(names: list[str]) -> dict[str, str]:
    """The parts of the package beside the sheets themselves."""
    numbered = [(i, escape(re.sub(r"[\[\]:*?/\\]", "_", n)[:31], {'"': "&quot;"})) for i, n in enumerate(names, 1)]
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for i, _ in numbered
    )
    sheets = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="rId{i}"/>' for i, n in numbered)
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i, _ in numbered
    )
    styles = len(numbered) + 1
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/styles.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
        f"{types}</Types>",
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}'
        f'<Relationship Id="rId{styles}" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
    }
