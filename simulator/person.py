"""One screening attempt from beginning to end: its plan, its records and what is true of it.

Everything is drawn from the person's own seed; people do not depend on one another.

Sources: the study design, sections 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.adverse import make_events, write_dlt, write_events
from simulator.book import Book
from simulator.calendar import make_visits
from simulator.dosing import make_doses, write_doses
from simulator.labs import write_labs
from simulator.meds import write_history, write_meds
from simulator.mess import Planter, hide
from simulator.molecular import write_samples
from simulator.outside import write_outside
from simulator.pk import write_pk
from simulator.plan import Plan, make_plan
from simulator.response import write_response
from simulator.scenario import Scenario
from simulator.script import Script
from simulator.subject import write_deviations, write_end, write_screening, write_visits
from simulator.truth import person_truth
from simulator.vitals import write_vitals


@dataclass
class Attempt:
    """One screening number: the plan it followed, its records, and the truth of it."""

    plan: Plan
    book: Book
    truth: dict[str, Any]


def simulate_attempt(scenario: Scenario, script: Script, seed: int, planter: Planter | None = None) -> Attempt:
    """The records and the truth of one screening number, with the mess that is planted in it."""
    trial = scenario.trial
    plan = make_plan(scenario, script, seed)
    plan.visits = make_visits(plan)
    book = Book(trial.study, trial.site, plan.subject, trial.snapshot, trial.utc_offset)
    write_screening(book, plan)
    write_history(book, plan)
    days, events = make_doses(plan), make_events(plan)
    numbers: dict[str, str] = {}
    for event in events:
        if event.scripted:
            numbers.setdefault(event.key, event.number)
    write_events(book, plan, events)
    write_doses(book, plan, days, numbers)
    tubes = write_pk(book, plan, days)
    write_response(book, plan)
    write_vitals(book, plan, events, days, tubes)
    write_labs(book, plan, events, days)
    write_outside(book, plan)
    write_visits(book, plan)
    write_meds(book, plan, events)
    write_samples(book, plan)
    window = plan.on(trial.dose_window)
    write_dlt(book, plan, events, sum(d.taken and d.on <= window for d in days))
    write_deviations(book, plan, days, tubes)
    write_end(book, plan)
    scripted = script.no <= len(scenario.scripts)
    planted = planter.plant(book, scripted, plan.rng("mess")) if planter else []
    truth = person_truth(plan, book, plan.previous or plan.subject, events, days, tubes)
    hide(truth, planted)
    return Attempt(plan, book, truth)
