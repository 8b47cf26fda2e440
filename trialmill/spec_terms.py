"""The sheet Codelists of the spec workbook: terms that specs state, those of the study, and what the data decide.

What only the data know is not guessed: the sheet then says so (engine.spec.stated).

Sources: Define-XML 2.1 section 5.3.12 (CodeList).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.spec.catalogue import Catalogue
from engine.spec.codelists import StudyCodelist
from engine.spec.stated import Stated, decodes_of, known_codelist, stated_values
from engine.spec.study import Study
from trialmill.spec_book import Row, SpecSheet, Spot
from trialmill.spec_variables import ordered

CODELISTS = {"Codelist": 14, "C-code": 10, "Name": 34, "Extensible": 11, "Term": 34, "Decode": 40, "Term C-code": 12,
             "Extended": 10, "Listed": 30, "Used by": 50}  # fmt: skip
SHORT = 25  # terms of a list that is listed whole where the data decide which of them occur
USED, MAY, OWN, MORE = "stated in the specs", "may occur: the data decide", "the study's own", "the data decide"


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
        own = known_codelist(study, name, "")
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
            codelist = known_codelist(study, wanted, spec.package) if wanted else None
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
