"""Pages about rules, written from the rules themselves: what each holds, and which published rules are answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from validators.described import Described, Published, answers, general_rules, published_rules, schema_rules

STANDARD = "SDTMIG 3.4"
TITLES = {
    "sdtm.yaml": "Tabulations: records, days, visits, elements",
    "sdtm_subjects.yaml": "Tabulations: subjects, arms, disposition, deaths",
    "sdtm_events.yaml": "Tabulations: interventions and events",
    "sdtm_findings.yaml": "Tabulations: findings",
    "sdtm_timing.yaml": "Tabulations: timing",
    "sdtm_plan.yaml": "Tabulations: the trial's plan, technical rejection criteria",
    "sdtm_relations.yaml": "Tabulations: relations and categories",
    "sdtm_variables.yaml": "Tabulations: variables and datasets",
    "adam.yaml": "Analysis: subjects, parameters, changes, times to event",
    "adam_subjects.yaml": "Analysis: populations, ADSL against DM, technical rejection criterion",
    "adam_values.yaml": "Analysis: values",
    "adam_variables.yaml": "Analysis: variables",
}


def rule_list() -> str:
    """Markdown: every general rule, and what schemas and files are held to."""
    rules = general_rules()
    lines = [
        "# Rules that hold for any study",
        "",
        f"{len(rules)} rules of `validators/standard`, with {sum(len(r.checks) for r in rules.values())} checks, and "
        f"{len(schema_rules())} that the schema of every dataset and the check of its file hold. How a rule is written "
        "stands in [rules.md](rules.md); which published rules they answer, and which not, in "
        "[rule-coverage.md](rule-coverage.md). A rule is held where the study has what it names. `trialmill reference` "
        "writes this page.",
        "",
    ]
    for file, title in TITLES.items():
        lines += [f"## {title}", ""]
        for rule in rules.values():
            if rule.file == file:
                lines += _described(rule)
    lines += ["## Schemas and files", ""]
    for rule in schema_rules().values():
        lines += _described(rule)
    return "\n".join(lines).rstrip() + "\n"


def _described(rule: Described) -> Iterator[str]:
    head = rule.head
    yield f"### {rule.id}"
    yield ""
    yield f"**{head.title}.** {head.answers}"
    yield ""
    yield f"{head.severity}; {head.source}" + (f"; answers {', '.join(head.published)}" if head.published else "")
    yield ""
    yield f"Do: {head.do}."
    yield ""
    if rule.checks:
        yield "```text"
        if head.let:
            yield f"let: {_flow(head.let)}"
        yield from (f"- {_flow(check, outer=False)}" for check in rule.checks)
        yield "```"
        yield ""


def _flow(data: Any, outer: bool = True) -> str:
    """Data as YAML in one line, without the message of a check."""
    if isinstance(data, dict):
        text = ", ".join(f"{k}: {_flow(v)}" for k, v in data.items() if k not in ("says", "variable"))
        return f"{{{text}}}" if outer else text
    return f"[{', '.join(_flow(d) for d in data)}]" if isinstance(data, list) else str(data)


def coverage() -> str:
    """Markdown: how every published rule is answered, with counts."""
    ours, published = answers(), published_rules()
    groups = {
        "CORE rules for SDTMIG 3.4": [p for p in published if STANDARD in p.standards],
        "Draft rules for ADaMIG": [p for p in published if p.standards.upper().startswith("ADAMIG")],
        "FDA technical rejection criteria": [p for p in published if "TRC" in p.standards],
    }
    rest = [p for p in published if not any(p in g for g in groups.values())]
    held = sum(p.id in ours for p in published)
    lines = [
        "# Which published rules are answered",
        "",
        f"{len(published):,} published rules: {held} are answered by a rule of ours, {len(rest)} are for another "
        f"standard or version, {len(published) - len(rest) - held} are not answered, each with the reason. A rule "
        "answers another when records that break the published one break ours, in the datasets that its text speaks "
        "of; it may ask for more. Ids in capitals are described in [rule-list.md](rule-list.md), words in lower case "
        "are held by schemas and files. The table is `validators/standard/published.tsv`, the answers stand in each "
        "rule under `published`; `trialmill reference` writes this page.",
        "",
        "| | rules | answered | not answered |",
        "| --- | --- | --- | --- |",
    ]
    for title, some in groups.items():
        here = sum(p.id in ours for p in some)
        lines.append(f"| {title} | {len(some)} | {here} | {len(some) - here} |")
    lines += [f"| Rules for other standards and versions | {len(rest)} | | |", ""]
    for title, some in groups.items():
        lines += [f"## {title}", "", *_reasons(some, ours), "| rule | other ids | answered by |", "| --- | --- | --- |"]
        lines += [f"| {p.id} | {_ids(p)} | {', '.join(ours.get(p.id, [])) or f'*{p.reason}*'} |" for p in some]
        lines.append("")
    lines += ["## For other standards and versions", ""]
    for reason in sorted({p.reason for p in rest}):
        found = [p.id for p in rest if p.reason == reason]
        lines += [f"**{reason}**, {len(found)}: {', '.join(found)}", ""]
    own = [r.id for r in (*general_rules().values(), *schema_rules().values()) if not r.head.published]
    lines += ["## Rules of ours that answer no published one", "", ", ".join(own), ""]
    return "\n".join(lines).rstrip() + "\n"


def _reasons(some: Iterable[Published], ours: dict[str, list[str]]) -> list[str]:
    counts = Counter(p.reason for p in some if p.id not in ours)
    if not counts:
        return []
    told = [f"{reason} {n}" for reason, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]
    return [f"Not answered: {', '.join(told)}.", ""]


def _ids(published: Published) -> str:
    return ", ".join(i for i in published.other_ids.split(";") if i and not i.startswith(("TIG", "SEND")))
