"""Holds the datasets that a study builds against those that were published of it, cell by cell.

    python -m benchmarks.reproduce specs/cdiscpilot

puts the study's input in place, builds it, and prints for each dataset how many cells of the published one are the same
in ours. Every difference must be explained in differences.yaml of the study, exactly: an entry says of which dataset
and variable, for which records (a condition; bare names are our values, published.NAME the published ones), how many,
and why. What no entry explains, and an entry whose number is not the one found, is told and ends the command with 1.

A cell is one variable of one published record. A record or a variable that we do not have leaves all its cells unequal;
records that only we have are counted apart. Numbers are equal to 12 digits, texts without trailing blanks.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

import adam  # noqa: F401  registers the verbs of ADaM
import engine.verbs  # noqa: F401  registers the general verbs
import sdtm  # noqa: F401  registers the verbs of SDTM
from benchmarks.published import Against, collection, put_input, read_published, read_study
from engine.errors import CommandError, Place, Problem, SpecError, TrialmillError
from engine.numbers import number_text
from engine.spec.binding import Model, bind
from engine.spec.document import load_document
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from formats.xpt_read import read_xpt
from trialmill.build import build_study

Side = Literal["", "published", "built"]
SHOWN = 5  # records of a difference that nothing explains


class Difference(Model):
    """Cells of one variable, or whole records that only one side has (`records`), that differ for a known reason."""

    dataset: str
    variable: str = ""
    records: Side = ""
    where: Expression | None = None
    count: int
    why: str


class Differences(Model):
    """differences.yaml."""

    differences: list[Difference]


@dataclass(slots=True)
class Outcome:
    """One dataset held against the published one."""

    dataset: str
    records: int  # of the published dataset
    cells: int
    equal: int
    explained: int = 0  # cells
    ours_alone: int = 0  # records
    problems: list[str] = field(default_factory=list)


def read_differences(study: Path) -> list[Difference]:
    """The differences that a study explains; none without differences.yaml."""
    path = study / "differences.yaml"
    return bind(Differences, load_document(path, str(path))).differences if path.is_file() else []


def hold(
    dataset: str, built: pd.DataFrame, published: pd.DataFrame, keys: list[str], known: list[Difference]
) -> Outcome:
    """Compare two versions of a dataset and hold the differences against those that are explained.

    Args:
        dataset: its name. built, published: text and float64 columns. keys: unique in both. known: what is explained.

    Raises:
        SpecError: keys that do not identify records, or conditions that cannot be worked out.
    """
    ours, theirs = _keyed(built, keys, f"{dataset} as built"), _keyed(published, keys, f"{dataset} as published")
    both = theirs.index.intersection(ours.index, sort=False)
    common = [v for v in published.columns if v in built.columns]
    outcome = Outcome(dataset, len(theirs), len(theirs) * len(published.columns), 0)
    mine = [d for d in known if d.dataset == dataset]
    alone = {"published": theirs.loc[~theirs.index.isin(both)], "built": ours.loc[~ours.index.isin(both)]}
    outcome.ours_alone = len(alone["built"])
    for side, rows in alone.items():
        entries = [d for d in mine if d.records == side]
        lookup = {"published" if side == "published" else None: rows}
        rest = _explain(outcome, entries, np.ones(len(rows), dtype=bool), lookup, f"records only {side}")
        outcome.explained += (len(rows) - int(rest.sum())) * len(published.columns) if side == "published" else 0
        _tell(outcome, f"{int(rest.sum())} records only {side}", rows[rest].index, None, None)
    one, other = ours.loc[both], theirs.loc[both]
    for variable in published.columns:
        entries = [d for d in mine if d.variable == variable]
        different = np.ones(len(both), dtype=bool)
        if variable in common:
            different = ~same(one[variable], other[variable])
        outcome.equal += int((~different).sum())
        rest = _explain(outcome, entries, different, {None: one, "published": other}, variable)
        outcome.explained += int(different.sum()) - int(rest.sum())
        values = (one[variable], other[variable]) if variable in common else (None, other[variable])
        what = f"{variable}: {int(rest.sum())} cells" + ("" if variable in common else ", the variable is not built")
        _tell(outcome, what, both[rest], *(None if v is None else v[rest] for v in values))
    stray = [d for d in mine if d.variable and d.variable not in published.columns]
    outcome.problems += [f"{dataset}.{d.variable} is explained and was not published" for d in stray]
    return outcome


def same(one: pd.Series, other: pd.Series) -> np.ndarray:
    """Which of n pairs of values are the same; two missing ones are."""
    missing = one.isna().to_numpy() & other.isna().to_numpy()
    if one.dtype == np.float64 and other.dtype == np.float64:
        return missing | np.isclose(one.to_numpy(), other.to_numpy(), rtol=1e-12, atol=1e-12)
    if (one.dtype == np.float64) != (other.dtype == np.float64):
        return missing
    a, b = (v.str.rstrip(" ").fillna("").to_numpy(dtype=object) for v in (one, other))
    return np.asarray(a == b, dtype=bool)


def _keyed(frame: pd.DataFrame, keys: list[str], name: str) -> pd.DataFrame:
    keyed = frame.set_index(pd.MultiIndex.from_frame(frame[keys]) if len(keys) > 1 else frame[keys[0]])
    if keyed.index.duplicated().any():
        raise SpecError(Problem(f"{name}: the keys {', '.join(keys)} do not identify its records",
                                found=f"{int(keyed.index.duplicated().sum())} more with the same keys"))
    return keyed


def _explain(
    outcome: Outcome, entries: list[Difference], different: np.ndarray, sides: dict[str | None, pd.DataFrame], what: str
) -> np.ndarray:
    """The differences that no entry explains; the first entry whose condition holds explains one."""
    rest = different.copy()
    for entry in entries:
        hit = rest.copy()
        if entry.where is not None:
            hit &= entry.where.test(lambda ref: _value(ref, sides), len(rest)).true
        if int(hit.sum()) != entry.count:
            outcome.problems.append(
                f"{outcome.dataset} {what}: {entry.count} differences are explained where {entry.where or 'all'}, "
                f"and {int(hit.sum())} are there")
        rest &= ~hit
    return rest


def _value(ref: VariableRef, sides: dict[str | None, pd.DataFrame]) -> pd.Series:
    if ref.source not in sides or ref.name not in sides[ref.source]:
        raise SpecError(Problem(f"differences.yaml: nothing is called {ref}", do="NAME is ours, published.NAME theirs"))
    return sides[ref.source][ref.name].reset_index(drop=True)


def _tell(outcome: Outcome, what: str, keys: pd.Index, ours: pd.Series | None, theirs: pd.Series | None) -> None:
    if not len(keys):
        return
    outcome.problems.append(f"{outcome.dataset} {what} that nothing explains")
    for i, key in enumerate(keys[:SHOWN]):
        named = " ".join(_shown(k) for k in (key if isinstance(key, tuple) else (key,)))
        said = "" if theirs is None else f": published {_shown(theirs.iloc[i])}"
        outcome.problems.append(f"    {named}{said}" + ("" if ours is None else f", built {_shown(ours.iloc[i])}"))


def _shown(value: object) -> str:
    return "(missing)" if pd.isna(value) else number_text(value) if isinstance(value, float) else str(value)


def hold_study(study: Path, out: Path, only: list[str] | None = None) -> list[Outcome]:
    """Hold the published build of a study in `out` against what published.yaml names."""
    known = read_differences(study)
    outcomes = []
    for dataset, against in read_study(study).against.items():
        if not only or dataset in only:
            outcomes.append(hold(dataset, *_pair(dataset, against, out), against.keys, known))
    stray = sorted({d.dataset for d in known} - set(read_study(study).against))
    if stray:
        raise SpecError(Problem("differences.yaml explains datasets that are not compared", found=", ".join(stray)))
    return outcomes


def _pair(dataset: str, against: Against, out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    path = next(out.glob(f"*/{dataset.lower()}.xpt"), None)
    if path is None:
        raise CommandError(Problem(f"{dataset} was not built", Place(str(out)),
                                   do="write its spec, or take it out of published.yaml"))
    built, _ = read_xpt(path)
    published, _ = read_published(collection(against.collection), against.called or dataset.lower())
    return built, published


def table(outcomes: list[Outcome]) -> list[str]:
    """The outcome as lines of a table that Markdown reads too."""
    head = ["dataset", "records", "cells", "equal", "%", "explained", "not explained", "records only built"]
    rows = [[o.dataset, f"{o.records:,}", f"{o.cells:,}", f"{o.equal:,}", percent(o.equal, o.cells), f"{o.explained:,}",
             f"{o.cells - o.equal - o.explained:,}", f"{o.ours_alone:,}"] for o in outcomes]
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]

    def line(cells: list[str]) -> str:
        padded = [c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return [line(head), rule, *map(line, rows)]


def percent(part: int, whole: int) -> str:
    """Per cent to two decimals, 100 only where nothing is left."""
    return "100" if part == whole else f"{np.floor(part / whole * 10_000) / 100:.2f}"


def main() -> None:
    """Put the input in place, build, compare, print."""
    parser = argparse.ArgumentParser(description="Hold a study's datasets against those that were published of it.")
    parser.add_argument("study", type=Path, help="folder with study.yaml, published.yaml and differences.yaml")
    parser.add_argument("--raw", type=Path, help="where its input goes; raw/<study> when not given")
    parser.add_argument("--out", type=Path, help="where it is built; build/<study> when not given")
    parser.add_argument("--only", action="append", help="a dataset to compare; all when none is named")
    given = parser.parse_args()
    raw, out = given.raw or Path("raw") / given.study.name, given.out or Path("build") / given.study.name
    try:
        put_input(given.study, raw)
        built = build_study(given.study, raw, out, [])
        outcomes = hold_study(given.study, out, given.only)
    except TrialmillError as error:
        for each in error.problems:
            print(f"{each}\n", file=sys.stderr)
        raise SystemExit(error.status) from None
    print(f"{given.study}: {built.told()}")
    for line in table(outcomes):
        print(line)
    problems = [p for o in outcomes for p in o.problems]
    for problem in problems:
        print(problem)
    raise SystemExit(1 if problems else 0)


if __name__ == "__main__":
    main()
