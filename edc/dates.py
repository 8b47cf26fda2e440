"""Raw dates and times as ISO 8601 text, as precise as they were collected.

An unknown day or month is left out from the right (`2025-03`, `2025`), an unknown month before a known day is a
hyphen (`2025---15`), an unknown year leaves nothing. A time counts only with a complete date, minutes only with
hours. Nothing is imputed; an impossible date or time is told apart, never mended. Distinct values are read once.

Formats: `DD-MON-YYYY` and other orders of `D`, `DD`, `M`, `MM`, `MON`, `YYYY` with their separators, followed by a
time such as `H:MM`, `HH:MM` or `HH:MM:SS` where the date column holds one; `ISO 8601`; `UTC ISO 8601` (moved to
local time, the offset dropped); `excel serial` (1900 date system, days and fractions of a day).

Sources: SDTMIG 3.4 section 4.4.2; ISO 8601; ECMA-376 part 1, 18.17.4 (Excel's serial dates).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MONTHS = {
    m: i for i, m in enumerate(("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1)
}
UNKNOWN = re.compile(r"U[NK]{1,4}|UNKN|-{1,4}", re.IGNORECASE)
_TOKENS = {
    "YYYY": r"(?P<year>\d{4}|U[A-Za-z]{1,3})", "MON": r"(?P<mon>[A-Za-z]{2,3})", "MM": r"(?P<month>\d{2}|UN|UNK)",
    "M": r"(?P<month>\d{1,2}|UN|UNK)", "DD": r"(?P<day>\d{2}|UN|UNK)", "D": r"(?P<day>\d{1,2}|UN|UNK)",
}  # fmt: skip
_TIMES = {
    "HH": r"(?P<hour>\d{2}|UN|UNK)",
    "H": r"(?P<hour>\d{1,2}|UN|UNK)",
    "MM": r"(?P<minute>\d{2}|UN|UNK)",
    "SS": r"(?P<second>\d{2}|UN|UNK)",
}
_DATE_WORDS, _TIME_WORDS = "YYYY|MON|MM|M|DD|D", "HH|H|MM|SS"
_ISO = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d{2}|-)(-(?P<day>\d{2}))?)?"
    r"([T ](?P<hour>\d{2}):(?P<minute>\d{2})(:(?P<second>\d{2})(\.\d+)?)?)?"
)
_UTC = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?")
_EXCEL_EPOCH = datetime(1899, 12, 30)  # serial 61 is 1900-03-01; the 29th of February 1900 never was
_FIRST_TRUE_SERIAL = 61.0
_LAST_SERIAL = 2_958_466.0  # the day after 9999-12-31

# what raw exports mostly use, to name one near to a format that cannot be read
_ORDERS = ("DD MON YYYY", "D MON YYYY", "DD MM YYYY", "MM DD YYYY", "YYYY MM DD", "YYYY M D")
DATE_FORMATS = (
    *(order.replace(" ", by) for order in _ORDERS for by in ("", "-", "/", ".")),
    "ISO 8601",
    "UTC ISO 8601",
    "excel serial",
)

BAD = "?"  # marks a value that is no date


def to_iso(
    dates: pd.Series, times: pd.Series | None, date_format: str, time_format: str = "HH:MM", utc_offset: float = 0.0
) -> tuple[pd.Series, NDArray[np.bool_]]:
    """ISO 8601 text of n dates with their times.

    Args:
        dates: n raw texts; missing as NaN.
        times: n raw texts, or None when the form asks for none.
        date_format: see the module; time_format: of `times`, tokens HH, H, MM, SS.
        utc_offset: hours that local time is ahead of UTC, for `UTC ISO 8601`.

    Returns:
        n texts (missing where nothing is known), and n booleans: true where a present date or time is impossible
        or not of the format.

    Raises:
        ValueError: the format itself is not understood.
    """
    read = reader(date_format, utc_offset)
    codes, distinct = pd.factorize(dates)
    days = [*(_safely(read, d) for d in distinct), ""]
    clocks, clock_codes = [""], np.zeros(len(dates), dtype=np.int64)
    if times is not None:
        clock = _time_reader(time_format)
        clock_codes, distinct = pd.factorize(times)
        clocks = [*(_safely(clock, t) for t in distinct), ""]
    # a missing value has code -1: the last of its list
    pairs = (codes % len(days)) * len(clocks) + clock_codes % len(clocks)
    places, found = pd.factorize(pairs)
    texts = [_together(days[p // len(clocks)], clocks[p % len(clocks)]) for p in found]
    made = pd.array([None if t in ("", BAD) else t for t in texts], dtype="str")
    return pd.Series(made.take(places)), np.array([t == BAD for t in texts], dtype=bool)[places]


def _together(day: str, clock: str) -> str:
    """A date with its time; the time counts only with a complete date."""
    if BAD in (day, clock):
        return BAD
    return f"{day}T{clock}" if clock and len(day) == 10 and "--" not in day else day


def _safely(read: Callable[[str], str | None], text: str) -> str:
    try:
        found = read(text.strip())
    except (ValueError, OverflowError):
        return BAD
    return "" if found is None else found


def reader(date_format: str, utc_offset: float = 0.0) -> Callable[[str], str | None]:
    """A function from one raw date to ISO text (None: nothing known); it raises ValueError for what is no date."""
    if date_format == "ISO 8601":
        return _iso
    if date_format == "UTC ISO 8601":
        return lambda text: _utc(text, utc_offset)
    if date_format == "excel serial":
        return _excel
    pattern = date_pattern(date_format)

    def read(text: str) -> str | None:
        if not text or UNKNOWN.fullmatch(text):
            return None
        match = pattern.fullmatch(text)
        if match is None:
            raise ValueError(text)
        found = match.groupdict()
        return _joined(_known(found.get("year")), _month(found), _known(found.get("day")), found)

    return read


def date_pattern(date_format: str) -> re.Pattern[str]:
    """The regular expression of a format made of tokens; ValueError when it holds none."""
    date, _, time = date_format.strip().partition(" ")
    out = _tokens(date, _TOKENS, _DATE_WORDS)
    if "year" not in out:
        raise ValueError(f'"{date_format}" is no date format')
    if time:
        out += rf"(?:\s+{_tokens(time, _TIMES, _TIME_WORDS)})?"
    return re.compile(out, re.IGNORECASE)


def format_fault(form: str, *, time: bool = False) -> str:
    """What keeps a format of a date (or of a time alone) from being read; empty where nothing does."""
    if not time and form in ("ISO 8601", "UTC ISO 8601", "excel serial"):
        return ""
    date, _, clock = ("", "", form) if time else form.strip().partition(" ")
    parts = [] if time else [(date, _TOKENS, _DATE_WORDS, "year")]
    if time or clock:
        parts.append((clock, _TIMES, _TIME_WORDS, "hour"))
    for text, known, words, needed in parts:
        found = ["month" if t == "MON" else known[t][len("(?P<") :].partition(">")[0] for t in re.findall(words, text)]
        twice = [part for part in dict.fromkeys(found) if found.count(part) > 1]
        stray = re.findall(r"[A-Za-z0-9]+", re.sub(words, " ", text))
        if twice:
            return f"the {twice[0]} stands twice in the format"
        if stray:
            return f'"{stray[0]}" is no part of a format'
        if needed not in found:
            return f"the format has no {needed}"
    return ""


def _tokens(text: str, known: dict[str, str], words: str) -> str:
    out, at = "", 0
    for match in re.finditer(words, text):
        out += re.escape(text[at : match.start()]) + known[match[0]]
        at = match.end()
    return out + re.escape(text[at:])


def _known(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _month(found: dict[str, str | None]) -> int | None:
    name = found.get("mon")
    if name is None:
        return _known(found.get("month"))
    if name.upper() in MONTHS:
        return MONTHS[name.upper()]
    if UNKNOWN.fullmatch(name):
        return None
    raise ValueError(name)


def _joined(year: int | None, month: int | None, day: int | None, found: dict[str, str | None]) -> str | None:
    """ISO text of the known parts; ValueError when they make no date."""
    if day is not None and not 1 <= day <= 31:
        raise ValueError(day)
    if year is None:
        return None
    if month is None:
        return f"{year:04d}---{day:02d}" if day is not None else f"{year:04d}"
    datetime(year, month, day or 1)  # raises where there is no such day
    if day is None:
        return f"{year:04d}-{month:02d}"
    clock = _clock(found)
    return f"{year:04d}-{month:02d}-{day:02d}" + (f"T{clock}" if clock else "")


def _clock(found: dict[str, str | None]) -> str | None:
    hour, minute, second = (_known(found.get(k)) for k in ("hour", "minute", "second"))
    if hour is None:
        return None
    if hour > 23 or (minute or 0) > 59 or (second or 0) > 59:
        raise ValueError(found)
    if minute is None:
        return f"{hour:02d}"
    return f"{hour:02d}:{minute:02d}" + (f":{second:02d}" if second is not None else "")


def _time_reader(time_format: str) -> Callable[[str], str | None]:
    pattern = re.compile(_tokens(time_format, _TIMES, _TIME_WORDS), re.IGNORECASE)

    def read(text: str) -> str | None:
        if not text or UNKNOWN.fullmatch(text):
            return None
        match = pattern.fullmatch(text)
        if match is None:
            raise ValueError(text)
        return _clock(match.groupdict())

    return read


def _iso(text: str) -> str | None:
    if not text:
        return None
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(text)
    found = match.groupdict()
    return _joined(_known(found["year"]), _known(found["month"]), _known(found["day"]), found)


def _utc(text: str, offset: float) -> str | None:
    """A UTC stamp (or one with its own offset) in local time, to the minute or second it was given to."""
    if not text:
        return None
    match = _UTC.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, clock, seconds, zone = match.groups()
    if clock is None:
        datetime.fromisoformat(day)
        return day
    if zone is None:
        raise ValueError(text)
    ahead = timedelta() if zone == "Z" else timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[-2:]))
    moment = datetime.fromisoformat(f"{day}T{clock}{(seconds or '')[:3]}") - ahead + timedelta(hours=offset)
    return moment.strftime("%Y-%m-%dT%H:%M:%S" if seconds else "%Y-%m-%dT%H:%M")


def _excel(text: str) -> str | None:
    if not text:
        return None
    serial = float(text)
    if not 1 <= serial < _LAST_SERIAL or 60 <= serial < _FIRST_TRUE_SERIAL:
        raise ValueError(text)
    day = int(serial) + (1 if serial < 60 else 0)
    moment = _EXCEL_EPOCH + timedelta(days=day, seconds=round((serial % 1) * 86400))
    if not serial % 1:
        return moment.strftime("%Y-%m-%d")
    return moment.strftime("%Y-%m-%dT%H:%M:%S" if moment.second else "%Y-%m-%dT%H:%M")
