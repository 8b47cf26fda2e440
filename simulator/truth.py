"""What is true of a simulated person, from the simulation's own state and never from the records.

A value that no record can show exactly (a death known to the month) stands under `hidden` with the reason; what the
written rules make of such a date stands beside it.

Sources: the study design, sections 1.2, 4.1 and 4.8.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from simulator.adverse import Adverse, evaluable
from simulator.book import Book, clock
from simulator.dosing import Day, planned_mg
from simulator.kinetics import exposure, parameters, single_dose
from simulator.outcomes import course, outcomes, recorded_death
from simulator.pk import Tube
from simulator.plan import Plan

FATES = ("TREATED", "ASSIGNED, NOT TREATED", "SCREEN FAILURE", "NOT ASSIGNED")
CAUTION = 2  # grade of a related event that ends the accelerated phase
RELATED = ("DEF", "PROB", "POSS")


def fate(plan: Plan) -> str:
    """How a screening number ended."""
    if plan.treated:
        return FATES[0]
    return FATES[2] if plan.script.fail else FATES[1] if plan.script.dose else FATES[3]


def person_truth(
    plan: Plan, book: Book, first: str, events: list[Adverse], days: list[Day], tubes: list[Tube]
) -> dict[str, Any]:
    """Everything true of one person; `first` is the person's first screening number."""
    script, trial = plan.script, plan.scenario.trial
    cut = trial.cut_off
    end = plan.study_end
    hidden: dict[str, str] = {}
    if len(script.birth.split("-")) < 3:
        hidden["birth"] = "year and month only"
    truth: dict[str, Any] = {
        "USUBJID": f"{trial.study}-{first}",
        "SUBJID": plan.subject,
        "PERSONID": script.person,
        "previous": plan.previous or None,
        "fate": fate(plan),
        "SEX": script.sex,
        "AGE": plan.age,
        "birth": script.birth,
        "disease": script.disease,
        "gene": script.gene,
        "consent": str(plan.first_consent),
        "ARMCD": plan.arm or None,
        "study_end": [str(end[0]), end[1]] if end and end[0] <= cut else None,
        "death": str(plan.death) if plan.death else None,
        "in_package": plan.first_consent <= cut,
        "death_in_package": bool(plan.death and plan.death <= cut),
        "hidden": hidden,
    }
    if not plan.treated:
        return truth
    truth |= _treatment(plan, days, events, hidden)
    truth["events"] = [_event(plan, e) for e in events]
    truth["responses"] = [[str(d), r] for d, r in plan.responses if d <= plan.followed_to]
    profiles = {v.oid: v.on for v in plan.visits if v.pk == "profile" and v.done}
    dosed = {d.on for d in days if d.taken}
    truth["PK"] = {
        "parameters": parameters(plan),
        "single_dose": single_dose(plan, float(script.dose or 0)),
        "exposure": {oid: exposure(plan, days, on) for oid, on in profiles.items() if on in dosed},
        "concentrations": {t.barcode: t.truth for t in tubes if t.truth},
    }
    seen = sorted(book.seen)
    truth |= outcomes(plan, course(plan, seen, plan.death))
    if truth["death_in_package"] and script.partial_death:
        why = {"day": "day", "month": "month and day", "all": "date"}[script.partial_death] + " of death not known"
        ended = [name for name, time in truth["ADTTE"].items() if time["ADT"] == str(plan.death)]
        hidden |= dict.fromkeys(("death", "LSTALVDT", *ended), why)
        imputed = recorded_death(plan, seen)
        truth["recorded"] = {"DTHDT": str(imputed), **outcomes(plan, course(plan, seen, imputed))}
    return truth


def _treatment(plan: Plan, days: list[Day], events: list[Adverse], hidden: dict[str, str]) -> dict[str, Any]:
    script, trial = plan.script, plan.scenario.trial
    cut = trial.cut_off
    given = [d for d in days if d.taken and d.on <= cut]
    window = plan.on(trial.dose_window)
    in_window = sum(d.on <= window for d in given)
    last = min(plan.last_dose or cut, cut)
    if script.untimed_start:
        hidden["RFXSTDTC"] = "time of the first dose not recorded"
    return {
        "RFXSTDTC": f"{plan.on(1)}T{clock(days[0].hour)}",
        "RFXENDTC": str(plan.last_dose) if plan.last_dose and plan.last_dose <= cut else None,
        "TRTSDT": str(plan.on(1)),
        "TRTEDT": str(last),
        "dose": script.dose,
        "TDOSE": sum(d.mg for d in given),
        "NDOSDY": len(given),
        "DOSEC1": in_window,
        "TPDOSE": sum(planned_mg(plan, plan.on(n)) for n in range(1, plan.day(last) + 1)),
        "doses": _intervals(given),
        "EOTDAT": str(plan.eot) if plan.eot and plan.eot <= cut else None,
        "EOTREAS": script.why if plan.eot and plan.eot <= cut else None,
        "HSCTDT": str(plan.hsct) if plan.hsct and plan.hsct <= cut else None,
        "NALTDT": str(plan.nalt) if plan.nalt and plan.nalt <= cut else None,
        "DLTEVFL": "Y" if evaluable(plan, events, in_window) else "N",
        "DLTFL": "Y" if any(e.dlt for e in events) else "N",
        "caution": any(e.rel in RELATED and e.grade >= CAUTION and 1 <= e.start <= trial.dose_window for e in events),
    }


def _event(plan: Plan, event: Adverse) -> dict[str, Any]:
    return {
        "AENO": event.number,
        "PT": event.kind.pt,
        "start": str(plan.on(event.start)),
        "end": str(plan.on(event.end)) if event.end is not None else None,
        "grade": event.grade,
        "rel": event.rel,
        "serious": bool(event.ser),
        "fatal": event.fatal,
        "dlt": event.dlt,
        "aesi": event.kind.aesi,
    }


def _intervals(days: list[Day]) -> list[list[Any]]:
    """First day, last day and mg of each unbroken run of one dose."""
    spans: list[list[Any]] = []
    for day in days:
        if spans and spans[-1][2] == day.mg and date.fromisoformat(spans[-1][1]) + timedelta(days=1) == day.on:
            spans[-1][1] = str(day.on)
        else:
            spans.append([str(day.on), str(day.on), day.mg])
    return spans
