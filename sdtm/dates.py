"""--DTC: ISO 8601 character dates of what was collected, as precise as it was collected and no more.

Nothing is imputed. An unknown day or month is left out from the right, an unknown month before a known day is a
hyphen; a date without a time stays a date.

Sources: SDTMIG 3.4 sections 4.4.1 and 4.4.2.
"""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
from pydantic import BeforeValidator, Field

from engine.run.at import At
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


@verb(
    "iso8601",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.4.2",
    says="{of} in ISO 8601, to the precision collected",
    example="AESTDTC: {iso8601: [ae.AESTDAT, ae.AESTTIM]}",
)
class Iso8601(Params):
    """A date and, where given, its time, read by the formats that the raw layout declares for them."""

    of: Annotated[list[VariableRef], BeforeValidator(_listed)] = Field(min_length=1, max_length=2)
    date_only: str = ""

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        values = at.dtc(self.of[0], self.of[1] if len(self.of) == 2 else None)
        return values.str.slice(0, 10) if self.date_only == "true" else values
