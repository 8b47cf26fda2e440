"""Verbatim text in English: as the site wrote it, else by the study's table of translations.

Only English leaves this module. The original stays in the raw record, which every value can be followed back to.

Sources: SDTMIG 3.4 section 4.2.4 (text is submitted in English); FDA Study Data Technical Conformance Guide (ASCII).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from engine.errors import DataError, Problem
from engine.run.at import At
from engine.spec.binding import LISTED
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb


@verb(
    "translate",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.2.4",
    says="The first present of {of}, as written where it is English, else its translation by exact look-up in {table}",
    example="AETERM: {translate: [ae.AETERM, ae.AETERMZH], missing: blocking}",
)
class Translate(Params):
    """English text. The first reference that is present counts; text in ASCII spelling is taken as it stands.

    Other text is looked up, exactly, by its field (`AE.AETERMZH`) and itself, first under its own field, then under
    the other fields of the list. Text that has no translation is a blocking issue and missing. `table` has the columns
    `field`, `from` and `to`.
    """

    value_is = "read"
    of: Annotated[list[VariableRef], LISTED] = Field(min_length=1, max_length=5)
    table: str = Field("translations", alias="in")
    by: str = Field("field", alias="field")
    source: str = Field("zh", alias="from")
    target: str = Field("en", alias="to")

    def tables(self) -> tuple[str, ...]:
        """See Params."""
        return (self.table,)

    def more_references(self) -> tuple[VariableRef, ...]:
        """See Params."""
        return tuple(VariableRef(self.table, c) for c in (self.by, self.source, self.target))

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        result, open_ = at.constant(None), np.ones(at.n, dtype=bool)
        known = self._known(at)
        for ref in self.of:
            values = at.text(ref)
            here = open_ & values.notna().to_numpy(dtype=bool)
            open_ &= ~here
            ascii_ = values.str.isascii().to_numpy(dtype=bool, na_value=True)
            fields = [ref, *(r for r in self.of if r != ref)]
            found = values.where(pd.Series(ascii_))
            for field in fields:
                found = found.where(found.notna(), values.map(known.get(_field(field), {})).astype("str"))
            lost = here & found.isna().to_numpy(dtype=bool)
            file = at.file_of(self.table)
            at.report(
                lost,
                f"{ref} has no translation in {file}",
                found=values,
                severity="blocking",
                reads=[ref],
                ask_else=f"For whoever keeps {file}: please add the translation of this text.",
            )
            result = result.where(pd.Series(~here), found)
        return result

    def _known(self, at: At) -> dict[str, dict[str, str]]:
        """Translations by field and text."""
        far = at.far(self.table)
        columns = [far.text(VariableRef(self.table, c)) for c in (self.by, self.source, self.target)]
        rows = pd.DataFrame(dict(enumerate(columns))).dropna().drop_duplicates()
        several = rows[rows.duplicated([0, 1])]
        if len(several):
            raise DataError(
                Problem(
                    f"{self.table} translates one text of {several[0].iloc[0]} in two ways",
                    found=f"{several[1].iloc[0]}: {several[2].iloc[0]}, and another",
                    do="keep one of them",
                )
            )
        return {str(field): dict(zip(part[1], part[2], strict=True)) for field, part in rows.groupby(0)}


def _field(ref: VariableRef) -> str:
    """The name of a field in the table of translations."""
    return f"{str(ref.source).upper()}.{ref.name}"
