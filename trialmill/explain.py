"""Explains a variable: its lines in the spec, and for one record its value, what it came from, and the raw lines.

The answer comes first: the value, its rule, the raw cells that it goes back to; everything that was read on the way
follows. The same as an HTML page with the path drawn is made by trace_page.py.

Sources: architecture, "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.run.lineage import Step
from engine.spec.registry import sentence
from engine.spec.study import load_study
from trialmill.record_choice import SUPPQUAL, choose_record, is_derived, named, run_column
from trialmill.trace import Trace, trace_record
from trialmill.trace_path import path_of

__all__ = ["choose_record", "explain", "explain_record", "is_derived", "made_at", "raw_cells", "run_column", "told"]

SHOWN_CELLS = 8  # raw cells that stand beside the answer


def explain(variable: str, folder: Path) -> list[str]:
    """What the spec says of a variable such as AE.AESTDY or SUPPAE.AEDLT.

    Raises:
        CommandError: no such dataset or variable.
    """
    study = load_study(folder)
    spec, name = named(study, variable)
    lines = []
    names = list(spec.supplemental) if name in SUPPQUAL and variable.startswith("SUPP") else [name]
    found = [(n, part, line) for n in names for part, line in spec.lines(n)]
    found += [(n, None, spec.supplemental[n]) for n in names if n in spec.supplemental]
    for shown_name, part, line in found:
        part_name = f" ({part.name})" if part is not None and part.name else ""
        lines.append(f"{spec.name}.{shown_name}{part_name}  {line.place}")
        lines.append(f"  verb      {line.verb.name}")
        lines.append(f"  derived   {sentence(line.verb, line.params)}")
        if line.options.where is not None:
            lines.append(f"  where     {line.options.where}")
        if line.verb.source:
            lines.append(f"  source    {line.verb.source}")
    return lines or [f"{spec.name}.{name}  identity of the study and the person: {study.document.place('identity')}"]


def explain_record(
    variable: str, folder: Path, raw: Path, out: Path, chosen: Iterable[str], carrier: str | None = None
) -> list[str]:
    """One record's value of a variable, everything that it came from, and what was published; see trace_record."""
    return told(trace_record(variable, folder, raw, out, chosen, carrier))


def told(trace: Trace) -> list[str]:
    """A traced value as lines of text."""
    step = trace.step
    dataset = trace.variable.partition(".")[0]
    return [
        f"{trace.variable} = {step.value}" + (f" ({step.received})" if step.received else ""),
        *([f"  no record of {dataset}, since the qualifier has no value"] if trace.absent else []),
        f"  derived   {step.says}  [{step.source}]" + (f"  {step.note}" if step.note else ""),
        *_listed([cell_told(*cell) for cell in trace.path.cells]),
        f"  record    {trace.keys}",
        f"  from      {trace.origin}",
        *([f"  published {trace.published}"] if trace.published else []),
        *([f"in detail, worked out from {trace.scope}:"] if step.used else [f"  worked out from {trace.scope}"]),
        *_tree(step, 0),
    ]


def raw_cells(step: Step) -> list[tuple[str, str]]:
    """The raw cells, and rows of tables, that a value goes back to: what is told of each, and where it stands."""
    return [(cell_told(*cell), cell[0].source) for cell in path_of(step).cells]


def made_at(step: Step, dataset: str) -> list[str]:
    """The columns behind a value that making the records of its dataset made, each with its line in the spec."""
    return [f"{each.name}, which is made at {each.source}" for each in path_of(step).steps
            if each.kind == "made" and each.at[0] == dataset and ".yaml:" in each.source]


def cell_told(step: Step, among: str) -> str:
    """A cell of an input file, or a row of a table, in a line."""
    return f"{step.name} = {step.received or step.value}  [{step.source}]" + (f"  ({among})" if among else "")


def _listed(cells: list[str]) -> list[str]:
    more = [f"and {len(cells) - SHOWN_CELLS} more, see below"] if len(cells) > SHOWN_CELLS else []
    return [("  raw       " if n == 0 else " " * 12) + text for n, text in enumerate([*cells[:SHOWN_CELLS], *more])]


def _tree(step: Step, depth: int) -> Iterator[str]:
    """The step's own lines and, further in, those of what it used."""
    pad = "  " * depth
    for each in step.used:
        note = f"  {each.note}" if each.note else ""
        source = f"  [{each.source}]" if each.source else ""
        received = f" ({each.received})" if each.received else ""
        yield f"{pad}  {each.name} = {each.value}{received}{source}{note}"
        if each.says:
            yield f"{pad}      {each.says}"
        yield from _tree(each, depth + 1)
