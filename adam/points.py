"""Dates of a subject with the record that each comes from: first remission, first relapse, last assessment.

A point is a numeric date; a partial date never counts. Its source is the record picked, or, where that record names
its own source (SRCDOM, SRCVAR, SRCSEQ), that one. What follows from the dates is another verb's (time_to_event.py).

Sources: ADaMIG 1.3 section 3.3.9 (data point traceability).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from adam.dates import days_of
from engine.dates import Floats
from engine.run.at import At
from engine.run.tables import Positions, take_values
from engine.spec.expressions import Expression, FarExpression
from engine.spec.refs import FarRef, VariableRef
from engine.spec.registry import Made, RecordParams, record_verb
from engine.verbs.reach import reach

NAMES_ITS_SOURCE = "SRCSEQ"  # a dataset with this variable also has SRCDOM and SRCVAR
COLUMNS = ("ADT", "SRCDOM", "SRCVAR", "SRCSEQ")


@dataclass(frozen=True, slots=True)
class Dated:
    """n dates and their source records; `days` are SAS days, NaN where there is none."""

    days: Floats
    domain: pd.Series
    variable: pd.Series
    sequence: pd.Series

    def columns(self) -> dict[str, pd.Series]:
        """ADT and the three variables that name the source, missing where there is no date."""
        there = pd.Series(~np.isnan(self.days))
        values = (pd.Series(self.days), self.domain, self.variable, self.sequence)
        return {name: value.where(there) for name, value in zip(COLUMNS, values, strict=True)}


def dated(at: At, ref: VariableRef) -> Dated:
    """The date that `ref` names for each record: a point with its source, or a variable, which is its own source."""
    days = days_of(at.values(ref))
    made = at.records.made
    if f"{ref}.SRCDOM" in made:
        return Dated(days, made[f"{ref}.SRCDOM"], made[f"{ref}.SRCVAR"], made[f"{ref}.SRCSEQ"])
    missing = pd.Series(np.full(at.n, np.nan))
    return Dated(days, at.constant(ref.source or at.dataset), at.constant(ref.name), missing)


@record_verb(
    "point",
    says="{name}: [the first {first}][the last {last}][ where {where}][{compute}]",
    gives="point",
    source="ADaMIG 1.3 section 3.3.9",
    example="point: {as: RELDT, first: RS.RSDTC, record: RS.RSSEQ, where: \"RS.RSSTRESC == 'RELAPSED DISEASE'\"}",
)
class Point(RecordParams):
    """A date named by the spec, `point.NAME`, with its source record.

    `first` or `last` picks among the subject's records of a dataset those with a complete date that satisfy `where`,
    of equal dates the one with the lowest (for `last`: highest) number in `record`. `compute` works a date out.
    """

    name: str = Field(alias="as", pattern="[A-Z][A-Z0-9_]{0,7}")
    first: FarRef | None = None
    last: FarRef | None = None
    where: FarExpression | None = None
    record: FarRef | None = None
    compute: Expression | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Point:
        if sum(v is not None for v in (self.first, self.last, self.compute)) != 1:
            raise ValueError("a point has one of first, last and compute")
        if (self.record is None) != (self.picked is None):
            raise ValueError("first and last need the sequence number of their records, as in  record: RS.RSSEQ")
        if self.picked is not None and (self.picked.source is None or self.picked.source != self._far_record.source):
            raise ValueError("the date and the number of its record belong to one dataset, as in RS.RSDTC, RS.RSSEQ")
        return self

    @property
    def picked(self) -> FarRef | None:
        """The date that is picked from another dataset."""
        return self.first if self.first is not None else self.last

    @property
    def _far_record(self) -> FarRef:
        assert self.record is not None
        return self.record

    def named_columns(self) -> tuple[str, ...]:
        """See RecordParams."""
        return (self.name,)

    def more_references(self) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        if self.record is None or self.record.name != NAMES_ITS_SOURCE:
            return ()
        return tuple(VariableRef(self.record.source, n) for n in COLUMNS[1:])

    def make(self, at: At) -> Made:
        """See RecordParams."""
        found = self._picked(at) if self.picked is not None else self._computed(at)
        columns = found.columns()
        named = {self.name: columns.pop("ADT")} | {f"{self.name}.{n}": v for n, v in columns.items()}
        return Made(np.arange(at.n), named)

    def _computed(self, at: At) -> Dated:
        assert self.compute is not None
        nothing = at.constant(None)
        return Dated(days_of(at.evaluate(self.compute)), nothing, nothing, pd.Series(np.full(at.n, np.nan)))

    def _picked(self, at: At) -> Dated:
        date = self.picked
        assert date is not None and date.source is not None
        reached = reach(at, date.source, self.where)
        days = days_of(reached.far.values(date))
        number = reached.far.number(self._far_record).to_numpy()
        chosen = _extreme(reached.group, days, number, reached.groups, last=self.last is not None)
        rows = reached.to_records(chosen)
        if self._far_record.name == NAMES_ITS_SOURCE:
            domain, variable = (reached.far.values(VariableRef(date.source, n)) for n in COLUMNS[1:3])
        else:
            domain, variable = reached.far.constant(date.source), reached.far.constant(date.name)
        return Dated(
            take_values(pd.Series(days), rows).to_numpy(),
            take_values(domain, rows),
            take_values(variable, rows),
            take_values(pd.Series(number), rows),
        )


def _extreme(group: Positions, days: Floats, number: Floats, groups: int, *, last: bool) -> Positions:
    """Of each group the position of the first (or last) date, ties by number; -1 where it has no date."""
    known = np.flatnonzero(~np.isnan(days))
    frame = pd.DataFrame({"group": group[known], "days": days[known], "number": number[known], "at": known})
    frame = frame.sort_values(["group", "days", "number"], kind="stable")
    frame = frame.drop_duplicates("group", keep="last" if last else "first")
    result = np.full(groups, -1, dtype=np.int64)
    result[frame["group"].to_numpy()] = frame["at"].to_numpy()
    return result


@record_verb(
    "dated",
    reads="by",
    says="dated by {by}",
    gives="dated",
    columns=COLUMNS,
    source="ADaMIG 1.3 section 3.3.9",
    example="dated: point.RELDT",
)
class DatedBy(RecordParams):
    """Give each record a date and the source of that date: `dated.ADT`, `dated.SRCDOM`, `dated.SRCVAR`, `dated.SRCSEQ`.

    The date is a point or a variable of the subject; `required: true` drops records without it.
    """

    by: VariableRef
    required: Literal["true", "false"] = "false"

    def make(self, at: At) -> Made:
        """See RecordParams."""
        found = dated(at, self.by)
        kept = np.flatnonzero(~np.isnan(found.days)) if self.required == "true" else np.arange(at.n)
        return Made(kept, {name: take_values(v, kept) for name, v in found.columns().items()})
