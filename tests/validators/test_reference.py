"""The written reference of rules is that of the kinds of check and value."""

from pathlib import Path

from engine.spec.document import read_document
from validators.kinds import CHECKS
from validators.lets import VALUES
from validators.reference import EXAMPLE, rule_reference

ROOT = Path(__file__).resolve().parents[2]


def test_the_written_reference_is_current():
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rule_reference(), "run: make reference"


def test_every_kind_is_described():
    text = rule_reference()
    assert all(f"### {name}\n\n" in text for name in [*CHECKS, *VALUES])
    assert set(read_document(EXAMPLE, "example").data) == {"rules", "explained"}
