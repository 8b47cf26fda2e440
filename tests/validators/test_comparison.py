"""Every planted difference is found with its pattern, and nothing else is; either way round, in any order of records."""

import numpy as np
import pandas as pd
import pytest

from engine.errors import CommandError
from formats.metadata import DatasetMeta, VariableMeta
from formats.missing import special_missing
from validators.comparison import Choice, compare_frames
from validators.comparison_values import Tolerance

A, B = special_missing("A"), special_missing("B")
N = 6


def frame(**columns):
    made = {"USUBJID": [f"T-{i // 2}" for i in range(N)], "AESEQ": [float(i % 2 + 1) for i in range(N)]}
    made |= {n: v if len(v) == N else v * N for n, v in columns.items()}
    return pd.DataFrame({n: pd.Series(v, dtype="str" if any(isinstance(x, str) for x in v) else "float64") for n, v in made.items()})


def compared(base, qc, meta_format="", **choice):
    meta = DatasetMeta("AE", "", tuple(VariableMeta(n, "", "Num" if base[n].dtype == float else "Char", 0, meta_format if n == "X" else "") for n in base), holds=frozenset({"type"}))
    return compare_frames(base, qc, ["USUBJID", "AESEQ"], name="AE", base_meta=meta, choice=Choice(**choice))


def told(base, qc, sas_format="", **choice):
    """How many differ in X, the patterns and the notes."""
    comparison = compared(frame(X=base), frame(X=qc), sas_format, **choice)
    found = comparison.changed
    if not found:
        return 0, [], []
    assert [c.name for c in found] == ["X"] and comparison.same == (not found[0].records)
    return found[0].records, *([(p.says, p.records) for p in each] for each in (found[0].patterns, found[0].notes))


DAYS = ["2025-03-10", "2025-02-28", "2024-02-28", "2024-12-31", "", "2025-01-01"]
NEXT = ["2025-03-11", "2025-03-01", "2024-02-29", "2025-01-01", "", "2025-01-02"]
EXACT = [1.23456, 2.5, 7.00015, 100.33333, -4.44449, 0.1]
FOURTH = [1.2346, 2.5, 7.0002, 100.3333, -4.4445, 0.1]


@pytest.mark.parametrize(("base", "qc", "count", "pattern"), [
    (DAYS, NEXT, 5, "QC is 1 day later"),
    (NEXT, DAYS, 5, "QC is 1 day earlier"),
    (["2025-03-10T08:30"], ["2025-03-10T10:30"], 6, "QC is 2 hours later"),
    (["2025-03-10T08:30"], ["2025-03-17T08:30"], 6, "QC is 7 days later"),
    (["2025-03"], ["2025-03-01"], 6, "BASE is known to the month, QC to the day"),
    (["2025-03-01T08:30"], ["2025-03-01"], 6, "QC is known to the day, BASE to the minute"),
    (["2025"], ["2025-03"], 6, "BASE is known to the year, QC to the month"),
    (["Headache", "Mild rash"] * 3, ["HEADACHE", "MILD RASH"] * 3, 6, "QC is BASE in upper case"),
    (["HEADACHE"], ["headache"], 6, "QC is BASE in lower case"),
    (["Left Arm"], ["left Arm"], 6, "only upper and lower case differ"),
    (["Arm"], ["  Arm"], 6, "QC has blanks before the text"),
    (["LEFT ARM"], ["LEFT  ARM"], 6, "only blanks differ"),
    (["MILD"], ["MODERATE"], 6, '"MILD" in BASE is "MODERATE" in QC'),
    (["Y"], [""], 6, "present in BASE, missing in QC"),
    ([""], ["Y"], 6, "missing in BASE, present in QC"),
    (["a text of some length"], ["a text of"], 6, "QC is BASE cut after 9 characters"),
    (["5.0"], ["5"], 6, "the same number written otherwise"),
    (["1200", "1300", "1400"] * 2, ["1210", "1310", "1410"] * 2, 6, "QC is BASE + 10"),
    (EXACT, FOURTH, 4, "QC is BASE rounded to 4 decimals"),
    (FOURTH, EXACT, 4, "BASE is QC rounded to 4 decimals"),
    ([1.29, 2.39, 3.49, 4.59, 5.69, 6.79], [1.2, 2.3, 3.4, 4.5, 5.6, 6.7], 6, "QC is BASE cut to 1 decimal"),
    ([0.1 + 0.2], [0.3], 6, "only the last bits of the number differ"),
    ([1.0, 2, 3, 4, 5, 6], [-1.0, -2, -3, -4, -5, -6], 6, "the sign is the other"),
    ([1.0, 2, 3, 4, 5, 7], [2.5, 3.5, 4.5, 5.5, 6.5, 8.5], 6, "QC is BASE + 1.5"),
    ([1.0, 2, 3, 4, 5, 7], [1000.0, 2000, 3000, 4000, 5000, 7000], 6, "QC is BASE * 1000"),
    ([10.0, 20, 30, 40, 50, 70], [1.0, 2, 3, 4, 5, 7], 6, "QC is BASE / 10"),
    ([1.0], [np.nan], 6, "present in BASE, missing in QC"),
    ([np.nan], [A], 6, "another kind of missing value, . -> .A"),
    ([B], [A], 6, "another kind of missing value, .B -> .A"),
    ([0.0, 3, 0, 3, 0, 9], [5.0, 1, 17, 2, 0, 9], 4, "no common pattern"),
])  # fmt: skip
def test_a_planted_difference_is_found_with_its_pattern(base, qc, count, pattern):
    assert told(base, qc) == (count, [(pattern, count)], [])


@pytest.mark.parametrize(("base", "qc", "note"), [
    (["Arm"], ["Arm  "], "equal but for trailing blanks"),
    ([""], ["   "], "blank on one side, nothing on the other: both missing"),
    ([0.0], [-0.0], "-0 on one side, 0 on the other: equal"),
])  # fmt: skip
def test_what_differs_in_writing_alone_is_stated_and_no_difference(base, qc, note):
    assert told(base, qc) == (0, [], [(note, 6)])


def test_equal_values_are_no_difference_special_missing_values_included():
    assert told([1.0, np.nan, A, B, -3, 0], [1.0, np.nan, A, B, -3, 0]) == (0, [], [])
    assert told(["a", "", "b", "c", "d", ""], ["a", "", "b", "c", "d", ""]) == (0, [], [])


def test_several_patterns_of_one_variable_are_counted_apart():
    base = ["2025-03-10", "2025-03-11", "2025-03-12", "2025-03", "2025-04-01", "x"]
    qc = ["2025-03-11", "2025-03-12", "2025-03-13", "2025-03-01", "2024-04-09", "y"]
    assert told(base, qc)[1] == [
        ("QC is 1 day later", 3), ("BASE is known to the month, QC to the day", 1), ("QC is 357 days earlier", 1), ("no pattern", 1)]


def test_a_numeric_date_is_moved_by_days_and_shown_in_iso_8601():
    comparison = compared(frame(X=[23810.0]), frame(X=[23812.0]), "DATE9.")
    [changed] = comparison.changed
    assert [(p.says, p.records) for p in changed.patterns] == [("QC is 2 days later", 6)]
    assert (changed.base_values[0], changed.qc_values[0], changed.largest) == ("2025-03-10", "2025-03-12", "2 days")


@pytest.mark.parametrize(("tolerance", "left"), [
    ({}, 3), ({"X": Tolerance(0.01)}, 1), ({"": Tolerance(0.01)}, 1), ({"Y": Tolerance(9)}, 3), ({"X": Tolerance(0, 0.5)}, 0),
    ({"X": Tolerance(), "": Tolerance(9)}, 3),
])  # fmt: skip
def test_numbers_within_the_tolerance_of_their_variable_are_stated(tolerance, left):
    base, qc = [1.0, 1, 1, 1, 1, 1], [1.0, 1, 1, 1.005, 0.99, 1.5]
    count, _, notes = told(base, qc, tolerances=tolerance)
    assert count == left
    assert sum(n for _, n in notes) == 3 - left


def test_text_against_numbers_is_compared_as_numbers_or_as_dates():
    found = compared(frame(X=["1", "2.50", "3", ".A", "", "6"]), frame(X=[1.0, 2.5, 3, A, np.nan, 7]))
    assert [(a.kind, a.variable, a.base, a.qc) for a in found.attributes] == [("type", "X", "Char", "Num")]
    assert found.changed[0].records == 1
    assert found.changed[0].notes[0].says == "text in BASE, numbers in QC: compared as numbers"
    dated = compare_frames(frame(X=["2025-03-10"]), frame(X=[23810.0] * 5 + [np.nan]), ["USUBJID", "AESEQ"],
                           qc_meta=DatasetMeta("AE", "", tuple(VariableMeta(n, "", "Num", 8, "DATE9.") for n in ("X",))))
    assert (dated.changed[0].records, dated.changed[0].patterns[0].says) == (1, "present in BASE, missing in QC")


def test_a_date_time_of_a_csv_file_is_the_same_however_it_is_written():
    moment = 2057900400.0  # 2025-03-18T07:00, in seconds from 1960
    texts = ["2025-03-18 07:00:00", "2025-03-18T07:00", "2025-03-18 07:00:00.000", "", "2025-03-18 07:01:00", "2025-03-18"]
    found = compare_frames(frame(X=[moment] * 3 + [np.nan] + [moment] * 2), frame(X=texts), ["USUBJID", "AESEQ"],
                           base_meta=DatasetMeta("AE", "", (VariableMeta("X", "", "Num", 8, "DATETIME20."),)))
    assert found.changed[0].base_values == ["2025-03-18T07:00"] * 2
    assert found.changed[0].qc_values == ["2025-03-18T07:01", "2025-03-18"]
    assert not [n for n in found.changed[0].notes if "missing" in n.says]


def test_records_pair_by_a_date_that_is_a_number_in_one_file_and_text_in_the_other():
    base = pd.DataFrame({"K": ["a"] * 3, "ADT": [23810.0, 23811.0, np.nan], "X": ["1", "2", "3"]})
    qc = pd.DataFrame({"K": ["a"] * 3, "ADT": ["", "2025-03-11", "2025-03-10"], "X": ["3", "9", "9"]})
    meta = DatasetMeta("AD", "", (VariableMeta("ADT", "", "Num", 8, "DATE9."),))
    found = compare_frames(base, qc, ["K", "ADT"], base_meta=meta)
    assert (found.paired, len(found.only_base.keys)) == (3, 0)
    assert [(c.name, c.records) for c in found.changed] == [("X", 2)]
    assert not any("left aside" in str(n) for n in found.notes)


def test_records_variables_and_keys_without_counterpart_are_listed():
    base, qc = frame(X=list("abcdef"), OLD=[1.0]), frame(X=list("abcdef"), NEW=["n"]).iloc[[5, 0, 1, 2, 2]]
    base = base.drop(index=5)
    found = compare_frames(base, qc, ["USUBJID", "AESEQ"])
    assert (found.only_base.keys, found.only_qc.keys) == ([("T-1", "2"), ("T-2", "1")], [("T-1", "1"), ("T-2", "2")])
    assert (found.only_in_base, found.only_in_qc, found.paired) == (["OLD"], ["NEW"], 3)
    assert [(d.keys, d.base, d.qc) for d in found.doubled] == [(("T-1", "1"), 1, 2)]
    assert not found.same and not found.differing


def test_of_records_with_the_same_keys_the_most_alike_pair_so_that_one_more_is_one_difference():
    base = pd.DataFrame({"K": ["a"] * 4, "X": ["1", "2", "3", "4"], "Y": ["p", "q", "r", "s"]})
    qc = pd.DataFrame({"K": ["a"] * 5, "X": ["4", "9", "2", "1", "3"], "Y": ["s", "r", "q", "p", "zz"]})
    found = compare_frames(base, qc, ["K"])
    assert found.paired == 4 and len(found.only_qc.rows) == 1 and not len(found.only_base.rows)
    [changed] = found.differing  # 3 r against 3 zz, or 9 r: one variable, one record
    assert changed.records == 1


def test_records_that_differ_in_a_key_alone_pair_when_it_is_left_aside():
    base = frame(AETERM=["rash", "Cough"] * 3, X=list("abcdef"), Y=list("ghijkl"))
    qc = base.assign(AETERM=base["AETERM"].str.upper())
    qc.loc[5, "AESEQ"] = 9.0
    found = compare_frames(base, qc, ["USUBJID", "AETERM", "AESEQ"])
    assert (found.paired, len(found.only_base.rows), len(found.only_qc.rows)) == (6, 0, 0)
    assert found.notes[-2:] == ["5 records pair when AETERM is left aside: it differs",
                                "1 record pairs when AETERM and AESEQ are left aside: they differ"]
    assert [(c.name, c.records, c.patterns[0].says) for c in found.differing] == [
        ("AESEQ", 1, "no common pattern"), ("AETERM", 6, "QC is BASE in upper case")]


def test_records_that_agree_in_little_else_stay_alone():
    base = frame(AETERM=["rash"], X=list("abcdef"), Y=list("ghijkl"))
    qc = base.assign(AETERM="itch", X=list("tuvwxy"))
    found = compare_frames(base, qc, ["USUBJID", "AETERM", "AESEQ"])
    assert (found.paired, len(found.only_base.rows), len(found.only_qc.rows)) == (0, 6, 6)


def test_attributes_that_differ_are_listed_and_those_ignored_decide_nothing():
    def meta(**over):
        variables = (VariableMeta("USUBJID", "Subject", "Char", 10), VariableMeta("X", **{"label": "Ex", "type": "Char", "length": 5, "format": ""} | over))
        return DatasetMeta("AE", "Events", variables)

    rows = frame(X=["a"])[["USUBJID", "X"]].iloc[::2]
    other = compare_frames(rows, rows[["X", "USUBJID"]], ["USUBJID"], base_meta=meta(), qc_meta=meta(label="Why", length=7, format="$7."))
    assert [(a.kind, a.variable, a.base, a.qc) for a in other.attributes] == [
        ("order", "", "USUBJID, X", "X, USUBJID"), ("label", "X", "Ex", "Why"), ("length", "X", "5", "7"), ("format", "X", "", "$7.")]
    assert not other.same
    again = compare_frames(rows, rows, ["USUBJID"], base_meta=meta(), qc_meta=meta(length=7), choice=Choice(ignore=["length"]))
    assert again.same and len(again.attributes) == 1


def test_keys_are_proposed_by_what_identifies_records_and_by_what_agrees():
    base = frame(AETERM=["Rash", "Cough"] * 3, AESTDTC=DAYS, AESTDY=[1.0, 2, 3, 4, 5, 6])
    moved = base.assign(AESTDTC=NEXT)
    assert compare_frames(base, moved).keys in (["USUBJID", "AETERM"], ["USUBJID", "AESEQ"])
    renumbered = base.assign(AESEQ=base["AESEQ"] + 1)
    assert compare_frames(base, renumbered).keys == ["USUBJID", "AETERM"]
    assert compare_frames(base, renumbered).keys_are == "proposed"


def test_what_cannot_be_compared_is_an_error_that_says_why():
    with pytest.raises(CommandError, match="no variable in common"):
        compare_frames(pd.DataFrame({"A": ["x"]}), pd.DataFrame({"B": ["x"]}))
    with pytest.raises(CommandError, match="QC has no variable AEDECOD"):
        compare_frames(frame(AEDECOD=["x"]), frame(AETERM=["x"]), ["USUBJID", "AEDECOD"])


def test_without_keys_the_first_record_answers_the_first():
    found = compare_frames(frame(X=["a"]), frame(X=["b"]).iloc[:4], [])
    assert (found.paired, len(found.only_base.rows), found.differing[0].records) == (4, 2, 4)


def test_empty_datasets_compare():
    empty = frame(X=["a"]).iloc[:0]
    assert compare_frames(empty, empty).same
    assert len(compare_frames(empty, frame(X=["a"])).only_qc.rows) == 6


def planted(seed):
    """A dataset and another with something of everything."""
    rng = np.random.default_rng(seed)
    n = 60
    base = pd.DataFrame({
        "USUBJID": rng.choice(["T-1", "T-2", "T-3"], n), "PARAMCD": rng.choice(["ALT", "AST", None], n),
        "AVAL": np.where(rng.random(n) < 0.2, A, np.round(rng.normal(5, 2, n), 2)),
        "ADTC": rng.choice(["2025-03-10", "2025-03", "2025", "", None, "2025-03-10T10:00"], n),
        "AVALC": rng.choice(["High", "HIGH", " High", "High ", "Low", "5.0", "5"], n)})
    qc = base.copy()
    for name in ("AVAL", "ADTC", "AVALC", "PARAMCD"):
        rows = rng.choice(n, 12, replace=False)
        qc.loc[rows, name] = rng.permutation(base[name].to_numpy())[:12]
    qc = pd.concat([qc.iloc[5:], qc.iloc[:3]])
    return (f.reset_index(drop=True).astype(dict.fromkeys(("USUBJID", "PARAMCD", "ADTC", "AVALC"), "str")) for f in (base, qc))


def content(c):
    return (c.keys, c.paired, c.only_base.keys, c.only_qc.keys, c.doubled, c.only_in_base, c.only_in_qc,
            [(v.name, v.records, list(zip(c.record_keys.get(v.name, [()] * v.records), v.base_values, v.qc_values, strict=True)), v.patterns, v.notes, v.largest) for v in c.changed])


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_records_changes_nothing(seed):
    base, qc = planted(seed)
    rng = np.random.default_rng(seed)
    shuffled = [f.iloc[rng.permutation(len(f))].reset_index(drop=True) for f in (base, qc)]
    for keys in (["USUBJID", "PARAMCD"], None):
        assert content(compare_frames(base, qc, keys)) == content(compare_frames(*shuffled, keys))
    assert compare_frames(base, shuffled[0], ["USUBJID"]).same


@pytest.mark.parametrize("seed", range(8))
def test_the_other_way_round_the_same_differences_are_told_from_the_other_side(seed):
    base, qc = planted(seed)
    one, other = compare_frames(base, qc, ["USUBJID", "PARAMCD"]), compare_frames(qc, base, ["USUBJID", "PARAMCD"])
    assert (one.paired, one.only_base.keys, one.only_qc.keys) == (other.paired, other.only_qc.keys, other.only_base.keys)
    assert {d.keys: (d.base, d.qc) for d in one.doubled} == {d.keys: (d.qc, d.base) for d in other.doubled}
    for mine, theirs in zip(one.changed, other.changed, strict=True):
        assert (mine.name, mine.records, mine.largest, mine.notes) == (theirs.name, theirs.records, theirs.largest, theirs.notes)
        assert sorted(zip(mine.base_values, mine.qc_values, strict=True)) == sorted(zip(theirs.qc_values, theirs.base_values, strict=True))


def test_a_value_changed_at_random_is_found_there_and_nowhere_else():
    base, _ = planted(1)
    base["USUBJID"] = [f"T-{i}" for i in range(len(base))]
    for row in range(0, len(base), 7):
        qc = base.copy()
        qc.loc[row, "AVALC"] = "other"
        found = compare_frames(base, qc.iloc[::-1], ["USUBJID"])
        assert [(c.name, c.base_rows.tolist(), c.qc_values) for c in found.differing] == [("AVALC", [row], ["other"])]


UNTYPED = [VariableMeta("ID", type=""), VariableMeta("X", type="")]


def of_csv(*values):
    return pd.DataFrame({"ID": [f"{i}" for i in range(len(values))], "X": [*values]}, dtype="str")


@pytest.mark.parametrize(("tolerance", "left"), [({}, 3), ({"X": Tolerance(0.01)}, 1), ({"": Tolerance(0.01)}, 1)])
def test_a_tolerance_holds_for_the_numbers_of_files_without_types(tolerance, left):
    metas = [DatasetMeta("D", variables=tuple(UNTYPED), holds=frozenset()) for _ in range(2)]
    found = compare_frames(of_csv("1", "2.0", "3", "4"), of_csv("1", "2", "3.001", "5"), ["ID"], base_meta=metas[0],
                           qc_meta=metas[1], choice=Choice(tolerances=tolerance))
    assert sum(c.records for c in found.differing) == left
    said = {p.says for c in found.changed for p in c.notes}
    assert said == ({"apart by at most 0.001, within the tolerance 0.01", "the same number written otherwise: equal"}
                    if tolerance else set())


def test_a_tolerance_for_all_variables_does_not_make_identifiers_of_typed_files_alike():
    found = compare_frames(of_csv("001"), of_csv("1"), ["ID"], choice=Choice(tolerances={"": Tolerance(0.01)}))
    assert [c.name for c in found.differing] == ["X"]


def test_a_variable_left_out_decides_nothing_wherever_it_is():
    base = pd.DataFrame({"ID": ["1"], "X": ["a"], "OLD": ["b"]}, dtype="str")
    qc = pd.DataFrame({"ID": ["1"], "X": [1.0], "NEW": ["c"]})
    found = compare_frames(base, qc, ["ID"], choice=Choice(without=("X", "OLD", "NEW")))
    assert found.same
    assert "left out as asked: X, OLD, NEW" in found.notes


def test_names_that_differ_in_case_alone_are_said_to():
    base = pd.DataFrame({"ID": ["1"], "X": ["a"]}, dtype="str")
    found = compare_frames(base, base.rename(columns={"X": "x"}), ["ID"])
    assert (found.only_in_base, found.only_in_qc) == (["X"], ["x"])
    assert "names that differ in case alone are other variables: X and x" in found.notes
