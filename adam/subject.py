"""One value per subject over records of several datasets: last known dates, days of dosing.

Dates are numeric (see dates.py); a partial date never counts as a day.

Sources: ADaMIG 1.3 section 3.2 (ADSL).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from adam.dates import days_of
from engine.dates import DAY, NOTHING, Floats, spans
from engine.errors import DataError, Problem
from engine.run.at import At
from engine.spec.expressions import Expression, FarExpression
from engine.spec.refs import FarRef, VariableRef
from engine.spec.registry import Params, verb
from engine.verbs.picks import Extreme
from engine.verbs.reach import reach


def of_subjects(at: At, values: Floats, far: At) -> Floats:
    """A value that the records of each subject share, carried to records elsewhere; NaN where the subject has none.

    Raises:
        DataError: it differs between records of one subject.
    """
    pairs = pd.DataFrame({"who": at.subject, "value": values})[at.subject >= 0].drop_duplicates()
    if pairs["who"].duplicated().any():
        raise DataError(Problem("a limit differs between records of one subject", do="give one value per subject"))
    found: Floats = pairs.set_index("who")["value"].reindex(far.subject).to_numpy(dtype=np.float64)
    return found


class _ExtremeDate(Extreme):
    up_to: VariableRef | None = None

    def comparable(self, at: At, far: At, ref: FarRef) -> pd.Series:
        """SAS days of complete dates up to the limit."""
        days = days_of(super().comparable(at, far, ref))
        if self.up_to is not None:
            limit = of_subjects(at, days_of(at.values(self.up_to)), far)
            days = np.where(days > limit, np.nan, days)
        return pd.Series(days)


@verb(
    "earliest_date",
    reads="of",
    scope="subject",
    says="The earliest complete date of {of}[, up to {up_to}]",
    example='NALTDT: {earliest_date: {of: CM.CMSTDTC, where: "CM.CMCAT == ..."}}',
)
class EarliestDate(_ExtremeDate):
    """The earliest complete date over the subject's records of one or several datasets, as a SAS date."""


@verb(
    "latest_date",
    reads="of",
    scope="subject",
    says="The latest complete date of {of}[, up to {up_to}]",
    example="LSTALVDT: {latest_date: [EX.EXENDTC, {of: LB.LBDTC, where: LB.LBSTRESC is present}], up_to: DCUTDT}",
)
class LatestDate(_ExtremeDate):
    """The latest complete date over the subject's records of one or several datasets, as a SAS date.

    Each dataset may have a condition of its own. Partial dates, and those after `up_to`, do not count.
    """

    last: ClassVar[bool] = True


@verb(
    "count_days",
    reads="of",
    scope="subject",
    says="Number of different days from {within} that the intervals {of} cover[; one without end: to {open_end}]",
    example="_DOSEC1: {count_days: [EX.EXSTDTC, EX.EXENDTC], within: [TRTSDT, TRTSDT + 27], open_end: TRTEDT}",
)
class CountDays(Params):
    """How many days of a window are covered by the subject's intervals; a day covered twice counts once.

    Start and end are both covered. Of a partial start or end only the days that are certain count, and it is reported.
    0 where nothing covers the window; missing for a subject without the window.
    """

    of: list[FarRef] = Field(min_length=2, max_length=2)
    where: FarExpression | None = None
    within: list[Expression] = Field(min_length=2, max_length=2)
    open_end: Expression | None = None

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        source = self.of[0].source
        assert source is not None
        reached = reach(at, source, self.where)
        far = reached.far
        window = [days_of(at.evaluate(each)) for each in self.within]
        begin, close = (of_subjects(at, each, far) for each in window)
        start, end = spans(far.values(self.of[0])), spans(far.values(self.of[1]))
        open_ = (end.precision == NOTHING) & (self.open_end is not None)
        unsure = (start.precision != DAY) | ((end.precision != DAY) & ~open_)
        message = f"of a partial date only the days that are certain count for {at.dataset}.{at.variable}"
        far.report(unsure, message, reads=[VariableRef(source, ref.name) for ref in self.of])
        until = end.first
        if self.open_end is not None:
            until = np.where(open_, of_subjects(at, days_of(at.evaluate(self.open_end)), far), until)
        pieces = pd.DataFrame(
            {"who": reached.group, "from": np.maximum(start.last, begin), "to": np.minimum(until, close)}
        )
        counts = covered_days(pieces).reindex(range(reached.groups), fill_value=0.0).to_numpy()
        days = np.append(counts, 0.0)[reached.of]
        return pd.Series(np.where(np.isnan(window[0]) | np.isnan(window[1]), np.nan, days))


def covered_days(intervals: pd.DataFrame) -> pd.Series:
    """Days that the union of intervals covers.

    Args:
        intervals: n intervals of `who`, `from` and `to` (days, both included); those that are incomplete or end before
            they start cover nothing.

    Returns:
        Number of days, one per `who` that has any.
    """
    whole = intervals[intervals["from"] <= intervals["to"]].sort_values(["who", "from", "to"], kind="stable")
    reached = whole.groupby("who")["to"].cummax().groupby(whole["who"]).shift()  # last day covered so far
    begin = np.fmax(whole["from"], reached + 1)
    days: pd.Series = (whole["to"] - begin + 1).clip(lower=0).groupby(whole["who"]).sum()
    return days
