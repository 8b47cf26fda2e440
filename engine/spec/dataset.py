"""One dataset of a study: its records, keys and variables, read from its YAML file.

A variable's first key is its verb; the other keys are the verb's parameters or options that every variable
has. A name that begins with _ is a working variable: derived and referred to like any other, never written; so is a
whole dataset that says  working: true. A record part is a list of record verbs in the order in which they are carried
out; where both records and parts are given, every part that does not start anew goes on from those records. Nothing is
looked up here: whether a name exists is lint's question.

Sources: architecture, "A spec".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.errors import Place, Problem, SpecError, nearest
from engine.spec.binding import LISTED, Model, bind, bind_data
from engine.spec.class_terms import Subclass
from engine.spec.document import Document
from engine.spec.expressions import Expression
from engine.spec.origin_terms import OriginSource, OriginType
from engine.spec.refs import VariableRef
from engine.spec.registry import RECORD_VERBS, VERBS, Params, RecordParams, Verb, references

Path_ = tuple[str | int, ...]
_DATASET = re.compile(r"[A-Z][A-Z0-9_]{1,7}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")


def is_working(name: str) -> bool:
    """Whether a variable is derived for others to read and never written."""
    return name.startswith("_")


class Options(Model):
    """What any variable may say besides its verb."""

    label: str = Field("", description="Label, where it is not that of the standard")
    type: Literal["", "Char", "Num"] = Field("", description="Type, where the standard does not know the variable")
    length: int = Field(0, ge=0, le=200, description="Length in the file; the longest value when 0")
    format: str = Field("", description="SAS format of the display")
    codelist: str = Field("", description="Codelist that the values must be of")
    origin: OriginType = Field(
        "", description="Where the values come from, as in Define-XML; by the verb when not stated"
    )
    origin_source: OriginSource = Field("", description="Who gave them, as in Define-XML; by the verb when not stated")
    comment: str = Field("", description="Comment for the define.xml")
    role: str = Field("", description="Role, where the standard does not know the variable")
    missing: Literal["allowed", "query", "blocking"] = Field(
        "allowed", description="What a missing value is: allowed, listed as a query, or a blocking issue"
    )
    ask: str = Field("", description="What to ask the site when an issue is about this variable")
    overflow: Literal["", "supp"] = Field(
        "", description="supp: text over 200 characters goes on in supplemental qualifiers"
    )
    if_empty: Literal["keep", "leave_out"] = Field(
        "keep", description="Whether the variable stays in the dataset when no record has a value"
    )
    where: Expression | None = Field(None, description="Records that get a value; others stay missing")


class Check(Model):
    """What must hold for every record, or for those of `where`.

    A record for which it is not known to hold is an issue that `says` what is wrong; `found` is the variable at fault
    and `ask` what to ask the site.
    """

    expect: Expression = Field(description="What must hold")
    where: Expression | None = Field(None, description="Records that it must hold for")
    says: str = Field(min_length=10, description="What is wrong where it does not")
    found: VariableRef | None = Field(None, description="Variable at fault, whose value is shown")
    ask: str = Field("", description="What to ask the site")
    severity: Literal["warning", "blocking", "info"] = Field(
        "warning", description="How bad it is; blocking stops the build"
    )

    def refs(self) -> Iterator[VariableRef]:
        """Every variable that the check reads."""
        yield from references(self)


class Header(Model):
    """The keys of a dataset file."""

    dataset: str = Field(description="Name of the dataset")
    label: str = Field("", description="Label, where it is not that of the standard")
    structure: str = Field("", description="Of an analysis dataset ADSL or BDS; else as in the define.xml")
    klass: str = Field("", alias="class", description="Class, where it is not that of the standard")
    subclass: Subclass = Field("", description="Subclass of an analysis dataset, for the define.xml")
    working: Literal["true", "false"] = Field(
        "false", description="true for a dataset that others read and no file shows"
    )
    keys: Annotated[list[str], LISTED] = Field(description="Variables that identify and sort the records")
    ties: Annotated[list[VariableRef], LISTED] = Field(
        [], description="Sources that break ties of the keys, never shown"
    )
    cut_off: str = Field("", description="Date variable: records after study.DCUTDT are removed and counted")
    keep: Expression | None = Field(None, description="Records that stay once all variables are derived")
    comment: str = Field("", description="Comment for the define.xml")
    checks: list[Check] = Field([], description="What must hold for its records; the others are listed")
    records: Any = Field(None, description="Record verbs in order: how the records come about")
    parts: Any = Field(None, description="The same in several ways, by name, each with variables of its own if need be")
    variables: Any = Field(None, description="One line a variable: its verb, parameters and options")
    supplemental: Any = Field(
        None, description="Supplemental qualifiers, in lines like variables; they go to SUPP--"
    )


@dataclass(slots=True)
class VariableLine:
    """One variable: the verb, its parameters and the options, with the place of the line."""

    name: str
    verb: Verb
    params: Params
    options: Options
    place: Place

    @property
    def codelist(self) -> str:
        """The codelist that the verb maps to, or the one stated."""
        if self.params.codelist_is_read:
            return ""
        return str(getattr(self.params, "codelist", "") or self.options.codelist)

    def refs(self) -> Iterator[VariableRef]:
        """Every variable that the line refers to."""
        yield from references(self.params)
        if self.options.where is not None:
            yield from self.options.where.refs


@dataclass(slots=True)
class Step:
    """One record verb of a part."""

    verb: Verb
    params: RecordParams
    place: Place

    def refs(self) -> Iterator[VariableRef]:
        """Every variable that the step refers to."""
        yield from references(self.params)


@dataclass(slots=True)
class Part:
    """Records that come about in one way, and the variables that only they derive so."""

    name: str
    steps: list[Step]
    variables: dict[str, VariableLine]
    place: Place


@dataclass(slots=True)
class DatasetSpec:
    """A dataset as its file says."""

    name: str
    package: str
    header: Header
    parts: list[Part]
    variables: dict[str, VariableLine]
    supplemental: dict[str, VariableLine]
    document: Document
    names: list[str] = field(default_factory=list)  # variables that are written, in the order first written

    @property
    def keys(self) -> list[str]:
        """The sort keys, which identify a record."""
        return self.header.keys

    @property
    def numbered_keys(self) -> set[str]:
        """Keys that number the records in their order, as --SEQ does: they move when another record comes or goes."""
        return {k for k in self.keys if any(line.params.needs_order for _, line in self.lines(k))}

    @property
    def working(self) -> bool:
        """Whether the dataset is derived for others to read and never written."""
        return self.header.working == "true"

    @property
    def overflowing(self) -> set[str]:
        """Variables whose text, where longer than a variable may be, goes on in supplemental qualifiers."""
        return {line.name for _, line in self.all_lines() if line.options.overflow == "supp"}

    def lines(self, name: str) -> Iterator[tuple[Part | None, VariableLine]]:
        """Every line that derives the variable, with its part (None: all records)."""
        if name in self.variables:
            yield None, self.variables[name]
        for part in self.parts:
            if name in part.variables:
                yield part, part.variables[name]

    def line(self, name: str) -> VariableLine:
        """The first line that derives the variable; KeyError when none does."""
        for _, line in self.lines(name):
            return line
        if name in self.supplemental:
            return self.supplemental[name]
        raise KeyError(name)

    def all_lines(self) -> Iterator[tuple[Part | None, VariableLine]]:
        """Every variable line of the file, supplemental ones last."""
        for line in self.variables.values():
            yield None, line
        for part in self.parts:
            for line in part.variables.values():
                yield part, line
        for line in self.supplemental.values():
            yield None, line

    def prefixes(self) -> set[str]:
        """Prefixes of the columns that record verbs of this dataset make."""
        return {step.verb.gives for part in self.parts for step in part.steps if step.verb.gives}

    def made_columns(self, prefix: str) -> tuple[str, ...]:
        """Columns that the record verbs of this dataset make under a prefix."""
        steps = [step for part in self.parts for step in part.steps if step.verb.gives == prefix]
        return tuple(dict.fromkeys(c for s in steps for c in (*s.verb.columns, *s.params.named_columns())))

    def key_place(self, key: str) -> Place:
        """Where a key is named."""
        index = self.keys.index(key) if key in self.keys else 0
        return self.document.place("keys", index)


def read_dataset(document: Document, package: str) -> DatasetSpec:
    """Read a dataset file.

    Raises:
        SpecError: everything in it that is no dataset spec, each with its place.
    """
    header = bind(Header, document)
    problems: list[Problem] = []
    if not _DATASET.fullmatch(header.dataset):
        problems.append(
            Problem(
                f'"{header.dataset}" cannot be a dataset\'s name',
                document.place("dataset"),
                expected="two to eight capital letters and digits, a letter first",
            )
        )
    spec = DatasetSpec(header.dataset, package, header, [], {}, {}, document)
    if header.records is None and header.parts is None:
        problems.append(
            Problem(
                f"{spec.name}: it has no records",
                document.key_place("dataset"),
                do="records: for records that come about in one way, parts: for several ways",
            )
        )
    common = _steps(spec, header.records, ("records",), problems) if header.records is not None else []
    if header.parts is None:
        spec.parts.append(Part("", common, {}, document.place("records")))
    else:
        _parts(spec, header.parts, common, problems)
    spec.variables = _lines(spec, header.variables, ("variables",), problems)
    spec.supplemental = _lines(spec, header.supplemental, ("supplemental",), problems)
    if problems:
        raise SpecError(problems)
    spec.names = _written_order(spec)
    return spec


def _written_order(spec: DatasetSpec) -> list[str]:
    """Variables in the order of the dataset's own list; those that only parts give stand after PARAM or last."""
    names = list(spec.variables)
    for part in spec.parts:
        previous = ""
        for name in part.variables:
            if name not in names:
                at = names.index(previous) + 1 if previous in names else len(names)
                names.insert(at, name)
            previous = name
    return [name for name in names if not is_working(name)]


def _parts(spec: DatasetSpec, data: Any, common: list[Step], problems: list[Problem]) -> None:
    document = spec.document
    if not isinstance(data, dict) or not data:
        problems.append(Problem(f"{spec.name}: parts needs names, each with its records", document.place("parts")))
        return
    for name, body in data.items():
        path: Path_ = ("parts", name)
        if not isinstance(body, dict):
            problems.append(Problem(f"{spec.name}: the part {name} needs record verbs", document.place(*path)))
            continue
        verbs = {key: value for key, value in body.items() if key not in ("variables", "steps")}
        if "steps" in body:
            steps = _steps(spec, body["steps"], (*path, "steps"), problems, common)
            if verbs:
                problems.append(
                    Problem(
                        f"{spec.name}: the part {name} gives both steps and record verbs",
                        document.place(*path),
                    )
                )
        else:
            steps = _steps(spec, verbs, path, problems, common)
        lines = _lines(spec, body.get("variables"), (*path, "variables"), problems)
        spec.parts.append(Part(name, steps, lines, document.key_place(*path)))


def _steps(
    spec: DatasetSpec, data: Any, path: Path_, problems: list[Problem], common: list[Step] | None = None
) -> list[Step]:
    """Read record verbs; they go on from the `common` ones unless the first of them starts anew."""
    document = spec.document
    items: list[tuple[str, Any, Path_]] = []
    if isinstance(data, dict):
        items = [(key, value, (*path, key)) for key, value in data.items()]
    elif isinstance(data, list) and all(isinstance(each, dict) and len(each) == 1 for each in data):
        for index, each in enumerate(data):
            items += [(key, value, (*path, index, key)) for key, value in each.items()]
    if not items and common and data == {}:
        return list(common)
    if not items:
        problems.append(
            Problem(
                f"{spec.name}: no record verb",
                document.place(*path),
                expected=f"one of {', '.join(n for n, v in RECORD_VERBS.items() if v.starts)}",
            )
        )
        return []
    steps: list[Step] = []
    for index, (name, value, at) in enumerate(items):
        verb = RECORD_VERBS.get(name)
        if verb is None:
            problems.append(_unknown_verb(spec.name, name, document.key_place(*at), RECORD_VERBS))
            continue
        if verb.starts != (index == 0) and not (common and index == 0):
            problems.append(
                Problem(
                    f"{spec.name}: {name} {'may only stand first' if verb.starts else 'cannot stand first'}",
                    document.key_place(*at),
                )
            )
            continue
        data_ = value
        if verb.reads is not None and not isinstance(value, dict):
            data_ = {verb.reads: value}
            document.places[(*at, verb.reads)] = document.place(*at)
        try:
            params = bind_data(verb.model, data_ or {}, document, at, f"{spec.name}: {name}")
        except SpecError as error:
            problems += error.problems
            continue
        assert isinstance(params, RecordParams)
        steps.append(Step(verb, params, document.key_place(*at)))
    return [*common, *steps] if common and steps and not steps[0].verb.starts else steps


def _lines(spec: DatasetSpec, data: Any, path: Path_, problems: list[Problem]) -> dict[str, VariableLine]:
    document = spec.document
    if data is None:
        return {}
    if not isinstance(data, dict):
        problems.append(Problem(f"{spec.name}: one variable a line is needed", document.place(*path)))
        return {}
    lines: dict[str, VariableLine] = {}
    for name, body in data.items():
        at = (*path, name)
        if not _VARIABLE.fullmatch(name):
            problems.append(
                Problem(
                    f'{spec.name}: "{name}" cannot be a variable\'s name',
                    document.key_place(*at),
                    expected="up to eight capital letters, digits and _",
                )
            )
            continue
        try:
            lines[name] = read_line(spec.name, name, body, document, at)
        except SpecError as error:
            problems += error.problems
    return lines


def read_line(dataset: str, name: str, body: Any, document: Document, at: Path_) -> VariableLine:
    """Read one variable line; SpecError with every mistake in it."""
    lead = f"{dataset}.{name}"
    if not isinstance(body, dict) or not body:
        raise SpecError(Problem(f"{lead}: no verb", document.place(*at), do="write  {verb: what it reads}"))
    word = next(iter(body))
    verb = VERBS.get(word)
    if verb is None:
        raise SpecError(_unknown_verb(lead, word, document.key_place(*at, word), VERBS))
    assert verb.reads is not None
    fields = verb.model.model_fields
    params_data: dict[str, Any] = {verb.reads: body[word]}
    options_data: dict[str, Any] = {}
    problems: list[Problem] = []
    document.places[(*at, verb.reads)] = document.place(*at, word)
    document.key_places.setdefault((*at, verb.reads), document.key_place(*at, word))
    aliases = {info.alias or key for key, info in fields.items()} - {verb.reads}
    for key, value in list(body.items())[1:]:
        known = False
        if key in aliases:
            params_data[key] = value
            known = True
        if key in Options.model_fields and not (known and key not in ("codelist",)):
            options_data[key] = value
            known = True
        if not known:
            words = sorted(aliases | set(Options.model_fields))
            problems.append(
                Problem(
                    f'{lead}: {word} has no "{key}"',
                    document.key_place(*at, key),
                    expected=f"one of {', '.join(words)}",
                    nearest=nearest(key, words),
                    do="correct the key or take it out",
                )
            )
    params = options = None
    for model, data in ((verb.model, params_data), (Options, options_data)):
        try:
            bound = bind_data(model, data, document, at, lead)
            if model is Options:
                options = bound
            else:
                params = bound
        except SpecError as error:
            problems += error.problems
    if problems or params is None or options is None:
        raise SpecError(problems)
    assert isinstance(params, Params) and isinstance(options, Options)
    return VariableLine(name, verb, params, options, document.key_place(*at))


def _unknown_verb(lead: str, word: str, place: Place, known: dict[str, Verb]) -> Problem:
    return Problem(
        f'{lead}: no verb "{word}"',
        place,
        expected="one of docs/verbs.md",
        nearest=nearest(word, known),
        do="the first key of a line is its verb",
    )
