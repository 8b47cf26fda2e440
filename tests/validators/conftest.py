"""A made-up study of two subjects, clean in every dataset, for tests to corrupt one value at a time."""

import pandas as pd
import pytest

import adam  # noqa: F401  registers the verbs
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.spec.catalogue import Catalogue
from engine.spec.study import load_study
from engine.standards import load_sdtmig
from validators.shelf import Shelf

STUDY = """
study: TOY
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
settings: {DCUTDT: 2030-12-31, DAYS: 28}
codelists:
  UNIT: {spoon: Spoon}
  LBTESTCD: {GLOW: Glow of the Skin}
identity: {subjects: subj, USUBJID: {first: subj.NUMBER}}
"""
RAW = "carriers: {csv: {folder: edc}}\ncommon: {SUBJECT: text}\nroles: {subject: SUBJECT}\n"
PERMITTED = {
    "AE": ["AESDTH", "AETOXGR", "AESTDY", "AEENDY", "AEENRTPT", "AEENTPT", "EPOCH"],
    "CM": ["CMSTDTC", "CMSTRTPT", "CMSTTPT", "CMSTRF"],
    "LB": ["VISIT", "LBDY", "LBSTAT", "LBREASND", "LBSPEC", "EPOCH"],
    "VS": ["VSDRVFL"],
    "EX": [],
    "DM": [],
    "SE": ["ELEMENT", "TAETORD", "EPOCH", "SESTDY"],
    "SV": ["VISIT"],
    "DS": [],
    "TA": ["ELEMENT"],
    "TE": ["TEENRL"],
    "TI": [],
    "IE": [],
    "TS": ["TSVALNF"],
    "RELREC": [],
    "EG": ["EGORRESU", "EGSTRESN", "EGSTRESU", "EGMETHOD"],
    "GF": ["GFTSTDTL", "GFSTRESN", "GFSTRESU", "GFSPEC"],
    "MI": ["MIORRESU", "MISTRESN", "MISTRESU", "MISPEC", "MIMETHOD"],
}
KEYS = {
    "DM": "USUBJID",
    "EX": "USUBJID, EXSTDTC",
    "AE": "USUBJID, AESTDTC, AETERM",
    "CM": "USUBJID, CMTRT",
    "LB": "USUBJID, LBTESTCD, LBDTC",
    "VS": "USUBJID, VSTESTCD, VSDTC",
    "SE": "USUBJID, TAETORD",
    "SV": "USUBJID, VISITNUM",
    "DS": "USUBJID, DSDECOD",
    "TA": "ARMCD, TAETORD",
    "TE": "ETCD",
    "TI": "IETESTCD",
    "IE": "USUBJID, IETESTCD",
    "TS": "TSPARMCD, TSSEQ",
    "RELREC": "RDOMAIN, IDVAR, RELID",
    "EG": "USUBJID, EGTESTCD, EGDTC",
    "GF": "USUBJID, GFTESTCD, GFTSTDTL, GFDTC",
    "MI": "USUBJID, MITESTCD, MIDTC",
}
SUPPLEMENTAL = "supplemental:\n  AEDLT: {copy: ae.X, label: Dose Limiting Toxicity, codelist: NY}\n"
ADSL = """
dataset: ADSL
label: Subject-Level Analysis Dataset
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {set: a}
  SITEID: {set: a}
  AGE: {set: "1"}
  AGEU: {set: YEARS}
  SEX: {set: F}
  RACE: {set: ASIAN}
  SAFFL: {set: Y}
  ARM: {set: a}
  TRTSDT: {set: "1", format: DATE9.}
  TRTSDTM: {set: "1", format: DATETIME20.}
  TRTSTMF: {set: H}
  TRTEDT: {set: "1", format: DATE9.}
  TRTEDTF: {set: D}
  DTHDT: {set: "1", format: DATE9.}
  DTHDTF: {set: D}
"""
ADTTE = """
dataset: ADTTE
label: Times to Event
keys: [STUDYID, USUBJID, PARAMCD]
records: {each: person}
variables:
  TRTSDT: {set: "1", format: DATE9.}
  SAFFL: {set: Y}
  ASEQ: {sequence: keys, label: Analysis Sequence Number, type: Num}
  PARAMCD: {set: OS}
  PARAM: {set: a}
  PARAMN: {set: "1"}
  AVAL: {set: "1"}
  AVALU: {set: DAYS, label: Unit, type: Char}
  BASE: {set: "1"}
  CHG: {set: "1"}
  ABLFL: {set: Y}
  BASETYPE: {set: a}
  STARTDT: {set: "1", format: DATE9.}
  ADT: {set: "1", format: DATE9.}
  ADTF: {set: D}
  ADY: {set: "1"}
  CNSR: {set: "0"}
  EVNTDESC: {set: a}
  CNSDTDSC: {set: a}
"""
START = 25636.0  # 2030-03-10 as a SAS date
CLEAN = {
    "DM": [
        "USUBJID SUBJID SITEID SEX COUNTRY RFSTDTC RFENDTC RFXSTDTC RFPENDTC ARMCD ARM ACTARMCD ACTARM AGE AGEU",
        ["T-1", "1", "07", "F", "CHN", "2030-03-10T08:00", "2030-05-01", "2030-03-10T08:00", "2030-06-01", "A", "Arm A", "A", "Arm A", 40.0, "YEARS"],
        ["T-2", "2", "07", "M", "CHN", None, None, None, "2030-03-20", None, None, None, None, 50.0, "YEARS"],
    ],
    "EX": [
        "USUBJID EXSEQ EXTRT EXDOSE EXDOSU EXSTDTC EXENDTC",
        ["T-1", 1.0, "TOY", 10.0, "mg", "2030-03-10T08:00", "2030-03-20"],
        ["T-1", 2.0, "TOY", 5.0, "spoon", "2030-03-25", "2030-05-01"],
    ],
    "AE": [
        "USUBJID AESEQ AETERM AEDECOD AESER AESDTH AETOXGR AESTDTC AEENDTC AESTDY AEENDY AEENRTPT AEENTPT EPOCH",
        ["T-1", 1.0, "Rash", "Rash", "N", None, "2", "2030-03-09", "2030-03-11", -1.0, 2.0, None, None, "SCREENING"],
        ["T-1", 2.0, "Cough", "Cough", "Y", "N", "3", "2030-04", None, None, None, "ONGOING", "2030-06-01", None],
        ["T-2", 1.0, "Rash", "Rash", "N", None, "1", "2030-03-12", None, None, None, None, None, "SCREENING"],
    ],
    "CM": [
        "USUBJID CMSEQ CMTRT CMSTDTC CMSTRTPT CMSTTPT CMSTRF",
        ["T-1", 1.0, "Aspirin", None, "BEFORE", "FIRST DOSE", None],
        ["T-2", 1.0, "Aspirin", "2030-01", None, None, None],
    ],
    "LB": [
        "USUBJID LBSEQ LBTESTCD LBTEST LBCAT LBORRES LBORRESU LBSTRESC LBSTRESN LBSTRESU LBSTAT LBREASND LBSPEC LBLOBXFL "
        "VISITNUM VISIT LBDTC LBDY EPOCH",
        ["T-1", 1.0, "ALT", "Alanine Aminotransferase", "X", "30", "U/L", "30", 30.0, "U/L", None, None, "SERUM", "Y", 1.0, "SCREENING", "2030-03-09", -1.0, "SCREENING"],
        ["T-1", 2.0, "ALT", "Alanine Aminotransferase", "X", "<5", "U/L", "<5", None, "U/L", None, None, "SERUM", None, 2.0, "WEEK 1", "2030-03-17", 8.0, "TREATMENT"],
        ["T-1", 3.0, "GLOW", "Glow of the Skin", "X", None, None, None, None, None, "NOT DONE", "Dark", None, None, 2.0, "WEEK 1", "2030-03-17", 8.0, "TREATMENT"],
    ],
    "VS": [
        "USUBJID VSSEQ VSTESTCD VSTEST VSORRES VSORRESU VSSTRESC VSSTRESN VSSTRESU VSDRVFL VISITNUM VSDTC",
        ["T-1", 1.0, "BMI", "Body Mass Index", None, None, "21.5", 21.5, "kg/m2", "Y", 1.0, "2030-03-09"],
        ["T-1", 2.0, "HEIGHT", "Height", "160", "cm", "160", 160.0, "cm", None, 1.0, "2030-03-09"],
    ],
    "SE": [
        "USUBJID SESEQ ETCD ELEMENT TAETORD EPOCH SESTDTC SEENDTC SESTDY",
        ["T-1", 1.0, "SCRN", "Screening", 1.0, "SCREENING", "2030-03-01", "2030-03-10T08:00", -9.0],
        ["T-1", 2.0, "TRT", "Treatment", 2.0, "TREATMENT", "2030-03-10T08:00", None, 1.0],
        ["T-2", 1.0, "SCRN", "Screening", 1.0, "SCREENING", "2030-03-01", "2030-03-20", None],
    ],
    "SV": [
        "USUBJID VISITNUM VISIT SVSTDTC SVENDTC",
        ["T-1", 1.0, "SCREENING", "2030-03-09", "2030-03-09"],
        ["T-1", 2.0, "WEEK 1", "2030-03-17", "2030-03-17"],
    ],
    "DS": [
        "USUBJID DSSEQ DSTERM DSDECOD DSCAT DSSTDTC DSSTDY",
        ["T-1", 1.0, "INFORMED CONSENT OBTAINED", "INFORMED CONSENT OBTAINED", "PROTOCOL MILESTONE", "2030-03-01", -9.0],
        ["T-2", 1.0, "Moved", "LOST TO FOLLOW-UP", "DISPOSITION EVENT", "2030-03-20", None],
    ],
    "TA": [
        "ARMCD ARM TAETORD ETCD ELEMENT EPOCH",
        ["A", "Arm A", 1.0, "SCRN", "Screening", "SCREENING"],
        ["A", "Arm A", 2.0, "TRT", "Treatment", "TREATMENT"],
    ],
    "TE": [
        "ETCD ELEMENT TESTRL TEENRL",
        ["SCRN", "Screening", "Consent", "First dose"],
        ["TRT", "Treatment", "First dose", "Last dose"],
    ],
    "TI": ["IETESTCD IETEST IECAT", ["INCL01", "Age of 18 years or older at the time of consent to this trial", "INCLUSION"]],
    "IE": [
        "USUBJID IESEQ IETESTCD IETEST IECAT IEORRES IESTRESC",
        ["T-2", 1.0, "INCL01", "Age of 18 years or older at the time of consent to this trial", "INCLUSION", "N", "N"],
    ],
    "TS": [
        "TSSEQ TSPARMCD TSPARM TSVAL TSVALNF TSVALCD TSVCDREF TSVCDVER",
        [1.0, "AGEMAX", "Planned Maximum Age of Subjects", None, "PINF", None, None, None],
        [1.0, "TBLIND", "Trial Blinding Schema", "OPEN LABEL", None, "C49659", "CDISC CT", "2025-03-28"],
        [1.0, "TTYPE", "Trial Type", "SAFETY", None, "C49667", "CDISC CT", "2025-03-28"],
        [2.0, "TTYPE", "Trial Type", "EFFICACY", None, "C49666", "CDISC CT", "2025-03-28"],
    ],
    "RELREC": [
        "RDOMAIN IDVAR RELTYPE RELID",
        ["AE", "AESPID", "ONE", "AECM"],
        ["CM", "CMSPID", "MANY", "AECM"],
    ],
    "EG": [
        "USUBJID EGSEQ EGTESTCD EGTEST EGORRES EGORRESU EGSTRESC EGSTRESN EGSTRESU EGMETHOD VISITNUM EGDTC",
        ["T-1", 1.0, "QTCFAG", "QTcF Interval, Aggregate", "400", "ms", "400", 400.0, "ms", "12 LEAD STANDARD", 1.0, "2030-03-09"],
        ["T-1", 2.0, "QTCFAG", "QTcF Interval, Aggregate", "410", "ms", "410", 410.0, "ms", "12 LEAD STANDARD", 2.0, "2030-03-17"],
    ],
    "GF": [
        "USUBJID GFSEQ GFTESTCD GFTEST GFTSTDTL GFORRES GFSTRESC GFSTRESN GFSTRESU GFSPEC GFDTC",
        ["T-1", 1.0, "SHRTVAR", "Short Variation", "READ DEPTH", "200", "200", 200.0, None, "DNA", "2030-03-09"],
        ["T-1", 2.0, "SHRTVAR", "Short Variation", "VARIANT READ DEPTH/READ DEPTH", "5", "5", 5.0, "%", "DNA", "2030-03-09"],
        ["T-1", 3.0, "SHRTVAR", "Short Variation", "VARIANT READ DEPTH/READ DEPTH", "7", "7", 7.0, "%", "DNA", "2030-03-17"],
    ],
    "MI": [
        "USUBJID MISEQ MITESTCD MITEST MIORRES MIORRESU MISTRESC MISTRESN MISTRESU MISPEC MIMETHOD MIDTC",
        ["T-1", 1.0, "BLASTCE", "Blasts/Total Cells", "30", "%", "30", 30.0, "%", "BONE MARROW", "MICROSCOPY", "2030-03-09"],
        ["T-1", 2.0, "BLASTCE", "Blasts/Total Cells", "20", "%", "20", 20.0, "%", "BONE MARROW", "MICROSCOPY", "2030-03-17"],
    ],
    "SUPPAE": [
        "RDOMAIN USUBJID IDVAR IDVARVAL QNAM QLABEL QVAL QORIG",
        ["AE", "T-1", "AESEQ", "1", "AEDLT", "Dose Limiting Toxicity", "N", "Collected"],
        ["AE", "T-1", "AESEQ", "2", "AEDLT", "Dose Limiting Toxicity", "Y", "Collected"],
    ],
    "ADSL": [
        "USUBJID SUBJID SITEID AGE AGEU SEX RACE SAFFL ARM TRTSDT TRTSDTM TRTSTMF TRTEDT TRTEDTF DTHDT DTHDTF",
        ["T-1", "1", "07", 40.0, "YEARS", "F", "ASIAN", "Y", "A", START, START * 86400, "H", START + 50, "D", START + 80, "D"],
        ["T-2", "2", "07", 50.0, "YEARS", "M", "ASIAN", "N", None, None, None, None, None, None, None, None],
    ],
    "ADTTE": [
        "USUBJID TRTSDT SAFFL ASEQ PARAMCD PARAM PARAMN AVAL AVALU BASE CHG ABLFL BASETYPE STARTDT ADT ADTF ADY CNSR "
        "EVNTDESC CNSDTDSC",
        ["T-1", START, "Y", 1.0, "OS", "Overall Survival", 1.0, 81.0, "DAYS", 81.0, None, "Y", "A", START, START + 80, "D", 81.0, 0.0, "DEATH", None],
        ["T-1", START, "Y", 2.0, "RFS", "Relapse-Free Survival", 2.0, 31.0, "DAYS", 81.0, -50.0, None, "A", START, START + 30, None, 31.0, 1.0, None, "LAST SEEN"],
    ],
}  # fmt: skip


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory):
    """The made-up study's catalogue: required, expected and some permissible variables of each dataset."""
    folder = tmp_path_factory.mktemp("toy") / "toy"
    (folder / "sdtm").mkdir(parents=True)
    (folder / "adam").mkdir()
    (folder / "tables").mkdir()
    (folder / "study.yaml").write_text(STUDY)
    (folder / "raw.yaml").write_text(RAW)
    (folder / "tables" / "factors.csv").write_text("TEST,UNIT,FACTOR\nGLOW,U/L,7\nALT,g/L,5\nALT,U/L,1\n")
    (folder / "adam" / "adsl.yaml").write_text(ADSL)
    (folder / "adam" / "adtte.yaml").write_text(ADTTE)
    for name, extra in PERMITTED.items():
        standard = load_sdtmig().datasets[name].variables
        wanted = dict.fromkeys([*(v for v, s in standard.items() if s.core in ("Req", "Exp")), *extra])
        lines = "".join(f"  {v}: {{not_collected: made up}}\n" for v in wanted if v not in ("STUDYID", "DOMAIN", "USUBJID"))
        text = f"dataset: {name}\nkeys: [STUDYID, {KEYS[name]}]\nrecords: {{each: ae}}\nvariables:\n{lines}"
        (folder / "sdtm" / f"{name.lower()}.yaml").write_text(text + (SUPPLEMENTAL if name == "AE" else ""))
    found = Catalogue(load_study(folder))
    assert not found.problems
    return found


def frame(catalogue, name):
    """The clean records of a dataset, every variable of its description in order."""
    info = Shelf(catalogue, {}, frozenset()).info(name)
    columns, *rows = CLEAN[name]
    given = pd.DataFrame(rows, columns=columns.split(), dtype=object)
    made = {}
    for variable in info.variables:
        fixed = {"STUDYID": "TOY", "DOMAIN": name}.get(variable.name)
        values = given[variable.name] if variable.name in given else pd.Series([fixed] * len(given), dtype=object)
        made[variable.name] = values.astype("str" if variable.type == "Char" else "float64")
    assert set(given) <= set(made), set(given) - set(made)
    return pd.DataFrame(made)


@pytest.fixture
def frames(catalogue):
    """All clean datasets, fresh for each test."""
    return {name: frame(catalogue, name) for name in CLEAN}


@pytest.fixture(scope="session")
def fresh(catalogue):
    """A function that puts the clean datasets side by side anew, both packages published."""
    return lambda: Shelf(catalogue, {name: frame(catalogue, name) for name in CLEAN}, frozenset({"sdtm", "adam"}))


@pytest.fixture
def shelf(catalogue, frames):
    """The clean datasets side by side, both packages published."""
    return Shelf(catalogue, frames, frozenset({"sdtm", "adam"}))
