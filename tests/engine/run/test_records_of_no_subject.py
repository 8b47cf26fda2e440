"""Datasets whose records come from a table of the study: no subject, numbered within a variable, counted over all."""

import numpy as np
import pandas as pd
import pytest

import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.errors import SpecError
from engine.run.build import build
from engine.run.identity import RawTable
from engine.spec.catalogue import Catalogue
from engine.spec.lint import lint
from engine.spec.study import load_study
from validators.schemas import make_schema

STUDY = """
study: TOY
title: A Trial of a Toy
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}}
identity: {subjects: subj, USUBJID: {prefix: TOY-, first: subj.SUBJECT}}
"""
RAW = "carriers: {csv: {folder: edc}}\ncommon: {SUBJECT: text}\nroles: {subject: SUBJECT}\n"
TS = """
dataset: TS
keys: [STUDYID, TSPARMCD, TSSEQ]
ties: facts.ORD
records: {each: facts}
variables:
  TSPARMCD: {copy: facts.CODE}
  TSPARM: {decode: TSPARMCD, codelist: TSPARMCD}
  TSSEQ: {sequence: keys, within: TSPARMCD}
  _COUNT: {count_subjects: DM, where: "DM.COUNTRY == 'CHN'", type: Char}
  _FIRST: {earliest_in_study: DM.RFICDTC, type: Char}
  _TEXT:
    cases:
      - {when: "facts.TEXT is present", copy: facts.TEXT}
      - {when: "TSPARMCD == 'TITLE'", copy: study.title}
      - {when: "TSPARMCD == 'SDTMVER'", copy: study.sdtm_model}
      - {when: "TSPARMCD == 'ACTSUB'", copy: _COUNT}
      - {when: "TSPARMCD == 'SSTDTC'", copy: _FIRST}
    type: Char
  TSVAL: {text_part: _TEXT, parts: 3}
  TSVAL1: {text_part: _TEXT, number: 2, parts: 3, if_empty: leave_out}
  TSVAL2: {text_part: _TEXT, number: 3, parts: 3, if_empty: leave_out}
  TSVALCD: {term_code: _TEXT, codelist_of: facts.LIST}
  TSVCDREF: {set: CDISC CT, where: TSVALCD is present}
  TSVCDVER: {copy: study.sdtm_terminology, where: TSVALCD is present}
"""
DM = """
dataset: DM
label: Demographics
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  RFICDTC: {copy: subj.DAY}
  COUNTRY: {copy: subj.WHERE}
"""
TA = """
dataset: TA
keys: [STUDYID, ARMCD, TAETORD]
records:
  each: arms
  join: {source: steps, same_subject: false, several: all}
  where: "steps.ONLY is missing or steps.ONLY == arms.ARMCD"
variables:
  ARMCD: {copy: arms.ARMCD}
  ARM: {copy: arms.ARM}
  TAETORD: {copy: steps.AT}
  ETCD: {copy: steps.ETCD}
  TABRANCH: {not_collected: no branches}
  TATRANS: {not_collected: no transitions}
  EPOCH: {set: TREATMENT}
"""
FACTS = """CODE,ORD,TEXT,LIST
DOSE,2,50,
TITLE,1,,
DOSE,10,20,
ACTSUB,1,,
SSTDTC,1,,
TBLIND,1,OPEN LABEL,TBLIND
DOSE,1,100,
SDTMVER,1,,SDTMVRS
"""
FORMS = "forms:\n  subj: {name: Subject, items: {WHERE: {type: text}, DAY: {type: text}}}\n"
FILES = {
    "study.yaml": STUDY,
    "forms.yaml": FORMS,
    "raw.yaml": RAW,
    "sdtm/ts.yaml": TS,
    "sdtm/dm.yaml": DM,
    "sdtm/ta.yaml": TA,
    "tables/facts.csv": FACTS,
    "tables/arms.csv": "ARMCD,ARM\nB,Arm B\nA,Arm A\n",
    "tables/steps.csv": "AT,ETCD,ONLY\n2,DOSEB,B\n1,RUNIN,\n2,DOSEA,A\n",
}


class Tools:
    def to_ascii(self, values):
        return values

    def to_iso(self, source, date, time, dates, times):
        return dates, np.zeros(len(dates), dtype=bool)


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def change(folder, name, before, after):
    text = (folder / name).read_text(encoding="utf-8")
    assert before in text
    (folder / name).write_text(text.replace(before, after), encoding="utf-8")


def built(folder, jobs=1):
    rows = [["03", "CHN", "2025-01-03"], ["01", "CHN", "2025-01-02"], ["02", "USA", "2025-01-01"]]
    frame = pd.DataFrame(rows, columns=["SUBJECT", "WHERE", "DAY"], dtype="str")
    raw = RawTable("subj", frame, ("subj.csv",), np.zeros(3, dtype=np.int64), np.arange(2, 5), "SUBJECT")
    result = build(load_study(folder), {"subj": raw}, Tools(), ["sdtm"], jobs=jobs)
    return {b.info.name: b for b in result.packages["sdtm"]}, result


def test_a_record_comes_of_each_line_of_the_table_and_has_no_subject(folder):
    datasets, result = built(folder)
    ts = datasets["TS"].frame
    assert not result.issues and "USUBJID" not in ts.columns
    assert dict(zip(ts["TSPARMCD"], ts["TSVAL"], strict=True)) == {
        "DOSE": "20", "TITLE": "A Trial of a Toy", "ACTSUB": "2", "SSTDTC": "2025-01-01", "TBLIND": "OPEN LABEL",
        "SDTMVER": "2.0",
    }  # fmt: skip


def test_records_are_numbered_anew_within_a_variable_by_the_stated_order(folder):
    ts = built(folder)[0]["TS"].frame
    doses = ts[ts["TSPARMCD"] == "DOSE"]
    assert doses[["TSSEQ", "TSVAL"]].to_numpy().tolist() == [[1, "100"], [2, "50"], [3, "20"]]
    assert (ts["TSSEQ"][ts["TSPARMCD"] != "DOSE"] == 1).all()


def test_the_order_of_lines_in_the_table_and_threads_change_nothing(folder):
    before = built(folder)[0]
    header, *lines = FACTS.splitlines()
    (folder / "tables" / "facts.csv").write_text("\n".join([header, *lines[::-1]]) + "\n", encoding="utf-8")
    after = built(folder, jobs=2)[0]
    assert all(before[n].frame.equals(after[n].frame) for n in before)


def test_each_record_meets_every_record_of_another_table(folder):
    ta = built(folder)[0]["TA"].frame
    assert ta[["ARMCD", "TAETORD", "ETCD"]].to_numpy().tolist() == [
        ["A", 1, "RUNIN"], ["A", 2, "DOSEA"], ["B", 1, "RUNIN"], ["B", 2, "DOSEB"]]  # fmt: skip


def test_the_schemas_hold_for_datasets_of_no_subject(folder):
    datasets, result = built(folder)
    catalogue = Catalogue(result.run.study)
    for name in ("TS", "TA"):
        assert make_schema(catalogue, datasets[name].info).faults(datasets[name].frame) == []
    ts = datasets["TS"]
    wrong = ts.frame.assign(TSPARM=ts.frame["TSPARM"].where(ts.frame["TSPARMCD"] != "TITLE", "Trial Phase"))
    assert {f.rule for f in make_schema(catalogue, ts.info).faults(wrong)} >= {"decode"}
    repeated = pd.concat([ts.frame, ts.frame.iloc[[0]]], ignore_index=True)
    assert [f.rule for f in make_schema(catalogue, ts.info).faults(repeated)] == ["keys"]


def test_a_variable_without_any_value_is_left_out_only_where_the_spec_says_so(folder):
    datasets, result = built(folder)
    assert {"TSVAL1", "TSVAL2"}.isdisjoint(datasets["TS"].frame) and {"TABRANCH", "TATRANS"} <= set(datasets["TA"].frame)
    assert "TSVAL1" not in [v.name for v in datasets["TS"].info.variables]
    change(folder, "tables/facts.csv", "DOSE,2,50,", f"DOSE,2,{'word ' * 45},")
    long, result = built(folder)
    frame = long["TS"].frame
    assert frame["TSVAL1"].notna().sum() == 1 and "TSVAL2" not in frame.columns
    assert list(frame.columns).index("TSVAL1") == list(frame.columns).index("TSVAL") + 1
    info = Catalogue(result.run.study).datasets["TS"]
    assert make_schema(Catalogue(result.run.study), info).faults(frame) == [], "a file without TSVAL2 is whole"
    assert info.variable("TSVAL1").label == "Parameter Value 1"


def test_text_that_takes_more_parts_than_there_are_is_blocking(folder):
    change(folder, "tables/facts.csv", "DOSE,2,50,", f"DOSE,2,{'word ' * 150},")
    (issue,) = built(folder)[1].issues
    assert issue.severity == "blocking" and "more than 3 parts" in issue.message
    assert issue.source == "tables/facts.csv line 2" and issue.subject == ""


def test_a_term_that_its_codelist_does_not_hold_is_blocking(folder):
    change(folder, "tables/facts.csv", "OPEN LABEL", "OPEN-LABEL")
    (issue,) = built(folder)[1].issues
    assert (issue.severity, issue.variable) == ("blocking", "TSVALCD")
    assert "does not hold this term" in issue.message and "OPEN-LABEL in TBLIND" in issue.message


def test_a_term_of_the_sponsors_own_has_no_code_and_is_listed(folder):
    change(folder, "study.yaml", "identity:", "codelists: {SDTMVRS: {2.0A: Our Version}}\nidentity:")
    change(folder, "tables/facts.csv", "SDTMVER,1,,", "SDTMVER,1,2.0A,")
    datasets, result = built(folder)
    ts = datasets["TS"].frame.set_index("TSPARMCD")
    assert pd.isna(ts.loc["SDTMVER", "TSVALCD"]) and ts.loc["TBLIND", "TSVALCD"] == "C49659"
    assert [(i.severity, i.variable) for i in result.issues] == [("warning", "TSVALCD")]


WRONG = [
    ("sdtm/ts.yaml", "copy: facts.CODE", "copy: facts.CODES", 'facts.csv has no column "CODES"'),
    ("sdtm/ts.yaml", "copy: study.title", "copy: arms.ARM", "no record of TS comes from the table arms"),
    ("sdtm/ts.yaml", "each: facts", "each: fcats", 'no source or table "fcats"'),
    ("sdtm/ts.yaml", "TSVAL: {text_part: _TEXT, parts: 3}", "TSVAL: {text_part: _TEXT, parts: 3, if_empty: leave_out}",
     "may not be left out"),
    ("sdtm/ts.yaml", "study.title", "study.titel", "nearest   title"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "before", "after", "said"), WRONG, ids=[c[3] for c in WRONG])
def test_wrong_names_of_tables_and_columns_are_found_before_anything_is_built(folder, file, before, after, said):
    assert own_problems(folder) == []
    change(folder, file, before, after)
    assert any(said in p for p in own_problems(folder))


def own_problems(folder):
    """Problems of TS; the small DM lacks expected variables."""
    return [str(p) for p in lint(load_study(folder)) if "ts.yaml:" in str(p)]


def test_a_number_beyond_the_parts_is_an_error_of_the_spec(folder):
    change(folder, "sdtm/ts.yaml", "number: 3, parts: 3", "number: 4, parts: 3")
    with pytest.raises(SpecError, match="one of 1 to parts"):
        load_study(folder)
