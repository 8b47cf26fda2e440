"""Cells of one sheet of a workbook, streamed into text columns; shared strings.

Each distinct number, date and string is turned into text once. What cannot be read as a plain value (a formula, an
error value, merged cells) is listed with its row and column.

Sources: ECMA-376 part 1, 18.3.1.4 (c), 18.3.1.73 (row), 18.4 (shared strings), 18.18.11 (types of cells).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any
from xml.parsers import expat

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from openpyxl.utils.datetime import from_excel, from_ISO8601

from edc.columns import Columns
from edc.render import Render
from engine.errors import FileError, Place, Problem
from engine.numbers import number_text

MAX_PROBLEMS = 20
MAX_COLUMNS = 16384
REMEMBERED = 100_000  # distinct numbers, and dates, whose text is kept
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Book:
    """What cells refer to: strings by number, styles that show dates, and the day that dates count from."""

    strings: list[str]
    dates: dict[str, str]
    epoch: datetime


def read_sheet(
    source: IO[bytes], name: str, shown: str, book: Book, render: Render
) -> tuple[pd.DataFrame, NDArray[np.int64]] | None:
    """Records of a sheet as text, and the row of each; None for a sheet without a header.

    Raises:
        FileError: damaged XML, doubled header names, formulas, error values, merged cells, cells right of the header.
    """
    reader = _Sheet(name, shown, book, render)
    _parse(reader.parser, source, shown)
    if reader.problems:
        raise FileError(reader.problems)
    return reader.columns.frame() if reader.columns is not None else None


def shared_strings(source: IO[bytes], shown: str) -> list[str]:
    """The strings that cells name by number, without phonetic readings."""
    strings: list[str] = []
    parts: list[str] = []
    inside = skipped = False

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal inside, skipped
        local = name[name.rfind(":") + 1 :]
        if local == "t":
            inside = not skipped
        elif local == "rPh":
            skipped = True

    def end(name: str) -> None:
        nonlocal inside, skipped
        local = name[name.rfind(":") + 1 :]
        if local == "t":
            inside = False
        elif local == "rPh":
            skipped = False
        elif local == "si":
            strings.append("".join(parts))
            parts.clear()

    def text(data: str) -> None:
        if inside:
            parts.append(data)

    parser = _parser(shown)
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    _parse(parser, source, shown)
    return strings


def _parser(shown: str) -> Any:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise FileError(
            Problem("the workbook declares a document type", Place(shown), do="save it again as .xlsx")
        )

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _parse(parser: Any, source: IO[bytes], shown: str) -> None:
    try:
        while block := source.read(1 << 20):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, IndexError) as error:  # not well-formed, or a number that is none
        raise FileError(
            Problem("the workbook cannot be read", Place(shown), found=str(error)[:80], do="save it again as .xlsx")
        ) from None


class _Sheet:
    """The records of a sheet as its rows are met."""

    def __init__(self, name: str, shown: str, book: Book, render: Render) -> None:
        self.name, self.shown, self.book, self.render = name, shown, book, render
        self.columns: Columns | None = None
        self.header: list[str] = []
        self.problems: list[Problem] = []
        self.number = self.at = 0  # the row, the position of the cell in it
        self.style = "0"
        self.places: dict[str, int] = {}  # column letters -> position
        self.dates: dict[tuple[int, str, str], str | None] = {}  # position, style, number -> text
        self.numbers: dict[str, str] = {}
        self.parser = _parser(shown)
        self.parser.StartElementHandler = self._root

    def _root(self, name: str, _: dict[str, str]) -> None:
        """Every element has the prefix that the first one has."""
        self._listen(name[: name.rfind(":") + 1])

    def _listen(self, prefix: str) -> None:  # noqa: PLR0915
        """Set what is called for each element: local variables only, since a sheet has millions of them."""
        cell, value, text, row = (prefix + n for n in ("c", "v", "t", "row"))
        odd = {prefix + n: n for n in ("f", "rPh", "mergeCell")}
        places, strings, dated, numbers = self.places, self.book.strings, self.book.dates, self.numbers
        cells: list[str | None] = []
        kind, style, content, at, width = "n", "0", "", -1, 0
        listening = phonetic = False

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal cells, kind, style, content, at, listening, phonetic
            if name == cell:
                letters = attributes["r"].rstrip(_DIGITS) if "r" in attributes else ""
                at = places[letters] if letters in places else self._place(letters, at)
                kind, style, content = attributes.get("t", "n"), attributes.get("s", "0"), ""
            elif name in (value, text):
                listening = not phonetic
            elif name == row:
                given = attributes.get("r", "")
                self.number = int(given) if given.isdigit() else self.number + 1
                cells, at = [None] * width, -1
            elif name in odd:
                self.at = at
                if odd[name] == "rPh":
                    phonetic = True
                elif odd[name] == "f":
                    self._problem(f"{self._column()} holds a formula", do="export values, not formulas")
                else:
                    self._problem("cells are merged", found=attributes.get("ref", ""), do="one value a cell")

        def data(part: str) -> None:
            nonlocal content
            if listening:
                content += part

        def end(name: str) -> None:
            nonlocal listening, phonetic, width
            if name == cell:
                if content:
                    if kind == "s":
                        found: str | None = strings[int(content)]
                    elif kind == "n" and content in numbers and style not in dated:
                        found = numbers[content]
                    else:
                        self.at, self.style = at, style
                        found = self._value(kind, content)
                    if found:
                        if at >= len(cells):
                            cells.extend([None] * (at + 1 - len(cells)))
                        cells[at] = found
            elif name in (value, text):
                listening = False
            elif name == row:
                self._row(cells)
                width = len(self.header)
            elif name in odd:
                phonetic = False

        self.parser.StartElementHandler, self.parser.EndElementHandler = start, end
        self.parser.CharacterDataHandler = data

    def _value(self, kind: str, text: str) -> str | None:
        """Text of a cell that holds no shared string and no number met before."""
        if kind == "n":
            if self.style in self.book.dates:
                key = (self.at, self.style, text)
                if len(self.dates) >= REMEMBERED:
                    self.dates.clear()
                if key not in self.dates:
                    self.dates[key] = self._date(text)
                return self.dates[key]
            if len(self.numbers) >= REMEMBERED:
                self.numbers.clear()
            self.numbers[text] = number_text(float(text))
            return self.numbers[text]
        if kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        if kind == "e":
            return self._problem(f"{self._column()} holds an error value", found=text, do="correct it in its source")
        if kind == "d":
            return self.render(self.name, self._column(), from_ISO8601(text))
        return text  # str, inlineStr

    def _date(self, text: str) -> str | None:
        number = float(text)
        elapsed = "[h" in self.book.dates[self.style].lower() and number >= 1
        try:
            value = None if elapsed else from_excel(number, self.book.epoch)
        except (ValueError, OverflowError):
            value = None
        if value is None or isinstance(value, timedelta):
            return number_text(number)  # no date there is: a verb that needs one will say so
        return self.render(self.name, self._column(), value)

    def _row(self, cells: list[str | None]) -> None:
        if not any(cells):
            return
        if self.columns is None:
            names = [(v or "").strip() for v in cells]
            if "" in names or len(set(names)) != len(names):
                self._problem("a column has no name, or two have the same")
            self.header, self.columns = names, Columns(names)
            return
        if len(cells) > len(self.header):
            self._problem("a row is wider than the header")
            del cells[len(self.header) :]
        self.columns.add(cells, self.number)

    def _column(self) -> str:
        return self.header[self.at] if 0 <= self.at < len(self.header) else f"column {self.at + 1}"

    def _place(self, letters: str, before: int) -> int:
        """The position that column letters name; without any, the one after the cell before."""
        if not letters:
            return before + 1
        at = 0
        for letter in letters:
            at = at * 26 + ord(letter) - 64
        if not (letters.isascii() and letters.isalpha() and letters.isupper() and at <= MAX_COLUMNS):
            raise FileError(Problem("the workbook cannot be read", Place(self.shown, self.number),
                                    found=f"a cell of column {letters[:8]}", do="save it again as .xlsx"))
        self.places[letters] = at - 1
        return at - 1

    def _problem(self, what: str, *, found: str = "", do: str = "") -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(what, Place(self.shown, self.number), found=found[:40], do=do))
