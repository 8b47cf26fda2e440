"""Standards as data: what SDTMIG, ADaMIG and the terminology say, spot-checked by hand."""

import pytest

from engine.errors import CommandError, FileError, SpecError
from engine.standards import load_adamig, load_sdtmig, load_terminology
from engine.standards.terminology_import import HEADER, import_terminology

SDTM_CT = "2025-03-28"


def test_sdtmig_holds_all_datasets_and_variables():
    datasets = load_sdtmig().datasets
    assert len(datasets) == 63
    assert sum(len(d.variables) for d in datasets.values()) == 1917


@pytest.mark.parametrize(
    ("dataset", "variable", "label", "type_", "core"),
    [
        ("DM", "USUBJID", "Unique Subject Identifier", "Char", "Req"),
        ("AE", "AESER", "Serious Event", "Char", "Exp"),
        ("LB", "LBSTRESN", "Numeric Result/Finding in Standard Units", "Num", "Exp"),
        ("EX", "EXDOSE", "Dose", "Num", "Exp"),
    ],
)
def test_variables_are_as_sdtmig_lists_them(dataset, variable, label, type_, core):
    found = load_sdtmig().datasets[dataset].variables[variable]
    assert (found.label, found.type, found.core) == (label, type_, core)


def test_a_variable_of_the_model_is_found_for_a_domain_of_its_class():
    found = load_sdtmig().variable("PC", "PCREFID")
    assert (found is not None and found.label == "Specimen ID") or found.label == "Reference ID"
    assert load_sdtmig().variable("AE", "AEQQQ") is None
    assert load_sdtmig().is_model_variable("AESPID", "AE")


def test_no_label_is_longer_than_a_transport_file_takes():
    labels = [v.label for d in load_sdtmig().datasets.values() for v in d.variables.values()]
    assert max(map(len, labels)) <= 40


@pytest.mark.parametrize(
    ("structure", "name", "label"),
    [
        ("ADSL", "TRT01P", "Planned Treatment for Period 01"),
        ("BDS", "ANL02FL", "Analysis Flag 02"),
        ("BDS", "AVALCAT1", "Analysis Value Category 1"),
        ("ADSL", "TR01AG1", "Actual Pooled Treatment 1 for Period 01"),
        ("BDS", "CNSR", "Censor"),
    ],
)
def test_numbered_adam_names_get_their_numbers_into_the_label(structure, name, label):
    found = load_adamig().variable(structure, name)
    assert found is not None and found.label == label


def test_an_unknown_adam_name_is_unknown():
    assert load_adamig().variable("ADSL", "QQQQ") is None


def test_every_codelist_that_sdtmig_names_is_there_whole():
    terminology = load_terminology("SDTM", SDTM_CT)
    named = {c for d in load_sdtmig().datasets.values() for v in d.variables.values() for c in v.codelists}
    # MSRESCAT's list (C85495) was retired before this release
    assert [c for c in sorted(named) if terminology.codelist(c) is None] == ["C85495"]
    assert set(terminology.codelist("NY").terms) == {"Y", "N", "U", "NA"}
    assert not terminology.codelist("NY").extensible and terminology.codelist("LBTESTCD").extensible


def test_test_codes_decode_through_their_shared_c_code():
    terminology = load_terminology("SDTM", SDTM_CT)
    assert terminology.decode("LBTESTCD")["ALT"] == "Alanine Aminotransferase"
    assert terminology.decode("ONCRTSCD")["OVRLRESP"] == "Overall Response"


def test_a_synonym_gives_its_submission_value_only_when_it_is_the_only_one():
    unit = load_terminology("SDTM", SDTM_CT).codelist("UNIT")
    assert unit.synonym("mg") == "mg"
    assert unit.synonym("no such unit") is None


def test_an_unknown_release_names_those_that_are_there():
    with pytest.raises(SpecError, match=SDTM_CT):
        load_terminology("SDTM", "1999-01-01")


def nci(*rows):
    return "\n".join("\t".join(r) for r in [HEADER, *rows]) + "\n"


LIST = ("C1", "", "Yes", "Colour", "COLOUR", "", "A list.", "Colour List")
RED = ("C2", "C1", "", "Colour", "RED", "Rouge; Rot", "A colour.", "Red")


def test_an_imported_release_is_found_and_says_the_same(tmp_path):
    file = tmp_path / "SDTM Terminology 2031-01-02.txt"
    file.write_text(nci(LIST, RED), encoding="utf-8")
    report = import_terminology(file, tmp_path)
    assert (report.kind, report.version, report.codelists, report.terms) == ("SDTM", "2031-01-02", 1, 1)
    found = load_terminology("SDTM", "2031-01-02", tmp_path).codelist("COLOUR")
    assert found.extensible and found.synonym("Rot") == "RED" and found.by_code("C2").value == "RED"
    first = report.path.read_bytes()
    import_terminology(file, tmp_path)
    assert report.path.read_bytes() == first


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([LIST, RED, RED], "stands twice"),
        ([RED], "is not in the file"),
        ([LIST, RED[:5]], "too few"),
        ([], "no term"),
    ],
)
def test_a_broken_release_is_refused_and_writes_nothing(tmp_path, rows, what):
    file = tmp_path / "ADaM Terminology 2031-01-02.txt"
    file.write_text(nci(*rows), encoding="utf-8")
    with pytest.raises(FileError, match=what):
        import_terminology(file, tmp_path)
    assert list(tmp_path.iterdir()) == [file]


def release(folder, date, *colours, lists=1):
    rows = []
    for n in range(lists):
        rows.append((f"C1{n}", "", "Yes", f"Colour {n}", f"COLOUR{n}", "", "A list.", "Colour List"))
        rows += [(f"C2{c}", f"C1{n}", "", "Colour", c, "", "A colour.", c) for c in colours]
    file = folder / f"SDTM Terminology {date}.txt"
    file.write_text(nci(*rows), encoding="utf-8")
    return file


def test_a_held_release_with_other_content_is_replaced_only_when_asked(tmp_path):
    held = import_terminology(release(tmp_path, "2031-01-02", "RED", "BLUE"), tmp_path)
    before = held.path.read_bytes()
    other = release(tmp_path, "2031-01-02", "RED")
    with pytest.raises(CommandError, match="other content") as error:
        import_terminology(other, tmp_path)
    assert "1 codelist, 1 term in the file" in str(error.value.problems[0])
    assert "1 codelist, 2 terms, as in" in str(error.value.problems[0])
    assert held.path.read_bytes() == before
    assert import_terminology(other, tmp_path, replace=True).counted == "1 codelist, 1 term"
    assert held.path.read_bytes() != before


def test_a_new_release_with_fewer_than_half_of_the_codelists_is_refused(tmp_path):
    import_terminology(release(tmp_path, "2031-01-02", "RED", lists=5), tmp_path)
    with pytest.raises(CommandError, match="fewer than half"):
        import_terminology(release(tmp_path, "2031-04-02", "RED", lists=2), tmp_path)
    assert import_terminology(release(tmp_path, "2031-04-02", "RED", lists=3), tmp_path).codelists == 3


def test_a_file_name_without_a_date_is_refused(tmp_path):
    file = tmp_path / "SDTM Terminology.txt"
    file.write_text(nci(LIST, RED), encoding="utf-8")
    with pytest.raises(CommandError, match="which release"):
        import_terminology(file, tmp_path)
