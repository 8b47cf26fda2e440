"""The files of a simulated export: three equal carriers, vendor layouts, manifest, the same bytes every time."""

import hashlib
import json
import shutil

import openpyxl
import pandas as pd
import pytest

from edc.export import read_export
from engine.errors import CommandError
from simulator.design import load_design
from tests.simulator.conftest import STUDY
from trialmill.simulate import simulate_study


def digests(folder):
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(export, tmp_path):
    simulate_study(STUDY, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(export)
    simulate_study(STUDY, tmp_path / "other", seed=7)
    assert digests(tmp_path / "other")["edc/AE.csv"] != digests(export)["edc/AE.csv"]


def test_people_added_do_not_change_those_before_them(export, read, tmp_path):
    simulate_study(STUDY, tmp_path / "more", subjects=36)
    simulate_study(STUDY, tmp_path / "fewer", subjects=5)
    for name in ("ae", "lis", "conc"):
        whole = read(export, name)
        more, fewer = read(tmp_path / "more", name), read(tmp_path / "fewer", name)
        content = [c for c in whole if c not in ("USUBJID",)]
        few = sorted(set(fewer["SUBJECT"]))
        here = more[more["SUBJECT"] <= "01-034"].sort_values(content, ignore_index=True)
        assert here.equals(whole.sort_values(content, ignore_index=True))
        assert fewer.sort_values(content, ignore_index=True).equals(
            whole[whole["SUBJECT"].isin(few)].sort_values(content, ignore_index=True)
        )


@pytest.mark.parametrize("carrier", ["odm", "xlsx"])
def test_carriers_are_equal(design, export, carrier):
    csv = read_export(design.raw, design.forms, export, "csv")
    other = read_export(design.raw, design.forms, export, carrier)
    assert csv.issues == other.issues == []
    assert csv.deleted == other.deleted
    key = ["SUBJECT", "RECNO"]
    for form in design.forms.forms:
        left = csv.tables[form].frame.sort_values(key, ignore_index=True)
        right = other.tables[form].frame.sort_values(key, ignore_index=True)
        pd.testing.assert_frame_equal(left, right, obj=form)


def test_every_form_and_vendor_source_has_records(design, export):
    tables = read_export(design.raw, design.forms, export, "csv").tables
    assert [name for name, table in tables.items() if table.frame.empty] == []


def test_manifest_lists_every_file_but_itself_and_the_truth(export):
    manifest = pd.read_csv(export / "manifest.csv", dtype=str)
    found = digests(export)
    assert dict(zip(manifest["file"], manifest["sha256"], strict=True)) == {
        n: d for n, d in found.items() if n not in ("manifest.csv", "truth.json")
    }
    counts = dict(zip(manifest["file"], manifest["records"].astype(int), strict=True))
    forms = sum(n for f, n in counts.items() if f.startswith("edc/") and f.endswith(".csv"))
    assert counts["edc/by002.xml"] == counts["edc/by002.xlsx"] == forms


def test_encodings_and_layouts_of_the_files(export):
    assert (export / "edc" / "AE.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    loads = sorted((export / "lis").glob("lab_*.csv"))
    assert len(loads) > 5
    assert "白细胞计数" in loads[0].read_text(encoding="gb18030")
    book = openpyxl.load_workbook(export / "biomarker" / "qpcr.xlsx")
    kinds = {type(sheet["D2"].value).__name__ for sheet in book}
    assert len(book.sheetnames) > 4 and kinds == {"int", "datetime"}, "serial numbers, on some sheets shown as dates"
    forms = openpyxl.load_workbook(export / "edc" / "by002.xlsx")
    assert "AE" in forms.sheetnames
    dates = {type(c.value).__name__ for sheet in forms for row in sheet.iter_rows(2, 40) for c in row if c.value}
    assert {"str", "datetime", "int"} <= dates


def test_a_failing_run_leaves_the_former_export_whole(export, tmp_path, monkeypatch):
    out = tmp_path / "raw"
    shutil.copytree(export, out)
    before = digests(out)

    def fail(done, _total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_study(STUDY, out, seed=1, progress=fail)
    assert digests(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]


def test_a_folder_that_no_simulation_made_is_left_alone(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "notes.txt").write_text("mine")
    with pytest.raises(CommandError, match="no simulation made"):
        simulate_study(STUDY, tmp_path / "raw")
    assert [p.name for p in (tmp_path / "raw").iterdir()] == ["notes.txt"]
    with pytest.raises(CommandError, match="would replace the study"):
        simulate_study(STUDY, STUDY.parent)
    with pytest.raises(CommandError, match="--subjects"):
        simulate_study(STUDY, tmp_path / "many", subjects=10_001)
    with pytest.raises(CommandError, match="no scenario"):
        load_design(STUDY, "none-such")


def test_an_export_edited_by_hand_is_replaced_only_when_asked(export, tmp_path):
    out = tmp_path / "raw"
    shutil.copytree(export, out)
    simulate_study(STUDY, out, subjects=3)  # nobody touched it
    edited, added = out / "edc" / "AE.csv", out / "edc" / "MINE.csv"
    edited.write_text(edited.read_text(encoding="utf-8-sig") + "x\n", encoding="utf-8-sig")
    added.write_text("mine\n")
    before = digests(out)
    with pytest.raises(CommandError) as error:
        simulate_study(STUDY, out, subjects=3)
    told = str(error.value)
    assert "edc/AE.csv  the file was changed" in told and "edc/MINE.csv  the export holds a file" in told
    assert "--replace" in told and digests(out) == before
    simulate_study(STUDY, out, subjects=3, replace=True)
    assert not added.exists()


def test_60_subjects(design, tmp_path):
    made = simulate_study(STUDY, tmp_path / "raw", subjects=60)
    assert made.counts["screening numbers"] == 60
    assert made.counts["people"] == 59
    tables = read_export(design.raw, design.forms, tmp_path / "raw", "csv").tables
    assert tables["subj"].frame["SUBJECT"].nunique() == 60
    truth = json.loads((tmp_path / "raw" / "truth.json").read_text())
    extra = [p for p in truth["people"] if p["SUBJID"] > "01-034"]
    assert len(extra) == 26 and {p["fate"] for p in extra} == {"TREATED", "SCREEN FAILURE"}
    assert len({p["BOR"] for p in extra if "BOR" in p}) > 3
