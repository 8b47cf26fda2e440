"""The command check with CDISC CORE: a report that it wrote, and a command that runs it (here a stand-in)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
study: TOY-9
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}}
identity: {subjects: enrol, USUBJID: {prefix: TOY-9-, first: enrol.NUMBER}}
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
FILES = {
    "spec/study.yaml": STUDY,
    "spec/raw.yaml": RAW,
    "spec/sdtm/ds.yaml": DS,
    "raw/forms/enrol.csv": "NUMBER\nA1\nB2\n",
    "raw/forms/status.csv": "NUMBER,WHAT,DATE\nB2,COMPLETED,2030/3/9\nA1,DEATH,2030/12/1\n",
}
KNOWN = "explained:\n  - {rule: CORE-000034, dataset: DS, variable: DSSTDTC, reason: only the month is known}\n"
# a stand-in for CORE: counts the records of every dataset and finds one thing wrong
STAND_IN = """
import json, sys
from pathlib import Path
from formats.xpt_read import read_xpt
folder, standard, version, out = sys.argv[1:]
held = [{"filename": p.stem.upper(), "length": len(read_xpt(p)[0])} for p in sorted(Path(folder).glob("*.xpt"))]
issue = {"core_id": "CORE-000034", "message": "another date than DM says", "dataset": "DS", "USUBJID": "TOY-9-A1",
         "row": 1, "SEQ": 1, "variables": ["DSSTDTC"], "values": ["2030-12-01"]}
report = {
    "Conformance_Details": {"CORE_Engine_Version": "0", "Standard": standard.upper(), "Version": "V" + version},
    "Dataset_Details": held,
    "Issue_Details": [issue],
    "Rules_Report": [{"core_id": "CORE-000034", "status": "ISSUE REPORTED", "message": "m"},
                     {"core_id": "CORE-000035", "status": "SUCCESS", "message": "m"},
                     {"core_id": "CORE-000036", "status": "SKIPPED", "message": "m"}],
}
Path(out + ".json").write_text(json.dumps(report))
"""
COMMAND = f"{sys.executable} stand_in.py {{folder}} {{standard}} {{version}} {{out}}"


@pytest.fixture
def place(tmp_path):
    for name, text in {**FILES, "stand_in.py": STAND_IN}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert mill(tmp_path, "build", "--raw", "raw", "--out", "out").returncode == 0
    return tmp_path


def mill(place, command, *more, **env):
    words = [sys.executable, "-m", "trialmill", command, "--study", "spec", *more]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(words, cwd=place, capture_output=True, text=True, check=False, env=env)


def written(place, **changes):
    """A report of the stand-in, with changes to its parts."""
    script = [sys.executable, "stand_in.py", str(place / "out" / "sdtm"), "sdtmig", "3.4", "report"]
    subprocess.run(script, cwd=place, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    content = json.loads((place / "report.json").read_text()) | changes
    (place / "report.json").write_text(json.dumps(content))
    return "report.json"


def test_a_finding_of_core_that_nothing_explains_gives_status_1(place):
    done = mill(place, "check", "--out", "out", "--core-report", written(place))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "CORE-000034  error  DS.DSSTDTC: 1 record of 1 subject: another date than DM says" in done.stdout
    assert "  TOY-9-A1, record 1: DSSTDTC 2030-12-01" in done.stdout
    assert "1 rules: " not in done.stdout and "3 rules: 1 passed, 1 with findings, 0 not run, 1 skipped" in done.stdout


def test_an_explained_finding_of_core_gives_status_0_and_is_listed(place):
    (place / "spec" / "explained.yaml").write_text(KNOWN)
    done = mill(place, "check", "--out", "out", "--core-report", written(place))
    assert done.returncode == 0, done.stdout + done.stderr
    listed = json.loads((place / "out.check.json").read_text())
    assert [(c["rule"], c["decided"], c["comment"]) for c in listed["causes"]] == [
        ("CORE-000034", "explained", "only the month is known")
    ]
    states = {r["rule"]: r["state"] for r in listed["rules"] if r["source"] == "CORE"}
    assert states == {"CORE-000034": "findings", "CORE-000035": "passed", "CORE-000036": "skipped"}


def test_a_configured_command_is_run_on_the_published_datasets(place):
    by_option = mill(place, "check", "--out", "out", "--core", COMMAND)
    assert by_option.returncode == 1 and "CORE-000034  error" in by_option.stdout, by_option.stderr
    by_setting = mill(place, "check", "--out", "out", TRIALMILL_CORE=COMMAND)
    assert by_setting.stdout.replace("still there", "new").split("Since")[0] == by_option.stdout.split("No earlier")[0]


def test_without_a_report_or_command_core_is_said_not_to_have_run_and_never_looks_like_passed(place):
    done = mill(place, "check", "--out", "out")
    assert done.returncode == 0 and "CORE:           not run - no command configured" in done.stdout
    assert "Clean: nothing was found. Not run: CORE." in done.stdout
    listed = json.loads((place / "out.check.json").read_text())
    assert [(r["state"], r["why"]) for r in listed["rules"] if r["source"] == "CORE"] == [("not run", "no command configured")]
    page = (place / "out.check.html").read_text()
    assert '<span class="state notrun">not run - no command configured</span>' in page


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Dataset_Details": [{"filename": "DS", "length": 3}]}, "DS: 3 records in the report, 2 published"),
        ({"Dataset_Details": []}, "DS: the report has no such dataset"),
        (
            {"Dataset_Details": [{"filename": "DS", "length": 2}, {"filename": "AE", "length": 1}]},
            "AE: the published package has no such dataset",
        ),
        ({"Conformance_Details": {"Standard": "SDTMIG", "Version": "V3.3"}}, "is about sdtmig 3.3"),
        ({"Conformance_Details": {"Standard": "ADAMIG", "Version": "V1.3"}}, "is about adamig 1.3"),
    ],
)
def test_a_report_of_other_datasets_is_refused_with_status_2(place, changes, says):
    done = mill(place, "check", "--out", "out", "--core-report", written(place, **changes))
    assert done.returncode == 2 and says in done.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("core {folder}", "a place is unknown or missing"),
        ("core {folder} {out} {when}", "a place is unknown or missing"),
        ("core '{folder} {out}", "--core: No closing quotation"),
        ("no-such-command {folder} {out}", "cannot run no-such-command"),
        (f"{sys.executable} -c 'import sys; sys.exit(3)' {{folder}} {{out}}", "CORE failed: exit status 3"),
        (f"{sys.executable} -c pass {{folder}} {{out}}", "CORE failed: no file {out}.json"),
    ],
)
def test_a_command_that_cannot_be_run_is_an_error_with_status_2(place, command, says):
    done = mill(place, "check", "--out", "out", "--core", command)
    assert done.returncode == 2 and says in done.stderr, done.stdout + done.stderr


def test_lint_reads_the_explanations(place):
    (place / "spec" / "explained.yaml").write_text(KNOWN.replace("DSSTDTC", "DSTDTC"))
    done = mill(place, "lint")
    told = done.stdout + done.stderr
    assert done.returncode == 2 and 'spec/explained.yaml:2:48  CORE-000034: no dataset has a variable "DSTDTC"' in told
