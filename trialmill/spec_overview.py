"""The sheets Study, Methods and Sources of the spec workbook, and the workbook as a whole.

Sources: Define-XML 2.1 section 5.3.13 (MethodDef); SDTMIG 3.4 section 4.1.8 (origin metadata of the annotated CRF).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.spec.catalogue import Catalogue
from engine.spec.dataset import DatasetSpec, Step, VariableLine
from engine.spec.methods import line_sentence
from engine.spec.refs import VariableRef
from engine.spec.registry import references
from engine.spec.study import Standards, Study
from trialmill.spec_book import CONTENT, FORM, SPECS, Book, Row, SpecSheet, content_digest
from trialmill.spec_terms import codelists_sheet
from trialmill.spec_values import values_sheet
from trialmill.spec_variables import datasets_sheet, ordered, variables_sheet

STUDY = {"Property": 26, "Value": 70, "Note": 70}
METHODS = {"Method": 24, "Sentence": 90, "Source": 36, "Used by": 60}
SOURCES = {"Source": 16, "Field": 24, "Prompt": 44, "Dataset": 10, "Variable": 14, "Verb": 16, "Spec": 22}
EDITING = (
    ("Tinted cells", "may be edited and read back: trialmill spec import STUDY WORKBOOK",
     "Labels of variables that are not the standard's, qualifiers and analysis datasets; origins; comments; the "
     "study's own terms and decodes"),
    ("Further terms", "add a row on the sheet Codelists: Codelist, Term and Decode, the cell Row left empty",
     "For codelists of the study and CDISC lists that are extensible"),
    ("All other cells", "are written from the specs and cannot be carried back",
     "An edit of one refuses the whole workbook; rows may be sorted and filtered"),
    ("Length", "empty: as long as the longest value of the package", ""),
    ("Names with _", "are working variables: derived for others to read, in no file", ""),
)  # fmt: skip


def spec_book(study: Study) -> Book:
    """The workbook of a study that lints."""
    catalogue = Catalogue(study)
    sheets = [datasets_sheet(catalogue), variables_sheet(catalogue), values_sheet(catalogue),
              codelists_sheet(catalogue), methods_sheet(study), sources_sheet(study)]  # fmt: skip
    return Book(study, [study_sheet(study, content_digest(sheets)), *sheets])


def study_sheet(study: Study, content: str) -> SpecSheet:
    """Identity, standards, settings, and what the workbook was made from."""
    file = study.file
    rows: list[tuple[str, str, str]] = [
        ("STUDYID", study.name, ""),
        ("Title", file.title, ""),
        *EDITING,
        ("Created", file.created.isoformat(), "stands in the headers of every file"),
        *((name, str(getattr(file.standards, name)), "version of the standard") for name in Standards.model_fields),
        *((f"Package {name}", p.label, f"follows {p.standard}") for name, p in file.packages.items()),
        *((f"study.{name}", _said(study.document.data["settings"][name]), "setting") for name in file.settings),
        *((f"Hook {n}", hook.says, f"hooks.py: writes {', '.join(hook.writes)}") for n, hook in file.hooks.items()),
        (SPECS, study.fingerprint, "of every spec file: an import refuses a workbook of other specs"),
        (CONTENT, content, f"form {FORM} of the workbook"),
    ]
    made = [Row(name, {"Property": name, "Value": value, "Note": note}) for name, value, note in rows]
    return SpecSheet("Study", STUDY, made)


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_said(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_said(v)}" for k, v in value.items())
    return "" if value is None else str(value)


def methods_sheet(study: Study) -> SpecSheet:
    """Every sentence once, called by the first line that says it."""
    found: dict[tuple[str, str], list[str]] = {}
    for spec in ordered(study):
        for called, line in _called(spec):
            found.setdefault((line_sentence(line), line.verb.source), []).append(called)
    rows = [
        Row(f"MT.{by[0]}", {"Method": f"MT.{by[0]}", "Sentence": said, "Source": source, "Used by": ", ".join(by)})
        for (said, source), by in found.items()
    ]
    return SpecSheet("Methods", METHODS, rows)


def _called(spec: DatasetSpec) -> Iterator[tuple[str, VariableLine]]:
    for part, line in spec.all_lines():
        supplemental = part is None and spec.supplemental.get(line.name) is line
        name = f"{'SUPP' if supplemental else ''}{spec.name}.{line.name}"
        yield f"{name}.{part.name}" if part is not None else name, line


def sources_sheet(study: Study) -> SpecSheet:
    """Which field of the export goes where; fields of forms that no spec reads stand last in their form."""
    rows: list[Row] = []
    read = list(_reads(study))
    seen = {(source, field) for source, field, *_ in read}
    for form in study.forms.forms if study.forms is not None else ():
        columns = study.forms.columns(form) if study.forms is not None else ()
        read += [(form, c, "", "", "not read by any spec", "") for c in columns if (form, c) not in seen]
    order = {name: i for i, name in enumerate([*(study.forms.forms if study.forms else ()), *study.raw.vendors])}
    for source, field, dataset, variable, verb, spec in sorted(dict.fromkeys(read), key=lambda r: (
        order.get(r[0], len(order)), r[0], *r[1:5])):  # fmt: skip
        cells = {"Source": source, "Field": field, "Prompt": _prompt(study, source, field), "Dataset": dataset,
                 "Variable": variable, "Verb": verb, "Spec": spec}  # fmt: skip
        rows.append(Row(f"{source}.{field}>{dataset}.{variable}.{verb}.{spec}", cells))
    return SpecSheet("Sources", SOURCES, rows, "C2")


def _reads(study: Study) -> Iterator[tuple[str, str, str, str, str, str]]:
    raw = set(study.raw.vendors) | set(study.forms.forms if study.forms is not None else ())

    def told(refs: Iterator[VariableRef] | list[VariableRef], spec: DatasetSpec, name: str, verb: str, place: str
             ) -> Iterator[tuple[str, str, str, str, str, str]]:  # fmt: skip
        for ref in refs:
            source = ref.source or ""
            is_raw = source in raw or (
                study.forms is None and source.islower() and source not in spec.prefixes()
                and source not in ("study", "person", "participation") and source not in study.tables
            )  # fmt: skip
            if is_raw:
                yield source, ref.name, spec.name, name, verb, place

    place = _place(study, study.document.file, study.document.key_place("identity").line)
    for ref in references(study.file.identity):
        if ref.source in raw:
            yield ref.source or "", ref.name, "(identity)", "", "", place
    for spec in ordered(study):
        file = spec.document.file
        for index, check in enumerate(spec.header.checks):
            place = _place(study, file, spec.document.place("checks", index).line)
            yield from told(check.refs(), spec, "(checks)", "", place)
        place = _place(study, file, spec.document.key_place("ties").line)
        yield from told(spec.header.ties, spec, "(order)", "", place)
        steps: dict[int, Step] = {id(s): s for part in spec.parts for s in part.steps}
        for step in steps.values():
            place = _place(study, step.place.file, step.place.line)
            yield from told(step.refs(), spec, "(records)", step.verb.name, place)
        for called, line in _called(spec):
            name = called.partition(".")[2].split(".")[0]
            place = _place(study, line.place.file, line.place.line)
            yield from told(_of_line(spec, line), spec, name, line.verb.name, place)


def _of_line(spec: DatasetSpec, line: VariableLine) -> Iterator[VariableRef]:
    """What a line reads, of tables by column and of transposed records by item."""
    for ref in line.refs():
        if ref.source in spec.prefixes():
            for part in spec.parts:
                for step in part.steps:
                    if step.verb.gives == ref.source and ref.name in step.params.passed_columns:
                        yield from step.refs()
        else:
            yield ref
    for table, columns in line.params.columns_read().items():
        yield from (VariableRef(table, column) for column in columns)


def _prompt(study: Study, source: str, field: str) -> str:
    form = study.forms.forms.get(source) if study.forms is not None else None
    item = form.items.get(field) if form is not None else None
    return item.prompt if item is not None else ""


def _place(study: Study, file: str, line: int) -> str:
    return f"{file.removeprefix(f'{study.shown}/')}:{line}"
