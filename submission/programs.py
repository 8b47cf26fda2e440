"""The programs of a submission as plain text: the study's specs and hooks, and the environment that they ran in.

Every file stands as it is, byte by byte, under a name that the checklist allows; `contents.txt` says which file of the
study each one is. Where a file holds other characters than ASCII they are written \\uXXXX, and contents.txt says so.

Sources: FDA Study Data Technical Conformance Guide (programs as ASCII text); architecture, "A spec".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.errors import FileError, Place, Problem
from engine.spec.study import Study
from submission.ectd import FILE_NAME

CONTENTS = "contents.txt"
ENVIRONMENT = "environment-lock.txt"


def program_files(study: Study, lock: bytes | None) -> dict[str, bytes]:
    """Programs by name.

    Args:
        study: its spec files, look-up tables and hooks.
        lock: the versions and hashes of everything that was installed; None when they are not known.

    Raises:
        FileError: two files would have one name, a file is not UTF-8.
    """
    files: dict[str, bytes] = {}
    origin: dict[str, str] = {}
    problems: list[Problem] = []
    for name, content in sorted(study.texts.items()):
        plain = program_name(name)
        place = Place(f"{study.shown}/{name}")
        if plain in files or not FILE_NAME.fullmatch(plain):
            problems.append(Problem("no file of a submission can be named after it", place, found=plain,
                                    do="rename it: letters and digits, different from the other files"))
        files[plain], origin[plain] = content, name
        if not content.isascii():
            try:
                files[plain] = content.decode("utf-8-sig").encode("ascii", "backslashreplace")
            except UnicodeDecodeError:
                problems.append(Problem("a file of the study is not UTF-8", place))
            origin[plain] = f"{name} (characters outside of ASCII are written \\uXXXX)"
    if lock is not None:
        files[ENVIRONMENT], origin[ENVIRONMENT] = lock, "the installed libraries, with hashes"
    if problems:
        raise FileError(problems)
    files[CONTENTS] = _contents(study, origin)
    return dict(sorted(files.items()))


def program_name(name: str) -> str:
    """`sdtm/ae.yaml` as `sdtm-ae-yaml.txt`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".txt"


def _contents(study: Study, origin: Mapping[str, str]) -> bytes:
    width = max(map(len, origin))
    lines = [
        f"Programs of study {study.name}",
        "",
        "The datasets were derived by Trialmill from these specifications. One file describes one dataset, one line",
        "one variable; look-up tables are comma separated. To run them, give each file its name in the study folder.",
        "",
        *(f"{name:<{width}}  {there}" for name, there in sorted(origin.items())),
    ]
    return ("\n".join(lines) + "\n").encode("ascii", "replace")
