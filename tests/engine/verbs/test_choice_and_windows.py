"""One record of a group by ordered criteria, and the window of a study day, by small tables."""

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError
from engine.run.at import At
from engine.run.run import Run
from engine.run.tables import Records, Table
from engine.verbs.choice import Criterion, FlagFirst, KeepFirst
from engine.verbs.windows import Window


def look(columns, subject=None, tables=None):
    n = len(next(iter(columns.values())))
    study = type("Study", (), {"datasets": {}, "lookup": staticmethod((tables or {}).get)})
    who = np.array(subject or [0] * n, dtype=np.int64)
    people = Table("person", Records(np.arange(9), np.zeros(9, dtype=np.int64)), {"USUBJID": pd.Series([f"TOY-{i}" for i in range(9)])})
    run = Run(study, {}, people, None)
    of = {k: pd.Series(v) if any(isinstance(x, float) for x in v) else pd.Series(v, dtype="str") for k, v in columns.items()}
    run.tables["X"] = Table("X", Records(who, np.zeros(n, dtype=np.int64)), of)
    return At(run, run.tables["X"], variable="ANL01FL")


def chosen(at, **given):
    return [i for i, v in enumerate(FlagFirst(**given).derive(at).fillna("")) if v == "Y"]


VISITS = {  # planned, far from target, late, numbered
    "AVISIT": ["C2D1"] * 4,
    "PLANNED": ["N", "Y", "N", "N"],
    "DIFF": [0.0, 3.0, 1.0, 1.0],
    "ADT": [10.0, 13.0, 9.0, 11.0],
    "SEQ": [1.0, 2.0, 3.0, 4.0],
}
ORDER = [{"holds": "PLANNED == 'Y'"}, "DIFF", {"highest": "ADT"}, {"highest": "SEQ"}]


@pytest.mark.parametrize(
    ("change", "which", "why"),
    [
        ({}, 1, "planned goes before closer"),
        ({"PLANNED": ["N", "N", "N", "N"]}, 0, "then the closest to the target"),
        ({"PLANNED": ["N"] * 4, "DIFF": [2.0, 3.0, 1.0, 1.0]}, 3, "then the later"),
        ({"PLANNED": ["N"] * 4, "DIFF": [1.0] * 4, "ADT": [9.0] * 4}, 3, "then the higher number"),
        ({"PLANNED": ["N"] * 4, "DIFF": [np.nan, np.nan, 30.0, np.nan]}, 2, "a missing difference comes last"),
        ({"PLANNED": ["N"] * 4, "DIFF": [1.0] * 4, "ADT": [9.0, np.nan, np.nan, 8.0]}, 0, "a missing date comes last"),
    ],
)
def test_later_criteria_decide_between_equals(change, which, why):
    assert chosen(look(VISITS | change), by="AVISIT", order=ORDER) == [which], why


def test_each_subject_and_visit_has_one_and_a_missing_visit_none():
    at = look({"AVISIT": ["A", "A", "B", None, "A"], "N": [2.0, 1.0, 5.0, 0.0, 9.0]}, [0, 0, 0, 0, 1])
    assert chosen(at, by=["AVISIT"], order=["N"]) == [1, 2, 4]
    kept = KeepFirst(by="AVISIT", order=["N"]).make(at).rows.tolist()
    assert kept == [1, 2, 3, 4], "records are left out for a better one only"


def test_the_order_of_records_does_not_matter():
    rows = np.random.default_rng(5).permutation(4)
    at = look({k: [v[i] for i in rows] for k, v in VISITS.items()})
    assert [rows[i] for i in chosen(at, by="AVISIT", order=ORDER)] == [1]


def test_a_tie_with_the_chosen_record_stops_the_build_and_one_behind_it_does_not():
    at = look({"AVISIT": ["A", "A", "A", "B", "B", "B"], "N": [1.0, 1.0, 2.0, 1.0, 2.0, 2.0]})
    chosen(at, by="AVISIT", order=["N"])
    told = at.run.close_issues()
    assert [(i.severity, i.message) for i in told] == [("blocking", "the criteria do not tell it from the first record of its group")]


def test_a_criterion_is_one_of_three():
    with pytest.raises(ValueError, match="one of lowest"):
        Criterion(lowest="A", highest="B")


WINDOWS = pd.DataFrame(
    {"AVISIT": ["Baseline", "C1D15", "C1D8", "C4D1"], "FROM": [None, "12", "5", "71"], "TO": [None, "18", "11", "98"]}, dtype="str"
)
RULE = {"of": "ADY", "in": "w", "from": "FROM", "to": "TO", "give": "AVISIT"}


@pytest.mark.parametrize(
    ("day", "visit"),
    [(-3, ""), (1, ""), (4, ""), (5, "C1D8"), (11, "C1D8"), (12, "C1D15"), (18, "C1D15"), (19, ""), (70, ""), (71, "C4D1"),
     (98, "C4D1"), (99, ""), (np.nan, "")],
)  # fmt: skip
def test_a_window_holds_both_its_bounds(day, visit):
    at = look({"ADY": [float(day)]}, tables={"w": WINDOWS})
    assert Window.model_validate(RULE).derive(at).fillna("")[0] == visit


@pytest.mark.parametrize(("bounds", "says"), [(["5", "18"], "overlaps"), (["5", "x"], "no number"), (["5", "4"], "empty")])
def test_windows_that_overlap_or_hold_no_numbers_are_told(bounds, says):
    wrong = WINDOWS.assign(TO=[None, "20", *bounds])
    with pytest.raises(DataError, match=says):
        Window.model_validate(RULE).derive(look({"ADY": [1.0]}, tables={"w": wrong}))
