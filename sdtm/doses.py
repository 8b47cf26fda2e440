"""The dose that a sample is timed against: --RFTDTC, from the intervals of dosing."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from engine.dates import spans
from engine.run.at import At
from engine.run.tables import take_values
from engine.spec.binding import LISTED
from engine.spec.expressions import Expression
from engine.spec.refs import DateRef, FarRef
from engine.spec.registry import Params, verb


@verb(
    "dose_of_day",
    reads="of",
    scope="subject",
    source="SDTMIG 3.4 section 4.4.10",
    says="Start of the subject's interval of dosing ({start} to {end}) that covers the day of {of}[, of the day before "
    "where {day_before}][; a time also from {recorded}]; the date where no time of that day was recorded",
    example="PCRFTDTC: {dose_of_day: PCDTC, start: EX.EXSTDTC, end: EX.EXENDTC, day_before: \"PCTPT == '24H'\"}",
)
class DoseOfDay(Params):
    """Date-time of the subject's dose of a day, or its date when no time was recorded; null when none was taken.

    The day is that of the first present date of `of`. An interval without an end is open. Of several intervals that
    cover the day, one that starts on it with a time goes first; without one, the earliest time that `recorded` (a date
    and its time in another source) has for the day counts.
    """

    of: Annotated[list[DateRef], LISTED] = Field(min_length=1)
    start: FarRef
    end: FarRef
    recorded: list[FarRef] = Field([], max_length=2)
    day_before: Expression | None = None

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        assert self.start.source is not None
        dates = at.dtc(self.of[0])
        for ref in self.of[1:]:
            dates = dates.where(dates.notna(), at.dtc(ref))
        days = spans(dates).complete
        if self.day_before is not None:
            days = days - at.test(self.day_before)
        far = at.far(self.start.source)
        begin, end = far.values(self.start), far.values(self.end)
        first, last = spans(begin).complete, spans(end).last
        known = (far.subject >= 0) & ~np.isnan(first)
        intervals = pd.DataFrame(
            {"who": far.subject, "begin": begin, "first": first, "last": np.where(np.isnan(last), np.inf, last)}
        )[known]
        wanted = pd.DataFrame({"who": at.subject, "day": days})
        group = wanted.groupby(["who", "day"], sort=False, dropna=False).ngroup().to_numpy()
        distinct = wanted.drop_duplicates().reset_index(drop=True)
        pairs = distinct.reset_index(names="row").merge(intervals, on="who")
        pairs = pairs[(pairs["first"] <= pairs["day"]) & (pairs["day"] <= pairs["last"])]
        timed = (pairs["first"] == pairs["day"]) & (pairs["begin"].str.len() > 10)
        date = (pd.Timestamp("1960-01-01") + pd.to_timedelta(pairs["day"], unit="D")).dt.strftime("%Y-%m-%d")
        pairs = pairs.assign(rank=~timed, given=pairs["begin"].where(timed, date))
        chosen = pairs.sort_values(["row", "rank", "begin"], kind="stable").drop_duplicates("row")
        place = np.full(len(distinct), -1, dtype=np.int64)
        place[chosen["row"].to_numpy()] = np.arange(len(chosen))
        given = self._timed(at, distinct.iloc[chosen["row"]].reset_index(drop=True), chosen["given"].astype("str"))
        return take_values(given, place[group])

    def _timed(self, at: At, wanted: pd.DataFrame, given: pd.Series) -> pd.Series:
        """`given`, a date replaced by the date-time that `recorded` has for that subject and day."""
        given = given.reset_index(drop=True)
        if not self.recorded:
            return given
        assert self.recorded[0].source is not None
        far = at.far(self.recorded[0].source)
        dtc = far.dtc(*self.recorded)
        times = pd.DataFrame({"who": far.subject, "day": spans(dtc).complete, "dtc": dtc})
        times = times[dtc.str.len() > 10].sort_values(["who", "day", "dtc"]).drop_duplicates(["who", "day"])
        more = wanted.merge(times, how="left", on=["who", "day"])["dtc"]
        return given.where((given.str.len() > 10) | more.isna(), more)
