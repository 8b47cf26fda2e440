"""Rules about variables and datasets that few studies have, and the kinds of check that go through a whole package."""

import numpy as np
import pandas as pd
import pytest

import adam  # noqa: F401  registers the verbs
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.errors import SpecError
from engine.spec.catalogue import Catalogue
from engine.spec.document import read_document
from engine.spec.study import load_study
from validators.described import answers, general_rules, published_rules, schema_rules
from validators.evaluate import run_rules
from validators.holdings import Related
from validators.patterns import Patterns, over
from validators.rules import Rules, load_rules, read_rules
from validators.shelf import Shelf

STUDY = """
study: RARE
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}, adam: {standard: adamig}}
identity: {subjects: subj, USUBJID: {first: subj.NUMBER}}
"""
VARIABLES = {
    "DM": "USUBJID SUBJID",
    "CM": "USUBJID CMSEQ CMTRT CMPRESP CMOCCUR CMSTRF CMENRF",
    "EX": "USUBJID EXSEQ EXTRT EXTRTV EXVAMT EXVAMTU",
    "LB": "USUBJID LBSEQ LBTESTCD LBTOX LBTOXGR LBSPCUFL",
    "PE": "USUBJID PESEQ PETESTCD PEORRES PESTRESC",
    "SM": "USUBJID SMSEQ MIDS MIDSTYPE SMSTDTC",
    "TM": "MIDSTYPE TMRPT",
    "TD": "TDORDER TDSTOFF",
    "RELSUB": "USUBJID POOLID RSUBJID",
}
ADAM = {
    "ADSL": ("ADSL", "{SAFFL: {set: Y}, SAFFN: {set: '1', label: Safety Population Flag (N), type: Num}}"),
    "ADXX": ("BDS", "{PARAMCD: {set: X}, PARAM: {set: X}, AVAL: {set: '1'}, ANL02FL: {set: Y, label: Analysis Flag 03}}"),
    "ADPK": ("POPPK", "{EVID: {set: '1', label: Event ID, type: Num}}"),
}
CASES = [  # rule, dataset, values that break it, values that do not
    ("SD35", "CM", {"CMOCCUR": "N", "CMSTRF": "BEFORE"}, {"CMOCCUR": "N"}),
    ("SD35", "CM", {"CMOCCUR": "N", "CMENRF": "AFTER"}, {"CMOCCUR": "Y", "CMENRF": "AFTER"}),
    ("SD38", "EX", {"EXVAMT": 5.0}, {"EXVAMT": 5.0, "EXTRTV": "SALINE"}),
    ("SD38", "EX", {"EXVAMTU": "mL"}, {"EXVAMTU": "mL", "EXTRTV": "SALINE"}),
    ("SD50", "LB", {"LBTOX": "Anemia"}, {"LBTOX": "Anemia", "LBTOXGR": "2"}),
    ("SD50", "LB", {"LBTOXGR": "bad"}, {"LBTOXGR": "2"}),
    ("SD52", "PE", {"PESTRESC": "NORMAL"}, {"PESTRESC": "NORMAL", "PEORRES": "NORMAL"}),
    ("SD54", "LB", {"LBSPCUFL": "Y"}, {"LBSPCUFL": "N"}),
    ("SD63", "SM", {"MIDS": "HYPO 1"}, {"MIDS": "HYPO 1", "SMSTDTC": "2030-01-01"}),
    ("SD73", "TD", {"TDSTOFF": "7 days"}, {"TDSTOFF": "P7D"}),
    ("SD80", "RELSUB", {"USUBJID": "R-1", "POOLID": "P"}, {"USUBJID": "R-1", "RSUBJID": "R-2"}),
    ("SD80", "RELSUB", {"USUBJID": "R-1", "RSUBJID": "R-1"}, {"POOLID": "P", "USUBJID": None}),
    ("AD12", "ADSL", {"SAFFL": "Y", "SAFFN": 0.0}, {"SAFFL": "Y", "SAFFN": 1.0}),
    ("AD12", "ADSL", {"SAFFL": "N", "SAFFN": 1.0}, {"SAFFL": "N", "SAFFN": 0.0}),
]  # fmt: skip


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rare") / "rare"
    (folder / "sdtm").mkdir(parents=True)
    (folder / "adam").mkdir()
    (folder / "study.yaml").write_text(STUDY)
    (folder / "raw.yaml").write_text("carriers: {csv: {folder: edc}}\ncommon: {SUBJECT: text}\nroles: {subject: SUBJECT}\n")
    for name, variables in VARIABLES.items():
        lines = "".join(f"  {v}: {{not_collected: made up}}\n" for v in variables.split() if v != "USUBJID")
        text = f"dataset: {name}\nkeys: [STUDYID]\nrecords: {{each: ae}}\nvariables:\n{lines}"
        (folder / "sdtm" / f"{name.lower()}.yaml").write_text(text)
    for name, (structure, lines) in ADAM.items():
        head = f"dataset: {name}\nlabel: Made up\nkeys: [STUDYID, USUBJID]\nrecords: {{each: person}}\nstructure: {structure}\n"
        (folder / "adam" / f"{name.lower()}.yaml").write_text(f"{head}variables: {lines}\n")
    return Catalogue(load_study(folder))


@pytest.fixture(scope="module")
def rules(catalogue):
    return load_rules(catalogue)


def frame(catalogue, name, records):
    """Records of a dataset with these values, all others missing."""
    made = {}
    for variable in catalogue.datasets[name].variables:
        values = [record.get(variable.name, {"STUDYID": "RARE", "USUBJID": "R-1"}.get(variable.name)) for record in records]
        made[variable.name] = pd.Series(values, dtype="str" if variable.type == "Char" else "float64")
    return pd.DataFrame(made)


def shelf_of(catalogue, **records):
    frames = {name: frame(catalogue, name, some) for name, some in records.items()}
    return Shelf(catalogue, frames, frozenset({"sdtm", "adam"}))


def found(shelf, rules, rule):
    return [f for f in run_rules(shelf, Rules([r for r in rules.rules if r.id == rule])).faults if not f.untold]


@pytest.mark.parametrize(("rule", "dataset", "bad", "good"), CASES)
def test_a_rare_rule_finds_its_fault_and_leaves_the_rest_alone(catalogue, rules, rule, dataset, bad, good):
    faults = found(shelf_of(catalogue, **{dataset: [good, bad]}), rules, rule)
    assert [(f.dataset, f.rows.tolist()) for f in faults if len(f.rows)] == [(dataset, [1])]
    assert all(f.do for f in faults)


def test_a_milestone_that_may_not_repeat_is_told(catalogue, rules):
    once = {"MIDSTYPE": "DIAGNOSIS", "MIDS": "DIAG", "SMSTDTC": "2030-01-01"}
    plan = [{"MIDSTYPE": "DIAGNOSIS", "TMRPT": "N"}]
    assert found(shelf_of(catalogue, SM=[once], TM=plan), rules, "SD63") == []
    (fault,) = found(shelf_of(catalogue, SM=[once, once], TM=plan), rules, "SD63")
    assert (fault.variable, fault.rows.tolist()) == ("MIDSTYPE", [0, 1])


def test_a_plan_of_milestones_is_missed(catalogue, rules):
    (fault,) = found(shelf_of(catalogue, SM=[{"MIDS": "A", "SMSTDTC": "2030-01-01"}]), rules, "SD63")
    assert (fault.dataset, len(fault.rows)) == ("TM", 0) and "TM is not there" in fault.says


def test_the_label_of_an_analysis_flag_says_its_number(catalogue, rules):
    (fault,) = found(shelf_of(catalogue, ADXX=[{"ANL02FL": "Y"}]), rules, "AD31")
    assert (fault.dataset, fault.variable) == ("ADXX", "ANL02FL") and 'does not say 02' in fault.says


def test_a_dataset_for_population_pharmacokinetics_has_its_variables(catalogue, rules):
    faults = found(shelf_of(catalogue, ADPK=[{"EVID": 1.0}]), rules, "AD33")
    assert [f.variable for f in faults] == ["USUBJIDN", "AFRLT", "DV", "MDV", "AMT"]


CHECK = "rules:\n  R1:\n    title: a rule\n    checks:\n      - {%s}\n"
CM = {"CMTRT": "A", "CMOCCUR": "Y", "CMSTRF": "BEFORE"}


@pytest.mark.parametrize(
    ("check", "told", "why"),
    [
        ("variables: CM, needs: CMTRT", [], "it is there"),
        ("variables: CM, needs: CMLOC", ["CMLOC"], "it is not"),
        ("variables: CM, having: CMENRF, needs: CMLOC", [], "CMENRF has no value"),
        ("variables: CM, having: CMSTRF, needs: [CMLOC, CMLAT]", ["CMLOC", "CMLAT"], "each that is missing"),
        ("variables: CM, lacks: CMTRT, needs: CMLOC", [], "CMTRT is there"),
        ("variables: CM, one_of: [CMLOC, CMTRT]", [], "one is there"),
        ("variables: CM, one_of: [CMLOC, CMLAT]", ["CMLOC"], "none is"),
        ("variables: CM, bars: CMTRT", ["CMTRT"], "it must not be"),
        ("variables: CM, beside: EX, bars: CMTRT", [], "EX has no record"),
        ('variables: "*", classes: Events, bars: --TRT', [], "another class"),
        ('variables: "*", classes: Interventions, except: CM, bars: --TRT', [], "left out"),
        ('variables: "*", classes: Interventions, bars: --TRT', ["CMTRT"], "of every dataset of the class"),
        ("variables: CM, over: CM$RF, needs: CM$XX", ["CMSTXX"], "once for each that has a value"),
        ("datasets: CM", [], "it is there"),
        ("datasets: EX", [""], "it has no record"),
        ('datasets: CM, there: "false"', [""], "it must not be"),
        ("datasets: EX, having: DM", [], "asked only beside DM"),
        ("datasets: EX, holding: --OCCUR", [""], "a dataset holds it"),
        ("datasets: EX, classes: Findings", [], "no dataset of the class"),
        ("shared: --TRT", ["CMTRT"], "no other dataset has it"),
        ("described: CM, named: CMTRT, type: Num", ["CMTRT"], "the values are text"),
        ("described: CM, named: CMSEQ, type: Num", [], "the values are numbers"),
        ("described: CM, named: CMSEQ, format: DATE", ["CMSEQ"], "another format"),
        ("described: CM, named: CMTRT, label: Name", [], "the label says it"),
    ],
)
def test_what_a_package_holds(catalogue, check, told, why):
    rules = Rules()
    read_rules(read_document(CHECK % check, "checks.yaml"), catalogue, True, rules)
    faults = run_rules(shelf_of(catalogue, CM=[CM]), rules).faults
    assert [f.variable for f in faults] == told, why
    assert all(not f.untold for f in faults)


def test_pairs_tell_the_rarer_of_two(catalogue):
    rules = Rules()
    read_rules(read_document(CHECK % "pairs: [CMTRT, CMOCCUR], of: CM", "checks.yaml"), catalogue, True, rules)
    records = [{"CMTRT": "A", "CMOCCUR": "Y"}, {"CMTRT": "A", "CMOCCUR": "Y"}, {"CMTRT": "A", "CMOCCUR": "N"}, {"CMTRT": "B"}]
    (fault,) = run_rules(shelf_of(catalogue, CM=records), rules).faults
    assert fault.rows.tolist() == [2] and fault.values == ["CMTRT A, CMOCCUR N"]
    within = Rules()
    text = CHECK % "pairs: [CMTRT, CMOCCUR], of: CM, within: CMSEQ"
    read_rules(read_document(text, "checks.yaml"), catalogue, True, within)
    numbered = [r | {"CMSEQ": float(i)} for i, r in enumerate(records)]
    assert run_rules(shelf_of(catalogue, CM=numbered), within).faults == [], "alone in its group"


def test_patterns_stand_for_each_variable_that_fits():
    held = frozenset({"SAFFL", "FASFL", "TRT01P", "TRT02P", "ADTM", "ATM"})
    assert [b["holds"] for b in over({"holds": "$FN == 1"}, ["$FL"], held)] == ["FASFN == 1", "SAFFN == 1"]
    assert [b["holds"] for b in over({"holds": "TRT#A"}, ["TRT#P"], held)] == ["TRT01A", "TRT02A"]
    assert [b["holds"] for b in over({"holds": "$TM"}, ["$TM", "!$DTM"], held)] == ["ATM"]
    assert [b["holds"] for b in over({"holds": "as it is"}, [], held)] == ["as it is"]


def test_a_term_is_written_in_and_an_unknown_one_is_told_with_its_line(catalogue):
    patterns = Patterns(catalogue, "sdtmig", {"YES": "Y"})
    (written,) = patterns.written({"each": "CM", "holds": "CMOCCUR == @YES", "says": "mail @YES"})
    assert written.data == {"each": "CM", "holds": "CMOCCUR == 'Y'", "says": "mail @YES"}
    text = CHECK % 'each: CM, holds: "CMOCCUR == @MAYBE"'
    with pytest.raises(SpecError, match='no term "@MAYBE"') as raised:
        read_rules(read_document(text, "checks.yaml"), catalogue, True, Rules())
    assert raised.value.problems[0].place.line == 5


def test_every_published_rule_is_answered_or_told_why_not():
    known = {p.id: p for p in published_rules()}
    assert len(known) == len(published_rules()) > 1000
    ours = answers()
    assert set(ours) <= set(known), "each id that a rule names is published"
    assert [i for i, p in known.items() if bool(p.reason) == (i in ours)] == [], "answered, or the reason; never both"
    named = {r for some in ours.values() for r in some}
    rules = {**general_rules(), **schema_rules()}
    assert named == {i for i, r in rules.items() if r.head.published}


def test_a_record_that_names_what_is_not_there_is_told(catalogue):
    shelf = shelf_of(catalogue, CM=[CM | {"CMSEQ": 1.0}])
    supplied = {"RDOMAIN": ["CM", "CM", "CM", "ZZ"], "IDVAR": ["CMSEQ", "CMSEQ", "NOVAR", "X"], "IDVARVAL": ["1", "2", "1", "1"]}
    shelf.frames["DM"] = pd.DataFrame({k: pd.Series(v, dtype="str") for k, v in supplied.items()}).assign(USUBJID="R-1")
    told = {to: Related(related="DM", to=to).run(shelf, {}) for to in ("dataset", "variable", "record")}
    assert {to: [b.rows.tolist() for b in broken] for to, broken in told.items()} == {
        "dataset": [[3]],
        "variable": [[2]],
        "record": [[1]],
    }
    assert np.all([b.says for b in told["record"]] == [["CM, CMSEQ, 2"]])
