"""The truth against the raw records, recomputed here with plain pandas and sharing no code with the simulator."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

CUT = pd.Timestamp("2026-03-31")
REMISSION = ("CR", "CRh", "CRi")
RESPONSE = (*REMISSION, "MLFS", "PR")


def day(text):
    return None if text is None else pd.Timestamp(text)


@pytest.fixture(scope="session")
def alive(raw):
    """The last date up to the cut-off on which records show each person alive, the death aside."""
    parts = [raw("visdt").query("VISYN == 'Y' and VISMODE == 'SITE'")[["USUBJID", "VISDAT_"]]]
    taken = raw("dose").query("DTAKEN == 'Y'")
    parts += [taken[["USUBJID", c]] for c in ("DSTDAT_", "DENDAT_")]
    parts += [raw("ae")[["USUBJID", c]] for c in ("AESTDAT_", "AEENDAT_")]
    for name, column in (
        ("vs", "VSDAT_"),
        ("ecog", "ECOGDAT_"),
        ("resp", "RSPDAT_"),
        ("emd", "EMDDAT_"),
        ("mrd", "MRDDAT_"),
        ("cm", "CMSTDAT_"),
        ("nalt", "NALSTDAT_"),
        ("hsct", "HSCTDAT_"),
        ("trf", "TRFDAT_"),
        ("labx", "XDAT_"),
        ("surv", "LSTALV_"),
    ):
        parts.append(raw(name)[["USUBJID", column]])
    parts.append(raw("bma").query("BMYN == 'Y'")[["USUBJID", "BMDAT_"]])
    lis = raw("lis").query("STATUS != 'X'")
    parts.append(lis.assign(on=pd.to_datetime(lis["COLLECT"].str.split(" ").str[0]))[["USUBJID", "on"]])
    ecg = raw("ecg")
    local = pd.to_datetime(ecg["ECGDTM"], format="%Y-%m-%dT%H:%M:%SZ") + timedelta(hours=8)
    parts.append(ecg.assign(on=local.dt.normalize())[["USUBJID", "on"]])
    tubes = raw("pks")
    drawn = tubes[tubes["PKBAR"].isin(set(raw("conc")["PKBAR"]))]
    parts.append(drawn[["USUBJID", "PKDAT_"]])
    samples = raw("ngs_samples")
    parts.append(samples.assign(on=pd.to_datetime(samples["COLDAT"]))[["USUBJID", "on"]])
    everything = pd.concat([p.set_axis(["who", "on"], axis=1) for p in parts])
    return everything[everything["on"] <= CUT].groupby("who")["on"].max().to_dict()


def known(frame, who, column):
    dates = frame.loc[frame["USUBJID"] == who, column].dropna()
    return dates[dates <= CUT].min() if (dates <= CUT).any() else None


@pytest.fixture(scope="session")
def courses(raw, treated, alive):
    """What the raw records say of each treated person: dates and assessments."""
    resp = raw("resp").sort_values("RSPDAT_")
    made = {}
    for who in treated:
        mine = resp[(resp["USUBJID"] == who) & (resp["RSPDAT_"] <= CUT)]
        start = raw("dose").query("USUBJID == @who and DTAKEN == 'Y'")["DSTDAT_"].min()
        made[who] = {
            "start": start,
            "assessed": list(zip(mine["RSPDAT_"], mine["RSPRES"].replace("RD", "NR"), strict=True)),
            "death": known(raw("dth"), who, "DTHDAT_"),
            "hsct": known(raw("hsct"), who, "HSCTDAT_"),
            "nalt": known(raw("nalt"), who, "NALSTDAT_"),
            "eot": known(raw("eot"), who, "EOTDAT_"),
            "why": raw("eot").query("USUBJID == @who")["EOTREAS"].tolist(),
            "alive": alive[who],
        }
    return made


def test_last_date_known_alive(treated, alive):
    found = {w: str(alive[w].date()) for w, p in treated.items() if not p["death_in_package"]}
    assert found == {w: p["LSTALVDT"] for w, p in treated.items() if not p["death_in_package"]}
    for who, p in treated.items():
        if p["death_in_package"]:
            assert alive[who] <= day(p["death"])


def test_death_dates_and_what_the_rules_make_of_a_partial_one(treated, raw, alive):
    forms = raw("dth").set_index("USUBJID")
    for who, p in treated.items():
        if p["death_in_package"] and "death" not in p["hidden"]:
            assert forms.at[who, "DTHDAT_"] == day(p["death"])
    partial = [p for p in treated.values() if "death" in p["hidden"]]
    assert [p["SUBJID"] for p in partial] == ["01-013"]
    (person,) = partial
    assert forms.at[person["USUBJID"], "DTHDAT"] == "UN-SEP-2025"
    first = max(pd.Timestamp("2025-09-01"), alive[person["USUBJID"]] + timedelta(days=1))
    assert person["recorded"]["DTHDT"] == str(first.date())
    assert person["recorded"]["ADTTE"]["OS"]["ADT"] == str(first.date())


def test_doses(treated, raw):
    for who, p in treated.items():
        mg = {}
        for row in raw("dose").query("USUBJID == @who and DTAKEN == 'Y'").itertuples():
            end = row.DENDAT_
            if pd.isna(end):  # going on, or the end of the last interval stands on the form of the end of treatment
                end = known(raw("eot"), who, "LASTDOS_") or CUT
            assert str(int(row.N100) * 100 + int(row.N50) * 50) == row.DOSE
            for on in pd.date_range(row.DSTDAT_, min(end, CUT)):
                assert on not in mg, (who, on)
                mg[on] = float(row.DOSE)
        start = min(mg)
        assert (str(start.date()), str(max(mg).date())) == (p["TRTSDT"], p["TRTEDT"])
        assert (sum(mg.values()), len(mg)) == (p["TDOSE"], p["NDOSDY"])
        assert sum(on < start + timedelta(days=28) for on in mg) == p["DOSEC1"]
        runs = [[a, b, c] for a, b, c in p["doses"]]
        assert sum(((day(b) - day(a)).days + 1) * c for a, b, c in runs) == p["TDOSE"]


def test_first_dose_time(treated, raw):
    pkd = raw("pkd").query("VISITOID == 'C1D1'").set_index("USUBJID")
    for who, p in treated.items():
        time = pkd.at[who, "PKDOSTIM"]
        assert time == ("UN:UN" if "RFXSTDTC" in p["hidden"] else p["RFXSTDTC"][11:])
    assert [p["SUBJID"] for p in treated.values() if "RFXSTDTC" in p["hidden"]] == ["01-018"]


def remission(c):
    """First remission, first response, relapse after the remission, first progression, last assessment."""
    stops = [d for d, r in c["assessed"] if r in ("REL", "PD")][:1] + [d for d in (c["hsct"],) if d is not None]
    inside = [(d, r) for d, r in c["assessed"] if all(d <= s for s in stops) and (c["nalt"] is None or d < c["nalt"])]
    rem = next((d for d, r in inside if r in REMISSION), None)
    first = next((d for d, r in inside if r in RESPONSE), None)
    rel = next((d for d, r in c["assessed"] if r == "REL" and rem is not None and d > rem), None)
    last = max((d for d, r in c["assessed"] if r != "NE"), default=None)
    return rem, first, rel, last


def pick(*candidates):
    """The earliest of (date, CNSR, text) whose date is known; the first listed on a tie."""
    there = [c for c in candidates if c[0] is not None]
    return min(there, key=lambda c: c[0]) if there else None


def expected(c):
    rem, first, rel, last = remission(c)
    death, alive = c["death"], c["alive"]
    lm = c["start"] + timedelta(days=179)
    pd_ = next((d for d, r in c["assessed"] if r == "PD"), None)
    evaluable = [r for _, r in c["assessed"] if r not in ("NE", "REL")]
    made = {"OS": pick((death, 0, "DEATH")) or (alive, 1, "LAST KNOWN ALIVE")}
    if rem is not None and rem <= lm:
        made["EFS"] = pick((rel, 0, "RELAPSE"), (death, 0, "DEATH")) or (last, 1, "LAST RESPONSE ASSESSMENT")
    elif evaluable and (lm < CUT or any(d is not None and d <= lm for d in (c["eot"], pd_, c["nalt"], death))):
        made["EFS"] = (c["start"], 0, "TREATMENT FAILURE")
    elif evaluable:
        made["EFS"] = (last, 3, "LANDMARK NOT REACHED")
    elif death is not None and death <= lm:
        made["EFS"] = (c["start"], 0, "DEATH BEFORE RESPONSE ASSESSMENT")
    else:
        made["EFS"] = (c["start"], 2, "NON-EVALUABLE")
    failure = c["eot"] if rem is None and c["why"] and c["why"][0] in ("NR", "PD") else None
    made["EFS2"] = (
        pick(
            (rel, 0, "RELAPSE"), (pd_, 0, "PROGRESSIVE DISEASE"), (failure, 0, "TREATMENT FAILURE"), (death, 0, "DEATH")
        )
        or (last is not None and (last, 1, "LAST RESPONSE ASSESSMENT"))
        or (c["start"], 2, "NO POST-BASELINE ASSESSMENT")
    )
    if rem is not None:
        made["RFS"] = pick((rel, 0, "RELAPSE"), (death, 0, "DEATH")) or (alive, 1, "LAST KNOWN ALIVE")
        made["DORCRC"] = pick((rel, 0, "RELAPSE"), (death, 0, "DEATH")) or (last, 1, "LAST RESPONSE ASSESSMENT")
        made["CIR"] = pick((rel, 0, "RELAPSE"), (death, 2, "DEATH WITHOUT RELAPSE")) or (alive, 1, "LAST KNOWN ALIVE")
        made["TTCRC"] = (rem, 0, "FIRST RESPONSE")
    if first is not None:
        lost = min([d for d, r in c["assessed"] if d > first and (r == "PD" or d == rel)], default=None)
        made["DOR"] = pick((lost, 0, "RELAPSE OR PROGRESSION"), (death, 0, "DEATH")) or (
            last,
            1,
            "LAST RESPONSE ASSESSMENT",
        )
        made["TTR"] = (first, 0, "FIRST RESPONSE")
    for name in ("OS", "EFS2", "RFS", "DOR", "CIR"):
        if name in made:
            when, cnsr, _ = made[name]
            event = cnsr == 0 or (name == "CIR" and cnsr == 2)
            censor = c["hsct"] is not None and not (event and when <= c["hsct"])
            made[name + "H"] = (c["hsct"], 3, "ALLOGENEIC HSCT") if censor else made[name]
    return made


def test_every_time_to_event_from_the_raw_records(treated, courses):
    assert len(courses) == 24
    for who, p in treated.items():
        c = courses[who]
        if "death" in p["hidden"]:
            c = c | {"death": day(p["recorded"]["DTHDT"])}
        true = (p["recorded"] if "death" in p["hidden"] else p)["ADTTE"]
        found = {n: (str(d.date()), cnsr, what) for n, (d, cnsr, what) in expected(c).items()}
        assert found == {n: (t["ADT"], t["CNSR"], t["what"]) for n, t in true.items()}, who
        origin = {"RFS", "DORCRC", "CIR", "RFSH", "CIRH"}
        rem, first, *_ = remission(c)
        for name, t in true.items():
            start = rem if name in origin else first if name in ("DOR", "DORH") else c["start"]
            assert t["AVAL"] == (day(t["ADT"]) - start).days + 1 >= 1, (who, name)


def test_survival_is_never_shorter_than_what_ends_before_it(treated):
    for p in treated.values():
        times = p["ADTTE"]
        for name in ("EFS", "RFS"):
            if name in times:
                assert times["OS"]["ADT"] >= times[name]["ADT"], p["SUBJID"]


def test_events_stand_on_the_form_unless_hidden(treated, raw):
    ae = raw("ae")
    assert sum(len(p["events"]) for p in treated.values()) == len(ae)
    keyed = ae.set_index(["USUBJID", "AENO"])
    for who, p in treated.items():
        for event in p["events"]:
            row, hidden = keyed.loc[(who, event["AENO"])], event.get("hidden", {})
            if "AESTDAT" not in hidden:
                assert row["AESTDAT_"] == day(event["start"])
            if "AEENDAT" not in hidden and event["end"]:
                assert row["AEENDAT_"] == day(event["end"])
            if "AETOXGR" not in hidden:
                assert row["AETOXGR"] == str(event["grade"])
            assert (row["AEDLT"] == "Y", row["AEAESI"]) == (event["dlt"], event["aesi"])


def test_concentrations_lie_around_the_true_ones(treated, raw):
    conc = raw("conc").query("REPORTABLE == 'Y'")
    names = {"BY002": "parent", "BY002-M1": "metabolite"}
    ratios = []
    for p in treated.values():
        hidden = p["PK"].get("hidden", {})
        for row in conc[conc["SUBJECT"] == p["SUBJID"]].itertuples():
            true = p["PK"]["concentrations"].get(row.PKBAR)
            if row.PKBAR in hidden or true is None:
                continue
            value = true[names[row.ANALYTE]]
            if row.CONC == "BLQ":
                assert value < (1.0 if row.ANALYTE == "BY002" else 0.5) * 1.5
            else:
                ratios.append(float(row.CONC) / value)
    ratios = np.log(ratios)
    assert len(ratios) > 900
    assert abs(ratios.mean()) < 0.02 and 0.08 < ratios.std() < 0.12, "10% proportional error"
