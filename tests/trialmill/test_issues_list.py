"""The issues list as people use it: where a value was entered, what to ask, what changed since the last list."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

import sdtm  # noqa: F401
from engine.errors import DataError
from trialmill.build import build_study

ROOT = Path(__file__).resolve().parents[2]
STATUS = """NO,VISIT,REC,WHAT,DAY
B2,V2,1,Ended,2030/3/9
A1,V1,1,Lost,
A1,V2,2,Fell ill,2031/1/1
A1,V1,3,=1+1,2031/2/1
"""
FILES = {
    "spec/study.yaml": """
study: TOY-7
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
identity: {subjects: enrol, USUBJID: {prefix: TOY-7-, first: enrol.NO}}
""",
    "spec/raw.yaml": """
carriers: {csv: {folder: forms, pattern: "{form}.csv"}, xlsx: {file: forms.xlsx}}
common: {NO: text, VISIT: text, REC: number}
roles: {subject: NO, visit: VISIT, record: REC}
formats: {date: "YYYY/M/D"}
vendors:
  calls: {files: calls.csv, subject: NO, keys: [NO, CALL], columns: {NO: text, CALL: text, ABOUT: text}}
  words: {files: coding/words.csv, columns: {VERBATIM: text, TERM: text}}
""",
    "spec/forms.yaml": """
visits: {V1: First Visit, V2: Second Visit}
forms:
  enrol: {name: Enrolment, oid: enrol, items: {ARM: {type: text, prompt: Planned arm}}}
  status:
    name: End of Study
    oid: status
    items:
      WHAT: {type: text, prompt: What happened}
      DAY: {type: date, prompt: Date of the end}
""",
    "spec/sdtm/ds.yaml": """
dataset: DS
keys: [STUDYID, USUBJID, DSSTDTC, DSTERM, DSSEQ]
records: {each: status, every_one_of: {source: calls, match: {ABOUT: status.WHAT}, lost: no status is what was called about}}
checks:
  - expect: "DSTERM != 'Lost'"
    says: the subject is lost and nobody says when last seen
    found: DSTERM
    ask: When was the subject last seen?
variables:
  DSTERM: {copy: status.WHAT, missing: blocking}
  DSDECOD: {set: COMPLETED}
  _TERM: {look_up: DSTERM, in: words, match: VERBATIM, give: TERM, type: Char}
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
  ENDDT: {latest_date: [DS.DSSTDTC], label: Date of End, type: Num, format: DATE9.}
""",
    "raw/forms/enrol.csv": "NO,VISIT,REC,ARM\nA1,V1,1,Two\nB2,V1,1,\n",
    "raw/forms/status.csv": STATUS,
    "raw/calls.csv": "NO,CALL,ABOUT\nA1,7,Lost\nB2,8,Moved\n",
    "raw/coding/words.csv": "VERBATIM,TERM\nEnded,COMPLETED\nLost,LOST TO FOLLOW-UP\n=1+1,OTHER\n",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(*packages, out="out", carrier=None):
    import adam  # noqa: F401, PLC0415  registers latest_date

    return build_study(Path("spec"), Path("raw"), Path(out), packages, carrier=carrier)


def issues(path="out/issues.json"):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sheets(path="out/issues.xlsx"):
    """Sheet -> its rows below the header, as dictionaries."""
    book = openpyxl.load_workbook(io.BytesIO(Path(path).read_bytes()))
    read = {}
    for sheet in book:
        head, *rows = [[c.value for c in row] for row in sheet.iter_rows()]
        read[sheet.title] = [dict(zip(head, row, strict=True)) for row in rows]
    return read


def status(text):
    Path("raw/forms/status.csv").write_text(text, encoding="utf-8")


PAGE = ["Subject", "Form or file", "Visit", "Field", "Entered", "What is wrong", "Question to the site"]
NO_MANIFEST = (None, None, None, None, None, "the export has no manifest: a cut file cannot be told", None)
WARNINGS = [
    ("TOY-7-A1", "status End of Study", "V1 First Visit", "WHAT What happened", "Lost",
     'the subject is lost and nobody says when last seen: "Lost"', "When was the subject last seen?"),
    ("TOY-7-A1", "status End of Study", "V1 First Visit", "DAY Date of the end", "(blank)",
     "no value, though one is needed", "Please give Date of the end (DAY), or confirm that it is not known."),
    ("TOY-7-A1", "status End of Study", "V2 Second Visit", "WHAT What happened", "Fell ill",
     'not found in coding/words.csv: "Fell ill"',
     "For whoever keeps coding/words.csv: please add this value; ask the site only if it is not clear."),
    ("TOY-7-B2", "enrol Enrolment", "V1 First Visit", "ARM Planned arm", "(blank)",
     "no value, though one is needed", "Please give Planned arm (ARM), or confirm that it is not known."),
    ("TOY-7-B2", "calls.csv", None, "ABOUT", "Moved", 'no status is what was called about: "Moved"',
     'For the sender of calls.csv: please check ABOUT "Moved" and correct what is wrong, or confirm that it is right.'),
]  # fmt: skip


def test_the_workbook_shows_page_visit_field_and_what_was_entered_with_a_question(place):
    build()
    read = sheets()
    assert list(read) == ["Blocking", "Warnings", "Gone", "Counts"] and not read["Blocking"] and not read["Gone"]
    assert [tuple(row[c] for c in PAGE) for row in read["Warnings"]] == [NO_MANIFEST, *WARNINGS]
    lost = read["Warnings"][1]
    assert lost["Status"] == "new" and lost["Raw file and line"] == "forms/status.csv line 3"
    assert (lost["Dataset"], lost["Variable"], lost["Record key"]) == ("DS", "DSTERM", "DSTERM Lost, DSSEQ 1")


def test_what_the_spec_does_not_lead_to_a_field_stays_blank(place):
    spec = Path("spec/adam/adsl.yaml")
    spec.write_text(spec.read_text().replace("format: DATE9.", "format: DATE9., missing: query"))
    status(STATUS.replace("2030/3/9", ""))
    build()
    (issue,) = [i for i in issues() if i["variable"] == "ENDDT"]
    assert (issue["fields"], issue["form"], issue["visit"], issue["question"]) == ({}, "", "", "")


def test_a_value_that_begins_like_a_formula_stays_text(place):
    status(STATUS.replace("=1+1,2031/2/1", "=1+1,"))
    build()
    book = openpyxl.load_workbook("out/issues.xlsx")
    cells = [c for row in book["Warnings"].iter_rows() for c in row if str(c.value).startswith("=")]
    assert all(c.data_type == "s" for row in book["Warnings"].iter_rows() for c in row if c.value is not None)
    assert not cells or all(c.data_type == "s" for c in cells)
    status(STATUS.replace("=1+1,", "=2+2,"))
    build()
    (cell,) = [c for row in openpyxl.load_workbook("out/issues.xlsx")["Warnings"].iter_rows() for c in row if c.value == "=2+2"]
    assert cell.data_type == "s" and cell.quotePrefix


def ids():
    return {i["id"]: (i["subject"], i["variable"], i["message"]) for i in issues()}


def test_shuffled_records_and_another_carrier_give_the_same_ids(place):
    build()
    first, lines = ids(), {i["id"]: i["source"] for i in issues()}
    head, *rows = STATUS.splitlines()
    status("\n".join([head, *rows[::-1]]) + "\n")
    build(out="shuffled")
    assert {i["id"] for i in issues("shuffled/issues.json")} == set(first)
    assert {i["id"]: i["source"] for i in issues("shuffled/issues.json")} != lines, "the lines moved"
    book = openpyxl.Workbook()
    book.remove(book.active)
    for form in ("enrol", "status"):
        sheet = book.create_sheet(form)
        for line in FILES[f"raw/forms/{form}.csv"].splitlines():
            sheet.append([v if v else None for v in line.split(",")])
    for row in book["status"].iter_rows():
        for cell in row:
            cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type
    book.save("raw/forms.xlsx")
    build(out="xlsx", carrier="xlsx")
    assert {i["id"] for i in issues("xlsx/issues.json")} == set(first)
    assert all("forms.xlsx" in i["source"] for i in issues("xlsx/issues.json") if i["form"] == "status")


def test_another_record_before_it_does_not_change_the_id_of_an_issue(place):
    build()
    first = ids()
    status(STATUS + "A1,V1,4,Aa,2029/1/1\n")
    words = Path("raw/coding/words.csv")
    words.write_text(words.read_text() + "Aa,OTHER\n")
    build()
    assert ids() == first, "DSSEQ moved, the issue is the same"


def test_records_that_nothing_tells_apart_are_numbered_by_their_content(place):
    status(STATUS + "A1,V2,4,Lost,\n")
    build()
    lost = [i for i in issues() if i["variable"] == "DSSTDTC"]
    assert len({i["id"] for i in lost}) == 2 and [i["message"] for i in lost] == [lost[0]["message"]] * 2
    of_visit = {i["visit"]: i["id"] for i in lost}
    head, *rows = (STATUS + "A1,V2,4,Lost,\n").splitlines()
    status("\n".join([head, *rows[::-1]]) + "\n")
    build()
    assert {i["visit"]: i["id"] for i in issues() if i["variable"] == "DSSTDTC"} == of_visit


def test_one_package_after_the_other_lists_what_both_together_list(place):
    build("sdtm", "adam")
    build("sdtm", out="apart")
    build("adam", out="apart")
    assert Path("apart/issues.json").read_bytes() == Path("out/issues.json").read_bytes()
    build("adam", out="alone")
    alone = {i["id"]: i["key"] for i in issues("alone/issues.json")}
    together = {i["id"]: i["key"] for i in issues()}
    assert alone == {name: key for name, key in together.items() if name in alone}, "keys are whole in any build"


def test_the_same_input_gives_the_same_bytes_and_a_rerun_says_that_all_is_still_open(place):
    first = build()
    build(out="other")
    for name in ("issues.json", "issues.xlsx", "issues_changes.json"):
        assert Path("out", name).read_bytes() == Path("other", name).read_bytes()
    before = Path("out/issues.json").read_bytes()
    again = build()
    assert Path("out/issues.json").read_bytes() == before, "the list itself knows no former build"
    assert {r["Status"] for r in sheets()["Warnings"]} == {"still open"}
    assert first.told() == "2 datasets, 6 warnings" and again.told() == "2 datasets, 6 warnings (6 still open)"


def test_the_workbook_opens_on_the_first_sheet_that_has_rows(place):
    build()
    book = openpyxl.load_workbook("out/issues.xlsx")
    assert book["Blocking"].max_row == 1 and book.active.title == "Warnings"


def test_what_came_and_what_went_since_the_last_list_is_told(place):
    build()
    status(STATUS.replace("Lost,", "Lost,2031/5/5").replace("=1+1", "Away"))
    assert build().told() == "2 datasets, 6 warnings (2 new, 4 still open), 2 gone"
    read = sheets()
    assert [(r["Field"], r["Status"]) for r in read["Gone"]] == [
        ("WHAT What happened", "gone"), ("DAY Date of the end", "gone")]
    new = {r["Entered"] for r in read["Warnings"] if r["Status"] == "new"}
    assert new == {"Lost", "Away"}, "the record of Lost has another key now"
    told = json.loads(Path("out/issues_changes.json").read_text())
    assert [len(told[k]) for k in ("new", "still open", "gone", "not looked at")] == [2, 4, 2, 0]
    journal = json.loads(Path("out/journal.jsonl").read_text().splitlines()[-1])
    assert journal["issue changes"] == {"new": 2, "still open": 4, "gone": 2, "not looked at": 0}


def test_one_warning_is_not_called_warnings(place):
    status("NO,VISIT,REC,WHAT,DAY\nB2,V2,1,Ended,2030/3/9\nA1,V1,1,Ended,2030/3/1\n")
    Path("raw/calls.csv").write_text("NO,CALL,ABOUT\n")
    assert build("sdtm").told() == "1 dataset, 1 warning"


def test_a_blocked_build_names_the_kinds_and_where_its_list_is_and_compares_with_the_last(place):
    build()
    lines = [f"A1,V1,{n},,2031/2/1" for n in range(10, 60)]
    status(STATUS.replace("Lost", "Away") + "\n".join(lines) + "\n")
    with pytest.raises(DataError) as stopped:
        build()
    said = [str(p) for p in stopped.value.problems]
    assert len(said) == 2 and said[0].startswith("DS.DSTERM: 50 records: no value, though one is needed")
    assert "first TOY-7-A1" in said[0] and "from forms/status.csv line 6" in said[0]
    assert said[1].startswith("50 blocking issues of 1 kind; nothing was published")
    assert "out.issues.xlsx and out.issues.json" in said[1]
    read = sheets("out.issues.xlsx")
    assert len(read["Blocking"]) == 50 and {r["Status"] for r in read["Blocking"]} == {"new"}
    assert read["Blocking"][0]["Field"] == "WHAT What happened" and read["Blocking"][0]["Entered"] == "(blank)"
    assert "Lost" in {r["Entered"] for r in read["Gone"]}
    status(STATUS.replace("Lost", "Away"))
    done = build()
    assert done.gone == 100, "of the list of the blocked build: 50 without a term, for which the check does not hold either"
    assert not Path("out.issues.json").exists() and not Path("out.issues_changes.json").exists()


def test_no_more_kinds_are_printed_than_a_screen_holds(place):
    spec = Path("spec/sdtm/ds.yaml")
    checks = "".join(f'  - {{expect: "DSTERM == \'x\'", says: "claim number {n:02} does not hold", severity: blocking}}\n'
                     for n in range(30))
    spec.write_text(spec.read_text().replace("checks:\n", f"checks:\n{checks}"))
    with pytest.raises(DataError) as stopped:
        build()
    assert len(stopped.value.problems) == 21
    assert str(stopped.value.problems[-1]).startswith("120 blocking issues of 30 kinds, 20 of them shown; nothing was")


def test_what_a_blocked_build_did_not_reach_is_not_gone_and_is_compared_again(place):
    build()
    words = Path("raw/coding/words.csv")
    words.write_text(FILES["raw/coding/words.csv"] + "Ended,DEATH\n")
    with pytest.raises(DataError, match="gives several values of TERM"):
        build("sdtm")
    told = json.loads(Path("out.issues_changes.json").read_text())
    assert [r["variable"] for r in told["not looked at"]] == ["_TERM"] and not told["gone"]
    assert [r["Entered"] for r in sheets("out.issues.xlsx")["Not looked at"]] == ["Fell ill"]
    words.write_text(FILES["raw/coding/words.csv"])
    assert build().told() == "2 datasets, 6 warnings (6 still open), 1 gone", "only what blocked is gone"


def test_a_study_without_export_and_simulator_says_that_raw_is_missing(place):
    done = subprocess.run(
        [sys.executable, "-m", "trialmill", "simulate", "--study", "spec", "--out", "nowhere"],
        cwd=place, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2 and "raw export, which is missing:  make ... RAW=FOLDER" in done.stderr
