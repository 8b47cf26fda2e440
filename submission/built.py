"""What was published, as every document of a package reads it: the study, its dataset files, their journal entries.

Headers are read at once, records only when they are asked for and not kept, so a package of large datasets needs the
memory of its largest. The files were proved against the journal before (trialmill.outputs); nothing is proved here.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from engine.errors import DataError, FileError, Place, Problem, nearest
from engine.spec.catalogue import Catalogue, DatasetInfo
from engine.spec.study import Study
from formats.metadata import DatasetMeta
from formats.xpt_read import read_headers, read_xpt
from validators.files import settled


@dataclass(frozen=True, slots=True)
class Published:
    """One dataset file of a build: what its header says, and what the study says of it with the lengths of the file."""

    package: str
    path: Path
    meta: DatasetMeta
    records: int
    info: DatasetInfo

    @property
    def name(self) -> str:
        """The dataset's name, upper case."""
        return self.meta.name

    @property
    def parent(self) -> str:
        """The domain whose supplemental qualifiers these are; '' when they are none."""
        return self.name.removeprefix("SUPP") if self.name.startswith("SUPP") else ""


class Built:
    """A study and the packages that its builds published."""

    def __init__(
        self,
        study: Study,
        out: Path,
        files: Mapping[str, Sequence[Path]],
        entries: Mapping[str, Mapping[str, Any]],
        catalogue: Catalogue | None = None,
    ) -> None:
        """Read the headers of all published files.

        Args:
            study: the study; `catalogue` its datasets, when they were resolved before.
            out: the output folder.
            files: package -> its dataset files, as trialmill.outputs.verify_outputs gives them.
            entries: package -> the journal entry of its last build.

        Raises:
            FileError: a file is no transport file of one dataset, or holds a dataset that the study does not have.
        """
        self.study, self.out, self.entries = study, out, {p: dict(e) for p, e in entries.items()}
        self.catalogue = catalogue or Catalogue(study)
        self.packages: dict[str, tuple[Published, ...]] = {}
        problems: list[Problem] = []
        for package, paths in sorted(files.items()):
            found = []
            for path in sorted(paths):
                try:
                    found.append(self._published(package, path))
                except FileError as error:
                    problems += error.problems
            self.packages[package] = tuple(found)
        if problems:
            raise FileError(problems)

    @property
    def created(self) -> datetime:
        """The study's own time, which stands in all files."""
        return self.study.file.created

    @cached_property
    def datasets(self) -> dict[str, Published]:
        """All published datasets by name, packages in order of their names."""
        return {d.name: d for published in self.packages.values() for d in published}

    def standard(self, package: str) -> str:
        """`sdtmig` or `adamig`: what the package follows."""
        return self.study.file.packages[package].standard

    def following(self, standard: str) -> tuple[Published, ...]:
        """The published datasets that follow `sdtmig` or `adamig`, by name."""
        mine = (d for p, published in self.packages.items() if self.standard(p) == standard for d in published)
        return tuple(sorted(mine, key=lambda d: d.name))

    def frame(self, name: str) -> pd.DataFrame:
        """The records of a dataset, read anew each time: Char as `str` (missing NaN), Num as float64; see read_xpt."""
        if name not in self.datasets:
            raise DataError(Problem(f"no dataset {name} was published", nearest=nearest(name, self.datasets)))
        return read_xpt(self.datasets[name].path)[0]

    def _published(self, package: str, path: Path) -> Published:
        headers = read_headers(path)
        meta, records = headers[0]
        known = meta.name.removeprefix("SUPP") in self.catalogue.datasets
        if len(headers) != 1 or not known or path.stem != meta.name.lower():
            raise FileError(Problem(f"not a dataset of the study's package {package}", Place(str(path)),
                                    found=", ".join(m.name for m, _ in headers), do="build again"))
        parent = meta.name.removeprefix("SUPP")
        info = self.catalogue.datasets[meta.name] if parent == meta.name else self.catalogue.supplemental(parent)
        if info.package != package:
            raise FileError(Problem(f"not a dataset of the study's package {package}", Place(str(path)),
                                    found=f"{meta.name}, which belongs to {info.package}", do="build again"))
        return Published(package, path, meta, records, settled(info, meta))
