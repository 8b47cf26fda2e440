"""Figures that the displays will take from libraries, from ADTTE and ADRS as they stand, against the plain formulas.

Cumulative incidence of relapse with death competing (Aalen-Johansen) and exact confidence limits of response rates
(Clopper-Pearson) come from statsmodels; Kaplan-Meier stands in test_endpoints.py. The variables must fit the methods without any
step between.
"""

from math import comb

import pytest
from statsmodels.duration.survfunc import CumIncidenceRight
from statsmodels.stats.proportion import proportion_confint


def incidence(records):
    """Aalen-Johansen by hand: {time: incidence of relapse}, of (days, EVTYPEN) with 1 relapse, 2 death, 0 censored."""
    free, relapsed, out = 1.0, 0.0, {}
    for time in sorted({t for t, _ in records}):
        at_risk = sum(t >= time for t, _ in records)
        relapses = sum(r == (time, 1) for r in records)
        deaths = sum(r == (time, 2) for r in records)
        relapsed += free * relapses / at_risk
        free *= 1 - (relapses + deaths) / at_risk
        out[time] = relapsed
    return out


def test_cumulative_incidence_of_relapse_is_read_off_adtte(dataset):
    adtte = dataset("ADTTE")
    cir = adtte[adtte["PARAMCD"] == "CIR"]
    records = list(zip(cir["AVAL"], cir["EVTYPEN"].astype(int), strict=True))
    assert {r for _, r in records} == {0, 1, 2}, "each kind of end occurs"
    found = CumIncidenceRight(cir["AVAL"].to_numpy(), cir["EVTYPEN"].astype(int).to_numpy())
    by_hand = incidence(records)
    for time, value in zip(found.times, found.cinc[0], strict=True):
        assert value == pytest.approx(by_hand[time], abs=1e-9)
    # one minus Kaplan-Meier, with deaths censored, says too much: the reason for a competing event
    naive = 1.0
    for time in sorted({t for t, _ in records}):
        naive *= 1 - sum(r == (time, 1) for r in records) / sum(t >= time for t, _ in records)
    assert max(by_hand.values()) < 1 - naive


def limit(successes, n, upper):
    """The Clopper-Pearson limit at which the binomial tail of 2.5 % is reached, by halving."""

    def tail(p):
        counts = range(successes + 1) if upper else range(successes, n + 1)
        return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in counts)

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        above = tail(middle) > 0.025
        low, high = (middle, high) if above == upper else (low, middle)
    return (low + high) / 2


@pytest.mark.parametrize(("parameter", "responders"), [("CRRSP", 6), ("CRHRSP", 8), ("CRCRSP", 10), ("ORRSP", 12)])
def test_response_rates_and_their_exact_limits_are_read_off_adrs(dataset, parameter, responders):
    adrs = dataset("ADRS")
    rows = adrs[adrs["PARAMCD"] == parameter]
    assert (len(rows), int(rows["AVAL"].sum())) == (24, responders), "everyone of the efficacy set has one record"
    lower, upper = proportion_confint(rows["AVAL"].sum(), len(rows), method="beta")
    assert lower == pytest.approx(limit(responders, 24, upper=False), abs=1e-9)
    assert upper == pytest.approx(limit(responders, 24, upper=True), abs=1e-9)
