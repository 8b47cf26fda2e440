"""What is known of a compared folder that a build published: its journal, the study behind it, and its keys.

A file that was changed after the build is compared all the same, and the report says so. The study is the one that is
named, else the one under specs/ whose name the journal bears.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edc.manifest import digest
from engine.errors import TrialmillError
from engine.spec.catalogue import Catalogue
from engine.spec.document import load_document
from engine.spec.study import Study, load_study
from trialmill.outputs import JOURNAL, latest_entries

SPECS = Path("specs")


@dataclass(slots=True)
class BuildOf:
    """A published folder: the last journal entry of each package, and SHA-256 of its files by name in the folder."""

    out: Path
    entries: dict[str, dict[str, Any]]
    listed: dict[str, str]

    def altered(self, path: Path) -> str:
        """What is wrong with a file of the folder; '' when it is what the build wrote."""
        try:
            name = path.resolve().relative_to(self.out.resolve()).as_posix()
        except ValueError:
            return ""
        if name not in self.listed:
            return f"{path} is not named in the journal of its build: another file put there"
        if digest(path) != self.listed[name]:
            return f"{path} is not the file that its journal names: changed after the build"
        return ""

    def specs(self) -> set[str]:
        """SHA-256 of the specs that the packages were built by."""
        return {str(e["specs"]) for e in self.entries.values()}

    def inputs(self) -> dict[str, str]:
        """SHA-256 of the raw files that the packages were built from."""
        return {str(f["file"]): str(f["sha256"]) for e in self.entries.values() for f in e["inputs"]}


def build_of(path: Path) -> BuildOf | None:
    """The build that a folder, or a file of it, was published by; None when there is none."""
    places = [path, path.parent] if path.is_dir() else [path.parent, path.parent.parent]
    out = next((p for p in places if (p / JOURNAL).is_file()), None)
    if out is None:
        return None
    try:
        entries = latest_entries(out)
    except TrialmillError:
        return BuildOf(out, {}, {})  # a damaged journal names nothing
    listed = {f["file"]: f["sha256"] for package, e in entries.items() for f in e["outputs"]
              if f["file"].startswith(f"{package}/")}
    return BuildOf(out, entries, listed)


def study_of(named: Path | None, builds: list[BuildOf]) -> Study | None:
    """The study that is named, else the one under specs/ that a journal names; None when there is none."""
    if named is not None:
        return _load(named)
    names = {e.get("study") for build in builds for e in build.entries.values()}
    for path in sorted(SPECS.glob("*/study.yaml")) if names else ():
        try:
            said = load_document(path).data
        except TrialmillError:
            continue
        if isinstance(said, dict) and said.get("study") in names:
            try:
                return _load(path.parent)
            except TrialmillError:
                return None  # what cannot be read cannot help; lint says why
    return None


def keys_of(catalogue: Catalogue, dataset: str) -> tuple[str, ...]:
    """The keys of a dataset by the specs and the standards; () for one that the study does not have."""
    if dataset in catalogue.datasets:
        return tuple(catalogue.datasets[dataset].keys)
    parent = dataset.removeprefix("SUPP")
    if dataset.startswith("SUPP") and parent in catalogue.datasets:
        return tuple(catalogue.supplemental(parent).keys)
    return ()


def _load(folder: Path) -> Study:
    import trialmill.verbs  # noqa: F401, PLC0415  files of no build need not wait for the rooms

    return load_study(folder)

