"""Compares two productions, files or folders: which datasets answer which, by which keys, and what stands behind.

Keys are those that are given, else the spec's, else proposed. A dataset that cannot be read or held against the other
is listed as not comparable, and the others are compared.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import CommandError, Place, Problem, TrialmillError, nearest
from trialmill.compare_files import Folder, dataset_files, load_side, pairs
from validators.comparison import GIVEN, PROPOSED, SPEC, Choice, compare_sides
from validators.comparison_result import Outcome, Result

EVERY = ""  # the dataset for which keys hold that name none


@dataclass(frozen=True, slots=True)
class Request:
    """What to compare and how.

    `keys` by dataset, EVERY for all others; `datasets`: of two folders those alone; `dataset`: of a file with several;
    `study`, `raw`, `carrier`: what our side was built from; `trace`: records of each variable followed to raw data.
    """

    base: Path
    qc: Path
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)
    datasets: Sequence[str] = ()
    dataset: str = ""
    encoding: str = ""
    study: Path | None = None
    raw: Path | None = None
    carrier: str | None = None
    trace: int = 3


def compare(request: Request) -> Outcome:
    """Compare two files or two folders; of a folder and a file, the dataset of the file's name.

    Raises:
        CommandError: a file or folder is missing, or an option names what is not there.
        SpecError: the study that was named cannot be read.
    """
    for path in (request.base, request.qc):
        if not path.exists():
            raise CommandError(Problem("no such file or folder", Place(str(path))))
    outcome = Outcome(str(request.base), str(request.qc), settings=_settings(request))
    known = _Known(request)
    found = _found(request, outcome, known)
    for name, base, qc in found:
        outcome.results.append(_result(request, known, name, base, qc))
    outcome.notes += known.notes + _unused(request, outcome)
    known.add_causes(outcome)
    return outcome


def _unused(request: Request, outcome: Outcome) -> list[str]:
    """Variables and datasets that an option names and no dataset compared has: misspelt, it would do nothing unseen."""
    compared = [r.comparison for r in outcome.results if r.comparison is not None]
    held = {n for c in compared for side in (c.base, c.qc) for n in side.names}
    datasets = {r.name for r in outcome.results}
    if not compared:
        return []
    return [
        *(f"--tolerance {n}: no dataset compared has this variable" for n in sorted(request.choice.tolerances)
          if n and n not in held),
        *(f"--without {n}: no dataset compared has this variable" for n in sorted(request.choice.without)
          if n not in held),
        *(f"--keys {n}: no such dataset is compared" for n in sorted(request.keys) if n and n not in datasets),
    ]


def _settings(request: Request) -> dict[str, str]:
    """What was chosen, as the report repeats it."""
    said = {}
    if request.choice.tolerances:
        said["tolerance"] = ", ".join(f"{n or 'all'} {t}" for n, t in sorted(request.choice.tolerances.items()))
    if request.choice.ignore:
        said["differences that decide nothing"] = ", ".join(sorted(request.choice.ignore))
    if request.choice.without:
        said["variables left out"] = ", ".join(sorted(request.choice.without))
    if request.datasets:
        said["datasets"] = ", ".join(request.datasets)
    return said


def _found(request: Request, outcome: Outcome, known: _Known) -> list[tuple[str, Path, Path]]:
    """The datasets to compare; what only one folder has goes to the outcome."""
    if request.base.is_file() and request.qc.is_file():
        return [(_name(request), request.base, request.qc)]
    sides = [dataset_files(p, known.packages(p)) if p.is_dir() else Folder(p.parent, {p.stem.upper(): p})
             for p in (request.base, request.qc)]
    for other, path in ((sides[1], request.base), (sides[0], request.qc)):
        if path.is_file():
            other.files = {n: p for n, p in other.files.items() if n == path.stem.upper()}
            other.doubled = {n: p for n, p in other.doubled.items() if n == path.stem.upper()}
    if request.datasets:
        _select(sides, [d.upper() for d in request.datasets])
    base, qc = sides
    outcome.notes += [f"{word} {note}" for word, side in (("BASE", base), ("QC", qc)) for note in side.notes]
    for name in sorted({*base.doubled, *qc.doubled}):
        outcome.results.append(_doubled(name, base, qc))
    taken = {*base.doubled, *qc.doubled}
    outcome.only_base = {n: str(p) for n, p in base.files.items() if n not in qc.files and n not in taken}
    outcome.only_qc = {n: str(p) for n, p in qc.files.items() if n not in base.files and n not in taken}
    found = [each for each in pairs(base, qc) if each[0] not in taken]
    if not found and not taken:
        raise CommandError(Problem("no dataset is in both", found=f"BASE {_some(base)}; QC {_some(qc)}",
                                   do="name two files, or folders that hold files of the same names"))
    return found


def _name(request: Request) -> str:
    return request.dataset or request.base.stem.upper()


def _select(sides: Sequence[Folder], names: Sequence[str]) -> None:
    known = {n for side in sides for n in (*side.files, *side.doubled)}
    problems = [Problem(f"neither folder holds {n}", nearest=nearest(n, known)) for n in names if n not in known]
    if problems:
        raise CommandError(problems)
    for side in sides:
        side.files = {n: p for n, p in side.files.items() if n in names}
        side.doubled = {n: p for n, p in side.doubled.items() if n in names}


def _doubled(name: str, base: Folder, qc: Folder) -> Result:
    """A dataset that a folder holds at several places: which of them is meant is not guessed."""
    told = [", ".join(str(p) for p in side.doubled.get(name, [side.files[name]] if name in side.files else []))
            for side in (base, qc)]
    problem = Problem("a folder holds the dataset at several places", found="; ".join(t for t in told if t),
                      do="name the two files, or narrower folders")
    return Result(name, told[0], told[1], problems=[problem])


def _some(side: Folder) -> str:
    return ", ".join(list(side.files)[:8]) + (", ..." if len(side.files) > 8 else "") or "none"


class _Known:
    """What builds and specs say of the two sides; read only when there is something to ask."""

    def __init__(self, request: Request) -> None:
        from trialmill.compare_builds import build_of, study_of  # noqa: PLC0415  a bare comparison need not wait

        self._request = request
        found = {"BASE": build_of(request.base), "QC": build_of(request.qc)}
        self.builds = {word: build for word, build in found.items() if build is not None}
        self.study = study_of(request.study, list(self.builds.values()))
        self.catalogue = None
        self.notes: list[str] = []
        if self.study is not None:
            from engine.spec.catalogue import Catalogue  # noqa: PLC0415

            self.catalogue = Catalogue(self.study)
            names = {e.get("study") for b in self.builds.values() for e in b.entries.values()}
            if names and self.study.name not in names:
                others = ", ".join(sorted(map(str, names)))
                self.notes.append(f"the folders are builds of {others}, not of {self.study.name}")
            self.builds = {w: b for w, b in self.builds.items()
                           if self.study.name in {e.get("study") for e in b.entries.values()}}

    def packages(self, folder: Path) -> set[str]:
        """The packages that a build published in a folder; none where it is not the folder of a build."""
        from trialmill.compare_builds import build_of  # noqa: PLC0415

        build = build_of(folder)
        return set(build.entries) if build is not None and build.out == folder else set()

    def keys(self, dataset: str) -> tuple[str, ...]:
        """The spec's keys of a dataset; () where there are none."""
        from trialmill.compare_builds import keys_of  # noqa: PLC0415

        return keys_of(self.catalogue, dataset) if self.catalogue is not None else ()

    def altered(self, base: Path, qc: Path) -> list[str]:
        """What the journals say of two files."""
        from trialmill.compare_builds import build_of  # noqa: PLC0415

        found = []
        for word, path in (("BASE", base), ("QC", qc)):
            build = self.builds.get(word) or build_of(path)
            said = build.altered(path) if build is not None else ""
            found += [f"{word} {said}"] if said else []
        return found

    def add_causes(self, outcome: Outcome) -> None:
        """Spec lines and raw records, where a side is a build of the study or the study is named."""
        if self.study is None or not (self.builds or self._request.study):
            return
        from trialmill.compare_causes import add_causes  # noqa: PLC0415

        raw = self._request.raw or Path("raw") / self.study.folder.name
        add_causes(outcome, self.study, self.builds, raw, self._request.carrier, self._request.trace)


def _result(request: Request, known: _Known, name: str, base: Path, qc: Path) -> Result:
    result = Result(name, str(base), str(qc))
    problems: list[Problem] = []
    sides = []
    for path in (base, qc):
        try:
            sides.append(load_side(path, request.dataset, request.encoding))
        except TrialmillError as error:
            problems += error.problems
    if not problems and request.base.is_file() and request.qc.is_file() and not request.dataset:
        names = {side.meta.name.upper() for side in sides}
        name = result.name = names.pop() if len(names) == 1 else name  # what the files call themselves
    result.notes += known.altered(base, qc)
    if problems:
        result.problems = problems
        return result
    keys: list[str] | None = list(request.keys.get(name, request.keys.get(EVERY, ()))) or None
    keys_are = GIVEN
    if keys is None:
        spec = known.keys(name)
        keys = [k for k in spec if any(k in side.names for side in sides)] or None
        keys_are = SPEC if keys else PROPOSED
        gone = [k for k in spec if keys and k not in keys]
        if gone:
            result.notes.append(f"of the spec's keys {', '.join(gone)} is in neither file")
    try:
        result.comparison = compare_sides(sides[0], sides[1], keys, keys_are=keys_are, name=name, choice=request.choice)
    except TrialmillError as error:
        result.problems = error.problems
    return result
