"""A YAML file as plain text values with a place for every key and value.

Every scalar stays text until a model says otherwise, so Yes, 0010, 12:30 and 2025-01-02 are what was
written. Repeated keys, anchors, aliases, merge keys and tags are errors. Nothing is constructed: only
PyYAML's node tree is read.

Sources: YAML 1.1 as PyYAML reads it; architecture, "YAML hazards".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.errors import Place, Problem, SpecError

MAX_BYTES = 4_000_000  # a spec is read by people; one this long is not a spec
MAX_DEPTH = 40
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is: the same nodes and places, faster

Path_ = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """One YAML file: `data` of dicts, lists, str and None, and the place of each by its path."""

    file: str
    data: Any = None
    places: dict[Path_, Place] = field(default_factory=dict)
    key_places: dict[Path_, Place] = field(default_factory=dict)
    plain: set[Path_] = field(default_factory=set)  # values written without quotes

    def place(self, *path: str | int) -> Place:
        """Where the value at `path` stands; the nearest enclosing one when the path does not exist."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.file))

    def key_place(self, *path: str | int) -> Place:
        """Where the key of `path` stands, else its value."""
        return self.key_places.get(path) or self.place(*path)


def load_document(path: Path, shown: str | None = None) -> Document:
    """Read a YAML file; `shown` is the name used in messages.

    Raises:
        SpecError: unreadable, too large, not UTF-8, not YAML, or using a forbidden feature; every
            repeated key and forbidden feature is listed with its place.
    """
    shown = shown or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SpecError(Problem(f"cannot read the file: {error.strerror}", Place(shown))) from error
    if len(raw) > MAX_BYTES:
        raise SpecError(
            Problem(
                f"the file is larger than a spec may be ({MAX_BYTES:,} bytes)",
                Place(shown),
                found=f"{len(raw):,} bytes",
                do="keep look-up tables in CSV files",
            )
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SpecError(Problem("the file is not UTF-8", Place(shown, line), do="save it as UTF-8")) from error
    return read_document(text, shown)


def read_document(text: str, file: str) -> Document:
    """Read YAML text; see load_document."""
    document = Document(file)
    problems: list[Problem] = []
    try:
        loader = _loader(text)
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                problems.append(
                    Problem(
                        "anchors and aliases are not allowed",
                        _place(file, event.start_mark),
                        do="write the value out where it is used",
                    )
                )
        if problems:
            raise SpecError(problems)
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SpecError(
            Problem(
                f"not YAML: {error.problem or error.context}",
                _place(file, mark) if mark else Place(file),
                do="check the indentation, the quotes and the brackets before this place",
            )
        ) from error
    except yaml.YAMLError as error:
        raise SpecError(Problem(f"not YAML: {error}", Place(file))) from error
    if node is not None:
        document.data = _convert(node, (), document, problems, 0)
    if problems:
        raise SpecError(problems)
    return document


def _loader(text: str) -> Any:
    """The fast reader; for what it calls no YAML PyYAML's own, whose words are the same on every machine."""
    try:
        for _ in yaml.parse(text, Loader=_FAST):
            pass
    except yaml.YAMLError:
        return yaml.SafeLoader
    return _FAST


def _place(file: str, mark: Any) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)


def _convert(node: Any, path: Path_, document: Document, problems: list[Problem], depth: int) -> Any:
    place = _place(document.file, node.start_mark)
    document.places[path] = place
    if depth > MAX_DEPTH:
        problems.append(Problem(f"nested deeper than {MAX_DEPTH} levels", place))
        return None
    if isinstance(node, yaml.ScalarNode):
        if not node.style:  # plain: None to one reader, "" to the other
            document.plain.add(path)
            if node.value in ("", "~"):
                return None
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_convert(child, (*path, i), document, problems, depth + 1) for i, child in enumerate(node.value)]
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key_place = _place(document.file, key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(Problem("a key must be a plain word", key_place))
            continue
        key = key_node.value
        if key == "<<" and not key_node.style:
            problems.append(Problem("merge keys (<<) are not allowed", key_place, do="write the keys out"))
            continue
        if key in result:
            first = document.key_places[(*path, key)]
            problems.append(
                Problem(f'the key "{key}" is given twice', key_place, found=f"first at {first}", do="keep one")
            )
            continue
        document.key_places[(*path, key)] = key_place
        result[key] = _convert(value_node, (*path, key), document, problems, depth + 1)
    return result
