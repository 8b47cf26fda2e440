"""What must hold between the variables of one dataset, and between a supplemental qualifier and its parent.

Keys identify records; --SEQ numbers a subject's records from 1; a code has one name; a term fits the variable that
decides its codelist; a qualifier points at a record that exists.

Sources: SDTMIG 3.4 sections 3.2.1.1 (keys), 4.1.5 (--SEQ), 4.2.1 (--TESTCD and --TEST), 8.4 (SUPP--).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from engine.numbers import number_texts
from engine.spec.catalogue import DatasetInfo
from validators import values as v
from validators.checks import usual_pairs
from validators.constraints import CODES, Constraint, is_code, term_constraint
from validators.terms import Allowed, Terms

# codes of the trial's plan and their names
PLAN = {"VISITNUM": "VISIT", "ARMCD": "ARM", "ACTARMCD": "ACTARM", "ETCD": "ELEMENT"}
_TERMS = ("TESTCD", "PARMCD")  # codes of CDISC codelists that are paired with lists of names
SEPARATOR = "\x1f"  # cannot stand in a value: it is not printable


def of_records(info: DatasetInfo, terms: Terms, parent: pd.DataFrame | None) -> Iterator[Constraint]:
    """Every constraint between variables; `parent` are the parent records of a SUPP-- dataset (None: there is none)."""
    names = {each.name for each in info.variables}
    keys = tuple(k for k in info.keys if k in names)
    if keys:
        yield Constraint(
            "keys",
            "",
            partial(_first, names=keys),
            f"the key {', '.join(keys)} of an earlier record",
            do="add what tells the records apart to keys:, or drop the repeats in records:",
            wide=True,
            needs=keys,
        )
    yield from _sequence(info, names)
    for code, name in _pairs(names).items():
        yield from _pair(info, terms, code, name)
    for rule in terms.by_value(info):
        for term, allowed in rule.lists.items():
            yield _by_value(info, rule.variable, rule.by, term, allowed)
        if rule.others is not None:
            yield _others(info, rule.variable, rule.by, frozenset(rule.lists), rule.others)
    if info.name.startswith("SUPP"):
        yield from _qualifiers(info, terms, parent)


def _first(frame: pd.DataFrame, names: tuple[str, ...]) -> v.Bools:
    return v.first_of_each([frame[n] for n in names])


def _sequence(info: DatasetInfo, names: set[str]) -> Iterator[Constraint]:
    number = "ASEQ" if "ASEQ" in names else f"{info.name}SEQ"
    if number not in names or "USUBJID" not in names:
        return
    needs = ("USUBJID", number)
    repeats = partial(_first, names=needs)
    yield Constraint("sequence", number, repeats, "the number of another record of the subject", wide=True, needs=needs)
    yield Constraint(
        "sequence",
        number,
        partial(_numbered, number=number),
        "a number above the count of the subject's records",
        expected="1 to n without a gap",
        wide=True,
        needs=needs,
    )


def _numbered(frame: pd.DataFrame, number: str) -> v.Bools:
    codes, distinct = pd.factorize(frame["USUBJID"])
    count = np.bincount(codes[codes >= 0], minlength=len(distinct) + 1).astype(float)
    found = frame[number].to_numpy(dtype=float)
    return np.isnan(found) | (codes < 0) | (found <= count[codes])


def _pairs(names: set[str]) -> dict[str, str]:
    """Codes of a dataset and the variable that names them."""
    tests = {n: n.removesuffix("CD") for n in sorted(names) if is_code(n) and n.endswith("TESTCD")}
    return {code: name for code, name in {**tests, **CODES, **PLAN}.items() if {code, name} <= names}


def _pair(info: DatasetInfo, terms: Terms, code: str, name: str) -> Iterator[Constraint]:
    labels = code == "QNAM"
    decodes = _labels(info, terms) if labels else terms.decodes(info, code) if code.endswith(_TERMS) else {}
    if decodes:
        yield Constraint(
            "decode",
            name,
            partial(_decoded, code=code, name=name, decodes=decodes),
            f"another name than the {'spec' if labels else 'terminology'} gives to its {code}",
            do=f"take the name from the {'spec' if labels else 'paired codelist'}",
            wide=True,
            needs=(code, name),
        )
    yield Constraint(
        "pair",
        name,
        partial(_one_to_one, code=code, name=name),
        f"{code} and {name} are not paired as in most records",
        f"one {name} for each {code} and the reverse",
        wide=True,
        needs=(code, name),
    )


def _labels(info: DatasetInfo, terms: Terms) -> dict[str, str]:
    """The label of each qualifier that the spec describes."""
    spec = terms.study.datasets.get(info.name.removeprefix("SUPP"))
    lines = spec.supplemental.items() if spec is not None else ()
    return {name: line.options.label for name, line in lines if line.options.label}


def _decoded(frame: pd.DataFrame, code: str, name: str, decodes: dict[str, str]) -> v.Bools:
    expected = frame[code].map(decodes).astype("str")
    same = (frame[name] == expected).to_numpy(dtype=bool, na_value=False)
    return same | expected.isna().to_numpy(dtype=bool) | frame[name].isna().to_numpy(dtype=bool)


def _one_to_one(frame: pd.DataFrame, code: str, name: str) -> v.Bools:
    return usual_pairs(frame[code], frame[name])


def _by_value(info: DatasetInfo, variable: str, by: str, term: str, allowed: Allowed) -> Constraint:
    found = term_constraint(variable, allowed, info.variable(variable))
    return Constraint(
        found.rule,
        variable,
        partial(_where, variable=variable, by=by, term=term, allowed=allowed.values),
        f"where {by} is {term}: {found.says}",
        found.expected,
        found.do,
        wide=True,
        needs=(variable, by),
    )


def _where(frame: pd.DataFrame, variable: str, by: str, term: str, allowed: frozenset[str]) -> v.Bools:
    concerned = (frame[by] == term).to_numpy(dtype=bool, na_value=False)
    return ~concerned | v.among(frame[variable], allowed)


def _others(info: DatasetInfo, variable: str, by: str, terms: frozenset[str], allowed: Allowed) -> Constraint:
    found = term_constraint(variable, allowed, info.variable(variable))
    return replace(
        found,
        test=partial(_elsewhere, variable=variable, by=by, terms=terms, allowed=allowed.values),
        wide=True,
        needs=(variable, by),
    )


def _elsewhere(frame: pd.DataFrame, variable: str, by: str, terms: frozenset[str], allowed: frozenset[str]) -> v.Bools:
    return frame[by].isin(list(terms)).to_numpy(dtype=bool) | v.among(frame[variable], allowed)


def _qualifiers(info: DatasetInfo, terms: Terms, parent: pd.DataFrame | None) -> Iterator[Constraint]:
    domain = info.name.removeprefix("SUPP")
    yield Constraint(
        "parent",
        "IDVARVAL",
        partial(_has_parent, parent=parent),
        f"no record of {domain} has this IDVARVAL",
        f"USUBJID and IDVARVAL of a record of {domain}",
        wide=True,
        needs=("USUBJID", "IDVAR", "IDVARVAL"),
    )
    yield Constraint(
        "qualifier",
        "QNAM",
        partial(_own_name, domain=domain, terms=terms),
        f"the name of a variable that the standard gives to {domain}",
        do="choose another QNAM",
        wide=True,
        needs=("QNAM",),
    )
    spec = terms.study.datasets.get(domain)
    for name, line in sorted(spec.supplemental.items()) if spec is not None else ():
        allowed = terms.named(line.codelist, info.package) if line.codelist else None
        if allowed is not None:
            found = _by_value(info, "QVAL", "QNAM", name, allowed)
            yield found


def _own_name(frame: pd.DataFrame, domain: str, terms: Terms) -> v.Bools:
    return v.each_distinct(frame["QNAM"], lambda name: not terms.catalogue.sdtm.is_model_variable(name, domain))


def _has_parent(frame: pd.DataFrame, parent: pd.DataFrame | None) -> v.Bools:
    """Qualifiers whose parent record exists; without IDVAR the subject's record is the parent."""
    if parent is None or "USUBJID" not in parent.columns:
        return np.zeros(len(frame), dtype=bool)
    found = np.zeros(len(frame), dtype=bool)
    idvar = frame["IDVAR"].astype("str")
    plain = idvar.isna().to_numpy(dtype=bool)
    if plain.any():
        found[plain] = v.present_in(frame["USUBJID"][plain], parent["USUBJID"])
    for name in idvar.dropna().unique():
        rows = (idvar == name).to_numpy(dtype=bool, na_value=False)
        if name in parent.columns:
            values = parent[name]
            texts = number_texts(values) if values.dtype == np.float64 else values.reset_index(drop=True)
            there = parent["USUBJID"].reset_index(drop=True) + SEPARATOR + texts
            here = frame["USUBJID"][rows] + SEPARATOR + frame["IDVARVAL"][rows]
            found[rows] = v.present_in(here, there)
    return found
