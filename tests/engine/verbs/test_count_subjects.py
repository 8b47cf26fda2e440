"""How many subjects of the study have a record: all of them, or for each record those of its site."""

import numpy as np
import pandas as pd

import engine.verbs  # noqa: F401
from engine.run.build import build
from engine.run.identity import RawTable
from engine.spec.lint import lint
from engine.spec.study import load_study

FILES = {
    "study.yaml": """
study: TOY
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {adam: {standard: adamig}}
identity: {subjects: subj, USUBJID: {first: subj.SUBJECT}}
""",
    "raw.yaml": "carriers: {csv: {folder: edc}}\ncommon: {SUBJECT: text}\nroles: {subject: SUBJECT}\n",
    "adam/adsl.yaml": """
dataset: ADSL
label: Subjects
structure: ADSL
class: SUBJECT LEVEL ANALYSIS DATASET
keys: [STUDYID, USUBJID]
records: {each: subj}
variables:
  SITEID: {copy: subj.SITE}
  ALL:    {count_subjects: visit, label: Subjects with a Visit, type: Num}
  ATSITE: {count_subjects: visit, match: {SITE: SITEID}, label: Those of the Site, type: Num}
  LATE:   {count_subjects: visit, where: "visit.NUM == '2'", match: {SITE: SITEID}, label: Those Seen Twice, type: Num}
""",
}
SUBJ = {"SUBJECT": ["1", "2", "3", "4"], "SITE": ["A", "A", "B", None]}
VISIT = {"SUBJECT": ["1", "1", "2", "3", "4"], "SITE": ["A", "A", "A", "B", None], "NUM": ["1", "2", "1", "2", "1"]}


class Tools:
    def to_ascii(self, values):
        return values


def raw(name, columns):
    n = len(columns["SUBJECT"])
    return RawTable(name, pd.DataFrame(columns, dtype="str"), (f"{name}.csv",), np.zeros(n, dtype=np.int64), np.arange(2, n + 2), "SUBJECT")


def made(folder):
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load_study(folder)


def test_subjects_are_counted_once_and_where_asked_those_with_the_records_own_value(tmp_path):
    result = build(made(tmp_path), {"subj": raw("subj", SUBJ), "visit": raw("visit", VISIT)}, Tools(), ["adam"])
    adsl = result.packages["adam"][0].frame
    assert adsl[["ALL", "ATSITE", "LATE"]].to_numpy().tolist() == [
        [4, 2, 1],  # site A: subjects 1 and 2, of which 1 came twice
        [4, 2, 1],
        [4, 1, 1],
        [4, 0, 0],  # nobody is at the site of a subject without one
    ]


def test_lint_knows_the_columns_that_are_matched(tmp_path):
    study = made(tmp_path)
    known = {name: tuple(columns) for name, columns in (("subj", SUBJ), ("visit", VISIT))}
    assert lint(study, known) == []
    (tmp_path / "adam" / "adsl.yaml").write_text(FILES["adam/adsl.yaml"].replace("{SITE: SITEID}", "{SITTE: SITEID}"))
    assert any('visit has no "SITTE"' in str(p) for p in lint(load_study(tmp_path), known))
