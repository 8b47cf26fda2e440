"""The mess of the reference export: all that is declared is planted, and where the truth says so."""

import pytest

from edc.export import read_export
from engine.errors import FileError
from simulator.plants import Mess
from tests.simulator.conftest import STUDY
from trialmill.simulate import simulate_study


@pytest.fixture(scope="session")
def blocking(tmp_path_factory):
    """The reference export with what stops a build."""
    out = tmp_path_factory.mktemp("blocking") / "raw"
    simulate_study(STUDY, out, mess="blocking")
    return out


@pytest.fixture(scope="session")
def tables(design, export):
    """Every table of the export as it is, exact repeats included; deleted records too."""
    found = read_export(design.raw, design.forms, export, "csv")
    return {name: table.frame for name, table in found.tables.items()}


def at(tables, item):
    """The records that an item of the list of mess points to."""
    frame = tables[item["table"]]
    for column, value in item["record"].items():
        frame = frame[frame[column] == value] if value is not None else frame[frame[column].isna()]
    return frame


def test_all_declared_mess_is_planted_once(design, truth):
    declared = [p for p in design.scenario.plants if p.subject and p.level == Mess.usual]
    asked = sorted((p.subject, p.table, p.kind, p.field or "", p.mess) for p in declared)
    done = sorted((m["subject"], m["table"], m["kind"], m["field"] or "", m["mess"]) for m in truth["mess"])
    assert done == asked


def test_every_row_of_the_list_has_an_example(design):
    rows = {
        "partial date", "unknown date", "missing time", "UTC stamp", "full-width text", "result below or above",
        "vital sign in another unit", "other unit", "unknown unit", "exact duplicate", "LIS correction",
        "LIS cancellation", "two accession numbers", "missed PK sample", "barcode without sample",
        "sample without result", "BLQ spelling", "not reportable", "deleted record", "hazardous text", "long text",
        "missing translation", "impossible date", "unknown code", "unknown subject", "file not of the manifest",
    }  # fmt: skip
    assert rows <= {p.mess for p in design.scenario.plants}


def test_changed_fields_hold_what_the_truth_says(truth, tables):
    changed = [
        m
        for m in truth["mess"]
        if m["field"] and m["kind"] in ("set", "partial", "convert", "pad", "correct", "cancel")
    ]
    assert len(changed) > 50
    for item in changed:
        assert (item["now"] or "") in at(tables, item)[item["field"]].fillna("").tolist(), item


def test_repeated_records(truth, tables):
    repeats = [m for m in truth["mess"] if m["kind"] == "repeat"]
    for item in repeats:
        frame = tables[item["table"]]
        same = [c for c in frame if c not in ("RECNO", "FORMREP", "ENTRYDTM", "FILE", "LOADDTM")]
        row = at(tables, item).iloc[-1]
        assert (frame[same].fillna("") == row[same].fillna("")).all(axis=1).sum() == 2, item
    lis = [at(tables, m) for m in repeats if m["table"] == "lis"]
    assert all(rows["FILE"].nunique() == 2 for rows in lis)
    assert {rows["LOADDTM"].nunique() for rows in lis} == {1, 2}, (
        "with the stamp of the first load and with a later one"
    )


def test_corrections_and_cancellations_come_in_a_later_load(truth, tables):
    for item in truth["mess"]:
        if item["kind"] not in ("correct", "cancel"):
            continue
        rows = at(tables, item).sort_values("LOADDTM")
        assert rows["STATUS"].tolist() == ["F", "C" if item["kind"] == "correct" else "X"]
        assert rows["LOADDTM"].is_unique and rows["FILE"].nunique() == 2
        assert rows["RESULT"].tolist() == [item["was"], item["now"]]


def test_two_accession_numbers_of_one_moment(truth, tables):
    (item,) = [m for m in truth["mess"] if m["mess"] == "two accession numbers"]
    lis, record = tables["lis"], item["record"]
    same = lis[
        (lis["SUBJECT"] == record["SUBJECT"]) & (lis["TESTCODE"] == "GLUC") & (lis["COLLECT"] == record["COLLECT"])
    ]
    assert same["ACCNO"].nunique() == same["RESULT"].nunique() == 2


def test_natural_mess_of_the_ward(tables):
    assert tables["ae"]["AETERM"].isna().any() and tables["ae"]["AETERMZH"].notna().all()
    assert tables["mh"]["MHSTDAT"].str.startswith("UN-", na=False).any()
    assert tables["demo"]["BRTHDAT"].str.startswith("UN-").sum() == 1
    assert (tables["ae"]["AEACN"] == "NA").any()
    assert {"×10⁹/L", "10^3/uL", "/uL", "mg/dL", "mEq/L", "g/dL"} <= set(tables["lis"]["UNIT"].dropna())
    assert tables["lis"]["RESULT"].str.startswith("＜").any() and (tables["lis"]["RESULT"] == "<3.0").any()
    assert set(tables["labx"]["XUNIT"]) >= {"10^3/uL", "g/dL"}
    assert tables["labx"]["XTIM"].isna().any()
    assert (tables["demo"]["ETHNICG"] == "OTHER").any() and tables["dose"]["DREASO"].notna().any()
    assert set(tables["dose"]["DREAS"]) == {"PLANNED", "AE", "CYP3A4", "ERROR", "FORGOT", "LOGISTIC", "OTHER"}
    assert tables["dv"]["DVTXT"].str.len().max() > 200 and tables["comm"]["COMTXT"].str.contains("\n").any()
    assert tables["comm"]["COMTXT"].str.startswith("=").any()


def test_deleted_records_are_dropped_and_counted(design, export, truth):
    found = read_export(design.raw, design.forms, export, "csv")
    deleted = [m["table"] for m in truth["mess"] if m["mess"] == "deleted record"]
    assert found.deleted == {t: deleted.count(t) for t in sorted(deleted)}
    assert "01-031" not in set(found.tables["dth"].frame["SUBJECT"]), "a death entered by mistake"


def test_without_mess_nothing_is_planted(design, tmp_path):
    made = simulate_study(STUDY, tmp_path / "raw", mess="none")
    assert made.counts["flaws planted"] == 0
    found = read_export(design.raw, design.forms, tmp_path / "raw", "csv")
    assert found.deleted == {} and found.issues == []
    assert set(found.tables["lis"].frame["STATUS"]) == {"F"}


def test_what_stops_a_build_is_there_when_asked_for(design, blocking):
    found = read_export(design.raw, design.forms, blocking, "csv")
    tables = {name: table.frame for name, table in found.tables.items()}
    assert "分化综合征" not in set(tables["translations"]["zh"])
    assert "分化综合征" in set(tables["ae"]["AETERMZH"])
    assert "31-JUN-2024" in set(tables["ae"]["AEENDAT"])
    assert "01-999" in set(tables["lis"]["SUBJECT"])
    assert [(i.dataset, i.variable) for i in found.issues] == [("ae", "AEREL")], "an unknown code"


def test_a_damaged_export_disagrees_with_its_manifest(design, tmp_path):
    simulate_study(STUDY, tmp_path / "raw", mess="damaged")
    with pytest.raises(FileError, match=r"ngs/fusions\.csv does not hold the records"):
        read_export(design.raw, design.forms, tmp_path / "raw", "csv")


def test_people_made_up_have_their_share_of_mess(tmp_path):
    made = simulate_study(STUDY, tmp_path / "raw", subjects=94)
    assert made.counts["flaws planted"] > 105
