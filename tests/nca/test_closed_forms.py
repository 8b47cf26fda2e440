"""Profiles whose answer is known in closed form."""

import math

import numpy as np
import pytest

from tests.nca.made_up import INF, profile, said

KE, KA, V, DOSE = 0.1, 1.2, 250.0, 100_000.0
DENSE = np.unique(np.concatenate([np.linspace(0, 24, 4801), np.linspace(24, 240, 2161)]))


def oral(t):
    return DOSE / V * KA / (KA - KE) * (np.exp(-KE * t) - np.exp(-KA * t))


def bolus(t):
    return DOSE / V * np.exp(-KE * t)


def infused(t, length=2.0):
    rate = DOSE / length / (V * KE)
    return np.where(t <= length, rate * (1 - np.exp(-KE * t)), rate * (math.exp(KE * length) - 1) * np.exp(-KE * t))


def points(f, times):
    return {float(t): float(c) for t, c in zip(times, f(np.asarray(times)), strict=True)}


def test_a_bolus_is_exact_at_any_sampling_because_its_fall_is_logarithmic():
    got = said(*profile(points(bolus, [0.25, 1, 3, 7, 24]), [(0, DOSE)], "bolus"))
    exact = {"C0": DOSE / V, "LAMZ": KE, "LAMZHL": math.log(2) / KE, "CLO": KE * V, "VZO": V, "VSSO": V,
             "AUCIFO": DOSE / (KE * V), "AUCIFP": DOSE / (KE * V), "AUCLST": DOSE / (KE * V) * (1 - math.exp(-2.4)),
             "AUMCIFO": DOSE / V / KE**2, "MRTIBIFO": 1 / KE, "AUCPEO": 100 * math.exp(-2.4),
             "AUCPBEO": 100 * (1 - math.exp(-0.025)), "R2ADJ": 1.0, "CORRXY": -1.0, "LAMZNPT": 4}
    assert {c: got[c] for c in exact} == pytest.approx(exact, rel=1e-12)


def test_a_bolus_is_exact_from_c0_on_when_areas_are_logarithmic_after_tmax():
    # the first sample, at 0.25 h, is Tmax; C0 lies above it, so the way down to it is logarithmic too
    run = profile(points(bolus, [0.25, 1, 3, 7, 24]), [(0, DOSE)], "bolus")
    whole = DOSE / (KE * V)
    got = said(*run, method="lin-log")
    exact = {"AUCLST": whole * (1 - math.exp(-2.4)), "AUCIFO": whole, "AUCPBEO": 100 * (1 - math.exp(-0.025)),
             "AUMCIFO": whole / KE, "TMAX": 0.25, "LAMZ": KE, "LAMZNPT": 4}
    assert {c: got[c] for c in exact} == pytest.approx(exact, rel=1e-12)
    for end in (0.1, 0.25, 5):  # before, at and after the first sample
        area = said(*run, interval=(0, end), method="lin-log")["AUCINT"]
        assert area == pytest.approx(whole * (1 - math.exp(-KE * end)), rel=1e-12)


def test_a_bolus_whose_c0_lies_below_its_highest_sample_stays_linear_to_tmax():
    # C0 is the first sample, 8, as 8 and 9 do not fall; Tmax is 3 h
    got = said(*profile({1: 8, 3: 9, 5: 3}, route="bolus"), method="lin-log")
    assert got["C0"] == 8 and got["AUCLST"] == pytest.approx(8 + 17 + 6 / math.log(3) * 2, rel=1e-14)


def test_an_oral_dose_sampled_densely():
    got = said(*profile(points(oral, DENSE), [(0, DOSE)]))
    tmax = math.log(KA / KE) / (KA - KE)
    assert got["AUCIFO"] == pytest.approx(DOSE / (KE * V), rel=1e-6)
    assert got["CLFO"] == pytest.approx(KE * V, rel=1e-6)
    assert got["MRTEVIFO"] == pytest.approx(1 / KE + 1 / KA, rel=1e-5)
    assert got["CMAX"] == pytest.approx(float(oral(np.array(tmax))), rel=1e-6)
    assert got["TMAX"] == pytest.approx(tmax, abs=0.0026)


def test_terminal_points_of_an_oral_dose_give_its_half_life_and_volume():
    late = [0, 1, 2, 4, 120, 140, 160]
    got = said(*profile(points(oral, late), [(0, DOSE)]), min_points=3)
    # the set of the last three has R2 1 and so has, within 0.0001, that of the last four or more
    line = said(*profile(points(oral, late), [(0, DOSE)], excluded=[4]))
    assert line["LAMZ"] == pytest.approx(KE, rel=1e-9) and line["LAMZNPT"] == 3
    assert got["LAMZNPT"] == 4 and got["LAMZ"] == pytest.approx(KE, rel=2e-3)
    assert said(*profile(points(oral, DENSE), [(0, DOSE)], excluded=DENSE[DENSE < 100]))["VZFO"] == pytest.approx(V, rel=1e-6)


def test_an_infusion_counts_half_its_duration_and_no_slope_while_it_runs():
    times = np.unique(np.concatenate([np.linspace(0, 2, 2001), [3, 5, 8, 12, 24]]))
    got = said(*profile(points(infused, times), [(0, DOSE)], "infusion", 2.0))
    exact = {"AUCIFO": DOSE / (KE * V), "CLO": KE * V, "VZO": V, "MRTICIFO": 1 / KE, "VSSO": V, "LAMZ": KE}
    assert {c: got[c] for c in exact} == pytest.approx(exact, rel=1e-6)
    assert got["TMAX"] == 2 and got["LAMZLL"] == 3


def test_steady_state_gives_the_clearance_of_the_interval():
    whole = KE * V

    def steady(t):
        return DOSE / V * np.exp(-KE * t) / (1 - math.exp(-KE * 24))

    got = said(*profile({**points(steady, [144.5, 150, 156, 162, 168]), 144.0: steady(24.0)}
                        | {t: float(steady(t - 144)) for t in (144.5, 150, 156, 162, 168)},
                        [(0, DOSE), (120, DOSE), (144, DOSE)], "bolus"), interval=(144, INF), tau=24)
    exact = {"AUCTAU": DOSE / whole, "CLTAU": whole, "VZTAU": V, "CAVG": DOSE / whole / 24, "LAMZ": KE,
             "CTROUGH": float(steady(24)), "CMIN": float(steady(24)), "C0": float(steady(0))}
    assert {c: got[c] for c in exact} == pytest.approx(exact, rel=1e-9)
    assert got["TMAX"] == 0.5 and "CLO" not in got


@pytest.mark.parametrize(("method", "area"), [("linear", 16.0), ("lin-up-log-down", 4 + 4 / math.log(2) * 2),
                                              ("lin-log", 4 + 4 / math.log(2) * 2)])
def test_the_three_methods_on_a_triangle(method, area):
    # 0 at 0 h, 8 at 1 h, 4 at 3 h: linear 4 + 12; log down (8 - 4) / ln(8/4) x 2
    assert said(*profile({0: 0, 1: 8, 3: 4}), method=method)["AUCLST"] == pytest.approx(area, rel=1e-14)


def test_linear_to_tmax_and_logarithmic_after_it_differs_where_the_curve_rises_again():
    double = profile({0: 0, 1: 8, 2: 2, 3: 6, 4: 1})
    down = 4 + 6 / math.log(4) + 4 + 5 / math.log(6)
    after = 4 + 6 / math.log(4) + 4 / math.log(3) + 5 / math.log(6)
    assert said(*double)["AUCLST"] == pytest.approx(down, rel=1e-14)
    assert said(*double, method="lin-log")["AUCLST"] == pytest.approx(after, rel=1e-14)


def test_nearly_equal_concentrations_lose_no_digit_of_the_area():
    got = said(*profile({0: 0, 1: 100.0, 2: 100.0 * (1 - 1e-13), 3: 50}))
    assert got["AUCLST"] == pytest.approx(50 + 100 + 50 / math.log(2), rel=1e-12)
    flat = [said(*profile({0: 0, 1: 100.0, 11: 100.0 * (1 - x)}))["AUMCLST"] for x in (1e-9, 0.049, 0.051)]
    expected = [100 / 2 * 2 / 3]  # the rising part: integral of t x 100 t from 0 to 1
    for x, value in zip((1e-9, 0.049, 0.051), flat, strict=True):
        k = -math.log1p(-x) / 10
        fall = 100 * 99 / 2 * 1.0 if x == 1e-9 else None
        whole = fall if fall else (1 * 100 - 11 * 100 * (1 - x)) / k + (100 * x) / k**2
        # from 1 to 11 h at 100: 100 x (121 - 1) / 2
        assert value == pytest.approx(expected[0] + (6000 if fall else whole), rel=1e-8)
