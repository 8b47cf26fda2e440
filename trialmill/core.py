"""CDISC CORE beside our own checks: runs it where a command is configured, or takes the reports that it wrote.

A command runs for every published package of tabulations (CORE publishes no rules for analysis datasets); a report on
an analysis package may be given. A report must speak of what was published: the standard and its version, every
dataset, its number of records. Another one is refused, so that an old report never stands for a new build.

Sources: architecture, "validators".
"""

from __future__ import annotations

import shlex
import string
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CommandError, FileError, Place, Problem
from engine.spec.study import Study
from validators.core import CoreReport, read_core
from validators.explained import load_explained
from validators.shelf import Shelf

PLACEHOLDERS = {"folder", "standard", "version", "out"}
STANDARD = "sdtmig"  # of the packages for which CORE has rules
MAX_LINES = 8  # lines of CORE's own output that an error shows


@dataclass(frozen=True, slots=True)
class CoreChoice:
    """How CORE is taken in: reports that it wrote, and a command that runs it."""

    reports: Sequence[Path] = ()
    command: str = ""


def core_reports(choice: CoreChoice, shelf: Shelf, out: Path) -> list[CoreReport]:
    """Reports of CORE on the published datasets, in the order given, those of the command last.

    Args:
        choice: reports and command.
        shelf: the published datasets.
        out: the output folder that holds them.

    Raises:
        CommandError: the command is none, or failed. FileError: a report cannot be read, or speaks of other datasets.
        SpecError: explained.yaml is wrong.
    """
    entries = load_explained(shelf.catalogue)
    columns = {n: set(map(str, f.columns)) for n, f in shelf.frames.items()}
    found = [_proved(read_core(path, columns, entries), path, shelf) for path in choice.reports]
    if choice.command:
        with tempfile.TemporaryDirectory() as folder:
            for path in _run(choice.command, shelf.study, sorted(shelf.packages), out, Path(folder)):
                found.append(_proved(read_core(path, columns, entries), path, shelf))
    return found


def _run(command: str, study: Study, published: Sequence[str], out: Path, folder: Path) -> Iterator[Path]:
    packages = [p for p in published if study.file.packages[p].standard == STANDARD]
    if not packages:
        raise CommandError(Problem("no package of tabulations was published for CORE to look at", do="build it"))
    for package in packages:
        version = str(getattr(study.file.standards, STANDARD))
        target = folder / package
        words = _words(command, {"folder": str((out / package).resolve()), "standard": STANDARD, "version": version,
                                 "out": str(target)})  # fmt: skip
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except OSError as error:
            raise CommandError(Problem(f"cannot run {words[0]}: {error.strerror}", do="correct --core")) from error
        path = target.with_suffix(".json")
        if done.returncode or not path.is_file():
            lines = [*done.stdout.splitlines(), *done.stderr.splitlines()][-MAX_LINES:]
            what = f"exit status {done.returncode}" if done.returncode else "no file {out}.json"
            raise CommandError(Problem(f"CORE failed: {what}: {shlex.join(words)}", found=" / ".join(lines)))
        yield path


def _words(command: str, values: Mapping[str, str]) -> list[str]:
    """The command with its places filled; no shell takes part."""
    needs = "{folder} for the datasets and {out} for the report's name without .json"
    try:
        words = shlex.split(command)
        names = {name for word in words for _, name, _, _ in string.Formatter().parse(word) if name is not None}
    except ValueError as error:
        raise CommandError(Problem(f"--core: {error}", found=command)) from error
    if names - PLACEHOLDERS or not {"folder", "out"} <= names:
        raise CommandError(Problem("--core: a place is unknown or missing", found=command, expected=f"{needs}; "
                                   "{standard} and {version} may stand besides"))  # fmt: skip
    return [word.format(**values) for word in words]


def _proved(report: CoreReport, path: Path, shelf: Shelf) -> CoreReport:
    """The report, once it is known to speak of the published datasets."""
    study, place = shelf.study, Place(str(path))
    for package in sorted(shelf.packages):
        standard = study.file.packages[package].standard
        if report.standard == f"{standard} {getattr(study.file.standards, standard)}":
            break
    else:
        raise FileError(
            Problem(
                f"the report of CORE is about {report.standard}, which no published package follows",
                place,
                expected="one of " + ", ".join(_standards(shelf)),
            )
        )
    here = {n: len(f) for n, f in shelf.frames.items() if shelf.info(n).package == package}
    problems = []
    for name in sorted({*here, *report.datasets}):
        mine, theirs = here.get(name), report.datasets.get(name)
        if name not in report.datasets or name not in here:
            lacks = "the report" if name not in report.datasets else "the published package"
            problems.append(Problem(f"{name}: {lacks} has no such dataset", place))
        elif theirs is not None and mine != theirs:
            problems.append(Problem(f"{name}: {theirs:,} records in the report, {mine:,} published", place))
    if problems:
        raise FileError([*problems, Problem("the report of CORE is of other datasets", place, do="run CORE again")])
    return report


def _standards(shelf: Shelf) -> list[str]:
    file = shelf.study.file
    found = {file.packages[p].standard for p in shelf.packages}
    return sorted(f"{s} {getattr(file.standards, s)}" for s in found)
