"""SAS transport files, version 5, written from a dataset and its metadata.

Everything is checked first (xpt_check.py) and nothing is cut, replaced or rounded: what is written reads
back as it was. One creation time stands in all headers, so the same dataset gives the same bytes.
It does not settle lengths, sort records or choose labels; the build does.

Sources: SAS technical note TS-140 (record layout of a transport data set).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.errors import DataError, Problem
from formats import xpt_layout as layout
from formats.atomic import atomic_write
from formats.ibm import to_ibm
from formats.metadata import DatasetMeta, VariableMeta
from formats.xpt_check import check_writable, text_of, width_of

VERSION = b"9.4     "  # fixed, as is the host: any machine gives the same bytes
HOST = b"PYTHON  "
BLOCK_BYTES = 4 << 20  # records are laid out in blocks of about this size
MOST_THREADS = 4  # that lay out blocks


def write_xpt(path: Path | str, frame: pd.DataFrame, meta: DatasetMeta, created: datetime, *,
              keys: Sequence[str] = (), durable: bool = True) -> None:
    """Write one dataset as a transport file; the file appears whole or not at all.

    Args:
        path: the file to make or replace.
        frame: n records, the variables of `meta` in any order: Char as `str` (missing is written as
            blanks, and so is ''), Num as float64 (missing as `.`, special missing values as they are, -0
            as 0). No records is allowed.
        meta: names, labels, lengths, formats and order. A Num of length 0 is written in 8 bytes.
        created: the time in all headers, to the second, years 1960 to 2059.
        keys: variables whose values name the record in a message, besides its number.
        durable: force the bytes to the disk.

    Raises:
        FileError: names, labels, lengths, formats or variables that a transport file cannot hold.
        DataError: values that it cannot hold as they are (not ASCII, longer than the length, trailing
            blanks, control characters, numbers outside its range); each variable with its first cells.
    """
    check_writable(frame, meta, created, keys)
    records = _record_type(meta)
    with atomic_write(path, durable=durable) as file:
        file.write(_headers(meta, created))
        last = b"."
        for block in _blocks(frame, meta, records):
            file.write(block.view(np.uint8))
            last = block[-1:].tobytes()
        if records.itemsize < layout.RECORD and not last.strip(b" "):
            raise DataError(Problem(
                f"{meta.name}: the last record is all blank and cannot be told from the file's padding",
                found=f"record {len(frame)}, {records.itemsize} bytes",
                do="drop the record, or add a variable that has a value in it"))
        file.write(b" " * (-len(frame) * records.itemsize % layout.RECORD))


def _record_type(meta: DatasetMeta) -> np.dtype[np.void]:
    """One record as raw fields, f0 to fk."""
    return np.dtype([(f"f{i}", f"V{width_of(v)}") for i, v in enumerate(meta.variables)])


def _blocks(frame: pd.DataFrame, meta: DatasetMeta, records: np.dtype[np.void]) -> Iterator[NDArray[np.void]]:
    """The records as laid out in the file, some thousands at a time; the memory of a block is soon used again.

    Blocks do not depend on one another: while one is written, threads lay out the next ones.
    """
    size = max(1, BLOCK_BYTES // records.itemsize)
    count = -(-len(frame) // size)
    workers = min(MOST_THREADS, os.cpu_count() or 1, max(count, 1))
    columns = [_whole(text_of(frame[v.name])) if v.type == "Char" else frame[v.name].to_numpy()
               for v in meta.variables]
    rooms = [np.empty(min(size, len(frame)), dtype=records) for _ in range(min(workers + 1, max(count, 1)))]

    def lay_out(number: int) -> NDArray[np.void]:
        start = number * size
        block = rooms[number % len(rooms)][:min(size, len(frame) - start)]
        for i, (variable, column) in enumerate(zip(meta.variables, columns, strict=True)):
            if isinstance(column, pa.Array):
                block[f"f{i}"] = _padded(column.slice(start, len(block)), width_of(variable))
            else:
                block[f"f{i}"] = _numbers(column[start:start + len(block)], width_of(variable))
        return block

    with ThreadPoolExecutor(max_workers=workers) as pool:
        coming = deque(pool.submit(lay_out, n) for n in range(min(len(rooms), count)))
        for number in range(count):
            yield coming.popleft().result()
            if number + len(rooms) < count:  # its memory is free again
                coming.append(pool.submit(lay_out, number + len(rooms)))


def _whole(texts: pa.ChunkedArray) -> pa.Array:
    """Text in one piece; it is copied only where it lies in several."""
    return texts.chunk(0) if texts.num_chunks == 1 else pa.concat_arrays(texts.chunks or [pa.array([], texts.type)])


def _padded(texts: pa.Array, width: int) -> NDArray[np.void]:
    """n texts as n fields of `width` bytes, padded with blanks."""
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    padded = pc.ascii_rpad(texts, width, padding=" ")
    _, offsets, data = padded.buffers()
    first = np.frombuffer(offsets, dtype=np.int64)[padded.offset]
    return np.frombuffer(data, dtype=f"V{width}", count=len(padded), offset=int(first))


def _numbers(values: NDArray[np.float64], width: int) -> NDArray[np.void]:
    """n numbers as n IBM fields of `width` bytes (their last bytes are zero, which was checked)."""
    words = to_ibm(values)
    if width == 8:
        return words.view("V8")
    return np.ascontiguousarray(words.view(np.uint8).reshape(-1, 8)[:, :width]).view(f"V{width}").ravel()


def _headers(meta: DatasetMeta, created: datetime) -> bytes:
    """All that stands before the first record."""
    time, width = layout.stamp(created), len(meta.variables)
    parts = [
        layout.LIBRARY + layout.ZEROS + b"  ",
        b"SAS     SAS     SASLIB  " + VERSION + HOST + b" " * 24 + time,
        time + b" " * 64,
        layout.MEMBER + b"000000000000000001600000000140  ",
        layout.DESCRIPTOR + layout.ZEROS + b"  ",
        b"SAS     " + _field(meta.name, 8) + b"SASDATA " + VERSION + HOST + b" " * 24 + time,
        time + b" " * 16 + _field(meta.label, 40) + b" " * 8,
        layout.NAMESTR + b"000000%04d" % width + b"0" * 20 + b"  ",
    ]
    namestrs = _descriptors(meta.variables)
    parts.append(namestrs + b" " * (-len(namestrs) % layout.RECORD))
    parts.append(layout.OBSERVATIONS + layout.ZEROS + b"  ")
    return b"".join(parts)


def _descriptors(variables: Sequence[VariableMeta]) -> bytes:
    """The descriptor of each variable, in file order."""
    rows = np.zeros(len(variables), dtype=layout.DESCRIPTOR_FIELDS)
    position = 0
    for i, v in enumerate(variables):
        form, width, decimals = layout.parse_format(v.format)
        inform, in_width, in_decimals = layout.parse_format(v.informat)
        rows[i] = (1 if v.type == "Num" else 2, 0, width_of(v), i + 1, _field(v.name, 8), _field(v.label, 40),
                   _field(form, 8), width, decimals, 0, b"\0\0", _field(inform, 8), in_width, in_decimals,
                   position, b"\0" * 52)
        position += width_of(v)
    return rows.tobytes()


def _field(text: str, width: int) -> bytes:
    """A header's text, padded with blanks; its length was checked."""
    return text.encode("ascii").ljust(width)
