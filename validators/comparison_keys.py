"""Which record of one dataset answers which of the other: by keys given, or by keys that are proposed.

Records pair where all keys agree, missing with missing. Where several records of a side have the same keys, those that
agree in every common variable pair first, then those that agree in the most (`PAIRINGS` pairs are looked at, then the
order of their values decides). So one record too many is one difference.

Of the records that are left, those pair that agree in all keys but one, if no other record does on either side and
most of the other values agree (ALIKE): the key itself then differs, which is said of it. Then those that differ in
the commonest such key and one more. What is still left has no counterpart.

Sources: standard/key_variables.csv, the variables that identify records, by SDTM's and ADaM's roles.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import CommandError, Place, Problem, nearest
from formats.missing import letter_bytes
from validators.comparison_columns import (
    Codes,
    Kept,
    Rows,
    Side,
    common,
    joined_numbers,
    mixed_numbers,
    shown_texts,
)
from validators.comparison_moments import as_texts, joined_column

ALIKE = 0.8  # of the variables that are no keys, for records that differ in a key
PAIRINGS = 200_000  # pairs of records with the same keys that are held against one another
Pair = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Aligned:
    """Records that pair, those of one side alone, and those with keys that a side has more than once.

    `base` and `qc` are positions of the paired records, side by side, in the order of `base`; `groups` numbers the
    distinct keys of each side's records, `doubled` are those that a side has more than once; `but_for` counts the
    pairs that differ in one or two of the keys, by those keys.
    """

    base: Rows
    qc: Rows
    only_base: Rows
    only_qc: Rows
    groups: Pair
    doubled: NDArray[np.int64]
    but_for: dict[tuple[str, ...], int]


def align(base: Side, qc: Side, keys: Sequence[str], *, near: bool = True) -> Aligned:
    """Pair the records; without keys the first with the first. `near`: also those that differ in one key.

    Raises:
        CommandError: a key is not a variable of both.
    """
    absent(base, qc, keys)
    if not keys:
        return _by_position(base.records, qc.records)
    groups, count = _groups(base, qc, keys)
    mine, theirs = (np.bincount(g, minlength=count) for g in groups)
    doubled = np.flatnonzero((mine > 1) | (theirs > 1))
    at = np.full(count, -1, dtype=np.int64)
    at[groups[1]] = np.arange(qc.records)
    single = (mine <= 1) & (theirs <= 1)
    found = at[groups[0]]
    alone = single[groups[0]] & (found >= 0)
    pairs = [(np.flatnonzero(alone), found[alone])]
    if len(doubled):
        pairs += _within(base, qc, keys, groups, doubled[(mine[doubled] > 0) & (theirs[doubled] > 0)])
    rows, others = (np.concatenate(part) for part in zip(*pairs, strict=True))
    but_for: dict[tuple[str, ...], int] = {}
    values = [n for n in common(base, qc) if n not in keys]
    left: tuple[str, ...] = ()  # the key that most records differ in
    for _ in range(2 if near else 0):
        rest = _rest(rows, base.records), _rest(others, qc.records)
        narrower = [k for k in keys if k not in left]
        found_now = list(_but_for_one(base, qc, narrower, values, *rest)) if len(narrower) > 1 else []
        for key, mine_too, theirs_too in found_now:
            but_for[(*left, key)] = len(mine_too)
            rows, others = np.concatenate([rows, mine_too]), np.concatenate([others, theirs_too])
        if not found_now:
            break
        left = (found_now[0][0],)
    if len(doubled) or but_for:
        order = np.argsort(rows, kind="stable")
        rows, others = rows[order], others[order]
    return Aligned(rows, others, _rest(rows, base.records), _rest(others, qc.records), groups, doubled, but_for)


def _by_position(mine: int, theirs: int) -> Aligned:
    """The first record with the first."""
    both, none = np.arange(min(mine, theirs)), np.empty(0, dtype=np.int64)
    return Aligned(both, both, np.arange(len(both), mine), np.arange(len(both), theirs),
                   (np.arange(mine), np.arange(theirs)), none, {})


def absent(base: Side, qc: Side, keys: Iterable[str]) -> None:
    """CommandError when a key is not a variable of both."""
    problems = []
    for key in keys:
        for word, side in (("BASE", base), ("QC", qc)):
            if key not in side.names:
                problems.append(Problem(f"{word} has no variable {key}, which is a key", Place(side.meta.name or word),
                                        nearest=nearest(key, side.names), do="name the keys:  --keys A,B"))
    if problems:
        raise CommandError(problems)


def propose(base: Side, qc: Side) -> list[str]:
    """The smallest sensible set of variables that is unique in both.

    Variables that identify records by the standards come first, by their rank; then other texts and whole numbers.
    As soon as those so far are unique, the superfluous ones are taken out, last first. Where no set is unique, the
    one that tells the most records apart. Two orders are tried, sequence numbers late and early, since a date may
    have changed or the records may be numbered anew: the set under which more values agree is taken.

    Returns:
        Names; empty when the datasets have no variable in common.
    """
    places = {n: min(base.names.index(n), qc.names.index(n)) for n in common(base, qc)}
    late = sorted(places, key=lambda n: (rank(n), places[n], n))
    early = sorted(late, key=lambda n: int(rank(n)) not in (1, SEQUENCE))
    held: dict[str, Pair] = {}
    sets = [_smallest(base, qc, names, held) for names in (late, early)]
    if sets[0] == sets[1]:
        return sets[0]
    agree = [_agreeing(base, qc, names) for names in sets]
    return sets[0] if agree[0] >= agree[1] else sets[1]


def _smallest(base: Side, qc: Side, names: list[str], held: dict[str, Pair]) -> list[str]:
    """The first of these variables, in their order, that are unique in both; none of them superfluous."""
    found = _Unique(base, qc, held)
    chosen: list[str] = []
    for name in names:
        if rank(name) >= OTHER and not found.whole(name):
            continue
        if found.adds(name):
            chosen.append(name)
            if found.unique:
                break
    most = found.distinct
    for name in reversed(chosen[:]):
        fewer = [n for n in chosen if n != name]
        if fewer and found.tells_apart(fewer) == most:
            chosen = fewer
    return chosen or names[:1]


def _agreeing(base: Side, qc: Side, keys: list[str]) -> int:
    """How many values agree when records are paired by these keys."""
    pairs = align(base, qc, keys, near=False)
    count = 0
    for name in common(base, qc):
        mine, theirs, _ = joined_column(base, qc, name)
        count += int((mine[pairs.base] == theirs[pairs.qc]).sum())
    return count


SEQUENCE = 4  # rank of sequence numbers
OTHER = 9  # rank of variables that the standards do not name as identifying


@cache
def _patterns() -> list[tuple[int, re.Pattern[str], int]]:
    path = Path(__file__).with_name("standard") / "key_variables.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(int(r["rank"]), re.compile(r["pattern"]), n) for n, r in enumerate(rows)]


def rank(name: str) -> float:
    """How early a variable is tried as a key: 1 first, OTHER last; in the order of the list within a rank."""
    for level, pattern, place in _patterns():
        if pattern.fullmatch(name.upper()):
            return level + place / 1000
    return OTHER


class _Unique:
    """How many records the variables so far tell apart, in both datasets."""

    def __init__(self, base: Side, qc: Side, held: dict[str, Pair]) -> None:
        self._sides = base, qc
        self._held = held
        self._so_far = tuple(np.zeros(side.records, dtype=np.int64) for side in (base, qc))
        self.distinct = tuple(min(side.records, 1) for side in (base, qc))

    @property
    def unique(self) -> bool:
        return self.distinct == (self._sides[0].records, self._sides[1].records)

    def whole(self, name: str) -> bool:
        """Whether a variable is text, or whole numbers."""
        held = [side.numbers(name) for side in self._sides if not side.is_text(name)]
        return all(np.array_equal(values, np.floor(values), equal_nan=True) for values in held)

    def adds(self, name: str) -> bool:
        """Take in a variable, if it tells further records apart."""
        made = [_combined([so_far, codes]) for so_far, codes in zip(self._so_far, self._codes(name), strict=True)]
        counts = tuple(count for _, count in made)
        if sum(counts) <= sum(self.distinct):
            return False
        self._so_far, self.distinct = tuple(codes for codes, _ in made), counts
        return True

    def tells_apart(self, names: Sequence[str]) -> tuple[int, ...]:
        """How many records these variables alone tell apart."""
        columns = [self._codes(n) for n in names]
        return tuple(_combined([c[side] for c in columns])[1] for side in (0, 1))

    def _codes(self, name: str) -> Pair:
        if name not in self._held:
            mine, theirs, _ = joined_column(*self._sides, name)
            self._held[name] = (mine.astype(np.int64), theirs.astype(np.int64))
        return self._held[name]


def _groups(base: Side, qc: Side, keys: Sequence[str]) -> tuple[Pair, int]:
    """The number of each record's keys, the same on both sides, and how many there are."""
    both = []
    for key in keys:
        mine, theirs, _ = joined_column(base, qc, key)
        both.append(np.concatenate([mine, theirs]).astype(np.int64))
    codes, count = _combined(both)
    return (codes[: base.records], codes[base.records :]), count


def _combined(columns: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], int]:
    """Several codes as one, from 0 without gaps, and how many there are."""
    whole, room = np.zeros(len(columns[0]), dtype=np.int64), 1
    for codes in columns:
        size = int(codes.max(initial=-1)) + 2
        if room > 2**62 // size:
            whole, room = _dense(whole, room)
        whole = whole * size + (codes + 1)
        room *= size
    return _dense(whole, room)


def _dense(codes: NDArray[np.int64], room: int) -> tuple[NDArray[np.int64], int]:
    if room <= 8 * len(codes) + 1024:  # few enough to be counted one by one
        seen = np.zeros(room, dtype=bool)
        seen[codes] = True
        return (np.cumsum(seen) - 1)[codes], int(seen.sum())
    dense, distinct = pd.factorize(codes)
    return dense.astype(np.int64, copy=False), len(distinct)


def _rest(rows: Rows, count: int) -> Rows:
    free = np.ones(count, dtype=bool)
    free[rows] = False
    return np.flatnonzero(free)


def _but_for_one(
    base: Side, qc: Side, keys: Sequence[str], names: Sequence[str], mine: Rows, theirs: Rows
) -> Iterator[tuple[str, Rows, Rows]]:
    """Of the records that are left, those that agree in all keys but one; by that key, the commonest first.

    `names` are the variables that are no keys.
    """
    if not len(mine) or not len(theirs):
        return
    codes = {}
    for key in keys:
        one, other, _ = joined_column(base, qc, key)
        codes[key] = np.concatenate([one[mine], other[theirs]]).astype(np.int64)
    found = []
    for key in keys:
        whole, count = _combined([codes[k] for k in keys if k != key])
        groups = whole[: len(mine)], whole[len(mine) :]
        once = np.logical_and.reduce([np.bincount(g, minlength=count) == 1 for g in groups])
        places = np.full(count, -1, dtype=np.int64)
        places[groups[1]] = np.arange(len(theirs))
        at = np.flatnonzero(once[groups[0]])
        found.append((key, at, places[groups[0][at]]))
    found = [each for each in found if len(each[1])]
    if not found:
        return
    same = {key: np.zeros(len(at), dtype=np.int64) for key, at, _ in found}
    for name in names:
        one, other = _ranked(base, qc, name, mine, theirs)
        for key, at, to in found:
            same[key] += one[at] == other[to]
    found = [(key, at[same[key] >= ALIKE * len(names)], to[same[key] >= ALIKE * len(names)]) for key, at, to in found]
    free = np.ones(len(mine), dtype=bool), np.ones(len(theirs), dtype=bool)
    for key, at, to in sorted(found, key=lambda each: -len(each[1])):
        still = free[0][at] & free[1][to]
        free[0][at[still]] = free[1][to[still]] = False
        if still.any():
            yield key, mine[at[still]], theirs[to[still]]


def _within(base: Side, qc: Side, keys: Sequence[str], groups: Pair, doubled: NDArray[np.int64]) -> list[Pair]:
    """Pairs of records that have the same keys several times."""
    mine, theirs = (np.flatnonzero(np.isin(g, doubled)) for g in groups)
    if not len(mine) or not len(theirs):
        return []
    names = [n for n in common(base, qc) if n not in keys]
    for side in (base, qc):
        if isinstance(side, Kept):
            side.keep |= set(names)  # they will be compared next
    values = [_ranked(base, qc, n, mine, theirs) for n in names]
    left = np.column_stack([groups[0][mine], *(v[0] for v in values)])
    right = np.column_stack([groups[1][theirs], *(v[1] for v in values)])
    pairs = [_alike(left, right, mine, theirs)]
    free = _free(mine, pairs[0][0]), _free(theirs, pairs[0][1])
    rest = _closest(left[free[0]], right[free[1]])
    pairs.append((mine[free[0]][rest[0]], theirs[free[1]][rest[1]]))
    return pairs


def _ranked(base: Side, qc: Side, name: str, mine: Rows, theirs: Rows) -> tuple[Codes, Codes]:
    """The values of some records as ranks, so that their order does not depend on that of the file."""
    mixed = mixed_numbers(base, qc, name) if base.is_text(name) != qc.is_text(name) else None
    if mixed is None and (base.is_text(name) or qc.is_text(name)):
        held = as_texts(base, qc, name)
        some = [each.codes[rows] for each, rows in zip(held, (mine, theirs), strict=True)]
        used = [np.unique(codes[codes >= 0]) for codes in some]
        texts = [shown_texts(each.values, codes) for each, codes in zip(held, used, strict=True)]
        place = {text: n for n, text in enumerate(sorted({*texts[0], *texts[1]}))}
        ranks = []
        for each, codes, known, told in zip(held, some, used, texts, strict=True):
            table = np.full(len(each.values) + 1, -1, dtype=np.int32)
            table[known] = [place[text] for text in told]
            ranks.append(table[codes])
        return ranks[0], ranks[1]
    numbers = mixed or (base.numbers(name), qc.numbers(name))
    one, other, distinct = joined_numbers(numbers[0][mine], numbers[1][theirs])
    order = np.lexsort([distinct, letter_bytes(distinct)])
    table = np.full(len(distinct) + 1, -1, dtype=np.int32)
    table[order] = np.arange(len(distinct), dtype=np.int32)
    table[:-1][np.isnan(distinct) & (letter_bytes(distinct) == 0)] = -1
    return table[one], table[other]


def _alike(left: NDArray, right: NDArray, mine: Rows, theirs: Rows) -> Pair:
    """Records that agree in everything, the first with the first, the second with the second."""
    numbered = pd.DataFrame(np.vstack([left, right]))
    group = numbered.groupby(list(numbered.columns), sort=False, dropna=False).ngroup()
    parts = []
    for part, rows in ((group[: len(left)], mine), (group[len(left) :], theirs)):
        which = part.groupby(part).cumcount()
        parts.append(pd.DataFrame({"group": part.to_numpy(), "which": which.to_numpy(), "row": rows}))
    both = parts[0].merge(parts[1], on=["group", "which"], validate="one_to_one")
    return both["row_x"].to_numpy(), both["row_y"].to_numpy()


def _free(rows: Rows, taken: Rows) -> NDArray[np.bool_]:
    return ~np.isin(rows, taken)


def _closest(left: NDArray, right: NDArray) -> Pair:
    """Of the rest, within each group: those that agree in the most variables, ties and large groups by their values."""
    order = [np.lexsort(part.T[::-1]) for part in (left, right)]
    left, right = left[order[0]], right[order[1]]
    if _pairings(left, right) > PAIRINGS:
        return _by_order(left, right, order)
    rows: list[int] = []
    others: list[int] = []
    for group in np.intersect1d(left[:, 0], right[:, 0]):
        here, there = (slice(*np.searchsorted(part[:, 0], [group, group + 1])) for part in (left, right))
        score = (left[here][:, None, :] == right[there][None, :, :]).sum(axis=2)
        ways = np.indices(score.shape).reshape(2, -1)
        for flat in np.lexsort([ways.sum(axis=0), -score.ravel()]).tolist():  # the same from either side
            one, other = ways[:, flat]
            if score[one, other] >= 0:
                rows.append(int(order[0][here.start + one]))
                others.append(int(order[1][there.start + other]))
                score[one, :] = -1
                score[:, other] = -1
    return np.array(rows, dtype=np.int64), np.array(others, dtype=np.int64)


def _pairings(left: NDArray, right: NDArray) -> int:
    mine, theirs = pd.Series(left[:, 0]).value_counts(), pd.Series(right[:, 0]).value_counts()
    return int((mine * theirs).sum())


def _by_order(left: NDArray, right: NDArray, order: list[NDArray]) -> Pair:
    """The first with the first, the second with the second of each group, in the order of their values."""
    parts = []
    for part, rows in zip((left, right), order, strict=True):
        group = pd.Series(part[:, 0])
        parts.append(pd.DataFrame({"group": group, "which": group.groupby(group).cumcount(), "row": rows}))
    both = parts[0].merge(parts[1], on=["group", "which"], validate="one_to_one")
    return both["row_x"].to_numpy(), both["row_y"].to_numpy()
