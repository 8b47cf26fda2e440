"""Adverse events of a person: scripted ones, and those a ward sees in everybody; AE, DSYM and DLT records.

Actions on the drug are only those that the doses show. Nothing here decides whether an event is a
dose limiting toxicity: the scenario says so, as the investigator does on the form.

Sources: the study design, sections 1.2 and 2.1 (AE, DSYM, DLT).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from simulator.book import Book, clock
from simulator.plan import Plan
from simulator.scenario import EventKind

CHINESE_ONLY = 0.15  # share of events whose English term the ward left blank
SEQUELAE = 0.1  # share of severe events that leave something behind
HAEMATOLOGIC = ("anaemia", "neut", "plt", "wbc", "fn")


@dataclass
class Adverse:
    """One event: study days of start and end (None: ongoing), and what the form asks about it."""

    key: str
    kind: EventKind
    start: int
    end: int | None
    grade: int
    rel: str
    acn: str
    ser: list[str]
    dlt: bool = False
    term: str = ""
    zh: str = ""
    number: str = ""
    fatal: bool = False
    treat: list[str] = field(default_factory=list)
    scripted: bool = False
    time: str = ""  # of onset, where the scenario gives it


def make_events(plan: Plan) -> list[Adverse]:
    """The person's events in order of start, numbered; none for the untreated."""
    if not plan.treated:
        return []
    kinds, script = plan.scenario.events.events, plan.script
    rng = plan.rng("events")
    events = [
        Adverse(
            e.key,
            kinds[e.key],
            e.day,
            e.end,
            e.grade,
            e.rel,
            e.acn,
            [s for s in e.ser.split(";") if s],
            e.dlt,
            fatal=e.grade == 5,
            scripted=True,
            time=e.time,
        )
        for e in script.ae
    ]
    ends = [plan.day(plan.followed_to) - 1]
    last = script.last or plan.day(plan.scenario.trial.snapshot)
    ends.append(last + 28)
    ends += [script.hsct - 8] if script.hsct else []
    final = min(ends)
    for key, kind in kinds.items():
        count = int(rng.poisson(kind.rate * min(last, 150) / 100)) if kind.rate else 0
        for _ in range(count):
            day = 1 + int(final * float(rng.beta(1, 1.6)))
            event = _random(plan, key, kind, min(max(day, 1), final), rng)
            if not any(e.key == key and e.start - 7 <= event.start <= (e.end or 9999) + 3 for e in events):
                events.append(event)
    events.sort(key=lambda e: (e.start, e.key))
    stop = plan.day(plan.followed_to)
    for number, event in enumerate(events, start=1):
        event.number = str(number)
        term = event.kind.terms[int(rng.integers(len(event.kind.terms)))]
        event.term, event.zh = term.split("|")
        if event.end is not None and event.end > stop - (plan.death is not None) and not event.fatal:
            event.end = None
        event.treat = list(event.kind.treat) if event.grade >= 2 else []
    return events


def _random(plan: Plan, key: str, kind: EventKind, day: int, rng: np.random.Generator) -> Adverse:
    total = sum(kind.grades)
    roll, grade = float(rng.random()) * total, 1
    for grade, weight in enumerate(kind.grades, start=1):  # noqa: B007 - the grade is read after the loop
        roll -= weight
        if roll < 0:
            break
    related = rng.random() < kind.rel
    window = day <= plan.scenario.trial.dose_window
    if related and window and grade >= 2 and grade > plan.script.related_limit:
        related = False
    if related and window and grade >= 3 and key not in HAEMATOLOGIC:
        related = False
    rel = ("POSS", "PROB", "POSS", "DEF")[int(rng.integers(4))] if related else ("UNL", "UNR")[int(rng.integers(2))]
    serious = [kind.ser] if kind.ser else [kind.ser3] if kind.ser3 and grade >= 3 else []
    if grade == 4 and key not in HAEMATOLOGIC:
        serious.append("LIFE")
    end = day + max(1, int(rng.gamma(3, kind.days / 3)))
    after = plan.script.last is not None and day > plan.script.last
    return Adverse(key, kind, day, end, grade, rel, "NA" if after else "NONE", serious)


def write_events(book: Book, plan: Plan, events: list[Adverse]) -> None:
    """AE records, the signs of each differentiation syndrome, and the DLT evaluation of an escalation participant."""
    rng = plan.rng("event words")
    flags = plan.scenario.events.seriousness
    for event in events:
        start, end = plan.on(event.start), plan.on(event.end) if event.end is not None else None
        timed = rng.random() < 0.3
        hour = 9 + float(rng.random()) * 12
        ticks = ["MED"] if event.treat else []
        other = ""
        if event.key == "sepsis":
            ticks.append("PROC")
        if event.key in ("pneumonia", "sepsis"):
            ticks.append("OTH")
            other = "Oxygen inhalation"
        outcome = (
            "FATAL"
            if event.fatal
            else ("RECOVERED/RESOLVED", "RECOVERED/RESOLVED WITH SEQUELAE")[rng.random() < SEQUELAE * (event.grade > 2)]
            if end
            else ("NOT RECOVERED/NOT RESOLVED", "RECOVERING/RESOLVING")[int(rng.integers(2))]
        )
        book.form(
            "ae",
            "LOG",
            start,
            AENO=event.number,
            AETERM=event.term if rng.random() >= CHINESE_ONLY else None,
            AETERMZH=event.zh,
            AESTDAT=start,
            AESTTIM=event.time or (clock(hour) if timed else None),
            AEENDAT=end,
            AEONGO=end is None,
            AETOXGR=event.grade,
            AESER=bool(event.ser),
            **{field: code in event.ser for code, field in flags.items()},
            AEREL=event.rel,
            AEACN=event.acn,
            AEOUT=outcome,
            AEDLT=event.dlt,
            AEAESI=event.kind.aesi,
            AETRT=";".join(ticks) or "NONE",
            AETRTO=other,
        )
        book.alive(start)
        if end:
            book.alive(end)
        if event.key == "ds":
            count = 3 + event.grade
            signs = plan.scenario.events.signs
            ticked = {signs[int(i)] for i in rng.permutation(len(signs))[: min(count, len(signs))]}
            book.form(
                "dsym",
                "LOG",
                start,
                DSAENO=event.number,
                **{s: s in ticked for s in signs},
                STERYN="Y",
                DSSTDAT=start + timedelta(days=1),
            )


def evaluable(plan: Plan, events: list[Adverse], doses: int) -> bool:
    """Whether an escalation participant counts for dose limitation: a DLT, or enough doses and 28 days of follow-up."""
    trial = plan.scenario.trial
    return (
        plan.script.cohort == "ESC"
        and plan.treated
        and (
            any(e.dlt for e in events)
            or (doses >= trial.doses_evaluable and plan.day(plan.followed_to) >= trial.dose_window)
        )
    )


def write_dlt(book: Book, plan: Plan, events: list[Adverse], doses: int) -> None:
    """The DLT record of an escalation participant; `doses` are those taken in the window."""
    if plan.script.cohort != "ESC" or not plan.treated:
        return
    yes = evaluable(plan, events, doses)
    on = plan.on(plan.scenario.trial.dose_window + 2)
    book.form(
        "dlt",
        "C2D1",
        on,
        DLTEVYN=yes,
        DLTNEREA=None if yes else plan.script.not_evaluable or "Fewer doses than required",
        DLTYN=any(e.dlt for e in events) if yes else None,
        DLTDAT=on,
    )
