"""Forms of an ODM-XML 1.3.2 snapshot, streamed: one record for each ItemGroupData, with its line.

Names of columns are those of the CSV carrier: the declared attributes give the common columns, each ItemData the
column that its ItemOID ends in. A document type or entity is refused; memory does not grow with the file.

Sources: CDISC ODM 1.3.2, sections 3.1.4 (ClinicalData) and 2.9 (snapshots).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from lxml import etree
from numpy.typing import NDArray

from engine.errors import FileError, Place, Problem

NAMESPACE = "{http://www.cdisc.org/ns/odm/v1.3}"
_LEVELS = ("ClinicalData", "SubjectData", "StudyEventData", "FormData", "ItemGroupData")
_HELD = (
    "StudyOID",
    "SubjectKey",
    "StudyEventOID",
    "StudyEventRepeatKey",
    "FormOID",
    "FormRepeatKey",
    "ItemGroupOID",
    "ItemGroupRepeatKey",
)


def read_odm(
    path: Path, shown: str, limit: int, attributes: dict[str, str]
) -> dict[str, tuple[pd.DataFrame, NDArray[np.int64]]]:
    """Records by FormOID, as text, with the line of each in the file.

    Args:
        path: the file; `shown` its name in messages.
        limit: bytes at most.
        attributes: common columns and the ODM attribute that holds each.

    Raises:
        FileError: too large, a document type, not well-formed (a cut file is not), no ODM, an item given twice.
    """
    size = path.stat().st_size
    if size > limit:
        raise FileError(Problem(f"the file is larger than {limit:,} bytes", Place(shown), found=f"{size:,} bytes"))
    with path.open("rb") as file:
        if b"<!DOCTYPE" in file.read(65536):
            raise FileError(
                Problem("the file declares a document type", Place(shown), do="ODM needs none; entities are not read")
            )
    records: dict[str, list[dict[str, str]]] = {}
    lines: dict[str, list[int]] = {}
    held: dict[str, str] = {}
    problems: list[Problem] = []
    root = ""
    try:
        events = etree.iterparse(
            str(path), events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        )
        for event, element in events:
            name = etree.QName(element).localname if isinstance(element.tag, str) else ""
            root = root or name
            if event == "start":
                if name in _LEVELS:
                    held.update({k: v for k, v in element.attrib.items() if k in _HELD})
                continue
            if name == "SiteRef":
                held["LocationOID"] = element.get("LocationOID", "")
            elif name == "ItemGroupData":
                row = {column: held.get(attribute, "") for column, attribute in attributes.items()}
                for item in element.iterchildren(f"{NAMESPACE}ItemData"):
                    column = item.get("ItemOID", "").rsplit(".", 1)[-1]
                    if column in row:
                        problems.append(
                            Problem(f"{column} is given twice in one record", Place(shown, element.sourceline))
                        )
                    row[column] = item.get("Value", "")
                form = held.get("FormOID", "")
                records.setdefault(form, []).append(row)
                lines.setdefault(form, []).append(element.sourceline or 0)
                _forget(element)
            elif name in _LEVELS:
                for key in _HELD[_HELD_FROM[name] :]:
                    held.pop(key, None)
                if name == "SubjectData":
                    held.pop("LocationOID", None)
                _forget(element)
    except etree.XMLSyntaxError as error:
        line = error.position[0] if error.position else 0
        raise FileError(
            Problem(
                "not well-formed XML",
                Place(shown, line),
                found=str(error.msg)[:80],
                do="the file was cut or altered; export again",
            )
        ) from None
    if root != "ODM":
        raise FileError(Problem("not an ODM file", Place(shown), found=f"<{root}>", expected="<ODM>"))
    if problems:
        raise FileError(problems[:20])
    made = {}
    for form in sorted(records):
        frame = pd.DataFrame(records[form], dtype="str")
        made[form] = (frame.mask(frame == ""), np.array(lines[form], dtype=np.int64))
    return made


_HELD_FROM = {"ClinicalData": 0, "SubjectData": 1, "StudyEventData": 2, "FormData": 4}


def _forget(element: etree._Element) -> None:
    """Free an element that was read, and those before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
