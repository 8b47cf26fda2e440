"""Checks what was published: reads the datasets back and holds them against specs, schemas, rules and CDISC CORE.

A folder that is not what its journal says is refused. The report goes beside the output folder: NAME.check.json for
programs, .html to read, .xlsx for exchange; the output folder itself belongs to the build. What CORE found stands in
the same report when its report, or a command that runs it, is given; that it did not run is said when none is.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from edc.lint import lint_formats
from engine.errors import Place, SpecError
from engine.spec.catalogue import Catalogue
from engine.spec.lint import lint
from engine.spec.study import Study, load_study
from formats.atomic import write_bytes
from formats.metadata import DatasetMeta
from formats.xpt_read import read_xpt
from trialmill.check_changes import CHANGES, REPORT, CheckChanges, changes_json, compare, last_report
from trialmill.core import CoreChoice, core_reports
from trialmill.issue_changes import beside
from trialmill.outputs import ISSUES, JOURNAL, latest_entries, verify_outputs
from validators.books import workbook
from validators.causes import causes_of, causes_of_core
from validators.conformance import Conformance, as_json
from validators.core_report import summary
from validators.dispositions import decide, load_dispositions
from validators.evaluate import explain, run_rules, unused
from validators.files import file_faults, length_faults, path_faults, settled
from validators.findings import FILES, SCHEMAS, Fault
from validators.lint import linted_rules
from validators.outcomes import Looked, ended
from validators.page import page
from validators.rules import Rules
from validators.schemas import make_schema
from validators.shelf import Shelf

NO_CORE = CoreChoice()
ADAM = "adamig"
PAGE, BOOK = "check.html", "check.xlsx"


@dataclass(slots=True)
class Checked:
    """A check that was made: the report, what changed since the last one, and the files that hold it."""

    report: Conformance
    changes: CheckChanges
    files: list[Path] = field(default_factory=list)


def check_study(folder: Path, out: Path, choice: CoreChoice = NO_CORE) -> Checked:
    """Check the published datasets of a study, and write the report beside them.

    Raises:
        SpecError: the specs, the rules or the decisions are wrong. CommandError: nothing was published there.
        FileError: the folder is not what its journal says, or a file or a report of CORE cannot be taken.
    """
    study, catalogue, rules = linted_study(folder)
    files = verify_outputs(out)
    last = last_report(out, study.name)
    shelf = Shelf(catalogue, {}, frozenset(files))
    looked = Looked()
    faults = [*_file_faults(shelf, files, looked), *_schema_faults(shelf, looked)]
    outcome = run_rules(shelf, rules)
    found = explain([*faults, *outcome.faults], [e for e, _ in rules.explained], shelf)
    core = core_reports(choice, shelf, out)
    causes = [*causes_of(found, shelf.named, catalogue), *causes_of_core(core, catalogue)]
    notes = [*_notes(study, out), *decide(causes, load_dispositions(catalogue)), *unused(rules, found)]
    records = sum(len(frame) for frame in shelf.frames.values())
    report = Conformance(
        study.name,
        study.file.title,
        found,
        causes,
        ended(looked, outcome, core, causes),
        looked.files,
        records,
        shelf.named,
        [f"{each.title}: {each.file}. {summary(each)}" for each in core],
        [*notes, *(note for each in core for note in each.notes)],
    )
    changes = compare(report, last, shelf.lacks)
    return Checked(report, changes, _written(report, changes, study, out))


def linted_study(folder: Path) -> tuple[Study, Catalogue, Rules]:
    """A study whose specs, rules and decisions have no problem, and its rules; SpecError with all that they have."""
    study = load_study(folder)
    catalogue = Catalogue(study)
    wrong, rules = linted_rules(catalogue)
    problems = [*lint(study), *lint_formats(study), *wrong]
    if problems:
        raise SpecError(problems)
    return study, catalogue, rules


def _file_faults(shelf: Shelf, files: dict[str, list[Path]], looked: Looked) -> list[Fault]:
    """Puts the datasets on the shelf; where a file says of itself what the study does not say."""
    catalogue = shelf.catalogue
    faults: list[Fault] = []
    for package, paths in files.items():
        metas: list[DatasetMeta] = []
        for path in paths:
            frame, meta = read_xpt(path)
            looked.files += 1
            looked.analysis_files += catalogue.study.file.packages[package].standard == ADAM
            faults += path_faults(meta.name, path.stat().st_size, len(frame))
            known = meta.name.removeprefix("SUPP") in catalogue.datasets and path.stem == meta.name.lower()
            if not known or shelf.info(meta.name).package != package:
                says = f"the study has no dataset {meta.name} in its package {package}"
                faults.append(Fault("file", "error", meta.name, "", says, place=Place(str(path))))
                continue
            metas.append(meta)
            faults += file_faults(catalogue, shelf.info(meta.name), meta)
            shelf.infos[meta.name] = settled(shelf.info(meta.name), meta)
            shelf.frames[meta.name] = frame
        faults += length_faults(metas)
    for fault in faults:
        fault.source = FILES
    return faults


def _schema_faults(shelf: Shelf, looked: Looked) -> list[Fault]:
    faults: list[Fault] = []
    for name, frame in list(shelf.frames.items()):
        parent = shelf.frames.get(name.removeprefix("SUPP"))
        schema = make_schema(shelf.catalogue, shelf.infos[name], parent)
        faults += schema.faults(frame)
        looked.schema(schema)
    for fault in faults:
        fault.source = SCHEMAS
    return faults


def _notes(study: Study, out: Path) -> list[str]:
    """What the reader should know of the datasets themselves."""
    notes = []
    blocked = beside(out, ISSUES)
    if blocked.is_file() and blocked.stat().st_mtime_ns > (out / JOURNAL).stat().st_mtime_ns:
        notes.append(f"the last build was blocked: these are the datasets of the build before it; see {blocked}")
    if any(entry["specs"] != study.fingerprint for entry in latest_entries(out).values()):
        notes.append("the specs have changed since the datasets were built")
    return notes


def _written(report: Conformance, changes: CheckChanges, study: Study, out: Path) -> list[Path]:
    """The files of the report; the one that programs read, from which the next check starts, last."""
    about: dict[str, Any] = {
        "study": study.name,
        "specs": study.fingerprint,
        "checked": [
            f for p, e in sorted(latest_entries(out).items()) for f in e["outputs"] if f["file"].startswith(f"{p}/")
        ],
    }
    args = (changes.status, changes.gone, changes.unseen, changes.told())
    made = {
        PAGE: page(report, study.fingerprint, *args),
        BOOK: workbook(report, study, *args),
        CHANGES: changes_json(changes),
        REPORT: as_json(report, about),
    }
    paths = {name: beside(out, name) for name in made}
    for name, content in made.items():
        write_bytes(paths[name], content)
    return [paths[name] for name in (PAGE, BOOK, REPORT)]
