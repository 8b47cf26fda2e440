"""Delivered datasets: tabulations that come finished are a study's input, described, held to it, and followed to records."""

import json
import shutil
from datetime import datetime

import pandas as pd
import pytest

import adam  # noqa: F401
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.errors import CommandError, DataError, FileError, SpecError
from engine.spec.lint import lint
from engine.spec.study import load_study
from formats.metadata import DatasetMeta, VariableMeta
from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt
from trialmill.build import build_study
from trialmill.delivered import describe
from trialmill.explain import explain, explain_record

STUDY = """
study: GIVEN-1
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {adam: {standard: adamig}}
delivered:
  sdtm: {standard: sdtmig, files: "sdtm/*.xpt", datasets: {LB: [lbch, lbhe], SUPPLB: supplbch}}
identity: {subjects: DM, USUBJID: {first: DM.USUBJID}}
"""
ADSL = """
dataset: ADSL
label: Subjects
structure: ADSL
class: SUBJECT LEVEL ANALYSIS DATASET
keys: [STUDYID, USUBJID]
records: {each: DM}
variables:
  SUBJID: {copy: DM.SUBJID}
  SITEID: {copy: DM.SITEID}
  AGE:    {copy: DM.AGE}
  AGEU:   {copy: DM.AGEU}
  SEX:    {copy: DM.SEX}
  RACE:   {copy: DM.RACE}
  ARM:    {copy: DM.ARM}
  TRT01P: {copy: DM.ARM}
  SAFFL:  {copy: DM.SAFETY, label: Safety Population Flag}
  TRTSDT: {date: DM.RFXSTDTC, format: DATE9.}
  NTESTS: {count: LB, label: Number of Results, type: Num}
  LASTHGB: {last: LB.LBSTRESN, order: LB.LBSEQ, where: "LB.LBTESTCD == 'HGB'", label: Last Haemoglobin, type: Num}
  REPEATED: {exists: LB, where: "LB.LBREPEAT == 'Y'", label: A Result was Repeated, type: Char}
"""
DM = {"STUDYID": ["GIVEN-1"] * 2, "USUBJID": ["G-01", "G-02"], "SUBJID": ["01", "02"], "SITEID": ["9", "9"], "AGE": [61.0, 70.0],
      "AGEU": ["YEARS"] * 2, "SEX": ["F", "M"], "RACE": ["WHITE", "ASIAN"], "ARM": ["Drug", "Placebo"],
      "RFXSTDTC": ["2030-02-03", "2030-02"]}
LBCH = {"STUDYID": ["GIVEN-1"] * 3, "USUBJID": ["G-01", "G-01", "G-02"], "LBSEQ": [1.0, 2.0, 1.0], "LBTESTCD": ["ALT", "AST", "ALT"],
        "LBSTRESN": [20.0, 30.0, 40.0]}
LBHE = {"STUDYID": ["GIVEN-1"] * 2, "USUBJID": ["G-01", "G-02"], "LBSEQ": [3.0, 2.0], "LBTESTCD": ["HGB", "HGB"], "LBSTRESN": [7.5, 8.5],
        "LBMETHOD": ["A", "B"]}


def supp(parent, by, rows):
    names = ["USUBJID", "IDVARVAL", "QNAM", "QVAL"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(STUDYID="GIVEN-1", RDOMAIN=parent, IDVAR=by, QLABEL="Said of it", QORIG="CRF", QEVAL=None)


DELIVERY = {
    "dm": pd.DataFrame(DM), "lbch": pd.DataFrame(LBCH), "lbhe": pd.DataFrame(LBHE),
    "suppdm": supp("DM", None, [("G-01", None, "SAFETY", "Y"), ("G-02", None, "SAFETY", "N")]),
    "supplbch": supp("LB", "LBSEQ", [("G-01", "2", "LBREPEAT", "Y")]),
}


def write(folder, delivery):
    (folder / "sdtm").mkdir(parents=True, exist_ok=True)
    for name, frame in delivery.items():
        text = {c: "str" for c in frame if frame[c].dtype != float}
        variables = tuple(VariableMeta(c, f"Label of {c}", "Char" if c in text else "Num", 40 if c in text else 8) for c in frame)
        write_xpt(folder / "sdtm" / f"{name}.xpt", frame.astype(text), DatasetMeta(name.upper(), name, variables), datetime(2031, 1, 1))
    return folder


@pytest.fixture
def study(tmp_path):
    (tmp_path / "given" / "adam").mkdir(parents=True)
    (tmp_path / "given" / "study.yaml").write_text(STUDY)
    (tmp_path / "given" / "adam" / "adsl.yaml").write_text(ADSL)
    describe(tmp_path / "given", write(tmp_path / "raw", DELIVERY))
    return tmp_path / "given"


def built(study, delivery=None, out="out"):
    raw = write(study.parent / "other", delivery) if delivery else study.parent / "raw"
    build_study(study, raw, study.parent / out, [])
    return read_xpt(study.parent / out / "adam" / "adsl.xpt")


def edited(study, old, new):
    path = study / "adam" / "adsl.yaml"
    path.write_text(path.read_text().replace(old, new))
    return [str(p) for p in lint(load_study(study))]


def test_analysis_datasets_come_from_delivered_ones_with_their_labels(study):
    adsl, meta = built(study)
    assert adsl[["USUBJID", "AGE", "SAFFL", "TRTSDT", "NTESTS", "LASTHGB"]].fillna(-1).to_numpy().tolist() == [
        ["G-01", 61, "Y", 25601, 3, 7.5],    # 2030-02-03; ALT, AST and HGB of two files of one dataset
        ["G-02", 70, "N", -1, 2, 8.5],       # a partial date is no day
    ]
    assert adsl["REPEATED"].fillna("").tolist() == ["Y", ""]  # a qualifier is a variable of the record that it qualifies
    assert meta.variable("AGE").label == "Age"  # the standard's label goes before that of the delivery


def test_records_in_another_order_give_the_same_bytes(study):
    built(study)
    shuffled = {name: frame.sample(frac=1, random_state=3).reset_index(drop=True) for name, frame in DELIVERY.items()}
    built(study, shuffled, "again")
    one, other = (study.parent / out / "adam" / "adsl.xpt" for out in ("out", "again"))
    assert one.read_bytes() == other.read_bytes()


def test_every_file_of_the_delivery_stands_in_the_journal(study):
    built(study)
    entry = json.loads((study.parent / "out" / "journal.jsonl").read_text())
    assert [(f["file"], f["records"]) for f in entry["inputs"]] == [
        ("sdtm/dm.xpt", 2), ("sdtm/lbch.xpt", 3), ("sdtm/lbhe.xpt", 2), ("sdtm/suppdm.xpt", 2), ("sdtm/supplbch.xpt", 1)]
    assert all(len(f["sha256"]) == 64 for f in entry["inputs"])


def test_lint_knows_variables_and_types_of_a_delivery_without_its_files(study):
    shutil.rmtree(study.parent / "raw")
    assert lint(load_study(study)) == []
    assert any('DM has no "AGEE"' in p and "AGE" in p for p in edited(study, "copy: DM.AGE}", "copy: DM.AGEE}"))
    assert any("LB.LBSEQ is a number and is compared with text" in p
               for p in edited(study, "LB.LBREPEAT == 'Y'", "LB.LBSEQ == 'Y'"))
    assert any("DM.AGE is numeric" in p for p in edited(study, "date: DM.RFXSTDTC", "date: DM.AGE"))


def test_a_value_is_followed_to_the_record_of_the_file_that_it_came_in(study):
    built(study)

    def told(variable, who):
        return "\n".join(explain_record(variable, study, study.parent / "raw", study.parent / "out", [f"USUBJID={who}"]))

    assert "DM.AGE = 70  [sdtm/dm.xpt record 2]" in told("ADSL.AGE", "G-02")
    assert "DM.SAFETY = N  [sdtm/suppdm.xpt record 2]" in told("ADSL.SAFFL", "G-02")
    assert "LB.LBSTRESN = 7.5  [sdtm/lbhe.xpt record 1]" in told("ADSL.LASTHGB", "G-01")


@pytest.mark.parametrize(("name", "change", "says"), [
    ("dm", lambda d: d.drop(columns="SEX"), "DM.SEX is described and not there"),
    ("dm", lambda d: d.assign(NEW="x"), "DM.NEW is there and not described"),
    ("dm", lambda d: d.assign(AGE=["61", "70"]), "DM.AGE is Char"),
    ("lbhe", lambda d: d.assign(LBSTRESN=["7.5", "8.5"]), "LB.LBSTRESN is not of one type in all its files"),
    ("supplbch", lambda d: pd.concat([d, d], ignore_index=True), "a record is qualified twice by LBREPEAT"),
    ("lbch", lambda d: d.assign(USUBJID=["G-01", None, "G-02"]), "LB: 1 records have no USUBJID"),
    ("suppdm", lambda d: d.assign(QNAM="AGE", USUBJID=["G-01", "G-02"]), "qualifier AGE is a variable of DM"),
])
def test_a_delivery_that_is_not_the_one_described_is_refused(study, name, change, says):
    with pytest.raises(FileError) as error:
        built(study, DELIVERY | {name: change(DELIVERY[name])})
    assert any(says in str(p) for p in error.value.problems)


def test_a_missing_file_and_a_new_dataset_are_named(study):
    less = {name: frame for name, frame in DELIVERY.items() if name != "supplbch"}
    with pytest.raises(FileError) as error:
        built(study, less | {"vs": DELIVERY["dm"]})
    told = "\n".join(map(str, error.value.problems))
    assert "no file of SUPPLB" in told
    shutil.rmtree(study.parent / "other")
    with pytest.raises(FileError) as error:
        built(study, DELIVERY | {"vs": DELIVERY["dm"]})
    assert "the delivered dataset VS is not described" in str(error.value.problems[0])


def test_a_record_of_a_subject_that_dm_does_not_have_stops_the_build(study):
    stray = DELIVERY["lbhe"].assign(USUBJID=["G-01", "G-99"])
    with pytest.raises(DataError) as error:
        built(study, DELIVERY | {"lbhe": stray})
    assert any("no such subject" in str(p) for p in error.value.problems)
    issues = json.loads((study.parent / "out.issues.json").read_text())
    assert [i["source"] for i in issues if i["severity"] == "blocking"] == ["sdtm/lbhe.xpt record 2"]


def test_a_qualifier_without_its_record_is_an_issue(study):
    lost = supp("LB", "LBSEQ", [("G-01", "2", "LBREPEAT", "Y"), ("G-02", "77", "LBREPEAT", "Y")])
    built(study, DELIVERY | {"supplbch": lost})
    issues = json.loads((study.parent / "out" / "issues.json").read_text())
    assert [(i["message"], i["source"]) for i in issues] == [
        ("the qualifier has no record of LB", "sdtm/supplbch.xpt record 2")]


def test_a_study_that_declares_a_delivery_needs_its_description(study):
    (study / "delivered.csv").unlink()
    with pytest.raises(SpecError) as error:
        load_study(study)
    assert "nothing describes the delivered datasets" in str(error.value.problems[0])


def test_a_dataset_is_either_delivered_or_built(study):
    (study / "adam" / "adsl.yaml").write_text(ADSL.replace("dataset: ADSL", "dataset: LB"))
    with pytest.raises(SpecError) as error:
        load_study(study)
    assert "LB is delivered and built" in str(error.value.problems[0])


def test_identifiers_of_a_built_dataset_can_be_copied_to_the_place_where_they_are_wanted(study):
    (study / "adam" / "adx.yaml").write_text("""
dataset: ADX
label: Results
structure: BDS
class: BASIC DATA STRUCTURE
keys: [STUDYID, USUBJID, SEQ]
records: {each: LB}
variables:
  SITEID:  {copy: ADSL.SITEID}
  USUBJID: {copy: ADSL.USUBJID}
  SUBJID:  {copy: ADSL.SUBJID}
  OF:      {copy: ADSL.STUDYID, label: Study of the Subject, type: Char}
  SEQ:     {copy: LB.LBSEQ}
""")
    built(study)
    adx, meta = read_xpt(study.parent / "out" / "adam" / "adx.xpt")
    assert [v.name for v in meta.variables] == ["STUDYID", "SITEID", "USUBJID", "SUBJID", "OF", "SEQ"]
    assert (adx["USUBJID"] == "G-" + adx["SUBJID"]).all() and len(adx) == 5
    assert (adx["OF"] == "GIVEN-1").all()
    assert meta.variable("SEQ").label == "Label of LBSEQ"  # of the delivery, since no standard names another


def test_asking_how_a_delivered_value_was_derived_says_that_it_is_input(study):
    with pytest.raises(CommandError) as error:
        explain("DM.AGE", study)
    assert "DM comes finished" in str(error.value.problems[0])
