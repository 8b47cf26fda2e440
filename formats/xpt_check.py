"""What a SAS transport file cannot hold, found before anything is written.

Every problem of a dataset is collected: first its names, labels, lengths and formats, then its values,
by variable, with the first cells at fault. It changes nothing and writes nothing.

Sources: SAS technical note TS-140; FDA Study Data Technical Conformance Guide, section 3 (ASCII text,
200 bytes, names of 8 and labels of 40 characters).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.errors import DataError, FileError, Problem
from formats import xpt_layout as layout
from formats.ibm import to_ibm, unwritable
from formats.metadata import DatasetMeta, VariableMeta

SHOWN = 3  # cells that a message names
SHOWN_TEXT = 40  # characters of a value that a message shows
_SLICE = 1 << 18  # records looked at together


def check_writable(frame: pd.DataFrame, meta: DatasetMeta, created: datetime,
                   keys: Sequence[str] = ()) -> None:
    """Raise all that keeps the dataset from being written as it is; see `write_xpt` for the arguments.

    Raises:
        FileError: metadata or variables are at fault (values may be, too; all are listed).
        DataError: only values are at fault.
    """
    about = list(_dataset_problems(frame, meta, created))
    cells: list[Problem] = []
    names = list(frame.columns)
    for v in meta.variables:
        faults = list(_variable_problems(meta, v))
        if names.count(v.name) == 1:
            faults += _dtype_problems(meta, v, frame[v.name])
            if not faults:
                check = _text_problems if v.type == "Char" else _number_problems
                cells += check(_Values(meta.name, v, frame, keys))
        about += faults
    if about:
        raise FileError([*about, *cells])
    if cells:
        raise DataError(cells)


def width_of(variable: VariableMeta) -> int:
    """Bytes the variable takes in a record: its length; a Num of length 0 takes 8."""
    return variable.length if variable.type == "Char" or variable.length else 8


def text_of(series: pd.Series) -> pa.ChunkedArray:
    """A character variable as Arrow text, without copying where pandas holds it so; missing is null."""
    array = pa.array(series.array, from_pandas=True)
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return chunked if chunked.type == pa.large_string() else chunked.cast(pa.large_string())


def _dataset_problems(frame: pd.DataFrame, meta: DatasetMeta, created: datetime) -> Iterable[Problem]:
    if not layout.NAME.fullmatch(meta.name):
        yield Problem("the dataset's name is not a SAS name", found=_shown(meta.name), expected=_NAME_RULE)
    yield from _label_problems(f"{meta.name}: the dataset's label", meta.label)
    try:
        layout.stamp(created)
    except ValueError as error:
        yield Problem(f"{meta.name}: the creation time cannot be written", found=created.isoformat(),
                      expected=str(error))
    if not 1 <= len(meta.variables) <= layout.VARIABLES:
        yield Problem(f"{meta.name}: {len(meta.variables)} variables", expected=f"1 to {layout.VARIABLES}")
    for name, times in Counter(v.name.upper() for v in meta.variables).items():
        if times > 1:
            found = ", ".join(v.name for v in meta.variables if v.name.upper() == name)
            yield Problem(f"{meta.name}: {times} variables have the same name (case is ignored)", found=found)
    known = dict.fromkeys(v.name for v in meta.variables)
    held = Counter(frame.columns)
    for name in known:
        if name not in held:
            yield Problem(f"{meta.name}.{name}: the variable is described but the records do not have it")
    for name, times in held.items():
        if name not in known:
            yield Problem(f"{meta.name}.{name}: the records have the variable but it is not described",
                          do="describe it, or drop it from the records")
        elif times > 1:
            yield Problem(f"{meta.name}.{name}: the records have the variable {times} times")


def _variable_problems(meta: DatasetMeta, v: VariableMeta) -> Iterable[Problem]:
    where = f"{meta.name}.{v.name}"
    if not layout.NAME.fullmatch(v.name):
        yield Problem(f"{where}: the variable's name is not a SAS name", found=_shown(v.name),
                      expected=_NAME_RULE)
    yield from _label_problems(f"{where}: the label", v.label)
    if v.type not in {"Char", "Num"}:
        yield Problem(f"{where}: unknown type", found=_shown(v.type), expected="Char or Num")
    elif v.type == "Char" and v.length == 0:
        yield Problem(f"{where}: the length is not settled", expected=f"1 to {layout.TEXT_LENGTH} bytes")
    elif v.type == "Char" and not 1 <= v.length <= layout.TEXT_LENGTH:
        yield Problem(f"{where}: the length cannot be written", found=f"{v.length} bytes",
                      expected=f"1 to {layout.TEXT_LENGTH} bytes")
    elif v.type == "Num" and not 2 <= width_of(v) <= 8:
        yield Problem(f"{where}: the length cannot be written", found=f"{v.length} bytes",
                      expected="8 bytes, or 2 to 7")
    for what, text in (("format", v.format), ("informat", v.informat)):
        try:
            name, _, _ = layout.parse_format(text)
        except ValueError as error:
            yield Problem(f"{where}: the {what} cannot be written ({error})", found=_shown(text),
                          expected="a format as SAS writes it, such as DATE9., 8.2 or $CHAR10.")
            continue
        if text and name.startswith("$") != (v.type == "Char") and (name or v.type == "Char"):
            yield Problem(f"{where}: the {what} is not one of a {v.type} variable", found=_shown(text),
                          expected="$ before the format of a Char variable, and only there")


def _label_problems(what: str, label: str) -> Iterable[Problem]:
    if len(label) > layout.LABEL_LENGTH:
        yield Problem(f"{what} has {len(label)} characters", found=f'"{label}"', expected="at most 40")
    if not (label.isascii() and (label.isprintable() or not label)):
        yield Problem(f"{what} is not plain ASCII", found=ascii(label))
    elif label != label.rstrip(" "):
        yield Problem(f"{what} ends in blanks, which a transport file cannot hold", found=f'"{label}"')


def _dtype_problems(meta: DatasetMeta, v: VariableMeta, series: pd.Series) -> Iterable[Problem]:
    if v.type == "Char" and not isinstance(series.dtype, pd.StringDtype):
        yield Problem(f"{meta.name}.{v.name}: a Char variable is not held as text", found=str(series.dtype),
                      expected="str")
    if v.type == "Num" and series.dtype != np.float64:
        yield Problem(f"{meta.name}.{v.name}: a Num variable is not held as float64", found=str(series.dtype),
                      expected="float64")


def _text_problems(of: _Values) -> Iterable[Problem]:
    texts, length = text_of(of.frame[of.variable.name]), of.variable.length
    if all(_clean(chunk.slice(at, _SLICE), length) for chunk in texts.chunks
           for at in range(0, len(chunk), _SLICE)):
        return
    for fault, says, expected, do in (
        (pc.greater(pc.binary_length(texts), length), "longer than its length", f"at most {length} bytes",
         "settle a greater length (at most 200), or split the value"),
        (pc.match_substring_regex(texts, r"[^\x00-\x7F]"), "not ASCII", "ASCII text",
         "translate or transliterate the value"),
        (pc.match_substring_regex(texts, r"[\x00-\x1F\x7F]"), "holding control characters",
         "no character below 0x20, nor 0x7F", "clean the value"),
        (pc.ends_with(texts, " "), "ending in blanks, which a transport file cannot hold",
         "no trailing blanks", "strip the value"),
    ):
        yield from of.problem(np.flatnonzero(pc.fill_null(fault, False).to_numpy()), says, expected, do)


def _clean(chunk: pa.Array, length: int) -> bool:
    """Whether no text is at fault: a fast look at the bytes as a whole, no more than a slice at a time."""
    if chunk.null_count:
        chunk = pc.fill_null(chunk, "")
    _, raw_offsets, raw = chunk.buffers()
    offsets = np.frombuffer(raw_offsets, dtype=np.int64)[chunk.offset:chunk.offset + len(chunk) + 1]
    if offsets[0] == offsets[-1]:
        return True
    sizes = np.diff(offsets)
    data = np.frombuffer(raw, dtype=np.uint8)
    used = data[offsets[0]:offsets[-1]]
    if sizes.max() > length or used.min() < 0x20 or used.max() >= 0x7F:
        return False
    return not (data[offsets[1:][sizes > 0] - 1] == 0x20).any()


def _number_problems(of: _Values) -> Iterable[Problem]:
    values, width = of.frame[of.variable.name].to_numpy(), width_of(of.variable)
    outside, cut = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)]
    for start in range(0, len(values), _SLICE):
        some = values[start:start + _SLICE]
        wrong = unwritable(some)
        outside.append(start + np.flatnonzero(wrong))
        if width < 8:
            lost = to_ibm(some).view(np.uint8).reshape(-1, 8)[:, width:].any(axis=1) & ~wrong
            cut.append(start + np.flatnonzero(lost))
    yield from of.problem(np.concatenate(outside), "outside the range of a transport file",
                          "0, or a size from 5.4E-79 to 7.2E75",
                          "correct the value, or leave it missing by a stated rule")
    yield from of.problem(np.concatenate(cut), f"not exact in {width} bytes",
                          "numbers that need no more bytes",
                          "write the variable in 8 bytes")


@dataclass(frozen=True)
class _Values:
    """One variable's values in their records."""

    dataset: str
    variable: VariableMeta
    frame: pd.DataFrame
    keys: Sequence[str]

    def problem(self, at: NDArray[np.intp], says: str, expected: str, do: str) -> Iterable[Problem]:
        """One problem for all records `at` fault, if there are any; the first few are named."""
        if not len(at):
            return
        cells = []
        for i in at[:SHOWN]:
            held = self.frame[self.variable.name].iloc[i]
            value = repr(float(held)) if self.variable.type == "Num" else _shown(held)
            names = [f"{key} {self.frame[key].iloc[i]}" for key in self.keys if key in self.frame.columns]
            cells.append(f"{value} in record {i + 1}" + (f" ({', '.join(names)})" if names else ""))
        more = f", and {len(at) - SHOWN} more" if len(at) > SHOWN else ""
        count = "1 value is" if len(at) == 1 else f"{len(at)} values are"
        yield Problem(f"{self.dataset}.{self.variable.name}: {count} {says}", found="; ".join(cells) + more,
                      expected=expected, do=do)


def _shown(value: object) -> str:
    """A text in quotes, shortened, with what is not plain ASCII spelled out."""
    text = str(value)
    short = ascii(text[:SHOWN_TEXT])[1:-1]
    return f'"{short}"' + (f"... ({len(text)} characters)" if len(text) > SHOWN_TEXT else "")


_NAME_RULE = "1 to 8 letters, digits or underscores, no digit first"
