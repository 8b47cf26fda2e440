"""ADAE on hand-made events, case by case: analysis dates, treatment emergence, occurrence, actions, special interest."""

import pytest

from tests.by002.hand_made import START, Specs, treated


@pytest.fixture(scope="module")
def adae():
    """A function: AE records of several subjects to their ADAE records."""
    specs = Specs()
    return lambda *subjects: specs.derive("ADAE", *subjects)


def one(adae, cases, **more):
    """One subject with one event for each case; the ADAE record of each."""
    coded = {"AEDECOD": "Nausea", "AEBODSYS": "Gastrointestinal disorders"}
    rows = adae(*[treated(AE=[{**coded, **event}], **more) for event in cases])
    assert len(rows) == len(cases)
    return rows


# First dose 2025-03-10 at 08:00, last dose 2025-05-31
STARTS = [
    ("2025-03-20", None, "2025-03-20", None, "complete: as it is"),
    ("2025-03-20T07:30", None, "2025-03-20", None, "a time does not matter to the date"),
    ("2025-03", None, "2025-03-10", "D", "the month of the first dose: the first dose"),
    ("2025-03", "2025-03-12", "2025-03-10", "D", "had not ended before it"),
    ("2025-03", "2025-03-10", "2025-03-10", "D", "ended on the day of the first dose"),
    ("2025-03", "2025-03-09", "2025-03-01", "D", "had ended before it: the first of the month"),
    ("2025-03", "2025-03", "2025-03-10", "D", "an end of that month is its last day, so not before"),
    ("2025-04", None, "2025-04-01", "D", "another month: its first day"),
    ("2025-02", None, "2025-02-01", "D", "a month before the first dose"),
    ("2025", None, "2025-03-10", "M", "the year of the first dose: the first dose"),
    ("2025", "2025-02", "2025-01-01", "M", "had ended before it: 1 January"),
    ("2025", "2025-05", "2025-03-10", "M", "had not"),
    ("2024", None, "2024-01-01", "M", "another year: 1 January"),
    ("2025---15", None, "2025-03-10", "M", "a day without its month is a missing month"),
    (None, None, "2025-03-10", "Y", "unknown: the first dose"),
    (None, "2025-03-09", None, None, "unknown and ended before it: none"),
    (None, "2025-04-02", "2025-03-10", "Y", "unknown and ended after it"),
]


def test_start_of_an_event(adae):
    """AESTDTC, AEENDTC, ASTDT, ASTDTF."""
    rows = one(adae, [{"AESTDTC": start, "AEENDTC": end} for start, end, *_ in STARTS])
    for row, (*_, day, flag, why) in zip(rows, STARTS, strict=True):
        assert (row["ASTDT"], row["ASTDTF"]) == (day, flag), why
        assert ("the event ended before the first dose" in str(row["told"])) == (day is None), why


ENDS = [
    ("2025-04-20", {}, "2025-04-20", None, "complete"),
    ("2025-04", {}, "2025-04-30", "D", "the last of the month"),
    ("2025", {}, "2025-12-31", "M", "31 December"),
    ("2026", {}, "2026-03-31", "M", "not after the cut-off"),
    ("2025-06", {"DM": {"DTHFL": "Y", "DTHDTC": "2025-06-20"}}, "2025-06-20", "D", "not after death"),
    (None, {}, None, None, "missing, ongoing or not"),
]  # fmt: skip


def test_end_of_an_event(adae):
    """AEENDTC, what else is recorded, AENDT, AENDTF."""
    rows = adae(*[treated(AE=[{"AESTDTC": "2025-04-01", "AEENDTC": end}], **more) for end, more, *_ in ENDS])
    for row, (*_, day, flag, why) in zip(rows, ENDS, strict=True):
        assert (row["AENDT"], row["AENDTF"]) == (day, flag), why


NEW = {"CM": [{"CMCAT": "SUBSEQUENT ANTI-LEUKEMIA THERAPY", "CMSTDTC": "2025-06-10"}]}
EMERGENT = [
    (START, {}, "Y", "Y", "on the day of the first dose, at no known time"),
    (f"{START}T07:59", {}, None, None, "before the first dose of that day"),
    (f"{START}T08:00", {}, "Y", "Y", "at the minute of the first dose"),
    (f"{START}T08:01", {}, "Y", "Y", "after it"),
    (f"{START}T07", {}, None, None, "in an hour before it"),
    (f"{START}T08", {}, "Y", "Y", "in the same hour, so not known to be before"),
    (f"{START}T07:59", {"DM": {"RFXSTDTC": START}}, "Y", "Y", "the time of the first dose is not known"),
    ("2025-03-09", {}, None, None, "the day before"),
    ("2025-03", {}, "Y", "Y", "it may have begun on that day"),
    ("2025-05-31", {}, "Y", "Y", "on the day of the last dose"),
    ("2025-06-01", {}, "Y", None, "after the last dose"),
    ("2025-06-30", {}, "Y", None, "30 days after the last dose"),
    ("2025-07-01", {}, None, None, "31 days after it"),
    ("2025-06-09", NEW, "Y", None, "the day before a new anti-leukemia therapy"),
    ("2025-06-10", NEW, None, None, "the day on which it starts"),
]


def test_treatment_emergent(adae):
    """AESTDTC, what else is recorded, TRTEMFL, ONTRTFL."""
    rows = adae(*[treated(AE=[{"AESTDTC": start}], **more) for start, more, *_ in EMERGENT])
    for row, (*_, emergent, on, why) in zip(rows, EMERGENT, strict=True):
        assert (row["TRTEMFL"], row["ONTRTFL"]) == (emergent, on), why


def test_a_missing_relationship_counts_as_related(adae):
    said = ["DEFINITELY RELATED", "PROBABLY RELATED", "POSSIBLY RELATED", None, "UNLIKELY RELATED", "UNRELATED"]
    rows = one(adae, [{"AESTDTC": "2025-04-01", "AEREL": r, "AETOXGR": "1"} for r in said])
    assert [r["AREL"] for r in rows] == ["RELATED"] * 4 + ["NOT RELATED"] * 2


def test_a_missing_grade_stays_missing_and_is_told_where_it_matters(adae):
    grades = [("1", "UNRELATED"), ("5", "UNRELATED"), (None, "UNRELATED"), (None, "POSSIBLY RELATED")]
    rows = one(adae, [{"AESTDTC": "2025-03-20", "AETOXGR": g, "AEREL": r} for g, r in grades])
    assert [r["ATOXGRN"] for r in rows] == [1, 5, None, None]
    assert ["has no grade" in str(r["told"]) for r in rows] == [False, False, False, True]


# two system organ classes, four terms; grade None is not graded
EVENTS = [  # AESEQ, start, term, class, grade, and the flags that it should carry
    (1, "2025-03-01", "Nausea", "Gut", "5", "", "before treatment: never"),
    (2, "2025-04-02", "Nausea", "Gut", "1", "C P PI", "first of the class, and of the term"),
    (3, "2025-04-01", "Rash", "Skin", None, "A C P", "first of all; not graded, so never the worst"),
    (4, "2025-04-02", "Nausea", "Gut", "1", "", "same day and grade: the lower AESEQ counts"),
    (5, "2025-04-05", "Vomiting", "Gut", "3", "P I CI PI", "the worst of all; the earlier of two of grade 3"),
    (6, "2025-04-06", "Vomiting", "Gut", "3", "", "the later"),
    (7, "2025-04-07", "Pruritus", "Skin", "2", "P CI PI", "the worst of its class"),
    (8, "2025-08-01", "Pruritus", "Skin", "4", "", "after treatment: never"),
]
FLAGS = {"A": "AOCCFL", "C": "AOCCSFL", "P": "AOCCPFL", "I": "AOCCIFL", "CI": "AOCCSIFL", "PI": "AOCCPIFL"}


def test_occurrence_flags(adae):
    made = [
        {"AESEQ": float(n), "AESTDTC": start, "AEDECOD": term, "AEBODSYS": organ, "AETOXGR": grade, "AEREL": "UNRELATED"}
        for n, start, term, organ, grade, *_ in EVENTS
    ]
    rows = {int(r["AESEQ"]): r for r in adae(treated(AE=made), treated(AE=made[1:2])) if r["who"].endswith("000")}
    for number, *_, flags, why in EVENTS:
        found = [short for short, name in FLAGS.items() if rows[number][name] == "Y"]
        assert found == flags.split(), f"{number}: {why}"


def test_actions_of_all_ticked_boxes_count(adae):
    cases = [
        ({"AEACN": "DOSE REDUCED"}, "R"),
        ({"AEACN": "DOSE REDUCED", "AEACN1": "DOSE REDUCED", "AEACN2": "DRUG INTERRUPTED"}, "R I"),
        ({"AEACN": "DRUG WITHDRAWN", "AEACN1": "DRUG WITHDRAWN", "AEACN2": "DOSE REDUCED", "AEACN3": "DRUG INTERRUPTED"}, "R I W"),
        ({"AEACN": "DOSE NOT CHANGED"}, ""),
        ({}, ""),
    ]
    rows = one(adae, [{"AESTDTC": "2025-04-01", **c} for c, _ in cases])
    for row, (_, flags) in zip(rows, cases, strict=True):
        assert [n[0] for n in ("RACNREDFL", "IACNINTFL", "WACNWDFL") if row[n[1:]] == "Y"] == flags.split()


def test_special_interest_is_the_investigators_and_is_held_against_the_list(adae):
    cases = [
        ("DS", "Differentiation syndrome", None),
        ("QT", "Torsade de pointes", None),
        (None, "Nausea", None),
        ("DS", "Nausea", "not on the list"),
        ("DS", "Tumour lysis syndrome", "not on the list"),
        (None, "Tumour lysis syndrome", "is not marked so"),
    ]
    rows = one(adae, [{"AESTDTC": "2025-05-01", "AEAESI": category, "AEDECOD": term} for category, term, _ in cases])
    for row, (category, term, told) in zip(rows, cases, strict=True):
        assert (row["AESICAT"], row["AESIFL"]) == (category, "Y" if category else None)
        assert row["told"] == [] if told is None else told in str(row["told"]), term


def test_the_window_of_dose_limiting_toxicity(adae):
    days = [("2025-03-09", None), (START, "Y"), ("2025-04-06", "Y"), ("2025-04-07", None), ("2025-03", "Y"), ("2025-04", "Y")]
    rows = one(adae, [{"AESTDTC": day, "AEDLT": "Y"} for day, _ in days] + [{"AESTDTC": START, "AEDLT": "N"}])
    assert [r["DLTWNFL"] for r in rows] == [*(flag for _, flag in days), "Y"]
    assert [r["DLTFL"] for r in rows] == ["Y"] * len(days) + [None]


def test_only_treated_subjects(adae):
    screened = {"DM": [{"RFICDTC": "2025-03-01", "ARMNRS": "SCREEN FAILURE"}], "AE": [{"AESEQ": 1.0, "AESTDTC": "2025-03-02"}]}
    assert [r["who"] for r in adae(screened, treated(AE=[{"AESTDTC": "2025-04-01"}]))] == ["BY002-01-001"]
