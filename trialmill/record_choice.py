"""Which variable and which record are meant where a value is explained.

A record is chosen by any of its variables, dates and times as people read them; no record, or several, is an error that
lists the near ones. A record of a supplemental dataset is chosen by the variables of that dataset.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from engine.errors import CommandError, Problem, nearest
from engine.numbers import number_texts
from engine.run.at import At
from engine.run.looked import key_text
from engine.run.overflow import MOST, qualifier_name
from engine.run.run import Run
from engine.run.shown import moment, shown
from engine.run.tables import Table
from engine.spec.dataset import DatasetSpec
from engine.spec.study import Study

IMPLIED = ("STUDYID", "DOMAIN", "USUBJID")
SHOWN_RECORDS = 10
SUPPQUAL = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QLABEL", "QVAL", "QORIG", "QEVAL")


def named(study: Study, variable: str) -> tuple[DatasetSpec, str]:
    """The dataset and the variable (or qualifier) of it that a name such as AE.AESTDY or SUPPAE.AEDLT means."""
    dataset, _, name = variable.partition(".")
    spec = study.datasets.get(dataset.removeprefix("SUPP"))
    if spec is not None and not name:
        raise CommandError(Problem(f"{dataset} is a dataset: which variable of it", expected=_variables(spec, dataset)))
    if spec is None and dataset in study.delivered:
        raise CommandError(Problem(f"{dataset} comes finished: its values are input, and nothing derives them",
                                   expected=f"a variable of {', '.join(sorted(study.datasets))}"))
    if spec is None:
        known = [*study.datasets, *(f"SUPP{s.name}" for s in study.datasets.values() if s.supplemental)]
        raise CommandError(
            Problem(f"no dataset {dataset}", found=variable, expected="DATASET.VARIABLE",
                    nearest=nearest(dataset, known))
        )
    own = [*spec.supplemental, *continuations(spec), *SUPPQUAL]
    known = own if dataset.startswith("SUPP") else [*IMPLIED, *spec.names]
    if name not in known and not (name in spec.supplemental or is_derived(spec, name)):
        near = nearest(name, [*known, *spec.supplemental])
        expected = "" if near else _variables(spec, dataset)
        raise CommandError(Problem(f"{dataset} has no {name}", expected=expected, nearest=near))
    return spec, name


def _variables(spec: DatasetSpec, dataset: str) -> str:
    """What can be asked for of a dataset, or of its supplemental one."""
    names = spec.supplemental if dataset.startswith("SUPP") else [n for n in spec.names if not n.startswith("_")]
    return ", ".join(f"{dataset}.{name}" if n == 0 else name for n, name in enumerate(names))


def chosen_qualifier(spec: DatasetSpec, variable: str, name: str, chosen: list[str]) -> tuple[str, list[str]]:
    """The qualifier that is asked for, and what chooses its parent record."""
    given = dict(pair.split("=", 1) for pair in chosen if "=" in pair)
    sequence = f"{spec.name}SEQ"
    continued = continuations(spec)
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


def continuations(spec: DatasetSpec) -> dict[str, tuple[str, int]]:
    """The qualifiers in which long texts go on: the variable and which part of its text."""
    return {qualifier_name(name, i): (name, i) for name in sorted(spec.overflowing) for i in range(1, MOST + 1)}


def is_derived(spec: DatasetSpec, name: str) -> bool:
    """Whether a line of the dataset derives the variable or qualifier."""
    return name in spec.supplemental or any(True for _ in spec.lines(name))


def wanted(spec: DatasetSpec, chosen: Iterable[str]) -> dict[str, str]:
    """The pairs that choose a record."""
    wanted: dict[str, str] = {}
    known = [*IMPLIED, *spec.names, *spec.supplemental]
    problems = []
    for pair in chosen:
        key, sign, value = pair.partition("=")
        if not sign:
            problems.append(Problem(f'"{pair}" chooses no record', expected="KEY=VALUE, such as AESEQ=1"))
        elif key not in known and not is_derived(spec, key):
            problems.append(Problem(f"{spec.name} has no {key}", nearest=nearest(key, known)))
        else:
            wanted[key] = value
    if problems:
        raise CommandError(problems)
    return wanted


def values_of(table: Table, run: Run, names: Iterable[str], row: int) -> dict[str, str]:
    """The values of variables for one record, STUDYID, DOMAIN and USUBJID too."""
    at = At(run, table, np.array([row]))
    given = {"STUDYID": run.study.name, "DOMAIN": table.name, "USUBJID": shown(at.usubjid, 0)}
    return {n: shown(table.columns[n], row) if n in table.columns else given.get(n, "") for n in names}


def shown_values(run: Run, spec: DatasetSpec, names: Iterable[str], row: int) -> dict[str, str]:
    """As `values_of`, dates and times as people read them."""
    table = run.table(spec.name)
    values = values_of(table, run, names, row)
    return values | {n: key_text(spec, table, n, row) for n in values if n in table.columns}


def run_column(run: Run, table: Table, name: str) -> pd.Series:
    at = At(run, table)
    if name not in table.columns:
        return at.usubjid if name == "USUBJID" else at.constant(run.study.name if name == "STUDYID" else table.name)
    values = table.columns[name]
    return number_texts(values) if values.dtype == np.float64 else values


def choose_record(run: Run, spec: DatasetSpec, wanted: dict[str, str]) -> int:
    """Position of the one record that has these values."""
    table = run.table(spec.name)
    hits = {k: (run_column(run, table, k) == v).to_numpy(dtype=bool) | _moments(table, spec, k, v)
            for k, v in wanted.items()}
    every = np.logical_and.reduce([np.ones(table.n, dtype=bool), *hits.values()])
    rows = np.flatnonzero(every)
    if len(rows) == 1:
        return int(rows[0])
    people = run.people.columns["USUBJID"]
    if "USUBJID" in wanted and not (people == wanted["USUBJID"]).any():
        raise CommandError(Problem(f"no subject {wanted['USUBJID']}", nearest=nearest(wanted["USUBJID"], people),
                                   do="name a USUBJID of DM"))
    said = ", ".join(f"{k}={v}" for k, v in wanted.items()) or "no values"
    if len(rows):
        what, do = f"{len(rows)} records of {spec.name} have {said}", "add variables that tell them apart"
    else:
        what, do = f"no record of {spec.name} has {said}", "correct the values"
        rows = _near(table, hits)
    names = list(dict.fromkeys((*wanted, *spec.keys)))
    listed = [", ".join(f"{n}={v}" for n, v in shown_values(run, spec, names, int(r)).items() if n != "STUDYID")
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
