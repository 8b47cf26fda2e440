"""Hand-made tabulation records of a few subjects, and what BY002's own analysis specs derive from them."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.run.derive import carry_out
from engine.run.plan import Plan
from engine.run.run import Run
from engine.run.tables import Records, Table
from engine.spec.catalogue import Catalogue
from engine.spec.study import load_study
from tests.by002.conftest import STUDY
from trialmill.build import Tools

START = "2025-03-10"  # first dose, at 08:00; Day 28 is 2025-04-06
ARM = {"ARMCD": "ESC200", "ACTARMCD": "ESC200", "ARM": "BY002 200 mg QD Escalation"}
STOPPED = {"DSSCAT": "STUDY TREATMENT", "DSDECOD": "DISEASE RELAPSE", "DSTERM": "DISEASE RELAPSE", "EPOCH": "TREATMENT",
           "DSSTDTC": "2025-06-02", "DSSEQ": 9}  # fmt: skip


def treated(**more):
    """A subject at 200 mg from 2025-03-10 to 2025-05-31, with further or other records (DM and EX are replaced)."""
    made = {
        "DM": [{"RFXSTDTC": f"{START}T08:00", "RFICDTC": "2025-03-01", "AGE": 50, **ARM, "ACTARM": ARM["ARM"]}],
        "EX": [dose(START, "2025-05-31", 200)],
        "SV": [{"SVSTDTC": "2025-06-02", "SVOCCUR": "Y", "SVCNTMOD": "IN PERSON"}],
        "DS": [STOPPED],
    }
    for name, records in more.items():
        if name == "DM":
            made["DM"][0] |= records
        else:
            made[name] = records if name in ("EX", "DS") else made.get(name, []) + records
    for name, column in (("EX", "EXSEQ"), ("EC", "ECSEQ"), ("AE", "AESEQ"), ("CM", "CMSEQ"), ("MH", "MHSEQ")):
        made[name] = [{column: float(i), **r} for i, r in enumerate(made.get(name, []), 1)]
    return made


def dose(start, end, mg, why=None):
    """A record of exposure."""
    return {"EXSTDTC": start, "EXENDTC": end, "EXDOSE": mg, "EXADJ": why}


class Specs:
    """The study's analysis specs, to be carried out on hand-made records."""

    def __init__(self):
        self.study = load_study(STUDY)
        self.catalogue = Catalogue(self.study)
        self.plan = Plan(self.study.datasets)

    def derive(self, wanted, *subjects):
        """The records of one dataset, as dicts of values and of dates as texts, with what was told of the subject."""
        nodes = self.plan.order(self.plan.nodes_of([wanted]))
        made = {n for n, s in self.study.datasets.items() if s.package == "adam"}
        numbers = np.arange(len(subjects))
        names = pd.Series([f"BY002-01-{i:03d}" for i in numbers], dtype="str")
        people = Table("person", Records(numbers, numbers * 0), {"USUBJID": names})
        run = Run(self.study, {}, people, Tools(self.study))
        for name in self.study.datasets:
            if name not in made:
                own = [(i, r) for i, s in enumerate(subjects) for r in s.get(name, [])]
                needed = {n.variable for n in nodes if n.dataset == name and n.kind == "var"}
                unknown = {k for _, r in own for k in r} - {line.name for _, line in self.study.datasets[name].all_lines()}
                assert not unknown, f"{name} has no {unknown}"
                run.tables[name] = self._table(name, own, needed)
        forms = [(i, r) for i, s in enumerate(subjects) for r in s.get("eot", [])]
        run.tables["eot"] = self._table("eot", forms, {"LASTDOS"})
        run.tables["eot"].raw = True
        for node in nodes:
            if node.dataset in made:
                carry_out(run, self.plan, node, self.catalogue.type_of)
        table = run.tables[wanted]
        frame = pd.DataFrame({n: _shown(n, v) for n, v in table.columns.items()}).astype(object)
        frame = frame.where(frame.notna(), None)
        frame["who"] = [names[i] for i in table.records.subject]
        told = [(i.subject, i.message) for i in run.close_issues() if i.dataset == wanted]
        frame["told"] = [[m for who, m in told if who == name] for name in frame["who"]]
        order = table.order if table.order is not None else np.arange(table.n)
        return frame.iloc[order].to_dict("records")

    def _table(self, name, own, columns):
        values = {}
        for column in sorted(columns):
            numeric = name != "eot" and self.catalogue.type_of(name, column) == "Num"
            values[column] = pd.Series([r.get(column) for _, r in own], dtype="float64" if numeric else "str")
        subject = np.array([i for i, _ in own], dtype=np.int64)
        return Table(name, Records(subject, np.zeros(len(subject), dtype=np.int64)), values)


def _shown(name, values):
    if not name.endswith("DT") or values.dtype != np.float64:
        return values
    return [None if pd.isna(v) else (date(1960, 1, 1) + timedelta(days=int(v))).isoformat() for v in values]
