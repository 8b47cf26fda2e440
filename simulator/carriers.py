"""The three carriers of the forms, written as records come: CSV, an ODM-XML snapshot, a workbook.

All three hold the same values; the workbook holds some complete dates as true dates and numbers as numbers.

Sources: the study design, section 2.1; CDISC ODM 1.3.2, section 3.1.4.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import IO, Any, Protocol
from xml.sax.saxutils import quoteattr

from engine.numbers import NUMBER, number_text
from engine.spec.forms import FormsSpec
from engine.spec.sources import CarrierSpec, RawSpec
from simulator.book import MONTHS, Row
from simulator.odm import odm_head
from simulator.workbook import Cell, Workbook


class Carrier(Protocol):
    """Somewhere the records of a subject's forms go."""

    def add(self, tables: dict[str, list[Row]]) -> None:
        """Write one subject's records by form."""

    def close(self) -> dict[str, int]:
        """End the files; gives the records of each, by its name in the export."""


def open_carriers(raw: RawSpec, forms: FormsSpec, folder: Path, scratch: Path, study: tuple[str, str]) -> list[Carrier]:
    """The carriers that the layout declares; `study` is the study's identifier and title."""
    made: list[Carrier] = []
    for spec in raw.carriers.values():
        if spec.folder is not None:
            made.append(Csv(raw, forms, spec, folder))
        elif str(spec.file).lower().endswith(".xml"):
            made.append(Odm(raw, forms, spec, folder, study))
        else:
            made.append(Sheets(raw, forms, spec, folder, scratch))
    return made


class Lines:
    """A CSV file that grows: a header, then records; the encoding and the columns are given."""

    def __init__(self, path: Path, encoding: str, columns: Iterable[str]) -> None:
        """Open the file and write its header."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.columns, self.records = list(columns), 0
        self._file: IO[str] = path.open("w", encoding=encoding, newline="")
        self._csv = csv.writer(self._file, lineterminator="\r\n")
        self._csv.writerow(self.columns)

    def add(self, rows: list[Row]) -> None:
        """Append records."""
        self._csv.writerows([row.get(c) for c in self.columns] for row in rows)
        self.records += len(rows)

    def close(self) -> int:
        """End the file; gives its records."""
        self._file.close()
        return self.records


class Csv:
    """One CSV file a form."""

    def __init__(self, raw: RawSpec, forms: FormsSpec, spec: CarrierSpec, folder: Path) -> None:
        """Open a file for every form of the study."""
        self.files: dict[str, tuple[str, Lines]] = {}
        for form in forms.forms:
            oid = forms.oid(form)
            name = f"{spec.folder}/" + spec.pattern.replace("{FORM}", oid).replace("{form}", oid.lower())
            columns = [*raw.common, *forms.columns(form)]
            self.files[form] = name, Lines(folder / name, spec.encoding, columns)

    def add(self, tables: dict[str, list[Row]]) -> None:
        """Write one subject's records."""
        for form, (_, lines) in self.files.items():
            lines.add(tables.get(form, []))

    def close(self) -> dict[str, int]:
        """End the files."""
        return {name: lines.close() for name, lines in self.files.values()}


class Odm:
    """A snapshot in ODM-XML: subjects, visits, forms, one ItemGroupData a record."""

    def __init__(self, raw: RawSpec, forms: FormsSpec, spec: CarrierSpec, folder: Path, study: tuple[str, str]) -> None:
        """Open the file and write the metadata of the forms."""
        self.raw, self.forms, self.name = raw, forms, str(spec.file)
        self.items = {f: [*(c for c in raw.common if c not in spec.attributes), *forms.columns(f)] for f in forms.forms}
        self.visits = {oid: i for i, oid in enumerate(forms.visits)}
        self.records = 0
        self._file = (folder / self.name).open("w", encoding="utf-8", newline="\n")
        self._file.write(odm_head(raw, forms, spec, *study))

    def add(self, tables: dict[str, list[Row]]) -> None:
        """Write one subject's records."""
        roles = self.raw.roles
        rows = [(form, row) for form in self.forms.forms for row in tables.get(form, ())]
        if not rows:
            return
        order = list(self.forms.forms)

        def key(pair: tuple[str, Row]) -> tuple[int, int, int, int, int]:
            form, row = pair
            visit, repeat, number, within = (
                str(row[str(c)]) for c in (roles.visit, roles.visit_repeat, roles.record, roles.form_repeat)
            )
            return self.visits.get(visit, 999), int(repeat), order.index(form), int(within), int(number)

        rows.sort(key=key)
        first = rows[0][1]
        out = [
            f"<SubjectData SubjectKey={quoteattr(str(first[roles.subject]))}>"
            f"<SiteRef LocationOID={quoteattr(str(first['SITE']))}/>\n"
        ]
        visit: tuple[Any, ...] = ()
        at: tuple[Any, ...] = ()
        for form, row in rows:
            here = (row[str(roles.visit)], row[str(roles.visit_repeat)])
            sheet = (form, row[str(roles.form_repeat)])
            if (here != visit or sheet != at) and at:
                out.append("</FormData>\n")
            if here != visit:
                if visit:
                    out.append("</StudyEventData>\n")
                out.append(f'<StudyEventData StudyEventOID="{here[0]}" StudyEventRepeatKey="{here[1]}">\n')
            if here != visit or sheet != at:
                out.append(f'<FormData FormOID="{self.forms.oid(form)}" FormRepeatKey="{sheet[1]}">\n')
            visit, at = here, sheet
            group = f"IG.{self.forms.oid(form)}"
            items = "".join(
                f'<ItemData ItemOID="{group}.{c}" Value={quoteattr(value)}/>'
                for c in self.items[form]
                if (value := row.get(c)) is not None
            )
            out.append(
                f'<ItemGroupData ItemGroupOID="{group}" ItemGroupRepeatKey="{row[str(roles.record)]}">{items}'
                "</ItemGroupData>\n"
            )
        out.append("</FormData>\n</StudyEventData>\n</SubjectData>\n")
        self._file.writelines(out)
        self.records += len(rows)

    def close(self) -> dict[str, int]:
        """End the file."""
        self._file.write("</ClinicalData>\n</ODM>\n")
        self._file.close()
        return {self.name: self.records}


class Sheets:
    """A workbook with one sheet a form."""

    def __init__(self, raw: RawSpec, forms: FormsSpec, spec: CarrierSpec, folder: Path, scratch: Path) -> None:
        """Begin a sheet for every form."""
        self.name = str(spec.file)
        self.book = Workbook(folder / self.name, scratch / "forms")
        self.plans: dict[str, tuple[str, list[str], list[str]]] = {}
        for place, form in enumerate(forms.forms):
            kinds = {c: s.type for c, s in raw.common.items()} | {n: i.type for n, i in forms.forms[form].items.items()}
            columns = [*raw.common, *forms.columns(form)]
            dated = "date" if place % 2 == 0 else "text"  # sites differ: every other sheet keeps its dates as text
            types = [dated if (k := kinds.get(c, "text")) == "date" and c not in raw.common else k for c in columns]
            self.plans[form] = forms.oid(form), columns, types
            self.book.add(forms.oid(form), columns, [])
        self.records = 0

    def add(self, tables: dict[str, list[Row]]) -> None:
        """Write one subject's records."""
        for form, (sheet, columns, types) in self.plans.items():
            rows = tables.get(form, [])
            self.book.add(
                sheet, columns, ([_typed(row.get(c), t) for c, t in zip(columns, types, strict=True)] for row in rows)
            )
            self.records += len(rows)

    def close(self) -> dict[str, int]:
        """Pack the workbook."""
        self.book.close()
        return {self.name: self.records}


def _typed(value: str | None, kind: str) -> Cell:
    """The cell of a value: a true date or number where that loses nothing, else its text."""
    if value is None:
        return None
    if kind == "number" and NUMBER.fullmatch(value) and number_text(float(value)) == value:
        return float(value) if "." in value else int(value)
    if kind == "date" and len(value) == 11 and value[3:6] in MONTHS and value[:2].isdigit() and value[7:].isdigit():
        try:
            return date(int(value[7:]), MONTHS.index(value[3:6]) + 1, int(value[:2]))
        except ValueError:  # no such day: the export shows what was entered
            return value
    return value
