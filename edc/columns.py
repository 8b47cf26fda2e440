"""Text columns that grow record by record without a Python object for each record.

Records are held as lists only until some thousands have come; then they become Arrow text. A column that turns up
late is missing in the records before it.
"""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from formats.text import as_text

CHUNK = 16384  # records held as lists


class Columns:
    """Records as they come; `place` gives a column's position in the lists that are added."""

    def __init__(self, names: list[str] | tuple[str, ...] = ()) -> None:
        """Start with these columns; further ones are added by `place`."""
        self._places: dict[str, int] = {name: i for i, name in enumerate(names)}
        self._rows: list[list[str | None]] = []
        self._chunks: list[list[pa.Array]] = []
        self._lines: list[int] = []
        self._settled: list[NDArray[np.int64]] = []

    @property
    def names(self) -> list[str]:
        """The columns so far."""
        return list(self._places)

    def place(self, name: str) -> int:
        """Where the column stands in a record; a new one stands last."""
        return self._places.setdefault(name, len(self._places))

    def add(self, record: list[str | None], line: int) -> None:
        """Take one record; it may be shorter than the columns. The list is kept, not copied."""
        self._rows.append(record)
        self._lines.append(line)
        if len(self._rows) == CHUNK:
            self._settle()

    def frame(self) -> tuple[pd.DataFrame, NDArray[np.int64]]:
        """All records as text (empty is missing), and the line of each."""
        self._settle()
        columns = {}
        for name, at in self._places.items():
            arrays = [c[at] if at < len(c) else pa.nulls(len(n), pa.large_string())
                      for c, n in zip(self._chunks, self._settled, strict=True)]
            columns[name] = as_text(pa.chunked_array(arrays, pa.large_string()))
            for chunk in self._chunks:  # the text was copied: let the pieces go
                if at < len(chunk):
                    chunk[at] = None
        pa.default_memory_pool().release_unused()
        lines = np.concatenate(self._settled) if self._settled else np.empty(0, dtype=np.int64)
        return pd.DataFrame(columns), lines

    def _settle(self) -> None:
        if not self._rows:
            return
        self._chunks.append([pa.array(column, pa.large_string()) for column in zip_longest(*self._rows)])
        self._settled.append(np.array(self._lines, dtype=np.int64))
        self._rows, self._lines = [], []
