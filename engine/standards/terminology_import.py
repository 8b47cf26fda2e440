"""Takes a quarterly terminology release into the project, from the text file that NCI publishes.

Keeps codes, submission values, preferred terms and synonyms; definitions are dropped. The file appears
whole or not at all, and the same file always gives the same bytes. A release that is held with other content is
replaced, and one with far fewer codelists than the newest held is taken in, only where that is asked for.

Sources: NCI EVS, "SDTM Terminology.txt" (tab-separated, one header line).
"""

from __future__ import annotations

import gzip
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CommandError, FileError, Place, Problem
from engine.standards.tables import DATA, read_rows, table_text, versions
from engine.standards.terminology import COLUMNS

MAX_BYTES = 200_000_000
HEADER = (
    "Code",
    "Codelist Code",
    "Codelist Extensible (Yes/No)",
    "Codelist Name",
    "CDISC Submission Value",
    "CDISC Synonym(s)",
    "CDISC Definition",
    "NCI Preferred Term",
)
_NAME = re.compile(r"(SDTM|ADaM)\D*(\d{4}-\d{2}-\d{2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was taken in."""

    kind: str
    version: str
    codelists: int
    terms: int
    path: Path

    @property
    def counted(self) -> str:
        """Its codelists and terms, in words."""
        return _counted(self.codelists, self.terms)


def import_terminology(file: Path, into: Path = DATA, *, replace: bool = False) -> ImportReport:
    """Read NCI's text file and write the release beside the others.

    Args:
        file: named with its kind and date, such as `SDTM Terminology 2025-03-28.txt`.
        into: folder of the standards' data.
        replace: whether to replace the release where it is held with other content, and to take in one that holds
            fewer than half of the codelists of the newest release held.

    Raises:
        CommandError: no such file, no kind and date in its name, or a release that only `replace` takes in.
        FileError: every line that is not as NCI writes it.
    """
    if not file.is_file():
        raise CommandError(Problem("no such file", Place(str(file))))
    name = _NAME.search(file.name)
    if name is None:
        raise CommandError(
            Problem(
                "the file's name does not say which release it is",
                Place(str(file)),
                found=file.name,
                expected="a name such as  SDTM Terminology 2025-03-28.txt",
            )
        )
    kind = {"sdtm": "SDTM", "adam": "ADaM"}[name[1].lower()]
    rows, problems = _read(file)
    if problems:
        raise FileError(problems)
    rows.sort(key=lambda r: (r[0], r[5]))
    report = ImportReport(
        kind, name[2], len({r[0] for r in rows}), len(rows), into / f"{kind.lower()}-terminology-{name[2]}.tsv.gz"
    )
    if not replace:
        _check_held(report, rows, file, into)
    _write(report.path, gzip.compress(table_text(COLUMNS, rows).encode(), 9, mtime=0))
    return report


def _check_held(new: ImportReport, rows: list[list[str]], file: Path, into: Path) -> None:
    """Studies are built and checked with what is held: refuse what would change or thin it unasked."""
    prefix = f"{new.kind.lower()}-terminology-"
    dates = versions(prefix, into)
    if not dates:
        return
    date = new.version if new.version in dates else dates[-1]
    held = read_rows(into / f"{prefix}{date}.tsv.gz")
    lists = len({r["codelist_code"] for r in held})
    what = ""
    if date == new.version and [list(r.values()) for r in held] != rows:
        what = f"{new.kind} terminology {date} is held with other content"
    elif 2 * new.codelists < lists:
        what = f"the file holds fewer than half of the codelists of {new.kind} terminology {date}, which is held"
    if what:
        raise CommandError(
            Problem(
                what,
                Place(str(file)),
                found=f"{new.counted} in the file",
                expected=f"{_counted(lists, len(held))}, as in {into / f'{prefix}{date}.tsv.gz'}",
                do="get the whole file of the release from NCI; if this one is right, import it with  --replace",
            )
        )


def _counted(codelists: int, terms: int) -> str:
    return f"{codelists:,} codelist{'' if codelists == 1 else 's'}, {terms:,} term{'' if terms == 1 else 's'}"


def _read(file: Path) -> tuple[list[list[str]], list[Problem]]:
    shown = str(file)
    if file.stat().st_size > MAX_BYTES:
        raise FileError(Problem(f"the file is larger than {MAX_BYTES:,} bytes", Place(shown)))
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(Problem("the file is not UTF-8", Place(shown), found=f"byte {error.start}")) from None
    lines = text.split("\n")
    if tuple(lines[0].rstrip("\r").split("\t")) != HEADER:
        raise FileError(
            Problem(
                "not a terminology file of NCI",
                Place(shown, 1),
                found=lines[0][:80],
                expected=", ".join(HEADER),
            )
        )
    lists: dict[str, tuple[str, str, str]] = {}
    terms: list[tuple[int, list[str]]] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = [c.strip() for c in line.rstrip("\r").split("\t")]
        if cells == [""]:
            continue
        if len(cells) != len(HEADER):
            problems.append(
                Problem(
                    "a line has too few or too many cells",
                    Place(shown, number),
                    found=f"{len(cells)} cells",
                    expected=f"{len(HEADER)} cells",
                )
            )
            continue
        if not cells[1]:
            lists[cells[0]] = (cells[4], cells[3], "Y" if cells[2] == "Yes" else "N")
            continue
        key = (cells[1], cells[4])
        if key in seen:
            problems.append(
                Problem(
                    f"the term {cells[4]} of {cells[1]} stands twice",
                    Place(shown, number),
                    found=f"first in line {seen[key]}",
                )
            )
        seen[key] = number
        terms.append((number, cells))
    rows = []
    for number, cells in terms:
        if cells[1] not in lists:
            problems.append(
                Problem(f"the codelist {cells[1]} of term {cells[4]} is not in the file", Place(shown, number))
            )
            continue
        value, label, extensible = lists[cells[1]]
        rows.append([cells[1], value, label, extensible, cells[0], cells[4], cells[7], cells[5]])
    if not rows and not problems:
        problems.append(Problem("the file holds no term", Place(shown)))
    return rows, problems


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
