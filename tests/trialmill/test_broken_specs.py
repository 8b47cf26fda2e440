"""A broken spec is a clear message with file, line, what was found and what is near, and exit status 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sdtm  # noqa: F401  registers the verbs of SDTM
from engine.spec.lint_dates import _dates
from engine.spec.registry import RECORD_VERBS, VERBS

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "spec/study.yaml": """
study: TOY-7
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
settings: {DCUTDT: 2030-12-31}
identity: {subjects: enrol, USUBJID: {prefix: TOY-7-, first: enrol."Patient No"}}
codelists: {COLOURS: {RED: Red, BLUE: Blue}}
""",
    "spec/raw.yaml": """
carriers: {csv: {folder: forms, pattern: "{form}.csv"}}
common: {"Patient No": text}
roles: {subject: "Patient No"}
formats: {date: "YYYY/M/D"}
""",
    "spec/tables/words.csv": "TERM,WORD\nFinished,COMPLETED\n",
    "spec/sdtm/ds.yaml": """
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
  DSSPID: {look_up: DSTERM, in: words, match: TERM, give: WORD, unmatched: allowed}
  DSSEQ: {sequence: keys}
supplemental:
  DSCOL: {set: RED, codelist: COLOURS, label: Colour}
""",
    "spec/adam/adsl.yaml": """
dataset: ADSL
label: Subject-Level Analysis Dataset
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  ARM: {copy: 'enrol."Arm Given"', label: Description of Planned Arm, type: Char}
  COMPLFL: {exists: DS, where: "DS.DSDECOD == 'COMPLETED'", else: N}
  NDS: {count: DS, label: Dispositions, type: Num}
  LASTDS: {last: DS.DSTERM, order: [DS.DSSTDTC], label: Last Disposition, type: Char}
""",
    "raw/forms/enrol.csv": "Patient No,Arm Given\nA1,Two\nB2,One\n",
    "raw/forms/status.csv": "Patient No,What Happened,Date of Status\nB2,Finished,2030/3/9\nA1,DEATH,2030/12/1\n",
}


@pytest.fixture
def place(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def mill(place, *command):
    return subprocess.run(
        [sys.executable, "-m", "trialmill", *command, "--study", "spec", "--raw", "raw"], cwd=place, capture_output=True,
        text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_the_study_itself_is_clean_and_builds(place):
    done = mill(place, "lint")
    assert done.returncode == 0
    assert "hooks: 0 of this study's own, 0 lines of Python\nverbs: the specs use 11; there is no study" in done.stdout
    done = mill(place, "build", "--out", "out")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("file", "before", "after", "at", "said"), [
    ("sdtm/ds.yaml", "{copy: 'status.\"What Happened\"'", "{copy: 'status.\"What Hapened\"'", "ds.yaml:7:3",
     "nearest   What Happened"),
    ("sdtm/ds.yaml", "records: {each: status}", "records: {each: statuses}", "ds.yaml:5:11", "nearest   status"),
    ("sdtm/ds.yaml", "codelist: NCOMPLT", "codelist: NCOMPLTE", "ds.yaml:8:", "nearest   NCOMPLT"),
    ("sdtm/ds.yaml", "set: DISPOSITION EVENT", "set: DISPOSITON EVENT", "ds.yaml:9:3", "nearest   DISPOSITION EVENT"),
    ("sdtm/ds.yaml", "{Finished: COMPLETED}", "{Finished: COMPLETE}", "ds.yaml:8:3", "nearest   COMPLETED"),
    ("sdtm/ds.yaml", "set: RED", "cases: [{when: DSTERM is present, give: GREEN}]", "ds.yaml:16:3", "COLOURS (sponsor) has no such term"),
    ("sdtm/ds.yaml", "DSSTDTC, DSTERM]", "DSSTDTC, DSTERM, DSSTDTC]", "ds.yaml:3:", "the key DSSTDTC is named twice"),
    ("sdtm/ds.yaml", "give: WORD", "give: WRD", "ds.yaml:13:3", "nearest   WORD"),
    ("sdtm/ds.yaml", "{sequence: keys}", "{sequense: keys}", "ds.yaml:14:", "nearest   sequence"),
    ("sdtm/ds.yaml", "{set: DISPOSITION EVENT}", "{set: DISPOSITION EVENT, lenght: 20}", "ds.yaml:9:", "nearest   length"),
    ("sdtm/ds.yaml", "{not_collected: no reference date in this study}", "{first_of: [DSSTDY]}", "ds.yaml:12:3", "in a circle"),
    ("adam/adsl.yaml", "{count: DS,", "{set: many,", "adsl.yaml:10:3", "numeric and the line gives text"),
    ("adam/adsl.yaml", "DS.DSDECOD == 'COMPLETED'", "DS.DSDECOD == 'COMPLETE'", "adsl.yaml:9:3", "never holds it"),
    ("adam/adsl.yaml", "DS.DSDECOD == 'COMPLETED'", "DS.DSSEQ == 'one'", "adsl.yaml:9:3", "is a number and is compared with text"),
    ("adam/adsl.yaml", "order: [DS.DSSTDTC]", "order: [DS.DSSTDTC], where: \"DS.DSSTDTC != '2030-03-09'\"", "adsl.yaml:11:3",
     "records without DS.DSSTDTC are left out"),
    ("adam/adsl.yaml", "{exists: DS, where", "{exists: DM, where", "adsl.yaml:9:3", 'no source or table "DM"'),
    ("adam/adsl.yaml", "label: Last Disposition, type: Char", "type: Char", "adsl.yaml:11:3", "neither the standard nor the spec says its label"),
    ("adam/adsl.yaml", "keys:", "keys: [USUBJID]\nkeys:", "adsl.yaml:5:1", 'the key "keys" is given twice'),
    ("sdtm/ds.yaml", "{not_collected: no reference date in this study}", "{study_day: DSSEQ, reference: DSSTDTC}",
     "ds.yaml:12:3", "study_day reads a date, and DSSEQ is numeric"),
    ("adam/adsl.yaml", "{count: DS,", "{date: DS.DSSEQ,", "adsl.yaml:10:3", "date reads a date, and DS.DSSEQ is numeric"),
    ("study.yaml", "first: enrol.\"Patient No\"", "first: enrol.\"Patient\"", "study.yaml:7:", "nearest   Patient No"),
    ("study.yaml", "subjects: enrol", "subjects: enroll", "study.yaml:7:", "nearest   enrol"),
])
def test_a_broken_spec_is_named_with_its_place_and_status_2(place, file, before, after, at, said):
    path = place / "spec" / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    done = mill(place, "lint")
    assert done.returncode == 2 and done.stderr == ""
    assert any(at in problem and said in problem for problem in done.stdout.split("\n\n")), done.stdout


@pytest.mark.parametrize(("before", "after"), [("codelist: NCOMPLT", "codelist: NCOMPLTE"), ("sequence", "sequense")])
def test_the_report_of_lint_is_one_stream_that_ends_with_the_number_of_problems(place, before, after):
    path = place / "spec" / "sdtm" / "ds.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(before, after, 1), encoding="utf-8")
    done = mill(place, "lint")
    problems = done.stdout.split("\n\n")
    assert problems[0].startswith("spec/sdtm/ds.yaml:") and done.stderr == ""
    assert problems[-1].splitlines()[-1] == "spec: 1 problem"


def test_a_build_refuses_names_that_the_export_does_not_have(place):
    path = place / "raw" / "forms" / "status.csv"
    path.write_text(path.read_text().replace("What Happened", "What happened"))
    done = mill(place, "build", "--out", "out")
    assert done.returncode == 2 and "nearest   What happened" in done.stderr and not (place / "out").exists()


def test_dates_in_lists_and_in_models_of_a_step_are_seen():
    def marked(verb, params):
        return [str(ref) for ref in _dates(verb.model.model_validate(params))]

    element = {"start": ["VISITNUM"], "code": "X"}
    assert marked(RECORD_VERBS["elements"], {"of": {"A": element}, "end": "AGE", "ended": "X == 1"}) == ["VISITNUM", "AGE"]
    assert marked(VERBS["iso8601"], {"of": ["AESEQ"]}) == ["AESEQ"]
    assert marked(VERBS["study_day"], {"dtc": "A"}) == ["A", "DM.RFSTDTC"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('date: "YYYY/M/D"', "date: DDMMMYYYY", ("raw.yaml:5:", "the month stands twice", "nearest   DDMONYYYY")),
        ('date: "YYYY/M/D"', "date: foo", ("raw.yaml:5:", '"foo" is no part of a format', "found     foo")),
        ('date: "YYYY/M/D"', 'time: "MM:SS"', ("raw.yaml:5:", "formats: time: the format has no hour")),
        (
            'common: {"Patient No": text}',
            'common: {"Patient No": text, ENTERED: {type: date, format: DD-MMM-YYYY}}',
            ("raw.yaml:3:", "ENTERED: format", "DD-MON-YYYY"),
        ),
    ],
)
def test_a_date_format_that_cannot_be_read_is_a_message_of_lint_and_build(place, old, new, told):
    path = place / "spec" / "raw.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    for command in (("lint",), ("build", "--out", "out")):
        done = mill(place, *command)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert all(part in done.stdout + done.stderr for part in told)
