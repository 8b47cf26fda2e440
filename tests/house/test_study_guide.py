"""The study that docs/study.md writes builds as the page says, with the commands that it shows."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyreadstat

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")


def test_the_study_of_the_guide_builds(tmp_path):
    for name, text in re.findall(r"^```\w+ file=(\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    commands = [c for block in re.findall(r"^```sh run\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for c in block.splitlines()]
    assert len(commands) == 7
    for command in commands:
        words = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "11" in done.stdout and "Events.csv" in done.stdout
    ae, _ = pyreadstat.read_xport(tmp_path / "out" / "sdtm" / "ae.xpt")
    assert ae[["USUBJID", "AEDECOD", "AESTDTC"]].to_numpy().tolist() == [
        ["MY-1-A-1", "Fall", "2029-09-11"],
        ["MY-1-A-1", "Headache", "2029-10"],
    ]
