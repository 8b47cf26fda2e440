"""The reference of rules, written from the kinds of check and of value themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.spec.binding import Model
from validators.kinds import CHECKS
from validators.lets import VALUES
from validators.patterns import __doc__ as written_once
from validators.rules import __doc__ as about

EXAMPLE = """
rules:
  X01:
    title: Every dose is one of the planned ones
    answers: Was anyone given another dose?
    let:
      PLANNED: {look_up: DOSE, in: arms, by: {ARMCD: DM.ARMCD}}
    checks:
      - {each: EX, where: EXDOSE > 0, holds: EXDOSE == PLANNED, says: "{EXDOSE} mg on {EXSTDTC}, planned {PLANNED} mg"}
explained:
  - {rule: X01, subject: ABC-01-002, reason: a deviation of 2025-03-10}
"""


def rule_reference() -> str:
    """Markdown: how a rule is written, every kind of check and every kind of value with its parameters."""
    intro = _plain(about or "").split("\n\nSources:")[0]
    many = _plain(written_once or "").split("\n\nSources:")[0]
    lines = ["# Rules", "", intro, "", "```yaml" + EXAMPLE + "```", ""]
    lines += ["## For many datasets and variables", "", many, ""]
    lines += ["## Checks", "", *_kinds(CHECKS)]
    lines += ["## Values", "", *_kinds(VALUES)]
    return "\n".join(lines).rstrip() + "\n"


def _kinds(kinds: Mapping[str, Any]) -> Iterator[str]:
    for name, model in kinds.items():
        words = [(name if key == model.reads else key, needed) for key, needed in _parameters(model)]
        yield f"### {name}"
        yield ""
        yield _plain(model.__doc__ or "")
        yield ""
        yield "Needed: " + ", ".join(f"`{w}`" for w, needed in words if needed)
        yield ""
        rest = [f"`{w}`" for w, needed in words if not needed]
        if rest:
            yield "May be given: " + ", ".join(rest)
            yield ""


def _parameters(model: type[Model]) -> Iterator[tuple[str, bool]]:
    """Each parameter as it is written, and whether it is needed."""
    for key, info in model.model_fields.items():
        if key == "among":  # filled in when a rule is read
            continue
        yield info.alias or key, info.is_required()


def _plain(text: str) -> str:
    """A docstring without its indentation."""
    lines = text.strip().split("\n")
    return "\n".join(line.removeprefix("    ") for line in lines)
