"""Dataset-JSON 1.1 files, written from a dataset and its metadata: JSON, NDJSON, and NDJSON compressed (.dsjc).

Values are carried, not shaped: a number is the shortest decimal text that reads back as the same number, missing text
is "", a missing number null. A SAS date, date-time or time is ISO 8601 text with the target type `integer`, or stays a
number where a value has no such text (half a day). Nothing is lost in silence: special missing values and informats,
for which the format has no place, are refused. Records are laid out in blocks, so memory does not grow with them.

Sources: CDISC Dataset-JSON 1.1 (its .dsjc is a zlib stream of the NDJSON text; gzip is written when asked for).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import CommandError, DataError, FileError, Place, Problem
from formats.atomic import atomic_write
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing_code
from formats.moments import kind_of, to_iso, writable
from formats.xpt_check import text_of

VERSION = "1.1.0"
ENDINGS = (".json", ".ndjson", ".dsjc")
PACKINGS = {"zlib": zlib.MAX_WBITS, "gzip": zlib.MAX_WBITS | 16}  # gzip's header holds neither name nor time
BLOCK = 20_000  # records laid out together
MOST_EXACT = 2**53  # from here on whole numbers are not all numbers of their own
SHOWN = 3
_TEXT = ("string", "date", "datetime", "time", "URI")
_NUMBER = ("integer", "double", "float", "date", "datetime", "time")


@dataclass(frozen=True, slots=True)
class ColumnSaid:
    """What Define-XML says of a variable: OID, its type in Dataset-JSON ('': by the values), place in the key."""

    oid: str
    kind: str = ""
    key: int = 0


@dataclass(frozen=True, slots=True)
class FileSaid:
    """What a file says beside its dataset; '' is left out. `columns` by variable; others have OIDs by their name."""

    group: str = ""
    columns: Mapping[str, ColumnSaid] = field(default_factory=dict)
    file: str = ""
    study: str = ""
    version: str = ""  # OID of the MetaDataVersion
    define: str = ""  # where the Define-XML file is
    originator: str = ""
    system: tuple[str, str] = ("", "")  # name and version


NOTHING_SAID = FileSaid()


def write_dataset_json(path: Path | str, frame: pd.DataFrame, meta: DatasetMeta, created: datetime,
                       said: FileSaid = NOTHING_SAID, *, packing: Literal["zlib", "gzip"] = "zlib",
                       durable: bool = True) -> None:
    """Write one dataset in the form that the ending of the name tells; the file appears whole or not at all.

    Args:
        path: .json, .ndjson or .dsjc.
        frame: n records, the variables of `meta`: Char as `str`, Num as float64.
        meta: names, labels, types, lengths, formats and order.
        created: datasetJSONCreationDateTime, to the second.
        said: OIDs and types of a Define-XML file; without it OIDs are IG.DATASET and IT.DATASET.VARIABLE.
        packing: of .dsjc.
        durable: force the bytes to the disk.

    Raises:
        CommandError: another ending. FileError: the variables are not those described, an informat.
        DataError: special missing values, infinities, values that are not of the type that was said.
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise CommandError(Problem("no Dataset-JSON file by the ending of its name", Place(str(path)),
                                   expected=", ".join(ENDINGS)))
    header, columns = _laid_out(frame, meta, created, said)
    whole = path.suffix.lower() == ".json"
    packer = zlib.compressobj(6, zlib.DEFLATED, PACKINGS[packing]) if path.suffix.lower() == ".dsjc" else None
    with atomic_write(path, durable=durable) as file:
        for part in _parts(header, columns, len(frame), whole):
            file.write(packer.compress(part) if packer else part)
        if packer:
            file.write(packer.flush())


def _parts(header: dict[str, Any], columns: Sequence[_Column], count: int, whole: bool) -> Iterator[bytes]:
    """The bytes of the file, some thousand records at a time."""
    opening = orjson.dumps(header)
    yield opening[:-1] + b',"rows":[' if whole else opening
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        rows = map(orjson.dumps, zip(*(c.cells(start, stop) for c in columns), strict=True))
        yield (b",\n" if whole and start else b"\n") + (b",\n" if whole else b"\n").join(rows)
    yield b"\n]}\n" if whole else b"\n"


class _Column:
    """A variable as JSON cells."""

    def __init__(self, values: pd.Series, variable: VariableMeta, kind: str) -> None:
        self.kind, self.variable = kind, variable
        self.values: pa.ChunkedArray | np.ndarray = text_of(values) if variable.type == "Char" else values.to_numpy()

    def cells(self, start: int, stop: int) -> list[Any]:
        if isinstance(self.values, pa.ChunkedArray):
            texts: list[Any] = pc.fill_null(self.values.slice(start, stop - start), "").to_pylist()
            return texts
        some = self.values[start:stop]
        if self.kind in ("date", "datetime", "time"):
            return list(to_iso(some, self.kind))
        if self.kind != "integer":
            numbers: list[Any] = some.tolist()
            return numbers  # orjson writes NaN as null
        missing = np.isnan(some)
        whole: list[Any] = np.where(missing, 0, some).astype(np.int64).tolist()
        for i in np.flatnonzero(missing).tolist():
            whole[i] = None
        return whole

    def described(self, said: ColumnSaid, dataset: str) -> dict[str, Any]:
        v = self.variable
        made: dict[str, Any] = {"itemOID": said.oid or item_oid(dataset, v.name), "name": v.name, "label": v.label,
                                "dataType": self.kind}
        if v.type == "Num" and self.kind in ("date", "datetime", "time"):
            made["targetDataType"] = "integer"
        if v.length and (v.type == "Char" or v.length != 8):
            made["length"] = v.length
        if v.format:
            made["displayFormat"] = v.format
        if said.key:
            made["keySequence"] = said.key
        return made


def group_oid(dataset: str) -> str:
    """The OID of a dataset when no Define-XML file says another."""
    return f"IG.{dataset}"


def item_oid(dataset: str, variable: str) -> str:
    """The OID of a variable when no Define-XML file says another."""
    return f"IT.{dataset}.{variable}"


def _laid_out(frame: pd.DataFrame, meta: DatasetMeta, created: datetime, said: FileSaid
              ) -> tuple[dict[str, Any], list[_Column]]:
    """The metadata as JSON and the variables as columns, once everything can be carried."""
    names = [v.name for v in meta.variables]
    if sorted(map(str, frame.columns)) != sorted(names):
        odd = sorted(set(map(str, frame.columns)) ^ set(names))
        raise FileError(Problem(f"{meta.name}: the records do not have the variables that are described",
                                found=", ".join(odd) or "a variable twice"))
    files = [Problem(f"{meta.name}.{v.name}: Dataset-JSON has no place for an informat", found=v.informat,
                     do="convert to Parquet or CSV, or write the transport file without informats")
             for v in meta.variables if v.informat]
    if files:
        raise FileError(files)
    columns, problems = [], []
    for v in meta.variables:
        told = said.columns.get(v.name, ColumnSaid(""))
        kind, fault = _settled_kind(meta.name, v, frame[v.name], told.kind)
        problems += fault
        columns.append(_Column(frame[v.name], v, kind))
    if problems:
        raise DataError(problems)
    header: dict[str, Any] = {"datasetJSONCreationDateTime": created.isoformat(timespec="seconds"),
                              "datasetJSONVersion": VERSION}
    header |= {k: v for k, v in (("fileOID", said.file), ("originator", said.originator)) if v}
    if all(said.system):
        header["sourceSystem"] = {"name": said.system[0], "version": said.system[1]}
    header |= {k: v for k, v in (("studyOID", said.study), ("metaDataVersionOID", said.version),
                                 ("metaDataRef", said.define)) if v}
    header |= {"itemGroupOID": said.group or group_oid(meta.name), "records": len(frame), "name": meta.name,
               "label": meta.label,
               "columns": [c.described(said.columns.get(c.variable.name, ColumnSaid("")), meta.name) for c in columns]}
    return header, columns


def _settled_kind(dataset: str, v: VariableMeta, values: pd.Series, wanted: str) -> tuple[str, list[Problem]]:
    """The type of a column, and what keeps its values from being carried."""
    name = f"{dataset}.{v.name}"
    if v.type == "Char":
        if wanted and wanted not in _TEXT:
            return wanted, [Problem(f"{name}: a Char variable cannot be {wanted}", expected=", ".join(_TEXT))]
        return wanted or "string", []
    numbers = values.to_numpy(dtype=np.float64)
    codes = special_missing_code(numbers)
    problems = _cells(name, np.flatnonzero(codes != ""), lambda i: f".{codes[i]}", "special missing",
                      "Dataset-JSON has one missing value", "convert to Parquet or CSV, which keep them")
    problems += _cells(name, np.flatnonzero(np.isinf(numbers)), lambda i: repr(float(numbers[i])), "infinite",
                       "finite numbers", "correct the value")
    present = numbers[np.isfinite(numbers)]
    whole = bool((present == np.floor(present)).all() and (np.abs(present) < MOST_EXACT).all())
    moment = kind_of(v.format)
    if not wanted and moment and writable(numbers[~np.isinf(numbers)], moment):
        wanted = moment
    elif not wanted:
        wanted = "integer" if whole else "double"
    elif wanted not in _NUMBER:
        problems.append(Problem(f"{name}: a Num variable cannot be {wanted}", expected=", ".join(_NUMBER)))
    elif wanted == "integer" and not whole:
        odd = np.flatnonzero(np.isfinite(numbers) & ((numbers != np.floor(numbers)) | (np.abs(numbers) >= MOST_EXACT)))
        problems += _cells(name, odd, lambda i: repr(float(numbers[i])), "not a whole number", "integer, as was said",
                           "say float in the Define-XML file")
    elif wanted in ("date", "datetime", "time") and not writable(numbers[~np.isinf(numbers)], wanted):
        problems.append(Problem(f"{name}: a value is no whole {'day' if wanted == 'date' else 'second'}",
                                expected=wanted))
    return wanted, problems


def _cells(name: str, at: np.ndarray, shown: Any, says: str, expected: str, do: str) -> list[Problem]:
    if not len(at):
        return []
    first = "; ".join(f"{shown(int(i))} in record {int(i) + 1}" for i in at[:SHOWN])
    more = f", and {len(at) - SHOWN} more" if len(at) > SHOWN else ""
    count = "1 value is" if len(at) == 1 else f"{len(at)} values are"
    return [Problem(f"{name}: {count} {says}", found=first + more, expected=expected, do=do)]
