"""The submission folder of a study: datasets, documents and programs at their places in module 5, and what ties them.

Writes m5 and, beside it, the folder `submission` (manifest, checksums, inputs for the STF, drafts, Dataset-JSON) into a
staging folder; who calls puts both in place in one step. Datasets are copied as they were built, and held against the
journal while they are; one over the limit stands whole and, in the folder `split`, in parts.

Sources: FDA Study Data Technical Conformance Guide (folders, names, split datasets); architecture, "The contract".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import CommandError, FileError, Place, Problem, nearest
from formats.dataset_json_write import ColumnSaid, FileSaid, write_dataset_json
from formats.metadata import DatasetMeta
from formats.moments import kind_of
from formats.xpt_split import Records, pieces
from submission.built import Built, Published
from submission.define_outline import DefineFile, read_define
from submission.documents import Document, documents
from submission.ectd import LONGEST_PATH, ROOT, SPLIT_LIMIT, rule_for, study_folder
from submission.guide_facts import GuideFinding
from submission.manifest import ASIDE, CHECKSUMS, MANIFEST, STF, PackagedFile, checksums, manifest_json, stf_json
from submission.programs import program_files

Told = Callable[[int, int, str], None]
_CHUNK = 8 << 20
SPLIT_BY = ("--CAT", "--TESTCD", "PARCAT1", "PARAMCD", "QNAM")  # the first that a dataset has. Source: FDA TCG 3.3.2
_KINDS = {"text": "string", "integer": "integer", "float": "float", "date": "date", "partialDate": "date",
          "datetime": "datetime", "partialDatetime": "datetime", "time": "time", "partialTime": "time"}


@dataclass(frozen=True, slots=True)
class Packing:
    """How to package: the size from which a dataset is split, the lock of the environment, a form of Dataset-JSON."""

    limit: int = SPLIT_LIMIT
    lock: bytes | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    dataset_json: str = ""  # json, ndjson or dsjc; '' for none
    findings: Sequence[GuideFinding] | None = ()  # of a check, for the guides; None: nothing was checked
    checked: Sequence[str] = ()  # what each source of the check did


@dataclass(slots=True)
class Packaged:
    """What was made."""

    files: list[PackagedFile] = field(default_factory=list)
    splits: list[dict[str, Any]] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of m5."""
        return sum(f.size for f in self.files)


def write_package(built: Built, staging: Path, packing: Packing, told: Told | None = None) -> Packaged:
    """Write the package of what was published into a folder that holds no m5 yet.

    Raises:
        FileError: packages of one standard, datasets of other specs than those at hand, a file that changed meanwhile.
        CommandError: a dataset over the limit that nothing says how to split.
        DataError: values that Dataset-JSON, where it is asked for, has no place for.
    """
    return _Packer(built, staging, packing, told or (lambda *_: None)).run()


class _Packer:
    def __init__(self, built: Built, staging: Path, packing: Packing, told: Told) -> None:
        self.built, self.staging, self.packing, self.told = built, staging, packing, told
        self.folder = study_folder(built.study.name)
        self.made = Packaged()
        self.defines: dict[str, DefineFile] = {}
        more = 2 if packing.dataset_json else 1
        self.total, self.done = len(built.datasets) * more + 8 * len(built.packages), 0

    def run(self) -> Packaged:
        self._consistent()
        for published in self.built.datasets.values():
            self._dataset(published)
        for document in documents(self.built, self.packing.findings, self.made.splits, self.packing.checked):
            self._document(document)
        for package in self.built.packages:
            if self.built.standard(package) == "adamig":
                for name, content in program_files(self.built.study, self.packing.lock).items():
                    self._file(package, "program", name, content, _program_title(name))
        if self.packing.dataset_json:
            for published in self.built.datasets.values():
                self._dataset_json(published)
        self._aside()
        return self.made

    def _consistent(self) -> None:
        """One package for each standard, all built from the specs that the documents are now made of."""
        problems = []
        standards = [self.built.standard(p) for p in self.built.packages]
        for package, standard in zip(self.built.packages, standards, strict=True):
            if standards.count(standard) > 1:
                problems.append(Problem(f"several packages follow {standard}", found=package,
                                        expected="one, since a folder of the eCTD has one define.xml"))
            if self.built.entries[package]["specs"] != self.built.study.fingerprint:
                problems.append(Problem(f"{package} was built from other specs than those at hand",
                                        Place(str(self.built.out / package)),
                                        do="build again, so that define.xml says what was derived"))
        if problems:
            raise FileError(problems)
        missing = [p for p in self.built.study.file.packages if p not in self.built.packages]
        if missing:
            self.made.notes.append(f"not built, so not packaged: {', '.join(missing)}")

    # -- datasets

    def _dataset(self, published: Published) -> None:
        rule = rule_for(self.built.standard(published.package), "dataset")
        path = self._place(f"{rule.folder}/{published.path.name}")
        size, digest = _copied(published.path, path)
        output = f"{published.package}/{published.path.name}"
        listed = {f["file"]: f["sha256"] for f in self.built.entries[published.package]["outputs"]}
        if listed.get(output) != digest:
            raise FileError(Problem("the file changed while it was packaged", Place(str(published.path)),
                                    do="wait until builds end, then package again"))
        self._add(path, size, digest, published.package, "dataset", published.meta.label, published.name, output,
                  published.records)
        if size > self.packing.limit:
            self._split(published)
        self._tell(published.name)

    def _split(self, published: Published) -> None:
        """Parts of a dataset beside it, in the folder `split`."""
        name, records = published.name, Records(published.path)
        variable = self._split_variable(published.meta)
        subject = "USUBJID" if any(v.name == "USUBJID" for v in published.meta.variables) else ""
        tear = records.values(subject) if subject else None
        most = (self.packing.limit - records.size(0)) // records.width
        if most < 1:
            raise CommandError(Problem(f"{name}: not even one record fits the limit", do="name a larger --split-limit",
                                       found=f"{self.packing.limit:,} bytes", expected=f"over {records.size(1):,}"))
        keys = records.values(variable)
        parts = pieces([keys], tear, most)
        rule = rule_for(self.built.standard(published.package), "part")
        if len(f"{name}{len(parts)}") > 8:
            raise CommandError(Problem(f"{name}: {len(parts)} parts cannot have names of 8 characters",
                                       do="name a larger --split-limit"))
        said: dict[str, Any] = {"dataset": name, "by": variable, "records": records.count, "parts": []}
        for number, at in enumerate(parts, 1):
            part = f"{name}{number}"
            path = self._place(f"{rule.folder}/{part.lower()}.xpt")
            records.write(path, part, at, durable=False)
            size, digest = path.stat().st_size, _digest(path)
            values = keys.iloc[at].fillna("").unique().tolist()
            self._add(path, size, digest, published.package, "part", f"{published.meta.label}, part {number}", part, "",
                      len(at))
            said["parts"].append({"name": part, "records": len(at), "bytes": size, "values": values})
        self.made.splits.append(said)

    def _split_variable(self, meta: DatasetMeta) -> str:
        """What the study says, else the category, else the test or parameter."""
        known = [v.name for v in meta.variables]
        said = self.built.study.file.submission.split.get(meta.name, "")
        usual = [v.replace("--", meta.name[:2]) for v in SPLIT_BY]
        chosen = said or next((v for v in usual if v in known), usual[0])
        if chosen not in known:
            raise CommandError(Problem(
                f"{meta.name} is larger than the limit and "
                + (f"has no {said}" if said else "nothing says by which variable to split it"),
                Place(f"{self.built.study.shown}/study.yaml"), nearest=nearest(chosen, known),
                do=f"write  submission: {{split: {{{meta.name}: VARIABLE}}}}"))
        return chosen

    # -- documents and programs

    def _document(self, document: Document) -> None:
        if document.draft:
            self._write_aside(f"drafts/{document.name}", document.content)
            self.made.drafts.append(document.name)
        else:
            self._file(document.package, document.kind, document.name, document.content, document.title)
            if document.kind == "define":
                self.defines[document.package] = read_define(document.content, document.name)
        self._tell(document.name)

    def _file(self, package: str, kind: str, name: str, content: bytes, title: str) -> None:
        path = self._place(f"{rule_for(self.built.standard(package), kind).folder}/{name}")
        path.write_bytes(content)
        self._add(path, len(content), hashlib.sha256(content).hexdigest(), package, kind, title)

    # -- beside m5

    def _dataset_json(self, published: Published) -> None:
        """The same values as Dataset-JSON, with the OIDs of the define.xml that stands in the package."""
        frame, form = self.built.frame(published.name), self.packing.dataset_json
        path = self.staging / ASIDE / "dataset-json" / published.package / f"{published.name.lower()}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        said = said_by(self.defines.get(published.package), published.meta)
        write_dataset_json(path, frame, published.meta, self.built.created, said, durable=False)
        self._tell(path.name)

    def _aside(self) -> None:
        study, files = self.built.study, self.made.files
        self._write_aside(MANIFEST, manifest_json(study.name, self.folder, self.built.entries, files, self.made.splits,
                                                  self.packing.versions))
        self._write_aside(CHECKSUMS, checksums(files))
        self._write_aside(STF, stf_json(study.name, study.file.title, files, self.folder))

    def _write_aside(self, name: str, content: bytes) -> None:
        path = self.staging / ASIDE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    # -- common

    def _place(self, name: str) -> Path:
        path = self.staging / ROOT / self.folder / name
        if len(shown := path.relative_to(self.staging).as_posix()) > LONGEST_PATH:
            raise FileError(Problem("a path of the package is too long", found=f"{shown} ({len(shown)} characters)",
                                    expected=f"{LONGEST_PATH} at most"))
        if path.exists():
            raise FileError(Problem("two files of the package have one name", Place(name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _add(self, path: Path, size: int, digest: str, package: str, kind: str, title: str, dataset: str = "",
             output: str = "", records: int | None = None) -> None:
        shown = path.relative_to(self.staging).as_posix()
        self.made.files.append(
            PackagedFile(shown, size, digest, package, kind, title, dataset, output, records))

    def _tell(self, note: str) -> None:
        self.done += 1
        self.told(self.done, max(self.total, self.done), note)


def said_by(define: DefineFile | None, meta: DatasetMeta) -> FileSaid:
    """What a define.xml says of a dataset, for Dataset-JSON; dates and times of Num variables go by their format."""
    dataset = define.dataset(meta.name) if define is not None else None
    if define is None or dataset is None:
        return FileSaid()
    there = {v.name: v for v in meta.variables}
    columns = {}
    for v in dataset.variables:
        kind = _KINDS.get(v.type, "string")
        number = v.name in there and there[v.name].type == "Num"
        if number != (kind in ("integer", "float")) or (number and kind_of(there[v.name].format)):
            kind = ""  # text, or a number: the values and the format tell which kind
        columns[v.name] = ColumnSaid(v.oid, kind, v.key)
    file = f"{define.file_oid}/{meta.name.lower()}"
    return FileSaid(dataset.oid, columns, file, define.study_oid, define.metadata_oid, "define.xml")


def _program_title(name: str) -> str:
    return f"Program {re.sub('[.]txt$', '', name)}"


def _copied(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file; its size and the SHA-256 of the bytes that were written."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as out:
        for chunk in _chunks(source):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return size, digest.hexdigest()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk

