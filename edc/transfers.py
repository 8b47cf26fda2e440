"""Two transfers of one study's raw export: which records are new, gone or changed, and in which fields.

A record of a form is known by its subject and the number that the EDC system gave it, one of a vendor by the keys of
the source. Numbers of log lines move when a line is deleted or put in between; so records are paired in this order, and
the first that applies wins: the same number and the same content; the same content under another number; of what is
left of a subject, those that agree the most, at least in half of what they say, the same number deciding between
equals; the same number or keys (the subject, of one record for each), whatever the content. What then has no partner
is new or gone. Two equal records are paired one by one. Values are compared as they were received.

Sources: architecture, "edc"; ICH E6(R3) section 4.2.2 (every change of data can be told from the audit trail).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from edc.export import RawExport
from engine.errors import CommandError, Problem
from engine.run.identity import RawTable
from engine.spec.sources import RawSpec

MOST_ALIKE = 250_000  # pairs of records of one subject that are looked at; of more, only numbers and keys count
Kind = Literal["new", "gone", "changed"]
Field = tuple[str, str, str]  # name, as it was, as it is; '' for nothing entered


@dataclass(slots=True)
class RawChange:
    """One record that the transfers do not agree in.

    `key` identifies it by the layout of the export; `fields` hold what changed, of a new or gone record all that is
    filled; `before` and `after` are file and line, '' where it is not there. `marked`: a gone record that the second
    transfer still holds, marked as deleted.
    """

    kind: Kind
    source: str
    subject: str
    key: str
    fields: list[Field]
    before: str = ""
    after: str = ""
    marked: str = ""

    @property
    def names(self) -> set[str]:
        """The fields that changed; of a new or gone record every one."""
        return {name for name, _, _ in self.fields}


@dataclass(slots=True)
class Compared:
    """What two transfers do not agree in, and which records of one are which of the other."""

    changes: list[RawChange] = field(default_factory=list)
    renumbered: dict[str, int] = field(default_factory=dict)  # by source: records that only their number tells apart
    records: dict[str, tuple[int, int]] = field(default_factory=dict)  # by source: how many in each
    pairs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # by source: file and line in each


def compare_transfers(raw: RawSpec, one: RawExport, other: RawExport) -> Compared:
    """Compare two exports of one layout.

    Raises:
        CommandError: a source has other columns in one than in the other.
    """
    found = Compared()
    problems = []
    for name in sorted({*one.tables, *other.tables}):
        tables = [e.tables.get(name) for e in (one, other)]
        known = next(t for t in tables if t is not None)
        old, new = (t if t is not None else _empty(known) for t in tables)
        if set(old.frame.columns) != set(new.frame.columns):
            only = [", ".join(sorted(map(str, set(a.frame.columns) - set(b.frame.columns)))) for a, b in
                    ((old, new), (new, old))]
            problems.append(Problem(f"{name} has other columns in the two transfers",
                                    found=f"only in the first: {only[0] or '-'}; only in the second: {only[1] or '-'}",
                                    do="describe the columns of both in the study's layout of the export"))
            continue
        _compare(raw, name, old, new, other.dropped.get(name), found)
    if problems:
        raise CommandError(problems)
    return found


def _compare(raw: RawSpec, name: str, old: RawTable, new: RawTable, dropped: RawTable | None, found: Compared) -> None:
    found.records[name] = (len(old.frame), len(new.frame))
    if old.frame.equals(new.frame):
        found.pairs[name] = [(_place(old, i), _place(new, i)) for i in range(len(old.frame))]
        return
    vendor, roles = raw.vendors.get(name), raw.roles
    numbers = [n for n in (roles.record, roles.form_repeat) if n] if vendor is None else []
    subject = (vendor.subject if vendor is not None else roles.subject) or ""
    keys = list(vendor.keys) if vendor is not None else [subject, roles.record] if roles.record else []
    apart = {*numbers, *((vendor.file_column, vendor.sheet_column) if vendor is not None else (roles.status,))}
    content = [str(c) for c in old.frame.columns if c not in apart]
    own = [c for c in content if c != subject and (vendor is not None or c not in raw.common)]
    texts = [t.frame.astype("str").fillna("").reset_index(drop=True) for t in (old, new)]
    if not keys and subject and all(text[subject].is_unique for text in texts):
        keys = [subject]
    rests = [np.arange(len(t)) for t in texts]
    pairs: list[tuple[int, int]] = []
    renumbered = 0
    for by in ([*content, *numbers], content) if numbers else (content,):
        same = _equal(texts, rests, by)
        renumbered += len(same) if numbers and by is content else 0
        pairs += same
        rests = [np.setdiff1d(r, [p[side] for p in pairs]) for side, r in enumerate(rests)]
    changed = [] if not all(map(len, rests)) else _alike(texts, rests, subject or (keys[0] if keys else ""), own, keys)
    rests = [np.setdiff1d(r, [p[side] for p in changed]) for side, r in enumerate(rests)]
    if keys:
        more = _equal(texts, rests, keys)
        changed += more
        rests = [np.setdiff1d(r, [p[side] for p in more]) for side, r in enumerate(rests)]
    if renumbered:
        found.renumbered[name] = renumbered
    found.pairs[name] = [(_place(old, i), _place(new, j)) for i, j in [*pairs, *changed]]
    shown = [c for c in content if c in own or c == roles.visit]
    told = [k for k in (keys if keys else content[:3]) if k != subject]
    for i, j in sorted(changed):
        fields = [(c, texts[0][c].iloc[i], texts[1][c].iloc[j]) for c in (*content, *numbers)
                  if texts[0][c].iloc[i] != texts[1][c].iloc[j]]
        found.changes.append(RawChange("changed", name, _of(texts[0], subject, i), _key(texts[0], told, i), fields,
                                       _place(old, i), _place(new, j)))
    for i in rests[0].tolist():
        fields = [(c, texts[0][c].iloc[i], "") for c in shown if texts[0][c].iloc[i]]
        marked = _marked(dropped, texts[0], keys, i)
        found.changes.append(RawChange("gone", name, _of(texts[0], subject, i), _key(texts[0], told, i), fields,
                                       _place(old, i), marked=marked))
    for j in rests[1].tolist():
        fields = [(c, "", texts[1][c].iloc[j]) for c in shown if texts[1][c].iloc[j]]
        found.changes.append(RawChange("new", name, _of(texts[1], subject, j), _key(texts[1], told, j), fields,
                                       after=_place(new, j)))


def _equal(texts: list[pd.DataFrame], rests: list[np.ndarray], by: list[str]) -> list[tuple[int, int]]:
    """Records that agree in all of `by`, the first with the first where several do."""
    parts = []
    for side, (text, rest) in enumerate(zip(texts, rests, strict=True)):
        frame = text.iloc[rest][by].copy()
        frame["\x00nth"] = frame.groupby(by, sort=False).cumcount()
        frame[f"\x00row{side}"] = rest
        parts.append(frame)
    both = parts[0].merge(parts[1], on=[*by, "\x00nth"])
    return list(zip(both["\x00row0"].tolist(), both["\x00row1"].tolist(), strict=True))


def _alike(
    texts: list[pd.DataFrame], rests: list[np.ndarray], group: str, own: list[str], keys: list[str]
) -> list[tuple[int, int]]:
    """Of each subject's records without a partner, those that agree the most: in half of what they say or more.

    A value that many records of the source hold says little, one that few hold says much.
    """
    weights = _weights(texts, own)
    whose = [t[group].iloc[r].to_numpy() if group else np.full(len(r), "") for t, r in zip(texts, rests, strict=True)]
    found: list[tuple[int, int]] = []
    for who in sorted(set(whose[0].tolist()) & set(whose[1].tolist())):
        rows = [r[w == who] for r, w in zip(rests, whose, strict=True)]
        if len(rows[0]) * len(rows[1]) > MOST_ALIKE:
            continue
        cells = [t[own].iloc[r].to_numpy(dtype=object) for t, r in zip(texts, rows, strict=True)]
        says = [w[r] for w, r in zip(weights, rows, strict=True)]
        ids = [t[keys].iloc[r].to_numpy(dtype=object) for t, r in zip(texts, rows, strict=True)]
        ranked = []
        for i in range(len(rows[0])):
            same = np.where(cells[1] == cells[0][i], says[1], 0.0).sum(axis=1)
            whole = np.maximum(says[1].sum(axis=1), says[0][i].sum())
            for j in np.flatnonzero((same > 0) & (2 * same >= whole)).tolist():
                equal_keys = bool(keys) and bool((ids[0][i] == ids[1][j]).all())
                ranked.append((-round(float(same[j]), 9), not equal_keys, i, j))
        taken: tuple[set[int], set[int]] = (set(), set())
        for _, _, i, j in sorted(ranked):
            if i not in taken[0] and j not in taken[1]:
                taken[0].add(i)
                taken[1].add(j)
                found.append((int(rows[0][i]), int(rows[1][j])))
    return found


def _weights(texts: list[pd.DataFrame], own: list[str]) -> list[np.ndarray]:
    """How much each cell says of its record: the logarithm of how rare its value is there; 0 if empty."""
    whole = pd.concat([t[own] for t in texts], ignore_index=True)
    shares = {c: whole[c].value_counts(normalize=True) for c in own}
    return [np.column_stack([np.where(t[c] == "", 0.0, 1e-6 - np.log(t[c].map(shares[c]).to_numpy(dtype=float)))
                             for c in own]) if own else np.zeros((len(t), 0)) for t in texts]


def _empty(table: RawTable) -> RawTable:
    none = np.empty(0, dtype=np.int64)
    return RawTable(table.name, table.frame.iloc[:0], table.files, none, none, table.subject_column)


def _marked(dropped: RawTable | None, text: pd.DataFrame, keys: list[str], row: int) -> str:
    """Where the second transfer holds a record marked as deleted, by its number."""
    if dropped is None or not keys or not len(dropped.frame):
        return ""
    hits = np.logical_and.reduce([(dropped.frame[k] == text[k].iloc[row]).to_numpy(dtype=bool) for k in keys])
    return _place(dropped, int(np.flatnonzero(hits)[0])) if hits.any() else ""


def _place(table: RawTable, row: int) -> str:
    return f"{table.files[table.file_of[row]]} line {table.line[row]}"


def _of(text: pd.DataFrame, column: str, row: int) -> str:
    return str(text[column].iloc[row]) if column else ""


def _key(text: pd.DataFrame, names: list[str], row: int) -> str:
    return ", ".join(f"{n} {text[n].iloc[row]}" for n in names if text[n].iloc[row])
