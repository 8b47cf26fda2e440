"""Dose intervals split at the days of timed doses, by a table that a clinician can check."""

import numpy as np
import pandas as pd
import pytest

from engine.run.at import At
from engine.run.run import Run
from engine.run.tables import Records, Table
from engine.spec.expressions import Expression
from sdtm.intervals import SplitInterval

SPLIT = {"from": "dose.FROM", "to": "dose.TO", "at": "pkd.DAY", "carry": "pkd.TIME"}


def text(*values):
    return pd.Series([v or None for v in values], dtype="str")


class Toolbox:
    def to_ascii(self, values):
        return values

    def to_iso(self, source, date, time, dates, times):
        joined = dates if times is None else dates.where(times.isna(), dates + "T" + times)
        return joined, np.zeros(len(dates), dtype=bool)


class Study:
    datasets = {}

    def setting(self, name):
        return {"DCUTDT": "2025-03-31"}[name]


def table(name, rows, *columns):
    who = np.array([r[0] for r in rows], dtype=np.int64)
    values = {c: text(*(r[i] for r in rows)) for i, c in enumerate(columns, start=1)}
    n = len(rows)
    return Table(name, Records(who, np.zeros(n, dtype=np.int64)), values, raw=True, files=(f"{name}.csv",),
                 file_of=np.zeros(n, dtype=np.int64), line=np.arange(2, n + 2))  # fmt: skip


def split(doses, points, **more):
    """Pieces (interval, start, end, number, point's FAST) and the messages said; intervals and points by person."""
    dose = table("dose", [(*d, *[""] * (4 - len(d))) for d in doses], "FROM", "TO", "TAKEN")
    pkd = table("pkd", [(*p, *[""] * (4 - len(p))) for p in points], "DAY", "TIME", "FAST")
    people = Table("person", Records(np.arange(3), np.zeros(3, dtype=np.int64)), {"USUBJID": text("A", "B", "C")})
    run = Run(Study(), {"dose": dose, "pkd": pkd}, people, Toolbox())
    records = Records(dose.records.subject, np.zeros(dose.n, dtype=np.int64), {"dose": np.arange(dose.n)})
    made = SplitInterval(**{**SPLIT, **more}).make(At(run, Table("EC", records)))
    fast = [pkd.columns["FAST"].iloc[i] if i >= 0 else "" for i in made.sources["pkd"]]
    columns = [made.columns[c].tolist() for c in ("START", "END", "NUMBER")]
    pieces = [
        tuple("" if pd.isna(v) else v for v in piece) for piece in zip(made.rows.tolist(), *columns, fast, strict=True)
    ]
    return pieces, [f"{i.severity} {i.message} {i.source}" for i in run.close_issues()]


def spans(pieces):
    return [f"{start}..{end}" for _, start, end, *_ in pieces]


T1, T15 = ("2025-03-03", "08:05"), ("2025-03-17", "07:55")


@pytest.mark.parametrize(("interval", "points", "expected", "why"), [
    (("2025-03-03", "2025-03-20"), [], ["2025-03-03..2025-03-20"], "nothing to split at"),
    (("2025-03-03", "2025-03-20"), [T1],
     ["2025-03-03T08:05..2025-03-03T08:05", "2025-03-04..2025-03-20"], "the first day"),
    (("2025-03-03", "2025-03-20"), [T1, T15],
     ["2025-03-03T08:05..2025-03-03T08:05", "2025-03-04..2025-03-16", "2025-03-17T07:55..2025-03-17T07:55",
      "2025-03-18..2025-03-20"], "first day and a later one"),
    (("2025-03-01", "2025-03-17"), [T15],
     ["2025-03-01..2025-03-16", "2025-03-17T07:55..2025-03-17T07:55"], "the last day: no piece after it"),
    (("2025-03-03", "2025-03-03"), [T1], ["2025-03-03T08:05..2025-03-03T08:05"], "an interval of that one day"),
    (("2025-03-03", "2025-03-04"), [T1, ("2025-03-04", "09:00")],
     ["2025-03-03T08:05..2025-03-03T08:05", "2025-03-04T09:00..2025-03-04T09:00"], "two days running: no gap between"),
    (("2025-03-03", ""), [T15],
     ["2025-03-03..2025-03-16", "2025-03-17T07:55..2025-03-17T07:55", "2025-03-18.."], "an open interval stays open"),
    (("2025-03-03", "2025-03-20"), [("2025-03-17", "")],
     ["2025-03-03..2025-03-16", "2025-03-17..2025-03-17", "2025-03-18..2025-03-20"], "no time recorded: a date"),
    (("2025-03-03", "2025-03"), [T15],
     ["2025-03-03..2025-03-16", "2025-03-17T07:55..2025-03-17T07:55", "2025-03-18..2025-03"],
     "an end known to the month stays so"),
    (("2025-02-27", "2025-03-05"), [("2025-03-01", "08:00")],
     ["2025-02-27..2025-02-28", "2025-03-01T08:00..2025-03-01T08:00", "2025-03-02..2025-03-05"], "over a month's end"),
])
def test_pieces_of_one_interval(interval, points, expected, why):
    pieces, said = split([(0, *interval)], [(0, *p) for p in points])
    assert spans(pieces) == expected, why
    assert [p[3] for p in pieces] == list(range(1, len(expected) + 1))
    assert not said


def test_the_point_is_aligned_with_its_own_piece_only():
    pieces, _ = split([(0, "2025-03-03", "2025-03-20")], [(0, *T15, "Y")])
    assert [(p[1][:10], p[4]) for p in pieces] == [("2025-03-03", ""), ("2025-03-17", "Y"), ("2025-03-18", "")]


def test_intervals_stand_as_they_came_and_no_other_person_splits_them():
    pieces, said = split(
        [(1, "2025-03-01", "2025-03-10"), (0, "2025-03-01", "2025-03-10"), (0, "2025-03-11", "")],
        [(0, "2025-03-10", "08:00")],
    )
    assert [(p[0], p[1], p[2]) for p in pieces] == [
        (0, "2025-03-01", "2025-03-10"), (1, "2025-03-01", "2025-03-09"),
        (1, "2025-03-10T08:00", "2025-03-10T08:00"), (2, "2025-03-11", ""),
    ] and not said  # fmt: skip


@pytest.mark.parametrize(("doses", "more", "severity", "why"), [
    ([(0, "2025-03-18", "")], {}, "warning", "before the interval"),
    ([(0, "2025-03-01", "2025-03-16")], {}, "warning", "after it"),
    ([(1, "2025-03-01", "")], {}, "warning", "another person's"),
    ([(0, "2025-03", "")], {}, "warning", "a start without its day cannot tell"),
    ([(0, "2025-03-01", "", "N")], {"only": Expression("dose.TAKEN == 'Y'")}, "warning", "doses were missed"),
    ([(0, "2025-03-01", "2025-03-16")], {"outside": "blocking"}, "blocking", "as the spec says"),
])
def test_a_timed_dose_outside_every_interval_is_an_issue_and_splits_nothing(doses, more, severity, why):
    pieces, said = split(doses, [(0, *T15)], **more)
    assert len(pieces) == len(doses), why
    assert said == [f'{severity} pkd.DAY lies in no interval dose.FROM to dose.TO: "2025-03-17" pkd.csv line 2']


def test_of_two_times_for_one_day_the_earlier_is_taken_and_the_other_listed():
    pieces, said = split([(0, "2025-03-03", "2025-03-20")], [(0, "2025-03-17", "09:00"), (0, *T15), (0, "2025-03-17")])
    assert spans(pieces)[1] == "2025-03-17T07:55..2025-03-17T07:55"
    assert len(said) == 2 and all("second pkd.TIME for the same day is not used" in s for s in said)


def test_a_day_in_two_intervals_goes_to_the_later_one_and_is_listed():
    doses = [(0, "2025-03-01", "2025-03-31"), (0, "2025-03-15", "2025-03-20")]
    pieces, said = split(doses, [(0, *T15)])
    assert [p[0] for p in pieces] == [0, 1, 1, 1]
    assert len(said) == 1 and "several intervals" in said[0]
    _, said = split([doses[0], doses[0]], [(0, *T15)])
    assert any(s.startswith("blocking") and "two equal intervals" in s for s in said)


@pytest.mark.parametrize(("end", "given", "why"), [
    ("2025-03-31", "2025-03-31", "the day of the cut-off"),
    ("2025-04-01", "", "the day after: ongoing at the cut-off"),
    ("2025-04", "", "no day of that month is before the cut-off"),
    ("2025-03", "2025-03", "may lie before the cut-off"),
    ("", "", "ongoing"),
])
def test_an_end_after_the_cut_off_is_not_given(end, given, why):
    pieces, _ = split([(0, "2025-03-01", end)], [], open_after="study.DCUTDT")
    assert spans(pieces) == [f"2025-03-01..{given}"], why


def test_the_order_of_the_records_changes_nothing():
    doses = [(0, "2025-03-01", "2025-03-10"), (0, "2025-03-11", "2025-03-31"), (1, "2025-03-02", "")]
    points = [(0, "2025-03-01", "08:00", "Y"), (0, "2025-03-20", "08:10", "N"), (1, "2025-03-16", "", "Y")]
    expected = sorted(p[1:] for p in split(doses, points)[0])
    for seed in range(4):
        rng = np.random.default_rng(seed)
        shuffled = [[items[i] for i in rng.permutation(len(items))] for items in (doses, points)]
        assert sorted(p[1:] for p in split(*shuffled)[0]) == expected
