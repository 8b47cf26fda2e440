"""Lambda-z: the terminal slope of every profile, from all candidate sets of all profiles at once.

The candidates of a profile are its last n eligible points, n = the fewest allowed, ..., all. Those whose
ln(concentration) falls compete; the largest adjusted R2 wins, and of the sets within the tolerance of it the one with
most points.

Sums run from the last point backwards over differences to that point, so that a set's sums are as large as the set
itself and nothing is lost by subtracting them. Each profile has sums of its own: its slope does not depend on others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca.areas import Bools, Floats
from nca.settings import Settings

Ints = NDArray[np.int64]
LEVEL = 1e-24  # R2 that rounding alone gives to points without a trend


@dataclass(frozen=True, slots=True)
class Fits:
    """The chosen line of m profiles; NaN (and 0 points) where there is none."""

    slope: Floats
    points: Ints
    first: Floats  # time of its first point
    last: Floats
    r2: Floats
    r2adj: Floats
    level: Floats  # ln(concentration) of the line at `last`
    eligible: Ints  # points that could be chosen from

    def at(self, time: Floats) -> Floats:
        """Concentration on the line."""
        return np.exp(self.level + self.slope * (time - self.last))


def fit(owner: Ints, time: Floats, conc: Floats, m: int, settings: Settings) -> Fits:
    """The lines of m profiles.

    Args:
        owner: profile of each of k eligible points, ascending; `time` ascending within it; `conc` > 0.
    """
    count = np.bincount(owner, minlength=m).astype(np.int64)
    past = np.cumsum(count)
    log = np.log(conc)
    out = {n: np.full(m, np.nan) for n in ("slope", "first", "last", "r2", "r2adj", "level")}
    points = np.zeros(m, dtype=np.int64)
    size = np.ceil(np.log2(np.maximum(count, 1))).astype(np.int64)
    for same in np.unique(size[count >= settings.min_points]):  # profiles of about the same length share a matrix
        rows = np.flatnonzero((size == same) & (count >= settings.min_points))
        back = np.arange(int(count[rows].max()))
        there = back < count[rows][:, None]
        at = np.where(there, past[rows][:, None] - 1 - back, past[rows][:, None] - 1)
        x, y = time[at] - time[at[:, :1]], log[at] - log[at[:, :1]]
        best = _best(x, y, there, settings)
        found = best["n"] > 0
        rows, at = rows[found], at[found]
        points[rows] = best["n"][found]
        for name in ("slope", "r2", "r2adj"):
            out[name][rows] = best[name][found]
        out["level"][rows] = log[at[:, 0]] + best["level"][found]
        out["last"][rows] = time[at[:, 0]]
        out["first"][rows] = time[at[np.arange(len(rows)), points[rows] - 1]]
    return Fits(points=points, eligible=count, **out)


def _best(x: Floats, y: Floats, there: Bools, settings: Settings) -> dict[str, NDArray]:
    """Of each row's sets (columns 0..n-1, for every n) the chosen one."""
    n = np.arange(1, x.shape[1] + 1)
    sx, sy = np.cumsum(x, axis=1), np.cumsum(y, axis=1)
    xx = np.cumsum(x * x, axis=1) - sx * sx / n
    xy = np.cumsum(x * y, axis=1) - sx * sy / n
    yy = np.cumsum(y * y, axis=1) - sy * sy / n
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = xy / xx
        r2 = np.minimum(xy * xy / (xx * yy), 1.0)
        r2adj = 1 - (1 - r2) * (n - 1) / (n - 2)
    able = there & (n >= settings.min_points) & (slope < 0) & (r2 > LEVEL) & np.isfinite(r2adj)
    rival = np.where(able, r2adj, -np.inf)
    near = able & (rival >= rival.max(axis=1, keepdims=True) - settings.tolerance)
    chosen = np.where(near, n, 0).max(axis=1)
    column = (np.arange(len(x)), np.maximum(chosen - 1, 0))
    return {"n": chosen, "slope": slope[column], "r2": r2[column], "r2adj": r2adj[column],
            "level": (sy[column] - slope[column] * sx[column]) / np.maximum(chosen, 1)}
