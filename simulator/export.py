"""A whole raw export: people one after another into the three carriers, the vendor files, manifest and truth.

Holds the records of one subject at a time. Same scenario and seed, same bytes.

Sources: the study design, section 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import orjson

from edc.manifest import digest
from engine.spec.sources import VendorSpec
from simulator.book import EXCEL_EPOCH, Row
from simulator.carriers import Lines, open_carriers
from simulator.coding import meddra, translations, whodrug
from simulator.design import Design
from simulator.escalation import escalation
from simulator.labs import reference_ranges
from simulator.mess import Planter
from simulator.person import Attempt, simulate_attempt
from simulator.plan import random_script
from simulator.plants import Mess
from simulator.scenario import Scenario
from simulator.script import Script
from simulator.truth import FATES
from simulator.workbook import Cell, Workbook

TRUTH = "truth.json"
ESCALATION = "ESC"
DATED_SHEETS = ("2", "4")  # last letters of the sheets whose cells show dates as dates
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
    planter = Planter(scenario.plants, Mess(mess), raw, design.forms)
    for name, make in STUDY_WIDE.items():
        vendors[name].add(planter.study_wide(name, make(scenario)))
    export = Export()
    head = {"simulated": design.study, "seed": seed, "level": mess, "cut_off": str(scenario.trial.cut_off)}
    again = {f"{scenario.trial.site}-{s.previous:03d}" for s in scenario.scripts[:subjects] if s.previous}
    with Truth(folder / TRUTH, head, again) as truth:
        for done, script in enumerate(_scripts(scenario, seed, subjects), 1):
            attempt = simulate_attempt(scenario, script, seed, planter)
            for carrier in carriers:
                carrier.add(attempt.book.tables)
            for name, vendor in vendors.items():
                vendor.add(attempt.book.tables.get(name, []))
            truth.add(attempt)
            if progress:
                progress(done, subjects)
        for ended in [*(c.close() for c in carriers), *(v.close() for v in vendors.values())]:
            export.files |= ended
        scratch.rmdir()
        _write_manifest(folder, raw.manifest, export.files, planter)
        truth.mess = planter.planted
        export.counts = truth.counts | {"flaws planted": len(planter.planted)}
    return export


def _write_manifest(folder: Path, name: str, files: dict[str, int], planter: Planter) -> None:
    lines = Lines(folder / name, "utf-8", ["file", "records", "sha256"])
    for file, records in sorted(files.items()):
        row: Row = {"file": file, "records": str(planter.manifest(file, records)), "sha256": digest(folder / file)}
        lines.add([row])
    lines.close()


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
                dated = place[-1:] in DATED_SHEETS
                cells: list[list[Cell]] = [[self._cell(row.get(c), c, dated) for c in self.columns] for row in group]
                self.book.add(place, self.columns, cells)
                self.records += len(group)
            else:
                folder = self.spec.files.rpartition("/")[0]
                self._lines(f"{folder}/{place}" if place else self.spec.files).add(group)

    def _cell(self, value: str | None, column: str, dated: bool) -> Cell:
        """A serial number as a number, on some sheets as the date that it is."""
        if not value or self.spec.columns[column].format != "excel serial":
            return value
        return EXCEL_EPOCH + timedelta(days=int(value)) if dated else int(value)

    def close(self) -> dict[str, int]:
        """End the files; gives the records of each."""
        if self.book:
            self.book.close()
            return {self.spec.files: self.records}
        return {name: lines.close() for name, lines in self.files.items()}


class Truth:
    """truth.json, written person by person; who became what, the escalation and the mess come last."""

    def __init__(self, path: Path, head: dict[str, Any], superseded: set[str]) -> None:
        """Open the file; `superseded` are the screening numbers of people who were screened again."""
        self._file: IO[bytes] = path.open("wb")
        self._head, self._superseded = head, superseded
        self.subjects: list[dict[str, Any]] = []
        self.mess: list[dict[str, Any]] = []
        self._escalated: list[dict[str, Any]] = []
        self._people = 0

    def __enter__(self) -> Truth:
        """Write the head."""
        self._file.write(orjson.dumps(self._head)[:-1] + b',\n"people":[')
        return self

    def add(self, attempt: Attempt) -> None:
        """Write what is true of one screening number."""
        truth = attempt.truth
        number = truth["SUBJID"]
        self.subjects.append({k: truth[k] for k in ("PERSONID", "USUBJID", "fate")} | {"SUBJECT": number})
        if number in self._superseded:
            return
        self._file.write(b",\n" if self._people else b"\n")
        self._file.write(orjson.dumps(truth, option=orjson.OPT_SERIALIZE_NUMPY))
        self._people += 1
        if truth["fate"] == FATES[0] and attempt.plan.script.cohort == ESCALATION:
            yes = {"evaluable": truth["DLTEVFL"] == "Y", "dlt": truth["DLTFL"] == "Y"}
            self._escalated.append({"dose": truth["dose"], "caution": truth["caution"], **yes})

    @property
    def counts(self) -> dict[str, int]:
        """People and screening numbers by fate."""
        ends = Counter(s["fate"] for s in self.subjects if s["SUBJECT"] not in self._superseded)
        names = {FATES[0]: "treated", FATES[1]: "assigned and not treated", FATES[2]: "screen failures"}
        names |= {FATES[3]: "not assigned"} if ends[FATES[3]] else {}
        return {"screening numbers": len(self.subjects), "people": self._people} | {
            name: ends[f] for f, name in names.items()
        }

    def __exit__(self, *_: object) -> None:
        """End the file."""
        tail = {
            "subjects": self.subjects,
            "escalation": escalation(self._escalated),
            "counts": self.counts,
            "mess": self.mess,
        }
        self._file.write(b"\n],\n" + orjson.dumps(tail)[1:] + b"\n")
        self._file.close()
