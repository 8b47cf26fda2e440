"""Any dataset file in: its records and what it says of them, by the ending of its name.

XPT, SAS7BDAT and Dataset-JSON hold their metadata, and so do Parquet files that this project wrote. CSV holds none:
they stand beside it in NAME.json, or are given. Who can do without asks for `bare` files too: then what a file does not
hold is unknown, and `DatasetMeta.holds` says what is known.

A further format registers its reader in READERS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import CommandError, DataError, Place, Problem, nearest
from engine.numbers import to_numbers
from engine.run.assemble import byte_lengths
from formats.csv_read import read_csv
from formats.dataset_json_read import read_dataset_json
from formats.described import Described, read_described
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing
from formats.parquet_read import ParquetDataset
from formats.sas7bdat_read import read_sas7bdat
from formats.xpt_layout import TEXT_LENGTH
from formats.xpt_read import read_members

LONGEST = 10**12  # bytes of a CSV file


@dataclass(frozen=True, slots=True)
class Asked:
    """How a file is to be read.

    `dataset`: which of several in the file; `encoding`: of its text, '' the usual one; `described`: gives the metadata
    in place of the file's own (None: its own, or those in NAME.json beside it); `bare`: a file without any is read too.
    """

    dataset: str = ""
    encoding: str = ""
    described: Callable[[Path], Described] | None = None
    bare: bool = False


Reader = Callable[[Path, Asked], tuple[pd.DataFrame, DatasetMeta]]


def read_dataset(path: Path, asked: Asked | None = None) -> tuple[pd.DataFrame, DatasetMeta]:
    """Read one dataset.

    Args:
        path: the file; READERS knows the endings.
        asked: how.

    Returns:
        Char as `str` (missing NaN), Num as float64 with special missing values; and the metadata.

    Raises:
        CommandError: no such file, an ending that is not known, several datasets, metadata that are needed and absent.
        FileError: the file or its metadata are damaged. DataError: values that are not what the metadata say.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise CommandError(Problem("no dataset file by the ending of its name", Place(str(path)),
                                   expected=", ".join(READERS)))
    if not path.is_file():
        raise CommandError(Problem("no such file", Place(str(path))))
    return reader(path, asked or Asked())


def read_metadata(path: Path) -> Described:
    """Metadata from a JSON file."""
    return read_described(path.read_bytes(), str(path))


def _xpt(path: Path, asked: Asked) -> tuple[pd.DataFrame, DatasetMeta]:
    members = read_members(path, encoding=asked.encoding or "ascii")
    names = [meta.name for _, meta in members]
    if asked.dataset and asked.dataset not in names:
        raise CommandError(Problem(f"the file holds no {asked.dataset}", Place(str(path)), found=", ".join(names),
                                   nearest=nearest(asked.dataset, names)))
    chosen = [m for m in members if not asked.dataset or m[1].name == asked.dataset]
    if len(chosen) != 1:
        raise CommandError(Problem("the file holds several datasets", Place(str(path)), found=", ".join(names),
                                   do="choose one:  --dataset NAME"))
    return chosen[0]


def _sas7bdat(path: Path, asked: Asked) -> tuple[pd.DataFrame, DatasetMeta]:
    """SAS keeps room for more text than a transport file can; the room is given up, values never are."""
    frame, meta = read_sas7bdat(path, encoding=asked.encoding or None)
    return frame, meta.with_variables(tuple(
        replace(v, length=max(1, int(byte_lengths(frame[v.name]).max(initial=1))))
        if v.type == "Char" and v.length > TEXT_LENGTH else v for v in meta.variables))


def _parquet(path: Path, asked: Asked) -> tuple[pd.DataFrame, DatasetMeta]:
    source = ParquetDataset(path)
    meta = parquet_meta(source, asked)
    frame = source.frame()
    return frame, settled(frame, meta) if "length" in meta.holds else meta


def parquet_meta(source: ParquetDataset, asked: Asked) -> DatasetMeta:
    """What is known of a Parquet file: what is given, its own, that beside it, or the bare columns."""
    own = source.described if asked.described is None else None
    known = own or _described(source.path, asked)
    return source.bare_meta() if known is None else known.meta()


def _csv(path: Path, asked: Asked) -> tuple[pd.DataFrame, DatasetMeta]:
    described = _described(path, asked)
    text, line = read_csv(path, str(path), asked.encoding or "utf-8-sig", LONGEST)
    if described is None:
        variables = tuple(VariableMeta(str(name), type="") for name in text)
        return text, DatasetMeta(path.stem.upper(), "", variables, holds=frozenset())
    return _typed(text, described.meta(), line, path), settled(text, described.meta())


def _dataset_json(path: Path, asked: Asked) -> tuple[pd.DataFrame, DatasetMeta]:
    if asked.encoding.lower().replace("_", "-") not in ("", "utf-8", "utf8", "utf-8-sig"):
        raise CommandError(Problem("Dataset-JSON is UTF-8", Place(str(path)), found=asked.encoding,
                                   do="leave the encoding out"))
    frame, meta = read_dataset_json(path)
    if asked.dataset not in ("", meta.name):
        raise CommandError(Problem(f"the file holds no {asked.dataset}", Place(str(path)), found=meta.name))
    return frame, settled(frame, meta)


READERS: dict[str, Reader] = {
    ".xpt": _xpt, ".csv": _csv, ".parquet": _parquet, ".sas7bdat": _sas7bdat,
    ".json": _dataset_json, ".ndjson": _dataset_json, ".dsjc": _dataset_json,
}


def _described(path: Path, asked: Asked) -> Described | None:
    """The metadata that go with a file which has none; None where it may do without."""
    if asked.described is not None:
        return asked.described(path)
    beside = path.with_suffix(".json")
    if beside.is_file():
        return read_metadata(beside)
    if asked.bare:
        return None
    raise CommandError(
        Problem(
            f"the {path.suffix.lstrip('.').upper()} file has no labels, types and lengths",
            Place(str(path)),
            expected=f"{beside.name} beside it, as  trialmill convert A.xpt B.csv  writes it",
            do="name it:  --metadata FILE,  or the study whose spec describes the dataset:  --study DIR",
        )
    )


def settled(text: pd.DataFrame, meta: DatasetMeta) -> DatasetMeta:
    """Char lengths that the metadata leave open are those of the longest values."""
    return meta.with_variables(tuple(
        replace(v, length=max(1, int(byte_lengths(text[v.name]).max(initial=1))))
        if v.type == "Char" and not v.length and v.name in text else v for v in meta.variables))


def _typed(text: pd.DataFrame, meta: DatasetMeta, line: np.ndarray, path: Path) -> pd.DataFrame:
    """Text columns as the metadata say; `.` is missing and `.A` a special missing value."""
    kinds = {v.name: v.type for v in meta.variables}
    columns: dict[str, pd.Series] = {}
    problems: list[Problem] = []
    for name in text:
        values = text[name]
        if kinds.get(str(name)) == "Num":
            special = values.str.fullmatch(r"\.[A-Z_]").fillna(False).to_numpy(dtype=bool)
            numbers, bad = to_numbers(values.mask(special | (values == ".").to_numpy(dtype=bool)))
            if bad.any():
                first = int(np.flatnonzero(bad)[0])
                problems.append(Problem(
                    f"{meta.name}.{name}: {int(bad.sum())} values are no numbers", Place(str(path), int(line[first])),
                    found=f'"{values.iloc[first]}" in record {first + 1}', expected="plain decimal numbers, . or .A"))
            array = numbers.to_numpy(copy=True)
            array[special] = [special_missing(v[1]) for v in values[special]]
            values = pd.Series(array)
        columns[str(name)] = values
    if problems:
        raise DataError(problems)
    return pd.DataFrame(columns)
