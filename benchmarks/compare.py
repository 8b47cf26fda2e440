"""Comparing: two shuffled productions of a large dataset with planted differences, beside datacompy.

Run: python -m benchmarks.compare [RECORDS]. Each measurement is a process of its own, Python's start included; memory
is that process's peak. datacompy runs in an environment of its own: name its Python in DATACOMPY_PYTHON
(python -m venv DIR && DIR/bin/pip install datacompy pyarrow); without it only our own figures show.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.made_up import laboratory
from formats.metadata import DatasetMeta
from formats.missing import special_missing
from formats.parquet_write import write_parquet

KEYS = ["USUBJID", "LBSEQ"]
CREATED = datetime(2031, 1, 1)


def planted(records: int, each: int) -> tuple[pd.DataFrame, pd.DataFrame, DatasetMeta, DatasetMeta, dict[str, int]]:
    """Two productions, their metadata, and how many records each planted kind has, by `VARIABLE kind`."""
    base, meta = laboratory(records)
    rng = np.random.default_rng(7)
    base["LBSEQ"] = base.groupby("USUBJID").cumcount() + 1.0
    base["LBSTRESN"] = base["LBSTRESN"] * 1.01234567
    qc = base.copy()
    truth: dict[str, int] = {}

    def some(name: str, where: pd.Series | None = None) -> np.ndarray:
        pool = np.flatnonzero(base[name].notna() if where is None else where)
        pool = pool[~used[pool]]
        rows = rng.choice(pool, each, replace=False)
        used[rows] = True
        return np.sort(rows)

    def put(kind: str, name: str, change, where: pd.Series | None = None) -> None:
        rows = some(name, where)
        qc.iloc[rows, qc.columns.get_loc(name)] = change(base[name].iloc[rows])
        truth[f"{name} {kind}"] = each

    used = np.zeros(records, dtype=bool)
    day = np.timedelta64(1, "D")
    put("shift", "LBDTC", lambda v: np.datetime_as_string(v.to_numpy().astype("M8[m]") + day))
    put("precision", "LBDTC", lambda v: v.str.slice(0, 7))
    put("upper case", "LBTEST", lambda v: v.str.upper())
    put("rounded in QC", "LBSTRESN", lambda v: np.round(v, 4), base["LBSTRESN"] * 1e4 % 1 > 0.01)
    put("missing in QC", "LBSTRESU", lambda v: None)
    put("leading blanks", "LBSPEC", lambda v: "  " + v)
    put("term", "LBNRIND", lambda v: "LOW", base["LBNRIND"] == "HIGH")
    put("shift", "LBSTNRHI", lambda v: v + 10)
    put("factor", "LBORNRHI", lambda v: v * 1000, base["LBORNRHI"] > 0)
    put("sign", "LBDY", lambda v: -v, base["LBDY"].abs() > 0)
    put("special missing", "LBSTNRLO", lambda v: np.full(len(v), special_missing("A")), base["LBSTNRLO"].isna())
    put("missing in BASE", "VISIT", lambda v: v)
    base.iloc[some("VISIT"), base.columns.get_loc("VISIT")] = None
    put("trailing blanks", "LBCAT", lambda v: v + "  ")
    put("blank", "LBBLFL", lambda v: " ", base["LBBLFL"].isna())
    put("negative zero", "LBORNRLO", lambda v: -0.0, base["LBORNRLO"] == 0)
    gone, new, twice = (some("USUBJID") for _ in range(3))
    truth |= {"only in BASE": each, "only in QC": each, "doubled": each}
    truth |= dict.fromkeys(("EPOCH only in BASE", "LBFAST only in QC", "label", "LBTEST label", "LBTEST length",
                            "LBDY format"), 1)
    base = base.drop(index=new)
    qc = pd.concat([qc.drop(index=gone), qc.iloc[twice]])
    qc = qc.drop(columns="EPOCH").assign(LBFAST="Y")
    base, qc = (f.iloc[rng.permutation(len(f))].reset_index(drop=True).astype(
        {n: "str" for n in f if f[n].dtype == object}) for f in (base, qc))
    known = {v.name: v for v in meta.variables}
    known["LBFAST"] = replace(known["LBBLFL"], name="LBFAST", label="Fasting Status")
    known["LBTEST"] = replace(known["LBTEST"], label="Test", length=41)
    known["LBDY"] = replace(known["LBDY"], format="8.")
    return base, qc, meta, DatasetMeta("LB", "Laboratory", tuple(known[n] for n in qc.columns)), truth


def found(report: Path) -> dict[str, int]:
    """What the report says, in the words of the truth."""
    [dataset] = json.loads(report.read_bytes())["datasets"]
    told = {"only in BASE": dataset["only in BASE"]["records"], "only in QC": dataset["only in QC"]["records"],
            "doubled": dataset["doubled"]["keys"]}
    # a record that a key has too often has no counterpart on the other side
    told["only in QC"] -= sum(max(d["qc"] - max(d["base"], 1), 0) for d in dataset["doubled"]["listed"])
    told |= {f"{a['variable']} {a['kind']}".strip(): 1 for a in dataset["attributes"]}
    told |= {f"{n} only in {side}": 1 for side in ("BASE", "QC") for n in dataset[f"variables only in {side}"]}
    for variable in dataset["variables"]:
        for pattern in (*variable["patterns"], *variable["notes"]):
            name = f"{variable['name']} {pattern['kind']}"
            told[name] = told.get(name, 0) + pattern["records"]
    return told


def measured(command: list[str], **more: object) -> tuple[float, float, float, int]:
    """Seconds, seconds of processor time, peak megabytes and exit status of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **more)  # type: ignore[call-overload]
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - start
    return taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def plant(folder: Path, records: int, each: int) -> None:
    """Write both productions and the truth."""
    base, qc, base_meta, qc_meta, truth = planted(records, each)
    write_parquet(folder / "base.parquet", base, base_meta)
    write_parquet(folder / "qc.parquet", qc, qc_meta)
    (folder / "truth.json").write_text(json.dumps(truth), encoding="utf-8")


def _unlike(truth: dict[str, int], told: dict[str, int]) -> str:
    names = sorted({*truth, *told})
    return ", ".join(f"{n} {told.get(n, 0)} of {truth.get(n, 0)}" for n in names if told.get(n) != truth.get(n))


DATACOMPY = """
import sys, pandas as pd, datacompy
base, qc = (pd.read_parquet(path) for path in sys.argv[1:3])
compare = getattr(datacompy, "PandasCompare", None) or datacompy.Compare
print(compare(base, qc, join_columns=sys.argv[3].split(",")).report())
"""


def run(records: int = 1_000_000, each: int = 1000) -> list[str]:
    """The lines to print."""
    each = min(each, records // 100)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [str(folder / f"{side}.parquet") for side in ("base", "qc")]
        # a process of its own, whose memory is not counted to those that are measured
        subprocess.run([sys.executable, "-m", "benchmarks.compare", "plant", name, str(records), str(each)], check=True)
        truth = json.loads((folder / "truth.json").read_bytes())
        report = folder / "report.json"
        keys = ["--keys", ",".join(KEYS)]
        ours = [sys.executable, "-m", "trialmill", "compare", *paths, *keys, "--report", str(report), "--list", "all"]
        seconds, busy, memory, status = measured(ours)
        told = found(report)
        lines = [
            f"comparing, two times {records:,} records x 25 variables, shuffled, from Parquet",
            f"  {seconds:5.2f} s whole process (aim: below 5; {busy:.2f} s of processor time), "
            f"{memory:,.0f} MB at the peak (aim: below 1,500), exit status {status}",
            f"  {len(truth)} planted kinds, {each:,} records each where it concerns records: "
            + ("all found, nothing else" if told == truth else f"not as planted: {_unlike(truth, told)}"),
        ]
        python = os.environ.get("DATACOMPY_PYTHON", "")
        if python:
            theirs, _, more, status = measured([python, "-c", DATACOMPY, *paths, ",".join(KEYS)], env={})
            if status:
                lines.append(f"  datacompy failed with exit status {status}")
            else:
                times, room = theirs / seconds, more / memory
                lines.append(f"  datacompy takes {times:.1f} times as long, {room:.1f} times the memory")
        else:
            lines.append("  datacompy not run: DATACOMPY_PYTHON names no Python that has it")
    return lines


if __name__ == "__main__":
    if sys.argv[1:2] == ["plant"]:
        plant(Path(sys.argv[2]), *(int(a) for a in sys.argv[3:5]))
    else:
        print("\n".join(run(*(int(a) for a in sys.argv[1:3]))))
