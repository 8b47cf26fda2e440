"""Records that look at other records of their subject, working datasets, and parts that go on from common records."""

import numpy as np
import pandas as pd
import pytest

import engine.verbs  # noqa: F401
from engine.errors import SpecError
from engine.run.build import build
from engine.run.identity import RawTable
from engine.spec.catalogue import Catalogue
from engine.spec.lint import lint
from engine.spec.study import load_study
from engine.verbs import reach

STUDY = """
study: TOY
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {adam: {standard: adamig}}
settings: {DCUTDT: 2025-06-30}
identity: {subjects: subj, USUBJID: {first: subj.SUBJECT}}
"""
RAW = """
carriers: {csv: {folder: edc}}
common: {SUBJECT: text}
roles: {subject: SUBJECT}
"""
DOSES = """
dataset: DOSES
working: true
keys: [USUBJID, ASTDT]
records: {each: dose}
variables:
  ASTDT: {copy: dose.FROM}
  AENDT: {copy: dose.TO}
  MG: {copy: dose.MG, type: Num}
  NTH: {count: DOSES, where: "DOSES.ASTDT <= ASTDT", type: Num}
"""
SAMPLES = """
dataset: SAMPLES
keys: [USUBJID, PARAMCD, ADT]
records: {each: sample}
parts:
  LEVEL:
    pick: {from: DOSES, where: "DOSES.ASTDT <= sample.DAY and DOSES.AENDT >= sample.DAY", order: DOSES.ASTDT}
    variables: {AVAL: {copy: DOSES.MG}}
  FIRST:
    steps:
      - distinct: {of: sample.SUBJECT, order: sample.DAY}
      - where: "sample.DAY is present"
    variables: {AVAL: {set: "1"}}
  DOSE:
    each: dose
    variables: {ADT: {copy: dose.FROM}, AVAL: {copy: dose.MG}}
variables:
  PARAMCD: {part: name}
  ADT: {copy: sample.DAY}
  NBEFORE: {count: DOSES, where: "DOSES.ASTDT < ADT", label: Doses Before, type: Num}
  ONFL: {exists: DOSES, where: "DOSES.ASTDT <= ADT and DOSES.AENDT >= ADT", else: N, label: On Dose, type: Char}
  LASTMG: {last: DOSES.MG, order: DOSES.ASTDT, where: "DOSES.ASTDT < ADT", label: Last Dose Before, type: Num}
  SUMMG: {sum: DOSES.MG, where: "DOSES.ASTDT < ADT", label: Sum of Doses Before, type: Num}
  NEXT: {earliest: DOSES.ASTDT, where: "DOSES.ASTDT > ADT", label: Next Dose, type: Num}
  NTH: {last: DOSES.NTH, order: DOSES.ASTDT, where: "DOSES.ASTDT < ADT", label: Number of Last Dose, type: Num}
  AVAL: {not_collected: each part has its own}
"""


def frame(columns, *rows):
    return pd.DataFrame([[None if v == "" else v for v in r.split()] for r in rows], columns=columns.split(), dtype="str")


FRAMES = {
    "subj": frame("SUBJECT", "01", "02", "03"),
    "dose": frame("SUBJECT FROM TO MG", "01 10 14 100", "01 15 15 50", "02 10 12 200"),
    "sample": frame("SUBJECT DAY", "01 9", "01 12", "01 15", "01 20", "02 13", "03 5"),
}


def raw(frames):
    return {
        name: RawTable(name, f, (f"{name}.csv",), np.zeros(len(f), dtype=np.int64), np.arange(2, len(f) + 2), "SUBJECT")
        for name, f in frames.items()
    }


class Tools:
    def to_ascii(self, values):
        return values

    def to_iso(self, source, date, time, dates, times):
        return dates, np.zeros(len(dates), dtype=bool)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "adam").mkdir()
    for name, text in (("study.yaml", STUDY), ("raw.yaml", RAW), ("adam/d.yaml", DOSES), ("adam/s.yaml", SAMPLES)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def built(folder, frames=FRAMES, jobs=1):
    result = build(load_study(folder), raw(frames), Tools(), ["adam"], jobs=jobs)
    return {b.info.name: b.frame for b in result.packages["adam"]}, result


@pytest.mark.parametrize(
    ("who", "day", "mg", "before", "on", "last", "total", "following"),
    [
        ("01", 9, None, 0, "N", None, None, 10),  # before the first dose
        ("01", 12, 100, 1, "Y", 100, 100, 15),  # within an interval
        ("01", 15, 50, 1, "Y", 100, 100, None),  # the day of a dose: that dose is not before it
        ("01", 20, None, 2, "N", 50, 150, None),  # after the last
        ("02", 13, None, 1, "N", 200, 200, None),  # another subject's doses do not count
        ("03", 5, None, 0, "N", None, None, None),  # no dose at all
    ],
)
def test_each_record_finds_the_doses_of_its_own_day(folder, who, day, mg, before, on, last, total, following):
    samples = built(folder)[0]["SAMPLES"]
    row = samples[(samples["USUBJID"] == who) & (samples["PARAMCD"] == "LEVEL") & (samples["ADT"] == day)]
    found = row[["AVAL", "NBEFORE", "ONFL", "LASTMG", "SUMMG", "NEXT"]].iloc[0].tolist()
    assert [None if pd.isna(v) else v for v in found] == [mg, before, on, last, total, following]


def test_a_dataset_may_look_at_its_own_other_records(folder):
    result = built(folder)[1]
    assert result.run.table("DOSES").columns["NTH"].tolist() == [1, 2, 1]  # a dose is its subject's nth by its day


def test_parts_go_on_from_the_common_records_unless_they_start_anew(folder):
    samples = built(folder)[0]["SAMPLES"]
    assert samples.groupby("PARAMCD").size().to_dict() == {"DOSE": 3, "FIRST": 3, "LEVEL": 6}


PEOPLE = """
dataset: PEOPLE
working: true
keys: [STUDYID, USUBJID]
records: {each: subj}
variables: {COHORT: {copy: subj.COHORT, type: Char}}
"""
VISITS = """
dataset: VISITS
keys: [USUBJID, PARAMCD, ADT]
parts:
  DOSE:
    each: dose
    variables: {ADT: {copy: dose.FROM}}
  ENTRY:
    each: PEOPLE
    where: "PEOPLE.COHORT == 'A'"
    variables: {ADT: {set: "0"}}
variables:
  PARAMCD: {part: name}
  ADT: {not_collected: each part has its own}
  COHORT: {copy: PEOPLE.COHORT, label: Cohort, type: Char}
"""


def test_the_subjects_record_is_known_in_every_part_where_one_part_is_made_from_it(folder):
    (folder / "adam" / "d.yaml").write_text(PEOPLE)
    (folder / "adam" / "s.yaml").write_text(VISITS)
    subjects = FRAMES["subj"].assign(COHORT=["A", "B", "A"])
    visits = built(folder, {**FRAMES, "subj": subjects})[0]["VISITS"]
    said = visits[["USUBJID", "PARAMCD", "COHORT"]].drop_duplicates().to_numpy().tolist()
    assert said == [["01", "DOSE", "A"], ["01", "ENTRY", "A"], ["02", "DOSE", "B"], ["03", "ENTRY", "A"]]


def test_a_working_dataset_is_derived_and_not_written(folder):
    datasets, result = built(folder)
    assert list(datasets) == ["SAMPLES"] and "DOSES" in result.run.tables
    assert not lint(load_study(folder)) and not Catalogue(load_study(folder)).problems


def test_a_pick_that_its_order_does_not_decide_is_blocking(folder):
    doses = pd.concat([FRAMES["dose"], frame("SUBJECT FROM TO MG", "02 10 13 300")], ignore_index=True)
    result = built(folder, {**FRAMES, "dose": doses})[1]
    blocking = {(i.subject, i.message) for i in result.issues if i.severity == "blocking"}
    assert not any(who == "02" and "tie by DOSES.ASTDT" in message for who, message in blocking), "day 13 has one only"
    sample = pd.concat([FRAMES["sample"], frame("SUBJECT DAY", "02 11")], ignore_index=True)
    result = built(folder, {**FRAMES, "dose": doses, "sample": sample})[1]
    blocking = {(i.subject, i.message) for i in result.issues if i.severity == "blocking"}
    assert ("02", "several records of DOSES tie by DOSES.ASTDT") in blocking


def test_shuffled_records_and_threads_change_nothing(folder):
    expected = built(folder)[0]["SAMPLES"]
    shuffled = {k: f.iloc[::-1].reset_index(drop=True) for k, f in FRAMES.items()}
    pd.testing.assert_frame_equal(built(folder, shuffled, jobs=2)[0]["SAMPLES"], expected)


def test_pieces_of_the_pairs_change_nothing(folder, monkeypatch):
    expected = built(folder)[0]["SAMPLES"]
    monkeypatch.setattr(reach, "MOST_PAIRS", 1)
    pd.testing.assert_frame_equal(built(folder)[0]["SAMPLES"], expected)


def test_values_that_must_be_equal_are_found_and_missing_ones_equal_nothing(folder):
    text = DOSES.replace("NTH: {count: DOSES, where: \"DOSES.ASTDT <= ASTDT\", type: Num}", "NTH: {copy: dose.NTH, type: Num}")
    (folder / "adam" / "d.yaml").write_text(text)
    samples = SAMPLES.replace("  NTH: {last:", "  SAME: {count: DOSES, where: \"DOSES.NTH == WANTED and DOSES.MG > 60\", label: X, type: Num}\n"
                              "  WANTED: {copy: sample.NTH, label: X, type: Num}\n  NTH: {last:")  # fmt: skip
    (folder / "adam" / "s.yaml").write_text(samples)
    doses = FRAMES["dose"].assign(NTH=["1", "1", None])
    wanted = FRAMES["sample"].assign(NTH=["1", "2", None, "1", None, "1"])
    made = built(folder, {**FRAMES, "dose": doses, "sample": wanted})[0]["SAMPLES"]
    rows = made[made["PARAMCD"] == "LEVEL"].sort_values(["USUBJID", "ADT"])
    assert rows["SAME"].tolist() == [1, 0, 0, 1, 0, 0]


def test_a_dataset_without_records_or_parts_is_an_error(folder):
    (folder / "adam" / "d.yaml").write_text(DOSES.replace("records: {each: dose}\n", ""))
    with pytest.raises(SpecError, match="has no records"):
        load_study(folder)
