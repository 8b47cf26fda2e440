"""The variable that a copied value comes from, as a reviewer finds it: AE.AETERM, or a qualifier in SUPPAE.

Copies are followed through working variables and working datasets to the variable that is submitted.

Sources: Define-XML 2.1 section 5.3.11 (def:Origin, predecessor).
"""

from __future__ import annotations

from engine.spec.dataset import DatasetSpec, Part, VariableLine, is_working
from engine.spec.origins import lines_of
from engine.spec.refs import VariableRef
from engine.spec.registry import references
from engine.spec.study import Study

SUBJECTS, PEOPLE = "ADSL", "DM"  # where an analysis dataset takes the identifiers that no line gives


def predecessors(study: Study, dataset: str, name: str) -> tuple[str, ...]:
    """Submitted variables that a variable or qualifier is copied from, over all its lines; () where none is."""
    spec = study.datasets[dataset]
    lines = lines_of(spec, name)
    if not lines:
        return _implied(study, dataset, name)
    found = dict.fromkeys(each for part, line in lines for each in line_predecessors(study, spec, part, line))
    return tuple(found)


def line_predecessors(study: Study, spec: DatasetSpec, part: Part | None, line: VariableLine) -> tuple[str, ...]:
    """The same of one line."""
    return tuple(dict.fromkeys(_of_line(study, spec, part, line, ())))


def _implied(study: Study, dataset: str, name: str) -> tuple[str, ...]:
    known = {*study.datasets, *getattr(study, "delivered", {})}
    for source in (SUBJECTS, PEOPLE):
        if source in known and source != dataset:
            return (f"{source}.{name}",)
    return ()


def _of_line(
    study: Study, spec: DatasetSpec, part: Part | None, line: VariableLine, seen: tuple[str, ...]
) -> list[str]:
    name = f"{spec.name}.{line.name}"
    if line.params.value_is != "copied" or name in seen:
        return []
    refs = list(references(getattr(line.params, line.verb.reads or "")))
    return [each for ref in refs for each in _of_ref(study, spec, part, ref, (*seen, name))]


def _of_ref(study: Study, spec: DatasetSpec, part: Part | None, ref: VariableRef, seen: tuple[str, ...]) -> list[str]:
    source = ref.source or spec.name
    if source in spec.prefixes():
        return []
    if source not in study.datasets:
        return [f"{source}.{ref.name}"] if source.isupper() else []
    far = study.datasets[source]
    if far is not spec and not far.working and not is_working(ref.name):
        is_qualifier = ref.name in far.supplemental
        return [f"SUPP{source}.QVAL where QNAM = {ref.name}" if is_qualifier else f"{source}.{ref.name}"]
    lines = lines_of(far, ref.name)
    own = [(p, line) for p, line in lines if far is spec and p is part] or lines
    return [each for p, line in own for each in _of_line(study, far, p, line, seen)]
