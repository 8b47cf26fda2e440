"""SV, and VISITNUM elsewhere, of made-up people by tables that a clinician can check."""

import pytest

from tests.sdtm.people import Person, records


def visits(frame, *columns):
    return frame[["VISITNUM", "SVSTDTC", *columns]].to_numpy().tolist()


def seen():
    """Screened, dosed from 10 March, seen at C1D1, C1D8, C1D15."""
    person = Person().dosed(last="").visit("SCR", "02-MAR-2025").visit("C1D1", "10-MAR-2025")
    return person.visit("C1D8", "17-MAR-2025").visit("C1D15", "24-MAR-2025")


PLANNED = [[1.0, "2025-03-02"], [101.0, "2025-03-10"], [108.0, "2025-03-17"], [115.0, "2025-03-24"]]


def test_planned_visits_have_their_number_name_and_planned_day(derive):
    sv = derive(records(seen()), "SV")["SV"]
    assert visits(sv, "VISIT", "VISITDY", "SVPRESP", "SVOCCUR", "SVCNTMOD", "SVUPDES") == [
        [1.0, "2025-03-02", "SCREENING", "", "Y", "Y", "IN PERSON", ""],
        [101.0, "2025-03-10", "C1D1", 1.0, "Y", "Y", "IN PERSON", ""],
        [108.0, "2025-03-17", "C1D8", 8.0, "Y", "Y", "IN PERSON", ""],
        [115.0, "2025-03-24", "C1D15", 15.0, "Y", "Y", "IN PERSON", ""],
    ]
    assert sv["SVENDTC"].tolist() == sv["SVSTDTC"].tolist() and sv["SVSTDY"].tolist() == [-8.0, 1.0, 8.0, 15.0]


def test_a_visit_not_done_has_a_reason_and_no_date(derive):
    person = seen().visit("C1D22", None, done="N", VISREAS="Heavy snow")
    sv = derive(records(person), "SV")["SV"]
    assert visits(sv, "SVOCCUR", "SVREASOC", "SVSTDY")[-1] == [122.0, "", "N", "Heavy snow", ""]


UNSCHEDULED = [
    ("a laboratory sample without a form", {"lis": [("2025/3/19 7:30", "Z1")]}, [], [[108.01, "2025-03-19"]]),
    ("one drawn at a planned visit, by its accession number", {"lis": [("2025/3/16 7:30", "A8")]}, [], []),
    ("one of the calendar date of a planned visit", {"lis": [("2025/3/17 7:30", "Z1")]}, [], []),
    ("a time does not make a second visit", {"lis": [("2025/3/19 7:30", "Z1"), ("2025/3/19 21:00", "Z2")]}, [],
     [[108.01, "2025-03-19"]]),
    ("two dates after the same planned visit", {"lis": [("2025/3/21 7:30", "Z2"), ("2025/3/19", "Z1")]}, [],
     [[108.01, "2025-03-19"], [108.02, "2025-03-21"]]),
    ("one number a date across forms and files", {"lis": [("2025/3/19 7:30", "Z1")]},
     [("vs", "UNS", {"VSDAT": "19-MAR-2025"}), ("bma", "UNS", {"BMDAT": "19-MAR-2025"})], [[108.01, "2025-03-19"]]),
    ("before the first visit", {"lis": [("2025/3/1", "Z1")]}, [], [[0.01, "2025-03-01"]]),
    ("after the last planned visit that took place", {}, [("resp", "UNS", {"RSPDAT": "30-MAR-2025"})],
     [[115.01, "2025-03-30"]]),
    ("under a planned visit that the EDC has, whatever its date", {}, [("bma", "C1D15", {"BMDAT": "20-MAR-2025"})], []),
    ("under a planned visit that the EDC has not", {}, [("bma", "C2D1", {"BMDAT": "05-APR-2025"})],
     [[115.01, "2025-04-05"]]),
    ("a partial date is of no visit", {}, [("vs", "UNS", {"VSDAT": "UN-MAR-2025"})], []),
    ("an outside hospital", {}, [("labx", "LOG", {"XDAT": "30-MAR-2025"})], [[115.01, "2025-03-30"]]),
    ("an ECG late in the evening in UTC is of the next day here",
     {"ecg": [{"ECGDTM": "2025-03-18T17:00:00Z"}]}, [], [[108.01, "2025-03-19"]]),
    ("after the cut-off", {"lis": [("2026/4/1 7:30", "Z1")]}, [], []),
    ("on the day of the cut-off", {"lis": [("2026/3/31 7:30", "Z1")]}, [], [[115.01, "2026-03-31"]]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "files", "forms", "expected"), UNSCHEDULED, ids=[c[0] for c in UNSCHEDULED])
def test_unscheduled_dates(derive, why, files, forms, expected):
    person = seen().add("labc", "C1D8", LABDAT="16-MAR-2025", ACCNO="A8")
    for form, oid, items in forms:
        person.add(form, oid, **items)
    raw = records(person)
    for name, rows in files.items():
        raw[name] = [
            {"SUBJECT": "01-901"} | (row if isinstance(row, dict) else {"COLLECT": row[0], "ACCNO": row[1]})
            for row in rows
        ]
    sv = derive(raw, "SV")["SV"]
    found = sv[sv["SVPRESP"] == ""]
    assert visits(found) == expected
    assert found["VISIT"].tolist() == [f"UNSCHEDULED {n:g}" for n, _ in expected]
    assert set(found["VISITDY"]) <= {""} and set(found["SVOCCUR"]) <= {""} and "" not in set(found["SVUPDES"])


def test_what_was_collected_under_a_visit_that_the_subject_has_not_is_listed_once(derive):
    person = seen().add("vs", "C2D1", VSDAT="05-APR-2025").add("vs", "C2D1", VSDAT="06-APR-2025")
    said = [i for i in derive(records(person), "SV")["~issues"] if "taken as unscheduled" in i.message]
    assert [(i.variable, i.subject, i.source) for i in said] == [("VISITNUM", "BY002-01-901", "vs.csv line 2")]
    assert "C2D1" in said[0].message


def test_an_unscheduled_visit_says_why_and_how(derive):
    person = seen().visit("UNS", "19-MAR-2025", EPICHG="N").add("vs", "UNS", VSDAT="19-MAR-2025")
    person.add("bma", "UNS", BMDAT="19-MAR-2025").add("mrd", "UNS", MRDDAT="19-MAR-2025")
    sv = derive(records(person), "SV")["SV"]
    one = sv[sv["VISITNUM"] == 108.01].iloc[0]
    assert one["SVUPDES"] == "VITAL SIGNS; BONE MARROW ASSESSMENT"
    assert one["SVCNTMOD"] == "IN PERSON" and one["SVEPCHGI"] == "N"


GONE = [
    ("cycle visit after the end of treatment", [("C1D22", "31-MAR-2025")], None, "28-MAR-2025", []),
    ("cycle visit on that day", [("C1D22", "28-MAR-2025")], None, "28-MAR-2025", [[122.0, "2025-03-28"]]),
    ("cycle visit not done, due after it", [("C1D22", "")], None, "28-MAR-2025", []),
    ("cycle visit not done, due before it", [("C1D22", "")], None, "01-APR-2025", [[122.0, ""]]),
    ("end of treatment and follow-up come after it", [("EOT", "28-MAR-2025"), ("SFU", "27-APR-2025")], None,
     "28-MAR-2025", [[9001.0, "2025-03-28"], [9002.0, "2025-04-27"]]),
    ("follow-up not done, due after the death", [("FU1", "")], "01-MAY-2025", "28-MAR-2025", []),
    ("follow-up dated after the death", [("FU1", "02-MAY-2025")], "01-MAY-2025", "28-MAR-2025", []),
    ("follow-up in the month of death, its day unknown", [("FU1", "02-MAY-2025")], "UN-MAY-2025", "28-MAR-2025",
     [[9101.0, "2025-05-02"]]),
    ("follow-up after the cut-off", [("FU6", "01-APR-2026")], None, "28-MAR-2025", []),
    ("follow-up not done, due after the cut-off", [("FU7", "")], None, "28-MAR-2025", []),
    ("follow-up not done, due before the cut-off", [("FU6", "")], None, "28-MAR-2025", [[9106.0, ""]]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "later", "death", "eot", "expected"), GONE, ids=[c[0] for c in GONE])
def test_visits_after_the_end_are_not_created(derive, why, later, death, eot, expected):
    person = Person().dosed(last="27-MAR-2025").off_treatment(eot, last="27-MAR-2025")
    for oid, on in later:
        person.visit(oid, on or None, done="Y" if on else "N", VISREAS=None if on else "Did not come")
    if death:
        person.died(death)
    assert visits(derive(records(person), "SV")["SV"]) == expected


def test_a_contact_that_only_reports_a_death_is_no_visit(derive):
    person = (
        Person().dosed().off_treatment().visit("FU1", "20-JUL-2025").visit("FU2", "20-AUG-2025").died("UN-AUG-2025")
    )
    person.add("surv", "FU1", SURVDAT="20-JUL-2025", SURVST="ALIVE", SURVSRC="SUBJECT", LSTALV="20-JUL-2025")
    person.add("surv", "FU2", SURVDAT="20-AUG-2025", SURVST="DEAD", SURVSRC="FAMILY", LSTALV="01-AUG-2025")
    made = derive(records(person), "SV", "SS")
    assert visits(made["SV"]) == [[9101.0, "2025-07-20"]]
    status = made["SS"][made["SS"]["SSTESTCD"] == "SURVSTAT"]
    assert status[["SSSTRESC", "VISITNUM", "VISIT"]].to_numpy().tolist() == [
        ["ALIVE", 9101.0, "SURVIVAL FOLLOW-UP 1"],
        ["DEAD", "", ""],
    ]


def test_a_failed_attempt_is_visit_0_1_and_all_its_findings_belong_to_it(derive):
    first = Person(consent="10-JAN-2025").visit("SCR", "11-JAN-2025").off_study("20-JAN-2025", "SF")
    first.add("resp", "UNS", RSPDAT="15-JAN-2025", RSPRES="NE")
    again = Person("01-902", "X1", "01-MAR-2025").dosed(last="").visit("SCR", "02-MAR-2025")
    again.add("resp", "UNS", RSPDAT="25-FEB-2025", RSPRES="NE")
    raw = records(first, again)
    raw["lis"] = [{"SUBJECT": "01-901", "COLLECT": "2025/1/18 8:00", "ACCNO": "Z1", "TESTCODE": "ALT", "SPEC": "SERUM"}]
    made = derive(raw, "SV", "RS")
    assert visits(made["SV"], "VISIT", "SVPRESP") == [
        [0.1, "2025-01-11", "SCREENING ATTEMPT 1", ""],
        [0.11, "2025-02-25", "UNSCHEDULED 0.11", ""],
        [1.0, "2025-03-02", "SCREENING", "Y"],
    ]
    assert made["RS"][["RSDTC", "VISITNUM"]].drop_duplicates().to_numpy().tolist() == [
        ["2025-01-15", 0.1],
        ["2025-02-25", 0.11],
    ]


def test_records_of_other_datasets_find_their_visit(derive):
    person = seen().add("resp", "C1D15", RSPDAT="20-MAR-2025", RSPRES="NR")
    person.add("resp", "UNS", RSPDAT="17-MAR-2025", RSPRES="NE").add("resp", "UNS", RSPDAT="19-MAR-2025", RSPRES="NE")
    made = derive(records(person), "SV", "RS")
    assert made["RS"][["RSDTC", "VISITNUM", "VISIT", "VISITDY"]].drop_duplicates().to_numpy().tolist() == [
        ["2025-03-17", 108.0, "C1D8", 8.0],
        ["2025-03-19", 108.01, "UNSCHEDULED 108.01", ""],
        ["2025-03-20", 115.0, "C1D15", 15.0],
    ]


def test_two_records_for_one_planned_visit_are_listed_and_the_earlier_stays(derive):
    made = derive(records(seen().visit("C1D8", "18-MAR-2025")), "SV")
    assert visits(made["SV"]) == PLANNED
    assert any("several records for one planned visit" in i.message for i in made["~issues"])


def test_an_exact_repeat_of_a_visit_is_dropped_and_counted(derive):
    made = derive(records(seen().visit("C1D8", "17-MAR-2025")), "SV")
    assert visits(made["SV"]) == PLANNED
    assert made["~counts"]["visdt"] == {"removed: exact repeats": 1}
    assert not any("several records" in i.message for i in made["~issues"])


def test_a_visit_that_the_plan_does_not_know_is_listed_and_what_was_done_there_is_unscheduled(derive):
    person = seen().visit("C25D1", "31-MAR-2025").add("vs", "C25D1", VSDAT="31-MAR-2025")
    made = derive(records(person), "SV")
    assert visits(made["SV"], "SVUPDES") == [[*v, ""] for v in PLANNED] + [[115.01, "2025-03-31", "VITAL SIGNS"]]
    assert any("not a visit of tables/visits.csv" in i.message and "C25D1" in i.message for i in made["~issues"])


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_records_have_the_same_visits(derive, seed):
    person = seen().visit("UNS", "19-MAR-2025").visit("UNS", "19-MAR-2025", rep="2", VISREAS="Fever")
    person.add("vs", "UNS", VSDAT="19-MAR-2025").add("vs", "UNS", VSDAT="21-MAR-2025")
    expected = derive(records(person), "SV")["SV"]
    found = derive(records(person), "SV", shuffle=seed)["SV"]
    assert found.to_numpy().tolist() == expected.to_numpy().tolist()
