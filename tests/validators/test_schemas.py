"""Every rule of a schema catches the corruption that it is for, at its record, and lets the clean dataset pass."""

import numpy as np
import pandas as pd
import pytest

from engine.standards import load_terminology
from validators.findings import Named, listed, problem
from validators.schemas import make_schema


def faults(catalogue, frames, name, frame=None):
    info = catalogue.supplemental("AE") if name == "SUPPAE" else catalogue.datasets[name]
    parent = frames["AE"] if name == "SUPPAE" else None
    return make_schema(catalogue, info, parent).faults(frames[name] if frame is None else frame)


@pytest.mark.parametrize("name", ["DM", "EX", "AE", "CM", "LB", "SE", "SV", "DS", "TA", "TS", "MI", "EG", "GF", "SUPPAE", "ADSL", "ADTTE"])
def test_a_clean_dataset_has_no_fault(catalogue, frames, name):
    assert faults(catalogue, frames, name) == []


@pytest.mark.parametrize(
    ("name", "variable", "row", "value", "rule", "why"),
    [
        ("AE", "AETERM", 1, "Caf\u00e9 pain", "ascii", "not ASCII"),
        ("AE", "AETERM", 1, "two\nlines", "ascii", "a line break is no printable character"),
        ("AE", "AETERM", 1, "x" * 201, "length", "longer than a variable may be"),
        ("AE", "AETERM", 1, " Rash", "blanks", "leading blank"),
        ("AE", "AETERM", 1, "", "blanks", "missing text is null, never empty"),
        ("AE", "AETERM", 1, None, "required", "a required variable is null"),
        ("AE", "AESER", 1, "Yes", "codelist", "not a term of NY"),
        ("AE", "AESTDTC", 1, "2030-02-30", "iso8601", "no such day"),
        ("AE", "AESTDTC", 1, "2030-4-1", "iso8601", "two digits for a month"),
        ("AE", "AESEQ", 1, 2.5, "sequence", "no whole number"),
        ("AE", "AESEQ", 1, 1.0, "sequence", "a number twice"),
        ("AE", "AESEQ", 1, 3.0, "sequence", "a gap"),
        ("AE", "AESTDY", 0, np.inf, "number", "infinite"),
        ("AE", "DOMAIN", 1, "AX", "fixed", "another domain"),
        ("AE", "STUDYID", 1, "OTHER", "fixed", "another study"),
        ("EX", "EXDOSU", 0, "bucket", "codelist", "an extensible list holds only what is declared"),
        ("LB", "LBTESTCD", 0, "alt", "name", "lower case"),
        ("LB", "LBTESTCD", 2, "SHINE", "codelist", "a test that nobody declared"),
        ("LB", "LBTEST", 0, "Alanine", "decode", "not the name of the code"),
        ("LB", "LBTEST", 0, "Aspartate Aminotransferase", "decode", "the name of another code of the list"),
        ("LB", "LBTESTCD", 0, "AST", "decode", "another code of the list"),
        ("LB", "LBTEST", 2, "Sheen of the Skin", "decode", "not the sponsor's own name"),
        ("LB", "LBSTRESC", 1, "PLENTY", "codelist", "a text that is no term of results"),
        ("SV", "VISIT", 1, "SCREENING", "pair", "one name for two visits"),
        ("SE", "ELEMENT", 2, "Washout", "pair", "two names of an element"),
        ("TA", "ARM", 1, "Arm B", "pair", "two names of an arm"),
        ("TS", "TSPARM", 1, "Trial Type", "decode", "the name of another parameter of the trial"),
        ("MI", "MITEST", 0, "Cellularity", "decode", "a list whose name is cut short"),
        ("DS", "DSDECOD", 0, "COMPLETED", "codelist", "a disposition where a milestone is told"),
        ("DS", "DSDECOD", 1, "RANDOMIZED", "codelist", "a milestone where a disposition is told"),
        ("SUPPAE", "IDVARVAL", 1, "9", "parent", "no such record"),
        ("SUPPAE", "USUBJID", 1, "T-2", "parent", "a record of another subject"),
        ("SUPPAE", "QNAM", 1, "AESEV", "qualifier", "a variable of the standard"),
        ("SUPPAE", "QNAM", 1, "TOOLONGNAME", "name", "longer than eight"),
        ("SUPPAE", "QLABEL", 1, "Dose-Limiting", "decode", "another label than the spec's"),
        ("SUPPAE", "QVAL", 1, "Yes", "codelist", "the qualifier's own codelist"),
        ("SUPPAE", "RDOMAIN", 1, "CM", "fixed", "another parent"),
        ("SUPPAE", "QVAL", 1, None, "required", "a qualifier without a value"),
        ("ADTTE", "PARAMCD", 1, None, "required", "no parameter"),
        ("ADTTE", "PARAMCD", 1, "OS", "keys", "a second record of a parameter"),
        ("ADTTE", "PARAM", 1, "Overall Survival", "pair", "one text for two parameters"),
        ("ADTTE", "ABLFL", 1, "N", "codelist", "ADaMIG lets a baseline flag be Y or null"),
        ("ADSL", "SEX", 1, "male", "codelist", "not a term of SEX"),
        ("ADSL", "TRTEDTF", 0, "X", "codelist", "no level of imputation"),
        ("ADSL", "USUBJID", 1, "T-1", "keys", "a subject twice"),
    ],
)  # fmt: skip
def test_a_corrupted_value_is_caught_at_its_record(catalogue, frames, name, variable, row, value, rule, why):
    frame = frames[name].copy()
    frame.loc[row, variable] = value
    found = [f for f in faults(catalogue, frames, name, frame) if f.rule == rule]
    assert found, why
    assert any(row in f.rows for f in found), (why, found)


@pytest.mark.parametrize(
    ("change", "rule", "variable"),
    [
        (lambda f: f.drop(columns="AESER"), "variable", "AESER"),
        (lambda f: f.drop(columns="AEACN"), "variable", "AEACN"),
        (lambda f: f.assign(AEXTRA="x"), "variable", "AEXTRA"),
        (lambda f: f[[*f.columns[1:], "STUDYID"]], "order", "DOMAIN"),
        (lambda f: f.assign(AESTDY=f["AESTDY"].astype("str")), "type", "AESTDY"),
        (lambda f: f.assign(AETERM=pd.Series([1.0, 2.0, 3.0])), "type", "AETERM"),
        (lambda f: pd.concat([f, f.iloc[[0]]], ignore_index=True), "keys", ""),
    ],
    ids=["required gone", "expected gone", "unknown", "order", "text for numbers", "numbers for text", "repeat"],
)
def test_a_corrupted_dataset_is_caught(catalogue, frames, change, rule, variable):
    found = faults(catalogue, frames, "AE", change(frames["AE"]))
    assert (rule, variable) in [(f.rule, f.variable) for f in found]


def test_an_actual_arm_has_one_code(catalogue, frames):
    frame = frames["DM"].copy()
    frame.loc[1, ["ACTARMCD", "ACTARM"]] = ["B", "Arm A"]
    assert [(f.variable, f.rows.tolist()) for f in faults(catalogue, frames, "DM", frame) if f.rule == "pair"] == [("ACTARM", [1])]


def test_a_wrong_pair_of_terms_is_caught_though_every_record_has_it(catalogue, frames):
    """Both values are terms of their lists and always stand together: only their common C-code tells."""
    frame = frames["LB"].copy()
    frame.loc[[0, 1], "LBTEST"] = "Albumin"
    (fault,) = faults(catalogue, frames, "LB", frame)
    assert (fault.rule, fault.variable, fault.rows.tolist(), fault.values) == ("decode", "LBTEST", [0, 1], ["Albumin"] * 2)


def test_the_settled_length_binds(catalogue, frames):
    info = catalogue.datasets["AE"]
    short = [v if v.name != "AETERM" else type(v)(v.name, v.label, v.type, 4) for v in info.variables]
    shortened = type(info)(info.name, info.label, info.klass, info.structure, info.package, info.keys, tuple(short))
    (fault,) = make_schema(catalogue, shortened).faults(frames["AE"])
    assert (fault.rule, fault.variable, fault.rows.tolist(), fault.values) == ("length", "AETERM", [1], ["Cough"])


def test_terms_of_the_study_and_results_that_are_measured_pass(catalogue, frames):
    frame = frames["LB"].copy()
    frame["LBSTRESC"] = pd.Series([">1500", "1:40", None], dtype="str")
    assert faults(catalogue, frames, "LB", frame) == []
    assert "spoon" in frames["EX"]["EXDOSU"].tolist()
    assert "NEGATIVE" in load_terminology("SDTM", "2025-03-28").codelist("C102580").terms


def test_a_fault_says_who_what_and_where_in_the_words_of_the_field(catalogue, frames):
    frame = frames["AE"].copy()
    frame.loc[[0, 2], "AESER"] = "Yes"
    (fault,) = faults(catalogue, frames, "AE", frame)
    named = Named(catalogue.datasets["AE"], frame)
    said = str(problem(fault, named, lambda row: f"edc/AE.csv line {row + 2}"))
    assert "AE.AESER: 2 records: a value that codelist NY (C66742, not extensible) does not hold" in said
    assert "Yes x2, first T-1, AESTDTC 2030-03-09, AETERM Rash, from edc/AE.csv line 2" in said
    assert "one of N, NA, U, Y" in said and "ae.yaml:" in said.splitlines()[0]
    rows = listed([fault], lambda _: named)
    assert [(r.subject, r.key) for r in rows] == [
        ("T-1", "AESTDTC 2030-03-09, AETERM Rash"),
        ("T-2", "AESTDTC 2030-03-12, AETERM Rash"),
    ]
    assert rows[0].message.startswith("a value that codelist NY (C66742, not extensible) does not hold: Yes; expected")
    for word in ("Check", "DataFrame", "pandera", "Series", "column"):
        assert word not in said + rows[0].message


def test_of_very_many_records_the_first_are_listed_and_the_rest_counted(catalogue, frames):
    many = pd.concat([frames["AE"].iloc[[0]]] * 5000, ignore_index=True)
    many["AESEQ"] = np.arange(1.0, 5001.0)
    many["AETERM"] = [f"Rash {i}" for i in range(5000)]
    many["AESER"] = "Yes"
    (fault,) = faults(catalogue, frames, "AE", many)
    rows = listed([fault], lambda _: Named(catalogue.datasets["AE"], many))
    assert len(rows) == 1001 and any("4,000 more records" in r.message for r in rows)


def test_shuffled_records_give_the_same_findings(catalogue, frames):
    frame = frames["AE"].copy()
    frame.loc[[0, 2], "AESER"] = "Yes"
    told = []
    for order in ([0, 1, 2], [2, 0, 1]):
        some = frame.iloc[order].reset_index(drop=True)
        named = Named(catalogue.datasets["AE"], some)
        told.append(listed(faults(catalogue, frames, "AE", some), lambda _, named=named: named))
    assert told[0] == told[1]
