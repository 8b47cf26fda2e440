"""The rules of the house: who imports whom, what the engine must not know, whose names are taken."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = [
    "engine",
    "formats",
    "edc",
    "simulator",
    "nca",
    "sdtm",
    "adam",
    "validators",
    "submission",
    "trialmill",
]
PRESENT = [room for room in ROOMS if (ROOT / room).is_dir()]


def modules(room):
    return sorted((ROOT / room).rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("room", PRESENT)
def test_a_room_imports_only_rooms_above_it(room):
    allowed = set(ROOMS) if room == "trialmill" else {room} if room == "engine" else set(ROOMS[: ROOMS.index(room) + 1])
    wrong = [
        (str(p.relative_to(ROOT)), name)
        for p in modules(room)
        for name in imported(p)
        if name in ROOMS and name not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("room", [r for r in PRESENT if r != "simulator"])
def test_no_room_names_a_study(room):
    names = [p.name for p in (ROOT / "specs").iterdir() if p.is_dir()]
    assert names, "there is a study to look for"
    pattern = re.compile("|".join(map(re.escape, names)), re.IGNORECASE)
    allowed = {"trialmill/cli.py", "trialmill/options.py"}  # the default of --study
    found = [str(p.relative_to(ROOT)) for p in modules(room) if pattern.search(p.read_text(encoding="utf-8"))]
    assert [f for f in found if f not in allowed] == []


def test_no_dependency_brings_a_package_with_a_rooms_name():
    taken = {}
    for distribution in importlib.metadata.distributions():
        if distribution.metadata["Name"] == "trialmill":
            continue
        for file in distribution.files or []:
            top = file.parts[0].removesuffix(".py")
            if top in [*ROOMS, "specs", "tests"] and file.suffix == ".py":
                taken[top] = distribution.metadata["Name"]
    assert taken == {}


def test_no_code_evaluates_text():
    for room in PRESENT:
        for path in modules(room):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    assert name not in ("eval", "exec", "query") or path.name == "never", f"{path}: {name}"


def test_every_dependency_is_in_the_lock_with_a_hash():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    for requirement in wanted:
        name = re.split(r"[\[<>=~ ]", requirement)[0].lower()
        assert re.search(rf"^{re.escape(name)}==\S+.*\\\n\s+--hash=sha256:", lock, re.MULTILINE), name
    assert "index-url" not in lock and "http" not in lock


def test_the_written_reference_is_that_of_the_registry(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "trialmill", "reference", "--docs", str(tmp_path)],
        check=True,
        cwd=ROOT,
        capture_output=True,
    )
    for name in ("keys.md", "verbs.md", *(f"schema/{n}.schema.json" for n in ("dataset", "study", "raw", "forms", "displays", "guides"))):
        assert (tmp_path / name).read_bytes() == (ROOT / "docs" / name).read_bytes(), "run: make reference"
