"""The value level of a define.xml: results by test, qualifiers by name, analysis values and trial summary by code.

A variable has a value list where its values differ by test or parameter in type, length, decimals, terms, origin or
method, so that the list says more than the variable; qualifiers always have one. Where a findings dataset tells details
of a test apart (--TSTDTL), test and detail together make the condition.

Sources: Define-XML 2.1 section 5.3.8 (ValueListDef, WhereClauseDef).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from engine.spec.codelists import StudyCodelist
from engine.spec.dataset import DatasetSpec, Part, VariableLine
from engine.spec.origins import Origin, line_origin, lines_of, variable_origins
from engine.spec.stated import known_codelist
from engine.spec.study import Study
from engine.spec.value_level import ValueLine, by_parameter, by_test, records_of
from submission.built import Published
from submission.define_facts import Facts, number_facts, value_facts

RESULTS = ("ORRES", "ORRESU", "STRESC", "STRESN", "STRESU")
ANALYSED = ("AVAL", "AVALC")


@dataclass(slots=True)
class Leveled:
    """A variable's values for one combination of codes, by the names of the code variables."""

    where: dict[str, str]
    label: str
    facts: Facts
    lines: list[tuple[Part | None, VariableLine]] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    origins: tuple[Origin, ...] = ()
    lists: list[StudyCodelist] | None = None  # codelists, where they are not the variable's


@dataclass(slots=True)
class Level:
    """The value level of a variable; `always`: it is given though it says no more than the variable."""

    variable: str
    values: list[Leveled]
    always: bool = False


def levels_of(study: Study, published: Published, frame: pd.DataFrame) -> Iterator[Level]:
    """The value levels that a dataset has, from its records and specs."""
    name, known = published.name, set(frame.columns)
    if published.parent:
        yield _qualifiers(study, published, frame)
        return
    spec = study.datasets[name]
    tests, detail = f"{name}TESTCD", f"{name}TSTDTL"
    if tests in known:
        codes = [tests, detail] if detail in known and frame[detail].notna().any() else [tests]
        names = {tests: f"{name}TEST"}
        for suffix in RESULTS:
            if f"{name}{suffix}" in known:
                lines = by_test(study, spec, f"{name}{suffix}")
                yield _level(study, spec, frame, f"{name}{suffix}", codes, names, lines)
    elif "PARAMCD" in known:
        for variable in ANALYSED:
            if variable in known:
                lines = by_parameter(study, spec, variable)
                yield _level(study, spec, frame, variable, ["PARAMCD"], {"PARAMCD": "PARAM"}, lines)
    elif {"TSPARMCD", "TSVAL"} <= known:
        level = _level(study, spec, frame, "TSVAL", ["TSPARMCD"], {"TSPARMCD": "TSPARM"}, {})
        wanted = _lists_by_code(study, spec)
        for each in level.values:
            found = known_codelist(study, wanted.get(each.where["TSPARMCD"], ""), spec.package)
            each.lists = [found] if found is not None else []
        yield level


def _level(
    study: Study,
    spec: DatasetSpec,
    frame: pd.DataFrame,
    variable: str,
    codes: list[str],
    names: Mapping[str, str],
    lines: Mapping[str, list[ValueLine]],
) -> Level:
    whole = variable_origins(study, spec.name, variable)
    labels = {code: _pairs(frame, code, name) for code, name in names.items() if name in frame}
    values = []
    for key, facts in _groups(frame, codes, variable):
        where = dict(zip(codes, key, strict=True))
        label = ", ".join(labels.get(code, {}).get(value, value) for code, value in where.items() if value)
        found = lines.get(key[0], [])
        values.append(
            Leveled(
                {code: value for code, value in where.items() if value},
                label,
                facts,
                [(v.part, v.line) for v in found] or lines_of(spec, variable),
                [*_records(spec, key[0]), *(v.says for v in found)] if found else [],
                tuple(dict.fromkeys(v.origin for v in found)) or whole,
            )
        )
    return Level(variable, values)


def _records(spec: DatasetSpec, code: str) -> list[str]:
    """How the records of a parameter come about that has a part of its own."""
    said, place = records_of(spec, code)
    return [said] if place is not None and said else []


def _groups(frame: pd.DataFrame, codes: list[str], variable: str) -> Iterator[tuple[tuple[str, ...], Facts]]:
    """What the values show for each combination of codes that has a value; '' for a code that is missing."""
    part = frame[[*codes, variable]]
    sizes = part.groupby(codes, dropna=False, sort=False)[variable].agg(["size", "count"])
    distinct = part.dropna(subset=[variable]).drop_duplicates()
    groups = {_key(k): g[variable] for k, g in distinct.groupby(codes, dropna=False, sort=False)}
    counts = {_key(k): (int(s), int(c)) for k, s, c in sizes.itertuples()}
    numeric = part[variable].dtype == float
    for key in sorted(groups):
        records, present = counts[key]
        make = number_facts if numeric else value_facts
        yield key, make(groups[key], records - present, records)


def _key(key: object) -> tuple[str, ...]:
    parts = key if isinstance(key, tuple) else (key,)
    return tuple("" if pd.isna(p) else str(p) for p in parts)


def _pairs(frame: pd.DataFrame, code: str, name: str) -> dict[str, str]:
    pairs = frame[[code, name]].dropna().drop_duplicates(subset=[code])
    return dict(zip(pairs[code].astype(str), pairs[name].astype(str), strict=True))


def _qualifiers(study: Study, published: Published, frame: pd.DataFrame) -> Level:
    spec = study.datasets[published.parent]
    labels = _pairs(frame, "QNAM", "QLABEL")
    values = []
    for (name,), facts in _groups(frame, ["QNAM"], "QVAL"):
        line = spec.supplemental.get(name)
        if line is not None:
            lines: list[tuple[Part | None, VariableLine]] = [(None, line)]
            origins: tuple[Origin, ...] = (line_origin(study, spec, None, line),)
        else:  # text over 200 bytes that goes on from a variable or a qualifier of the parent
            base = max((v for v in (*spec.overflowing,) if name.startswith(v[:7])), key=len, default="")
            lines = lines_of(spec, base) if base else []
            origins = variable_origins(study, spec.name, base) if base else ()
        values.append(Leveled({"QNAM": name}, labels.get(name, name), facts, lines, [], origins))
    return Level("QVAL", values, always=True)


def _lists_by_code(study: Study, spec: DatasetSpec) -> dict[str, str]:
    """Codelists of trial summary values by parameter, where a table of the study names them beside it."""
    for _, line in spec.all_lines():
        ref = getattr(line.params, "codelist_of", None)
        if ref is not None and ref.source in study.tables:
            table = study.lookup(ref.source)
            if {"TSPARMCD", ref.name} <= set(table.columns):
                rows = table.dropna(subset=["TSPARMCD", ref.name])
                return dict(zip(rows["TSPARMCD"].astype(str), rows[ref.name].astype(str), strict=True))
    return {}
