"""Where the fields of a form go, of small made-up specs that a data manager could follow by eye."""

import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.spec.study import load_study
from submission.crf_layout import crf_layout
from submission.crf_targets import field_targets


@pytest.fixture(scope="module")
def study(made_up_folder):
    return load_study(made_up_folder, "made_up")


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
        ("event.NOTE", ["DV.DVTERM", "SUPPDV.QVAL QNAM=DVTERM1", "SUPPDV.QVAL QNAM=DVTERM2"], "450 letters need three parts"),
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
