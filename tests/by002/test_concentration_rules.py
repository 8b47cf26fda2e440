"""ADPC by BY002's own spec on made-up profiles: BLQ by position, missing predose samples, doses, windows, exclusions.

Every subject's first dose is on Day 1 at 08:00; a profile lists nominal hours and what the assay gave, "BLQ" or a
number, None where no sample was drawn. Samples are drawn on time unless the case says otherwise.
"""

import pandas as pd
import pytest

from tests.by002.made_up import build_from, copying, iso

HOURS = {
    "PREDOSE": 0,
    "0.5H": 0.5,
    "1H": 1,
    "2H": 2,
    "3H": 3,
    "4H": 4,
    "6H": 6,
    "8H": 8,
    "12H": 12,
    "24H": 24,
}
NUMBER = ", type: Num, label: X"
TEXT = ", type: Char, label: X"
ADSL = copying(
    "ADSL",
    "adsl",
    "SUBJID SITEID TRT01P TRT01A TRTSDT TRTEDT TRTSDTM TRTSTMF SAFFL PKFL DOSE01P".split(),  # noqa: SIM905
    "SUBJID",
    PKFL=TEXT,
).replace("dataset: ADSL", "dataset: ADSL\nstructure: ADSL")
PC = copying(
    "PC",
    "pc",
    "PCTESTCD PCTEST PCORRES PCSTRESC PCSTRESN PCLLOQ PCDTC PCTPT PCTPTNUM PCTPTREF PCRFTDTC PCGRPID VISITNUM VISIT".split(),  # noqa: SIM905
    "PCTESTCD, PCDTC, PCTPTREF, PCTPTNUM",
) + ("  PCSEQ: {sequence: keys}\n")
EX = copying("EX", "ex", ["EXSTDTC", "EXENDTC", "EXDOSE"], "EXSTDTC") + "  EXSEQ: {sequence: keys}\n"
CM = (
    copying("CM", "cm", ["CMTRT", "CMSTDTC", "CMENDTC"], "CMTRT, CMSTDTC")
    + "  CMSEQ: {sequence: keys}\nsupplemental:\n  CMCYP3A: {copy: cm.CMCYP3A, label: X}\n"
)
DAYS = {"C1D1": 1, "C1D15": 15, "C1D8": 8}


def sample(subject, visit, point, result, *, minutes=0, test="BY002", clock="08:00", timed=True):
    """One PC record: `minutes` off the nominal time after the dose of that day; predose samples 5 minutes before."""
    day = DAYS[visit]
    dose = pd.Timestamp(f"{iso(day)} {clock}")
    drawn = dose + pd.Timedelta(hours=HOURS[point]) + pd.Timedelta(minutes=minutes - 5 * (point == "PREDOSE"))
    blq = result == "BLQ"
    return {
        "SUBJECT": subject,
        "PCTESTCD": test,
        "PCTEST": test,
        "PCORRES": None if result is None else str(result),
        "PCSTRESC": None if result is None else "<1.00" if blq else str(result),
        "PCSTRESN": None if result is None or blq else str(result),
        "PCLLOQ": None if result is None else "1.00",
        "PCDTC": None if result is None else drawn.strftime("%Y-%m-%dT%H:%M"),
        "PCTPT": point,
        "PCTPTNUM": str(HOURS[point]),
        "PCTPTREF": f"{visit} DOSE",
        "PCRFTDTC": dose.strftime("%Y-%m-%dT%H:%M") if timed else iso(day),
        "PCGRPID": f"{test} {visit}",
        "VISITNUM": str(100 + day),
        "VISIT": visit,
    }


# visit, {time point: result}, then what AVAL becomes and why a sample is left out of the NCA
ZERO, BETWEEN, AFTER, PREDOSE = 0, "BLQ BETWEEN MEASURABLE", "BLQ AFTER LAST MEASURABLE", "PREDOSE>5% CMAX"
PROFILES = {
    "blq_before_the_first_measurable_is_0": (
        "C1D1",
        {"PREDOSE": "BLQ", "0.5H": "BLQ", "1H": 50, "2H": 80},
        [ZERO, ZERO, 50, 80],
        [None, None, None, None],
    ),
    "blq_between_two_measurable_is_missing": (
        "C1D1",
        {"PREDOSE": "BLQ", "1H": 50, "2H": "BLQ", "3H": 20},
        [ZERO, 50, None, 20],
        [None, None, BETWEEN, None],
    ),
    "blq_after_the_last_measurable_is_missing_and_never_0": (
        "C1D1",
        {"PREDOSE": "BLQ", "1H": 50, "12H": "BLQ", "24H": "BLQ"},
        [ZERO, 50, None, None],
        [None, None, AFTER, AFTER],
    ),
    "all_blq_is_0": ("C1D1", {"PREDOSE": "BLQ", "1H": "BLQ"}, [ZERO, ZERO], [None, None]),
    "a_trough_that_is_blq_is_0": ("C1D8", {"PREDOSE": "BLQ"}, [ZERO], [None]),
    "blq_predose_at_steady_state_is_0": ("C1D15", {"PREDOSE": "BLQ", "1H": 90}, [ZERO, 90], [None, None]),
    "predose_of_c1d1_not_drawn_is_0": ("C1D1", {"PREDOSE": None, "1H": 50}, [ZERO, 50], [None, None]),
    "predose_of_c1d15_not_drawn_is_the_lowest_measured_24h_included": (
        "C1D15",
        {"PREDOSE": None, "1H": 90, "12H": "BLQ", "24H": 30},
        [30, 90, None, 30],
        [None, None, BETWEEN, None],
    ),
    "predose_of_c1d15_not_drawn_without_any_measured_has_no_value": (
        "C1D15",
        {"PREDOSE": None, "1H": "BLQ"},
        [None, ZERO],
        ["NO RESULT", None],
    ),
    "predose_of_c1d1_at_5_percent_of_cmax_is_used": ("C1D1", {"PREDOSE": 5, "1H": 100}, [5, 100], [None, None]),
    "predose_of_c1d1_above_5_percent_of_cmax_excludes_the_profile": (
        "C1D1",
        {"PREDOSE": 5.1, "1H": 100, "2H": "BLQ"},
        [5.1, 100, None],
        [PREDOSE, PREDOSE, PREDOSE],
    ),
    "predose_of_c1d15_is_expected": ("C1D15", {"PREDOSE": 40, "1H": 100}, [40, 100], [None, None]),
    "a_sample_not_drawn_has_no_value": ("C1D1", {"1H": 50, "2H": None, "3H": 20}, [50, None, 20], [None, "NO RESULT", None]),
}


def study_of(samples, folder, *, adsl=None, ex=None, cm=None):
    """ADPC of these samples; each subject takes 100 mg from Day 1 on, and nobody an inhibitor, unless stated."""
    subjects = list(dict.fromkeys(s["SUBJECT"] for s in samples))
    person = {
        "SUBJID": "1", "SITEID": "01", "TRT01P": "A", "TRT01A": "A", "TRTSDT": iso(1), "TRTEDT": iso(60),
        "TRTSDTM": f"{iso(1)}T08:00", "TRTSTMF": None, "SAFFL": "Y", "PKFL": "Y", "DOSE01P": "100",
    }  # fmt: skip
    records = {
        "adsl": [{"SUBJECT": s, **person, **(adsl or {}).get(s, {})} for s in subjects],
        "pc": samples,
        "ex": ex or [{"SUBJECT": s, "EXSTDTC": iso(1), "EXENDTC": None, "EXDOSE": "100"} for s in subjects],
        "cm": cm or [{"SUBJECT": "nobody", "CMTRT": "X", "CMSTDTC": None, "CMENDTC": None, "CMCYP3A": None}],
    }
    records["adsl"] += [{**person, "SUBJECT": "nobody", "SAFFL": "N"}]
    written = {"adam/adsl": ADSL, "sdtm/pc": PC, "sdtm/ex": EX, "sdtm/cm": CM}
    datasets, issues = build_from(folder, ("adpc", "cyp3a"), written, records)
    assert not [i for i in issues if i.severity != "info"], issues
    return datasets["ADPC"]


@pytest.fixture(scope="module")
def profiles(tmp_path_factory):
    samples = [
        sample(name, visit, point, result)
        for name, (visit, results, *_) in PROFILES.items()
        for point, result in results.items()
    ]
    samples += [sample("two_analytes", "C1D1", "1H", 50), sample("two_analytes", "C1D1", "2H", "BLQ", test="BY002M1")]
    samples += [sample("two_analytes", "C1D15", "PREDOSE", "BLQ")]
    return study_of(samples, tmp_path_factory.mktemp("profiles"))


@pytest.mark.parametrize("name", PROFILES)
def test_blq_and_missing_samples_count_by_their_place_in_the_profile(profiles, name):
    _, results, values, reasons = PROFILES[name]
    rows = profiles[profiles["USUBJID"] == name].sort_values("ATPTN")
    assert [None if pd.isna(v) else v for v in rows["AVAL"]] == values
    assert [None if pd.isna(v) else v for v in rows["NCAXRS"]] == reasons
    assert (rows["NCAXFL"].notna() == rows["NCAXRS"].notna()).all()
    blq = [r == "BLQ" for r in results.values()]
    assert (rows["BLQFL"] == "Y").tolist() == blq and (rows["AVALC"] == "BLQ").tolist() == blq


def test_a_profile_is_one_analyte_of_one_reference_dose(profiles):
    rows = profiles[profiles["USUBJID"] == "two_analytes"]
    assert rows["AVAL"].tolist() == [50, 0, 0], "neither the other analyte nor the other day decides"


def test_only_an_imputed_value_that_is_not_0_has_a_derivation_type(profiles):
    typed = profiles[profiles["DTYPE"].notna()]
    assert typed["USUBJID"].unique().tolist() == ["predose_of_c1d15_not_drawn_is_the_lowest_measured_24h_included"]
    assert typed[["ATPT", "DTYPE", "AVAL"]].to_numpy().tolist() == [["PREDOSE", "MINIMUM", 30]]


TIMES = [  # time point, minutes off, within the window of the schedule
    ("PREDOSE", 0, True),
    ("PREDOSE", -25, True),
    ("PREDOSE", -26, False),
    ("PREDOSE", 6, False),
    ("0.5H", 5, True),
    ("0.5H", 6, False),
    ("1H", -5, True),
    ("1H", -6, False),
    ("2H", 10, True),
    ("2H", 11, False),
    ("4H", -10, True),
    ("6H", 20, True),
    ("6H", 21, False),
    ("12H", -20, True),
    ("12H", -21, False),
    ("24H", 120, True),
    ("24H", -121, False),
]


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    samples = [
        sample(f"T{i:02d}", "C1D1", p, "BLQ" if p == "PREDOSE" else 10, minutes=m) for i, (p, m, _) in enumerate(TIMES)
    ]
    samples += [sample("trough", "C1D8", "PREDOSE", 10, timed=False), sample("late", "C1D15", "4H", 10, minutes=7.5)]
    samples += [sample("blq", "C1D1", "1H", 10), sample("blq", "C1D1", "24H", "BLQ")]
    samples += [sample("other", "C1D1", "1H", 10)]
    ex = [{"SUBJECT": s, "EXSTDTC": iso(1), "EXENDTC": None, "EXDOSE": "100"} for s in {x["SUBJECT"] for x in samples}]
    adsl = {"other": {"PKFL": "N"}}
    return study_of(samples, tmp_path_factory.mktemp("timed"), ex=ex, adsl=adsl).set_index("USUBJID")


@pytest.mark.parametrize("index", range(len(TIMES)), ids=[f"{p}_{m}" for p, m, _ in TIMES])
def test_mean_tables_take_samples_within_the_window_of_the_schedule(timed, index):
    assert (timed.loc[f"T{index:02d}", "ANL01FL"] == "Y") == TIMES[index][2]


def test_relative_times_are_hours_from_the_first_and_the_reference_dose(timed):
    late = timed.loc["late"]
    assert late[["NRRLT", "ARRLT", "MRRLT"]].tolist() == [4, 4.1167, 4.1167]  # PCDTC has minutes, 4 h 7 min
    assert late[["NFRLT", "AFRLT", "ADY"]].tolist() == [14 * 24 + 4, 14 * 24 + 4.1167, 15]
    predose = timed.loc["T01"]
    assert predose[["ARRLT", "MRRLT"]].tolist() == [-0.5, 0], "never before the dose"


def test_a_dose_without_a_time_leaves_nominal_times_and_no_mean(timed):
    trough = timed.loc["trough"]
    assert pd.isna(trough["ARRLT"]) and trough["MRRLT"] == 0 and pd.isna(trough["ANL01FL"])
    assert trough["NFRLT"] == 168 and trough["AVISIT"] == "C1D8"


def test_blq_stays_in_the_mean_tables_that_count_it_as_0_and_pk_population_decides(timed):
    blq = timed.loc["blq"]
    assert blq["NCAXRS"].tolist()[1] == AFTER and blq["ANL01FL"].tolist() == ["Y", "Y"]
    assert pd.isna(timed.loc["other", "ANL01FL"])


def test_the_24_hour_sample_belongs_to_the_day_of_its_reference_dose(timed):
    assert timed.loc["T15", ["AVISIT", "AVISITN", "ADY", "NRRLT"]].tolist() == ["C1D1", 101, 2, 24]


# strong inhibitor from Day 3 to Day 9; samples are those of Day 1, 8 and 15
@pytest.mark.parametrize(
    ("first", "last", "strength", "planned", "flagged", "why"),
    [
        (3, 9, "STRONG", [100, 50, 100], [False, True, False], "Day 15 is six days after the last"),
        (3, 10, "STRONG", [100, 50, 50], [False, True, False], "Day 15 is five days after: planned half, not taken"),
        (15, None, "STRONG", [100, 100, 50], [False, False, True], "from the day it starts, without end"),
        (None, 8, "STRONG", [50, 50, 100], [True, True, False], "started before anything is known"),
        (3, 9, "MODERATE", [100, 100, 100], [False, False, False], "a moderate inhibitor changes nothing"),
    ],
)
def test_planned_dose_is_halved_on_cyp3a4_days(tmp_path, first, last, strength, planned, flagged, why):
    samples = [sample("S", "C1D1", "1H", 10), sample("S", "C1D8", "PREDOSE", 10), sample("S", "C1D15", "24H", 10)]
    cm = [{"SUBJECT": "S", "CMTRT": "V", "CMSTDTC": iso(first), "CMENDTC": iso(last), "CMCYP3A": strength}]
    rows = study_of(samples, tmp_path, cm=cm).sort_values("AVISITN")
    assert rows["DOSEP"].tolist() == planned and (rows["CYPFL"] == "Y").tolist() == flagged, why


def test_actual_dose_is_that_of_the_reference_day_and_0_when_none_was_taken(tmp_path):
    samples = [sample("S", "C1D1", "24H", 10), sample("S", "C1D8", "PREDOSE", 10), sample("S", "C1D15", "1H", 10)]
    samples[1]["PCRFTDTC"] = None  # no dose on Day 8
    ex = [
        {"SUBJECT": "S", "EXSTDTC": f"{iso(1)}T08:00", "EXENDTC": f"{iso(1)}T08:00", "EXDOSE": "100"},
        {"SUBJECT": "S", "EXSTDTC": iso(2), "EXENDTC": iso(7), "EXDOSE": "50"},
        {"SUBJECT": "S", "EXSTDTC": iso(9), "EXENDTC": None, "EXDOSE": "150"},
    ]
    rows = study_of(samples, tmp_path, ex=ex).sort_values("AVISITN")
    assert rows["DOSEA"].tolist() == [100, 0, 150] and rows["DOSEU"].unique().tolist() == ["mg"]
    assert rows["ANL01FL"].notna().tolist() == [True, False, True]


def test_a_profile_that_was_not_drawn_on_any_day_has_no_dose(tmp_path):
    samples = [sample("S", "C1D1", "1H", 10), sample("S", "C1D15", "1H", None)]
    samples[1]["PCRFTDTC"] = None
    drawn, missed = study_of(samples, tmp_path).sort_values("AVISITN").to_dict("records")
    assert (drawn["DOSEP"], drawn["DOSEA"]) == (100, 100)
    assert pd.isna(missed["DOSEP"]) and pd.isna(missed["DOSEA"]) and missed["NCAXRS"] == "NO RESULT"
