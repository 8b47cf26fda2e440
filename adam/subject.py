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
from adam.intervals import Pair, covered_days, of_subjects, reached_intervals
from engine.run.at import At
from engine.spec.expressions import Expression, FarExpression
from engine.spec.refs import FarRef, VariableRef
from engine.spec.registry import Params, verb
from engine.verbs.picks import Extreme
from engine.verbs.reach import reach


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

    of: Pair
    where: FarExpression | None = None
    within: list[Expression] = Field(min_length=2, max_length=2)
    open_end: Expression | None = None

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        source = self.of[0].source
        assert source is not None
        reached = reach(at, source, self.where)
        pieces = reached_intervals(at, reached, self.of, self.within, self.open_end)
        counts = covered_days(pieces).reindex(range(reached.groups), fill_value=0.0).to_numpy()
        days = np.append(counts, 0.0)[reached.of]
        window = [days_of(at.evaluate(each)) for each in self.within]
        return pd.Series(np.where(np.isnan(window[0]) | np.isnan(window[1]), np.nan, days))
