"""Numbers as text: parsing, printing, rounding and ranking."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.numbers import number_text, rank, round_digits, round_half_up, to_numbers


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        (1.005, 2, 1.01),
        (2.5, 0, 3.0),
        (-2.5, 0, -3.0),
        (0.125, 2, 0.13),
        (1e20, 2, 1e20),
        (-0.001, 2, 0.0),
    ],
)
def test_rounds_half_away_from_zero_on_the_shortest_decimal_text(value, places, rounded):
    assert round_half_up(pd.Series([value]), places)[0] == rounded


@pytest.mark.parametrize(
    ("value", "digits", "rounded"),
    [(6433.984321, 6, 6433.98), (0.12664049, 6, 0.12664), (9.9999995, 6, 10.0), (1.005, 3, 1.01), (-24.2333333, 6, -24.2333),
     (1234567.0, 6, 1234570.0), (0.0, 6, 0.0), (2.5e-300, 1, 3e-300)],
)  # fmt: skip
def test_rounds_half_away_from_zero_to_significant_digits(value, digits, rounded):
    assert round_digits(pd.Series([value, np.nan]), digits)[0] == rounded


def test_rounded_zero_has_no_sign():
    assert not np.signbit(round_half_up(pd.Series([-0.001]), 2)[0])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_printed_number_reads_back_the_same(value):
    assert float(number_text(value)) == value


@pytest.mark.parametrize("text", ["NaN", "inf", "1,5", "0x1A", "1_000", "", "--1", "1.2.3", "１"])
def test_only_plain_decimal_numbers_are_numbers(text):
    values, bad = to_numbers(pd.Series([text, "5"], dtype="str"))
    assert np.isnan(values[0]) and bad.tolist() == [True, False]


def test_rank_orders_numbers_by_number_and_missing_first():
    assert rank(pd.Series(["10", "9", None], dtype="str")).tolist() == [1, 0, -1]
    assert rank(pd.Series(["10", "9", "b"], dtype="str")).tolist() == [0, 1, 2]
