"""What a study needs beyond the language that studies share: hooks, their lines, and verbs that it alone uses.

A small count says that the language fits the study; a verb that only one study uses may be that study in disguise.

Sources: architecture, "Hooks".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.spec.hooks import read_hook_file
from engine.spec.study import Study


@dataclass(frozen=True, slots=True)
class Effort:
    """Counts for one study; `alone` are its verbs that none of the others uses, None where there is no other."""

    hooks: int
    record_hooks: int
    hook_lines: int
    verbs: int
    alone: tuple[str, ...] | None


def effort(study: Study, others: Iterable[Study]) -> Effort:
    """Count over the study, against the verbs of other studies."""
    own = verbs_used(study)
    elsewhere = [verbs_used(other) for other in others]
    hooks = study.file.hooks.values()
    return Effort(
        len(study.file.hooks),
        sum(h.kind == "records" for h in hooks),
        read_hook_file(study).lines,
        len(own),
        tuple(sorted(own - set().union(*elsewhere))) if elsewhere else None,
    )


def verbs_used(study: Study) -> set[str]:
    """Names of the verbs in the study's specs; a record verb is told apart by a colon after it."""
    found = set()
    for spec in study.datasets.values():
        found |= {line.verb.name for _, line in spec.all_lines()}
        found |= {f"{step.verb.name}:" for part in spec.parts for step in part.steps}
    return found
