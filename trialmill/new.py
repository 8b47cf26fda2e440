"""Writes a new study to start from: specs that build at once, and the small raw export that they read.

The files are those of `scaffold/study` and `scaffold/raw`, which lint and build as they stand; only the study
identifier, the folders and the way to the editor's JSON Schema are put in. Everything appears or nothing does, and no
file that is there already is replaced.

Sources: SDTMIG 3.4 (STUDYID); architecture, "The contract".
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CommandError, FileError, Place, Problem

SCAFFOLD = Path(__file__).parent / "scaffold"
CHECKOUT = Path(__file__).resolve().parents[1]

_STUDYID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}")
FOLDER = "trialmill new FOLDER, or make new STUDY=FOLDER"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PATH = re.compile(r"[A-Za-z0-9._+@/][A-Za-z0-9._+@/-]*")  # what make and a shell take as it is written
_SCHEMAS = re.compile(r"(?:\.\./)+docs/schema/")


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: the study identifier and the number of files in each folder; 0 for an export kept as it was."""

    study: str
    specs: int
    raw: int


def new_study(folder: Path, raw: Path, study_id: str | None = None) -> Made:
    """Write a new study into `folder` and its raw export into `raw`.

    Args:
        folder: a new or empty folder; its name in capitals is the study identifier when `study_id` is None.
        raw: a new or empty folder, or one that holds the same export already, which is then left as it is.
        study_id: STUDYID.

    Raises:
        CommandError: an identifier or a path that is not fit; a folder that holds files, or lies in another study.
        FileError: the system does not let the files be written; none is left.
    """
    _check_path(folder, FOLDER)
    _check_path(raw, "--raw FOLDER")
    study = _study_id(folder, study_id)
    specs = _specs(folder, raw, study)
    export = {path.relative_to(SCAFFOLD / "raw"): path.read_bytes() for path in _files(SCAFFOLD / "raw")}
    _check_folders(folder, raw)
    kept = raw.is_dir() and {p.relative_to(raw): p.read_bytes() for p in _files(raw)} == export
    _check_empty(folder, FOLDER)
    if not kept:
        _check_empty(raw, "--raw FOLDER")
    _put_in_place({folder: specs} if kept else {raw: export, folder: specs})
    return Made(study, len(specs), 0 if kept else len(export))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _study_id(folder: Path, given: str | None) -> str:
    study = folder.name.upper() if given is None else given
    if not _STUDYID.fullmatch(study):
        raise CommandError(
            Problem(
                f'"{study}" cannot be a study identifier',
                expected="1 to 20 letters, digits, -, _ and points, the first a letter or digit",
                do="write another one:  --study-id ABC-101",
            )
        )
    return study


def _specs(folder: Path, raw: Path, study: str) -> dict[Path, bytes]:
    """The spec files by their names in the folder, the example's own names replaced."""
    name = folder.name
    said = {"EXAMPLE-1": study, "specs/example": str(folder), "raw/example": str(raw), "build/example": f"build/{name}"}
    example = re.compile("|".join(map(re.escape, said)))
    made = {}
    for path in _files(SCAFFOLD / "study"):
        inside = path.relative_to(SCAFFOLD / "study")
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".yaml":
            text = example.sub(lambda found: said[found[0]], text)
            here = (folder / inside).parent.resolve()
            schemas = os.path.relpath(CHECKOUT / "docs" / "schema", here)
            text = _SCHEMAS.sub(lambda _, way=schemas: f"{way}/", text)  # type: ignore[misc]
        made[inside] = text.encode()
    return made


def _check_path(path: Path, option: str) -> None:
    """A path that make and a shell take as written, that does not climb, and that no link leads astray."""
    shown, do = str(path), f"name another folder:  {option}"
    if not _PATH.fullmatch(shown) or ".." in path.parts or not _NAME.fullmatch(path.name):
        raise CommandError(
            Problem(
                "not a path for a study",
                Place(shown),
                expected="letters, digits, -, _ and points between /, without ..; the last name begins with no point",
                do=do,
            )
        )
    here = Path.cwd().resolve()
    inside = not path.is_absolute() or path.is_relative_to(here)
    if path.is_symlink() or (inside and not path.resolve().is_relative_to(here)):
        raise CommandError(
            Problem("a link leads elsewhere", Place(shown), found=str(path.resolve()), expected="a plain folder", do=do)
        )
    if path.exists() and not path.is_dir():
        raise CommandError(Problem("a file stands where the folder should be", Place(shown), do=do))


def _check_folders(folder: Path, raw: Path) -> None:
    """The two folders lie apart, and in no other study."""
    one, other = folder.resolve(), raw.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise CommandError(
            Problem("specs and raw export need folders apart", Place(str(raw)), do="name another:  --raw FOLDER")
        )
    for path, target in ((folder, one), (raw, other)):
        above = [p for p in target.parents if (p / "study.yaml").is_file()]
        if above:
            raise CommandError(
                Problem("the folder lies in another study", Place(str(path)), found=str(above[0] / "study.yaml"))
            )


def _check_empty(path: Path, option: str) -> None:
    held = sorted(p.name for p in path.iterdir()) if path.is_dir() else []
    if held:
        more = f" and {len(held) - 3} more" if len(held) > 3 else ""
        raise CommandError(
            Problem(
                "the folder is not empty, and nothing in it is replaced",
                Place(str(path)),
                found=", ".join(held[:3]) + more,
                do=f"name a new folder:  {option}",
            )
        )


def _put_in_place(wanted: dict[Path, dict[Path, bytes]]) -> None:
    """Write every folder beside its place, then let all take their names; a rename never replaces files."""
    staged: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        for folder, files in wanted.items():
            folder.parent.mkdir(parents=True, exist_ok=True)
            staged[folder] = folder.with_name(f".new-{folder.name}-{secrets.token_hex(4)}")
            staged[folder].mkdir()
            for inside, content in files.items():
                path = staged[folder] / inside
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        for folder, staging in staged.items():
            staging.rename(folder)
            placed.append(folder)
    except BaseException as error:
        for path in (*placed, *staged.values()):
            shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, OSError):
            raise FileError(
                Problem(
                    "the study cannot be written",
                    Place(str(error.filename or "")),
                    found=str(error.strerror),
                    do="check that the folder above it may be written to",
                )
            ) from None
        raise
