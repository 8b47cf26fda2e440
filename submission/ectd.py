"""Where the files of a study stand in module 5 of an eCTD, what they are called, and their file tags.

The table is submission/data/ectd_files.csv; a team whose region wants other folders or tags edits it there.

Sources: FDA Study Data Technical Conformance Guide; FDA Technical Rejection Criteria for Study Data.
"""

from __future__ import annotations

import csv
import fnmatch
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from engine.errors import CommandError, Problem

DATA = Path(__file__).parent / "data"
ROOT = "m5/datasets"
LONGEST_PATH = 150  # characters from m5 on
SPLIT_LIMIT = 5_000_000_000  # bytes of a dataset file
FOLDER_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FILE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+")
DATASET_FILE = re.compile(r"[a-z][a-z0-9]{0,7}\.xpt")
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}


@dataclass(frozen=True, slots=True)
class FileRule:
    """One kind of file: the standard it belongs to, its name (or pattern), its folder below the study's, its tag."""

    standard: str
    kind: str
    name: str
    folder: str
    tag: str
    basis: str


@cache
def file_rules() -> tuple[FileRule, ...]:
    """All kinds of files, in the order of the table."""
    with (DATA / "ectd_files.csv").open(encoding="utf-8", newline="") as handle:
        return tuple(FileRule(**row) for row in csv.DictReader(handle))


def rule_for(standard: str, kind: str) -> FileRule:
    """The rule for a kind of file; KeyError when the standard has none."""
    for rule in file_rules():
        if (rule.standard, rule.kind) == (standard, kind):
            return rule
    raise KeyError((standard, kind))


def rule_of(path: str) -> FileRule | None:
    """The rule that a path below the study's folder (`tabulations/sdtm/ae.xpt`) falls under; None when none does."""
    at = PurePosixPath(path)
    for rule in file_rules():
        if at.parent.as_posix() == rule.folder and fnmatch.fnmatchcase(at.name, rule.name):
            return rule
    return None


def study_folder(study: str) -> str:
    """The folder of a study: its STUDYID in lower case, what is no letter or digit as a hyphen.

    Raises:
        CommandError: the STUDYID has no letter or digit.
    """
    name = re.sub(r"[^a-z0-9]+", "-", study.lower()).strip("-")
    if not name:
        raise CommandError(Problem("no folder can be named after the study", found=study))
    return name


def bytes_of(text: str) -> int:
    """A size as people write it: 5GB, 400 MB, 1000000; 1 GB is 1,000,000,000 bytes.

    Raises:
        CommandError: no size.
    """
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,3})?)\s*([KMG]?B?)\s*", text.upper())
    if match is None or match[2] not in _UNITS or float(match[1]) <= 0:
        raise CommandError(Problem("--split-limit: no size", found=text, expected="such as 5GB, 400MB or 1000000"))
    return int(float(match[1]) * _UNITS[match[2]])
