"""What README.md shows exists, and what it says came out is what comes out."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_make_target_shown_is_a_target():
    rules = re.findall(r"^([a-z ]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    targets = {name for rule in rules for name in rule.split()}
    lines = re.findall(r"(?:^|`)make ([a-z ]+)", README, re.MULTILINE)
    shown = {name for line in lines for name in line.split()}
    assert shown and shown <= targets


def test_every_command_shown_is_a_command():
    shown = set(re.findall(r"trialmill ([a-z]+)", README))
    assert {"build", "new", "lint", "check", "explain", "simulate", "convert"} <= shown
    for name in sorted(shown):
        command = [sys.executable, "-m", "trialmill", name, "--help"]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0, name


def test_every_path_shown_exists():
    for path in re.findall(r"`((?:engine|docs|specs|tests|edc|sdtm|adam|validators|formats)[\w/.]*)`", README):
        assert (ROOT / path).exists() or "mystudy" in path, path
