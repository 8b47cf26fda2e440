"""SDTM datasets and variables as SDTMIG names them, and the model's variables that any domain may use.

Sources: SDTMIG 3.4; SDTM 2.0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Literal

from engine.standards.tables import DATA, codes, data_file, read_rows

Kind = Literal["Char", "Num"]
CONTINUED = ("COVAL", "TSVAL")  # text over 200 characters goes on in COVAL1, TSVAL1 ... (SDTMIG 3.4, section 4.5.3.2)
MODEL_OF = {"3.4": "2.0"}  # the SDTM version under each SDTMIG


@dataclass(frozen=True, slots=True)
class VariableStandard:
    """A variable as a standard describes it; `domain` is its described value domain, such as ISO 8601."""

    name: str
    label: str
    type: Kind
    role: str = ""
    core: str = ""  # Req, Exp or Perm
    order: int = 0
    codelists: tuple[str, ...] = ()
    domain: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetStandard:
    """A dataset as a standard describes it, its variables in the standard's order."""

    name: str
    label: str
    klass: str
    structure: str
    variables: dict[str, VariableStandard]


class Tabulation:
    """One version of SDTMIG."""

    def __init__(self, version: str) -> None:
        """Read the data files; SpecError when the version is not there."""
        self.version = version
        path = data_file("sdtmig-", version, "SDTMIG", "name a version that Trialmill holds in study.yaml")
        self.datasets: dict[str, DatasetStandard] = {}
        for row in read_rows(path):
            name = row["dataset"]
            if name not in self.datasets:
                self.datasets[name] = DatasetStandard(name, row["dataset_label"], row["class"], row["structure"], {})
            self.datasets[name].variables[row["variable"]] = VariableStandard(
                row["variable"],
                row["label"],
                _kind(row["type"]),
                row["role"],
                row["core"],
                int(row["order"]),
                codes(row["codelist_codes"]),
                row["described_value_domain"],
                codes(row["value_list"]),
            )

    @cached_property
    def model(self) -> dict[tuple[str, str], VariableStandard]:
        """Variables of the model by class (or special-purpose dataset) and name with `--`, order as there."""
        result = {}
        for row in read_rows(DATA / f"sdtm-{MODEL_OF[self.version]}.tsv"):
            standard = VariableStandard(
                row["variable"],
                row["label"],
                _kind(row["type"]),
                row["role"],
                "Perm",
                int(row["order"]),
                (),
                row["described_value_domain"],
            )
            result[(row["dataset"] or row["class"], row["variable"])] = standard
        return result

    def model_variable(self, name: str, domain: str) -> VariableStandard | None:
        """A variable that the model allows in a domain although the IG does not list it there."""
        klass = self.datasets[domain].klass if domain in self.datasets else ""
        general = klass in ("Interventions", "Events", "Findings")
        spellings = [name] + ([f"--{name[2:]}"] if name.startswith(domain) and len(name) > 2 else [])
        for group in [klass, "General Observations"] if general else [domain]:
            for spelling in spellings:
                found = self.model.get((group, spelling))
                if found is not None:
                    return replace(found, name=name)
        return None

    def variable(self, domain: str, name: str) -> VariableStandard | None:
        """The IG's variable, else the model's, else one that carries on the text of another."""
        dataset = self.datasets.get(domain)
        if dataset is not None and name in dataset.variables:
            return dataset.variables[name]
        found = self.model_variable(name, domain)
        first, number = self.continues(domain, name)
        if found is None and first is not None:
            return replace(first, name=name, label=f"{first.label} {number}", core="Perm")
        return found

    def continues(self, domain: str, name: str) -> tuple[VariableStandard | None, int]:
        """The variable whose text over 200 characters goes on in `name`, as TSVAL's in TSVAL2, and the number."""
        base = name.rstrip("0123456789")
        if base not in CONTINUED or base == name or domain not in self.datasets:
            return None, 0
        return self.datasets[domain].variables.get(base), int(name[len(base) :])

    def is_model_variable(self, name: str, domain: str) -> bool:
        """True for a variable of the standard, which may not serve as a QNAM (SDTMIG 3.4 section 8.4)."""
        return self.variable(domain, name) is not None

    def supplemental(self, domain: str) -> DatasetStandard:
        """The SUPP-- dataset of a domain."""
        base = self.datasets["SUPPQUAL"]
        label = f"Supplemental Qualifiers for {domain}"
        return DatasetStandard(f"SUPP{domain}", label, base.klass, base.structure, base.variables)


def _kind(text: str) -> Kind:
    return "Num" if text == "Num" else "Char"


@cache
def load_sdtmig(version: str = "3.4") -> Tabulation:
    """SDTMIG of that version, read once."""
    return Tabulation(version)
