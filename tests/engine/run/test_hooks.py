"""Hooks of a study: run from its own file, told by their own sentence, and named with file and line when they fail."""

import sys

import numpy as np
import pandas as pd
import pytest

import engine.verbs  # noqa: F401
from engine.run.build import build
from engine.run.identity import RawTable
from engine.spec.effort import effort
from engine.spec.lint import lint
from engine.spec.registry import sentence
from engine.spec.study import load_study

STUDY = """
study: TOY
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {adam: {standard: adamig}}
identity: {subjects: subj, USUBJID: {first: subj.SUBJECT}}
hooks:
  since_first:
    reads: [DAY]
    far: {dose: [DAY]}
    writes: [ADX.SINCE]
    scope: subject
    says: Days since the subject's first dose
  halves:
    kind: records
    reads: [dose.DAY]
    writes: [ADX]
    columns: [PART, SHARE]
    scope: record
    says: Each day as a morning and an evening
"""
RAW = "carriers: {csv: {folder: edc}}\ncommon: {SUBJECT: text}\nroles: {subject: SUBJECT}\n"
ADX = """
dataset: ADX
label: Made-up Days
keys: [USUBJID, DAY, PART]
records: {each: dose, hook: halves}
variables:
  DAY: {copy: dose.DAY, label: Day, type: Num}
  PART: {copy: hook.PART, label: Part of the Day, type: Char}
  SHARE: {copy: hook.SHARE, label: Share of the Day, type: Num}
  SINCE: {hook: since_first, label: Days since First Dose, type: Num}
"""
HOOKS = '''
"""Hooks of the toy study."""
import pandas as pd


def since_first(records, far):
    # a comment is no line of code
    first = far["dose"].astype({"DAY": float}).groupby("USUBJID")["DAY"].min()
    return records["DAY"] - records["USUBJID"].map(first)


def halves(records):
    part = pd.concat([records.assign(PART=p, SHARE=0.5) for p in ("AM", "PM")])
    return part[["PART", "SHARE"]]
'''
DOSES = [("01", "3"), ("02", "7"), ("01", "1"), ("02", "8")]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "adam").mkdir()
    for name, text in (("study.yaml", STUDY), ("raw.yaml", RAW), ("adam/adx.yaml", ADX), ("hooks.py", HOOKS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


class Tools:
    def to_ascii(self, values):
        return values


def table(name, rows, columns):
    frame = pd.DataFrame(rows, columns=columns, dtype="str")
    return RawTable(name, frame, (f"{name}.csv",), np.zeros(len(rows), dtype=np.int64), np.arange(len(rows)) + 2, "SUBJECT")


def built(folder, doses=DOSES):
    raw = {"subj": table("subj", [("01",), ("02",)], ["SUBJECT"]), "dose": table("dose", doses, ["SUBJECT", "DAY"])}
    return build(load_study(folder), raw, Tools(), ["adam"])


def change(folder, name, before, after):
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after, 1))


def test_hooks_make_records_and_values_whatever_the_order_of_raw_rows(folder):
    path, expected = list(sys.path), None
    for doses in (DOSES, DOSES[::-1]):
        found = built(folder, doses).packages["adam"][0].frame
        rows = found[["USUBJID", "DAY", "PART", "SHARE", "SINCE"]].to_numpy().tolist()
        expected = expected or rows
        assert rows == expected
    assert expected[:3] == [["01", 1, "AM", 0.5, 0], ["01", 1, "PM", 0.5, 0], ["01", 3, "AM", 0.5, 2]]
    assert sys.path == path and not list(folder.rglob("__pycache__")) and not [p for p in folder.iterdir() if p.suffix == ".pyc"]


def test_the_reviewer_reads_the_hooks_own_sentence(folder):
    line = load_study(folder).datasets["ADX"].line("SINCE")
    assert sentence(line.verb, line.params) == "Days since the subject's first dose"
    assert {str(r) for r in line.refs()} == {"DAY", "dose.DAY"}


@pytest.mark.parametrize(("before", "after", "line", "said"), [
    ("float}", "int, 'X': int}", 8, "KeyError"),
    ("return records[\"DAY\"]", "return 1 / 0 + records[\"DAY\"]", 9, "ZeroDivisionError"),
    ("return records[\"DAY\"] - records[\"USUBJID\"].map(first)", "return [1]", 0, "must give a Series"),
    ("return records[\"DAY\"] - records[\"USUBJID\"].map(first)", "return records[\"DAY\"].iloc[1:]", 0, "one value for each"),
    ("return records[\"DAY\"] -", "return records[\"DAY\"] >", 0, "gives true and false"),
    ("records[\"USUBJID\"].map(first)", "records[\"DAY\"].min()", 6, "when it sees one subject only"),
    ("return part[[\"PART\", \"SHARE\"]]", "return part[[\"PART\"]]", 12, "a frame of its declared columns"),
    ("return part[[\"PART\", \"SHARE\"]]", "return part[[\"PART\", \"SHARE\"]].set_axis(range(99, 99 + len(part)))", 12,
     "the index must name"),
    ("import pandas as pd", "import no_such_module", 3, "cannot be loaded"),
])
def test_a_failing_hook_is_named_with_its_file_and_line(folder, before, after, line, said):
    change(folder, "hooks.py", before, after)
    result = built(folder)
    issue = next(i for i in result.issues if i.severity == "blocking" and said in i.message)
    assert issue.source == f"{folder}/hooks.py" + (f":{line}" if line else ""), issue


@pytest.mark.parametrize(("name", "before", "after", "place", "said"), [
    ("adam/adx.yaml", "hook: since_first", "hook: since_frist", "adx.yaml:10", "nearest   since_first"),
    ("hooks.py", "def since_first(records, far)", "def since_frist(records, far)", "study.yaml:8", 'no function "since_first"'),
    ("hooks.py", "def since_first(records, far)", "def since_first(records)", "hooks.py:6", "takes 1 arguments"),
    ("hooks.py", "def halves", "def extra(records):\n    return 1\n\n\ndef halves", "hooks.py:12", 'defines "extra"'),
    ("hooks.py", "def halves", "def halves(:\n\ndef halves", "hooks.py:12", "not Python"),
    ("study.yaml", "writes: [ADX.SINCE]", "writes: [ADX.SINC]", "adx.yaml:10", "does not say that it writes"),
    ("study.yaml", "DAY]\n    far: {dose: [DAY]}", "DAYS]\n    far: {dose: [DAY]}", "adx.yaml:10", 'has no "DAYS"'),
    ("adam/adx.yaml", "SINCE: {hook: since_first,", "SINCE: {copy: DAY,", "study.yaml:8", "used by no line"),
    ("adam/adx.yaml", "SINCE: {hook: since_first,", "SINCE: {hook: halves,", "adx.yaml:10", "makes records, not a variable"),
    ("adam/adx.yaml", "hook.PART", "hook.PRAT", "adx.yaml:8", "nearest   PART"),
])
def test_lint_names_undeclared_missing_unused_and_misused_hooks(folder, name, before, after, place, said):
    change(folder, name, before, after)
    found = [str(p) for p in lint(load_study(folder))]
    assert any(place in p and said in p for p in found), found


def test_hooks_and_verbs_of_this_study_alone_are_counted(folder):
    study = load_study(folder)
    assert lint(study) == []
    counts = effort(study, [])
    assert (counts.hooks, counts.record_hooks, counts.hook_lines, counts.alone) == (2, 1, 8, None)
    assert effort(study, [study]).alone == ()
