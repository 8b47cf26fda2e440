"""The command line: `trialmill build`, `check`, `lint`, `explain`, `nca`, `convert`, `terminology import`, `reference`.

A command imports what it needs when it runs, so that none waits for the rooms of another.
Exit status 0 clean, 1 findings or blocking issues, 2 the spec, the command or a file is wrong.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import Problem, SpecError, TrialmillError
from nca.settings import METHODS
from simulator.levels import Mess
from trialmill.check_command import check
from trialmill.compare_commands import compare
from trialmill.delivered_commands import delivered
from trialmill.explain_command import explain
from trialmill.options import DEFAULT_STUDY
from trialmill.package_command import package
from trialmill.progress import Progress
from trialmill.spec_commands import spec

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="From a trial's raw export to SDTM, ADaM and SAS transport files, by YAML specs.",
)
terminology = typer.Typer(no_args_is_help=True, help="Controlled terminology releases.")
app.add_typer(terminology, name="terminology")
app.add_typer(spec, name="spec")
app.command()(check)
app.command()(compare)
app.command()(delivered)
app.command()(explain)
app.command()(package)

StudyOption = Annotated[Path, typer.Option("--study", help="Folder with study.yaml.")]


@app.command()
def build(
    packages: Annotated[list[str] | None, typer.Argument(help="Packages to build; all when none is named.")] = None,
    study: StudyOption = DEFAULT_STUDY,
    raw: Annotated[Path | None, typer.Option(help="The raw export; raw/<study folder> when not given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; build/<study folder> when not given.")] = None,
    carrier: Annotated[str | None, typer.Option(help="Carrier of the forms: csv, odm or xlsx.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Threads.")] = 1,
) -> None:
    """Build a study's datasets from its raw export, all or none."""
    from trialmill.build import build_study

    out = out or Path("build") / study.name
    summary = build_study(study, raw or Path("raw") / study.name, out, packages or [], carrier=carrier, jobs=jobs)
    for name, records in sorted(summary.files.items()):
        print(f"{out / name}  {records:,} record{'' if records == 1 else 's'}")
    print(f"{summary.told()}: {out / 'issues.json'}")


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="The study folder to write, such as specs/abc101; new or empty.")],
    raw: Annotated[Path | None, typer.Option(help="Its raw export; raw/<study folder> when not given.")] = None,
    study_id: Annotated[str | None, typer.Option(help="STUDYID; the folder's name in capitals when not given.")] = None,
) -> None:
    """Write a small study to start from, which builds at once, and its raw export of made-up subjects."""
    from trialmill.new import CHECKOUT, new_study

    raw = raw or Path("raw") / folder.name
    made = new_study(folder, raw, study_id)
    print(f"{folder}: {made.specs} files, study {made.study}")
    print(f"{raw}: {made.raw} files" if made.raw else f"{raw}: the same export was there already")
    print("\nBuild it, and hold it against the standards:")
    if Path.cwd().resolve() == CHECKOUT:
        print(f"  make sdtm STUDY={folder} RAW={raw}\n  make check STUDY={folder}")
    else:
        out = Path("build") / folder.name
        print(f"  trialmill build sdtm --study {folder} --raw {raw} --out {out}")
        print(f"  trialmill check --study {folder} --out {out}")
    print(f"\nThen open {folder / 'study.yaml'}: it says what to read and what to try.")


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="An .xpt, .json, .ndjson, .dsjc, .csv, .parquet or .sas7bdat file.")],
    target: Annotated[
        Path,
        typer.Argument(help="The file to write: .xpt, Dataset-JSON (.json, .ndjson, .dsjc), .csv or .parquet."),
    ],
    metadata: Annotated[Path | None, typer.Option(help="Labels, types and lengths as JSON, for a .csv.")] = None,
    study: Annotated[Path | None, typer.Option(help="A study whose spec describes the dataset, for a .csv.")] = None,
    dataset: Annotated[str, typer.Option(help="Which dataset of the file, or of the study.")] = "",
    encoding: Annotated[str, typer.Option(help="Encoding of the source's text.")] = "",
    created: Annotated[datetime | None, typer.Option(help="Time in the headers; the source's when not given.")] = None,
    gzip: Annotated[bool, typer.Option("--gzip", help="A .dsjc by gzip, not zlib as the standard says.")] = False,
) -> None:
    """Convert a dataset file."""
    from trialmill.convert import Choices
    from trialmill.convert import convert as convert_file

    for path in convert_file(source, target, Choices(created, dataset, metadata, study, encoding, gzip)):
        print(f"wrote {path}")


@app.command()
def lint(
    study: StudyOption = DEFAULT_STUDY,
    raw: Annotated[Path | None, typer.Option(help="An export, for names that no file of the study describes.")] = None,
) -> None:
    """List every problem of a study's specs: the report on standard output, its last line the number of problems."""
    from edc.lint import lint_formats
    from engine.spec.lint import lint as lint_study
    from engine.spec.study import load_study
    from submission.guide_texts import lint_guides
    from trialmill.build import columns_of, undescribed
    from trialmill.delivered import read_sources
    from trialmill.effort import effort_told
    from trialmill.escalation import lint_escalation
    from validators.lint import lint_rules

    told_last: list[str] = []
    found: list[Problem] = []
    try:
        read = load_study(study)
        raw = raw or Path("raw") / study.name
        known = None
        if undescribed(read) and raw.is_dir():
            known = columns_of(read, read_sources(read, raw))
        found += [*lint_study(read, known), *lint_formats(read), *lint_rules(read), *lint_escalation(read)]
        found += lint_guides(read)
        told_last = effort_told(read, study)
    except SpecError as error:  # a file that cannot be read as a spec; what it would say is not known
        found += error.problems
    for problem in found:
        print(f"{problem}\n")
    for line in told_last:
        print(line)
    print(f"{study}: {len(found)} problem{'' if len(found) == 1 else 's'}")
    if found:
        raise typer.Exit(2)


@app.command()
def simulate(
    study: StudyOption = DEFAULT_STUDY,
    out: Annotated[Path | None, typer.Option(help="The export; raw/<study folder> when not given.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The scenario's when not given.")] = None,
    subjects: Annotated[int | None, typer.Option(help="Screening numbers; the scenario's when not given.")] = None,
    mess: Annotated[Mess, typer.Option(help="Flaws planted in the export; truth.json lists them.")] = Mess.usual,
    scenario: Annotated[str, typer.Option(help="Another scenario of the study: people-NAME.yaml.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Even an export with files changed by hand.")] = False,
) -> None:
    """Simulate a study's raw export, with what is true of its people in truth.json."""
    from trialmill.simulate import simulate_study

    out = out or Path("raw") / study.name
    choice = {"seed": seed, "subjects": subjects, "mess": mess.value, "scenario": scenario}
    with Progress("subjects") as progress:
        made = simulate_study(study, out, **choice, replace=replace, progress=progress)
    print(f"{out}: {len(made.files)} files, {sum(made.files.values()):,} records")
    print(", ".join(f"{count:,} {name}" for name, count in made.counts.items()))


@app.command()
def nca(
    conc: Annotated[Path, typer.Argument(help="Concentrations: profile,time,conc and, if wanted, exclude.")],
    dose: Annotated[Path, typer.Option(help="Doses: profile,time,dose,route,duration.")],
    interval: Annotated[list[str], typer.Option(help="START:END, END possibly inf; may be repeated.")],
    out: Annotated[Path, typer.Option(help="The parameters: profile,start,end,PPTESTCD,PPORRES,reason.")],
    points: Annotated[Path | None, typer.Option(help="Every sample, how it counts, and lambda-z's points.")] = None,
    method: Annotated[str, typer.Option(help=f"Of areas: {', '.join(METHODS)}.")] = "lin-up-log-down",
    tau: Annotated[float | None, typer.Option(help="Dosing interval at steady state.")] = None,
    blq_first: Annotated[str, typer.Option(help="BLQ before the first measurable: keep, drop, number.")] = "keep",
    blq_middle: Annotated[str, typer.Option(help="BLQ between two measurable.")] = "drop",
    blq_last: Annotated[str, typer.Option(help="BLQ after the last measurable.")] = "drop",
    min_points: Annotated[int, typer.Option(help="Fewest points of lambda-z.")] = 3,
    tmax_in_lambda_z: Annotated[bool, typer.Option(help="The point of Tmax may be one of them.")] = False,
    min_r2adj: Annotated[float | None, typer.Option(help="Least adjusted R2 of lambda-z.")] = None,
    min_span: Annotated[float | None, typer.Option(help="Least span of lambda-z, in half-lives.")] = None,
    max_extrapolated: Annotated[float | None, typer.Option(help="Largest extrapolated part of AUCIFO, in %.")] = None,
    min_measurable: Annotated[int, typer.Option(help="Fewest measurable after the dose; else only CMAX, TMAX.")] = 1,
    gap: Annotated[float, typer.Option(help="Longest time that lambda-z may reach to the end.")] = 4.0,
    predose: Annotated[float, typer.Option(help="Longest time before the dose of a predose sample.")] = 1.0,
) -> None:
    """Non-compartmental analysis of concentration profiles."""
    from nca.settings import Settings
    from trialmill.nca import parse, run_nca

    spans, blq = parse(interval, {"--blq-first": blq_first, "--blq-middle": blq_middle, "--blq-last": blq_last})
    settings = Settings(
        method=method, **blq, min_points=min_points, tmax_in_slope=tmax_in_lambda_z, min_r2adj=min_r2adj,
        min_span=min_span, max_extrapolated=max_extrapolated, min_measurable=min_measurable, gap=gap, predose=predose,
        tau=tau,
    )
    done = run_nca(conc, dose, out, points, spans, settings)
    print(f"{out}: {done.counted()}")


@app.command()
def escalation(
    study: Annotated[Path, typer.Argument(help="Folder with study.yaml and escalation.yaml.")] = DEFAULT_STUDY,
    out: Annotated[Path | None, typer.Option(help="Output folder; build/<study folder> when not given.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="The answer as JSON, to this file.")] = None,
) -> None:
    """Recompute every dose escalation decision, the MTD and the recommended dose from the published datasets."""
    from trialmill.escalation import as_text, write_answer
    from trialmill.escalation import escalation as apply_escalation

    _, rules, outcome, answer = apply_escalation(study, out or Path("build") / study.resolve().name)
    for line in as_text(rules, outcome, answer):
        print(line)
    if json_ is not None:
        write_answer(json_, answer)
    if outcome.findings:
        raise typer.Exit(1)


@app.command()
def reference(docs: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("docs")) -> None:
    """Write the references of keys, verbs and rules and the JSON Schema for editors."""
    import trialmill.verbs  # noqa: F401
    from engine.spec.keys import key_reference
    from engine.spec.reference import dataset_schema, file_schemas, verb_reference
    from submission.guide_texts import GuideTexts
    from validators.reference import rule_reference
    from validators.rule_pages import coverage, rule_list

    (docs / "schema").mkdir(parents=True, exist_ok=True)
    (docs / "keys.md").write_text(key_reference({"guides.yaml": GuideTexts}), encoding="utf-8")
    (docs / "verbs.md").write_text(verb_reference(), encoding="utf-8")
    (docs / "rules.md").write_text(rule_reference(), encoding="utf-8")
    (docs / "rule-list.md").write_text(rule_list(), encoding="utf-8")
    (docs / "rule-coverage.md").write_text(coverage(), encoding="utf-8")
    for name, schema in {"dataset": dataset_schema(), **file_schemas({"guides": GuideTexts})}.items():
        text = json.dumps(schema, indent=1, ensure_ascii=True) + "\n"
        (docs / "schema" / f"{name}.schema.json").write_text(text, encoding="utf-8")
    print(f"wrote keys.md, verbs.md, rules.md, rule-list.md, rule-coverage.md and schema/*.json in {docs}")


@terminology.command("import")
def import_release(
    file: Annotated[Path, typer.Argument(help="NCI's text file of the release.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Even over the same release with other content, or with far less in it.")
    ] = False,
) -> None:
    """Take in a quarterly terminology release."""
    from engine.standards.terminology_import import import_terminology

    report = import_terminology(file, replace=replace)
    print(f"{report.path}: {report.kind} terminology {report.version}, {report.counted}")


def main() -> None:
    """Run the command; problems go to standard error and decide the exit status.

    The process ends at once when all is said and written: a thread of a native library that is still winding down
    must not turn an exit status that users script against into a crash.
    """
    status: str | int | None = 0
    try:
        app()
    except SystemExit as end:
        status = end.code
    except TrialmillError as error:
        for problem in error.problems:
            print(f"{problem}\n", file=sys.stderr)
        status = error.status
    if isinstance(status, str):
        print(status, file=sys.stderr)
        status = 2
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)
