"""One thing that a pre-flight check found.

Sources: house style, "Errors".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """Which criterion fails, for which file (from m5 on), what is wrong, the value at fault, what it should be."""

    criterion: str
    path: str
    what: str
    found: str = ""
    expected: str = ""
