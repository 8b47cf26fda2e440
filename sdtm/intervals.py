"""Intervals of intake split at single days of their own: those on which a dose was recorded with its time.

    records: {each: dose, split_interval: {from: dose.DSTDAT, to: dose.DENDAT, at: pkd.PKDOSDAT, carry: pkd.PKDOSTIM}}

Adjacent intervals are never merged and no date is made up: pieces end on the day before the next one begins, and the
last piece ends as the interval does.

Sources: SDTMIG 3.4 sections 6.1.2 and 6.1.3 (EC and EX, one record per constant dosing interval).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from engine.dates import EPOCH, spans
from engine.errors import DataError, Problem
from engine.numbers import by_distinct, rank
from engine.run.at import At
from engine.spec.expressions import Expression
from engine.spec.refs import DateRef, VariableRef
from engine.spec.registry import Made, RecordParams, record_verb

_1970 = 719163 - EPOCH  # SAS day of 1970-01-01, day 0 of numpy


@dataclass(frozen=True, slots=True)
class Pieces:
    """m pieces of n intervals, in the order of the intervals and then of time.

    `of` is the interval's position, `point` the point's position (-1: a piece between points), `number` counts the
    pieces of an interval from 1.
    """

    of: NDArray[np.int64]
    start: pd.Series
    end: pd.Series
    point: NDArray[np.int64]
    number: pd.Series


def split_intervals(begin: pd.Series, finish: pd.Series, hits: pd.DataFrame) -> Pieces:
    """Each interval as a point for every hit and the pieces before, between and after its points.

    Args:
        begin: n ISO 8601 dates on which intervals start.
        finish: n ISO 8601 dates on which they end; missing: open.
        hits: `of` (position of an interval whose start is complete), `day` (SAS day within it), `stamp` (the point's
            ISO 8601 date or date-time), `point` (its position among the points); one per interval and day.

    Returns:
        The pieces. A point starts and ends with its stamp; other pieces have dates only, and keep the interval's own
        start and end where they meet them. Days without any piece are those of the points alone.
    """
    hits = hits.sort_values(["of", "day"], kind="stable", ignore_index=True)
    n = len(begin)
    points = pd.DataFrame(
        {
            "of": hits["of"],
            "start": hits["stamp"],
            "end": hits["stamp"],
            "point": hits["point"],
            "order": hits["day"] * 2.0,
        }
    )
    before = hits.groupby("of")["day"].shift(1).to_numpy(dtype=np.float64)
    first = np.isnan(before)
    opening = spans(begin).first[hits["of"].to_numpy(dtype=np.int64)] if len(hits) else before
    since = np.where(first, opening, before + 1)
    gap = since <= hits["day"].to_numpy(dtype=np.float64) - 1
    gaps = pd.DataFrame(
        {
            "of": hits["of"],
            "start": _text(since).where(pd.Series(~first), begin.iloc[hits["of"]].reset_index(drop=True)),
            "end": _text(hits["day"].to_numpy(dtype=np.float64) - 1),
            "point": -1,
            "order": hits["day"] * 2.0 - 1,
        }
    )[gap]
    last = np.full(n, np.nan)
    last[hits["of"].to_numpy(dtype=np.int64)] = hits["day"].to_numpy(dtype=np.float64)  # sorted: the last day stays
    left = np.isnan(last) | finish.isna().to_numpy(dtype=bool) | (last + 1 <= spans(finish).last)
    rests = pd.DataFrame(
        {
            "of": np.arange(n),
            "start": _text(last + 1).where(pd.Series(~np.isnan(last)), begin),
            "end": finish,
            "point": -1,
            "order": np.inf,
        }
    )[left]
    pieces = pd.concat([p for p in (gaps, points, rests) if len(p)] or [rests], ignore_index=True)
    pieces = pieces.sort_values(["of", "order"], kind="stable", ignore_index=True)
    return Pieces(
        pieces["of"].to_numpy(dtype=np.int64),
        pieces["start"].astype("str"),
        pieces["end"].astype("str"),
        pieces["point"].to_numpy(dtype=np.int64),
        pieces.groupby("of").cumcount() + 1.0,
    )


def _text(days: NDArray[np.float64]) -> pd.Series:
    """ISO 8601 dates of SAS days."""
    return by_distinct(pd.Series(days), lambda day: str(np.datetime64(int(day) - _1970, "D")))


@record_verb(
    "split_interval",
    says="the interval {start} to {end} is split so that each day of {point} is a record of its own, with its time",
    source="SDTMIG 3.4 sections 6.1.2 and 6.1.3",
    gives="interval",
    columns=("START", "END", "NUMBER"),
    example="split_interval: {from: dose.DSTDAT, to: dose.DENDAT, at: pkd.PKDOSDAT, carry: pkd.PKDOSTIM}",
)
class SplitInterval(RecordParams):
    """An interval in pieces: `interval.START`, `interval.END`, and `interval.NUMBER` of the piece within it.

    Each day that the subject has a record with `at` becomes a piece of its own, whose start and end are that day with
    the time `carry`; the record itself is aligned, so that its other variables may be referred to. Other pieces have
    dates only. An interval without an end is open. `only` names the intervals that may be split. A day that lies in no
    such interval is reported as `outside` says, and one that lies in several goes to the one that starts last and is
    reported. `open_after` is the cut-off: an end after it is not given, since the interval was open then.
    """

    start: DateRef = Field(alias="from")
    end: DateRef = Field(alias="to")
    point: DateRef = Field(alias="at")
    carry: VariableRef | None = None
    only: Expression | None = None
    outside: Literal["issue", "blocking", "allowed"] = "issue"
    open_after: VariableRef | None = None

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return (self.point.source or "",)

    def made_of(self, column: str) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        end = {"START": (self.start,), "END": (self.end,)}.get(column, ())
        return (*end, self.point, *([self.carry] if self.carry is not None else [])) if end else ()

    def make(self, at: At) -> Made:
        """See RecordParams."""
        begin, finish = at.dtc(self.start), at.dtc(self.end)
        points = self._points(at)
        hits = self._hits(at, begin, finish, points)
        pieces = split_intervals(begin, finish, hits)
        end = pieces.end
        if self.open_after is not None and at.n:
            limit = spans(at.values(self.open_after)).first[pieces.of]
            end = end.mask(pd.Series(spans(end).first > limit))
        return Made(
            pieces.of,
            {"START": pieces.start, "END": end, "NUMBER": pieces.number},
            sources={str(self.point.source): pieces.point},
        )

    def _points(self, at: At) -> pd.DataFrame:
        """One point for each subject and complete day: who, day, stamp, point."""
        if self.point.source is None:
            raise DataError(Problem(f"{self.point} needs the form or dataset that holds it", do="write form.VARIABLE"))
        far = at.far(self.point.source)
        stamp = far.dtc(self.point, self.carry)
        found = pd.DataFrame(
            {"who": far.subject, "day": spans(stamp).complete, "stamp": stamp, "point": np.arange(far.n)}
        )
        # of several records of one day the one with a time, then the earliest; the record's own content breaks ties
        ranks = {"timed": -stamp.str.len().fillna(0), "at": stamp}
        content = [VariableRef(far.table.name, c) for c in far.table.columns] if far.table.raw else []
        ranks |= {f"c{i}": pd.Series(rank(far.values(ref))) for i, ref in enumerate(content)}
        ordered = found.assign(**ranks).dropna(subset=["day"]).sort_values(["who", "day", *ranks], kind="stable")
        kept = ordered.drop_duplicates(["who", "day"])
        other = ordered[~ordered.index.isin(kept.index)].merge(kept, on=["who", "day"], suffixes=("", "_kept"))
        differ = other.loc[other["stamp"] != other["stamp_kept"], "point"].to_numpy(dtype=np.int64)
        far.only(differ).report(
            np.ones(len(differ), dtype=bool),
            f"a second {self.carry or self.point} for the same day is not used",
            found=stamp.iloc[differ].reset_index(drop=True),
            variable=self.point.name,
        )
        return kept[["who", "day", "stamp", "point"]].reset_index(drop=True)

    def _hits(self, at: At, begin: pd.Series, finish: pd.Series, points: pd.DataFrame) -> pd.DataFrame:
        """The points that lie in an interval, each with the one it lies in."""
        until = spans(finish).last
        until[finish.isna().to_numpy(dtype=bool)] = np.inf
        intervals = pd.DataFrame(
            {"who": at.subject, "from": spans(begin).complete, "until": until, "of": np.arange(at.n)}
        )[at.test(self.only)]
        pairs = points.merge(intervals, on="who")
        pairs = pairs[(pairs["from"] <= pairs["day"]) & (pairs["day"] <= pairs["until"])]
        pairs = pairs.sort_values(["point", "from", "until"], kind="stable")
        hits = pairs.drop_duplicates("point", keep="last")
        assert self.point.source is not None
        far = at.far(self.point.source)
        shared = pairs.loc[pairs.duplicated("point"), "point"].unique()
        self._say(far, shared, f"{self.point} lies in several intervals {self.start} to {self.end}", "issue")
        # two equal intervals: which of them holds the point is not for a program to say
        equal = pairs.loc[pairs.duplicated(["point", "from", "until"]), "point"].unique()
        self._say(far, equal, f"{self.point} lies in two equal intervals {self.start} to {self.end}", "blocking")
        lost = np.setdiff1d(points["point"], hits["point"])
        self._say(far, lost, f"{self.point} lies in no interval {self.start} to {self.end}", self.outside)
        return hits[["of", "day", "stamp", "point"]].reset_index(drop=True)

    def _say(self, far: At, rows: NDArray[np.int64], message: str, how: str) -> None:
        """List a problem of these points, by the raw file and line."""
        if len(rows) and how != "allowed":
            inner = far.only(np.asarray(rows, dtype=np.int64))
            inner.report(
                np.ones(inner.n, dtype=bool),
                message,
                found=inner.values(self.point),
                severity="blocking" if how == "blocking" else "warning",
                variable=self.point.name,
            )


__all__ = ["Pieces", "SplitInterval", "split_intervals"]
