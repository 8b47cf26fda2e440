"""One file of an export as tables of text, whatever it is: CSV, ODM-XML, workbook, SAS7BDAT or transport file.

The ending of the name decides; what has none of the known endings is delimited text.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from numpy.typing import NDArray

from edc.odm import read_odm
from edc.render import Render, read_sas
from edc.workbooks import read_workbook
from engine.errors import FileError, Place, Problem
from formats.csv_read import read_csv

DEFAULT_ENCODING = "utf-8-sig"  # of text files for which raw.yaml names none
Tables = list[tuple[str, pd.DataFrame, NDArray]]  # name (sheet, form or dataset; '' where there is none), text, lines


def read_tables(
    path: Path, shown: str, encoding: str, limit: int, render: Render, attributes: dict[str, str]
) -> Tables:
    """The tables of a file.

    Args:
        path: the file; `shown` its name in messages.
        encoding: as declared. limit: bytes at most, unpacked.
        render: text of a true date or time, by table and column.
        attributes: of an ODM file, common columns and the attribute that holds each.

    Raises:
        FileError: everything that is wrong with the file.
    """
    ending = path.suffix.lower()
    if ending == ".xml":
        return [(name, *read) for name, read in read_odm(path, shown, limit, attributes).items()]
    if ending == ".xlsx":
        return list(read_workbook(path, shown, limit, render))
    if ending in (".sas7bdat", ".xpt"):
        size = path.stat().st_size
        if size > limit:
            raise FileError(Problem(f"the file is larger than {limit:,} bytes", Place(shown), found=f"{size:,} bytes"))
        return read_sas(path, shown, None if encoding == DEFAULT_ENCODING else encoding, render)
    return [("", *read_csv(path, shown, encoding, limit))]
