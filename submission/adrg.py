"""The Analysis Data Reviewer's Guide of a study: its analysis datasets, section by section.

All that the build and the specs know is filled in; what only people know comes from guides.yaml, and what is missing
there is marked as a draft. A section without content says so.

Sources: PHUSE ADRG template (sections); ADaMIG 1.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engine.spec.displays import load_displays
from engine.spec.methods import variable_sentence
from engine.spec.study import Study
from submission.built import Built
from submission.guide import Guide, Stage
from submission.guide_common import (
    NONE,
    acronyms,
    conformance,
    decisions,
    directories,
    introduce,
    legacy,
    protocol,
    splitting,
)
from submission.guide_facts import GuideFinding, direct_sources, published_sources, record_lines, steps_of
from submission.guide_texts import GuideTexts, load_guide_texts
from submission.programs import program_name

SUBJECTS = "ADSL"
PURPOSE = (
    "This guide gives reviewers additional context for the analysis datasets of the study, beyond what define.xml "
    "says. It was generated from the specifications, the datasets and the conformance findings; texts that only the "
    "study team knows were added by the team."
)
OVERVIEW = {"Dataset": 1, "Label": 2, "Class": 1.4, "Purpose": 1.4, "Records": 1, "Keys": 2.3}


def adrg(
    built: Built,
    findings: Sequence[GuideFinding] | None = (),
    splits: Sequence[Mapping[str, Any]] = (),
    checked: Sequence[str] = (),
) -> Guide:
    """The guide of the analysis datasets of a build; arguments as of csdrg.

    Raises:
        SpecError: guides.yaml cannot be read.
    """
    study, texts = built.study, load_guide_texts(built.study)
    package = next(p for p in built.packages if built.standard(p) == "adamig")
    names = [d.name for d in built.packages[package]]
    guide = Guide("adrg", "Analysis Data Reviewer's Guide", study.name, study.file.title, built.created)
    introduce(guide, built, package, PURPOSE, texts.adrg.purpose)
    _sources(guide, built, names)
    guide.heading(1, "Protocol description")
    protocol(guide, built, texts)
    guide.heading(2, "Protocol design in relation to ADaM concepts")
    guide.written((*texts.protocol.design, *texts.adrg.design), "describe the design as the analysis datasets show it.")
    _considerations(guide, built, texts, names)
    _processing(guide, built, names, splits)
    _datasets(guide, built, texts, package)
    inputs = [f"The {len(names)} analysis datasets of this package, read back from their files",
              "The tabulations from which they were made", *checked]  # fmt: skip
    mine = None if findings is None else [f for f in findings if not f.dataset or f.dataset in names]
    conformance(guide, mine, [package], inputs, texts.adrg.conformance)
    _programs(guide, built, texts)
    guide.heading(1, "Directory structure")
    directories(guide, built, splits)
    legacy(guide, texts.adrg.legacy)
    guide.heading(1, "Additional content")
    guide.say(*(texts.adrg.additional or [NONE]))
    acronyms(guide, texts)
    return guide


def _sources(guide: Guide, built: Built, names: Sequence[str]) -> None:
    guide.heading(2, "Source data used for analysis dataset creation")
    sources = published_sources(built.study)
    rows = Counter(s for n in names for s in sources.get(n, ()) if s not in names)
    raw = sorted(s for s in rows if s not in built.study.datasets)
    tabulations = sorted(s for s in rows if s in built.study.datasets)
    guide.say(f"The analysis datasets are made of these tabulations: {', '.join(tabulations)}." if tabulations
              else "No analysis dataset is made of tabulations.")  # fmt: skip
    guide.say(f"Collected data are read directly from: {', '.join(raw)}." if raw else
              "No analysis dataset reads collected data directly.")  # fmt: skip


def _considerations(guide: Guide, built: Built, texts: GuideTexts, names: Sequence[str]) -> None:
    study, own = built.study, texts.adrg
    guide.heading(1, "Analysis considerations related to multiple analysis datasets")
    guide.say("Methods are quoted in short. Names that begin with _ and names of intermediate datasets are those of "
              "values that are not submitted; the methods in define.xml say what lies behind them.")  # fmt: skip
    guide.heading(2, "Core variables")
    guide.say(*own.core_variables)
    guide.table("Variables of ADSL that other analysis datasets carry",
                {"Variable": 1, "Label": 3, "Datasets": 4}, _core(built, names),
                "No analysis dataset carries variables of ADSL.")  # fmt: skip
    guide.heading(2, "Treatment variables")
    guide.say(*own.treatment_variables)
    if SUBJECTS in names:
        guide.table("Treatment variables in ADSL", {"Variable": 1, "Label": 2, "Method": 5},
                    _methods(built, SUBJECTS, lambda n: n.startswith(("TRT", "TR0", "ACTARM", "ARM"))),
                    "ADSL has no treatment variable.")  # fmt: skip
    guide.heading(2, "Analysis populations")
    guide.say(*own.populations)
    if SUBJECTS in names:
        guide.table("Population and other flags in ADSL", {"Variable": 1, "Label": 2, "Method": 5},
                    _methods(built, SUBJECTS, lambda n: n.endswith("FL")), "ADSL has no flag.")  # fmt: skip
    guide.heading(2, "Subject issues that require special analysis rules")
    guide.say(*(own.special_subjects or [NONE]))
    guide.heading(2, "Visit windowing, unscheduled visits and record selection")
    guide.say(*own.windowing)
    rows = [(d, *row) for d in names for row in _methods(built, d, _selects)]
    guide.table("Variables that choose records or place them in visits",
                {"Dataset": 0.9, "Variable": 0.9, "Label": 1.8, "Method": 5}, rows,
                "No analysis dataset chooses records or places them in visits.")  # fmt: skip
    guide.heading(2, "Imputation and derivation methods")
    guide.say(*own.imputation)
    flags = [(d, *row) for d in names for row in _methods(built, d, lambda n: n.endswith(("DTF", "TMF")))]
    guide.table("Flags of imputed dates and times", {"Dataset": 0.9, "Variable": 0.9, "Label": 1.8, "Method": 5}, flags,
                "No date or time is imputed with a flag.")  # fmt: skip
    guide.heading(2, "Data handling decisions")
    package = study.datasets[names[0]].package if names else ""
    decisions(guide, built, package, texts.analysis_decisions)


def _selects(name: str) -> bool:
    anl = name.startswith("ANL") and name.endswith("FL")
    return anl or name in ("ABLFL", "AVISIT", "AWTARGET", "AWRANGE", "DTYPE", "ONTRTFL", "TRTEMFL")


def _methods(built: Built, dataset: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, str, str]]:
    """Variable, label and sentence of the published variables of a dataset that are wanted."""
    spec = built.study.datasets.get(dataset)
    for variable in built.datasets[dataset].meta.variables:
        if spec is not None and wanted(variable.name):
            told = any(spec.lines(variable.name))
            yield variable.name, variable.label, variable_sentence(spec, variable.name) if told else ""


def _core(built: Built, names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Variables of ADSL that stand in other analysis datasets, with the datasets."""
    if SUBJECTS not in names:
        return []
    others = [n for n in names if n != SUBJECTS]
    rows = []
    for variable in built.datasets[SUBJECTS].meta.variables:
        carried = [n for n in others if any(v.name == variable.name for v in built.datasets[n].meta.variables)]
        if carried:
            said = "all" if carried == others else ", ".join(carried)
            rows.append((variable.name, variable.label, said))
    return rows


def _processing(guide: Guide, built: Built, names: Sequence[str], splits: Sequence[Mapping[str, Any]]) -> None:
    study = built.study
    guide.heading(1, "Analysis data creation and processing issues")
    guide.heading(2, "Split datasets")
    splitting(guide, [s for s in splits if s["dataset"] in names])
    guide.heading(2, "Data dependencies")
    sources = published_sources(study)
    rows = [(n, ", ".join(s for s in sources[n] if s not in names) or "none",
             ", ".join(s for s in sources[n] if s in names) or "none") for n in names if n in sources]  # fmt: skip
    guide.table("What each analysis dataset is made of",
                {"Dataset": 1, "Tabulations and collected data": 4, "Analysis datasets": 3}, rows, NONE)  # fmt: skip
    used = sorted({s for n in names for s in sources.get(n, ()) if s not in names})
    raw = [s for s in used if s not in study.datasets]
    read = [", ".join(s for s in used if s in study.datasets) or "none"]
    first = Stage("Tabulations", (*read, *([f"Collected data read directly: {', '.join(raw)}"] if raw else [])))
    levels = [Stage(f"Analysis datasets, step {i}", (", ".join(level),))
              for i, level in enumerate(steps_of(names, sources), 1)]  # fmt: skip
    guide.flow("Dependencies of the analysis datasets", [first, *levels], [""] * len(levels))
    guide.say("Datasets of one step may read variables of one another: variables, not datasets, are derived in the "
              "order of what they need.")  # fmt: skip
    guide.heading(2, "Intermediate datasets")
    direct = direct_sources(study)
    working = [
        (n, ", ".join(d for d, of in direct.items() if n in of), "\n".join(record_lines(study, n)))
        for n in _working(study, names, direct)
    ]
    guide.table("Intermediate datasets, which are not submitted", {"Dataset": 1, "Read by": 2, "Records": 5}, working,
                "No intermediate dataset is used.")  # fmt: skip
    if working:
        guide.say("Intermediate datasets are made anew in each build and hold nothing that the submitted datasets and "
                  "the methods in define.xml do not show.")  # fmt: skip


def _working(study: Study, names: Sequence[str], direct: Mapping[str, Sequence[str]]) -> list[str]:
    """Working datasets behind the analysis datasets."""
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        for source in direct.get(waiting.pop(), ()):
            if source in study.datasets and study.datasets[source].working and source not in found:
                found[source] = None
                waiting.append(source)
    return sorted(found)


def _datasets(guide: Guide, built: Built, texts: GuideTexts, package: str) -> None:
    published = built.packages[package]
    guide.heading(1, "Analysis dataset descriptions")
    guide.heading(2, "Overview")
    rows = [(d.name, d.meta.label, d.info.klass.title(), ", ".join(texts.purposes.get(d.name, ())), f"{d.records:,}",
             ", ".join(d.info.keys)) for d in published]  # fmt: skip
    guide.table("Analysis datasets", OVERVIEW, rows, NONE)
    for name in (d.name for d in published if d.name not in texts.purposes):
        guide.draft(f"name the purpose of {name}, such as Efficacy, Safety or Baseline (purposes).")
    guide.heading(2, "Analysis datasets")
    sources = published_sources(built.study)
    for dataset in published:
        guide.heading(3, f"{dataset.name}: {dataset.meta.label}")
        guide.say(*texts.datasets.get(dataset.name, ()))
        guide.say(f"{dataset.records:,} records. Keys: {', '.join(dataset.info.keys)}. "
                  f"Made of: {', '.join(sources[dataset.name]) or 'nothing else'}.")  # fmt: skip
        guide.say("How its records come about:")
        guide.bullets(record_lines(built.study, dataset.name))
        parameters = _parameters(built, dataset.name)
        if parameters:
            guide.table(f"Parameters of {dataset.name}", {"PARAMCD": 1, "PARAM": 4, "Records": 1}, parameters, NONE)


def _parameters(built: Built, name: str) -> list[tuple[str, str, str]]:
    known = [v.name for v in built.datasets[name].meta.variables]
    if "PARAMCD" not in known or "PARAM" not in known:
        return []
    counted = built.frame(name)[["PARAMCD", "PARAM"]].fillna("").groupby(["PARAMCD", "PARAM"], sort=True).size()
    return [(str(code), str(label), f"{n:,}") for (code, label), n in counted.items()]  # type: ignore[misc]


def _programs(guide: Guide, built: Built, texts: GuideTexts) -> None:
    study = built.study
    guide.heading(1, "Submission of programs")
    guide.heading(2, "Description")
    guide.say("Datasets are not programmed one by one: each is described in a specification file, which the engine "
              "carries out. The folder of programs holds these files as plain text, the functions that the study adds "
              "and the list of packages with their versions.")  # fmt: skip
    guide.say(*texts.adrg.programs)
    guide.heading(2, "ADaM programs")
    rows = [
        (program_name(s.document.file.removeprefix(f"{study.shown}/")), s.name, "no" if s.working else "yes")
        for s in sorted(study.datasets.values(), key=lambda s: s.name)
        if study.file.packages[s.package].standard == "adamig"
    ]
    guide.table("Specification files of the analysis datasets", {"File": 3, "Dataset": 2, "Submitted": 1}, rows, NONE)
    hooks = [(n, ", ".join(h.writes), h.says) for n, h in study.file.hooks.items()]
    guide.table("Functions that the study adds", {"Function": 1, "Gives": 1, "What it does": 4}, hooks,
                "The study adds no function of its own.")  # fmt: skip
    guide.heading(2, "Output programs")
    displays = load_displays(study)
    shown = [
        (number, d.title, ", ".join(dict.fromkeys(n for r in d.results for n in r.datasets)),
         ", ".join(dict.fromkeys(r.program for r in d.results if r.program)) or "not in this package")
        for number, d in (displays.displays.items() if displays is not None else ())
    ]  # fmt: skip
    guide.table("Tables, figures and listings", {"Display": 1, "Title": 3.5, "Datasets": 2, "Program": 1.5}, shown,
                "The specifications describe no tables, figures or listings.")  # fmt: skip
