"""Datasets that come finished, read as the input of a study and held against their description in delivered.csv.

Files that are parts of one dataset are put together; supplemental qualifiers become variables of the records that they
qualify. Whatever a file does not keep of its description is collected over all files and stops the build once; a
qualifier whose record is not there is listed as an issue. Values are taken as they are.

Sources: SDTMIG 3.4 sections 4.1.7 (split datasets) and 8.4 (supplemental qualifiers).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from edc.export import RawExport, read_export
from edc.manifest import InputFile, digest, read_manifest
from engine.errors import CommandError, FileError, Place, Problem, TrialmillError, nearest
from engine.numbers import number_texts
from engine.run.identity import RawTable, raw_issue
from engine.run.issues import Issue
from engine.run.tables import QUALIFIED, told_place
from engine.spec.binding import bind
from engine.spec.delivered import COLUMNS, LISTING, SUPP, DeliveredDataset, DeliveredSpec, DeliveredVariable
from engine.spec.document import load_document
from engine.spec.study import Study, StudyFile
from engine.standards import load_sdtmig
from formats.atomic import write_bytes
from formats.datasets import READERS, read_dataset

QUALIFIER = ("USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QLABEL", "QVAL")  # what a record of SUPP-- must have


@dataclass(slots=True)
class Delivery:
    """What was read: datasets by name, their variables, the files behind them, and issues."""

    tables: dict[str, RawTable] = field(default_factory=dict)
    variables: dict[str, dict[str, DeliveredVariable]] = field(default_factory=dict)
    inputs: list[InputFile] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def read_sources(study: Study, folder: Path, carrier: str | None = None) -> RawExport:
    """All input of a study: its raw export, where it has one, and the datasets that come finished.

    Raises:
        CommandError: no such folder or carrier. FileError: everything that is wrong with the files.
    """
    raw = study.raw
    if raw.carriers or raw.vendors or not study.file.delivered:
        export = read_export(raw, study.forms, folder, carrier)
    elif carrier is not None:
        raise CommandError(Problem(f'no carrier "{carrier}"', found="the input of the study is delivered datasets"))
    else:
        export = RawExport()
    if study.file.delivered:
        given = read_delivery(study.file.delivered, folder, raw.manifest, raw.max_megabytes)
        problems = [p for name in sorted({*study.delivered, *given.tables}) for p in _held(study, given, name)]
        problems += [p for table in given.tables.values() for p in _of_nobody(study, table)]
        if problems:
            raise FileError(problems)
        export.tables |= given.tables
        export.inputs = sorted([*export.inputs, *given.inputs], key=lambda f: f.name)
        export.issues += given.issues
    return export


def describe(folder: Path, raw: Path) -> tuple[Path, int, int]:
    """Write delivered.csv of a study from its delivered files; the path, and how many datasets and variables it lists.

    Raises:
        CommandError: no study.yaml, or one that declares no delivered datasets. FileError: as read_sources.
    """
    path = folder / "study.yaml"
    if not path.is_file():
        raise CommandError(Problem("no study.yaml in the study folder", Place(str(folder))))
    declared = bind(StudyFile, load_document(path, str(path))).delivered
    if not declared:
        raise CommandError(Problem("the study declares no delivered datasets", Place(str(path)),
                                   do="say under  delivered:  which files hold them"))
    given = read_delivery(declared, raw, "manifest.csv", 4096)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for name, variables in sorted(given.variables.items()):
        for v in variables.values():
            writer.writerow([name, v.name, v.label, v.type, v.format, "Y" if v.qualifier else ""])
            count += 1
    write_bytes(folder / LISTING, text.getvalue().encode())
    return folder / LISTING, len(given.variables), count


def read_delivery(declared: dict[str, DeliveredSpec], folder: Path, manifest: str, limit: int) -> Delivery:
    """Every delivered dataset that study.yaml declares.

    Args:
        declared: by package. folder: the input. manifest: name of the list of its files, which may be absent.
        limit: megabytes that a file may have.

    Raises:
        CommandError: no such folder. FileError: everything that is wrong with the files.
    """
    if not folder.is_dir():
        raise CommandError(Problem("the delivered datasets are not there", Place(str(folder)),
                                   do="name their folder: RAW=FOLDER with make, --raw FOLDER with trialmill"))
    reader = _Reader(folder, limit * 1_000_000)
    listed = read_manifest(folder / manifest, manifest)
    for spec in declared.values():
        reader.package(spec)
    for file in reader.delivery.inputs if listed else ():
        reader.problems += [p for p in [listed.problem(file) if listed else None] if p]
    for name in sorted(n for n in reader.delivery.tables if n.startswith(SUPP)):
        reader.qualify(name)
    if reader.problems:
        raise FileError(reader.problems)
    return reader.delivery


class _Reader:
    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self.delivery = Delivery()
        self.problems: list[Problem] = []

    def package(self, spec: DeliveredSpec) -> None:
        """The datasets of one package."""
        files: dict[str, Path] = {}
        for pattern in spec.files:
            found = sorted(p for p in self.folder.glob(pattern) if p.suffix.lower() in READERS)
            if not found:
                self.problems.append(Problem("no delivered file", Place(pattern), expected=", ".join(READERS)))
            for path in found:
                shown = path.relative_to(self.folder).as_posix()
                if not path.resolve().is_relative_to(self.folder.resolve()):
                    self.problems.append(Problem("the file lies outside the input", Place(shown),
                                                 do="copy it in; no links"))
                elif files.setdefault(path.stem.upper(), path) != path:
                    self.problems.append(Problem("two files of one name", Place(shown),
                                                 found=files[path.stem.upper()].name))
        taken = {stem.upper() for stems in spec.datasets.values() for stem in stems}
        wanted = {stem: [stem] for stem in files if stem not in taken}
        wanted |= {name: [stem.upper() for stem in stems] for name, stems in spec.datasets.items()}
        for name, stems in sorted(wanted.items()):
            absent = [s for s in stems if s not in files]
            for s in absent:
                self.problems.append(Problem(f"no file of {name}", Place(s.lower()), nearest=nearest(s, files)))
            if name in self.delivery.tables:
                self.problems.append(Problem(f"{name} is delivered twice", Place(str(files[stems[0]]))))
            elif not absent:
                self._dataset(name, [files[s] for s in stems])

    def _dataset(self, name: str, paths: list[Path]) -> None:
        frames: list[pd.DataFrame] = []
        variables: dict[str, DeliveredVariable] = {}
        shown = [path.relative_to(self.folder).as_posix() for path in paths]
        for path, place in zip(paths, shown, strict=True):
            if path.stat().st_size > self.limit:
                self.problems.append(Problem(f"the file is larger than {self.limit:,} bytes", Place(place)))
                return
            try:
                frame, meta = read_dataset(path)
            except TrialmillError as error:
                self.problems += error.problems
                return
            self.delivery.inputs.append(InputFile(place, len(frame), digest(path)))
            for v in meta.variables:
                known = variables.setdefault(v.name, DeliveredVariable(v.name, v.label, v.type, v.format))
                if known.type != v.type:
                    self.problems.append(Problem(f"{name}.{v.name} is not of one type in all its files", Place(place),
                                                 found=v.type, expected=known.type))
                    return
            frames.append(frame.reset_index(drop=True))
        empty = {"Char": pd.Series([], dtype="str"), "Num": pd.Series([], dtype="float64")}
        whole = pd.DataFrame({n: pd.concat([f[n] if n in f else empty[v.type].reindex(f.index) for f in frames],
                                           ignore_index=True) for n, v in variables.items()})
        self.delivery.variables[name] = variables
        self.delivery.tables[name] = RawTable(
            name,
            whole,
            tuple(shown),
            np.concatenate([np.full(len(f), i, dtype=np.int64) for i, f in enumerate(frames)]),
            np.concatenate([np.arange(1, len(f) + 1, dtype=np.int64) for f in frames]),
            "USUBJID" if "USUBJID" in variables else "",
            delivered=True,
        )

    def qualify(self, name: str) -> None:
        """Make the qualifiers of a SUPP-- dataset variables of its parent."""
        source, parent = self.delivery.tables[name], self.delivery.tables.get(name.removeprefix(SUPP))
        lacking = [c for c in QUALIFIER if c not in source.frame]
        if parent is None or lacking:
            self.problems.append(Problem(f"{name} qualifies no dataset that is delivered" if parent is None
                                         else f"{name} has no {', '.join(lacking)}", Place(source.files[0])))
            return
        frame, variables = source.frame, self.delivery.variables[parent.name]
        own = dict.fromkeys(variables)
        lost = np.zeros(len(frame), dtype=bool)
        for (qualifier, by), group in frame.groupby(["QNAM", "IDVAR"], dropna=False, sort=True):
            rows = group.index.to_numpy()
            if qualifier in own or (isinstance(by, str) and by not in own):
                what = f"qualifier {qualifier} is a variable of {parent.name}" if qualifier in own else f"no {by} there"
                self.problems.append(Problem(f"{name}: {what}", Place(source.files[0]), found=f"{len(rows)} records"))
                continue
            keys = group["USUBJID"].str.cat(group["IDVARVAL"].str.strip(), sep="\0") if isinstance(by, str) else group[
                "USUBJID"]
            twice = keys.duplicated()
            if twice.any():
                row = int(keys.index[twice][0])
                place = Place(source.files[source.file_of[row]], int(source.line[row]))
                self.problems.append(Problem(f"{name}: a record is qualified twice by {qualifier}", place,
                                             found=f"{int(twice.sum())} records"))
                continue
            theirs = parent.frame["USUBJID"]
            if isinstance(by, str):
                value = parent.frame[by]
                theirs = theirs.str.cat(number_texts(value) if value.dtype == np.float64 else value, sep="\0")
            values = theirs.map(pd.Series(group["QVAL"].to_numpy(), index=keys.to_numpy())).astype("str")
            told = [told_place(source.files[f], int(n), delivered=True)
                    for f, n in zip(source.file_of[rows], source.line[rows], strict=True)]
            places = theirs.map(pd.Series(told, index=keys.to_numpy(), dtype="str")).astype("str")
            lost[rows] = ~keys.isin(set(theirs)).to_numpy()
            for column, given in ((str(qualifier), values), (f"{qualifier}{QUALIFIED}", places)):
                former = parent.frame.get(column)
                parent.frame[column] = given if former is None else former.where(given.isna(), given)
            label = str(group["QLABEL"].iloc[0])
            variables[str(qualifier)] = DeliveredVariable(str(qualifier), label, "Char", "", True)
        for row in np.flatnonzero(lost):
            says = f"the qualifier has no record of {parent.name}"
            key = f"{frame['USUBJID'].iloc[row]}, {frame['IDVAR'].iloc[row]} {frame['IDVARVAL'].iloc[row]}"
            self.delivery.issues.append(raw_issue("warning", None, source, int(row), "QNAM", says, key=key))


def _of_nobody(study: Study, table: RawTable) -> list[Problem]:
    """Records without USUBJID in a dataset whose records are all about subjects."""
    standard = load_sdtmig(study.file.standards.sdtmig).variable(table.name, "USUBJID")
    if standard is None or standard.core != "Req" or "USUBJID" not in table.frame:
        return []
    rows = np.flatnonzero(table.frame["USUBJID"].isna())
    return [Problem(f"{table.name}: {len(rows)} records have no USUBJID",
                    Place(table.files[table.file_of[rows[0]]], int(table.line[rows[0]])),
                    do="have the delivery corrected")] if len(rows) else []


def _held(study: Study, given: Delivery, name: str) -> list[Problem]:
    """How a delivered dataset differs from its description."""
    found, described = given.variables.get(name, {}), study.delivered.get(name, DeliveredDataset(name)).variables
    place = Place(given.tables[name].files[0] if name in given.tables else f"{study.shown}/{LISTING}")
    do = f"write {LISTING} anew and look at what has changed:  trialmill delivered --study {study.shown} --raw FOLDER"
    if not described:
        return [Problem(f"the delivered dataset {name} is not described", place, do=do)]
    if not found:
        return [Problem(f"the delivered dataset {name} is described and not there", place, do=do)]
    problems = [Problem(f"{name}.{v} is described and not there", place, nearest=nearest(v, found), do=do)
                for v in described if v not in found and not described[v].qualifier]
    problems += [Problem(f"{name}.{v} is there and not described", place, do=do) for v in found if v not in described]
    problems += [Problem(f"{name}.{v} is {found[v].type}", place, expected=f"{described[v].type}, as {LISTING} says",
                         do=do) for v in found if v in described and found[v].type != described[v].type]
    for v in described:
        if v not in found and described[v].qualifier:  # nobody has it in this delivery
            table = given.tables[name]
            table.frame[v] = pd.Series([None] * len(table.frame), dtype="str")
    return problems
