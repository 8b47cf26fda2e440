"""Plasma samples: when each was drawn, and what the laboratory made of its true concentrations.

The laboratory adds its error, its limits of quantification and its texts.

Sources: the study design, sections 1.3 (sampling), 1.5 (parameters), 2.1 (PKS), 2.2 (conc).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from simulator.book import Book, at, clock
from simulator.dosing import Day
from simulator.kinetics import concentrations
from simulator.plan import Plan
from simulator.visits import Seen

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


def write_pk(book: Book, plan: Plan, days: list[Day]) -> list[Tube]:
    """PKS and conc records of every planned sample; returns the tubes with their true concentrations."""
    tubes = _tubes(plan, days)
    drawn = sorted((t for t in tubes if not t.undosed), key=lambda t: t.when)
    for tube, row in zip(drawn, concentrations(plan, days, [t.when for t in drawn]), strict=True):
        tube.truth = dict(zip(("parent", "metabolite"), map(float, row), strict=True))
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
        book.alive(on)
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
