"""One value per subject over several datasets, by tables that a clinician can check."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from adam.subject import CountDays, EarliestDate, LatestDate
from engine.errors import DataError

TRTSDT = (date(2025, 3, 10) - date(1960, 1, 1)).days


def shown(values):
    origin = date(1960, 1, 1).toordinal()
    return [None if pd.isna(v) else date.fromordinal(int(v) + origin).isoformat() for v in values]


VISITS = {
    "SVSTDTC": ["2025-03-10", "2025-05-01", "2025-06-01", "2025-07-01", "2025-04-01"],
    "SVOCCUR": ["Y", None, "N", "Y", "Y"],
    "SVCNTMOD": ["IN PERSON", "IN PERSON", None, "TELEPHONE CALL", None],
}
EVENTS = {"AESTDTC": ["2025-04-20", "2025-06"], "AEENDTC": ["2026-01-01", None]}
OF = [
    {"of": "SV.SVSTDTC", "where": "(SV.SVOCCUR is missing or SV.SVOCCUR == 'Y') and "
     "(SV.SVCNTMOD is missing or SV.SVCNTMOD != 'TELEPHONE CALL')"},
    {"of": ["AE.AESTDTC", "AE.AEENDTC"]},
]  # fmt: skip


@pytest.mark.parametrize(("up_to", "alive"), [("2025-12-31", "2025-05-01"), ("2026-01-01", "2026-01-01")])
def test_last_known_alive_counts_only_what_shows_the_subject_alive(look, up_to, alive):
    """Not a visit missed, a telephone call, a partial date, a date after the limit, or another subject's date."""
    others = {"SV": (VISITS, [0, 0, 0, 0, 1]), "AE": (EVENTS, [0, 0])}
    at = look({"CUT": [up_to] * 3}, others)
    assert shown(LatestDate(of=OF, up_to="CUT").derive(at)) == [alive, "2025-04-01", None]


def test_the_order_of_records_does_not_matter(look):
    order = np.random.default_rng(7).permutation(5)
    shuffled = {k: [v[i] for i in order] for k, v in VISITS.items()}
    at = look(
        {"CUT": ["2025-12-31"] * 2}, {"SV": (shuffled, [[0, 0, 0, 0, 1][i] for i in order]), "AE": (EVENTS, [0, 0])}
    )
    assert shown(LatestDate(of=OF, up_to="CUT").derive(at)) == ["2025-05-01", "2025-04-01"]


def test_the_earliest_date_ignores_partial_ones(look):
    at = look({"CUT": ["2025-12-31"]}, {"CM": ({"CMSTDTC": ["2025-05", "2025-06-02", "2025-06-03"]}, [0, 0, 0])})
    assert shown(EarliestDate(of="CM.CMSTDTC").derive(at)) == ["2025-06-02"]


def test_a_source_without_its_dataset_is_refused():
    with pytest.raises(ValueError, match="name the dataset"):
        LatestDate(of=["AESTDTC"])


# First dose 2025-03-10; Day 28 is 2025-04-06
@pytest.mark.parametrize(
    ("intervals", "days", "why"),
    [
        ([("2025-03-10", "2025-04-06")], 28, "every day of the window"),
        ([("2025-03-10", "2025-06-30")], 28, "days after the window do not count"),
        ([("2025-03-10T08:00", "2025-03-10T08:00"), ("2025-03-11", "2025-03-23")], 14, "a day of one timed dose counts"),
        ([("2025-03-10", "2025-03-17"), ("2025-03-22", "2025-04-06")], 24, "a gap does not count"),
        ([("2025-03-10", "2025-03-20"), ("2025-03-15", "2025-03-25")], 16, "a day covered twice counts once"),
        ([("2025-03-10", "2025-03-20"), ("2025-03-12", "2025-03-13"), ("2025-03-21", "2025-03-21")], 12, "one in another"),
        ([("2025-03-10", None)], 21, "an interval without end runs to the end of treatment"),
        ([("2025-03-10", "2025-03")], 0, "of a partial end only certain days count: none before the start"),
        ([("2025-03", "2025-04-02")], 3, "of a partial start only the days after it for certain"),
        ([("2025-05-01", "2025-05-03")], 0, "none in the window"),
        ([], 0, "never dosed"),
    ],
)  # fmt: skip
def test_days_of_dosing_in_the_window(look, intervals, days, why):
    columns = {
        "EXSTDTC": [s for s, _ in intervals] + ["2025-03-12"],
        "EXENDTC": [e for _, e in intervals] + ["2025-03-12"],
    }
    who = [0] * len(intervals) + [1]
    for order in (np.arange(len(who)), np.arange(len(who))[::-1]):
        ex = ({k: [v[i] for i in order] for k, v in columns.items()}, [who[i] for i in order])
        at = look({"TRTSDT": [TRTSDT, TRTSDT, None], "TRTEDT": ["2025-03-30"] * 3}, {"EX": ex})
        verb = CountDays(of=["EX.EXSTDTC", "EX.EXENDTC"], within=["TRTSDT", "TRTSDT + 27"], open_end="TRTEDT")
        assert verb.derive(at).fillna(-1).tolist() == [days, 1, -1], why


def test_a_partial_dose_date_is_reported(look, issues):
    at = look({"TRTSDT": [TRTSDT]}, {"EX": ({"EXSTDTC": ["2025-03-10"], "EXENDTC": ["2025-03"]}, [0])})
    CountDays(of=["EX.EXSTDTC", "EX.EXENDTC"], within=["TRTSDT", "TRTSDT + 27"]).derive(at)
    assert [s for s, m in issues(at) if "certain" in m] == ["warning"]


def test_a_window_that_differs_between_records_of_a_subject_is_refused(look):
    at = look({"TRTSDT": [TRTSDT, TRTSDT + 1]}, {"EX": ({"EXSTDTC": ["2025-03-10"], "EXENDTC": ["2025-03-10"]}, [0])})
    at.records.subject = np.array([0, 0])
    with pytest.raises(DataError, match="differs"):
        CountDays(of=["EX.EXSTDTC", "EX.EXENDTC"], within=["TRTSDT", "TRTSDT + 27"]).derive(at)
