"""The records that a look-up reached for one record, and of these the ones that its value came from.

A verb that picks, counts or averages over records tells what it reached and what it chose of it (see At). Where it
gives one of their values without telling which, as the lowest of several, those that hold the result are meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from engine.errors import DataError
from engine.numbers import rank
from engine.run.at import At
from engine.run.entries import leaves
from engine.run.run import Run
from engine.run.shown import MISSING, as_day, moment, shown
from engine.run.tables import Positions, Table, take
from engine.spec.dataset import DatasetSpec, VariableLine
from engine.spec.expressions import Expression, FarExpression
from engine.spec.refs import VariableRef
from engine.spec.registry import Params


class Picked:
    """Listens to look-ups: of each, the records that it reached, or those of them that it chose."""

    def __init__(self) -> None:
        self.found: dict[str, list[Positions]] = {}

    def __call__(self, source: str, rows: Positions, chosen: bool) -> None:
        """Take what a look-up tells: records of `source`, and whether these are its choice of those told before."""
        known = self.found.setdefault(source, [])
        if chosen and known:
            known[-1] = rows
        else:
            known.append(rows)


@dataclass(slots=True)
class Looked:
    """Of one table: the records that count, in their order, and of how many of the subject they are."""

    rows: Positions
    holding: bool  # whether these hold the result, so that some of them stand for all
    count: int  # that the look-up reached
    total: int
    told: bool = False

    def some(self, most: int) -> list[tuple[int, str]]:
        """Positions of those that are shown, each with what it is among the others."""
        of_subject = f"of {self.total} records of the subject"
        if len(self.rows) == 1 and self.count == 1:
            return [(int(self.rows[0]), f"the one that counts {of_subject}" if self.total > 1 else "")]
        many = of_subject if self.count == self.total else f"of {self.count} that count {of_subject}"
        if self.holding or len(self.rows) <= most:
            return [(int(r), f"one {many}") for r in self.rows[:most]]
        return [(int(self.rows[0]), f"first {many}"), (int(self.rows[-1]), f"last {many}")]


def looked_up(run: Run, line: VariableLine, picked: Picked, who: int, result: str) -> dict[str, Looked]:
    """What the verb of a line looked up for a record of subject `who`, by table."""
    values = list(value_refs(line.params))
    found = {}
    for source, reached in picked.found.items():
        table = run.table(source)
        rows = ordered(run, table, np.unique(np.concatenate(reached)))
        same = np.zeros(len(rows), dtype=bool)
        for ref in values:
            if line.params.gives_one and ref.source == source and ref.name in table.columns:
                column = run.column(table, ref.name)
                same |= np.array([is_same(shown(column, int(r)), result) for r in rows], dtype=bool)
        total = int((table.records.subject == who).sum())
        found[source] = Looked(rows[same] if same.any() else rows, bool(same.any()), len(rows), total)
    return found


def passed_over(looked: dict[str, Looked]) -> dict[str, str]:
    """Of several tables that one value was chosen from, those whose records do not hold it, and how many these are."""
    if not any(each.holding for each in looked.values()):
        return {}
    return {source: f"({each.count} of {each.total} records of the subject compared, none with the value)"
            for source, each in looked.items() if not each.holding and each.count}


def is_same(text: str, result: str) -> bool:
    """Whether a value is the result: the same text, or the same day or date-time where one of the two is a number."""
    same = {result, as_day(result)}
    return text in same or text[:10] in same


def value_refs(params: Params) -> Iterator[VariableRef]:
    """What a verb takes values from, formulas included: all but the conditions on records of other datasets."""
    for each in leaves(params):
        if isinstance(each, Expression):
            yield from () if isinstance(each, FarExpression) else each.refs
        else:
            yield each


def ordered(run: Run, table: Table, rows: Positions) -> Positions:
    """Positions in the order of the dataset's keys, as far as these were derived; of raw records by file and line."""
    spec = run.study.datasets.get(table.name)
    keys = [table.columns[k].iloc[rows] for k in spec.keys if k in table.columns] if spec is not None else []
    if not keys or not len(rows):
        return rows
    result: Positions = rows[np.lexsort([rank(k.reset_index(drop=True)) for k in reversed(keys)])]
    return result


def record_keys(spec: DatasetSpec, table: Table, row: int, unlike: int = -1) -> str:
    """What names a record within its subject; of a record of the same dataset only where it differs from `unlike`."""
    told = []
    for key in spec.keys:
        if key in ("STUDYID", "USUBJID") or key not in table.columns:
            continue
        text = key_text(spec, table, key, row)
        if text != MISSING and (unlike < 0 or text != key_text(spec, table, key, unlike)):
            told.append(f"{key} {text}")
    return ", ".join(told)


def key_text(spec: DatasetSpec, table: Table, name: str, row: int) -> str:
    """A variable of a record, dates and times as people read them."""
    formats = [line.options.format for _, line in spec.lines(name)]
    values = table.columns[name]
    return moment(values, row, next(filter(None, formats), "")) or shown(values, row)


def mates(run: Run, table: Table, row: int, by: Iterable[VariableRef], needs: Iterable[VariableRef]) -> Positions:
    """The records of the same subject that agree with one in `by` and have all of `needs`, in their order."""
    at = At(run, table)
    try:
        alike = table.records.subject == table.records.subject[row]
        for ref in by:
            texts = at.text(ref)
            alike &= (texts == texts.iloc[row]).to_numpy(dtype=bool)
        for ref in needs:
            alike &= at.values(ref).notna().to_numpy()
    except DataError:
        return np.empty(0, dtype=np.int64)
    return ordered(run, table, np.flatnonzero(alike))


def raw_places(run: Run, table: Table, row: int) -> str:
    """File and line of every raw record behind a record."""
    at = np.array([row])
    sources = {name: take(rows, at) for name, rows in table.records.sources.items()}
    told: dict[str, None] = {}
    for raw, rows in run.raw_rows(table, sources, at, 1):
        if rows[0] >= 0 and raw.line is not None and raw.file_of is not None:
            told[raw.place(int(rows[0]))] = None
    return "; ".join(told)

