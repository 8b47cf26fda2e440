"""Converts dataset files between XPT, CSV and Parquet, and reads SAS7BDAT; nothing is cut, guessed or lost.

XPT to XPT keeps every byte. CSV holds neither labels nor lengths, so XPT to CSV writes them beside it, to NAME.json,
and CSV to XPT reads that file, another one (`metadata`), or the study's spec. Special missing values go through all.

Sources: architecture, "Writing XPT".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from edc.csv_files import read_csv
from engine.errors import CommandError, DataError, FileError, Place, Problem, nearest
from engine.numbers import number_texts, to_numbers
from engine.run.assemble import byte_lengths
from engine.spec.catalogue import Catalogue
from engine.spec.study import load_study
from formats.atomic import atomic_write, write_bytes
from formats.described import Described, described_json, read_described
from formats.metadata import DatasetMeta
from formats.missing import special_missing, special_missing_code
from formats.sas7bdat_read import read_sas7bdat
from formats.xpt_layout import TEXT_LENGTH
from formats.xpt_read import read_members
from formats.xpt_write import write_xpt

SOURCES = (".xpt", ".csv", ".parquet", ".sas7bdat")
TARGETS = (".xpt", ".csv", ".parquet")
LONGEST = 10**12  # bytes of a CSV file
UNKNOWN_TIME = datetime(1960, 1, 1)  # in the headers of a file made from one that names no time
_KEY = b"trialmill"
_SAS_ORIGIN = pd.Timestamp(1960, 1, 1)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a conversion may be told: time in the headers, member of the file, metadata, study, encoding of its text."""

    created: datetime | None = None
    dataset: str = ""
    metadata: Path | None = None
    study: Path | None = None
    encoding: str = ""


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
        _write_parquet(frame, meta, target)
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


# -- reading


def _read(source: Path, choices: Choices) -> tuple[pd.DataFrame, DatasetMeta]:
    ending = source.suffix.lower()
    if ending == ".xpt":
        return _member(source, choices)
    if ending == ".sas7bdat":
        frame, meta = read_sas7bdat(source, encoding=choices.encoding or None)
        return frame, _shortened(frame, meta)
    if ending == ".parquet":
        return _read_parquet(source, choices)
    described = _described(source, choices)
    text, line = read_csv(source, str(source), choices.encoding or "utf-8-sig", LONGEST)
    return _typed(text, described.meta(), line, source), _settled(text, described.meta())


def _member(source: Path, choices: Choices) -> tuple[pd.DataFrame, DatasetMeta]:
    members = read_members(source, encoding=choices.encoding or "ascii")
    names = [meta.name for _, meta in members]
    if choices.dataset and choices.dataset not in names:
        raise CommandError(Problem(f"the file holds no {choices.dataset}", Place(str(source)), found=", ".join(names),
                                   nearest=nearest(choices.dataset, names)))
    chosen = [m for m in members if not choices.dataset or m[1].name == choices.dataset]
    if len(chosen) != 1:
        raise CommandError(Problem("the file holds several datasets", Place(str(source)), found=", ".join(names),
                                   do="choose one:  --dataset NAME"))
    return chosen[0]


def _shortened(frame: pd.DataFrame, meta: DatasetMeta) -> DatasetMeta:
    """SAS keeps room for more text than a transport file can; the room is given up, values never are."""
    return meta.with_variables(tuple(
        replace(v, length=max(1, int(byte_lengths(frame[v.name]).max(initial=1))))
        if v.type == "Char" and v.length > TEXT_LENGTH else v for v in meta.variables))


def _described(source: Path, choices: Choices) -> Described:
    """The metadata that go with a file which has none."""
    if choices.study is not None:
        return _of_study(source, choices)
    path = choices.metadata or source.with_suffix(".json")
    if not path.is_file():
        raise CommandError(
            Problem(
                f"the {source.suffix.lstrip('.').upper()} file has no labels, types and lengths",
                Place(str(source)),
                expected=f"{source.with_suffix('.json').name} beside it, as  trialmill convert A.xpt B.csv  writes it",
                do="name it:  --metadata FILE,  or the study whose spec describes the dataset:  --study DIR",
            )
        )
    return read_described(path.read_bytes(), str(path))


def _of_study(source: Path, choices: Choices) -> Described:
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


def _settled(text: pd.DataFrame, meta: DatasetMeta) -> DatasetMeta:
    """Char lengths that the metadata leave open are those of the longest values."""
    return meta.with_variables(tuple(
        replace(v, length=max(1, int(byte_lengths(text[v.name]).max(initial=1))))
        if v.type == "Char" and not v.length and v.name in text else v for v in meta.variables))


def _typed(text: pd.DataFrame, meta: DatasetMeta, line: np.ndarray, source: Path) -> pd.DataFrame:
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
                    f"{meta.name}.{name}: {int(bad.sum())} values are no numbers", Place(str(source), int(line[first])),
                    found=f'"{values.iloc[first]}" in record {first + 1}', expected="plain decimal numbers, . or .A"))
            array = numbers.to_numpy(copy=True)
            array[special] = [special_missing(v[1]) for v in values[special]]
            values = pd.Series(array)
        columns[str(name)] = values
    if problems:
        raise DataError(problems)
    return pd.DataFrame(columns)


# -- Parquet


def _write_parquet(frame: pd.DataFrame, meta: DatasetMeta, target: Path) -> None:
    special = {str(n): {int(i): str(codes[i]) for i in np.flatnonzero(codes != "")}
               for n, codes in ((n, special_missing_code(frame[n])) for n in frame if frame[n].dtype == np.float64)}
    said = described_json(meta, {n: cells for n, cells in special.items() if cells})
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata({_KEY: said})
    with atomic_write(target) as file:
        pq.write_table(table, pa.PythonFile(file, mode="w"))


def _read_parquet(source: Path, choices: Choices) -> tuple[pd.DataFrame, DatasetMeta]:
    try:
        table = pq.read_table(source)
    except (pa.ArrowInvalid, OSError) as error:
        raise FileError(Problem("not a Parquet file", Place(str(source)), found=str(error)[:80])) from None
    raw = (table.schema.metadata or {}).get(_KEY)
    own = raw is not None and choices.metadata is None and choices.study is None
    described = read_described(raw, str(source)) if own and raw is not None else _described(source, choices)
    frame = pd.DataFrame({name: _column(table.column(name), name, source) for name in table.column_names})
    for name, cells in described.special.items():
        values = frame[name].to_numpy(copy=True)
        values[list(cells)] = [special_missing(letter) for letter in cells.values()]
        frame[name] = values
    return frame, _settled(frame, described.meta())


def _column(values: pa.ChunkedArray, name: str, source: Path) -> pd.Series:
    """A column as text or float64; a date is days, a time stamp seconds since 1960."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        text = pd.Series(pd.array(values.cast(pa.large_string()), dtype=pd.StringDtype("pyarrow", na_value=np.nan)))
        return text.where(text != "")
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        moments = values.cast(pa.timestamp("ms")).to_pandas() - _SAS_ORIGIN
        return moments / pd.Timedelta(days=1) if pa.types.is_date(kind) else moments / pd.Timedelta(seconds=1)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = pc.cast(values, pa.float64()).to_pandas().astype("float64")
        return numbers.reset_index(drop=True)
    raise FileError(Problem(f"the column {name} holds neither text, numbers nor dates", Place(str(source)),
                            found=str(kind)))


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
