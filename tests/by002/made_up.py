"""Made-up subjects for BY002's own analysis specs: a study folder of those specs beside small tabulation datasets."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

import adam  # noqa: F401  registers its verbs
import engine.verbs  # noqa: F401
from engine.run.build import build
from engine.run.identity import RawTable
from engine.spec.study import load_study

SPECS = Path(__file__).resolve().parents[2] / "specs" / "by002"
FIRST_DOSE = date(2025, 1, 1)  # Day 1 of every made-up subject
STUDY = """
study: TOY
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
settings: {LANDMARK: 180, CYPDAYS: 5, CYPDOSE: 0.5}
identity: {subjects: adsl, USUBJID: {first: adsl.SUBJECT}}
"""
RAW = """
carriers: {csv: {folder: edc}}
common: {SUBJECT: text}
roles: {subject: SUBJECT}
"""


class Tools:
    """Raw text that is ASCII and ISO 8601 already."""

    def to_ascii(self, values):
        """As it is."""
        return values

    def to_iso(self, source, day, time, dates, times):
        """As it is."""
        return dates, np.zeros(len(dates), dtype=bool)


def iso(day):
    """The date of a study day (there is no Day 0)."""
    return None if day is None else str(FIRST_DOSE + timedelta(days=day - 1 if day > 0 else day))


def study_day(sas):
    """The study day of a SAS date; None when missing."""
    if pd.isna(sas):
        return None
    days = int(sas) - (FIRST_DOSE - date(1960, 1, 1)).days
    return days + 1 if days >= 0 else days


def build_from(folder, copied, written, records):
    """Build BY002's own specs on made-up records.

    Args:
        folder: an empty folder for the study.
        copied: names of BY002's analysis specs.
        written: text of further specs by package and dataset, as "sdtm/rs".
        records: raw records by form, dicts of text; a SUBJECT each.

    Returns:
        Built datasets by name, and the listed issues.
    """
    for package in ("sdtm", "adam"):
        (folder / package).mkdir()
    shutil.copytree(SPECS / "tables", folder / "tables")
    for name in copied:
        shutil.copy(SPECS / "adam" / f"{name}.yaml", folder / "adam")
    for name, text in {"study": STUDY, "raw": RAW, **written}.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    raw = {}
    for name, rows in records.items():
        frame = pd.DataFrame(rows, dtype="str").reset_index(drop=True)
        lines = np.arange(2, len(frame) + 2)
        raw[name] = RawTable(name, frame, (f"{name}.csv",), np.zeros(len(frame), dtype=np.int64), lines, "SUBJECT")
    result = build(load_study(folder), raw, Tools(), ["adam"])
    return {b.info.name: b.frame for b in result.packages["adam"]}, result.issues


def copying(name, source, variables, keys, **options):
    """The text of a spec that copies variables from a form of the same names."""
    lines = [
        f"dataset: {name}",
        "label: Made Up",
        f"keys: [STUDYID, USUBJID, {keys}]",
        f"records: {{each: {source}}}",
        "variables:",
    ]
    for variable in variables:
        verb = "date" if variable.endswith("DT") else "datetime" if variable.endswith("DTM") else "copy"
        kind = options.get(variable, "")
        lines.append(f"  {variable}: {{{verb}: {source}.{variable}{kind}}}")
    return "\n".join(lines) + "\n"
