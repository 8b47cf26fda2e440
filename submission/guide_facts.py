"""What the reviewer's guides take from the specs and the published files: dependencies, keys, decisions, words.

Sources: PHUSE templates of the Clinical Study Data Reviewer's Guide and the Analysis Data Reviewer's Guide.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.spec.dataset import DatasetSpec, is_working
from engine.spec.method_text import records_method
from engine.spec.methods import line_sentence, records_sentence
from engine.spec.study import Study
from submission.built import Built

DATA = Path(__file__).parent / "data"
BEHIND = "Intermediate values:"  # the line after which records_method tells of them


@dataclass(frozen=True, slots=True)
class GuideFinding:
    """One kind of finding of a check: who found it by which rule where, how often, and why it is no defect.

    `says` is what the rule found in words; an empty `explanation` is a finding that nobody has explained.
    """

    source: str
    rule: str
    dataset: str
    variable: str
    count: int
    explanation: str
    says: str = ""


@cache
def general_acronyms() -> dict[str, str]:
    """Acronyms that every guide uses."""
    with (DATA / "acronyms.csv").open(encoding="utf-8", newline="") as handle:
        return {row["acronym"]: row["meaning"] for row in csv.DictReader(handle)}


def used_acronyms(texts: Iterable[str], known: dict[str, str]) -> dict[str, str]:
    """Those of the known acronyms that stand in any text, in order of the alphabet."""
    words = {w for text in texts for w in text.replace("/", " ").replace("-", " ").translate(_PUNCTUATION).split()}
    whole = " ".join(texts)
    return {a: m for a, m in sorted(known.items()) if a in words or (("-" in a or " " in a) and a in whole)}


_PUNCTUATION = str.maketrans(dict.fromkeys(".,;:()[]\"'", " "))


def direct_sources(study: Study) -> dict[str, tuple[str, ...]]:
    """The built datasets and raw sources that each dataset is made of, working datasets included; itself left out."""
    found: dict[str, tuple[str, ...]] = {}
    for name, spec in sorted(study.datasets.items()):
        sources = dict.fromkeys(s for s in _sources(spec) if s != name and s not in spec.prefixes())
        found[name] = tuple(s for s in sources if s in study.datasets or _is_raw(study, s))
    return found


def _sources(spec: DatasetSpec) -> Iterator[str]:
    for part in spec.parts:
        for step in part.steps:
            yield from step.params.tables()
            yield from (ref.source for ref in step.refs() if ref.source)
    for _, line in spec.all_lines():
        yield from line.params.tables()
        yield from (ref.source for ref in line.refs() if ref.source)


def _is_raw(study: Study, source: str) -> bool:
    forms = study.forms.forms if study.forms is not None else ()
    return source in forms or source in study.raw.vendors


def published_sources(study: Study) -> dict[str, tuple[str, ...]]:
    """As direct_sources, with what stands behind a working dataset in its place."""
    direct = direct_sources(study)

    def behind(name: str, seen: tuple[str, ...]) -> Iterator[str]:
        for source in direct[name]:
            if source in study.datasets and study.datasets[source].working:
                if source not in seen:
                    yield from behind(source, (*seen, source))
            else:
                yield source

    return {
        name: tuple(dict.fromkeys(s for s in behind(name, ()) if s != name))
        for name in direct
        if not study.datasets[name].working
    }


def raw_files(study: Study) -> tuple[list[str], list[str]]:
    """Names of the forms, and of the vendor files, as the export has them."""
    forms = [study.forms.oid(f) for f in study.forms.forms] if study.forms is not None else []
    return forms, [v.files for v in study.raw.vendors.values()]


def record_lines(study: Study, name: str) -> list[str]:
    """How the records of a dataset come about, line by line; parts of which the same is said in one line."""
    spec = study.datasets[name]
    said: dict[str, list[str]] = {}
    for line in records_sentence(spec).split("\n"):
        part, _, text = line.strip().partition(": ")
        named = bool(text) and any(p.name == part for p in spec.parts)
        said.setdefault(text if named else line.strip(), []).append(part if named else "")
    return [f"{', '.join(parts)}: {text}" if any(parts) else text for text, parts in said.items() if text]


def intermediate_lines(study: Study, name: str) -> list[str]:
    """What lies behind the intermediate values that the sentence of a dataset's records names, as in define.xml."""
    _, _, behind = records_method(study, name).partition(f"\n{BEHIND}\n")
    return behind.split("\n") if behind else []


def steps_of(names: Sequence[str], sources: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Datasets by how many others must be made before them; those that read one another stand in one step.

    Args:
        names: the datasets.
        sources: dataset -> those that it reads.
    """
    waiting, done = {n: {s for s in sources.get(n, ()) if s in names} for n in names}, set[str]()
    steps: list[list[str]] = []
    while waiting:
        needs = {n: _needed(n, waiting) for n in waiting}
        ready = sorted(n for n in waiting if all(n in needs[other] for other in needs[n]))
        steps.append(ready)
        done.update(ready)
        waiting = {n: of - done for n, of in waiting.items() if n not in done}
    return steps


def _needed(name: str, waiting: Mapping[str, set[str]]) -> set[str]:
    """All that a dataset needs, directly or not, of what is not made yet."""
    found: set[str] = set()
    further = [*waiting[name]]
    while further:
        each = further.pop()
        if each not in found:
            found.add(each)
            further += waiting.get(each, ())
    return found


def qualifiers(built: Built, domain: str) -> list[tuple[str, str, int]]:
    """QNAM, QLABEL and number of records of the supplemental qualifiers of a domain; none when it has none."""
    name = f"SUPP{domain}"
    if name not in built.datasets:
        return []
    frame = built.frame(name)[["QNAM", "QLABEL"]]
    counted = frame.groupby(["QNAM", "QLABEL"], sort=True).size()
    return [(str(qnam), str(label), int(n)) for (qnam, label), n in counted.items()]  # type: ignore[misc]


def not_collected(study: Study, packages: Sequence[str]) -> list[tuple[str, str, str]]:
    """Dataset, variable and reason of every variable that is empty because nothing was collected."""
    found = []
    for name, spec in sorted(study.datasets.items()):
        if spec.package in packages and not spec.working:
            for part, line in spec.all_lines():
                if line.params.value_is == "absent" and not is_working(line.name):
                    where = f" ({part.name})" if part is not None and part.name else ""
                    found.append((name, line.name + where, line_sentence(line).removeprefix("Null: ")))
    return found


def comments(study: Study, package: str) -> list[tuple[str, str, str]]:
    """Dataset, variable ('' for the dataset) and comment: what the specs say to a reviewer in so many words."""
    found = []
    for name, spec in sorted(study.datasets.items()):
        if spec.package == package and not spec.working:
            if spec.header.comment:
                found.append((name, "", spec.header.comment))
            found += [(name, line.name, line.options.comment) for _, line in spec.all_lines() if line.options.comment]
    return found


def cut_offs(study: Study, package: str) -> list[str]:
    """Datasets whose records end at the cut-off, each with its date variable."""
    return [f"{s.name} ({s.header.cut_off})" for s in study.package(package) if s.header.cut_off]
