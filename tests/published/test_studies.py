"""From the published tabulations each study builds what was published, but for the differences that it explains."""

import re

import pytest

from benchmarks.published import collection, read_published, read_study
from benchmarks.reproduce import read_differences, table
from formats.xpt_read import read_xpt
from trialmill.delivered import describe


@pytest.fixture(scope="module", params=["cdiscpilot", "pharmaverse"])
def done(request, reproduced):
    """The study, built and compared."""
    return reproduced(request.param)


def test_the_command_prints_the_table_and_ends_with_0(done):
    assert done.said.returncode == 0, done.said.stdout
    assert done.said.stdout.splitlines()[1:] == table(list(done.outcomes.values()))


def test_every_difference_is_explained_exactly(done):
    assert [p for o in done.outcomes.values() for p in o.problems] == []


def test_no_dataset_is_left_out_of_the_comparison(done):
    built = {p.stem.upper() for p in (done.study / "adam").glob("*.yaml") if "working: true" not in p.read_text()}
    assert set(done.outcomes) == set(read_study(done.study).against) == built


def test_every_explanation_gives_a_reason_that_can_be_read(done):
    assert all(len(d.why) > 20 for d in read_differences(done.study))


def test_the_page_shows_the_table_that_the_command_prints(done):
    lines = [[c.strip() for c in line.split("|")] for line in done.page.read_text(encoding="utf-8").splitlines()]
    assert [c[1] for c in lines if len(c) > 8 and re.match(r"AD\w+$", c[1])] == list(done.outcomes)
    for line in table(list(done.outcomes.values()))[2:]:
        assert [c.strip() for c in line.split("|")] in lines


def test_labels_types_and_order_are_those_that_were_published(done):
    for name, against in read_study(done.study).against.items():
        left_out = {d.variable for d in read_differences(done.study) if d.dataset == name and d.where is None}
        _, ours = read_xpt(done.folder / "out" / "adam" / f"{name.lower()}.xpt")
        _, theirs = read_published(collection(against.collection), against.called or name.lower())
        assert not theirs.label or ours.label == theirs.label
        names = [v.name for v in ours.variables]
        assert names == [v.name for v in theirs.variables if v.name in names or v.name not in left_out]
        wanted = {v.name: (v.label, v.type) for v in theirs.variables if v.label and v.name in names}
        assert {v.name: (v.label, v.type) for v in ours.variables if v.name in wanted} == wanted


def test_the_description_is_that_of_the_published_tabulations(done, tmp_path):
    (tmp_path / "study.yaml").write_bytes((done.study / "study.yaml").read_bytes())
    describe(tmp_path, done.folder / "raw")
    assert (tmp_path / "delivered.csv").read_bytes() == (done.study / "delivered.csv").read_bytes()


def test_nothing_is_copied_from_what_is_to_be_reproduced(done):
    assert not [p.name for p in (done.folder / "raw").iterdir() if p.name.startswith("ad")]
