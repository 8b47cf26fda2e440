"""A package folder as it lies on the disk, made here or elsewhere: its studies, their files, and what stands beside m5.

Sources: FDA Study Data Technical Conformance Guide (folders).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from engine.errors import CommandError, FileError, Place, Problem
from submission.dataset_facts import DatasetFacts, Reads
from submission.define_outline import DefineFile, read_define
from submission.ectd import ROOT, rule_for
from submission.manifest import ASIDE, MANIFEST, STF

STANDARDS = ("sdtmig", "adamig")


@dataclass(frozen=True, slots=True)
class Tabulated:
    """A dataset file: its path from m5 on, and what it shows."""

    path: str
    facts: DatasetFacts

    @property
    def stem(self) -> str:
        """The file's name without its ending, upper case."""
        return PurePosixPath(self.path).stem.upper()


class PackageTree:
    """All files below m5; `root` is the folder that holds m5."""

    def __init__(self, folder: Path, reads: Reads | None = None, study_id: str = "") -> None:
        """List the files.

        Args:
            folder: m5 itself or a folder that holds it.
            reads: what is known of files already.
            study_id: of the STF, where no inputs for it stand beside m5.

        Raises:
            CommandError: there is no m5.
        """
        self.root = folder.parent if folder.name == "m5" else folder
        if not (self.root / "m5").is_dir():
            raise CommandError(Problem("no folder m5 there", Place(str(folder)), do="package, or name its folder"))
        self.reads = reads or Reads()
        self.files: list[str] = []
        self.folders: list[str] = []
        self.links: list[str] = []
        for at, folders, names in os.walk(self.root / "m5"):
            here = Path(at)
            for name in sorted([*folders, *names]):
                path = here / name
                shown = path.relative_to(self.root).as_posix()
                group = self.links if path.is_symlink() else self.folders if path.is_dir() else self.files
                group.append(shown)
        self.files.sort()
        self.folders.sort()
        self._study_id = study_id

    @cached_property
    def studies(self) -> list[StudyTree]:
        """The folders below m5/datasets."""
        names = {PurePosixPath(f).parts[2] for f in [*self.files, *self.folders]
                 if f.startswith(f"{ROOT}/") and len(PurePosixPath(f).parts) > 2 and f not in self.files_of_root}
        return [StudyTree(self, n) for n in sorted(names)]

    @cached_property
    def files_of_root(self) -> set[str]:
        """Files that stand in m5/datasets itself."""
        return {f for f in self.files if PurePosixPath(f).parent.as_posix() == ROOT}

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest beside m5; None where there is none."""
        return self._aside(MANIFEST)

    @cached_property
    def stf(self) -> dict[str, Any] | None:
        """The inputs for the STF beside m5; None where there are none."""
        return self._aside(STF)

    @property
    def study_id(self) -> str:
        """The study-id of the STF; '' where nobody says it."""
        return self._study_id or str((self.stf or {}).get("study-id", ""))

    def _aside(self, name: str) -> dict[str, Any] | None:
        path = self.root / ASIDE / name
        if not path.is_file():
            return None
        try:
            said = orjson.loads(path.read_bytes())
            _ = [f["path"] for f in said["files"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise FileError(Problem("the file beside m5 is damaged", Place(str(path)), do="package again")) from None
        made: dict[str, Any] = said
        return made


class StudyTree:
    """The files of one study."""

    def __init__(self, tree: PackageTree, name: str) -> None:
        self.tree, self.name, self.base = tree, name, f"{ROOT}/{name}"
        self.files = [f for f in tree.files if f.startswith(f"{self.base}/")]

    def below(self, path: str) -> str:
        """A path as seen from the study's folder."""
        return path.removeprefix(f"{self.base}/")

    def place(self, standard: str, kind: str, name: str = "") -> str:
        """Where a file of that kind stands, from m5 on."""
        rule = rule_for(standard, kind)
        return f"{self.base}/{rule.folder}/{name or rule.name}"

    def has(self, path: str) -> bool:
        """Whether that very file is there."""
        return path in self.files

    def full(self, path: str) -> Path:
        """The file on the disk."""
        return self.tree.root / path

    def datasets(self, standard: str, kind: str = "dataset") -> list[Tabulated]:
        """Dataset files of a standard in its folder, or their parts (`part`)."""
        folder = f"{self.base}/{rule_for(standard, kind).folder}"
        paths = [f for f in self.files if f.lower().endswith(".xpt") and PurePosixPath(f).parent.as_posix() == folder]
        return [Tabulated(p, self.tree.reads.facts(self.full(p))) for p in paths]

    def define(self, standard: str) -> tuple[str, DefineFile | None, str]:
        """Path of define.xml, what it says, and why it cannot be read; nothing when it is not there."""
        path = self.place(standard, "define")
        if not self.has(path):
            return path, None, ""
        define, fault = self.tree.reads.once(self.full(path), _outline)
        return path, define, fault


def _outline(path: Path) -> tuple[DefineFile | None, str]:
    try:
        return read_define(path.read_bytes(), path.name), ""
    except FileError as error:
        told = error.problems[0]
        return None, told.what + (f": {told.found}" if told.found else "")
