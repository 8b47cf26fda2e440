"""What lint tells of what a study needs beyond the shared language: hooks, and verbs that no study beside it uses.

The lines are for those who develop the language; they are no problems of the specs.
"""

from __future__ import annotations

from pathlib import Path

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.errors import TrialmillError
from engine.spec.effort import effort
from engine.spec.study import Study, load_study
from trialmill.blocking import counted


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
    own = f"{counts.hooks:,} of this study's own, {counted(counts.hook_lines, 'line')} of Python"
    if counts.record_hooks:
        own += f"; {counts.record_hooks:,} for making records"
    lines = [f"hooks: {own}"]
    used = f"verbs: the specs use {counts.verbs:,}"
    if counts.alone is None:
        lines.append(f"{used}; there is no study beside this one to compare with")
    elif counts.alone:
        lines.append(f"{used}; {len(counts.alone):,} that no study beside it uses: {', '.join(counts.alone)}")
    else:
        lines.append(f"{used}; the studies beside this one use all of them too")
    lines += [f"not compared, since it has problems of its own: {name}" for name in unread]
    return lines
