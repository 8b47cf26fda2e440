"""Histories and treatments other than the study drug: MH, DX, PTX, CM, HSCT and NALT records.

Sources: the study design, section 2.1.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from simulator.adverse import Adverse
from simulator.book import Book, edc_date
from simulator.plan import Plan
from simulator.scenario import Drug

CHINESE = 0.25  # share of terms that are written in Chinese alone


def write_history(book: Book, plan: Plan) -> None:
    """MH, DX and PTX records of the screening."""
    rng, script, scenario = plan.rng("history"), plan.script, plan.scenario
    consent = plan.first_consent  # what happened before is the same at every attempt
    histories = scenario.events.histories
    chosen = sorted(int(i) for i in rng.permutation(len(histories))[: int(rng.integers(1, 5))])
    for index in chosen:
        item = histories[index]
        start = consent - timedelta(days=int(rng.integers(60, 4000)))
        ongoing = rng.random() < float(item["ongoing"])
        end = None if ongoing else start + timedelta(days=min(int(rng.integers(10, 50)), (consent - start).days - 5))
        book.form(
            "mh",
            "SCR",
            script.consent,
            MHTERM=item["zh"] if "zh" in item and rng.random() < CHINESE else item["term"],
            MHSTDAT=edc_date(start, ("year", "month", "day")[int(rng.integers(3))]),
            MHENDAT=end,
            MHONGO=ongoing,
            MHTOXGR=int(rng.integers(1, 3)) if ongoing and rng.random() < 0.5 else None,
        )
    lines = int(rng.integers(1, 5))
    diagnosis = consent - timedelta(days=int(rng.integers(150, 900)))
    relapsed = rng.random() < 0.65
    span = (consent - diagnosis).days
    regimens = scenario.drugs.regimens[script.disease]
    last_relapse = consent - timedelta(days=int(rng.integers(8, 45))) if relapsed else None
    book.form(
        "dx",
        "SCR",
        script.consent,
        DXTYPE=script.disease,
        WHO=scenario.events.who[f"{script.disease}.{script.gene}"],
        DXDAT=edc_date(diagnosis, "day" if rng.random() < 0.8 else "month"),
        RRSTAT="RELAPSED" if relapsed else "REFRACTORY",
        NPRIOR=lines,
        LASTRELDAT=last_relapse,
        EMDYN=plan.extramedullary,
        CNSHX=rng.random() < 0.1,
    )
    transplanted = lines > 1 and rng.random() < 0.25
    for line in range(1, lines + 1):
        begin = diagnosis + timedelta(days=5 + int(span * (line - 1) / (lines + 1)))
        end = begin + timedelta(days=max(7, int(span / (lines + 1) * 0.7)))
        best = (
            ("CR", "CRi", "PR", "NR")[int(rng.integers(4))]
            if line < lines or relapsed
            else ("NR", "PD")[int(rng.integers(2))]
        )
        best = "CR" if relapsed and line == 1 else best
        here = transplanted and line == 2
        book.form(
            "ptx",
            "SCR",
            script.consent,
            PTLINE=line,
            PTREG=regimens[(line - 1 + (script.previous or script.no)) % len(regimens)]["en"],
            PTSTDAT=begin,
            PTENDAT=edc_date(end, "day" if rng.random() < 0.8 else "month"),
            PTBEST=best,
            PTHSCT="ALLO" if here else "N",
            PTHSCTDAT=end if here else None,
        )


def write_meds(book: Book, plan: Plan, events: list[Adverse]) -> None:
    """CM, HSCT and NALT records: standing, prophylaxis, treatment of events, inhibitors, HSCT, new therapy."""
    if not plan.treated:
        return
    rng, drugs = plan.rng("meds"), plan.scenario.drugs
    stop = plan.followed_to
    given: list[tuple[date, date | None, str, str, str, str | None]] = []
    known = {h["zh"]: h["term"] for h in plan.scenario.events.histories if "zh" in h}
    had = {known.get(str(r["MHTERM"]), r["MHTERM"]) for r in book.tables.get("mh", ()) if r["MHONGO"] == "Y"}
    for history, key in drugs.chronic.items():
        if history in had:
            start = plan.script.consent - timedelta(days=int(rng.integers(100, 2000)))
            unknown = rng.random()
            given.append(
                (start, None, key, history, "", edc_date(start, "year") if unknown < 0.5 else edc_date(start, "month"))
            )
    for key in drugs.prophylaxis:
        if rng.random() < 0.6:
            start = plan.on(1 - int(rng.integers(1, 10)))
            given.append((start, start + timedelta(days=int(rng.integers(14, 70))), key, "Prophylaxis", "", None))
    for event in events:
        for key in event.treat:
            days = drugs.drugs[key].days or 5
            start = plan.on(event.start) + timedelta(days=int(rng.integers(0, 2)))
            given.append(
                (
                    start,
                    start + timedelta(days=max(1, int(days * float(rng.uniform(0.6, 1.4))))),
                    key,
                    event.zh if rng.random() < CHINESE else event.term,
                    event.number,
                    None,
                )
            )
    for cyp in plan.script.cyp:
        given.append((plan.on(cyp.first), plan.on(cyp.last), cyp.drug, "Fungal pneumonia, suspected", "", None))
    given.sort(key=lambda g: (g[0], g[2]))
    for start, end, key, why, number, shown in given:
        if start >= stop:
            continue
        if end is not None and end > stop:
            end = None if plan.death is None else stop  # noqa: PLW2901  still open: closed at the last contact
        _medication(book, drugs.drugs[key], start, end, why, number, shown, rng)
    if plan.hsct:
        book.form(
            "hsct",
            "LOG",
            plan.hsct,
            HSCTDAT=plan.hsct,
            CONDDAT=plan.hsct - timedelta(days=7),
            HTYPE="ALLO",
            DONOR=plan.script.donor,
            STATUS="NOTCR" if any(r == "REL" and d <= plan.hsct for d, r in plan.responses) else "CR",
        )
        book.alive(plan.hsct)
    if plan.nalt and plan.nalt < stop:
        choice = drugs.regimens["subsequent"]
        end = plan.nalt + timedelta(days=int(rng.integers(20, 60)))
        book.form(
            "nalt",
            "LOG",
            plan.nalt,
            NALTRT=choice[plan.script.no % len(choice)]["en"],
            NALSTDAT=plan.nalt,
            NALENDAT=end if end < stop else None,
            NALREAS="Disease not controlled",
        )
        book.alive(plan.nalt)


def _medication(
    book: Book,
    drug: Drug,
    start: date,
    end: date | None,
    why: str,
    number: str,
    shown: str | None,
    rng: np.random.Generator,
) -> None:
    amount, unit, frequency, route = drug.dose
    english, chinese = drug.names[int(rng.integers(len(drug.names)))].split("|")
    book.form(
        "cm",
        "LOG",
        start,
        CMTRT=english if rng.random() >= CHINESE else None,
        CMTRTZH=chinese,
        CMDOSE=amount,
        CMDOSU=unit,
        CMFRQ=frequency,
        CMROUTE=route,
        CMSTDAT=shown or start,
        CMENDAT=end,
        CMONGO=end is None,
        CMINDC=why,
        CMAENO=number,
    )
    book.alive(start)
