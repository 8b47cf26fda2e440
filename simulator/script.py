"""What is laid down for one screening number of a scenario.

Sources: the study design, section 1.5.
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A part of the scenario; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class Missed(Part):
    """Doses not taken (or taken as `mg` by mistake), study days `first` to `last`."""

    first: int = Field(alias="from")
    last: int = Field(alias="to")
    reason: str
    ae: str = ""
    other: str = ""
    mg: float = 0


class Reduction(Part):
    """A lower dose from study day `first` on."""

    first: int = Field(alias="from")
    to_dose: float
    ae: str = ""


class Inhibitor(Part):
    """A strong CYP3A4 inhibitor, study days `first` to `last`."""

    drug: str
    first: int = Field(alias="from")
    last: int = Field(alias="to")
    unchanged: bool = False


class Event(Part):
    """A scripted adverse event, by study day."""

    key: str
    day: int
    end: int | None = None
    grade: int
    rel: str
    acn: str = "NONE"
    ser: str = ""
    dlt: bool = False
    time: str = ""


class Script(Part):
    """What is laid down for one screening number; days count from the first dose (day 1)."""

    no: int
    person: str
    previous: int | None = None
    consent: date
    start: date | None = None
    enrolled: date | None = None
    ended: date | None = None
    fail: date | None = None
    criterion: str = ""
    cohort: str = ""
    dose: float | None = None
    disease: str
    gene: str
    partner: str = "MLLT3"
    sex: str
    birth: str
    resp: dict[int, str] = {}
    mrd: dict[int, str] = {}
    emd: dict[int, str] = {}
    last: int | None = None
    eot: int | None = None
    why: str = ""
    why_other: str = ""
    not_treated: str = ""
    nalt: int | None = None
    hsct: int | None = None
    donor: str = ""
    death: int | None = None
    death_date: date | None = None
    cause: str = ""
    death_text: str = ""
    partial_death: str = ""
    reported: int | None = None
    withdrew: int | None = None
    lost: int | None = None
    completed: int | None = None
    related_limit: int = 4
    not_evaluable: str = ""
    skipped: dict[str, str] = {}
    missed: list[Missed] = []
    forgot: list[int] = []
    reduce: list[Reduction] = []
    split: list[int] = []
    cyp: list[Inhibitor] = []
    ae: list[Event] = []
    flt3: str = ""
    tp53: float | None = None
    nup98: str = ""
    ptd: bool = False
    fish: bool = False
    untimed_start: bool = False
