"""The mean of a subject's records of another dataset, as of the wells in which one sample was measured.

Sources: architecture, "A spec" (means with a stated rule for outliers).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import Field

from engine.numbers import to_numbers
from engine.run.at import At
from engine.run.tables import Bools, Positions
from engine.spec.binding import Model
from engine.spec.expressions import FarExpression
from engine.spec.refs import FarRef
from engine.spec.registry import Params, verb
from engine.verbs.reach import reach


class Outlier(Model):
    """When one value is left out: of `at_least` values or more whose standard deviation (n - 1) is above `sd_above`."""

    at_least: int = Field(3, ge=3)
    sd_above: float = Field(ge=0)

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        return f"of {self.at_least} values or more with a standard deviation above {self.sd_above:g}"


@verb(
    "mean",
    reads="of",
    scope="subject",
    says="Mean of {of}[ where {where}][; texts by {replace}][; {drop_farthest} the one farthest from the median is "
    "left out, none when two are equally far]",
    example='AVAL: {mean: GF.GFSTRESC, where: "GF.GFREFID == SAMPLE", replace: {UNDETERMINED: 40}, '
    "drop_farthest: {sd_above: 0.5}}",
)
class Mean(Params):
    """The mean over the subject's records; missing when there is none.

    A text counts as the number that `replace` gives it. Other texts do not count. With `drop_farthest` the value
    farthest from the median is left out, once.
    """

    of: FarRef
    where: FarExpression | None = None
    replace: dict[str, float] = {}
    drop_farthest: Outlier | None = None

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        assert self.of.source is not None
        reached = reach(at, self.of.source, self.where)
        values = reached.far.values(self.of)
        numbers = to_numbers(values)[0].to_numpy()
        if self.replace:
            replaced = reached.far.text(self.of).map(self.replace).to_numpy(dtype=np.float64)
            numbers = np.where(np.isnan(replaced), numbers, replaced)
        there = ~np.isnan(numbers)
        group, numbers = reached.group[there], numbers[there]
        order = np.lexsort((numbers, group))  # by value, so that the order of records cannot change the last bit
        group, numbers = group[order], numbers[order]
        if self.drop_farthest is not None:
            kept = ~_farthest(group, numbers, self.drop_farthest)
            group, numbers = group[kept], numbers[kept]
        means = np.append(_means(group, numbers, reached.groups), np.nan)
        return pd.Series(means[reached.of])


def _means(group: Positions, numbers: np.ndarray, groups: int) -> np.ndarray:
    """The mean of each of so many groups, NaN for an empty one."""
    count = np.bincount(group, minlength=groups).astype(np.float64)
    total = np.bincount(group, weights=numbers, minlength=groups)
    means: np.ndarray = np.divide(total, count, out=np.full(groups, np.nan), where=count > 0)
    return means


def _farthest(group: Positions, numbers: np.ndarray, rule: Outlier) -> Bools:
    """Which of the values, in order within their groups, the rule leaves out."""
    frame = pd.DataFrame({"group": group, "number": numbers})
    by = frame.groupby("group")["number"]
    # rounded, so that what is equal on paper is equal here
    spread = (by.transform("count") >= rule.at_least) & (by.transform("std").round(9) > rule.sd_above)
    distance = (frame["number"] - by.transform("median")).abs().round(9)
    far = distance == distance.groupby(frame["group"]).transform("max")
    alone = far.groupby(frame["group"]).transform("sum") == 1
    return (spread & far & alone).to_numpy(dtype=bool)
