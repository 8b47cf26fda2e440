"""A dataset file describes itself as the study does; every difference is found."""

from dataclasses import replace

import pytest

from formats.metadata import DatasetMeta, VariableMeta
from validators.files import file_faults, length_faults, settled


def meta(info):
    lengths = {"Char": 10, "Num": 8}
    return DatasetMeta(
        info.name,
        info.label,
        tuple(VariableMeta(v.name, v.label, v.type, v.length or lengths[v.type], v.format) for v in info.variables),
    )


def changed(described, of, /, **what):
    return described.with_variables(tuple(replace(v, **what) if v.name == of else v for v in described.variables))


@pytest.mark.parametrize("name", ["AE", "ADSL"])
def test_a_file_that_says_what_the_study_says_has_no_fault(catalogue, name):
    info = catalogue.datasets[name]
    assert list(file_faults(catalogue, info, meta(info))) == []


@pytest.mark.parametrize(
    ("name", "variable", "what", "says"),
    [
        ("AE", "AETERM", {"label": "Term"}, "the label in the file is another: Term"),
        ("AE", "AETERM", {"label": "T" * 41}, "no label for a transport file"),
        ("AE", "AETERM", {"length": 201}, "longer than 200 bytes: 201"),
        ("ADSL", "TRTSDT", {"format": "8."}, "the format in the file is another: 8."),
        ("ADSL", "AGE", {"type": "Char"}, "the type in the file is another: Char"),
        ("ADSL", "SEX", {"name": "SEXOFPERSON"}, "no name for a transport file: SEXOFPERSON"),
    ],
)
def test_a_difference_is_found(catalogue, name, variable, what, says):
    info = catalogue.datasets[name]
    found = [f.says for f in file_faults(catalogue, info, changed(meta(info), variable, **what))]
    assert any(says in f for f in found), found


def test_another_dataset_label_is_found(catalogue):
    info = catalogue.datasets["AE"]
    (fault,) = file_faults(catalogue, info, replace(meta(info), label="Events"))
    assert fault.says == "the label of the file is another: Events" and fault.expected == "Adverse Events"


def test_a_variable_that_adamig_requires_is_missed(catalogue):
    info = catalogue.datasets["ADSL"]
    described = meta(info)
    without = described.with_variables(tuple(v for v in described.variables if v.name != "RACE"))
    assert [f.variable for f in file_faults(catalogue, info, without)] == ["RACE"]


def test_lengths_are_those_of_the_file_and_the_same_throughout_a_package(catalogue):
    info = catalogue.datasets["AE"]
    assert settled(info, meta(info)).variable("AETERM").length == 10
    one, other = meta(info), replace(meta(catalogue.datasets["CM"]), name="CM")
    assert list(length_faults([one, other])) == []
    (fault,) = length_faults([one, changed(other, "USUBJID", length=12)])
    assert "10 in AE, 12 in CM" in fault.says and fault.variable == "USUBJID"
    assert list(length_faults([one, replace(changed(other, "USUBJID", length=12), name="SUPPCM")])) == []
