"""Text over 200 bytes goes on in supplemental qualifiers, whole words each (SDTMIG 3.4 section 4.5.3)."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.run.overflow import MAX_BYTES, qualifier_name, split_text, text_parts

WORD = "abcdefghi "  # ten bytes with its blank


@pytest.mark.parametrize(("text", "lengths", "why"), [
    ("short", [5], "fits"),
    ("x" * 200, [200], "200 bytes fit"),
    (WORD * 20 + "end", [199, 3], "cut at the last blank that leaves 200 bytes or fewer"),
    ("x" * 200 + " end", [200, 3], "a word may end exactly there"),
    ("x" * 201, [200, 1], "a word of more than 200 bytes is cut within"),
    ("see " + "x" * 250, [3, 200, 50], "a long word after a short one"),
    (WORD * 50, [199, 199, 99], "as many parts as needed"),
])
def test_parts(text, lengths, why):
    assert [len(part) for part in text_parts(text)] == lengths, why


@given(st.text(st.sampled_from("ab c"), max_size=900))
def test_nothing_is_lost_and_no_part_is_too_long(text):
    parts = text_parts(text)
    assert all(len(part.encode()) <= MAX_BYTES for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_columns_hold_the_parts_of_each_record():
    first, second = split_text(pd.Series([WORD * 20 + "end", None, "short"], dtype="str"))
    assert first.fillna("-").tolist() == [(WORD * 20).strip(), "-", "short"]
    assert second.fillna("-").tolist() == ["end", "-", "-"]


def test_what_ten_parts_cannot_hold_stays_together_to_be_refused():
    columns = split_text(pd.Series(["x" * 2001], dtype="str"))
    assert len(columns) == 10 and columns[9].str.len().iloc[0] > MAX_BYTES


@pytest.mark.parametrize(("variable", "name"), [("AETERM", "AETERM1"), ("AEACNOTH", "AEACNOT1"), ("AETRTOX", "AETRTOX1")])
def test_the_digit_takes_the_eighth_place(variable, name):
    assert qualifier_name(variable, 1) == name
