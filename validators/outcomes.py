"""How every rule ended: passed, findings, not run with the reason, or skipped because no record is in its scope.

Only a rule that was held against records and found nothing has passed. What did not run, wholly or in part, says so
and why; so does a source that was not asked at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from validators.causes import NOT_RUN, Cause
from validators.core import CoreReport
from validators.described import schema_rules
from validators.evaluate import Outcome
from validators.findings import CORE, FILES, SCHEMAS, SOURCES, STANDARD_RULES, STUDY_RULES
from validators.schemas import Schema

PASSED, FOUND, SKIPPED = "passed", "findings", "skipped"
STATES = (FOUND, NOT_RUN, SKIPPED, PASSED)
NOT_CONFIGURED = "no command configured"
FILE_RULES = ("file", "variable")  # what the check of a file holds; a schema holds all others of schema_rules()
ALWAYS = ("variable", "type", "order")


@dataclass(slots=True)
class Ended:
    """How one rule ended; `why` where it was not run, wholly or in part, or skipped. `on` counts datasets."""

    source: str
    rule: str
    title: str
    state: str
    why: str = ""
    on: int = 0
    causes: int = 0
    open: int = 0

    @property
    def told(self) -> str:
        """The state in words: `findings; not run in part`."""
        return f"{self.state}; not run in part" if self.state == FOUND and self.why else self.state


@dataclass(slots=True)
class Looked:
    """What was looked at, as it is gathered: datasets of each rule of files and schemas, and what could not run."""

    files: int = 0
    analysis_files: int = 0
    schemas: Counter[str] = field(default_factory=Counter)
    not_run: dict[str, list[str]] = field(default_factory=dict)

    def schema(self, schema: Schema) -> None:
        """A dataset that was held against its schema."""
        rules = {c.rule for c in schema.constraints.values()} | set(ALWAYS)
        if any(not column.nullable for column in schema.schema.columns.values()):
            rules.add("required")
        self.schemas.update(rules)
        for (rule, variable), why in schema.not_run.items():
            lead = f"{schema.info.name}.{variable}" if variable else schema.info.name
            self.not_run.setdefault(rule, []).append(f"{lead}: {why}")


def ended(looked: Looked, rules: Outcome, core: Sequence[CoreReport], causes: Iterable[Cause]) -> list[Ended]:
    """Every rule of every source, by source and id."""
    known = [*_files(looked), *_schemas(looked), *_rules(rules), *_core(core)]
    by_rule: dict[tuple[str, str], list[Cause]] = {}
    for cause in causes:
        by_rule.setdefault((cause.source, cause.rule), []).append(cause)
    for each in known:
        found = by_rule.get((each.source, each.rule), [])
        each.causes, each.open = len(found), sum(not c.clean for c in found)
        if any(c.severity != NOT_RUN for c in found):
            each.state = FOUND
    return sorted(known, key=lambda e: (SOURCES.index(e.source), e.rule))


def _files(looked: Looked) -> Iterable[Ended]:
    for rule, n in zip(FILE_RULES, (looked.files, looked.analysis_files), strict=True):
        state, why = (PASSED, "") if n else (SKIPPED, "no dataset of that kind was published")
        yield Ended(FILES, rule, schema_rules()[rule].head.title, state, why, n)


def _schemas(looked: Looked) -> Iterable[Ended]:
    for rule, described in schema_rules().items():
        if rule == "file":
            continue
        n, failed = looked.schemas[rule], looked.not_run.get(rule, [])
        state = NOT_RUN if failed else PASSED if n else SKIPPED
        why = "; ".join(failed) or ("" if n else "no published dataset has such a variable")
        yield Ended(SCHEMAS, rule, described.head.title, state, why, n)


def _rules(outcome: Outcome) -> Iterable[Ended]:
    for held in outcome.held:
        source = STUDY_RULES if held.rule.study else STANDARD_RULES
        if held.not_run:
            state, why = NOT_RUN, "; ".join(dict.fromkeys(held.not_run))
            why = f"in part: {why}" if held.on else why
        elif held.on:
            state, why = PASSED, ""
        else:
            without = ", ".join(sorted(held.without_records))
            state, why = SKIPPED, f"no record in {without}" if without else "the study has no dataset in its scope"
        yield Ended(source, held.rule.id, held.rule.head.title, state, why, len(held.on))


def _core(reports: Sequence[CoreReport]) -> Iterable[Ended]:
    if not reports:
        yield Ended(CORE, "", "Rules that CDISC and FDA publish for tabulations", NOT_RUN, NOT_CONFIGURED)
    for report in reports:
        failed: dict[str, list[str]] = {}
        found = set()
        for group in report.groups:
            if group.not_run:
                failed.setdefault(group.rule, []).append(group.dataset)
            else:
                found.add(group.rule)
        for rule in report.rules:
            title, why = report.titles.get(rule, ""), ""
            if rule in failed:
                names = [n for n in failed[rule] if n]
                state, why = NOT_RUN, "CORE could not carry it out" + (f" on {', '.join(names)}" if names else "")
            elif rule in found:
                state = FOUND
            elif rule in report.skipped:
                state, why = SKIPPED, "CORE held it against no dataset"
            elif rule in report.passed:
                state = PASSED
            else:
                state, why = NOT_RUN, "the report does not say how it ended"
            yield Ended(CORE, rule, title, state, why, len(report.datasets) if state in (FOUND, PASSED) else 0)


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source ended as a whole, and its rules by how they ended."""

    source: str
    state: str
    counts: Mapping[str, int]
    causes: int
    open: int
    why: str = ""


def by_source(rules: Sequence[Ended]) -> list[SourceState]:
    """One line a source: findings, else not run in part, else passed; a source that did not run at all says so."""
    found = []
    for source in SOURCES:
        own = [e for e in rules if e.source == source]
        if not own:
            continue
        counts = Counter(e.state for e in own)
        state = next((s for s in (FOUND, NOT_RUN, PASSED) if counts[s]), SKIPPED)
        why = own[0].why if len(own) == 1 and state == NOT_RUN else ""
        if state == NOT_RUN and not why:
            state = "passed but for what did not run" if counts[PASSED] else NOT_RUN
        amounts = {} if why and source == CORE else {s: counts[s] for s in STATES}
        found.append(SourceState(source, state, amounts, sum(e.causes for e in own), sum(e.open for e in own), why))
    return found
