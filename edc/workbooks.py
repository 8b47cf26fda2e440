"""Workbooks as received: every sheet as text, true dates and numbers as the other carriers would write them.

A workbook is untrusted: its unpacked size is bounded before anything is read, document types and entities are refused,
formulas are not computed (a formula cell is an error, since its value may be stale).

Sources: ECMA-376 part 1, 18.2 (workbook), 18.3 (sheets), 18.4 (shared strings), 18.8.30 (formats), 18.17.4 (dates).
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from lxml import etree
from numpy.typing import NDArray
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

from edc.render import Render
from edc.sheets import Book, read_sheet, shared_strings
from engine.errors import FileError, Place, Problem

MAX_RATIO = 200  # unpacked to packed; text of a form packs 5 to 40 times
MAX_MEMBERS = 2000
MAX_PART = 50_000_000  # bytes of a part that says how the workbook is made up
EPOCHS = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}


def read_workbook(
    path: Path, shown: str, limit: int, render: Render
) -> Iterator[tuple[str, pd.DataFrame, NDArray[np.int64]]]:
    """Every sheet with a header row: its name, records as text, and the row of each.

    Args:
        path: the workbook; `shown` its name in messages.
        limit: bytes at most, unpacked.
        render: text of a true date or time, by sheet and column.

    Raises:
        FileError: no workbook, too large unpacked, formulas, error values, merged cells, doubled header names.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_archive(archive, path, shown, limit)
            sheets, book = _structure(archive, shown)
            for name, part in sheets:
                with archive.open(part) as source:
                    read = read_sheet(source, name, f"{shown} sheet {name}", book, render)
                if read is not None:
                    yield name, *read
    except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, EOFError, RuntimeError) as error:
        raise FileError(
            Problem("not a workbook, or damaged", Place(shown), found=str(error), expected="an .xlsx file")
        ) from None
    except KeyError as error:
        raise FileError(
            Problem("the workbook lacks a part", Place(shown), found=str(error.args[0]), do="save it again as .xlsx")
        ) from None


def _check_archive(archive: zipfile.ZipFile, path: Path, shown: str, limit: int) -> None:
    members = archive.infolist()
    unpacked = sum(m.file_size for m in members)
    packed = max(1, path.stat().st_size)
    if len(members) > MAX_MEMBERS or unpacked > limit or (unpacked > 50_000_000 and unpacked / packed > MAX_RATIO):
        raise FileError(
            Problem(
                "the workbook unpacks to more than a workbook of data does",
                Place(shown),
                found=f"{unpacked:,} bytes from {packed:,}",
                expected=f"up to {limit:,} bytes",
                do="ask for the data as CSV",
            )
        )


def _structure(archive: zipfile.ZipFile, shown: str) -> tuple[list[tuple[str, str]], Book]:
    """The sheets by name and part, and what their cells refer to."""
    start = next((t for k, t in _targets(archive, "", shown).values() if k.endswith("/officeDocument")), None)
    if start is None:
        raise KeyError("the workbook itself")
    book = _xml(archive, start, shown)
    targets = _targets(archive, start, shown)
    sheets = []
    for sheet in book.iterfind("{*}sheets/{*}sheet"):
        key = next((v for k, v in sheet.attrib.items() if etree.QName(k).localname == "id"), "")
        kind, part = targets.get(key, ("", ""))
        if kind.endswith("/worksheet"):
            sheets.append((sheet.get("name", "").strip(), part))
    properties = book.find("{*}workbookPr")
    old = properties is not None and properties.get("date1904") in ("1", "true")
    strings: list[str] = []
    formats: dict[str, str] = {}
    for kind, part in targets.values():
        if kind.endswith("/sharedStrings"):
            with archive.open(part) as source:
                strings = shared_strings(source, shown)
        elif kind.endswith("/styles"):
            formats = _date_styles(_xml(archive, part, shown))
    return sheets, Book(strings, formats, EPOCHS[old])


def _targets(archive: zipfile.ZipFile, part: str, shown: str) -> dict[str, tuple[str, str]]:
    """Kind and part of everything a part relates to, by id."""
    folder, name = posixpath.split(part)
    root = _xml(archive, posixpath.join(folder, "_rels", f"{name}.rels"), shown)
    found = {}
    for each in root.iterfind("{*}Relationship"):
        if each.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, each.get("Target", "")))
            found[each.get("Id", "")] = (each.get("Type", ""), target.lstrip("/"))
    return found


def _xml(archive: zipfile.ZipFile, part: str, shown: str) -> etree._Element:
    if archive.getinfo(part).file_size > MAX_PART:
        raise FileError(Problem("the workbook has a part that is too large", Place(shown), found=part))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(archive.read(part), parser)
    except etree.XMLSyntaxError as error:
        raise FileError(
            Problem("the workbook cannot be read", Place(shown), found=f"{part}: {str(error.msg)[:80]}",
                    do="save it again as .xlsx")
        ) from None
    if root.getroottree().docinfo.doctype:
        raise FileError(
            Problem("the workbook declares a document type", Place(shown), found=part, do="save it again as .xlsx")
        )
    return root


def _date_styles(styles: etree._Element) -> dict[str, str]:
    """Cell styles that show a date or time, and their format."""
    own = {n.get("numFmtId"): n.get("formatCode", "") for n in styles.iterfind("{*}numFmts/{*}numFmt")}
    found = {}
    for index, style in enumerate(styles.iterfind("{*}cellXfs/{*}xf")):
        number = style.get("numFmtId", "0")
        code = own.get(number) or BUILTIN_FORMATS.get(int(number) if number.isdigit() else 0, "")
        if is_date_format(code):
            found[str(index)] = code
    return found
