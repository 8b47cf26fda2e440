"""The command check on a made-up study, and a build that its schemas stop before anything is published."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
study: TOY-8
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
settings: {DCUTDT: 2030-12-31}
identity: {subjects: enrol, USUBJID: {prefix: TOY-8-, first: enrol.NUMBER}}
"""
RAW = """
carriers: {csv: {folder: forms, pattern: "{form}.csv"}}
common: {NUMBER: text}
roles: {subject: NUMBER}
formats: {date: "YYYY/M/D"}
"""
DS = """
dataset: DS
keys: [STUDYID, USUBJID, DSSTDTC, DSTERM]
records: {each: status}
variables:
  DSTERM: {copy: status.WHAT}
  DSDECOD: {copy: status.WHAT}
  DSCAT: {set: DISPOSITION EVENT}
  DSSTDTC: {iso8601: status.DATE}
  DSSTDY: {not_collected: no reference date in this study}
  DSSEQ: {sequence: keys}
"""
ADSL = """
dataset: ADSL
label: Subject-Level Analysis Dataset
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  SITEID: {set: "1"}
  AGE: {set: "40"}
  AGEU: {set: YEARS}
  SEX: {set: F}
  RACE: {set: ASIAN}
  ARM: {copy: enrol.ARM, label: Description of Planned Arm, type: Char}
  COMPLFL: {exists: DS, where: "DS.DSDECOD == 'COMPLETED'", else: N}
"""
CHECKS = """
rules:
  T1:
    title: Whoever completed did so before the cut-off
    checks: [{each: DS, holds: "first_day(DSSTDTC) <= date(study.DCUTDT)", says: "dated {DSSTDTC}"}]
  T2:
    title: Arms are One and Two
    severity: warning
    checks: [{each: ADSL, holds: "ARM in ['One', 'Two']", says: "{ARM}"}]
"""
FILES = {
    "spec/study.yaml": STUDY,
    "spec/raw.yaml": RAW,
    "spec/checks.yaml": CHECKS,
    "spec/sdtm/ds.yaml": DS,
    "spec/adam/adsl.yaml": ADSL,
    "raw/forms/enrol.csv": "NUMBER,ARM\nA1,Two\nB2,One\n",
    "raw/forms/status.csv": "NUMBER,WHAT,DATE\nB2,COMPLETED,2030/3/9\nA1,DEATH,2030/12/1\n",
}


@pytest.fixture
def place(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def mill(place, command, *more):
    words = [sys.executable, "-m", "trialmill", command, "--study", "spec", *more]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(words, cwd=place, capture_output=True, text=True, check=False, env=env)


def build(place, *more):
    return mill(place, "build", *more, "--raw", "raw", "--out", "out")


def contents(place):
    return {p: p.read_bytes() for p in sorted((place / "out").rglob("*")) if p.is_file()}


def change(place, file, before, after):
    text = (place / file).read_text(encoding="utf-8")
    assert before in text
    (place / file).write_text(text.replace(before, after), encoding="utf-8")


def test_clean_datasets_pass_and_the_output_folder_stays_as_it_is(place):
    assert build(place).returncode == 0
    former = contents(place)
    done = mill(place, "check", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 errors, 0 warnings, 0 explained" in done.stdout and "blocked" not in done.stdout
    assert contents(place) == former
    listed = json.loads((place / "out.check.json").read_text())
    assert listed["findings"] == [] and listed["study"] == "TOY-8"
    assert [f["file"] for f in listed["checked"]] == ["adam/adsl.xpt", "sdtm/ds.xpt"]


def test_findings_name_rule_subject_key_and_value_and_give_status_1(place):
    change(place, "raw/forms/status.csv", "2030/12/1", "2031/2/1")
    change(place, "raw/forms/enrol.csv", "A1,Two", "A1,Three")
    assert build(place).returncode == 0
    done = mill(place, "check", "--out", "out")
    assert done.returncode == 1
    assert "T1  error  DS.DSSTDTC: 1 record of 1 subject: Whoever completed did so before the cut-off" in done.stdout
    assert "  TOY-8-A1, DSSTDTC 2031-02-01, DSTERM DEATH: dated 2031-02-01" in done.stdout
    findings = json.loads((place / "out.check.json").read_text())["findings"]
    assert [(f["rule"], f["severity"], f["dataset"], f["variable"], f["subject"]) for f in findings] == [
        ("T1", "error", "DS", "DSSTDTC", "TOY-8-A1"),
        ("T2", "warning", "ADSL", "ARM", "TOY-8-A1"),
    ]


def test_an_explained_finding_gives_status_0(place):
    change(place, "raw/forms/enrol.csv", "A1,Two", "A1,Three")
    text = "\nexplained: [{rule: T2, subject: TOY-8-A1, reason: a third arm was opened}]\n"
    (place / "spec" / "checks.yaml").write_text(CHECKS + text)
    build(place)
    done = mill(place, "check", "--out", "out")
    assert done.returncode == 0 and "explained a third arm was opened" in done.stdout


def test_an_altered_file_is_refused_with_status_2(place):
    build(place)
    path = place / "out" / "sdtm" / "ds.xpt"
    path.write_bytes(path.read_bytes().replace(b"DEATH", b"DEBTH"))
    done = mill(place, "check", "--out", "out")
    assert done.returncode == 2 and "ds.xpt  the file is not the one that the build wrote" in done.stderr


def test_rules_of_a_package_that_was_not_published_are_not_run(place):
    build(place, "sdtm")
    done = mill(place, "check", "--out", "out")
    assert done.returncode == 0 and "not run   T2: ADSL not published" in done.stdout


@pytest.mark.parametrize("command", ["lint", "build", "check"])
def test_a_rule_that_is_wrong_stops_every_command_with_its_place(place, command):
    build(place)
    change(place, "spec/checks.yaml", "ARM in", "ARMM in")
    more = {"lint": [], "build": ["--raw", "raw", "--out", "out"], "check": ["--out", "out"]}[command]
    done = mill(place, command, *more)
    assert done.returncode == 2
    told = done.stdout if command == "lint" else done.stderr
    assert 'spec/checks.yaml:9:14  T2: ADSL has no "ARMM"' in told and "ARM" in told


def test_a_schema_stops_the_build_before_anything_is_published(place):
    build(place)
    former = contents(place)
    change(place, "raw/forms/status.csv", "A1,DEATH", "A1,Moved")
    done = build(place)
    assert done.returncode == 1
    assert "spec/sdtm/ds.yaml:7:3  DS.DSDECOD: 1 record: " in done.stderr
    assert "a value that codelist NCOMPLT (C66727, extensible) does not hold" in done.stderr
    assert "Moved, first TOY-8-A1, DSSTDTC 2030-12-01, DSTERM Moved, from forms/status.csv line 3" in done.stderr
    assert contents(place) == former
    checked = mill(place, "check", "--out", "out").stdout
    assert "note      the last build was blocked: these are the datasets of the build before it; see out.issues.json" in checked
    (issue,) = [i for i in json.loads((place / "out.issues.json").read_text()) if i["variable"] == "DSDECOD"]
    assert (issue["severity"], issue["subject"], issue["source"]) == ("blocking", "TOY-8-A1", "forms/status.csv line 3")
    assert "Moved" in issue["message"] and "ds.yaml" not in issue["message"], "an id may not move with lines of the spec"


def test_records_that_share_a_key_stop_the_build(place):
    change(place, "raw/forms/status.csv", "A1,DEATH,2030/12/1\n", "A1,DEATH,2030/12/1\nA1,DEATH,2030/12/1\n")
    done = build(place)
    assert done.returncode == 1 and "spec/sdtm/ds.yaml:3:7  DS: 1 record: the key STUDYID, USUBJID, DSSTDTC, DSTERM of an earlier record" in done.stderr


def test_shuffled_raw_records_give_the_same_findings(place):
    change(place, "raw/forms/status.csv", "2030/12/1", "2031/2/1")
    build(place)
    mill(place, "check", "--out", "out")
    first = json.loads((place / "out.check.json").read_text())["findings"]
    head, *rows = (place / "raw" / "forms" / "status.csv").read_text().splitlines()
    (place / "raw" / "forms" / "status.csv").write_text("\n".join([head, *rows[::-1]]) + "\n")
    build(place)
    mill(place, "check", "--out", "out")
    assert json.loads((place / "out.check.json").read_text())["findings"] == first
