"""One dataset of a transport file as several files, record by record as it stands: no value is read or written anew.

Each part has the descriptors of the whole, so names, labels, types and lengths are equal in all parts; only the name of
the dataset is the part's own. Needs the memory of the variables by which records are told apart, not of the records.

Sources: SAS technical note TS-140 (record layout); FDA Study Data Technical Conformance Guide 3.3.2 (split datasets).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import DataError, Place, Problem
from formats import xpt_layout as layout
from formats.atomic import atomic_write
from formats.xpt_read import field_values, open_single

BLOCK_BYTES = 8 << 20  # of records copied together
_NAME = slice(8, 16)  # of a dataset, in its member's third record


class Records:
    """The records of a transport file with one dataset, to be looked at by variable and copied as bytes."""

    def __init__(self, path: Path) -> None:
        """FileError, CommandError: as read_xpt."""
        self.path = path
        self._data, member = open_single(path)
        self.meta, self.count, self.width = member.meta, member.count, member.width
        self._member = member

    def size(self, records: int) -> int:
        """Bytes of a file with so many of the records."""
        whole = self._member.start + records * self.width
        return whole + -whole % layout.RECORD

    def values(self, variable: str) -> pd.Series:
        """The values of one variable, n records; KeyError when there is none."""
        return field_values(self._data, self._member, variable, str(self.path))

    def write(self, path: Path, name: str, at: NDArray[np.intp], *, durable: bool = True) -> None:
        """Write the records at these positions, in this order, as a dataset of that name.

        Raises:
            DataError: the last record is blank and as short as padding.
        """
        records = np.frombuffer(self._data, dtype=f"V{self.width}", count=self.count, offset=self._member.start)
        header = bytearray(self._data[: self._member.start])
        described = 5 * layout.RECORD  # three records of the library and two of the member stand before
        header[described + _NAME.start : described + _NAME.stop] = name.encode("ascii").ljust(8)
        if len(at) and self.width < layout.RECORD and not records[at[-1]].tobytes().strip(b" "):
            raise DataError(Problem(f"{name}: the last record is all blank", Place(str(self.path))))
        step = max(1, BLOCK_BYTES // self.width)
        with atomic_write(path, durable=durable) as file:
            file.write(bytes(header))
            for start in range(0, len(at), step):
                file.write(records[at[start : start + step]].tobytes())
            file.write(b" " * (-(len(header) + len(at) * self.width) % layout.RECORD))


def pieces(keys: Sequence[pd.Series], tear: pd.Series | None, most: int) -> list[NDArray[np.intp]]:
    """Positions of the records of each part: whole groups, packed in their order while a part has room.

    Args:
        keys: n values that tell groups apart, such as the category; a missing one is a group of its own.
        tear: where a group that is too large may be cut: between different values, such as of the subject; a run of
            one value that is itself too large is cut after `most` records.
        most: records that a part may hold, at least 1.

    Returns:
        Parts in order; the records of each stand in the order of the dataset.
    """
    codes = pd.Series(np.zeros(len(keys[0]), dtype=np.int64)) if keys else pd.Series([], dtype=np.int64)
    for key in keys:
        codes = codes * (key.nunique() + 1) + pd.factorize(key, use_na_sentinel=False)[0]
    groups = pd.factorize(codes)[0]
    order = np.argsort(groups, kind="stable")
    runs = [r for group in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) for r in _cut(group, tear, most)]
    parts: list[list[NDArray[np.intp]]] = []
    room = 0
    for run in runs:
        if len(run) > room:
            parts.append([])
            room = most
        parts[-1].append(run)
        room -= len(run)
    return [np.sort(np.concatenate(part)) for part in parts]


def _cut(group: NDArray[np.intp], tear: pd.Series | None, most: int) -> list[NDArray[np.intp]]:
    """A group, or the runs into which one that is too large is cut."""
    if len(group) <= most:
        return [group]
    ends = np.arange(len(group), dtype=np.intp) + 1
    if tear is not None:
        values = pd.factorize(tear.iloc[group], use_na_sentinel=False)[0]
        ends = np.append(np.flatnonzero(np.diff(values)) + 1, len(group))
    runs, start = [], 0
    while start < len(group):
        fitting = ends[(ends > start) & (ends <= start + most)]
        stop = int(fitting[-1]) if len(fitting) else min(start + most, len(group))
        runs.append(group[start:stop])
        start = stop
    return runs
