"""The visits of a person: planned ones by cycle, end of treatment, safety and survival follow-up.

Gives true dates. A visit after the end of treatment, death or end of study does not come into being.

Sources: the study design, section 1.3.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from simulator.plan import Plan
from simulator.scenario import Visit
from simulator.visits import Seen

SKIPPED = 0.02  # share of later visits that people miss
SAME_DAY = 0.8  # share of aspirates taken on the day of the visit they belong to


def make_visits(plan: Plan) -> list[Seen]:
    """The person's visits by date; the screening visit first."""
    script, trial = plan.script, plan.scenario.trial
    rng = plan.rng("visits")
    screening = min(script.consent + timedelta(days=1), script.fail or script.consent + timedelta(days=1))
    visits = [Seen("SCR", screening, "veglBnh" if not script.fail else "vegl", [""], marrow=True)]
    if not plan.treated:
        return visits
    end = min([d for d in (plan.eot, plan.followed_to + timedelta(days=1)) if d])
    first: dict[int, date] = {}
    days: dict[str, date] = {}
    missed = plan.scenario.words["not_done"]
    for visit in _scheme(plan):
        shift = int(rng.integers(-visit.jitter, visit.jitter + 1)) if visit.jitter else 0
        why = missed[int(rng.integers(len(missed)))] if rng.random() < SKIPPED else ""
        if visit.pk not in ("", "trough") or visit.marrow or visit.cycle == 1:
            why = ""
        why = script.skipped.get(visit.oid, why)
        if visit.day == 1:
            nominal = trial.cycle_days * (visit.cycle - 1) + 1
            aspirate = next((d for d in sorted(script.resp) if visit.marrow and -7 <= d - nominal <= 3), None)
            if aspirate is not None and rng.random() < SAME_DAY and abs(aspirate - nominal) <= visit.jitter:
                shift = aspirate - nominal
            on = plan.on(nominal) + timedelta(days=shift)
            first[visit.cycle] = on
        else:
            on = first[visit.cycle] + timedelta(days=visit.day - 1 + shift)
        if visit.after:
            on = days[visit.after] + timedelta(days=1)
        days[visit.oid] = on
        if on >= end:
            continue
        seen = Seen(visit.oid, on, visit.forms, [e or "" for e in visit.ecg], visit.pk, visit.marrow, cycle=visit.cycle)
        seen.done, seen.reason = not why, why
        visits.append(seen)
    visits += _after(plan, rng)
    return visits


def _scheme(plan: Plan) -> list[Visit]:
    trial = plan.scenario.trial
    later = trial.later_cycles
    scheme = list(trial.visits)
    for cycle in range(later.first, later.last + 1):
        forms = later.forms + ("B" if cycle in later.biomarker else "")
        scheme.append(
            Visit(
                oid=f"C{cycle}D1",
                cycle=cycle,
                day=1,
                jitter=later.jitter,
                forms=forms,
                ecg=later.ecg,
                marrow=cycle in later.marrow,
            )
        )
    return scheme


def _after(plan: Plan, rng: np.random.Generator) -> list[Seen]:
    visits: list[Seen] = []
    last, eot, to = plan.last_dose, plan.eot, plan.followed_to
    if not (last and eot) or eot > to or plan.script.why == "DEATH":
        return visits
    progressed = plan.script.why in ("PD", "RELAPSE")
    visits.append(Seen("EOT", eot, "veglB" + ("n" if progressed else ""), [""], marrow=True))
    safety = max(last + timedelta(days=30 + int(rng.integers(0, 7))), eot + timedelta(days=1))
    if safety <= to and safety != plan.death:
        visits.append(Seen("SFU", safety, "vegl", [""]))
    start = max(safety, eot)
    for k in range(1, 19):
        on = start + timedelta(days=7 * plan.scenario.trial.followup_weeks * k + int(rng.integers(-9, 10)))
        if on >= to:
            break
        visits.append(Seen(f"FU{k}", on, mode="PHONE" if rng.random() < 0.7 else "SITE"))
    if plan.script.lost:
        number = 1 + sum(v.oid.startswith("FU") for v in visits)
        visits.append(Seen(f"FU{number}", to, done=False, mode="PHONE", reason=plan.scenario.words["not_reached"]))
    return visits


def marrow_visit(plan: Plan, on: date) -> Seen:
    """The visit a marrow of this date belongs to: planned D-7..+3, else end of treatment, follow-up, else
    unscheduled."""
    for visit in plan.visits:
        if visit.oid == "SCR" and on < plan.on(1):
            return visit
        if visit.done and visit.marrow and visit.cycle and -7 <= (on - visit.on).days <= 3:
            return visit
    for visit in plan.visits:
        if visit.oid == "EOT" and -7 <= (on - visit.on).days <= 7:
            return visit
        if visit.oid.startswith("FU") and visit.done and abs((on - visit.on).days) <= 10:
            return visit
    number = 1 + sum(v.oid == "UNS" for v in plan.visits)
    visit = Seen("UNS", on, rep=number, forms="l")
    plan.visits.append(visit)
    return visit
