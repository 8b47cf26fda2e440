"""Dataset files of a package: format, names, labels, lengths, characters, STUDYID, size and split parts.

Sources: FDA Study Data Technical Conformance Guide; agency standards as quoted by xportr.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from formats.metadata import DatasetMeta
from submission.ectd import DATASET_FILE
from submission.package_tree import STANDARDS, StudyTree, Tabulated
from submission.preflight_found import Found

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]{0,7}")
_PAIRS = ("()", "[]", "{}")
MOST_LABEL, MOST_TEXT = 40, 200


def dataset_checks(study: StudyTree, limit: int) -> Iterator[Found]:
    """Everything about the dataset files of a study."""
    ids: dict[str, str] = {}
    for standard in STANDARDS:
        whole, parts = study.datasets(standard), study.datasets(standard, "part")
        for each in [*whole, *parts]:
            yield from _file(each)
            if not each.facts.fault:
                yield from _described(each)
                yield from _values(each)
                yield from _identity(study, each, ids)
        yield from _lengths([d for d in whole if not d.facts.fault])
        yield from _split(whole, parts, limit)


def _file(each: Tabulated) -> Iterator[Found]:
    name = PurePosixPath(each.path).name
    if each.facts.fault:
        yield Found("XPT-FORMAT", each.path, "cannot be read", each.facts.fault)
    if not DATASET_FILE.fullmatch(name):
        yield Found("XPT-NAME", each.path, "has a name that is not allowed", name)
    elif not each.facts.fault and each.facts.meta.name != each.stem:
        yield Found("XPT-NAME", each.path, "holds a dataset of another name", each.facts.meta.name, each.stem)


def _described(each: Tabulated) -> Iterator[Found]:
    meta = each.facts.meta
    for where, label in (("the dataset", meta.label), *((v.name, v.label) for v in meta.variables)):
        if not label:
            yield Found("XPT-LABEL", each.path, f"{where} has no label")
        elif len(label) > MOST_LABEL or not (label.isascii() and label.isprintable()):
            yield Found("XPT-LABEL", each.path, f"the label of {where}", ascii(label)[1:-1])
        if label.count("'") % 2 or label.count('"') % 2 or any(label.count(a) != label.count(b) for a, b in _PAIRS):
            yield Found("XPT-QUOTE", each.path, f"the label of {where}", label)
    for variable in meta.variables:
        if not _VARIABLE.fullmatch(variable.name):
            yield Found("XPT-VARIABLE", each.path, "a variable is called", variable.name)
        if variable.type == "Char" and variable.length > MOST_TEXT:
            yield Found("XPT-LENGTH", each.path, f"{variable.name} is {variable.length} bytes long")


def _values(each: Tabulated) -> Iterator[Found]:
    for name, facts in each.facts.variables.items():
        if facts.odd:
            yield Found("XPT-ASCII", each.path, f"{name} has a value", ascii(facts.odd)[1:60])
        if facts.special:
            yield Found("XPT-SPECIAL", each.path, f"{name} has {facts.special} special missing values")


def _identity(study: StudyTree, each: Tabulated, ids: dict[str, str]) -> Iterator[Found]:
    """STUDYID is there, always filled, one, and the STF's; `ids` remembers the first that was seen."""
    facts = each.facts.variables.get("STUDYID")
    if facts is None:
        if each.facts.meta.name != "RELREC" and each.facts.records:
            yield Found("ID-STUDY", each.path, "has no STUDYID")
        return
    wanted = study.tree.study_id or ids.setdefault("first", min(facts.values or {""}))
    for value in sorted((facts.values or frozenset()) - {wanted}):
        yield Found("ID-STUDY", each.path, "STUDYID is another", value, wanted)
    if each.facts.records and not facts.values:
        yield Found("ID-STUDY", each.path, "STUDYID is missing")


def _lengths(datasets: list[Tabulated]) -> Iterator[Found]:
    """Text variables are as long as their longest value in the package, everywhere; SUPP-- are apart."""
    lengths: dict[str, dict[int, str]] = defaultdict(dict)
    longest: dict[str, int] = defaultdict(int)
    for each in datasets:
        if each.facts.meta.name.startswith("SUPP"):
            continue
        for variable in each.facts.meta.variables:
            if variable.type == "Char":
                lengths[variable.name].setdefault(variable.length, each.path)
                longest[variable.name] = max(longest[variable.name], each.facts.variables[variable.name].longest)
    for name, found in lengths.items():
        if len(found) > 1:
            shown = ", ".join(f"{n} in {PurePosixPath(p).stem.upper()}" for n, p in sorted(found.items()))
            yield Found("XPT-EQUAL", found[min(found)], f"{name} has several lengths", shown)
        largest = max(found)
        if largest > max(1, longest[name]):
            yield Found("XPT-FIT", found[largest], f"{name} is {largest} bytes long",
                        f"the longest value has {longest[name]}")


def _split(whole: list[Tabulated], parts: list[Tabulated], limit: int) -> Iterator[Found]:
    """A dataset over the limit has parts; parts are of a dataset, equal to it in all but records."""
    of: dict[str, list[Tabulated]] = defaultdict(list)
    names = {d.stem: d for d in whole}
    for part in parts:
        parent = re.sub(r"\d+$", "", part.stem)
        if parent not in names or parent == part.stem:
            yield Found("XPT-SPLIT", part.path, "is the part of no dataset")
        else:
            of[parent].append(part)
        if part.facts.size > limit:
            yield Found("XPT-SIZE", part.path, "a part is larger than the limit", f"{part.facts.size:,} bytes",
                        f"{limit:,} at most")
    for name, each in names.items():
        if each.facts.size > limit and name not in of:
            yield Found("XPT-SIZE", each.path, "has no parts", f"{each.facts.size:,} bytes", f"{limit:,} at most")
        if name in of and not each.facts.fault:
            yield from _parts(each, [p for p in of[name] if not p.facts.fault])


def _parts(whole: Tabulated, parts: list[Tabulated]) -> Iterator[Found]:
    for part in parts:
        if _layout(part.facts.meta) != _layout(whole.facts.meta):
            yield Found("XPT-SPLIT", part.path, "has other variables, labels or lengths than the whole")
    total = sum(p.facts.records for p in parts)
    if total != whole.facts.records:
        yield Found("XPT-SPLIT", whole.path, "the parts do not add up", f"{total:,} records",
                    f"{whole.facts.records:,}")


def _layout(meta: DatasetMeta) -> list[tuple[str, str, str, int, str]]:
    return [(v.name, v.label, v.type, v.length, v.format) for v in meta.variables]
