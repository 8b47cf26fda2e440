"""DM, DS, DD and SS of made-up people by tables that a clinician can check."""

import pytest

from sdtm.ages import completed_years
from tests.sdtm.people import Person, records
from tests.sdtm.views import text


def one(frame, *columns):
    assert len(frame) == 1
    return frame[list(columns)].to_numpy().tolist()[0]


ARMS = ("ARMCD", "ACTARMCD", "ARMNRS", "RFSTDTC")
SUBJECTS = [
    ("dosed", Person().dosed(last=""), ["ESC100", "ESC100", "", "2025-03-10T08:00"]),
    ("failed screening", Person().off_study("08-MAR-2025", "SF"), ["", "", "SCREEN FAILURE", ""]),
    ("failed after a dose level was given", Person().enrolled().off_study("12-MAR-2025", "SF"),
     ["", "", "SCREEN FAILURE", ""]),
    ("screening goes on", Person(), ["", "", "NOT ASSIGNED", ""]),
    ("no dose level given", Person().enrolled(dose=None), ["", "", "NOT ASSIGNED", ""]),
    ("enrolled after the cut-off", Person().enrolled("01-APR-2026"), ["", "", "NOT ASSIGNED", ""]),
    ("never dosed", Person().enrolled().off_study("12-MAR-2025", "OTHER"), ["ESC100", "", "ASSIGNED, NOT TREATED", ""]),
    ("not yet dosed", Person().enrolled(), ["ESC100", "", "ASSIGNED, NOT TREATED", ""]),
    ("failure known only after the cut-off", Person().off_study("02-APR-2026", "SF"), ["", "", "NOT ASSIGNED", ""]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "person", "expected"), SUBJECTS, ids=[c[0] for c in SUBJECTS])
def test_arms_and_why_they_are_null(derive, why, person, expected):
    assert one(derive(records(person), "DM")["DM"], *ARMS) == expected


DEATHS = [
    ("full date", Person().dosed().off_treatment().died(), ["Y", "2025-08-10", "2025-08-10"]),
    ("month known", Person().dosed().off_treatment().died("UN-AUG-2025"), ["Y", "2025-08", "2025-08"]),
    ("year known", Person().dosed().off_treatment().died("UN-UNK-2025"), ["Y", "2025", "2025"]),
    ("a month that may lie before the cut-off", Person().dosed().off_treatment().died("UN-MAR-2026"),
     ["Y", "2026-03", "2026-03"]),
    ("date unknown: the study ended on no known date either", Person().dosed().off_treatment().died("UN-UNK-UNKN"),
     ["Y", "", "2025-07-20"]),
    ("after the cut-off", Person().dosed().off_treatment().died("01-APR-2026"), ["", "", "2025-07-20"]),
    ("lost", Person().dosed().off_treatment().off_study("01-SEP-2025", "LTFU"), ["", "", "2025-09-01"]),
    ("lost after the cut-off", Person().dosed().off_treatment().off_study("01-APR-2026", "LTFU"), ["", "", "2025-07-20"]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "person", "expected"), DEATHS, ids=[c[0] for c in DEATHS])
def test_death_and_end_of_participation(derive, why, person, expected):
    person.visit("FU1", "20-JUL-2025", mode="PHONE")
    assert one(derive(records(person), "DM")["DM"], "DTHFL", "DTHDTC", "RFPENDTC") == expected


CONTACTS = [
    ("a visit", Person().visit("SCR", "02-MAR-2025"), "2025-03-02"),
    ("an unscheduled sample", Person().visit("SCR", "02-MAR-2025").add("vs", "UNS", VSDAT="05-MAR-2025"), "2025-03-05"),
    ("a call, which is an unscheduled visit where the EDC has none",
     Person().add("surv", "FU1", SURVDAT="30-JUL-2025", SURVST="ALIVE", LSTALV="28-JUL-2025"), "2025-07-30"),
    ("a call that reports a death", Person().add("surv", "FU1", SURVDAT="30-JUL-2025", SURVST="DEAD", LSTALV="20-JUL-2025"),
     "2025-07-20"),
    ("an adverse event", Person().add("ae", AENO="1", AETERM="Cough", AESTDAT="01-AUG-2025", AEENDAT="UN-AUG-2025"),
     "2025-08-01"),
    ("its end", Person().add("ae", AENO="1", AETERM="Cough", AESTDAT="01-AUG-2025", AEENDAT="09-AUG-2025"), "2025-08-09"),
    ("an end after the cut-off does not count",
     Person().add("ae", AENO="1", AETERM="Cough", AESTDAT="01-AUG-2025", AEENDAT="09-APR-2026"), "2025-08-01"),
    ("consent", Person(), "2025-03-01"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "person", "expected"), CONTACTS, ids=[c[0] for c in CONTACTS])
def test_participation_that_goes_on_has_the_latest_contact_as_its_end(derive, why, person, expected):
    assert one(derive(records(person), "DM")["DM"], "RFPENDTC") == [expected]


@pytest.mark.parametrize(("birth", "at", "age", "why"), [
    ("1960-03-02", "2025-03-01", 64, "birthday tomorrow"),
    ("1960-03-01", "2025-03-01T09:30", 65, "birthday today, time ignored"),
    ("1960-02-29", "2025-02-28", 64, "born on 29 February"),
    ("1960-03", "2025-03-14", 64, "day not known: the 15th"),
    ("1960-03", "2025-03-15", 65, "day not known: the 15th"),
    ("1960", "2025-03-15", None, "month not known"),
    ("1960---15", "2025-03-15", None, "month not known"),
    ("1960-03-02", "2025-03", None, "the other date is not complete"),
    ("", "2025-03-15", None, "not collected"),
])  # fmt: skip
def test_age_in_completed_years(birth, at, age, why):
    found = completed_years(text(birth), text(at), 15).dropna().tolist()
    assert found == ([] if age is None else [age]), why


def test_demographics_of_a_person_screened_again(derive):
    first = Person(consent="10-JAN-2025").off_study("20-JAN-2025", "SF")
    again = Person("01-902", "X1", "02-MAR-2025").dosed(last="")
    again.forms["demo"][0] |= {"ETHNICG": "OTHER", "ETHOTH": "Hui", "BRTHDAT": "UN-FEB-1960"}
    made = derive(records(first, again), "DM")
    assert one(made["DM"], "USUBJID", "SUBJID", "RFICDTC", "BRTHDTC", "AGE", "AGEU", "SITEID", "COUNTRY") == [
        "BY002-01-901", "01-902", "2025-01-10", "1960-02", 64, "YEARS", "01", "CHN",
    ]  # fmt: skip
    assert dict(made["SUPPDM"][["QNAM", "QVAL"]].to_numpy().tolist()) == {
        "PREVSUBJ": "01-901", "ETHGRP": "OTHER", "ETHGRPO": "Hui",
    }  # fmt: skip
    assert set(made["SUPPDM"]["IDVAR"]) == {""}


def events(frame, *more):
    return frame[["DSDECOD", "DSCAT", "DSSCAT", "EPOCH", "DSSTDTC", *more]].to_numpy().tolist()


MILE, EVENT, OTHER = "PROTOCOL MILESTONE", "DISPOSITION EVENT", "OTHER EVENT"
STUDY, DRUG = "STUDY PARTICIPATION", "STUDY TREATMENT"


def test_disposition_of_a_treated_subject_who_died(derive):
    person = Person().add("ic", "SCR", ICDAT="01-MAR-2025", ICTIM="09:45", ICTYPE="GENETIC", ICVER="V1").dosed()
    person.add("ic", "C2D1", ICDAT="07-APR-2025", ICTYPE="RECONSENT", ICVER="V2").off_treatment().died("UN-AUG-2025")
    genetic = "INFORMED CONSENT OBTAINED FOR PROTOCOL-SPECIFIED ACTIVITY"
    assert events(derive(records(person), "DS")["DS"], "DSREFID", "DSSEQ") == [
        ["INFORMED CONSENT OBTAINED", MILE, "", "SCREENING", "2025-03-01", "V1", 1],
        [genetic, MILE, "", "SCREENING", "2025-03-01", "V1", 2],
        ["COMPLETED", EVENT, STUDY, "SCREENING", "2025-03-09", "", 3],
        ["ENTERED INTO TRIAL", MILE, "", "SCREENING", "2025-03-09", "", 4],
        ["INFORMED CONSENT OBTAINED", MILE, "", "TREATMENT", "2025-04-07", "V2", 5],
        ["PROGRESSIVE DISEASE", EVENT, DRUG, "TREATMENT", "2025-06-03", "", 6],
        ["DEATH", EVENT, STUDY, "LONG-TERM FOLLOW-UP", "2025-08", "", 7],
    ]


ENDS = [
    ("enrolled on the day of first dose", Person().add("enr", "SCR", ENRYN="Y", ENRDAT="10-MAR-2025", COHORT="ESC", DOSELVL="100")
     .add("dose", DSTDAT="10-MAR-2025", DONGO="Y", DTAKEN="Y", DOSE="100", N100="1", DREAS="PLANNED"),
     [["COMPLETED", EVENT, STUDY, "SCREENING", "2025-03-10", "COMPLETED"]]),
    ("failed", Person().off_study("08-MAR-2025", "SF"),
     [["SCREEN FAILURE", EVENT, STUDY, "SCREENING", "2025-03-08", "SCREEN FAILURE"]]),
    ("never dosed: no record of completed screening", Person().enrolled().add("eos", "EOS", EOSDAT="12-MAR-2025",
     EOSREAS="OTHER", EOSOTH="Fungal pneumonia"), [["OTHER", EVENT, STUDY, "SCREENING", "2025-03-12", "Fungal pneumonia"]]),
    ("screening goes on", Person(), []),
    ("treatment goes on", Person().dosed(last=""), [["COMPLETED", EVENT, STUDY, "SCREENING", "2025-03-09", "COMPLETED"]]),
    ("transplant", Person().dosed().off_treatment(why="HSCT"), [
        ["COMPLETED", EVENT, STUDY, "SCREENING", "2025-03-09", "COMPLETED"],
        ["PROTOCOL-SPECIFIED WITHDRAWAL CRITERION MET", EVENT, DRUG, "TREATMENT", "2025-06-03", "PROCEEDED TO HSCT"]]),
    ("died on treatment", Person().dosed().off_treatment("03-JUN-2025", "DEATH").died("02-JUN-2025"), [
        ["COMPLETED", EVENT, STUDY, "SCREENING", "2025-03-09", "COMPLETED"],
        ["DEATH", EVENT, STUDY, "FOLLOW-UP", "2025-06-02", "DEATH"],
        ["DEATH", EVENT, DRUG, "TREATMENT", "2025-06-02", "DEATH"]]),
    ("died after the cut-off", Person().dosed(last="").off_treatment("01-APR-2026", "DEATH").died("01-APR-2026"),
     [["COMPLETED", EVENT, STUDY, "SCREENING", "2025-03-09", "COMPLETED"]]),
    ("withdrew", Person().dosed().off_treatment(why="WD").off_study("05-JUL-2025", "WD"), [
        ["COMPLETED", EVENT, STUDY, "SCREENING", "2025-03-09", "COMPLETED"],
        ["WITHDRAWAL BY SUBJECT", EVENT, DRUG, "TREATMENT", "2025-06-03", "WITHDRAWAL BY SUBJECT"],
        ["WITHDRAWAL BY SUBJECT", EVENT, STUDY, "LONG-TERM FOLLOW-UP", "2025-07-05", "WITHDRAWAL BY SUBJECT"]]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "person", "expected"), ENDS, ids=[c[0] for c in ENDS])
def test_how_screening_treatment_and_study_ended(derive, why, person, expected):
    ds = derive(records(person), "DS")["DS"]
    found = ds[ds["DSCAT"] == EVENT]
    assert events(found, "DSTERM") == expected
    assert not found.duplicated(["DSSCAT", "EPOCH"]).any(), "one disposition event for each category and epoch"


def test_a_failed_attempt_is_an_other_event_with_the_old_number(derive):
    first = Person(consent="10-JAN-2025").off_study("20-JAN-2025", "SF")
    again = Person("01-902", "X1", "02-MAR-2025").dosed(last="")
    ds = derive(records(first, again), "DS")["DS"]
    assert events(ds, "DSREFID") == [
        ["INFORMED CONSENT OBTAINED", MILE, "", "SCREENING", "2025-01-10", "V1"],
        ["SCREEN FAILURE", OTHER, "", "SCREENING", "2025-01-20", "01-901"],
        ["INFORMED CONSENT OBTAINED", MILE, "", "SCREENING", "2025-03-02", "V1"],
        ["COMPLETED", EVENT, STUDY, "SCREENING", "2025-03-09", ""],
        ["ENTERED INTO TRIAL", MILE, "", "SCREENING", "2025-03-09", ""],
    ]


def test_failed_twice_the_screening_record_is_the_last_attempts(derive):
    first = Person(consent="10-JAN-2025").off_study("20-JAN-2025", "SF")
    again = Person("01-902", "X1", "02-MAR-2025").off_study("08-MAR-2025", "SF")
    made = derive(records(first, again), "DS", "DM")
    ends = made["DS"][made["DS"]["DSDECOD"] == "SCREEN FAILURE"]
    assert ends[["DSCAT", "DSSTDTC"]].to_numpy().tolist() == [[OTHER, "2025-01-20"], [EVENT, "2025-03-08"]]
    assert one(made["DM"], "SUBJID", "ARMNRS", "RFPENDTC") == ["01-902", "SCREEN FAILURE", "2025-03-08"]


def test_death_details_are_dated_by_their_collection_in_local_time(derive):
    person = Person().dosed().off_treatment().died("UN-AUG-2025", entered="2025-08-11T17:30:00Z")
    person.forms["dth"][0] |= {"DTHCAUS": "OTHER", "DTHTXT": "Graft versus host disease"}
    dd = derive(records(person), "DD")["DD"]
    assert dd[["DDTESTCD", "DDTEST", "DDORRES", "DDSTRESC", "DDDTC"]].to_numpy().tolist() == [
        ["AUTOPIND", "Autopsy Indicator", "N", "N", "2025-08-12"],
        ["PRCDTH", "Primary Cause of Death", "Graft versus host disease", "OTHER", "2025-08-12"],
    ]


def test_the_decoded_cause_stands_where_no_text_was_written(derive):
    dd = derive(records(Person().dosed().off_treatment().died()), "DD")["DD"]
    assert dd[["DDORRES", "DDSTRESC"]].to_numpy().tolist()[1] == ["Disease progression", "DISEASE PROGRESSION"]


def test_a_death_after_the_cut_off_exists_nowhere(derive):
    person = Person().dosed().off_treatment().died("01-APR-2026")
    person.add("surv", "FU1", SURVDAT="20-JUL-2025", SURVST="ALIVE", LSTALV="20-JUL-2025")
    person.add("surv", "FU2", SURVDAT="02-APR-2026", SURVST="DEAD", LSTALV="20-MAR-2026")
    made = derive(records(person), "DM", "DS", "DD", "SS")
    assert one(made["DM"], "DTHFL", "DTHDTC") == ["", ""] and made["DD"].empty
    assert "DEATH" not in set(made["DS"]["DSDECOD"]) and set(made["SS"]["SSDTC"]) == {"2025-07-20"}


def test_who_consents_after_the_cut_off_is_no_subject(derive):
    late = Person("01-902", "X2", "01-APR-2026").add("mh", "SCR", MHTERM="Gout", MHSTDAT="01-JAN-2020")
    made = derive(records(Person(), late), "DM", "MH")
    assert made["DM"]["USUBJID"].tolist() == ["BY002-01-901"] and made["MH"].empty
    assert made["~counts"]["mh"] == {"removed: participation begins after the cut-off": 1}


def test_a_second_screening_after_the_cut_off_leaves_the_first_as_it_was(derive):
    first = Person().off_study("08-MAR-2025", "SF")
    made = derive(records(first, Person("01-902", "X1", "02-APR-2026")), "DM")
    assert one(made["DM"], "SUBJID", "RFPENDTC", "ARMNRS") == ["01-901", "2025-03-08", "SCREEN FAILURE"]
    assert "PREVSUBJ" not in set(made["SUPPDM"]["QNAM"])


def test_deaths_that_forms_do_not_agree_on_are_listed(derive):
    person = Person().dosed().off_treatment().off_study("10-AUG-2025", "DEATH")
    person.add("surv", "FU1", SURVDAT="12-AUG-2025", SURVST="DEAD", LSTALV="01-AUG-2025")
    made = derive(records(person), "DM", "SS", "DS")
    assert one(made["DM"], "DTHFL") == [""]
    run = {i.message for i in made["~issues"]}
    assert "treatment or study ended by death, and there is no death form" in run
    assert "the contact reports a death and there is no death form" in run
