"""Verbs of analysis datasets on a few made-up records: the engine's own view of them, without files or specs."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from engine.run.at import At
from engine.run.run import Run
from engine.run.tables import Records, Table


def column(values):
    """Numbers where all present values are numbers, else text; None is missing."""
    known = [v for v in values if v is not None]
    if known and all(isinstance(v, (int, float)) for v in known):
        return pd.Series([np.nan if v is None else float(v) for v in values])
    return pd.Series(values, dtype="str")


def table(name, columns, subject):
    """A dataset of these records, each of the person at that place among the people."""
    own = {k: column(v) for k, v in columns.items()}
    who = np.array(subject, dtype=np.int64)
    return Table(name, Records(who, np.zeros(len(who), dtype=np.int64)), own)


@pytest.fixture
def look():
    """Make a view of the records of ADSL, one per person, beside other datasets: {name: (columns, subjects)}."""

    def make(columns, others=None, settings=None):
        n = len(next(iter(columns.values())))
        study = SimpleNamespace(
            datasets={},
            file=SimpleNamespace(standards=SimpleNamespace(adam_terminology="2026-03-27")),
            setting=(settings or {}).get,
        )
        people = table("person", {"USUBJID": [f"TOY-{i}" for i in range(n)]}, range(n))
        run = Run(study, {}, people, None)
        for name, (far, subject) in (others or {}).items():
            run.tables[name] = table(name, far, subject)
        run.tables["ADSL"] = table("ADSL", columns, range(n))
        return At(run, run.tables["ADSL"], variable="X")

    return make


@pytest.fixture
def issues():
    """The messages and severities that a view's verbs have reported."""
    return lambda at: [(i.severity, i.message) for i in at.run.close_issues()]
