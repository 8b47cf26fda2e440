"""Long text in several variables of one record, as comments and values of the trial summary go on.

Text of other variables goes on in supplemental qualifiers (overflow: supp, see engine.run.overflow).

Sources: SDTMIG 3.4 section 4.5.3.
"""

from __future__ import annotations

import re

import pandas as pd
from pydantic import Field, model_validator

from engine.numbers import by_distinct
from engine.run.at import At
from engine.run.overflow import MAX_BYTES, text_parts
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb

_BREAKS = re.compile(r"[ \t]*[\r\n\t\f\v]+[ \t]*")


@verb(
    "text_part",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.5.3",
    says="Part {number} of {of}, which is split at blanks into parts of up to 200 bytes, line breaks being blanks",
    example="COVAL1: {text_part: _TEXT, number: 2, parts: 5}",
)
class TextPart(Params):
    """One part of a text that is split at blanks into parts of up to 200 bytes, each as long as whole words allow.

    Joined by blanks the parts give the text again; its line breaks become blanks. A text that takes more than `parts`
    is a blocking issue, told with the first of them.
    """

    value_is = "read"
    of: VariableRef
    number: int = Field(1, ge=1)
    parts: int = Field(ge=1, le=50)

    @model_validator(mode="after")
    def _within(self) -> TextPart:
        if self.number > self.parts:
            raise ValueError("number is one of 1 to parts")
        return self

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        texts = at.text(self.of)
        if self.number == 1:
            counts = texts.dropna().map(lambda text: len(_parts(text))).reindex(texts.index, fill_value=0)
            at.report(
                (counts > self.parts).to_numpy(dtype=bool),
                f"the text takes more than {self.parts} parts of {MAX_BYTES} bytes",
                found=texts.str.slice(0, 60),
                severity="blocking",
            )
        return by_distinct(texts, self._part)

    def _part(self, text: str) -> str | None:
        parts = _parts(text)
        return parts[self.number - 1] or None if len(parts) >= self.number else None


def _parts(text: str) -> list[str]:
    return text_parts(_BREAKS.sub(" ", text))
