"""The invariants of the study design (section 7) hold on the built datasets, and each catches what it is there for.

The datasets are read once; every corruption changes a copy of one and must be told by its rule.
"""

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.spec.catalogue import Catalogue
from engine.spec.study import load_study
from formats.xpt_read import read_xpt
from trialmill.check import check_study
from validators.evaluate import explain, run_rules
from validators.rules import Rules, load_rules
from validators.shelf import Shelf

STUDY = Path(__file__).resolve().parents[2] / "specs" / "by002"
DAY = pd.Timestamp("1960-01-01")


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(load_study(STUDY))


@pytest.fixture(scope="module")
def rules(catalogue):
    return load_rules(catalogue)


@pytest.fixture(scope="module")
def published(built):
    found = {}
    for path in sorted(built.rglob("*.xpt")):
        frame, meta = read_xpt(path)
        found[meta.name] = frame
    return found


@pytest.fixture(scope="module")
def told_at():
    """How many corruptions were told, and the checks that told them."""
    return [0, set()]


@pytest.fixture
def shelf(catalogue, published):
    return Shelf(catalogue, {n: f.copy() for n, f in published.items()}, frozenset({"sdtm", "adam"}))


def test_everything_that_was_built_passes_schemas_and_rules(built):
    made = check_study(STUDY, built)
    report = made.report
    assert [f"{f.rule} {f.subject} {f.message}" for f in report.findings if not f.explained] == []
    assert [e.source for e in report.waiting] == ["CORE"], "all of our own rules were run"
    assert [path.name for path in made.files] == [f"{built.name}.check.{kind}" for kind in ("html", "xlsx", "json")]


def test_every_invariant_of_the_spine_has_a_rule(rules):
    wanted = {f"I{n:02}" for n in [*range(1, 22), 25, 26, 27, 29]}
    assert {r.id for r in rules.rules if r.study} >= wanted
    assert all(r.checks for r in rules.rules if r.study)


# -- corruptions: a function that changes the frames of a shelf and returns the subject whose record it broke


def pick(frame, where, n=0):
    """The position of the n-th record that satisfies a condition."""
    rows = np.flatnonzero(where.to_numpy(dtype=bool, na_value=False))
    assert len(rows) > n, "the reference scenario holds such a record"
    return int(rows[n])


def put(frames, dataset, where, variable, value):
    """Change one value of the first record that satisfies a condition; returns its subject."""
    frame = frames[dataset]
    row = pick(frame, where(frame))
    frame.loc[row, variable] = value(frame.loc[row]) if callable(value) else value
    return frame.loc[row, "USUBJID"]


def qualify(frames, dataset, name, value, new):
    """Change one qualifier; returns its subject."""
    return put(frames, f"SUPP{dataset}", lambda f: (f["QNAM"] == name) & (f["QVAL"] == value), "QVAL", new)


def repeat(frames, dataset, where):
    """Put a record in twice; returns its subject."""
    frame = frames[dataset]
    row = pick(frame, where(frame))
    frames[dataset] = pd.concat([frame, frame.iloc[[row]]], ignore_index=True)
    return frame.loc[row, "USUBJID"]


def drop(frames, dataset, where):
    """Take a record out; returns its subject."""
    frame = frames[dataset]
    row = pick(frame, where(frame))
    frames[dataset] = frame.drop(index=row).reset_index(drop=True)
    return frame.loc[row, "USUBJID"]


def dlt(frames, variable, value):
    supp = frames["SUPPAE"]
    row = pick(supp, (supp["QNAM"] == "AEDLT") & (supp["QVAL"] == "Y"))
    who, number = supp.loc[row, "USUBJID"], float(supp.loc[row, "IDVARVAL"])
    return put(frames, "AE", lambda f: (f["USUBJID"] == who) & (f["AESEQ"] == number), variable, value)


def parameter(code, **also):
    """Records of a parameter, further variables as stated."""

    def where(frame):
        found = frame["PARAMCD"] == code
        for name, value in also.items():
            found &= frame[name] == value
        return found

    return where


def expansion_dlt(frames):
    """Call an event of the expansion a DLT."""
    arms = frames["ADSL"].set_index("USUBJID")["PART"]
    supp = frames["SUPPAE"]
    row = pick(supp, (supp["QNAM"] == "AEDLT") & (supp["USUBJID"].map(arms) == "EXPANSION"))
    supp.loc[row, "QVAL"] = "Y"
    return supp.loc[row, "USUBJID"]


def missed_and_taken(frames):
    """Let a dose run over a day that EC says was missed."""
    ec, ex = frames["EC"], frames["EX"]
    missed = ec.iloc[pick(ec, ec["ECOCCUR"] == "N")]
    before = (ex["USUBJID"] == missed["USUBJID"]) & (ex["EXSTDTC"].str.slice(0, 10) < missed["ECSTDTC"])
    row = int(np.flatnonzero(before.to_numpy(dtype=bool, na_value=False))[-1])
    ex.loc[row, "EXENDTC"] = missed["ECSTDTC"]
    return missed["USUBJID"]


def relapse_before_remission(frames):
    rs = frames["RS"]
    row = pick(rs, rs["RSSTRESC"] == "RELAPSED DISEASE")
    who = rs.loc[row, "USUBJID"]
    good = (rs["USUBJID"] == who) & rs["RSSTRESC"].isin(["CR", "CRh", "CRi"])
    rs.loc[good, "RSSTRESC"] = "NR"
    return who


def death(frames):
    """A subject that died."""
    return frames["DM"].iloc[pick(frames["DM"], frames["DM"]["DTHFL"] == "Y")]


def after_death(frames, dataset, variable):
    who = death(frames)["USUBJID"]
    return put(frames, dataset, lambda f: f["USUBJID"] == who, variable, "2026-03-30")


def visit(frames, planned):
    where = (lambda f: f["SVPRESP"] == "Y") if planned else (lambda f: f["SVPRESP"].isna())
    return put(frames, "SV", where, "SVPRESP", None if planned else "Y")


def overdose(frames, ends=True):
    supp, cm, ex = frames["SUPPCM"], frames["CM"], frames["EX"]
    row = pick(supp, supp["QVAL"] == "STRONG")
    who = supp.loc[row, "USUBJID"]
    drug = cm[(cm["USUBJID"] == who) & (cm["CMSEQ"] == float(supp.loc[row, "IDVARVAL"]))].iloc[0]
    taken = (ex["USUBJID"] == who) & (ex["EXSTDTC"].str.slice(0, 10) == drug["CMSTDTC"])
    row = pick(ex, taken)
    ex.loc[row, "EXDOSE"] *= 2
    if not ends:
        ex.loc[row, "EXENDTC"] = None
    return who


def not_nested(frames):
    return put(frames, "ADRS", parameter("CRCRSP", AVALC="Y"), "AVALC", "N")


def competing(frames, **values):
    who = None
    for name, value in values.items():
        who = put(frames, "ADTTE", parameter("CIR", CNSR=2.0) if who is None else lambda f, who=who: (f["PARAMCD"] == "CIR") & (f["USUBJID"] == who), name, value)
    return who


def expanded(frames, variable, value):
    """Change what is said of an evaluable subject at the level of the expansion; returns a subject of the expansion."""
    adsl = frames["ADSL"]
    later = adsl[(adsl["PART"] == "EXPANSION") & (adsl["SAFFL"] == "Y")].iloc[0]
    where = (adsl["COHORT"] == later["COHORT"]) & (adsl["DLTEVFL"] == "Y") & (adsl["DLTFL"] == "N")
    adsl.loc[pick(adsl, where), variable] = value
    return later["USUBJID"]


LATE = float((pd.Timestamp("2026-04-02") - DAY).days)
CORRUPTIONS = [
    ("I01", "a DLT without a grade", lambda f: dlt(f, "AETOXGR", None)),
    ("I01", "a DLT before the first dose", lambda f: dlt(f, "AESTDTC", "2024-01-01")),
    ("I01", "a DLT after the window", lambda f: dlt(f, "AESTDTC", "2026-03-01")),
    ("I01", "a DLT of the expansion", expansion_dlt),
    ("I02", "evaluable in the expansion", lambda f: put(f, "ADSL", lambda a: a["PART"] == "EXPANSION", "DLTEVFL", "Y")),
    ("I02", "evaluable with too few doses", lambda f: put(f, "ADSL", lambda a: (a["PART"] == "ESCALATION") & (a["DLTEVFL"] == "N"), "DLTEVFL", "Y")),
    ("I02", "not evaluable for no reason", lambda f: put(f, "ADSL", lambda a: (a["DLTEVFL"] == "Y") & (a["DLTFL"] == "N"), "DLTEVFL", "N")),
    ("I02", "a DLT of a subject that is not evaluable", lambda f: put(f, "ADSL", lambda a: a["DLTFL"] == "Y", "DLTEVFL", "N")),
    ("I03", "a dose on a missed day", missed_and_taken),
    ("I03", "another dose than collected", lambda f: put(f, "EX", lambda e: e["EXDOSE"] > 0, "EXDOSE", lambda r: r["EXDOSE"] + 50)),
    ("I03", "a dose that EX lacks", lambda f: drop(f, "EX", lambda e: e["EXSEQ"] == 2)),
    ("I03", "another end than collected", lambda f: put(f, "EX", lambda e: e["EXENDTC"].notna(), "EXENDTC", "2026-03-30")),
    ("I04", "another first dose", lambda f: put(f, "DM", lambda d: d["RFXSTDTC"].notna(), "RFXSTDTC", "2024-01-01")),
    ("I04", "another last dose", lambda f: put(f, "DM", lambda d: d["RFXENDTC"].notna(), "RFXENDTC", "2026-03-30")),
    ("I04", "a reference date without a dose", lambda f: put(f, "DM", lambda d: d["RFXSTDTC"].isna(), "RFSTDTC", "2025-01-01")),
    ("I04", "treatment ends before it starts", lambda f: put(f, "ADSL", lambda a: a["TRTSDT"].notna(), "TRTEDT", 20000.0)),
    ("I05", "survival ends before the event-free one", lambda f: put(f, "ADTTE", parameter("OS"), "ADT", 20000.0)),
    ("I05", "a death that survival does not know", lambda f: put(f, "ADTTE", parameter("OS", CNSR=0.0, USUBJID=f["ADTTE"][f["ADTTE"]["EVNTDESC"].eq("DEATH") & f["ADTTE"]["PARAMCD"].eq("RFS")]["USUBJID"].iloc[0]), "CNSR", 1.0)),
    ("I06", "a relapse without a remission", relapse_before_remission),
    ("I06", "a relapse on the day of remission", lambda f: put(f, "ADTTE", parameter("RFS", EVNTDESC="RELAPSE"), "ADT", lambda r: r["STARTDT"])),
    ("I07", "told twice", lambda f: repeat(f, "ADTTE", parameter("OS"))),
    ("I07", "an event and censored", lambda f: put(f, "ADTTE", parameter("OS", CNSR=0.0), "CNSDTDSC", "LAST KNOWN ALIVE")),
    ("I07", "censored and an event", lambda f: put(f, "ADTTE", parameter("OS", CNSR=1.0), "EVNTDESC", "DEATH")),
    ("I07", "a day short", lambda f: put(f, "ADTTE", parameter("OS"), "AVAL", lambda r: r["AVAL"] - 1)),
    ("I07", "after the cut-off", lambda f: put(f, "ADTTE", parameter("OS"), "ADT", LATE)),
    ("I07", "a censoring that is none", lambda f: put(f, "ADTTE", parameter("OS"), "CNSR", 7.0)),
    ("I08", "a treated subject without survival", lambda f: drop(f, "ADTTE", parameter("OS"))),
    ("I08", "a responder without a duration", lambda f: drop(f, "ADTTE", parameter("DOR"))),
    ("I08", "a remission without relapse-free survival", lambda f: drop(f, "ADTTE", parameter("RFS"))),
    ("I09", "alive in DM alone", lambda f: put(f, "DM", lambda d: d["DTHFL"] == "Y", "DTHFL", None)),
    ("I09", "dead in DM alone", lambda f: put(f, "DM", lambda d: d["DTHFL"].isna(), "DTHFL", "Y")),
    ("I09", "a sample after death", lambda f: after_death(f, "LB", "LBDTC")),
    ("I09", "an event after death", lambda f: after_death(f, "AE", "AESTDTC")),
    ("I09", "a response after death", lambda f: put(f, "ADRS", lambda a: (a["USUBJID"] == death(f)["USUBJID"]) & a["ADT"].notna(), "ADT", 24195.0)),
    ("I10", "an assessment after the cut-off", lambda f: put(f, "LB", lambda x: x["LBDTC"].notna(), "LBDTC", "2026-04-01")),
    ("I10", "an event after the cut-off", lambda f: put(f, "AE", lambda x: x["AESTDTC"].notna(), "AESTDTC", "2026-04")),
    ("I10", "a dose after the end of treatment", lambda f: put(f, "EX", lambda x: x["EXENDTC"].notna(), "EXENDTC", "2026-03-31")),
    ("I10", "a dose before the first", lambda f: put(f, "EX", lambda x: x["EXSEQ"] == 2, "EXSTDTC", "2024-03-05")),
    ("I11", "a screen failure with an arm", lambda f: put(f, "DM", lambda d: d["ARMNRS"] == "SCREEN FAILURE", "ARM", "Some arm")),
    ("I11", "a screen failure with a reference date", lambda f: put(f, "DM", lambda d: d["ARMNRS"] == "SCREEN FAILURE", "RFSTDTC", "2025-01-01")),
    ("I11", "a screen failure with a dose", lambda f: put(f, "DM", lambda d: d["RFXSTDTC"].notna(), "ARMNRS", "SCREEN FAILURE")),
    ("I12", "two baselines", lambda f: put(f, "LB", lambda x: x["LBLOBXFL"].isna() & x["LBTESTCD"].eq("ALT") & x["LBSTRESC"].notna(), "LBLOBXFL", "Y")),
    ("I12", "two analysis baselines", lambda f: put(f, "ADLB", lambda x: x["ABLFL"].isna() & x["PARAMCD"].eq("ALT") & x["DTYPE"].isna() & (x["ADT"] < x["TRTSDT"]), "ABLFL", "Y")),
    ("I12", "two baselines of a vital sign", lambda f: put(f, "ADVS", lambda x: x["ABLFL"].isna() & x["PARAMCD"].eq("PULSE") & x["DTYPE"].isna() & (x["ADT"] < x["TRTSDT"]), "ABLFL", "Y")),
    ("I12", "a vital sign's baseline that is another value", lambda f: put(f, "ADVS", lambda x: x["ABLFL"] == "Y", "BASE", 1.0)),
    ("I12", "two baselines of an interval", lambda f: put(f, "ADEG", lambda x: x["ABLFL"].isna() & x["PARAMCD"].eq("QTCFAG") & x["DTYPE"].eq("AVERAGE") & (x["ADT"] < x["TRTSDT"]), "ABLFL", "Y")),
    *[("I12", f"a baseline of {d} that no record is flagged for", lambda f, d=d: put(f, d, lambda x: x["ABLFL"] == "Y", "ABLFL", None)) for d in ("ADVS", "ADLB", "ADEG")],
    ("I12", "a single replicate as baseline", lambda f: put(f, "ADEG", lambda x: x["ABLFL"] == "Y", "DTYPE", None)),
    ("I12", "a change at baseline", lambda f: put(f, "ADLB", lambda x: x["ABLFL"] == "Y", "CHG", 0.0)),
    ("SD08", "a baseline after the first dose", lambda f: put(f, "LB", lambda x: x["LBLOBXFL"] == "Y", "LBDTC", "2026-03-01")),
    ("I13", "a planned visit that is not called so", lambda f: visit(f, True)),
    ("I13", "an unscheduled visit called planned", lambda f: visit(f, False)),
    ("I13", "the last element ends another day", lambda f: put(f, "SE", lambda s: s["SEENDTC"].notna() & ~s["USUBJID"].duplicated(keep="last"), "SEENDTC", "2026-03-30")),
    ("SD09", "a gap between elements", lambda f: put(f, "SE", lambda s: s["TAETORD"] == 1, "SEENDTC", "2024-03-05")),
    ("SD10", "another epoch than the element's", lambda f: put(f, "LB", lambda x: x["EPOCH"] == "TREATMENT", "EPOCH", "SCREENING")),
    ("I14", "two ends of one part", lambda f: repeat(f, "DS", lambda d: d["DSCAT"] == "DISPOSITION EVENT")),
    ("I14", "another day of death", lambda f: put(f, "DS", lambda d: d["DSDECOD"] == "DEATH", "DSSTDTC", "2024-05-05")),
    ("I15", "serious without a criterion", lambda f: put(f, "AE", lambda a: a["AESER"] == "N", "AESER", "Y")),
    ("I15", "a criterion, yet not serious", lambda f: put(f, "AE", lambda a: a["AESER"] == "Y", "AESER", "N")),
    ("I15", "fatal, yet not of grade 5", lambda f: put(f, "AE", lambda a: a["AEOUT"] == "FATAL", "AETOXGR", "4")),
    ("I16", "another number after conversion", lambda f: put(f, "LB", lambda x: x["LBORRESU"].eq("mg/dL") & x["LBSTRESN"].notna(), "LBSTRESN", lambda r: r["LBSTRESN"] * 1.01)),
    ("I16", "a range that was not converted", lambda f: put(f, "LB", lambda x: x["LBORRESU"].eq("mg/dL") & x["LBSTNRHI"].notna(), "LBSTNRHI", lambda r: r["LBSTNRHI"] * 2)),
    ("I16", "high, yet called normal", lambda f: put(f, "LB", lambda x: x["LBNRIND"] == "HIGH", "LBNRIND", "NORMAL")),
    ("I16", "low, yet called high", lambda f: put(f, "LB", lambda x: x["LBNRIND"] == "LOW", "LBNRIND", "HIGH")),
    ("I17", "a measured concentration without a number", lambda f: put(f, "PC", lambda p: p["PCSTRESN"].notna(), "PCSTRESN", np.nan)),
    ("I17", "a number below the limit", lambda f: put(f, "PC", lambda p: p["PCSTRESN"].notna(), "PCSTRESN", 0.01)),
    ("I17", "a number of a sample below the limit", lambda f: put(f, "PC", lambda p: p["PCORRES"] == "BLQ", "PCSTRESN", 5.0)),
    ("I17", "drawn before the dose", lambda f: put(f, "PC", lambda p: (p["PCTPTNUM"] > 0) & p["PCDTC"].notna(), "PCDTC", "2024-03-05")),
    ("I18", "less to infinity than to the last measurable", lambda f: put(f, "PP", lambda p: p["PPTESTCD"].eq("AUCIFO") & p["PPSTRESN"].notna(), "PPSTRESN", 1.0)),
    ("I18", "a Cmax that no sample has", lambda f: put(f, "PP", lambda p: p["PPTESTCD"].eq("CMAX") & p["PPSTRESN"].notna(), "PPSTRESN", lambda r: r["PPSTRESN"] * 1.01)),
    ("I18", "a Tmax at which Cmax was not measured", lambda f: put(f, "PP", lambda p: p["PPTESTCD"].eq("TMAX") & p["PPSTRESN"].notna(), "PPSTRESN", 5.5)),
    ("I18", "a clearance that is not dose by area", lambda f: put(f, "ADPP", lambda a: a["PARAMCD"].eq("CLFO") & a["AVAL"].notna(), "AVAL", lambda r: r["AVAL"] * 1.001)),
    ("I18", "a clearance of the interval that is not dose by area", lambda f: put(f, "ADPP", lambda a: a["PARAMCD"].eq("CLFTAU") & a["AVAL"].notna(), "AVAL", lambda r: r["AVAL"] * 1.001)),
    ("I18", "an area of the interval after a single dose", lambda f: put(f, "PP", lambda p: p["PPTESTCD"].eq("AUCTAU"), "PPTPTREF", "C1D1 DOSE")),
    ("I18", "neither a value nor a reason", lambda f: put(f, "PP", lambda p: p["PPSTAT"] == "NOT DONE", "PPREASND", None)),
    ("I18", "a value that was not done", lambda f: put(f, "PP", lambda p: p["PPSTRESN"].notna(), "PPSTAT", "NOT DONE")),
    ("I18", "analysed without a value", lambda f: put(f, "ADPP", lambda a: a["AVAL"].isna(), "ANL01FL", "Y")),
    ("I19", "a subject that ADSL lacks", lambda f: drop(f, "ADSL", lambda a: a["SAFFL"] == "N")),
    ("I19", "a subject twice", lambda f: repeat(f, "ADSL", lambda a: a["SAFFL"] == "N")),
    ("I19", "in the safety population without a dose", lambda f: put(f, "ADSL", lambda a: a["SAFFL"] == "N", "SAFFL", "Y")),
    ("I20", "a remission that is no response", not_nested),
    ("I20", "a subject without a best response", lambda f: drop(f, "ADRS", parameter("BOR"))),
    ("I20", "a best response that is none", lambda f: put(f, "ADRS", parameter("BOR", AVALC="NR"), "AVALC", "CR")),
    ("I26", "a death that competes, called censored", lambda f: competing(f, CNSR=1.0)),
    ("I26", "a death on another day", lambda f: competing(f, ADT=24000.0)),
    ("I27", "a full dose with an inhibitor", overdose),
    ("I27", "a full dose with an inhibitor that goes on", lambda f: overdose(f, ends=False)),
    ("I29", "a person twice", lambda f: repeat(f, "DM", lambda d: d["RFXSTDTC"].isna())),
    ("I29", "an earlier number that is a subject", lambda f: qualify(f, "DM", "PREVSUBJ", f["SUPPDM"].loc[pick(f["SUPPDM"], f["SUPPDM"]["QNAM"] == "PREVSUBJ"), "QVAL"], f["DM"]["SUBJID"].iloc[0])),
    ("I05", "relapse-free beyond survival", lambda f: put(f, "ADTTE", parameter("RFS"), "ADT", LATE)),
    ("I06", "a relapse before the remission", lambda f: put(f, "ADRS", parameter("RELAPSE", AVALC="Y"), "ADT", 20000.0)),
    *[("I08", f"a subject without {code}", lambda f, code=code: drop(f, "ADTTE", parameter(code))) for code in ("EFS", "EFS2", "CIR", "DORCRC", "TTCRC", "TTR")],
    ("I09", "dead in SS alone", lambda f: put(f, "SS", lambda s: s["SSSTRESC"].eq("ALIVE") & s["USUBJID"].isin(f["DM"][f["DM"]["DTHFL"].isna()]["USUBJID"]), "SSSTRESC", "DEAD")),
    ("I09", "a consent after death", lambda f: after_death(f, "DS", "DSSTDTC")),
    ("I09", "a contact after death that does not report it", lambda f: put(f, "SS", lambda s: s["SSSTRESC"].eq("ALIVE") & s["USUBJID"].isin(f["DM"][f["DM"]["DTHFL"].eq("Y")]["USUBJID"]), "SSDTC", "2026-03-30")),
    ("I10", "an analysis date after the cut-off", lambda f: put(f, "ADPC", lambda a: a["ADT"].notna(), "ADT", LATE)),
    ("I10", "a death after the cut-off", lambda f: put(f, "ADSL", lambda a: a["DTHDT"].notna(), "DTHDT", LATE)),
    ("I10", "a collected dose before the first", lambda f: put(f, "EC", lambda e: e["ECOCCUR"].eq("Y") & e["ECSEQ"].gt(1), "ECSTDTC", "2024-03-05")),
    ("I11", "a treated subject without an arm", lambda f: put(f, "DM", lambda d: d["RFXSTDTC"].notna(), "ACTARM", None)),
    ("I12", "two baselines of a response", lambda f: repeat(f, "RS", lambda r: r["RSLOBXFL"] == "Y")),
    *[("I12", f"two baselines in {d}", lambda f, d=d: repeat(f, d, lambda x: x[f"{d}LOBXFL"] == "Y")) for d in ("VS", "EG", "MI", "CP")],
    ("I21", "treated without the genetic change", lambda f: put(f, "ADSL", lambda a: a["KMT2AFL"].eq("Y"), "KMT2AFL", "N")),
    ("I13", "a visit twice", lambda f: repeat(f, "SV", lambda s: s["SVPRESP"] == "Y")),
    ("I16", "a ratio that changed", lambda f: put(f, "LB", lambda x: x["LBORRESU"].isna() & x["LBSTRESN"].notna(), "LBSTRESN", 99.0)),
    ("I16", "a result that was not standardised", lambda f: put(f, "LB", lambda x: x["LBORRESU"].eq("mg/dL") & x["LBSTRESN"].notna(), "LBSTRESN", np.nan)),
    ("I16", "a lower limit that was not converted", lambda f: put(f, "LB", lambda x: x["LBORRESU"].eq("mg/dL") & x["LBSTNRLO"].notna(), "LBSTNRLO", 999.0)),
    ("I16", "normal, yet called low", lambda f: put(f, "LB", lambda x: x["LBNRIND"] == "NORMAL", "LBNRIND", "LOW")),
    ("I20", "no response, yet a responder", lambda f: put(f, "ADRS", parameter("BOR", AVALC="CR"), "AVALC", "NR")),
    ("I20", "complete without partial recovery", lambda f: put(f, "ADRS", parameter("CRHRSP", AVALC="Y", USUBJID=f["ADRS"][parameter("CRRSP", AVALC="Y")(f["ADRS"])]["USUBJID"].iloc[0]), "AVALC", "N")),
    ("I20", "a remission that is no overall response", lambda f: put(f, "ADRS", parameter("ORRSP", AVALC="Y", USUBJID=f["ADRS"][parameter("CRCRSP", AVALC="Y")(f["ADRS"])]["USUBJID"].iloc[0]), "AVALC", "N")),
    ("I23", "too low and too high", lambda f: put(f, "ADLB", parameter("K", ATOXGRLN=1.0), "ATOXGRHN", 2.0)),
    ("I23", "grade 4 of neutrophils that are not below 0.5", lambda f: put(f, "ADLB", parameter("NEUT", ATOXGRLN=3.0), "ATOXGRLN", 4.0)),
    ("I23", "no grade of the lowest neutrophils", lambda f: put(f, "ADLB", parameter("NEUT", ATOXGRLN=4.0), "ATOXGRLN", 3.0)),
    ("I23", "grade 4 of a slightly raised ALT", lambda f: put(f, "ADLB", parameter("ALT", ATOXGRHN=1.0), "ATOXGRHN", 4.0)),
    ("I23", "an extreme ALT of grade 3", lambda f: put(f, "ADLB", parameter("ALT", ATOXGRHN=3.0), "AVAL", 90_000.0)),
    ("I23", "low grade in words and number", lambda f: put(f, "ADLB", parameter("HGB", ATOXGRL="1"), "ATOXGRL", "2")),
    ("I23", "high grade in words and number", lambda f: put(f, "ADLB", parameter("K", ATOXGRH="0"), "ATOXGRH", "1")),
    ("I24", "a fold change at baseline that is not 1", lambda f: put(f, "ADBM", parameter("HOXA9FC", ABLFL="Y"), "AVAL", 1.1)),
    ("I24", "twice the fold change", lambda f: put(f, "ADBM", lambda x: parameter("MEIS1FC")(x) & x["ABLFL"].ne("Y") & x["AVAL"].gt(0.01), "AVAL", 0.5)),
    ("I24", "a change of something else", lambda f: put(f, "ADBM", lambda x: parameter("CD11BPC")(x) & x["CHG"].notna(), "CHG", 99.0)),
    ("I30", "blood against the baseline of marrow", lambda f: put(f, "ADBM", lambda x: parameter("CD11BPC", SPEC="BLOOD")(x) & x["CHG"].notna(), "SPEC", "LYMPHOCYTE")),
    ("I30", "two baselines", lambda f: put(f, "ADBM", lambda x: parameter("BMBLAST")(x) & x["CHG"].notna(), "ABLFL", "Y")),
    ("I26", "a relapse called a death", lambda f: put(f, "ADTTE", parameter("CIR", CNSR=0.0), "CNSR", 2.0)),
    ("I26", "a censored subject with an event type", lambda f: put(f, "ADTTE", parameter("CIR", CNSR=1.0), "EVTYPEN", 1.0)),
    ("I09", "participation that ends after death", lambda f: put(f, "DM", lambda d: d["DTHDTC"].notna(), "RFPENDTC", "2026-03-30")),
    ("I09", "last known alive after death", lambda f: put(f, "ADSL", lambda a: a["DTHDT"].notna(), "LSTALVDT", lambda r: r["DTHDT"] + 1)),
    ("I10", "participation that ends after the cut-off", lambda f: put(f, "DM", lambda d: d["DTHDTC"].isna(), "RFPENDTC", "2026-04-02")),
    ("I10", "a collected dose after the end of treatment", lambda f: put(f, "EC", lambda e: e["ECENDTC"].notna() & e["ECOCCUR"].eq("Y"), "ECENDTC", "2026-03-31")),
    ("I13", "an end of treatment of the follow-up", lambda f: put(f, "DS", lambda d: d["DSSCAT"] == "STUDY TREATMENT", "EPOCH", "FOLLOW-UP")),
    ("I13", "an enrolment of the treatment", lambda f: put(f, "DS", lambda d: d["DSDECOD"] == "ENTERED INTO TRIAL", "EPOCH", "TREATMENT")),
    ("I13", "a screening that ended in the treatment", lambda f: put(f, "DS", lambda d: d["DSDECOD"] == "COMPLETED", "EPOCH", "TREATMENT")),
    ("I13", "a death of the screening", lambda f: put(f, "DS", lambda d: d["DSDECOD"].eq("DEATH") & d["DSSCAT"].eq("STUDY PARTICIPATION"), "EPOCH", "SCREENING")),
    ("I15", "an event of which nobody says whether it is serious", lambda f: put(f, "AE", lambda a: a["AESER"] == "N", "AESER", None)),
    ("SD13", "one result in another unit", lambda f: put(f, "LB", lambda x: x["LBTESTCD"].eq("HGB") & x["LBSTRESU"].eq("g/L"), "LBSTRESU", "g/dL")),
    ("I01", "a DLT that ADAE places outside the window", lambda f: put(f, "ADAE", lambda a: a["DLTFL"] == "Y", "DLTWNFL", None)),
    ("I02", "evaluable in ADDLT alone", lambda f: put(f, "ADDLT", parameter("DLTEVAL", AVALC="N"), "AVALC", "Y")),
    ("I02", "a toxicity in ADDLT alone", lambda f: put(f, "ADDLT", parameter("DLT", AVALC="N"), "AVALC", "Y")),
    ("I02", "evaluable with no dose that counts", lambda f: put(f, "ADDLT", lambda a: (a["PARAMCD"] == "ADHER") & a["USUBJID"].isin(f["ADSL"][f["ADSL"]["DLTEVFL"].eq("Y") & f["ADSL"]["DLTFL"].eq("N")]["USUBJID"]), "AVAL", 20.0)),
    ("I02", "a toxicity too many", lambda f: put(f, "ADDLT", parameter("NDLT", AVAL=1.0), "AVAL", 2.0)),
    ("I02", "yes in words and no in numbers", lambda f: put(f, "ADDLT", parameter("RELG2", AVALC="Y"), "AVAL", 0.0)),
    ("I02", "an escalation subject that ADDLT lacks", lambda f: drop(f, "ADDLT", parameter("DLTEVAL"))),
    ("I03", "another total dose", lambda f: put(f, "ADEX", parameter("TDOSE"), "AVAL", lambda r: r["AVAL"] + 100)),
    ("I03", "another number of days", lambda f: put(f, "ADEX", parameter("NDOSDY"), "AVAL", lambda r: r["AVAL"] - 1)),
    ("I09", "an analysis start after death", lambda f: put(f, "ADAE", lambda a: a["USUBJID"] == death(f)["USUBJID"], "ASTDT", 24195.0)),
    ("I10", "an analysis start after the cut-off", lambda f: put(f, "ADCM", lambda a: a["ASTDT"].notna(), "ASTDT", LATE)),
    ("I19", "exposure of a subject outside the safety population", lambda f: put(f, "ADEX", parameter("TDOSE"), "SAFFL", "N")),
    ("I25", "an expansion of a level with five evaluable subjects", lambda f: expanded(f, "DLTEVFL", "N")),
    ("I25", "an expansion of a level with two toxicities", lambda f: expanded(f, "DLTFL", "Y")),
    ("SD07", "ongoing, unsaid when", lambda f: put(f, "AE", lambda a: a["AEENRTPT"].notna(), "AEENTPT", None)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "why", "corrupt"), CORRUPTIONS, ids=[f"{r} {w}" for r, w, _ in CORRUPTIONS])
def test_a_corrupted_dataset_breaks_its_invariant(shelf, rules, told_at, rule, why, corrupt):
    one = Rules([copy.copy(r) for r in rules.rules if r.id == rule])
    before = run_rules(shelf, one).faults
    known = {(f.dataset, int(r)) for f in before for r in f.rows}
    who = corrupt(shelf.frames)
    shelf._single.clear()
    shelf._qualifiers.clear()
    found = explain(run_rules(shelf, one).faults, [], shelf)
    told = {shelf.named(f.dataset).subject(int(r)) for f in found for r in f.rows if (f.dataset, int(r)) not in known}
    assert who in told, why
    told_at[0] += 1
    told_at[1].update((f.rule, f.place.line) for f in found)


def test_every_check_of_the_study_was_broken_by_a_corruption(rules, told_at):
    if told_at[0] < len(CORRUPTIONS):
        pytest.skip("only some of the corruptions were tried, or one was not told")
    assert {(r.id, b.place.line) for r in rules.rules if r.study for b in r.checks} - told_at[1] == set()


def test_conversion_factors_are_those_of_the_study_design(catalogue):
    """Section 3.7, written out again: the rule of I16 reads the study's table, so the table itself is held here."""
    table = catalogue.study.lookup("lab_units")
    wanted = {
        ("HGB", "g/dL"): 10, ("BILI", "mg/dL"): 17.104, ("CREAT", "mg/dL"): 88.42, ("URATE", "mg/dL"): 59.48,
        ("UREAN", "mg/dL"): 0.357, ("ALB", "g/dL"): 10, ("GLUC", "mg/dL"): 0.05551, ("SODIUM", "mEq/L"): 1,
        ("CA", "mg/dL"): 0.2495, ("MG", "mg/dL"): 0.4114, ("PHOS", "mg/dL"): 0.3229, ("TRIG", "mg/dL"): 0.01129,
        ("CHOL", "mg/dL"): 0.02586, ("FIBRINO", "mg/dL"): 0.01, ("LDH", "ukat/L"): 60, ("WBC", "/uL"): 0.001,
        ("RBC", "10^6/uL"): 1, ("HCT", "L/L"): 100, ("TROPONI", "ng/mL"): 1000, ("BNPPRONT", "pg/mL"): 1,
    }  # fmt: skip
    found = {(t, u): float(f) for t, u, f in zip(table["TEST"], table["UNIT"], table["FACTOR"], strict=True)}
    assert {k: found.get(k) for k in wanted} == wanted


def test_every_person_is_one_subject(dataset, form, usubjid):
    """I29 against the raw forms: PERSONID to USUBJID is one to one, and the earlier number of a person is kept."""
    subj, dm = form("subj").drop_duplicates("SUBJECT"), dataset("DM")
    pairs = subj.assign(USUBJID=subj["SUBJECT"].map(usubjid))[["PERSONID", "USUBJID"]].drop_duplicates()
    assert not pairs["PERSONID"].duplicated().any() and not pairs["USUBJID"].duplicated().any()
    assert set(dm["USUBJID"]) <= set(pairs["USUBJID"])
    twice = subj[subj.duplicated("PERSONID", keep=False)]
    assert len(twice) == 2, "one person was screened twice"
    supp = dataset("SUPPDM")
    earlier = supp[supp["QNAM"] == "PREVSUBJ"]
    assert set(earlier["QVAL"]) | set(dm[dm["USUBJID"].isin(earlier["USUBJID"])]["SUBJID"]) == set(twice["SUBJECT"])


def test_the_reference_scenario_treats_24(dataset):
    """I19's figure, which belongs to the scenario and not to the rules."""
    assert dataset("EX")["USUBJID"].nunique() == 24
    assert (dataset("ADSL")["SAFFL"] == "Y").sum() == 24
