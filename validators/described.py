"""Every rule that datasets are held against, as data: general rules, and what schemas and the check of files hold.

A rule of a schema or a file has a lower-case word for its id and is described in standard/schemas.yaml; the others are
described where they are written. What CDISC and FDA publish stands in standard/published.tsv: the ids of each rule,
the standards that it is for, and where no rule of ours answers it, the reason.

Sources: published rules of CDISC CORE and drafts of ADaM conformance rules (ids and standards alone); FDA technical
rejection criteria.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from engine.spec.binding import bind_data
from engine.spec.document import load_document
from validators.findings import Fault
from validators.rules import GENERAL, RuleHead, RulesFile
from validators.terms import DATA

PUBLISHED, SCHEMAS = "published.tsv", "schemas.yaml"


@dataclass(frozen=True, slots=True)
class Described:
    """What a rule says of itself, its checks as they are written, and the standard that its file is for."""

    id: str
    head: RuleHead
    file: str
    standard: str
    checks: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A published rule: its ids, the standards that it is for, and why no rule of ours answers it ('': one does)."""

    id: str
    other_ids: str
    standards: str
    reason: str


@cache
def general_rules() -> dict[str, Described]:
    """General rules by id, in the order of their files."""
    found: dict[str, Described] = {}
    for name in GENERAL:
        document = load_document(DATA / name, f"validators/standard/{name}")
        file = bind_data(RulesFile, document.data, document, ())
        for rule, data in file.rules.items():
            head = bind_data(RuleHead, data, document, ("rules", rule), rule)
            found[rule] = Described(rule, head, name, file.standard, tuple(head.checks))
    return found


@cache
def schema_rules() -> dict[str, Described]:
    """Rules that schemas and the check of files hold, by id."""
    document = load_document(DATA / SCHEMAS, f"validators/standard/{SCHEMAS}")
    return {
        rule: Described(rule, bind_data(RuleHead, data, document, (rule,), rule), SCHEMAS, "")
        for rule, data in document.data.items()
    }


@cache
def published_rules() -> tuple[Published, ...]:
    """Everything that is published, in the order of its sources."""
    with (DATA / PUBLISHED).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(Published(r["rule"], r["other_ids"], r["standards"], r["reason"]) for r in rows)


def answers() -> dict[str, list[str]]:
    """Ids of our rules that answer each published rule, by its id."""
    found: dict[str, list[str]] = {}
    for rule in (*general_rules().values(), *schema_rules().values()):
        for published in rule.head.published:
            found.setdefault(published, []).append(rule.id)
    return found


def with_advice(fault: Fault) -> Fault:
    """The fault, with what to do: its own advice, else that of its rule."""
    known = schema_rules().get(fault.rule)
    return fault if fault.do or known is None else replace(fault, do=known.head.do)
