"""Whether the records of a dataset are as its define.xml says: variables, types, lengths, decimals, terms, values.

Sources: Define-XML 2.1 sections 5.3.8 to 5.3.12.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from engine.numbers import NUMBER, number_text
from formats.metadata import DatasetMeta, VariableMeta
from submission.define_facts import conforms
from submission.define_read import Check, Defined, Group, Item, Ref

Fault = tuple[str, str, str]
NUMERIC = ("integer", "float")
MOST_SHOWN = 3


def value_faults(defined: Defined, group: Group, meta: DatasetMeta, frame: pd.DataFrame) -> Iterator[Fault]:
    """Rule, place and sentence of everything in which a dataset and its description differ."""
    refs = [r for r in group.refs if r.item in defined.items]
    named = [defined.items[r.item].name for r in refs]
    files = {v.name: v for v in meta.variables}
    for name in named:
        if name not in files:
            yield "variable", f"{group.name}.{name}", "described, and the file has no such variable"
    for name in files:
        if name not in named:
            yield "variable", f"{group.name}.{name}", "in the file, and not described"
    common = [n for n in named if n in files]
    if common != [n for n in files if n in named]:
        yield "order", group.name, "the variables stand in another order in the file"
    for ref in refs:
        item = defined.items[ref.item]
        if item.name in files:
            yield from _variable(defined, group, ref, item, files[item.name], frame)


def _variable(
    defined: Defined, group: Group, ref: Ref, item: Item, file: VariableMeta, frame: pd.DataFrame
) -> Iterator[Fault]:
    where = f"{group.name}.{item.name}"
    values = frame[item.name]
    if item.label != file.label:
        yield "label", where, f"labelled {item.label!r} here and {file.label!r} in its file"
    if (file.type == "Num") != (item.type in NUMERIC):
        yield "type", where, f"{item.type} here and {file.type} in its file"
        return
    if item.type == "text" and item.length != file.length:
        yield "length", where, f"of length {item.length} here and {file.length} in its file"
    if ref.no_data == bool(values.notna().any()):
        yield (
            "data",
            where,
            "said to have no data, and it has" if ref.no_data else "without any value, which is not said",
        )
    yield from _held(defined, item, where, values, mandatory=ref.mandatory)
    for value_ref in defined.lists.get(item.values, []):
        value = defined.items.get(value_ref.item)
        if value is None or value_ref.where not in defined.wheres:
            continue
        mask = _mask(defined, defined.wheres[value_ref.where], frame, group)
        if mask is None:
            yield "where", value_ref.where, f"asks for a variable that {group.name} does not have"
        elif not mask.any():
            yield "where", value_ref.where, "no record is of this kind"
        else:
            yield from _held(defined, value, f"{where} {value.name}", values[mask], mandatory=value_ref.mandatory)


def _held(defined: Defined, item: Item, where: str, values: pd.Series, *, mandatory: bool) -> Iterator[Fault]:
    """Values against their type, length, decimals and terms."""
    if mandatory and values.isna().any():
        yield "mandatory", where, f"{int(values.isna().sum())} records have no value, though one is mandatory"
    distinct = values.dropna().unique()
    texts = [number_text(v) for v in distinct] if values.dtype == float else [str(v) for v in distinct]
    wrong = [t for t in texts if not conforms(item.type, t)]
    if wrong:
        yield "type", where, f"not of type {item.type}: {_shown(wrong)}"
    elif item.type in (*NUMERIC, "text") and item.length is not None:
        long = [t for t in texts if len(t.encode()) > item.length]
        if long:
            yield "length", where, f"longer than {item.length}: {_shown(long)}"
        if item.type == "float" and item.digits is not None:
            fine = [t for t in texts if NUMBER.fullmatch(t) and len(t.partition(".")[2]) > item.digits]
            if fine:
                yield "digits", where, f"more than {item.digits} decimals: {_shown(fine)}"
    terms = defined.codelists.get(item.codelist)
    if terms is not None and terms.dictionary is None:
        strange = [t for t in texts if t not in terms.values]
        if strange:
            yield "codelist", where, f"not in {terms.oid}: {_shown(strange)}"


def _mask(
    defined: Defined, checks: list[Check], frame: pd.DataFrame, group: Group
) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    """Records for which all comparisons hold; None where one speaks of another dataset's variable."""
    own = {r.item for r in group.refs}
    mask = np.ones(len(frame), dtype=bool)
    for item, comparator, values in checks:
        if item not in own or item not in defined.items or defined.items[item].name not in frame:
            return None
        column = frame[defined.items[item].name]
        texts = column.map(number_text, na_action="ignore") if column.dtype == float else column
        inside = texts.isin(values).to_numpy(dtype=bool)
        if comparator in ("EQ", "IN"):
            mask &= inside
        elif comparator in ("NE", "NOTIN"):
            mask &= ~inside
        else:
            numbers, limit = column.astype(float).to_numpy(), float(values[0])
            held = {"LT": numbers < limit, "LE": numbers <= limit, "GT": numbers > limit, "GE": numbers >= limit}
            mask &= held[comparator]
    return mask


def _shown(values: list[str]) -> str:
    shown = ", ".join(repr(v) for v in sorted(values)[:MOST_SHOWN])
    return shown + (f" and {len(values) - MOST_SHOWN} more" if len(values) > MOST_SHOWN else "")
