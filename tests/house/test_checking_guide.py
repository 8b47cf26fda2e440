"""What docs/checking.md and docs/by002-checks.md say of checking is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import adam  # noqa: F401  registers the verbs
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.spec.catalogue import Catalogue
from engine.spec.document import read_document
from engine.spec.study import load_study
from validators.dispositions import Disposition, read_dispositions
from validators.explained import ExplainedFinding, load_explained
from validators.outcomes import STATES
from validators.rules import load_rules

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "checking.md").read_text(encoding="utf-8")
LIST = (ROOT / "docs" / "rule-list.md").read_text(encoding="utf-8")
BY002 = (ROOT / "docs" / "by002-checks.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(load_study(ROOT / "specs" / "by002"))


def rows(text, first):
    """Cells of the table rows whose first cell begins with `first`."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines if line[0].startswith(first)]


def test_every_option_shown_is_one_of_the_command():
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE))
    command = [sys.executable, "-m", "trialmill", "check", "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env={"COLUMNS": "300"}).stdout
    assert {"--core", "--core-report"} <= shown <= set(re.findall(r"--[a-z][a-z-]+", told))


def test_the_explanations_shown_are_explanations():
    _, text = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    entries = [ExplainedFinding.model_validate(e) for e in read_document(text, "guide").data["explained"]]
    assert [e.not_run for e in entries] == ["false", "false", "true"]
    keys = set(re.findall(r"`(\w+)(?:: true)?`", " ".join(row[0] for row in rows(GUIDE.split("## Explaining")[1], "`"))))
    assert keys == set(ExplainedFinding.model_fields)


def test_the_dispositions_shown_are_dispositions():
    text, _ = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert [e.disposition for e, _ in read_dispositions(read_document(text, "guide")).values()] == ["to fix", "explained"]
    named = {n for row in rows(GUIDE.split("## Dispositions")[1].split("## ")[0], "`") for n in re.findall(r"`(\w+)`", row[0])}
    assert named == set(Disposition.model_fields)


def test_every_state_of_a_rule_is_in_the_table():
    assert {row[0] for row in rows(GUIDE.split("## How a rule ended")[1].split("## ")[0], "")} >= set(STATES)


def test_every_invariant_of_the_design_is_held_or_said_to_wait(catalogue):
    known = {rule.id for rule in load_rules(catalogue).rules}
    table = {row[0]: row[-1] for row in rows(BY002, "I")}
    assert [i for i in table if i != "invariant"] == [f"I{n:02}" for n in range(1, 31)]
    for invariant, held in table.items():
        named = set(re.findall(r"\b(?:I|SD|AD)\d\d\b", held))
        assert named <= known, invariant
        assert named or held == "schema" or held.startswith("waits for ") or invariant == "invariant", invariant
        if invariant in known:
            assert invariant in named, f"{invariant} has a rule of its own"


def test_every_rule_stands_in_a_page(catalogue):
    listed = set(re.findall(r"^### (\w+)$", LIST, re.MULTILINE)) | set(re.findall(r"\bI\d\d\b", BY002))
    assert {r.id for r in load_rules(catalogue).rules} <= listed


def test_the_findings_of_core_that_the_page_lists_are_those_that_the_study_explains(catalogue):
    listed = {(row[0], row[1]): row[3] for row in rows(BY002, "CORE-")}
    entries = [e for e, _ in load_explained(catalogue) if e.standard == "sdtmig"]
    explained = [((e.rule, e.dataset), e.reason) for e in entries if e.not_run == "false"]
    assert set(listed) == {key for key, _ in explained}
    assert all(reason in listed[key] for key, reason in explained)


def test_of_the_analysis_datasets_the_page_lists_what_the_study_explains(catalogue):
    listed = {row[0]: row for row in (*rows(BY002, "CDISC."), *rows(BY002, "CDSIC."))}
    entries = [e for e, _ in load_explained(catalogue) if e.standard == "adamig"]
    assert {rule: row[3] for rule, row in listed.items()} == {e.rule: e.reason for e in entries if e.not_run == "false"}
    assert all(e.rule in BY002 for e in entries)
    counted = sum(int(row[2]) for row in listed.values())
    assert f"{counted} findings in {len(listed)} rules, all explained" in BY002
