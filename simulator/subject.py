"""Who takes part and how it ends: SUBJ, IC, DEMO, IE, ENR, VISDT, EOT, SURV, EOS, DTH, DV and COMM records.

Sources: the study design, section 2.1.
"""

from __future__ import annotations

from datetime import date, timedelta

from simulator.book import MONTHS, Book, edc_date
from simulator.dosing import Day
from simulator.pk import Tube
from simulator.plan import Plan


def write_screening(book: Book, plan: Plan) -> None:
    """SUBJ, IC, DEMO, IE and ENR records."""
    script, trial, words = plan.script, plan.scenario.trial, plan.scenario.words
    rng = plan.rng("screening")
    consent = script.consent
    book.form("subj", "SCR", consent, PERSONID=script.person, PREVSUBJ=plan.previous or None, SCRNO=plan.subject)
    version = max((d, v) for d, v in trial.consent_version.items() if d <= consent)[1]
    book.form("ic", "SCR", consent, ICDAT=consent, ICTIM="09:30", ICVER=version, ICTYPE="MAIN")
    if rng.random() < 0.7:
        book.form("ic", "SCR", consent, ICDAT=consent, ICTIM="09:45", ICVER=version, ICTYPE="GENETIC")
    if plan.treated:
        for new, name in trial.consent_version.items():
            again = next((v for v in plan.visits if v.done and v.cycle and v.on > new and consent < new), None)
            if again:
                book.form("ic", again.oid, again.on, ICDAT=again.on, ICVER=name, ICTYPE="RECONSENT")
    descent, people = plan.rng("descent"), words["ethnic"]
    other = descent.random() < 0.08
    birth = script.birth.split("-")
    shown = f"UN-{MONTHS[int(birth[1]) - 1]}-{birth[0]}" if len(birth) == 2 else date.fromisoformat(script.birth)
    book.form(
        "demo",
        "SCR",
        consent,
        BRTHDAT=shown,
        SEX=script.sex,
        ETHNICG="OTHER" if other else "HAN",
        ETHOTH=people[int(descent.integers(len(people)))] if other else None,
        RACE="ASIAN",
    )
    if script.fail:
        rule = words["criteria"][script.criterion]
        book.form("ie", "SCR", consent, IEYN="N", IECAT=rule["cat"], IENUM=script.criterion, IETEXT=rule["text"])
        book.form("enr", "SCR", script.fail, ENRYN="N")
        return
    book.form("ie", "SCR", consent, IEYN="Y")
    if not plan.treated and script.enrolled is None:  # still being screened
        return
    enrolled = script.enrolled or plan.on(0)
    book.form(
        "enr",
        "SCR",
        enrolled,
        ELIGDAT=enrolled - timedelta(days=1),
        ENRYN="Y",
        ENRDAT=enrolled,
        COHORT=script.cohort,
        DOSELVL=script.dose,
        NOTTRTRSN=script.not_treated or None,
    )


def write_visits(book: Book, plan: Plan) -> None:
    """VISDT records of the visits that took place or were missed, by date."""
    words = plan.scenario.words
    for visit in sorted(plan.visits, key=lambda v: (v.on, v.oid)):
        if visit.done:
            book.form(
                "visdt", visit.oid, visit.on, visit.rep, VISDAT=visit.on, VISYN="Y", VISMODE=visit.mode, EPICHG="N"
            )
            if visit.mode == "SITE":
                book.alive(visit.on)
        else:
            book.form(
                "visdt",
                visit.oid,
                visit.on,
                visit.rep,
                VISYN="N",
                VISREAS=visit.reason,
                EPICHG="Y" if any(w in visit.reason for w in words["epidemic"]) else "N",
            )


def write_end(book: Book, plan: Plan) -> None:
    """EOT, SURV, EOS and DTH records."""
    script = plan.script
    rng = plan.rng("end")
    if plan.treated and plan.eot:
        book.form(
            "eot",
            "EOT",
            plan.eot,
            EOTDAT=plan.eot,
            LASTDOS=plan.last_dose,
            EOTREAS=script.why,
            EOTOTH=script.why_other or None,
        )
    contacts = [v for v in plan.visits if v.oid.startswith("FU")]
    for visit in contacts:
        family = visit.mode == "PHONE" and rng.random() < 0.5
        alive = visit.on - timedelta(days=int(rng.integers(0, 4))) if family else visit.on
        if not visit.done:
            book.form("surv", visit.oid, visit.on, visit.rep, SURVDAT=visit.on, SURVSRC="FAMILY", SURVST="UNK")
            continue
        book.form(
            "surv",
            visit.oid,
            visit.on,
            visit.rep,
            SURVDAT=visit.on,
            SURVSRC="FAMILY" if family else "SUBJECT",
            SURVST="ALIVE",
            LSTALV=alive,
        )
        if visit.on <= book.snapshot:
            book.alive(alive)
    if plan.treated and plan.death and plan.death <= book.snapshot:
        report = plan.death + timedelta(days=int(rng.integers(1, 12)))
        report = plan.on(script.reported) if script.reported else report
        before = max((d for d in book.seen if d <= plan.death), default=plan.death)
        oid = f"FU{len(contacts) + 1}"
        if script.why != "DEATH":
            book.form(
                "surv",
                oid,
                report,
                SURVDAT=report,
                SURVSRC="FAMILY" if rng.random() < 0.7 else "RECORD",
                SURVST="DEAD",
                LSTALV=before,
            )
        number = next((r["AENO"] for r in book.tables.get("ae", ()) if r.get("AESDTH") == "Y"), None)
        book.form(
            "dth",
            "LOG",
            report,
            DTHDAT=_death_date(plan),
            DTHCAUS=script.cause or "DISEASE",
            DTHTXT=script.death_text or None,
            DTHAENO=number,
            AUTOP="U" if script.partial_death else "N",
        )
    end = plan.study_end
    if end:
        when, why = end
        shown = _death_date(plan) if why == "DEATH" else edc_date(when)
        book.form("eos", "EOS", when, EOSDAT=shown, EOSREAS=why, EOSOTH=script.not_treated or None)


def _death_date(plan: Plan) -> str | None:
    """The date of death as far as it became known; None when it did not."""
    known = {"": "day", "day": "month", "month": "year"}.get(plan.script.partial_death)
    return edc_date(plan.death, known) if plan.death and known else None


def write_deviations(book: Book, plan: Plan, days: list[Day], tubes: list[Tube]) -> None:
    """DV records of what truly deviated, and a comment here and there."""
    if not plan.treated:
        return
    rng = plan.rng("deviations")
    texts = {d["code"]: d for d in plan.scenario.words["deviations"]}
    for visit in plan.visits:
        if not visit.done and visit.cycle:
            _deviation(book, texts["VISIT"], visit.on)
    for tube in tubes:
        if tube.late and tube.truth:
            _deviation(book, texts["PKTIME"], tube.when.date())
    for cyp in plan.script.cyp:
        if cyp.unchanged:
            _deviation(book, texts["CYP3A4"], plan.on(cyp.first))
    for day in days:
        if day.reason in ("FORGOT", "ERROR"):
            _deviation(book, texts["DOSING"], day.on)
    comments = plan.scenario.words["comments"]
    if rng.random() < 0.25:
        book.form(
            "comm", "LOG", plan.on(1), COMTXT=comments[plan.script.no % len(comments)], COMFORM="LABC", COMREC="1"
        )


def _deviation(book: Book, facts: dict[str, str], on: date) -> None:
    book.form("dv", "LOG", on, DVTXT=facts["text"], DVCAT=facts["cat"], DVCODE=facts["code"], DVSTDAT=on)
