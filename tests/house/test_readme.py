"""What README.md shows exists."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_make_target_shown_is_a_target():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE))
    assert shown and shown <= targets


def test_every_command_shown_is_a_command():
    for name in sorted(set(re.findall(r"\| `trialmill ([a-z]+)", README))):
        done = subprocess.run([sys.executable, "-m", "trialmill", name, "--help"], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, name


def test_every_path_shown_exists():
    for path in re.findall(r"`((?:engine|docs|specs|tests|edc|sdtm|formats)[\w/.]*)`", README):
        assert (ROOT / path).exists(), path
