"""Two datasets held against one another: records, variables, attributes and values, with what the differences share.

Nothing here reads a file or asks a study; `compare_frames` takes data frames, `compare_sides` whatever gives columns.
The result does not depend on the order of the records.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import CommandError, Place, Problem
from formats.metadata import DatasetMeta
from formats.missing import letter_bytes
from validators.comparison_attributes import KINDS, Attribute, attributes, unknown
from validators.comparison_columns import FrameSide, Kept, Rows, Side, common, shown_texts
from validators.comparison_keys import Aligned, align, propose
from validators.comparison_moments import moment_of, shown_numbers
from validators.comparison_values import (
    Changed,
    Tolerances,
    compare_variable,
    ordered,
)

GIVEN, SPEC, PROPOSED = "given", "of the spec", "proposed"


@dataclass(frozen=True, slots=True)
class Choice:
    """How to compare: tolerances by variable, kinds of attributes that decide nothing, variables left out."""

    tolerances: Tolerances = field(default_factory=dict)
    ignore: Collection[str] = ()
    without: Collection[str] = ()


@dataclass(slots=True)
class Doubled:
    """Keys that a side has more than once: their values as people read them, and how many records each side has."""

    keys: tuple[str, ...]
    base: int
    qc: int


@dataclass(slots=True)
class Records:
    """Records without a counterpart, in the order of their keys: positions, and the keys as people read them."""

    rows: Rows
    keys: list[tuple[str, ...]]


@dataclass(slots=True)
class Comparison:
    """What two datasets share and where they differ; positions count from 0."""

    name: str
    base: Side
    qc: Side
    keys: list[str]
    keys_are: str
    paired: int
    only_base: Records
    only_qc: Records
    doubled: list[Doubled]
    only_in_base: list[str]
    only_in_qc: list[str]
    attributes: list[Attribute]
    changed: list[Changed]
    ignored: frozenset[str]
    notes: list[str]
    record_keys: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)

    @property
    def differing(self) -> list[Changed]:
        """The variables whose values differ."""
        return [c for c in self.changed if c.records]

    @property
    def deciding(self) -> list[Attribute]:
        """The attributes that differ and decide."""
        return [a for a in self.attributes if a.kind not in self.ignored]

    @property
    def same(self) -> bool:
        """Whether nothing differs that decides."""
        alone = len(self.only_base.rows) or len(self.only_qc.rows) or self.only_in_base or self.only_in_qc
        return not (alone or self.deciding or self.differing)


def compare_frames(
    base: pd.DataFrame,
    qc: pd.DataFrame,
    keys: Sequence[str] | None = None,
    *,
    name: str = "",
    base_meta: DatasetMeta | None = None,
    qc_meta: DatasetMeta | None = None,
    choice: Choice | None = None,
) -> Comparison:
    """Compare two data frames.

    Args:
        base, qc: n and m records. Text as `str`, numbers as float64 (others are turned into it).
        keys: variables that identify a record; proposed when None; empty: the first record with the first.
        base_meta, qc_meta: what is known of them; types alone where None.

    Raises:
        CommandError: a key is not a variable of both, or no variable is.
    """
    sides = FrameSide(base, base_meta, name or "BASE"), FrameSide(qc, qc_meta, name or "QC")
    return compare_sides(*sides, keys, name=name, choice=choice)


def compare_sides(
    base: Side, qc: Side, keys: Sequence[str] | None = None, *, keys_are: str = GIVEN, name: str = "",
    choice: Choice | None = None,
) -> Comparison:
    """As compare_frames, of anything that gives columns; `keys_are` says where the keys come from."""
    choice = choice or Choice()
    both = common(base, qc)
    if not both:
        raise CommandError(Problem("no variable in common: nothing can be compared", Place(name or base.meta.name),
                                   found=f"BASE {_some(base.names)}; QC {_some(qc.names)}",
                                   do="write the names in the same case in both" if _cases(base, qc) else ""))
    if keys is None:
        keys, keys_are = propose(base, qc), PROPOSED
    base, qc = Kept(base, keys), Kept(qc, keys)
    pairs = align(base, qc, keys)
    notes = unknown(base.meta, qc.meta)
    left_out = [n for n in (*base.names, *(n for n in qc.names if n not in both)) if n in choice.without]
    if left_out:
        notes.append(f"left out as asked: {', '.join(left_out)}")
    cases = _cases(base, qc)
    if cases:
        notes.append(f"names that differ in case alone are other variables: {_some(cases)}")
    for names, count in pairs.but_for.items():
        pair = f"{count:,} records pair" if count > 1 else "1 record pairs"
        notes.append(f"{pair} when {' and '.join(names)} {'is' if len(names) == 1 else 'are'} left aside: "
                     f"{'it differs' if len(names) == 1 else 'they differ'}")
    aside = {name for names in pairs.but_for for name in names}
    asked = [n for n in both if (n not in keys or n in aside) and n not in choice.without]
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:  # more would hold more columns at once
        changed = list(pool.map(lambda n: _compared(base, qc, n, pairs, choice), asked))
    told = _Keys(base, qc, keys)
    changed = [_sorted(c, told) if c.records else c for c in changed]
    if len(pairs.qc) and (np.diff(pairs.qc) < 0).any():
        notes.append("the records stand in another order: they were paired by their keys")
    comparison = Comparison(
        name or base.meta.name, base, qc, list(keys), keys_are, len(pairs.base),
        _alone(pairs.only_base, told, 0), _alone(pairs.only_qc, told, 1), _doubled(pairs, told),
        [n for n in base.names if n not in both and n not in choice.without],
        [n for n in qc.names if n not in both and n not in choice.without],
        list(attributes(base, qc, choice.without)), [c for c in changed if c.records or c.notes],
        frozenset(choice.ignore) & frozenset(KINDS), notes)
    comparison.record_keys = {c.name: told.shown(c.base_rows, 0) for c in comparison.differing}
    return comparison


def _compared(base: Kept, qc: Kept, name: str, pairs: Aligned, choice: Choice) -> Changed:
    """One variable; its columns are let go."""
    changed = compare_variable(base, qc, name, pairs.base, pairs.qc, choice.tolerances)
    for side in (base, qc):
        if name not in side.keys:
            side.drop(name)
    return changed


def _sorted(changed: Changed, names: _Keys) -> Changed:
    """In the order of the keys, records with the same keys by their values."""
    values = [pd.factorize(pd.Series(v), sort=True)[0] for v in (changed.base_values, changed.qc_values)]
    return ordered(changed, np.lexsort([values[1], values[0], *names.ranks(changed.base_rows, 0)[::-1]]))


class _Keys:
    """The keys of records, for sorting and for people."""

    def __init__(self, base: Side, qc: Side, names: Sequence[str]) -> None:
        self._sides = base, qc
        self.names = list(names)
        self._columns: dict[str, list[tuple[NDArray, NDArray]]] = {}

    def ranks(self, rows: Rows, side: int) -> list[NDArray]:
        """Of each key, numbers that sort as its values do: missing first, texts by code point."""
        return [self._column(n)[side][1][self._column(n)[side][0][rows]] for n in self.names]

    def shown(self, rows: Rows, side: int) -> list[tuple[str, ...]]:
        """The keys of some records as people read them."""
        if not self.names:
            return [() for _ in range(len(rows))]
        columns = []
        for name in self.names:
            data = self._sides[side]
            if data.is_text(name):
                held = data.texts(name)
                columns.append(shown_texts(held.values, held.codes[rows]))
            else:
                columns.append(shown_numbers(data.numbers(name)[rows], moment_of(*self._sides, name)))
        return list(zip(*columns, strict=True))

    def _column(self, name: str) -> list[tuple[NDArray, NDArray]]:
        """Of each side: codes of its records, and the rank of each code (the last one is of missing)."""
        if name not in self._columns:
            self._columns[name] = [_ranked(side, name) for side in self._sides]
        return self._columns[name]


def _ranked(side: Side, name: str) -> tuple[NDArray, NDArray]:
    if side.is_text(name):
        held = side.texts(name)
        texts = held.values.to_pylist()
        order = sorted(range(len(texts)), key=texts.__getitem__)
        codes = held.codes
    else:
        values = side.numbers(name)
        codes, distinct = pd.factorize(values)
        letters = letter_bytes(values)
        if letters.any():  # special missing values after the ordinary one
            codes = np.where(letters > 0, len(distinct) + letters, codes)
            distinct = np.concatenate([distinct, np.full(128, -np.inf)])
        order = np.argsort(distinct, kind="stable").tolist()
    ranks = np.full(len(order) + 1, -1, dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return codes, ranks


def _alone(rows: Rows, names: _Keys, side: int) -> Records:
    if not len(rows):
        return Records(rows, [])
    if names.names:
        rows = rows[np.lexsort(names.ranks(rows, side)[::-1])]
    return Records(rows, names.shown(rows, side))


def _doubled(pairs: Aligned, names: _Keys) -> list[Doubled]:
    """The keys that occur more than once on a side, in their order."""
    if not len(pairs.doubled):
        return []
    found: list[Doubled] = []
    count = int(max(g.max(initial=-1) for g in pairs.groups)) + 1
    sizes = [np.bincount(g, minlength=count) for g in pairs.groups]
    for side in (0, 1):  # a key that BASE has is told by BASE
        group = pairs.groups[side]
        first = np.full(count, -1, dtype=np.int64)
        first[group[::-1]] = np.arange(len(group))[::-1]
        told = pairs.doubled[(first[pairs.doubled] >= 0) & ((side == 0) | (sizes[0][pairs.doubled] == 0))]
        rows = first[told]
        if len(rows):
            order = np.lexsort(names.ranks(rows, side)[::-1]) if names.names else np.arange(len(rows))
            keys = names.shown(rows[order], side)
            found += [Doubled(k, int(sizes[0][g]), int(sizes[1][g])) for k, g in zip(keys, told[order], strict=True)]
    return found


def _cases(base: Side, qc: Side) -> list[str]:
    """Names of one dataset that the other has in another case alone: `AVAL and aval`."""
    there = {n.upper(): n for n in qc.names if n not in base.names}
    return [f"{n} and {there[n.upper()]}" for n in base.names if n not in qc.names and n.upper() in there]


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "") if listed else "none"
