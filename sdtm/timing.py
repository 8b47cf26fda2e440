"""Timing variables of SDTM records: --DY, EPOCH and the last observation before exposure.

Takes records whose --DTC is already ISO 8601 (see dates.py) and never changes a --DTC. Visits are in visits.py.

Sources: SDTMIG 3.4 sections 4.4.2 (precision), 4.4.4 (study day), 4.4.8 (--LOBXFL); SE and EPOCH, section 5.3.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.numbers import rank
from engine.run.at import At
from engine.run.tables import take_values
from engine.spec.expressions import Expression
from engine.spec.refs import DateRef, VariableRef
from engine.spec.registry import Params, verb

DAY = np.timedelta64(1, "D")


def study_day(dtc: pd.Series, reference: pd.Series) -> pd.Series:
    """Study day (--DY) of each date relative to the subject's reference start date.

    Day 1 is the reference date, the day before is -1, and there is no day 0. The time part is ignored; a partial
    date has no study day.

    Source: SDTMIG 3.4 section 4.4.4.

    Args:
        dtc: --DTC, ISO 8601 character, n records, partial dates allowed.
        reference: RFSTDTC carried to the same n records, ISO 8601 character.

    Returns:
        float64, n records, in days; missing where either date is missing or not complete to the day.
    """
    days = whole_days(dtc) - whole_days(reference)
    return days + (days >= 0)


def whole_days(dtc: pd.Series) -> pd.Series:
    """Days since 1970-01-01 of complete dates, float64; missing for partial and missing ones."""
    codes, distinct = pd.factorize(dtc.str.slice(0, 10))
    complete = np.array([len(d) == 10 and d[4:5] == "-" and d[5:6] != "-" for d in distinct] + [False])
    dates = np.array(
        [d if ok else "NaT" for d, ok in zip(distinct, complete[:-1], strict=True)] + ["NaT"],
        dtype="datetime64[D]",
    )
    days = np.where(np.isnat(dates), np.nan, (dates - np.datetime64(0, "D")) / DAY)
    return pd.Series(days[codes])


@verb(
    "study_day",
    reads="dtc",
    scope="record",
    source="SDTMIG 3.4 section 4.4.4",
    says="{dtc} minus {reference} in days, plus 1 on or after {reference}; no day 0",
    example="AESTDY: {study_day: AESTDTC}",
)
class StudyDay(Params):
    """Study day of a date; null for partial dates and for subjects without a reference date."""

    dtc: DateRef
    reference: DateRef = VariableRef("DM", "RFSTDTC")

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        return study_day(at.values(self.dtc), at.values(self.reference))


@verb(
    "element_at",
    reads="dtc",
    scope="subject",
    source="SDTMIG 3.4 section 5.3",
    says="EPOCH of the subject's element (SE) during which {dtc} lies",
    example="EPOCH: {element_at: AESTDTC}",
)
class ElementAt(Params):
    """EPOCH of the element with SESTDTC <= date < SEENDTC, compared to the precision that both share.

    The last element includes its end. `predose` names records that were planned before the dose: on the day on which
    an element starts, where the record or the start has no time, they belong to the element before. A partial date
    that may lie in two elements of different EPOCH has none.
    """

    dtc: DateRef
    predose: Expression | None = None

    def more_references(self) -> tuple[VariableRef, ...]:
        """See Params."""
        return tuple(VariableRef("SE", n) for n in ("SESTDTC", "SEENDTC", "EPOCH", "TAETORD"))

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        far = at.far("SE")
        start, end, epoch = (far.values(VariableRef("SE", n)) for n in ("SESTDTC", "SEENDTC", "EPOCH"))
        elements = pd.DataFrame({"who": far.subject, "start": start, "end": end, "epoch": epoch})
        last = elements.assign(at=rank(far.values(VariableRef("SE", "TAETORD")))).sort_values(["who", "at"])
        for name in ("first", "last"):
            ends = last.drop_duplicates("who", keep="first" if name == "first" else "last").index
            elements[name] = elements.index.isin(ends)
        dates = pd.DataFrame(
            {
                "who": at.subject,
                "dtc": at.values(self.dtc),
                "before": at.test(self.predose) if self.predose is not None else np.zeros(at.n, dtype=bool),
            }
        )
        # records of one subject with one date share their element: work on the distinct ones
        codes, distinct = pd.factorize(dates["dtc"])
        key = ((at.subject + 1) * (len(distinct) + 1) + codes + 1) * 2 + dates["before"].to_numpy()
        group, keys = pd.factorize(key)
        place = np.empty(len(keys), dtype=np.int64)
        place[group[::-1]] = np.arange(at.n)[::-1]
        first = dates.iloc[place].reset_index(drop=True)
        pairs = first.reset_index(names="row").merge(elements, on="who").dropna(subset=["dtc", "start"])
        hit = pairs[_within(pairs)]
        several = hit.groupby("row")["epoch"].nunique()
        found = hit.drop_duplicates("row", keep="last").set_index("row")["epoch"]
        found = found[several.reindex(found.index) == 1]
        result = pd.Series(pd.NA, index=range(len(first)), dtype="str")
        result.loc[found.index] = found
        return take_values(result, group)


def _within(pairs: pd.DataFrame) -> np.ndarray:
    """Whether each date may lie in each element."""
    date, begin, end = (iso_bytes(pairs[c]) for c in ("dtc", "start", "end"))
    before, first, last = (pairs[c].to_numpy(dtype=bool) for c in ("before", "first", "last"))
    length, begins, ends = (np.char.str_len(a) for a in (date, begin, end))
    length = np.where(np.char.find(date, b"--") == 4, 4, length)  # a day without its month may be any month's
    shared = np.minimum(length, begins)
    started = clipped(date, shared) >= clipped(begin, shared)
    # a planned predose assessment on the day on which an element begins, nobody knows whether before or after
    days = np.full(len(begin), 10)
    unordered = before & (np.minimum(length, begins) == 10) & (clipped(date, days) == clipped(begin, days))
    started &= ~unordered | first
    shared = np.minimum(length, ends)
    cut, limit = clipped(date, shared), clipped(end, shared)
    same = (cut == limit) & ~last & (shared >= 10) & ~(before & (shared == 10))
    ended = (ends > 0) & ((cut > limit) | same)
    return started & ~ended


def iso_bytes(dtc: pd.Series) -> np.ndarray:
    """ISO 8601 texts as ASCII bytes, which compare in order; b'' where missing."""
    codes, distinct = pd.factorize(dtc)
    return np.array([*distinct.tolist(), ""], dtype=np.bytes_)[codes]


def clipped(texts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The first bytes of each text, as many as `lengths` says for it."""
    width = texts.dtype.itemsize
    cells = np.where(np.arange(width) < lengths[:, None], texts.view(np.uint8).reshape(len(texts), width), 0)
    return np.ascontiguousarray(cells, dtype=np.uint8).view(texts.dtype).ravel()


@verb(
    "last_before",
    reads="dtc",
    scope="subject",
    source="SDTMIG 3.4 section 4.4.8",
    says="Y for the last record by {dtc} before {reference} within {by}[ where {condition}]",
    example="LBLOBXFL: {last_before: LBDTC, by: [LBTESTCD, LBSPEC], having: LBSTRESC, ties: [LBSEQ]}",
)
class LastBefore(Params):
    """--LOBXFL: the last record with a result before the first exposure, one per subject and stratum.

    A record without a time on the day of exposure counts only where `predose` holds. Ties on the date are broken by
    `ties`, the highest first; records of `prefer` go before all others.
    """

    dtc: DateRef
    by: list[VariableRef]
    having: VariableRef
    reference: DateRef = VariableRef("DM", "RFXSTDTC")
    condition: Expression | None = None
    predose: Expression | None = None
    prefer: Expression | None = None
    ties: list[VariableRef]

    def one_of(self) -> tuple[VariableRef, ...] | None:
        """See Params."""
        return tuple(self.by)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        dtc, reference = at.values(self.dtc), at.values(self.reference)
        eligible = at.values(self.having).notna().to_numpy() & at.test(self.condition) & (at.subject >= 0)
        eligible &= before_exposure(dtc, reference, at.test(self.predose) if self.predose is not None else None)
        rows = np.flatnonzero(eligible)
        inner = at.only(rows)
        columns = {
            "who": inner.subject,
            **{f"s{i}": pd.factorize(inner.text(r))[0] for i, r in enumerate(self.by)},
        }
        strata = list(columns)
        columns["prefer"] = inner.test(self.prefer).astype(int) if self.prefer is not None else 0
        columns["date"] = rank(inner.values(self.dtc))
        columns |= {f"t{i}": rank(inner.values(r)) for i, r in enumerate(self.ties)}
        frame = pd.DataFrame(columns)
        chosen = frame.sort_values(list(columns), kind="stable").drop_duplicates(strata, keep="last").index
        flag = np.zeros(at.n, dtype=bool)
        flag[rows[chosen]] = True
        return at.constant("Y").where(pd.Series(flag))


@verb(
    "before_exposure",
    reads="dtc",
    scope="record",
    source="SDTMIG 3.4 section 4.4.8",
    says="Y where {dtc} lies before {reference}[; on that day, where no time of both is known, where {predose}]",
    example='PREFL: {before_exposure: LB.LBDTC, predose: "VISITNUM <= 101"}',
)
class BeforeExposure(Params):
    """Y for records before the first exposure, told as `last_before` tells them; null for all others.

    A record without a time on the day of exposure lies before it only where `predose` holds. A partial date does not,
    and nothing lies before the exposure of a subject without any.
    """

    dtc: DateRef
    reference: DateRef = VariableRef("DM", "RFXSTDTC")
    predose: Expression | None = None

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        return ("Y",)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        predose = at.test(self.predose) if self.predose is not None else None
        before = before_exposure(at.values(self.dtc), at.values(self.reference), predose)
        return at.constant("Y").where(pd.Series(before))


def before_exposure(dtc: pd.Series, reference: pd.Series, predose: np.ndarray | None) -> np.ndarray:
    """Whether each complete date lies before the first exposure.

    With a time on both sides the times decide; without one on either side the same day counts only where `predose`.
    """
    date, begin = iso_bytes(dtc), iso_bytes(reference)
    length, begins = np.char.str_len(date), np.char.str_len(begin)
    known = (length >= 10) & (begins >= 10)
    timed = known & (length > 10) & (begins > 10)
    shared = np.where(timed, np.minimum(length, begins), 10)
    cut, limit = clipped(date, shared), clipped(begin, shared)
    earlier = known & (cut < limit)
    return earlier if predose is None else earlier | (known & ~timed & (cut == limit) & predose)
