"""Non-compartmental analysis: seconds for 10,000 profiles of 12 samples, two intervals each, files included.

Run: python -m benchmarks.nca [PROFILES] [REPEATS].
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from nca.analysis import analyse
from nca.files import parameters_csv, read_files
from nca.settings import Settings

TIMES = np.array([0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 24])


def write(folder: Path, profiles: int) -> tuple[Path, Path]:
    """Made-up oral profiles with an assay's error, and their doses."""
    rng = np.random.default_rng(20250328)
    ka, ke = (x * rng.lognormal(0, 0.3, (profiles, 1)) for x in (1.2, 0.1))
    conc = 400 * ka / (ka - ke) * (np.exp(-ke * TIMES) - np.exp(-ka * TIMES)) * rng.lognormal(0, 0.1, (profiles, 12))
    names = np.array([f"P{i:06d}" for i in range(profiles)])
    samples, doses = folder / "conc.csv", folder / "dose.csv"
    pd.DataFrame({"profile": np.repeat(names, 12), "time": np.tile(TIMES, profiles),
                  "conc": conc.ravel().round(3)}).to_csv(samples, index=False)
    pd.DataFrame({"profile": names, "time": 0, "dose": 100, "route": "extravascular",
                  "duration": ""}).to_csv(doses, index=False)
    return samples, doses


def run(profiles: int = 10_000, repeats: int = 3) -> list[str]:
    """The lines to print."""
    intervals = [(0.0, np.inf), (0.0, 24.0)]
    took: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        samples, doses = write(Path(folder), profiles)
        for _ in range(repeats):
            marks = [time.perf_counter()]
            read = read_files(samples, doses)
            marks.append(time.perf_counter())
            result = analyse(read.samples, read.doses, intervals, Settings(), len(read.names))
            marks.append(time.perf_counter())
            parameters_csv(result, read.names)
            marks.append(time.perf_counter())
            took.append(np.diff(marks).tolist())
    reading, work, writing = (statistics.median(t) for t in zip(*took, strict=True))
    return [
        f"non-compartmental analysis, {profiles:,} profiles x {len(TIMES)} samples, {len(intervals)} intervals",
        f"  {reading + work + writing:5.2f} s in all (aim: below 5 s for 10,000): read {reading:.2f}, "
        f"analyse {work:.2f}, write {writing:.2f}",
    ]


if __name__ == "__main__":
    print("\n".join(run(*(int(a) for a in sys.argv[1:3]))))
