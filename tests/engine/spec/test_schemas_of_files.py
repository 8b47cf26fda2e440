"""The editor's JSON Schemas take the files of every study here and refuse a key that is misspelt."""

import re
from pathlib import Path

import pytest
import yaml

from engine.spec.reference import dataset_schema, file_schemas

ROOT = Path(__file__).resolve().parents[3]
STUDIES = [ROOT / "specs" / "by002", ROOT / "tests" / "second_study" / "kv21", ROOT / "trialmill" / "scaffold" / "study"]
FILES = [p for s in STUDIES for n in ("study", "raw", "forms", "displays") for p in s.glob(f"{n}.yaml")]
TYPES = {"string": str, "number": (int, float), "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}


class Loader(yaml.SafeLoader):
    """Reads as YAML 1.2 editors do: yes, no and dates are text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if not tag.endswith((":timestamp", ":bool"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def fits(value, schema, root):
    """Whether a value fits, by the words of JSON Schema that these schemas use."""
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    known = {"anyOf", "type", "enum", "const", "properties", "additionalProperties", "required", "items", "minimum", "maximum",
             "exclusiveMinimum", "minLength", "minItems", "pattern", "default", "title", "description", "$defs", "$schema"}
    assert set(schema) <= known, set(schema) - known
    if "anyOf" in schema:
        return any(fits(value, each, root) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if "const" in schema:
        return value == schema["const"]
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, TYPES[t]) for t in types):
        return False
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return False
    if isinstance(value, list):
        return all(fits(each, schema.get("items", {}), root) for each in value)
    if not isinstance(value, dict):
        return True
    own, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    if any(name not in value for name in schema.get("required", [])) or (more is False and not set(value) <= set(own)):
        return False
    return all(fits(each, own.get(name, more or {}), root) for name, each in value.items() if name in own or isinstance(more, dict))


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_the_files_of_every_study_fit(path):
    schema = file_schemas()[path.stem]
    data = yaml.load(path.read_text(encoding="utf-8"), Loader)  # a safe loader
    assert fits(data, schema, schema)
    key = next(iter(data))
    assert not fits({k if k != key else f"{k}s": v for k, v in data.items()}, schema, schema)


def test_a_misspelt_key_far_inside_does_not_fit():
    schema = file_schemas()["raw"]
    data = {"carriers": {"csv": {"folder": "forms"}}, "common": {"S": "text"}, "roles": {"subject": "S"}}
    assert fits(data, schema, schema)
    assert not fits({**data, "common": {"S": "txet"}}, schema, schema)
    assert not fits({**data, "vendors": {"lab": {"files": "l.csv", "colums": {}}}}, schema, schema)


def test_every_key_has_its_sentence_in_the_editor():
    for name, schema in {"dataset": dataset_schema(), **file_schemas()}.items():
        assert [key for key, each in schema["properties"].items() if "description" not in each and name != "dataset"] == []
