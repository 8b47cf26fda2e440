"""What a field of a form was answered: ticked boxes as texts, amounts as numbers or, in words, as text.

Terms of CDISC codelists are in terms.py; free text in another language in translate.py.

Sources: SDTMIG 3.4 sections 4.2.8 (several values) and 6.1.1 (--DOSE and --DOSTXT).
"""

from __future__ import annotations

from typing import Literal

import pandas as pd
from pydantic import Field

from engine.numbers import by_distinct, to_numbers
from engine.run.at import At
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb


@verb(
    "ticked",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.2.8",
    says="{take} of the boxes ticked in {of}, in the order {to}",
    example="AEACNOTH: {ticked: ae.AETRT, to: {PROC: PROCEDURE, OTH: OTHER, MED: ~, NONE: ~}}",
)
class Ticked(Params):
    """The texts of the ticked boxes of a field, joined in the order of `to`; `take: first` gives the first only.

    A box whose text is null adds nothing. A code that `to` does not name is treated as `unmapped` says, and the field
    is missing for that record.
    """

    value_is = "read"
    of: VariableRef
    to: dict[str, str | None] = Field(min_length=1)
    split: str = Field(";", min_length=1)
    joined: str = Field("; ", alias="with")
    take: Literal["all", "first"] = "all"
    unmapped: Literal["blocking", "query"] = "blocking"

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        return tuple(v for v in self.to.values() if v is not None)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        values = at.text(self.of)
        unknown: set[str] = set()
        order = list(self.to)

        def one(text: str) -> str | None:
            codes = {part.strip() for part in text.split(self.split)} - {""}
            if codes - set(order):
                unknown.add(text)
                return None
            texts = dict.fromkeys(t for t in (self.to[c] for c in order if c in codes) if t is not None)
            found = list(texts)[:1] if self.take == "first" else list(texts)
            return self.joined.join(found) or None

        made = by_distinct(values, one)
        if unknown:
            at.report(
                values.isin(sorted(unknown)).to_numpy(dtype=bool),
                f"{self.of} holds a code that the spec does not name",
                found=values,
                severity="blocking" if self.unmapped == "blocking" else "warning",
            )
        return made


@verb(
    "nth_text",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.2.8",
    says="text {nth} of those in {of}",
    example="AEACN1: {nth_text: _ACTIONS, nth: 1, several: true}",
)
class NthText(Params):
    """The nth of several texts joined in one value; `several: true` gives it only where there are two or more."""

    value_is = "read"
    of: VariableRef
    nth: int = Field(1, ge=1, le=20)
    split: str = Field(";", min_length=1)
    several: Literal["true", "false"] = "false"

    def derive(self, at: At) -> pd.Series:
        """See Params."""

        def one(text: str) -> str | None:
            parts = [part.strip() for part in text.split(self.split) if part.strip()]
            if len(parts) < self.nth or (self.several == "true" and len(parts) < 2):
                return None
            return parts[self.nth - 1]

        return by_distinct(at.text(self.of), one)


@verb(
    "amount",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 6.1.1",
    says="{of} where it is a number",
    example="CMDOSE: {amount: cm.CMDOSE}",
)
class Amount(Params):
    """The number that a collected amount is. An amount in words is missing here: give it by `amount_text`."""

    value_is = "read"
    of: VariableRef

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        return to_numbers(at.values(self.of))[0]


@verb(
    "amount_text",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 6.1.1",
    says="{of} where it is no number",
    example="CMDOSTXT: {amount_text: cm.CMDOSE}",
)
class AmountText(Params):
    """A collected amount in words, such as a range; missing where the amount is a number."""

    value_is = "read"
    of: VariableRef

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        values = at.text(self.of)
        return values.where(to_numbers(values)[0].isna())
