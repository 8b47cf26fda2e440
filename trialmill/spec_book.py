"""The workbook of a study's specs as data: sheets of rows, which cell may be edited, and what an edit changes.

Export writes these sheets, import makes them anew from the specs on disk and holds the edited workbook against them:
what differs is an edit, and only cells with a Spot can carry one back. Nothing here reads or writes a file.

Sources: Define-XML 2.1 (what reviewers read of datasets, variables, values, codelists and methods).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.spec.document import Path_
from engine.spec.study import Study
from formats.xlsx_write import Sheet, Tinted

FORM = "1"  # of the workbook: raised when sheets, columns or keys change
ROW = "Row"  # the column that says which row it is, whatever else of it was edited or however rows were sorted
SPECS, CONTENT = "Specs SHA-256", "Workbook SHA-256"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a spec file that a cell stands for.

    `kind` says what the cell is: the value of `key` in the mappings at `paths`, or (name) the name of the key itself.
    """

    file: str
    paths: tuple[Path_, ...]
    key: str
    says: str  # what people call it: AE.AESTDTC label
    kind: str = "value"
    check: str = ""  # label, origin, origin_source, comment, term, decode


@dataclass(slots=True)
class Row:
    """One row: its key, its cells by column, the spots behind those that may be edited, and why others may not."""

    key: str
    cells: dict[str, str | int]
    spots: dict[str, Spot] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)

    def text(self, column: str) -> str:
        """The cell as text; the last column holds the key."""
        return self.key if column == ROW else str(self.cells.get(column, ""))


@dataclass(slots=True)
class SpecSheet:
    """One sheet: its columns with their widths, and its rows. `adds` says whether rows may be added."""

    name: str
    columns: dict[str, int]
    rows: list[Row]
    freeze: str = "A2"
    adds: bool = False

    def __post_init__(self) -> None:
        """Every sheet ends with the column of keys."""
        self.columns = {**self.columns, ROW: 14}

    def cells(self, row: Row) -> list[str | int | None]:
        """A row as written: cells that may be edited are tinted."""
        found: list[str | int | None] = []
        for column in self.columns:
            value = row.key if column == ROW else row.cells.get(column, "")
            editable = column in row.spots
            found.append(Tinted(value) if editable else value if value != "" else None)
        return found


@dataclass(slots=True)
class Book:
    """The sheets of a study's specs, and the study."""

    study: Study
    sheets: list[SpecSheet]

    def written(self) -> Iterator[Sheet]:
        """The sheets as they are written."""
        for sheet in self.sheets:
            rows = [sheet.cells(row) for row in sheet.rows]
            yield Sheet(sheet.name, sheet.columns, rows, sheet.freeze, as_text=True)


def content_digest(sheets: list[SpecSheet]) -> str:
    """SHA-256 over every cell: tells a workbook that another version of Trialmill wrote from the same specs."""
    digest = hashlib.sha256(FORM.encode())
    for sheet in sheets:
        digest.update("\x1f".join([sheet.name, *sheet.columns]).encode())
        for row in sheet.rows:
            digest.update("\x1f".join(row.text(c) for c in sheet.columns).encode() + b"\x1e")
    return digest.hexdigest()


def spec_file(study: Study, file: str) -> str:
    """A spec file by its name in the study's folder."""
    return file.removeprefix(f"{study.shown}/")


def at(study: Study, file: str, line: int) -> str:
    """A spec's file in the study's folder and line."""
    return f"{spec_file(study, file)}:{line}"
