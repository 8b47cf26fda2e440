"""Whole methods for reviewers: a variable's sentence, then that of every intermediate value which it names.

Nobody outside sees working variables, working datasets and the columns that record verbs make; a method that named
them alone would explain nothing. So the text goes on with one line for each of them, in the order in which they are
met, until only submitted variables, fields of the export, tables and settings are left.

Sources: Define-XML 2.1 section 5.3.13 (MethodDef).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.numbers import number_text
from engine.spec.dataset import DatasetSpec, Part, Step, VariableLine, is_working
from engine.spec.methods import line_sentence, part_names, records_sentence, variable_sentence
from engine.spec.origins import lines_of
from engine.spec.refs import VariableRef
from engine.spec.registry import sentence
from engine.spec.study import Study
from engine.spec.words import without_code

_PLAIN = re.compile(r"[a-z]+(?=[ ,:;]|$)")  # a word that is no field of a source


def variable_method(study: Study, dataset: str, name: str) -> str:
    """How a variable or supplemental qualifier is derived, with what lies behind the intermediate values it reads."""
    spec = study.datasets[dataset]
    lines = lines_of(spec, name)
    return _whole(study, spec, variable_sentence(spec, name), lines, {(dataset, name)})


def lines_method(study: Study, dataset: str, says: Iterable[str], lines: list[tuple[Part | None, VariableLine]]) -> str:
    """The same of the lines behind one test or parameter, whose sentences are given.

    Where they are of one part of the records, what its records are made of is explained too.
    """
    spec = study.datasets[dataset]
    parts = list({id(part): part for part, _ in lines if part is not None}.values())
    refs = [(spec, part, ref) for part, line in lines for ref in line.refs()]
    own = {(dataset, line.name) for _, line in lines}
    if len(parts) == 1:
        refs += [(spec, parts[0], ref) for step in parts[0].steps for ref in step.refs()]
        own |= {(dataset, str(step.place)) for step in parts[0].steps if step.verb.gives == "outcome"}
    return _joined("\n".join(dict.fromkeys(says)), _behind(study, refs, own))


def records_method(study: Study, dataset: str) -> str:
    """How the records of a dataset come about, with what lies behind the intermediate values that this reads."""
    spec = study.datasets[dataset]
    steps: dict[int, tuple[Part | None, Step]] = {id(s): (part, s) for part in spec.parts for s in part.steps}
    refs = [(spec, part, ref) for part, step in steps.values() for ref in step.refs()]
    refs += [(spec, None, ref) for ref in (spec.header.keep.refs if spec.header.keep is not None else ())]
    own = {(spec.name, prefix) for prefix in spec.prefixes()}  # the records' own sentence has told of them
    return _joined(records_sentence(spec), _behind(study, refs, own, deep=False))


def finished(text: str) -> str:
    """A line as a sentence: a capital where it begins with a plain word, a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    if _PLAIN.match(text):
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _whole(
    study: Study,
    spec: DatasetSpec,
    says: str,
    lines: list[tuple[Part | None, VariableLine]],
    seen: set[tuple[str, str]],
) -> str:
    refs = [(spec, part, ref) for part, line in lines for ref in line.refs()]
    return _joined(says, _behind(study, refs, seen))


def _joined(says: str, behind: Iterable[str]) -> str:
    lines = [finished(line) for line in says.split("\n")]
    more = [finished(line) for text in behind for line in text.split("\n")]
    return "\n".join(line for line in [*lines, *(["Intermediate values:"] if more else []), *more] if line)


def _behind(
    study: Study,
    refs: list[tuple[DatasetSpec, Part | None, VariableRef]],
    seen: set[tuple[str, str]],
    *,
    deep: bool = True,
) -> Iterator[str]:
    """One text for each intermediate value, those that a text names after it; settings last.

    Not `deep`: only those that the sentence itself names, where methods tell the rest.
    """
    queue, settings = list(refs), dict[str, str]()
    own = refs[0][0] if refs else None
    told = {id(part) for _, part, _ in refs}  # parts of the records that the text is of
    if id(None) in told:
        told |= {id(part) for part in own.parts} if own is not None else set()
    while queue:
        spec, part, ref = queue.pop(0)
        source = ref.source or spec.name
        if source == "study":
            settings[ref.name] = _setting(study, ref.name)
        elif source in spec.prefixes():
            fresh = [(p, s) for p, s in _making(spec, part, source, ref.name) if (spec.name, str(s.place)) not in seen]
            seen |= {(spec.name, str(s.place)) for _, s in fresh}
            if fresh and spec.working and (spec.name, "") in seen:
                yield f"{source}.{ref.name}: as the records of {spec.name} are made"
            elif fresh and (spec.name, source) not in seen:
                yield _made(f"{source}.{ref.name}", ref.name, fresh, spec)
            if fresh and (spec.name, source) not in seen:
                queue += [(spec, p, r) for p, s in fresh for r in s.refs() if deep]
        else:
            far = study.datasets.get(source)
            if far is None or (source, ref.name) in seen or not (far.working or is_working(ref.name)):
                continue
            seen.add((source, ref.name))
            lines = lines_of(far, ref.name)
            if far is spec and far is own:
                lines = [(p, line) for p, line in lines if p is None or id(p) in told] or lines
            if lines:
                yield _told(ref.name if far is own else f"{source}.{ref.name}", lines)
                queue += [(far, p, r) for p, line in lines for r in line.refs() if deep]
            if far.working and (source, "") not in seen:
                seen.add((source, ""))
                yield "\n".join(f"Records of {source}: {line}" for line in records_sentence(far).split("\n"))
                queue += [(far, p, r) for p in far.parts for step in p.steps for r in step.refs() if deep]
    for name in sorted(settings):
        yield f"study.{name}: {settings[name]}"


def _setting(study: Study, name: str) -> str:
    value = study.setting(name)
    return number_text(value) if isinstance(value, float) else value or "not set"


def _told(name: str, lines: list[tuple[Part | None, VariableLine]]) -> str:
    said: dict[str, list[str]] = {}
    for part, line in lines:
        said.setdefault(line_sentence(line), []).append(part.name if part is not None else "")
    if len(said) == 1:
        return f"{name}: {next(iter(said))}"
    return "\n".join(f"{name} ({part_names(parts) or 'other'}): {text}" for text, parts in said.items())


def _made(name: str, column: str, steps: list[tuple[Part | None, Step]], spec: DatasetSpec) -> str:
    """A column that record verbs make, part by part where they make it differently."""
    said: dict[str, list[str]] = {}
    for part, step in steps:
        text = without_code(sentence(step.verb, step.params).strip()).removeprefix(f"{column}: ")
        shared = part is None or all(step in each.steps for each in spec.parts)
        said.setdefault(text, []).append("" if shared or part is None else part.name)
    return "\n".join(
        f"{name} ({part_names(parts)}): {text}" if any(parts) else f"{name}: {text}"
        for text, parts in said.items()
    )


def _making(spec: DatasetSpec, part: Part | None, prefix: str, column: str) -> list[tuple[Part | None, Step]]:
    """The record verbs that make a column."""
    found: dict[int, tuple[Part | None, Step]] = {}
    for each in [part] if part is not None else spec.parts:
        for step in each.steps:
            if step.verb.gives == prefix and column in (*step.verb.columns, *step.params.named_columns()):
                found[id(step)] = (each, step)
    return list(found.values())
