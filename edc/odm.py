"""Forms of an ODM-XML 1.3 snapshot, streamed: one record for each ItemGroupData, with its line.

Names of columns are those of the CSV carrier: the declared attributes give the common columns, each ItemData the
column that its ItemOID ends in. A document type or entity is refused; no tree is built, and memory grows with the
records only.

Sources: CDISC ODM 1.3.2, sections 2.9 (snapshots) and 3.1.4 (ClinicalData; ItemData with a Value, ItemDataTYPE with
the value as content).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from edc.columns import Columns
from engine.errors import FileError, Place, Problem

NAMESPACES = ("http://www.cdisc.org/ns/odm/v1.3", "http://www.cdisc.org/ns/odm/v1.2", "")
MAX_PROBLEMS = 20
_HELD = {
    "ClinicalData": ("StudyOID",),
    "SubjectData": ("SubjectKey",),
    "StudyEventData": ("StudyEventOID", "StudyEventRepeatKey"),
    "FormData": ("FormOID", "FormRepeatKey"),
    "ItemGroupData": ("ItemGroupOID", "ItemGroupRepeatKey"),
}
_BLOCK = 1 << 20


def read_odm(
    path: Path, shown: str, limit: int, attributes: dict[str, str]
) -> dict[str, tuple[pd.DataFrame, NDArray[np.int64]]]:
    """Records by FormOID, as text, with the line of each in the file.

    Args:
        path: the file; `shown` its name in messages.
        limit: bytes at most.
        attributes: common columns and the ODM attribute that holds each.

    Raises:
        FileError: too large, a document type, not well-formed (a cut file is not), no ODM snapshot, an item given
            twice in one record.
    """
    size = path.stat().st_size
    if size > limit:
        raise FileError(Problem(f"the file is larger than {limit:,} bytes", Place(shown), found=f"{size:,} bytes"))
    reader = _Reader(shown, attributes)
    blocks = _blocks(path, shown)
    try:
        for block in blocks:
            reader.parser.Parse(block, False)
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise FileError(
            Problem(
                "not well-formed XML",
                Place(shown, error.lineno),
                found=expat.ErrorString(error.code),
                do="the file was cut or altered; export again",
            )
        ) from None
    if reader.problems:
        raise FileError(reader.problems)
    return {form: reader.forms[form].frame() for form in sorted(reader.forms)}


def _blocks(path: Path, shown: str) -> Iterator[bytes | str]:
    """The file piece by piece; one in an encoding that the parser does not know, as text."""
    with path.open("rb") as file:
        head = file.read(_BLOCK)
        said = re.match(rb"<\?xml[^>]{0,200}?encoding=[\"']([A-Za-z0-9._-]{1,40})[\"']", head)
        name = said[1].decode().lower() if said else "utf-8"
        if name in ("utf-8", "utf8", "utf-16", "iso-8859-1", "us-ascii", "ascii"):
            while head:
                yield head
                head = file.read(_BLOCK)
            return
        try:
            decoder = codecs.getincrementaldecoder(name)()
            while head:
                yield decoder.decode(head)
                head = file.read(_BLOCK)
            yield decoder.decode(b"", True)
        except (LookupError, UnicodeDecodeError):
            raise FileError(
                Problem(f"the file is not {name}, as it says", Place(shown, 1), do="export again as UTF-8")
            ) from None


class _Reader:
    """The records of each form as the levels of ClinicalData are met."""

    def __init__(self, shown: str, attributes: dict[str, str]) -> None:
        self.shown = shown
        self.common, self.sources = tuple(attributes), tuple(attributes.values())
        self.forms: dict[str, Columns] = {}
        self.problems: list[Problem] = []
        self.parser: Any = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._root
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise FileError(
            Problem(
                "the file declares a document type",
                Place(self.shown, self.parser.CurrentLineNumber),
                do="ODM needs none; entities are not read",
            )
        )

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        prefix = name[: name.rfind(":") + 1]
        space = attributes.get(f"xmlns:{prefix[:-1]}" if prefix else "xmlns", "")
        place = Place(self.shown, self.parser.CurrentLineNumber)
        if name != f"{prefix}ODM" or space not in NAMESPACES:
            raise FileError(
                Problem(
                    "not an ODM file of version 1.3",
                    place,
                    found=f"<{name}> of {space}" if space else f"<{name}>",
                    expected=f"<ODM> of {NAMESPACES[0]}",
                )
            )
        if attributes.get("FileType", "Snapshot") != "Snapshot":
            raise FileError(
                Problem(
                    "the ODM file is no snapshot",
                    place,
                    found=f'FileType "{attributes["FileType"]}"',
                    expected="Snapshot",
                    do="export the current state, not its changes",
                )
            )
        self._listen(prefix)

    def _listen(self, prefix: str) -> None:  # noqa: PLR0915
        """Set what is called for each element: local variables only, since a file has millions of them."""
        item, typed = f"{prefix}ItemData", len(prefix) + len("ItemData")
        levels = {prefix + level: keys for level, keys in _HELD.items()}
        group, subject, site = (prefix + n for n in ("ItemGroupData", "SubjectData", "SiteRef"))
        forms, sources = self.forms, self.sources
        held: dict[str, str] = {}
        places: dict[str, int] = {}  # ItemOID -> position, of the form at hand
        known: dict[str, dict[str, int]] = {}
        record: list[str | None] | None = None
        form, line, width, content, at = "", 0, 0, "", -1

        def new_item(oid: str) -> int:
            nonlocal width
            assert record is not None
            place = places[oid] = forms[form].place(oid.rsplit(".", 1)[-1])
            width = max(width, place + 1)
            record.extend([None] * (width - len(record)))
            return place

        def twice(place: int) -> None:
            if len(self.problems) < MAX_PROBLEMS:
                column = forms[form].names[place]
                self.problems.append(Problem(f"{column} is given twice in one record", Place(self.shown, line)))

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal record, form, line, places, width, at, content
            if record is not None:
                if not name.startswith(item):
                    return
                oid = attributes.get("ItemOID", "")
                place = places[oid] if oid in places else new_item(oid)
                if record[place] is not None:
                    twice(place)
                record[place] = attributes.get("Value", "")
                if name != item and name[typed:].isalpha():  # ItemDataString and its like
                    at, content = place, ""
                    self.parser.CharacterDataHandler = text
                elif attributes.get("IsNull") == "Yes":
                    record[place] = ""
            elif name in levels:
                held.update((key, attributes[key]) for key in levels[name] if key in attributes)
                if name == group:
                    line, form = self.parser.CurrentLineNumber, held.get("FormOID", "")
                    if form not in forms:
                        forms[form], known[form] = Columns(self.common), {}
                    places, width = known[form], len(forms[form].names)
                    record = [held.get(source, "") for source in sources]
                    record.extend([None] * (width - len(record)))
            elif name == site:
                held["LocationOID"] = attributes.get("LocationOID", "")

        def text(part: str) -> None:
            nonlocal content
            content += part

        def end(name: str) -> None:
            nonlocal record, at
            if name == group:
                assert record is not None
                forms[form].add(record, line)
                record = None
            elif at >= 0 and name.startswith(item):
                assert record is not None
                record[at], at = content, -1
                self.parser.CharacterDataHandler = None
            if name in levels:
                for key in levels[name]:
                    held.pop(key, None)
                if name == subject:
                    held.pop("LocationOID", None)

        self.parser.StartElementHandler, self.parser.EndElementHandler = start, end
