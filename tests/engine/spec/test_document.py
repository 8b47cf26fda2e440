"""YAML read as text with places."""

import pytest

from engine.errors import SpecError
from engine.spec.document import read_document


def test_every_scalar_stays_the_text_that_was_written():
    data = read_document("a: Yes\nb: 0010\nc: 12:30\nd: 2025-01-02\ne: No\nf: 1e3\ng: null\n", "x.yaml").data
    assert data == {
        "a": "Yes",
        "b": "0010",
        "c": "12:30",
        "d": "2025-01-02",
        "e": "No",
        "f": "1e3",
        "g": "null",
    }


def test_every_key_and_value_has_its_place():
    document = read_document("a:\n  b: [x, y]\n", "x.yaml")
    assert str(document.place("a", "b", 1)) == "x.yaml:2:10"
    assert str(document.key_place("a", "b")) == "x.yaml:2:3"


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("a: 1\na: 2\n", "x.yaml:2:1", "twice"),
        ("a: &x 1\nb: 2\n", "x.yaml:1:4", "anchors"),
        ("a: [1\n", "x.yaml", "not YAML"),
        ("<<: {a: 1}\n", "x.yaml:1:1", "merge keys"),
    ],
)
def test_what_yaml_would_swallow_in_silence_is_an_error_at_its_place(text, place, what):
    with pytest.raises(SpecError) as error:
        read_document(text, "x.yaml")
    assert place in str(error.value) and what in str(error.value)


def test_all_repeated_keys_are_listed_at_once():
    with pytest.raises(SpecError) as error:
        read_document("a: 1\na: 2\nb: 1\nb: 2\n", "x.yaml")
    assert len(error.value.problems) == 2


def test_deep_nesting_is_refused():
    with pytest.raises(SpecError, match="nested deeper"):
        read_document("a: " + "[" * 60 + "]" * 60, "x.yaml")
