"""Every problem of how raw.yaml says that dates and times are written, by file and line.

A format that cannot be read must stop a build before the export is opened, with its line, not in the middle of it.

Sources: architecture, "Models"; the formats themselves stand in dates.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from edc.dates import DATE_FORMATS, format_fault
from engine.errors import Place, Problem, nearest
from engine.spec.document import load_document
from engine.spec.sources import NO_EXPORT, RawColumn
from engine.spec.study import Study


def lint_formats(study: Study) -> list[Problem]:
    """All problems of the formats of dates and times in raw.yaml of a study that was read."""
    if study.raw is NO_EXPORT:
        return []
    document = load_document(study.folder / "raw.yaml", f"{study.shown}/raw.yaml")
    raw = study.raw
    found = [_problem(raw.formats.date, "date", "formats: date", document.place("formats", "date"))]
    found.append(_problem(raw.formats.time, "time", "formats: time", document.place("formats", "time")))
    groups: list[tuple[tuple[str, ...], dict[str, RawColumn]]] = [(("common",), raw.common)]
    groups += [(("vendors", name, "columns"), vendor.columns) for name, vendor in raw.vendors.items()]
    for path, columns in groups:
        for name, column in columns.items():
            if column.format and column.type in ("date", "time"):
                place = document.place(*path, name, "format")
                found.append(_problem(column.format, column.type, f"{name}: format", place))
    return [p for p in found if p is not None]


def _problem(form: str, kind: str, lead: str, place: Place) -> Problem | None:
    fault = format_fault(form, time=kind == "time")
    if not fault:
        return None
    known: Iterable[str] = DATE_FORMATS if kind == "date" else ("HH:MM", "H:MM", "HH:MM:SS")
    tokens = "D, DD, M, MM, MON and YYYY" if kind == "date" else "H, HH, MM and SS"
    others = ", a time after a space; or ISO 8601, UTC ISO 8601, excel serial" if kind == "date" else ""
    return Problem(
        f"{lead}: {fault}",
        place,
        found=form,
        expected=f"{tokens}, each part once, with what stands between them{others}",
        nearest=nearest(form.upper().replace("MMM", "MON"), known),  # MMM: the month's name elsewhere
    )
