"""VS and EG of a made-up subject (first dose 2025-03-10 at 08:00, China Standard Time)."""

import pytest

from tests.sdtm.made_up import built, rows, shown


def vs(*forms, shuffle=None):
    datasets, issues = built(["VS"], shuffle, vs=[{"VISITOID": "SCR", "VSDAT": "03-MAR-2025"} | f for f in forms])
    return datasets["VS"], issues


def test_a_form_gives_one_record_for_each_sign_that_was_measured():
    found, issues = vs({"VSTIM": "09:36", "TEMP": "36.70", "TEMPU": "C", "SYSBP": "112", "SPO2": "98"})
    assert shown(found, "VSSEQ VSTESTCD VSTEST VSORRES VSORRESU VSSTRESC VSSTRESN VSSTRESU VSLOBXFL") == [
        (1, "OXYSAT", "Oxygen Saturation", "98", "%", "98", 98, "%", "Y"),
        (2, "SYSBP", "Systolic Blood Pressure", "112", "mmHg", "112", 112, "mmHg", "Y"),
        (3, "TEMP", "Temperature", "36.70", "C", "36.70", 36.7, "C", "Y"),
    ]
    assert set(shown(found, "VISITNUM VISIT EPOCH VSDTC VSDY")) == {(1, "SCREENING", "SCREENING", "2025-03-03T09:36", -7)}
    assert not issues


@pytest.mark.parametrize(("sign", "value", "unit", "term", "standard", "number", "why"), [
    ("WEIGHT", "129.8", "jin", "jin", "64.9", 64.9, "half a kilogram"),
    ("WEIGHT", "129.7", "jin", "jin", "64.85", 64.85, "no digit is rounded off"),
    ("HEIGHT", "1.65", "m", "m", "165", 165, "x 100"),
    ("TEMP", "97.7", "F", "F", "36.5", 36.5, "(97.7 - 32) x 5/9"),
    ("TEMP", "100.1", "F", "F", "37.8", 37.8, "37.8333 to one decimal"),
    ("TEMP", "98.33", "F", "F", "36.9", 36.9, "36.85 is rounded away from zero"),
    ("TEMP", "36.6", "℃", "C", "36.6", 36.6, "one sign for degrees Celsius"),
    ("WEIGHT", "６４.９", "ｋｇ", "kg", "64.9", 64.9, "full-width spelling"),
    ("WEIGHT", "64.90", "kg", "kg", "64.90", 64.9, "an unconverted result keeps its digits"),
])  # fmt: skip
def test_units_of_vital_signs(sign, value, unit, term, standard, number, why):
    found, issues = vs({sign: value, f"{sign}U": unit})
    unit_ = {"WEIGHT": "kg", "HEIGHT": "cm", "TEMP": "C"}[sign]
    assert shown(found, "VSORRESU VSSTRESC VSSTRESN VSSTRESU") == [(term, standard, number, unit_)], why
    assert found["VSORRES"].tolist()[0].isascii() and not issues


@pytest.mark.parametrize("unit", [None, "lb"])
def test_a_weight_whose_unit_is_missing_or_not_accepted_is_not_standardised_and_listed(unit):
    found, issues = vs({"WEIGHT": "150", "WEIGHTU": unit})
    assert shown(found, "VSORRES VSORRESU VSSTRESN VSSTRESU") == [("150", "", "", "")]
    assert {(i.variable, i.severity) for i in issues} >= {("VSSTRESC", "warning")}
    (issue,) = [i for i in issues if i.variable == "VSSTRESC"]
    assert (issue.form, issue.visit) == ("vs", "SCR"), "the record of the form"
    assert issue.fields == (("WEIGHT", "150"), ("WEIGHTU", unit)), "of all signs on the form, the one at fault"


BASELINES = [
    # visit, date, time, time point -> EPOCH, flagged
    ("SCR", "03-MAR-2025", "09:00", None, "SCREENING"),
    ("C1D1", "10-MAR-2025", "07:40", "PREDOSE", "SCREENING"),
    ("C1D1", "10-MAR-2025", None, "Predose", "SCREENING"),
    ("C1D1", "10-MAR-2025", None, None, "SCREENING"),
    ("C1D1", "10-MAR-2025", "08:30", None, "TREATMENT"),
    ("C1D8", "17-MAR-2025", "09:00", None, "TREATMENT"),
]


@pytest.mark.parametrize("last", range(len(BASELINES)))
def test_the_last_record_planned_before_the_first_dose_is_the_baseline(last):
    forms = [
        {"VISITOID": v, "VSDAT": d, "VSTIM": t, "VSTPT": p, "PULSE": str(60 + i)}
        for i, (v, d, t, p, _) in enumerate(BASELINES[: last + 1])
    ]
    found, issues = vs(*forms)
    epochs = dict(shown(found, "VSORRES EPOCH"))
    assert epochs == {str(60 + i): b[4] for i, b in enumerate(BASELINES[: last + 1])}
    # a date without a time comes before the same date with one
    best = {0: "60", 1: "61", 2: "61", 3: "61", 4: "61", 5: "61"}[last]
    assert found.loc[found["VSLOBXFL"] == "Y", "VSORRES"].tolist() == [best]
    assert not issues


def test_the_time_point_is_upper_case_with_its_hours_after_the_dose():
    found, issues = vs({"PULSE": "70", "VSTPT": "predose"}, {"PULSE": "71", "VSTIM": "10:00"})
    assert shown(found, "VSORRES VSTPT VSTPTNUM") == [("70", "PREDOSE", 0), ("71", "", "")]
    assert not issues


def test_a_form_entered_twice_counts_once():
    same = {"PULSE": "70", "VSTIM": "10:00"}
    found, issues = vs(same, same, {"PULSE": "72", "VSTIM": "10:00", "VISITOID": "C1D8", "VSDAT": "17-MAR-2025"})
    assert shown(found, "VSORRES VISIT") == [("70", "SCREENING"), ("72", "C1D8")] and not issues


def test_nothing_after_the_cut_off_and_no_record_without_a_value():
    found, _ = vs({"PULSE": "70"}, {"VISITOID": "C2D1", "VSDAT": "07-APR-2026", "PULSE": "80"}, {"VSTIM": "11:00"})
    assert shown(found, "VSORRES") == [("70",)]


ECG = "ECGDTM TPT REP HR PR QRS QT RR QTCF INTERP READER"


def eg(*lines, shuffle=None):
    datasets, issues = built(["EG"], shuffle, ecg=rows(ECG, *lines))
    return datasets["EG"], issues


def test_a_replicate_gives_its_intervals_and_its_reading():
    found, issues = eg("2025-03-09T23:42:00Z PREDOSE 1 76 151 93 392 788 424 NORMAL RD02")
    assert shown(found, "EGTESTCD EGTEST EGORRES EGORRESU EGSTRESC EGSTRESN EGSTRESU") == [
        ("EGHRMN", "ECG Mean Heart Rate", "76", "beats/min", "76", 76, "beats/min"),
        ("INTP", "Interpretation", "NORMAL", "", "NORMAL", "", ""),
        ("PRAG", "PR Interval, Aggregate", "151", "ms", "151", 151, "ms"),
        ("QRSAG", "QRS Duration, Aggregate", "93", "ms", "93", 93, "ms"),
        ("QTAG", "QT Interval, Aggregate", "392", "ms", "392", 392, "ms"),
        ("QTCFAG", "QTcF Interval, Aggregate", "424", "ms", "424", 424, "ms"),
        ("RRAG", "RR Interval, Aggregate", "788", "ms", "788", 788, "ms"),
    ]
    common = "EGMETHOD EGLOBXFL EGREPNUM VISITNUM VISIT VISITDY EPOCH EGDTC EGDY EGTPT EGTPTNUM"
    assert set(shown(found, common)) == {
        ("12 LEAD STANDARD", "Y", 1, 101, "C1D1", 1, "SCREENING", "2025-03-10T07:42:00", 1, "PREDOSE", 0)
    }
    assert not issues


@pytest.mark.parametrize(("stamp", "local", "visit", "why"), [
    ("2025-03-09T15:59:00Z", "2025-03-09T23:59:00", "UNSCHEDULED 1.01", "the last minute of the day before"),
    ("2025-03-09T16:00:00Z", "2025-03-10T00:00:00", "C1D1", "midnight in China is the next day already"),
    ("2025-03-10T23:40:00Z", "2025-03-11T07:40:00", "C1D2", "the 24 h ECG belongs to the visit of its own day"),
    ("2025-03-20T01:00:00Z", "2025-03-20T09:00:00", "UNSCHEDULED 108.01", "no visit planned that day"),
    ("2024-12-31T16:30:00Z", "2025-01-01T00:30:00", "UNSCHEDULED 0.01", "even the year may change"),
])  # fmt: skip
def test_the_visit_is_that_of_the_local_date(stamp, local, visit, why):
    found, issues = eg(f"{stamp} _ 1 76 151 93 392 788 424 NORMAL RD02")
    assert set(shown(found, "EGDTC VISIT")) == {(local, visit)}, why
    assert not issues


TRIPLICATE = [f"2025-03-09T23:{m}:00Z PREDOSE {r} 70 150 90 400 860 {q} NORMAL RD01" for m, r, q in
              ((40, 1, 421), (42, 2, 430), (44, 3, 425))]  # fmt: skip
SAME_TIME = [t.replace(":42:", ":40:").replace(":44:", ":40:") for t in TRIPLICATE]
AFTER = "2025-03-10T02:00:00Z 2H 1 70 150 90 400 860 440 ABNORMAL RD01"


@pytest.mark.parametrize("lines", [TRIPLICATE, SAME_TIME])
@pytest.mark.parametrize("shuffle", [None, 1, 2])
def test_the_last_replicate_before_the_dose_is_the_baseline_whatever_its_time_point(lines, shuffle):
    screening = "2025-03-03T01:00:00Z _ 1 70 150 90 400 860 410 NORMAL RD01"
    found, issues = eg(screening, *lines, AFTER, shuffle=shuffle)
    flagged = found[found["EGLOBXFL"] == "Y"]
    assert sorted(flagged["EGTESTCD"]) == ["EGHRMN", "INTP", "PRAG", "QRSAG", "QTAG", "QTCFAG", "RRAG"]
    assert set(shown(flagged, "EGREPNUM EGTPT")) == {(3, "PREDOSE")}
    assert dict(shown(found[found["EGTESTCD"] == "QTCFAG"], "EGORRES EPOCH")) == {
        "410": "SCREENING", "421": "SCREENING", "430": "SCREENING", "425": "SCREENING", "440": "TREATMENT",
    }  # fmt: skip
    assert not issues


def test_the_qtcf_of_the_reader_is_kept_and_a_replicate_sent_twice_counts_once():
    line = "2025-03-10T04:00:00Z 4H 2 67 150 90 400 895 441 NORMAL RD01"  # 415 by the formula
    found, issues = eg(line, line)
    assert len(found) == 7 and shown(found[found["EGTESTCD"] == "QTCFAG"], "EGSTRESN EGTPTNUM") == [(441, 4)]
    assert not issues


def test_a_replicate_that_was_not_delivered_leaves_no_record_and_another_reading_is_listed():
    found, issues = eg(TRIPLICATE[0], TRIPLICATE[2].replace("NORMAL", "Borderline"))
    assert set(found["EGREPNUM"]) == {1, 3}
    assert [(i.variable, i.severity) for i in issues] == [("EGSTRESC", "warning")]
    assert shown(found[found["EGTESTCD"] == "INTP"], "EGORRES EGSTRESC") == [("NORMAL", "NORMAL"), ("Borderline", "")]
