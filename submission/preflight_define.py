"""define.xml held against the datasets that lie beside it, both ways, and its links against the package.

Sources: Define-XML 2.0 and 2.1; FDA Study Data Technical Conformance Guide.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import pandas as pd

from formats.metadata import DatasetMeta
from formats.moments import kind_of
from submission.define_check import DefineFault, define_faults
from submission.define_outline import DefinedDataset, DefinedVariable, DefineFile
from submission.package_tree import STANDARDS, StudyTree, Tabulated
from submission.preflight_found import Found

_NUMBER = ("integer", "float")
_SHOWN = 5
_RULES = {"oid": "DEF-OID", "reference": "DEF-OID", "order": "DEF-OID", "keys": "DEF-OID", "origin": "DEF-ORIGIN",
          "method": "DEF-ORIGIN", "standard": "DEF-STANDARD", "version": "DEF-STANDARD"}


def define_checks(study: StudyTree) -> Iterator[Found]:
    """Everything about the define.xml of each standard."""
    for standard in STANDARDS:
        path, define, fault = study.define(standard)
        if fault:
            yield Found("DEF-XML", path, "cannot be read", fault)
        if define is None:
            continue
        datasets = [d for d in study.datasets(standard) if not d.facts.fault]
        yield from _inner(study, path, define)
        yield from _links(study, path, define)
        known = {d.name: d for d in define.datasets}
        for each in datasets:
            if each.facts.meta.name not in known:
                yield Found("DEF-DATASET", path, f"does not describe {each.facts.meta.name}")
            else:
                yield from _dataset(path, define, known[each.facts.meta.name], each)
        there = {d.facts.meta.name for d in datasets}
        unread = {PurePosixPath(d.path).name for d in study.datasets(standard) if d.facts.fault}  # told by XPT-FORMAT
        for described in define.datasets:
            if described.href and PurePosixPath(described.href).name in unread:
                continue
            if described.name not in there and not described.no_data:
                yield Found("DEF-FILE", path, f"describes {described.name}, which is not there", described.href)
            elif described.name in there and described.href and PurePosixPath(described.href).name not in {
                    PurePosixPath(d.path).name for d in datasets if d.facts.meta.name == described.name}:
                yield Found("DEF-FILE", path, f"{described.name} is said to stand elsewhere", described.href)


def _inner(study: StudyTree, path: str, define: DefineFile) -> Iterator[Found]:
    """What is wrong with the file in itself; only the schema of version 2.1 is at hand."""
    if not define.version.startswith("2.1"):
        return
    for fault in study.tree.reads.once(study.full(path), _faults):
        if fault.rule == "schema":
            yield Found("DEF-SCHEMA", path, fault.where, fault.says[:200])
        elif fault.rule in _RULES:
            yield Found(_RULES[fault.rule], path, fault.where, fault.says)


def _faults(path: Path) -> list[DefineFault]:
    return define_faults(path.read_bytes(), _NoFiles())


class _NoFiles:
    """Datasets are held against the file in this module, and documents too."""

    def names(self) -> list[str]:
        return []

    def meta(self, name: str) -> DatasetMeta:
        raise KeyError(name)

    def frame(self, name: str) -> pd.DataFrame:
        raise KeyError(name)

    def has(self, href: str) -> bool:
        return True


def _links(study: StudyTree, path: str, define: DefineFile) -> Iterator[Found]:
    folder = posixpath.dirname(path)
    links = dict.fromkeys([*define.hrefs, *([(define.stylesheet, 1)] if define.stylesheet else [])])
    for href, line in links:
        parts = urlsplit(href)
        if parts.scheme or parts.netloc:
            yield Found("DEF-HREF", f"{path}:{line}", "leads out of the package", href)
        elif parts.path and posixpath.normpath(posixpath.join(folder, unquote(parts.path))) not in study.tree.files:
            yield Found("DEF-HREF", f"{path}:{line}", "leads to no file", href)


def _dataset(path: str, define: DefineFile, described: DefinedDataset, each: Tabulated) -> Iterator[Found]:
    meta, name = each.facts.meta, each.facts.meta.name
    if described.label != meta.label:
        yield Found("DEF-LABEL", f"{path}:{described.line}", f"{name} has another label", described.label, meta.label)
    there = {v.name: v for v in meta.variables}
    known = {v.name: v for v in described.variables}
    for variable in [n for n in there if n not in known]:
        yield Found("DEF-VARIABLE", f"{path}:{described.line}", f"does not describe {name}.{variable}")
    for variable in [n for n in known if n not in there]:
        yield Found("DEF-VARIABLE", f"{path}:{known[variable].line}", f"{name} has no {variable}")
    for variable in [n for n in there if n in known]:
        yield from _variable(path, define, name, known[variable], each)


def _variable(path: str, define: DefineFile, dataset: str, said: DefinedVariable, each: Tabulated) -> Iterator[Found]:
    at, held = f"{path}:{said.line}", each.facts.meta.variable(said.name)
    name = f"{dataset}.{said.name}"
    if said.label != held.label:
        yield Found("DEF-LABEL", at, f"{name} has another label", said.label, held.label)
    number = said.type in _NUMBER or (held.type == "Num" and bool(kind_of(held.format)))
    if number != (held.type == "Num"):
        yield Found("DEF-TYPE", at, f"{name} has another type", said.type, held.type)
    if held.type == "Char" and said.type == "text" and said.length != held.length:
        yield Found("DEF-LENGTH", at, f"{name} has another length", str(said.length or "none"), str(held.length))
    if not said.codelist:
        return
    codelist = define.codelists.get(said.codelist)
    if codelist is None:
        yield Found("DEF-CODELIST", at, f"{name} has a codelist that is not there", said.codelist)
        return
    values = each.facts.variables[said.name].values
    if codelist.values is not None and values is not None:
        absent = sorted(values - codelist.values)
        if absent:
            more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
            yield Found("DEF-CODELIST", at, f"{name} has values outside of {codelist.name}",
                        ", ".join(absent[:_SHOWN]) + more)
