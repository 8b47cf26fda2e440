"""Writes a dataset as Parquet with all its metadata, special missing values included (see parquet_read.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from formats.atomic import atomic_write
from formats.described import described_json
from formats.metadata import DatasetMeta
from formats.missing import special_missing_code
from formats.parquet_read import KEY


def write_parquet(path: Path, frame: pd.DataFrame, meta: DatasetMeta) -> None:
    """Write the file whole or not at all; the same dataset gives the same bytes under the same libraries."""
    special = {str(n): {int(i): str(codes[i]) for i in np.flatnonzero(codes != "")}
               for n, codes in ((n, special_missing_code(frame[n])) for n in frame if frame[n].dtype == np.float64)}
    said = described_json(meta, {n: cells for n, cells in special.items() if cells})
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata({KEY: said})
    with atomic_write(path) as file:
        pq.write_table(table, pa.PythonFile(file, mode="w"))
