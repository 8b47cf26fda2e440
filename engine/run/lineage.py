"""How one value of one record came about: every variable that its verb read, down to the raw file and line.

The verb is replayed on the one record while what it asks for is watched, so that only what was read is shown; of
records of other datasets those come first whose value is the result. Nothing of this is stored by a build: what is
needed is worked out again, for one subject where no verb on the way looks at other subjects.

Sources: architecture, "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.errors import DataError, SpecError
from engine.numbers import number_text
from engine.run.at import At
from engine.run.build import start
from engine.run.execute import execute
from engine.run.identity import RawTable
from engine.run.plan import Node, Plan
from engine.run.run import Run, Toolbox
from engine.run.tables import Table, take_values
from engine.spec.catalogue import IMPLIED, Catalogue
from engine.spec.dataset import DatasetSpec, VariableLine
from engine.spec.refs import VariableRef
from engine.spec.registry import sentence
from engine.spec.study import Study

MAX_DEPTH = 8
MAX_STEPS = 150  # variables that one explanation shows
MISSING = "(missing)"
MAX_FAR = 3  # records of another dataset, or rows of a table, that are shown for one reference


@dataclass(slots=True)
class Step:
    """One variable with its value, where it stands, and what it was derived from.

    `source` is a raw file and line or a place in a spec; `received` the same value as it was received, or as people
    write it; `note` says what else a reader must know.
    """

    name: str
    value: str
    source: str = ""
    says: str = ""
    received: str = ""
    note: str = ""
    used: list[Step] = field(default_factory=list)


def partial_run(
    study: Study, raw: dict[str, RawTable], toolbox: Toolbox, nodes: Iterable[Node], subject: str | None
) -> tuple[Run, bool]:
    """Work out these nodes, and what they need; for one subject only where every verb on the way allows it.

    Returns:
        The run, and whether only the subject was worked on.

    Raises:
        SpecError: a cycle. DataError: identity cannot be resolved.
    """
    catalogue = Catalogue(study)
    plan = Plan(study.datasets)
    order = plan.order(nodes)
    run, _ = start(study, raw, toolbox)
    alone = subject is not None and not any(_sees_others(study, node) for node in order)
    if alone:
        codes = np.flatnonzero(run.people.columns["USUBJID"] == subject)
        alone = len(codes) == 1
        if alone:
            run, _ = start(study, _of_subject(run, study, raw, int(codes[0])), toolbox)
    execute(run, plan, order, catalogue.type_of)
    return run, alone


def _sees_others(study: Study, node: Node) -> bool:
    """Whether a verb of the node looks at the records of other subjects."""
    spec = study.datasets[node.dataset]
    if node.kind == "records":
        return any(step.params.own_scope(step.verb.scope) == "study" for part in spec.parts for step in part.steps)
    lines = [line for _, line in spec.all_lines() if line.name == node.variable]
    return any(line.params.own_scope(line.verb.scope) == "study" for line in lines)


def _of_subject(run: Run, study: Study, raw: dict[str, RawTable], code: int) -> dict[str, RawTable]:
    """The raw records of one person; sources that are about no subject stay whole."""
    kept = {}
    for name, given in raw.items():
        table = run.tables[name]
        assert table.file_of is not None and table.line is not None
        personal = bool(given.subject_column) or name in study.file.identity.via
        rows = np.flatnonzero(table.records.subject == code) if personal else np.arange(table.n)
        frame = pd.DataFrame(table.columns).iloc[rows].reset_index(drop=True)
        kept[name] = RawTable(name, frame, table.files, table.file_of[rows], table.line[rows], given.subject_column)
    return kept


def trace(run: Run, dataset: str, variable: str, row: int) -> Step:
    """The value of a variable at one position of its dataset's records, and all that it came from."""
    return _Tracer(run).derived(dataset, variable, row, 0)


class _Tracer:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.seen: set[tuple[str, str, int]] = set()

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
            return Step(name, MISSING, place, "Not derived for the part of the dataset that the record comes from")
        step = Step(name, shown(values, row) if values is not None else "(not derived)", str(line.place),
                    sentence(line.verb, line.params), received=_moment(values, row, line.options.format))
        again = (dataset, variable, row) in self.seen
        if again or depth >= MAX_DEPTH or len(self.seen) >= MAX_STEPS:
            step.note = "(see above)" if again else "(explain it by itself for more)"
            return step
        self.seen.add((dataset, variable, row))
        at, refs = self._replay(table, line, row)
        if line.options.where is not None and not at.test(line.options.where)[0]:
            step.note = f"where {line.options.where} does not hold"
            refs = list(line.options.where.refs)
        for ref in refs:
            step.used += self._reference(at, ref, step.value, depth + 1)
        step.used += self._look_ups(line, at, refs, step.value)
        return step

    def _replay(self, table: Table, line: VariableLine, row: int) -> tuple[At, list[VariableRef]]:
        """The one record, and what the verb reads when it derives it."""
        read: dict[VariableRef, None] = {}
        at = At(self.run, table, np.array([row]), variable=line.name, watch=read.setdefault)
        try:
            if line.options.where is not None:
                at.test(line.options.where)
            line.params.derive(at)
        except (DataError, SpecError):
            read |= dict.fromkeys(line.refs())
        own = VariableRef(None, line.name), VariableRef(table.name, line.name)
        seen = At(self.run, table, np.array([row]), variable=line.name)
        return seen, [ref for ref in read or line.refs() if ref not in own]

    def _implied(self, name: str, table: Table, variable: str, row: int) -> Step:
        """STUDYID, DOMAIN and USUBJID without a line of their own."""
        place = str(self.run.study.document.place("identity" if variable == "USUBJID" else "study"))
        value = {"STUDYID": self.run.study.name, "DOMAIN": table.name}.get(variable)
        if value is None:
            value = shown(At(self.run, table, np.array([row])).usubjid, 0)
        return Step(name, value, place, "Identity of the study" if variable != "USUBJID" else "Identity of the person")

    def _reference(self, at: At, ref: VariableRef, result: str, depth: int) -> Iterator[Step]:
        """What a reference gave: one step, or some of the records that it may have come from."""
        study = self.run.study
        if ref.source == "study":
            place = str(study.setting_place(ref.name))
            yield Step(str(ref), shown(at.values(ref), 0), place)
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
        step = Step(str(ref), shown(at.values(ref), 0), self.run.places(at)[0])
        if verb is None:
            return step
        step.source, step.says = step.source or str(verb.place), sentence(verb.verb, verb.params)
        key = (spec.name, f"{ref.source}.", int(at.rows[0]))
        if key in self.seen or depth >= MAX_DEPTH or len(self.seen) >= MAX_STEPS:
            step.note = "(see above)" if key in self.seen else "(explain it by itself for more)"
            return step
        self.seen.add(key)
        for each in dict.fromkeys(verb.refs()):
            step.used += self._reference(at, each, step.value, depth + 1)
        return step

    def _at(self, table: Table, name: str, row: int, said: str, depth: int) -> Step:
        """A variable at a known position of a raw source, of the people, or of a dataset."""
        if table.name in self.run.study.datasets:
            return self.derived(table.name, name, row, depth)
        if table.raw and table.line is not None and table.file_of is not None:
            value = shown(self.run.column(table, name), row)
            received = shown(self.run.column(table, name, as_received=True), row)
            place = f"{table.files[table.file_of[row]]} line {table.line[row]}"
            return Step(said, value, place, received=received if received != value else "")
        return Step(said, shown(table.columns[name], row), str(self.run.study.document.place("identity")), "identity")

    def _far(self, at: At, table: Table, ref: VariableRef, result: str, depth: int) -> Iterator[Step]:
        """Of a subject's records of another dataset, those with the result's value first; the others are counted."""
        who = int(at.subject[0])
        column = table.columns.get(ref.name)
        rows = np.flatnonzero(table.records.subject == who) if who >= 0 else np.empty(0, dtype=np.int64)
        if not (table.records.subject >= 0).any():
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
            if table is not None and table.raw and not (table.records.subject >= 0).any():
                frame = pd.DataFrame({c: self.run.column(table, c) for c in table.columns})
                files, lines = table.files, table.line
                places = [] if lines is None or table.file_of is None else [
                    f"{files[f]} line {n}" for f, n in zip(table.file_of, lines, strict=True)]
            elif name in self.run.study.tables:
                frame = self.run.study.lookup(name)
                places = [f"{self.run.study.shown}/tables/{name}.csv line {n + 2}" for n in range(len(frame))]
            else:
                continue
            hits = sum((frame[c].isin(known - {MISSING}).astype(int) for c in frame), pd.Series(0, frame.index))
            for row in np.flatnonzero((hits == hits.max()) & (hits >= 2))[:MAX_FAR] if len(frame) else ():
                told = ", ".join(f"{c} {v}" for c, v in frame.iloc[row].items() if isinstance(v, str) and v in known)
                yield Step(name, told, places[row])


def line_of(spec: DatasetSpec, table: Table, variable: str, row: int) -> VariableLine | None:
    """The line that derives the variable for the record: that of its part, else the general one."""
    part = spec.parts[int(table.records.part[row])]
    return part.variables.get(variable) or spec.variables.get(variable) or spec.supplemental.get(variable)


def shown(values: pd.Series, row: int) -> str:
    """A value for people: numbers in their shortest text."""
    value = take_values(values, np.array([row])).iloc[0]
    if pd.isna(value):
        return MISSING
    return number_text(value) if isinstance(value, float) else str(value)


def as_day(text: str) -> str:
    """A number read as a SAS date, in ISO 8601; other text as it is."""
    plausible = text.lstrip("-").isdigit() and len(text) <= 6
    return (pd.Timestamp(1960, 1, 1) + pd.Timedelta(days=int(text))).date().isoformat() if plausible else text


def _moment(values: pd.Series | None, row: int, sas_format: str) -> str:
    """A numeric date or date-time as people read it; '' for other values."""
    if values is None or values.dtype != np.float64 or not np.isfinite(values.iloc[row]):
        return ""
    origin, number = pd.Timestamp(1960, 1, 1), float(values.iloc[row])
    if sas_format.startswith(("DATETIME", "E8601DT")):
        return (origin + pd.Timedelta(seconds=number)).isoformat(timespec="minutes")
    return (origin + pd.Timedelta(days=number)).date().isoformat() if sas_format.startswith(("DATE", "E8601DA")) else ""


def _known(study: Study, dataset: str, variable: str) -> bool:
    return variable in ("STUDYID", "DOMAIN", "USUBJID") or any(
        line.name == variable for _, line in study.datasets[dataset].all_lines())
