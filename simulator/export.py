"""A whole raw export: people one after another into the three carriers, the vendor files, manifest and truth.

Holds the records of one subject at a time. Same scenario and seed, same bytes.

Sources: the study design, section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from edc.manifest import digest
from engine.spec.sources import VendorSpec
from simulator.book import Row
from simulator.carriers import Lines, open_carriers
from simulator.coding import meddra, translations, whodrug
from simulator.design import Design
from simulator.labs import reference_ranges
from simulator.person import simulate_attempt
from simulator.plan import random_script
from simulator.scenario import Scenario
from simulator.script import Script
from simulator.workbook import Cell, Workbook

TRUTH = "truth.json"
MARK = b'{"simulated":'
STUDY_WIDE = {"ref_ranges": reference_ranges, "meddra": meddra, "whodrug": whodrug, "translations": translations}


@dataclass
class Export:
    """What was written: records by file, and numbers for people."""

    files: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def write_export(
    design: Design,
    folder: Path,
    seed: int,
    subjects: int,
    mess: str = "usual",
    progress: Callable[[int, int], None] | None = None,
) -> Export:
    """Simulate `subjects` screening numbers and write the export into an empty folder."""
    scenario, raw = design.scenario, design.raw
    scratch = folder / ".scratch"
    scratch.mkdir()
    carriers = open_carriers(raw, design.forms, folder, scratch, (design.study, design.title))
    vendors = {name: Vendor(spec, folder, scratch) for name, spec in raw.vendors.items()}
    for name, make in STUDY_WIDE.items():
        vendors[name].add(make(scenario))
    export = Export()
    with Truth(folder / TRUTH, design.study, seed) as truth:
        for done, script in enumerate(_scripts(scenario, seed, subjects), 1):
            attempt = simulate_attempt(scenario, script, seed)
            for carrier in carriers:
                carrier.add(attempt.book.tables)
            for name, vendor in vendors.items():
                vendor.add(attempt.book.tables.get(name, []))
            truth.add(attempt.truth)
            if progress:
                progress(done, subjects)
        export.counts = truth.counts
    for part in (*carriers, *vendors.values()):
        export.files |= part.close()
    scratch.rmdir()
    lines = Lines(folder / raw.manifest, "utf-8", ["file", "records", "sha256"])
    lines.add([{"file": n, "records": str(r), "sha256": digest(folder / n)} for n, r in sorted(export.files.items())])
    lines.close()
    return export


def is_simulated(folder: Path) -> bool:
    """Whether a simulation made the export in a folder: its truth says so."""
    try:
        with (folder / TRUTH).open("rb") as file:
            return file.read(len(MARK)) == MARK
    except OSError:
        return False


def _scripts(scenario: Scenario, seed: int, subjects: int) -> Iterator[Script]:
    """The scripted people, then as many more as are wanted."""
    yield from scenario.scripts[:subjects]
    for number in range(len(scenario.scripts) + 1, subjects + 1):
        yield random_script(scenario, number, seed)


class Vendor:
    """The files of one vendor source, opened as records for them come."""

    def __init__(self, spec: VendorSpec, folder: Path, scratch: Path) -> None:
        """Nothing is opened before a record or a header must be written."""
        self.spec, self.folder, self.scratch = spec, folder, scratch
        self.columns = list(spec.file_columns)
        self.files: dict[str, Lines] = {}
        self.book: Workbook | None = None
        self.records = 0
        if spec.files.endswith(".xlsx"):
            path = folder / spec.files
            path.parent.mkdir(parents=True, exist_ok=True)
            self.book = Workbook(path, scratch / path.stem)
        elif "*" not in spec.files:
            self._lines(spec.files)

    def _lines(self, name: str) -> Lines:
        if name not in self.files:
            self.files[name] = Lines(self.folder / name, self.spec.encoding, self.columns)
        return self.files[name]

    def add(self, rows: list[Row]) -> None:
        """Write records, each to the file or sheet that it names."""
        by_place: dict[str, list[Row]] = {}
        column = self.spec.sheet_column if self.book else self.spec.file_column
        for row in rows:
            by_place.setdefault(str(row[column]) if column else "", []).append(row)
        for place, group in by_place.items():
            if self.book:
                cells: list[list[Cell]] = [[self._cell(row.get(c), c) for c in self.columns] for row in group]
                self.book.add(place, self.columns, cells)
                self.records += len(group)
            else:
                folder = self.spec.files.rpartition("/")[0]
                self._lines(f"{folder}/{place}" if place else self.spec.files).add(group)

    def _cell(self, value: str | None, column: str) -> Cell:
        serial = self.spec.columns[column].format == "excel serial"
        return int(value) if value and serial and value.isdigit() else value

    def close(self) -> dict[str, int]:
        """End the files; gives the records of each."""
        if self.book:
            self.book.close()
            return {self.spec.files: self.records}
        return {name: lines.close() for name, lines in self.files.items()}


class Truth:
    """truth.json, written person by person."""

    def __init__(self, path: Path, study: str, seed: int) -> None:
        """Open the file."""
        self._file: IO[bytes] = path.open("wb")
        self._head = {"simulated": study, "seed": seed}
        self.counts: dict[str, int] = {}
        self.subjects: list[dict[str, Any]] = []
        self._first = True

    def __enter__(self) -> Truth:
        """Write the head."""
        self._file.write(orjson.dumps(self._head)[:-1] + b',\n"people":[\n')
        return self

    def add(self, truth: dict[str, Any]) -> None:
        """Write what is true of one screening number."""
        self._file.write((b"" if self._first else b",\n") + orjson.dumps(truth, option=orjson.OPT_SERIALIZE_NUMPY))
        self._first = False
        self.counts["screening numbers"] = self.counts.get("screening numbers", 0) + 1
        for name, yes in (("treated", truth["treated"]), ("screen failures", truth["screen_failure"])):
            self.counts[name] = self.counts.get(name, 0) + bool(yes)

    def __exit__(self, *_: object) -> None:
        """End the file."""
        self._file.write(b"\n]}\n")
        self._file.close()
