"""Delimited text files as received: every column text, every record with its line.

Nothing is guessed: a row wider or narrower than the header, an undecodable byte or a NUL is an error with its line.
A UTF-8 file is read from where it lies; another encoding is turned into UTF-8 block by block.

Sources: RFC 4180.
"""

from __future__ import annotations

import codecs
import csv
import io
import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
from numpy.typing import NDArray

from engine.errors import FileError, Place, Problem
from formats.text import as_text

BLOCK = 8 << 20  # bytes looked at or decoded together
PARSED = 8 << 20  # bytes parsed together; no record may be longer
Bytes = bytes | mmap.mmap


def read_csv(path: Path, shown: str, encoding: str, limit: int) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Read one file.

    Args:
        path: the file; `shown` its name in messages.
        encoding: as declared, such as utf-8-sig or gb18030.
        limit: bytes at most.

    Returns:
        The records as text (missing where empty), and the line on which each begins.

    Raises:
        FileError: too large, undecodable, NUL bytes, no or doubled header names, rows of another width.
    """
    size = path.stat().st_size
    if size > limit:
        raise FileError(
            Problem(
                f"the file is larger than {limit:,} bytes",
                Place(shown),
                found=f"{size:,} bytes",
                do="raise max_megabytes: in raw.yaml if that is right",
            )
        )
    data = _utf8(path, shown, encoding) if size else b""
    names, header_lines = _header(data, shown)
    try:
        table = pc.read_csv(
            pa.BufferReader(data),
            read_options=pc.ReadOptions(block_size=PARSED, use_threads=False),
            parse_options=pc.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pc.ConvertOptions(
                column_types={n: pa.large_string() for n in names},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        raise FileError(_ragged(data, len(names), shown)) from None
    read = table.columns
    del table
    columns = {}
    for name in names:  # one after the other, each freed once it is copied
        columns[name] = as_text(read.pop(0))
    pa.default_memory_pool().release_unused()
    frame = pd.DataFrame(columns)
    return frame, _lines(data, len(frame), header_lines)


def _utf8(path: Path, shown: str, encoding: str) -> Bytes:
    """The file's bytes as UTF-8, proved to be text; UTF-8 files are not copied."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise FileError(
            Problem(f'no encoding "{encoding}"', Place(shown), do="correct encoding: in raw.yaml")
        ) from None
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    decoder = codecs.getincrementaldecoder(encoding)()
    parts: list[bytes] = []
    line = 1
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        before = line
        line += block.count(b"\n")
        try:
            text = decoder.decode(block, start + BLOCK >= len(data))
        except UnicodeDecodeError as error:
            # the decoder may hold back the last bytes of the block before: they are none of them line ends
            at = before + error.object.count(b"\n", 0, error.start)
            raise FileError(
                Problem(
                    f"the file is not {encoding}",
                    Place(shown, at),
                    found=f"byte 0x{error.object[error.start]:02X}",
                    do="name its encoding in raw.yaml",
                )
            ) from None
        at = text.find("\0")
        if at >= 0:
            raise FileError(
                Problem(
                    "the file holds NUL bytes",
                    Place(shown, before + text.count("\n", 0, at)),
                    do="it is damaged or no text file; export again",
                )
            )
        if name not in ("utf-8", "utf-8-sig", "ascii"):
            parts.append(text.encode())
    if name == "utf-8" and data[:3] == codecs.BOM_UTF8:
        return data  # Arrow drops the mark too; a declared utf-8 may carry it
    return b"".join(parts) if parts else data


def _text(data: Bytes) -> io.TextIOWrapper:
    """The whole as lines of text, decoded as they are asked for; line ends stay as they are."""
    held = io.BufferedReader(_Raw(data), BLOCK)
    return io.TextIOWrapper(held, encoding="utf-8-sig", newline="\n")


class _Raw(io.RawIOBase):
    """Bytes or a mapped file as a stream that copies block by block."""

    def __init__(self, data: Bytes) -> None:
        self._data, self._at = data, 0

    def readable(self) -> bool:
        return True

    def readinto(self, room: memoryview) -> int:  # type: ignore[override]
        block = self._data[self._at : self._at + len(room)]
        room[: len(block)] = block
        self._at += len(block)
        return len(block)


def _header(data: Bytes, shown: str) -> tuple[list[str], int]:
    """The columns' names, and how many lines they take."""
    reader = csv.reader(_text(data))
    try:
        names = next(reader, [])
    except csv.Error as error:
        raise FileError(Problem(f"not CSV: {error}", Place(shown, 1))) from None
    if not any(names):
        raise FileError(Problem("the file is empty", Place(shown), expected="a header line"))
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled or "" in names:
        raise FileError(
            Problem("a column has no name, or two have the same", Place(shown, 1), found=", ".join(doubled))
        )
    return names, reader.line_num


def _ragged(data: Bytes, width: int, shown: str) -> list[Problem]:
    """The rows of another width, with their lines."""
    reader = csv.reader(_text(data), strict=True)
    problems, begin = [], 1
    try:
        for row in reader:
            if len(row) != width:
                problems.append(
                    Problem(
                        "a row is wider or narrower than the header",
                        Place(shown, begin),
                        found=f"{len(row)} cells",
                        expected=f"{width} cells",
                    )
                )
                if len(problems) == 20:
                    break
            begin = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(f"not CSV: {error}", Place(shown, begin)))
    return problems or [Problem("not CSV", Place(shown), do=f"check its quotes; a record has {PARSED:,} bytes at most")]


def _lines(data: Bytes, count: int, header_lines: int) -> NDArray[np.int64]:
    """The line on which each record begins; quoted cells may hold line ends."""
    ends = sum(block.count(b"\n") for block in _blocks(data)) - (data[-1:] == b"\n")
    if ends == count + header_lines - 1:
        return np.arange(header_lines + 1, header_lines + 1 + count, dtype=np.int64)
    # a line end after an even number of quotes ends a record, where quotes stand only as RFC 4180 has them
    closes, quotes = [], 0
    for block in _blocks(data):
        raw = np.frombuffer(block, dtype=np.uint8)
        at = np.flatnonzero(raw == ord("\n"))
        marks = np.flatnonzero(raw == ord('"'))
        closes.append((quotes + np.searchsorted(marks, at)) % 2 == 0)
        quotes += len(marks)
    begins = np.flatnonzero(np.concatenate(closes)) + 2
    if len(begins) - (data[-1:] == b"\n") == count:
        return begins[:count].astype(np.int64)
    reader = csv.reader(_text(data))
    found, begin = [], 1
    for _ in reader:
        found.append(begin)
        begin = reader.line_num + 1
    return np.array(found[1:], dtype=np.int64)


def _blocks(data: Bytes) -> Iterator[bytes]:
    for start in range(0, len(data), BLOCK):
        yield data[start : start + BLOCK]
