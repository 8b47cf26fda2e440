"""guides.yaml: what only people know of a study and its reviewer's guides tell, beside what they take from the build.

Everything is optional; what is missing stands in the guides as a draft to be written. The file is no spec: it derives
nothing, and datasets do not grow stale by it.

Sources: PHUSE templates of the Clinical Study Data Reviewer's Guide and the Analysis Data Reviewer's Guide (sections).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from engine.errors import Problem, SpecError, nearest
from engine.spec.binding import Model, bind, listed
from engine.spec.catalogue import Catalogue
from engine.spec.document import Document, load_document
from engine.spec.study import GUIDES, Study
from submission.crf_targets import field_targets

Texts = Annotated[tuple[str, ...], BeforeValidator(listed, json_schema_input_type=str | tuple[str, ...])]


class Protocol(Model):
    """The protocol as both guides tell it."""

    number: str = Field("", description="Number of the protocol, where it is not STUDYID")
    title: str = Field("", description="Title, where it is not that of study.yaml")
    versions: Texts = Field((), description="Versions and amendments, each with its date")
    design: Texts = Field((), description="The design in a few paragraphs")


class Decision(Model):
    """One decision about data that a reviewer would ask about."""

    about: str = Field(description="What it is about, such as a dataset or a kind of value")
    says: str = Field(description="What was decided")
    why: str = Field("", description="The reason or the source")


class TabulationTexts(Model):
    """What the guide of the tabulations tells besides."""

    purpose: Texts = Field((), description="Purpose of the guide, where more is to be said than its template does")
    trial_design: Texts = Field((), description="How the trial design datasets represent the protocol")
    subject_data: Texts = Field((), description="What a reviewer should know of the data as a whole")
    conformance: Texts = Field((), description="What to say of the findings as a whole")
    legacy: Texts = Field((), description="Data that are not in the standard, and how they were made")
    additional: Texts = Field((), description="Anything else")


class AnalysisTexts(Model):
    """What the guide of the analysis datasets tells besides."""

    purpose: Texts = Field((), description="Purpose of the guide, where more is to be said than its template does")
    design: Texts = Field((), description="The design in relation to the analysis datasets")
    core_variables: Texts = Field((), description="Variables that every analysis dataset carries, and why")
    treatment_variables: Texts = Field((), description="Planned and actual treatment, and where they differ")
    special_subjects: Texts = Field((), description="Subjects whose data need special rules")
    windowing: Texts = Field((), description="Visits, windows, unscheduled assessments and the choice of records")
    imputation: Texts = Field((), description="Imputation and derivation methods that several datasets share")
    populations: Texts = Field((), description="Analysis populations and the flags that stand for them")
    conformance: Texts = Field((), description="What to say of the findings as a whole")
    programs: Texts = Field((), description="How the datasets and displays were programmed and checked")
    legacy: Texts = Field((), description="Analysis data that are not in the standard, and how they were made")
    additional: Texts = Field((), description="Anything else")


class GuideTexts(Model):
    """All of guides.yaml."""

    protocol: Protocol = Field(Protocol(), description="The protocol")
    acronyms: dict[str, str] = Field({}, description="Acronyms of the study, with what they stand for")
    decisions: tuple[Decision, ...] = Field((), description="Decisions about collected and tabulated data")
    analysis_decisions: tuple[Decision, ...] = Field((), description="Decisions about analysis data")
    not_submitted: dict[str, str] = Field(
        {}, description="Why a field of a form or vendor file, as form.FIELD, is not in the tabulations"
    )
    datasets: dict[str, Texts] = Field({}, description="What to say of a dataset, beside how its records come about")
    purposes: dict[str, Texts] = Field(
        {}, description="What an analysis dataset is for: Efficacy, Safety, Baseline, PK and so on"
    )
    csdrg: TabulationTexts = Field(TabulationTexts(), description="Guide of the tabulations")
    adrg: AnalysisTexts = Field(AnalysisTexts(), description="Guide of the analysis datasets")


def load_guide_texts(study: Study) -> GuideTexts:
    """The texts of a study; empty ones when it has no guides.yaml.

    Raises:
        SpecError: everything in the file that is no text of a guide, with its place.
    """
    read = _read(study)
    return read[0] if read is not None else GuideTexts()


def lint_guides(study: Study, catalogue: Catalogue | None = None) -> list[Problem]:
    """Everything wrong in guides.yaml: keys, datasets that do not exist, fields that do not exist or are submitted."""
    try:
        read = _read(study)
    except SpecError as error:
        return error.problems
    if read is None:
        return []
    texts, document = read
    known = catalogue or Catalogue(study)
    return [*_datasets(texts, document, known), *_fields(texts, document, study, known)]


def _read(study: Study) -> tuple[GuideTexts, Document] | None:
    path = study.folder / GUIDES
    if not path.is_file():
        return None
    document = load_document(path, f"{study.shown}/{GUIDES}")
    return (bind(GuideTexts, document) if document.data is not None else GuideTexts()), document


def _datasets(texts: GuideTexts, document: Document, catalogue: Catalogue) -> list[Problem]:
    known = [name for name in catalogue.datasets if not catalogue.study.datasets[name].working]
    problems = []
    for key, names in (("datasets", texts.datasets), ("purposes", texts.purposes)):
        problems += [
            Problem(f"{key}: the study has no dataset {name}", document.key_place(key, name),
                    nearest=nearest(name, known), do="correct the name or take the line out")
            for name in names if name not in known
        ]  # fmt: skip
    return problems


def _fields(texts: GuideTexts, document: Document, study: Study, catalogue: Catalogue) -> list[Problem]:
    problems = []
    targets = field_targets(study, catalogue)
    forms = study.forms
    known = [f"{form}.{column}" for form in forms.forms for column in forms.columns(form)] if forms is not None else []
    known += [f"{name}.{column}" for name, vendor in study.raw.vendors.items() for column in vendor.file_columns]
    for name in texts.not_submitted:
        place = document.key_place("not_submitted", name)
        if name not in known:
            problems.append(Problem(f"not_submitted: there is no field {name}", place,
                                    nearest=nearest(name, known), do="write it as form.FIELD"))  # fmt: skip
            continue
        found = targets.of(*name.split(".", 1))
        if found:
            said = ", ".join(f"{t.dataset}.{t.variable}" for t in found)
            problems.append(Problem(f"not_submitted: {name} is submitted", place, found=said,
                                    do="take the line out"))  # fmt: skip
    return problems
