"""Stands in for engine.run.at.At over plain columns, for tests of single verbs."""

import numpy as np
import pandas as pd


def text(*values):
    return pd.Series([v if v != "" else None for v in values], dtype="str")


class View:
    """n records with columns by name; `reported` collects what a verb lists, with its severity."""

    def __init__(self, columns, subject=None, study=None, far=None, dataset="LB"):
        self.columns, self.study, self._far, self.dataset = columns, study, far or {}, dataset
        self.n = len(next(iter(columns.values())))
        self.subject = np.zeros(self.n, dtype=np.int64) if subject is None else np.asarray(subject)
        self.reported = []

    def values(self, ref):
        return self.columns[ref.name]

    text = values
    dtc = values

    def number(self, ref):
        return self.columns[ref.name].astype("float64")

    def far(self, name):
        return self._far[name]

    def only(self, rows):
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        part = View({k: v.iloc[rows].reset_index(drop=True) for k, v in self.columns.items()}, self.subject[rows],
                    self.study, self._far, self.dataset)  # fmt: skip
        part.reported = self.reported
        return part

    def test(self, condition):
        return np.ones(self.n, dtype=bool) if condition is None else condition.test(self.values, self.n).true

    def constant(self, value):
        return pd.Series([value] * self.n, dtype="str")

    def report(self, mask, message, *, found=None, severity="warning", variable=""):
        self.reported += [(severity, message, None if found is None else found.iloc[i]) for i in np.flatnonzero(mask)]
