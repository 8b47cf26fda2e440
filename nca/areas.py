"""Areas under a segment of a concentration curve, and the concentration within one.

A segment goes from (t1, c1) to (t2, c2). Where the logarithmic rule holds the concentration changes exponentially, and
the area is exact for it; elsewhere it changes linearly. A concentration of 0 has no logarithm: its segments are linear.

Sources: Purves, J Pharmacokinet Biopharm 1992;20:211 (linear up, log down).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca.settings import Method

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
SMALL = 0.05  # below this the moment is taken from its series, whose next term is then below 1E-13


@dataclass(frozen=True, slots=True)
class Segments:
    """k segments and whether each is logarithmic."""

    t1: Floats
    c1: Floats
    t2: Floats
    c2: Floats
    log: Bools

    def area(self) -> Floats:
        """Area under each, k values in concentration x time."""
        linear = (self.c1 + self.c2) / 2 * (self.t2 - self.t1)
        c1, c2 = np.where(self.log, self.c1, 1.0), np.where(self.log, self.c2, 2.0)
        step = (c1 - c2) / c2
        # where one concentration is near the other, c1 - c2 and log1p keep the digits that a quotient would lose
        return np.where(self.log, c2 * step / np.log1p(step) * (self.t2 - self.t1), linear)

    def moment(self) -> Floats:
        """Area under time x concentration of each, k values in concentration x time^2."""
        dt = self.t2 - self.t1
        linear = self.t1 * self.area() + dt * dt * (self.c1 + 2 * self.c2) / 6
        u = np.log(np.where(self.log, self.c1, 1.0) / np.where(self.log, self.c2, 2.0))
        near = np.abs(u) < SMALL
        far = np.where(near, 1.0, u)
        share = (1 - np.exp(-far) * (1 + far)) / (far * far)
        series = sum(((-u) ** n / (math.factorial(n) * (n + 2)) for n in range(7)), np.zeros(len(u)))
        return np.where(self.log, self.t1 * self.area() + self.c1 * dt * dt * np.where(near, series, share), linear)

    def at(self, time: Floats) -> Floats:
        """Concentration at a time within each."""
        part = (time - self.t1) / (self.t2 - self.t1)
        c1, c2 = np.where(self.log, self.c1, 1.0), np.where(self.log, self.c2, 1.0)
        return np.where(self.log, c1 * np.exp(part * np.log(c2 / c1)), self.c1 + part * (self.c2 - self.c1))


def segments(method: Method, t1: Floats, c1: Floats, t2: Floats, c2: Floats, tmax: Floats) -> Segments:
    """Segments under a method; `tmax` is that of the curve of each."""
    with np.errstate(invalid="ignore"):
        able = (c1 > 0) & (c2 > 0) & (c1 != c2)
        if method == "linear":
            log = np.zeros(len(t1), dtype=np.bool_)
        elif method == "lin-up-log-down":
            log = able & (c2 < c1)
        else:
            log = able & (t1 >= tmax)
    return Segments(t1, c1, t2, c2, log)
