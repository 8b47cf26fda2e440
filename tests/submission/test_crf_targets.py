"""Where the fields of a form go, of small made-up specs that a data manager could follow by eye."""

import pytest

from engine.spec.study import load_study
from submission.crf_layout import crf_layout
from submission.crf_targets import field_targets
from trialmill.cli import app  # noqa: F401  registers the verbs of all rooms

STUDY = """
study: MADE-UP
title: A made-up study
created: "2030-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}}
identity: {subjects: entry, USUBJID: {prefix: M-, first: entry.SCRNO}}
settings: {DRUG: Pill}
"""
RAW = """
carriers: {csv: {folder: forms}}
common: {SUBJ: text, VISIT: text, RECNO: number}
roles: {subject: SUBJ, visit: VISIT, record: RECNO}
vendors: {lab: {files: lab.csv, subject: SUBJ, columns: {SUBJ: text, TUBE: text, TEST: text, RESULT: text}}}
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
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made_up")
    for name, text in {"study": STUDY, "raw": RAW, "forms": FORMS}.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "sdtm").mkdir()
    for name, text in DATASETS.items():
        (folder / "sdtm" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_study(folder, "made_up")


@pytest.mark.parametrize(
    ("field", "expected", "why"),
    [
        ("event.WHAT", ["AE.AETERM", "AE.AEDECOD"], "what is copied from the submitted variable is collected too"),
        ("event.BEGAN", ["AE.AESTDTC"], "the study day is derived and has no place on the form"),
        ("event.GOESON", ["AE.AEENRTPT", "AE.AEENTPT"], "the box decides whether the stated word is given"),
        ("event.WHY", ["AE.AEREL"], "the code chooses a word of the spec, through a working variable"),
        ("event.WHYOTH", ["AE.AEREL"], "the text is copied through a working variable"),
        ("event.LIMITING", ["SUPPAE.QVAL QNAM=AELIM"], "a supplemental qualifier"),
        ("event.CHECKED", [], "read by a check only"),
        ("event.UNREAD", [], "read by nothing"),
        ("signs.PULSE", ["VS.VSORRES VSTESTCD=PULSE", "VS.VSORRESU VSTESTCD=PULSE"], "its unit is printed"),
        ("signs.TEMP", ["VS.VSORRES VSTESTCD=TEMP"], "one record for each item"),
        ("signs.TEMPU", ["VS.VSORRESU VSTESTCD=TEMP"], "the unit that was ticked"),
        ("signs.DAT", ["VS.VSDTC"], "true of all items"),
        ("tube.TUBENO", ["LB.LBREFID"], "the vendor's result is found by it, so that it has its value"),
        ("tube.DRAWN", [], "the laboratory gives no date, and nothing reads this one"),
        ("entry.SCRNO", ["DM.SUBJID"], "the number under which a person takes part"),
        ("stop.STOPDAT", ["DS.DSSTDTC DSDECOD=COMPLETED"], "one of several ways in which records come about"),
        ("stop.STOPPED", ["DS.DSDECOD DSDECOD=COMPLETED"], "it chooses the records, whose word stands in the spec"),
    ],
)  # fmt: skip
def test_field_goes_to(study, field, expected, why):
    found = field_targets(study).of(*field.split("."))
    said = [" ".join([f"{t.dataset}.{t.variable}", *(f"{k}={v}" for k, v in t.condition)]) for t in found]
    assert said == expected, why


def test_a_page_is_found_by_variable_and_condition(study):
    layout = crf_layout(study)
    assert layout.pages_of("VS", "VSORRES", {"VSTESTCD": "TEMP"}) == (layout.forms["signs"],)
    assert layout.pages_of("VS", "VSORRES", {"VSTESTCD": "HEIGHT"}) == ()
    assert layout.pages_of("VS", "VSDTC", {"VSTESTCD": "TEMP"}) == (layout.forms["signs"],)
    assert layout.pages_of("SUPPAE", "QVAL", {"QNAM": "AELIM"}) == (layout.forms["event"],)
    assert [(f, c) for f, c, _ in layout.not_submitted] == [("event", "CHECKED"), ("event", "UNREAD"), ("tube", "DRAWN")]
