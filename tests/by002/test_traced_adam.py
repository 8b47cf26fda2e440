"""docs/traced-adam.md stays true: its values and SDTM records are in the build, its raw cells in the export."""

import re
from itertools import groupby

import pytest

from .conftest import ROOT, STUDY
from .traced import pairs, places, records, table, wrong_cells, wrong_values

DOC = (ROOT / "docs" / "traced-adam.md").read_text(encoding="utf-8")
TRACED = table(DOC, "Every dataset")


def named(row):
    """A row as it is named: dataset, subject, record."""
    return " ".join((*row[:2], row[2].replace("`", "")))


@pytest.fixture(scope="module")
def formats(metadata):
    """A function: name of a dataset to the formats of its variables."""
    return lambda name: {k: v for k, v in metadata(name).original_variable_types.items() if v}


@pytest.fixture(scope="module")
def wrong(dataset, formats, export, usubjid):
    """A function: what of a row is otherwise in the XPT file, in the SDTM records, in the raw cells."""

    def look(row, frame=None):
        frame = dataset(row[0]) if frame is None else frame
        found = [*wrong_values(row[:4], frame, usubjid, formats(row[0])), *wrong_cells(row[5], export)]
        for name, chosen, values in records(row[4]):
            found += [f"{name} {text}" for text in wrong_values([name, row[1], chosen, values], dataset(name), usubjid)]
        return found

    return look


def test_each_analysis_dataset_of_the_build_is_traced_for_three_subjects(built):
    datasets = sorted(path.stem.upper() for path in (built / "adam").glob("*.xpt"))
    traced = {name: list(rows) for name, rows in groupby(sorted(TRACED), key=lambda row: row[0])}
    assert sorted(traced) == datasets and len({named(row) + row[3] for row in TRACED}) == len(TRACED)
    for name, rows in traced.items():
        assert len({row[1] for row in rows}) >= 3, name
    for row in TRACED:
        assert len(row) == 8 and row[7] == "yes" and row[6] and pairs(row[3]), named(row)
        assert places(row[5]) and all(cells for _, cells in places(row[5])), named(row)
        assert records(row[4]) and all(pairs(values) for _, _, values in records(row[4])), named(row)


@pytest.mark.parametrize("row", TRACED, ids=[named(row) for row in TRACED])
def test_the_traced_value_its_sdtm_records_and_its_raw_cells_are_so(row, wrong):
    assert wrong(row) == []


def test_a_changed_value_record_and_cell_are_seen(dataset, wrong):
    (row,) = [r for r in TRACED if r[0] == "ADLB" and "CACORR" in r[2]]
    frame = dataset("ADLB")
    assert wrong(row, frame.assign(AVAL=frame["AVAL"] + 0.001)) == ["AVAL=2.663"]
    assert wrong(row, frame[frame["PARAMCD"] != "CACORR"]) == ["0 records"]
    other = [
        *row[:4],
        row[4].replace("`LBSTRESN=2.39`", "`LBSTRESN=2.38`"),
        row[5].replace("`HIGH=2.52`", "`HIGH=2.55`"),
    ]
    assert wrong([*other, *row[6:]]) == ["lis/ref_ranges.csv line 53 HIGH=2.52", "LB LBSTRESN=2.39"]
    (dated,) = [r for r in TRACED if r[0] == "ADSL" and r[1] == "01-013"]
    people = dataset("ADSL")
    people["DTHDT"] -= 1
    assert wrong(dated, people) == ["DTHDT=2025-09-20"]


def test_the_command_of_the_page_is_answered_as_the_page_says(export, built):
    import trialmill.verbs  # noqa: F401, PLC0415
    from trialmill.explain import explain_record  # noqa: PLC0415

    (command,) = re.findall(r"^\.venv/bin/trialmill explain (.+)$", DOC, re.MULTILINE)
    variable, option, *chosen = command.split()
    told = explain_record(variable, STUDY, export, built, chosen)
    (row,) = [r for r in TRACED if r[0] == "ADLB" and "CACORR" in r[2]]
    assert option == "--record" and told[0].split(" (")[0] == "ADLB.AVAL = 2.662"
    calcium = next(place for place, _ in places(row[5]))
    assert any(f"from      {calcium}" in line for line in told)
    albumin = next(place for place, cells in places(row[5]) if ("RESULT", "26.4") in cells)
    assert any(f"lis.RESULT = 26.4  [{albumin}]" in line for line in told)
