"""Builds a study from its raw export into transport files, all or none.

Reads the export, builds in memory, writes to a staging folder, reads every file back, and puts the folder in place
in one step together with its issues and journal. A build with blocking issues publishes nothing; its issues go
beside the output folder, to NAME.issues.json and NAME.issues.xlsx. Every build says what changed since the last list.

Sources: architecture, "The contract".
"""

from __future__ import annotations

import getpass
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from edc.dates import to_iso
from edc.export import RawExport
from edc.lint import lint_formats
from edc.manifest import digest
from edc.text import to_ascii
from engine.errors import CommandError, DataError, Place, Problem, SpecError
from engine.run.assemble import Built
from engine.run.build import Result, build
from engine.run.issues import Issue, derived_in, numbered
from engine.run.publish import carry_over, publish
from engine.run.run import Run
from engine.spec.dictionaries import dictionary_versions
from engine.spec.lint import lint
from engine.spec.study import Study, load_study
from formats.atomic import write_bytes
from formats.metadata import DatasetMeta, VariableMeta
from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt
from trialmill.blocking import counted, told_blocking
from trialmill.delivered import read_sources
from trialmill.issue_changes import NEW, STILL_OPEN, Changes, beside, changes_json, compare, last_list, read_issues
from trialmill.issue_files import issues_json, issues_xlsx
from trialmill.issue_questions import with_question
from trialmill.outputs import CHANGES, ISSUES, JOURNAL, WORKBOOK
from validators.built import check_built
from validators.lint import lint_rules

LIBRARIES = ("pandas", "numpy", "pyarrow", "pydantic", "PyYAML", "lxml", "openpyxl")


@dataclass(slots=True)
class Summary:
    """What a build did, for people."""

    out: Path
    files: dict[str, int]
    issues: dict[str, int]
    new: int = 0  # warnings that the last list had not
    still_open: int = 0  # warnings that it had
    gone: int = 0  # issues that only it had
    compared: bool = False  # whether there was a last list

    def told(self) -> str:
        """`47 datasets, 12 warnings (2 new, 10 still open), 3 gone`."""
        text = f"{counted(len(self.files), 'dataset')}, {counted(self.issues['warning'], 'warning')}"
        if not self.compared:
            return text
        parts = [f"{n:,} {said}" for n, said in ((self.new, NEW), (self.still_open, STILL_OPEN)) if n]
        told = f" ({', '.join(parts)})" if parts else ""
        return text + told + (f", {self.gone:,} gone" if self.gone else "")


class Tools:
    """Text and dates of raw sources, by the formats that the study declares."""

    def __init__(self, study: Study) -> None:
        """Look up the format of every dated column."""
        self.raw = study.raw
        self.forms = set(study.forms.forms) if study.forms else set()

    def to_ascii(self, values: pd.Series) -> pd.Series:
        """See engine.run.run.Toolbox."""
        return to_ascii(values)

    def to_iso(
        self, source: str, date: str, time: str | None, dates: pd.Series, times: pd.Series | None
    ) -> tuple[pd.Series, Any]:
        """See engine.run.run.Toolbox."""
        formats = self.raw.formats
        vendor = self.raw.vendors.get(source)
        columns = vendor.columns if vendor is not None else self.raw.common
        declared = columns[date].format if date in columns else ""
        clock = columns[time].format if time is not None and time in columns else ""
        return to_iso(dates, times, declared or formats.date, clock or formats.time, formats.utc_offset)


def build_study(
    folder: Path,
    raw: Path,
    out: Path,
    packages: Iterable[str],
    *,
    carrier: str | None = None,
    jobs: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> Summary:
    """Build packages of a study and publish them.

    Raises:
        SpecError: lint finds anything. CommandError: an unknown package or a folder that is no output folder.
        FileError: the export. DataError: blocking issues; nothing was published.
    """
    study = load_study(folder)
    wanted = list(dict.fromkeys(packages)) or list(study.file.packages)
    unknown = [p for p in wanted if p not in study.file.packages]
    if unknown:
        raise CommandError(Problem(f"no package {', '.join(unknown)}", expected=", ".join(study.file.packages)))
    _check_folders(folder, raw, out)
    problems = [*lint(study), *lint_formats(study), *lint_rules(study)]
    if problems:
        raise SpecError(problems)
    export = read_sources(study, raw, carrier)
    problems = lint(study, columns_of(study, export)) if undescribed(study) else []
    if problems:
        raise SpecError(problems)
    result = build(study, export.tables, Tools(study), wanted, jobs=jobs, progress=progress)
    built, schema_issues, problems = check_built(result.run, result.packages, result.issues)
    found = [*_of_people(result.run, export.issues), *built, *schema_issues]
    issues = numbered((with_question(i, study) for i in found), _kept_issues(study, out, wanted))
    changes = compare(issues, last_list(out), study, wanted, result.stuck)
    lists = _lists(study, issues, changes)
    if result.blocking or schema_issues or any(i.severity == "blocking" for i in built):
        out.parent.mkdir(parents=True, exist_ok=True)
        for name, content in lists.items():
            write_bytes(beside(out, name), content)
        schemas = {_told(i) for i in schema_issues}
        own = [i for i in issues if _told(i) not in schemas]
        raise DataError(told_blocking(issues, own, problems, [beside(out, n) for n in (WORKBOOK, ISSUES)]))
    files: dict[str, int] = {}

    def make(staging: Path) -> None:
        carry_over(out, staging, _kept(out, wanted))
        for package in wanted:
            (staging / package).mkdir()
            for built in result.packages[package]:
                name = f"{package}/{built.info.name.lower()}.xpt"
                write_and_read_back(staging / name, built, study.file.created)
                files[name] = len(built.frame)
        for name, content in lists.items():
            (staging / name).write_bytes(content)
        entry = _entry(study, export, result, wanted, staging, files)
        entry["issue changes"] = {k: len(v) for k, v in orjson.loads(lists[CHANGES]).items()}
        former = (out / JOURNAL).read_bytes() if (out / JOURNAL).exists() else b""
        (staging / JOURNAL).write_bytes(former + orjson.dumps(entry, option=orjson.OPT_SORT_KEYS) + b"\n")

    publish(out, make)
    for name in lists:
        beside(out, name).unlink(missing_ok=True)
    counts = {s: sum(i.severity == s for i in issues) for s in ("blocking", "warning", "info")}
    new, still_open = changes.counted(issues, "warning")
    return Summary(out, files, counts, new, still_open, len(changes.gone), not changes.first)


def _told(issue: Issue) -> tuple[str, ...]:
    """What of an issue the schemas tell too."""
    return (issue.dataset, issue.variable, issue.subject, issue.key, issue.message)


def _lists(study: Study, issues: list[Issue], changes: Changes) -> dict[str, bytes]:
    """The files that list the issues, by name."""
    return {
        ISSUES: issues_json(issues),
        WORKBOOK: issues_xlsx(issues, study, changes),
        CHANGES: changes_json(changes, issues),
    }


def _of_people(run: Run, issues: list[Issue]) -> list[Issue]:
    """Issues of the export's files with the USUBJID of their raw record, where it is somebody's."""
    places: dict[str, dict[str, int]] = {}
    names = run.people.columns["USUBJID"].tolist()
    told = []
    for issue in issues:
        table = run.tables.get(issue.form)
        if table is None or table.file_of is None or table.line is None:
            told.append(issue)
            continue
        if issue.form not in places:
            places[issue.form] = {table.place(row): who for row, who in enumerate(table.records.subject.tolist())}
        who = places[issue.form].get(issue.source, -1)
        told.append(replace(issue, subject=names[who]) if who >= 0 else issue)
    return told


def undescribed(study: Study) -> bool:
    """Whether columns of some raw source are known from the export only."""
    forms = study.forms is None and bool(study.raw.carriers)
    return forms or any(not vendor.columns for vendor in study.raw.vendors.values())


def columns_of(study: Study, export: RawExport) -> dict[str, tuple[str, ...]]:
    """The columns of every raw source of an export; optional sources that it does not hold are empty."""
    absent: dict[str, tuple[str, ...]] = {name: tuple(v.columns) for name, v in study.raw.vendors.items()}
    return absent | {name: tuple(map(str, table.frame.columns)) for name, table in export.tables.items()}


def metadata(built: Built) -> DatasetMeta:
    """What a built dataset's file says of itself."""
    return DatasetMeta(
        built.info.name,
        built.info.label,
        tuple(VariableMeta(v.name, v.label, v.type, v.length, v.format) for v in built.info.variables),
    )


def write_and_read_back(path: Path, built: Built, created: datetime) -> None:
    """Write a transport file and prove that it reads back with the same values."""
    meta = metadata(built)
    keys = [k for k in built.info.keys if k in built.frame.columns]
    write_xpt(path, built.frame, meta, created, keys=keys, durable=False)
    found, described = read_xpt(path)
    same = described.variables == meta.variables and all(
        found[n].equals(built.frame[n].where(built.frame[n] != "") if found[n].dtype != float else built.frame[n])
        for n in built.frame.columns
    )
    if not same:
        raise DataError(Problem("the file does not read back as it was written", Place(str(path))))


def _kept(out: Path, packages: list[str]) -> list[str]:
    """Names in the former output that this build does not make anew."""
    made = {*packages, ISSUES, WORKBOOK, CHANGES, JOURNAL}
    return sorted(p.name for p in out.iterdir() if p.name not in made) if out.is_dir() else []


def _check_folders(folder: Path, raw: Path, out: Path) -> None:
    """An output folder may not hold the study, the export or anything that no build made."""
    target = out.resolve()
    for name, other in (
        ("the study", folder.resolve()),
        ("the raw export", raw.resolve()),
        ("the working folder", Path.cwd()),
    ):
        if (
            other == target
            or other.is_relative_to(target)
            or (name != "the working folder" and target.is_relative_to(other))
        ):
            raise CommandError(
                Problem(f"the output folder would replace {name}", Place(str(out)), do="name another OUT")
            )
    if out.is_dir() and any(out.iterdir()) and not (out / JOURNAL).exists():
        raise CommandError(
            Problem(
                "the output folder holds files that no build made", Place(str(out)), do="name an empty or new folder"
            )
        )


def _kept_issues(study: Study, out: Path, packages: list[str]) -> list[Issue]:
    """Issues of the former build that were found in datasets which this build carries over."""
    kept = {d.name for d in study.datasets.values() if d.package not in packages and (out / d.package).is_dir()}
    return [i for i in read_issues(out / ISSUES) if kept & set(derived_in(i))]


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a machine that knows no name for the user
        return "unknown"


def _entry(
    study: Study, export: RawExport, result: Result, packages: list[str], staging: Path, files: dict[str, int]
) -> dict[str, Any]:
    """The journal's entry: inputs, outputs, specs, versions, counts, who and when."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": _who(),
        "study": study.name,
        "packages": packages,
        "specs": study.fingerprint,
        "carrier": export.carrier,
        "inputs": [{"file": f.name, "records": f.records, "sha256": f.sha256} for f in export.inputs],
        "outputs": [{"file": n, "records": r, "sha256": digest(staging / n)} for n, r in sorted(files.items())],
        "issues": digest(staging / ISSUES),
        "deleted": export.deleted,
        "dictionaries": dictionary_versions(study, {n: t.frame for n, t in export.tables.items()}),
        "counts": result.counts,
        "unknown conditions": result.unknown,
        "versions": {"python": platform.python_version(), **{n: version(n) for n in LIBRARIES}},
    }
