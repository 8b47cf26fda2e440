"""The command `trialmill compare`.

Sources: architecture, "The contract".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from validators.comparison_values import Tolerance

REPORTS = (".html", ".xlsx", ".json")
_TOLERANCE = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)=)?(?:(?P<kind>abs|rel):)?(?P<size>[0-9.eE+-]+)")


def compare(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="A dataset file, a folder of them, or a raw export.")],
    qc: Annotated[Path, typer.Argument(metavar="QC", help="What to hold against it.")],
    keys: Annotated[
        list[str] | None,
        typer.Option(help="What identifies a record: A,B or DATASET=A,B; the spec's when not given, else proposed."),
    ] = None,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(help="Numbers this close are equal: 0.001, rel:1e-9, or VARIABLE=0.001; may be repeated."),
    ] = None,
    report: Annotated[
        list[Path] | None, typer.Option(help="A report to write: .html, .xlsx or .json; may be repeated.")
    ] = None,
    study: Annotated[Path | None, typer.Option(help="The study whose keys and spec lines count.")] = None,
    raw: Annotated[Path | None, typer.Option(help="Its raw export; raw/<study folder> when not given.")] = None,
    carrier: Annotated[str | None, typer.Option(help="Carrier of the forms.")] = None,
    datasets: Annotated[str, typer.Option(help="Of two folders only these: ADSL,ADTTE.")] = "",
    dataset: Annotated[str, typer.Option(help="Which dataset, of files that hold several.")] = "",
    ignore: Annotated[str, typer.Option(help="What decides nothing: type, label, length, format, order.")] = "",
    without: Annotated[str, typer.Option(help="Variables to leave out: A,B.")] = "",
    list_: Annotated[str, typer.Option("--list", help="Records of each kind in a report: a number, or all.")] = "100",
    trace: Annotated[int, typer.Option(min=0, max=1000, help="Records of each variable followed to the raw data.")] = 3,
    encoding: Annotated[str, typer.Option(help="Encoding of the files' text.")] = "",
) -> None:
    """Compare two productions: records, variables, attributes and values, and what the differences share.

    Of two raw exports of a study: what the site changed, and which values of its datasets move because of it.

    Exit status: 0 the same, 1 different, 2 not comparable.
    """
    from engine.errors import CommandError, Place, Problem  # noqa: PLC0415  the help need not wait for them
    from trialmill.compare import EVERY, Request  # noqa: PLC0415
    from trialmill.compare import compare as compare_paths  # noqa: PLC0415
    from trialmill.compare_reports import write_report  # noqa: PLC0415
    from validators.comparison import Choice  # noqa: PLC0415
    from validators.comparison_attributes import KINDS  # noqa: PLC0415
    from validators.comparison_result import EVERYTHING, as_data  # noqa: PLC0415
    from validators.comparison_text import told  # noqa: PLC0415
    from validators.comparison_values import Tolerance  # noqa: PLC0415

    problems = [Problem("no report of this kind", Place(str(path)), expected=" or ".join(REPORTS))
                for path in report or () if path.suffix.lower() not in REPORTS]
    problems += [Problem(f"--ignore: no kind of difference {word}", expected=", ".join(KINDS))
                 for word in _words(ignore) if word not in KINDS]
    if not (list_ == "all" or list_.isdigit()):
        problems.append(Problem("--list: how many records", found=list_, expected="a number, or all"))
    given: dict[str, list[str]] = {}
    for text in keys or ():
        name, sign, names = text.rpartition("=")
        given[name.upper() if sign else EVERY] = _words(names)
    tolerances = {}
    for text in tolerance or ():
        try:
            name, value = _tolerance(text)
            known = tolerances.get(name, Tolerance())
            tolerances[name] = Tolerance(max(known.absolute, value.absolute), max(known.relative, value.relative))
        except ValueError:
            problems.append(Problem("--tolerance: no tolerance", found=text, expected="0.001, rel:1e-9 or AVAL=0.001"))
    if problems:
        raise CommandError(problems)
    if base.is_dir() and qc.is_dir():
        from trialmill.transfer_command import compare_exports  # noqa: PLC0415

        status = compare_exports(base, qc, study, carrier, report or ())
        if status is not None:
            raise typer.Exit(status)
    choice = Choice(tolerances, frozenset(_words(ignore)), frozenset(_words(without)))
    request = Request(base, qc, given, choice, _words(datasets), dataset, encoding, study, raw, carrier, trace)
    outcome = compare_paths(request)
    most = EVERYTHING if list_ == "all" else int(list_)
    data = as_data(outcome, most)
    for line in told(data, 5):
        print(line)
    for path in report or ():
        write_report(path, data)
        print(f"report in {path}")
    if outcome.status:
        raise typer.Exit(outcome.status)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _tolerance(text: str) -> tuple[str, Tolerance]:
    from validators.comparison_values import EVERY, Tolerance  # noqa: PLC0415

    match = _TOLERANCE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    size = float(match["size"])
    if not 0 <= size < float("inf"):
        raise ValueError(text)
    return match["name"] or EVERY, Tolerance(relative=size) if match["kind"] == "rel" else Tolerance(size)
