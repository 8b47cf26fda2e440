"""Transport files: writing and reading against pyreadstat, polars-readstat and a plain write of the same bytes.

Run: python -m benchmarks.xpt [RECORDS] [REPEATS]. Prints ratios of medians, since machines are noisy.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars_readstat
import psutil
import pyreadstat

from benchmarks.made_up import laboratory
from formats.atomic import write_bytes
from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt

CREATED = datetime(2031, 1, 1)
PYREADSTAT_RECORDS = 100_000  # pyreadstat is measured on fewer records and scaled


def medians(works: list[Callable[[], object]], repeats: int) -> list[float]:
    """Median time of each; they take turns, so that a busy moment of the machine falls on all of them."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def extra_memory(work: Callable[[], object]) -> float:
    """Peak growth of resident memory during `work`, in MB."""
    process, peak, done = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return max(0.0, (peak[0] - before) / 1e6)


def run(records: int = 1_000_000, repeats: int = 5) -> list[str]:
    """The lines to print.

    The plain write goes the same way to the disk as ours: a temporary file, fsync, rename, fsync of the folder.
    """
    frame, meta = laboratory(records)
    with tempfile.TemporaryDirectory() as folder:
        path, plain = Path(folder) / "toy.xpt", Path(folder) / "plain"
        grown = extra_memory(lambda: write_xpt(path, frame, meta, CREATED))
        content = path.read_bytes()
        write, bare = medians(
            [lambda: write_xpt(path, frame, meta, CREATED), lambda: write_bytes(plain, content)], repeats)
        few = min(records, PYREADSTAT_RECORDS)
        part = frame.iloc[:few]
        [slow] = medians([lambda: pyreadstat.write_xport(part, str(plain), file_format_version=5)], 1)
        slow *= records / few
        read, polars = medians([
            lambda: read_xpt(path), lambda: polars_readstat.scan_readstat(str(path)).collect().to_pandas()], repeats)
        [pyread] = medians([lambda: pyreadstat.read_xport(str(path), row_limit=few)], 1)
        pyread *= records / few
    return [
        f"transport files, {records:,} records x {len(meta.variables)} variables, {len(content) / 1e6:.0f} MB",
        f"  write  {write / bare:5.2f} x the plain write of the same bytes (aim: 2.5), {write:.2f} s",
        f"         pyreadstat takes {slow / write:5.1f} times as long (aim: 30)",
        f"         {grown:5.0f} MB more memory at the peak (aim: below 300)",
        f"  read   polars-readstat into pandas takes {polars / read:4.2f} times as long (aim: above 1), {read:.2f} s",
        f"         pyreadstat takes {pyread / read:5.1f} times as long",
    ]


if __name__ == "__main__":
    print("\n".join(run(*(int(a) for a in sys.argv[1:3]))))
