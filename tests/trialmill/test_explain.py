"""explain: a record's value with every variable that it came from, down to the raw file and line."""

import pytest

import adam  # noqa: F401
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.errors import CommandError
from trialmill.build import build_study
from trialmill.explain import explain, explain_record

FILES = {
    "spec/study.yaml": """
study: TOY-7
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
settings: {DCUTDT: 2030-12-31, SITE: "07"}
identity: {subjects: enrol, USUBJID: {prefix: TOY-7-, first: enrol.NO}}
""",
    "spec/raw.yaml": """
carriers: {csv: {folder: forms, pattern: "{form}.csv"}}
common: {NO: text}
roles: {subject: NO}
formats: {date: "YYYY/M/D"}
vendors: {words: {files: words.csv, columns: {TERM: text, PT: text}}}
""",
    "spec/sdtm/ae.yaml": """
dataset: AE
keys: [STUDYID, USUBJID, AESTDTC, AETERM]
records: {each: ae}
variables:
  AETERM: {copy: ae."Event Term"}
  AEDECOD: {look_up: AETERM, in: words, match: TERM, give: PT}
  AESTDTC: {iso8601: ae.START}
  AESER: {set: "N", where: "ae.SER is missing"}
  AESEQ: {sequence: keys}
  AELLT: {not_collected: not coded}
  AELLTCD: {not_collected: not coded}
  AEPTCD: {not_collected: not coded}
  AEHLT: {not_collected: not coded}
  AEHLTCD: {not_collected: not coded}
  AEHLGT: {not_collected: not coded}
  AEHLGTCD: {not_collected: not coded}
  AEBODSYS: {not_collected: not coded}
  AEBDSYCD: {not_collected: not coded}
  AESOC: {not_collected: not coded}
  AESOCCD: {not_collected: not coded}
  AEACN: {not_collected: not asked}
  AEREL: {not_collected: not asked}
  AEENDTC: {not_collected: not asked}
  EPOCH: {not_collected: no elements}
  AESTDY: {not_collected: no reference}
  AEENDY: {not_collected: no reference}
supplemental:
  AESITE: {copy: study.SITE, label: Site as Told}
  AEHARD: {copy: ae.SER, label: Serious as Told}
""",
    "spec/adam/adsl.yaml": """
dataset: ADSL
label: Subject-Level Analysis Dataset
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  FIRSTAE: {earliest: AE.AESTDTC, label: First Event, type: Char}
  AENO: {count: AE, label: Events, type: Num}
""",
    "raw/forms/enrol.csv": "NO\nA1\nB2\nC3\n",
    "raw/forms/ae.csv": 'NO,Event Term,START,SER\nA1,Rash,2030/3/9,Y\nA1,"  Cough\u2013dry ",2030/2/1,\nB2,Rash,2030/5/5,\n',
    "raw/words.csv": "TERM,PT\nCough-dry,Cough\nRash,Rash\n",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(place, variable, *chosen):
    return explain_record(variable, place / "spec", place / "raw", place / "out", chosen)


def test_a_value_is_followed_to_the_raw_text_as_it_was_received(place):
    lines = told(place, "AE.AEDECOD", "USUBJID=TOY-7-A1", "AESEQ=1")
    assert lines[0] == "AE.AEDECOD = Cough"
    assert "  from      forms/ae.csv line 3" in lines
    assert any('ae."Event Term" = Cough-dry (  Cough\u2013dry )  [forms/ae.csv line 3]' in line for line in lines)
    assert any("words = TERM Cough-dry, PT Cough  [words.csv line 2]" in line for line in lines)
    assert any("this subject's records alone" in line for line in lines)


def test_records_are_chosen_by_any_variables_of_the_dataset(place):
    assert told(place, "AE.AESEQ", "AETERM=Rash", "USUBJID=TOY-7-B2")[0] == "AE.AESEQ = 1"
    assert told(place, "AE.AESTDTC", "AEDECOD=Cough")[0] == "AE.AESTDTC = 2030-02-01"


def test_a_condition_that_does_not_hold_is_said(place):
    lines = told(place, "AE.AESER", "USUBJID=TOY-7-A1", "AETERM=Rash")
    assert lines[0] == "AE.AESER = (missing)"
    assert any("where ae.SER is missing does not hold" in line for line in lines)
    assert any("ae.SER = Y" in line for line in lines)


def test_a_variable_of_other_parts_of_the_dataset_is_missing_and_said_so(place):
    path = place / "spec" / "sdtm" / "ae.yaml"
    only = "parts:\n  all: {each: ae, variables: {AEPATT: {set: SINGLE EVENT}}}\n  late: {each: ae, where: \"ae.NO == 'B2'\"}\n"
    text = path.read_text(encoding="utf-8").replace("records: {each: ae}\n", only).replace("AETERM]", "AETERM, AEPATT]")
    path.write_text(text, encoding="utf-8")
    assert told(place, "AE.AEPATT", "USUBJID=TOY-7-A1", "AETERM=Rash")[0] == "AE.AEPATT = SINGLE EVENT"
    lines = told(place, "AE.AEPATT", "USUBJID=TOY-7-B2", "AESEQ=1")
    assert lines[0] == "AE.AEPATT = (missing)" and any("Not derived for the part" in line for line in lines)
    assert any("ae.yaml:5" in line for line in lines), "where the other part derives it"


def test_supplemental_qualifiers_and_settings_are_explained(place):
    lines = told(place, "SUPPAE.AESITE", "USUBJID=TOY-7-B2")
    assert lines[0] == "SUPPAE.AESITE = 07" and any("study.SITE = 07  [" in line for line in lines)


def test_an_analysis_value_is_followed_through_tabulation_to_raw(place):
    lines = told(place, "ADSL.FIRSTAE", "USUBJID=TOY-7-A1")
    text = "\n".join(lines)
    assert lines[0] == "ADSL.FIRSTAE = 2030-02-01"
    assert "AE.AESTDTC = 2030-02-01" in text and "(one of 2 records of the subject)" in text
    assert "ae.START = 2030/2/1  [forms/ae.csv line 3]" in text


@pytest.mark.parametrize(("chosen", "said"), [
    (["USUBJID=TOY-7-A1"], "2 records of AE have USUBJID=TOY-7-A1"),
    (["USUBJID=TOY-7-A1", "AESEQ=9"], "USUBJID=TOY-7-A1, AESEQ=1, AESTDTC=2030-02-01, AETERM=Cough-dry"),
    (["USUBJID=TOY-7-A11"], "nearest   TOY-7-A1"),
    (["AETREM=Rash"], "nearest   AETERM"),
    (["Rash"], "KEY=VALUE"),
    (["USUBJID=TOY-7-C3"], "no record of AE has USUBJID=TOY-7-C3"),
])
def test_no_record_or_several_is_an_error_that_lists_the_near_ones(place, chosen, said):
    with pytest.raises(CommandError) as error:
        told(place, "AE.AETERM", *chosen)
    assert said in str(error.value)


@pytest.mark.parametrize(("variable", "near"), [("AX.AETERM", "AE"), ("AE.AETREM", "AETERM"), ("SUPPAE.AESIT", "AESITE")])
def test_an_unknown_variable_names_the_near_ones(place, variable, near):
    with pytest.raises(CommandError, match=near):
        explain(variable, place / "spec")


def test_the_published_record_stands_beside_the_explanation(place):
    build_study(place / "spec", place / "raw", place / "out", [])
    assert any("published" in x and "ae.xpt record 1" in x for x in told(place, "AE.AETERM", "AESEQ=1", "USUBJID=TOY-7-A1"))
    raw = place / "raw" / "forms" / "ae.csv"
    raw.write_text(raw.read_text(encoding="utf-8").replace(",Y\n", ",\n"), encoding="utf-8")
    lines = told(place, "AE.AESER", "USUBJID=TOY-7-A1", "AETERM=Rash")
    assert lines[0] == "AE.AESER = N" and any("holds (missing): built from other raw data" in line for line in lines)


@pytest.mark.parametrize(("chosen", "lines"), [
    (["USUBJID=TOY-7-A1", "IDVARVAL=2", "QNAM=AEHARD"], ["SUPPAE.QVAL = Y", "  from      forms/ae.csv line 2"]),
    (["USUBJID=TOY-7-A1", "IDVARVAL=2", "QNAM=AEHARD", "RDOMAIN=AE", "IDVAR=AESEQ"], ["SUPPAE.QVAL = Y"]),
    (["USUBJID=TOY-7-A1", "IDVARVAL=1", "QNAM=AEHARD"],
     ["SUPPAE.QVAL = (missing)", "  no record of SUPPAE, since the qualifier has no value", "  from      forms/ae.csv line 3"]),
    (["USUBJID=TOY-7-B2", "IDVARVAL=1", "QNAM=AESITE"], ["SUPPAE.QVAL = 07"]),
])
def test_a_supplemental_record_is_chosen_by_its_own_variables(place, chosen, lines):
    build_study(place / "spec", place / "raw", place / "out", [])
    told_lines = told(place, "SUPPAE.QVAL", *chosen)
    assert [line for line in lines if line not in told_lines] == []
    published = any("suppae.xpt record" in line and "holds" not in line for line in told_lines)
    assert published == ("(missing)" not in told_lines[0])


@pytest.mark.parametrize(("variable", "chosen", "said"), [
    ("SUPPAE.QVAL", ["USUBJID=TOY-7-B2", "IDVARVAL=1"], "QNAM= one of AESITE, AEHARD"),
    ("SUPPAE.QVAL", ["USUBJID=TOY-7-B2", "IDVARVAL=1", "QNAM=AEHARDY"], "nearest   AEHARD"),
    ("SUPPAE.QLABEL", ["USUBJID=TOY-7-B2", "IDVARVAL=1", "QNAM=AEHARD"], "SUPPAE.QVAL and QNAM="),
    ("SUPPAE.QVAL", ["USUBJID=TOY-7-B2", "IDVARVAL=9", "QNAM=AEHARD"], "no record of AE has USUBJID=TOY-7-B2, AESEQ=9"),
    ("SUPPAE.QVAL", ["USUBJID=TOY-7-B2", "IDVARVAL=1", "QNAM=AEHARD", "RDOMAIN=CM"], "RDOMAIN=CM"),
])
def test_a_supplemental_record_that_is_not_there_or_not_told_apart_is_an_error(place, variable, chosen, said):
    with pytest.raises(CommandError) as error:
        told(place, variable, *chosen)
    assert said in str(error.value)


def test_qualifiers_without_a_record_are_all_listed(place):
    text = "\n".join(explain("SUPPAE.QVAL", place / "spec"))
    assert "AE.AESITE  " in text and "AE.AEHARD  " in text


def test_the_answer_comes_before_the_details(place):
    lines = told(place, "ADSL.FIRSTAE", "USUBJID=TOY-7-A1")
    details = next(n for n, line in enumerate(lines) if line.startswith("in detail"))
    assert details <= 6 and lines[1].startswith("  derived   The earliest")
    assert lines[2] == "  raw       ae.START = 2030/2/1  [forms/ae.csv line 3]"


def test_each_part_of_a_long_text_is_told(place):
    path = place / "spec" / "sdtm" / "ae.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('{copy: ae."Event Term"}', '{copy: ae."Event Term", overflow: supp}'), encoding="utf-8")
    raw = place / "raw" / "forms" / "ae.csv"
    long = " ".join(["itching"] * 40)  # 25 words and their blanks take 199 bytes
    raw.write_text(raw.read_text(encoding="utf-8").replace("B2,Rash", f"B2,{long}"), encoding="utf-8")
    words = place / "raw" / "words.csv"
    words.write_text(words.read_text(encoding="utf-8") + f"{long},Pruritus\n", encoding="utf-8")
    build_study(place / "spec", place / "raw", place / "out", [])
    first = told(place, "AE.AETERM", "USUBJID=TOY-7-B2", "AESEQ=1")
    second = told(place, "SUPPAE.QVAL", "USUBJID=TOY-7-B2", "IDVARVAL=1", "QNAM=AETERM1")
    assert first[0] == "AE.AETERM = " + " ".join(["itching"] * 25)
    assert second[0] == "SUPPAE.QVAL = " + " ".join(["itching"] * 15)
    assert any("part 1 of 2" in x for x in first) and any("part 2 of 2" in x for x in second)
    assert any("ae.xpt record" in x for x in first) and any("suppae.xpt record" in x for x in second)


RESULTS = {
    "spec/adam/res.yaml": """
dataset: RES
working: true
structure: BDS
keys: [STUDYID, USUBJID, ADT]
records: {each: lab}
variables:
  ADT:    {date: _DTC, format: DATE9.}
  _DTC:   {iso8601: lab.DAY, type: Char}
  AVAL:   {copy: lab.RESULT, type: Num}
  ABLFL:  {flag: "AVAL == 84"}
  BASE:   {first: RES.AVAL, where: "RES.ABLFL == 'Y'"}
  CHG:    {compute: AVAL - BASE, where: ABLFL is missing}
  _MEAN:  {mean: RES.AVAL, type: Num}
  _LOW:   {lowest: RES.AVAL, type: Num}
  _ANYFL: {exists: RES, where: "RES.AVAL > 80", type: Char}
  _NONE:  {first: RES.AVAL, where: "RES.AVAL > 999", type: Num}
  _NO:    {count: RES, type: Num}
  _GRP:   {set: P1, type: Char}
  _TIME:  {compute: ADT - 25600, type: Num}
  _DOSE:  {set: "100", type: Num}
""",
    "spec/adam/area.yaml": """
dataset: AREA
working: true
structure: BDS
keys: [STUDYID, USUBJID, PARAMCD]
records:
  - each: RES
  - nca: {profile: RES._GRP, time: RES._TIME, conc: RES.AVAL, dose: RES._DOSE, order: RES.ADT}
variables:
  PARAMCD: {copy: nca.PARAM}
  AVAL:    {copy: nca.VALUE}
""",
    "spec/adam/signs.yaml": """
dataset: SIGNS
working: true
structure: BDS
keys: [STUDYID, USUBJID, PARAMCD, _DAY]
records:
  - each: lab
  - transpose: {items: {HB: lab.RESULT, WT: lab.POUNDS}, units: {WT: lab.UNIT}}
variables:
  PARAMCD: {copy: item.CODE}
  _LB:     {copy: item.VALUE, type: Num}
  AVAL:    {compute: _LB * 0.45}
  _UNIT:   {copy: item.UNIT, type: Char}
  _DAY:    {copy: lab.DAY, type: Char}
""",
    "raw/forms/lab.csv": (
        "NO,DAY,RESULT,POUNDS,UNIT\nA1,2030/2/3,90,140,lb\nA1,2030/2/4,84,,\nA1,2030/2/5,79,,\n"
        "A1,2030/2/6,75,,\nA1,2030/2/7,,,\nB2,2030/2/3,70,,\n"
    ),
}


@pytest.fixture
def results(place):
    for name, text in RESULTS.items():
        (place / name).write_text(text, encoding="utf-8")
    return place


def raw_cells(place, variable, *chosen):
    lines = told(place, variable, "USUBJID=TOY-7-A1", *chosen)
    first = next(n for n, line in enumerate(lines) if line.startswith("  raw "))
    last = next(n for n, line in enumerate(lines) if line.startswith("  record "))
    return [line[12:] for line in lines[first:last]]


BASELINE, LATER = "lab.RESULT = 84  [forms/lab.csv line 3]", "lab.RESULT = 79  [forms/lab.csv line 4]"


def test_a_look_up_in_the_own_dataset_is_followed_to_the_record_that_it_picked(results):
    assert raw_cells(results, "RES.BASE", "ADT=2030-02-05") == [BASELINE]
    text = "\n".join(told(results, "RES.BASE", "USUBJID=TOY-7-A1", "ADT=2030-02-05"))
    assert "  from      forms/lab.csv line 4 (the record; its value comes from elsewhere)" in text
    assert "RES.ABLFL = Y" in text and "RES.AVAL = 84" in text and "RES.AVAL = 79" not in text
    assert "(the one that counts of 5 records of the subject) with ADT 2030-02-04" in text


def test_a_change_goes_back_to_both_records(results):
    assert raw_cells(results, "RES.CHG", "ADT=2030-02-05") == [LATER, BASELINE]


def test_the_lowest_goes_back_to_the_record_that_holds_it(results):
    assert raw_cells(results, "RES._LOW", "ADT=2030-02-03") == ["lab.RESULT = 75  [forms/lab.csv line 5]"]


def test_of_many_records_that_count_the_first_and_the_last_are_named_and_how_many_they_are(results):
    of = "of 5 records of the subject"
    assert raw_cells(results, "RES._MEAN", "ADT=2030-02-05") == [
        f"lab.RESULT = 90  [forms/lab.csv line 2]  (first {of})", f"lab.RESULT = (missing)  [forms/lab.csv line 6]  (last {of})",
    ]
    assert raw_cells(results, "RES._NO", "ADT=2030-02-05") == [
        f"RES = ADT 2030-02-03  [forms/lab.csv line 2]  (first {of})",
        f"RES = ADT 2030-02-07  [forms/lab.csv line 6]  (last {of})",
    ]


def test_few_records_that_count_are_all_named(results):
    assert [cell.split("  (")[0] for cell in raw_cells(results, "RES._ANYFL", "ADT=2030-02-05")] == [
        "lab.RESULT = 90  [forms/lab.csv line 2]", BASELINE,
    ]


def test_a_look_up_that_found_nothing_says_so(results):
    lines = told(results, "RES._NONE", "USUBJID=TOY-7-A1", "ADT=2030-02-05")
    assert lines[0] == "RES._NONE = (missing)" and not any("RESULT" in line for line in lines)
    assert "  RES = (none of 5 records of the subject counts)" in lines


def test_a_parameter_of_a_profile_goes_back_to_the_result_of_each_sample(results):
    assert raw_cells(results, "AREA.AVAL", "PARAMCD=CMAX") == [
        f"lab.RESULT = {value}  [forms/lab.csv line {line}]  ({n} of 4 that count, with RES._GRP P1)"
        for n, (value, line) in enumerate([(90, 2), (84, 3), (79, 4), (75, 5)], 1)
    ]
    text = "\n".join(told(results, "AREA.AVAL", "USUBJID=TOY-7-A1", "PARAMCD=CMAX"))
    assert "RES = RES.AVAL 84, RES._TIME 2  [forms/lab.csv line 3]" in text


CHOICES = """
dataset: PICKS
working: true
structure: BDS
keys: [STUDYID, USUBJID, ADT]
records: {each: RES}
variables:
  ADT:    {copy: RES.ADT, format: DATE9.}
  AVAL:   {copy: RES.AVAL}
  ABLFL:  {flag_first: [_GRP], order: [{highest: AVAL}], where: AVAL is present}
  _GRP:   {copy: RES._GRP, type: Char}
  _CASE:  {cases: [{when: AVAL > 85, copy: RES._GRP}, {when: AVAL > 80, copy: _DAY}], type: Char}
  _DAY:   {copy: RES._DTC, type: Char}
  _FIRST: {first_of: [_CASE, _DAY], type: Char}
  _LAST:  {latest: [RES._DTC, AE.AESTDTC], type: Char}
"""


@pytest.fixture
def picks(results):
    (results / "spec/adam/picks.yaml").write_text(CHOICES, encoding="utf-8")
    return results


def test_an_empty_flag_names_the_record_that_has_it(picks):
    lines = told(picks, "PICKS.ABLFL", "USUBJID=TOY-7-A1", "ADT=2030-02-05")
    assert lines[0] == "PICKS.ABLFL = (missing)"
    assert "  PICKS = ADT 2030-02-03  [forms/lab.csv line 2]  (has ABLFL Y)" in lines
    assert not any("has ABLFL" in line for line in told(picks, "PICKS.ABLFL", "USUBJID=TOY-7-A1", "ADT=2030-02-03"))


@pytest.mark.parametrize(("variable", "day", "cells"), [
    ("PICKS._CASE", "2030-02-04", ["lab.DAY = 2030/2/4  [forms/lab.csv line 3]"]),
    ("PICKS._FIRST", "2030-02-04", ["lab.DAY = 2030/2/4  [forms/lab.csv line 3]"]),
    ("PICKS._FIRST", "2030-02-06", ["lab.DAY = 2030/2/6  [forms/lab.csv line 5]"]),
])
def test_only_the_case_that_applied_is_what_a_value_goes_back_to(picks, variable, day, cells):
    assert raw_cells(picks, variable, f"ADT={day}") == cells


def test_of_several_datasets_only_that_which_holds_the_latest_date_is_followed_and_the_others_are_counted(picks):
    assert raw_cells(picks, "PICKS._LAST", "ADT=2030-02-05") == ["ae.START = 2030/3/9  [forms/ae.csv line 2]"]
    lines = told(picks, "PICKS._LAST", "USUBJID=TOY-7-A1", "ADT=2030-02-05")
    assert "  RES = (5 of 5 records of the subject compared, none with the value)" in lines


@pytest.mark.parametrize(("variable", "cells"), [
    ("SIGNS.AVAL", ["lab.POUNDS = 140  [forms/lab.csv line 2]"]),
    ("SIGNS.PARAMCD", ["lab.POUNDS = 140  [forms/lab.csv line 2]"]),
    ("SIGNS._UNIT", ["lab.UNIT = lb  [forms/lab.csv line 2]"]),
])
def test_of_a_transposed_form_the_item_itself_is_named_alone(results, variable, cells):
    assert raw_cells(results, variable, "PARAMCD=WT") == cells


@pytest.mark.parametrize("day", ["2030-02-05", "25603"])
def test_a_numeric_date_chooses_as_day_and_as_number_and_is_shown_as_day(results, day):
    lines = told(results, "RES.AVAL", "USUBJID=TOY-7-A1", f"ADT={day}")
    assert lines[0] == "RES.AVAL = 79" and "  record    USUBJID TOY-7-A1, ADT 2030-02-05" in lines
    with pytest.raises(CommandError, match=r"USUBJID=TOY-7-A1, ADT=2030-02-03"):
        told(results, "RES.AVAL", "USUBJID=TOY-7-A1")


def test_a_qualifier_of_a_person_names_the_one_raw_record_that_it_comes_from(place):
    path = place / "spec" / "adam" / "adsl.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "  NUMBER: {copy: enrol.NO, label: Number, type: Char}\n", encoding="utf-8")
    assert "  from      forms/enrol.csv line 3" in told(place, "ADSL.NUMBER", "USUBJID=TOY-7-B2")


@pytest.mark.parametrize(("asked", "said"), [
    ("AE", "AE is a dataset: which variable of it"), ("AE", "AE.AETERM, AEDECOD"), ("SUPPAE", "SUPPAE.AESITE, AEHARD"),
    ("AE.NOPE", "AE has no NOPE"), ("AE.NOPE", "AE.AETERM, AEDECOD"),
])
def test_what_can_be_asked_of_a_dataset_is_listed(place, asked, said):
    with pytest.raises(CommandError) as error:
        explain(asked, place / "spec")
    assert said in str(error.value)
