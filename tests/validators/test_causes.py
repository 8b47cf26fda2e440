"""Findings grouped by cause, and how every rule ended, on small made-up datasets."""

import numpy as np
import pandas as pd
import pytest

from engine.spec.document import read_document
from validators.causes import causes_of, order
from validators.conformance import Conformance, told
from validators.evaluate import explain, run_rules
from validators.findings import SCHEMAS
from validators.outcomes import Looked, by_source, ended
from validators.rules import Rules, read_rules
from validators.schemas import make_schema
from validators.shelf import Shelf


def schema_causes(shelf, name):
    schema = make_schema(shelf.catalogue, shelf.info(name), shelf.frames.get(name.removeprefix("SUPP")))
    faults = schema.faults(shelf.frames[name])
    for fault in faults:
        fault.source = SCHEMAS
    return causes_of(faults, shelf.named, shelf.catalogue), faults


def many(shelf, terms):
    """AE with one record more for each term, its AEENRTPT the term."""
    frame = shelf.frames["AE"]
    more = pd.concat([frame.iloc[[0]]] * len(terms), ignore_index=True)
    more["AEENRTPT"], more["AETERM"] = terms, [f"Rash {i}" for i in range(len(terms))]
    more["AESEQ"] = np.arange(len(terms)) + 3.0
    more["USUBJID"] = [f"T-{i % 3}" for i in range(len(terms))]
    shelf.frames["AE"] = pd.concat([frame, more], ignore_index=True)
    return shelf


def terms_of(causes):
    return {c.value: c for c in causes if c.rule == "codelist" and c.variable == "AEENRTPT"}


def test_an_unexpected_term_300_times_is_one_cause_and_another_term_another(fresh):
    causes, faults = schema_causes(many(fresh(), ["going"] * 300 + ["gone"] * 2), "AE")
    found = terms_of(causes)
    assert sorted(found) == ["going", "gone"]
    one = found["going"]
    assert (one.count, one.counted, len(one.shown)) == (300, "300 records of 3 subjects", 10)
    assert str(one.shown[0]) == "T-0, AESTDTC 2030-03-09, AETERM Rash 0: going"
    line = fresh().catalogue.datasets["AE"].variable("AEENRTPT").line.place
    assert one.spec == str(line) and one.do == f"map the value at {line}, or query the site"
    assert one.expected.startswith("one of ")
    assert one.trace.endswith("AE.AEENRTPT USUBJID=T-0 AESTDTC=2030-03-09 'AETERM=Rash 0'")
    rows = next(f for f in faults if f.rule == "codelist" and f.variable == "AEENRTPT")
    assert rows.causes == [one.id] * 300 + [found["gone"].id] * 2, "every record names its cause"


def test_ids_of_causes_survive_another_order_and_another_number_of_records(fresh):
    before = terms_of(schema_causes(many(fresh(), ["going", "gone", "going"]), "AE")[0])
    after = terms_of(schema_causes(many(fresh(), ["gone"] * 5 + ["going"]), "AE")[0])
    assert {v: c.id for v, c in before.items()} == {v: c.id for v, c in after.items()}


def test_the_id_of_a_text_that_is_too_long_does_not_hang_on_the_length_of_the_file(fresh):
    ids = set()
    for size in (210, 220):
        shelf = fresh()
        shelf.frames["AE"].loc[0, "AETERM"] = "x" * size
        ids |= {c.id for c in schema_causes(shelf, "AE")[0] if c.rule == "length"}
    assert len(ids) == 1


RULES = """
rules:
  R1: {title: Nothing is serious, severity: warning, checks: [{each: AE, holds: "AESER == 'N'", says: "AESER {AESER}"}]}
  R2: {title: Everyone is young, checks: [{each: DM, holds: AGE < 45, says: "{AGE} years"}]}
  R3: {title: Analysis, checks: [{each: ADSL, holds: AGE > 0}]}
  R4: {title: No scan is missing, checks: [{each: EG, holds: EGSEQ > 0}]}
  R5: {title: One exposure each, checks: [{each: DM, holds: "EX.EXDOSE > 0"}]}
  R6: {title: Fine, checks: [{each: DM, holds: AGE > 0}]}
"""


def held(shelf):
    found = Rules()
    read_rules(read_document(RULES, "checks.yaml"), shelf.catalogue, True, found)
    outcome = run_rules(shelf, found)
    faults = explain(outcome.faults, [], shelf)
    causes = causes_of(faults, shelf.named, shelf.catalogue)
    return faults, causes, ended(Looked(), outcome, [], causes)


@pytest.fixture
def part(catalogue, frames):
    """Tabulations alone were published, and EG has no record."""
    frames["EG"] = frames["EG"].iloc[:0]
    return Shelf(catalogue, {n: f for n, f in frames.items() if not n.startswith("AD")}, frozenset({"sdtm"}))


def test_only_a_rule_that_was_held_against_records_and_found_nothing_has_passed(part):
    _, _, rows = held(part)
    states = {e.rule: (e.told, e.why) for e in rows if e.source == "study rules"}
    assert states["R1"] == ("findings", "") and states["R2"] == ("findings", "")
    assert states["R3"] == ("not run", "ADSL not published")
    assert states["R4"] == ("skipped", "no record in EG")
    assert states["R5"][0] == "findings; not run in part" and "cannot be told" in states["R5"][1]
    assert states["R6"] == ("passed", "")


def test_what_did_not_run_is_named_on_every_level_and_core_without_a_command_too(part):
    faults, causes, rows = held(part)
    report = Conformance("TOY", "", faults, causes, rows, 18, 60, part.named)
    lines = list(told(report))
    assert "CORE:           not run - no command configured" in lines
    assert "not run   R3: ADSL not published" in lines
    assert lines[-1].endswith("Not run: CORE and 2 rules.")
    states = {s.source: s.state for s in by_source(rows)}
    assert states["CORE"] == "not run" and states["files"] == "skipped" and states["schemas"] == "skipped"


def test_a_source_whose_rules_passed_or_did_not_run_is_not_called_passed(part):
    _, _, rows = held(part)
    rest = [e for e in rows if e.rule in ("R3", "R6")]
    assert [s.state for s in by_source(rest)] == ["passed but for what did not run"]


def test_causes_stand_by_severity_then_by_number_and_explained_ones_last(part):
    _, causes, _ = held(part)
    causes.sort(key=order)
    assert [c.rule for c in causes] == ["R2", "R5", "R1"], "errors before the warning"
    causes[0].decided = "explained"
    assert [c.rule for c in sorted(causes, key=order)] == ["R5", "R1", "R2"]


LETS = """
rules:
  R1:
    title: values of other records
    let:
      MANY: {count: LB, where: "LB.LBDTC >= AESTDTC"}
      FIRST: {earliest: LB.LBDTC, where: "LB.LBDTC >= AESTDTC"}
      ONE: {value: DM.AGE}
      TOTAL: {sum: EX.EXDOSE}
    checks: [{each: AE, holds: "AESEQ > 9", says: "{MANY} {FIRST} {ONE} {TOTAL}"}]
"""


def test_values_asked_once_of_records_that_are_alike_are_those_of_each_record(fresh, monkeypatch):
    shelf, found = many(fresh(), ["x"] * 4), Rules()
    read_rules(read_document(LETS, "checks.yaml"), shelf.catalogue, True, found)
    plain = [(f.rows.tolist(), f.values) for f in run_rules(shelf, found).faults]
    monkeypatch.setattr("validators.lets.FEW", 0)
    assert [(f.rows.tolist(), f.values) for f in run_rules(shelf, found).faults] == plain
    assert len(set(plain[0][1])) > 2, "the records do differ"
