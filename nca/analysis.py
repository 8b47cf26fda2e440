"""Non-compartmental analysis of many profiles at once: every parameter of every interval, or why it is not reported.

The order: points of each interval, Cmax and Tmax, lambda-z, the concentration at the start, areas, and what follows
from them. Nothing is rounded and no unit is converted. A profile's values do not depend on the others.

Sources: Gabrielsson and Weiner, chapter 2.8; CDISC PKPARMCD for what each code means; docs/nca.md for every rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.errors import CommandError, Problem
from nca.areas import Bools, Floats
from nca.catalogue import BOLUS, CODES, EXTRAVASCULAR, INFUSION, PARAMETERS, Reason
from nca.curve import (
    SAME,
    Curve,
    Reached,
    between_neighbours,
    curve_of,
    drawn_at_start,
    ends,
    highest_before,
    initial,
    reach,
)
from nca.profiles import MEASURED, Concentrations, Doses, Points, Windows, given_or_next, points_of, sort, windows_of
from nca.settings import Settings
from nca.slope import Fits, Ints, fit

MOST_POINTS, MOST_WINDOWS = 5_000_000, 500_000  # samples x intervals, profiles x intervals


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of m windows.

    `value` holds by code m numbers (NaN where not reported), `reason` m Reasons, `stands` whether the parameter belongs
    to the window's interval, route and settings; `slope_points` which of `points` made lambda-z.
    """

    windows: Windows
    value: dict[str, Floats]
    reason: dict[str, Ints]
    stands: dict[str, Bools]
    samples: Concentrations
    points: Points
    slope_points: Bools
    fits: Fits


def analyse(samples: Concentrations, doses: Doses, intervals: list[tuple[float, float]], settings: Settings,
            profiles: int | None = None) -> Parameters:
    """Analyse every interval of every profile.

    Args:
        samples, doses: see profiles.py, in any order. intervals: (start, end), the end may be infinite.
        profiles: how many there are, when the last have no sample.

    Raises:
        CommandError: a setting out of range, an interval that does not end after it starts, or too much at once.
    """
    settings.check()
    wrong = [(s, e) for s, e in intervals if not (np.isfinite(s) and e > s)]
    if wrong or not intervals:
        told = [Problem(f"interval {s:g}:{e:g}", expected="START:END with START before END") for s, e in wrong]
        raise CommandError(told or Problem("no interval is named", expected="one or more, such as 0:inf"))
    samples = sort(samples)
    order = np.lexsort([doses.time, doses.profile])
    doses = Doses(*(getattr(doses, n)[order] for n in ("profile", "time", "amount", "route", "duration")))
    n = int(max(samples.profile.max(initial=-1), doses.profile.max(initial=-1))) + 1 if profiles is None else profiles
    for count, what, most in ((len(samples.time), "samples", MOST_POINTS), (n, "profiles", MOST_WINDOWS)):
        if count * len(intervals) > most:
            raise CommandError(Problem(f"{count:,} {what} x {len(intervals)} intervals are too much at once",
                                       expected=f"at most {most:,}", do="split the file by profile"))
    windows = windows_of(n, intervals, doses)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _Analysis(samples, doses, windows, settings).parameters()


class _Analysis:
    """One run: the windows, their points and what is known of each, in the order of derivation."""

    def __init__(self, samples: Concentrations, doses: Doses, windows: Windows, settings: Settings) -> None:
        self.samples, self.doses, self.w, self.settings = samples, doses, windows, settings
        self.points = p = points_of(samples, doses, windows, settings)
        self.open = ~np.isfinite(windows.end)
        self.undosed = np.where(windows.dose < 0, Reason.NO_DOSE, 0)
        self.route = np.append(doses.route, EXTRAVASCULAR)[given_or_next(doses, windows)]
        self.duration = np.append(doses.duration, 0.0)[windows.dose]
        self.measured = p.kind == MEASURED
        self.after = np.bincount(p.window[self.measured & (p.time > windows.low[p.window])], minlength=windows.m)
        self.value: dict[str, Floats] = {}
        self.reason: dict[str, Ints] = {}

    def parameters(self) -> Parameters:
        self.find_extremes()
        self.find_slope()
        self.find_curve()
        self.find_doses()
        self.put_observed()
        self.put_slope()
        self.put_areas()
        self.put_interval()
        self.put_steady()
        stands = {c: np.zeros(self.w.m, dtype=np.bool_) for c in CODES}
        for p in PARAMETERS:
            if p.steady is None or p.steady == (self.settings.tau is not None):
                here = self.open if p.interval == "open" else ~self.open if p.interval == "closed" else True
                stands[p.code] |= here & np.isin(self.route, p.routes)
        return Parameters(self.w, {c: self.value[c] for c in CODES}, {c: self.reason[c] for c in CODES}, stands,
                          self.samples, self.points, self.slope_points, self.fits)

    # -- what the parameters need

    def find_extremes(self) -> None:
        p, w = self.points, self.w
        counts = ~np.isnan(p.value)
        inside = counts & (p.time <= w.high[p.window])
        self.cmax, self.tmax = self._extreme(np.fmax, inside)
        self.lowest, self.when_lowest = self._extreme(np.fmin, inside)
        # of the whole curve, which reaches beyond a closed interval
        self.top, self.peak = self._extreme(np.fmax, counts)
        self.none = self._nothing(p.time <= w.high[p.window])
        few = np.where(self.after < self.settings.min_measurable, Reason.FEW_MEASURABLE, Reason.NONE)
        self.few = self._first(self._nothing(np.ones(len(p.time), dtype=np.bool_)), few)

    def _nothing(self, among: Bools) -> Ints:
        """Why there is no concentration among points; 0 where there is."""
        sampled = np.bincount(self.points.window[among], minlength=self.w.m)
        seen = np.bincount(self.points.window[among & self.measured], minlength=self.w.m)
        return np.where(seen > 0, Reason.NONE, np.where(sampled > 0, Reason.NO_MEASURABLE, Reason.NO_SAMPLE))

    def _extreme(self, which: np.ufunc, among: Bools) -> tuple[Floats, Floats]:
        """The highest (or lowest) value among points, and the first time of it."""
        p = self.points
        value = np.full(self.w.m, np.nan)
        which.at(value, p.window[among], p.value[among])
        hits = np.flatnonzero(among & (p.value == value[p.window]))
        time = np.full(self.w.m, np.nan)
        np.fmin.at(time, p.window[hits], p.time[hits])
        return value, time

    def find_slope(self) -> None:
        p, s = self.points, self.settings
        peak = self.peak[p.window]
        beyond = p.time >= peak if s.tmax_in_slope else p.time > peak
        given = np.where(self.w.at_dose, self.duration, 0.0)  # an infusion must have ended
        eligible = self.measured & ~self.samples.excluded[p.sample] & beyond & (p.time >= given[p.window])
        eligible &= (self.w.dose >= 0)[p.window]
        at = np.flatnonzero(eligible)
        self.fits = f = fit(p.window[at], p.time[at], p.value[at], self.w.m, s)
        self.slope_points = eligible & (p.time >= f.first[p.window])
        self.lamz = -f.slope
        span = (f.last - f.first) * self.lamz / np.log(2)
        self.span = span
        why = np.where(f.eligible < s.min_points, Reason.FEW_POINTS, np.where(f.points == 0, Reason.NOT_FALLING, 0))
        self.no_line = self._first(self.few, np.where(self.w.several, Reason.SEVERAL_DOSES, 0), why)
        low = np.zeros(self.w.m, dtype=np.bool_) if s.min_r2adj is None else f.r2adj < s.min_r2adj
        short = np.zeros(self.w.m, dtype=np.bool_) if s.min_span is None else span < s.min_span
        self.no_slope = self._first(self.no_line, np.where(low, Reason.R2ADJ, 0), np.where(short, Reason.SPAN, 0))

    def find_curve(self) -> None:
        w, s, p = self.w, self.settings, self.points
        self.c0 = initial(p, self.doses, w, s)
        self.able = self.no_slope == 0
        self.tau_end = w.low + s.tau if s.tau is not None else np.full(w.m, np.nan)
        drawn = drawn_at_start(p, w)
        nothing_yet = w.at_dose & ~w.earlier & (s.tau is None)
        start = np.where(np.isnan(drawn) & nothing_yet & ~self._measurable_before(), 0.0, drawn)
        # highest before the start, since the dose: the curve is past its Tmax from the first segment on
        past = highest_before(self.samples, self.doses, w) >= self.top
        peak = np.where(past, -np.inf, self.peak)
        start = np.where(np.isnan(start), between_neighbours(self.samples, p, self.doses, w, peak, s), start)
        start = np.where(np.isnan(self.c0), start, self.c0)
        self.turn = np.where(self.c0 >= self.top, w.low, peak)
        if s.tau is not None:
            inside = self.measured & (p.time <= self.tau_end[p.window] + SAME)
            end = self._reach(self._curve(start), self.tau_end).value
            least = np.fmin(self._extreme(np.fmin, inside)[0], end)
            start = np.where(np.isnan(start) & w.at_dose, least, start)
        self.start = start
        self.curve = self._curve(start)
        self.to_end = self._reach(self.curve, w.high)
        self.to_tau = self._reach(self.curve, self.tau_end)

    def _measurable_before(self) -> Bools:
        """Whether a measurable concentration of the profile precedes the window's start."""
        some = np.flatnonzero(self.samples.conc > 0)
        earliest = np.full(int(self.w.profile.max(initial=-1)) + 1, np.inf)
        np.minimum.at(earliest, self.samples.profile[some], self.samples.time[some])
        return earliest[self.w.profile] < self.w.start

    def _curve(self, start: Floats) -> Curve:
        return curve_of(self.points, self.w, start, self.turn, self.settings)

    def _reach(self, curve: Curve, until: Floats) -> Reached:
        return reach(curve, self.w, until, self.turn, self.fits, self.able, self.settings)

    def find_doses(self) -> None:
        w = self.w
        self.amount = np.append(self.doses.amount, np.nan)[w.dose]
        no_amount = np.where(np.isnan(self.amount) | (self.amount <= 0), Reason.AMOUNT, 0)
        one = np.where(w.several, Reason.SEVERAL_DOSES, 0)
        self.no_dose = self._first(one, no_amount)
        at_start = self.points.time == w.low[self.points.window]
        free = np.zeros(w.m, dtype=np.bool_)
        free[self.points.window[at_start & (self.samples.conc[self.points.sample] == 0)]] = True
        left = np.where(w.earlier & ~free, Reason.CARRIED_OVER, 0)
        self.partial = np.where(w.at_dose, 0, Reason.NOT_AT_DOSE)  # an area that starts after the dose is not all of it
        self.no_whole = self._first(one, self.partial, left)
        self.no_clearance = self._first(self.no_whole, no_amount)

    # -- parameters

    def put(self, code: str, value: Floats, *reasons: Ints) -> None:
        """Keep a parameter where no reason speaks against it; without a dose to count from, none is kept."""
        reason = self._first(self.undosed, *reasons)
        reason = np.where((reason == 0) & ~np.isfinite(value), Reason.UNDEFINED, reason)
        self.reason[code] = reason
        self.value[code] = np.where(reason == 0, value, np.nan)

    @staticmethod
    def _first(*reasons: Ints) -> Ints:
        """Of several reasons the first."""
        out = reasons[0]
        for other in reasons[1:]:
            out = np.where(out == 0, other, out)
        return out

    def put_observed(self) -> None:
        self.put("CMAX", self.cmax, self.none)
        self.put("TMAX", self.tmax, self.none)
        self.put("CMAXD", self.cmax / self.amount, self.none, self.few, self.no_dose)
        last = self.curve.upto(self.curve.measured)
        self.last = last
        self.put("C0", self.c0, self.few, np.where(self.after > 0, 0, Reason.FEW_MEASURABLE), self.partial)
        late = np.where(last < 0, Reason.FEW_MEASURABLE, 0)
        self.put("CLST", np.append(self.curve.value, np.nan)[last], self.few, late)
        self.put("TLST", np.append(self.curve.time, np.nan)[last], self.few, late)

    def put_slope(self) -> None:
        f = self.fits
        self.put("LAMZ", self.lamz, self.no_slope)
        self.put("LAMZHL", np.log(2) / self.lamz, self.no_slope)
        self.put("LAMZNPT", np.where(f.points > 0, f.points, np.nan), self.no_line)
        for code, value in (("LAMZLL", f.first), ("LAMZUL", f.last), ("LAMZSPN", self.span), ("R2", f.r2),
                            ("R2ADJ", f.r2adj), ("CORRXY", -np.sqrt(f.r2))):
            self.put(code, value, self.no_line)

    def put_areas(self) -> None:
        """Areas of an open interval, to the last measurable concentration and to infinity."""
        v, r, lamz = self.value, self.reason, self.lamz
        area, moment = (np.append(x, np.nan)[self.last] for x in (self.curve.area, self.curve.moment))
        unknown = np.where(np.isnan(self.start), Reason.NO_START, 0)
        self.put("AUCLST", area, r["CLST"], unknown)
        self.put("AUCLSTD", area / self.amount, r["AUCLST"], self.no_dose)
        every = self.curve.upto(np.ones(len(self.curve.time), dtype=np.bool_))
        self.put("AUCALL", np.append(self.curve.area, np.nan)[every], r["AUCLST"])
        self.put("AUMCLST", moment, r["AUCLST"])
        clst, tlst = v["CLST"], v["TLST"]
        for code, rest, share in (("AUCIFO", clst / lamz, "AUCPEO"), ("AUCIFP", self.fits.at(tlst) / lamz, "AUCPEP")):
            percent = 100 * rest / (area + rest)
            self.put(share, percent, r["AUCLST"], self.no_slope)
            limit = self.settings.max_extrapolated
            above = np.zeros(self.w.m, dtype=np.bool_) if limit is None else percent > limit
            self.put(code, area + rest, r[share], np.where(above, Reason.EXTRAPOLATED, 0))
        self.put("AUCIFOD", v["AUCIFO"] / self.amount, r["AUCIFO"], self.no_dose)
        earliest = np.append(self.curve.area, np.nan)[np.where(self.curve.count > 0, self.curve.first, -1)]
        measured_start = self.start == drawn_at_start(self.points, self.w)  # C0 was measured: nothing is extrapolated
        back = np.where(measured_start, 0.0, earliest)
        self.put("AUCPBEO", 100 * back / v["AUCIFO"], r["AUCIFO"])
        self.put("AUMCIFO", moment + tlst * clst / lamz + clst / lamz**2, r["AUCIFO"])
        self.put("AUMCPEO", 100 * (v["AUMCIFO"] - moment) / v["AUMCIFO"], r["AUMCIFO"])
        for route, code in ((EXTRAVASCULAR, "EV"), (BOLUS, "IB"), (INFUSION, "IC")):
            late = self.duration / 2 if route == INFUSION else 0.0
            self.put(f"MRT{code}LST", moment / area - late, r["AUCLST"], self.no_whole)
            self.put(f"MRT{code}IFO", v["AUMCIFO"] / v["AUCIFO"] - late, r["AUMCIFO"], self.no_whole)
        clearance = self.amount / v["AUCIFO"]
        for cl, vz in (("CLFO", "VZFO"), ("CLO", "VZO")):
            self.put(cl, clearance, r["AUCIFO"], self.no_clearance)
            self.put(vz, clearance / lamz, r[cl])
        mean_time = np.where(self.route == INFUSION, v["MRTICIFO"], v["MRTIBIFO"])
        self.put("VSSO", clearance * mean_time, r["CLO"], r["MRTIBIFO"])

    def put_interval(self) -> None:
        """Areas of a closed interval."""
        to = self.to_end
        why = ends(to, self.start)
        several = np.where(self.w.several & (why == Reason.NO_END), Reason.SEVERAL_DOSES, 0)
        self.put("AUCINT", to.area, self.few, several, why)
        self.put("AUCINTD", to.area / self.amount, self.reason["AUCINT"], self.no_dose)
        self.put("CAVGINT", to.area / (self.w.high - self.w.low), self.reason["AUCINT"])

    def put_steady(self) -> None:
        """Areas and extremes over tau; the extremes of a closed interval without tau."""
        s, to, r, v = self.settings, self.to_tau, self.reason, self.value
        tau = np.nan if s.tau is None else s.tau
        least, when = self.lowest, self.when_lowest
        fitting = np.zeros(self.w.m, dtype=np.int64)
        most = self.cmax
        if s.tau is not None:
            fitting = np.where(self.w.high - self.w.low < tau * (1 - 1e-12), Reason.TAU, 0)
            most, least, when = self._within_tau(to)
        self.put("CMIN", least, self.few, fitting, self.none)
        self.put("TMIN", when, self.few, fitting, self.none)
        self.put("AUCTAU", to.area, self.few, fitting, ends(to, self.start))
        self.put("AUCTAUD", to.area / self.amount, r["AUCTAU"], self.no_dose)
        self.put("CAVG", to.area / tau, r["AUCTAU"])
        self.put("CTROUGH", to.value, self.few, fitting, np.where(np.isnan(to.value), Reason.NO_END, 0))
        self.put("FLUCP", 100 * (most - least) / v["CAVG"], r["AUCTAU"])
        for cl, vz in (("CLFTAU", "VZFTAU"), ("CLTAU", "VZTAU")):
            self.put(cl, self.amount / v["AUCTAU"], r["AUCTAU"], self.no_dose, self.partial)
            self.put(vz, v[cl] / self.lamz, r[cl], self.no_slope)

    def _within_tau(self, to: Reached) -> tuple[Floats, Floats, Floats]:
        """Highest and lowest concentration within tau, and the time of the lowest; the value at its end included."""
        p = self.points
        inside = ~np.isnan(p.value) & (p.time <= self.tau_end[p.window] + SAME)
        most, _ = self._extreme(np.fmax, inside)
        least, when = self._extreme(np.fmin, inside)
        lower = ~np.isnan(to.value) & ~(least <= to.value)
        return np.fmax(most, to.value), np.where(lower, to.value, least), np.where(lower, self.tau_end, when)
