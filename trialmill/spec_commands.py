"""The commands `trialmill spec export` and `trialmill spec import`.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

spec = typer.Typer(no_args_is_help=True, help="A study's specs as a workbook, and edits of it back into the YAML.")

Folder = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder with study.yaml.")]


@spec.command("export")
def export(
    study: Folder, out: Annotated[Path, typer.Argument(metavar="WORKBOOK", help="The .xlsx file to write.")]
) -> None:
    """Write the specs as a workbook: datasets, variables, values, codelists, methods and sources."""
    from trialmill.spec_export import export_specs  # noqa: PLC0415  the help need not wait for it

    book = export_specs(study, out)
    print(f"wrote {out}: " + ", ".join(f"{sheet.name} {len(sheet.rows):,}" for sheet in book.sheets))


@spec.command("import")
def import_(
    study: Folder,
    workbook: Annotated[Path, typer.Argument(metavar="WORKBOOK", help="As exported from these specs, then edited.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change and write nothing.")] = False,
) -> None:
    """Carry edits of labels, origins, comments and codelists back into the YAML, all or none."""
    from trialmill.spec_import import import_specs  # noqa: PLC0415

    made = import_specs(study, workbook, dry_run=dry_run)
    for line in made.says:
        print(line)
    count = f"{len(made.says)} edit{'' if len(made.says) == 1 else 's'}"
    files = ", ".join(str(study / name) for name in sorted(made.files))
    if not made.files:
        print(f"{workbook} has no edits: nothing to write")
    else:
        print(f"{count}; {'would change' if dry_run else 'changed'} {files}")
