"""Checking: what `trialmill check` costs, whole process, on the study as it is and on a million laboratory records.

Run: python -m benchmarks.check [RECORDS]. Simulates and builds the study once, then checks it; then publishes its
tabulations anew with subjects and their laboratory results repeated under new numbers until LB holds that many records
(DM, SV, SE, EX and other datasets by which LB is judged grow with it), and checks these. Prints wall and processor
seconds and peak memory; targets: 10 s for the study, 30 s for a million records of LB, without CORE.
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
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt

RECORDS = 1_000_000
GROWING = ("DM", "SUPPDM", "SV", "SE", "EX", "EC", "DS", "LB", "SUPPLB")  # those that rules hold LB against
WHO = ("USUBJID", "SUBJID")
NUMBER = "-000"  # what a repeated subject's number ends with
CREATED = datetime(2031, 1, 1)
MEGA = 1e6


def grown(frame: pd.DataFrame, times: int) -> pd.DataFrame:
    """The records `times` times, each time under other subjects; order by subject is kept within each."""
    more = pd.concat([frame] * times, ignore_index=True)
    again = np.repeat(np.arange(times), len(frame))
    late = again > 0
    numbers = pd.Series(again).astype("str").str.zfill(len(NUMBER) - 1)
    for name in set(WHO) & set(more.columns):
        more[name] = more[name].where(~late, more[name] + "-" + numbers)
    return more


def scale(source: Path, target: Path, records: int) -> int:
    """Publish the tabulations of `source` in `target` with LB grown to that many records; how many LB has."""
    lb, _ = read_xpt(source / "sdtm" / "lb.xpt")
    times = -(-records // len(lb))
    (target / "sdtm").mkdir(parents=True)
    for path in sorted((source / "sdtm").glob("*.xpt")):
        frame, meta = read_xpt(path)
        variables = tuple(replace(v, length=v.length + len(NUMBER)) if v.name in WHO else v for v in meta.variables)
        frame = grown(frame, times) if meta.name in GROWING else frame
        write_xpt(target / "sdtm" / path.name, frame, replace(meta, variables=variables), CREATED, durable=False)
    entry = json.loads((source / "journal.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    entry["packages"] = ["sdtm"]
    entry["outputs"] = [
        {"file": f"sdtm/{p.name}", "sha256": hashlib.sha256(p.read_bytes()).hexdigest(), "records": 0}
        for p in sorted((target / "sdtm").glob("*.xpt"))
    ]
    shutil.copy(source / "issues.json", target / "issues.json")
    (target / "journal.jsonl").write_text(json.dumps(entry) + "\n", encoding="utf-8")
    return len(lb) * times


def check(out: Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak MB of a check, whole process; it may have findings."""
    start = time.perf_counter()
    command = subprocess.Popen(
        [sys.executable, "-m", "trialmill", "check", "--out", str(out)], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    if command.returncode not in (0, 1):
        raise SystemExit(f"trialmill check failed with status {command.returncode}")
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, peak / MEGA


def main() -> None:
    """Build, check, grow, check."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        raw, out, large = (Path(folder) / name for name in ("raw", "out", "large"))
        for words in (["simulate", "--out", str(raw)], ["build", "--raw", str(raw), "--out", str(out)]):
            subprocess.run([sys.executable, "-m", "trialmill", *words], check=True, stdout=subprocess.DEVNULL)
        print(told("the study as it is", *check(out)), flush=True)
        n = scale(out, large, records)
        print(told(f"its tabulations with {n:,} records of LB", *check(large)))


def told(what: str, wall: float, used: float, peak: float) -> str:
    """One line."""
    return f"{what:<45} {wall:5.1f} s, {used:5.1f} s of processors, {peak:7,.0f} MB"


if __name__ == "__main__":
    main()
