"""Concentrations and doses by profile, and the points that an interval of a profile has.

An interval of a profile reaches from its start to the next dose (or, where the interval ends later, to the first dose
at or after its end). Its times count from the dose at or before its start; where none is, no sample counts. A sample at
a dose's time was drawn before that dose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nca.areas import Bools, Floats
from nca.settings import Settings
from nca.slope import Ints

MISSING, MEASURED, FIRST, MIDDLE, LAST = range(5)  # what a point is


@dataclass(frozen=True, slots=True)
class Concentrations:
    """n samples, by profile (0, 1, ...) and time; no two of one profile at one time.

    `conc` is NaN where there is no result and 0 below the limit; `excluded` keeps a sample out of lambda-z.
    """

    profile: Ints
    time: Floats
    conc: Floats
    excluded: Bools


@dataclass(frozen=True, slots=True)
class Doses:
    """Doses by profile and time, no two of one profile at one time; an amount may be NaN (not known)."""

    profile: Ints
    time: Floats
    amount: Floats
    route: Ints  # position in catalogue.ROUTES
    duration: Floats  # of an infusion, 0 else


@dataclass(frozen=True, slots=True)
class Windows:
    """m intervals of profiles; a dose of -1 is none. Times but `start` and `end` count from `origin`."""

    profile: Ints
    start: Floats
    end: Floats
    origin: Floats  # the dose at or before the start, else the start
    dose: Ints
    at_dose: Bools  # the interval starts with its dose
    earlier: Bools  # a dose of the profile stands before that one
    several: Bools  # another dose stands inside the interval
    low: Floats  # the start
    high: Floats  # the end

    @property
    def m(self) -> int:
        """Number of windows."""
        return len(self.profile)


@dataclass(frozen=True, slots=True)
class Points:
    """The samples of the windows, by window and time.

    `value` is the concentration as it counts: NaN where it does not; `time` that since the window's origin, of a
    predose sample the start; `sample` its position in the concentrations.
    """

    window: Ints
    sample: Ints
    time: Floats
    value: Floats
    kind: Ints
    moved: Bools  # a predose sample taken for one at the start


def sort(samples: Concentrations) -> Concentrations:
    """The samples by profile and time."""
    order = np.lexsort([samples.time, samples.profile])
    return Concentrations(*(getattr(samples, n)[order] for n in ("profile", "time", "conc", "excluded")))


def count_before(group: Ints, time: Floats, of: Ints, until: Floats, *, equal: bool) -> Ints:
    """How many of the sorted records (group, time) come before each (of, until), or, with `equal`, up to it."""
    n = len(group)
    side = np.concatenate([np.full(n, not equal), np.full(len(of), equal)])
    order = np.lexsort([side, np.concatenate([time, until]), np.concatenate([group, of])])
    seen = np.empty(len(order), dtype=np.int64)
    seen[order] = np.cumsum(order < n)
    return seen[n:]


def windows_of(profiles: int, intervals: list[tuple[float, float]], doses: Doses) -> Windows:
    """Every interval of every profile, by profile, then in the order of `intervals`."""
    profile = np.repeat(np.arange(profiles), len(intervals))
    start = np.tile(np.array([s for s, _ in intervals], dtype=np.float64), profiles)
    end = np.tile(np.array([e for _, e in intervals], dtype=np.float64), profiles)
    before = count_before(doses.profile, doses.time, profile, start, equal=True)
    first = np.searchsorted(doses.profile, profile)
    dose = np.where(before > first, before - 1, -1)
    times = np.append(doses.time, np.nan)
    origin = np.where(dose >= 0, times[dose], start)
    inside = count_before(doses.profile, doses.time, profile, end, equal=False)
    return Windows(profile, start, end, origin, dose, (dose >= 0) & (origin == start), before - 1 > first,
                   np.isfinite(end) & (inside > before), start - origin, end - origin)


def given_or_next(doses: Doses, windows: Windows) -> Ints:
    """The dose of every window; where none is at or before its start, the profile's first; -1 where it has none."""
    first = np.searchsorted(doses.profile, windows.profile)
    upcoming = np.where(np.append(doses.profile, -1)[first] == windows.profile, first, -1)
    return np.where(windows.dose >= 0, windows.dose, upcoming)


def points_of(samples: Concentrations, doses: Doses, windows: Windows, settings: Settings) -> Points:
    """The samples of every window, with the concentrations as they count."""
    w, profile = windows, windows.profile
    before = count_before(doses.profile, doses.time, profile, w.start, equal=True)
    ahead = count_before(doses.profile, doses.time, profile, w.end, equal=False)
    upcoming = np.where(np.isfinite(w.end), np.maximum(ahead, before), before)
    owner, times = np.append(doses.profile, -1), np.append(doses.time, np.inf)
    bounded = (owner[upcoming] == profile) & ((w.dose >= 0) | np.isfinite(w.end))
    until = np.where(bounded, times[upcoming], np.inf)  # without a dose none is the next: every sample is told of
    low = count_before(samples.profile, samples.time, profile, w.start, equal=False)
    high = count_before(samples.profile, samples.time, profile, until, equal=True)
    low -= _predose(samples, doses, w, low, settings)
    count = np.maximum(high - low, 0)
    window = np.repeat(np.arange(w.m), count)
    sample = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    moved = samples.time[sample] < w.start[window]
    time = np.where(moved, w.low[window], samples.time[sample] - w.origin[window])
    conc = samples.conc[sample]
    kind = _kinds(window, conc, _measurable_since_dose(samples, doses, w))
    value = conc.copy()
    for place, (_, rule) in zip((FIRST, MIDDLE, LAST), settings.blq(), strict=True):
        value[kind == place] = np.nan if rule == "drop" else 0.0 if rule == "keep" else rule
    value[w.dose[window] < 0] = np.nan
    return Points(window, sample, time, value, kind, moved)


def _predose(samples: Concentrations, doses: Doses, w: Windows, low: Ints, settings: Settings) -> Bools:
    """Whether the sample before the start counts as drawn at it: the dose is there, and no sample with a result."""
    owner, times = np.append(samples.profile, -1), np.append(samples.time, np.nan)
    conc = np.append(samples.conc, np.nan)
    drawn = (owner[low] == w.profile) & (times[low] == w.start) & ~np.isnan(conc[low])
    former = low - 1
    previous = np.where(w.earlier, np.append(doses.time, np.nan)[np.maximum(w.dose - 1, -1)], -np.inf)
    return (w.at_dose & ~drawn & (former >= 0) & (owner[former] == w.profile) & ~np.isnan(conc[former])
            & (w.start - times[former] <= settings.predose) & (times[former] > previous))


def _measurable_since_dose(samples: Concentrations, doses: Doses, w: Windows) -> Bools:
    """Whether a measurable concentration stands between the dose and the start of each window."""
    some = samples.conc > 0
    since = np.where(w.at_dose, w.start, np.where(w.dose >= 0, np.append(doses.time, np.nan)[w.dose], -np.inf))
    upto, before = (count_before(samples.profile[some], samples.time[some], w.profile, t, equal=False)
                    for t in (w.start, since))
    return upto > before


def _kinds(window: Ints, conc: Floats, earlier: Bools) -> Ints:
    """What each point is; a BLQ by its position among the measurable ones of its dose, `earlier` ones included."""
    measured = conc > 0
    at = np.arange(len(conc))
    first, last = np.full(len(earlier), len(conc)), np.full(len(earlier), -1)
    np.minimum.at(first, window[measured], at[measured])
    np.maximum.at(last, window[measured], at[measured])
    leading = np.where(earlier, np.where(last < 0, LAST, MIDDLE), FIRST)
    blq = np.where(at < first[window], leading[window], np.where(at > last[window], LAST, MIDDLE))
    return np.where(np.isnan(conc), MISSING, np.where(measured, MEASURED, blq)).astype(np.int64)
