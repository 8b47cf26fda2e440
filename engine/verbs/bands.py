"""Bands of a number: age groups, categories of a result.

Each band is named by one of its ends; the ends are listed in order and nothing lies between two bands.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from engine.numbers import NUMBER
from engine.run.at import At
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb


@verb(
    "bands",
    reads="of",
    scope="record",
    says="Band of {of}[, each from its lowest number on: {lowest}][, each up to its highest number: {highest}]"
    "[; above: {above}]",
    example='AGEGR1: {bands: AGE, from: {18: "18-<60", 60: ">=60"}}',
)
class Bands(Params):
    """The band in which a number lies.

    `from` gives each band by the lowest number that belongs to it; a number below all of them has no band and is
    reported. `to` gives each band by the highest number that belongs to it, and `above` names what exceeds all of
    them; without `above` such a number is reported. A missing number has no band.
    """

    of: VariableRef
    lowest: dict[str, str] = Field({}, alias="from")
    highest: dict[str, str] = Field({}, alias="to")
    above: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Bands:
        if bool(self.lowest) == bool(self.highest) or (self.lowest and self.above):
            raise ValueError("give either from, or to and perhaps above")
        limits = list(self.lowest or self.highest)
        stray = [t for t in limits if not NUMBER.fullmatch(t)]
        if stray:
            raise ValueError(f'a band begins or ends at a number, and "{stray[0]}" is none')
        numbers = [float(t) for t in limits]
        if numbers != sorted(set(numbers)):
            raise ValueError("list the bands in ascending order, each end once")
        return self

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        return (*self.lowest.values(), *self.highest.values(), *([self.above] if self.above else []))

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        values = at.number(self.of)
        known = values.notna().to_numpy()
        if self.lowest:
            limits = np.array([float(t) for t in self.lowest])
            place = np.searchsorted(limits, values.to_numpy(), side="right") - 1
            names: list[str | None] = list(self.lowest.values())
        else:
            limits = np.array([float(t) for t in self.highest])
            place = np.searchsorted(limits, values.to_numpy(), side="left")
            names = [*self.highest.values(), self.above or None]
        outside = known & ((place < 0) | (place >= len(names)))
        if not self.lowest and not self.above:
            outside |= known & (place == len(names) - 1)
        at.report(outside, f"{self.of} lies in no band", found=values, severity="blocking")
        table = pd.array([*names, None], dtype="str")
        return pd.Series(table.take(np.where(known & ~outside, place, len(names))), dtype="str")
