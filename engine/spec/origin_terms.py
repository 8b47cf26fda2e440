"""The words of an origin: types and sources as the terminology of Define-XML has them, found by C-code.

Sources: Define-XML 2.1 section 5.3.11 (def:Origin); Define-XML terminology ORIGINT (C170449), ORIGINS (C170450).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from engine.errors import nearest
from engine.standards import load_terminology

VERSION = "2026-03-27"  # of the Define-XML terminology that Trialmill holds
_TYPES, _SOURCES = "C170449", "C170450"


def _terms(code: str) -> dict[str, str]:
    """Submission values of a list by their C-codes."""
    codelist = load_terminology("Define", VERSION).codelist(code)
    assert codelist is not None
    return {t.code: t.value for t in codelist.terms.values()}


TYPES, SOURCES = _terms(_TYPES), _terms(_SOURCES)
ASSIGNED, COLLECTED, DERIVED = TYPES["C170547"], TYPES["C170548"], TYPES["C170549"]
PREDECESSOR, PROTOCOL, NOT_AVAILABLE = TYPES["C170550"], TYPES["C170551"], TYPES["C126101"]
INVESTIGATOR, SPONSOR, VENDOR = SOURCES["C25936"], SOURCES["C70793"], SOURCES["C68608"]
SOURCELESS = (PREDECESSOR, NOT_AVAILABLE)  # what was copied has its source there; what is not there has none


def _one_of(terms: dict[str, str], value: str) -> str:
    if value and value not in terms.values():
        close = nearest(value, terms.values())
        raise ValueError(f"not one of {', '.join(sorted(terms.values()))}" + (f"; nearest {close}" if close else ""))
    return value


def _schema(terms: dict[str, str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": sorted(terms.values())})


OriginType = Annotated[str, AfterValidator(lambda v: _one_of(TYPES, v)), _schema(TYPES)]
OriginSource = Annotated[str, AfterValidator(lambda v: _one_of(SOURCES, v)), _schema(SOURCES)]
