"""Tables, figures and listings of a study as `displays.yaml` describes them, for the results metadata of define.xml.

A display has results; each says which analysis datasets it reads, which of their records (`where`) and which variables
it analyses, why (`reason`) and to what end (`purpose`). A `where` here is a list of comparisons of the dataset's own
variables with constants, joined by `and`, since define.xml knows no more.

    displays:
      T-14.3.8:
        title: Exposure and dose intensity
        results:
          - says: Duration, dose and relative dose intensity by dose level
            reason: SPECIFIED IN SAP
            purpose: SECONDARY OUTCOME MEASURE
            datasets: {ADEX: {where: "PARAMCD in ['TRTDUR', 'RDI']", variables: AVAL}}

Sources: Analysis Results Metadata 1.0 for Define-XML 2; Define-XML terminology ANLREAS (C117744), ANLPURP (C117745).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from engine.errors import Place, Problem, SpecError, nearest
from engine.spec.binding import LISTED, Model, bind
from engine.spec.catalogue import Catalogue
from engine.spec.document import Document, load_document
from engine.spec.expressions import Expression
from engine.spec.origin_terms import VERSION
from engine.spec.study import Study
from engine.standards import load_terminology

FILE = "displays.yaml"
Check = tuple[str, str, tuple[str, ...]]  # variable, comparator of Define-XML, values
_COMPARATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "EQ",
    ast.NotEq: "NE",
    ast.Lt: "LT",
    ast.LtE: "LE",
    ast.Gt: "GT",
    ast.GtE: "GE",
    ast.In: "IN",
    ast.NotIn: "NOTIN",
    ast.Is: "EQ",  # is missing: equal to nothing
    ast.IsNot: "NE",
}


class AnalysedSpec(Model):
    """What a result takes from one dataset."""

    where: Expression | None = Field(None, description="Its records: comparisons with constants, joined by and")
    variables: Annotated[list[str], LISTED] = Field(description="Variables that are analysed")


class ResultSpec(Model):
    """One result of a display."""

    says: str = Field(min_length=10, description="What the result shows")
    reason: str = Field(description="Why it is made: a term of ANLREAS, or one that `reasons` adds")
    purpose: str = Field(description="To what end: a term of ANLPURP, or one that `purposes` adds")
    datasets: dict[str, AnalysedSpec] = Field(description="Analysis datasets that it reads, by name")
    joined: str = Field("", description="How records of several datasets are brought together")
    documentation: str = Field("", description="How it is worked out, and choices that a reviewer may question")
    program: str = Field("", description="File of the package that makes it")


class DisplaySpec(Model):
    """A table, figure or listing."""

    title: str = Field(description="Title of the display")
    results: list[ResultSpec] = Field(min_length=1, description="What it shows")


class DisplaysSpec(Model):
    """All displays of a study, by their numbers in the order of the report."""

    reasons: dict[str, str] = Field({}, description="Terms of the sponsor's own for reasons, with what they mean")
    purposes: dict[str, str] = Field({}, description="Terms of the sponsor's own for purposes, with what they mean")
    displays: dict[str, DisplaySpec] = Field(description="Displays by number, such as T-14.1.1")


def load_displays(study: Study) -> DisplaysSpec | None:
    """The displays of a study; None where it has no displays.yaml.

    Raises:
        SpecError: unknown or missing keys, conditions that cannot be read; with places.
    """
    document = _document(study)
    return bind(DisplaysSpec, document) if document is not None else None


def comparisons_of(where: Expression) -> list[Check]:
    """The comparisons of a condition, all of which must hold.

    Raises:
        ValueError: it is more than comparisons of own variables with constants, joined by `and`.
    """
    tree = where.tree
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    found: list[Check] = []
    for part in parts:
        if not isinstance(part, ast.Compare) or len(part.ops) != 1 or not isinstance(part.left, ast.Name):
            raise ValueError("write comparisons of variables with constants, joined by and")
        found.append((part.left.id, _COMPARATORS[type(part.ops[0])], _constants(part.comparators[0])))
    return found


def display_problems(study: Study, catalogue: Catalogue) -> Iterator[Problem]:
    """Everything in displays.yaml that the study does not have, with its place."""
    try:
        document = _document(study)
        spec = bind(DisplaysSpec, document) if document is not None else None
    except SpecError as error:
        yield from error.problems
        return
    if spec is None or document is None:
        return
    allowed = {"reason": _terms("C117744") | set(spec.reasons), "purpose": _terms("C117745") | set(spec.purposes)}
    for name, display in spec.displays.items():
        for number, result in enumerate(display.results):
            path = ("displays", name, "results", number)
            for key, terms in allowed.items():
                value = getattr(result, key)
                if value not in terms:
                    yield Problem(
                        f'{name}: no {key} "{value}"',
                        document.place(*path, key),
                        expected=f"one of {', '.join(sorted(terms))}",
                        nearest=nearest(value, terms),
                        do=f"choose one, or add it under  {key}s:",
                    )
            for dataset, analysed in result.datasets.items():
                place = document.key_place(*path, "datasets", dataset)
                yield from _of_dataset(study, catalogue, name, dataset, analysed, place)


def _of_dataset(
    study: Study, catalogue: Catalogue, display: str, dataset: str, analysed: AnalysedSpec, place: Place
) -> Iterator[Problem]:
    analysis = [
        d.name for d in study.datasets.values() if not d.working and study.file.packages[d.package].standard == "adamig"
    ]
    if dataset not in analysis:
        near = nearest(dataset, analysis)
        yield Problem(f"{display}: no analysis dataset {dataset}", place, expected=", ".join(analysis), nearest=near)
        return
    known = [v.name for v in catalogue.datasets[dataset].variables]
    named = list(analysed.variables)
    if analysed.where is not None:
        try:
            named += [variable for variable, _, _ in comparisons_of(analysed.where)]
        except ValueError as error:
            yield Problem(f"{display}: {dataset}: {error}", place, found=str(analysed.where))
    for variable in dict.fromkeys(named):
        if variable not in known:
            near = nearest(variable, known)
            yield Problem(f"{display}: {dataset} has no variable {variable}", place, nearest=near)


def _document(study: Study) -> Document | None:
    path = study.folder / FILE
    return load_document(path, f"{study.shown}/{FILE}") if path.is_file() else None


def _terms(code: str) -> set[str]:
    codelist = load_terminology("Define", VERSION).codelist(code)
    assert codelist is not None
    return set(codelist.terms)


def _constants(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, (ast.List, ast.Tuple)):
        return tuple(v for each in node.elts for v in _constants(each))
    if isinstance(node, ast.Constant):
        return ("",) if node.value is None else (str(node.value),)
    raise ValueError("compare variables with constants only")
