"""What a build leaves behind: issues for people and programs, and one whole build whenever it is killed."""

import io
import json
import os
import random
import signal
import sys
import time
import zipfile
from datetime import datetime

import openpyxl
import pytest

import sdtm  # noqa: F401
from engine.errors import CommandError, DataError
from engine.run.publish import publish
from formats.xlsx_write import Sheet, xlsx_bytes
from trialmill.build import build_study
from trialmill.outputs import verify_outputs

CREATED = datetime(2031, 1, 1)
FILES = {
    "spec/study.yaml": """
study: TOY-7
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
identity: {subjects: enrol, USUBJID: {prefix: TOY-7-, first: enrol.NO}}
""",
    "spec/raw.yaml": 'carriers: {csv: {folder: forms, pattern: "{form}.csv"}}\ncommon: {NO: text}\nroles: {subject: NO}\n'
                     'formats: {date: "YYYY/M/D"}\n',
    "spec/sdtm/ds.yaml": """
dataset: DS
keys: [STUDYID, USUBJID, DSSTDTC, DSTERM]
records: {each: status}
variables:
  DSTERM: {copy: status.WHAT, missing: blocking}
  DSDECOD: {set: COMPLETED}
  DSCAT: {set: DISPOSITION EVENT}
  DSSTDTC: {iso8601: status.DAY, missing: query}
  EPOCH: {not_collected: this study has no elements}
  DSSTDY: {not_collected: no reference date in this study}
  DSSEQ: {sequence: keys}
""",
    "spec/adam/adsl.yaml": """
dataset: ADSL
label: Subject-Level Analysis Dataset
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  ARM: {copy: enrol.ARM, label: Description of Planned Arm, type: Char, missing: query}
""",
    "raw/forms/enrol.csv": "NO,ARM\nA1,Two\nB2,\n",
    "raw/forms/status.csv": "NO,WHAT,DAY\nB2,Ended,2030/3/9\nA1,=SUM(A1),\nA1,Ended,2031/1/1\n",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(place, *packages):
    return build_study(place / "spec", place / "raw", place / "out", packages)


def rows(content, sheet):
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [[c.value for c in row] for row in book[sheet].iter_rows()]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "a\x0bb"])
def test_no_text_of_the_data_becomes_a_formula(text):
    content = xlsx_bytes([Sheet("S", {"A": 10}, [[text]])], CREATED)
    cell = openpyxl.load_workbook(io.BytesIO(content))["S"]["A2"]
    assert cell.data_type == "s" and cell.value == text.replace("\x0b", "\\x0b")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert {m.date_time for m in archive.infolist()} == {(2031, 1, 1, 0, 0, 0)}


def test_a_build_writes_its_issues_for_people_beside_those_for_programs(place):
    build(place)
    listed = json.loads((place / "out" / "issues.json").read_text())
    book = (place / "out" / "issues.xlsx").read_bytes()
    assert len(listed) == 3 and {r[1] for r in rows(book, "Warnings")[1:]} == {i["id"] for i in listed}
    assert [r[2] for r in rows(book, "Warnings")[1:]] == [None, "TOY-7-A1", "TOY-7-B2"], "subject by subject"
    assert rows(book, "Counts")[2] == ["warning", "ADSL", "ARM", "no value, though one is needed", 1, 1, 1]


def test_issues_of_a_package_that_is_not_built_anew_are_kept(place):
    build(place)
    former = (place / "out" / "issues.json").read_bytes()
    assert any(i["dataset"] == "ADSL" for i in json.loads(former))
    build(place, "sdtm")
    assert (place / "out" / "issues.json").read_bytes() == former
    assert sorted(verify_outputs(place / "out")) == ["adam", "sdtm"]


def test_blocking_issues_are_listed_beside_the_outputs_for_people_too(place):
    path = place / "raw" / "forms" / "status.csv"
    path.write_text(path.read_text().replace("B2,Ended", "B2,"))
    with pytest.raises(DataError):
        build(place)
    assert rows((place / "out.issues.xlsx").read_bytes(), "Blocking")[1][2] == "TOY-7-B2"
    assert not (place / "out").exists()


def test_two_builds_into_one_folder_at_a_time_are_refused(tmp_path):
    out = tmp_path / "out"

    def make(folder):
        (folder / "a").write_text("1")
        with pytest.raises(CommandError, match="another build is writing there"):
            publish(out, lambda _: None)

    publish(out, make)
    assert [p.name for p in tmp_path.iterdir()] == ["out"] and (out / "a").read_text() == "1"


def variant(place, number):
    text = FILES["raw/forms/enrol.csv"].replace("Two", f"Arm {number}")
    (place / "raw" / "forms" / "enrol.csv").write_text(text, encoding="utf-8")


def killed(place, wait):
    """Build in a process of its own and kill it after a while."""
    child = os.fork()
    if child == 0:
        os.close(1)
        os.close(2)
        build(place)
        os._exit(0)
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork there")
def test_a_build_killed_at_any_moment_leaves_the_former_or_the_new_one_whole(place):
    variant(place, 0)
    build(place)
    start = time.perf_counter()
    build(place)
    whole = time.perf_counter() - start
    contents = {(place / "out" / "adam" / "adsl.xpt").read_bytes()}
    chance, seen, wait = random.Random(7), set(), whole
    for number in range(1, 17):
        variant(place, number)
        killed(place, chance.uniform(0.8, 1.2) * wait)
        files = verify_outputs(place / "out")
        assert [f.name for f in files["sdtm"]] == ["ds.xpt"] and [f.name for f in files["adam"]] == ["adsl.xpt"]
        content = files["adam"][0].read_bytes()
        published = content not in contents
        wait *= 0.75 if published else 1.3  # so that the kills fall around the moment of publishing
        seen.add(published)
        contents.add(content)
    assert seen == {True, False}, "some builds were killed too early, some were published"
    variant(place, 99)
    build(place)
    assert sorted(p.name for p in place.iterdir()) == ["out", "raw", "spec"], "leftovers are cleared by the next build"
