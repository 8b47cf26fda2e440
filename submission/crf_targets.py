"""Where each field of the case report form goes in the tabulations, read from the mapping specs alone.

A field is followed through working variables and through what record verbs make of it, to the variables that are
submitted. It goes where its value goes, or where it alone decides a stated value (ONGOING where the box is ticked). A
field that does neither goes to what it helps to work out; one that only chooses records, to the word that stands for
them. What is read by checks alone, or by nothing, is not submitted. What one submitted variable takes from another has
its place there: EX taken from EC is annotated as EC.

Sources: SDTMIG 3.4 section 4.1.8 (origin metadata); Define-XML 2.1 section 5.3.11 (def:Origin, pages of the CRF).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any, NamedTuple

from pydantic import BaseModel

from engine.run.overflow import MAX_BYTES, MOST, qualifier_name
from engine.spec.catalogue import Catalogue
from engine.spec.dataset import DatasetSpec, Part, VariableLine, is_working
from engine.spec.expressions import Expression
from engine.spec.forms import FormsSpec, Item
from engine.spec.origin_terms import COLLECTED
from engine.spec.origins import line_origin, lines_of
from engine.spec.refs import VariableRef
from engine.spec.study import Study

VALUE, HELPS, CHOOSES = 0, 1, 2  # how strongly a field goes to a variable; the strongest that a field has counts
_FORMULAS = ("formula", "compute")  # expressions that give a value; all others are conditions
_GROUPING = ("CAT", "SCAT")
_VISITS = ("VISITNUM", "VISIT")  # shown at the visit of a form
_KNOWN_OF_PERSONS = ("SUBJID", "SUBJECT", "PREVIOUS")  # numbers under which a person took part
Condition = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A submitted variable that a field goes to, in the records of `condition`; of SUPP-- it is QVAL."""

    dataset: str
    variable: str
    condition: Condition = ()


@dataclass(slots=True)
class FieldTargets:
    """The targets of all fields by (form, column), in the order of the datasets and their variables."""

    fields: dict[tuple[str, str], list[Target]] = field(default_factory=dict)

    def of(self, form: str, column: str) -> list[Target]:
        """Targets of one column; none: it is not submitted."""
        return self.fields.get((form, column), [])


class _Leaf(NamedTuple):
    form: str
    column: str
    part: Part | None  # of whose records
    codes: Condition  # what item of a record with several


def field_targets(study: Study, catalogue: Catalogue | None = None) -> FieldTargets:
    """Every column of a form or vendor file with its targets, common columns such as the visit included."""
    found: dict[tuple[str, str], dict[int, dict[Target, None]]] = {}
    for strength, leaf, target in _Follower(study, catalogue or Catalogue(study)).everything():
        found.setdefault((leaf.form, leaf.column), {}).setdefault(strength, {})[target] = None
    targets = FieldTargets()
    for key, by_strength in found.items():
        best = min(by_strength)
        targets.fields[key] = list(dict.fromkeys(t for s in sorted(by_strength) if best in (VALUE, s) and s == best
                                                 for t in by_strength[s]))  # fmt: skip
        if best == HELPS:
            targets.fields[key] += [t for t in by_strength.get(CHOOSES, {}) if t not in targets.fields[key]]
    return targets


def unsubmitted_columns(study: Study, targets: FieldTargets) -> list[tuple[str, str]]:
    """Source and column of what vendors deliver about subjects and no tabulation holds; keys of subjects left out."""
    found = []
    for name, vendor in study.raw.vendors.items():
        if vendor.subject is not None or name in study.file.identity.via:
            found += [(name, c) for c in vendor.file_columns if c != vendor.subject and not targets.of(name, c)]
    return found


class _Follower:
    """Follows every line of the tabulations back to the forms."""

    def __init__(self, study: Study, catalogue: Catalogue) -> None:
        self.study, self.catalogue, self.forms = study, catalogue, study.forms or FormsSpec(forms={})
        self.roles: dict[tuple[str, str], str] = {}

    def everything(self) -> Iterator[tuple[int, _Leaf, Target]]:
        """Every way from a column to a variable, with its strength."""
        packages = self.study.file.packages
        for name in self.catalogue.datasets:
            spec = self.study.datasets[name]
            if spec.working or packages[spec.package].standard != "sdtmig":
                continue
            order = [v.name for v in self.catalogue.datasets[name].variables if not is_working(v.name)]
            for variable in [*order, *spec.supplemental]:
                for part, line in lines_of(spec, variable):
                    yield from self._line(spec, part, line)
            for part in spec.parts:
                yield from self._chosen(spec, part)

    def _line(self, spec: DatasetSpec, part: Part | None, line: VariableLine) -> Iterator[tuple[int, _Leaf, Target]]:
        values, own = list(self._values(spec, part, line, ())), self._through_own(spec, line)
        if values and own and line_origin(self.study, spec, part, line).type != COLLECTED:
            values = []
        given = list(self._given(spec, part, line, ())) if values else []
        leaves = [v for v in (*values, *given) if self._is_field(v)]
        if not values and not own:
            leaves = [v for v in self._decides(spec, part, line, ()) if self._is_field(v)]
        for leaf in leaves:
            if not self._is_own(leaf) and line_origin(self.study, spec, part, line).type != COLLECTED:
                continue  # what every form has, such as the number of its record, is shown where it is submitted
            yield VALUE, leaf, self._target(spec, line, leaf)
            for more in (*self._printed_unit(spec, line, leaf), *self._overflow(spec, line, leaf)):
                yield VALUE, leaf, more
        for leaf in self._anything(spec, part, line, ()):
            if self._is_field(leaf) and (self._is_own(leaf) or line.name in _VISITS):
                yield HELPS, leaf, self._target(spec, line, leaf)

    def _is_field(self, leaf: _Leaf) -> bool:
        return leaf.form in self.forms.forms or leaf.form in self.study.raw.vendors

    def _is_own(self, leaf: _Leaf) -> bool:
        """Whether the column is a field of the form's page, not one that every form has."""
        return leaf.form not in self.forms.forms or leaf.column in self.forms.columns(leaf.form)

    def _through_own(self, spec: DatasetSpec, line: VariableLine) -> bool:
        """Whether a line reads a submitted variable of its own dataset, and no cases."""
        read = _read(line)
        refs = read if isinstance(read, list) else [read]
        return any(
            isinstance(r, VariableRef) and (r.source or spec.name) == spec.name and not is_working(r.name) for r in refs
        )

    # what a line takes its value from

    def _values(self, spec: DatasetSpec, part: Part | None, line: VariableLine, seen: tuple[str, ...]
                ) -> Iterator[_Leaf]:  # fmt: skip
        """Columns whose values the line takes: of forms and of vendors."""
        if line.params.value_is in ("absent", "stated"):
            return
        for ref, condition in _refs(_read(line), ""):
            if not condition:
                copied = line.params.value_is == "copied" or line.verb.name == "cases"
                yield from self._follow(spec, part, ref, seen, own=copied)
        for table, columns in line.params.columns_read().items():
            yield from self._raw(table, columns[-1], part, ())

    def _decides(self, spec: DatasetSpec, part: Part | None, line: VariableLine, seen: tuple[str, ...]
                 ) -> Iterator[_Leaf]:  # fmt: skip
        """Columns on which it hangs whether a line gives its stated value."""
        conditions = [r for r, condition in _refs(line.params, "") if condition]
        conditions += line.options.where.refs if line.options.where is not None else ()
        for ref in conditions:
            yield from self._follow(spec, part, ref, seen, own=False)

    def _follow(self, spec: DatasetSpec, part: Part | None, ref: VariableRef, seen: tuple[str, ...], *, own: bool
                ) -> Iterator[_Leaf]:  # fmt: skip
        """From one reference to columns; `own`: also through submitted variables of the same dataset."""
        source = ref.source or spec.name
        if source == spec.name:
            if f"{source}.{ref.name}" in seen or not (own or is_working(ref.name)):
                return
            lines = lines_of(spec, ref.name)
            for p, line in [(p, at) for p, at in lines if part is None or p is part] or lines:
                trail = (*seen, f"{source}.{ref.name}")
                found = list(self._values(spec, p or part, line, trail))
                yield from found or self._decides(spec, p or part, line, trail)
                if line.verb.name == "cases":
                    yield from self._given(spec, p or part, line, trail)
        elif source in spec.prefixes():
            yield from self._made(spec, part, source, ref.name, seen)
        elif source in ("person", "participation"):
            if ref.name in _KNOWN_OF_PERSONS:
                first = self.study.file.identity.USUBJID.first
                yield from self._raw(first.source or "", first.name, part, ())
        else:
            yield from self._raw(source, ref.name, part, ())

    def _given(self, spec: DatasetSpec, part: Part | None, line: VariableLine, seen: tuple[str, ...]
               ) -> Iterator[_Leaf]:  # fmt: skip
        """Columns by which cases choose a word that stands in the spec, beside cases that copy."""
        for case in getattr(line.params, "cases", ()):
            if case.give is not None:
                for ref in case.when.refs:
                    yield from self._follow(spec, part, ref, seen, own=False)

    def _made(self, spec: DatasetSpec, part: Part | None, prefix: str, column: str, seen: tuple[str, ...]
              ) -> Iterator[_Leaf]:  # fmt: skip
        """A column that a record verb makes: of items each with its code, else of what the verb says."""
        for each in [part] if part is not None else spec.parts:
            for step in each.steps:
                if step.verb.gives != prefix or column in step.params.stated_columns:
                    continue
                items: Any = getattr(step.params, "items", None)
                if isinstance(items, dict) and column in step.params.passed_columns:
                    for code in items:
                        for ref in step.params.behind(column, code):
                            for leaf in self._follow(spec, each, ref, seen, own=False):
                                yield leaf._replace(codes=self._code(spec, each, prefix, code))
                else:
                    for ref in step.params.made_of(column):
                        yield from self._follow(spec, each, ref, seen, own=False)

    def _code(self, spec: DatasetSpec, part: Part, prefix: str, code: str) -> Condition:
        """The variable that holds the item's code, with it."""
        for name in spec.names:
            for p, line in lines_of(spec, name):
                if p in (None, part) and line.params.value_is == "copied" and not is_working(name):
                    refs = [r for r, _ in _refs(_read(line), "")]
                    if any(r.source == prefix and r.name == "CODE" for r in refs):
                        return ((name, code),)
        return ()

    def _raw(self, source: str, column: str, part: Part | None, codes: Condition) -> Iterator[_Leaf]:
        if source in self.forms.forms or source in self.study.raw.vendors:
            yield _Leaf(source, column, part, codes)
        for far in self._equal.get((source, column), ()):
            yield _Leaf(far.source or "", far.name, part, codes)

    @property
    def _equal(self) -> dict[tuple[str, str], list[VariableRef]]:
        """Columns by which records of vendors and forms find one another: they hold the same value."""
        if not hasattr(self, "_equals"):
            self._equals: dict[tuple[str, str], list[VariableRef]] = {}
            for spec in self.study.datasets.values():
                for step in (s for p in spec.parts for s in p.steps):
                    match: Any = getattr(step.params, "match", None)
                    source = str(getattr(step.params, "source", ""))
                    for column, ref in match.items() if isinstance(match, dict) else ():
                        if isinstance(ref, VariableRef):
                            self._pair(VariableRef(source, column), ref)
        return self._equals

    def _pair(self, one: VariableRef, other: VariableRef) -> None:
        known = [_Leaf(r.source or "", r.name, None, ()) for r in (one, other)]
        vendors = self.study.raw.vendors
        if all(self._is_field(k) and self._is_own(k) for k in known) and any(k.form in vendors for k in known):
            for a, b in ((one, other), (other, one)):
                pairs = self._equals.setdefault((a.source or "", a.name), [])
                pairs += [b] if b not in pairs else []

    # what helps to work a line out, or chooses records

    def _anything(self, spec: DatasetSpec, part: Part | None, line: VariableLine, seen: tuple[str, ...]
                  ) -> Iterator[_Leaf]:  # fmt: skip
        """Columns that a line reads in any way, through working variables of any dataset."""
        for ref in line.refs():
            yield from self._any_ref(spec, part, ref, seen)

    def _any_ref(self, spec: DatasetSpec, part: Part | None, ref: VariableRef, seen: tuple[str, ...]
                 ) -> Iterator[_Leaf]:  # fmt: skip
        source = ref.source or spec.name
        far = self.study.datasets.get(source)
        name = f"{source}.{ref.name}"
        if far is not None:
            if (is_working(ref.name) or far.working) and name not in seen:
                for p, line in lines_of(far, ref.name):
                    if far is not spec or part is None or p in (None, part):
                        inner = p if far is not spec else p or part
                        for leaf in self._anything(far, inner, line, (*seen, name)):
                            yield leaf if far is spec else leaf._replace(part=part, codes=())
        elif source in spec.prefixes():
            for each in [part] if part is not None else spec.parts:
                for step in each.steps:
                    if step.verb.gives == source and ref.name not in step.params.stated_columns:
                        for behind in step.params.made_of(ref.name):
                            yield from self._any_ref(spec, each, behind, (*seen, name))
        else:
            yield from self._raw(source, ref.name, part, ())

    def _chosen(self, spec: DatasetSpec, part: Part) -> Iterator[tuple[int, _Leaf, Target]]:
        """Columns that choose the records of a part, with the words that stand for those records."""
        stated = [(n, v) for n, v in self._stated(spec, part).items() if self._group(spec, n) in (0, 1)]
        for step in part.steps:
            for ref, condition in _refs(step.params, ""):
                if condition and stated:
                    for leaf in self._follow(spec, part, ref, (), own=False):
                        if self._is_field(leaf) and self._is_own(leaf):
                            name, value = stated[0]
                            yield CHOOSES, leaf, Target(spec.name, name, ((name, value),))

    # the target with its condition

    def _target(self, spec: DatasetSpec, line: VariableLine, leaf: _Leaf) -> Target:
        if spec.supplemental.get(line.name) is line:
            return Target(f"SUPP{spec.name}", "QVAL", (("QNAM", line.name),))
        return Target(spec.name, line.name, self._condition(spec, leaf))

    def _condition(self, spec: DatasetSpec, leaf: _Leaf) -> Condition:
        """What tells the records of the field from others of the dataset: its item, else words of its part."""
        part = leaf.part
        if part is None:
            return leaf.codes
        groups, codes = self._words(spec, part), leaf.codes or self._item(spec, leaf)
        if codes:
            return tuple(dict([*groups[0].items(), *codes]).items())
        if len(spec.parts) == 1:
            return ()
        others = [self._words(spec, p) for p in spec.parts if p is not part]
        for index, words in enumerate(groups):
            if words and not any(_agree(words, other[index]) for other in others):
                return tuple(words.items())
        words = next((w for w in groups if w), {})
        return tuple(words.items())

    def _item(self, spec: DatasetSpec, leaf: _Leaf) -> Condition:
        """The item of its part's records that a field is, where a line reads the field by its own name."""
        assert leaf.part is not None
        for step in leaf.part.steps:
            items: Any = getattr(step.params, "items", None)
            for code, ref in items.items() if isinstance(items, dict) else ():
                if isinstance(ref, VariableRef) and (ref.source, ref.name) == (leaf.form, leaf.column):
                    return self._code(spec, leaf.part, step.verb.gives, code)
        return ()

    def _words(self, spec: DatasetSpec, part: Part) -> list[dict[str, str]]:
        """Words that the part states: of its test and object, of its term, of its category."""
        groups: list[dict[str, str]] = [{}, {}, {}]
        for name, value in self._stated(spec, part).items():
            group = self._group(spec, name)
            if group is not None:
                groups[group][name] = value
        return groups

    def _stated(self, spec: DatasetSpec, part: Part) -> dict[str, str]:
        found = {}
        for name in spec.names:
            line = part.variables.get(name)
            if line is not None and line.params.value_is == "stated" and line.options.where is None:
                given = line.params.values_given()
                if len(given) == 1:
                    found[name] = given[0]
        return found

    def _group(self, spec: DatasetSpec, name: str) -> int | None:
        """Test and object first, then the term and its decode, then the category. Source: SDTM 2.0 section 3.1."""
        role = self.roles.get((spec.name, name))
        if role is None:
            role = self.roles[(spec.name, name)] = self.catalogue.datasets[spec.name].variable(name).role
        if name.endswith(("TESTCD", "OBJ")):
            return 0
        if role in ("Topic",) or name.endswith("DECOD"):
            return 1
        return 2 if name.removeprefix(spec.name) in _GROUPING else None

    def _printed_unit(self, spec: DatasetSpec, line: VariableLine, leaf: _Leaf) -> Iterator[Target]:
        """The unit printed beside a result is collected with it."""
        name, item = f"{spec.name}ORRESU", self._item_of(leaf)
        if line.name == f"{spec.name}ORRES" and name in spec.names and item is not None and item.unit:
            yield Target(spec.name, name, self._condition(spec, leaf))

    def _overflow(self, spec: DatasetSpec, line: VariableLine, leaf: _Leaf) -> Iterator[Target]:
        """Qualifiers in which a text goes on that the form lets be longer than a variable."""
        item = self._item_of(leaf)
        if line.options.overflow == "supp" and item is not None and item.length is not None:
            for number in range(1, min(ceil(item.length / MAX_BYTES) - 1, MOST) + 1):
                yield Target(f"SUPP{spec.name}", "QVAL", (("QNAM", qualifier_name(line.name, number)),))

    def _item_of(self, leaf: _Leaf) -> Item | None:
        form = self.forms.forms.get(leaf.form)
        return form.items.get(leaf.column) if form is not None else None


def _agree(words: dict[str, str], other: dict[str, str]) -> bool:
    return all(other.get(name, value) == value for name, value in words.items()) and bool(other)


def _read(line: VariableLine) -> Any:
    """What the verb's own key names."""
    return getattr(line.params, line.verb.reads or "", None)


def _refs(value: Any, name: str) -> Iterator[tuple[VariableRef, bool]]:
    """Every reference in a parameter, and whether it stands in a condition."""
    if isinstance(value, VariableRef):
        yield value, False
    elif isinstance(value, Expression):
        yield from ((ref, name not in _FORMULAS) for ref in value.refs)
    elif isinstance(value, BaseModel):
        for key in type(value).model_fields:
            yield from _refs(getattr(value, key), key)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _refs(item, name)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _refs(item, name)
