"""Every handling of deliberate mess has a test of its own; here is which, and those that stand nowhere else.

HANDLINGS is the design's list of mess (section "Deliberate mess and its required handling"), each with the tests that
hold its handling on hand-made records; one test below fails when any of them is renamed or gone. After it stand the
tests of handlings and of rules that touch several datasets.
"""

import ast
import csv
import shutil

import pytest

from edc.export import read_export
from engine.errors import FileError
from engine.spec.study import load_study
from tests.by002.conftest import ROOT, STUDY
from tests.by002.test_interventions_and_events import BASE, DRUG, EVENT, build, rows
from tests.sdtm import made_up

HANDLINGS = {
    "partial or unknown dates": "edc/test_dates: test_dates_keep_the_precision_collected;"
    " by002/test_interventions_and_events: test_partial_dates_stay_partial",
    "missing time": "edc/test_dates: test_dates_keep_the_precision_collected",
    "UTC stamps": "sdtm/test_vs_and_eg: test_the_visit_is_that_of_the_local_date;"
    " sdtm/test_subjects: test_death_details_are_dated_by_their_collection_in_local_time",
    "Excel serials": "sdtm/test_gf_and_be: test_serial_dates_of_the_1900_system",
    "full-width and Greek characters": "edc/test_dates: test_text_in_ascii_spelling;"
    " by002/test_handlings: test_units_are_spelled_as_the_hospital_likes",
    "leftover text that is not ASCII": "by002/test_handlings: test_text_that_nobody_translates_stops_the_build",
    "Chinese free text": "by002/test_interventions_and_events: test_chinese_is_translated_and_never_written;"
    " sdtm/test_answers_and_translations: test_english_is_taken_or_looked_up",
    "missing translation": "by002/test_interventions_and_events: test_a_missing_translation_is_blocking",
    "encodings": "edc/test_export: test_vendor_text_is_decoded_and_knows_its_load;"
    " edc/test_carriers: test_a_wrong_byte_is_named_with_its_line_in_any_block",
    "mixed units, with the row's own ranges": "sdtm/test_lb: test_ranges_follow_age_and_the_unit_of_the_result;"
    " sdtm/test_lb: test_a_result_of_another_hospital_brings_its_own_range; sdtm/test_units: test_standard_result",
    "unknown unit": "sdtm/test_lb: test_a_unit_that_the_test_has_not_is_listed_and_gives_no_standard_number;"
    " sdtm/test_lb: test_a_result_of_another_hospital_in_an_unknown_unit_keeps_its_own_range_and_gets_no_standard_one",
    "results below or above a limit": "sdtm/test_lb: test_texts_and_results_below_a_limit;"
    " sdtm/test_ranges: test_nrind; by002/test_handlings: test_a_result_beyond_a_limit_is_converted_with_its_sign",
    "weight in jin, height in m, temperature in F": "sdtm/test_vs_and_eg: test_units_of_vital_signs;"
    " sdtm/test_units: test_degrees_fahrenheit_by_a_fraction_and_an_offset",
    "exact duplicate rows": "by002/test_interventions_and_events: test_of_exact_repeats_the_lowest_number_stays;"
    " sdtm/test_gf_and_be: test_rows_sent_twice_count_once_and_the_order_of_rows_changes_nothing;"
    " sdtm/test_subject_visits: test_an_exact_repeat_of_a_visit_is_dropped_and_counted;"
    " sdtm/test_vs_and_eg: test_a_form_entered_twice_counts_once",
    "LIS correction and cancellation": "sdtm/test_lb: test_the_latest_version_of_a_result_counts;"
    " sdtm/test_lb: test_a_result_not_done_has_neither_unit_nor_range;"
    " sdtm/test_lb: test_two_versions_of_the_same_load_that_differ_stop_the_build",
    "two values of one test, specimen and time": "sdtm/test_lb:"
    " test_the_same_test_and_time_under_two_accession_numbers_stays_twice",
    "reference ranges": "sdtm/test_ranges: test_the_range_in_force;"
    " sdtm/test_ranges: test_a_record_that_no_range_of_its_test_fits_is_listed",
    "re-screened person": "sdtm/test_subjects: test_demographics_of_a_person_screened_again;"
    " sdtm/test_subjects: test_a_failed_attempt_is_an_other_event_with_the_old_number;"
    " sdtm/test_subject_visits: test_a_failed_attempt_is_visit_0_1_and_all_its_findings_belong_to_it;"
    " sdtm/test_findings_about_and_deviations:"
    " test_a_failed_attempt_keeps_its_criterion_when_the_person_is_screened_again;"
    " sdtm/test_subject_elements: test_screening_of_a_person_screened_again_spans_from_the_first_consent",
    "visit not done": "sdtm/test_subject_visits: test_a_visit_not_done_has_a_reason_and_no_date",
    "missed PK sample": "sdtm/test_pc_and_rs: test_a_missed_sample_is_not_done_for_both_analytes",
    "barcode without a sample record": "sdtm/test_pc_and_rs: test_a_tube_without_a_sample_record_is_listed",
    "sample drawn without a result": "sdtm/test_pc_and_rs:"
    " test_a_drawn_sample_without_a_result_is_not_done_and_listed",
    "BLQ": "sdtm/test_pc_and_rs: test_below_the_limit_of_quantification_however_it_is_spelled",
    "above ULOQ, diluted": "sdtm/test_pc_and_rs:"
    " test_a_result_above_the_upper_limit_after_dilution_is_used_as_reported",
    "REPORTABLE N": "sdtm/test_pc_and_rs:"
    " test_a_result_that_is_not_reportable_is_not_done_with_the_comment_as_its_reason",
    "Other, specify": "by002/test_interventions_and_events: test_other_answers_of_the_event_form;"
    " by002/test_handlings: test_other_is_in_the_list_and_its_words_beside_it",
    "death outside the hospital, partial date": "sdtm/test_subjects: test_death_and_end_of_participation;"
    " by002/test_handlings: test_a_partial_date_of_death_is_the_same_everywhere",
    "medical coding as delivered": "by002/test_handlings: test_a_coding_file_of_two_versions_stops_the_build;"
    " by002/test_handlings: test_history_has_its_class_twice_and_no_code_of_its_own_making",
    "text over 200 bytes": "sdtm/test_comments_and_relations:"
    " test_a_long_comment_is_split_at_blanks_and_its_line_breaks_are_blanks;"
    " by002/test_interventions_and_events: test_a_long_term_goes_on_in_the_qualifiers;"
    " by002/test_handlings: test_a_long_text_where_none_may_go_on_stops_the_build",
    "deleted records": "edc/test_export: test_deleted_records_are_dropped_and_counted",
    "what disagrees with the manifest": "edc/test_export: test_a_broken_file_is_a_clear_error;"
    " edc/test_export: test_an_absent_manifest_is_a_warning",
}


@pytest.mark.parametrize(("mess", "tests"), HANDLINGS.items(), ids=HANDLINGS)
def test_each_handling_has_a_test_of_its_own(mess, tests):
    for each in tests.split(";"):
        file, name = (part.strip() for part in each.split(":"))
        tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (mess, each)


def said(issues, words):
    """Severity and variable of the issues whose message has these words."""
    return [(severity, variable) for severity, variable, message in issues if words in message]


# -- text and coding


@pytest.mark.parametrize(("unit", "reported", "number"), [
    ("×10⁹/L", "10^9/L", 3.2),
    ("x10^9/L", "10^9/L", 3.2),
    ("１０^9／L", "10^9/L", 3.2),
    ("K/uL", "10^9/L", 3.2),
    ("K/µL", "10^9/L", 3.2),
    ("K/μL", "10^9/L", 3.2),
    ("/μL", "10^6/L", 0.0032),
])  # fmt: skip
def test_units_are_spelled_as_the_hospital_likes(unit, reported, number):
    lis = made_up.rows("ACCNO SPEC TESTCODE RESULT UNIT COLLECT LOADDTM STATUS",
                       f"A1 BLOOD WBC ３.2 {unit} 2025/3/3~7:10 2025-04-05T02:10 F")  # fmt: skip
    datasets, _ = made_up.built(["LB"], lis=lis)
    assert made_up.shown(datasets["LB"], "LBORRES LBORRESU LBSTRESN LBSTRESU") == [("3.2", reported, number, "10^9/L")]


@pytest.mark.parametrize(("result", "unit", "text", "indicator"), [
    ("＜0.05", "g/dL", "<0.5", "LOW"),
    (">20", "g/dL", ">200", "HIGH"),
    ("＞1500", "g/L", ">1500", "HIGH"),
])  # fmt: skip
def test_a_result_beyond_a_limit_is_converted_with_its_sign(result, unit, text, indicator):
    ranges = made_up.rows("TESTCODE SEX AGELO AGEHI FROM TO LOW HIGH UNIT", "HGB M 18 120 2020-01-01 _ 130 175 g/L")
    lis = made_up.rows("ACCNO SPEC TESTCODE RESULT UNIT COLLECT LOADDTM STATUS",
                       f"A1 BLOOD HGB {result} {unit} 2025/3/3~7:10 2025-04-05T02:10 F")  # fmt: skip
    datasets, _ = made_up.built(["LB"], lis=lis, ref_ranges=ranges)
    assert made_up.shown(datasets["LB"], "LBSTRESC LBSTRESN LBNRIND") == [(text, "", indicator)]


def test_text_that_nobody_translates_stops_the_build():
    _, issues = build(("CM",), cm=[{**DRUG, "CMINDC": "头痛"}])
    assert [severity for severity, variable, _ in issues if variable == "CM.CMINDC"] == ["blocking"]
    _, issues = build(("CM",), cm=[{**DRUG, "CMDOSU": "mg☂"}])
    assert ("blocking", "CM.CMDOSU") in [i[:2] for i in issues], "a character that no rule spells in ASCII"


def test_a_long_text_where_none_may_go_on_stops_the_build():
    long = "Seen at home by the family doctor " * 7  # 238 bytes
    made, issues = build(("AE",), ae=[{**EVENT, "AETRT": "OTH", "AETRTO": long}])
    assert len(made["SUPPAE"][made["SUPPAE"]["QNAM"].isin(["AETRTO", "AETRTO1"])]) == 2 and not said(issues, "longer")
    _, issues = build(("SV",), visdt=[{"VISITOID": "SCR", "VISYN": "N", "VISREAS": long}])
    assert said(issues, "longer than 200 bytes") == [("blocking", "SV.SVREASOC")]


@pytest.mark.parametrize("name", ["meddra", "whodrug"])
def test_a_coding_file_of_two_versions_stops_the_build(name, export, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(export, raw)
    (raw / "manifest.csv").unlink()
    path = raw / "coding" / f"{name}.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert "-INVENTED," in lines[4]
    lines[4] = lines[4].replace("-INVENTED,", "-OTHER,")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    study = load_study(STUDY)
    with pytest.raises(FileError) as error:
        read_export(study.raw, study.forms, raw)
    assert f"coding/{name}.csv:5  {name}: VERSION is not the same in all records" in str(error.value)


@pytest.mark.parametrize(
    ("file", "column", "was", "now"),
    [
        ("lis/lab_*.csv", "STATUS", "X", "x"),
        ("lis/lab_*.csv", "STATUS", "F", "P"),
        ("lis/lab_*.csv", "STATUS", "F", ""),
        ("pk/conc.csv", "REPORTABLE", "Y", "NO"),
        ("pk/conc.csv", "REPORTABLE", "N", "n"),
        ("ngs/samples.csv", "QC", "FAIL", "fail"),
    ],
)
def test_a_vendor_code_in_another_spelling_never_passes_for_the_usual_one(export, tmp_path, file, column, was, now):
    raw = tmp_path / "raw"
    shutil.copytree(export, raw)
    (raw / "manifest.csv").unlink()
    encoding = "gb18030" if file.startswith("lis") else "utf-8"
    for path in sorted(raw.glob(file)):
        with path.open(encoding=encoding, newline="") as stream:
            records = list(csv.DictReader(stream))
        if any(r[column] == was for r in records):
            break
    next(r for r in records if r[column] == was)[column] = now
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, records[0].keys())
        writer.writeheader()
        writer.writerows(records)
    study = load_study(STUDY)
    with pytest.raises(FileError) as error:
        read_export(study.raw, study.forms, raw)
    assert f"{column} holds what is no code of it in 1 record\n" in str(error.value)
    assert f'"{now}"' in str(error.value) and path.name in str(error.value)


def test_history_has_its_class_twice_and_no_code_of_its_own_making():
    made, issues = build(("MH",), mh=[{"MHTERM": "Gout", "MHONGO": "Y"}, {"MHTERM": "Left leg", "MHONGO": "Y"}])
    general = made["MH"][made["MH"]["MHCAT"] == "GENERAL"]
    assert rows(general, "MHTERM", "MHDECOD", "MHBODSYS", "MHSOC") == [
        ["Left leg", "", "", ""],
        ["Gout", "GOUT", "S", "S"],
    ]
    assert [i[:2] for i in issues] == [("warning", "MH.MHDECOD")], "not in the coding file: asked once, never guessed"


def test_other_is_in_the_list_and_its_words_beside_it():
    demo = {"BRTHDAT": "UN-MAR-1965", "SEX": "M", "RACE": "ASIAN", "ETHNICG": "OTHER", "ETHOTH": "Zhuang"}
    dose = {**BASE["dose"][0], "DTAKEN": "N", "DONGO": "N", "DENDAT": "12-MAR-2025", "DREAS": "OTHER", "DREASO": "药片丢失"}
    made, _ = build(("DM", "EC"), demo=[demo], dose=[dose], pkd=[])
    assert rows(made["SUPPDM"], "QNAM", "QVAL") == [["ETHGRP", "OTHER"], ["ETHGRPO", "Zhuang"]]
    assert rows(made["EC"], "ECOCCUR", "ECREASOC") == [["N", "Tablets lost"]]


# -- death

DEAD = {"DTHDAT": "UN-AUG-2025", "DTHCAUS": "DISEASE", "AUTOP": "N", "ENTRYDTM": "2025-08-20T02:00:00Z"}
LAST = {**BASE["dose"][0], "DENDAT": "01-JUN-2025", "DONGO": "N"}
STOPPED = {"VISITOID": "EOT", "EOTDAT": "03-JUN-2025", "LASTDOS": "01-JUN-2025", "EOTREAS": "PD"}
ENDED = {"VISITOID": "EOS", "EOSDAT": "UN-AUG-2025", "EOSREAS": "DEATH"}


def test_a_partial_date_of_death_is_the_same_everywhere():
    made, issues = build(("DM", "DS", "SE", "DD"), dose=[LAST], eot=[STOPPED], eos=[ENDED], dth=[DEAD])
    assert rows(made["DM"], "DTHFL", "DTHDTC", "RFPENDTC") == [["Y", "2025-08", "2025-08"]]
    deaths = made["DS"][made["DS"]["DSDECOD"] == "DEATH"]
    assert rows(deaths, "DSSTDTC", "DSSTDY", "EPOCH")[0][0] == "2025-08" and len(deaths) == 1
    assert made["SE"]["SEENDTC"].tolist()[-1] == "2025-08"
    assert rows(made["DD"], "DDTESTCD", "DDDTC", "EPOCH") == [
        [test, "2025-08-20", "LONG-TERM FOLLOW-UP"] for test in ("AUTOPIND", "PRCDTH")
    ], "recorded in the month of the death, which the last element includes"
    assert not said(issues, "death")


def test_details_of_a_death_that_were_recorded_after_the_last_element_have_no_epoch():
    dead, ended = {**DEAD, "DTHDAT": "10-AUG-2025"}, {**ENDED, "EOSDAT": "10-AUG-2025"}
    made, _ = build(("DD",), dose=[LAST], eot=[STOPPED], eos=[ended], dth=[dead])
    assert rows(made["DD"], "DDDTC", "EPOCH") == [["2025-08-20", ""]] * 2


def test_a_death_without_an_end_of_study_is_asked_about_and_ends_what_was_ongoing():
    ongoing = {"ae": [{**EVENT, "AEONGO": "Y", "AEENDAT": "", "AEOUT": "NOT RECOVERED/NOT RESOLVED"}],
               "cm": [{**DRUG, "CMONGO": "Y", "CMENDAT": ""}]}  # fmt: skip
    dead = {**DEAD, "DTHDAT": "10-AUG-2025"}
    made, issues = build(("DM", "AE", "CM"), dose=[LAST], eot=[STOPPED], dth=[dead], **ongoing)
    assert said(issues, "no form says that the study ended") != []
    assert rows(made["AE"], "AEENRTPT", "AEENTPT") == [["ONGOING", "2025-08-10"]]
    assert rows(made["CM"], "CMENRTPT", "CMENTPT") == [["ONGOING", "2025-08-10"]]
    ended = {**ENDED, "EOSDAT": "10-AUG-2025"}
    made, issues = build(("DM", "AE", "CM"), dose=[LAST], eot=[STOPPED], dth=[dead], eos=[ended], **ongoing)
    assert said(issues, "no form says that the study ended") == []
    made, issues = build(("AE", "CM"), **ongoing)
    assert made["AE"]["AEENTPT"].tolist() == made["CM"]["CMENTPT"].tolist() == ["2026-03-31"], "alive: the cut-off"


# -- doses, visits, samples, events


@pytest.mark.parametrize(("end", "last", "exposure", "follow_up", "why"), [
    ("UN-MAY-2025", "20-MAY-2025", "2025-05", "2025-05-21", "the complete date of the end of treatment form wins"),
    ("18-MAY-2025", "20-MAY-2025", "2025-05-18", "2025-05-19", "a complete end of the dose form stands"),
])  # fmt: skip
def test_of_the_last_dose_a_complete_date_is_taken_before_a_partial_one(end, last, exposure, follow_up, why):
    made, _ = build(("DM", "SE"), dose=[{**LAST, "DENDAT": end}], eot=[{**STOPPED, "LASTDOS": last}])
    assert made["DM"]["RFXENDTC"].tolist() == [exposure], why
    starts = dict(rows(made["SE"], "ETCD", "SESTDTC"))
    assert starts["SFU"] == follow_up, why


@pytest.mark.parametrize(("done", "occurred", "asked"), [("Y", "Y", False), ("N", "N", False), ("U", "", True), ("", "", True)])
def test_whether_a_visit_took_place_is_not_guessed(done, occurred, asked):
    visit = {"VISITOID": "SCR", "VISYN": done, "VISMODE": "SITE"}
    visit |= {"VISREAS": "Heavy snow"} if done == "N" else {"VISDAT": "03-MAR-2025"}
    made, issues = build(("SV",), visdt=[visit])
    planned = made["SV"][made["SV"]["VISIT"] == "SCREENING"]
    assert planned["SVOCCUR"].tolist() == [occurred]
    assert (("warning", "SV.SVOCCUR") in [i[:2] for i in issues]) == asked


def test_a_result_of_a_sample_that_the_form_leaves_open_is_kept_and_listed():
    sample = {"VISITOID": "C1D1", "PKTPT": "1H", "PKDAT": "10-MAR-2025", "PKTIM": "09:00", "PKBAR": "T1"}
    conc = made_up.rows("PKBAR ANALYTE CONC UNIT DILUTION RUN ANDTM REPORTABLE COMMENT",
                        *(f"T1 {a} {c} ng/mL 1 R1 2025-04-01T10:00 Y _" for a, c in
                          (("BY002", "228.49"), ("BY002-M1", "31.200"))))  # fmt: skip
    for taken, listed in (("Y", 0), (None, 2), ("U", 2)):
        datasets, issues = made_up.built(["PC"], pks=[{**sample, "PKYN": taken}], conc=conc)
        assert made_up.shown(datasets["PC"], "PCSTRESN PCSTAT") == [(228.49, ""), (31.2, "")], taken
        assert sum("does not say was taken" in i.message for i in issues) == listed, taken


@pytest.mark.parametrize(("item", "variable"), [("AETOXGR", "AETOXGR"), ("AESTDAT", "AESTDTC"), ("AEREL", "AEREL")])
def test_an_event_without_its_grade_start_or_relation_is_asked_about_and_kept(item, variable):
    made, issues = build(("AE",), ae=[{**EVENT, item: ""}])
    assert rows(made["AE"], "AETERM", variable) == [["Cough", ""]]
    assert [i[:2] for i in issues] == [("warning", f"AE.{variable}")]
