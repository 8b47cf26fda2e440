"""Results metadata (ARM) of a define.xml, from the study's displays.

A display whose datasets hold no records, and so are not in the package, is left out; its name is told.

Sources: Analysis Results Metadata 1.0 for Define-XML 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.spec.displays import DisplaysSpec, ResultSpec, comparisons_of
from engine.spec.method_text import finished
from submission.define_model import AnalysisDataset, Define, Display, RangeCheck, Result, WhereClause
from submission.define_texts import Texts

PARAMETER = "PARAMCD"


def add_results(define: Define, spec: DisplaysSpec, comments: Texts, leaves: Mapping[str, str]) -> list[str]:
    """Add the displays to a define.xml whose datasets are there; the names of those left out.

    Args:
        define: to be added to. spec: the displays. comments: of the define.xml.
        leaves: leaf ids of displays and programs that are in the package, by number or file name; a display is found
            under its number in any spelling (T-14.3.8, t-14-3-8).
    """
    present = {g.name: {r.item for r in g.refs} for g in define.groups}
    spelled = {_spelled(name): leaf for name, leaf in leaves.items()}
    left_out = []
    for name, display in spec.displays.items():
        absent = [d for r in display.results for d in r.datasets if d not in present]
        if absent:
            left_out.append(name)
            continue
        made = Display(f"RD.{name}", name, display.title, [], spelled.get(_spelled(name), ""))
        for number, result in enumerate(display.results, 1):
            made.results.append(_result(define, f"{name}.{number}", result, comments, leaves))
        define.displays.append(made)
    return left_out


def _result(define: Define, name: str, spec: ResultSpec, comments: Texts, leaves: Mapping[str, str]) -> Result:
    datasets, parameter = [], ""
    for dataset, analysed in spec.datasets.items():
        where = ""
        if analysed.where is not None:
            checks = tuple(
                RangeCheck(f"IT.{dataset}.{variable}", comparator, values)
                for variable, comparator, values in comparisons_of(analysed.where)
            )
            if not parameter and any(c.item == f"IT.{dataset}.{PARAMETER}" for c in checks):
                parameter = f"IT.{dataset}.{PARAMETER}"
            where = _where(define, name, dataset, checks)
        variables = tuple(f"IT.{dataset}.{v}" for v in analysed.variables)
        datasets.append(AnalysisDataset(f"IG.{dataset}", variables, where))
    return Result(
        f"AR.{name}",
        finished(spec.says),
        spec.reason,
        spec.purpose,
        datasets,
        parameter,
        finished(spec.documentation),
        program=leaves.get(spec.program, ""),
        context="Python",
        comment=comments.add(finished(spec.joined), f"AR.{name}"),
    )


def _where(define: Define, name: str, dataset: str, checks: tuple[RangeCheck, ...]) -> str:
    """The clause of these comparisons; one that a value list or another result has is used again."""
    for clause in define.wheres.values():
        if clause.checks == checks:
            return clause.oid
    oid = f"WC.AR.{name}.{dataset}"
    define.wheres[oid] = WhereClause(oid, checks)
    return oid


def _spelled(name: str) -> str:
    """A number as file names spell it."""
    return re.sub(r"[^A-Z0-9]+", "-", name.upper())
