"""Origins of variables and values in a define.xml, with pages of the annotated CRF and predecessors.

Sources: Define-XML 2.1 section 5.3.11 (def:Origin).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from engine.spec.dataset import Part, VariableLine
from engine.spec.origin_terms import COLLECTED, DERIVED, INVESTIGATOR, PREDECESSOR, SPONSOR
from engine.spec.origins import Origin
from engine.spec.predecessors import line_predecessors, predecessors
from engine.spec.study import Study
from submission.define_model import OriginDef


class CrfPages(Protocol):
    """Where the annotated CRF has what (submission.crf_layout.CrfLayout)."""

    def pages_of(self, dataset: str, variable: str, condition: Mapping[str, str] | None = None) -> tuple[int, ...]:
        """Pages on which a variable is annotated, of those records where a condition holds."""


class NoPages:
    """Of a study without an annotated CRF."""

    def pages_of(self, dataset: str, variable: str, condition: Mapping[str, str] | None = None) -> tuple[int, ...]:
        """See CrfPages."""
        del dataset, variable, condition
        return ()


def variable_origin_defs(
    study: Study, dataset: str, variable: str, origins: Iterable[Origin], pages: tuple[int, ...]
) -> tuple[OriginDef, ...]:
    """The origins of a variable; a predecessor that nothing names is derived."""
    return _defs(origins, predecessors(study, dataset, variable), pages)


def line_origin_defs(
    study: Study,
    dataset: str,
    lines: Iterable[tuple[Part | None, VariableLine]],
    origins: Iterable[Origin],
    pages: tuple[int, ...],
) -> tuple[OriginDef, ...]:
    """The origins of values that these lines give."""
    spec = study.datasets[dataset]
    sources = dict.fromkeys(s for part, line in lines for s in line_predecessors(study, spec, part, line))
    return _defs(origins, tuple(sources), pages)


def _defs(origins: Iterable[Origin], sources: tuple[str, ...], pages: tuple[int, ...]) -> tuple[OriginDef, ...]:
    found: dict[OriginDef, None] = {}
    for origin in origins:
        if origin.type == PREDECESSOR:
            each = OriginDef(PREDECESSOR, says="; ".join(sources)) if sources else OriginDef(DERIVED, SPONSOR)
        elif origin.type == COLLECTED and origin.source == INVESTIGATOR:
            each = OriginDef(COLLECTED, INVESTIGATOR, pages=pages)
        else:
            each = OriginDef(origin.type, origin.source)
        found[each] = None
    return tuple(found)
