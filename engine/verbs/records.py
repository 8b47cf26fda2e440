"""Records of a dataset: one for each record of a source, filtered, joined, crossed, transposed, made distinct.

Every record keeps its position in each source it came from; nothing leaves without being counted.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from engine.errors import DataError, Problem
from engine.numbers import rank
from engine.run.at import At
from engine.spec.binding import LISTED
from engine.spec.expressions import Expression, FarExpression
from engine.spec.refs import VariableRef
from engine.spec.registry import Made, RecordParams, record_verb
from engine.verbs.reach import reach

Refs = Annotated[list[VariableRef], LISTED]


@record_verb(
    "each",
    reads="source",
    says="One record for each record of {source}",
    starts=True,
    example="records: {each: ae}",
)
class Each(RecordParams):
    """One record for each record of a form, vendor file or dataset, or for each line of a table of the study.

    `person` gives one for each person. Records of a table (tables/NAME.csv) are about no subject, as those of trial
    design are; its columns are then referred to as NAME.COLUMN.
    """

    source: str

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return (self.source,)

    def make(self, at: At) -> Made:
        """See RecordParams."""
        table = at.run.table(self.source)
        return Made(
            np.full(table.n, -1, dtype=np.int64),
            subjects=table.records.subject,
            sources={self.source: np.arange(table.n, dtype=np.int64)},
        )


@record_verb("where", reads="condition", says="where {condition}", example="where: \"dose.DTAKEN == 'Y'\"")
class Where(RecordParams):
    """Only records known to satisfy the condition."""

    condition: Expression

    def make(self, at: At) -> Made:
        """See RecordParams."""
        return Made(np.flatnonzero(at.test(self.condition)))


@record_verb(
    "drop_exact_repeats",
    reads="of",
    says="records of {of} that repeat another exactly are dropped[, where {only}]",
    example="drop_exact_repeats: {of: ae, but: [RECNO, ENTRYDTM], keep: ae.RECNO}",
)
class DropExactRepeats(RecordParams):
    """Of records that are equal in every column of a source but those named, the first by `keep` stays.

    With `only`, records that do not satisfy it are never taken for repeats.
    """

    of: str
    but: Annotated[list[str], LISTED]
    keep: Refs
    only: Expression | None = None

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return (self.of,)

    def make(self, at: At) -> Made:
        """See RecordParams."""
        table = at.run.table(self.of)
        group = at.subject + 1
        for name in table.columns:
            if name not in self.but:
                codes, distinct = pd.factorize(at.values(VariableRef(self.of, name)))
                group = pd.factorize(group * (len(distinct) + 1) + codes + 1)[0]
        repeated = np.bincount(group, minlength=1)[group] > 1
        if self.only is not None:
            repeated &= at.test(self.only)
        rows = np.flatnonzero(repeated)
        ranks = [rank(at.only(rows).values(r)) for r in self.keep]
        order = rows[np.lexsort([*ranks[::-1], group[rows]])]
        dropped = order[1:][group[order][1:] == group[order][:-1]]
        kept = np.ones(at.n, dtype=bool)
        kept[dropped] = False
        return Made(np.flatnonzero(kept))


@record_verb(
    "join",
    reads=None,
    says="with the record of {source}[ that has the same {match}]",
    example="join: {source: labc, match: {ACCNO: lis.ACCNO}}",
)
class Join(RecordParams):
    """Align the one record of a further source, of the same subject, whose columns equal the stated values.

    `required: true` drops records that find none. Several that match are an error, unless `several` says that the
    first or the last of them by `order` counts, or that `all` of them do: one record then comes of each.
    """

    source: str
    match: dict[str, VariableRef] = {}
    same_subject: Literal["true", "false"] = "true"
    required: Literal["true", "false"] = "false"
    several: Literal["error", "first", "last", "all"] = "error"
    order: Refs = []

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return (self.source,)

    def more_references(self) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        return tuple(VariableRef(self.source, c) for c in self.match)

    def make(self, at: At) -> Made:
        """See RecordParams."""
        far = at.far(self.source)
        right = {c: far.text(VariableRef(self.source, c)) for c in self.match}
        left = {c: at.text(r) for c, r in self.match.items()}
        if self.same_subject == "true":
            right["\0who"], left["\0who"] = pd.Series(far.subject), pd.Series(at.subject)
        elif not self.match:  # every record meets every other
            right["\0who"], left["\0who"] = (pd.Series(np.zeros(n, dtype=np.int64)) for n in (far.n, at.n))
        keys = list(right)
        frame = pd.DataFrame(right).dropna()
        if self.order:
            ranks = {f"\1{i}": rank(far.values(r)) for i, r in enumerate(self.order)}
            frame = frame.join(pd.DataFrame(ranks)).sort_values(list(ranks), kind="stable")
        if self.several == "error" and frame.duplicated(keys).any():
            first = frame[frame.duplicated(keys)].iloc[0]
            raise DataError(
                Problem(
                    f"{self.source} holds several records for one match",
                    found=", ".join(f"{c} {first[c]}" for c in self.match),
                    do="add columns to match, or say several: first with an order",
                )
            )
        if self.several != "all":
            frame = frame.drop_duplicates(keys, keep="last" if self.several == "last" else "first")
        frame["\0at"] = frame.index
        mine = pd.DataFrame({**left, "\0row": np.arange(at.n)})
        met = mine.merge(frame[[*keys, "\0at"]], how="left", on=keys, sort=False)
        rows, positions = (met[c].fillna(-1).to_numpy(dtype=np.int64) for c in ("\0row", "\0at"))
        kept = np.ones(len(rows), dtype=bool) if self.required == "false" else positions >= 0
        return Made(rows[kept], sources={self.source: positions[kept]})


@record_verb(
    "pick",
    reads=None,
    says="with the {which} record of {source} by {order}[ where {where}]",
    example="pick: {from: EX, where: \"date(EX.EXSTDTC) <= date(PC.PCRFTDTC)\", order: EX.EXSTDTC, which: last}",
)
class Pick(RecordParams):
    """Align, of the records of a further source of the same subject, the first (or last) that satisfies `where`.

    Names with the prefix of the source are its record's, all others the record's own. `required: true` drops records
    that find none. Two records of the source that `order` does not tell apart are a blocking issue.
    """

    source: str = Field(alias="from")
    where: FarExpression | None = None
    order: Refs = Field(min_length=1)
    which: Literal["first", "last"] = "first"
    required: Literal["true", "false"] = "false"

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return (self.source,)

    def make(self, at: At) -> Made:
        """See RecordParams."""
        reached = reach(at, self.source, self.where)
        best, ties = reached.first(self.order, last=self.which == "last")
        at.report(
            np.isin(reached.of, reached.group[ties]),
            f"several records of {self.source} tie by {', '.join(map(str, self.order))}",
            severity="blocking",
        )
        found = reached.to_records(np.where(best >= 0, np.append(reached.rows, -1)[best], -1))
        kept = np.flatnonzero(found >= 0) if self.required == "true" else np.arange(at.n)
        return Made(kept, sources={self.source: found[kept]})


@record_verb(
    "cross",
    reads="values",
    says="once for each of {values}",
    gives="cross",
    columns=("VALUE",),
    example="cross: [PARENT, METABOLITE]",
)
class Cross(RecordParams):
    """Every record once for each value; the value is `cross.VALUE`."""

    stated_columns = ("VALUE",)
    values: list[str] = Field(min_length=1)

    def make(self, at: At) -> Made:
        """See RecordParams."""
        rows = np.repeat(np.arange(at.n), len(self.values))
        return Made(rows, {"VALUE": pd.Series(self.values * at.n, dtype="str")})


@record_verb(
    "transpose",
    reads=None,
    says="one record for each of {items} that is present[, with the units {units}]",
    gives="item",
    columns=("CODE", "VALUE", "UNIT"),
    example="transpose: {items: {SYSBP: vs.SYSBP}}",
)
class Transpose(RecordParams):
    """One record for each present item: `item.CODE`, `item.VALUE` and, where named, `item.UNIT`.

    `keep_missing: true` keeps items without a value.
    """

    stated_columns = ("CODE",)
    passed_columns = ("VALUE", "UNIT")
    items: dict[str, VariableRef] = Field(min_length=1)
    units: dict[str, VariableRef] = {}
    keep_missing: Literal["true", "false"] = "false"

    def behind(self, column: str, code: str) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        refs = {"VALUE": self.items, "UNIT": self.units}.get(column, {})
        return (refs[code],) if code in refs else ()

    def make(self, at: At) -> Made:
        """See RecordParams."""
        codes = list(self.items)
        values = [at.text(self.items[c]) for c in codes]
        units = [at.text(self.units[c]) if c in self.units else at.constant(None) for c in codes]
        rows = np.tile(np.arange(at.n), len(codes))
        code = pd.Series(np.repeat(np.array(codes, dtype=object), at.n), dtype="str")
        value, unit = pd.concat(values, ignore_index=True), pd.concat(units, ignore_index=True)
        if self.keep_missing == "false":
            kept = np.flatnonzero(value.notna())
            rows, code, value, unit = rows[kept], code.iloc[kept], value.iloc[kept], unit.iloc[kept]
        made = {"CODE": code, "VALUE": value, "UNIT": unit}
        return Made(rows, {k: v.reset_index(drop=True) for k, v in made.items()})


@record_verb(
    "distinct",
    reads="of",
    says="one record for each different {of} of a subject",
    example="distinct: [ae.AETERM]",
)
class Distinct(RecordParams):
    """One record for each different combination of values within the subject, the first by `order`."""

    of: Refs
    order: Refs = []

    def make(self, at: At) -> Made:
        """See RecordParams."""
        frame = pd.DataFrame({"who": at.subject, **{f"v{i}": at.text(r) for i, r in enumerate(self.of)}})
        keys = list(frame.columns)
        ranks = {f"r{i}": rank(at.values(r)) for i, r in enumerate(self.order)}
        if ranks:
            frame = frame.assign(**ranks).sort_values(list(ranks), kind="stable")
        return Made(np.sort(frame.drop_duplicates(keys).index.to_numpy()))
