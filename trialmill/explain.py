"""Explains a variable: its lines in the spec, and for one record its value, what it came from, and the raw lines.

For a record, what is needed is worked out anew from the raw export (see engine.run.lineage); where the output folder
holds the same record, the published value is set beside it.

Sources: architecture, "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from edc.export import read_export
from engine.errors import CommandError, DataError, Problem, nearest
from engine.numbers import number_texts
from engine.run.at import At
from engine.run.issues import Issue
from engine.run.lineage import Step, partial_run, shown, trace
from engine.run.plan import Node
from engine.run.run import Run
from engine.run.tables import Table
from engine.spec.dataset import DatasetSpec
from engine.spec.registry import sentence
from engine.spec.study import Study, load_study
from formats.xpt_read import read_xpt
from trialmill.build import Tools
from trialmill.outputs import JOURNAL, latest_entries

IMPLIED = ("STUDYID", "DOMAIN", "USUBJID")
SHOWN_RECORDS = 10


def explain(variable: str, folder: Path) -> list[str]:
    """What the spec says of a variable such as AE.AESTDY or SUPPAE.AEDLT.

    Raises:
        CommandError: no such dataset or variable.
    """
    study = load_study(folder)
    spec, name = _named(study, variable)
    lines = []
    for part, line in [*spec.lines(name), *((None, spec.supplemental[n]) for n in [name] if n in spec.supplemental)]:
        part_name = f" ({part.name})" if part is not None and part.name else ""
        lines.append(f"{spec.name}.{name}{part_name}  {line.place}")
        lines.append(f"  verb      {line.verb.name}")
        lines.append(f"  derived   {sentence(line.verb, line.params)}")
        if line.options.where is not None:
            lines.append(f"  where     {line.options.where}")
        if line.verb.source:
            lines.append(f"  source    {line.verb.source}")
    return lines or [f"{spec.name}.{name}  identity of the study and the person: {study.document.place('identity')}"]


def explain_record(
    variable: str, folder: Path, raw: Path, out: Path, chosen: Iterable[str], carrier: str | None = None
) -> list[str]:
    """One record's value of a variable, everything that it came from, and what was published.

    Args:
        variable: such as AE.AESTDY, SUPPAE.AEDLT or ADTTE.AVAL.
        folder: the study. raw: its export. out: where a build was published; may be absent.
        chosen: KEY=VALUE pairs that choose one record of the dataset.
        carrier: as for a build.

    Raises:
        CommandError: no such variable; no record, or several, with these values (the near ones are listed).
        DataError: the value could not be derived; why is listed.
    """
    study = load_study(folder)
    spec, name = _named(study, variable)
    wanted = _wanted(spec, chosen)
    export = read_export(study.raw, study.forms, raw, carrier)
    needed = [k for k in dict.fromkeys((name, *wanted, *spec.keys)) if _derived(spec, k)]
    nodes = [Node(spec.name, "rows"), *(Node(spec.name, "var", k) for k in needed)]
    run, alone = partial_run(study, export.tables, Tools(study), nodes, wanted.get("USUBJID"))
    if spec.name not in run.tables or any(k not in run.tables[spec.name].columns for k in needed):
        raise DataError([_told(i) for i in run.close_issues() if i.severity == "blocking"])
    row = _choose(run, spec, wanted)
    step = trace(run, spec.name, name, row)
    step.name = variable
    at = At(run, run.table(spec.name), np.array([row]))
    values = _values(run.table(spec.name), run, spec.keys, row)
    keys = ", ".join(f"{k} {v}" for k, v in values.items() if k != "STUDYID")
    scope = "this subject's records alone" if alone else "all subjects, since a verb on the way looks at others"
    published = _published(study, out, spec, name, run, row, step.value)
    return [
        f"{variable} = {step.value}" + (f" ({step.received})" if step.received else ""),
        f"  record    {keys}",
        f"  from      {run.places(at)[0] or 'no single raw record'}",
        *([f"  published {published}"] if published else []),
        f"  worked out from {scope}",
        *_tree(step, 1),
    ]


def _named(study: Study, variable: str) -> tuple[DatasetSpec, str]:
    dataset, _, name = variable.partition(".")
    spec = study.datasets.get(dataset.removeprefix("SUPP"))
    if spec is None or not name:
        known = [*study.datasets, *(f"SUPP{s.name}" for s in study.datasets.values() if s.supplemental)]
        raise CommandError(
            Problem(f"no dataset of {variable}", expected="DATASET.VARIABLE", nearest=nearest(dataset, known))
        )
    known = list(spec.supplemental) if dataset.startswith("SUPP") else [*IMPLIED, *spec.names]
    if name not in known and not (name in spec.supplemental or _derived(spec, name)):
        raise CommandError(Problem(f"{dataset} has no {name}", nearest=nearest(name, [*known, *spec.supplemental])))
    return spec, name


def _derived(spec: DatasetSpec, name: str) -> bool:
    return name in spec.supplemental or any(True for _ in spec.lines(name))


def _wanted(spec: DatasetSpec, chosen: Iterable[str]) -> dict[str, str]:
    """The pairs that choose a record."""
    wanted: dict[str, str] = {}
    known = [*IMPLIED, *spec.names, *spec.supplemental]
    problems = []
    for pair in chosen:
        key, sign, value = pair.partition("=")
        if not sign:
            problems.append(Problem(f'"{pair}" chooses no record', expected="KEY=VALUE, such as AESEQ=1"))
        elif key not in known and not _derived(spec, key):
            problems.append(Problem(f"{spec.name} has no {key}", nearest=nearest(key, known)))
        else:
            wanted[key] = value
    if problems:
        raise CommandError(problems)
    return wanted


def _values(table: Table, run: Run, names: Iterable[str], row: int) -> dict[str, str]:
    at = At(run, table, np.array([row]))
    given = {"STUDYID": run.study.name, "DOMAIN": table.name, "USUBJID": shown(at.usubjid, 0)}
    return {n: shown(table.columns[n], row) if n in table.columns else given.get(n, "") for n in names}


def _column(run: Run, table: Table, name: str) -> pd.Series:
    at = At(run, table)
    if name not in table.columns:
        return at.usubjid if name == "USUBJID" else at.constant(run.study.name if name == "STUDYID" else table.name)
    values = table.columns[name]
    return number_texts(values) if values.dtype == np.float64 else values


def _choose(run: Run, spec: DatasetSpec, wanted: dict[str, str]) -> int:
    """Position of the one record that has these values."""
    table = run.table(spec.name)
    hits = {k: (_column(run, table, k) == v).to_numpy(dtype=bool) for k, v in wanted.items()}
    every = np.logical_and.reduce([np.ones(table.n, dtype=bool), *hits.values()])
    rows = np.flatnonzero(every)
    if len(rows) == 1:
        return int(rows[0])
    people = run.people.columns["USUBJID"]
    if "USUBJID" in wanted and not (people == wanted["USUBJID"]).any():
        raise CommandError(Problem(f"no subject {wanted['USUBJID']}", nearest=nearest(wanted["USUBJID"], people)))
    said = ", ".join(f"{k}={v}" for k, v in wanted.items()) or "no values"
    if len(rows):
        what, do = f"{len(rows)} records of {spec.name} have {said}", "add variables that tell them apart"
    else:
        what, do = f"no record of {spec.name} has {said}", "correct the values"
        rows = _near(table, hits)
    names = list(dict.fromkeys((*wanted, *spec.keys)))
    listed = [", ".join(f"{n}={v}" for n, v in _values(table, run, names, int(r)).items() if n != "STUDYID")
              for r in rows[:SHOWN_RECORDS]]
    more = [f"and {len(rows) - SHOWN_RECORDS} more"] if len(rows) > SHOWN_RECORDS else []
    raise CommandError(Problem(what, found="\n            ".join([*listed, *more]), do=do))


def _near(table: Table, hits: dict[str, np.ndarray]) -> np.ndarray:
    """Records that agree in the subject, where it has any, and in the most of the other values."""
    score = np.sum([h * (100 if k == "USUBJID" else 1) for k, h in hits.items()], axis=0) if hits else np.zeros(table.n)
    return np.flatnonzero((score == score.max()) & (score > 0)) if table.n else np.empty(0, dtype=np.int64)


def _told(issue: Issue) -> Problem:
    where = f"{issue.dataset}.{issue.variable}" if issue.variable else issue.dataset
    do = f"look at {issue.source}" if issue.source else ""
    return Problem(f"{where}: {issue.message}", found=issue.subject, do=do)


def _published(study: Study, out: Path, spec: DatasetSpec, name: str, run: Run, row: int, value: str) -> str:
    """What the output folder holds for the record; '' where nothing was published there."""
    if not (out / JOURNAL).is_file() or spec.working:
        return ""
    entry = latest_entries(out).get(spec.package)
    path = out / spec.package / f"{spec.name.lower()}.xpt"
    if entry is None or not path.is_file():
        return ""
    if entry["specs"] != study.fingerprint:
        return f"by other specs than these: {path}"
    if name in spec.supplemental:
        return ""
    frame, _ = read_xpt(path)
    table = run.table(spec.name)
    keep = np.ones(len(frame), dtype=bool)
    for key, text in _values(table, run, spec.keys, row).items():
        if key in frame:
            texts = number_texts(frame[key]) if frame[key].dtype == np.float64 else frame[key]
            keep &= (texts.fillna("(missing)") == text).to_numpy(dtype=bool)
    rows = np.flatnonzero(keep)
    if len(rows) != 1 or name not in frame:
        return f"not there: {path}"
    there = shown(frame[name], int(rows[0]))
    return f"{path} record {rows[0] + 1}" + ("" if there == value else f" holds {there}: built from other raw data")


def _tree(step: Step, depth: int) -> Iterator[str]:
    """The step's own lines and, further in, those of what it used."""
    pad = "  " * depth
    if depth == 1:
        yield f"{pad}derived   {step.says}  [{step.source}]" + (f"  {step.note}" if step.note else "")
    for each in step.used:
        note = f"  {each.note}" if each.note else ""
        source = f"  [{each.source}]" if each.source else ""
        received = f" ({each.received})" if each.received else ""
        yield f"{pad}  {each.name} = {each.value}{received}{source}{note}"
        if each.says:
            yield f"{pad}      {each.says}"
        yield from _tree(each, depth + 1)
