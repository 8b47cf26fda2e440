"""Time to event: origin, event or censoring, and the record that decides, from ordered cases.

The cases are those of the analysis plan, in its order; the first whose condition holds and whose date is known decides.
Dates come from points (points.py) or variables of the subject. A record that no case covers stops the build, which
proves that the cases leave nobody out.

Sources: ADaMIG 1.3 sections 3.3.5 (CNSR, EVNTDESC, CNSDTDSC) and 4.6; ADaM BDS for Time-to-Event 1.0.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from adam.dates import days_of
from adam.points import COLUMNS, dated
from engine.dates import Floats
from engine.run.at import At
from engine.run.tables import Positions
from engine.spec.binding import Model
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from engine.spec.registry import Made, RecordParams, record_verb

NONE = -1


class Outcome(Model):
    """What may happen at a date: an event, or censoring with its number and reason; `type` numbers competing events."""

    at: VariableRef
    when: Expression | None = None
    event: str | None = None
    censor: int | None = Field(None, ge=1, le=99)
    says: str | None = None
    type: int | None = Field(None, ge=0, le=99)

    @model_validator(mode="after")
    def _one_end(self) -> Outcome:
        if (self.event is None) == (self.censor is None) or (self.censor is None) != (self.says is None):
            raise ValueError("give  event: TEXT  or  censor: NUMBER  with  says: REASON")
        return self

    @property
    def happens(self) -> bool:
        """Whether it is an event, of interest or competing."""
        return self.event is not None or bool(self.type)

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        end = f"event {self.event}" if self.event is not None else f"censored ({self.censor}, {self.says})"
        return f"{end} at {self.at}" + (f" if {self.when}" if self.when is not None else "")


class TimeCase(Model):
    """One case: its condition, and one outcome or the earliest of several (of equal dates the one listed first)."""

    when: Expression | None = None
    earliest: list[Outcome] = []
    at: VariableRef | None = None
    event: str | None = None
    censor: int | None = Field(None, ge=1, le=99)
    says: str | None = None
    type: int | None = Field(None, ge=0, le=99)

    @model_validator(mode="after")
    def _outcomes(self) -> TimeCase:
        if bool(self.earliest) == (self.at is not None):
            raise ValueError("a case has either  at:  with its event or censoring, or  earliest:  of several")
        self.outcomes()
        return self

    def outcomes(self) -> list[Outcome]:
        """The outcomes among which the earliest date decides."""
        if self.at is None:
            return self.earliest
        return [Outcome(at=self.at, event=self.event, censor=self.censor, says=self.says, type=self.type)]

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        told = "; ".join(map(str, self.outcomes()))
        told = f"the earliest of [{told}]" if self.earliest else told
        return told + (f" if {self.when}" if self.when is not None else "")


@record_verb(
    "time_to_event",
    says="from {origin}; the first that applies: {cases}[; but before an event or without one: {preceded_by}]",
    gives="outcome",
    columns=("STARTDT", "ADT", "CNSR", "EVNTDESC", "CNSDTDSC", "EVTYPEN", *COLUMNS[1:]),
    source="ADaMIG 1.3 section 4.6; ADaM BDS for Time-to-Event 1.0",
    example="time_to_event: {from: ADSL.TRTSDT, cases: [{at: ADSL.DTHDT, event: DEATH}, {at: ADSL.LSTALVDT, ...}]}",
)
class TimeToEvent(RecordParams):
    """The outcome of each record by ordered cases: `outcome.ADT`, `outcome.CNSR`, `outcome.EVNTDESC` and so on.

    `preceded_by` is censoring that goes first where its date lies before the event's, or where there is no event; an
    event on that very date stays an event. A missing origin, a record that no case covers, an end before the origin and
    an end after `not_after` stop the build.
    """

    origin: VariableRef = Field(alias="from")
    cases: list[TimeCase] = Field(min_length=1)
    preceded_by: Outcome | None = None
    not_after: VariableRef | None = None
    otherwise: Literal["error"] = "error"

    def make(self, at: At) -> Made:
        """See RecordParams."""
        outcomes = [o for case in self.cases for o in case.outcomes()]
        chosen = self._chosen(at)
        if self.preceded_by is not None:
            chosen = _preceded(at, self.preceded_by, outcomes, chosen)
            outcomes.append(self.preceded_by)
        columns = _columns(at, outcomes, chosen)
        columns["STARTDT"] = pd.Series(days_of(at.values(self.origin)))
        self._check(at, columns)
        return Made(np.arange(at.n), columns)

    def _chosen(self, at: At) -> Positions:
        """The number of the outcome that decides each record, NONE where no case applies."""
        chosen = np.full(at.n, NONE, dtype=np.int64)
        before = 0
        for case in self.cases:
            outcomes = case.outcomes()
            dates = np.vstack([_dates(at, o) for o in outcomes])
            first = np.argmin(np.where(np.isnan(dates), np.inf, dates), axis=0)  # of equal dates the upper one
            applies = (chosen == NONE) & at.test(case.when) & ~np.isnan(dates).all(axis=0)
            chosen = np.where(applies, before + first, chosen)
            before += len(outcomes)
        return chosen

    def _check(self, at: At, columns: dict[str, pd.Series]) -> None:
        start, end = columns["STARTDT"].to_numpy(), columns["ADT"].to_numpy()
        at.report(np.isnan(start), f"time has no origin: {self.origin} is missing", severity="blocking")
        at.report(np.isnan(end), f"no case of the time from {self.origin} applies", severity="blocking")
        at.report(end < start, "the event or censoring lies before the origin", severity="blocking")
        if self.not_after is not None:
            limit = days_of(at.values(self.not_after))
            at.report(end > limit, f"the event or censoring lies after {self.not_after}", severity="blocking")


def _dates(at: At, outcome: Outcome) -> Floats:
    """The outcome's date where its condition holds."""
    return np.where(at.test(outcome.when), days_of(at.values(outcome.at)), np.nan)


def _preceded(at: At, first: Outcome, outcomes: list[Outcome], chosen: Positions) -> Positions:
    """The choice with `first` put before every record's later event, and before any censoring."""
    date = _dates(at, first)
    applies = np.zeros(at.n, dtype=bool)
    for number, outcome in enumerate(outcomes):
        earlier = date < days_of(at.values(outcome.at)) if outcome.happens else ~np.isnan(date)
        applies |= (chosen == number) & earlier
    return np.where(applies, len(outcomes), chosen)


def _columns(at: At, outcomes: list[Outcome], chosen: Positions) -> dict[str, pd.Series]:
    """The variables of the outcome that decides each record."""
    days, numbers = np.full(at.n, np.nan), np.full(at.n, np.nan)
    source: dict[str, pd.Series] = {"SRCDOM": at.constant(None), "SRCVAR": at.constant(None)}
    for number, outcome in enumerate(outcomes):
        mine = chosen == number
        if mine.any():
            columns = dated(at, outcome.at).columns()
            days = np.where(mine, columns["ADT"], days)
            numbers = np.where(mine, columns["SRCSEQ"], numbers)
            for name, values in source.items():
                source[name] = values.where(pd.Series(~mine), columns[name])

    def text(of: list[str | None]) -> pd.Series:
        return pd.Series(pd.array([*of, None], dtype="str").take(chosen), dtype="str")

    def code(of: list[float | None]) -> pd.Series:
        return pd.Series(np.array([np.nan if v is None else v for v in [*of, None]])[chosen])

    return {
        "ADT": pd.Series(days),
        "CNSR": code([o.censor or 0 for o in outcomes]),
        "EVNTDESC": text([o.event for o in outcomes]),
        "CNSDTDSC": text([o.says for o in outcomes]),
        "EVTYPEN": code([o.type for o in outcomes]),
        **source,
        "SRCSEQ": pd.Series(numbers),
    }
