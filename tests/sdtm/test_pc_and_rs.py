"""PC and RS of a made-up subject: every sample once for each analyte, and what the investigator assessed."""

import pytest

from tests.sdtm.made_up import built, rows, shown

CONC = "PKBAR ANALYTE CONC UNIT DILUTION RUN ANDTM REPORTABLE COMMENT"


def sample(oid, tpt, date="10-MAR-2025", time="09:00", bar="T1", drawn="Y", why=None):
    return {"VISITOID": oid, "PKTPT": tpt, "PKDAT": date, "PKTIM": time, "PKYN": drawn, "PKREAS": why, "PKBAR": bar}


def assay(*results, bar="T1"):
    """Concentration of the parent and, where given, of the metabolite."""
    lines = [f"{bar} {a} {r} ng/mL 1 R1 2025-04-01T10:00 Y _" for a, r in zip(("BY002", "BY002-M1"), results, strict=False)]
    return rows(CONC, *lines)


def pc(pks, conc, shuffle=None):
    datasets, issues = built(["PC"], shuffle, pks=pks, conc=conc)
    return datasets["PC"], datasets.get("SUPPPC"), issues


def test_a_sample_with_its_two_results():
    found, supp, issues = pc([sample("C1D1", "1H", time="09:02")], assay("228.49", "31.200"))
    parent, metabolite = (found.iloc[i].dropna().to_dict() for i in (0, 1))
    common = {
        "STUDYID": "BY002", "DOMAIN": "PC", "USUBJID": "BY002-01-901", "PCREFID": "T1", "PCORRESU": "ng/mL",
        "PCSTRESU": "ng/mL", "PCSPEC": "PLASMA", "PCMETHOD": "LC/MS/MS", "VISITNUM": 101, "VISIT": "C1D1", "VISITDY": 1,
        "EPOCH": "TREATMENT", "PCDTC": "2025-03-10T09:02", "PCDY": 1, "PCTPT": "1H", "PCTPTNUM": 1, "PCELTM": "PT1H",
        "PCTPTREF": "C1D1 DOSE", "PCRFTDTC": "2025-03-10T08:00",
    }  # fmt: skip
    assert parent == common | {
        "PCSEQ": 1, "PCGRPID": "BY002 C1D1", "PCTESTCD": "BY002", "PCTEST": "BY002", "PCORRES": "228.49",
        "PCSTRESC": "228.49", "PCSTRESN": 228.49, "PCLLOQ": 1, "PCULOQ": 2000,
    }  # fmt: skip
    assert metabolite == common | {
        "PCSEQ": 2, "PCGRPID": "BY002M1 C1D1", "PCTESTCD": "BY002M1", "PCTEST": "BY002 METABOLITE M1", "PCORRES": "31.200",
        "PCSTRESC": "31.200", "PCSTRESN": 31.2, "PCLLOQ": 0.5, "PCULOQ": 1000,
    }  # fmt: skip
    assert supp[["IDVARVAL", "QNAM", "QVAL"]].to_numpy().tolist() == [
        ["1", "PCDILF", "1"], ["1", "PCRUN", "R1"], ["2", "PCDILF", "1"], ["2", "PCRUN", "R1"]]  # fmt: skip
    assert not issues


@pytest.mark.parametrize("spelled", ["BLQ", "<LLOQ", "BLQ(<1.00)", "blq", "＜LLOQ", "BLQ（＜1.00）"])
def test_below_the_limit_of_quantification_however_it_is_spelled(spelled):
    found, _, issues = pc([sample("C1D1", "PREDOSE", time="07:50")], assay(spelled, spelled))
    columns = "PCTESTCD PCORRES PCORRESU PCSTRESC PCSTRESN PCSTRESU PCLLOQ PCSTAT EPOCH"
    assert shown(found, columns) == [
        ("BY002", "BLQ", "ng/mL", "<1.00", "", "ng/mL", 1, "", "SCREENING"),  # drawn before the first dose
        ("BY002M1", "BLQ", "ng/mL", "<0.500", "", "ng/mL", 0.5, "", "SCREENING"),
    ]
    assert not issues


NOT_DONE = "PCTESTCD PCORRES PCORRESU PCSTRESC PCSTRESU PCLLOQ PCSTAT PCREASND"


def test_a_missed_sample_is_not_done_for_both_analytes():
    missed = sample("C1D16", "24H", date=None, time=None, bar=None, drawn="N", why="Venous access failed")
    found, supp, issues = pc([missed], [])
    assert shown(found, NOT_DONE) == [(a, *[""] * 5, "NOT DONE", "Venous access failed") for a in ("BY002", "BY002M1")]
    assert shown(found, "VISIT PCDTC PCTPTREF PCRFTDTC")[0] == ("C1D16", "", "C1D15 DOSE", "2025-03-24T08:10")
    assert supp is None and not issues


def test_a_drawn_sample_without_a_result_is_not_done_and_listed():
    found, _, issues = pc([sample("C1D1", "1H")], assay("228.49"))
    assert shown(found, NOT_DONE)[1] == ("BY002M1", *[""] * 5, "NOT DONE", "NO RESULT REPORTED")
    assert [(i.variable, i.severity, i.key) for i in issues] == [
        ("PCREFID", "warning", "PCTESTCD BY002M1, PCDTC 2025-03-10T09:00, PCTPTNUM 1, VISITNUM 101")
    ]


def test_a_result_that_is_not_reportable_is_not_done_with_the_comment_as_its_reason():
    conc = rows(CONC, "T1 BY002 228.49 ng/mL 1 R1 2025-04-01T10:00 N Internal~standard~failed",
                "T1 BY002-M1 31.200 ng/mL 1 R1 2025-04-01T10:00 Y _")  # fmt: skip
    found, _, issues = pc([sample("C1D1", "1H")], conc)
    assert shown(found, NOT_DONE)[0] == ("BY002", *[""] * 5, "NOT DONE", "Internal standard failed")
    assert shown(found, "PCSTAT")[1] == ("",) and not issues


@pytest.mark.parametrize("shuffle", [None, 3, 4])
def test_of_a_repeated_run_the_reportable_result_counts_then_the_later(shuffle):
    conc = rows(CONC, "T1 BY002 1.10 ng/mL 1 R1 2025-04-01T10:00 N Failed~run", "T1 BY002 2.20 ng/mL 1 R2 2025-04-02T10:00 Y _",
                "T1 BY002 3.30 ng/mL 1 R3 2025-04-03T10:00 N Failed~run", *[f"T1 BY002-M1 {r}" for r in (
                    "0.900 ng/mL 1 R1 2025-04-01T10:00 Y _",)])  # fmt: skip
    found, supp, _ = pc([sample("C1D1", "1H")], conc, shuffle)
    assert shown(found, "PCORRES") == [("2.20",), ("0.900",)]
    assert supp[supp["QNAM"] == "PCRUN"]["QVAL"].tolist() == ["R2", "R1"]


def test_a_result_above_the_upper_limit_after_dilution_is_used_as_reported():
    conc = rows(CONC, "T1 BY002 2604.10 ng/mL 10 R1 2025-04-01T10:00 Y Diluted", "T1 BY002-M1 99.000 ng/mL 1 R1 2025-04-01T10:00 Y _")
    found, supp, issues = pc([sample("C1D1", "1H")], conc)
    assert shown(found, "PCSTRESN PCULOQ PCSTAT")[0] == (2604.1, 2000, "")
    assert supp.iloc[0][["QNAM", "QVAL"]].tolist() == ["PCDILF", "10"] and not issues


@pytest.mark.parametrize(
    ("result", "dilution", "told"),
    [
        ("<10.0", "10", "reports a limit of its own"),
        (">2000", "1", "above a limit"),
        ("2500", "1", "was not diluted"),
        ("2500", "10", None),
        ("<1.00", "1", None),
    ],
)
def test_a_limit_that_is_not_the_assays_and_a_result_above_it_are_told(result, dilution, told):
    conc = rows(CONC, f"T1 BY002 {result} ng/mL {dilution} R1 2025-04-01T10:00 Y _", "T1 BY002-M1 99.000 ng/mL 1 R1 2025-04-01T10:00 Y _")
    issues = pc([sample("C1D1", "1H")], conc)[2]
    assert len(issues) == (told is not None) and (told is None or told in issues[0].message)


def test_of_two_reportable_results_the_later_is_used_and_both_are_asked_about():
    conc = rows(CONC, "T1 BY002 1.10 ng/mL 1 R1 2025-04-01T10:00 Y _", "T1 BY002 2.20 ng/mL 1 R2 2025-04-02T10:00 Y _",
                "T1 BY002-M1 99.000 ng/mL 1 R1 2025-04-01T10:00 Y _")  # fmt: skip
    found, _, issues = pc([sample("C1D1", "1H")], conc)
    assert shown(found, "PCTESTCD PCSTRESN") == [("BY002", 2.2), ("BY002M1", 99.0)]
    assert ["several results" in i.message for i in issues] == [True]


def test_assessments_of_two_visits_whose_dates_are_unknown_are_two_records():
    ecog = [{"ECOGDAT": "UN-UNK-2025", "ECOGSC": score, "VISITOID": oid} for oid, score in (("SCR", "1"), ("C1D1", "2"))]
    datasets, issues = built(["RS"], ecog=ecog)
    assert shown(datasets["RS"], "RSDTC VISITNUM RSSTRESC") == [("2025", 1, "1"), ("2025", 101, "2")]
    assert not [i for i in issues if i.severity == "blocking"]


def test_a_tube_without_a_sample_record_is_listed():
    found, _, issues = pc([sample("C1D1", "1H")], [*assay("1.50", "0.700"), *assay("9.99", bar="T9")])
    assert len(found) == 2
    assert [(i.dataset, i.severity, i.source) for i in issues] == [("conc", "warning", "conc.csv line 4")]
    assert "T9 BY002" in issues[0].message


@pytest.mark.parametrize(("oid", "tpt", "date", "time", "group", "number", "elapsed", "ref", "dose", "why"), [
    ("C1D1", "PREDOSE", "10-MAR-2025", "07:50", "BY002 C1D1", 0, "-PT5M", "C1D1 DOSE", "2025-03-10T08:00", "profile"),
    ("C1D1", "0.5H", "10-MAR-2025", "08:30", "BY002 C1D1", 0.5, "PT30M", "C1D1 DOSE", "2025-03-10T08:00", "profile"),
    ("C1D2", "24H", "11-MAR-2025", "07:55", "BY002 C1D1", 24, "PT24H", "C1D1 DOSE", "2025-03-10T08:00", "of the day before"),
    ("C1D16", "24H", "25-MAR-2025", "UN:UN", "BY002 C1D15", 24, "PT24H", "C1D15 DOSE", "2025-03-24T08:10", "of the day before"),
    ("C1D8", "PREDOSE", "17-MAR-2025", "07:50", "", 0, "-PT5M", "C1D8 DOSE", "2025-03-17", "trough: no time of dose recorded"),
    ("C2D1", "PREDOSE", "07-APR-2025", "07:50", "", 0, "-PT5M", "C2D1 DOSE", "2025-04-07T08:20", "first dose of an interval"),
    ("C2D1", "PREDOSE", "30-APR-2025", "07:50", "", 0, "-PT5M", "C2D1 DOSE", "", "no dose taken that day"),
])  # fmt: skip
def test_the_dose_that_a_sample_is_timed_against(oid, tpt, date, time, group, number, elapsed, ref, dose, why):
    found, _, _ = pc([sample(oid, tpt, date, time)], assay("5.00", "0.900"))
    expected = (group, number, elapsed, ref, dose)
    assert shown(found, "PCGRPID PCTPTNUM PCELTM PCTPTREF PCRFTDTC")[0] == expected, why


RESPONSES = [("CR", "CR"), ("CRh", "CRh"), ("CRi", "CRi"), ("MLFS", "MORPHOLOGIC LEUKEMIA-FREE STATE"), ("PR", "PR"),
             ("NR", "NR"), ("RD", "NR"), ("PD", "PD"), ("REL", "RELAPSED DISEASE"), ("NE", "NE")]  # fmt: skip


@pytest.mark.parametrize(("collected", "standard"), RESPONSES)
def test_investigator_response(collected, standard):
    resp = [{"RSPDAT": "07-APR-2025", "RSPRES": collected, "RSPREAS": "Platelets low", "BMACC": "BM7", "VISITOID": "C2D1"}]
    datasets, issues = built(["RS"], resp=resp)
    record = datasets["RS"].iloc[0].dropna().to_dict()
    assert record == {
        "STUDYID": "BY002", "DOMAIN": "RS", "USUBJID": "BY002-01-901", "RSSEQ": 1, "RSLNKGRP": "BM7", "RSTESTCD": "OVRLRESP",
        "RSTEST": "Overall Response", "RSCAT": "ELN DOHNER AML 2022", "RSORRES": collected, "RSSTRESC": standard,
        "RSEVAL": "INVESTIGATOR", "VISITNUM": 201, "VISIT": "C2D1", "VISITDY": 29, "EPOCH": "TREATMENT",
        "RSDTC": "2025-04-07", "RSDY": 29,
    }  # fmt: skip
    assert datasets["SUPPRS"][["IDVARVAL", "QNAM", "QVAL"]].to_numpy().tolist() == [["1", "RSPREAS", "Platelets low"]]
    assert not issues


def test_mrd_extramedullary_disease_and_performance_status():
    mrd = [{"MRDDAT": "07-APR-2025", "MRDRES": "POS", "MRDPCT": "0.2", "VISITOID": "C2D1"}]
    emd = [{"EMDDAT": "03-MAR-2025", "EMDRES": "PRESENT", "EMDSITE": "Gum", "VISITOID": "SCR"}]
    ecog = rows("ECOGDAT ECOGSC VISITOID", "03-MAR-2025 1 SCR", "10-MAR-2025 2 C1D1", "17-MAR-2025 0 C1D8")
    datasets, issues = built(["RS"], mrd=mrd, emd=emd, ecog=ecog)
    columns = "RSCAT RSTESTCD RSTEST RSSTRESC RSSTRESN RSEVAL RSLOBXFL EPOCH"
    eln, status = "ELN DOHNER AML 2022", ("ECOG", "ECOG101", "ECOG1-Performance Status")
    assert shown(datasets["RS"], columns) == [
        (*status, "1", 1, "", "", "SCREENING"),
        (*status, "2", 2, "", "Y", "SCREENING"),  # planned before the first dose of that day
        (*status, "0", 0, "", "", "TREATMENT"),
        (eln, "EMDRESP", "Extramedullary Disease Response", "PRESENT", "", "INVESTIGATOR", "Y", "SCREENING"),
        (eln, "MRDRESP", "Minimal Residual Disease Response", "POSITIVE", "", "INVESTIGATOR", "", "TREATMENT"),
    ]
    assert datasets["RS"]["RSORRES"].tolist()[2] == "Fully active, able to carry on all pre-disease performance without restriction"
    assert datasets["SUPPRS"][["IDVARVAL", "QNAM", "QVAL"]].to_numpy().tolist() == [["4", "EMDSITE", "Gum"]]
    assert not issues


def test_a_number_below_the_limit_and_a_sample_before_its_dose_are_listed():
    _, _, issues = pc([sample("C1D1", "1H", time="07:00")], assay("0.90", "0.700"))
    assert sorted((i.variable, i.severity) for i in issues) == [("PCDTC", "warning")] * 2 + [("PCSTRESN", "warning")]
