"""Coding files and translations: one record for every verbatim the scenario can write.

Codes are invented: 99, a digit for the level, and a running number in the order of the names.

Sources: the study design, sections 2.2 and 2.3 (medical coding).
"""

from __future__ import annotations

from typing import Any

from simulator.book import Row
from simulator.scenario import Scenario

LEVELS = ("LLT", "PT", "HLT", "HLGT", "SOC")


def meddra(scenario: Scenario) -> list[Row]:
    """meddra records by verbatim: event terms, histories, diagnoses and causes of death."""
    events = scenario.events
    classes: dict[str, tuple[str, str, str]] = {k.pt: (k.hlt, k.hlgt, k.soc) for k in events.events.values()}
    classes |= {h["pt"]: (h["hlt"], h["hlgt"], h["soc"]) for h in [*events.histories, *events.rare] if "hlt" in h}
    classes |= {d["pt"]: (d["hlt"], d["hlgt"], d["soc"]) for d in events.diagnoses.values()}
    verbatims: dict[str, str] = {}
    for kind in events.events.values():
        verbatims |= {term.split("|")[0]: kind.pt for term in kind.terms}
    verbatims |= {h["term"]: h["pt"] for h in [*events.histories, *events.rare]}
    for group in events.diagnoses.values():
        verbatims |= dict.fromkeys(group["terms"], group["pt"])
    rows: list[dict[str, Any]] = []
    for verbatim, pt in sorted(verbatims.items()):
        hlt, hlgt, soc = classes[pt]
        rows.append(
            {
                "VERBATIM": verbatim,
                "VERSION": events.version,
                "LLT": verbatim[:1].upper() + verbatim[1:] if verbatim.isascii() else pt,
                "PT": pt,
                "HLT": hlt,
                "HLGT": hlgt,
                "SOC": soc,
            }
        )
    for number, level in enumerate(LEVELS, start=1):
        codes = {name: f"99{number}{i:05d}" for i, name in enumerate(sorted({r[level] for r in rows}), start=1)}
        for row in rows:
            row[level + "CD"] = codes[row[level]]
    return rows


def whodrug(scenario: Scenario) -> list[Row]:
    """whodrug records by verbatim: medicines and regimens."""
    drugs = scenario.drugs
    found = {n.split("|")[0]: (d.decod, d.clas, d.code) for d in drugs.drugs.values() for n in d.names}
    for regimens in drugs.regimens.values():
        found |= {r["en"]: (r["decod"], drugs.regimen_class["clas"], drugs.regimen_class["code"]) for r in regimens}
    return [
        {"VERBATIM": v, "VERSION": drugs.version, "DECOD": d, "CLAS": c, "CLASCD": k}
        for v, (d, c, k) in sorted(found.items())
    ]


def translations(scenario: Scenario) -> list[Row]:
    """translations records: what is written in Chinese, by the field it is written in."""
    pairs: dict[tuple[str, str], str] = {}
    for kind in scenario.events.events.values():
        for english, chinese in (t.split("|") for t in kind.terms):
            pairs["AE.AETERMZH", chinese] = pairs["CM.CMINDC", chinese] = english
    for drug in scenario.drugs.drugs.values():
        pairs |= {("CM.CMTRTZH", chinese): english for english, chinese in (n.split("|") for n in drug.names)}
    pairs |= {("MH.MHTERM", h["zh"]): h["term"] for h in scenario.events.histories if "zh" in h}
    pairs |= {("LIS.TESTZH", t.zh): t.code for t in scenario.tests}
    for field, texts in scenario.words["translations"].items():
        pairs |= {(field, chinese): english for chinese, english in texts.items()}
    return [{"field": f, "zh": zh, "en": en} for (f, zh), en in sorted(pairs.items())]
