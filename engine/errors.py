"""Errors as their readers need them: where, what was found, what was expected, what to do.

Problems are collected and raised together; nothing stops at the first one. The class of the error
decides the exit status: 2 when the spec, the command or a file is wrong, 1 when the data are.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A spot in a file: line and column count from 1; 0 means the whole file (or the whole line)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`file:line:column`, as editors and terminals open it."""
        text = self.file
        if self.line:
            text += f":{self.line}"
            if self.column:
                text += f":{self.column}"
        return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong, in the parts its reader needs; empty parts are not printed."""

    what: str
    place: Place | None = None
    found: str = ""
    expected: str = ""
    nearest: str = ""
    do: str = ""

    def __str__(self) -> str:
        """The problem as printed: one line for where and what, an indented line for each other part."""
        lines = [f"{self.place}  {self.what}" if self.place else self.what]
        for name in ("found", "expected", "nearest", "do"):
            text = getattr(self, name)
            if text:
                lines.append(f"  {name:<9} {text}")
        return "\n".join(lines)


class TrialmillError(Exception):
    """Problems that stop a command; `status` is the exit status of the command line."""

    status = 2

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        """Keep the problems in the order they were found, each once."""
        if isinstance(problems, str):
            problems = Problem(problems)
        if isinstance(problems, Problem):
            problems = [problems]
        self.problems: list[Problem] = list(dict.fromkeys(problems))
        super().__init__("\n\n".join(str(p) for p in self.problems))


class SpecError(TrialmillError):
    """The study's specs are wrong."""


class FileError(TrialmillError):
    """A file is missing, truncated, undecodable, altered or not what it claims to be."""


class CommandError(TrialmillError):
    """The command cannot be carried out as it was given."""


class DataError(TrialmillError):
    """Values stop the build: blocking issues, values that cannot be written as they are."""

    status = 1


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """The known names closest in spelling to `name`, joined by commas; empty when none is close."""
    candidates = sorted(set(known))
    folded = {k.upper(): k for k in candidates}
    hits = difflib.get_close_matches(name.upper(), list(folded), n=count, cutoff=0.6)
    return ", ".join(folded[h] for h in hits)
