"""Two raw exports given to `trialmill compare`.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.errors import CommandError, Place, Problem
from engine.spec.sources import load_raw
from trialmill.options import DEFAULT_STUDY
from trialmill.transfer_reports import as_data, told, write_report
from trialmill.transfers import is_transfer, transfers

LAYOUT = "raw.yaml"


def compare_exports(
    one: Path, other: Path, study: Path | None, carrier: str | None, reports: Sequence[Path]
) -> int | None:
    """Compare two folders where they hold raw exports of the study (of the default one if none is named).

    Returns:
        The exit status; None where neither folder holds a raw export, so that they are folders of datasets.

    Raises:
        CommandError: only one of them does.
    """
    folder = study or DEFAULT_STUDY
    if not (folder / LAYOUT).is_file():
        return None
    raw = load_raw(folder / LAYOUT)
    held = [is_transfer(raw, path) for path in (one, other)]
    if not any(held):
        return None
    if not all(held):
        export, rest = (one, other) if held[0] else (other, one)
        raise CommandError(Problem(f"{export} is a raw export of {folder} and {rest} is not", Place(str(rest)),
                                   do="name two raw exports, or two folders of datasets"))
    data = as_data(transfers(folder, one, other, (carrier, carrier)))
    for line in told(data):
        print(line)
    for path in reports:
        write_report(path, data)
        print(f"report in {path}")
    return 0 if data["same"] else 1
