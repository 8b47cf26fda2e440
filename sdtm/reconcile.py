"""Records of two sources that should find one another, and those that do not: listed, never lost in silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import Field

from engine.run.at import At
from engine.spec.expressions import FarExpression
from engine.spec.refs import VariableRef
from engine.spec.registry import Made, RecordParams, record_verb


@record_verb(
    "every_one_of",
    says="every record of {source} is expected to be met by {match}; those that are not are listed",
    example="every_one_of: {source: conc, match: {PKBAR: pks.PKBAR}, lost: no sample carries this barcode}",
)
class EveryOneOf(RecordParams):
    """List the records of another source that no record here meets; the records stay as they are.

    Two records meet when they are of the same subject and equal in every column of `match`. `where` limits which
    records of the source are expected; `ask` is what to ask about a record that is listed.
    """

    source: str
    match: dict[str, VariableRef] = Field(min_length=1)
    where: FarExpression | None = None
    lost: str = Field(min_length=3)
    ask: str = ""

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return (self.source,)

    def more_references(self) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        return tuple(VariableRef(self.source, c) for c in self.match)

    def make(self, at: At) -> Made:
        """See RecordParams."""
        every = at.far(self.source)
        far = every.only(every.test(self.where) & (every.subject >= 0))
        names = list(self.match)
        here = pd.DataFrame({c: at.text(self.match[c]) for c in names}).assign(who=at.subject)
        there = pd.DataFrame({c: far.text(VariableRef(self.source, c)) for c in names}).assign(who=far.subject)
        found = there.merge(here.dropna().drop_duplicates(), how="left", on=[*names, "who"], indicator=True, sort=False)
        lost = (found["_merge"] == "left_only").to_numpy(dtype=bool)
        shown = there[names[0]].fillna("")
        for name in names[1:]:
            shown = shown + " " + there[name].fillna("")
        reads = [VariableRef(self.source, n) for n in names]
        far.report(lost, self.lost, found=shown, variable=names[0], reads=reads, ask=self.ask)
        return Made(np.arange(at.n, dtype=np.int64))
