"""Relations between records of datasets: which variable of one dataset holds the values of a variable of another.

Sources: SDTMIG 3.4 sections 8.2 (relating records) and 8.3 (relating datasets).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, StringConstraints, model_validator

from engine.run.at import At
from engine.spec.binding import Model
from engine.spec.refs import VariableRef
from engine.spec.registry import Made, RecordParams, record_verb
from engine.standards import load_terminology

COLUMNS = ("RDOMAIN", "IDVAR", "IDVARVAL", "RELTYPE", "RELID")
RELTYPE, ONE = "C78737", "C66832"


class Relation(Model):
    """Records of two datasets belong together where a subject has the same value of two variables.

    Related as datasets (RELTYPE for each of the two), or record by record with `level: records`.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,8}$")]
    of: VariableRef
    to: VariableRef
    type: list[str] = []
    level: Literal["datasets", "records"] = "datasets"

    @model_validator(mode="after")
    def _whole(self) -> Relation:
        if not self.of.source or not self.to.source:
            raise ValueError("name the datasets too, as in AE.AESPID")
        if len(self.type) != (2 if self.level == "datasets" else 0):
            raise ValueError("datasets have a type each, as in type: [ONE, MANY]; records have none")
        return self

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        return f"{self.id}: {self.of} and {self.to}"


@record_verb(
    "relations",
    reads="relations",
    says="Two records for each relation that has any related records: {relations}",
    gives="relation",
    columns=COLUMNS,
    source="SDTMIG 3.4 sections 8.2 and 8.3",
    starts=True,
    example="relations: [{id: AECM, of: AE.AESPID, to: CM.CMSPID, type: [ONE, MANY]}]",
)
class Relations(RecordParams):
    """Two records, one a side, for each relation: `relation.RDOMAIN`, `relation.IDVAR` and so on.

    Of datasets there are two in all, of no subject, with RELTYPE; of records (`level: records`) two for each value
    that a subject has on both sides, RELID being the relation's id and the value. A relation without related records
    gives none. Listed are: records of the second dataset whose value no record of the first has, and records of a side
    of type ONE that share their value.
    """

    stated_columns = COLUMNS
    relations: list[Relation] = Field(min_length=1)

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return tuple(dict.fromkeys(str(r.source) for each in self.relations for r in (each.of, each.to)))

    def make(self, at: At) -> Made:
        """See RecordParams."""
        version = at.study.file.standards.sdtm_terminology
        codelist = load_terminology("SDTM", version).codelist(RELTYPE)
        one = codelist.by_code(ONE).value if codelist is not None else ""
        frames = [_related(at, relation, one) for relation in self.relations]
        made = pd.concat(frames, ignore_index=True)
        columns = {c: made[c].astype("str") for c in COLUMNS}
        return Made(np.full(len(made), -1, dtype=np.int64), columns, subjects=made["who"].to_numpy(dtype=np.int64))


def _related(at: At, relation: Relation, one: str) -> pd.DataFrame:
    """The records of one relation: the columns of COLUMNS and the subject's code, -1 for none."""
    first, second = (_values(at, ref) for ref in (relation.of, relation.to))
    known = first[["who", "value"]].drop_duplicates()
    met = second.merge(known, how="left", on=["who", "value"], indicator=True, sort=False)
    lost = second[(met["_merge"] == "left_only").to_numpy(dtype=bool)]
    _report(at, relation.to, lost, f"no record of {relation.of.source} of the subject has this {relation.of.name}")
    for ref, side, kind in zip((relation.of, relation.to), (first, second), relation.type, strict=False):
        if kind == one:
            again = side[side.duplicated(["who", "value"], keep=False)]
            _report(at, ref, again, f"several records of the subject have this {ref.name}, which identifies one")
    shared = known.merge(second[["who", "value"]].drop_duplicates(), on=["who", "value"], sort=False)
    if relation.level == "datasets":
        shared = pd.DataFrame({"who": [-1], "value": [None]}) if len(shared) else shared.iloc[:0]
    types = relation.type or [None, None]
    sides = [
        pd.DataFrame(
            {
                "who": shared["who"].to_numpy(dtype=np.int64),
                "RDOMAIN": ref.source,
                "IDVAR": ref.name,
                "IDVARVAL": shared["value"].to_numpy(dtype=object),
                "RELTYPE": kind,
                "RELID": [relation.id + (v or "") for v in shared["value"]],
            },
            dtype=object,
        )
        for ref, kind in zip((relation.of, relation.to), types, strict=True)
    ]
    return pd.concat(sides, ignore_index=True)


def _values(at: At, ref: VariableRef) -> pd.DataFrame:
    """The records of a dataset that have a value of the variable: whose they are, the value, their position."""
    far = at.far(str(ref.source))
    frame = pd.DataFrame({"who": far.subject, "value": far.text(ref), "row": np.arange(far.n, dtype=np.int64)})
    return frame[frame["who"] >= 0].dropna().reset_index(drop=True)


def _report(at: At, ref: VariableRef, records: pd.DataFrame, message: str) -> None:
    far = at.far(str(ref.source)).only(records["row"].to_numpy(dtype=np.int64))
    every = np.ones(far.n, dtype=bool)
    far.report(every, message, found=records["value"].reset_index(drop=True), variable=ref.name)
