"""Finished datasets side by side, and what a rule sees from the records of one of them.

A reference is resolved in this order; the first that applies wins:
1. `NAME` or `OWN.NAME`: a value that the rule names under `let`, else a variable of the records;
2. `study.NAME`: a setting of the study;
3. `SUPPxx.NAME`: the supplemental qualifier NAME of the record, where the records are of xx;
4. `DATASET.NAME`: the one record of the same subject there; SUPPxx likewise.

A dataset without any record has no file; it counts as empty when its package is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import DataError, Problem
from engine.numbers import number_texts
from engine.run.tables import take_values
from engine.spec.catalogue import Catalogue, DatasetInfo
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from engine.spec.study import Study
from validators.findings import Named

Rows = NDArray[np.int64]
Bools = NDArray[np.bool_]
SEPARATOR = "\x1f"


@dataclass(slots=True)
class Shelf:
    """The datasets of a study that are there, by name; `packages` are those that were published."""

    catalogue: Catalogue
    frames: dict[str, pd.DataFrame]
    packages: frozenset[str]
    infos: dict[str, DatasetInfo] = field(default_factory=dict)
    _single: dict[str, pd.Series] = field(default_factory=dict)
    _qualifiers: dict[tuple[str, str], pd.Series] = field(default_factory=dict)

    @property
    def study(self) -> Study:
        """The study of the datasets."""
        return self.catalogue.study

    def names(self) -> list[str]:
        """Datasets that the study describes in published packages."""
        return [n for n, i in self.catalogue.datasets.items() if i.package in self.packages]

    def lacks(self, name: str) -> bool:
        """Whether a dataset of the study belongs to a package that was not published."""
        info = self.catalogue.datasets.get(name.removeprefix("SUPP"))
        return info is not None and info.package not in self.packages

    def info(self, name: str) -> DatasetInfo:
        """What a dataset should be; DataError when the study has none of that name."""
        if name in self.infos:
            return self.infos[name]
        domain = name.removeprefix("SUPP")
        if domain not in self.catalogue.datasets:
            raise DataError(Problem(f"the study has no dataset {name}"))
        return self.catalogue.datasets[name] if domain == name else self.catalogue.supplemental(domain)

    def frame(self, name: str) -> pd.DataFrame:
        """The records of a dataset, none when it has no file."""
        if name not in self.frames:
            dtypes = {v.name: "float64" if v.type == "Num" else "str" for v in self.info(name).variables}
            self.frames[name] = pd.DataFrame({n: pd.Series([], dtype=d) for n, d in dtypes.items()})  # type: ignore[call-overload]
        return self.frames[name]

    def named(self, name: str) -> Named | None:
        """Tells records of a dataset; None for what is no dataset."""
        known = name in self.frames or name.removeprefix("SUPP") in self.catalogue.datasets
        return Named(self.info(name), self.frame(name)) if known else None

    def column(self, name: str, variable: str) -> pd.Series:
        """A variable of a dataset; missing throughout when the spec leaves it out because no record has a value."""
        frame = self.frame(name)
        if variable in frame.columns:
            return frame[variable]
        known = next((v for v in self.info(name).variables if v.name == variable), None)
        if known is not None and known.optional:
            return constant(np.nan if known.type == "Num" else None, len(frame))
        raise DataError(Problem(f"{name} has no {variable}"))

    def qualifier(self, domain: str, name: str) -> pd.Series:
        """A supplemental qualifier for every record of its parent dataset."""
        key = (domain, name)
        if key not in self._qualifiers:
            self._qualifiers[key] = self._qualifier(domain, name)
        return self._qualifiers[key]

    def _qualifier(self, domain: str, name: str) -> pd.Series:
        parent = self.frame(domain)
        result = pd.Series([None] * len(parent), dtype="str")
        supplemental = self.frames.get(f"SUPP{domain}")
        if supplemental is None:
            return result
        rows = supplemental[(supplemental["QNAM"] == name).to_numpy(dtype=bool, na_value=False)]
        idvar = rows["IDVAR"].astype("str").fillna("")
        for each in idvar.unique():
            some = rows[idvar == each]
            here, there = parent["USUBJID"], some["USUBJID"]
            if each:
                values = self.column(domain, each)
                here = here + SEPARATOR + (number_texts(values) if values.dtype == np.float64 else values)
                there = there + SEPARATOR + some["IDVARVAL"]
            found = pd.Series(some["QVAL"].to_numpy(dtype=object), index=there)
            found = found[~found.index.duplicated()]
            result = result.where(result.notna(), here.map(found).astype("str"))
        return result

    def one_per_subject(self, name: str, usubjid: pd.Series) -> Rows:
        """Position of each subject's one record in a dataset, -1 where none; DataError when a subject has several."""
        if name not in self._single:
            who = self.frame(name)["USUBJID"]
            if who.duplicated().any():
                raise DataError(
                    Problem(
                        f"{name} was asked for one record per subject and holds several",
                        found=f"first {who[who.duplicated()].iloc[0]}",
                        do="say which under let: count, sum, earliest, latest or value",
                    )
                )
            self._single[name] = pd.Series(np.arange(len(who)), index=who)
        single = self._single[name]
        return single.index.get_indexer(pd.Index(usubjid)).astype(np.int64)


Let = Callable[["View"], pd.Series]


class View:
    """n records of a dataset, and all that a rule can say of them."""

    def __init__(self, shelf: Shelf, name: str, lets: dict[str, Let] | None = None, rows: Rows | None = None) -> None:
        """The records of a dataset at positions `rows` (None: all), with the values that the rule names."""
        self.shelf, self.name, self.lets = shelf, name, lets or {}
        self.frame = shelf.frame(name)
        self.rows: Rows = np.arange(len(self.frame)) if rows is None else rows
        self._whole = rows is None
        self._made: dict[str, pd.Series] = {}

    @property
    def n(self) -> int:
        """Number of records."""
        return len(self.rows)

    def only(self, mask: Bools) -> View:
        """The same view of some of its records."""
        if mask.all():
            return self
        inner = np.flatnonzero(mask)
        seen = View(self.shelf, self.name, self.lets, self.rows[inner])
        seen._made = {name: take_values(values, inner) for name, values in self._made.items()}
        return seen

    def own(self, variable: str) -> pd.Series:
        """A variable of the records themselves."""
        values = self.shelf.column(self.name, variable)
        return values if self._whole else take_values(values, self.rows)

    def values(self, ref: VariableRef) -> pd.Series:
        """Values for each record, text or float64, missing as NaN, index 0..n-1; DataError when there are none."""
        if ref.source in (None, self.name):
            if ref.source is None and ref.name in self.lets:
                if ref.name not in self._made:
                    self._made[ref.name] = self.lets[ref.name](self).reset_index(drop=True)
                return self._made[ref.name]
            return self.own(ref.name)
        if ref.source == "study":
            return constant(self.shelf.study.setting(ref.name), self.n)
        source = str(ref.source)
        domain = source.removeprefix("SUPP")
        if domain == self.name:
            return take_values(self.shelf.qualifier(domain, ref.name), self.rows)
        there = self.shelf.one_per_subject(domain, self.own("USUBJID"))
        column = self.shelf.column(domain, ref.name) if domain == source else self.shelf.qualifier(domain, ref.name)
        return take_values(column, there)

    def test(self, condition: Expression | None) -> Bools:
        """True where the condition is known to be true; None is true everywhere."""
        if condition is None:
            return np.ones(self.n, dtype=bool)
        try:
            return condition.test(self.values, self.n).true
        except ValueError as error:
            raise DataError(Problem(str(error), found=condition.text)) from None

    def where(self, condition: Expression | None) -> View:
        """The records that satisfy a condition."""
        return self if condition is None else self.only(self.test(condition))

    def evaluate(self, expression: Expression) -> pd.Series:
        """The value of a formula for each record; a condition gives Y where true."""
        try:
            value = expression.evaluate(self.values, self.n)
        except ValueError as error:
            raise DataError(Problem(str(error), found=expression.text)) from None
        if isinstance(value, pd.Series):
            return value.reset_index(drop=True)
        return constant("Y", self.n).where(pd.Series(value.true))


def constant(value: str | float | None, n: int) -> pd.Series:
    """One value n times."""
    if isinstance(value, (int, float)):
        return pd.Series(np.full(n, float(value)))
    return pd.Series([value] * n, dtype="str")


def codes_of(frames: Iterable[list[pd.Series]]) -> list[NDArray[np.int64]]:
    """The same number for equal combinations of values in several tables; -1 where a value is missing."""
    tables = list(frames)
    sizes = [len(t[0]) for t in tables]
    total = np.zeros(sum(sizes), dtype=np.int64)
    missing = np.zeros(sum(sizes), dtype=bool)
    for columns in zip(*tables, strict=True):
        texts = [number_texts(c) if c.dtype == np.float64 else c.reset_index(drop=True) for c in columns]
        codes, distinct = pd.factorize(pd.concat(texts, ignore_index=True))
        missing |= codes < 0
        total = pd.factorize(total * (len(distinct) + 1) + codes)[0].astype(np.int64)
    total = np.where(missing, -1, total)
    return list(np.split(total, np.cumsum(sizes)[:-1]))
