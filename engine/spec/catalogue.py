"""What each built dataset and variable is called, labelled, typed and checked against.

The spec's own word wins, then the standard's. SDTM variables stand in the standard's order, a model variable
that the IG does not list in a domain at its place in the model; ADaM variables as written.

Sources: SDTMIG 3.4 sections 2.2 and 4.1.4 (variable order); ADaMIG 1.3 section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from engine.errors import Problem
from engine.spec.dataset import DatasetSpec, VariableLine, is_working
from engine.spec.delivered import DeliveredVariable
from engine.spec.refs import VariableRef
from engine.spec.study import Study
from engine.standards import (
    VariableStandard,
    load_adamig,
    load_sdtmig,
)

MAX_LABEL = 40  # characters of a label in a transport file
IMPLIED = ("STUDYID", "DOMAIN", "USUBJID")  # what identity supplies when the spec has no line


@dataclass(frozen=True, slots=True)
class VariableInfo:
    """A variable of a built dataset; `length` 0 is settled by the longest value."""

    name: str
    label: str
    type: str
    length: int = 0
    format: str = ""
    codelist: str = ""
    role: str = ""
    core: str = ""
    domain: str = ""  # described value domain, such as ISO 8601
    line: VariableLine | None = None

    @property
    def optional(self) -> bool:
        """Whether a dataset none of whose records has a value is written without the variable."""
        return self.line is not None and self.line.options.if_empty == "leave_out"


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A built dataset: its variables in file order."""

    name: str
    label: str
    klass: str
    structure: str
    package: str
    keys: tuple[str, ...]
    variables: tuple[VariableInfo, ...]

    def variable(self, name: str) -> VariableInfo:
        """The variable of that name; KeyError if none."""
        for each in self.variables:
            if each.name == name:
                return each
        raise KeyError(name)


class Catalogue:
    """All built datasets of a study; `problems` lists what neither spec nor standard says."""

    def __init__(self, study: Study) -> None:
        """Resolve every dataset."""
        self.study = study
        self.problems: list[Problem] = []
        self.datasets: dict[str, DatasetInfo] = {}
        versions = study.file.standards
        self.sdtm, self.adam = load_sdtmig(versions.sdtmig), load_adamig(versions.adamig)
        for name in sorted(study.datasets):
            spec = study.datasets[name]
            follows_sdtm = study.file.packages[spec.package].standard == "sdtmig"
            self.datasets[name] = self._tabulation(spec) if follows_sdtm else self._analysis(spec)
            self._working(spec)
            self._labelled(spec)

    def _labelled(self, spec: DatasetSpec) -> None:
        """The label of a dataset stands in its file, which holds 40 characters."""
        label = self.datasets[spec.name].label
        if len(label) > MAX_LABEL:
            self.problems.append(
                Problem(
                    f"{spec.name}: the dataset's label has {len(label)} characters",
                    spec.document.place("label"),
                    found=label,
                    expected=f"{MAX_LABEL} at most",
                )
            )

    def _working(self, spec: DatasetSpec) -> None:
        """Working variables are in no standard, so the spec says their type."""
        for _, line in spec.all_lines():
            if is_working(line.name) and not spec.line(line.name).options.type:
                lead = f"{spec.name}.{line.name}"
                self.problems.append(
                    Problem(f"{lead}: a working variable needs its type", line.place, do="add  type: Char or Num")
                )

    def supplemental(self, domain: str) -> DatasetInfo:
        """The SUPP-- dataset of a domain."""
        standard = self.sdtm.supplemental(domain)
        variables = tuple(
            VariableInfo(v.name, v.label, v.type, 0, "", v.codelists[0] if v.codelists else "", v.role, v.core)
            for v in standard.variables.values()
        )
        return DatasetInfo(
            standard.name,
            standard.label,
            standard.klass,
            standard.structure,
            self.datasets[domain].package,
            ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"),
            variables,
        )

    def type_of(self, dataset: str, variable: str) -> str:
        """Char or Num; supplemental qualifiers are Char."""
        if variable in self.study.datasets[dataset].supplemental:
            return "Char"
        if is_working(variable):
            return self.study.datasets[dataset].line(variable).options.type
        return self._types[(dataset, variable)]

    @cached_property
    def _types(self) -> dict[tuple[str, str], str]:
        return {(d.name, v.name): v.type for d in self.datasets.values() for v in d.variables}

    def _tabulation(self, spec: DatasetSpec) -> DatasetInfo:
        standard = self.sdtm.datasets.get(spec.name)
        known = standard.variables if standard else {}
        implied = [n for n in IMPLIED if n in known and n not in spec.names] if known else list(IMPLIED)
        places = {name: self._place(spec.name, name) for name in [*implied, *spec.names]}
        names = sorted(places, key=lambda n: places[n])
        variables = tuple(self._info(spec, n, self.sdtm.variable(spec.name, n)) for n in names)
        header = spec.header
        return DatasetInfo(
            spec.name,
            header.label or (standard.label if standard else ""),
            header.klass or (standard.klass if standard else ""),
            header.structure or (standard.structure if standard else ""),
            spec.package,
            tuple(spec.keys),
            variables,
        )

    def _place(self, domain: str, name: str) -> tuple[float, float]:
        """Where a variable stands: the IG's order; others after the IG variable that precedes them in the model."""
        dataset = self.sdtm.datasets.get(domain)
        known = dataset.variables if dataset else {}
        if name in known:
            return (float(known[name].order), 0.0)
        first, number = self.sdtm.continues(domain, name)
        if first is not None:
            return (float(first.order), float(number) / 100)
        sequence = self._sequence(domain)
        if name not in sequence:
            return (float(len(known) + 1), 0.0)
        at = sequence.index(name)
        before = [known[n].order for n in sequence[:at] if n in known]
        return (float(max(before)) if before else 0.0, float(at + 1))

    def _sequence(self, domain: str) -> list[str]:
        """Variable names of the model for a domain: identifiers, the class's own, timing."""
        klass = self.sdtm.datasets[domain].klass if domain in self.sdtm.datasets else ""
        general = [v for (group, _), v in self.sdtm.model.items() if group == "General Observations"]
        own = [v for (group, _), v in self.sdtm.model.items() if group in (klass, domain)]
        ordered = [v for v in general if v.role != "Timing"] + own + [v for v in general if v.role == "Timing"]
        return [v.name.replace("--", domain, 1) for v in ordered]

    def _analysis(self, spec: DatasetSpec) -> DatasetInfo:
        names = [n for n in ("STUDYID", "USUBJID") if n not in spec.names] + spec.names
        structure = spec.header.structure or ("ADSL" if spec.name == "ADSL" else "BDS")
        variables = tuple(self._info(spec, n, self.adam.variable(structure, n)) for n in names)
        return DatasetInfo(
            spec.name,
            spec.header.label,
            spec.header.klass,
            structure,
            spec.package,
            tuple(spec.keys),
            variables,
        )

    def _copied(self, line: VariableLine | None) -> DeliveredVariable | None:
        """The delivered variable that a line copies, whose label and type the copy keeps (ADaMIG 1.3 section 3.1)."""
        ref = getattr(line.params, str(line.verb.reads), None) if line and line.params.value_is == "copied" else None
        given = self.study.delivered.get(str(ref.source)) if isinstance(ref, VariableRef) else None
        return given.variables.get(ref.name) if given is not None and isinstance(ref, VariableRef) else None

    def _info(self, spec: DatasetSpec, name: str, standard: VariableStandard | None) -> VariableInfo:
        try:
            line = spec.line(name)
        except KeyError:
            line = None
        options = line.options if line else None
        source = self._copied(line)
        label = (options.label if options else "") or (standard.label if standard else source.label if source else "")
        label = label or (name if spec.working else "")  # nobody is shown it
        kind = (options.type if options else "") or (standard.type if standard else source.type if source else "")
        if not label or not kind:
            self.problems.append(
                Problem(
                    f"{spec.name}.{name}: neither the standard nor the spec says its "
                    + " and ".join(w for w, v in (("label", label), ("type", kind)) if not v),
                    line.place if line else spec.document.place(),
                    do="add  label: …  and  type: Char or Num",
                )
            )
        elif len(label) > MAX_LABEL:
            self.problems.append(
                Problem(
                    f"{spec.name}.{name}: the label has {len(label)} characters",
                    line.place if line else None,
                    found=label,
                    expected=f"{MAX_LABEL} at most",
                )
            )
        codelist = (line.codelist if line else "") or (
            standard.codelists[0] if standard and len(standard.codelists) == 1 else ""
        )
        return VariableInfo(
            name,
            label,
            kind or "Char",
            options.length if options else 0,
            options.format if options else "",
            codelist,
            (options.role if options else "") or (standard.role if standard else ""),
            standard.core if standard else "",
            standard.domain if standard else "",
            line,
        )
