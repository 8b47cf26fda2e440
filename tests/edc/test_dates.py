"""Raw dates and text, by tables that a data manager can check."""

import numpy as np
import pandas as pd
import pytest

from edc.dates import DATE_FORMATS, format_fault, to_iso
from edc.text import to_ascii


def series(*values):
    return pd.Series([v or None for v in values], dtype="str")


@pytest.mark.parametrize(
    ("date", "time", "iso", "why"),
    [
        ("01-MAR-2025", "", "2025-03-01", "complete, no time asked"),
        ("01-mar-2025", "08:30", "2025-03-01T08:30", "case does not matter"),
        ("UN-MAR-2025", "", "2025-03", "day unknown"),
        ("UN-UNK-2025", "", "2025", "day and month unknown"),
        ("15-UNK-2025", "", "2025---15", "a hyphen stands for the month"),
        ("UN-UNK-UNKN", "", None, "nothing known"),
        ("", "", None, "not collected"),
        ("01-MAR-2025", "UN:UN", "2025-03-01", "time unknown"),
        ("01-MAR-2025", "08:UN", "2025-03-01T08", "minute unknown"),
        ("UN-MAR-2025", "08:30", "2025-03", "a time without its day says nothing"),
        ("29-FEB-2024", "", "2024-02-29", "leap year"),
        ("01-MAR-2025", "00:00", "2025-03-01T00:00", "midnight was collected"),
    ],
)
def test_dates_keep_the_precision_collected(date, time, iso, why):
    found, bad = to_iso(series(date), series(time), "DD-MON-YYYY", "HH:MM")
    assert (None if pd.isna(found[0]) else found[0]) == iso, why
    assert not bad[0]


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("31-FEB-2025", ""),
        ("29-FEB-2025", ""),
        ("00-MAR-2025", ""),
        ("32-UNK-2025", ""),
        ("01-MRZ-2025", ""),
        ("2025-03-01", ""),
        ("1-MAR-2025", ""),
        ("01-MAR-2025", "25:00"),
        ("01-MAR-2025", "12:60"),
        ("01-MAR-2025", "8.30"),
    ],
)
def test_an_impossible_date_or_time_is_told_apart_and_never_mended(date, time):
    found, bad = to_iso(series(date), series(time), "DD-MON-YYYY", "HH:MM")
    assert bad[0] and pd.isna(found[0])


@pytest.mark.parametrize(
    ("form", "raw", "iso"),
    [
        ("YYYY/M/D H:MM", "2025/3/1 8:05", "2025-03-01T08:05"),
        ("YYYY/M/D H:MM", "2025/3/1", "2025-03-01"),
        ("YYYY/M/D H:MM", "2025/12/31 23:59", "2025-12-31T23:59"),
        ("ISO 8601", "2025-03-01T08:05", "2025-03-01T08:05"),
        ("ISO 8601", "2025-03", "2025-03"),
        ("UTC ISO 8601", "2025-03-01T18:30:00Z", "2025-03-02T02:30:00"),
        ("UTC ISO 8601", "2025-12-31T16:00Z", "2026-01-01T00:00"),
        ("UTC ISO 8601", "2025-03-01T18:30:00+08:00", "2025-03-01T18:30:00"),
        ("excel serial", "45717", "2025-03-01"),
        ("excel serial", "45717.5", "2025-03-01T12:00"),
        ("excel serial", "61", "1900-03-01"),
        ("excel serial", "59", "1900-02-28"),
    ],
)
def test_vendor_formats(form, raw, iso):
    found, bad = to_iso(series(raw), None, form, utc_offset=8)
    assert found[0] == iso and not bad[0]


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ("excel serial", "60"),
        ("excel serial", "-1"),
        ("excel serial", "nan"),
        ("excel serial", "1e9"),
        ("ISO 8601", "2025-13-01"),
        ("ISO 8601", "2025-3-1"),
        ("UTC ISO 8601", "2025-03-01T18:30:00"),
        ("YYYY/M/D H:MM", "2025/3/1 24:00"),
        ("YYYY/M/D H:MM", "1/3/2025"),
    ],
)
def test_what_is_not_of_the_format_is_told_apart(form, raw):
    found, bad = to_iso(series(raw), None, form, utc_offset=8)
    assert bad[0] and pd.isna(found[0])


def test_a_format_without_a_year_is_refused():
    with pytest.raises(ValueError, match="no date format"):
        to_iso(series("x"), None, "DD-MON")


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("DDMMMYYYY", "the month stands twice"),
        ("DD-MMM-YYYY", "the month stands twice"),
        ("foo", '"foo" is no part'),
        ("DDMONYYYYY", '"Y" is no part'),
        ("DD-MON", "no year"),
        ("YYYY/M/D MM:SS", "no hour"),
        ("yyyy-mm-dd", '"yyyy" is no part'),
    ],
)
def test_a_format_that_cannot_be_read_says_why(form, fault):
    assert fault in format_fault(form)


def test_every_format_offered_is_read_whole():
    assert [f for f in (*DATE_FORMATS, "YYYY/M/D H:MM", "MON-YYYY") if format_fault(f)] == []
    assert format_fault("HH:MM:SS", time=True) == "" and "no hour" in format_fault("MM:SS", time=True)
    for form in DATE_FORMATS:
        to_iso(series("x"), None, form)  # none is an error of the pattern


def test_order_and_repetition_change_nothing():
    dates = series("01-MAR-2025", "UN-MAR-2025", "", "01-MAR-2025")
    found, _ = to_iso(dates, None, "DD-MON-YYYY")
    for rows in ([3, 2, 1, 0], [0, 0, 1, 2]):
        again, _ = to_iso(dates.iloc[rows].reset_index(drop=True), None, "DD-MON-YYYY")
        assert again.fillna("").tolist() == found.fillna("").iloc[rows].tolist()


@pytest.mark.parametrize(
    ("raw", "ascii_"),
    [
        ("＜0.5", "<0.5"),
        ("１２３", "123"),
        ("µmol/L", "umol/L"),
        ("μg", "ug"),
        ("×10⁹/L", "x109/L"),
        ("37℃", "37C"),
        ("≥5", ">=5"),
        ("≤5", "<=5"),
        ("a–b", "a-b"),
        ("“q”", '"q"'),
        ("  x ", "x"),
        ("　", None),
        ("发热", "发热"),
    ],
)
def test_text_in_ascii_spelling(raw, ascii_):
    found = to_ascii(series(raw))[0]
    assert (None if pd.isna(found) else found) == ascii_


def test_missing_text_stays_missing():
    assert to_ascii(pd.Series([np.nan, "a"], dtype="str")).isna().tolist() == [True, False]
