"""Results in standard units, by tables that a laboratory scientist can check with a pocket calculator."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import adam  # noqa: F401
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
from engine.errors import DataError
from engine.spec.codelists import find_codelist
from engine.spec.methods import line_sentence, variable_sentence
from engine.spec.study import load_study
from sdtm.results import Numeric
from sdtm.units import InUnit, ReportedUnit, StandardResult, StandardUnit, Units
from tests.sdtm.views import View, text

BY002 = load_study(Path(__file__).parents[2] / "specs" / "by002")


def derived(verb, test, unit, result, study=BY002, **more):
    view = View({"TEST": text(test), "UNIT": text(unit), "RES": text(result), **more}, study=study)
    found = verb.derive(view)[0]
    return (None if pd.isna(found) else found), view.reported


def standard(test, unit, result):
    verb = StandardResult(of="RES", unit="UNIT", test="TEST", units="lab_units", texts="lab_texts")
    return derived(verb, test, unit, result)


@pytest.mark.parametrize(("test", "unit", "result", "standardised", "why"), [
    ("WBC", "x109/L", "2.28", "2.28", "the spelling of the analyser; factor 1"),
    ("WBC", "K/uL", "2.280", "2.280", "a result that is not converted keeps its digits"),
    ("PLAT", "G/L", "150", "150", "factor 1"),
    ("NEUT", "/uL", "463", "0.463", "x 0.001"),
    ("NEUT", "/uL", "1230", "1.23", "a converted result has no trailing zero"),
    ("RBC", "10^6/uL", "3.05", "3.05", "factor 1"),
    ("HGB", "g/dL", "8.0", "80", "x 10, no trailing zero"),
    ("HCT", "L/L", "0.243", "24.3", "x 100"),
    ("HCT", "fraction of 1", "0.3", "30", "x 100"),
    ("ALT", "IU/L", "24.0", "24.0", "factor 1 keeps the digits"),
    ("LDH", "ukat/L", "5.75", "345", "x 60"),
    ("BILI", "mg/dL", "0.5", "8.552", "0.5 x 17.104"),
    ("CREAT", "mg/dL", "0.93", "82.2306", "0.93 x 88.42"),
    ("URATE", "mg/dL", "4.9", "291.452", "4.9 x 59.48"),
    ("UREAN", "mg/dL", "10.51", "3.7521", "10.51 x 0.357 = 3.75207"),
    ("GLUC", "mg/dL", "92.8", "5.1513", "92.8 x 0.05551 = 5.151328"),
    ("CA", "mg/dL", "8.9", "2.2206", "8.9 x 0.2495 = 2.22055: half goes up"),
    ("MG", "mg/dL", "2.0", "0.8228", "2 x 0.4114"),
    ("PHOS", "mg/dL", "3.22", "1.0397", "3.22 x 0.3229 = 1.039738"),
    ("TRIG", "mg/dL", "124", "1.4", "124 x 0.01129 = 1.39996: rounded to four, zeros go"),
    ("CHOL", "mg/dL", "170", "4.3962", "170 x 0.02586"),
    ("FIBRINO", "mg/dL", "240", "2.4", "x 0.01"),
    ("DDIMER", "ug/mL FEU", "0.42", "0.42", "factor 1"),
    ("TROPONI", "ug/L", "0.0070", "7", "x 1000"),
    ("TROPONI", "ng/mL", "0.0070", "7", "x 1000"),
    ("BNPPRONT", "pg/mL", "80", "80", "factor 1"),
    ("HCG", "mIU/mL", "<0.5", "<0.5", "a result below a limit keeps its sign"),
    ("TROPONI", "ug/L", "<0.003", "<3", "sign and converted number"),
    ("BILI", "mg/dL", "> 50", ">855.2", "a blank after the sign goes"),
    ("HGB", "g/dL", "<=1.25", "<=12.5", "all four signs"),
    ("HCG", "", "NEGATIVE", "NEGATIVE", "a text that the study lists"),
    ("INR", "", "1.05", "1.05", "a test without unit"),
    ("LEUKCE", "%", "<0.01", "<0.01", "flow MRD"),
    ("K", "mEq/L", "", None, "not done"),
])  # fmt: skip
def test_standard_result(test, unit, result, standardised, why):
    found, reported = standard(test, unit, result)
    assert found == standardised, why
    assert not reported


@pytest.mark.parametrize(("test", "unit", "result", "kept"), [
    ("ALT", "mkat/L", "3.2", "3.2 mkat/L"),
    ("ALT", "", "3.2", "3.2 (no unit)"),
    ("WBC", "g/L", "<2", "<2 g/L"),
])  # fmt: skip
def test_a_number_in_a_unit_that_the_test_has_not_is_listed_and_never_a_standard_number(test, unit, result, kept):
    found, reported = standard(test, unit, result)
    assert found == kept
    assert np.isnan(Numeric(of="X").derive(View({"X": text(found)}))[0])
    assert [(s, shown) for s, _, shown in reported] == [("warning", f"{test} in {unit or 'none'}")]
    unit_verb = StandardUnit(of="RES", unit="UNIT", test="TEST", units="lab_units")
    assert derived(unit_verb, test, unit, result)[0] is None


def test_a_text_that_the_study_does_not_list_stays_and_is_listed():
    found, reported = standard("ALT", "U/L", "haemolysed")
    assert found == "haemolysed" and "known text" in reported[0][1]


@pytest.mark.parametrize(("test", "unit", "result", "standard_unit"), [
    ("NEUT", "/uL", "463", "10^9/L"),
    ("NEUT", "/uL", "<100", "10^9/L"),
    ("HCG", "", "NEGATIVE", None),
    ("INR", "", "1.05", None),
    ("K", "mEq/L", "", None),
])  # fmt: skip
def test_standard_unit_goes_with_a_number(test, unit, result, standard_unit):
    verb = StandardUnit(of="RES", unit="UNIT", test="TEST", units="lab_units", texts="lab_texts")
    assert derived(verb, test, unit, result)[0] == standard_unit


@pytest.mark.parametrize(("test", "unit", "term"), [
    ("WBC", "10^3/uL", "10^9/L"), ("WBC", "K/uL", "10^9/L"), ("WBC", "G/L", "10^9/L"), ("WBC", "/uL", "10^6/L"),
    ("RBC", "10^6/uL", "10^12/L"), ("PT", "sec", "s"), ("HCG", "mIU/mL", "IU/L"), ("BNPPRONT", "pg/mL", "ng/L"),
    ("TROPONI", "ng/mL", "ug/L"), ("DDIMER", "ug/mL FEU", "mg/L FEU"), ("WBC", "x109/L", "10^9/L"),
    ("ALT", "mg/L", "mg/L"), ("INR", "", None),
])  # fmt: skip
def test_reported_unit_is_the_term_of_the_delivered_unit(test, unit, term):
    verb = ReportedUnit(unit="UNIT", test="TEST", units="lab_units", codelist="UNIT")
    assert derived(verb, test, unit, "1")[0] == term


@pytest.mark.parametrize(("test", "unit"), [("ALT", "Karmen"), ("GLUC", "mg%")])  # mg%: a synonym that nobody accepted
def test_a_unit_that_neither_table_nor_codelist_holds_is_listed(test, unit):
    verb = ReportedUnit(unit="UNIT", test="TEST", units="lab_units", codelist="UNIT")
    found, reported = derived(verb, test, unit, "1")
    assert found is None and reported[0][2] == unit


@pytest.mark.parametrize(("test", "given", "unit", "limit", "expected", "why"), [
    ("NEUT", "x109/L", "/uL", "1.8", "1800", "the range of the hospital in the unit of the analyser"),
    ("BILI", "umol/L", "mg/dL", "23", "1.3447", "23 / 17.104 = 1.344715"),
    ("ALT", "U/L", "U/L", "50.0", "50.0", "the same unit keeps its digits"),
    ("WBC", "x109/L", "G/L", "9.5", "9.5", "another name of the same unit"),
    ("INR", "", "", "1.2", "1.2", "no unit on either side"),
    ("ALT", "U/L", "Karmen", "50", None, "no factor is known"),
])  # fmt: skip
def test_a_limit_in_the_unit_of_the_result(test, given, unit, limit, expected, why):
    verb = InUnit(of="RES", given_in="GIVEN", unit="UNIT", test="TEST", units="lab_units")
    assert derived(verb, test, unit, limit, GIVEN=text(given))[0] == expected, why


def table(*rows):
    return pd.DataFrame([[v or None for v in r] for r in rows], columns=["TEST", "UNIT", "TERM", "FACTOR", "STDUNIT", "LESS"],
                        dtype="str")  # fmt: skip


@pytest.mark.parametrize(("fahrenheit", "celsius"), [("98.6", "37"), ("100.4", "38"), ("99.5", "37.5"), ("97.0", "36.1")])
def test_degrees_fahrenheit_by_a_fraction_and_an_offset(fahrenheit, celsius):
    units = Units(table(("TEMP", "F", "F", "5/9", "C", "32")), "vs_units.csv")
    assert units.found["TEMP", "F"].standardise(fahrenheit, 1) == celsius


@pytest.mark.parametrize(("places", "celsius"), [("1", "37.8"), ("2", "37.83"), ("0", "38"), (None, "37.8333")])
def test_the_table_may_say_to_how_many_decimals_a_unit_is_converted(places, celsius):
    units = Units(table(("TEMP", "F", "F", "5/9", "C", "32")).assign(PLACES=pd.Series([places], dtype="str")), "vs_units.csv")
    assert units.found["TEMP", "F"].standardise("100.1", 4) == celsius


@pytest.mark.parametrize("places", ["-1", "1.5", "one"])
def test_places_that_are_no_number_of_decimals_are_an_error(places):
    with pytest.raises(DataError, match="PLACES"):
        Units(table(("TEMP", "F", "F", "5/9", "C", "32")).assign(PLACES=places), "vs_units.csv")


@pytest.mark.parametrize(("digits", "places", "rounded"), [
    ("1.00005", 4, "1.0001"), ("-1.00005", 4, "-1.0001"), ("1.00004", 4, "1"), ("0.00004", 4, "0"),
    ("-0.00004", 4, "0"), ("2.5", 0, "3"), ("1.005", 2, "1.01"),
])  # fmt: skip
def test_rounding_is_half_away_from_zero_on_the_digits(digits, places, rounded):
    units = Units(table(("X", "a", "a", "2", "b", "")), "x.csv")
    half = format(float(digits) / 2, ".10f")
    assert units.found["X", "a"].standardise(half, places) == rounded


@pytest.mark.parametrize(("rows", "said"), [
    ([("X", "a", "a", "0", "b", "")], "no positive number"),
    ([("X", "a", "a", "1,5", "b", "")], "no positive number"),
    ([("X", "a", "a", "1", "b", ""), ("X", "a", "a", "2", "b", "")], "twice"),
    ([("X", "a", "a", "1", "b", ""), ("X", "c", "c", "2", "d", "")], "one standard unit"),
])  # fmt: skip
def test_a_table_of_units_that_contradicts_itself_is_an_error_with_its_line(rows, said):
    with pytest.raises(DataError, match=said) as error:
        Units(table(*rows), "x.csv")
    assert f"x.csv:{len(rows) + 1}" in str(error.value)


def test_every_unit_of_the_study_is_a_term():
    lists = {"lab_units": "UNIT", "pk_units": "PKUNIT", "marrow_units": "UNIT", "vital_units": "VSRESU"}
    for name, codelist in lists.items():
        rows = BY002.lookup(name)
        known = find_codelist(BY002, codelist, "sdtm").values
        assert set(rows["TERM"].dropna()) | set(rows["STDUNIT"].dropna()) <= known


def test_the_sentence_says_where_the_number_of_decimals_comes_from():
    said = line_sentence(BY002.datasets["VS"].line("VSSTRESC"))
    assert "at most the decimals that PLACES of vital_units says for the unit, 4 where it says none" in said
    said = line_sentence(next(line for _, line in BY002.datasets["LB"].all_lines() if line.name == "LBSTRESC"))
    assert "in lab_units, at most 4 decimals" in said


def test_no_sentence_of_the_study_shows_a_word_of_python():
    said = {n: [variable_sentence(s, line.name) for _, line in s.all_lines()] for n, s in BY002.datasets.items()}
    assert "N = null" in "".join(said["AE"])
    leaks = [(n, t) for n, texts in said.items() for t in texts if re.search(r"\b(None|True|False)\b|\[\]|\{\}", t)]
    assert leaks == []


def test_shuffled_records_get_the_same_results():
    rows = [("BILI", "mg/dL", "0.5"), ("WBC", "K/uL", "2.280"), ("WBC", "", "3"), ("HCG", "", "NEGATIVE"), ("K", "mEq/L", "")]
    verb = StandardResult(of="RES", unit="UNIT", test="TEST", units="lab_units", texts="lab_texts")

    def run(order):
        columns = {n: text(*(rows[i][k] for i in order)) for k, n in enumerate(("TEST", "UNIT", "RES"))}
        return dict(zip(order, verb.derive(View(columns, study=BY002)).fillna("-"), strict=True))

    assert run([0, 1, 2, 3, 4]) == run([3, 1, 4, 0, 2])
