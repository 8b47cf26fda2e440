"""What is wrong with a define.xml: in itself, and against the dataset files that it describes.

Reads the file as anyone who receives the package would; nothing of how it was made is known here. Held are the schema,
references (each resolves, nothing is left over), order, origins and methods, the datasets that are there, labels,
types, lengths, decimals, terms, and values that may not be missing. Records are read one dataset at a time.

Sources: Define-XML 2.1 (and its conformance rules as far as they are known from its text); submission checklist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
from lxml import etree

from formats.metadata import DatasetMeta
from formats.xpt_read import read_headers, read_xpt
from submission.built import Built
from submission.define_read import Defined, read_define
from submission.define_schema import schema_errors
from submission.define_values_check import value_faults

_TO_BE_USED = ("ItemDef", "CodeList", "MethodDef", "CommentDef", "ValueListDef", "WhereClauseDef", "leaf")


@dataclass(frozen=True, slots=True)
class DefineFault:
    """One thing that is wrong; `rule` names the kind, `where` the element, dataset or variable."""

    rule: str
    where: str
    says: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.where}: {self.says}"


class DataFiles(Protocol):
    """Dataset files beside a define.xml."""

    def names(self) -> list[str]:
        """Names of the datasets, by their files."""

    def meta(self, name: str) -> DatasetMeta:
        """What a file says of itself."""

    def frame(self, name: str) -> pd.DataFrame:
        """Its records, read anew each time."""

    def has(self, href: str) -> bool:
        """Whether a file lies at a path relative to the define.xml."""


class FolderFiles:
    """The transport files of the folder of a define.xml."""

    def __init__(self, folder: Path) -> None:
        """Look at the folder; files are read when they are asked for."""
        self.folder = folder
        self.paths = {p.stem.upper(): p for p in sorted(folder.glob("*.xpt"))}

    def names(self) -> list[str]:
        """See DataFiles."""
        return list(self.paths)

    def meta(self, name: str) -> DatasetMeta:
        """See DataFiles."""
        return read_headers(self.paths[name])[0][0]

    def frame(self, name: str) -> pd.DataFrame:
        """See DataFiles."""
        return read_xpt(self.paths[name])[0]

    def has(self, href: str) -> bool:
        """See DataFiles; a path that leads out of the submission counts as absent."""
        path = (self.folder / href.partition("#")[0]).resolve()
        return path.is_file()


class BuiltFiles:
    """The published files of a package that is not in its folder yet; documents count as present."""

    def __init__(self, built: Built, package: str) -> None:
        """The datasets of that package which hold records."""
        self.built = built
        self.datasets = {d.name: d for d in built.packages[package] if d.records}

    def names(self) -> list[str]:
        """See DataFiles."""
        return list(self.datasets)

    def meta(self, name: str) -> DatasetMeta:
        """See DataFiles."""
        return self.datasets[name].meta

    def frame(self, name: str) -> pd.DataFrame:
        """See DataFiles."""
        return self.built.frame(name)

    def has(self, href: str) -> bool:
        """See DataFiles."""
        return True


def folder_faults(folder: Path, name: str = "define.xml") -> list[DefineFault]:
    """What is wrong with the define.xml of a folder and the files beside it."""
    path = folder / name
    if not path.is_file():
        return [DefineFault("define", name, "the file is not there")]
    return define_faults(path.read_bytes(), FolderFiles(folder))


def define_faults(xml: bytes, files: DataFiles) -> list[DefineFault]:
    """Everything that is wrong; of a file that breaks the schema, nothing that is held against the datasets.

    Args:
        xml: the define.xml. files: the datasets that it describes.
    """
    try:
        defined = read_define(xml)
    except etree.XMLSyntaxError as error:
        return [DefineFault("xml", "define.xml", f"not well-formed: {error.msg}")]
    if defined.root.getroottree().docinfo.doctype:
        return [DefineFault("xml", "define.xml", "declares a document type, which no define.xml has")]
    broken = [DefineFault("schema", f"line {line}", says) for line, says in schema_errors(defined.root)]
    if broken:
        return [*broken, *_identifiers(defined), *_references(defined)]
    found = [*_identifiers(defined), *_references(defined), *_order(defined), *_origins(defined), *_standards(defined)]
    found += _leaves(defined, files)
    found += _datasets(defined, files)
    return found


def _identifiers(defined: Defined) -> Iterator[DefineFault]:
    for oid, count in Counter(oid for _, oid in defined.oids).items():
        if count > 1:
            yield DefineFault("oid", oid, f"the identifier stands {count} times")


def _references(defined: Defined) -> Iterator[DefineFault]:
    known = {oid for _, oid in defined.oids}
    for kind, oid, where in defined.references:
        if oid not in known:
            yield DefineFault("reference", where, f"refers to {kind} {oid}, which is not there")
    used = {oid for _, oid, _ in defined.references}
    for kind, oid in defined.oids:
        if kind in _TO_BE_USED and oid not in used:
            yield DefineFault("unused", oid, f"nothing refers to this {kind}")


def _order(defined: Defined) -> Iterator[DefineFault]:
    for owner, refs in [*defined.groups_refs(), *defined.lists_refs()]:
        orders = [r.order for r in refs]
        if orders != list(range(1, len(refs) + 1)):
            yield DefineFault("order", owner, f"OrderNumber is not 1 to {len(refs)}")
        keys = sorted(r.key for r in refs if r.key)
        if keys != list(range(1, len(keys) + 1)):
            yield DefineFault("keys", owner, "KeySequence is not 1, 2, 3 and so on")


def _origins(defined: Defined) -> Iterator[DefineFault]:
    for owner, refs in [*defined.groups_refs(), *defined.lists_refs()]:
        for ref in refs:
            item = defined.items.get(ref.item)
            if item is None:
                continue
            if not item.origins and not item.values:
                yield DefineFault("origin", ref.item, "no origin, neither of the variable nor of its values")
            for type_, source in item.origins:
                if not source and type_ not in ("Predecessor", "Not Available", "Other"):
                    yield DefineFault("origin", ref.item, f"an origin {type_} without source")
            if any(type_ == "Derived" for type_, _ in item.origins) and not ref.method and not item.values:
                yield DefineFault("method", f"{owner} {ref.item}", "derived, and no method says how")


def _standards(defined: Defined) -> Iterator[DefineFault]:
    for group in defined.groups.values():
        if not group.standard and not group.nonstandard:
            yield DefineFault("standard", group.name, "neither of a standard nor said to be of none")
    for codelist in defined.codelists.values():
        if codelist.dictionary is not None and not codelist.version:
            yield DefineFault("version", codelist.oid, f"no version of {codelist.dictionary}")
        if codelist.standard is False:
            yield DefineFault("standard", codelist.oid, "neither of a terminology nor said to be of none")


def _leaves(defined: Defined, files: DataFiles) -> Iterator[DefineFault]:
    for leaf, href in defined.leaves.items():
        if href.startswith(("/", "\\")) or "://" in href or ".." in Path(href).parts[3:]:
            yield DefineFault("href", leaf, f"not a relative path: {href}")
        elif not files.has(href):
            yield DefineFault("href", leaf, f"no file {href}")


def _datasets(defined: Defined, files: DataFiles) -> Iterator[DefineFault]:
    groups = {g.name: g for g in defined.groups.values()}
    present = files.names()
    for name in present:
        if name not in groups:
            yield DefineFault("dataset", name, "a dataset file that the define.xml does not describe")
    for name, group in groups.items():
        if name not in present:
            yield DefineFault("dataset", name, "described, and there is no file of it")
            continue
        href = defined.leaves.get(group.leaf, "")
        if href != f"{name.lower()}.xpt":
            yield DefineFault("href", name, f"its file is said to be {href or 'nowhere'}")
        meta = files.meta(name)
        if meta.label != group.label:
            yield DefineFault("label", name, f"labelled {group.label!r} here and {meta.label!r} in its file")
        if group.records_are_none:
            continue
        for rule, where, says in value_faults(defined, group, meta, files.frame(name)):
            yield DefineFault(rule, where, says)
