"""Text over 200 bytes: the beginning stays in its variable, the rest goes on in supplemental qualifiers.

Cut at blanks only where there is one, so that joining the parts with a blank gives the text again. Nothing is lost.

Sources: SDTMIG 3.4 section 4.5.3 (text strings greater than 200 characters).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from engine.numbers import by_distinct

MAX_BYTES = 200
MOST = 9  # further parts: their number must be one digit


def text_parts(text: str) -> list[str]:
    """The text in parts of up to 200 bytes, each as long as whole words allow.

    A word of more than 200 bytes is cut after 200 bytes (after a whole character).
    """
    parts = []
    rest = text.strip()
    while len(rest.encode()) > MAX_BYTES:
        head = rest.encode()[: MAX_BYTES + 1].decode(errors="ignore")
        at = head.rfind(" ")
        if at > 0:
            parts.append(rest[:at].rstrip())
            rest = rest[at:].strip()
        else:
            head = rest.encode()[:MAX_BYTES].decode(errors="ignore")
            parts.append(head)
            rest = rest[len(head) :]
    return [*parts, rest]


def qualifier_name(variable: str, number: int) -> str:
    """QNAM of a further part: the variable's name with a digit, which replaces the eighth character."""
    return f"{variable[:7]}{number}"


def split_text(values: pd.Series) -> list[pd.Series]:
    """Each text's parts: the first column for the variable itself, one more for each further part of the longest.

    Args:
        values: n texts; missing as NaN.

    Returns:
        Columns of n texts; at most ten, the last of which holds whatever is left, be it too long.
    """
    if not (values.str.len() > MAX_BYTES // 4).any():  # a character has at most four bytes
        return [values]
    parts = {str(text): text_parts(str(text)) for text in values.dropna().unique()}
    parts = {text: [*found[:MOST], " ".join(found[MOST:])] if found[MOST:] else found for text, found in parts.items()}
    count = max(len(found) for found in parts.values())
    return [by_distinct(values, _Part(parts, number)) for number in range(count)]


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of that number of a text, None where it has fewer."""

    parts: dict[str, list[str]]
    number: int

    def __call__(self, text: str) -> str | None:
        found = self.parts[text]
        return found[self.number] if self.number < len(found) else None
