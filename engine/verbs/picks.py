"""One value picked from, or counted over, the subject's records of another dataset or form.

Names with the other dataset's prefix are that record's; all other names in `where` are the record's own, so
`AE.AESTDTC >= TRTSDT` compares every AE of the subject with the record's TRTSDT (see reach.py).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, field_validator

from engine.errors import DataError, Problem
from engine.run.at import At
from engine.run.tables import Positions, take_values
from engine.spec.binding import LISTED, Model, listed
from engine.spec.expressions import FarExpression
from engine.spec.refs import FarRef
from engine.spec.registry import Params, verb
from engine.verbs.reach import Reach, reach

Order = Annotated[list[FarRef], LISTED]


class _Pick(Params):
    """Which record of the subject is picked."""

    of: FarRef
    where: FarExpression | None = None
    order: Order = []
    last: ClassVar[bool] = False

    def derive(self, at: At) -> pd.Series:
        """The picked value for each record; a tie between different values is a blocking issue."""
        assert self.of.source is not None
        reached = reach(at, self.of.source, self.where)
        values = reached.far.values(self.of)
        best, ties = reached.first(list(self.order), last=self.last)
        self._check_ties(at, reached, best, ties, values)
        return take_values(values, reached.to_records(best))

    def _check_ties(self, at: At, reached: Reach, best: Positions, ties: Positions, values: pd.Series) -> None:
        shown = values.astype("str").fillna("").to_numpy()
        differing = ties[shown[ties] != shown[best[reached.group[ties]]]]
        at.report(
            np.isin(reached.of, reached.group[differing]),
            f"several records of {self.of.source} tie with different {self.of}",
            severity="blocking",
        )


@verb(
    "first",
    reads="of",
    scope="subject",
    says="{of} of the first record[ by {order}][ where {where}]",
    example="BECOG: {first: RS.RSSTRESN, where: \"RS.RSLOBXFL == 'Y'\"}",
)
class First(_Pick):
    """The value of the subject's first record in the stated order."""


@verb(
    "last",
    reads="of",
    scope="subject",
    says="{of} of the last record[ by {order}][ where {where}]",
    example="DCSREAS: {last: DS.DSDECOD, order: DS.DSSTDTC}",
)
class Last(_Pick):
    """The value of the subject's last record in the stated order."""

    last: ClassVar[bool] = True


class Source(Model):
    """Values of one or several variables of another dataset, of those records that satisfy a condition of its own."""

    of: Order
    where: FarExpression | None = None

    @field_validator("of")
    @classmethod
    def _far(cls, of: list[FarRef]) -> list[FarRef]:
        if any(ref.source is None for ref in of):
            raise ValueError("name the dataset too, as in EX.EXENDTC")
        return of

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        named = ", ".join(map(str, self.of))
        return named if self.where is None else f"{named} where {self.where}"


def _sources(value: Any) -> Any:
    """A bare reference is a source without a condition."""
    return [each if isinstance(each, (dict, Source)) else {"of": each} for each in listed(value)]


class Extreme(Params):
    """The lowest or highest of the values of several sources; of equal ones it does not matter which."""

    of: Annotated[list[Source], BeforeValidator(_sources)]
    where: FarExpression | None = None
    last: ClassVar[bool] = False
    gives_one: ClassVar[bool] = True

    def comparable(self, at: At, far: At, ref: FarRef) -> pd.Series:
        """The values of `ref` as they are compared and given: text or float64."""
        table, _ = far.find(ref)
        return far.dtc(ref) if table is not None and table.raw else far.values(ref)

    def derive(self, at: At) -> pd.Series:
        """The extreme of all values of the subject; missing where there is none."""
        row: list[Positions] = []
        parts: list[pd.Series] = []
        for source in self.of:
            for ref in source.of:
                assert ref.source is not None
                general = self.where if self.where and any(r.source == ref.source for r in self.where.refs) else None
                if source.where is not None and general is not None:
                    raise DataError(
                        Problem(f"{ref.source} has two conditions", found=f"{source.where}; {general}", do="join them")
                    )
                at_row, values = self._of_groups(at, reach(at, ref.source, source.where or general), ref)
                row.append(at_row)
                parts.append(values)
        if len({p.dtype for p in parts if len(p)}) > 1:
            raise DataError(Problem("texts and numbers cannot be compared", found="; ".join(map(str, self.of))))
        frame = pd.DataFrame({"row": np.concatenate(row), "value": pd.concat(parts, ignore_index=True)})
        frame = self._extreme(frame, "row")
        place = np.full(at.n, -1, dtype=np.int64)
        place[frame["row"].to_numpy()] = np.arange(len(frame))
        return take_values(frame["value"].reset_index(drop=True), place)

    def _of_groups(self, at: At, reached: Reach, ref: FarRef) -> tuple[Positions, pd.Series]:
        """The extreme of one source for each record that has any, and the positions of those records."""
        values = self.comparable(at, reached.far, ref)
        found = self._extreme(pd.DataFrame({"group": reached.group, "value": values}), "group")
        place = np.full(reached.groups, -1, dtype=np.int64)
        place[found["group"].to_numpy()] = np.arange(len(found))
        at_row = reached.to_records(place)
        rows = np.flatnonzero(at_row >= 0)
        return rows, take_values(found["value"].reset_index(drop=True), at_row[rows])

    def _extreme(self, frame: pd.DataFrame, by: str) -> pd.DataFrame:
        ordered = frame.dropna(subset=["value"]).sort_values([by, "value"], kind="stable")
        return ordered.drop_duplicates(by, keep="last" if self.last else "first")


@verb(
    "earliest",
    reads="of",
    scope="subject",
    says="The earliest of {of}[ where {where}]",
    example="RFXSTDTC: {earliest: EX.EXSTDTC}",
)
class Earliest(Extreme):
    """The lowest value over the subject's records of one or several datasets, each with a condition of its own."""


@verb(
    "latest",
    reads="of",
    scope="subject",
    says="The latest of {of}[ where {where}]",
    example="RFXENDTC: {latest: [EX.EXENDTC, {of: EX.EXSTDTC, where: EX.EXENDTC is missing}]}",
)
class Latest(Extreme):
    """The highest value over the subject's records of one or several datasets, each with a condition of its own."""

    last: ClassVar[bool] = True


@verb(
    "lowest",
    reads="of",
    scope="subject",
    says="The lowest of {of}[ where {where}]",
    example='PREDOSE: {lowest: PC.PCSTRESN, where: "PC.PCTPTREF == ATPTREF"}',
)
class Lowest(Earliest):
    """The lowest number over the subject's records of one or several datasets, each with a condition of its own."""


@verb(
    "highest",
    reads="of",
    scope="subject",
    says="The highest of {of}[ where {where}]",
    example='CMAX: {highest: PC.PCSTRESN, where: "PC.PCTPTREF == ATPTREF"}',
)
class Highest(Latest):
    """The highest number over the subject's records of one or several datasets, each with a condition of its own."""


@verb(
    "count",
    reads="of",
    scope="subject",
    says="Number of records of {of}[ where {where}]",
    example="NPRIOR: {count: CM, where: ...}",
)
class Count(Params):
    """How many records of a dataset the subject has; 0 when none."""

    of: str
    where: FarExpression | None = None

    def tables(self) -> tuple[str, ...]:
        """See Params."""
        return (self.of,)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        return pd.Series(self.counts(at).astype(np.float64))

    def counts(self, at: At) -> Positions:
        """Number of far records for each record."""
        reached = reach(at, self.of, self.where)
        found = np.bincount(reached.group, minlength=reached.groups).astype(np.int64)
        return np.append(found, 0)[reached.of]


@verb(
    "exists",
    reads="of",
    scope="subject",
    says="Y if there is a record of {of}[ where {where}]",
    example="SAFFL: {exists: EX, else: N}",
)
class Exists(Count):
    """Y where the subject has such a record; elsewhere `else`, or null."""

    otherwise: str = ""

    model_config = {
        "extra": "forbid",
        "frozen": True,
        "populate_by_name": True,
        "arbitrary_types_allowed": True,
        "alias_generator": lambda name: "else" if name == "otherwise" else name,
    }

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        return ("Y", *([self.otherwise] if self.otherwise else []))

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        there = pd.Series(self.counts(at) > 0)
        return at.constant("Y").where(there, at.constant(self.otherwise or None))


@verb("sum", reads="of", scope="subject", says="Sum of {of}[ where {where}]", example="X: {sum: EX.EXDOSE}")
class Sum(Params):
    """The sum over the subject's records; missing when there is none to sum."""

    of: FarRef
    where: FarExpression | None = None

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        assert self.of.source is not None
        reached = reach(at, self.of.source, self.where)
        values = reached.far.number(self.of)
        there = values.notna().to_numpy()
        group, present = reached.group[there], values.to_numpy()[there]
        order = np.lexsort((present, group))  # by value, so that the order of records cannot change the last bit
        sums = np.bincount(group[order], weights=present[order], minlength=reached.groups)
        sums[np.bincount(group, minlength=reached.groups) == 0] = np.nan
        return pd.Series(np.append(sums, np.nan)[reached.of])
