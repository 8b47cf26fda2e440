"""The Clinical Study Data Reviewer's Guide of a study: its tabulations, section by section.

All that the build and the specs know is filled in; what only people know comes from guides.yaml, and what is missing
there is marked as a draft. A section without content says so.

Sources: PHUSE cSDRG template (sections); FDA Study Data Technical Conformance Guide 2.2 and 4.1.4.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from submission.built import Built, Published
from submission.crf_layout import CrfLayout, crf_layout
from submission.crf_targets import field_targets, unsubmitted_columns
from submission.guide import Guide, Stage
from submission.guide_common import (
    DATASETS,
    NONE,
    acronyms,
    conformance,
    dataset_rows,
    decisions,
    directories,
    introduce,
    legacy,
    protocol,
    settings,
    splitting,
    sponsor_terms,
)
from submission.guide_facts import (
    GuideFinding,
    cut_offs,
    intermediate_lines,
    not_collected,
    qualifiers,
    raw_files,
    record_lines,
)
from submission.guide_texts import GuideTexts, load_guide_texts

DESIGN = ("TA", "TE", "TV", "TI", "TS", "TM", "TD")  # trial design datasets. Source: SDTMIG 3.4 section 7
PURPOSE = (
    "This guide gives reviewers additional context for the tabulation datasets of the study, beyond what define.xml "
    "and the annotated CRF say. It was generated from the specifications, the datasets and the conformance findings; "
    "texts that only the study team knows were added by the team."
)


def csdrg(
    built: Built,
    findings: Sequence[GuideFinding] | None = (),
    layout: CrfLayout | None = None,
    splits: Sequence[Mapping[str, Any]] = (),
    checked: Sequence[str] = (),
) -> Guide:
    """The guide of the tabulations of a build.

    Args:
        built: what was published.
        findings: what a check found in any dataset; those of other packages are left out. None: nothing was checked.
        layout: the annotated CRF, when it was laid out before.
        splits: datasets that were split: `dataset`, `by` and `parts` with `name`, `records`, `values`.
        checked: what the check says of each of its sources: how many rules passed, and what was not run.

    Raises:
        SpecError: guides.yaml cannot be read.
    """
    study, texts = built.study, load_guide_texts(built.study)
    layout = layout or crf_layout(study, built.catalogue)
    package = next(p for p in built.packages if built.standard(p) == "sdtmig")
    names = {d.name for d in built.packages[package]}
    mine = None if findings is None else [f for f in findings if not f.dataset or f.dataset in names]
    guide = Guide("csdrg", "Clinical Study Data Reviewer's Guide", study.name, study.file.title, built.created)
    introduce(guide, built, package, PURPOSE, texts.csdrg.purpose)
    guide.heading(1, "Protocol description")
    protocol(guide, built, texts)
    guide.heading(2, "Protocol design")
    guide.written(texts.protocol.design, "describe the design of the protocol (protocol: design).")
    _trial_design(guide, built, texts, package)
    guide.heading(1, "Subject data description")
    _overview(guide, built, texts, package)
    _crf(guide, built, texts, layout)
    _domains(guide, built, texts, package)
    guide.heading(2, "Data handling decisions")
    decisions(guide, built, package, texts.decisions)
    guide.heading(3, "Values that specifications call by name")
    settings(guide, built)
    guide.heading(3, "Terms of the sponsor")
    sponsor_terms(guide, built)
    inputs = [f"The {len(built.packages[package])} tabulation datasets of this package, read back from their files",
              "The specifications from which define.xml was made", *checked]  # fmt: skip
    conformance(guide, mine, [package], inputs, texts.csdrg.conformance)
    guide.heading(1, "Submission structure")
    guide.heading(2, "Directory structure")
    directories(guide, built, splits)
    guide.heading(2, "Split datasets")
    splitting(guide, splits)
    legacy(guide, texts.csdrg.legacy)
    guide.heading(1, "Additional content")
    guide.say(*(texts.csdrg.additional or [NONE]))
    _criteria(guide, built)
    acronyms(guide, texts)
    return guide


def _trial_design(guide: Guide, built: Built, texts: GuideTexts, package: str) -> None:
    guide.heading(2, "Trial design datasets")
    found = [d for d in built.packages[package] if d.name in DESIGN]
    guide.table("Trial design datasets", DATASETS, dataset_rows(found), "The package has no trial design datasets.")
    guide.say(*texts.csdrg.trial_design)
    if "TA" in built.datasets:
        arms = built.frame("TA")[["ARMCD", "ARM"]].drop_duplicates().fillna("")
        guide.table("Planned arms", {"ARMCD": 1, "ARM": 4}, arms.itertuples(index=False), NONE)
    if "TS" in built.datasets:
        summary = built.frame("TS")
        if "TSVALNF" in summary:
            empty = summary[summary["TSVALNF"].notna()][["TSPARMCD", "TSPARM", "TSVALNF"]]
            guide.table("Trial summary parameters without a value", {"TSPARMCD": 1, "TSPARM": 3, "TSVALNF": 1},
                        empty.itertuples(index=False), "Every parameter in TS has a value.")  # fmt: skip


def _overview(guide: Guide, built: Built, texts: GuideTexts, package: str) -> None:
    study = built.study
    guide.heading(2, "Overview")
    guide.say(*texts.csdrg.subject_data)
    if "DM" in built.datasets:
        frame = built.frame("DM")
        groups = [c for c in ("ARMCD", "ACTARMCD", "ARMNRS") if c in frame]
        if groups:
            counted = frame[groups].fillna("").groupby(groups, sort=True).size()
            rows = [(*(key if isinstance(key, tuple) else (key,)), n) for key, n in counted.items()]
            columns = {**dict.fromkeys(groups, 1.0), "Subjects": 0.6}
            guide.table(f"Subjects in DM ({len(frame):,} in all)", columns, rows, "DM has no record.")
    ended = cut_offs(study, package)
    if ended:
        date = study.file.settings.get("DCUTDT")
        said = f", {date}," if date else ""
        guide.say(f"Records after the data cut-off{said} were left out of these datasets, by the variable in brackets: "
                  f"{', '.join(ended)}.")  # fmt: skip
    forms, vendors = raw_files(study)
    guide.heading(3, "Flow of the data")
    names = [d.name for d in built.packages[package]]
    collected = [f"Forms: {', '.join(forms)}" if forms else "Forms as the export has them",
                 *([f"Files of vendors: {', '.join(vendors)}"] if vendors else [])]  # fmt: skip
    analysis = [d.name for d in built.following("adamig")]
    stages = [
        Stage("Collected data", tuple(collected)),
        Stage("Tabulations (SDTM)", (", ".join(names),)),
        Stage("Analysis (ADaM)", (", ".join(analysis) or "not in this build",)),
    ]
    arrows = ("mapping specifications", "analysis specifications")
    guide.flow("Flow of the data from collection to analysis", stages, arrows)
    guide.say("Each arrow is carried out by specifications that also give the methods and origins in define.xml, so "
              "that datasets and metadata cannot differ. The analysis guide (adrg) tells the second.")  # fmt: skip


def _crf(guide: Guide, built: Built, texts: GuideTexts, layout: CrfLayout) -> None:
    forms = built.study.forms
    guide.heading(2, "Annotated CRF")
    if forms is None:
        guide.say("The study describes no case report form in its specifications, so that acrf.pdf is not generated.")
        guide.draft("provide the annotated CRF, or say why there is none.")
        return
    guide.say(f"acrf.pdf shows {len(layout.forms)} forms on {len(layout.pages)} pages, each unique form once, with "
              f"{len(layout.annotations)} annotations. Bookmarks lead to the forms by visit and by form.")  # fmt: skip
    guide.heading(3, "Collected and not submitted")
    rows = []
    missing = []
    for form, field, page in layout.not_submitted:
        item = forms.forms[form].items.get(field)
        reason = texts.not_submitted.get(f"{form}.{field}", "")
        rows.append((forms.oid(form), field, item.prompt if item else "", page, reason or "to be written"))
        missing += [] if reason else [f"{form}.{field}"]
    guide.table("Collected fields that are not in the tabulations",
                {"Form": 0.7, "Field": 1.1, "Question": 2, "Page": 0.5, "Reason": 3.5}, rows,
                "Every field of the forms is submitted.")  # fmt: skip
    delivered = []
    for source, column in unsubmitted_columns(built.study, field_targets(built.study, built.catalogue)):
        reason = texts.not_submitted.get(f"{source}.{column}", "")
        delivered.append((built.study.raw.vendors[source].files, column, reason or "to be written"))
        missing += [] if reason else [f"{source}.{column}"]
    guide.table("Columns of vendor files that no variable holds", {"File": 2, "Column": 1.1, "Reason": 4}, delivered,
                "Every column of the vendors' files about subjects is submitted.")  # fmt: skip
    for name in missing:
        guide.draft(f"say why {name} is collected and not submitted (not_submitted).")
    guide.heading(3, "Expected by the standard and not collected")
    empty = not_collected(built.study, [p for p in built.packages if built.standard(p) == "sdtmig"])
    guide.table("Variables without values", {"Dataset": 0.8, "Variable": 1.2, "Reason": 4}, empty,
                "Every variable of the datasets is filled from what was collected or derived.")  # fmt: skip


def _domains(guide: Guide, built: Built, texts: GuideTexts, package: str) -> None:
    guide.heading(2, "SDTM subject domains")
    found = [d for d in built.packages[package] if d.name not in DESIGN and not d.parent]
    guide.table("Datasets of the package", DATASETS, dataset_rows(found), NONE)
    more = {d.name: qualifiers(built, d.name) for d in found}
    rows = [
        (name, f"SUPP{name}", f"{sum(n for _, _, n in found):,}", ", ".join(q for q, _, _ in found))
        for name, found in more.items()
        if found
    ]
    guide.table("Supplemental qualifiers", {"Domain": 1, "Dataset": 1.2, "Records": 1, "Qualifiers (QNAM)": 5}, rows,
                "No dataset has supplemental qualifiers.")  # fmt: skip
    for each in found:
        _domain(guide, built, texts, each, more[each.name])


def _domain(
    guide: Guide, built: Built, texts: GuideTexts, dataset: Published, more: Sequence[tuple[str, str, int]]
) -> None:
    guide.heading(3, f"{dataset.name}: {dataset.meta.label}")
    guide.say(*texts.datasets.get(dataset.name, ()))
    guide.say(f"{dataset.records:,} records, {dataset.info.structure[:1].lower()}{dataset.info.structure[1:]}. "
              f"Keys: {', '.join(dataset.info.keys)}.")  # fmt: skip
    guide.say("How its records come about:")
    guide.bullets(record_lines(built.study, dataset.name))
    behind = intermediate_lines(built.study, dataset.name)
    guide.say("Values in these sentences that are not submitted:" if behind else "")
    guide.bullets(behind)
    if more:
        guide.table(f"Supplemental qualifiers in SUPP{dataset.name}", {"QNAM": 1, "QLABEL": 3, "Records": 1},
                    [(q, label, f"{n:,}") for q, label, n in more], NONE)  # fmt: skip


def _criteria(guide: Guide, built: Built) -> None:
    guide.appendix("I", "Inclusion and exclusion criteria")
    if "TI" in built.datasets:
        frame = built.frame("TI").fillna("")
        columns = [c for c in ("IETESTCD", "IECAT", "IETEST", "TIVERS") if c in frame]
        guide.table("Criteria of eligibility (TI)", {c: 4.0 if c == "IETEST" else 1.0 for c in columns},
                    frame[columns].itertuples(index=False), "TI has no record.")  # fmt: skip
    else:
        guide.say("The package has no TI dataset.")
        guide.draft("list the criteria of inclusion and exclusion.")
    guide.appendix("II", "Conformance details")
    guide.say("All findings are listed under Data conformance summary; there are no further details.")
