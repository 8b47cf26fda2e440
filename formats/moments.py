"""SAS dates, date-times and times: which formats show them, and their numbers as ISO 8601 text and back.

Only whole days and whole seconds are written; whoever writes keeps other numbers as numbers.

Sources: SAS 9.4 formats for dates, times and date-times; ISO 8601; SAS counts from 1960-01-01.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from formats.xpt_layout import parse_format

DATE = re.compile(
    r"(B8601DA|E8601DA|IS8601DA|DATE|DAY|DDMMYY[BCDNPS]?|MMDDYY[BCDNPS]?|YYMMDD[BCDNPS]?|MMYY[CDNPS]?|YYMM[CDNPS]?|"
    r"MONYY|YYMON|YYQR?[CDNPS]?|JULIAN|JULDAY|WEEKDAT[EX]|WEEKDAY|WEEKU|WORDDAT[EX]|DOWNAME|MONNAME|MONTH|YEAR|QTRR?|"
    r"EURDF(DD|DE|DN|DT|DWN|MN|MY|WDX|WKX)|NLDATE[A-Z]*|MINGUO|NENGO)")
DATETIME = re.compile(r"(B8601D[NTXZ]|E8601D[NTXZ]|IS8601D[NT]|DATETIME|DATEAMPM|MDYAMPM|DT[A-Z0-9]+|NLDATM[A-Z]*)")
TIME = re.compile(r"(B8601T[MZ]|E8601T[MZ]|IS8601TM|TIME|TIMEAMPM|TOD|HHMM|NLTIM[A-Z]*)")
KINDS = {"datetime": DATETIME, "date": DATE, "time": TIME}  # the first that matches
_ISO = {
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?"),
    "time": re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,9})?)?"),
}
_DAY = 86400
_ORIGIN = np.datetime64("1960-01-01")
_FIRST, _LAST = (int((np.datetime64(d) - _ORIGIN).astype(int)) for d in ("1582-01-01", "9999-12-31"))
_RANGE = {"date": (_FIRST, _LAST), "datetime": (_FIRST * _DAY, (_LAST + 1) * _DAY - 1), "time": (0, _DAY - 1)}


def kind_of(sas_format: str) -> str:
    """`date`, `datetime` or `time` when the format shows one, else ''."""
    try:
        name = parse_format(sas_format)[0].upper()
    except ValueError:
        return ""
    return next((kind for kind, pattern in KINDS.items() if pattern.fullmatch(name)), "")


def writable(values: NDArray[np.float64], kind: str) -> bool:
    """Whether ISO 8601 text holds every number of that kind: whole days or seconds within its range; missing is."""
    present = values[~np.isnan(values)]
    first, last = _RANGE[kind]
    return bool(((present >= first) & (present <= last) & (present == np.floor(present))).all())


def to_iso(values: NDArray[np.float64], kind: str) -> list[str | None]:
    """ISO 8601 text of n writable numbers, None where missing."""
    missing = np.isnan(values)
    whole = np.where(missing, 0, values).astype(np.int64)
    if kind == "date":
        texts = np.datetime_as_string(_ORIGIN + whole, unit="D")
    else:
        texts = np.datetime_as_string(_ORIGIN.astype("M8[s]") + whole, unit="s")
        if kind == "time":
            texts = np.array([t[11:] for t in texts.tolist()])
    made: list[str | None] = texts.tolist()
    for i in np.flatnonzero(missing).tolist():
        made[i] = None
    return made


def from_iso(texts: Sequence[str | None], kind: str) -> tuple[NDArray[np.float64], list[int]]:
    """Numbers of n texts (missing and '' are NaN), and the positions of those that are no complete date or time."""
    known: dict[str | None, float | None] = {None: np.nan, "": np.nan}
    for text in set(texts) - set(known):
        known[text] = _number(str(text), kind)
    bad = [i for i, text in enumerate(texts) if known[text] is None] if None in known.values() else []
    return np.array([known[t] for t in texts], dtype=np.float64), bad


def _number(text: str, kind: str) -> float | None:
    if not _ISO[kind].fullmatch(text):
        return None
    if kind == "time":
        text = f"1960-01-01T{text}"
    whole, _, part = text.partition(".")
    try:
        moment = np.datetime64(whole, "D" if kind == "date" else "s")
    except ValueError:
        return None
    count = int((moment - _ORIGIN.astype(moment.dtype)).astype(np.int64))
    return float(count) + (int(part) / 10 ** len(part) if part else 0.0)
