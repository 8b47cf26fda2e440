"""The kinds of check that a rule may use. A check looks at finished datasets and names the records that break it.

    each        every record satisfies a condition
    per         groups of records are of a stated size, or hold a stated number of different values
    pairs       two variables belong together: each value of one has one of the other, and the reverse
    same        two datasets hold the same subjects, or one none that the other lacks
    totals      counts agree
    no_overlap  the periods of two sets of records share no day of a subject

Checks of what a package holds stand in holdings.py.

A condition must be known to be true: a missing value breaks a check unless the condition allows it by `is missing`. A
`where` that is not known to be true leaves the record out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from engine.dates import spans
from engine.numbers import number_text
from engine.spec.binding import Model
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from validators.findings import show
from validators.lets import Names, Value, listed
from validators.shelf import Bools, Rows, Shelf, View, codes_of

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
Scope = Literal["record", "subject", "study"]


@dataclass(slots=True)
class Broken:
    """What a check found: the dataset, the records that break it (none: the study as a whole) and their messages."""

    dataset: str
    variable: str
    rows: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    says: list[str] = field(default_factory=list)


class Check(Model):
    """What all kinds of check have."""

    reads: ClassVar[str]
    scope: ClassVar[Scope]
    says: str = ""
    do: str = ""
    variable: str = ""

    def datasets(self) -> tuple[str, ...]:
        """Datasets whose records it looks at."""
        raise NotImplementedError

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """The dataset whose record each expression speaks of, and the expression."""
        raise NotImplementedError

    def variables(self) -> Iterator[tuple[str, str]]:
        """Dataset and variable named outside of expressions."""
        yield from ()

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """Everything that breaks the check."""
        raise NotImplementedError


class Each(Check):
    """Every record of a dataset that satisfies `where` satisfies `holds`."""

    reads: ClassVar[str] = "each"
    scope: ClassVar[Scope] = "record"
    each: str
    where: Expression | None = None
    holds: Expression

    def datasets(self) -> tuple[str, ...]:
        """See Check."""
        return (self.each,)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """See Check."""
        yield from ((self.each, e) for e in (self.where, self.holds) if e is not None)
        yield from ((self.each, e) for e in placeholders(self.says).values())

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check."""
        view = view_of(shelf, self.each, lets).where(self.where)
        wrong = view.only(~view.test(self.holds))
        return [Broken(self.each, self.about(lets), wrong.rows, said(self.says, wrong))] if wrong.n else []

    def about(self, lets: dict[str, Value]) -> str:
        """The variable that findings name: the one stated, else the first of the record that `holds` names."""
        own = [r.name for r in self.holds.refs if r.source in (None, self.each) and r.name not in lets]
        return self.variable or (own[0] if own else "")


class Per(Check):
    """Groups of records alike in `per`: how many records, or how many different values of `distinct`."""

    reads: ClassVar[str] = "per"
    scope: ClassVar[Scope] = "subject"
    per: Names
    of: str
    where: Expression | None = None
    distinct: Annotated[list[str], BeforeValidator(listed)] = []
    at_most: int | None = Field(None, ge=0)
    at_least: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _bounded(self) -> Per:
        if self.at_most is None and self.at_least is None:
            raise ValueError("say at_most or at_least")
        return self

    def datasets(self) -> tuple[str, ...]:
        """See Check."""
        return (self.of,)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """See Check."""
        if self.where is not None:
            yield self.of, self.where
        yield from ((self.of, e) for e in placeholders(self.says).values())

    def variables(self) -> Iterator[tuple[str, str]]:
        """See Check."""
        yield from ((self.of, name) for name in (*self.per, *self.distinct))

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check; every record of a group that is too large or too small is named."""
        view = view_of(shelf, self.of, lets).where(self.where)
        frame = pd.DataFrame({f"p{i}": view.values(VariableRef(None, p)) for i, p in enumerate(self.per)})
        group = frame.groupby(list(frame.columns), dropna=False, sort=False).ngroup().to_numpy()
        if self.distinct:
            named = {f"d{i}": view.values(VariableRef(None, d)) for i, d in enumerate(self.distinct)}
            pairs = pd.DataFrame({"group": group, **named}).drop_duplicates()
            sizes = np.bincount(pairs["group"], minlength=int(group.max(initial=-1)) + 1)
        else:
            sizes = np.bincount(group, minlength=int(group.max(initial=-1)) + 1)
        bad = np.zeros(len(sizes), dtype=bool)
        if self.at_most is not None:
            bad |= sizes > self.at_most
        if self.at_least is not None:
            bad |= sizes < self.at_least
        wrong = view.only(bad[group])
        return [Broken(self.of, self.about(), wrong.rows, said(self.says, wrong))] if wrong.n else []

    def about(self) -> str:
        """The variable that findings name."""
        return self.variable or (self.distinct or self.per)[-1]


class Pairs(Check):
    """Each value of the first variable has one of the second and the reverse, among records alike in `within`.

    The records named are those whose pair is not the most frequent one; a missing value pairs with nothing.
    """

    reads: ClassVar[str] = "pairs"
    scope: ClassVar[Scope] = "study"
    pairs: Annotated[Names, Field(min_length=2, max_length=2)]
    of: str
    within: Names = []
    where: Expression | None = None

    def datasets(self) -> tuple[str, ...]:
        """See Check."""
        return (self.of,)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """See Check."""
        if self.where is not None:
            yield self.of, self.where

    def variables(self) -> Iterator[tuple[str, str]]:
        """See Check."""
        yield from ((self.of, name) for name in (*self.pairs, *self.within))

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check."""
        view = view_of(shelf, self.of, lets).where(self.where)
        one, other = (view.own(name) for name in self.pairs)
        group = np.zeros(view.n, dtype=np.int64)
        for name in self.within:
            codes = pd.factorize(view.own(name), use_na_sentinel=False)[0]
            group = pd.factorize(group * (int(codes.max(initial=0)) + 1) + codes)[0].astype(np.int64)
        wrong = view.only(~usual_pairs(one, other, group))
        if not wrong.n:
            return []
        formats = [shelf.info(self.of).variable(name).format for name in self.pairs]
        texts = zip(*(wrong.own(name) for name in self.pairs), strict=True)
        first, second = self.pairs
        says = [f"{first} {show(a, formats[0])}, {second} {show(b, formats[1])}" for a, b in texts]
        return [Broken(self.of, self.variable or second, wrong.rows, says)]


def usual_pairs(one: pd.Series, other: pd.Series, group: NDArray[np.int64] | None = None) -> Bools:
    """Records whose pair is the most frequent of both its values in its group; ties: the lowest; missing: true."""
    left, lefts = pd.factorize(one, sort=True)
    right, rights = pd.factorize(other, sort=True)
    known = (left >= 0) & (right >= 0)
    group = np.zeros(len(one), dtype=np.int64) if group is None else group
    left, right = group * max(len(lefts), 1) + left, group * max(len(rights), 1) + right
    width = int(right.max(initial=0)) + 1
    pair = left * width + right
    numbers, counts = np.unique(pair[known], return_counts=True)
    mine, theirs = numbers // width, numbers % width
    if len(np.unique(mine)) == len(np.unique(theirs)) == len(numbers):
        return np.ones(len(one), dtype=bool)
    order = np.lexsort((numbers, -counts))
    table = pd.DataFrame({"pair": numbers[order], "one": mine[order], "other": theirs[order]})
    good = table[~table["one"].duplicated() & ~table["other"].duplicated()]["pair"]
    return ~known | np.isin(pair, good.to_numpy())


class Subset(Model):
    """Some records of a dataset."""

    of: str
    where: Expression | None = None


class Same(Check):
    """The first records and the second ones have the same `by` values; with `within`, none of the first is missing."""

    reads: ClassVar[str] = "same"
    scope: ClassVar[Scope] = "study"
    same: Annotated[list[Subset], Field(min_length=2, max_length=2)]
    by: Names = ["USUBJID"]
    within: Literal["true", "false"] = "false"

    def datasets(self) -> tuple[str, ...]:
        """See Check."""
        return tuple(s.of for s in self.same)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """See Check."""
        yield from ((s.of, s.where) for s in self.same if s.where is not None)

    def variables(self) -> Iterator[tuple[str, str]]:
        """See Check."""
        yield from ((s.of, name) for s in self.same for name in self.by)

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check."""
        views = [view_of(shelf, s.of, lets).where(s.where) for s in self.same]
        one, other = codes_of([[v.own(b) for b in self.by] for v in views])
        found = []
        for mine, theirs, view, far in ((one, other, *views), (other, one, *views[::-1])):
            lost = ~np.isin(mine, theirs)
            lost &= ~pd.Series(mine).duplicated().to_numpy()
            if lost.any():
                wrong = view.only(lost)
                says = said(self.says, wrong) if self.says else [f"has no record of {far.name} with it"] * wrong.n
                found.append(Broken(view.name, self.variable or self.by[-1], wrong.rows, says))
            if self.within == "true":
                break
        return found


class Total(Model):
    """A number of records, or of subjects, of a dataset."""

    records: str = ""
    subjects: str = ""
    where: Expression | None = None

    @model_validator(mode="after")
    def _one(self) -> Total:
        if bool(self.records) == bool(self.subjects):
            raise ValueError("say either records or subjects, with the dataset")
        return self

    @property
    def of(self) -> str:
        """The dataset."""
        return self.records or self.subjects


def _total(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


class Totals(Check):
    """All counts of the list are equal; a plain number stands for itself."""

    reads: ClassVar[str] = "totals"
    scope: ClassVar[Scope] = "study"
    totals: Annotated[list[Annotated[float | Total, BeforeValidator(_total)]], Field(min_length=2)]

    def datasets(self) -> tuple[str, ...]:
        """See Check."""
        return tuple(t.of for t in self.totals if isinstance(t, Total))

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """See Check."""
        for total in self.totals:
            if isinstance(total, Total) and total.where is not None:
                yield total.of, total.where

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check."""
        counts: list[float] = []
        words: list[str] = []
        for total in self.totals:
            if not isinstance(total, Total):
                counts.append(total)
                words.append(f"{number_text(total)} stated")
                continue
            view = view_of(shelf, total.of, lets).where(total.where)
            counts.append(view.own("USUBJID").nunique() if total.subjects else view.n)
            where = f" where {total.where}" if total.where is not None else ""
            what = "subjects" if total.subjects else "records"
            words.append(f"{number_text(counts[-1])} {what} of {total.of}{where}")
        if len(set(counts)) == 1:
            return []
        lead = f"{self.says}: " if self.says else ""
        return [Broken(self.datasets()[0], self.variable, says=[lead + "; ".join(words)])]


class Periods(Model):
    """Records with a first and a last day."""

    of: str
    start: VariableRef = Field(alias="from")
    to: VariableRef
    where: Expression | None = None


class NoOverlap(Check):
    """No day of a subject lies in a period of both lists; a missing end is the start."""

    reads: ClassVar[str] = "no_overlap"
    scope: ClassVar[Scope] = "subject"
    no_overlap: Annotated[list[Periods], Field(min_length=2, max_length=2)]

    def datasets(self) -> tuple[str, ...]:
        """See Check."""
        return tuple(p.of for p in self.no_overlap)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """See Check."""
        yield from ((p.of, p.where) for p in self.no_overlap if p.where is not None)

    def variables(self) -> Iterator[tuple[str, str]]:
        """See Check."""
        yield from ((p.of, r.name) for p in self.no_overlap for r in (p.start, p.to))

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check; the records of the first list are named."""
        one, other = (self._days(view_of(shelf, p.of, lets).where(p.where), p) for p in self.no_overlap)
        view, shared = (
            one[0],
            pd.MultiIndex.from_frame(one[1][["who", "day"]]).isin(pd.MultiIndex.from_frame(other[1][["who", "day"]])),
        )
        hits = one[1][shared].drop_duplicates("row").sort_values("row")
        if not len(hits):
            return []
        days = [show(d, "DATE9.") for d in hits["day"]]
        says = self.says or f"a day that a record of {other[0].name} holds too"
        rows = view.rows[hits["row"].to_numpy()]
        return [Broken(view.name, self.variable or self.no_overlap[0].start.name, rows, [f"{says}: {d}" for d in days])]

    @staticmethod
    def _days(view: View, periods: Periods) -> tuple[View, pd.DataFrame]:
        start, end = spans(view.own(periods.start.name)).first, spans(view.own(periods.to.name)).last
        end = np.where(np.isnan(end), start, end)
        size = np.where(np.isnan(start) | (end < start), 0, end - start + 1).astype(np.int64)
        rows = np.repeat(np.arange(view.n), size)
        days = np.repeat(np.nan_to_num(start), size) + (np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size))
        who = view.own("USUBJID").to_numpy(dtype=object)[rows]
        return view, pd.DataFrame({"row": rows, "who": who, "day": days})


def view_of(shelf: Shelf, name: str, lets: dict[str, Value]) -> View:
    """The records of a dataset with the values that the rule names."""
    return View(shelf, name, {key: value.give for key, value in lets.items()})


def placeholders(says: str) -> dict[str, Expression]:
    """Expressions in the braces of a message; ValueError when one is none."""
    return {text: Expression.parse(text) for text in _PLACEHOLDER.findall(says)}


def said(says: str, view: View) -> list[str]:
    """The message for each record, its braces filled with the record's values; `nothing` where missing."""
    columns: dict[str, list[str]] = {}
    for text, expression in placeholders(says).items():
        formats = {v.name: v.format for v in view.shelf.info(view.name).variables}
        ref = expression.refs[0] if expression.refs and str(expression.refs[0]) == text.strip() else None
        style = formats.get(ref.name, "") if ref is not None and ref.source in (None, view.name) else ""
        if ref is not None and ref.source not in (None, view.name, "study") and not ref.source.startswith("SUPP"):
            style = next((v.format for v in view.shelf.info(ref.source).variables if v.name == ref.name), "")
        if text.strip().startswith(("date(", "first_day(", "last_day(")):
            style = "DATE9."
        columns[text] = [show(v, style) or "nothing" for v in view.evaluate(expression)]
    parts = _PLACEHOLDER.split(says)
    return ["".join(columns[p][i] if at % 2 else p for at, p in enumerate(parts)) for i in range(view.n)]


__all__ = ["Bools", "Broken", "Check", "Scope", "placeholders", "said", "usual_pairs"]
