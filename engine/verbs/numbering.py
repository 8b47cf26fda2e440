"""Numbers of records within groups, as repetitions of one measurement are counted.

--SEQ, which follows the final order of a dataset, is in values.py.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field

from engine.numbers import rank
from engine.run.at import At
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Refs = Annotated[list[VariableRef], BeforeValidator(_listed), Field(min_length=1)]


@verb(
    "number_within",
    reads="by",
    scope="subject",
    says="1, 2, 3 ... within the subject's records of the same {by}, in the order of {order}",
    source="SDTM 2.0, --REPNUM",
    example="GFREPNUM: {number_within: [qpcr.SAMPLE, qpcr.GENE], order: qpcr.WELL}",
)
class NumberWithin(Params):
    """Number of the record among the subject's records that share the values of `by`, from 1 in the stated order.

    Missing values of `order` come first. A record with a missing value of `by` has no number. Records that `order`
    does not tell apart are listed and share the lowest of their numbers.
    """

    by: Refs
    order: Refs

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        keys = [pd.factorize(at.text(r))[0] for r in self.by]
        whole = np.logical_and.reduce([k >= 0 for k in keys])
        group = pd.DataFrame({"who": at.subject, **{f"k{i}": k for i, k in enumerate(keys)}})
        code = group.groupby(list(group.columns), sort=False).ngroup().to_numpy()
        ranks = [rank(at.values(r)) for r in self.order]
        order = np.lexsort([*ranks[::-1], code])
        placed = pd.Series(code[order])
        counted = placed.groupby(placed).cumcount().to_numpy() + 1.0
        tied = np.zeros(at.n, dtype=bool)
        tied[1:] = np.logical_and.reduce([r[order][1:] == r[order][:-1] for r in (code, *ranks)])
        first = np.maximum.accumulate(np.where(tied, 0, np.arange(at.n)))
        numbers, listed = np.empty(at.n), np.zeros(at.n, dtype=bool)
        numbers[order], listed[order] = counted[first], tied
        at.report(listed & whole, f"{', '.join(map(str, self.order))} does not tell it from another of its group")
        return pd.Series(np.where(whole, numbers, np.nan))
