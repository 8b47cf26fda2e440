"""A define.xml as data: what it says of standards, datasets, variables, values, terms, methods and documents.

Nothing of XML is known here (define_write.py), nothing is looked up (define.py and its helpers fill it). Codelists,
methods and comments get their OID last, when all their users are known.

Sources: Define-XML 2.1; Analysis Results Metadata 1.0 for Define-XML 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Text:
    """A method or comment; `users` are the variables or datasets that have it, in their order."""

    text: str
    type: str = ""  # of a method: Computation or Imputation
    documents: tuple[str, ...] = ()  # leaf ids
    oid: str = ""
    name: str = ""
    users: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CodeItem:
    """A term; `code` is its NCI code, `extended` says that the sponsor added it to a list of CDISC."""

    value: str
    decode: str = ""
    code: str = ""
    extended: bool = False


@dataclass(slots=True)
class CodeListDef:
    """Terms of a variable, or a dictionary outside of the file; `standard` is the OID of the terminology."""

    base: str
    name: str
    data_type: str
    items: tuple[CodeItem, ...] = ()
    code: str = ""
    standard: str = ""
    dictionary: str = ""
    version: str = ""
    comment: Text | None = None
    oid: str = ""
    users: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OriginDef:
    """Where values come from; `pages` of the annotated CRF, `says` the predecessor."""

    type: str
    source: str = ""
    says: str = ""
    pages: tuple[int, ...] = ()


@dataclass(slots=True)
class ItemDef:
    """A variable, or its values where a condition holds."""

    oid: str
    name: str
    label: str
    data_type: str
    length: int = 0
    digits: int = 0
    format: str = ""
    sas_name: str = ""
    codelist: CodeListDef | None = None
    comment: Text | None = None
    origins: tuple[OriginDef, ...] = ()
    values: str = ""  # OID of its value list


@dataclass(slots=True)
class ItemRef:
    """A variable in its dataset, or values in their list; `where` is the OID of their condition."""

    item: str
    mandatory: bool
    order: int
    key: int = 0
    role: str = ""
    method: Text | None = None
    nonstandard: bool = False
    no_data: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class RangeCheck:
    """One comparison of a condition; several values of IN and NOTIN."""

    item: str
    comparator: str
    values: tuple[str, ...]


@dataclass(slots=True)
class WhereClause:
    """A condition: all its comparisons hold."""

    oid: str
    checks: tuple[RangeCheck, ...]
    comment: Text | None = None


@dataclass(slots=True)
class ValueList:
    """The value level of a variable."""

    oid: str
    refs: list[ItemRef] = field(default_factory=list)


@dataclass(slots=True)
class Leaf:
    """A file of the package, by its path from the folder of the define.xml."""

    id: str
    href: str
    title: str


@dataclass(slots=True)
class ItemGroup:
    """A dataset."""

    oid: str
    name: str
    label: str
    structure: str
    klass: str
    subclass: str
    purpose: str
    repeating: bool
    reference: bool
    leaf: Leaf
    domain: str = ""
    parent_label: str = ""  # of SUPP--: label of the domain it belongs to
    standard: str = ""
    comment: Text | None = None
    refs: list[ItemRef] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard: implementation guide (IG) or controlled terminology (CT)."""

    oid: str
    name: str
    type: str
    version: str
    status: str
    publishing_set: str = ""


@dataclass(slots=True)
class AnalysisDataset:
    """A dataset of a result: which of its records, and the variables that are analysed."""

    group: str
    variables: tuple[str, ...]
    where: str = ""


@dataclass(slots=True)
class Result:
    """An analysis result of a display."""

    oid: str
    says: str
    reason: str
    purpose: str
    datasets: list[AnalysisDataset]
    parameter: str = ""
    documentation: str = ""
    documents: tuple[str, ...] = ()
    program: str = ""  # leaf id
    context: str = ""
    comment: Text | None = None


@dataclass(slots=True)
class Display:
    """A table, figure or listing."""

    oid: str
    name: str
    title: str
    results: list[Result]
    document: str = ""  # leaf id


@dataclass(slots=True)
class Define:
    """The whole file, in the order in which it is written."""

    study: str
    title: str
    package: str
    created: str
    version: str
    standards: list[Standard] = field(default_factory=list)
    crf: str = ""  # leaf ids
    documents: tuple[str, ...] = ()
    value_lists: list[ValueList] = field(default_factory=list)
    wheres: dict[str, WhereClause] = field(default_factory=dict)
    groups: list[ItemGroup] = field(default_factory=list)
    items: list[ItemDef] = field(default_factory=list)
    codelists: list[CodeListDef] = field(default_factory=list)
    methods: list[Text] = field(default_factory=list)
    comments: list[Text] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    displays: list[Display] = field(default_factory=list)
    note: str = ""  # what a reader must know of the file as a whole
