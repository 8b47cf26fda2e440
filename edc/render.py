"""True dates, times and SAS numbers as the text that the study's layout declares, the reverse of dates.py.

Workbooks and SAS files hold dates as numbers. They become the text that a CSV carrier would hold, so that one declared
format reads every carrier. What has no such text (a time where the format has none, a day out of range) is written in
a form that the format does not read, so that the build lists it. Midnight counts as no time: these carriers cannot say
that a date has none.

Sources: SDTMIG 3.4 section 4.4.2; SAS 9.4 formats for dates, times and date-times.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from edc.dates import MONTHS
from engine.numbers import number_text
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing_code
from formats.moments import kind_of
from formats.sas7bdat_read import read_sas7bdat
from formats.xpt_read import read_members

Moment = date | datetime | time
Render = Callable[[str, str, Moment], str]  # sheet or dataset, column, value -> text

_SAS_ORIGIN = datetime(1960, 1, 1)
_EXCEL_ORIGIN = datetime(1899, 12, 30)
_SECONDS = 86400
_NAMES = {number: name for name, number in MONTHS.items()}


def date_text(value: Moment, date_format: str, time_format: str = "HH:MM") -> str:
    """A true date, date-time or time as the formats (see dates.py) write it."""
    if isinstance(value, time):
        return _fill(time_format, value) if _fits(value, time_format) else f"{value:%H:%M:%S}"
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    timed = (moment.hour, moment.minute, moment.second) != (0, 0, 0)
    if date_format == "excel serial":
        return number_text(round((moment - _EXCEL_ORIGIN).total_seconds() / _SECONDS, 10))
    if date_format in ("ISO 8601", "UTC ISO 8601"):
        zone = "Z" if date_format.startswith("UTC") else ""
        clock = f"T{moment:%H:%M:%S}" if moment.second else f"T{moment:%H:%M}"
        return f"{moment:%Y-%m-%d}{clock}{zone}" if timed else f"{moment:%Y-%m-%d}"
    day, _, clock = date_format.partition(" ")
    if not timed:
        return _fill(day, moment)
    if clock and _fits(moment.time(), clock):
        return f"{_fill(day, moment)} {_fill(clock, moment.time())}"
    return f"{_fill(day, moment)} {moment:%H:%M:%S}"


def _fits(value: time, time_format: str) -> bool:
    return "H" in time_format and (not value.second or "SS" in time_format)


def _fill(pattern: str, value: Moment) -> str:
    """A pattern with its tokens replaced; MM is the minute in a time."""
    def token(match: re.Match[str]) -> str:
        word = match[0]
        if isinstance(value, time):
            number = {"H": value.hour, "M": value.minute, "S": value.second}[word[0]]
        elif word == "MON":
            return _NAMES[value.month]
        else:
            number = {"Y": value.year, "M": value.month, "D": value.day}[word[0]]
        return f"{number:0{len(word)}d}"

    return re.sub("HH|H|MM|SS" if isinstance(value, time) else "YYYY|MON|MM|M|DD|D", token, pattern)


def read_sas(
    path: Path, shown: str, encoding: str | None, render: Render
) -> list[tuple[str, pd.DataFrame, NDArray[np.int64]]]:
    """Datasets of a SAS7BDAT or transport file as text: name, records, and the number of each.

    Numbers are their shortest decimal text, dates and times as `render` says, special missing values `.A` to `.Z`.

    Raises:
        FileError: see read_sas7bdat and read_members.
    """
    if path.suffix.lower() == ".xpt":
        members = read_members(path, encoding=encoding or "utf-8", shown=shown)
    else:
        members = [read_sas7bdat(path, encoding=encoding, shown=shown)]
    return [(meta.name, _as_text(frame, meta, render), np.arange(1, len(frame) + 1)) for frame, meta in members]


def _as_text(frame: pd.DataFrame, meta: DatasetMeta, render: Render) -> pd.DataFrame:
    return pd.DataFrame({v.name: frame[v.name] if v.type == "Char" else _numbers(frame[v.name], v, meta.name, render)
                         for v in meta.variables})


def _numbers(values: pd.Series, variable: VariableMeta, dataset: str, render: Render) -> pd.Series:
    moment = _reader(variable.format)
    codes, distinct = pd.factorize(values)
    texts: list[str | None] = []
    for number in distinct:
        value = moment(float(number)) if moment else None
        texts.append(number_text(number) if value is None else render(dataset, variable.name, value))
    made = pd.Series(pd.array([*texts, None], dtype="str").take(codes % (len(texts) + 1)))
    letters = special_missing_code(values)
    special = np.flatnonzero(letters != "")
    if len(special):
        made.iloc[special] = ["." + str(letter) for letter in letters[special]]
    return made


def _reader(sas_format: str) -> Callable[[float], Moment | None] | None:
    """From a number to the date or time that the format shows; None for plain numbers."""
    return {"datetime": _datetime, "date": _date, "time": _time}.get(kind_of(sas_format))


def _date(days: float) -> date | None:
    return _moment(days * _SECONDS) if days.is_integer() else None


def _datetime(seconds: float) -> datetime | None:
    return _moment(round(seconds))


def _moment(seconds: float) -> datetime | None:
    try:
        return _SAS_ORIGIN + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _time(seconds: float) -> time | None:
    whole = round(seconds)
    return (datetime.min + timedelta(seconds=whole)).time() if 0 <= whole < _SECONDS else None
