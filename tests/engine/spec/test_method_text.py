"""Methods for reviewers: sentences, intermediate values explained, copies led back to the variable that is submitted."""

import shutil
from pathlib import Path

import pytest

import adam  # noqa: F401  registers the verbs of ADaM
import engine.verbs  # noqa: F401  registers the general verbs
import sdtm  # noqa: F401  registers the verbs of SDTM
from engine.spec.lint import lint
from engine.spec.method_text import finished, records_method, variable_method
from engine.spec.methods import identity_sentence
from engine.spec.predecessors import predecessors
from engine.spec.study import load_study
from engine.spec.words import without_code

KV21 = Path(__file__).resolve().parents[2] / "second_study" / "kv21"
WORK = """
dataset: WORK
working: true
structure: BDS
keys: [STUDYID, USUBJID]
records:
  - each: DM
  - where: "DM.SEX == 'F'"
variables:
  LAST: {copy: DM.RFXENDTC, type: Char}
  _MORE: {first_of: [LAST, DM.RFXSTDTC], type: Char}
  DAYS: {compute: AGE * 2, type: Num}
  AGE: {copy: DM.AGE}
"""
LINES = """  LASTDTC: {copy: WORK.LAST, label: Last Dose, type: Char}
  _BOTH: {first_of: [LASTDTC, WORK._MORE], type: Char}
  ENDDTC: {copy: _BOTH, label: End, type: Char}
  DAYS: {compute: WORK.DAYS + study.LONG, label: Days, type: Num}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("methods") / "kv21"
    shutil.copytree(KV21, folder)
    (folder / "adam" / "work.yaml").write_text(WORK, encoding="utf-8")
    adsl = folder / "adam" / "adsl.yaml"
    adsl.write_text(adsl.read_text(encoding="utf-8").rstrip() + "\n" + LINES, encoding="utf-8")
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    (folder / "study.yaml").write_text(text.replace("settings: {", "settings: {LONG: 30, "), encoding="utf-8")
    study = load_study(folder)
    assert lint(study) == []
    return study


def test_what_nobody_outside_sees_is_explained_after_it_is_named(study):
    assert variable_method(study, "ADSL", "ENDDTC").split("\n") == [
        "Copied from _BOTH.",
        "Intermediate values:",
        "_BOTH: The first present of LASTDTC, WORK._MORE.",
        "WORK._MORE: The first present of LAST, DM.RFXSTDTC.",
        "Records of WORK: One record for each record of DM; where DM.SEX = 'F'.",
        "WORK.LAST: Copied from DM.RFXENDTC.",
    ]


def test_a_setting_is_told_with_its_value(study):
    assert variable_method(study, "ADSL", "DAYS").split("\n") == [
        "Computed as WORK.DAYS + study.LONG.",
        "Intermediate values:",
        "WORK.DAYS: Computed as AGE * 2.",
        "Records of WORK: One record for each record of DM; where DM.SEX = 'F'.",
        "WORK.AGE: Copied from DM.AGE.",
        "study.LONG: 30.",
    ]


def test_a_method_that_names_only_what_is_submitted_needs_no_more(study):
    assert variable_method(study, "AE", "AEENDY") == (
        "AEENDTC minus DM.RFSTDTC in days, plus 1 on or after DM.RFSTDTC; no day 0."
    )
    assert records_method(study, "AE").split("\n") == [
        "One record for each record of events.",
        "Records whose AESTDTC is after the cut-off (study.DCUTDT) are left out.",
    ]


@pytest.mark.parametrize(("dataset", "variable", "sources", "why"), [
    ("ADSL", "SEX", ("DM.SEX",), "copied from a submitted dataset"),
    ("ADSL", "LASTDTC", ("DM.RFXENDTC",), "through a dataset that is not submitted"),
    ("ADSL", "ENDDTC", (), "the first of several is no copy"),
    ("ADSL", "USUBJID", ("DM.USUBJID",), "no line: it comes with the record"),
    ("ADTTE", "USUBJID", ("ADSL.USUBJID",), "no line: it comes with the record"),
    ("AE", "AETERM", (), "from a form"),
])
def test_a_copy_is_led_back_to_the_variable_that_is_submitted(study, dataset, variable, sources, why):
    assert predecessors(study, dataset, variable) == sources, why


def test_usubjid_is_said_by_the_rules_of_identity(study):
    assert identity_sentence(study).startswith('"KV-21-" and enrolment.')


@pytest.mark.parametrize(("text", "told"), [
    ("", ""),
    ("once for each of A", "Once for each of A."),
    ("ae.AETERM as collected", "ae.AETERM as collected."),
    ("AE.AETERM as collected.", "AE.AETERM as collected."),
])
def test_a_line_becomes_a_sentence(text, told):
    assert finished(text) == told


@pytest.mark.parametrize(("code", "said"), [
    ("A == 'x' and B != 'y' and C in ['p', 'q']", "A = 'x' and B <> 'y' and C in ('p', 'q')"),
    ("first_day(V.DUE) <= date(study.CUT)", "the first day V.DUE may mean <= the date of study.CUT"),
    ("EX.EXENDTC is missing or date(EX.EXENDTC) is missing", "EX.EXENDTC is missing or EX.EXENDTC is no complete date"),
    ("starts_with(upper(CONC), 'BLQ')", "CONC in upper case starts with 'BLQ'"),
    ("round(A + 0.02 * (40 - B), 4)", "(A + 0.02 * (40 - B)) rounded to 4 decimals"),
    ("abs(ADY - TARGET)", "the absolute value of (ADY - TARGET)"),
    ("max(ARRLT, 0) if ARRLT is present", "the highest of ARRLT, 0 if ARRLT is present"),
    ("contains(TEXT, '(a, b)')", "TEXT contains '(a, b)'"),
    ("A, rounded to 1 decimals", "A, rounded to 1 decimal"),
    ("of the date (of X)", "of the date (of X)"),
])
def test_conditions_are_written_as_people_write_them(code, said):
    assert without_code(code) == said


def test_an_intermediate_value_is_told_for_each_part_of_the_records_that_reads_it():
    ds = load_study(Path(__file__).resolve().parents[3] / "specs" / "by002")
    told = variable_method(ds, "DS", "DSSTDTC")
    assert "_DATE (treatment): eot.EOTDAT in ISO 8601" in told
    assert "_DATE (study): eos.EOSDAT in ISO 8601" in told
    terms = variable_method(ds, "DM", "ARMNRS")
    assert "'ASSIGNED, NOT TREATED' if RFXSTDTC is missing" in terms  # text is told from a variable by its quotes
