"""Values as people read them where a record is explained: numbers as short texts, dates and times in ISO 8601."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.numbers import number_text
from engine.run.tables import take_values

MISSING = "(missing)"
ORIGIN = pd.Timestamp(1960, 1, 1)  # of SAS dates and date-times


def shown(values: pd.Series, row: int) -> str:
    """A value for people: numbers in their shortest text."""
    value = take_values(values, np.array([row])).iloc[0]
    if pd.isna(value):
        return MISSING
    return number_text(value) if isinstance(value, float) else str(value)


def as_day(text: str) -> str:
    """A number read as a SAS date, in ISO 8601; other text as it is."""
    plausible = text.lstrip("-").isdigit() and len(text) <= 6
    return (ORIGIN + pd.Timedelta(days=int(text))).date().isoformat() if plausible else text


def moment(values: pd.Series | None, row: int, sas_format: str) -> str:
    """A numeric date, time or date-time in ISO 8601, to the minute where it has no seconds; '' for other values."""
    if values is None or values.dtype != np.float64 or not np.isfinite(values.iloc[row]):
        return ""
    number = float(values.iloc[row])
    if sas_format.startswith(("DATETIME", "E8601DT")):
        return _clock(ORIGIN + pd.Timedelta(seconds=number), "T")
    if sas_format.startswith(("TIME", "E8601TM")):
        return _clock(ORIGIN + pd.Timedelta(seconds=number), "").removeprefix("1960-01-01")
    return (ORIGIN + pd.Timedelta(days=number)).date().isoformat() if sas_format.startswith(("DATE", "E8601DA")) else ""


def _clock(at: pd.Timestamp, between: str) -> str:
    return at.strftime(f"%Y-%m-%d{between}%H:%M:%S" if at.second else f"%Y-%m-%d{between}%H:%M")
