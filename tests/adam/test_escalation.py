"""Dose escalation by 3+3 with accelerated titration: a table of courses, and a second, plain implementation."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from adam.escalation import Subject, escalate
from adam.escalation_rules import Rules

FILE = Path(__file__).resolve().parents[2] / "specs" / "by002" / "escalation.yaml"
DAY0 = date(2025, 1, 1)


@pytest.fixture(scope="module")
def rules():
    """The first study's rules: 1.4 of its design."""
    return Rules.model_validate(yaml.load(FILE.read_text(encoding="utf-8"), yaml.BaseLoader))


def people(text):
    """Subjects from words such as `DL1:0` (evaluable), D (dose-limiting), C (caution), N (not evaluable), NC, P (pending).

    One starts every 30 days, and counts from its Day 28; a toxicity from its Day 5.
    """
    made = []
    for number, word in enumerate(text.split()):
        level, what = word.split(":")
        start = DAY0 + timedelta(days=30 * number)
        toxic, evaluable = what == "D", what[0] in "0DC"
        known = start + timedelta(days=4 if toxic else 27) if evaluable else None
        made.append(Subject(f"S{number:02}", level, start, evaluable, toxic, "C" in what or toxic, known, what == "P"))
    return made


def spelled(outcome):
    return " ".join(f"{d.level}={d.evaluable}/{d.dlt}:{d.decide.replace(' ', '_')}" for d in outcome.decisions)


COURSES = [
    ("", "", None, "nobody treated"),
    ("DL1:0", "DL1=1/0:ESCALATE", None, "accelerated: one clear subject is enough"),
    ("DL1:C", "DL1=1/0:EXPAND_TO_3", None, "a related event of grade 2 ends the accelerated phase"),
    ("DL1:D", "DL1=1/1:EXPAND_TO_3", None, "and so does a toxicity"),
    ("DL1:C DL1:0 DL1:0", "DL1=1/0:EXPAND_TO_3 DL1=2/0:ENROL_MORE DL1=3/0:ESCALATE", None, "enlarged to 3, clear"),
    ("DL1:D DL1:D", "DL1=1/1:EXPAND_TO_3 DL1=2/2:DE-ESCALATE", None, "the lowest level exceeds the MTD"),
    ("DL1:0 DL2:0", "DL1=1/0:ESCALATE DL2=1/0:ENROL_MORE", None, "one is enough at the starting dose only"),
    ("DL1:N", "", None, "not evaluable: no decision"),
    ("DL1:N DL1:0", "DL1=1/0:ESCALATE", None, "replaced"),
    ("DL1:P", "", None, "still in the window"),
    ("DL1:0 DL2:0 DL2:N DL2:0 DL2:0",
     "DL1=1/0:ESCALATE DL2=1/0:ENROL_MORE DL2=2/0:ENROL_MORE DL2=3/0:ESCALATE", None, "one of four is replaced"),
    ("DL1:0 DL2:0 DL2:0 DL2:0 DL2:0",
     "DL1=1/0:ESCALATE DL2=1/0:ENROL_MORE DL2=2/0:ENROL_MORE DL2=3/0:ESCALATE DL2=4/0:ESCALATE", None, "a fourth, clear"),
    ("DL1:0 DL2:D DL2:0 DL2:0 DL2:0 DL2:0 DL2:0",
     "DL1=1/0:ESCALATE DL2=1/1:ENROL_MORE DL2=2/1:ENROL_MORE DL2=3/1:EXPAND_TO_6 DL2=4/1:ENROL_MORE DL2=5/1:ENROL_MORE"
     " DL2=6/1:ESCALATE", None, "1 of 3, then 1 of 6"),
    ("DL1:0 DL2:D DL2:0 DL2:0 DL2:D",
     "DL1=1/0:ESCALATE DL2=1/1:ENROL_MORE DL2=2/1:ENROL_MORE DL2=3/1:EXPAND_TO_6 DL2=4/2:DE-ESCALATE DL1=1/0:EXPAND_TO_6",
     None, "2 of 4: the level below, with one subject, is enlarged first"),
    ("DL1:0 DL2:D DL2:D DL1:0 DL1:0 DL1:0 DL1:0 DL1:0",
     "DL1=1/0:ESCALATE DL2=1/1:ENROL_MORE DL2=2/2:DE-ESCALATE DL1=1/0:EXPAND_TO_6 DL1=2/0:ENROL_MORE DL1=3/0:ENROL_MORE"
     " DL1=4/0:ENROL_MORE DL1=5/0:ENROL_MORE DL1=6/0:MTD", "DL1", "never escalated into a level that exceeds the MTD"),
    ("DL1:0 DL2:D DL2:D DL1:D DL1:D",
     "DL1=1/0:ESCALATE DL2=1/1:ENROL_MORE DL2=2/2:DE-ESCALATE DL1=1/0:EXPAND_TO_6 DL1=2/1:ENROL_MORE DL1=3/2:DE-ESCALATE",
     None, "the enlarged level exceeds it too"),
]  # fmt: skip


@pytest.mark.parametrize(("course", "decisions", "mtd", "why"), COURSES, ids=[c[-1] for c in COURSES])
def test_course(rules, course, decisions, mtd, why):
    outcome = escalate(rules, people(course))
    assert (spelled(outcome), outcome.mtd) == (decisions, mtd), why
    assert outcome.findings == []


REFERENCE = "DL1:0 DL2:0 DL2:N DL2:0 DL2:0 DL3:0 DL3:0 DL3:0 DL4:D DL4:0 DL4:0 DL4:0 DL4:0 DL4:0 DL5:0 DL5:D DL5:D"


def test_the_reference_course(rules):
    """1, 3 of 4, 0/3, 1/3 then 1/6, 2/3: the MTD is the fourth level, known on the day of the second toxicity above it."""
    outcome = escalate(rules, people(REFERENCE))
    counts = {x.name: (x.treated, x.evaluable, x.dlt, x.decide) for x in outcome.levels.values()}
    assert counts == {
        "DL1": (1, 1, 0, "ESCALATE"),
        "DL2": (4, 3, 0, "ESCALATE"),
        "DL3": (3, 3, 0, "ESCALATE"),
        "DL4": (6, 6, 1, "MTD"),
        "DL5": (3, 3, 2, "DE-ESCALATE"),
    }
    assert (outcome.mtd, outcome.since, outcome.findings) == ("DL4", DAY0 + timedelta(days=30 * 16 + 4), [])


@pytest.mark.parametrize(
    ("course", "told"),
    [
        ("DL1:0 DL3:0", "DL3 was opened and DL2 was not: a level was skipped"),
        ("DL1:C DL2:0", "DL2 was opened on 2025-01-31 (S01) before ESCALATE was decided of DL1; by then EXPAND TO 3 was"),
        ("DL1:N DL2:0", "DL2 was opened on 2025-01-31 (S01) before ESCALATE was decided of DL1; by then nothing was"),
        ("DL1:0 DL2:D DL2:D DL2:0", "S03 was treated at DL2 on 2025-04-01, after DL2 had exceeded the MTD"),
        ("DL1:NC", "S00 at DL1 had a caution and is not evaluable: it is not counted, yet the accelerated phase may have to end"),
    ],
)
def test_what_went_against_the_rules_is_told(rules, course, told):
    assert escalate(rules, people(course)).findings == [told]


def test_below_a_skipped_level_the_next_lower_one_counts(rules):
    outcome = escalate(rules, people("DL1:0 " + "DL2:0 " * 6 + "DL4:D DL4:D"))
    assert (outcome.mtd, outcome.why.split(";")[0]) == ("DL2", "6 evaluable, 0 DLT")
    assert any("a level was skipped" in f for f in outcome.findings)


def test_the_order_of_subjects_does_not_matter(rules):
    made = people(REFERENCE)
    mixed = [made[i] for i in np.random.default_rng(5).permutation(len(made))]
    assert spelled(escalate(rules, mixed)) == spelled(escalate(rules, made))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"levels": {"DL1": "200", "DL2": "100"}}, "ascending"),
        ({"exceeded": "STOP"}, "no row decides STOP"),
        ({"rp2d": {"level": "DL9"}}, "no such level: DL9"),
        ({"decisions": [{"evaluable": "3-", "dlt": "0", "decide": "ESCALATE"}]}, "3, 3-5 or 2"),
        ({"decisions": [{"evaluable": "5-3", "dlt": "0", "decide": "ESCALATE"}]}, "3, 3-5 or 2"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(change, told):
    given = yaml.load(FILE.read_text(encoding="utf-8"), yaml.BaseLoader)
    with pytest.raises(ValueError, match=told):
        Rules.model_validate(given | change)


# -- a second implementation: one pass over days, counting anew from all subjects on each of them


def plain(subjects):
    levels, fast, over, said = ["DL1", "DL2", "DL3", "DL4", "DL5", "DL6"], True, set(), []
    opened = [x for x in levels if any(s.level == x for s in subjects)]
    for on, level in sorted({(s.known, s.level) for s in subjects if s.known}):
        counted = [s for s in subjects if s.level == level and s.known and s.known <= on]
        n, d = len(counted), len([s for s in counted if s.toxic])
        clear = not [s for s in counted if s.toxic or s.caution]
        if level == "DL1" and fast and n == 1:
            word = "ESCALATE" if clear else "EXPAND TO 3"
        elif n in (3, 4, 5) and d == 0:
            word = "ESCALATE"
        elif n == 3 and d == 1:
            word = "EXPAND TO 6"
        elif 2 <= n <= 6 and d >= 2:
            word = "DE-ESCALATE"
        elif n == 6:
            word = "ESCALATE"
        else:
            word = "ENROL MORE"
        if level == "DL1" and not clear:
            fast = False
        if word == "ESCALATE" and [x for x in over if x > level]:
            word = "MTD" if n >= 6 and d <= 1 else "ENROL MORE"
        said.append((on, level, n, d, word))
        if word == "DE-ESCALATE" and level not in over:
            over.add(level)
            lower = [x for x in opened if x < level]
            if lower and lower[-1] not in over:
                counted = [s for s in subjects if s.level == lower[-1] and s.known and s.known <= on]
                counted = [s for s in counted if s.known < on or s.level < level]
                n, d = len(counted), len([s for s in counted if s.toxic])
                said.append((on, lower[-1], n, d, "MTD" if n >= 6 and d <= 1 else "EXPAND TO 6"))
    mtd = None
    lower = [x for x in opened if over and x < min(over)]
    if lower:
        final = [s for s in subjects if s.level == lower[-1] and s.known]
        mtd = lower[-1] if len(final) >= 6 and sum(s.toxic for s in final) <= 1 else None
    return said, mtd


@pytest.mark.parametrize("seed", range(300))
def test_any_course_agrees_with_the_plain_implementation(rules, seed):
    """Courses at random, also those that no protocol would allow, several subjects starting on one day."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(int(rng.integers(0, 26))):
        start = DAY0 + timedelta(days=7 * int(rng.integers(0, 20)))
        kind = rng.choice(["0", "0", "0", "D", "C", "N"])
        known = None if kind == "N" else start + timedelta(days=int(rng.integers(0, 28)) if kind == "D" else 27)
        level = f"DL{min(6, 1 + int(rng.integers(0, 3)) + number // 8)}"
        made.append(Subject(f"S{number:02}", level, start, kind != "N", kind == "D", kind in "DC", known))
    outcome = escalate(rules, made)
    said, mtd = plain(made)
    assert [(d.on, d.level, d.evaluable, d.dlt, d.decide) for d in outcome.decisions] == said
    assert outcome.mtd == mtd
    if mtd:
        assert outcome.levels[mtd].evaluable >= 6 and outcome.levels[mtd].dlt <= 1
