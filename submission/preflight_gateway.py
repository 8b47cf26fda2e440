"""The technical rejection criteria, in the order in which the gateway applies them.

Sources: FDA Technical Rejection Criteria for Study Data (1789, 1734, 1735, 1736); eCTD Validation Criteria 4.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pandas as pd

from submission.ectd import rule_of
from submission.package_tree import STANDARDS, PackageTree, StudyTree
from submission.preflight_found import Found

GATEWAY = ("1789", "1734", "1735", "1736")
FIRST = {"sdtmig": "dm.xpt", "adamig": "adsl.xpt"}
_TAGGED = ("dataset", "part", "define")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def gateway_checks(tree: PackageTree) -> Iterator[Found]:
    """Everything that would stop the submission."""
    yield from _entries(tree)
    for study in tree.studies:
        if any(study.datasets(s) for s in STANDARDS):
            yield from _trial_summary(study)
            yield from _first_files(study)


def _entries(tree: PackageTree) -> Iterator[Found]:
    """1789 and 1735: every file of a study has an entry in the STF, with its tag."""
    if tree.stf is None:
        return
    tags = {str(f["path"]): str(f.get("file-tag", "")) for f in tree.stf["files"]}
    for study in tree.studies:
        for path in study.files:
            if path not in tags:
                yield Found("1789", path, "has no entry in the STF")
                continue
            rule = rule_of(study.below(path))
            if rule is not None and rule.tag and tags[path] != rule.tag:
                says = "has another file tag" if rule.kind in _TAGGED else "has a file tag that is not its own"
                yield Found("1735", path, says, tags[path] or "none", rule.tag)
    there = set(tree.files)
    for path in sorted(set(tags) - there):
        yield Found("STF-FILE", path, "is not there")


def _trial_summary(study: StudyTree) -> Iterator[Found]:
    """1734 and what TS must hold besides."""
    path = study.place("sdtmig", "dataset", "ts.xpt")
    if not study.has(path):
        yield Found("1734", path, "is not there")
        return
    facts = study.tree.reads.facts(study.full(path))
    if facts.fault:
        yield Found("1734", path, "cannot be read", facts.fault)
        return
    names = [v.name for v in facts.meta.variables]
    absent = [n for n in ("STUDYID", "TSPARMCD", "TSVAL") if n not in names]
    if absent:
        yield Found("1734", path, "has no " + ", ".join(absent))
        return
    frame = study.tree.reads.frame(study.full(path))
    frame = frame.reindex(columns=[*frame.columns, *(n for n in ("TSVALNF", "TSSEQ") if n not in frame)])
    yield from _start_date(path, frame)
    yield from _identity(study, path, frame)
    empty = frame[frame["TSVAL"].isna() & frame["TSVALNF"].isna()]
    for code in empty["TSPARMCD"].tolist():
        yield Found("TS-VALUE", path, f"TSPARMCD {code} has neither TSVAL nor TSVALNF")
    doubled = frame[frame.duplicated(["TSPARMCD", "TSSEQ"])]
    for code in doubled["TSPARMCD"].unique().tolist():
        yield Found("TS-SEQ", path, f"TSPARMCD {code} has a TSSEQ twice")


def _start_date(path: str, frame: pd.DataFrame) -> Iterator[Found]:
    started = frame[frame["TSPARMCD"] == "SSTDTC"]
    if started.empty:
        yield Found("1734", path, "has no record of the study start date", "", "TSPARMCD SSTDTC")
    for value, null in zip(started["TSVAL"].tolist(), started["TSVALNF"].tolist(), strict=True):
        if not isinstance(value, str):
            if null != "NA":
                yield Found("1734", path, "the study start date is empty", "", "a date, or TSVALNF NA")
        elif not _is_date(value):
            yield Found("1734", path, "the study start date is no ISO 8601 date", value, "YYYY-MM-DD")


def _identity(study: StudyTree, path: str, frame: pd.DataFrame) -> Iterator[Found]:
    """TS.STUDYID is that of the STF, or a record SPREFID carries it."""
    wanted = study.tree.study_id
    if not wanted:
        return
    ids = set(frame["STUDYID"].dropna())
    referred = set(frame.loc[frame["TSPARMCD"] == "SPREFID", "TSVAL"].dropna())
    if ids != {wanted} and wanted not in referred:
        yield Found("1734", path, "STUDYID is not the study-id of the STF", ", ".join(sorted(ids)) or "missing", wanted)


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text)) and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _first_files(study: StudyTree) -> Iterator[Found]:
    """1736: the dataset of subjects and define.xml of each standard that has datasets."""
    for standard in STANDARDS:
        if study.datasets(standard):
            for kind, name in (("dataset", FIRST[standard]), ("define", "define.xml")):
                path = study.place(standard, kind, name)
                if not study.has(path):
                    yield Found("1736", path, "is not there")
