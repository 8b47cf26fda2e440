"""The key reference names every key of a study's files and says what it is for."""

import re
from pathlib import Path

import pytest

from engine.spec.dataset import Header, Options
from engine.spec.forms import FormsSpec
from engine.spec.keys import key_reference
from engine.spec.sources import RawSpec
from engine.spec.study import StudyFile

ROOT = Path(__file__).resolve().parents[3]
ROWS = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", key_reference(), re.MULTILINE)


def test_every_key_has_a_sentence_what_it_holds_and_whether_it_is_needed():
    assert len(ROWS) > 90
    assert [key for key, holds, _, says in ROWS if not holds or len(says) < 8] == []
    rows = {key: rest for key, *rest in ROWS}
    assert rows["study"] == ["text", "needed", "STUDYID, up to 20 ASCII characters"]
    assert rows["repeats"][:2] == ["one of `keep`, `drop`", "`keep`"]
    assert rows["via"][0] == "NAME: variable"


@pytest.mark.parametrize("model", [StudyFile, RawSpec, FormsSpec, Header, Options])
def test_every_key_of_the_files_is_there(model):
    keys = {key for key, *_ in ROWS}
    assert {info.alias or name for name, info in model.model_fields.items()} <= keys


def test_keys_of_keys_have_sections_of_their_own():
    sections = re.findall(r"^### (\S+)", key_reference(), re.MULTILINE)
    assert {"standards", "identity.USUBJID", "carriers.NAME", "vendors.NAME.columns.NAME", "forms.NAME.items.NAME"} <= set(sections)
