"""A SAS7BDAT dataset and its metadata, read through pyreadstat. Such files are read only, never written.

Numbers stay numbers: a date is days, a date-time or time seconds, with the format that says so. Special missing values
are kept as everywhere in this room (missing.py).

Sources: ReadStat, which pyreadstat wraps; SAS 9.4 Language Reference (days and seconds since 1960-01-01).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from engine.errors import FileError, Place, Problem
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing


def read_sas7bdat(
    path: Path | str, *, encoding: str | None = None, shown: str = ""
) -> tuple[pd.DataFrame, DatasetMeta]:
    """Read a file.

    Args:
        path: the file; `shown` its name in messages.
        encoding: of its text; None: the one that the file names.

    Returns:
        Frame and metadata: Char as `str` (missing NaN), Num as float64 with special missing values.

    Raises:
        FileError: no SAS7BDAT file, cut, damaged, or characters outside the encoding.
    """
    place = Place(shown or str(path))
    try:
        read, said = pyreadstat.read_sas7bdat(
            str(path), disable_datetime_conversion=True, user_missing=True, encoding=encoding)
    except (pyreadstat.PyreadstatError, pyreadstat._readstat_parser.ReadstatError, OSError, LookupError,
            UnicodeDecodeError) as error:
        raise FileError(Problem("the file cannot be read as SAS7BDAT", place, found=str(error)[:80],
                                expected="a whole SAS dataset, not encrypted",
                                do="export again; name its encoding if the text is at fault")) from None
    if said.number_rows is not None and said.number_rows != len(read):
        raise FileError(Problem("the file does not hold the records that it announces", place,
                                found=f"{len(read):,}", expected=f"{said.number_rows:,}", do="export again"))
    columns, variables = {}, []
    for name in said.column_names:
        kind = "Char" if said.readstat_variable_types[name] == "string" else "Num"
        columns[name] = _text(read[name]) if kind == "Char" else _numbers(read[name])
        variables.append(VariableMeta(
            name, said.column_names_to_labels.get(name) or "", kind, int(said.variable_storage_width[name]),
            _format(said.original_variable_types.get(name) or "")))
    created = said.creation_time.replace(microsecond=0) if said.creation_time else None
    meta = DatasetMeta(said.table_name or Path(path).stem, said.file_label or "", tuple(variables), created)
    return pd.DataFrame(columns), meta


def _format(text: str) -> str:
    """A format as SAS writes it: with a full stop."""
    return text if not text or "." in text else f"{text}."


def _text(values: pd.Series) -> pd.Series:
    text = values.astype("str").str.rstrip(" ")
    return text.where(text != "")


def _numbers(values: pd.Series) -> pd.Series:
    """float64; the reader gives special missing values as letters among the numbers."""
    if values.dtype == np.float64:
        return values
    letters = values.map(lambda v: v if isinstance(v, str) else None)
    numbers = pd.to_numeric(values.where(letters.isna()), errors="raise").to_numpy(dtype=np.float64, copy=True)
    marks: dict[Any, float] = {letter: special_missing(letter.upper()) for letter in letters.dropna().unique()}
    at = letters.notna().to_numpy(dtype=bool)
    numbers[at] = [marks[letter] for letter in letters[at]]
    return pd.Series(numbers)
