"""The example of docs/nca.md gives what the page says, and its tables are those of the code."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from nca.catalogue import PARAMETERS, REASONS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "nca.md").read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_gives_what_the_page_shows(tmp_path):
    for name, text in re.findall(r"^```csv file=(\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    [command] = blocks("sh run")
    words = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [shown] = blocks("csv of=pp.csv")
    written = (tmp_path / "pp.csv").read_text(encoding="utf-8").splitlines()
    assert set(shown.splitlines()) <= set(written)
    area = next(float(line.split(",")[4]) for line in written if ",inf,AUCLST," in line)
    assert abs(area - (6 + 22 + 28 / (0.6931471805599453 / 2))) < 1e-9


def test_the_library_example_runs():
    [code] = blocks("python run")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("[0.1"), done.stderr


def test_every_parameter_and_reason_stands_on_the_page():
    assert [p.code for p in PARAMETERS if f"| {p.code} | {p.says} |" not in PAGE] == []
    assert [r for r in REASONS.values() if r and f"- {r}\n" not in PAGE] == []
