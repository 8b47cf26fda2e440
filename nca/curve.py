"""The curve of every window: its concentration at the start, its segments, its concentration and area at a given time.

At the start the first of these holds:
1. an intravenous bolus given there: the measured concentration when nothing was given before (it can come from this
   dose only); else back on the line through the logarithms of the first two measurable concentrations after the dose,
   when they fall; else the first of them;
2. a sample drawn at the start, or taken for one;
3. a dose there, neither an earlier dose nor tau, and nothing measurable before it: 0;
4. tau: the lowest concentration within tau, the value at its end included;
5. samples on both sides: the concentration between them.

At a given time: the sample drawn then; the concentration between two samples; after the last one, the extension by
lambda-z, where it is accepted and the gap is not longer than the setting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nca.areas import Bools, Floats, segments
from nca.catalogue import BOLUS, Reason
from nca.profiles import MEASURED, Concentrations, Doses, Points, Windows, count_before
from nca.settings import Settings
from nca.slope import Fits, Ints

SAME = 1e-9  # times nearer than this, in the unit of time, are one


@dataclass(frozen=True, slots=True)
class Curve:
    """k points after the start that count, by window and time, and the segment that ends at each.

    `first` and `count` place a window's points; `area` and `moment` run from the window's start to the point.
    """

    window: Ints
    time: Floats
    value: Floats
    measured: Bools
    first: Ints
    count: Ints
    start: Floats  # concentration at the start, m values, NaN where there is none
    area: Floats
    moment: Floats

    def upto(self, which: Bools) -> Ints:
        """The last point of each window among those that `which` marks; -1 where none is."""
        last = np.full(len(self.first), -1)
        np.maximum.at(last, self.window[which], np.flatnonzero(which))
        return last


@dataclass(frozen=True, slots=True)
class Reached:
    """Concentration at a time of each window and the area up to it; NaN where the curve does not reach it."""

    value: Floats
    area: Floats


def curve_of(points: Points, windows: Windows, start: Floats, tmax: Floats, settings: Settings) -> Curve:
    """The curve, once the concentration at the start is known (or NaN); `tmax` is the start where C0 is highest."""
    kept = np.flatnonzero(~np.isnan(points.value) & (points.time > windows.low[points.window]))
    window, time, value = points.window[kept], points.time[kept], points.value[kept]
    count = np.bincount(window, minlength=windows.m).astype(np.int64)
    first = np.cumsum(count) - count
    opens = np.zeros(len(kept), dtype=np.bool_)
    opens[first[count > 0]] = True
    t1 = np.where(opens, windows.low[window], np.roll(time, 1))
    c1 = np.where(opens, start[window], np.roll(value, 1))
    pieces = segments(settings.method, t1, c1, time, value, tmax[window])
    area, moment = (_running(x, window, first, count) for x in (pieces.area(), pieces.moment()))
    return Curve(window, time, value, points.kind[kept] == MEASURED, first, count, start, area, moment)


def _running(values: Floats, window: Ints, first: Ints, count: Ints) -> Floats:
    """Running sums within each window, each of its own numbers only."""
    out = np.empty(len(values))
    size = np.ceil(np.log2(np.maximum(count, 1))).astype(np.int64)
    for same in np.unique(size[count > 0]):  # windows of about the same length share a matrix
        rows = np.flatnonzero((size == same) & (count > 0))
        step = np.arange(int(count[rows].max()))
        there = step < count[rows][:, None]
        at = np.where(there, first[rows][:, None] + step, first[rows][:, None])
        out[at[there]] = np.cumsum(np.where(there, values[at], 0.0), axis=1)[there]
    return out


def reach(curve: Curve, windows: Windows, until: Floats, tmax: Floats, fits: Fits, able: Bools,
          settings: Settings) -> Reached:
    """Concentration and area at a time of each window, in the window's own clock.

    Args:
        until: m times (NaN or infinite: not reached); `able`: where lambda-z may extend the curve.
    """
    m = windows.m
    finite = np.isfinite(until)
    to = np.where(finite, until, -np.inf)
    before = np.bincount(curve.window[curve.time <= to[curve.window] + SAME], minlength=m).astype(np.int64)
    at = curve.first + before - 1  # the last point up to the time; none: the start itself
    times, values = np.append(curve.time, np.nan), np.append(curve.value, np.nan)
    t1 = np.where(before > 0, times[at], windows.low)
    c1 = np.where(before > 0, values[at], curve.start)
    base = np.where(before > 0, np.append(curve.area, np.nan)[at], np.where(np.isnan(curve.start), np.nan, 0.0))
    more = before < curve.count
    following = np.where(more, at + 1, -1)
    piece = segments(settings.method, t1, c1, times[following], values[following], tmax)
    between = piece.at(to)
    part = segments(settings.method, t1, c1, to, between, tmax)
    gap = to - t1
    extended = c1 * np.exp(np.where(able, fits.slope, np.nan) * gap)
    far = (c1 - extended) / -np.where(able, fits.slope, np.nan)
    # nothing measurable since the last concentration: it stays 0
    flat = c1 == 0
    beyond, area = np.where(flat, 0.0, extended), np.where(flat, 0.0, far)
    close = gap <= settings.gap + SAME
    exact = np.abs(gap) <= SAME
    value = np.where(exact, c1, np.where(more, between, np.where(close, beyond, np.nan)))
    added = np.where(exact, 0.0, np.where(more, part.area(), np.where(close, area, np.nan)))
    return Reached(np.where(finite, value, np.nan), np.where(finite, base + added, np.nan))


def drawn_at_start(points: Points, windows: Windows) -> Floats:
    """The concentration that counts of the sample at the start; NaN where none is."""
    value = np.full(windows.m, np.nan)
    here = ~np.isnan(points.value) & (points.time == windows.low[points.window])
    value[points.window[here]] = points.value[here]
    return value


def initial(points: Points, doses: Doses, windows: Windows, settings: Settings) -> Floats:
    """C0 of every window that starts with an intravenous bolus; NaN elsewhere."""
    route = np.append(doses.route, -1)[windows.dose]
    bolus = windows.at_dose & (route == BOLUS)
    measured = points.kind == MEASURED
    here = np.zeros(windows.m)
    drawn = measured & (points.time == windows.low[points.window]) & ~points.moved
    here[points.window[drawn]] = points.value[drawn]
    after = np.flatnonzero(measured & (points.time > windows.low[points.window]))
    window = points.window[after]
    count = np.bincount(window, minlength=windows.m).astype(np.int64)
    first = np.cumsum(count) - count
    times, values = np.append(points.time[after], np.nan), np.append(points.value[after], np.nan)
    t1, c1 = times[np.where(count > 0, first, -1)], values[np.where(count > 0, first, -1)]
    t2, c2 = times[np.where(count > 1, first + 1, -1)], values[np.where(count > 1, first + 1, -1)]
    with np.errstate(invalid="ignore", divide="ignore"):
        back = c1 * np.exp(np.log(c1 / c2) * (t1 - windows.low) / (t2 - t1))
        value = np.where(c2 < c1, back, c1)
    only = (here > 0) & ~windows.earlier & (settings.tau is None)
    return np.where(bolus, np.where(only, here, value), np.nan)


def highest_before(samples: Concentrations, doses: Doses, windows: Windows) -> Floats:
    """The highest concentration between the dose of a window and its start, m values; -inf where there is none."""
    w = windows
    given = np.where(w.dose >= 0, np.append(doses.time, np.nan)[w.dose], w.start)
    low = count_before(samples.profile, samples.time, w.profile, given, equal=False)
    high = count_before(samples.profile, samples.time, w.profile, w.start, equal=False)
    conc = np.append(np.where(np.isnan(samples.conc), -np.inf, samples.conc), -np.inf)
    top = np.maximum.reduceat(conc, np.column_stack([low, high]).ravel())[::2] if w.m else np.empty(0)
    return np.where(high > low, top, -np.inf)


def between_neighbours(samples: Concentrations, points: Points, doses: Doses, windows: Windows, tmax: Floats,
                       settings: Settings) -> Floats:
    """The concentration at a start that lies between two samples of one dose; NaN elsewhere."""
    w = windows
    some = samples.conc > 0
    earliest = np.full(int(w.profile.max(initial=-1)) + 1, np.inf)
    np.minimum.at(earliest, samples.profile[some], samples.time[some])
    numbers = np.flatnonzero(some | (samples.conc == 0) & (samples.time < earliest[samples.profile]))
    before = count_before(samples.profile[numbers], samples.time[numbers], w.profile, w.start, equal=False)
    owner, times = np.append(samples.profile[numbers], -1), np.append(samples.time[numbers], np.nan)
    conc = np.append(samples.conc[numbers], np.nan)
    given = np.where(w.dose >= 0, np.append(doses.time, np.nan)[w.dose], -np.inf)
    inside = (before > 0) & (owner[before - 1] == w.profile) & (times[before - 1] >= given) & ~w.at_dose
    t1, c1 = times[before - 1] - w.origin, conc[before - 1]
    counted = ~np.isnan(points.value) & (points.time > w.low[points.window])
    first = np.full(w.m, len(points.time))
    np.minimum.at(first, points.window[counted], np.flatnonzero(counted))
    t2, c2 = (np.append(x, np.nan)[first] for x in (points.time, points.value))
    return np.where(inside, segments(settings.method, t1, c1, t2, c2, tmax).at(w.low), np.nan)


def ends(reached: Reached, start: Floats) -> Ints:
    """Why an area up to a time is not known."""
    return np.where(~np.isnan(reached.area), Reason.NONE, np.where(np.isnan(start), Reason.NO_START, Reason.NO_END))
