"""Visits: the planned and the unscheduled ones of SV, and VISITNUM, VISIT and VISITDY of every other dataset.

A record belongs to the planned visit under which it was collected; without one, to the planned visit of its calendar
date; without that, to the subject's unscheduled visit of that date. Every dated source that can hold such records is
named in SV's spec, so that a date has one number across all datasets. How the numbers come about stands in
visit_records.py.

Sources: SDTMIG 3.4 sections 4.4.5 (visits) and 5.4 (SV).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError, Problem
from engine.run.at import At
from engine.run.run import Run
from engine.run.tables import Positions, Records, take, take_values
from engine.spec.refs import DateRef, VariableRef
from engine.spec.registry import Params, verb

PLANNED, ATTEMPT, UNPLANNED = "PLANNED", "ATTEMPT", "UNPLANNED"  # visit.KIND: what made the record of SV
COLUMNS = ("KIND", "OID", "NUM", "NAME", "DAY", "PHASE", "DATE", "DUE", "REASON")


@dataclass(slots=True)
class Visits:
    """The subjects' visits as far as they exist: v visits."""

    frame: pd.DataFrame  # who, part (participation), primary, kind, oid, num, date (complete days only)

    @classmethod
    def of(cls, run: Run, records: Records) -> Visits:
        """The visits that records of SV stand for.

        Raises:
            DataError: the records were not made by the verbs of visits.
        """
        made = records.made
        if "visit.KIND" not in made:
            raise DataError(
                Problem("the records of SV do not say which visits they are", do="make them with planned_visits")
            )
        part = records.sources.get("participation", np.full(records.n, -1, dtype=np.int64))
        return cls(
            pd.DataFrame(
                {
                    "who": records.subject,
                    "part": part,
                    "kind": made["visit.KIND"],
                    "oid": made["visit.OID"],
                    "num": made["visit.NUM"],
                    "date": whole_date(made["visit.DATE"]),
                }
            )
        )

    def find(self, at: At, dates: pd.Series, oids: pd.Series) -> Positions:
        """The visit of each record of `at`, -1 where none; the first that applies wins.

        1. of an earlier participation: its screening attempt;
        2. the planned visit under whose identifier the record was collected, of the same participation;
        3. the planned visit of the calendar date, the lowest number first;
        4. the unscheduled visit of the calendar date.

        Args:
            at: n records.
            dates: complete dates of the n records, missing for partial ones.
            oids: identifiers of the visits under which they were collected, missing where none.
        """
        part = at.records.sources.get("participation", np.full(at.n, -1, dtype=np.int64))
        left = pd.DataFrame({"who": at.subject, "part": part, "oid": oids, "date": dates})
        order = self.frame.sort_values(["num", "date"], kind="stable", na_position="last")
        kind = order["kind"]
        steps = (
            (order[kind == ATTEMPT], ["part"]),
            (order[kind == PLANNED], ["part", "oid"]),
            (order[kind == PLANNED], ["who", "date"]),
            (order[kind == UNPLANNED], ["who", "date"]),
        )
        found = np.full(at.n, -1, dtype=np.int64)
        for visits, keys in steps:
            known = visits.dropna(subset=keys).drop_duplicates(keys).reset_index(names="at")
            if "part" in keys:
                known = known[known["part"] >= 0]
            hit = left.merge(known[[*keys, "at"]], how="left", on=keys, sort=False)["at"]
            found = np.where(found < 0, hit.fillna(-1).to_numpy(dtype=np.int64), found)
        return found


def whole_date(dtc: pd.Series) -> pd.Series:
    """The calendar date of ISO 8601 texts that are complete to the day; missing for partial ones."""
    text = dtc.str.slice(0, 10)
    return text.where((text.str.len() == 10) & ~text.str.contains("--", regex=False).fillna(False).astype(bool))


@verb(
    "visit_number",
    reads="dtc",
    scope="subject",
    source="SDTMIG 3.4 section 4.4.5",
    says="VISITNUM of the subject's visit (SV) under which the record was collected, else of the visit on {dtc}",
    example="VISITNUM: {visit_number: LBDTC, oid: labc.VISITOID}",
)
class VisitNumber(Params):
    """VISITNUM of the subject's visit to which a record belongs.

    The first that applies: the screening attempt, for records of an earlier participation; the planned visit whose
    identifier is `oid`, of the same participation; the planned visit on the date; the unscheduled visit on the date.
    A dated record for which SV has none is listed: its source is then missing among the dated sources of SV.
    """

    dtc: DateRef
    oid: VariableRef | None = None

    def more_references(self) -> tuple[VariableRef, ...]:
        """See Params."""
        return (VariableRef("SV", "VISITNUM"),)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        far = at.far("SV")
        dates = at.values(self.dtc)
        oids = at.text(self.oid) if self.oid is not None else at.constant(None)
        found = Visits.of(at.run, far.records).find(at, whole_date(dates), oids)
        at.report(
            (found < 0) & dates.notna().to_numpy(),
            "no visit of the subject is known for this date",
            found=dates,
        )
        return take_values(far.number(VariableRef("SV", "VISITNUM")), found)


@verb(
    "from_visit",
    reads="number",
    scope="subject",
    source="SDTMIG 3.4 section 4.4.5",
    says="{give} of the subject's visit (SV) with that {number}",
    example="VISIT: {from_visit: VISITNUM, give: VISIT}",
)
class FromVisit(Params):
    """A variable of the subject's visit (SV) that has the number."""

    number: VariableRef
    give: str

    def more_references(self) -> tuple[VariableRef, ...]:
        """See Params."""
        return (VariableRef("SV", "VISITNUM"), VariableRef("SV", self.give))

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        far = at.far("SV")
        visits = pd.DataFrame({"who": far.subject, "num": far.number(VariableRef("SV", "VISITNUM"))}).dropna()
        visits = visits.drop_duplicates().reset_index(names="at")
        left = pd.DataFrame({"who": at.subject, "num": at.number(self.number)})
        hit = left.merge(visits, how="left", on=["who", "num"], sort=False)["at"]
        found = np.where(left["num"].notna(), hit.fillna(-1), -1).astype(np.int64)
        return take_values(far.values(VariableRef("SV", self.give)), found)


def primary(run: Run, part: Positions) -> np.ndarray:
    """Whether each participation is its person's primary one; records of no participation count as such."""
    flags = (run.tables["participation"].columns["PRIMARY"] == "Y").to_numpy(dtype=bool)
    return np.where(part >= 0, take(flags.astype(np.int64), part) == 1, True)
