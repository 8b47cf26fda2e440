"""Blood counts that people had done at a hospital near their home, as copied from its report (LABX).

Such a hospital has its own units and limits of normal, writes fewer digits, and often no time.

Sources: the study design, sections 2.1 (LABX) and 3.7 (units).
"""

from __future__ import annotations

import numpy as np

from simulator.book import Book, clock
from simulator.plan import Plan
from simulator.response import Levels

SHARE = 0.4  # of treated people, for each stretch of time at home
HOME = (100, 380)  # study days between which they are at home
# test, unit, factor on the study's unit, decimals, limits of normal
SHEETS = (
    (
        ("WBC", "10^3/uL", 1, 2, "4.0", "10.0"),
        ("HGB", "g/dL", 0.1, 1, "11.0", "16.0"),
        ("PLAT", "10^3/uL", 1, 0, "100", "300"),
    ),
    (
        ("WBC", "×10⁹/L", 1, 1, "3.5", "9.5"),
        ("NEUT", "×10⁹/L", 1, 1, "1.8", "6.3"),
        ("HGB", "g/L", 1, 0, "115", "150"),
        ("PLAT", "×10⁹/L", 1, 0, "125", "350"),
    ),
    (("NEUT", "/uL", 1000, 0, "2000", "7000"), ("HCT", "L/L", 0.01, 3, "0.35", "0.50")),
)


def write_outside(book: Book, plan: Plan) -> None:
    """LABX records of a treated person: a count or two while at home, on days without a visit."""
    if not plan.treated:
        return
    rng, levels = plan.rng("outside"), Levels(plan)
    hospitals = plan.scenario.words["hospitals"]
    busy = {v.on for v in plan.visits}
    for first in range(HOME[0], min(HOME[1], plan.day(plan.followed_to) - 10), 70):
        on = plan.on(first + int(rng.integers(0, 60)))
        wanted, sheet = rng.random() < SHARE, SHEETS[int(rng.integers(len(SHEETS)))]
        hospital, hour = hospitals[int(rng.integers(len(hospitals)))], float(rng.uniform(7, 16))
        timed = rng.random() < 0.5
        if not wanted or on in busy or on >= plan.followed_to:
            continue
        anc, plat, _blasts, hgb = levels.on(on)
        values = {"WBC": anc * 1.9 + 0.7, "NEUT": anc, "PLAT": plat, "HGB": hgb, "HCT": hgb * 0.305}
        for test, unit, factor, decimals, low, high in sheet:
            value = values[test] * factor * float(np.exp(rng.normal(0, 0.05)))
            book.form(
                "labx",
                "LOG",
                on,
                XDAT=on,
                XTIM=clock(hour) if timed else None,
                XTEST=test,
                XRES=f"{value:.{decimals}f}",
                XUNIT=unit,
                XLO=low,
                XHI=high,
                XHOSP=hospital,
            )
        book.alive(on)
