"""The issues list: everything a build has to say about the data, one row per problem.

An issue is a warning unless the spec calls it blocking. Its id is made of what the problem is, not of where it stood:
neither the severity nor the raw file and line go into it, so that it is the same for shuffled records and any carrier.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Severity = Literal["blocking", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("blocking", "warning", "info")
COLUMNS = ("id", "severity", "dataset", "variable", "subject", "key", "message", "source", "form", "visit", "fields",
           "question", "found_in")  # fmt: skip
Fields = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem; what is not known of it is empty.

    `source` is the raw file and line, `key` the record's key values. `form` is the raw form or vendor source, `visit`
    the visit identifier of the raw record, `fields` the columns of it that the variable reads, each with the value as
    received (None: blank). `question` is what to ask the site, `found_in` the dataset whose derivation found it.
    `anchor` stands for the key in the id where parts of the key move with other records, as --SEQ does; `content` is
    the whole raw record and orders issues that nothing else tells apart. Neither is written.
    """

    severity: Severity
    dataset: str
    variable: str
    message: str
    subject: str = ""
    key: str = ""
    source: str = ""
    form: str = ""
    visit: str = ""
    fields: Fields = ()
    question: str = ""
    found_in: str = field(default="", compare=False)
    anchor: str = field(default="", compare=False)
    content: str = field(default="", compare=False)
    id: str = field(default="", compare=False)

    def row(self) -> dict[str, Any]:
        """The issue as a row of issues.json."""
        return {name: getattr(self, name) for name in COLUMNS} | {"fields": dict(self.fields)}

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Issue:
        """An issue from a row of issues.json."""
        known = {name: row[name] for name in COLUMNS if name in row}
        return cls(**known | {"fields": tuple(dict(row.get("fields") or {}).items())})


@dataclass(slots=True)
class Issues:
    """The issues of one run, collected from any thread, told in one order."""

    found: list[Issue] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, issues: Iterable[Issue]) -> None:
        """Keep these too."""
        with self._lock:
            self.found.extend(issues)

    def listed(self) -> list[Issue]:
        """Each once, blocking ones first, then by dataset, variable, subject, key, message and raw record."""
        owners: dict[Issue, set[str]] = {}
        for issue in self.found:
            owners.setdefault(issue, set()).update(_names(issue.found_in))
        return sorted((replace(i, found_in=", ".join(sorted(names))) for i, names in owners.items()), key=_order)

    @property
    def blocking(self) -> int:
        """How many distinct issues stop the build."""
        return sum(i.severity == "blocking" for i in dict.fromkeys(self.found))


def numbered(found: Iterable[Issue], kept: Iterable[Issue] = ()) -> list[Issue]:
    """All issues, each once and with its id, in the order of issues.json.

    The id is made of dataset, variable, subject, record key and message. Of several issues that share these, the first
    has the id of these alone and the others are numbered, in the order of their form, visit, fields, the whole content
    of the raw record, and last its file and line.

    Args:
        found: the issues of a run. kept: those of a former run that still stand, which have their ids.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    by_id: dict[str, Issue] = {}
    for issue in sorted(Issues(list(found)).listed(), key=_number_order):
        what = (issue.dataset, issue.variable, issue.subject, issue.anchor or issue.key, issue.message)
        seen[what] += 1
        text = "\x1f".join([*what, *([str(seen[what])] if seen[what] > 1 else [])])
        name = hashlib.sha256(text.encode()).hexdigest()[:10].upper()
        by_id[name] = replace(issue, id=name)
    for issue in kept:
        same = by_id.get(issue.id, issue)
        names = {*_names(issue.found_in), *_names(same.found_in)}
        by_id[issue.id] = replace(same, found_in=", ".join(sorted(names)))
    return sorted(by_id.values(), key=lambda i: (*_order(i)[:6], i.id))


def derived_in(issue: Issue) -> list[str]:
    """The datasets whose derivation found an issue; none for the export itself and for identity."""
    return _names(issue.found_in)


def _names(text: str) -> list[str]:
    return [name for name in text.split(", ") if name]


def _order(issue: Issue) -> tuple[Any, ...]:
    place = SEVERITIES.index(issue.severity)
    told = (issue.dataset, issue.variable, issue.subject, issue.key, issue.message)
    return (place, *told, *_number_order(issue))


def _number_order(issue: Issue) -> tuple[Any, ...]:
    file, _, line = issue.source.rpartition(" line ")
    fields = tuple((name, value or "") for name, value in issue.fields)
    return (issue.form, issue.visit, fields, issue.content, file, int(line) if line.isdigit() else 0, issue.source)


__all__ = ["COLUMNS", "SEVERITIES", "Fields", "Issue", "Issues", "Severity", "derived_in", "numbered"]
