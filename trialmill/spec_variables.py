"""The sheets Datasets and Variables of the spec workbook: what is written, and what is derived only for others to read.

Labels that a standard lays down cannot be edited: those of SDTMIG and SDTM variables and datasets, and of ADaMIG
variables. Labels of the sponsor's own variables and qualifiers can, and origins and comments wherever a line stands.

Sources: SDTMIG 3.4 section 3.2 (labels), ADaMIG 1.3 section 3.1 (labels); Define-XML 2.1 section 5.3.11 (origins).
"""

from __future__ import annotations

from engine.errors import SpecError
from engine.spec.catalogue import Catalogue, DatasetInfo, VariableInfo
from engine.spec.codelists import find_codelist
from engine.spec.dataset import DatasetSpec, Part, VariableLine, is_working
from engine.spec.document import Path_
from engine.spec.methods import IMPLIED_SAYS, QUALIFIER_SAYS, records_sentence, variable_sentence
from engine.spec.origins import Origin, lines_of, variable_origins
from engine.spec.study import Study
from trialmill.spec_book import Row, SpecSheet, Spot, at, spec_file

DATASETS = {"Package": 10, "Dataset": 10, "Label": 34, "Class": 20, "Structure": 30, "Keys": 34, "Written": 9,
            "Records": 110, "Comment": 40, "Spec": 20}  # fmt: skip
VARIABLES = {"Dataset": 10, "Order": 7, "Variable": 11, "Label": 34, "Type": 6, "Length": 8, "Format": 10,
             "Codelist": 20, "Role": 20, "Core": 6, "Origin": 14, "Origin source": 14, "Method": 80, "Comment": 40,
             "Spec": 22}  # fmt: skip
WORKING = "Working variable: not written"
NO_LINE = "no line of the spec derives it: identity supplies it"


def qualified(study: Study) -> list[DatasetSpec]:
    """Datasets that may have supplemental qualifiers, in their order."""
    return [s for s in ordered(study) if not s.working and (s.supplemental or s.overflowing)]


def ordered(study: Study) -> list[DatasetSpec]:
    """Datasets by package in the order of study.yaml, then by name; working ones last."""
    packages = list(study.file.packages)
    return sorted(study.datasets.values(), key=lambda s: (s.working, packages.index(s.package), s.name))


def datasets_sheet(catalogue: Catalogue) -> SpecSheet:
    """One row for each dataset."""
    study = catalogue.study
    rows = []
    for spec in ordered(study):
        info, file = catalogue.datasets[spec.name], spec.document.file
        row = Row(spec.name, _described(info) | {
            "Written": "No" if spec.working else "Yes",
            "Records": records_sentence(spec),
            "Comment": spec.header.comment,
            "Spec": at(study, file, spec.document.key_place("dataset").line),
        })  # fmt: skip
        path = spec_file(study, file)
        row.spots["Comment"] = Spot(path, ((),), "comment", f"{spec.name} comment", check="comment")
        if study.file.packages[spec.package].standard == "sdtmig" and spec.name in catalogue.sdtm.datasets:
            row.fixed["Label"] = "the label is SDTMIG's"
        else:
            row.spots["Label"] = Spot(path, ((),), "label", f"{spec.name} label", check="label")
        rows.append(row)
    for spec in qualified(study):
        info = catalogue.supplemental(spec.name)
        says = f"One record for each supplemental qualifier of a record of {spec.name} that has a value"
        row = Row(info.name, _described(info) | {"Written": "Yes", "Records": says})
        row.fixed = {"Label": "the label is SDTMIG's", "Comment": f"comment on {spec.name} instead"}
        rows.append(row)
    return SpecSheet("Datasets", DATASETS, rows, "C2")


def _described(info: DatasetInfo) -> dict[str, str | int]:
    keys = ", ".join(info.keys)
    return {"Package": info.package, "Dataset": info.name, "Label": info.label, "Class": info.klass,
            "Structure": info.structure, "Keys": keys}  # fmt: skip


def variables_sheet(catalogue: Catalogue) -> SpecSheet:
    """One row for each variable: those that are written in their order, then the working ones; SUPP-- datasets last."""
    study = catalogue.study
    rows = []
    for spec in ordered(study):
        info = catalogue.datasets[spec.name]
        for number, variable in enumerate(info.variables, 1):
            rows.append(_row(catalogue, spec, variable, number))
        for name in dict.fromkeys(line.name for _, line in spec.all_lines() if is_working(line.name)):
            line = spec.line(name)
            kind, codelist = line.options.type, line.codelist
            variable = VariableInfo(name, line.options.label, kind, codelist=codelist, role=WORKING, line=line)
            rows.append(_row(catalogue, spec, variable, None))
    for spec in qualified(study):
        info = catalogue.supplemental(spec.name)
        for number, variable in enumerate(info.variables, 1):
            cells = _cells(catalogue, info.name, info.package, variable, number)
            row = Row(f"{info.name}.{variable.name}", cells | {"Method": QUALIFIER_SAYS.get(variable.name, "")})
            row.fixed = dict.fromkeys(("Label", "Origin", "Origin source", "Comment"), "see the sheet Value level")
            rows.append(row)
    return SpecSheet("Variables", VARIABLES, rows, "D2")


def _row(catalogue: Catalogue, spec: DatasetSpec, variable: VariableInfo, number: int | None) -> Row:
    study, name = catalogue.study, variable.name
    lines = lines_of(spec, name)
    row = Row(f"{spec.name}.{name}", _cells(catalogue, spec.name, spec.package, variable, number))
    origins = variable_origins(study, spec.name, name)
    row.cells |= origin_cells(origins) | {"Comment": comment(lines)}
    row.cells["Method"] = variable_sentence(spec, name) if lines else IMPLIED_SAYS.get(name, "")
    row.cells["Spec"] = ", ".join(dict.fromkeys(at(study, line.place.file, line.place.line) for _, line in lines))
    row.spots, row.fixed = line_spots(study, spec, name, lines)
    why = _label_is_fixed(catalogue, spec, name)
    if why and lines:
        row.spots.pop("Label", None)
        row.fixed["Label"] = why
    return row


def _cells(
    catalogue: Catalogue, dataset: str, package: str, variable: VariableInfo, number: int | None
) -> dict[str, str | int]:
    length: str | int = 8 if variable.type == "Num" else variable.length or ""
    return {"Dataset": dataset, "Order": number if number is not None else "", "Variable": variable.name,
            "Label": variable.label, "Type": variable.type, "Length": length, "Format": variable.format,
            "Codelist": codelist_name(catalogue.study, variable.codelist, package) or variable.domain,
            "Role": variable.role, "Core": variable.core}  # fmt: skip


def codelist_name(study: Study, name: str, package: str) -> str:
    """A codelist by name and C-code, as in NY (C66742)."""
    if not name:
        return ""
    try:
        found = find_codelist(study, name, package)
    except SpecError:  # a list that the standard names and that this release of the terminology does not hold
        return name
    return f"{found.name} ({found.standard.code})" if found.standard is not None else found.name


def origin_cells(origins: tuple[Origin, ...]) -> dict[str, str | int]:
    """The cells of the origins; several, of lines that differ in it, side by side, a type that all have once."""
    source = "; ".join(o.source or "-" for o in origins) if any(o.source for o in origins) else ""
    types = [o.type for o in origins]
    return {"Origin": "; ".join(types if len(set(types)) > 1 else types[:1]), "Origin source": source}


def comment(lines: list[tuple[Part | None, VariableLine]]) -> str:
    """The comment of a variable; those of several lines one below the other."""
    return "\n".join(dict.fromkeys(line.options.comment for _, line in lines if line.options.comment))


def line_paths(spec: DatasetSpec, name: str, lines: list[tuple[Part | None, VariableLine]]) -> tuple[Path_, ...]:
    """Where the lines of a variable stand in their file."""
    found: list[Path_] = []
    for part, line in lines:
        if part is not None:
            found.append(("parts", part.name, "variables", name))
        else:
            found.append(("supplemental" if spec.supplemental.get(name) is line else "variables", name))
    return tuple(found)


def line_spots(
    study: Study, spec: DatasetSpec, name: str, lines: list[tuple[Part | None, VariableLine]]
) -> tuple[dict[str, Spot], dict[str, str]]:
    """What may be edited of the lines of a variable, and why the rest may not."""
    columns = ("Label", "Origin", "Origin source", "Comment")
    if not lines:
        return {}, dict.fromkeys(columns, NO_LINE)
    file, paths = spec_file(study, spec.document.file), line_paths(spec, name, lines)
    called = f"SUPP{spec.name}.{name}" if paths[0][0] == "supplemental" else f"{spec.name}.{name}"
    spots = {
        "Label": Spot(file, paths[:1], "label", f"{called} label", check="label"),
        "Origin": Spot(file, paths, "origin", f"{called} origin", check="origin"),
        "Origin source": Spot(file, paths, "origin_source", f"{called} origin source", check="origin_source"),
    }
    stated = [path for path, (_, line) in zip(paths, lines, strict=True) if line.options.comment]
    fixed = {}
    if len(stated) > 1:
        fixed["Comment"] = f"its lines have comments of their own: {', '.join(str(line.place) for _, line in lines)}"
    else:
        spots["Comment"] = Spot(file, tuple(stated) or paths[:1], "comment", f"{called} comment", check="comment")
    return spots, fixed


def _label_is_fixed(catalogue: Catalogue, spec: DatasetSpec, name: str) -> str:
    """Why the label of a variable may not be edited; empty where it may."""
    if is_working(name):
        return ""
    if catalogue.study.file.packages[spec.package].standard == "sdtmig":
        return "the label is SDTMIG's" if catalogue.sdtm.variable(spec.name, name) is not None else ""
    if any(name in dataset.variables for dataset in catalogue.sdtm.datasets.values()):
        return "a variable of SDTMIG keeps its label in analysis datasets"
    structure = catalogue.datasets[spec.name].structure
    standard = catalogue.adam.variable(structure, name)
    known = standard is not None and catalogue.adam.observed.get(name) is not standard
    return "the label is ADaMIG's" if known else ""
