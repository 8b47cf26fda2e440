"""Conversion loses nothing: every way back gives the same bytes, and what a format cannot hold is an error."""

from datetime import datetime
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
import xport

import engine.verbs  # noqa: F401
from engine.errors import CommandError, FileError, TrialmillError
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing, special_missing_code
from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt
from trialmill.convert import Choices, convert

CREATED = datetime(2031, 1, 2, 3, 4, 5)
TOY = Path(__file__).parents[1] / "formats" / "data" / "toy.sas7bdat"
META = DatasetMeta("TOY", "Made-up Records", (
    VariableMeta("USUBJID", "Unique Subject Identifier", "Char", 10),
    VariableMeta("TERM", "Reported Term", "Char", 40, "$40."),
    VariableMeta("AVAL", "Analysis Value", "Num", 8, "8.2"),
    VariableMeta("ADT", "Analysis Date", "Num", 5, "DATE9.", "DATE9."),
))  # fmt: skip


@pytest.fixture
def toy(tmp_path):
    rows = pd.DataFrame({
        "USUBJID": pd.Series(["T-1", "T-2", None, "T-4", "T-5"], dtype="str"),
        "TERM": pd.Series([' lead, "quoted"', None, ".A", "NA", "1e5"], dtype="str"),
        "AVAL": [0.1, special_missing("A"), special_missing("_"), np.nan, 1e21 / 3],
        "ADT": [23801.0, -1.0, special_missing("Z"), 0.0, np.nan],
    })
    path = tmp_path / "toy.xpt"
    write_xpt(path, rows, META, CREATED)
    return path


@pytest.mark.parametrize("way", [["a.csv"], ["a.parquet"], ["a.csv", "b.parquet", "c.csv"], ["a.parquet", "b.csv"]])
def test_every_way_back_to_xpt_gives_the_same_bytes_special_missing_values_included(tmp_path, toy, way):
    at = toy
    for name in way:
        at = convert(at, tmp_path / name)[0]
    convert(at, tmp_path / "back.xpt")
    assert (tmp_path / "back.xpt").read_bytes() == toy.read_bytes()
    assert special_missing_code(read_xpt(tmp_path / "back.xpt")[0]["AVAL"]).tolist() == ["", "A", "_", "", ""]


def test_two_other_readers_see_the_same_after_csv_and_back(tmp_path, toy):
    convert(toy, tmp_path / "a.csv")
    convert(tmp_path / "a.csv", tmp_path / "back.xpt")
    theirs, said = pyreadstat.read_xport(tmp_path / "back.xpt", disable_datetime_conversion=True)
    assert theirs["TERM"].fillna("").tolist() == [' lead, "quoted"', "", ".A", "NA", "1e5"]
    assert theirs["ADT"].fillna(-99).tolist() == [23801, -1, -99, 0, -99]
    assert said.column_labels == [v.label for v in META.variables]
    with (tmp_path / "back.xpt").open("rb") as file:
        assert next(r[2] for r in xport.Reader(file)) == 0.1


def test_the_csv_file_is_plain_and_its_metadata_readable(tmp_path, toy):
    assert convert(toy, tmp_path / "a.csv") == [tmp_path / "a.csv", tmp_path / "a.json"]
    assert (tmp_path / "a.csv").read_bytes().split(b"\r\n")[1:4] == [
        b'T-1," lead, ""quoted""",0.1,23801', b"T-2,,.A,-1", b",.A,._,.Z"]
    said = orjson.loads((tmp_path / "a.json").read_bytes())
    assert (said["dataset"], said["created"], said["variables"][3]["length"]) == ("TOY", "2031-01-02T03:04:05", 5)


def test_xpt_to_xpt_keeps_every_byte_of_several_members_and_foreign_headers(tmp_path, toy):
    raw = toy.read_bytes().replace(b"PYTHON  ", b"X64_10PR")
    two = raw + raw[240:].replace(b"SAS     TOY     ", b"SAS     TWO     ")
    (tmp_path / "two.xpt").write_bytes(two)
    convert(tmp_path / "two.xpt", tmp_path / "copy.xpt")
    assert (tmp_path / "copy.xpt").read_bytes() == two
    with pytest.raises(CommandError, match="choose one"):
        convert(tmp_path / "two.xpt", tmp_path / "a.csv")
    convert(tmp_path / "two.xpt", tmp_path / "a.csv", Choices(dataset="TWO"))
    assert orjson.loads((tmp_path / "a.json").read_bytes())["dataset"] == "TWO"


def test_a_csv_without_metadata_is_refused_with_what_to_do(tmp_path, toy):
    convert(toy, tmp_path / "a.csv")
    (tmp_path / "a.json").rename(tmp_path / "elsewhere.json")
    with pytest.raises(CommandError) as error:
        convert(tmp_path / "a.csv", tmp_path / "b.xpt")
    assert "a.json beside it" in str(error.value) and "--metadata" in str(error.value) and "--study" in str(error.value)
    convert(tmp_path / "a.csv", tmp_path / "b.xpt", Choices(metadata=tmp_path / "elsewhere.json"))
    assert (tmp_path / "b.xpt").read_bytes() == toy.read_bytes()


def test_metadata_may_come_from_the_studys_spec(tmp_path):
    spec = tmp_path / "spec"
    (spec / "adam").mkdir(parents=True)
    (spec / "study.yaml").write_text(
        'study: T\ncreated: "2031-01-01T00:00:00"\nstandards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: '
        "2025-03-28, adam_terminology: 2026-03-27}\npackages: {adam: {standard: adamig}}\n"
        "identity: {subjects: s, USUBJID: {first: s.N}}\n")
    (spec / "raw.yaml").write_text("carriers: {csv: {folder: e}}\ncommon: {N: text}\nroles: {subject: N}\n")
    (spec / "adam" / "adx.yaml").write_text(
        "dataset: ADX\nlabel: Made-up\nkeys: [USUBJID]\nrecords: {each: person}\nvariables:\n"
        "  DAYS: {count: person, label: Days, type: Num}\n  TXT: {copy: person.SUBJID, label: Text, type: Char}\n")
    (tmp_path / "adx.csv").write_text("STUDYID,USUBJID,DAYS,TXT\nT,T-1,3,abc\n")
    convert(tmp_path / "adx.csv", tmp_path / "adx.xpt", Choices(study=spec))
    rows, meta = read_xpt(tmp_path / "adx.xpt")
    assert meta.label == "Made-up" and [(v.name, v.type, v.length) for v in meta.variables] == [
        ("STUDYID", "Char", 1), ("USUBJID", "Char", 3), ("DAYS", "Num", 8), ("TXT", "Char", 3)]
    assert rows["DAYS"].tolist() == [3.0] and meta.created == datetime(2031, 1, 1)


def test_sas7bdat_becomes_xpt_or_parquet_and_its_limits_are_told(tmp_path):
    with pytest.raises(TrialmillError, match=r"TOY\.AETERM: 1 value is not ASCII"):
        convert(TOY, tmp_path / "a.xpt")
    convert(TOY, tmp_path / "a.parquet")
    frame = pq.read_table(tmp_path / "a.parquet").to_pandas()
    assert frame["AETERM"][1] == "头痛" and frame["AESTDAT"][0] == 23801
    convert(TOY, tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    (tmp_path / "a.csv").write_text(text.replace("头痛", "Headache"), encoding="utf-8")
    convert(tmp_path / "a.csv", tmp_path / "b.xpt")
    rows, meta = read_xpt(tmp_path / "b.xpt")
    assert special_missing_code(rows["GRADE"]).tolist() == ["", "A", "", "Z"] and meta.variable("AESTDAT").format == "DATE9."


def edit(path, change):
    said = orjson.loads(path.read_bytes())
    change(said)
    path.write_bytes(orjson.dumps(said))


@pytest.mark.parametrize(("name", "change", "said"), [
    ("a.csv", lambda t: t.replace("0.1", "0,1 "), "wider or narrower"),
    ("a.csv", lambda t: t.replace("0.1", "about 1"), 'AVAL: 1 values are no numbers\n  found     "about 1" in record 1'),
    ("a.csv", lambda t: t.replace("T-4", "T-4 is too long"), 'longer than its length\n  found     "T-4 is too long" in record 4'),
    ("a.csv", lambda t: t.replace("NA", "Fi\u00e8"), "is not ASCII"),
    ("a.csv", lambda t: t.replace("AVAL", "AVALX"), "TOY.AVALX: the records have the variable but it is not described"),
    ("a.csv", lambda t: t.replace("23801", "0.1"), "not exact in 5 bytes"),
    ("a.json", lambda s: s["variables"][0].update(name="USUBJIDXYZ"), "not a SAS name"),
    ("a.json", lambda s: s["variables"][0].update(label="x" * 41), "41 characters"),
    ("a.json", lambda s: s["variables"][0].update(length=201), "201 bytes"),
    ("a.json", lambda s: s["variables"][0].update(lenght=10), "variables.0.lenght"),
    ("a.json", lambda s: s.pop("dataset"), "dataset: Field required"),
])
def test_every_limit_is_an_error_that_names_the_cell_and_nothing_is_written(tmp_path, toy, name, change, said):
    convert(toy, tmp_path / "a.csv")
    path = tmp_path / name
    if name.endswith(".json"):
        edit(path, change)
    else:
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8", newline="")
    with pytest.raises(TrialmillError) as error:
        convert(tmp_path / "a.csv", tmp_path / "b.xpt")
    assert said in str(error.value)
    assert not (tmp_path / "b.xpt").exists()


def test_parquet_from_elsewhere_needs_metadata_and_gives_dates_as_sas_numbers(tmp_path, toy):
    table = pa.table({"USUBJID": ["T-1"], "TERM": [None], "AVAL": [3], "ADT": pa.array([datetime(2025, 3, 1).date()])})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(CommandError, match="no labels, types and lengths"):
        convert(tmp_path / "x.parquet", tmp_path / "x.xpt")
    convert(toy, tmp_path / "a.csv")
    convert(tmp_path / "x.parquet", tmp_path / "x.xpt", Choices(metadata=tmp_path / "a.json"))
    assert read_xpt(tmp_path / "x.xpt")[0].fillna("-").to_numpy().tolist() == [["T-1", "-", 3, 23801]]


@pytest.mark.parametrize(("source", "target", "said"), [
    ("toy.xpt", "a.sas7bdat", "no conversion from .xpt to .sas7bdat"),
    ("toy.xpt", "toy.xpt", "one file"),
    ("none.xpt", "a.csv", "no such file"),
])
def test_what_cannot_be_converted_is_said(tmp_path, toy, source, target, said):
    with pytest.raises(CommandError, match=said):
        convert(tmp_path / source, tmp_path / target)


def test_a_foreign_json_beside_the_csv_is_never_replaced(tmp_path, toy):
    (tmp_path / "a.json").write_text('{"mine": 1}')
    with pytest.raises(CommandError, match="another file stands"):
        convert(toy, tmp_path / "a.csv")
    assert (tmp_path / "a.json").read_text() == '{"mine": 1}' and not (tmp_path / "a.csv").exists()


def test_damaged_sources_are_refused(tmp_path, toy):
    (tmp_path / "cut.xpt").write_bytes(toy.read_bytes()[:-40])
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    for name in ("cut.xpt", "cut.parquet"):
        with pytest.raises(FileError):
            convert(tmp_path / name, tmp_path / "b.csv")
