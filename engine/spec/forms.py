"""The case report form as a study describes it: forms, items, types, codes with decodes, units, prompts.

`forms.yaml` feeds the reader of the export, the simulator, the ODM metadata and the annotated CRF. It says
nothing of files or layouts: those stand in the raw specification (sources.py).

Sources: CDASH practice of form, section, prompt; ODM 1.3.2 for the kinds of definition.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from engine.errors import Problem, SpecError, nearest
from engine.spec.binding import Model, bind
from engine.spec.document import Document, load_document

ItemType = Literal["date", "time", "text", "number", "code", "codes"]
Decodes = dict[str, str]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Item(Model):
    """One field of a form. A `number` with `units` has a sibling column `<NAME>U` that holds its unit."""

    type: ItemType = Field(description="What the field holds; codes are several ticked boxes")
    prompt: str = Field("", description="Question on the form")
    section: str = Field("", description="Section of the form")
    codes: str | Decodes | None = Field(
        None, description="Code list of the file by name, or codes with their decodes; a code field needs it"
    )
    units: tuple[str, ...] = Field((), description="Units offered; the chosen one stands in a column called NAME and U")
    unit: str = Field("", description="The one unit printed on the form")
    length: int | None = Field(default=None, gt=0, le=32767, description="Longest text")


class Form(Model):
    """One form; `items` in the order of the page."""

    name: str = Field(description="Name of the form")
    repeating: bool = Field(False, description="Whether a subject may have several at a visit")
    visits: Annotated[tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | tuple[str, ...])] = Field(
        ("any",), description="Visits or visit groups at which it is filled; any for all"
    )
    oid: str = Field("", description="The form as the export names it; its name in capitals when empty")
    items: dict[str, Item] = Field(description="Its fields, in the order of the page")


class FormsSpec(Model):
    """All forms of a study, by their lower-case names in the order of the book."""

    codes: dict[str, Decodes] = Field({}, description="Code lists by name: codes of the export and their decodes")
    visits: dict[str, str] = Field({}, description="Visits of the export and their names")
    visit_groups: dict[str, tuple[str, ...]] = Field({}, description="Groups of visits by name")
    separator: str = Field(";", description="What stands between the ticked codes of a codes field")
    forms: dict[str, Form] = Field(description="Forms by name in lower case, in the order of the book")

    def oid(self, form: str) -> str:
        """The form's name in the export."""
        return self.forms[form].oid or form.upper()

    def columns(self, form: str) -> tuple[str, ...]:
        """The form's own columns in page order, a unit column after its number."""
        names: list[str] = []
        for name, item in self.forms[form].items.items():
            names.append(name)
            if item.units:
                names.append(f"{name}U")
        return tuple(names)

    def decodes(self, form: str, column: str) -> Decodes | None:
        """Codes and decodes of a column (units decode to themselves); None where none are laid down."""
        items = self.forms[form].items
        item = items.get(column)
        if item is None:
            number = items.get(column.removesuffix("U"))
            return {unit: unit for unit in number.units} if number and number.units else None
        if isinstance(item.codes, str):
            return self.codes[item.codes]
        return item.codes

    def visits_of(self, form: str) -> tuple[str, ...]:
        """Identifiers of the visits at which the form may be filled, in the order of `visits`."""
        wanted: set[str] = set()
        for name in self.forms[form].visits:
            wanted.update(self.visits if name == "any" else self.visit_groups.get(name, (name,)))
        return tuple(v for v in self.visits if v in wanted)


def load_forms(path: Path, shown: str | None = None) -> FormsSpec:
    """Read forms.yaml.

    Raises:
        SpecError: unknown or missing keys, code lists, visits or units that do not fit; all with places.
    """
    document = load_document(path, shown)
    spec = bind(FormsSpec, document)
    problems = [*_check_visits(spec, document), *_check_items(spec, document)]
    if problems:
        raise SpecError(problems)
    return spec


def _check_visits(spec: FormsSpec, document: Document) -> list[Problem]:
    known = [*spec.visits, *spec.visit_groups, "any"]
    problems = []
    for group, names in spec.visit_groups.items():
        problems += [
            Problem(
                f'visit group {group}: no visit "{name}"',
                document.place("visit_groups", group, i),
                nearest=nearest(name, spec.visits),
                do="add it to visits: or correct it",
            )
            for i, name in enumerate(names)
            if name not in spec.visits
        ]
    for key, form in spec.forms.items():
        problems += [
            Problem(
                f'form {key}: no visit or visit group "{name}"',
                document.place("forms", key, "visits"),
                nearest=nearest(name, known),
                do="add it to visits: or correct it",
            )
            for name in form.visits
            if spec.visits and name not in known
        ]
    return problems


def _check_items(spec: FormsSpec, document: Document) -> list[Problem]:
    problems = []
    for key, form in spec.forms.items():
        if key != key.lower() or not key.replace("_", "a").isalnum() or not key.isascii():
            problems.append(
                Problem(
                    f'"{key}" is not a form name',
                    document.key_place("forms", key),
                    expected="lower-case letters, digits and _",
                )
            )
        columns = spec.columns(key)
        for name, item in form.items.items():
            place = document.place("forms", key, "items", name)
            if item.type in ("code", "codes") and item.codes is None:
                problems.append(
                    Problem(
                        f"{key}.{name}: a {item.type} item needs codes",
                        place,
                        do="write codes: and the code list's name",
                    )
                )
            elif isinstance(item.codes, str) and item.codes not in spec.codes:
                problems.append(
                    Problem(
                        f'{key}.{name}: no code list "{item.codes}"',
                        place,
                        nearest=nearest(item.codes, spec.codes),
                        do="add it to codes:",
                    )
                )
            if item.units and item.type != "number":
                problems.append(Problem(f"{key}.{name}: only a number has units", place))
            if columns.count(name) > 1:
                problems.append(Problem(f"{key}.{name}: a unit column already has this name", place))
    return problems
