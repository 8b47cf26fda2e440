"""Time to event by ordered cases, and points with their source records, on tables that a clinician can check."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from adam.points import DatedBy, Point
from adam.time_to_event import TimeToEvent

RELAPSE_OR_DEATH = {
    "from": "START",
    "cases": [
        {"earliest": [{"at": "REL", "event": "RELAPSE"}, {"at": "DTH", "event": "DEATH"}]},
        {"at": "ALIVE", "censor": 1, "says": "LAST KNOWN ALIVE"},
    ],
}
HSCT_FIRST = {"at": "HSCT", "censor": 3, "says": "ALLOGENEIC HSCT"}
COMPETING = {
    "from": "START",
    "cases": [
        {
            "earliest": [
                {"at": "REL", "event": "RELAPSE", "type": 1},
                {"at": "DTH", "censor": 2, "says": "DEATH WITHOUT RELAPSE", "type": 2},
            ]
        },
        {"at": "ALIVE", "censor": 1, "says": "LAST KNOWN ALIVE", "type": 0},
    ],
}


def one(look, rule, **days):
    """The outcome of one subject with these days, and the view that was asked."""
    at = look({name: [days.get(name)] for name in ("START", "REL", "DTH", "HSCT", "ALIVE", "CUT")})
    at.table.columns = {k: v.astype("float64") for k, v in at.table.columns.items()}
    made = TimeToEvent(**rule).make(at).columns
    return {k: None if pd.isna(v[0]) else v[0] for k, v in made.items()}, at


@pytest.mark.parametrize(
    ("rel", "dth", "adt", "cnsr", "event", "reason", "why"),
    [
        (50, 70, 50, 0, "RELAPSE", None, "relapse, then death"),
        (None, 70, 70, 0, "DEATH", None, "death without relapse"),
        (70, 70, 70, 0, "RELAPSE", None, "the same day: the upper row wins"),
        (None, None, 90, 1, None, "LAST KNOWN ALIVE", "neither"),
    ],
)
def test_the_earliest_event_decides_and_else_censoring(look, rel, dth, adt, cnsr, event, reason, why):
    found, _ = one(look, RELAPSE_OR_DEATH, START=10, REL=rel, DTH=dth, ALIVE=90)
    assert (found["ADT"], found["CNSR"], found["EVNTDESC"], found["CNSDTDSC"]) == (adt, cnsr, event, reason), why


@pytest.mark.parametrize(
    ("hsct", "rel", "dth", "adt", "cnsr", "why"),
    [
        (40, 50, None, 40, 3, "HSCT before the event"),
        (50, 50, None, 50, 0, "an event on the day of HSCT stays an event"),
        (60, 50, None, 50, 0, "HSCT after the event"),
        (60, None, None, 60, 3, "HSCT and no event"),
        (95, None, None, 95, 3, "HSCT goes before any other censoring, even a later one"),
        (None, None, None, 90, 1, "no HSCT"),
        (40, None, 70, 40, 3, "HSCT before death"),
    ],
)
def test_censoring_that_precedes_goes_before_a_later_event_and_before_censoring(look, hsct, rel, dth, adt, cnsr, why):
    days = {"START": 10, "REL": rel, "DTH": dth, "ALIVE": 90, "HSCT": hsct}
    found, _ = one(look, RELAPSE_OR_DEATH | {"preceded_by": HSCT_FIRST}, **days)
    assert (found["ADT"], found["CNSR"]) == (adt, cnsr), why


@pytest.mark.parametrize(
    ("rel", "dth", "hsct", "adt", "cnsr", "kind", "why"),
    [
        (50, 70, None, 50, 0, 1, "relapse before death"),
        (50, 50, None, 50, 0, 1, "the same day is relapse"),
        (None, 70, None, 70, 2, 2, "death without relapse competes"),
        (None, None, None, 90, 1, 0, "neither"),
        (None, 70, 60, 60, 3, 0, "HSCT before the competing death"),
        (None, 70, 70, 70, 2, 2, "a competing death on the day of HSCT stays"),
    ],
)
def test_a_competing_event_has_its_own_type(look, rel, dth, hsct, adt, cnsr, kind, why):
    rule = COMPETING | {"preceded_by": HSCT_FIRST | {"type": 0}}
    found, _ = one(look, rule, START=10, REL=rel, DTH=dth, HSCT=hsct, ALIVE=90)
    assert (found["ADT"], found["CNSR"], found["EVTYPEN"]) == (adt, cnsr, kind), why
    assert (found["EVNTDESC"] is None) == (cnsr > 0) and (found["CNSDTDSC"] is None) == (cnsr == 0)


def test_the_first_case_whose_condition_holds_decides(look):
    cases = [
        {"when": "REL <= 60", "at": "DTH", "event": "DEATH"},
        {"when": "REL <= 60", "at": "ALIVE", "censor": 1, "says": "ALIVE"},
        {"at": "START", "event": "FAILURE"},
    ]
    rule = {"from": "START", "cases": cases}
    assert one(look, rule, START=10, REL=60, DTH=70, ALIVE=90)[0]["ADT"] == 70
    assert one(look, rule, START=10, REL=60, ALIVE=90)[0]["ADT"] == 90, "without its date a case does not apply"
    assert one(look, rule, START=10, REL=61, DTH=70, ALIVE=90)[0]["EVNTDESC"] == "FAILURE"
    assert one(look, rule, START=10, DTH=70)[0]["EVNTDESC"] == "FAILURE", "an unknown condition does not hold"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ({"START": 10}, "no case of the time from START applies"),
        ({"ALIVE": 90}, "time has no origin: START is missing"),
        ({"START": 10, "DTH": 9}, "lies before the origin"),
        ({"START": 10, "DTH": 99, "CUT": 98}, "lies after CUT"),
    ],
)
def test_a_gap_or_a_date_out_of_range_stops_the_build(look, issues, days, said):
    _, at = one(look, RELAPSE_OR_DEATH | {"not_after": "CUT"}, **days)
    assert any(severity == "blocking" and said in message for severity, message in issues(at))


def test_a_sound_outcome_raises_no_issue(look, issues):
    _, at = one(look, RELAPSE_OR_DEATH | {"not_after": "CUT"}, START=10, DTH=10, CUT=10)
    assert issues(at) == []


@pytest.mark.parametrize(
    "case",
    [
        {"at": "DTH"},
        {"at": "DTH", "event": "DEATH", "censor": 1, "says": "BOTH"},
        {"at": "DTH", "censor": 1},
        {"at": "DTH", "event": "DEATH", "earliest": [{"at": "REL", "event": "RELAPSE"}]},
        {"when": "REL is present"},
    ],
)
def test_a_case_says_one_thing(case):
    with pytest.raises(ValidationError):
        TimeToEvent(**{"from": "START", "cases": [case]})


# -- points: RS of two subjects; RSSEQ tells equal dates apart

RS = (
    {
        "RSDTC": ["2025-03-01", "2025-03-01", "2025-04", "2025-05-02", "2025-02-01"],
        "RSSEQ": [2, 1, 3, 4, 1],
        "RSSTRESC": ["CR", "CR", "CR", "PD", "CR"],
    },
    [0, 0, 0, 0, 1],
)
SUBJECTS = {"TRTSDT": [23802.0, 23802.0], "DTHDT": [None, 23900]}  # 2025-03-02
DAY = {"2025-02-01": 23773, "2025-03-01": 23801, "2025-05-02": 23863}


def point(look, **rule):
    at = look(SUBJECTS, {"RS": RS})
    made = Point(**{"as": "X", "record": "RS.RSSEQ"} | rule).make(at).columns
    return [[None if pd.isna(v) else v for v in made[c]] for c in ("X", "X.SRCDOM", "X.SRCVAR", "X.SRCSEQ")]


def test_a_point_is_the_first_complete_date_and_names_its_record(look):
    dates, domain, variable, number = point(look, first="RS.RSDTC")
    assert dates == [DAY["2025-03-01"], DAY["2025-02-01"]]
    assert (domain, variable, number) == (["RS", "RS"], ["RSDTC", "RSDTC"], [1, 1]), "of equal dates the lowest RSSEQ"


def test_the_last_point_takes_the_highest_number_of_equal_dates_and_no_partial_date(look):
    dates, _, _, number = point(look, last="RS.RSDTC", where="RS.RSSTRESC == 'CR'")
    assert dates == [DAY["2025-03-01"], DAY["2025-02-01"]] and number == [2, 1]


def test_a_point_compares_with_the_subjects_own_values_and_may_be_absent(look):
    dates, domain, _, number = point(look, first="RS.RSDTC", where="date(RS.RSDTC) > TRTSDT")
    assert dates == [DAY["2025-05-02"], None] and domain == ["RS", None] and number == [4, None]


def test_a_point_takes_over_the_source_that_its_record_names(look):
    named = {"ADT": [23801.0], "SRCDOM": ["RS"], "SRCVAR": ["RSSTRESC"], "SRCSEQ": [7.0]}
    at = look(SUBJECTS, {"ADRS": (named, [0])})
    made = Point(**{"as": "X", "first": "ADRS.ADT", "record": "ADRS.SRCSEQ"}).make(at).columns
    assert [made[c][0] for c in ("X", "X.SRCDOM", "X.SRCVAR", "X.SRCSEQ")] == [23801, "RS", "RSSTRESC", 7]


def test_a_record_may_be_dated_by_a_variable_of_the_subject(look):
    at = look(SUBJECTS)
    made = DatedBy(by="DTHDT").make(at)
    assert [None if pd.isna(v) else v for v in made.columns["ADT"]] == [None, 23900]
    assert made.columns["SRCVAR"][1] == "DTHDT" and pd.isna(made.columns["SRCVAR"][0])
    assert DatedBy(by="DTHDT", required="true").make(at).rows.tolist() == [1]


@pytest.mark.parametrize(
    "rule",
    [
        {"as": "X"},
        {"as": "X", "first": "RS.RSDTC"},
        {"as": "X", "first": "RS.RSDTC", "last": "RS.RSDTC", "record": "RS.RSSEQ"},
        {"as": "X", "first": "RS.RSDTC", "record": "AE.AESEQ"},
        {"as": "too long a name", "compute": "TRTSDT"},
    ],
)
def test_a_point_has_one_way_and_one_dataset(rule):
    with pytest.raises(ValidationError):
        Point(**rule)


def test_shuffled_records_give_the_same_points(look):
    order = np.random.default_rng(3).permutation(5)
    shuffled = ({k: [v[i] for i in order] for k, v in RS[0].items()}, [RS[1][i] for i in order])
    at = look(SUBJECTS, {"RS": shuffled})
    made = Point(**{"as": "X", "first": "RS.RSDTC", "record": "RS.RSSEQ"}).make(at).columns
    assert made["X.SRCSEQ"].tolist() == [1, 1]
