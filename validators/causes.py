"""Causes of findings: what one correction, or one decision, would settle.

A cause is one rule broken by one variable of one dataset in one way. The same unexpected term 300 times is one cause;
two unexpected terms are two, since each is mapped, declared or queried for itself. Its id is made of what was asked
and, for terms, of the value, never of records or their order: it lasts from run to run and from build to build.

A rule that CORE could not carry out is a cause as well: it needs a decision like any other.

Sources: house style, "Errors".
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.spec.catalogue import Catalogue
from validators.core import CoreReport, Group
from validators.findings import CORE, SCHEMAS, SOURCES, Fault, Named, Rows, Tellers

NOT_RUN = "not run"
WEIGHTS = ("error", "warning", NOT_RUN)  # severities of causes, the gravest first
EXPLAINED, TO_FIX, QUERY, OPEN = "explained", "to fix", "query", "open"
BY_VALUE = {"codelist", "decode", "fixed", "name", "pair"}  # rules of the schemas that are about terms
MAX_RECORDS = 10  # records of a cause that are kept to be shown
MAX_VALUES = 8  # different values that are counted for people


_DO = "see where the value comes from, then correct its line, query the site, or explain why it is no defect"


@dataclass(frozen=True, slots=True)
class Shown:
    """A record that shows a cause: subject, key and what was found in it."""

    subject: str
    key: str
    found: str

    def __str__(self) -> str:
        """As printed."""
        lead = ", ".join(p for p in (self.subject, self.key) if p)
        return ": ".join(p for p in (lead, self.found) if p) or "no record is named"


@dataclass(slots=True)
class Cause:
    """One cause.

    `count` is its number of records (1 where it concerns no record; datasets where a rule was not run), `values` the
    most frequent values found with their counts. `spec` is the line of the variable, `at` that of the rule where it is
    the study's. `reasons` counts records that an explanation by rule covers. `decided` is open, explained, to fix or
    query; `comment` and `decided_at` belong to it. `note` says what a reader should know of the decision.
    """

    source: str
    rule: str
    severity: str
    dataset: str
    variable: str
    what: str
    signature: str = ""
    value: str = ""
    count: int = 0
    records: int = 0
    subjects: set[str] = field(default_factory=set)
    shown: list[Shown] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)
    more_values: int = 0  # different values beyond those
    expected: str = ""
    do: str = ""
    spec: str = ""
    at: str = ""
    trace: str = ""  # the command that says where the first value at fault comes from
    reasons: dict[str, int] = field(default_factory=dict)
    decided: str = OPEN
    comment: str = ""
    decided_at: str = ""
    note: str = ""

    @property
    def id(self) -> str:
        """C and nine hexadecimal digits."""
        weight = NOT_RUN if self.severity == NOT_RUN else ""
        parts = (self.source, self.rule, weight, self.dataset, self.variable, self.signature, self.value)
        return "C" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:9].upper()

    @property
    def where(self) -> str:
        """`LB.LBTESTCD`, the dataset alone, or the study."""
        return ".".join(p for p in (self.dataset, self.variable) if p) or "the study"

    @property
    def clean(self) -> bool:
        """Whether it is explained, as far as records go that it has today."""
        return self.decided == EXPLAINED

    @property
    def counted(self) -> str:
        """`12 records of 3 subjects`."""
        if self.severity == NOT_RUN:
            return f"{self.count:,} dataset{'' if self.count == 1 else 's'}"
        if not self.records:
            return "the dataset" if self.dataset else "the study"
        of = f" of {len(self.subjects):,} subject{'' if len(self.subjects) == 1 else 's'}" if self.subjects else ""
        return f"{self.records:,} record{'' if self.records == 1 else 's'}{of}"


def order(cause: Cause) -> tuple[object, ...]:
    """What is not settled first, then by severity, number of records, source and rule."""
    weight = WEIGHTS.index(cause.severity)
    return (
        cause.clean,
        weight,
        -cause.count,
        SOURCES.index(cause.source),
        cause.rule,
        cause.where,
        cause.what,
        cause.id,
    )


def causes_of(faults: Iterable[Fault], named: Tellers, catalogue: Catalogue) -> list[Cause]:
    """Causes of our own faults.

    Args:
        faults: with their sources; split where an explanation by rule covers some of the records.
        named: tells the records of a dataset. catalogue: says which line of the specs a variable has.
    """
    found: dict[str, Cause] = {}
    for fault in faults:
        ids = np.full(max(len(fault.rows), 1), "", dtype=object)
        for value, places in _parts(fault):
            about = (fault.source, fault.rule, fault.severity, fault.dataset, fault.variable)
            cause = Cause(*about, fault.says, fault.signature or _lasting(fault), value, expected=fault.expected)
            name = cause.id
            ids[places if len(places) else 0] = name
            cause = found.setdefault(name, cause)
            cause.do = cause.do or fault.do or _DO
            if not cause.spec:
                cause.spec = line_of(catalogue, fault.dataset, fault.variable)
                place = str(fault.place or "")
                cause.at = place if place != cause.spec else ""
            _add(cause, fault, places, named(fault.dataset), catalogue.study.shown)
        fault.causes = ids.tolist()
    return [_settled(cause) for cause in found.values()]


def line_of(catalogue: Catalogue, dataset: str, variable: str) -> str:
    """`file:line:column` of a variable in the specs, else of its dataset's keys, else ''."""
    domain = dataset.removeprefix("SUPP")
    spec = catalogue.study.datasets.get(domain)
    if spec is None:
        return ""
    if dataset == domain:
        for each in catalogue.datasets[domain].variables:
            if each.name == variable and each.line is not None:
                return str(each.line.place)
    return str(spec.document.place("supplemental" if dataset != domain else "keys"))


def causes_of_core(reports: Iterable[CoreReport], catalogue: Catalogue) -> list[Cause]:
    """Causes of what CORE found, and of rules that it could not carry out: one a rule and message."""
    found: dict[str, Cause] = {}
    for report in reports:
        for group in report.groups:
            cause = _of_group(report, group, catalogue)
            cause = found.setdefault(cause.id, cause)
            cause.count += group.count if not group.not_run else 1
            cause.records += 0 if group.not_run else group.count
            cause.subjects |= group.subjects
            if group.reason:
                amount = 1 if group.not_run else group.count
                cause.reasons[group.reason] = cause.reasons.get(group.reason, 0) + amount
            room = MAX_RECORDS - len(cause.shown)
            for record in group.records[:room]:
                number = f"record {record.number}" if record.number else ""
                values = ", ".join(f"{n} {v}" for n, v in record.values)
                where = group.dataset if group.not_run else number
                cause.shown.append(Shown(record.subject, where, values or record.why))
    return [_settled(cause) for cause in found.values()]


def _of_group(report: CoreReport, group: Group, catalogue: Catalogue) -> Cause:
    signature = f"{report.standard}\x1f{group.message}"
    if group.not_run:
        do = "see what CORE says; give it what it needs, or explain why the rule need not run"
        return Cause(CORE, group.rule, NOT_RUN, "", "", group.message, signature, do=do)
    spec = line_of(catalogue, group.dataset, group.variables[0] if group.variables else "")
    about = (CORE, group.rule, "error", group.dataset, ", ".join(group.variables))
    do = "correct the derivation, query the site, or explain why it is no defect"
    return Cause(*about, group.message, signature, spec=spec, do=do)


def _lasting(fault: Fault) -> str:
    """What tells a fault of a file apart."""
    return "" if fault.source == SCHEMAS else fault.says


def _parts(fault: Fault) -> Iterator[tuple[str, Rows]]:
    """The rows of each cause of a fault: places in its lists of rows and values."""
    n = len(fault.rows)
    if fault.source != SCHEMAS or fault.rule not in BY_VALUE or not n:
        yield "", np.arange(n)
        return
    codes, distinct = pd.factorize(np.array(fault.values, dtype=object))
    places = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(distinct)))
    for value, rows in zip(distinct, np.split(places, ends[:-1]), strict=True):
        yield str(value), rows


def _add(cause: Cause, fault: Fault, places: Rows, teller: Named | None, study: str) -> None:
    n = len(places)
    if n and not cause.shown and teller is not None and cause.variable and not cause.dataset.startswith("SUPP"):
        record = _record(teller, int(fault.rows[places[0]]))
        cause.trace = f"trialmill explain --study {shlex.quote(study)} {cause.where}{record}"
    cause.count += max(n, 1)
    cause.records += n
    if fault.explained:
        cause.reasons[fault.explained] = cause.reasons.get(fault.explained, 0) + max(n, 1)
    if not n or teller is None:
        return
    rows = fault.rows[places]
    cause.subjects |= set(pd.unique(teller.subjects(rows))) - {""}
    counts = pd.Series([fault.values[i] for i in places.tolist()], dtype=object).value_counts()
    for value, count in counts.items():
        cause.values[str(value)] = cause.values.get(str(value), 0) + int(count)
    for row, place in zip(rows[: MAX_RECORDS - len(cause.shown)].tolist(), places.tolist(), strict=False):
        cause.shown.append(Shown(teller.subject(row), teller.key(row), fault.values[place]))


def _record(teller: Named, row: int) -> str:
    """A record as trialmill explain takes it."""
    subject = teller.subject(row)
    pairs = [*([("USUBJID", subject)] if subject else []), *teller.pairs(row)]
    return "".join(f" {shlex.quote(f'{k}={v}')}" for k, v in pairs)


def _settled(cause: Cause) -> Cause:
    """The most frequent values alone, and explained when explanations by rule cover every record."""
    often = sorted(cause.values.items(), key=lambda pair: (-pair[1], pair[0]))
    cause.values = {v: n for v, n in often[:MAX_VALUES] if v}
    cause.more_values = max(len(often) - MAX_VALUES, 0)
    covered = sum(cause.reasons.values())
    if covered:
        cause.comment = "; ".join(cause.reasons)
        cause.decided = EXPLAINED if covered == cause.count else OPEN
        cause.note = "" if cause.clean else f"{covered:,} of {cause.count:,} explained by rule"
    return cause
