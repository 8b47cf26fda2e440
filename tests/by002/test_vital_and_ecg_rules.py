"""ADVS and ADEG by BY002's own specs on made-up readings: body mass index, means of replicates, baseline, extremes.

Every subject's first dose is on Day 1 at 08:00, the last on Day 100.
"""

import pytest

import sdtm  # noqa: F401  registers its verbs
from tests.by002.made_up import STUDY as TOY
from tests.by002.made_up import build_from, copying, iso

STUDY = TOY.replace("settings: {", "settings: {SFUDAYS: 30, ")
ADSL = copying(
    "ADSL", "adsl", ["SUBJID", "SITEID", "TRT01P", "TRT01A", "TRTSDT", "TRTEDT", "SAFFL"], "SUBJID"
).replace("dataset: ADSL", "dataset: ADSL\nstructure: ADSL")  # fmt: skip
DM = copying("DM", "adsl", ["RFXSTDTC"], "RFXSTDTC")
VS = copying(
    "VS", "vs", ["VSTESTCD", "VSSTRESC", "VSSTRESN", "VSDTC", "VSTPT", "VSTPTNUM", "VISITNUM", "VISIT"], "VSTESTCD, VSDTC, VISITNUM"
) + "  VSSEQ: {sequence: keys}\n"  # fmt: skip
EG = copying(
    "EG",
    "eg",
    ["EGTESTCD", "EGTEST", "EGSTRESC", "EGSTRESN", "EGSTRESU", "EGDTC", "EGTPT", "EGTPTNUM", "EGREPNUM", "VISITNUM", "VISIT"],
    "EGTESTCD, EGDTC, EGREPNUM",
) + "  EGSEQ: {sequence: keys}\n"  # fmt: skip
PERSON = {"SUBJECT": "A", "SUBJID": "A", "SITEID": "01", "TRT01P": "X", "TRT01A": "X", "TRTSDT": iso(1), "TRTEDT": iso(100),
          "SAFFL": "Y", "RFXSTDTC": f"{iso(1)}T08:00"}  # fmt: skip
VISITS = {-3: ("1", "SCREENING"), 1: ("101", "C1D1"), 8: ("108", "C1D8"), 15: ("115", "C1D15"), 90: ("9001", "END OF TREATMENT"),
          131: ("9002", "SAFETY FOLLOW-UP")}  # fmt: skip
EXTREMES = ("MINIMUM", "MAXIMUM")


def vital(test, day, value, *, time="07:30", visit=None, point=None):
    number, called = visit or VISITS[day]
    return {
        "SUBJECT": "A", "VSTESTCD": test, "VSSTRESC": value, "VSSTRESN": value, "VSDTC": iso(day) + (f"T{time}" if time else ""),
        "VSTPT": point, "VSTPTNUM": point and "0", "VISITNUM": number, "VISIT": called,
    }  # fmt: skip


def ecg(day, values, *, hour="07", point=None, visit=None, test="QTCFAG", rr=1000, qt=None):
    """The replicates of one visit and time point, two minutes apart; RR of a second, so that QTcF is QT."""
    number, called = visit or VISITS[day]
    rows = []
    for i, value in enumerate(values):
        known = {"EGDTC": f"{iso(day)}T{hour}:{2 * i:02d}:00", "EGREPNUM": str(i + 1), "VISITNUM": number, "VISIT": called,
                 "EGTPT": point, "EGTPTNUM": point and str({"PREDOSE": 0, "2H": 2, "4H": 4}[point]), "SUBJECT": "A"}  # fmt: skip
        all_ = {test: value} | ({"QTAG": qt or value, "RRAG": rr} if test == "QTCFAG" else {})
        for code, v in all_.items():
            text = None if v is None else str(v)
            unit = "ms" if test != "INTP" else None
            rows.append({**known, "EGTESTCD": code, "EGTEST": code, "EGSTRESC": text, "EGSTRESN": text if unit else None, "EGSTRESU": unit})
    return rows


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A function: readings to the records (dicts, missing None) of ADVS or ADEG, and the listed messages."""

    def make(name, readings, **person):
        source, working = {"ADVS": ("vs", "vitals"), "ADEG": ("eg", "ecgs")}[name]
        written = {"adam/adsl": ADSL, "sdtm/dm": DM, f"sdtm/{source}": VS if source == "vs" else EG, "study": STUDY}
        folder = tmp_path_factory.mktemp(source)
        built, issues = build_from(folder, [working, name.lower()], written, {"adsl": [PERSON | person], source: readings})
        frame = built[name]
        return frame.astype(object).where(frame.notna(), None).to_dict("records"), [i.message for i in issues]

    return make


@pytest.mark.parametrize(
    ("readings", "expected", "why"),
    [
        ([("HEIGHT", -3, "170"), ("WEIGHT", -3, "65")], [22.5], "65 / 1.7 squared = 22.49"),
        ([("HEIGHT", -3, "170"), ("WEIGHT", 8, "58.7")], [20.3], "the last height before, 20.31"),
        ([("HEIGHT", -3, "170"), ("HEIGHT", 1, "180"), ("WEIGHT", 8, "81")], [25.0], "the later of two heights"),
        ([("HEIGHT", 15, "170"), ("WEIGHT", 8, "65")], [], "no height yet"),
    ],
)
def test_body_mass_index_of_each_weight(made, readings, expected, why):
    records, _ = made("ADVS", [vital(*r) for r in readings])
    found = [r for r in records if r["PARAMCD"] == "BMI" and r["DTYPE"] is None]
    assert [r["AVAL"] for r in found] == expected, why
    assert {(r["PARAM"], r["PARAMTYP"]) for r in found} <= {("Body Mass Index (kg/m2)", "DERIVED")}


def test_baseline_change_visit_and_extremes_of_a_vital_sign(made):
    late = ("9002.01", "UNSCHEDULED 9002.01")
    given = [(-3, "80"), (1, "82"), (8, "60"), (15, "99"), (90, "70"), (130, "55", late), (131, "200")]
    records, issues = made("ADVS", [vital("PULSE", d, v, visit=w[0] if w else None) for d, v, *w in given])
    found = [r for r in records if r["DTYPE"] is None]
    assert [(r["AVISIT"], r["AVAL"], r["CHG"], r["ABLFL"], r["ANL01FL"]) for r in found] == [
        ("SCREENING", 80, None, None, "Y"), ("C1D1", 82, None, "Y", "Y"), ("C1D8", 60, -22, None, "Y"), ("C1D15", 99, 17, None, "Y"),
        ("C4D1", 70, -12, None, "Y"), ("C6D1", 55, -27, None, "Y"), ("SAFETY FOLLOW-UP", 200, 118, None, "Y"),
    ]  # fmt: skip
    assert [(r["AVISIT"], r["AVAL"], r["ADY"]) for r in records if r["DTYPE"] in EXTREMES] == [
        ("POST-BASELINE MAXIMUM", 99, 15), ("POST-BASELINE MINIMUM", 55, 130),
    ]  # fmt: skip
    assert issues == []


@pytest.mark.parametrize(
    ("readings", "baseline", "why"),
    [
        ([vital("PULSE", 1, "82", time="", point="PREDOSE")], 82, "planned before the dose, no time"),
        ([vital("PULSE", 1, "82", time="08:30"), vital("PULSE", -3, "80")], 80, "after the dose"),
        ([vital("PULSE", 1, "82", time="", visit=("101.01", "UNSCHEDULED 101.01")), vital("PULSE", -3, "80")], 80, "not planned"),
    ],
)
def test_baseline_of_a_vital_sign_is_the_last_before_the_dose(made, readings, baseline, why):
    records, _ = made("ADVS", readings)
    assert [r["AVAL"] for r in records if r["ABLFL"] == "Y"] == [baseline], why


@pytest.mark.parametrize(
    ("values", "mean", "count"),
    [([415, 414, 415], 414.7, 3), ([420], 420, 1), ([400, 401], 400.5, 2), ([410, None, 421], 415.5, 2), ([450, 450, 451], 450.3, 3)],
)
def test_replicates_of_one_visit_and_time_point_are_averaged_to_a_tenth(made, values, mean, count):
    records, issues = made("ADEG", ecg(8, values))
    found = [r for r in records if r["PARAMCD"] == "QTCFAG"]
    (average,) = [r for r in found if r["DTYPE"] == "AVERAGE"]
    assert (average["AVAL"], average["NREP"], average["EGSEQ"], average["ANL01FL"]) == (mean, count, None, "Y")
    replicates = [r for r in found if r["DTYPE"] is None]
    assert [r["AVAL"] for r in replicates] == [v for v in values if v is not None]
    assert {(r["ANL01FL"], r["CHG"], r["AVALCAT1"], r["CRIT1"], r["ABLFL"]) for r in replicates} == {(None,) * 5}
    assert issues == []


def test_time_points_of_a_visit_are_averaged_apart_and_each_has_its_flag(made):
    readings = ecg(15, [400, 402, 404], point="PREDOSE") + ecg(15, [420, 422, 424], hour="10", point="2H")
    records, _ = made("ADEG", readings)
    found = [(r["ATPT"], r["AVAL"], r["ANL01FL"]) for r in records if r["PARAMCD"] == "QTCFAG" and r["DTYPE"] == "AVERAGE"]
    assert found == [("PREDOSE", 402, "Y"), ("2H", 422, "Y")]


def test_an_unscheduled_reading_stands_for_a_visit_only_where_none_was_planned(made):
    late, later = ("108.01", "UNSCHEDULED 108.01"), ("108.02", "UNSCHEDULED 108.02")
    readings = ecg(8, [400], point="PREDOSE") + ecg(9, [410], visit=late) + ecg(20, [420], visit=later)
    records, _ = made("ADEG", readings)
    found = [(r["AVISIT"], r["AVAL"], r["ANL01FL"]) for r in records if r["PARAMCD"] == "QTCFAG" and r["DTYPE"] == "AVERAGE"]
    assert found == [("C1D8", 400, "Y"), ("C1D8", 410, None), ("C1D22", 420, "Y")]


@pytest.mark.parametrize(
    ("readings", "baseline", "why"),
    [
        (ecg(-3, [410, 412, 414]) + ecg(1, [420, 422, 424], point="PREDOSE"), 422, "the predose triplicate of C1D1"),
        (ecg(-3, [410, 412, 414]), 412, "else the last earlier one"),
        (
            ecg(-3, [410]) + ecg(1, [420], hour="06", point="PREDOSE") + ecg(1, [430], visit=("101.01", "UNSCHEDULED 101.01")),
            420,
            "the planned one, though another is later",
        ),
        (ecg(-3, [410]) + ecg(1, [420], hour="09", point="PREDOSE"), 410, "taken after the dose, it is no baseline"),
        (ecg(1, [430], hour="10", point="2H"), None, "none before the dose"),
    ],
)
def test_baseline_is_the_mean_before_the_first_dose(made, readings, baseline, why):
    records, _ = made("ADEG", readings)
    flagged = [r["AVAL"] for r in records if r["ABLFL"] == "Y" and r["PARAMCD"] == "QTCFAG"]
    assert flagged == ([] if baseline is None else [baseline]), why
    assert {r["BASE"] for r in records if r["PARAMCD"] == "QTCFAG"} == {baseline}


@pytest.mark.parametrize(
    ("value", "band", "change", "first", "second"),
    [(450, "<=450", "<=30", None, None), (451, ">450-480", ">30-60", None, None), (480, ">450-480", ">30-60", None, None),
     (481, ">480-500", ">60", None, "Y"), (500, ">480-500", ">60", None, "Y"), (501, ">500", ">60", "Y", "Y")],
)  # fmt: skip
def test_outliers_of_qtcf(made, value, band, change, first, second):
    readings = ecg(1, [420], point="PREDOSE") + ecg(8, [value])
    found = [r for r in made("ADEG", readings)[0] if r["PARAMCD"] == "QTCFAG" and r["DTYPE"] and r["ADY"] == 8]
    assert {(r["AVALCAT1"], r["CHGCAT1"], r["CRIT1FL"], r["CRIT2FL"]) for r in found} == {(band, change, first, second)}
    assert {(r["CRIT1"], r["CRIT2"], r["DTYPE"]) for r in found} == {("AVAL>500", "CHG>60", k) for k in ("AVERAGE", *EXTREMES)}


@pytest.mark.parametrize(("rise", "band"), [(30, "<=30"), (31, ">30-60"), (60, ">30-60"), (61, ">60")])
def test_bands_of_the_change_of_qtcf(made, rise, band):
    records, _ = made("ADEG", ecg(1, [400], point="PREDOSE") + ecg(8, [400 + rise]))
    assert {r["CHGCAT1"] for r in records if r["PARAMCD"] == "QTCFAG" and r["DTYPE"] and r["ADY"] == 8} == {band}


def test_the_highest_mean_counts_the_hours_after_the_first_dose_and_unscheduled_readings(made):
    readings = ecg(1, [500], point="PREDOSE") + ecg(1, [455], hour="12", point="4H") + ecg(8, [440])
    assert [r["AVAL"] for r in made("ADEG", readings)[0] if r["DTYPE"] == "MAXIMUM" and r["PARAMCD"] == "QTCFAG"] == [455]
    readings += ecg(130, [470], visit=("9002.01", "UNSCHEDULED 9002.01")) + ecg(131, [490])
    assert [r["AVAL"] for r in made("ADEG", readings)[0] if r["DTYPE"] == "MAXIMUM" and r["PARAMCD"] == "QTCFAG"] == [470]


@pytest.mark.parametrize(
    ("qtcf", "qt", "rr", "listed"),
    [(400, 400, 1000, False), (401, 400, 1000, False), (401.1, 400, 1000, True), (431, 400, 800, False), (429, 400, 800, True),
     (441, 368, 672, True)],
)  # fmt: skip
def test_a_qtcf_that_is_not_fridericias_is_listed_and_analysed(made, qtcf, qt, rr, listed):
    records, issues = made("ADEG", ecg(8, [qtcf], qt=qt, rr=rr))
    assert [m.startswith("the QTcF delivered is not") for m in issues] == [True] * listed
    assert [r["AVAL"] for r in records if r["PARAMCD"] == "QTCFAG" and r["DTYPE"] == "AVERAGE"] == [qtcf]


@pytest.mark.parametrize(("qt", "rr"), [(400, None), (400, 0)])
def test_a_qtcf_without_its_qt_or_rr_is_listed_as_such_alone(made, qt, rr):
    _, issues = made("ADEG", ecg(8, [400], qt=qt, rr=rr))
    assert [m.startswith("a QTcF is delivered without the QT and RR") for m in issues] == [True]


def test_more_than_three_replicates_are_listed(made):
    _, issues = made("ADEG", ecg(8, [400] * 4, test="PRAG"))
    assert issues == ["more than three replicates of one visit and time point are averaged: 4.0"]


def test_a_reading_in_words_stands_by_itself(made):
    records, _ = made("ADEG", ecg(8, ["NORMAL", "ABNORMAL"], test="INTP"))
    assert [(r["AVALC"], r["AVAL"], r["DTYPE"]) for r in records] == [("NORMAL", None, None), ("ABNORMAL", None, None)]
