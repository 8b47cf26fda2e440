"""What must hold of any profiles: scaling, shifting, order, and independence of the others; terms of CDISC."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.standards.terminology import load_terminology
from nca.analysis import analyse
from nca.catalogue import CODES, PARAMETERS, REASONS, ROUTES, Reason
from nca.profiles import Concentrations, Doses
from nca.settings import Settings
from tests.nca.made_up import INF

TIMES = [0, 0.5, 1, 2, 3, 4, 6, 8, 12, 24, 36]
DOSE_POWER = {"CMAXD": -1, "AUCLSTD": -1, "AUCIFOD": -1, "AUCINTD": -1, "CLFO": 1, "VZFO": 1, "AUCTAUD": -1,
              "CLFTAU": 1, "VZFTAU": 1}
CONC_POWER = {**dict.fromkeys(("CMAX", "CMIN", "CLST", "AUCLST", "AUCALL", "AUMCLST", "AUCIFO", "AUCIFP", "AUMCIFO",
                               "AUCINT", "CAVGINT", "AUCTAU", "CAVG", "CTROUGH", "CMAXD", "AUCLSTD", "AUCIFOD", "AUCINTD",
                               "AUCTAUD"), 1), **dict.fromkeys(("CLFO", "VZFO", "CLFTAU", "VZFTAU"), -1)}
CONCS = st.lists(st.one_of(st.just(0.0), st.just(float("nan")), st.floats(0.01, 1000)), min_size=11, max_size=11)
PROFILES = st.lists(CONCS, min_size=1, max_size=4)


def made(profiles, shift=0.0, conc=1.0, dose=1.0):
    n, k = len(profiles), len(TIMES)
    return (
        Concentrations(np.repeat(np.arange(n), k), np.tile(np.array(TIMES) + shift, n),
                       np.array(profiles).ravel() * conc, np.zeros(n * k, dtype=bool)),
        Doses(np.arange(n), np.full(n, shift), np.full(n, 100.0 * dose), np.zeros(n, dtype=int), np.zeros(n)),
    )


def run(samples, doses, shift=0.0, tau=None):
    return analyse(samples, doses, [(shift, INF), (shift, shift + 24)], Settings(tau=tau))


def same(a, b, powers=None, factor=1.0):
    for code in CODES:
        here = a.stands[code]
        assert np.array_equal(a.reason[code][here], b.reason[code][here]), code
        scale = factor ** (powers or {}).get(code, 0)
        assert b.value[code][here] == pytest.approx(a.value[code][here] * scale, rel=1e-9, nan_ok=True), code


@pytest.mark.parametrize("tau", [None, 24.0])
@given(PROFILES)
@settings(max_examples=40, deadline=None)
def test_doubling_concentrations_or_doses_changes_what_it_should_and_nothing_else(tau, profiles):
    plain = run(*made(profiles), tau=tau)
    same(plain, run(*made(profiles, conc=2), tau=tau), CONC_POWER, 2.0)
    same(plain, run(*made(profiles, dose=2), tau=tau), DOSE_POWER, 2.0)
    same(plain, run(*made(profiles, shift=128), 128, tau=tau))


@given(PROFILES, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_of_records_and_company_of_other_profiles_change_no_bit(profiles, random):
    samples, doses = made(profiles)
    order = list(range(len(samples.time)))
    random.shuffle(order)
    shuffled = Concentrations(*(getattr(samples, f)[order] for f in ("profile", "time", "conc", "excluded")))
    whole, again = run(samples, doses), run(shuffled, doses)
    alone = [run(*made([p])) for p in profiles]
    for code in CODES:
        assert whole.value[code].tobytes() == again.value[code].tobytes()
        assert whole.value[code].tobytes() == np.concatenate([a.value[code] for a in alone]).tobytes()


@pytest.mark.parametrize("method", ["linear", "lin-up-log-down", "lin-log"])
@given(PROFILES, st.sampled_from([1.5, 5.0, 8.0]))
@settings(max_examples=60, deadline=None)
def test_areas_of_adjoining_intervals_add_up_and_no_interval_changes_what_a_blq_is(method, profiles, middle):
    samples, doses = made(profiles)
    got = analyse(samples, doses, [(0, middle), (middle, 24), (0, 24)], Settings(method=method))
    parts = got.value["AUCINT"].reshape(-1, 3)
    whole = parts[~np.isnan(parts).any(axis=1)]
    assert whole[:, 0] + whole[:, 1] == pytest.approx(whole[:, 2], rel=1e-9, abs=1e-9)


def test_values_agree_with_one_another():
    rng = np.random.default_rng(11)
    profiles = 100 * np.exp(-0.1 * np.array(TIMES)) * rng.lognormal(0, 0.8, (300, len(TIMES)))
    profiles[rng.random(profiles.shape) < 0.15] = 0
    profiles[rng.random(profiles.shape) < 0.1] = np.nan
    for tau in (None, 24.0):
        got = run(*made(profiles.tolist()), tau=tau)
        v = {c: np.where(got.stands[c], x, np.nan) for c, x in got.value.items()}
        for low, high in (("AUCLST", "AUCIFO"), ("CMIN", "CMAX"), ("CMIN", "CAVG"), ("CMIN", "CTROUGH"), ("LAMZLL", "LAMZUL"),
                          ("TMAX", "LAMZLL"), ("R2ADJ", "R2"), ("CLST", "CMAX"), ("TMAX", "TLST"), ("CAVG", "CMAX")):
            both = ~np.isnan(v[low]) & ~np.isnan(v[high])
            assert (v[low][both] <= v[high][both] * (1 + 1e-12)).all(), (low, high)
        for code, stands in got.stands.items():
            assert (np.isnan(got.value[code]) == (got.reason[code] != 0))[stands].all(), code
            assert not (got.reason[code][stands] == Reason.UNDEFINED).any(), code


def test_every_code_is_one_of_cdisc_and_every_reason_has_words():
    known = load_terminology("SDTM", "2025-03-28").codelist("C85839")
    assert [c for c in CODES if c not in known] == []
    assert sorted(REASONS) == sorted(Reason) and len(set(REASONS.values())) == len(Reason)
    assert all(p.routes and set(p.routes) <= set(range(len(ROUTES))) for p in PARAMETERS)


def test_lambda_z_agrees_with_a_fit_of_each_set_one_by_one():
    rng = np.random.default_rng(7)
    for _ in range(100):
        conc = 100 * np.exp(-0.1 * np.array(TIMES)) * rng.lognormal(0, 0.3, len(TIMES))
        got = analyse(*made([conc]), [(0, INF)], Settings())
        later = [i for i in range(len(TIMES)) if i > int(conc.argmax())]
        fits = {}
        for n in range(3, len(later) + 1):
            x, y = np.array(TIMES, dtype=float)[later[-n:]], np.log(conc[later[-n:]])
            slope, _ = np.polyfit(x, y, 1)
            r2 = np.corrcoef(x, y)[0, 1] ** 2
            if slope < 0:
                fits[n] = (1 - (1 - r2) * (n - 1) / (n - 2), -slope)
        near = [n for n in fits if fits[n][0] >= max(f[0] for f in fits.values()) - 0.0001]
        if near:
            assert got.value["LAMZNPT"][0] == max(near)
            assert got.value["LAMZ"][0] == pytest.approx(fits[max(near)][1], rel=1e-9)
        else:
            assert got.reason["LAMZ"][0] in (Reason.FEW_POINTS, Reason.NOT_FALLING)
