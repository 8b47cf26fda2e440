"""--DY and the comparison with first exposure, by tables that a clinician can check."""

import numpy as np
import pandas as pd
import pytest

from sdtm.timing import before_exposure, study_day

RFSTDTC = "2025-03-10"


def one(value):
    return pd.Series([value or None], dtype="str")


@pytest.mark.parametrize(
    ("dtc", "day", "why"),
    [
        ("2025-03-10", 1, "first dose is day 1"),
        ("2025-03-09", -1, "no day 0"),
        ("2025-03-10T08:30", 1, "time is ignored"),
        ("2025-03-11", 2, "the day after"),
        ("2024-03-10", -365, "a year before"),
        ("2025-03", None, "partial date has no study day"),
        ("2025---15", None, "a day without a month is no date"),
        ("", None, "not collected"),
    ],
)
def test_study_day(dtc, day, why):
    found = study_day(one(dtc), one(RFSTDTC))[0]
    assert (None if np.isnan(found) else found) == day, why


def test_without_a_reference_date_there_is_no_study_day():
    assert study_day(one("2025-03-10"), one("")).isna().all()


@pytest.mark.parametrize(
    ("dtc", "reference", "predose", "before", "why"),
    [
        ("2025-03-09", "2025-03-10T08:00", False, True, "the day before"),
        ("2025-03-10T07:59", "2025-03-10T08:00", False, True, "earlier the same day"),
        ("2025-03-10T08:00", "2025-03-10T08:00", True, False, "at the dose is not before it"),
        ("2025-03-10", "2025-03-10T08:00", False, False, "no time, not planned before the dose"),
        ("2025-03-10", "2025-03-10T08:00", True, True, "no time, planned before the dose"),
        ("2025-03-10T07:00", "2025-03-10", True, True, "no dose time, planned before the dose"),
        ("2025-03", "2025-03-10", True, False, "a partial date is never before"),
        ("", "2025-03-10", True, False, "no date"),
        ("2025-03-09", "", True, False, "never dosed"),
    ],
)
def test_before_exposure(dtc, reference, predose, before, why):
    assert before_exposure(one(dtc), one(reference), np.array([predose]))[0] == before, why
