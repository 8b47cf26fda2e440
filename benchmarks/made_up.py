"""A made-up laboratory dataset (LB) of any size, with the widths and repeats of a real one.

Sixteen character and nine numeric variables; about 1 in 20 values missing where LB allows it. The same
number of records gives the same values.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from formats.metadata import DatasetMeta, VariableMeta

_TESTS = [("ALT", "Alanine Aminotransferase", "U/L"), ("AST", "Aspartate Aminotransferase", "U/L"),
          ("BILI", "Bilirubin", "umol/L"), ("CREAT", "Creatinine", "umol/L"), ("HGB", "Hemoglobin", "g/L"),
          ("NEUT", "Neutrophils", "10^9/L"), ("PLAT", "Platelets", "10^9/L"), ("K", "Potassium", "mmol/L")]
_CHAR = {"STUDYID": 12, "DOMAIN": 2, "USUBJID": 20, "LBTESTCD": 8, "LBTEST": 40, "LBCAT": 20, "LBORRES": 16,
         "LBORRESU": 10, "LBSTRESC": 16, "LBSTRESU": 10, "LBNRIND": 8, "LBSPEC": 10, "VISIT": 20,
         "LBDTC": 19, "EPOCH": 10, "LBBLFL": 1}
_NUM = ("LBSEQ", "LBORNRLO", "LBORNRHI", "LBSTRESN", "LBSTNRLO", "LBSTNRHI", "VISITNUM", "VISITDY", "LBDY")


def laboratory(records: int) -> tuple[pd.DataFrame, DatasetMeta]:
    """LB with that many records, 25 variables, and its metadata."""
    rng = np.random.default_rng(20250328)
    code, term, unit = (np.array(x, dtype=object)[rng.integers(len(_TESTS), size=records)]
                        for x in zip(*_TESTS, strict=True))
    result = np.round(rng.lognormal(3, 1, records), 2)
    number = pd.Series(result).astype(str).astype("str")
    visit = rng.integers(1, 30, records)
    day = np.datetime64("2025-03-10T08:00") + rng.integers(0, 400 * 1440, records).astype("m8[m]")
    frame = pd.DataFrame({
        "STUDYID": "STUDY1", "DOMAIN": "LB",
        "USUBJID": _pick(rng, [f"STUDY1-{i // 40 + 1:02d}-{i:04d}" for i in range(400)], records),
        "LBSEQ": np.arange(records, dtype=float) % 2500 + 1, "LBTESTCD": code, "LBTEST": term,
        "LBCAT": _pick(rng, ["CHEMISTRY", "HEMATOLOGY"], records), "LBORRES": number, "LBORRESU": unit,
        "LBORNRLO": np.round(rng.uniform(0, 20, records)), "LBORNRHI": np.round(rng.uniform(30, 90, records)),
        "LBSTRESC": number, "LBSTRESN": result, "LBSTRESU": unit,
        "LBSTNRLO": np.round(rng.uniform(0, 20, records), 1),
        "LBSTNRHI": np.round(rng.uniform(30, 90, records), 1),
        "LBNRIND": _pick(rng, ["NORMAL", "HIGH", "LOW"], records),
        "LBSPEC": _pick(rng, ["BLOOD", "SERUM"], records), "LBBLFL": _pick(rng, ["Y", None, None], records),
        "VISITNUM": visit.astype(float), "VISIT": np.array([f"CYCLE {v} DAY 1" for v in range(30)])[visit],
        "VISITDY": visit * 7.0, "EPOCH": _pick(rng, ["SCREENING", "TREATMENT", "FOLLOW-UP"], records),
        "LBDTC": np.datetime_as_string(day), "LBDY": np.round(rng.uniform(-28, 400, records)),
    })
    for name in ("LBSTRESN", "LBSTNRLO", "LBDY", "LBORRESU", "LBNRIND"):
        frame.loc[rng.random(records) < 0.05, name] = None
    frame = frame.astype(dict.fromkeys(_CHAR, "str") | dict.fromkeys(_NUM, "float64"))
    variables = tuple(VariableMeta(n, f"Label of {n}", "Num", 8) if n in _NUM
                      else VariableMeta(n, f"Label of {n}", "Char", _CHAR[n]) for n in frame.columns)
    return frame, DatasetMeta("LB", "Laboratory Test Results", variables)


def _pick(rng: np.random.Generator, values: list[str | None], records: int) -> np.ndarray:
    return np.array(values, dtype=object)[rng.integers(len(values), size=records)]
