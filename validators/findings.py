"""What a check found: the fault, the records that show it, and how both are told.

A fault is one thing wrong and the positions of every record that shows it; findings are its rows in a list, one a
record. Nothing of a record is shown but its subject, its key and the one value at fault.

Sources: house style, "Errors".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.dates import EPOCH
from engine.errors import Place, Problem
from engine.numbers import number_text
from engine.spec.catalogue import DatasetInfo

Severity = Literal["error", "warning"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning")
COLUMNS = ("id", "rule", "severity", "dataset", "variable", "subject", "key", "message", "explained", "cause")
FILES, SCHEMAS, STANDARD_RULES, STUDY_RULES, CORE = SOURCES = (
    "files",
    "schemas",
    "standard rules",
    "study rules",
    "CORE",
)
MAX_LISTED = 1000  # records of one fault that are listed one by one; the rest is counted in a last row
MAX_SHOWN = 4  # values of one fault that are shown to people
Rows = NDArray[np.int64]


@dataclass(slots=True)
class Fault:
    """One thing wrong with a dataset.

    `says` is what each of its records shows, or the dataset as a whole; `values` holds the value at fault of each row.
    `source` is who looked: files, schemas, standard rules or study rules. `signature` tells faults of one rule,
    dataset and variable apart by what is asked, never by what was found, so that it lasts from run to run.
    """

    rule: str
    severity: Severity
    dataset: str
    variable: str
    says: str
    rows: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    values: list[str] = field(default_factory=list)
    expected: str = ""
    do: str = ""
    place: Place | None = None
    explained: str = ""
    source: str = ""
    signature: str = ""
    untold: bool = False  # the rule could not be told from the data
    causes: list[str] = field(default_factory=list)  # the cause of each row, or of the fault that has none


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the list of findings; `explained` is the study's reason why it is no defect."""

    rule: str
    severity: Severity
    dataset: str
    variable: str
    message: str
    subject: str = ""
    key: str = ""
    explained: str = ""
    cause: str = ""

    @property
    def id(self) -> str:
        """Ten hexadecimal digits made of the content."""
        parts = (self.rule, self.severity, self.dataset, self.variable, self.subject, self.key, self.message)
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:10].upper()

    def row(self) -> dict[str, str]:
        """The finding as it is written."""
        return {name: getattr(self, name) for name in COLUMNS}


class Named:
    """Tells the records of a dataset by subject and key."""

    def __init__(self, info: DatasetInfo, frame: pd.DataFrame) -> None:
        """For a dataset and its records."""
        self.info, self.frame = info, frame
        self.formats = {v.name: v.format for v in info.variables}
        self.keys = [k for k in info.keys if k not in ("STUDYID", "USUBJID", "RDOMAIN") and k in frame.columns]

    def subject(self, row: int) -> str:
        """USUBJID of a record, '' where the dataset has none."""
        value = self.frame["USUBJID"].iloc[row] if "USUBJID" in self.frame.columns else None
        return value if isinstance(value, str) else ""

    def subjects(self, rows: Rows) -> NDArray[np.object_]:
        """USUBJID of several records, '' where there is none."""
        if "USUBJID" not in self.frame.columns:
            return np.full(len(rows), "", dtype=object)
        return self.frame["USUBJID"].iloc[rows].astype(object).fillna("").to_numpy(dtype=object)

    def key(self, row: int) -> str:
        """The key values of a record besides its subject: `AEDECOD Nausea, AESTDTC 2025-03-10`."""
        return ", ".join(f"{k} {v}" for k, v in self.pairs(row))

    def pairs(self, row: int) -> list[tuple[str, str]]:
        """The keys of a record besides its subject that have a value, each with it."""
        shown = ((k, self.shown(k, row)) for k in self.keys)
        return [(k, v) for k, v in shown if v]

    def shown(self, name: str, row: int) -> str:
        """A value as people read it; '' when missing."""
        return show(self.frame[name].iloc[row], self.formats.get(name, ""))


def show(value: Any, sas_format: str = "") -> str:
    """A value for a message: numbers in plain digits, SAS dates and date-times in ISO 8601; '' when missing."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    number = float(value)
    if sas_format.startswith("DATETIME"):
        at = np.datetime64("1960-01-01T00:00:00") + np.timedelta64(round(number), "s")
        return str(at)
    if sas_format.startswith("DATE"):
        return str(np.datetime64(int(number) + EPOCH - _UNIX, "D"))
    return number_text(number)


_UNIX = 719_163  # ordinal of 1970-01-01, day 0 of numpy's dates


Tellers = Callable[[str], Named | None]


def listed(faults: list[Fault], named: Tellers) -> list[Finding]:
    """Findings of faults, one a record, in a fixed order; of more than MAX_LISTED records the rest is one row."""
    found: list[Finding] = []
    for fault in faults:
        teller = named(fault.dataset)
        for place, (row, message) in enumerate(messages(fault)):
            subject, key = (teller.subject(row), teller.key(row)) if teller is not None and row >= 0 else ("", "")
            about = (fault.rule, fault.severity, fault.dataset, fault.variable)
            cause = fault.causes[place] if place < len(fault.causes) and (row >= 0 or not len(fault.rows)) else ""
            found.append(Finding(*about, message, subject, key, fault.explained, cause))
    return sorted(dict.fromkeys(found), key=order)


def order(finding: Finding) -> tuple[Any, ...]:
    """Errors first, then by rule, dataset, variable, subject, key and message."""
    return (
        SEVERITIES.index(finding.severity),
        finding.rule,
        finding.dataset,
        finding.variable,
        finding.subject,
        finding.key,
        finding.message,
    )


def messages(fault: Fault) -> Iterator[tuple[int, str]]:
    """Row and message of every listed record of a fault; row -1 for what concerns no one record."""
    said = fault.says
    tail = f"; expected {fault.expected}" if fault.expected else ""
    at = f" (spec {fault.place})" if fault.place is not None else ""
    if not len(fault.rows):
        yield -1, f"{said}{tail}{at}"
        return
    for row, value in zip(fault.rows[:MAX_LISTED], fault.values[:MAX_LISTED], strict=True):
        yield int(row), f"{said}{f': {value}' if value else ''}{tail}{at}"
    if len(fault.rows) > MAX_LISTED:
        yield -1, f"{said}: {len(fault.rows) - MAX_LISTED:,} more records{at}"


def problem(fault: Fault, named: Named | None, source: Callable[[int], str] | None = None) -> Problem:
    """A fault as printed: how many records, the values with counts, the first record and what to do."""
    lead = f"{fault.dataset}.{fault.variable}" if fault.variable else fault.dataset
    n = len(fault.rows)
    if not n:
        return Problem(f"{lead}: {fault.says}", fault.place, expected=fault.expected, do=fault.do)
    what = f"{lead}: {n:,} record{'' if n == 1 else 's'}: {fault.says}"
    counts = pd.Series(fault.values, dtype="str").value_counts(sort=True, dropna=False)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    shown = ", ".join(
        f"{value} x{count:,}" if count > 1 else str(value) for value, count in ordered[:MAX_SHOWN] if value
    )
    if len(ordered) > MAX_SHOWN:
        shown += f" and {len(ordered) - MAX_SHOWN:,} more values"
    first = int(fault.rows[0])
    parts = [p for p in (named.subject(first), named.key(first)) if p] if named is not None else []
    raw = source(first) if source is not None else ""
    where = "first " + ", ".join([*parts, *([f"from {raw}"] if raw else [])]) if parts or raw else ""
    return Problem(
        what, fault.place, found=", ".join(p for p in (shown, where) if p), expected=fault.expected, do=fault.do
    )
