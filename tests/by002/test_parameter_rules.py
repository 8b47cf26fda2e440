"""PP and ADPP by BY002's own specs on made-up profiles: acceptance, reasons, steady state, ratios, flags.

A full profile halves every 4 hours from its peak at 2 h (5 h for one drawn late), 100 mg a day from Day 1 at 08:00.
"""

import math
import re

import pandas as pd
import pytest

from tests.by002.made_up import SPECS, build_from, iso
from tests.by002.test_concentration_rules import ADSL, CM, EX, HOURS, PC, sample

LN2 = math.log(2)
PP = re.sub(r"^  EPOCH:.*\n", "", (SPECS / "sdtm" / "pp.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE)
FULL = {"PREDOSE": "BLQ", "1H": 50, "2H": 160, "4H": 80, "6H": 56.57, "8H": 40, "12H": 20, "24H": 2.5}
STEADY = {**FULL, "PREDOSE": 2.5}


def profile(subject, visit="C1D1", results=None, *, test="BY002", late=0, **options):
    """The samples of a profile; the 24 h sample so many minutes late."""
    results = results if results is not None else FULL if visit == "C1D1" else STEADY
    return [
        sample(subject, visit, p, r, test=test, minutes=late if p == "24H" else 5 if p == "PREDOSE" else 0, **options)
        for p, r in results.items()
    ]


def parameters_of(samples, folder, *, ex=None):
    """{(subject, profile, code): record of ADPP}."""
    subjects = list(dict.fromkeys(s["SUBJECT"] for s in samples))
    person = {
        "SUBJID": "1", "SITEID": "01", "TRT01P": "A", "TRT01A": "A", "TRTSDT": iso(1), "TRTEDT": iso(60),
        "TRTSDTM": f"{iso(1)}T08:00", "TRTSTMF": None, "SAFFL": "Y", "PKFL": "Y", "DOSE01P": "100",
    }  # fmt: skip
    given = {s: [{"SUBJECT": s, "EXSTDTC": iso(1), "EXENDTC": None, "EXDOSE": "100"}] for s in subjects} | (ex or {})
    records = {
        "adsl": [{"SUBJECT": s, **person} for s in subjects] + [{**person, "SUBJECT": "nobody", "SAFFL": "N"}],
        "pc": samples,
        "ex": [r for rows in given.values() for r in rows],
        "cm": [{"SUBJECT": "nobody", "CMTRT": "X", "CMSTDTC": None, "CMENDTC": None, "CMCYP3A": None}],
    }
    written = {"adam/adsl": ADSL, "sdtm/pc": PC, "sdtm/ex": EX, "sdtm/cm": CM, "sdtm/pp": PP}
    datasets, issues = build_from(folder, ("adpc", "cyp3a", "nca", "adpp"), written, records)
    assert not [i for i in issues if i.severity != "info"], issues
    rows = datasets["ADPP"]
    return {(r["USUBJID"], r["PPGRPID"], r["PARAMCD"]): r for r in rows.to_dict("records")}


CASES = {
    "full": profile("full"),
    "late": profile("late", results={**FULL, "24H": 2}, late=90),
    "early": profile("early", results={**FULL, "24H": 3}, late=-90),
    "short": profile("short", results={**FULL, "24H": "BLQ"}),
    "three": profile("three", results={"PREDOSE": "BLQ", "1H": 50, "2H": 160, "4H": 80, "6H": "BLQ"}),
    "two_after": profile("two_after", results={"PREDOSE": "BLQ", "1H": 50, "2H": 80, "4H": 90, "6H": 160, "12H": 80, "24H": 10}),
    "poor": profile("poor", results={**FULL, "4H": 30, "6H": 100, "8H": 20, "12H": 90, "24H": 40}),
    "slow": profile("slow", results={"PREDOSE": "BLQ", "1H": 50, "2H": 160, "4H": 150, "6H": 141, "8H": 133, "12H": 118, "24H": 82}),
    "all_blq": profile("all_blq", results=dict.fromkeys(FULL, "BLQ")),
    "carried": profile("carried", results={**FULL, "PREDOSE": 9}),
    "no_time": profile("no_time", timed=False),
}


@pytest.fixture(scope="module")
def got(tmp_path_factory):
    return parameters_of([s for rows in CASES.values() for s in rows], tmp_path_factory.mktemp("single"))


def values(got, subject, *codes, group="BY002 C1D1"):
    return [got[subject, group, c]["AVAL"] for c in codes]


def reason(got, subject, code, group="BY002 C1D1"):
    row = got[subject, group, code]
    assert pd.isna(row["AVAL"]) and row["PPSTAT"] == "NOT DONE" and pd.isna(row["ANL01FL"])
    return row["ANL01RS"]


def test_a_full_profile_by_hand(got):
    # 0-1 h 25, 1-2 h 105, then from 160 to 2.5 with a half-life of 4 h from 4 h on (80 at 4 h: 2 h half-life before)
    to_4, after = 25 + 105 + 80 / LN2 * 2, (80 - 2.5) / (LN2 / 4)
    assert values(got, "full", "CMAX", "TMAX", "CLST", "TLST") == [160, 2, 2.5, 24]
    assert values(got, "full", "LAMZHL", "LAMZNPT", "LAMZLL", "LAMZUL") == pytest.approx([4, 5, 4, 24], rel=1e-4)
    assert values(got, "full", "AUCLST", "AUCINT") == pytest.approx([to_4 + after] * 2, rel=1e-4)
    infinity = to_4 + after + 2.5 / (LN2 / 4)
    assert values(got, "full", "AUCIFO", "CLFO", "VZFO", "AUCPEO") == pytest.approx(
        [infinity, 100_000 / infinity, 100_000 / infinity / (LN2 / 4), 100 * 2.5 / (LN2 / 4) / infinity], rel=1e-4)
    assert values(got, "full", "CMAXD", "AUCIFOD") == pytest.approx([1.6, infinity / 100], rel=1e-4)
    assert all(r["ANL01FL"] == "Y" for (who, _, _), r in got.items() if who == "full")
    assert got["full", "BY002 C1D1", "CMAX"]["AVALU"] == "ng/mL" and got["full", "BY002 C1D1", "LAMZ"]["AVALU"] == "/h"


def test_values_have_six_significant_digits(got):
    assert got["full", "BY002 C1D1", "VZFO"]["AVAL"] == float(f"{got['full', 'BY002 C1D1', 'VZFO']['AVAL']:.6g}")


def test_a_late_24_hour_sample_is_interpolated_and_an_early_one_extended(got):
    before = 25 + 105 + 80 / LN2 * 2 + (80 - 20) / (LN2 / 4)
    at_24 = 20 * (2 / 20) ** (12 / 13.5)
    [late] = values(got, "late", "AUCINT")
    assert late == pytest.approx(before + (20 - at_24) / (math.log(20 / at_24) / 12), rel=1e-4)
    [early, last, slope] = values(got, "early", "AUCINT", "AUCLST", "LAMZ")
    assert early == pytest.approx(last + 3 * (1 - math.exp(-1.5 * slope)) / slope, rel=1e-4)


def test_24_hours_out_of_reach_is_not_reported(got):
    assert reason(got, "short", "AUCINT") == "NO CONCENTRATION AT 24 H"
    assert values(got, "short", "TLST") == [12]


def test_fewer_than_four_measurable_leave_cmax_and_tmax(got):
    rows = {c: r for (who, _, c), r in got.items() if who == "three"}
    assert {c for c, r in rows.items() if not pd.isna(r["AVAL"])} == {"CMAX", "TMAX"}
    assert reason(got, "three", "AUCLST") == "FEWER THAN 4 MEASURABLE POST-DOSE CONCENTRATIONS"


@pytest.mark.parametrize("subject", ["two_after", "poor"])
def test_without_lambda_z_what_needs_it_is_not_reported(got, subject):
    for code in ("LAMZ", "LAMZHL", "AUCIFO", "AUCPEO", "CLFO", "VZFO"):
        assert reason(got, subject, code) == "LAMBDA Z NOT ESTIMABLE", code
    assert all(v > 0 for v in values(got, subject, "CMAX", "AUCLST", "CLST", "AUCINT"))


def test_an_adjusted_r2_below_the_limit_is_reported_itself(got):
    [r2] = values(got, "poor", "R2ADJ")
    assert r2 < 0.8
    assert reason(got, "two_after", "R2ADJ") == "LAMBDA Z NOT ESTIMABLE"


def test_extrapolation_above_20_percent_is_reported_and_not_analysed(got):
    assert values(got, "slow", "AUCPEO")[0] > 20
    for code in ("AUCIFO", "AUCIFOD", "CLFO", "VZFO"):
        row = got["slow", "BY002 C1D1", code]
        assert row["AVAL"] > 0 and pd.isna(row["ANL01FL"]) and row["ANL01RS"] == "EXTRAPOLATED AREA ABOVE 20%"
    assert got["slow", "BY002 C1D1", "AUCINT"]["ANL01FL"] == got["slow", "BY002 C1D1", "AUCPEO"]["ANL01FL"] == "Y"


def test_a_span_below_two_half_lives_is_flagged_and_not_excluded(got):
    assert got["slow", "BY002 C1D1", "LAMZ"]["SPANFL"] == "Y" and got["slow", "BY002 C1D1", "LAMZ"]["ANL01FL"] == "Y"
    assert pd.isna(got["slow", "BY002 C1D1", "CMAX"]["SPANFL"])
    assert pd.isna(got["full", "BY002 C1D1", "LAMZ"]["SPANFL"])


def test_a_profile_without_a_measurable_concentration_and_one_with_too_much_before_the_dose(got):
    assert {r["ANL01RS"] for (who, _, _), r in got.items() if who == "all_blq"} == {"NO MEASURABLE CONCENTRATION"}
    assert {r["ANL01RS"] for (who, _, _), r in got.items() if who == "carried"} == {"PREDOSE>5% CMAX"}
    assert all(pd.isna(r["AVAL"]) for (who, _, _), r in got.items() if who in ("all_blq", "carried"))


def test_a_dose_without_a_time_gives_nominal_times_that_are_not_analysed(got):
    assert values(got, "no_time", "TMAX", "TLST") == [2, 24]
    assert values(got, "no_time", "AUCLST") == values(got, "full", "AUCLST")
    assert {r["ANL01RS"] for (who, _, _), r in got.items() if who == "no_time"} == {"TIME OF DOSE UNKNOWN"}


def ex(subject, *spans):
    return [{"SUBJECT": subject, "EXSTDTC": iso(a), "EXENDTC": iso(b), "EXDOSE": str(mg)} for a, b, mg in spans]


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    samples = []
    for who in ("regular", "missed", "changed", "earlier", "reduced"):
        samples += profile(who) + profile(who, "C1D15")
    samples += profile("undrawn") + profile("undrawn", "C1D15", {**STEADY, "PREDOSE": None})
    samples += profile("zero") + profile("zero", "C1D15", {**STEADY, "PREDOSE": "BLQ"})
    samples += profile("alone", "C1D15")
    samples += profile("pair") + profile("pair", test="BY002M1", results={p: r if r == "BLQ" else r / 2 for p, r in FULL.items()})
    samples += profile("few") + profile("few", test="BY002M1", results={"PREDOSE": "BLQ", "1H": 5, "2H": 4, "4H": 3})
    given = {
        "missed": ex("missed", (1, 12, 100), (14, 40, 100)),       # not on Day 13
        "changed": ex("changed", (1, 13, 100), (14, 14, 50), (15, 40, 100)),
        "earlier": ex("earlier", (1, 5, 100), (8, 11, 50), (12, 40, 100)),   # settled on Days 12 to 14
        "reduced": ex("reduced", (1, 5, 100), (6, 40, 50)),
    }  # fmt: skip
    return parameters_of(samples, tmp_path_factory.mktemp("steady"), ex=given)


DAY15 = "BY002 C1D15"


def test_steady_state_by_hand(steady):
    area = 26.25 + 105 + 80 / LN2 * 2 + (80 - 2.5) / (LN2 / 4)
    codes = ("AUCTAU", "CAVG", "CMIN", "CTROUGH", "FLUCP", "CLFTAU", "VZFTAU", "AUCTAUD")
    clearance = 100_000 / area
    assert values(steady, "regular", *codes, group=DAY15) == pytest.approx(
        [area, area / 24, 2.5, 2.5, 100 * 157.5 / (area / 24), clearance, clearance / (LN2 / 4), area / 100], rel=1e-4)
    first = values(steady, "regular", "AUCINT")[0]
    assert values(steady, "regular", "ARAUC", "ARCMAX", group=DAY15) == pytest.approx([area / first, 1], rel=1e-5)


def test_predose_at_steady_state_not_drawn_is_the_lowest_and_blq_is_0(steady):
    assert values(steady, "undrawn", "AUCTAU", group=DAY15) == values(steady, "regular", "AUCTAU", group=DAY15)
    assert values(steady, "zero", "CMIN", "CTROUGH", group=DAY15) == [0, 2.5]
    area = values(steady, "regular", "AUCTAU", group=DAY15)[0]
    assert values(steady, "zero", "AUCTAU", group=DAY15) == pytest.approx([area - 1.25], rel=1e-5)


@pytest.mark.parametrize(("subject", "analysed"), [
    ("regular", True), ("missed", False), ("changed", False), ("earlier", True), ("reduced", True)])
def test_a_dose_missed_or_changed_on_days_12_to_14_takes_day_15_out_of_the_analysis(steady, subject, analysed):
    rows = [r for (who, group, c), r in steady.items() if who == subject and group == DAY15 and not c.startswith("AR")]
    assert all(r["AVAL"] >= 0 for r in rows) and {r["ANL01FL"] == "Y" for r in rows} == {analysed}
    day_1 = [r for (who, group, _), r in steady.items() if who == subject and group == "BY002 C1D1"]
    assert {r["ANL01FL"] for r in day_1} == {"Y"}


def test_accumulation_is_not_reported_when_the_dose_differs_or_day_1_is_absent(steady):
    assert reason(steady, "reduced", "ARAUC", DAY15) == "DOSE DIFFERS BETWEEN THE DAYS"
    assert reason(steady, "reduced", "ARCMAX", DAY15) == "DOSE DIFFERS BETWEEN THE DAYS"
    assert reason(steady, "alone", "ARAUC", DAY15) == "PARAMETER OF THE RATIO NOT REPORTED"
    assert steady["reduced", DAY15, "CLFTAU"]["DOSEA"] == 50


def test_metabolite_ratios_are_molar_and_clearance_is_the_parents(steady):
    assert values(steady, "pair", "RACMAX", "RAAUCINT", group="BY002M1 C1D1") == pytest.approx([0.5 * 582.7 / 568.7] * 2, rel=1e-5)
    assert ("pair", "BY002M1 C1D1", "CLFO") not in steady and ("pair", "BY002 C1D1", "RACMAX") not in steady
    assert reason(steady, "few", "RACMAX", "BY002M1 C1D1") == "FEWER THAN 4 MEASURABLE POST-DOSE CONCENTRATIONS"


def test_every_time_point_of_the_made_up_profiles_is_one_of_the_schedule():
    assert set(FULL) <= set(HOURS)
