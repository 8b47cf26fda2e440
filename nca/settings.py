"""What a non-compartmental analysis may be told: method, handling of BLQ, terminal slope, acceptance.

A setting holds for every profile of one analysis. Times are in one unit (hours, usually), concentrations in another; no
unit is converted: a dose in mg and an area in h*ng/mL give a clearance in mg/(h*ng/mL).

Sources: Gabrielsson and Weiner, Pharmacokinetic and Pharmacodynamic Data Analysis, chapter 2.8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from engine.errors import CommandError, Problem

Method = Literal["linear", "lin-up-log-down", "lin-log"]
METHODS: tuple[Method, ...] = ("linear", "lin-up-log-down", "lin-log")
Blq = Literal["keep", "drop"] | float  # keep counts it as 0, a number in its place
FEWEST_POINTS = 3  # two points have no adjusted R2


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices of an analysis, with the defaults that most protocols state.

    Args:
        method: linear; linear while rising and logarithmic while falling; linear to Tmax and logarithmic after it
            (after a bolus from C0 on, where no sample is above it).
        blq_first, blq_middle, blq_last: a result below the limit before the first measurable concentration since
            the dose (or where none is), between two, and after the last.
        min_points: fewest points of lambda-z.
        tmax_in_slope: the point of Tmax may be one of them.
        tolerance: adjusted R2 this close to the largest counts as equal; the set of most points wins.
        min_r2adj, min_span, max_extrapolated: what lambda-z and areas to infinity must reach to be reported; the span
            is that of the points in half-lives, the extrapolated part in %. None: no limit.
        min_measurable: fewest measurable concentrations after the dose; below, only Cmax and Tmax are reported.
        gap: longest time by which lambda-z may extend a profile to the interval's end.
        predose: a sample drawn at most this long before the dose counts as drawn at the dose.
        tau: dosing interval at steady state; None for a single dose.
    """

    method: Method = "lin-up-log-down"
    blq_first: Blq = "keep"
    blq_middle: Blq = "drop"
    blq_last: Blq = "drop"
    min_points: int = FEWEST_POINTS
    tmax_in_slope: bool = False
    tolerance: float = 0.0001
    min_r2adj: float | None = None
    min_span: float | None = None
    max_extrapolated: float | None = None
    min_measurable: int = 1
    gap: float = 4.0
    predose: float = 1.0
    tau: float | None = None

    def check(self) -> None:
        """CommandError that lists every setting out of its range."""
        problems = []
        for name, value, low, high, expected in (
            ("min points", self.min_points, FEWEST_POINTS, 1000, f"{FEWEST_POINTS} or more: two have no adjusted R2"),
            ("tolerance", self.tolerance, 0, 1, "0 to 1"),
            ("min adjusted R2", self.min_r2adj, -10, 1, "at most 1"),
            ("min span", self.min_span, 0, math.inf, "half-lives, 0 or more"),
            ("max extrapolated", self.max_extrapolated, 0, 100, "a percentage, 0 to 100"),
            ("min measurable", self.min_measurable, 1, 10**6, "1 or more"),
            ("gap", self.gap, 0, math.inf, "0 or more"),
            ("predose", self.predose, 0, math.inf, "0 or more"),
            ("tau", self.tau, 5e-324, 1e9, "more than 0"),
            *((f"BLQ {place}", value, 0, 1e300, "keep, drop, or a number of 0 or more") for place, value in self.blq()
              if not isinstance(value, str)),
        ):
            if value is not None and not low <= value <= high:
                problems.append(Problem(f"{name} {value:g} is out of range", expected=expected))
        if self.method not in METHODS:
            problems.append(Problem(f"no method {self.method}", expected=", ".join(METHODS)))
        if problems:
            raise CommandError(problems)

    def blq(self) -> tuple[tuple[str, Blq], ...]:
        """The three positions of a BLQ with what becomes of it."""
        return ("first", self.blq_first), ("middle", self.blq_middle), ("last", self.blq_last)
