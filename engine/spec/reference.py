"""The verb reference and the editor's JSON Schemas, from registry and models, so that none can disagree with them.

Sources: JSON Schema draft 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.spec.binding import Model
from engine.spec.dataset import Header, Options
from engine.spec.displays import DisplaysSpec
from engine.spec.forms import FormsSpec
from engine.spec.registry import RECORD_VERBS, VERBS, Verb
from engine.spec.sources import RawSpec
from engine.spec.study import StudyFile

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def verb_reference() -> str:
    """docs/verbs.md: every verb with its sentence, parameters, scope, source and an example."""
    lines = [
        "# Verbs",
        "",
        "Made from the registry; do not edit by hand (`trialmill reference` writes it).",
        "",
        "Options of every variable: " + ", ".join(f"`{n}`" for n in Options.model_fields) + ".",
        "",
    ]
    for title, verbs in (("Verbs of variables", VERBS), ("Verbs of records", RECORD_VERBS)):
        lines += [f"## {title}", ""]
        for name in sorted(verbs):
            lines += _entry(verbs[name])
    return "\n".join(lines).rstrip() + "\n"


def _entry(verb: Verb) -> list[str]:
    doc = (verb.model.__doc__ or "").strip().replace("\n    ", "\n")
    lines = [f"### {verb.name}", "", doc, "", f"- sentence: {verb.says}", f"- scope: {verb.scope}"]
    if verb.source:
        lines.append(f"- source: {verb.source}")
    if verb.gives:
        named = ", ".join(f"`{verb.gives}.{c}`" for c in verb.columns)
        lines.append(f"- gives: {named or f'columns that the study names, `{verb.gives}.NAME`'}")
    for key, info in verb.model.model_fields.items():
        said = info.alias or key
        word = (
            "the verb's own value"
            if key == verb.reads
            else "needed"
            if info.is_required()
            else _default(info.default)
        )
        lines.append(f"- `{said}`: {word}")
    if verb.example:
        lines += ["", "```yaml", verb.example, "```"]
    return [*lines, ""]


def _default(value: Any) -> str:
    """What holds where a parameter is not written, as a spec would write it."""
    if value is None or value in ("", [], {}, ()):
        return "optional"
    return f"default `{', '.join(map(str, value)) if isinstance(value, (list, tuple)) else value}`"


def dataset_schema() -> dict[str, Any]:
    """JSON Schema of a dataset file, for editors: completes verbs and their parameters."""
    definitions: dict[str, Any] = {}
    line = {"oneOf": [_line(v, definitions) for _, v in sorted(VERBS.items())]}
    known = {n: _step(v, definitions) for n, v in sorted(RECORD_VERBS.items())}
    steps = {"type": "object", "properties": known, "additionalProperties": False, "minProperties": 1}
    several = {"oneOf": [steps, {"type": "array", "items": {**steps, "maxProperties": 1}}]}
    variables = {"type": "object", "additionalProperties": line}
    part = {
        "type": "object",
        "properties": {**known, "variables": variables, "steps": several},
        "additionalProperties": False,
    }
    header = _schema(Header, definitions)["properties"]
    header |= {
        "records": several,
        "parts": {"type": "object", "additionalProperties": part},
        "variables": variables,
        "supplemental": variables,
    }
    return {
        "$schema": DRAFT,
        "title": "A dataset of a Trialmill study",
        "type": "object",
        "properties": header,
        "required": ["dataset", "keys"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def file_schemas(more: Mapping[str, type[Model]] | None = None) -> dict[str, dict[str, Any]]:
    """JSON Schemas of the other files of a study, by the name of the file without its ending; `more` of other rooms."""
    models: dict[str, type[Model]] = {
        "study": StudyFile,
        "raw": RawSpec,
        "forms": FormsSpec,
        "displays": DisplaysSpec,
        **(more or {}),
    }
    return {
        name: {"$schema": DRAFT, **_as_text(model.model_json_schema(by_alias=True)), "title": f"{name}.yaml of a study"}
        for name, model in models.items()
    }


def _as_text(schema: Any) -> Any:
    """A schema in which text may also be written as a plain number or word, since YAML scalars are text here."""
    if isinstance(schema, list):
        return [_as_text(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _as_text(value) for key, value in schema.items()}
    if made.get("type") == "string" and "enum" not in made and "const" not in made:
        made.pop("format", None)
        made["type"] = ["string", "number", "boolean"]
    return made


def _line(verb: Verb, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _schema(verb.model, definitions)
    own = schema["properties"].pop(_said(verb.model, verb.reads or ""))
    required = [r for r in schema.get("required", []) if r != _said(verb.model, verb.reads or "")]
    return {
        "type": "object",
        "title": verb.name,
        "description": verb.says,
        "properties": {verb.name: own, **_schema(Options, definitions)["properties"], **schema["properties"]},
        "required": [verb.name, *required],
        "additionalProperties": False,
    }


def _step(verb: Verb, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _schema(verb.model, definitions)
    whole = {k: v for k, v in schema.items() if k in ("type", "properties", "required", "additionalProperties")}
    whole["description"] = verb.says
    if verb.reads is None:
        return whole
    return {"oneOf": [schema["properties"][_said(verb.model, verb.reads)], whole]}


def _said(model: type[Model], field: str) -> str:
    return model.model_fields[field].alias or field


def _schema(model: type[Model], definitions: dict[str, Any]) -> dict[str, Any]:
    """A model's schema; everything may be written as text or a plain number, since YAML scalars are text here."""
    schema = model.model_json_schema(by_alias=True)
    for name, definition in schema.pop("$defs", {}).items():
        if definitions.setdefault(name, definition) != definition:
            raise ValueError(f"two different models are called {name}; rename one of them")
    for name, field in schema.get("properties", {}).items():
        if field.get("type") == "string" and "enum" not in field and "const" not in field:
            schema["properties"][name] = {**field, "type": ["string", "number", "boolean"]}
    schema.setdefault("properties", {})
    return schema
