"""Analysis windows: the row of a study's table whose bounds hold a number, such as the visit of a study day.

Sources: ADaMIG 1.3 section 4.5.1 (AVISIT, AWTARGET, AWRANGE).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import Field

from engine.errors import DataError, Problem
from engine.numbers import to_numbers
from engine.run.at import At
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb


@verb(
    "window",
    reads="of",
    scope="record",
    says="{give} of the row of {table} with {of} from {lowest} to {highest}; null where none has it",
    source="ADaMIG 1.3 section 4.5.1",
    example="AVISIT: {window: ADY, in: analysis_windows, from: FROM, to: TO, give: AVISIT}",
)
class Window(Params):
    """A column of the row whose bounds, both included, hold the number; null where no row does.

    Rows of the table (tables/NAME.csv) without both bounds are no windows. Windows that overlap are an error.
    """

    of: VariableRef
    table: str = Field(alias="in")
    lowest: str = Field(alias="from")
    highest: str = Field(alias="to")
    give: str

    def tables(self) -> tuple[str, ...]:
        """See Params."""
        return (self.table,)

    def columns_read(self) -> dict[str, tuple[str, ...]]:
        """See Params."""
        return {self.table: (self.lowest, self.highest, self.give)}

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        frame = at.study.lookup(self.table)
        bounds = pd.DataFrame({"give": frame[self.give]})
        for name in (self.lowest, self.highest):
            numbers, bad = to_numbers(frame[name])
            if bad.any():
                raise DataError(
                    Problem(f"tables/{self.table}.csv: {name} is no number", found=str(frame[name][bad].iloc[0]))
                )
            bounds[name] = numbers
        bounds = bounds.dropna(subset=[self.lowest, self.highest]).sort_values(self.lowest, kind="stable")
        low, high = bounds[self.lowest].to_numpy(), bounds[self.highest].to_numpy()
        if (low > high).any() or (low[1:] <= high[:-1]).any():
            raise DataError(Problem(f"tables/{self.table}.csv: a window is empty or overlaps the one before it"))
        values = at.number(self.of).to_numpy()
        place = np.searchsorted(low, values, side="right") - 1  # NaN sorts behind all
        inside = (place >= 0) & (values <= np.append(high, np.nan)[place])
        given = pd.array([*bounds["give"], None], dtype="str")
        return pd.Series(given.take(np.where(inside, place, len(low))), dtype="str")
