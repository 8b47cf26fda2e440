"""Values that specs state of a variable: test codes, parameters, terms, and what they decode to.

A value is stated where a line sets it, maps to it, takes it from a table of the study or from the codes of a form.
What only the data know is not guessed.

Sources: Define-XML 2.1 section 5.3.12 (CodeList).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import SpecError
from engine.spec.codelists import StudyCodelist, find_codelist
from engine.spec.dataset import DatasetSpec, Part, VariableLine
from engine.spec.origins import lines_of
from engine.spec.refs import VariableRef
from engine.spec.registry import references
from engine.spec.study import Study
from engine.standards import load_terminology


@dataclass(frozen=True, slots=True)
class Stated:
    """Values that a variable may have, as far as specs state them; `whole` says that there are no others."""

    values: tuple[str, ...] = ()
    whole: bool = False

    def __add__(self, other: Stated) -> Stated:
        """Values of both."""
        return Stated(tuple(dict.fromkeys((*self.values, *other.values))), self.whole and other.whole)


def stated_values(study: Study, spec: DatasetSpec, name: str) -> Stated:
    """The values of a variable over all its lines."""
    found = Stated(whole=True)
    for part, line in lines_of(spec, name):
        found += line_values(study, spec, part, line)
    return found


def line_values(
    study: Study, spec: DatasetSpec, part: Part | None, line: VariableLine, seen: tuple[str, ...] = ()
) -> Stated:
    """The values that one line may give."""
    given, kind = Stated(line.params.values_given(), True), line.params.value_is
    if line.verb.name == "part":
        return Stated(tuple(p.name for p in ([part] if part is not None else spec.parts)), True)
    if kind == "looked_up":
        table, columns = next(iter(line.params.columns_read().items()))
        return _column(study, table, columns[-1])
    if kind == "absent" or (kind == "stated" and given.values):
        return given
    if kind not in ("copied", "read") or line.name in seen:
        return Stated(given.values, False)
    codelist = known_codelist(study, line.codelist, spec.package) if line.codelist else None
    mapped: dict[str, str | None] = getattr(line.params, "map", None) or getattr(line.params, "to", None) or {}
    read = Stated(whole=True)
    for ref in references(getattr(line.params, line.verb.reads or "")):
        read += _read(study, spec, part, ref, (*seen, line.name))
    if line.verb.name == "map" and getattr(line.params, "unmapped", "") != "keep":
        return given
    texts = [mapped.get(v, v) for v in read.values]
    terms = [codelist.submission_value(t) if codelist is not None and t is not None else t for t in texts]
    return given + Stated(tuple(t for t in terms if t is not None), read.whole)


def _read(study: Study, spec: DatasetSpec, part: Part | None, ref: VariableRef, seen: tuple[str, ...]) -> Stated:
    """The values of what a line reads: a form's codes, a column of a table, words that a record verb states."""
    source = ref.source or spec.name
    if source == spec.name or source in study.datasets:
        far = study.datasets[source]
        found = Stated(whole=True)
        lines = lines_of(far, ref.name) if f"{source}.{ref.name}" not in seen else []
        own = [(p, line) for p, line in lines if far is spec and p is part] or lines
        for p, line in own:
            found += line_values(study, far, p, line, (*seen, f"{source}.{ref.name}"))
        return found if own else Stated()
    if source in spec.prefixes():
        return _made(spec, part, source, ref.name)
    if study.forms is not None and source in study.forms.forms:
        codes = study.forms.decodes(source, ref.name)
        return Stated(tuple(codes), True) if codes else Stated()
    if source in study.tables and source not in study.raw.vendors:
        return _column(study, source, ref.name)
    return Stated()


def _made(spec: DatasetSpec, part: Part | None, prefix: str, column: str) -> Stated:
    """Words of the spec in a column that a record verb makes."""
    found: tuple[str, ...] = ()
    for each in [part] if part is not None else spec.parts:
        for step in each.steps:
            if step.verb.gives == prefix and column in step.params.stated_columns:
                for field in ("items", "values", "of"):
                    words = getattr(step.params, field, None)
                    if isinstance(words, (dict, list)) and all(isinstance(w, str) for w in words):
                        found += tuple(words)
                        break
    return Stated(tuple(dict.fromkeys(found)), bool(found))


def _column(study: Study, table: str, column: str) -> Stated:
    if table not in study.tables or table in study.raw.vendors:
        return Stated()
    frame = study.lookup(table)
    return Stated(tuple(str(v) for v in frame[column].dropna().unique()), True) if column in frame else Stated()


def known_codelist(study: Study, name: str, package: str) -> StudyCodelist | None:
    """A codelist by name; None where the terminology of the study holds none."""
    try:
        return find_codelist(study, name, package)
    except SpecError:
        return None


def decodes_of(study: Study, codelist: StudyCodelist) -> dict[str, str]:
    """Test names of a list of test codes, from the paired list, and the study's own decodes."""
    if codelist.standard is None:
        return dict(codelist.added)
    names = load_terminology("SDTM", study.file.standards.sdtm_terminology).decode(codelist.name)
    return {**names, **codelist.added}
