"""Values that a rule names under `let`: picked from other records, counted, looked up or computed.

In `of` and `where`, names with the other dataset's prefix are that record's, bare names and other prefixes the
record's own, so `EX.EXSTDTC <= CMENDTC` compares every EX of the subject with the CM record itself. Records are matched
by USUBJID unless `match` says otherwise; `match: none` takes all records of the study.

Values: count, sum, earliest, latest, value, next, previous, days, look_up, term, compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field

from engine.dates import spans
from engine.errors import DataError, Problem
from engine.numbers import number_texts, rank
from engine.run.tables import take, take_values
from engine.spec.binding import Model
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from engine.standards import load_terminology
from validators.shelf import Bools, Rows, View, codes_of, constant

FEW = 20_000  # records that are not worth sorting out which are alike
MAX_PAIRS = 4_000_000  # pairs of records compared at a time


def listed(value: Any) -> Any:
    """One or several."""
    return value if isinstance(value, list) else [value]


def _match(value: Any) -> Any:
    return [] if value == "none" else listed(value)


Names = Annotated[list[str], BeforeValidator(listed)]
Match = Annotated[list[str], BeforeValidator(_match)]


class Value(Model):
    """One value for each record of a view."""

    reads: ClassVar[str]  # the parameter that the value's own key gives

    def source(self) -> str:
        """The dataset whose records are looked through; '' for none."""
        return ""

    def expressions(self) -> Iterator[Expression]:
        """Every expression of it."""
        for name in type(self).model_fields:
            for each in listed(getattr(self, name)):
                if isinstance(each, Expression):
                    yield each

    def variables(self) -> tuple[str, ...]:
        """Variables of the record itself that it names outside of expressions."""
        return ()

    def give(self, view: View) -> pd.Series:
        """The value of each record, text or float64."""
        raise NotImplementedError


class Far(Value):
    """A value taken from records of another dataset, or from other records of the same one."""

    reads: ClassVar[str] = "of"
    of: Expression
    where: Expression | None = None
    match: Match = ["USUBJID"]

    def source(self) -> str:
        """The first prefix of `of` that is a dataset."""
        found = [r.source for r in self.of.refs if r.source and r.source != "study"]
        return found[0].removeprefix("SUPP") if found else ""

    def give(self, view: View) -> pd.Series:
        """See Value; asked once of records alike in all that the answer hangs on, such as those of one day."""
        if view.n <= FEW:
            return self.given(view)
        name = self.source()
        refs = dict.fromkeys(r for e in self.expressions() for r in e.refs if not _is_far(r, name))
        alike = np.zeros(view.n, dtype=np.int64)
        for values in [*(view.own(m) for m in self.match), *(view.values(r) for r in refs)]:
            codes, distinct = pd.factorize(values)
            alike = pd.factorize(alike * (len(distinct) + 1) + codes + 1)[0].astype(np.int64)
        first = np.unique(alike, return_index=True)[1]  # in order, since codes count up as they are met
        chosen = np.zeros(view.n, dtype=bool)
        chosen[first] = True
        return take_values(self.given(view.only(chosen)), alike)

    def given(self, view: View) -> pd.Series:
        """The value of each record."""
        raise NotImplementedError

    def pairs(self, view: View, of: Expression | None) -> tuple[Rows, pd.Series | None]:
        """For each pair of a record and a record of the other dataset that fits: position of the record, value."""
        found = list(self.blocks(view, of))
        rows = np.concatenate([r for r, _ in found]) if found else np.empty(0, dtype=np.int64)
        values = [v for _, v in found if v is not None]
        filled = [v for v in values if len(v)] or values[:1]
        return rows, (pd.concat(filled, ignore_index=True) if filled else None)

    def blocks(self, view: View, of: Expression | None) -> Iterator[tuple[Rows, pd.Series | None]]:
        """The pairs, some millions at a time."""
        shelf, name = view.shelf, self.source()
        far = View(shelf, name)
        between = self.where is not None and not all(_is_far(r, name) for r in self.where.refs)
        if self.where is not None and not between:
            far = far.where(self.where)
        if self.match:
            mine, theirs = codes_of([[view.own(m) for m in self.match], [far.own(m) for m in self.match]])
        else:
            mine, theirs = np.zeros(view.n, dtype=np.int64), np.zeros(far.n, dtype=np.int64)
        for own, other in _joined(mine, theirs):
            if self.where is not None and between:
                keep = np.flatnonzero(_truth(self.where, _look(view, own, far, other, name), len(own)))
            else:
                keep = np.arange(len(own))
            values = (
                _computed(of, _look(view, own[keep], far, other[keep], name), len(keep)) if of is not None else None
            )
            yield own[keep], values


class Count(Far):
    """How many records fit; 0 when none."""

    of: str  # type: ignore[assignment]

    def source(self) -> str:
        """The dataset counted."""
        return self.of

    def given(self, view: View) -> pd.Series:
        """See Far."""
        total = np.zeros(view.n)
        for rows, _ in self.blocks(view, None):
            total += np.bincount(rows, minlength=view.n)[: view.n]
        return pd.Series(total)


class Sum(Far):
    """The sum over the records that fit; missing when there is none."""

    def given(self, view: View) -> pd.Series:
        """See Far."""
        rows, values = self.pairs(view, self.of)
        if values is None or not len(values):
            return pd.Series(np.full(view.n, np.nan))
        frame = pd.DataFrame({"row": rows, "value": values}).dropna().sort_values(["row", "value"], kind="stable")
        sums = frame.groupby("row")["value"].sum()
        return sums.reindex(range(view.n)).reset_index(drop=True).astype(float)


class Earliest(Far):
    """The lowest present value of the records that fit."""

    last: ClassVar[bool] = False

    def given(self, view: View) -> pd.Series:
        """See Far."""
        rows, values = self.pairs(view, self.of)
        if values is None:
            return constant(None, view.n)
        frame = pd.DataFrame({"row": rows, "value": values}).dropna().sort_values(["row", "value"], kind="stable")
        frame = frame.drop_duplicates("row", keep="last" if self.last else "first")
        return _placed(frame["row"].to_numpy(), frame["value"].reset_index(drop=True), view.n)


class Latest(Earliest):
    """The highest present value of the records that fit."""

    last: ClassVar[bool] = True


class TheValue(Far):
    """The one value of the records that fit; missing where they hold none, or several different ones."""

    def given(self, view: View) -> pd.Series:
        """See Far."""
        rows, values = self.pairs(view, self.of)
        if values is None:
            return constant(None, view.n)
        frame = pd.DataFrame({"row": rows, "value": values}).dropna().drop_duplicates()
        frame = frame[~frame["row"].duplicated(keep=False)]
        return _placed(frame["row"].to_numpy(), frame["value"].reset_index(drop=True), view.n)


class Neighbour(Value):
    """A variable of the record before or after, among records alike in `per`, in the stated order."""

    reads: ClassVar[str] = "of"
    step: ClassVar[int] = 1
    of: str
    per: Names = ["USUBJID"]
    order: Names
    where: Expression | None = None

    def variables(self) -> tuple[str, ...]:
        """See Value."""
        return (self.of, *self.per, *self.order)

    def give(self, view: View) -> pd.Series:
        """See Value; the neighbours are sought among all records of the dataset that satisfy `where`."""
        whole = View(view.shelf, view.name, view.lets)
        keep = np.flatnonzero(whole.test(self.where))
        frame = pd.DataFrame({"group": codes_of([[whole.own(p) for p in self.per]])[0]})
        ranks = [f"order{i}" for i in range(len(self.order))]
        for name, variable in zip(ranks, self.order, strict=True):
            frame[name] = rank(whole.own(variable))
        ordered = frame.iloc[keep].sort_values(["group", *ranks], kind="stable")
        neighbour = np.full(whole.n, -1, dtype=np.int64)
        at, group = ordered.index.to_numpy(), ordered["group"].to_numpy()
        one, other = (at[:-1], at[1:]) if self.step > 0 else (at[1:], at[:-1])
        same = (group[:-1] == group[1:]) & (group[1:] >= 0)
        neighbour[one[same]] = other[same]
        return take_values(whole.own(self.of), neighbour[view.rows])


class Previous(Neighbour):
    """See Neighbour."""

    step: ClassVar[int] = -1


class Days(Value):
    """On how many different days the periods of another dataset's records lie, from `of` to `to`.

    Only days from `since` to `until` count, both included and SAS dates; a missing end is `ongoing`, else the start.
    """

    reads: ClassVar[str] = "of"
    of: VariableRef
    to: VariableRef
    where: Expression | None = None
    since: Expression | None = None
    until: Expression | None = None
    ongoing: Expression | None = None

    def source(self) -> str:
        """The dataset whose records have the periods."""
        return str(self.of.source)

    def give(self, view: View) -> pd.Series:
        """See Value."""
        far = View(view.shelf, self.source()).where(self.where)
        start, end = spans(far.own(self.of.name)).first, spans(far.own(self.to.name)).last
        mine, theirs = codes_of([[view.own("USUBJID")], [far.own("USUBJID")]])
        low = view.evaluate(self.since).to_numpy(dtype=float) if self.since else np.full(view.n, -np.inf)
        high = view.evaluate(self.until).to_numpy(dtype=float) if self.until else np.full(view.n, np.inf)
        still = view.evaluate(self.ongoing).to_numpy(dtype=float) if self.ongoing else np.full(view.n, np.nan)
        total = np.zeros(view.n)
        for own, other in _joined(mine, theirs):
            stop = np.where(np.isnan(end[other]), still[own], end[other])
            stop = np.where(np.isnan(stop), start[other], stop)
            first, last = np.maximum(start[other], low[own]), np.minimum(stop, high[own])
            fits = first <= last
            first, last = first[fits], last[fits]
            size = (last - first + 1).astype(np.int64)
            days = np.repeat(first, size) + (np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size))
            each = pd.DataFrame({"row": np.repeat(own[fits], size), "day": days}).drop_duplicates()
            total += np.bincount(each["row"], minlength=view.n)
        return pd.Series(total)


class LookUp(Value):
    """A column of a look-up table of the study, by columns that equal values of the record."""

    reads: ClassVar[str] = "give"
    column: str = Field(alias="give")
    table: str = Field(alias="in")
    by: dict[str, Expression]

    def expressions(self) -> Iterator[Expression]:
        """See Value."""
        yield from self.by.values()

    def give(self, view: View) -> pd.Series:
        """See Value; the first row of the table that fits counts."""
        table = view.shelf.study.lookup(self.table)
        found = [view.evaluate(e) for e in self.by.values()]
        here = [number_texts(v) if v.dtype == np.float64 else v for v in found]
        mine, theirs = codes_of([here, [table[c] for c in self.by]])
        first = pd.Series(np.arange(len(table)), index=theirs)
        first = first[(first.index >= 0) & ~first.index.duplicated()]
        at = first.index.get_indexer(pd.Index(mine)).astype(np.int64)
        return take_values(table[self.column], take(first.to_numpy(dtype=np.int64), at))


class Term(Value):
    """A submission value that a rule needs, by C-code: the term and its codelist."""

    reads: ClassVar[str] = "code"
    code: str
    codelist: str

    def give(self, view: View) -> pd.Series:
        """See Value."""
        versions = view.shelf.study.file.standards
        found = load_terminology("SDTM", versions.sdtm_terminology).codelist(self.codelist)
        if found is None:
            raise DataError(Problem(f"the terminology has no codelist {self.codelist}"))
        return constant(found.by_code(self.code).value, view.n)


class Compute(Value):
    """A formula over values of the record."""

    reads: ClassVar[str] = "formula"
    formula: Expression

    def give(self, view: View) -> pd.Series:
        """See Value."""
        return view.evaluate(self.formula)


VALUES: dict[str, type[Value]] = {
    "count": Count,
    "sum": Sum,
    "earliest": Earliest,
    "latest": Latest,
    "value": TheValue,
    "next": Neighbour,
    "previous": Previous,
    "days": Days,
    "look_up": LookUp,
    "term": Term,
    "compute": Compute,
}


def _is_far(ref: VariableRef, name: str) -> bool:
    return ref.source in (name, f"SUPP{name}", "study")


def _joined(mine: Rows, theirs: Rows) -> Iterator[tuple[Rows, Rows]]:
    """Positions of all pairs with the same code, some millions at a time; -1 pairs with nothing."""
    order = np.argsort(theirs, kind="stable")
    ordered = theirs[order]
    low, high = np.searchsorted(ordered, mine, "left"), np.searchsorted(ordered, mine, "right")
    size = np.where(mine >= 0, high - low, 0)
    edges = np.searchsorted(np.cumsum(size), np.arange(MAX_PAIRS, size.sum() + MAX_PAIRS, MAX_PAIRS), "left") + 1
    start = 0
    for edge in [*edges.tolist(), len(mine)]:
        stop = min(max(edge, start), len(mine))
        some = size[start:stop]
        if some.sum():
            own = np.repeat(np.arange(start, stop), some)
            within = np.arange(some.sum()) - np.repeat(np.cumsum(some) - some, some)
            yield own, order[np.repeat(low[start:stop], some) + within]
        start = stop


def _look(view: View, own: Rows, far: View, other: Rows, name: str) -> Any:
    def look(ref: VariableRef) -> pd.Series:
        if ref.source in (name, f"SUPP{name}"):
            return take_values(far.values(ref), other)
        return take_values(view.values(ref), own)

    return look


def _truth(where: Expression, look: Any, n: int) -> Bools:
    try:
        return where.test(look, n).true
    except ValueError as error:
        raise DataError(Problem(str(error), found=where.text)) from None


def _computed(of: Expression, look: Any, n: int) -> pd.Series:
    try:
        value = of.evaluate(look, n)
    except ValueError as error:
        raise DataError(Problem(str(error), found=of.text)) from None
    if not isinstance(value, pd.Series):
        raise DataError(Problem("a condition stands where a value is needed", found=of.text))
    return value.reset_index(drop=True)


def _placed(rows: Rows, values: pd.Series, n: int) -> pd.Series:
    """Values at their rows, missing elsewhere."""
    where = np.full(n, -1, dtype=np.int64)
    where[rows] = np.arange(len(rows))
    return take_values(values, where)
