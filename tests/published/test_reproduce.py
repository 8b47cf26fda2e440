"""Holding built datasets against published ones: what differs is counted by the cell, and explained exactly or told."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.reproduce import Difference, hold, hold_study, percent, same, table
from engine.errors import CommandError, SpecError

PUBLISHED = pd.DataFrame({"USUBJID": ["1", "2", "3", "4"], "SEX": ["F", "M", None, "F"], "AGE": [61.0, 62.0, np.nan, 64.0]})


def difference(**said):
    return Difference.model_validate({"dataset": "ADSL", "why": "the reason", **said})


def held(built, *known):
    return hold("ADSL", built, PUBLISHED, ["USUBJID"], list(known))


def test_equal_datasets_have_every_cell_equal():
    outcome = held(PUBLISHED.iloc[::-1])
    assert (outcome.cells, outcome.equal, outcome.problems) == (12, 12, [])


def test_a_value_that_nothing_explains_is_told_with_both_values():
    outcome = held(PUBLISHED.assign(AGE=[61.0, 63.0, np.nan, 64.0]))
    assert (outcome.equal, outcome.explained) == (11, 0)
    assert outcome.problems == ["ADSL AGE: 1 cells that nothing explains", "    2: published 62, built 63"]


def test_a_difference_is_explained_for_the_records_of_its_condition_alone():
    built = PUBLISHED.assign(AGE=[61.0, 63.0, 70.0, 64.0])
    explained = difference(variable="AGE", where="published.AGE is missing", count=1)
    outcome = held(built, explained)
    assert (outcome.equal, outcome.explained) == (10, 1)
    assert outcome.problems[0] == "ADSL AGE: 1 cells that nothing explains"
    assert held(built, explained, difference(variable="AGE", where="AGE == 63", count=1)).problems == []


@pytest.mark.parametrize("count", [0, 2])
def test_an_explanation_must_be_of_just_as_many_cells_as_differ(count):
    outcome = held(PUBLISHED.assign(AGE=[61.0, 63.0, np.nan, 64.0]), difference(variable="AGE", count=count))
    assert any(f"{count} differences are explained where all, and 1 are there" in p for p in outcome.problems)


def test_an_explanation_of_what_is_equal_is_told():
    outcome = held(PUBLISHED, difference(variable="SEX", count=3))
    assert any("3 differences are explained where all, and 0 are there" in p for p in outcome.problems)


def test_records_of_one_side_alone_are_counted_and_explained_by_their_own_values():
    built = pd.concat([PUBLISHED.iloc[1:], pd.DataFrame({"USUBJID": ["9"], "SEX": ["M"], "AGE": [50.0]})], ignore_index=True)
    outcome = held(built)
    assert (outcome.cells, outcome.equal, outcome.ours_alone) == (12, 9, 1)
    assert [p for p in outcome.problems if "only" in p] == [
        "ADSL 1 records only published that nothing explains", "ADSL 1 records only built that nothing explains"]
    known = [difference(records="published", where="published.SEX == 'F'", count=1), difference(records="built", count=1)]
    outcome = held(built, *known)
    assert (outcome.explained, outcome.problems) == (3, [])


def test_a_variable_that_is_not_built_leaves_its_cells_unequal():
    outcome = held(PUBLISHED.drop(columns="SEX"))
    assert outcome.equal == 8
    assert outcome.problems[0] == "ADSL SEX: 4 cells, the variable is not built that nothing explains"


def test_keys_that_do_not_identify_records_are_refused():
    with pytest.raises(SpecError):
        held(pd.concat([PUBLISHED, PUBLISHED]))


def test_a_condition_on_what_is_not_there_is_refused():
    with pytest.raises(SpecError):
        held(PUBLISHED, difference(variable="AGE", where="published.AEG > 3", count=1))


@pytest.mark.parametrize(("one", "other", "equal"), [
    ("a ", "a", True), ("a", "A", False), (None, "", True), (" a", "a", False), (0.1 + 0.2, 0.3, True), (0.3, 0.300001, False),
    (np.nan, 0.0, False)])
def test_texts_are_equal_but_for_trailing_blanks_and_numbers_to_12_digits(one, other, equal):
    kind = "str" if isinstance(other, str) else "float64"
    assert same(pd.Series([one], dtype=kind), pd.Series([other], dtype=kind)).tolist() == [equal]


def test_100_per_cent_is_said_of_all_cells_only():
    assert percent(99_999, 100_000) == "99.99"
    assert percent(12, 12) == "100"
    assert table([held(PUBLISHED)])[2].split("|")[1:6] == [" ADSL    ", "       4 ", "    12 ", "    12 ", " 100 "]


def test_a_dataset_that_was_not_built_is_named(tmp_path):
    (tmp_path / "published.yaml").write_text("input: {}\nagainst: {ADXX: {collection: none, keys: [USUBJID]}}\n")
    with pytest.raises(CommandError) as error:
        hold_study(tmp_path, tmp_path)
    assert "ADXX was not built" in str(error.value.problems[0])


def test_an_explanation_for_a_dataset_that_is_not_compared_is_refused(tmp_path):
    (tmp_path / "published.yaml").write_text("input: {}\nagainst: {}\n")
    (tmp_path / "differences.yaml").write_text("differences: [{dataset: ADYY, variable: X, count: 1, why: unknown}]\n")
    with pytest.raises(SpecError) as error:
        hold_study(tmp_path, tmp_path)
    assert "ADYY" in str(error.value.problems[0])
