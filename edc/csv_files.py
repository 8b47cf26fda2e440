"""Delimited text files as received: every column text, every record with its line.

Nothing is guessed: a row wider or narrower than the header, an undecodable byte or a NUL is an error with its line.

Sources: RFC 4180.
"""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
from numpy.typing import NDArray

from engine.errors import FileError, Place, Problem


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
    raw = path.read_bytes()
    text = _decoded(raw, shown, encoding)
    names = next(csv.reader(io.StringIO(text[: text.find("\n") + 1 or len(text)])), [])
    if not any(names):
        raise FileError(Problem("the file is empty", Place(shown), expected="a header line"))
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled or "" in names:
        raise FileError(
            Problem("a column has no name, or two have the same", Place(shown, 1), found=", ".join(doubled))
        )
    body = text.encode()
    try:
        table = pc.read_csv(
            pa.BufferReader(body),
            parse_options=pc.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pc.ConvertOptions(
                column_types={n: pa.large_string() for n in names}, strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        raise FileError(_ragged(text, len(names), shown)) from None
    frame = pd.DataFrame({n: _texts(table.column(n)) for n in names})
    return frame, _lines(text, len(frame))


def _decoded(raw: bytes, shown: str, encoding: str) -> str:
    try:
        codecs.lookup(encoding)
        text = raw.decode(encoding)
    except LookupError:
        raise FileError(
            Problem(f'no encoding "{encoding}"', Place(shown), do="correct encoding: in raw.yaml")
        ) from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FileError(
            Problem(
                f"the file is not {encoding}",
                Place(shown, line),
                found=f"byte 0x{raw[error.start]:02X}",
                do="name its encoding in raw.yaml",
            )
        ) from None
    at = text.find("\0")
    if at >= 0:
        raise FileError(
            Problem(
                "the file holds NUL bytes",
                Place(shown, text.count("\n", 0, at) + 1),
                do="it is damaged or no text file; export again",
            )
        )
    return text


def _ragged(text: str, width: int, shown: str) -> list[Problem]:
    """The rows of another width, with their lines."""
    reader = csv.reader(io.StringIO(text), strict=True)
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
            begin = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(f"not CSV: {error}", Place(shown, begin)))
    return problems[:20] or [Problem("not CSV", Place(shown), do="check its quotes")]


def _texts(column: pa.ChunkedArray) -> pd.Series:
    values = pd.Series(pd.array(column, dtype=pd.StringDtype("pyarrow", na_value=np.nan)))
    return values.where(values != "")


def _lines(text: str, count: int) -> NDArray[np.int64]:
    """The line on which each record begins; quoted cells may hold line ends."""
    if text.count("\n") - text.endswith("\n") == count:
        return np.arange(2, count + 2, dtype=np.int64)
    reader = csv.reader(io.StringIO(text))
    begins, begin = [], 1
    for _ in reader:
        begins.append(begin)
        begin = reader.line_num + 1
    return np.array(begins[1:], dtype=np.int64)
