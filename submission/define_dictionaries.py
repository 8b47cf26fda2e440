"""Dictionaries outside of the define.xml that variables are coded with, and their versions.

Sources: Define-XML 2.1 section 5.3.12 (ExternalCodeList).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.spec.origins import lines_of
from engine.spec.predecessors import predecessors
from submission.built import Built


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A dictionary by the name that Define-XML terminology gives it; its version '' where nothing says it."""

    name: str
    version: str


class Dictionaries:
    """Which variables of a study are coded with which dictionary."""

    def __init__(self, built: Built) -> None:
        """From study.yaml and, for versions that the export says, the journal of the build."""
        self.built = built
        self.declared = dict(getattr(built.study.file, "dictionaries", {}))

    def of(self, dataset: str, variable: str, seen: tuple[str, ...] = ()) -> Dictionary | None:
        """The dictionary of a variable: declared for it, or that of the table in which it is looked up."""
        study = self.built.study
        for name, each in self.declared.items():
            if variable in each.variables:
                return Dictionary(name, self.version(name))
        if dataset not in study.datasets:
            return None
        for _, line in lines_of(study.datasets[dataset], variable):
            tables = line.params.tables() if line.params.value_is == "looked_up" else ()
            for name, each in self.declared.items():
                if each.table in tables and each.table:
                    return Dictionary(name, self.version(name))
        for source in predecessors(study, dataset, variable):
            if source not in seen and source.count(".") == 1 and " " not in source:
                far, name = source.split(".")
                found = self.of(far, name, (*seen, source))
                if found is not None:
                    return found
        return None

    def version(self, name: str) -> str:
        """The version of a dictionary: written in study.yaml, or read from the export when the package was built."""
        declared = self.declared[name].version
        if declared:
            return str(declared)
        for entry in self.built.entries.values():
            found = entry.get("dictionaries", {}).get(name)
            if found:
                return str(found)
        return ""
