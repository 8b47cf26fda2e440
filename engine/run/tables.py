"""Records and their columns while a study is being built.

A table is a raw source or a dataset. Its records never move once they exist: every other record that was
made from one knows its position, so that any value can be followed back to its raw file and line. Order
and --SEQ are laid over the records at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

QUALIFIED = "\0at"  # after a qualifier's name: the column with file and record of each of its values
Positions = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(slots=True)
class Records:
    """n records: whose they are, which part made them, and what they were made from.

    `sources` holds, for each table they were made from, the position there (-1 where none); `made` the
    columns that record verbs added, by the name that specs use (`interval.START`).
    """

    subject: Positions  # code of the person in the order of USUBJID; -1 for none
    part: Positions
    sources: dict[str, Positions] = field(default_factory=dict)
    made: dict[str, pd.Series] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Number of records."""
        return len(self.subject)

    def take(self, rows: Positions) -> Records:
        """The records at these positions, in this order; -1 gives an empty record."""
        return Records(
            take(self.subject, rows),
            take(self.part, rows),
            {name: take(at, rows) for name, at in self.sources.items()},
            {name: take_values(values, rows) for name, values in self.made.items()},
        )


@dataclass(slots=True)
class Table:
    """A raw source or a dataset under construction."""

    name: str
    records: Records
    columns: dict[str, pd.Series] = field(default_factory=dict)
    raw: bool = False
    early: dict[str, pd.Series] = field(default_factory=dict)  # variables computed before records were cut
    all_records: Records | None = None  # before the cut
    kept: Positions | None = None  # where each record stood before the cut
    order: Positions | None = None  # positions in final order
    files: tuple[str, ...] = ()
    file_of: Positions | None = None
    line: Positions | None = None
    delivered: bool = False  # a finished dataset as input: in files like a raw source, with values like a built one
    former: Records | None = None  # while a part's records are made: those of the parts before it

    @property
    def n(self) -> int:
        """Number of records."""
        return self.records.n

    @property
    def filed(self) -> bool:
        """Whether the records stand in input files."""
        return self.raw or self.delivered

    def place(self, row: int, variable: str = "") -> str:
        """File and line of a record of an input file, of a delivered dataset file and record.

        A variable that came from supplemental qualifiers stands in their file.
        """
        qualifier = self.columns.get(f"{variable}{QUALIFIED}")
        if qualifier is not None and isinstance(qualifier.iloc[row], str):
            return str(qualifier.iloc[row])
        assert self.file_of is not None and self.line is not None
        return told_place(self.files[self.file_of[row]], int(self.line[row]), delivered=self.delivered)


def told_place(file: str, number: int, *, delivered: bool) -> str:
    """`ae.csv line 7` of a raw source, `sdtm/ae.xpt record 7` of a delivered dataset."""
    return f"{file} {'record' if delivered else 'line'} {number}"


def take(values: Positions, rows: Positions) -> Positions:
    """Positions at `rows`; -1 stays -1."""
    if not len(values):
        return np.full(len(rows), -1, dtype=np.int64)
    return np.where(rows >= 0, values[rows], -1)


def take_values(values: pd.Series, rows: Positions) -> pd.Series:
    """Values at `rows` on a fresh index; missing where the row is -1."""
    if len(rows) == 0 or len(values) == 0:
        if values.dtype == np.float64:
            return pd.Series(np.full(len(rows), np.nan))
        return pd.Series([None] * len(rows), dtype="str")
    if values.dtype == np.float64:
        numbers = values.to_numpy()[rows]
        if (rows < 0).any():
            numbers = np.where(rows >= 0, numbers, np.nan)
        return pd.Series(numbers)
    return pd.Series(pd.api.extensions.take(values.array, rows, allow_fill=True), dtype="str")


def concat_records(parts: list[Records]) -> Records:
    """The records of several parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    sources: dict[str, Positions] = {}
    made: dict[str, pd.Series] = {}
    for name in dict.fromkeys(n for p in parts for n in p.sources):
        sources[name] = np.concatenate([p.sources.get(name, np.full(p.n, -1, dtype=np.int64)) for p in parts]).astype(
            np.int64
        )
    for name in dict.fromkeys(n for p in parts for n in p.made):
        dtype = next(p.made[name].dtype for p in parts if name in p.made)
        made[name] = pd.concat(
            [p.made[name] if name in p.made else pd.Series([None] * p.n, dtype=dtype) for p in parts],
            ignore_index=True,
        )
    return Records(
        np.concatenate([p.subject for p in parts]).astype(np.int64),
        np.concatenate([p.part for p in parts]).astype(np.int64),
        sources,
        made,
    )
