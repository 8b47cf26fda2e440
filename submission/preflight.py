"""Pre-flight: a package folder held against the technical rejection criteria and the checklist of submissions.

The criteria and their sources are a table, submission/data/criteria.csv. Those of the gateway are applied in its order:
the first that fails is what the gateway would say. A package from elsewhere has no manifest and no inputs for the STF;
what needs them is then not checked, and the report says so.

Sources: FDA Technical Rejection Criteria for Study Data; FDA Study Data Technical Conformance Guide.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from engine.errors import DataError, Problem
from submission.dataset_facts import Reads
from submission.ectd import DATA, SPLIT_LIMIT
from submission.package_tree import PackageTree
from submission.preflight_datasets import dataset_checks
from submission.preflight_define import define_checks
from submission.preflight_files import file_checks
from submission.preflight_found import Found
from submission.preflight_gateway import GATEWAY, gateway_checks

SEVERITIES = ("reject", "error", "warning")
SHOWN = 5  # findings of one criterion that the text lists


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the table."""

    id: str
    severity: str
    says: str
    do: str
    source: str


@cache
def criteria() -> dict[str, Criterion]:
    """All criteria by id, in the order of the table."""
    with (DATA / "criteria.csv").open(encoding="utf-8", newline="") as handle:
        return {row["id"]: Criterion(**row) for row in csv.DictReader(handle)}


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found; `unchecked` says what could not be checked and why."""

    folder: str
    files: int
    found: tuple[Found, ...]
    unchecked: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing but warnings was found."""
        return all(criteria()[f.criterion].severity == "warning" for f in self.found)

    @property
    def gateway(self) -> str:
        """The first criterion of the gateway that fails; '' when all pass."""
        failed = {f.criterion for f in self.found}
        return next((c for c in GATEWAY if c in failed), "")

    def count(self, severity: str) -> int:
        """Findings of a severity."""
        return sum(criteria()[f.criterion].severity == severity for f in self.found)


def preflight(folder: Path, *, study_id: str = "", limit: int = SPLIT_LIMIT, reads: Reads | None = None,
              journal: dict[str, str] | None = None) -> Preflight:
    """Check a package folder.

    Args:
        folder: m5 itself or a folder that holds it.
        study_id: the study-id of the STF, where no inputs for it stand beside m5.
        limit: bytes from which a dataset must be split.
        reads: what is known of files from checks before.
        journal: package -> the digest of the last build's entry, where the builds are known.

    Raises:
        CommandError: no m5 there. FileError: a damaged manifest.
    """
    tree = PackageTree(folder, reads, study_id)
    found = sorted(_all(tree, limit, journal), key=_order)
    unchecked = []
    if tree.manifest is None:
        unchecked.append("no manifest beside m5: checksums are not checked")
    if tree.stf is None:
        unchecked.append("no inputs for the STF beside m5: file tags (1735) and entries (1789) are not checked")
    if not tree.study_id:
        unchecked.append("the study-id of the STF is not known: STUDYID is only held to be one")
    return Preflight(str(folder), len(tree.files), tuple(dict.fromkeys(found)), tuple(unchecked))


def _all(tree: PackageTree, limit: int, journal: dict[str, str] | None) -> Iterator[Found]:
    yield from gateway_checks(tree)
    yield from file_checks(tree, journal)
    for study in tree.studies:
        yield from dataset_checks(study, limit)
        yield from define_checks(study)


def _order(found: Found) -> tuple[int, str, str]:
    ids = list(criteria())
    if found.criterion not in ids:
        raise DataError(Problem(f"no criterion {found.criterion} in the table"))
    return ids.index(found.criterion), found.path, found.what


def as_text(result: Preflight) -> Iterator[str]:
    """The result for people, line by line: the gateway's answer first."""
    if result.gateway:
        first = criteria()[result.gateway]
        yield f"the gateway would reject it: {first.id}, {first.says}"
    else:
        yield f"the gateway would take it: {', '.join(GATEWAY)} pass, as far as they were checked"
    counts = Counter(f.criterion for f in result.found)
    shown: Counter[str] = Counter()
    for found in result.found:
        criterion = criteria()[found.criterion]
        if not shown[criterion.id]:
            yield ""
            yield f"{criterion.id}  {criterion.severity}  {criterion.says}"
            yield f"  do        {criterion.do}"
            yield f"  source    {criterion.source}"
        shown[criterion.id] += 1
        if shown[criterion.id] <= SHOWN:
            told = f": {found.found}" if found.found else ""
            more = f", not {found.expected}" if found.expected else ""
            yield f"  {found.path}  {found.what}{told}{more}"
        elif shown[criterion.id] == counts[criterion.id]:
            yield f"  and {counts[criterion.id] - SHOWN} more"
    yield ""
    yield from result.unchecked
    yield f"{result.folder}: {result.files:,} files, " + ", ".join(
        f"{result.count(s)} {_NAMES[s][result.count(s) != 1]}" for s in SEVERITIES)


_NAMES = {"reject": ("rejection", "rejections"), "error": ("error", "errors"), "warning": ("warning", "warnings")}


def as_json(result: Preflight) -> bytes:
    """The result as data, every finding of it."""
    found: list[dict[str, Any]] = []
    for each in result.found:
        criterion = criteria()[each.criterion]
        found.append({"criterion": criterion.id, "severity": criterion.severity, "path": each.path, "what": each.what,
                      "found": each.found, "expected": each.expected, "says": criterion.says, "do": criterion.do,
                      "source": criterion.source})
    return orjson.dumps({
        "folder": result.folder, "files": result.files, "gateway": result.gateway or "accepted",
        "counts": {s: result.count(s) for s in SEVERITIES}, "unchecked": list(result.unchecked), "findings": found,
    }, option=orjson.OPT_INDENT_2) + b"\n"
