"""EPOCH and --LOBXFL by tables that a clinician can check."""

import numpy as np
import pandas as pd
import pytest

from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from sdtm.timing import ElementAt, LastBefore


class View:
    """Stands in for engine.run.at.At over plain columns."""

    def __init__(self, columns, subject, far=None):
        self.columns, self.subject, self.n, self._far = columns, np.asarray(subject), len(subject), far

    def values(self, ref):
        return self.columns[ref.name]

    text = values

    def far(self, name):
        return self._far

    def only(self, rows):
        return View({k: v.iloc[rows].reset_index(drop=True) for k, v in self.columns.items()}, self.subject[rows])

    def test(self, condition):
        return np.ones(self.n, dtype=bool) if condition is None else condition.test(self.values, self.n).true

    def constant(self, value):
        return pd.Series([value] * self.n, dtype="str")


def text(*values):
    return pd.Series([v or None for v in values], dtype="str")


SE = View({
    "SESTDTC": text("2025-03-01", "2025-03-10T08:00", "2025-06-01"),
    "SEENDTC": text("2025-03-10T08:00", "2025-06-01", "2025-07-01"),
    "EPOCH": text("SCREENING", "TREATMENT", "FOLLOW-UP"),
    "TAETORD": pd.Series([1.0, 2.0, 3.0]),
}, [0, 0, 0])


@pytest.mark.parametrize(("dtc", "planned", "epoch", "why"), [
    ("2025-03-05", "N", "SCREENING", "between consent and first dose"),
    ("2025-03-10T07:00", "N", "SCREENING", "before the dose of the same day"),
    ("2025-03-10T08:00", "N", "TREATMENT", "the element begins with the dose"),
    ("2025-03-10", "Y", "SCREENING", "planned before the dose, no time"),
    ("2025-03-10", "N", "TREATMENT", "day of first dose, no time, not planned before it"),
    ("2025-03-01", "Y", "SCREENING", "planned before the dose, on the day of consent"),
    ("2025-06-01", "N", "FOLLOW-UP", "an element does not include its end"),
    ("2025-07-01", "N", "FOLLOW-UP", "but the last one does"),
    ("2025-07-02", "N", None, "after all elements"),
    ("2025-02-28", "N", None, "before all elements"),
    ("2025-04", "N", "TREATMENT", "a month within one element"),
    ("2025-03", "N", None, "a month that spans two"),
    ("2024---15", "N", None, "a day of an unknown month, in the year before"),
    ("2025---15", "N", None, "a day of an unknown month may lie in any of the three"),
    ("", "N", None, "no date"),
])
def test_epoch(dtc, planned, epoch, why):
    verb = ElementAt(dtc="LBDTC", predose="PLANNED == 'Y'")
    found = verb.derive(View({"LBDTC": text(dtc), "PLANNED": text(planned)}, [0], SE))[0]
    assert (None if pd.isna(found) else found) == epoch, why


UNTIMED = View({
    "SESTDTC": text("2025-03-01", "2025-03-10"), "SEENDTC": text("2025-03-10", ""),
    "EPOCH": text("SCREENING", "TREATMENT"), "TAETORD": pd.Series([1.0, 2.0]),
}, [0, 0])


@pytest.mark.parametrize(("dtc", "planned", "epoch", "why"), [
    ("2025-03-10", "Y", "SCREENING", "planned before a dose of unknown time"),
    ("2025-03-10T07:00", "Y", "SCREENING", "nor does a time of the record tell it from the dose"),
    ("2025-03-10", "N", "TREATMENT", "not planned before it"),
    ("2025-03-10T07:00", "N", "TREATMENT", "not planned before it, compared as dates"),
    ("2025-03-11", "Y", "TREATMENT", "the day after"),
])
def test_epoch_when_the_time_of_the_first_dose_is_not_known(dtc, planned, epoch, why):
    verb = ElementAt(dtc="LBDTC", predose="PLANNED == 'Y'")
    assert verb.derive(View({"LBDTC": text(dtc), "PLANNED": text(planned)}, [0], UNTIMED))[0] == epoch, why


def test_epoch_of_another_subject_is_not_taken():
    found = ElementAt(dtc="LBDTC").derive(View({"LBDTC": text("2025-04-01", "2025-04-01")}, [1, 0], SE))
    assert found.fillna("").tolist() == ["", "TREATMENT"]


def test_the_last_result_before_the_first_dose_is_flagged_once_a_test():
    rows = [
        ("ALT", "2025-03-01", "30", "", 1), ("ALT", "2025-03-09", "31", "Y", 2), ("ALT", "2025-03-11", "40", "", 3),
        ("ALT", "2025-03-10", "", "", 4), ("AST", "2025-03-01", "20", "", 5), ("AST", "2025-03-01", "21", "Y", 6),
        ("K", "2025-03-11", "4", "", 7), ("NA", "2025-03", "140", "", 8),
    ]
    columns = {"TEST": text(*(r[0] for r in rows)), "DTC": text(*(r[1] for r in rows)),
               "RES": text(*(r[2] for r in rows)), "SEQ": pd.Series([float(r[4]) for r in rows]),
               "RFXSTDTC": text(*["2025-03-10T08:00"] * len(rows))}
    verb = LastBefore(dtc="DTC", by=["TEST"], having="RES", ties=["SEQ"], reference=VariableRef(None, "RFXSTDTC"))
    order = np.random.default_rng(3).permutation(len(rows))
    for index in (np.arange(len(rows)), order):
        view = View({k: v.iloc[index].reset_index(drop=True) for k, v in columns.items()}, np.zeros(len(rows), int))
        assert verb.derive(view).fillna("").tolist() == [rows[i][3] for i in index]


def test_a_result_without_a_time_on_the_day_of_dose_counts_only_when_planned_before_it():
    columns = {"TEST": text("ALT", "ALT"), "DTC": text("2025-03-09", "2025-03-10"), "RES": text("1", "2"),
               "VISIT": text("S", "P"), "SEQ": pd.Series([1.0, 2.0]), "RFXSTDTC": text(*["2025-03-10T08:00"] * 2)}
    common = {"dtc": "DTC", "by": ["TEST"], "having": "RES", "ties": ["SEQ"], "reference": VariableRef(None, "RFXSTDTC")}
    assert LastBefore(**common).derive(View(columns, [0, 0])).fillna("").tolist() == ["Y", ""]
    planned = LastBefore(**common, predose=Expression("VISIT == 'P'"))
    assert planned.derive(View(columns, [0, 0])).fillna("").tolist() == ["", "Y"]
