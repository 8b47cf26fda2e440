"""FA, DV and IE of made-up people: signs of an adverse event, the DLT evaluation, deviations, unmet criteria."""

import pytest

from tests.sdtm.made_up import shown
from tests.sdtm.people import Person, records

SIGNS = {
    "DYSPNEA": "Y", "FEVER": "N", "WTGAIN": "U", "EFFUSION": "Y", "HYPOT": "N", "RENAL": "N", "INFILT": "Y",
    "OEDEMA": "Y", "LEUKOC": "N", "STERYN": "Y",
}  # fmt: skip
OBJECTS = [
    ("DYSPNEA", "Y"), ("EFFUSION", "Y"), ("FEVER", "N"), ("HYPOTENSION", "N"), ("LEUKOCYTOSIS", "N"),
    ("PERIPHERAL EDEMA", "Y"), ("PULMONARY INFILTRATES", "Y"), ("RENAL FAILURE", "N"),
    ("SYSTEMIC CORTICOSTEROID GIVEN", "Y"), ("WEIGHT GAIN", "U"),
]  # fmt: skip


def treated():
    return Person().visit("SCR", "03-MAR-2025").dosed().visit("C1D1", "10-MAR-2025").visit("C2D1", "07-APR-2025")


def test_each_sign_of_a_differentiation_syndrome_is_a_finding_about_its_event(derive):
    person = treated().add("dsym", DSAENO="3", DSSTDAT="20-MAR-2025", **SIGNS)
    found = derive(records(person), "FA")
    fa = found["FA"]
    assert shown(fa, "FAOBJ FAORRES") == OBJECTS
    assert fa["FASTRESC"].tolist() == fa["FAORRES"].tolist() and fa["FASEQ"].tolist() == list(range(1, 11))
    same = shown(fa, "FATESTCD FATEST FACAT FASPID FADTC FADY EPOCH VISITNUM VISIT")
    assert set(same) == {
        ("OCCUR", "Occurrence Indicator", "DIFFERENTIATION SYNDROME", "3", "2025-03-20", 11, "TREATMENT", "", "")
    }
    assert not [i for i in found["~issues"] if i.dataset == "FA"]


def test_a_question_that_was_not_answered_gives_no_finding(derive):
    person = treated().add("dsym", DSAENO="3", DSSTDAT="20-MAR-2025", **{**SIGNS, "FEVER": None})
    assert "FEVER" not in derive(records(person), "FA")["FA"]["FAOBJ"].tolist()


def test_the_dlt_evaluation_says_whether_evaluable_and_whether_a_dlt_occurred(derive):
    person = treated().add("dlt", "C2D1", DLTEVYN="Y", DLTYN="Y", DLTDAT="08-APR-2025")
    fa = derive(records(person), "FA")["FA"]
    assert shown(fa, "FATESTCD FATEST FASTRESC") == [
        ("EVALIND", "Evaluable Indicator", "Y"), ("OCCUR", "Occurrence Indicator", "Y")]  # fmt: skip
    assert set(shown(fa, "FAOBJ FACAT FADTC VISITNUM VISIT VISITDY FASPID")) == {
        ("DOSE LIMITING TOXICITY", "DLT EVALUATION", "2025-04-08", 201, "C2D1", 29, "")
    }


def test_why_a_participant_is_not_evaluable_qualifies_that_finding_alone(derive):
    person = treated().add("dlt", "C2D1", DLTEVYN="N", DLTNEREA="12 doses missed", DLTDAT="08-APR-2025")
    found = derive(records(person), "FA")
    assert shown(found["FA"], "FATESTCD FASTRESC") == [("EVALIND", "N")]
    assert shown(found["SUPPFA"], "IDVAR IDVARVAL QNAM QLABEL QVAL") == [
        ("FASEQ", "1", "DLTNEREA", "Reason not Evaluable for DLT", "12 doses missed")
    ]


def test_not_evaluable_without_a_reason_is_listed(derive):
    found = derive(records(treated().add("dlt", "C2D1", DLTEVYN="N", DLTDAT="08-APR-2025")), "FA")
    assert ["no reason is given" in i.message for i in found["~issues"] if i.dataset == "FA"] == [True]


DEVIATIONS = [
    ("coded by the list of the study", {"DVCODE": "VISIT", "DVSTDAT": "12-MAR-2025"}, "VISIT OUTSIDE WINDOW", ()),
    ("a code that the list has not", {"DVCODE": "NEW", "DVSTDAT": "12-MAR-2025"}, "", ("not found in tables/deviations.csv",)),
    ("on the day of consent", {"DVCODE": "VISIT", "DVSTDAT": "01-MAR-2025"}, "VISIT OUTSIDE WINDOW", ()),
    ("before the consent", {"DVCODE": "VISIT", "DVSTDAT": "28-FEB-2025"}, "VISIT OUTSIDE WINDOW", ("before the consent",)),
    ("in the month of consent", {"DVCODE": "VISIT", "DVSTDAT": "UN-MAR-2025"}, "VISIT OUTSIDE WINDOW", ()),
]  # fmt: skip


@pytest.mark.parametrize(("why", "items", "coded", "said"), DEVIATIONS, ids=[c[0] for c in DEVIATIONS])
def test_a_deviation_is_coded_and_does_not_start_before_the_consent(derive, why, items, coded, said):
    person = treated().add("dv", DVTXT="Visit missed", DVCAT="NOT IMPORTANT", **items)
    found = derive(records(person), "DV")
    assert shown(found["DV"], "DVTERM DVDECOD DVCAT") == [("Visit missed", coded, "NOT IMPORTANT")]
    messages = {i.message for i in found["~issues"] if i.dataset == "DV" and i.message != "no value, though one is needed"}
    assert len(messages) == len(said) and all(any(s in m for m in messages) for s in said)


def test_a_deviation_after_the_cut_off_does_not_exist_and_a_repeat_counts_once(derive):
    same = {"DVTXT": "Visit missed", "DVCAT": "IMPORTANT", "DVCODE": "VISIT"}
    person = treated().add("dv", DVSTDAT="01-APR-2026", **same)
    for _ in range(2):
        person.add("dv", DVSTDAT="12-MAR-2025", **same)
    assert shown(derive(records(person), "DV")["DV"], "DVSTDTC DVSEQ DVSTDY EPOCH") == [("2025-03-12", 1, 3, "TREATMENT")]


def test_only_criteria_that_were_not_met_are_recorded(derive):
    person = Person().visit("SCR", "03-MAR-2025").off_study("08-MAR-2025", "SF")
    person.add("ie", "SCR", IEYN="N", IECAT="I", IENUM="I05", IETEXT="ECOG 3")
    person.add("ie", "SCR", IEYN="N", IECAT="E", IENUM="E12")
    found = derive(records(person), "IE", "TI")
    ie, texts = found["IE"], dict(shown(found["TI"], "IETESTCD IETEST"))
    assert shown(ie, "IETESTCD IECAT IEORRES IESTRESC") == [
        ("EXCL12", "EXCLUSION", "Y", "Y"), ("INCL05", "INCLUSION", "N", "N")]  # fmt: skip
    assert [texts[code] for code in ie["IETESTCD"]] == ie["IETEST"].tolist(), "the text is that of TI"
    assert set(shown(ie, "VISITNUM VISIT IEDTC IEDY EPOCH")) == {(1, "SCREENING", "2025-03-03", "", "SCREENING")}
    assert shown(found["SUPPIE"], "IDVARVAL QNAM QVAL") == [("2", "IETEXT", "ECOG 3")]
    assert not [i for i in found["~issues"] if i.dataset == "IE"]
    met = Person().visit("SCR", "03-MAR-2025").add("ie", "SCR", IEYN="Y")
    assert not len(derive(records(met), "IE")["IE"])


def test_a_failed_attempt_keeps_its_criterion_when_the_person_is_screened_again(derive):
    first = Person("01-901").visit("SCR", "03-MAR-2025").off_study("08-MAR-2025", "SF")
    first.add("ie", "SCR", IEYN="N", IECAT="E", IENUM="E05")
    again = Person("01-902", consent="01-APR-2025").visit("SCR", "03-APR-2025").dosed("10-APR-2025")
    again.add("ie", "SCR", IEYN="Y")
    ie = derive(records(first, again), "IE")["IE"]
    assert shown(ie, "USUBJID IETESTCD VISITNUM VISIT IEDTC IEDY") == [
        ("BY002-01-901", "EXCL05", 0.1, "SCREENING ATTEMPT 1", "2025-03-03", -38)
    ]


WRONG = [
    ("a number that the protocol has not", {"IEYN": "N", "IECAT": "E", "IENUM": "E99"}, "blocking", "not found in tables/criteria.csv"),
    ("not met and no number", {"IEYN": "N", "IECAT": "E"}, "blocking", "no value"),
    ("all met and a number", {"IEYN": "Y", "IECAT": "E", "IENUM": "E05"}, "warning", "all are said to be met"),
    ("of the other type", {"IEYN": "N", "IECAT": "I", "IENUM": "E05"}, "warning", "of the other type"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "items", "severity", "said"), WRONG, ids=[c[0] for c in WRONG])
def test_answers_that_contradict_one_another_are_listed(derive, why, items, severity, said):
    found = derive(records(Person().visit("SCR", "03-MAR-2025").add("ie", "SCR", **items)), "IE")
    assert any(i.severity == severity and said in i.message for i in found["~issues"] if i.dataset == "IE")


@pytest.mark.parametrize(("evaluated", "marked", "told"), [("Y", "N", 1), ("N", "Y", 1), ("Y", "Y", 0), ("N", "N", 0)])
def test_an_evaluation_that_no_adverse_event_agrees_with_is_told(derive, evaluated, marked, told):
    person = treated().add("dlt", "C2D1", DLTEVYN="Y", DLTYN=evaluated, DLTDAT="07-APR-2025")
    person.add("ae", AENO="1", AETERM="Cough", AESTDAT="20-MAR-2025", AEENDAT="21-MAR-2025", AETOXGR="3", AESER="N", AEREL="POSS",
               AEACN="NONE", AEOUT="RECOVERED/RESOLVED", AEDLT=marked)  # fmt: skip
    issues = [i for i in derive(records(person), "FA")["~issues"] if i.dataset == "FA" and "dose-limiting" in i.message]
    assert len(issues) == told
