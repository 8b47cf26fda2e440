"""The sheet Value level of the spec workbook: results by test, qualifiers by name, analysis values by parameter.

What the specs state is listed: tests that a line sets, maps, transposes or takes from a table of the study, parameters
that are parts of a dataset. Where only the data know the tests, there is no row.

Sources: Define-XML 2.1 section 5.3.8 (ValueListDef, WhereClauseDef).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import SpecError
from engine.spec.catalogue import Catalogue
from engine.spec.codelists import find_codelist
from engine.spec.dataset import DatasetSpec, Part, VariableLine
from engine.spec.methods import line_sentence, part_sentence
from engine.spec.origins import Origin, line_origin, lines_of
from engine.spec.refs import VariableRef
from engine.spec.study import Study
from trialmill.spec_book import Row, SpecSheet, at
from trialmill.spec_terms import decodes_of, line_values, stated_values
from trialmill.spec_variables import codelist_name, comment, line_spots, ordered, origin_cells, qualified

VALUES = {"Dataset": 10, "Variable": 11, "Where": 30, "Label": 36, "Type": 6, "Codelist": 18, "Origin": 14,
          "Origin source": 14, "Method": 70, "Comment": 40, "Spec": 22}  # fmt: skip


def values_sheet(catalogue: Catalogue) -> SpecSheet:
    """Every value-level row."""
    study, rows = catalogue.study, []
    for spec in ordered(study):
        if not spec.working:
            follows_sdtm = study.file.packages[spec.package].standard == "sdtmig"
            rows += list(_by_test(catalogue, spec) if follows_sdtm else _by_parameter(catalogue, spec))
    for spec in qualified(study):
        rows += list(_qualifiers(catalogue, spec))
    return SpecSheet("Value level", VALUES, rows, "D2")


def _by_test(catalogue: Catalogue, spec: DatasetSpec) -> Iterator[Row]:
    """Original results of each test, line by line where parts of the records give the same test differently."""
    study, code = catalogue.study, f"{spec.name}TESTCD"
    result = f"{spec.name}ORRES"
    if code not in spec.names or result not in spec.names:
        return
    info = catalogue.datasets[spec.name].variable(result)
    labels = _labels(study, spec, code)
    found: dict[str, dict[tuple[str, str, Origin], None]] = {}
    for part, line in lines_of(spec, code):
        tests = line_values(study, spec, part, line).values or _matched(study, spec, code)
        own = [(p, r) for p, r in lines_of(spec, result) if part is None or p is None or p is part]
        for test in tests:
            for p, each in own:
                said, origin = _result(study, spec, p or part, each, test)
                found.setdefault(test, {})[(said, str(at(study, each.place.file, each.place.line)), origin)] = None
    for test in sorted(found):
        methods = list(found[test])
        cells = {"Dataset": spec.name, "Variable": result, "Where": f'{code} EQ "{test}"',
                 "Label": labels.get(test, ""), "Type": info.type,
                 "Codelist": codelist_name(study, info.codelist, spec.package),
                 "Method": "\n".join(dict.fromkeys(m for m, _, _ in methods)),
                 "Spec": ", ".join(dict.fromkeys(s for _, s, _ in methods))}  # fmt: skip
        cells |= origin_cells(tuple(dict.fromkeys(o for _, _, o in methods)))
        yield _fixed(Row(f"{spec.name}.{result}.{test}", cells), f"edit {spec.name}.{result} on the sheet Variables")


def _result(
    study: Study, spec: DatasetSpec, part: Part | None, line: VariableLine, test: str
) -> tuple[str, Origin]:
    """How a line gives the result of one test; of transposed records, from which item."""
    said = line_sentence(line)
    for each in [part] if part is not None else spec.parts:
        for step in each.steps:
            items = getattr(step.params, "items", None)
            if step.params.passed_columns and isinstance(items, dict) and isinstance(items.get(test), VariableRef):
                said = said.replace(f"{step.verb.gives}.VALUE", str(items[test]))
    return said, line_origin(study, spec, part, line)


def _labels(study: Study, spec: DatasetSpec, code: str) -> dict[str, str]:
    """Test names: from the paired codelist, else from the table that gives the name beside the code."""
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


def _matched(study: Study, spec: DatasetSpec, code: str) -> tuple[str, ...]:
    """Codes by which other variables of the dataset are looked up in tables of the study."""
    found: dict[str, None] = {}
    for _, line in spec.all_lines():
        if line.params.value_is == "looked_up" and str(next(line.refs(), "")) == code:
            table, columns = next(iter(line.params.columns_read().items()))
            if table in study.tables:
                found |= dict.fromkeys(study.lookup(table)[columns[0]].dropna().astype(str))
    return tuple(found)


def _by_parameter(catalogue: Catalogue, spec: DatasetSpec) -> Iterator[Row]:
    """Analysis values of each parameter."""
    study, code = catalogue.study, "PARAMCD"
    variable = next((n for n in ("AVAL", "AVALC") if n in spec.names), "")
    if code not in spec.names or not variable:
        return
    info = catalogue.datasets[spec.name].variable(variable)
    labels = _labels(study, spec, "PARAMCD")
    parts = {p.name: p for p in spec.parts}
    for parameter in stated_values(study, spec, code).values:
        part = parts.get(parameter)
        lines = [(p, r) for p, r in lines_of(spec, variable) if part is None or p in (None, part)]
        said = [*([part_sentence(spec, part)] if part is not None else []), *(line_sentence(r) for _, r in lines)]
        cells = {"Dataset": spec.name, "Variable": variable, "Where": f'{code} EQ "{parameter}"',
                 "Label": labels.get(parameter, ""), "Type": info.type,
                 "Codelist": codelist_name(study, info.codelist, spec.package), "Method": "\n".join(said),
                 "Spec": ", ".join(at(study, r.place.file, r.place.line) for _, r in lines)}  # fmt: skip
        if part is not None:
            cells["Spec"] = f"{at(study, part.place.file, part.place.line)}, {cells['Spec']}"
        cells |= origin_cells(tuple(dict.fromkeys(line_origin(study, spec, p or part, r) for p, r in lines)))
        yield _fixed(Row(f"{spec.name}.{variable}.{parameter}", cells), "it stands for all parameters, or in a table")


def _qualifiers(catalogue: Catalogue, spec: DatasetSpec) -> Iterator[Row]:
    """Supplemental qualifiers, which have a row of their own for label, origin and comment."""
    study, dataset = catalogue.study, f"SUPP{spec.name}"
    for name, line in spec.supplemental.items():
        lines: list[tuple[Part | None, VariableLine]] = [(None, line)]
        cells = {"Dataset": dataset, "Variable": "QVAL", "Where": f'QNAM EQ "{name}"', "Label": line.options.label,
                 "Type": "Char", "Codelist": codelist_name(study, line.codelist, spec.package),
                 "Method": line_sentence(line), "Comment": comment(lines),
                 "Spec": at(study, line.place.file, line.place.line)}  # fmt: skip
        row = Row(f"{dataset}.QVAL.{name}", cells | origin_cells((line_origin(study, spec, None, line),)))
        row.spots, row.fixed = line_spots(study, spec, name, lines)
        yield row
    for name in sorted(spec.overflowing):
        said = f"Text of {name} over 200 bytes, part by part: QNAM {name}1, {name}2, ... as the data need"
        cells = {"Dataset": dataset, "Variable": "QVAL", "Where": f'QNAM starts with "{name}"', "Type": "Char",
                 "Method": said}  # fmt: skip
        yield _fixed(Row(f"{dataset}.QVAL.{name}*", cells), f"edit {spec.name}.{name} on the sheet Variables")


def _fixed(row: Row, why: str) -> Row:
    row.fixed = dict.fromkeys(("Label", "Origin", "Origin source", "Comment"), why)
    return row
