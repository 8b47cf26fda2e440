"""What a package consists of, and where each of its files comes from: its manifest, checksums and inputs for the STF.

The manifest ties every file to the journal: a dataset to the output of the build that wrote it, a document or program
to the specs of that build. An entry of the journal is named by a SHA-256 over what it says of the study, the specs, the
inputs and outputs, so that builds of equal content are one entry on any day; who built and when stands in the journal.

None of these files is submitted: they stand beside m5, in the folder `submission`.

Sources: FDA Technical Rejection Criteria 1735; eCTD Study Tagging File (study-id, title, file tags).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from submission.ectd import ROOT, rule_of

MANIFEST, CHECKSUMS, STF = "manifest.json", "sha256.txt", "stf.json"
ASIDE = "submission"  # the folder beside m5
_PRETTY = orjson.OPT_INDENT_2


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """One file below m5 (`path` from there on): its content by SHA-256, and the build and dataset it is of."""

    path: str
    size: int
    sha256: str
    package: str
    kind: str
    title: str = ""
    dataset: str = ""
    output: str = ""  # of the journal entry, for a dataset that stands as it was built
    records: int | None = None


def entry_said(package: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a journal entry says of a package, without who and when."""
    said = {k: entry.get(k) for k in ("study", "specs", "carrier", "inputs")}
    outputs = [f for f in entry["outputs"] if f["file"].startswith(f"{package}/")]
    return {**said, "package": package, "outputs": outputs}


def entry_digest(package: str, entry: Mapping[str, Any]) -> str:
    """The SHA-256 by which a manifest names a journal entry."""
    return hashlib.sha256(orjson.dumps(entry_said(package, entry), option=orjson.OPT_SORT_KEYS)).hexdigest()


def manifest_json(study: str, folder: str, entries: Mapping[str, Mapping[str, Any]], files: Iterable[PackagedFile],
                  splits: Sequence[Mapping[str, Any]], versions: Mapping[str, str]) -> bytes:
    """The manifest: journal entries, files in order of their paths, and how datasets were split."""
    listed = []
    for file in sorted(files, key=lambda f: f.path):
        said: dict[str, Any] = {"path": file.path, "bytes": file.size, "sha256": file.sha256, "package": file.package,
                                "kind": file.kind}
        said |= {k: v for k, v in (("dataset", file.dataset), ("output", file.output)) if v}
        if file.records is not None:
            said["records"] = file.records
        listed.append(said)
    return orjson.dumps({
        "study": study,
        "folder": f"{ROOT}/{folder}",
        "journal": {p: {"entry": entry_digest(p, e), "specs": e["specs"]} for p, e in sorted(entries.items())},
        "versions": dict(versions),
        "splits": list(splits),
        "files": listed,
    }, option=_PRETTY) + b"\n"


def checksums(files: Iterable[PackagedFile]) -> bytes:
    """The same checksums as `sha256sum --check` reads them, from the folder that holds m5."""
    return "".join(f"{f.sha256}  {f.path}\n" for f in sorted(files, key=lambda f: f.path)).encode("ascii")


def stf_json(study: str, title: str, files: Iterable[PackagedFile], folder: str) -> bytes:
    """Inputs for the Study Tagging File: study-id, title, and the tag of each file by its place."""
    tagged = []
    for file in sorted(files, key=lambda f: f.path):
        rule = rule_of(file.path.removeprefix(f"{ROOT}/{folder}/"))
        tagged.append({"path": file.path, "file-tag": rule.tag if rule else "", "title": file.title})
    return orjson.dumps({"study-id": study, "title": title, "files": tagged}, option=orjson.OPT_INDENT_2) + b"\n"
