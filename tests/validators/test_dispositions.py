"""Decisions about causes: what the file may say, how they are put on causes, and edits of it in place."""

import pytest

from engine.errors import SpecError
from engine.spec.document import read_document
from validators.causes import Cause
from validators.dispositions import Disposition, decide, read_dispositions, with_entries

FILE = """\
# ours
dispositions:
  C000000001: {rule: codelist, on: LB.LBTESTCD, disposition: to fix, comment: map it, records: 12}  # by Ann
  C000000002: {disposition: query}

# the end
"""


def read(text):
    return read_dispositions(read_document(text, "dispositions.yaml"))


def cause(**changes):
    made = Cause("schemas", "codelist", "error", "LB", "LBTESTCD", "a value that the list does not hold", "s", "X")
    made.count = made.records = 3
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def decided(one, said):
    notes = decide([one], read(f"dispositions:\n  {one.id}: {{{said}}}\n"))
    return one, notes


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("C000000001: {disposition: fixed, comment: x}", "disposition"),
        ("C000000001: {disposition: explained}", "explained without a comment"),
        ("C000000001: {disposition: query, who: me}", "who"),
        ("C000000001: {comment: x}", "disposition"),
        ("42: {disposition: query}", '"42" is no id of a cause'),
        ("C000000001: query", "C000000001"),
    ],
)
def test_a_wrong_entry_is_told_with_its_line(line, says):
    with pytest.raises(SpecError) as error:
        read(f"dispositions:\n  C0000000FF: {{disposition: query}}\n  {line}\n")
    assert says in str(error.value) and "dispositions.yaml:3" in str(error.value)


@pytest.mark.parametrize(("word", "clean"), [("explained", True), ("to fix", False), ("query", False)])
def test_only_explained_settles_a_cause(word, clean):
    one, notes = decided(cause(), f"disposition: {word}, comment: because")
    assert (one.decided, one.clean, one.comment, notes) == (word, clean, "because", [])
    assert one.decided_at == "dispositions.yaml:2:3"


def test_a_decision_about_the_cause_counts_before_an_explanation_by_rule():
    one, _ = decided(cause(decided="explained", comment="by rule"), "disposition: to fix, comment: no, it is wrong".replace(", it", " it"))
    assert (one.decided, one.clean) == ("to fix", False)


@pytest.mark.parametrize(("records", "clean"), [(3, True), (4, True), (2, False)])
def test_more_records_than_were_explained_open_the_cause_again(records, clean):
    one, _ = decided(cause(), f"disposition: explained, comment: because, records: {records}")
    assert one.clean == clean and (one.note == "") == clean
    assert clean or one.note == "explained for 2, now 3: decide again"


def test_an_entry_of_another_rule_or_of_nothing_found_is_noted_and_decides_nothing():
    one, notes = decided(cause(), "rule: keys, disposition: explained, comment: x")
    assert one.decided == "open" and "is codelist on LB.LBTESTCD, not keys on" in notes[0]
    notes = decide([], read(FILE))
    assert len(notes) == 2 and notes[0] == "dispositions.yaml:3:3  C000000001: nothing that was found has this id"


def test_edits_leave_every_other_line_as_it_is():
    new = Disposition(disposition="explained", comment='it is "so": #1', rule="keys", on="AE", records=4)
    made = with_entries(FILE, "f", {"C000000001": Disposition(disposition="query", comment="ask", records=3), "C000000003": new})
    lines = made.splitlines()
    assert lines[2] == "  C000000001: {rule: codelist, on: LB.LBTESTCD, disposition: query, comment: ask, records: \"3\"}  # by Ann"
    assert [line for line in lines if "0003" not in line and "0001" not in line] == [
        line for line in FILE.splitlines() if "0001" not in line
    ]
    assert read(made)["C000000003"][0] == new


def test_entries_are_taken_out_and_the_first_one_makes_the_file():
    made = with_entries(FILE, "f", {"C000000002": None})
    assert list(read(made)) == ["C000000001"] and "# ours" in made and "# by Ann" in made
    with pytest.raises(SpecError, match="take it out by hand"):  # a comment of someone stands behind it
        with_entries(FILE, "f", {"C000000001": None})
    emptied = with_entries(FILE, "f", {"C000000001": None, "C000000002": None})
    assert read(emptied) == {}
    first = with_entries("", "f", {"C000000009": Disposition(disposition="query")})
    assert list(read(first)) == ["C000000009"] and first.startswith("# What was decided")
    assert list(read(with_entries(emptied, "f", {"C000000009": Disposition(disposition="query")}))) == ["C000000009"]
    assert list(read(with_entries("dispositions: {}\n", "f", {"C000000009": Disposition(disposition="query")}))) == ["C000000009"]
