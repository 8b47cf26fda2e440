"""What is true of a simulated person, from the simulation's own state and never from the records.

Times to event follow the written rules under the data cut-off, so that a build can be held against them.

Sources: the study design, sections 1.2, 4.1, 4.7 and 4.8.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from simulator.adverse import Adverse, evaluable
from simulator.book import Book
from simulator.dosing import Day, planned_mg
from simulator.pk import Tube, parameters, single_dose
from simulator.plan import Plan

Outcome = dict[str, Any]


def person_truth(
    plan: Plan, book: Book, first: str, events: list[Adverse], days: list[Day], tubes: list[Tube]
) -> dict[str, Any]:
    """Everything true of one person; `first` is the person's first screening number."""
    script, trial = plan.script, plan.scenario.trial
    cut = trial.cut_off
    truth: dict[str, Any] = {
        "USUBJID": f"{trial.study}-{first}",
        "SUBJID": plan.subject,
        "PERSONID": script.person,
        "previous": plan.previous or None,
        "SEX": script.sex,
        "AGE": plan.age,
        "birth": script.birth,
        "disease": script.disease,
        "gene": script.gene,
        "consent": str(script.consent),
        "ARMCD": plan.arm or None,
        "treated": plan.treated and plan.on(1) <= cut,
        "screen_failure": bool(script.fail),
        "study_end": [str(plan.study_end[0]), plan.study_end[1]] if plan.study_end else None,
        "death": str(plan.death) if plan.death else None,
        "death_in_package": bool(plan.death and plan.death <= cut),
    }
    if not truth["treated"]:
        return truth
    window = plan.on(trial.dose_window)
    given = [d for d in days if d.taken and d.on <= cut]
    in_window = sum(d.on <= window for d in given)
    truth |= {
        "RFXSTDTC": f"{plan.on(1)}T{_clock(days[0].hour)}",
        "RFXENDTC": str(plan.last_dose) if plan.last_dose and plan.last_dose <= cut else None,
        "TRTSDT": str(plan.on(1)),
        "TRTEDT": str(min(plan.last_dose or cut, cut)),
        "TDOSE": sum(d.mg for d in given),
        "NDOSDY": len(given),
        "DOSEC1": in_window,
        "TPDOSE": sum(planned_mg(plan, plan.on(n)) for n in range(1, plan.day(min(plan.last_dose or cut, cut)) + 1)),
        "doses": _intervals(given),
        "EOTDAT": str(plan.eot) if plan.eot else None,
        "EOTREAS": script.why or None,
        "HSCTDT": str(plan.hsct) if plan.hsct else None,
        "NALTDT": str(plan.nalt) if plan.nalt else None,
        "DLTEVFL": "Y" if evaluable(plan, events, in_window) else "N",
        "DLTFL": "Y" if any(e.dlt for e in events) else "N",
        "events": [
            {
                "AENO": e.number,
                "kind": e.kind.pt,
                "start": str(plan.on(e.start)),
                "end": str(plan.on(e.end)) if e.end is not None else None,
                "grade": e.grade,
                "dlt": e.dlt,
                "aesi": e.kind.aesi,
            }
            for e in events
        ],
        "responses": [[str(d), r] for d, r in plan.responses],
        "PK": {**parameters(plan), "single_dose": single_dose(plan, float(script.dose or 0))},
        "concentrations": {t.barcode: t.truth for t in tubes},
    }
    truth |= outcomes(plan, book)
    return truth


def outcomes(plan: Plan, book: Book) -> dict[str, Any]:
    """BOR, response flags and times to event (ADT, CNSR, and what happened) under the cut-off."""
    trial = plan.scenario.trial
    cut, start = trial.cut_off, plan.on(1)
    death = plan.death if plan.death and plan.death <= cut else None
    hsct = plan.hsct if plan.hsct and plan.hsct <= cut else None
    nalt = plan.nalt if plan.nalt and plan.nalt <= cut else None
    eot = plan.eot if plan.eot and plan.eot <= cut else None
    seen = [(d, "NR" if r == "RD" else r) for d, r in plan.responses if d <= cut and d <= plan.followed_to]
    alive = death or max(d for d in book.seen if d <= cut)
    stops = [d for d, r in seen if r in ("REL", "PD")][:1] + ([hsct] if hsct else [])
    counted = [(d, r) for d, r in seen if all(d <= s for s in stops) and (nalt is None or d < nalt)]
    ranked = [(trial.responses[r], d, r) for d, r in counted if r in trial.responses]
    best = min(ranked)[2] if ranked else "NE"
    remission = next((d for d, r in counted if r in trial.remission), None)
    response = next((d for d, r in counted if r in trial.overall), None)
    relapse = next((d for d, r in seen if r == "REL" and remission and d > remission), None)
    pd = next((d for d, r in seen if r == "PD"), None)
    last = max((d for d, r in seen if r != "NE"), default=None)
    lapse = [(relapse, "RELAPSE"), (death, "DEATH")]
    failed = eot if eot and not remission and plan.script.why in ("NR", "PD") else None
    after = min((d for d in (relapse, pd) if d and response and d > response), default=None)
    made: dict[str, Outcome] = {
        "OS": _first([(death, "DEATH")], (alive, 1)),
        "EFS": _event_free(plan, seen, remission, relapse, death, nalt, pd, eot, last),
        "EFS2": _first(
            [(relapse, "RELAPSE"), (pd, "PROGRESSIVE DISEASE"), (failed, "TREATMENT FAILURE"), (death, "DEATH")],
            (last, 1) if last else (start, 2),
        ),
    }
    if remission:
        made["RFS"] = _first(lapse, (alive, 1))
        made["DORCRC"] = _first(lapse, (last, 1))
        relapsed = relapse is not None and (death is None or relapse <= death)
        made["CIR"] = (
            _made(relapse, 0, "RELAPSE")
            if relapsed
            else _made(death, 2, "DEATH WITHOUT RELAPSE")
            if death
            else _made(alive, 1, "LAST KNOWN ALIVE")
        )
    if response:
        made["DOR"] = _first([(after, "RELAPSE OR PROGRESSION"), (death, "DEATH")], (last, 1))
    flags = {"CRRSP": ("CR",), "CRHRSP": ("CR", "CRh"), "CRCRSP": tuple(trial.remission), "ORRSP": tuple(trial.overall)}
    return {
        "BOR": best,
        **{f: "Y" if any(r in ok for _, r in counted) else "N" for f, ok in flags.items()},
        "RESPEVFL": "Y" if any(r not in ("NE", "REL") for _, r in seen) else "N",
        "REMDT": _text(remission),
        "RELDT": _text(relapse),
        "LSTAC": _text(last),
        "LSTALVDT": _text(alive),
        "ADTTE": made,
    }


def _event_free(
    plan: Plan,
    seen: list[tuple[date, str]],
    remission: date | None,
    relapse: date | None,
    death: date | None,
    nalt: date | None,
    pd: date | None,
    eot: date | None,
    last: date | None,
) -> Outcome:
    trial, start = plan.scenario.trial, plan.on(1)
    landmark = start + timedelta(days=trial.landmark - 1)
    if remission and remission <= landmark:
        made = _first([(relapse, "RELAPSE"), (death, "DEATH")], (last, 1))
        return made | {"case": "1a" if made["CNSR"] == 0 else "1b"}
    early = any(d is not None and d <= landmark for d in (eot, pd, nalt, death))
    if any(r not in ("NE", "REL") for _, r in seen):
        if trial.cut_off > landmark or early:
            return _made(start, 0, "TREATMENT FAILURE") | {"case": "2"}
        return _made(last, 3, "LANDMARK NOT REACHED") | {"case": "5"}
    if death and death <= landmark:
        return _made(start, 0, "DEATH BEFORE RESPONSE ASSESSMENT") | {"case": "3"}
    return _made(start, 2, "NON-EVALUABLE") | {"case": "4"}


def _first(events: list[tuple[date | None, str]], censor: tuple[date | None, int]) -> Outcome:
    """The earliest event, the one listed first on a tie; else the censoring."""
    happened = [(d, i, name) for i, (d, name) in enumerate(events) if d is not None]
    if happened:
        when, _, name = min(happened)
        return _made(when, 0, name)
    return _made(censor[0], censor[1], None)


def _made(when: date | None, cnsr: int, what: str | None) -> Outcome:
    return {"ADT": _text(when), "CNSR": cnsr, "what": what}


def _text(when: date | None) -> str | None:
    return str(when) if when else None


def _clock(hour: float) -> str:
    minutes = round(hour * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _intervals(days: list[Day]) -> list[list[Any]]:
    spans: list[list[Any]] = []
    for day in days:
        if spans and spans[-1][2] == day.mg and date.fromisoformat(spans[-1][1]) + timedelta(days=1) == day.on:
            spans[-1][1] = str(day.on)
        else:
            spans.append([str(day.on), str(day.on), day.mg])
    return spans
