"""What the simulated trial is, before anybody takes part: schedule, people, events, drugs, tests.

Reads the scenario folder of a study (YAML and CSV); draws nothing.

Sources: the study design, sections 1.2 to 1.5; the values are invented.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from engine.errors import CommandError, FileError, Place, Problem, SpecError
from engine.spec.document import Document, load_document
from simulator.plants import Plant
from simulator.script import Part, Script


class Visit(Part):
    """One planned visit on treatment; `forms` holds a letter for each thing done there."""

    oid: str
    cycle: int
    day: int
    jitter: int = 0
    forms: str = ""
    ecg: list[str | None] = []
    pk: str = ""
    marrow: bool = False
    after: str = ""


class LaterCycles(Part):
    """The visits on Day 1 of the later cycles."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    first: int = Field(alias="from")
    last: int = Field(alias="to")
    jitter: int
    forms: str
    ecg: list[str | None]
    marrow: list[int]
    biomarker: list[int]


class Kinetics(Part):
    """The true one-compartment model of parent and metabolite; L/h, L, ng/mL."""

    analytes: dict[str, str]
    ka: float
    cl: float
    v: float
    iiv: float
    formed: float
    weight: dict[str, float]
    cl_m: float
    v_m: float
    inhibited: float
    washout_days: int
    error: float
    lloq: dict[str, float]
    uloq: dict[str, float]
    decimals: dict[str, int]


class Extra(Part):
    """Chances for the people made up beyond the scripted ones."""

    consent_days: int
    screen_failure: float
    diseases: dict[str, float]
    npm1: float
    best: dict[str, float]
    transplant: float
    relapse: float
    death_days: float
    withdrawal: float
    lost: float
    inhibitor: float


class Trial(Part):
    """The study as a whole: calendar, doses, schedule, kinetics."""

    study: str
    site: str
    seed: int
    first_consent: date
    cut_off: date
    snapshot: date
    utc_offset: int
    cycle_days: int
    dose_window: int
    doses_evaluable: int
    landmark: int
    followup_weeks: int
    dose_levels: list[float]
    expansion_dose: float
    tablets: dict[str, float]
    consent_version: dict[date, str]
    visits: list[Visit]
    later_cycles: LaterCycles
    profile_hours: list[float]
    profile_names: list[str]
    next_name: str
    pk: Kinetics
    responses: dict[str, int]
    remission: list[str]
    overall: list[str]
    extra: Extra


class People(Part):
    """The scripted people."""

    people: list[Script]


class Plants(Part):
    """The declared mess."""

    plants: list[Plant]


class EventKind(Part):
    """A kind of adverse event: its place in the dictionary, verbatims and habits."""

    pt: str
    hlt: str
    hlgt: str
    soc: str
    terms: list[str]
    grades: list[float]
    rel: float
    days: float
    rate: float
    lab: dict[str, list[float]] = {}
    uln: dict[str, list[float]] = {}
    treat: list[str] = []
    aesi: str = "N"
    ser: str = ""
    ser3: str = ""


class Events(Part):
    """Adverse events, histories and diagnoses with their dictionary places."""

    events: dict[str, EventKind]
    seriousness: dict[str, str]
    signs: list[str]
    histories: list[dict[str, str]]
    rare: list[dict[str, str]]
    diagnoses: dict[str, dict[str, Any]]
    who: dict[str, str]
    version: str


class Drug(Part):
    """A medication: verbatims (English|Chinese), dictionary name, usual dose (amount, unit, frequency, route)."""

    names: list[str]
    decod: str
    clas: str
    code: str
    dose: list[str]
    days: int | None = None
    strong: bool = False


class Drugs(Part):
    """Medications and regimens."""

    version: str
    drugs: dict[str, Drug]
    chronic: dict[str, str]
    prophylaxis: list[str]
    regimens: dict[str, list[dict[str, str]]]
    regimen_class: dict[str, str]


@dataclass(frozen=True)
class LabTest:
    """A laboratory test: texts of the LIS, spread, ranges by sex, the newer upper limit, another unit."""

    code: str
    zh: str
    spec: str
    panel: str
    unit: str
    decimals: int
    mean: float
    sd: float
    low: dict[str, float | None]  # None: no lower limit
    high: dict[str, float]
    new_high: float | None
    alt_unit: str
    alt_factor: float
    older: float | None  # factor on the upper limit from 60 years on


@dataclass(frozen=True)
class Scenario:
    """Everything read from a scenario folder."""

    trial: Trial
    scripts: list[Script]
    events: Events
    drugs: Drugs
    words: dict[str, Any]
    tests: list[LabTest]
    plants: list[Plant]


def load_scenario(folder: Path, name: str = "") -> Scenario:
    """Read a scenario folder; `name` takes the people of people-NAME.yaml, and only the mess that is for no one person.

    Raises:
        CommandError: no scenario of that name.
        SpecError: a file is missing or malformed; every wrong key is listed with its place.
    """
    problems: list[Problem] = []
    trial = _read(folder / "scenario.yaml", Trial, problems)
    file = folder / (f"people-{name}.yaml" if name else "people.yaml")
    if name and not file.is_file():
        known = sorted(p.stem.removeprefix("people-") for p in folder.glob("people-*.yaml"))
        raise CommandError(Problem(f'no scenario "{name}"', Place(str(file)), expected=", ".join(known)))
    people = _read(file, People, problems)
    events = _read(folder / "events.yaml", Events, problems)
    drugs = _read(folder / "drugs.yaml", Drugs, problems)
    mess = _read(folder / "mess.yaml", Plants, problems)
    if problems:
        raise SpecError(problems)
    words = load_document(folder / "words.yaml").data
    plants = [p for p in mess.plants if not (name and p.subject)]
    return Scenario(trial, people.people, events, drugs, words, _tests(folder / "tests.csv"), plants)


def _read(path: Path, model: type[Any], problems: list[Problem]) -> Any:
    document = load_document(path)
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems += [_problem(document, e) for e in error.errors()]
        return None


def _problem(document: Document, error: Any) -> Problem:
    return Problem(f"scenario: {error['msg']}", document.place(*error["loc"]), found=str(error.get("input"))[:80])


def _tests(path: Path) -> list[LabTest]:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise FileError(
            Problem("the list of laboratory tests cannot be read", Place(str(path)), found=str(error.strerror))
        ) from None
    return [
        LabTest(
            r["TESTCODE"],
            r["ZH"],
            r["SPEC"],
            r["PANEL"],
            r["UNIT"],
            int(r["DEC"]),
            float(r["MEAN"]),
            float(r["SD"]),
            {sex: float(r[f"LOW{sex}"]) if r[f"LOW{sex}"] else None for sex in ("M", "F")},
            {"M": float(r["HIGHM"]), "F": float(r["HIGHF"])},
            float(r["NEWHIGH"]) if r["NEWHIGH"] else None,
            r["ALTUNIT"],
            float(r["ALTFACTOR"] or 1),
            float(r["OLDER"]) if r["OLDER"] else None,
        )
        for r in csv.DictReader(text.splitlines())
    ]
