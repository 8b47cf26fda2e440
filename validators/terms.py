"""Which submission values a variable may hold.

- The spec's `codelist:` and the standard's codelists bind together: a value must be in both, so a spec can narrow a
  list of the standard and never widen it. Sponsor terms that the study declares belong to their list.
- A variable with several lists, in the standard or by parts of the spec, may hold a term of any of them.
- Where the standard decides by another variable (DSDECOD by DSCAT), `standard/by_value.yaml` says which list goes
  with which term; it is held record by record.
- An extensible list binds like any other: what it lacks is declared in study.yaml, so that every extension is stated.
- A result that begins with a number (5, <0.5, 1:40, a date) needs no term: the list binds the other texts.
- A short list of allowed values in ADaMIG (`Y`, `Y; N`) binds too.

Sources: SDTMIG 3.4 section 4.3; ADaMIG 1.3 section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import SpecError
from engine.spec.catalogue import Catalogue, DatasetInfo
from engine.spec.codelists import StudyCodelist, find_codelist
from engine.spec.document import load_document
from engine.standards import VariableStandard, load_terminology

DATA = Path(__file__).parent / "standard"
MAX_EXPECTED = 6  # terms that a message names


@dataclass(frozen=True, slots=True)
class Allowed:
    """Values that a variable may hold, and how a message calls them."""

    values: frozenset[str]
    called: str
    extensible: bool

    @property
    def expected(self) -> str:
        """For messages: all terms of a short list, the first of a long one."""
        terms = sorted(self.values)
        return "one of " + ", ".join(terms[:MAX_EXPECTED]) + (", ..." if len(terms) > MAX_EXPECTED else "")


@dataclass(frozen=True, slots=True)
class ByValue:
    """A variable whose codelist is decided by the terms of another; `others` binds the records of other terms."""

    variable: str
    by: str
    lists: dict[str, Allowed]
    others: Allowed | None


class Terms:
    """The codelists of a study's variables."""

    def __init__(self, catalogue: Catalogue) -> None:
        """For a study whose catalogue this is."""
        self.catalogue, self.study = catalogue, catalogue.study

    def of(self, info: DatasetInfo, variable: str) -> list[Allowed]:
        """What binds a variable of a dataset; every one of them must hold."""
        standard = self.standard(info, variable)
        decided = any(rule["variable"] == variable for rule in self._deciding(info))
        lists = standard.codelists if standard is not None and not decided else ()
        found: list[Allowed | None] = [
            self._stated(info, variable),
            self._any_of(lists, info.package),
        ]
        if standard is not None and standard.values and not self._follows_sdtm(info):
            found.append(Allowed(frozenset(standard.values), "the values of the standard", False))
        names = self.sponsor_names(info, variable)
        told = dict.fromkeys(a for a in found if a is not None)  # the spec may state the standard's own list: told once
        return [replace(a, values=a.values | names) if names else a for a in told]

    def standard(self, info: DatasetInfo, variable: str) -> VariableStandard | None:
        """What the standard says of a variable."""
        if not self._follows_sdtm(info):
            return self.catalogue.adam.variable(info.structure, variable)
        if info.name.startswith("SUPP"):
            return self.catalogue.sdtm.datasets["SUPPQUAL"].variables.get(variable)
        return self.catalogue.sdtm.variable(info.name, variable)

    def named(self, codelist: str, package: str) -> Allowed | None:
        """What a codelist allows; None when the terminology has none of that name."""
        return self._any_of((codelist,), package)

    def candidates(self, info: DatasetInfo, variable: str) -> list[StudyCodelist]:
        """Every codelist that a term of the variable may be of: stated on a line, the standard's, by another value."""
        spec = self.study.datasets.get(info.name)
        names = [line.codelist for _, line in spec.lines(variable)] if spec is not None else []
        if not any(names):
            standard = self.standard(info, variable)
            names = [*(standard.codelists if standard is not None else ())]
        for rule in self._deciding(info):
            if rule["variable"] == variable:
                names += rule["lists"].values()
        found = [self._lists((name,), info.package) for name in dict.fromkeys(names) if name]
        return list({c.name: c for lists in found for c in lists}.values())

    def by_value(self, info: DatasetInfo) -> list[ByValue]:
        """Variables of the dataset whose codelist another variable decides."""
        return [self._resolved(info, rule) for rule in self._deciding(info)]

    def _deciding(self, info: DatasetInfo) -> list[dict[str, Any]]:
        names = {v.name for v in info.variables}
        return [r for r in _by_value() if r["dataset"] == info.name and {r["variable"], r["by"]} <= names]

    def _resolved(self, info: DatasetInfo, rule: dict[str, Any]) -> ByValue:
        deciding, own = self.standard(info, rule["by"]), self.standard(info, rule["variable"])
        lists = self._lists(deciding.codelists if deciding else (), info.package)
        terms = {t.code: t.value for c in lists if c.standard for t in c.standard.terms.values()}
        allowed = {terms[c]: self._any_of((each,), info.package) for c, each in rule["lists"].items() if c in terms}
        others = self._any_of(own.codelists if own else (), info.package) if rule.get("others") != "free" else None
        return ByValue(rule["variable"], rule["by"], {t: a for t, a in allowed.items() if a is not None}, others)

    def decodes(self, info: DatasetInfo, variable: str) -> dict[str, str]:
        """The name that goes with each test code of a variable, as far as its lists tell."""
        standard = self.standard(info, variable)
        result: dict[str, str] = {}
        names = [*self._stated_names(info, variable), *(standard.codelists if standard else ())]
        for codelist in self._lists(tuple(names), info.package):
            if codelist.standard is not None:
                version = self.study.file.standards.sdtm_terminology
                result |= load_terminology("SDTM", version).decode(codelist.standard.code)
            result |= codelist.added
        return result

    def sponsor_names(self, info: DatasetInfo, variable: str) -> frozenset[str]:
        """Names of the sponsor's own test codes: --TEST holds them though its list does not."""
        code = f"{variable}CD"
        if not variable.endswith("TEST") or all(each.name != code for each in info.variables):
            return frozenset()
        standard = self.standard(info, code)
        names = (*self._stated_names(info, code), *(standard.codelists if standard else ()))
        return frozenset(n for c in self._lists(names, info.package) for n in c.added.values())

    def _stated(self, info: DatasetInfo, variable: str) -> Allowed | None:
        return self._any_of(self._stated_names(info, variable), info.package)

    def _stated_names(self, info: DatasetInfo, variable: str) -> tuple[str, ...]:
        """Lists that the spec states, when every line of the variable states one."""
        spec = self.study.datasets.get(info.name)
        names = [line.codelist for _, line in spec.lines(variable)] if spec is not None else []
        return tuple(dict.fromkeys(names)) if names and all(names) else ()

    def _any_of(self, names: tuple[str, ...], package: str) -> Allowed | None:
        lists = self._lists(names, package)
        if not lists:
            return None
        values = frozenset().union(*(c.values for c in lists))
        called = ("codelist " if len(lists) == 1 else "codelists ") + " and ".join(c.shown for c in lists)
        return Allowed(values, called, any(c.standard is None or c.standard.extensible for c in lists))

    def _lists(self, names: tuple[str, ...], package: str) -> list[StudyCodelist]:
        found = []
        for name in names:
            try:
                found.append(find_codelist(self.study, name, package))
            except SpecError:  # a list of the standard that the terminology has retired; lint speaks of all others
                continue
        return found if len(found) == len(names) else []

    def _follows_sdtm(self, info: DatasetInfo) -> bool:
        return self.study.file.packages[info.package].standard == "sdtmig"


@cache
def _by_value() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = load_document(DATA / "by_value.yaml", "by_value.yaml").data
    return rules
