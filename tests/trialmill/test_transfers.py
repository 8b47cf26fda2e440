"""compare of two raw exports: what the site changed, and what moves because of it; everything, and nothing else."""

import json
import shutil

import openpyxl
import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from edc.export import read_export
from edc.transfers import compare_transfers
from engine.errors import CommandError
from engine.spec.study import load_study
from trialmill.transfer_command import compare_exports
from trialmill.transfer_reports import as_data, page, told
from trialmill.transfers import transfers

from .test_explain import FILES

RAW = """
carriers: {csv: {folder: forms, pattern: "{form}.csv"}}
common: {NO: text, LINE: number, STATUS: text}
roles: {subject: NO, record: LINE, status: STATUS}
formats: {date: "YYYY/M/D"}
vendors:
  words: {files: words.csv, columns: {TERM: text, PT: text}, keys: [TERM]}
  lab: {files: lab_*.csv, subject: NO, keys: [NO, TUBE, TEST], file_column: FILE,
        columns: {FILE: text, NO: text, TUBE: text, TEST: text, RESULT: text, LOADED: text}}
"""
AE = (
    "NO,LINE,STATUS,Event Term,START,SER\n"
    "A1,1,ACTIVE,Rash,2030/3/9,Y\n"
    "A1,2,ACTIVE,Cough,2030/2/1,\n"
    "A1,3,ACTIVE,Fever,2030/4/2,N\n"
    "A1,4,ACTIVE,Headache,2030/4/7,N\n"
    "B2,1,ACTIVE,Rash,2030/5/5,\n"
)
WORDS = "TERM,PT\nCough,Cough\nRash,Rash\nFever,Pyrexia\nHeadache,Headache\nItching,Pruritus\n"
LAB = "NO,TUBE,TEST,RESULT,LOADED\nA1,T1,HGB,90,d1\nA1,T2,HGB,84,d1\nB2,T3,HGB,70,d1\n"
OWN = FILES | {
    "spec/raw.yaml": RAW,
    "spec/adam/res.yaml": """
dataset: RES
label: Results
structure: BDS
keys: [STUDYID, USUBJID, TUBE]
records: {each: lab}
variables:
  TUBE:  {copy: lab.TUBE, label: Tube, type: Char}
  AVAL:  {copy: lab.RESULT, type: Num}
  LOW:   {lowest: RES.AVAL, label: Lowest, type: Num}
""",
    "raw/forms/ae.csv": AE,
    "raw/forms/enrol.csv": "NO,LINE,STATUS\nA1,1,ACTIVE\nB2,1,ACTIVE\nC3,1,ACTIVE\n",
    "raw/words.csv": WORDS,
    "raw/lab_1.csv": LAB,
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name, text in OWN.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    shutil.copytree(tmp_path / "raw", tmp_path / "next")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(place, name, *pairs):
    path = place / "next" / name
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def compared(place):
    return transfers(place / "spec", place / "raw", place / "next")


def raw(found):
    return [(c.kind, c.source, c.subject, c.key, *c.fields) for c in found.raw.changes]


def moved(found):
    return {(m.dataset, m.kind, m.subject.removeprefix("TOY-7-"), m.variable, m.before, m.after, tuple(m.causes))
            for m in found.moves}


def test_equal_transfers_are_the_same(place):
    found = compared(place)
    assert (found.status, raw(found), found.moves) == (0, [], [])
    assert list(told(as_data(found)))[1] == "the two transfers hold the same records"


def test_records_in_another_order_or_file_are_the_same(place):
    lines = LAB.splitlines()
    (place / "next" / "lab_1.csv").unlink()
    (place / "next" / "lab_9.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n", encoding="utf-8")
    assert compared(place).status == 0


def test_a_corrected_date_moves_what_is_made_of_it_and_nothing_else(place):
    edit(place, "forms/ae.csv", ("A1,2,ACTIVE,Cough,2030/2/1,", "A1,2,ACTIVE,Cough,2030/2/3,"))
    found = compared(place)
    assert raw(found) == [("changed", "ae", "A1", "LINE 2", ("START", "2030/2/1", "2030/2/3"))]
    assert moved(found) == {
        ("AE", "changed", "A1", "AESTDTC", "2030-02-01", "2030-02-03", (0,)),
        ("ADSL", "changed", "A1", "FIRSTAE", "2030-02-01", "2030-02-03", (0,)),
    }
    assert {m.how for m in found.moves} == {"raw cell"} and not found.renumbered


def test_a_new_event_is_new_in_each_dataset_and_only_numbers_the_others_anew(place):
    (place / "next/forms/ae.csv").write_text(AE + "A1,5,ACTIVE,Itching,2030/1/1,N\n", encoding="utf-8")
    found = compared(place)
    assert raw(found) == [("new", "ae", "A1", "LINE 5", ("Event Term", "", "Itching"), ("START", "", "2030/1/1"),
                           ("SER", "", "N"))]
    assert moved(found) == {
        ("AE", "new", "A1", "", "", "", (0,)),
        ("ADSL", "changed", "A1", "FIRSTAE", "2030-02-01", "2030-01-01", (0,)),
        ("ADSL", "changed", "A1", "AENO", "4", "5", (0,)),
    }
    assert found.renumbered == {"AE.AESEQ": 4}


def test_a_deleted_line_is_gone_alone_though_the_lines_after_it_are_numbered_anew(place):
    edit(place, "forms/ae.csv", ("A1,2,ACTIVE,Cough,2030/2/1,\n", ""), ("A1,3,ACTIVE,Fever", "A1,2,ACTIVE,Fever"),
         ("A1,4,ACTIVE,Headache,2030/4/7", "A1,3,ACTIVE,Headache,2030/4/8"))
    found = compared(place)
    assert [c[:4] for c in raw(found)] == [("changed", "ae", "A1", "LINE 4"), ("gone", "ae", "A1", "LINE 2")]
    assert found.raw.changes[0].fields == [("START", "2030/4/7", "2030/4/8"), ("LINE", "4", "3")]
    assert found.raw.renumbered == {"ae": 1}
    assert ("AE", "changed", "A1", "AESTDTC", "2030-04-07", "2030-04-08", (0,)) in moved(found)
    assert ("AE", "gone", "A1", "", "", "", (1,)) in moved(found)
    assert ("ADSL", "changed", "A1", "FIRSTAE", "2030-02-01", "2030-03-09", (1,)) in moved(found)
    assert len(found.moves) == 4, "and the count of events"


def test_a_record_marked_deleted_is_gone_and_where_it_is_marked_is_said(place):
    edit(place, "forms/ae.csv", ("A1,4,ACTIVE", "A1,4,DELETED"))
    (change,) = compared(place).raw.changes
    assert (change.kind, change.before, change.marked) == ("gone", "forms/ae.csv line 5", "forms/ae.csv line 5")


def test_a_vendor_that_delivers_again_changes_one_result_and_all_that_looks_at_it(place):
    edit(place, "lab_1.csv", ("A1,T2,HGB,84,d1", "A1,T2,HGB,64,d2"))
    found = compared(place)
    assert raw(found) == [("changed", "lab", "A1", "TUBE T2, TEST HGB", ("RESULT", "84", "64"), ("LOADED", "d1", "d2"))]
    assert moved(found) == {
        ("RES", "changed", "A1", "AVAL", "84", "64", (0,)),
        ("RES", "changed", "A1", "LOW", "84", "64", (0,)),
    }
    assert len(found.moves) == 3, "the lowest stands in both records"


def test_a_changed_word_of_the_dictionary_moves_the_terms_of_every_subject(place):
    edit(place, "words.csv", ("Rash,Rash", "Rash,Dermatitis"))
    found = compared(place)
    assert raw(found) == [("changed", "words", "", "TERM Rash", ("PT", "Rash", "Dermatitis"))]
    assert moved(found) == {("AE", "changed", who, "AEDECOD", "Rash", "Dermatitis", (0,)) for who in ("A1", "B2")}


def test_a_changed_field_that_no_dataset_reads_moves_nothing(place):
    edit(place, "lab_1.csv", ("B2,T3,HGB,70,d1", "B2,T3,HGB,70,d7"))
    found = compared(place)
    assert found.status == 1 and not found.moves
    assert "no tabulation or analysis value moves" in list(told(as_data(found)))[1]


def test_a_transfer_with_another_column_is_not_comparable(place):
    study = load_study(place / "spec")
    edit(place, "forms/ae.csv", (",START,SER\n", ",START,SERIOUS\n"))
    one, other = (read_export(study.raw, study.forms, place / name) for name in ("raw", "next"))
    with pytest.raises(CommandError, match=r"only in the first: SER; only in the second: SERIOUS"):
        compare_transfers(study.raw, one, other)


@pytest.fixture
def changed(place):
    edit(place, "forms/ae.csv", ("A1,2,ACTIVE,Cough,2030/2/1,", "A1,2,ACTIVE,<b>Cough</b>,2030/2/3,"))
    edit(place, "words.csv", ("Cough,Cough", "<b>Cough</b>,=1+1"))
    return place


def test_the_command_tells_writes_reports_and_gives_the_status(changed, capsys):
    paths = [changed / f"out.{e}" for e in ("json", "html", "xlsx")]
    assert compare_exports(changed / "raw", changed / "next", changed / "spec", None, paths) == 1
    text = capsys.readouterr().out
    assert 'Event Term "Cough" -> "<b>Cough</b>"; START "2030/2/1" -> "2030/2/3"' in text
    assert 'AE.AESTDTC TOY-7-A1' in text and "(because of 1: raw cell)" in text
    data = json.loads(paths[0].read_text(encoding="utf-8"))
    assert [c["kind"] for c in data["raw changes"]] == ["changed", "gone", "new"] and not data["same"]
    html = paths[1].read_text(encoding="utf-8")
    assert "&lt;b&gt;Cough&lt;/b&gt;" in html and "<b>Cough" not in html and "<script" not in html
    book = openpyxl.load_workbook(paths[2])
    assert book.sheetnames == ["Summary", "Forms", "Raw changes", "Moved"]
    cells = [c for row in book["Moved"].iter_rows() for c in row if c.value == "=1+1"]
    assert cells and {c.data_type for c in cells} == {"s"}


def test_reports_of_the_same_transfers_are_the_same_bytes(changed):
    assert page(as_data(compared(changed))) == page(as_data(compared(changed)))


def test_folders_of_datasets_are_left_to_the_comparison_of_datasets(place, tmp_path):
    (tmp_path / "built").mkdir()
    assert compare_exports(tmp_path / "built", tmp_path / "built", place / "spec", None, ()) is None
    with pytest.raises(CommandError, match="is a raw export of"):
        compare_exports(place / "raw", tmp_path / "built", place / "spec", None, ())
