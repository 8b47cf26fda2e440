"""The findings of a check for people and for programs.

For people: faults grouped by rule and dataset with the first records that show them. For programs: a JSON file with
one row a record, the rules that could not be run, and the counts; it holds no clock time, so the same datasets give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from validators.findings import SEVERITIES, Fault, Finding, Named, listed

MAX_RECORDS = 5  # records that are printed of one fault


@dataclass(slots=True)
class Report:
    """What a check found; `named` tells records of a dataset."""

    faults: list[Fault]
    datasets: int
    rules: int
    named: Callable[[str], Named | None]
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # what else the reader should know

    @property
    def findings(self) -> list[Finding]:
        """One row a record, in a fixed order."""
        return listed(self.faults, self.named)

    def counts(self) -> dict[str, int]:
        """Records, or faults without records, by severity; `explained` apart."""
        result = dict.fromkeys((*SEVERITIES, "explained"), 0)
        for fault in self.faults:
            result["explained" if fault.explained else fault.severity] += max(len(fault.rows), 1)
        return result

    @property
    def clean(self) -> bool:
        """Nothing was found that the study does not explain."""
        return all(fault.explained for fault in self.faults)


def told(report: Report) -> Iterator[str]:
    """The report in lines for people."""
    ordered = sorted(
        report.faults,
        key=lambda f: (bool(f.explained), SEVERITIES.index(f.severity), f.rule, f.dataset, f.variable, f.says),
    )
    for fault in ordered:
        yield from _fault(fault, report.named(fault.dataset))
        yield ""
    for rule, why in sorted(report.skipped.items()):
        yield f"not run   {rule}: {why}"
    for each in report.notes:
        yield f"note      {each}"
    counts = report.counts()
    words = ", ".join(f"{n:,} {word}{'' if n == 1 or word == 'explained' else 's'}" for word, n in counts.items())
    yield f"{report.datasets} datasets, {report.rules} rules: {words}"


def _fault(fault: Fault, named: Named | None) -> Iterator[str]:
    lead = f"{fault.dataset}.{fault.variable}" if fault.variable else fault.dataset
    n = len(fault.rows)
    count = f"{n:,} record{'' if n == 1 else 's'}" if n else "the study"
    yield f"{fault.rule}  {fault.severity}  {lead}: {count}: {fault.says}"
    for row, value in zip(fault.rows[:MAX_RECORDS].tolist(), fault.values, strict=False):
        parts = [p for p in (named.subject(row), named.key(row)) if p] if named is not None else []
        yield f"  {', '.join(parts)}{': ' if value else ''}{value}"
    if n > MAX_RECORDS:
        yield f"  and {n - MAX_RECORDS:,} more"
    for word, text in (("expected", fault.expected), ("explained", fault.explained), ("at", fault.place)):
        if text:
            yield f"  {word:<9} {text}"


def as_json(report: Report, about: dict[str, Any]) -> bytes:
    """The report for programs; `about` says what was checked."""
    content = {
        **about,
        "datasets": report.datasets,
        "rules": report.rules,
        "counts": report.counts(),
        "not run": report.skipped,
        "findings": [f.row() for f in report.findings],
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"
