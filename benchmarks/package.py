"""Package: time and memory of the submission folder, also with a laboratory dataset of a million records.

Run: python -m benchmarks.package STUDY OUT [RECORDS] [LIMIT]. OUT is a build of the study. It is packaged as it is, and
then with its LB repeated to so many records (1,000,000) and split at the limit (100MB), each in a process of its own.

Run: python -m benchmarks.package list STUDY OUT. Writes docs/package-files.md, the files of that package by size.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt

LISTING = Path("docs/package-files.md")
MEGA = 1e6


def run(*words: str) -> tuple[float, float, float]:
    """Run a trialmill command; its elapsed and processor time in s, and its peak memory in MB.

    Raises:
        SystemExit: the command failed; its own words stand above.
    """
    began = time.perf_counter()
    command = subprocess.Popen([sys.executable, "-m", "trialmill", *words])
    _, status, used = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    if command.returncode:
        raise SystemExit(f"trialmill {words[0]} failed with status {command.returncode}")
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # Linux counts in 1024 bytes
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, peak / MEGA


def built(out: Path, target: Path) -> Path:
    """A build without its package, its files shared."""
    return Path(shutil.copytree(out, target, copy_function=os.link, ignore=shutil.ignore_patterns("m5", "submission")))


def enlarged(out: Path, target: Path, records: int) -> Path:
    """A build whose LB is repeated, each time for other subjects, and named so in the journal."""
    built(out, target)
    path = target / "sdtm" / "lb.xpt"
    frame, meta = read_xpt(path)
    times = -(-records // len(frame))
    copies = pd.concat([frame] * times, ignore_index=True).iloc[:records].reset_index(drop=True)
    number = pd.Series(np.arange(len(copies)) // len(frame)).astype("str").str.zfill(4)
    copies["USUBJID"] = number + copies["USUBJID"].str.slice(4)
    path.unlink()
    assert meta.created is not None
    write_xpt(path, copies, meta, meta.created, durable=False)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    journal = target / "journal.jsonl"
    entries = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    for entry in entries:
        for file in entry["outputs"]:
            if file["file"] == "sdtm/lb.xpt":
                file |= {"sha256": digest, "records": len(copies)}
    journal.unlink()
    journal.write_text("".join(json.dumps(e) + "\n" for e in entries), encoding="utf-8")
    return target


def measure(study: str, out: Path, records: int, limit: str) -> None:
    """Print a line for each package and each check.

    LB is enlarged in a process of its own: what a command is said to have used at most includes its parent's memory.
    """
    with (
        tempfile.TemporaryDirectory(dir=out.parent) as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart,
    ):
        large = apart.submit(enlarged, out, Path(folder) / "large", records).result()
        for name, made, more in (
            ("as built", built(out, Path(folder) / "small"), ()),
            (f"LB of {records:,}", large, ("--split-limit", limit)),
        ):
            for what, words in (("package", ("package", *more)), ("check", ("package", "--check", *more)),
                                ("with Dataset-JSON", ("package", *more, "--dataset-json", "ndjson"))):
                elapsed, used, memory = run(*words, "--study", study, "--out", str(made))
                told = f"{name:<16} {what:<18} {elapsed:6.1f} s, {used:6.1f} s of processor, {memory:7,.0f} MB"
                print(told, flush=True)
            parts = sorted((p.stat().st_size, p.name) for p in made.rglob("split/*.xpt"))
            print(f"{name:<16} {len(parts)} parts: " + ", ".join(f"{n} {size:,}" for size, n in parts), flush=True)


def listing(study: str, out: Path) -> None:
    """Write the list of files of a package without findings of a check, by folder."""
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        made = built(out, Path(folder) / "list")
        run("package", "--study", study, "--out", str(made))
        files = {p.relative_to(made): p.stat().st_size for name in ("m5", "submission")
                 for p in sorted((made / name).rglob("*")) if p.is_file()}
    sent = {p: size for p, size in files.items() if p.parts[0] == "m5"}
    lines = ["# Files of the package", "", f"{len(sent):,} files, {sum(sent.values()):,} bytes in m5. Written by",
             "`python -m benchmarks.package list STUDY OUT`; what they are stands in `docs/package.md`."]
    for place in sorted({p.parent for p in files}):
        lines += ["", f"## `{place.as_posix()}`", "", "| file | bytes |", "| --- | --- |"]
        lines += [f"| `{p.name}` | {size:,} |" for p, size in files.items() if p.parent == place]
    LISTING.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {LISTING}")


def main() -> None:
    """See above."""
    if sys.argv[1:2] == ["list"] and len(sys.argv) == 4:
        listing(sys.argv[2], Path(sys.argv[3]))
    elif len(sys.argv) >= 3:
        records, limit = (*sys.argv[3:], *("1000000", "100MB")[len(sys.argv) - 3:])
        measure(sys.argv[1], Path(sys.argv[2]), int(records), limit)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
