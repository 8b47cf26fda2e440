"""What stands behind our side of a difference: the spec line with its sentence, and the raw cells of some records.

The variables that differ are worked out anew from the raw export, once for all datasets, and the first differing
records of each are followed to the raw cells that they go back to. An export that is not the one of the build says
nothing about it and is left alone.

Sources: architecture, "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import TrialmillError
from engine.run.lineage import trace
from engine.run.looked import raw_places
from engine.run.partial import partial_run
from engine.run.plan import Node
from engine.run.run import Run
from engine.run.shown import MISSING
from engine.spec.dataset import DatasetSpec
from engine.spec.registry import sentence
from engine.spec.study import Study
from trialmill.build import Tools
from trialmill.compare_builds import BuildOf
from trialmill.delivered import read_sources
from trialmill.explain import is_derived, made_at, raw_cells, run_column
from validators.comparison import Comparison
from validators.comparison_moments import moment_of, shown_numbers
from validators.comparison_result import Cause, Outcome, Result, SpecLine
from validators.comparison_values import Changed

MOST_CELLS = 4  # raw cells that are told of one value
WORDS = ("BASE", "QC")


def add_causes(
    outcome: Outcome, study: Study, builds: dict[str, BuildOf], raw: Path, carrier: str | None, records: int
) -> None:
    """Put spec lines and raw records beside the differences.

    Args:
        outcome: what was found; gains causes and notes.
        builds: of BASE and QC, where they were published by a build of the study.
        raw: the raw export. carrier: as for a build.
        records: how many of each variable are followed; 0 for none.
    """
    results = [r for r in outcome.results if r.comparison is not None and not r.comparison.same
               and _spec(study, r.name) is not None]
    if not results:
        return
    fresh = {w: b for w, b in builds.items() if b.specs() == {study.fingerprint}}
    for word in builds.keys() - fresh.keys():
        outcome.notes.append(f"the specs in {study.shown} are not those that {word} was built by: "
                             "the lines named are of the specs as they are now")
    sides = ["both" if len(builds) == 2 else next(iter(builds), "the study")]
    for result in results:
        _lines(result, study, sides[0], records)
    followed = [w for w in WORDS if w in builds]
    if not followed or not records:
        return
    if not raw.is_dir():
        outcome.notes.append(f"no raw export at {raw}: raw records are not named; --raw says where it is")
        return
    try:
        _follow(outcome, results, study, {w: builds[w] for w in followed}, raw, carrier, records)
    except TrialmillError as error:
        said = "; ".join(p.what for p in error.problems[:3])
        outcome.notes.append(f"raw records are not named, since the values cannot be worked out anew: {said}")


def _spec(study: Study, name: str) -> DatasetSpec | None:
    return study.datasets.get(name) or (study.datasets.get(name[4:]) if name.startswith("SUPP") else None)


def _variables(result: Result, study: Study, changed: Changed, records: int) -> list[str]:
    """The variables of the spec behind a differing one: itself, or of QVAL the qualifiers of the first records."""
    spec = _spec(study, result.name)
    assert spec is not None and result.comparison is not None
    if result.name in study.datasets:
        return [changed.name]
    if changed.name not in ("QVAL", "QLABEL", "QORIG") or "QNAM" not in result.comparison.keys:
        return []
    place = result.comparison.keys.index("QNAM")
    names = [k[place] for k in result.comparison.record_keys[changed.name][: max(records, 1)]]
    return list(dict.fromkeys(n for n in names if n in spec.supplemental))


def _lines(result: Result, study: Study, side: str, records: int) -> None:
    spec = _spec(study, result.name)
    assert spec is not None and result.comparison is not None
    for changed in result.comparison.differing:
        cause = Cause(side)
        for name in _variables(result, study, changed, records):
            found = [(part, line) for part, line in spec.lines(name)]
            if not found and name in spec.supplemental:
                found = [(None, spec.supplemental[name])]
            for part, line in found:
                where = str(line.options.where) if line.options.where is not None else ""
                cause.lines.append(SpecLine(str(line.place), sentence(line.verb, line.params),
                                            part.name if part is not None else "", where))
            if not found:
                cause.lines.append(SpecLine(str(study.document.place("identity")), "Identity of the study and person"))
        result.causes[changed.name] = [cause]


def _follow(
    outcome: Outcome, results: list[Result], study: Study, builds: dict[str, BuildOf], raw: Path, carrier: str | None,
    records: int,
) -> None:
    export = read_sources(study, raw, carrier)
    held = {f.name: f.sha256 for f in export.inputs}
    for word in list(builds):
        if held.items() - builds[word].inputs().items():
            outcome.notes.append(f"{raw} is not the raw export that {word} was built from: no raw records are named")
            del builds[word]
    if not builds:
        return
    nodes: dict[Node, None] = {}
    for result in results:
        spec = _spec(study, result.name)
        assert spec is not None and result.comparison is not None
        nodes[Node(spec.name, "rows")] = None
        names = [n for c in result.comparison.differing for n in _variables(result, study, c, records)]
        for name in [*names, *_run_keys(result, study)]:
            if is_derived(spec, name):
                nodes[Node(spec.name, "var", name)] = None
    run, _ = partial_run(study, export.tables, Tools(study), nodes, None)
    for result in results:
        spec = _spec(study, result.name)
        if spec is not None and spec.name in run.tables:
            for word in builds:
                _trace(run, result, spec, study, word, records)


def _run_keys(result: Result, study: Study) -> list[str]:
    """The variables of the spec that tell the records of a dataset apart: its keys, or the parent's of a SUPP--."""
    assert result.comparison is not None
    if result.name in study.datasets:
        return result.comparison.keys
    spec, number = study.datasets[result.name[4:]], f"{result.name[4:]}SEQ"
    return ["USUBJID", number] if is_derived(spec, number) else ["USUBJID"]


def _trace(run: Run, result: Result, spec: DatasetSpec, study: Study, word: str, records: int) -> None:
    found = result.comparison
    assert found is not None
    places = _places(run, result, spec, study)
    if places is None:
        return
    for changed in found.differing:
        names = _variables(result, study, changed, records)
        if not names:
            continue
        cause = next((c for c in result.causes[changed.name] if c.side == word), None)
        if cause is None:
            cause = Cause(word)
            result.causes[changed.name].append(cause)
        values = changed.base_values if word == "BASE" else changed.qc_values
        for number, keys in enumerate(found.record_keys[changed.name][:records]):
            rows = places.get(_asked(found, result, study, keys), [])
            name = names[0] if result.name in study.datasets else dict(zip(found.keys, keys, strict=True))["QNAM"]
            if name in run.table(spec.name).columns or name in names:
                cause.raw[number] = list(_cells(run, spec, name, rows, values[number]))
    for side, alone in (("BASE", found.only_base), ("QC", found.only_qc)):
        if side == word:
            behind = {n: _behind(run, spec, places.get(_asked(found, result, study, keys), []))
                      for n, keys in enumerate(alone.keys[:records])}
            result.records_from[side] = {n: place for n, place in behind.items() if place}


def _asked(found: Comparison, result: Result, study: Study, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of a record as `_places` has them."""
    if result.name in study.datasets:
        return keys
    given = dict(zip(found.keys, keys, strict=True))
    asked = given.get("USUBJID", ""), given.get("IDVARVAL", "")
    return asked[: len(_run_keys(result, study))]


def _places(run: Run, result: Result, spec: DatasetSpec, study: Study) -> dict[tuple[str, ...], list[int]] | None:
    """The records that were worked out, by their keys as people read them; None where a key was not."""
    found = result.comparison
    assert found is not None
    table, columns = run.table(spec.name), []
    for name in _run_keys(result, study):
        if name not in table.columns and name not in ("STUDYID", "DOMAIN", "USUBJID"):
            return None
        values = table.columns[name] if name in table.columns else run_column(run, table, name)
        if values.dtype == np.float64 and result.name in study.datasets:
            columns.append(shown_numbers(values.to_numpy(), moment_of(found.base, found.qc, name)))
        else:
            texts = run_column(run, table, name)
            columns.append(["" if pd.isna(v) else str(v).rstrip(" ") for v in texts.tolist()])
    places: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(zip(*columns, strict=True)):
        places.setdefault(key, []).append(row)
    return places


def _cells(run: Run, spec: DatasetSpec, name: str, rows: list[int], value: str) -> Iterator[str]:
    """The raw cells behind one value, and whether it is the value that the file holds."""
    if not rows:
        yield "no record that is worked out from the raw data has these keys"
        return
    step = trace(run, spec.name, name, rows[0])
    cells = [text for text, _ in raw_cells(step)]
    yield from made_at(step, spec.name)[:1]
    yield from cells[:MOST_CELLS]
    if len(cells) > MOST_CELLS:
        yield f"and {len(cells) - MOST_CELLS} more: trialmill explain {spec.name}.{name}"
    if not cells:
        yield _behind(run, spec, rows) or f"no raw record: {step.note or step.says}"
    worked_out = {step.value, step.received} if step.value != MISSING else {"", "."}
    if value not in worked_out and name not in spec.overflowing:
        yield f"worked out anew it is {step.received or step.value}, which the file does not hold"
    if len(rows) > 1:
        yield f"{len(rows)} records have these keys; this is the first"


def _behind(run: Run, spec: DatasetSpec, rows: list[int]) -> str:
    return raw_places(run, run.table(spec.name), rows[0]) if rows else ""
