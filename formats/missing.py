"""Special missing values of numeric variables, `.A` to `.Z` and `._`, inside float64 arrays.

SAS knows 28 kinds of missing number; IEEE arithmetic knows NaN with spare bits. The ordinary missing
value is any NaN; a special one is the NaN whose spare bits hold a mark and its letter. pandas and numpy
treat every one of them as missing, and copying, selecting, sorting and joining keep them; arithmetic on
them need not. Nothing here applies to character variables, whose only missing value is blank.

Sources: SAS transport format V5 (TS-140), which stores the letter in the first byte; IEEE 754 section 6.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
MARK = 0x7FF8_0053_4153_0000  # a quiet NaN whose spare bits spell "SAS"; the letter fills the last byte
_ALL_BUT_SIGN = 0x7FFF_FFFF_FFFF_FFFF


def special_missing(letter: str) -> float:
    """The NaN that stands for `.letter`; `letter` is A to Z or _, ValueError otherwise."""
    if len(letter) != 1 or letter not in LETTERS:
        raise ValueError(f"no special missing value .{letter}: A to Z or _")
    return float(np.array([MARK | ord(letter)], dtype=np.uint64).view(np.float64)[0])


def special_missing_code(values: Any) -> NDArray[np.str_]:
    """The letter of each special missing value; '' for numbers and for the ordinary missing value.

    Args:
        values: n floats (array, Series or list).

    Returns:
        n one-character strings.
    """
    codes = letter_bytes(np.asarray(values, dtype=np.float64))
    return np.array(["", *(chr(c) for c in range(1, 128))], dtype="U1")[codes]


def letter_bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The ASCII code of each special missing value's letter, 0 for everything else; n values."""
    bits = np.ascontiguousarray(values).view(np.uint64) & np.uint64(_ALL_BUT_SIGN)
    low = bits ^ np.uint64(MARK)  # below 128 only for the marked ones
    code = np.where(low < 128, low, 0).astype(np.uint8)
    return np.where(_IS_LETTER[code], code, 0).astype(np.uint8)


def from_letter_bytes(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The NaN for each ASCII code of a letter; an ordinary NaN for any other code; n values."""
    known = _IS_LETTER[codes & 0x7F] & (codes < 128)
    bits = np.where(known, np.uint64(MARK) | codes.astype(np.uint64), np.float64(np.nan).view(np.uint64))
    return bits.view(np.float64)


_IS_LETTER = np.zeros(128, dtype=bool)
_IS_LETTER[[ord(c) for c in LETTERS]] = True
