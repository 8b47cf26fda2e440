"""The annotated CRF as pages: where each form, field and annotation stands. Made from the specs alone.

Each form of forms.yaml is laid out once, in the order of the book: a form that repeats and whose fields fit side by
side as a grid on a page turned, any other as a column of questions that goes on over pages. Beside each question stands
where its answer goes in the tabulations (crf_targets.py), in a box of the domain's colour. Drawing is acrf.py's.

Sources: SDTM Metadata Submission Guidelines 2.0 (annotated CRF); FDA Study Data Technical Conformance Guide 4.1.4.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.spec.catalogue import Catalogue
from engine.spec.forms import FormsSpec
from engine.spec.study import Study
from submission.crf_boxes import FormBoxes, Noted, colours_of
from submission.crf_forms import FormPages
from submission.crf_front import FrontPages
from submission.crf_page import Page
from submission.crf_targets import field_targets


@dataclass(frozen=True, slots=True)
class Annotation:
    """One variable to which one field goes, as its page says it.

    `condition` names the records: {"VSTESTCD": "SYSBP"}, {"QNAM": "AEDLT"}, or {} for all. `text` is what stands in the
    box, which several annotations may share. `field` is the column of the export, of a unit its own.
    """

    dataset: str
    variable: str
    condition: Mapping[str, str]
    form: str
    field: str
    page: int
    text: str


@dataclass(slots=True)
class CrfLayout:
    """The pages of the annotated CRF and what is annotated on them."""

    study: Study
    pages: list[Page] = field(default_factory=list)
    annotations: tuple[Annotation, ...] = ()
    not_submitted: tuple[tuple[str, str, int], ...] = ()  # form, field, page
    forms: dict[str, int] = field(default_factory=dict)  # form -> its first page
    colours: dict[str, str] = field(default_factory=dict)  # domain -> colour of its boxes

    def pages_of(self, dataset: str, variable: str, condition: Mapping[str, str] | None = None) -> tuple[int, ...]:
        """Pages on which a variable is annotated, ascending; with a condition, for records of which it is true.

        A field whose records the annotation does not tell apart by that variable counts for all of them.
        """
        wanted = dict(condition or {})
        found = {
            a.page
            for a in self.annotations
            if (a.dataset, a.variable) == (dataset, variable)
            and all(a.condition.get(name, value) == value for name, value in wanted.items())
        }
        return tuple(sorted(found))


def crf_layout(study: Study, catalogue: Catalogue | None = None) -> CrfLayout:
    """Lay out the annotated CRF of a study; without forms.yaml it has a front page and no forms.

    Args:
        study: the study, its specs without findings.
        catalogue: its datasets, when they were resolved before.

    Returns:
        The layout: pages numbered from 1, the contents first, then the forms in the order of the book.
    """
    catalogue = catalogue or Catalogue(study)
    forms = study.forms or FormsSpec(forms={})
    targets = field_targets(study, catalogue)
    boxes = {name: FormBoxes(catalogue, forms, name, targets) for name in forms.forms}
    colours = colours_of([b.domains for b in boxes.values()])
    front = FrontPages(study, catalogue, forms, colours, [b.domains for b in boxes.values()])
    layout = CrfLayout(study, colours=colours)
    noted: list[tuple[str, Noted]] = []
    number = front.count + 1
    for name, each in boxes.items():
        made = FormPages(study, forms, name, each, colours, number)
        layout.forms[name] = number
        layout.pages += made.pages
        noted += [(name, n) for n in made.noted]
        number += len(made.pages)
    layout.pages[:0] = front.pages(layout.forms)
    layout.annotations = tuple(_annotations(noted))
    layout.not_submitted = tuple((form, n.field, n.page) for form, n in noted if not n.targets)
    return layout


def _annotations(noted: Sequence[tuple[str, Noted]]) -> list[Annotation]:
    return [
        Annotation(t.dataset, t.variable, dict(t.condition), form, n.field, n.page, n.text)
        for form, n in noted
        for t in n.targets
    ]
