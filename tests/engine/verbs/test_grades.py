"""CTCAE v5.0 laboratory grades by eye: both sides of every border, the baseline, limits that are missing.

Each line lists results in order and the grade of each; the borders lie between neighbours. Written down from the
study design, not read from the engine's table.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from engine.errors import SpecError
from engine.spec.expressions import Expression
from engine.standards.grading import load_grading, read_borders
from engine.verbs.grades import Grade

NO = None  # no grade


class View:
    """Records with one column for each reference."""

    def __init__(self, tables=None, **columns):
        self.columns = {k: pd.Series(v) for k, v in columns.items()}
        self.n = len(self.columns["AVAL"])
        self.reported = []
        self.study = SimpleNamespace(tables=tables or {}, lookup=(tables or {}).get)

    def number(self, ref):
        return self.columns[ref.name].astype("float64")

    def text(self, ref):
        return self.columns[ref.name].astype("str")

    def test(self, condition):
        return condition.test(lambda ref: self.columns[ref.name].astype("float64"), self.n).true

    def report(self, mask, message, **more):
        self.reported += [message] * int(np.sum(mask))


def grades(test, direction, values, *, low=None, high=None, base=None, unit="?", table="ctcae-5.0", tables=None):
    unit = next((b.unit for b in load_grading("ctcae-5.0") if b.test == test), "") if unit == "?" else unit
    n = len(values)
    nan = float("nan")
    view = View(
        tables,
        AVAL=[nan if v is None else float(v) for v in values],
        PARAMCD=[test] * n,
        UNIT=[unit or None] * n,
        ANRLO=[nan if low is None else low] * n,
        ANRHI=[nan if high is None else high] * n,
        BASE=[nan if base is None else base] * n,
    )
    verb = Grade(
        of="AVAL", table=table, direction=direction, test="PARAMCD", unit="UNIT", lower="ANRLO", upper="ANRHI",
        base="BASE", abnormal=Expression("BASE > ANRHI"),
    )  # fmt: skip
    found = verb.derive(view)
    return [None if np.isnan(v) else int(v) for v in found], view.reported


CASES = [  # test, direction, limits and baseline, results, grades
    ("HGB", "low", {"low": 120}, [120, 119.9, 100, 99.9, 80, 79.9, 10], [0, 1, 1, 2, 2, 3, 3]),
    ("HGB", "high", {"high": 160}, [160, 160.1, 180, 180.1, 200, 200.1], [0, 1, 1, 2, 2, 3]),
    ("WBC", "low", {"low": 3.5}, [3.5, 3.49, 3, 2.99, 2, 1.99, 1, 0.99], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("WBC", "high", {"high": 9.5}, [9.6, 100, 100.1], [0, 0, 3]),
    ("NEUT", "low", {"low": 1.8}, [1.8, 1.79, 1.5, 1.49, 1, 0.99, 0.5, 0.49, 0], [0, 1, 1, 2, 2, 3, 3, 4, 4]),
    ("NEUT", "high", {"high": 6.3}, [99], [NO]),
    ("LYM", "low", {"low": 1.1}, [1.1, 1.09, 0.8, 0.79, 0.5, 0.49, 0.2, 0.19], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("LYM", "high", {"high": 3.2}, [3.3, 4, 4.01, 20, 20.1], [0, 0, 2, 2, 3]),
    ("PLAT", "low", {"low": 125}, [125, 124, 75, 74, 50, 49, 25, 24], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("PLAT", "high", {"high": 350}, [900], [NO]),
    ("ALT", "low", {"low": 7}, [1], [NO]),
    ("ALT", "high", {"high": 40, "base": 40}, [40, 40.1, 120, 120.1, 200, 200.1, 800, 800.1], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("ALT", "high", {"high": 40, "base": 50}, [50, 74.9, 75, 150, 150.1, 250, 250.1, 1000, 1000.1], [0, 0, 1, 1, 2, 2, 3, 3, 4]),
    ("ALT", "high", {"high": 40}, [40, 41, 121], [0, 1, 2]),  # no baseline: as a normal one
    ("AST", "high", {"high": 30, "base": 20}, [30, 30.1, 90, 90.1, 150, 150.1, 600, 600.1], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("AST", "high", {"high": 30, "base": 40}, [59.9, 60, 120, 120.1, 200, 200.1, 800, 800.1], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("ALP", "high", {"high": 100, "base": 90}, [100, 100.1, 250, 250.1, 500, 500.1, 2000, 2001], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("ALP", "high", {"high": 100, "base": 120}, [239.9, 240, 300, 300.1, 600, 600.1, 2400, 2401], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("GGT", "high", {"high": 60, "base": 10}, [60, 60.1, 150, 150.1, 300, 300.1, 1200, 1201], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("GGT", "high", {"high": 60, "base": 100}, [199.9, 200, 250, 250.1, 500, 501, 2000, 2001], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("BILI", "high", {"high": 20, "base": 20}, [20, 20.1, 30, 30.1, 60, 60.1, 200, 200.1], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("BILI", "high", {"high": 20, "base": 30}, [29, 30, 30.1, 45, 45.1, 90, 90.1, 300, 300.1], [0, 0, 1, 1, 2, 2, 3, 3, 4]),
    ("CREAT", "high", {"high": 100, "base": 100}, [100, 100.1, 150, 150.1, 300, 300.1, 600, 600.1], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("CREAT", "high", {"high": 100, "base": 40}, [60, 60.1, 120, 120.1, 600, 600.1], [0, 2, 2, 3, 3, 4]),  # also below ULN
    ("CREAT", "high", {"high": 100, "base": 200}, [200, 300, 300.1, 600, 600.1], [2, 2, 3, 3, 4]),  # 3 x ULN goes first
    ("CREAT", "high", {"high": 100}, [100, 101, 151, 301, 601], [0, 1, 2, 3, 4]),
    ("SODIUM", "low", {"low": 137}, [137, 136, 130, 129, 125, 124, 120, 119], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("SODIUM", "high", {"high": 147}, [147, 148, 150, 151, 155, 156, 160, 161], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("K", "low", {"low": 3.5}, [3.5, 3.49, 3, 2.99, 2.5, 2.49], [0, 1, 1, 3, 3, 4]),
    ("K", "high", {"high": 5.3}, [5.3, 5.31, 5.5, 5.51, 6, 6.01, 7, 7.01], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("CACORR", "low", {"low": 2.11}, [2.11, 2.1, 2, 1.99, 1.75, 1.74, 1.5, 1.49], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("CACORR", "high", {"high": 2.52}, [2.52, 2.53, 2.9, 2.91, 3.1, 3.11, 3.4, 3.41], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("MG", "low", {"low": 0.75}, [0.75, 0.74, 0.5, 0.49, 0.4, 0.39, 0.3, 0.29], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("MG", "high", {"high": 1.02}, [1.02, 1.03, 1.23, 1.24, 3.3, 3.31], [0, 1, 1, 3, 3, 4]),
    ("GLUC", "low", {"low": 3.9}, [3.9, 3.89, 3, 2.99, 2.2, 2.19, 1.7, 1.69], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("GLUC", "high", {"high": 6.1}, [30], [NO]),
    ("PHOS", "low", {"low": 0.8}, [0.1], [NO]),
    ("PHOS", "high", {"high": 1.5}, [9], [NO]),
    ("ALB", "low", {"low": 40}, [40, 39.9, 30, 29.9, 20, 19.9], [0, 1, 1, 2, 2, 3]),
    ("ALB", "high", {"high": 55}, [70], [NO]),
    ("URATE", "high", {"high": 428}, [428, 428.1, 2000], [0, 1, 1]),
    ("LDH", "high", {"high": 250}, [250, 250.1, 9000], [0, 1, 1]),
    ("TRIG", "high", {"high": 1.7}, [1.7, 1.71, 3.42, 3.43, 5.7, 5.71, 11.4, 11.41], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("CHOL", "high", {"high": 5.2}, [5.2, 5.21, 7.75, 7.76, 10.34, 10.35, 12.92, 12.93], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("CK", "high", {"high": 310}, [310, 311, 775, 776, 1550, 1551, 3100, 3101], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("LIPASET", "high", {"high": 60}, [60, 61, 90, 91, 300, 301, 9000], [0, 1, 1, 2, 2, 3, 3]),
    ("AMYLASE", "high", {"high": 135}, [135, 136, 202.5, 202.6, 675, 675.1], [0, 1, 1, 2, 2, 3]),
    ("INR", "high", {"high": 1.1}, [1.15, 1.2, 1.21, 1.5, 1.51, 2.5, 2.51], [0, 0, 1, 1, 2, 2, 3]),
    ("APTT", "high", {"high": 40}, [40, 40.1, 60, 60.1, 100, 100.1], [0, 1, 1, 2, 2, 3]),
    ("FIBRINO", "low", {"low": 1.8}, [1.8, 1.79, 1.35, 1.34, 0.9, 0.89, 0.45, 0.44], [0, 1, 1, 2, 2, 3, 3, 4]),
    ("FIBRINO", "high", {"high": 4}, [9], [NO]),
]  # fmt: skip


@pytest.mark.parametrize(("test", "direction", "known", "values", "expected"), CASES)
def test_a_result_has_the_grade_of_the_last_border_it_passes(test, direction, known, values, expected):
    assert grades(test, direction, values, **known) == (expected, [])


def test_every_border_of_the_table_has_a_case_on_both_sides():
    tried = {(c[0], c[1]) for c in CASES if c[4] != [NO]}
    assert tried == {(b.test, b.direction) for b in load_grading("ctcae-5.0")}
    for test, direction, baseline in sorted({(b.test, b.direction, b.baseline) for b in load_grading("ctcae-5.0")}):
        wanted = {b.grade for b in load_grading("ctcae-5.0") if (b.test, b.direction, b.baseline) == (test, direction, baseline)}
        of = [
            c for c in CASES
            if c[:2] == (test, direction) and (not baseline or (c[2].get("base", 0) > c[2]["high"]) == (baseline == "abnormal"))
        ]  # fmt: skip
        assert wanted <= {g for c in of for g in c[4]}, (test, direction, baseline)


@pytest.mark.parametrize(
    ("test", "direction", "known", "values", "expected"),
    [
        ("NEUT", "low", {}, [2.5, 1.5, 1.49, 0.4], [NO, NO, 2, 4]),  # without LLN grade 1 cannot be told from 0
        ("K", "high", {}, [5.5, 5.6, 7.1], [NO, 2, 4]),
        ("ALT", "high", {}, [500], [NO]),
        ("CREAT", "high", {"base": 50}, [200], [NO]),  # above 3 x BASE, but 6 x ULN would be grade 4
        ("CREAT", "high", {"high": 100}, [120], [1]),  # without a baseline its multiples do not apply
        ("WBC", "high", {}, [50, 101], [0, 3]),  # no limit is needed
        ("TRIG", "high", {}, [1.7, 1.71], [0, 1]),
        ("HGB", "low", {"low": 120}, [None], [NO]),
        ("BASO", "high", {"high": 0.1}, [3], [NO]),
    ],
)
def test_a_missing_limit_leaves_open_only_what_it_may_decide(test, direction, known, values, expected):
    assert grades(test, direction, values, **known) == (expected, [])


@pytest.mark.parametrize("unit", ["g/dL", None])
def test_a_result_in_another_unit_is_listed_and_not_graded(unit):
    found, listed = grades("HGB", "low", [7.5], low=12, unit=unit)
    assert found == [NO] and listed == ["not graded: the unit is not that of ctcae-5.0"]


def test_borders_that_are_equal_on_paper_are_equal():
    assert grades("FIBRINO", "low", [0.75 * 2.2], low=2.2)[0] == [1]
    assert grades("CK", "high", [77.5, 77.6], high=31)[0] == [1, 2]
    assert grades("ALT", "high", [3 * 1.1], high=1.1)[0] == [1]


def test_a_study_may_bring_a_table_of_its_own():
    own = pd.DataFrame({"test": ["X"], "unit": ["mg"], "direction": ["high"], "grade": ["2"], "baseline": [None], "border": [">ULN+5"]})
    assert grades("X", "high", [15, 15.1], high=10, unit="mg", table="own", tables={"own": own})[0] == [0, 2]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("X,mg,up,1,,>1", "low or high"),
        ("X,mg,high,6,,>1", "from 1 to 5"),
        ("X,mg,high,1,odd,>1", "normal, abnormal"),
        ("X,mg,high,1,,1", "border is none"),
        ("X,mg,high,1,,<1", "begins with <"),
        (",mg,high,1,,>1", "no test"),
    ],
)
def test_a_line_that_is_no_border_is_told_with_its_place(row, says):
    names = ["test", "unit", "direction", "grade", "baseline", "border"]
    with pytest.raises(SpecError, match=says) as error:
        read_borders([dict(zip(names, row.split(","), strict=True))], "tables/own.csv")
    assert "tables/own.csv line 2" in str(error.value)


def test_one_test_in_two_units_is_told():
    names = ["test", "unit", "direction", "grade", "baseline", "border"]
    rows = [dict(zip(names, r.split(","), strict=True)) for r in ("X,mg,high,1,,>1", "X,g,low,1,,<1")]
    with pytest.raises(SpecError, match="two units"):
        read_borders(rows, "own")


def test_a_published_table_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(ValueError, match=r"5\.0"):
        Grade(of="AVAL", table="ctcae-4.0", direction="low", test="PARAMCD")
