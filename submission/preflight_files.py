"""Files and folders of a package: names, places, what must be there, what must not, and what the manifest says.

Sources: FDA Study Data Technical Conformance Guide (folders, annotated CRF, reviewer's guides); custom of eCTD.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from submission.ectd import FILE_NAME, FOLDER_NAME, LONGEST_PATH, ROOT, rule_of
from submission.package_tree import STANDARDS, PackageTree, StudyTree
from submission.preflight_found import Found


def file_checks(tree: PackageTree, journal: dict[str, str] | None) -> Iterator[Found]:
    """Everything about files and folders."""
    yield from _names(tree)
    for path in [*tree.links]:
        yield Found("FILE-LINK", path, "is a link")
    holding = {p.as_posix() for f in [*tree.files, *tree.links] for p in PurePosixPath(f).parents}
    for folder in tree.folders:
        if folder not in holding:
            yield Found("FILE-EMPTY", folder, "holds no file")
    for path in tree.files:
        if not (tree.root / path).stat().st_size:
            yield Found("FILE-EMPTY", path, "is empty")
        if path.lower().endswith(".pdf") and not _begins(tree.root / path, b"%PDF-"):
            yield Found("DOC-PDF", path, "is no PDF")
    for path in sorted(tree.files_of_root):
        yield Found("FILE-STRAY", path, "stands in no folder of a study")
    for study in tree.studies:
        yield from _places(study)
        yield from _documents(study)
    yield from _manifest(tree)
    yield from _build(tree, journal)


def _names(tree: PackageTree) -> Iterator[Found]:
    for path in [*tree.files, *tree.folders]:
        name = PurePosixPath(path).name
        pattern = FOLDER_NAME if path in tree.folders else FILE_NAME
        if not pattern.fullmatch(name):
            yield Found("FILE-NAME", path, "has a name that is not allowed", ascii(name)[1:-1])
        if len(path) > LONGEST_PATH:
            yield Found("FILE-PATH", path, f"has {len(path)} characters")


def _places(study: StudyTree) -> Iterator[Found]:
    """Every file has a place; programs are ASCII text."""
    for path in study.files:
        rule = rule_of(study.below(path))
        if rule is None:
            yield Found("FILE-STRAY", path, "has no purpose in this folder")
        elif rule.kind == "program" and not study.full(path).read_bytes().isascii():
            yield Found("PROG-ASCII", path, "holds other characters")


def _documents(study: StudyTree) -> Iterator[Found]:
    """One annotated CRF, and the guides of the standards that have datasets."""
    crf = study.place("sdtmig", "crf")
    named = [f for f in study.files if "acrf" in PurePosixPath(f).name.lower() and f.lower().endswith(".pdf")]
    if study.datasets("sdtmig") and not study.has(crf):
        yield Found("DOC-ACRF", crf, "is not there")
    for path in named:
        if path != crf:
            yield Found("DOC-ACRF", path, "is a second annotated CRF, or one at another place")
    for standard in STANDARDS:
        guide = study.place(standard, "guide")
        if study.datasets(standard) and not study.has(guide):
            yield Found("DOC-GUIDE", guide, "is not there")


def _manifest(tree: PackageTree) -> Iterator[Found]:
    if tree.manifest is None:
        return
    listed = {str(f["path"]): str(f.get("sha256", "")) for f in tree.manifest["files"]}
    for path in sorted(set(listed) | {f for f in tree.files if f.startswith(f"{ROOT}/")}):
        if path not in tree.files:
            yield Found("MAN-FILE", path, "is in the manifest and not there")
        elif path not in listed:
            yield Found("MAN-FILE", path, "is there and not in the manifest")
        elif (digest := _sha(tree.root / path)) != listed[path]:
            yield Found("MAN-SUM", path, "was altered", f"SHA-256 {digest}", listed[path])


def _build(tree: PackageTree, journal: dict[str, str] | None) -> Iterator[Found]:
    if tree.manifest is None or journal is None:
        return
    said = {p: e.get("entry", "") for p, e in tree.manifest.get("journal", {}).items()}
    for package in sorted(set(said) | set(journal)):
        if said.get(package) != journal.get(package):
            yield Found("MAN-BUILD", ROOT, f"{package} was built anew since")


def _begins(path: Path, wanted: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(wanted)) == wanted


def _sha(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


