"""What docs/tracing.md and docs/transfers.md show runs, and what they say of bounds and words is so."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
TRACING = (ROOT / "docs" / "tracing.md").read_text(encoding="utf-8")
TRANSFERS = (ROOT / "docs" / "transfers.md").read_text(encoding="utf-8")
TOY = {
    "study.yaml": """
study: TOY-7
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {adam: {standard: adamig}}
identity: {subjects: enrol, USUBJID: {prefix: TOY-7-, first: enrol.NO}}
""",
    "raw.yaml": """
carriers: {csv: {folder: forms, pattern: "{form}.csv"}}
common: {NO: text}
roles: {subject: NO}
formats: {date: "YYYY/M/D"}
""",
    "adam/adsl.yaml": """
dataset: ADSL
label: Subject-Level Analysis Dataset
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  SEX:    {copy: enrol.SEX}
""",
}


def commands(guide):
    return [shlex.split(line)[1:] for block in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL) for line in block.splitlines()]


def run(arguments):
    from trialmill.cli import app  # noqa: PLC0415

    done = CliRunner().invoke(app, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the study of the guide in its place, whose raw exports are small."""
    monkeypatch.chdir(tmp_path)
    for name, text in TOY.items():
        path = tmp_path / "specs" / "by002" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name, sex in (("april", "F"), ("may", "M")):
        (tmp_path / "raw" / name / "forms").mkdir(parents=True)
        (tmp_path / "raw" / name / "forms" / "enrol.csv").write_text(f"NO,SEX\nA1,{sex}\nB2,M\n", encoding="utf-8")
    return tmp_path


def test_the_commands_of_the_guide_to_transfers_run(folder):
    shown = commands(TRANSFERS)
    assert len(shown) == 2
    for arguments in shown:
        status, text = run(arguments)
        assert status == 1 and 'SEX "F" -> "M"' in text and 'ADSL.SEX TOY-7-A1  "F" -> "M"  (because of 1: raw cell)' in text
    assert (folder / "transfers.html").stat().st_size > 1000 and (folder / "transfers.xlsx").stat().st_size > 1000
    shutil.copytree(folder / "raw" / "april", folder / "raw" / "copy")
    assert run(["compare", "raw/april", "raw/copy", "--study", "specs/by002"])[0] == 0


def test_the_bounds_that_are_told_are_those_of_the_code():
    from engine.run.lineage import MAX_DEPTH, MAX_GROUP, MAX_STEPS  # noqa: PLC0415
    from trialmill.trace_layout import MOST_DRAWN  # noqa: PLC0415

    assert f"At most {MAX_STEPS} variables are followed, no chain further than {MAX_DEPTH} " in TRACING
    assert f"of a profile more than {MAX_GROUP}" in TRACING and f"more than {MOST_DRAWN} variables" in TRACING


def test_the_words_of_the_table_are_those_of_the_report():
    from trialmill.transfers import BY_CELL, BY_RECORD, BY_SUBJECT, NO_CAUSE  # noqa: PLC0415

    shown = [line.split(" | ")[0].strip("| ") for line in TRANSFERS.splitlines() if line.startswith("| ")][2:]
    assert shown == [BY_CELL, BY_RECORD, "as the first of ...", BY_SUBJECT, NO_CAUSE]
