"""How much of the declared mess an export may hold; alone here, so that the command line can name the levels."""

from __future__ import annotations

from enum import StrEnum


class Mess(StrEnum):
    """How much of the declared mess is planted; each level holds those before it."""

    none = "none"
    usual = "usual"
    blocking = "blocking"
    damaged = "damaged"
