"""Checks of what a package holds: which datasets, which variables, how they are described, and to what they refer.

    variables   a dataset that has some variables has others too, or must not have them
    datasets    a package has a dataset, or must not
    shared      a variable that links datasets stands in more than one of them
    described   a variable is of a type, a format, or has a label of a stated form
    related     records that name others (SUPP--, RELREC, CO) name what is there

Sources: SDTMIG 3.4 sections 2, 4.1 and 8; ADaMIG 1.3 section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from engine.numbers import number_texts
from engine.spec.expressions import Expression
from validators.checks import Broken, Check, Scope
from validators.lets import Names, Value
from validators.patterns import belongs, over
from validators.shelf import SEPARATOR, Bools, Shelf
from validators.values import present_in

REFERENCE = ("RDOMAIN", "IDVAR", "IDVARVAL")


class Holding(Check):
    """What checks of a whole package have; `among` are the datasets that they go through, filled in when read."""

    scope: ClassVar[Scope] = "study"
    among: Names = []

    def datasets(self) -> tuple[str, ...]:
        """See Check."""
        return tuple(self.among)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """See Check."""
        yield from ()

    def there(self, shelf: Shelf) -> list[str]:
        """Those of them that hold a record."""
        return [n for n in self.among if len(shelf.frames.get(n, ()))]


class Variables(Holding):
    """A dataset that has all of `having` and none of `lacks` has each of `needs`, some of `one_of`, none of `bars`.

    It has what is `having` when some record has a value: an expected variable that was not collected asks for nothing.
    With `over`, once for each of its variables that fits; with `beside`, where these datasets are there. With
    `of_model: true`, every variable is one that SDTMIG or the model has for the dataset.
    """

    reads: ClassVar[str] = "variables"
    variables_: Names = Field(alias="variables")
    but: Names = Field([], alias="except")  # with the next two, which datasets are gone through
    classes: Names = []
    structures: Names = []
    beside: Names = []
    over: Names = []
    having: Names = []
    lacks: Names = []
    needs: Names = []
    one_of: Names = []
    bars: Names = []
    of_model: Literal["true", "false"] = "false"

    @model_validator(mode="after")
    def _something(self) -> Variables:
        if not (self.needs or self.one_of or self.bars or self.of_model == "true"):
            raise ValueError("say needs, one_of, bars or of_model")
        return self

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check."""
        if not all(len(shelf.frames.get(n, ())) for n in self.beside):
            return []
        found = []
        for name in self.there(shelf):
            frame = shelf.frames[name]
            columns = [str(c) for c in frame.columns]
            found += self._of(name, frame, frozenset(columns))
            known = shelf.catalogue.sdtm
            if self.of_model == "true" and name in known.datasets:
                strange = [c for c in columns if known.variable(name, c) is None]
                found += [Broken(name, c, says=[self.says or f"{c} is no variable of the model"]) for c in strange]
        return found

    def _of(self, name: str, frame: pd.DataFrame, held: frozenset[str]) -> Iterator[Broken]:
        """What one dataset, of which the variables are `held`, has too much or too little."""
        body = {k: getattr(self, k) for k in ("having", "lacks", "needs", "one_of", "bars")}
        body["having"] = [*body["having"], *self.over]
        for one in over(body, self.over, held):
            having, lacks, needs, one_of, bars = ([v.replace("--", name) for v in group] for group in one.values())
            if not held.issuperset(having) or held & set(lacks) or not all(frame[v].notna().any() for v in having):
                continue
            near = f" beside {', '.join(having)}" if having else ""
            yield from (Broken(name, v, says=[self.says or f"{v} is not there{near}"]) for v in needs if v not in held)
            yield from (Broken(name, v, says=[self.says or f"{v} is there{near}"]) for v in bars if v in held)
            if one_of and not held & set(one_of):
                yield Broken(name, one_of[0], says=[self.says or f"none of {', '.join(one_of)} is there{near}"])


class Datasets(Holding):
    """The package has each of `datasets` (`there: false`: none of them).

    Asked only where it has all of `having`, a dataset of the `classes`, and one that holds all variables of `holding`.
    """

    reads: ClassVar[str] = "datasets"
    datasets_: Names = Field(alias="datasets")
    there_: Literal["true", "false"] = Field("true", alias="there")
    having: Names = []
    holding: Names = []
    classes: Names = []

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check."""
        here = self.there(shelf)
        if not set(self.having) <= set(here):
            return []
        if self.classes and not any(belongs(shelf.catalogue.datasets[n], list(self.classes), []) for n in here):
            return []
        if self.holding and not any(
            {v.replace("--", n) for v in self.holding} <= set(shelf.frames[n].columns) for n in here
        ):
            return []
        wrong = [n for n in self.datasets_ if (n in here) is (self.there_ == "false")]
        words = "is there" if self.there_ == "false" else "is not there, or has no record"
        return [Broken(n, self.variable, says=[self.says or f"{n} {words}"]) for n in wrong]


class Shared(Holding):
    """A variable whose values link records of several datasets, such as --LNKID, stands in more than one dataset."""

    reads: ClassVar[str] = "shared"
    shared: str

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check."""
        held = [(n, self.shared.replace("--", n)) for n in self.there(shelf)]
        held = [(n, v) for n, v in held if v in shelf.frames[n].columns and shelf.frames[n][v].notna().any()]
        return [Broken(n, v, says=[self.says or "no other dataset has its like"]) for n, v in held if len(held) == 1]


class Described(Check):
    """A variable of a dataset is of a type, has a format that starts so, or a label that holds a text."""

    reads: ClassVar[str] = "described"
    scope: ClassVar[Scope] = "study"
    described: str
    named: str
    type: Literal["", "Char", "Num"] = ""
    format: str = ""
    label: str = ""

    def datasets(self) -> tuple[str, ...]:
        """See Check."""
        return (self.described,)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """See Check."""
        yield from ()

    def variables(self) -> Iterator[tuple[str, str]]:
        """See Check."""
        yield self.described, self.named

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check; the type is that of the values themselves."""
        if self.named not in shelf.frame(self.described).columns:
            return []
        info = shelf.info(self.described).variable(self.named)
        kind = "Num" if shelf.column(self.described, self.named).dtype == np.float64 else "Char"
        shown = info.format or "none"
        told = [
            (self.type, kind == self.type, f"the values are {kind}, not {self.type}"),
            (self.format, info.format.startswith(self.format), f"the format is {shown}, not {self.format}"),
            (self.label, self.label in info.label, f'the label "{info.label}" does not say {self.label}'),
        ]
        return [Broken(self.described, self.named, says=[says]) for wanted, holds, says in told if wanted and not holds]


class Related(Check):
    """Records that name others by RDOMAIN, IDVAR and IDVARVAL name a dataset, a variable or a record that is there."""

    reads: ClassVar[str] = "related"
    scope: ClassVar[Scope] = "study"
    related: str
    to: Literal["dataset", "variable", "record"]

    def datasets(self) -> tuple[str, ...]:
        """See Check."""
        return (self.related,)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """See Check."""
        yield from ()

    def variables(self) -> Iterator[tuple[str, str]]:
        """See Check."""
        yield from ((self.related, name) for name in REFERENCE)

    def run(self, shelf: Shelf, lets: dict[str, Value]) -> list[Broken]:
        """See Check; a reference to a whole dataset names no record."""
        frame = shelf.frame(self.related)
        if not len(frame):
            return []
        domain, idvar, value = (frame[name].astype("str") for name in REFERENCE)
        bad = np.zeros(len(frame), dtype=bool)
        for one in domain.dropna().unique():
            rows = (domain == one).to_numpy(dtype=bool, na_value=False)
            there = shelf.frames.get(one)
            if self.to == "dataset":
                bad |= rows if there is None or not len(there) else False
            elif there is not None:
                bad |= _unknown(frame, rows, there, idvar, value if self.to == "record" else None)
        at = np.flatnonzero(bad)
        words = zip(*(s.iloc[at].fillna("nothing") for s in (domain, idvar, value)), strict=True)
        says = [self.says or f"{d}, {i}, {v}" for d, i, v in words]
        name = {"dataset": "RDOMAIN", "variable": "IDVAR", "record": "IDVARVAL"}[self.to]
        return [Broken(self.related, name, at, says)] if len(at) else []


def _unknown(frame: pd.DataFrame, rows: Bools, there: pd.DataFrame, idvar: pd.Series, value: pd.Series | None) -> Bools:
    """References to one dataset whose variable it lacks, or with `value` whose record; others are false."""
    bad = np.zeros(len(frame), dtype=bool)
    for name in idvar[rows].dropna().unique():
        some = rows & (idvar == name).to_numpy(dtype=bool, na_value=False)
        if value is None:
            bad |= some if name not in there.columns else False
        elif name in there.columns:
            some &= value.notna().to_numpy(dtype=bool)
            values = there[name]
            texts = number_texts(values) if values.dtype == np.float64 else values
            theirs, mine = texts.reset_index(drop=True), value
            if "USUBJID" in there.columns and "USUBJID" in frame.columns:
                theirs = there["USUBJID"].reset_index(drop=True) + SEPARATOR + theirs
                mine = frame["USUBJID"].astype("str") + SEPARATOR + value
            bad |= some & ~present_in(mine, theirs)
    return bad
