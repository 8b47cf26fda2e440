"""The documents of a package, each made from what was published and the specs: what stands beside the datasets.

Sources: FDA Study Data Technical Conformance Guide (define.xml, annotated CRF, reviewer's guides).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from submission.acrf import acrf_pdf
from submission.built import Built
from submission.crf_layout import CrfLayout, crf_layout
from submission.define import Document as Reference
from submission.define import define_xml
from submission.define_html import PAGE, define_html, stylesheet
from submission.define_write import STYLESHEET

CRF = Reference("acrf", "acrf.pdf", "Annotated Case Report Form", "crf")


@dataclass(frozen=True, slots=True)
class Document:
    """One document: the package it belongs to, its kind and name in the eCTD; a draft is for the team and not sent."""

    package: str
    kind: str
    name: str
    title: str
    content: bytes
    draft: bool = False


def documents(built: Built) -> Iterator[Document]:
    """All documents of the packages that were published, in order of packages."""
    for package in built.packages:
        references: list[Reference] = []
        layout: CrfLayout | None = None
        if built.standard(package) == "sdtmig" and built.study.forms is not None:
            layout = crf_layout(built.study, built.catalogue)
            references.append(CRF)
            yield Document(package, "crf", CRF.href, CRF.title, acrf_pdf(layout, built.study))
        xml = define_xml(built, package, references, layout)
        yield Document(package, "define", "define.xml", "Define-XML", xml)
        yield Document(package, "stylesheet", STYLESHEET, "Stylesheet of define.xml", stylesheet())
        yield Document(package, "page", PAGE, "define.xml as a page", define_html(xml))
