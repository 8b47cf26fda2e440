"""Comments and the records that they are about: a collected form and record number become RDOMAIN, IDVAR, IDVARVAL.

A comment names a record of the case report form; every record of a dataset knows the raw record that it was made
from, and so can be found. The text of the comment is the business of the spec.

Sources: SDTMIG 3.4 section 5.1 (CO).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from engine.errors import DataError, Problem
from engine.numbers import number_texts, rank, to_numbers
from engine.run.at import At
from engine.run.tables import Positions, take
from engine.spec.binding import Model
from engine.spec.refs import VariableRef
from engine.spec.registry import Made, RecordParams, record_verb


class Target(Model):
    """What a comment on a form is about: records of a dataset that come from `source`, identified by `by`.

    With `dataset` alone it is about the subject as a whole, as where the dataset has one record a subject.
    """

    source: str = ""
    by: VariableRef | None = None
    dataset: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> Target:
        whole = bool(self.dataset) and not self.source and self.by is None
        single = bool(self.source) and self.by is not None and bool(self.by.source) and not self.dataset
        if not whole and not single:
            raise ValueError("write  {source: FORM, by: DATASET.VARIABLE}  or  {dataset: DATASET}")
        return self

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        return str(self.by) if self.by is not None else self.dataset


@record_verb(
    "commented",
    says="the record commented on, by its form and number: {on}; comments on records after the cut-off are removed",
    gives="commented",
    columns=("RDOMAIN", "IDVAR", "IDVARVAL"),
    source="SDTMIG 3.4 section 5.1",
    example="commented: {form: comm.COMFORM, record: comm.COMREC, on: {DOSE: {source: dose, by: EC.ECSEQ}}}",
)
class Commented(RecordParams):
    """Find the record that a comment is about: `commented.RDOMAIN`, `commented.IDVAR`, `commented.IDVARVAL`.

    `on` gives for each form, as the comment names it, the source of its records and the variable that identifies a
    record made of them; where one raw record became several, the lowest value counts. The comment and the record are
    of the same participation. A comment whose record was removed as after the cut-off is removed with it; one whose
    record or form is not found stays as a comment on the subject and is listed.
    """

    form: VariableRef
    record: VariableRef
    on: dict[str, Target] = Field(min_length=1)

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return tuple(dict.fromkeys(t for each in self.on.values() for t in (each.source, each.dataset) if t))

    def make(self, at: At) -> Made:
        """See RecordParams."""
        forms, numbers = at.text(self.form), _plain_number(at.text(self.record))
        columns = {c: np.full(at.n, None, dtype=object) for c in ("RDOMAIN", "IDVAR", "IDVARVAL")}
        kept = np.ones(at.n, dtype=bool)
        found = np.zeros(at.n, dtype=bool)
        for form, target in self.on.items():
            rows = np.flatnonzero((forms == form).to_numpy(dtype=bool, na_value=False))
            if not len(rows):
                continue
            if target.by is None:
                columns["RDOMAIN"][rows] = target.dataset
                found[rows] = True
                continue
            raw = _raw_record(at.only(rows), target.source, numbers.iloc[rows])
            values, removed = _identified(at, target, raw)
            there = values.notna().to_numpy(dtype=bool)
            hit = rows[there]
            columns["RDOMAIN"][hit], columns["IDVAR"][hit] = target.by.source, target.by.name
            columns["IDVARVAL"][hit] = values[there].to_numpy(dtype=object)
            found[hit] = True
            kept[rows[removed]] = False
        unknown = (forms.notna() & ~forms.isin(list(self.on))).to_numpy(dtype=bool)
        at.report(unknown, "no dataset is known to hold the form commented on", found=forms, variable="IDVAR",
                  reads=[self.form])
        lost = forms.notna().to_numpy(dtype=bool) & ~unknown & ~found & kept
        said = forms.fillna("") + " " + at.text(self.record).fillna("without a number")
        at.report(lost, "the record commented on is not in the package", found=said, variable="IDVAR",
                  reads=[self.form, self.record])
        chosen = np.flatnonzero(kept)
        return Made(chosen, {c: pd.Series(v[chosen], dtype="str") for c, v in columns.items()})


def _plain_number(texts: pd.Series) -> pd.Series:
    """Record numbers as plain text, whatever their spelling (`1`, `01`, `1.0`)."""
    numbers, bad = to_numbers(texts)
    return number_texts(numbers).where(pd.Series(~bad), texts.str.strip())


def _raw_record(at: At, source: str, numbers: pd.Series) -> Positions:
    """Position in the raw source of the record of that number and the same participation; -1 where none."""
    column = at.study.raw.roles.record
    far = at.far(source)
    if column is None or "participation" not in far.records.sources:
        raise DataError(
            Problem(f"the records of {source} have no numbers", do="name their column under roles: of raw.yaml")
        )
    there = pd.DataFrame(
        {"part": far.records.sources["participation"], "number": _plain_number(far.text(VariableRef(source, column)))}
    )
    there = there[there["part"] >= 0].dropna().drop_duplicates(["part", "number"]).reset_index(names="at")
    part = at.records.sources.get("participation", np.full(at.n, -1, dtype=np.int64))
    here = pd.DataFrame({"part": part, "number": numbers.reset_index(drop=True)})
    return here.merge(there, how="left", on=["part", "number"], sort=False)["at"].fillna(-1).to_numpy(dtype=np.int64)


def _identified(at: At, target: Target, raw: Positions) -> tuple[pd.Series, np.ndarray]:
    """For each raw record the value that identifies its record in the dataset, and whether the cut removed it."""
    assert target.by is not None and target.by.source is not None
    table = at.run.table(target.by.source)
    far = at.far(target.by.source)
    if target.source not in far.records.sources:
        if far.n:
            raise DataError(Problem(f"no record of {target.by.source} comes from {target.source}"))
        return pd.Series([None] * len(raw), dtype="str"), _cut(table, target.source, raw)
    values = far.text(target.by)
    made = pd.DataFrame({"raw": far.records.sources[target.source], "value": values, "rank": rank(values)})
    made = made[made["raw"] >= 0].dropna().sort_values(["raw", "rank"], kind="stable").drop_duplicates("raw")
    found = pd.Series(raw).map(made.set_index("raw")["value"]).astype("str")
    return found, _cut(table, target.source, raw) & found.isna().to_numpy(dtype=bool)


def _cut(table: object, source: str, raw: Positions) -> np.ndarray:
    """Whether records made of each raw record existed before the cut and are gone after it."""
    before, kept = getattr(table, "all_records", None), getattr(table, "kept", None)
    if before is None or kept is None or source not in before.sources:
        return np.zeros(len(raw), dtype=bool)
    rows = before.sources[source]
    gone = np.setdiff1d(np.delete(rows, kept), take(rows, kept))
    return np.isin(raw, gone[gone >= 0])
