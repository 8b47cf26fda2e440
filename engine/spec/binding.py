"""Binds a part of a YAML document to a pydantic model, with every mistake at its line and column.

Sources: architecture, "Models".
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError

from engine.errors import Place, Problem, SpecError, nearest
from engine.spec.document import Document

M = TypeVar("M", bound=BaseModel)


class Model(BaseModel):
    """A piece of a spec: unknown keys are forbidden, values never change once read."""

    model_config = {
        "extra": "forbid",
        "frozen": True,
        "arbitrary_types_allowed": True,
        "populate_by_name": True,
    }


def listed(value: Any) -> Any:
    """One thing as a list of one; a list as it is."""
    return value if isinstance(value, list) else [value]


LISTED = BeforeValidator(listed)  # a parameter that takes one or several


def bind(model: type[M], document: Document, path: tuple[str | int, ...] = ()) -> M:
    """The model that stands at `path` of the document.

    Raises:
        SpecError: every unknown key, missing key and value of the wrong kind, each with its place.
    """
    data = document.data
    for step in path:
        data = data[step]
    return bind_data(model, data, document, path)


def bind_data(model: type[M], data: Any, document: Document, path: tuple[str | int, ...], subject: str = "") -> M:
    """As bind, for data that was rearranged from what stands at `path`; `subject` opens each message."""
    lead = f"{subject}: " if subject else ""
    if not isinstance(data, dict):
        kind = "nothing" if data is None else "a list" if isinstance(data, list) else f'"{data}"'
        keys = ", ".join(_keys(model))
        raise SpecError(
            Problem(f"{lead}keys and values are needed here", document.place(*path), kind, f"the keys {keys}")
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise SpecError([_problem(e, model, document, path, lead) for e in error.errors()]) from error


def _keys(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _problem(error: Any, model: type[BaseModel], document: Document, path: tuple[str | int, ...], lead: str) -> Problem:
    kind = error["type"]
    loc = tuple(part for part in error["loc"])
    trail = ".".join(str(p) for p in loc)
    if kind == "extra_forbidden":
        where: Place = document.key_place(*path, *loc)
        known = _known_keys(model, loc[:-1])
        return Problem(
            f'{lead}unknown key "{loc[-1]}"',
            where,
            expected=f"one of {', '.join(known)}" if known else "",
            nearest=nearest(str(loc[-1]), known),
            do="correct the key or take it out",
        )
    if kind == "missing":
        return Problem(f'{lead}the key "{loc[-1]}" is missing', document.place(*path, *loc[:-1]), do="add it")
    found = error.get("input")
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind in _WORDS:
        message = _WORDS[kind].format_map(error.get("ctx", {}))
    return Problem(
        f"{lead}{trail}: {message}" if trail else f"{lead}{message}",
        document.place(*path, *loc),
        found=f'"{found}"' if isinstance(found, str) else "",
        expected=str(error["ctx"]["expected"]).replace("'", "") if kind == "literal_error" else "",
    )


_WORDS = {  # what pydantic finds, in our words
    "literal_error": "not one of the words that may stand here",
    "string_type": "a text is needed here",
    "int_type": "a whole number is needed here",
    "int_parsing": "a whole number is needed here",
    "int_from_float": "a whole number is needed here",
    "float_type": "a number is needed here",
    "float_parsing": "a number is needed here",
    "bool_type": "true or false is needed here",
    "bool_parsing": "true or false is needed here",
    "list_type": "a list is needed here",
    "tuple_type": "a list is needed here",
    "dict_type": "keys with values are needed here",
    "model_type": "keys with values are needed here",
    "model_attributes_type": "keys with values are needed here",
    "string_too_short": "at least {min_length} characters are needed here",
    "string_too_long": "at most {max_length} characters may stand here",
    "too_short": "at least {min_length} are needed, not {actual_length}",
    "too_long": "at most {max_length} may stand here, not {actual_length}",
    "greater_than": "more than {gt} is needed",
    "greater_than_equal": "{ge} or more is needed",
    "less_than": "less than {lt} is needed",
    "less_than_equal": "{le} or less is needed",
}


def _known_keys(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """Keys of the model reached by walking `loc`, as far as that can be told."""
    current: Any = model
    for part in loc:
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            return []
        info = current.model_fields.get(str(part))
        if info is None:
            return []
        current = _model_in(info.annotation)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return _keys(current)
    return []


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type):
        return annotation
    for arg in getattr(annotation, "__args__", ()):
        found = _model_in(arg)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return None
