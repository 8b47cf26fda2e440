"""One record's value of a variable, with all that it came from, down to the cells of the raw export.

What is needed is worked out anew from the raw export (see engine.run.lineage); where the output folder holds the same
record, the published value is set beside it. How it is told stands in explain.py (text) and trace_page.py (HTML).

Sources: architecture, "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.errors import DataError, Problem
from engine.numbers import number_texts
from engine.run.at import At
from engine.run.issues import Issue
from engine.run.lineage import Step, trace
from engine.run.overflow import split_text
from engine.run.partial import partial_run
from engine.run.plan import Node
from engine.run.run import Run
from engine.run.shown import MISSING, shown
from engine.spec.dataset import DatasetSpec
from engine.spec.study import Study, load_study
from formats.xpt_read import read_xpt
from trialmill.build import Tools
from trialmill.delivered import read_sources
from trialmill.outputs import JOURNAL, latest_entries
from trialmill.record_choice import (
    choose_record,
    chosen_qualifier,
    continuations,
    is_derived,
    named,
    shown_values,
    values_of,
    wanted,
)
from trialmill.trace_path import TracePath, path_of


@dataclass(slots=True)
class Trace:
    """A traced value: what was asked for, the tree of all that was read, the path of what its value came from.

    `keys` name the record, `behind` is the raw record behind it; `alone` says whether its subject's records were
    enough; `published` is what the output folder holds; `absent`: a qualifier without a value, which has no record.
    """

    study: Study
    variable: str
    step: Step
    path: TracePath
    keys: str
    behind: str
    alone: bool
    published: str
    absent: bool

    @property
    def scope(self) -> str:
        """What was worked out to trace the value."""
        return "this subject's records alone" if self.alone else "all subjects, since a verb on the way looks at others"

    @property
    def origin(self) -> str:
        """The raw record behind the record; where there is none, that of the value if it comes from one alone."""
        every = dict.fromkeys(place for step, _ in self.path.cells for place in step.source.split("; "))
        raw = [place for place in every if not place.startswith(f"{self.study.shown}/")]
        if self.behind:
            elsewhere = bool(raw) and self.behind not in raw
            return self.behind + (" (the record; its value comes from elsewhere)" if elsewhere else "")
        return raw[0] if len(raw) == 1 else "no single raw record"


def trace_record(
    variable: str, folder: Path, raw: Path, out: Path, chosen: Iterable[str], carrier: str | None = None
) -> Trace:
    """One record's value of a variable and everything that it came from.

    Args:
        variable: such as AE.AESTDY, SUPPAE.AEDLT, SUPPAE.QVAL (with QNAM chosen) or ADTTE.AVAL.
        folder: the study. raw: its export. out: where a build was published; may be absent.
        chosen: KEY=VALUE pairs that choose one record of the dataset.
        carrier: as for a build.

    Raises:
        CommandError: no such variable; no record, or several, with these values (the near ones are listed).
        DataError: the value could not be derived; why is listed.
    """
    study = load_study(folder)
    spec, name = named(study, variable)
    asked = ""
    if variable.startswith("SUPP"):
        asked, chosen = chosen_qualifier(spec, variable, name, list(chosen))
        name = asked
    name, part = continuations(spec).get(name, (name, 0))
    pairs = wanted(spec, chosen)
    export = read_sources(study, raw, carrier)
    sequence = [f"{spec.name}SEQ"] if asked else []
    needed = [k for k in dict.fromkeys((name, *pairs, *spec.keys, *sequence)) if is_derived(spec, k)]
    nodes = [Node(spec.name, "rows"), *(Node(spec.name, "var", k) for k in needed)]
    run, alone = partial_run(study, export.tables, Tools(study), nodes, pairs.get("USUBJID"))
    if spec.name not in run.tables or any(k not in run.tables[spec.name].columns for k in needed):
        raise DataError([_told(i) for i in run.close_issues() if i.severity == "blocking"])
    row = choose_record(run, spec, pairs)
    step = trace(run, spec.name, name, row)
    step.name = variable
    if name in spec.overflowing:
        parts = split_text(pd.Series([step.value], dtype="str"))
        step.value = parts[part].iloc[0] if part < len(parts) else MISSING
        if len(parts) > 1:
            step.note = f"part {part + 1} of {len(parts)} of {name}, which is split at blanks"
    at = At(run, run.table(spec.name), np.array([row]))
    keys = ", ".join(f"{k} {v}" for k, v in shown_values(run, spec, spec.keys, row).items() if k != "STUDYID")
    published = _published(study, out, spec, name, asked, run, row, step.value)
    absent = bool(asked) and step.value == MISSING
    return Trace(study, variable, step, path_of(step), keys, run.places(at)[0], alone, published, absent)


def _told(issue: Issue) -> Problem:
    where = f"{issue.dataset}.{issue.variable}" if issue.variable else issue.dataset
    do = f"look at {issue.source}" if issue.source else ""
    return Problem(f"{where}: {issue.message}", found=issue.subject, do=do)


def _published(
    study: Study, out: Path, spec: DatasetSpec, name: str, qualifier: str, run: Run, row: int, value: str
) -> str:
    """What the output folder holds for the record; '' where nothing was published there."""
    if not (out / JOURNAL).is_file() or spec.working:
        return ""
    entry = latest_entries(out).get(spec.package)
    path = out / spec.package / f"{'supp' if qualifier else ''}{spec.name.lower()}.xpt"
    if entry is None or not path.is_file():
        return ""
    if entry["specs"] != study.fingerprint:
        return f"by other specs than these: {path}"
    frame, _ = read_xpt(path)
    table = run.table(spec.name)
    keep = np.ones(len(frame), dtype=bool)
    keys = values_of(table, run, spec.keys, row)
    keys |= {k: split_text(pd.Series([keys[k]], dtype="str"))[0].iloc[0] for k in spec.overflowing & keys.keys()}
    if qualifier:
        number = values_of(table, run, [f"{spec.name}SEQ"], row).popitem()[1] or MISSING
        keys, name = {"USUBJID": keys["USUBJID"], "QNAM": qualifier, "IDVARVAL": number}, "QVAL"
    for key, text in keys.items():
        if key in frame:
            texts = number_texts(frame[key]) if frame[key].dtype == np.float64 else frame[key]
            keep &= (texts.fillna(MISSING) == text).to_numpy(dtype=bool)
    rows = np.flatnonzero(keep)
    if len(rows) != 1 or name not in frame:
        return "" if qualifier and value == MISSING else f"not there: {path}"
    there = shown(frame[name], int(rows[0]))
    return f"{path} record {rows[0] + 1}" + ("" if there == value else f" holds {there}: built from other raw data")
