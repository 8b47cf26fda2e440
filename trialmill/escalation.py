"""`trialmill escalation`: a study's escalation rules applied to its published ADSL and ADDLT, as text and as JSON.

The datasets are proved against their journal first. Which variables and parameters say what stands in the study's
escalation.yaml; the rules themselves are worked out in adam/escalation.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from adam.escalation import Outcome, Subject, escalate
from adam.escalation_rules import Rules
from engine.errors import CommandError, DataError, FileError, Place, Problem, SpecError
from engine.spec.binding import bind
from engine.spec.document import load_document
from engine.spec.study import Study, load_study
from formats.atomic import write_bytes
from formats.xpt_read import read_xpt
from trialmill.outputs import verify_outputs

FILE = "escalation.yaml"
SAS_DAY_0 = date(1960, 1, 1)


def read_rules(study: Study) -> Rules | None:
    """The escalation rules of a study; None when it has none. SpecError with every mistake in them."""
    path = study.folder / FILE
    if not path.is_file():
        return None
    return bind(Rules, load_document(path, f"{study.shown}/{FILE}"))


def lint_escalation(study: Study) -> list[Problem]:
    """What is wrong with a study's escalation rules."""
    try:
        rules = read_rules(study)
    except SpecError as error:
        return list(error.problems)
    if rules is None:
        return []
    place = Place(f"{study.shown}/{FILE}")
    wanted = {"ADSL": (rules.reads.level, rules.reads.part), "ADDLT": ("PARAMCD", "AVALC", "ADT")}
    problems = []
    for name, variables in wanted.items():
        spec = study.datasets.get(name)
        missing = [v for v in variables if spec is None or v not in spec.names]
        if missing:
            lost = ", ".join(missing)
            problems.append(Problem(f"the escalation reads {lost} of {name}, which the study does not build", place))
    return problems


def escalation(folder: Path, out: Path) -> tuple[Study, Rules, Outcome, dict[str, Any]]:
    """Apply a study's escalation rules to its published datasets.

    Returns:
        The study, its rules, the outcome, and the whole answer as it is written to a JSON file.

    Raises:
        CommandError: the study has no rules, or no ADaM datasets were published. SpecError: the rules are wrong.
        FileError: the folder is not what its journal says. DataError: the datasets contradict the rules or one another.
    """
    study = load_study(folder)
    rules = read_rules(study)
    if rules is None:
        raise CommandError(Problem("the study has no escalation rules", Place(f"{study.shown}/{FILE}")))
    files = {path.stem.upper(): path for paths in verify_outputs(out).values() for path in paths}
    absent = [name for name in ("ADSL", "ADDLT") if name not in files]
    if absent:
        raise FileError(
            Problem(f"{', '.join(absent)} was not published", Place(str(out)), do="build the package adam first")
        )
    adsl, addlt = (read_xpt(files[name])[0] for name in ("ADSL", "ADDLT"))
    cut = study.file.settings.get("DCUTDT")
    subjects = subjects_of(rules, adsl, addlt, None if cut is None else date.fromisoformat(str(cut)))
    outcome = escalate(rules, subjects)
    treated = adsl[adsl["SAFFL"] == "Y"]
    expanded = treated[treated[rules.reads.part] == rules.reads.expansion]
    outcome.findings += _of_expansion(rules, outcome, expanded)
    answer = _answer(study, rules, outcome, len(treated), expanded)
    return study, rules, outcome, answer


def subjects_of(rules: Rules, adsl: pd.DataFrame, addlt: pd.DataFrame, cut: date | None) -> list[Subject]:
    """The treated subjects of the escalation, from the two datasets."""
    reads = rules.reads
    wanted = (reads.evaluable, reads.toxic, reads.caution, reads.window)
    answers = addlt[addlt["PARAMCD"].isin(wanted)]
    problems = []
    if answers.duplicated(["USUBJID", "PARAMCD"]).any():
        problems.append(Problem("ADDLT gives several records of one parameter of a subject", do="build again"))
        answers = answers.drop_duplicates(["USUBJID", "PARAMCD"])
    said = answers.set_index(["USUBJID", "PARAMCD"])
    people = adsl[(adsl["SAFFL"] == "Y") & (adsl[reads.part] != reads.expansion)]
    subjects = []
    for name, level, start in zip(people["USUBJID"], people[reads.level], people["TRTSDT"], strict=True):
        rows = {p: said.loc[(name, p)] for p in wanted if (name, p) in said.index}
        lost = [p for p in wanted if p not in rows or rows[p]["AVALC"] not in ("Y", "N")]
        yes = {p: p in rows and rows[p]["AVALC"] == "Y" for p in wanted}
        known = _day(rows[reads.evaluable]["ADT"]) if yes[reads.evaluable] else None
        if lost:
            problems.append(Problem(f"{name}: ADDLT has no answer Y or N for {', '.join(lost)}"))
        elif level not in rules.levels:
            problems.append(Problem(f"{name}: {level} is no level of the escalation", expected=", ".join(rules.levels)))
        elif yes[reads.evaluable] and known is None:
            problems.append(Problem(f"{name}: evaluable, and ADDLT does not say from which day (ADT)"))
        elif yes[reads.toxic] and not yes[reads.evaluable]:
            problems.append(Problem(f"{name}: a dose-limiting toxicity of a subject that is not evaluable"))
        else:
            end = _day(rows[reads.window]["ADT"])
            pending = not yes[reads.evaluable] and cut is not None and end is not None and end > cut
            flags = (yes[reads.evaluable], yes[reads.toxic], yes[reads.caution])
            subjects.append(Subject(name, level, _sure(start), *flags, known, pending))
    stray = sorted(set(addlt["USUBJID"]) - set(people["USUBJID"]))
    problems += [Problem(f"{name}: in ADDLT and no treated subject of the escalation in ADSL") for name in stray]
    if problems:
        raise DataError(problems)
    return subjects


def _day(number: Any) -> date | None:
    return None if pd.isna(number) else SAS_DAY_0 + timedelta(days=int(number))


def _sure(number: Any) -> date:
    day = _day(number)
    if day is None:
        raise DataError(Problem("ADSL: a treated subject without TRTSDT"))
    return day


def _of_expansion(rules: Rules, outcome: Outcome, expanded: pd.DataFrame) -> list[str]:
    """Where the expansion or the recommended dose goes beyond what the escalation has shown."""
    found = []
    names = list(rules.levels)
    if rules.rp2d is not None and outcome.mtd is not None and names.index(rules.rp2d.level) > names.index(outcome.mtd):
        found.append(f"the recommended dose {rules.rp2d.level} is above the MTD {outcome.mtd}")
    if rules.rp2d is not None and outcome.mtd is None and outcome.levels:
        found.append(f"a dose is recommended ({rules.rp2d.level}) and there is no MTD: {outcome.why}")
    for name, level, start in zip(expanded["USUBJID"], expanded[rules.reads.level], expanded["TRTSDT"], strict=True):
        if rules.rp2d is None or level != rules.rp2d.level:
            found.append(f"{name} is in the expansion at {level}, which is not the recommended dose")
        if outcome.since is None or _sure(start) <= outcome.since:
            found.append(f"{name} entered the expansion on {_sure(start)}, before the MTD was known")
    return found


def _answer(study: Study, rules: Rules, outcome: Outcome, treated: int, expanded: pd.DataFrame) -> dict[str, Any]:
    def dose(level: str | None) -> float | None:
        return None if level is None else rules.levels[level]

    recommended = rules.rp2d.level if rules.rp2d else None
    return {
        "study": study.name,
        "unit": rules.unit,
        "levels": [
            {
                "level": x.name,
                "dose": dose(x.name),
                "treated": x.treated,
                "evaluable": x.evaluable,
                "pending": x.pending,
                "dlt": x.dlt,
                "decision": x.decide or rules.otherwise,
            }
            for x in outcome.levels.values()
        ],
        "decisions": [
            {"date": str(d.on), "level": d.level, "evaluable": d.evaluable, "dlt": d.dlt, "decision": d.decide}
            for d in outcome.decisions
        ],
        "mtd": {"level": outcome.mtd, "dose": dose(outcome.mtd), "why": outcome.why},
        "rp2d": {"level": recommended, "dose": dose(recommended)},
        "expansion": {"treated": len(expanded), "treated_in_all": treated},
        "findings": outcome.findings,
    }


def as_text(rules: Rules, outcome: Outcome, answer: dict[str, Any]) -> Iterator[str]:
    """The answer for people, line by line."""
    yield f"{answer['study']}: dose escalation by {FILE}, from ADSL and ADDLT"
    yield ""
    yield f"{'level':<14}{'treated':>9}{'evaluable':>11}{'DLT':>5}  decision"
    for each in answer["levels"]:
        wait = f" ({each['pending']} still in the window)" if each["pending"] else ""
        counts = f"{each['treated']:>9}{each['evaluable']:>11}{each['dlt']:>5}"
        yield f"{rules.shown(each['level']):<14}{counts}  {each['decision']}{wait}"
    yield ""
    yield "decisions, in the order in which they could be taken"
    for d in outcome.decisions:
        yield f"{d.on}  {rules.shown(d.level):<12}  {d.evaluable} evaluable, {d.dlt} DLT  {d.decide}"
    yield ""
    yield f"MTD   {rules.shown(outcome.mtd) if outcome.mtd else 'not determined'}: {outcome.why}"
    says = f": {rules.rp2d.says}" if rules.rp2d and rules.rp2d.says else ""
    yield f"RP2D  {rules.shown(rules.rp2d.level) if rules.rp2d else 'not configured'}{says}"
    if rules.expansion is not None:
        count, everyone = answer["expansion"]["treated"], answer["expansion"]["treated_in_all"]
        yield f"expansion  {count} treated; {everyone} of {rules.expansion.treated} in both parts"
    if outcome.findings:
        yield ""
        yield from (f"finding  {each}" for each in outcome.findings)


def write_answer(path: Path, answer: dict[str, Any]) -> None:
    """Write the answer as JSON: the same bytes for the same answer."""
    write_bytes(path, (json.dumps(answer, indent=1, ensure_ascii=True) + "\n").encode())
