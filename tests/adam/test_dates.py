"""Numeric dates, their imputation and its flags, by tables that a clinician can check."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from adam.dates import AnalysisDay, Date, DateImputed, DateTime, Days, TimeImputed


def day(text):
    return None if text is None else (date.fromisoformat(text) - date(1960, 1, 1)).days


def shown(values):
    """SAS days as ISO dates."""
    origin = date(1960, 1, 1).toordinal()
    return [None if pd.isna(v) else date.fromordinal(int(v) + origin).isoformat() for v in values]


# Death: first day of the month or year, but the day after last known alive, within the period and the cut-off
DEATH = {"date": "DTC", "impute": "first", "unknown": "impute", "not_before": ["ALIVE + 1"],
         "not_after": "date('2026-03-31')"}  # fmt: skip


@pytest.mark.parametrize(
    ("dtc", "alive", "death", "flag", "why"),
    [
        ("2025-06-12", "2025-05-20", "2025-06-12", None, "a complete date stands"),
        ("2025-06-12", "2025-06-20", "2025-06-12", None, "and is never changed"),
        ("2025-06", "2025-05-20", "2025-06-01", "D", "day missing: the first of the month"),
        ("2025-06", "2025-06-09", "2025-06-10", "D", "known alive within the month: the day after"),
        ("2025", "2024-11-02", "2025-01-01", "M", "month missing: the first of January"),
        ("2025", "2025-06-09", "2025-06-10", "M", "known alive within the year: the day after"),
        ("2025---15", "2025-06-09", "2025-06-10", "M", "a day without its month counts as month missing"),
        (None, "2025-06-09", "2025-06-10", "Y", "nothing known: the day after last known alive"),
        (None, "2026-03-31", "2026-03-31", "Y", "not after the cut-off"),
        ("2026-03", "2026-03-31", "2026-03-31", "D", "not after the cut-off"),
        ("2025-06", None, "2025-06-01", "D", "never known alive: the first of the month"),
        (None, None, None, None, "nothing known at all"),
    ],
)
def test_death(look, dtc, alive, death, flag, why):
    at = look({"DTC": [dtc, "2025-01-01"], "ALIVE": [day(alive), 0.0]})
    found = Date(**DEATH).derive(at)
    assert shown(found)[0] == death, why
    at = look({"DTC": [dtc, "2025-01-01"], "DT": [None if pd.isna(found[0]) else found[0], 1.0]})
    assert DateImputed(of="DT", **{"from": "DTC"}).derive(at).fillna("")[0] == (flag or ""), why


def test_a_subject_known_alive_after_the_month_of_death_is_reported(look, issues):
    at = look({"DTC": ["2025-06"], "ALIVE": [day("2025-07-03")]})
    assert shown(Date(**DEATH).derive(at)) == ["2025-06-30"], "never outside the month that was collected"
    assert [s for s, m in issues(at) if "no day of DTC is left" in m] == ["warning"]


# OCCDS: first dose 2025-03-10, dead 2026-01-20
@pytest.mark.parametrize(
    ("start", "end", "imputed_start", "flag", "why"),
    [
        ("2025-03", None, "2025-03-10", "D", "month of first dose: the day of first dose"),
        ("2025-03", "2025-03-05", "2025-03-01", "D", "but it ended before the first dose"),
        ("2025-03", "2025-03-10", "2025-03-10", "D", "ended on the day of first dose"),
        ("2025-04", None, "2025-04-01", "D", "another month: the first"),
        ("2025-02", None, "2025-02-01", "D", "a month before the first dose: the first"),
        ("2025", None, "2025-03-10", "M", "year of first dose"),
        ("2025", "2025-02", "2025-01-01", "M", "ended before the first dose"),
        ("2024", None, "2024-01-01", "M", "another year"),
        (None, None, "2025-03-10", "Y", "nothing known: the day of first dose"),
        (None, "2025-01-31", None, None, "nothing known but that it ended before the first dose"),
        ("2025-03-12", "2025-03-11", "2025-03-12", None, "a complete date stands"),
    ],
)
def test_start_of_an_event(look, start, end, imputed_start, flag, why):
    columns = {"ASTDTC": [start, "2025-01-01"], "AENDTC": [end, "2025-01-01"], "TRTSDT": [day("2025-03-10")] * 2}
    ended = Date(date="AENDTC", impute="last").derive(look(columns))
    columns["AENDT"] = [None if pd.isna(v) else v for v in ended]
    verb = Date(date="ASTDTC", impute="first", unknown="impute", prefer="TRTSDT", unless="AENDT < TRTSDT")
    found = verb.derive(look(columns))
    assert shown(found)[0] == imputed_start, why
    at = look({**columns, "ASTDT": [None if pd.isna(found[0]) else found[0], 1.0]})
    assert DateImputed(of="ASTDT", **{"from": "ASTDTC"}).derive(at).fillna("")[0] == (flag or ""), why


@pytest.mark.parametrize(
    ("end", "imputed", "why"),
    [
        ("2025-04", "2025-04-30", "day missing: the last of the month"),
        ("2025", "2025-12-31", "month missing: the last of the year"),
        ("2026-01", "2026-01-20", "not after death"),
        ("2026", "2026-01-20", "not after death"),
        ("2026-02-01", "2026-02-01", "a complete date stands"),
        (None, None, "never imputed when missing"),
    ],
)
def test_end_of_an_event(look, end, imputed, why):
    at = look({"AENDTC": [end, "2025-01-01"], "DTHDT": [day("2026-01-20"), None]})
    verb = Date(date="AENDTC", impute="last", not_after=["DTHDT", "date('2026-03-31')"])
    assert shown(verb.derive(at))[0] == imputed, why


def test_without_a_stated_imputation_only_complete_dates_count(look):
    at = look({"DTC": ["2025-03-10T08:30", "2025-03", "2025", None]})
    assert shown(Date(date="DTC").derive(at)) == ["2025-03-10", None, None, None]


def test_a_text_that_is_no_date_stops_the_build(look, issues):
    at = look({"DTC": ["10MAR2025", "2025-03-10"]})
    assert shown(Date(date="DTC").derive(at)) == [None, "2025-03-10"]
    assert [(s, "10MAR2025" in m) for s, m in issues(at)] == [("blocking", True)]


@pytest.mark.parametrize("given", [{"not_after": ["A"]}, {"unknown": "impute"}, {"impute": "last", "unless": "A > 1"}])
def test_limits_without_an_imputation_are_refused(given):
    with pytest.raises(ValueError, match=r"impute|prefer"):
        Date(date="DTC", **given)


@pytest.mark.parametrize(
    ("dtc", "impute", "hours", "flag", "why"),
    [
        ("2025-03-10T08:30", "first", 8.5, None, "a known time stands; seconds are not collected"),
        ("2025-03-10", "first", 0, "H", "no time: 00:00"),
        ("2025-03-10T08", "first", 8, "M", "minutes unknown"),
        ("2025-03-10", "", None, None, "nothing is imputed unless said"),
        ("2025-03", "first", None, None, "no date-time without a day"),
        (None, "first", None, None, "not treated"),
    ],
)
def test_date_time(look, dtc, impute, hours, flag, why):
    at = look({"DTC": [dtc, "2025-01-01T00:00"]})
    found = DateTime(dtc="DTC", impute=impute).derive(at)[0]
    expected = np.nan if hours is None else day("2025-03-10") * 86400 + hours * 3600
    assert np.array_equal(found, expected, equal_nan=True), why
    at = look({"DTC": [dtc, "2025-01-01T00:00"], "DTM": [None if pd.isna(found) else found, 1.0]})
    assert TimeImputed(of="DTM", **{"from": "DTC"}).derive(at).fillna("")[0] == (flag or ""), why


def test_days_of_treatment_count_both_ends(look):
    at = look({"S": [day("2025-03-10"), day("2025-03-10"), None], "E": [day("2025-03-10"), day("2025-03-12"), 1.0]})
    assert Days(of=["S", "E"]).derive(at).fillna(-1).tolist() == [1, 3, -1]


def test_there_is_no_day_0(look):
    start = day("2025-03-10")
    at = look({"ADT": [start - 1, start, start + 1, None, start], "TRTSDT": [start] * 4 + [None]})
    assert AnalysisDay(date="ADT").derive(at).fillna(0).tolist() == [-1, 1, 2, 0, 0]
