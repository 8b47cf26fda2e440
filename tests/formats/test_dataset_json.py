"""Dataset-JSON 1.1: what is written is valid and reads back; what is damaged is refused with its place."""

import gzip
import json
import zlib
from datetime import datetime
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from engine.errors import CommandError, DataError, FileError
from formats import dataset_json_read
from formats.dataset_json_read import SCHEMA, read_dataset_json
from formats.dataset_json_write import ColumnSaid, FileSaid, write_dataset_json
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing
from formats.xpt_write import write_xpt
from trialmill.convert import Choices, convert

CREATED = datetime(2031, 1, 2, 3, 4, 5)
META = DatasetMeta("ADXX", "Made-up Analysis", (
    VariableMeta("USUBJID", "Unique Subject Identifier", "Char", 8),
    VariableMeta("AVAL", "Analysis Value", "Num", 8, "8.2"),
    VariableMeta("ASEQ", "Sequence Number", "Num", 8),
    VariableMeta("ADT", "Analysis Date", "Num", 8, "DATE9."),
    VariableMeta("ADTM", "Analysis Datetime", "Num", 8, "DATETIME20."),
    VariableMeta("ATM", "Analysis Time", "Num", 8, "TIME5."),
    VariableMeta("AVALC", "Analysis Value (C)", "Char", 20),
), CREATED)
FRAME = pd.DataFrame({
    "USUBJID": pd.Series(["XX-1", "XX-2", "XX-3"], dtype="str"),
    "AVAL": [0.1, np.nan, 1 / 3],
    "ASEQ": [1.0, 2.0, 3.0],
    "ADT": [0.0, 25000.0, np.nan],
    "ADTM": [0.0, 86399.0, np.nan],
    "ATM": [0.0, 45296.0, np.nan],
    "AVALC": pd.Series(['quote " [1], {2}', np.nan, "  leading"], dtype="str"),
})


@pytest.fixture
def write(tmp_path):
    def written(ending="ndjson", frame=FRAME, meta=META, **more):
        path = tmp_path / f"adxx.{ending}"
        write_dataset_json(path, frame, meta, CREATED, **more)
        return path

    return written


def whole(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("ending", ["json", "ndjson", "dsjc"])
def test_what_is_written_reads_back_the_same(write, ending):
    frame, meta = read_dataset_json(write(ending))
    pd.testing.assert_frame_equal(frame, FRAME)
    assert meta == META


def test_the_whole_file_is_valid_against_the_official_schema(write):
    jsonschema.Draft201909Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(whole(write("json")))


def test_dates_are_iso_text_with_an_integer_target_and_numbers_keep_every_digit(write):
    said = whole(write("json"))
    kinds = {c["name"]: (c["dataType"], c.get("targetDataType", "")) for c in said["columns"]}
    assert kinds == {
        "USUBJID": ("string", ""), "AVAL": ("double", ""), "ASEQ": ("integer", ""), "ADT": ("date", "integer"),
        "ADTM": ("datetime", "integer"), "ATM": ("time", "integer"), "AVALC": ("string", ""),
    }
    assert said["rows"] == [
        ["XX-1", 0.1, 1, "1960-01-01", "1960-01-01T00:00:00", "00:00:00", 'quote " [1], {2}'],
        ["XX-2", None, 2, "2028-06-12", "1960-01-01T23:59:59", "12:34:56", ""],
        ["XX-3", 1 / 3, 3, None, None, None, "  leading"],
    ]
    assert (said["records"], said["itemGroupOID"], said["columns"][0]["itemOID"]) == (3, "IG.ADXX", "IT.ADXX.USUBJID")


def test_half_a_day_stays_a_number_under_a_date_format(write):
    frame = FRAME.assign(ADT=[0.5, 1.0, np.nan])
    path = write(frame=frame)
    assert '"name":"ADT","label":"Analysis Date","dataType":"double","displayFormat":"DATE9."' in path.read_text()
    pd.testing.assert_frame_equal(read_dataset_json(path)[0], frame)


def test_the_same_dataset_gives_the_same_bytes_and_blocks_do_not_show(write, monkeypatch):
    forms = {e: write(e).read_bytes() for e in ("json", "ndjson", "dsjc")}
    monkeypatch.setattr("formats.dataset_json_write.BLOCK", 2)
    monkeypatch.setattr(dataset_json_read, "BLOCK", 2)
    for ending, content in forms.items():
        path = write(ending)
        if ending != "dsjc":  # compressed as it comes
            assert path.read_bytes() == content
        pd.testing.assert_frame_equal(read_dataset_json(path)[0], FRAME)


def test_dsjc_is_zlib_unless_gzip_is_asked_for_and_both_are_read(write):
    plain = write("ndjson").read_bytes()
    assert zlib.decompress(write("dsjc").read_bytes()) == plain
    packed = write("dsjc", packing="gzip")
    assert gzip.decompress(packed.read_bytes()) == plain
    pd.testing.assert_frame_equal(read_dataset_json(packed)[0], FRAME)


def test_oids_types_and_keys_are_those_of_define_xml(write):
    said = FileSaid("IG.X", {"USUBJID": ColumnSaid("IT.X.1", "string", 1), "ASEQ": ColumnSaid("IT.X.2", "float", 2)},
                    study="S", version="V", define="define.xml", system=("Trialmill", "1"), originator="Us", file="F")
    header = json.loads(write(said=said).read_text().splitlines()[0])
    assert header["columns"][0] | header["columns"][2] == {
        "itemOID": "IT.X.2", "name": "ASEQ", "label": "Sequence Number", "dataType": "float", "length": 8, "keySequence": 2}
    assert (header["itemGroupOID"], header["metaDataRef"], header["sourceSystem"]["name"]) == ("IG.X", "define.xml", "Trialmill")


@pytest.mark.parametrize(("frame", "says"), [
    (FRAME.assign(AVAL=[special_missing("A"), 1.0, 2.0]), "AVAL: 1 value is special missing"),
    (FRAME.assign(AVAL=[np.inf, 1.0, 2.0]), "AVAL: 1 value is infinite"),
])
def test_values_for_which_there_is_no_place_are_refused(write, frame, says):
    with pytest.raises(DataError, match=says):
        write(frame=frame)


def test_what_define_xml_says_of_a_type_must_be_true(write):
    with pytest.raises(DataError, match="AVAL: 2 values are not a whole number"):
        write(said=FileSaid(columns={"AVAL": ColumnSaid("x", "integer")}))


def test_an_informat_is_refused_and_not_lost(write):
    meta = META.with_variables((VariableMeta("USUBJID", "", "Char", 8, "", "$8."), *META.variables[1:]))
    with pytest.raises(FileError, match="no place for an informat"):
        write(meta=meta)


def edited(path, change):
    """The NDJSON file with its metadata changed."""
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    said = json.loads(first)
    change(said)
    path.write_text("\n".join([json.dumps(said), *rest]) + "\n", encoding="utf-8")


def column(at, **new):
    return lambda said: said["columns"][at].update(new)


@pytest.mark.parametrize(("change", "says"), [
    (lambda s: s.update(records=2), "does not hold the records that it announces"),
    (lambda s: s.update(records=4), "does not hold the records that it announces"),
    (lambda s: s.pop("itemGroupOID"), "'itemGroupOID' is a required property"),
    (lambda s: s.update(datasetJSONVersion="1.0.0"), "does not match"),
    (lambda s: s.update(records=-1), "less than the minimum"),
    (lambda s: s["columns"].clear(), "no columns"),
    (column(1, name="USUBJID"), "columns have the same name"),
    (column(1, name="usubjid"), "columns have the same name"),
    (column(1, itemOID="IT.ADXX.USUBJID"), "columns have the same itemOID"),
    (column(0, dataType="text"), "is not one of"),
    (column(0, dataType="boolean"), "no counterpart"),
    (column(0, extra=1), "extra"),
    (column(0, dataType="double"), "a value of another type"),
    (column(2, dataType="string"), "a value of another type"),
    (column(1, dataType="integer"), "no number"),
    (column(1, targetDataType="integer"), "does not go with"),
    (column(6, dataType="date", targetDataType="integer"), "no complete date"),
])
def test_metadata_that_are_wrong_or_that_the_records_belie_are_refused(write, change, says):
    path = write()
    edited(path, change)
    with pytest.raises(FileError, match=says):
        read_dataset_json(path)


@pytest.mark.parametrize(("old", "new", "says"), [
    ('["XX-2",null,', '["XX-2",', ":3  a record does not have one value for each column"),
    ('["XX-2",null,', '["XX-2",nul,', ":3  a record is not JSON"),
    ('["XX-2",null,', '["XX-2",true,', "AVAL: a value of another type"),
    ('["XX-2",null,', '["XX-2",[1],', "AVAL: a value of another type"),
    ('["XX-2",null,', '["XX-2",1e999,', ":3  "),
    ('["XX-2",null,2,', '["XX-2",null,9007199254740993,', "ASEQ: no number"),
    ('["XX-2",null,', '\n["XX-2",null,', "an empty line"),
    ('["XX-2"', '["XX-2"],["XX-2"', ""),
    ("2028-06-12", "2028-06", "ADT: no complete date"),
    ("2028-06-12", "2028-06-31", "ADT: no complete date"),
    ("12:34:56", "25:34:56", "ATM: no complete time"),
    ('"records":3', '"records":3,"records":3', "the key records stands twice"),
    ('"records":3', '"records":NaN', "no JSON value"),
    ('"records":3', '"records":' + "[" * 100_000, "metadata"),
])
@pytest.mark.parametrize("ending", ["json", "ndjson"])
def test_damaged_files_are_refused_with_their_place(write, old, new, says, ending):
    path = write(ending)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    if ending == "json" and says == "an empty line":
        return  # blank lines are JSON
    with pytest.raises(FileError) as caught:
        read_dataset_json(path)
    if ending == "ndjson":
        assert says in str(caught.value)


def test_every_cut_of_a_file_is_noticed(write):
    for ending in ("json", "ndjson", "dsjc"):
        path = write(ending)
        content = path.read_bytes()
        for size in range(0, len(content) - (3 if ending == "json" else 2), 7):
            path.write_bytes(content[:size])
            with pytest.raises(FileError):
                read_dataset_json(path)


def test_rows_may_come_before_the_columns_and_text_may_hold_any_bracket(write, tmp_path):
    said = whole(write("json"))
    path = tmp_path / "other.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"rows": said.pop("rows"), **said}, indent=1).encode())
    pd.testing.assert_frame_equal(read_dataset_json(path)[0], FRAME)


def test_exact_decimals_come_as_text_and_are_not_rounded(write):
    path = write()
    edited(path, column(1, dataType="decimal", targetDataType="decimal"))
    text = path.read_text()
    path.write_text(text.replace('"XX-1",0.1,', '"XX-1","0.10",'))
    assert read_dataset_json(path)[0]["AVAL"].iloc[0] == 0.1
    path.write_text(text.replace('"XX-1",0.1,', '"XX-1","0.1000000000000000000000001",'))
    with pytest.raises(FileError, match="AVAL: no number"):
        read_dataset_json(path)


def test_a_file_that_unpacks_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_json_read, "MOST_FREE", 1 << 20)
    path = tmp_path / "bomb.dsjc"
    path.write_bytes(zlib.compress(b'{"datasetJSONVersion":"1.1"}\n' + b"[]\n" * 10_000_000))
    with pytest.raises(FileError):
        read_dataset_json(path)
    path.write_bytes(zlib.compress(b" " * 40_000_000))
    with pytest.raises(FileError, match="far more than its size"):
        read_dataset_json(path)
    path.write_bytes(zlib.compress(b"{}\n") + b"more")
    with pytest.raises(FileError):
        read_dataset_json(path)


def test_no_records_is_a_dataset_too(write):
    empty = FRAME.iloc[:0].reset_index(drop=True)
    for ending in ("json", "ndjson", "dsjc"):
        frame, meta = read_dataset_json(write(ending, frame=empty))
        assert (len(frame), meta) == (0, META)


def test_xpt_goes_through_every_form_and_comes_back_byte_by_byte(tmp_path):
    first = tmp_path / "adxx.xpt"
    write_xpt(first, FRAME, META, CREATED)
    for ending in ("json", "ndjson", "dsjc"):
        convert(first, tmp_path / f"adxx.{ending}", Choices(gzip=True))
        convert(tmp_path / f"adxx.{ending}", tmp_path / "back.xpt")
        assert (tmp_path / "back.xpt").read_bytes() == first.read_bytes()


def test_dataset_json_takes_the_place_of_no_other_json(tmp_path):
    first = tmp_path / "adxx.xpt"
    write_xpt(first, FRAME, META, CREATED)
    convert(first, tmp_path / "adxx.csv")
    with pytest.raises(CommandError, match="another file stands"):
        convert(first, tmp_path / "adxx.json")
    with pytest.raises(FileError, match="not Dataset-JSON"):
        convert(tmp_path / "adxx.json", tmp_path / "back.xpt")


@pytest.mark.parametrize("ending", ["json", "ndjson"])
def test_the_published_example_is_read(ending):
    path = Path(__file__).parents[3] / "shared" / "reference" / "dataset-json" / f"example-dm.{ending}"
    if not path.is_file():
        pytest.skip("the published example is not beside the project")
    frame, meta = read_dataset_json(path)
    assert (len(frame), meta.name, frame["AGE"].iloc[0], frame["BRTHDTC"].iloc[0]) == (18, "DM", 84.0, "1928")


def test_a_csv_beside_a_dataset_in_dataset_json_says_what_stands_in_its_way(tmp_path):
    first = tmp_path / "adxx.xpt"
    write_xpt(first, FRAME, META, CREATED)
    convert(first, tmp_path / "adxx.json")
    (tmp_path / "adxx.csv").write_text("USUBJID\n01\n")
    with pytest.raises(FileError, match="a dataset in Dataset-JSON, and stands where the metadata of a CSV file would"):
        convert(tmp_path / "adxx.csv", tmp_path / "back.xpt")
