"""ADVS and ADEG of BY002 worked out a second time from VS, EG, DM and ADSL with plain Python; shares no code with the build."""

import math
from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest

EPOCH = date(1960, 1, 1)
TARGETS = {"Baseline": 1, "C1D1": 1, "C1D2": 2, "C1D8": 8, "C1D15": 15, "C1D16": 16, "C1D22": 22, "C2D15": 43}
TARGETS |= {f"C{c}D1": 28 * c - 27 for c in range(2, 25)}
UNTIMED = ("SCREENING", "SAFETY FOLLOW-UP")
EXTREMES = {"MINIMUM": min, "MAXIMUM": max}


def visit_of_day(day):
    early = [(5, 11, "C1D8"), (12, 18, "C1D15"), (19, 25, "C1D22"), (26, 35, "C2D1"), (36, 49, "C2D15"), (50, 70, "C3D1")]
    for first, last, name in early:
        if first <= day <= last:
            return name
    return f"C{(day + 41) // 28}D1" if 71 <= day <= 658 else ""


def rounded(value, places):
    """Half away from zero."""
    scale = 10**places
    whole = math.floor(abs(value) * scale + Fraction(1, 2))
    return float(Fraction(whole, scale)) * (-1 if value < 0 else 1)


def exact(value):
    return Fraction(repr(float(value)))


def before_dose(dtc, dose, planned_before):
    if len(dtc) > 10 and len(dose) > 10:
        return datetime.fromisoformat(dtc) < datetime.fromisoformat(dose)
    return dtc[:10] < dose[:10] or (dtc[:10] == dose[:10] and planned_before)


def placed(records, subject, dose):
    """Adds day, visit and position to the dose to the records of one subject and parameter."""
    start, end = (EPOCH + timedelta(days=int(subject[n])) for n in ("TRTSDT", "TRTEDT"))
    for r in records:
        day = date.fromisoformat(r["dtc"][:10])
        r["ady"] = (day - start).days + (day >= start)
        r["pre"] = before_dose(r["dtc"], dose, r["num"] <= 101 and r["point"] in ("", "PREDOSE"))
        r["until"], r["after"] = day <= end + timedelta(days=30), day > start
        r["kept"] = r["visit"] in UNTIMED or (r["visit"] in TARGETS and r["visit"] != "Baseline")
        r["avisit"] = r["visit"] if r["kept"] else "Baseline" if r["pre"] else visit_of_day(r["ady"])


def chosen(rivals):
    """The record that stands for a visit."""
    target = TARGETS.get(rivals[0]["avisit"])
    return min(rivals, key=lambda r: (not r["kept"], abs(r["ady"] - target) if target else 0, *(-ord(c) for c in r["dtc"].ljust(19)), -r["seq"]))


@pytest.fixture(scope="module")
def treated(dataset):
    adsl = {r["USUBJID"]: r for r in dataset("ADSL").to_dict("records") if r["SAFFL"] == "Y"}
    return adsl, dict(zip(dataset("DM")["USUBJID"], dataset("DM")["RFXSTDTC"], strict=True))


def groups(frame, prefix, treated):
    found = defaultdict(list)
    for r in frame.to_dict("records"):
        if r["USUBJID"] in treated[0] and not math.isnan(r[f"{prefix}STRESN"]):
            found[r["USUBJID"], r[f"{prefix}TESTCD"]].append({
                "x": exact(r[f"{prefix}STRESN"]), "dtc": r[f"{prefix}DTC"], "seq": r[f"{prefix}SEQ"], "num": r["VISITNUM"],
                "visit": r["VISIT"], "point": r[f"{prefix}TPT"], "rep": r.get("EGREPNUM"),
            })  # fmt: skip
    return found


def known(value):
    return None if isinstance(value, float) and math.isnan(value) else value


def test_advs(dataset, treated):
    found = {}
    for r in dataset("ADVS").to_dict("records"):
        key = r["USUBJID"], r["PARAMCD"], r["VSSEQ"], r["DTYPE"]
        assert key not in found
        found[key] = (r["AVAL"], known(r["BASE"]), known(r["CHG"]), r["AVISIT"], r["ADY"], r["ABLFL"], r["ANL01FL"])
    of = groups(dataset("VS"), "VS", treated)
    for who in {w for w, _ in of}:
        for r in of[who, "WEIGHT"]:
            heights = [h for h in of[who, "HEIGHT"] if h["dtc"][:10] <= r["dtc"][:10]]
            if heights:
                cm = max(heights, key=lambda h: (h["dtc"], h["seq"]))["x"]
                of[who, "BMI"].append({**r, "x": exact(rounded(r["x"] / (cm / 100) ** 2, 1))})
    expected = {}
    for (who, test), records in of.items():
        placed(records, treated[0][who], treated[1][who])
        base = max((r for r in records if r["pre"]), key=lambda r: (r["dtc"], r["seq"]), default=None)

        def told(r, visit, flags, base=base):
            change = None if r["pre"] or base is None else rounded(r["x"] - base["x"], 4)
            return float(r["x"]), base and float(base["x"]), change, visit, r["ady"], *flags

        visits = defaultdict(list)
        for r in records:
            visits[r["avisit"]].append(r)
        stand = [chosen(v) for name, v in visits.items() if name]
        for r in records:
            flags = "Y" if r is base else "", "Y" if any(r is s for s in stand) else ""
            expected[who, test, r["seq"], ""] = told(r, r["avisit"], flags)
        on = [r for r in records if r["after"] and r["until"]]
        for kind, pick in EXTREMES.items():
            if on:
                value = pick(r["x"] for r in on)
                r = min((r for r in on if r["x"] == value), key=lambda r: (r["dtc"], r["seq"]))
                expected[who, test, r["seq"], kind] = told(r, f"POST-BASELINE {kind}", ("", ""))
    assert len(expected) > 2000 and found.keys() == expected.keys()
    assert {k: (found[k], expected[k]) for k in found if found[k] != expected[k]} == {}


def test_adeg(dataset, treated):
    adeg = dataset("ADEG")
    replicates = adeg[adeg["DTYPE"] == ""]
    eg = dataset("EG")
    eg = eg[eg["USUBJID"].isin(treated[0])]
    assert set(zip(replicates["USUBJID"], replicates["PARAMCD"], replicates["EGSEQ"], strict=True)) == set(
        zip(eg["USUBJID"], eg["EGTESTCD"], eg["EGSEQ"], strict=True)
    )
    assert replicates[["CHG", "PCHG", "NREP"]].isna().all(axis=None)
    assert (replicates[["ANL01FL", "ABLFL", "AVALCAT1", "CHGCAT1", "CRIT1FL", "CRIT2FL"]] == "").all(axis=None)
    found = {}
    for r in adeg[adeg["DTYPE"] != ""].to_dict("records"):
        key = r["USUBJID"], r["PARAMCD"], r["DTYPE"], *((r["VISITNUM"], r["ATPT"]) if r["DTYPE"] == "AVERAGE" else ())
        assert key not in found
        found[key] = (
            r["AVAL"], known(r["BASE"]), known(r["CHG"]), r["AVISIT"], r["ATPT"], r["ADY"], known(r["NREP"]), r["ABLFL"],
            r["ANL01FL"], r["AVALCAT1"], r["CHGCAT1"], r["CRIT1FL"], r["CRIT2FL"],
        )  # fmt: skip
    expected = {}
    for (who, test), singles in groups(eg, "EG", treated).items():
        sets = defaultdict(list)
        for r in singles:
            sets[r["num"], r["point"]].append(r)
        means = []
        for members in sets.values():
            last = max(members, key=lambda r: (r["dtc"], r["rep"]))
            mean = rounded(sum(r["x"] for r in members) / len(members), 1)
            means.append({**last, "x": exact(mean), "n": len(members), "seq": 0})
        placed(means, treated[0][who], treated[1][who])
        early = [r for r in means if r["pre"]]
        base = next((r for r in early if (r["visit"], r["point"]) == ("C1D1", "PREDOSE")), None)
        base = base or max(early, key=lambda r: r["dtc"], default=None)

        def told(r, visit, n, flags, base=base, qtcf=test == "QTCFAG"):
            change = None if r["pre"] or base is None else rounded(r["x"] - base["x"], 4)
            x, bands, crit = r["x"], ["", ""], ["", ""]
            if qtcf:
                bands[0] = "<=450" if x <= 450 else ">450-480" if x <= 480 else ">480-500" if x <= 500 else ">500"
                crit[0] = "Y" if x > 500 else ""
            if qtcf and change is not None:
                bands[1] = "<=30" if change <= 30 else ">30-60" if change <= 60 else ">60"
                crit[1] = "Y" if change > 60 else ""
            return float(x), base and float(base["x"]), change, visit, r["point"], r["ady"], n, *flags, *bands, *crit

        visits = defaultdict(list)
        for r in means:
            visits[r["avisit"], r["point"]].append(r)
        named = {r["avisit"] for r in means if r["kept"]}
        stand = [s for (name, _), v in visits.items() if name for s in [chosen(v)] if s["kept"] or name not in named]
        for r in means:
            flags = "Y" if r is base else "", "Y" if any(r is s for s in stand) else ""
            expected[who, test, "AVERAGE", r["num"], r["point"]] = told(r, r["avisit"], float(r["n"]), flags)
        on = [r for r in means if not r["pre"] and r["until"]]
        for kind, pick in EXTREMES.items():
            if on:
                value = pick(r["x"] for r in on)
                r = min((r for r in on if r["x"] == value), key=lambda r: r["dtc"])
                expected[who, test, kind] = told(r, f"POST-BASELINE {kind}", None, ("", ""))
    assert len(expected) > 2000 and found.keys() == expected.keys()
    assert {k: (found[k], expected[k]) for k in found if found[k] != expected[k]} == {}
    assert {v[9] for k, v in expected.items() if k[1] == "QTCFAG"} >= {"<=450", ">480-500", ">500"}


def test_the_one_qtcf_that_is_not_fridericias_is_listed(dataset, built):
    """The reader's figure of each replicate against QT and RR of the same replicate."""
    import json  # noqa: PLC0415

    eg = dataset("EG")
    of = defaultdict(dict)
    for r in eg[eg["USUBJID"].isin(dataset("ADSL").query("SAFFL == 'Y'")["USUBJID"])].to_dict("records"):
        of[r["USUBJID"], r["EGDTC"], r["EGREPNUM"]][r["EGTESTCD"]] = r["EGSTRESN"]
    wrong = [who for (who, _, _), v in of.items() if abs(v["QTCFAG"] - v["QTAG"] / (v["RRAG"] / 1000) ** (1 / 3)) > 1]
    listed = json.loads((built / "issues.json").read_text(encoding="utf-8"))
    listed = listed["issues"] if isinstance(listed, dict) else listed
    assert sorted(wrong) == sorted(i["subject"] for i in listed if i["dataset"] == "ECGS") and len(wrong) >= 1
    assert all(i["source"].startswith("ecg/ecg_core.csv line ") for i in listed if i["dataset"] == "ECGS")
