"""Non-compartmental analysis of concentrations in a CSV file, by the command `trialmill nca`.

Sources: docs/nca.md.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CommandError, Place, Problem
from engine.numbers import NUMBER
from formats.atomic import write_bytes
from nca.analysis import analyse
from nca.files import parameters_csv, points_csv, read_files
from nca.settings import Blq, Settings
from trialmill.blocking import counted

MOST_INTERVALS = 50


@dataclass(frozen=True, slots=True)
class Analysed:
    """How much an analysis was about."""

    profiles: int
    reported: int
    not_reported: int

    def counted(self) -> str:
        """What an analysis tells on the command line."""
        profiles, parameters = counted(self.profiles, "profile"), counted(self.reported, "parameter")
        return f"{profiles}, {parameters}, {self.not_reported:,} not reported"


def blq_rule(text: str, option: str) -> Blq:
    """`keep`, `drop` or a number, of an option; CommandError otherwise."""
    word = text.strip().lower()
    if word in ("keep", "drop"):
        return word  # type: ignore[return-value]
    if NUMBER.fullmatch(word):
        return float(word)
    raise CommandError(Problem(f"{option} {text}", expected="keep, drop, or a number that takes its place"))


def interval(text: str) -> tuple[float, float]:
    """START:END, END possibly `inf`; CommandError otherwise."""
    start, colon, end = text.strip().partition(":")
    numbers = [math.inf if re.fullmatch("inf", p, re.IGNORECASE) else float(p) if NUMBER.fullmatch(p) else math.nan
               for p in (start.strip(), end.strip())]
    if colon and math.isfinite(numbers[0]) and numbers[1] > numbers[0]:
        return numbers[0], numbers[1]
    raise CommandError(Problem(f"--interval {text}", expected="START:END with START before END, such as 0:24 or 0:inf"))


def parse(intervals: list[str], blq: dict[str, str]) -> tuple[list[tuple[float, float]], dict[str, Blq]]:
    """The options that need reading; CommandError with everything wrong in them."""
    problems: list[Problem] = []
    spans: list[tuple[float, float]] = []
    rules: dict[str, Blq] = {}
    for text in intervals:
        try:
            spans.append(interval(text))
        except CommandError as error:
            problems.extend(error.problems)
    for option, text in blq.items():
        try:
            rules[option.removeprefix("--").replace("-", "_")] = blq_rule(text, option)
        except CommandError as error:
            problems.extend(error.problems)
    if len(intervals) > MOST_INTERVALS:
        problems.append(Problem(f"{len(intervals)} intervals", expected=f"at most {MOST_INTERVALS}"))
    if problems:
        raise CommandError(problems)
    return list(dict.fromkeys(spans)), rules


def run_nca(conc: Path, dose: Path, out: Path, points: Path | None, intervals: list[tuple[float, float]],
            settings: Settings) -> Analysed:
    """Analyse the file and write the results, each file whole or not at all.

    Raises:
        CommandError: settings, or an output that would replace an input. FileError: what is wrong in the files.
    """
    settings.check()
    targets = [p for p in (out, points) if p is not None]
    for target in targets:
        if any(target.resolve() == p.resolve() for p in (conc, dose)):
            raise CommandError(Problem("the result would replace an input", Place(str(target)), do="name another file"))
    if points is not None and out.resolve() == points.resolve():
        raise CommandError(Problem("parameters and points would be one file", Place(str(out)), do="name two files"))
    read = read_files(conc, dose)
    result = analyse(read.samples, read.doses, intervals, settings, len(read.names))
    parameters = parameters_csv(result, read.names)
    listed = points_csv(result, read.names) if points is not None else b""
    write_bytes(out, parameters)
    if points is not None:
        write_bytes(points, listed)
    reported = sum(int((s & (result.reason[c] == 0)).sum()) for c, s in result.stands.items())
    return Analysed(len(read.names), reported, sum(int(s.sum()) for s in result.stands.values()) - reported)
