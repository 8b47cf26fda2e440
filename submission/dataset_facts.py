"""What a transport file shows of itself to whoever checks a package: variable by variable, never all records at once.

Sources: FDA Study Data Technical Conformance Guide (lengths, ASCII); SAS technical note TS-140.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from engine.errors import CommandError, FileError
from engine.numbers import number_text
from formats.metadata import DatasetMeta
from formats.missing import letter_bytes
from formats.xpt_read import field_values, open_single, read_xpt

MOST_VALUES = 20_000  # different values of a variable that are kept
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VariableFacts:
    """The values of a variable: the different ones as text (None: too many), the longest in bytes, oddities."""

    values: frozenset[str] | None
    longest: int = 0
    odd: str = ""  # a value that is no printable ASCII
    special: int = 0  # special missing values


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A dataset file; `fault` says why it cannot be read, and then nothing else is known."""

    size: int
    fault: str = ""
    meta: DatasetMeta = field(default_factory=lambda: DatasetMeta(""))
    records: int = 0
    variables: dict[str, VariableFacts] = field(default_factory=dict)


def dataset_facts(path: Path) -> DatasetFacts:
    """All that is asked of a dataset file."""
    size = path.stat().st_size
    try:
        data, member = open_single(path)
        found = {}
        for variable in member.meta.variables:
            values = field_values(data, member, variable.name, path.name, "latin-1")
            found[variable.name] = _number(values) if variable.type == "Num" else _text(values)
    except (FileError, CommandError) as error:
        return DatasetFacts(size, error.problems[0].what)
    return DatasetFacts(size, "", member.meta, member.count, found)


def _text(values: pd.Series) -> VariableFacts:
    distinct = [v for v in values.unique().tolist() if isinstance(v, str)]
    odd = next((v for v in distinct if not (v.isascii() and v.isprintable())), "")
    longest = max((len(v) for v in distinct), default=0)
    return VariableFacts(frozenset(distinct) if len(distinct) <= MOST_VALUES else None, longest, odd)


def _number(values: pd.Series) -> VariableFacts:
    numbers = values.to_numpy()
    distinct = np.unique(numbers[~np.isnan(numbers)])
    texts = frozenset(map(number_text, distinct.tolist())) if len(distinct) <= MOST_VALUES else None
    return VariableFacts(texts, special=int((letter_bytes(numbers) > 0).sum()))


class Reads:
    """What was read of files, kept by file: a package that shares files with another one is read once."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._kept: dict[tuple[object, ...], object] = {}

    def facts(self, path: Path) -> DatasetFacts:
        """See dataset_facts."""
        return self.once(path, dataset_facts)

    def frame(self, path: Path) -> pd.DataFrame:
        """All records of a small dataset."""
        return self.once(path, _frame)

    def once(self, path: Path, read: Callable[[Path], T]) -> T:
        """What `read` makes of a file, unless it is known."""
        at = path.stat()
        key = (read.__name__, at.st_dev, at.st_ino, at.st_mtime_ns, at.st_size)
        if key not in self._kept:
            self._kept[key] = read(path)
        return self._kept[key]  # type: ignore[return-value]


def _frame(path: Path) -> pd.DataFrame:
    return read_xpt(path, encoding="latin-1")[0]
