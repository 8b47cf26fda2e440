"""ISO 8601 text as numbers: the span of days that a date may mean, and SAS dates and date-times.

A complete date is a span of one day; a partial one spans its month or year; a missing one has no bounds. Nothing is
imputed here: which day of a span is taken is a verb's question. Each distinct text is read once.

Sources: ISO 8601; SDTMIG 3.4 section 4.4.2 (precision; a hyphen stands for what is unknown); ADaMIG 1.3 section 3.1.3
(SAS dates: days since 1960-01-01, date-times: seconds since then).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EPOCH = date(1960, 1, 1).toordinal()  # SAS day 0
DAY, MONTH, YEAR, NOTHING, FOREIGN = 3, 2, 1, 0, -1  # precision of a date: the last part that is known
_ISO = re.compile(
    r"(?P<y>\d{4})(?:-(?P<m>\d{2}|-)(?:-(?P<d>\d{2}))?)?"
    r"(?:T(?P<h>\d{2})(?::(?P<min>\d{2})(?::(?P<s>\d{2}(?:\.\d+)?))?)?)?"
)


@dataclass(frozen=True, slots=True)
class Spans:
    """For n dates: the first and last SAS day they may mean, and to what they are known.

    `precision` is DAY, MONTH, YEAR, NOTHING (missing; the days are NaN) or FOREIGN (a text that is no ISO 8601 date
    with a year; NaN). A day without its month counts as YEAR.
    """

    first: Floats
    last: Floats
    precision: NDArray[np.int64]

    @property
    def complete(self) -> Floats:
        """The SAS day of complete dates, NaN for all others."""
        return np.where(self.precision == DAY, self.first, np.nan)


def spans(dtc: pd.Series) -> Spans:
    """The span of days of each date; a time part is ignored.

    Args:
        dtc: n ISO 8601 texts, or n SAS dates (float64), which are complete where present.
    """
    if dtc.dtype == np.float64:
        days = np.floor(dtc.to_numpy())
        return Spans(days, days, np.where(np.isnan(days), NOTHING, DAY))
    codes, distinct = pd.factorize(dtc)
    found = [_span(str(text)) for text in distinct] + [(np.nan, np.nan, NOTHING)]
    table = np.array(found, dtype=np.float64)[codes]
    return Spans(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].astype(np.int64))


def seconds(dtc: pd.Series) -> tuple[Floats, NDArray[np.int64]]:
    """Seconds since midnight of the known time part, and how many of its parts are known: hour, minute, second (0-3).

    Unknown parts count as 0.
    """
    codes, distinct = pd.factorize(dtc)
    found = []
    for text in distinct:
        match = _ISO.fullmatch(str(text))
        parts = [p for p in (match["h"], match["min"], match["s"]) if p is not None] if match else []
        found.append((sum(float(p) * 60.0 ** (2 - i) for i, p in enumerate(parts)), len(parts)))
    table = np.array([*found, (0.0, 0)], dtype=np.float64)[codes]
    return table[:, 0].copy(), table[:, 1].astype(np.int64)


def _span(text: str) -> tuple[float, float, int]:
    match = _ISO.fullmatch(text)
    if match is None:
        return np.nan, np.nan, FOREIGN
    year, month, day = int(match["y"]), match["m"], match["d"]
    try:
        if month is None or month == "-":
            return _days(year, 1, 1), _days(year, 12, 31), YEAR
        if day is None:
            first = _days(year, int(month), 1)
            after = _days(year + int(month) // 12, int(month) % 12 + 1, 1)
            return first, after - 1, MONTH
        return _days(year, int(month), int(day)), _days(year, int(month), int(day)), DAY
    except ValueError:  # 2025-02-30
        return np.nan, np.nan, FOREIGN


def _days(year: int, month: int, day: int) -> float:
    return float(date(year, month, day).toordinal() - EPOCH)
