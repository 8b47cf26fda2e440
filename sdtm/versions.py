"""Results that a laboratory sent more than once: which version counts.

Each version that was replaced is counted; one that was replaced by another result without being marked as corrected or
cancelled is listed.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from engine.numbers import rank
from engine.run.at import At
from engine.spec.binding import LISTED
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from engine.spec.registry import Made, RecordParams, record_verb

Refs = Annotated[list[VariableRef], LISTED, Field(min_length=1)]


@record_verb(
    "latest_version",
    says="of the versions of one record, the latest by {order}; the same {by} make one record",
    example="latest_version: {by: [lis.ACCNO, lis.TESTCODE], order: lis.LOADDTM, marked: \"lis.STATUS != 'F'\", "
    "content: lis.RESULT}",
)
class LatestVersion(RecordParams):
    """Of the records of a subject that share the values of `by`, the last in `order` stays.

    A later version is expected to say that it replaces another (`marked`); where one does not and its `content` differs
    from the version before it, it is listed. Versions of the same `order` and different content stop the build. Records
    with a missing value of `by` are versions of nothing and all stay.
    """

    by: Refs
    order: Refs
    marked: Expression | None = None
    content: Refs

    def make(self, at: At) -> Made:
        """See RecordParams."""
        columns = {f"k{i}": pd.factorize(at.text(r))[0] for i, r in enumerate(self.by)}
        whole = np.logical_and.reduce([c >= 0 for c in columns.values()])
        frame = pd.DataFrame({**columns, "who": at.subject})
        keys = list(frame.columns)
        groups = frame.groupby(keys, sort=False).ngroup().to_numpy()
        groups = np.where(whole, groups, groups.max(initial=0) + 1 + np.arange(at.n))
        ranks = [rank(at.values(r)) for r in self.order]
        contents = [rank(at.text(r)) for r in self.content]
        order = np.lexsort([*contents[::-1], *ranks[::-1], groups])
        group = groups[order]
        again = np.zeros(at.n, dtype=bool)  # a later version than the one before it in `order`
        again[1:] = group[1:] == group[:-1]
        other = np.zeros(at.n, dtype=bool)
        level = again.copy()
        for each in contents:
            other[1:] |= each[order][1:] != each[order][:-1]
        for each in ranks:
            level[1:] &= each[order][1:] == each[order][:-1]
        told = at.test(self.marked)[order] if self.marked is not None else np.ones(at.n, dtype=bool)
        at.only(order[again & other & level]).report(
            np.ones(int((again & other & level).sum()), dtype=bool),
            f"two versions of one record have the same {', '.join(map(str, self.order))} and differ",
            severity="blocking",
            variable=self.by[-1].name,
        )
        silent = again & other & ~level & ~told
        at.only(order[silent]).report(
            np.ones(int(silent.sum()), dtype=bool),
            "another result than the version before it, and not marked as corrected",
            variable=self.by[-1].name,
        )
        last = np.ones(at.n, dtype=bool)
        last[:-1] = ~again[1:]
        return Made(np.sort(order[last]))
