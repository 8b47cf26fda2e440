"""A visit of a person as the simulation holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass
class Seen:
    """A visit of the calendar: its date, what is done there, and whether it took place."""

    oid: str
    on: date
    forms: str = ""
    ecg: list[str] = field(default_factory=list)
    pk: str = ""
    marrow: bool = False
    rep: int = 1
    done: bool = True
    mode: str = "SITE"
    reason: str = ""
    cycle: int = 0
