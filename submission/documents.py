"""The documents of a package, each made from what was published and the specs: what stands beside the datasets.

A reviewer's guide goes into the package as PDF; as Word file it is a draft for the team, beside the package.

Sources: FDA Study Data Technical Conformance Guide (define.xml, annotated CRF, reviewer's guides).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from submission.acrf import acrf_pdf
from submission.adrg import adrg
from submission.built import Built
from submission.crf_layout import CrfLayout, crf_layout
from submission.csdrg import csdrg
from submission.define import Document as Reference
from submission.define import define_xml
from submission.define_html import PAGE, define_html, stylesheet
from submission.define_write import STYLESHEET
from submission.ectd import rule_for
from submission.guide_facts import GuideFinding
from submission.guide_pdf import guide_pdf
from submission.guide_word import guide_docx

CRF = Reference("acrf", "acrf.pdf", "Annotated Case Report Form", "crf")
GUIDES = {"sdtmig": "Clinical Study Data Reviewer's Guide", "adamig": "Analysis Data Reviewer's Guide"}


@dataclass(frozen=True, slots=True)
class Document:
    """One document: the package it belongs to, its kind and name in the eCTD; a draft is for the team and not sent."""

    package: str
    kind: str
    name: str
    title: str
    content: bytes
    draft: bool = False


def documents(
    built: Built,
    findings: Sequence[GuideFinding] | None = (),
    splits: Sequence[Mapping[str, Any]] = (),
    checked: Sequence[str] = (),
) -> Iterator[Document]:
    """All documents of the packages that were published, in order of packages.

    Args:
        built: what was published. findings: of a check, for the guides; None: nothing was checked. splits: how large
            datasets were split. checked: what each source of the check did.
    """
    for package in built.packages:
        standard = built.standard(package)
        layout: CrfLayout | None = None
        name = rule_for(standard, "guide").name.removesuffix(".pdf")
        references = [Reference(name, f"{name}.pdf", GUIDES[standard])]
        if standard == "sdtmig" and built.study.forms is not None:
            layout = crf_layout(built.study, built.catalogue)
            references.insert(0, CRF)
            yield Document(package, "crf", CRF.href, CRF.title, acrf_pdf(layout, built.study))
        xml = define_xml(built, package, references, layout)
        yield Document(package, "define", "define.xml", "Define-XML", xml)
        yield Document(package, "stylesheet", STYLESHEET, "Stylesheet of define.xml", stylesheet())
        yield Document(package, "page", PAGE, "define.xml as a page", define_html(xml))
        if standard == "sdtmig":
            guide = csdrg(built, findings, layout, splits, checked)
        else:
            guide = adrg(built, findings, splits, checked)
        yield Document(package, "guide", f"{name}.pdf", GUIDES[standard], guide_pdf(guide))
        yield Document(package, "guide", f"{name}.docx", GUIDES[standard], guide_docx(guide), draft=True)
