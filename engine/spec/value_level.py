"""How single results come about: of each test, and of each parameter of an analysis dataset.

Line by line, where parts of the records give the same test differently. Only what specs state is known here; tests
that the data alone bring have no entry.

Sources: Define-XML 2.1 section 5.3.8 (ValueListDef).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import Place, SpecError
from engine.spec.codelists import find_codelist
from engine.spec.dataset import DatasetSpec, Part, VariableLine
from engine.spec.methods import line_sentence, part_sentence
from engine.spec.origins import Origin, line_origin, lines_of
from engine.spec.refs import VariableRef
from engine.spec.stated import decodes_of, line_values, stated_values
from engine.spec.study import Study


@dataclass(frozen=True, slots=True)
class ValueLine:
    """One way in which a line gives the values of one test or parameter."""

    says: str
    origin: Origin
    place: Place
    part: Part | None
    line: VariableLine


def by_test(study: Study, spec: DatasetSpec, variable: str) -> dict[str, list[ValueLine]]:
    """Of a variable of a findings dataset: the lines behind each test code, part by part of the records."""
    code = f"{spec.name}TESTCD"
    matched = _matched(study, spec, code)
    found: dict[str, dict[tuple[str, Place, Origin], ValueLine]] = {}
    for part in spec.parts:
        codes, results = _of_part(spec, code, part), _of_part(spec, variable, part)
        if codes is None or results is None:
            continue
        for test in line_values(study, spec, part, codes).values or matched:
            said, origin = _of_test(study, spec, part, results, test)
            value = ValueLine(said, origin, results.place, part, results)
            found.setdefault(test, {}).setdefault((said, results.place, origin), value)
    return {test: list(found[test].values()) for test in sorted(found)}


def _of_part(spec: DatasetSpec, name: str, part: Part) -> VariableLine | None:
    """The line that derives a variable for the records of a part: its own, else that of all records."""
    lines = lines_of(spec, name)
    return next((line for p, line in lines if p is part), next((line for p, line in lines if p is None), None))


def by_parameter(study: Study, spec: DatasetSpec, variable: str) -> dict[str, list[ValueLine]]:
    """Of a variable of an analysis dataset: the lines behind each PARAMCD, in the order of the specs."""
    parts = {p.name: p for p in spec.parts}
    found: dict[str, list[ValueLine]] = {}
    for parameter in stated_values(study, spec, "PARAMCD").values:
        part = parts.get(parameter)
        found[parameter] = [
            ValueLine(line_sentence(r), line_origin(study, spec, p or part, r), r.place, p or part, r)
            for p, r in lines_of(spec, variable)
            if part is None or p in (None, part)
        ]
    return found


def records_of(spec: DatasetSpec, parameter: str) -> tuple[str, Place | None]:
    """How the records of a parameter that has a part of its own come about, and where it stands; '' without one."""
    for part in spec.parts:
        if part.name == parameter:
            return part_sentence(spec, part), part.place
    return "", None


def code_labels(study: Study, spec: DatasetSpec, code: str) -> dict[str, str]:
    """Names of the codes of --TESTCD or PARAMCD: from the paired codelist, else from the table that gives them."""
    found: dict[str, str] = {}
    for _, line in lines_of(spec, code.removesuffix("CD")):
        table = next(iter(line.params.tables()), "")
        columns = line.params.columns_read().get(table, ())
        if table in study.tables and len(columns) == 2:
            frame = study.lookup(table).dropna(subset=list(columns))
            found |= dict(zip(frame[columns[0]].astype(str), frame[columns[1]].astype(str), strict=True))
    for _, line in lines_of(spec, code):
        try:
            found |= decodes_of(study, find_codelist(study, line.codelist or code, spec.package))
        except SpecError:
            continue
    return found


def _of_test(study: Study, spec: DatasetSpec, part: Part | None, line: VariableLine, test: str) -> tuple[str, Origin]:
    """How a line gives the result of one test; of transposed records, from which item."""
    said = line_sentence(line)
    for each in [part] if part is not None else spec.parts:
        for step in each.steps:
            items = getattr(step.params, "items", None)
            if step.params.passed_columns and isinstance(items, dict) and isinstance(items.get(test), VariableRef):
                said = said.replace(f"{step.verb.gives}.VALUE", str(items[test]))
    return said, line_origin(study, spec, part, line)


def _matched(study: Study, spec: DatasetSpec, code: str) -> tuple[str, ...]:
    """Codes by which other variables of the dataset are looked up in tables of the study."""
    found: dict[str, None] = {}
    for _, line in spec.all_lines():
        if line.params.value_is == "looked_up" and str(next(line.refs(), "")) == code:
            table, columns = next(iter(line.params.columns_read().items()))
            if table in study.tables:
                found |= dict.fromkeys(study.lookup(table)[columns[0]].dropna().astype(str))
    return tuple(found)
