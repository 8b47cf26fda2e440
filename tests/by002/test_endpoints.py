"""ADRS, ADTTE and ADPC of BY002 against the simulator's truth and against recomputations that share no code with them."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

REMISSION, RESPONSE = ("CR", "CRh", "CRi"), ("CR", "CRh", "CRi", "MLFS", "PR")
RANK = {"CR": 1, "CRh": 2, "CRi": 3, "MLFS": 4, "PR": 5, "NR": 6, "PD": 7, "REL": 8, "NE": 9}
SHORT = {"MORPHOLOGIC LEUKEMIA-FREE STATE": "MLFS", "RELAPSED DISEASE": "REL"}
DATES = ("TRTSDT", "DCUTDT", "DTHDT", "HSCTDT", "NALTDT", "EOTDT", "LSTALVDT")
LANDMARK = 179  # days after the first dose


def iso(sas):
    """The ISO date of a SAS date; None when missing."""
    return None if pd.isna(sas) else date.fromordinal(int(sas) + date(1960, 1, 1).toordinal()).isoformat()


def sas(text):
    """The SAS date of an ISO date."""
    return (date.fromisoformat(text[:10]) - date(1960, 1, 1)).days


@pytest.fixture(scope="module")
def treated(people):
    """What is true of treated people under death dates as they were recorded, by USUBJID."""
    return {u: {**vars(p), **getattr(p, "recorded", {})} for u, p in people.items() if p.fate == "TREATED"}


@pytest.fixture(scope="module")
def adrs(dataset):
    return dataset("ADRS")


@pytest.fixture(scope="module")
def adtte(dataset):
    return dataset("ADTTE")


def test_time_to_event_is_the_truth_of_the_simulation(adtte, treated):
    found = {
        (r.USUBJID, r.PARAMCD): (iso(r.STARTDT), iso(r.ADT), r.AVAL, r.CNSR, r.EVNTDESC or r.CNSDTDSC)
        for r in adtte.itertuples()
    }
    expected = {
        (who, code): (t["STARTDT"], t["ADT"], t["AVAL"], t["CNSR"], t["what"])
        for who, true in treated.items()
        for code, t in true["ADTTE"].items()
    }
    assert found == expected and len(treated) == 24


def test_every_case_of_event_free_survival_occurs(treated):
    assert {t["ADTTE"]["EFS"]["case"] for t in treated.values()} >= {"1a", "1b", "2", "3", "4", "5"}


def test_event_types_are_the_truth_of_the_simulation(adtte, treated):
    cir = adtte[adtte["PARAMCD"].isin(["CIR", "CIRH"])]
    found = {(r.USUBJID, r.PARAMCD): r.EVTYPEN for r in cir.itertuples()}
    expected = {(w, c): t["ADTTE"][c]["EVTYPEN"] for w, t in treated.items() for c in ("CIR", "CIRH") if c in t["ADTTE"]}
    assert found == expected and set(found.values()) == {0, 1, 2}


def test_best_response_and_flags_are_the_truth_of_the_simulation(adrs, treated):
    rows = adrs.set_index(["USUBJID", "PARAMCD"])
    for who, true in treated.items():
        bor = rows.loc[[(who, "BOR")]].iloc[0]
        assert bor["AVALC"] == true["BOR"], who
        if true["BOR"] != "NE":  # the truth dates no NE; ADRS dates it by the first assessment, where there is one
            assert iso(bor["ADT"]) == true["BORDT"], who
        for flag in ("CRRSP", "CRHRSP", "CRCRSP", "ORRSP"):
            row = rows.loc[[(who, flag)]].iloc[0]
            assert (row["AVALC"], iso(row["ADT"])) == (true[flag], true["response_dates"].get(flag)), (who, flag)
        for code, name in (("RELAPSE", "RELDT"), ("PD", "PDDT"), ("HSCT", "HSCTDT"), ("NALT", "NALTDT")):
            assert iso(rows.loc[[(who, code)]].iloc[0]["ADT"]) == true[name], (who, code)
        last = rows.loc[[(who, "LSTAC")]].iloc[0]["ADT"] if (who, "LSTAC") in rows.index else None
        assert iso(last) == true["LSTAC"], who
        negative = rows.loc[[(who, "MRDNEG")]].iloc[0]["AVALC"] if (who, "MRDNEG") in rows.index else None
        assert negative == true["MRDNEG"], who
    counts = adrs[adrs["PARAMCD"] == "BOR"]["AVALC"].value_counts().to_dict()
    assert counts == {"CR": 6, "CRh": 2, "CRi": 2, "MLFS": 1, "PR": 1, "NR": 8, "PD": 2, "NE": 2}


# -- a second computation, in plain Python over RS, DS and ADSL


def facts(who, adsl, rs, ds):
    """Dates of one subject by the analysis plan, from RS, DS and the dates of ADSL."""
    s = adsl.loc[who]
    f = SimpleNamespace(**{n.lower(): None if pd.isna(s[n]) else int(s[n]) for n in DATES})
    mine = rs[(rs["USUBJID"] == who) & (rs["RSTESTCD"] == "OVRLRESP")].sort_values(["RSDTC", "RSSEQ"])
    seen = [(sas(r.RSDTC), SHORT.get(r.RSSTRESC, r.RSSTRESC)) for r in mine.itertuples()]
    seen = [(d, r) for d, r in seen if d > f.trtsdt]
    stop = [d for d, r in seen if r in ("REL", "PD")][:1] + ([f.hsctdt] if f.hsctdt else [])
    until = min([*stop, f.dcutdt, (f.naltdt or 10**6) - 1])
    f.inside = [(d, r) for d, r in seen if d <= until]
    f.rem = next((d for d, r in f.inside if r in REMISSION), None)
    f.rsp = next((d for d, r in f.inside if r in RESPONSE), None)
    f.rel = next((d for d, r in seen if r == "REL" and f.rem is not None and d > f.rem), None)
    f.pd = next((d for d, r in seen if r == "PD"), None)
    f.pd2 = next((d for d, r in seen if r == "PD" and f.rsp is not None and d > f.rsp), None)
    f.last = max((d for d, r in seen if r != "NE"), default=None)
    f.evaluable = any(r not in ("NE", "REL") for _, r in seen)
    why = ds[(ds["USUBJID"] == who) & (ds["DSSCAT"] == "STUDY TREATMENT")]["DSDECOD"].tolist()
    f.failed = f.eotdt if why in (["LACK OF EFFICACY"], ["PROGRESSIVE DISEASE"]) and f.rem is None else None
    return f


def earliest(*events):
    """The earliest of (day, what) as an event, the one listed first on a tie; None when none has a day."""
    known = [(d, i, what) for i, (d, what) in enumerate(events) if d is not None]
    return (min(known)[0], 0, min(known)[2]) if known else None


def event_free(f):
    """EFS of ELN 2022, its cases one after the other."""
    limit = f.trtsdt + LANDMARK
    if f.rem is not None and f.rem <= limit:
        return earliest((f.rel, "RELAPSE"), (f.dthdt, "DEATH")) or (f.last, 1, "LAST RESPONSE ASSESSMENT")
    if f.evaluable:
        early = any(d is not None and d <= limit for d in (f.eotdt, f.pd, f.naltdt, f.dthdt))
        failure = f.dcutdt > limit or early
        return (f.trtsdt, 0, "TREATMENT FAILURE") if failure else (f.last, 3, "LANDMARK NOT REACHED")
    if f.dthdt is not None and f.dthdt <= limit:
        return (f.trtsdt, 0, "DEATH BEFORE RESPONSE ASSESSMENT")
    return (f.trtsdt, 2, "NON-EVALUABLE")


def second(f):
    """Every time to event of one subject: origin, and its end as (day, CNSR, what)."""
    start, rem, rsp = f.trtsdt, f.rem, f.rsp
    lapse = ((f.rel, "RELAPSE"), (f.dthdt, "DEATH"))
    assessed, alive = (f.last, 1, "LAST RESPONSE ASSESSMENT"), (f.lstalvdt, 1, "LAST KNOWN ALIVE")
    events = (lapse[0], (f.pd, "PROGRESSIVE DISEASE"), (f.failed, "TREATMENT FAILURE"), lapse[1])
    ends = {
        "OS": (start, earliest(lapse[1]) or alive),
        "EFS": (start, event_free(f)),
        "EFS2": (start, earliest(*events) or (assessed if f.last else (start, 2, "NO POST-BASELINE ASSESSMENT"))),
    }
    if rem is not None:
        ends |= {"RFS": (rem, earliest(*lapse) or alive), "DORCRC": (rem, earliest(*lapse) or assessed)}
        first = earliest(*lapse)
        competing = first is not None and first[2] == "DEATH"
        ends["CIR"] = (rem, (f.dthdt, 2, "DEATH WITHOUT RELAPSE") if competing else first or alive)
        ends["TTCRC"] = (start, (rem, 0, "FIRST RESPONSE"))
    if rsp is not None:
        lost = "RELAPSE OR PROGRESSION"
        ends["DOR"] = (rsp, earliest((f.rel, lost), (f.pd2, lost), (f.dthdt, "DEATH")) or assessed)
        ends["TTR"] = (start, (rsp, 0, "FIRST RESPONSE"))
    for name in ("OS", "EFS2", "RFS", "DOR", "CIR"):
        if name in ends:
            origin, end = ends[name]
            event = end[1] == 0 or (name == "CIR" and end[1] == 2)
            censored = f.hsctdt is not None and (not event or f.hsctdt < end[0])
            ends[name + "H"] = (origin, (f.hsctdt, 3, "ALLOGENEIC HSCT") if censored else end)
    return ends


def best(f):
    """Best overall response: rank, day and name."""
    return min(((RANK[r], d, r) for d, r in f.inside if r != "REL"), default=(9, None, "NE"))


@pytest.fixture(scope="module")
def recomputed(dataset):
    adsl, rs, ds = dataset("ADSL").set_index("USUBJID"), dataset("RS"), dataset("DS")
    return {who: facts(who, adsl, rs, ds) for who in adsl.index[adsl["SAFFL"] == "Y"]}


def test_a_second_computation_from_the_tabulation_gives_the_same_times(adtte, recomputed):
    found = {
        (r.USUBJID, r.PARAMCD): (r.STARTDT, r.ADT, r.CNSR, r.EVNTDESC or r.CNSDTDSC, r.AVAL) for r in adtte.itertuples()
    }
    expected = {
        (who, code): (origin, *end, end[0] - origin + 1)
        for who, f in recomputed.items()
        for code, (origin, end) in second(f).items()
    }
    assert found == expected


def test_a_second_computation_from_the_tabulation_gives_the_same_best_response(adrs, recomputed):
    rows = adrs[adrs["PARAMCD"] == "BOR"]
    found = {r.USUBJID: (r.AVAL, None if pd.isna(r.ADT) else r.ADT, r.AVALC) for r in rows.itertuples()}
    assert found == {who: best(f) for who, f in recomputed.items()}


def test_every_source_names_a_record_with_that_date(adrs, adtte, dataset):
    rs, adsl = dataset("RS").set_index(["USUBJID", "RSSEQ"]), dataset("ADSL").set_index("USUBJID")
    for frame in (adrs[adrs["PARAMCD"] != "OVRALG"], adtte):  # of a programmed response see test_biomarkers.py
        rows = frame[frame["ADT"].notna()]
        assert set(rows["SRCDOM"]) == {"RS", "ADSL"} and (rows["SRCVAR"] != "").all()
        for r in rows.itertuples():
            if r.SRCDOM == "RS":
                assert sas(rs.loc[(r.USUBJID, r.SRCSEQ), "RSDTC"]) == r.ADT
            else:
                assert adsl.loc[r.USUBJID, r.SRCVAR] == r.ADT and pd.isna(r.SRCSEQ)


def test_every_investigator_response_of_a_treated_subject_is_a_row(adrs, dataset):
    rs, adsl = dataset("RS"), dataset("ADSL")
    rs = rs[(rs["RSTESTCD"] == "OVRLRESP") & rs["USUBJID"].isin(adsl[adsl["SAFFL"] == "Y"]["USUBJID"])]
    expected = {(r.USUBJID, r.RSSEQ): (SHORT.get(r.RSSTRESC, r.RSSTRESC), r.RSDTC) for r in rs.itertuples()}
    rows = adrs[adrs["PARAMCD"] == "OVRINV"]
    found = {(r.USUBJID, r.SRCSEQ): (r.AVALC, iso(r.ADT)) for r in rows.itertuples()}
    assert found == expected and (rows["AVAL"] == rows["AVALC"].map(RANK)).all()


# -- what the study's invariants say of these datasets


def test_relapse_follows_remission_and_responses_are_nested(adrs):
    date_of = adrs[adrs["PARAMCD"].isin(["CRCRSP", "RELAPSE"])].pivot(index="USUBJID", columns="PARAMCD", values="ADT")
    relapsed = date_of[date_of["RELAPSE"].notna()]
    assert (relapsed["RELAPSE"] > relapsed["CRCRSP"]).all() and len(relapsed)
    flags = adrs[adrs["PARAMCD"].isin(["CRRSP", "CRHRSP", "CRCRSP", "ORRSP"])]
    wide = flags.pivot(index="USUBJID", columns="PARAMCD", values="AVAL")
    assert len(wide) == 24 and (np.diff(wide[["CRRSP", "CRHRSP", "CRCRSP", "ORRSP"]], axis=1) >= 0).all()
    after = adrs[(adrs["PARAMCD"] == "OVRINV") & (adrs["AVALC"] == "REL")]
    first = date_of["CRCRSP"].reindex(after["USUBJID"]).to_numpy()
    assert (after["ADT"].to_numpy() > first).all()


def test_events_are_described_as_events_and_censoring_as_censoring(adtte, dataset):
    assert not adtte.duplicated(["USUBJID", "PARAMCD"]).any() and (adtte["AVAL"] >= 1).all()
    event = adtte["CNSR"] == 0
    assert ((adtte["EVNTDESC"] != "") == event).all() and ((adtte["CNSDTDSC"] != "") == ~event).all()
    assert (adtte["ADT"] <= dataset("ADSL")["DCUTDT"].max()).all()


def test_death_in_one_endpoint_is_the_death_of_survival(adtte):
    wide = adtte.set_index(["USUBJID", "PARAMCD"])
    os = wide.xs("OS", level="PARAMCD")
    died = adtte[(adtte["EVNTDESC"] == "DEATH") & adtte["PARAMCD"].isin(["RFS", "DOR", "EFS", "DORCRC", "EFS2"])]
    assert len(died) and (os.loc[died["USUBJID"], "CNSR"] == 0).all()
    assert (os.loc[died["USUBJID"], "ADT"].to_numpy() == died["ADT"].to_numpy()).all()
    for code in ("EFS", "RFS"):
        other = wide.xs(code, level="PARAMCD")
        assert (os.loc[other.index, "ADT"] >= other["ADT"]).all()
    efs = wide.xs("EFS", level="PARAMCD")
    assert (os.loc[efs.index, "AVAL"] >= efs["AVAL"]).all()


def test_survival_figures_read_aval_and_cnsr(adtte):
    """Kaplan-Meier of statsmodels against the product-limit formula; no more than that the variables fit the method."""
    duration = pytest.importorskip("statsmodels.duration.survfunc")
    for code in ("OS", "EFS", "RFS", "DOR"):
        rows = adtte[adtte["PARAMCD"] == code]
        curve = duration.SurvfuncRight(rows["AVAL"], (rows["CNSR"] == 0).astype(int))
        times = np.sort(rows[rows["CNSR"] == 0]["AVAL"].unique())
        steps = [1 - ((rows["AVAL"] == t) & (rows["CNSR"] == 0)).sum() / (rows["AVAL"] >= t).sum() for t in times]
        assert np.allclose(curve.surv_prob, np.cumprod(steps)) and 0 <= curve.surv_prob[-1] < 1


# -- ADPC against the assay's own file and the forms of the ward


@pytest.fixture(scope="module")
def adpc(dataset):
    frame = dataset("ADPC").merge(dataset("PC")[["USUBJID", "PCSEQ", "PCREFID", "PCSTAT"]], on=["USUBJID", "PCSEQ"])
    assert len(frame) == len(dataset("ADPC"))
    return frame


@pytest.fixture(scope="module")
def assay(export):
    frame = pd.read_csv(export / "pk" / "conc.csv", dtype=str, keep_default_na=False)
    frame = frame[frame["REPORTABLE"] == "Y"].sort_values("ANDTM").drop_duplicates(["PKBAR", "ANALYTE"], keep="last")
    return frame.set_index(["PKBAR", frame["ANALYTE"].map({"BY002": "BY002", "BY002-M1": "BY002M1"})])["CONC"]


def test_concentrations_are_those_of_the_assay(adpc, assay):
    rows = adpc[adpc["PCSTAT"] == ""]
    raw = assay.reindex(pd.MultiIndex.from_frame(rows[["PCREFID", "PARAMCD"]])).to_numpy()
    assert len(rows) > 800 and not pd.isna(raw).any()
    numeric = pd.to_numeric(pd.Series(raw), errors="coerce").to_numpy()
    measured = ~np.isnan(numeric)
    assert np.array_equal(rows["AVAL"].to_numpy()[measured], numeric[measured])
    assert ((rows["BLQFL"] == "Y").to_numpy() == ~measured).all() and (~measured).sum() > 20
    assert rows["AVAL"].to_numpy()[~measured][~np.isnan(rows["AVAL"].to_numpy()[~measured])].max() == 0


def test_times_after_the_dose_are_those_of_the_forms(adpc, form):
    pks = form("PKS").drop_duplicates(["SUBJECT", "VISITOID", "PKTPT", "PKBAR"])
    dose = form("PKD").drop_duplicates(["SUBJECT", "VISITOID"]).set_index(["SUBJECT", "VISITOID"])
    clock = "%d-%b-%Y %H:%M"
    seen = 0
    for r in pks[(pks["PKYN"] == "Y") & (pks["PKBAR"] != "")].itertuples():
        day = {"C1D2": "C1D1", "C1D16": "C1D15"}.get(r.VISITOID, r.VISITOID)
        if (r.SUBJECT, day) not in dose.index or ":" not in r.PKTIM or "UN" in r.PKTIM + r.PKDAT:
            continue
        given = dose.loc[(r.SUBJECT, day)]
        if "UN" in given.PKDOSTIM or not given.PKDOSTIM:
            continue
        hours = (
            pd.to_datetime(f"{r.PKDAT} {r.PKTIM}", format=clock)
            - pd.to_datetime(f"{given.PKDOSDAT} {given.PKDOSTIM}", format=clock)
        ) / pd.Timedelta(hours=1)
        rows = adpc[(adpc["USUBJID"] == r.USUBJID) & (adpc["PCREFID"] == r.PKBAR)]
        if len(rows) and (rows["AVISIT"] == day).all():
            seen += 1
            assert np.allclose(rows["ARRLT"], round(hours, 4), atol=6e-5), r
            assert np.allclose(rows["MRRLT"], max(round(hours, 4), 0), atol=6e-5)
    assert seen > 300


def test_profiles_have_the_actual_and_planned_dose_of_their_day(adpc, treated):
    for r in adpc[adpc["AVISIT"].isin(["C1D1", "C1D15"])].drop_duplicates(["USUBJID", "AVISIT"]).itertuples():
        day = iso(r.PCRFTDTM // 86400) if not pd.isna(r.PCRFTDTM) else None
        if day is not None:
            given = [mg for first, last, mg in treated[r.USUBJID]["doses"] if first <= day <= last]
            assert given == [r.DOSEA], (r.USUBJID, day)
            assert r.DOSEP in (treated[r.USUBJID]["dose"], treated[r.USUBJID]["dose"] / 2)


def test_only_first_profiles_that_start_with_more_than_5_percent_of_cmax_are_excluded_whole(adpc):
    excluded = adpc["NCAXRS"] == "PREDOSE>5% CMAX"
    profiles = adpc[adpc["AVISIT"] == "C1D1"].groupby(["USUBJID", "PARAMCD"])
    assert len(profiles) == 48 and excluded[adpc["AVISIT"] != "C1D1"].sum() == 0
    for key, rows in profiles:
        share = rows[rows["ATPT"] == "PREDOSE"]["AVAL"].iloc[0] / rows["AVAL"].max()
        assert (excluded[rows.index] == (share > 0.05)).all(), key
    assert excluded.any(), "the export plants one"


def test_every_sample_belongs_to_the_day_of_its_dose(adpc):
    assert set(adpc["AVISIT"]) == {"C1D1", "C1D8", "C1D15", "C1D22", "C2D1", "C3D1"}
    assert (adpc[adpc["ATPT"] == "24H"]["AVISIT"] != adpc[adpc["ATPT"] == "24H"]["VISIT"]).all()
    analysed = adpc[adpc["ANL01FL"] == "Y"]
    assert analysed["NCAXRS"].isin(["", "BLQ AFTER LAST MEASURABLE", "BLQ BETWEEN MEASURABLE"]).all()
    assert analysed["ARRLT"].notna().all() and (analysed["DOSEA"] > 0).all() and len(analysed) > 700
