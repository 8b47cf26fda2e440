"""The doses a person took, day by day, and the intake records (DOSE, PKD) made from them.

A day's dose is the assigned one, lowered for an adverse event, halved on the days of a strong CYP3A4
inhibitor and the washout after it, or not taken.

Sources: the study design, sections 1.2 (CYP3A4, dose reduction) and 2.1 (DOSE, PKD).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from simulator.book import Book, clock
from simulator.plan import Plan


@dataclass
class Day:
    """One day of treatment: mg taken (0 when missed), why, and the true hour of intake."""

    on: date
    mg: float
    taken: bool
    reason: str
    ae: str
    hour: float
    other: str = ""


def make_doses(plan: Plan) -> list[Day]:
    """Every day from the first dose to the last, or to the export while treatment goes on."""
    script, trial = plan.script, plan.scenario.trial
    if not plan.treated:
        return []
    rng = plan.rng("doses")
    last = script.last or plan.day(trial.snapshot)
    end = max([last, *(m.last for m in script.missed)])
    profile = {v.on for v in plan.visits if v.pk == "profile"}
    days = []
    for number in range(1, end + 1):
        on = plan.on(number)
        mg, reason, ae = float(script.dose or 0), "PLANNED", ""
        for cut in script.reduce:
            if number >= cut.first:
                mg, reason, ae = cut.to_dose, "AE", cut.ae
        if any(c.first <= number <= c.last + trial.pk.washout_days and not c.unchanged for c in script.cyp):
            mg, reason, ae = mg / 2, "CYP3A4", ""
        missed = next((m for m in script.missed if m.first <= number <= m.last), None)
        hour = 8 + round(float(rng.uniform(-0.25, 0.5)) * 60) / 60
        if missed:
            days.append(Day(on, missed.mg, missed.mg > 0, missed.reason, missed.ae, hour, missed.other))
        elif number in script.forgot and on not in profile:
            days.append(Day(on, 0, False, "FORGOT", "", hour))
        elif number <= last:
            days.append(Day(on, mg, True, reason, ae, hour))
    return days


def write_doses(book: Book, plan: Plan, days: list[Day], numbers: dict[str, str]) -> None:
    """DOSE records of constant dose and PKD records; `numbers` gives AENO by the event's key."""
    if not days:
        return
    split = {plan.on(d) for d in plan.script.split}
    groups: list[list[Day]] = []
    for day in days:
        same = groups and _kind(groups[-1][0]) == _kind(day)
        if same and day.on not in split:
            groups[-1].append(day)
        else:
            groups.append([day])
    tablets = plan.scenario.trial.tablets
    for i, group in enumerate(groups):
        first, final = group[0], group[-1]
        ongoing = plan.script.last is None and i == len(groups) - 1
        fields: dict[str, object] = {
            "DSTDAT": first.on,
            "DENDAT": None if ongoing else final.on,
            "DONGO": "Y" if ongoing else "N",
            "DTAKEN": "Y" if first.taken else "N",
            "DREAS": first.reason,
            "DREASO": first.other,
            "DAENO": numbers.get(first.ae, "") if first.ae else "",
        }
        timed = not plan.script.untimed_start if i == 0 else first.on.day % 3 > 0
        if first.taken:
            large = int(first.mg // tablets["N100"])
            small = round((first.mg - large * tablets["N100"]) / tablets["N50"])
            fields |= {
                "DSTTIM": clock(first.hour) if timed else None,
                "DOSE": first.mg,
                "N50": small,
                "N100": large,
            }
        book.form("dose", "LOG", first.on, 1, **fields)
        if first.taken:
            book.alive(first.on)
            if not ongoing:
                book.alive(final.on)
    taken = {d.on: d for d in days if d.taken}
    for visit in plan.visits:
        if visit.pk != "profile" or visit.on not in taken:
            continue
        before = max((d for d in taken if d < visit.on), default=None)
        book.form(
            "pkd",
            visit.oid,
            visit.on,
            PKDOSDAT=visit.on,
            PKDOSTIM="UN:UN" if plan.script.untimed_start and visit.on == days[0].on else clock(taken[visit.on].hour),
            FASTYN="Y",
            LASTDAT=before,
            LASTTIM=clock(taken[before].hour) if before else None,
        )


def _kind(day: Day) -> tuple[float, str, str, bool]:
    return day.mg, day.reason, day.ae, day.taken


def planned_mg(plan: Plan, on: date) -> float:
    """The planned dose of a day: the assigned one, halved on the days of a strong inhibitor."""
    washout = timedelta(days=plan.scenario.trial.pk.washout_days)
    halved = any(plan.on(c.first) <= on <= plan.on(c.last) + washout for c in plan.script.cyp)
    return float(plan.script.dose or 0) / (2 if halved else 1)
