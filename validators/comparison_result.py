"""What a comparison of files or folders came to: a verdict on each dataset, one on the whole, and both as plain data.

A dataset that cannot be compared is never the same: it outweighs what differs, and that outweighs what is the same.
Datasets of one folder alone are a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from engine.errors import Problem
from validators.comparison import Comparison, Records
from validators.comparison_columns import Side
from validators.comparison_values import Changed

SAME, DIFFERENT, NOT_COMPARABLE = "same", "different", "not comparable"
STATUS = {SAME: 0, DIFFERENT: 1, NOT_COMPARABLE: 2}
EVERYTHING = -1  # list every record


@dataclass(frozen=True, slots=True)
class SpecLine:
    """Where a variable is derived, and the sentence of its verb."""

    place: str
    says: str
    part: str = ""
    where: str = ""


@dataclass(slots=True)
class Cause:
    """What stands behind one side's values of a variable: its lines in the spec, and the raw cells of some records.

    `raw` is by the number of the record in the variable's differences.
    """

    side: str
    lines: list[SpecLine] = field(default_factory=list)
    raw: dict[int, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Result:
    """One dataset: the comparison, or the problems for which there is none."""

    name: str
    base_file: str
    qc_file: str
    comparison: Comparison | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    causes: dict[str, list[Cause]] = field(default_factory=dict)
    records_from: dict[str, dict[int, str]] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """SAME, DIFFERENT or NOT_COMPARABLE."""
        if self.comparison is None:
            return NOT_COMPARABLE
        return SAME if self.comparison.same else DIFFERENT


@dataclass(slots=True)
class Outcome:
    """Two files or two folders: `only_base` and `only_qc` are datasets of one folder alone, with their files."""

    base: str
    qc: str
    results: list[Result] = field(default_factory=list)
    only_base: dict[str, str] = field(default_factory=dict)
    only_qc: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The gravest of all datasets."""
        found = [r.verdict for r in self.results]
        found += [DIFFERENT] * bool(self.only_base or self.only_qc) + [NOT_COMPARABLE] * (not found)
        return max(found, key=STATUS.__getitem__)

    @property
    def status(self) -> int:
        """Exit status of the command."""
        return STATUS[self.verdict]

    def count(self, verdict: str) -> int:
        """Datasets of a verdict."""
        return sum(r.verdict == verdict for r in self.results)

    def says(self) -> str:
        """The verdict as a sentence."""
        total = len(self.results)
        parts = []
        if self.count(NOT_COMPARABLE):
            parts.append(f"{self.count(NOT_COMPARABLE):,} of {_counted(total, 'dataset')} cannot be compared")
        if self.count(DIFFERENT):
            known = "" if parts else f" of {_counted(total, 'dataset')}"
            parts.append(f"{self.count(DIFFERENT):,}{known} {'differs' if self.count(DIFFERENT) == 1 else 'differ'}")
        for word, names in (("BASE", self.only_base), ("QC", self.only_qc)):
            if names:
                parts.append(f"{_counted(len(names), 'dataset')} only in {word}")
        if self.count(SAME):
            records = sum(r.comparison.paired for r in self.results if r.comparison is not None and r.verdict == SAME)
            same = f"{_counted(self.count(SAME), 'dataset')} the same" if parts else _counted(total, "dataset")
            parts.append(f"{same} ({_counted(records, 'record')})")
        if not total:
            parts.append("no dataset is in both")
        lead = {SAME: "The same", DIFFERENT: "Different", NOT_COMPARABLE: "Not comparable"}[self.verdict]
        return f"{lead}: {'; '.join(parts)}."


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def as_data(outcome: Outcome, most: int = 100) -> dict[str, Any]:
    """The outcome as plain data for programs and pages.

    Args:
        outcome: what was found.
        most: records that are listed of each kind and variable; EVERYTHING for all. Counts are always of all.
    """
    return {
        "base": outcome.base,
        "qc": outcome.qc,
        "verdict": outcome.verdict,
        "says": outcome.says(),
        "status": outcome.status,
        "counts": {"compared": len(outcome.results), **{v: outcome.count(v) for v in STATUS},
                   "only in BASE": len(outcome.only_base), "only in QC": len(outcome.only_qc)},
        "settings": outcome.settings,
        "notes": outcome.notes,
        "only in BASE": [{"name": n, "file": f} for n, f in outcome.only_base.items()],
        "only in QC": [{"name": n, "file": f} for n, f in outcome.only_qc.items()],
        "datasets": [_dataset(r, most) for r in outcome.results],
    }


def as_json(data: dict[str, Any]) -> bytes:
    """The same as a file."""
    return orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n"


def _dataset(result: Result, most: int) -> dict[str, Any]:
    found = result.comparison
    said: dict[str, Any] = {"name": result.name, "verdict": result.verdict}
    problems = [{"what": p.what, "place": str(p.place or ""), "found": p.found, "expected": p.expected,
                 "nearest": p.nearest, "do": p.do} for p in result.problems]
    if found is None:
        return {**said, "base": {"file": result.base_file}, "qc": {"file": result.qc_file}, "notes": result.notes,
                "problems": problems}
    return {
        **said,
        "base": _side(found.base, result.base_file),
        "qc": _side(found.qc, result.qc_file),
        "keys": found.keys,
        "keys are": found.keys_are,
        "paired": found.paired,
        "only in BASE": _alone(found, found.only_base, most, result.records_from.get("BASE", {})),
        "only in QC": _alone(found, found.only_qc, most, result.records_from.get("QC", {})),
        "doubled": {"keys": len(found.doubled), "listed": [
            {"keys": _keys(found, d.keys), "base": d.base, "qc": d.qc} for d in found.doubled[: _most(most)]]},
        "variables only in BASE": found.only_in_base,
        "variables only in QC": found.only_in_qc,
        "attributes": [{"kind": a.kind, "variable": a.variable, "base": a.base, "qc": a.qc,
                        "decides": a.kind not in found.ignored} for a in found.attributes],
        "variables": [_variable(found, c, result.causes.get(c.name, ()), most) for c in found.changed],
        "notes": [*found.notes, *result.notes],
        "problems": problems,
    }


def _side(side: Side, file: str) -> dict[str, Any]:
    return {"file": file, "dataset": side.meta.name, "label": side.meta.label, "records": side.records,
            "variables": len(side.names)}


def _most(most: int) -> int | None:
    return None if most == EVERYTHING else most


def _keys(found: Comparison, values: Sequence[str]) -> dict[str, str]:
    return dict(zip(found.keys, values, strict=True))


def _alone(found: Comparison, records: Records, most: int, behind: dict[int, str]) -> dict[str, Any]:
    listed: list[dict[str, Any]] = [{"keys": _keys(found, keys)} for keys in records.keys[: _most(most)]]
    for number, place in behind.items():
        if number < len(listed):
            listed[number]["from"] = place
    return {"records": len(records.rows), "listed": listed}


def _variable(found: Comparison, changed: Changed, causes: Sequence[Cause], most: int) -> dict[str, Any]:
    label = next((v.label for side in (found.base, found.qc) for v in side.meta.variables
                  if v.name == changed.name and v.label), "")
    return {
        "name": changed.name,
        "label": label,
        "compared": changed.compared,
        "records": changed.records,
        "largest": changed.largest,
        "patterns": [{"kind": p.kind, "says": p.says, "records": p.records} for p in changed.patterns],
        "notes": [{"kind": p.kind, "says": p.says, "records": p.records} for p in changed.notes],
        "spec": [{"side": c.side, "place": line.place, "part": line.part, "says": line.says, "where": line.where}
                 for c in causes for line in c.lines],
        "listed": list(_listed(found, changed, causes, most)),
    }


def _listed(found: Comparison, changed: Changed, causes: Sequence[Cause], most: int) -> Iterator[dict[str, Any]]:
    keys = found.record_keys.get(changed.name, [])
    for number, (key, base, qc) in enumerate(zip(keys[: _most(most)], changed.base_values, changed.qc_values)):  # noqa: B905
        raw = [{"side": c.side, "cells": c.raw[number]} for c in causes if number in c.raw]
        yield {"keys": _keys(found, key), "base": base, "qc": qc} | ({"raw": raw} if raw else {})
