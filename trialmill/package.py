"""Packages a study's published datasets for submission, all or none: OUT/m5, and OUT/submission beside it.

The new package is made in a staging folder and takes the place of the former one in a single step, together with
everything else in OUT, which is carried over as it is.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from engine.errors import CommandError, Place, Problem
from engine.run.publish import carry_over, publish, recover
from submission.ectd import SPLIT_LIMIT
from submission.manifest import ASIDE
from submission.package import Packaged, Packing, Told, write_package
from trialmill.build import LIBRARIES
from trialmill.published import published

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
FORMS = ("", "json", "ndjson", "dsjc")
MADE = ("m5", ASIDE)


def package_study(
    folder: Path, out: Path, *, limit: int = SPLIT_LIMIT, dataset_json: str = "", told: Told | None = None
) -> Packaged:
    """Package what builds of a study published in `out`.

    Raises:
        SpecError: the specs are wrong. CommandError: nothing was published there, or an unknown form of Dataset-JSON.
        FileError: the folder is not what its journal says. Further errors as write_package.
    """
    if dataset_json not in FORMS:
        raise CommandError(Problem("no form of Dataset-JSON", found=dataset_json, expected=", ".join(FORMS[1:])))
    if not out.is_dir() and not out.with_name(f".former-{out.name}").exists():
        raise CommandError(Problem("no build was published there", Place(str(out)), do="build first, or name its OUT"))
    recover(out)
    built = published(folder, out)
    versions = {name: version(name) for name in LIBRARIES}
    packing = Packing(limit, LOCK.read_bytes() if LOCK.is_file() else None, versions, dataset_json)
    kept = sorted(p.name for p in out.iterdir() if p.name not in MADE)
    made: list[Packaged] = []

    def make(staging: Path) -> None:
        carry_over(out, staging, kept)
        made.append(write_package(built, staging, packing, told))

    publish(out, make)
    return made[0]
