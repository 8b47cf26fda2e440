"""SE of made-up people by a table that a clinician can check, and the elements verb's comparison of dates."""

import pandas as pd
import pytest

from sdtm.elements import compare
from tests.sdtm.people import Person, records

T0 = "2025-03-10T08:00"


def elements(frame):
    return [f"{e} {s}..{n}" for e, s, n in frame[["ETCD", "SESTDTC", "SEENDTC"]].to_numpy()]


CASES = [
    ("failed screening ends with the study", Person().off_study("08-MAR-2025", "SF"), ["SCRN 2025-03-01..2025-03-08"]),
    ("screening goes on at the cut-off", Person(), ["SCRN 2025-03-01.."]),
    ("enrolled, never dosed", Person().enrolled().off_study("12-MAR-2025", "OTHER"), ["SCRN 2025-03-01..2025-03-12"]),
    ("treatment goes on", Person().dosed(last=""), [f"SCRN 2025-03-01..{T0}", f"T100 {T0}.."]),
    ("treatment ended, nothing after it yet: 30 days after the last dose decide", Person().dosed().off_treatment(),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07-01", "LTFU 2025-07-01.."]),
    ("the safety follow-up visit decides", Person().dosed().off_treatment().visit("SFU", "05-JUL-2025"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07-05", "LTFU 2025-07-05.."]),
    ("a visit that was not done does not", Person().dosed().off_treatment().visit("SFU", None, done="N"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07-01", "LTFU 2025-07-01.."]),
    ("dead in long-term follow-up", Person().dosed().off_treatment().died(),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07-01", "LTFU 2025-07-01..2025-08-10"]),
    ("dead in safety follow-up", Person().dosed().off_treatment().died("15-JUN-2025"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-06-15"]),
    ("dead on the day on which long-term follow-up would start", Person().dosed().off_treatment().died("01-JUL-2025"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07-01"]),
    ("dead on the day after the last dose", Person().dosed().off_treatment("02-JUN-2025", "DEATH").died("02-JUN-2025"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-06-02"]),
    ("dead on the day of the last dose", Person().dosed().off_treatment("01-JUN-2025", "DEATH").died("01-JUN-2025"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-01"]),
    ("month of death known", Person().dosed().off_treatment().died("UN-AUG-2025"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07-01", "LTFU 2025-07-01..2025-08"]),
    ("dead in the month in which long-term follow-up would start", Person().dosed().off_treatment().died("UN-JUL-2025"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07"]),
    ("lost in long-term follow-up", Person().dosed().off_treatment().off_study("01-SEP-2025", "LTFU"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07-01", "LTFU 2025-07-01..2025-09-01"]),
    ("a death after the cut-off has not happened", Person().dosed().off_treatment().died("02-APR-2026"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07-01", "LTFU 2025-07-01.."]),
    ("nor has an end of treatment", Person().dosed(last="").off_treatment("01-APR-2026", last="31-MAR-2026"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}.."]),
    ("safety follow-up that ends after the cut-off", Person().dosed(last="20-MAR-2026").off_treatment("22-MAR-2026"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2026-03-21", "SFU 2026-03-21.."]),
    ("dead before safety follow-up would end after the cut-off",
     Person().dosed(last="10-MAR-2026").off_treatment("12-MAR-2026").died("30-MAR-2026"),
     [f"SCRN 2025-03-01..{T0}", f"T100 {T0}..2026-03-11", "SFU 2026-03-11..2026-03-30"]),
    ("last dose on the day of the cut-off: follow-up has not begun",
     Person().dosed(last="31-MAR-2026").off_treatment("31-MAR-2026"), [f"SCRN 2025-03-01..{T0}", f"T100 {T0}.."]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "person", "expected"), CASES, ids=[c[0] for c in CASES])
def test_elements_of_a_subject(derive, why, person, expected):
    assert elements(derive(records(person), "SE")["SE"]) == expected


def test_the_end_of_treatment_form_gives_the_last_dose_of_an_interval_that_nobody_closed(derive):
    made = derive(records(Person().dosed(last="").off_treatment()), "SE", "DM")
    assert elements(made["SE"])[1:3] == [f"T100 {T0}..2025-06-02", "SFU 2025-06-02..2025-07-01"]
    assert made["DM"]["RFXENDTC"].tolist() == ["2025-03-11"]  # EX says no more than when the interval began


def test_elements_are_contiguous_and_their_epochs_follow_the_design(derive):
    se = derive(records(Person().dosed().off_treatment().died()), "SE")["SE"]
    assert se["SEENDTC"].tolist()[:-1] == se["SESTDTC"].tolist()[1:]
    assert se["EPOCH"].tolist() == ["SCREENING", "TREATMENT", "FOLLOW-UP", "LONG-TERM FOLLOW-UP"]
    assert se["TAETORD"].tolist() == [1, 2, 3, 4] and se["SESEQ"].tolist() == [1, 2, 3, 4]
    assert se["SESTDY"].tolist() == [-9, 1, 85, 114] and se["SEENDY"].tolist() == [1, 85, 114, 154]


def test_screening_of_a_person_screened_again_spans_from_the_first_consent(derive):
    again = Person("01-902", "X1", "02-MAR-2025").dosed(last="")
    se = derive(records(Person(consent="10-JAN-2025").off_study("20-JAN-2025", "SF"), again), "SE")["SE"]
    assert elements(se) == [f"SCRN 2025-01-10..{T0}", f"T100 {T0}.."]


def test_an_element_that_would_begin_before_the_one_before_it_is_left_out_and_listed(derive):
    person = Person().dosed().off_treatment().visit("SFU", "05-MAY-2025")  # typed in the wrong month
    made = derive(records(person), "SE")
    assert elements(made["SE"])[-1] == "SFU 2025-06-02.."
    assert any("LTFU would begin before" in i.message for i in made["~issues"])


@pytest.mark.parametrize(("left", "right", "expected"), [
    ("2025-03-10", "2025-03-11", -1), ("2025-03-11", "2025-03-10", 1), ("2025-03-10", "2025-03-10", 0),
    ("2025-03-10T08:00", "2025-03-10", 0), ("2025-03-10T08:00", "2025-03-10T07:00", 1),
    ("2025-03", "2025-03-10", 0), ("2025-03", "2025-04-01", -1), ("2025", "2024-12-31", 1),
    ("2025---15", "2025-03-10", 0), ("2026---15", "2025-03-10", 1), (None, "2025-03-10", 0),
])  # fmt: skip
def test_dates_compare_to_the_precision_that_both_share(left, right, expected):
    assert compare(pd.Series([left], dtype="str"), pd.Series([right], dtype="str")).tolist() == [expected]
