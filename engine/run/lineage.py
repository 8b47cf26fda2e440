"""How one value of one record came about: every variable that its verb read, down to the raw file and line.

The verb is replayed on the one record while what it asks for is watched, so that only what was read is shown. Of a
look-up among other records, of the same dataset too, those are followed that it chose (see engine.run.looked). Nothing
of this is stored by a build: what is needed is worked out again (see engine.run.partial).

Sources: architecture, "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from engine.errors import DataError, SpecError
from engine.run.at import At
from engine.run.looked import Looked, Picked, looked_up, mates, passed_over, raw_places, record_keys, value_refs
from engine.run.run import Run
from engine.run.shown import MISSING, as_day, moment, shown
from engine.run.tables import Table
from engine.spec.catalogue import IMPLIED
from engine.spec.dataset import DatasetSpec, VariableLine
from engine.spec.refs import VariableRef
from engine.spec.registry import sentence
from engine.spec.study import Study

MAX_DEPTH = 40  # of variables that several others went into
MAX_STEPS = 2000  # variables that one explanation shows
MAX_GROUP = 12  # records that one was made of; of more, the first and the last are shown
MAX_FAR = 3  # records of another dataset, or rows of a table, that are shown for one reference


# a variable of a dataset, a column that a record verb made, a cell of an input file, a row of a table, a setting of the
# study, who a person is, a record as a whole, or what is told of records that no value was taken from
Kind = Literal["derived", "made", "cell", "row", "setting", "identity", "record", "count"]


@dataclass(slots=True)
class Step:
    """One variable with its value, where it stands, and what it was derived from.

    `source` is a raw file and line or a place in a spec; `received` the same value as it was received, or as people
    write it; `note` says what else a reader must know. `kind` says what it is, `at` the table and the position there
    of the record that holds it, `keys` what names that record among those of its subject. Of `used`, `main` are those
    that the value was taken from or made of; a step that is told in full elsewhere has that one in `above`.
    """

    name: str
    value: str
    source: str = ""
    says: str = ""
    received: str = ""
    note: str = ""
    used: list[Step] = field(default_factory=list)
    main: list[Step] = field(default_factory=list)
    above: Step | None = None
    among: str = ""
    kind: Kind = "count"
    at: tuple[str, int] = ("", -1)
    keys: str = ""


def trace(run: Run, dataset: str, variable: str, row: int) -> Step:
    """The value of a variable at one position of its dataset's records, and all that it came from.

    At most MAX_STEPS variables are followed, and no chain further than MAX_DEPTH of those that several others went
    into; where that ends one, its note says so.
    """
    return Tracer(run).derived(dataset, variable, row, 0)


class Tracer:
    """Traces values of one run. `whole`: without bounds; what an earlier trace told stands in `above` then."""

    def __init__(self, run: Run, *, whole: bool = False) -> None:
        """Begin with nothing told."""
        self.run, self.whole = run, whole
        self.tables = run.study.tables  # of the study's own folder
        self.seen: dict[tuple[str, str, int], Step] = {}

    def derived(self, dataset: str, variable: str, row: int, depth: int) -> Step:
        """A variable of a built dataset."""
        spec, table = self.run.study.datasets[dataset], self.run.table(dataset)
        name = f"{dataset}.{variable}"
        line = line_of(spec, table, variable, row)
        values = table.columns.get(variable)
        if line is None and variable in IMPLIED:
            return self._implied(name, table, variable, row)
        if line is None:  # a variable of other parts of the dataset
            place = str(spec.line(variable).place)
            says = "Not derived for the part of the dataset that the record comes from"
            keys = record_keys(spec, table, row)
            return Step(name, MISSING, place, says, kind="derived", at=(dataset, row), keys=keys)
        step = Step(name, shown(values, row) if values is not None else "(not derived)", str(line.place),
                    sentence(line.verb, line.params), received=moment(values, row, line.options.format),
                    kind="derived", at=(dataset, row), keys=record_keys(spec, table, row))
        if self._ends_here(step, (dataset, variable, row), depth):
            return step
        at, refs, picked = self._replay(table, line, row)
        if line.options.where is not None and not at.test(line.options.where)[0]:
            step.note = f"where {line.options.where} does not hold"
            refs, picked = list(line.options.where.refs), Picked()
        looked = looked_up(self.run, line, picked, int(at.subject[0]), step.value)
        values_from = {str(ref) for ref in _decisive(line, at)}
        deeper = depth + (len(refs) > 1)
        passed = passed_over(looked) if line.params.gives_one else {}
        for ref in refs:
            if self._through(at, ref, looked) in passed:
                continue
            found = list(self._reference(at, ref, step.value, deeper, looked))
            step.used += found
            step.main += found if str(ref) in values_from else []
        for source, each in looked.items():
            step.used += [Step(source, passed[source])] if source in passed else self._untold(source, each)
        step.used += self._instead(line, table, row, step.value)
        known = [ref for ref in refs if self._through(at, ref, looked) is None]
        tables = list(self._look_ups(line, at, known, step.value))
        step.used += tables
        step.main += tables if step.main else []
        return step

    def _instead(self, line: VariableLine, table: Table, row: int, value: str) -> Iterator[Step]:
        """The record of the same group that holds the flag, where this one was considered and does not."""
        by = line.params.one_of()
        if value != MISSING or by is None or line.name not in table.columns:
            return
        for other in mates(self.run, table, row, by, [VariableRef(None, line.name)])[:MAX_FAR].tolist():
            yield self._record(table, other, f"has {line.name} {shown(table.columns[line.name], other)}")

    def _ends_here(self, step: Step, key: tuple[str, str, int], depth: int) -> bool:
        """Whether a step is told in full elsewhere, or is one too many; else it is told here."""
        step.above = self.seen.get(key)
        if step.above is not None:
            step.note = "(see above)"
        elif not self.whole and (depth >= MAX_DEPTH or len(self.seen) >= MAX_STEPS):
            step.note = "(explain it by itself for more)"
        else:
            self.seen[key] = step
        return bool(step.note)

    def _replay(self, table: Table, line: VariableLine, row: int) -> tuple[At, list[VariableRef], Picked]:
        """The one record, what the verb reads when it derives it, and what it looks up among other records."""
        read: dict[VariableRef, None] = {}
        picked = Picked()
        at = At(self.run, table, np.array([row]), variable=line.name, watch=read.setdefault, picked=picked)
        try:
            if line.options.where is not None:
                at.test(line.options.where)
            line.params.derive(at)
        except (DataError, SpecError):
            read |= dict.fromkeys(line.refs())
        own = VariableRef(None, line.name), VariableRef(table.name, line.name)
        seen = At(self.run, table, np.array([row]), variable=line.name)
        return seen, [ref for ref in read or line.refs() if ref not in own], picked

    def _implied(self, name: str, table: Table, variable: str, row: int) -> Step:
        """STUDYID, DOMAIN and USUBJID without a line of their own."""
        place = str(self.run.study.document.place("identity" if variable == "USUBJID" else "study"))
        value = {"STUDYID": self.run.study.name, "DOMAIN": table.name}.get(variable)
        if value is None:
            value = shown(At(self.run, table, np.array([row])).usubjid, 0)
        says = "Identity of the study" if variable != "USUBJID" else "Identity of the person"
        return Step(name, value, place, says, kind="identity", at=("study" if variable != "USUBJID" else "person", -1))

    def _reference(
        self, at: At, ref: VariableRef, result: str, depth: int, looked: dict[str, Looked] | None = None
    ) -> Iterator[Step]:
        """What a reference gave: one step, or some of the records that it may have come from."""
        study = self.run.study
        through = self._through(at, ref, looked or {})
        if through is not None and looked:
            yield from self._of_look_up(at, ref, through, looked[through], depth)
            return
        if ref.source == "study":
            place = str(study.setting_place(ref.name))
            yield Step(str(ref), shown(at.values(ref), 0), place, kind="setting", at=("study", -1))
            return
        if f"{ref.source}.{ref.name}" in at.records.made:
            yield self._made(at, ref, depth)
            return
        table = at.table if ref.source in (None, at.table.name) else self._table(str(ref.source))
        if table is None or (table.name in study.datasets and table.columns.get(ref.name) is None
                             and not _known(study, table.name, ref.name)):
            yield Step(str(ref), "(unknown)")
            return
        assert at.rows is not None
        try:
            _, positions = at.find(ref)
            row = int(at.rows[0]) if positions is None else int(positions[0])
        except DataError:  # the subject has several records there
            row = -1
        if row < 0:
            yield from self._far(at, table, ref, result, depth)
        else:
            yield self._at(table, ref.name, row, str(ref), depth)

    def _through(self, at: At, ref: VariableRef, looked: dict[str, Looked]) -> str | None:
        """The looked-up table whose records a reference reads: by its name, or by what only they came from."""
        if ref.source in looked:
            return ref.source
        behind = (n for n in looked if ref.source in self.run.table(n).records.sources)
        return next(behind, None) if ref.source not in at.records.sources else None

    def _of_look_up(self, at: At, ref: VariableRef, source: str, looked: Looked, depth: int) -> Iterator[Step]:
        """A variable of the records that a look-up came to."""
        table = self.run.table(source)
        spec = self.run.study.datasets.get(source)
        if not len(looked.rows):
            return  # told once, see _untold
        for row, among in looked.some(MAX_FAR):
            try:
                holder, positions = At(self.run, table, np.array([row])).find(ref)
            except DataError:
                continue
            place = row if positions is None else int(positions[0])
            if holder is None or place < 0 or (ref.name not in holder.columns and spec is None):
                continue
            looked.told = True
            step = self._at(holder, ref.name, place, str(ref), depth)
            unlike = int(at.rows[0]) if at.rows is not None and table is at.table else -1
            keys = record_keys(spec, table, row, unlike) if spec is not None else ""
            step.among = "" if looked.holding or looked.count == 1 else among
            told = [f"({among})" if among else "", f"with {keys}" if keys else "", step.note]
            step.note = " ".join(filter(None, told))
            yield step

    def _untold(self, source: str, looked: Looked) -> Iterator[Step]:
        """A look-up of which no variable tells: that it found none, or what it counted."""
        if not len(looked.rows):
            yield Step(source, f"(none of {looked.total} records of the subject counts)")
        elif not looked.told:
            for row, among in looked.some(MAX_FAR):
                yield self._record(self.run.table(source), row, among)

    def _record(self, table: Table, row: int, among: str) -> Step:
        """A record as a whole, with the raw records behind it."""
        spec = self.run.study.datasets.get(table.name)
        told = record_keys(spec, table, row) if spec is not None else ""
        return Step(table.name, told or "a record", raw_places(self.run, table, row), among=among,
                    note=f"({among})" if among else "", kind="record", at=(table.name, row), keys=told)

    def _table(self, name: str) -> Table | None:
        try:
            return self.run.table(name)
        except DataError:
            return None

    def _made(self, at: At, ref: VariableRef, depth: int) -> Step:
        """A column that a record verb made, with what that verb refers to."""
        spec = self.run.study.datasets[at.table.name]
        assert at.rows is not None
        part = spec.parts[int(at.records.part[0])]
        verb = next((s for s in part.steps if s.verb.gives == ref.source), None)
        step = Step(str(ref), shown(at.values(ref), 0), self.run.places(at)[0], kind="made",
                    at=(spec.name, int(at.rows[0])), keys=record_keys(spec, at.table, int(at.rows[0])))
        if verb is None:
            step.note = "(not made for the part that the record comes from)"
            return step
        step.source, step.says = step.source or str(verb.place), sentence(verb.verb, verb.params)
        code = shown(at.records.made["item.CODE"], 0) if "item.CODE" in at.records.made else ""
        behind = verb.params.behind(ref.name, code) or verb.params.behind("VALUE", code)  # of an item its own columns
        key = (spec.name, f"{ref.source}.{ref.name if behind else ''}", int(at.rows[0]))
        if self._ends_here(step, key, depth):
            return step
        step.main = self._of_group(at, *verb.params.group(), depth=depth + 1)
        step.used += step.main
        for each in behind or dict.fromkeys(verb.refs()):
            step.used += self._reference(at, each, step.value, depth + (not behind))
        return step

    def _of_group(
        self, at: At, by: tuple[VariableRef, ...], needs: tuple[VariableRef, ...], depth: int
    ) -> list[Step]:
        """The records that one was made of, each with what of it counts; of many the first and the last."""
        source = by[0].source if by else None
        place = int(at.records.sources[source][0]) if source in at.records.sources else -1
        if source is None or place < 0:
            return []
        table = self.run.table(source)
        rows = mates(self.run, table, place, by, needs)
        few = len(rows) <= MAX_GROUP
        shown_rows = rows if few else rows[[0, -1]]
        own = At(self.run, table, np.array([place]))
        alike = ", ".join(f"{ref} {shown(own.text(ref), 0)}" for ref in by)
        steps = []
        for number, row in enumerate(shown_rows.tolist()):
            which = str(number + 1) if few else ("first", "last")[number]
            step = self._record(table, row, f"{which} of {len(rows)} that count, with {alike}")
            each = At(self.run, table, np.array([row]))
            step.value = ", ".join(f"{ref} {shown(each.text(ref), 0)}" for ref in needs) or step.value
            step.used = [s for ref in needs for s in self._reference(each, ref, step.value, depth)]
            step.main = step.used[:1]
            steps.append(step)
        return steps

    def _at(self, table: Table, name: str, row: int, said: str, depth: int) -> Step:
        """A variable at a known position of a raw source, of the people, or of a dataset."""
        if table.name in self.run.study.datasets:
            return self.derived(table.name, name, row, depth)
        if table.filed and table.line is not None:
            value = shown(self.run.column(table, name), row)
            received = shown(self.run.column(table, name, as_received=True), row)
            place = table.place(row, name)
            own = table.name in self.tables and table.name not in self.run.tables
            if own:
                place = f"{self.run.study.shown}/{place}"
            return Step(said, value, place, received=received if received != value else "",
                        kind="row" if own else "cell", at=(table.name, row))
        place = str(self.run.study.document.place("identity"))
        return Step(said, shown(table.columns[name], row), place, "identity", kind="identity", at=(table.name, row))

    def _far(self, at: At, table: Table, ref: VariableRef, result: str, depth: int) -> Iterator[Step]:
        """Of a subject's records of another dataset, those with the result's value first; the others are counted."""
        who = int(at.subject[0])
        column = table.columns.get(ref.name)
        rows = np.flatnonzero(table.records.subject == who) if who >= 0 else np.empty(0, dtype=np.int64)
        if table.n and not (table.records.subject >= 0).any():
            return  # a table about no subject: see _look_ups
        if who < 0:
            yield Step(str(ref), f"({int((table.records.subject >= 0).sum())} records of all subjects)")
            return
        if column is None or not len(rows):
            yield Step(str(ref), f"({len(rows)} records of the subject)")
            return
        texts = [shown(column, int(r)) for r in rows]
        same = {result, as_day(result)}
        chosen = [int(r) for r, t in zip(rows, texts, strict=True) if t in same or t[:10] in same][:MAX_FAR]
        if not chosen and table.raw and len(rows) <= MAX_FAR:  # few, in another spelling than the result: all of them
            chosen = rows.tolist()
        if not chosen:
            counts = pd.Series(texts).value_counts(sort=False)
            told = ", ".join(f"{v} x{n}" if n > 1 else str(v) for v, n in sorted(counts.items())[:8])
            yield Step(str(ref), f"({len(rows)} records of the subject: {told}{', ...' if len(counts) > 8 else ''})")
            return
        for r in chosen:
            step = self._at(table, ref.name, r, str(ref), depth)
            step.note = step.note or f"(one of {len(rows)} records of the subject)"
            yield step

    def _look_ups(self, line: VariableLine, at: At, refs: list[VariableRef], result: str) -> Iterator[Step]:
        """Rows of tables about no subject that hold the result beside a value that was looked up."""
        known = {result}
        for ref in refs:
            try:
                known.add(shown(at.values(ref), 0))
            except (DataError, KeyError):
                continue
        for name in line.params.tables():
            table = self.run.tables.get(name)
            if table is not None and table.filed and not (table.records.subject >= 0).any():
                frame = pd.DataFrame({c: self.run.column(table, c) for c in table.columns})
                places = [] if table.line is None else [table.place(row) for row in range(table.n)]
            elif name in self.tables:
                frame = self.run.study.lookup(name)
                places = [f"{self.run.study.shown}/tables/{name}.csv line {n + 2}" for n in range(len(frame))]
            else:
                continue
            hits = sum((frame[c].isin(known - {MISSING}).astype(int) for c in frame), pd.Series(0, frame.index))
            for row in np.flatnonzero((hits == hits.max()) & (hits >= 2))[:MAX_FAR] if len(frame) else ():
                told = ", ".join(f"{c} {v}" for c, v in frame.iloc[row].items() if isinstance(v, str) and v in known)
                yield Step(name, told, places[row], kind="row", at=(name, int(row)))


def line_of(spec: DatasetSpec, table: Table, variable: str, row: int) -> VariableLine | None:
    """The line that derives the variable for the record: that of its part, else the general one."""
    part = spec.parts[int(table.records.part[row])]
    return part.variables.get(variable) or spec.variables.get(variable) or spec.supplemental.get(variable)


def _decisive(line: VariableLine, at: At) -> Iterable[VariableRef]:
    """What the value of one record was taken from or made of: what the verb chose, else all that it reads for it."""
    try:
        chosen = line.params.chosen(at)
    except (DataError, SpecError):  # what it reads was there only before records were cut
        chosen = None
    return value_refs(line.params) if chosen is None else chosen


def _known(study: Study, dataset: str, variable: str) -> bool:
    return variable in ("STUDYID", "DOMAIN", "USUBJID") or any(
        line.name == variable for _, line in study.datasets[dataset].all_lines())
