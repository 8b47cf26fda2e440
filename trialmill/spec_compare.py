"""Holds an edited spec workbook against the specs on disk: which cells were edited, and what cannot be carried back.

The workbook is untrusted: its size is bounded, formulas are not computed, and every cell must be one that the export
wrote, but for those that may be edited. Rows are known by their key, so that sorting them is no edit.

Sources: ECMA-376 part 1; OWASP, "XML external entity" and "zip bomb" (see edc.workbooks).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import pandas as pd
from openpyxl.utils import get_column_letter

from edc.workbooks import read_workbook
from engine.errors import FileError, Place, Problem, nearest
from formats.xlsx_write import cell_text
from trialmill.spec_book import CONTENT, ROW, SPECS, Book, Row, SpecSheet, Spot

MAX_FILE, MAX_UNPACKED = 10_000_000, 20_000_000  # bytes; the specs of 47 datasets take 0.2 and 1.5 million
MAX_PROBLEMS = 50
_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")
EXPORT_ANEW = "export the specs again and make the edits there:  trialmill spec export STUDY WORKBOOK"


@dataclass(frozen=True, slots=True)
class Edited:
    """One edited cell: where it stands in the workbook, what it is for, the text before and after."""

    place: Place
    row: Row
    column: str
    spot: Spot
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Added:
    """One added row of codelists."""

    place: Place
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Read:
    """A sheet as it was received: texts by column, with the number of each row."""

    cells: list[dict[str, str]]
    numbers: list[int]
    columns: list[str]


def compare(book: Book, path: Path) -> tuple[list[Edited], list[Added]]:
    """What was edited in the workbook, against the book that the specs on disk make.

    Raises:
        FileError: no workbook, or too large; made from other specs; any difference that cannot be carried back.
    """
    found = _read(path)
    _same_specs(book, found, path)
    problems: list[Problem] = []
    edited: list[Edited] = []
    added: list[Added] = []
    for sheet in book.sheets:
        for each in _differences(sheet, found[sheet.name], path):
            if isinstance(each, Problem):
                problems.append(each)
            elif isinstance(each, Edited):
                edited.append(each)
            else:
                added.append(each)
    if problems:
        more = len(problems) - MAX_PROBLEMS
        told = problems[:MAX_PROBLEMS] + ([Problem(f"and {more} further problems of the workbook")] if more > 0 else [])
        raise FileError(told)
    return edited, added


def _read(path: Path) -> dict[str, _Read]:
    """Every sheet as text."""
    if not path.is_file():
        raise FileError(Problem("no such workbook", Place(str(path))))
    if path.stat().st_size > MAX_FILE:
        raise FileError(
            Problem(
                "the file is larger than a workbook of specs",
                Place(str(path)),
                found=f"{path.stat().st_size:,} bytes",
                expected=f"up to {MAX_FILE:,}",
            )
        )

    def render(sheet: str, column: str, value: datetime | date | time) -> str:
        raise FileError(
            Problem(
                "a cell holds a date",
                Place(f"{path} sheet {sheet}"),
                found=f"{value} in the column {column}",
                expected="text",
                do="format the cell as text and write it again",
            )
        )

    found: dict[str, _Read] = {}
    for name, frame, numbers in read_workbook(path, str(path), MAX_UNPACKED, render):
        if name in found:
            raise FileError(Problem(f'two sheets are called "{name}"', Place(str(path)), do=EXPORT_ANEW))
        columns = [str(c) for c in frame.columns]
        found[name] = _Read(_texts(frame), numbers.tolist(), columns)
    return found


def _texts(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Cells by column; empty ones as ''."""
    filled = frame.astype(object).where(frame.notna(), "")
    rows: list[dict[str, str]] = [{str(k): _plain(str(v)) for k, v in r.items()} for r in filled.to_dict("records")]
    return rows


def _plain(text: str) -> str:
    return text.replace("_x000D_\n", "\n").replace("\r\n", "\n").replace("\r", "\n")


def _same_specs(book: Book, found: dict[str, _Read], path: Path) -> None:
    """The workbook has the sheets and columns of the export, and was made from the specs on disk."""
    problems = []
    names = [sheet.name for sheet in book.sheets]
    for name in found:
        if name not in names:
            problems.append(Problem(f'a sheet "{name}" that the export does not have', Place(str(path)),
                                    expected=", ".join(names), do="take the sheet out"))  # fmt: skip
    for sheet in book.sheets:
        if sheet.name not in found:
            problems.append(
                Problem(f'the sheet "{sheet.name}" is missing', Place(str(path)),
                        nearest=nearest(sheet.name, [n for n in found if n not in names]), do=EXPORT_ANEW)
            )  # fmt: skip
        elif found[sheet.name].columns != list(sheet.columns):
            has, wanted = found[sheet.name].columns, list(sheet.columns)
            odd = [c for c in has if c not in wanted] or [c for c in wanted if c not in has] or ["their order"]
            problems.append(
                Problem("the columns are not those of the export", Place(f"{path} sheet {sheet.name}", 1),
                        found=f"{', '.join(has[:30])}", expected=", ".join(wanted),
                        do=f"look at {', '.join(odd[:5])}; {EXPORT_ANEW}")
            )  # fmt: skip
    if problems:
        raise FileError(problems)
    study = book.sheets[0]
    made_from = {cells[ROW]: (cells["Value"], number) for cells, number in zip(found[study.name].cells,
                 found[study.name].numbers, strict=True)}  # fmt: skip
    wanted = {row.key: row.text("Value") for row in study.rows}
    for key, what in ((SPECS, "from other specs than those on disk"), (CONTENT, "by another version of Trialmill")):
        value, number = made_from.get(key, ("", 0))
        if value != wanted[key]:
            raise FileError(
                Problem(f"the workbook was exported {what}", Place(f"{path} sheet {study.name}", number),
                        found=f"{key} {value[:64] or 'none'}", expected=wanted[key], do=EXPORT_ANEW)
            )  # fmt: skip


def _differences(sheet: SpecSheet, found: _Read, path: Path) -> Iterator[Problem | Edited | Added]:
    """Every difference of a sheet from what the specs say."""
    rows = {cell_text(row.key): row for row in sheet.rows}
    seen: dict[str, int] = {}
    lost: list[tuple[str, int]] = []
    for cells, number in zip(found.cells, found.numbers, strict=True):
        key = cells[ROW]
        here = Place(f"{path} sheet {sheet.name}", number)
        if key in seen:
            do = "take one out" + (", or leave its cell Row empty if it is new" if sheet.adds else "")
            yield Problem(f"two rows are the row {key}", here, found=f"the other is row {seen[key]}", do=do)
        elif key in rows:
            seen[key] = number
            yield from _row(sheet, rows[key], cells, here)
        elif not key and sheet.adds:
            yield Added(here, cells)
        else:
            lost.append((key, number))
    missing = [key for key in rows if key not in seen]
    for key, number in lost:
        cell = f"{get_column_letter(len(sheet.columns))}{number}"
        yield Problem(
            f"{cell}: the row is none that the export wrote",
            Place(f"{path} sheet {sheet.name}", number),
            found=f'Row "{key}"' if key else "an empty cell Row",
            nearest=nearest(key, missing),
            do="rows cannot be added here: add the line to the specs, or put the row's key back",
        )
    for key in missing:
        do = "rows cannot be deleted here; take the line out of the specs, or put the row back"
        yield Problem(f"the row {key} is missing", Place(f"{path} sheet {sheet.name}"), do=do)


def _row(sheet: SpecSheet, row: Row, cells: dict[str, str], here: Place) -> Iterator[Problem | Edited]:
    for index, column in enumerate(sheet.columns, 1):
        old, new = _plain(cell_text(row.text(column))), cells[column]
        if old == new:
            continue
        cell = f"{get_column_letter(index)}{here.line}"
        place = Place(here.file, here.line)
        spot = row.spots.get(column)
        lead = f"{cell}: {row.key}: {column}"
        if spot is None:
            why = row.fixed.get(column, "it is written from the specs")
            yield Problem(f"{lead} cannot be edited here: {why}", place, found=_short(new), expected=_short(old),
                          do="put the cell back, or edit the specs")  # fmt: skip
        elif _ESCAPED.search(new):
            yield Problem(f"{lead}: a character that a spec cannot hold", place, found=_short(new))
        else:
            yield Edited(Place(f"{here.file} {cell}"), row, column, spot, old, new)


def _short(text: str) -> str:
    """A text as told: one line, quoted, not too long."""
    one = text.replace("\n", " / ")
    return f'"{one[:120]}{"..." if len(one) > 120 else ""}"' if one else "nothing"
