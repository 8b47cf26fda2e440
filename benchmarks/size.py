"""Size: what a whole build costs as the trial grows, in processor seconds and memory per million raw records.

Run: python -m benchmarks.size [SCREENING_NUMBERS ...]. Simulates a raw export of the study for each number, builds both
packages from it in a process of its own, and sets time and peak memory against the raw records that were read. Besides
a fixed start the cost should grow in proportion: the last line is the slope between the smallest and largest export.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

NUMBERS = (250, 1000)
MEGA = 1e6


def run(*words: str) -> tuple[float, float]:
    """Run a trialmill command; its processor time in s and its peak memory in MB.

    Raises:
        SystemExit: the command failed; its own words stand above.
    """
    command = subprocess.Popen([sys.executable, "-m", "trialmill", *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    if command.returncode:
        raise SystemExit(f"trialmill {words[0]} failed with status {command.returncode}")
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # Linux counts in 1024 bytes
    return used.ru_utime + used.ru_stime, peak / MEGA


def measure(people: int, folder: Path) -> tuple[int, float, float]:
    """Raw records read, processor seconds and peak MB of a build of so many screening numbers."""
    raw, out = folder / f"raw{people}", folder / f"out{people}"
    run("simulate", "--out", str(raw), "--subjects", str(people))
    seconds, memory = run("build", "--raw", str(raw), "--out", str(out))
    entry = json.loads((out / "journal.jsonl").read_text().splitlines()[-1])
    return sum(file["records"] for file in entry["inputs"]), seconds, memory


def main() -> None:
    """Print a line a size, then the slope."""
    numbers = sorted(int(word) for word in sys.argv[1:]) or list(NUMBERS)
    if len(numbers) < 2:
        raise SystemExit("give two numbers of screening numbers or more: the slope needs them")
    with tempfile.TemporaryDirectory() as folder:
        measured = []
        for people in numbers:
            measured.append(measure(people, Path(folder)))
            records, seconds, memory = measured[-1]
            told = f"{people:>7,} screening numbers  {records:>10,} raw records  {seconds:6.1f} s  {memory:7,.0f} MB"
            print(told, flush=True)
    (few, fast, small), (many, slow, large) = measured[0], measured[-1]
    millions = (many - few) / MEGA
    print(f"each further million raw records: {(slow - fast) / millions:.0f} s, {(large - small) / millions:,.0f} MB")


if __name__ == "__main__":
    main()
