"""Simulates a study's raw export and puts it in place in one step.

A killed run leaves the former export or none, never half of one. A folder that no simulation made is left alone.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import CommandError, Place, Problem
from engine.run.publish import publish
from simulator.design import load_design
from simulator.export import TRUTH, Export, is_simulated, write_export

MAX_SUBJECTS = 10_000


def simulate_study(
    folder: Path,
    out: Path,
    *,
    seed: int | None = None,
    subjects: int | None = None,
    mess: str = "usual",
    scenario: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Export:
    """Simulate a study's export into `out`.

    Args:
        folder: the study; its scenario says who takes part. out: the export, replaced as a whole.
        seed: of everything drawn; the scenario's own when not given.
        subjects: screening numbers; those of the scenario when not given, people made up beyond them.
        mess: none, usual, blocking or damaged. scenario: one of the study's further scenarios.

    Raises:
        SpecError: the scenario. CommandError: numbers out of range, or `out` is no simulated export.
    """
    design = load_design(folder, scenario)
    wanted = len(design.scenario.scripts) if subjects is None else subjects
    if not 1 <= wanted <= MAX_SUBJECTS:
        raise CommandError(Problem(f"--subjects {wanted:,}", expected=f"1 to {MAX_SUBJECTS:,}"))
    _check_folder(folder, out)
    chosen = design.scenario.trial.seed if seed is None else seed
    made: list[Export] = []
    publish(out, lambda staging: made.append(write_export(design, staging, chosen, wanted, mess, progress)))
    return made[0]


def _check_folder(folder: Path, out: Path) -> None:
    """The export may replace a simulated export or an empty folder, and nothing else."""
    target = out.resolve()
    for name, other in (("the study", folder.resolve()), ("the working folder", Path.cwd())):
        if other.is_relative_to(target) or (name == "the study" and target.is_relative_to(other)):
            raise CommandError(Problem(f"the export would replace {name}", Place(str(out)), do="name another --out"))
    if out.is_dir() and any(out.iterdir()) and not is_simulated(out):
        raise CommandError(
            Problem(
                "the folder holds files that no simulation made",
                Place(str(out)),
                found=f"no {TRUTH} of a simulation in it",
                do="name an empty or new folder:  --out FOLDER",
            )
        )
