"""The codelists of a define.xml: the terms that are used or that the specs permit, with their NCI codes.

A variable's codelist holds the terms that its values are of and those that its spec states (the options of a form, the
words that a line sets), and no other term of the list. Variables with the same terms share a codelist. A term that the
sponsor added to a list of CDISC is an extended value; a list that CDISC does not have is the sponsor's own. Numbers
that stand for another variable (AVISITN for AVISIT) and codes that a name goes with (PARAMCD with PARAM) have a list of
pairs, taken from the data. No list is given where values are no terms, such as results that may be numbers.

Sources: Define-XML 2.1 section 5.3.12 (CodeList); SDTMIG 3.4 section 4.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.numbers import NUMBER
from engine.spec.catalogue import DatasetInfo, VariableInfo
from engine.spec.codelists import StudyCodelist
from engine.spec.stated import Stated, known_codelist
from engine.standards import load_terminology
from submission.built import Built
from submission.define_facts import Facts
from submission.define_model import CodeItem, CodeListDef
from validators.terms import Terms

MOST_OWN = 100  # terms of a list that is made from the values alone; more are free text
SHORT = 25  # terms of a list that is given whole for a variable without any value
_YES_NO, _DOMAINS = "C66742", "C66734"  # by C-code
PAIRED = {"ETCD": "ELEMENT", "VISITNUM": "VISIT", "QNAM": "QLABEL"}  # besides X with XCD, and of ADaM X with XN


class CodeLists:
    """Codelists of one define.xml, each once."""

    def __init__(self, built: Built, standards: Mapping[str, str]) -> None:
        """For a build; `standards` gives the OID of a terminology's kind, SDTM or ADaM."""
        self.built, self.terms, self.standards = built, Terms(built.catalogue), standards
        self.lists: dict[tuple[object, ...], CodeListDef] = {}
        packages = built.study.file.packages
        self._analyses = {name for name, package in packages.items() if package.standard == "adamig"}

    def of_variable(
        self, info: DatasetInfo, variable: VariableInfo, facts: Facts, stated: Stated, pairs: Mapping[str, str] | None
    ) -> CodeListDef | None:
        """The codelist of a variable; None where it has none.

        Args:
            info: the dataset. variable: of it. facts: what its values show.
            stated: values that the spec states of it.
            pairs: names by code where another variable holds them, one each.
        """
        user = f"{info.name}.{variable.name}"
        lists = self.terms.candidates(info, variable.name) or self._implied(info, variable.name)
        if lists:
            permitted = [v for v in stated.values if any(v in each.values for each in lists)]
            values = dict.fromkeys([*facts.values, *permitted])
            if not values:
                small = [each for each in lists[:1] if len(each.values) <= SHORT]
                values = dict.fromkeys(v for each in small for v in sorted(each.values))
            names = self._names(info, variable.name)
            return self.of_terms(lists, values, user, facts.type, pairs or {}, names)
        if facts.empty and not stated.values:
            return None
        if pairs is not None:
            items = [CodeItem(value, pairs.get(value, "")) for value in facts.values]
            return self._own(user, items, facts.type)
        looked_up = variable.line is not None and variable.line.params.value_is == "looked_up"
        if stated.whole and stated.values and facts.type == "text" and len(stated.values) <= MOST_OWN:
            values = dict.fromkeys(v for v in (*stated.values, *facts.values) if not looked_up or v in facts.values)
            if len(values) <= MOST_OWN:
                return self._own(user, [CodeItem(value) for value in values], facts.type)
        return None

    def of_values(self, info: DatasetInfo, variable: str, facts: Facts, user: str) -> CodeListDef | None:
        """The codelist of a variable's values where a condition holds: the terms that are used there."""
        lists = self.terms.candidates(info, variable)
        if not lists or facts.empty:
            return None
        return self.of_terms(lists, dict.fromkeys(facts.values), user, facts.type, {}, self._names(info, variable))

    def of_terms(
        self,
        lists: list[StudyCodelist],
        values: Iterable[str],
        user: str,
        data_type: str,
        pairs: Mapping[str, str],
        names: frozenset[str] = frozenset(),
    ) -> CodeListDef | None:
        """A codelist of these terms; None where one of them is no term, or there is none."""
        items: list[CodeItem] = []
        used: dict[str, StudyCodelist] = {}
        decodes = {k: v for each in lists for k, v in self._decodes(each).items()} | dict(pairs)
        for value in values:
            home = next((each for each in lists if value in each.values), None)
            if home is None:
                if value not in names:
                    return None
                items.append(CodeItem(value, extended=True))
                continue
            used[home.name] = home
            term = home.standard.terms.get(value) if home.standard is not None else None
            code = term.code if term is not None else ""
            items.append(CodeItem(value, decodes.get(value, ""), code, home.standard is not None and not code))
        if not items or data_type not in ("text", "integer", "float"):
            return None
        items.sort(key=lambda i: _order(i.value))
        if any(i.decode for i in items):
            items = [CodeItem(i.value, i.decode or i.value, i.code, i.extended) for i in items]
        homes = list(used.values()) or lists[:1]
        known = [each for each in homes if each.standard is not None]
        base = "_".join(each.name for each in homes)
        if not known:
            return self._add(base, f"{homes[0].name}, terms of the study", items, data_type, user)
        label = ", ".join(each.standard.label for each in known if each.standard is not None)
        code = known[0].standard.code if len(homes) == 1 and known[0].standard is not None else ""
        return self._add(base, label, items, data_type, user, code, self._standard(known[0]))

    def external(self, name: str, version: str, data_type: str, user: str) -> CodeListDef:
        """A dictionary outside of the file."""
        key = ("external", name, data_type)
        if key not in self.lists:
            self.lists[key] = CodeListDef(name, name, data_type, dictionary=name, version=version)
        self.lists[key].users.append(user)
        return self.lists[key]

    def finished(self) -> list[CodeListDef]:
        """All codelists in the order of their OIDs, which they have now."""
        by_base: dict[str, list[CodeListDef]] = {}
        used = [each for each in self.lists.values() if each.users]
        for each in used:
            by_base.setdefault(each.base, []).append(each)
        for base, lists in by_base.items():
            for each in lists:
                plain = len(lists) == 1
                each.oid = f"CL.{base}" if plain else f"CL.{base}.{each.users[0]}"
                each.name = each.name if plain else f"{each.name} ({each.users[0]})"
        return sorted(used, key=lambda each: each.oid)

    def _own(self, user: str, items: list[CodeItem], data_type: str) -> CodeListDef | None:
        if data_type not in ("text", "integer", "float"):
            return None
        if any(i.decode for i in items):
            items = [CodeItem(i.value, i.decode or i.value) for i in items]
        return self._add(user.partition(".")[2], user.partition(".")[2], items, data_type, user)

    def _add(
        self,
        base: str,
        name: str,
        items: list[CodeItem],
        data_type: str,
        user: str,
        code: str = "",
        standard: str = "",
    ) -> CodeListDef:
        key = (base, name, tuple(items), data_type, code, standard)
        if key not in self.lists:
            self.lists[key] = CodeListDef(base, name, data_type, tuple(items), code, standard)
        self.lists[key].users.append(user)
        return self.lists[key]

    def _implied(self, info: DatasetInfo, variable: str) -> list[StudyCodelist]:
        """Lists that the standards imply: of domains; of yes and no, where ADaMIG says that it is Y, or Y or N."""
        if variable == "DOMAIN":  # of which SDTMIG lists the value, not the codelist
            domains = known_codelist(self.built.study, _DOMAINS, info.package)
            return [domains] if domains is not None else []
        standard = self.terms.standard(info, variable)
        answers = load_terminology("SDTM", self.built.study.file.standards.sdtm_terminology).codelist(_YES_NO)
        if answers is None or info.package not in self._analyses:
            return []
        if variable.endswith("FL") and info.variable(variable).type == "Char":  # ADaMIG 1.3: a flag is Y, N or null
            return [StudyCodelist(answers.name, answers, {})]
        if standard is None or not standard.values:
            return []
        return [StudyCodelist(answers.name, answers, {})] if all(v in answers for v in standard.values) else []

    def _names(self, info: DatasetInfo, variable: str) -> frozenset[str]:
        """Names of the sponsor's own codes, which the list of names (--TEST) does not hold."""
        return self.terms.sponsor_names(info, variable)

    def _decodes(self, codelist: StudyCodelist) -> dict[str, str]:
        """Names of codes: from the paired list, the study's own, or NCI's where the terms are one or two letters."""
        if codelist.standard is None:
            return dict(codelist.added)
        sdtm = load_terminology("SDTM", self.built.study.file.standards.sdtm_terminology)
        paired = sdtm.decode(codelist.standard.code)
        if paired:
            return {**paired, **codelist.added}
        if all(len(value) <= 2 for value in codelist.values):
            return {t.value: t.preferred for t in codelist.standard.terms.values()} | codelist.added
        return {}

    def _standard(self, codelist: StudyCodelist) -> str:
        assert codelist.standard is not None
        versions = self.built.study.file.standards
        if "ADaM" in self.standards:
            adam = load_terminology("ADaM", versions.adam_terminology)
            if adam.codelist(codelist.standard.code) is codelist.standard:
                return self.standards["ADaM"]
        return self.standards["SDTM"]


def pair_of(name: str, known: Iterable[str], *, analysis: bool) -> str:
    """The variable that names the codes of another: PARAM for PARAMCD, AVISIT for AVISITN; '' where there is none."""
    names = set(known)
    found = PAIRED.get(name, "")
    if not found and name.endswith("CD"):
        found = name.removesuffix("CD")
    if not found and analysis and name.endswith("N"):
        found = name.removesuffix("N")
    return found if found in names else ""


def _order(value: str) -> tuple[int, float, str]:
    return (0, float(value), value) if NUMBER.fullmatch(value) else (1, 0.0, value)
