"""Reference ranges and --NRIND, by tables that a laboratory scientist can check by eye."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import adam  # noqa: F401
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.spec.study import load_study
from sdtm.ranges import RangeIndicator, ReferenceRange
from tests.sdtm.views import View, text

BY002 = load_study(Path(__file__).parents[2] / "specs" / "by002")


@pytest.mark.parametrize(("result", "low", "high", "indicator", "why"), [
    ("5", 3.5, 9.5, "NORMAL", "within"),
    ("3.5", 3.5, 9.5, "NORMAL", "the limits belong to the range"),
    ("9.5", 3.5, 9.5, "NORMAL", "the limits belong to the range"),
    ("3.49", 3.5, 9.5, "LOW", "below"),
    ("9.51", 3.5, 9.5, "HIGH", "above"),
    ("<3.5", 3.5, 9.5, "LOW", "below 3.5 is below the range"),
    ("<3.6", 3.5, 9.5, "NORMAL", "x above the low limit: not known to be low"),
    ("<9.5", 3.5, 9.5, "NORMAL", "x at most the high limit"),
    ("<10", 3.5, 9.5, None, "may lie within or above"),
    ("<0.5", 0, 5, "NORMAL", "a pregnancy test below its limit"),
    ("<=3.5", 3.5, 9.5, "NORMAL", "may be 3.5"),
    ("<=3.4", 3.5, 9.5, "LOW", "at most 3.4"),
    (">9.5", 3.5, 9.5, "HIGH", "above 9.5 is above the range"),
    (">9.4", 3.5, 9.5, "NORMAL", "not known to be high"),
    (">1500", 0, 34, "HIGH", "far above"),
    (">2", 3.5, 9.5, None, "may lie below or within"),
    (">=9.5", 3.5, 9.5, "NORMAL", "may be 9.5"),
    (">=9.6", 3.5, 9.5, "HIGH", "at least 9.6"),
    ("2", None, 9.5, "NORMAL", "one limit only, kept"),
    ("10", None, 9.5, "HIGH", "one limit only, exceeded"),
    ("1", 3.5, None, "LOW", "one limit only, missed"),
    ("5", None, None, None, "no range"),
    ("NEGATIVE", 0, 5, None, "a text has no place in a range of numbers"),
    ("3.2 mkat/L", 9, 50, None, "not in standard units"),
    ("", 3.5, 9.5, None, "not done"),
    ("0", 0, 0, "NORMAL", "no blasts expected, none seen"),
    ("1", 0, 0, "HIGH", "no blasts expected"),
])  # fmt: skip
def test_nrind(result, low, high, indicator, why):
    view = View({"RES": text(result), "LO": pd.Series([low], dtype="float64"), "HI": pd.Series([high], dtype="float64")},
                study=BY002)  # fmt: skip
    found = RangeIndicator(of="RES", low="LO", high="HI", codelist="NRIND").derive(view)[0]
    assert (None if pd.isna(found) else found) == indicator, why


@pytest.mark.parametrize(("result", "indicator"), [("NEGATIVE", "NORMAL"), ("POSITIVE", "ABNORMAL"), ("", None), ("3", "HIGH")])
def test_nrind_of_text_results_against_a_normal_text(result, indicator):
    columns = {"RES": text(result), "LO": pd.Series([0.0]), "HI": pd.Series([2.0]), "USUAL": text("NEGATIVE")}
    found = RangeIndicator(of="RES", low="LO", high="HI", normal="USUAL", codelist="NRIND").derive(View(columns, study=BY002))[0]
    assert (None if pd.isna(found) else found) == indicator


#         test   sex  ages      in force from, to          upper limit
RANGES = [
    ("ALT", "M", "18", "120", "2020-01-01", "2024-12-31", "50"),
    ("ALT", "M", "18", "120", "2025-01-01", "", "45"),
    ("ALT", "F", "18", "120", "2020-01-01", "", "40"),
    ("CREAT", "M", "18", "59", "2020-01-01", "", "97"),
    ("CREAT", "M", "60", "120", "2020-01-01", "", "111"),
    ("WBC", "*", "18", "120", "2020-01-01", "", "9.5"),
    ("HGB", "*", "18", "120", "2020-01-01", "", "160"),
    ("HGB", "F", "18", "120", "2020-01-01", "", "150"),
]
COLUMNS = ("TEST", "SEX", "AGELO", "AGEHI", "FROM", "TO", "HIGH")


def ranges(rows):
    columns = {c: text(*(r[i] for r in rows)) for i, c in enumerate(COLUMNS)}
    return View(columns, np.full(len(rows), -1))


VERB = ReferenceRange(source="ranges", match={"TEST": "LBTESTCD", "SEX": "SEX"}, any="*", on="LBDTC", valid=["FROM", "TO"],
                      born="BRTHDTC", day=15, ages=["AGELO", "AGEHI"])  # fmt: skip


def found(rows, *records):
    columns = {c: text(*(r[i] for r in records)) for i, c in enumerate(("LBTESTCD", "SEX", "BRTHDTC", "LBDTC"))}
    view = View(columns, far={"ranges": ranges(rows)})
    at = VERB.make(view).sources["ranges"]
    return [rows[i][6] if i >= 0 else None for i in at], view.reported


@pytest.mark.parametrize(("test", "sex", "born", "dtc", "high", "why"), [
    ("ALT", "M", "1970-05-02", "2024-12-31T07:00", "50", "the last day of the former range"),
    ("ALT", "M", "1970-05-02", "2025-01-01T07:00", "45", "the first day of the new one"),
    ("ALT", "F", "1970-05-02", "2025-01-01", "40", "another sex"),
    ("CREAT", "M", "1965-03-11", "2025-03-10", "97", "59 on the day before the birthday"),
    ("CREAT", "M", "1965-03-10", "2025-03-10", "111", "60 on the birthday"),
    ("CREAT", "M", "1965-03", "2025-03-14", "97", "born in the month: counts as the 15th"),
    ("CREAT", "M", "1965-03", "2025-03-15", "111", "born in the month: counts as the 15th"),
    ("WBC", "F", "1970-05-02", "2025-03-10", "9.5", "one range for both sexes"),
    ("HGB", "F", "1970-05-02", "2025-03-10", "150", "the range of her own sex goes before the common one"),
    ("HGB", "M", "1970-05-02", "2025-03-10", "160", "the common one"),
    ("K", "M", "1970-05-02", "2025-03-10", None, "the laboratory gives none for this test"),
])  # fmt: skip
def test_the_range_in_force(test, sex, born, dtc, high, why):
    for rows in (RANGES, RANGES[::-1]):
        assert found(rows, (test, sex, born, dtc)) == ([high], []), why


@pytest.mark.parametrize(("born", "dtc"), [("2010-05-02", "2025-03-10"), ("1970", "2025-03-10"), ("1970-05-02", "2025-03"),
                                           ("1970-05-02", "2019-12-31"), ("", "2025-03-10")])  # fmt: skip
def test_a_record_that_no_range_of_its_test_fits_is_listed(born, dtc):
    high, reported = found(RANGES, ("ALT", "F", born, dtc))
    assert high == [None] and [(s, shown) for s, _, shown in reported] == [("warning", dtc)]


def test_two_ranges_that_fit_alike_stop_the_build():
    rows = [*RANGES, ("WBC", "*", "18", "120", "2024-01-01", "", "10")]
    _, reported = found(rows, ("WBC", "F", "1970-05-02", "2025-03-10"))
    assert reported[0][0] == "blocking" and "several" in reported[0][1]
