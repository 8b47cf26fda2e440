"""A check that is written once, as it stands for each dataset and variable that it speaks of.

- `each: "*"` (or a list of datasets) with `--` for the domain: every dataset that has all the variables it names;
  `SUPP--` is every supplemental dataset. `classes` and `structures` keep it to datasets of these, `except` and
  `lacking` leave some out, `collected` those whose spec says with a reason that a variable was not collected.
- `with: {DATE: [--DTC, --STDTC]}`: once for each variable of the list, its name put in place of DATE.
- `over: $FL`: once for each variable of the dataset that fits; `$` is what stands before FL, in the condition too,
  so that `$FN` is the number beside the flag. `#` is a number: TRT#P. `over: [$TM, "!$DTM"]` leaves some out.
- `@YES` is a submission value that standard/terms.yaml names, read from the terminology of the study.

Sources: architecture, "validators"; SDTMIG 3.4 section 4.1 (-- for the domain); ADaMIG 1.3 section 3 (* and xx).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.errors import Problem, SpecError
from engine.spec.catalogue import Catalogue, DatasetInfo
from engine.standards import load_terminology
from validators.lets import listed

ALL = "*"
SUPPLEMENTAL = "SUPP--"
LIMITS = ("with", "over", "except", "lacking", "collected", "classes", "structures")
NOT_COLLECTED = "not_collected"  # the verb of a variable that is empty for a stated reason
DATASET_KEYS = {"each": "each", "per": "of", "pairs": "of", "described": "described", "related": "related"}
WHOLE = ("variables", "datasets", "shared")  # kinds that go through the datasets of a package themselves
_WORD = re.compile(r"(?<![\w.])--[A-Z0-9]+\b(?!\.)")
_TERM = re.compile(r"@([A-Z_]+)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class Written:
    """A check as data for one dataset; a `pattern` is held only where the study has what it names."""

    data: Any
    pattern: bool


class Patterns:
    """Writes the checks of a file out for the datasets of a study; `standard` keeps them to packages of it."""

    def __init__(self, catalogue: Catalogue, standard: str, terms: dict[str, str]) -> None:
        """`terms` are submission values by the name that follows @."""
        self.catalogue, self.standard, self.terms = catalogue, standard, terms
        packages = catalogue.study.file.packages
        self.names = [
            n
            for n, i in sorted(catalogue.datasets.items())
            if standard in ("", packages[i.package].standard) and not catalogue.study.datasets[n].working
        ]

    def written(self, raw: Any) -> Iterator[Written]:
        """A check as it stands for each dataset and variable that it is written for.

        Raises:
            SpecError: it uses a term that nothing names; without a place, which the caller knows.
        """
        if not isinstance(raw, dict) or not raw:
            yield Written(raw, False)
            return
        word = str(next(iter(raw)))
        if word in WHOLE:
            among = self._among(raw, word)
            if among:
                yield Written({**raw, "among": among}, False)
            return
        body = self.with_terms({k: v for k, v in raw.items() if k not in LIMITS})
        key = DATASET_KEYS.get(word)
        if key is None:  # a kind that names several datasets itself
            yield Written(body, False)
            return
        several = isinstance(raw.get(key), list) or raw.get(key) in (ALL, SUPPLEMENTAL)
        words = _words(body) if several else frozenset()
        slots = raw.get("with") if isinstance(raw.get("with"), dict) else {}
        words -= frozenset(slots)
        for name, domain, info in self._datasets(raw.get(key)):
            held = _held(info)
            if info is not None and not self._wanted(raw, domain, info, held):
                continue
            if info is not None and not all(w.replace("--", domain) in held for w in words):
                continue
            one = _replaced({**body, key: name}, "--", domain) if several else body
            for found in over(one, [str(p).replace("--", domain) for p in listed(raw.get("over", []))], held):
                named = {k: [str(v).replace("--", domain) for v in listed(vs)] for k, vs in slots.items()}
                for filled in _filled(found, named):
                    yield Written(filled, several or "over" in raw)

    def _among(self, raw: dict[str, Any], word: str) -> list[str]:
        """Datasets that a check of a whole package goes through."""
        if word != "variables":
            return list(self.names)
        named = {str(n) for n in listed(raw[word])}
        some = [n for n in self.names if ALL in named or n in named]
        return [n for n in some if self._wanted(raw, n, self.catalogue.datasets[n], frozenset())]

    def _datasets(self, named: Any) -> Iterator[tuple[Any, str, DatasetInfo | None]]:
        """Name, domain and description of each dataset; None where the study has no such dataset."""
        datasets = self.catalogue.datasets
        if named == SUPPLEMENTAL:
            for name in self.names:
                if self.catalogue.study.datasets[name].supplemental:
                    yield f"SUPP{name}", name, self.catalogue.supplemental(name)
            return
        for name in self.names if named == ALL else listed(named):
            yield name, str(name), datasets.get(str(name))

    def _wanted(self, raw: dict[str, Any], name: str, info: DatasetInfo, held: frozenset[str]) -> bool:
        if name in {str(n) for n in listed(raw.get("except", []))}:
            return False
        if held & {str(v).replace("--", name) for v in listed(raw.get("lacking", []))}:
            return False
        asked = {str(v).replace("--", name) for v in listed(raw.get("collected", []))}
        if any(v.name in asked and v.line is not None and v.line.verb.name == NOT_COLLECTED for v in info.variables):
            return False
        return belongs(info, listed(raw.get("classes", [])), listed(raw.get("structures", [])))

    def with_terms(self, data: Any) -> Any:
        """Data of a rule with submission values in place of their names, messages as they are; see `written`."""
        if isinstance(data, dict):
            return {k: v if k in ("says", "do") else self.with_terms(v) for k, v in data.items()}
        if isinstance(data, list):
            return [self.with_terms(d) for d in data]
        return _TERM.sub(lambda m: f"'{self._term(m[1])}'", data) if isinstance(data, str) else data

    def _term(self, name: str) -> str:
        if name not in self.terms:
            raise SpecError(Problem(f'no term "@{name}"', expected=f"one of {', '.join(sorted(self.terms))}"))
        return self.terms[name]


def belongs(info: DatasetInfo, classes: list[Any], structures: list[Any]) -> bool:
    """Whether a dataset is of one of the classes and of one of the structures; none named is any."""
    klass = not classes or info.klass.upper() in {str(c).upper() for c in classes}
    return klass and (not structures or info.structure in structures)


def read_terms(data: dict[str, dict[str, str]], version: str) -> dict[str, str]:
    """Submission values by name, each given by the C-codes of its term and codelist; what is retired is left out."""
    terminology, found = load_terminology("SDTM", version), {}
    for name, codes in data.items():
        codelist = terminology.codelist(codes["codelist"])
        value = next((t.value for t in codelist.terms.values() if t.code == codes["term"]), "") if codelist else ""
        if value:
            found[name] = value
    return found


def _held(info: DatasetInfo | None) -> frozenset[str]:
    return frozenset(v.name for v in info.variables) if info is not None else frozenset()


def _words(body: dict[str, Any]) -> frozenset[str]:
    """Variables of the domain that a check names of the record itself; cheap, so that few are bound in vain."""
    parts = [t for k in ("where", "holds", "distinct", "per", "pairs", "within") for t in listed(body.get(k, ""))]
    return frozenset(w for t in parts for w in _WORD.findall(_QUOTED.sub("", str(t))))


def over(body: Any, patterns: list[str], held: frozenset[str]) -> Iterator[Any]:
    """The body once for each variable that fits a pattern, `$` and `#` put in their places."""
    if not patterns:
        yield body
        return
    barred = [_shape(p[1:]) for p in patterns if p.startswith("!")]
    for pattern in (p for p in patterns if not p.startswith("!")):
        for name in sorted(held):
            found = _shape(pattern).fullmatch(name)
            if found and not any(shape.fullmatch(name) for shape in barred):
                groups = found.groupdict()
                one = _replaced(body, "$", groups["word"]) if groups.get("word") else body
                yield _replaced(one, "#", groups["number"]) if groups.get("number") else one


@cache
def _shape(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\$", "(?P<word>[A-Z0-9_]+?)").replace(r"\#", "(?P<number>[0-9]+)"))


def _filled(body: Any, slots: dict[str, list[str]]) -> Iterator[Any]:
    if not slots:
        yield body
        return
    slot, *rest = slots
    for value in slots[slot]:
        yield from _filled(_replaced(body, re.compile(rf"\b{re.escape(slot)}\b"), value), {k: slots[k] for k in rest})


def _replaced(data: Any, old: str | re.Pattern[str], new: str) -> Any:
    if isinstance(data, str):
        return data.replace(old, new) if isinstance(old, str) else old.sub(new, data)
    if isinstance(data, list):
        return [_replaced(d, old, new) for d in data]
    if isinstance(data, dict):
        return {k: _replaced(d, old, new) for k, d in data.items()}
    return data
