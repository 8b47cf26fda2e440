"""The first pages of the annotated CRF: what it is, how its annotations read, and its contents by form and by visit.

Sources: conventions of the annotated CRF: contents with links, bookmarks by visit and by form, unique forms once.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.spec.catalogue import Catalogue
from engine.spec.forms import FormsSpec
from engine.spec.study import Study
from submission.crf_boxes import NO_COLOUR, NOT_SUBMITTED
from submission.crf_page import A4, GREY, Box, Link, Page, height, leading
from submission.pdf_text import BOLD, PLAIN, width

MARGIN, FOOT = 48.0, 48.0
ALWAYS = "any"  # the word of forms.yaml for every visit
RUN = 3  # visits in a row that are named by the first and the last
AT_ANY = "At any time"


def visits_of(forms: FormsSpec) -> list[tuple[str, list[str]]]:
    """Visits in their order with the forms filled at them; last, under '', forms that are filled at any time."""
    often = [name for name, form in forms.forms.items() if ALWAYS in form.visits or not forms.visits]
    found = [
        (visit, [n for n in forms.forms if n not in often and visit in forms.visits_of(n)]) for visit in forms.visits
    ]
    found = [(visit, names) for visit, names in found if names]
    return [*found, ("", often)] if often else found


def visits_said(forms: FormsSpec, form: str) -> str:
    """The visits of a form in words; three or more in a row by the first and the last."""
    if ALWAYS in forms.forms[form].visits or not forms.visits:
        return "any time"
    order, wanted = list(forms.visits), set(forms.visits_of(form))
    runs: list[list[str]] = []
    for index, visit in enumerate(order):
        if visit in wanted:
            goes_on = bool(runs) and index > 0 and runs[-1][-1] == order[index - 1]
            if goes_on:
                runs[-1].append(visit)
            else:
                runs.append([visit])
    said = []
    for run in runs:
        names = [forms.visits[v] for v in run]
        said += [f"{names[0]} to {names[-1]}"] if len(run) >= RUN else names
    return ", ".join(said)


class FrontPages:
    """Cover and contents, laid out before the pages of the forms are known: their number does not depend on them."""

    def __init__(
        self,
        study: Study,
        catalogue: Catalogue,
        forms: FormsSpec,
        colours: dict[str, str],
        domains: Sequence[tuple[str, ...]],
    ) -> None:
        """Take what the pages tell; `domains` are those of each form."""
        self.study, self.catalogue, self.forms, self.colours = study, catalogue, forms, colours
        self.domains = dict(zip(forms.forms, domains, strict=True))
        self.count = len(self.pages(dict.fromkeys(forms.forms, 0)))

    def pages(self, first: dict[str, int]) -> list[Page]:
        """The pages, with links to the first page of each form."""
        made = [self._cover()]
        if self.forms.forms:
            made += self._by_form(first, len(made) + 1)
            made += self._by_visit(first, len(made) + 1)
        return made

    def _cover(self) -> Page:
        page = Page(1, *A4, title="Annotated case report form")
        wide, file = A4[0] - 2 * MARGIN, self.study.file
        y = 110.0
        y += page.paragraph(MARGIN, y, "Annotated case report form", wide, 22, BOLD) + 8
        y += page.paragraph(MARGIN, y, f"Study {self.study.name}", wide, 14, BOLD) + 4
        y += page.paragraph(MARGIN, y, file.title, wide, 11) + 14
        facts = [
            f"SDTMIG {file.standards.sdtmig}, CDISC SDTM terminology {file.standards.sdtm_terminology}",
            f"Dated {file.created:%Y-%m-%d}",
        ]
        for fact in facts:
            y += page.paragraph(MARGIN, y, fact, wide, 9) + 2
        y += 12
        if not self.forms.forms:
            page.paragraph(MARGIN, y, "The study describes no case report form (forms.yaml), so that none can be shown "
                           "here. Its fields are known from the columns of the export alone.", wide, 10)  # fmt: skip
            return page
        y += page.paragraph(MARGIN, y, "How to read the annotations", wide, 11, BOLD) + 3
        for text in (
            "Each form is shown once. Beside a field stands, in a box, where its values go in the tabulations, made "
            "from the same specifications as the datasets.",
            'AE.AETERM: the variable of that dataset. VS.VSORRES when VSTESTCD="SYSBP": the variable, in records of '
            'that test. SUPPAE.QVAL when QNAM="AESPEC": a supplemental qualifier.',
            "At the top of a form stand its datasets, and what all records that it gives to one of them have alike.",
            f"{NOT_SUBMITTED}: the field is collected and not part of the tabulations; the reviewer's guide says why.",
            "Data that do not come from a form, such as those of laboratories, are not shown.",
        ):  # fmt: skip
            y += page.paragraph(MARGIN, y, text, wide, 9) + 4
        self._legend(page, y + 10, wide)
        return page

    def _legend(self, page: Page, y: float, wide: float) -> None:
        """The colours of the domains, in two columns."""
        page.write(MARGIN, y, "Colours of the domains", 11, BOLD)
        y += leading(11) + 4
        entries = [(d, self.catalogue.datasets[d].label, colour) for d, colour in sorted(self.colours.items())]
        entries.append(("", "Not submitted", NO_COLOUR))
        half = (len(entries) + 1) // 2
        for index, (domain, label, colour) in enumerate(entries):
            x = MARGIN + (index // half) * wide / 2
            at = y + (index % half) * 16
            page.boxes.append(Box(x, at, 30, 13, colour, "#404040", 1.5))
            page.write(x + 4, at + 2, domain, 8, BOLD)
            page.write(x + 36, at + 2, label, 8)

    def _by_form(self, first: dict[str, int], number: int) -> list[Page]:
        pages, page, y = [], *self._new("Contents by form", number)
        pages.append(page)
        for name, form in self.forms.forms.items():
            if y + leading(9) > page.h - FOOT:
                page, y = self._new("Contents by form (continued)", number + len(pages))
                pages.append(page)
            page.write(MARGIN, y, form.name, 9)
            page.write(MARGIN + 250, y, self.forms.oid(name), 8, PLAIN, GREY)
            page.write(MARGIN + 320, y, ", ".join(self.domains[name]), 8)
            said = str(first[name])
            page.write(page.w - MARGIN - width(said, 9), y, said, 9)
            page.links.append(Link(MARGIN, y - 1, page.w - 2 * MARGIN, leading(9) + 1, first[name]))
            y += leading(9) + 4
        return pages

    def _by_visit(self, first: dict[str, int], number: int) -> list[Page]:
        pages, page, y = [], *self._new("Contents by visit", number)
        pages.append(page)
        wide = page.w - 2 * MARGIN - 130
        for visit, names in self._alike():
            high = max(self._flow(None, 0, 0, names, wide, first), height(visit, 122, 9, BOLD)) + 6
            if y + high > page.h - FOOT:
                page, y = self._new("Contents by visit (continued)", number + len(pages))
                pages.append(page)
            page.paragraph(MARGIN, y, visit, 122, 9, BOLD)
            self._flow(page, MARGIN + 130, y, names, wide, first)
            y += high
        return pages

    def _alike(self) -> list[tuple[str, list[str]]]:
        """Visits with their forms; visits in a row with the same forms together."""
        found: list[tuple[list[str], list[str]]] = []
        for visit, names in visits_of(self.forms):
            if found and visit and found[-1][1] == names:
                found[-1][0].append(self.forms.visits[visit])
            else:
                found.append(([self.forms.visits[visit] if visit else AT_ANY], names))
        return [(v[0] if len(v) == 1 else f"{v[0]} to {v[-1]}", names) for v, names in found]

    def _flow(self, page: Page | None, x: float, y: float, names: list[str], wide: float, first: dict[str, int]
              ) -> float:  # fmt: skip
        """Names of forms one after the other, each a link; gives the height."""
        at, top = x, y
        for index, name in enumerate(names):
            said = self.forms.forms[name].name + (", " if index < len(names) - 1 else "")
            long = width(said, 9)
            if at > x and at + long > x + wide:
                at, top = x, top + leading(9) + 1
            if page is not None:
                page.write(at, top, said, 9)
                page.links.append(Link(at, top - 1, long, leading(9), first[name]))
            at += long + 3
        return top + leading(9) + 1 - y

    def _new(self, title: str, number: int) -> tuple[Page, float]:
        page = Page(number, *A4, title=title)
        page.write(MARGIN, 48, title, 16, BOLD)
        return page, 48 + leading(16) + 10
