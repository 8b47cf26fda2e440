"""Plasma concentrations of parent and metabolite from the doses truly taken, and the tubes they came in.

A one-compartment model with first-order absorption, carried from dose to dose; clearance falls while
a strong inhibitor is taken. The laboratory's error, its limits of quantification and its texts come last.

Sources: the study design, sections 1.3 (sampling), 1.5 (parameters), 2.1 (PKS), 2.2 (conc).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from simulator.book import Book, at, clock
from simulator.calendar import Seen
from simulator.dosing import Day
from simulator.plan import Plan

LATE, LOST = 0.02, 0.01  # shares of samples drawn outside their window, and not drawn


@dataclass
class Tube:
    """A planned sample: time point, true time of drawing, and the true concentrations (ng/mL)."""

    visit: Seen
    name: str
    when: datetime
    barcode: str
    truth: dict[str, float]
    late: bool = False  # outside its window
    undosed: bool = False  # not drawn, for no dose was taken that day


def parameters(plan: Plan) -> dict[str, float]:
    """The person's true ka (/h), clearances (L/h) and volumes (L), apparent."""
    pk, rng = plan.scenario.trial.pk, plan.rng("parameters")
    factor = np.exp(rng.normal(0, pk.iiv, 5))
    return {
        "ka": pk.ka * float(factor[0]),
        "CLF": pk.cl * float(factor[1]),
        "VF": pk.v * float(factor[2]),
        "CLM": pk.cl_m * float(factor[3]),
        "VM": pk.v_m * float(factor[4]),
    }


def single_dose(plan: Plan, mg: float) -> dict[str, float]:
    """Analytic AUCINF (h*ng/mL), Cmax (ng/mL), Tmax and half-life (h) of the parent after one dose."""
    p = parameters(plan)
    ke = p["CLF"] / p["VF"]
    tmax = float(np.log(p["ka"] / ke) / (p["ka"] - ke))
    cmax = mg * 1000 / p["VF"] * p["ka"] / (p["ka"] - ke) * float(np.exp(-ke * tmax) - np.exp(-p["ka"] * tmax))
    return {"AUCINF": mg * 1000 / p["CLF"], "CMAX": cmax, "TMAX": tmax, "THALF": float(np.log(2) / ke)}


def _tubes(plan: Plan, days: list[Day]) -> list[Tube]:
    trial, rng = plan.scenario.trial, plan.rng("tubes")
    taken = {d.on: d for d in days if d.taken}
    tubes: list[Tube] = []
    anchor: datetime | None = None
    for visit in plan.visits:
        day = taken.get(visit.on)
        if not visit.pk or not visit.done:
            continue
        dose = at(visit.on, day.hour if day else 8)
        planned: list[tuple[str, datetime]] = []
        late: set[str] = set()
        undosed = visit.pk != "next" and not day
        if visit.pk == "profile":
            anchor = None if undosed else dose
            for name, hours in zip(trial.profile_names, trial.profile_hours, strict=True):
                window = 5 if hours <= 1 else 10 if hours <= 4 else 20
                shift = int(np.clip(rng.normal(0, window / 3), -window, window)) if hours else -int(rng.integers(3, 25))
                if hours and rng.random() < LATE:
                    shift = window + int(rng.integers(3, 20))
                    late.add(name)
                planned.append((name, dose + timedelta(minutes=round(hours * 60) + shift)))
        elif visit.pk == "next":
            undosed = anchor is None
            drawn = (anchor or dose - timedelta(hours=24)) + timedelta(hours=24, minutes=int(rng.integers(-25, 20)))
            planned.append((trial.next_name, min(drawn, dose - timedelta(minutes=2)) if day else drawn))
        elif visit.pk == "trough":
            planned.append((trial.profile_names[0], dose - timedelta(minutes=int(rng.integers(3, 28)))))
        for name, when in planned:
            barcode = f"PK{plan.script.no:04d}{len(tubes) + 1:03d}"
            tubes.append(Tube(visit, name, when, barcode, {}, name in late, undosed))
    return tubes


def _solve(plan: Plan, days: list[Day], tubes: list[Tube]) -> None:
    """Fill in the true concentrations: exact steps of the linear model between doses and samples."""
    pk, p = plan.scenario.trial.pk, parameters(plan)
    molar = pk.formed * pk.weight["metabolite"] / pk.weight["parent"]
    start = at(plan.on(1), 0)

    def hours(when: datetime) -> float:
        return (when - start).total_seconds() / 3600

    drawn = [t for t in tubes if not t.undosed]
    last = max((hours(t.when) for t in drawn), default=-1)
    moments = [(hours(at(d.on, d.hour)), 1, d.mg, None) for d in days if d.taken]
    moments += [(hours(t.when), 0, 0.0, t) for t in drawn]
    moments = sorted((m for m in moments if m[0] <= last), key=lambda m: (m[0], m[1]))
    state, now = np.zeros(3), moments[0][0] if moments else 0.0
    systems = {}
    for slow in (False, True):
        clearance = p["CLF"] * (pk.inhibited if slow else 1)
        ke, km = clearance / p["VF"], p["CLM"] / p["VM"]
        matrix = np.array([[-p["ka"], 0, 0], [p["ka"], -ke, 0], [0, ke * molar, -km]])
        values, vectors = np.linalg.eig(matrix)
        systems[slow] = values, vectors, np.linalg.inv(vectors)
    for when, kind, mg, tube in moments:
        day = (start + timedelta(hours=now)).date()
        values, vectors, inverse = systems[plan.inhibited(day, 1)]
        state = (vectors @ (np.exp(values * (when - now)) * (inverse @ state))).real
        now = when
        if kind:
            state[0] += mg * 1000
        elif tube is not None:
            tube.truth = {"parent": max(state[1] / p["VF"], 0.0), "metabolite": max(state[2] / p["VM"], 0.0)}


def write_pk(book: Book, plan: Plan, days: list[Day]) -> list[Tube]:
    """PKS and conc records of every planned sample; returns the tubes with their true concentrations."""
    tubes = _tubes(plan, days)
    _solve(plan, days, tubes)
    pk, rng = plan.scenario.trial.pk, plan.rng("assay")
    words = plan.scenario.words
    missed = words["pk_missed"]
    for tube in tubes:
        on: date = tube.when.date()
        lost = rng.random() < LOST or tube.undosed
        why = missed[int(rng.integers(len(missed)))] if not tube.undosed else words["pk_undosed"]
        noise = {a: float(np.exp(rng.normal(0, pk.error))) for a in pk.analytes}
        if lost:
            book.form("pks", tube.visit.oid, on, PKTPT=tube.name, PKYN="N", PKREAS=why)
            tube.truth = {}
            continue
        book.form(
            "pks",
            tube.visit.oid,
            on,
            PKTPT=tube.name,
            PKDAT=on,
            PKTIM=clock(tube.when.hour + tube.when.minute / 60),
            PKYN="Y",
            PKBAR=tube.barcode,
        )
        book.alive(on, "PC")
        run = on + timedelta(days=21 + tube.visit.on.day % 9)
        for analyte, name in pk.analytes.items():
            value = tube.truth[analyte] * noise[analyte]
            above = value > pk.uloq[analyte]
            below = value < pk.lloq[analyte]
            book.vendor(
                "conc",
                on,
                PKBAR=tube.barcode,
                SUBJECT=plan.subject,
                ANALYTE=name,
                CONC="BLQ" if below else f"{value:.{pk.decimals[analyte]}f}",
                UNIT="ng/mL",
                DILUTION=10 if above else 1,
                RUN=f"R{run:%y%m%d}",
                ANDTM=f"{run:%Y-%m-%d}T{9 + tube.visit.on.day % 8:02d}:30",
                REPORTABLE="Y",
                COMMENT="Diluted 10-fold, above ULOQ" if above else None,
            )
    return tubes
