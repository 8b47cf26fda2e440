"""What two raw transfers change: the raw records, and the tabulation and analysis values that move because of them.

Both exports are worked out in memory with the specs as they are now; nothing is published. A record of a dataset is the
same in both where its keys are, those left out that only number records; else where the raw records behind it are. Each
value that moved is followed to the raw cells that it comes from, in both (see engine.run.lineage), and those of them
that changed are its cause; of many moved values of one variable and subject the first few are followed. A value that
no such cell is behind is set beside the changed records of its subject, and said to be so.

Sources: architecture, "Lineage".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from edc.export import RawExport
from edc.transfers import Compared, RawChange, compare_transfers
from engine.errors import SpecError, TrialmillError
from engine.numbers import number_texts
from engine.run.at import At
from engine.run.build import start
from engine.run.execute import execute
from engine.run.lineage import Step, Tracer
from engine.run.looked import key_text
from engine.run.plan import Plan
from engine.run.run import Run
from engine.run.shown import MISSING, moment, shown
from engine.run.tables import Table
from engine.spec.catalogue import Catalogue
from engine.spec.dataset import DatasetSpec
from engine.spec.lint import lint
from engine.spec.refs import VariableRef
from engine.spec.sources import RawSpec
from engine.spec.study import Study, load_study
from trialmill.build import Tools, columns_of, undescribed
from trialmill.delivered import read_sources

MOST_TRACED = 2000  # moved values that are followed to raw cells in all
BY_CELL, BY_RECORD, BY_SUBJECT, NO_CAUSE = "raw cell", "raw record behind", "same subject", "none found"


@dataclass(slots=True)
class Move:
    """A value, or a record as a whole (`variable` empty), that the transfers do not agree in.

    `causes` are positions among the raw changes, `how` says what binds them to it.
    """

    dataset: str
    kind: str  # changed, new, gone
    subject: str
    keys: str
    variable: str
    before: str = ""
    after: str = ""
    causes: list[int] = field(default_factory=list)
    how: str = NO_CAUSE
    rows: tuple[int, int] = (-1, -1)


@dataclass(slots=True)
class Transfers:
    """Two transfers compared."""

    study: Study
    paths: tuple[str, str]
    raw: Compared
    moves: list[Move] = field(default_factory=list)
    renumbered: dict[str, int] = field(default_factory=dict)  # by variable: values that only number records
    people: dict[str, str] = field(default_factory=dict)  # subject number of the export to USUBJID
    blocking: tuple[int, int] = (0, 0)
    notes: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """Exit status: 0 the same, 1 different."""
        return int(bool(self.raw.changes or self.moves or self.raw.renumbered))


def transfers(
    folder: Path, one: Path, other: Path, carriers: tuple[str | None, str | None] = (None, None), each: int = 20
) -> Transfers:
    """Compare two raw exports of a study.

    Args:
        folder: the study. one, other: the earlier and the later export. carriers: of each, as for a build.
        each: how many moved values of a variable and subject are followed to raw cells.

    Raises:
        SpecError: the specs are wrong. CommandError, FileError: an export cannot be read, or has other columns.
    """
    study = load_study(folder)
    problems = lint(study)
    if problems:
        raise SpecError(problems)
    exports = [read_sources(study, path, carrier) for path, carrier in zip((one, other), carriers, strict=True)]
    problems = [p for e in exports if undescribed(study) for p in lint(study, columns_of(study, e))]
    if problems:
        raise SpecError(problems)
    found = Transfers(study, (str(one), str(other)), compare_transfers(study.raw, *exports))
    if not found.raw.changes and not found.raw.renumbered:
        return found
    runs = [_worked_out(study, export) for export in exports]
    found.blocking = (runs[0][1], runs[1][1])
    if any(found.blocking):
        told = " and ".join(f"{n} of the {w}" for n, w in zip(found.blocking, ("first", "second"), strict=True) if n)
        found.notes.append(f"blocking issues would stop a build ({told}); what could be worked out is compared")
    _Moves(found, runs[0][0], runs[1][0]).find(each)
    return found


def is_transfer(raw: RawSpec, folder: Path) -> bool:
    """Whether a folder holds a raw export of this layout: a carrier of the forms, or files of every needed vendor."""
    if not folder.is_dir():
        return False
    for carrier in raw.carriers.values():
        pattern = carrier.file or f"{carrier.folder}/{re.sub('{form}', '*', carrier.pattern, flags=re.IGNORECASE)}"
        if any(folder.glob(pattern)):
            return True
    needed = [vendor for vendor in raw.vendors.values() if not vendor.optional]
    return not raw.carriers and bool(needed) and all(any(folder.glob(vendor.files)) for vendor in needed)


def _worked_out(study: Study, export: RawExport) -> tuple[Run, int]:
    """All published datasets of a study in memory, and how many blocking issues there are."""
    run, issues = start(study, export.tables, Tools(study))
    run.issues.add(issues)
    plan = Plan(study.datasets)
    names = [d.name for package in study.file.packages for d in study.package(package) if not d.working]
    execute(run, plan, plan.order(plan.nodes_of(names)), Catalogue(study).type_of)
    return run, sum(issue.severity == "blocking" for issue in run.close_issues())


class _Moves:
    """Finds what moved between two runs, and why."""

    def __init__(self, found: Transfers, one: Run, other: Run) -> None:
        self.found, self.runs = found, (one, other)
        self.tracers = tuple(Tracer(run, whole=True) for run in self.runs)
        self.own = found.study.tables.keys() - one.tables.keys()  # tables that no transfer changes
        self.changed: tuple[dict[tuple[str, str], int], ...] = ({}, {})
        for number, change in enumerate(found.raw.changes):
            for side, place in enumerate((change.before, change.after)):
                if place:
                    self.changed[side][(change.source, place)] = number
        self.same = {(source, new): old for source, pairs in found.raw.pairs.items() for old, new in pairs}
        self.of_subject: dict[str, list[int]] = defaultdict(list)
        for number, change in enumerate(found.raw.changes):
            who = self._person(change)
            found.people[change.subject] = who
            self.of_subject[who].append(number)

    def find(self, each: int) -> None:
        study = self.found.study
        for package in study.file.packages:
            for spec in study.package(package):
                if spec.working:
                    continue
                tables = [run.tables.get(spec.name) for run in self.runs]
                if tables[0] is None or tables[1] is None:
                    self.found.notes.append(f"{spec.name} could not be worked out from both transfers")
                    continue
                self.found.moves += self._of(spec, tables[0], tables[1])
        self._explain(each)

    def _person(self, change: RawChange) -> str:
        for run, place in zip(self.runs, (change.before, change.after), strict=True):
            table = run.tables.get(change.source)
            if place and table is not None and table.filed:
                for row in _rows_at(table, place):
                    code = int(table.records.subject[row])
                    if code >= 0:
                        return str(run.people.columns["USUBJID"].iloc[code])
        return ""

    # -- what moved

    def _of(self, spec: DatasetSpec, one: Table, other: Table) -> Iterator[Move]:
        names = [n for n in (*spec.names, *spec.supplemental) if not n.startswith("_")]
        numbering = {n for n in names if is_numbering(self.found.study, spec.name, n)}
        names = [n for n in names if n in one.columns and n in other.columns]
        keys = [k for k in spec.keys if k not in numbering and k in names]
        frames = [_texts(run, table, [*names]) for run, table in zip(self.runs, (one, other), strict=True)]
        pairs, left, more = self._pairs(frames, keys, [n for n in names if n not in numbering], one, other)
        for name in numbering & set(names):
            moved = sum(frames[0][name].iloc[i] != frames[1][name].iloc[j] for i, j in pairs)
            if moved:
                self.found.renumbered[f"{spec.name}.{name}"] = moved
        if pairs:
            at = [np.array([p[side] for p in pairs]) for side in (0, 1)]
            for name in (n for n in names if n not in numbering):
                values = [f[name].to_numpy(dtype=object)[a] for f, a in zip(frames, at, strict=True)]
                for hit in np.flatnonzero(values[0] != values[1]).tolist():
                    i, j = pairs[hit]
                    of = f"SUPP{spec.name}" if name in spec.supplemental and name not in spec.names else spec.name
                    yield Move(of, "changed", frames[1]["\x00who"].iloc[j], self._keys(spec, keys, j, 1), name,
                               _said(spec, one, name, i), _said(spec, other, name, j), rows=(i, j))
        for kind, rest, side in (("gone", left, 0), ("new", more, 1)):
            for row in rest:
                rows = (row, -1) if side == 0 else (-1, row)
                yield Move(spec.name, kind, frames[side]["\x00who"].iloc[row], self._keys(spec, keys, row, side), "",
                           rows=rows)

    def _pairs(
        self, frames: list[pd.DataFrame], keys: list[str], content: list[str], one: Table, other: Table
    ) -> tuple[list[tuple[int, int]], list[int], list[int]]:
        """Records that are one in both: of the same content, else by keys that tell them apart, else by raw records."""
        rests = [np.arange(len(f)) for f in frames]
        pairs: list[tuple[int, int]] = []

        def take(found: list[tuple[int, int]]) -> None:
            pairs.extend(found)
            for side in (0, 1):
                rests[side] = np.setdiff1d(rests[side], [p[side] for p in found])

        take(_equal(frames, rests, ["\x00who", *content]))
        take(_equal(frames, rests, ["\x00who", *keys], alone=True))
        behind = [[self._behind(side, t, int(r)) for r in rest] for side, (t, rest) in
                  enumerate(zip((one, other), rests, strict=True))]
        named = [f.iloc[r][["\x00who", *keys]].assign(behind=b) for f, r, b in zip(frames, rests, behind, strict=True)]
        for by in (["\x00who", *keys, "behind"], ["\x00who", "behind"], ["\x00who", *keys]):
            frames_left = [n[n.index.isin(r)] for n, r in zip(named, rests, strict=True)]
            if by[-1] == "behind":
                frames_left = [f[f["behind"] != ""] for f in frames_left]
            take(_equal(frames_left, [f.index.to_numpy() for f in frames_left], by, of_all=False))
        for key in (k for k in keys if k not in ("STUDYID", "USUBJID")):  # one key moved: what it told apart is known
            by = ["\x00who", *(k for k in keys if k != key)]
            frames_left = [n[n.index.isin(r)] for n, r in zip(named, rests, strict=True)]
            take(_equal(frames_left, [f.index.to_numpy() for f in frames_left], by, alone=True, of_all=False))
        return sorted(pairs), rests[0].tolist(), rests[1].tolist()

    def _behind(self, side: int, table: Table, row: int) -> str:
        """The raw records behind a record and how it was made of them, named as in the first transfer."""
        told = []
        for source, place in self._raw(side, table, row):
            told.append(f"{source} {self.same.get((source, place), f'new {place}') if side else place}")
        made = [shown(v, row) for n, v in sorted(table.records.made.items()) if n in ("item.CODE", "cross.VALUE")]
        return "\x1f".join([*sorted(told), str(table.records.part[row]), *made]) if told else ""

    def _raw(self, side: int, table: Table, row: int) -> list[tuple[str, str]]:
        at = np.array([row])
        sources = {n: np.array([v[row] if len(v) else -1]) for n, v in table.records.sources.items()}
        run = self.runs[side]
        return [(raw.name, raw.place(int(rows[0]))) for raw, rows in run.raw_rows(table, sources, at, 1)
                if rows[0] >= 0 and raw.name not in self.own]

    def _keys(self, spec: DatasetSpec, keys: list[str], row: int, side: int) -> str:
        table = self.runs[side].table(spec.name)
        told = {k: key_text(spec, table, k, row) for k in keys if k not in ("STUDYID", "USUBJID")}
        return ", ".join(f"{k} {v}" for k, v in told.items() if v != MISSING)

    # -- why

    def _explain(self, each: int) -> None:
        counted: dict[tuple[str, str, str, str], int] = defaultdict(int)
        first: dict[tuple[str, str, str, str], Move] = {}
        traced = 0
        for move in self.found.moves:
            group = (move.dataset, move.kind, move.variable, move.subject)
            counted[group] += 1
            if counted[group] <= each and traced < MOST_TRACED:
                traced += 1
                move.causes, move.how = self._cause(move)
                first.setdefault(group, move)
            elif (causes := self._of_records(move)):
                move.causes, move.how = causes, BY_RECORD
            elif group in first:
                move.causes, move.how = first[group].causes, f"as the first of {move.variable or 'them'}"
            else:
                move.causes, move.how = self._else(move)
        if traced == MOST_TRACED:
            self.found.notes.append(f"{MOST_TRACED:,} moved values were followed to raw cells; the others take "
                                    "their cause from the records behind them, or from the first of their variable")

    def _spec(self, move: Move) -> DatasetSpec:
        """The dataset of a move; of a supplemental qualifier that of its parent record."""
        datasets = self.found.study.datasets
        return datasets[move.dataset] if move.dataset in datasets else datasets[move.dataset.removeprefix("SUPP")]

    def _cause(self, move: Move) -> tuple[list[int], str]:
        spec = self._spec(move)
        names = [move.variable] if move.variable else [k for k in spec.keys if k not in ("STUDYID", "USUBJID")]
        if not move.variable and (causes := self._of_records(move)):
            return causes, BY_RECORD
        for name in names:
            found: set[int] = set()
            for side, row in enumerate(move.rows):
                if row >= 0:
                    found |= self._cells(side, spec.name, name, row)
            if found:
                return sorted(found), BY_CELL
        causes = self._of_records(move)
        return (causes, BY_RECORD) if causes else self._else(move)

    def _cells(self, side: int, dataset: str, variable: str, row: int) -> set[int]:
        """The raw changes whose cells a value was read from."""
        found: set[int] = set()
        seen: set[int] = set()
        try:
            todo = [self.tracers[side].derived(dataset, variable, row, 0)]
        except TrialmillError:
            return found
        while todo:
            step = todo.pop()
            if id(step) in seen:
                continue
            seen.add(id(step))
            todo += step.used if step.above is None else [step.above]
            for source, place in self._places(side, step):
                number = self.changed[side].get((source, place))
                if number is not None:
                    change = self.found.raw.changes[number]
                    column = step.name.partition(".")[2].strip('"')
                    if change.kind != "changed" or step.kind != "cell" or column in change.names:
                        found.add(number)
        return found

    def _places(self, side: int, step: Step) -> list[tuple[str, str]]:
        """The raw records that a step stands for: of a cell its own, of a record as a whole all behind it."""
        name, row = step.at
        table = self.runs[side].tables.get(name)
        if table is None or row < 0:
            return []
        if step.kind in ("cell", "row"):
            return [(name, table.place(row))] if table.filed else []
        return self._raw(side, table, row) if step.kind == "record" else []

    def _of_records(self, move: Move) -> list[int]:
        """The raw changes among the records behind a record."""
        found = set()
        for side, row in enumerate(move.rows):
            if row >= 0:
                places = self._raw(side, self.runs[side].table(self._spec(move).name), row)
                found |= {self.changed[side][p] for p in places if p in self.changed[side]}
        return sorted(found)

    def _else(self, move: Move) -> tuple[list[int], str]:
        causes = self.of_subject.get(move.subject, []) if move.subject else []
        return (causes, BY_SUBJECT) if causes else ([], NO_CAUSE)


def is_numbering(study: Study, dataset: str, name: str) -> bool:
    """Whether a variable numbers records in their order, as --SEQ, or is a copy of one that does."""
    spec = study.datasets.get(dataset)
    if spec is None:
        return False
    lines = [line for _, line in spec.lines(name)]
    for line in lines:
        if line.params.needs_order:
            return True
        if line.params.value_is == "copied":
            (ref, *_) = [r for r in line.refs() if isinstance(r, VariableRef)] or [None]
            if ref is not None and (ref.source or dataset, ref.name) != (dataset, name) and \
                    is_numbering(study, ref.source or dataset, ref.name):
                return True
    return False


def _texts(run: Run, table: Table, names: list[str]) -> pd.DataFrame:
    """The values of variables as text, numbers in their shortest, '' for missing; whose each record is."""
    columns = {}
    for name in names:
        values = table.columns[name]
        text = number_texts(values) if values.dtype == np.float64 else values
        columns[name] = text.astype("str").fillna("").to_numpy(dtype=object)
    frame = pd.DataFrame(columns, index=np.arange(table.n), dtype=object)
    frame["\x00who"] = At(run, table).usubjid.astype("str").fillna("").to_numpy(dtype=object)
    return frame


def _said(spec: DatasetSpec, table: Table, name: str, row: int) -> str:
    """A value for people; '' for missing."""
    formats = [line.options.format for _, line in spec.lines(name)]
    told = moment(table.columns[name], row, next(filter(None, formats), "")) or shown(table.columns[name], row)
    return "" if told == MISSING else told


def _equal(
    frames: list[pd.DataFrame], rests: list[np.ndarray], by: list[str], *, alone: bool = False, of_all: bool = True
) -> list[tuple[int, int]]:
    """Records that agree in `by`, the first with the first; `alone`: only those that no other of a side agrees with."""
    parts = []
    for side, (frame, rest) in enumerate(zip(frames, rests, strict=True)):
        part = (frame.iloc[rest] if of_all else frame)[by].copy()
        part[f"\x00row{side}"] = rest
        if alone:
            part = part[~part.duplicated(by, keep=False)]
        part["\x00nth"] = part.groupby(by, sort=False).cumcount()
        parts.append(part)
    both = parts[0].merge(parts[1], on=[*by, "\x00nth"])
    return list(zip(both["\x00row0"].tolist(), both["\x00row1"].tolist(), strict=True))


def _rows_at(table: Table, place: str) -> list[int]:
    if table.line is None:
        return []
    number = int(place.rsplit(" ", 1)[1])
    return [row for row in np.flatnonzero(table.line == number).tolist() if table.place(row) == place]
