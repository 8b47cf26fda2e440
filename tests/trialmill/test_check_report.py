"""The one report of a check from end to end: decisions carried from run to run, what is new and gone, page and workbook."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.errors import FileError, SpecError
from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt
from trialmill.build import build_study
from trialmill.check import check_study
from trialmill.check_back import take_dispositions

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
study: TOY-7
title: A study of <b>titles</b>
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}}
settings: {DCUTDT: 2030-12-31}
identity: {subjects: enrol, USUBJID: {prefix: TOY-7-, first: enrol.NUMBER}}
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
  DSTERM: {copy: status.WHAT, length: 60}
  DSDECOD: {copy: status.HOW, length: 60}
  DSCAT: {set: DISPOSITION EVENT}
  DSSTDTC: {iso8601: status.DATE}
  DSSTDY: {not_collected: no reference date in this study}
  DSSEQ: {sequence: keys}
"""
CHECKS = """
rules:
  T1:
    title: Whoever completed did so before the cut-off
    checks: [{each: DS, holds: "first_day(DSSTDTC) <= date(study.DCUTDT)", says: "dated {DSSTDTC}"}]
"""
FILES = {
    "spec/study.yaml": STUDY,
    "spec/raw.yaml": RAW,
    "spec/checks.yaml": CHECKS,
    "spec/sdtm/ds.yaml": DS,
    "raw/forms/enrol.csv": "NUMBER\nA1\nB2\nC3\n",
    "raw/forms/status.csv": "NUMBER,WHAT,HOW,DATE\nB2,Done,COMPLETED,2030/3/9\nA1,Dead,DEATH,2030/12/1\nC3,Dead,DEATH,2030/12/2\n",
}
HOSTILE = '<img src=x onerror="document.title=1">'
FORMULA = '=HYPERLINK("http://x")'
ALL_BAD = {"DSDECOD": [HOSTILE, FORMULA, FORMULA], "DSSTDTC": ["2030-03-09", "2031-02-01", "2031-02-02"]}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The study, built without a fault."""
    folder = tmp_path_factory.mktemp("toy")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    build_study(folder / "spec", folder / "raw", folder / "out", [])
    return folder


@pytest.fixture
def place(clean, tmp_path, monkeypatch):
    """A copy of it to work in."""
    shutil.copytree(clean, tmp_path / "toy")
    monkeypatch.chdir(tmp_path / "toy")
    return tmp_path / "toy"


def corrupt(**changes):
    """Put other values into DS as it was published, and let the journal say that the build wrote them."""
    path, journal = Path("out/sdtm/ds.xpt"), Path("out/journal.jsonl")
    frame, meta = read_xpt(path)
    for name, values in changes.items():
        frame[name] = values
    path.unlink()
    write_xpt(path, frame, meta, datetime(2031, 1, 1))
    entry = json.loads(journal.read_text())
    for output in entry["outputs"]:
        if output["file"] == "sdtm/ds.xpt":
            output["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    journal.write_text(json.dumps(entry) + "\n")


def check():
    return check_study(Path("spec"), Path("out"))


def causes(made):
    return {(c.rule, c.value): c for c in made.report.causes}


def mill(*words):
    command = [sys.executable, "-m", "trialmill", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def fill(path, answers):
    """A reviewer fills the sheet of causes: id to disposition and comment."""
    book = openpyxl.load_workbook(path)
    sheet = book["Causes"]
    head = {c.value: c.column for c in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        word, comment = answers.get(sheet.cell(row, head["Id"]).value, (None, None))
        if word is not None:
            sheet.cell(row, head["Disposition"]).value = word
            sheet.cell(row, head["Comment"]).value = comment
    book.save("filled.xlsx")
    return Path("filled.xlsx")


# -- the verdict, and what the main file holds


def test_a_clean_build_says_so_and_names_what_was_not_run(place):
    made = check()
    assert made.report.clean and made.report.verdict() == "Clean: nothing was found. Not run: CORE."
    assert [p.name for p in made.files] == ["out.check.html", "out.check.xlsx", "out.check.json"]


def test_the_report_for_programs_knows_nothing_of_former_reports(place):
    corrupt(**ALL_BAD)
    check()
    first, page = Path("out.check.json").read_bytes(), Path("out.check.html").read_bytes()
    check()
    assert Path("out.check.json").read_bytes() == first
    assert Path("out.check.html").read_bytes() != page, "the page says that causes are still there"
    check()
    assert Path("out.check.json").read_bytes() == first
    listed = json.loads(first)
    ids = {c["id"] for c in listed["causes"]}
    assert {f["cause"] for f in listed["findings"]} == ids and len(ids) == 3


# -- new, still there, gone


def test_new_still_there_and_gone_are_told_against_the_last_report(place):
    corrupt(DSSTDTC=["2030-03-09", "2031-02-01", "2031-02-02"])
    one = check()
    assert one.changes.told() == "No earlier report to compare with."
    corrupt(DSDECOD=["COMPLETED", "DEATHS", "DEATHS"])
    two = check()
    assert two.changes.told() == "Since the last report: 1 new, 1 still there, 0 gone."
    corrupt(DSSTDTC=["2030-03-09"] * 3, DSTERM=["a", "b", "c"])
    three = check()
    assert [row["rule"] for row in three.changes.gone] == ["T1"]
    assert json.loads(Path("out.check_changes.json").read_text())["gone"][0]["id"] == causes(one)[("T1", "")].id
    assert "Gone since the last report" in Path("out.check.html").read_text()
    assert "Gone" in openpyxl.load_workbook("out.check.xlsx").sheetnames


def test_a_cause_that_was_not_looked_for_is_not_gone_and_is_compared_again(place):
    corrupt(DSSTDTC=["2030-03-09", "2031-02-01", "2031-02-02"])
    check()
    listed = json.loads(Path("out.check.json").read_text())
    listed["causes"].append({**listed["causes"][0], "id": "C0000000AA", "source": "CORE", "rule": "CORE-000001"})
    Path("out.check.json").write_text(json.dumps(listed))
    for _ in range(2):
        made = check()
        assert [row["rule"] for row in made.changes.unseen] == ["CORE-000001"] and made.changes.gone == []
    assert "Not looked at this time" in Path("out.check.html").read_text()


def test_a_damaged_report_is_refused(place):
    Path("out.check.json").write_text('{"study": "TOY-7", "causes": [{"id": 1}]}')
    with pytest.raises(FileError, match="the last report is damaged"):
        check()


# -- decisions


def test_decisions_in_the_workbook_go_into_the_study_and_are_carried_from_run_to_run(place):
    corrupt(**ALL_BAD)
    found = causes(check())
    late, bad, formula = found[("T1", "")], found[("codelist", HOSTILE)], found[("codelist", FORMULA)]
    answers = {late.id: ("explained", "the cut-off moved"), bad.id: ("To fix", "map it"), formula.id: ("query", "ask: 1 + 1?")}
    path = fill("out.check.xlsx", answers)
    fingerprint = check().report and json.loads(Path("out.check.json").read_text())["specs"]
    done = mill("check", "--study", "spec", "--out", "out", "--dispositions", str(path))
    assert done.returncode == 1 and "3 dispositions taken" in done.stdout, done.stdout + done.stderr
    assert "Not clean: 2 of 3 causes not explained" in done.stdout
    text = Path("spec/dispositions.yaml").read_text()
    assert f"{late.id}: {{rule: T1, on: DS.DSSTDTC, disposition: explained, comment: the cut-off moved, records: 2}}" in text
    listed = json.loads(Path("out.check.json").read_text())
    assert {c["id"]: (c["decided"], c["comment"]) for c in listed["causes"]} == {
        late.id: ("explained", "the cut-off moved"),
        bad.id: ("to fix", "map it"),
        formula.id: ("query", "ask: 1 + 1?"),
    }
    assert listed["specs"] == fingerprint, "a decision makes no dataset stale"
    assert mill("lint", "--study", "spec").returncode == 0
    again = mill("check", "--study", "spec", "--out", "out", "--dispositions", str(path))
    assert "0 dispositions taken" in again.stdout and Path("spec/dispositions.yaml").read_text() == text


def test_when_all_is_explained_the_status_is_0_until_there_are_more_records(place):
    corrupt(DSSTDTC=["2030-03-09", "2031-02-01", "2030-02-02"])
    (late,) = check().report.causes
    take_dispositions(Path("spec"), fill("out.check.xlsx", {late.id: ("explained", "known")}))
    assert mill("check", "--study", "spec", "--out", "out").returncode == 0
    corrupt(DSSTDTC=["2030-03-09", "2031-02-01", "2031-02-02"])
    made = check()
    (more,) = made.report.causes
    assert more.id == late.id and not made.report.clean and more.note == "explained for 1, now 2: decide again"


@pytest.mark.parametrize(
    ("word", "comment", "says"),
    [
        ("done", "x", "no such disposition"),
        ("", "x", "a comment without a disposition"),
        ("explained", "", "explained without a comment"),
    ],
)
def test_an_answer_that_cannot_be_taken_refuses_the_workbook_with_its_row(place, word, comment, says):
    corrupt(**ALL_BAD)
    one, two, _ = check().report.causes
    path = fill("out.check.xlsx", {one.id: (word, comment), two.id: ("query", "good")})
    with pytest.raises(FileError, match=says) as error:
        take_dispositions(Path("spec"), path)
    assert "filled.xlsx sheet Causes row 2" in str(error.value) and not Path("spec/dispositions.yaml").exists()


def test_what_was_decided_otherwise_in_the_file_meanwhile_is_a_conflict_and_unchanged_rows_are_not_taken(place):
    corrupt(**ALL_BAD)
    one, two, _ = check().report.causes
    Path("spec/dispositions.yaml").write_text(f"dispositions:\n  {one.id}: {{disposition: to fix, comment: mine}}\n")
    with pytest.raises(FileError, match="decided otherwise since the workbook was written"):
        take_dispositions(Path("spec"), fill("out.check.xlsx", {one.id: ("query", "yours")}))
    says = take_dispositions(Path("spec"), fill("out.check.xlsx", {two.id: ("query", "ask")}))
    assert len(says) == 1 and f"{one.id}: {{disposition: to fix, comment: mine}}" in Path("spec/dispositions.yaml").read_text()


def test_a_workbook_of_another_study_or_no_report_is_refused(place):
    corrupt(**ALL_BAD)
    check()
    book = openpyxl.load_workbook("out.check.xlsx")
    book["Summary"]["B2"] = "OTHER"
    book.save("other.xlsx")
    with pytest.raises(FileError, match="of another study"):
        take_dispositions(Path("spec"), Path("other.xlsx"))
    with pytest.raises(FileError, match="no such workbook"):
        take_dispositions(Path("spec"), Path("none.xlsx"))
    Path("text.xlsx").write_text("no")
    with pytest.raises(FileError, match="not a workbook"):
        take_dispositions(Path("spec"), Path("text.xlsx"))


def test_lint_reads_the_decisions(place):
    Path("spec/dispositions.yaml").write_text("dispositions:\n  C0000000AA: {disposition: fixed}\n")
    done = mill("lint", "--study", "spec")
    assert done.returncode == 2 and "spec/dispositions.yaml:2" in done.stdout
    with pytest.raises(SpecError):
        check()


# -- the workbook and the page


def test_formulas_in_the_data_are_texts_in_the_workbook(place):
    corrupt(**ALL_BAD)
    check()
    book = openpyxl.load_workbook("out.check.xlsx")
    assert book.sheetnames == ["Summary", "Causes", "Records", "Rules"]
    found = [c for sheet in book for row in sheet.iter_rows() for c in row if str(c.value or "").startswith("=")]
    assert found and {c.data_type for c in found} == {"s"}
    head = [c.value for c in book["Causes"][1]]
    assert {"Id", "Disposition", "Comment", "Spec", "What to do", "Subjects"} <= set(head)


def test_values_are_escaped_on_the_page_and_only_its_own_script_may_run(place):
    corrupt(**ALL_BAD)
    check()
    page = Path("out.check.html").read_text()
    assert HOSTILE not in page and "&lt;img src=x onerror=" in page and "&lt;b&gt;titles&lt;/b&gt;" in page
    assert page.count("<script>") == 1 and "default-src 'none'" in page and "script-src 'sha256-" in page
    assert "http" not in page.replace("http://x", "").replace("http-equiv", ""), "nothing is fetched"


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browser = pytest.mark.skipif(BROWSER is None, reason="no chromium to open the page with")


def opened(*words, address="out.check.html"):
    base = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=profile", "--window-size=1200,1400"]
    url = f"file://{Path.cwd()}/{address}"
    return subprocess.run([*base, *words, url], capture_output=True, text=True, check=True, timeout=60).stdout


@browser
def test_a_browser_opens_the_page_filters_causes_and_runs_nothing_that_came_with_the_data(place):
    corrupt(**ALL_BAD)
    (late,) = [c for c in check().report.causes if c.rule == "T1"]
    Path("spec/dispositions.yaml").write_text(f"dispositions:\n  {late.id}: {{disposition: explained, comment: known}}\n")
    check()
    shown = opened("--dump-dom", address="out.check.html#decided=open")
    assert "<title>TOY-7: conformance report</title>" in shown, "the hostile value would have changed it"
    found = [line for line in shown.splitlines() if 'class="cause' in line]
    assert len(found) == 3 and [("hidden" in line) for line in found] == [('data-decided="explained"' in line) for line in found]
    assert '<span class="soft" id="count">2 of 3</span>' in shown
    opened("--screenshot=page.png")
    assert Path("page.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and Path("page.png").stat().st_size > 20_000
