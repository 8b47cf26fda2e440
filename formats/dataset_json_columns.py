"""Records of a Dataset-JSON file, taken apart into columns and held against what the file says of them.

Sources: CDISC Dataset-JSON 1.1 (types and target types of columns).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import FileError, Place, Problem
from formats.moments import from_iso
from formats.text import as_text

MOST_EXACT = 2**53
_MOMENTS = ("date", "datetime", "time")
_TEXT = ("string", "URI", *_MOMENTS)
_NUMBER = ("integer", "float", "double", "decimal")
Rows = list[list[Any]]


class Columns:
    """Columns that grow block by block; `lines`: record n stands in line n + 1."""

    def __init__(self, said: dict[str, Any], shown: str, *, lines: bool = False) -> None:
        """FileError when a column is of a type that no variable can have."""
        self.dataset, self.shown, self.lines = said["name"], shown, lines
        self.announced: int = said["records"]
        self.count = 0
        self.columns = [_Column(c) for c in said["columns"]]
        problems = [Problem(f"{self.dataset}.{c.name}: {c.fault}", Place(shown)) for c in self.columns if c.fault]
        if problems:
            raise FileError(problems)

    def add(self, rows: Rows) -> None:
        """Take in the next records; FileError with the first cell at fault of each column."""
        if not rows:
            return
        width = len(self.columns)
        for i, row in enumerate(rows):
            if type(row) is not list or len(row) != width:
                found = f"{len(row)} values" if type(row) is list else type(row).__name__
                raise FileError(Problem("a record does not have one value for each column", self._place(i), found=found,
                                        expected=f"{width} values"))
        if self.count + len(rows) > self.announced:
            raise FileError(self._disagree(f"more than {self.announced:,}"))
        problems = []
        for column, cells in zip(self.columns, zip(*rows, strict=True), strict=True):
            for at, says in column.add(cells):
                problems.append(Problem(f"{self.dataset}.{column.name}: {says}", self._place(at),
                                        found=repr(cells[at])[:60], expected=column.kind))
        if problems:
            raise FileError(problems[:20])
        self.count += len(rows)

    def frame(self) -> pd.DataFrame:
        """All records; FileError when they are not as many as the file announces."""
        if self.count != self.announced:
            raise FileError(self._disagree(f"{self.count:,}"))
        return pd.DataFrame({c.name: c.series() for c in self.columns})

    def _disagree(self, found: str) -> Problem:
        return Problem("the file does not hold the records that it announces", Place(self.shown), found=found,
                       expected=f"{self.announced:,}", do="the file is truncated or altered: write it again")

    def _place(self, at: int) -> Place:
        record = self.count + at + 1
        return Place(self.shown, record + 1) if self.lines else Place(f"{self.shown} record {record:,}")


class _Column:
    """One column: its cells so far."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.name: str = said["name"]
        self.kind: str = said["dataType"]
        target = said.get("targetDataType", "")
        self.moment = self.kind in _MOMENTS and target == "integer"
        self.text = self.kind in _TEXT and not self.moment
        self.parts: list[Any] = []
        fits = {"": True, "integer": self.kind in _MOMENTS, "decimal": self.kind == "decimal"}[target]
        self.fault = "" if fits else f"dataType {self.kind} does not go with targetDataType {target}"
        if self.kind not in (*_TEXT, *_NUMBER):
            self.fault = f"a {self.kind} has no counterpart among Char and Num"

    def add(self, cells: tuple[Any, ...]) -> Iterator[tuple[int, str]]:
        """Take in cells; yields the first that is at fault and why."""
        kinds = set(map(type, cells))
        allowed = {type(None), str} if self.text or self.moment else {type(None), int, float}
        if self.kind == "decimal":
            allowed.add(str)
        if not kinds <= allowed:
            yield next(i for i, c in enumerate(cells) if type(c) not in allowed), "a value of another type"
            return
        if self.text:
            self.parts.append(pa.array(cells, pa.large_string()))
            return
        if self.moment:
            numbers, bad = from_iso(cells, self.kind)
        elif str in kinds:
            numbers, bad = _decimals(cells)
        else:
            numbers, bad = _numbers(cells, self.kind == "integer")
        if bad:
            yield bad[0], f"no complete {self.kind}" if self.moment else "no number that a transport file could hold"
            return
        self.parts.append(numbers)

    def series(self) -> pd.Series:
        if self.text:
            return as_text(pa.chunked_array(self.parts, pa.large_string()))
        return pd.Series(np.concatenate(self.parts) if self.parts else np.array([], dtype=np.float64))


def _numbers(cells: tuple[Any, ...], whole: bool) -> tuple[NDArray[np.float64], list[int]]:
    """Numbers as float64, and the positions of those that are not exactly one (or not whole, where they should be)."""
    try:
        numbers = np.array(cells, dtype=np.float64)
    except OverflowError:
        return np.empty(0), [next(i for i, c in enumerate(cells) if type(c) is int and abs(c) >= MOST_EXACT)]
    large = np.flatnonzero(np.abs(numbers) >= MOST_EXACT)
    bad = [int(i) for i in large if whole or (type(cells[i]) is int and int(numbers[i]) != cells[i])]
    bad += np.flatnonzero(np.isinf(numbers)).tolist()
    if whole:
        bad += np.flatnonzero(~np.isnan(numbers) & (numbers != np.floor(numbers))).tolist()
    return numbers, sorted(bad)


def _decimals(cells: tuple[Any, ...]) -> tuple[NDArray[np.float64], list[int]]:
    """Decimal texts as float64, and the positions of those that are none or that a float64 would round."""
    known: dict[Any, float | None] = {None: np.nan, "": np.nan}
    for text in set(cells) - set(known):
        known[text] = _decimal(text)
    bad = [i for i, c in enumerate(cells) if known[c] is None]
    return np.array([known[c] for c in cells], dtype=np.float64), bad


def _decimal(text: Any) -> float | None:
    try:
        exact = Decimal(str(text))
        number = float(exact)
        return number if exact.is_finite() and Decimal(repr(number)) == exact else None
    except (InvalidOperation, ValueError, OverflowError):
        return None
