"""Text columns as the whole project holds them: Arrow text in pandas, missing NaN, never an empty text.

Sources: architecture, "pandas, said once".
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


def as_text(values: pa.ChunkedArray) -> pd.Series:
    """Arrow text as the `str` of pandas in one piece; empty is missing."""
    whole = values.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], pa.large_string())
    empty = pc.equal(whole, "")
    if pc.any(empty).as_py():
        whole = pc.if_else(empty, pa.scalar(None, pa.large_string()), whole)
    return pd.Series(pd.array(whole, dtype=TEXT))
