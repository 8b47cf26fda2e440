"""ADLB by BY002's own specs on made-up results: values beyond a limit, derived parameters, baseline, windows, grades.

Every subject's first dose is on Day 1 at 08:00, the last on Day 100. A result is told as (test, study day, time, result)
and what differs from the usual; limits of the range are given where a grade needs them.
"""

import pytest

import sdtm  # noqa: F401  registers its verbs
from tests.by002.made_up import STUDY as TOY
from tests.by002.made_up import build_from, copying, iso

STUDY = TOY.replace("settings: {", "settings: {SFUDAYS: 30, ")
NUMBER = ", type: Num, label: X"
TEXT = ", type: Char, label: X"
ADSL = copying(
    "ADSL", "adsl", ["SUBJID", "SITEID", "TRT01P", "TRT01A", "TRTSDT", "TRTEDT", "SAFFL", "AGE", "SEX"], "SUBJID", AGE=NUMBER, SEX=TEXT
).replace("dataset: ADSL", "dataset: ADSL\nstructure: ADSL")  # fmt: skip
DM = copying("DM", "adsl", ["RFXSTDTC"], "RFXSTDTC")
LB = copying(
    "LB",
    "lb",
    ["LBREFID", "LBTESTCD", "LBCAT", "LBNAM", "LBSTRESC", "LBSTRESU", "LBSTNRLO", "LBSTNRHI", "LBNRIND", "LBDTC", "VISITNUM", "VISIT"],
    "LBTESTCD, LBDTC, LBREFID",
) + "  LBSEQ: {sequence: keys}\n"  # fmt: skip
VS = copying("VS", "vs", ["VSTESTCD", "VSSTRESN", "VSDTC"], "VSTESTCD, VSDTC") + "  VSSEQ: {sequence: keys}\n"
UNITS = {"CA": "mmol/L", "ALB": "g/L", "CREAT": "umol/L", "NEUTLE": "%", "ALT": "U/L", "HGB": "g/L", "PLAT": "10^9/L", "K": "mmol/L"}
PLANNED = {1: ("101", "C1D1"), 8: ("108", "C1D8"), 15: ("115", "C1D15"), 29: ("201", "C2D1"), -3: ("1", "SCREENING")}


def result(test, day, time, value, *, visit=None, draw="A1", low=None, high=None, name="LOCAL LAB"):
    """One LB record; at the planned visit of that day, else unscheduled."""
    number, called = visit or PLANNED.get(day, ("105.01", "UNSCHEDULED 105.01"))
    return {
        "LBREFID": draw,
        "LBTESTCD": test,
        "LBCAT": "CHEMISTRY",
        "LBNAM": name,
        "LBSTRESC": value,
        "LBSTRESU": UNITS.get(test, "10^9/L") if value and value[0] in "<>0123456789" else None,
        "LBSTNRLO": low,
        "LBSTNRHI": high,
        "LBNRIND": None,
        "LBDTC": iso(day) + (f"T{time}" if time else ""),
        "VISITNUM": number,
        "VISIT": called,
    }


@pytest.fixture(scope="module")
def adlb(tmp_path_factory):
    """A function: results by subject (and weights, age, sex) to ADLB of all of them and the listed issues."""

    def make(subjects, *, weights=(), age="60", sex="M", first="T08:00", treated="Y"):
        people = [
            {"SUBJECT": s, "SUBJID": s, "SITEID": "01", "TRT01P": "X", "TRT01A": "X", "TRTSDT": iso(1), "TRTEDT": iso(100),
             "SAFFL": treated, "AGE": age, "SEX": sex, "RFXSTDTC": iso(1) + first}
            for s in subjects
        ]  # fmt: skip
        labs = [{"SUBJECT": s, **r} for s, rows in subjects.items() for r in rows]
        scales = [{"SUBJECT": s, "VSTESTCD": "WEIGHT", "VSSTRESN": w, "VSDTC": iso(d)} for s in subjects for d, w in weights]
        scales += [{"SUBJECT": s, "VSTESTCD": "PULSE", "VSSTRESN": "70", "VSDTC": iso(1)} for s in subjects]
        folder = tmp_path_factory.mktemp("lab")
        written = {"adam/adsl": ADSL, "sdtm/dm": DM, "sdtm/lb": LB, "sdtm/vs": VS, "study": STUDY}
        records = {"adsl": people, "lb": labs, "vs": scales}
        built, issues = build_from(folder, ["labs", "adlb"], written, records)
        return built.get("ADLB"), issues

    return make



def rows(frame, **also):
    """Records as dicts of a parameter, in order; missing is None."""
    found = frame
    for name, value in also.items():
        found = found[found[name] == value]
    return found.astype(object).where(found.notna(), None).to_dict("records")


def results(frame, code):
    return [r for r in rows(frame, PARAMCD=code) if not r["AVISIT"] or not r["AVISIT"].startswith("POST")]


@pytest.mark.parametrize(
    ("text", "value", "kind", "shown"),
    [
        ("5.1", 5.1, None, None),
        ("<0.5", 0.25, "HALFLLOQ", None),
        ("<=0.5", 0.25, "HALFLLOQ", None),
        (">1500", 1500, "ULOQ", None),
        ("4.70 mg%", None, None, "4.70 mg%"),  # a number in a unit that is not known
        ("NEGATIVE", None, None, "NEGATIVE"),
    ],
)
def test_a_result_beyond_a_limit_counts_as_half_of_it_or_as_it(adlb, text, value, kind, shown):
    (row,) = results(adlb({"A": [result("K", 8, "08:00", text)]})[0], "K")
    assert (row["AVAL"], row["DTYPE"], row["AVALC"]) == (value, kind, shown)


def test_what_was_not_done_and_who_was_not_treated_are_left_out(adlb):
    assert rows(adlb({"A": [result("K", 8, "08:00", None), result("K", 15, "08:00", "4")]})[0], VISIT="C1D8") == []
    assert adlb({"A": [result("K", 8, "08:00", "4")]}, treated="N")[0] is None  # a dataset without records


@pytest.mark.parametrize(
    ("albumin", "expected", "why"),
    [
        ([("A1", "09:00", "30")], 2.3, "2.1 + 0.02 x (40 - 30)"),
        ([("A1", "09:00", "40")], 2.1, "not below 40"),
        ([("A1", "09:00", "39.9")], 2.102, "just below 40"),
        ([], 2.1, "no albumin that day"),
        ([("A2", "15:00", "25")], 2.4, "another draw of the same day"),
        ([("A1", "09:00", "30"), ("A2", "15:00", "25")], 2.3, "the same draw goes first"),
        ([("A2", "15:00", "30"), ("A3", "16:00", "25")], 2.4, "else the last of the day"),
    ],
)
def test_calcium_is_corrected_for_low_albumin_of_the_same_date(adlb, albumin, expected, why):
    given = [result("CA", 8, "09:00", "2.1", low="2.11", high="2.52")]
    given += [result("ALB", 8, time, value, draw=draw) for draw, time, value in albumin] + [result("ALB", 7, "09:00", "20")]
    (row,) = results(adlb({"A": given})[0], "CACORR")
    assert row["AVAL"] == expected, why
    assert (row["PARAMTYP"], row["DTYPE"], row["ANRLO"]) == ("DERIVED", None, 2.11)
    assert row["ANRIND"] == ("LOW" if expected < 2.11 else "NORMAL")
    assert row["PARAM"] == "Calcium Corrected for Albumin (mmol/L)"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([("WBC", "A1", "4.2")], [1.26]),
        ([("WBC", "A2", "4.2")], []),  # of another draw
        ([], []),
        ([("WBC", "A1", "4.2"), ("NEUT", "A1", "1.3")], [1.3]),  # counted, so not derived
        ([("WBC", "A1", "4.2"), ("NEUT", "A2", "1.3")], [1.26, 1.3]),
        ([("WBC", "A1", "<1")], [0.15]),
    ],
)
def test_neutrophils_come_from_their_percentage_where_they_were_not_counted(adlb, others, expected):
    given = [result("NEUTLE", 8, "09:00", "30")] + [result(t, 8, "09:00", v, draw=d) for t, d, v in others]
    found = results(adlb({"A": given})[0], "NEUT")
    assert sorted(r["AVAL"] for r in found) == expected
    assert all((r["PARAMTYP"] == "DERIVED") == (r["AVAL"] != 1.3) for r in found)
    assert {r["PARAM"] for r in found} <= {"Neutrophils (10^9/L)"}


@pytest.mark.parametrize(
    ("age", "sex", "weights", "expected", "why"),
    [
        ("60", "M", [(1, "72")], 88.42, "(140 - 60) x 72 x 88.42 / (72 x 80)"),
        ("60", "F", [(1, "72")], 75.157, "x 0.85"),
        ("60", "M", [(-3, "80"), (1, "72"), (15, "90")], 88.42, "the last weight until the sample"),
        ("60", "M", [(8, "36")], 44.21, "of the same day too"),
        ("60", "M", [(15, "90")], None, "no weight yet"),
        (None, "M", [(1, "72")], None, "no age"),
    ],
)
def test_creatinine_clearance_by_cockcroft_and_gault(adlb, age, sex, weights, expected, why):
    found = results(adlb({"A": [result("CREAT", 8, "09:00", "80")]}, weights=weights, age=age, sex=sex)[0], "CREATCL")
    assert [r["AVAL"] for r in found] == ([] if expected is None else [expected]), why


@pytest.mark.parametrize(
    ("given", "baseline", "why"),
    [
        ([(-3, "09:00", "4.0"), (1, "07:30", "4.1"), (1, "08:30", "4.9")], 4.1, "before the dose by time"),
        ([(-3, "09:00", "4.0"), (1, "", "4.1")], 4.1, "no time, planned before the dose"),
        ([(-3, "09:00", "4.0"), (1, "07:30", "CLOTTED")], 4.0, "the last number"),
        ([(-3, "09:00", "4.0"), (1, "07:30", "<2")], 1.0, "a value beyond a limit is a number"),
        ([(1, "08:30", "4.1"), (8, "09:00", "5")], None, "none before the dose"),
    ],
)
def test_baseline_is_the_last_number_before_the_first_dose(adlb, given, baseline, why):
    found = results(adlb({"A": [result("K", d, t, v, draw=f"A{i}") for i, (d, t, v) in enumerate(given)]})[0], "K")
    assert [r["AVAL"] for r in found if r["ABLFL"] == "Y"] == ([] if baseline is None else [baseline]), why
    assert {r["BASE"] for r in found} == {baseline}, why


def test_change_is_told_after_the_first_dose_only(adlb):
    given = [("-3", "09:00", "4"), ("1", "07:00", "5"), ("1", "09:00", "6"), ("8", "09:00", "2.5")]
    found = results(adlb({"A": [result("K", int(d), t, v, draw=t) for d, t, v in given]})[0], "K")
    assert [(r["ADY"], r["AVAL"], r["CHG"], r["PCHG"]) for r in found] == [
        (-3, 4, None, None), (1, 5, None, None), (1, 6, 1, 20), (8, 2.5, -2.5, -50),
    ]  # fmt: skip


def test_no_percentage_of_a_baseline_of_zero(adlb):
    found = results(adlb({"A": [result("K", 1, "07:00", "0"), result("K", 8, "09:00", "2")]})[0], "K")
    assert [(r["CHG"], r["PCHG"]) for r in found] == [(None, None), (2, None)]


UNS = ("105.01", "UNSCHEDULED 105.01")
EOT = ("9001", "END OF TREATMENT")
SFU = ("9002", "SAFETY FOLLOW-UP")


@pytest.mark.parametrize(
    ("day", "visit", "called", "number", "apart"),
    [
        (9, ("108", "C1D8"), "C1D8", 108, 1),
        (13, ("108", "C1D8"), "C1D8", 108, 5),  # a planned visit keeps its name, whatever the day
        (-20, ("0.1", "SCREENING ATTEMPT 1"), "Baseline", 100, 21),
        (-1, ("1.01", "UNSCHEDULED 1.01"), "Baseline", 100, 2),
        (-3, ("1", "SCREENING"), "SCREENING", 1, None),
        (4, UNS, None, None, None),
        (5, UNS, "C1D8", 108, 3), (11, UNS, "C1D8", 108, 3), (12, UNS, "C1D15", 115, 3), (18, EOT, "C1D15", 115, 3),
        (19, UNS, "C1D22", 122, 3), (25, UNS, "C1D22", 122, 3), (26, UNS, "C2D1", 201, 3), (35, EOT, "C2D1", 201, 6),
        (36, UNS, "C2D15", 215, 7), (49, UNS, "C2D15", 215, 6), (50, UNS, "C3D1", 301, 7), (70, UNS, "C3D1", 301, 13),
        (71, UNS, "C4D1", 401, 14), (98, EOT, "C4D1", 401, 13), (99, EOT, "C5D1", 501, 14), (658, UNS, "C24D1", 2401, 13),
        (659, UNS, None, None, None),
        (140, SFU, "SAFETY FOLLOW-UP", 9002, None),
    ],
)  # fmt: skip
def test_unscheduled_and_end_of_treatment_records_take_the_visit_of_their_day(adlb, day, visit, called, number, apart):
    (row,) = results(adlb({"A": [result("K", day, "09:00", "4", visit=visit)]})[0], "K")
    assert (row["AVISIT"], row["AVISITN"], row["AWTDIFF"]) == (called, number, apart)
    assert row["ANL01FL"] == ("Y" if called else None)


@pytest.mark.parametrize(
    ("given", "which", "why"),
    [
        ([(13, ("108", "C1D8"), "A"), (8, UNS, "B")], 1, "the planned visit, though farther from its target"),
        ([(10, UNS, "A"), (7, UNS, "B")], 0, "the closest: Day 7 is one day off, Day 10 two"),
        ([(9, UNS, "A"), (7, UNS, "B")], 1, "equally close: the later"),
        ([(9, EOT, "A"), (9, UNS, "B")], 1, "the same time: the higher LBSEQ"),
    ],
)
def test_one_record_stands_for_each_visit(adlb, given, which, why):
    frame, _ = adlb({"A": [result("K", d, "09:00", "4", visit=v, draw=w) for d, v, w in given]})
    found = results(frame, "K")
    assert [r["ANL01FL"] for r in found] == ["Y" if i == which else None for i in range(len(found))], why


def test_lowest_and_highest_value_on_treatment_and_the_shift_to_the_worst_grade(adlb):
    days = [(-3, "3.0"), (1, "2.8"), (8, "3.4"), (15, "2.6"), (29, "5.6"), (130, "2.4"), (131, "9")]
    frame, issues = adlb({"A": [result("K", d, "07:00", v, draw=f"A{d}", low="3.5", high="5.3") for d, v in days]})
    low, high = (rows(frame, AVISIT=f"POST-BASELINE {n}")[0] for n in ("MINIMUM", "MAXIMUM"))
    assert (low["AVAL"], low["ADY"], low["DTYPE"], low["SHIFT1"]) == (2.4, 130, "MINIMUM", "3 to 4")  # 30 days after the last dose
    assert (high["AVAL"], high["ADY"], high["DTYPE"], high["SHIFT1"]) == (5.6, 29, "MAXIMUM", "0 to 2")
    assert all(r[n] is None for r in (low, high) for n in ("ABLFL", "ANL01FL", "AWTARGET"))
    assert (low["BASE"], low["CHG"], low["LBSEQ"]) == (2.8, -0.4, 6)
    assert issues == []


def test_a_subject_without_a_baseline_shifts_from_missing(adlb):
    frame, _ = adlb({"A": [result("K", 8, "09:00", "2.6", low="3.5", high="5.3")]})
    assert [r["SHIFT1"] for r in rows(frame, PARAMCD="K")] == [None, "MISSING to 0", "MISSING to 3"]


def test_an_extreme_value_without_the_worst_grade_is_listed(adlb):
    """Another laboratory's lower limit makes 3.2 a grade 1, and the lowest value 3.1 none."""
    given = [result("K", 8, "09:00", "3.1", low="3", high="5"), result("K", 15, "09:00", "3.2", low="3.5", high="5")]
    frame, issues = adlb({"A": given})
    (low,) = rows(frame, AVISIT="POST-BASELINE MINIMUM")
    assert (low["AVAL"], low["ATOXGRL"], low["SHIFT1"]) == (3.1, "0", "MISSING to 1")
    assert [i.message for i in issues] == ["the lowest value on treatment has not the worst grade, which SHIFT1 holds: 3.1"]


@pytest.mark.parametrize(
    ("before", "after", "expected", "why"),
    [
        ("50", "74", ("1", "0"), "baseline above ULN: below 1.5 x baseline; at baseline the limits decide"),
        ("50", "75", ("1", "1"), "1.5 x baseline"),
        ("40", "75", ("0", "1"), "normal baseline: above ULN"),
        (None, "121", (None, "2"), "no baseline: as a normal one"),
    ],
)
def test_an_abnormal_baseline_is_the_measure_after_the_first_dose(adlb, before, after, expected, why):
    given = [result("ALT", d, "07:00", v, high="40") for d, v in ((1, before), (8, after)) if v]
    row = results(adlb({"A": given})[0], "ALT")[-1]
    assert (row["BTOXGRH"], row["ATOXGRH"]) == expected, why
    assert row["ATOXGRL"] is None
