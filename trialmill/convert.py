"""Converts dataset files: XPT to CSV, Parquet or (byte for byte) XPT, and Parquet made here back to XPT.

A CSV file holds no types or labels, so it cannot become an XPT; SAS7BDAT and metadata for CSV come later.

Sources: architecture, "Writing XPT".
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import CommandError, FileError, Place, Problem
from engine.numbers import number_texts
from formats.atomic import atomic_write, write_bytes
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing, special_missing_code
from formats.xpt_read import read_members, read_xpt
from formats.xpt_write import write_xpt

_KEY = b"trialmill"


def convert(source: Path, target: Path, created: datetime) -> None:
    """Convert one file, by the endings of both names; the target appears whole or not at all.

    Raises:
        CommandError: an ending that is not known, or a conversion that would lose something.
        FileError: the source is damaged.
    """
    ends = (source.suffix.lower(), target.suffix.lower())
    if not source.is_file():
        raise CommandError(Problem("no such file", Place(str(source))))
    if source.resolve() == target.resolve():
        raise CommandError(Problem("source and target are one file", Place(str(source))))
    if ends == (".xpt", ".xpt"):
        read_members(source, encoding="latin-1")  # refuses a damaged file
        write_bytes(target, source.read_bytes())
    elif ends == (".xpt", ".csv"):
        _to_csv(source, target)
    elif ends == (".xpt", ".parquet"):
        _to_parquet(source, target)
    elif ends == (".parquet", ".xpt"):
        frame, meta = _from_parquet(source)
        write_xpt(target, frame, meta, created)
    else:
        raise CommandError(
            Problem(
                f"no conversion from {ends[0] or 'nothing'} to {ends[1] or 'nothing'}",
                expected=".xpt to .xpt, .csv, .parquet; .parquet (made here) to .xpt",
            )
        )


def _to_csv(source: Path, target: Path) -> None:
    frame, _ = read_xpt(source)
    columns = {}
    for name in frame:
        values = frame[name]
        if values.dtype == np.float64:
            codes = special_missing_code(values)
            text = number_texts(values)
            values = text.where(codes == "", pd.Series("." + codes.astype(object), dtype="str"))
        columns[name] = values
    write_bytes(target, pd.DataFrame(columns).to_csv(index=False, lineterminator="\r\n").encode())


def _to_parquet(source: Path, target: Path) -> None:
    frame, meta = read_xpt(source)
    said = {
        "name": meta.name,
        "label": meta.label,
        "variables": [[v.name, v.label, v.type, v.length, v.format, v.informat] for v in meta.variables],
        "special": {
            n: {str(i): c for i, c in enumerate(special_missing_code(frame[n])) if c}
            for n in frame
            if frame[n].dtype == np.float64
        },
    }
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(
        {_KEY: orjson.dumps(said, option=orjson.OPT_SORT_KEYS)}
    )
    with atomic_write(target) as file:
        pq.write_table(table, pa.PythonFile(file, mode="w"))


def _from_parquet(source: Path) -> tuple[pd.DataFrame, DatasetMeta]:
    try:
        table = pq.read_table(source)
    except (pa.ArrowInvalid, OSError) as error:
        raise FileError(Problem("not a Parquet file", Place(str(source)), found=str(error)[:80])) from None
    raw = (table.schema.metadata or {}).get(_KEY)
    if raw is None:
        raise CommandError(
            Problem(
                "the Parquet file holds no labels and lengths",
                Place(str(source)),
                expected="a file that  trialmill convert  made from an XPT",
            )
        )
    said = orjson.loads(raw)
    frame = table.to_pandas()
    for variable in said["variables"]:
        if variable[2] == "Char":
            frame[variable[0]] = frame[variable[0]].astype("str")
    for name, cells in said["special"].items():
        values = frame[name].to_numpy(copy=True)
        for row, letter in cells.items():
            values[int(row)] = special_missing(letter)
        frame[name] = values
    return frame, DatasetMeta(said["name"], said["label"], tuple(VariableMeta(*v) for v in said["variables"]))
