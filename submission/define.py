"""Define-XML 2.1 of a published package, with Analysis Results Metadata 1.0 for analysis datasets.

Everything comes from the specs, the standards and the files as they were published, so that define.xml, specs and data
cannot disagree. Records are read one dataset at a time. Same build, same bytes: the only time is the study's own.

Sources: Define-XML 2.1; Analysis Results Metadata 1.0 for Define-XML 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

from engine.errors import CommandError, Problem
from engine.spec.displays import load_displays
from submission.built import Built
from submission.define_codelists import CodeLists
from submission.define_datasets import Datasets
from submission.define_dictionaries import Dictionaries
from submission.define_model import Define, Leaf
from submission.define_origins import CrfPages, NoPages
from submission.define_results import add_results
from submission.define_standards import standards_of
from submission.define_texts import Texts
from submission.define_write import written

CRF_LEAF = "LF.acrf"


@dataclass(frozen=True, slots=True)
class Document:
    """A file of the package that the define.xml refers to, by its path from the folder of the define.xml.

    `kind` is crf (the annotated CRF), guide (a reviewer's guide or another document on the data), display (a table or
    figure, `id` being its number) or program.
    """

    id: str
    href: str
    title: str
    kind: str = "guide"

    @property
    def leaf(self) -> Leaf:
        """As the define.xml refers to it."""
        return Leaf(CRF_LEAF if self.kind == "crf" else f"LF.{self.id}", self.href, self.title)


def define_xml(built: Built, package: str, documents: Iterable[Document] = (), crf: CrfPages | None = None) -> bytes:
    """The define.xml of a package.

    Args:
        built: what was published. package: the folder of datasets, such as sdtm.
        documents: files that lie in the package and are referred to.
        crf: the layout of the annotated CRF, whose pages origins refer to; it counts only where `documents` has it.

    Returns:
        The file.

    Raises:
        CommandError: nothing was published under that name.
    """
    return written(define_of(built, package, documents, crf))


def define_of(built: Built, package: str, documents: Iterable[Document] = (), crf: CrfPages | None = None) -> Define:
    """The same as data."""
    if not built.packages.get(package):
        raise CommandError(Problem(f"no datasets of {package} were published", found=", ".join(built.packages)))
    documents = tuple(documents)
    has_crf = any(d.kind == "crf" for d in documents)
    define = Define(
        study=built.study.name,
        title=built.study.file.title,
        package=package,
        created=built.created.isoformat(),
        version=version("trialmill"),
        standards=standards_of(built.study, package),
        crf=CRF_LEAF if has_crf else "",
        documents=tuple(d.leaf.id for d in documents if d.kind == "guide"),
        leaves=[d.leaf for d in documents],
    )
    oids = {s.publishing_set: s.oid for s in define.standards if s.publishing_set}
    datasets = Datasets(
        built,
        package,
        define,
        crf if crf is not None and has_crf else NoPages(),
        CodeLists(built, oids),
        Texts("MT", "Derivation of"),
        Texts("COM"),
        Dictionaries(built),
    )
    for published in built.packages[package]:
        if published.records:
            datasets.add(published)
    displays = load_displays(built.study) if built.standard(package) == "adamig" else None
    if displays is not None:
        leaves = {d.id: d.leaf.id for d in documents} | {d.href.rpartition("/")[2]: d.leaf.id for d in documents}
        left_out = add_results(define, displays, datasets.comments, leaves)
        if left_out:
            define.note = f"Left out, since their datasets hold no records: {', '.join(left_out)}."
    define.codelists = datasets.codelists.finished()
    define.methods = datasets.methods.finished()
    define.comments = datasets.comments.finished()
    return define
