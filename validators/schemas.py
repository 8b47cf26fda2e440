"""A dataset's schema: variables in order, types, and every constraint, as one pandera schema.

Validates all at once and tells what failed as faults of the study's data, in the words of the field. A schema holds
what its dataset must be, whatever made it: the build before it publishes, a file read back, another programmer's.

Sources: pandera's DataFrameSchema with lazy validation; SDTMIG 3.4; ADaMIG 1.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pandera
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

from engine.errors import Place
from engine.spec.catalogue import Catalogue, DatasetInfo
from validators.constraints import Constraint, obliged, of_variable, required
from validators.findings import Fault, show
from validators.records import of_records
from validators.terms import Terms
from validators.values import Bools

DTYPES = {"Char": "str", "Num": "float64"}


@dataclass(slots=True)
class Schema:
    """The schema of one dataset; `constraints` by the name that its check has."""

    info: DatasetInfo
    schema: pandera.DataFrameSchema
    constraints: dict[str, Constraint]
    obliged: dict[str, str]
    spec: Place | None = None  # where the spec states the keys
    not_run: dict[tuple[str, str], str] = field(default_factory=dict)  # rule and variable, with why it could not run

    def faults(self, frame: pd.DataFrame) -> list[Fault]:
        """Everything in `frame` (index 0..n-1) that the schema does not allow, by variable in file order."""
        try:
            self.schema.validate(frame, lazy=True, inplace=True)
        except SchemaErrors as error:
            return self._told(frame, error.schema_errors)
        return []

    def _told(self, frame: pd.DataFrame, errors: list[SchemaError]) -> list[Fault]:
        found: list[Fault] = []
        known = [each.name for each in self.info.variables]
        wrong = {e.schema.name for e in errors if e.reason_code == SchemaErrorReason.WRONG_DATATYPE}
        for error in errors:
            reason, name = error.reason_code, getattr(error.schema, "name", None)
            if reason == SchemaErrorReason.COLUMN_NOT_IN_DATAFRAME:
                found.append(self._missing_variable(str(error.failure_cases)))
            elif reason == SchemaErrorReason.COLUMN_NOT_IN_SCHEMA:
                found.append(
                    self._plain("variable", str(error.failure_cases), "a variable that the spec does not have")
                )
            elif reason == SchemaErrorReason.WRONG_DATATYPE:
                kind = self.info.variable(str(name)).type
                found.append(self._plain("type", str(name), f"the values are not {_TOLD[kind]}", _TOLD[kind]))
            elif reason == SchemaErrorReason.SERIES_CONTAINS_NULLS:
                found.append(self._required(frame, str(name)))
            elif reason == SchemaErrorReason.DATAFRAME_CHECK:
                found.append(self._fault(frame, self.constraints[error.check.name], error.check_output))
            elif reason == SchemaErrorReason.CHECK_ERROR:
                constraint = self.constraints[error.check.name]
                reads = {constraint.variable, *constraint.needs}
                if not reads & wrong and reads <= {*frame.columns, ""}:
                    raise error
                lacking = sorted(n for n in reads if n and (n in wrong or n not in frame.columns))
                why = f"{', '.join(lacking)} of {self.info.name} is not there or of another type"
                self.not_run[(constraint.rule, constraint.variable)] = why
            elif reason != SchemaErrorReason.COLUMN_NOT_ORDERED:
                raise error
        if any(e.reason_code == SchemaErrorReason.COLUMN_NOT_ORDERED for e in errors):
            found.append(self._order([str(c) for c in frame.columns], known))
        place = {n: i for i, n in enumerate(["", *known])}
        return sorted(found, key=lambda f: (place.get(f.variable, len(place)), f.rule, f.says))

    def _place(self, name: str) -> Place | None:
        for each in self.info.variables:
            if each.name == name and each.line is not None:
                return each.line.place
        return None if name else self.spec

    def _plain(self, rule: str, name: str, says: str, expected: str = "") -> Fault:
        return Fault(rule, "error", self.info.name, name, says, expected=expected, place=self._place(name))

    def _missing_variable(self, name: str) -> Fault:
        core = self.obliged.get(name)
        word = {"Req": "required", "Exp": "expected"}.get(core or "", "")
        return self._plain(
            "variable",
            name,
            f"a variable that the standard calls {word} is not there"
            if word
            else "a variable of the spec is not there",
        )

    def _required(self, frame: pd.DataFrame, name: str) -> Fault:
        rows = np.flatnonzero(frame[name].isna().to_numpy(dtype=bool))
        return Fault(
            "required",
            "error",
            self.info.name,
            name,
            "no value, though one is required",
            rows,
            [""] * len(rows),
            do="derive it, or query the site for what was not collected",
            place=self._place(name),
        )

    def _order(self, here: list[str], known: list[str]) -> Fault:
        common = [n for n in here if n in known]
        expected = [n for n in known if n in here]
        at = next((i for i, (a, b) in enumerate(zip(common, expected, strict=True)) if a != b), 0)
        return self._plain(
            "order",
            common[at],
            "the variables stand in another order than the standard's",
            f"{expected[at]} at its place",
        )

    def _fault(self, frame: pd.DataFrame, constraint: Constraint, passed: pd.Series) -> Fault:
        rows = np.flatnonzero(~passed.to_numpy(dtype=bool))
        name = constraint.variable
        values = [show(x) for x in frame[name].iloc[rows]] if name else [""] * len(rows)
        return Fault(
            constraint.rule,
            "error",
            self.info.name,
            name,
            constraint.says,
            rows,
            values,
            constraint.expected,
            constraint.do,
            self._place(name),
            signature="" if constraint.rule == "length" else constraint.says,  # a length is that of the file
        )


_TOLD = {"Char": "text", "Num": "numbers"}


def make_schema(catalogue: Catalogue, info: DatasetInfo, parent: pd.DataFrame | None = None) -> Schema:
    """The schema of a dataset.

    Args:
        catalogue: of the study, for standards and terminology.
        info: the dataset; lengths that are settled are held, others may be up to 200 bytes.
        parent: the parent records, for a SUPP-- dataset.
    """
    terms = Terms(catalogue)
    must, wanted = required(info, terms), obliged(info, terms)
    constraints: dict[str, Constraint] = {}
    columns: dict[str, pandera.Column] = {}
    for variable in info.variables:
        checks = [_check(c, constraints) for c in of_variable(info, variable, terms)]
        columns[variable.name] = pandera.Column(
            DTYPES[variable.type],
            checks,
            nullable=variable.name not in must,
            required=not variable.optional,
            name=variable.name,
        )
    for name in wanted:
        if name not in columns:
            columns[name] = pandera.Column(None, nullable=True, name=name)
    wide = [_check(c, constraints) for c in of_records(info, terms, parent)]
    schema = pandera.DataFrameSchema(columns, checks=wide, ordered=True, strict=True, name=info.name)
    spec = catalogue.study.datasets.get(info.name)
    return Schema(info, schema, constraints, wanted, spec.document.place("keys") if spec is not None else None)


def _check(constraint: Constraint, constraints: dict[str, Constraint]) -> pandera.Check:
    """The constraint as pandera runs it: once on the whole column or frame, failures told by row."""
    name = f"{len(constraints)} {constraint.rule} {constraint.variable}"
    constraints[name] = constraint
    return pandera.Check(_indexed(constraint.test), name=name, ignore_na=False, n_failure_cases=1)


def _indexed(test: Callable[[Any], Bools]) -> Callable[[Any], pd.Series]:
    def run(values: Any) -> pd.Series:
        return pd.Series(test(values), index=values.index, dtype=bool)

    return run
