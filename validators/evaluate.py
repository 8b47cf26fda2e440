"""Runs rules over finished datasets and tells every record that breaks one.

A rule that needs a package which was not published is not run, and said so; a rule that cannot be told from the data
(two records where one is needed, a text where a number is needed) is itself a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from engine.errors import DataError
from validators.described import with_advice
from validators.findings import STANDARD_RULES, STUDY_RULES, Fault
from validators.names import BoundCheck, datasets_of
from validators.rules import Explained, Rule, Rules
from validators.shelf import Shelf


@dataclass(slots=True)
class Held:
    """How one rule was held: datasets of its checks that have records, and why it was not run, wholly or in part.

    A rule of whose datasets none is described or has a record was held against nothing: it neither passed nor failed.
    """

    rule: Rule
    on: set[str] = field(default_factory=set)
    without_records: set[str] = field(default_factory=set)
    not_run: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """What came of the rules: faults, how many rules were run, which not, with the reason, and how each was held."""

    faults: list[Fault] = field(default_factory=list)
    run: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)


def run_rules(shelf: Shelf, rules: Rules) -> Outcome:
    """Hold the datasets of the shelf against every rule."""
    outcome = Outcome()
    for rule in rules.rules:
        missing = sorted({n for bound in rule.checks for n in datasets_of(bound) if shelf.lacks(n)})
        ran = False
        held = Held(rule)
        for bound in rule.checks:
            if not any(shelf.lacks(name) for name in datasets_of(bound)):
                found = _faults(shelf, rule, bound)
                outcome.faults += found
                ran = True
                held.not_run += [fault.says for fault in found if fault.untold]
                for name in bound.check.datasets():
                    (held.on if len(shelf.frame(name)) else held.without_records).add(name)
        outcome.run += ran
        if missing:
            outcome.skipped[rule.id] = f"{', '.join(missing)} not published"
            held.not_run.append(outcome.skipped[rule.id])
        outcome.held.append(held)
    return outcome


def _faults(shelf: Shelf, rule: Rule, bound: BoundCheck) -> list[Fault]:
    check, do = bound.check, bound.check.do or rule.head.do
    try:
        broken = check.run(shelf, bound.lets)
    except DataError as error:
        told = "; ".join(" ".join(x for x in (p.what, p.found) if x) for p in error.problems)
        says = f"{rule.head.title}: this cannot be told: {told}"
        name = check.datasets()[0] if check.datasets() else ""
        fault = Fault(rule.id, rule.head.severity, name, check.variable, says, do=do, place=bound.place)
        return [replace(fault, source=_source(rule), signature="cannot be told", untold=True)]
    found = []
    for each in broken:
        fault = Fault(rule.id, rule.head.severity, each.dataset, each.variable, rule.head.title, each.rows, each.says)
        if not len(each.rows):
            fault.says, fault.values = ": ".join([rule.head.title, *each.says]), []
        found.append(replace(fault, do=do, place=bound.place, source=_source(rule), signature=check.says))
    return found


def _source(rule: Rule) -> str:
    return STUDY_RULES if rule.study else STANDARD_RULES


def explain(faults: list[Fault], known: list[Explained], shelf: Shelf) -> list[Fault]:
    """The same faults, split so that records which the study explains carry its reason."""
    result = []
    for fault in map(with_advice, faults):
        named = shelf.named(fault.dataset)
        reasons = np.array([""] * max(len(fault.rows), 1), dtype=object)
        for each in known:
            if (each.rule, each.dataset or fault.dataset, each.variable or fault.variable) != (
                fault.rule,
                fault.dataset,
                fault.variable,
            ):
                continue
            if not each.subject:
                reasons[:] = each.reason
            elif named is not None and len(fault.rows):
                reasons[named.subjects(fault.rows) == each.subject] = each.reason
        for reason in dict.fromkeys(reasons.tolist()):
            rows = np.flatnonzero(reasons == reason)
            if not len(fault.rows):
                result.append(replace(fault, explained=reason))
            else:
                values = [fault.values[i] for i in rows]
                result.append(replace(fault, rows=fault.rows[rows], values=values, explained=reason))
    return result


def unused(rules: Rules, faults: list[Fault]) -> list[str]:
    """Explanations of the study that explain nothing that was found."""
    reasons = {(f.rule, f.explained) for f in faults if f.explained}
    return [
        f"{place}  explains no finding of {e.rule}" for e, place in rules.explained if (e.rule, e.reason) not in reasons
    ]
