"""ISO 8601 as SDTM uses it: what is a date, a duration, an interval, and what is not."""

import pandas as pd
import pytest

from validators import values


@pytest.mark.parametrize(
    "text",
    ["2025", "2025-03", "2025-03-10", "2025-03-10T08", "2025-03-10T08:30", "2025-03-10T08:30:15", "2024-02-29",
     "2025---15", "--12-15", "--02-29", "-----T07:15", "2025-03-10T-:15", "2025-03-10T08:30+08:00"],
)  # fmt: skip
def test_a_date_known_to_any_part_is_a_date(text):
    assert values.is_date(text)


@pytest.mark.parametrize(
    "text",
    ["2025-02-29", "2025-13", "2025-3-1", "2025-03-10T", "2025-03-10T24:00", "2025-03-10T08:60", "2025--", "2025-03--",
     "10-MAR-2025", "2025-UN", "T08:30", "", "2025-03-10 08:30", "2025-04-31"],
)  # fmt: skip
def test_what_is_no_date_is_none(text):
    assert not values.is_date(text)


@pytest.mark.parametrize(("text", "is_one"), [
    ("PT30M", True), ("P1D", True), ("P3W", True), ("-PT5M", True), ("PT1.5H", True), ("P1Y2M3DT4H5M6S", True),
    ("P", False), ("PT", False), ("30M", False), ("P3W2D", False), ("P1DT", False), ("PT5", False),
])  # fmt: skip
def test_durations(text, is_one):
    assert values.is_duration(text) is is_one


def test_intervals_join_two_dates_or_a_date_and_a_duration():
    assert values.is_interval("2025-03-10/2025-03-12") and values.is_interval("2025-03-10T08:00/PT2H")
    assert not values.is_interval("PT1H/PT2H") and not values.is_interval("2025-03-10/")


def test_missing_values_pass_every_test_of_a_value():
    missing = pd.Series([None, None], dtype="str")
    for test in (values.ascii_only, values.tidy, lambda v: values.no_longer(v, 1), lambda v: values.among(v, {"a"})):
        assert test(missing).tolist() == [True, True]
    assert values.first_of_each([missing]).tolist() == [True, False], "missing keys are alike"
