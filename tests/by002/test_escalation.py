"""`trialmill escalation` on the built study: against what is true, as text, as JSON, and on contradicting datasets."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from engine.errors import DataError, FileError
from engine.spec.study import load_study
from tests.by002.conftest import ROOT, STUDY
from trialmill.escalation import escalation, lint_escalation, read_rules, subjects_of


@pytest.fixture(scope="module")
def answer(built):
    return escalation(STUDY, built)[-1]


def test_every_decision_agrees_with_the_truth(answer, truth):
    """Counts and decisions after each evaluable subject; the one decision more is that of the level that is the MTD."""
    names = {x["dose"]: x["level"] for x in answer["levels"]}
    assert [x["dose"] for x in truth["escalation"]["levels"]] == list(names)
    for true in truth["escalation"]["levels"]:
        found = next(x for x in answer["levels"] if x["dose"] == true["dose"])
        assert [found[k] for k in ("treated", "evaluable", "dlt")] == [true[k] for k in ("treated", "evaluable", "dlt")]
        steps = [d for d in answer["decisions"] if d["level"] == found["level"]]
        said = [[d["evaluable"], d["dlt"], d["decision"]] for d in steps if d["decision"] != "MTD"]
        assert said == true["steps"], found["level"]
        assert found["decision"] == ("MTD" if true["dose"] == truth["escalation"]["MTD"] else true["decision"])
    assert answer["mtd"]["dose"] == truth["escalation"]["MTD"] == 400
    assert answer["findings"] == []


def test_the_days_on_which_decisions_could_be_taken(answer, people):
    """The 28th day of the last subject that counts, or the onset of the toxicity that decides."""
    for decision in answer["decisions"]:
        if decision["decision"] == "MTD":
            continue
        dose = next(x["dose"] for x in answer["levels"] if x["level"] == decision["level"])
        days = []
        for p in people.values():
            if p.fate == "TREATED" and p.ARMCD.startswith("ESC") and p.dose == dose and p.DLTEVFL == "Y":
                onset = [e["start"] for e in p.events if e["dlt"]]
                end = pd.Timestamp(p.TRTSDT) + pd.Timedelta(days=27)
                days.append(str((pd.Timestamp(min(onset)) if onset else end).date()))
        assert decision["date"] == sorted(days)[decision["evaluable"] - 1], decision


def test_the_reference_scenario(answer):
    levels = {x["level"]: (x["treated"], x["evaluable"], x["dlt"], x["decision"]) for x in answer["levels"]}
    assert levels == {
        "DL1": (1, 1, 0, "ESCALATE"),
        "DL2": (4, 3, 0, "ESCALATE"),
        "DL3": (3, 3, 0, "ESCALATE"),
        "DL4": (6, 6, 1, "MTD"),
        "DL5": (3, 3, 2, "DE-ESCALATE"),
    }
    assert answer["mtd"]["level"] == answer["rp2d"]["level"] == "DL4"
    assert answer["expansion"] == {"treated": 7, "treated_in_all": 24}


def test_the_command_says_it_and_writes_it(built, answer, tmp_path):
    file = tmp_path / "answer.json"
    command = [sys.executable, "-m", "trialmill", "escalation", str(STUDY), "--out", str(built), "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_text(encoding="utf-8")) == answer
    assert "MTD   DL4 400 mg: 6 evaluable, 1 DLT; DL5 exceeds it since " in done.stdout
    assert "RP2D  DL4 400 mg" in done.stdout and "24 of 24 in both parts" in done.stdout


def test_a_study_without_rules_is_told_so(tmp_path):
    command = [sys.executable, "-m", "trialmill", "escalation", "tests/second_study/kv21", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "tests/second_study/kv21/escalation.yaml  the study has no escalation rules" in done.stderr


def test_the_rules_are_linted():
    assert lint_escalation(load_study(STUDY)) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("otherwise: ENROL MORE", "otherwize: ENROL MORE", "escalation.yaml:23:1"),
        ("evaluable: 3-5", "evaluable: 3 to 5", "3, 3-5 or 2+"),
        ("exceeded: DE-ESCALATE", "exceeded: STOP", "no row decides STOP"),
        ("level: COHORT", "level: DOSELEVEL", "reads DOSELEVEL of ADSL, which the study does not build"),
    ],
)
def test_mistakes_in_the_rules_are_named_with_their_place(tmp_path, old, new, told):
    text = (STUDY / "escalation.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "escalation.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    study = SimpleNamespace(folder=tmp_path, shown="mystudy", datasets=load_study(STUDY).datasets)
    problems = [str(p) for p in lint_escalation(study)]
    assert any(told in p and p.startswith("mystudy/escalation.yaml") for p in problems), problems


def test_datasets_that_were_not_published_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("trialmill.escalation.verify_outputs", lambda out: {"sdtm": [out / "sdtm" / "dm.xpt"]})
    with pytest.raises(FileError, match="ADSL, ADDLT was not published"):
        escalation(STUDY, tmp_path)


# -- datasets that contradict the rules or one another

PEOPLE = pd.DataFrame(
    {"USUBJID": ["A", "B"], "SAFFL": ["Y", "Y"], "PART": ["ESCALATION", "EXPANSION"], "COHORT": ["DL1", "DL4"],
     "TRTSDT": [24000.0, 24100.0]}
)  # fmt: skip
ANSWERS = pd.DataFrame(
    {"USUBJID": "A", "PARAMCD": ["DLTEVAL", "DLT", "RELG2", "WINCOMP"], "AVALC": ["Y", "N", "N", "Y"],
     "ADT": [24027.0, None, None, 24027.0]}
)  # fmt: skip


def changed(frame, row, column, value):
    frame = frame.copy()
    frame.loc[row, column] = value
    return frame


CONTRADICTIONS = [
    (PEOPLE, ANSWERS[ANSWERS["PARAMCD"] != "RELG2"], "A: ADDLT has no answer Y or N for RELG2"),
    (PEOPLE, changed(ANSWERS, 1, "AVALC", None), "A: ADDLT has no answer Y or N for DLT"),
    (changed(PEOPLE, 0, "COHORT", "DL9"), ANSWERS, "A: DL9 is no level of the escalation"),
    (PEOPLE, changed(ANSWERS, 0, "ADT", None), "A: evaluable, and ADDLT does not say from which day"),
    (PEOPLE, changed(changed(ANSWERS, 0, "AVALC", "N"), 1, "AVALC", "Y"), "A: a dose-limiting toxicity of a subject that is not"),
    (PEOPLE, pd.concat([ANSWERS, ANSWERS.assign(USUBJID="B")]), "B: in ADDLT and no treated subject of the escalation"),
    (PEOPLE, pd.concat([ANSWERS, ANSWERS[:1]]), "several records of one parameter"),
    (PEOPLE, ANSWERS.assign(USUBJID="C"), "A: ADDLT has no answer Y or N for DLTEVAL, DLT, RELG2, WINCOMP"),
]


@pytest.mark.parametrize(("adsl", "addlt", "told"), CONTRADICTIONS, ids=[c[-1] for c in CONTRADICTIONS])
def test_contradictions_stop_the_command(adsl, addlt, told):
    rules = read_rules(load_study(STUDY))
    with pytest.raises(DataError, match=told):
        subjects_of(rules, adsl, addlt, None)


def test_who_is_still_in_the_window_is_pending():
    rules = read_rules(load_study(STUDY))
    waiting = changed(changed(ANSWERS, 0, "AVALC", "N"), 0, "ADT", None)
    (subject,) = subjects_of(rules, PEOPLE, waiting, pd.Timestamp("2025-09-30").date())
    assert (subject.evaluable, subject.pending, str(subject.start)) == (False, True, "2025-09-16")
    (subject,) = subjects_of(rules, PEOPLE, waiting, pd.Timestamp("2025-10-31").date())
    assert not subject.pending
