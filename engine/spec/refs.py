"""References to variables: AESTDTC (of the same records), AE.AESTDTC, ae.AESTDAT, ae."AE Start Date".

Lower-case sources are raw forms and vendor files, upper-case ones built datasets; `study` is the study's
settings. Whether a reference exists is lint's question, not this module's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic_core import core_schema

_NAME = re.compile(
    r"""^(?:(?P<source>[A-Za-z][A-Za-z0-9_]*)\.)?(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|"(?P<quoted>[^"\n]{1,200})")$"""
)


@dataclass(frozen=True, slots=True)
class VariableRef:
    """One variable as seen from a record: its own, its source's, or the one value of its subject."""

    source: str | None
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference as written in a spec; ValueError when it is none."""
        match = _NAME.match(text.strip())
        if match is None:
            raise ValueError('not a variable reference; write AETERM, AE.AETERM, ae.AETERM or ae."AE Term"')
        return cls(match["source"], match["name"] or match["quoted"])

    def __str__(self) -> str:
        """As it would be written in a spec."""
        name = self.name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.name) else f'"{self.name}"'
        return f"{self.source}.{name}" if self.source else name

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        """Models take references as text."""

        def read(value: Any) -> Any:
            return value if isinstance(value, cls) else cls.parse(str(value))

        return core_schema.no_info_after_validator_function(
            read, core_schema.union_schema([core_schema.is_instance_schema(cls), core_schema.str_schema()])
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        """Editors see a string of this shape."""
        return {
            "type": "string",
            "pattern": _NAME.pattern.replace("?P<source>", "").replace("?P<name>", "").replace("?P<quoted>", ""),
        }


@dataclass(frozen=True, slots=True)
class Holds:
    """Marks a parameter of a verb by what its variables must hold, which lint holds against their types."""

    what: str


ISO_DATE = Holds("an ISO 8601 date, which is text")
DateRef = Annotated[VariableRef, ISO_DATE]


class FarRef(VariableRef):
    """A variable over all records of another dataset or form; the verb picks among a subject's records."""

    __slots__ = ()
