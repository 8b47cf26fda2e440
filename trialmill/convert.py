"""Converts dataset files between XPT, Dataset-JSON, CSV and Parquet, and reads SAS7BDAT; nothing is cut or lost.

XPT to XPT keeps every byte. CSV holds neither labels nor lengths, so XPT to CSV writes them beside it, to NAME.json,
and CSV to XPT reads that file, another one (`metadata`), or the study's spec. Special missing values go through all
but Dataset-JSON, which has no place for them and is refused then.

Sources: architecture, "Writing XPT".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import CommandError, FileError, Place, Problem, nearest
from engine.numbers import number_texts
from formats.atomic import write_bytes
from formats.dataset_json_write import ENDINGS, write_dataset_json
from formats.datasets import READERS, Asked, read_dataset, read_metadata
from formats.described import Described, described_json, read_described
from formats.metadata import DatasetMeta
from formats.missing import special_missing_code
from formats.parquet_write import write_parquet
from formats.xpt_read import read_members
from formats.xpt_write import write_xpt

SOURCES = tuple(READERS)
TARGETS = (".xpt", ".csv", ".parquet", *ENDINGS)
UNKNOWN_TIME = datetime(1960, 1, 1)  # in the headers of a file made from one that names no time


@dataclass(frozen=True, slots=True)
class Choices:
    """What a conversion may be told: time in the headers, member of the file, metadata, study, encoding of its text."""

    created: datetime | None = None
    dataset: str = ""
    metadata: Path | None = None
    study: Path | None = None
    encoding: str = ""
    gzip: bool = False  # a .dsjc by gzip, which some readers expect; Dataset-JSON 1.1 says zlib


def convert(source: Path, target: Path, choices: Choices | None = None) -> list[Path]:
    """Convert one file, by the endings of both names; the target appears whole or not at all.

    Returns:
        The files that were written.

    Raises:
        CommandError: an ending that is not known, several datasets, or metadata that are needed and absent.
        FileError: the source or the metadata are damaged, or the target cannot hold its names, labels or lengths.
        DataError: values that the target cannot hold; the cells are named.
    """
    choices = choices or Choices()
    ends = (source.suffix.lower(), target.suffix.lower())
    if not source.is_file():
        raise CommandError(Problem("no such file", Place(str(source))))
    if target.exists() and source.samefile(target):
        raise CommandError(Problem("source and target are one file", Place(str(source))))
    if ends[0] not in SOURCES or ends[1] not in TARGETS:
        raise CommandError(
            Problem(
                f"no conversion from {ends[0] or 'nothing'} to {ends[1] or 'nothing'}",
                expected=f"from {', '.join(SOURCES)} to {', '.join(TARGETS)}",
            )
        )
    if ends == (".xpt", ".xpt"):
        read_members(source, encoding="latin-1")  # refuses a damaged file
        write_bytes(target, source.read_bytes())
        return [target]
    frame, meta = _read(source, choices)
    created = choices.created or meta.created or UNKNOWN_TIME
    meta = replace(meta, created=created)
    if ends[1] == ".xpt":
        write_xpt(target, frame, meta, created)
    elif ends[1] == ".parquet":
        write_parquet(target, frame, meta)
    elif ends[1] in ENDINGS:
        _check_dataset_json(target)
        write_dataset_json(target, frame, meta, created, packing="gzip" if choices.gzip else "zlib")
    else:
        beside = target.with_suffix(".json")
        _check_free(beside)
        write_bytes(target, _csv_bytes(frame))
        write_bytes(beside, described_json(meta))
        return [target, beside]
    return [target]


def _check_free(beside: Path) -> None:
    """Metadata replace metadata, and no other file."""
    try:
        if beside.exists():
            read_described(beside.read_bytes(), str(beside))
    except (FileError, OSError):
        raise CommandError(
            Problem("another file stands where the labels and lengths would go", Place(str(beside)),
                    do="move it, or name another target")
        ) from None


def _check_dataset_json(target: Path) -> None:
    """Dataset-JSON replaces Dataset-JSON: a .json file may be the metadata of a CSV file."""
    if target.suffix.lower() == ".json" and target.is_file():
        with target.open("rb") as file:
            if b'"datasetJSONVersion"' not in file.read(1 << 16):
                raise CommandError(Problem("another file stands where Dataset-JSON would go", Place(str(target)),
                                           do="move it, or name another target"))


# -- reading


def _read(source: Path, choices: Choices) -> tuple[pd.DataFrame, DatasetMeta]:
    described: Callable[[Path], Described] | None = None
    if choices.study is not None:
        described = partial(_of_study, choices=choices)
    elif choices.metadata is not None:
        metadata = choices.metadata
        described = lambda _: read_metadata(metadata)  # noqa: E731
    return read_dataset(source, Asked(choices.dataset, choices.encoding, described))


def _of_study(source: Path, choices: Choices) -> Described:
    import trialmill.verbs  # noqa: F401, PLC0415  most conversions need no spec
    from engine.spec.catalogue import Catalogue  # noqa: PLC0415
    from engine.spec.study import load_study  # noqa: PLC0415

    assert choices.study is not None
    study = load_study(choices.study)
    catalogue = Catalogue(study)
    name = choices.dataset or source.stem.upper()
    parent = name.removeprefix("SUPP")
    known = [*catalogue.datasets, *(f"SUPP{d.name}" for d in study.datasets.values() if d.supplemental)]
    if name not in known:
        raise CommandError(Problem(f"{study.shown} describes no {name}", nearest=nearest(name, known),
                                   do="name the dataset:  --dataset NAME"))
    info = catalogue.datasets[name] if name in catalogue.datasets else catalogue.supplemental(parent)
    return Described.model_validate({
        "dataset": info.name, "label": info.label, "created": study.file.created,
        "variables": [{"name": v.name, "label": v.label, "type": v.type, "format": v.format,
                       "length": v.length if v.type == "Char" else 8} for v in info.variables]})


# -- CSV


def _csv_bytes(frame: pd.DataFrame) -> bytes:
    columns = {}
    for name in frame:
        values = frame[name]
        if values.dtype == np.float64:
            codes = special_missing_code(values)
            text = number_texts(values)
            values = text.where(codes == "", pd.Series("." + codes.astype(object), dtype="str"))
        columns[name] = values
    text: str = pd.DataFrame(columns).to_csv(index=False, lineterminator="\r\n")
    return text.encode()
