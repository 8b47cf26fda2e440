"""The published packages of a study, proved against the journal, for the documents of a submission.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from pathlib import Path

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.errors import SpecError
from engine.spec.lint import lint
from engine.spec.study import Study, load_study
from submission.built import Built
from trialmill.outputs import latest_entries, verify_outputs


def published(folder: Path, out: Path) -> Built:
    """What builds of a study published, as the documents of a submission read it.

    Raises:
        SpecError: the specs are wrong. CommandError: nothing was published there.
        FileError: the folder is not what its journal says.
    """
    study = load_study(folder)
    problems = lint(study)
    if problems:
        raise SpecError(problems)
    return of_outputs(study, out)


def of_outputs(study: Study, out: Path) -> Built:
    """The same of a study that was read and linted before."""
    return Built(study, out, verify_outputs(out), latest_entries(out))
