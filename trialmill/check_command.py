"""The command `trialmill check`.

Sources: architecture, "The contract".
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

from trialmill.options import DEFAULT_STUDY

COLLECT_EVERY = 20_000  # new objects; specs and rules are many small ones that live to the end of a check


def check(
    study: Annotated[Path, typer.Option("--study", help="Folder with study.yaml.")] = DEFAULT_STUDY,
    out: Annotated[Path | None, typer.Option(help="Output folder; build/<study folder> when not given.")] = None,
    core_report: Annotated[list[Path] | None, typer.Option(help="A JSON report that CDISC CORE wrote on them.")] = None,
    core: Annotated[
        str,
        typer.Option(envvar="TRIALMILL_CORE", help="Runs CDISC CORE: 'COMMAND {folder} {standard} {version} {out}'."),
    ] = "",
    dispositions: Annotated[
        Path | None, typer.Option(help="A NAME.check.xlsx with dispositions filled in, to take into the study first.")
    ] = None,
) -> None:
    """Check the published datasets against specs, schemas, rules and CDISC CORE; one report as HTML, XLSX and JSON."""
    from trialmill.check import check_study  # noqa: PLC0415  the help need not wait for them
    from trialmill.check_back import take_dispositions  # noqa: PLC0415
    from trialmill.core import CoreChoice  # noqa: PLC0415
    from validators.conformance import told  # noqa: PLC0415

    gc.freeze()  # what is imported stays: not to be gone through again
    gc.set_threshold(COLLECT_EVERY)
    if dispositions is not None:
        says = take_dispositions(study, dispositions)
        for line in says:
            print(f"taken     {line}")
        print(f"{dispositions}: {len(says):,} disposition{'' if len(says) == 1 else 's'} taken")
    made = check_study(study, out or Path("build") / study.name, CoreChoice(core_report or (), core))
    for line in told(made.report, made.changes.status):
        print(line)
    print(made.changes.told())
    print("listed in " + ", ".join(str(path) for path in made.files))
    if not made.report.clean:
        raise typer.Exit(1)
