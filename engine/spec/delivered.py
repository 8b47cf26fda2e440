"""Datasets that come finished: tabulations that a study takes as its input instead of deriving them.

`study.yaml` says under `delivered:` which files of the input folder hold them. `delivered.csv` of the study lists their
variables with labels and types, as  trialmill delivered  wrote it, so that lint knows them without the data and a build
refuses a delivery that is not the one described. Specs refer to them as to built datasets: DM.AGE. Supplemental
qualifiers are variables of the records that they qualify, AE.AETRTEM, and SUPPAE is a dataset besides.

Sources: architecture, "The contract"; SDTMIG 3.4 section 8.4 (supplemental qualifiers).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from engine.errors import Place, Problem, SpecError
from engine.spec.binding import LISTED, Model
from engine.spec.sources import RawPath

LISTING = "delivered.csv"
COLUMNS = ("dataset", "variable", "label", "type", "format", "qualifier")
SUPP = "SUPP"


class DeliveredSpec(Model):
    """Datasets that come finished, in files of the input folder.

    A dataset is called by its file's name in capitals, unless `datasets` names the files that it is made of.
    """

    standard: Literal["sdtmig"] = Field(description="Standard that the datasets follow")
    files: Annotated[list[RawPath], LISTED] = Field(description="Their files: paths in the input, * for any letters")
    datasets: dict[str, Annotated[list[str], LISTED]] = Field(
        {}, description="Files of a dataset, without ending, where they are several or not called as it is"
    )


@dataclass(frozen=True, slots=True)
class DeliveredVariable:
    """A variable of a delivered dataset; `qualifier`: it comes from supplemental qualifiers."""

    name: str
    label: str
    type: str
    format: str = ""
    qualifier: bool = False


@dataclass(slots=True)
class DeliveredDataset:
    """A delivered dataset as delivered.csv describes it."""

    name: str
    variables: dict[str, DeliveredVariable] = field(default_factory=dict)


def read_delivered(path: Path, shown: str) -> dict[str, DeliveredDataset]:
    """The datasets that delivered.csv describes, by name; none where there is no such file.

    Raises:
        SpecError: lines that describe no variable, or one twice.
    """
    if not path.is_file():
        return {}
    try:
        rows = list(csv.reader(StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SpecError(Problem(f"the file cannot be read: {error}", Place(shown), do="save it as UTF-8 CSV")) from None
    if not rows or tuple(rows[0]) != COLUMNS:
        raise SpecError(Problem("not a list of delivered variables", Place(shown, 1), expected=",".join(COLUMNS),
                                do="write it with  trialmill delivered"))
    problems = []
    found: dict[str, DeliveredDataset] = {}
    for line, row in enumerate(rows[1:], 2):
        place = Place(shown, line)
        if len(row) != len(COLUMNS) or not row[0] or not row[1] or row[3] not in ("Char", "Num"):
            problems.append(Problem("the line describes no variable", place, found=",".join(row)[:80],
                                    expected="a dataset, a variable, its label, Char or Num, a format, Y or nothing"))
            continue
        dataset, name, label, kind, form, qualifier = row
        known = found.setdefault(dataset, DeliveredDataset(dataset)).variables
        if name in known:
            problems.append(Problem(f"{dataset}.{name} is described twice", place))
        known[name] = DeliveredVariable(name, label, kind, form, qualifier == "Y")
    if problems:
        raise SpecError(problems)
    return found


def delivered_problems(
    declared: Mapping[str, DeliveredSpec], described: Mapping[str, DeliveredDataset], built: Mapping[str, object],
    study_yaml: Place, listing: Place,
) -> list[Problem]:
    """What study.yaml and delivered.csv say that does not fit: no description, a dataset both delivered and built."""
    problems = []
    if declared and not described:
        problems.append(Problem("nothing describes the delivered datasets", study_yaml,
                                expected=f"{LISTING} with their variables, beside study.yaml",
                                do="write it from the files:  trialmill delivered --study STUDY --raw FOLDER"))
    if described and not declared:
        problems.append(Problem(f"{LISTING} describes datasets, and study.yaml declares none as delivered", listing,
                                do="say under  delivered:  which files hold them"))
    named = {name for each in declared.values() for name in each.datasets}
    problems += [Problem(f"no variable of the delivered dataset {name} is described", study_yaml,
                         do=f"write {LISTING} anew:  trialmill delivered --study STUDY --raw FOLDER")
                 for name in sorted(named - set(described)) if described]
    problems += [Problem(f"{name} is delivered and built", listing, do="take one of them out")
                 for name in described if name in built]
    return problems
