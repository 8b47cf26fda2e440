"""Amounts over days and spells of intervals, by tables that a clinician can check and against a count day by day."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from adam.exposure import CountSpells, SumDays
from adam.intervals import covered_days, without_overlap

FIRST, LAST = date(2025, 3, 10), date(2025, 4, 6)


def total(look, intervals, **more):
    """The dose over 2025-03-10 to 2025-04-06 of one subject with (start, end, mg) records, and what was told."""
    columns = {
        "EXSTDTC": [i[0] for i in intervals],
        "EXENDTC": [i[1] for i in intervals],
        "EXDOSE": [i[2] for i in intervals],
        "EXSEQ": [float(n) for n, _ in enumerate(intervals)],
    }
    at = look({"FROM": [str(FIRST)], "TO": [str(LAST)]}, {"EX": (columns, [0] * len(intervals))})
    params = {"over": ["EX.EXSTDTC", "EX.EXENDTC"], "within": ["FROM", "TO"], "order": ["EX.EXSEQ"], **more}
    found = SumDays(of="EX.EXDOSE", **params).derive(at)
    return found[0], [i.message for i in at.run.close_issues()]


DOSES = [
    ([("2025-03-10", "2025-03-10", 100)], {}, 100, None, "start and end are both covered"),
    ([("2025-03-10T08:15", "2025-03-10T08:15", 100)], {}, 100, None, "a time is no part of a day"),
    ([("2025-03-10", "2025-03-12", 100), ("2025-03-15", "2025-03-16", 50)], {}, 400, None, "a gap adds nothing"),
    ([("2025-03-01", "2025-04-30", 10)], {}, 280, None, "only days of the window"),
    ([("2025-03-10", None, 10)], {"open_end": "TO"}, 280, None, "ongoing, to the stated day"),
    ([("2025-03-10", None, 10)], {}, 0, "certain", "no end and none stated: no day is certain"),
    ([("2025-03-10", "2025-03", 10)], {"open_end": "TO"}, 0, "certain", "an end in March may be the 1st"),
    ([("2025-03-10", "2025-04", 10)], {"open_end": "TO"}, 230, "certain", "an end in April: until 1 April"),
    ([("2025-03-10", "2025-03-12", None)], {}, 0, "no amount", "an unknown dose adds nothing and is told"),
    ([("2025-03-10", "2025-03-20", 10), ("2025-03-15", "2025-03-16", 50)], {}, 190, "once", "the later record counts"),
    ([("2025-03-15", "2025-03-16", 50), ("2025-03-10", "2025-03-20", 10)], {}, 110, "once", "whichever is last"),
    ([("2025-03-10", "2025-03-12", 10), ("2025-03-12", "2025-03-14", 20)], {}, 80, "once", "a shared day"),
    ([("2025-03-12", "2025-03-10", 10)], {}, 0, None, "an end before the start covers no day"),
    ([], {}, 0, None, "nothing taken"),
]


@pytest.mark.parametrize(("intervals", "more", "mg", "told", "why"), DOSES, ids=[d[-1] for d in DOSES])
def test_total_dose(look, intervals, more, mg, told, why):
    found, issues = total(look, intervals, **more)
    assert found == mg, why
    assert issues == [] if told is None else issues and all(told in i for i in issues), why


def test_no_window_no_sum(look):
    at = look({"FROM": [None], "TO": [None]}, {"EX": ({"EXSTDTC": [], "EXENDTC": [], "EXDOSE": [], "EXSEQ": []}, [])})
    found = SumDays(of="EX.EXDOSE", over=["EX.EXSTDTC", "EX.EXENDTC"], within=["FROM", "TO"], order="EX.EXSEQ").derive(at)
    assert found.isna().all()


@pytest.mark.parametrize("seed", range(40))
def test_intervals_agree_with_a_count_day_by_day(seed):
    """Random intervals of three subjects: who owns each day, and how many days are covered."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    start = rng.integers(0, 30, n)
    frame = pd.DataFrame(
        {"who": rng.integers(0, 3, n), "from": start * 1.0, "to": start + rng.integers(0, 9, n) * 1.0,
         "value": rng.integers(1, 5, n) * 50.0, "place": rng.permutation(n)}
    )  # fmt: skip
    owner = {}
    for row in frame.sort_values("place").itertuples():
        for day in range(int(row[2]), int(row.to) + 1):
            owner.setdefault((row.who, day), []).append((row.Index, row.value))
    pieces, shared = without_overlap(frame)
    spread = [(p.who, d, p.value) for p in pieces.itertuples() for d in range(int(p[2]), int(p.to) + 1)]
    assert sorted(spread) == sorted((who, day, held[-1][1]) for (who, day), held in owner.items())
    assert set(shared.index[shared]) == {i for held in owner.values() if len(held) > 1 for i, _ in held}
    counts = pd.Series([who for who, _ in owner]).value_counts().to_dict()
    assert covered_days(frame).to_dict() == counts


MISSED = [
    ([], 0, "none"),
    ([("2025-03-10", "2025-03-12", "AE")], 1, "one"),
    ([("2025-03-10", "2025-03-12", "AE"), ("2025-03-13", "2025-03-14", "AE")], 1, "adjacent: once"),
    ([("2025-03-10", "2025-03-12", "AE"), ("2025-03-14", "2025-03-14", "AE")], 2, "a day between: twice"),
    ([("2025-03-10", "2025-03-12", "AE"), ("2025-03-11", "2025-03-11", "AE"), ("2025-03-13", None, "AE")], 1, "one within"),
    ([("2025-03-10", "2025-03-12", "FORGOT")], 0, "for another reason"),
    ([("2025-03-10", "2025-03-12", "FORGOT"), ("2025-03-13", "2025-03-13", "AE")], 1, "partly for an event"),
    ([("2025-03-10", "2025-03-10", "AE"), ("2025-03-11", "2025-03-11", "FORGOT"), ("2025-03-12", "2025-03-12", "AE")], 1,
     "one gap, though a day in between was forgotten"),
]  # fmt: skip


@pytest.mark.parametrize(("gaps", "count", "why"), MISSED, ids=[m[-1] for m in MISSED])
def test_interruptions_for_an_event(look, gaps, count, why):
    columns = {n: [g[i] for g in gaps] for i, n in enumerate(("ECSTDTC", "ECENDTC", "WHY"))}
    at = look({"TO": [str(LAST)]}, {"EC": (columns, [0] * len(gaps))})
    params = {"having": "EC.WHY == 'AE'", "open_end": "TO"}
    assert CountSpells(of=["EC.ECSTDTC", "EC.ECENDTC"], **params).derive(at)[0] == count, why
    shuffled = {n: v[::-1] for n, v in columns.items()}
    again = look({"TO": [str(LAST)]}, {"EC": (shuffled, [0] * len(gaps))})
    assert CountSpells(of=["EC.ECSTDTC", "EC.ECENDTC"], **params).derive(again)[0] == count, "in any order"


