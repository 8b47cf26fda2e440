"""Built datasets: records in final order, variables in file order, supplemental qualifiers, settled lengths.

Nothing is cut: a value that is not ASCII or longer than 200 bytes is a blocking issue that names its cell; where the
spec says  overflow: supp  the text goes on in supplemental qualifiers.

Sources: SDTMIG 3.4 section 8.4 (supplemental qualifiers); FDA Study Data Technical Conformance Guide (200 bytes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.numbers import number_texts
from engine.run.at import At
from engine.run.overflow import MAX_BYTES, qualifier_name, split_text
from engine.run.run import Run
from engine.run.tables import take_values
from engine.spec.catalogue import Catalogue, DatasetInfo
from engine.spec.origin_terms import DERIVED
from engine.spec.origins import variable_origins


@dataclass(slots=True)
class Built:
    """A dataset as it goes to its file; `rows` are positions of its records in the run's table."""

    info: DatasetInfo
    frame: pd.DataFrame
    rows: np.ndarray


@dataclass(frozen=True, slots=True)
class Qualifier:
    """A supplemental qualifier: its name, label and origin, and a value for every record of the parent dataset."""

    name: str
    label: str
    origin: str
    values: pd.Series


def assemble(run: Run, catalogue: Catalogue, name: str) -> list[Built]:
    """A dataset and, where the spec has supplemental qualifiers with values, its SUPP-- dataset."""
    table = run.table(name)
    assert table.order is not None
    info = catalogue.datasets[name]
    at = At(run, table)
    columns: dict[str, pd.Series] = {}
    qualifiers = _qualifiers(run, at, info)
    for variable in info.variables:
        values = table.columns.get(variable.name)
        if values is None:
            values = _implied(run, at, variable.name)
        if variable.name in run.study.datasets[name].overflowing:
            values, *rest = split_text(values)
            qualifiers += [
                Qualifier(qualifier_name(variable.name, i), variable.label, _origin(run, name, variable.name), part)
                for i, part in enumerate(rest, start=1)
            ]
        _writable(at, variable.name, values)
        columns[variable.name] = take_values(values, table.order)
    unused = {v.name for v in info.variables if v.optional and columns[v.name].isna().all()}
    info = replace(info, variables=tuple(v for v in info.variables if v.name not in unused))
    columns = {name: values for name, values in columns.items() if name not in unused}
    built = [Built(info, pd.DataFrame(columns), table.order)]
    supplemental = _supplemental(run, catalogue, at, info, qualifiers)
    return built + ([supplemental] if supplemental is not None else [])


def _origin(run: Run, dataset: str, name: str) -> str:
    """The type of a variable's origin (QORIG); Derived where its lines differ in it."""
    types = {origin.type for origin in variable_origins(run.study, dataset, name)}
    return types.pop() if len(types) == 1 else DERIVED


def _qualifiers(run: Run, at: At, info: DatasetInfo) -> list[Qualifier]:
    """The qualifiers of the spec, with further parts of long text where it says so."""
    spec = run.study.datasets[info.name]
    found = []
    for name, line in spec.supplemental.items():
        parts = [at.table.columns[name]]
        if name in spec.overflowing:
            parts = split_text(parts[0])
        names = [name, *(qualifier_name(name, i) for i in range(1, len(parts)))]
        origin = _origin(run, info.name, name)
        found += [Qualifier(n, line.options.label, origin, part) for n, part in zip(names, parts, strict=True)]
    return found


def _implied(run: Run, at: At, name: str) -> pd.Series:
    if name == "STUDYID":
        return at.constant(run.study.name)
    return at.constant(at.dataset) if name == "DOMAIN" else at.usubjid


def _writable(at: At, name: str, values: pd.Series) -> None:
    if values.dtype == np.float64:
        return
    foreign = not_ascii(values)
    long = byte_lengths(values) > MAX_BYTES
    shown = values.str.slice(0, 60)
    at.report(foreign, "not ASCII", found=shown, severity="blocking", variable=name)
    at.report(
        long & ~foreign,
        f"longer than {MAX_BYTES} bytes",
        found=shown,
        severity="blocking",
        variable=name,
    )


def _supplemental(
    run: Run, catalogue: Catalogue, at: At, info: DatasetInfo, qualifiers: list[Qualifier]
) -> Built | None:
    """SUPP--: one record for each present qualifier, by subject, parent record and QNAM."""
    table = at.table
    sequence = f"{info.name}SEQ" if f"{info.name}SEQ" in table.columns else ""
    place = np.empty(table.n, dtype=np.int64)
    assert table.order is not None
    place[table.order] = np.arange(table.n)
    pieces = []
    for each in sorted(qualifiers, key=lambda q: q.name):
        _writable(at, each.name, each.values)
        rows = np.flatnonzero(each.values.notna())
        number = number_texts(table.columns[sequence]).iloc[rows].to_numpy() if sequence else None
        pieces.append(
            pd.DataFrame(
                {
                    "place": place[rows],
                    "row": rows,
                    "USUBJID": at.usubjid.iloc[rows].to_numpy(),
                    "IDVARVAL": number,
                    "QNAM": each.name,
                    "QLABEL": each.label,
                    "QVAL": each.values.iloc[rows].to_numpy(),
                    "QORIG": each.origin,
                }
            )
        )
    pieces = [p for p in pieces if len(p)]
    if not pieces:
        return None
    frame = pd.concat(pieces, ignore_index=True).sort_values(["place", "QNAM"], kind="stable", ignore_index=True)
    rows = frame["row"].to_numpy()
    frame = frame.assign(STUDYID=run.study.name, RDOMAIN=info.name, IDVAR=sequence or None, QEVAL=None)
    described = catalogue.supplemental(info.name)
    names = [v.name for v in described.variables]
    return Built(described, frame[names].astype("str"), rows)


def settle_lengths(package: list[Built]) -> list[Built]:
    """Lengths of character variables: the spec's, else the longest value of that name in the package.

    Supplemental datasets keep lengths of their own. A variable without any value has length 1.
    """
    longest: dict[str, int] = {}
    for built in package:
        if not built.info.name.startswith("SUPP"):
            for variable in built.info.variables:
                if variable.type == "Char":
                    here = _longest(built.frame[variable.name])
                    longest[variable.name] = max(longest.get(variable.name, 1), variable.length or here)
    settled = []
    for built in package:
        own = built.info.name.startswith("SUPP")
        variables = tuple(
            replace(
                v,
                length=8
                if v.type == "Num"
                else v.length or (_longest(built.frame[v.name]) if own else longest[v.name]),
            )
            for v in built.info.variables
        )
        settled.append(Built(replace(built.info, variables=variables), built.frame, built.rows))
    return settled


def _longest(values: pd.Series) -> int:
    return max(int(byte_lengths(values).max(initial=0)), 1)


def byte_lengths(values: pd.Series) -> np.ndarray:
    """How many bytes each of n texts takes in UTF-8; 0 where missing."""
    lengths = values.str.len().to_numpy(dtype=np.float64, na_value=0).astype(np.int64)
    foreign = np.flatnonzero(not_ascii(values))
    lengths[foreign] = [len(text.encode()) for text in values.iloc[foreign]]
    return lengths


def not_ascii(values: pd.Series) -> np.ndarray:
    """Which of n texts hold anything but ASCII; a missing text does not."""
    return values.notna().to_numpy(dtype=bool) & ~values.str.isascii().to_numpy(dtype=bool, na_value=True)
