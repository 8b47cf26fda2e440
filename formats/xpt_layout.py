"""The layout of SAS transport files, version 5: header records, variable descriptors, limits and formats.

Shared by the writer and the reader, so that both hold the same bytes to be right; opens no file.

Sources: SAS technical note TS-140 (record layout of a transport data set); FDA Study Data Technical
Conformance Guide, section 3 (ASCII, 200 bytes, names of 8, labels of 40).
"""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np

RECORD = 80  # every header and the data area fill whole records of 80 bytes
NAME_LENGTH = 8
LABEL_LENGTH = 40
TEXT_LENGTH = 200
VARIABLES = 9999  # the count has four digits

LIBRARY = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
MEMBER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!"
DESCRIPTOR = b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!"
NAMESTR = b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!"
OBSERVATIONS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
LIBRARY_V8 = b"HEADER RECORD*******LIBV8"
CPORT = b"**COMPRESSED**"
ZEROS = b"0" * 30

# one variable's descriptor, all integers big-endian; `rest` is zeros
DESCRIPTOR_FIELDS = np.dtype([
    ("ntype", ">i2"), ("nhfun", ">i2"), ("nlng", ">i2"), ("nvar0", ">i2"), ("nname", "V8"),
    ("nlabel", "V40"), ("nform", "V8"), ("nfl", ">i2"), ("nfd", ">i2"), ("nfj", ">i2"), ("nfill", "V2"),
    ("niform", "V8"), ("nifl", ">i2"), ("nifd", ">i2"), ("npos", ">i4"), ("rest", "V52"),
])  # fmt: skip

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,7}")
_FORMAT = re.compile(r"(\$?(?:[A-Za-z_](?:[A-Za-z0-9_]*[A-Za-z_])?)?)([0-9]{0,5})\.([0-9]{0,2})")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CENTURY = 60  # two-digit years 60 to 99 are 1960 to 1999, the others 2000 to 2059


def parse_format(text: str) -> tuple[str, int, int]:
    """Name, width and decimals of a format as SAS writes it; 0 where none is given.

    `DATE9.` is ("DATE", 9, 0), `8.2` is ("", 8, 2), `$CHAR10.` is ("$CHAR", 10, 0), nothing is ("", 0, 0).

    Raises:
        ValueError: no format (the full stop is missing, a character is not allowed), a name longer than 8
            characters, or a width beyond 32767.
    """
    if not text:
        return "", 0, 0
    match = _FORMAT.fullmatch(text)
    if match is None or text in {".", "$"}:
        raise ValueError("not a SAS format")
    name, width, decimals = match[1], int(match[2] or 0), int(match[3] or 0)
    if len(name) > NAME_LENGTH:
        raise ValueError("a format's name has at most 8 characters")
    if width > 32767:
        raise ValueError("a format's width is at most 32767")
    return name, width, decimals


def format_text(name: str, width: int, decimals: int) -> str:
    """The format as SAS writes it; the reverse of `parse_format`."""
    if not (name or width or decimals):
        return ""
    return f"{name}{width or ''}.{decimals or ''}"


def stamp(created: datetime) -> bytes:
    """A time as the headers hold it, ddMMMyy:hh:mm:ss; ValueError for a year outside 1960 to 2059."""
    if not 1960 <= created.year <= 2059:
        raise ValueError("a transport file holds two digits of the year, taken as 1960 to 2059")
    text = f"{created.day:02d}{_MONTHS[created.month - 1]}{created.year % 100:02d}:{created:%H:%M:%S}"
    return text.encode("ascii")


def read_stamp(raw: bytes) -> datetime | None:
    """The time that 16 bytes of a header hold; None when they hold none."""
    match = re.fullmatch(rb"(\d\d)([A-Z]{3})(\d\d):(\d\d):(\d\d):(\d\d)", raw)
    if match is None or match[2].decode() not in _MONTHS:
        return None
    day, year, *clock = (int(match[i]) for i in (1, 3, 4, 5, 6))
    century = 1900 if year >= _CENTURY else 2000
    try:
        return datetime(century + year, _MONTHS.index(match[2].decode()) + 1, day, *clock)
    except ValueError:
        return None
