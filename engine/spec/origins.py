"""Where a variable's values come from, as Define-XML says it: what the spec states, else by the verb and what it reads.

Without a statement: a value read from the export, spelled as it may be, is Collected (from a form by the Investigator,
from another file by the Vendor); a copy of a built dataset's variable is its Predecessor; a value that stands in the
spec or in a table of the study is Assigned; what `not_collected` leaves empty is Not Available; everything else is
Derived. A copy of a variable of the same dataset, or of a working dataset, has the origin of that variable.

Sources: Define-XML 2.1 section 5.3.11 (def:Origin).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import Problem
from engine.spec.dataset import DatasetSpec, Part, VariableLine
from engine.spec.origin_terms import (
    ASSIGNED,
    COLLECTED,
    DERIVED,
    INVESTIGATOR,
    NOT_AVAILABLE,
    PREDECESSOR,
    PROTOCOL,
    SOURCELESS,
    SPONSOR,
    VENDOR,
)
from engine.spec.refs import VariableRef
from engine.spec.registry import references
from engine.spec.study import Study

_WORKED_OUT = {"USUBJID", "ORDER", "PRIMARY"}  # of what is known of persons and participations


@dataclass(frozen=True, slots=True)
class Origin:
    """Type and source of an origin; no source for Predecessor and Not Available."""

    type: str
    source: str = ""


_DERIVED, _ASSIGNED = Origin(DERIVED, SPONSOR), Origin(ASSIGNED, SPONSOR)
_IMPLIED = {"STUDYID": Origin(PROTOCOL, SPONSOR), "DOMAIN": _ASSIGNED, "USUBJID": _DERIVED}


def variable_origins(study: Study, dataset: str, name: str) -> tuple[Origin, ...]:
    """The different origins of a variable or supplemental qualifier over the lines that derive it; mostly one.

    What identity supplies without a line has the origin of an identifier; in an analysis dataset it is copied.
    """
    spec = study.datasets[dataset]
    found = dict.fromkeys(line_origin(study, spec, part, line) for part, line in lines_of(spec, name))
    if found:
        return tuple(found)
    if study.file.packages[spec.package].standard == "adamig":
        return (Origin(PREDECESSOR),)
    return (_IMPLIED.get(name, _DERIVED),)


def line_origin(study: Study, spec: DatasetSpec, part: Part | None, line: VariableLine) -> Origin:
    """The origin of the values that one line derives; what it states wins, word by word."""
    return _Reader(study).origin(spec, part, line, ())


def lines_of(spec: DatasetSpec, name: str) -> list[tuple[Part | None, VariableLine]]:
    """Every line that derives a variable or a supplemental qualifier, with its part."""
    supplemental = spec.supplemental.get(name)
    return [*spec.lines(name), *([(None, supplemental)] if supplemental is not None else [])]


def origin_problems(spec: DatasetSpec) -> Iterable[Problem]:
    """A source stated for an origin that has none."""
    for _, line in spec.all_lines():
        if line.options.origin in SOURCELESS and line.options.origin_source:
            yield Problem(
                f"{spec.name}.{line.name}: the origin {line.options.origin} has no source",
                line.place,
                found=f"origin_source: {line.options.origin_source}",
                do="take out  origin_source",
            )


class _Reader:
    """Follows what a line reads to where it comes from."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.forms = set(study.forms.forms) if study.forms is not None else None

    def origin(self, spec: DatasetSpec, part: Part | None, line: VariableLine, seen: tuple[str, ...]) -> Origin:
        """Of one line: its own words first."""
        type_, source = line.options.origin, line.options.origin_source
        if type_ in SOURCELESS:
            return Origin(type_)
        if type_ and source:
            return Origin(type_, source)
        found = self._unstated(spec, part, line, seen)
        if type_ and type_ != found.type:
            found = Origin(type_, INVESTIGATOR if type_ == COLLECTED else SPONSOR)
        return Origin(found.type, source) if source and found.type not in SOURCELESS else found

    def _unstated(self, spec: DatasetSpec, part: Part | None, line: VariableLine, seen: tuple[str, ...]) -> Origin:
        kind = line.params.value_is
        if kind == "absent":
            return Origin(NOT_AVAILABLE)
        if kind == "stated":
            return _ASSIGNED
        if kind == "looked_up":
            return self._table(line.params.tables()[0])
        name = f"{spec.name}.{line.name}"
        if kind == "derived" or name in seen:
            return _DERIVED
        refs = references(getattr(line.params, line.verb.reads or ""))
        found = dict.fromkeys(self._ref(spec, part, ref, (*seen, name)) for ref in refs)
        if len(found) != 1:
            return _DERIVED
        origin = next(iter(found))
        return _DERIVED if origin.type == PREDECESSOR and kind != "copied" else origin

    def _ref(self, spec: DatasetSpec, part: Part | None, ref: VariableRef, seen: tuple[str, ...]) -> Origin:
        source = ref.source or spec.name
        if source == spec.name:
            return self._variable(spec, part, ref.name, seen)
        if source in spec.prefixes():
            return self._made(spec, part, source, ref.name, seen)
        if source == "study":
            return _ASSIGNED
        if source in ("person", "participation"):
            return _DERIVED if ref.name in _WORKED_OUT else Origin(COLLECTED, INVESTIGATOR)
        if source in self.study.delivered:
            return Origin(PREDECESSOR)
        if source in self.study.datasets:
            far = self.study.datasets[source]
            return self._variable(far, None, ref.name, seen) if far.working else Origin(PREDECESSOR)
        return self._raw(source)

    def _variable(self, spec: DatasetSpec, part: Part | None, name: str, seen: tuple[str, ...]) -> Origin:
        """The one origin of a variable; Derived where its lines differ."""
        lines = lines_of(spec, name)
        own = [(p, line) for p, line in lines if p is part] or lines
        found = dict.fromkeys(self.origin(spec, p or part, line, seen) for p, line in own)
        if not found:
            return _IMPLIED.get(name, _DERIVED)
        return next(iter(found)) if len(found) == 1 else _DERIVED

    def _made(self, spec: DatasetSpec, part: Part | None, prefix: str, column: str, seen: tuple[str, ...]) -> Origin:
        """A column that a record verb makes: stated in the spec, passed on from what the verb reads, or derived."""
        found: dict[Origin, None] = {}
        for each in [part] if part is not None else spec.parts:
            for step in each.steps:
                if step.verb.gives != prefix:
                    continue
                if column in step.params.stated_columns:
                    found[_ASSIGNED] = None
                elif column in step.params.passed_columns:
                    found |= dict.fromkeys(self._ref(spec, each, ref, seen) for ref in step.refs())
                else:
                    found[_DERIVED] = None
        return next(iter(found)) if len(found) == 1 else _DERIVED

    def _raw(self, source: str) -> Origin:
        if source in self.study.raw.vendors:
            return Origin(COLLECTED, VENDOR)
        is_form = source in self.forms if self.forms is not None else source not in self.study.tables
        return Origin(COLLECTED, INVESTIGATOR) if is_form else _ASSIGNED

    def _table(self, table: str) -> Origin:
        """Of a value that was looked up: collected where the table is about subjects, not where it is a dictionary."""
        if table in self.study.datasets or table in self.study.delivered:
            return _DERIVED
        vendor = self.study.raw.vendors.get(table)
        if vendor is not None and vendor.subject is None:
            return _ASSIGNED
        return self._raw(table)
