"""Problems of what study.yaml says of identity: sources, columns and conditions that do not exist.

Sources: architecture, "identity".
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Place, Problem, nearest
from engine.spec.refs import VariableRef
from engine.spec.study import Study

Columns = dict[str, tuple[str, ...] | None]  # by source; None where they are known from the export only


def identity_problems(study: Study, raw: Columns, *, open_: bool) -> Iterator[Problem]:
    """Unknown sources and columns; `open_`: sources beyond `raw` come from the export itself."""
    rule = study.file.identity
    place = study.document.place

    def source(name: str, at: Place) -> Iterator[Problem]:
        if name not in raw and not open_:
            yield Problem(f'identity: no raw source "{name}"', at, nearest=nearest(name, raw))

    def column(ref: VariableRef, at: Place) -> Iterator[Problem]:
        name = str(ref.source)
        yield from source(name, at)
        columns = raw.get(name)
        if columns is not None and ref.name not in columns:
            yield Problem(f'identity: {name} has no "{ref.name}"', at, found=str(ref),
                          nearest=nearest(ref.name, columns))

    yield from source(rule.subjects, place("identity", "subjects"))
    for ref, at in ((rule.person, place("identity", "person")),
                    (rule.USUBJID.first, place("identity", "USUBJID", "first")),
                    (rule.USUBJID.by, place("identity", "USUBJID", "by"))):
        if ref is not None:
            yield from column(ref, at)
    for name, ref in rule.via.items():
        yield from source(name, study.document.key_place("identity", "via", name))
        yield from column(ref, place("identity", "via", name))
    if rule.SUBJID.prefer:
        yield from source(rule.SUBJID.prefer, place("identity", "SUBJID", "prefer"))
    if rule.SUBJID.where is not None:
        for ref in rule.SUBJID.where.refs:
            yield from column(ref, place("identity", "SUBJID", "where"))
