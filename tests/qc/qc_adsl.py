"""QC production of ADSL, in plain pandas and Python: design sections 1.2, 4.1 and 4.2.

Run: python qc_adsl.py SDTM_FOLDER EOT_FORM.csv OUT.xpt. The day of the last dose of a treatment whose end was not
recorded stands in the form EOT alone; all else is read from the tabulations.
"""

import math
import sys
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from qc_common import CUT_OFF, day, half_up, last_of_month, sas, tabulations, write

ARMS = {  # ARMCD: order, dose, level
    "ESC100": (1, 100, "DL1"), "ESC200": (2, 200, "DL2"), "ESC300": (3, 300, "DL3"), "ESC400": (4, 400, "DL4"),
    "ESC600": (5, 600, "DL5"), "ESC800": (6, 800, "DL6"), "EXP400": (7, 400, "DL4"),
}
DIAGNOSES = {"Acute myeloid leukaemia": "AML", "Acute lymphocytic leukaemia": "ALL", "Mixed phenotype acute leukaemia": "MPAL"}
EVALUABLE = {"CR", "CRh", "CRi", "MORPHOLOGIC LEUKEMIA-FREE STATE", "PR", "NR", "PD"}
LABELS = {
    "STUDYID": "Study Identifier", "USUBJID": "Unique Subject Identifier", "SUBJID": "Subject Identifier for the Study",
    "SITEID": "Study Site Identifier", "AGE": "Age", "AGEU": "Age Units", "AGEGR1": "Pooled Age Group 1", "SEX": "Sex",
    "RACE": "Race", "ETHNIC": "Ethnicity", "COUNTRY": "Country", "FASFL": "Full Analysis Set Population Flag",
    "SAFFL": "Safety Population Flag", "ENRLFL": "Enrolled Population Flag", "SCRNFFL": "Screen Failure Flag",
    "DLTEVFL": "DLT-Evaluable Population Flag", "PKFL": "Pharmacokinetic Population Flag",
    "RESPEVFL": "Response-Evaluable Population Flag", "BMFL": "Biomarker-Evaluable Population Flag",
    "ARM": "Description of Planned Arm", "ARMCD": "Planned Arm Code", "ACTARM": "Description of Actual Arm",
    "ACTARMCD": "Actual Arm Code", "ARMNRS": "Reason Arm and/or Actual Arm is Null",
    "TRT01P": "Planned Treatment for Period 01", "TRT01PN": "Planned Treatment for Period 01 (N)",
    "TRT01A": "Actual Treatment for Period 01", "TRT01AN": "Actual Treatment for Period 01 (N)",
    "TR01AG1": "Actual Pooled Treatment 1 for Period 01", "TR01AG1N": "Actual Pooled Trt 1 for Period 01 (N)",
    "COHORT": "Dose Level Cohort", "PART": "Part of Study", "DOSE01P": "Planned Treatment Dose for Period 01",
    "TRTSDT": "Date of First Exposure to Treatment", "TRTSDTM": "Datetime of First Exposure to Treatment",
    "TRTSTMF": "Time of First Exposure Imput. Flag", "TRTEDT": "Date of Last Exposure to Treatment",
    "TRTEDTF": "Date of Last Exposure Imput. Flag", "DLTFL": "Dose-Limiting Toxicity Flag",
    "EOSSTT": "End of Study Status", "EOSDT": "End of Study Date", "DCSREAS": "Reason for Discontinuation from Study",
    "EOTSTT": "End of Treatment Status", "EOTDT": "End of Treatment Date",
    "DCTREAS": "Reason for Discontinuation of Treatment", "DCTREASP": "Reason Specify for Discont of Treatment",
    "RFICDT": "Date of Informed Consent", "DCUTDT": "Data Cut-off Date", "LSTALVDT": "Date Last Known Alive",
    "TRTDURD": "Total Treatment Duration (Days)", "DTHFL": "Subject Death Flag", "DTHDT": "Date of Death",
    "DTHDTF": "Date of Death Imputation Flag", "DTHCAUS": "Cause of Death", "DTHCGR1": "Cause of Death Group 1",
    "DTHB30FL": "Death Within 30 Days of Last Dose Flag", "HSCTFL": "HSCT After Start of Treatment Flag",
    "HSCTDT": "Date of First HSCT After Start of Trt", "HSCTDTF": "Date of First HSCT Imputation Flag",
    "NALTDT": "Date of New Anti-Leukemia Therapy", "NALTDTF": "Date of New Therapy Imputation Flag",
    "DIAG": "Leukemia Type", "RRSTAT": "Relapsed or Refractory Status", "NPRIOR": "Number of Prior Lines of Therapy",
    "PRHSCTFL": "Prior HSCT Flag", "BECOG": "Baseline ECOG Performance Status", "HEIGHTBL": "Height at Baseline (cm)",
    "WEIGHTBL": "Weight at Baseline (kg)", "BMIBL": "Body Mass Index at Baseline (kg/m2)",
    "BSABL": "Body Surface Area at Baseline (m2)", "NPM1FL": "NPM1 Mutation Flag",
    "KMT2AFL": "KMT2A Rearrangement Flag", "FLT3FL": "FLT3 Mutation Flag", "FLT3ITFL": "FLT3-ITD Flag",
    "FLT3TKFL": "FLT3-TKD Mutation Flag", "TP53FL": "TP53 Mutation Flag", "NUP98FL": "NUP98 Rearrangement Flag",
    "MOLGR1": "Molecular Group 1",
}
DATES = ("TRTSDT", "TRTEDT", "EOSDT", "EOTDT", "RFICDT", "DCUTDT", "LSTALVDT", "DTHDT", "HSCTDT", "NALTDT")
FORMATS = dict.fromkeys(DATES, "DATE9.") | {"TRTSDTM": "DATETIME20."}


def produce(sdtm, eot_form):
    """ADSL, one record for each subject of DM."""
    read = tabulations(sdtm)
    domains = {n: read(n) for n in ("DM", "EX", "DS", "DD", "SV", "LB", "VS", "EG", "PC", "MI", "GF", "RS", "AE", "CM",
                                    "PR", "SS", "CP", "MH", "SUPPMH", "SUPPAE", "SUPPGF")}
    eot = pd.read_csv(eot_form, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    eot = eot[eot["RECSTAT"] == "ACTIVE"]
    rows = []
    for subject in domains["DM"].itertuples():
        own = {n: d[d["USUBJID"] == subject.USUBJID] for n, d in domains.items()}
        last_dose = eot.loc[eot["SUBJECT"] == subject.SUBJID, "LASTDOS"]
        rows.append(one(subject, own, entered(last_dose.iloc[0]) if len(last_dose) else None))
    return pd.DataFrame(rows)[list(LABELS)]


def entered(text):
    """A date as it is entered, 05-SEP-2024."""
    months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
    parts = text.split("-")
    known = len(parts) == 3 and parts[1] in months and parts[0].isdigit()
    return date(int(parts[2]), months.index(parts[1]) + 1, int(parts[0])) if known else None


def one(dm, own, last_dose):
    """The record of one subject."""
    ex, ds = own["EX"], own["DS"]
    treated = len(ex) > 0
    start = day(dm.RFXSTDTC)
    row = {n: getattr(dm, n) for n in ("STUDYID", "USUBJID", "SUBJID", "SITEID", "AGE", "AGEU", "SEX", "RACE", "ETHNIC",
                                       "COUNTRY", "ARM", "ARMCD", "ACTARM", "ACTARMCD", "ARMNRS", "DTHFL")}
    row |= {"AGEGR1": ">=60" if dm.AGE >= 60 else "18-<60", "SAFFL": yes(treated), "FASFL": yes(treated),
            "ENRLFL": yes((ds["DSDECOD"] == "ENTERED INTO TRIAL").any()), "SCRNFFL": yes(dm.ARMNRS == "SCREEN FAILURE"),
            "DCUTDT": CUT_OFF, "RFICDT": day(dm.RFICDTC)}
    planned, actual = ARMS.get(dm.ARMCD), ARMS.get(dm.ACTARMCD)
    part = "" if planned is None else "EXPANSION" if dm.ARMCD.startswith("EXP") else "ESCALATION"
    row |= {"TRT01P": dm.ARM, "TRT01A": dm.ACTARM, "TRT01PN": planned and planned[0], "TRT01AN": actual and actual[0],
            "TR01AG1": f"BY002 {actual[1]} mg" if actual else "", "TR01AG1N": actual and actual[1],
            "COHORT": planned[2] if planned else "", "DOSE01P": planned and planned[1], "PART": part}
    alive = last_alive(own)
    death, how = death_of(dm, alive)
    row |= {"DTHDT": death, "DTHDTF": how, "LSTALVDT": death or alive}
    row |= treatment(dm, ex, ds, start, last_dose, death)
    row |= dispositions(ds, treated)
    if row["DCSREAS"] == "DEATH":  # the study ends with the death, whose date may be imputed
        row["EOSDT"] = death
    row |= causes(own["DD"], row)
    row |= transplants_and_therapies(own, start)
    row |= baseline(own)
    row |= toxicity(own, row, part, start, alive)
    row |= populations(own, treated, start)
    row |= genes(own["GF"], start)
    for name in DATES:
        row[name] = sas(row[name])
    return row


def yes(condition):
    """Y or N."""
    return "Y" if condition else "N"


def last_alive(own):
    """The latest complete date by the cut-off on which the subject was seen alive; collections count with a result."""
    sv, ss, ex = own["SV"], own["SS"], own["EX"]
    dates = [*sv.loc[(sv["SVOCCUR"] != "N") & (sv["SVCNTMOD"] != "TELEPHONE CALL"), "SVSTDTC"], *ex["EXSTDTC"],
             *ex["EXENDTC"], *own["AE"]["AESTDTC"], *own["AE"]["AEENDTC"], *own["CM"]["CMSTDTC"], *own["PR"]["PRSTDTC"],
             *ss.loc[ss["SSTESTCD"] == "LSCFADTC", "SSSTRESC"]]
    for name in ("LB", "VS", "EG", "PC", "MI", "GF", "RS"):
        found = own[name]
        dates += list(found.loc[found[f"{name}STRESC"] != "", f"{name}DTC"])
    return max((d for d in map(day, dates) if d is not None and d <= CUT_OFF), default=None)


def death_of(dm, alive):
    """Date of death and its imputation flag."""
    if dm.DTHFL != "Y":
        return None, ""
    text, after = dm.DTHDTC, alive + timedelta(days=1)
    if day(text) is not None:
        return day(text), ""
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:7])
        return min(max(date(year, month, 1), after), last_of_month(year, month), CUT_OFF), "D"
    if len(text) >= 4:
        return min(max(date(int(text[:4]), 1, 1), after), date(int(text[:4]), 12, 31), CUT_OFF), "M"
    return min(after, CUT_OFF), "Y"


def treatment(dm, ex, ds, start, last_dose, death):
    """First and last dose."""
    if not len(ex):
        return dict.fromkeys(("TRTSDT", "TRTSDTM", "TRTEDT", "TRTDURD")) | {"TRTSTMF": "", "TRTEDTF": ""}
    clock = dm.RFXSTDTC[11:16]
    minutes = int(clock[:2]) * 60 + int(clock[3:]) if clock else 0
    ended = (ds["DSSCAT"] == "STUDY TREATMENT").any()
    open_ends = (ex["EXENDTC"] == "").any()
    end, flag = max(day(d) for d in ex["EXENDTC"] if d) if (ex["EXENDTC"] != "").any() else None, ""
    if open_ends and not ended:
        end, flag = CUT_OFF, "Y"
    elif open_ends:
        end = last_dose
    return {"TRTSDT": start, "TRTSDTM": sas(start) * 86400 + minutes * 60, "TRTSTMF": "" if clock else "H", "TRTEDT": end,
            "TRTEDTF": flag, "TRTDURD": float((end - start).days + 1)}


def dispositions(ds, treated):
    """How treatment and study ended."""
    ends = ds[ds["DSCAT"] == "DISPOSITION EVENT"]
    of_treatment = ends[ends["DSSCAT"] == "STUDY TREATMENT"]
    of_study = ends[(ends["DSSCAT"] == "STUDY PARTICIPATION") & ~((ends["EPOCH"] == "SCREENING") & (ends["DSDECOD"] == "COMPLETED"))]
    row = {"EOTSTT": "ONGOING" if treated else "", "EOTDT": None, "DCTREAS": "", "DCTREASP": "", "EOSSTT": "ONGOING",
           "EOSDT": None, "DCSREAS": ""}
    if len(of_treatment):
        end = of_treatment.iloc[-1]
        told = end["DSTERM"] if end["DSDECOD"] in ("PROTOCOL-SPECIFIED WITHDRAWAL CRITERION MET", "OTHER") else ""
        row |= {"EOTSTT": "DISCONTINUED", "EOTDT": day(end["DSSTDTC"]), "DCTREAS": end["DSDECOD"], "DCTREASP": told}
    if len(of_study):
        end = of_study.sort_values(["DSSTDTC", "DSSEQ"]).iloc[-1]
        whole = end["DSDECOD"] == "COMPLETED"
        row |= {"EOSSTT": "COMPLETED" if whole else "DISCONTINUED", "EOSDT": day(end["DSSTDTC"]),
                "DCSREAS": "" if whole else end["DSDECOD"]}
    return row


def causes(dd, row):
    """Why the subject died, and whether within 30 days of the last dose."""
    cause = dd[dd["DDTESTCD"] == "PRCDTH"]
    soon = row["DTHDT"] is not None and row["TRTEDT"] is not None
    return {"DTHCAUS": cause["DDORRES"].iloc[0] if len(cause) else "",
            "DTHCGR1": cause["DDSTRESC"].iloc[0] if len(cause) else "",
            "DTHB30FL": yes((row["DTHDT"] - row["TRTEDT"]).days <= 30) if soon else ""}


def transplants_and_therapies(own, start):
    """The first transplant after the start of treatment, the first new therapy; prior transplant."""
    pr, cm = own["PR"], own["CM"]
    done = [d for d in map(day, pr.loc[pr["PRCAT"] == "HSCT", "PRSTDTC"]) if start is not None and d is not None and d > start]
    begun = [d for d in map(day, cm.loc[cm["CMCAT"] == "SUBSEQUENT ANTI-LEUKEMIA THERAPY", "CMSTDTC"]) if d is not None]
    return {"HSCTFL": yes(done), "HSCTDT": min(done, default=None), "HSCTDTF": "", "NALTDT": min(begun, default=None),
            "NALTDTF": "", "PRHSCTFL": yes((pr["PRCAT"] == "PRIOR HSCT").any())}


def baseline(own):
    """Disease and body at baseline."""
    mh, supp, vs, rs = own["MH"], own["SUPPMH"], own["VS"], own["RS"]
    main = mh[mh["MHCAT"] == "PRIMARY DIAGNOSIS"]
    more = dict(zip(supp["QNAM"], supp["QVAL"], strict=True))
    ecog = rs[(rs["RSTESTCD"] == "ECOG101") & (rs["RSLOBXFL"] == "Y")]
    flagged = vs[vs["VSLOBXFL"] == "Y"].set_index("VSTESTCD")["VSSTRESN"]
    height, weight = flagged.get("HEIGHT"), flagged.get("WEIGHT")
    both = height is not None and weight is not None
    return {"DIAG": DIAGNOSES.get(main["MHDECOD"].iloc[0], "?") if len(main) else "", "RRSTAT": more.get("RRSTAT", ""),
            "NPRIOR": float(more["NPRIOR"]) if "NPRIOR" in more else None,
            "BECOG": ecog["RSSTRESN"].iloc[0] if len(ecog) else None, "HEIGHTBL": height, "WEIGHTBL": weight,
            "BMIBL": half_up(weight / (height / 100) ** 2, 1) if both else None,
            "BSABL": half_up(math.sqrt(height * weight / 3600), 2) if both else None}


def toxicity(own, row, part, start, alive):
    """Dose limitation in Days 1 to 28 of escalation."""
    if row["SAFFL"] != "Y":
        return {"DLTFL": "", "DLTEVFL": "N"}
    ae, supp, ex = own["AE"], own["SUPPAE"], own["EX"]
    told = set(supp.loc[(supp["QNAM"] == "AEDLT") & (supp["QVAL"] == "Y"), "IDVARVAL"].astype(float))
    onsets = [day(d) for d in ae.loc[ae["AESEQ"].isin(told), "AESTDTC"]]
    last = start + timedelta(days=27)
    limited = part == "ESCALATION" and any(d is not None and start <= d <= last for d in onsets)
    taken = set()
    for each in ex[ex["EXDOSE"] > 0].itertuples():
        end = day(each.EXENDTC) or row["TRTEDT"]
        taken |= {day(each.EXSTDTC) + timedelta(days=n) for n in range((end - day(each.EXSTDTC)).days + 1)}
    doses = sum(start <= d <= last for d in taken)
    seen = row["DTHDT"] or alive
    left = row["EOSDT"] is not None and row["EOSDT"] < last
    followed = not left and (row["DTHDT"] is None or row["DTHDT"] >= last) and seen >= last
    evaluable = part == "ESCALATION" and (limited or (doses >= 21 and followed))
    return {"DLTFL": yes(limited), "DLTEVFL": yes(evaluable)}


def populations(own, treated, start):
    """Concentrations, responses and markers after the first dose."""
    if not treated:
        return {"PKFL": "N", "RESPEVFL": "N", "BMFL": "N"}
    pc, rs, gf, cp, supp = own["PC"], own["RS"], own["GF"], own["CP"], own["SUPPGF"]
    measured = pc[(pc["PCTESTCD"] == "BY002") & pc["PCSTRESN"].notna() & (pc["PCTPTNUM"] > 0) & (pc["PCRFTDTC"] != "")]
    rated = rs[(rs["RSTESTCD"] == "OVRLRESP") & rs["RSSTRESC"].isin(EVALUABLE)]
    tissue = dict(zip(supp.loc[supp["QNAM"] == "GFTISSUE", "IDVARVAL"].astype(float),
                      supp.loc[supp["QNAM"] == "GFTISSUE", "QVAL"], strict=True))
    wells = gf[gf["GFTESTCD"] == "TRNSCPTN"]
    seen = set()
    for sample, of_sample in wells.groupby("GFREFID"):
        abl = of_sample[of_sample["GFSYM"] == "ABL1"]
        if not len(abl) or (abl["GFSTRESC"] == "UNDETERMINED").any() or abl["GFSTRESN"].mean() > 35 or not sample:
            continue
        seen |= {(r.GFSYM, tissue.get(r.GFSEQ), day(r.GFDTC)) for r in of_sample.itertuples() if r.GFSYM in ("HOXA9", "MEIS1")}
    seen |= {("CD11B", r.CPSPEC, day(r.CPDTC)) for r in cp.itertuples() if r.CPSTRESC != ""}
    paired = any(d > start and any(m2 == m and s2 == s and d2 < start for m2, s2, d2 in seen) for m, s, d in seen)
    return {"PKFL": yes(len(measured)), "RESPEVFL": yes(any(day(d) > start for d in rated["RSDTC"])), "BMFL": yes(paired)}


def genes(gf, start):
    """Of each gene the last specimen up to the first dose that was assayed for it."""
    names = ("NPM1FL", "KMT2AFL", "FLT3FL", "FLT3ITFL", "FLT3TKFL", "TP53FL", "NUP98FL", "MOLGR1")
    if start is None:
        return dict.fromkeys(names, "")
    done = gf[(gf["GFSTAT"] != "NOT DONE") & gf["GFDTC"].map(lambda d: day(d) is not None and day(d) <= start)]

    def last(test, gene, only=lambda found: found, positive=lambda found: True):
        own = only(done[(done["GFTESTCD"] == test) & (done["GFSYM"] == gene)])
        looked = own[own["GFTSTDTL"] == "DETECTION"].sort_values(["GFDTC", "GFREFID"])
        if not len(looked):
            return ""
        sample = looked["GFREFID"].iloc[-1]
        found = own[(own["GFREFID"] == sample)]
        hit = (found.loc[found["GFTSTDTL"] == "DETECTION", "GFSTRESC"] == "DETECTED").any()
        return yes(hit and positive(found))

    def short(least):
        def positive(found):
            detail = found[found["GFTSTDTL"] != "DETECTION"].pivot_table(
                index="GFGRPID", columns="GFTSTDTL", values="GFSTRESC", aggfunc="first")
            if "VARIANT IMPACT CLASSIFICATION" not in detail:
                return False
            bad = detail["VARIANT IMPACT CLASSIFICATION"].str.upper().isin(
                ["P", "LP", "PATHOGENIC", "LIKELY PATHOGENIC"])
            return bool((bad & (detail["VARIANT READ DEPTH/READ DEPTH"].astype(float) >= least)).any())
        return positive

    def of_type(word):
        """The records of findings whose type is this word, with those of their assays that found nothing."""
        def only(found):
            types = found[found["GFTSTDTL"] == "REARRANGEMENT TYPE"]
            other = set(types.loc[types["GFSTRESC"] != word, "GFGRPID"]) - {""}
            return found[~found["GFGRPID"].isin(other)]
        return only

    def fused(found):
        """Assays for a partial tandem duplication are no assays for a fusion."""
        kept = of_type("FUSION")(found)
        return kept[~kept["GFGRPID"].str.contains("PTD")]

    row = {"NPM1FL": last("SHRTVAR", "NPM1", positive=short(2)), "TP53FL": last("SHRTVAR", "TP53", positive=short(10)),
           "FLT3TKFL": last("SHRTVAR", "FLT3", positive=short(2)), "FLT3ITFL": last("SEQREAR", "FLT3"),
           "KMT2AFL": last("SEQREAR", "KMT2A", only=fused), "NUP98FL": last("SEQREAR", "NUP98")}
    both = {row["FLT3ITFL"], row["FLT3TKFL"]}
    row["FLT3FL"] = "Y" if "Y" in both else "N" if "N" in both else ""
    row["MOLGR1"] = "KMT2A-R" if row["KMT2AFL"] == "Y" else "NPM1M" if row["NPM1FL"] == "Y" else "NEITHER"
    return row


if __name__ == "__main__":
    write(produce(sys.argv[1], sys.argv[2]), sys.argv[3], "Subject-Level Analysis Dataset", LABELS, FORMATS)
