"""Reference ranges: which range of the laboratory was in force for a record, and where its result lies (--NRIND).

A range holds for a test, a sex, an age in completed years and a time; results are compared with it in standard units.

Sources: SDTMIG 3.4, LB assumptions and section 4.5.1; CDISC controlled terminology, NRIND.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from engine.dates import spans
from engine.errors import DataError, Problem
from engine.run.at import At
from engine.spec.binding import LISTED
from engine.spec.codelists import find_codelist
from engine.spec.refs import DateRef, VariableRef
from engine.spec.registry import Made, Params, RecordParams, record_verb, verb
from sdtm.ages import completed_years
from sdtm.results import SIGNS, parts

LOW, HIGH, NORMAL, ABNORMAL = "C78801", "C78800", "C78727", "C78802"  # terms of NRIND


Pair = Annotated[list[str], LISTED, Field(min_length=2, max_length=2)]


@record_verb(
    "reference_range",
    source="SDTMIG 3.4, LB",
    says="with the range of {source} of the same {match}, the age in completed years and the date {on}",
    example="reference_range: {source: ref_ranges, match: {TESTCODE: lis.TESTCODE, SEX: DM.SEX}, any: '*', "
    "on: lis.COLLECT, valid: [FROM, TO], born: DM.BRTHDTC, day: 15, ages: [AGELO, AGEHI]}",
)
class ReferenceRange(RecordParams):
    """Align the range that was in force for each record; its limits are then columns of the source.

    A range fits when its columns equal the stated values (`any` in a column fits all values, and what equals goes
    before it), the date lies within `valid` and the age within `ages`, bounds included, an empty bound being open; a
    birth date known to the month counts as `day` of it. A record is listed when ranges equal it in `match` and none
    fits its age and date; two that fit equally well stop the build.
    """

    source: str
    match: dict[str, VariableRef] = Field(min_length=1)
    any: str = ""
    on: DateRef
    valid: Pair
    born: DateRef
    ages: Pair
    day: int = Field(ge=1, le=28)

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return (self.source,)

    def more_references(self) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        return tuple(VariableRef(self.source, c) for c in (*self.match, *self.valid, *self.ages))

    def make(self, at: At) -> Made:
        """See RecordParams."""
        far = at.far(self.source)
        on = at.dtc(self.on)
        day, age = spans(on).complete, completed_years(at.values(self.born), on, self.day).to_numpy()
        codes, groups, exact = self._groups(at, far)
        low, high = (far.number(VariableRef(self.source, c)).to_numpy() for c in self.ages)
        begin = spans(far.dtc(VariableRef(self.source, self.valid[0]))).first
        end = spans(far.dtc(VariableRef(self.source, self.valid[1]))).last
        found = np.full(at.n, -1, dtype=np.int64)
        weight = np.full(at.n, -1, dtype=np.int64)
        tied = np.zeros(at.n, dtype=bool)
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(groups) + 1))
        for group, candidates in enumerate(groups):  # distinct values of `match`, not records
            rows = order[bounds[group] : bounds[group + 1]]
            for row in candidates:
                fits = _within(day[rows], begin[row], end[row]) & _within(age[rows], low[row], high[row])
                hit = rows[fits]
                tied[hit] = (weight[hit] == exact[row]) | (tied[hit] & (weight[hit] > exact[row]))
                better = hit[exact[row] > weight[hit]]
                found[better], weight[better], tied[better] = row, exact[row], False
        has_test = np.array([bool(len(c)) for c in groups] + [False])[codes]
        at.report(tied, f"several ranges of {self.source} fit", severity="blocking", variable=self.source)
        lost = (found < 0) & has_test
        at.report(lost, f"no range of {self.source} fits sex, age and date", found=on, variable=self.source)
        return Made(np.arange(at.n, dtype=np.int64), sources={self.source: found})

    def _groups(self, at: At, far: At) -> tuple[NDArray[np.int64], list[list[int]], NDArray[np.int64]]:
        """Code of each record's values of `match`; the rows that may fit each code; how many columns of a row equal."""
        own = pd.DataFrame({c: at.text(r) for c, r in self.match.items()})
        theirs = pd.DataFrame({c: far.text(VariableRef(self.source, c)) for c in self.match}).fillna("")
        codes = own.groupby(list(own), dropna=False, sort=False).ngroup().to_numpy(dtype=np.int64)
        distinct = own.drop_duplicates().fillna("").to_numpy().tolist()
        ranges = theirs.to_numpy().tolist()
        exact = np.array([sum(v != self.any or not self.any for v in r) for r in ranges], dtype=np.int64)
        groups = [
            [i for i, r in enumerate(ranges) if all(a == b or (self.any and b == self.any)
                                                    for a, b in zip(values, r, strict=True))]
            for values in distinct
        ]  # fmt: skip
        return codes, groups, exact


def _within(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    """Whether known values lie between two bounds, both included; a missing bound is open."""
    above = np.ones(len(values), dtype=bool) if np.isnan(low) else values >= low
    below = np.ones(len(values), dtype=bool) if np.isnan(high) else values <= high
    return above & below


@verb(
    "range_indicator",
    reads="of",
    scope="record",
    source="SDTMIG 3.4, LB; CDISC controlled terminology, NRIND",
    says="{of} against {low} and {high}: LOW below, HIGH above, else NORMAL; `<x` is LOW only when x is at most the "
    "lower limit, else NORMAL when x is at most the upper one; `>x` likewise[; texts other than {normal}: ABNORMAL]",
    example="LBNRIND: {range_indicator: LBSTRESC, low: LBSTNRLO, high: LBSTNRHI, codelist: NRIND}",
)
class RangeIndicator(Params):
    """Where a result lies against its range; null without a result or without any limit.

    A result beyond a limit of the assay (`<x`, `>x`) that may lie on either side of a limit of the range counts as
    normal while x itself lies within it, else it has no indicator. With `normal`, the variable that holds the normal
    text, a text result is NORMAL when it equals that text and ABNORMAL when it does not.
    """

    of: VariableRef
    low: VariableRef
    high: VariableRef
    normal: VariableRef | None = None
    codelist: str

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        codelist = find_codelist(at.study, self.codelist)
        if codelist.standard is None:
            raise DataError(Problem(f"{self.codelist} is no CDISC list", do="name the list of range indicators"))
        words = {code: codelist.standard.by_code(code).value for code in (LOW, HIGH, NORMAL, ABNORMAL)}
        result = parts(at.values(self.of))
        low, high = at.number(self.low).to_numpy(), at.number(self.high).to_numpy()
        place = indicator(result.number, result.sign, low, high)
        table = pd.array([words[LOW], words[NORMAL], words[HIGH], None], dtype="str")
        found = pd.Series(table.take(place), dtype="str")
        if self.normal is None:
            return found
        text, usual = at.text(self.of), at.text(self.normal)
        judged = pd.Series(np.isnan(result.number)) & text.notna() & usual.notna()
        words_found = at.constant(words[ABNORMAL]).where(text != usual, at.constant(words[NORMAL]))
        return found.where(~judged, words_found)


def indicator(
    number: NDArray[np.float64], sign: NDArray[np.int64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.int64]:
    """0 below the range, 1 within, 2 above, 3 not known, for n results with the positions of their signs in SIGNS."""
    less, at_most, more, at_least = (sign == SIGNS.index(s) for s in ("<", "<=", ">", ">="))
    plain = sign == 0
    unknown = np.isnan(number) | (np.isnan(low) & np.isnan(high))
    with np.errstate(invalid="ignore"):
        below = ((plain | at_most) & (number < low)) | (less & (number <= low))
        above = ((plain | at_least) & (number > high)) | (more & (number >= high))
        # what is left lies within as far as can be told: `<x` while x is not above the range, `>x` while not below
        within = ~((less | at_most) & (number > high)) & ~((more | at_least) & (number < low))
    return np.select([unknown, below, above, within], [3, 0, 2, 1], default=3).astype(np.int64)
