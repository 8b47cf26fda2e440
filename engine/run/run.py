"""One run over a study: its raw sources, its people, its datasets as they come about, its issues.

Holds what verbs see through `At` and what the build fills in. Reading files, cleaning text and reading dates
are given to it (see Toolbox), since the engine knows no file format.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from engine.errors import DataError, Problem
from engine.numbers import number_text
from engine.run.entries import Entry, entries
from engine.run.issues import Issue, Issues, Severity
from engine.run.tables import Bools, Positions, Records, Table, take, take_values
from engine.spec.refs import VariableRef
from engine.spec.study import Study

if TYPE_CHECKING:
    from engine.run.at import At


class Toolbox(Protocol):
    """What the front door lends the engine."""

    def to_ascii(self, values: pd.Series) -> pd.Series:
        """Text in ASCII spelling as far as the rules go; what is left stays as it is."""

    def to_iso(
        self, source: str, date: str, time: str | None, dates: pd.Series, times: pd.Series | None
    ) -> tuple[pd.Series, Bools]:
        """ISO 8601 of raw dates by their declared format, and which are impossible."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """An issue whose key is not known yet."""

    severity: Severity
    dataset: str
    variable: str
    message: str
    subject: int
    position: int  # in the dataset's records (`early`: in those before the cut), -1 where it is not known
    early: bool
    entry: Entry
    question: str
    found_in: str


class Run:
    """The state of one run."""

    def __init__(self, study: Study, sources: dict[str, Table], people: Table, toolbox: Toolbox) -> None:
        """Start from the raw sources, whose records know their person, and the people."""
        self.study = study
        self.people = people
        self.toolbox = toolbox
        self.tables: dict[str, Table] = dict(sources)
        self.tables[people.name] = people
        self.issues = Issues()
        self.unknown: Counter[tuple[str, str, str]] = Counter()
        self.counts: dict[str, dict[str, int]] = {}
        self._pending: list[_Pending] = []
        self._clean: dict[tuple[str, str], pd.Series] = {}
        self._single: dict[str, Positions] = {}
        self._dates: dict[tuple[str, str, str | None], tuple[pd.Series, Bools]] = {}
        self._own: dict[str, Table] = {}
        self._lock = threading.Lock()
        self._now = threading.local()
        self.naming = False  # keys are worked out for issues that were found; nothing is reported any more

    def working_on(self, dataset: str) -> None:
        """Remember whose derivation this thread carries out."""
        self._now.dataset = dataset

    def table(self, name: str) -> Table:
        """A raw source, a dataset or a table of the study; DataError when the run has none of that name."""
        found = self.tables.get(name)
        if found is None and name in self.study.tables:
            found = self._own_table(name)
        if found is None:
            raise DataError(Problem(f"nothing called {name} is known in this run"))
        return found

    def _own_table(self, name: str) -> Table:
        """A table of the study's own folder as records of no subject; read once."""
        with self._lock:
            if name not in self._own:
                frame = self.study.lookup(name)
                n = len(frame)
                nobody, first = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
                self._own[name] = Table(
                    name,
                    Records(nobody, first),
                    {str(c): frame[c] for c in frame.columns},
                    raw=True,
                    files=(f"tables/{name}.csv",),
                    file_of=first,
                    line=np.arange(2, n + 2, dtype=np.int64),
                )
            return self._own[name]

    def column(self, table: Table, name: str, *, as_received: bool = False) -> pd.Series:
        """The values of a variable over all records of its table."""
        try:
            values = table.columns[name]
        except KeyError:
            return self._implied(table, name)
        if not table.raw or as_received:
            return values
        key = (table.name, name)
        found = self._clean.get(key)
        if found is None:
            found = self.toolbox.to_ascii(values)
            self._clean[key] = found
        return found

    def _implied(self, table: Table, name: str) -> pd.Series:
        """STUDYID, DOMAIN or USUBJID of a dataset that has no line for it."""
        if table.name in self.study.datasets and name == "USUBJID":
            return take_values(self.people.columns["USUBJID"], table.records.subject)
        known = {"STUDYID": self.study.name, "DOMAIN": table.name} if table.name in self.study.datasets else {}
        if name not in known:
            raise DataError(Problem(f"{table.name} has no {name}"))
        return pd.Series(pd.array([known[name]], dtype="str").take(np.zeros(table.n, dtype=int)))

    def one_per_subject(self, table: Table) -> Positions:
        """Position of each person's one record in a table, -1 where none, by code of the person.

        Of a raw source the records of the primary participation count.

        Raises:
            DataError: a person has several records; the first such is named.
        """
        found = self._single.get(table.name)
        if found is not None:
            return found
        rows = np.arange(table.n)
        subject = table.records.subject
        if table.raw and "participation" in table.records.sources:
            primary = self.tables["participation"].columns["PRIMARY"] == "Y"
            rows = rows[primary.to_numpy(dtype=bool)[np.maximum(table.records.sources["participation"], 0)]]
        rows = rows[subject[rows] >= 0]
        codes, counts = np.unique(subject[rows], return_counts=True)
        if (counts > 1).any():
            who = self.people.columns["USUBJID"].iloc[codes[counts > 1][0]]
            raise DataError(
                Problem(
                    f"{table.name} was asked for one record per subject and holds several",
                    found=f"{int((counts > 1).sum())} subjects, first {who} with {counts[counts > 1][0]} records",
                    do="say which: first, last, earliest, latest, count or sum",
                )
            )
        result = np.full(self.people.n, -1, dtype=np.int64)
        result[subject[rows]] = rows
        self._single[table.name] = result
        return result

    def to_iso(
        self, source: str, date: str, dates: pd.Series, times: pd.Series | None, time: str | None
    ) -> tuple[pd.Series, Bools]:
        """ISO 8601 of raw dates; see Toolbox."""
        return self.toolbox.to_iso(source, date, time, dates, times)

    def dates(self, table: Table, date: str, time: str | None) -> tuple[pd.Series, Bools]:
        """ISO 8601 of a whole raw column (and its time), and which are impossible."""
        key = (table.name, date, time)
        if key not in self._dates:
            times = self.column(table, time) if time is not None else None
            self._dates[key] = self.to_iso(table.name, date, self.column(table, date), times, time)
        return self._dates[key]

    # -- what is found on the way

    def count_unknown(self, dataset: str, variable: str, condition: str, count: int) -> None:
        """Remember for how many records a condition could not be told."""
        if count:
            with self._lock:
                self.unknown[(dataset, variable, condition)] += count

    def report(
        self,
        at: At,
        message: str,
        found: pd.Series | None,
        severity: Severity,
        variable: str,
        *,
        reads: Iterable[VariableRef] = (),
        ask: str = "",
        ask_else: str = "",
    ) -> None:
        """Keep an issue for every record of `at`; see At.report."""
        if self.naming:
            return
        places = entries(self, at, variable, reads)
        own = at.rows if at.rows is not None else np.arange(at.n)
        whole = self.tables.get(at.table.name) is at.table  # and not records that are still being made
        keyed = at.table.name in self.study.datasets and (whole or not at.early)
        shown = [""] * at.n if found is None else [f': "{v}"' if isinstance(v, str) else f": {v}" for v in found]
        owner = getattr(self._now, "dataset", at.dataset)
        asks = [ask] * at.n if ask else self._asked(at, variable, ask_else)
        pending = [
            _Pending(
                severity,
                at.dataset,
                variable,
                message + shown[i],
                int(at.subject[i]),
                int(own[i]) if keyed else -1,
                at.early,
                places[i],
                asks[i],
                owner,
            )
            for i in range(at.n)
        ]
        with self._lock:
            self._pending += pending

    def _asked(self, at: At, variable: str, ask: str) -> list[str]:
        """The question of each record's line where it has one, else that of the verb."""
        spec = self.study.datasets.get(at.dataset)
        if spec is None:
            return [ask] * at.n
        asks = {}
        for part in dict.fromkeys(at.records.part.tolist()):
            lines = [line for p, line in spec.lines(variable) if p is not None and spec.parts.index(p) == part]
            line = next(iter(lines), spec.variables.get(variable) or spec.supplemental.get(variable))
            asks[part] = line.options.ask if line is not None else ""
        return [asks.get(part) or ask for part in at.records.part.tolist()]

    def places(self, at: At) -> list[str]:
        """Raw file and line behind each record, else behind what was read of its subject; '' where there is none."""
        return [entry.source for entry in entries(self, at, "")]

    def raw_rows(
        self, table: Table, sources: dict[str, Positions], rows: Positions | None, n: int
    ) -> list[tuple[Table, Positions]]:
        """The raw tables behind records and the positions there, nearest first."""
        found: list[tuple[Table, Positions]] = []
        if table.filed and table.line is not None:
            found.append((table, np.arange(n) if rows is None else rows))
        for name, at in sources.items():
            source = self.table(name)
            if source.filed and source.line is not None:
                found.append((source, at))
            elif not source.filed and name in self.study.datasets:
                found += self.raw_rows(source, {k: take(v, at) for k, v in source.records.sources.items()}, at, n)
        return found

    def unnamed(self) -> set[str]:
        """Datasets that issues speak of."""
        return {p.dataset for p in self._pending if p.position >= 0}

    def close_issues(self) -> list[Issue]:
        """All issues with the keys of their records, as far as they were derived; else what identifies the raw one."""
        made = []
        usubjid = self.people.columns["USUBJID"].tolist()
        keys: dict[str, list[pd.Series]] = {}
        moving: dict[str, set[str]] = {}  # keys whose values other records move
        for p in self._pending:
            spec, table = self.study.datasets.get(p.dataset), self.tables.get(p.dataset)
            if p.dataset not in keys:
                names = [k for k in spec.keys if k not in ("STUDYID", "USUBJID")] if spec and table else []
                keys[p.dataset] = [table.columns[k].rename(k) for k in names if table and k in table.columns]
                moving[p.dataset] = spec.numbered_keys if spec is not None else set()
            position = p.position
            if table is not None and p.early and table.kept is not None and position >= 0:
                at = int(np.searchsorted(table.kept, position))
                position = at if at < len(table.kept) and table.kept[at] == position else -1
            parts = {
                str(c.name): f"{c.name} {_shown(c.iloc[position])}"
                for c in keys[p.dataset]
                if position >= 0 and not pd.isna(c.iloc[position])
            }
            lasting = [v for k, v in parts.items() if k not in moving[p.dataset]]
            made.append(
                Issue(
                    p.severity,
                    p.dataset,
                    p.variable,
                    p.message,
                    usubjid[p.subject] if p.subject >= 0 else "",
                    ", ".join(parts.values()) or p.entry.key,
                    p.entry.source,
                    p.entry.form,
                    p.entry.visit,
                    p.entry.fields,
                    p.question,
                    p.found_in,
                    ", ".join(lasting) or p.entry.key,
                    p.entry.content,
                )
            )
        self._pending = []
        self.issues.add(made)
        return self.issues.listed()


def _shown(value: object) -> str:
    return number_text(value) if isinstance(value, float) else str(value)
