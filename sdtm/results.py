"""Results as a laboratory reports them: a number, a number beyond a limit (`<0.5`), or a text.

Reads results and says what they are; units are converted in units.py, and no result is changed here.

Sources: SDTMIG 3.4 section 4.5.1 (original and standardised results).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.numbers import NUMBER, to_numbers
from engine.run.at import At
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb

_BEYOND = re.compile(r"(<=|>=|<|>)\s*(\S+)")
SIGNS = ("", "<", "<=", ">", ">=")


def split_result(text: str) -> tuple[str, str] | None:
    """The sign ('' for a plain number) and the digits of a result; None for a text that holds no number."""
    text = text.strip()
    if NUMBER.fullmatch(text):
        return "", text
    match = _BEYOND.fullmatch(text)
    if match is None or not NUMBER.fullmatch(match[2]):
        return None
    return match[1], match[2]


@dataclass(frozen=True, slots=True)
class Parts:
    """For n results: the number, NaN where there is none, and the position of its sign in SIGNS."""

    number: NDArray[np.float64]
    sign: NDArray[np.int64]


def parts(values: pd.Series) -> Parts:
    """Signs and numbers of n results; each distinct result is read once."""
    if values.dtype == np.float64:
        return Parts(values.to_numpy(), np.zeros(len(values), dtype=np.int64))
    codes, distinct = pd.factorize(values)
    found = [split_result(text) for text in distinct]
    numbers = np.array([float(f[1]) if f else np.nan for f in found] + [np.nan])
    signs = np.array([SIGNS.index(f[0]) if f else 0 for f in found] + [0], dtype=np.int64)
    return Parts(numbers[codes], signs[codes])


@verb(
    "numeric",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.5.1",
    says="{of} where it is a number; null for results beyond a limit and for texts",
    example="LBSTRESN: {numeric: LBSTRESC}",
)
class Numeric(Params):
    """The number that a character result is; `<0.5` and texts have none."""

    of: VariableRef

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        numbers, _ = to_numbers(at.values(self.of))
        return numbers
