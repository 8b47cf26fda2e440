"""The records of another dataset that a record's own condition reaches: pairs of a record and a far record.

`AE.AESTDTC >= TRTSDT` compares every AE of the subject with the record's own TRTSDT: names with the far dataset's
prefix are the far record's, all others the record's own. Records of one subject with equal own values share their
pairs, so that a condition on the subject alone is worked out once for each subject.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError, Problem
from engine.numbers import rank
from engine.run.at import At
from engine.run.tables import Positions, take_values
from engine.spec.expressions import FarExpression
from engine.spec.refs import VariableRef


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
    left = pd.DataFrame({"who": at.subject[firsts], "group": group[firsts], "first": firsts})
    right = pd.DataFrame({"who": far.subject, "row": np.arange(far.n, dtype=np.int64)})
    pairs = left[left["who"] >= 0].merge(right, on="who", sort=False)
    first, rows = pairs["first"].to_numpy(dtype=np.int64), pairs["row"].to_numpy(dtype=np.int64)
    paired = pairs["group"].to_numpy(dtype=np.int64)
    if where is not None:

        def value(ref: VariableRef) -> pd.Series:
            return take_values(values[ref], first) if ref in values else take_values(far.values(ref), rows)

        try:
            truth = where.test(value, len(rows))
        except ValueError as error:
            raise DataError(Problem(str(error), found=where.text)) from None
        at.run.count_unknown(at.dataset, at.variable, where.text, int(truth.unknown.sum()))
        rows, paired = rows[truth.true], paired[truth.true]
    of = np.where(at.subject >= 0, group, -1)
    return Reach(far.only(rows), rows, paired, of, len(firsts))


def _is_far(ref: VariableRef, source: str, at: At, far: At) -> bool:
    """Whether a name in the condition is the far record's: by its prefix, or by what only the far record came from."""
    if ref.source == source:
        return True
    return ref.source in far.records.sources and ref.source not in at.records.sources
