"""Rules as data: what must hold between finished datasets, read from YAML and checked before it is run.

A rule has an id, a title, the question it answers, a severity and one or several checks (see checks.py); `let` names
values that all its checks, or one of them, use (see lets.py). Rules of any study stand in standard/*.yaml of this room,
those of one study in its checks.yaml, where `explained` names findings that are known and why.

A rule says what to do about what it finds (`do`), and which published rules it answers (`published`: CDISC's, FDA's).
A check that speaks of several datasets or variables is written once and held for each (patterns.py).

Sources: architecture, "validators"; house style, "Errors".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.errors import Place, Problem, SpecError, nearest
from engine.spec.binding import Model, bind_data
from engine.spec.catalogue import Catalogue
from engine.spec.document import Document, load_document
from validators.checks import Check
from validators.findings import Severity
from validators.kinds import CHECKS
from validators.lets import VALUES, Names, Value
from validators.names import BoundCheck, speaks_of_unknown
from validators.patterns import Patterns, read_terms
from validators.terms import DATA

STUDY_FILE = "checks.yaml"
GENERAL = (  # general rules; each file says the standard that it is for
    "sdtm.yaml",
    "sdtm_subjects.yaml",
    "sdtm_events.yaml",
    "sdtm_findings.yaml",
    "sdtm_timing.yaml",
    "sdtm_plan.yaml",
    "sdtm_relations.yaml",
    "sdtm_variables.yaml",
    "adam.yaml",
    "adam_subjects.yaml",
    "adam_values.yaml",
    "adam_variables.yaml",
)
TERMS = "terms.yaml"
Path_ = tuple[str | int, ...]


class RuleHead(Model):
    """What a rule says of itself."""

    title: str
    answers: str = ""
    severity: Severity = "error"
    source: str = ""
    published: Names = []
    do: str = ""
    let: Any = None
    checks: Any = None


class Explained(Model):
    """Findings that are known, and why they are no defect; all that is given must match."""

    rule: str
    reason: str
    dataset: str = ""
    variable: str = ""
    subject: str = ""


class RulesFile(Model):
    """A file of rules; `standard` limits general rules to packages of that standard."""

    standard: Literal["", "sdtmig", "adamig"] = ""
    rules: dict[str, Any]
    explained: list[Explained] = []


@dataclass(slots=True)
class Rule:
    """A rule as read."""

    id: str
    head: RuleHead
    checks: list[BoundCheck]
    place: Place
    study: bool  # of the study, not of any


@dataclass(slots=True)
class Rules:
    """All rules that a study is held against."""

    rules: list[Rule] = field(default_factory=list)
    explained: list[tuple[Explained, Place]] = field(default_factory=list)


def load_rules(catalogue: Catalogue) -> Rules:
    """General rules and those of the study.

    Raises:
        SpecError: everything in the files that is no rule, each with its place.
    """
    study = catalogue.study
    found, problems = Rules(), []
    codes = load_document(DATA / TERMS, f"validators/standard/{TERMS}").data
    terms = read_terms(codes, study.file.standards.sdtm_terminology)
    documents = [(load_document(DATA / name, f"validators/standard/{name}"), False) for name in GENERAL]
    own = study.folder / STUDY_FILE
    if own.is_file():
        documents.append((load_document(own, f"{study.shown}/{STUDY_FILE}"), True))
    for document, of_study in documents:
        try:
            read_rules(document, catalogue, of_study, found, terms)
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    for rule in found.rules:
        rule.checks = [b for b in rule.checks if not _elsewhere(rule, b, catalogue)]
    return found


def _elsewhere(rule: Rule, bound: BoundCheck, catalogue: Catalogue) -> bool:
    """Whether a check speaks of what this study does not have: a general rule, or one written for many datasets."""
    if rule.study and not bound.pattern:
        return False
    return speaks_of_unknown(bound, catalogue)


def read_rules(
    document: Document, catalogue: Catalogue, of_study: bool, into: Rules, terms: dict[str, str] | None = None
) -> None:
    """The rules of one file, added to `into`; SpecError with all that is wrong. `terms`: see patterns.py."""
    problems: list[Problem] = []
    file = bind_data(RulesFile, document.data, document, ())
    patterns = Patterns(catalogue, file.standard, terms or {})
    known = {r.id: r.place for r in into.rules}
    for name, data in file.rules.items():
        place = document.key_place("rules", name)
        if name in known:
            problems.append(Problem(f"the rule {name} is given twice", place, found=f"first at {known[name]}"))
        try:
            into.rules.append(_rule(name, data, document, patterns, of_study))
        except SpecError as error:
            problems += error.problems
    into.explained += [(e, document.place("explained", i)) for i, e in enumerate(file.explained)]
    if problems:
        raise SpecError(problems)


def _rule(name: str, data: Any, document: Document, patterns: Patterns, of_study: bool) -> Rule:
    path: Path_ = ("rules", name)
    head = bind_data(RuleHead, data, document, path, name)
    problems: list[Problem] = []
    if not isinstance(head.checks, list) or not head.checks:
        raise SpecError(Problem(f"{name}: no checks", document.place(*path), do="checks: a list of checks"))
    checks: list[BoundCheck] = []
    try:
        shared = patterns.with_terms(head.let)
    except SpecError as error:
        raise SpecError([replace(p, place=document.place(*path, "let")) for p in error.problems]) from None
    common = _lets(name, shared, document, (*path, "let"), problems)
    for index, raw in enumerate(head.checks):
        at = (*path, "checks", index)
        try:
            for each in patterns.written(raw):
                written = each.data
                body = {k: v for k, v in written.items() if k != "let"} if isinstance(written, dict) else written
                check = _check(name, body, document, at)
                own = _lets(name, written.get("let"), document, (*at, "let"), problems)
                checks.append(BoundCheck(check, {**common, **own}, document.place(*at), each.pattern))
        except SpecError as error:
            problems += [p if p.place else replace(p, place=document.place(*at)) for p in error.problems]
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))
    return Rule(name, head, checks, document.key_place(*path), of_study)


def _check(rule: str, raw: Any, document: Document, path: Path_) -> Check:
    if not isinstance(raw, dict) or not raw:
        raise SpecError(Problem(f"{rule}: a check needs keys and values", document.place(*path)))
    kind = CHECKS.get(next(iter(raw)))
    if kind is None:
        word = str(next(iter(raw)))
        raise SpecError(
            Problem(
                f'{rule}: no check "{word}"',
                document.key_place(*path, word),
                expected=f"one of {', '.join(CHECKS)}",
                nearest=nearest(word, CHECKS),
                do="the first key of a check is its kind",
            )
        )
    return bind_data(kind, raw, document, path, rule)


def _lets(rule: str, raw: Any, document: Document, path: Path_, problems: list[Problem]) -> dict[str, Value]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        problems.append(Problem(f"{rule}: let needs names, each with its value", document.place(*path)))
        return {}
    found: dict[str, Value] = {}
    for name, body in raw.items():
        at = (*path, name)
        word = str(next(iter(body))) if isinstance(body, dict) and body else ""
        kind = VALUES.get(word)
        if kind is None:
            problems.append(
                Problem(
                    f'{rule}: {name} has no kind of value "{word}"',
                    document.key_place(*at, word),
                    expected=f"one of {', '.join(VALUES)}",
                    nearest=nearest(word, VALUES),
                )
            )
            continue
        data = {(kind.reads if key == word else key): value for key, value in body.items()}
        document.places.setdefault((*at, kind.reads), document.place(*at, word))
        try:
            found[name] = bind_data(kind, data, document, at, f"{rule}: {name}")
        except SpecError as error:
            problems += error.problems
    return found
