"""A raw export as tables of text: the forms from one carrier, the vendor files, and what was wrong with the files.

Deleted records are dropped and counted. Whatever a file does not keep of its promise (manifest, columns, encoding,
identity of records) is collected over all files and stops the build once.

Sources: architecture, "edc".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from edc.agreed import doubled, known_codes, one_value
from edc.files import Tables, read_tables
from edc.manifest import InputFile, Manifest, digest, read_manifest
from edc.render import Moment, Render, date_text
from engine.errors import CommandError, FileError, Place, Problem, nearest
from engine.run.identity import RawTable, raw_issue
from engine.run.issues import Issue
from engine.spec.forms import FormsSpec
from engine.spec.sources import CarrierSpec, RawSpec, VendorSpec

MEGABYTE = 1_000_000


@dataclass(slots=True)
class RawExport:
    """What was read: tables by source, the files behind them, deleted records by form and how many, and issues."""

    tables: dict[str, RawTable] = field(default_factory=dict)
    carrier: str = ""
    inputs: list[InputFile] = field(default_factory=list)
    deleted: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, RawTable] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


@dataclass(slots=True)
class _Piece:
    """Records of one file, or of one sheet of a workbook, for one source."""

    frame: pd.DataFrame
    line: np.ndarray
    file: str


def read_export(raw: RawSpec, forms: FormsSpec | None, folder: Path, carrier: str | None = None) -> RawExport:
    """Read an export.

    Args:
        raw: its layout. forms: the case report form; None: the forms are those found, all columns text.
        folder: the export. carrier: which carrier of the forms; None: the first that is there.

    Raises:
        CommandError: no such folder or carrier.
        FileError: everything that is wrong with the files.
    """
    return _Reader(raw, forms, folder).read(carrier)


def _part(table: RawTable, rows: np.ndarray) -> RawTable:
    """Some of the records."""
    frame = table.frame.iloc[rows].reset_index(drop=True)
    return RawTable(table.name, frame, table.files, table.file_of[rows], table.line[rows], table.subject_column)


def _told(file: str, table: str) -> str:
    """A file in messages: of a workbook the sheet too, since every sheet has a row 2."""
    return f"{file} sheet {table}" if file.lower().endswith(".xlsx") else file


class _Reader:
    def __init__(self, raw: RawSpec, forms: FormsSpec | None, folder: Path) -> None:
        self.raw, self.forms, self.folder = raw, forms, folder
        self.export = RawExport()
        self.problems: list[Problem] = []
        self.limit = raw.max_megabytes * MEGABYTE
        self.manifest: Manifest | None = None
        self.seen: dict[str, str] = {}

    def read(self, carrier: str | None) -> RawExport:
        if not self.folder.is_dir():
            raise CommandError(
                Problem("no raw export there", Place(str(self.folder)),
                        do="name its folder: RAW=FOLDER with make, --raw FOLDER with trialmill")
            )
        self.manifest = read_manifest(self.folder / self.raw.manifest, self.raw.manifest)
        if self.manifest is None:
            self.export.issues.append(
                Issue(
                    "warning", "", "", "the export has no manifest: a cut file cannot be told", source=self.raw.manifest
                )
            )
        name = self._carrier(carrier)
        self.export.carrier = name
        for form, pieces in self._forms(self.raw.carriers[name]).items():
            self._form_table(form, pieces)
        for source, vendor in self.raw.vendors.items():
            self._vendor_table(source, vendor)
        self._absent_files(name)
        if self.problems:
            raise FileError(self.problems)
        self.export.inputs.sort(key=lambda f: f.name)
        return self.export

    def _carrier(self, wanted: str | None) -> str:
        if wanted is not None and wanted not in self.raw.carriers:
            raise CommandError(
                Problem(
                    f'no carrier "{wanted}"',
                    expected=", ".join(self.raw.carriers),
                    nearest=nearest(wanted, self.raw.carriers),
                )
            )
        for name in [wanted] if wanted else self.raw.carrier_order:
            spec = self.raw.carriers[name]
            if (self.folder / (spec.folder or spec.file or "")).exists() and self._files(spec):
                return name
        raise CommandError(
            Problem(
                "the export holds no carrier of the forms",
                Place(str(self.folder)),
                expected=wanted or ", ".join(self.raw.carrier_order),
            )
        )

    def _files(self, spec: CarrierSpec) -> list[Path]:
        if spec.file is not None:
            return [self.folder / spec.file]
        pattern = spec.pattern.replace("{FORM}", "*").replace("{form}", "*")
        return sorted((self.folder / (spec.folder or "")).glob(pattern))

    # -- forms

    def _forms(self, spec: CarrierSpec) -> dict[str, list[_Piece]]:
        found: dict[str, list[_Piece]] = {}
        for path in self._files(spec):
            shown = self._inside(path)
            if shown is None:
                continue
            own = self._form_name(spec, path.name, shown) if spec.folder is not None else ""
            if own:
                found.setdefault(own, [])  # also when the file turns out to be damaged: it is there
            tables = self._read(path, shown, spec.encoding, self._form_date, dict(spec.attributes))
            for name, frame, line in tables:
                form = own if spec.folder is not None else self._form_name(spec, name, shown)
                if form:
                    found.setdefault(form, []).append(_Piece(frame, line, _told(shown, name)))
        if self.forms is not None:
            for form in self.forms.forms:
                if form not in found:
                    if spec.folder is not None:
                        self.problems.append(
                            Problem(
                                f"the export has no file of the form {form}",
                                Place(f"{spec.folder}/{self.forms.oid(form)}"),
                            )
                        )
                    else:  # a form without records is not in the other carriers
                        found[form] = []
        return found

    def _form_name(self, spec: CarrierSpec, given: str, shown: str) -> str | None:
        """The form that a sheet, or a file of the carrier's folder, holds."""
        name = given
        if spec.folder is not None:
            before, after = re.split(r"\{FORM\}", spec.pattern, maxsplit=1, flags=re.IGNORECASE)
            name = given[len(before) : len(given) - len(after)]
        if self.forms is None:
            return name.lower()
        small = "{form}" in spec.pattern and spec.folder is not None
        oids = [(form, self.forms.oid(form)) for form in self.forms.forms]
        by_oid = {oid.lower() if small else oid: form for form, oid in oids}
        if name not in by_oid:
            self.problems.append(
                Problem(
                    f'a form "{name}" that forms.yaml does not describe', Place(shown), nearest=nearest(name, by_oid)
                )
            )
        return by_oid.get(name)

    def _form_table(self, form: str, pieces: list[_Piece]) -> None:
        names = (*self.raw.common, *self.forms.columns(form)) if self.forms is not None else None
        table = self._table(form, pieces, names, strict=self.raw.carriers[self.export.carrier].folder is not None)
        if table is None or (not pieces and self.forms is None):
            return
        if self.forms is None and self._lacks_identity(form, pieces):
            return
        roles = self.raw.roles
        table.subject_column = roles.subject
        self.problems += doubled(table, [c for c in (roles.subject, roles.record) if c] if roles.record else [])
        self._codes(form, table)
        if roles.status and roles.status in table.frame.columns:
            status = table.frame[roles.status]
            stray = status.notna() & ~status.isin([*roles.active, *roles.deleted])
            for row in np.flatnonzero(stray):
                self.problems.append(
                    Problem(
                        f"{form}: a record is neither active nor deleted",
                        Place(table.files[table.file_of[row]], int(table.line[row])),
                        found=str(status.iloc[row]),
                    )
                )
            kept = np.flatnonzero(~status.isin(roles.deleted))
            if len(kept) < len(status):
                self.export.deleted[form] = len(status) - len(kept)
                self.export.dropped[form] = _part(table, np.flatnonzero(status.isin(roles.deleted)))
                table = _part(table, kept)
        self.export.tables[form] = table

    def _lacks_identity(self, form: str, pieces: list[_Piece]) -> bool:
        """Columns of subject, record or status that a file lacks, where no catalogue of forms says what there is."""
        needed = [c for c in (self.raw.roles.subject, self.raw.roles.record, self.raw.roles.status) if c]
        lacking = [(p, c) for p in pieces for c in needed if c not in p.frame.columns]
        for piece, column in lacking:
            known = [str(c) for c in piece.frame.columns]
            self.problems.append(
                Problem(
                    f"{form}: the column {column} is missing",
                    Place(piece.file, 1),
                    found=", ".join(known[:10]) or "no column at all",
                    nearest=nearest(column, known),
                )
            )
        return bool(lacking)

    def _codes(self, form: str, table: RawTable) -> None:
        """Values that a coded item may not hold are listed; a verb that needs them will stop the build."""
        if self.forms is None:
            return
        for name, item in self.forms.forms[form].items.items():
            decodes = self.forms.decodes(form, name)
            if not decodes or name not in table.frame.columns:
                continue
            values = table.frame[name]
            unknown = [
                v
                for v in values.dropna().unique()
                if any(p not in decodes for p in (v.split(self.forms.separator) if item.type == "codes" else [v]))
            ]
            for row in np.flatnonzero(values.isin(unknown)) if unknown else ():
                message = f'not a code of the form: "{values.iloc[row]}"'
                self.export.issues.append(raw_issue("warning", self.raw, table, int(row), name, message))

    # -- vendors

    def _vendor_table(self, source: str, vendor: VendorSpec) -> None:
        paths = sorted(self.folder.glob(vendor.files))
        if not paths and not vendor.optional:
            self.problems.append(Problem(f"no file of {source}", Place(vendor.files), do="ask for a complete export"))
        pieces: list[_Piece] = []
        for path in paths:
            shown = self._inside(path)
            if shown is None:
                continue
            read = self._read(
                path, shown, vendor.encoding, lambda _t, c, v, spec=vendor: self._vendor_date(spec, c, v), {}
            )
            for sheet, frame, line in read:
                more = {vendor.file_column: path.name, vendor.sheet_column: sheet}
                given = frame.assign(**{k: v for k, v in more.items() if k})
                pieces.append(_Piece(given, line, _told(shown, sheet)))
        table = self._table(source, pieces, tuple(vendor.columns) or None, strict=True)
        if table is not None:
            table.subject_column = vendor.subject or ""
            self.problems += one_value(table, vendor.constant)
            self.problems += known_codes(table, {n: c.codes for n, c in vendor.columns.items() if c.codes})
            self.export.tables[source] = table

    # -- both

    def _table(
        self, name: str, pieces: list[_Piece], columns: tuple[str, ...] | None, *, strict: bool
    ) -> RawTable | None:
        """The pieces as one table with the declared columns; `strict`: an absent column is an error, not empty."""
        wrong = False
        for piece in pieces:
            given = list(piece.frame.columns)
            absent = [c for c in columns or () if c not in given] if strict else []
            unknown = [c for c in given if columns is not None and c not in columns]
            for column in absent:
                self.problems.append(
                    Problem(
                        f"{name}: the column {column} is missing",
                        Place(piece.file, 1),
                        nearest=nearest(column, unknown),
                    )
                )
            for column in unknown:
                self.problems.append(
                    Problem(
                        f'{name}: a column "{column}" that nothing describes',
                        Place(piece.file, 1),
                        nearest=nearest(column, columns or ()),
                    )
                )
            wrong |= bool(absent or unknown)
        if wrong:
            return None
        names = columns if columns is not None else tuple(dict.fromkeys(c for p in pieces for c in p.frame.columns))
        frames = [p.frame.reindex(columns=list(names)).astype("str") for p in pieces]
        frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(names), dtype="str")
        files = tuple(dict.fromkeys(p.file for p in pieces))
        file_of = np.concatenate([np.full(len(p.frame), files.index(p.file)) for p in pieces] or [np.empty(0)])
        line = np.concatenate([p.line for p in pieces] or [np.empty(0)])
        return RawTable(name, frame, files, file_of.astype(np.int64), line.astype(np.int64))

    def _inside(self, path: Path) -> str | None:
        """The file's name in the export; None (and a problem) when it leads out of it."""
        shown = path.relative_to(self.folder).as_posix()
        if not path.resolve().is_relative_to(self.folder.resolve()):
            self.problems.append(Problem("the file lies outside the export", Place(shown), do="copy it in; no links"))
            return None
        return shown

    def _read(self, path: Path, shown: str, encoding: str, render: Render, attributes: dict[str, str]) -> Tables:
        """The tables of a file, counted; none (and problems) when it cannot be read."""
        try:
            tables = read_tables(path, shown, encoding, self.limit, render, attributes)
        except FileError as error:
            self.problems += error.problems
            return []
        self._count(path, shown, sum(len(frame) for _, frame, _ in tables))
        return tables

    def _count(self, path: Path, shown: str, records: int) -> None:
        file = InputFile(shown, records, digest(path))
        if file.sha256 in self.seen and records:
            self.problems.append(
                Problem(
                    "two files of the export are the same file",
                    Place(shown),
                    found=f"also {self.seen[file.sha256]}",
                    do="take one of them out",
                )
            )
        self.seen[file.sha256] = shown
        self.export.inputs.append(file)
        problem = self.manifest.problem(file) if self.manifest else None
        if problem:
            self.problems.append(problem)

    def _absent_files(self, carrier: str) -> None:
        """Files of the manifest that are not there, those of other carriers aside."""
        read = {f.name for f in self.export.inputs}
        for name in self.manifest.files if self.manifest else ():
            if name not in read and not (self.folder / name).exists() and not self._of_other(name, carrier):
                assert self.manifest is not None
                self.problems.append(
                    Problem(
                        f"{name} is in the manifest and not in the export",
                        Place(self.manifest.shown, self.manifest.files[name][2]),
                    )
                )

    def _of_other(self, name: str, carrier: str) -> bool:
        others: Iterable[CarrierSpec] = (s for n, s in self.raw.carriers.items() if n != carrier)
        return any(
            name == s.file or (s.folder is not None and Path(name).parent.as_posix() == s.folder) for s in others
        )

    def _form_date(self, _table: str, column: str, value: Moment) -> str:
        declared = self.raw.common[column].format if column in self.raw.common else ""
        return date_text(value, declared or self.raw.formats.date, self.raw.formats.time)

    def _vendor_date(self, vendor: VendorSpec, column: str, value: Moment) -> str:
        declared = vendor.columns[column].format if column in vendor.columns else ""
        return date_text(value, declared or "ISO 8601", declared or "HH:MM")
