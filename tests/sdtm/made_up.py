"""A made-up raw export of BY002 in memory: the rows a test writes down, every other form and vendor file empty."""

from pathlib import Path

import numpy as np
import pandas as pd

import adam  # noqa: F401
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.run.assemble import assemble
from engine.run.build import start
from engine.run.execute import execute
from engine.run.identity import RawTable
from engine.run.plan import Plan
from engine.spec.catalogue import Catalogue
from engine.spec.study import load_study
from trialmill.build import Tools

BY002 = load_study(Path(__file__).parents[2] / "specs" / "by002")
WHO = "01-901"  # first dose 2025-03-10 at 08:00


def rows(columns, *lines, **same):
    """Lines of blank-separated values under blank-separated columns; `_` is an empty cell, `~` a blank in a value."""
    names = columns.split()
    made = [dict(zip(names, line.split(), strict=True)) | same for line in lines]
    return [{k: v.replace("~", " ") if v != "_" else None for k, v in r.items()} for r in made]


def export(**sources):
    """The raw tables of the study; each source a list of records (the subject is WHO unless a record says another)."""
    tables = {}
    forms = {n: [*BY002.raw.common, *BY002.forms.columns(n)] for n in BY002.forms.forms}
    vendors = {n: list(v.columns) for n, v in BY002.raw.vendors.items()}
    for name, columns in {**forms, **vendors}.items():
        records = sources.get(name, [])
        frame = pd.DataFrame(records, columns=columns, dtype="str")
        subject = "SUBJECT" if name in forms else BY002.raw.vendors[name].subject or ""
        if subject:
            frame[subject] = frame[subject].fillna(WHO)
        if name in forms:
            frame["RECNO"] = frame["RECNO"].fillna(pd.Series([str(i + 1) for i in range(len(frame))], dtype="str"))
            frame["RECSTAT"] = "ACTIVE"
            for column in ("VISITREP", "FORMREP"):
                frame[column] = frame[column].fillna("1")
        lines = np.arange(2, len(frame) + 2)
        tables[name] = RawTable(name, frame, (f"{name}.csv",), np.zeros(len(frame), dtype=np.int64), lines, subject)
    return tables


def subject():
    """A man born in March 1965 who is dosed from 2025-03-10 08:00, with his visits."""
    return {
        "subj": [{"PERSONID": "P1", "SCRNO": WHO, "VISITOID": "SCR"}],
        "ic": [{"ICDAT": "20-FEB-2025", "ICTYPE": "MAIN", "VISITOID": "SCR"}],
        "demo": [{"BRTHDAT": "UN-MAR-1965", "SEX": "M", "RACE": "ASIAN", "ETHNICG": "HAN", "VISITOID": "SCR"}],
        "enr": [{"ENRYN": "Y", "ENRDAT": "07-MAR-2025", "COHORT": "ESC", "DOSELVL": "100", "VISITOID": "SCR"}],
        "visdt": rows("VISITOID VISDAT", "SCR 03-MAR-2025", "C1D1 10-MAR-2025", "C1D2 11-MAR-2025", "C1D8 17-MAR-2025",
                      "C1D15 24-MAR-2025", "C1D16 25-MAR-2025", "C2D1 07-APR-2025", VISYN="Y", VISMODE="SITE"),
        "dose": rows("DSTDAT DSTTIM DENDAT", "10-MAR-2025 08:00 06-APR-2025", "07-APR-2025 08:20 20-APR-2025",
                     DTAKEN="Y", DOSE="100", N100="1", DREAS="PLANNED", VISITOID="LOG"),
        "pkd": rows("VISITOID PKDOSDAT PKDOSTIM", "C1D1 10-MAR-2025 08:00", "C1D15 24-MAR-2025 08:10"),
    }  # fmt: skip


def built(names, shuffle=None, **sources):
    """The named datasets (and their supplemental ones) of an export, and its issues as (severity, dataset, message)."""
    raw = export(**subject(), **sources)
    if shuffle is not None:
        for name, table in raw.items():
            order = np.random.default_rng(shuffle).permutation(len(table.frame))
            frame = table.frame.iloc[order].reset_index(drop=True)
            raw[name] = RawTable(name, frame, table.files, table.file_of, table.line[order], table.subject_column)
    run, issues = start(BY002, raw, Tools(BY002))
    run.issues.add(issues)
    catalogue, plan = Catalogue(BY002), Plan(BY002.datasets)
    stopped = {n.dataset for n in execute(run, plan, plan.order(plan.nodes_of(names)), catalogue.type_of)}
    assert not stopped & set(names), run.close_issues()
    datasets = {b.info.name: b.frame for name in names for b in assemble(run, catalogue, name)}
    found = [i for i in run.close_issues() if i.dataset in {*names, *sources}]
    return datasets, found


def shown(frame, columns):
    """The rows of some columns as tuples, '' for missing."""
    part = frame[columns.split()].astype(object)
    return [tuple(r) for r in part.where(part.notna(), "").itertuples(index=False)]
