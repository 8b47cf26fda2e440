"""Where values come from: by the verb and what it reads, or as the spec states it, in the words of Define-XML."""

import shutil
from pathlib import Path

import pytest

import adam  # noqa: F401  registers the verbs of ADaM
import engine.verbs  # noqa: F401  registers the general verbs
import sdtm  # noqa: F401  registers the verbs of SDTM
from engine.errors import SpecError
from engine.spec.lint import lint
from engine.spec.methods import records_sentence, variable_sentence
from engine.spec.origins import variable_origins
from engine.spec.study import load_study

KV21 = Path(__file__).resolve().parents[2] / "second_study" / "kv21"
OLD = "AEENDY:   {study_day: AEENDTC}"


@pytest.fixture(scope="module")
def study():
    return load_study(KV21)


@pytest.mark.parametrize(("dataset", "variable", "type_", "source", "why"), [
    ("AE", "AETERM", "Collected", "Investigator", "copied from a form"),
    ("AE", "AESER", "Collected", "Investigator", "a term for what the form holds"),
    ("AE", "AESTDTC", "Collected", "Investigator", "a date of a form in another notation"),
    ("AE", "AEDECOD", "Assigned", "Sponsor", "looked up in a table of the study"),
    ("AE", "AESTDY", "Derived", "Sponsor", "worked out from dates"),
    ("AE", "AELLT", "Not Available", "", "not collected"),
    ("AE", "STUDYID", "Protocol", "Sponsor", "no line: identity"),
    ("AE", "USUBJID", "Derived", "Sponsor", "no line: identity"),
    ("AE", "AEREM", "Collected", "Investigator", "a qualifier copied from a form"),
    ("DM", "SITEID", "Assigned", "Sponsor", "a setting of the study"),
    ("DM", "RFSTDTC", "Derived", "Sponsor", "a copy of RFXSTDTC, which is derived"),
    ("ADSL", "SEX", "Predecessor", "", "a copy of a built dataset's variable"),
    ("ADSL", "USUBJID", "Predecessor", "", "no line: copied along"),
])
def test_without_a_statement_the_verb_says_the_origin(study, dataset, variable, type_, source, why):
    assert [(o.type, o.source) for o in variable_origins(study, dataset, variable)] == [(type_, source)], why


@pytest.mark.parametrize(("stated", "wanted"), [
    ("origin: Protocol", ("Protocol", "Sponsor")),
    ("origin: Collected", ("Collected", "Investigator")),
    ("origin: Collected, origin_source: Vendor", ("Collected", "Vendor")),
    ("origin_source: Investigator", ("Derived", "Investigator")),
    ("origin: Predecessor", ("Predecessor", "")),
])
def test_what_the_spec_states_wins(tmp_path, stated, wanted):
    study = changed(tmp_path, OLD, OLD.replace("}", f", {stated}}}"))
    assert [(o.type, o.source) for o in variable_origins(study, "AE", "AEENDY")] == [wanted]
    assert lint(study) == []


@pytest.mark.parametrize("stated", ["origin: CRF", "origin: collected", "origin_source: Site"])
def test_only_words_of_the_terminology_are_taken(tmp_path, stated):
    with pytest.raises(SpecError, match=r"ae\.yaml:\d+:\d+ .*not one of"):
        changed(tmp_path, OLD, OLD.replace("}", f", {stated}}}"))


def test_a_predecessor_has_no_source(tmp_path):
    study = changed(tmp_path, OLD, OLD.replace("}", ", origin: Predecessor, origin_source: Sponsor}"))
    assert [p.what for p in lint(study)] == ["AE.AEENDY: the origin Predecessor has no source"]


def test_lines_that_differ_have_several_origins(tmp_path):
    text = (KV21 / "sdtm" / "ae.yaml").read_text(encoding="utf-8")
    parts = """parts:
  told: {each: events, variables: {AEENDY: {set: "1"}}}
  read: {each: events, variables: {AEENDY: {study_day: AEENDTC, where: AEENDTC is present}}}
"""
    study = changed(tmp_path, text, text.replace("records: {each: events}\n", parts).replace(f"  {OLD}\n", ""))
    assert [o.type for o in variable_origins(study, "AE", "AEENDY")] == ["Assigned", "Derived"]
    assert variable_sentence(study.datasets["AE"], "AEENDY") == (
        "told: Set to 1\nread: AEENDTC minus DM.RFSTDTC in days, plus 1 on or after DM.RFSTDTC; no day 0; only where AEENDTC is present")
    assert records_sentence(study.datasets["AE"]).startswith(
        "told: One record for each record of events\nread: One record for each record of events\nRecords whose AESTDTC is after")


def changed(tmp_path, old, new):
    shutil.copytree(KV21, tmp_path / "study")
    path = tmp_path / "study" / "sdtm" / "ae.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return load_study(tmp_path / "study")
