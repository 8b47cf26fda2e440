"""The issues list: everything a build has to say about the data, one row per problem.

An issue is a warning unless the spec calls it blocking. Ids are made of the issue's own content, so the
same problem has the same id in every build.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["blocking", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("blocking", "warning", "info")
COLUMNS = ("id", "severity", "dataset", "variable", "subject", "key", "message", "source")


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem; `source` is the raw file and line, `key` the record's key values."""

    severity: Severity
    dataset: str
    variable: str
    message: str
    subject: str = ""
    key: str = ""
    source: str = ""

    @property
    def id(self) -> str:
        """Ten hexadecimal digits made of the content."""
        text = "\x1f".join(
            (self.severity, self.dataset, self.variable, self.subject, self.key, self.message, self.source)
        )
        return hashlib.sha256(text.encode()).hexdigest()[:10].upper()

    def row(self) -> dict[str, str]:
        """The issue as a row of issues.json."""
        return {name: getattr(self, name) for name in COLUMNS}


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
        """Each once, blocking ones first, then by dataset, variable, subject, key and message."""
        return sorted(
            dict.fromkeys(self.found),
            key=lambda i: (
                SEVERITIES.index(i.severity),
                i.dataset,
                i.variable,
                i.subject,
                i.key,
                i.message,
                i.source,
            ),
        )

    @property
    def blocking(self) -> int:
        """How many distinct issues stop the build."""
        return sum(i.severity == "blocking" for i in dict.fromkeys(self.found))
