"""What lint tells of what a study needs beyond the shared language: hooks, and verbs that no study beside it uses.

The lines are for those who develop the language; they are no problems of the specs.
"""

from __future__ import annotations

from pathlib import Path

from engine.errors import TrialmillError
from engine.spec.effort import effort
from engine.spec.study import Study, load_study


def effort_told(study: Study, folder: Path) -> list[str]:
    """Lines for people: hooks of the study, and its verbs against those of the studies beside it."""
    others, unread = [], []
    for path in sorted(folder.resolve().parent.glob("*/study.yaml")):
        if path.parent != folder.resolve():
            try:
                others.append(load_study(path.parent))
            except TrialmillError:
                unread.append(path.parent.name)
    counts = effort(study, others)
    made = f"{counts.record_hooks} of which make records"
    lines = [f"hooks: {counts.hook_lines} lines of hooks.py in {counts.hooks} hooks, {made}"]
    if counts.alone is None:
        lines.append(f"verbs: {counts.verbs} used; there is no other study beside this one to compare with")
    else:
        names = f": {', '.join(counts.alone)}" if counts.alone else ""
        alone = len(counts.alone)
        lines.append(f"verbs: {counts.verbs} used, {alone} of them by no other study beside this one{names}")
    lines += [f"not compared, since it has problems of its own: {name}" for name in unread]
    return lines
