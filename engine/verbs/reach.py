"""The records of another dataset that a record's own condition reaches: pairs of a record and a far record.

`AE.AESTDTC >= TRTSDT` compares every AE of the subject with the record's own TRTSDT: names with the far dataset's
prefix are the far record's, all others the record's own. Records of one subject with equal own values share their
pairs, so that a condition on the subject alone is worked out once for each subject.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError, Problem
from engine.numbers import rank
from engine.run.at import At
from engine.run.tables import Positions, take_values
from engine.spec.expressions import FarExpression
from engine.spec.refs import VariableRef

MOST_PAIRS = 4_000_000  # that are looked at together, so that memory stays small


@dataclass(frozen=True, slots=True)
class Reach:
    """The far records that satisfy a condition, pair by pair.

    `far` shows the far record of each pair, `rows` its position in its table, `group` the group of records that it
    was paired with; `of` is the group of each record of the view that asked (-1: a record of no subject), `groups`
    their number.
    """

    far: At
    rows: Positions
    group: Positions
    of: Positions
    groups: int

    def first(self, order: list[VariableRef], *, last: bool = False) -> tuple[Positions, Positions]:
        """Of each group the pair that comes first (or last) by `order`, missing values lowest.

        Returns:
            For each group the position of its pair, -1 where it has none; and the pairs that tie with a chosen one.
        """
        ranks = {f"r{i}": rank(self.far.values(r)) for i, r in enumerate(order)}
        frame = pd.DataFrame({"group": self.group, **ranks})
        ordered = frame.sort_values(list(frame.columns), kind="stable")
        chosen = ordered.drop_duplicates("group", keep="last" if last else "first")
        best = np.full(self.groups + 1, -1, dtype=np.int64)
        best[chosen["group"].to_numpy()] = chosen.index.to_numpy()
        best[-1] = -1
        if self.far.picked is not None:
            self.far.picked(self.far.table.name, self.rows[best[best >= 0]], True)
        mate = best[self.group]
        same = np.arange(len(frame)) != mate
        for values in ranks.values():
            same &= values == values[mate]
        return best[:-1], np.flatnonzero(same)

    def to_records(self, of_groups: Positions) -> Positions:
        """Positions known for each group, carried to the records; -1 for a record of no group."""
        return np.append(of_groups, -1)[self.of]


def reach(at: At, source: str, where: FarExpression | None) -> Reach:
    """Pair the records of `at` with the records of `source` of the same subject for which `where` is known to hold.

    Raises:
        DataError: a text that the condition needs as a number is none.
    """
    far = at.far(source)
    own = [r for r in where.refs if not _is_far(r, source, at, far)] if where is not None else []
    values = {ref: at.values(ref) for ref in own}
    keys = pd.DataFrame({"who": at.subject, **{f"v{i}": v for i, v in enumerate(values.values())}})
    group = keys.groupby(list(keys.columns), sort=False, dropna=False).ngroup().to_numpy(dtype=np.int64)
    firsts = np.flatnonzero(~pd.Series(group).duplicated().to_numpy())
    of, groups = np.where(at.subject >= 0, group, -1), len(firsts)
    left = pd.DataFrame({"who": at.subject[firsts], "group": group[firsts], "first": firsts})
    right = pd.DataFrame({"who": far.subject, "row": np.arange(far.n, dtype=np.int64)})
    for number, (mine, theirs) in enumerate(_shared(where, values, far)):
        left[number], right[number] = take_values(mine, firsts), theirs
    left, right = left[left["who"] >= 0].dropna(), right.dropna()
    kept: list[tuple[Positions, Positions]] = [(np.empty(0, dtype=np.int64),) * 2]
    for block in _blocks(left, right):
        pairs = block.merge(right, on=[c for c in left.columns if c not in ("group", "first")], sort=False)
        first, rows = pairs["first"].to_numpy(dtype=np.int64), pairs["row"].to_numpy(dtype=np.int64)
        paired = pairs["group"].to_numpy(dtype=np.int64)
        if where is not None:

            def value(ref: VariableRef, first: Positions = first, rows: Positions = rows) -> pd.Series:
                return take_values(values[ref], first) if ref in values else take_values(far.values(ref), rows)

            try:
                truth = where.test(value, len(rows))
            except ValueError as error:
                raise DataError(Problem(str(error), found=where.text)) from None
            at.run.count_unknown(at.dataset, at.variable, where.text, int(truth.unknown.sum()))
            rows, paired = rows[truth.true], paired[truth.true]
        kept.append((rows, paired))
    rows, paired = (np.concatenate(column) for column in zip(*kept, strict=True))
    if at.picked is not None:
        at.picked(source, rows, False)
    return Reach(far.only(rows), rows, paired, of, groups)


def _shared(
    where: FarExpression | None, values: dict[VariableRef, pd.Series], far: At
) -> list[tuple[pd.Series, pd.Series]]:
    """Own and far values that the condition wants equal, so that no other pairs need be made."""
    found = []
    for one, other in where.equalities if where is not None else ():
        mine, theirs = (one, other) if one in values else (other, one)
        if mine in values and theirs not in values:
            pair = (values[mine], far.values(theirs))
            if pair[0].dtype == pair[1].dtype:
                found.append(pair)
    return found


def _blocks(left: pd.DataFrame, right: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of `left` in pieces that make at most MOST_PAIRS pairs each (or one subject's, where that is more)."""
    counts = right.groupby("who").size().reindex(left["who"], fill_value=0).to_numpy()
    piece = np.cumsum(counts) // MOST_PAIRS
    for number in np.unique(piece):
        yield left[piece == number]


def _is_far(ref: VariableRef, source: str, at: At, far: At) -> bool:
    """Whether a name in the condition is the far record's: by its prefix, or by what only the far record came from."""
    if ref.source == source:
        return True
    return ref.source in far.records.sources and ref.source not in at.records.sources
