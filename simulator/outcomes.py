"""Best response and times to event of one person, by the written rules, from the true course.

Dates are those of the simulation, never of the records; everything after the data cut-off does not exist. The same
rules give the times under a death date as it was recorded.

Sources: the study design, sections 4.1 (death dates), 4.7 (BOR, flags) and 4.8 (ADTTE).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from simulator.plan import Plan

Outcome = dict[str, Any]
CENSORED_AT_HSCT = ("OS", "EFS2", "RFS", "DOR", "CIR")
MRD_DAYS = 28  # days after the first remission in which a negative result counts


@dataclass(frozen=True)
class Course:
    """What happened to a person up to the cut-off; `alive` is the last date known alive without the death."""

    start: date
    cut: date
    assessments: list[tuple[date, str]]
    death: date | None
    alive: date
    hsct: date | None
    nalt: date | None
    eot: date | None
    failed: bool  # treatment ended for want of effect
    mrd: list[tuple[date, str]]


def course(plan: Plan, seen: list[date], death: date | None) -> Course:
    """The course under a given date of death; `seen` are the dates on which records show the person alive."""
    cut = plan.scenario.trial.cut_off

    def known(when: date | None) -> date | None:
        return when if when is not None and when <= cut else None

    to = min(cut, plan.followed_to)
    return Course(
        start=plan.on(1),
        cut=cut,
        assessments=[(d, "NR" if r == "RD" else r) for d, r in plan.responses if d <= to],
        death=known(death),
        alive=max(d for d in seen if d <= cut),
        hsct=known(plan.hsct),
        nalt=known(plan.nalt),
        eot=known(plan.eot),
        failed=plan.script.why in ("NR", "PD"),
        mrd=[(plan.on(d), r) for d, r in sorted(plan.script.mrd.items()) if plan.on(d) <= to],
    )


def recorded_death(plan: Plan, seen: list[date]) -> date | None:
    """The date of death as section 4.1 completes a partial one; the true date where it was recorded whole."""
    death, known = plan.death, plan.script.partial_death
    cut = plan.scenario.trial.cut_off
    if death is None or death > cut or not known:
        return death
    next_day = max(d for d in seen if d <= cut and d <= death) + timedelta(days=1)
    if known == "all":
        return min(next_day, cut)
    first = death.replace(day=1) if known == "day" else date(death.year, 1, 1)
    last = (
        (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        if known == "day"
        else date(death.year, 12, 31)
    )
    return min(max(first, next_day), last, cut)


def outcomes(plan: Plan, c: Course) -> dict[str, Any]:
    """BOR, response flags and every time to event: ADT, AVAL, CNSR, and what happened."""
    trial = plan.scenario.trial
    seen = c.assessments
    stops = [d for d, r in seen if r in ("REL", "PD")][:1] + ([c.hsct] if c.hsct else [])
    counted = [(d, r) for d, r in seen if all(d <= s for s in stops) and (c.nalt is None or d < c.nalt)]
    ranked = [(trial.responses[r], d, r) for d, r in counted if r in trial.responses]
    best = min(ranked) if ranked else None
    remission = next((d for d, r in counted if r in trial.remission), None)
    response = next((d for d, r in counted if r in trial.overall), None)
    relapse = next((d for d, r in seen if r == "REL" and remission and d > remission), None)
    pd = next((d for d, r in seen if r == "PD"), None)
    last = max((d for d, r in seen if r != "NE"), default=None)
    alive = c.death or c.alive
    lapse: list[tuple[date | None, str]] = [(relapse, "RELAPSE"), (c.death, "DEATH")]
    failed = c.eot if c.eot and not remission and c.failed else None
    made: dict[str, Outcome] = {
        "OS": _first(c.start, [(c.death, "DEATH")], (alive, 1, "LAST KNOWN ALIVE")),
        "EFS": _event_free(trial.landmark, c, remission, relapse, pd, last),
        "EFS2": _first(
            c.start,
            [(relapse, "RELAPSE"), (pd, "PROGRESSIVE DISEASE"), (failed, "TREATMENT FAILURE"), (c.death, "DEATH")],
            (last, 1, "LAST RESPONSE ASSESSMENT") if last else (c.start, 2, "NO POST-BASELINE ASSESSMENT"),
        ),
    }
    if remission:
        made["RFS"] = _first(remission, lapse, (alive, 1, "LAST KNOWN ALIVE"))
        made["DORCRC"] = _first(remission, lapse, (last, 1, "LAST RESPONSE ASSESSMENT"))
        made["CIR"] = _incidence(remission, relapse, c.death, alive)
        made["TTCRC"] = _made(c.start, remission, 0, "FIRST RESPONSE")
    if response:
        later = [d for d, r in seen if d > response and (r == "PD" or d == relapse)]
        lost = min(later, default=None)
        made["DOR"] = _first(
            response, [(lost, "RELAPSE OR PROGRESSION"), (c.death, "DEATH")], (last, 1, "LAST RESPONSE ASSESSMENT")
        )
        made["TTR"] = _made(c.start, response, 0, "FIRST RESPONSE")
    for name in CENSORED_AT_HSCT:
        if name in made:
            made[f"{name}H"] = _until_hsct(made[name], c.hsct, c.death if name == "CIR" else None)
    flags = {"CRRSP": ("CR",), "CRHRSP": ("CR", "CRh"), "CRCRSP": tuple(trial.remission), "ORRSP": tuple(trial.overall)}
    dates = {f: next((d for d, r in counted if r in ok), None) for f, ok in flags.items()}
    return {
        "BOR": best[2] if best else "NE",
        "BORDT": _text(best[1]) if best else None,
        **{f: "Y" if d else "N" for f, d in dates.items()},
        "response_dates": {f: _text(d) for f, d in dates.items() if d},
        "MRDNEG": _negative(c, remission, relapse) if remission else None,
        "RESPEVFL": "Y" if any(r not in ("NE", "REL") for _, r in seen) else "N",
        "REMDT": _text(remission),
        "RELDT": _text(relapse),
        "PDDT": _text(pd),
        "LSTAC": _text(last),
        "LSTALVDT": _text(alive),
        "ADTTE": made,
    }


def _event_free(
    landmark: int, c: Course, remission: date | None, relapse: date | None, pd: date | None, last: date | None
) -> Outcome:
    """EFS of ELN 2022, its cases in order."""
    limit = c.start + timedelta(days=landmark - 1)
    if remission and remission <= limit:
        made = _first(c.start, [(relapse, "RELAPSE"), (c.death, "DEATH")], (last, 1, "LAST RESPONSE ASSESSMENT"))
        return made | {"case": "1a" if made["CNSR"] == 0 else "1b"}
    early = any(d is not None and d <= limit for d in (c.eot, pd, c.nalt, c.death))
    if any(r not in ("NE", "REL") for _, r in c.assessments):
        if c.cut > limit or early:
            return _made(c.start, c.start, 0, "TREATMENT FAILURE") | {"case": "2"}
        return _made(c.start, last, 3, "LANDMARK NOT REACHED") | {"case": "5"}
    if c.death and c.death <= limit:
        return _made(c.start, c.start, 0, "DEATH BEFORE RESPONSE ASSESSMENT") | {"case": "3"}
    return _made(c.start, c.start, 2, "NON-EVALUABLE") | {"case": "4"}


def _incidence(start: date, relapse: date | None, death: date | None, alive: date) -> Outcome:
    if relapse is not None and (death is None or relapse <= death):
        return _made(start, relapse, 0, "RELAPSE") | {"EVTYPEN": 1}
    if death is not None:
        return _made(start, death, 2, "DEATH WITHOUT RELAPSE") | {"EVTYPEN": 2}
    return _made(start, alive, 1, "LAST KNOWN ALIVE") | {"EVTYPEN": 0}


def _until_hsct(made: Outcome, hsct: date | None, competing: date | None) -> Outcome:
    """The same time, censored at a transplant before the event (or with no event at all)."""
    when = date.fromisoformat(made["ADT"])
    counts = made["CNSR"] == 0 or (competing is not None and made["CNSR"] == 2)
    if hsct is None or (counts and when <= hsct):
        return dict(made)
    return _made(date.fromisoformat(made["STARTDT"]), hsct, 3, "ALLOGENEIC HSCT") | (
        {"EVTYPEN": 0} if "EVTYPEN" in made else {}
    )


def _negative(c: Course, remission: date, relapse: date | None) -> str:
    ends = [d for d in (relapse, c.hsct) if d]
    within = [d for d, r in c.mrd if r == "NEG" and 0 <= (d - remission).days <= MRD_DAYS]
    return "Y" if any(all(d < e for e in ends) for d in within) else "N"


def _first(start: date, events: list[tuple[date | None, str]], censor: tuple[date | None, int, str]) -> Outcome:
    """The earliest event, the one listed first on a tie; else the censoring."""
    happened = [(d, i, name) for i, (d, name) in enumerate(events) if d is not None]
    if happened:
        when, _, name = min(happened)
        return _made(start, when, 0, name)
    return _made(start, *censor)


def _made(start: date, when: date | None, cnsr: int, what: str) -> Outcome:
    assert when is not None, "a time to event ends on a date"
    return {"STARTDT": str(start), "ADT": str(when), "AVAL": (when - start).days + 1, "CNSR": cnsr, "what": what}


def _text(when: date | None) -> str | None:
    return str(when) if when else None
