"""Vital signs, ECOG status and the central reader's ECG records.

QTcF rises with the plasma level of the drug and with a scripted QT event; QT and RR are chosen so that
Fridericia's formula gives the QTcF delivered.

Sources: the study design, sections 1.3, 2.1 (VS, ECOG) and 2.2 (ecg).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np

from simulator.adverse import Adverse
from simulator.book import Book, at, clock
from simulator.dosing import Day
from simulator.pk import Tube
from simulator.plan import Plan

NOMINAL = {"": 0.0, "PREDOSE": 0.0, "2H": 2.0, "4H": 4.0, "24H": 24.0}
SLOPE = 0.012  # ms of QTcF for each ng/mL
QT_GRADE = {1: 468, 2: 489, 3: 512}  # ms while a QT event of that grade lasts


def write_vitals(book: Book, plan: Plan, events: list[Adverse], days: list[Day], tubes: list[Tube]) -> None:
    """VS, ECOG and ecg records of every visit that took place."""
    rng = plan.rng("vitals")
    hours = {d.on: d.hour for d in days if d.taken}
    weight, ecog = plan.weight, int(rng.choice([0, 1, 1, 2], p=[0.3, 0.3, 0.2, 0.2]))
    pulse, base = float(rng.normal(80, 8)), float(rng.normal(412, 10))
    levels = {t.when: t.truth["parent"] for t in tubes if t.truth}
    for visit in plan.visits:
        if not visit.done:
            continue
        hour = hours.get(visit.on, 9.5)
        if "v" in visit.forms:
            weight = float(np.clip(weight + rng.normal(0, 0.6), 38, 110))
            if plan.treated and any(
                e.key == "pneumonia" and e.start <= plan.day(visit.on) <= (e.end or 0) for e in events
            ):
                warm = 38.4
            else:
                warm = float(rng.normal(36.6, 0.25))
            first = visit.oid == "SCR"
            tpt = "PREDOSE" if visit.pk == "profile" and visit.on in hours else None
            systolic = int(rng.normal(122, 10))
            book.form(
                "vs",
                visit.oid,
                visit.on,
                VSDAT=visit.on,
                VSTIM=clock(hour - 0.35 if visit.on in hours else 9.6),
                VSTPT=tpt,
                HEIGHT=f"{plan.height:.0f}" if first else None,
                HEIGHTU="cm" if first else None,
                WEIGHT=f"{weight:.1f}",
                WEIGHTU="kg",
                TEMP=f"{warm:.1f}",
                TEMPU="C",
                SYSBP=systolic,
                DIABP=int(systolic * 0.62 + rng.normal(0, 4)),
                PULSE=int(rng.normal(pulse, 6)),
                RESP=int(rng.integers(16, 21)),
                SPO2=int(rng.integers(95, 100)),
            )
            book.alive(visit.on)
        if "e" in visit.forms:
            score = min(max(ecog + int(rng.integers(-1, 2)), 0), 3) if visit.oid != "SCR" else ecog
            book.form("ecog", visit.oid, visit.on, ECOGDAT=visit.on, ECOGSC=score)
        if "g" in visit.forms:
            for name in visit.ecg:
                _ecg(book, plan, name, visit.on, hours, base, pulse, levels, events, rng)
            book.alive(visit.on)
    for on in _follow_up_ecgs(plan, events):
        _ecg(book, plan, "", on, hours, base, pulse, levels, events, rng)
        book.alive(on)


def _follow_up_ecgs(plan: Plan, events: list[Adverse]) -> list[date]:
    """Unscheduled ECGs after a prolonged QT: the day after its onset and the day of its end, where no visit is."""
    seen = {v.on for v in plan.visits if v.done and "g" in v.forms}
    days = [d for e in events if e.key == "qt" for d in (e.start + 1, e.end) if d]
    return [on for on in map(plan.on, sorted(set(days))) if on not in seen and on <= plan.followed_to]


def _ecg(
    book: Book,
    plan: Plan,
    name: str,
    on: date,
    hours: dict[date, float],
    base: float,
    pulse: float,
    levels: dict[datetime, float],
    events: list[Adverse],
    rng: np.random.Generator,
) -> None:
    dose_day = on - timedelta(days=1) if name == "24H" else on
    start = at(dose_day, hours.get(dose_day, 9.0) + (NOMINAL[name] or -0.5)) + timedelta(
        minutes=int(rng.integers(-6, 7))
    )
    near = [c for when, c in levels.items() if abs((when - start).total_seconds()) <= 2700]
    target = base + SLOPE * (near[0] if near else 0)
    if name == "24H":
        start = min(start, at(on, hours.get(on, 9.0)) - timedelta(minutes=8))
    if plan.treated:
        for event in events:
            if (
                event.key == "qt"
                and event.start <= plan.day(on) <= (event.end or event.start + 7)
                and (name != "PREDOSE" or event.start < plan.day(on))
            ):
                target = QT_GRADE[event.grade]
    readers = plan.scenario.words["ecg"]["readers"]
    utc = start - timedelta(hours=plan.scenario.trial.utc_offset)
    for replicate in range(1, 4):
        rr = round(60000 / float(np.clip(rng.normal(pulse, 4), 48, 120)))
        qt = round((target + float(rng.normal(0, 2.5))) * (rr / 1000) ** (1 / 3))
        qtcf = round(qt / (rr / 1000) ** (1 / 3))
        book.vendor(
            "ecg",
            on,
            SUBJECT=plan.subject,
            ECGDTM=(utc + timedelta(minutes=2 * replicate)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            TPT=name,
            REP=replicate,
            HR=round(60000 / rr),
            PR=int(rng.normal(158, 8)),
            QRS=int(rng.normal(94, 5)),
            QT=qt,
            RR=rr,
            QTCF=qtcf,
            INTERP="ABNORMAL" if qtcf > 450 else "NORMAL",
            READER=readers[plan.script.no % len(readers)],
        )
