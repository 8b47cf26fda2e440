"""Reports of a comparison: one HTML page, a workbook, or JSON, by the ending of the name.

The same comparison gives the same bytes. Reports carry no time of their own.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from formats.atomic import write_bytes
from validators.comparison_result import as_json

STAMP = datetime(1980, 1, 1)  # of a workbook, which must name a time


def write_report(path: Path, data: dict[str, Any]) -> None:
    """Write one report; FileError when the folder is missing or closed to writing."""
    ending = path.suffix.lower()
    if ending == ".json":
        write_bytes(path, as_json(data))
    elif ending == ".html":
        from validators.comparison_page import page  # noqa: PLC0415  templates take a moment to load

        write_bytes(path, page(data))
    else:
        from formats.xlsx_write import write_xlsx  # noqa: PLC0415
        from validators.comparison_book import sheets  # noqa: PLC0415

        write_xlsx(path, sheets(data), STAMP, title="Comparison")
