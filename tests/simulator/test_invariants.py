"""What no honest export contradicts: doses, events, deaths, samples and visits agree with one another."""

from datetime import timedelta

import pandas as pd
import pytest

CUT = pd.Timestamp("2026-03-31")


@pytest.fixture(scope="session")
def first_dose(raw):
    """Date of the first dose by USUBJID."""
    return raw("dose").query("DTAKEN == 'Y'").groupby("USUBJID")["DSTDAT_"].min()


@pytest.fixture(scope="session")
def deaths(raw, truth):
    """True date of death by USUBJID, of those in the export."""
    dead = {p["USUBJID"]: pd.Timestamp(p["death"]) for p in truth["people"] if p["death"]}
    assert set(dead) == set(raw("dth")["USUBJID"])
    return dead


def test_codes_visits_and_identifiers_are_those_of_the_forms(design, raw):
    visits = set(design.forms.visits)
    for form in design.forms.forms:
        frame = raw(form)
        allowed = set(design.forms.visits_of(form))
        assert set(frame["VISITOID"]) <= allowed <= visits, form
        assert set(frame["FORMOID"]) <= {form.upper()}
        assert not frame.duplicated(["SUBJECT", "RECNO"]).any()
        if not design.forms.forms[form].repeating:
            assert not frame.duplicated(["SUBJECT", "VISITOID", "VISITREP"]).any(), form
        for column, item in design.forms.forms[form].items.items():
            if item.length:
                assert (frame[column].dropna().str.len() <= item.length).all(), (form, column)


def test_no_dose_before_consent_after_the_end_of_treatment_or_twice_a_day(raw):
    dose, eot = raw("dose"), raw("eot").set_index("USUBJID")
    consent = raw("ic").groupby("USUBJID")["ICDAT_"].min()
    assert (dose["DSTDAT_"] > dose["USUBJID"].map(consent)).all()
    taken = dose[dose["DTAKEN"] == "Y"]
    end = taken["DENDAT_"].fillna(taken["DSTDAT_"])
    assert (end <= taken["USUBJID"].map(eot["LASTDOS_"]).fillna(pd.Timestamp("2099-01-01"))).all()
    last = taken.assign(end=end).groupby("USUBJID")["end"].max()
    ended = [w for w in eot.index if w != "BY002-01-006"]  # whose last end is left open on the form
    assert (last[ended] == eot.loc[ended, "LASTDOS_"]).all()
    ordered = dose.sort_values(["USUBJID", "DSTDAT_"])
    before = ordered.groupby("USUBJID")["DENDAT_"].shift()
    gap = (ordered["DSTDAT_"] - before).dropna().dt.days
    assert (gap == 1).all(), "intervals follow one another day by day, missed ones included"
    assert (dose.query("DTAKEN == 'N'")[["DOSE", "N50", "N100"]].isna()).all(axis=None)


def test_tablets_make_the_dose_and_the_planned_one_is_halved_with_a_strong_inhibitor(raw, treated):
    taken = raw("dose").query("DTAKEN == 'Y'")
    tablets = taken["N50"].astype(int) * 50 + taken["N100"].astype(int) * 100
    assert (tablets == taken["DOSE"].astype(int)).all()
    halved = taken[taken["DREAS"] == "CYP3A4"]
    assert set(halved["SUBJECT"]) == {"01-008", "01-027"}
    for row in halved.itertuples():
        assert int(row.DOSE) * 2 == treated[row.USUBJID]["dose"]
        strong = raw("cm").query("SUBJECT == @row.SUBJECT and CMTRTZH.str.contains('康唑')", engine="python")
        strong = strong[~strong["CMTRTZH"].str.contains("氟康唑")].iloc[0]
        assert strong["CMSTDAT_"] <= row.DSTDAT_
        assert strong["CMENDAT_"] + timedelta(days=5) >= row.DENDAT_
    left_whole = raw("dv").query("DVCODE == 'CYP3A4'")["SUBJECT"].tolist()
    assert left_whole == ["01-012"], "the one who was not halved has a deviation"


def test_dlt_only_in_the_window_of_the_escalation(raw, first_dose):
    dlt = raw("ae").query("AEDLT == 'Y'")
    assert len(dlt) == 3
    day = (dlt["AESTDAT_"] - dlt["USUBJID"].map(first_dose)).dt.days
    assert day.between(0, 27).all()
    assert dlt["AETOXGR"].notna().all()
    cohort = raw("enr").set_index("SUBJECT")["COHORT"]
    assert set(dlt["SUBJECT"].map(cohort)) == {"ESC"}
    assert set(raw("dlt").query("DLTYN == 'Y'")["SUBJECT"]) == set(dlt["SUBJECT"])


def test_seriousness_grade_5_and_death_agree(raw, deaths):
    ae = raw("ae")
    criteria = ["AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESINTV", "AESMIE"]
    assert ((ae[criteria] == "Y").any(axis=1) == (ae["AESER"] == "Y")).all()
    fatal = ae["AEOUT"] == "FATAL"
    assert (fatal == (ae["AETOXGR"] == "5")).all() and (fatal == (ae["AESDTH"] == "Y")).all()
    assert (ae[fatal]["AEENDAT_"] == ae[fatal]["USUBJID"].map(deaths)).all()
    dth = raw("dth")
    by_event = dth.query("DTHCAUS == 'AE'")
    assert set(by_event["USUBJID"]) == set(ae[fatal]["USUBJID"])
    named = by_event.merge(ae, left_on=["SUBJECT", "DTHAENO"], right_on=["SUBJECT", "AENO"])
    assert (named["AEOUT"] == "FATAL").all() and len(named) == len(by_event)


def test_events_end_after_they_start_and_ongoing_ones_have_no_end(raw):
    ae = raw("ae")
    both = ae.dropna(subset=["AESTDAT_", "AEENDAT_"])
    assert (both["AEENDAT_"] >= both["AESTDAT_"]).all()
    assert ae[ae["AEONGO"] == "Y"]["AEENDAT"].isna().all()
    assert ae[ae["AEOUT"].str.startswith("NOT REC", na=False)]["AEENDAT"].isna().all()
    cm = raw("cm").dropna(subset=["CMSTDAT_", "CMENDAT_"])
    assert (cm["CMENDAT_"] >= cm["CMSTDAT_"]).all()


def test_actions_on_the_drug_are_those_the_doses_show(raw):
    ae = raw("ae")
    dose = raw("dose").query("DREAS == 'AE'")
    missed, lowered = dose.query("DTAKEN == 'N'"), dose.query("DTAKEN == 'Y'")
    for code, records in (("INT", missed), ("RED", lowered)):
        said = ae[ae["AEACN"].str.split(";").apply(lambda ticks, c=code: c in ticks)]
        assert set(zip(said["SUBJECT"], said["AENO"], strict=True)) == set(
            zip(records["SUBJECT"], records["DAENO"], strict=True)
        ), code
    withdrawn = set(ae[ae["AEACN"].str.contains("WD")]["SUBJECT"])
    assert set(raw("eot").query("EOTREAS == 'AE'")["SUBJECT"]) <= withdrawn


def test_nothing_is_recorded_after_death_but_its_report(raw, deaths, design):
    for form in design.forms.forms:
        frame = raw(form)
        frame = frame[frame["USUBJID"].isin(deaths)]
        for column in [c for c in frame if c.endswith("_")]:
            if (form, column) == ("surv", "SURVDAT_"):
                frame = frame[frame["SURVST"] != "DEAD"]
            assert not (frame[column] > frame["USUBJID"].map(deaths)).any(), (form, column)
    lis = raw("lis")
    lis = lis[lis["USUBJID"].isin(deaths)]
    assert (pd.to_datetime(lis["COLLECT"].str.split(" ").str[0]) <= lis["USUBJID"].map(deaths)).all()
    ecg = raw("ecg")
    ecg = ecg[ecg["USUBJID"].isin(deaths)]
    assert (pd.to_datetime(ecg["ECGDTM"]).dt.tz_localize(None) <= ecg["USUBJID"].map(deaths) + timedelta(days=1)).all()


def test_end_of_study_death_and_survival_agree(raw, treated):
    eos = raw("eos").set_index("SUBJECT")
    dth = raw("dth").set_index("SUBJECT")
    died = eos[eos["EOSREAS"] == "DEATH"]
    assert set(died.index) == set(dth.index)
    assert (died["EOSDAT"] == dth.loc[died.index, "DTHDAT"]).all()
    dead = raw("surv").query("SURVST == 'DEAD'")
    by_death = set(raw("eot").query("EOTREAS == 'DEATH'")["SUBJECT"])
    assert set(dead["SUBJECT"]) == set(dth.index) - by_death, "who died on treatment needs no contact"
    told = raw("surv").dropna(subset=["LSTALV_"])
    assert (told["LSTALV_"] <= told["SURVDAT_"]).all()
    for p in treated.values():
        off = p["study_end"] is not None
        assert off == (p["SUBJID"] in eos.index and p["SUBJID"] != "01-025")
    failed = raw("enr").query("ENRYN == 'N'")
    assert set(failed["SUBJECT"]) == set(eos[eos["EOSREAS"] == "SF"].index)
    assert len(failed) == 9, "eight people and the first attempt of the one screened again"


def test_transplant_comes_after_the_last_dose(raw):
    hsct = raw("hsct").merge(raw("eot"), on="SUBJECT")
    assert (hsct["HSCTDAT_"] > hsct["LASTDOS_"]).all() and (hsct["EOTREAS"] == "HSCT").all()
    assert ((hsct["HSCTDAT_"] - hsct["CONDDAT_"]).dt.days == 7).all()
    new = raw("nalt").merge(raw("eot"), on="SUBJECT")
    assert (new["NALSTDAT_"] > new["LASTDOS_"]).all()


def test_relapse_only_after_a_remission(raw):
    resp = raw("resp").sort_values("RSPDAT_")
    for who, group in resp.groupby("SUBJECT"):
        results = group["RSPRES"].tolist()
        if "REL" in results:
            assert set(results[: results.index("REL")]) & {"CR", "CRh", "CRi"}, who


def test_responses_rest_on_the_marrow_of_their_visit(raw):
    key = ["SUBJECT", "VISITOID", "VISITREP"]
    both = raw("resp").merge(raw("bma"), on=key, suffixes=("", "_b"))
    assert len(both) == len(raw("resp"))
    assert (both["RSPDAT_"] == both["BMDAT_"]).all()
    blasts = both["BMBLAST"].astype(float)
    assert (blasts[both["RSPRES"].isin(["CR", "CRh", "CRi", "MLFS"])] < 5).all()
    assert (blasts[both["RSPRES"].isin(["REL", "PD", "NR", "RD"])] >= 5).all()
    assert ((both["RSPRES"] == "NE") == (both["ADEQ"] == "N")).all()


def test_blood_counts_lie_where_the_response_needs_them(raw):
    lis = raw("lis").query("STATUS == 'F' and UNIT == '×10⁹/L' and TESTCODE in ('NEUT', 'PLAT')").copy()
    lis["on"] = pd.to_datetime(lis["COLLECT"].str.split(" ").str[0])
    lis["value"] = pd.to_numeric(lis["RESULT"], errors="coerce")
    wide = lis.pivot_table(index=["SUBJECT", "on"], columns="TESTCODE", values="value").reset_index().dropna()
    resp = raw("resp").query("RSPRES in ('CR', 'CRh') and RSPDAT_ <= @CUT")
    met = []
    for row in resp.itertuples():
        near = wide[(wide["SUBJECT"] == row.SUBJECT) & ((wide["on"] - row.RSPDAT_).dt.days.between(-7, 14))]
        anc, plat = (1.0, 100) if row.RSPRES == "CR" else (0.5, 50)
        met.append(bool(((near["NEUT"] >= anc) & (near["PLAT"] >= plat)).any()))
    assert sum(met) >= 0.9 * len(met), "a count in the window carries nearly every CR and CRh"


def test_accession_numbers_lead_to_one_visit_of_the_same_day(raw):
    labc = raw("labc")
    assert not labc["ACCNO"].duplicated().any()
    lis = raw("lis").merge(labc[["SUBJECT", "ACCNO", "LABDAT_", "LABTIM"]], on="ACCNO", how="left", suffixes=("", "_c"))
    assert set(labc["ACCNO"]) <= set(lis["ACCNO"])
    found = lis.dropna(subset=["SUBJECT_c"])
    assert 0.5 < len(found) / len(lis) < 1, "draws between visits have no collection form"
    assert (found["SUBJECT"] == found["SUBJECT_c"]).all()
    assert (pd.to_datetime(found["COLLECT"].str.split(" ").str[0]) == found["LABDAT_"]).all()
    timed = found.dropna(subset=["LABTIM"])
    timed = timed[timed["COLLECT"].str.contains(" ")]
    clock = timed["COLLECT"].str.split(" ").str[1].str.zfill(5)
    assert (clock == timed["LABTIM"]).all()


def test_predose_samples_come_before_the_dose(raw):
    pkd = raw("pkd").query("PKDOSTIM != 'UN:UN'")[["SUBJECT", "VISITOID", "PKDOSTIM"]]
    pks = raw("pks").query("PKYN == 'Y' and PKTIM != 'UN:UN'").merge(pkd, on=["SUBJECT", "VISITOID"])
    before = pks["PKTPT"] == "PREDOSE"
    assert (pks["PKTIM"] < pks["PKDOSTIM"])[before].all()
    assert (pks["PKTIM"] > pks["PKDOSTIM"])[~before].all()
    vs = raw("vs").query("VSTPT == 'PREDOSE' and VSTIM != 'UN:UN'").dropna(subset=["VSTIM"]).merge(pkd)
    assert (vs["VSTIM"] < vs["PKDOSTIM"]).all()
    nominal = pks["PKTPT"].replace("PREDOSE", "0H").str.removesuffix("H").astype(float)
    minutes = pd.to_timedelta(pks["PKTIM"] + ":00") - pd.to_timedelta(pks["PKDOSTIM"] + ":00")
    assert ((minutes.dt.total_seconds() / 60 - nominal * 60).abs() <= 45).all()


def test_tubes_and_results_belong_together(raw, truth):
    drawn = raw("pks").query("PKYN == 'Y'")
    assert drawn["PKBAR"].notna().all() and not drawn["PKBAR"].duplicated().any()
    assert raw("pks").query("PKYN == 'N'")[["PKBAR", "PKDAT"]].isna().all(axis=None)
    conc = raw("conc")
    pairs = set(zip(conc["PKBAR"], conc["ANALYTE"], strict=True))
    wanted = {(b, a) for b in drawn["PKBAR"] for a in ("BY002", "BY002-M1")}
    removed = {
        (m["record"]["PKBAR"], m["record"]["ANALYTE"]) for m in truth["mess"] if m["mess"] == "sample without result"
    }
    assert wanted - pairs == removed
    assert pairs - wanted == {("PK9999001", "BY002")}
    high = conc[conc["DILUTION"] == "10"]
    assert len(high) and (high["CONC"].astype(float) > 1000).all()


def test_the_interval_corrected_by_fridericia_is_the_one_delivered(raw, truth):
    ecg = raw("ecg")
    planted = {(m["record"]["SUBJECT"], m["record"]["ECGDTM"]) for m in truth["mess"] if m["table"] == "ecg"}
    ok = [pair not in planted for pair in zip(ecg["SUBJECT"], ecg["ECGDTM"], strict=True)]
    corrected = ecg["QT"].astype(float) / (ecg["RR"].astype(float) / 1000) ** (1 / 3)
    assert ((corrected - ecg["QTCF"].astype(float)).abs() <= 1)[ok].all()
    assert ecg["ECGDTM"].str.contains("T2[0-3]:").any(), "early in the morning here is the day before in UTC"
    prolonged = ecg[ecg["QTCF"].astype(int) > 500]["SUBJECT"].unique().tolist()
    assert prolonged == ["01-020"]


def test_pregnancy_tests_are_for_women(raw):
    sex = raw("demo").set_index("SUBJECT")["SEX"]
    tested = raw("lis").query("TESTCODE == 'HCG'")["SUBJECT"].map(sex)
    assert set(tested) == {"F"}


def test_graded_laboratory_events_show_in_the_results(raw, first_dose):
    """Grade 3 ALT at the DLT of 01-012: above 5 times the upper limit, below it before."""
    lis = raw("lis").query("SUBJECT == '01-012' and TESTCODE == 'ALT'").copy()
    lis["day"] = (pd.to_datetime(lis["COLLECT"].str.split(" ").str[0]) - first_dose["BY002-01-012"]).dt.days + 1
    value = lis["RESULT"].astype(float)
    during = lis["day"].between(18, 40)
    assert (value[during] > 5 * 50).any() and (value[during] <= 20 * 50).all()
    assert (value[lis["day"] < 18] <= 50 * 3).all()


def test_ranges_cover_every_result_once(raw):
    ranges = raw("ref_ranges")
    demo = raw("demo").set_index("SUBJECT")
    lis = raw("lis").drop_duplicates(["SUBJECT", "TESTCODE", "COLLECT"])
    lis = lis.assign(
        on=lis["COLLECT"].str.split(" ").str[0].apply(pd.Timestamp),
        sex=lis["SUBJECT"].map(demo["SEX"]),
        year=lis["SUBJECT"].map(demo["BRTHDAT"].str[-4:].astype(int)),
    )
    joined = lis.merge(ranges, on="TESTCODE", suffixes=("", "_r"))
    age = joined["on"].dt.year - joined["year"]
    fits = (
        joined["SEX"].isin(["*"]) | (joined["SEX"] == joined["sex"])
    ) & (joined["FROM"].apply(pd.Timestamp) <= joined["on"]) & (
        joined["TO"].fillna("2099-12-31").apply(pd.Timestamp) >= joined["on"]
    ) & (joined["AGELO"].astype(int) <= age) & (age <= joined["AGEHI"].astype(int))  # fmt: skip
    counts = joined[fits].groupby(["SUBJECT", "TESTCODE", "COLLECT"]).size()
    assert len(counts) == len(lis) and (counts == 1).all()
    assert {"M", "F", "*"} == set(ranges["SEX"]) and ranges["TO"].notna().any() and (ranges["AGELO"] == "60").any()


def test_planned_visits_end_with_treatment_and_survival_contacts_follow(raw, treated):
    visdt = raw("visdt")
    for who, p in treated.items():
        mine = visdt[(visdt["USUBJID"] == who) & visdt["VISDAT_"].notna()]
        cycle = mine[mine["VISITOID"].str.match(r"C\d+D")]
        if p["EOTDAT"]:
            assert (cycle["VISDAT_"] < pd.Timestamp(p["EOTDAT"])).all()
        follow = mine[mine["VISITOID"].str.startswith("FU")].sort_values("VISDAT_")
        assert follow["VISITOID"].tolist() == [f"FU{k}" for k in range(1, len(follow) + 1)]
    missed = visdt[visdt["VISYN"] == "N"]
    assert len(missed) >= 2 and missed["VISREAS"].notna().all() and missed["VISDAT"].isna().all()
    assert (missed["EPICHG"] == "Y").any()
    assert {"SITE", "PHONE"} == set(visdt["VISMODE"].dropna())
    assert (visdt["VISITOID"] == "UNS").any()


def test_records_are_entered_after_they_happen_and_none_after_the_export(raw, design):
    snapshot = pd.Timestamp(design.scenario.trial.snapshot) + timedelta(days=1)
    for form in design.forms.forms:
        frame = raw(form)
        entered = pd.to_datetime(frame["ENTRYDTM"], format="%Y-%m-%dT%H:%M:%SZ") + timedelta(hours=8)
        assert (entered < snapshot).all(), form
        for column in [c for c in frame if c.endswith("_")]:
            assert not (frame[column] > snapshot).any(), (form, column)
            if column in ("VISDAT_", "VSDAT_", "LABDAT_", "PKDAT_", "RSPDAT_"):
                assert not (entered.dt.normalize() < frame[column]).any(), (form, column)


def test_every_verbatim_is_coded_and_every_chinese_text_translated(raw):
    meddra, drugs = set(raw("meddra")["VERBATIM"]), set(raw("whodrug")["VERBATIM"])
    pairs = raw("translations").set_index(["field", "zh"])["en"]
    assert not pairs.index.duplicated().any()

    def english(frame, form, own, chinese):
        text = frame[own].str.strip()
        other = frame[chinese].str.strip().map(lambda zh: pairs.get((f"{form}.{chinese}", zh)))
        return text.fillna(other)

    assert set(english(raw("ae"), "AE", "AETERM", "AETERMZH")) <= meddra
    assert set(english(raw("cm"), "CM", "CMTRT", "CMTRTZH")) <= drugs
    assert set(raw("mh")["MHTERM"].map(lambda t: pairs.get(("MH.MHTERM", t), t))) <= meddra
    assert set(raw("ptx")["PTREG"]) | set(raw("nalt")["NALTRT"]) <= drugs
    for form, column in (
        ("cm", "CMINDC"),
        ("labx", "XHOSP"),
        ("visdt", "VISREAS"),
        ("pks", "PKREAS"),
        ("bma", "BMREAS"),
        ("resp", "RSPREAS"),
        ("dth", "DTHTXT"),
        ("ae", "AETRTO"),
    ):
        chinese = {t for t in raw(form)[column].dropna() if any("\u4e00" <= c <= "\u9fff" for c in t)}
        assert chinese, (form, column)
        assert all((f"{form.upper()}.{column}", t) in pairs for t in chinese), (form, column)


def test_every_treated_person_carries_the_gene_the_study_asks_for(raw, treated, first_dose):
    samples = raw("ngs_samples").query("QC == 'PASS'")
    samples = samples[pd.to_datetime(samples["COLDAT"]) <= samples["USUBJID"].map(first_dose)]
    found = raw("ngs_variants").query("GENE == 'NPM1' and CLASS == 'P'")
    npm1 = set(samples[samples["SAMPLE"].isin(found["SAMPLE"])]["USUBJID"])
    fusions = raw("ngs_fusions").query("GENE1 == 'KMT2A' and TYPE == 'FUSION'")
    kmt2a = set(samples[samples["SAMPLE"].isin(fusions["SAMPLE"])]["USUBJID"])
    assert npm1 == {w for w, p in treated.items() if p["gene"] == "NPM1"}
    assert kmt2a >= {w for w, p in treated.items() if p["gene"] == "KMT2A"}
    assert (raw("ngs_samples").query("PANEL == 'FISH'")["SUBJECT"] == "01-022").all(), "whose panel failed"


def test_who_is_lost_could_not_be_reached(raw):
    unknown = raw("surv").query("SURVST == 'UNK'")
    assert set(unknown["SUBJECT"]) == set(raw("eos").query("EOSREAS == 'LTFU'")["SUBJECT"]) == {"01-006"}
    assert unknown["LSTALV"].isna().all()
    visit = raw("visdt").merge(unknown[["SUBJECT", "VISITOID"]])
    assert visit["VISYN"].tolist() == ["N"]
