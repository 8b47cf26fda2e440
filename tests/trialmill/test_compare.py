"""Comparing files and folders: every format against every other, what cannot be compared, causes, and reports that do no harm."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import adam  # noqa: F401
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.errors import CommandError, DataError
from formats.datasets import read_dataset
from formats.parquet_write import write_parquet
from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt
from trialmill.build import build_study
from trialmill.compare import Request, compare
from trialmill.compare_reports import write_report
from trialmill.convert import convert
from trialmill.new import new_study
from validators.comparison_result import as_data, as_json
from validators.comparison_text import told

ROOT = Path(__file__).resolve().parents[2]
TOY = ROOT / "tests" / "formats" / "data" / "toy.sas7bdat"


def edit(path, change):
    frame, meta = read_xpt(path)
    write_xpt(path, change(frame), meta, meta.created)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A small study and its build."""
    folder = tmp_path_factory.mktemp("compare")
    new_study(folder / "specs" / "qx7", folder / "raw" / "qx7", "QX7")
    build_study(folder / "specs" / "qx7", folder / "raw" / "qx7", folder / "build", [])
    return folder


@pytest.fixture
def qc(place, tmp_path):
    """A copy of the build's datasets alone."""
    shutil.copytree(place / "build" / "sdtm", tmp_path / "qc" / "sdtm")
    return tmp_path / "qc"


def with_study(place, qc, **more):
    return compare(Request(place / "build", qc, study=place / "specs" / "qx7", raw=place / "raw" / "qx7", **more))


def lines(outcome, most=5):
    return "\n".join(told(as_data(outcome), most))


WRITTEN = [".xpt", ".parquet", ".csv", ".json", ".ndjson", ".dsjc"]
LOSSLESS = [".sas7bdat", ".parquet", ".csv"]  # hold text beyond ASCII and special missing values too


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """TOY in all formats that hold it, and its ASCII text and plain missing values in all that are written."""
    whole, plain = (tmp_path_factory.mktemp(name) for name in ("whole", "plain"))
    for ending in LOSSLESS:
        (whole / ending[1:]).mkdir()
        target = whole / ending[1:] / f"toy{ending}"
        shutil.copy(TOY, target) if ending == ".sas7bdat" else convert(TOY, target)
    frame, meta = read_dataset(TOY)
    frame["AETERM"] = frame["AETERM"].replace("\u5934\u75db", "Headache")
    frame["GRADE"] = frame["GRADE"].where(frame["GRADE"].notna())
    write_xpt(plain / "start.xpt", frame, meta, meta.created)
    for ending in WRITTEN:
        (plain / ending[1:]).mkdir()
        convert(plain / "start.xpt", plain / ending[1:] / f"toy{ending}")
    return lambda kind, ending: (whole if kind == "whole" else plain) / ending[1:] / f"toy{ending}"


@pytest.mark.parametrize(("kind", "one", "other"), [
    *(("whole", *pair) for pair in itertools.product(LOSSLESS, LOSSLESS)),
    *(("plain", *pair) for pair in itertools.product(WRITTEN, WRITTEN)),
])
def test_a_dataset_is_the_same_in_every_format(toys, kind, one, other):
    outcome = compare(Request(toys(kind, one), toys(kind, other)))
    assert outcome.verdict == "same" and outcome.results[0].comparison.paired == 4, lines(outcome)
    assert not outcome.results[0].comparison.attributes


@pytest.mark.parametrize("other", WRITTEN)
@pytest.mark.parametrize("one", LOSSLESS)
def test_what_only_one_format_can_hold_is_the_only_difference(toys, one, other):
    (result,) = as_data(compare(Request(toys("whole", one), toys("plain", other), {"": ["DOSE"]})))["datasets"]
    found = {v["name"]: sorted((cell["base"], cell["qc"]) for cell in v["listed"]) for v in result["variables"]}
    assert found == {"AETERM": [("\u5934\u75db", "Headache")], "GRADE": [(".A", "."), (".Z", ".")]}
    assert not result["attributes"]


@pytest.mark.parametrize("ending", sorted({*WRITTEN} - {*LOSSLESS}))
def test_a_format_that_cannot_hold_a_value_is_told_so_and_never_compared(tmp_path, ending):
    said = r"AETERM: 1 value is not ASCII" if ending == ".xpt" else r"GRADE: 2 values are special missing"
    with pytest.raises(DataError, match=said):
        convert(TOY, tmp_path / f"toy{ending}")
    assert not (tmp_path / f"toy{ending}").exists()


def test_a_bare_csv_and_a_bare_parquet_file_compare_by_values_and_say_what_they_do_not_hold(place, tmp_path):
    frame, _ = read_xpt(place / "build" / "sdtm" / "vs.xpt")
    frame.to_csv(tmp_path / "vs.csv", index=False)
    frame.to_parquet(tmp_path / "vs.parquet")
    for name, lacks in (("vs.csv", "types, labels, lengths, formats"), ("vs.parquet", "labels, lengths, formats")):
        outcome = compare(Request(place / "build" / "sdtm" / "vs.xpt", tmp_path / name))
        assert outcome.verdict == "same", lines(outcome)
        assert f"QC holds no {lacks}: not compared" in lines(outcome)


def test_a_date_of_arrow_is_the_sas_date(tmp_path):
    days = pd.Series([23810.0, np.nan])
    write_parquet(tmp_path / "a.parquet", pd.DataFrame({"K": pd.Series(["1", "2"], dtype="str"), "ADT": days}),
                  pd_meta("K", "ADT"))
    pd.DataFrame({"K": ["1", "2"], "ADT": [pd.Timestamp("2025-03-10").date(), None]}).to_parquet(tmp_path / "b.parquet")
    assert compare(Request(tmp_path / "a.parquet", tmp_path / "b.parquet", {"": ["K"]})).verdict == "same"


def pd_meta(text, number):
    from formats.metadata import DatasetMeta, VariableMeta  # noqa: PLC0415

    return DatasetMeta("A", "", (VariableMeta(text), VariableMeta(number, "", "Num", 8, "DATE9.")))


def test_the_same_folder_is_the_same_and_keys_are_those_of_the_spec(place, qc):
    outcome = with_study(place, qc)
    assert outcome.status == 0 and outcome.says() == "The same: 5 datasets (127 records)."
    assert {r.comparison.keys_are for r in outcome.results} == {"of the spec"}


def test_the_study_is_found_by_the_name_in_the_journal(place, qc, monkeypatch):
    monkeypatch.chdir(place)
    assert {r.comparison.keys_are for r in compare(Request(Path("build"), qc)).results} == {"of the spec"}
    monkeypatch.chdir(qc)
    assert {r.comparison.keys_are for r in compare(Request(place / "build", qc)).results} == {"proposed"}


def test_a_difference_names_the_spec_line_and_the_raw_record(place, qc):
    def shift(frame):
        frame.loc[frame["USUBJID"] == "QX7-101-002", "EXENDTC"] = "2030-05-05"
        return frame

    edit(qc / "sdtm" / "ex.xpt", shift)
    edit(qc / "sdtm" / "suppdm.xpt", lambda f: f.assign(QVAL="Other"))
    outcome = with_study(place, qc)
    assert outcome.status == 1
    told_lines = lines(outcome)
    spec = (place / "specs" / "qx7" / "sdtm" / "ex.yaml").read_text(encoding="utf-8").splitlines()
    line = next(n for n, text in enumerate(spec, 1) if text.strip().startswith("EXENDTC:"))
    assert f"ex.yaml:{line}:3" in told_lines and "in ISO 8601" in told_lines
    assert "drug.TODT = 06MAY2030  [forms/DRUG.csv line 3]" in told_lines
    assert "demog.RACESP" in told_lines
    raw = (place / "raw" / "qx7" / "forms" / "DRUG.csv").read_text(encoding="utf-8").splitlines()[2]
    assert "06MAY2030" in raw


def test_records_only_in_our_side_name_their_raw_record(place, qc):
    edit(qc / "sdtm" / "ae.xpt", lambda f: f.iloc[1:])
    assert "from forms/ADVERSE.csv line" in lines(with_study(place, qc))


def test_another_raw_export_and_other_specs_are_said_and_not_traced(place, qc, tmp_path):
    edit(qc / "sdtm" / "ae.xpt", lambda f: f.assign(AESEV="MILD"))
    raw, specs = shutil.copytree(place / "raw" / "qx7", tmp_path / "raw"), shutil.copytree(place / "specs" / "qx7", tmp_path / "qx7")
    form = raw / "forms" / "ADVERSE.csv"
    form.write_text(form.read_text(encoding="utf-8").replace("head ache", "Head ache"), encoding="utf-8")
    (raw / "manifest.csv").unlink()
    ae = specs / "sdtm" / "ae.yaml"
    ae.write_text(ae.read_text(encoding="utf-8") + "\n# a remark\n", encoding="utf-8")
    outcome = compare(Request(place / "build", qc, study=specs, raw=raw))
    assert any("not those that BASE was built by" in n for n in outcome.notes)
    assert any("is not the raw export that BASE was built from" in n for n in outcome.notes)
    assert "BASE from" not in lines(outcome) and "spec of BASE" in lines(outcome)


def test_a_file_changed_after_the_build_is_compared_and_said(place, tmp_path):
    out = shutil.copytree(place / "build", tmp_path / "build")
    edit(out / "sdtm" / "vs.xpt", lambda f: f.assign(VSSTRESN=f["VSSTRESN"] + 1))
    outcome = compare(Request(place / "build", out, study=place / "specs" / "qx7", raw=place / "raw" / "qx7"))
    [changed] = [r for r in outcome.results if r.verdict != "same"]
    assert changed.name == "VS" and changed.comparison.differing[0].patterns[0].says == "QC is BASE + 1"
    assert changed.notes == [f"QC {out / 'sdtm' / 'vs.xpt'} is not the file that its journal names: changed after the build"]
    assert "worked out anew it is" in lines(outcome)


def test_what_cannot_be_compared_is_never_the_same_and_the_rest_is_compared(place, qc):
    (qc / "sdtm" / "ae.xpt").write_bytes(b"rubbish")
    (qc / "sdtm" / "dm.xpt").unlink()
    edit_out = pd.DataFrame({"OTHER": pd.Series(["x"], dtype="str")})
    (qc / "sdtm" / "vs.xpt").unlink()
    edit_out.to_csv(qc / "vs.csv", index=False)
    outcome = with_study(place, qc)
    assert outcome.status == 2
    assert {r.name: r.verdict for r in outcome.results} == {
        "AE": "not comparable", "VS": "not comparable", "EX": "same", "SUPPDM": "same"}
    assert list(outcome.only_base) == ["DM"]
    text = lines(outcome)
    assert text.splitlines()[2].startswith("Not comparable: 2 of 4 datasets cannot be compared")
    assert "not a SAS transport file" in text and "no variable in common" in text and "only in BASE: DM" in text


def test_a_key_that_a_file_lacks_makes_it_not_comparable(place, qc):
    outcome = compare(Request(place / "build" / "sdtm" / "ae.xpt", qc / "sdtm" / "ae.xpt", {"": ["USUBJID", "NOPE"]}))
    assert outcome.status == 2 and "has no variable NOPE, which is a key" in lines(outcome)


def test_a_missing_file_and_folders_without_a_common_dataset_are_errors(place, tmp_path):
    with pytest.raises(CommandError, match="no such file or folder"):
        compare(Request(place / "build", tmp_path / "absent"))
    with pytest.raises(CommandError, match="no dataset is in both"):
        compare(Request(place / "build", tmp_path))
    with pytest.raises(CommandError, match="neither folder holds NOPE"):
        compare(Request(place / "build", place / "build", datasets=["NOPE"]))


def test_a_dataset_at_two_places_is_not_guessed_and_one_in_two_formats_is_said(place, qc):
    shutil.copy(qc / "sdtm" / "ae.xpt", qc / "ae.xpt")
    convert(qc / "sdtm" / "vs.xpt", qc / "sdtm" / "vs.csv")
    outcome = compare(Request(place / "build", qc))
    assert {r.name for r in outcome.results if r.verdict == "not comparable"} == {"AE"}
    assert any("vs.csv beside it is not" in n for n in outcome.notes)


@pytest.mark.parametrize(("change", "status"), [(None, 0), ("value", 1), ("rubbish", 2)])
def test_exit_status(place, qc, change, status):
    if change == "value":
        edit(qc / "sdtm" / "ae.xpt", lambda f: f.assign(AESEV="MILD"))
    elif change:
        (qc / "sdtm" / "ae.xpt").write_bytes(b"")
    command = [sys.executable, "-m", "trialmill", "compare", str(place / "build" / "sdtm"), str(qc / "sdtm")]
    done = subprocess.run(command, cwd=qc, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr


def hostile(qc):
    """Values that would act if they were let."""
    def change(frame):
        frame["AETERM"] = ["=HYPERLINK(1)", "<script>x=1", "@x", "+1", "-1", "a&b", '"q"', "{{ 7*7 }}"]
        return frame

    edit(qc / "sdtm" / "ae.xpt", change)


def test_values_never_act_in_a_page_or_a_workbook(place, qc, tmp_path):
    hostile(qc)
    data = as_data(compare(Request(place / "build" / "sdtm" / "ae.xpt", qc / "sdtm" / "ae.xpt", {"": ["USUBJID", "AESEQ"]})))
    write_report(tmp_path / "r.html", data)
    write_report(tmp_path / "r.xlsx", data)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;" in page and "{{ 7*7 }}" in page
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert all(c.data_type != "f" for c in cells)
    assert {"=HYPERLINK(1)", "@x", "+1"} <= {c.value for c in cells}
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium to open the page with")
    done = subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
                           (tmp_path / "r.html").as_uri()], capture_output=True, text=True, check=False, timeout=60)
    assert "<title>Comparison: different</title>" in done.stdout and 'id="verdict"' in done.stdout


def test_reports_are_the_same_bytes_in_whatever_order_the_records_stand(place, qc, tmp_path):
    edit(qc / "sdtm" / "ae.xpt", lambda f: f.assign(AETERM=f["AETERM"].str.upper()).iloc[1:])
    base = shutil.copytree(place / "build" / "sdtm", tmp_path / "base")
    rng, made = np.random.default_rng(3), []
    for _ in range(2):
        for folder in (base, qc / "sdtm"):
            edit(folder / "ae.xpt", lambda f: f.iloc[rng.permutation(len(f))])
        data = as_data(compare(Request(base / "ae.xpt", qc / "sdtm" / "ae.xpt", {"": ["USUBJID", "AESEQ"]})))
        for ending in ("html", "xlsx", "json"):
            write_report(tmp_path / f"r.{ending}", data)
        made.append([(tmp_path / f"r.{e}").read_bytes() for e in ("html", "xlsx", "json")])
    assert made[0] == made[1]
    said = json.loads(as_json(data))
    assert said["datasets"][0]["only in BASE"]["records"] == 1 and said["status"] == 1


def test_lists_are_cut_where_asked_and_counts_are_of_all(place, qc):
    edit(qc / "sdtm" / "vs.xpt", lambda f: f.assign(VSSTRESN=f["VSSTRESN"] * 2))
    outcome = compare(Request(place / "build", qc, datasets=["VS"]))
    for most, listed in ((3, 3), (-1, outcome.results[0].comparison.differing[0].records)):
        [variable] = as_data(outcome, most)["datasets"][0]["variables"]
        assert len(variable["listed"]) == listed and variable["records"] > 50
