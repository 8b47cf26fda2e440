"""Sections that both reviewer's guides have: introduction, standards, protocol, findings, programs, folders.

Sources: PHUSE templates of the Clinical Study Data Reviewer's Guide and the Analysis Data Reviewer's Guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from submission.built import Built, Published
from submission.define_dictionaries import Dictionaries
from submission.define_standards import standards_of
from submission.ectd import ROOT, file_rules, study_folder
from submission.guide import Guide, Paragraph, Table
from submission.guide_facts import GuideFinding, comments, general_acronyms, used_acronyms
from submission.guide_texts import Decision, GuideTexts

NONE = "None."


def introduce(guide: Guide, built: Built, package: str, purpose: str, more: Sequence[str]) -> None:
    """Section 1: purpose, acronyms (filled last, see acronyms()), standards and dictionaries."""
    guide.heading(1, "Introduction")
    guide.heading(2, "Purpose")
    guide.say(purpose, *more)
    guide.heading(2, "Acronyms")
    guide.heading(2, "Study data standards, formats and dictionaries")
    standards = standards_of(built.study, package)
    rows = [(f"{s.name} ({s.publishing_set})" if s.publishing_set else s.name, s.version) for s in standards]
    rows += [("Define-XML", "2.1"), ("Datasets", "SAS Version 5 transport files (XPT)")]
    guide.table("Standards and formats", {"Standard": 3, "Version": 2}, rows, NONE)
    dictionaries = Dictionaries(built)
    said = [(name, dictionaries.version(name) or "not stated") for name in dictionaries.declared]
    guide.table("Dictionaries", {"Dictionary": 3, "Version": 2}, said, "No dictionary is declared in the specs.")


def acronyms(guide: Guide, texts: GuideTexts) -> None:
    """Fill the section of acronyms with those that the guide uses, and number its tables, once all of it is written."""
    found = used_acronyms(guide.words(), {**general_acronyms(), **texts.acronyms})
    rows = tuple(found.items())
    guide.under("Acronyms", [Table("Acronyms", ("Acronym", "Meaning"), (1, 4), rows) if rows else Paragraph(NONE)])
    guide.number()


def protocol(guide: Guide, built: Built, texts: GuideTexts) -> None:
    """Section 2.1: number, title and versions."""
    study = built.study
    guide.heading(2, "Protocol number and title")
    rows = [
        ("Protocol number", texts.protocol.number or study.name),
        ("Protocol title", texts.protocol.title or study.file.title),
        *(("Version", v) for v in texts.protocol.versions),
    ]
    guide.table("Protocol", {"Item": 1, "Value": 4}, rows, NONE)
    if not texts.protocol.versions:
        guide.draft("name the versions and amendments of the protocol with their dates (protocol: versions).")


def dataset_rows(datasets: Iterable[Published]) -> list[tuple[str, ...]]:
    """Dataset, label, class, structure, records and keys of each dataset."""
    return [
        (d.name, d.meta.label, d.info.klass.title(), d.info.structure, f"{d.records:,}", ", ".join(d.info.keys))
        for d in datasets
    ]


DATASETS = {"Dataset": 1.0, "Label": 2.2, "Class": 1.5, "Structure": 2.3, "Records": 1.1, "Keys": 2.5}


def splitting(guide: Guide, splits: Sequence[Mapping[str, Any]]) -> None:
    """Which datasets were split, by what, and into which parts; a split is told also where there is none."""
    rows = [
        (split["dataset"], split["by"], part["name"], f"{part['records']:,}", ", ".join(map(str, part["values"])))
        for split in splits
        for part in split["parts"]
    ]
    guide.table(
        "Split datasets", {"Dataset": 1, "Split by": 1, "Part": 1, "Records": 1, "Values": 4}, rows,
        "No dataset was split: each is smaller than the size from which datasets are split.",
    )  # fmt: skip
    if rows:
        guide.say("The whole dataset stands beside the folder with its parts; all parts have the lengths of the whole.")


def decisions(guide: Guide, built: Built, package: str, written: Sequence[Decision]) -> None:
    """Data handling decisions: those that people wrote, and the comments of the specs."""
    rows = [(d.about, d.says, d.why) for d in written]
    rows += [(f"{name}.{v}" if v else name, said, "specification") for name, v, said in comments(built.study, package)]
    guide.table("Data handling decisions", {"About": 1.2, "Decision": 4, "Reason or source": 2}, rows,
                "The study states no decision beyond its specifications; see the methods in define.xml.")  # fmt: skip


def sponsor_terms(guide: Guide, built: Built) -> None:
    """Terms that the study adds to codelists."""
    rows = [(name, value, decode) for name, terms in built.study.file.codelists.items() for value, decode in
            terms.items()]  # fmt: skip
    guide.table("Terms of the sponsor", {"Codelist": 1, "Term": 2, "Decode": 2}, rows,
                "No codelist has terms of the sponsor.")  # fmt: skip


def settings(guide: Guide, built: Built) -> None:
    """Values that the specs call by name."""
    rows = [(name, "" if v is None else str(v)) for name, v in built.study.file.settings.items()
            if not isinstance(v, (list, dict))]  # fmt: skip
    guide.table("Values that specifications call by name", {"Setting": 1, "Value": 3}, rows, NONE)


def conformance(
    guide: Guide,
    findings: Sequence[GuideFinding] | None,
    packages: Sequence[str],
    inputs: Sequence[str],
    more: Sequence[str],
) -> None:
    """What was checked with what, and what was found; each explained finding with its explanation.

    Without a check (None) that is a draft: nothing may be said of findings that nobody looked for.
    """
    guide.heading(1, "Data conformance summary")
    guide.heading(2, "Conformance inputs")
    guide.bullets(inputs)
    if findings:
        guide.say(f"Findings below come from: {', '.join(sorted({f.source for f in findings}))}.")
    guide.heading(2, "Issues summary")
    if findings is None:
        guide.draft("these datasets were not checked; check them, then make the guide again.")
    else:
        _explained(guide, findings, packages)
    guide.heading(2, "Additional conformance details")
    if more:
        guide.say(*more)
    else:
        guide.say("Nothing is to be added to the explanations above.")


def _explained(guide: Guide, findings: Sequence[GuideFinding], packages: Sequence[str]) -> None:
    rows = [(f.source, f.rule, _where(f), f"{f.count:,}", f.says, f.explanation) for f in findings if f.explanation]
    columns = {"Source": 0.8, "Rule": 1.1, "Where": 1.3, "Number": 0.7, "Finding": 2.4, "Explanation": 2.6}
    guide.table("Explained findings", columns, rows,
                f"No finding of the datasets of {', '.join(packages)} is to be explained.")  # fmt: skip
    for f in (f for f in findings if not f.explanation):
        said = f": {f.says}" if f.says else ""
        guide.draft(f"explain {f.source} {f.rule} on {_where(f)}, {f.count:,} found{said}.")


def _where(finding: GuideFinding) -> str:
    return f"{finding.dataset}.{finding.variable}" if finding.variable else finding.dataset or "all datasets"


def directories(guide: Guide, built: Built, splits: Sequence[Mapping[str, Any]]) -> None:
    """The folders of the submission and what stands in them; folders of parts only of what was split."""
    folder = study_folder(built.study.name)
    kinds = [built.standard(p) for p in built.packages]
    split = {s["dataset"] for s in splits}
    parted = {built.standard(p) for p, published in built.packages.items() if any(d.name in split for d in published)}
    rows = [(f"{ROOT}/{folder}/{r.folder}", r.name, r.kind) for r in file_rules()
            if r.standard in kinds and (r.kind != "part" or r.standard in parted)]  # fmt: skip
    guide.table("Directory structure", {"Folder": 4, "File": 2, "Content": 1.5}, rows, NONE)


def legacy(guide: Guide, texts: Sequence[str]) -> None:
    """Data that were converted from something else."""
    guide.heading(1, "Legacy data conversion")
    if texts:
        guide.say(*texts)
    else:
        guide.say("There are no legacy data: every dataset was made from the collected data by the study's "
                  "specifications.")  # fmt: skip
