"""One key of a YAML text is set, taken out or renamed, and every other character stays."""

import pytest

from engine.errors import SpecError
from engine.spec.document import read_document
from engine.spec.edit import Edit

TEXT = """# a study
dataset: AE   # events
keys: [STUDYID, USUBJID]
variables:
  AETERM:  {copy: ae.AETERM, label: "Old, one"}   # verbatim
  AEREL:
    map: ae.AEREL
    to:
      A: RELATED     # by the investigator
    # nothing else is known

  AEOUT: {terms: ae.AEOUT,
          codelist: OUT}
  AENOTE:
    copy: ae.NOTE
    comment: >-
      two
      lines
  # the end
codelists: {}
"""


def edited(path, key, value, text=TEXT, **more):
    edit = Edit(text, "x.yaml")
    edit.set(path, key, value, **more)
    return edit.result()


@pytest.mark.parametrize(("path", "key", "value", "before", "after", "why"), [
    (("variables", "AETERM"), "label", "New", '"Old, one"', '"New"', "quoted stays quoted, the comment stays"),
    (("variables", "AETERM"), "comment", "a: b", '"Old, one"}', '"Old, one", comment: "a: b"}', "last in braces"),
    (("variables", "AEREL"), "comment", "Yes", "investigator\n", 'investigator\n    comment: "Yes"\n', "behind the comment of its last line"),
    (("variables", "AEOUT"), "origin", "Protocol", "codelist: OUT}", "codelist: OUT, origin: Protocol}", "in the last line of braces"),
    (("variables", "AENOTE"), "comment", "one", ">-\n      two\n      lines", "one", "a folded text becomes a line"),
    (("variables", "AENOTE"), "origin", "Assigned", "      lines\n", "      lines\n    origin: Assigned\n", "behind a folded text"),
    (("variables", "AETERM"), "label", None, ', label: "Old, one"', "", "taken out of braces"),
    (("variables", "AENOTE"), "comment", None, "    comment: >-\n      two\n      lines\n", "", "taken out with its lines"),
    (("variables", "AETERM"), "label", 'say "hi" \\ now', '"Old, one"', '"say \\"hi\\" \\\\ now"', "quotes and backslashes"),
    ((), "label", "Events", "# events\n", "# events\nlabel: Events\n", "behind dataset:"),
])
def test_only_the_key_is_written(path, key, value, before, after, why):
    assert TEXT.count(before) == 1
    assert edited(path, key, value, after="dataset") == TEXT.replace(before, after), why


def test_windows_lines_stay_and_new_lines_are_like_them():
    text = TEXT.replace("\n", "\r\n")
    done = edited(("variables", "AEREL"), "comment", "x", text)
    assert done == text.replace("investigator\r\n", "investigator\r\n    comment: x\r\n")


def test_a_text_without_a_last_line_end():
    assert edited((), "label", "Events", "dataset: AE\nkeys: [A]") == "dataset: AE\nkeys: [A]\nlabel: Events"


def test_terms_are_added_and_renamed_where_there_were_none():
    edit = Edit(TEXT, "x.yaml")
    edit.add_mapping((), "codelists")
    edit.add_mapping(("codelists",), "NY")
    edit.set(("codelists", "NY"), "MAYBE", "It May Be")
    edit.rename(("codelists", "NY"), "MAYBE", "PERHAPS")
    assert edit.result() == TEXT.replace("codelists: {}", "codelists: {NY: {PERHAPS: It May Be}}")


@pytest.mark.parametrize(("text", "key", "why"), [
    ("a: {x: 1,  # why\n    k: 2}\n", "k", "a comment stands between"),
    ("a:\n  k: 2  # why\n  x: 1\n", "k", "a comment stands behind"),
    ("a: {k: 2}\n", "k", "it is the only key"),
])
def test_a_key_that_cannot_go_alone_stays(text, key, why):
    with pytest.raises(SpecError, match="cannot be taken out"):
        edited(("a",), key, None, text)


@pytest.mark.parametrize(("path", "key"), [(("variables", "AEREL"), "to"), (("keys",), "a"), (("variables", "AEX"), "label")])
def test_what_is_no_text_is_not_written_over(path, key):
    with pytest.raises(SpecError, match=r"cannot be changed in place|no keys stand at"):
        edited(path, key, "x")


@pytest.mark.parametrize("value", ["no", "1.0", "- x", "a #b", "'q'", "{x}", "a: b", " ", "x,y", "~", "", "Größe", "2025-01-02"])
def test_every_text_is_read_as_it_was_written(value):
    done = edited(("variables", "AEOUT"), "comment", value)
    assert read_document(done, "x").data["variables"]["AEOUT"]["comment"] == value
