"""Text as it stands on a page: embedded fonts, widths in points, lines broken at blanks.

Bitstream Vera, which reportlab carries, is embedded in every file, so that a page looks the same anywhere. A text with
a letter that it does not have, such as Chinese, is set as a whole in the Asian font that PDF readers bring along.

Sources: PDF 1.7 (ISO 32000-1) section 9.6; reportlab user guide, chapter 3.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

PLAIN, BOLD, ITALIC = "Vera", "VeraBd", "VeraIt"
ASIAN = "STSong-Light"
_FILES = {PLAIN: "Vera.ttf", BOLD: "VeraBd.ttf", ITALIC: "VeraIt.ttf"}


def font_of(text: str, font: str = PLAIN) -> str:
    """The font that has every letter of a text; also makes it known to reportlab."""
    return font if all(ord(c) in _letters(font) for c in text) else _asian()


def width(text: str, size: float, font: str = PLAIN) -> float:
    """Width of a text in points."""
    return float(pdfmetrics.stringWidth(text, font_of(text, font), size))


def wrap(text: str, limit: float, size: float, font: str = PLAIN) -> list[str]:
    """The text in lines of at most `limit` points, broken at blanks; a longer word is broken within."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if width(longer, size, font) <= limit:
                line = longer
                continue
            if line:
                lines.append(line)
            pieces = _pieces(word, limit, size, font)
            lines += pieces[:-1]
            line = pieces[-1]
        lines.append(line)
    return lines


@contextmanager
def no_clock() -> Iterator[None]:
    """Nothing of the day or the environment gets into a PDF that is made here (reportlab reads SOURCE_DATE_EPOCH)."""
    kept = os.environ.pop("SOURCE_DATE_EPOCH", None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ["SOURCE_DATE_EPOCH"] = kept


def dated(canvas: Any, created: datetime) -> None:
    """Give a file the study's own time."""
    canvas.setDateFormatter(lambda *_: f"D:{created:%Y%m%d%H%M%S}+00'00'")


def longest_word(text: str, size: float, font: str = PLAIN) -> float:
    """Width of the widest word of a text, in points."""
    return max((width(word, size, font) for word in text.split()), default=0.0)


def _pieces(word: str, limit: float, size: float, font: str) -> list[str]:
    pieces, piece = [], ""
    for letter in word:
        if piece and width(piece + letter, size, font) > limit:
            pieces.append(piece)
            piece = ""
        piece += letter
    return [*pieces, piece]


@cache
def _letters(font: str) -> frozenset[int]:
    made = TTFont(font, _FILES[font])
    pdfmetrics.registerFont(made)
    return frozenset(made.face.charToGlyph)


@cache
def _asian() -> str:
    pdfmetrics.registerFont(UnicodeCIDFont(ASIAN))
    return ASIAN
