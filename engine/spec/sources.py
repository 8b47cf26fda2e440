"""How a raw export is laid out: carriers of the forms, common columns and their roles, vendor files.

`raw.yaml` says where each file lies and what its columns are called; what the fields of a form mean stands
in the forms (forms.yaml). A study without forms.yaml takes its forms from the export itself, all as text.

Sources: architecture, "Raw names".
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from engine.spec.binding import Model, bind
from engine.spec.document import load_document

ColumnType = Literal["text", "number", "date", "time", "code", "codes"]
OdmAttribute = Literal[
    "StudyOID",
    "LocationOID",
    "SubjectKey",
    "StudyEventOID",
    "StudyEventRepeatKey",
    "FormOID",
    "FormRepeatKey",
    "ItemGroupOID",
    "ItemGroupRepeatKey",
]


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if not text or path.is_absolute() or ".." in path.parts or "\\" in text or ":" in text:
        raise ValueError("not a path inside the folder of the export; write it relative, with /, without ..")
    return text


def _kind_word(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


RawPath = Annotated[str, AfterValidator(_inside)]


class CarrierSpec(Model):
    """One carrier of the forms: a `folder` with one file a form (.csv, .sas7bdat, .xpt, .xlsx), or one `file` for all.

    The one file is ODM-XML (.xml), a workbook with a sheet a form (.xlsx), or a transport file of datasets (.xpt).
    """

    folder: RawPath | None = Field(None, description="Folder with one file for each form")
    pattern: str = Field(
        "{FORM}.csv", description="Name of those files; {FORM} is the form as the export names it, {form} in lower case"
    )
    file: RawPath | None = Field(
        None, description="One file with all forms: ODM-XML, a workbook with a sheet for each form, or a transport file"
    )
    encoding: str = Field("utf-8-sig", description="Encoding of text files")
    attributes: dict[str, OdmAttribute] = Field(
        {}, description="Common columns that ODM holds as attributes, with the attribute"
    )
    created: str = Field("1970-01-01T00:00:00+00:00", description="CreationDateTime of an ODM file that is written")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.folder is None) == (self.file is None):
            raise ValueError("a carrier has either a folder (one file a form) or a file")
        if self.folder is not None and self.pattern.upper().count("{FORM}") != 1:
            raise ValueError("the pattern must name the form once, as {FORM} or {form}")
        return self


class Roles(Model):
    """Which common columns hold what. Without `record` a record is known by its place in the file only."""

    subject: str = Field(description="Column with the subject number")
    record: str | None = Field(
        None, description="Column with the number of the record; without it a record is known by its place in the file"
    )
    visit: str | None = Field(None, description="Column with the visit")
    visit_repeat: str | None = Field(None, description="Column with the number of a repeated visit")
    form: str | None = Field(None, description="Column with the form")
    form_repeat: str | None = Field(None, description="Column with the number of a repeated form")
    status: str | None = Field(None, description="Column that says whether a record is active or deleted")
    active: tuple[str, ...] = Field(("ACTIVE",), description="Values of the status of an active record")
    deleted: tuple[str, ...] = Field(
        ("DELETED",), description="Values of the status of a deleted record, which is dropped and counted"
    )
    entered: str | None = Field(None, description="Column with the time of entry")


class RawColumn(Model):
    """One column: its type and, for dates and times, its format. The type alone may be written in their place."""

    type: ColumnType = Field("text", description="What the column holds")
    format: str = Field(
        "", description="How a date or time is written, such as DD-MON-YYYY, ISO 8601 or excel serial; a date needs it"
    )
    codes: tuple[str, ...] = Field(
        (), description="All that a column of a vendor may hold, in just this spelling; blank only where '' is listed"
    )

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if self.type == "date" and not self.format:
            raise ValueError("a date needs its format, such as DD-MON-YYYY or ISO 8601")
        return self


Column = Annotated[RawColumn, BeforeValidator(_kind_word, json_schema_input_type=ColumnType | RawColumn)]


class VendorSpec(Model):
    """One vendor source: its files (a glob), layout, encoding, columns and keys.

    `file_column` and `sheet_column` name columns that are not in the files: the name of the file a record
    came from, and of the workbook's sheet. Columns in `constant`, such as the version of a dictionary, hold one value
    in all records.
    """

    files: RawPath = Field(description="Its files: a path in the export, * for any letters")
    encoding: str = Field("utf-8-sig", description="Encoding of text files")
    optional: bool = Field(False, description="Whether the files may be absent")
    subject: str | None = Field(None, description="Column with the subject number")
    keys: tuple[str, ...] = Field((), description="Columns in which no two records are alike")
    constant: tuple[str, ...] = Field((), description="Columns with one value in all records")
    columns: dict[str, Column] = Field(
        {}, description="Its columns, by name; taken from the file when none is given"
    )
    file_column: str | None = Field(None, description="Name for a column with the name of the file a record came from")
    sheet_column: str | None = Field(
        None, description="Name for a column with the name of the sheet a record came from"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.columns:
            named = [*self.keys, *self.constant, *(n for n in (self.subject, self.file_column, self.sheet_column) if n)]
            unknown = [name for name in named if name not in self.columns]
            if unknown:
                raise ValueError(f"not among the columns: {', '.join(unknown)}")
        return self

    @property
    def file_columns(self) -> tuple[str, ...]:
        """The columns that stand in the files themselves."""
        made = (self.file_column, self.sheet_column)
        return tuple(name for name in self.columns if name not in made)


class Formats(Model):
    """How the forms write dates and times, and how far local time is ahead of UTC, in hours."""

    date: str = Field(
        "DD-MON-YYYY", description="How the forms write dates: D, DD, M, MM, MON and YYYY with what stands between them"
    )
    time: str = Field("HH:MM", description="How the forms write times")
    utc_offset: float = Field(default=0.0, ge=-14, le=14, description="Hours that local time is ahead of UTC")


class RawSpec(Model):
    """The layout of a study's raw export."""

    manifest: RawPath = Field(
        "manifest.csv", description="File that lists every file of the export with its records and SHA-256"
    )
    carriers: dict[str, CarrierSpec] = Field(description="Ways in which the forms come, by name")
    order: tuple[str, ...] = Field(
        (), description="Order in which carriers are looked for; the first that is there is read. As written when empty"
    )
    common: dict[str, Column] = Field(
        description="Columns that every form has, with their types"
    )
    roles: Roles = Field(description="Which common column holds what")
    formats: Formats = Field(Formats(), description="How the forms write dates and times")
    max_megabytes: int = Field(default=4096, gt=0, description="Largest size of one file, unpacked")
    vendors: dict[str, VendorSpec] = Field({}, description="Files that are no forms, by the name that specs call them")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unknown = [name for name in self.order if name not in self.carriers]
        if unknown:
            raise ValueError(f"order: no carrier {', '.join(unknown)}")
        coded = [name for name, column in self.common.items() if column.codes]
        if coded:
            raise ValueError(f"common: codes are held for columns of vendors only: {', '.join(coded)}")
        roles: dict[str, Any] = self.roles.model_dump()
        for role, column in roles.items():
            if isinstance(column, str) and column not in self.common:
                raise ValueError(f"roles: {role}: {column} is not a common column")
        for name, carrier in self.carriers.items():
            stray = [column for column in carrier.attributes if column not in self.common]
            if stray:
                raise ValueError(f"carriers: {name}: attributes: not common columns: {', '.join(stray)}")
        return self

    @property
    def carrier_order(self) -> tuple[str, ...]:
        """Carriers in the order they are looked for."""
        return self.order or tuple(self.carriers)


NO_EXPORT = RawSpec.model_validate(  # of a study whose whole input is delivered datasets
    {"carriers": {}, "common": {"USUBJID": "text"}, "roles": {"subject": "USUBJID"}}
)


def load_raw(path: Path, shown: str | None = None) -> RawSpec:
    """Read raw.yaml.

    Raises:
        SpecError: unknown or missing keys, paths out of the folder, names that do not fit; with places.
    """
    return bind(RawSpec, load_document(path, shown))
