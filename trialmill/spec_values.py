"""The sheet Value level of the spec workbook: results by test, qualifiers by name, analysis values by parameter.

What the specs state is listed: tests that a line sets, maps, transposes or takes from a table of the study, parameters
that are parts of a dataset. Where only the data know the tests, there is no row.

Sources: Define-XML 2.1 section 5.3.8 (ValueListDef, WhereClauseDef).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.spec.catalogue import Catalogue
from engine.spec.dataset import DatasetSpec, Part, VariableLine
from engine.spec.methods import line_sentence
from engine.spec.origins import line_origin
from engine.spec.value_level import by_parameter, by_test, code_labels, records_of
from trialmill.spec_book import Row, SpecSheet, at
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
    labels = code_labels(study, spec, code)
    for test, lines in by_test(study, spec, result).items():
        places = dict.fromkeys(at(study, each.place.file, each.place.line) for each in lines)
        cells = {"Dataset": spec.name, "Variable": result, "Where": f'{code} EQ "{test}"',
                 "Label": labels.get(test, ""), "Type": info.type,
                 "Codelist": codelist_name(study, info.codelist, spec.package),
                 "Method": "\n".join(dict.fromkeys(each.says for each in lines)),
                 "Spec": ", ".join(places)}  # fmt: skip
        cells |= origin_cells(tuple(dict.fromkeys(each.origin for each in lines)))
        yield _fixed(Row(f"{spec.name}.{result}.{test}", cells), f"edit {spec.name}.{result} on the sheet Variables")


def _by_parameter(catalogue: Catalogue, spec: DatasetSpec) -> Iterator[Row]:
    """Analysis values of each parameter."""
    study, code = catalogue.study, "PARAMCD"
    variable = next((n for n in ("AVAL", "AVALC") if n in spec.names), "")
    if code not in spec.names or not variable:
        return
    info = catalogue.datasets[spec.name].variable(variable)
    labels = code_labels(study, spec, "PARAMCD")
    for parameter, lines in by_parameter(study, spec, variable).items():
        records, place = records_of(spec, parameter)
        said = [*([records] if place is not None else []), *(each.says for each in lines)]
        cells = {"Dataset": spec.name, "Variable": variable, "Where": f'{code} EQ "{parameter}"',
                 "Label": labels.get(parameter, ""), "Type": info.type,
                 "Codelist": codelist_name(study, info.codelist, spec.package), "Method": "\n".join(said),
                 "Spec": ", ".join(at(study, each.place.file, each.place.line) for each in lines)}  # fmt: skip
        if place is not None:
            cells["Spec"] = f"{at(study, place.file, place.line)}, {cells['Spec']}"
        cells |= origin_cells(tuple(dict.fromkeys(each.origin for each in lines)))
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
