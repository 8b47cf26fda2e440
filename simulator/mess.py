"""Plants the declared mess into the records of one subject, and says what was planted where.

The truth of a person is not touched; what a flaw hides is marked in it.

Sources: the study design, section 2.3.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from engine.spec.forms import FormsSpec
from engine.spec.sources import RawSpec
from simulator.book import MONTHS, Book, Row, edc_date
from simulator.plants import Mess, Plant

UNKNOWN_DATE = "UN-UNK-UNKN"
ORDER = tuple(Mess)
HIDING = ("set", "partial", "remove", "undrawn")
Planted = dict[str, Any]


class Planter:
    """Plants what is declared up to a level of mess."""

    def __init__(self, plants: list[Plant], level: Mess, raw: RawSpec, forms: FormsSpec) -> None:
        """Sort the declared plants by whom they are for."""
        self.raw, self.forms = raw, forms
        chosen = [p for p in plants if ORDER.index(p.level) <= ORDER.index(level)]
        self.shared = [p for p in chosen if p.share]
        self.wide = [p for p in chosen if not p.subject and not p.share]
        self.named: dict[str, list[Plant]] = {}
        for plant in chosen:
            if plant.subject:
                self.named.setdefault(plant.subject, []).append(plant)
        self.planted: list[Planted] = []

    def plant(self, book: Book, scripted: bool, rng: np.random.Generator) -> list[Planted]:
        """Plant what is for this subject; gives what was planted."""
        before = len(self.planted)
        for plant in self.named.get(book.subject, ()):
            self._one(book, plant, plant.nth)
        for plant in self.shared if not scripted else ():
            roll, nth = rng.random(), int(rng.integers(1 << 30))
            if roll < plant.share:
                self._one(book, plant, nth)
        return self.planted[before:]

    def _one(self, book: Book, plant: Plant, nth: int) -> None:
        rows = book.tables.get(plant.table, [])
        fit = [
            r
            for r in rows
            if all(r.get(c) == v for c, v in plant.where.items()) and all(r.get(c) for c in plant.filled)
        ]
        if not fit and plant.kind != "new":  # this person has no such record; another seed may give them one
            return
        row = fit[nth % len(fit)] if fit else {}
        was = dict(row)
        changed = _KINDS[plant.kind](book, plant, row)
        field = plant.field
        self.planted.append(
            {
                "mess": plant.mess,
                "kind": plant.kind,
                "subject": book.subject,
                "table": plant.table,
                **self.place(plant.table, changed),
                "field": field or None,
                "was": was.get(field) if field else None,
                "now": changed.get(field) if field else None,
                "hides": plant.hides,
                **{name: was[name] for name in ("AENO", "PKBAR") if name in was},
            }
        )

    def place(self, table: str, row: Row) -> dict[str, Any]:
        """The file a record goes to and what it is known by there."""
        if table in self.forms.forms:
            spec = self.raw.carriers["csv"]
            name = spec.pattern.replace("{FORM}", self.forms.oid(table))
            return {"file": f"{spec.folder}/{name}", "record": {"SUBJECT": row["SUBJECT"], "RECNO": row["RECNO"]}}
        vendor = self.raw.vendors[table]
        file = vendor.files
        if vendor.file_column:
            file = f"{file.rpartition('/')[0]}/{row[vendor.file_column]}"
        return {"file": file, "record": {k: row.get(k) for k in vendor.keys}}

    def study_wide(self, table: str, rows: list[Row]) -> list[Row]:
        """Rows of a table about no subject, without those that a plant leaves out."""
        for plant in self.wide:
            if plant.kind == "untranslated" and plant.table == table:
                self.planted.append(
                    {"mess": plant.mess, "kind": plant.kind, "table": table, "file": self.raw.vendors[table].files,
                     "was": plant.value}
                )  # fmt: skip
                rows = [r for r in rows if r["zh"] != plant.value]
        return rows

    def manifest(self, name: str, records: int) -> int:
        """The records that the manifest lists for a file."""
        for plant in self.wide:
            if plant.kind == "manifest" and plant.value == name:
                self.planted.append({"mess": plant.mess, "kind": plant.kind, "file": name, "now": records + 1})
                return records + 1
        return records


def _set(_book: Book, plant: Plant, row: Row) -> Row:
    row[plant.field] = plant.value
    return row


def _partial(book: Book, plant: Plant, row: Row) -> Row:
    on = _read(row.get(plant.field))
    if on is None:
        return row
    row[plant.field] = UNKNOWN_DATE if plant.known == "unknown" else edc_date(on, plant.known)
    book.unsee(on)
    return row


def _convert(_book: Book, plant: Plant, row: Row) -> Row:
    value = float(row[plant.field] or 0) * plant.factor + plant.offset
    row[plant.field] = f"{value:.{plant.decimals}f}"
    row[plant.unit_field] = plant.unit
    return row


def _repeat(book: Book, plant: Plant, row: Row) -> Row:
    if "RECNO" in row:
        return book.copy(plant.table, row)
    copy = dict(row) | _load(book, row, plant.nth % 3)
    book.tables[plant.table].append(copy)
    return copy


def _deleted(book: Book, plant: Plant, row: Row) -> Row:
    return book.copy(plant.table, row, RECSTAT="DELETED", **plant.changes)


def _add(book: Book, plant: Plant, row: Row) -> Row:
    if "RECNO" in row:
        return book.copy(plant.table, row, **plant.changes)
    copy = dict(row) | plant.changes
    book.tables[plant.table].append(copy)
    return copy


def _new(book: Book, plant: Plant, _row: Row) -> Row:
    row = book.form(plant.table, plant.visit, plant.on)
    row.update(plant.changes)
    return row


def _pad(_book: Book, plant: Plant, row: Row) -> Row:
    row[plant.field] = f" {row[plant.field]}  "
    return row


def _remove(book: Book, plant: Plant, row: Row) -> Row:
    book.tables[plant.table] = [r for r in book.tables[plant.table] if r is not row]
    return row


def _undrawn(book: Book, plant: Plant, row: Row) -> Row:
    tube = row["PKBAR"]
    row |= {"PKYN": "N", "PKREAS": plant.value, "PKDAT": None, "PKTIM": None, "PKBAR": None}
    book.tables["conc"] = [r for r in book.tables["conc"] if r["PKBAR"] != tube]
    return row


def _recode(book: Book, plant: Plant, row: Row) -> Row:
    old = row[plant.field]
    for rows in book.tables.values():
        for other in rows:
            for column in other:
                if column.endswith(plant.field) and other[column] == old:  # DAENO, CMAENO name the AENO of an event
                    other[column] = plant.value
    return row


def _correct(book: Book, plant: Plant, row: Row) -> Row:
    copy = dict(row) | _load(book, row, 1) | {"STATUS": "C", "RESULT": plant.value}
    book.tables[plant.table].append(copy)
    return copy


def _cancel(book: Book, plant: Plant, row: Row) -> Row:
    copy = dict(row) | _load(book, row, 1) | {"STATUS": "X", "RESULT": plant.value, "UNIT": None}
    book.tables[plant.table].append(copy)
    return copy


def _load(book: Book, row: Row, months: int) -> Row:
    """File and load time of a later load of the laboratory's system; the same load time when none is later."""
    loaded = datetime.fromisoformat(str(row["LOADDTM"]))
    file = str(row["FILE"])
    month = date(int(file[-10:-6]), int(file[-6:-4]), 1)
    after = (month + timedelta(days=32)).replace(day=1)
    later = min(loaded + timedelta(days=30 * months, hours=months), datetime.combine(book.snapshot, loaded.time()))
    later = max(later, loaded + timedelta(minutes=5)) if months else loaded
    return {"FILE": f"{file[:-10]}{after:%Y%m}{file[-4:]}", "LOADDTM": later.isoformat(timespec="seconds")}


_KINDS: dict[str, Callable[[Book, Plant, Row], Row]] = {
    "set": _set,
    "partial": _partial,
    "convert": _convert,
    "repeat": _repeat,
    "deleted": _deleted,
    "add": _add,
    "new": _new,
    "pad": _pad,
    "remove": _remove,
    "undrawn": _undrawn,
    "recode": _recode,
    "correct": _correct,
    "cancel": _cancel,
}


def _read(text: str | None) -> date | None:
    """The date of a text as the forms write it; None when it is not complete."""
    day, _, rest = (text or "").partition("-")
    month, _, year = rest.partition("-")
    if not (day.isdigit() and month in MONTHS and year.isdigit()):
        return None
    return date(int(year), MONTHS.index(month) + 1, int(day))


def hide(truth: dict[str, Any], planted: list[Planted]) -> None:
    """Mark in a person's truth what the planted mess hides, and follow identifiers that were recoded."""
    pk = truth.get("PK", {})
    for item in planted:
        for name in item["hides"]:
            truth["hidden"][name] = item["mess"]
        event = next((e for e in truth.get("events", ()) if e["AENO"] == item.get("AENO")), None)
        tube = item.get("PKBAR")
        if item["kind"] == "recode":
            if event and item["field"] == "AENO":
                event["AENO"] = item["now"]
            if tube in pk.get("concentrations", {}):
                pk["concentrations"][item["now"]] = pk["concentrations"].pop(tube)
        elif item["kind"] in HIDING:
            if event and item["table"] == "ae":
                event.setdefault("hidden", {})[item["field"]] = item["mess"]
            if tube and pk:
                pk.setdefault("hidden", {})[tube] = item["mess"]
