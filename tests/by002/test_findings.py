"""LB, PC and RS of BY002 worked out a second time from the raw files, record by record, with plain Python.

Shares no code and no table with the build: units and factors are written down here as the study design has them.
"""

import csv
import io
import math
import re
import unicodedata
from collections import Counter, defaultdict
from datetime import date
from fractions import Fraction

import pytest

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
CUT = "2026-03-31"
COUNTS = ["WBC", "NEUT", "LYM", "MONO", "EOS", "BASO", "BLAST", "PLAT"]
ENZYMES = ["ALT", "AST", "ALP", "GGT", "LDH", "CK", "AMYLASE", "LIPASET"]
SAME = {"10^9/L": "10^9/L", "x109/L": "10^9/L", "x10^9/L": "10^9/L", "10^3/uL": "10^9/L", "K/uL": "10^9/L", "G/L": "10^9/L"}
FACTORS = {  # test: standard unit, {delivered unit: (term, factor)}
    **{t: ("10^9/L", {u: (term, "1") for u, term in SAME.items()} | {"/uL": ("10^6/L", "0.001")}) for t in COUNTS},
    "RBC": ("10^12/L", dict.fromkeys(("10^12/L", "x1012/L", "10^6/uL"), ("10^12/L", "1"))),
    "HGB": ("g/L", {"g/L": ("g/L", "1"), "g/dL": ("g/dL", "10")}),
    "HCT": ("%", {"%": ("%", "1"), "L/L": ("L/L", "100")}),
    **{t: ("%", {"%": ("%", "1")}) for t in ("NEUTLE", "LYMLE", "BLASTLE", "LEUKCE")},
    **{t: ("U/L", {"U/L": ("U/L", "1"), "IU/L": ("IU/L", "1"), "ukat/L": ("ukat/L", "60")}) for t in ENZYMES},
    **{t: ("umol/L", {"umol/L": ("umol/L", "1"), "mg/dL": ("mg/dL", f)})
       for t, f in (("BILI", "17.104"), ("BILDIR", "17.104"), ("CREAT", "88.42"), ("URATE", "59.48"))},
    **{t: ("mmol/L", {"mmol/L": ("mmol/L", "1"), "mg/dL": ("mg/dL", f)})
       for t, f in (("UREAN", "0.357"), ("GLUC", "0.05551"), ("CA", "0.2495"), ("MG", "0.4114"), ("PHOS", "0.3229"),
                    ("TRIG", "0.01129"), ("CHOL", "0.02586"))},
    **{t: ("mmol/L", {"mmol/L": ("mmol/L", "1"), "mEq/L": ("mEq/L", "1")}) for t in ("SODIUM", "K", "CL", "BICARB")},
    **{t: ("g/L", {"g/L": ("g/L", "1"), "g/dL": ("g/dL", "10")}) for t in ("ALB", "PROT")},
    "INR": ("", {"": ("", "1")}),
    **{t: ("s", {"s": ("s", "1"), "sec": ("s", "1")}) for t in ("PT", "APTT")},
    "FIBRINO": ("g/L", {"g/L": ("g/L", "1"), "mg/dL": ("mg/dL", "0.01")}),
    "DDIMER": ("mg/L FEU", {"mg/L FEU": ("mg/L FEU", "1"), "ug/mL FEU": ("mg/L FEU", "1")}),
    **{t: ("ng/L", {"ng/L": ("ng/L", "1"), "ug/L": ("ug/L", "1000"), "ng/mL": ("ug/L", "1000"), "pg/mL": ("ng/L", "1")})
       for t in ("TROPONI", "BNPPRONT")},
    "HCG": ("IU/L", {"IU/L": ("IU/L", "1"), "mIU/mL": ("IU/L", "1")}),
}  # fmt: skip


def plain(text):
    text = unicodedata.normalize("NFKC", text)
    for a, b in (("μ", "u"), ("µ", "u"), ("×", "x"), ("≥", ">="), ("≤", "<=")):
        text = text.replace(a, b)
    return text.strip()


def iso(day, time=""):
    """DD-MON-YYYY (complete here) and HH:MM to ISO 8601."""
    if not re.fullmatch(r"\d\d-[A-Z]{3}-\d{4}", day):
        return ""
    d, m, y = day.split("-")
    out = f"{y}-{MONTHS.index(m) + 1:02d}-{d}"
    return f"{out}T{time}" if re.fullmatch(r"\d\d:\d\d", time) else out


def four(value):
    """At most four decimals, half away from zero, no trailing zero."""
    scaled = abs(value) * 10000
    whole = int(scaled) + (scaled - int(scaled) >= Fraction(1, 2))
    text = f"{whole // 10000}.{whole % 10000:04d}".rstrip("0").rstrip(".")
    return "-" + text if value < 0 and whole else text


def number(text):
    match = re.fullmatch(r"(<=|>=|<|>)?\s*(\d+(?:\.\d*)?)", text)
    return (match[1] or "", match[2]) if match else None


def vendor(export, pattern, encoding="utf-8-sig"):
    rows = []
    for path in sorted(export.glob(pattern)):
        rows += csv.DictReader(io.StringIO(path.read_bytes().decode(encoding)))
    return rows


@pytest.fixture(scope="module")
def subjects(dataset, form):
    """By USUBJID: sex, date of birth (day taken as 15), and date-time of first dose."""
    dm = dataset("DM").set_index("USUBJID")
    return {u: (dm.SEX[u], dm.BRTHDTC[u] if len(dm.BRTHDTC[u]) == 10 else dm.BRTHDTC[u] + "-15", dm.RFXSTDTC[u])
            for u in dm.index}  # fmt: skip


@pytest.fixture(scope="module")
def lis(export):
    """The version that counts of each result, and the results that were corrected."""
    sent, seen = defaultdict(list), set()
    for row in sorted(vendor(export, "lis/lab_*.csv", "gb18030"), key=lambda r: r["LOADDTM"]):
        content = tuple(v for k, v in row.items() if k != "LOADDTM")
        if content not in seen:
            seen.add(content)
            sent[row["SUBJECT"], row["ACCNO"], row["TESTCODE"]].append(row)
    return [versions[-1] for versions in sent.values()]


def lis_dtc(text):
    day, _, time = text.partition(" ")
    y, m, d = day.split("/")
    out = f"{y}-{int(m):02d}-{int(d):02d}"
    return out + (f"T{int(time.split(':')[0]):02d}:{time.split(':')[1]}" if time else "")


def in_force(ranges, test, sex, born, on):
    a, b = date.fromisoformat(born), date.fromisoformat(on[:10])
    age = b.year - a.year - ((b.month, b.day) < (a.month, a.day))
    fitting = [r for r in ranges if r["TESTCODE"] == test and r["SEX"] in ("*", sex) and int(r["AGELO"]) <= age <= int(r["AGEHI"])
               and r["FROM"] <= on[:10] <= (r["TO"] or "9999")]  # fmt: skip
    assert len(fitting) == 1, (test, sex, age, on)
    return fitting[0]


def indicated(sign, value, low, high):
    """Against the standard range; a test whose normal result is none at all has no lower limit."""
    if low is not None and ((sign in ("", "<=") and value < low) or (sign == "<" and value <= low)):
        return "LOW"
    if (sign in ("", ">=") and value > high) or (sign == ">" and value >= high):
        return "HIGH"
    if (sign.startswith("<") and value > high) or (sign.startswith(">") and low is not None and value < low):
        return ""
    return "NORMAL"


def expected_lb(row, who, ranges):
    """LB's values of a result of the hospital, by variable."""
    test, unit, result = row["TESTCODE"], plain(row["UNIT"]), plain(row["RESULT"])
    out = dict.fromkeys(["LBORRES", "LBORRESU", "LBORNRLO", "LBORNRHI", "LBSTRESC", "LBSTRESU", "LBNRIND", "LBSTAT"], "")
    out |= {"LBSTRESN": None, "LBSTNRLO": None, "LBSTNRHI": None, "LBDTC": lis_dtc(row["COLLECT"])}
    if row["STATUS"] == "X":
        return out | {"LBSTAT": "NOT DONE"}
    if not result.isascii():  # translated text
        return out | {"LBORRES": None, "LBSTRESC": None}
    out["LBORRES"] = result
    found = number(result)
    if found is None:
        return out | {"LBSTRESC": result}
    standard, units = FACTORS[test]
    if unit not in units:
        return out | {"LBORRESU": None, "LBSTRESC": None}
    sign, digits = found
    term, factor = units[unit][0], Fraction(units[unit][1])
    text = digits if factor == 1 else four(Fraction(digits) * factor)
    own = in_force(ranges, test, who[0], who[1], out["LBDTC"])
    own_factor = Fraction(units[plain(own["UNIT"])][1])
    for name, limit in (("LO", own["LOW"]), ("HI", own["HIGH"])):
        if not limit:
            continue
        out[f"LBORNR{name}"] = limit if own_factor == factor else four(Fraction(limit) * own_factor / factor)
        out[f"LBSTNR{name}"] = float(Fraction(limit) * own_factor)
    value = Fraction(text)
    out |= {"LBORRESU": term, "LBSTRESC": sign + text, "LBSTRESU": standard}
    out["LBSTRESN"] = None if sign else float(text)
    low, high = (Fraction(own[end]) * own_factor if own[end] else None for end in ("LOW", "HIGH"))
    return out | {"LBNRIND": indicated(sign, value, low, high)}


def same(here, there):
    if there is None:
        return isinstance(here, str) or math.isnan(here)  # a text that is not compared, or no number
    return here == there


def test_every_result_of_the_hospital_is_in_lb_as_the_design_says(dataset, export, lis, subjects, usubjid):
    ranges = vendor(export, "lis/ref_ranges.csv")
    lb = dataset("LB")
    own = {(r.USUBJID, r.LBREFID, r.LBTESTCD): r for r in lb.itertuples() if r.LBREFID}
    expected = {(usubjid[r["SUBJECT"]], r["ACCNO"], r["TESTCODE"]): r for r in lis if lis_dtc(r["COLLECT"])[:10] <= CUT}
    assert set(own) == set(expected) and len(own) > 10_000
    wrong = []
    for key, row in expected.items():
        for name, value in expected_lb(row, subjects[key[0]], ranges).items():
            if not same(getattr(own[key], name), value):
                wrong.append((key, name, getattr(own[key], name), value))
    assert not wrong, wrong[:5]


def test_corrected_and_cancelled_results(dataset, lis, usubjid):
    lb, supp = dataset("LB"), dataset("SUPPLB")
    flagged = {(u, float(n)) for u, n, q in zip(supp.USUBJID, supp.IDVARVAL, supp.QNAM, strict=True) if q == "LBCORFL"}
    corrected = {(usubjid[r["SUBJECT"]], r["ACCNO"], r["TESTCODE"]) for r in lis if r["STATUS"] == "C"}
    found = lb[[(u, s) in flagged for u, s in zip(lb.USUBJID, lb.LBSEQ, strict=True)]]
    assert {(r.USUBJID, r.LBREFID, r.LBTESTCD) for r in found.itertuples()} == corrected and corrected
    done = lb[lb.LBSTAT == "NOT DONE"]
    assert len(done) == sum(r["STATUS"] == "X" for r in lis) > 0 and (done.LBREASND != "").all()


def test_results_of_other_hospitals_bring_their_own_ranges(dataset, form):
    lb = dataset("LB")
    lb = lb[(lb.LBREFID == "") & (lb.LBCAT != "MRD")]
    rows = form("LABX").drop(columns=["RECNO", "FORMREP", "ENTRYDTM"]).drop_duplicates()
    rows = rows[[iso(d)[:10] <= CUT for d in rows.XDAT]]
    expected = Counter()
    for r in rows.itertuples():
        unit = plain(r.XUNIT)
        factor = Fraction(FACTORS[r.XTEST][1][unit][1])
        sign, digits = number(plain(r.XRES))
        text = digits if factor == 1 else four(Fraction(digits) * factor)
        low, high = (float(Fraction(x) * factor) for x in (r.XLO, r.XHI))
        mark = indicated(sign, Fraction(text), Fraction(r.XLO) * factor, Fraction(r.XHI) * factor)
        expected[r.USUBJID, r.XTEST, iso(r.XDAT, r.XTIM), plain(r.XRES), r.XLO, r.XHI, sign + text, low, high, mark] += 1
    columns = ["USUBJID", "LBTESTCD", "LBDTC", "LBORRES", "LBORNRLO", "LBORNRHI", "LBSTRESC", "LBSTNRLO", "LBSTNRHI", "LBNRIND"]
    assert Counter(lb[columns].itertuples(index=False, name=None)) == expected and expected
    assert lb.LBNAM.str.isascii().all() and (lb.LBNAM != "LOCAL LAB").all()


def test_baseline_flag_is_the_last_result_before_the_first_dose(dataset, subjects):
    lb = dataset("LB")
    best = {}
    for r in lb.itertuples():
        dose, dtc = subjects[r.USUBJID][2], r.LBDTC
        if not dose or not r.LBSTRESC or len(dtc) < 10:
            continue
        timed = len(dtc) > 10 and len(dose) > 10
        before = dtc < dose if timed else dtc[:10] < dose[:10] or (dtc[:10] == dose[:10] and r.VISITNUM <= 101)
        if before:
            key = r.USUBJID, r.LBTESTCD, r.LBSPEC
            best[key] = max(best.get(key, ("", 0)), (dtc, r.LBSEQ))
    flagged = {(r.USUBJID, r.LBTESTCD, r.LBSPEC): (r.LBDTC, r.LBSEQ) for r in lb.itertuples() if r.LBLOBXFL == "Y"}
    assert flagged == best and len(flagged) > 500
    assert (lb.LBLOBXFL == "Y").sum() == len(flagged), "one a stratum"


def test_fasting_and_visit_come_from_the_collection_form(dataset, form):
    labc = {(r.USUBJID, r.ACCNO): r for r in form("LABC").itertuples()}
    lb, sv = dataset("LB"), dataset("SV")
    visits = {(r.USUBJID, r.VISIT) for r in sv.itertuples()}
    for r in lb[lb.LBREFID != ""].itertuples():
        collected = labc.get((r.USUBJID, r.LBREFID))
        assert (collected.FASTYN if collected else "") == r.LBFAST, r
        assert (r.USUBJID, r.VISIT) in visits
        if collected and collected.VISITOID.startswith("C"):
            assert collected.VISITOID == r.VISIT, r
        if not collected:  # a draw between visits: by its calendar date
            dates = set(sv.SVSTDTC[(sv.USUBJID == r.USUBJID) & (sv.VISITNUM == r.VISITNUM)])
            assert dates == {r.LBDTC[:10]}, r


def test_sequence_numbers_follow_the_keys(dataset):
    keys = {"LB": "LBCAT LBSPEC LBTESTCD LBDTC LBREFID", "PC": "PCTESTCD PCDTC PCTPTNUM", "RS": "RSCAT RSTESTCD RSDTC RSEVAL"}
    for name, key in keys.items():
        frame = dataset(name)
        rows = [tuple(r) for r in frame[["USUBJID", *key.split()]].itertuples(index=False)]
        assert rows == sorted(rows), name
        assert (frame.groupby("USUBJID")[f"{name}SEQ"].diff().dropna() == 1).all()
        assert (frame.groupby("USUBJID")[f"{name}SEQ"].first() == 1).all()


ANALYTES = {"BY002": ("BY002", "<1.00", 1.0, 2000.0), "BY002-M1": ("BY002M1", "<0.500", 0.5, 1000.0)}


def test_every_sample_stands_in_pc_once_for_each_analyte(dataset, export, form):
    conc = {(r["PKBAR"], r["ANALYTE"]): r for r in vendor(export, "pk/conc.csv")}
    pks = form("PKS").drop(columns=["RECNO", "FORMREP", "ENTRYDTM"]).drop_duplicates()
    expected = Counter()
    for r in pks.itertuples():
        for analyte, (code, below, lloq, uloq) in ANALYTES.items():
            result = conc.get((r.PKBAR, analyte)) if r.PKYN == "Y" else None
            text = plain(result["CONC"]) if result and result["REPORTABLE"] == "Y" else ""
            low = text.upper().startswith("BLQ") or text.startswith("<")
            values = ("BLQ", below, None) if low else (text, text, float(text) if text else None)
            limits = (lloq, uloq, "ng/mL", "ng/mL", "") if text else (None, None, "", "", "NOT DONE")
            expected[r.USUBJID, code, iso(r.PKDAT, r.PKTIM), r.PKTPT, r.PKBAR, *values, *limits] += 1
    columns = ["USUBJID", "PCTESTCD", "PCDTC", "PCTPT", "PCREFID", "PCORRES", "PCSTRESC", "PCSTRESN", "PCLLOQ", "PCULOQ", "PCORRESU", "PCSTRESU", "PCSTAT"]
    found = dataset("PC")[columns].itertuples(index=False, name=None)
    assert Counter(tuple(None if isinstance(v, float) and math.isnan(v) else v for v in r) for r in found) == expected and len(expected) > 1000


def test_samples_that_were_not_done_say_why(dataset, export, form):
    conc = {(r["PKBAR"], r["ANALYTE"]): r for r in vendor(export, "pk/conc.csv")}
    pks = {(r.USUBJID, r.VISITOID, r.PKTPT): r for r in form("PKS").itertuples()}
    codes = {v[0]: k for k, v in ANALYTES.items()}
    reasons = Counter()
    for r in dataset("PC").query("PCSTAT == 'NOT DONE'").itertuples():
        sample = pks[r.USUBJID, r.VISIT, r.PCTPT]
        result = conc.get((sample.PKBAR, codes[r.PCTESTCD]))
        if sample.PKYN == "N":
            kind = "missed"
            assert r.PCREASND == sample.PKREAS or (not sample.PKREAS.isascii() and r.PCREASND)
        elif result:
            kind = "not reportable"
            assert result["COMMENT"] == r.PCREASND
        else:
            kind = "no result"
            assert r.PCREASND == "NO RESULT REPORTED"
        reasons[kind] += 1
    assert set(reasons) == {"missed", "not reportable", "no result"} and reasons["missed"] % 2 == 0


def test_samples_are_timed_against_the_dose_of_their_day(dataset, form):
    doses = {(r.USUBJID, r.VISITOID): iso(r.PKDOSDAT, r.PKDOSTIM) for r in form("PKD").itertuples()}
    profile = {"C1D1": "C1D1", "C1D2": "C1D1", "C1D15": "C1D15", "C1D16": "C1D15"}
    elapsed = {"PREDOSE": "-PT5M", "0.5H": "PT30M"}
    troughs = 0
    for r in dataset("PC").itertuples():
        day = profile.get(r.VISIT)
        assert f"{day or r.VISIT} DOSE" == r.PCTPTREF and (f"{r.PCTESTCD} {day}" if day else "") == r.PCGRPID, r
        assert (0 if r.PCTPT == "PREDOSE" else float(r.PCTPT[:-1])) == r.PCTPTNUM
        assert elapsed.get(r.PCTPT, f"PT{r.PCTPT}") == r.PCELTM, r
        if day:
            assert doses.get((r.USUBJID, day), "") == r.PCRFTDTC, r  # none taken: no sample was drawn either
            assert r.PCRFTDTC or r.PCSTAT, r
        elif r.PCDTC:
            assert r.PCDTC[:10] == r.PCRFTDTC, r
            troughs += 1
    assert troughs > 100


TERMS = {"MLFS": "MORPHOLOGIC LEUKEMIA-FREE STATE", "RD": "NR", "REL": "RELAPSED DISEASE", "NEG": "NEGATIVE", "POS": "POSITIVE",
         "NA": "NE"}  # fmt: skip


def test_every_assessment_is_in_rs(dataset, form):
    expected = Counter()
    for name, test, day, result in (("RESP", "OVRLRESP", "RSPDAT", "RSPRES"), ("MRD", "MRDRESP", "MRDDAT", "MRDRES"),
                                    ("EMD", "EMDRESP", "EMDDAT", "EMDRES"), ("ECOG", "ECOG101", "ECOGDAT", "ECOGSC")):  # fmt: skip
        rows = form(name).drop(columns=["RECNO", "FORMREP", "ENTRYDTM"]).drop_duplicates()
        for r in rows.to_dict("records"):
            if iso(r[day]) <= CUT:
                who = "" if name == "ECOG" else "INVESTIGATOR"
                group = r["BMACC"] if name == "RESP" else ""
                expected[r["USUBJID"], test, iso(r[day]), TERMS.get(r[result], r[result]), who, group] += 1
    columns = ["USUBJID", "RSTESTCD", "RSDTC", "RSSTRESC", "RSEVAL", "RSLNKGRP"]
    assert Counter(dataset("RS")[columns].itertuples(index=False, name=None)) == expected


def test_flow_mrd_stands_in_lb_too(dataset, form):
    lb = dataset("LB").query("LBCAT == 'MRD'")
    rows = [(r.USUBJID, iso(r.MRDDAT), plain(r.MRDPCT)) for r in form("MRD").itertuples() if r.MRDPCT and iso(r.MRDDAT) <= CUT]
    assert Counter(lb[["USUBJID", "LBDTC", "LBSTRESC"]].itertuples(index=False, name=None)) == Counter(rows)
    assert set(lb.LBTESTCD) == {"LEUKCE"} and set(lb.LBMETHOD) == {"FLOW CYTOMETRY"} and set(lb.LBSTRESU) == {"%"}
