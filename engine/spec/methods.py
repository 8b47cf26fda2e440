"""The sentences that a reviewer reads of records and variables: each verb's own, with the conditions of the line.

One function gives them to every document of a study, so that specs, workbook and define.xml cannot disagree.

Sources: Define-XML 2.1 section 5.3.13 (MethodDef).
"""

from __future__ import annotations

from engine.spec.dataset import DatasetSpec, Part, Step, VariableLine
from engine.spec.origins import lines_of
from engine.spec.registry import sentence
from engine.spec.study import Study
from engine.spec.words import without_code

IMPLIED_SAYS = {  # of what identity supplies without a line
    "STUDYID": "Identifier of the study, as study.yaml gives it",
    "DOMAIN": "Name of the dataset",
    "USUBJID": "Identifier of the person, by the identity rules of study.yaml",
}
QUALIFIER_SAYS = {
    "STUDYID": "As in the parent record",
    "RDOMAIN": "Domain of the parent records",
    "USUBJID": "As in the parent record",
    "IDVAR": "Sequence number of the parent dataset, where it has one",
    "IDVARVAL": "Value of IDVAR in the parent record",
    "QNAM": "Name of the qualifier: see Value level",
    "QLABEL": "Label of the qualifier: see Value level",
    "QVAL": "See Value level",
    "QORIG": "Origin of the qualifier: see Value level",
    "QEVAL": "Null",
}


def line_sentence(line: VariableLine) -> str:
    """How one line derives its variable, and for which records."""
    said = sentence(line.verb, line.params).strip().rstrip(";").rstrip()
    if line.options.where is not None:
        said += f"; only where {line.options.where}"
    if line.options.overflow == "supp":
        said += "; text over 200 bytes goes on in supplemental qualifiers"
    return without_code(said)


def variable_sentence(spec: DatasetSpec, name: str) -> str:
    """How a variable is derived; line by line, with the part of the records, where parts differ in it."""
    said: dict[str, list[str]] = {}
    for part, line in lines_of(spec, name):
        said.setdefault(line_sentence(line), []).append(part.name if part is not None else "")
    if len(said) == 1 and not any(next(iter(said.values()))):
        return next(iter(said))
    return "\n".join(f"{part_names(parts) or 'Other records'}: {text}" for text, parts in said.items())


def part_names(parts: list[str]) -> str:
    """Names of parts in words: short variants for short_variants."""
    return ", ".join(p.replace("_", " ") if p.islower() else p for p in parts if p)


def records_sentence(spec: DatasetSpec) -> str:
    """How the records of a dataset come about; what several parts share is said once."""
    shared = _shared(spec)
    lines = [_steps(shared)] if shared else []
    for part in spec.parts:
        goes_on = bool(shared) and part.steps[: len(shared)] == shared
        own = part.steps[len(shared) :] if goes_on else part.steps
        text = ("then " + _within(_steps(own)) if goes_on else _steps(own)) if own else "these records as they are"
        lines.append(f"{part_names([part.name])}: {text}" if part.name else text)
    header = spec.header
    if header.keep is not None:
        lines.append(f"Only records where {header.keep} are kept")
    if header.cut_off:
        lines.append(f"Records whose {header.cut_off} is after the cut-off (study.DCUTDT) are left out")
    return without_code("\n".join(dict.fromkeys(lines)))


def identity_sentence(study: Study) -> str:
    """How USUBJID is made, by the identity rules of the study."""
    identity = study.file.identity
    rule = identity.USUBJID
    said = f'"{rule.prefix}" and {rule.first}' if rule.prefix else f"Copied from {rule.first}"
    if identity.person is not None and rule.by is not None:
        said += f"; of a person (told apart by {identity.person}) who took part more than once that of the first time"
        said += f" by {rule.by}"
    return said


def part_sentence(spec: DatasetSpec, part: Part) -> str:
    """How the records of one part come about, without what it shares with others."""
    shared = _shared(spec)
    goes_on = bool(shared) and part.steps[: len(shared)] == shared
    return _steps(part.steps[len(shared) :] if goes_on and len(part.steps) > len(shared) else part.steps)


def _shared(spec: DatasetSpec) -> list[Step]:
    """The steps with which several parts begin."""
    if len(spec.parts) < 2:
        return []
    for part in spec.parts:
        others = [p for p in spec.parts if p is not part and p.steps and part.steps and p.steps[0] is part.steps[0]]
        if others:
            count = 0
            for steps in zip(part.steps, *(p.steps for p in others), strict=False):
                if any(step is not steps[0] for step in steps):
                    break
                count += 1
            return part.steps[:count]
    return []


def _steps(steps: list[Step]) -> str:
    said = [sentence(step.verb, step.params).strip().rstrip(";") for step in steps]
    return without_code("; ".join([*said[:1], *map(_within, said[1:])]))


def _within(text: str) -> str:
    """A sentence that goes on within another."""
    return text[0].lower() + text[1:] if text[:1].isupper() and text[1:2].islower() else text

