"""Records of SE: the elements that each subject has been through, one after the other without a gap.

A subject's elements follow the order in which the design lists them. Each begins where its start is known, and ends
where the next one begins; the last ends with the subject's participation, or has no end while that goes on.

Sources: SDTMIG 3.4 section 5.3 (SE); SDTMIG 3.4 section 4.4.2 (precision: dates compare to what both share).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from engine.numbers import by_distinct
from engine.run.at import At
from engine.run.tables import take_values
from engine.spec.binding import LISTED, Model
from engine.spec.expressions import Expression
from engine.spec.refs import DateRef, VariableRef
from engine.spec.registry import Made, RecordParams, record_verb


class Element(Model):
    """When an element begins: the first of `start` that is present. Its code is the key, or what `code` holds.

    `before_end: true`: it must begin before the participation ends, not on that day.
    """

    start: Annotated[list[DateRef], LISTED] = Field(min_length=1)
    code: VariableRef | None = None
    before_end: Literal["true", "false"] = "false"

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        return "from " + ", else ".join(map(str, self.start))


@record_verb(
    "elements",
    reads="of",
    says="once for each element that the subject has begun: {of}; the last ends at {end} if {ended}",
    source="SDTMIG 3.4 section 5.3",
    gives="element",
    columns=("CODE", "START", "END"),
    example="elements: {of: {SCRN: {start: DM.RFICDTC}}, end: DM.RFPENDTC, ended: DM.DTHFL is present}",
)
class Elements(RecordParams):
    """Every record once for each element that was begun: `element.CODE`, `element.START`, `element.END`.

    An element does not exist when its start is not known, is later than `not_after` (the cut-off), or is later than
    `end` for a subject whose participation has `ended`. Dates compare to the precision that both share. One that
    would begin before the element before it is left out and listed.
    """

    stated_columns = ("CODE",)
    of: dict[str, Element] = Field(min_length=1)
    end: DateRef
    ended: Expression
    not_after: DateRef | None = None

    def make(self, at: At) -> Made:
        """See RecordParams."""
        end = at.values(self.end).where(pd.Series(at.test(self.ended)))
        limit = at.values(self.not_after) if self.not_after is not None else at.constant(None)
        before = at.constant(None)  # start of the element before
        starts, codes, numbers = [], [], []
        for number, (key, element) in enumerate(self.of.items()):
            start = _first_present(at, element.start)
            exists = start.notna().to_numpy() & ~(compare(start, limit) > 0)
            past = compare(start, end)
            exists &= ~(past > 0) if element.before_end == "false" else (past < 0) | end.isna().to_numpy()
            early = exists & (compare(start, before) < 0)
            at.report(early, f"{key} would begin before the element before it", found=start, variable="SESTDTC")
            start = start.where(pd.Series(exists & ~early))
            before = start.where(start.notna(), before)
            starts.append(start)
            codes.append(at.text(element.code) if element.code is not None else at.constant(key))
            numbers.append(np.full(at.n, number))
        who = np.tile(np.arange(at.n), len(self.of))
        frame = pd.DataFrame(
            {
                "row": who,
                "number": np.concatenate(numbers),
                "start": pd.concat(starts, ignore_index=True),
                "code": pd.concat(codes, ignore_index=True),
            }
        )
        frame = frame[frame["start"].notna()].sort_values(["row", "number"], ignore_index=True)
        rows = frame["row"].to_numpy(dtype=np.int64)
        following = frame.groupby("row")["start"].shift(-1)
        last = ~frame.duplicated("row", keep="last")
        ends = following.where(~last, take_values(end, rows))
        made = {"CODE": frame["code"], "START": frame["start"], "END": ends}
        return Made(rows, {k: v.astype("str") for k, v in made.items()})


def _first_present(at: At, refs: list[VariableRef]) -> pd.Series:
    values = at.values(refs[0])
    for ref in refs[1:]:
        values = values.where(values.notna(), at.values(ref))
    return values


def compare(left: pd.Series, right: pd.Series) -> np.ndarray:
    """Whether each date is earlier (-1), later (1) or neither (0), to the precision that both share.

    Neither also where one is missing, or where a partial date leaves it open.

    Args:
        left: n ISO 8601 texts.
        right: n ISO 8601 texts.
    """

    def one(pair: str) -> float:
        a, b = pair.split("|")
        shared = min(len(a), len(b))
        a, b = a[:shared], b[:shared]
        return float((a > b) - (a < b)) if "--" not in a[:6] + b[:6] else float((a[:4] > b[:4]) - (a[:4] < b[:4]))

    return by_distinct(left + "|" + right, one, np.float64).fillna(0.0).to_numpy()
