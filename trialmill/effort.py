"""What lint tells of hooks and of verbs that no other study of the same folder uses."""

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
    lines = [f"hooks: {counts.hooks} ({counts.record_hooks} of records), {counts.hook_lines} lines of code"]
    if counts.alone is not None:
        names = f": {', '.join(counts.alone)}" if counts.alone else ""
        lines.append(f"verbs: {counts.verbs} used, {len(counts.alone)} of them by no other study here{names}")
    else:
        lines.append(f"verbs: {counts.verbs} used; no other study here to compare with")
    lines += [f"not compared, since it has problems: {name}" for name in unread]
    return lines
