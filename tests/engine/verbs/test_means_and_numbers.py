"""The mean of a sample's wells and the number of each well, by small tables; checks of what only others read."""

import statistics

import numpy as np
import pandas as pd
import pytest

import engine.verbs  # noqa: F401
from engine.run.build import build
from engine.run.identity import RawTable
from engine.spec.lint import lint
from engine.spec.registry import VERBS, sentence
from engine.spec.study import load_study
from engine.verbs.means import Mean

STUDY = """
study: TOY
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {adam: {standard: adamig}}
identity: {subjects: subj, USUBJID: {first: subj.SUBJECT}}
"""
RAW = "carriers: {csv: {folder: edc}}\ncommon: {SUBJECT: text}\nroles: {subject: SUBJECT}\n"
ADW = """
dataset: ADW
label: Wells
structure: BDS
keys: [STUDYID, USUBJID, SAMPLE, WELL, CT]
records: {each: well}
variables:
  SAMPLE: {copy: well.SAMPLE, label: Sample, type: Char}
  WELL:   {copy: well.WELL, label: Well, type: Char}
  CT:     {copy: well.CT, label: Result, type: Char}
  REPNUM: {number_within: well.SAMPLE, order: [well.WELL, well.BATCH], label: Repetition, type: Num}
  MEAN:   {copy: MEANS.MEAN, label: Mean, type: Num}
"""
MEANS = """
dataset: MEANS
working: true
keys: [STUDYID, USUBJID]
records: {each: person}
checks:
  - {expect: MEAN < 30, says: the mean is implausibly high, found: MEAN}
variables:
  MEAN: {mean: well.CT, replace: {UNDETERMINED: 40}, drop_farthest: {at_least: 3, sd_above: 0.5}, type: Num}
"""


class Tools:
    def to_ascii(self, values):
        return values

    def to_iso(self, source, day, time, dates, times):
        return dates, np.zeros(len(dates), dtype=bool)


@pytest.fixture
def wells(tmp_path):
    """A function: (subject, sample, well, batch, Ct) of each well to the records of ADW and the issues."""
    (tmp_path / "adam").mkdir()
    for name, text in {"study": STUDY, "raw": RAW, "adam/adw": ADW, "adam/means": MEANS}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")

    def make(*lines):
        frames = {
            "well": pd.DataFrame(lines, columns=["SUBJECT", "SAMPLE", "WELL", "BATCH", "CT"], dtype="str"),
            "subj": pd.DataFrame({"SUBJECT": sorted({line[0] for line in lines})}, dtype="str"),
        }
        raw = {
            n: RawTable(n, f, (n,), np.zeros(len(f), dtype=np.int64), np.arange(2, len(f) + 2), "SUBJECT")
            for n, f in frames.items()
        }
        study = load_study(tmp_path)
        assert lint(study) == []
        result = build(study, raw, Tools(), ["adam"])
        return result.packages["adam"][0].frame, result.issues

    return make


def mean_of(wells, *values):
    found, issues = wells(*(("1", "A", f"W{i:02d}", "1", v) for i, v in enumerate(values)))
    return found["MEAN"].iloc[0], issues


@pytest.mark.parametrize(("values", "counted", "why"), [
    (["20", "21"], [20, 21], "two values"),
    (["20.1", "20.2", "20.9"], [20.1, 20.2, 20.9], "standard deviation 0.44: all count"),
    (["20.1", "20.1", "20.1", "21.1"], [20.1, 20.1, 20.1, 21.1], "standard deviation 0.5, not above it"),
    (["20", "20.2", "22"], [20, 20.2], "standard deviation 1.1: the one 1.8 from the median is left out"),
    (["20", "22"], [20, 22], "two values are never fewer"),
    (["20", "21", "22"], [20, 21, 22], "two are equally far from the median: none is left out"),
    (["20.1", "20.4", "20.7", "28"], [20.1, 20.4, 20.7], "once"),
    (["10", "20", "20", "28"], [20, 20, 28], "once, though another is far"),
    (["20", "20.1", "UNDETERMINED"], [20, 20.1], "an undetermined well counts as 40, and may be the farthest"),
    (["20", "UNDETERMINED"], [20, 40], "an undetermined well counts as 40"),
    (["20", "low", None], [20], "another text and no text do not count"),
])  # fmt: skip
def test_mean_of_wells(wells, values, counted, why):
    found, _ = mean_of(wells, *values)
    assert found == pytest.approx(statistics.fmean(counted)), why


def test_no_value_has_no_mean(wells):
    assert np.isnan(mean_of(wells, "low", None)[0])


def test_subjects_and_the_order_of_records_stay_apart(wells):
    lines = [("1", "A", "W1", "1", "20.1"), ("2", "A", "W1", "1", "29"), ("1", "A", "W2", "1", "20.3"), ("1", "A", "W3", "1", "0.7")]
    found, _ = wells(*lines)
    turned, _ = wells(*lines[::-1])
    assert found.equals(turned)
    assert found["MEAN"].tolist() == pytest.approx([20.2, 20.2, 20.2, 29])


def test_the_checks_of_a_working_dataset_are_made_where_something_of_it_is_read(wells):
    _, issues = mean_of(wells, "31", "32")
    assert [(i.dataset, i.severity) for i in issues] == [("MEANS", "warning")] and "31.5" in issues[0].message
    assert mean_of(wells, "21", "22")[1] == []


def test_wells_are_numbered_within_their_sample_in_the_stated_order(wells):
    found, issues = wells(("1", "A", "B2", "1", "1"), ("1", "B", "B1", "1", "2"), ("1", "A", "B1", "2", "3"), ("1", "A", "B1", "1", "4"),
                          ("2", "A", "B9", "1", "5"), ("1", None, "B9", "1", "6"))  # fmt: skip
    numbers = dict(zip(found["CT"], found["REPNUM"].astype(object).where(found["REPNUM"].notna(), None), strict=True))
    assert numbers == {"4": 1, "3": 2, "1": 3, "2": 1, "5": 1, "6": None}
    assert not issues


def test_wells_that_the_order_does_not_tell_apart_share_a_number_and_are_listed(wells):
    lines = [("1", "A", "B1", "1", "7"), ("1", "A", "B1", "1", "8"), ("1", "A", "B2", "1", "9")]
    found, issues = wells(*lines)
    assert dict(zip(found["CT"], found["REPNUM"], strict=True)) == {"7": 1, "8": 1, "9": 3}
    assert found.equals(wells(*lines[::-1])[0])
    assert [(i.dataset, i.variable, i.severity) for i in issues] == [("ADW", "REPNUM", "warning")]


def test_the_sentence_tells_the_rule_for_the_outlier():
    told = sentence(VERBS["mean"], Mean(of="GF.GFSTRESC", replace={"UNDETERMINED": 40}, drop_farthest={"sd_above": 0.5}))
    assert told == (
        "Mean of GF.GFSTRESC; texts by UNDETERMINED = 40; of 3 values or more with a standard deviation above 0.5 the "
        "one farthest from the median is left out, none when two are equally far"
    )
    assert sentence(VERBS["mean"], Mean(of="GF.GFSTRESC")) == "Mean of GF.GFSTRESC"


def test_a_number_stays_its_shortest_text_where_another_reference_is_text(tmp_path, wells):
    path = tmp_path / "adam" / "adw.yaml"
    path.write_text(ADW + "  EITHER: {first_of: [CT, REPNUM], label: Either, type: Char}\n", encoding="utf-8")
    found, _ = wells(("1", "A", "B1", "1", "x"), ("1", "A", "B2", "1", None))
    assert sorted(found["EITHER"]) == ["2", "x"]
