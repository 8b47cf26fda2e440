"""Grades of results by a table of borders: a published standard (engine/standards/grading.py) or a study's own.

Sources: CTCAE version 5.0; ADaMIG 1.3 section 3.3.4 (ATOXGRL, ATOXGRH).
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import field_validator

from engine.errors import SpecError
from engine.run.at import At
from engine.run.tables import Bools
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb
from engine.standards.grading import COLUMNS, Border, load_grading, read_borders

Floats = NDArray[np.float64]
_PUBLISHED = re.compile(r"[a-z]+-[0-9.]+")  # as the files of engine/standards/data are called
PLACES = 9  # decimals to which a result and a border are compared, so that what is equal on paper is equal here


@verb(
    "grade",
    reads="of",
    scope="record",
    says="The highest grade of {table}, {direction} results, whose border {of} passes[, with the limits {lower} and "
    "{upper}][, the baseline {base}][, which is abnormal where {abnormal}]; 0 where it passes none; null where the "
    "table has no border for the test or a limit is missing that may decide",
    source="CTCAE version 5.0",
    example="ATOXGRHN: {grade: AVAL, table: ctcae-5.0, direction: high, test: PARAMCD, unit: AVALU, lower: ANRLO, "
    'upper: ANRHI, base: BASE, abnormal: "BASE > ANRHI"}',
)
class Grade(Params):
    """The grade of a result in one direction.

    `table` is a published one, or tables/NAME.csv of the study with the columns test, unit, direction, grade, baseline
    and border. The baseline is normal unless `abnormal` is known to hold. Borders that are multiples of a missing
    baseline do not apply. Where a limit of the range is missing the grade is given only if the limit cannot change
    it. A result in another unit than the table's has no grade and is listed.
    """

    of: VariableRef
    table: str
    direction: Literal["low", "high"]
    test: VariableRef
    unit: VariableRef | None = None
    lower: VariableRef | None = None
    upper: VariableRef | None = None
    base: VariableRef | None = None
    abnormal: Expression | None = None

    @field_validator("table")
    @classmethod
    def _published(cls, name: str) -> str:
        if _PUBLISHED.fullmatch(name):
            try:
                load_grading(name)
            except SpecError as error:
                raise ValueError(str(error)) from None
        return name

    def columns_read(self) -> dict[str, tuple[str, ...]]:
        """See Params."""
        return {self.table: COLUMNS}

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        borders = [b for b in self._borders(at) if b.direction == self.direction]
        values = np.round(at.number(self.of).to_numpy(), PLACES)
        tests = at.text(self.test).to_numpy(dtype=object, na_value="")
        refs = {"LLN": self.lower, "ULN": self.upper, "BASE": self.base}
        terms = {name: at.number(ref).to_numpy() for name, ref in refs.items() if ref is not None}
        unknown = np.full(at.n, np.nan)
        abnormal = at.test(self.abnormal) if self.abnormal is not None else np.zeros(at.n, dtype=bool)
        graded = ~np.isnan(values) & np.isin(tests, [b.test for b in borders])
        graded &= ~self._other_unit(at, borders, tests, graded)
        best, open_ = np.zeros(at.n), np.zeros(at.n)
        for each in borders:
            mine = graded & (tests == each.test)
            if each.baseline:
                mine &= abnormal == (each.baseline == "abnormal")
            limit = np.full(at.n, each.factor)
            if each.term:
                limit = limit * terms.get(each.term, unknown) + each.plus
            if each.term == "BASE":
                mine &= ~np.isnan(limit)
            limit = np.round(limit, PLACES)
            best = np.where(mine & _passes(each.sign, values, limit), np.maximum(best, each.grade), best)
            open_ = np.where(mine & np.isnan(limit), np.maximum(open_, each.grade), open_)
        return pd.Series(np.where(graded & (open_ <= best), best, np.nan))

    def _borders(self, at: At) -> tuple[Border, ...]:
        if self.table in at.study.tables:
            frame = at.study.lookup(self.table)
            rows = frame.astype(object).where(frame.notna(), "").to_dict("records")
            return read_borders(rows, f"tables/{self.table}.csv")
        return load_grading(self.table)

    def _other_unit(self, at: At, borders: list[Border], tests: NDArray[np.object_], graded: Bools) -> Bools:
        """Results whose unit is not that of the table; listed."""
        if self.unit is None:
            return np.zeros(at.n, dtype=bool)
        wanted = {b.test: b.unit for b in borders}
        units = at.text(self.unit)
        given = units.to_numpy(dtype=object, na_value="")
        expected = pd.Series(tests).map(wanted).to_numpy(dtype=object, na_value="")
        other: Bools = graded & (given != expected)
        at.report(other, f"not graded: the unit is not that of {self.table}", found=units)
        return other


def _passes(sign: str, values: Floats, limit: Floats) -> Bools:
    """Whether each value is on the far side of its limit; false where either is missing."""
    compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[sign]
    passed: Bools = compare(values, limit)
    return passed
