"""What a reviewer's guide says, once for Word and PDF: headings, paragraphs, lists, tables and the diagram of the data.

A paragraph may be a draft: something that a person must still write or confirm. Both files mark it, and a guide counts
its drafts. Headings are numbered here, so that both files number alike.

Sources: PHUSE templates of the Clinical Study Data Reviewer's Guide and the Analysis Data Reviewer's Guide (sections).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

DRAFT = "DRAFT: "  # opens what a person must write


@dataclass(frozen=True, slots=True)
class Heading:
    """A numbered heading, or that of an appendix."""

    level: int
    number: str
    text: str

    @property
    def said(self) -> str:
        """Number and text."""
        return f"{self.number} {self.text}".strip()


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; a draft where a person must write or confirm it."""

    text: str
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of points."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns with their shares of the width, and its rows, as wide as the columns."""

    caption: str
    columns: tuple[str, ...]
    shares: tuple[float, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Rows are as wide as the columns."""
        for row in (self.shares, *self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"{self.caption}: a row of {len(row)} cells in {len(self.columns)} columns")


@dataclass(frozen=True, slots=True)
class Stage:
    """One box of the diagram: what it is and what stands in it."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """Data flowing through stages from left to right, each arrow with its words."""

    caption: str
    stages: tuple[Stage, ...]
    arrows: tuple[str, ...]


Block = Heading | Paragraph | Bullets | Table | Flow


@dataclass(slots=True)
class Guide:
    """One guide: `name` is that of its files, csdrg or adrg."""

    name: str
    title: str
    study: str
    subtitle: str
    created: datetime
    blocks: list[Block] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)

    @property
    def drafts(self) -> list[str]:
        """What is still to be written, in order."""
        return [b.text for b in self.blocks if isinstance(b, Paragraph) and b.draft]

    @property
    def draft_note(self) -> str:
        """What the first page says of the drafts; '' when there are none."""
        n = len(self.drafts)
        said = "One text, marked like this one, is" if n == 1 else f"{n} texts, marked like this one, are"
        return f"This is a draft. {said} to be written." if n else ""

    def heading(self, level: int, text: str) -> None:
        """Open a section; levels from 1."""
        self._counts = [*self._counts[:level], *[0] * (level - len(self._counts))]
        self._counts[level - 1] += 1
        self.blocks.append(Heading(level, ".".join(map(str, self._counts)), text))

    def appendix(self, number: str, text: str) -> None:
        """Open an appendix, numbered by itself."""
        self.blocks.append(Heading(1, f"Appendix {number}", text))

    def say(self, *texts: str) -> None:
        """Add paragraphs."""
        self.blocks += [Paragraph(t) for t in texts if t]

    def draft(self, text: str) -> None:
        """Add what a person must write."""
        self.blocks.append(Paragraph(DRAFT + text, draft=True))

    def written(self, texts: Sequence[str], otherwise: str) -> None:
        """Add what the study wrote, else the mark of what is missing."""
        if texts:
            self.say(*texts)
        else:
            self.draft(otherwise)

    def bullets(self, items: Iterable[str]) -> None:
        """Add a list, if there is anything in it."""
        found = tuple(items)
        if found:
            self.blocks.append(Bullets(found))

    def table(self, caption: str, columns: dict[str, float], rows: Iterable[Sequence[object]], none: str) -> None:
        """Add a table of columns with their shares of the width; without a row the sentence `none`."""
        made = tuple(tuple("" if c is None else str(c) for c in row) for row in rows)
        if not made:
            self.say(none)
            return
        self.blocks.append(Table(caption, tuple(columns), tuple(columns.values()), made))

    def flow(self, caption: str, stages: Sequence[Stage], arrows: Sequence[str]) -> None:
        """Add the diagram."""
        self.blocks.append(Flow(caption, tuple(stages), tuple(arrows)))

    def under(self, heading: str, blocks: Sequence[Block]) -> None:
        """Put blocks right below the first heading of that text."""
        at = next(i for i, b in enumerate(self.blocks) if isinstance(b, Heading) and b.text == heading)
        self.blocks[at + 1 : at + 1] = blocks

    def number(self) -> None:
        """Number tables and figures in their order, once all stand."""
        counts = {Table: 0, Flow: 0}
        for index, block in enumerate(self.blocks):
            if isinstance(block, (Table, Flow)):
                counts[type(block)] += 1
                word = "Table" if isinstance(block, Table) else "Figure"
                self.blocks[index] = replace(block, caption=f"{word} {counts[type(block)]}. {block.caption}")

    def words(self) -> list[str]:
        """All that the guide says, text by text."""
        found = [self.title]
        for block in self.blocks:
            if isinstance(block, (Paragraph, Heading)):
                found.append(block.text)
            elif isinstance(block, Bullets):
                found += block.items
            elif isinstance(block, Table):
                found += [block.caption, *(cell for row in (block.columns, *block.rows) for cell in row)]
            else:
                found += [block.caption, *(t for stage in block.stages for t in (stage.title, *stage.items))]
        return found
