"""MI and CP of a made-up subject (first dose 2025-03-10 at 08:00): marrow smears and CD11b by flow cytometry."""

import pytest

from tests.sdtm import made_up
from tests.sdtm.made_up import built, rows, shown

DONE = {"VISITOID": "C2D1", "BMDAT": "04-APR-2025", "BMYN": "Y", "BMBLAST": "33.3", "BMCELL": "HYPER", "NCELLS": "406",
        "AUER": "N", "DYSPL": "U", "ADEQ": "Y"}  # fmt: skip
SCREENING = DONE | {"VISITOID": "SCR", "BMDAT": "03-MAR-2025", "BMBLAST": "55.6", "BMCELL": "NORMO", "AUER": "Y"}


def mi(*forms, shuffle=None, **more):
    datasets, issues = built(["MI"], shuffle, bma=list(forms), **more)
    return datasets["MI"], issues


def test_a_smear_gives_one_record_for_each_finding():
    found, issues = mi(DONE)
    assert shown(found, "MISEQ MITESTCD MITEST MIORRES MIORRESU MISTRESC MISTRESN MISTRESU") == [
        (1, "AUERRODS", "Auer Rods", "N", "", "N", "", ""),
        (2, "BLASTCE", "Blasts/Total Cells", "33.3", "%", "33.3", 33.3, "%"),
        (3, "CELLULAR", "Cellularity", "HYPER", "", "HYPERCELLULAR", "", ""),
        (4, "DYSPLASA", "Dysplasia", "U", "", "U", "", ""),
        (5, "NUCCNT", "Nucleated Cells Counted", "406", "", "406", 406, ""),
    ]
    common = "MISPEC MISPCCND MIMETHOD MISTAT VISITNUM VISIT VISITDY EPOCH MIDTC MIDY MILNKGRP MILOBXFL"
    assert set(shown(found, common)) == {  # drawn in the window of its visit, three days before it
        ("BONE MARROW", "", "MICROSCOPY", "", 201, "C2D1", 29, "TREATMENT", "2025-04-04", 26, "", "")
    }
    assert not issues


@pytest.mark.parametrize(("collected", "standard", "number"), [
    ("0.9", "0.9", 0.9), ("<1", "<1", ""), ("＜5", "<5", ""), ("12.50", "12.50", 12.5), (">90", ">90", "")])  # fmt: skip
def test_blasts_as_numbers_and_beyond_a_limit(collected, standard, number):
    found, issues = mi(DONE | {"BMBLAST": collected})
    blasts = found[found["MITESTCD"] == "BLASTCE"]
    assert shown(blasts, "MIORRES MISTRESC MISTRESN MISTRESU") == [(standard, standard, number, "%")] and not issues


def test_blasts_that_are_no_number_are_listed():
    _, issues = mi(DONE | {"BMBLAST": "few"})
    assert [(i.variable, i.severity) for i in issues] == [("MISTRESC", "warning")] and "few" in issues[0].message


def test_a_marrow_not_done_says_so_of_its_blasts_only():
    found, issues = mi({"VISITOID": "C2D1", "BMYN": "N", "BMREAS": "Subject refused"})
    columns = "MITESTCD MIORRES MIORRESU MISTRESC MISTRESU MISTAT MIREASND MIDTC VISIT EPOCH"
    assert shown(found, columns) == [("BLASTCE", "", "", "", "", "NOT DONE", "Subject refused", "", "C2D1", "")]
    assert not issues


def test_the_reason_in_chinese_is_translated():
    translations = [{"field": "BMA.BMREAS", "zh": "受试者拒绝", "en": "Subject refused"}]
    found, issues = mi({"VISITOID": "C2D1", "BMYN": "N", "BMREAS": "受试者拒绝"}, translations=translations)
    assert shown(found, "MIREASND") == [("Subject refused",)] and not issues


def test_a_marrow_done_without_blasts_keeps_its_other_findings_and_is_listed():
    found, issues = mi(DONE | {"BMBLAST": None, "ADEQ": "N"})
    assert shown(found[found["MITESTCD"] == "BLASTCE"], "MIORRES MISTAT MIREASND MISPCCND") == [
        ("", "NOT DONE", "NO RESULT REPORTED", "INADEQUATE")
    ]
    assert len(found) == 5 and [i.severity for i in issues] == ["warning"] and "blasts are not" in issues[0].message


def test_a_result_of_a_marrow_that_is_said_not_to_be_done_is_listed():
    _, issues = mi(DONE | {"BMYN": "N"})
    assert {i.severity for i in issues} == {"warning"} and "has a result" in issues[0].message


@pytest.mark.parametrize(("adequate", "condition"), [("Y", ""), ("N", "INADEQUATE"), ("U", ""), (None, "")])
def test_an_inadequate_specimen_says_so_on_every_finding(adequate, condition):
    found, _ = mi(DONE | {"ADEQ": adequate})
    assert found["MISPCCND"].fillna("").tolist() == [condition] * 5


def test_baseline_is_the_last_marrow_before_the_day_of_the_first_dose():
    on_the_day = DONE | {"VISITOID": "C1D1", "BMDAT": "10-MAR-2025", "BMBLAST": "48"}
    second = SCREENING | {"BMDAT": "07-MAR-2025", "BMBLAST": "51", "AUER": None}
    found, issues = mi(SCREENING, second, on_the_day, DONE)
    flagged = found[found["MILOBXFL"] == "Y"]
    assert shown(flagged, "MITESTCD MIDTC") == [("AUERRODS", "2025-03-03")] + [  # the second marrow has no Auer rods
        (t, "2025-03-07") for t in ("BLASTCE", "CELLULAR", "DYSPLASA", "NUCCNT")
    ]
    assert not issues


def test_a_smear_is_linked_to_the_response_of_its_visit_and_repeat():
    resp = rows("VISITOID VISITREP RSPDAT RSPRES BMACC", "C2D1 1 07-APR-2025 NR BM201", "UNS 1 01-MAY-2025 NR BM701",
                "UNS 2 15-MAY-2025 PD BM702", "C1D15 1 24-MAR-2025 NE _")  # fmt: skip
    again = [DONE | {"VISITOID": "UNS", "VISITREP": r, "BMDAT": d} for r, d in (("1", "01-MAY-2025"), ("2", "15-MAY-2025"))]
    found, issues = mi(SCREENING, DONE, *again, resp=resp)
    links = dict(shown(found, "MIDTC MILNKGRP"))
    assert links == {"2025-03-03": "", "2025-04-04": "BM201", "2025-05-01": "BM701", "2025-05-15": "BM702"}
    responses = built(["RS"], resp=resp)[0]["RS"]
    assert set(links.values()) - {""} == set(responses["RSLNKGRP"].dropna())
    assert not issues


def test_a_response_that_names_a_marrow_which_nobody_recorded_is_listed():
    resp = rows("VISITOID RSPDAT RSPRES BMACC", "C2D1 07-APR-2025 NR BM201")
    _, issues = mi(SCREENING, resp=resp)
    assert [(i.dataset, i.severity) for i in issues] == [("resp", "warning")] and "no marrow" in issues[0].message


def test_a_marrow_not_done_at_a_visit_after_the_cut_off_does_not_exist(monkeypatch):
    late = {"VISITOID": "UNS", "VISITREP": "7", "BMYN": "N", "BMREAS": "Subject refused"}
    forms = [SCREENING, late, DONE | {"BMDAT": "06-APR-2026"}]
    found, _ = mi(*forms)
    assert set(shown(found, "MISTAT MIDTC")) == {("", "2025-03-03"), ("NOT DONE", "")}, "nobody knows when"
    whole = made_up.subject()
    visit = rows("VISITOID VISITREP VISDAT", "UNS 7 06-APR-2026", VISYN="Y", VISMODE="SITE")
    monkeypatch.setattr(made_up, "subject", lambda: whole | {"visdt": whole["visdt"] + visit})
    found, _ = mi(*forms)
    assert set(shown(found, "MISTAT MIDTC")) == {("", "2025-03-03")}


FLOW = "SAMPLE SPEC COLDAT GATE MARKER PCTPOS EVENTS"


def cp(*lines, shuffle=None):
    datasets, issues = built(["CP"], shuffle, flow=rows(FLOW, *lines))
    return datasets["CP"], issues


def test_a_flow_result():
    found, issues = cp("BX1 BM 2025-03-03 CD45dim~SSClow CD11b 7.80 120397")
    assert found.iloc[0].dropna().to_dict() == {
        "STUDYID": "BY002", "DOMAIN": "CP", "USUBJID": "BY002-01-901", "CPSEQ": 1, "CPREFID": "BX1", "CPTESTCD": "CD11BX",
        "CPTEST": "CD11b Expression", "CPMRKSTR": "CD45dim SSClow CD11b+", "CPCAT": "IMMUNOPHENOTYPING", "CPORRES": "7.80",
        "CPORRESU": "%", "CPSTRESC": "7.80", "CPSTRESN": 7.8, "CPSTRESU": "%", "CPSPEC": "BONE MARROW",
        "CPMETHOD": "FLOW CYTOMETRY", "CPLOBXFL": "Y", "VISITNUM": 1, "VISIT": "SCREENING", "EPOCH": "SCREENING",
        "CPDTC": "2025-03-03", "CPDY": -7,
    }  # fmt: skip
    assert not issues


@pytest.mark.parametrize("shuffle", [None, 1])
def test_each_type_of_specimen_has_its_baseline(shuffle):
    found, issues = cp(
        *(f"BX{n} {spec} {date} G CD11b {value} 1000" for n, (spec, date, value) in enumerate([
            ("BM", "2025-03-03", "7.8"), ("PB", "2025-03-03", "6.1"), ("PB", "2025-03-05", "6.5"), ("PB", "2025-03-10", "6.9"),
            ("PB", "2025-03-17", "20"), ("BM", "2025-04-07", "30"), ("BM", "2026-04-07", "40")])),
        shuffle=shuffle,
    )  # fmt: skip
    assert shown(found, "CPSEQ CPSPEC CPSTRESC CPLOBXFL EPOCH") == [
        (1, "BLOOD", "6.1", "", "SCREENING"),
        (2, "BLOOD", "6.5", "Y", "SCREENING"),
        (3, "BLOOD", "6.9", "", "TREATMENT"),  # on the day of the first dose, nobody knows whether before it
        (4, "BLOOD", "20", "", "TREATMENT"),
        (5, "BONE MARROW", "7.8", "Y", "SCREENING"),
        (6, "BONE MARROW", "30", "", "TREATMENT"),  # nothing after the cut-off
    ]
    assert not issues


def test_a_specimen_without_a_result_is_not_done():
    found, _ = cp("BX1 BM 2025-03-03 G CD11b _ _")
    assert shown(found, "CPORRES CPORRESU CPSTRESU CPSTAT CPREASND CPLOBXFL") == [("", "", "", "NOT DONE", "NO RESULT REPORTED", "")]
