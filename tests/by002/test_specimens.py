"""VS, EG, MI, CP, GF and BE of BY002 worked out a second time from the raw files, record by record, with plain Python.

Shares no code and no table with the build: what each panel looks for, units and factors are written down here as the
study design has them.
"""

import csv
import math
import re
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction

import openpyxl
import pytest

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
CUT = "2026-03-31"
TISSUE = {"BM": "BONE MARROW", "PB": "BLOOD"}


def iso(day, time=""):
    """DD-MON-YYYY (complete here) and HH:MM to ISO 8601."""
    if not re.fullmatch(r"\d\d-[A-Z]{3}-\d{4}", day):
        return ""
    d, m, y = day.split("-")
    out = f"{y}-{MONTHS.index(m) + 1:02d}-{d}"
    return f"{out}T{time}" if re.fullmatch(r"\d\d:\d\d", time) else out


def number(text):
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def records(frame, columns):
    """The records of a dataset as tuples, a missing number as None."""
    rows = frame[columns.split()].itertuples(index=False, name=None)
    return Counter(tuple(None if isinstance(v, float) and math.isnan(v) else v for v in r) for r in rows)


@pytest.fixture(scope="module")
def vendor(export, usubjid):
    """A function: name of a file to its rows, each different row once, with USUBJID where the file has subjects."""

    def read(name):
        with (export / name).open(encoding="utf-8-sig", newline="") as handle:
            rows = {tuple(r.items()): r for r in csv.DictReader(handle)}
        return [r | {"USUBJID": usubjid[r["SUBJECT"]]} if "SUBJECT" in r else r for r in rows.values()]

    return read


@pytest.fixture(scope="module")
def wells(export, usubjid):
    """The rows of qpcr.xlsx; dates stand there as serial numbers or as true dates."""
    found = {}
    for sheet in openpyxl.load_workbook(export / "biomarker" / "qpcr.xlsx", read_only=True, data_only=True):
        head, *rows = sheet.iter_rows(values_only=True)
        for values in rows:
            row = {k: "" if v is None else v for k, v in zip(head, values, strict=True)}
            day = row["COLDAT"]
            whole = day.date() if isinstance(day, datetime) else date(1899, 12, 30) + timedelta(days=int(day))
            row |= {"COLDAT": str(whole), "CT": str(row["CT"]), "USUBJID": usubjid[row["SUBJECT"]]}
            found[tuple(row.values())] = row
    return [r for r in found.values() if r["COLDAT"] <= CUT]


@pytest.fixture(scope="module")
def first_dose(dataset):
    """Date-time of the first dose of each treated subject."""
    dm = dataset("DM")
    return {u: d for u, d in zip(dm.USUBJID, dm.RFXSTDTC, strict=True) if d}


def distinct(frame):
    return frame.drop(columns=["RECNO", "FORMREP", "ENTRYDTM"]).drop_duplicates().to_dict("records")


SIGNS = {"HEIGHT": ("HEIGHT", "cm"), "WEIGHT": ("WEIGHT", "kg"), "TEMP": ("TEMP", "C"), "SYSBP": ("SYSBP", "mmHg"),
         "DIABP": ("DIABP", "mmHg"), "PULSE": ("PULSE", "beats/min"), "RESP": ("RESP", "breaths/min"), "SPO2": ("OXYSAT", "%")}  # fmt: skip


def standard_sign(value, unit):
    if unit == "jin":
        return f"{float(Fraction(value) / 2):g}"
    if unit == "m":
        return f"{float(Fraction(value) * 100):g}"
    if unit == "F":
        tenths = (Fraction(value) - 32) * 50 / 9
        return f"{int(tenths + Fraction(1, 2)) / 10:g}"
    return value


def test_every_vital_sign_is_in_vs(dataset, form):
    expected = Counter()
    for r in distinct(form("VS")):
        for item, (code, standard) in SIGNS.items():
            if r[item] and iso(r["VSDAT"]) <= CUT:
                unit = r.get(f"{item}U") or standard
                result = standard_sign(r[item], unit)
                timed = (r["VSTPT"].upper(), 0.0 if r["VSTPT"] else None)
                expected[r["USUBJID"], code, iso(r["VSDAT"], r["VSTIM"]), r[item], unit, result, float(result), standard, *timed] += 1
    columns = "USUBJID VSTESTCD VSDTC VSORRES VSORRESU VSSTRESC VSSTRESN VSSTRESU VSTPT VSTPTNUM"
    assert records(dataset("VS"), columns) == expected and len(expected) > 1500
    assert {"jin", "m", "F"} <= {key[4] for key in expected}, "every other unit is planted"


@pytest.mark.parametrize("name", ["VS", "MI"])
def test_visits_are_those_under_which_the_form_was_filled(dataset, form, name):
    oid = {"SCR": "SCREENING", "EOT": "END OF TREATMENT", "SFU": "SAFETY FOLLOW-UP"}
    raw, day = ("VS", "VSDAT") if name == "VS" else ("BMA", "BMDAT")
    visits = defaultdict(set)
    for r in distinct(form(raw)):
        follow = re.fullmatch(r"FU(\d+)", r["VISITOID"])
        label = f"SURVIVAL FOLLOW-UP {follow[1]}" if follow else oid.get(r["VISITOID"], r["VISITOID"])
        visits[r["USUBJID"], iso(r[day])].add("UNSCHEDULED" if label == "UNS" else label)
    frame = dataset(name)
    for r in frame[frame.VISIT != "SCREENING ATTEMPT 1"].itertuples():
        known = visits[r.USUBJID, getattr(r, f"{name}DTC")[:10]]
        assert r.VISIT in known or (r.VISIT.startswith("UNSCHEDULED") and "UNSCHEDULED" in known), r


INTERVALS = {"HR": "EGHRMN", "PR": "PRAG", "QRS": "QRSAG", "QT": "QTAG", "RR": "RRAG", "QTCF": "QTCFAG"}
HOURS = {"": None, "PREDOSE": 0.0, "2H": 2.0, "4H": 4.0, "24H": 24.0}


def local(stamp):
    return (datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ") + timedelta(hours=8)).isoformat()


def test_every_replicate_is_in_eg_at_its_local_time(dataset, vendor):
    expected, moved = Counter(), 0
    for r in vendor("ecg/ecg_core.csv"):
        when = local(r["ECGDTM"])
        if when[:10] > CUT:
            continue
        moved += when[:10] != r["ECGDTM"][:10]
        key = r["USUBJID"], when, r["TPT"], HOURS[r["TPT"]], float(r["REP"])
        for item, code in INTERVALS.items():
            unit = "beats/min" if item == "HR" else "ms"
            expected[(*key, code, r[item], unit, r[item], float(r[item]), unit)] += 1
        expected[(*key, "INTP", r["INTERP"], "", r["INTERP"], None, "")] += 1
    columns = "USUBJID EGDTC EGTPT EGTPTNUM EGREPNUM EGTESTCD EGORRES EGORRESU EGSTRESC EGSTRESN EGSTRESU"
    assert records(dataset("EG"), columns) == expected and len(expected) > 8000
    assert moved > 300, "mornings in China are the day before in UTC"


def test_an_ecg_belongs_to_the_planned_visit_of_its_local_date(dataset):
    sv, eg = dataset("SV"), dataset("EG")
    planned = {(r.USUBJID, r.SVSTDTC[:10]): r.VISIT for r in sv[sv.SVPRESP == "Y"].itertuples() if r.SVSTDTC}
    others = {(r.USUBJID, r.SVSTDTC[:10]): r.VISIT for r in sv[sv.SVPRESP == ""].itertuples()}
    for r in eg.drop_duplicates(["USUBJID", "EGDTC"]).itertuples():
        key = r.USUBJID, r.EGDTC[:10]
        assert r.VISIT in (planned.get(key, others.get(key)), "SCREENING ATTEMPT 1"), r
    assert set(eg.VISIT[eg.EGTPT == "24H"]) == {"C1D2", "C1D16"}


@pytest.mark.parametrize(("name", "strata"), [("VS", ""), ("EG", ""), ("MI", ""), ("CP", "CPSPEC")])
def test_baseline_flag_is_the_last_result_before_the_first_dose(dataset, first_dose, name, strata):
    frame, best = dataset(name), {}
    planned = name in ("VS", "EG")  # before the first dose of the day
    for r in frame.itertuples():
        dose, dtc = first_dose.get(r.USUBJID, ""), getattr(r, f"{name}DTC")
        if not dose or not dtc or not getattr(r, f"{name}STRESC"):
            continue
        before = dtc[:16] < dose if len(dtc) > 10 and len(dose) > 10 else dtc[:10] < dose[:10]
        if not before and dtc[:10] == dose[:10] and not (len(dtc) > 10 and len(dose) > 10):
            before = planned and r.VISITNUM <= 101 and getattr(r, f"{name}TPT") in ("", "PREDOSE")
        if before:
            key = r.USUBJID, getattr(r, f"{name}TESTCD"), getattr(r, strata) if strata else ""
            order = dtc, r.EGREPNUM if name == "EG" else 0, getattr(r, f"{name}SEQ")
            best[key] = max(best.get(key, ("",)), order)
    flagged = frame[frame[f"{name}LOBXFL"] == "Y"]
    found = {(r.USUBJID, getattr(r, f"{name}TESTCD"), getattr(r, strata) if strata else ""): getattr(r, f"{name}SEQ") for r in flagged.itertuples()}
    assert found == {key: order[-1] for key, order in best.items()} and len(flagged) == len(found) >= 24


CELLULARITY = {"HYPER": "HYPERCELLULAR", "NORMO": "NORMOCELLULAR", "HYPO": "HYPOCELLULAR", "APLASTIC": "APLASTIC"}


def test_every_marrow_is_in_mi(dataset, form, export):
    with (export / "translations.csv").open(encoding="utf-8-sig", newline="") as handle:
        english = {r["zh"]: r["en"] for r in csv.DictReader(handle)}
    named = {(r["SUBJECT"], r["VISITOID"], r["VISITREP"]): r["BMACC"] for r in distinct(form("RESP")) if r["BMACC"]}
    expected = Counter()
    for r in distinct(form("BMA")):
        if iso(r["BMDAT"]) > CUT:
            continue
        link = named.get((r["SUBJECT"], r["VISITOID"], r["VISITREP"]), "")
        shared = r["USUBJID"], iso(r["BMDAT"]), link, "INADEQUATE" if r["ADEQ"] == "N" else ""
        if r["BMYN"] == "N":
            expected[(*shared, "BLASTCE", "", "", "", None, "", "NOT DONE", english.get(r["BMREAS"], r["BMREAS"]))] += 1
            continue
        for item, code in (("BMBLAST", "BLASTCE"), ("NCELLS", "NUCCNT"), ("BMCELL", "CELLULAR"), ("DYSPL", "DYSPLASA"), ("AUER", "AUERRODS")):
            unit = "%" if item == "BMBLAST" else ""
            standard = CELLULARITY.get(r[item], r[item])
            if r[item]:
                expected[(*shared, code, r[item], unit, standard, number(r[item]), unit, "", "")] += 1
    columns = "USUBJID MIDTC MILNKGRP MISPCCND MITESTCD MIORRES MIORRESU MISTRESC MISTRESN MISTRESU MISTAT MIREASND"
    assert records(dataset("MI"), columns) == expected and len(expected) > 300
    conditions = {key[3] for key in expected}
    assert conditions == {"", "INADEQUATE"} and any(key[10] for key in expected)


def test_each_response_meets_the_marrow_that_it_names(dataset):
    rs, mi = dataset("RS"), dataset("MI")
    marrows = set(zip(mi.USUBJID, mi.MILNKGRP, strict=True))
    named = rs[rs.RSLNKGRP != ""]
    assert set(zip(named.USUBJID, named.RSLNKGRP, strict=True)) <= marrows and len(named) > 50


def test_every_flow_result_is_in_cp(dataset, vendor):
    expected = Counter(
        (r["USUBJID"], r["SAMPLE"], TISSUE[r["SPEC"]], r["COLDAT"], r["PCTPOS"], float(r["PCTPOS"]), "%", f"{r['GATE']} CD11b+")
        for r in vendor("biomarker/flow.csv") if r["COLDAT"] <= CUT
    )  # fmt: skip
    cp = dataset("CP")
    assert records(cp, "USUBJID CPREFID CPSPEC CPDTC CPORRES CPSTRESN CPSTRESU CPMRKSTR") == expected and len(expected) > 150
    assert set(zip(cp.CPTESTCD, cp.CPCAT, cp.CPMETHOD, strict=True)) == {("CD11BX", "IMMUNOPHENOTYPING", "FLOW CYTOMETRY")}


LOOKED_FOR = {  # by nucleic acid that the panel names: (test, gene, what)
    "DNA": [("SHRTVAR", "NPM1", ""), ("SHRTVAR", "TP53", ""), ("SHRTVAR", "FLT3", ""), ("SEQREAR", "FLT3", "ITD"), ("SEQREAR", "KMT2A", "PTD")],
    "RNA": [("SEQREAR", "KMT2A", "FUSION"), ("SEQREAR", "NUP98", "FUSION"), ("SEQREAR", "KMT2A", "PTD")],
    "FISH": [("SEQREAR", "KMT2A", "FUSION")],
}


@pytest.fixture(scope="module")
def reported(vendor):
    """By sample: (test, gene, what) that was reported."""
    found = defaultdict(set)
    for r in vendor("ngs/variants.csv"):
        kind = r["TYPE"] if r["TYPE"] in ("ITD", "PTD") else ""
        found[r["SAMPLE"]].add(("SEQREAR" if kind else "SHRTVAR", r["GENE"], kind))
    for r in vendor("ngs/fusions.csv"):
        found[r["SAMPLE"]].add(("SEQREAR", r["GENE1"], r["TYPE"]))
    return found


@pytest.fixture(scope="module")
def specimens(vendor):
    return [r for r in vendor("ngs/samples.csv") if r["COLDAT"] <= CUT]


def test_what_each_panel_looks_for_is_said_once_of_each_specimen(dataset, specimens, reported):
    expected = Counter()
    for r in specimens:
        sought = {each for part in r["PANEL"].split("+") for each in LOOKED_FOR[part]}
        assert reported[r["SAMPLE"]] <= sought and (r["QC"] == "PASS" or not reported[r["SAMPLE"]])
        for test, gene, what in sought:
            result = "" if r["QC"] == "FAIL" else "DETECTED" if (test, gene, what) in reported[r["SAMPLE"]] else "NOT DETECTED"
            reason = ("NOT DONE", "SPECIMEN QC FAILED") if r["QC"] == "FAIL" else ("", "")
            expected[r["USUBJID"], r["SAMPLE"], r["COLDAT"], test, gene, what, result, result, *reason] += 1
    gf = dataset("GF").query("GFTSTDTL == 'DETECTION'")
    gf = gf.assign(WHAT=[g.split(" ")[-1] for g in gf.GFGRPID])
    columns = "USUBJID GFREFID GFDTC GFTESTCD GFSYM WHAT GFORRES GFSTRESC GFSTAT GFREASND"
    assert records(gf, columns) == expected and len(expected) > 150
    assert {key[6] for key in expected} == {"", "DETECTED", "NOT DETECTED"}


def test_each_reported_finding_has_its_records(dataset, vendor, specimens):
    kept, expected = {r["SAMPLE"]: r for r in specimens}, Counter()
    for r in vendor("ngs/variants.csv"):
        where = kept[r["SAMPLE"]]["USUBJID"], r["SAMPLE"]
        if r["TYPE"] in ("ITD", "PTD"):
            kind = {"ITD": "INTERNAL", "PTD": "PARTIAL"}[r["TYPE"]] + " TANDEM DUPLICATION"
            expected[(*where, "SEQREAR", r["GENE"], "REARRANGEMENT TYPE", kind, None, "", "DNA")] += 1
            if r["TYPE"] == "ITD":
                ratio = Fraction(r["VAF"]) / (100 - Fraction(r["VAF"]))
                hundredths = int(ratio * 100 + Fraction(1, 2)) / 100
                expected[(*where, "SEQREAR", "FLT3", "ALLELIC RATIO", f"{hundredths:g}", hundredths, "", "DNA")] += 1
            continue
        for detail, item, unit in (("PREDICTED CODING SEQUENCE CHANGE", "HGVSC", ""), ("PREDICTED AMINO ACID CHANGE", "HGVSP", ""),
                                   ("VARIANT READ DEPTH/READ DEPTH", "VAF", "%"), ("READ DEPTH", "DEPTH", ""),
                                   ("VARIANT IMPACT CLASSIFICATION", "CLASS", "")):  # fmt: skip
            expected[(*where, "SHRTVAR", r["GENE"], detail, r[item], number(r[item]), unit, "DNA")] += bool(r[item])
    for r in vendor("ngs/fusions.csv"):
        where = kept[r["SAMPLE"]]["USUBJID"], r["SAMPLE"]
        acid = "DNA" if r["METHOD"] == "FISH" else "RNA"
        rows = {"REARRANGEMENT TYPE": "PARTIAL TANDEM DUPLICATION"}
        if r["TYPE"] == "FUSION":
            rows = {"REARRANGEMENT TYPE": "FUSION", "REARRANGEMENT GENE 1": r["GENE1"], "REARRANGEMENT GENE 2": r["GENE2"]}
        for detail, result in rows.items():
            expected[(*where, "SEQREAR", r["GENE1"], detail, result, None, "", acid)] += 1
    gf = dataset("GF").query("GFTSTDTL not in ['DETECTION', 'CYCLE THRESHOLD']")
    assert records(gf, "USUBJID GFREFID GFTESTCD GFSYM GFTSTDTL GFSTRESC GFSTRESN GFSTRESU GFSPEC") == expected
    assert {key[3] for key in expected} >= {"NPM1", "TP53", "FLT3", "KMT2A", "NUP98"} and "FISH" in set(gf.GFMETHOD)


def test_the_records_of_a_finding_share_its_group_with_the_detection_of_a_rearrangement(dataset):
    gf = dataset("GF").query("GFTESTCD != 'TRNSCPTN'")
    groups = gf[gf.GFGRPID != ""].groupby("GFGRPID")
    for name, rows in groups:
        details = sorted(rows.GFTSTDTL)
        assert len(set(details)) == len(details) and set(rows.GFREFID) == {name.split(" ")[0]}, name
        if rows.GFTESTCD.iloc[0] == "SEQREAR":
            found = "DETECTED" in set(rows.GFSTRESC)
            assert "DETECTION" in details and ("REARRANGEMENT TYPE" in details) == found, name
        else:
            assert "VARIANT IMPACT CLASSIFICATION" in details and "DETECTION" not in details, name
    assert (gf.GFGRPID[gf.GFTESTCD == "SEQREAR"] != "").all()


def test_every_well_is_in_gf_numbered_in_the_order_of_wells(dataset, wells):
    places = defaultdict(list)
    for r in wells:
        places[r["SAMPLE"], r["GENE"]].append(r["WELL"])
    expected = Counter()
    for r in wells:
        number_ = sorted(places[r["SAMPLE"], r["GENE"]]).index(r["WELL"]) + 1
        standard = "UNDETERMINED" if r["CT"] == "Undetermined" else r["CT"]
        expected[r["USUBJID"], r["SAMPLE"], r["COLDAT"], r["GENE"], float(number_), r["CT"], standard, number(r["CT"])] += 1
    gf = dataset("GF").query("GFTSTDTL == 'CYCLE THRESHOLD'")
    found = records(gf, "USUBJID GFREFID GFDTC GFSYM GFREPNUM GFORRES GFSTRESC GFSTRESN")
    assert found == expected and len(expected) > 1500
    assert "UNDETERMINED" in set(gf.GFSTRESC) and {len(v) for v in places.values()} == {2, 3}, "a well is missing"
    assert set(zip(gf.GFTESTCD, gf.GFSPEC, strict=True)) == {("TRNSCPTN", "RNA")}


def test_every_genomic_record_names_its_tissue(dataset, specimens, wells):
    tissue = {r["SAMPLE"]: TISSUE[r["SPEC"]] for r in [*specimens, *wells]}
    gf, supp = dataset("GF"), dataset("SUPPGF")
    said = {(u, float(n)): v for u, n, q, v in zip(supp.USUBJID, supp.IDVARVAL, supp.QNAM, supp.QVAL, strict=True) if q == "GFTISSUE"}
    assert said == {(r.USUBJID, r.GFSEQ): tissue[r.GFREFID] for r in gf.itertuples()} and set(said.values()) == set(TISSUE.values())


def test_each_specimen_was_collected_once(dataset, vendor, specimens, wells):
    flow = [r for r in vendor("biomarker/flow.csv") if r["COLDAT"] <= CUT]
    expected = {(r["USUBJID"], r["SAMPLE"], r["COLDAT"]) for r in [*flow, *wells, *specimens]}
    be = dataset("BE")
    assert set(zip(be.USUBJID, be.BEREFID, be.BEDTC, strict=True)) == expected and len(be) == len(expected) > 200
    assert set(zip(be.BETERM, be.BEDECOD, strict=True)) == {("Collected", "COLLECTING")}
    assert (be.BESTDTC == be.BEDTC).all() and (be.BEENDTC == be.BEDTC).all()
    measured = {(r.USUBJID, r.GFREFID) for r in dataset("GF").itertuples()} | {(r.USUBJID, r.CPREFID) for r in dataset("CP").itertuples()}
    assert measured == {(u, s) for u, s, _ in expected}


def test_sequence_numbers_follow_the_keys(dataset):
    keys = {
        "VS": "VSTESTCD VSDTC VSTPTNUM", "EG": "EGTESTCD EGDTC EGTPTNUM EGREPNUM", "MI": "MITESTCD MIDTC",
        "CP": "CPTESTCD CPSPEC CPDTC", "GF": "GFTESTCD GFTSTDTL GFSYM GFSPEC GFDTC GFGRPID GFREPNUM", "BE": "BEREFID BEDECOD",
    }  # fmt: skip
    for name, key in keys.items():
        frame = dataset(name)
        rows = [tuple(-1 if isinstance(v, float) and math.isnan(v) else v for v in r)
                for r in frame[["USUBJID", *key.split()]].itertuples(index=False)]  # fmt: skip
        assert rows == sorted(rows), name
        assert (frame.groupby("USUBJID")[f"{name}SEQ"].diff().dropna() == 1).all()
        assert (frame.groupby("USUBJID")[f"{name}SEQ"].first() == 1).all()


def test_epoch_and_study_day_agree_with_the_elements_and_the_first_dose(dataset, first_dose):
    elements = defaultdict(list)
    for r in dataset("SE").itertuples():
        elements[r.USUBJID].append((r.SESTDTC[:10], r.SEENDTC[:10] or "9999", r.EPOCH))
    for name, key in (("VS", "VSDTC"), ("EG", "EGDTC"), ("MI", "MIDTC"), ("CP", "CPDTC"), ("GF", "GFDTC"), ("BE", "BESTDTC")):
        frame = dataset(name)
        for dtc, who, epoch, day in set(zip(frame[key], frame.USUBJID, frame.EPOCH, frame[key.replace("DTC", "DY")], strict=True)):
            if not dtc:
                assert epoch == "" and math.isnan(day)
                continue
            possible = {e for start, end, e in elements[who] if start <= dtc[:10] <= end}
            assert epoch in possible or (not possible and epoch == ""), (name, who, dtc, epoch)
            if who in first_dose:
                days = (date.fromisoformat(dtc[:10]) - date.fromisoformat(first_dose[who][:10])).days
                assert day == days + (days >= 0), (name, who, dtc)
