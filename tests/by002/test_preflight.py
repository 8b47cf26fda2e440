"""Mutations of a good package: each is caught, by the right criterion, and the gateway's answer is the right one."""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CommandError, FileError
from formats.metadata import VariableMeta
from formats.missing import special_missing
from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt
from submission.dataset_facts import Reads
from submission.preflight import as_json, as_text, criteria, preflight

BASE = "m5/datasets/by002"
SDTM, ADAM = f"{BASE}/tabulations/sdtm", f"{BASE}/analysis/adam/datasets"
PROGRAMS = f"{BASE}/analysis/adam/programs"
READS = Reads()  # files that a mutation leaves alone are read once
TIED = {"MAN-FILE", "MAN-SUM", "1789", "STF-FILE"}  # what the manifest and the STF add to any change of files


@pytest.fixture
def package(packaged, tmp_path):
    """A copy that shares its files with the good package: change a file by writing a new one in its place."""
    root = tmp_path / "sequence"
    for name in ("m5", "submission"):
        shutil.copytree(packaged / name, root / name, copy_function=os.link)
    return root


def criteria_of(result):
    return {f.criterion for f in result.found}


def write(path, content):
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def text(root, name, *changes):
    """Replace text in a file; each old text must be there."""
    content = (root / name).read_bytes()
    for old, new in changes:
        assert old.encode() in content, old
        content = content.replace(old.encode(), new.encode(), 1)
    write(root / name, content)


def rewrite(root, name, change=lambda f: f, meta=lambda m: m):
    """Write a dataset anew with other records or metadata."""
    path = root / name
    frame, described = read_xpt(path)
    frame, described = change(frame), meta(described)
    path.unlink()
    write_xpt(path, frame, described, datetime(2026, 5, 15, 8), durable=False)


def variable(name, **new):
    def changed(meta):
        return meta.with_variables(tuple(
            VariableMeta(**{**{f: getattr(v, f) for f in ("name", "label", "type", "length", "format")}, **new})
            if v.name == name else v for v in meta.variables))

    return changed


def patched(root, name, old, new):
    """Change bytes of a file in place; nothing else of it moves."""
    content = (root / name).read_bytes()
    assert old in content and len(old) == len(new)
    write(root / name, content.replace(old, new, 1))


def tag(root, name, new):
    path = root / "submission" / "stf.json"
    said = json.loads(path.read_text())
    next(f for f in said["files"] if f["path"] == name)["file-tag"] = new
    write(path, json.dumps(said).encode())


def without(root, *names):
    for name in names:
        (root / name).unlink()


def ts(change):
    return lambda root: rewrite(root, f"{SDTM}/ts.xpt", change)


def value_of(code, new):
    def changed(frame):
        frame.loc[frame["TSPARMCD"] == code, "TSVAL"] = new
        return frame

    return ts(changed)


def test_the_package_of_the_study_is_good(packaged):
    result = preflight(packaged, reads=READS)
    assert (result.clean, result.gateway, result.unchecked) == (True, "", ())
    assert criteria_of(result) <= {"XPT-FIT"}
    assert next(as_text(result)).startswith("the gateway would take it")


MUTATIONS = {
    "ts.xpt is missing": (lambda r: without(r, f"{SDTM}/ts.xpt"), {"1734", "DEF-FILE", "DEF-HREF"}, "1734"),
    "ts.xpt is called ts_xpt.xpt": (lambda r: (r / SDTM / "ts.xpt").rename(r / SDTM / "ts_xpt.xpt"),
                                    {"1734", "FILE-NAME", "XPT-NAME", "DEF-HREF", "DEF-FILE", "1789"}, "1789"),
    "TS has no SSTDTC": (ts(lambda f: f[f["TSPARMCD"] != "SSTDTC"].reset_index(drop=True)), {"1734"}, "1734"),
    "SSTDTC is no date": (value_of("SSTDTC", "04MAR2024"), {"1734"}, "1734"),
    "SSTDTC is no day of the calendar": (value_of("SSTDTC", "2024-02-30"), {"1734"}, "1734"),
    "SSTDTC is empty without a reason": (value_of("SSTDTC", np.nan), {"1734", "TS-VALUE"}, "1734"),
    "a trial summary value is empty without a reason": (value_of("TITLE", np.nan), {"TS-VALUE"}, ""),
    "the STUDYID of TS is another": (ts(lambda f: f.assign(STUDYID="BY003")), {"1734", "ID-STUDY"}, "1734"),
    "the STUDYID of AE is another": (lambda r: rewrite(r, f"{SDTM}/ae.xpt", lambda f: f.assign(STUDYID="BY003")),
                                     {"ID-STUDY"}, ""),
    "dm.xpt is missing": (lambda r: without(r, f"{SDTM}/dm.xpt"), {"1736", "DEF-FILE", "DEF-HREF"}, "1736"),
    "adsl.xpt is missing": (lambda r: without(r, f"{ADAM}/adsl.xpt"), {"1736", "DEF-FILE", "DEF-HREF"}, "1736"),
    "define.xml of SDTM is missing": (lambda r: without(r, f"{SDTM}/define.xml"), {"1736"}, "1736"),
    "define.xml of ADaM is missing": (lambda r: without(r, f"{ADAM}/define.xml"), {"1736"}, "1736"),
    "a dataset has the file tag of another kind": (lambda r: tag(r, f"{SDTM}/ae.xpt", "analysis-dataset-adam"),
                                                   {"1735"}, "1735"),
    "define.xml has no file tag": (lambda r: tag(r, f"{ADAM}/define.xml", ""), {"1735"}, "1735"),
    "a file has no entry in the STF": (lambda r: write(r / PROGRAMS / "more.txt", b"text"), {"1789", "MAN-FILE"}, "1789"),
    "a dataset has no entry in define.xml": (
        lambda r: shutil.copy(r / SDTM / "vs.xpt", r / SDTM / "xx.xpt") and patched(
            r, f"{SDTM}/xx.xpt", b"SAS     VS      ", b"SAS     XX      "), {"DEF-DATASET", "1789"}, "1789"),
    "define.xml describes a dataset that is not there": (lambda r: without(r, f"{SDTM}/ie.xpt"),
                                                         {"DEF-FILE", "DEF-HREF"}, ""),
    "define.xml lacks a variable": (lambda r: rewrite(
        r, f"{SDTM}/ae.xpt", lambda f: f.assign(AEXTRA="A"),
        lambda m: m.with_variables((*m.variables, VariableMeta("AEXTRA", "More", "Char", 1)))), {"DEF-VARIABLE"}, ""),
    "define.xml has a variable that the dataset lacks": (lambda r: rewrite(
        r, f"{SDTM}/ae.xpt", lambda f: f.drop(columns="AESER"),
        lambda m: m.with_variables(tuple(v for v in m.variables if v.name != "AESER"))), {"DEF-VARIABLE"}, ""),
    "a label differs": (lambda r: rewrite(r, f"{SDTM}/ae.xpt", meta=variable("AETERM", label="Another Term")),
                        {"DEF-LABEL"}, ""),
    "the label of a dataset differs": (lambda r: patched(r, f"{SDTM}/ae.xpt", b"Adverse Events", b"Adverse Effect"),
                                       {"DEF-LABEL"}, ""),
    "a length differs": (lambda r: rewrite(r, f"{SDTM}/ae.xpt", meta=variable("USUBJID", length=40)),
                         {"DEF-LENGTH", "XPT-EQUAL", "XPT-FIT"}, ""),
    "a type differs": (lambda r: rewrite(r, f"{SDTM}/dm.xpt", lambda f: f.assign(AGE=f["AGE"].astype("Int64").astype("str")),
                                         variable("AGE", type="Char", length=2)), {"DEF-TYPE"}, ""),
    "a value is outside of its codelist": (
        lambda r: rewrite(r, f"{SDTM}/ae.xpt", lambda f: f.assign(AESER=f["AESER"].mask(f.index == 3, "X"))),
        {"DEF-CODELIST"}, ""),
    "a link of define.xml leads nowhere": (lambda r: without(r, f"{SDTM}/csdrg.pdf"), {"DOC-GUIDE", "DEF-HREF"}, ""),
    "a link of define.xml leads out of the package": (
        lambda r: text(r, f"{SDTM}/define.xml", ('xlink:href="ae.xpt"', 'xlink:href="https://example.org/ae.xpt"')),
        {"DEF-HREF"}, ""),
    "the stylesheet is missing": (lambda r: without(r, f"{SDTM}/define2-1.xsl"), {"DEF-HREF"}, ""),
    "define.xml breaks the schema": (lambda r: text(r, f"{SDTM}/define.xml", ('Repeating="', 'Repeated="')),
                                     {"DEF-SCHEMA"}, ""),
    "define.xml is not well formed": (lambda r: text(r, f"{SDTM}/define.xml", ("</ODM>", "")), {"DEF-XML"}, ""),
    "define.xml has an entity": (lambda r: text(r, f"{SDTM}/define.xml", (
        "<ODM ", '<!DOCTYPE ODM [<!ENTITY a SYSTEM "file:///etc/passwd">]><ODM ')), {"DEF-XML"}, ""),
    "acrf.pdf is missing": (lambda r: without(r, f"{SDTM}/acrf.pdf"), {"DOC-ACRF", "DEF-HREF"}, ""),
    "there is a second annotated CRF": (
        lambda r: shutil.copy(r / SDTM / "acrf.pdf", r / SDTM / "acrf-2.pdf"), {"DOC-ACRF", "FILE-STRAY"}, "1789"),
    "a PDF is none": (lambda r: write(r / SDTM / "acrf.pdf", b"text"), {"DOC-PDF"}, ""),
    "adrg.pdf is missing": (lambda r: without(r, f"{ADAM}/adrg.pdf"), {"DOC-GUIDE", "DEF-HREF"}, ""),
    "a name has a capital": (lambda r: (r / PROGRAMS / "contents.txt").rename(r / PROGRAMS / "Contents.txt"),
                             {"FILE-NAME"}, "1789"),
    "a name has an underscore": (lambda r: (r / PROGRAMS / "contents.txt").rename(r / PROGRAMS / "con_tents.txt"),
                                 {"FILE-NAME"}, "1789"),
    "a path is too long": (lambda r: (r / PROGRAMS / "contents.txt").rename(r / PROGRAMS / f"{'a' * 120}.txt"),
                           {"FILE-PATH"}, "1789"),
    "a file has no purpose": (lambda r: write(r / SDTM / "notes.docx", b"text"), {"FILE-STRAY"}, "1789"),
    "a compressed dataset lies there": (lambda r: write(r / SDTM / "ae.zip", b"PK"), {"FILE-STRAY"}, "1789"),
    "a folder is empty": (lambda r: (r / BASE / "misc").mkdir(), {"FILE-EMPTY"}, ""),
    "a program is empty": (lambda r: write(r / PROGRAMS / "contents.txt", b""), {"FILE-EMPTY"}, ""),
    "a program is no ASCII text": (lambda r: write(r / PROGRAMS / "contents.txt", "é".encode()), {"PROG-ASCII"}, ""),
    "a file is a link": (lambda r: ((r / PROGRAMS / "contents.txt").unlink(),
                                    (r / PROGRAMS / "contents.txt").symlink_to("study-yaml.txt")), {"FILE-LINK"}, ""),
    "a byte was altered after the manifest": (lambda r: patched(r, f"{SDTM}/vs.xpt", b"2024-", b"2023-"), {"MAN-SUM"}, ""),
    "a file was taken out after the manifest": (lambda r: without(r, f"{PROGRAMS}/contents.txt"), {"MAN-FILE"}, ""),
    "a dataset is a transport file of version 8": (
        lambda r: patched(r, f"{SDTM}/ae.xpt", b"LIBRARY HEADER", b"LIBV8   HEADER"),
        {"XPT-FORMAT"}, ""),
    "a dataset is truncated": (lambda r: write(r / SDTM / "ae.xpt", (r / SDTM / "ae.xpt").read_bytes()[:-80]),
                               {"XPT-FORMAT"}, ""),
    "a file holds a dataset of another name": (lambda r: patched(
        r, f"{SDTM}/ae.xpt", b"SAS     AE      ", b"SAS     AF      "), {"XPT-NAME", "DEF-DATASET", "DEF-FILE"}, ""),
    "a variable has a small letter": (lambda r: patched(r, f"{SDTM}/ae.xpt", b"AESPID  ", b"aESPID  "),
                                      {"XPT-VARIABLE", "DEF-VARIABLE"}, ""),
    "a variable has no label": (lambda r: rewrite(r, f"{SDTM}/ae.xpt", meta=variable("AETERM", label="")),
                                {"XPT-LABEL", "DEF-LABEL"}, ""),
    "a label has an unbalanced apostrophe": (
        lambda r: rewrite(r, f"{SDTM}/ae.xpt", meta=variable("AETERM", label="Patient's Term")),
        {"XPT-QUOTE", "DEF-LABEL"}, ""),
    "a value is not ASCII": (lambda r: patched(r, f"{SDTM}/ts.xpt", b"Leukaemia", b"Leuk\xe6mia "), {"XPT-ASCII"}, ""),
    "a number is a special missing value": (lambda r: rewrite(
        r, f"{SDTM}/vs.xpt", lambda f: f.assign(VISITDY=np.append(special_missing("A"), f["VISITDY"].to_numpy()[1:]))),
        {"XPT-SPECIAL"}, ""),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_caught_by_the_right_criterion(package, name):
    mutate, expected, gateway = MUTATIONS[name]
    mutate(package)
    result = preflight(package, reads=READS)
    found = criteria_of(result) - {"XPT-FIT" if "XPT-FIT" not in expected else ""}
    assert expected <= found and found - expected <= TIED, sorted(found)
    assert expected - {"XPT-QUOTE", "XPT-SPECIAL"} == set() or not result.clean
    assert result.gateway == gateway


def test_a_dataset_over_the_limit_needs_parts(package):
    found = [f.path for f in preflight(package, reads=READS, limit=4_000_000).found if f.criterion == "XPT-SIZE"]
    assert [Path(p).name for p in found] == ["adeg.xpt", "adlb.xpt", "lb.xpt"]


def test_parts_have_the_lengths_of_the_whole_and_all_its_records(package):
    frame, meta = read_xpt(package / SDTM / "vs.xpt")
    split = package / SDTM / "split"
    split.mkdir()
    halves = [frame.iloc[:900], frame.iloc[900:]]
    for number, half in enumerate(halves, 1):
        write_xpt(split / f"vs{number}.xpt", half.reset_index(drop=True), _named(meta, f"VS{number}"), meta.created)
    assert "XPT-SPLIT" not in criteria_of(preflight(package, reads=READS))
    write_xpt(split / "vs2.xpt", halves[1].iloc[1:].reset_index(drop=True), _named(meta, "VS2"), meta.created)
    assert "XPT-SPLIT" in criteria_of(preflight(package, reads=READS))
    longer = variable("VSTEST", length=60)(_named(meta, "VS2"))
    write_xpt(split / "vs2.xpt", halves[1].reset_index(drop=True), longer, meta.created)
    (found,) = [f for f in preflight(package, reads=READS).found if f.criterion == "XPT-SPLIT"]
    assert found.what == "has other variables, labels or lengths than the whole"


def _named(meta, name):
    return type(meta)(name, meta.label, meta.variables, meta.created)


def test_a_package_from_elsewhere_is_checked_without_a_manifest_and_says_so(package):
    shutil.rmtree(package / "submission")
    result = preflight(package, reads=READS)
    assert result.clean and len(result.unchecked) == 3
    other = preflight(package / "m5", reads=READS, study_id="BY003")
    assert {"1734", "ID-STUDY"} <= criteria_of(other) and other.gateway == "1734"


def test_a_package_of_an_older_build_is_told(package):
    found = preflight(package, reads=READS, journal={"sdtm": "another", "adam": "another"}).found
    assert {f.criterion for f in found} >= {"MAN-BUILD"}


def test_a_folder_without_m5_and_a_damaged_manifest_are_refused(package, tmp_path):
    with pytest.raises(CommandError, match="no folder m5"):
        preflight(tmp_path / "nowhere")
    write(package / "submission" / "manifest.json", b"{")
    with pytest.raises(FileError, match="damaged"):
        preflight(package, reads=READS)


def test_findings_are_data_and_text_with_their_source(package):
    without(package, f"{SDTM}/ts.xpt")
    result = preflight(package, reads=READS)
    said = json.loads(as_json(result))
    assert said["gateway"] == "1734" and said["counts"]["reject"] == 1
    assert all(f["source"] and f["do"] for f in said["findings"])
    lines = list(as_text(result))
    assert lines[0].startswith("the gateway would reject it: 1734")
    assert any(line.startswith(f"  {SDTM}/ts.xpt  is not there") for line in lines)


def test_every_criterion_of_the_table_is_one_that_a_check_finds():
    code = "".join(p.read_text() for p in (Path(__file__).parents[2] / "submission").glob("preflight_*.py"))
    assert [c for c in criteria() if f'"{c}"' not in code] == []
    assert all(c.severity in ("reject", "error", "warning") and c.source and c.do for c in criteria().values())
