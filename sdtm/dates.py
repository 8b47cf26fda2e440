"""--DTC: ISO 8601 character dates of what was collected, as precise as it was collected and no more.

Nothing is imputed. An unknown day or month is left out from the right, an unknown month before a known day is a
hyphen; a date without a time stays a date.

Sources: SDTMIG 3.4 sections 4.4.1 and 4.4.2.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from engine.dates import spans
from engine.run.at import At
from engine.spec.binding import LISTED
from engine.spec.refs import DateRef, VariableRef
from engine.spec.registry import Params, verb


@verb(
    "iso8601",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.4.2",
    says="{of} in ISO 8601, to the precision collected",
    example="AESTDTC: {iso8601: [ae.AESTDAT, ae.AESTTIM]}",
)
class Iso8601(Params):
    """A date and, where given, its time, read by the formats that the raw layout declares for them.

    `not_after` names a date, such as the cut-off: what cannot have been on or before it is left out, since it has not
    happened yet. A partial date stays when its earliest possible day is not later.
    """

    value_is = "read"
    of: Annotated[list[DateRef], LISTED] = Field(min_length=1, max_length=2)
    date_only: str = ""
    not_after: VariableRef | None = None

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        values = at.dtc(self.of[0], self.of[1] if len(self.of) == 2 else None)
        if self.not_after is not None:
            late = spans(values).first > spans(at.values(self.not_after)).last
            values = values.where(pd.Series(~late))
        return values.str.slice(0, 10) if self.date_only == "true" else values


def plus_days(dtc: pd.Series, days: pd.Series) -> pd.Series:
    """The calendar date so many days after each date; missing where the date is not complete to the day.

    Args:
        dtc: n ISO 8601 texts; a time part is ignored.
        days: n numbers of days, negative ones before the date.

    Returns:
        n ISO 8601 dates without a time, on a fresh index.
    """
    moved = spans(dtc).complete + days.to_numpy(dtype=np.float64)
    start = np.datetime64("1960-01-01", "D")  # SAS day 0
    known = np.where(np.isnan(moved), 0, moved).astype(np.int64)
    text = (start + known.astype("timedelta64[D]")).astype(str)
    return pd.Series(text, dtype="str").where(pd.Series(~np.isnan(moved)))


@verb(
    "plus_days",
    reads="of",
    scope="record",
    says="{of} plus {days} days",
    example="X: {plus_days: DM.RFXENDTC, days: 1}",
)
class PlusDays(Params):
    """The calendar date so many days after a date; null for partial dates. `days` is a number or names one."""

    of: VariableRef
    days: float | VariableRef

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        days = at.number(self.days) if isinstance(self.days, VariableRef) else at.constant(self.days)
        return plus_days(at.values(self.of), days)
