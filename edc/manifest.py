"""The manifest of a raw export: which files it holds, how many records each has, and their SHA-256.

A file that disagrees with the manifest is altered or truncated and stops the build; an absent manifest is a warning.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from engine.errors import FileError, Place, Problem


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that was read: its name in the export, its records and its SHA-256."""

    name: str
    records: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says, by file name; `shown` is its own name."""

    shown: str
    files: dict[str, tuple[int, str, int]]  # records, SHA-256, line of the manifest

    def problem(self, file: InputFile) -> Problem | None:
        """How a file disagrees; None when it does not."""
        if file.name not in self.files:
            return Problem(
                "the file is not in the manifest",
                Place(file.name),
                expected=f"a line in {self.shown}",
                do="ask for a complete export",
            )
        records, digest, line = self.files[file.name]
        place = Place(self.shown, line)
        if file.records != records:
            return Problem(
                f"{file.name} does not hold the records that the manifest lists",
                place,
                found=f"{file.records:,} records",
                expected=f"{records:,} records",
                do="the file was cut or altered; export again",
            )
        if file.sha256 != digest:
            return Problem(
                f"{file.name} is not the file that the manifest lists",
                place,
                found=f"SHA-256 {file.sha256}",
                expected=f"SHA-256 {digest}",
                do="the file was altered; export again",
            )
        return None


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(path: Path, shown: str) -> Manifest | None:
    """Read a manifest; None when there is none.

    Raises:
        FileError: every line that is not file, records and SHA-256; files listed twice.
    """
    if not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(Problem("the manifest cannot be read", Place(shown), found=str(error))) from None
    if not rows or [c.strip().lower() for c in rows[0]] != ["file", "records", "sha256"]:
        raise FileError(
            Problem(
                "not a manifest",
                Place(shown, 1),
                found=", ".join(rows[0]) if rows else "nothing",
                expected="the columns file, records, sha256",
            )
        )
    files: dict[str, tuple[int, str, int]] = {}
    problems = []
    for line, row in enumerate(rows[1:], 2):
        if len(row) != 3 or not row[1].isdigit() or len(row[2]) != 64:
            problems.append(
                Problem("a line is not file, records, SHA-256", Place(shown, line), found=", ".join(row)[:80])
            )
        elif row[0] in files:
            problems.append(Problem(f"{row[0]} is listed twice", Place(shown, line)))
        else:
            files[row[0]] = (int(row[1]), row[2].lower(), line)
    if problems:
        raise FileError(problems)
    return Manifest(shown, files)
