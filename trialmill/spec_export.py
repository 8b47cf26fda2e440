"""Writes the specs of a study as a workbook for reviewers and statisticians.

Sources: architecture, "The contract" (spec export).
"""

from __future__ import annotations

from pathlib import Path

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.errors import CommandError, Place, Problem, SpecError
from engine.spec.lint import lint
from engine.spec.study import Study, load_study
from formats.xlsx_write import write_xlsx
from trialmill.spec_book import Book
from trialmill.spec_overview import spec_book


def export_specs(folder: Path, out: Path) -> Book:
    """Write the workbook; the same specs give the same bytes.

    Args:
        folder: the study.
        out: the workbook to make or replace; its name ends in .xlsx.

    Returns:
        What was written.

    Raises:
        SpecError: lint finds anything, since a reviewer would read what does not hold.
        CommandError: a file that is no workbook. FileError: it cannot be written.
    """
    if out.suffix.lower() != ".xlsx":
        raise CommandError(Problem("a workbook's name ends in .xlsx", Place(str(out))))
    study = linted(folder)
    book = spec_book(study)
    write_xlsx(out, list(book.written()), study.file.created, title=f"Specs of {study.name}")
    return book


def linted(folder: Path) -> Study:
    """The study, if lint finds nothing in it; SpecError with all problems otherwise."""
    study = load_study(folder)
    problems = lint(study)
    if problems:
        raise SpecError(problems)
    return study
