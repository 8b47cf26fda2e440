"""CDISC controlled terminology: codelists by C-code or submission value, terms, synonyms and decodes.

Terms are case-sensitive. A test code and its test name share their C-code, which joins the paired lists.

Sources: NCI EVS, CDISC SDTM and ADaM terminology.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from engine.errors import nearest
from engine.standards.tables import DATA, codes, data_file

Kind = Literal["SDTM", "ADaM", "Define"]
COLUMNS = (
    "codelist_code",
    "codelist_submission_value",
    "codelist_name",
    "extensible",
    "term_code",
    "term_submission_value",
    "term_preferred_term",
    "synonyms",
)


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a codelist; `value` is the submission value."""

    value: str
    code: str
    preferred: str
    synonyms: tuple[str, ...]


class Codelist:
    """A codelist with its terms by submission value, in the order of the values."""

    def __init__(self, rows: list[list[str]]) -> None:
        """From the lines of the data file that hold its terms."""
        self.code, self.name, self.label = rows[0][0], rows[0][1], rows[0][2]
        self.extensible = rows[0][3] in ("Y", "Yes")
        self.terms = {r[5]: Term(r[5], r[4], r[6], codes(r[7])) for r in rows}

    def __contains__(self, value: object) -> bool:
        """Whether a text is a submission value of the list."""
        return value in self.terms

    @cached_property
    def _by_code(self) -> dict[str, Term]:
        return {t.code: t for t in self.terms.values()}

    def by_code(self, code: str) -> Term:
        """The term of a C-code; KeyError when the list has none."""
        return self._by_code[code]

    @cached_property
    def _by_synonym(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for term in self.terms.values():
            for text in (*term.synonyms, term.preferred):
                found.setdefault(text, set()).add(term.value)
        return found

    def synonym(self, text: str) -> str | None:
        """The submission value of a text that is one, or is the synonym of exactly one; None otherwise."""
        if text in self.terms:
            return text
        found = self._by_synonym.get(text, set())
        return next(iter(found)) if len(found) == 1 else None

    def nearest(self, text: str) -> str:
        """Submission values close in spelling."""
        return nearest(text, self.terms)


class Terminology:
    """One release of one terminology; a codelist's terms are read when it is first asked for."""

    def __init__(self, path: Path) -> None:
        """Index the codelists of a data file."""
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
        self._lines: dict[str, list[str]] = {}
        self._codes: dict[str, list[str]] = {}
        for line in text.split("\n")[1:]:
            if line:
                code = line[: line.index("\t")]
                if code not in self._lines:
                    self._lines[code] = []
                    self._codes.setdefault(line.split("\t", 2)[1], []).append(code)
                self._lines[code].append(line)
        self._read: dict[str, Codelist] = {}

    @property
    def names(self) -> list[str]:
        """Submission values of all codelists."""
        return sorted(self._codes)

    def __iter__(self) -> Iterator[Codelist]:
        """All codelists by C-code."""
        for code in sorted(self._lines):
            yield self._list(code)

    def codelist(self, name: str) -> Codelist | None:
        """A codelist by C-code or submission value; None when there is none, or two share the value."""
        if name in self._lines:
            return self._list(name)
        found = self._codes.get(name, [])
        return self._list(found[0]) if len(found) == 1 else None

    def decode(self, name: str) -> dict[str, str]:
        """Test codes of a list to the test names of its paired list, joined by C-code."""
        source = self.codelist(name)
        if source is None:
            return {}
        for paired in (source.name.removesuffix("CD"), source.name[:-2] + "TN"):
            other = self.codelist(paired)
            if other is not None and other.code != source.code:
                return {t.value: other.by_code(t.code).value for t in source.terms.values() if t.code in other._by_code}
        return {}

    def _list(self, code: str) -> Codelist:
        if code not in self._read:
            self._read[code] = Codelist([line.split("\t") for line in self._lines[code]])
        return self._read[code]


@cache
def load_terminology(kind: Kind, version: str, folder: Path = DATA) -> Terminology:
    """A release of SDTM, ADaM or Define-XML terminology; SpecError naming those that are there."""
    path = data_file(
        f"{kind.lower()}-terminology-",
        version,
        f"{kind} terminology",
        "run  trialmill terminology import FILE  with NCI's text file of that release",
        folder,
    )
    return Terminology(path)
