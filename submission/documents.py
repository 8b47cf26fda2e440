"""The documents of a package, each made from what was published and the specs: what stands beside the datasets.

Sources: FDA Study Data Technical Conformance Guide (define.xml, annotated CRF, reviewer's guides).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from submission.acrf import acrf_pdf
from submission.built import Built
from submission.crf_layout import crf_layout


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
        if built.standard(package) == "sdtmig" and built.study.forms is not None:
            layout = crf_layout(built.study, built.catalogue)
            yield Document(package, "crf", "acrf.pdf", "Annotated Case Report Form", acrf_pdf(layout, built.study))
