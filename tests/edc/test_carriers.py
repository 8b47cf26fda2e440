"""Every carrier gives the text that a CSV file would hold, at any size, and names what it cannot read."""

import codecs
import shutil
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from edc import columns
from edc.dates import to_iso
from edc.export import read_export
from edc.odm import read_odm
from edc.render import date_text
from edc.workbooks import read_workbook
from engine.errors import FileError
from engine.spec.sources import load_raw
from formats import csv_read
from formats.csv_read import read_csv
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing
from formats.xpt_write import write_xpt

TOY = Path(__file__).parents[1] / "formats" / "data" / "toy.sas7bdat"
LARGE = 10**9


def csv(path, content, encoding="utf-8-sig"):
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    frame, line = read_csv(path, path.name, encoding, LARGE)
    return frame, line.tolist()


def test_a_header_with_a_line_end_and_cells_with_quotes_keep_the_lines(tmp_path):
    text = '"A\nnote",B\r\n1,"x, ""y"""\r\n2,"one\ntwo"\r\n3,\r\n'
    frame, line = csv(tmp_path / "a.csv", text)
    assert list(frame) == ["A\nnote", "B"] and line == [3, 4, 6]
    assert frame["B"].tolist()[:2] == ['x, "y"', "one\ntwo"] and pd.isna(frame["B"][2])


def test_a_quote_within_an_unquoted_cell_does_not_shift_lines(tmp_path):
    assert csv(tmp_path / "a.csv", 'A,B\n5" pipe,1\n"two\nlines",2\n6,3\n')[1] == [2, 3, 5]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_text_is_decoded_over_the_bounds_of_blocks(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(csv_read, "BLOCK", 7)
    rows = [f"{i},白细胞{i}" for i in range(40)]
    frame, line = csv(tmp_path / "a.csv", "NO,NAME\n" + "\n".join(rows) + "\n", encoding)
    assert frame["NAME"].tolist() == [f"白细胞{i}" for i in range(40)] and line == list(range(2, 42))


def test_a_wrong_byte_is_named_with_its_line_in_any_block(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_read, "BLOCK", 8)
    with pytest.raises(FileError, match=r"a\.csv:5 .*not utf-8-sig"):
        csv(tmp_path / "a.csv", "A\nxx\nyy\n白白\n".encode() + b"z\xffz\n")


def odm(path, items, head='<?xml version="1.0" encoding="UTF-8"?>', opening="<ODM>", encoding="utf-8"):
    body = "".join(f'<ItemGroupData ItemGroupOID="G" ItemGroupRepeatKey="{i}">{x}</ItemGroupData>\n'
                   for i, x in enumerate(items, 1))
    opening = opening.replace("<ODM", '<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3"')
    text = (f'{head}\n{opening}<ClinicalData StudyOID="T"><SubjectData SubjectKey="01"><StudyEventData '
            f'StudyEventOID="V"><FormData FormOID="AE">\n{body}</FormData></StudyEventData></SubjectData>'
            "</ClinicalData></ODM>\n")
    path.write_text(text, encoding=encoding)
    return read_odm(path, path.name, LARGE, {"SUBJECT": "SubjectKey", "RECNO": "ItemGroupRepeatKey"})


def test_lines_of_an_odm_file_are_right_beyond_65535(tmp_path):
    _, line = odm(tmp_path / "a.xml", ['<ItemData ItemOID="AE.T" Value="x"/>'] * 70_000)["AE"]
    assert line[0] == 3 and line[-1] == 70_002


def test_odm_columns_that_turn_up_late_are_missing_before(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "CHUNK", 2)
    item = '<ItemData ItemOID="AE.{}" Value="{}"/>'
    frame, _ = odm(tmp_path / "a.xml", [item.format("A", 1), "", item.format("A", 2) + item.format("B", 3)])["AE"]
    assert frame.fillna("-").to_numpy().tolist() == [["01", "1", "1", "-"], ["01", "2", "-", "-"], ["01", "3", "2", "3"]]


def test_odm_values_in_content_null_or_another_encoding(tmp_path):
    items = ['<ItemDataString ItemOID="AE.T">头痛 &amp; more</ItemDataString><ItemData ItemOID="AE.G" IsNull="Yes" '
             'Value="9"/>']
    frame, _ = odm(tmp_path / "a.xml", items, head='<?xml version="1.0" encoding="GB18030"?>', encoding="gb18030")["AE"]
    assert frame["T"].tolist() == ["头痛 & more"] and frame["G"].isna().all()


@pytest.mark.parametrize(("items", "opening", "said"), [
    (['<ItemData ItemOID="AE.T" Value="x"/><ItemData ItemOID="AE.T" Value=""/>'], "<ODM>", "T is given twice"),
    ([], '<ODM FileType="Transactional">', "no snapshot"),
    (["<Broken>"], "<ODM>", "not well-formed"),
])
def test_an_odm_file_that_is_none_or_doubled_is_refused(tmp_path, items, opening, said):
    with pytest.raises(FileError, match=said):
        odm(tmp_path / "a.xml", items, opening=opening)


def book(path, *rows, formats=(), merge=None):
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "AE"
    for row in rows:
        sheet.append(row)
    for cell, shown in formats:
        sheet[cell].number_format = shown
    if merge:
        sheet.merge_cells(merge)
    made.save(path)


def sheet(path, date_format="DD-MON-YYYY"):
    [(_, frame, line)] = read_workbook(path, path.name, LARGE, lambda s, c, v: date_text(v, date_format))
    return frame.fillna("-").to_numpy().tolist(), line.tolist()


def test_cells_become_the_text_of_the_other_carriers(tmp_path):
    book(tmp_path / "a.xlsx", ["A", "B", "C"], [5, 0.1, "007"], [None, None, None],
         [datetime(2025, 3, 1), time(8, 30), True], [datetime(2025, 3, 1, 14, 5), 1e21, "=text"],
         formats=[("B4", "hh:mm")])
    made = openpyxl.load_workbook(tmp_path / "a.xlsx")
    made.active["C5"].data_type = "s"
    made.save(tmp_path / "a.xlsx")
    assert sheet(tmp_path / "a.xlsx") == ([["5", "0.1", "007"], ["01-MAR-2025", "08:30", "TRUE"],
                                           ["01-MAR-2025 14:05:00", "1" + "0" * 21, "=text"]], [2, 4, 5])
    assert sheet(tmp_path / "a.xlsx", "YYYY/M/D H:MM")[0][2][0] == "2025/3/1 14:05"


@pytest.mark.parametrize(("rows", "merge", "said"), [
    ([["A"], ["=1+1"]], None, "A holds a formula"),
    ([["A"], ["#N/A"]], None, "A holds an error value"),
    ([["A", "B"], [1, 2], [3, None]], "A3:B3", "merged"),
    ([["A", None, "B"], [1, 2, 3]], None, "a column has no name"),
    ([["A"], [1, 2]], None, "wider than the header"),
])
def test_a_cell_that_is_no_plain_value_is_named_with_its_row(tmp_path, rows, merge, said):
    book(tmp_path / "a.xlsx", *rows, merge=merge)
    with pytest.raises(FileError, match=f"sheet AE:.*{said}"):
        sheet(tmp_path / "a.xlsx")


def test_rich_text_phonetic_readings_and_prefixed_elements_are_read(tmp_path):
    book(tmp_path / "a.xlsx", ["A"], ["x"])
    with zipfile.ZipFile(tmp_path / "a.xlsx") as old, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
        for member in old.infolist():
            content = old.read(member).decode()
            if member.filename.endswith("sheet1.xml"):
                content = ('<m:worksheet xmlns:m="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
                           '<m:sheetData><m:row><m:c t="s"><m:v>0</m:v></m:c></m:row><m:row><m:c t="inlineStr"><m:is>'
                           "<m:r><m:t>one </m:t></m:r><m:r><m:t>two</m:t></m:r><m:rPh><m:t>no</m:t></m:rPh></m:is>"
                           "</m:c></m:row></m:sheetData></m:worksheet>")
            elif member.filename.endswith("workbook.xml.rels"):
                content = content.replace("</Relationships>", '<Relationship Id="rId9" Target="/xl/strings.xml" Type="x'
                                          '/sharedStrings"/></Relationships>')
            new.writestr(member, content)
        new.writestr("xl/strings.xml", '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><r>'
                     "<t>COL</t></r><r><t>UMN</t></r><rPh><t>no</t></rPh></si></sst>")
    assert sheet(tmp_path / "b.xlsx") == ([["one two"]], [2])
    [(_, frame, _)] = read_workbook(tmp_path / "b.xlsx", "b.xlsx", LARGE, lambda *_: "")
    assert list(frame) == ["COLUMN"]


@pytest.mark.parametrize(("value", "written", "iso"), [
    (date(2025, 3, 1), "DD-MON-YYYY", "2025-03-01"),
    (date(2025, 3, 1), "YYYY/M/D", "2025-03-01"),
    (date(2025, 3, 1), "excel serial", "2025-03-01"),
    (datetime(2025, 3, 1, 9, 5), "YYYY/M/D H:MM", "2025-03-01T09:05"),
    (datetime(2025, 3, 1, 9, 5, 7), "DD-MM-YYYY HH:MM:SS", "2025-03-01T09:05:07"),
    (datetime(2025, 3, 1, 9, 5), "ISO 8601", "2025-03-01T09:05"),
    (datetime(2025, 3, 1, 20, 0), "UTC ISO 8601", "2025-03-02T04:00"),
    (datetime(2025, 3, 1, 9, 5), "DD-MON-YYYY", "a time that the format cannot hold is not dropped"),
    (datetime(2025, 3, 1, 9, 5, 7), "YYYY/M/D H:MM", "nor are seconds"),
    (time(9, 5), "DD-MON-YYYY", "nor is a time a date"),
])
def test_a_true_date_reads_back_by_the_declared_format(value, written, iso):
    found, bad = to_iso(pd.Series([date_text(value, written, written)], dtype="str"), None, written, utc_offset=8)
    assert (bad[0] if " " in iso else found[0] == iso and not bad[0])


RAW = """
carriers: {sas: {folder: edc, pattern: "{form}.sas7bdat"}, xpt: {file: edc/all.xpt}}
common: {SUBJECT: text, ENTRYDTM: {type: date, format: ISO 8601}}
roles: {subject: SUBJECT}
formats: {date: "DD-MON-YYYY", time: "HH:MM"}
vendors: {lab: {files: "lab/*.xpt", subject: SUBJECT, columns: {SUBJECT: text, RES: text, DT: {type: date, format: YYYY/M/D}}}}
"""
EXPECTED = [
    ["01", "Cough", "5", "01-MAR-2025", "08:30", "2025-03-01T09:45", "2"],
    ["02", "头痛", "0.1", "-", "-", "-", ".A"],
    ["03", "Rash, left arm", "1234567.25", "31-DEC-1959", "00:00", "2025-03-01", "-"],
    ["-", "-", "0", "02-MAR-2025", "23:59:59", "2025-03-01T09:45:30", ".Z"],
]


@pytest.fixture
def sas_export(tmp_path):
    folder = tmp_path / "raw"
    for name in ("edc", "lab"):
        (folder / name).mkdir(parents=True)
    shutil.copy(TOY, folder / "edc" / "toy.sas7bdat")
    (tmp_path / "raw.yaml").write_text(RAW, encoding="utf-8")
    meta = DatasetMeta("LAB", "", (VariableMeta("SUBJECT", "", "Char", 4), VariableMeta("RES", "", "Num", 8),
                                   VariableMeta("DT", "", "Num", 8, "E8601DA10.")))
    frame = pd.DataFrame({"SUBJECT": pd.Series(["01", "02"], dtype="str"),
                          "RES": [3.10, special_missing("B")], "DT": [23801.0, np.nan]})
    write_xpt(folder / "lab" / "a.xpt", frame, meta, datetime(2031, 1, 1))
    write_xpt(folder / "edc" / "all.xpt", frame, meta, datetime(2031, 1, 2))
    return folder


def test_sas_files_give_text_without_artefacts_dates_by_the_declared_format_and_special_missing_values(sas_export):
    read = read_export(load_raw(sas_export.parent / "raw.yaml"), None, sas_export, "sas")
    assert read.tables["toy"].frame.fillna("-").to_numpy().tolist() == EXPECTED
    assert read.tables["toy"].line.tolist() == [1, 2, 3, 4] and read.tables["toy"].files == ("edc/toy.sas7bdat",)
    assert read.tables["lab"].frame.fillna("-").to_numpy().tolist() == [["01", "3.1", "2025/3/1"], ["02", ".B", "-"]]


def test_datasets_of_one_transport_file_are_forms(sas_export):
    read = read_export(load_raw(sas_export.parent / "raw.yaml"), None, sas_export, "xpt")
    assert read.tables["lab"].frame is not None and read.inputs[0].records == 2


@pytest.mark.parametrize("spoil", [lambda b: b[:9000], lambda b: b"no dataset", lambda b: b""])
def test_a_broken_sas_file_is_a_clear_error(sas_export, spoil):
    path = sas_export / "edc" / "toy.sas7bdat"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(FileError, match=r"edc/toy.sas7bdat  the file cannot be read as SAS7BDAT"):
        read_export(load_raw(sas_export.parent / "raw.yaml"), None, sas_export, "sas")


def test_the_mark_of_utf8_is_dropped_whichever_way_it_was_declared(tmp_path):
    for name in ("utf-8", "utf-8-sig"):
        assert list(csv(tmp_path / "a.csv", codecs.BOM_UTF8 + b"A,B\n1,2\n", name)[0]) == ["A", "B"]
