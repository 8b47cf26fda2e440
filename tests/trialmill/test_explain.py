"""explain: a record's value with every variable that it came from, down to the raw file and line."""

import pytest

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
