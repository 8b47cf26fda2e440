"""A Parquet file as a dataset: its columns one by one, and what it says of them.

Files that this project wrote carry all their metadata. Of others the types are those of the columns, and the labels
stand in the columns' own metadata (`label`) where their writer put them. A date is days, a date-time or time seconds,
since 1960, as SAS has it; True is 1.

Sources: Apache Parquet and Arrow columnar formats; SAS 9.4 Language Reference (days and seconds since 1960-01-01).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.errors import FileError, Place, Problem
from formats.described import Described, read_described
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing
from formats.text import as_text

KEY = b"trialmill"  # of the file's metadata
_DAYS = (pd.Timestamp(1970, 1, 1) - pd.Timestamp(1960, 1, 1)).days
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class ParquetDataset:
    """A file whose columns are read when they are asked for; `described` is None where it has no metadata of ours."""

    def __init__(self, path: Path) -> None:
        """Open the file; FileError when it is none."""
        self.path = path
        try:
            self._schema = pq.read_schema(path)
            self._texts = [f.name for f in self._schema if _is_text(f.type)]
            self._metadata = pq.read_metadata(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise FileError(Problem("not a Parquet file", Place(str(path)), found=str(error)[:80])) from None
        names = self._schema.names
        doubled = sorted({n for n in names if names.count(n) > 1})
        if doubled:
            raise FileError(Problem("two columns have the same name", Place(str(path)), found=", ".join(doubled)))
        raw = (self._schema.metadata or {}).get(KEY)
        self.described: Described | None = None if raw is None else read_described(raw, str(path))
        self.records: int = self._metadata.num_rows

    @property
    def names(self) -> list[str]:
        """The columns in file order."""
        return list(self._schema.names)

    def is_text(self, name: str) -> bool:
        """Whether a column is text; one of missing values alone is."""
        kind = self._schema.field(name).type
        return bool(_is_text(kind) or pa.types.is_null(kind))

    def bare_meta(self) -> DatasetMeta:
        """What a file without metadata of ours says: types, labels where it has any, formats by kind of moment."""
        own = self._schema.metadata or {}
        fields = [(f, (f.metadata or {}).get(b"label", b"").decode("utf-8", "replace")) for f in self._schema]
        holds = {"type"} | ({"label"} if any(label for _, label in fields) else set())
        variables = tuple(
            VariableMeta(f.name, label, "" if pa.types.is_null(f.type) else "Char" if _is_text(f.type) else "Num",
                         0 if self.is_text(f.name) else 8, _format(f.type)) for f, label in fields)
        label = own.get(b"label", b"").decode("utf-8", "replace")
        return DatasetMeta(self.path.stem.upper(), label, variables, holds=frozenset(holds))

    def coded(self, name: str) -> pa.DictionaryArray:
        """A text column as codes into its distinct values."""
        column = self._column(name)
        if pa.types.is_null(column.type):
            column = column.cast(pa.string())
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        return column.unify_dictionaries().combine_chunks() if column.num_chunks > 1 else _only(column)

    def numbers(self, name: str) -> np.ndarray:
        """A column of numbers or moments as float64; missing NaN."""
        column, kind = self._column(name), self._schema.field(name).type
        if pa.types.is_date(kind):
            column = column.cast(pa.date32()).cast(pa.int32())
            values = pc.cast(column, pa.float64()).to_numpy() + _DAYS
        elif pa.types.is_timestamp(kind) or pa.types.is_time(kind):
            width = pa.int32() if pa.types.is_time32(kind) else pa.int64()
            values = pc.cast(column.cast(width), pa.float64(), safe=False).to_numpy() / _PER_SECOND[kind.unit]
            values = values + (_DAYS * 86400.0 if pa.types.is_timestamp(kind) else 0.0)
        elif pa.types.is_boolean(kind):
            values = pc.cast(column.cast(pa.int8()), pa.float64()).to_numpy()
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
            values = pc.cast(column, pa.float64()).to_numpy()
        else:
            raise FileError(Problem(f"the column {name} holds neither text, numbers nor dates", Place(str(self.path)),
                                    found=str(kind)))
        if self.described is not None and name in self.described.special:
            cells = self.described.special[name]
            values = values.copy()
            values[list(cells)] = [special_missing(letter) for letter in cells.values()]
        return np.asarray(values, dtype=np.float64)

    def frame(self) -> pd.DataFrame:
        """The whole as text and float64."""
        return pd.DataFrame({name: self._text(name) if self.is_text(name) else pd.Series(self.numbers(name))
                             for name in self.names})

    def _text(self, name: str) -> pd.Series:
        coded = self.coded(name)
        return as_text(pa.chunked_array([coded.cast(pa.large_string())], pa.large_string()))

    def _column(self, name: str) -> pa.ChunkedArray:
        try:  # opened anew, since several threads may ask for columns
            with pq.ParquetFile(self.path, read_dictionary=self._texts, metadata=self._metadata) as file:
                return file.read(columns=[name], use_threads=False).column(0)
        except (pa.ArrowInvalid, OSError) as error:
            raise FileError(Problem(f"the column {name} cannot be read", Place(str(self.path)), found=str(error)[:80],
                                    do="the file is damaged: write it again")) from None


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _only(column: pa.ChunkedArray) -> pa.DictionaryArray:
    if column.num_chunks:
        return column.chunk(0)
    return pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))


def _format(kind: pa.DataType) -> str:
    """The SAS format that shows such moments."""
    if pa.types.is_date(kind):
        return "DATE9."
    if pa.types.is_timestamp(kind):
        return "DATETIME20."
    return "TIME8." if pa.types.is_time(kind) else ""
