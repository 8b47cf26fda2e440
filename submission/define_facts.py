"""What the values of a variable show of themselves: type, length, decimals, and the values.

Types are Define-XML's. A text variable whose values are ISO 8601 has a type of date or time; results that are all
numbers have a numeric type at the value level. Lengths are in characters, a decimal point and a sign counted.

Sources: Define-XML 2.1 section 5.3.10 (ItemDef, data types); ISO 8601 as SDTMIG 3.4 section 4.4 uses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from engine.numbers import NUMBER, number_text

_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}(:\d{2}([.]\d+)?)?"
_ZONE = r"(Z|[+-]\d{2}:\d{2})?"
_TYPES = (  # the first that all values are
    ("date", re.compile(_DATE)),
    ("datetime", re.compile(rf"{_DATE}T{_TIME}{_ZONE}")),
    ("partialDate", re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")),
    ("partialDatetime", re.compile(rf"\d{{4}}(-\d{{2}}(-\d{{2}}(T\d{{2}}(:\d{{2}}(:\d{{2}}([.]\d+)?)?)?{_ZONE})?)?)?")),
    ("time", re.compile(_TIME)),
    ("durationDatetime", re.compile(r"[+-]?P(\d+([.,]\d+)?[YMWD])*(T(\d+([.,]\d+)?[HMS])+)?")),
    (
        "incompleteDatetime",
        re.compile(r"(\d{4}|-)(-(\d{2}|-)(-(\d{2}|-))?)?(T(\d{2}|-)(:(\d{2}|-)(:(\d{2}|-))?)?)?"),
    ),
    ("intervalDatetime", re.compile(r"[^/]+/[^/]+")),
)
_CLOCK = re.compile(r"(DATE|DATETIME|TIME|E8601|IS8601|YYMMDD|MMDDYY|DDMMYY|TOD|HHMM|MONYY)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facts:
    """Of a variable, or of its values where a condition holds; `values` are the different ones, in order."""

    type: str
    length: int
    digits: int
    values: tuple[str, ...]
    missing: int  # records without a value
    records: int

    @property
    def empty(self) -> bool:
        """Whether no record has a value."""
        return not self.values


def number_facts(values: pd.Series, missing: int, records: int) -> Facts:
    """Of a numeric variable; `values` are the different numbers that it has."""
    texts = [number_text(v) for v in sorted(values.tolist())]
    decimals = max((len(t.partition(".")[2]) for t in texts), default=0)
    length = max((len(t) for t in texts), default=8)
    kind = "integer" if not decimals else "float"
    return Facts(kind, length, decimals, tuple(texts), missing, records)


def text_facts(values: pd.Series, missing: int, records: int, length: int, *, temporal: bool) -> Facts:
    """Of a text variable, which its file holds in `length` bytes; `temporal`: the standard asks for ISO 8601."""
    texts = sorted(values.tolist())
    kind = _temporal(texts) if temporal else ""
    return Facts(kind or "text", length, 0, tuple(texts), missing, records)


def value_facts(values: pd.Series, missing: int, records: int) -> Facts:
    """Of texts where a condition holds: numbers and full dates are known by themselves."""
    texts = sorted(values.tolist())
    length = max((len(t) for t in texts), default=0)
    if texts and all(NUMBER.fullmatch(t) for t in texts):
        decimals = max(len(t.partition(".")[2]) for t in texts)
        kind = "float" if any("." in t for t in texts) else "integer"
        return Facts(kind, length, decimals, tuple(texts), missing, records)
    kind = _temporal(texts) if texts and all(re.match(_DATE, t) for t in texts) else ""
    return Facts(kind or "text", length, 0, tuple(texts), missing, records)


def is_clock(format_: str) -> bool:
    """Whether a SAS format shows a date or time."""
    return bool(_CLOCK.match(format_))


def conforms(kind: str, text: str) -> bool:
    """Whether a text is of a Define-XML type."""
    if kind in ("text", "string"):
        return True
    if kind in ("integer", "float"):
        return bool(NUMBER.fullmatch(text)) and (kind == "float" or "." not in text)
    return any(kind == name and pattern.fullmatch(text) for name, pattern in _TYPES)


def _temporal(texts: list[str]) -> str:
    """The narrowest type of date or time that all texts are; datetime where there is none, text where none fits."""
    if not texts:
        return "datetime"
    return next((name for name, pattern in _TYPES if all(pattern.fullmatch(t) for t in texts)), "")
