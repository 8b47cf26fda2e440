"""Simulates a study's raw export and puts it in place in one step.

A killed run leaves the former export or none, never half of one. A folder that no simulation made is left alone, and
so is an export in which a file was changed or added since.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edc.manifest import digest, read_manifest
from engine.errors import CommandError, FileError, Place, Problem
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
    replace: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Export:
    """Simulate a study's export into `out`.

    Args:
        folder: the study; its scenario says who takes part. out: the export, replaced as a whole.
        seed: of everything drawn; the scenario's own when not given.
        subjects: screening numbers; those of the scenario when not given, people made up beyond them.
        mess: none, usual, blocking or damaged. scenario: one of the study's further scenarios.
        replace: whether an export in which files were changed or added by hand may be replaced.

    Raises:
        SpecError: the scenario. CommandError: numbers out of range, or `out` is no simulated export, or one that was
            changed.
    """
    design = load_design(folder, scenario)
    wanted = len(design.scenario.scripts) if subjects is None else subjects
    if not 1 <= wanted <= MAX_SUBJECTS:
        raise CommandError(Problem(f"--subjects {wanted:,}", expected=f"1 to {MAX_SUBJECTS:,}"))
    _check_folder(folder, out)
    if not replace:
        _check_untouched(out, design.raw.manifest)
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


def _check_untouched(out: Path, manifest: str) -> None:
    """Refuse to replace files that are not as the simulation left them; what is gone is made anew and no loss."""
    files = [p for p in sorted(out.rglob("*")) if p.is_file()] if out.is_dir() else []
    try:
        read = read_manifest(out / manifest, manifest)
        listed = read.files if read is not None else {}
    except FileError:
        listed = {}
    problems = []
    for path in files:
        name = path.relative_to(out).as_posix()
        if name in (TRUTH, manifest):
            continue
        if name not in listed:
            problems.append(Problem("the export holds a file that its manifest does not list", Place(str(path))))
        elif digest(path) != listed[name][1]:
            problems.append(Problem("the file was changed after the simulation", Place(str(path))))
    if problems:
        todo = "name another --out; to lose what was changed, run  trialmill simulate --replace"
        last = problems[-1]
        raise CommandError([*problems[:-1], Problem(last.what, last.place, do=todo)])
