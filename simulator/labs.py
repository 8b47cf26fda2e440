"""Laboratory results as the hospital's system delivers them, the collection form, and the reference ranges.

Blood counts follow the response; chemistry follows the adverse events that move it. Results are texts
in the unit of the analyser of that draw.

Sources: the study design, sections 2.1 (LABC, LABX), 2.2 (lis, ref_ranges) and 3.7.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from simulator.adverse import Adverse
from simulator.book import Book, Row, clock
from simulator.dosing import Day
from simulator.plan import Plan
from simulator.response import Levels
from simulator.scenario import LabTest, Scenario

VARIED = ("LYM", "MONO", "EOS", "BASO", "LDH")
CARDIAC_VISITS = ("SCR", "C2D1", "EOT")
SURGE = 2.5  # factor on the neutrophils (squared: monocytes) while a differentiation syndrome lasts
FERTILE = 55  # years up to which a pregnancy test is asked


def write_labs(book: Book, plan: Plan, events: list[Adverse], days: list[Day]) -> None:
    """LABC and lis records of every draw, planned and between visits, and the transfusions that the counts ask for."""
    rng, levels = plan.rng("labs"), Levels(plan)
    tests = plan.scenario.tests
    usual = {t.code: t.mean * float(np.exp(rng.normal(0, t.sd))) for t in tests}
    usual["CREAT"] *= 1.0 if plan.script.sex == "M" else 0.8
    hours = {d.on: d.hour for d in days}
    draws: list[tuple[date, str, int, str]] = []
    for visit in plan.visits:
        if visit.done and "l" in visit.forms:
            panels = "HCO" + ("X" if visit.oid in CARDIAC_VISITS else "")
            if visit.oid == "SCR" and plan.script.sex == "F" and plan.age <= FERTILE:
                panels += "G"
            draws.append((visit.on, visit.oid, visit.rep, panels))
    if plan.treated:
        stop = min(plan.day(plan.followed_to), plan.script.last or 90, 90)
        busy = {d[0] for d in draws}
        for day in range(4, stop, 7):
            on = plan.on(day + int(rng.integers(-1, 2)))
            if on not in busy and on < plan.followed_to and rng.random() < 0.4:
                draws.append((on, "", 1, "H"))
    draws.sort()
    for number, (on, oid, rep, panels) in enumerate(draws, start=1):
        hour = min(hours.get(on, 8.0), 8.2) - float(rng.uniform(0.5, 1.3)) if oid else float(rng.uniform(6, 20))
        accession = f"{on:%y%m%d}{plan.script.no:04d}{number:02d}"
        if oid:
            book.form("labc", oid, on, rep, LABDAT=on, LABTIM=clock(hour), ACCNO=accession, FASTYN=rng.random() < 0.9)
        surge = any(e.key == "ds" and e.start <= plan.day(on) <= (e.end or e.start) for e in events)
        values = _counts(levels, on, rng, usual, SURGE if surge else 1.0)
        moved: dict[str, float] = {}
        _effects(moved, tests, plan, events, on)
        other = rng.random() < 0.06
        noise = rng.normal(0, 1, len(tests))
        load = min((on.replace(day=1) + timedelta(days=32)).replace(day=5), plan.scenario.trial.snapshot)
        minutes = round(hour * 60)
        stamp = f"{on.year}/{on.month}/{on.day} {minutes // 60}:{minutes % 60:02d}"
        for test, spread in zip(tests, noise, strict=True):
            if test.panel not in panels:
                continue
            value = values.get(test.code)
            if test.code in moved:
                value = moved[test.code] * float(np.exp(spread * 0.03))
            elif value is None:
                value = usual[test.code] * float(np.exp(spread * test.sd * 0.35))
            _result(book, plan, test, value, on, accession, stamp, load, other)
        book.alive(on)
        _transfuse(book, values, on, rng, plan.treated)


def _counts(
    levels: Levels, on: date, rng: np.random.Generator, usual: dict[str, float], surge: float
) -> dict[str, float]:
    anc, plat, blasts, hgb = levels.on(on)
    jitter = np.exp(rng.normal(0, 0.035, 4))
    anc, plat, hgb = anc * jitter[0], plat * jitter[1], hgb * jitter[2]
    lymph, mono, eos, baso, ldh = (usual[c] * j for c, j in zip(VARIED, np.exp(rng.normal(0, 0.12, 5)), strict=True))
    mono *= (0.3 + 0.3 * min(anc, 2)) * surge**2
    anc *= surge
    blasts = round(blasts * float(jitter[3]))
    wbc = (anc + lymph + mono + eos + baso) / (1 - blasts / 100)
    return {
        "WBC": wbc,
        "NEUT": anc,
        "LYM": lymph,
        "MONO": mono,
        "EOS": eos,
        "BASO": baso,
        "PLAT": plat,
        "HGB": hgb,
        "RBC": hgb / 30.5,
        "HCT": hgb * 0.305,
        "NEUTLE": 100 * anc / wbc,
        "LYMLE": 100 * lymph / wbc,
        "BLASTLE": float(blasts),
        "LDH": ldh * (1 + blasts / 30),
    }


def _effects(values: dict[str, float], tests: list[LabTest], plan: Plan, events: list[Adverse], on: date) -> None:
    """Levels that an event of the day goes with, by its grade."""
    day = plan.day(on)
    limits = {t.code: t.high[plan.script.sex] for t in tests}
    for event in events:
        if not event.start <= day <= (event.end if event.end is not None else event.start + 30):
            continue
        grade = min(event.grade, 4) - 1
        for code, level in event.kind.lab.items():
            values[code] = level[grade]
        for code, level in event.kind.uln.items():
            values[code] = level[grade] * limits[code]


def _result(
    book: Book, plan: Plan, test: LabTest, value: float, on: date, accession: str, stamp: str, load: date, other: bool
) -> Row:
    unit, decimals = test.unit, test.decimals
    if other and test.alt_unit:
        value, unit = value * test.alt_factor, test.alt_unit
        decimals = max(0, decimals - round(np.log10(test.alt_factor)))
    shown = f"{value:.{decimals}f}"
    if test.code == "HCG":
        shown = "＜0.5" if value < 0.5 else "NEGATIVE"
        unit = unit if shown != "NEGATIVE" else ""
    elif test.code == "TROPONI" and value < 3 and unit == test.unit:
        shown = "<3.0"
    return book.vendor(
        "lis",
        on,
        FILE=f"lab_{on:%Y%m}.csv",
        SUBJECT=plan.subject,
        ACCNO=accession,
        SPEC=test.spec,
        TESTCODE=test.code,
        TESTZH=test.zh,
        RESULT=shown,
        UNIT=unit,
        COLLECT=stamp,
        LOADDTM=f"{load:%Y-%m-%d}T02:10:00",
        STATUS="F",
    )


def _transfuse(book: Book, values: dict[str, float], on: date, rng: np.random.Generator, treated: bool) -> None:
    if not treated:
        return
    if values["PLAT"] < 22 and rng.random() < 0.6:
        book.form("trf", "LOG", on, TRFDAT=on, TRFTYPE="PLT", TRFUNIT=int(rng.integers(1, 3)))
    if values["HGB"] < 72 and rng.random() < 0.6:
        book.form("trf", "LOG", on, TRFDAT=on, TRFTYPE="RBC", TRFUNIT=int(rng.integers(1, 4)))


def reference_ranges(scenario: Scenario) -> list[Row]:
    """ref_ranges records: by test, sex, age band and effective dates; some limits change at the turn of 2025."""
    rows: list[Row] = []
    change = date(scenario.trial.first_consent.year + 1, 1, 1)
    before = str(change - timedelta(days=1))
    for test in scenario.tests:
        same = test.low["M"] == test.low["F"] and test.high["M"] == test.high["F"]
        for sex in ("*",) if same else ("M", "F"):
            low, high = test.low[sex if sex != "*" else "M"], test.high[sex if sex != "*" else "M"]
            bands = [("18", "59", 1.0), ("60", "120", test.older)] if test.older else [("18", "120", 1.0)]
            for age_low, age_high, factor in bands:
                base = {
                    "TESTCODE": test.code,
                    "SEX": sex,
                    "AGELO": age_low,
                    "AGEHI": age_high,
                    "LOW": None if low is None else f"{low:g}",
                    "UNIT": test.unit or None,
                }
                top = f"{round(high * factor):g}" if factor != 1 else f"{high:g}"
                if test.new_high is None:
                    rows.append({**base, "FROM": "2020-01-01", "TO": None, "HIGH": top})
                else:
                    rows.append({**base, "FROM": "2020-01-01", "TO": before, "HIGH": top})
                    rows.append({**base, "FROM": str(change), "TO": None, "HIGH": f"{test.new_high:g}"})
    return rows
