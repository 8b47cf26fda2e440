"""A study folder as one object: study.yaml, the forms, the layout of the export, tables and datasets.

Reading collects every mistake of every file before it stops. Nothing is derived here, and no file outside
the study folder is read.

Sources: architecture, "The contract" and "A spec".
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field, field_validator

from engine.errors import CommandError, Place, Problem, SpecError, nearest
from engine.numbers import NUMBER
from engine.spec.binding import Model, bind
from engine.spec.dataset import DatasetSpec, read_dataset
from engine.spec.delivered import LISTING, DeliveredDataset, DeliveredSpec, delivered_problems, read_delivered
from engine.spec.dictionaries import DictionarySpec
from engine.spec.document import Document, load_document
from engine.spec.expressions import Expression
from engine.spec.forms import FormsSpec, load_forms
from engine.spec.hooks import HookSpec
from engine.spec.refs import VariableRef
from engine.spec.sources import NO_EXPORT, RawSpec, load_raw
from engine.standards.sdtmig import MODEL_OF

MAX_TABLE_BYTES = 50_000_000
DECISIONS = "dispositions.yaml"  # what people decided about findings: no spec, since it derives nothing
GUIDES = "guides.yaml"  # what people tell reviewers: no spec either


class Standards(Model):
    """Versions of the standards that the study follows."""

    sdtmig: str = Field(description="Version of the SDTM Implementation Guide")
    adamig: str = Field(description="Version of the ADaM Implementation Guide")
    sdtm_terminology: str = Field(description="Date of the CDISC SDTM terminology release")
    adam_terminology: str = Field(description="Date of the CDISC ADaM terminology release")


class PackageSpec(Model):
    """One folder of datasets and the standard they follow."""

    standard: Literal["sdtmig", "adamig"] = Field(description="Standard that the datasets follow")
    label: str = Field("", description="What people call the package")


class UsubjidRule(Model):
    """USUBJID: a prefix and the number of the person's first participation, by date; or as collected."""

    prefix: str = Field("", description="Text before the number")
    first: VariableRef = Field(
        description="Subject number of which USUBJID is made: of several participations the first"
    )
    by: VariableRef | None = Field(None, description="Date by which a participation is the first")


class SubjidRule(Model):
    """The primary participation: the one with records in `prefer` that satisfy `where`, else the last."""

    prefer: str = Field("", description="Source whose records make a participation the primary one")
    where: Expression | None = Field(None, description="Which of those records count")
    otherwise: Literal["first", "last"] = Field(
        "last", alias="else", description="Participation that is primary when none is preferred"
    )


class IdentitySpec(Model):
    """Who is who: persons behind subject numbers, USUBJID and SUBJID.

    With `not_after`, such as the cut-off, participations that begin later (by the date of USUBJID) are left out with
    all their records. `repeats: drop` leaves out exact repeats of forms that are filled once.
    """

    subjects: str = Field(description="Source with one record for each participation")
    person: VariableRef | None = Field(
        None, description="Column that tells persons apart, where one may be screened twice"
    )
    via: dict[str, VariableRef] = Field(
        {}, description="Sources without a subject number: the column of another source that they find it by"
    )
    USUBJID: UsubjidRule = Field(description="How USUBJID is made")
    SUBJID: SubjidRule = Field(SubjidRule(), description="Which participation of a person gives SUBJID")
    not_after: VariableRef | None = Field(
        None, description="Setting such as study.DCUTDT: who takes part only later is left out"
    )
    repeats: Literal["keep", "drop"] = Field(
        "keep", description="Whether exact repeats of forms that are filled once are dropped"
    )

    @field_validator("not_after")
    @classmethod
    def _setting(cls, value: VariableRef | None) -> VariableRef | None:
        if value is not None and value.source != "study":
            raise ValueError("name a setting, as in study.DCUTDT")
        return value


class SubmissionSpec(Model):
    """What the submission folder needs to know beside the datasets.

    A dataset over the size limit is split by its category, test or parameter (such as LBCAT) unless `split` names
    another variable.
    """

    split: dict[str, str] = Field({}, description="Dataset -> variable by whose values it is split when too large")


class StudyFile(Model):
    """The keys of study.yaml."""

    study: str = Field(description="STUDYID, up to 20 ASCII characters")
    title: str = Field("", description="Title of the trial")
    standards: Standards = Field(description="Versions of the standards")
    created: datetime = Field(description="Date and time in the headers of all files")
    packages: dict[str, PackageSpec] = Field(description="Folders of dataset files, by name")
    identity: IdentitySpec = Field(description="Who is who")
    delivered: dict[str, DeliveredSpec] = Field(
        {}, description="Datasets that come finished and are input, by the name of their package"
    )
    settings: dict[str, Any] = Field(
        {}, description="Values that specs call by name, as study.NAME; without quotes a number is a number"
    )
    codelists: dict[str, dict[str, str]] = Field(
        {}, description="Terms of the sponsor by codelist, with decodes; they extend a CDISC list or make a new one"
    )
    dictionaries: dict[str, DictionarySpec] = Field(
        {}, description="Dictionaries that values are coded with, such as MedDRA, for the define.xml"
    )
    hooks: dict[str, HookSpec] = Field({}, description="Functions of hooks.py, by name: what YAML cannot say")
    simulator: str = Field("", description="Folder that describes the simulated trial")
    submission: SubmissionSpec = Field(SubmissionSpec(), description="What the submission folder needs to know")

    @field_validator("study")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not value.isascii() or not 0 < len(value) <= 20 or value != value.strip():
            raise ValueError("STUDYID is up to 20 ASCII characters")
        return value


@dataclass
class Study:
    """Everything a study folder says."""

    folder: Path
    shown: str
    file: StudyFile
    document: Document
    raw: RawSpec
    forms: FormsSpec | None
    datasets: dict[str, DatasetSpec]
    texts: dict[str, bytes] = field(default_factory=dict)  # every spec file by its name in the folder
    delivered: dict[str, DeliveredDataset] = field(default_factory=dict)  # datasets that come finished

    @property
    def name(self) -> str:
        """STUDYID."""
        return self.file.study

    @cached_property
    def facts(self) -> dict[str, str]:
        """What study.yaml says besides its settings and specs may refer to: STUDYID, title, versions of standards."""
        versions = {name: str(getattr(self.file.standards, name)) for name in Standards.model_fields}
        model = MODEL_OF.get(self.file.standards.sdtmig)
        return {"STUDYID": self.name, "title": self.file.title, **versions, **({"sdtm_model": model} if model else {})}

    def setting(self, name: str) -> str | float | None:
        """A setting of study.yaml: a number when written without quotes as one, else text; KeyError if none.

        A name that is no setting may be a fact: see `facts`.
        """
        if name not in self.file.settings and name in self.facts:
            return self.facts[name] or None
        value = self.file.settings[name]
        if isinstance(value, str) and ("settings", name) in self.document.plain and NUMBER.fullmatch(value):
            return float(value)
        return None if value is None else str(value)

    @property
    def setting_names(self) -> set[str]:
        """Names that can be said after `study.`."""
        return {n for n, v in self.file.settings.items() if not isinstance(v, (list, dict))} | set(self.facts)

    def setting_place(self, name: str) -> Place:
        """Where study.yaml says what `study.NAME` is."""
        if name in self.file.settings:
            return self.document.key_place("settings", name)
        keys = {"STUDYID": ("study",), "title": ("title",), "sdtm_model": ("standards", "sdtmig")}
        return self.document.key_place(*keys.get(name, ("standards", name)))

    def package(self, name: str) -> list[DatasetSpec]:
        """The datasets of a package that are written, by name."""
        return [d for n, d in sorted(self.datasets.items()) if d.package == name and not d.working]

    @cached_property
    def tables(self) -> dict[str, Path]:
        """Look-up tables of the folder by name."""
        return {p.stem: p for p in sorted((self.folder / "tables").glob("*.csv"))}

    def lookup(self, name: str) -> pd.DataFrame:
        """A look-up table as text, missing for empty cells.

        Raises:
            SpecError: no such table, not UTF-8, or rows of different widths.
        """
        if name not in self._tables:
            path = self.tables.get(name)
            if path is None:
                raise SpecError(
                    Problem(
                        f'no table "{name}"',
                        Place(f"{self.shown}/tables"),
                        nearest=nearest(name, self.tables),
                    )
                )
            self._tables[name] = _read_table(path, f"{self.shown}/tables/{path.name}")
        return self._tables[name]

    def table_columns(self, name: str) -> tuple[str, ...]:
        """Columns of a look-up table; () where there is none that can be read, which lint tells."""
        try:
            return tuple(str(c) for c in self.lookup(name).columns)
        except SpecError:
            return ()

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over every spec file, names included."""
        digest = hashlib.sha256()
        for name in sorted(self.texts):
            digest.update(f"{name}\0{len(self.texts[name])}\0".encode())
            digest.update(self.texts[name])
        return digest.hexdigest()


def load_study(folder: Path | str, shown: str = "") -> Study:
    """Read a study folder; `shown` is its name in messages, where it is not that of the folder.

    Raises:
        CommandError: no such folder, or no study.yaml in it.
        SpecError: everything that is wrong in its files.
    """
    shown = shown or str(folder).rstrip("/")
    path = Path(folder)
    if not (path / "study.yaml").is_file():
        raise CommandError(
            Problem(
                "no study.yaml in the study folder",
                Place(shown),
                do="name the folder that holds study.yaml:  STUDY=FOLDER  or  --study FOLDER",
            )
        )
    problems: list[Problem] = []
    document = _document(path / "study.yaml", f"{shown}/study.yaml", problems)
    file = _collect(lambda: bind(StudyFile, document), problems) if document else None
    raw: RawSpec | None = NO_EXPORT
    if (path / "raw.yaml").is_file() or file is None or not file.delivered:
        raw = _collect(lambda: load_raw(path / "raw.yaml", f"{shown}/raw.yaml"), problems)
    delivered = _collect(lambda: read_delivered(path / LISTING, f"{shown}/{LISTING}"), problems) or {}
    forms = None
    if (path / "forms.yaml").is_file():
        forms = _collect(lambda: load_forms(path / "forms.yaml", f"{shown}/forms.yaml"), problems)
    datasets: dict[str, DatasetSpec] = {}
    for package in file.packages if file else ():
        for spec_path in sorted((path / package).glob("*.yaml")):
            name = f"{shown}/{package}/{spec_path.name}"
            spec_document = _document(spec_path, name, problems)
            if spec_document is None:
                continue
            spec = _collect(lambda d=spec_document, p=package: read_dataset(d, p), problems)
            if spec is None:
                continue
            if spec.name in datasets:
                problems.append(
                    Problem(
                        f"the dataset {spec.name} is described twice",
                        Place(name, 1),
                        found=f"first in {datasets[spec.name].document.file}",
                    )
                )
            else:
                datasets[spec.name] = spec
    if file is not None and document is not None:
        at = document.place("delivered") if file.delivered else document.place()
        problems += delivered_problems(file.delivered, delivered, datasets, at, Place(f"{shown}/{LISTING}", 1))
    if problems:
        raise SpecError(problems)
    assert file is not None and raw is not None and document is not None
    for spec in datasets.values():
        for step in (step for part in spec.parts for step in part.steps):
            step.params.learn(file.hooks)
        for _, line in spec.all_lines():
            line.params.learn(file.hooks)
    texts = {
        str(p.relative_to(path)): p.read_bytes()
        for p in sorted(path.rglob("*"))
        if p.suffix in (".yaml", ".csv", ".py") and p.is_file() and "simulator" not in p.parts
        and p.name not in (DECISIONS, GUIDES)
    }
    study = Study(path, shown, file, document, raw, forms, datasets, texts, delivered)
    for spec in datasets.values():
        for _, line in spec.all_lines():
            line.params.learn_tables(study.table_columns)
    return study


def _document(path: Path, shown: str, problems: list[Problem]) -> Document | None:
    document: Document | None = _collect(lambda: load_document(path, shown), problems)
    return document


def _collect(read: Any, problems: list[Problem]) -> Any:
    try:
        return read()
    except SpecError as error:
        problems += error.problems
        return None


def _read_table(path: Path, shown: str) -> pd.DataFrame:
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise SpecError(Problem(f"the table is larger than {MAX_TABLE_BYTES:,} bytes", Place(shown)))
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.reader(handle, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SpecError(
            Problem(f"the table cannot be read: {error}", Place(shown), do="save it as UTF-8 CSV")
        ) from None
    if not rows or len(set(rows[0])) != len(rows[0]):
        raise SpecError(Problem("the table needs one header line of different names", Place(shown, 1)))
    problems = [
        Problem(
            "a row is wider or narrower than the header",
            Place(shown, i),
            found=f"{len(row)} cells",
            expected=f"{len(rows[0])} cells",
        )
        for i, row in enumerate(rows[1:], 2)
        if len(row) != len(rows[0])
    ]
    if problems:
        raise SpecError(problems)
    frame = pd.DataFrame(rows[1:], columns=rows[0], dtype="str")
    return frame.mask(frame == "")
