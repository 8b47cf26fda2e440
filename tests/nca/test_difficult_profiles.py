"""Profiles that need a rule, each computed by hand."""

import math

import pytest

from tests.nca.made_up import INF, MISS, profile, said, slope_times

LN2 = math.log(2)


def test_blq_counts_by_its_position():
    # BLQ at 0 and 1 count as 0; between measurable (3 h) and after them (8, 12 h) they count as absent
    got = said(*profile({0: 0, 1: 0, 2: 8, 3: 0, 4: 4, 6: 2, 8: 0, 12: 0}))
    assert (got["CMAX"], got["TMAX"], got["CLST"], got["TLST"]) == (8, 2, 2, 6)
    assert got["AUCLST"] == pytest.approx(0 + 4 + 4 / LN2 * 2 + 2 / LN2 * 2)
    assert got["AUCALL"] == got["AUCLST"]


def test_blq_keeps_its_position_whatever_the_interval():
    # 3 h lies between two measurable of the dose, also for an interval that begins after the first of them
    run = profile({0: 0, 2: 8, 3: 0, 4: 4, 6: 2, 8: 0})
    assert said(*run, interval=(2.5, 6))["AUCINT"] == pytest.approx(8 / 2**0.25 / LN2 * 2 - 2 / LN2 * 2)
    assert said(*run, interval=(7, 8))["CMAX"] == "NO MEASURABLE CONCENTRATION"


def test_blq_may_be_kept_dropped_or_given_a_number():
    run = profile({0: 0, 1: 0, 2: 8, 3: 0, 4: 4, 6: 2, 8: 0})
    # kept in the middle: 8 to 0 and 0 to 4 are straight lines
    assert said(*run, blq_middle="keep")["AUCLST"] == pytest.approx(4 + 4 + 2 + 2 / LN2 * 2)
    # kept at the end: the last measurable stays 2 at 6 h, AUCALL adds the line down to 0 at 8 h
    kept = said(*run, blq_last="keep")
    assert (kept["CLST"], kept["AUCALL"] - kept["AUCLST"]) == (2, pytest.approx(2))
    # a number at the start: 0.5 at 0 and 1 h, then up to 8
    assert said(*run, blq_first=0.5)["AUCLST"] == pytest.approx(0.5 + 4.25 + 4 / LN2 * 2 + 2 / LN2 * 2)
    # dropped at the start: nothing was given before, so the curve begins at 0
    assert said(*run, blq_first="drop")["AUCLST"] == pytest.approx(8 + 4 / LN2 * 2 + 2 / LN2 * 2)


def test_of_tied_maxima_the_first_is_tmax_and_the_second_may_be_of_lambda_z():
    tied = profile({0: 0, 1: 8, 2: 8, 4: 4, 6: 2})
    assert said(*tied)["TMAX"] == 1
    assert slope_times(*tied) == [2, 4, 6]
    assert said(*tied)["LAMZ"] == pytest.approx(LN2 / 2)


def test_fewer_than_three_points_after_tmax_give_no_slope_and_no_area_to_infinity():
    got = said(*profile({0: 0, 1: 4, 2: 8, 4: 4, 6: 2}))
    assert got["AUCLST"] == pytest.approx(2 + 6 + 4 / LN2 * 2 + 2 / LN2 * 2)
    for code in ("LAMZ", "LAMZHL", "LAMZNPT", "R2ADJ", "AUCIFO", "AUCPEO", "CLFO", "VZFO"):
        assert got[code] == "TOO FEW POINTS FOR LAMBDA Z", code
    assert said(*profile({0: 0, 1: 4, 2: 8, 4: 4, 6: 2}), tmax_in_slope=True)["LAMZ"] == pytest.approx(LN2 / 2)


def test_a_rising_terminal_phase_has_no_slope():
    assert said(*profile({0: 0, 1: 8, 2: 2, 4: 3, 6: 4}))["LAMZ"] == "TERMINAL CONCENTRATIONS DO NOT FALL"
    assert said(*profile({0: 0, 1: 8, 2: 3, 4: 3, 6: 3}))["LAMZ"] == "TERMINAL CONCENTRATIONS DO NOT FALL"


def test_the_set_with_the_best_adjusted_r2_wins_and_more_points_on_a_tie():
    # 4 to 24 h lie on one line; 3 h lies above it: four points fit exactly, five do not
    line = {4: 64.0, 8: 32.0, 16: 8.0, 24: 2.0}
    assert slope_times(*profile({0: 0, 1: 300, 3: 200, **line})) == [4, 8, 16, 24]
    # 3 h lies so near the line that five points are within 0.0001 of the best
    near = profile({0: 0, 1: 300, 3: 77.0, **line})
    assert slope_times(*near) == [3, 4, 8, 16, 24]
    assert slope_times(*near, tolerance=1e-6) == [4, 8, 16, 24]


def test_adjusted_r2_by_hand():
    # ln c = 3, 2, 0 at 1, 2, 3 h after Tmax: slope -1.5, R2 = 4.5/(14/3) = 27/28, adjusted 1 - (1/28) x 2/1
    got = said(*profile({0: 100, 1: math.exp(3), 2: math.exp(2), 3: 1.0}))
    assert (got["LAMZ"], got["R2"], got["R2ADJ"]) == pytest.approx((1.5, 27 / 28, 26 / 28))
    assert (got["LAMZLL"], got["LAMZUL"], got["LAMZSPN"]) == pytest.approx((1, 3, 2 * 1.5 / LN2))
    # line at 3 h: mean 5/3 - 1.5 = 1/6
    assert got["AUCIFP"] - got["AUCLST"] == pytest.approx(math.exp(1 / 6) / 1.5)


def test_a_sample_kept_out_of_lambda_z_stays_in_the_area():
    points = {0: 0, 1: 300, 4: 64.0, 8: 40.0, 16: 8.0, 24: 2.0}
    assert slope_times(*profile(points, excluded=[8])) == [4, 16, 24]
    assert said(*profile(points, excluded=[8]))["AUCLST"] == said(*profile(points))["AUCLST"]


FALL = {0: 0, 1: 256, 4: 64.0, 8: 32.0, 12: 16.0}  # halves every 4 h from 4 h on


def test_a_late_sample_is_interpolated_to_the_end_of_the_interval():
    # 24 h was drawn at 26 h: falling, so the logarithm is interpolated, c(24) = 2 x 2^(2/4)
    late = profile({**FALL, 26: 16 * 2 ** (-14 / 4)})
    to_24 = said(*late, interval=(0, 24))["AUCINT"]
    exact = 128 + (256 - 64) / math.log(4) * 3 + (64 - 16 * 2 ** (-12 / 4)) / (LN2 / 4)
    assert to_24 == pytest.approx(exact, rel=1e-12)


def test_an_end_between_rising_samples_is_interpolated_on_the_straight_line():
    assert said(*profile({0: 0, 2: 8, 4: 4}), interval=(0, 1.5))["AUCINT"] == pytest.approx(4.5)


def test_an_early_sample_is_extended_by_lambda_z_when_the_gap_allows_it():
    early = profile({**FALL, 22: 16 * 2 ** (-10 / 4)})
    exact = 128 + (256 - 64) / math.log(4) * 3 + (64 - 16 * 2 ** (-12 / 4)) / (LN2 / 4)
    assert said(*early, interval=(0, 24))["AUCINT"] == pytest.approx(exact, rel=1e-12)
    assert said(*early, interval=(0, 24), gap=1)["AUCINT"] == "NO CONCENTRATION AT THE END OF THE INTERVAL"
    # the last measurable at 12 h is too far from 24 h
    assert said(*profile({**FALL, 24: 0}), interval=(0, 24))["AUCINT"] == "NO CONCENTRATION AT THE END OF THE INTERVAL"


def test_an_unacceptable_slope_extends_nothing():
    poor = profile({0: 0, 1: 256, 4: 64.0, 8: 10.0, 12: 30.0, 22: 8.0})
    assert isinstance(said(*poor, interval=(0, 24))["AUCINT"], float)
    assert said(*poor, interval=(0, 24), min_r2adj=0.9)["AUCINT"] == "NO CONCENTRATION AT THE END OF THE INTERVAL"


def test_a_missing_predose_counts_as_nothing_yet_after_the_first_dose():
    assert said(*profile({0: MISS, 2: 8, 4: 4}))["AUCLST"] == pytest.approx(8 + 4 / LN2 * 2)
    assert said(*profile({2: 8, 4: 4}))["AUCLST"] == pytest.approx(8 + 4 / LN2 * 2)


def test_the_start_after_a_first_dose_is_0_only_where_nothing_measurable_was_drawn_before_it():
    unknown = "NO CONCENTRATION AT THE START OF THE INTERVAL"
    after = {2: 8.0, 4: 4.0}
    area = 8 + 4 / LN2 * 2
    assert said(*profile({-2: 0, **after}))["AUCLST"] == pytest.approx(area)
    got = said(*profile({-2: 1, **after}))
    assert got["AUCLST"] == got["AUCIFO"] == unknown and got["CMAX"] == 8
    # a later sample below the limit, but at most 1 h before the dose, is the start
    assert said(*profile({-2: 1, -0.5: 0, **after}))["AUCLST"] == pytest.approx(area)
    # and so is the measurable one, where 2 h before the dose is near enough: (1 + 8) / 2 x 2 h, 1 more
    assert said(*profile({-2: 1, **after}), predose=2)["AUCLST"] == pytest.approx(area + 1)


def test_a_missing_predose_at_steady_state_is_the_lowest_of_the_interval():
    # lowest within tau is 2 at 24 h; linear up from 2 to 8
    got = said(*profile({1: 8, 12: 4, 24: 2}), tau=24)
    assert got["AUCTAU"] == pytest.approx(5 + 4 / LN2 * 11 + 2 / LN2 * 12)
    assert (got["CMIN"], got["CTROUGH"], got["TMIN"]) == (2, 2, 24)
    assert got["FLUCP"] == pytest.approx(100 * 6 / (got["AUCTAU"] / 24))
    assert got["CLFTAU"] == pytest.approx(100 / got["AUCTAU"])


def test_a_predose_sample_drawn_before_the_dose_counts_as_drawn_at_it():
    got = said(*profile({-0.25: 2, 1: 8, 12: 4, 24: 2}), tau=24)
    assert got["AUCTAU"] == pytest.approx(5 + 4 / LN2 * 11 + 2 / LN2 * 12)
    # two hours before it does not: the predose is then the lowest of the interval
    assert said(*profile({-2: 1, 1: 8, 12: 4, 24: 2}), tau=24)["AUCTAU"] == pytest.approx(got["AUCTAU"])


def test_all_blq():
    got = said(*profile({0: 0, 1: 0, 2: 0}))
    assert set(got.values()) == {"NO MEASURABLE CONCENTRATION"}
    assert set(said(*profile({0: MISS, 1: MISS})).values()) == {"NO MEASURABLE CONCENTRATION"}
    assert set(said(*profile({0: 3, 1: 4}), interval=(6, 9)).values()) == {"NO SAMPLE IN THE INTERVAL"}


def test_a_single_point():
    got = said(*profile({2: 8}))
    assert (got["CMAX"], got["TMAX"], got["CLST"], got["AUCLST"]) == (8, 2, 8, 8)
    assert got["LAMZ"] == "TOO FEW POINTS FOR LAMBDA Z"
    assert said(*profile({0: 8}), interval=(0, INF))["AUCLST"] == "TOO FEW MEASURABLE CONCENTRATIONS AFTER THE DOSE"


def test_too_few_measurable_leave_cmax_and_tmax_alone():
    got = said(*profile({0: 0, 1: 8, 2: 4, 3: 2}), min_measurable=4)
    assert [c for c, v in got.items() if isinstance(v, float)] == ["CMAX", "TMAX"]
    assert {v for v in got.values() if isinstance(v, str)} == {"TOO FEW MEASURABLE CONCENTRATIONS AFTER THE DOSE"}


def test_limits_of_acceptance():
    poor = profile({0: 0, 1: 256, 4: 64.0, 8: 10.0, 12: 30.0, 24: 8.0})
    got = said(*poor, min_r2adj=0.8)
    assert isinstance(got["R2ADJ"], float) and got["R2ADJ"] < 0.8
    for code in ("LAMZ", "LAMZHL", "AUCIFO", "AUCPEO", "CLFO", "VZFO"):
        assert got[code] == "ADJUSTED R2 BELOW THE LIMIT"
    short = said(*profile({**FALL, 16: 8.0}), max_extrapolated=1)
    assert short["AUCIFO"] == "EXTRAPOLATED AREA ABOVE THE LIMIT" and isinstance(short["AUCPEO"], float)
    assert isinstance(short["LAMZ"], float)
    assert said(*profile(FALL), min_span=10)["LAMZ"] == "SPAN OF LAMBDA Z BELOW THE LIMIT"


# -- doses


def test_times_count_from_the_dose_before_the_interval():
    got = said(*profile({0: 0, 1: 8, 24: 1, 25: 9, 28: 4.5, 31: 2.25, 34: 1.125}, [(0, 100), (24, 100)]), interval=(24, INF))
    assert (got["TMAX"], got["TLST"], got["LAMZ"]) == pytest.approx((1, 10, LN2 / 3))
    assert got["AUCLST"] == pytest.approx(5 + (9 - 1.125) / (LN2 / 3))
    assert got["CLFO"] == "CONCENTRATION MAY BE LEFT FROM AN EARLIER DOSE"


def test_a_dose_after_everything_has_gone_is_as_good_as_the_first():
    got = said(*profile({0: 0, 1: 8, 96: 0, 97: 9, 100: 4.5, 103: 2.25, 106: 1.125}, [(0, 100), (96, 50)]), interval=(96, INF))
    assert got["CLFO"] == pytest.approx(50 / got["AUCIFO"])


def test_the_next_dose_ends_an_open_interval():
    got = said(*profile({0: 0, 1: 8, 12: 2, 24: 1, 25: 9}, [(0, 100), (24, 100)]))
    assert (got["CMAX"], got["TLST"]) == (8, 24)


def test_an_area_over_several_doses_gives_no_clearance():
    got = said(*profile({0: 0, 1: 8, 12: 2, 24: 1, 25: 9, 48: 1}, [(0, 100), (24, 100)]), interval=(0, 48))
    assert got["AUCINT"] == pytest.approx(4 + 6 / math.log(4) * 11 + 1 / LN2 * 12 + 5 + 8 / math.log(9) * 23)
    assert got["AUCINTD"] == "FURTHER DOSE IN THE INTERVAL"


NO_DOSE = "NO DOSE AT OR BEFORE THE START OF THE INTERVAL"


@pytest.mark.parametrize("dose", [5, 12, 0.001])
@pytest.mark.parametrize("interval", [(0, INF), (0, 24), (0, 3)])
@pytest.mark.parametrize("tau", [None, 24])
def test_without_a_dose_at_or_before_its_start_an_interval_reports_nothing(dose, interval, tau):
    # 100 at 0 h halves every hour: without the reason it would look like a bolus at 0 h
    run = profile({t: 100 * 2.0**-t for t in (0, 1, 2, 3, 4, 6, 8, 24)}, [(dose, 100)])
    got = said(*run, interval=interval, tau=tau)
    assert {"CMAX", "TMAX", "AUCLST" if interval[1] == INF else "AUCINT"} <= set(got)
    assert set(got.values()) == {NO_DOSE}
    assert slope_times(*run, interval=interval, tau=tau) == []


def test_a_profile_without_any_dose_reports_nothing_either():
    assert set(said(*profile({0: 1, 1: 8, 3: 4, 5: 2, 7: 1}, [])).values()) == {NO_DOSE}


def test_the_interval_that_starts_at_the_dose_has_its_curve_whatever_was_asked_before_it():
    run = profile({0: 0, 4: 0, 6: 8, 7: 4, 8: 2, 9: 1}, [(5, 100)])
    got = said(*run, interval=(5, INF))
    assert (got["CMAX"], got["TMAX"], got["LAMZ"]) == pytest.approx((8, 1, LN2))
    assert got["AUCLST"] == pytest.approx(4 + 7 / LN2)
    assert set(said(*run, interval=(4.9, INF)).values()) == {NO_DOSE}


def test_what_is_not_reported_without_a_dose_follows_the_route_of_the_dose_to_come():
    got = said(*profile({0: 1, 1: 8}, [(5, 100)], "bolus"))
    assert got["CLO"] == got["C0"] == NO_DOSE and "CLFO" not in got


def test_a_dose_not_known_or_zero_gives_no_clearance():
    assert said(*profile({0: 0, 1: 8, 3: 4, 5: 2, 7: 1}, [(0, MISS)]))["CLFO"] == "DOSE NOT KNOWN OR 0"
    assert said(*profile({0: 0, 1: 8, 3: 4, 5: 2, 7: 1}, [(0, 0)]))["CMAXD"] == "DOSE NOT KNOWN OR 0"


def test_an_interval_that_begins_between_two_samples_begins_on_the_curve():
    got = said(*profile({0: 0, 2: 8, 4: 4, 6: 2}), interval=(3, 6))
    # c(3) = 8 x 2^-0.5
    assert got["AUCINT"] == pytest.approx((8 / math.sqrt(2) - 2) / (LN2 / 2))
    assert got["CMAX"] == 4


@pytest.mark.parametrize(("points", "c0", "why"), [
    ({1: 8, 3: 2, 5: 1}, 16, "back on the line of the first two"),
    ({1: 8, 3: 9, 5: 1}, 8, "they do not fall: the first"),
    ({1: 8, 3: 8, 5: 1}, 8, "they do not fall: the first"),
    ({1: 8}, 8, "there is one only"),
    ({0: 20, 1: 8, 3: 2}, 20, "measured at the first dose"),
    ({0: 0, 1: 8, 3: 2}, 16, "nothing at the dose yet: the sample was drawn before it"),
    ({1: 0, 2: 8, 4: 2}, 32, "BLQ before the first measurable does not count"),
])
def test_c0_of_a_bolus(points, c0, why):
    assert said(*profile(points, route="bolus"))["C0"] == pytest.approx(c0), why


def test_c0_of_a_later_bolus_is_never_the_sample_before_it():
    got = said(*profile({0: 16, 1: 8, 24: 5, 25: 8, 27: 2}, [(0, 100), (24, 100)], "bolus"), interval=(24, INF))
    assert got["C0"] == pytest.approx(16)
    assert got["AUCLST"] == pytest.approx((16 - 2) / LN2)


def test_lin_log_knows_the_tmax_that_lies_before_an_interval():
    """Past Tmax at 2 h all segments are logarithmic, also those of an interval from 3 h on."""
    run = profile({0: 0, 2: 8, 4: 4, 6: 2})
    first, second, whole = (said(*run, interval=i, method="lin-log")["AUCINT"] for i in ((0, 3), (3, 6), (0, 6)))
    at3 = 8 * 0.5**0.5
    assert second == pytest.approx((at3 - 4) / math.log(at3 / 4) + (4 - 2) / LN2 * 2, rel=1e-12)
    assert first + second == pytest.approx(whole, rel=1e-12)
