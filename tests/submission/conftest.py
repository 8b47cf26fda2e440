"""A made-up study in small specs: fields that go to each kind of place, and analysis datasets that read one another."""

import pytest

STUDY = """
study: MADE-UP
title: A made-up study
created: "2030-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
identity: {subjects: entry, USUBJID: {prefix: M-, first: entry.SCRNO}}
settings: {DRUG: Pill}
codelists: {AEREL: {STUDY DRUG: Study Drug}}
"""
RAW = """
carriers: {csv: {folder: forms}}
common: {SUBJ: text, VISIT: text, RECNO: number}
roles: {subject: SUBJ, visit: VISIT, record: RECNO}
vendors: {lab: {files: lab.csv, subject: SUBJ, columns: {SUBJ: text, TUBE: text, TEST: text, RESULT: text, READER: text}}}
"""
FORMS = """
codes: {NY: {"Y": "Yes", "N": "No"}}
visits: {V1: Screening, V2: Week 4}
forms:
  entry: {name: Entry, visits: V1, items: {SCRNO: {type: text, prompt: Screening number}}}
  event:
    name: Event
    repeating: true
    items:
      WHAT: {type: text, prompt: What happened}
      BEGAN: {type: date, prompt: Began}
      GOESON: {type: code, codes: NY, prompt: Ongoing}
      WHY: {type: code, codes: {DRUG: Study drug, OTHER: Other}, prompt: Cause}
      WHYOTH: {type: text, prompt: Other cause}
      LIMITING: {type: code, codes: NY, prompt: Dose limiting}
      CHECKED: {type: code, codes: NY, prompt: Checked by the monitor}
      UNREAD: {type: text, prompt: Not read by anything}
      NOTE: {type: text, length: 450, prompt: Deviation}
  signs:
    name: Signs
    visits: [V1, V2]
    items:
      DAT: {type: date, prompt: Date}
      PULSE: {type: number, unit: beats/min, prompt: Pulse}
      TEMP: {type: number, units: [C, F], prompt: Temperature}
  tube: {name: Blood drawn, items: {TUBENO: {type: text, prompt: Tube}, DRAWN: {type: date, prompt: Drawn}}}
  stop: {name: Stop, items: {STOPDAT: {type: date, prompt: Date}, STOPPED: {type: code, codes: NY, prompt: Stopped}}}
"""
DATASETS = {
    "dm": """
dataset: DM
keys: [USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  _STOP: {iso8601: stop.STOPDAT, type: Char}
""",
    "ae": """
dataset: AE
keys: [USUBJID, AETERM]
records: {each: event}
checks: [{expect: "event.CHECKED == 'Y'", says: the monitor has not checked it}]
variables:
  AETERM: {copy: event.WHAT}
  AEDECOD: {copy: AETERM}
  AESTDTC: {iso8601: event.BEGAN}
  AESTDY: {study_day: AESTDTC}
  AEENRTPT: {set: ONGOING, where: "event.GOESON == 'Y'"}
  AEENTPT: {copy: DM._STOP, where: "event.GOESON == 'Y'"}
  _WHY:
    cases:
      - {when: "event.WHY == 'DRUG'", give: STUDY DRUG}
      - {when: "event.WHYOTH is present", copy: event.WHYOTH}
    type: Char
  AEREL: {copy: _WHY}
supplemental:
  AELIM: {copy: event.LIMITING, label: Dose Limiting}
""",
    "vs": """
dataset: VS
keys: [USUBJID, VSTESTCD]
records: {each: signs, transpose: {items: {PULSE: signs.PULSE, TEMP: signs.TEMP}, units: {TEMP: signs.TEMPU}}}
variables:
  VSTESTCD: {copy: item.CODE}
  VSORRES: {copy: item.VALUE}
  VSORRESU: {copy: item.UNIT}
  VSSTRESN: {numeric: VSORRES}
  VSDTC: {iso8601: signs.DAT}
""",
    "lb": """
dataset: LB
keys: [USUBJID, LBTESTCD]
records:
  - each: lab
  - join: {source: tube, match: {TUBENO: lab.TUBE}}
variables:
  LBREFID: {copy: lab.TUBE}
  LBTESTCD: {copy: lab.TEST}
  LBORRES: {copy: lab.RESULT}
""",
    "ds": """
dataset: DS
keys: [USUBJID, DSDECOD]
parts:
  begun:
    each: entry
    variables: {DSDECOD: {set: ENROLLED}, DSCAT: {set: MILESTONE}}
  ended:
    each: stop
    where: "stop.STOPPED == 'Y'"
    variables: {DSDECOD: {set: COMPLETED}, DSCAT: {set: DISPOSITION EVENT}, DSSTDTC: {iso8601: stop.STOPDAT}}
variables:
  DSTERM: {copy: DSDECOD}
""",
    "dv": """
dataset: DV
keys: [USUBJID, DVTERM]
records: {each: event, where: event.LIMITING is present}
keep: _STOPDAT is present
variables:
  DVTERM: {copy: event.NOTE, overflow: supp}
  _STOPDAT: {iso8601: stop.STOPDAT, type: Char}
""",
}
ANALYSIS = {
    "adsl": """
dataset: ADSL
label: Subjects
structure: ADSL
class: SUBJECT LEVEL ANALYSIS DATASET
keys: [USUBJID]
records: {each: DM}
variables:
  SUBJID: {copy: DM.SUBJID}
  SAFFL: {set: "Y"}
  AEFL: {exists: EVENTS, label: Had an Event, type: Char, comment: Any event counts.}
""",
    "events": """
dataset: EVENTS
label: Events that count
working: true
keys: [USUBJID, WHAT]
records: {each: AE, where: AE.AESTDTC is present}
variables:
  WHAT: {copy: AE.AETERM, type: Char}
""",
    "advs": """
dataset: ADVS
label: Signs
class: BASIC DATA STRUCTURE
keys: [USUBJID, PARAMCD]
records: {each: VS}
variables:
  PARAMCD: {copy: VS.VSTESTCD}
  PARAM: {copy: VS.VSTESTCD}
  AVAL: {copy: VS.VSSTRESN}
  SAFFL: {copy: ADSL.SAFFL}
  ANL01FL: {flag: AVAL is present}
""",
}


@pytest.fixture(scope="session")
def made_up_folder(tmp_path_factory):
    """The folder of the study."""
    folder = tmp_path_factory.mktemp("made_up")
    for name, text in {"study": STUDY, "raw": RAW, "forms": FORMS}.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    for package, texts in {"sdtm": DATASETS, "adam": ANALYSIS}.items():
        (folder / package).mkdir()
        for name, text in texts.items():
            (folder / package / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder
