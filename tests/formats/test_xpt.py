"""Transport files: what is written reads back the same, here and by two readers that share no code with it."""

from datetime import datetime

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import xport
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TrialmillError
from formats.ibm import LARGEST, SMALLEST
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing, special_missing_code
from formats.xpt_read import read_members, read_xpt
from formats.xpt_write import write_xpt

CREATED = datetime(2031, 1, 2, 3, 4, 5)
META = DatasetMeta("TOY", "Made-up Records", (
    VariableMeta("USUBJID", "Unique Subject Identifier", "Char", 10),
    VariableMeta("TERM", "Reported Term", "Char", 200),
    VariableMeta("AVAL", "Analysis Value", "Num", 8, "8.2"),
    VariableMeta("ADT", "Analysis Date", "Num", 8, "DATE9."),
))


def frame(*rows):
    made = pd.DataFrame([list(r) for r in rows], columns=["USUBJID", "TERM", "AVAL", "ADT"])
    return made.astype({"USUBJID": "str", "TERM": "str", "AVAL": "float64", "ADT": "float64"})


ROWS = frame(("TOY-01", "Cough", 1.5, 23000), ("TOY-02", None, np.nan, -1), ("TOY-03", "  lead", -0.1, 0))


def test_what_is_written_reads_back_the_same(tmp_path):
    write_xpt(tmp_path / "toy.xpt", ROWS, META, CREATED)
    found, meta = read_xpt(tmp_path / "toy.xpt")
    pd.testing.assert_frame_equal(found, ROWS)
    assert (meta.name, meta.label, meta.variables, meta.created) == ("TOY", "Made-up Records", META.variables, CREATED)


def test_pyreadstat_and_xport_read_the_same_values_and_labels(tmp_path):
    path = tmp_path / "toy.xpt"
    write_xpt(path, ROWS, META, CREATED)
    theirs, described = pyreadstat.read_xport(path)
    assert theirs["USUBJID"].tolist() == ROWS["USUBJID"].tolist()
    assert theirs["TERM"].fillna("").tolist() == ["Cough", "", "  lead"]
    np.testing.assert_array_equal(theirs["AVAL"].to_numpy(float), ROWS["AVAL"].to_numpy())
    assert described.column_labels == [v.label for v in META.variables]
    assert described.table_name == "TOY" and described.file_label == "Made-up Records"
    with path.open("rb") as file:
        rows = list(xport.Reader(file))
    assert [r[0].strip() for r in rows] == ROWS["USUBJID"].tolist()
    assert rows[0][2:] == (1.5, 23000) and np.isnan(rows[1][2]) and rows[2][2:] == (-0.1, 0)


def test_same_dataset_same_bytes_and_only_the_stated_time(tmp_path):
    write_xpt(tmp_path / "a.xpt", ROWS, META, CREATED)
    write_xpt(tmp_path / "b.xpt", ROWS, META, CREATED)
    raw = (tmp_path / "a.xpt").read_bytes()
    assert raw == (tmp_path / "b.xpt").read_bytes()
    assert raw.count(b"02JAN31:03:04:05") == 4 and len(raw) % 80 == 0


def test_special_missing_values_survive(tmp_path):
    values = [special_missing(c) for c in "AZ_"] + [np.nan, 1.0]
    rows = frame(*[("TOY-01", "x", v, 1) for v in values])
    write_xpt(tmp_path / "toy.xpt", rows, META, CREATED)
    found, _ = read_xpt(tmp_path / "toy.xpt")
    assert special_missing_code(found["AVAL"]).tolist() == ["A", "Z", "_", "", ""]
    assert found["AVAL"].isna().tolist() == [True, True, True, True, False]


def test_a_dataset_without_records_keeps_its_variables(tmp_path):
    write_xpt(tmp_path / "toy.xpt", ROWS.iloc[:0], META, CREATED)
    found, meta = read_xpt(tmp_path / "toy.xpt")
    assert len(found) == 0 and list(found) == list(ROWS) and meta.variables == META.variables


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(
    st.floats(min_value=SMALLEST, max_value=LARGEST), st.floats(min_value=-LARGEST, max_value=-SMALLEST), st.just(0.0),
), min_size=1, max_size=30))
def test_every_number_in_range_keeps_every_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("x") / "n.xpt"
    meta = DatasetMeta("N", "", (VariableMeta("X", "", "Num", 8), VariableMeta("K", "", "Char", 1)))
    write_xpt(path, pd.DataFrame({"X": values, "K": pd.Series(["k"] * len(values), dtype="str")}), meta, CREATED)
    assert read_xpt(path)[0]["X"].to_numpy().tobytes() == np.array(values).tobytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12), min_size=1, max_size=30))
def test_every_text_without_trailing_blanks_survives(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("x") / "c.xpt"
    values = [v.rstrip(" ") for v in values]
    meta = DatasetMeta("C", "", (VariableMeta("X", "", "Char", 12), VariableMeta("N", "", "Num", 8)))
    rows = pd.DataFrame({"X": pd.Series(values, dtype="str"), "N": np.arange(len(values), dtype=float)})
    write_xpt(path, rows, meta, CREATED)
    assert read_xpt(path)[0]["X"].fillna("").tolist() == values


def with_variable(index, **changes):
    variables = list(META.variables)
    old = variables[index]
    kept = {n: getattr(old, n) for n in ("name", "label", "type", "length", "format", "informat")}
    variables[index] = VariableMeta(**{**kept, **changes})
    return META.with_variables(tuple(variables))


@pytest.mark.parametrize(("rows", "meta", "said"), [
    (frame(("TOY-01", "Fiè", 1, 1)), META, "TERM"),
    (frame(("TOY-01 too long", "x", 1, 1)), META, "USUBJID"),
    (frame(("TOY-01", "x ", 1, 1)), META, "TERM"),
    (frame(("TOY-01", "a\tb", 1, 1)), META, "TERM"),
    (frame(("TOY-01", "x", np.inf, 1)), META, "AVAL"),
    (frame(("TOY-01", "x", 1e76, 1)), META, "AVAL"),
    (frame(("TOY-01", "x", 1e-80, 1)), META, "AVAL"),
    (ROWS, with_variable(0, name="USUBJIDXY"), "USUBJIDXY"),
    (ROWS, with_variable(1, label="x" * 41), "41"),
    (ROWS, with_variable(1, length=201), "201"),
    (ROWS, with_variable(1, length=0), "TERM"),
    (ROWS, with_variable(2, format="8.2x."), "AVAL"),
    (ROWS.drop(columns="ADT"), META, "ADT"),
])
def test_what_the_format_cannot_hold_is_an_error_that_names_it_and_leaves_the_old_file(tmp_path, rows, meta, said):
    path = tmp_path / "toy.xpt"
    path.write_bytes(b"old")
    with pytest.raises(TrialmillError) as error:
        write_xpt(path, rows, meta, CREATED)
    assert said in str(error.value)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_all_bad_cells_are_named_at_once_with_record_and_value(tmp_path):
    rows = frame(("TOY-01", "Fiè", 1, 1), ("TOY-02", "x", np.inf, 1))
    with pytest.raises(TrialmillError) as error:
        write_xpt(tmp_path / "toy.xpt", rows, META, CREATED, keys=["USUBJID"])
    text = str(error.value)
    assert "TERM" in text and "AVAL" in text and "TOY-01" in text and "TOY-02" in text


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda b: b[:-40], "truncated"),
    (lambda b: b[: 80 * 9], "truncated"),
    (lambda b: b"PK" + b[2:], "not a SAS transport file"),
    (lambda b: b"", "not a SAS transport file"),
    (lambda b: b.replace(b"LIBRARY HEADER", b"LIBV8   HEADER", 1), "version 8"),
    (lambda b: b[:560] + b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000xx04" + b[618:], "damaged"),
    (lambda b: b[:-1] + b"z" if b[-1:] == b" " else b + b" " * 79 + b"z", "truncated or altered"),
])
def test_a_damaged_file_is_refused_by_name(tmp_path, spoil, said):
    path = tmp_path / "toy.xpt"
    write_xpt(path, ROWS, META, CREATED)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(TrialmillError) as error:
        read_members(path)
    assert said in str(error.value) and "toy.xpt" in str(error.value)


def test_two_datasets_in_one_file_are_both_read(tmp_path):
    write_xpt(tmp_path / "a.xpt", ROWS, META, CREATED)
    raw = (tmp_path / "a.xpt").read_bytes()
    (tmp_path / "b.xpt").write_bytes(raw + raw[240:])
    members = read_members(tmp_path / "b.xpt")
    assert [meta.name for _, meta in members] == ["TOY", "TOY"]
    for rows, _ in members:
        pd.testing.assert_frame_equal(rows, ROWS)
    with pytest.raises(TrialmillError, match="several datasets"):
        read_xpt(tmp_path / "b.xpt")


def test_characters_of_another_encoding_are_read_when_it_is_named(tmp_path):
    path = tmp_path / "toy.xpt"
    write_xpt(path, ROWS, META, CREATED)
    path.write_bytes(path.read_bytes().replace(b"Cough", b"Fi\xe8  "))
    with pytest.raises(TrialmillError, match="record 1"):
        read_xpt(path)
    assert read_xpt(path, encoding="latin-1")[0]["TERM"][0] == "Fiè"
