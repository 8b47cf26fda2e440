"""ADSL of BY002 against what is true of the simulated people and against the raw forms, with plain pandas."""

import calendar
from datetime import date, timedelta

import pandas as pd
import pytest

CUT = date(2026, 3, 31)
MONTHS = {name.upper(): i for i, name in enumerate(calendar.month_abbr) if name}


def whole(text):
    """A raw date that is known to the day, else None."""
    parts = text.split("-")
    if len(parts) != 3 or not (parts[0].isdigit() and parts[2].isdigit()) or parts[1] not in MONTHS:
        return None
    return date(int(parts[2]), MONTHS[parts[1]], int(parts[0]))


def from_sas(number):
    return None if pd.isna(number) else date(1960, 1, 1) + timedelta(days=int(number))


@pytest.fixture(scope="module")
def adsl(dataset):
    """ADSL by USUBJID, its dates as dates, missing values as None."""
    frame = dataset("ADSL").set_index("USUBJID")
    for name in frame:
        if name.endswith("DT"):
            frame[name] = [from_sas(v) for v in frame[name]]
        else:
            frame[name] = [None if v == "" or pd.isna(v) else v for v in frame[name]]
        frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame


def differences(adsl, name, expected):
    """USUBJID, value here, value expected, where they differ."""
    assert set(expected) <= set(adsl.index)
    return [(who, adsl.at[who, name], value) for who, value in sorted(expected.items()) if adsl.at[who, name] != value]


def recorded(person, name):
    """What the records can show: the truth, or what the rules make of a date that was not recorded whole."""
    found = person.recorded if name in person.hidden else vars(person)
    return found.get(name)


def test_one_record_for_each_person_and_24_treated(adsl, people, dataset):
    assert list(adsl.index) == sorted(people) == dataset("DM")["USUBJID"].tolist()
    assert (adsl["SAFFL"] == "Y").sum() == 24
    assert set(adsl.index[adsl["SAFFL"] == "Y"]) == set(dataset("EX")["USUBJID"])


@pytest.mark.parametrize(
    ("name", "true"),
    [("SUBJID", "SUBJID"), ("SEX", "SEX"), ("AGE", "AGE"), ("ARMCD", "ARMCD"), ("DIAG", "disease")],
)
def test_who_they_are(adsl, people, name, true):
    assert differences(adsl, name, {who: getattr(p, true) for who, p in people.items()}) == []


@pytest.mark.parametrize("name", ["TRTSDT", "TRTEDT", "LSTALVDT", "HSCTDT", "NALTDT", "DLTFL", "DLTEVFL", "RESPEVFL"])
def test_what_is_true_of_the_treated(adsl, people, name):
    treated = {who: recorded(p, name) for who, p in people.items() if p.fate == "TREATED"}
    if name.endswith("DT"):
        treated = {who: None if v is None else date.fromisoformat(v) for who, v in treated.items()}
    assert treated
    assert differences(adsl, name, treated) == []


def test_death_within_the_cut_off(adsl, people):
    dead = {who: p for who, p in people.items() if p.death_in_package}
    assert set(adsl.index[adsl["DTHFL"] == "Y"]) == set(dead) == set(adsl.index[adsl["DTHDT"].notna()])
    expected = {w: p.recorded["DTHDT"] if "death" in p.hidden else p.death for w, p in dead.items()}
    assert differences(adsl, "DTHDT", {who: date.fromisoformat(v) for who, v in expected.items()}) == []
    partial = {who: "D" for who, p in dead.items() if p.hidden.get("death", "").startswith("day of")}
    assert partial, "a death known to the month is planted"
    assert adsl["DTHDTF"].dropna().to_dict() == partial


def test_screen_failures_and_the_enrolled(adsl, people, form):
    failed = {who for who, p in people.items() if p.fate == "SCREEN FAILURE"}
    assert set(adsl.index[adsl["SCRNFFL"] == "Y"]) == failed
    enrolled = form("enr").query("ENRYN == 'Y'")["USUBJID"]
    assert set(adsl.index[adsl["ENRLFL"] == "Y"]) == set(enrolled) == set(people) - failed
    assert adsl.loc[sorted(failed), ["ARM", "TRT01P", "TRTSDT", "DLTFL", "TRTEDT", "EOTSTT"]].isna().all(axis=None)


def test_treated_by_level_and_part(adsl):
    treated = adsl[adsl["SAFFL"] == "Y"]
    counts = treated.groupby(["PART", "COHORT", "TR01AG1"]).size().to_dict()
    assert counts == {
        ("ESCALATION", "DL1", "BY002 100 mg"): 1,
        ("ESCALATION", "DL2", "BY002 200 mg"): 4,
        ("ESCALATION", "DL3", "BY002 300 mg"): 3,
        ("ESCALATION", "DL4", "BY002 400 mg"): 6,
        ("ESCALATION", "DL5", "BY002 600 mg"): 3,
        ("EXPANSION", "DL4", "BY002 400 mg"): 7,
    }
    order = treated[["TRT01PN", "TRT01P"]].drop_duplicates().sort_values("TRT01PN")["TRT01P"].tolist()
    assert order == [f"BY002 {mg} mg QD Escalation" for mg in (100, 200, 300, 400, 600)] + ["BY002 400 mg QD Expansion"]
    assert (treated["DOSE01P"] == treated["TR01AG1N"]).all()
    never = adsl[adsl["ARMNRS"] == "ASSIGNED, NOT TREATED"]
    assert len(never) == 1 and never["TRT01A"].isna().all() and never["DOSE01P"].tolist() == [400]


def dosing_days(form):
    """Every day on which each subject took a dose, up to the cut-off, from the DOSE form."""
    days = {}
    for row in form("dose").query("DTAKEN == 'Y'").itertuples():
        start, end = whole(row.DSTDAT), whole(row.DENDAT) or CUT
        taken = {start + timedelta(days=i) for i in range((min(end, CUT) - start).days + 1)}
        days.setdefault(row.USUBJID, set()).update(taken)
    return days


def test_evaluable_for_dose_limitation_from_the_dose_form(adsl, form, people):
    for who, days in dosing_days(form).items():
        start = min(days)
        day28 = start + timedelta(days=27)
        doses = sum(start <= d <= day28 for d in days)
        assert doses == people[who].DOSEC1, who
        row = adsl.loc[who]
        followed = row["LSTALVDT"] >= day28 and (row["EOSDT"] is None or row["EOSDT"] >= day28)
        expected = row["PART"] == "ESCALATION" and (row["DLTFL"] == "Y" or (doses >= 21 and followed))
        assert row["DLTEVFL"] == ("Y" if expected else "N"), who
    assert (adsl.loc[adsl["PART"] == "EXPANSION", "DLTEVFL"] == "N").all()
    evaluable = adsl[adsl["DLTEVFL"] == "Y"].groupby("COHORT").size().to_dict()
    assert evaluable == {"DL1": 1, "DL2": 3, "DL3": 3, "DL4": 6, "DL5": 3}


def test_dose_limiting_toxicities_start_in_the_window_of_an_escalation_participant(adsl, form):
    ae = form("ae").query("AEDLT == 'Y'")
    assert len(ae) > 0
    for row in ae.itertuples():
        subject, onset = adsl.loc[row.USUBJID], whole(row.AESTDAT)
        assert row.AETOXGR and subject["PART"] == "ESCALATION" and subject["DLTFL"] == "Y", row.USUBJID
        assert subject["TRTSDT"] <= onset <= subject["TRTSDT"] + timedelta(days=27), row.USUBJID
    assert set(adsl.index[adsl["DLTFL"] == "Y"]) == set(ae["USUBJID"])


ENDS = {
    "PD": "PROGRESSIVE DISEASE", "RELAPSE": "DISEASE RELAPSE", "AE": "ADVERSE EVENT", "DEATH": "DEATH",
    "HSCT": "PROTOCOL-SPECIFIED WITHDRAWAL CRITERION MET", "WD": "WITHDRAWAL BY SUBJECT", "PI": "PHYSICIAN DECISION",
    "LTFU": "LOST TO FOLLOW-UP", "NR": "LACK OF EFFICACY", "OTHER": "OTHER", "SF": "SCREEN FAILURE",
}  # fmt: skip


def test_how_treatment_ended_from_the_eot_form(adsl, form):
    eot = {r.USUBJID: r for r in form("eot").itertuples() if whole(r.EOTDAT) is None or whole(r.EOTDAT) <= CUT}
    for who, row in adsl.iterrows():
        if row["SAFFL"] != "Y":
            assert row["EOTSTT"] is None and row["DCTREAS"] is None, who
        elif who in eot:
            assert (row["EOTSTT"], row["DCTREAS"]) == ("DISCONTINUED", ENDS[eot[who].EOTREAS]), who
            assert row["EOTDT"] == whole(eot[who].EOTDAT), who
            assert row["DCTREASP"] == ("PROCEEDED TO HSCT" if eot[who].EOTREAS == "HSCT" else None), who
        else:
            assert (row["EOTSTT"], row["DCTREAS"], row["EOTDT"]) == ("ONGOING", None, None), who
            last = {whole(d) for d in form("eot").query("USUBJID == @who")["LASTDOS"]} - {None}
            assert (row["TRTEDT"], row["TRTEDTF"]) == (
                (CUT, "Y") if max(last, default=CUT) >= CUT else (min(last), None)
            )


def test_how_the_study_ended_from_the_eos_form(adsl, form, usubjid):
    eos = form("eos")
    last = {who: number for number, who in sorted(usubjid.items())}  # a failed first attempt is not the end
    ends = {r.USUBJID: r for r in eos.itertuples() if last[r.USUBJID] == r.SUBJECT}
    for who, row in adsl.iterrows():
        end = ends.get(who)
        day = None if end is None else whole(end.EOSDAT)
        if end is None or (day is not None and day > CUT):
            assert (row["EOSSTT"], row["DCSREAS"], row["EOSDT"]) == ("ONGOING", None, None), who
        elif end.EOSREAS == "END":
            assert (row["EOSSTT"], row["DCSREAS"], row["EOSDT"]) == ("COMPLETED", None, day), who
        else:
            assert (row["EOSSTT"], row["DCSREAS"]) == ("DISCONTINUED", ENDS[end.EOSREAS]), who
            assert row["EOSDT"] == (row["DTHDT"] if end.EOSREAS == "DEATH" else day), who


def test_death_its_cause_and_the_last_dose(adsl, form, export):
    english = pd.read_csv(export / "translations.csv", dtype=str).set_index("zh")["en"].to_dict()
    causes = {"DISEASE": "DISEASE PROGRESSION", "AE": "ADVERSE EVENT", "OTHER": "OTHER", "UNK": "UNKNOWN"}
    forms = form("dth").set_index("USUBJID")
    for who, row in adsl.iterrows():
        if row["DTHFL"] != "Y":
            assert row[["DTHDT", "DTHDTF", "DTHCAUS", "DTHCGR1", "DTHB30FL"]].isna().all(), who
            continue
        assert row["DTHCGR1"] == causes[forms.at[who, "DTHCAUS"]], who
        said = forms.at[who, "DTHTXT"]
        assert said == "" or english.get(said, said) == row["DTHCAUS"], who
        assert row["DTHB30FL"] == ("Y" if (row["DTHDT"] - row["TRTEDT"]).days <= 30 else "N"), who
    assert set(adsl["DTHB30FL"].dropna()) == {"Y", "N"}


def seen_alive(form, export, usubjid):
    """Dates on which each subject was seen, from the forms that show it; LIS collections as delivered."""
    dated = {
        "visdt": ["VISDAT"], "dose": ["DSTDAT", "DENDAT"], "labx": ["XDAT"], "pks": ["PKDAT"], "resp": ["RSPDAT"],
        "mrd": ["MRDDAT"], "emd": ["EMDDAT"], "ecog": ["ECOGDAT"], "vs": ["VSDAT"], "bma": ["BMDAT"],
        "ae": ["AESTDAT", "AEENDAT"], "cm": ["CMSTDAT"], "nalt": ["NALSTDAT"], "hsct": ["HSCTDAT"], "trf": ["TRFDAT"],
        "surv": ["LSTALV"],
    }  # fmt: skip
    found = {}
    for name, columns in dated.items():
        records = form(name)
        if name == "visdt":
            records = records[(records["VISYN"] == "Y") & (records["VISMODE"] != "PHONE")]
        if name == "surv":  # a contact after the cut-off does not exist, whatever it says of earlier days
            records = records[[(whole(d) or CUT) <= CUT for d in records["SURVDAT"]]]
        for column in columns:
            for who, text in zip(records["USUBJID"], records[column], strict=True):
                found.setdefault(who, set()).add(whole(text))
    for path in (export / "ngs" / "samples.csv", export / "ecg" / "ecg_core.csv"):
        for row in pd.read_csv(path, dtype=str, encoding="utf-8-sig").itertuples():
            stamp = pd.Timestamp(getattr(row, "COLDAT", None) or row.ECGDTM)
            local = stamp.tz_convert("Asia/Shanghai") if stamp.tzinfo else stamp
            found.setdefault(usubjid[row.SUBJECT], set()).add(local.date())
    for path in sorted((export / "lis").glob("lab_*.csv")):
        lis = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="gb18030")
        for number, text, result in zip(lis["SUBJECT"], lis["COLLECT"], lis["RESULT"], strict=True):
            if result and text:
                year, month, day = (int(p) for p in text.split(" ")[0].split("/"))
                found.setdefault(usubjid[number], set()).add(date(year, month, day))
    return {who: {d for d in dates if d is not None and d <= CUT} for who, dates in found.items()}


def test_last_known_alive_from_the_forms(adsl, form, export, usubjid):
    seen = seen_alive(form, export, usubjid)
    for who, row in adsl.iterrows():
        assert row["LSTALVDT"] == (row["DTHDT"] if row["DTHFL"] == "Y" else max(seen[who])), who
        if row["DTHDTF"] == "D":
            assert row["DTHDT"] == max(row["DTHDT"].replace(day=1), max(seen[who]) + timedelta(days=1)), who


def test_response_evaluable_and_pk_populations_from_the_forms(adsl, form, dataset):
    resp = form("resp").query("RSPRES not in ['NE', 'REL', '']")
    late = {r.USUBJID for r in resp.itertuples() if adsl.at[r.USUBJID, "TRTSDT"] < (whole(r.RSPDAT) or date.min) <= CUT}
    assert set(adsl.index[adsl["RESPEVFL"] == "Y"]) == late
    pc = dataset("PC")
    after = pc[(pc["PCTESTCD"] == "BY002") & pc["PCSTRESN"].notna() & (pc["PCTPTNUM"] > 0) & (pc["PCRFTDTC"] != "")]
    assert set(adsl.index[adsl["PKFL"] == "Y"]) == set(after["USUBJID"])


def test_baseline_disease_from_the_forms(adsl, form, usubjid):
    last = {who: number for number, who in sorted(usubjid.items())}
    dx = form("dx")
    dx = dx[dx["SUBJECT"] == dx["USUBJID"].map(last)].drop_duplicates("USUBJID").set_index("USUBJID")
    assert differences(adsl, "RRSTAT", dx["RRSTAT"].to_dict()) == []
    assert differences(adsl, "NPRIOR", dx["NPRIOR"].astype(float).to_dict()) == []
    prior = set(form("ptx").query("PTHSCT in ['ALLO', 'AUTO']")["USUBJID"])
    assert set(adsl.index[adsl["PRHSCTFL"] == "Y"]) == prior
    ecog = form("ecog").assign(day=lambda f: f["ECOGDAT"].map(whole), score=lambda f: f["ECOGSC"])
    for who, row in adsl[adsl["SAFFL"] == "Y"].iterrows():
        own = ecog[(ecog["USUBJID"] == who) & (ecog["score"] != "") & ecog["day"].notna()]
        own = own[(own["day"] < row["TRTSDT"]) | ((own["day"] == row["TRTSDT"]) & (own["VISITOID"] == "C1D1"))]
        assert row["BECOG"] == float(own.sort_values("day")["score"].iloc[-1]), who
    assert adsl.loc[adsl["SAFFL"] != "Y", "BECOG"].isna().all()


def test_height_weight_and_surface_at_baseline_from_the_forms(adsl, form):
    vs = form("vs").assign(day=lambda f: f["VSDAT"].map(whole))
    for who, row in adsl.iterrows():
        own = vs[(vs["USUBJID"] == who) & vs["day"].notna()] if row["SAFFL"] == "Y" else vs.iloc[:0]
        own = own[(own["day"] < row["TRTSDT"]) | ((own["day"] == row["TRTSDT"]) & (own["VSTPT"] == "PREDOSE"))]
        if not len(own):
            assert row[["HEIGHTBL", "WEIGHTBL", "BMIBL", "BSABL"]].isna().all(), who
            continue
        own = own.sort_values(["day", "VSTIM"], kind="stable")
        height = [float(h) * (100 if u == "m" else 1) for h, u in zip(own["HEIGHT"], own["HEIGHTU"], strict=True) if h]
        weight = own["WEIGHT"].astype(float).tolist()
        assert set(own["WEIGHTU"]) == {"kg"}, who
        assert (row["HEIGHTBL"], row["WEIGHTBL"]) == (height[-1], weight[-1]), who
        assert row["BMIBL"] == pytest.approx(weight[-1] / (height[-1] / 100) ** 2, abs=0.05), who
        assert row["BSABL"] == pytest.approx((weight[-1] * height[-1] / 3600) ** 0.5, abs=0.005), who


def test_molecular_group_is_what_is_true_of_the_treated(adsl, people):
    treated = {who: p for who, p in people.items() if p.fate == "TREATED"}
    expected = {who: {"KMT2A": "KMT2A-R", "NPM1": "NPM1M"}[p.gene] for who, p in treated.items()}
    assert differences(adsl, "MOLGR1", expected) == [] and set(expected.values()) == {"KMT2A-R", "NPM1M"}
    assert adsl.loc[sorted(set(adsl.index) - set(treated)), ["MOLGR1", "NPM1FL", "KMT2AFL", "TP53FL"]].isna().all(axis=None)


def test_gene_flags_from_the_files_of_the_sequencing_laboratory(adsl, export, usubjid):
    samples, variants, fusions = (
        pd.read_csv(export / "ngs" / f"{n}.csv", dtype=str, encoding="utf-8-sig").drop_duplicates() for n in ("samples", "variants", "fusions")
    )
    samples = samples[samples["QC"] == "PASS"].sort_values(["COLDAT", "SAMPLE"])
    with_dna, with_rna = samples["PANEL"].str.contains("DNA"), samples["PANEL"].str.contains(r"^RNA|\+RNA")
    vaf, impact, kind = variants["VAF"].astype(float), variants["CLASS"].isin(["P", "LP"]), variants["TYPE"]
    gene, partner = variants["GENE"], fusions["GENE1"].where(fusions["TYPE"] == "FUSION")
    short = impact & kind.isin(["SNV", "INDEL"])
    rules = {  # where it is looked for, and the specimens in which it was found
        "NPM1FL": (with_dna, variants["SAMPLE"][short & (gene == "NPM1") & (vaf >= 2)]),
        "TP53FL": (with_dna, variants["SAMPLE"][short & (gene == "TP53") & (vaf >= 10)]),
        "FLT3TKFL": (with_dna, variants["SAMPLE"][short & (gene == "FLT3") & (vaf >= 2)]),
        "FLT3ITFL": (with_dna, variants["SAMPLE"][(gene == "FLT3") & (kind == "ITD")]),
        "KMT2AFL": (with_rna | (samples["PANEL"] == "FISH"), fusions["SAMPLE"][partner == "KMT2A"]),
        "NUP98FL": (with_rna, fusions["SAMPLE"][partner == "NUP98"]),
    }
    start = adsl["TRTSDT"].dropna()
    who = samples["SUBJECT"].map(usubjid)
    early = [w in start.index and date.fromisoformat(d) <= start[w] for w, d in zip(who, samples["COLDAT"], strict=True)]
    before = pd.Series(early, index=samples.index)
    for name, (looked_for, found) in rules.items():
        last = samples["SAMPLE"][looked_for & before].groupby(who).last()
        expected = dict.fromkeys(adsl.index) | {w: "Y" if s in set(found) else "N" for w, s in last.items()}
        assert differences(adsl, name, expected) == [] and "Y" in expected.values(), name
    assert set(zip(adsl["FLT3FL"], adsl["FLT3ITFL"], adsl["FLT3TKFL"], strict=True)) == {
        (None, None, None), ("N", "N", "N"), ("Y", "Y", "N"), ("Y", "N", "Y")}  # fmt: skip


def test_biomarker_evaluable_from_the_built_tabulations(adsl, dataset):
    gf, supp, cp = dataset("GF").query("GFTESTCD == 'TRNSCPTN'"), dataset("SUPPGF"), dataset("CP")
    tissue = {(u, float(n)): v for u, n, v in zip(supp["USUBJID"], supp["IDVARVAL"], supp["QVAL"], strict=True)}
    reference = gf[gf["GFSYM"] == "ABL1"].groupby("GFREFID")
    valid = {s for s, w in reference if (w["GFSTRESC"] != "UNDETERMINED").all() and w["GFSTRESN"].mean() <= 35}
    seen = {(r.USUBJID, r.GFSYM, tissue[r.USUBJID, r.GFSEQ], r.GFDTC) for r in gf.itertuples() if r.GFREFID in valid}
    assert len(valid) < gf["GFREFID"].nunique(), "a specimen that is not valid is planted"
    seen |= {(r.USUBJID, "CD11B", r.CPSPEC, r.CPDTC) for r in cp.itertuples()}
    expected = dict.fromkeys(adsl.index, "N")
    for who, marker, spec, day in seen:
        start = adsl.at[who, "TRTSDT"]
        if start and date.fromisoformat(day) > start and marker != "ABL1":
            earlier = [d for w, m, s, d in seen if (w, m, s) == (who, marker, spec) and date.fromisoformat(d) < start]
            expected[who] = "Y" if earlier else expected[who]
    assert differences(adsl, "BMFL", expected) == [] and set(expected.values()) == {"Y", "N"}


def test_first_dose_date_time_and_exposure_agree(adsl, dataset, form):
    first = form("dose").query("DTAKEN == 'Y'").assign(day=lambda f: f["DSTDAT"].map(whole))
    first = first.sort_values(["day", "DSTTIM"]).drop_duplicates("USUBJID").set_index("USUBJID")
    pkd = form("pkd").query("VISITOID == 'C1D1'").set_index("USUBJID")["PKDOSTIM"]
    ex = dataset("EX")
    for who, row in adsl[adsl["SAFFL"] == "Y"].iterrows():
        own = ex[ex["USUBJID"] == who]
        assert row["TRTSDT"] == first.at[who, "day"] == date.fromisoformat(own["EXSTDTC"].min()[:10]), who
        assert row["TRTEDT"] >= row["TRTSDT"] and row["TRTDURD"] == (row["TRTEDT"] - row["TRTSDT"]).days + 1, who
        clock = pkd.get(who, "")
        midnight = (row["TRTSDT"] - date(1960, 1, 1)).days * 86400
        if clock and ":" in clock and "U" not in clock:
            hours, minutes = clock.split(":")
            assert row["TRTSDTM"] == midnight + int(hours) * 3600 + int(minutes) * 60 and row["TRTSTMF"] is None, who
        elif not own["EXSTDTC"].min()[10:]:
            assert row["TRTSDTM"] == midnight and row["TRTSTMF"] == "H", who


def test_nothing_is_dated_after_death_or_the_cut_off(adsl):
    dates = [c for c in adsl if c.endswith("DT") and c != "DCUTDT"]
    for who, row in adsl.iterrows():
        limit = row["DTHDT"] or CUT
        assert all(row[c] <= limit for c in dates if row[c] is not None), who
    assert (adsl["DCUTDT"] == CUT).all()


def test_variables_follow_adamig_in_names_labels_formats_and_order(metadata):
    from engine.standards import load_adamig  # noqa: PLC0415  the standard's table, not the build

    found = metadata("ADSL")
    names, labels = found.column_names, found.column_names_to_labels
    standard = load_adamig("1.3").structures["ADSL"]
    known = [n for n in names if n in standard]
    assert known == sorted(known, key=lambda n: standard[n].order)
    assert {n: labels[n] for n in known} == {n: standard[n].label for n in known}
    assert names[:4] == ["STUDYID", "USUBJID", "SUBJID", "SITEID"]
    assert all(len(n) <= 8 and 0 < len(labels[n]) <= 40 for n in names)
    formats = found.original_variable_types
    assert {n for n in names if n.endswith("DT")} == {n for n, f in formats.items() if f == "DATE9"}
    assert {n for n, f in formats.items() if f == "DATETIME20"} == {"TRTSDTM"}
