"""Every problem of a study's rules and explanations at once: keys, kinds, names, messages, rules that do not exist.

Sources: architecture, "Models".
"""

from __future__ import annotations

from engine.errors import Place, Problem, SpecError, nearest
from engine.spec.catalogue import Catalogue
from engine.spec.study import Study
from validators.described import schema_rules
from validators.dispositions import load_dispositions
from validators.explained import load_explained
from validators.names import unknown_names
from validators.rules import Rules, load_rules


def lint_rules(study: Study) -> list[Problem]:
    """All problems of checks.yaml, explained.yaml and dispositions.yaml of a study that was read, by file and line."""
    return linted_rules(Catalogue(study))[0]


def linted_rules(catalogue: Catalogue) -> tuple[list[Problem], Rules]:
    """As lint_rules, and the rules as read; none when they cannot be."""
    problems: list[Problem] = []
    for read in (load_explained, load_dispositions):
        try:
            read(catalogue)
        except SpecError as error:
            problems += error.problems
    try:
        rules = load_rules(catalogue)
    except SpecError as error:
        return [*error.problems, *problems], Rules()
    for rule in rules.rules:
        for bound in rule.checks if rule.study else ():
            found = unknown_names(bound, catalogue)
            problems += [Problem(f"{rule.id}: {p.what}", p.place, p.found, p.expected, p.nearest, p.do) for p in found]
    known = [*(r.id for r in rules.rules), *schema_rules()]
    for explained, place in rules.explained:
        if explained.rule not in known:
            near = nearest(explained.rule, known)
            problems.append(Problem(f'explained: no rule "{explained.rule}"', place, nearest=near))
    return sorted(dict.fromkeys(problems), key=lambda p: (p.place or Place(""), p.what)), rules
