"""What a check found in the published datasets, for the reviewer's guides of their package.

Read from the report that `trialmill check` writes beside the output folder, and only when it speaks of these very
datasets and specs; a report of others is not used, and the package says so.

Sources: PHUSE templates of reviewer's guides (conformance summary).
"""

from __future__ import annotations

from typing import Any

import orjson

from submission.built import Built
from submission.guide_facts import GuideFinding
from trialmill.check_changes import REPORT
from trialmill.issue_changes import beside
from validators.causes import EXPLAINED, NOT_RUN


def findings_of(built: Built) -> tuple[list[GuideFinding] | None, list[str], str]:
    """The findings of the last check, what each of its sources did, and what to say when nothing is known of a check.

    Findings that nobody looked for are None: a guide must not say that there were none.
    """
    path = beside(built.out, REPORT)
    if not path.is_file():
        return None, [], "no check was made of these datasets: run trialmill check, so that the guides tell of it"
    try:
        said: dict[str, Any] = orjson.loads(path.read_bytes())
        checked = {f["file"]: f["sha256"] for f in said["checked"]}
        found = [
            GuideFinding(c["source"], c["rule"], c["dataset"], c["variable"], int(c["count"]),
                         c["comment"] if c["decided"] == EXPLAINED else "", c["what"])
            for c in said["causes"] if c["severity"] != NOT_RUN
        ]
        sources = [_source(s) for s in said["sources"]]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None, [], f"{path} cannot be read, so the guides tell no findings: run trialmill check again"
    listed = {f["file"]: f["sha256"] for p, e in built.entries.items() for f in e["outputs"]
              if f["file"].startswith(f"{p}/")}
    if checked != listed or said.get("specs") != built.study.fingerprint:
        return None, [], f"{path} is of other datasets, so the guides tell no findings: run trialmill check again"
    return found, sources, ""


def _source(said: dict[str, Any]) -> str:
    """One source of the check: its state and how its rules ended."""
    counts = ", ".join(f"{n:,} {state}" for state, n in said["rules"].items() if n)
    state = f"{said['state']}: {said['why']}" if said["why"] else said["state"]
    return f"{said['source']}: {state}{f' (rules: {counts})' if counts else ''}"
