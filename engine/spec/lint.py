"""Every problem of a study at once: unknown names, keys, codelists, terms, missing variables, circles.

Nothing is derived and no raw file is read. What the forms and the layout of the export describe is known; where nothing
describes a source, its columns may be given as the export itself has them. Each problem has its place, the nearest name
and what to do.

Sources: architecture, "Models"; SDTMIG 3.4 sections 4.1.5 (core variables) and 8.4 (supplemental qualifiers).
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import Place, Problem, SpecError, nearest
from engine.numbers import NUMBER
from engine.run.overflow import MOST, qualifier_name
from engine.run.plan import Plan
from engine.spec.catalogue import IMPLIED, Catalogue
from engine.spec.codelists import find_codelist
from engine.spec.dataset import DatasetSpec, Part, VariableLine, is_working
from engine.spec.dictionaries import dictionary_problems
from engine.spec.displays import display_problems
from engine.spec.hooks import hook_problems
from engine.spec.lint_conditions import condition_problems
from engine.spec.lint_dates import date_problems
from engine.spec.lint_identity import identity_problems
from engine.spec.origins import origin_problems
from engine.spec.refs import VariableRef
from engine.spec.study import Study

PEOPLE = {
    "person": ("USUBJID", "SUBJID", "SUBJECT", "PREVIOUS"),
    "participation": ("SUBJECT", "USUBJID", "SUBJID", "ORDER", "PRIMARY"),
}


def lint(study: Study, export: dict[str, tuple[str, ...]] | None = None) -> list[Problem]:
    """All problems of a study that was read, by file and line.

    Args:
        study: the study.
        export: columns of the raw sources as an export has them, for those that no file of the study describes.
    """
    problems: list[Problem] = []
    names = Names(study, export)
    catalogue = Catalogue(study)
    problems += catalogue.problems
    problems += hook_problems(study)
    problems += dictionary_problems(study)
    problems += display_problems(study, catalogue)
    problems += identity_problems(study, names.raw, open_=names.open)
    for spec in study.datasets.values():
        problems += _names(spec, names)
        problems += _keys(spec, catalogue)
        problems += _codelists(spec, study, catalogue)
        problems += [*_types(spec, catalogue), *date_problems(spec, catalogue)]
        problems += condition_problems(spec, catalogue)
        problems += origin_problems(spec)
        problems += _core(spec, study, catalogue)
        problems += _qualifiers(spec, catalogue)
    plan = Plan(study.datasets)
    for name in study.datasets:
        try:
            plan.order(plan.nodes_of([name]))
        except SpecError as error:
            problems += error.problems
            break  # the same circle would be met again from its other members
    return sorted(dict.fromkeys(problems), key=lambda p: (p.place or Place(""), p.what))


class Names:
    """What a reference of the study may name."""

    def __init__(self, study: Study, export: dict[str, tuple[str, ...]] | None = None) -> None:
        """Collect sources and their columns; None where the columns are only known from an export that is not given."""
        self.sources: dict[str, tuple[str, ...] | None] = {
            "study": tuple(sorted(study.setting_names)),
            **PEOPLE,
        }
        common = tuple(study.raw.common)
        if study.forms is not None:
            for form in study.forms.forms:
                self.sources[form] = (*common, *study.forms.columns(form))
        for name, vendor in study.raw.vendors.items():
            self.sources[name] = tuple(vendor.columns) or None
        for name, given in study.delivered.items():
            self.sources[name] = tuple(given.variables)
        self.open = study.forms is None and export is None and bool(study.raw.carriers)  # forms come from the export
        for name, columns in (export or {}).items():
            if self.sources.get(name) is None:
                self.sources[name] = columns
        self.study = study
        self.raw = {name: c for name, c in self.sources.items() if name not in PEOPLE and name != "study"}
        self.datasets = set(study.datasets)
        for name, spec in study.datasets.items():
            self.sources[name] = (*IMPLIED, *dict.fromkeys(line.name for _, line in spec.all_lines()))
        self.tables = set(study.tables)
        self.study = study

    def problem(self, ref: VariableRef, spec: DatasetSpec, place: Place, lead: str) -> Problem | None:
        """What is wrong with a reference; None if nothing."""
        source = ref.source or spec.name
        if source in spec.prefixes():
            columns: tuple[str, ...] | None = spec.made_columns(source)
        elif source in self.sources:
            columns = self.sources[source]
        elif self.open and source.islower():
            return None  # may be a form, which goes before a table of that name
        elif source in self.tables:
            return self._of_table(ref, spec, place, lead)
        else:
            return Problem(
                f'{lead}: nothing is called "{source}"',
                place,
                found=str(ref),
                expected="a form, a vendor file, a built or delivered dataset, study, person or participation",
                nearest=nearest(source, [*self.sources, *spec.prefixes()]),
            )
        if columns is None or ref.name in columns:
            return None
        far = [f"{s}.{ref.name}" for s, c in self.sources.items() if c and ref.name in c and not ref.source]
        return Problem(
            f'{lead}: {source} has no "{ref.name}"',
            place,
            found=str(ref),
            nearest=nearest(ref.name, columns) or ", ".join(far[:3]),
            do="correct the name or add the variable",
        )

    def _of_table(self, ref: VariableRef, spec: DatasetSpec, place: Place, lead: str) -> Problem | None:
        """What is wrong with a reference to a table of the study, which only records made from it know."""
        table = str(ref.source)
        if all(table not in step.params.tables() for part in spec.parts for step in part.steps):
            return Problem(
                f"{lead}: no record of {spec.name} comes from the table {table}",
                place,
                found=str(ref),
                do=f"make the records from it, as in  each: {table},  or take a value from it with look_up",
            )
        try:
            columns = [str(c) for c in self.study.lookup(table).columns]
        except SpecError as error:
            return error.problems[0]
        if ref.name in columns:
            return None
        return Problem(
            f'{lead}: tables/{table}.csv has no column "{ref.name}"',
            place,
            found=str(ref),
            nearest=nearest(ref.name, columns),
        )


def _names(spec: DatasetSpec, names: Names) -> Iterable[Problem]:
    for part in spec.parts:
        for step in part.steps:
            lead = f"{spec.name}: {step.verb.name}"
            yield from _tables(step.params.tables(), names, step.place, lead)
            for ref in step.refs():
                problem = names.problem(ref, spec, step.place, lead)
                if problem:
                    yield problem
    for _, line in spec.all_lines():
        lead = f"{spec.name}.{line.name}"
        yield from _tables(line.params.tables(), names, line.place, lead)
        yield from _columns(line, names, lead)
        for ref in line.refs():
            problem = names.problem(ref, spec, line.place, lead)
            if problem:
                yield problem
    for index, check in enumerate(spec.header.checks):
        for ref in check.refs():
            problem = names.problem(ref, spec, spec.document.place("checks", index), f"{spec.name}: checks")
            if problem:
                yield problem
    for index, ref in enumerate(spec.header.ties):
        problem = names.problem(ref, spec, spec.document.place("ties", index), f"{spec.name}: ties")
        if problem:
            yield problem
    if spec.header.keep is not None:
        for ref in spec.header.keep.refs:
            problem = names.problem(ref, spec, spec.document.place("keep"), f"{spec.name}: keep")
            if problem:
                yield problem


def _tables(wanted: Iterable[str], names: Names, place: Place, lead: str) -> Iterable[Problem]:
    for table in wanted:
        if table not in names.sources and table not in names.tables and not (names.open and table.islower()):
            yield Problem(
                f'{lead}: no source or table "{table}"',
                place,
                expected="a form, a vendor file, a dataset, or tables/NAME.csv of the study",
                nearest=nearest(table, [*names.sources, *names.tables]),
            )


def _columns(line: VariableLine, names: Names, lead: str) -> Iterable[Problem]:
    """Columns of tables that a line names."""
    for table, columns in line.params.columns_read().items():
        known = names.sources.get(table)
        if known is None and table in names.tables and table not in names.sources:
            try:
                known = tuple(names.study.lookup(table).columns)
            except SpecError as error:
                yield from error.problems
        for column in columns:
            if known is not None and column not in known:
                yield Problem(
                    f'{lead}: {table} has no column "{column}"',
                    line.place,
                    nearest=nearest(column, known),
                    expected=", ".join(known[:12]),
                )


def _types(spec: DatasetSpec, catalogue: Catalogue) -> Iterable[Problem]:
    """Text given to a numeric variable."""
    for _, line in spec.all_lines():
        text = [v for v in line.params.values_given() if not NUMBER.fullmatch(v)]
        if text and catalogue.type_of(spec.name, line.name) == "Num":
            yield Problem(
                f"{spec.name}.{line.name}: the variable is numeric and the line gives text",
                line.place,
                found=", ".join(text[:5]),
                do="give a number, or declare  type: Char",
            )


def _keys(spec: DatasetSpec, catalogue: Catalogue) -> Iterable[Problem]:
    known = [v.name for v in catalogue.datasets[spec.name].variables]
    wanted = [(key, spec.key_place(key)) for key in spec.keys]
    if spec.header.cut_off:
        wanted.append((spec.header.cut_off, spec.document.place("cut_off")))
    for index, key in enumerate(spec.keys):
        if key in spec.keys[:index]:
            yield Problem(f"{spec.name}: the key {key} is named twice", spec.document.place("keys", index))
    for key, place in wanted:
        if key not in known:
            yield Problem(
                f'{spec.name}: no variable "{key}"',
                place,
                nearest=nearest(key, known),
                do="keys and cut_off name variables of the dataset",
            )
    if spec.header.cut_off and "DCUTDT" not in catalogue.study.setting_names:
        yield Problem(
            f"{spec.name}: the study has no cut-off date",
            spec.document.place("cut_off"),
            do="add DCUTDT to settings: of study.yaml",
        )


def _codelists(spec: DatasetSpec, study: Study, catalogue: Catalogue) -> Iterable[Problem]:
    for _, line in spec.all_lines():
        lead = f"{spec.name}.{line.name}"
        name = line.codelist
        if not name and line.name in {v.name for v in catalogue.datasets[spec.name].variables}:
            name = catalogue.datasets[spec.name].variable(line.name).codelist
        if not name:
            continue
        try:
            codelist = find_codelist(study, name, spec.package)
        except SpecError as error:
            if line.codelist:  # the standard's own list may have been retired since
                yield from (
                    Problem(f"{lead}: {p.what}", p.place or line.place, p.found, p.expected, p.nearest, p.do)
                    for p in error.problems
                )
            continue
        for value in line.params.values_given():
            if value not in codelist.values:
                yield Problem(
                    f"{lead}: codelist {codelist.shown} has no such term",
                    line.place,
                    found=value,
                    nearest=codelist.nearest(value),
                    do="correct the term"
                    if codelist.standard and not codelist.standard.extensible
                    else "correct the term, or add it under codelists: of study.yaml",
                )


def _core(spec: DatasetSpec, study: Study, catalogue: Catalogue) -> Iterable[Problem]:
    """Required and expected variables of SDTMIG that no line derives."""
    if study.file.packages[spec.package].standard != "sdtmig":
        return
    standard = catalogue.sdtm.datasets.get(spec.name)
    for variable in standard.variables.values() if standard else ():
        if variable.core in ("Req", "Exp") and variable.name not in IMPLIED and variable.name not in spec.names:
            yield Problem(
                f"{spec.name}.{variable.name}: {variable.core} in SDTMIG and not derived",
                spec.document.place("variables"),
                do=f"add a line; where nothing is collected  {variable.name}: {{not_collected: why}}",
            )
        if variable.core in ("Req", "Exp") and variable.name in spec.names:
            for _, line in spec.lines(variable.name):
                if line.options.if_empty == "leave_out":
                    yield Problem(
                        f"{spec.name}.{variable.name}: {variable.core} in SDTMIG and may not be left out",
                        line.place,
                        do="take out  if_empty",
                    )
        if variable.core == "Req" and variable.name in spec.names:
            for _, line in spec.lines(variable.name):
                if line.verb.name == "not_collected":
                    yield Problem(f"{spec.name}.{variable.name}: a required variable cannot be null", line.place)
    for part, line in spec.all_lines():
        if _is_supplemental(spec, part, line) or standard is None or is_working(line.name):
            continue
        if catalogue.sdtm.variable(spec.name, line.name) is None:
            yield Problem(
                f"{spec.name}.{line.name}: not a variable of SDTMIG or the SDTM",
                line.place,
                nearest=nearest(line.name, standard.variables),
                do="move it to supplemental:",
            )


def _is_supplemental(spec: DatasetSpec, part: Part | None, line: VariableLine) -> bool:
    return part is None and spec.supplemental.get(line.name) is line


def _qualifiers(spec: DatasetSpec, catalogue: Catalogue) -> Iterable[Problem]:
    for name, line in spec.supplemental.items():
        lead = f"SUPP{spec.name}.{name}"
        if catalogue.sdtm.is_model_variable(name, spec.name):
            yield Problem(f"{lead}: the name is a variable of the standard", line.place, do="choose another QNAM")
        label = line.options.label
        if not label or len(label) > 40:
            yield Problem(f"{lead}: a qualifier needs a label of up to 40 characters", line.place, found=label)
    for name in sorted(spec.overflowing):
        parts = [qualifier_name(name, i) for i in range(1, MOST + 1)]
        taken = [p for p in parts if p in spec.supplemental or catalogue.sdtm.is_model_variable(p, spec.name)]
        if taken:
            yield Problem(
                f"{spec.name}.{name}: the qualifier of its further text has a name that is taken",
                spec.line(name).place,
                found=", ".join(taken),
            )
