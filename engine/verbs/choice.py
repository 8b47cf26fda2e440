"""One record chosen out of a group by criteria in order of importance: the later ones decide between equals.

`flag_first` marks it, `keep_first` keeps it and leaves the others out.

Sources: ADaMIG 1.3 section 4.7.1 (analysis flags of several records for one visit).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field, model_validator

from engine.numbers import rank
from engine.run.at import At
from engine.run.tables import Bools, Positions
from engine.spec.binding import LISTED, Model, listed
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from engine.spec.registry import Made, Params, RecordParams, record_verb, verb

Refs = Annotated[list[VariableRef], LISTED, Field(min_length=1)]


class Criterion(Model):
    """What goes first: the lowest or highest value, what is missing last; or what satisfies a condition."""

    lowest: VariableRef | None = None
    highest: VariableRef | None = None
    holds: Expression | None = None

    @model_validator(mode="after")
    def _one(self) -> Criterion:
        if sum(v is not None for v in (self.lowest, self.highest, self.holds)) != 1:
            raise ValueError("a criterion is one of lowest, highest and holds")
        return self

    def place(self, at: At) -> Positions:
        """Numbers of the records, those that go first having the lowest."""
        if self.holds is not None:
            return np.where(at.test(self.holds), 0, 1).astype(np.int64)
        ref = self.lowest or self.highest
        assert ref is not None
        ranks = rank(at.values(ref))
        last = int(ranks.max(initial=0)) + 1
        return np.where(ranks < 0, last, ranks if self.lowest is not None else -ranks).astype(np.int64)

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        if self.holds is not None:
            return f"where {self.holds.text}"
        return f"the lowest {self.lowest}" if self.lowest is not None else f"the highest {self.highest}"


def _criteria(value: Any) -> Any:
    """A bare reference asks for the lowest."""
    return [each if isinstance(each, (dict, Criterion)) else {"lowest": each} for each in listed(value)]


Criteria = Annotated[list[Criterion], BeforeValidator(_criteria), Field(min_length=1)]


def first_within(at: At, by: list[VariableRef], order: list[Criterion], *, whole: bool) -> Bools:
    """The first record of each group of a subject's records with the same values of `by`.

    With `whole`, a record with a missing value belongs to no group; else missing is a value like others. Two records
    that the criteria do not tell apart are a blocking issue.
    """
    keys = [pd.factorize(at.text(r))[0] for r in by]
    rows = np.flatnonzero(np.logical_and.reduce([at.subject >= 0, *(k >= 0 for k in keys if whole)]))
    inner = at.only(rows)
    groups = {"who": inner.subject, **{f"k{i}": k[rows] for i, k in enumerate(keys)}}
    frame = pd.DataFrame({**groups, **{f"o{i}": c.place(inner) for i, c in enumerate(order)}})
    ordered = frame.sort_values(list(frame.columns), kind="stable")
    found = ~ordered.duplicated(list(groups)).to_numpy()
    start = np.maximum.accumulate(np.where(found, np.arange(len(found)), 0))
    tied = ~found
    for i in range(len(order)):
        places = ordered[f"o{i}"].to_numpy()
        tied &= places == places[start]
    inner.only(ordered.index.to_numpy()[tied]).report(
        np.ones(int(tied.sum()), dtype=bool),
        "the criteria do not tell it from the first record of its group",
        severity="blocking",
        variable=at.variable,
    )
    chosen = np.zeros(at.n, dtype=bool)
    chosen[rows[ordered.index.to_numpy()[found]]] = True
    return chosen


@verb(
    "flag_first",
    reads="by",
    scope="subject",
    says="Y for one record of the subject with the same {by}: by {order}",
    source="ADaMIG 1.3 section 4.7.1",
    example="ANL01FL: {flag_first: [PARAMCD, AVISIT], order: [{holds: VISIT == AVISIT}, AWTDIFF, {highest: ADT}]}",
)
class FlagFirst(Params):
    """Y for the first record of each group, by criteria of which the later decide between equals.

    A record with a missing value of `by` belongs to no group. `where` limits the records that take part.
    """

    by: Refs
    order: Criteria

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        return ("Y",)

    def one_of(self) -> tuple[VariableRef, ...] | None:
        """See Params."""
        return tuple(self.by)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        return at.constant("Y").where(pd.Series(first_within(at, self.by, self.order, whole=True)))


@record_verb(
    "keep_first",
    says="one record for each different {by} of a subject: by {order}",
    example="keep_first: {by: LABS.PARAMCD, order: [{highest: LABS.AVAL}, LABS.ADT, LABS.LBSEQ]}",
)
class KeepFirst(RecordParams):
    """Of each group the first record, by criteria of which the later decide between equals; the others are left out.

    Missing is a value of `by` like others.
    """

    by: Refs
    order: Criteria

    def make(self, at: At) -> Made:
        """See RecordParams."""
        return Made(np.flatnonzero(first_within(at, self.by, self.order, whole=False)))
