"""What a study knows of the findings of CDISC CORE: explained.yaml, entries with a reason each.

An entry explains what agrees with all that it gives: the rule, a dataset, a variable, a subject. It is about reports on
tabulations, or on analysis datasets when it says `standard: adamig`. An entry speaks of findings, or with
`not_run: true` of datasets for which CORE could not carry the rule out: a rule that did not run is never explained by
an entry about what it would find. Findings of the rules of this room are explained in checks.yaml.

Sources: architecture, "validators".
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import field_validator

from engine.errors import Place, Problem, SpecError, nearest
from engine.spec.binding import Model, bind_data
from engine.spec.catalogue import Catalogue
from engine.spec.document import Document, load_document

EXPLAINED_FILE = "explained.yaml"
_RULE = re.compile(r"[A-Za-z][A-Za-z.-]*[0-9]+")  # published rules, and draft ones such as CDISC.ADaMIG.AD0885
_NAME = re.compile(r"[A-Z][A-Z0-9]*")


class ExplainedFinding(Model):
    """Findings of one rule of CORE that are known, and why they are no defect; all that is given must agree."""

    rule: str
    reason: str
    standard: Literal["sdtmig", "adamig"] = "sdtmig"
    dataset: str = ""
    variable: str = ""
    subject: str = ""
    not_run: Literal["true", "false"] = "false"

    @field_validator("rule")
    @classmethod
    def _id(cls, value: str) -> str:
        if not _RULE.fullmatch(value):
            raise ValueError("an id such as CORE-000191 is needed")
        return value

    @field_validator("reason")
    @classmethod
    def _said(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("say why it is no defect")
        return value

    @property
    def about(self) -> tuple[str, ...]:
        """What the entry gives besides its reason."""
        return (self.standard, self.rule, self.dataset, self.variable, self.subject, self.not_run)


class ExplainedFile(Model):
    """The file: a list of entries, each read for itself so that every mistake is told."""

    explained: list[Any]


Entries = list[tuple[ExplainedFinding, Place]]


def load_explained(catalogue: Catalogue) -> Entries:
    """The entries of the study in the order of the file, each with its place; none when there is no file.

    Raises:
        SpecError: everything in the file that is no entry, and every name that the study does not have.
    """
    study = catalogue.study
    path = study.folder / EXPLAINED_FILE
    if not path.is_file():
        return []
    return read_explained(load_document(path, f"{study.shown}/{EXPLAINED_FILE}"), catalogue)


def read_explained(document: Document, catalogue: Catalogue) -> Entries:
    """As load_explained, of a file that was read."""
    file = bind_data(ExplainedFile, document.data, document, ())
    entries: Entries = []
    problems: list[Problem] = []
    first: dict[tuple[str, ...], Place] = {}
    for index, data in enumerate(file.explained):
        path = ("explained", index)
        place = document.place(*path)
        try:
            entry = bind_data(ExplainedFinding, data, document, path)
        except SpecError as error:
            problems += error.problems
            continue
        entries.append((entry, place))
        problems += _unknown(entry, index, document, catalogue)
        if entry.about in first:
            problems.append(Problem(f"{entry.rule}: explained twice", place, found=f"first at {first[entry.about]}"))
        first.setdefault(entry.about, place)
        if entry.not_run == "true" and (entry.variable or entry.subject):
            problems.append(
                Problem(
                    f"{entry.rule}: a rule that did not run names no variable and no subject",
                    place,
                    do="give the rule and at most the dataset",
                )
            )
    if problems:
        raise SpecError(problems)
    return entries


def _unknown(entry: ExplainedFinding, index: int, document: Document, catalogue: Catalogue) -> list[Problem]:
    """Datasets and variables that the study does not have; names of CORE's own, such as $max_dsstdtc, are let pass."""
    found = []
    known = [*catalogue.datasets, *(f"SUPP{n}" for n, s in catalogue.study.datasets.items() if s.supplemental)]
    if entry.dataset and entry.dataset not in known:
        found.append(
            Problem(
                f'{entry.rule}: no dataset "{entry.dataset}"',
                document.place("explained", index, "dataset"),
                nearest=nearest(entry.dataset, known),
            )
        )
    elif entry.dataset in catalogue.datasets:
        package = catalogue.datasets[entry.dataset].package
        follows = catalogue.study.file.packages[package].standard
        if follows != entry.standard:
            found.append(
                Problem(
                    f"{entry.rule}: {entry.dataset} is no dataset of {entry.standard}",
                    document.place("explained", index),
                    do=f"write standard: {follows}",
                )
            )
    variables = {v.name for info in catalogue.datasets.values() for v in info.variables}
    if _NAME.fullmatch(entry.variable) and entry.variable not in variables:
        found.append(
            Problem(
                f'{entry.rule}: no dataset has a variable "{entry.variable}"',
                document.place("explained", index, "variable"),
                nearest=nearest(entry.variable, variables),
            )
        )
    return found
