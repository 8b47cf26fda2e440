"""Intervals of days of each subject: those of another dataset within a window, and arithmetic on them.

Intervals are never spread into days: they are cut where they begin and end. Start and end are both included.

Sources: ADaMIG 1.3 section 3.2 (ADSL) and 3.3.4 (parameters derived from exposure).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from adam.dates import days_of
from engine.dates import DAY, NOTHING, Floats, spans
from engine.errors import DataError, Problem
from engine.run.at import At
from engine.spec.expressions import Expression
from engine.spec.refs import FarRef, VariableRef
from engine.verbs.reach import Reach

Pair = Annotated[list[FarRef], Field(min_length=2, max_length=2)]


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


def reached_intervals(
    at: At, reached: Reach, of: list[FarRef], window: list[Expression], open_end: Expression | None
) -> pd.DataFrame:
    """The reached intervals within a window, each as the first and last day that are certain.

    Args:
        at: the records that ask.
        reached: the records that hold the intervals, paired with groups of those that ask.
        of: start and end of an interval. A partial one is reported, and only the days that are certain count.
        window: first and last day of the window, one value per subject; an empty list for none.
        open_end: last day of an interval without an end; without it such an interval has no certain last day.

    Returns:
        `who` (the group), `from` and `to` in SAS days, one record per reached one; `from` may lie after `to`.
    """
    far = reached.far
    start, end = spans(far.values(of[0])), spans(far.values(of[1]))
    open_ = (end.precision == NOTHING) & (open_end is not None)
    unsure = (start.precision != DAY) | ((end.precision != DAY) & ~open_)
    message = f"of a partial date only the days that are certain count for {at.dataset}.{at.variable}"
    far.report(unsure, message, reads=[VariableRef(ref.source, ref.name) for ref in of])
    first, last = start.last, end.first
    if open_end is not None:
        last = np.where(open_, of_subjects(at, days_of(at.evaluate(open_end)), far), last)
    if window:
        begin, close = (of_subjects(at, days_of(at.evaluate(each)), far) for each in window)
        first, last = np.maximum(first, begin), np.minimum(last, close)
    return pd.DataFrame({"who": reached.group, "from": first, "to": last})


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


def without_overlap(intervals: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Intervals cut so that each day of each `who` belongs to one of them: the one with the highest `place`.

    Args:
        intervals: n intervals of `who`, `from`, `to` (days, both included, from <= to), `value` and `place`; of equal
            places the one that starts later, then the one that ends earlier, then the lower value counts.

    Returns:
        Pieces with the same variables, in order of day; and for each interval, on its index, whether it shares a day
        with another.
    """
    ordered = intervals.sort_values(["who", "from", "to"], kind="stable")
    reached = ordered.groupby("who")["to"].cummax().groupby(ordered["who"]).shift()
    crossing = ordered.loc[ordered["from"] <= reached, "who"].unique()
    mixed = intervals["who"].isin(crossing)
    shared = pd.Series(False, index=intervals.index)
    if not mixed.any():
        return ordered, shared
    some = intervals[mixed].rename_axis("interval").reset_index()
    bounds = pd.concat(
        [
            some[["who", "from"]].set_axis(["who", "from"], axis=1),
            pd.DataFrame({"who": some["who"], "from": some["to"] + 1}),
        ]
    )
    bounds = bounds.drop_duplicates().sort_values(["who", "from"], kind="stable")
    bounds["to"] = bounds.groupby("who")["from"].shift(-1) - 1
    cells = bounds.dropna().merge(some, on="who", suffixes=("", "_whole"))
    cells = cells[(cells["from_whole"] <= cells["from"]) & (cells["to"] <= cells["to_whole"])]
    several = cells.duplicated(["who", "from"], keep=False)
    shared[cells.loc[several, "interval"].unique()] = True
    keys = ["who", "from", "place", "from_whole", "to_whole", "value"]
    up = [True, True, True, True, False, False]
    chosen = cells.sort_values(keys, ascending=up, kind="stable").drop_duplicates(["who", "from"], keep="last")
    pieces = pd.concat([ordered[~ordered["who"].isin(crossing)], chosen[list(intervals.columns)]])
    return pieces.sort_values(["who", "from"], kind="stable"), shared
