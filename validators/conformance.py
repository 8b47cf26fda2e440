"""The one report of a check: every cause, how every rule of every source ended, and a verdict, for people and programs.

For programs it is a JSON file that knows nothing of former reports and holds no clock time: the same datasets, rules
and decisions give the same bytes.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from validators.causes import EXPLAINED, NOT_RUN, OPEN, QUERY, TO_FIX, WEIGHTS, Cause, order
from validators.findings import CORE, Fault, Finding, Tellers, listed
from validators.outcomes import SKIPPED, Ended, by_source

MAX_CAUSES = 20  # open causes that are printed; the page and the workbook hold all
MAX_PRINTED = 5  # records that are printed of one cause
WIDTH = 120


@dataclass(slots=True)
class Conformance:
    """What a check found.

    `faults` are our own, for the list of records; `named` tells records of a dataset; `causes` come from them and from
    CORE. `ended` says how every rule ended. `clean` is the exit status: nothing unexplained was found or did not run.
    """

    study: str
    title: str
    faults: list[Fault]
    causes: list[Cause]
    ended: list[Ended]
    datasets: int
    records: int
    named: Tellers
    core: list[str] = field(default_factory=list)  # what each report of CORE says of itself
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Causes stand in their order."""
        self.causes.sort(key=order)

    @property
    def open(self) -> list[Cause]:
        """Causes that are not explained."""
        return [c for c in self.causes if not c.clean]

    @property
    def clean(self) -> bool:
        """Whether every cause is explained."""
        return not self.open

    @property
    def findings(self) -> list[Finding]:
        """Our own findings, one row a record, in a fixed order."""
        return listed(self.faults, self.named)

    def counts(self) -> dict[str, int]:
        """Open causes by severity, then causes by what was decided."""
        found: Counter[str] = Counter(c.severity for c in self.open)
        found.update(c.decided for c in self.causes)
        return {name: found[name] for name in (*WEIGHTS, OPEN, TO_FIX, QUERY, EXPLAINED)}

    @property
    def waiting(self) -> list[Ended]:
        """Rules, or whole sources, that were not run, wholly or in part."""
        return [e for e in self.ended if e.why and e.state != SKIPPED]

    def verdict(self) -> str:
        """One sentence: clean or not, and what was not run."""
        n = len(self.causes)
        if not n:
            said = "Clean: nothing was found"
        elif self.clean:
            said = f"Clean: all {n:,} causes are explained" if n > 1 else "Clean: the one cause is explained"
        else:
            kinds = Counter(c.severity for c in self.open)
            words = [f"{kinds[w]:,} {w}{'s' if kinds[w] != 1 and w != NOT_RUN else ''}" for w in WEIGHTS if kinds[w]]
            said = f"Not clean: {len(self.open):,} of {n:,} causes not explained ({', '.join(words)})"
        lacking = []
        if any(e.source == CORE and not e.rule for e in self.waiting):
            lacking.append("CORE")
        rules = len({(e.source, e.rule) for e in self.waiting if e.rule})
        if rules:
            lacking.append(f"{rules:,} rule{'' if rules == 1 else 's'}")
        return f"{said}. Not run: {' and '.join(lacking)}." if lacking else f"{said}. Everything was run."


def told(report: Conformance, status: dict[str, str] | None = None) -> Iterator[str]:
    """The report in lines for people: causes that are not explained first, then how each source ended.

    Args:
        report: what was found. status: new or still open, of each cause by id.
    """
    status = status or {}
    for cause in report.open[:MAX_CAUSES]:
        yield from _cause(cause, status.get(cause.id, ""))
        yield ""
    if len(report.open) > MAX_CAUSES:
        yield f"and {len(report.open) - MAX_CAUSES:,} more causes: see the page or the workbook"
        yield ""
    for cause in report.causes[len(report.open) :]:
        yield f"{cause.id}  {cause.rule}  explained  {cause.where}: {cause.counted}: {_short(cause.what)}"
        yield f"  explained {cause.comment}"
    if report.causes:
        yield ""
    for each in by_source(report.ended):
        counts = ", ".join(f"{n:,} {state}" for state, n in each.counts.items() if n)
        what = f"{each.state} - {each.why}" if each.why else each.state
        yield f"{each.source + ':':<16}{what}{f' ({counts})' if counts else ''}"
    yield from report.core
    for each in report.waiting:
        if each.rule:
            yield from textwrap.wrap(f"not run   {each.rule}: {each.why}", WIDTH, subsequent_indent="  ")
    for note in report.notes:
        yield f"note      {note}"
    counts = report.counts()
    words = [
        f"{counts[w]:,} {w}{'' if counts[w] == 1 or w == NOT_RUN else 's'}"
        for w in WEIGHTS
        if counts[w] or w != NOT_RUN
    ]
    words += [f"{counts[EXPLAINED]:,} explained", *(f"{counts[w]:,} {w}" for w in (TO_FIX, QUERY) if counts[w])]
    rules = sum(1 for e in report.ended if e.rule)
    yield f"{report.datasets} datasets, {rules} rules: {', '.join(words)}"
    yield report.verdict()


def _cause(cause: Cause, status: str) -> Iterator[str]:
    decided = "" if cause.decided == OPEN else f"  [{cause.decided}]"
    new = f"  [{status}]" if status else ""
    value = f': "{cause.value}"' if cause.value else ""
    lead = f"{cause.id}  {cause.rule}  {cause.severity}  {cause.where}: {cause.counted}"
    yield f"{lead}: {_short(cause.what)}{value}{decided}{new}"
    for record in cause.shown[:MAX_PRINTED]:
        yield f"  {record}"
    if cause.count > len(cause.shown[:MAX_PRINTED]) and cause.shown:
        yield f"  and {cause.count - len(cause.shown[:MAX_PRINTED]):,} more"
    parts = (("expected", cause.expected), ("do", cause.do), ("spec", cause.spec), ("rule at", cause.at),
             ("trace", cause.trace), ("comment", cause.comment), ("note", cause.note))  # fmt: skip
    for word, text in parts:
        if text:
            yield f"  {word:<9} {text}"


def _short(text: str) -> str:
    return textwrap.shorten(text, 300)


def as_json(report: Conformance, about: dict[str, Any]) -> bytes:
    """The report for programs; `about` says what was checked."""
    sources = [
        {
            "source": s.source,
            "state": s.state,
            "why": s.why,
            "rules": dict(s.counts),
            "causes": s.causes,
            "open": s.open,
        }
        for s in by_source(report.ended)
    ]
    content = {
        **about,
        "verdict": report.verdict(),
        "clean": report.clean,
        "datasets": report.datasets,
        "records": report.records,
        "counts": report.counts(),
        "sources": sources,
        "rules": [_rule(e) for e in report.ended],
        "core": report.core,
        "notes": report.notes,
        "causes": [cause_row(c) for c in report.causes],
        "findings": [f.row() for f in report.findings],
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def _rule(each: Ended) -> dict[str, Any]:
    names = ("source", "rule", "title", "state", "why", "causes", "open")
    return {**{n: getattr(each, n) for n in names}, "datasets": each.on}


def cause_row(cause: Cause) -> dict[str, Any]:
    """A cause as it is written."""
    names = ("id", "source", "rule", "severity", "dataset", "variable", "what", "value", "count")
    row = {n: getattr(cause, n) for n in names}
    return {
        **row,
        "subjects": len(cause.subjects),
        "values": cause.values,
        "expected": cause.expected,
        "do": cause.do,
        "spec": cause.spec,
        "rule at": cause.at,
        "trace": cause.trace,
        "decided": cause.decided,
        "comment": cause.comment,
        "decided at": cause.decided_at,
        "note": cause.note,
        "first": [asdict(s) for s in cause.shown],
    }
