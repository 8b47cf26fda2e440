"""Lint: every problem of a study at once, each at its place with the nearest name."""

import pytest

import sdtm.terms
import sdtm.timing  # noqa: F401
from engine.errors import SpecError
from engine.spec.lint import lint
from engine.spec.study import load_study

STUDY = """
study: TOY
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}}
settings: {DCUTDT: 2025-06-30}
identity: {subjects: subj, USUBJID: {first: subj.SUBJECT}}
codelists: {NY: {X: Perhaps}, OURS: {A: Our A}}
"""
RAW = "carriers: {csv: {folder: edc}}\ncommon: {SUBJECT: text}\nroles: {subject: SUBJECT}\n"
FORMS = """
forms:
  subj: {name: Subject, items: {PERSON: {type: text}}}
  ds: {name: Disposition, repeating: "true", items: {TERM: {type: text}, DATE: {type: date}}}
"""
GOOD = """
dataset: DS
keys: [STUDYID, USUBJID, DSSTDTC, DSTERM]
cut_off: DSSTDTC
records: {each: ds}
variables:
  DSTERM: {copy: ds.TERM}
  DSDECOD: {terms: ds.TERM, codelist: NCOMPLT}
  DSCAT: {set: DISPOSITION EVENT}
  DSSTDTC: {copy: ds.DATE}
  DSSTDY: {not_collected: no reference date in this study}
  EPOCH: {not_collected: no elements in this study}
  DSSEQ: {sequence: keys}
supplemental:
  DSOTH: {copy: ds.TERM, label: Other Text}
"""


PLAIN = STUDY.replace("NY: {X: Perhaps}, ", "")


def problems(tmp_path, text, study=PLAIN):
    (tmp_path / "sdtm").mkdir()
    for name, content in (
        ("study.yaml", study),
        ("raw.yaml", RAW),
        ("forms.yaml", FORMS),
        ("sdtm/ds.yaml", text),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
    return [str(p) for p in lint(load_study(tmp_path))]


def test_a_good_study_has_no_problem(tmp_path):
    assert problems(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "place", "said"),
    [
        ("copy: ds.TERM}", "copy: dss.TERM}", "ds.yaml:7:", 'nothing is called "dss"'),
        ("copy: ds.TERM}", "copy: ds.TREM}", "ds.yaml:7:", "nearest   TERM"),
        ("codelist: NCOMPLT", "codelist: NCOMPT", "ds.yaml:8:", "nearest   NCOMPLT"),
        ("set: DISPOSITION EVENT", "set: Disposition event", "ds.yaml:9:", "nearest   DISPOSITION EVENT"),
        ("DSSTDTC, DSTERM]", "DSSTDTC, DSTREM]", "ds.yaml:3:", "nearest   DSTERM"),
        ("records: {each: ds}", "records: {each: dz}", "ds.yaml:5:", 'no source or table "dz"'),
        (
            "  DSSTDTC: {copy: ds.DATE}\n",
            "  DSSTDTC: {copy: DSTERM}\n  DSSPID: {copy: DSQQ}\n",
            "ds.yaml:11:",
            "DSQQ",
        ),
        ("DSOTH:", "DSSPID:", "ds.yaml:15:", "variable of the standard"),
        (", label: Other Text", "", "ds.yaml:15:", "needs a label"),
        (
            "  DSCAT: {set: DISPOSITION EVENT}\n",
            "  DSQQQ: {set: X}\n",
            "ds.yaml:9:",
            "not a variable of SDTMIG",
        ),
        ("{copy: ds.TERM}", "{copy: DSDECOD, where: \"DSDECOD == 'X'\"}", "", ""),
        ("codelist: NCOMPLT}", "codelist: NCOMPLT, map: {A: DETH}}", "ds.yaml:8:", "DETH"),
    ],
)
def test_each_mistake_is_named_with_its_place(tmp_path, before, after, place, said):
    assert before in GOOD
    found = problems(tmp_path, GOOD.replace(before, after, 1))
    assert not place or any(place in p and said in p for p in found), found


@pytest.mark.parametrize(("before", "after", "said", "expected"), [
    ("{copy: ds.TERM}", "{copy: ds.TERM, missing: stop}", "not one of the words that may stand here", "allowed, query"),
    ("{copy: ds.TERM}", "{copy: ds.TERM, length: long}", "a whole number is needed here", ""),
    ("{copy: ds.TERM}", "{copy: ds.TERM, length: 300}", "200 or less is needed", ""),
])  # fmt: skip
def test_a_value_that_cannot_stand_there_is_told_in_words_of_the_spec(tmp_path, before, after, said, expected):
    with pytest.raises(SpecError) as wrong:
        problems(tmp_path, GOOD.replace(before, after, 1))
    (problem,) = wrong.value.problems
    assert said in problem.what and expected in problem.expected and "ds.yaml" in str(problem.place)


def test_a_circle_and_a_missing_variable_and_an_unknown_name_are_listed_together(tmp_path):
    text = (
        GOOD.replace("DSTERM: {copy: ds.TERM}", "DSTERM: {copy: DSDECOD}")
        .replace("DSDECOD: {terms: ds.TERM, codelist: NCOMPLT}", "DSDECOD: {first_of: [DSTERM, ds.X]}")
        .replace("  DSSTDY: {not_collected: no reference date in this study}\n", "")
    )
    found = problems(tmp_path, text)
    assert len(found) == 3
    assert sum("one another in a circle" in p for p in found) == 1 and sum("DS.DSSTDY: Exp" in p for p in found) == 1


def test_terms_cannot_be_added_to_a_list_that_is_not_extensible(tmp_path):
    text = GOOD.replace("codelist: NCOMPLT", "codelist: NY")
    assert any("takes no further terms" in p for p in problems(tmp_path, text, STUDY))
