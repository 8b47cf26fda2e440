"""A study of another design, with other forms, visits and two arms, builds from YAML and tables alone."""

import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyreadstat
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SPECS, EXPORT = HERE / "kv21", HERE / "export"


def build(out, raw=EXPORT, *more):
    command = [sys.executable, "-m", "trialmill", "build", "--study", str(SPECS), "--raw", str(raw), "--out", str(out)]
    return subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("second") / "out"
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def read(out, name, *columns):
    package = "adam" if name.startswith("AD") else "sdtm"
    frame, _ = pyreadstat.read_xport(out / package / f"{name.lower()}.xpt")
    return frame[list(columns)].to_numpy().tolist()


def test_the_study_has_no_code():
    assert [p for p in SPECS.rglob("*") if p.is_file() and p.suffix not in (".yaml", ".csv")] == []


def test_every_dataset_of_the_specs_is_built(out):
    wanted = {p.stem for p in SPECS.glob("sdtm/*.yaml")} | {p.stem for p in SPECS.glob("adam/*.yaml")} | {"suppae"}
    assert {p.stem for p in out.rglob("*.xpt")} == wanted


def test_two_arms_and_a_screen_failure(out):
    assert read(out, "DM", "USUBJID", "ARMCD", "ACTARMCD", "ARMNRS", "RFXSTDTC", "DTHFL", "AGE") == [
        ["KV-21-1001", "KAV", "KAV", "", "2029-09-10", "", 68],
        ["KV-21-1002", "PLA", "PLA", "", "2029-09-12", "", 58],
        ["KV-21-1003", "", "", "SCREEN FAILURE", "", "", 65],
        ["KV-21-1004", "PLA", "PLA", "", "2029-09-13", "Y", 74],
        ["KV-21-1005", "KAV", "KAV", "", "2029-09-17", "", 47],
        ["KV-21-1006", "KAV", "KAV", "", "2029-09-18", "", 80],
    ]


def test_elements_follow_one_another_by_arm(out):
    assert read(out, "SE", "USUBJID", "ETCD", "SESTDTC", "SEENDTC")[4:9] == [
        ["KV-21-1003", "SCR", "2029-09-05", "2029-09-07"],
        ["KV-21-1004", "SCR", "2029-09-06", "2029-09-13"],
        ["KV-21-1004", "PLA", "2029-09-13", "2029-09-26"],
        ["KV-21-1004", "FU", "2029-09-26", "2029-09-27"],
        ["KV-21-1005", "SCR", "2029-09-10", "2029-09-17"],
    ]


def test_a_visit_not_done_and_an_unscheduled_one(out):
    visits = [v for v in read(out, "SV", "USUBJID", "VISITNUM", "VISIT", "SVOCCUR", "SVSTDTC") if v[0] == "KV-21-1002"]
    assert visits == [
        ["KV-21-1002", 1, "SCREENING", "Y", "2029-09-04"],
        ["KV-21-1002", 2, "BASELINE", "Y", "2029-09-12"],
        ["KV-21-1002", 2.01, "UNSCHEDULED 2.01", "", "2029-09-20"],
        ["KV-21-1002", 3, "WEEK 4", "N", ""],
        ["KV-21-1002", 4, "WEEK 8", "Y", "2029-11-07"],
    ]


def test_partial_dates_stay_partial_and_events_have_their_epoch(out):
    assert read(out, "AE", "USUBJID", "AETERM", "AEDECOD", "AESTDTC", "EPOCH") == [
        ["KV-21-1001", "head ache", "Headache", "2029-09-20", "TREATMENT"],
        ["KV-21-1001", "ankle swelling", "Oedema peripheral", "2029-10", "TREATMENT"],
        ["KV-21-1002", "felt dizzy", "Dizziness", "2029-09-20", "TREATMENT"],
        ["KV-21-1004", "heart attack", "Myocardial infarction", "2029-09-26", "FOLLOW-UP"],
        ["KV-21-1005", "Headache", "Headache", "2029-09-16", "SCREENING"],
    ]


def test_the_baseline_is_the_last_value_before_the_first_dose(out):
    flagged = [v[:4] for v in read(out, "VS", "USUBJID", "VSTESTCD", "VISIT", "VSSTRESN", "VSLOBXFL") if v[4] == "Y"]
    assert flagged[:3] == [
        ["KV-21-1001", "DIABP", "BASELINE", 96],
        ["KV-21-1001", "PULSE", "BASELINE", 70],
        ["KV-21-1001", "SYSBP", "BASELINE", 158],
    ]
    assert len(flagged) == 5 * 3, "every treated subject and test; none of the screen failure"


def test_treatment_that_goes_on_ends_at_the_cut_off_for_analysis(out):
    assert read(out, "ADSL", "USUBJID", "TRT01P", "TRTSDT", "TRTEDT", "TRTEDTF")[3:] == [
        ["KV-21-1004", "Placebo", date(2029, 9, 13), date(2029, 9, 25), ""],
        ["KV-21-1005", "Kavidine 10 mg", date(2029, 9, 17), date(2029, 11, 12), ""],
        ["KV-21-1006", "Kavidine 10 mg", date(2029, 9, 18), date(2030, 1, 31), "Y"],
    ]


def test_time_to_the_first_adverse_event_after_the_first_dose(out):
    assert read(out, "ADTTE", "USUBJID", "AVAL", "CNSR", "EVNTDESC", "CNSDTDSC") == [
        ["KV-21-1001", 11, 0, "ADVERSE EVENT", ""],
        ["KV-21-1002", 9, 0, "ADVERSE EVENT", ""],
        ["KV-21-1004", 14, 0, "ADVERSE EVENT", ""],
        ["KV-21-1005", 57, 1, "", "END OF TREATMENT"],
        ["KV-21-1006", 136, 1, "", "END OF TREATMENT"],
    ]


def test_the_check_of_what_was_published_finds_nothing(out):
    command = [sys.executable, "-m", "trialmill", "check", "--study", str(SPECS), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "0 errors, 0 warnings" in done.stdout, done.stdout + done.stderr


def test_shuffled_listings_and_threads_give_the_same_bytes(out, tmp_path):
    raw = tmp_path / "export"
    shutil.copytree(EXPORT, raw)
    for file in raw.rglob("*.csv"):
        head, *rows = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join([head, *rows[::-1]]) + "\n", encoding="utf-8")
    done = build(tmp_path / "out", raw, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    files = {p.relative_to(out): p.read_bytes() for p in out.rglob("*.xpt")}
    assert {p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*.xpt")} == files


def test_no_room_knows_this_study():
    rooms = ("engine", "formats", "edc", "simulator", "sdtm", "adam", "validators", "trialmill")
    text = "".join(p.read_text(encoding="utf-8") for room in rooms for p in (ROOT / room).rglob("*.py"))
    assert not re.search("kv.?21|kavidine", text, re.IGNORECASE)
