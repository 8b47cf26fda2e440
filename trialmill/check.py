"""Checks what was published: reads the datasets back and holds them against schemas and rules.

A folder that is not what its journal says is refused. The findings go beside the output folder, to NAME.check.json,
which names the journal entries that it speaks of; the output folder itself belongs to the build.

Findings of CDISC CORE stand beside our own when its report, or a command that runs it, is given.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from pathlib import Path

from edc.lint import lint_formats
from engine.errors import Place, SpecError
from engine.spec.catalogue import Catalogue
from engine.spec.lint import lint
from engine.spec.study import load_study
from formats.atomic import write_bytes
from formats.metadata import DatasetMeta
from formats.xpt_read import read_xpt
from trialmill.core import CoreChoice, core_reports
from trialmill.issue_changes import beside
from trialmill.outputs import ISSUES, JOURNAL, latest_entries, verify_outputs
from validators.core import CoreReport
from validators.core_report import core_json
from validators.evaluate import explain, run_rules, unused
from validators.files import file_faults, length_faults, settled
from validators.findings import Fault
from validators.lint import linted_rules
from validators.report import Report, as_json
from validators.schemas import make_schema
from validators.shelf import Shelf

NO_CORE = CoreChoice()


def check_study(folder: Path, out: Path) -> tuple[Report, Path]:
    """As check_with_core, without CORE."""
    report, _, listed = check_with_core(folder, out, NO_CORE)
    return report, listed


def check_with_core(folder: Path, out: Path, choice: CoreChoice) -> tuple[Report, list[CoreReport], Path]:
    """Check the published datasets of a study.

    Returns:
        What was found, each report of CORE, and the file that lists them.

    Raises:
        SpecError: the specs or the rules are wrong. CommandError: nothing was published there.
        FileError: the folder is not what its journal says, or a file or a report of CORE cannot be taken.
    """
    study = load_study(folder)
    catalogue = Catalogue(study)
    wrong, rules = linted_rules(catalogue)
    problems = [*lint(study), *lint_formats(study), *wrong]
    if problems:
        raise SpecError(problems)
    files = verify_outputs(out)
    shelf = Shelf(catalogue, {}, frozenset(files))
    metas: dict[str, list[DatasetMeta]] = {}
    faults: list[Fault] = []
    for package, paths in files.items():
        for path in paths:
            frame, meta = read_xpt(path)
            known = meta.name.removeprefix("SUPP") in catalogue.datasets and path.stem == meta.name.lower()
            if not known or shelf.info(meta.name).package != package:
                faults.append(_foreign(path, meta.name, package))
                continue
            metas.setdefault(package, []).append(meta)
            faults += file_faults(catalogue, shelf.info(meta.name), meta)
            shelf.infos[meta.name] = settled(shelf.info(meta.name), meta)
            shelf.frames[meta.name] = frame
    for described in metas.values():
        faults += length_faults(described)
    for name, frame in list(shelf.frames.items()):
        parent = shelf.frames.get(name.removeprefix("SUPP"))
        faults += make_schema(catalogue, shelf.infos[name], parent).faults(frame)
    outcome = run_rules(shelf, rules)
    found = explain([*faults, *outcome.faults], [e for e, _ in rules.explained], shelf)
    datasets = sum(map(len, metas.values()))
    entries = latest_entries(out)
    notes = unused(rules, found)
    if any(entry["specs"] != study.fingerprint for entry in entries.values()):
        notes.insert(0, "the specs have changed since the datasets were built")
    blocked = beside(out, ISSUES)
    if blocked.is_file() and blocked.stat().st_mtime_ns > (out / JOURNAL).stat().st_mtime_ns:
        notes.insert(0, f"the last build was blocked: these are the datasets of the build before it; see {blocked}")
    report = Report(found, datasets, outcome.run, shelf.named, outcome.skipped, notes)
    listed = out.with_name(f"{out.name}.check.json")
    about = {
        "study": study.name,
        "specs": study.fingerprint,
        "checked": [f for p, e in sorted(entries.items()) for f in e["outputs"] if f["file"].startswith(f"{p}/")],
    }
    core = core_reports(choice, shelf, out)
    if core:
        about["core"] = [core_json(each) for each in core]
    write_bytes(listed, as_json(report, about))
    return report, core, listed


def _foreign(path: Path, name: str, package: str) -> Fault:
    says = f"the study has no dataset {name} in its package {package}"
    return Fault("file", "error", name, "", says, place=Place(str(path)))
