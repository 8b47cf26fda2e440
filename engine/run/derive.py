"""Carries out one node of the graph: the records of a dataset, a variable, the cut, the order.

A variable line for all records and lines of single parts join to one column; a part's own line wins. The
verb sees only the records that its line and its `where` concern.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from engine.errors import DataError, Problem
from engine.numbers import number_texts, rank, to_numbers
from engine.run.at import At
from engine.run.issues import Severity
from engine.run.plan import Node, Plan
from engine.run.run import Run
from engine.run.tables import QUALIFIED, Positions, Records, Table, concat_records, take, take_values
from engine.spec.dataset import DatasetSpec, Part, VariableLine
from engine.spec.registry import Made

TypeOf = Callable[[str, str], str]  # dataset, variable -> Char or Num

SUBJECT_KEYS = {"STUDYID", "USUBJID"}  # of a dataset with one record for each subject


def carry_out(run: Run, plan: Plan, node: Node, type_of: TypeOf) -> None:
    """Work out a node whose needs are all worked out.

    Raises:
        DataError: the data do not allow it.
    """
    spec = run.study.datasets[node.dataset]
    run.working_on(node.dataset)
    if node.kind == "records":
        run.tables[spec.name] = make_table(run, spec)
        return
    table = run.table(spec.name)
    if node.kind == "early":
        table.early[node.variable] = derive(run, spec, table, node.variable, type_of, early=True)
    elif node.kind == "rows":
        cut(run, spec, table)
    elif node.kind == "order":
        table.order = final_order(run, spec, table)
    elif node.kind == "check":
        check(run, spec, table)
    elif node.variable in plan.early(spec.name):
        early = table.early[node.variable]
        table.columns[node.variable] = early if table.kept is None else take_values(early, table.kept)
    else:
        table.columns[node.variable] = derive(run, spec, table, node.variable, type_of)


# -- records


def make_table(run: Run, spec: DatasetSpec) -> Table:
    """The records of a dataset, part by part, before any cut."""
    made: list[Records] = []
    for index, part in enumerate(spec.parts):
        made.append(_make_part(run, spec, part, index, concat_records(made) if made else None))
    _align_subjects(run, made)
    return Table(spec.name, concat_records(made))


def _align_subjects(run: Run, parts: list[Records]) -> None:
    """Give the records of all parts the subject's record of a subject-level dataset that some are made from.

    `ADSL.AGE` is then the subject's age in all of them, as it is where no part is made from ADSL.
    """
    for name in dict.fromkeys(name for part in parts for name in part.sources):
        spec = run.study.datasets.get(name)
        if spec is not None and set(spec.header.keys) <= SUBJECT_KEYS:
            for part in parts:
                if name not in part.sources:
                    part.sources[name] = take(run.one_per_subject(run.table(name)), part.subject)


def _make_part(run: Run, spec: DatasetSpec, part: Part, index: int, former: Records | None) -> Records:
    records = Records(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    counts = run.counts.setdefault(spec.name, {})
    for step in part.steps:
        at = At(run, Table(spec.name, records, former=former), variable="", early=True)
        try:
            made = step.params.make(at)
        except DataError as error:
            raise DataError(
                [Problem(p.what, p.place or step.place, p.found, p.expected, p.nearest, p.do) for p in error.problems]
            ) from error
        records = _apply(run, records, made, step.verb.gives)
        label = f"{part.name}: {step.verb.name}" if part.name else step.verb.name
        times = sum(done == label or done.startswith(f"{label} ") for done in counts)
        counts[f"{label} {times + 1}" if times else label] = records.n
    records.part = np.full(records.n, index, dtype=np.int64)
    return records


def _apply(run: Run, records: Records, made: Made, prefix: str) -> Records:
    rows = np.asarray(made.rows, dtype=np.int64)
    after = records.take(rows)
    if made.subjects is not None:
        given = np.asarray(made.subjects, dtype=np.int64)
        after.subject = np.where(rows >= 0, after.subject, given)
    for name, at in (made.sources or {}).items():
        after.sources[name] = np.asarray(at, dtype=np.int64)
        source = run.table(name)
        aligned = source.records.sources.get("participation") if source.raw else None
        if aligned is not None and "participation" not in after.sources:
            after.sources["participation"] = take(aligned, after.sources[name])
    for name, values in (made.columns or {}).items():
        after.made[f"{prefix}.{name}"] = values.reset_index(drop=True)
    return after


def cut(run: Run, spec: DatasetSpec, table: Table) -> None:
    """Remove the records that start after the cut-off or that `keep` excludes; counted, never silent."""
    header = spec.header
    if not header.cut_off and header.keep is None:
        return
    keep = np.ones(table.n, dtype=bool)
    counts = run.counts.setdefault(spec.name, {})
    if header.cut_off:
        limit = run.study.setting("DCUTDT")
        dates = table.early[header.cut_off].astype("str")
        late = _earliest_day(dates) > str(limit)
        keep &= ~late
        counts[f"removed: {header.cut_off} after the cut-off"] = int(late.sum())
    if header.keep is not None:
        wanted = At(run, table, variable="keep", early=True).test(header.keep)
        counts["removed: keep"] = int((keep & ~wanted).sum())
        keep &= wanted
    table.all_records = table.records
    rows = np.flatnonzero(keep)
    table.records = table.records.take(rows)
    table.kept = rows


def _earliest_day(dates: pd.Series) -> np.ndarray:
    """The first day that an ISO 8601 date may mean; '' (never late) when missing."""
    text = dates.str.slice(0, 10).fillna("")
    codes, distinct = pd.factorize(text)
    days = np.array([d if len(d) != 4 and len(d) != 7 else (d + "-01-01")[:10] for d in distinct], dtype=object)
    days = np.array([d[:4] + "-01-01" if "--" in d else d for d in days], dtype=object)
    return days[codes] if len(codes) else np.empty(0, dtype=object)


# -- variables


def derive(run: Run, spec: DatasetSpec, table: Table, name: str, type_of: TypeOf, *, early: bool = False) -> pd.Series:
    """One variable of a dataset, n records, text or float64."""
    records = table.all_records if early and table.all_records is not None else table.records
    kind = type_of(spec.name, name)
    own: dict[int, VariableLine] = {}
    for index, part in enumerate(spec.parts):
        if name in part.variables:
            own[index] = part.variables[name]
    general = spec.variables.get(name) or spec.supplemental.get(name)
    pieces: list[tuple[Positions | None, VariableLine]] = []
    if general is not None:
        if own:
            pieces.append((np.flatnonzero(~np.isin(records.part, list(own))), general))
        else:
            pieces.append((None, general))
    for index, line in own.items():
        pieces.append((np.flatnonzero(records.part == index), line))
    if len(pieces) == 1 and pieces[0][0] is None:
        return _derive_line(run, table, None, pieces[0][1], kind, early)
    result = _empty(records.n, kind)
    for rows, line in pieces:
        assert rows is not None
        if len(rows):
            result = _put(result, rows, _derive_line(run, table, rows, line, kind, early))
    return result


def _derive_line(
    run: Run, table: Table, rows: Positions | None, line: VariableLine, kind: str, early: bool
) -> pd.Series:
    at = At(run, table, rows, variable=line.name, early=early)
    try:
        if line.options.where is None:
            values = _typed(line.params.derive(at), kind, at)
        else:
            chosen = np.flatnonzero(at.test(line.options.where))
            inner = at.only(chosen)
            values = _put(_empty(at.n, kind), chosen, _typed(line.params.derive(inner), kind, inner))
            at = inner
            absent = values.iloc[chosen].isna().to_numpy(dtype=bool)
            _report_missing(at, line, absent)
            return values
    except DataError as error:
        raise DataError(
            [
                Problem(
                    p.what if "." in p.what.split(":")[0] else f"{table.name}.{line.name}: {p.what}",
                    p.place or line.place,
                    p.found,
                    p.expected,
                    p.nearest,
                    p.do,
                )
                for p in error.problems
            ]
        ) from error
    _report_missing(at, line, values.isna().to_numpy(dtype=bool))
    return values


def _report_missing(at: At, line: VariableLine, absent: np.ndarray) -> None:
    if line.options.missing != "allowed" and absent.any():
        severity: Severity = "blocking" if line.options.missing == "blocking" else "warning"
        at.report(absent, "no value, though one is needed", severity=severity)


def _typed(values: pd.Series, kind: str, at: At) -> pd.Series:
    if len(values) != at.n:
        raise DataError(Problem(f"the verb gave {len(values)} values for {at.n} records"))
    values = values.reset_index(drop=True)
    if kind == "Char":
        return number_texts(values) if values.dtype == np.float64 else values.astype("str")
    if values.dtype == np.float64:
        return values + 0.0  # -0 is 0
    numbers, bad = to_numbers(values)
    if bad.any():
        at.report(bad, "is numeric and the value is no number", found=values, severity="blocking")
    return numbers


def _empty(n: int, kind: str) -> pd.Series:
    if kind == "Num":
        return pd.Series(np.full(n, np.nan))
    return pd.Series(pd.array([None], dtype="str").take(np.zeros(n, dtype=int)))


def _put(into: pd.Series, rows: Positions, values: pd.Series) -> pd.Series:
    """`into` with `values` at `rows`."""
    if values.dtype == np.float64 and into.dtype == np.float64:
        array = into.to_numpy(copy=True)
        array[rows] = values.to_numpy()
        return pd.Series(array)
    where = np.full(len(into), -1, dtype=np.int64)
    where[rows] = np.arange(len(rows))
    return take_values(values.astype("str"), where).where(pd.Series(where >= 0), into)


# -- checks


def check(run: Run, spec: DatasetSpec, table: Table) -> None:
    """List every record for which a check of the dataset is not known to hold."""
    for each in spec.header.checks:
        at = At(run, table, variable=each.found.name if each.found is not None else "")
        concerned = at.only(np.flatnonzero(at.test(each.where)))
        failed = ~concerned.test(each.expect)
        if each.found is None:
            concerned.report(failed, each.says, severity=each.severity, reads=each.expect.refs, ask=each.ask)
            continue
        found = concerned.values(each.found)
        there = found.notna().to_numpy(dtype=bool)
        for mask, value in ((failed & there, found), (failed & ~there, None)):
            concerned.report(mask, each.says, found=value, severity=each.severity, reads=[each.found], ask=each.ask)


# -- order


def final_order(run: Run, spec: DatasetSpec, table: Table) -> Positions:
    """Positions in the order of the keys, then of the stated ties, then of the raw records' own content.

    Missing values come first. Two records that nothing tells apart stop the build.
    """
    at = At(run, table, variable="order")
    ranks = []
    for key in spec.keys:
        if key in table.columns:
            ranks.append(rank(table.columns[key]))
        elif key == "USUBJID":  # implied by identity; people are coded in its order
            ranks.append(at.subject)
    ranks += [rank(at.values(ref)) for ref in spec.header.ties]
    order = _sorted(ranks, table.n)
    if _ties(ranks, order).any():
        for name in table.records.sources:
            source = run.table(name)
            if source.filed:
                rows = table.records.sources[name]
                names = [c for c in source.columns if not c.endswith(QUALIFIED)]
                ranks += [rank(take_values(run.column(source, c), rows)) for c in names]
        order = _sorted(ranks, table.n)
        tied = _ties(ranks, order)
        made = [rank(v) for v in table.records.made.values()]
        if tied.any() and made:
            ranks += made
            order = _sorted(ranks, table.n)
            tied = _ties(ranks, order)
        if tied.any():
            at.only(order[1:][tied]).report(
                np.ones(int(tied.sum()), dtype=bool),
                f"the keys ({', '.join(spec.keys)}) do not tell this record from another",
                severity="blocking",
                variable=spec.keys[-1],
            )
    return order


def _sorted(ranks: list[Positions], n: int) -> Positions:
    return np.lexsort(ranks[::-1]).astype(np.int64) if ranks else np.arange(n, dtype=np.int64)


def _ties(ranks: list[Positions], order: Positions) -> np.ndarray:
    """For each record but the first, whether it equals the one before in all ranks."""
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for each in ranks:
        placed = each[order]
        same &= placed[1:] == placed[:-1]
    return same
