"""Bands of a number, by eye; sentences that leave out what a line does not say."""

import numpy as np
import pandas as pd
import pytest

from engine.numbers import to_numbers
from engine.spec.registry import VERBS, sentence
from engine.verbs.bands import Bands
from engine.verbs.picks import Latest


class View:
    def __init__(self, values):
        self.column = pd.Series(values)
        self.n = len(values)
        self.reported = np.zeros(self.n, dtype=bool)

    def number(self, ref):
        return to_numbers(self.column)[0]

    def report(self, mask, message, **more):
        self.reported |= np.asarray(mask)


@pytest.mark.parametrize(
    ("age", "group"),
    [(18, "18-<60"), (59, "18-<60"), (59.9, "18-<60"), (60, ">=60"), (91, ">=60"), (17, ""), (np.nan, "")],
)
def test_from_names_the_lowest_number_of_a_band(age, group):
    view = View([float(age)])
    assert Bands(of="AGE", **{"from": {"18": "18-<60", "60": ">=60"}}).derive(view).fillna("")[0] == group
    assert view.reported[0] == (age == 17), "an age below every band is reported, a missing one is not"


QTC = {"450": "<=450", "480": ">450-480", "500": ">480-500"}


@pytest.mark.parametrize(
    ("qtc", "band"), [(390.1, "<=450"), (450, "<=450"), (450.1, ">450-480"), (500, ">480-500"), (500.1, ">500")]
)
def test_to_names_the_highest_number_of_a_band(qtc, band):
    assert Bands(of="AVAL", to=QTC, above=">500").derive(View([float(qtc)]))[0] == band


def test_a_number_above_every_band_is_reported():
    view = View([501.0, 500.0])
    assert Bands(of="AVAL", to=QTC).derive(view).fillna("").tolist() == ["", ">480-500"]
    assert view.reported.tolist() == [True, False]


@pytest.mark.parametrize(
    "given",
    [{}, {"from": {"18": "A"}, "to": {"18": "B"}}, {"from": {"60": "A", "18": "B"}}, {"from": {"old": "A"}},
     {"from": {"18": "A"}, "above": "B"}],
)  # fmt: skip
def test_bands_that_say_too_little_too_much_or_out_of_order_are_refused(given):
    with pytest.raises(ValueError, match="from"):
        Bands(of="AGE", **given)


def test_a_sentence_leaves_out_what_is_not_said():
    assert sentence(VERBS["latest"], Latest(of="EX.EXENDTC")) == "The latest of EX.EXENDTC"
    said = sentence(VERBS["latest"], Latest(of="EX.EXENDTC", where="EX.EXDOSE > 0"))
    assert said == "The latest of EX.EXENDTC where EX.EXDOSE > 0"
