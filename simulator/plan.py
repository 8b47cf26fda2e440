"""The true course of one person: dates of treatment, response, transplant, death, and who the person is.

A scripted person follows the scenario; any other is drawn from its own seed, so that adding people
never changes the ones before them.

Sources: the study design, sections 1.2 and 1.5.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from simulator.scenario import Scenario
from simulator.script import Inhibitor, Script
from simulator.visits import Seen

LASTING = ("history", "descent", "extramedullary")
EXTRAMEDULLARY = 0.15  # share of people with it at entry


@dataclass
class Plan:
    """One screening attempt and, when it led to treatment, what came of it; all dates are the true ones."""

    scenario: Scenario
    script: Script
    seed: int
    subject: str
    age: int
    height: float
    weight: float
    previous: str = ""
    first_consent: date = date.min  # of the first attempt
    visits: list[Seen] = field(default_factory=list)
    marrows: dict[tuple[str, int], date] = field(default_factory=dict)  # dates of the aspirates by visit

    def rng(self, topic: str) -> np.random.Generator:
        """The person's own random numbers for one topic; what lasts is the same at every attempt."""
        number = self.script.previous or self.script.no if topic in LASTING else self.script.no
        return np.random.default_rng([self.seed, number, zlib.crc32(topic.encode())])

    def on(self, day: int) -> date:
        """The date of a study day (day 1 is the first dose; day 0 and below count back without a gap)."""
        return (self.script.start or self.script.consent) + timedelta(days=day - 1)

    def day(self, on: date) -> int:
        """The study day of a date, counted without a gap: 0 is the day before the first dose."""
        return (on - (self.script.start or self.script.consent)).days + 1

    def _date(self, day: int | None) -> date | None:
        return None if day is None or not self.treated else self.on(day)

    @property
    def treated(self) -> bool:
        """Whether the person took a dose."""
        return self.script.start is not None

    @property
    def eot(self) -> date | None:
        """The date treatment was ended; None while it goes on."""
        return self._date(self.script.eot)

    @property
    def last_dose(self) -> date | None:
        """The date of the last dose; None while treatment goes on."""
        return self._date(self.script.last)

    @property
    def death(self) -> date | None:
        """The true date of death."""
        return self.script.death_date or self._date(self.script.death)

    @property
    def hsct(self) -> date | None:
        """The date of the transplant on study."""
        return self._date(self.script.hsct)

    @property
    def nalt(self) -> date | None:
        """The start of new anti-leukaemia therapy."""
        return self._date(self.script.nalt)

    @property
    def study_end(self) -> tuple[date, str] | None:
        """The end of the study for this person and its reason as EOS codes it."""
        s = self.script
        if s.fail:
            return s.fail, "SF"
        if s.ended:
            return s.ended, s.why
        ends = [
            (d, r)
            for d, r in (
                (self.death, "DEATH"),
                (self._date(s.withdrew), "WD"),
                (self._date(s.lost), "LTFU"),
                (self._date(s.completed), "END"),
            )
            if d
        ]
        return min(ends) if ends else None

    @property
    def followed_to(self) -> date:
        """The last day on which anything can be recorded: death, end of study or the export."""
        end = self.study_end
        return min(end[0], self.scenario.trial.snapshot) if end else self.scenario.trial.snapshot

    @property
    def responses(self) -> list[tuple[date, str]]:
        """The investigator's responses by date."""
        return [(self.on(d), r) for d, r in sorted(self.script.resp.items())]

    @property
    def extramedullary(self) -> bool:
        """Whether there is leukaemia outside the marrow at entry."""
        return bool(self.rng("extramedullary").random() < EXTRAMEDULLARY)

    @property
    def arm(self) -> str:
        """ARMCD of the assigned arm; empty when none was assigned."""
        return f"{self.script.cohort}{self.script.dose:g}" if self.script.dose else ""

    def inhibited(self, on: date, washout: int = 0) -> bool:
        """Whether a strong inhibitor is taken on the date (or ended at most `washout` days before)."""
        return any(self.on(c.first) <= on <= self.on(c.last + washout) for c in self.script.cyp)


def make_plan(scenario: Scenario, script: Script, seed: int) -> Plan:
    """The plan of one attempt, with body and age drawn from the person's own seed."""
    trial = scenario.trial
    first = script.previous or script.no
    rng = np.random.default_rng([seed, first, 7])
    male = script.sex == "M"
    height = round(float(rng.normal(170 if male else 159, 6)), 0)
    weight = round(float(np.clip(rng.normal(68 if male else 57, 9), 40, 105)), 1)
    year, month, day = (int(p) for p in (script.birth + "-15").split("-")[:3])
    before = next((s.consent for s in scenario.scripts if s.no == script.previous), script.consent)
    age = before.year - year - ((before.month, before.day) < (month, day))
    plan = Plan(scenario, script, seed, f"{trial.site}-{script.no:03d}", age, height, weight)
    plan.first_consent = before
    if script.previous:
        plan.previous = f"{trial.site}-{script.previous:03d}"
    return plan


def random_script(scenario: Scenario, no: int, seed: int) -> Script:
    """A plausible course for a person beyond the scripted ones, in the expansion at its dose."""
    trial, chance = scenario.trial, scenario.trial.extra
    rng = np.random.default_rng([seed, no])
    consent = trial.first_consent + timedelta(days=int(rng.integers(1, chance.consent_days)))
    disease = _pick(rng, chance.diseases)
    gene = "NPM1" if disease == "AML" and rng.random() < chance.npm1 else "KMT2A"
    birth = date(1944, 1, 1) + timedelta(days=int(rng.integers(0, 22000)))
    base = {
        "no": no,
        "person": f"P{no:05d}",
        "consent": consent,
        "disease": disease,
        "gene": gene,
        "sex": "MF"[int(rng.integers(2))],
        "birth": str(birth),
    }
    if rng.random() < chance.screen_failure:
        criteria = sorted(scenario.words["criteria"])
        return Script(
            **base,
            fail=consent + timedelta(days=int(rng.integers(5, 15))),
            criterion=criteria[int(rng.integers(len(criteria)))],
        )
    start = consent + timedelta(days=int(rng.integers(8, 15)))
    snapshot_day = (trial.snapshot - start).days + 1
    script = Script(**base, start=start, cohort="EXP", dose=trial.expansion_dose)
    _course(script, scenario, rng, snapshot_day)
    if rng.random() < chance.inhibitor:
        drug = [k for k, d in scenario.drugs.drugs.items() if d.strong][int(rng.integers(3))]
        first = int(rng.integers(4, 40))
        if script.last is None or first < script.last - 3:
            last = first + int(rng.integers(7, 30))
            script.cyp = [Inhibitor.model_validate({"drug": drug, "from": first, "to": last})]
    return script


def _course(script: Script, scenario: Scenario, rng: np.random.Generator, snapshot_day: int) -> None:
    _trial, chance = scenario.trial, scenario.trial.extra
    best = _pick(rng, chance.best)
    days = [29, 57, 113, 169, 253, 337, 421, 505, 589]
    if best == "NE":
        script.eot = int(rng.integers(12, 27))
        script.last, script.why = script.eot - 1, "DEATH"
        script.death, script.cause = script.eot, "DISEASE"
        return
    if best == "PD":
        script.resp, script.last, script.eot, script.why = {29: "PD"}, 28, 31, "PD"
    elif best == "NR":
        script.resp, script.last, script.eot, script.why = {29: "NR", 57: "NR"}, 62, 64, "NR"
    elif best in ("PR", "MLFS"):
        script.resp, script.last, script.eot, script.why = {29: best, 57: best, 113: "PD"}, 112, 115, "PD"
    else:
        first = int(rng.integers(2))
        script.resp = {d: best if i >= first else "MLFS" for i, d in enumerate(days)}
        script.mrd = {d: "NEG" if rng.random() < 0.6 else "POS" for d in days[first:]}
        if rng.random() < chance.transplant:
            script.hsct = int(rng.integers(85, 160))
            script.last, script.eot, script.why = script.hsct - 12, script.hsct - 10, "HSCT"
            script.donor = ("MSD", "MUD", "HAPLO")[int(rng.integers(3))]
        elif rng.random() < chance.relapse:
            relapse = days[int(rng.integers(2, 6))] + 1
            script.resp = {d: r for d, r in script.resp.items() if d < relapse - 1} | {relapse: "REL"}
            script.last, script.eot, script.why = relapse - 1, relapse + 2, "RELAPSE"
    if script.eot:
        script.resp = {d: r for d, r in script.resp.items() if d <= script.eot}
        script.mrd = {d: r for d, r in script.mrd.items() if d in script.resp}
        wait = script.eot + 31 + int(rng.exponential(chance.death_days * (3 if script.hsct else 1)))
        if script.why != "HSCT":
            script.nalt = script.eot + int(rng.integers(5, 25))
        roll = rng.random()
        if roll < chance.withdrawal:
            script.withdrew = wait
        elif roll < chance.withdrawal + chance.lost:
            script.lost = wait
        elif wait <= snapshot_day + 400:
            script.death, script.cause = wait, "DISEASE"
        if script.hsct and wait <= script.hsct + 20:
            script.death = script.withdrew = script.lost = None
    if script.eot and script.eot > snapshot_day:
        script.eot = script.last = script.nalt = script.hsct = None
        script.why = script.donor = ""
        script.death = script.withdrew = script.lost = None
    elif script.last and script.last > snapshot_day:
        script.last = script.eot = None


def _pick(rng: np.random.Generator, chances: dict[str, float]) -> str:
    weights = np.cumsum(list(chances.values()))
    return list(chances)[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]
