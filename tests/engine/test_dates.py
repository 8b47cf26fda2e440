"""Spans of days that ISO 8601 dates may mean, by eye."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from engine.dates import DAY, FOREIGN, MONTH, NOTHING, YEAR, seconds, spans
from engine.spec.expressions import Expression


def day(text):
    return float((date.fromisoformat(text) - date(1960, 1, 1)).days)


def texts(*values):
    return pd.Series(values, dtype="str")


@pytest.mark.parametrize(
    ("dtc", "first", "last", "precision", "why"),
    [
        ("2025-03-10", "2025-03-10", "2025-03-10", DAY, "a complete date is one day"),
        ("2025-03-10T08:30", "2025-03-10", "2025-03-10", DAY, "the time is ignored"),
        ("2025-03", "2025-03-01", "2025-03-31", MONTH, "the day is unknown"),
        ("2024-02", "2024-02-01", "2024-02-29", MONTH, "a leap year"),
        ("2024-12", "2024-12-01", "2024-12-31", MONTH, "the year ends"),
        ("2025", "2025-01-01", "2025-12-31", YEAR, "day and month are unknown"),
        ("2025---15", "2025-01-01", "2025-12-31", YEAR, "a day without its month says the year only"),
        ("1959-12-31", "1959-12-31", "1959-12-31", DAY, "before day 0"),
        (None, None, None, NOTHING, "not collected"),
        ("2025-02-30", None, None, FOREIGN, "no such day"),
        ("10MAR2025", None, None, FOREIGN, "not ISO 8601"),
    ],
)
def test_span_of_a_date(dtc, first, last, precision, why):
    found = spans(texts(dtc, "2000-01-01"))
    expected = [np.nan if d is None else day(d) for d in (first, last)]
    assert np.array_equal([found.first[0], found.last[0]], expected, equal_nan=True), why
    assert found.precision[0] == precision, why
    assert found.first[1] == day("2000-01-01")


def test_day_0_is_1960_01_01_and_numbers_are_complete_dates():
    assert spans(texts("1960-01-01")).first.tolist() == [0]
    found = spans(pd.Series([0.0, np.nan]))
    assert found.first[0] == found.last[0] == 0 and found.precision.tolist() == [DAY, NOTHING]


@pytest.mark.parametrize(
    ("dtc", "second", "known"),
    [("2025-03-10T08:30", 30600, 2), ("2025-03-10T08", 28800, 1), ("2025-03-10", 0, 0), (None, 0, 0),
     ("2025-03-10T00:00:05", 5, 3)],
)  # fmt: skip
def test_seconds_of_the_known_time(dtc, second, known):
    found, parts = seconds(texts(dtc))
    assert (found[0], parts[0]) == (second, known)


def test_expressions_compare_a_date_only_when_it_is_complete():
    columns = {"DTC": texts("2025-03-10T08:00", "2025-03", None), "DT": pd.Series([day("2025-03-10")] * 3)}

    def look(ref):
        return columns[ref.name]

    assert Expression("date(DTC) == DT").test(look, 3).true.tolist() == [True, False, False]
    assert Expression("first_day(DTC) <= DT and DT <= last_day(DTC)").test(look, 3).true.tolist() == [True, True, False]
    assert Expression("date('2025-03-12') - DT").evaluate(look, 3).tolist() == [2, 2, 2]
