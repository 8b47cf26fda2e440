"""Reads edits of labels, origins, comments and codelists from a spec workbook back into the YAML.

Exactly the edited keys are written; comments, order and layout of the files stay as they are. All edits go together or
none: an edit that cannot be carried back, or specs that would no longer lint, refuse the whole workbook.

Sources: architecture, "The contract" (spec import); Define-XML 2.1 section 5.3.11 (origins).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from edc.lint import lint_formats
from engine.errors import CommandError, FileError, Place, Problem, SpecError, nearest
from engine.spec.catalogue import MAX_LABEL
from engine.spec.codelists import StudyCodelist, find_codelist
from engine.spec.document import read_document
from engine.spec.edit import Edit
from engine.spec.lint import lint
from engine.spec.origin_terms import SOURCELESS, SOURCES, TYPES
from engine.spec.study import Study, load_study
from formats.atomic import replace_together
from trialmill.spec_book import ROW, Book
from trialmill.spec_compare import Added, Edited, compare
from trialmill.spec_export import linted
from trialmill.spec_overview import spec_book
from validators.lint import lint_rules

MAX_TERM = 200
STUDY_FILE = "study.yaml"
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Imported:
    """What was changed: sentences for people, and the files by name with their new contents."""

    says: list[str]
    files: dict[str, bytes]


def import_specs(folder: Path, workbook: Path, *, dry_run: bool = False) -> Imported:
    """Carry the edits of a workbook into the specs of a study.

    Args:
        folder: the study. workbook: as exported from these specs, then edited.
        dry_run: say what would change, and write nothing.

    Raises:
        FileError: no workbook of these specs, or edits that cannot be carried back; each with sheet and cell.
        SpecError: the specs do not lint, or would not with the edits.
        CommandError: the specs were changed by someone else at the same moment.
    """
    study = linted(folder)
    book = spec_book(study)
    edited, added = compare(book, workbook)
    problems = [p for each in edited for p in _edit_problems(study, each)]
    further, more = _further_terms(study, book, added)
    problems += more
    if problems:
        raise FileError(problems)
    files = _edited_files(study, edited, further)
    if files:
        _prove(study, files, edited)
    says = [*(f"{e.spot.says}: {_quoted(e.old)} -> {_quoted(e.new)}" for e in edited),
            *(f'codelist {name}: new term "{term}", "{decode}"' for _, name, term, decode in further)]  # fmt: skip
    if files and not dry_run:
        changed = [name for name in files if (study.folder / name).read_bytes() != study.texts[name]]
        if changed:
            raise CommandError(Problem("the specs were changed while the workbook was read", Place(changed[0])))
        replace_together({study.folder / name: content for name, content in files.items()})
    return Imported(says, files)


def _quoted(text: str) -> str:
    return f'"{text}"'.replace("\n", " / ") if text else "nothing"


def _edit_problems(study: Study, edited: Edited) -> Iterator[Problem]:
    """Why a new text cannot stand in the specs."""
    new, check = edited.new, edited.spot.check
    lead = f"{edited.row.key}: {edited.column}"
    if new != new.strip():
        yield Problem(f"{lead} begins or ends with a blank", edited.place, found=repr(new))
    elif check in ("origin", "origin_source"):
        yield from _origin_problems(study, edited, lead)
    elif check == "comment":
        return
    elif not new:
        yield Problem(f"{lead} is empty", edited.place, expected=f"a text such as {_quoted(edited.old)}")
    elif not (new.isascii() and new.isprintable()):
        odd = next(c for c in new if not (c.isascii() and c.isprintable()))
        yield Problem(f"{lead} holds a character that a transport file cannot", edited.place, found=repr(odd))
    elif len(new) > (limit := MAX_LABEL if check == "label" else MAX_TERM):
        yield Problem(f"{lead} has {len(new)} characters", edited.place, found=new, expected=f"{limit} at most")


def _origin_problems(study: Study, edited: Edited, lead: str) -> Iterator[Problem]:
    known = sorted((TYPES if edited.spot.check == "origin" else SOURCES).values())
    if edited.new and edited.new not in known:
        yield Problem(f"{lead}: no such word of Define-XML", edited.place, found=edited.new,
                      expected=", ".join(known), nearest=nearest(edited.new, known))  # fmt: skip
    if not edited.new and not any(_stated(study, edited, path) for path in edited.spot.paths):
        yield Problem(f"{lead} is worked out from the verb and cannot be empty", edited.place,
                      expected=_quoted(edited.old), do="put it back, or write another")  # fmt: skip


def _stated(study: Study, edited: Edited, path: tuple[str | int, ...]) -> str:
    """What the specs say at the spot now; empty where nothing."""
    document = read_document(_text(study, edited.spot.file)[0], edited.spot.file)
    found: Any = document.data
    for step in path:
        found = found[step]
    return str(found.get(edited.spot.key) or "")


def _further_terms(
    study: Study, book: Book, added: Iterable[Added]
) -> tuple[list[tuple[Place, str, str, str]], list[Problem]]:
    """Terms of added rows, each with its place, the name of its codelist in study.yaml and its decode."""
    sheet = next(s for s in book.sheets if s.adds)
    found: list[tuple[Place, str, str, str]] = []
    problems: list[Problem] = []
    for each in added:
        name, code = each.cells["Codelist"], each.cells["C-code"]
        term, decode = each.cells["Term"], each.cells["Decode"]
        rows = [r for r in sheet.rows if r.cells["Codelist"] == name and (not code or r.cells["C-code"] == code)]
        codes = {str(r.cells["C-code"]) for r in rows}
        if len(codes) != 1:
            known = sorted({str(r.cells["Codelist"]) for r in sheet.rows})
            what = "two codelists have this name: give its C-code too" if codes else "a new term needs its codelist"
            given = " ".join(w for w in (name, code) if w) or "none"
            wanted = "Codelist and C-code as in another row"
            problems.append(Problem(what, each.place, given, wanted, nearest(name, known)))
            continue
        head = {c: rows[0].text(c) for c in ("C-code", "Name", "Extensible")}
        stray = [c for c, v in each.cells.items() if c not in ("Codelist", "Term", "Decode", ROW) and v
                 and v != head.get(c)]  # fmt: skip
        if stray:
            problems.append(Problem(f"a new term has only Codelist, Term and Decode: {', '.join(stray)}", each.place,
                                    found=each.cells[stray[0]], do="leave the other cells empty"))  # fmt: skip
        codelist = find_codelist(study, next(iter(codes)) or name, _package(study, rows[0].text("C-code")))
        others = [t for _, n, t, _ in found if n == codelist.name]
        problems += _term_problems(codelist, each.place, term, decode, others)
        found.append((each.place, codelist.name, term, decode))
    return found, problems


def _package(study: Study, code: str) -> str:
    """A package under which the codelist of that code is found."""
    for package in study.file.packages:
        try:
            standard = find_codelist(study, code, package).standard if code else None
        except SpecError:
            continue
        if standard is not None and standard.code == code:
            return package
    return ""


def _term_problems(
    codelist: StudyCodelist, place: Place, term: str, decode: str, others: list[str]
) -> Iterator[Problem]:
    if codelist.standard is not None and not codelist.standard.extensible:
        yield Problem(f"the codelist {codelist.shown} takes no further terms", place, found=term)
    elif term in codelist.values or term in others:
        yield Problem(f"the codelist {codelist.shown} has this term already", place, found=term)
    for what, text in (("Term", term), ("Decode", decode)):
        if not text:
            yield Problem(f"a new term of {codelist.name} needs its {what}", place)
        elif text != text.strip() or not (text.isascii() and text.isprintable()) or len(text) > MAX_TERM:
            wanted = f"up to {MAX_TERM} ASCII characters, no blank at the ends"
            lead = f"the {what} of a new term of {codelist.name} cannot stand in a transport file"
            yield Problem(lead, place, found=repr(text[:80]), expected=wanted)


def _edited_files(
    study: Study, edited: list[Edited], further: list[tuple[Place, str, str, str]]
) -> dict[str, bytes]:
    """The files with the edits made, by name; values before names, so that a term and its decode may change at once."""
    edits: dict[str, Edit] = {}
    problems: list[Problem] = []

    def edit(file: str) -> Edit:
        if file not in edits:
            edits[file] = Edit(_text(study, file)[0], f"{study.shown}/{file}")
        return edits[file]

    for each in sorted(edited, key=lambda e: e.spot.kind == "name"):
        spot = each.spot
        try:
            for path in spot.paths:
                if spot.kind == "name":
                    edit(spot.file).rename(path, spot.key, each.new)
                else:
                    edit(spot.file).set(path, spot.key, each.new or None, after="" if path else "dataset")
        except SpecError as error:
            problems += [Problem(f"{spot.says}: {p.what}", p.place, p.found, do=p.do) for p in error.problems]
    if further:
        edit(STUDY_FILE).add_mapping((), "codelists")
    for _, name, term, decode in further:
        edit(STUDY_FILE).add_mapping(("codelists",), name)
        edit(STUDY_FILE).set(("codelists", name), term, decode)
    if problems:
        raise SpecError(problems)
    return {name: (_text(study, name)[1] + e.result()).encode() for name, e in edits.items()}


def _text(study: Study, file: str) -> tuple[str, str]:
    """A spec file as text, and the byte order mark that it begins with."""
    text = study.texts[file].decode("utf-8")
    return (text[1:], _BOM) if text.startswith(_BOM) else (text, "")


def _prove(study: Study, files: dict[str, bytes], edited: list[Edited]) -> None:
    """The edited specs lint, and say what the workbook says.

    Raises:
        SpecError: they would not; nothing was written.
    """
    with tempfile.TemporaryDirectory(prefix="trialmill-") as name:
        folder = Path(name) / study.folder.resolve().name
        for file, content in {**study.texts, **files}.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            made = load_study(folder, study.shown)
            problems = [*lint(made), *lint_formats(made), *lint_rules(made)]
        except SpecError as error:
            problems = error.problems
        if problems:
            lead = Problem("the specs would not lint with these edits: nothing was written", Place(study.shown))
            raise SpecError([lead, *problems])
        rows = {row.key: row for sheet in spec_book(made).sheets for row in sheet.rows}
    said = [(each, rows[each.row.key].text(each.column)) for each in edited if each.new and each.row.key in rows]
    lost = [
        Problem(f"{each.spot.says}: the specs would not say this", each.place, found=text,
                expected=_quoted(each.new), do=_lost(each, edited))
        for each, text in said
        if text != each.new
    ]  # fmt: skip
    if lost:
        raise SpecError(lost)


def _lost(each: Edited, edited: list[Edited]) -> str:
    """Why an edit did not take."""
    types = [e.new for e in edited if e.row is each.row and e.spot.check == "origin"]
    if each.spot.check == "origin_source" and (types or [each.row.text("Origin")])[0] in SOURCELESS:
        return "this origin has no source: leave the cell as it was"
    return "make this change in the YAML"
