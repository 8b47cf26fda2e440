"""The report as one HTML page that needs nothing else: verdict first, who looked, the causes, every rule.

Everything that came with the data is escaped, and the page lets no script run but its own few lines, so that a value
can never act. It is read without a network, and prints with all details open.

Sources: OWASP, "Cross site scripting prevention"; W3C, Content Security Policy level 3 (hashes of scripts).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from validators.causes import EXPLAINED, OPEN, QUERY, TO_FIX, WEIGHTS
from validators.conformance import Conformance
from validators.findings import SOURCES
from validators.outcomes import by_source

PAGES = Path(__file__).parent / "pages"
MAX_CAUSES = 2000  # on the page; a browser shows no more in comfort
_KINDS = {"not run": "notrun", "to fix": "tofix", "open": "open-state", "passed but for what did not run": "notrun"}
SCRIPT = (PAGES / "check.js").read_text(encoding="utf-8")


def page(
    report: Conformance,
    specs: str,
    status: Mapping[str, str],
    gone: Sequence[Mapping[str, Any]] = (),
    unseen: Sequence[Mapping[str, Any]] = (),
    changed: str = "",
) -> bytes:
    """The page.

    Args:
        report: what was found. specs: SHA-256 of the specs. status: of each cause since the last report.
        gone: causes of the last report that are no more. unseen: those that this check did not look for.
        changed: one sentence of what changed since the last report.
    """
    loader = FileSystemLoader(PAGES, encoding="utf-8")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sha = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    text = made.get_template("check.html").render(
        report=report,
        specs=specs,
        status=status,
        gone=gone,
        unseen=unseen,
        changed=changed,
        sources=by_source(report.ended),
        by_source={
            s: [e for e in report.ended if e.source == s] for s in SOURCES if any(e.source == s for e in report.ended)
        },
        filters=_filters(report, status),
        kind=lambda word: _KINDS.get(word, word),
        shown=MAX_CAUSES,
        script=SCRIPT,
        script_hash=f"sha256-{sha}",
    )
    return text.encode()


def _filters(report: Conformance, status: Mapping[str, str]) -> list[tuple[str, str, list[str]]]:
    """What causes can be filtered by: attribute, label, and the values that occur."""
    causes = report.causes
    return [
        ("severity", "Severity", [w for w in WEIGHTS if any(c.severity == w for c in causes)]),
        (
            "decided",
            "Disposition",
            [w for w in (OPEN, TO_FIX, QUERY, EXPLAINED) if any(c.decided == w for c in causes)],
        ),
        ("dataset", "Dataset", sorted({c.dataset or "the study" for c in causes})),
        ("source", "Source", [s for s in SOURCES if any(c.source == s for c in causes)]),
        ("status", "Since the last report", sorted(set(status.values()))),
    ]
