"""The reference of the keys of a study's files, from the models that read them.

What a key may hold, its default and its sentence stand in one place only, the model; verbs and their parameters are
the verb reference's matter (reference.py), the rules of checks.yaml that of the validators.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from engine.spec.binding import Model
from engine.spec.dataset import Header, Options
from engine.spec.displays import DisplaysSpec
from engine.spec.expressions import Expression
from engine.spec.forms import FormsSpec
from engine.spec.refs import VariableRef
from engine.spec.sources import RawSpec
from engine.spec.study import StudyFile

FILES: dict[str, type[Model]] = {
    "study.yaml": StudyFile,
    "raw.yaml": RawSpec,
    "forms.yaml": FormsSpec,
    "displays.yaml": DisplaysSpec,
    "A dataset file": Header,
}
_WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    datetime: "date and time",
    VariableRef: "variable",
    Expression: "condition",
    Any: "anything",
}


def key_reference(more: Mapping[str, type[Model]] | None = None) -> str:
    """docs/keys.md: every key of the files of a study; `more` are files of other rooms, by name."""
    lines = [
        "# Keys",
        "",
        "Made from the models that read the files; do not edit by hand (`trialmill reference` writes it). Verbs and",
        "their parameters stand in verbs.md, the keys of checks.yaml in rules.md. NAME: a name of the study.",
        "",
    ]
    for file, model in FILES.items():
        lines += [f"## {file}", "", *_section(model, "")]
    lines += _section(Options, "variables.NAME, besides the verb and its parameters")
    for file, model in (more or {}).items():
        lines += [f"## {file}", "", *_section(model, "")]
    return "\n".join(lines).rstrip() + "\n"


def _section(model: type[Model], path: str) -> list[str]:
    """The keys of a model, then those of the models in it."""
    lines = [f"### {path}", ""] if path else []
    doc = " ".join((model.__doc__ or "").split())
    lines += [doc, "", "| key | holds | default | |", "| --- | --- | --- | --- |"]
    inner: list[str] = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        kind = info.annotation if not info.metadata else Annotated[info.annotation, *info.metadata]
        sentence = (info.description or "").replace("|", "\\|")
        lines.append(f"| `{key}` | {_holds(kind)} | {_default(info)} | {sentence} |")
        for below, each in _models(kind):
            inner += _section(each, ".".join(p for p in (path, key, below) if p))
    return [*lines, "", *inner]


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "needed"
    if value is None or value in ("", (), [], {}) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple | list):
        return ", ".join(f"`{v}`" for v in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _holds(kind: Any) -> str:
    """What a key holds, in words."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _holds(args[0])
    if origin is Literal:
        return "one of " + ", ".join(f"`{a}`" for a in args if a != "")
    if origin in (Union, UnionType):
        return ", or ".join(dict.fromkeys(_holds(a) for a in args if a is not type(None)))
    if origin in (list, tuple):
        return f"list of {_holds(args[0])}"
    if origin is dict:
        below = _holds(args[1])
        return f"NAME: {{{below}}}" if below.startswith("NAME") else f"NAME: {below}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "keys"
    return _WORDS[kind]


def _models(kind: Any) -> Iterator[tuple[str, type[Model]]]:
    """The models in what a key holds, each with the path to it from the key."""
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Model):
        yield "", kind
    elif origin is dict:
        yield from ((f"NAME.{below}".rstrip("."), model) for below, model in _models(args[1]))
    elif origin is Annotated or origin in (list, tuple):
        yield from _models(args[0])
    elif origin in (Union, UnionType):
        for each in args:
            yield from _models(each)
