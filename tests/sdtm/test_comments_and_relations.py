"""CO and RELREC: comments find the record that they are about; datasets are related where values are shared."""

import pytest

from tests.sdtm.made_up import shown
from tests.sdtm.people import Person, records

EVENT = {
    "AETERM": "Cough", "AEENDAT": "25-MAR-2025", "AEONGO": "N", "AETOXGR": "2", "AESER": "N", "AESDTH": "N",
    "AESLIFE": "N", "AESHOSP": "N", "AESDISAB": "N", "AESCONG": "N", "AESINTV": "N", "AESMIE": "N", "AEREL": "POSS",
    "AEACN": "NONE", "AEOUT": "RECOVERED/RESOLVED", "AEDLT": "N", "AEAESI": "N", "AETRT": "NONE",
}  # fmt: skip
DRUG = {"CMTRT": "Paracetamol", "CMSTDAT": "21-MAR-2025", "CMENDAT": "22-MAR-2025", "CMONGO": "N"}
CODES = {
    "meddra": [{"VERBATIM": "Cough", "VERSION": "0", "LLT": "Cough", "LLTCD": "1", "PT": "Cough", "PTCD": "2",
                "HLT": "H", "HLTCD": "3", "HLGT": "G", "HLGTCD": "4", "SOC": "S", "SOCCD": "5"}],
    "whodrug": [{"VERBATIM": "Paracetamol", "VERSION": "0", "DECOD": "PARACETAMOL", "CLAS": "C", "CLASCD": "K"}],
}  # fmt: skip


def treated():
    return Person().visit("SCR", "03-MAR-2025").dosed().visit("C1D1", "10-MAR-2025")


def event(person, number, start="20-MAR-2025"):
    return person.add("ae", AENO=number, AESTDAT=start, **EVENT)


def on(derive, person, *names, shuffle=None):
    return derive(records(person) | CODES, *names, shuffle=shuffle)


def commented(derive, person, form, record, text="Said so."):
    """The one comment of a person as (RDOMAIN, IDVAR, IDVARVAL, COVAL), and the messages about it."""
    found = on(derive, person.add("comm", COMTXT=text, COMFORM=form, COMREC=record), "CO")
    return shown(found["CO"], "RDOMAIN IDVAR IDVARVAL COVAL"), [i.message for i in found["~issues"] if i.dataset == "CO"]


TARGETS = [
    ("the second event is the first by key", "AE", "2", ("AE", "AESEQ", "1")),
    ("another spelling of the number", "AE", "02", ("AE", "AESEQ", "1")),
    ("an interval that a PK day splits: its first piece", "DOSE", "1", ("EC", "ECSEQ", "1")),
    ("a visit", "VISDT", "2", ("SV", "VISITNUM", "101")),
    ("a person", "DEMO", "1", ("DM", "", "")),
]


@pytest.mark.parametrize(("why", "form", "record", "target"), TARGETS, ids=[c[0] for c in TARGETS])
def test_a_comment_names_the_record_that_it_is_about(derive, why, form, record, target):
    person = event(event(treated(), "1", "22-MAR-2025"), "2", "20-MAR-2025")
    assert commented(derive, person, form, record) == ([(*target, "Said so.")], [])


def test_a_comment_on_a_sample_is_about_all_its_results(derive):
    person = treated().add("labc", "C1D1", LABDAT="10-MAR-2025", LABTIM="07:30", ACCNO="A77")
    lis = [{"SUBJECT": "01-901", "ACCNO": "A77", "SPEC": "SERUM", "TESTCODE": t, "RESULT": "5", "UNIT": "mmol/L",
            "COLLECT": "2025/3/10 7:30", "LOADDTM": "2025-03-11T10:00:00", "STATUS": "F"} for t in ("K", "GLUC")]  # fmt: skip
    person.add("comm", COMTXT="Drawn late", COMFORM="LABC", COMREC="1")
    found = derive(records(person) | {"lis": lis}, "CO", "LB")
    assert shown(found["CO"], "RDOMAIN IDVAR IDVARVAL") == [("LB", "LBREFID", "A77")]
    assert found["LB"]["LBREFID"].tolist() == ["A77", "A77"]


LOST = [
    ("a record that is not there", "AE", "9", "not in the package"),
    ("a form without a dataset", "LUNCH", "1", "no dataset is known"),
    ("no number", "AE", None, "not in the package"),
    ("no form: a comment on the subject", None, None, ""),
]


@pytest.mark.parametrize(("why", "form", "record", "said"), LOST, ids=[c[0] for c in LOST])
def test_a_comment_whose_record_is_not_found_stays_and_is_listed(derive, why, form, record, said):
    found, messages = commented(derive, event(treated(), "1"), form, record)
    assert found == [("", "", "", "Said so.")]
    assert len(messages) == bool(said) and all(said in m for m in messages)


def test_a_comment_on_what_happened_after_the_cut_off_goes_with_it(derive):
    person = event(event(treated(), "1"), "2", "02-APR-2026")
    found = on(derive, person.add("comm", COMTXT="Too late", COMFORM="AE", COMREC="2"), "CO")
    assert not len(found["CO"]) and found["~counts"]["CO"]["commented"] == 0
    assert not [i for i in found["~issues"] if i.dataset == "CO"]


def test_a_comment_of_a_failed_attempt_is_about_that_attempts_record(derive):
    first = Person("01-901").visit("SCR", "03-MAR-2025").off_study("08-MAR-2025", "SF")
    event(first, "1", "05-MAR-2025").add("comm", COMTXT="First", COMFORM="AE", COMREC="1")
    again = event(Person("01-902", consent="01-APR-2025").visit("SCR", "03-APR-2025").dosed("10-APR-2025"), "1", "20-APR-2025")
    again.add("comm", COMTXT="Second", COMFORM="AE", COMREC="1")
    found = derive(records(first, again) | CODES, "CO", "AE")
    sequence = dict(shown(found["AE"], "AESTDTC AESEQ"))
    assert dict(shown(found["CO"], "COVAL IDVARVAL")) == {
        "First": str(int(sequence["2025-03-05"])), "Second": str(int(sequence["2025-04-20"]))}  # fmt: skip


def test_a_long_comment_is_split_at_blanks_and_its_line_breaks_are_blanks(derive):
    text = "Line one.\nLine two: " + "word " * 60
    person = event(treated(), "1").add("comm", COMTXT=text, COMFORM="AE", COMREC="1")
    co = on(derive, person, "CO")["CO"]
    assert list(co.columns)[-2:] == ["COVAL", "COVAL1"], "no variable more than is needed"
    ((first, second),) = shown(co, "COVAL COVAL1")
    assert len(first) <= 200 and f"{first} {second}" == text.replace("\n", " ").strip()


def test_text_that_looks_like_a_formula_or_like_nothing_is_text(derive):
    person = event(treated(), "1")
    for number, text in enumerate(("=1+1 tablet", "NULL", "NA"), start=1):
        person.add("comm", COMTXT=text, COMFORM="AE", COMREC="1", FORMREP=str(number))
    assert sorted(on(derive, person, "CO")["CO"]["COVAL"]) == ["=1+1 tablet", "NA", "NULL"]


def test_datasets_are_related_where_a_subject_has_the_same_value_in_both(derive):
    person = event(treated(), "7").add("cm", CMAENO="7", **DRUG)
    relrec = on(derive, person, "RELREC")["RELREC"]
    assert shown(relrec, "RDOMAIN USUBJID IDVAR IDVARVAL RELTYPE RELID") == [
        ("AE", "", "AESPID", "", "ONE", "AECM"), ("CM", "", "CMSPID", "", "MANY", "AECM")]  # fmt: skip


def test_datasets_without_related_records_are_not_related(derive):
    assert not len(on(derive, event(treated(), "7").add("cm", **DRUG), "RELREC")["RELREC"])
    other = event(Person("01-902", "X2", consent="02-MAR-2025").dosed(), "7")
    mine = treated().add("cm", CMAENO="7", **DRUG)
    found = derive(records(mine, other) | CODES, "RELREC")
    assert not len(found["RELREC"]), "the event is another subject's"
    assert [(i.subject, i.message) for i in found["~issues"] if i.variable == "CMSPID"] == [
        ("BY002-01-901", 'no record of AE of the subject has this AESPID: "7"')]  # fmt: skip


def test_two_events_of_one_number_cannot_be_told_apart_and_are_listed(derive):
    person = event(event(treated(), "7"), "7", "21-MAR-2025").add("cm", CMAENO="7", **DRUG)
    found = on(derive, person, "RELREC")
    assert len(found["RELREC"]) == 2
    assert sum("which identifies one" in i.message for i in found["~issues"] if i.dataset == "AE") == 2


def test_a_response_is_related_to_its_marrow(derive):
    person = treated().visit("C2D1", "07-APR-2025")
    person.add("bma", "C2D1", BMDAT="07-APR-2025", BMYN="Y", BMBLAST="12", BMCELL="NORMO")
    person.add("resp", "C2D1", RSPDAT="07-APR-2025", RSPRES="NR", BMACC="BM1")
    assert shown(on(derive, person, "RELREC")["RELREC"], "RDOMAIN IDVAR RELTYPE RELID") == [
        ("MI", "MILNKGRP", "MANY", "RSMI"), ("RS", "RSLNKGRP", "ONE", "RSMI")]  # fmt: skip


def test_shuffled_raw_rows_change_nothing(derive):
    person = event(event(treated(), "1", "22-MAR-2025"), "2").add("cm", CMAENO="2", **DRUG)
    for number, form in enumerate(("AE", "CM", "DOSE"), start=1):
        person.add("comm", COMTXT=f"Comment {number}", COMFORM=form, COMREC="1")
    plain, mixed = (on(derive, person, "CO", "RELREC", shuffle=s) for s in (None, 7))
    assert all(plain[n].equals(mixed[n]) for n in ("CO", "RELREC"))
