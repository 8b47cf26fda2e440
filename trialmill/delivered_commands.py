"""The command `trialmill delivered`.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def delivered(
    study: Annotated[Path, typer.Option(help="Folder with study.yaml.")],
    raw: Annotated[Path | None, typer.Option(help="Folder with the files; raw/<study folder> when not given.")] = None,
) -> None:
    """List the variables of the datasets that come finished in delivered.csv of the study."""
    from trialmill.delivered import describe  # noqa: PLC0415  quick --help

    path, datasets, variables = describe(study, raw or Path("raw") / study.name)
    print(f"wrote {path}: {variables} variables of {datasets} datasets")
