"""Response by the definitions of ELN 2022 (OVRALG), from made-up marrows and blood draws, category by category.

Day 1 is 2025-03-10. A baseline marrow of 60 % stands before it unless a case says otherwise; a marrow is told as its
day, blasts and what differs from the usual, a draw as its day, neutrophils, platelets (10^9/L) and blasts (%).
"""

from datetime import date, timedelta

import pytest

from tests.by002.hand_made import Specs, treated

DAY1 = date(2025, 3, 10)


def iso(day):
    return (DAY1 + timedelta(days=day - 1)).isoformat()


def marrow(day, blasts, *, adequate=True, cells=None, cell=None):
    """MI records of one smear."""
    same = {"MIDTC": iso(day), "VISITNUM": 100.0 + day, "MISPEC": "BONE MARROW"}
    made = [{"MITESTCD": "BLASTCE", "MISTRESC": blasts, "MISTRESN": float(blasts) if blasts else None,
             "MISPCCND": None if adequate else "INADEQUATE", **same}]  # fmt: skip
    if cells is not None:
        made.append({"MITESTCD": "NUCCNT", "MISTRESC": cells, "MISTRESN": float(cells), **same})
    if cell is not None:
        made.append({"MITESTCD": "CELLULAR", "MISTRESC": cell, **same})
    return made


def draw(day, anc, plt, blasts):
    """LB records of one draw; None is not reported."""
    values = {"NEUT": anc, "PLAT": plt, "BLASTLE": blasts}
    return [{"LBTESTCD": t, "LBSTRESC": v, "LBDTC": f"{iso(day)}T08:00", "LBREFID": f"A{day}", "LBNAM": "LOCAL LAB"}
            for t, v in values.items() if v is not None]  # fmt: skip


def emd(day, result):
    return {"RSTESTCD": "EMDRESP", "RSSTRESC": result, "RSDTC": iso(day)}


@pytest.fixture(scope="module")
def specs():
    return Specs()


def judge(specs, marrows, draws=(), disease=(), base="60"):
    """[(AVALC, study day of ADT)] of the marrows after Day 1, in order."""
    before = marrow(-5, base) if base else []
    if before:
        before[0]["MILOBXFL"] = "Y"
    mi = [{"MISEQ": float(i), **r} for i, r in enumerate([*before, *(r for m in marrows for r in m)], 1)]
    lb = [{"LBSEQ": float(i), **r} for i, r in enumerate((r for d in draws for r in d), 1)]
    found = specs.derive("MARROW", treated(MI=mi, LB=lb, RS=list(disease)))
    found.sort(key=lambda r: r["MARDT"])
    return [(r["AVALC"], (date.fromisoformat(r["ADT"]) - DAY1).days + 1) for r in found]


FULL, PART, ONE, NONE = ("1.0", "100", "0"), ("0.5", "50", "0"), ("0.4", "100", "0"), ("0.4", "49", "0")
CASES = [
    # blasts at Day 29, counts of the draw of that day (None: no draw), extramedullary disease, options -> category, why
    ("4.9", FULL, None, {}, "CR", "below 5 %, counts recovered, at their limits"),
    ("5", FULL, None, {}, "PR", "5 % is no remission; recovered and fallen by half or more"),
    ("4.9", ("0.99", "100", "0"), None, {}, "CRh", "neutrophils below 1.0, both above the partial limits"),
    ("4.9", PART, None, {}, "CRh", "both at the partial limits"),
    ("4.9", ONE, None, {}, "CRi", "platelets alone recovered"),
    ("4.9", ("1.0", "49", "0"), None, {}, "CRi", "neutrophils alone recovered"),
    ("4.9", NONE, None, {"cells": "200"}, "MLFS", "no line recovered, 200 cells seen"),
    ("4.9", NONE, None, {"cells": "199", "cell": "APLASTIC"}, "NR", "too few cells in an aplastic marrow"),
    ("4.9", NONE, None, {"cells": "199", "cell": "HYPOCELLULAR"}, "MLFS", "not aplastic"),
    ("4.9", ("0.49", "50", "0"), None, {"cells": "300"}, "MLFS", "one line at the partial limit is no recovery"),
    ("4.9", ("1.5", "150", "1"), None, {"cells": "300"}, "NR", "blasts in the blood are no remission"),
    ("4.9", FULL, "PRESENT", {"cells": "300"}, "NR", "extramedullary disease is no remission"),
    ("4.9", FULL, "ABSENT", {}, "CR", "looked for and absent"),
    ("4.9", FULL, "NEW", {"cells": "300"}, "PD", "new extramedullary disease"),
    ("4.9", None, None, {}, "NE", "no blood draw in the window"),
    ("4.9", ("1.0", "100", None), None, {}, "NE", "a draw without blasts judges nothing"),
    (None, FULL, None, {}, "NE", "blasts missing"),
    ("4.9", FULL, None, {"adequate": False}, "NE", "specimen inadequate"),
    ("25", FULL, None, {}, "PR", "25 % at most"),
    ("25.1", FULL, None, {}, "NR", "above 25 %"),
    ("20", ONE, None, {}, "NR", "a partial remission needs full recovery"),
    ("60", FULL, None, {}, "NR", "no change"),
    ("90", FULL, None, {}, "NR", "a rise by half is not enough"),
    ("90.1", FULL, None, {}, "PD", "a rise by more than half"),
    ("90.1", None, None, {}, "PD", "progression needs no blood draw"),
]


@pytest.mark.parametrize(("blasts", "counts", "disease", "more", "category", "why"), CASES, ids=[c[5] for c in CASES])
def test_category_of_a_marrow(specs, blasts, counts, disease, more, category, why):
    draws = [draw(29, *counts)] if counts else []
    found = judge(specs, [marrow(29, blasts, **more)], draws, [emd(29, disease)] if disease else [])
    assert found == [(category, 29)], why


@pytest.mark.parametrize(
    ("base", "blasts", "category", "why"),
    [
        ("29", "44", "PD", "by more than half and 15 points"),
        ("20", "34.9", "NR", "more than half, not 15 points"),
        ("10", "25", "PD", "15 points and more than half"),
        ("30", "45", "NR", "from 30 % on, half is not more than half"),
        ("30", "45.1", "PD", "from 30 % on the relative rise alone counts"),
        ("40", "20", "PR", "fallen by exactly half"),
        ("40", "20.1", "NR", "fallen by less than half"),
        (None, "20", "NR", "without a baseline neither is seen"),
    ],
)
def test_blasts_against_baseline(specs, base, blasts, category, why):
    assert judge(specs, [marrow(29, blasts)], [draw(29, *FULL)], base=base) == [(category, 29)], why


def test_of_the_draws_in_the_window_the_best_counts_then_the_nearest_then_the_earlier(specs):
    def one(*draws):
        return judge(specs, [marrow(29, "2")], [draw(d, *c) for d, c in draws])

    assert one((22, FULL), (29, PART)) == [("CR", 29)], "7 days before; dated by the marrow, the later of the two"
    assert one((21, FULL), (29, PART)) == [("CRh", 29)], "8 days before is out of the window"
    assert one((43, FULL), (29, PART)) == [("CR", 43)], "14 days after; dated by the draw"
    assert one((44, FULL), (29, PART)) == [("CRh", 29)], "15 days after is out of the window"
    assert one((35, FULL), (32, FULL)) == [("CR", 32)], "the nearest of equal ones"
    assert one((32, FULL), (26, FULL)) == [("CR", 29)], "equally near: the earlier"


def test_only_after_a_remission_there_is_a_relapse(specs):
    first, draws = marrow(29, "2"), [draw(29, *FULL), draw(57, *FULL)]
    assert judge(specs, [first, marrow(57, "5")], draws) == [("CR", 29), ("REL", 57)], "5 % in the marrow"
    assert judge(specs, [marrow(29, "30"), marrow(57, "65")], draws) == [("NR", 29), ("NR", 57)], "no remission before"
    assert judge(specs, [first, marrow(57, "2")], draws, [emd(60, "NEW")]) == [("CR", 29), ("REL", 57)], "new extramedullary disease"
    assert judge(specs, [first, marrow(57, "2", adequate=False)], draws) == [("CR", 29), ("NE", 57)], "an inadequate marrow tells nothing"


def test_blasts_in_the_blood_of_two_samples_are_a_relapse_at_the_first(specs):
    first, later = marrow(29, "2"), marrow(57, "2")

    def two(one, other):
        blood = [draw(29, *FULL), draw(57, *FULL), draw(one, "1.0", "100", "1"), draw(other, "1.0", "100", "2")]
        return judge(specs, [first, later], blood)[1]

    assert two(50, 57 + 7) == ("REL", 50), "14 days apart, dated by the first"
    assert two(50, 56) == ("CR", 57), "6 days apart"
    assert two(50, 72) == ("CR", 57), "the second is seen later than 14 days after the marrow"


def test_marrows_before_treatment_and_on_its_first_day_are_not_judged(specs):
    assert judge(specs, [marrow(-2, "50"), marrow(1, "50")]) == []


def test_the_order_of_the_records_changes_nothing(specs):
    marrows, draws = [marrow(29, "2"), marrow(57, "8")], [draw(29, *FULL), draw(31, *PART), draw(57, *FULL)]
    assert judge(specs, marrows, draws) == judge(specs, marrows, draws[::-1])
