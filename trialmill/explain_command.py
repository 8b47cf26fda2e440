"""The command `trialmill explain`.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trialmill.options import DEFAULT_STUDY


def explain(
    variable: Annotated[str, typer.Argument(help="A variable, such as AE.AESTDY or SUPPAE.AEDLT.")],
    more: Annotated[list[str] | None, typer.Argument(help="Further KEY=VALUE of the record.")] = None,
    record: Annotated[list[str] | None, typer.Option(help="KEY=VALUE of the record; more may follow.")] = None,
    study: Annotated[Path, typer.Option("--study", help="Folder with study.yaml.")] = DEFAULT_STUDY,
    raw: Annotated[Path | None, typer.Option(help="The raw export; raw/<study folder> when not given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; build/<study folder> when not given.")] = None,
    carrier: Annotated[str | None, typer.Option(help="Carrier of the forms.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also as a page with the path drawn, to this file.")] = None,
) -> None:
    """Say how a variable is derived; for a record, its value and everything that it came from."""
    from engine.errors import CommandError, Problem  # noqa: PLC0415  the help need not wait for them
    from trialmill.explain import explain as explain_variable  # noqa: PLC0415
    from trialmill.explain import told  # noqa: PLC0415
    from trialmill.trace import trace_record  # noqa: PLC0415
    from trialmill.trace_page import write_page  # noqa: PLC0415

    chosen = [*(record or ()), *(more or ())]
    if html is not None and not chosen:
        do = f"{variable} --record KEY=VALUE ... --html {html}"
        raise CommandError(Problem("a page shows the value of one record", expected="--record", do=do))
    if not chosen:
        print("\n".join(explain_variable(variable, study)))
        return
    raw, out = raw or Path("raw") / study.name, out or Path("build") / study.name
    trace = trace_record(variable, study, raw, out, chosen, carrier)
    if html is not None:
        write_page(trace, html)
    print("\n".join(told(trace)))
