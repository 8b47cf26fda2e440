"""The command `trialmill package`.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from trialmill.options import DEFAULT_STUDY
from trialmill.progress import Progress


def package(
    study: Annotated[Path, typer.Option("--study", help="Folder with study.yaml.")] = DEFAULT_STUDY,
    out: Annotated[Path | None, typer.Option(help="Output folder; build/<study folder> when not given.")] = None,
    split_limit: Annotated[str, typer.Option(help="Size from which a dataset is split, such as 5GB or 400MB.")] = "5GB",
    dataset_json: Annotated[
        str, typer.Option(help="Also Dataset-JSON beside m5: json, ndjson or dsjc.")
    ] = "",
) -> None:
    """Write the submission folder OUT/m5 from the published datasets, with what ties it in OUT/submission."""
    from submission.ectd import bytes_of  # noqa: PLC0415  only who packages pays for its libraries
    from trialmill.package import package_study  # noqa: PLC0415

    out = out or Path("build") / study.name
    with Progress("files") as progress:
        made = package_study(study, out, limit=bytes_of(split_limit), dataset_json=dataset_json, told=progress)
    for note in made.notes:
        print(note)
    for split in made.splits:
        print(f"{split['dataset']} split by {split['by']} into {len(split['parts'])} parts")
    kinds = Counter(f.kind for f in made.files)
    print(f"{out / 'm5'}: {len(made.files):,} files, {made.size:,} bytes: "
          + ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items()))
