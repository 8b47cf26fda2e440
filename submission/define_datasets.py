"""The datasets of a define.xml with their variables, values, methods and comments, one dataset's records at a time.

Types and lengths are those of the files; what a variable holds beyond its type is looked up in its records, which are
let go before the next dataset is read. A variable without any value is said to have no data.

Sources: Define-XML 2.1 sections 5.3.9 (ItemGroupDef) and 5.3.10 (ItemDef).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from engine.spec.catalogue import DatasetInfo, VariableInfo
from engine.spec.dataset import Part, VariableLine
from engine.spec.method_text import finished, lines_method, records_method, variable_method
from engine.spec.methods import IMPLIED_SAYS, identity_sentence, line_sentence, variable_sentence
from engine.spec.origin_terms import ASSIGNED, DERIVED, PROTOCOL, SPONSOR
from engine.spec.origins import Origin, lines_of, variable_origins
from engine.spec.stated import Stated, known_codelist, stated_values
from formats.metadata import VariableMeta
from submission.built import Built, Published
from submission.define_codelists import CodeLists, pair_of
from submission.define_dictionaries import Dictionaries
from submission.define_facts import Facts, is_clock, number_facts, text_facts
from submission.define_model import (
    CodeListDef,
    Define,
    ItemDef,
    ItemGroup,
    ItemRef,
    Leaf,
    OriginDef,
    RangeCheck,
    ValueList,
    WhereClause,
)
from submission.define_origins import CrfPages, line_origin_defs, variable_origin_defs
from submission.define_standards import class_of
from submission.define_texts import COMPUTATION, IMPUTATION, Texts
from submission.define_values import Level, Leveled, levels_of

KEPT = ("STUDYID", "USUBJID")  # identifiers that begin every key and say nothing of the structure
_UNSAFE = re.compile(r"[^A-Za-z0-9_.]+")
_WORDS = {"USUBJID": "subject", "PARAMCD": "parameter", "AVISIT": "analysis visit", "AVISITN": "analysis visit"}
SUPP_COMMENT = "One record for each supplemental qualifier of a record of {parent} that has a value."


@dataclass
class Datasets:
    """Fills a Define with the datasets of a package."""

    built: Built
    package: str
    define: Define
    pages: CrfPages
    codelists: CodeLists
    methods: Texts
    comments: Texts
    dictionaries: Dictionaries
    oids: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def analysis(self) -> bool:
        """Whether the package follows ADaM."""
        return self.built.standard(self.package) == "adamig"

    def add(self, published: Published) -> None:
        """One dataset."""
        frame = self.built.frame(published.name)
        info, records = published.info, len(frame)
        known = {v.name: v for v in info.variables}
        group = self._group(published)
        self.define.groups.append(group)
        levels = {level.variable: level for level in levels_of(self.built.study, published, frame)}
        keys = [k for k in info.keys if k in frame.columns]
        for order, meta in enumerate(published.meta.variables, 1):
            variable = known[meta.name]
            facts = self._facts(frame[meta.name], meta, variable, records)
            item, ref = self._variable(published, meta, variable, facts, frame)
            ref.order, ref.key = order, keys.index(meta.name) + 1 if meta.name in keys else 0
            self.define.items.append(item)
            group.refs.append(ref)
            if meta.name in levels:
                self._level(published, item, variable, levels[meta.name])

    # -- the dataset itself

    def _group(self, published: Published) -> ItemGroup:
        name, info, study = published.name, published.info, self.built.study
        parent = published.parent
        spec = study.datasets[parent or name]
        variables = {v.name for v in published.meta.variables}
        klass = class_of(info.klass)
        keys = [k for k in info.keys if k in variables]
        standard = (
            "" if parent == "" and not self.analysis and name not in self.built.catalogue.sdtm.datasets else "STD.IG"
        )
        if parent:
            says = SUPP_COMMENT.format(parent=parent)
        else:
            says = "\n".join(t for t in (finished(spec.header.comment), records_method(study, name)) if t)
        reference = "USUBJID" not in variables and klass not in ("RELATIONSHIP", "SPECIAL PURPOSE")
        domain = "" if self.analysis else parent or name
        return ItemGroup(
            oid=f"IG.{name}",
            name=name,
            label=published.meta.label,
            structure=self._structure(info, keys),
            klass=klass,
            subclass="" if parent else spec.header.subclass,
            purpose="Analysis" if self.analysis else "Tabulation",
            repeating=not reference and [k for k in keys if k != "STUDYID"] != ["USUBJID"],
            reference=reference,
            leaf=Leaf(f"LF.{name}", f"{name.lower()}.xpt", f"{name.lower()}.xpt"),
            domain=domain,
            parent_label=self.built.catalogue.datasets[parent].label if parent else "",
            standard=standard,
            comment=self.comments.add(says, name),
        )

    def _structure(self, info: DatasetInfo, keys: list[str]) -> str:
        """As the spec or SDTMIG says; of an analysis dataset whose spec names its kind alone, by its keys."""
        kinds = {*self.built.catalogue.adam.structures, "OCCDS"}
        if not self.analysis or info.structure not in kinds:
            return info.structure
        words = [_WORDS.get(k) or info.variable(k).label.lower() for k in keys if k != "STUDYID"]
        return f"One record per {' per '.join(dict.fromkeys(words))}"

    # -- its variables

    def _facts(self, values: pd.Series, meta: VariableMeta, variable: VariableInfo, records: int) -> Facts:
        present = values.dropna()
        distinct = present.drop_duplicates()
        missing = records - len(present)
        if meta.type == "Num":
            return number_facts(distinct, missing, records)
        temporal = variable.domain.startswith("ISO 8601") or meta.name.endswith("DTC")
        return text_facts(distinct, missing, records, meta.length, temporal=temporal)

    def _variable(
        self, published: Published, meta: VariableMeta, variable: VariableInfo, facts: Facts, frame: pd.DataFrame
    ) -> tuple[ItemDef, ItemRef]:
        study, name = self.built.study, published.name
        user = f"{name}.{meta.name}"
        origins, method, comment = self._told(published, meta.name)
        item = ItemDef(
            oid=self._oid("IT", name, meta.name),
            name=meta.name,
            label=meta.label,
            data_type=facts.type,
            length=facts.length,
            digits=facts.digits,
            format=meta.format if meta.type == "Num" else "",
            sas_name=meta.name,
            comment=self.comments.add(comment, user),
            origins=origins,
        )
        dictionary = self.dictionaries.of(published.parent or name, meta.name) if not published.parent else None
        if dictionary is not None and not facts.empty:
            item.codelist = self.codelists.external(dictionary.name, dictionary.version, facts.type, user)
        elif not is_clock(meta.format) and facts.type in ("text", "integer", "float"):
            stated = stated_values(study, study.datasets[name], meta.name) if not published.parent else Stated()
            if meta.name == "DOMAIN":
                stated = Stated((name,), True)
            pairs = self._pairs(published, meta.name, frame)
            item.codelist = self.codelists.of_variable(published.info, variable, facts, stated, pairs)
        required = variable.core == "Req" and (not self.analysis or not facts.missing)
        standard = self.built.catalogue.sdtm
        own = not self.analysis and not published.parent and standard.variable(name, meta.name) is None
        type_ = self._method_type(published, meta.name)
        return item, ItemRef(
            item=item.oid,
            mandatory=required,
            order=0,
            role="" if self.analysis else variable.role,
            method=self.methods.add(method, user, type_) if method else None,
            nonstandard=own,
            no_data=facts.empty,
        )

    def _pairs(self, published: Published, name: str, frame: pd.DataFrame) -> dict[str, str] | None:
        """Names of a variable's codes by another variable, where every code has one."""
        other = pair_of(name, frame.columns, analysis=self.analysis)
        if not other:
            return None
        both = frame[[name, other]].dropna().drop_duplicates()
        if both.empty or both[name].duplicated().any() or len(both) > 200 or both[other].dtype == float:
            return None
        codes = number_facts(both[name], 0, 0).values if both[name].dtype == float else both[name].astype(str)
        names = both.sort_values(name)[other] if both[name].dtype == float else both[other]
        return dict(zip(codes, names.astype(str), strict=True))

    def _told(self, published: Published, variable: str) -> tuple[tuple[OriginDef, ...], str, str]:
        """Origins, method and comment of a variable."""
        study, parent = self.built.study, published.parent
        if parent:
            return self._of_qualifiers(parent, variable)
        name = published.name
        spec = study.datasets[name]
        lines = lines_of(spec, variable)
        found = variable_origins(study, name, variable)
        origins = variable_origin_defs(study, name, variable, found, self._pages(name, variable, lines))
        if lines:
            said = variable_sentence(spec, variable)
            whole = variable_method(study, name, variable)
        else:
            said = identity_sentence(study) if variable == "USUBJID" else IMPLIED_SAYS.get(variable, "")
            whole = said = finished(said)
        return origins, *self._split(origins, lines, said, whole)

    def _pages(
        self,
        dataset: str,
        variable: str,
        lines: list[tuple[Part | None, VariableLine]],
        where: Mapping[str, str] | None = None,
    ) -> tuple[int, ...]:
        """Pages of the CRF for a variable: its own, else those of the variable of the record that it is read from."""
        found = self.pages.pages_of(dataset, variable, where)
        own = dataset.removeprefix("SUPP") if dataset.startswith("SUPP") else dataset
        for _, line in lines:
            if found:
                break
            names = [line.name] if own != dataset else []
            names += [r.name for r in line.refs() if r.source in (None, own)]
            found = next(
                (p for n in names if (p := self.pages.pages_of(own, n, where if own == dataset else None))), ()
            )
        return found

    def _split(
        self, origins: tuple[OriginDef, ...], lines: list[tuple[Part | None, VariableLine]], said: str, whole: str
    ) -> tuple[str, str]:
        """Method and comment: what is derived has a method; of all else the sentence is a comment, unless it copies."""
        own = "\n".join(dict.fromkeys(finished(li.options.comment) for _, li in lines if li.options.comment))
        if any(o.type == DERIVED for o in origins):
            return whole, own
        plain = all(li.params.value_is == "copied" and li.options.where is None for _, li in lines)
        if plain or {o.type for o in origins} == {PROTOCOL}:
            return "", own
        return "", "\n".join(t for t in (own, whole if "\n" in whole else finished(said)) if t)

    def _of_qualifiers(self, parent: str, variable: str) -> tuple[tuple[OriginDef, ...], str, str]:
        """Of a variable of SUPP--: identifiers as in the parent, all else assigned; QVAL by value."""
        study = self.built.study
        if variable == "QVAL":
            return (), "", ""
        if variable in KEPT:
            found = variable_origins(study, parent, variable)
            origins = variable_origin_defs(study, parent, variable, found, ())
            says = finished(identity_sentence(study)) if variable == "USUBJID" else ""
            return origins, says if any(o.type == DERIVED for o in origins) else "", ""
        return (OriginDef(ASSIGNED, SPONSOR),), "", ""

    def _method_type(self, published: Published, variable: str) -> str:
        if published.parent:
            return COMPUTATION
        lines = lines_of(self.built.study.datasets[published.name], variable)
        return IMPUTATION if any(getattr(line.params, "impute", "") for _, line in lines) else COMPUTATION

    # -- its values

    def _level(self, published: Published, parent: ItemDef, variable: VariableInfo, level: Level) -> None:
        made = [(each, *self._value(published, parent, variable, each)) for each in level.values]
        alike = {(i.data_type, i.length, i.digits, id(i.codelist), i.origins, id(r.method)) for _, i, r in made}
        if not made or (len(alike) == 1 and not level.always):
            for _, item, ref in made:
                self._forget(item, ref)
            return
        values = ValueList(self._oid("VL", published.name, parent.name))
        parent.values = values.oid
        for order, (each, item, ref) in enumerate(made, 1):
            ref.order, ref.where = order, self._where(published.name, each.where)
            values.refs.append(ref)
            self.define.items.append(item)
        self.define.value_lists.append(values)

    def _value(
        self, published: Published, parent: ItemDef, variable: VariableInfo, each: Leveled
    ) -> tuple[ItemDef, ItemRef]:
        study, name, facts = self.built.study, published.name, each.facts
        dataset = published.parent or name
        codes = list(each.where.values())
        user = ".".join([name, parent.name, *(_UNSAFE.sub("_", c) for c in codes)])
        pages = self._pages(name, parent.name, each.lines, each.where)
        origins = line_origin_defs(study, dataset, each.lines, each.origins or (Origin(DERIVED, SPONSOR),), pages)
        says = each.says or [line_sentence(line) for _, line in each.lines]
        whole = lines_method(study, dataset, says, each.lines) if each.lines else ""
        method, comment = self._split(origins, each.lines, "\n".join(dict.fromkeys(says)), whole)
        item = ItemDef(
            oid=self._oid("IT", name, parent.name, *codes),
            name="_".join(_UNSAFE.sub("_", c) for c in codes),
            label=each.label,
            data_type=facts.type,
            length=facts.length,
            digits=facts.digits,
            comment=self.comments.add(comment, user),
            origins=origins,
        )
        if each.lists is not None:
            item.codelist = (
                self.codelists.of_terms(each.lists, facts.values, user, facts.type, {}) if each.lists else None
            )
        elif published.parent:
            item.codelist = self._of_qualifier(each, facts, user)
        elif parent.data_type != "float":
            item.codelist = self.codelists.of_values(published.info, variable.name, facts, user)
        full = bool(published.parent) or not facts.missing
        return item, ItemRef(
            item=item.oid,
            mandatory=full and variable.core == "Req",
            order=0,
            method=self.methods.add(method, user, COMPUTATION) if method else None,
        )

    def _of_qualifier(self, each: Leveled, facts: Facts, user: str) -> CodeListDef | None:
        names = dict.fromkeys(line.codelist for _, line in each.lines if line.codelist)
        lists = [c for n in names if (c := known_codelist(self.built.study, n, self.package)) is not None]
        return self.codelists.of_terms(lists, facts.values, user, facts.type, {}) if lists else None

    def _forget(self, item: ItemDef, ref: ItemRef) -> None:
        """A value that is not listed uses nothing."""
        for text in (item.comment, ref.method):
            if text is not None:
                text.users.pop()
        if item.codelist is not None:
            item.codelist.users.pop()
        for key, oid in list(self.oids.items()):
            if oid == item.oid:
                del self.oids[key]

    def _where(self, dataset: str, where: Mapping[str, str]) -> str:
        parts = [p for code, value in where.items() for p in (code, value)]
        oid = self._oid("WC", dataset, *parts)
        if oid not in self.define.wheres:
            checks = tuple(RangeCheck(f"IT.{dataset}.{code}", "EQ", (value,)) for code, value in where.items())
            self.define.wheres[oid] = WhereClause(oid, checks)
        return oid

    def _oid(self, *parts: str) -> str:
        """An identifier made of these parts; two that would be spelled alike are numbered."""
        if parts not in self.oids:
            plain = ".".join(_UNSAFE.sub("_", p) for p in parts)
            taken, oid, number = set(self.oids.values()), plain, 1
            while oid in taken:
                number += 1
                oid = f"{plain}.{number}"
            self.oids[parts] = oid
        return self.oids[parts]
