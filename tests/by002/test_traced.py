"""docs/traced-sdtm.md stays true: every value that it traces is in the build, every raw cell is in the export."""

import re
from itertools import groupby

import pytest

from .conftest import ROOT, STUDY
from .traced import NONE, pairs, places, table, wrong_cells, wrong_values

DOC = (ROOT / "docs" / "traced-sdtm.md").read_text(encoding="utf-8")
TRACED = table(DOC, "Every dataset")
FATES = table(DOC, "The 34 screening numbers")


def test_each_dataset_of_the_build_is_traced_for_three_subjects(built):
    datasets = sorted(path.stem.upper() for path in (built / "sdtm").glob("*.xpt"))
    traced = {name: list(rows) for name, rows in groupby(sorted(TRACED), key=lambda row: row[0])}
    assert sorted(traced) == datasets
    for name, rows in traced.items():
        assert len({row[1] if row[1] != "-" else row[2] for row in rows}) >= 3, name
    assert all(places(row[4]) and row[6] == "yes" for row in TRACED)
    assert all(cells for row in TRACED for _, cells in places(row[4]))


@pytest.mark.parametrize("row", TRACED, ids=[" ".join((*row[:2], row[2].replace("`", ""))) for row in TRACED])
def test_the_traced_value_is_in_the_build_and_its_raw_cells_in_the_export(row, dataset, export, usubjid):
    assert wrong_values(row, dataset(row[0]), usubjid) == []
    assert wrong_cells(row[4], export) == []


def test_a_changed_value_and_a_changed_cell_are_seen(dataset, export, usubjid):
    (row,) = [r for r in TRACED if r[0] == "VS" and "WEIGHT" in r[2]]
    frame = dataset("VS")
    frame.loc[frame["VSTESTCD"] == "WEIGHT", "VSSTRESN"] += 0.1
    assert wrong_values(row, frame, usubjid) == ["VSSTRESN=84.5"]
    assert wrong_values(row, frame[frame["VSTESTCD"] != "WEIGHT"], usubjid) == ["0 records"]
    (absent,) = [r for r in TRACED if r[0] == "CP" and r[3] == NONE]
    assert wrong_values([*absent[:2], "`CPREFID=BX0034-01`", NONE], dataset("CP"), usubjid) == ["1 records"]
    other = [*row[:4], row[4].replace("WEIGHT=168.8", "WEIGHT=168.9"), *row[5:]]
    assert wrong_cells(other[4], export) == ["edc/VS.csv line 26 WEIGHT=168.8"]


@pytest.fixture(scope="module")
def explained(export, built):
    """A function: what `trialmill explain` says of a variable of one record, from the simulated export."""
    import trialmill.verbs  # noqa: F401, PLC0415
    from trialmill.explain import explain_record  # noqa: PLC0415

    return lambda variable, *chosen: explain_record(variable, STUDY, export, built, chosen)


EXPLAINED = [
    "AE AESPID=4",
    "DM USUBJID=BY002-01-005",
    "LB LBREFID=240708000409 LBTESTCD=LDH",
    "SUPPAE IDVARVAL=3 QNAM=AETRTO",
    "SUPPDV QNAM=DVTERM1",
]


@pytest.mark.parametrize("asked", EXPLAINED)
def test_explain_names_the_same_value_and_the_same_lines(asked, explained, usubjid):
    row = next(r for r in TRACED if f"{r[0]} {r[2].replace('`', '')}" == asked and r[3] != NONE)
    who = [f"USUBJID={usubjid[row[1]]}", *("=".join(pair) for pair in pairs(row[2]))]
    told = []
    for name, value in pairs(row[3]):
        if row[0].startswith("SUPP") and name != "QVAL":
            continue
        lines = explained(f"{row[0]}.{name}", *who)
        assert lines[0].split(" (")[0] == f"{row[0]}.{name} = {value or '(missing)'}".split(" (")[0]
        assert any("published" in line and "record" in line and "holds" not in line for line in lines)
        told += lines
    assert [place for place, _ in places(row[4]) if not any(place in line for line in told)] == []


def test_the_command_of_the_page_is_answered_as_the_page_says(explained):
    (command,) = re.findall(r"^\.venv/bin/trialmill explain (.+)$", DOC, re.MULTILINE)
    variable, option, *chosen = command.split()
    assert option == "--record" and explained(variable, *chosen)[0] == "SUPPAE.QVAL = DOSE REDUCED"


def fate(number, dm, ds, suppdm, usubjid):
    """What the built tabulation says became of a screening number."""
    who = usubjid[number]
    (person,) = dm[dm["USUBJID"] == who].to_dict("records")
    events = ds[ds["USUBJID"] == who]
    earlier = suppdm[(suppdm["USUBJID"] == who) & (suppdm["QNAM"] == "PREVSUBJ")]["QVAL"].tolist()
    if number in earlier and person["SUBJID"] != number:
        failed = events[(events["DSCAT"] == "OTHER EVENT") & (events["DSREFID"] == number)]
        assert failed["DSDECOD"].tolist() == ["SCREEN FAILURE"]
        return "re-screened", "", f"as {person['SUBJID']}"
    assert person["SUBJID"] == number
    entered = (events["DSDECOD"] == "ENTERED INTO TRIAL").sum()
    failed = ((events["DSDECOD"] == "SCREEN FAILURE") & (events["DSCAT"] == "DISPOSITION EVENT")).sum()
    if person["RFXSTDTC"]:
        assert entered == 1 and failed == 0 and person["ACTARMCD"] == person["ARMCD"] and not person["ARMNRS"]
        return "treated", person["ARMCD"], f"screened before as {earlier[0]}" if earlier else ""
    if person["ARMNRS"] == "SCREEN FAILURE":
        assert entered == 0 and failed == 1 and not person["ARMCD"] and not person["ACTARMCD"]
        return "screen failure", "", ""
    assert person["ARMNRS"] == "ASSIGNED, NOT TREATED" and entered == 1 and failed == 0 and not person["ACTARMCD"]
    return "assigned, never dosed", person["ARMCD"], ""


def test_each_screening_number_ends_where_the_scenario_says(dataset, form, usubjid):
    dm, ds, suppdm = dataset("DM"), dataset("DS"), dataset("SUPPDM")
    numbers = sorted(form("subj")["SUBJECT"].unique())
    assert [row[0] for row in FATES] == numbers and len(numbers) == 34
    assert [tuple(row[:4]) for row in FATES] == [(n, *fate(n, dm, ds, suppdm, usubjid)) for n in numbers]
    assert sorted(dm["USUBJID"]) == sorted({usubjid[n] for n in numbers}) and len(dm) == 33
    counted = {kind: sum(row[1] == kind for row in FATES) for kind in {row[1] for row in FATES}}
    assert counted == {"treated": 24, "assigned, never dosed": 1, "screen failure": 8, "re-screened": 1}
    arms = [row[2] for row in FATES if row[1] == "treated"]
    wanted = {"ESC100": 1, "ESC200": 4, "ESC300": 3, "ESC400": 6, "ESC600": 3, "EXP400": 7}
    assert {arm: arms.count(arm) for arm in sorted(set(arms))} == wanted
    assert sorted(dm[dm["RFXSTDTC"] != ""]["USUBJID"]) == sorted(dataset("EX")["USUBJID"].unique())
    who = {row[0]: row[1] for row in FATES}
    assert who["01-015"] == "re-screened" and who["01-017"] == "treated" and usubjid["01-017"] == "BY002-01-015"
