"""Controlled terminology of the built tabulations: every variable that has a codelist is held to it, codes to names."""

from pathlib import Path

import pytest

from engine.spec.catalogue import Catalogue
from engine.spec.study import load_study
from engine.standards import load_sdtmig, load_terminology
from formats.xpt_read import read_xpt
from validators.schemas import make_schema
from validators.terms import Terms

STUDY = Path(__file__).resolve().parents[2] / "specs" / "by002"


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(load_study(STUDY))


@pytest.fixture(scope="module")
def held(built):
    """Every published tabulation dataset."""
    return {path.stem.upper(): read_xpt(path)[0] for path in sorted((built / "sdtm").glob("*.xpt"))}


def info_of(catalogue, name):
    domain = name.removeprefix("SUPP")
    return catalogue.datasets[name] if domain == name else catalogue.supplemental(domain)


def faults(catalogue, held, name, frame):
    return make_schema(catalogue, info_of(catalogue, name), held.get(name.removeprefix("SUPP"))).faults(frame)


def test_every_variable_to_which_the_standard_gives_a_codelist_is_held_to_it(catalogue, held):
    terms, standard = Terms(catalogue), load_sdtmig().datasets
    checked, unchecked = 0, []
    for name, frame in held.items():
        info = info_of(catalogue, name)
        decided = {rule.variable for rule in terms.by_value(info)}
        given = standard["SUPPQUAL" if name.startswith("SUPP") else name].variables
        for variable in [v for v in frame.columns if v in given and given[v].codelists]:
            checked += 1
            if variable not in decided and not terms.of(info, variable):
                unchecked.append(f"{name}.{variable}")
    assert unchecked == []
    assert checked > 150


def test_every_test_code_of_a_cdisc_list_has_its_name_from_the_terminology(catalogue, held):
    """Codes without a decode are the sponsor's: analytes and eligibility criteria."""
    terms, own = Terms(catalogue), set()
    for name, frame in held.items():
        for code in [v for v in frame.columns if v.endswith(("TESTCD", "PARMCD"))]:
            if not set(frame[code].dropna()) <= set(terms.decodes(info_of(catalogue, name), code)):
                own.add(name)
    assert own == {"IE", "TI", "PC"}


def test_every_coded_value_of_the_trial_summary_has_the_code_of_its_term(catalogue, held):
    version = catalogue.study.file.standards.sdtm_terminology
    terminology, ts = load_terminology("SDTM", version), held["TS"]
    coded = ts[ts["TSVCDREF"] == "CDISC CT"]
    lists = [terminology.codelist(name) for name in terminology.names]
    codes = {v: {c.terms[v].code for c in lists if v in c.terms} for v in coded["TSVAL"].unique()}
    assert len(coded) > 25 and set(coded["TSVCDVER"]) == {version}
    wrong = [(v, c) for v, c in zip(coded["TSVAL"], coded["TSVALCD"], strict=True) if c not in codes[v]]
    assert wrong == []


CORRUPTIONS = [
    ("LB", "LBTEST", "LBTESTCD", "ALT", "Aspartate Aminotransferase", "decode"),
    ("EG", "EGTEST", "EGTESTCD", "QTCFAG", "QTcB Interval, Aggregate", "decode"),
    ("MI", "MITEST", "MITESTCD", "BLASTCE", "Cellularity", "decode"),
    ("RS", "RSTEST", "RSTESTCD", "MRDRESP", "Overall Response", "decode"),
    ("RS", "RSTEST", "RSTESTCD", "ECOG101", "Overall Response", "decode"),
    ("TS", "TSPARM", "TSPARMCD", "TBLIND", "Trial Type", "decode"),
    ("VS", "VSORRESU", "VSTESTCD", "WEIGHT", "stone", "codelist"),
    ("GF", "GFTSTDTL", "GFTESTCD", "TRNSCPTN", "THRESHOLD", "codelist"),
    ("AE", "AEACN", "AESER", "Y", "DOSE HELD", "codelist"),
    ("DS", "DSDECOD", "DSSCAT", "STUDY TREATMENT", "RANDOMIZED", "codelist"),
    ("SV", "VISIT", "VISITNUM", 101.0, "SCREENING", "pair"),
    ("SUPPAE", "QLABEL", "QNAM", "AEDLT", "Dose-limiting", "decode"),
    ("TA", "ELEMENT", "ETCD", "SFU", "Screening", "pair"),
    ("SE", "ELEMENT", "ETCD", "SFU", "Screening", "pair"),
]


@pytest.mark.parametrize(("name", "variable", "by", "term", "value", "rule"), CORRUPTIONS)
def test_a_wrong_term_is_caught_in_every_record_that_has_it(catalogue, held, name, variable, by, term, value, rule):
    frame = held[name].copy()
    rows = frame[by] == term
    assert rows.any()
    frame.loc[rows, variable] = value
    found = [f for f in faults(catalogue, held, name, frame) if f.rule == rule and f.variable == variable]
    assert found and set(rows[rows].index) <= {int(r) for f in found for r in f.rows}
