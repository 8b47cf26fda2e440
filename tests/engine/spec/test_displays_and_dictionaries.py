"""What displays.yaml and the dictionaries of study.yaml may say, and what lint makes of all else."""

import shutil
from pathlib import Path

import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.spec.displays import comparisons_of
from engine.spec.expressions import Expression
from engine.spec.lint import lint
from engine.spec.study import load_study

KV21 = Path(__file__).resolve().parents[2] / "second_study" / "kv21"
DISPLAYS = """
displays:
  T-1:
    title: Age
    results:
      - says: Mean age of those treated
        reason: SPECIFIED IN SAP
        purpose: PRIMARY OUTCOME MEASURE
        datasets: {ADSL: {where: "SAFFL == 'Y'", variables: [AGE]}}
"""


@pytest.fixture
def problems(tmp_path):
    """A function: text of displays.yaml, and lines added to study.yaml, to what lint says."""

    def run(displays="", study=""):
        folder = tmp_path / "kv21"
        shutil.copytree(KV21, folder, dirs_exist_ok=True)
        if displays:
            (folder / "displays.yaml").write_text(displays, encoding="utf-8")
        with (folder / "study.yaml").open("a", encoding="utf-8") as file:
            file.write(study)
        return [str(p) for p in lint(load_study(folder, "kv21"))]

    return run


def test_displays_that_the_study_can_make_have_no_problem(problems):
    assert problems(DISPLAYS) == []


WRONG = [
    ("ADSL:", "ADXX:", "no analysis dataset ADXX"),
    ("ADSL:", "DM:", "no analysis dataset DM"),
    ("[AGE]", "[AGEE]", "ADSL has no variable AGEE"),
    ("SAFFL ==", "SAFL ==", "ADSL has no variable SAFL"),
    ("SAFFL == 'Y'", "SAFFL == 'Y' or AGE > 5", "comparisons of variables with constants"),
    ("SAFFL == 'Y'", "SAFFL == TRTFL", "constants only"),
    ("SPECIFIED IN SAP", "IN SAP", 'no reason "IN SAP"'),
    ("PRIMARY OUTCOME MEASURE", "PRIMARY OUTCOME", 'no purpose "PRIMARY OUTCOME"'),
    ("says: Mean age of those treated", "says: Age", "says"),
    ("title: Age", "titel: Age", "titel"),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG, ids=[w[2] for w in WRONG])
def test_what_the_study_does_not_have_is_told_with_its_place(problems, old, new, said):
    assert old in DISPLAYS
    found = problems(DISPLAYS.replace(old, new))
    assert any(said in problem for problem in found)
    assert all("kv21/displays.yaml:" in problem for problem in found)


def test_a_term_of_the_sponsors_own_is_stated(problems):
    own = "purposes: {POPULATION: Who took part}\n" + DISPLAYS.replace("PRIMARY OUTCOME MEASURE", "POPULATION")
    assert problems(own) == []


@pytest.mark.parametrize(("text", "checks"), [
    ("PARAMCD == 'OS' and CNSR > 0", [("PARAMCD", "EQ", ("OS",)), ("CNSR", "GT", ("0",))]),
    ("PARAMCD in ['OS', 'EFS']", [("PARAMCD", "IN", ("OS", "EFS"))]),
    ("CYPFL is missing and ANL01FL is present", [("CYPFL", "EQ", ("",)), ("ANL01FL", "NE", ("",))]),
    ("PARAMCD not in ['OS'] and AVAL <= 5", [("PARAMCD", "NOTIN", ("OS",)), ("AVAL", "LE", ("5",))]),
])  # fmt: skip
def test_a_condition_becomes_the_comparisons_of_define_xml(text, checks):
    assert comparisons_of(Expression(text)) == checks


@pytest.mark.parametrize(("said", "problem"), [
    ("dictionaries: {MedDRA: {table: terms, version: '27.1'}}", ""),
    ("dictionaries: {MedDRA: {table: termz, version: '27.1'}}", 'no source "termz"'),
    ("dictionaries: {MedDRA: {table: terms, column: VERSIO}}", 'terms has no column "VERSIO"'),
    ("dictionaries: {MedDRA: {table: terms}}", "its version stands nowhere"),
    ("dictionaries: {ISO 3166: {version: '2020'}}", "nothing is coded with it"),
])  # fmt: skip
def test_dictionaries_name_a_source_and_say_where_their_version_stands(problems, said, problem):
    found = problems(study=f"\n{said}\n")
    assert (problem in found[0] and "kv21/study.yaml:" in found[0]) if problem else found == []
