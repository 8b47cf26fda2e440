"""Raw text in ASCII spelling: compatibility forms, Greek letters, signs, dashes and quotes.

What has no ASCII spelling (free text in another script) stays as it is; the build refuses to write it unless a
verb translates it. Each distinct value is worked on once.

Sources: Unicode NFKC (UAX 15).
"""

from __future__ import annotations

import unicodedata

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.numbers import by_distinct

# after NFKC: MICRO SIGN is already GREEK SMALL LETTER MU, and the degree-Celsius sign is a degree sign and C
_SPELLINGS = str.maketrans({
    "\u03bc": "u", "\u00b5": "u", "\u00d7": "x", "\u2265": ">=", "\u2264": "<=", "\u2267": ">=", "\u2266": "<=",
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2015": "-", "\u2212": "-",
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u2032": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"',
    "\u2033": '"', "\u3002": ".", "\u3001": ",", "\u00a0": " ", "\u3000": " ",
    "\u0391": "A", "\u0392": "B", "\u03b1": "alpha", "\u03b2": "beta", "\u03b3": "gamma", "\u03b4": "delta",
})  # fmt: skip


def to_ascii(values: pd.Series) -> pd.Series:
    """Each text in ASCII spelling and without blanks around it, as far as the rules go.

    Args:
        values: n texts; missing as NaN.

    Returns:
        n texts; a text of blanks only is missing.
    """
    if values.dtype == "str" and _is_plain(pa.array(values)):
        return values.reset_index(drop=True)
    return by_distinct(values, ascii_text)


def _is_plain(texts: pa.Array | pa.ChunkedArray) -> bool:
    """Whether every present text is ASCII without blanks around it, and none is empty: nothing is to be done."""
    if pc.all(pc.string_is_ascii(texts)).as_py() is False:
        return False
    lengths = pc.binary_length(texts)
    trimmed = pc.binary_length(pc.utf8_trim_whitespace(texts))
    return pc.min(lengths).as_py() != 0 and pc.sum(lengths).as_py() == pc.sum(trimmed).as_py()


def ascii_text(text: str) -> str | None:
    """One text in ASCII spelling; None when nothing is left."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = text.replace("\u00b0C", "C").translate(_SPELLINGS)
    return text.strip() or None
