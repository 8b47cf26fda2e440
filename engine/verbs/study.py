"""Values that all subjects together give: how many there are, the earliest date among them.

They stand in records of no subject, as in the trial summary; what one subject's records give is in picks.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.run.at import At
from engine.spec.expressions import FarExpression
from engine.spec.refs import FarRef, VariableRef
from engine.spec.registry import Params, verb


@verb(
    "count_subjects",
    reads="of",
    scope="study",
    says="Number of subjects of the study with a record of {of}[ where {where}][ with the same {match}]",
    example="TSVAL: {count_subjects: DS, where: \"DS.DSDECOD == 'ENTERED INTO TRIAL'\"}",
)
class CountSubjects(Params):
    """How many subjects of the study have such a record; the same number for every record, 0 when none has.

    Names in `where` carry the dataset's prefix. `match` counts for each record only those whose variables equal the
    stated values, as the subjects of its site; a record without one of these values gets 0.
    """

    of: str
    where: FarExpression | None = None
    match: dict[str, VariableRef] = {}

    def tables(self) -> tuple[str, ...]:
        """See Params."""
        return (self.of,)

    def more_references(self) -> tuple[VariableRef, ...]:
        """See Params."""
        return tuple(VariableRef(self.of, name) for name in self.match)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        far = at.far(self.of)
        counted = far.test(self.where) & (far.subject >= 0)
        if not self.match:
            return at.constant(float(len(np.unique(far.subject[counted]))))
        names = list(self.match)
        values = pd.DataFrame({name: far.text(VariableRef(self.of, name)) for name in names})
        once = values.assign(who=far.subject)[counted].dropna().drop_duplicates()
        numbers = once.groupby(names, as_index=False).size()
        own = pd.DataFrame({name: at.text(ref) for name, ref in self.match.items()})
        found = own.merge(numbers, on=names, how="left", sort=False)["size"]
        return found.where(own.notna().all(axis=1), np.nan).fillna(0.0).astype("float64")


@verb(
    "earliest_in_study",
    reads="of",
    scope="study",
    says="The earliest {of} of all subjects[ where {where}]",
    example="TSVAL: {earliest_in_study: DM.RFICDTC}",
)
class EarliestInStudy(Params):
    """The lowest value of a variable over the records of all subjects; missing when there is none.

    Names in `where` carry the dataset's prefix.
    """

    of: FarRef
    where: FarExpression | None = None

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        far = at.far(str(self.of.source))
        values = far.values(self.of)[far.test(self.where)].dropna()
        return at.constant(values.min() if len(values) else None)
