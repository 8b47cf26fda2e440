"""Marrow, measurable residual disease, extramedullary disease and the investigator's response.

The response is the truth; marrow blasts and the blood counts of `levels` agree with it.

Sources: the study design, sections 1.3, 2.1 (BMA, MRD, EMD, RESP) and 4.7 (thresholds).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from simulator.book import Book
from simulator.calendar import marrow_visit
from simulator.plan import Plan

# For each state: ANC 10^9/L, platelets 10^9/L, circulating blasts %, haemoglobin g/L.
STATES = {
    "BASE": (0.6, 34, 24, 84),
    "CR": (2.3, 160, 0, 114),
    "CRh": (0.76, 68, 0, 96),
    "CRi": (1.6, 36, 0, 92),
    "MLFS": (0.34, 27, 0, 80),
    "PR": (1.5, 128, 0, 100),
    "NR": (0.5, 24, 18, 80),
    "RD": (0.5, 24, 20, 80),
    "PD": (0.4, 17, 45, 74),
    "REL": (0.9, 58, 14, 92),
    "NE": (0.35, 19, 6, 76),
    "GRAFT": (3.0, 135, 0, 112),
}
MARROW = {
    "CR": (0.5, 3),
    "CRh": (1, 4),
    "CRi": (1, 4),
    "MLFS": (1.5, 4),
    "PR": (9, 18),
    "NR": (30, 55),
    "RD": (32, 60),
    "PD": (80, 93),
    "REL": (22, 60),
    "NE": (1, 4),
}


class Levels:
    """Blood levels of a person on any date: state to state, in straight lines on the log scale."""

    def __init__(self, plan: Plan) -> None:
        """Anchors: disease at screening, each response, the graft a month after transplant."""
        rng = plan.rng("levels")
        spread = np.exp(rng.normal(0, 0.15, 4))
        anchors: list[tuple[date, str]] = [(plan.script.consent, "BASE")]
        if plan.treated:
            anchors += [(plan.on(1), "BASE"), *plan.responses]
            if plan.hsct:
                anchors.append((plan.hsct + timedelta(days=30), "GRAFT"))
        anchors.sort()
        self.days = np.array([(d - plan.script.consent).days for d, _ in anchors], dtype=float)
        table = np.array([STATES[s] for _, s in anchors], dtype=float)
        table[[s == "BASE" for _, s in anchors]] *= spread
        self.log = np.log(table[:, [0, 1, 3]])
        self.blasts = table[:, 2]
        self.origin = plan.script.consent

    def on(self, when: date) -> tuple[float, float, float, float]:
        """ANC, platelets (10^9/L), circulating blasts (%), haemoglobin (g/L)."""
        x = (when - self.origin).days
        anc, plat, hgb = (float(np.exp(np.interp(x, self.days, self.log[:, i]))) for i in range(3))
        return anc, plat, float(np.interp(x, self.days, self.blasts)), hgb


def write_response(book: Book, plan: Plan) -> None:
    """BMA, MRD, EMD and RESP records; adds unscheduled visits to the plan where a marrow has no planned one."""
    rng = plan.rng("marrow")
    words = plan.scenario.words
    screening = plan.visits[0]
    extramedullary = plan.extramedullary
    site = words["sites_emd"][int(rng.integers(len(words["sites_emd"])))]
    if not plan.script.fail:
        base = float(rng.uniform(52, 70)) if "PD" not in plan.script.resp.values() else float(rng.uniform(40, 48))
        cells = ("HYPER", "NORMO")[int(rng.integers(2))]
        _marrow(book, plan, screening.oid, screening.on, 1, base, cells, rng, bool(rng.random() < 0.3))
        _extramedullary(book, screening.oid, screening.on, 1, "PRESENT" if extramedullary else "ABSENT", site)
    used: set[tuple[str, int]] = set()
    for on, result in plan.responses:
        if on > plan.followed_to:
            continue
        visit = marrow_visit(plan, on)
        visit.mode = "SITE"
        used.add((visit.oid, visit.rep))
        low, high = MARROW[result]
        cells = "HYPER" if high > 20 else "APLASTIC" if result == "NE" else ("NORMO", "HYPO")[int(rng.integers(2))]
        _marrow(
            book,
            plan,
            visit.oid,
            on,
            visit.rep,
            float(rng.uniform(low, high)),
            cells,
            rng,
            False,
            adequate=result != "NE",
        )
        day = plan.day(on)
        state = plan.script.emd.get(day, "PRESENT" if extramedullary and high > 20 else "ABSENT")
        _extramedullary(book, visit.oid, on, visit.rep, state, site)
        if day in plan.script.mrd:
            negative = plan.script.mrd[day] == "NEG"
            share = "<0.01" if negative else f"{float(rng.uniform(0.12, 1.8)):.2f}"
            book.form("mrd", visit.oid, on, visit.rep, MRDDAT=on, MRDRES=plan.script.mrd[day], MRDPCT=share)
        book.form(
            "resp",
            visit.oid,
            on,
            visit.rep,
            RSPDAT=on,
            RSPRES=result,
            RSPREAS=words["response_reasons"].get(result),
            BMACC=f"BM{plan.script.no:04d}{visit.oid}{visit.rep}",
        )
        book.alive(on)
    for visit in plan.visits:
        if visit.marrow and visit.oid != screening.oid and visit.done and (visit.oid, visit.rep) not in used:
            reason = words["marrow_not_done"][int(rng.integers(len(words["marrow_not_done"])))]
            book.form("bma", visit.oid, visit.on, visit.rep, BMYN="N", BMREAS=reason)


def _marrow(
    book: Book,
    plan: Plan,
    oid: str,
    on: date,
    rep: int,
    blasts: float,
    cells: str,
    rng: np.random.Generator,
    auer: bool,
    adequate: bool = True,
) -> None:
    counted = int(rng.integers(200, 501)) if adequate else int(rng.integers(20, 90))
    book.form(
        "bma",
        oid,
        on,
        rep,
        BMDAT=on,
        BMYN="Y",
        BMBLAST=f"{blasts:.1f}",
        BMCELL=cells,
        NCELLS=counted,
        SPICULE=adequate,
        AUER=auer and plan.script.disease == "AML",
        DYSPL=rng.random() < 0.2,
        ADEQ=adequate,
    )
    book.alive(on)
    plan.marrows[oid, rep] = on


def _extramedullary(book: Book, oid: str, on: date, rep: int, state: str, site: str) -> None:
    book.form("emd", oid, on, rep, EMDDAT=on, EMDRES=state, EMDSITE=site if state in ("PRESENT", "NEW") else None)
