"""QC production of ADTTE, in plain pandas and Python: design section 4.8.

Run: python qc_adtte.py SDTM_FOLDER QC_ADSL.xpt OUT.xpt. Dates of the subject are those of the QC production of ADSL.
"""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from qc_common import CUT_OFF, day, sas, tabulations, write

LANDMARK = 179  # Day 180, counted from the first dose
REMISSION = ("CR", "CRh", "CRi")
RESPONSE = (*REMISSION, "MORPHOLOGIC LEUKEMIA-FREE STATE", "PR")
RELAPSED = "RELAPSED DISEASE"
PARAMETERS = {  # in the order of PARAMN
    "OS": "Overall Survival", "OSH": "Overall Survival Censored at HSCT", "EFS": "Event-Free Survival by ELN 2022",
    "EFS2": "Event-Free Survival Conventional", "EFS2H": "Event-Free Survival Conventional Censored at HSCT",
    "RFS": "Relapse-Free Survival", "RFSH": "Relapse-Free Survival Censored at HSCT", "DOR": "Duration of Response",
    "DORH": "Duration of Response Censored at HSCT", "DORCRC": "Duration of Composite Complete Remission",
    "TTR": "Time to First Response", "TTCRC": "Time to First Composite Complete Remission",
    "CIR": "Time to Relapse with Death as Competing Event", "CIRH": "Time to Relapse Censored at HSCT",
}
LABELS = {
    "STUDYID": "Study Identifier", "USUBJID": "Unique Subject Identifier", "SUBJID": "Subject Identifier for the Study",
    "SITEID": "Study Site Identifier", "TRTP": "Planned Treatment", "TRTA": "Actual Treatment",
    "TRTSDT": "Date of First Exposure to Treatment", "TRTEDT": "Date of Last Exposure to Treatment",
    "SAFFL": "Safety Population Flag", "ASEQ": "Analysis Sequence Number", "PARAMCD": "Parameter Code",
    "PARAM": "Parameter", "PARAMN": "Parameter (N)", "AVAL": "Analysis Value", "AVALU": "Analysis Value Unit",
    "STARTDT": "Time-to-Event Origin Date for Subject", "ADT": "Analysis Date", "ADTF": "Analysis Date Imputation Flag",
    "CNSR": "Censor", "EVNTDESC": "Event or Censoring Description", "CNSDTDSC": "Censor Date Description",
    "EVTYPEN": "Event Type (N)", "SRCDOM": "Source Data", "SRCVAR": "Source Variable", "SRCSEQ": "Source Sequence Number",
}
FORMATS = dict.fromkeys(("TRTSDT", "TRTEDT", "STARTDT", "ADT"), "DATE9.")


def produce(sdtm, adsl):
    """ADTTE, one record for each treated subject and parameter."""
    read = tabulations(sdtm)
    rs = read("RS")
    rs = rs[rs["RSTESTCD"] == "OVRLRESP"].sort_values(["USUBJID", "RSDTC", "RSSEQ"])
    rows = []
    for subject in adsl[adsl["SAFFL"] == "Y"].sort_values("USUBJID").itertuples():
        ends = endpoints(facts(subject, rs[rs["USUBJID"] == subject.USUBJID]))
        for number, code in enumerate(sorted(ends), 1):
            rows.append(record(subject, code, number, *ends[code]))
    return pd.DataFrame(rows)[list(LABELS)]


def facts(s, rs):
    """What of the subject decides the endpoints: each a day with its source (domain, variable, record), or None."""
    def own(name):
        value = getattr(s, name)
        return None if pd.isna(value) else (value, ("ADSL", name, None))

    seen = [(sas(day(r.RSDTC)), r.RSSTRESC, r.RSSEQ) for r in rs.itertuples()]
    seen = [each for each in seen if each[0] is not None and s.TRTSDT < each[0] <= sas(CUT_OFF)]

    def first(results, among, after=-1):
        return next(((d, ("RS", "RSDTC", n)) for d, r, n in among if r in results and d > after), None)

    f = {name: own(name) for name in ("TRTSDT", "DTHDT", "LSTALVDT", "HSCTDT", "NALTDT", "EOTDT")}
    limits = [d for d, r, _ in seen if r in (RELAPSED, "PD")][:1]
    limits += [f["HSCTDT"][0]] if f["HSCTDT"] else []
    limits += [f["NALTDT"][0] - 1] if f["NALTDT"] else []
    inside = [each for each in seen if each[0] <= min([*limits, sas(CUT_OFF)])]
    f["REM"], f["RSP"] = first(REMISSION, inside), first(RESPONSE, inside)
    f["REL"] = first((RELAPSED,), seen, f["REM"][0]) if f["REM"] else None
    f["PD"] = first(("PD",), seen)
    f["PDRSP"] = first(("PD",), seen, f["RSP"][0]) if f["RSP"] else None
    last = [each for each in seen if each[1] != "NE"][-1:]
    f["LSTAC"] = (last[0][0], ("RS", "RSDTC", last[0][2])) if last else None
    if last:  # of several on the day, the first
        f["LSTAC"] = next((d, ("RS", "RSDTC", n)) for d, r, n in seen if d == last[0][0] and r != "NE")
    f["evaluable"] = any(r not in ("NE", RELAPSED) for _, r, _ in seen)
    f["failed"] = f["EOTDT"] if s.DCTREAS in ("LACK OF EFFICACY", "PROGRESSIVE DISEASE") and not f["REM"] else None
    return f


def event(*listed):
    """The earliest event; on one day that which is listed first. Its day, CNSR, text and source."""
    known = [(at[0], place, text, at[1]) for place, (at, text) in enumerate(listed) if at is not None]
    if not known:
        return None
    when, _, text, source = min(known, key=lambda each: each[:2])
    return when, 0, text, source


def censored(at, number, text):
    """The end of an observation without the event."""
    return at[0], number, text, at[1]


def endpoints(f):
    """Origin and end of each time to event that the subject has."""
    start, rem, rsp = f["TRTSDT"], f["REM"], f["RSP"]
    relapse, death = (f["REL"], "RELAPSE"), (f["DTHDT"], "DEATH")
    alive = censored(f["LSTALVDT"], 1, "LAST KNOWN ALIVE")
    assessed = censored(f["LSTAC"], 1, "LAST RESPONSE ASSESSMENT") if f["LSTAC"] else None
    ends = {"OS": (start, event(death) or alive), "EFS": (start, event_free(f, assessed))}
    failure = event(relapse, (f["PD"], "PROGRESSIVE DISEASE"), (f["failed"], "TREATMENT FAILURE"), death)
    ends["EFS2"] = (start, failure or assessed or censored(start, 2, "NO POST-BASELINE ASSESSMENT"))
    if rem:
        lapse = event(relapse, death)
        ends["RFS"] = (rem, lapse or alive)
        ends["DORCRC"] = (rem, lapse or assessed)
        ends["TTCRC"] = (start, event((rem, "FIRST RESPONSE")))
        competing = lapse is not None and lapse[2] == "DEATH"
        ends["CIR"] = (rem, censored(f["DTHDT"], 2, "DEATH WITHOUT RELAPSE") if competing else lapse or alive)
    if rsp:
        lost = "RELAPSE OR PROGRESSION"
        ends["DOR"] = (rsp, event((f["REL"], lost), (f["PDRSP"], lost), death) or assessed)
        ends["TTR"] = (start, event((rsp, "FIRST RESPONSE")))
    for code in ("OS", "EFS2", "RFS", "DOR", "CIR"):
        if code in ends:
            origin, end = ends[code]
            happened = end[1] == 0 or (code == "CIR" and end[1] == 2)
            before = f["HSCTDT"] is not None and (not happened or f["HSCTDT"][0] < end[0])
            ends[f"{code}H"] = (origin, censored(f["HSCTDT"], 3, "ALLOGENEIC HSCT") if before else end)
    return ends


def event_free(f, assessed):
    """EFS by ELN 2022: the first case that applies."""
    start = f["TRTSDT"]
    limit = start[0] + LANDMARK
    if f["REM"] and f["REM"][0] <= limit:
        return event((f["REL"], "RELAPSE"), (f["DTHDT"], "DEATH")) or assessed
    if f["evaluable"]:
        early = any(f[n] and f[n][0] <= limit for n in ("EOTDT", "PD", "NALTDT", "DTHDT"))
        if early or sas(CUT_OFF) > limit:
            return start[0], 0, "TREATMENT FAILURE", start[1]
        return censored(f["LSTAC"], 3, "LANDMARK NOT REACHED")
    if f["DTHDT"] and f["DTHDT"][0] <= limit:
        return start[0], 0, "DEATH BEFORE RESPONSE ASSESSMENT", start[1]
    return censored(start, 2, "NON-EVALUABLE")


def record(s, code, number, origin, end):
    """One record."""
    when, censor, text, (domain, variable, sequence) = end
    types = {0: 1, 2: 2}
    return {
        "STUDYID": s.STUDYID, "USUBJID": s.USUBJID, "SUBJID": s.SUBJID, "SITEID": s.SITEID, "TRTP": s.TRT01P,
        "TRTA": s.TRT01A, "TRTSDT": s.TRTSDT, "TRTEDT": s.TRTEDT, "SAFFL": s.SAFFL, "ASEQ": float(number),
        "PARAMCD": code, "PARAM": f"{PARAMETERS[code]} (Days)", "PARAMN": float(list(PARAMETERS).index(code) + 1),
        "AVAL": when - origin[0] + 1, "AVALU": "DAYS", "STARTDT": origin[0], "ADT": when,
        "ADTF": s.DTHDTF if variable == "DTHDT" else "", "CNSR": float(censor),
        "EVNTDESC": text if censor == 0 else "", "CNSDTDSC": text if censor else "",
        "EVTYPEN": float(types.get(censor, 0)) if code.startswith("CIR") else None,
        "SRCDOM": domain, "SRCVAR": variable, "SRCSEQ": sequence,
    }


if __name__ == "__main__":
    subjects = tabulations(Path(sys.argv[2]).parent)(Path(sys.argv[2]).stem)
    write(produce(sys.argv[1], subjects), sys.argv[3], "Time-to-Event Analysis Dataset", LABELS, FORMATS)
