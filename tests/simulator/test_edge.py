"""The second scenario: escalation decisions and courses that exclude those of the reference scenario."""

import json

import pytest

from tests.simulator.conftest import STUDY
from trialmill.simulate import simulate_study


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    """The export of the scenario `edge`."""
    out = tmp_path_factory.mktemp("edge") / "raw"
    simulate_study(STUDY, out, scenario="edge")
    return out


@pytest.fixture(scope="module")
def people(edge):
    """What is true of each person, by SUBJID."""
    truth = json.loads((edge / "truth.json").read_text(encoding="utf-8"))
    return {p["SUBJID"]: p for p in truth["people"]}


def ends(person):
    return {n: (t["AVAL"], t["CNSR"], t["what"]) for n, t in person["ADTTE"].items()}


def test_decisions_that_the_reference_scenario_does_not_reach(edge):
    found = json.loads((edge / "truth.json").read_text(encoding="utf-8"))["escalation"]
    low, high = found["levels"]
    assert low["steps"] == [
        [1, 0, "EXPAND TO 3"],
        [2, 0, "ENROL MORE"],
        [3, 0, "ESCALATE"],
        [4, 0, "ESCALATE"],
        [5, 1, "ENROL MORE"],
    ]
    assert (low["treated"], low["evaluable"]) == (6, 5), "one is not evaluable"
    assert high["steps"] == [[1, 1, "ENROL MORE"], [2, 2, "DE-ESCALATE"]]
    assert found["MTD"] is None, "no level has six evaluable yet"


def test_only_ne_and_death_before_the_landmark(people, read, edge):
    person = people["01-001"]
    assert person["ADTTE"]["EFS"]["case"] == "3" and person["BOR"] == "NE"
    assert "OS" in person["hidden"] and "EFS" not in person["hidden"]
    dth = read(edge, "dth").set_index("SUBJECT")
    assert dth.at["01-001", "DTHDAT"] == "UN-UNK-2024"
    eot = read(edge, "eot").set_index("SUBJECT")
    assert (eot.at["01-001", "EOTREAS"], eot.at["01-001", "EOTOTH"]) == ("OTHER", "Moved to palliative care at home")


def test_no_assessment_and_alive(people):
    assert people["01-002"]["ADTTE"]["EFS"]["case"] == "4"
    assert ends(people["01-002"])["EFS2"] == (1, 2, "NO POST-BASELINE ASSESSMENT")


def test_relapse_and_death_on_one_day_count_as_relapse(people):
    found = ends(people["01-003"])
    assert found["RFS"] == found["CIR"] == (94, 0, "RELAPSE")
    assert found["OS"] == (150, 0, "DEATH") and found["EFS"] == (150, 0, "RELAPSE")


def test_an_event_on_the_day_of_the_transplant_stays_an_event(people):
    found = ends(people["01-004"])
    assert found["RFSH"] == found["RFS"] == (72, 0, "RELAPSE")
    assert found["OSH"] == (100, 3, "ALLOGENEIC HSCT")


def test_progression_goes_before_treatment_failure_on_one_day(people, read, edge):
    assert ends(people["01-005"])["EFS2"] == (57, 0, "PROGRESSIVE DISEASE")
    dth = read(edge, "dth").set_index("SUBJECT")
    assert dth.at["01-005", "DTHDAT"] != dth.at["01-005", "DTHDAT"], "the date of death is blank"
    assert people["01-005"]["hidden"]["death"] == "date of death not known"
    assert people["01-005"]["recorded"]["DTHDT"] < people["01-005"]["death"]


def test_responses_after_new_therapy_or_transplant_are_not_attributed(people):
    assert people["01-006"]["BOR"] == "NR" and people["01-006"]["REMDT"] is None
    assert people["01-008"]["BOR"] == "MLFS" and people["01-008"]["CRCRSP"] == "N"
    assert people["01-006"]["study_end"][1] == "END"


def test_a_death_on_the_day_of_the_cut_off_learnt_later_is_in_the_package(people, read, edge):
    person = people["01-007"]
    assert person["death"] == "2026-03-31" and person["death_in_package"]
    assert ends(person)["CIR"][1:] == (2, "DEATH WITHOUT RELAPSE")
    report = read(edge, "surv").query("SUBJECT == '01-007' and SURVST == 'DEAD'")["SURVDAT_"]
    assert str(report.iloc[0].date()) > "2026-03-31"


def test_people_never_assigned(people, read, edge):
    assert [people[f"01-{n:03d}"]["fate"] for n in (9, 10, 11)] == ["NOT ASSIGNED"] * 3
    enr = read(edge, "enr").set_index("SUBJECT")
    assert enr.at["01-009", "ENRYN"] == "Y" and enr.loc["01-009", ["COHORT", "DOSELVL"]].isna().all()
    assert "01-010" not in enr.index, "screening goes on"
    assert [people[f"01-{n:03d}"]["in_package"] for n in (10, 11)] == [True, False]
