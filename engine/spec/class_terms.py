"""The subclass of an analysis dataset in the words of Define-XML terminology.

Sources: Define-XML 2.1 section 5.3.9 (def:SubClass); Define-XML terminology BDSSC (C165635), MDBDSSC (C177903),
OCCSC (C176227).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from engine.errors import nearest
from engine.spec.origin_terms import VERSION
from engine.standards import load_terminology

_LISTS = ("C165635", "C177903", "C176227")  # of basic data structures, of those of devices, of occurrences


def _terms() -> tuple[str, ...]:
    terminology = load_terminology("Define", VERSION)
    lists = [terminology.codelist(code) for code in _LISTS]
    return tuple(sorted(term for each in lists if each is not None for term in each.terms))


SUBCLASSES = _terms()


def _known(value: str) -> str:
    if value and value not in SUBCLASSES:
        close = nearest(value, SUBCLASSES)
        raise ValueError(f"not one of {', '.join(SUBCLASSES)}" + (f"; nearest {close}" if close else ""))
    return value


Subclass = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(SUBCLASSES)})]
