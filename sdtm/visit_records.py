"""Records of SV: planned visits as the plan names them, earlier screening attempts, and unscheduled dates.

The plan is a table of the study (tables/NAME.csv) with the columns VISITOID, VISITNUM, VISIT, VISITDY and PHASE, and
DUEFROM and DUEDAY where a visit that was not done has to be placed in time. The verbs make no choice of what exists
after the end of treatment, death or the cut-off: that is said with `where` on visit.DUE.

Sources: SDTMIG 3.4 sections 4.4.5 (numbering of unplanned visits) and 5.4 (SV).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from engine.dates import spans
from engine.errors import DataError, Problem
from engine.numbers import number_texts, rank, to_numbers
from engine.run.at import At
from engine.run.tables import Positions, Records, Table, take, take_values
from engine.spec.binding import LISTED, Model
from engine.spec.expressions import Expression
from engine.spec.refs import DateRef, VariableRef
from engine.spec.registry import Made, RecordParams, record_verb
from engine.verbs.records import Join
from sdtm.dates import plus_days
from sdtm.visits import ATTEMPT, COLUMNS, PLANNED, UNPLANNED, Visits, primary, whole_date

STEP = 0.01  # between unscheduled visits after the same planned visit; SDTMIG 3.4 section 4.4.5 leaves the step open
MOST = 99  # unscheduled visits that fit between two planned ones


Refs = Annotated[list[VariableRef], LISTED]


@record_verb(
    "planned_visits",
    says="once for each visit of the plan ({plan})",
    source="SDTMIG 3.4 section 5.4",
    gives="visit",
    columns=COLUMNS,
    example="planned_visits: {plan: visits, oid: visdt.VISITOID, date: visdt.VISDAT, ties: visdt.RECNO}",
)
class PlannedVisits(RecordParams):
    """The records that stand for a visit of the plan, one for each visit of a participation, with the plan's facts.

    `date` counts where `done` holds. visit.DUE is that date, else the day on which the plan expected the visit: DUEDAY
    days after the date that `anchors` gives for DUEFROM. Identifiers in `other` are no visits of the plan; any further
    one is listed. Of several records for one visit the earliest stays, by date and then `ties`; the others are listed.
    """

    plan: str
    oid: VariableRef
    date: DateRef
    done: Expression | None = None
    anchors: dict[str, VariableRef] = {}
    other: Annotated[list[str], LISTED] = []
    ties: Refs

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return (self.plan,)

    def made_of(self, column: str) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        return {"DATE": (self.date,), "NUM": (self.oid,), "NAME": (self.oid,), "DAY": (self.oid,)}.get(column, ())

    def make(self, at: At) -> Made:
        """See RecordParams."""
        plan = _plan(at, self.plan)
        oids = at.text(self.oid)
        strange = oids.notna() & ~oids.isin([*plan.index, *self.other])
        lost = strange.to_numpy(dtype=bool)
        message = f"not a visit of tables/{self.plan}.csv"
        at.report(lost, message, found=oids, variable="VISIT", reads=[self.oid])
        rows = np.flatnonzero(oids.isin(plan.index))
        seen = at.only(rows)
        oids = take_values(oids, rows)
        dates = seen.dtc(self.date).where(pd.Series(seen.test(self.done)))
        part = seen.records.sources.get("participation", np.full(len(rows), -1, dtype=np.int64))
        order = pd.DataFrame({"part": part, "who": seen.subject, "oid": oids, "r": rank(dates.fillna("9999"))})
        order = order.assign(**{f"t{i}": rank(seen.values(r)) for i, r in enumerate(self.ties)})
        ordered = order.sort_values(["r", *(c for c in order if c.startswith("t"))], kind="stable")
        again = ordered.duplicated(["part", "who", "oid"]).sort_index().to_numpy()
        message = "several records for one planned visit"
        seen.report(again, message, found=oids, variable="VISIT", reads=[self.oid, self.date])
        kept = np.flatnonzero(~again)
        facts = plan.loc[oids.iloc[kept]].reset_index(drop=True)
        dates = take_values(dates, kept)
        made = {
            "KIND": pd.Series([PLANNED] * len(kept), dtype="str"),
            "OID": facts["VISITOID"],
            "NUM": facts["VISITNUM"],
            "NAME": facts["VISIT"],
            "DAY": facts["VISITDY"],
            "PHASE": facts["PHASE"],
            "DATE": dates,
            "DUE": dates.where(dates.notna(), self._expected(seen.only(kept), facts)),
            "REASON": _blank(len(kept)),
        }
        return Made(rows[kept], made)

    def _expected(self, at: At, facts: pd.DataFrame) -> pd.Series:
        """The day on which the plan expected each visit; missing where the plan does not say."""
        result = at.constant(None)
        for name, ref in self.anchors.items():
            here = facts["DUEFROM"] == name
            result = result.where(~here, plus_days(at.values(ref), facts["DUEDAY"]))
        return result


@record_verb(
    "earlier_attempts",
    says="once for each participation before the primary one",
    source="SDTMIG 3.4 section 5.4",
    gives="visit",
    columns=COLUMNS,
    example='earlier_attempts: {called: SCREENING ATTEMPT, step: "0.1", date: visdt.VISDAT, ties: visdt.RECNO}',
)
class EarlierAttempts(RecordParams):
    """One record for each participation that is not its person's primary one: the first by date, then `ties`.

    The first attempt has the number `step` and the name `called` 1, the second twice that number, and so on.
    """

    called: str
    step: float = Field(gt=0, lt=1)
    date: DateRef
    ties: Refs

    def made_of(self, column: str) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        return (self.date,) if column == "DATE" else ()

    def make(self, at: At) -> Made:
        """See RecordParams."""
        part = at.records.sources["participation"]
        rows = np.flatnonzero(~primary(at.run, part))
        seen = at.only(rows)
        dates = seen.dtc(self.date)
        order = pd.DataFrame({"part": part[rows], "r": rank(dates.fillna("9999"))})
        order = order.assign(**{f"t{i}": rank(seen.values(r)) for i, r in enumerate(self.ties)})
        kept = np.sort(order.sort_values(list(order), kind="stable").drop_duplicates("part").index.to_numpy())
        dates = take_values(dates, kept)
        number = take_values(at.run.tables["participation"].columns["ORDER"], part[rows[kept]])
        n = len(kept)
        made = {
            "KIND": pd.Series([ATTEMPT] * n, dtype="str"),
            "OID": _blank(n),
            "NUM": (number * self.step).round(4),
            "NAME": self.called + " " + number_texts(number),
            "DAY": pd.Series(np.full(n, np.nan)),
            "PHASE": _blank(n),
            "DATE": dates,
            "DUE": dates,
            "REASON": _blank(n),
        }
        return Made(rows[kept], made)


class DatedSource(Model):
    """A form or vendor file whose records may lie outside the planned visits.

    `oid` is the identifier of the visit under which a record was collected, taken from the record itself or from
    another source that `join` aligns; `says` is why the subject was seen.
    """

    date: DateRef
    oid: VariableRef | None = None
    join: Join | None = None
    where: Expression | None = None
    says: str = ""

    def __str__(self) -> str:
        """For the reviewer's sentence."""
        return str(self.date) if self.where is None else f"{self.date} where {self.where}"


@record_verb(
    "unplanned_dates",
    reads="sources",
    says="One record for each calendar date of {sources} that belongs to no planned visit",
    source="SDTMIG 3.4 section 4.4.5",
    gives="visit",
    columns=COLUMNS,
    starts=True,
    example='unplanned_dates: {called: UNSCHEDULED, sources: {vs: {date: vs.VSDAT, says: "VITAL SIGNS"}}}',
)
class UnplannedDates(RecordParams):
    """One record for each calendar date of a subject on which something was collected outside the planned visits.

    The planned visits are the records of the parts before this one; a record belongs to one as for `visit_number`.
    A date has the number of the last of them on or before it, plus 0.01, 0.02 ... in order of date. Each record knows
    the record of every source that it comes from, of several the first by content. Dates after `not_after` (the
    cut-off) are left out. Identifiers in `other` stand for no visit; what was collected under a further one that the
    subject has no visit for is listed.
    """

    sources: dict[str, DatedSource] = Field(min_length=1)
    called: str
    not_after: VariableRef | None = None
    other: Annotated[list[str], LISTED] = []

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return tuple(self.sources)

    def more_references(self) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        return ()

    def made_of(self, column: str) -> tuple[VariableRef, ...]:
        """See RecordParams: a date that belongs to no planned visit comes from whatever form has it."""
        del column
        return ()

    def make(self, at: At) -> Made:
        """See RecordParams."""
        former = at.table.former
        if former is None:
            raise DataError(Problem("there are no planned visits", do="put the part that makes them before this one"))
        visits = Visits.of(at.run, former)
        pieces = [self._outside(at, name, source, visits) for name, source in self.sources.items()]
        found = pd.concat(pieces, ignore_index=True)
        dates = found[["who", "date"]].drop_duplicates().sort_values(["who", "date"], ignore_index=True)
        numbers = _numbers(at, dates, visits)
        keys = found.merge(dates.reset_index(names="at"), on=["who", "date"])
        sources: dict[str, Positions] = {"participation": _participations(at, dates["who"].to_numpy())}
        for name in self.sources:
            rows = np.full(len(dates), -1, dtype=np.int64)
            own = keys[keys["source"] == name]
            rows[own["at"].to_numpy()] = own["row"].to_numpy()
            sources[name] = rows
        told = keys[keys["says"] != ""].drop_duplicates(["at", "says"])
        reasons = told.groupby("at", sort=True)["says"].agg("; ".join)
        n = len(dates)
        made = {
            "KIND": pd.Series([UNPLANNED] * n, dtype="str"),
            "OID": _blank(n),
            "NUM": numbers,
            "NAME": self.called + " " + number_texts(numbers),
            "DAY": pd.Series(np.full(n, np.nan)),
            "PHASE": _blank(n),
            "DATE": dates["date"].astype("str"),
            "DUE": dates["date"].astype("str"),
            "REASON": reasons.reindex(range(n)).astype("str"),
        }
        return Made(np.full(n, -1, dtype=np.int64), made, subjects=dates["who"].to_numpy(), sources=sources)

    def _outside(self, at: At, name: str, source: DatedSource, visits: Visits) -> pd.DataFrame:
        """The dates of a source that belong to no planned visit: who, date, source, row (in the source), says."""
        view = _view(at, name, source)
        dates = _dates(view, source.date)
        oids = view.text(source.oid) if source.oid is not None else view.constant(None)
        free = visits.find(view, dates, oids) < 0
        free &= dates.notna().to_numpy() & (view.subject >= 0) & view.test(source.where)
        if self.not_after is not None:
            free &= ~(spans(dates).first > spans(view.values(self.not_after)).last)
        rows = np.flatnonzero(free)
        self._tell(view.only(rows), take_values(oids, rows), source.oid or source.date)
        frame = pd.DataFrame({"who": view.subject[rows], "date": take_values(dates, rows), "row": rows})
        table = at.run.tables[name]
        content = {f"c{c}": rank(take_values(table.columns[c], rows)) for c in sorted(table.columns)}
        frame = frame.assign(**content).sort_values(["who", "date", *content], kind="stable")
        first = frame.drop_duplicates(["who", "date"])[["who", "date", "row"]]
        return first.assign(source=name, says=source.says)

    def _tell(self, view: At, oids: pd.Series, read: VariableRef) -> None:
        """List each visit of a subject under which something was collected and that SV does not hold."""
        asked = pd.DataFrame({"who": view.subject, "oid": oids})
        strange = oids.notna() & ~oids.isin(self.other) & ~asked.duplicated()
        view.report(
            strange.to_numpy(dtype=bool),
            "collected under a visit that the subject has not; taken as unscheduled",
            found=oids,
            variable="VISITNUM",
            reads=[read],
        )


def _view(at: At, name: str, source: DatedSource) -> At:
    """The records of a source as records of the dataset being made, with what `join` aligns."""
    table = at.run.table(name)
    aligned = {name: np.arange(table.n, dtype=np.int64), **table.records.sources}
    records = Records(table.records.subject, np.zeros(table.n, dtype=np.int64), aligned)
    view = At(at.run, Table(at.table.name, records), variable=at.variable, early=True)
    if source.join is not None:
        made = source.join.make(view)
        records = records.take(np.asarray(made.rows, dtype=np.int64))
        records.sources.update(made.sources or {})
        view = At(at.run, Table(at.table.name, records), variable=at.variable, early=True)
    return view


def _dates(view: At, ref: VariableRef) -> pd.Series:
    """Complete dates; an impossible one is told by the dataset that holds the record, so not here."""
    table, _ = view.find(ref)
    values = view.values(ref)
    if table is not None and table.raw:
        values, _ = view.run.to_iso(table.name, ref.name, values, None, None)
    return whole_date(values)


def _numbers(at: At, dates: pd.DataFrame, visits: Visits) -> pd.Series:
    """VISITNUM of each date: that of the last visit on or before it, plus steps in order of date."""
    known = visits.frame.dropna(subset=["date"])[["who", "date", "num"]]
    both = pd.concat([known.assign(own=-1), dates.assign(num=np.nan, own=np.arange(len(dates)))], ignore_index=True)
    both = both.sort_values(["who", "date", "num"], kind="stable", na_position="last")
    both["base"] = both.groupby("who")["num"].ffill().fillna(0.0)
    asked = both[both["own"] >= 0].sort_values("own")
    count = asked.groupby(["who", "base"]).cumcount() + 1
    numbers = (asked["base"] + count * STEP).round(4).reset_index(drop=True)
    taken = pd.concat([known[["who", "num"]], pd.DataFrame({"who": asked["who"].to_numpy(), "num": numbers})])
    full = (count > MOST).to_numpy() | taken.duplicated(keep=False).to_numpy()[len(known) :]
    if full.any():
        who = at.run.people.columns["USUBJID"].iloc[int(asked["who"].to_numpy()[full][0])]
        raise DataError(Problem(f"{who} has more unscheduled visits than numbers between two planned ones"))
    return numbers


def _participations(at: At, who: np.ndarray) -> Positions:
    """The primary participation of each person."""
    table = at.run.tables["participation"]
    rows = np.flatnonzero((table.columns["PRIMARY"] == "Y").to_numpy(dtype=bool))
    place = np.full(at.run.people.n, -1, dtype=np.int64)
    place[table.records.subject[rows]] = rows
    return take(place, who.astype(np.int64))


def _plan(at: At, name: str) -> pd.DataFrame:
    """The plan by VISITOID: texts, and VISITNUM, VISITDY and DUEDAY as numbers."""
    plan = at.study.lookup(name).copy()
    absent = [c for c in ("VISITOID", "VISITNUM", "VISIT", "VISITDY", "PHASE") if c not in plan.columns]
    if absent or plan["VISITOID"].duplicated().any():
        raise DataError(
            Problem(
                f"tables/{name}.csv is no plan of visits",
                found=f"without {', '.join(absent)}" if absent else "a VISITOID that stands twice",
            )
        )
    for column in ("DUEFROM", "DUEDAY"):
        if column not in plan.columns:
            plan[column] = _blank(len(plan))
    for column in ("VISITNUM", "VISITDY", "DUEDAY"):
        plan[column] = to_numbers(plan[column])[0]
    return plan.set_index("VISITOID", drop=False)


def _blank(n: int) -> pd.Series:
    return pd.Series([None] * n, dtype="str")
