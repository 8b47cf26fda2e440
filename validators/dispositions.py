"""What people decided about causes: dispositions.yaml of a study, one line a cause.

An entry is known by the id of its cause and says `explained` (no defect), `to fix` or `query`, with a comment. Only
`explained` settles a cause. With `records` it does so for as many records as it was decided on: more of them open the
cause again. The file is no spec: it derives nothing, and datasets do not grow stale by it.

    dispositions:
      C0A1B2C3D4: {rule: codelist, on: LB.LBTESTCD, disposition: to fix, comment: map it, records: 12}

Explanations by rule, dataset, variable and subject stand in checks.yaml and explained.yaml; an entry here, which is
about one cause, counts before them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from engine.errors import Place, Problem, SpecError, nearest
from engine.spec.binding import Model, bind_data
from engine.spec.catalogue import Catalogue
from engine.spec.document import Document, load_document, read_document
from engine.spec.edit import Edit
from engine.spec.study import DECISIONS
from validators.causes import EXPLAINED, OPEN, QUERY, TO_FIX, Cause

WORDS = (EXPLAINED, TO_FIX, QUERY)
KEY = "dispositions"
_ID = re.compile(r"C[0-9A-F]{9}")
HEAD = """\
# What was decided about findings of trialmill check, one line a cause; see docs/checking.md. Written by people, and by
# trialmill check --dispositions WORKBOOK. Only `explained` settles a cause.
"""


class Disposition(Model):
    """What was decided about one cause; `rule` and `on` are for readers, and must be those of the cause when given."""

    disposition: Literal["explained", "to fix", "query"]
    comment: str = ""
    rule: str = ""
    on: str = ""
    records: int | None = None


class DispositionsFile(Model):
    """The file: an entry for each id, each read for itself so that every mistake is told."""

    dispositions: dict[str, Any]


Decided = dict[str, tuple[Disposition, Place]]


def load_dispositions(catalogue: Catalogue) -> Decided:
    """The entries of the study by id, each with its place; none when there is no file.

    Raises:
        SpecError: everything in the file that is no entry.
    """
    study = catalogue.study
    path = study.folder / DECISIONS
    if not path.is_file():
        return {}
    return read_dispositions(load_document(path, f"{study.shown}/{DECISIONS}"))


def read_dispositions(document: Document) -> Decided:
    """As load_dispositions, of a file that was read."""
    if document.data is None or document.data == {KEY: None}:
        return {}
    file = bind_data(DispositionsFile, document.data, document, ())
    found: Decided = {}
    problems: list[Problem] = []
    for name, data in file.dispositions.items():
        place = document.key_place(KEY, name)
        if not _ID.fullmatch(name):
            problems.append(Problem(f'"{name}" is no id of a cause', place, expected="an id such as C0A1B2C3D4",
                                    do="take it from the report of trialmill check"))  # fmt: skip
        try:
            entry = bind_data(Disposition, data, document, (KEY, name), name)
        except SpecError as error:
            problems += [_helped(p, data) for p in error.problems]
            continue
        if entry.disposition == EXPLAINED and not entry.comment.strip():
            problems.append(Problem(f"{name}: explained without a comment", place, do="say why it is no defect"))
        found[name] = (entry, place)
    if problems:
        raise SpecError(problems)
    return found


def _helped(problem: Problem, data: Any) -> Problem:
    said = data.get("disposition") if isinstance(data, dict) else None
    if isinstance(said, str) and said not in WORDS and "disposition" in problem.what:
        near = nearest(said, WORDS)
        return Problem(problem.what, problem.place, said, f"one of {', '.join(WORDS)}", near, problem.do)
    return problem


def decide(causes: Iterable[Cause], decided: Decided) -> list[str]:
    """Put what was decided on the causes; notes on entries that do not fit.

    Returns:
        A note for each entry whose cause was not found, or is of another rule or variable.
    """
    notes = []
    waiting = dict(decided)
    for cause in causes:
        entry, place = waiting.pop(cause.id, (None, None))
        if entry is None:
            continue
        if entry.rule not in ("", cause.rule) or entry.on not in ("", cause.where):
            notes.append(f"{place}  {cause.id} is {cause.rule} on {cause.where}, not {entry.rule} on {entry.on}")
            continue
        cause.decided, cause.comment, cause.decided_at = entry.disposition, entry.comment, str(place)
        cause.note = ""
        if entry.disposition == EXPLAINED and entry.records is not None and cause.count > entry.records:
            cause.decided = OPEN
            cause.note = f"explained for {entry.records:,}, now {cause.count:,}: decide again"
    notes += [f"{place}  {name}: nothing that was found has this id" for name, (_, place) in waiting.items()]
    return notes


def with_entries(text: str, shown: str, changes: Mapping[str, Disposition | None]) -> str:
    """The file's text with entries written, replaced or (None) taken out; every other line stays as it is.

    Raises:
        SpecError: the text is no file of dispositions, or cannot be edited in place.
    """
    text = text or f"{HEAD}{KEY}:\n"
    document = read_document(text, shown)
    known = read_dispositions(document)
    wanted: dict[str, Any] = {n: dict(v) for n, v in ((document.data or {}).get(KEY) or {}).items()}
    edit = Edit(text, shown)
    fresh = []
    leaving = [n for n, entry in changes.items() if entry is None and n in known]
    emptied = bool(known) and len(leaving) == len(known)
    for name, entry in changes.items():
        if entry is None:
            if name in known:
                del wanted[name]
                if not emptied:
                    edit.set((KEY,), name, None)
        elif name in known:
            for key, value in _parts(entry).items():
                edit.set((KEY, name), key, value)
                wanted[name][key] = value
        else:
            wanted[name] = _parts(entry)
            said = ", ".join(f"{key}: {_scalar(value)}" for key, value in wanted[name].items())
            fresh.append(f"  {name}: {{{said}}}\n")
    made = edit.result()
    if emptied:  # nothing of the old entries stays
        made = f"{HEAD}{KEY}:\n"
    if fresh and not wanted.keys() - {n for n, e in changes.items() if e is not None and n not in known}:
        made = re.sub(rf"(?m)^{KEY}:[ \t]*\{{\}}[ \t]*$", f"{KEY}:", made)
    made += ("" if made.endswith("\n") else "\n") + "".join(fresh)
    if (read_document(made, shown).data or {}).get(KEY, None) not in (wanted, wanted or None):
        raise SpecError(Problem("the file cannot be edited in place", Place(shown), do="make these changes by hand"))
    return made


def _parts(entry: Disposition) -> dict[str, str]:
    """An entry as it is written, in the order in which it is read."""
    parts = {"rule": entry.rule, "on": entry.on, "disposition": entry.disposition, "comment": entry.comment}
    if entry.records is not None:
        parts["records"] = str(entry.records)
    return {k: v for k, v in parts.items() if v}


_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9 _./()-]*(?<! )")


def _scalar(value: str) -> str:
    return value if _SAFE.fullmatch(value) or value.isdigit() else json.dumps(value, ensure_ascii=False)
