"""Ten broken files and ten broken values: each a clear error, the right exit status, and the former outputs untouched."""

import shutil
import zipfile
from pathlib import Path

import pytest

import adam  # noqa: F401  registers verbs
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.errors import TrialmillError
from trialmill.build import build_study

HERE = Path(__file__).parent
SPECS, EXPORT = HERE / "kv21", HERE / "export"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    place = tmp_path_factory.mktemp("broken")
    shutil.copytree(EXPORT, place / "raw")
    build_study(SPECS, place / "raw", place / "out", [])
    return place


def contents(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def refused(place, raw, status, said, carrier=None):
    former = contents(place / "out")
    with pytest.raises(TrialmillError) as error:
        build_study(SPECS, raw, place / "out", [], carrier=carrier)
    assert error.value.status == status, str(error.value)
    for part in said:
        assert part in str(error.value)
    assert contents(place / "out") == former


def cut_in_a_quote(raw):
    path = raw / "listings" / "Events.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("head ache", '"head ache'), encoding="utf-8")


def half_a_file(raw):
    text = (raw / "listings" / "Vitals.csv").read_bytes()
    (raw / "manifest.csv").write_text("file,records,sha256\nlistings/Vitals.csv,19,\n")
    (raw / "listings" / "Vitals.csv").write_bytes(text[: len(text) // 2])


def same_file_twice(raw):
    shutil.copy(raw / "listings" / "End.csv", raw / "listings" / "End again.csv")


def not_utf8(raw):
    path = raw / "listings" / "Events.csv"
    path.write_bytes(path.read_bytes().replace(b"felt dizzy", b"schwindlig \xfc"))


def two_records_of_one_identity(raw):
    path = raw / "listings" / "Visits.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("1001,2,Week 0", "1001,1,Week 0"), encoding="utf-8")


def a_name_twice_in_the_header(raw):
    path = raw / "listings" / "Dosing.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Last Dose", "First Dose", 1), encoding="utf-8")


def an_empty_file(raw):
    (raw / "listings" / "Dosing.csv").write_bytes(b"")


def a_link_out(raw):
    (raw / "listings" / "End.csv").unlink()
    (raw / "listings" / "End.csv").symlink_to(EXPORT / "listings" / "End.csv")


def entities(raw):
    (raw / "forms.xml").write_text(
        '<?xml version="1.0"?><!DOCTYPE ODM [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        '<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3"><ClinicalData StudyOID="&b;"/></ODM>'
    )


def zip_bomb(raw):
    with zipfile.ZipFile(raw / "forms.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)


@pytest.mark.parametrize(
    ("spoil", "carrier", "said"),
    [
        (cut_in_a_quote, "csv", ["Events.csv"]),
        (half_a_file, "csv", ["Vitals.csv", "19"]),
        (same_file_twice, "csv", ["the same file", "End again.csv"]),
        (not_utf8, "csv", ["Events.csv:4", "utf-8"]),
        (two_records_of_one_identity, "csv", ["Visits.csv:3", "identity"]),
        (a_name_twice_in_the_header, "csv", ["Dosing.csv", "First Dose"]),
        (an_empty_file, "csv", ["Dosing.csv"]),
        (a_link_out, "csv", ["End.csv", "outside"]),
        (entities, "odm", ["forms.xml", "ODM needs none"]),
        (zip_bomb, "xlsx", ["forms.xlsx"]),
    ],
)
def test_a_broken_file_is_told_and_the_former_outputs_stay(built, tmp_path, spoil, carrier, said):
    shutil.copytree(EXPORT, tmp_path / "raw")
    spoil(tmp_path / "raw")
    refused(built, tmp_path / "raw", 2, said, carrier)


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("Enrolment", "03/09/2029,A", "31/09/2029,A", ["DM.RFICDTC", "no possible date", "Enrolment.csv line 2"]),
        ("Enrolment", "1001,1,Screening,m", "1001,1,Screening,x", ["DM.SEX", "codelist SEX", '"x"', "Enrolment.csv line 2"]),
        ("Enrolment", "03/09/2029,A", "03/09/2029,C", ["DM.ARMCD", "Enrolment.csv line 2"]),
        ("Events", "1002,1", "1009,1", ["no such subject number", "Events.csv line 4"]),
        ("Events", "felt dizzy", "", ["AE.AETERM", "KV-21-1002", "Events.csv line 4"]),
        ("Events", "felt dizzy", "fühlte Schwindel", ["AE.AETERM", "not ASCII", "Events.csv line 4"]),
        ("Events", "no,2,2,still", "no,7,2,still", ["AE.AESEV", '"7"', "Events.csv line 3"]),
        ("Dosing", "04/11/2029,2", "04/11/2029,two", ["EX.EXDOSE", "Dosing.csv line 3"]),
        ("Vitals", "162,98,71", "16O,98,71", ["VS.VSSTRESN", "16O", "Vitals.csv line 2"]),
        ("Dosing", "10/09/2029,09/10/2029", ",09/10/2029", ["EX.EXSTDTC", "KV-21-1001", "Dosing.csv line 2"]),
    ],
)
def test_a_broken_value_is_told_with_subject_and_raw_line(built, tmp_path, file, before, after, said):
    shutil.copytree(EXPORT, tmp_path / "raw")
    path = tmp_path / "raw" / "listings" / f"{file}.csv"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    refused(built, tmp_path / "raw", 1, said)
