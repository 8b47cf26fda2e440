"""The dataset files of a comparison: which file answers which, and what each of them holds.

In a folder, files of the folder itself and of those within it (sdtm, adam) count; the name of a file is the name of
its dataset. Of a folder that a build published, the packages that its journal names. Where a folder holds a dataset in
several formats, the first of PREFERRED is taken, which is stated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import CommandError, Place, Problem
from formats.datasets import READERS, Asked, parquet_meta, read_dataset
from formats.parquet_read import ParquetDataset
from validators.comparison_columns import FrameSide, ParquetSide, Side

PREFERRED = (".xpt", ".sas7bdat", ".parquet", ".dsjc", ".ndjson", ".json", ".csv")
_MARK = b'"datasetJSONVersion"'  # a JSON file is a dataset when it says so
_LOOKED_AT = 1 << 16  # bytes of it


@dataclass(slots=True)
class Folder:
    """Files by name of the dataset; `notes` say which were passed over, `doubled` which names are in doubt."""

    path: Path
    files: dict[str, Path] = field(default_factory=dict)
    doubled: dict[str, list[Path]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def load_side(path: Path, dataset: str = "", encoding: str = "") -> Side:
    """One file as a side of a comparison; a Parquet file is read column by column.

    Raises:
        CommandError, FileError, DataError: as read_dataset.
    """
    asked = Asked(dataset, encoding, bare=True)
    if path.suffix.lower() == ".parquet":
        if not path.is_file():
            raise CommandError(Problem("no such file", Place(str(path))))
        source = ParquetDataset(path)
        return ParquetSide(source, parquet_meta(source, asked))
    frame, meta = read_dataset(path, asked)
    return FrameSide(frame, meta)


def dataset_files(folder: Path, packages: Collection[str] = ()) -> Folder:
    """The dataset files of a folder; `packages`: only those of these folders within it."""
    found: dict[str, list[Path]] = {}
    every = [p for name in sorted(packages) for p in (folder / name).rglob("*")] if packages else folder.rglob("*")
    for path in sorted(every):
        within = path.relative_to(folder).parts
        if path.is_file() and not any(p.startswith(".") for p in within) and _is_dataset(path):
            found.setdefault(path.stem.upper(), []).append(path)
    held = Folder(folder)
    for name, paths in sorted(found.items()):
        if len({p.parent for p in paths}) > 1:
            held.doubled[name] = paths
            continue
        paths.sort(key=_preference)
        held.files[name] = paths[0]
        if len(paths) > 1:
            others = ", ".join(p.name for p in paths[1:])
            held.notes.append(f"{name}: {paths[0]} is compared; {others} beside it is not")
    return held


def pairs(base: Folder, qc: Folder) -> Iterator[tuple[str, Path, Path]]:
    """The datasets of both, by name."""
    for name, path in base.files.items():
        if name in qc.files:
            yield name, path, qc.files[name]


def _preference(path: Path) -> int:
    ending = path.suffix.lower()
    return PREFERRED.index(ending) if ending in PREFERRED else len(PREFERRED)


def _is_dataset(path: Path) -> bool:
    ending = path.suffix.lower()
    if ending == ".json":
        with path.open("rb") as file:
            return _MARK in file.read(_LOOKED_AT)
    return ending in READERS
