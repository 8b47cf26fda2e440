"""What records of a source must agree to, and layouts that ask it of columns where nothing would look."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from edc.agreed import SHOWN, doubled, known_codes, one_value
from engine.run.identity import RawTable
from engine.spec.sources import RawSpec


def table(**columns):
    frame = pd.DataFrame(columns, dtype="str")
    return RawTable("lab", frame, ("lab.csv",), np.zeros(len(frame), dtype=np.int64), np.arange(2, len(frame) + 2), "")


@pytest.mark.parametrize(("values", "line", "found"), [(["F", "f"], 3, '"f"'), (["F", None], 3, '""'), (["P", "x", "P"], 2, '"P", "x"')])
def test_a_code_in_another_spelling_or_none_is_told_with_its_line(values, line, found):
    (problem,) = known_codes(table(STATUS=values), {"STATUS": ("F", "C")})
    assert (problem.place.line, problem.found, problem.expected) == (line, found, "F, C") and problem.do
    assert not known_codes(table(STATUS=["F", "C", None]), {"STATUS": ("F", "C", "")})


def test_two_values_of_a_column_that_holds_one_are_told():
    (problem,) = one_value(table(VERSION=["27.1", "27.1", "28.0"]), ("VERSION",))
    assert problem.place.line == 4 and problem.found == "27.1, 28.0"
    assert not one_value(table(VERSION=["27.1", "27.1"]), ("VERSION",))


def test_of_many_records_with_one_identity_some_are_told_and_the_others_counted():
    problems = doubled(table(N=["1"] * (SHOWN + 4)), ["N"])
    assert len(problems) == SHOWN + 1 and all(p.do for p in problems)
    assert "3 more records" in problems[-1].what and problems[-1].place.line == SHOWN + 3
    assert not doubled(table(N=["1", "2", None, None]), ["N"]), "without a number there is no identity to share"


def test_codes_of_a_column_of_the_forms_are_refused_and_not_ignored():
    layout = {"carriers": {"csv": {"folder": "edc"}}, "common": {"S": {"codes": ["A"]}}, "roles": {"subject": "S"}}
    with pytest.raises(ValidationError, match="columns of vendors only: S"):
        RawSpec.model_validate(layout)
