"""Dose escalation: every decision that a study's rules take of its evaluable subjects, in order of date, and the MTD.

Nothing is judged again here: who is evaluable, who had a dose-limiting toxicity and since when is taken as given. The
rules are those of escalation_rules.py.

Sources: Storer 1989 (3+3); Simon 1997 (accelerated titration); the study's protocol for its own table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from adam.escalation_rules import Rules


@dataclass(frozen=True, slots=True)
class Subject:
    """One treated subject of the escalation; `known` is the day from which an evaluable one counts."""

    name: str
    level: str
    start: date
    evaluable: bool
    toxic: bool
    caution: bool
    known: date | None
    pending: bool = False  # the window is not over at the cut-off, so it may still become evaluable


@dataclass(frozen=True, slots=True)
class Decision:
    """What could be decided of a level on a day, with the counts behind it."""

    on: date
    level: str
    evaluable: int
    dlt: int
    decide: str


@dataclass(slots=True)
class Level:
    """One level at the end: its counts and its last decision ("" while it has no evaluable subject)."""

    name: str
    treated: int = 0
    evaluable: int = 0
    pending: int = 0
    dlt: int = 0
    caution: bool = False
    decide: str = ""
    exceeded: date | None = None


@dataclass(slots=True)
class Outcome:
    """Everything that the rules say: levels that were opened, decisions in order, the MTD or why there is none."""

    levels: dict[str, Level]
    decisions: list[Decision] = field(default_factory=list)
    mtd: str | None = None
    why: str = ""
    since: date | None = None  # day from which the MTD is known
    findings: list[str] = field(default_factory=list)


def escalate(rules: Rules, subjects: Iterable[Subject]) -> Outcome:
    """Apply the rules to the subjects in order of the day from which each evaluable one counts.

    Subjects of one level that count from the same day are counted together. The accelerated phase ends for all levels
    with the first toxicity or caution of a subject that counts. While a level above exceeds the MTD a level is never
    escalated: it is enlarged, and then it is the MTD.

    Args:
        rules: the study's.
        subjects: treated subjects of the escalation, at declared levels.

    Returns:
        The outcome; `findings` say where subjects were treated against the decisions of the day.
    """
    everyone = sorted(subjects, key=lambda s: (s.start, s.name))
    opened = {s.level for s in everyone}
    outcome = Outcome({name: Level(name) for name in rules.levels if name in opened})
    for subject in everyone:
        outcome.levels[subject.level].treated += 1
        outcome.levels[subject.level].pending += subject.pending
    place = list(rules.levels).index
    groups: dict[tuple[date, int], list[Subject]] = defaultdict(list)
    for subject in everyone:
        if subject.evaluable and subject.known is not None:
            groups[subject.known, place(subject.level)].append(subject)
    state = _State(rules, outcome)
    for (on, _), group in sorted(groups.items(), key=lambda item: item[0]):
        state.count(on, group)
    _find_mtd(rules, outcome)
    outcome.findings = _against(rules, everyone, outcome)
    return outcome


class _State:
    """The escalation as it stands from day to day."""

    def __init__(self, rules: Rules, outcome: Outcome) -> None:
        self.rules, self.outcome = rules, outcome
        self.fast = rules.accelerated is not None

    def count(self, on: date, group: list[Subject]) -> None:
        """Count subjects of one level and decide."""
        level = self.outcome.levels[group[0].level]
        level.evaluable += len(group)
        level.dlt += sum(s.toxic for s in group)
        level.caution |= any(s.caution for s in group)
        decide = self._decide(level)
        if decide == self.rules.escalate and self._limited(level):
            decide = self.rules.mtd.decide if _settled(self.rules, level) else self.rules.otherwise
        self._say(on, level, decide)
        if decide == self.rules.exceeded and level.exceeded is None:
            level.exceeded = on
            below = _below(self.outcome, level)
            if below is not None and below.exceeded is None:
                settled = _settled(self.rules, below)
                self._say(on, below, self.rules.mtd.decide if settled else self.rules.mtd.enlarge)

    def _decide(self, level: Level) -> str:
        fast = self.rules.accelerated
        if fast is not None and self.fast and level.name in fast.levels:
            self.fast = not level.dlt and not level.caution
            if level.evaluable == fast.evaluable:
                return fast.clear if self.fast else fast.otherwise
        for row in self.rules.decisions:
            if level.evaluable in row.evaluable and level.dlt in row.dlt:
                return row.decide
        return self.rules.otherwise

    def _limited(self, level: Level) -> bool:
        """Whether a level above exceeds the MTD."""
        names = list(self.outcome.levels)
        return any(self.outcome.levels[n].exceeded is not None for n in names[names.index(level.name) + 1 :])

    def _say(self, on: date, level: Level, decide: str) -> None:
        level.decide = decide
        self.outcome.decisions.append(Decision(on, level.name, level.evaluable, level.dlt, decide))


def _settled(rules: Rules, level: Level) -> bool:
    return level.evaluable in rules.mtd.evaluable and level.dlt in rules.mtd.dlt


def _below(outcome: Outcome, level: Level) -> Level | None:
    """The next lower level that was opened."""
    names = list(outcome.levels)
    at = names.index(level.name)
    return outcome.levels[names[at - 1]] if at else None


def _find_mtd(rules: Rules, outcome: Outcome) -> None:
    """The MTD is the level below the lowest one that exceeds it, once it has enough evaluable subjects."""
    exceeding = next((x for x in outcome.levels.values() if x.exceeded is not None), None)
    if exceeding is None:
        outcome.why = "no level has exceeded it"
        return
    below = _below(outcome, exceeding)
    told = f"{exceeding.name} exceeds it since {exceeding.exceeded}"
    if below is None:
        outcome.why = f"{told}, and no lower level was opened"
    elif _settled(rules, below):
        outcome.mtd, outcome.why = below.name, f"{below.evaluable} evaluable, {below.dlt} DLT; {told}"
        days = [d.on for d in outcome.decisions if d.level == below.name and d.decide == rules.mtd.decide]
        outcome.since = min(days, default=None)
    else:
        outcome.why = f"{told}, and {below.name} has {below.evaluable} evaluable of {rules.mtd.evaluable}"


def _against(rules: Rules, everyone: list[Subject], outcome: Outcome) -> list[str]:
    """Where subjects were treated against what had been decided by the day of their first dose."""
    found = []
    names = list(rules.levels)
    for name in outcome.levels:
        first = next(s for s in everyone if s.level == name)
        lower = names[: names.index(name)]
        skipped = [x for x in lower if x not in outcome.levels]
        if skipped:
            found.append(f"{name} was opened and {', '.join(skipped)} was not: a level was skipped")
        elif lower:
            before = [d.decide for d in outcome.decisions if d.level == lower[-1] and d.on < first.start]
            if rules.escalate not in before:
                told = before[-1] if before else "nothing"
                opened = f"{name} was opened on {first.start} ({first.name})"
                found.append(f"{opened} before {rules.escalate} was decided of {lower[-1]}; by then {told} was")
    for subject in everyone:
        above = [x for x in outcome.levels.values() if x.exceeded is not None and x.exceeded < subject.start]
        over = [x.name for x in above if names.index(x.name) <= names.index(subject.level)]
        if over:
            treated = f"{subject.name} was treated at {subject.level} on {subject.start}"
            found.append(f"{treated}, after {over[0]} had exceeded the MTD")
    fast = rules.accelerated
    for subject in everyone:
        if fast is not None and subject.level in fast.levels and subject.caution and not subject.evaluable:
            found.append(
                f"{subject.name} at {subject.level} had a caution and is not evaluable: it is not counted, yet the"
                " accelerated phase may have to end"
            )
    return found
