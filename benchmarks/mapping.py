"""Mapping: seconds per million raw results from raw frames to finished LB and VS, by the code path of a build.

Run: python -m benchmarks.mapping [RESULTS] [REPEATS]. A made-up study of laboratory results and vital signs: exact
repeats and corrections, ISO dates, codelists, standard units, reference ranges and indicators, visits by look-up, --DY,
EPOCH, --LOBXFL, order and --SEQ, lengths and ASCII checks. Reading and writing files is measured elsewhere.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import sdtm  # noqa: F401  registers the verbs of tabulations
from engine.run.build import Result, build
from engine.run.identity import RawTable
from engine.spec.study import Study, load_study
from trialmill.build import Tools

VISITS, TIMES_OF_DAY = 30, 240
TESTS = {  # code: category, specimen, unit, other unit, factor, usual value, decimals, low, high
    "WBC": ("HEMATOLOGY", "BLOOD", "10^9/L", "10^3/uL", "1", 5.0, 2, 3.5, 9.5),
    "NEUT": ("HEMATOLOGY", "BLOOD", "10^9/L", "/uL", "0.001", 2.0, 2, 1.8, 6.3),
    "PLAT": ("HEMATOLOGY", "BLOOD", "10^9/L", "G/L", "1", 150.0, 0, 125, 350),
    "HGB": ("HEMATOLOGY", "BLOOD", "g/L", "g/dL", "10", 90.0, 0, 115, 150),
    "ALT": ("CHEMISTRY", "SERUM", "U/L", "IU/L", "1", 24.0, 0, 9, 50),
    "AST": ("CHEMISTRY", "SERUM", "U/L", "IU/L", "1", 22.0, 0, 15, 40),
    "LDH": ("CHEMISTRY", "SERUM", "U/L", "ukat/L", "60", 210.0, 0, 120, 250),
    "BILI": ("CHEMISTRY", "SERUM", "umol/L", "mg/dL", "17.104", 11.0, 1, 0, 23),
    "CREAT": ("CHEMISTRY", "SERUM", "umol/L", "mg/dL", "88.42", 68.0, 0, 57, 97),
    "ALB": ("CHEMISTRY", "SERUM", "g/L", "g/dL", "10", 38.0, 1, 40, 55),
    "GLUC": ("CHEMISTRY", "SERUM", "mmol/L", "mg/dL", "0.05551", 5.3, 2, 3.9, 6.1),
    "SODIUM": ("CHEMISTRY", "SERUM", "mmol/L", "mEq/L", "1", 140.0, 0, 137, 147),
    "K": ("CHEMISTRY", "SERUM", "mmol/L", "mEq/L", "1", 4.1, 2, 3.5, 5.3),
    "CA": ("CHEMISTRY", "SERUM", "mmol/L", "mg/dL", "0.2495", 2.25, 2, 2.11, 2.52),
    "PT": ("COAGULATION", "PLASMA", "s", "sec", "1", 12.4, 1, 10, 14),
    "FIBRINO": ("COAGULATION", "PLASMA", "g/L", "mg/dL", "0.01", 3.1, 2, 2, 4),
}
SIGNS = {"SYSBP": 120.0, "DIABP": 78.0, "PULSE": 72.0, "RESP": 16.0, "TEMP": 36.8}

STUDY = """
study: BENCH
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}}
settings: {DCUTDT: 2027-12-31}
identity: {subjects: demo, USUBJID: {prefix: BENCH-, first: demo.SUBJECT}}
"""
RAW = """
carriers: {csv: {folder: edc}}
common:
  SUBJECT: text
  VISITOID: text
  RECNO: number
  VSDAT: {type: date, format: DD-MON-YYYY}
  LABDAT: {type: date, format: DD-MON-YYYY}
roles: {subject: SUBJECT, record: RECNO, visit: VISITOID}
formats: {date: ISO 8601}
vendors:
  lis:
    files: lis.csv
    subject: SUBJECT
    columns:
      SUBJECT: text
      ACCNO: text
      SPEC: text
      TESTCODE: text
      RESULT: text
      UNIT: text
      COLLECT: {type: date, format: "YYYY/M/D H:MM"}
      LOADDTM: {type: date, format: ISO 8601}
      STATUS: text
  ranges:
    files: ranges.csv
    columns:
      TESTCODE: text
      SEX: text
      AGELO: number
      AGEHI: number
      FROM: {type: date, format: ISO 8601}
      TO: {type: date, format: ISO 8601}
      LOW: number
      HIGH: number
      UNIT: text
"""
DM = """
dataset: DM
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  RFSTDTC: {copy: RFXSTDTC}
  RFXSTDTC: {copy: demo.DOSED}
  BRTHDTC: {copy: demo.BORN}
  SEX: {copy: demo.SEX}
"""
SE = """
dataset: SE
keys: [STUDYID, USUBJID, SESTDTC]
records: {each: elements}
variables:
  TAETORD: {copy: elements.NUMBER}
  EPOCH: {copy: elements.EPOCH}
  SESTDTC: {copy: elements.START}
  SEENDTC: {copy: elements.END}
"""
LB = """
dataset: LB
keys: [STUDYID, USUBJID, LBCAT, LBSPEC, LBTESTCD, LBDTC, LBREFID]
cut_off: LBDTC
records:
  - each: lis
  - drop_exact_repeats: {of: lis, but: [LOADDTM], keep: lis.LOADDTM, only: "lis.STATUS == 'F'"}
  - latest_version:
      {by: [lis.ACCNO, lis.TESTCODE], order: lis.LOADDTM, marked: "lis.STATUS in ['C', 'X']", content: lis.RESULT}
  - join: {source: labc, match: {ACCNO: lis.ACCNO}}
  - reference_range: {source: ranges, match: {TESTCODE: lis.TESTCODE, SEX: DM.SEX}, any: "*", on: lis.COLLECT,
      valid: [FROM, TO], born: DM.BRTHDTC, day: 15, ages: [AGELO, AGEHI]}
variables:
  LBSEQ: {sequence: keys}
  LBREFID: {copy: lis.ACCNO}
  LBTESTCD: {terms: lis.TESTCODE, codelist: LBTESTCD}
  LBTEST: {decode: LBTESTCD, codelist: LBTESTCD}
  LBCAT: {look_up: LBTESTCD, in: tests, match: TEST, give: CAT}
  LBORRES: {copy: lis.RESULT, where: "lis.STATUS != 'X'"}
  LBORRESU: {reported_unit: lis.UNIT, test: LBTESTCD, units: units, codelist: UNIT, where: LBORRES is present}
  LBORNRLO:
    in_unit: ranges.LOW
    given_in: ranges.UNIT
    unit: lis.UNIT
    test: LBTESTCD
    units: units
    where: LBORRES is present
  LBORNRHI:
    in_unit: ranges.HIGH
    given_in: ranges.UNIT
    unit: lis.UNIT
    test: LBTESTCD
    units: units
    where: LBORRES is present
  LBSTRESC: {standard_result: LBORRES, unit: lis.UNIT, test: LBTESTCD, units: units}
  LBSTRESN: {numeric: LBSTRESC}
  LBSTRESU: {standard_unit: LBORRES, unit: lis.UNIT, test: LBTESTCD, units: units}
  LBSTNRLO: {standard_result: ranges.LOW, unit: ranges.UNIT, test: LBTESTCD, units: units, where: LBORRES is present}
  LBSTNRHI: {standard_result: ranges.HIGH, unit: ranges.UNIT, test: LBTESTCD, units: units, where: LBORRES is present}
  LBNRIND: {range_indicator: LBSTRESC, low: LBSTNRLO, high: LBSTNRHI, codelist: NRIND}
  LBSTAT: {set: NOT DONE, where: LBORRES is missing}
  LBREASND: {copy: lis.RESULT, where: "lis.STATUS == 'X'"}
  LBSPEC: {terms: lis.SPEC, codelist: SPECTYPE}
  LBLOBXFL:
    {last_before: LBDTC, by: [LBTESTCD, LBSPEC], having: LBSTRESC, predose: "labc.VISITOID == 'V2'", ties: [LBSEQ]}
  VISITNUM: {look_up: labc.VISITOID, in: visits, match: OID, give: NUM}
  VISIT: {look_up: labc.VISITOID, in: visits, match: OID, give: NAME}
  EPOCH: {element_at: LBDTC, predose: "labc.VISITOID == 'V2'"}
  LBDTC: {iso8601: lis.COLLECT}
  LBDY: {study_day: LBDTC}
"""
VS = """
dataset: VS
keys: [STUDYID, USUBJID, VSTESTCD, VSDTC]
ties: vs.RECNO
cut_off: VSDTC
records:
  - each: vs
  - drop_exact_repeats: {of: vs, but: [RECNO], keep: vs.RECNO}
  - transpose:
      items: {SYSBP: vs.SYSBP, DIABP: vs.DIABP, PULSE: vs.PULSE, RESP: vs.RESP, TEMP: vs.TEMP}
      units: {SYSBP: vs.MMHG, DIABP: vs.MMHG, PULSE: vs.PERMIN, RESP: vs.BREATHS, TEMP: vs.TEMPU}
variables:
  VSSEQ: {sequence: keys}
  VSTESTCD: {terms: item.CODE, codelist: VSTESTCD}
  VSTEST: {decode: VSTESTCD, codelist: VSTESTCD}
  VSORRES: {copy: item.VALUE}
  VSORRESU: {reported_unit: item.UNIT, test: VSTESTCD, units: units, codelist: VSRESU}
  VSSTRESC: {standard_result: VSORRES, unit: item.UNIT, test: VSTESTCD, units: units, places: 1}
  VSSTRESN: {numeric: VSSTRESC}
  VSSTRESU: {standard_unit: VSORRES, unit: item.UNIT, test: VSTESTCD, units: units}
  VSLOBXFL: {last_before: VSDTC, by: [VSTESTCD], having: VSSTRESC, predose: "vs.VISITOID == 'V2'", ties: [VSSEQ]}
  VISITNUM: {look_up: vs.VISITOID, in: visits, match: OID, give: NUM}
  VISIT: {look_up: vs.VISITOID, in: visits, match: OID, give: NAME}
  EPOCH: {element_at: VSDTC, predose: "vs.VISITOID == 'V2'"}
  VSDTC: {iso8601: vs.VSDAT}
  VSDY: {study_day: VSDTC}
"""


def write_study(folder: Path) -> Study:
    """The made-up study's specs and tables, read back."""
    units = [f"{t},{u},{term},{f},{s}" for t, (_, _, s, o, factor, *_) in TESTS.items()
             for u, term, f in ((s, s, "1"), (o, _term(o, s), factor))]  # fmt: skip
    units += ["SYSBP,mmHg,mmHg,1,mmHg", "DIABP,mmHg,mmHg,1,mmHg", "PULSE,beats/min,beats/min,1,beats/min",
              "RESP,breaths/min,breaths/min,1,breaths/min", "TEMP,C,C,1,C"]  # fmt: skip
    files = {
        "study.yaml": STUDY,
        "raw.yaml": RAW,
        "sdtm/dm.yaml": DM,
        "sdtm/se.yaml": SE,
        "sdtm/lb.yaml": LB,
        "sdtm/vs.yaml": VS,
        "tables/units.csv": "\n".join(["TEST,UNIT,TERM,FACTOR,STDUNIT,LESS", *(u + "," for u in units),
                                       "TEMP,F,F,5/9,C,32"]),
        "tables/tests.csv": "\n".join(["TEST,CAT", *(f"{t},{v[0]}" for t, v in TESTS.items())]),
        "tables/visits.csv": "\n".join(["OID,NUM,NAME", *(f"V{i},{i},VISIT {i}" for i in range(1, VISITS + 1))]),
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    return load_study(folder)


def _term(unit: str, standard: str) -> str:
    return {"/uL": "10^6/L", "10^3/uL": standard, "G/L": standard, "sec": standard}.get(unit, unit)


def made_up(results: int) -> dict[str, RawTable]:
    """Raw frames: half laboratory results, half vital signs (five results a form)."""
    rng = np.random.default_rng(20250328)
    people = max(1, results // 2 // (VISITS * len(TESTS)))
    start = np.datetime64("2025-01-06") + rng.integers(0, 500, people).astype("m8[D]")
    subjects = np.array([f"{i // 40 + 1:02d}-{i:05d}" for i in range(people)])
    demo = pd.DataFrame({"SUBJECT": subjects, "SEX": rng.choice(["M", "F"], people), "BORN": [
        f"{y}-{m:02d}-{d:02d}" for y, m, d in zip(rng.integers(1940, 2000, people), rng.integers(1, 13, people),
                                                 rng.integers(1, 29, people), strict=True)],
        "DOSED": np.char.add(start.astype(str), "T08:00")})  # fmt: skip
    ends = (start + np.timedelta64(150, "D")).astype(str)
    elements = pd.concat([
        pd.DataFrame({"SUBJECT": subjects, "NUMBER": "1", "EPOCH": "SCREENING",
                      "START": (start - np.timedelta64(20, "D")).astype(str), "END": demo["DOSED"]}),
        pd.DataFrame({"SUBJECT": subjects, "NUMBER": "2", "EPOCH": "TREATMENT", "START": demo["DOSED"], "END": ends}),
        pd.DataFrame({"SUBJECT": subjects, "NUMBER": "3", "EPOCH": "FOLLOW-UP", "START": ends, "END": None}),
    ])  # fmt: skip
    who = np.repeat(np.arange(people), VISITS)
    visit = np.tile(np.arange(VISITS), people)
    day = start[who] + ((visit - 1) * 7).astype("m8[D]") + rng.integers(-1, 2, len(who)).astype("m8[D]") * (visit > 1)
    accession = np.array([f"{a:07d}" for a in range(len(who))])
    labc = pd.DataFrame({"SUBJECT": subjects[who], "VISITOID": np.char.add("V", (visit + 1).astype(str)),
                         "ACCNO": accession})  # fmt: skip
    frames = {
        "demo": demo,
        "elements": elements,
        "labc": labc,
        "lis": _laboratory(rng, labc, day, results // 2),
        "vs": _vital_signs(rng, subjects, results // 2, start),
        "ranges": pd.DataFrame([{"TESTCODE": t, "SEX": s, "AGELO": a, "AGEHI": b, "FROM": f, "TO": e, "LOW": str(v[7]),
                                 "HIGH": str(v[8]), "UNIT": v[2]}
                                for t, v in TESTS.items() for s in ("M", "F") for a, b in (("18", "59"), ("60", "120"))
                                for f, e in (("2020-01-01", "2025-06-30"), ("2025-07-01", None))]),
    }  # fmt: skip
    tables = {}
    for name, frame in frames.items():
        order = rng.permutation(len(frame))
        shuffled = frame.iloc[order].reset_index(drop=True).astype("str")
        lines = np.arange(2, len(frame) + 2)
        subject = "" if name == "ranges" else "SUBJECT"
        tables[name] = RawTable(name, shuffled, (f"{name}.csv",), np.zeros(len(frame), dtype=np.int64), lines, subject)
    return tables


def _laboratory(rng: np.random.Generator, labc: pd.DataFrame, day: np.ndarray, results: int) -> pd.DataFrame:
    """Results of every draw: 1 in 16 in another unit, some below a limit, corrected, cancelled or sent twice."""
    n = len(labc) * len(TESTS)
    draw = np.repeat(np.arange(len(labc)), len(TESTS))
    code = np.tile(np.array(list(TESTS)), len(labc))
    factor = np.tile(np.array([float(v[4]) for v in TESTS.values()]), len(labc))
    usual = np.tile(np.array([v[5] for v in TESTS.values()]), len(labc))
    places = np.tile(np.array([v[6] for v in TESTS.values()]), len(labc))
    other = rng.random(n) < 1 / 16
    value = usual * rng.lognormal(0, 0.25, n) / np.where(other, factor, 1)
    places = np.where(other, np.clip(places + np.round(np.log10(factor)), 0, 4), places).astype(int)
    text = np.empty(n, dtype=object)
    for digits in np.unique(places):
        chosen = places == digits
        text[chosen] = np.char.mod(f"%.{digits}f", value[chosen])
    text[rng.random(n) < 0.005] = "<3.0"
    minute = rng.integers(0, TIMES_OF_DAY, len(labc))
    stamp = np.array([f"{d[:4]}/{int(d[5:7])}/{int(d[8:])} {6 + m // 60}:{m % 60:02d}"
                      for d, m in zip(day.astype(str), minute, strict=True)])  # fmt: skip
    units = np.where(other, np.tile(np.array([v[3] for v in TESTS.values()]), len(labc)),
                     np.tile(np.array([v[2] for v in TESTS.values()]), len(labc)))  # fmt: skip
    frame = pd.DataFrame({
        "SUBJECT": labc["SUBJECT"].to_numpy()[draw], "ACCNO": labc["ACCNO"].to_numpy()[draw],
        "SPEC": np.tile(np.array([v[1] for v in TESTS.values()]), len(labc)), "TESTCODE": code, "RESULT": text,
        "UNIT": units, "COLLECT": stamp[draw], "LOADDTM": "2027-01-05T02:10:00", "STATUS": "F",
    })  # fmt: skip
    again = frame.sample(frac=0.01, random_state=1).assign(LOADDTM="2027-02-05T02:10:00")
    corrected = frame.sample(frac=0.01, random_state=2).assign(LOADDTM="2027-03-05T02:10:00", STATUS="C")
    cancelled = frame.sample(frac=0.002, random_state=3)
    cancelled = cancelled.assign(LOADDTM="2027-04-05T02:10:00", STATUS="X", RESULT="Specimen clotted")
    return pd.concat([frame, again, corrected, cancelled], ignore_index=True).iloc[:results]


def _vital_signs(rng: np.random.Generator, subjects: np.ndarray, results: int, start: np.ndarray) -> pd.DataFrame:
    forms = max(1, results // len(SIGNS))
    who = np.arange(forms) % len(subjects)
    visit = (np.arange(forms) // len(subjects)) % VISITS
    day = (start[who] + ((visit - 1) * 7).astype("m8[D]")).astype("O")
    fahrenheit = rng.random(forms) < 0.05
    columns: dict[str, object] = {
        "SUBJECT": subjects[who], "VISITOID": np.char.add("V", (visit + 1).astype(str)),
        "RECNO": np.arange(forms).astype(str), "VSDAT": [d.strftime("%d-%b-%Y").upper() for d in day],
        "MMHG": "mmHg", "PERMIN": "beats/min", "BREATHS": "breaths/min", "TEMPU": np.where(fahrenheit, "F", "C"),
    }  # fmt: skip
    for name, usual in SIGNS.items():
        value = usual * rng.normal(1, 0.01 if name == "TEMP" else 0.08, forms)
        if name == "TEMP":
            columns[name] = np.char.mod("%.1f", np.where(fahrenheit, value * 9 / 5 + 32, value))
        else:
            columns[name] = np.char.mod("%d", np.round(value))
    return pd.DataFrame(columns)


def run(results: int = 1_000_000, repeats: int = 3) -> list[str]:
    """The lines to print."""
    with tempfile.TemporaryDirectory() as folder:
        study = write_study(Path(folder))
        raw = made_up(results)
        count = len(raw["lis"].frame) + len(raw["vs"].frame) * len(SIGNS)
        times, busy, result = [], [], None
        for _ in range(repeats):
            began, worked = time.perf_counter(), time.process_time()
            result = once(study, raw)
            times.append(time.perf_counter() - began)
            busy.append(time.process_time() - worked)
        assert result is not None
        if result.blocking:
            raise SystemExit("\n".join(str(i) for i in result.issues[:5]))
    made = ", ".join(f"{b.info.name} {len(b.frame):,}" for b in result.packages["sdtm"])
    seconds, processor = (statistics.median(t) * 1e6 / count for t in (times, busy))
    return [
        f"mapping, {count:,} raw results to {made} records",
        f"  {seconds:5.2f} s per million raw results (aim: below 10), median of {repeats}",
        f"  {processor:5.2f} s of processor time: what it takes on a machine that does nothing else",
    ]


def once(study: Study, raw: dict[str, RawTable]) -> Result:
    """One build in memory."""
    return build(study, raw, Tools(study), ["sdtm"])


if __name__ == "__main__":
    print("\n".join(run(*(int(a) for a in sys.argv[1:3]))))
