"""Datasets and their metadata read from SAS transport files, version 5.

Every member of a file is read; numbers of 2 to 8 bytes, special missing values, labels and formats are kept.
Trailing blanks are padding and are not part of a value; a blank value is missing. Where records are shorter than
80 bytes the format cannot tell an all-blank record at the end from padding; like SAS, this takes it for padding.

Sources: SAS technical note TS-140 (record layout of a transport data set).
"""

from __future__ import annotations

import mmap
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.errors import CommandError, FileError, Place, Problem
from formats import xpt_layout as layout
from formats.ibm import from_ibm
from formats.metadata import DatasetMeta, VariableMeta

BLOCK_BYTES = 4 << 20  # of records taken apart together
_DESCRIPTOR_SIZES = (136, 140)  # VAX/VMS writes 136 bytes


@dataclass(frozen=True, slots=True)
class Member:
    """Where a member's records lie and how they are laid out."""

    meta: DatasetMeta
    positions: tuple[int, ...]
    start: int
    count: int
    width: int


def read_xpt(path: Path | str, *, encoding: str = "ascii", shown: str = "") -> tuple[pd.DataFrame, DatasetMeta]:
    """Read a file of one dataset; see `read_members`.

    Raises:
        CommandError: the file holds several datasets.
    """
    members = read_members(path, encoding=encoding, shown=shown)
    if len(members) != 1:
        names = ", ".join(meta.name for _, meta in members)
        raise CommandError(Problem("the file holds several datasets", Place(shown or str(path)), found=names,
                                   do="read them with read_members, or convert them one by one"))
    return members[0]


def read_members(
    path: Path | str, *, encoding: str = "ascii", shown: str = ""
) -> list[tuple[pd.DataFrame, DatasetMeta]]:
    """Read every dataset of a transport file, in file order.

    Args:
        path: the file; `shown` its name in messages.
        encoding: of character values; labels and names are always ASCII or Latin-1.

    Returns:
        Frame and metadata of each: Char as `str` (missing NaN), Num as float64 with special missing values.

    Raises:
        FileError: no transport file of version 5, truncated, altered, or characters outside the encoding.
    """
    shown = shown or str(path)
    data, members = _opened(Path(path), shown)
    return [(_frame(data, member, shown, encoding), member.meta) for member in members]


def read_headers(path: Path | str, *, shown: str = "") -> list[tuple[DatasetMeta, int]]:
    """The metadata of every dataset of a transport file and its number of records; no value is read.

    Raises:
        FileError: as read_members, but for characters.
    """
    return [(member.meta, member.count) for member in _opened(Path(path), shown or str(path))[1]]


def open_single(path: Path) -> tuple[mmap.mmap | bytes, Member]:
    """The bytes of a file of one dataset and where its records lie, for whoever copies them as they are.

    Raises:
        FileError: as read_members. CommandError: the file holds several datasets.
    """
    data, members = _opened(path, str(path))
    if len(members) != 1:
        raise CommandError(Problem("the file holds several datasets", Place(str(path)),
                                   found=", ".join(m.meta.name for m in members)))
    return data, members[0]


def field_values(data: mmap.mmap | bytes, member: Member, name: str, shown: str, encoding: str = "ascii") -> pd.Series:
    """One variable of all records, as read_members would give it; KeyError when there is none."""
    variable = member.meta.variable(name)
    position = member.positions[member.meta.variables.index(variable)]
    kind = np.dtype({"names": ["f"], "formats": [f"V{variable.length}"], "offsets": [position],
                     "itemsize": member.width})
    field = _bytes(np.frombuffer(data, dtype=kind, count=member.count, offset=member.start)["f"])
    if variable.type == "Num":
        return pd.Series(from_ibm(field))
    texts = _texts(field)
    return _decoded(field, member.meta.name, name, shown, encoding) if texts is None else _series(texts)


def _opened(path: Path, shown: str) -> tuple[mmap.mmap | bytes, list[Member]]:
    """The bytes of a file and where its datasets lie."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise FileError(Problem("the file cannot be read", Place(shown), found=str(error.strerror))) from None
    return data, _members(data, size, shown)


def _members(data: mmap.mmap | bytes, size: int, shown: str) -> list[Member]:
    place = Place(shown)
    opening = bytes(data[: layout.RECORD])
    if opening.startswith(layout.LIBRARY_V8):
        raise FileError(Problem("a transport file of version 8 or 9", place, expected="version 5",
                                do="write it again with the XPORT engine of SAS"))
    if opening.startswith(layout.CPORT):
        raise FileError(Problem("a file of PROC CPORT", place, expected="a transport file of the XPORT engine"))
    if not opening.startswith(layout.LIBRARY):
        raise FileError(Problem("not a SAS transport file", place, found=repr(opening[:24])))
    if size % layout.RECORD:
        raise FileError(Problem("the file is truncated or altered", place, found=f"{size:,} bytes",
                                expected=f"a multiple of {layout.RECORD}"))
    members, at = [], 3 * layout.RECORD
    while at < size:
        if bytes(data[at : at + 48]) != layout.MEMBER:
            raise FileError(Problem("no dataset begins where one should", place, found=f"byte {at:,}"))
        member, at = _member(data, at, size, shown)
        members.append(member)
    if not members:
        raise FileError(Problem("the file holds no dataset", place))
    return members


def _member(data: mmap.mmap | bytes, at: int, size: int, shown: str) -> tuple[Member, int]:
    """The member whose header stands at `at`, and where the next one stands."""
    place = Place(shown)

    def record(number: int) -> bytes:
        return bytes(data[at + number * layout.RECORD : at + (number + 1) * layout.RECORD])

    each = _count(record(0)[74:78], place)
    if each not in _DESCRIPTOR_SIZES or not record(1).startswith(layout.DESCRIPTOR):
        raise FileError(Problem("the dataset's header is damaged", place, found=f"byte {at:,}"))
    if not record(4).startswith(layout.NAMESTR):
        raise FileError(Problem("the variables' header is damaged", place, found=f"byte {at + 320:,}"))
    variables = _count(record(4)[54:58], place)
    start = at + 5 * layout.RECORD
    end = start + -(-variables * each // layout.RECORD) * layout.RECORD
    if end + layout.RECORD > size or bytes(data[end : end + 48]) != layout.OBSERVATIONS:
        raise FileError(Problem("the file is truncated in the description of its variables", place,
                                found=f"{variables} variables announced"))
    rows = np.frombuffer(data, dtype=np.uint8, count=variables * each, offset=start).reshape(variables, each)
    fields = np.zeros((variables, 140), dtype=np.uint8)
    fields[:, :each] = rows
    described = fields.view(layout.DESCRIPTOR_FIELDS).ravel()
    name = _text(record(2)[8:16])
    metas = tuple(_variable(row, shown) for row in described)
    positions = tuple(int(row["npos"]) for row in described)
    width = sum(v.length for v in metas)
    if any(p < 0 or p + v.length > width for p, v in zip(positions, metas, strict=True)) or (variables and not width):
        raise FileError(Problem(f"{name}: a variable lies outside its record", place))
    first = end + layout.RECORD
    following = _next_member(data, first)
    last = size if following < 0 else following
    count = _records(data, first, last, width, shown, name)
    meta = DatasetMeta(name, _text(record(3)[32:72]), metas, layout.read_stamp(record(2)[64:80]))
    return Member(meta, positions, first, count, width), last


def _next_member(data: mmap.mmap | bytes, start: int) -> int:
    """Where the next member's header stands; -1 when there is none."""
    at = data.find(layout.MEMBER, start)
    while at >= 0 and at % layout.RECORD:
        at = data.find(layout.MEMBER, at + 1)
    return at


def _records(data: mmap.mmap | bytes, first: int, last: int, width: int, shown: str, name: str) -> int:
    """Number of records between two places; the padding after them must be blank."""
    length = last - first
    if not width:
        return 0
    count = length // width
    rest = bytes(data[first + count * width : last])
    if rest.strip(b" "):
        raise FileError(Problem(f"{name}: the file is truncated or altered", Place(shown),
                                found=f"{len(rest)} bytes after record {count}", expected="blanks"))
    while count and length - (count - 1) * width < layout.RECORD:
        if bytes(data[first + (count - 1) * width : first + count * width]).strip(b" "):
            break
        count -= 1
    if length - count * width >= layout.RECORD:
        raise FileError(Problem(f"{name}: the file is truncated within a record", Place(shown),
                                found=f"{length - count * width} bytes after record {count}"))
    return count


def _variable(row: np.void, shown: str) -> VariableMeta:
    kind, length = int(row["ntype"]), int(row["nlng"])
    name = _text(bytes(row["nname"]))
    if kind not in (1, 2) or length < 1 or (kind == 1 and not 2 <= length <= 8):
        raise FileError(Problem(f"{name}: the variable's description is damaged", Place(shown),
                                found=f"type {kind}, length {length}"))
    return VariableMeta(
        name, _text(bytes(row["nlabel"])), "Num" if kind == 1 else "Char", length,
        layout.format_text(_text(bytes(row["nform"])), int(row["nfl"]), int(row["nfd"])),
        layout.format_text(_text(bytes(row["niform"])), int(row["nifl"]), int(row["nifd"])))


def _count(raw: bytes, place: Place) -> int:
    if not raw.strip().isdigit():
        raise FileError(Problem("a count in a header is damaged", place, found=repr(raw)))
    return int(raw)


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").rstrip(" \0")


def _frame(data: mmap.mmap | bytes, member: Member, shown: str, encoding: str) -> pd.DataFrame:
    """The records column by column, from blocks that fit the processor's cache; blocks do not depend on one another."""
    if not member.width:
        return pd.DataFrame()
    variables, name = member.meta.variables, member.meta.name
    kind = np.dtype({
        "names": [f"f{i}" for i in range(len(variables))], "formats": [f"V{v.length}" for v in variables],
        "offsets": list(member.positions), "itemsize": member.width})  # fields are copied whole, not byte by byte
    records = np.frombuffer(data, dtype=kind, count=member.count, offset=member.start)
    numbers = {i: np.empty(member.count) for i, v in enumerate(variables) if v.type == "Num"}
    size = max(1, BLOCK_BYTES // member.width)

    def block(start: int) -> list[pa.Array | None]:
        """The block's texts by variable, None where they are not ASCII; its numbers are set in place."""
        some, texts = records[start : start + size], []
        for i in range(len(variables)):
            if i in numbers:
                numbers[i][start : start + size] = from_ibm(_bytes(some[f"f{i}"]))
            else:
                texts.append(_texts(_bytes(some[f"f{i}"])))
        return texts

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        blocks = list(pool.map(block, range(0, member.count, size)))
    columns, place = {}, 0
    for i, variable in enumerate(variables):
        if i in numbers:
            columns[variable.name] = pd.Series(numbers.pop(i))
            continue
        parts = [each[place] for each in blocks]
        for each in blocks:
            each[place] = None  # the text is copied now: let the parts go
        place += 1
        if any(part is None for part in parts):
            columns[variable.name] = _decoded(_bytes(records[f"f{i}"]), name, variable.name, shown, encoding)
        else:
            columns[variable.name] = _series(pa.concat_arrays(parts) if parts else pa.array([], pa.large_string()))
    return pd.DataFrame(columns)


def _bytes(field: NDArray[np.void]) -> NDArray[np.uint8]:
    """n fields as n by width bytes, side by side."""
    return np.ascontiguousarray(field).view(np.uint8).reshape(len(field), field.itemsize)


def _binary(field: NDArray[np.uint8]) -> pa.LargeBinaryArray:
    """n fields as n Arrow values of equal length."""
    count, width = field.shape
    offsets = np.arange(count + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(field)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), count, buffers)


def _texts(field: NDArray[np.uint8]) -> pa.Array | None:
    """n fields as texts without their padding, blank as null; None when they are not ASCII."""
    if field.size and field.max() > 127:
        return None
    trimmed = pc.ascii_rtrim(_binary(field).view(pa.large_string()), characters=" ")
    return _blank_missing(trimmed)


def _decoded(
    field: NDArray[np.uint8], dataset: str, variable: str, shown: str, encoding: str
) -> pd.Series:
    """n fields as texts of an encoding; each distinct one is decoded once."""
    coded = _binary(field).dictionary_encode()
    values, problems = [], []
    for index, raw in enumerate(coded.dictionary.to_pylist()):
        try:
            values.append(raw.decode(encoding).rstrip(" "))
        except UnicodeDecodeError:
            row = int(np.flatnonzero(coded.indices.to_numpy() == index)[0]) + 1
            problems.append(Problem(f"{dataset}.{variable}: characters outside {encoding}", Place(shown),
                                    found=f"record {row}: {raw.rstrip(b' ')[:40]!r}", do="name the file's encoding"))
    if problems:
        raise FileError(problems[:20])
    return _series(_blank_missing(pa.array(values, pa.large_string()).take(coded.indices)))


def _blank_missing(texts: pa.Array) -> pa.Array:
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, pa.scalar(None, pa.large_string()), texts) if pc.any(empty).as_py() else texts


def _series(texts: pa.Array) -> pd.Series:
    return pd.Series(pd.array(texts, dtype=pd.StringDtype("pyarrow", na_value=np.nan)))
