"""The reference scenario: who takes part and what becomes of them, counted in the truth and in the raw records."""

from collections import Counter

import pandas as pd

CUT = pd.Timestamp("2026-03-31")


def test_33_people_34_screening_numbers_24_treated(truth, raw):
    assert truth["counts"]["screening numbers"] == len(raw("subj")) == 34
    assert truth["counts"]["people"] == raw("subj")["PERSONID"].nunique() == len(truth["people"]) == 33
    fates = Counter(p["fate"] for p in truth["people"])
    assert fates == {"TREATED": 24, "ASSIGNED, NOT TREATED": 1, "SCREEN FAILURE": 8}
    dose = raw("dose")
    assert dose[dose["DTAKEN"] == "Y"]["USUBJID"].nunique() == 24


def test_everybody_gave_main_consent_first(raw):
    ic = raw("ic")
    main = ic[ic["ICTYPE"] == "MAIN"].groupby("SUBJECT")["ICDAT_"].min()
    assert len(main) == 34
    assert (ic["ICDAT_"] >= ic["SUBJECT"].map(main)).all()


def test_one_person_is_screened_again_and_treated(truth, raw):
    again = raw("subj").dropna(subset=["PREVSUBJ"])
    assert again[["SUBJECT", "PREVSUBJ"]].to_numpy().tolist() == [["01-017", "01-015"]]
    person = next(p for p in truth["people"] if p["previous"])
    assert (person["USUBJID"], person["SUBJID"], person["fate"]) == ("BY002-01-015", "01-017", "TREATED")
    fates = {s["SUBJECT"]: s["fate"] for s in truth["subjects"]}
    assert (fates["01-015"], fates["01-017"]) == ("SCREEN FAILURE", "TREATED")
    assert "BY002-01-017" not in {s["USUBJID"] for s in truth["subjects"]}


def test_cohorts_dlt_and_mtd(truth, raw):
    enr = raw("enr").dropna(subset=["DOSELVL"])
    dosed = set(raw("dose").query("DTAKEN == 'Y'")["USUBJID"])
    levels = Counter(tuple(r) for r in enr[enr["USUBJID"].isin(dosed)][["COHORT", "DOSELVL"]].to_numpy())
    assert levels == {
        ("ESC", "100"): 1,
        ("ESC", "200"): 4,
        ("ESC", "300"): 3,
        ("ESC", "400"): 6,
        ("ESC", "600"): 3,
        ("EXP", "400"): 7,
    }
    found = [[x["dose"], x["treated"], x["evaluable"], x["dlt"], x["decision"]] for x in truth["escalation"]["levels"]]
    assert found == [
        [100, 1, 1, 0, "ESCALATE"],
        [200, 4, 3, 0, "ESCALATE"],
        [300, 3, 3, 0, "ESCALATE"],
        [400, 6, 6, 1, "ESCALATE"],
        [600, 3, 3, 2, "DE-ESCALATE"],
    ]
    assert truth["escalation"]["MTD"] == 400
    steps = next(x["steps"] for x in truth["escalation"]["levels"] if x["dose"] == 400)
    assert steps[2] == [3, 1, "EXPAND TO 6"]
    dlt = raw("dlt")
    forms = dlt.merge(enr[["SUBJECT", "DOSELVL"]]).query("DLTEVYN == 'Y'").groupby("DOSELVL")
    assert forms.size().to_dict() == {"100": 1, "200": 3, "300": 3, "400": 6, "600": 3}
    assert forms["DLTYN"].apply(lambda x: (x == "Y").sum()).to_dict() == {
        "100": 0,
        "200": 0,
        "300": 0,
        "400": 1,
        "600": 2,
    }


def test_the_replaced_participant_missed_12_doses_for_an_unrelated_pneumonia(raw, treated):
    missed = raw("dose").query("SUBJECT == '01-004' and DTAKEN == 'N'")
    assert (missed["DENDAT_"] - missed["DSTDAT_"]).dt.days.tolist() == [11]
    number = missed["DAENO"].iloc[0]
    event = raw("ae").query("SUBJECT == '01-004'").set_index("AENO").loc[number]
    assert (event["AETOXGR"], event["AEREL"], event["AEACN"]) == ("3", "UNR", "INT")
    terms = {e["AENO"]: e["PT"] for e in treated["BY002-01-004"]["events"]}
    assert terms[number] == "Pneumonia"


def test_diseases_and_genes(treated, raw):
    assert Counter(p["disease"] for p in treated.values()) == {"AML": 18, "ALL": 4, "MPAL": 2}
    assert Counter(p["gene"] for p in treated.values()) == {"KMT2A": 14, "NPM1": 10}
    dx = raw("dx")
    assert Counter(dx[dx["SUBJECT"].isin([p["SUBJID"] for p in treated.values()])]["DXTYPE"]) == {
        "AML": 18,
        "ALL": 4,
        "MPAL": 2,
    }


def test_best_responses(treated, raw):
    counts = {"CR": 6, "CRh": 2, "CRi": 2, "MLFS": 1, "PR": 1, "NR": 8, "PD": 2, "NE": 2}
    assert Counter(p["BOR"] for p in treated.values()) == counts
    ranks = ["CR", "CRh", "CRi", "MLFS", "PR", "NR", "PD"]
    resp = raw("resp").query("RSPDAT_ <= @CUT").replace({"RSPRES": {"RD": "NR"}}).sort_values("RSPDAT_")
    found = Counter()
    for who in treated:
        mine = resp[resp["USUBJID"] == who]
        stops = [mine.loc[mine["RSPRES"].isin(["REL", "PD"]), "RSPDAT_"].min()]
        stops.append(raw("hsct").query("USUBJID == @who")["HSCTDAT_"].min())
        new = raw("nalt").query("USUBJID == @who")["NALSTDAT_"].min()
        for stop in stops:
            mine = mine if pd.isna(stop) else mine[mine["RSPDAT_"] <= stop]
        mine = mine if pd.isna(new) else mine[mine["RSPDAT_"] < new]
        best = [r for r in ranks if r in set(mine["RSPRES"])]
        found[best[0] if best else "NE"] += 1
    assert found == counts


def test_transplants_relapses_and_deaths(treated, raw):
    grafted = {w for w, p in treated.items() if p["HSCTDT"]}
    relapsed = {w for w, p in treated.items() if p["RELDT"]}
    assert (len(grafted), len(grafted & relapsed), len(relapsed - grafted)) == (5, 1, 3)
    assert grafted == set(raw("hsct")["USUBJID"])
    assert relapsed == set(raw("resp").query("RSPRES == 'REL' and RSPDAT_ <= @CUT")["USUBJID"])
    dead = {w for w, p in treated.items() if p["death_in_package"]}
    assert len(dead) == 12
    forms = raw("dth")
    later = forms[forms["DTHDAT_"] > CUT]["USUBJID"].tolist()
    assert set(forms["USUBJID"]) - set(later) == dead
    assert later == ["BY002-01-025"], "one death lies beyond the cut-off"


def test_events_of_special_interest(treated, raw):
    ae = raw("ae")
    assert ae.groupby("AEAESI")["SUBJECT"].nunique().drop("N").to_dict() == {"DS": 4, "QT": 3, "TLS": 1}
    assert len(raw("dsym")) == 4
    who = {k for k, p in treated.items() for e in p["events"] if e["PT"] == "Differentiation syndrome"}
    assert who == set(ae[ae["AEAESI"] == "DS"]["USUBJID"])


def test_every_case_of_event_free_survival_and_every_event_is_there(treated):
    assert {p["ADTTE"]["EFS"]["case"] for p in treated.values()} == {"1a", "1b", "2", "3", "4", "5"}
    found = {
        name: set() for name in ("OS", "EFS", "EFS2", "RFS", "DOR", "DORCRC", "CIR", "OSH", "RFSH", "DORH", "CIRH")
    }
    for p in treated.values():
        for name, kinds in found.items():
            if name in p["ADTTE"]:
                kinds.add((p["ADTTE"][name]["CNSR"], p["ADTTE"][name]["what"]))
    assert found["EFS2"] == {
        (0, "RELAPSE"),
        (0, "PROGRESSIVE DISEASE"),
        (0, "TREATMENT FAILURE"),
        (0, "DEATH"),
        (1, "LAST RESPONSE ASSESSMENT"),
        (2, "NO POST-BASELINE ASSESSMENT"),
    }
    assert found["RFS"] == {(0, "RELAPSE"), (0, "DEATH"), (1, "LAST KNOWN ALIVE")}
    assert {c for c, _ in found["CIR"]} == {0, 1, 2}
    for name in ("OSH", "RFSH", "DORH", "CIRH"):
        assert (3, "ALLOGENEIC HSCT") in found[name]
    late = treated["BY002-01-024"]
    assert late["ADTTE"]["EFS"]["AVAL"] == 1 and "RFS" in late["ADTTE"], "remission after the landmark"
