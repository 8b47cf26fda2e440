"""Age in completed years, from dates of birth that may lack the day.

Sources: SDTMIG 3.4 section 5.2 (DM assumption 6: AGE is derived when only the date of birth is collected).
"""

from __future__ import annotations

import pandas as pd
from pydantic import Field

from engine.numbers import by_distinct
from engine.run.at import At
from engine.spec.refs import DateRef
from engine.spec.registry import Params, verb


def completed_years(birth: pd.Series, at: pd.Series, day: int) -> pd.Series:
    """Years completed between a date of birth and another date.

    Args:
        birth: n ISO 8601 texts; where only year and month are known, the day is taken as `day`.
        at: n ISO 8601 texts, complete to the day; a time part is ignored.
        day: of the month.

    Returns:
        float64, n ages; missing where the month of birth or the day of the other date is not known.
    """

    def one(pair: str) -> float | None:
        born, then = (text.split("T")[0] for text in pair.split("|"))
        born = f"{born}-{day:02d}" if len(born) == 7 else born
        if len(born) != 10 or len(then) != 10 or "--" in born + then:
            return None
        return float(int(then[:4]) - int(born[:4]) - (then[5:] < born[5:]))

    pairs = birth + "|" + at
    return by_distinct(pairs, one, "float64")


@verb(
    "age",
    reads="birth",
    scope="record",
    source="SDTMIG 3.4 section 5.2",
    says="Completed years from {birth} to {to}; a birth date without its day counts as day {day} of the month",
    example="AGE: {age: BRTHDTC, to: RFICDTC, day: 15}",
)
class Age(Params):
    """Age in completed years; null where the month of birth, or the day of the other date, is not known."""

    birth: DateRef
    to: DateRef
    day: int = Field(ge=1, le=28)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        return completed_years(at.values(self.birth), at.values(self.to), self.day)
