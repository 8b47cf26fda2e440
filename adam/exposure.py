"""Exposure from intervals: amounts summed over days, and spells of adjacent intervals counted.

A day covered by several intervals counts once. Numbers of days stand in subject.py.

Sources: ADaMIG 1.3 section 3.3.4 (parameters of exposure are derived from EX).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from adam.dates import days_of
from adam.intervals import Pair, reached_intervals, without_overlap
from engine.numbers import rank
from engine.run.at import At
from engine.run.tables import Positions
from engine.spec.binding import LISTED
from engine.spec.expressions import Expression, FarExpression
from engine.spec.refs import FarRef
from engine.spec.registry import Params, verb
from engine.verbs.reach import reach


@verb(
    "sum_days",
    reads="of",
    scope="subject",
    says="Sum of {of} over the days from {within} that the intervals {over} cover[; one without end: to {open_end}]"
    "[ where {where}]; of several intervals on one day the last by {order} counts",
    source="ADaMIG 1.3 section 3.3.4",
    example="AVAL: {sum_days: EX.EXDOSE, over: [EX.EXSTDTC, EX.EXENDTC], within: [TRTSDT, TRTEDT], order: EX.EXSEQ}",
)
class SumDays(Params):
    """The sum over days of what each day's interval says, such as the dose: the value times the days, without overlap.

    Start and end are both covered. On a day that several intervals cover the value of the last by `order` counts, and
    both are reported. Of a partial start or end only the days that are certain count, and it is reported; an interval
    without a value is reported and adds nothing. 0 where nothing covers the window; missing without the window.
    """

    of: FarRef
    over: Pair
    where: FarExpression | None = None
    within: list[Expression] = Field(min_length=2, max_length=2)
    open_end: Expression | None = None
    order: Annotated[list[FarRef], LISTED] = Field(min_length=1)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        assert self.of.source is not None
        reached = reach(at, self.of.source, self.where)
        far = reached.far
        pieces = reached_intervals(at, reached, self.over, self.within, self.open_end)
        pieces["value"] = far.number(self.of)
        pieces["place"] = _places(far, list(self.order))
        covering = (pieces["from"] <= pieces["to"]).to_numpy(dtype=bool)
        nothing = covering & pieces["value"].isna().to_numpy(dtype=bool)
        far.report(nothing, f"it covers days and gives no amount for {at.dataset}.{at.variable}")
        whole, shared = without_overlap(pieces[covering])
        far.report(
            np.isin(np.arange(far.n), shared.index[shared]),
            f"it shares days with another interval; they count once for {at.dataset}.{at.variable}",
        )
        amounts = (whole["value"] * (whole["to"] - whole["from"] + 1)).fillna(0.0)
        sums = amounts.groupby(whole["who"]).sum().reindex(range(reached.groups), fill_value=0.0).to_numpy()
        days = np.append(sums, 0.0)[reached.of]
        known = [days_of(at.evaluate(each)) for each in self.within]
        return pd.Series(np.where(np.isnan(known[0]) | np.isnan(known[1]), np.nan, days))


def _places(far: At, order: list[FarRef]) -> Positions:
    """The place of each interval by the stated order; equal ones share a place."""
    ranks = pd.DataFrame({f"r{i}": rank(far.values(ref)) for i, ref in enumerate(order)})
    places = ranks.groupby(list(ranks.columns), sort=True).ngroup()
    return places.to_numpy(dtype=np.int64)


@verb(
    "count_spells",
    reads="of",
    scope="subject",
    says="Number of spells of the intervals {of}[ where {where}], adjacent and overlapping ones being one spell"
    "[; of those with an interval where {having}]",
    example="X: {count_spells: [EC.ECSTDTC, EC.ECENDTC], where: \"EC.ECOCCUR == 'N'\", having: EC.ECADJ is present}",
)
class CountSpells(Params):
    """How many times something went on without a day between: interruptions of dosing, stays in hospital.

    Intervals that overlap or follow one another from one day to the next are one spell. With `having`, only spells with
    an interval that satisfies it count. Of a partial start or end the days that are certain count, and it is reported;
    one without end goes to `open_end`. 0 when there is none.
    """

    of: Pair
    where: FarExpression | None = None
    having: FarExpression | None = None
    open_end: Expression | None = None

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        source = self.of[0].source
        assert source is not None
        reached = reach(at, source, self.where)
        spells = reached_intervals(at, reached, self.of, [], self.open_end)
        spells["wanted"] = reached.far.test(self.having)
        spells = spells[spells["from"] <= spells["to"]].sort_values(["who", "from", "to"], kind="stable")
        last = spells.groupby("who")["to"].cummax().groupby(spells["who"]).shift()
        spells["number"] = (last.isna() | (spells["from"] > last + 1)).cumsum()
        wanted = spells[spells["wanted"]].drop_duplicates("number")
        counts = np.bincount(wanted["who"].to_numpy(dtype=np.int64), minlength=reached.groups)
        return pd.Series(np.append(counts, 0)[reached.of].astype(np.float64))
