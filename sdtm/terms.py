"""Controlled terms: collected codes to submission values, one or several ticked, and decodes of test codes.

A value is mapped by the stated map, else it must be a submission value or the synonym of exactly one. What is
none of these is listed and, unless the spec says otherwise, stops the build.

Sources: SDTMIG 3.4 section 4.3; CDISC controlled terminology.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import pandas as pd
from pydantic import Field, model_validator

from engine.errors import DataError, Problem
from engine.numbers import by_distinct
from engine.run.at import At
from engine.spec.codelists import StudyCodelist, find_codelist
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb
from engine.standards import load_terminology

_OWN = "sponsor"  # in place of a C-code


@verb(
    "terms",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.3",
    says="The term of codelist {codelist} that {of} stands for[; of its values: {map}]",
    example="AESER: {terms: ae.AESER, codelist: NY}",
)
class Terms(Params):
    """The submission value of a collected value.

    With `split`, the value holds several ticked codes; `nth` takes the nth of them in `order` (most severe first),
    and `several: true` gives it only where two or more were ticked.
    """

    value_is = "read"
    of: VariableRef
    codelist: str
    map: dict[str, str | None] = {}
    unmapped: Literal["blocking", "query"] = "blocking"
    split: str = ""
    order: list[str] = []
    nth: int = Field(1, ge=1, le=20)
    several: Literal["true", "false"] = "false"

    @model_validator(mode="after")
    def _whole(self) -> Terms:
        if bool(self.split) != bool(self.order):
            raise ValueError("several ticked codes need both split and order")
        return self

    def values_given(self) -> tuple[str, ...]:
        """See Params."""
        return (*(v for v in self.map.values() if v is not None), *self.order)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        package = at.study.datasets[at.dataset].package
        codelist = find_codelist(at.study, self.codelist, package)
        values = at.text(self.of)
        unknown: set[str] = set()
        mapped = by_distinct(values, lambda text: self._one(text, codelist, unknown))
        if unknown:
            at.report(
                values.isin(sorted(unknown)).to_numpy(dtype=bool),
                f"codelist {codelist.shown} does not hold this value of {self.of}",
                found=values,
                severity="blocking" if self.unmapped == "blocking" else "warning",
            )
        return mapped

    def _one(self, text: str, codelist: StudyCodelist, unknown: set[str]) -> str | None:
        if not self.split:
            return self._term(text.strip(), text, codelist, unknown)
        ticked = [self._term(p.strip(), text, codelist, unknown) for p in text.split(self.split) if p.strip()]
        stray = [t for t in ticked if t is not None and t not in self.order]
        if stray:
            unknown.add(text)
        terms = sorted({t for t in ticked if t in self.order}, key=self.order.index)
        if self.several == "true" and len(terms) < 2:
            return None
        return terms[self.nth - 1] if len(terms) >= self.nth else None

    def _term(self, part: str, text: str, codelist: StudyCodelist, unknown: set[str]) -> str | None:
        if part in self.map:
            target = self.map[part]
            if target is not None and target not in codelist.values:
                raise DataError(
                    Problem(
                        f"the map gives a term that codelist {codelist.shown} does not hold",
                        found=target,
                        nearest=codelist.nearest(target),
                    )
                )
            return target
        found = codelist.submission_value(part)
        if found is None:
            unknown.add(text)
        return found


@verb(
    "decode",
    reads="of",
    scope="record",
    source="CDISC controlled terminology (paired lists share C-codes)",
    says="The name that goes with {of} in the codelist paired with {codelist}",
    example="LBTEST: {decode: LBTESTCD, codelist: LBTESTCD}",
)
class Decode(Params):
    """The test name of a test code, from the codelist paired with its own; sponsor terms by their stated decode."""

    value_is = "stated"
    of: VariableRef
    codelist: str
    codelist_is_read: ClassVar[bool] = True

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        versions = at.study.file.standards
        names = load_terminology("SDTM", versions.sdtm_terminology).decode(self.codelist)
        names = {**names, **find_codelist(at.study, self.codelist).added}
        values = at.text(self.of)
        lost = values.notna() & ~values.isin(list(names))
        at.report(lost.to_numpy(dtype=bool), f"no decode in {self.codelist}", found=values, severity="blocking")
        return by_distinct(values, names.get)


@verb(
    "term_code",
    reads="of",
    scope="record",
    source="SDTMIG 3.4, TS (TSVALCD)",
    says="C-code of {of} in the codelist that {codelist_of} names",
    example="TSVALCD: {term_code: TSVAL, codelist_of: trial_summary.CODELIST}",
)
class TermCode(Params):
    """The C-code of a term of a CDISC codelist; null where no codelist is named.

    Each record names its codelist, by submission value or C-code. A value that is no term of it is a blocking issue; a
    term of the sponsor's own has no C-code and is listed.
    """

    value_is = "stated"
    of: VariableRef
    codelist_of: VariableRef

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        frame = pd.DataFrame({"term": at.text(self.of), "list": at.text(self.codelist_of)})
        pairs = frame.dropna().drop_duplicates()
        found = {(term, name): self._code(at, term, name) for term, name in pairs.itertuples(index=False)}
        codes = [found.get(pair) for pair in frame.itertuples(index=False, name=None)]
        unknown = pd.Series([code == "" for code in codes], dtype=bool).to_numpy()
        own = pd.Series([code == _OWN for code in codes], dtype=bool).to_numpy()
        shown = frame["term"] + " in " + frame["list"]
        at.report(unknown, "the codelist does not hold this term", found=shown, severity="blocking")
        at.report(own, "a term of the sponsor's own, which has no C-code", found=shown)
        return pd.Series([code if code not in ("", _OWN) else None for code in codes], dtype="str")

    def _code(self, at: At, term: str, name: str) -> str:
        codelist = find_codelist(at.study, name, at.study.datasets[at.dataset].package)
        if codelist.standard is not None and term in codelist.standard:
            return codelist.standard.terms[term].code
        return _OWN if term in codelist.added else ""
