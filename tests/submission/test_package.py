"""Packages of a small study: parts, failures on the way, mixtures, Dataset-JSON, and another day."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from engine.errors import CommandError, FileError
from submission.define_outline import read_define
from submission.ectd import bytes_of, study_folder
from trialmill.package import check_package, package_study

HERE = Path(__file__).resolve().parents[1] / "second_study"
STUDY, BASE = HERE / "kv21", "m5/datasets/kv-21"
SDTM = f"{BASE}/tabulations/sdtm"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    import trialmill.verbs  # noqa: F401, PLC0415  registers the verbs of all rooms
    from trialmill.build import build_study  # noqa: PLC0415

    out = tmp_path_factory.mktemp("kv21") / "out"
    build_study(STUDY, HERE / "export", out, [])
    return out


@pytest.fixture
def out(built, tmp_path):
    """An output folder of its own, which shares its files with the build."""
    return shutil.copytree(built, tmp_path / "out", copy_function=os.link)


def made(out):
    """Everything that packaging made, by name."""
    return {p.relative_to(out).as_posix(): p.read_bytes() for folder in ("m5", "submission")
            for p in (out / folder).rglob("*") if p.is_file()}


def test_a_study_of_another_design_is_packaged_and_the_check_says_what_it_lacks(out):
    package_study(STUDY, out)
    clean, lines = check_package(out, out)
    assert not clean and lines[0].startswith("the gateway would reject it: 1734")
    assert any("acrf.pdf  is not there" in line for line in lines)
    assert lines[-1].endswith("1 rejection, 1 error, 0 warnings")


def test_large_datasets_are_split_into_parts_of_equal_lengths_that_hold_every_record_once(out):
    packaged = package_study(STUDY, out, limit=6000)
    split = {s["dataset"]: s for s in packaged.splits}
    assert {"VS"} == set(split) and split["VS"]["by"] == "VSTESTCD"
    whole, described = pyreadstat.read_xport(out / SDTM / "vs.xpt")
    parts = []
    for part in split["VS"]["parts"]:
        path = out / SDTM / "split" / f"{part['name'].lower()}.xpt"
        frame, meta = pyreadstat.read_xport(path)
        assert path.stat().st_size <= 6000 and meta.table_name == part["name"]
        assert meta.variable_storage_width == described.variable_storage_width
        assert meta.column_names_to_labels == described.column_names_to_labels
        assert set(frame["VSTESTCD"]) == set(part["values"])
        parts.append(frame)
    together = pd.concat(parts, ignore_index=True).sort_values(["USUBJID", "VSSEQ"]).reset_index(drop=True)
    assert len(parts) > 1 and together.equals(whole.sort_values(["USUBJID", "VSSEQ"]).reset_index(drop=True))
    found = [line for line in check_package(out, out, limit=6000)[1] if "XPT-S" in line]
    assert found == []


def test_a_dataset_that_nothing_says_how_to_split_is_refused(out):
    with pytest.raises(CommandError, match="nothing says by which variable to split it"):
        package_study(STUDY, out, limit=4600)


def test_a_limit_that_no_record_fits_is_refused(built, tmp_path):
    study, out = with_split(tmp_path), tmp_path / "out"
    rebuilt(study, out)
    with pytest.raises(CommandError, match="not even one record fits"):
        package_study(study, out, limit=1000)


def with_split(tmp_path):
    study = shutil.copytree(STUDY, tmp_path / "kv21")
    names = ("AE", "ADSL", "ADTTE", "DM", "DS", "EX", "SE", "SUPPAE", "SV", "VS")
    chosen = ", ".join(f"{n}: STUDYID" for n in names)
    (study / "study.yaml").write_text((study / "study.yaml").read_text() + f"submission: {{split: {{{chosen}}}}}\n")
    return study


def rebuilt(study, out):
    from trialmill.build import build_study  # noqa: PLC0415

    build_study(study, HERE / "export", out, [])


def test_dataset_json_beside_m5_has_the_oids_of_define_xml(out):
    package_study(STUDY, out, dataset_json="ndjson")
    outline = read_define((out / SDTM / "define.xml").read_bytes(), "define.xml")
    said = json.loads((out / "submission/dataset-json/sdtm/ae.ndjson").read_text().splitlines()[0])
    ae = outline.dataset("AE")
    assert said["itemGroupOID"] == ae.oid and said["metaDataVersionOID"] == outline.metadata_oid
    assert [c["itemOID"] for c in said["columns"]] == [v.oid for v in ae.variables]
    kinds = {c["name"]: c["dataType"] for c in said["columns"]}
    assert (kinds["AETERM"], kinds["AESEQ"]) == ("string", "integer") and kinds["AESTDTC"].startswith("date")
    assert not [n for n in made(out) if n.startswith("m5/") and n.endswith("json")]


def test_a_package_of_another_day_by_another_person_is_the_same_byte_by_byte(built, out, tmp_path, monkeypatch):
    package_study(STUDY, out)
    later = tmp_path / "later"
    rebuilt(STUDY, later)
    lines = [json.loads(line) for line in (later / "journal.jsonl").read_text().splitlines()]
    text = "".join(json.dumps({**line, "at": "2031-02-03T04:05:06+00:00", "by": "another"}) + "\n" for line in lines)
    (later / "journal.jsonl").write_text(text)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1900000000")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setattr("time.time", lambda: 1_930_000_000.0)
    package_study(STUDY, later)
    first, second = made(out), made(later)
    assert {n.rsplit(".", 1)[-1] for n in first} >= {"xpt", "xml", "html", "pdf", "docx", "json", "txt"}
    assert [n for n in sorted(first) if first[n] != second.get(n)] == [] and set(first) == set(second)


def test_a_failure_on_the_way_leaves_the_former_package(out, monkeypatch):
    package_study(STUDY, out)
    before = made(out)
    monkeypatch.setattr("submission.package.checksums", lambda files: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        package_study(STUDY, out, dataset_json="ndjson")
    assert made(out) == before and [p.name for p in out.parent.iterdir()] == ["out"]


def test_a_new_build_keeps_the_package_and_the_check_says_that_it_is_older(out, tmp_path):
    package_study(STUDY, out)
    before = made(out)
    study = shutil.copytree(STUDY, tmp_path / "specs")
    (study / "study.yaml").write_text((study / "study.yaml").read_text() + "# edited\n")
    rebuilt(study, out)
    assert made(out) == before
    assert any(line.startswith("MAN-BUILD") for line in check_package(out, out)[1])


def test_altered_datasets_are_not_packaged(out):
    content = (out / "sdtm" / "ae.xpt").read_bytes()
    (out / "sdtm" / "ae.xpt").unlink()
    (out / "sdtm" / "ae.xpt").write_bytes(content[:-1] + b"x")
    with pytest.raises(FileError, match="not the one that the build wrote"):
        package_study(STUDY, out)
    assert not (out / "m5").exists()


def test_datasets_of_other_specs_are_not_packaged(out, tmp_path):
    study = shutil.copytree(STUDY, tmp_path / "specs")
    (study / "study.yaml").write_text((study / "study.yaml").read_text() + "# edited\n")
    with pytest.raises(FileError, match="built from other specs than those at hand"):
        package_study(study, out)


def test_nothing_built_is_nothing_to_package(tmp_path):
    with pytest.raises(CommandError, match="no build was published there"):
        package_study(STUDY, tmp_path / "none")


@pytest.mark.parametrize(("study", "folder"), [("BY002", "by002"), ("KV-21", "kv-21"), ("AB 1/2", "ab-1-2")])
def test_the_folder_of_a_study_is_its_id_in_lower_case_letters_digits_and_hyphens(study, folder):
    assert study_folder(study) == folder


@pytest.mark.parametrize(("text", "size"), [("5GB", 5_000_000_000), ("400 mb", 400_000_000), ("1000", 1000)])
def test_sizes_are_read_as_people_write_them(text, size):
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "0", "GB", "5 TB", "-1", "nan"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(CommandError, match="no size"):
        bytes_of(text)
