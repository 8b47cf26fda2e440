"""Moments of a comparison: numeric dates, times and date-times in ISO 8601, held against their texts in the other file.

A moment has one text here, whoever wrote it: `2024-03-18 08:20:00` of a CSV file is `2024-03-18T08:20`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from engine.numbers import number_text
from engine.run.shown import moment as shown_moment
from formats.missing import special_missing_code
from validators.comparison_columns import (
    Codes,
    Floats,
    Side,
    Texts,
    joined,
    joined_numbers,
    mixed_numbers,
    number_column,
    text_column,
)

_DATES = ("DATE", "E8601DA", "YYMMDD", "DDMMYY", "MMDDYY", "B8601DA")
# A numeric time is known to the second, however its text is written: pandas puts a blank for the T.
_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d(?=[ T]))?[ T]?(\d\d:\d\d)(:\d\d)?(?:\.0+)?")
_TIMES = ("DATETIME", "E8601DT", "TIME", "E8601TM", "B8601DT", "TOD", "HHMM")


def as_texts(base: Side, qc: Side, name: str) -> tuple[Texts, Texts]:
    """A variable as text on both sides; where one holds numbers, moments are in ISO 8601 on both."""
    texts = base.is_text(name), qc.is_text(name)
    kind = "" if all(texts) else moment_of(base, qc, name)
    one, other = ((_written_moments(side.texts(name)) if kind else side.texts(name)) if text
                  else _moments(side.numbers(name), kind) for side, text in zip((base, qc), texts, strict=True))
    return one, other


def joined_column(base: Side, qc: Side, name: str) -> tuple[Codes, Codes, Sequence[str] | pa.Array | Floats]:
    """A variable of both sides as codes into distinct values: numbers where both hold numbers, else texts."""
    texts = base.is_text(name), qc.is_text(name)
    if not any(texts):
        return joined_numbers(base.numbers(name), qc.numbers(name))
    if not all(texts):
        numbers = mixed_numbers(base, qc, name)
        if numbers is not None:
            return joined_numbers(*numbers)
    return joined(*as_texts(base, qc, name))


def moment_of(base: Side, qc: Side, name: str) -> str:
    """The SAS format of the moments that a variable holds, by either side's; '' when it holds none."""
    for side in (base, qc):
        shown = next((v.format for v in side.meta.variables if v.name == name), "").upper()
        if shown.startswith((*_TIMES, *_DATES)):
            return shown
    return ""


def counts(sas_format: str) -> str:
    """What numbers of a format count: day, second or ''."""
    if sas_format.startswith(_TIMES):
        return "second"
    return "day" if sas_format.startswith(_DATES) else ""


def shown_numbers(values: Floats, sas_format: str = "") -> list[str]:
    """Numbers for people: a moment in ISO 8601, `.` and `.A` where missing."""
    known = {"day": "DATE9.", "second": sas_format}.get(counts(sas_format), "")
    letters = special_missing_code(values)
    codes, distinct = pd.factorize(values)
    series = pd.Series(np.asarray(distinct, dtype=np.float64))
    texts = [(shown_moment(series, n, known) if known and abs(v) < 1e10 else "") or plain_number(v)
             for n, v in enumerate(series.tolist())]
    return [texts[c] if c >= 0 else f".{letter}" for c, letter in zip(codes.tolist(), letters.tolist(), strict=True)]


def plain_number(value: float) -> str:
    """A number for people."""
    return number_text(value) if np.isfinite(value) else str(value)


def _moments(values: Floats, sas_format: str) -> Texts:
    if not sas_format:
        return number_column(values)
    return text_column(["" if text == "." else text for text in shown_numbers(values, sas_format)])


def _written_moments(texts: Texts) -> Texts:
    """Texts that stand for numeric moments, written as `_moments` writes them."""
    held = [_one_way(value) for value in texts.values.to_pylist()]
    return text_column([held[code] if code >= 0 else "" for code in texts.codes.tolist()])


def _one_way(text: str) -> str:
    found = _CLOCK.fullmatch(text)
    if not found:
        return text
    day, minutes, seconds = found.groups()
    return (f"{day}T" if day else "") + minutes + (seconds if seconds and seconds != ":00" else "")
