"""One value per subject picked from, or counted over, the records of another dataset or form.

Names with the other dataset's prefix are that record's; bare names in `where` are the record's own, so
`AE.AESTDTC >= TRTSDT` compares every AE of the subject with the subject's own TRTSDT. Such bare names must
have one value per subject.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, field_validator

from engine.errors import DataError, Problem
from engine.numbers import rank
from engine.run.at import At
from engine.run.tables import take_values
from engine.spec.binding import Model
from engine.spec.expressions import FarExpression
from engine.spec.refs import FarRef, VariableRef
from engine.spec.registry import Params, verb


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Order = Annotated[list[FarRef], BeforeValidator(_listed)]


def candidates(at: At, source: str, where: FarExpression | None) -> tuple[At, np.ndarray]:
    """The records of `source` of subjects in `at` that satisfy `where`, and their positions there."""
    far = at.far(source)
    known = np.flatnonzero(far.subject >= 0)
    if where is None:
        return far.only(known), known
    own: dict[VariableRef, pd.Series] = {}

    def value(ref: VariableRef) -> pd.Series:
        if ref.source is not None and ref.source != at.table.name:
            return far.values(ref)
        if ref not in own:
            own[ref] = by_subject(at, ref, far)
        return own[ref]

    try:
        truth = where.test(value, far.n)
    except ValueError as error:
        raise DataError(Problem(str(error), found=where.text)) from None
    rows = np.flatnonzero(truth.true & (far.subject >= 0))
    at.run.count_unknown(at.dataset, at.variable, where.text, int(truth.unknown.sum()))
    return far.only(rows), rows


def by_subject(at: At, ref: VariableRef, far: At) -> pd.Series:
    """The subject's own value of `ref`, carried to the far records."""
    values = at.values(ref)
    pairs = pd.DataFrame({"who": at.subject, "value": values}).drop_duplicates()
    if pairs["who"].duplicated().any():
        raise DataError(
            Problem(
                f"{ref} differs between records of one subject",
                do="compare with a variable that has one value per subject",
            )
        )
    place = np.full(at.run.people.n + 1, -1, dtype=np.int64)
    place[pairs["who"].to_numpy()] = np.arange(len(pairs))
    place[-1] = -1
    return take_values(pairs["value"].reset_index(drop=True), place[far.subject])


class _Pick(Params):
    """Which record of the subject is picked."""

    of: FarRef
    where: FarExpression | None = None
    order: Order = []
    last: ClassVar[bool] = False

    def derive(self, at: At) -> pd.Series:
        """The picked value of each record's subject; a tie between different values is a blocking issue."""
        assert self.of.source is not None
        far, _ = candidates(at, self.of.source, self.where)
        values = far.values(self.of)
        ranks = [rank(far.values(r)) for r in self.order]
        frame = pd.DataFrame({"who": far.subject, **{f"r{i}": r for i, r in enumerate(ranks)}})
        names = list(frame.columns)
        picked = frame.sort_values(names, kind="stable").drop_duplicates("who", keep="last" if self.last else "first")
        tied = frame.merge(picked, on=names, how="inner").groupby("who").size()
        if (tied > 1).any():
            self._check_tie(at, frame, picked, values, names)
        place = np.full(at.run.people.n + 1, -1, dtype=np.int64)
        place[picked["who"].to_numpy()] = picked.index.to_numpy()
        place[-1] = -1
        return take_values(values, place[at.subject])

    def _check_tie(
        self, at: At, frame: pd.DataFrame, picked: pd.DataFrame, values: pd.Series, names: list[str]
    ) -> None:
        joined = frame.assign(value=values.astype("str").fillna("")).merge(picked[names], on=names)
        several = joined.groupby("who")["value"].nunique()
        bad = several[several > 1].index.to_numpy()
        if len(bad):
            at.report(
                np.isin(at.subject, bad),
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
    return [each if isinstance(each, (dict, Source)) else {"of": each} for each in _listed(value)]


class Extreme(Params):
    """The lowest or highest of the values of several sources; of equal ones it does not matter which."""

    of: Annotated[list[Source], BeforeValidator(_sources)]
    where: FarExpression | None = None
    last: ClassVar[bool] = False

    def comparable(self, at: At, far: At, ref: FarRef) -> pd.Series:
        """The values of `ref` as they are compared and given: text or float64."""
        table, _ = far.find(ref)
        return far.dtc(ref) if table is not None and table.raw else far.values(ref)

    def derive(self, at: At) -> pd.Series:
        """The extreme of all values of the subject; missing where there is none."""
        who: list[np.ndarray] = []
        parts: list[pd.Series] = []
        for source in self.of:
            for ref in source.of:
                assert ref.source is not None
                general = self.where if self.where and any(r.source == ref.source for r in self.where.refs) else None
                far, _ = candidates(at, ref.source, source.where or general)
                if source.where is not None and general is not None:
                    raise DataError(
                        Problem(f"{ref.source} has two conditions", found=f"{source.where}; {general}", do="join them")
                    )
                who.append(far.subject)
                parts.append(self.comparable(at, far, ref))
        if len({p.dtype for p in parts if len(p)}) > 1:
            raise DataError(Problem("texts and numbers cannot be compared", found="; ".join(map(str, self.of))))
        values = pd.concat(parts, ignore_index=True)
        frame = pd.DataFrame({"who": np.concatenate(who), "value": values}).dropna()
        frame = frame.sort_values(["who", "value"], kind="stable")
        frame = frame.drop_duplicates("who", keep="last" if self.last else "first")
        place = np.full(at.run.people.n + 1, -1, dtype=np.int64)
        place[frame["who"].to_numpy()] = np.arange(len(frame))
        place[-1] = -1
        return take_values(frame["value"].reset_index(drop=True), place[at.subject])


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
        far, _ = candidates(at, self.of, self.where)
        counts = np.bincount(far.subject, minlength=at.run.people.n + 1).astype(np.float64)
        return pd.Series(np.where(at.subject >= 0, counts[at.subject], 0.0))


@verb(
    "exists",
    reads="of",
    scope="subject",
    says="Y if a record of {of} satisfies {where}",
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

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        far, _ = candidates(at, self.of, self.where)
        counts = np.bincount(far.subject, minlength=at.run.people.n + 1)
        there = pd.Series((at.subject >= 0) & (counts[at.subject] > 0))
        return at.constant("Y").where(there, at.constant(self.otherwise or None))


@verb("sum", reads="of", scope="subject", says="Sum of {of}[ where {where}]", example="X: {sum: EX.EXDOSE}")
class Sum(Params):
    """The sum over the subject's records; missing when there is none to sum."""

    of: FarRef
    where: FarExpression | None = None

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        assert self.of.source is not None
        far, _ = candidates(at, self.of.source, self.where)
        values = far.number(self.of)
        there = values.notna().to_numpy()
        totals = np.full(at.run.people.n + 1, np.nan)
        who = far.subject[there]
        # ordered by value first, so that the order of records cannot change the last bit
        order = np.lexsort((values.to_numpy()[there], who))
        sums = np.bincount(who[order], weights=values.to_numpy()[there][order], minlength=at.run.people.n + 1)
        present = np.bincount(who, minlength=at.run.people.n + 1) > 0
        totals[present] = sums[present]
        return pd.Series(np.where(at.subject >= 0, totals[at.subject], np.nan))
