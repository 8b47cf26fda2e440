"""Whether everything that a check names exists: datasets, variables, qualifiers, settings, tables, terms.

Sources: architecture, "Models".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.errors import Place, Problem, SpecError, nearest
from engine.spec.catalogue import Catalogue
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from engine.standards import load_terminology
from validators.checks import Check
from validators.lets import Far, LookUp, Term, Value


@dataclass(slots=True)
class BoundCheck:
    """A check of a rule with the values it may name, for one dataset where it was written for several."""

    check: Check
    lets: dict[str, Value]
    place: Place
    pattern: bool = False  # holds only for datasets that have its variables


def unknown_names(bound: BoundCheck, catalogue: Catalogue) -> list[Problem]:
    """Everything that the check or its values name and the study does not have, at the check's place."""
    return [
        Problem(p.what, p.place or bound.place, p.found, p.expected, p.nearest, p.do) for p in _all(bound, catalogue)
    ]


def speaks_of_unknown(bound: BoundCheck, catalogue: Catalogue) -> bool:
    """Whether the check names anything that the study does not have."""
    return next(_all(bound, catalogue, helpful=False), None) is not None


def datasets_of(bound: BoundCheck) -> set[str]:
    """Every dataset that a check reads; SUPP-- as their parents."""
    found = {*bound.check.datasets()}
    expressions = [e for _, e in bound.check.expressions()]
    for value in bound.lets.values():
        expressions += value.expressions()
        if value.source():
            found.add(value.source())
    found |= {r.source for e in expressions for r in e.refs if r.source and r.source != "study"}
    return {name.removeprefix("SUPP") for name in found}


def _all(bound: BoundCheck, catalogue: Catalogue, *, helpful: bool = True) -> Iterator[Problem]:
    """See unknown_names; without the nearest names, which take time to find, unless `helpful`."""
    known = _Known(catalogue, set(bound.lets), helpful)
    for name in bound.check.datasets():
        yield from known.dataset(name)
    try:
        for name, expression in bound.check.expressions():
            yield from known.expression(name, expression)
    except ValueError as error:  # in the braces of a message
        yield Problem(f"the message is not understood: {error}")
    for name, variable in bound.check.variables():
        yield from known.variable(name, VariableRef(None, variable))
    used = _used(bound)
    for key, value in bound.lets.items():
        if key in used:
            for name in dict.fromkeys(bound.check.datasets()):
                yield from _of_value(known, key, value, name)


def _used(bound: BoundCheck) -> set[str]:
    """Values that the check names, and those that these name."""
    waiting = [e for _, e in bound.check.expressions()]
    names = {v for _, v in bound.check.variables()} & set(bound.lets)
    waiting += [e for n in names for e in bound.lets[n].expressions()]
    while waiting:
        for ref in waiting.pop().refs:
            if ref.source is None and ref.name in bound.lets and ref.name not in names:
                names.add(ref.name)
                waiting += bound.lets[ref.name].expressions()
    return names


def _of_value(known: _Known, key: str, value: Value, own: str) -> Iterator[Problem]:
    if key in known.variables(own):
        yield Problem(f"the value {key} has the name of a variable of {own}", do="choose another name")
    for expression in value.expressions():
        yield from known.expression(own, expression)
    for variable in value.variables():
        yield from known.variable(own, VariableRef(None, variable))
    if value.source():
        yield from known.dataset(value.source())
    if isinstance(value, Far):
        if not value.source():
            yield Problem(f"{key}: no dataset is named", do="write  DATASET.VARIABLE")
        for variable in value.match:
            yield from known.variable(own, VariableRef(None, variable))
            yield from known.variable(value.source(), VariableRef(None, variable))
    if isinstance(value, LookUp):
        yield from known.table(value)
    if isinstance(value, Term):
        yield from known.term(value)


def _nothing(_name: str, _known: Iterable[str]) -> str:
    return ""


class _Known:
    """What may be named."""

    def __init__(self, catalogue: Catalogue, lets: set[str], helpful: bool) -> None:
        self.catalogue, self.study, self.lets = catalogue, catalogue.study, lets
        self.near = nearest if helpful else _nothing
        self.datasets = {n for n in catalogue.datasets if not self.study.datasets[n].working}

    def variables(self, name: str) -> set[str]:
        """Variables of a dataset as it is written."""
        if name.startswith("SUPP") and name.removeprefix("SUPP") in self.datasets:
            return {v.name for v in self.catalogue.supplemental(name.removeprefix("SUPP")).variables}
        return {v.name for v in self.catalogue.datasets[name].variables} if name in self.datasets else set()

    def dataset(self, name: str) -> Iterator[Problem]:
        """What is wrong with the name of a dataset."""
        if name.removeprefix("SUPP") not in self.datasets:
            yield Problem(f'no dataset "{name}"', nearest=self.near(name, self.datasets))

    def expression(self, own: str, expression: Expression) -> Iterator[Problem]:
        """What is wrong with the names in an expression about records of `own`."""
        for ref in expression.refs:
            yield from self.variable(own, ref)

    def variable(self, own: str, ref: VariableRef) -> Iterator[Problem]:
        """What is wrong with a reference from records of `own`."""
        if ref.source is None and ref.name in self.lets:
            return
        if ref.source is None and own.removeprefix("SUPP") not in self.datasets:
            return  # that the dataset is unknown is said once
        source = ref.source or own
        found: Iterable[str]
        if source == "study":
            found = self.study.setting_names
        elif source in self.datasets:
            found = self.variables(source)
        elif source.startswith("SUPP") and source.removeprefix("SUPP") in self.datasets:
            found = (
                self.study.datasets[source.removeprefix("SUPP")].supplemental if ref.source else self.variables(source)
            )
        else:
            yield Problem(f'nothing is called "{source}"', found=str(ref), nearest=self.near(source, self.datasets))
            return
        if ref.name not in found:
            near = self.near(ref.name, [*found, *self.lets])
            yield Problem(f'{source} has no "{ref.name}"', found=str(ref), nearest=near)

    def table(self, value: LookUp) -> Iterator[Problem]:
        """What is wrong with a look-up."""
        try:
            columns = list(self.study.lookup(value.table).columns)
        except SpecError as error:
            yield from error.problems
            return
        for name in (value.column, *value.by):
            if name not in columns:
                yield Problem(f'tables/{value.table}.csv has no column "{name}"', nearest=self.near(name, columns))

    def term(self, value: Term) -> Iterator[Problem]:
        """What is wrong with a C-code."""
        version = self.study.file.standards.sdtm_terminology
        codelist = load_terminology("SDTM", version).codelist(value.codelist)
        if codelist is None or value.code not in {t.code for t in codelist.terms.values()}:
            yield Problem(f"terminology {version} has no term {value.code} in codelist {value.codelist}")
