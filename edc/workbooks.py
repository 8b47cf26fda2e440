"""Workbooks as received: every sheet as text, true dates and numbers as the other carriers would write them.

A workbook is untrusted: its unpacked size is bounded before anything is read, entities are refused, formulas are
not computed (a formula cell is an error, since its value may be stale).

Sources: ECMA-376 part 1, 18.3 and 18.17.4.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
from numpy.typing import NDArray

from engine.errors import FileError, Place, Problem
from engine.numbers import number_text

MAX_RATIO = 200  # unpacked to packed; text of a form packs 5 to 40 times
MAX_MEMBERS = 2000
EXCEL_EPOCH = datetime(1899, 12, 30)
Render = Callable[[str, str, date | datetime | time], str]  # sheet, column, value -> text


def read_workbook(
    path: Path, shown: str, limit: int, render: Render
) -> Iterator[tuple[str, pd.DataFrame, NDArray[np.int64]]]:
    """Every sheet with a header row: its name, records as text, and the row of each.

    Args:
        path: the workbook; `shown` its name in messages.
        limit: bytes at most, unpacked.
        render: text of a true date or time, by sheet and column.

    Raises:
        FileError: no workbook, too large unpacked, formulas, doubled header names.
    """
    _check_archive(path, shown, limit)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
    except Exception as error:  # the library raises many kinds for damaged files
        raise FileError(
            Problem(
                "the workbook cannot be read", Place(shown), found=type(error).__name__, do="save it again as .xlsx"
            )
        ) from None
    try:
        for sheet in book.worksheets:
            read = _read_sheet(sheet, f"{shown} sheet {sheet.title}", render)
            if read is not None:
                yield sheet.title, *read
    finally:
        book.close()


def _check_archive(path: Path, shown: str, limit: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            unpacked = sum(m.file_size for m in members)
            packed = max(1, path.stat().st_size)
            if (
                len(members) > MAX_MEMBERS
                or unpacked > limit
                or (unpacked > 50_000_000 and unpacked / packed > MAX_RATIO)
            ):
                raise FileError(
                    Problem(
                        "the workbook unpacks to more than a workbook of data does",
                        Place(shown),
                        found=f"{unpacked:,} bytes from {packed:,}",
                        expected=f"up to {limit:,} bytes",
                        do="ask for the data as CSV",
                    )
                )
            for member in members:
                if member.filename.endswith((".xml", ".rels")):
                    with archive.open(member) as file:
                        if b"<!DOCTYPE" in file.read(4096):
                            raise FileError(
                                Problem(
                                    "the workbook declares a document type",
                                    Place(shown),
                                    found=member.filename,
                                    do="save it again as .xlsx",
                                )
                            )
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise FileError(Problem("not a workbook", Place(shown), found=str(error), expected="an .xlsx file")) from None


def _read_sheet(sheet: Any, shown: str, render: Render) -> tuple[pd.DataFrame, NDArray[np.int64]] | None:
    rows = sheet.iter_rows(values_only=True)
    header = [str(v).strip() if v is not None else "" for v in next(rows, ())]
    while header and not header[-1]:
        header.pop()
    if not header:
        return None
    if "" in header or len(set(header)) != len(header):
        raise FileError(Problem("a column has no name, or two have the same", Place(shown, 1)))
    records: list[list[str | None]] = []
    places: list[int] = []
    problems: list[Problem] = []
    for number, row in enumerate(rows, 2):
        if all(v is None for v in row):
            continue
        if any(v is not None for v in row[len(header) :]):
            problems.append(Problem("a row is wider than the header", Place(shown, number)))
        cells: list[str | None] = []
        for name, value in zip(header, row, strict=False):
            if isinstance(value, str) and value.startswith("=") and len(value) > 1:
                problems.append(
                    Problem(
                        f"{name} holds a formula",
                        Place(shown, number),
                        found=value[:40],
                        do="export values, not formulas",
                    )
                )
            cells.append(_cell(sheet.title, name, value, render))
        records.append(cells + [None] * (len(header) - len(cells)))
        places.append(number)
    if problems:
        raise FileError(problems[:20])
    return pd.DataFrame(records, columns=header, dtype="str"), np.array(places, dtype=np.int64)


def _cell(sheet: str, column: str, value: Any, render: Render) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, (datetime, date, time)):
        return render(sheet, column, value)
    return str(value)


def serial(value: datetime | date) -> str:
    """The 1900-system serial number of a date, as text."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return number_text(round((moment - EXCEL_EPOCH).total_seconds() / 86400, 10))
