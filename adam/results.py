"""Analysis values of results: the number that a result is, or that stands for one beyond a limit of the assay.

Reads standardised results; units are converted in the sdtm room.

Sources: ADaMIG 1.3 section 4.5.2 (imputed values and DTYPE).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from engine.run.at import At
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb
from sdtm.results import SIGNS, parts

SHARES = {"half": 0.5, "limit": 1.0, "zero": 0.0, "missing": np.nan}


@verb(
    "analysis_value",
    reads="of",
    scope="record",
    says="The number that {of} is; of `<x` the {below} of x, of `>x` the {above} of x",
    source="ADaMIG 1.3 section 4.5.2",
    example="AVAL: {analysis_value: LB.LBSTRESC, below: half, above: limit}",
)
class AnalysisValue(Params):
    """The number that a result counts as: itself, or what is said of results below (`<`, `<=`) or above a limit.

    `half` of the limit, the `limit` itself, `zero`, or `missing`. A text that holds no number has none.
    """

    of: VariableRef
    below: Literal["half", "limit", "zero", "missing"]
    above: Literal["limit", "missing"]

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        found = parts(at.values(self.of))
        shares = np.array([1.0, *[SHARES[self.below if "<" in sign else self.above] for sign in SIGNS[1:]]])
        return pd.Series(found.number * shares[found.sign])
