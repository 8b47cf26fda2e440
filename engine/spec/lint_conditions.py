"""Problems of conditions: constants that a variable can never hold, numbers compared with text, missing values unsaid.

A missing value satisfies no comparison, so  where: X != 'A'  leaves out records without X. Where X may be missing,
lint asks the writer to say `X is missing` or `X is present`.

Sources: architecture, "Expressions".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.errors import Place, Problem, SpecError, nearest
from engine.spec.binding import Model
from engine.spec.catalogue import IMPLIED, Catalogue
from engine.spec.codelists import find_codelist
from engine.spec.conditions import comparisons, expressions, missing_tested
from engine.spec.dataset import DatasetSpec
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef

CHOOSING = ("where", "condition", "keep", "only")  # fields whose conditions choose records
ALWAYS = ("set", "sequence", "part", "count", "flag", "exists")  # verbs that always give a value, without a where


def condition_problems(spec: DatasetSpec, catalogue: Catalogue) -> Iterator[Problem]:
    """Problems of all conditions of a dataset's spec."""
    for place, lead, model in _models(spec):
        for field, expression in expressions(model):
            yield from _constants(spec, catalogue, expression, place, lead)
            if field in CHOOSING and expression.is_condition:
                yield from _missing(spec, catalogue, expression, place, lead)


def _models(spec: DatasetSpec) -> Iterable[tuple[Place, str, Model]]:
    yield spec.document.place(), spec.name, spec.header
    for part in spec.parts:
        for step in part.steps:
            yield step.place, f"{spec.name}: {step.verb.name}", step.params
    for _, line in spec.all_lines():
        yield line.place, f"{spec.name}.{line.name}", line.params
        yield line.place, f"{spec.name}.{line.name}", line.options


def _constants(
    spec: DatasetSpec, catalogue: Catalogue, expression: Expression, place: Place, lead: str
) -> Iterator[Problem]:
    for each in comparisons(expression):
        texts = [c for c in each.constants if isinstance(c, str)]
        if not texts:
            continue
        if _is_number(spec, catalogue, each.ref):
            yield Problem(f"{lead}: {each.ref} is a number and is compared with text", place, found=expression.text,
                          do="write the number without quotes")
            continue
        known, what = _values(spec, catalogue, each.ref) if each.equality else (None, "")
        for text in texts if known is not None else ():
            if known is not None and text not in known:
                yield Problem(f"{lead}: {what} has no such value, so {each.ref} never holds it", place, found=text,
                              expected=", ".join(sorted(known)[:12]), nearest=nearest(text, known),
                              do="correct the value")


def _missing(
    spec: DatasetSpec, catalogue: Catalogue, expression: Expression, place: Place, lead: str
) -> Iterator[Problem]:
    tested = missing_tested(expression)
    for each in comparisons(expression):
        if each.negative and each.ref not in tested and _may_miss(spec, catalogue, each.ref):
            yield Problem(
                f"{lead}: records without {each.ref} are left out, and the condition does not say so", place,
                found=expression.text, do=f"add  {each.ref} is present and ...,  or  {each.ref} is missing or ...")


def _built(spec: DatasetSpec, catalogue: Catalogue, ref: VariableRef) -> DatasetSpec | None:
    name = ref.source or spec.name
    return spec if name == spec.name else catalogue.study.datasets.get(name)


def _is_number(spec: DatasetSpec, catalogue: Catalogue, ref: VariableRef) -> bool:
    given = catalogue.study.delivered.get(str(ref.source))
    if given is not None:
        return ref.name in given.variables and given.variables[ref.name].type == "Num"
    owner = _built(spec, catalogue, ref)
    if owner is None or not any(line.name == ref.name for _, line in owner.all_lines()):
        return False
    try:
        return catalogue.type_of(owner.name, ref.name) == "Num"
    except KeyError:
        return False


def _values(spec: DatasetSpec, catalogue: Catalogue, ref: VariableRef) -> tuple[frozenset[str] | None, str]:
    """All values that a variable can hold, as far as a codelist or a form lays them down; and what that is."""
    forms = catalogue.study.forms
    if forms is not None and ref.source in forms.forms:
        item = forms.forms[str(ref.source)].items.get(ref.name)
        decodes = forms.decodes(str(ref.source), ref.name) if item is not None and item.type == "code" else None
        return (frozenset(decodes), f"the form {ref.source}") if decodes else (None, "")
    owner = _built(spec, catalogue, ref)
    if owner is None:
        return None, ""
    names = {line.codelist for _, line in owner.all_lines() if line.name == ref.name and not _reads_it(line.params)}
    if len(names) != 1 or not (name := names.pop()):
        try:
            name = catalogue.datasets[owner.name].variable(ref.name).codelist if not names - {""} else ""
        except KeyError:
            name = ""
    if not name:
        return None, ""
    try:
        codelist = find_codelist(catalogue.study, name, owner.package)
    except SpecError:
        return None, ""
    return codelist.values, f"codelist {codelist.shown}"


def _reads_it(params: object) -> bool:
    return bool(getattr(params, "codelist_is_read", False))


def _may_miss(spec: DatasetSpec, catalogue: Catalogue, ref: VariableRef) -> bool:
    """Whether a variable may be missing, as far as the specs say."""
    if ref.source in ("study", "person", "participation") or ref.name in IMPLIED:
        return False
    owner = _built(spec, catalogue, ref)
    if ref.source in catalogue.study.delivered:
        standard = catalogue.sdtm.variable(str(ref.source), ref.name)
        return standard is None or standard.core != "Req"
    if owner is None:  # a raw column, or one that a record verb made
        common = catalogue.study.raw.roles
        return ref.name not in (common.subject, common.record, common.visit, common.status)
    lines = [line for _, line in owner.all_lines() if line.name == ref.name]
    if not lines:
        return False
    core = catalogue.sdtm.variable(owner.name, ref.name)
    if core is not None and core.core == "Req":
        return False
    return not all(
        line.options.missing == "blocking"
        or (line.verb.name in ALWAYS and line.options.where is None
            and (line.verb.name not in ("flag", "exists") or bool(getattr(line.params, "otherwise", ""))))
        for line in lines)
