"""The package of BY002: what stands where, and what ties it to the build."""

import hashlib
import json
import re
from pathlib import Path

STUDY = Path(__file__).resolve().parents[2] / "specs" / "by002"
BASE = "m5/datasets/by002"


def tree(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def test_every_dataset_stands_at_its_place_as_it_was_built(built, packaged):
    for package, folder in (("sdtm", "tabulations/sdtm"), ("adam", "analysis/adam/datasets")):
        there = {p.name: p.read_bytes() for p in (packaged / BASE / folder).glob("*.xpt")}
        assert there == {p.name: p.read_bytes() for p in (built / package).glob("*.xpt")}


def test_documents_stand_beside_the_datasets_and_programs_apart(packaged):
    sdtm, adam = packaged / BASE / "tabulations/sdtm", packaged / BASE / "analysis/adam"
    assert {p.name for p in sdtm.iterdir() if p.suffix != ".xpt"} == {
        "acrf.pdf", "csdrg.pdf", "define.html", "define.xml", "define2-1.xsl"}
    assert {p.name for p in (adam / "datasets").iterdir() if p.suffix != ".xpt"} == {
        "adrg.pdf", "define.html", "define.xml", "define2-1.xsl"}
    programs = {p.name: p.read_bytes() for p in (adam / "programs").iterdir()}
    assert programs["adam-adtte-yaml.txt"] == (STUDY / "adam" / "adtte.yaml").read_bytes()
    assert {"study-yaml.txt", "tables-visits-csv.txt", "environment-lock.txt", "contents.txt"} <= set(programs)
    assert b"sdtm-ae-yaml.txt" in programs["contents.txt"]


def test_nothing_but_the_study_lies_in_m5_and_drafts_lie_beside_it(packaged):
    assert {p.split("/")[2] for p in tree(packaged) if p.startswith("m5/")} == {"by002"}
    aside = set(tree(packaged / "submission"))
    assert aside == {"manifest.json", "sha256.txt", "stf.json", "drafts/csdrg.docx", "drafts/adrg.docx"}


def test_the_manifest_ties_every_file_to_the_build_by_its_bytes(built, packaged):
    manifest = json.loads((packaged / "submission" / "manifest.json").read_text())
    files = {f["path"]: f for f in manifest["files"]}
    there = {n: p for n, p in tree(packaged).items() if n.startswith("m5/")}
    assert set(files) == set(there)
    outputs = {}
    for line in (built / "journal.jsonl").read_text().splitlines():
        outputs |= {f["file"]: f["sha256"] for f in json.loads(line)["outputs"]}
    for name, path in there.items():
        assert files[name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        if files[name]["kind"] == "dataset":
            assert outputs[files[name]["output"]] == files[name]["sha256"]
    assert not {"at", "by", "number"} & set(manifest["journal"]["sdtm"])  # who and when stands in the journal


def test_the_inputs_of_the_stf_tag_every_file(packaged):
    stf = json.loads((packaged / "submission" / "stf.json").read_text())
    tags = {f["path"].removeprefix(BASE + "/"): f["file-tag"] for f in stf["files"]}
    assert stf["study-id"] == "BY002" and "" not in tags.values()
    assert tags["tabulations/sdtm/dm.xpt"] == "data-tabulation-dataset-sdtm"
    assert tags["tabulations/sdtm/define.xml"] == "data-tabulation-data-definition"
    assert tags["analysis/adam/datasets/adsl.xpt"] == "analysis-dataset-adam"
    assert tags["analysis/adam/programs/study-yaml.txt"] == "analysis-program"
    assert tags["tabulations/sdtm/acrf.pdf"] == "annotated-crf"


def test_the_files_listed_in_the_guide_are_those_of_the_package(packaged):
    """Names are exact; sizes of documents follow the specs, so they are held to a fifth."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "package-files.md").read_text(encoding="utf-8")
    listed = {f"{folder}/{name}": int(size.replace(",", "")) for folder, block in re.findall(
        r"^## `(\S+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL) for name, size in re.findall(
        r"^\| `(\S+)` \| ([\d,]+) \|", block, re.MULTILINE)}
    there = {n: p.stat().st_size for n, p in tree(packaged).items() if n.startswith(("m5/", "submission/"))}
    assert set(listed) == set(there), "run: python -m benchmarks.package list STUDY OUT"
    assert [n for n, size in there.items() if abs(size - listed[n]) > max(500, 0.2 * size)] == []
