"""Raw exports: three carriers with one content, and every kind of broken file with its clear error."""

import hashlib
import zipfile

import openpyxl
import pandas as pd
import pytest

from edc.export import read_export
from engine.errors import CommandError, FileError
from engine.spec.forms import load_forms
from engine.spec.sources import load_raw

RAW = """
carriers:
  csv: {folder: edc, pattern: "{FORM}.csv"}
  odm: {file: edc/toy.xml, attributes: {SUBJECT: SubjectKey, RECNO: ItemGroupRepeatKey}}
  xlsx: {file: edc/toy.xlsx}
common: {SUBJECT: text, RECNO: number, RECSTAT: text}
roles: {subject: SUBJECT, record: RECNO, status: RECSTAT}
vendors:
  lab:
    files: lis/*.csv
    encoding: gb18030
    subject: SUBJECT
    file_column: FILE
    columns: {FILE: text, SUBJECT: text, NAME: text, RESULT: text}
"""
FORMS = """
codes: {NY: {"Y": "Yes", "N": "No"}}
forms:
  ae:
    name: Adverse Event
    repeating: "true"
    items: {AETERM: {type: text}, AESTDAT: {type: date}, AESER: {type: code, codes: NY}}
"""
CSV = "SUBJECT,RECNO,RECSTAT,AETERM,AESTDAT,AESER\n01,1,ACTIVE,Cough,01-MAR-2025,N\n01,2,DELETED,x,,\n02,1,ACTIVE,NA,UN-MAR-2025,\n"
ODM = """<?xml version="1.0" encoding="UTF-8"?>
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3"><ClinicalData StudyOID="T" MetaDataVersionOID="1">
<SubjectData SubjectKey="01"><StudyEventData StudyEventOID="E"><FormData FormOID="AE">
<ItemGroupData ItemGroupOID="AE" ItemGroupRepeatKey="1"><ItemData ItemOID="AE.RECSTAT" Value="ACTIVE"/><ItemData ItemOID="AE.AETERM" Value="Cough"/><ItemData ItemOID="AE.AESTDAT" Value="01-MAR-2025"/><ItemData ItemOID="AE.AESER" Value="N"/></ItemGroupData>
<ItemGroupData ItemGroupOID="AE" ItemGroupRepeatKey="2"><ItemData ItemOID="AE.RECSTAT" Value="DELETED"/><ItemData ItemOID="AE.AETERM" Value="x"/></ItemGroupData>
</FormData></StudyEventData></SubjectData>
<SubjectData SubjectKey="02"><StudyEventData StudyEventOID="E"><FormData FormOID="AE">
<ItemGroupData ItemGroupOID="AE" ItemGroupRepeatKey="1"><ItemData ItemOID="AE.RECSTAT" Value="ACTIVE"/><ItemData ItemOID="AE.AETERM" Value="NA"/><ItemData ItemOID="AE.AESTDAT" Value="UN-MAR-2025"/></ItemGroupData>
</FormData></StudyEventData></SubjectData></ClinicalData></ODM>
"""


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "raw"
    (folder / "edc").mkdir(parents=True)
    (folder / "lis").mkdir()
    (folder / "edc" / "AE.csv").write_text(CSV, encoding="utf-8-sig")
    (folder / "edc" / "toy.xml").write_text(ODM, encoding="utf-8")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "AE"
    for row in CSV.strip().split("\n"):
        sheet.append(
            [pd.Timestamp("2025-03-01").to_pydatetime() if c == "01-MAR-2025" else c or None for c in row.split(",")]
        )
    book.save(folder / "edc" / "toy.xlsx")
    (folder / "lis" / "lab_1.csv").write_bytes("SUBJECT,NAME,RESULT\n01,白细胞,＜0.5\n".encode("gb18030"))
    (tmp_path / "raw.yaml").write_text(RAW, encoding="utf-8")
    (tmp_path / "forms.yaml").write_text(FORMS, encoding="utf-8")
    manifest(folder)
    return folder


def manifest(folder, **changes):
    records = {"edc/AE.csv": 3, "edc/toy.xml": 3, "edc/toy.xlsx": 3, "lis/lab_1.csv": 1} | changes
    lines = [f"{n},{r},{hashlib.sha256((folder / n).read_bytes()).hexdigest()}" for n, r in records.items()]
    (folder / "manifest.csv").write_text("file,records,sha256\n" + "\n".join(lines) + "\n", encoding="utf-8")


def read(folder, carrier=None):
    parent = folder.parent
    return read_export(load_raw(parent / "raw.yaml"), load_forms(parent / "forms.yaml"), folder, carrier)


@pytest.mark.parametrize("carrier", ["odm", "xlsx"])
def test_the_carriers_hold_the_same_records(export, carrier):
    expected, found = read(export, "csv").tables["ae"].frame, read(export, carrier).tables["ae"].frame
    pd.testing.assert_frame_equal(found, expected)
    assert expected["AETERM"].tolist() == ["Cough", "NA"], "the word NA is no missing value"


@pytest.mark.parametrize(("carrier", "lines"), [("csv", [2, 4]), ("xlsx", [2, 4]), ("odm", [4, 8])])
def test_every_record_knows_its_file_and_line(export, carrier, lines):
    table = read(export, carrier).tables["ae"]
    assert table.line.tolist() == lines and table.files[0].startswith("edc/")


def test_deleted_records_are_dropped_and_counted(export):
    assert read(export).deleted == {"ae": 1}


def test_vendor_text_is_decoded_and_knows_its_load(export):
    lab = read(export).tables["lab"].frame
    assert lab.iloc[0].tolist() == ["lab_1.csv", "01", "白细胞", "＜0.5"]


def test_lines_are_right_after_a_cell_with_a_line_end(export):
    text = CSV.replace("Cough", '"Cough\nand more"')
    (export / "edc" / "AE.csv").write_text(text, encoding="utf-8")
    manifest(export)
    assert read(export, "csv").tables["ae"].line.tolist() == [2, 5]


def test_an_absent_manifest_is_a_warning(export):
    (export / "manifest.csv").unlink()
    issues = read(export).issues
    assert [i.severity for i in issues] == ["warning"] and "manifest" in issues[0].message


def test_a_value_that_is_no_code_is_listed_with_its_line(export):
    (export / "edc" / "AE.csv").write_text(CSV.replace("2025,N", "2025,Maybe"), encoding="utf-8")
    manifest(export)
    issue = read(export, "csv").issues[0]
    assert (issue.variable, issue.source) == ("AESER", "edc/AE.csv line 2") and "Maybe" in issue.message


def test_a_place_in_a_workbook_names_its_sheet(export):
    book = openpyxl.load_workbook(export / "edc" / "toy.xlsx")
    column = [c.value for c in book["AE"][1]].index("AESER") + 1
    book["AE"].cell(4, column).value = "Maybe"
    book.save(export / "edc" / "toy.xlsx")
    manifest(export)
    issue = read(export, "xlsx").issues[0]
    assert (issue.variable, issue.source) == ("AESER", "edc/toy.xlsx sheet AE line 4")
    book["AE"].cell(1, column).value = "AESSER"
    book.save(export / "edc" / "toy.xlsx")
    manifest(export)
    with pytest.raises(FileError, match=r"edc/toy\.xlsx sheet AE:1  ae: a column .AESSER. that nothing describes"):
        read(export, "xlsx")


def edit(name, change):
    def spoil(folder):
        path = folder / name
        path.write_bytes(change(path.read_bytes()))
        manifest(folder)

    return spoil


def bomb(folder):
    with zipfile.ZipFile(folder / "edc" / "toy.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 120_000_000)


def truncate(folder):
    path = folder / "edc" / "AE.csv"
    path.write_bytes(path.read_bytes()[: -len("02,1,ACTIVE,NA,UN-MAR-2025,\n")])


@pytest.mark.parametrize(
    ("carrier", "spoil", "said"),
    [
        ("csv", truncate, "2 records"),
        ("csv", edit("edc/AE.csv", lambda b: b.replace(b"Cough", b"C\xffugh")), "AE.csv:2  the file is not utf-8-sig"),
        ("csv", edit("edc/AE.csv", lambda b: b.replace(b"Cough", b"C\0ugh")), "AE.csv:2  the file holds NUL"),
        ("csv", edit("edc/AE.csv", lambda b: b.replace(b"Cough,", b"Cough,,")), "AE.csv:2  a row is wider"),
        ("csv", edit("edc/AE.csv", lambda b: b.replace(b",AESER", b",AESERR")), "nearest   AESERR"),
        ("csv", edit("edc/AE.csv", lambda b: b.replace(b",AETERM", b",AESER")), "two have the same"),
        (
            "csv",
            edit("edc/AE.csv", lambda b: b.replace(b"01,2,", b"01,1,")),
            "AE.csv:3  ae: two records have one identity",
        ),
        ("csv", edit("edc/AE.csv", lambda b: b.replace(b"DELETED", b"GONE")), "neither active nor deleted"),
        ("csv", edit("edc/AE.csv", lambda b: b""), "the file is empty"),
        ("csv", lambda f: (f / "lis" / "lab_2.csv").write_bytes((f / "lis" / "lab_1.csv").read_bytes()), "same file"),
        ("csv", lambda f: (f / "lis" / "lab_1.csv").unlink(), "no file of lab"),
        ("odm", edit("edc/toy.xml", lambda b: b[:-60]), "not well-formed"),
        (
            "odm",
            edit("edc/toy.xml", lambda b: b.replace(b"<ODM", b'<!DOCTYPE ODM [<!ENTITY a "b">]>\n<ODM', 1)),
            "document type",
        ),
        ("odm", edit("edc/toy.xml", lambda b: b.replace(b'FormOID="AE"', b'FormOID="AF"')), 'a form "AF"'),
        ("xlsx", bomb, "unpacks to more"),
        ("xlsx", edit("edc/toy.xlsx", lambda b: b[:100]), "not a workbook"),
    ],
)
def test_a_broken_file_is_a_clear_error(export, carrier, spoil, said):
    spoil(export)
    with pytest.raises(FileError) as error:
        read(export, carrier)
    assert said in str(error.value)


def test_a_link_out_of_the_export_is_refused(export):
    (export.parent / "secret.csv").write_text("SUBJECT,NAME,RESULT\n01,a,b\n", encoding="utf-8")
    (export / "lis" / "lab_9.csv").symlink_to(export.parent / "secret.csv")
    with pytest.raises(FileError, match="outside the export"):
        read(export)


def test_an_unknown_carrier_names_the_known_ones(export):
    with pytest.raises(CommandError, match="csv, odm, xlsx"):
        read(export, "pdf")
