"""The records of one subject as an export holds them: text in columns, counted, dated, entered.

Keeps no record dated after the day of the export. Knows no form: each writer names the fields.

Sources: the study design, sections 2.1 and 2.2.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
EXCEL_EPOCH = date(1899, 12, 30)
Row = dict[str, str | None]


class Book:
    """The records of one screening number, and the dates on which it was seen alive."""

    def __init__(self, study: str, site: str, subject: str, snapshot: date, utc_offset: int) -> None:
        """An empty book; records dated after `snapshot` will be refused in silence, as not yet there."""
        self.study, self.site, self.subject = study, site, subject
        self.snapshot, self.utc_offset = snapshot, utc_offset
        self.tables: dict[str, list[Row]] = {}
        self.seen: Counter[date] = Counter()
        self._within: Counter[tuple[str, str, int]] = Counter()

    def form(self, form: str, visit: str, on: date | None, rep: int = 1, **fields: object) -> Row:
        """Add a record of a form; `on` is its date, by which entry is dated and the future left out.

        Returns:
            The record; it may still be changed. A record of the future is returned but not kept.
        """
        values = {k: text(v) for k, v in fields.items()}
        row: Row = {
            "STUDY": self.study,
            "SITE": self.site,
            "SUBJECT": self.subject,
            "VISITOID": visit,
            "VISITREP": str(rep),
            "FORMOID": form.upper(),
        }
        if on is not None and on > self.snapshot:
            return {**row, **values}
        rows = self.tables.setdefault(form, [])
        self._within[form, visit, rep] += 1
        number = len(rows) + 1
        lag = 1 + (number * 5 + len(form) + (on.day if on else 0)) % 6
        entered = datetime.combine(on or self.snapshot, datetime.min.time()) + timedelta(
            days=lag, hours=1 + number % 9, minutes=(number * 7) % 60
        )
        entered = min(
            entered, datetime.combine(self.snapshot, datetime.min.time()) + timedelta(hours=9, minutes=number % 60)
        )
        row |= {
            "FORMREP": str(self._within[form, visit, rep]),
            "RECNO": str(number),
            "RECSTAT": "ACTIVE",
            "ENTRYDTM": entered.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        row |= values
        rows.append(row)
        return row

    def vendor(self, table: str, on: date | None, **fields: object) -> Row:
        """Add a record of a vendor table; the future is left out."""
        row = {k: text(v) for k, v in fields.items()}
        if on is None or on <= self.snapshot:
            self.tables.setdefault(table, []).append(row)
        return row

    def copy(self, form: str, row: Row, **changes: str | None) -> Row:
        """Add a form's record once more under its own number, with changes."""
        place = (form, str(row["VISITOID"]), int(str(row["VISITREP"])))
        self._within[place] += 1
        rows = self.tables[form]
        again = (
            dict(row)
            | {"FORMREP": str(self._within[place]), "RECNO": str(1 + max(int(str(r["RECNO"])) for r in rows))}
            | changes
        )
        rows.append(again)
        return again

    def alive(self, on: date) -> None:
        """Note that a record shows the subject alive on a date (a record of the future is not noted)."""
        if on <= self.snapshot:
            self.seen[on] += 1

    def unsee(self, on: date) -> None:
        """Take back one note of a date that its record no longer shows."""
        self.seen[on] -= 1
        if self.seen[on] <= 0:
            del self.seen[on]


def text(value: object) -> str | None:
    """A value as an export writes it; None for nothing."""
    if type(value) is str:
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, datetime):
        raise TypeError("write a date-time as text")
    if isinstance(value, date):
        return edc_date(value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def edc_date(on: date, known: str = "day") -> str:
    """A date as the EDC writes it; known: day, month (UN-MAR-2025), year (UN-UNK-2025), dayonly (15-UNK-2025)."""
    day, month = f"{on.day:02d}", MONTHS[on.month - 1]
    if known in ("month", "year"):
        day = "UN"
    if known in ("year", "dayonly"):
        month = "UNK"
    return f"{day}-{month}-{on.year}"


def clock(hours: float) -> str:
    """Hours since midnight as HH:MM (the day turns at 24 h)."""
    minutes = round(hours * 60) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def at(on: date, hours: float) -> datetime:
    """The date-time `hours` after the midnight of a date, to the minute."""
    return datetime.combine(on, datetime.min.time()) + timedelta(minutes=round(hours * 60))
