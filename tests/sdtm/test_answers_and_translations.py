"""Ticked boxes, amounts and verbatims in two languages, by tables of cases. All texts are made up."""

import numpy as np
import pandas as pd
import pytest

from edc.text import to_ascii
from engine.errors import DataError
from engine.run.at import At
from engine.run.run import Run
from engine.run.tables import Records, Table
from sdtm.answers import Amount, AmountText, NthText, Ticked
from sdtm.translate import Translate


def text(*values):
    return pd.Series([v or None for v in values], dtype="str")


class Toolbox:
    def to_ascii(self, values):
        return to_ascii(values)


class Study:
    datasets = {}


def view(**forms):
    """Records over the first form's rows; forms are dicts of columns."""
    tables = {}
    for name, columns in forms.items():
        values = {c: text(*v) for c, v in columns.items()}
        n = len(next(iter(values.values())))
        records = Records(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
        tables[name] = Table(name, records, values, raw=True, files=(f"{name}.csv",),
                             file_of=np.zeros(n, dtype=np.int64), line=np.arange(2, n + 2))  # fmt: skip
    first = next(iter(tables))
    people = Table("person", Records(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)), {"USUBJID": text("A")})
    run = Run(Study(), tables, people, Toolbox())
    n = tables[first].n
    records = Records(tables[first].records.subject, np.zeros(n, dtype=np.int64), {first: np.arange(n)})
    return At(run, Table("AE", records), variable="AETERM")


def one(values):
    return "" if pd.isna(values[0]) else values[0]


ACTIONS = {"WD": "DRUG WITHDRAWN", "RED": "DOSE REDUCED", "INT": "DRUG INTERRUPTED", "NONE": "DOSE NOT CHANGED"}


@pytest.mark.parametrize(("ticked", "all_", "worst", "first", "second", "why"), [
    ("NONE", "DOSE NOT CHANGED", "DOSE NOT CHANGED", "", "", "one box: nothing for the qualifiers"),
    ("INT;RED", "DOSE REDUCED; DRUG INTERRUPTED", "DOSE REDUCED", "DOSE REDUCED", "DRUG INTERRUPTED",
     "reduced is more severe than interrupted, whatever the order of ticking"),
    ("RED;INT", "DOSE REDUCED; DRUG INTERRUPTED", "DOSE REDUCED", "DOSE REDUCED", "DRUG INTERRUPTED", "same"),
    ("INT; WD", "DRUG WITHDRAWN; DRUG INTERRUPTED", "DRUG WITHDRAWN", "DRUG WITHDRAWN", "DRUG INTERRUPTED", "a blank"),
    ("INT;INT", "DRUG INTERRUPTED", "DRUG INTERRUPTED", "", "", "the same box twice is one"),
    (";", "", "", "", "", "nothing ticked"),
    ("", "", "", "", "", "not answered"),
])
def test_actions_ticked_together(ticked, all_, worst, first, second, why):
    at = view(ae={"AEACN": [ticked]})
    joined = Ticked(of="ae.AEACN", to=ACTIONS).derive(at)
    assert one(joined) == all_, why
    actions = view(ae={"ACTIONS": [one(joined)]})
    given = [NthText(of="ae.ACTIONS", nth=n, several=s).derive(actions) for n, s in
             [(1, "false"), (1, "true"), (2, "true"), (3, "true")]]  # fmt: skip
    assert [one(v) for v in given] == [worst, first, second, ""], why


@pytest.mark.parametrize(("ticked", "drug", "other", "why"), [
    ("NONE", "N", "", "answered: no"),
    ("MED", "Y", "", "a medication"),
    ("PROC", "N", "PROCEDURE", "a procedure only"),
    ("OTH;PROC;MED", "Y", "PROCEDURE; OTHER", "all of them"),
    ("", "", "", "not answered is not no"),
])
def test_treatment_of_an_event(ticked, drug, other, why):
    at = view(ae={"AETRT": [ticked]})
    assert one(Ticked(of="ae.AETRT", to={"MED": "Y", "PROC": "N", "OTH": "N", "NONE": "N"}, take="first").derive(at)) == drug, why
    found = Ticked(of="ae.AETRT", to={"PROC": "PROCEDURE", "OTH": "OTHER", "MED": None, "NONE": None}).derive(at)
    assert one(found) == other, why


def test_a_box_that_the_spec_does_not_name_is_blocking():
    at = view(ae={"AEACN": ["INT;STOP", "INT"]})
    assert Ticked(of="ae.AEACN", to=ACTIONS).derive(at).fillna("").tolist() == ["", "DRUG INTERRUPTED"]
    assert [(i.severity, i.source) for i in at.run.close_issues()] == [("blocking", "ae.csv line 2")]


@pytest.mark.parametrize(("amount", "number", "words"), [
    ("0.5", 0.5, ""), ("20", 20, ""), ("1-2", None, "1-2"), ("1 ～ 2", None, "1 ~ 2"), ("", None, ""),
])  # fmt: skip
def test_an_amount_is_a_number_or_words_never_both(amount, number, words):
    at = view(cm={"CMDOSE": [amount]})
    found = Amount(of="cm.CMDOSE").derive(at)[0]
    assert (None if pd.isna(found) else found) == number
    assert one(AmountText(of="cm.CMDOSE").derive(at)) == words


TABLE = {
    "field": ["AE.AETERMZH", "AE.AETERMZH", "CM.CMTRTZH", "AE.AETERM"],
    "zh": ["发热（T>38℃）", "腹泻4～5次/日", "皮疹", "恶心 nausea"],
    "en": ["Fever (T > 38 C)", "Diarrhoea 4 to 5 times a day", "Rash cream", "Nausea"],
}


@pytest.mark.parametrize(("english", "chinese", "term", "problem", "why"), [
    ("Cough", "咳嗽", "Cough", False, "English was given"),
    ("", "发热（T>38℃）", "Fever (T > 38 C)", False, "only Chinese was given"),
    ("", " 发热(T＞38℃) ", "Fever (T > 38 C)", False, "the same after NFKC and trimming"),
    ("", "腹泻4~5次/日", "Diarrhoea 4 to 5 times a day", False, "full-width tilde"),
    ("发热（T>38℃）", "", "Fever (T > 38 C)", False, "Chinese written into the English field"),
    ("恶心 nausea", "", "Nausea", False, "a text of the English field that was translated there"),
    ("Vomiting ≥2 times", "", "Vomiting >=2 times", False, "typography is no other language"),
    ("", "皮疹", "", True, "the translation of another field is not taken"),
    ("", "头痛", "", True, "not translated"),
    ("Fièvre", "", "", True, "leftover letters that are not ASCII"),
    ("", "", "", False, "nothing collected"),
])
def test_english_is_taken_or_looked_up(english, chinese, term, problem, why):
    at = view(ae={"AETERM": [english], "AETERMZH": [chinese]}, translations=TABLE)
    assert one(Translate(of=["ae.AETERM", "ae.AETERMZH"]).derive(at)) == term, why
    issues = at.run.close_issues()
    assert [i.severity for i in issues] == (["blocking"] if problem else []), why


def test_one_text_translated_in_two_ways_is_an_error():
    table = {"field": ["AE.AETERMZH"] * 2, "zh": ["头痛", " 头痛"], "en": ["Headache", "Migraine"]}
    at = view(ae={"AETERM": [""], "AETERMZH": ["头痛"]}, translations=table)
    with pytest.raises(DataError, match="two ways"):
        Translate(of=["ae.AETERM", "ae.AETERMZH"]).derive(at)
