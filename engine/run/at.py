"""What a verb sees: the records it derives for, and every value it may ask for by reference.

A reference is resolved in this order; the first that applies wins:
1. `NAME` or `OWN.NAME`: a variable of the same records;
2. `study.NAME`: a setting of the study;
3. a column that a record verb made (`interval.START`);
4. a table that the records were made from: the value of the very record behind each;
5. any other table: the one record of the same subject (of raw forms, that of the primary participation).

Raw text is given in ASCII spelling (see edc); `raw` gives it as received. Positions stay known throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from engine.errors import DataError, Problem
from engine.numbers import number_texts, to_numbers
from engine.run.tables import Bools, Positions, Records, Table, take, take_values
from engine.spec.operations import NotNumbersError
from engine.spec.refs import VariableRef

if TYPE_CHECKING:
    from engine.run.issues import Severity
    from engine.run.run import Run
    from engine.spec.expressions import Expression

T = TypeVar("T")


class At:
    """n records of a table, in a fixed order, and all that can be said of them."""

    def __init__(
        self,
        run: Run,
        table: Table,
        rows: Positions | None = None,
        *,
        variable: str = "",
        early: bool = False,
        records: Records | None = None,
        watch: Callable[[VariableRef], None] | None = None,
        picked: Callable[[str, Positions, bool], None] | None = None,
    ) -> None:
        """Look at the records of `table` at positions `rows` (None: all); `early`: before the cut.

        `watch` is told what is asked for; `picked` which records of which table a look-up reaches, and, marked true,
        which of these it then chooses.
        """
        self.run = run
        self.table = table
        self.variable = variable
        self.early = early
        whole = (
            records
            if records is not None
            else (table.all_records if early and table.all_records is not None else table.records)
        )
        self.rows = rows
        self.records = whole if rows is None else whole.take(rows)
        self.watch, self.picked = watch, picked
        self.read: dict[VariableRef, None] = {}  # what was asked for, to find the raw line behind a subject's value

    # -- who and how many

    @property
    def n(self) -> int:
        """Number of records."""
        return self.records.n

    @property
    def dataset(self) -> str:
        """Name of the dataset being built."""
        return self.table.name

    @property
    def subject(self) -> Positions:
        """Code of each record's person, in the order of USUBJID; -1 for none."""
        return self.records.subject

    @property
    def usubjid(self) -> pd.Series:
        """USUBJID of each record."""
        return take_values(self.run.people.columns["USUBJID"], self.subject)

    def only(self, rows: Bools | Positions) -> At:
        """The same view of some of the records: a mask, or positions in this view."""
        inner: Positions = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        outer = inner if self.rows is None else self.rows[inner]
        seen = At.__new__(At)
        seen.run, seen.table, seen.variable, seen.early = self.run, self.table, self.variable, self.early
        seen.rows, seen.records, seen.watch = outer, self.records.take(inner), self.watch
        seen.read, seen.picked = self.read, self.picked
        return seen

    def far(self, name: str) -> At:
        """All records of another table, for verbs that pick among a subject's records."""
        return At(self.run, self.run.table(name), variable=self.variable, watch=self.watch, picked=self.picked)

    def file_of(self, name: str) -> str:
        """A table as people know it: its file in the export or in the study's folder, else its name."""
        if name not in self.run.tables and name in self.study.tables:
            return f"tables/{name}.csv"
        raw = getattr(self.study, "raw", None)
        vendor = raw.vendors.get(name) if raw is not None else None
        return name if vendor is None else str(vendor.files)

    # -- values

    def values(self, ref: VariableRef) -> pd.Series:
        """Text or float64 for each record, missing as NaN, index 0..n-1.

        Raises:
            DataError: the reference needs one record per subject and a subject has several.
        """
        if self.watch is not None:
            self.watch(ref)
        self.read[ref] = None
        return self._values(ref, self.run.column)

    def raw(self, ref: VariableRef) -> pd.Series:
        """As `values`, but raw text exactly as it was received."""
        return self._values(ref, lambda table, name: self.run.column(table, name, as_received=True))

    def _values(self, ref: VariableRef, column: Callable[[Table, str], pd.Series]) -> pd.Series:
        table, positions = self.find(ref)
        if table is None:
            if ref.source == "study":
                return self.constant(self.run.study.setting(ref.name))
            return self.records.made[f"{ref.source}.{ref.name}"]
        if table is self.table and self.early:
            return self._taken(table.early[ref.name])
        values = column(table, ref.name)
        return self._taken(values) if positions is None else take_values(values, positions)

    def _taken(self, values: pd.Series) -> pd.Series:
        return values if self.rows is None else take_values(values, self.rows)

    def find(self, ref: VariableRef) -> tuple[Table | None, Positions | None]:
        """The table that holds a reference's values, and each record's position there.

        (None, None) for settings and made columns; (own table, None) for own variables.
        """
        if ref.source is None or ref.source == self.table.name:
            return self.table, None
        if ref.source == "study" or f"{ref.source}.{ref.name}" in self.records.made:
            return None, None
        table = self.run.table(ref.source)
        if ref.source in self.records.sources:
            return table, self.records.sources[ref.source]
        return table, take(self.run.one_per_subject(table), self.subject)

    def constant(self, value: str | float | None) -> pd.Series:
        """One value for all records."""
        if isinstance(value, (int, float)):
            return pd.Series(np.full(self.n, float(value)))
        if value is None:
            return pd.Series(pd.array([None], dtype="str").take(np.zeros(self.n, dtype=int)))
        return pd.Series(pd.array([value], dtype="str").take(np.zeros(self.n, dtype=int)))

    def text(self, ref: VariableRef) -> pd.Series:
        """As `values`, numbers as their shortest decimal text."""
        values = self.values(ref)
        return number_texts(values) if values.dtype == np.float64 else values

    def number(self, ref: VariableRef) -> pd.Series:
        """As `values`, text read as numbers; text that is none is a blocking issue and missing."""
        values = self.values(ref)
        numbers, bad = to_numbers(values)
        if bad.any():
            self.report(bad, f"{ref} is not a number", found=values, severity="blocking", reads=[ref])
        return numbers

    def dtc(self, date: VariableRef, time: VariableRef | None = None) -> pd.Series:
        """ISO 8601 text of a date and its time; a raw date is read by its declared format.

        An impossible date or time is a blocking issue and missing.
        """
        values = self.values(date)
        times = self.values(time) if time is not None else None
        table, _ = self.find(date)
        if table is None or not table.raw:
            if times is None:
                return values
            joined = values + "T" + times
            return values.where(times.isna() | (values.str.len() != 10), joined)
        dates, bad = self._raw_dates(table, date, values, time, times)
        if bad.any():
            shown = values if times is None else values + times.radd(" ").fillna("")
            reads = [date] if time is None else [date, time]
            self.report(bad, f"{date} is no possible date", found=shown, severity="blocking", reads=reads)
        return dates

    def _raw_dates(
        self, table: Table, date: VariableRef, values: pd.Series, time: VariableRef | None, times: pd.Series | None
    ) -> tuple[pd.Series, Bools]:
        name = time.name if time is not None else None
        if time is not None and self.find(time)[0] is not table:
            return self.run.to_iso(table.name, date.name, values, times, name)
        dates, bad = self.run.dates(table, date.name, name)  # read once for all who ask
        positions = self.find(date)[1]
        if positions is None:
            return self._taken(dates), bad if self.rows is None else bad[self.rows]
        return take_values(dates, positions), np.append(bad, False)[positions]

    # -- conditions

    def test(self, condition: Expression | None) -> Bools:
        """True where the condition is known to be true; None is true everywhere."""
        if condition is None:
            return np.ones(self.n, dtype=bool)
        truth = self._worked_out(condition, condition.test)
        self.run.count_unknown(self.dataset, self.variable, condition.text, int(truth.unknown.sum()))
        return truth.true

    def evaluate(self, expression: Expression) -> pd.Series:
        """The value of a formula; a condition gives 'Y' where true, missing elsewhere."""
        value = self._worked_out(expression, expression.evaluate)
        if isinstance(value, pd.Series):
            return value
        return self.constant("Y").where(pd.Series(value.true))

    def _worked_out(self, expression: Expression, work: Callable[[Callable[[VariableRef], pd.Series], int], T]) -> T:
        """What an expression gives; text where a number is needed is a blocking issue and counts as missing."""
        good = np.ones(self.n, dtype=bool)
        while True:
            try:
                return work(partial(self._where, good), self.n)
            except NotNumbersError as error:
                self.report(error.bad, f"is not a number in {expression.text}", found=error.values, severity="blocking")
                good &= ~error.bad
            except ValueError as error:
                raise DataError(Problem(f"{self.dataset}.{self.variable}: {error}", found=expression.text)) from None

    def _where(self, good: Bools, ref: VariableRef) -> pd.Series:
        values = self.values(ref)
        return values if good.all() else values.where(pd.Series(good))

    # -- saying what is wrong

    def report(
        self,
        mask: Bools,
        message: str,
        *,
        found: pd.Series | None = None,
        severity: Severity = "warning",
        variable: str = "",
        reads: Iterable[VariableRef] = (),
        ask: str = "",
        ask_else: str = "",
    ) -> None:
        """List an issue for each record of the mask.

        Args:
            mask: of the records. message: what is wrong, without counts and line numbers: the issue's id is made of it.
            found: the value at fault, added to the message. severity: as it says.
            variable: the variable at fault; the one being derived when not given.
            reads: what holds the value at fault, where it is not all that the variable's line reads.
            ask: what to ask the site, as a check of the spec says. ask_else: as the verb says, where the variable's
                line has no `ask` of its own; a general sentence is made when none of these is given.
        """
        inner = np.flatnonzero(np.asarray(mask, dtype=bool))
        if len(inner):
            shown = None if found is None else take_values(found, inner)
            seen, about = self.only(inner), variable or self.variable
            self.run.report(seen, message, shown, severity, about, reads=reads, ask=ask, ask_else=ask_else)

    # -- study-wide things

    @property
    def study(self) -> Any:
        """The study as it was read (see engine.spec.study)."""
        return self.run.study
