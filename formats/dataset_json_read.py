"""Datasets and their metadata read from Dataset-JSON 1.1: JSON, NDJSON, and .dsjc compressed by zlib or gzip.

Files come from anywhere, so nothing is taken on trust: the metadata are held against the official schema, every cell
against its column, the number of records against what the file announces; what a compressed file unpacks to is bounded.
Records are read in blocks. Numbers that a float64 cannot hold are refused, not rounded. Text '' and null are missing.

Sources: CDISC Dataset-JSON 1.1 and its schema (formats/data; the schema of the NDJSON form refers to a definition that
it lacks, so both forms are held against that of the whole file, whose `rows` are optional).
"""

from __future__ import annotations

import json
import mmap
import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from engine.errors import FileError, Place, Problem
from formats.dataset_json_columns import Columns
from formats.metadata import DatasetMeta, VariableMeta

SCHEMA = Path(__file__).parent / "data" / "dataset-json-1.1.schema.json"
BLOCK = 20_000  # records parsed together
LONGEST_ROW = 16 << 20  # bytes
LONGEST_HEADER = 32 << 20
MOST_TIMES = 400  # that a compressed file may unpack to its own size, beyond
MOST_FREE = 64 << 20  # these bytes
CHUNK = 1 << 20
MOST_PROBLEMS = 20
Rows = list[list[Any]]
Cut = tuple[int, int, int]  # first byte, end and number of a block of records
_BLANK = re.compile(rb"[ \t\r\n]*+")
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_KEY = re.compile(rb"(" + _STRING + rb")[ \t\r\n]*+:[ \t\r\n]*+", re.DOTALL)
_SCALAR = re.compile(_STRING + rb"|[-+0-9.eE]++|true|false|null", re.DOTALL)
_TOKEN = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_ROW = re.compile(rb'[ \t\r\n]*+(\[[^\[\]{}"]*+(?:' + _STRING + rb'[^\[\]{}"]*+)*+\])[ \t\r\n]*+([,\]])', re.DOTALL)


def read_dataset_json(path: Path | str, *, shown: str = "") -> tuple[pd.DataFrame, DatasetMeta]:
    """Read one dataset; the ending of the name tells the form.

    Returns:
        Char as `str` (missing NaN), Num as float64; and the metadata. A SAS date is its number again, with the
        display format as its format (DATE9., DATETIME20. or TIME8. where the file names none). Char lengths that the
        file does not state are 0.

    Raises:
        FileError: not Dataset-JSON, damaged, or not what its metadata say; the first faults with line or record.
    """
    path = Path(path)
    shown = shown or str(path)
    reader = _Whole if path.suffix.lower() == ".json" else _Lines
    try:
        return reader(path, shown).read()
    except OSError as error:
        raise FileError(Problem("the file cannot be read", Place(shown), found=str(error.strerror))) from None


def parse_header(raw: bytes, shown: str, line: int = 0) -> dict[str, Any]:
    """Metadata as JSON: UTF-8, no key twice, no NaN; FileError otherwise."""
    place = Place(shown, line)
    try:
        said = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise FileError(Problem("the file is not UTF-8", place, found=f"byte {error.start:,}",
                                do="write it again as UTF-8")) from None
    except json.JSONDecodeError as error:
        at = Place(shown, (line or 1) + error.lineno - 1, error.colno)
        raise FileError(Problem("the metadata are not JSON", at, found=error.msg)) from None
    except (ValueError, RecursionError) as error:
        found = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FileError(Problem("the metadata are damaged", place, found=found)) from None
    if not isinstance(said, dict):
        raise FileError(Problem("not Dataset-JSON", place, found="no object at the top"))
    return said


def held(said: dict[str, Any], shown: str, *, extended: bool) -> dict[str, Any]:
    """Metadata once they agree with the schema and themselves; `extended`: further keys at the top are let be."""
    if "datasetJSONVersion" not in said:
        raise FileError(Problem("not Dataset-JSON", Place(shown), found=", ".join(list(said)[:5]) or "no keys",
                                expected="datasetJSONVersion and the other keys of Dataset-JSON 1.1"))
    known = _schema().schema["properties"]
    checked = {k: v for k, v in said.items() if k in known} if extended else said
    problems = []
    for error in islice(_schema().iter_errors(checked), MOST_PROBLEMS):
        where = ".".join(map(str, error.absolute_path)) or "as a whole"
        problems.append(Problem(f"the metadata break the schema of Dataset-JSON 1.1: {where}", Place(shown),
                                found=error.message[:120]))
    if problems:
        raise FileError(problems)
    for what in ("name", "itemOID"):
        told = [str(c[what]).upper() for c in said["columns"]]
        doubled = sorted({t for t in told if told.count(t) > 1})
        if doubled:
            problems.append(Problem(f"columns have the same {what}", Place(shown), found=", ".join(doubled[:5])))
    if not said["columns"]:
        problems.append(Problem("the dataset has no columns", Place(shown)))
    if problems:
        raise FileError(problems)
    return said


class _Whole:
    """A whole-file document: its parts are found first, then the records are parsed block by block."""

    def __init__(self, path: Path, shown: str) -> None:
        self.shown = shown
        with path.open("rb") as file:
            size = path.stat().st_size
            self.data: mmap.mmap | bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""

    def read(self) -> tuple[pd.DataFrame, DatasetMeta]:
        said, cuts = self._parts()
        meta = held(said, self.shown, extended=False)
        columns = Columns(meta, self.shown)
        for start, end, count in cuts:
            columns.add(self._block(start, end, count, columns.count))
        return columns.frame(), described(meta)

    def _parts(self) -> tuple[dict[str, Any], list[Cut]]:
        """The metadata, and where the records lie."""
        data, at = self.data, 3 if self.data[:3] == b"\xef\xbb\xbf" else 0
        if self.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise FileError(Problem("the file is not UTF-8", Place(self.shown), found="UTF-16",
                                    do="write it again as UTF-8"))
        at = self._expect(b"{", self._blank(at))
        spans, cuts, size = [], [], 0
        at = self._blank(at)
        while data[at : at + 1] != b"}":
            key = _KEY.match(data, at)
            if key is None:
                raise self._fault(at, "a key")
            at = key.end()
            if key[1] == b'"rows"' and data[at : at + 1] == b"[":
                if cuts:
                    raise FileError(Problem("the file has rows twice", self._place(at)))
                at, cuts = self._rows(at + 1)
            else:
                at = self._value(at)
                size += at - key.start()
                if size > LONGEST_HEADER:
                    raise FileError(Problem("the metadata are too large", self._place(key.start()),
                                            expected=f"{LONGEST_HEADER:,} bytes at most"))
                spans.append(data[key.start() : at])
            at = self._blank(at)
            if data[at : at + 1] == b",":
                at = self._blank(at + 1)
                if data[at : at + 1] == b"}":
                    raise self._fault(at, "a key")
            elif data[at : at + 1] != b"}":
                raise self._fault(at, "a comma or the end")
        if self._blank(at + 1) != len(data):
            raise FileError(Problem("something follows the end of the document", self._place(at + 1)))
        return parse_header(b"{" + b",".join(spans) + b"}", self.shown), cuts

    def _rows(self, at: int) -> tuple[int, list[Cut]]:
        """Where the rows end, and blocks of them; a row is an array of scalars."""
        data, cuts = self.data, []
        first, count = at, 0
        closing = self._blank(at)
        if data[closing : closing + 1] == b"]":
            return closing + 1, [(at, at, 0)]
        while True:
            row = _ROW.match(data, at)
            if row is None:
                raise self._fault(self._blank(at), "a row: an array of values")
            if row.end(1) - row.start(1) > LONGEST_ROW:
                raise FileError(Problem("a row is too long", self._place(at), expected=f"up to {LONGEST_ROW:,} bytes"))
            at, count = row.end(), count + 1
            ended = row[2] == b"]"
            if count == BLOCK or ended:
                cuts.append((first, at - 1, count))
                first, count = at, 0
            if ended:
                return at, cuts

    def _block(self, start: int, end: int, count: int, before: int) -> Rows:
        try:
            rows: Rows = orjson.loads(b"[" + self.data[start:end] + b"]")
        except orjson.JSONDecodeError as error:
            raise FileError(Problem("a record is not JSON", self._place(start + max(error.pos - 1, 0)), found=error.msg,
                                    expected=f"records {before + 1:,} to {before + count:,}")) from None
        return rows

    def _value(self, at: int) -> int:
        """Where the value that begins here ends."""
        if self.data[at : at + 1] not in (b"{", b"["):
            scalar = _SCALAR.match(self.data, at)
            if scalar is None:
                raise self._fault(at, "a value")
            return scalar.end()
        depth = 0
        for token in _TOKEN.finditer(self.data, at, min(len(self.data), at + LONGEST_HEADER)):
            if token[0] in (b"{", b"["):
                depth += 1
            elif token[0] in (b"}", b"]"):
                depth -= 1
                if not depth:
                    return token.end()
        raise self._fault(at, "a value that ends")

    def _blank(self, at: int) -> int:
        match = _BLANK.match(self.data, at)
        return match.end() if match else at

    def _expect(self, byte: bytes, at: int) -> int:
        if self.data[at : at + 1] != byte:
            raise FileError(Problem("not Dataset-JSON", Place(self.shown), expected="a JSON object",
                                    found=ascii(bytes(self.data[at : at + 20]).decode("latin-1"))))
        return at + 1

    def _place(self, at: int) -> Place:
        line = 1 + sum(self.data[i : min(i + CHUNK, at)].count(b"\n") for i in range(0, at, CHUNK))
        return Place(self.shown, line, at - self.data.rfind(b"\n", 0, at))

    def _fault(self, at: int, expected: str) -> FileError:
        found = "the end of the file" if at >= len(self.data) else repr(bytes(self.data[at : at + 20]))
        return FileError(Problem("the file is not JSON", self._place(at), found=found, expected=expected))


class _Lines:
    """NDJSON: the first line is the metadata, each further line a record; .dsjc is the same, compressed."""

    def __init__(self, path: Path, shown: str) -> None:
        self.path, self.shown = path, shown

    def read(self) -> tuple[pd.DataFrame, DatasetMeta]:
        lines = self._lines()
        first = next(lines, b"")
        if not first.strip():
            raise FileError(Problem("the file is empty", Place(self.shown), expected="metadata in the first line"))
        said = parse_header(first, self.shown, 1)
        if "rows" in said:
            raise FileError(Problem("the whole dataset in one line", Place(self.shown), expected="one record a line",
                                    do="give the file the ending .json"))
        meta = held(said, self.shown, extended=True)
        columns = Columns(meta, self.shown, lines=True)
        some: list[bytes] = []
        for line in lines:
            some.append(line)
            if len(some) == BLOCK:
                columns.add(self._block(some, columns.count))
                some = []
        columns.add(self._block(some, columns.count))
        return columns.frame(), described(meta)

    def _block(self, lines: list[bytes], before: int) -> Rows:
        try:
            rows: Rows = orjson.loads(b"[" + b",".join(lines) + b"]")
            if len(rows) == len(lines):
                return rows
        except orjson.JSONDecodeError:
            pass
        for number, line in enumerate(lines, before + 2):
            try:
                orjson.loads(line)
            except orjson.JSONDecodeError as error:
                what = "an empty line among the records" if not line.strip() else "a record is not JSON"
                raise FileError(Problem(what, Place(self.shown, number), found=error.msg)) from None
        raise FileError(Problem("lines do not hold one record each", Place(self.shown, before + 2)))

    def _lines(self) -> Iterator[bytes]:
        """The lines of the text without their ends; a blank end of the file is none."""
        rest, first = b"", True
        for chunk in self._chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line
                first = False
            if len(rest) > (LONGEST_HEADER if first else LONGEST_ROW):
                raise FileError(Problem("a line is too long", Place(self.shown)))
        if rest.strip():
            yield rest

    def _chunks(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            if self.path.suffix.lower() != ".dsjc":
                while chunk := file.read(CHUNK):
                    yield chunk
                return
            yield from self._unpacked(file)

    def _unpacked(self, file: Any) -> Iterator[bytes]:
        """What a zlib or gzip stream holds, some bytes at a time and no more than it may."""
        place, unpacker = Place(self.shown), zlib.decompressobj(zlib.MAX_WBITS | 32)  # either, by its first bytes
        taken = made = 0
        while packed := file.read(1 << 16):
            taken += len(packed)
            while packed:
                if unpacker.eof:
                    raise FileError(Problem("something follows the end of the compressed text", place))
                try:
                    chunk = unpacker.decompress(packed, CHUNK)
                except zlib.error as error:
                    raise FileError(Problem("not a compressed Dataset-JSON file", place, found=str(error),
                                            expected="NDJSON compressed by zlib or gzip")) from None
                packed = unpacker.unconsumed_tail or unpacker.unused_data
                made += len(chunk)
                if made > MOST_FREE + MOST_TIMES * taken:
                    raise FileError(Problem("the file unpacks to far more than its size", place,
                                            found=f"over {made:,} bytes from {taken:,}",
                                            expected=f"at most {MOST_TIMES} times its size"))
                if chunk:
                    yield chunk
        if not unpacker.eof:
            raise FileError(Problem("the compressed file is truncated", place))


def described(said: dict[str, Any]) -> DatasetMeta:
    """Metadata of a file as the room holds them."""
    variables = []
    for c in said["columns"]:
        moment = c["dataType"] in _MOMENTS and c.get("targetDataType") == "integer"
        number = moment or c["dataType"] in ("integer", "float", "double", "decimal")
        shown = c.get("displayFormat", "") or (_MOMENTS[c["dataType"]] if moment else "")
        length = c.get("length", 8) if number else c.get("length", 0)
        variables.append(VariableMeta(c["name"], c["label"], "Num" if number else "Char", length, shown))
    created = datetime.fromisoformat(said["datasetJSONCreationDateTime"]).replace(tzinfo=None, microsecond=0)
    return DatasetMeta(said["name"], said["label"], tuple(variables), created)


_MOMENTS = {"date": "DATE9.", "datetime": "DATETIME20.", "time": "TIME8."}


@cache
def _schema() -> Any:
    from jsonschema import Draft201909Validator  # noqa: PLC0415  only who reads such a file pays for it

    return Draft201909Validator(orjson.loads(SCHEMA.read_bytes()))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [k for k, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)} stands twice")
    return made


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON value")
