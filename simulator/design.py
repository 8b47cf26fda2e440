"""What the simulator reads of a study folder: its name, the layout of its export, its forms and its scenario.

The dataset specs are not read: an export can be simulated while they are still being written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import CommandError, Place, Problem
from engine.spec.binding import bind
from engine.spec.document import load_document
from engine.spec.forms import FormsSpec, load_forms
from engine.spec.sources import RawSpec, load_raw
from engine.spec.study import StudyFile
from simulator.scenario import Scenario, load_scenario


@dataclass(frozen=True)
class Design:
    """A study as the simulator needs it."""

    study: str
    title: str
    raw: RawSpec
    forms: FormsSpec
    scenario: Scenario


def load_design(folder: Path, scenario: str = "") -> Design:
    """Read a study folder; `scenario` names one of its further scenarios.

    Raises:
        CommandError: no study there, or one that names no scenario.
        SpecError: what is wrong in the files read.
    """
    shown = str(folder).rstrip("/")
    if not (folder / "study.yaml").is_file():
        raise CommandError(Problem("no study.yaml in the study folder", Place(shown), do="name it:  --study FOLDER"))
    document = load_document(folder / "study.yaml", f"{shown}/study.yaml")
    file = bind(StudyFile, document)
    if not file.simulator:
        raise CommandError(
            Problem(
                "the study has no scenario to simulate a raw export from",
                Place(f"{shown}/study.yaml"),
                expected="simulator: and the folder of the scenario",
                do="to build it, name the folder of its own raw export, which is missing:  make ... RAW=FOLDER",
            )
        )
    raw = load_raw(folder / "raw.yaml", f"{shown}/raw.yaml")
    forms = load_forms(folder / "forms.yaml", f"{shown}/forms.yaml")
    return Design(file.study, file.title, raw, forms, load_scenario(folder / file.simulator, scenario))
