"""Sequencing, gene expression and CD11b of a person's samples, as the laboratories deliver them.

Expression falls and CD11b rises with the response; the genes are the true ones of the plan.

Sources: the study design, sections 1.3 and 2.2 (qpcr, flow, ngs).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from simulator.book import EXCEL_EPOCH, Book
from simulator.plan import Plan
from simulator.visits import Seen

FALL = {
    "CR": 6.5,
    "CRh": 5.5,
    "CRi": 5.0,
    "MLFS": 4.5,
    "PR": 3.0,
    "NR": 0.8,
    "RD": 0.5,
    "PD": -0.3,
    "REL": 0.2,
    "NE": 2.0,
}
RISE = {"CR": 52, "CRh": 46, "CRi": 45, "MLFS": 40, "PR": 30, "NR": 12, "RD": 9, "PD": 6, "REL": 8, "NE": 25}
GENES = {"HOXA9": 21.8, "MEIS1": 23.4, "ABL1": 24.2}


def write_samples(book: Book, plan: Plan) -> None:
    """qpcr and flow records of every biomarker visit, and the NGS samples with variants and fusions."""
    if plan.script.fail:
        return
    rng = plan.rng("samples")
    basis = {gene: mean + float(rng.normal(0, 0.6)) for gene, mean in GENES.items()}
    cd11b = float(rng.uniform(4, 12))
    count = 0
    for visit in plan.visits:
        kinds = ("BM", "PB") if "B" in visit.forms else ("PB",) if "b" in visit.forms else ()
        aspirate = plan.marrows.get((visit.oid, visit.rep))
        for spec in kinds if visit.done else ():
            on = aspirate if spec == "BM" else visit.on
            if on is None:  # no aspirate, no sample
                continue
            count += 1
            sample = f"BX{plan.script.no:04d}-{count:02d}"
            _expression(book, plan, visit, on, sample, spec, basis, rng)
            level = cd11b if visit.oid == "SCR" else max(cd11b, RISE[_state(plan, on)] + float(rng.normal(0, 4)))
            book.vendor(
                "flow",
                on,
                SAMPLE=sample,
                SUBJECT=plan.subject,
                SPEC=spec,
                COLDAT=str(on),
                GATE=plan.scenario.words["gate"],
                MARKER="CD11b",
                PCTPOS=f"{min(level, 96):.1f}",
                EVENTS=int(rng.integers(20000, 180000)),
            )
    asked = [plan.marrows.get((v.oid, v.rep)) for v in plan.visits if "n" in v.forms and v.done]
    for number, drawn in enumerate([d for d in asked if d], start=1):
        _sequencing(book, plan, drawn, number, rng)


def _state(plan: Plan, on: date) -> str:
    """The response nearest in time, at most three weeks later; weak effect before any is known."""
    known = [(abs((d - on).days), r) for d, r in plan.responses if (d - on).days <= 21]
    return min(known)[1] if known else "NR"


def _expression(
    book: Book,
    plan: Plan,
    visit: Seen,
    on: date,
    sample: str,
    spec: str,
    basis: dict[str, float],
    rng: np.random.Generator,
) -> None:
    fall = 0.0 if visit.oid == "SCR" else FALL[_state(plan, on)] * (0.5 if visit.oid == "C1D8" else 1)
    shift = 0.7 if spec == "PB" else 0.0
    serial = (on - EXCEL_EPOCH).days
    batch = f"{on.year}Q{(on.month + 2) // 3}"
    for row, (gene, mean) in enumerate(basis.items()):
        target = mean + shift + (0 if gene == "ABL1" else fall)
        for well in range(1, 4):
            ct = target + float(rng.normal(0, 0.12))
            book.vendor(
                "qpcr",
                on,
                SHEET=batch,
                SAMPLE=sample,
                SUBJECT=plan.subject,
                SPEC=spec,
                COLDAT=serial,
                GENE=gene,
                WELL=f"{'ABC'[row]}{well:02d}",
                CT="Undetermined" if ct > 38 else f"{ct:.2f}",
            )


def _sequencing(book: Book, plan: Plan, on: date, number: int, rng: np.random.Generator) -> None:
    script, words = plan.script, plan.scenario.words["molecular"]
    sample = f"NG{script.no:04d}-{number}"
    split = script.no % 5 == 0
    panels = ["DNA", "RNA"] if split else ["DNA+RNA"]
    quality = dict.fromkeys(panels, "PASS")
    if script.fish and number == 1:
        panels, quality = ["DNA+RNA", "FISH"], {"DNA+RNA": "FAIL", "FISH": "PASS"}
    for index, panel in enumerate(panels):
        name = sample + ("ABC"[index] if len(panels) > 1 else "")
        report = on + timedelta(days=int(rng.integers(9, 20)))
        book.vendor(
            "ngs_samples",
            on,
            SAMPLE=name,
            SUBJECT=plan.subject,
            SPEC="BM",
            COLDAT=str(on),
            REPDAT=str(report),
            QC=quality[panel],
            PANEL=panel,
        )
        if quality[panel] == "FAIL":
            continue
        if "DNA" in panel:
            if script.gene == "NPM1":
                _variant(book, on, name, "NPM1", words["npm1"], float(rng.uniform(28, 46)), "P", "INDEL", rng, 4)
            if script.tp53:
                _variant(book, on, name, "TP53", words["tp53"], script.tp53, "P", "SNV", rng)
            elif script.no % 7 == 3:
                _variant(book, on, name, "TP53", words["vus"], float(rng.uniform(45, 51)), "VUS", "SNV", rng)
            if script.flt3:
                itd = script.flt3 == "ITD"
                _variant(
                    book,
                    on,
                    name,
                    "FLT3",
                    words["itd" if itd else "tkd"],
                    float(rng.uniform(18, 40)),
                    "P",
                    "ITD" if itd else "SNV",
                    rng,
                    21 if itd else None,
                )
        if ("RNA" in panel or panel == "FISH") and script.gene == "KMT2A":
            fish = panel == "FISH"
            book.vendor(
                "ngs_fusions",
                on,
                SAMPLE=name,
                GENE1="KMT2A",
                GENE2=script.partner,
                TYPE="FUSION",
                METHOD="FISH" if fish else "RNASEQ",
                READS=None if fish else int(rng.integers(40, 900)),
            )
        if "RNA" in panel and script.ptd:
            book.vendor(
                "ngs_fusions",
                on,
                SAMPLE=name,
                GENE1="KMT2A",
                GENE2="KMT2A",
                TYPE="PTD",
                METHOD="RNASEQ",
                READS=int(rng.integers(20, 200)),
            )
        if "RNA" in panel and script.nup98:
            book.vendor(
                "ngs_fusions",
                on,
                SAMPLE=name,
                GENE1="NUP98",
                GENE2=script.nup98,
                TYPE="FUSION",
                METHOD="RNASEQ",
                READS=int(rng.integers(20, 200)),
            )


def _variant(
    book: Book,
    on: date,
    sample: str,
    gene: str,
    facts: dict[str, str],
    vaf: float,
    impact: str,
    kind: str,
    rng: np.random.Generator,
    length: int | None = None,
) -> None:
    depth = int(rng.integers(600, 2400))
    book.vendor(
        "ngs_variants",
        on,
        SAMPLE=sample,
        GENE=gene,
        TRANSCRIPT=facts["transcript"],
        HGVSC=facts["c"],
        HGVSP=facts["p"],
        VAF=f"{vaf:.1f}",
        DEPTH=depth,
        ALTDEPTH=round(depth * vaf / 100),
        CLASS=impact,
        TYPE=kind,
        LENBP=length,
    )
