"""LB of a made-up subject: which results count, in which unit, against which range, at which visit."""

import pytest

from tests.sdtm.made_up import built, rows, shown

LIS = "ACCNO SPEC TESTCODE RESULT UNIT COLLECT LOADDTM STATUS FILE"
RANGES = rows(
    "TESTCODE SEX AGELO AGEHI FROM TO LOW HIGH UNIT",
    "ALT M 18 120 2020-01-01 2024-12-31 9 50 U/L",
    "ALT M 18 120 2025-01-01 _ 9 45 U/L",
    "ALT F 18 120 2020-01-01 _ 7 40 U/L",
    "NEUT * 18 120 2020-01-01 _ 1.8 6.3 ×10⁹/L",
    "CREAT M 18 59 2020-01-01 _ 57 97 μmol/L",
    "CREAT M 60 120 2020-01-01 _ 57 111 μmol/L",
    "HCG * 18 120 2020-01-01 _ 0 5 IU/L",
    "INR * 18 120 2020-01-01 _ 0.8 1.2 _",
)


def lb(*lines, shuffle=None, **more):
    datasets, issues = built(["LB"], shuffle, lis=rows(LIS, *lines), ref_ranges=RANGES, **more)
    return datasets["LB"], datasets.get("SUPPLB"), issues


SCREENING = "A1 SERUM ALT 44 U/L 2025/3/3~7:10 2025-04-05T02:10 F l1"


def test_a_plain_result():
    labc = [{"ACCNO": "A1", "FASTYN": "Y", "LABDAT": "03-MAR-2025", "VISITOID": "SCR"}]
    found, supp, issues = lb(SCREENING, labc=labc)
    record = found.iloc[0].dropna().to_dict()
    assert record == {
        "STUDYID": "BY002", "DOMAIN": "LB", "USUBJID": "BY002-01-901", "LBSEQ": 1, "LBREFID": "A1", "LBTESTCD": "ALT",
        "LBTEST": "Alanine Aminotransferase", "LBCAT": "CHEMISTRY", "LBORRES": "44", "LBORRESU": "U/L", "LBORNRLO": "9",
        "LBORNRHI": "45", "LBSTRESC": "44", "LBSTRESN": 44, "LBSTRESU": "U/L", "LBSTNRLO": 9, "LBSTNRHI": 45,
        "LBNRIND": "NORMAL", "LBNAM": "LOCAL LAB", "LBSPEC": "SERUM", "LBLOBXFL": "Y", "LBFAST": "Y", "VISITNUM": 1,
        "VISIT": "SCREENING", "EPOCH": "SCREENING", "LBDTC": "2025-03-03T07:10", "LBDY": -7,
    }  # fmt: skip
    assert supp is None and not issues


VERSIONS = [
    # what the laboratory sent, in the order of loads    -> result, LBSTAT, reason, corrected flag
    (["44 U/L F 1"], ("44", "", "", "")),
    (["44 U/L F 1", "44 U/L F 2"], ("44", "", "", "")),
    (["44 U/L F 1", "54 U/L C 2"], ("54", "", "", "Y")),
    (["44 U/L F 1", "54 U/L C 2", "44 U/L F 3"], ("54", "", "", "Y")),
    (["44 U/L F 1", "54 U/L C 2", "44 U/L C 3"], ("44", "", "", "Y")),
    (["44 U/L F 1", "Specimen~clotted _ X 2"], ("", "NOT DONE", "Specimen clotted", "")),
    (["44 U/L F 1", "Specimen~clotted _ X 2", "44 U/L F 3"], ("", "NOT DONE", "Specimen clotted", "")),
]


@pytest.mark.parametrize(("sent", "expected"), VERSIONS)
@pytest.mark.parametrize("shuffle", [None, 1, 2])
def test_the_latest_version_of_a_result_counts(sent, expected, shuffle):
    lines = []
    for each in sent:
        result, unit, status, load = each.split()
        lines.append(f"A1 SERUM ALT {result} {unit} 2025/3/3~7:10 2025-04-0{load}T02:10 {status} load{load}")
    found, supp, issues = lb(*lines, shuffle=shuffle)
    assert shown(found, "LBORRES LBSTAT LBREASND") == [expected[:3]]
    assert (supp is not None and supp[["QNAM", "QVAL"]].to_numpy().tolist() == [["LBCORFL", "Y"]]) == (expected[3] == "Y")
    assert not issues


def test_a_result_not_done_has_neither_unit_nor_range():
    found, _, _ = lb("A1 SERUM ALT Specimen~clotted U/L 2025/3/3~7:10 2025-04-01T02:10 X l1")
    columns = "LBORRES LBORRESU LBORNRLO LBORNRHI LBSTRESC LBSTRESN LBSTRESU LBSTNRLO LBSTNRHI LBNRIND LBLOBXFL"
    assert shown(found, columns) == [("",) * 11]


def test_another_final_result_without_a_mark_replaces_and_is_listed():
    found, _, issues = lb(
        "A1 SERUM ALT 44 U/L 2025/3/3~7:10 2025-04-01T02:10 F l1",
        "A1 SERUM ALT 47 U/L 2025/3/3~7:10 2025-04-02T02:10 F l2",
    )
    assert shown(found, "LBORRES LBNRIND") == [("47", "HIGH")]
    assert ["not marked as corrected" in i.message and i.severity for i in issues] == ["warning"]


def test_two_versions_of_the_same_load_that_differ_stop_the_build():
    _, _, issues = lb(
        "A1 SERUM ALT 44 U/L 2025/3/3~7:10 2025-04-01T02:10 F l1",
        "A1 SERUM ALT 47 U/L 2025/3/3~7:10 2025-04-01T02:10 C l1",
    )
    assert [i.severity for i in issues] == ["blocking"] and "differ" in issues[0].message


def test_the_same_test_and_time_under_two_accession_numbers_stays_twice():
    found, _, issues = lb(SCREENING, "A2 SERUM ALT 40 U/L 2025/3/3~7:10 2025-04-05T02:10 F l1")
    assert shown(found, "LBSEQ LBREFID LBORRES LBLOBXFL") == [(1, "A1", "44", ""), (2, "A2", "40", "Y")]
    assert not issues


def test_ranges_follow_age_and_the_unit_of_the_result():
    found, _, issues = lb(
        "A1 SERUM CREAT 1.13 mg/dL 2025/3/3~7:10 2025-04-05T02:10 F l1",
        "A2 SERUM CREAT 100 μmol/L 2025/3/17~7:10 2025-04-05T02:10 F l1",
        "A3 BLOOD NEUT 463 /uL 2025/3/3 2025-04-05T02:10 F l1",
        "A3 PLASMA INR 1.30 _ 2025/3/3 2025-04-05T02:10 F l1",
    )
    columns = "LBTESTCD LBORRESU LBORNRLO LBORNRHI LBSTRESC LBSTRESU LBSTNRLO LBSTNRHI LBNRIND"
    assert shown(found, columns) == [
        ("CREAT", "mg/dL", "0.6447", "1.097", "99.9146", "umol/L", 57, 97, "HIGH"),  # 59 until 15 March
        ("CREAT", "umol/L", "57", "111", "100", "umol/L", 57, 111, "NORMAL"),
        ("INR", "", "0.8", "1.2", "1.30", "", 0.8, 1.2, "HIGH"),
        ("NEUT", "10^6/L", "1800", "6300", "0.463", "10^9/L", 1.8, 6.3, "LOW"),
    ]
    assert not issues


def test_texts_and_results_below_a_limit():
    found, _, issues = lb(
        "A1 SERUM HCG ＜0.5 IU/L 2025/3/3 2025-04-05T02:10 F l1",
        "A2 SERUM HCG NEGATIVE _ 2025/3/4 2025-04-05T02:10 F l1",
    )
    columns = "LBORRES LBORRESU LBSTRESC LBSTRESN LBSTRESU LBSTNRHI LBNRIND LBLOBXFL"
    assert shown(found, columns) == [
        ("<0.5", "IU/L", "<0.5", "", "IU/L", 5, "NORMAL", ""),
        ("NEGATIVE", "", "NEGATIVE", "", "", "", "", "Y"),
    ]
    assert not issues


def test_a_unit_that_the_test_has_not_is_listed_and_gives_no_standard_number():
    found, _, issues = lb("A1 SERUM ALT 0.7 nkat/mL 2025/3/3~7:10 2025-04-05T02:10 F l1")
    columns = "LBORRES LBSTRESN LBSTRESU LBORNRHI LBSTNRHI LBNRIND"
    assert shown(found, columns) == [("0.7", "", "", "", "", "")]
    assert {i.severity for i in issues} == {"warning"} and any("ALT in nkat/mL" in i.message for i in issues)


def test_a_result_of_another_hospital_brings_its_own_range():
    labx = [{"XDAT": "05-MAR-2025", "XTIM": "UN:UN", "XTEST": "HGB", "XRES": "9.1", "XUNIT": "g/dL", "XLO": "13", "XHI": "17.5",
             "XHOSP": "County Hospital", "VISITOID": "LOG"}]  # fmt: skip
    found, _, issues = lb(labx=[*labx, labx[0]])  # and the same record once more
    columns = "LBSPEC LBORRESU LBORNRLO LBORNRHI LBSTRESC LBSTRESU LBSTNRLO LBSTNRHI LBNRIND LBNAM LBDTC LBREFID VISIT"
    assert shown(found, columns) == [
        ("BLOOD", "g/dL", "13", "17.5", "91", "g/L", 130, 175, "LOW", "County Hospital", "2025-03-05", "", "UNSCHEDULED 1.01")
    ]
    assert not issues


def test_a_result_of_another_hospital_in_an_unknown_unit_keeps_its_own_range_and_gets_no_standard_one():
    labx = [{"XDAT": "05-MAR-2025", "XTEST": "ALT", "XRES": "0.7", "XUNIT": "Karmen", "XLO": "0.1", "XHI": "below 1",
             "XHOSP": "County Hospital", "VISITOID": "LOG"}]  # fmt: skip
    found, _, issues = lb(labx=labx)
    columns = "LBORRES LBORNRLO LBORNRHI LBSTRESN LBSTRESU LBSTNRLO LBSTNRHI LBNRIND"
    assert shown(found, columns) == [("0.7", "0.1", "below 1", "", "", "", "", "")]
    assert {i.severity for i in issues} == {"warning"}


def test_flow_mrd():
    mrd = [{"MRDDAT": "07-APR-2025", "MRDRES": "NEG", "MRDPCT": "<0.01", "VISITOID": "C2D1"}]
    found, _, issues = lb(mrd=mrd)
    columns = "LBTESTCD LBCAT LBSPEC LBMETHOD LBORRES LBORRESU LBSTRESC LBSTRESN LBSTRESU VISIT"
    assert shown(found, columns) == [
        ("LEUKCE", "MRD", "BONE MARROW", "FLOW CYTOMETRY", "<0.01", "%", "<0.01", "", "%", "C2D1")
    ]
    assert not issues


def test_a_result_of_the_day_of_first_dose_without_a_time_is_a_baseline_only_at_a_planned_visit():
    found, _, _ = lb(
        SCREENING,
        "A2 SERUM ALT 41 U/L 2025/3/10 2025-04-05T02:10 F l1",
        "A3 SERUM ALT 42 U/L 2025/3/10~9:00 2025-04-05T02:10 F l1",
        "A4 SERUM ALT 43 U/L 2025/3/17~7:00 2025-04-05T02:10 F l1",
    )
    assert shown(found, "LBREFID VISIT EPOCH LBLOBXFL LBDY") == [
        ("A1", "SCREENING", "SCREENING", "", -7),
        ("A2", "C1D1", "SCREENING", "Y", 1),  # planned before the dose of 08:00, no time
        ("A3", "C1D1", "TREATMENT", "", 1),
        ("A4", "C1D8", "TREATMENT", "", 8),
    ]


def test_results_after_the_cut_off_are_not_there():
    found, _, _ = lb(SCREENING, "A9 SERUM ALT 40 U/L 2026/4/1~7:00 2026-04-05T02:10 F l1")
    assert shown(found, "LBREFID") == [("A1",)]
