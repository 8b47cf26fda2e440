"""Whether a dataset file says of itself what the study says: name, label, variables, types, formats, lengths.

Sources: SAS V5 transport files (names of 8, labels of 40 characters); FDA Study Data Technical Conformance Guide
(lengths as short as the data allow, the same for a variable throughout a package); ADaMIG 1.3 section 3 (required).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.spec.catalogue import Catalogue, DatasetInfo
from formats.metadata import DatasetMeta
from validators.findings import Fault

NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")
DATASET = re.compile(r"[A-Z][A-Z0-9]{0,7}")
MAX_LABEL, MAX_LENGTH = 40, 200
MAX_BYTES = 5 * 1024**3  # of one file; FDA splits what is larger


def settled(info: DatasetInfo, meta: DatasetMeta) -> DatasetInfo:
    """What a dataset should be, with the lengths that its file has."""
    lengths = {v.name: v.length for v in meta.variables}
    return replace(info, variables=tuple(replace(v, length=lengths.get(v.name, v.length)) for v in info.variables))


def path_faults(name: str, size: int, records: int) -> Iterator[Fault]:
    """Where a file may not be submitted, whatever it holds: the name of its dataset, bytes, no record."""
    if not DATASET.fullmatch(name):
        expected = "a letter, then letters and digits, 8 at most"
        yield Fault("file", "error", name, "", f"no name for a dataset: {name}", expected=expected, do="rename it")
    if size > MAX_BYTES:
        says = f"the file has {size:,} bytes"
        yield Fault("file", "error", name, "", says, expected=f"{MAX_BYTES:,} at most", do="split the dataset")
    if not records:
        do = "leave the dataset out of the package"
        yield Fault("file", "error", name, "", "the file holds no record", do=do)


def file_faults(catalogue: Catalogue, info: DatasetInfo, meta: DatasetMeta) -> Iterator[Fault]:
    """Where a file's description of itself differs from the study's, or breaks the rules of transport files."""

    def fault(variable: str, says: str, found: str, expected: str = "") -> Fault:
        line = next((v.line for v in info.variables if v.name == variable), None)
        place = line.place if line is not None else None
        return Fault("file", "error", info.name, variable, f"{says}: {found}", expected=expected, place=place)

    if meta.label != info.label:
        yield fault("", "the label of the file is another", meta.label, info.label)
    for variable in meta.variables:
        if not NAME.fullmatch(variable.name):
            yield fault(variable.name, "no name for a transport file", variable.name, "up to 8 capital letters")
        if len(variable.label) > MAX_LABEL or not variable.label.isascii():
            yield fault(variable.name, "no label for a transport file", variable.label, "up to 40 ASCII characters")
        if variable.type == "Char" and variable.length > MAX_LENGTH:
            yield fault(variable.name, "longer than 200 bytes", str(variable.length))
        if all(each.name != variable.name for each in info.variables):
            continue
        known = info.variable(variable.name)
        for what, here, there in (
            ("label", variable.label, known.label),
            ("format", variable.format, known.format),
            ("type", variable.type, known.type),
        ):
            if here != there:
                yield fault(variable.name, f"the {what} in the file is another", here or "none", there or "none")
        if known.length and variable.length != known.length and variable.type == "Char":
            yield fault(variable.name, "the length in the file is another", str(variable.length), str(known.length))
    yield from _required(catalogue, info, meta)


def _required(catalogue: Catalogue, info: DatasetInfo, meta: DatasetMeta) -> Iterator[Fault]:
    """Variables that ADaMIG requires; those of SDTMIG are held by the schema."""
    if catalogue.study.file.packages[info.package].standard != "adamig":
        return
    there = {v.name for v in meta.variables}
    for name, standard in catalogue.adam.structures.get(info.structure, {}).items():
        if standard.core == "Req" and name.isupper() and name not in there:
            says = f"a variable that ADaMIG requires in {info.structure} is not there"
            yield Fault("variable", "error", info.name, name, says)


def length_faults(metas: Iterable[DatasetMeta]) -> Iterator[Fault]:
    """Variables of one package whose length differs between its datasets; supplemental qualifiers are apart."""
    lengths: dict[str, dict[int, str]] = {}
    for meta in metas:
        if not meta.name.startswith("SUPP"):
            for variable in meta.variables:
                if variable.type == "Char":
                    lengths.setdefault(variable.name, {}).setdefault(variable.length, meta.name)
    for name, found in lengths.items():
        if len(found) > 1:
            shown = ", ".join(f"{n} in {dataset}" for n, dataset in sorted(found.items()))
            first = found[min(found)]
            yield Fault("file", "error", first, name, f"the length differs between datasets of the package: {shown}")
