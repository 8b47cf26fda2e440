"""Edits of a spec's text: one key set, taken out or renamed, and not a character of the rest disturbed.

The YAML node tree says where the key and its value stand; only that span is written anew, or one key put in. The result
is read again and must say what it said before but for that key: an edit that cannot be made so is refused, never made
in another way.

Sources: YAML 1.1 as PyYAML reads it (marks of nodes).
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any

import yaml

from engine.errors import Place, Problem, SpecError
from engine.spec.document import Path_, read_document

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./()%+*;-]*(?<! )")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_GAP = re.compile(r"\s*,\s*")


class Edit:
    """One file under edit: make the changes one after the other, then take the `result`."""

    def __init__(self, text: str, file: str) -> None:
        """`text` as it stands; `file` is its name in messages."""
        self.text, self.file, self._before = text, file, text
        self._wanted = deepcopy(read_document(text, file).data)

    def set(self, path: Path_, key: str, value: str | None, after: str = "") -> None:
        """Set `key` of the mapping at `path`; None takes it out. A new key stands last, or right behind `after`.

        Raises:
            SpecError: no mapping stands there, or its text is of a kind that cannot be edited in place.
        """
        mapping = self._mapping(path)
        index = next((i for i, (k, _) in enumerate(mapping.value) if k.value == key), None)
        if index is None:
            if value is not None:
                self.text = _insert(self.text, mapping, key, _scalar(value), after)
        elif value is None:
            self.text = self._without(mapping, index)
        else:
            node = mapping.value[index][1]
            self.text = self._replaced(node, _scalar(value, quoted=getattr(node, "style", None) in ("'", '"')))
        found = self._at(path)
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value

    def rename(self, path: Path_, key: str, name: str) -> None:
        """Call `key` of the mapping at `path` `name`; see set."""
        node = next(k for k, _ in self._mapping(path).value if k.value == key)
        self.text = self._replaced(node, _scalar(name, quoted=node.style in ("'", '"')))
        found = self._at(path)
        items = [(name if k == key else k, v) for k, v in found.items()]
        found.clear()
        found.update(items)

    def add_mapping(self, path: Path_, key: str) -> None:
        """Put an empty mapping `key` last into the mapping at `path`, unless it has that key; see set."""
        mapping = self._mapping(path)
        if all(k.value != key for k, _ in mapping.value):
            self.text = _insert(self.text, mapping, key, "{}", "")
            self._at(path)[key] = {}

    def result(self) -> str:
        """The edited text, which says what the old one said with these changes and nothing else; SpecError if not."""
        try:
            same = read_document(self.text, self.file).data == self._wanted
        except SpecError:
            same = False
        if not same:
            raise SpecError(
                Problem("the text cannot be edited in place", Place(self.file), do="make these changes by hand")
            )
        return self.text

    def _at(self, path: Path_) -> dict[str, Any]:
        found = self._wanted
        for step in path:
            found = found[step]
        return found  # type: ignore[no-any-return]

    def _mapping(self, path: Path_) -> Any:
        node = yaml.compose(self.text, Loader=yaml.SafeLoader)
        for step in path:
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            node = next((v for k, v in pairs if k.value == step), None)
        if not isinstance(node, yaml.MappingNode):
            raise SpecError(Problem(f"no keys stand at {'.'.join(map(str, path))}", Place(self.file)))
        return node

    def _without(self, mapping: Any, index: int) -> str:
        key, value = mapping.value[index]
        text, start, end = self.text, key.start_mark.index, _end(self.text, value)
        if mapping.flow_style and index:
            before = _end(text, mapping.value[index - 1][1])
            if _GAP.fullmatch(text[before:start]):
                return text[:before] + text[end:]
        elif not mapping.flow_style and len(mapping.value) > 1:
            first, last = text.rfind("\n", 0, start) + 1, text.find("\n", max(end - 1, 0))
            rest = text[end : last if last >= 0 else len(text)]
            if not text[first:start].strip() and not rest.strip():
                return text[:first] + (text[last + 1 :] if last >= 0 else "")
        raise SpecError(
            Problem(
                f'the key "{key.value}" cannot be taken out without touching what stands beside it',
                Place(self.file, key.start_mark.line + 1, key.start_mark.column + 1),
                do="take it out by hand",
            )
        )

    def _replaced(self, node: Any, new: str) -> str:
        """The text with a scalar written anew; blanks and comments after it stay."""
        start, end = node.start_mark.index, _end(self.text, node)
        old = self.text[start:end]
        if not isinstance(node, yaml.ScalarNode) or (node.style in ("|", ">") and "#" in old.split("\n", 1)[0]):
            raise SpecError(
                Problem(
                    "the text stands where it cannot be changed in place",
                    Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1),
                    found=old[:60],
                    do="change it by hand",
                )
            )
        if start == end and start and self.text[start - 1] == ":":
            new = f" {new}"
        return self.text[:start] + new + self.text[end:]


def _insert(text: str, mapping: Any, key: str, value: str, after: str) -> str:
    """A new key and its value as YAML: in the line of a mapping in braces, else on a line of its own."""
    said = f"{_scalar(key)}: {value}"
    if mapping.flow_style:
        if not mapping.value:
            at = mapping.start_mark.index + 1
            return text[:at] + said + text[at:]
        at = _end(text, mapping.value[-1][1])
        return f"{text[:at]}, {said}{text[at:]}"
    before = next((v for k, v in mapping.value if k.value == after), mapping.value[-1][1])
    at = text.find("\n", max(_end(text, before) - 1, 0))
    line = " " * mapping.value[0][0].start_mark.column + said
    if at < 0:
        return f"{text}{_newline(text)}{line}"
    return f"{text[: at + 1]}{line}{_newline(text)}{text[at + 1 :]}"


def _end(text: str, node: Any) -> int:
    """Where the text of a node ends, without blanks and comments behind it."""
    if isinstance(node, yaml.ScalarNode):
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(text[start:end].rstrip()) if node.style in ("|", ">") else end
    if node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(text, last[1] if isinstance(last, tuple) else last)


def _scalar(value: str, *, quoted: bool = False) -> str:
    """A text as YAML: plain where every reader takes it for text, else in double quotes."""
    if not quoted and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
