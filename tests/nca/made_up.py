"""Profiles written as a clinician would write them, and what an analysis says of them."""

import math

import numpy as np

from nca.analysis import analyse
from nca.catalogue import CODES, REASONS, ROUTES, Reason
from nca.profiles import Concentrations, Doses
from nca.settings import Settings

INF = math.inf
MISS = math.nan


def profile(points, doses=((0, 100),), route="extravascular", duration=0.0, excluded=()):
    """One profile: {time: conc} (0 below the limit, MISS missing) and its doses (time, amount)."""
    times = list(points)
    n = len(doses)
    return (
        Concentrations(
            np.zeros(len(times), dtype=np.int64),
            np.array(times, dtype=float),
            np.array([points[t] for t in times], dtype=float),
            np.array([t in excluded for t in times], dtype=bool),
        ),
        Doses(
            np.zeros(n, dtype=np.int64),
            np.array([t for t, _ in doses], dtype=float),
            np.array([a for _, a in doses], dtype=float),
            np.full(n, ROUTES.index(route)),
            np.full(n, float(duration)),
        ),
    )


def said(samples, doses, interval=(0, INF), **settings):
    """{code: value or reason} of the parameters that stand for one interval of one profile."""
    result = analyse(samples, doses, [interval], Settings(**settings))
    return {
        c: float(result.value[c][0]) if result.reason[c][0] == 0 else REASONS[Reason(int(result.reason[c][0]))]
        for c in CODES
        if result.stands[c][0]
    }


def slope_times(samples, doses, interval=(0, INF), **settings):
    """The times of the points of lambda-z."""
    result = analyse(samples, doses, [interval], Settings(**settings))
    return result.points.time[result.slope_points].tolist()
