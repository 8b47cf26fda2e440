"""Columns as a comparison needs them: texts as codes into their distinct values, numbers as float64.

Text compares as in SAS: trailing blanks are no part of a value, and a text of blanks alone is missing. What was
written is kept beside it, so that a report can state where only that differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.numbers import NUMBER, number_text
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import LETTERS, letter_bytes, special_missing, special_missing_code
from formats.parquet_read import ParquetDataset

Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
_ORIGIN = pd.Timestamp(1960, 1, 1)


@dataclass(frozen=True, slots=True)
class Texts:
    """n texts: `codes` into `values` (distinct, trimmed), -1 where missing; `written`: codes of the untrimmed text."""

    codes: Codes
    values: pa.Array
    written: Codes
    writings: pa.Array

    def take(self, rows: Rows) -> Texts:
        """The texts of some records."""
        return Texts(self.codes[rows], self.values, self.written[rows], self.writings)


def shown_texts(values: pa.Array, codes: Codes) -> list[str]:
    """The texts behind codes; '' where missing."""
    return ["" if v is None else v for v in values.take(pa.array(codes, mask=codes < 0)).to_pylist()]


class Side(Protocol):
    """One of the two datasets that are compared."""

    meta: DatasetMeta
    records: int
    names: list[str]

    def is_text(self, name: str) -> bool:
        """Whether a variable is held as text."""
        ...

    def texts(self, name: str) -> Texts:
        """A text variable."""
        ...

    def numbers(self, name: str) -> Floats:
        """A numeric variable."""
        ...


class FrameSide:
    """A data frame; text is anything but numbers, times and truth values."""

    def __init__(self, frame: pd.DataFrame, meta: DatasetMeta | None = None, name: str = "") -> None:
        """Without `meta` only the types are known."""
        self._frame = frame
        self.records = len(frame)
        self.meta = meta or DatasetMeta(name, "", tuple(
            VariableMeta(str(n), "", "Char" if self.is_text(str(n)) else "Num", 0, _moment_format(frame[n]))
            for n in frame), holds=frozenset({"type"}))
        self.names = [str(n) for n in frame]

    def is_text(self, name: str) -> bool:
        """See Side."""
        kind = self._frame[name].dtype
        return not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind))

    def texts(self, name: str) -> Texts:
        """See Side."""
        values = self._frame[name]
        if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == object:
            values = values.astype("str")
        array = pa.array(values, from_pandas=True)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        return coded(array.cast(pa.large_string()).dictionary_encode())

    def numbers(self, name: str) -> Floats:
        """See Side."""
        values = self._frame[name]
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            naive = values.dt.tz_localize(None) if values.dt.tz is not None else values
            return np.asarray((naive - _ORIGIN) / pd.Timedelta(seconds=1), dtype=np.float64)
        return np.ascontiguousarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


class ParquetSide:
    """A Parquet file whose columns are read when they are asked for, and not kept."""

    def __init__(self, source: ParquetDataset, meta: DatasetMeta) -> None:
        """`meta` may name other types than the file's: the file's own decide how a column is read."""
        self._source = source
        self.meta = meta
        self.records = source.records
        self.names = source.names

    def is_text(self, name: str) -> bool:
        """See Side."""
        return self._source.is_text(name)

    def texts(self, name: str) -> Texts:
        """See Side."""
        return coded(self._source.coded(name))

    def numbers(self, name: str) -> Floats:
        """See Side."""
        return self._source.numbers(name)


class Kept:
    """A side that keeps some of its columns once they were read: its keys; `keep` may grow."""

    def __init__(self, side: Side, keys: Iterable[str] = ()) -> None:
        """Keep these."""
        self._side, self.keys = side, frozenset(keys)
        self.keep = set(self.keys)
        self.meta, self.records, self.names = side.meta, side.records, side.names
        self._texts: dict[str, Texts] = {}
        self._numbers: dict[str, Floats] = {}

    def is_text(self, name: str) -> bool:
        """See Side."""
        return self._side.is_text(name)

    def texts(self, name: str) -> Texts:
        """See Side."""
        held = self._texts.get(name)
        if held is None:
            held = self._side.texts(name)
            if name in self.keep:
                self._texts[name] = held
        return held

    def numbers(self, name: str) -> Floats:
        """See Side."""
        held = self._numbers.get(name)
        if held is None:
            held = self._side.numbers(name)
            if name in self.keep:
                self._numbers[name] = held
        return held

    def drop(self, name: str) -> None:
        """Let a column go."""
        self._texts.pop(name, None)
        self._numbers.pop(name, None)


def coded(array: pa.DictionaryArray) -> Texts:
    """Codes into distinct values, trimmed; a text that is blank is missing."""
    written = pc.fill_null(array.indices, -1).to_numpy().astype(np.int32, copy=False)
    writings = array.dictionary.cast(pa.large_string())
    if writings.null_count:  # a null among the distinct values
        present = pc.is_valid(writings).to_numpy(zero_copy_only=False)
        renumbered = np.append(np.where(present, np.cumsum(present) - 1, -1), -1).astype(np.int32)
        written, writings = renumbered[written], writings.drop_null()
    trimmed = pc.utf8_rtrim(writings, characters=" ")
    renamed = trimmed.dictionary_encode()  # a file may list one value twice
    values = renamed.dictionary
    blank = pc.index(values, pa.scalar("", pa.large_string())).as_py()
    if blank < 0 and len(values) == len(writings) and trimmed.equals(writings):
        return Texts(written, writings, written, writings)
    table = np.append(renamed.indices.to_numpy(), -1).astype(np.int32)
    if blank >= 0:
        table = np.where(table == blank, -1, np.where(table > blank, table - 1, table)).astype(np.int32)
        values = pc.filter(values, pc.not_equal(values, ""))
    return Texts(table[written], values, written, writings)


def number_column(values: Floats) -> Texts:
    """Numbers as texts: the shortest decimal writing; missing is missing, a special missing value `.A`."""
    codes, distinct = pd.factorize(_bits(values))
    distinct = np.asarray(distinct).view(np.float64)
    letters = special_missing_code(distinct)
    texts = [f".{letter}" if letter else "" if np.isnan(v) else _number(v)
             for v, letter in zip(distinct.tolist(), letters.tolist(), strict=True)]
    array = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(texts, pa.large_string()))
    return coded(array)


def text_column(texts: Sequence[str]) -> Texts:
    """Texts as a column; '' is missing."""
    return coded(pa.array(texts, pa.large_string()).dictionary_encode())


def _number(value: float) -> str:
    return number_text(value) if np.isfinite(value) else str(value)


def as_numbers(texts: Texts) -> Floats | None:
    """The numbers that all present texts hold (`.` missing, `.A` special missing); None when one holds none."""
    held = [_held(text.strip()) for text in texts.values.to_pylist()]
    if any(v is None for v in held):
        return None
    return np.append(np.array(held, dtype=np.float64), np.nan)[texts.codes]


def _held(text: str) -> float | None:
    if text.startswith(".") and len(text) <= 2 and not text[1:].isdigit():
        return np.nan if text == "." else special_missing(text[1]) if text[1] in LETTERS else None
    return float(text) if NUMBER.fullmatch(text) else None


def joined(base: Texts, qc: Texts, *, as_written: bool = False) -> tuple[Codes, Codes, pa.Array]:
    """The codes of both sides into one list of distinct values."""
    if as_written:
        codes, others = base.written, qc.written
        known, new = base.writings, qc.writings
    else:
        codes, others, known, new = base.codes, qc.codes, base.values, qc.values
    found = pc.index_in(new, value_set=known)
    absent = pc.is_null(found).to_numpy(zero_copy_only=False)
    table = pc.fill_null(found, 0).to_numpy().astype(np.int32)
    table[absent] = len(known) + np.arange(int(absent.sum()), dtype=np.int32)
    values = pa.concat_arrays([known, pc.filter(new, pa.array(absent))])
    return codes, np.append(table, np.int32(-1))[others], values


def joined_numbers(base: Floats, qc: Floats) -> tuple[Codes, Codes, Floats]:
    """The codes of both sides into one list of distinct numbers; -1 the ordinary missing value, -0 is 0."""
    codes, bits = pd.factorize(_bits(np.concatenate([base, qc])))
    distinct = np.asarray(bits).view(np.float64)
    missing = np.isnan(distinct) & (letter_bytes(distinct) == 0)
    table = np.append(np.where(missing, -1, np.arange(len(distinct))), -1).astype(np.int32)
    both = table[codes]
    return both[: len(base)], both[len(base) :], distinct


def _bits(values: Floats) -> NDArray[np.int64]:
    """Numbers as their bits: -0 as 0, every ordinary missing value alike, special ones by their letter alone."""
    plain = values + 0.0
    missing = np.isnan(plain)
    if missing.any():
        letters = letter_bytes(plain)
        plain[missing & (letters == 0)] = np.nan
        bits = plain.view(np.int64).copy()
        special = letters > 0
        bits[special] &= np.int64(0x7FFF_FFFF_FFFF_FFFF)
        return bits
    return plain.view(np.int64)


def _moment_format(values: pd.Series) -> str:
    return "DATETIME20." if pd.api.types.is_datetime64_any_dtype(values.dtype) else ""


def common(base: Side, qc: Side) -> list[str]:
    """The variables of both, in the order of `base`."""
    there = set(qc.names)
    return [n for n in base.names if n in there]


def mixed_numbers(base: Side, qc: Side, name: str) -> tuple[Floats, Floats] | None:
    """A variable that is numbers in one and text in the other, as numbers; None when a text is none."""
    one, other = (as_numbers(side.texts(name)) if side.is_text(name) else side.numbers(name) for side in (base, qc))
    return None if one is None or other is None else (one, other)
