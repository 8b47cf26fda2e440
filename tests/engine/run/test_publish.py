"""A build appears whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.run.publish import carry_over, publish, recover


def contents(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def write(**files):
    def make(staging):
        for name, text in files.items():
            (staging / name).write_text(text)

    return make


def test_a_new_build_replaces_the_former_one_and_leaves_nothing_beside(tmp_path):
    out = tmp_path / "build" / "study"
    publish(out, write(a="1", b="1"))
    publish(out, write(a="2"))
    assert contents(out) == {"a": "2"}
    assert [p.name for p in out.parent.iterdir()] == ["study"]


def test_a_failing_build_changes_nothing(tmp_path):
    out = tmp_path / "study"
    publish(out, write(a="1"))

    def fail(staging):
        (staging / "a").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        publish(out, fail)
    assert contents(tmp_path) == {"study/a": "1"}


def test_what_is_carried_over_stays(tmp_path):
    out = tmp_path / "study"
    publish(out, write(a="1", b="old"))

    def make(staging):
        carry_over(out, staging, ["a", "absent"])
        (staging / "b").write_text("new")

    publish(out, make)
    assert contents(out) == {"a": "1", "b": "new"}


@pytest.mark.parametrize("left", [".former-study", ".new-study"])
def test_what_a_killed_command_left_is_cleared(tmp_path, left):
    (tmp_path / left).mkdir()
    (tmp_path / left / "a").write_text("1")
    recover(tmp_path / "study")
    assert contents(tmp_path) == ({"study/a": "1"} if "former" in left else {})


def test_kill_at_any_moment_leaves_one_whole_build(tmp_path):
    out = tmp_path / "study"
    publish(out, write(**{f"f{i}": "0" for i in range(20)}))
    program = """
import sys, itertools
from pathlib import Path
from engine.run.publish import publish
def make(folder, text):
    for i in range(20):
        (folder / f"f{i}").write_text(text)
print("ready", flush=True)
for n in itertools.count(1):
    publish(Path(sys.argv[1]), lambda folder: make(folder, str(n)))
"""
    root = Path(__file__).resolve().parents[3]
    for wait in (0.0, 0.01, 0.03, 0.07):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(out)],
            stdout=subprocess.PIPE,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        process.stdout.readline()
        try:
            process.wait(timeout=wait + 0.001)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
        found = contents(out)
        assert len(found) == 20 and len(set(found.values())) == 1
