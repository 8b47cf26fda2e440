"""Where what an issue speaks of was entered: the raw record, its form and visit, and the fields that a variable reads.

The fields are followed from the spec: the references of a variable's line, through variables of the same record and
of the records that it was made from, to columns of the raw record behind. What a verb picks among other records of
the subject does not stand in this record: its fields are then unknown and left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import BaseModel

from engine.numbers import number_text
from engine.run.issues import Fields
from engine.run.tables import QUALIFIED
from engine.spec.expressions import Expression
from engine.spec.refs import FarRef, VariableRef
from engine.spec.registry import references
from engine.spec.sources import RawSpec

if TYPE_CHECKING:
    from engine.run.at import At
    from engine.run.run import Run
    from engine.run.tables import Positions, Table
    from engine.spec.dataset import DatasetSpec, VariableLine

Columns = dict[str, dict[str, None]]  # raw source -> its columns, in the order they were met
_CODE = "item.CODE"  # of transposed records, which item each comes from


@dataclass(frozen=True, slots=True)
class Entry:
    """A raw record: its form (or vendor source), visit, the fields asked for with their values, file and line.

    `key` is what identifies the record by the layout of the export, `content` all its values.
    """

    form: str = ""
    visit: str = ""
    fields: Fields = ()
    source: str = ""
    key: str = ""
    content: str = ""


def entries(run: Run, at: At, variable: str, reads: Iterable[VariableRef] = ()) -> list[Entry]:
    """The raw record behind each record, and the fields of it that were read.

    Of several raw records behind one, the nearest that holds a field which was read counts, else the nearest; where
    a record comes from none, the raw record of its subject that was read.

    Args:
        run: it knows where records came from. at: n records.
        variable: the variable that the issue is about. reads: what was looked at, where it is not what the line of the
            variable reads.

    Returns:
        n entries, empty where nothing raw is behind a record.
    """
    if not at.n:
        return []
    codes = at.records.made[_CODE].fillna("").tolist() if _CODE in at.records.made else [""] * at.n
    cases = list(zip(at.records.part.tolist(), codes, strict=True))
    refs = tuple(reads)
    columns = {case: _Reads(run, at).of(variable, refs, *case) for case in dict.fromkeys(cases)}
    found: list[tuple[Table, int] | None] = [None] * at.n
    behind = run.raw_rows(at.table, at.records.sources, at.rows, at.n)
    for holding in (True, False):
        for table, rows in behind:
            _fill(found, table, rows, [not holding or table.name in columns[case] for case in cases])
    for ref in at.read if None in found else ():
        seen, where = at.find(ref)
        if seen is not None and where is not None and seen.line is not None:
            _fill(found, seen, where, [True] * at.n)
    return [
        Entry() if spot is None else of_raw(run.study, spot[0], spot[1], columns[case].get(spot[0].name, ()))
        for spot, case in zip(found, cases, strict=True)
    ]


def of_raw(study: Any, table: Table, row: int, names: Iterable[str]) -> Entry:
    """One record of a raw source of a study, with the values of these columns."""
    return raw_entry(
        getattr(study, "raw", None),
        table.name,
        table.columns,
        row,
        names,
        source=table.place(row),
    )


def raw_entry(
    raw: RawSpec | None, name: str, columns: Mapping[str, pd.Series], row: int, names: Iterable[str], *, source: str
) -> Entry:
    """One raw record; `raw` is the layout of the export, which names visit, record and keys.

    The values are as they were received. A table of the study itself has neither form nor visit.
    """
    values = {str(c): v.iloc[row] for c, v in columns.items() if not str(c).endswith(QUALIFIED)}
    given = {c: None if pd.isna(v) else v if isinstance(v, str) else number_text(v) for c, v in values.items()}
    content = "\x1f".join(v or "" for v in given.values())
    fields = tuple((c, given[c]) for c in names if c in given)
    if raw is None or source.startswith("tables/"):
        return Entry(fields=fields, source=source, content=content)
    vendor, roles = raw.vendors.get(name), raw.roles
    of_form = (roles.visit, roles.visit_repeat, roles.form_repeat, roles.record, f"{name}SEQ")
    by = vendor.keys if vendor is not None else of_form  # --SEQ: of a delivered dataset
    key = ", ".join(f"{c} {given[c]}" for c in by if c and given.get(c) and c != (vendor.subject if vendor else None))
    visit = (given.get(roles.visit) or "") if vendor is None and roles.visit else ""
    return Entry(name, visit, fields, source, key, content)


def _fill(found: list[tuple[Table, int] | None], table: Table, rows: Positions, wanted: list[bool]) -> None:
    for i, row in enumerate(rows.tolist()):
        if row >= 0 and wanted[i] and found[i] is None:
            found[i] = (table, row)


class _Reads:
    """The columns of raw sources that a variable of a view's records comes from."""

    def __init__(self, run: Run, at: At) -> None:
        self.run, self.at = run, at
        self.seen: set[tuple[str, str]] = set()
        self.columns: Columns = {}

    def of(self, variable: str, reads: tuple[VariableRef, ...], part: int, code: str) -> Columns:
        """For records of one part and, where they were transposed, one item."""
        name = self.at.dataset
        spec = self.run.study.datasets.get(name)
        refs: Iterable[VariableRef] = reads
        if not reads and variable:
            known = variable in self.at.table.columns if spec is None else any(_lines(spec, part, variable))
            own = [VariableRef(None, variable)]
            refs = own if known else [r for r in self.at.read if r.name == variable and r.source]
        self._follow(name, part, code, refs, self.at.records.sources)
        return self.columns

    def _follow(
        self, name: str, part: int | None, code: str, refs: Iterable[VariableRef], sources: Mapping[str, Any]
    ) -> None:
        spec = self.run.study.datasets.get(name)
        for ref in refs:
            source = ref.source or name
            table = self.run.tables.get(source)
            if isinstance(ref, FarRef):
                continue
            if source not in self.run.study.datasets and table is not None and table.filed:
                self.columns.setdefault(source, {})[ref.name] = None
            elif source == name and spec is not None:
                if (name, ref.name) not in self.seen:
                    self.seen.add((name, ref.name))
                    for line in _lines(spec, part, ref.name):
                        self._follow(name, part, code, value_refs(line.params), sources)
            elif source in sources and table is not None and source in self.run.study.datasets:
                self._follow(source, None, "", [VariableRef(None, ref.name)], table.records.sources)
            elif spec is not None:
                for step in (s for p in _parts(spec, part) for s in p.steps if s.verb.gives == source):
                    self._follow(name, part, code, step.params.behind(ref.name, code), sources)


def value_refs(params: BaseModel) -> list[VariableRef]:
    """What a verb takes values from; where it only tests conditions, what these read."""
    values: list[VariableRef] = []
    conditions: list[VariableRef] = []
    for item in leaves(params):
        if isinstance(item, Expression):
            conditions += item.refs
        else:
            values.append(item)
    return values or conditions or list(references(params))


def leaves(value: Any) -> Iterator[VariableRef | Expression]:
    """The references and the expressions in a model's fields."""
    if isinstance(value, (VariableRef, Expression)):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from leaves(getattr(value, name))
    elif isinstance(value, (list, tuple, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)


def _parts(spec: DatasetSpec, part: int | None) -> list[Any]:
    return spec.parts if part is None or not 0 <= part < len(spec.parts) else [spec.parts[part]]


def _lines(spec: DatasetSpec, part: int | None, variable: str) -> list[VariableLine]:
    """The lines that derive a variable for records of a part (None: of any)."""
    own = [p.variables[variable] for p in _parts(spec, part) if variable in p.variables]
    general = spec.variables.get(variable) or spec.supplemental.get(variable)
    return own if own and part is not None else [*own, *([general] if general is not None else [])]


__all__ = ["Entry", "entries", "leaves", "of_raw", "raw_entry", "value_refs"]
