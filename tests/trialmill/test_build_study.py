"""A made-up study of another design, from raw files to transport files through the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyreadstat
import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
study: TOY-7
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
settings: {DCUTDT: 2030-12-31}
identity: {subjects: enrol, USUBJID: {prefix: TOY-7-, first: enrol."Patient No"}}
"""
RAW = """
carriers: {csv: {folder: forms, pattern: "{form}.csv"}}
common: {"Patient No": text}
roles: {subject: "Patient No"}
formats: {date: "YYYY/M/D"}
"""
DS = """
dataset: DS
keys: [STUDYID, USUBJID, DSSTDTC, DSTERM]
cut_off: DSSTDTC
records: {each: status}
variables:
  DSTERM: {copy: 'status."What Happened"', missing: blocking}
  DSDECOD: {terms: 'status."What Happened"', codelist: NCOMPLT, map: {Finished: COMPLETED}}
  DSCAT: {set: DISPOSITION EVENT}
  DSSTDTC: {iso8601: 'status."Date of Status"'}
  EPOCH: {not_collected: this study has no elements}
  DSSTDY: {not_collected: no reference date in this study}
  DSSEQ: {sequence: keys}
"""
ADSL = """
dataset: ADSL
label: Subject-Level Analysis Dataset
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  ARM: {copy: 'enrol."Arm Given"', label: Description of Planned Arm, type: Char}
  COMPLFL: {exists: DS, where: "DS.DSDECOD == 'COMPLETED'", else: N}
"""


@pytest.fixture
def place(tmp_path):
    files = {
        "spec/study.yaml": STUDY,
        "spec/raw.yaml": RAW,
        "spec/sdtm/ds.yaml": DS,
        "spec/adam/adsl.yaml": ADSL,
        "raw/forms/enrol.csv": "Patient No,Arm Given\nA1,Two\nB2,One\n",
        "raw/forms/status.csv": "Patient No,What Happened,Date of Status\nB2,Finished,2030/3/9\nA1,DEATH,2030/12/1\n"
        "A1,Finished,2031/1/1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def run(place, *more):
    command = [sys.executable, "-m", "trialmill", "build", "--study", "spec", "--raw", "raw", "--out", "out", *more]
    return subprocess.run(
        command, cwd=place, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


def outputs(place):
    return {str(p.relative_to(place / "out")): p.read_bytes() for p in sorted((place / "out").rglob("*.xpt"))}


def test_a_study_of_yaml_alone_becomes_transport_files(place):
    done = run(place)
    assert done.returncode == 0, done.stderr
    assert list(outputs(place)) == ["adam/adsl.xpt", "sdtm/ds.xpt"]
    ds, meta = pyreadstat.read_xport(place / "out" / "sdtm" / "ds.xpt")
    assert ds[["USUBJID", "DSSEQ", "DSDECOD", "DSSTDTC"]].to_numpy().tolist() == [
        ["TOY-7-A1", 1.0, "DEATH", "2030-12-01"],
        ["TOY-7-B2", 1.0, "COMPLETED", "2030-03-09"],
    ]
    assert meta.file_label == "Disposition"
    adsl, _ = pyreadstat.read_xport(place / "out" / "adam" / "adsl.xpt")
    assert adsl[["USUBJID", "ARM", "COMPLFL"]].to_numpy().tolist() == [
        ["TOY-7-A1", "Two", "N"],
        ["TOY-7-B2", "One", "Y"],
    ]


def test_same_input_same_bytes_shuffled_threaded_or_one_package_at_a_time(place):
    run(place)
    first = outputs(place)
    raw = place / "raw" / "forms" / "status.csv"
    head, *rows = raw.read_text().splitlines()
    raw.write_text("\n".join([head, *rows[::-1]]) + "\n")
    assert run(place, "--jobs", "2").returncode == 0
    assert outputs(place) == first
    assert run(place, "sdtm").returncode == 0
    assert outputs(place) == first, "the other package is kept"


def test_the_journal_lists_inputs_outputs_and_counts(place):
    run(place)
    entry = json.loads((place / "out" / "journal.jsonl").read_text().splitlines()[-1])
    assert [f["file"] for f in entry["outputs"]] == ["adam/adsl.xpt", "sdtm/ds.xpt"]
    assert entry["counts"]["DS"]["removed: DSSTDTC after the cut-off"] == 1
    assert {f["file"]: f["records"] for f in entry["inputs"]} == {"forms/enrol.csv": 2, "forms/status.csv": 3}


@pytest.mark.parametrize(
    ("file", "before", "after", "status", "said"),
    [
        ("raw/forms/status.csv", "DEATH", "Moved", 1, 'value of status."What Happened"'),
        ("raw/forms/status.csv", "2030/3/9", "2030/2/30", 1, "no possible date"),
        ("raw/forms/status.csv", "Finished,2030", ",2030", 1, "DS.DSTERM"),
        ("raw/forms/status.csv", "B2,", "Z9,", 1, "no such subject number"),
        ("raw/forms/status.csv", "B2,Finished,2030/3/9", "B2,Finished", 2, "status.csv:2"),
        ("raw/forms/enrol.csv", "A1,Two", "A1,Zw\u00f6lf", 1, "not ASCII"),
        ("spec/sdtm/ds.yaml", "codelist: NCOMPLT", "codelist: NCOMPLTE", 2, "nearest   NCOMPLT"),
        ("spec/sdtm/ds.yaml", "dataset: DS", "dataset: DS\ndataset: DS", 2, "ds.yaml:3:1"),
        ("spec/adam/adsl.yaml", "{exists: DS,", "{exists: DX,", 2, "DX"),
        ("spec/study.yaml", "created:", "crated:", 2, "study.yaml:3:1"),
    ],
)
def test_a_broken_input_is_a_clear_error_and_leaves_the_former_outputs(place, file, before, after, status, said):
    run(place)
    former = {p: p.read_bytes() for p in sorted((place / "out").rglob("*")) if p.is_file()}
    text = (place / file).read_text(encoding="utf-8")
    assert before in text
    (place / file).write_text(text.replace(before, after, 1), encoding="utf-8")
    done = run(place)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert {p: p.read_bytes() for p in sorted((place / "out").rglob("*")) if p.is_file()} == former


def test_a_folder_that_no_build_made_is_not_replaced(place):
    (place / "out").mkdir()
    (place / "out" / "thesis.txt").write_text("mine")
    done = run(place)
    assert done.returncode == 2 and "no build made" in done.stderr
    assert (place / "out" / "thesis.txt").read_text() == "mine"


def convert(place, *names):
    return subprocess.run(
        [sys.executable, "-m", "trialmill", "convert", *names],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_a_transport_file_goes_through_parquet_and_back_unchanged(place):
    run(place)
    assert convert(place, "out/sdtm/ds.xpt", "ds.parquet").returncode == 0
    assert convert(place, "ds.parquet", "back.xpt", "--created", "2031-01-01").returncode == 0
    assert (place / "back.xpt").read_bytes() == (place / "out" / "sdtm" / "ds.xpt").read_bytes()
    assert convert(place, "out/sdtm/ds.xpt", "ds.csv").returncode == 0
    assert (place / "ds.csv").read_text().splitlines()[1].startswith("TOY-7,DS,TOY-7-A1,1,DEATH")
    assert convert(place, "ds.csv", "x.xpt").returncode == 0
    assert (place / "x.xpt").read_bytes() == (place / "out" / "sdtm" / "ds.xpt").read_bytes()
