"""A define.xml as it was written, read for checks: definitions by OID, references with their places.

Sources: Define-XML 2.1; Analysis Results Metadata 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

ODM, DEF = "{http://www.cdisc.org/ns/odm/v1.3}", "{http://www.cdisc.org/ns/def/v2.1}"
ARM, XLINK = "{http://www.cdisc.org/ns/arm/v1.0}", "{http://www.w3.org/1999/xlink}"
_REFERS = {  # attribute -> kind of element it names
    "ItemOID": "ItemDef",
    f"{DEF}ItemOID": "ItemDef",
    "ItemGroupOID": "ItemGroupDef",
    "MethodOID": "MethodDef",
    "CodeListOID": "CodeList",
    "RoleCodeListOID": "CodeList",
    "ValueListOID": "ValueListDef",
    "WhereClauseOID": "WhereClauseDef",
    "ParameterOID": "ItemDef",
    "leafID": "leaf",
    f"{DEF}CommentOID": "CommentDef",
    f"{DEF}StandardOID": "Standard",
    f"{DEF}ArchiveLocationID": "leaf",
}
Check = tuple[str, str, tuple[str, ...]]  # item, comparator, values


@dataclass(slots=True)
class Ref:
    """A variable in its dataset, or values in their list."""

    item: str
    order: int
    mandatory: bool
    key: int = 0
    method: str = ""
    where: str = ""
    no_data: bool = False


@dataclass(slots=True)
class Item:
    """A variable or its values."""

    oid: str
    name: str
    label: str
    type: str
    length: int | None
    digits: int | None
    codelist: str
    values: str
    origins: list[tuple[str, str]]


@dataclass(slots=True)
class Group:
    """A dataset."""

    oid: str
    name: str
    label: str
    leaf: str
    standard: str
    nonstandard: bool
    records_are_none: bool
    refs: list[Ref]


@dataclass(slots=True)
class Terms:
    """A codelist; `dictionary` of one outside of the file. `standard`: whether the file says of what it is."""

    oid: str
    values: frozenset[str]
    dictionary: str | None
    version: str
    standard: bool


@dataclass(slots=True)
class Defined:
    """A whole file."""

    root: etree._Element
    oids: list[tuple[str, str]] = field(default_factory=list)  # kind, OID
    references: list[tuple[str, str, str]] = field(default_factory=list)  # kind, OID, where
    groups: dict[str, Group] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    lists: dict[str, list[Ref]] = field(default_factory=dict)
    wheres: dict[str, list[Check]] = field(default_factory=dict)
    codelists: dict[str, Terms] = field(default_factory=dict)
    leaves: dict[str, str] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)  # their texts

    def groups_refs(self) -> Iterator[tuple[str, list[Ref]]]:
        """Each dataset's name with its variables."""
        yield from ((g.name, g.refs) for g in self.groups.values())

    def lists_refs(self) -> Iterator[tuple[str, list[Ref]]]:
        """Each value list with its values."""
        yield from self.lists.items()


def read_define(xml: bytes) -> Defined:
    """Read the file; entities are not expanded and nothing is fetched.

    Raises:
        lxml.etree.XMLSyntaxError: it is not well-formed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    root = etree.fromstring(xml, parser)
    found = Defined(root)
    for element in root.iter(etree.Element):
        kind = etree.QName(element).localname
        oid = element.get("OID") or (element.get("ID") if kind == "leaf" else None)
        if oid:
            found.oids.append((kind, oid))
        for attribute, target in _REFERS.items():
            value = element.get(attribute)
            if value:
                found.references.append((target, value, f"{kind} {oid or _owner(element)}"))
    for each in root.iter(f"{ODM}ItemGroupDef"):
        group = _group(each)
        found.groups[group.oid] = group
    for each in root.iter(f"{DEF}ValueListDef"):
        found.lists[each.get("OID", "")] = [_ref(r) for r in each.iter(f"{ODM}ItemRef")]
    for each in root.iter(f"{DEF}WhereClauseDef"):
        found.wheres[each.get("OID", "")] = [_check(c) for c in each.iter(f"{ODM}RangeCheck")]
    for each in root.iter(f"{ODM}ItemDef"):
        found.items[each.get("OID", "")] = _item(each)
    for each in root.iter(f"{ODM}CodeList"):
        found.codelists[each.get("OID", "")] = _terms(each)
    for each in root.iter(f"{DEF}leaf"):
        found.leaves[each.get("ID", "")] = each.get(f"{XLINK}href", "")
    for each in root.iter(f"{ODM}MethodDef"):
        found.methods[each.get("OID", "")] = _described(each)
    return found


def _owner(element: etree._Element) -> str:
    above = element.getparent()
    while above is not None and not above.get("OID"):
        above = above.getparent()
    return (above.get("OID") if above is not None else None) or ""


def _described(element: etree._Element) -> str:
    return element.findtext(f"{ODM}Description/{ODM}TranslatedText") or ""


def _number(element: etree._Element, name: str) -> int | None:
    value = element.get(name)
    return int(value) if value else None


def _group(element: etree._Element) -> Group:
    return Group(
        element.get("OID", ""),
        element.get("Name", ""),
        _described(element),
        element.get(f"{DEF}ArchiveLocationID", ""),
        element.get(f"{DEF}StandardOID", ""),
        element.get(f"{DEF}IsNonStandard") == "Yes",
        element.get(f"{DEF}HasNoData") == "Yes",
        [_ref(r) for r in element.iter(f"{ODM}ItemRef")],
    )


def _ref(element: etree._Element) -> Ref:
    where = element.find(f"{DEF}WhereClauseRef")
    return Ref(
        element.get("ItemOID", ""),
        _number(element, "OrderNumber") or 0,
        element.get("Mandatory") == "Yes",
        _number(element, "KeySequence") or 0,
        element.get("MethodOID", ""),
        where.get("WhereClauseOID", "") if where is not None else "",
        element.get(f"{DEF}HasNoData") == "Yes",
    )


def _check(element: etree._Element) -> Check:
    values = tuple(v.text or "" for v in element.iter(f"{ODM}CheckValue"))
    return element.get(f"{DEF}ItemOID", ""), element.get("Comparator", ""), values


def _item(element: etree._Element) -> Item:
    codelist = element.find(f"{ODM}CodeListRef")
    values = element.find(f"{DEF}ValueListRef")
    return Item(
        element.get("OID", ""),
        element.get("Name", ""),
        _described(element),
        element.get("DataType", ""),
        _number(element, "Length"),
        _number(element, "SignificantDigits"),
        codelist.get("CodeListOID", "") if codelist is not None else "",
        values.get("ValueListOID", "") if values is not None else "",
        [(o.get("Type", ""), o.get("Source", "")) for o in element.iter(f"{DEF}Origin")],
    )


def _terms(element: etree._Element) -> Terms:
    items = [*element.iter(f"{ODM}CodeListItem"), *element.iter(f"{ODM}EnumeratedItem")]
    external = element.find(f"{ODM}ExternalCodeList")
    said = bool(element.get(f"{DEF}StandardOID")) or element.get(f"{DEF}IsNonStandard") == "Yes"
    return Terms(
        element.get("OID", ""),
        frozenset(i.get("CodedValue", "") for i in items),
        external.get("Dictionary", "") if external is not None else None,
        external.get("Version", "") if external is not None else "",
        said or external is not None,
    )
