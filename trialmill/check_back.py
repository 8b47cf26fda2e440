"""Takes what a reviewer decided in the workbook of a check back into dispositions.yaml of the study.

Only rows that the reviewer changed are taken: the workbook says what each disposition and comment was when it was
written. A row that was decided otherwise in the file since then is a conflict, and refuses the whole workbook; so does
anything else that cannot be taken. The file's other lines stay as they are.

The workbook is untrusted: its size is bounded and formulas are refused (see edc.workbooks).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from edc.workbooks import read_workbook
from engine.errors import FileError, Place, Problem, nearest
from engine.spec.study import DECISIONS, Study
from formats.atomic import write_bytes
from trialmill.check import linted_study
from validators.books import CAUSES, COMMENT, COUNT, DISPOSITION, FORM, ID, ON, RULE, SAID, SUMMARY, WAS
from validators.causes import EXPLAINED
from validators.dispositions import WORDS, Decided, Disposition, load_dispositions, with_entries

MAX_UNPACKED = 400_000_000  # bytes; a million rows of records
ANEW = "let trialmill check write the workbook again, and decide there"
_NEEDED = (ID, RULE, ON, COUNT, DISPOSITION, COMMENT, WAS, SAID)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the sheet of causes."""

    place: Place
    cells: dict[str, str]

    def pair(self, word: str, comment: str) -> tuple[str, str]:
        return " ".join(self.cells[word].lower().split()), self.cells[comment].strip()

    @property
    def new(self) -> tuple[str, str]:
        """Disposition and comment as the reviewer left them."""
        return self.pair(DISPOSITION, COMMENT)

    @property
    def sent(self) -> tuple[str, str]:
        """The same when the workbook was written."""
        return self.pair(WAS, SAID)


def take_dispositions(folder: Path, path: Path) -> list[str]:
    """Write the changed dispositions of a workbook into the study; a sentence for each.

    Raises:
        FileError: no workbook of a check of this study, or something in it that cannot be taken; nothing is written.
        SpecError: the specs or the file of dispositions are wrong.
    """
    study, catalogue, _ = linted_study(folder)
    decided = load_dispositions(catalogue)
    problems: list[Problem] = []
    changes: dict[str, Disposition | None] = {}
    says = []
    for row in _rows(path, study):
        name = row.cells[ID]
        if row.new == row.sent:
            continue
        found = list(_problems(row, decided))
        if name in changes:
            found.append(Problem(f"{name} stands on two rows that were changed", row.place, do="keep one"))
        problems += found
        word, comment = row.new
        entry = decided[name][0] if name in decided else None
        if found or (entry is not None and (entry.disposition, entry.comment) == row.new):
            continue
        if not word:
            changes[name] = None
            says.append(f"{name} {row.cells[ON]}: no disposition any more")
            continue
        records = int(float(row.cells[COUNT])) if word == EXPLAINED and row.cells[COUNT] else None
        about = {"rule": row.cells[RULE], "on": row.cells[ON], "disposition": word, "comment": comment}
        changes[name] = Disposition.model_validate(about | ({"records": records} if records is not None else {}))
        says.append(f"{name} {row.cells[ON]}: {word}{f': {comment}' if comment else ''}")
    if problems:
        raise FileError(problems)
    if changes:
        target = study.folder / DECISIONS
        text = target.read_bytes().decode("utf-8-sig") if target.is_file() else ""
        write_bytes(target, with_entries(text, f"{study.shown}/{DECISIONS}", changes).encode())
    return says


def _problems(row: _Row, decided: Decided) -> Iterator[Problem]:
    """Why a changed row cannot be taken."""
    name, (word, comment) = row.cells[ID], row.new
    if word and word not in WORDS:
        yield Problem(
            f"{name}: no such disposition", row.place, word, f"one of {', '.join(WORDS)}", nearest(word, WORDS)
        )
    if comment and not word:
        yield Problem(f"{name}: a comment without a disposition", row.place, do=f"fill {DISPOSITION} as well")
    if word == EXPLAINED and not comment:
        yield Problem(f"{name}: explained without a comment", row.place, do="say why it is no defect")
    entry = decided[name][0] if name in decided else None
    if entry is None and not word and not comment:
        yield Problem(
            f"{name} is explained by rule, in explained.yaml or checks.yaml", row.place, do="take it out there"
        )
    if entry is not None:
        now = (entry.disposition, entry.comment)
        if now not in (row.sent, row.new) and (row.sent[0] or row.sent[1] != entry.comment):
            at = str(decided[name][1])
            yield Problem(f"{name}: decided otherwise since the workbook was written", row.place,
                          found=f"{' - '.join(p for p in now if p)} at {at}", do=ANEW)  # fmt: skip


def _rows(path: Path, study: Study) -> Iterator[_Row]:
    if not path.is_file():
        raise FileError(Problem("no such workbook", Place(str(path))))
    sheets: dict[str, tuple[list[dict[str, str]], list[int]]] = {}
    for name, frame, numbers in read_workbook(path, str(path), MAX_UNPACKED, _render(path)):
        filled = frame.astype(object).where(frame.notna(), "")
        rows: list[dict[Any, Any]] = filled.to_dict("records")
        sheets[name] = ([{str(k): str(v) for k, v in row.items()} for row in rows], numbers.tolist())
    says = {r.get("What", ""): r.get("Says", "") for r in sheets.get(SUMMARY, ([], []))[0]}
    if says.get("Form") != FORM or CAUSES not in sheets:
        raise FileError(
            Problem("this is no workbook of a check", Place(str(path)), expected="NAME.check.xlsx", do=ANEW)
        )
    if says.get("Study") != study.name:
        raise FileError(
            Problem("the workbook is of another study", Place(str(path)), says.get("Study", ""), study.name)
        )
    cells, numbers = sheets[CAUSES]
    lacking = [c for c in _NEEDED if cells and c not in cells[0]]
    if lacking:
        raise FileError(Problem(f"the sheet {CAUSES} lacks columns", Place(str(path)), ", ".join(lacking), do=ANEW))
    for row, number in zip(cells, numbers, strict=True):
        yield _Row(Place(f"{path} sheet {CAUSES} row {number}"), row)


def _render(path: Path) -> Any:
    def render(sheet: str, column: str, value: datetime | date | time) -> str:
        if sheet == CAUSES and column in _NEEDED:
            raise FileError(
                Problem("a cell holds a date", Place(f"{path} sheet {sheet}"), f"{value} in {column}", "text")
            )
        return str(value)

    return render
