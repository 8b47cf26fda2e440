"""The report of CDISC CORE on published datasets, joined with what the study explains.

Reads the JSON report that the engine writes: issues by record, and how each rule ended. Issues alike in rule, dataset,
variables, message and explanation are one group. What CORE could not carry out is told apart from what it found: an
execution error, and a rule whose own configuration does not fit the dataset, which CORE lists among the findings with
the dataset `N/A`. Such a dataset is told by the variables that the rule names. A rule that did not run, or that was
skipped, never counts as passed.

Does not run CORE (the front door does) and judges no dataset itself.

Sources: reports of cdisc-rules-engine 0.17.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import FileError, Place, Problem
from validators.explained import Entries, ExplainedFinding

PASSED, FOUND, SKIPPED = "SUCCESS", "ISSUE REPORTED", "SKIPPED"
NO_DATASET = ("", "N/A")  # how CORE names the dataset of a rule that it could not apply
MAX_SHOWN = 3  # records that are printed of one group
MAX_VALUE = 60  # characters of a value that are printed
_AGAIN = "let CORE write it again, as JSON"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Details(_Part):
    Standard: str
    Version: str
    CORE_Engine_Version: str = ""
    CT_Version: str | None = None
    Issue_Limit_Per_Rule: str | int | None = None
    Issue_Limit_Per_Dataset: str | bool | int | None = None


class _Dataset(_Part):
    filename: str
    length: int | None = None


class _Issue(_Part):
    core_id: str
    message: str = ""
    dataset: str | None = None
    USUBJID: str | None = None
    row: int | str | None = None
    SEQ: int | float | str | None = None
    variables: list[str] | str = []  # text where the rule could not be carried out
    values: list[str | None] | str | None = []


class _Rule(_Part):
    core_id: str
    status: str
    message: str | None = None


class _File(_Part):
    Conformance_Details: _Details
    Dataset_Details: list[_Dataset]
    Issue_Details: list[_Issue]
    Rules_Report: list[_Rule]


@dataclass(frozen=True, slots=True)
class Record:
    """A record that shows a finding: its subject, its number in the dataset, and variable and value pairs.

    `why` is what CORE says of a rule that it could not carry out, where no record is named.
    """

    subject: str = ""
    number: str = ""
    values: tuple[tuple[str, str], ...] = ()
    why: str = ""

    def __str__(self) -> str:
        """As printed."""
        lead = [p for p in (self.subject, f"record {self.number}" if self.number else "") if p]
        told = ", ".join(f"{n} {v[:MAX_VALUE]}{'...' if len(v) > MAX_VALUE else ''}" for n, v in self.values)
        return ": ".join(p for p in (", ".join(lead), told) if p) or self.why or "no record is named"


@dataclass(slots=True)
class Group:
    """Issues alike; `not_run` when CORE could not carry the rule out, `reason` the study's explanation."""

    rule: str
    dataset: str
    variables: tuple[str, ...]
    message: str
    not_run: bool
    reason: str = ""
    records: list[Record] = field(default_factory=list)
    count: int = 0
    subjects: set[str] = field(default_factory=set)

    @property
    def what(self) -> str:
        """Dataset and variables: `LB.LBORRES, LBORNRHI`."""
        return ".".join(p for p in (self.dataset, ", ".join(self.variables)) if p) or "the study"


@dataclass(slots=True)
class CoreReport:
    """A report as read: groups in order, and the rules by how they ended, each with its message."""

    file: str
    title: str
    standard: str
    groups: list[Group]
    datasets: dict[str, int | None]
    rules: list[str]
    passed: list[str]
    skipped: dict[str, str]
    titles: dict[str, str] = field(default_factory=dict)  # what each rule says
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Everything that was found, and everything that did not run, is explained."""
        return all(g.reason for g in self.groups)

    def counts(self) -> dict[str, int]:
        """Rules by how they ended: each counts once, as not run when that is so of any dataset, else as found."""
        failed = {g.rule for g in self.groups if g.not_run}
        found = {g.rule for g in self.groups} - failed
        return {
            "rules": len(self.rules),
            "passed": len(self.passed),
            "with findings": len(found),
            "not run": len(failed),
            "skipped": len(self.skipped),
        }


def read_core(path: Path, columns: Mapping[str, set[str]], entries: Entries) -> CoreReport:
    """A report, its issues grouped and explained.

    Args:
        path: the JSON file that CORE wrote.
        columns: the variables of each published dataset, by which a dataset is told that the report does not name.
        entries: what the study explains; those about another standard than that of the report play no part.

    Raises:
        FileError: the file cannot be read or is no report of CORE.
    """
    place = Place(str(path))
    try:
        file = _File.model_validate(orjson.loads(path.read_bytes()))
    except OSError as error:
        raise FileError(Problem(f"cannot read the report of CORE: {error.strerror}", place)) from error
    except orjson.JSONDecodeError as error:
        raise FileError(Problem("the report of CORE is not JSON", place, found=str(error), do=_AGAIN)) from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:MAX_SHOWN])
        raise FileError(Problem("this is no report of CORE", place, found=told, do=_AGAIN)) from error
    return _report(file, path.name, columns, entries)


def _report(file: _File, name: str, columns: Mapping[str, set[str]], entries: Entries) -> CoreReport:
    entries = [(e, place) for e, place in entries if e.standard == file.Conformance_Details.Standard.lower()]
    groups = _groups(file, columns, entries)
    told = {g.rule for g in groups}
    details = file.Conformance_Details
    version = details.Version.lstrip("vV")
    title = f"CDISC CORE {details.CORE_Engine_Version}, {details.Standard} {version}, {details.CT_Version or 'no CT'}"
    by_status = {r.core_id: r for r in sorted(file.Rules_Report, key=lambda r: r.core_id)}
    notes = []
    for word, limit in (("rule", details.Issue_Limit_Per_Rule), ("dataset", details.Issue_Limit_Per_Dataset)):
        if str(limit) not in ("None", "False", "0", ""):
            notes.append(f"CORE lists at most {limit} issues a {word}: what is beyond is neither counted nor explained")
    return CoreReport(
        name,
        title,
        f"{details.Standard.lower()} {version}",
        groups,
        {d.filename.upper().removesuffix(".XPT"): d.length for d in file.Dataset_Details},
        list(by_status),
        [i for i, r in by_status.items() if r.status == PASSED and i not in told],
        {i: r.message or "" for i, r in by_status.items() if r.status == SKIPPED and i not in told},
        {i: r.message or "" for i, r in by_status.items()},
        [*notes, *_idle(entries, groups, set(by_status))],
    )


def _groups(file: _File, columns: Mapping[str, set[str]], entries: Entries) -> list[Group]:
    """Groups of issues, and one for every rule that failed or found something and lists no issue."""
    made: dict[tuple[Any, ...], Group] = {}
    for issue in file.Issue_Details:
        dataset, failed = issue.dataset or "", isinstance(issue.variables, str)
        variables = () if isinstance(issue.variables, str) else tuple(issue.variables)
        not_run = failed or dataset in NO_DATASET
        dataset = _told_by(variables, columns) if dataset in NO_DATASET else dataset
        subject = issue.USUBJID or ""
        group = Group(issue.core_id, dataset, variables, issue.message, not_run)
        group.reason = _reason(group, "" if not_run else subject, entries)
        key = (group.rule, dataset, variables, group.message, not_run, group.reason)
        group = made.setdefault(key, group)
        group.count += 1
        group.subjects |= {subject} - {""}
        if len(group.records) < MAX_SHOWN:
            group.records.append(_record(issue, not_run))
    listed = {g.rule for g in made.values()}
    for rule in file.Rules_Report:
        if rule.core_id in listed or rule.status in (PASSED, SKIPPED):
            continue
        found = rule.status == FOUND
        says = f"{rule.message or ''} (the report lists no record)" if found else f"{rule.status}: {rule.message or ''}"
        group = Group(rule.core_id, "", (), says, not found, count=1)
        group.reason = _reason(group, "", entries)
        made[(rule.core_id,)] = group
    return sorted(made.values(), key=lambda g: (g.rule, g.dataset, g.variables, g.message, g.reason))


def _told_by(variables: tuple[str, ...], columns: Mapping[str, set[str]]) -> str:
    """The one dataset that has the most of the variables; '' when several have as many, or none has one."""
    shared = {name: len(held & set(variables)) for name, held in columns.items()}
    most = max(shared.values(), default=0)
    best = [name for name, n in shared.items() if n == most]
    return best[0] if most and len(best) == 1 else ""


def _reason(group: Group, subject: str, entries: Entries) -> str:
    """The reason of the entry that agrees with an issue and gives the most; the first of several."""
    fitting = [e for e, _ in entries if _agrees(e, group, subject)]
    return max(fitting, key=_given).reason if fitting else ""


def _given(entry: ExplainedFinding) -> int:
    return sum(map(bool, (entry.dataset, entry.variable, entry.subject)))


def _agrees(entry: ExplainedFinding, group: Group, subject: str) -> bool:
    return (
        entry.rule == group.rule
        and (entry.not_run == "true") == group.not_run
        and entry.dataset in ("", group.dataset)
        and (not entry.variable or entry.variable in group.variables)
        and entry.subject in ("", subject)
    )


def _record(issue: _Issue, not_run: bool) -> Record:
    if isinstance(issue.variables, str) or isinstance(issue.values, str) or issue.values is None:
        return Record(why=" ".join(str(issue.values or "").split()))
    if not_run:
        return Record()
    pairs = zip(issue.variables, issue.values, strict=False)
    return Record(issue.USUBJID or "", str(issue.row or ""), tuple((n, v or "null") for n, v in pairs))


def _idle(entries: Entries, groups: list[Group], rules: set[str]) -> Iterator[str]:
    """Entries that explain nothing of the report, with why."""
    used = {(g.rule, g.not_run, g.reason) for g in groups if g.reason}
    for entry, place in entries:
        if (entry.rule, entry.not_run == "true", entry.reason) in used:
            continue
        why = "explains nothing that CORE found" if entry.rule in rules else "explains a rule that is not in the report"
        yield f"{place}  {entry.rule} {why}"
