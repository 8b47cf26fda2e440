"""The registry of verbs: one declaration runs, checks, documents and completes a verb.

A variable verb derives one variable for records that exist; a record verb makes or changes the records
themselves. Parameters are a pydantic model, so the same declaration gives the checks, the JSON Schema
for editors and the verb reference. A verb is pure: no files, no clock, no random numbers, no printing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel

from engine.numbers import number_text
from engine.spec.binding import Model
from engine.spec.expressions import Expression
from engine.spec.refs import FarRef, VariableRef

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from engine.run.at import At
    from engine.spec.hooks import HookSpec

Scope = Literal["record", "subject", "study"]
# what a value is to what the verb's own key names: the same, the same in other words, found by it in a table, a word of
# the spec, nothing, or worked out from it (engine.spec.origins)
ValueIs = Literal["copied", "read", "looked_up", "stated", "absent", "derived"]


class Params(Model):
    """The parameters of a variable verb, and what it does with them."""

    needs_order: ClassVar[bool] = False  # derived from the final order of the records
    codelist_is_read: ClassVar[bool] = False  # `codelist` is that of what is read, not of what is derived
    value_is: ClassVar[ValueIs] = "derived"
    gives_one: ClassVar[bool] = False  # the value of one of the records that it looks up, without telling which

    def tables(self) -> tuple[str, ...]:
        """Tables whose records the verb reads as a whole, besides those of its references."""
        return ()

    def more_references(self) -> tuple[VariableRef, ...]:
        """Variables that the verb reads although no parameter names them."""
        return ()

    def columns_read(self) -> dict[str, tuple[str, ...]]:
        """Columns of tables that the verb names beside its references, by table."""
        return {}

    def values_given(self) -> tuple[str, ...]:
        """Values that stand in the spec itself, for checks against the codelist."""
        return ()

    def learn(self, hooks: dict[str, HookSpec]) -> None:
        """Take what study.yaml says of the hook that the line names; called once, after all files were read."""

    def learn_tables(self, columns: Callable[[str], tuple[str, ...]]) -> None:
        """Take what columns the study's tables have, for the sentence; called once, after all files were read."""

    def own_sentence(self) -> str | None:
        """The reviewer's sentence where it is not the verb's."""
        return None

    def own_scope(self, scope: Scope) -> Scope:
        """What the derivation looks at, where it is less than the verb's scope says."""
        return scope

    def chosen(self, at: At) -> tuple[VariableRef, ...] | None:
        """What decided the value of the one record that `at` shows, where the verb chooses; None where all did."""
        del at
        return None

    def one_of(self) -> tuple[VariableRef, ...] | None:
        """What the records have in common of which one gets the value and the others nothing; None where all may."""
        return None

    def derive(self, at: At) -> pd.Series:
        """The variable's values for the records `at` shows: text (str) or float64, n records, 0..n-1."""
        raise NotImplementedError


@dataclass(slots=True)
class Made:
    """What a record verb makes of the records it was given.

    `rows` are positions among the records given (a record may stand several times, or not at all), -1 for
    a record that comes from none; `columns` are new columns by name, as long as `rows`. `subjects` is
    needed when any of `rows` is -1. `sources` aligns further sources: positions in them, -1 where none.
    """

    rows: np.ndarray
    columns: dict[str, pd.Series] | None = None
    subjects: np.ndarray | None = None
    sources: dict[str, np.ndarray] | None = None


class RecordParams(Model):
    """The parameters of a record verb, and what it does with them."""

    stated_columns: ClassVar[tuple[str, ...]] = ()  # columns that hold words of the spec itself
    passed_columns: ClassVar[tuple[str, ...]] = ()  # columns that hold what was read, as it stands

    def named_columns(self) -> tuple[str, ...]:
        """Columns that the spec itself names, besides those that the verb always makes."""
        return ()

    def tables(self) -> tuple[str, ...]:
        """Tables whose records the verb reads as a whole, besides those of its references."""
        return ()

    def more_references(self) -> tuple[VariableRef, ...]:
        """Variables that the verb reads although no parameter names them."""
        return ()

    def behind(self, column: str, code: str) -> tuple[VariableRef, ...]:
        """What a column that the verb makes takes its values from, for records of one `code`; () where it varies."""
        del column, code
        return ()

    def made_of(self, column: str) -> tuple[VariableRef, ...]:
        """What a column that the verb makes takes its values from, over all records; all that it reads if not said."""
        del column
        return tuple(references(self))

    def group(self) -> tuple[tuple[VariableRef, ...], tuple[VariableRef, ...]]:
        """What records have in common of which one is made, and what those have that count; () where of one alone."""
        return (), ()

    def learn(self, hooks: dict[str, HookSpec]) -> None:
        """See Params."""

    def own_sentence(self) -> str | None:
        """See Params."""
        return None

    def own_scope(self, scope: Scope) -> Scope:
        """See Params."""
        return scope

    def make(self, at: At) -> Made:
        """The records that come of those `at` shows."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Verb:
    """A registered verb: its words, its model and what the reviewer is told."""

    name: str
    kind: Literal["variable", "records"]
    model: type[Model]
    reads: str | None  # the parameter that the verb's own key gives; None: a record verb's whole mapping
    scope: Scope
    says: str
    source: str
    example: str
    gives: str  # prefix of the columns that a record verb makes, e.g. "interval"
    columns: tuple[str, ...]
    starts: bool  # a record verb that may stand first in a part


VERBS: dict[str, Verb] = {}
RECORD_VERBS: dict[str, Verb] = {}

_PIECE = re.compile(r"\[([^\[\]]*)\]")
_FIELD = re.compile(r"\{(\w+)\}")

P = TypeVar("P", bound=type[Params])
R = TypeVar("R", bound=type[RecordParams])


def verb(name: str, *, reads: str, scope: Scope, says: str, source: str = "", example: str = "") -> Callable[[P], P]:
    """Register a variable verb under `name`; `reads` is the field its own key fills.

    `says` is the sentence for define.xml and the reviewer, with {field} for parameters (see sentence).
    """

    def register(model: P) -> P:
        if name in VERBS:
            raise ValueError(f"the verb {name} is registered twice")
        fields: dict[str, Any] = vars(model)["__pydantic_fields__"]
        if reads not in fields:
            raise ValueError(f"the verb {name} reads {reads}, which its model does not have")
        VERBS[name] = Verb(name, "variable", model, reads, scope, says, source, example, "", (), False)
        return model

    return register


def record_verb(
    name: str,
    *,
    says: str,
    reads: str | None = None,
    scope: Scope = "subject",
    source: str = "",
    example: str = "",
    gives: str = "",
    columns: tuple[str, ...] = (),
    starts: bool = False,
) -> Callable[[R], R]:
    """Register a record verb; its new columns are referred to as `<gives>.<COLUMN>`."""

    def register(model: R) -> R:
        if name in RECORD_VERBS:
            raise ValueError(f"the record verb {name} is registered twice")
        RECORD_VERBS[name] = Verb(name, "records", model, reads, scope, says, source, example, gives, columns, starts)
        return model

    return register


def references(value: Any) -> Iterator[VariableRef]:
    """Every variable that a model's fields refer to, expressions included, in the order of the fields."""
    if isinstance(value, VariableRef):
        yield value
    elif isinstance(value, Expression):
        yield from value.refs
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from references(getattr(value, name))
        extra = getattr(value, "more_references", None)
        if extra is not None:
            yield from extra()
    elif isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references(item)


def sentence(verb_: Verb, params: Model) -> str:
    """The verb's sentence with the parameters filled in; lists joined by commas.

    A piece in square brackets is left out when a parameter in it is absent: "the earliest of {of}[ where {where}]".
    A hook has the sentence of its declaration.
    """
    own = params.own_sentence() if isinstance(params, (Params, RecordParams)) else None
    if own is not None:
        return own
    words: dict[str, str] = {}
    for name in type(params).model_fields:
        value = getattr(params, name)
        if isinstance(value, dict):
            words[name] = "; ".join(
                f"{k} {'where' if isinstance(v, Expression) else '='} {_word(v) or 'null'}" for k, v in value.items()
            )
        else:
            words[name] = _word(value)
    says = _PIECE.sub(lambda m: m[1] if all(words.get(n) for n in _FIELD.findall(m[1])) else "", verb_.says)
    return says.format_map(words)


def _word(value: Any) -> str:
    """A parameter as a reviewer reads it: no word of Python; empty where there is none."""
    if isinstance(value, (list, tuple)):
        return ", ".join(_word(v) for v in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number_text(value)
    return "" if value is None else str(value)


__all__ = [
    "RECORD_VERBS",
    "VERBS",
    "FarRef",
    "Made",
    "Params",
    "RecordParams",
    "VariableRef",
    "Verb",
    "record_verb",
    "references",
    "sentence",
    "verb",
]
