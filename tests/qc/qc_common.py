"""What both QC programs need: published tabulations as pyreadstat reads them, dates of the analysis plan.

Written from the study's design alone; shares no code with the programs that it checks.
"""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pyreadstat

CUT_OFF = date(2026, 3, 31)
EPOCH = date(1960, 1, 1)


def tabulations(folder):
    """A function: name of a domain to its records; missing text is ''."""

    def read(name):
        frame, _ = pyreadstat.read_xport(Path(folder) / f"{name.lower()}.xpt", disable_datetime_conversion=True)
        return frame

    return read


def day(text):
    """A complete date of ISO 8601 text; None for a partial or missing one."""
    try:
        return date.fromisoformat(str(text)[:10]) if len(str(text)) >= 10 else None
    except ValueError:
        return None


def sas(value):
    """Days since 1960-01-01; None for none."""
    return None if value is None else float((value - EPOCH).days)


def half_up(value, digits):
    """Rounded half away from zero, of the decimal text."""
    return float(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def last_of_month(year, month):
    """The last day of a month."""
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def write(frame, path, label, labels, formats):
    """A transport file, by pyreadstat."""
    pyreadstat.write_xport(
        frame, str(path), file_label=label, table_name=Path(path).stem.upper(), column_labels=[labels[c] for c in frame],
        variable_format=formats, file_format_version=5,
    )
