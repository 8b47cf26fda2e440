"""The declared rules of a dose escalation: levels, accelerated titration, the table of counts and decisions, the MTD.

They stand in escalation.yaml of a study; what they make of subjects is worked out in escalation.py.

Sources: Storer 1989 (3+3); Simon 1997 (accelerated titration); the study's protocol for its own table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from engine.spec.binding import Model

_RANGE = re.compile(r"(\d+)(?:(\+)|-(\d+))?")


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from `low` to `high`, both included; no `high` is no limit."""

    low: int
    high: int | None

    def __contains__(self, number: int) -> bool:
        """Whether the number lies in the range."""
        return number >= self.low and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        """As it would be written: 3, 3-5, 2+."""
        if self.high is None:
            return f"{self.low}+"
        return str(self.low) if self.high == self.low else f"{self.low}-{self.high}"


def _range(value: Any) -> Any:
    match = _RANGE.fullmatch(str(value).strip())
    if isinstance(value, Range):
        return value
    if match is None or (match[3] and int(match[3]) < int(match[1])):
        raise ValueError("a number or range of numbers is needed: 3, 3-5 or 2+")
    return Range(int(match[1]), None if match[2] else int(match[3] or match[1]))


Count = Annotated[Range, BeforeValidator(_range)]


class Reads(Model):
    """Where the built datasets say what the rules need: variables of ADSL, parameters of ADDLT."""

    level: str
    part: str
    expansion: str
    evaluable: str
    toxic: str
    caution: str
    window: str


class Accelerated(Model):
    """Titration with few subjects a level, until a toxicity or a caution ends it."""

    levels: list[str]
    evaluable: int = Field(1, ge=1)
    clear: str
    otherwise: str


class Row(Model):
    """One row of the table: what so many evaluable subjects with so many dose-limiting toxicities decide."""

    evaluable: Count
    dlt: Count
    decide: str


class MtdRule(Model):
    """What a level must show to be the MTD once the level above it exceeds it, and what is decided until it does."""

    evaluable: Count
    dlt: Count
    decide: str
    enlarge: str


class Expansion(Model):
    """How many subjects are treated in all when the expansion is full."""

    treated: int = Field(ge=1)


class Recommended(Model):
    """The recommended dose, as configured once it is known, and why."""

    level: str
    says: str = ""


class Rules(Model):
    """The rules of one study's dose escalation."""

    levels: dict[str, float] = Field(min_length=1)  # in ascending order of dose
    unit: str
    reads: Reads
    accelerated: Accelerated | None = None
    decisions: list[Row] = Field(min_length=1)
    otherwise: str
    escalate: str
    exceeded: str
    mtd: MtdRule
    expansion: Expansion | None = None
    rp2d: Recommended | None = None

    @model_validator(mode="after")
    def _known(self) -> Rules:
        doses = list(self.levels.values())
        if doses != sorted(set(doses)):
            raise ValueError("levels stand in ascending order of dose, each dose once")
        named = [*(self.accelerated.levels if self.accelerated else ()), *([self.rp2d.level] if self.rp2d else ())]
        unknown = [name for name in named if name not in self.levels]
        if unknown:
            raise ValueError(f"no such level: {', '.join(unknown)}")
        given = {row.decide for row in self.decisions}
        for word in (self.escalate, self.exceeded):
            if word not in given:
                raise ValueError(f"no row decides {word}")
        return self

    def shown(self, level: str) -> str:
        """A level with its dose."""
        return f"{level} {self.levels[level]:g} {self.unit}"
