"""What a dataset file says of itself: names, labels, types, lengths, formats and order.

Shared by every writer and reader of the room, and filled by the build from specs and standards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

ATTRIBUTES = frozenset(("type", "label", "length", "format"))


@dataclass(frozen=True, slots=True)
class VariableMeta:
    """One variable. `length` is in bytes (8 for Num); 0 on a Char variable means not settled yet.

    `type` is '' where a file without metadata leaves it open.
    """

    name: str
    label: str = ""
    type: str = "Char"  # Char or Num
    length: int = 0
    format: str = ""  # as SAS writes it: DATE9., DATETIME20., 8.2, $CHAR10.
    informat: str = ""


@dataclass(frozen=True, slots=True)
class DatasetMeta:
    """One dataset: its variables in file order.

    `created` is the creation time a file carried when it was read; None where none is known. `holds` names what a file
    of this kind can say of its variables: what it does not hold is unknown, not empty.
    """

    name: str
    label: str = ""
    variables: tuple[VariableMeta, ...] = field(default_factory=tuple)
    created: datetime | None = None
    holds: frozenset[str] = ATTRIBUTES

    def variable(self, name: str) -> VariableMeta:
        """The variable of that name; KeyError when there is none."""
        for each in self.variables:
            if each.name == name:
                return each
        raise KeyError(name)

    def with_variables(self, variables: tuple[VariableMeta, ...]) -> DatasetMeta:
        """The same dataset with other variables."""
        return replace(self, variables=variables)
