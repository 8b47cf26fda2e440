"""The flaws of a real export, planted where the scenario declares them.

Sources: the study design, section 2.3.
"""

from __future__ import annotations

from enum import StrEnum


class Mess(StrEnum):
    """How much of the declared mess is planted."""

    none = "none"
    usual = "usual"
    blocking = "blocking"
