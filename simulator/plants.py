"""What mess is declared: which record of whom gets which flaw.

Sources: the study design, section 2.3.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from simulator.levels import Mess
from simulator.script import Part

Kind = Literal[
    "set",  # a field holds `value` (nothing: blank)
    "partial",  # a date is known to `known` only
    "convert",  # a number in another unit: times `factor` plus `offset`, to `decimals`, unit in `unit_field`
    "repeat",  # the record once more: a form's under a new RECNO, a vendor's in the file of another load
    "deleted",  # the record once more with `changes`, struck out
    "add",  # the record once more with `changes`
    "new",  # a record of `changes`, at `visit`, of the date `on`
    "pad",  # blanks around the text of a field
    "remove",  # the record is not there
    "undrawn",  # a PK sample was not drawn, with `value` as the reason
    "recode",  # an identifier is `value` wherever it stands
    "correct",  # a later load corrects the result to `value`
    "cancel",  # a later load cancels the result, with `value` as the reason
    "untranslated",  # the translation of `value` is not there
    "manifest",  # the manifest counts one record more in the file `value`
]


class Plant(Part):
    """One flaw. `where` and `filled` choose among the records of a table, `nth` among those that fit.

    A plant with a `subject` is for one screening number; one with a `share` for that part of the people who are made
    up beyond the scripted ones, on a record drawn by chance.
    """

    mess: str
    kind: Kind = "set"
    level: Mess = Mess.usual
    subject: str = ""
    share: float = 0
    table: str = ""
    where: dict[str, str] = {}
    filled: list[str] = []
    nth: int = 0
    field: str = ""
    value: str | None = None
    known: Literal["month", "year", "dayonly", "unknown"] = "month"
    factor: float = 1
    offset: float = 0
    decimals: int = 1
    unit: str = ""
    unit_field: str = ""
    changes: dict[str, str | None] = {}
    visit: str = "LOG"
    on: date | None = None
    hides: list[str] = []
