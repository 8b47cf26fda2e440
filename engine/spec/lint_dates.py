"""Numeric variables given to verbs that read the ISO 8601 text of a date.

A verb's parameter says that it takes one (`DateRef`); whether a variable is text or a number, the spec and the
standards say.

Sources: SDTMIG 3.4 section 4.4.1 (dates of SDTM are text); ADaMIG 1.3 section 3.1.3 (those of ADaM are numbers).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from engine.errors import Problem
from engine.spec.catalogue import Catalogue
from engine.spec.dataset import DatasetSpec, Step, VariableLine
from engine.spec.refs import ISO_DATE, VariableRef
from engine.spec.registry import references


def date_problems(spec: DatasetSpec, catalogue: Catalogue) -> Iterator[Problem]:
    """Lines and steps of a dataset that take a number for the text of a date."""
    items: list[tuple[str, Step | VariableLine]] = []
    items += [(f"{spec.name}: {step.verb.name}", step) for part in spec.parts for step in part.steps]
    items += [(f"{spec.name}.{line.name}", line) for _, line in spec.all_lines()]
    for lead, item in items:
        for ref in dict.fromkeys(_dates(item.params)):
            if _type(spec, catalogue, ref) == "Num":
                yield Problem(
                    f"{lead}: {item.verb.name} reads a date, and {ref} is numeric",
                    item.place,
                    found=str(ref),
                    expected=ISO_DATE.what,
                    do="name the variable with the text of the date, --DTC in SDTM",
                )


def _dates(model: BaseModel) -> Iterator[VariableRef]:
    """The references that must hold dates, those of models within the model included."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if ISO_DATE in field.metadata or _marked(field.annotation):
            yield from references(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]:
            if isinstance(inner, BaseModel):
                yield from _dates(inner)


def _marked(annotation: Any) -> bool:
    """Whether the mark stands anywhere in a type, as in  list[DateRef]."""
    return any(part == ISO_DATE or _marked(part) for part in get_args(annotation))


def _type(spec: DatasetSpec, catalogue: Catalogue, ref: VariableRef) -> str:
    """Char or Num; empty for what is no variable of a dataset, such as a field of a form."""
    owner = ref.source or spec.name
    given = catalogue.study.delivered.get(owner)
    if given is not None:
        return given.variables[ref.name].type if ref.name in given.variables else ""
    if owner not in catalogue.study.datasets:
        return ""
    try:
        return catalogue.type_of(owner, ref.name)
    except KeyError:  # no such variable, which is told elsewhere
        return ""
