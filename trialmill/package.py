"""Packages a study's published datasets for submission, all or none: OUT/m5, and OUT/submission beside it.

The new package is made in a staging folder and takes the place of the former one in a single step, together with
everything else in OUT, which is carried over as it is.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from engine.errors import CommandError, Place, Problem, TrialmillError
from engine.run.publish import carry_over, publish, recover
from formats.atomic import write_bytes
from submission.ectd import SPLIT_LIMIT
from submission.manifest import ASIDE, entry_digest
from submission.package import Packaged, Packing, Told, write_package
from submission.preflight import as_json, as_text, preflight
from trialmill.build import LIBRARIES
from trialmill.outputs import latest_entries
from trialmill.package_findings import findings_of
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
        expected = ", ".join(FORMS[1:])
        raise CommandError(Problem("--dataset-json: no form of Dataset-JSON", found=dataset_json, expected=expected))
    if not out.is_dir() and not out.with_name(f".former-{out.name}").exists():
        raise CommandError(Problem("no build was published there", Place(str(out)), do="build first, or name its OUT"))
    recover(out)
    built = published(folder, out)
    versions = {name: version(name) for name in LIBRARIES}
    findings, checked, unchecked = findings_of(built)
    packing = Packing(limit, LOCK.read_bytes() if LOCK.is_file() else None, versions, dataset_json, findings,
                      checked)
    kept = sorted(p.name for p in out.iterdir() if p.name not in MADE)
    made: list[Packaged] = []

    def make(staging: Path) -> None:
        carry_over(out, staging, kept)
        made.append(write_package(built, staging, packing, told))

    publish(out, make)
    if unchecked:
        made[0].notes.append(unchecked)
    return made[0]


def counted_package(made: Packaged, out: Path) -> Iterator[str]:
    """What was packaged, for people."""
    yield from made.notes
    for split in made.splits:
        yield f"{split['dataset']} split by {split['by']} into {len(split['parts'])} parts"
    kinds = ", ".join(f"{count:,} {kind}{'s' if count > 1 else ''}"
                      for kind, count in Counter(f.kind for f in made.files).items())
    yield f"{out / 'm5'}: {len(made.files):,} files, {made.size:,} bytes: {kinds}"
    yield f"{out / ASIDE}: manifest, checksums and inputs for the STF, which are not submitted"


def check_package(
    folder: Path, out: Path, *, study_id: str = "", limit: int = SPLIT_LIMIT, listed: Path | None = None
) -> tuple[bool, list[str]]:
    """Hold a package folder against the criteria; whether it is clean, and what to say.

    Raises:
        CommandError: no m5 there. FileError: a damaged manifest.
    """
    journal = None
    if folder.resolve() in (out.resolve(), (out / "m5").resolve()):
        try:
            journal = {p: entry_digest(p, e) for p, e in latest_entries(out).items()}
        except TrialmillError:
            journal = None  # a package without its builds
    result = preflight(folder, study_id=study_id, limit=limit, journal=journal)
    if listed is not None:
        write_bytes(listed, as_json(result))
    return result.clean, list(as_text(result))
