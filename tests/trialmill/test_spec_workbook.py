"""The specs as a workbook, and edits of it back into the YAML: exactly what was edited, all or nothing."""

import re
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest

import adam  # noqa: F401  registers the verbs of ADaM
import engine.verbs  # noqa: F401  registers the general verbs
import sdtm  # noqa: F401  registers the verbs of SDTM
from engine.errors import FileError, SpecError, TrialmillError
from trialmill.spec_export import export_specs
from trialmill.spec_import import import_specs

ROOT = Path(__file__).resolve().parents[2]
KV21 = ROOT / "tests" / "second_study" / "kv21"
CODELISTS = """codelists:   # the study's own
  REL2: {RELATED: Related, NOT RELATED: Not Related}
  VSTESTCD: {MOOD: Mood}   # an added test
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The study with code lists of its own, and its workbook as exported."""
    folder = tmp_path_factory.mktemp("specs") / "study"
    shutil.copytree(KV21, folder)
    study = folder / "study.yaml"
    study.write_text(study.read_text(encoding="utf-8") + CODELISTS, encoding="utf-8")
    ae = folder / "sdtm" / "ae.yaml"
    text = ae.read_text(encoding="utf-8").replace(
        "{map: 'events.\"Due to Tablet?\"', to: {\"1\": NOT RELATED, \"2\": RELATED}}",
        "{map: 'events.\"Due to Tablet?\"', to: {\"1\": NOT RELATED, \"2\": RELATED}, codelist: REL2}   # asked of all")
    assert "REL2" in text
    ae.write_text(text, encoding="utf-8")
    export_specs(folder, folder.parent / "specs.xlsx")
    return folder


@pytest.fixture
def study(made, tmp_path):
    shutil.copytree(made, tmp_path / "study")
    shutil.copy(made.parent / "specs.xlsx", tmp_path / "specs.xlsx")
    return tmp_path / "study"


def texts(study):
    return {str(p.relative_to(study)): p.read_bytes() for p in sorted(study.rglob("*")) if p.is_file()}


def columns(sheet):
    return [c.value for c in sheet[1]]


def cell(book, sheet, key, column):
    names = columns(book[sheet])
    return next(r[names.index(column)] for r in book[sheet].iter_rows(min_row=2) if r[len(names) - 1].value == key)


def edit(study, change):
    """The exported workbook with a change made to it."""
    path = study.parent / "edited.xlsx"
    book = openpyxl.load_workbook(study.parent / "specs.xlsx")
    change(book)
    book.save(path)
    return path


def put(study, *cells):
    def change(book):
        for sheet, key, column, value in cells:
            cell(book, sheet, key, column).value = value

    return edit(study, change)


def rows(study, sheet):
    book = openpyxl.load_workbook(study.parent / "specs.xlsx", read_only=True)
    lines = list(book[sheet].iter_rows(values_only=True))
    return {line[-1]: dict(zip(lines[0], line, strict=True)) for line in lines[1:]}


def test_the_same_specs_give_the_same_bytes(study):
    export_specs(study, study.parent / "again.xlsx")
    assert (study.parent / "again.xlsx").read_bytes() == (study.parent / "specs.xlsx").read_bytes()


def test_a_variable_reads_as_a_reviewer_knows_it(study):
    found = rows(study, "Variables")
    day = found["AE.AESTDY"]
    assert day["Method"] == "AESTDTC minus DM.RFSTDTC in days, plus 1 on or after DM.RFSTDTC; no day 0"
    assert (day["Label"], day["Type"], day["Core"], day["Origin"]) == (
        "Study Day of Start of Adverse Event", "Num", "Perm", "Derived")
    assert re.fullmatch(r"sdtm/ae.yaml:\d+", day["Spec"])
    assert (found["AE.AETERM"]["Origin"], found["AE.AETERM"]["Origin source"]) == ("Collected", "Investigator")
    assert found["AE.AESER"]["Codelist"] == "NY (C66742)"
    assert (found["ADSL.AGE"]["Origin"], found["ADSL.AGE"]["Origin source"]) == ("Predecessor", None)
    orders = [r["Order"] for r in found.values() if r["Dataset"] == "AE" and r["Order"]]
    assert orders == list(range(1, len(orders) + 1))


def test_values_codelists_and_sources_come_from_the_specs(study):
    values, lists, sources = (rows(study, s) for s in ("Value level", "Codelists", "Sources"))
    assert values["SUPPAE.QVAL.AEREM"]["Where"] == 'QNAM EQ "AEREM"'
    assert values["VS.VSORRES.SYSBP"]["Label"] == "Systolic Blood Pressure"
    assert 'readings."' in values["VS.VSORRES.SYSBP"]["Method"] or "." in values["VS.VSORRES.SYSBP"]["Method"]
    assert lists["NY C66742: Y"]["Listed"] == "stated in the specs"
    assert lists["AESEV C66769: MILD"]["Decode"] and lists["AESEV C66769: MILD"]["Term C-code"].startswith("C")
    assert (lists["REL2: RELATED"]["Extensible"], lists["REL2: RELATED"]["Extended"]) == ("Study's own", "No")
    assert (lists["VSTESTCD C66741: MOOD"]["Extended"], lists["VSTESTCD C66741: MOOD"]["Decode"]) == ("Yes", "Mood")
    assert [r["Variable"] for r in sources.values() if r["Field"] == "Remark"] == ["AEREM"]


def test_every_sheet_can_be_filtered_and_keeps_its_head_in_view(study):
    book = openpyxl.load_workbook(study.parent / "specs.xlsx")
    assert book.sheetnames == ["Study", "Datasets", "Variables", "Value level", "Codelists", "Methods", "Sources"]
    for sheet in book:
        assert sheet.freeze_panes and sheet.auto_filter.ref
        kinds = {c.data_type for row in sheet.iter_rows() for c in row if c.value is not None}
        assert kinds <= {"s", "n"}, sheet.title
    assert cell(book, "Variables", "AE.AESTDTC", "Comment").fill.fgColor.rgb.endswith("FFF7DC")
    assert cell(book, "Variables", "AE.AESTDTC", "Comment").number_format == "@"
    assert cell(book, "Variables", "AE.AESTDTC", "Method").fill.fill_type is None


def test_without_an_edit_no_byte_changes(study):
    before = texts(study)
    assert import_specs(study, study.parent / "specs.xlsx").says == []
    assert texts(study) == before


def test_a_workbook_saved_by_another_program_has_no_edits(study):
    assert import_specs(study, edit(study, lambda book: None)).says == []


def test_edits_go_to_their_keys_and_nothing_else_changes(study):
    before = texts(study)
    path = put(study,
               ("Variables", "AE.AESTDTC", "Comment", "Partial dates stay: as collected"),
               ("Variables", "AE.AEREL", "Origin source", "Subject"),
               ("Value level", "SUPPAE.QVAL.AEREM", "Label", "Remark, Investigator"),
               ("Datasets", "ADSL", "Label", "Subject Level"),
               ("Codelists", "VSTESTCD C66741: MOOD", "Decode", "Mood of the Day"))  # fmt: skip
    dry = import_specs(study, path, dry_run=True)
    assert texts(study) == before
    done = import_specs(study, path)
    assert done.says == dry.says == [
        'ADSL label: "Subject-Level Analysis Dataset" -> "Subject Level"',
        'AE.AEREL origin source: "Investigator" -> "Subject"',
        'AE.AESTDTC comment: nothing -> "Partial dates stay: as collected"',
        'SUPPAE.AEREM label: "Remark of the Investigator" -> "Remark, Investigator"',
        'codelist VSTESTCD MOOD: "Mood" -> "Mood of the Day"',
    ]
    after = texts(study)
    assert [n for n in after if after[n] != before[n]] == ["adam/adsl.yaml", "sdtm/ae.yaml", "study.yaml"]
    wanted = before["sdtm/ae.yaml"].decode()
    for old, new in (
        ("{iso8601: events.Began}", '{iso8601: events.Began, comment: "Partial dates stay: as collected"}'),
        ("codelist: REL2}   # asked", "codelist: REL2, origin_source: Subject}   # asked"),
        ("label: Remark of the Investigator", 'label: "Remark, Investigator"'),
    ):
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)
    assert after["sdtm/ae.yaml"].decode() == wanted
    assert after["study.yaml"].decode() == before["study.yaml"].decode().replace("{MOOD: Mood}", "{MOOD: Mood of the Day}")


def test_terms_are_renamed_and_added(study):
    def change(book):
        cell(book, "Codelists", "VSTESTCD C66741: MOOD", "Term").value = "MOODS"
        cell(book, "Codelists", "VSTESTCD C66741: MOOD", "Decode").value = "Moods"
        book["Codelists"].append(["REL2", None, None, None, "UNKNOWN", "Unknown"])
        book["Codelists"].append(["EPOCH", "C99079", None, None, "HOLIDAY", "Holiday"])

    before = (study / "study.yaml").read_text(encoding="utf-8")
    import_specs(study, edit(study, change))
    assert (study / "study.yaml").read_text(encoding="utf-8") == before.replace(
        "NOT RELATED: Not Related}", "NOT RELATED: Not Related, UNKNOWN: Unknown}").replace(
        "{MOOD: Mood}   # an added test\n", "{MOODS: Moods}   # an added test\n  EPOCH: {HOLIDAY: Holiday}\n")


def test_an_edit_can_be_taken_back(study):
    before = texts(study)
    import_specs(study, put(study, ("Variables", "AE.AESTDTC", "Origin", "Assigned")))
    assert b"{iso8601: events.Began, origin: Assigned}" in texts(study)["sdtm/ae.yaml"]
    export_specs(study, study.parent / "specs.xlsx")
    assert import_specs(study, put(study, ("Variables", "AE.AESTDTC", "Origin", None))).says == [
        'AE.AESTDTC origin: "Assigned" -> nothing']
    assert texts(study) == before


def test_rows_may_be_sorted(study):
    def change(book):
        sheet = book["Variables"]
        body = [[c.value for c in row] for row in sheet.iter_rows(min_row=2)][::-1]
        for number, values in enumerate(body, 2):
            for at, value in enumerate(values, 1):
                sheet.cell(number, at).value = value
        cell(book, "Variables", "AE.AETERM", "Comment").value = "verbatim"

    assert import_specs(study, edit(study, change)).says == ['AE.AETERM comment: nothing -> "verbatim"']


V, C, L = "Variables", "Codelists", "Value level"


@pytest.mark.parametrize(("cells", "told"), [
    ([(V, "AE.AESTDTC", "Label", "Start")], r"sheet Variables:\d+ +D\d+: AE.AESTDTC: Label cannot be edited here: the label is SDTMIG's"),
    ([(V, "ADSL.TRT01P", "Label", "Treatment")], "the label is ADaMIG's"),
    ([(V, "ADSL.SEX", "Label", "Gender")], "a variable of SDTMIG keeps its label"),
    ([(V, "AE.AESTDTC", "Type", "Num")], "Type cannot be edited here"),
    ([(V, "AE.AESTDTC", "Method", "as collected")], "Method cannot be edited here"),
    ([(V, "AE.STUDYID", "Comment", "x")], "no line of the spec derives it"),
    ([(V, "AE.AESEQ", "Order", 7)], "Order cannot be edited here"),
    ([(V, "AE.AESTDTC", "Origin", "Colected")], "no such word of Define-XML\n  found     Colected\n.*\n  nearest   Collected"),
    ([(V, "AE.AESTDTC", "Origin", None)], "worked out from the verb and cannot be empty"),
    ([(V, "AE.AESTDTC", "Comment", " x")], "begins or ends with a blank"),
    ([(V, "AE.AESTDTC", "Comment", "a_x0007_b")], "a character that a spec cannot hold"),
    ([(V, "ADSL.SEX", "Row", "ADSL.SEKS")], 'the row is none that the export wrote\n  found     Row "ADSL.SEKS"\n  nearest   ADSL.SEX'),
    ([(V, "AE.AESTDTC", "Row", "AE.AETERM")], "two rows are the row AE.AETERM"),
    ([(L, "SUPPAE.QVAL.AEREM", "Label", "x" * 41)], "has 41 characters"),
    ([(L, "SUPPAE.QVAL.AEREM", "Label", None)], "is empty"),
    ([(L, "SUPPAE.QVAL.AEREM", "Label", "Größe")], "a character that a transport file cannot"),
    ([(L, "VS.VSORRES.SYSBP", "Label", "Upper")], "Label cannot be edited here"),
    ([(C, "NY C66742: Y", "Decode", "Ja")], "terms of a CDISC codelist are CDISC's"),
    ([(C, "NY C66742: Y", "Term", "J")], "terms of a CDISC codelist are CDISC's"),
    ([("Study", "study.DCUTDT", "Value", "2031-01-01")], "Value cannot be edited here"),
    ([("Study", "Specs SHA-256", "Value", "0" * 64)], "exported from other specs than those on disk"),
    ([("Study", "Workbook SHA-256", "Value", "0" * 64)], "by another version of Trialmill"),
    ([(V, "AE.AESTDTC", "Comment", "=1+1")], "Comment holds a formula"),
    ([(V, "AE.AESTDTC", "Comment", "ok"), (V, "AE.AESTDTC", "Core", "Req")], "Core cannot be edited here"),
])
def test_what_cannot_be_carried_back_refuses_everything(study, cells, told):
    before = texts(study)
    with pytest.raises(FileError) as refused:
        import_specs(study, put(study, *cells))
    assert re.search(told, str(refused.value)), str(refused.value)
    assert texts(study) == before


def new_term(*cells):
    return lambda book: book["Codelists"].append(list(cells))


def move_column(book):
    book["Variables"].delete_cols(8)


def rename(book):
    book["Variables"].title = "Vars"


def merged(book):
    book["Variables"].merge_cells("D5:E5")


def dated(book):
    found = cell(book, "Variables", "AE.AESTDTC", "Comment")
    found.value, found.number_format = date(2030, 1, 2), "yyyy-mm-dd"


@pytest.mark.parametrize(("change", "told"), [
    (lambda b: b["Variables"].delete_rows(4), "the row AE.USUBJID is missing"),
    (lambda b: b["Variables"].append(["AE", 99, "AEX", "New"]), "the row is none that the export wrote"),
    (lambda b: b["Methods"].append(["MT.X", "x"]), "the row is none that the export wrote"),
    (move_column, "the columns are not those of the export"),
    (rename, 'the sheet "Variables" is missing'),
    (lambda b: b["Variables"].cell(1, 17, "Notes"), "the columns are not those of the export"),
    (lambda b: b.remove(b["Codelists"]), 'the sheet "Codelists" is missing'),
    (lambda b: b.create_sheet("Mine").append(["A", "B"]), 'a sheet "Mine" that the export does not have'),
    (lambda b: b["Variables"].cell(9, 20, "stray"), "wider than the header"),
    (merged, "cells are merged"),
    (dated, "a cell holds a date"),
    (new_term("NY", None, None, None, "MAYBE", "Maybe"), "takes no further terms"),
    (new_term("EPOCH", None, None, None, "SCREENING", "Screening"), "has this term already"),
    (new_term("EPOCHS", None, None, None, "X", "Y"), "a new term needs its codelist\n.*\n.*\n  nearest   EPOCH"),
    (new_term("EPOCH", None, None, None, "X", None), "needs its Decode"),
    (new_term("EPOCH", None, None, None, "X", "Y", "C1"), "has only Codelist, Term and Decode: Term C-code"),
    (new_term("EPOCH", None, None, None, "X ", "Y"), "cannot stand in a transport file"),
])
def test_a_workbook_of_another_shape_is_refused(study, change, told):
    before = texts(study)
    with pytest.raises(FileError) as refused:
        import_specs(study, edit(study, change))
    assert re.search(told, str(refused.value)), str(refused.value)
    assert texts(study) == before


def test_a_term_that_specs_use_cannot_be_renamed_alone(study):
    before = texts(study)
    with pytest.raises(SpecError, match=r"would not lint with these edits(?s:.*)AE\.AEREL: codelist REL2"):
        import_specs(study, put(study, (C, "REL2: RELATED", "Term", "REL")))
    assert texts(study) == before


def test_a_workbook_of_former_specs_is_refused(study):
    path = put(study, (V, "AE.AESTDTC", "Comment", "x"))
    (study / "sdtm" / "ae.yaml").open("a", encoding="utf-8").write("# later\n")
    before = texts(study)
    with pytest.raises(FileError, match="other specs than those on disk"):
        import_specs(study, path)
    assert texts(study) == before


def test_files_that_are_no_workbook_are_refused(study, tmp_path):
    before = texts(study)
    path = tmp_path / "x.xlsx"
    whole = (study.parent / "specs.xlsx").read_bytes()
    for content in (b"", b"PK", b"text", whole[: len(whole) // 2], whole + b"\0" * 10_000_001):
        path.write_bytes(content)
        with pytest.raises(TrialmillError):
            import_specs(study, path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb, zipfile.ZipFile(study.parent / "specs.xlsx") as old:
        for name in old.namelist():
            more = b"<!-- " + b"x" * 30_000_000 + b" -->" if name.endswith("sheet3.xml") else b""
            bomb.writestr(name, old.read(name) + more)
    with pytest.raises(FileError, match="unpacks to more"):
        import_specs(study, path)
    with zipfile.ZipFile(path, "w") as entity, zipfile.ZipFile(study.parent / "specs.xlsx") as old:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet3.xml"):
                content = b'<!DOCTYPE x [<!ENTITY a "b">]>' + content.split(b"?>", 1)[-1]
            entity.writestr(name, content)
    with pytest.raises(FileError, match="declares a document type"):
        import_specs(study, path)
    assert texts(study) == before


def test_formulas_of_the_specs_stay_text(study):
    text = (study / "sdtm" / "ae.yaml").read_text(encoding="utf-8")
    (study / "sdtm" / "ae.yaml").write_text(text.replace("{iso8601: events.Began}", '{iso8601: events.Began, comment: "=HYPERLINK(1)"}'), encoding="utf-8")
    export_specs(study, study.parent / "specs.xlsx")
    found = cell(openpyxl.load_workbook(study.parent / "specs.xlsx"), V, "AE.AESTDTC", "Comment")
    assert (found.value, found.data_type, found.quotePrefix) == ("=HYPERLINK(1)", "s", True)
    assert import_specs(study, study.parent / "specs.xlsx").says == []


def test_no_file_is_replaced_when_one_cannot_be(study, monkeypatch):
    before = texts(study)
    real, calls = Path.replace, []

    def fails(self, target):
        if self.name.endswith(".part"):
            calls.append(target)
            if len(calls) == 2:
                raise OSError(28, "No space left on device")
        return real(self, target)

    path = put(study, (V, "AE.AESTDTC", "Comment", "x"), ("Datasets", "ADSL", "Label", "Subject Level"))
    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError):
        import_specs(study, path)
    assert texts(study) == before


def test_the_commands_that_the_guide_shows(study):
    page = (ROOT / "docs" / "spec_workbook.md").read_text(encoding="utf-8")
    commands = re.search(r"^```sh run\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[1].splitlines()
    assert len(commands) == 3
    shutil.copytree(study, study.parent / "specs" / "mystudy")
    for command in commands:
        words = [sys.executable, "-m", *command.split("  #")[0].split()]
        done = subprocess.run(words, cwd=study.parent, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "no edits" in done.stdout
    words = [sys.executable, "-m", "trialmill", "spec", "import", "specs/mystudy", "nothing.xlsx"]
    done = subprocess.run(words, cwd=study.parent, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert (done.returncode, "no such workbook" in done.stderr) == (2, True)
