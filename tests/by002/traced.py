"""The tables of a page that traces values, and what of them is otherwise in a build or a raw export."""

import csv
import re
from functools import cache, partial
from types import MappingProxyType

import openpyxl
import pandas as pd

from .conftest import ROOT

PLACE = re.compile(r"^(?P<file>\S+)(?: sheet (?P<sheet>\S+))? line (?P<line>\d+)$")
RECORD = re.compile(r"^(?P<dataset>[A-Z]{2,8})(?P<chosen>(?: [A-Z0-9]+=\S+)*)$")
NONE = "(no record)"


def table(page, heading):
    """The rows of the table under a heading of a page, cells as text."""
    part = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in lines[2:]]


def pairs(cell):
    """The `NAME=value` pairs of a cell."""
    return [tuple(text.split("=", 1)) for text in re.findall(r"`([^`]*)`", cell) if "=" in text]


def places(cell):
    """The raw places of a cell, each with the pairs that stand there."""
    found = []
    for text in re.findall(r"`([^`]*)`", cell):
        if PLACE.match(text):
            found.append((text, []))
        else:
            found[-1][1].append(tuple(text.split("=", 1)))
    return found


def records(cell):
    """The records of a cell, `LB LBSEQ=316` each with the pairs that stand there, as rows that wrong_values reads."""
    found = []
    for text in re.findall(r"`([^`]*)`", cell):
        if record := RECORD.match(text):
            chosen = " ".join(f"`{pair}`" for pair in record["chosen"].split())
            found.append([record["dataset"], chosen, ""])
        else:
            found[-1][2] += f"`{text}` "
    return found


def written(value, shown=None):
    """A value of a transport file as a page writes it: a number without a needless fraction, a date as ISO 8601."""
    if not isinstance(value, float):
        return value
    if pd.isna(value):
        return ""
    if shown in ("DATE9", "DATETIME20"):
        since = pd.Timestamp("1960-01-01") + pd.Timedelta(value, "D" if shown == "DATE9" else "s")
        return since.isoformat(timespec="minutes") if shown == "DATETIME20" else str(since.date())
    return format(value, ".12g")


@cache
def _cells(path, sheet):
    """Lines of a file: physical line of a record to its cells by column."""
    if path.suffix == ".xlsx":
        rows = openpyxl.load_workbook(path, read_only=True)[sheet].iter_rows(values_only=True)
        head = next(rows)
        return {n: dict(zip(head, map(str, row), strict=True)) for n, row in enumerate(rows, 2)}
    encoding = "gb18030" if path.name.startswith("lab_") and path.parent.name == "lis" else "utf-8-sig"
    with path.open(encoding=encoding, newline="") as lines:
        reader = csv.reader(lines)
        head, read, start = next(reader), {}, reader.line_num + 1
        for row in reader:
            read[start], start = dict(zip(head, row, strict=True)), reader.line_num + 1
    return read


def at_place(export, place):
    """The cells of one place."""
    where = PLACE.match(place)
    path = (ROOT if where["file"].startswith("specs/") else export) / where["file"]
    return _cells(path, where["sheet"])[int(where["line"])]


def wrong_values(row, frame, usubjid, formats=MappingProxyType({})):
    """What the built dataset holds otherwise than the row of the page says; `formats` are those of its variables."""
    name, who, record, values = row[:4]
    if who != "-" and name != "RELREC":
        frame = frame[frame["USUBJID"] == usubjid[who]]
    for key, value in pairs(record):
        frame = frame[frame[key].map(partial(written, shown=formats.get(key))) == value]
    if values == NONE:
        return [f"{len(frame)} records"] if len(frame) else []
    if len(frame) != 1:
        return [f"{len(frame)} records"]
    there = {key: written(frame[key].iloc[0], formats.get(key)) for key, _ in pairs(values)}
    return [f"{key}={there[key]}" for key, value in pairs(values) if there[key] != value]


def wrong_cells(cell, export):
    """Raw cells that hold otherwise than the cell of the page says."""
    return [
        f"{place} {column}={at_place(export, place)[column]}"
        for place, cells in places(cell)
        for column, value in cells
        if at_place(export, place)[column] != value
    ]
