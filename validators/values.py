"""Tests of values, whole columns at once: text that can be written, ISO 8601, terms, numbers.

Each takes n values and gives n booleans, true where the value passes; a missing value passes, since whether it may be
missing is another question. What needs thought is asked of each distinct value once.

Sources: ISO 8601 as SDTMIG 3.4 section 4.4 uses it; FDA Study Data Technical Conformance Guide (ASCII, 200 bytes).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
LEAP = 2000  # stands for an unknown year, so that 29 February may be
_DATE = re.compile(
    r"(?P<y>\d{4}|-)(?:-(?P<m>\d\d|-)(?:-(?P<d>\d\d|-)"
    r"(?:T(?P<h>\d\d|-)(?::(?P<min>\d\d|-)(?::(?P<s>\d\d(?:\.\d+)?))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_DURATION = re.compile(
    r"-?P(?=.)(?:\d+W|(?:\d+(?:\.\d+)?Y)?(?:\d+(?:\.\d+)?M)?(?:\d+(?:\.\d+)?D)?"
    r"(?:T(?=\d)(?:\d+(?:\.\d+)?H)?(?:\d+(?:\.\d+)?M)?(?:\d+(?:\.\d+)?S)?)?)"
)

_MEASURE = re.compile(r"(?:[<>]=?)?[+-]?\.?\d")


def is_date(text: str) -> bool:
    """An ISO 8601 date or date-time, unknown parts left out from the right or written as a hyphen: 2025---15."""
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    parts = [match[name] for name in ("y", "m", "d", "h", "min", "s")]
    known = [p for p in parts if p is not None]
    if known[-1] == "-":  # what is unknown at the end is left out
        return False
    year, month, day, hour, minute, second = (None if p in (None, "-") else float(p) for p in parts)
    if month is not None and not 1 <= month <= 12:
        return False
    days = monthrange(int(year or LEAP), int(month))[1] if month is not None else 31
    return (day is None or 1 <= day <= days) and (hour or 0) < 24 and (minute or 0) < 60 and (second or 0) < 60


def is_duration(text: str) -> bool:
    """An ISO 8601 duration such as PT30M, P3W or, before a reference time, -PT5M."""
    return _DURATION.fullmatch(text) is not None


def is_interval(text: str) -> bool:
    """Two ISO 8601 dates, or a date and a duration, with a slash between."""
    start, slash, end = text.partition("/")
    if not slash or (is_duration(start) and is_duration(end)):
        return False
    return all(is_date(part) or is_duration(part) for part in (start, end))


def is_date_or_interval(text: str) -> bool:
    """See is_date and is_interval."""
    return is_date(text) or is_interval(text)


def is_duration_or_interval(text: str) -> bool:
    """See is_duration and is_interval."""
    return is_duration(text) or is_interval(text)


DOMAINS: dict[str, Callable[[str], bool]] = {  # described value domains of SDTMIG that have a grammar
    "ISO 8601 datetime or interval": is_date_or_interval,
    "ISO 8601 duration": is_duration,
    "ISO 8601 duration or interval": is_duration_or_interval,
}


def each_distinct(values: pd.Series, test: Callable[[str], bool]) -> Bools:
    """A test asked of each distinct present value."""
    codes, distinct = pd.factorize(values)
    return np.array([test(v) for v in distinct] + [True], dtype=bool)[codes]


def among(values: pd.Series, allowed: Collection[str]) -> Bools:
    """Values that are one of these."""
    return each_distinct(values, allowed.__contains__)


def term_or_measure(values: pd.Series, allowed: Collection[str]) -> Bools:
    """Results that are one of these, or begin with a number, signed or not: 5, <0.5, 1:40, 2025-03-10."""
    return each_distinct(values, lambda text: text in allowed or _MEASURE.match(text) is not None)


def ascii_only(values: pd.Series) -> Bools:
    """Printable ASCII."""
    return _bools(pc.match_substring_regex(_arrow(values), "^[ -~]*$"))


def no_longer(values: pd.Series, size: int) -> Bools:
    """Texts of up to `size` bytes."""
    return _bools(pc.less_equal(pc.binary_length(_arrow(values)), size))


def tidy(values: pd.Series) -> Bools:
    """Texts that are not empty, no period alone, and do not begin or end with a blank."""
    texts = _arrow(values)
    edge = pc.or_(pc.starts_with(texts, " "), pc.ends_with(texts, " "))
    empty = pc.or_(pc.equal(texts, ""), pc.equal(texts, "."))  # how SAS shows a missing number
    return _bools(pc.invert(pc.or_(edge, empty)))


def whole_positive(values: pd.Series) -> Bools:
    """Whole numbers from 1."""
    numbers = values.to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.isnan(numbers) | ((numbers >= 1) & (np.floor(numbers) == numbers))


def finite(values: pd.Series) -> Bools:
    """Numbers that are not infinite."""
    return ~np.isinf(values.to_numpy(dtype=np.float64))


def present_in(values: pd.Series, known: pd.Series) -> Bools:
    """Values that are present, and one of the present values of another column; millions of either."""
    there = pc.drop_null(_arrow(known)).combine_chunks()
    return np.asarray(pc.is_in(_arrow(values), value_set=there, skip_nulls=True).to_numpy(), dtype=bool)


def first_of_each(values: list[pd.Series]) -> Bools:
    """Records whose values together did not stand in an earlier record; missing is a value like any other."""
    together = pd.DataFrame({str(i): v.reset_index(drop=True) for i, v in enumerate(values)})
    return ~together.duplicated().to_numpy(dtype=bool)


def _arrow(values: pd.Series) -> pa.ChunkedArray:
    found = pa.array(values, type=pa.large_string(), from_pandas=True)
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def _bools(found: pa.ChunkedArray) -> Bools:
    """Arrow's answer as n booleans; of a missing value true."""
    return np.asarray(pc.fill_null(found, True).to_numpy())
