"""ADLB of BY002 worked out a second time from LB, VS, DM and ADSL, subject by subject, with plain Python.

Shares no code and no table with the build: thresholds and windows are written down here as the study design has them.
"""

import math
import re
from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest

EPOCH = date(1960, 1, 1)
PLANNED = {f"C{c}D1": 28 * (c - 1) + 1 for c in range(1, 25)} | {
    "C1D2": 2, "C1D8": 8, "C1D15": 15, "C1D16": 16, "C1D22": 22, "C2D15": 43, "SCREENING": None, "SAFETY FOLLOW-UP": None,
}  # fmt: skip
WINDOWS = {"C1D8": (5, 11), "C1D15": (12, 18), "C1D22": (19, 25), "C2D1": (26, 35), "C2D15": (36, 49), "C3D1": (50, 70)}
WINDOWS |= {f"C{c}D1": (28 * (c - 1) - 13, 28 * (c - 1) + 14) for c in range(4, 25)}


def exact(value):
    """The number as printed, so that products are exact."""
    return None if value is None or math.isnan(value) else Fraction(repr(float(value)))


def low_grade(test, x, lln):
    """CTCAE v5.0, downwards; None where it cannot be told."""
    steps = {
        "HGB": (100, 80, None), "WBC": (3, 2, 1), "NEUT": ("1.5", 1, "0.5"), "LYM": ("0.8", "0.5", "0.2"),
        "PLAT": (75, 50, 25), "SODIUM": (130, 125, 120), "K": (None, 3, "2.5"), "CACORR": (2, "1.75", "1.5"),
        "MG": ("0.5", "0.4", "0.3"), "GLUC": (3, "2.2", "1.7"), "ALB": (30, 20, None),
    }  # fmt: skip
    if test == "FIBRINO":
        if lln is None:
            return None
        shares = [x / lln < Fraction(s) for s in ("1", "0.75", "0.5", "0.25")]
        return max([i + 1 for i, met in enumerate(shares) if met], default=0)
    if test not in steps:
        return None
    met = [g for g, s in zip((2, 3, 4), steps[test], strict=True) if s is not None and x < Fraction(s)]
    if met:
        return max(met)
    return None if lln is None else int(x < lln)


def high_grade(test, x, uln, base):
    """CTCAE v5.0, upwards; `base` is None before and without a baseline."""
    fixed = {
        "WBC": (None, None, 100, None), "LYM": (None, 4, 20, None), "INR": ("1.2", "1.5", "2.5", None),
    }  # fmt: skip
    above = {
        "SODIUM": (150, 155, 160), "K": ("5.5", 6, 7), "CACORR": ("2.9", "3.1", "3.4"), "MG": (None, "1.23", "3.3"),
        "CHOL": ("7.75", "10.34", "12.92"), "URATE": (None,) * 3, "LDH": (None,) * 3,
    }  # fmt: skip
    times = {
        "ALT": (1, 3, 5, 20), "AST": (1, 3, 5, 20), "ALP": (1, "2.5", 5, 20), "GGT": (1, "2.5", 5, 20),
        "BILI": (1, "1.5", 3, 10), "CK": (1, "2.5", 5, 10), "LIPASET": (1, "1.5", 5), "AMYLASE": (1, "1.5", 5),
        "APTT": (1, "1.5", "2.5"),
    }  # fmt: skip
    worst = 0
    if test in fixed:
        for grade, step in enumerate(fixed[test], 1):
            if step is not None and x > Fraction(step):
                worst = grade
        return worst
    if test == "TRIG":
        return 4 if x > Fraction("11.4") else 3 if x > Fraction("5.7") else 2 if x > Fraction("3.42") else int(x >= Fraction("1.71"))
    if test in above:
        for grade, step in enumerate(above[test], 2):
            if step is not None and x > Fraction(step):
                worst = grade
        return worst or (None if uln is None else int(x > uln))
    if test == "HGB":
        return None if uln is None else sum(x > uln + more for more in (0, 20, 40))
    if uln is None:
        return None
    if test == "CREAT":
        b = base if base is not None else x
        if x > 6 * uln:
            return 4
        if x > 3 * b or x > 3 * uln:
            return 3
        if x > Fraction("1.5") * b or x > Fraction("1.5") * uln:
            return 2
        return int(x > uln)
    if test not in times:
        return None
    steps = times[test]
    if test in ("ALT", "AST", "ALP", "GGT", "BILI") and base is not None and base > uln:
        first = {"ALT": "1.5", "AST": "1.5", "ALP": 2, "GGT": 2, "BILI": 1}[test]
        ones = int(x > base) if test == "BILI" else int(x >= Fraction(first) * base)
        return max([g for g, s in enumerate(steps, 1) if g > 1 and x > Fraction(s) * base], default=ones)
    return max([g for g, s in enumerate(steps, 1) if x > Fraction(s) * uln], default=0)


def when(dtc):
    return datetime.fromisoformat(dtc), len(dtc) > 10


def before_dose(dtc, dose, visitnum):
    (at, timed), (first, known) = when(dtc), when(dose)
    if timed and known:
        return at < first
    return at.date() < first.date() or (at.date() == first.date() and visitnum <= 101)


def value_of(text):
    match = re.fullmatch(r"(<=|>=|<|>)?\s*(-?\d+(?:\.\d+)?)", text)
    if not match:
        return None, ""
    number = Fraction(match[2])
    sign = (match[1] or "")[:1]
    return (number / 2, "HALFLLOQ") if sign == "<" else (number, "ULOQ" if sign == ">" else "")


def four(x):
    """Half away from zero at four decimals."""
    scaled = abs(x) * 10000
    whole = math.floor(scaled + Fraction(1, 2))
    return float(Fraction(whole, 10000)) * (-1 if x < 0 else 1)


@pytest.fixture(scope="module")
def second(dataset):
    """ADLB a second time: {(USUBJID, PARAMCD): [records]} of results, in order."""
    adsl = {r["USUBJID"]: r for r in dataset("ADSL").to_dict("records") if r["SAFFL"] == "Y"}
    dose = dict(zip(dataset("DM")["USUBJID"], dataset("DM")["RFXSTDTC"], strict=True))
    weights = defaultdict(list)
    for r in dataset("VS").to_dict("records"):
        if r["VSTESTCD"] == "WEIGHT" and not math.isnan(r["VSSTRESN"]):
            weights[r["USUBJID"]].append((r["VSDTC"], r["VSSEQ"], r["VSSTRESN"]))
    of = defaultdict(list)
    for r in dataset("LB").to_dict("records"):
        who = r["USUBJID"]
        if who not in adsl or not r["LBSTRESC"]:
            continue
        x, kind = value_of(r["LBSTRESC"])
        if not kind and math.isnan(r["LBSTRESN"]):
            x = None
        of[who].append({
            "test": r["LBTESTCD"], "x": x, "kind": kind, "seq": r["LBSEQ"], "dtc": r["LBDTC"], "visit": r["VISIT"],
            "num": r["VISITNUM"], "lln": exact(r["LBSTNRLO"]), "uln": exact(r["LBSTNRHI"]), "ref": (r["LBNAM"], r["LBREFID"]),
        })  # fmt: skip
    result = defaultdict(list)
    for who, labs in of.items():
        for r in labs:
            result[who, r["test"]].append(r)
            day = r["dtc"][:10]
            if r["test"] == "CA" and r["x"] is not None:
                same_day = [o for o in labs if o["test"] == "ALB" and o["dtc"][:10] == day and o["x"] is not None]
                same_draw = [o for o in same_day if (o["dtc"], o["ref"]) == (r["dtc"], r["ref"])]
                alb = max(same_draw or same_day, key=lambda o: (o["dtc"], o["seq"]), default=None)
                low = alb is not None and alb["x"] < 40
                x = Fraction(repr(four(r["x"] + Fraction("0.02") * (40 - alb["x"])))) if low else r["x"]
                result[who, "CACORR"].append({**r, "x": x})
            if r["test"] == "CREAT" and r["x"]:
                known = [w for w in weights[who] if w[0][:10] <= day]
                if known:
                    kg = Fraction(repr(max(known)[2]))
                    share = Fraction("0.85") if adsl[who]["SEX"] == "F" else 1
                    x = (140 - int(adsl[who]["AGE"])) * kg * share * Fraction("88.42") / (72 * r["x"])
                    result[who, "CREATCL"].append({**r, "x": Fraction(repr(four(x))), "lln": None, "uln": None})
            if r["test"] == "NEUTLE" and r["x"] is not None:
                mates = [o for o in labs if (o["dtc"], o["ref"]) == (r["dtc"], r["ref"]) and o["x"] is not None]
                wbc = [o for o in mates if o["test"] == "WBC"]
                if wbc and not [o for o in mates if o["test"] == "NEUT"]:
                    result[who, "NEUT"].append({**r, "x": Fraction(repr(four(wbc[-1]["x"] * r["x"] / 100))), "lln": None, "uln": None})
    for (who, test), records in result.items():
        _derive(who, test, records, adsl[who], dose[who])
    return result


def _derive(who, test, records, subject, dose):
    start, end = (EPOCH + timedelta(days=int(subject[n])) for n in ("TRTSDT", "TRTEDT"))
    records.sort(key=lambda r: (r["dtc"], r["seq"]))
    for r in records:
        day = when(r["dtc"])[0].date()
        apart = (day - start).days
        r["ady"] = apart + (apart >= 0)
        r["pre"] = before_dose(r["dtc"], dose, r["num"])
        r["on"] = start < day <= end + timedelta(days=30)
        r["kept"] = r["visit"] in PLANNED
        window = next((v for v, (a, b) in WINDOWS.items() if a <= r["ady"] <= b), "")
        r["avisit"] = r["visit"] if r["kept"] else "Baseline" if r["pre"] else window
    based = [r for r in records if r["pre"] and r["x"] is not None]
    base = max(based, key=lambda r: (r["dtc"], r["seq"]), default=None)
    for r in records:
        r["base"], r["abl"] = base and base["x"], r is base
        mine = None if r["pre"] or base is None else base["x"]
        known = r["x"] is not None
        r["low"] = low_grade(test, r["x"], r["lln"]) if known else None
        r["high"] = high_grade(test, r["x"], r["uln"], mine) if known else None
        r["chg"] = None if not known or mine is None else four(r["x"] - mine)
    chosen = defaultdict(list)
    for r in records:
        if r["avisit"] and r["x"] is not None:
            chosen[r["avisit"]].append(r)
    for visit, rivals in chosen.items():
        target = PLANNED.get(visit, 1)
        best = min(rivals, key=lambda r: (not r["kept"], abs(r["ady"] - target) if target else 0))
        equal = [r for r in rivals if r["kept"] == best["kept"] and (not target or abs(r["ady"] - target) == abs(best["ady"] - target))]
        max(equal, key=lambda r: (r["dtc"], r["seq"]))["anl"] = True


@pytest.fixture(scope="module")
def adlb(dataset):
    return dataset("ADLB")


def number(value):
    return None if math.isnan(value) else value


def test_every_result_is_there_once_with_its_value_baseline_change_visit_flags_and_grades(adlb, second):
    found = {}
    for r in adlb[~adlb["DTYPE"].isin(["MINIMUM", "MAXIMUM"])].to_dict("records"):
        key = r["USUBJID"], r["PARAMCD"], r["LBSEQ"]
        assert key not in found
        found[key] = (
            number(r["AVAL"]), r["DTYPE"], number(r["BASE"]), number(r["CHG"]), r["AVISIT"], r["ADY"], r["ABLFL"],
            r["ANL01FL"], r["ONTRTFL"], number(r["ATOXGRLN"]), number(r["ATOXGRHN"]), r["ATOXGRL"], r["ATOXGRH"],
        )  # fmt: skip
    expected = {}
    for (who, test), records in second.items():
        for r in records:
            grades = [r["low"], r["high"]]
            expected[who, test, r["seq"]] = (
                None if r["x"] is None else float(r["x"]), r["kind"] if r["x"] is not None else "",
                None if r["base"] is None else float(r["base"]), r["chg"], r["avisit"], r["ady"], "Y" if r["abl"] else "",
                "Y" if r.get("anl") else "", "Y" if r["on"] else "", *grades, *("" if g is None else str(g) for g in grades),
            )  # fmt: skip
    assert len(expected) > 12_000 and found.keys() == expected.keys()
    assert {k: (found[k], expected[k]) for k in found if found[k] != expected[k]} == {}


def test_percent_change_is_that_of_the_rounded_numbers(adlb):
    known = adlb[adlb["CHG"].notna() & (adlb["BASE"] != 0)]
    assert ((known["AVAL"] - known["BASE"]) / known["BASE"] * 100 - known["PCHG"]).abs().max() < 1e-4
    assert adlb.loc[~adlb.index.isin(known.index), "PCHG"].isna().all()


def test_extreme_values_and_worst_grades_on_treatment(adlb, second):
    found = {
        (r["USUBJID"], r["PARAMCD"], r["DTYPE"]): (r["AVAL"], r["LBSEQ"], r["AVISIT"], r["SHIFT1"])
        for r in adlb[adlb["DTYPE"].isin(["MINIMUM", "MAXIMUM"])].to_dict("records")
    }
    expected, worst = {}, 0
    for (who, test), records in second.items():
        on = [r for r in records if r["on"] and r["x"] is not None]
        for kind, side, sign in (("MINIMUM", "low", 1), ("MAXIMUM", "high", -1)):
            if on:
                r = min(on, key=lambda r: (sign * r["x"], r["dtc"], r["seq"]))
                grade = max((o[side] for o in on if o[side] is not None), default=None)
                base = next((o[side] for o in records if o["abl"]), None)
                shift = "" if grade is None else f"{'MISSING' if base is None else base} to {grade}"
                worst = max(worst, grade or 0)
                expected[who, test, kind] = (float(r["x"]), r["seq"], f"POST-BASELINE {kind}", shift)
    assert worst == 4 and len(expected) > 2000
    assert found == expected


def test_every_parameter_has_one_text_one_number_and_the_unit_of_its_results(adlb, dataset):
    for pair in (("PARAMCD", "PARAM"), ("PARAMCD", "PARAMN"), ("AVISIT", "AVISITN")):
        known = adlb[list(pair)].dropna().drop_duplicates()
        known = known[known[pair[0]] != ""]
        assert not known[pair[0]].duplicated().any() and not known[pair[1]].duplicated().any()
    lb = dataset("LB")
    units = dict(zip(lb["LBTESTCD"][lb["LBSTRESU"] != ""], lb["LBSTRESU"][lb["LBSTRESU"] != ""], strict=True))
    tests = dict(zip(lb["LBTESTCD"], lb["LBTEST"], strict=True))
    for code, text in adlb[["PARAMCD", "PARAM"]].drop_duplicates().itertuples(index=False):
        if code not in ("CACORR", "CREATCL"):
            assert text == tests[code] + (f" ({units[code]})" if code in units else "")


def test_baseline_grades_and_ranges_are_those_of_the_baseline_record(adlb):
    flagged = {(r["USUBJID"], r["PARAMCD"]): r for r in adlb[adlb["ABLFL"] == "Y"].to_dict("records")}
    for r in adlb.to_dict("records"):
        own = flagged.get((r["USUBJID"], r["PARAMCD"]))
        wanted = ("", "", "") if own is None else (own["ATOXGRL"], own["ATOXGRH"], own["ANRIND"])
        assert (r["BTOXGRL"], r["BTOXGRH"], r["BNRIND"]) == wanted
