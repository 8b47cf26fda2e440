"""Values of single records: copied, set, computed, chosen by cases, mapped, looked up, numbered.

Every verb here works on the record at hand; those that pick among a subject's other records are in picks.py.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from engine.errors import DataError, Problem
from engine.numbers import number_texts, round_digits, round_half_up
from engine.run.at import At
from engine.run.tables import take_values
from engine.spec.binding import LISTED, Model
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, Scope, verb

Refs = Annotated[list[VariableRef], LISTED]
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@verb("copy", reads="of", scope="record", says="Copied from {of}", example="AESPID: {copy: ae.AENO}")
class Copy(Params):
    """The value as it stands, in ASCII spelling."""

    value_is = "copied"
    of: VariableRef

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        return at.values(self.of)


@verb(
    "set",
    reads="value",
    scope="record",
    says="Set to {value}",
    example="AEENRTPT: {set: ONGOING, where: ...}",
)
class Set(Params):
    """One value for all records, or for those that satisfy `where`."""

    value_is = "stated"
    value: str

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        return (self.value,)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        return at.constant(self.value)


@verb(
    "not_collected",
    reads="reason",
    scope="study",
    says="Null: {reason}",
    example="AESCAN: {not_collected: the form does not ask}",
)
class NotCollected(Params):
    """A variable that the standard expects and the study has not; null for all records."""

    value_is = "absent"
    reason: str = Field(min_length=3)

    def own_scope(self, scope: Scope) -> Scope:
        """See Params."""
        return "record"

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        return at.constant(None)


@verb(
    "compute",
    reads="formula",
    scope="record",
    says="Computed as {formula}[, rounded to {round} decimals][, rounded to {digits} significant digits]",
    example='BMIBL: {compute: "...", round: 1}',
)
class Compute(Params):
    """The value of a formula, rounded half away from zero once, at the end: to `round` decimals or `digits` digits."""

    formula: Expression
    round: int | None = Field(None, ge=0, le=12)
    digits: int | None = Field(None, ge=1, le=15)

    @model_validator(mode="after")
    def _one_rounding(self) -> Compute:
        if self.round is not None and self.digits is not None:
            raise ValueError("a value is rounded to decimals (round) or to significant digits (digits), not to both")
        return self

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        values = at.evaluate(self.formula)
        if self.digits is not None:
            return round_digits(values, self.digits)
        return values if self.round is None else round_half_up(values, self.round)


@verb(
    "flag",
    reads="condition",
    scope="record",
    says="Y where {condition}",
    example="SAFFL: {flag: ..., else: N}",
)
class Flag(Params):
    """Y where the condition is true; elsewhere `else`, or null."""

    condition: Expression
    otherwise: str = Field("", alias="else")

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        return ("Y", *([self.otherwise] if self.otherwise else []))

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        true = pd.Series(at.test(self.condition))
        return at.constant("Y").where(true, at.constant(self.otherwise or None))


def as_given(text: str) -> str:
    """A value of a spec in a reviewer's sentence: text in quotes, so that it is not taken for a variable's name."""
    return text if _NUMBER.fullmatch(text) else f"'{text}'"


class Case(Model):
    """One case: its condition, and the value given or copied."""

    when: Expression
    give: str | None = None
    copy_of: VariableRef | None = Field(None, alias="copy")
    compute: Expression | None = None

    @model_validator(mode="after")
    def _one_value(self) -> Case:
        if sum(v is not None for v in (self.give, self.copy_of, self.compute)) > 1:
            raise ValueError("a case gives one of give, copy and compute (none of them: null)")
        return self

    def value(self, at: At) -> pd.Series:
        """What the case gives, for each record of `at`."""
        if self.copy_of is not None:
            return at.values(self.copy_of)
        if self.compute is not None:
            return at.evaluate(self.compute)
        return at.constant(self.give)

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        given = as_given(self.give) if self.give is not None else str(self.copy_of or self.compute or "null")
        return f"{given} if present" if self.when.text == f"{given} is present" else f"{given} if {self.when}"


@verb(
    "cases",
    reads="cases",
    scope="record",
    says="The first that applies: {cases}[; else {otherwise}]",
    example="ARMNRS: {cases: [{when: ..., give: SCREEN FAILURE}], else: error}",
)
class Cases(Params):
    """The first case whose condition is true decides; `else: error` says that the cases leave nobody out."""

    cases: list[Case] = Field(min_length=1)
    otherwise: str = Field("", alias="else")

    def own_sentence(self) -> str | None:
        """See Params."""
        last = {"": "", "error": "; no other case occurs"}.get(self.otherwise, f"; else {as_given(self.otherwise)}")
        return f"The first that applies: {', '.join(str(case) for case in self.cases)}{last}"

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        last = [self.otherwise] if self.otherwise not in ("", "error") else []
        return (*(c.give for c in self.cases if c.give is not None), *last)

    def chosen(self, at: At) -> tuple[VariableRef, ...] | None:
        """See Params."""
        case = next((c for c in self.cases if at.test(c.when)[0]), None)
        if case is None:
            return None
        if case.copy_of is not None:
            return (case.copy_of,)
        return tuple(case.compute.refs if case.compute is not None else case.when.refs)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        open_ = np.ones(at.n, dtype=bool)
        pieces: list[tuple[np.ndarray, pd.Series]] = []
        for case in self.cases:
            hit = open_ & at.test(case.when)
            rows = np.flatnonzero(hit)
            if len(rows):
                pieces.append((rows, case.value(at.only(rows))))
            open_ &= ~hit
        if self.otherwise == "error":
            at.report(open_, "no case applies to this record", severity="blocking")
        elif self.otherwise:
            rows = np.flatnonzero(open_)
            pieces.append((rows, at.only(rows).constant(self.otherwise)))
        return together(pieces, at)


def together(pieces: list[tuple[np.ndarray, pd.Series]], at: At) -> pd.Series:
    """Values of several groups of records as one column; text when any of them is text."""
    where = np.full(at.n, -1, dtype=np.int64)
    if not pieces:
        return at.constant(None)
    text = any(values.dtype != np.float64 for _, values in pieces)
    if text:
        pieces = [(r, number_texts(v) if v.dtype == np.float64 else v) for r, v in pieces]
    start = 0
    for rows, values in pieces:
        where[rows] = np.arange(start, start + len(values))
        start += len(values)
    return take_values(pd.concat([v for _, v in pieces], ignore_index=True), where)


@verb("first_of", reads="of", scope="record", says="The first present of {of}", example="X: {first_of: [A, B]}")
class FirstOf(Params):
    """The first reference that is present, in the order given."""

    value_is = "read"
    of: Refs

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        values = at.values(self.of[0])
        for ref in self.of[1:]:
            more = at.values(ref)
            if more.dtype != values.dtype:
                values, more = (number_texts(v) if v.dtype == np.float64 else v for v in (values, more))
            values = values.where(values.notna(), more)
        return values

    def chosen(self, at: At) -> tuple[VariableRef, ...] | None:
        """See Params."""
        present = next((ref for ref in self.of if at.values(ref).notna().iloc[0]), None)
        return None if present is None else (present,)


@verb(
    "join_text",
    reads="of",
    scope="record",
    says='The texts {of} joined[, "{separator}" between them][, "{before}" before them][, "{after}" after them]',
    example='X: {join_text: [A, B], with: "; "}',
)
class JoinText(Params):
    """Present texts joined; `all: true` gives null unless all are present."""

    value_is = "read"
    of: Refs
    separator: str = Field("", alias="with")
    before: str = ""
    after: str = ""
    all: Literal["true", "false"] = "false"

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        result = at.constant(None)
        absent = np.zeros(at.n, dtype=bool)
        for ref in self.of:
            text = at.text(ref)
            missing = text.isna().to_numpy(dtype=bool)
            absent |= missing
            joined = (result + self.separator + text).where(result.notna(), text)
            result = result.where(pd.Series(missing), joined)
        if self.all == "true":
            result = result.where(pd.Series(~absent))
        return self.before + result + self.after


@verb("map", reads="of", scope="record", says="{of} recoded: {to}", example="X: {map: dose.DREAS, to: {AE: ...}}")
class Map(Params):
    """Each value of a stated list by its partner; what is not listed is treated as `unmapped` says."""

    value_is = "read"
    of: VariableRef
    to: dict[str, str | None]
    unmapped: Literal["blocking", "query", "keep", "missing"] = "blocking"

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        return tuple(v for v in self.to.values() if v is not None)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        values = at.text(self.of)
        known = values.isin(list(self.to)) | values.isna()
        mapped = values.map({k: v for k, v in self.to.items() if v is not None}).astype("str")
        if self.unmapped == "keep":
            return mapped.where(known, values)
        if self.unmapped != "missing":
            at.report(
                ~known.to_numpy(dtype=bool),
                f"{self.of} is not in the list of the map",
                found=values,
                severity="blocking" if self.unmapped == "blocking" else "warning",
            )
        return mapped


@verb(
    "look_up",
    reads="of",
    scope="record",
    says="{give} of the row of table {table} whose {match} is the value of {of}",
    example="AEDECOD: {look_up: AETERM, in: meddra, match: VERBATIM, give: PT, missing: query}",
)
class LookUp(Params):
    """A column of a table (raw source or tables/NAME.csv) found by one or more of its columns.

    The match is exact; two rows that match with different values are an error. A present value that is not
    in the table is reported as `unmatched` says.
    """

    value_is = "looked_up"
    of: Refs
    table: str = Field(alias="in")
    match: Annotated[list[str], LISTED]
    give: str
    unmatched: Literal["blocking", "query", "allowed"] = "query"

    def tables(self) -> tuple[str, ...]:
        """See Params."""
        return (self.table,)

    def columns_read(self) -> dict[str, tuple[str, ...]]:
        """See Params."""
        return {self.table: (*self.match, self.give)}

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        wanted = [at.text(ref) for ref in self.of]
        columns, given = self._columns(at)
        keys = pd.DataFrame(dict(enumerate(columns)), dtype="str")
        keys["given"] = given.astype("str")
        keys = keys.drop_duplicates()
        double = keys.duplicated(list(range(len(columns))))
        if double.any():
            shown = ", ".join(str(v) for v in keys[double].iloc[0].iloc[: len(columns)])
            raise DataError(
                Problem(
                    f"{self.table} gives several values of {self.give} for the same {self.match}",
                    found=shown,
                    do="add the column that tells them apart to match",
                )
            )
        left = pd.DataFrame(dict(enumerate(wanted)))
        found = left.merge(keys, how="left", on=list(range(len(columns))), indicator=True, sort=False)
        present = left.notna().all(axis=1).to_numpy()
        lost = present & (found["_merge"] == "left_only").to_numpy()
        if self.unmatched != "allowed" and lost.any():
            file = at.file_of(self.table)
            at.report(
                lost,
                f"not found in {file}",
                found=wanted[0],
                severity="blocking" if self.unmatched == "blocking" else "warning",
                ask_else=f"For whoever keeps {file}: please add this value; ask the site only if it is not clear.",
            )
        return found["given"].where(pd.Series(present)).astype("str")

    def _columns(self, at: At) -> tuple[list[pd.Series], pd.Series]:
        if self.table in at.run.tables:
            far = at.far(self.table)
            return (
                [far.text(VariableRef(self.table, m)) for m in self.match],
                far.text(VariableRef(self.table, self.give)),
            )
        frame = at.study.lookup(self.table)
        absent = [c for c in (*self.match, self.give) if c not in frame.columns]
        if absent:
            raise DataError(Problem(f"tables/{self.table}.csv has no column {', '.join(absent)}"))
        return [frame[m] for m in self.match], frame[self.give]


@verb(
    "part",
    reads="say",
    scope="record",
    says="The {say} of the part that gives the record",
    example="PARAMCD: {part: name}",
)
class PartName(Params):
    """The name of the part that the record comes from, as where each part gives the records of one parameter."""

    value_is = "stated"
    say: Literal["name"]

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        names = pd.array([part.name for part in at.study.datasets[at.dataset].parts], dtype="str")
        return pd.Series(names.take(at.records.part), dtype="str")


@verb(
    "sequence",
    reads="by",
    scope="subject",
    says="1 to n within the subject[ and the same {within}] in the order of the {by}",
    source="SDTMIG 3.4 section 4.1.5",
    example="AESEQ: {sequence: keys}",
)
class Sequence(Params):
    """Number of the record within its subject, in the dataset's final order.

    With `within` it is counted anew for each of its values. Records of no subject are counted together.
    """

    needs_order = True
    by: Literal["keys"]
    within: Refs = []

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        order = at.table.order
        assert order is not None
        whole = At(at.run, at.table)
        groups = pd.DataFrame({"who": whole.subject, **{f"v{i}": whole.text(r) for i, r in enumerate(self.within)}})
        numbers = np.empty(at.table.n)
        numbers[order] = groups.iloc[order].groupby(list(groups.columns), dropna=False).cumcount().to_numpy() + 1.0
        return take_values(pd.Series(numbers), at.rows) if at.rows is not None else pd.Series(numbers)
