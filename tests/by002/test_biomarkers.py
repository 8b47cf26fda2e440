"""ADBM and the programmed response (OVRALG) once more, in plain Python over GF, CP, MI, LB, RS and ADSL.

Shares no code with the build: section 4.9 and the table of OVRALG in section 4.7, written out again.
"""

from collections import defaultdict
from datetime import date
from statistics import mean, median, stdev

import pandas as pd
import pytest

EPOCH = date(1960, 1, 1)
RANK = {"CR": 1, "CRh": 2, "CRi": 3, "MLFS": 4, "PR": 5, "NR": 6, "PD": 7, "REL": 8, "NE": 9}


def sas(dtc):
    return (date.fromisoformat(dtc[:10]) - EPOCH).days if len(dtc) >= 10 else None


def number(text):
    """An analysis value: half of the limit below it, the limit above it."""
    if text.startswith(("<", ">")):
        return float(text.lstrip("<>=")) / (2 if text[0] == "<" else 1)
    try:
        return float(text)
    except ValueError:
        return None


def rounded(value, places):
    """Half away from zero, on the shortest decimal text of a value that a float holds a little off."""
    step = 10.0**places
    scaled = round(abs(value) * step, 6)
    return (1 if value >= 0 else -1) * int(scaled + 0.5) / step


def wells(values):
    """Their mean; of three or more that spread by over 0.5 the one farthest from the middle is left out."""
    if len(values) >= 3 and stdev(values) > 0.5:
        away = sorted(values, key=lambda v: -abs(v - median(values)))
        if abs(abs(away[0] - median(values)) - abs(away[1] - median(values))) > 1e-9:
            values = list(values)
            values.remove(away[0])
    return mean(values)


@pytest.fixture(scope="module")
def subjects(dataset):
    adsl = dataset("ADSL")
    dm = dataset("DM").set_index("USUBJID")["RFXSTDTC"]
    return {r.USUBJID: (r, dm[r.USUBJID]) for r in adsl[adsl["SAFFL"] == "Y"].itertuples()}


def expressions(gf, supp):
    """(subject, gene, tissue) to [(date text, specimen, first well, delta Ct)]."""
    tissue = supp[supp["QNAM"] == "GFTISSUE"].set_index(["USUBJID", "IDVARVAL"])["QVAL"]
    gf = gf[(gf["GFTSTDTL"] == "CYCLE THRESHOLD") & (gf["GFSTAT"] == "")]
    plates = defaultdict(lambda: defaultdict(list))
    for r in gf.itertuples():
        plates[r.USUBJID, r.GFREFID][r.GFSYM].append(r)
    out = defaultdict(list)
    for (who, sample), genes in plates.items():
        reference = [r.GFSTRESC for r in genes["ABL1"]]
        if not reference or "UNDETERMINED" in reference or wells([float(x) for x in reference]) > 35:
            continue
        low = wells([float(x) for x in reference])
        for gene in ("HOXA9", "MEIS1"):
            own = sorted(genes[gene], key=lambda r: r.GFREPNUM)
            if own:
                ct = wells([40.0 if r.GFSTRESC == "UNDETERMINED" else float(r.GFSTRESC) for r in own])
                spec = tissue[who, str(int(own[0].GFSEQ))]
                out[who, gene, spec].append((own[0].GFDTC, sample, own[0].GFSEQ, rounded(ct - low, 4)))
    return out


def expected_adbm(dataset, subjects):
    """{(subject, PARAMCD, SPEC, SRCSEQ): (AVAL, BASE, CHG, ABLFL)}."""
    series = {}  # (subject, parameter, specimen): [(ADT, SRCSEQ, AVAL, baseline, before the first dose)]
    for (who, gene, spec), rows in expressions(dataset("GF"), dataset("SUPPGF")).items():
        if who in subjects:
            first = subjects[who][1]
            before = sorted((d, sample, seq) for d, sample, seq, _ in rows if d < first[: len(d)])
            base = before[-1][2] if before else None
            series[who, f"{gene}DCT", spec] = [(sas(d), seq, v, seq == base, False) for d, _, seq, v in rows]
    for name, code, parameter, where in (("CP", "CP", "CD11BPC", "CD11BX"), ("MI", "MI", "BMBLAST", "BLASTCE"), ("LB", "LB", "PBBLAST", "BLASTLE")):
        frame = dataset(name)
        for r in frame[frame[f"{code}TESTCD"] == where].itertuples():
            value = number(getattr(r, f"{code}STRESC"))
            if value is None or r.USUBJID not in subjects:
                continue
            dtc, first = getattr(r, f"{code}DTC"), subjects[r.USUBJID][1]
            predose = name == "LB" and (dtc < first if "T" in dtc else dtc <= first[:10] if r.VISITNUM <= 101 else dtc < first[:10])
            flag = getattr(r, f"{code}LOBXFL") == "Y"
            series.setdefault((r.USUBJID, parameter, getattr(r, f"{code}SPEC")), []).append((sas(dtc), getattr(r, f"{code}SEQ"), value, flag, predose))
    out = {}
    for (who, parameter, spec), rows in series.items():
        base = next((v for _, _, v, flag, _ in rows if flag), None)
        start = sas(subjects[who][1])
        for day, seq, value, flag, predose in rows:
            post = not flag and not predose and day >= start
            change = rounded(value - base, 4) if post and base is not None else None
            out[who, parameter, spec, seq] = (value, base, change, flag)
            if parameter.endswith("DCT") and (flag or change is not None):
                fold = 1.0 if flag else rounded(2.0**-change, 6)
                out[who, parameter.replace("DCT", "FC"), spec, seq] = (fold, 1.0, None, flag)
    return out


def none(value):
    return None if pd.isna(value) else value


def test_every_row_of_adbm(dataset, subjects):
    expected = expected_adbm(dataset, subjects)
    adbm = dataset("ADBM")
    found = {
        (r.USUBJID, r.PARAMCD, r.SPEC, r.SRCSEQ): (r.AVAL, none(r.BASE), none(r.CHG), r.ABLFL == "Y") for r in adbm.itertuples()
    }
    assert set(found) == set(expected) and len(found) == len(adbm)
    for key, row in found.items():
        assert row == pytest.approx(expected[key], abs=2e-6), key


def test_the_best_blasts_are_the_lowest_until_response_is_lost(dataset, subjects):
    adbm, adrs = dataset("ADBM"), dataset("ADRS")
    start = {who: sas(first) for who, (_, first) in subjects.items()}
    for (who, parameter), rows in adbm[adbm["PARAMCD"].isin(["BMBLAST", "PBBLAST"])].groupby(["USUBJID", "PARAMCD"]):
        subject = subjects[who][0]
        seen = adrs[(adrs["USUBJID"] == who) & (adrs["PARAMCD"] == "OVRINV") & (adrs["ADT"] > start[who])]
        lost = seen[seen["AVALC"].isin(["REL", "PD"])]["ADT"].min()
        ends = [lost, subject.HSCTDT, subject.NALTDT - 1, subject.DCUTDT]
        until = min(e for e in ends if not pd.isna(e))
        # without a baseline there is no change; then the date says what came after the first dose
        post = rows[(rows["CHG"].notna() | (rows["BASE"].isna() & (rows["ADT"] >= start[who]))) & (rows["ADT"] <= until)]
        best = post.sort_values(["AVAL", "ADT", "SRCSEQ"])["SRCSEQ"].head(1).tolist()
        assert rows[rows["ANL02FL"] == "Y"]["SRCSEQ"].tolist() == best, (who, parameter)


# -- the programmed response


def level(anc, plt, circulating):
    if circulating > 0:
        return 5
    if anc >= 1.0 and plt >= 100:
        return 1
    if anc >= 0.5 and plt >= 50:
        return 2
    return 3 if anc >= 1.0 or plt >= 100 else 4


def draws_of(lb):
    """[(date, level, blasts)] of a subject, of draws with neutrophils, platelets and blasts; and the dates of blasts."""
    tubes = defaultdict(dict)
    for r in lb.itertuples():
        value = number(r.LBSTRESC)
        if value is not None and r.LBSTRESU != "":
            tubes[r.LBNAM, r.LBREFID, r.LBDTC].setdefault(r.LBTESTCD, value)
    for tube in tubes.values():
        if "NEUT" not in tube and {"WBC", "NEUTLE"} <= set(tube):
            tube["NEUT"] = rounded(tube["WBC"] * tube["NEUTLE"] / 100, 4)
    full = [(sas(k[2]), level(t["NEUT"], t["PLAT"], t["BLASTLE"])) for k, t in tubes.items() if {"NEUT", "PLAT", "BLASTLE"} <= set(t)]
    return full, sorted(sas(k[2]) for k, t in tubes.items() if t.get("BLASTLE", 0) > 0)


def second(marrows, full, circulating, emd, base):
    """[(category, date)] of a subject's marrows after the first dose, in order."""
    out, first_remission = [], None
    for day, blasts, adequate, cells, cell in marrows:
        window = [(lv, abs(d - day), d) for d, lv in full if -7 <= d - day <= 14]
        best, _, drawn = min(window) if window else (None, None, None)
        around = {r for d, r in emd if abs(d - day) <= 14}
        category, when = "NR", day
        blood = [d for d in circulating if first_remission and d > first_remission and any(d + 7 <= e <= day + 14 for e in circulating)]
        if not adequate or blasts is None or (blasts < 5 and best is None):
            category = "NE"
        elif first_remission is not None and (blasts >= 5 or "NEW" in around or blood):
            category, when = "REL", day if blasts >= 5 or "NEW" in around else blood[0]
        elif blasts < 5 and not around & {"PRESENT", "NEW"} and best in (1, 2, 3):
            category, when = {1: "CR", 2: "CRh", 3: "CRi"}[best], max(day, drawn)
        elif blasts < 5 and not around & {"PRESENT", "NEW"} and best == 4 and ((cells or 0) >= 200 or cell not in ("", "APLASTIC")):
            category = "MLFS"
        elif 5 <= blasts <= 25 and base is not None and blasts <= base / 2 and best == 1:
            category = "PR"
        elif (base is not None and blasts > 1.5 * base and (base >= 30 or blasts - base >= 15)) or "NEW" in around:
            category = "PD"
        if category in ("CR", "CRh", "CRi") and first_remission is None:
            first_remission = day
        out.append((category, when))
    return out


def test_every_programmed_response(dataset, subjects):
    mi, lb, rs, adrs = (dataset(n) for n in ("MI", "LB", "RS", "ADRS"))
    algorithm = adrs[adrs["PARAMCD"] == "OVRALG"]
    total = 0
    for who, (_, first) in subjects.items():
        mine = mi[mi["USUBJID"] == who]
        smears = mine[(mine["MITESTCD"] == "BLASTCE") & (mine["MIDTC"] > first[:10])].sort_values(["MIDTC", "MISEQ"])
        marrows, sources = [], []
        for r in smears.itertuples():
            same = mine[(mine["MIDTC"] == r.MIDTC) & (mine["VISITNUM"] == r.VISITNUM)].set_index("MITESTCD")
            cells = none(same["MISTRESN"].get("NUCCNT"))
            marrows.append((sas(r.MIDTC), number(r.MISTRESC), r.MISPCCND != "INADEQUATE", cells, same["MISTRESC"].get("CELLULAR", "")))
            sources.append(r.MISEQ)
        base = mine[(mine["MITESTCD"] == "BLASTCE") & (mine["MILOBXFL"] == "Y")]["MISTRESN"].tolist()
        emd = [(sas(r.RSDTC), r.RSSTRESC) for r in rs[(rs["USUBJID"] == who) & (rs["RSTESTCD"] == "EMDRESP")].itertuples()]
        wanted = second(marrows, *draws_of(lb[lb["USUBJID"] == who]), emd, base[0] if base else None)
        rows = algorithm[algorithm["USUBJID"] == who].set_index("SRCSEQ")
        assert {s: (rows.loc[s, "AVALC"], int(rows.loc[s, "ADT"])) for s in rows.index} == dict(zip(sources, wanted, strict=True)), who
        assert all(rows["AVAL"] == rows["AVALC"].map(RANK))
        total += len(wanted)
    assert total == len(algorithm) and total > 50


def test_the_programmed_response_agrees_with_the_investigators_in_the_reference_scenario(dataset):
    """The simulated investigator judged by the same definitions: where both judge a visit they say the same."""
    adrs = dataset("ADRS")
    both = adrs[adrs["PARAMCD"] == "OVRINV"].merge(adrs[adrs["PARAMCD"] == "OVRALG"], on=["USUBJID", "VISITNUM"])
    assert len(both) > 50 and (both["AVALC_x"] == both["AVALC_y"]).all()
