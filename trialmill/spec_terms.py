"""Values that specs state of a variable: test codes, parameters, terms; and the sheet Codelists of the spec workbook.

A value is stated where a line sets it, maps to it, takes it from a table of the study or from the codes of a form.
What only the data know is not guessed: the sheet then says so.

Sources: Define-XML 2.1 section 5.3.12 (CodeList).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import SpecError
from engine.spec.catalogue import Catalogue
from engine.spec.codelists import StudyCodelist, find_codelist
from engine.spec.dataset import DatasetSpec, Part, VariableLine
from engine.spec.origins import lines_of
from engine.spec.refs import VariableRef
from engine.spec.registry import references
from engine.spec.study import Study
from engine.standards import load_terminology
from trialmill.spec_book import Row, SpecSheet, Spot
from trialmill.spec_variables import ordered

CODELISTS = {"Codelist": 14, "C-code": 10, "Name": 34, "Extensible": 11, "Term": 34, "Decode": 40, "Term C-code": 12,
             "Extended": 10, "Listed": 30, "Used by": 50}  # fmt: skip
SHORT = 25  # terms of a list that is listed whole where the data decide which of them occur
USED, MAY, OWN, MORE = "stated in the specs", "may occur: the data decide", "the study's own", "the data decide"


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
    codelist = _codelist(study, line.codelist, spec.package) if line.codelist else None
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


def _codelist(study: Study, name: str, package: str) -> StudyCodelist | None:
    try:
        return find_codelist(study, name, package)
    except SpecError:
        return None


@dataclass(slots=True)
class _Use:
    codelist: StudyCodelist
    stated: Stated
    by: list[str]


def codelists_sheet(catalogue: Catalogue) -> SpecSheet:
    """Every codelist that a written variable has: terms that specs state, those of the study, and what is left open."""
    study = catalogue.study
    uses: dict[str, _Use] = {}
    for dataset, name, codelist, stated in _uses(catalogue):
        key = codelist.standard.code if codelist.standard is not None else codelist.name
        use = uses.setdefault(key, _Use(codelist, Stated(whole=True), []))
        use.stated += stated
        use.by.append(f"{dataset}.{name}")
    for name in study.file.codelists:
        own = _codelist(study, name, "")
        if own is not None:
            key = own.standard.code if own.standard is not None else own.name
            uses.setdefault(key, _Use(own, Stated(whole=True), []))
    listed = sorted(uses.items(), key=lambda u: (u[1].codelist.name, u[0]))
    rows = [row for _, use in listed for row in _rows(study, use)]
    return SpecSheet("Codelists", CODELISTS, rows, adds=True)


def _uses(catalogue: Catalogue) -> Iterator[tuple[str, str, StudyCodelist, Stated]]:
    study = catalogue.study
    for spec in ordered(study):
        if spec.working:
            continue
        named = [(v.name, v.codelist) for v in catalogue.datasets[spec.name].variables]
        named += [(n, line.codelist) for n, line in spec.supplemental.items()]
        for name, wanted in named:
            codelist = _codelist(study, wanted, spec.package) if wanted else None
            if codelist is not None:
                dataset = f"SUPP{spec.name}" if name in spec.supplemental else spec.name
                implied = Stated((spec.name,), True) if name == "DOMAIN" else stated_values(study, spec, name)
                yield dataset, name, codelist, implied


def _rows(study: Study, use: _Use) -> Iterator[Row]:
    codelist, standard = use.codelist, use.codelist.standard
    head: dict[str, str | int] = {
        "Codelist": codelist.name,
        "C-code": standard.code if standard else "",
        "Name": standard.label if standard else "Codelist of the study",
        "Extensible": ("Yes" if standard.extensible else "No") if standard else "Study's own",
    }
    why = "terms of a CDISC codelist are CDISC's"
    used_by = ", ".join(dict.fromkeys(use.by))
    terms = dict.fromkeys(v for v in use.stated.values if standard and v in standard and v not in codelist.added)
    listed = dict.fromkeys(terms, USED)
    open_ = standard is not None and not use.stated.whole
    if standard is not None and open_ and len(standard.terms) <= SHORT:
        listed = {t: listed.get(t, MAY) for t in standard.terms if t not in codelist.added}
        open_ = False
    decodes = decodes_of(study, codelist)
    named = f"{codelist.name} {standard.code}" if standard else codelist.name
    for term in sorted(listed):
        assert standard is not None
        cells = head | {"Term": term, "Decode": decodes.get(term, standard.terms[term].preferred),
                        "Term C-code": standard.terms[term].code, "Extended": "No", "Listed": listed[term],
                        "Used by": used_by}  # fmt: skip
        yield Row(f"{named}: {term}", cells, fixed={"Term": why, "Decode": why})
        used_by = ""
    for term, decode in codelist.added.items():
        cells = head | {"Term": term, "Decode": decode, "Extended": "Yes" if standard else "No",
                        "Listed": OWN if not standard else f"{OWN}, added to the list", "Used by": used_by}  # fmt: skip
        path = ("codelists", _stated_name(study, codelist, term))
        called = f"codelist {codelist.name}"
        spots = {
            "Term": Spot("study.yaml", (path,), term, f"{called} term", kind="name", check="term"),
            "Decode": Spot("study.yaml", (path,), term, f"{called} {term}", check="decode"),
        }
        yield Row(f"{named}: {term}", cells, spots)
        used_by = ""
    if open_ and standard is not None:
        cells = head | {"Listed": f"{MORE} which {'further ' if listed else ''}terms occur", "Used by": used_by}
        yield Row(f"{named}: *", cells, fixed={"Term": "add a row for a further term", "Decode": "add a row"})


def _stated_name(study: Study, codelist: StudyCodelist, term: str) -> str:
    """The name under which study.yaml holds the term: the list's, or its C-code."""
    names = [codelist.name, *([codelist.standard.code] if codelist.standard else [])]
    return next(n for n in names if term in study.file.codelists.get(n, {}))


def decodes_of(study: Study, codelist: StudyCodelist) -> dict[str, str]:
    """Test names of a list of test codes, from the paired list, and the study's own decodes."""
    if codelist.standard is None:
        return dict(codelist.added)
    names = load_terminology("SDTM", study.file.standards.sdtm_terminology).decode(codelist.name)
    return {**names, **codelist.added}
