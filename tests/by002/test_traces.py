"""Any analysis value goes back to raw cells, tables, settings or words of the spec: sampled over every dataset.

The values on the way are those of the published files, and the cells hold in the export what the trace says.
"""

import random
import re
import shlex
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from .conftest import ROOT, STUDY
from .traced import at_place, written

SUBJECT = "BY002-01-001"  # treated, both profiles, died
DATASETS = ("ADSL", "ADAE", "ADBM", "ADCM", "ADDLT", "ADEG", "ADEX", "ADLB", "ADMH", "ADPC", "ADPP", "ADRS", "ADTTE", "ADVS")
ALWAYS = {"ADSL": ("DTHDT", "LSTALVDT"), "ADAE": ("TRTEMFL",), "ADLB": ("ATOXGRL", "ATOXGRH", "ABLFL"), "ADPP": ("AVAL",),
          "ADRS": ("AVALC", "ADT"), "ADTTE": ("AVAL", "CNSR", "EVNTDESC")}
SAMPLED = 3  # further variables of each dataset


@pytest.fixture(scope="module")
def traces(export, dataset):
    """The traces of sampled values: dataset, variable, record and step; with the run that gave them."""
    import trialmill.verbs  # noqa: F401, PLC0415  registers the verbs of all rooms
    from engine.run.lineage import trace  # noqa: PLC0415
    from engine.run.partial import partial_run  # noqa: PLC0415
    from engine.run.plan import Plan  # noqa: PLC0415
    from engine.spec.study import load_study  # noqa: PLC0415
    from trialmill.build import Tools  # noqa: PLC0415
    from trialmill.delivered import read_sources  # noqa: PLC0415

    study, chance = load_study(STUDY), random.Random(20260331)
    nodes = Plan(study.datasets).nodes_of(DATASETS)
    run, alone = partial_run(study, read_sources(study, export).tables, Tools(study), nodes, SUBJECT)
    assert alone
    found = []
    for name in DATASETS:
        more = [n for n in dataset(name).columns if n not in ALWAYS.get(name, ())]
        for variable in (*ALWAYS.get(name, ()), *chance.sample(more, SAMPLED)):
            values = run.table(name).columns.get(variable)
            filled = [] if values is None or variable not in ALWAYS.get(name, ()) else values.notna().to_numpy().nonzero()[0].tolist()
            row = chance.choice(filled or range(run.table(name).n))
            found.append(SimpleNamespace(name=name, variable=variable, row=row, step=trace(run, name, variable, row)))
    return SimpleNamespace(run=run, study=study, found=found)


def steps(step, seen=None):
    """A step and all that it used, each once."""
    seen = {} if seen is None else seen
    if id(step) not in seen:
        seen[id(step)] = step
        for used in step.used:
            steps(used, seen)
    return list(seen.values())


def test_every_analysis_dataset_is_sampled(built, traces):
    assert sorted(f"{name.lower()}.xpt" for name in DATASETS) == sorted(p.name for p in (built / "adam").glob("*.xpt"))
    assert len(traces.found) >= len(DATASETS) * SAMPLED


def test_every_end_of_a_trace_is_a_raw_cell_a_table_a_setting_or_a_word_of_the_spec(traces):
    wrong, ends = [], set()
    for each in traces.found:
        for end in (s for s in steps(each.step) if not s.used and s.above is None):
            stated = end.kind in ("derived", "made") and (
                end.says.startswith(("Set to ", "Null: ", "Not derived", "The name of the part", "1 to n within", "once for "))
                or end.note.startswith("(not made for the part"))
            told = end.kind in ("count", "record") and end.value.startswith(("(", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
            ends.add("stated" if stated else end.kind)
            if not (stated or told or end.kind in ("cell", "row", "setting", "identity")) or end.value == "(unknown)":
                wrong.append((each.name, each.variable, end.kind, end.name, end.value, end.says, end.note))
            elif "explain it by itself" in end.note:
                wrong.append((each.name, each.variable, "the bound was reached", end.name))
    assert not wrong, wrong[:5]
    assert {"cell", "row", "setting", "stated"} <= ends


def test_every_sampled_value_is_the_published_one(traces, dataset):
    wrong = []
    for each in traces.found:
        frame = dataset(each.name)
        table = traces.run.table(each.name)
        number = table.columns["ASEQ"].iloc[each.row] if "ASEQ" in table.columns else None
        own = frame[frame["USUBJID"] == SUBJECT]
        own = own if number is None else own[own["ASEQ"] == number]
        there = written(own[each.variable].iloc[0])
        said = "" if each.step.value == "(missing)" else each.step.value
        if there != said and not _close(there, said):
            wrong.append((each.name, each.variable, each.row, there, said))
    assert not wrong


def _close(there, said):
    try:
        return abs(float(there) - float(said)) <= 1e-11 * abs(float(said))
    except ValueError:
        return False


def test_every_raw_cell_of_a_trace_holds_what_the_trace_says(traces, export):
    cells = {(s.name.partition(".")[2].strip('"'), s.received or s.value, s.source)
             for each in traces.found for s in steps(each.step) if s.kind == "cell"}
    wrong = [cell for cell in cells if not _holds(at_place(export, cell[2]), cell[0], cell[1])]
    assert not wrong, wrong[:5]
    assert len({source for *_, source in cells}) > 50 and len({s.split(" line ")[0] for *_, s in cells}) > 10


def _holds(cells, column, text):
    there = cells[column]
    return there == text or (text == "(missing)" and there in ("", "None", "nan")) or pd.isna(there)


@pytest.mark.parametrize(("name", "variable", "table", "column"), [
    ("ADPP", "AVAL", "conc", "CONC"), ("ADTTE", "AVAL", "dose", "DSTDAT"), ("ADLB", "ATOXGRL", "lis", "RESULT"),
    ("ADSL", "DTHDT", "dth", "DTHDAT"), ("ADAE", "TRTEMFL", "ae", "AESTDAT"),
])
def test_the_path_of_a_well_known_value_ends_where_a_reviewer_expects_it(traces, name, variable, table, column):
    from trialmill.trace_path import path_of  # noqa: PLC0415

    each = next(e for e in traces.found if (e.name, e.variable) == (name, variable))
    assert f"{table}.{column}" in {step.name for step, _ in path_of(each.step).cells}


def test_the_commands_of_the_guide_run(export, tmp_path):
    from trialmill.cli import app  # noqa: PLC0415

    guide = (ROOT / "docs" / "tracing.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", guide, re.DOTALL)
    shown = [shlex.split(line)[1:] for line in block.splitlines()]
    assert [a[0] for a in shown] == ["explain"] * 4
    for arguments in shown:
        of_record = "--record" in arguments
        if of_record and "--html" not in arguments and arguments[1] == "ADTTE.AVAL":
            continue  # the same with a page is run
        paths = [str(tmp_path / a) if a.endswith(".html") else a for a in arguments]
        more = ["--raw", str(export), "--out", str(tmp_path / "none")] if of_record else []
        done = CliRunner().invoke(app, [*paths, "--study", str(STUDY), *more])
        assert done.exit_code == 0 and done.output.startswith(arguments[1]), done.output
    assert (tmp_path / "trace.html").stat().st_size > 10_000
