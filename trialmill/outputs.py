"""What an output folder holds, proved against its journal before anything reads it.

Every package is what the last build of it wrote: same files, same bytes. Packages of one folder come from the same
specs and the same raw export, or they are a mixture and refused.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from edc.manifest import digest
from engine.errors import CommandError, FileError, Place, Problem

JOURNAL = "journal.jsonl"
ISSUES = "issues.json"
CHANGES = "issues_changes.json"  # since the last list; not proved, since it has that list as an input
WORKBOOK = "issues.xlsx"  # for people, who may write in it: not proved
_REBUILD = "build again"


def verify_outputs(out: Path) -> dict[str, list[Path]]:
    """The files of each package in an output folder, once they are proved to be what builds wrote.

    Args:
        out: the output folder.

    Returns:
        Package -> its files, by name.

    Raises:
        CommandError: no build was ever published there.
        FileError: a damaged journal; every file that is missing, altered or that no build made; packages of
            different specs or raw exports.
    """
    last = latest_entries(out)
    problems: list[Problem] = []
    files: dict[str, list[Path]] = {}
    for package, entry in sorted(last.items()):
        listed = {f["file"]: f["sha256"] for f in entry["outputs"] if f["file"].startswith(f"{package}/")}
        problems += _differences(out, package, listed)
        files[package] = [out / name for name in sorted(listed)]
    newest = max(last.values(), key=lambda e: int(e["number"]))
    if "issues" in newest and _sha(out / ISSUES) != newest["issues"]:
        problems.append(Problem("the list of issues is not the one that the build wrote", Place(str(out / ISSUES)),
                                do=_REBUILD))
    problems += _mixture(out, last, newest)
    if problems:
        raise FileError(problems)
    return files


def latest_entries(out: Path) -> dict[str, dict[str, Any]]:
    """The journal entry of each package's last build, with its `number` in the journal; errors as verify_outputs."""
    path = out / JOURNAL
    if not path.is_file():
        raise CommandError(Problem("no build was published there", Place(str(out)), do="build first, or name its OUT"))
    last: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            entry = {**orjson.loads(line), "number": number}
            last |= dict.fromkeys(entry["packages"], entry)
            _ = [(f["file"], f["sha256"]) for f in (*entry["outputs"], *entry["inputs"])], entry["specs"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise FileError(Problem("the journal is damaged", Place(str(path), number), do=_REBUILD)) from None
    if not last:
        raise FileError(Problem("the journal is empty", Place(str(path)), do=_REBUILD))
    return last


def _differences(out: Path, package: str, listed: dict[str, str]) -> Iterator[Problem]:
    folder = out / package
    there = {p.relative_to(out).as_posix() for p in folder.rglob("*") if not p.is_dir()} if folder.is_dir() else set()
    for name in sorted(there | set(listed)):
        place = Place(str(out / name))
        if name not in there:
            yield Problem("a dataset of the build is missing", place, do=_REBUILD)
        elif name not in listed:
            yield Problem("a file that the build did not make", place, do="take it out, or build again")
        elif _sha(out / name) != listed[name]:
            yield Problem("the file is not the one that the build wrote", place, expected=f"SHA-256 {listed[name]}",
                          do=_REBUILD)


def _mixture(out: Path, last: dict[str, dict[str, Any]], newest: dict[str, Any]) -> Iterator[Problem]:
    for package, entry in sorted(last.items()):
        for what, key in (("specs", "specs"), ("raw data", "inputs")):
            if entry[key] != newest[key]:
                yield Problem(
                    f"{package} was built from other {what} than {', '.join(newest['packages'])}",
                    Place(str(out / package)),
                    found=f"built {entry.get('at', 'at an unknown time')}, the other {newest.get('at', 'later')}",
                    do="build both packages together")


def _sha(path: Path) -> str:
    return digest(path) if path.is_file() else ""
