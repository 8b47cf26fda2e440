"""What a define.xml says of datasets, variables, codelists and documents, read from the file as anyone would.

For whoever has only the package: pre-flight checks of packages made here or elsewhere, and the OIDs of Dataset-JSON.
Files come from anywhere: no entity is expanded and nothing is fetched. Value level metadata are not read.

Sources: Define-XML 2.0 and 2.1 (the names that both share).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import etree

from engine.errors import FileError, Place, Problem

MOST_BYTES = 200 << 20
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
XLINK = "{http://www.w3.org/1999/xlink}href"
DEFINE = ("{http://www.cdisc.org/ns/def/v2.1}", "{http://www.cdisc.org/ns/def/v2.0}")


@dataclass(frozen=True, slots=True)
class DefinedVariable:
    """A variable of a dataset; `length` 0 where the file says none, `codelist` an OID."""

    oid: str
    name: str
    label: str
    type: str
    length: int
    format: str
    key: int
    codelist: str
    line: int


@dataclass(frozen=True, slots=True)
class DefinedDataset:
    """A dataset and the file that it is said to stand in."""

    oid: str
    name: str
    label: str
    href: str
    no_data: bool
    variables: tuple[DefinedVariable, ...]
    line: int


@dataclass(frozen=True, slots=True)
class DefinedCodelist:
    """The values of a codelist; None for a dictionary outside of the file."""

    oid: str
    name: str
    values: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class DefineFile:
    """All of it; `hrefs` are the places that it links to, with their lines; `stylesheet` where it says one."""

    version: str
    file_oid: str
    study_oid: str
    metadata_oid: str
    datasets: tuple[DefinedDataset, ...]
    codelists: dict[str, DefinedCodelist]
    hrefs: tuple[tuple[str, int], ...]
    stylesheet: str

    def dataset(self, name: str) -> DefinedDataset | None:
        """The dataset of that name, if it is there."""
        return next((d for d in self.datasets if d.name == name), None)


def read_define(content: bytes, shown: str) -> DefineFile:
    """Read a define.xml.

    Raises:
        FileError: not XML, not Define-XML 2, or a variable without its definition.
    """
    if len(content) > MOST_BYTES:
        raise FileError(Problem("too large for a define.xml", Place(shown), found=f"{len(content):,} bytes"))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise FileError(Problem("the file is not XML", Place(shown, error.lineno or 0), found=str(error.msg))) from None
    if root.getroottree().docinfo.doctype:
        raise FileError(Problem("a define.xml has no document type", Place(shown), found="<!DOCTYPE"))
    version = root.find(f"{ODM}Study/{ODM}MetaDataVersion") if root.tag == f"{ODM}ODM" else None
    defined = next((d for d in DEFINE if version is not None and version.get(f"{d}DefineVersion")), None)
    if version is None or defined is None:
        raise FileError(Problem("not a Define-XML file of version 2.0 or 2.1", Place(shown), found=str(root.tag)[:80]))
    return _read(root, version, defined, shown)


def _read(root: Any, version: Any, defined: str, shown: str) -> DefineFile:
    items = {e.get("OID", ""): e for e in version.iterfind(f"{ODM}ItemDef")}
    problems: list[Problem] = []
    datasets = []
    for group in version.iterfind(f"{ODM}ItemGroupDef"):
        variables = []
        for ref in group.iterfind(f"{ODM}ItemRef"):
            item = items.get(ref.get("ItemOID", ""))
            if item is None:
                problems.append(
                    Problem(
                        f"{group.get('Name')}: a variable without its definition",
                        Place(shown, ref.sourceline or 0),
                        found=ref.get("ItemOID", ""),
                    )
                )
                continue
            variables.append(_variable(ref, item, defined))
        leaf = group.find(f"{defined}leaf")
        datasets.append(
            DefinedDataset(
                group.get("OID", ""),
                group.get("Name", ""),
                _label(group),
                "" if leaf is None else leaf.get(XLINK, ""),
                group.get(f"{defined}HasNoData") == "Yes",
                tuple(variables),
                group.sourceline or 0,
            )
        )
    if problems:
        raise FileError(problems)
    codelists = {}
    for each in version.iterfind(f"{ODM}CodeList"):
        tags = ("CodeListItem", "EnumeratedItem")
        terms = [term.get("CodedValue", "") for tag in tags for term in each.iterfind(ODM + tag)]
        outside = each.find(f"{ODM}ExternalCodeList") is not None
        codelists[each.get("OID", "")] = DefinedCodelist(
            each.get("OID", ""), each.get("Name", ""), None if outside else frozenset(terms)
        )
    hrefs = tuple((e.get(XLINK), e.sourceline or 0) for e in version.iter() if e.get(XLINK) is not None)
    sheet = next((p for p in root.xpath("preceding-sibling::processing-instruction('xml-stylesheet')")), None)
    return DefineFile(
        version.get(f"{defined}DefineVersion", ""),
        root.get("FileOID", ""),
        version.getparent().get("OID", ""),
        version.get("OID", ""),
        tuple(datasets),
        codelists,
        hrefs,
        sheet.get("href") or "" if sheet is not None else "",
    )


def _variable(ref: Any, item: Any, defined: str) -> DefinedVariable:
    codelist = item.find(f"{ODM}CodeListRef")
    return DefinedVariable(
        item.get("OID", ""),
        item.get("Name", ""),
        _label(item),
        item.get("DataType", ""),
        _number(item.get("Length")),
        item.get(f"{defined}DisplayFormat", ""),
        _number(ref.get("KeySequence")),
        "" if codelist is None else codelist.get("CodeListOID", ""),
        item.sourceline or 0,
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() and len(text) < 9 else 0


def _label(element: Any) -> str:
    text = element.find(f"{ODM}Description/{ODM}TranslatedText")
    return "" if text is None else (text.text or "").strip()
