"""Occurrence flags: the first record of a subject, of a class or of a term, and the first of the highest grade.

Every flag marks at most one record of each group, so that counting flagged records counts subjects.

Sources: ADaM OCCDS 1.1 section 3.2.9 (AOCCFL, AOCCSFL, AOCCPFL, AOCCIFL, AOCCSIFL, AOCCPIFL).
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
from engine.spec.registry import Params, verb

Refs = Annotated[list[VariableRef], LISTED]


@verb(
    "occurrence",
    reads="by",
    scope="subject",
    source="ADaM OCCDS 1.1 section 3.2.9",
    says="Y for the first by {order} of the subject's records with the same {by}[ that have the highest {highest}]"
    "[, among records where {among}]",
    example="AOCCPFL: {occurrence: AEDECOD, order: [ASTDT, AESEQ], among: \"TRTEMFL == 'Y'\"}",
)
class Occurrence(Params):
    """Y for one record of each group: the first in the stated order, of those with the highest value of `highest`.

    Records of a subject with the same values of `by` are a group (`USUBJID`: all of the subject). Only records for
    which `among` is known to hold take part. A record without a value of `by` or of `highest` is never flagged, missing
    values of `order` come first, and two records that `order` does not tell apart are a blocking issue.
    """

    by: Refs = Field(min_length=1)
    order: Refs = Field(min_length=1)
    highest: VariableRef | None = None
    among: Expression | None = None

    def one_of(self) -> tuple[VariableRef, ...] | None:
        """See Params."""
        return tuple(ref for ref in self.by if ref.name != "USUBJID")

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        keys = {f"k{i}": at.usubjid if ref.name == "USUBJID" else at.text(ref) for i, ref in enumerate(self.by)}
        ranks = {f"o{i}": rank(at.values(ref)) for i, ref in enumerate(self.order)}
        frame = pd.DataFrame({"who": at.subject, **keys, "high": 0.0, **ranks})
        taking = at.test(self.among) & frame[list(keys)].notna().all(axis=1).to_numpy()
        if self.highest is not None:
            high = at.number(self.highest)
            frame["high"] = -high
            taking &= high.notna().to_numpy()
        group = ["who", *keys]
        frame = frame[taking].sort_values([*group, "high", *ranks], kind="stable")
        alike = frame.duplicated([*group, "high", *ranks], keep=False)
        first = frame.drop_duplicates(group).index
        flagged = np.zeros(at.n, dtype=bool)
        flagged[first[alike[first]]] = True
        at.report(
            flagged,
            f"{', '.join(map(str, self.order))} does not tell which record comes first",
            severity="blocking",
        )
        flagged[:] = False
        flagged[first] = True
        return at.constant("Y").where(pd.Series(flagged))
