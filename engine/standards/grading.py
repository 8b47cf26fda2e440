"""Grading tables of laboratory results: from which border on a result has which grade.

One line a border, nearest to normal: the result has the highest grade whose border it passes. A border is a number of
the stated unit, a limit of the normal range, or the subject's own baseline, perhaps times or plus a number:
`<100`, `>3*ULN`, `>ULN+20`, `>=1.5*BASE`. A line may hold for a normal or an abnormal baseline only.

Sources: CTCAE version 5.0 (investigations), in SI units; clauses that need symptoms, an intervention or a
treatment are left out, since no result alone tells them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from engine.errors import Problem, SpecError
from engine.standards.tables import data_file, read_rows

COLUMNS = ("test", "unit", "direction", "grade", "baseline", "border")
TERMS = ("LLN", "ULN", "BASE")
_NUMBER = r"\d+(?:\.\d+)?"
_BORDER = re.compile(rf"(<=|>=|<|>)(?:(?:({_NUMBER})\*)?(LLN|ULN|BASE)(?:\+({_NUMBER}))?|({_NUMBER}))")


@dataclass(frozen=True, slots=True)
class Border:
    """One line: passed by a result that compares so (`sign`) with `factor` times `term` plus `plus`; '' is 1."""

    test: str
    unit: str
    direction: str
    grade: int
    baseline: str  # normal, abnormal, or '' for both
    sign: str
    factor: float
    term: str
    plus: float


def read_borders(rows: Iterable[Mapping[str, str]], place: str) -> tuple[Border, ...]:
    """The borders that a table lists, in its order.

    Raises:
        SpecError: every line that is no border, each with its place.
    """
    borders: list[Border] = []
    problems: list[Problem] = []
    for line, row in enumerate(rows, start=2):
        cells = {name: row.get(name) or "" for name in COLUMNS}
        match = _BORDER.fullmatch(cells["border"])
        wrong = _wrong(cells, match)
        if wrong or match is None:
            problems.append(Problem(f"{place} line {line}: {wrong}", found=" | ".join(cells.values())))
            continue
        sign, factor, term, plus, number = match.groups()
        borders.append(
            Border(
                cells["test"],
                cells["unit"],
                cells["direction"],
                int(cells["grade"]),
                cells["baseline"],
                sign,
                float(factor or 1) if term else float(number),
                term or "",
                float(plus or 0),
            )
        )
    problems += _two_units(borders, place)
    if problems:
        raise SpecError(problems)
    return tuple(borders)


def _wrong(cells: dict[str, str], match: re.Match[str] | None) -> str:
    if not cells["test"]:
        return "no test"
    if cells["direction"] not in ("low", "high"):
        return "the direction is low or high"
    if cells["grade"] not in ("1", "2", "3", "4", "5"):
        return "the grade is a number from 1 to 5"
    if cells["baseline"] not in ("", "normal", "abnormal"):
        return "the baseline is normal, abnormal or empty for both"
    if match is None:
        return "the border is none; write <100, >3*ULN, >ULN+20 or >=1.5*BASE"
    if (match[1][0] == "<") != (cells["direction"] == "low"):
        return "a border of low results begins with <, of high ones with >"
    return ""


def _two_units(borders: list[Border], place: str) -> list[Problem]:
    units: dict[str, str] = {}
    return [
        Problem(f"{place}: the borders of {b.test} are in two units", found=f"{units[b.test]}, {b.unit}")
        for b in borders
        if units.setdefault(b.test, b.unit) != b.unit
    ]


@cache
def load_grading(name: str) -> tuple[Border, ...]:
    """A published grading table, `ctcae-5.0`; SpecError naming the versions that are there."""
    prefix, _, version = name.rpartition("-")
    path = data_file(f"{prefix}-", version, "grading table", "name one that Trialmill holds, or a table of the study")
    return read_borders(read_rows(path), path.name)
