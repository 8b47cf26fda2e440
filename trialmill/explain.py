"""Explains a variable: its lines in the spec, and for one record its value, what it came from, and the raw lines.

For a record, what is needed is worked out anew from the raw export (see engine.run.lineage); where the output folder
holds the same record, the published value is set beside it. The answer comes first: the value, its rule, the raw cells
that it goes back to; everything that was read on the way follows. A record of a supplemental dataset is chosen by the
variables of that dataset.

Sources: architecture, "Lineage".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import CommandError, DataError, Problem, nearest
from engine.numbers import number_texts
from engine.run.at import At
from engine.run.issues import Issue
from engine.run.lineage import Step, trace
from engine.run.looked import key_text
from engine.run.overflow import MOST, qualifier_name, split_text
from engine.run.partial import partial_run
from engine.run.plan import Node
from engine.run.run import Run
from engine.run.shown import MISSING, as_day, moment, shown
from engine.run.tables import Table
from engine.spec.dataset import DatasetSpec
from engine.spec.registry import sentence
from engine.spec.study import Study, load_study
from formats.xpt_read import read_xpt
from trialmill.build import Tools
from trialmill.delivered import read_sources
from trialmill.outputs import JOURNAL, latest_entries

IMPLIED = ("STUDYID", "DOMAIN", "USUBJID")
SHOWN_RECORDS = 10
SHOWN_CELLS = 8  # raw cells that stand beside the answer
PLACE = re.compile(r"\S (line|record) \d+$")
SUPPQUAL = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QLABEL", "QVAL", "QORIG", "QEVAL")


def explain(variable: str, folder: Path) -> list[str]:
    """What the spec says of a variable such as AE.AESTDY or SUPPAE.AEDLT.

    Raises:
        CommandError: no such dataset or variable.
    """
    study = load_study(folder)
    spec, name = _named(study, variable)
    lines = []
    names = list(spec.supplemental) if name in SUPPQUAL and variable.startswith("SUPP") else [name]
    found = [(n, part, line) for n in names for part, line in spec.lines(n)]
    found += [(n, None, spec.supplemental[n]) for n in names if n in spec.supplemental]
    for shown_name, part, line in found:
        part_name = f" ({part.name})" if part is not None and part.name else ""
        lines.append(f"{spec.name}.{shown_name}{part_name}  {line.place}")
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
        variable: such as AE.AESTDY, SUPPAE.AEDLT, SUPPAE.QVAL (with QNAM chosen) or ADTTE.AVAL.
        folder: the study. raw: its export. out: where a build was published; may be absent.
        chosen: KEY=VALUE pairs that choose one record of the dataset.
        carrier: as for a build.

    Raises:
        CommandError: no such variable; no record, or several, with these values (the near ones are listed).
        DataError: the value could not be derived; why is listed.
    """
    study = load_study(folder)
    spec, name = _named(study, variable)
    qualifier = ""
    if variable.startswith("SUPP"):
        qualifier, chosen = _qualifier(spec, variable, name, list(chosen))
        name = qualifier
    name, part = _continued(spec).get(name, (name, 0))
    wanted = _wanted(spec, chosen)
    export = read_sources(study, raw, carrier)
    sequence = [f"{spec.name}SEQ"] if qualifier else []
    needed = [k for k in dict.fromkeys((name, *wanted, *spec.keys, *sequence)) if _derived(spec, k)]
    nodes = [Node(spec.name, "rows"), *(Node(spec.name, "var", k) for k in needed)]
    run, alone = partial_run(study, export.tables, Tools(study), nodes, wanted.get("USUBJID"))
    if spec.name not in run.tables or any(k not in run.tables[spec.name].columns for k in needed):
        raise DataError([_told(i) for i in run.close_issues() if i.severity == "blocking"])
    row = _choose(run, spec, wanted)
    step = trace(run, spec.name, name, row)
    step.name = variable
    if name in spec.overflowing:
        parts = split_text(pd.Series([step.value], dtype="str"))
        step.value = parts[part].iloc[0] if part < len(parts) else MISSING
        if len(parts) > 1:
            step.note = f"part {part + 1} of {len(parts)} of {name}, which is split at blanks"
    at = At(run, run.table(spec.name), np.array([row]))
    keys = ", ".join(f"{k} {v}" for k, v in _shown_values(run, spec, spec.keys, row).items() if k != "STUDYID")
    cells = _cells(step)
    scope = "this subject's records alone" if alone else "all subjects, since a verb on the way looks at others"
    published = _published(study, out, spec, name, qualifier, run, row, step.value)
    absent = qualifier and step.value == MISSING
    return [
        f"{variable} = {step.value}" + (f" ({step.received})" if step.received else ""),
        *([f"  no record of SUPP{spec.name}, since the qualifier has no value"] if absent else []),
        f"  derived   {step.says}  [{step.source}]" + (f"  {step.note}" if step.note else ""),
        *_listed([text for text, _ in cells]),
        f"  record    {keys}",
        f"  from      {_from(study, run.places(at)[0], [place for _, place in cells])}",
        *([f"  published {published}"] if published else []),
        *([f"in detail, worked out from {scope}:"] if step.used else [f"  worked out from {scope}"]),
        *_tree(step, 0),
    ]


def _cells(step: Step) -> list[tuple[str, str]]:
    """The raw cells, and rows of tables, that the value goes back to: what is told of each, and where it stands.

    Of what a step read, that which holds its value is followed, else all that its value came from.
    """
    cells: dict[tuple[str, str, str], str] = {}
    done: set[int] = set()

    def follow(each: Step, among: str) -> None:
        full = each.above or each
        main = {id(u) for u in full.main}
        whole = any(u.among for u in full.main)  # several records as a whole: that one holds the value is chance
        same = [] if whole and len(full.main) > 1 else [u for u in full.used if _same(u.value, each.value)]
        for used in [u for u in same if id(u) in main] or same or full.main or full.used:
            if id(used) in done:
                continue
            done.add(id(used))
            counted = used.among or among
            if PLACE.search(used.source) and not (used.above or used).used:
                cells.setdefault((used.name, used.received or used.value, used.source), counted)
            follow(used, counted)

    follow(step, "")
    return [(f"{name} = {value}  [{source}]" + (f"  ({among})" if among else ""), source)
            for (name, value, source), among in cells.items()]


def _from(study: Study, behind: str, places: list[str]) -> str:
    """The raw record behind the record; where there is none, that of the value if it comes from one alone."""
    every = dict.fromkeys(place for each in places for place in each.split("; "))
    raw = [place for place in every if not place.startswith(f"{study.shown}/")]
    if behind:
        return behind + (" (the record; its value comes from elsewhere)" if raw and behind not in raw else "")
    return raw[0] if len(raw) == 1 else "no single raw record"


def _listed(cells: list[str]) -> list[str]:
    more = [f"and {len(cells) - SHOWN_CELLS} more, see below"] if len(cells) > SHOWN_CELLS else []
    return [("  raw       " if n == 0 else " " * 12) + text for n, text in enumerate([*cells[:SHOWN_CELLS], *more])]


def _same(one: str, other: str) -> bool:
    """Whether two shown values are one: the same text, or the same day as text and as a number."""
    return one == other or (as_day(one)[:10] == as_day(other)[:10] and "-" in as_day(one)[1:10])


def _named(study: Study, variable: str) -> tuple[DatasetSpec, str]:
    dataset, _, name = variable.partition(".")
    spec = study.datasets.get(dataset.removeprefix("SUPP"))
    if spec is not None and not name:
        raise CommandError(Problem(f"{dataset} is a dataset: which variable of it", expected=_variables(spec, dataset)))
    if spec is None:
        known = [*study.datasets, *(f"SUPP{s.name}" for s in study.datasets.values() if s.supplemental)]
        raise CommandError(
            Problem(f"no dataset of {variable}", expected="DATASET.VARIABLE", nearest=nearest(dataset, known))
        )
    own = [*spec.supplemental, *_continued(spec), *SUPPQUAL]
    known = own if dataset.startswith("SUPP") else [*IMPLIED, *spec.names]
    if name not in known and not (name in spec.supplemental or _derived(spec, name)):
        near = nearest(name, [*known, *spec.supplemental])
        expected = "" if near else _variables(spec, dataset)
        raise CommandError(Problem(f"{dataset} has no {name}", expected=expected, nearest=near))
    return spec, name


def _variables(spec: DatasetSpec, dataset: str) -> str:
    """What can be asked for of a dataset, or of its supplemental one."""
    names = spec.supplemental if dataset.startswith("SUPP") else [n for n in spec.names if not n.startswith("_")]
    return ", ".join(f"{dataset}.{name}" if n == 0 else name for n, name in enumerate(names))


def _qualifier(spec: DatasetSpec, variable: str, name: str, chosen: list[str]) -> tuple[str, list[str]]:
    """The qualifier that is asked for, and what chooses its parent record."""
    given = dict(pair.split("=", 1) for pair in chosen if "=" in pair)
    sequence = f"{spec.name}SEQ"
    continued = _continued(spec)
    known = [*spec.supplemental, *continued]
    asked = given.get("QNAM", "") if name in SUPPQUAL else name
    if asked not in known or name not in ("QVAL", asked):
        what = f"{variable} is told with its qualifier" if asked in known else f"{variable}: of which qualifier"
        named = ", ".join([*spec.supplemental, *(k for k, (_, part) in continued.items() if part == 1)])
        expected = f"SUPP{spec.name}.QVAL and QNAM= one of {named}"
        raise CommandError(Problem(what, expected=expected, nearest=nearest(asked, known)))
    fixed = {"RDOMAIN": spec.name, "IDVAR": sequence, "QNAM": asked}
    wrong = [f"{k}={given[k]}" for k, v in fixed.items() if given.get(k, v) != v]
    if wrong:
        expected = ", ".join(f"{k}={v}" for k, v in fixed.items())
        raise CommandError(Problem(f"no record of SUPP{spec.name} has {', '.join(wrong)}", expected=expected))
    kept = [pair for pair in chosen if pair.partition("=")[0] not in fixed]
    return asked, [re.sub(r"^IDVARVAL=", f"{sequence}=", pair) for pair in kept]


def _continued(spec: DatasetSpec) -> dict[str, tuple[str, int]]:
    """The qualifiers in which long texts go on: the variable and which part of its text."""
    return {qualifier_name(name, i): (name, i) for name in sorted(spec.overflowing) for i in range(1, MOST + 1)}


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


def _shown_values(run: Run, spec: DatasetSpec, names: Iterable[str], row: int) -> dict[str, str]:
    """As `_values`, dates and times as people read them."""
    table = run.table(spec.name)
    values = _values(table, run, names, row)
    return values | {n: key_text(spec, table, n, row) for n in values if n in table.columns}


def _column(run: Run, table: Table, name: str) -> pd.Series:
    at = At(run, table)
    if name not in table.columns:
        return at.usubjid if name == "USUBJID" else at.constant(run.study.name if name == "STUDYID" else table.name)
    values = table.columns[name]
    return number_texts(values) if values.dtype == np.float64 else values


def _choose(run: Run, spec: DatasetSpec, wanted: dict[str, str]) -> int:
    """Position of the one record that has these values."""
    table = run.table(spec.name)
    hits = {k: (_column(run, table, k) == v).to_numpy(dtype=bool) | _moments(table, spec, k, v)
            for k, v in wanted.items()}
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
    listed = [", ".join(f"{n}={v}" for n, v in _shown_values(run, spec, names, int(r)).items() if n != "STUDYID")
              for r in rows[:SHOWN_RECORDS]]
    more = [f"and {len(rows) - SHOWN_RECORDS} more"] if len(rows) > SHOWN_RECORDS else []
    raise CommandError(Problem(what, found="\n            ".join([*listed, *more]), do=do))


def _moments(table: Table, spec: DatasetSpec, name: str, text: str) -> np.ndarray:
    """The records whose numeric date, time or date-time is this text in ISO 8601 (of a date-time the day will do)."""
    values = table.columns.get(name)
    sas_format = next((line.options.format for _, line in spec.lines(name) if line.options.format), "")
    if values is None or values.dtype != np.float64 or not sas_format:
        return np.zeros(table.n, dtype=bool)
    codes, distinct = pd.factorize(values)
    numbers = pd.Series(np.asarray(distinct, dtype=np.float64))
    told = [moment(numbers, n, sas_format) for n in range(len(numbers))]
    holds = np.array([bool(t) and text in (t, t.partition("T")[0]) for t in told] + [False])
    return holds[codes]


def _near(table: Table, hits: dict[str, np.ndarray]) -> np.ndarray:
    """Records that agree in the subject, where it has any, and in the most of the other values."""
    score = np.sum([h * (100 if k == "USUBJID" else 1) for k, h in hits.items()], axis=0) if hits else np.zeros(table.n)
    return np.flatnonzero((score == score.max()) & (score > 0)) if table.n else np.empty(0, dtype=np.int64)


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
    keys = _values(table, run, spec.keys, row)
    keys |= {k: split_text(pd.Series([keys[k]], dtype="str"))[0].iloc[0] for k in spec.overflowing & keys.keys()}
    if qualifier:
        number = _values(table, run, [f"{spec.name}SEQ"], row).popitem()[1] or MISSING
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


def _tree(step: Step, depth: int) -> Iterator[str]:
    """The step's own lines and, further in, those of what it used."""
    pad = "  " * depth
    for each in step.used:
        note = f"  {each.note}" if each.note else ""
        source = f"  [{each.source}]" if each.source else ""
        received = f" ({each.received})" if each.received else ""
        yield f"{pad}  {each.name} = {each.value}{received}{source}{note}"
        if each.says:
            yield f"{pad}      {each.says}"
        yield from _tree(each, depth + 1)
