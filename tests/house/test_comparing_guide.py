"""The example of docs/comparing.md gives what the page says, and the page names options that there are."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from validators.comparison import compare_frames  # noqa: F401  the page names it
from validators.comparison_keys import ALIKE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def run(command, place):
    words = [sys.executable, "-m", *shlex.split(command)]
    return subprocess.run(words, cwd=place, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)


def test_the_example_gives_what_the_page_shows(tmp_path):
    for name, text in re.findall(r"^```csv file=(\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for command in blocks("sh run")[0].splitlines():
        assert run(command, tmp_path).returncode == 0, command
    [command] = blocks("sh compare")
    done = run(command, tmp_path)
    assert done.returncode == 1, done.stderr
    [shown] = blocks("text")
    told = [line for line in done.stdout.splitlines() if not line.startswith(("BASE  ", "QC    ", "report in"))]
    seen = [line for line in shown.splitlines() if line]
    assert seen == [line for line in told if line][: len(seen)]
    assert "QC is 1 day earlier" in (tmp_path / "ex.html").read_text(encoding="utf-8")


def test_every_option_shown_is_one_of_the_command():
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) - {"--out"}
    told = subprocess.run([sys.executable, "-m", "trialmill", "compare", "--help"], cwd=ROOT, capture_output=True, text=True,
                          check=True, env={"COLUMNS": "300"}).stdout
    assert {"--keys", "--tolerance", "--report"} <= shown <= set(re.findall(r"--[a-z][a-z-]+", told))
    assert f"at least {ALIKE:.0%}".replace("%", " %") in PAGE


def test_make_diff_asks_for_two_productions():
    done = subprocess.run(["make", "--no-print-directory", "diff", "BASE=x"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "BASE=... QC=..." in done.stderr
