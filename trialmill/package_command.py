"""The command `trialmill package`.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trialmill.options import DEFAULT_STUDY
from trialmill.progress import Progress


def package(
    folder: Annotated[
        Path | None, typer.Argument(help="With --check: a folder that holds m5, from anywhere; OUT when not given.")
    ] = None,
    study: Annotated[Path, typer.Option("--study", help="Folder with study.yaml.")] = DEFAULT_STUDY,
    out: Annotated[Path | None, typer.Option(help="Output folder; build/<study folder> when not given.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Check a package and say what the gateway would say.")] = False,
    split_limit: Annotated[str, typer.Option(help="Size from which a dataset is split, such as 5GB or 400MB.")] = "5GB",
    dataset_json: Annotated[str, typer.Option(help="Also Dataset-JSON beside m5: json, ndjson or dsjc.")] = "",
    study_id: Annotated[str, typer.Option(help="With --check: study-id of the STF, where no file says it.")] = "",
    json_: Annotated[Path | None, typer.Option("--json", help="With --check: the findings as JSON, to a file.")] = None,
) -> None:
    """Write the submission folder OUT/m5 from the published datasets, or check one."""
    from submission.ectd import bytes_of  # noqa: PLC0415  only who packages pays for its libraries
    from trialmill.package import check_package, counted_package, package_study  # noqa: PLC0415

    out, limit = out or Path("build") / study.name, bytes_of(split_limit)
    if check:
        clean, lines = check_package(folder or out, out, study_id=study_id, limit=limit, listed=json_)
        for line in lines:
            print(line)
        if not clean:
            raise typer.Exit(1)
        return
    if folder is not None:
        raise typer.BadParameter("a folder is named to be checked: add --check")
    with Progress("files") as progress:
        made = package_study(study, out, limit=limit, dataset_json=dataset_json, told=progress)
    for line in counted_package(made, out):
        print(line)
