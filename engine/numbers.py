"""Numbers as text and back: one parsing, one rounding and one printing for the whole project.

Rounding is half away from zero on the shortest decimal text of the number, so 1.005 to two decimals is 1.01.
Each distinct value is worked on once.

Sources: architecture, "pandas, said once".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NUMBER = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?")


def by_distinct(values: pd.Series, change: Callable[[Any], Any], dtype: Any = "str") -> pd.Series:
    """`change` applied to each distinct present value once; missing stays missing.

    Args:
        values: n values.
        change: from one value to one value (None for missing).
        dtype: dtype of the result.

    Returns:
        n values on a fresh index 0..n-1.
    """
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    changed = [change(v) for v in distinct.tolist()]
    changed.append(None)
    if dtype == "str":
        return pd.Series(pd.array(changed, dtype="str").take(codes % len(changed)), dtype="str")  # -1 -> last
    table = np.array([np.nan if v is None else v for v in changed], dtype=dtype)
    return pd.Series(table[codes])


def to_numbers(values: pd.Series) -> tuple[pd.Series, NDArray[np.bool_]]:
    """The numbers that texts hold, and which present texts hold none.

    Args:
        values: n texts (or float64, returned as they are).

    Returns:
        float64, n values, NaN where missing or not a number; and n booleans, true for a present text that
        is not a plain decimal number (`NaN`, `inf`, `1,5` and `0x1A` are not).
    """
    if values.dtype == np.float64:
        return values.reset_index(drop=True), np.zeros(len(values), dtype=bool)
    numbers = by_distinct(values, lambda t: float(t) if NUMBER.fullmatch(t.strip()) else None, np.float64)
    bad = values.notna().to_numpy(dtype=bool) & numbers.isna().to_numpy(dtype=bool)
    return numbers, bad


def round_half_up(values: pd.Series, places: int) -> pd.Series:
    """Numbers rounded half away from zero to `places` decimals, by their shortest decimal text."""
    step = Decimal(1).scaleb(-places)

    def one(value: float) -> float:
        return float(Decimal(repr(float(value))).quantize(step, rounding=ROUND_HALF_UP)) + 0.0

    return by_distinct(values, lambda v: one(v) if np.isfinite(v) else v, np.float64)


def round_digits(values: pd.Series, digits: int) -> pd.Series:
    """Numbers rounded half away from zero to so many significant digits, by their shortest decimal text."""

    def one(value: float) -> float:
        exact = Decimal(repr(float(value)))
        step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
        return float(exact.quantize(step, rounding=ROUND_HALF_UP)) + 0.0

    return by_distinct(values, lambda v: one(v) if np.isfinite(v) and v else v, np.float64)


def number_text(value: float) -> str:
    """The shortest plain decimal text that is this number: 5, 0.5, 1234567.25; no exponent, no -0."""
    text = format(Decimal(repr(float(value))), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def number_texts(values: pd.Series) -> pd.Series:
    """number_text of n numbers; missing stays missing."""
    return by_distinct(values, number_text)


def rank(values: pd.Series) -> NDArray[np.int64]:
    """Dense ranks for sorting: missing lowest, texts that are all numbers by their number, else by code point."""
    codes, distinct = pd.factorize(values)
    known = distinct.tolist()
    if values.dtype == np.float64:
        places = np.unique(np.array(known, dtype=np.float64), return_inverse=True)[1]
    elif all(NUMBER.fullmatch(text.strip()) for text in known):  # ends with the first text that is no number
        places = np.unique(np.array([float(text) for text in known]), return_inverse=True)[1]
    else:
        places = np.empty(len(known), dtype=np.int64)
        places[sorted(range(len(known)), key=known.__getitem__)] = np.arange(len(known))
    return np.append(places, -1)[codes].astype(np.int64)
