"""define.xml of a small study: valid, whole, the same twice; and each thing that may be wrong with one is caught."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import orjson
import pandas as pd
import pytest
from lxml import etree, html

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.spec.study import load_study
from formats.metadata import DatasetMeta
from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt
from submission.built import Built
from submission.define import Document, define_xml
from submission.define_check import FolderFiles, define_faults, folder_faults
from submission.define_facts import conforms, number_facts, text_facts, value_facts
from submission.define_html import define_html, stylesheet
from submission.define_schema import schema_errors
from trialmill.build import build_study

SECOND = Path(__file__).resolve().parents[1] / "second_study"
SPECS, EXPORT = SECOND / "kv21", SECOND / "export"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("define") / "out"
    build_study(SPECS, EXPORT, out, [])
    study = load_study(SPECS)
    files = {package: sorted((out / package).glob("*.xpt")) for package in study.file.packages}
    entries = dict.fromkeys(files, orjson.loads((out / "journal.jsonl").read_bytes().splitlines()[-1]))
    return Built(study, out, files, entries)


@pytest.fixture(scope="module")
def xml(built):
    return {package: define_xml(built, package) for package in built.packages}


@pytest.fixture
def folder(built, xml, tmp_path):
    """A folder of tabulations with its define.xml, to spoil."""
    for path in (built.out / "sdtm").glob("*.xpt"):
        shutil.copy(path, tmp_path)
    (tmp_path / "define.xml").write_bytes(xml["sdtm"])
    return tmp_path


def test_both_files_are_valid_and_agree_with_their_datasets(built, xml):
    for package, content in xml.items():
        assert schema_errors(etree.fromstring(content)) == []
        files = FolderFiles(built.out / package)
        assert define_faults(content, files) == []
        described = re.findall(rb'<ItemGroupDef [^>]*? Name="(\w+)"', content)
        assert sorted(n.decode() for n in described) == sorted(files.names())


def test_the_same_build_gives_the_same_bytes(built, xml):
    again = Built(built.study, built.out, {p: [d.path for d in f] for p, f in built.packages.items()}, built.entries)
    assert {package: define_xml(again, package) for package in again.packages} == xml
    assert b'CreationDateTime="2030-02-01T00:00:00"' in xml["sdtm"]


def spoil(text, old, new):
    assert old in text, old
    return text.replace(old, new, 1)


XML = [  # what is changed, to what, the rule that catches it
    ('<ItemRef ItemOID="IT.DM.SEX"', '<ItemRef ItemOID="IT.DM.SEKS"', "reference"),
    ('CodeListOID="CL.SEX"', 'CodeListOID="CL.SEKS"', "reference"),
    ('<ItemDef OID="IT.DM.SEX"', '<ItemDef OID="IT.DM.AGE"', "oid"),
    ('OrderNumber="2"', 'OrderNumber="7"', "order"),
    ('KeySequence="2"', 'KeySequence="9"', "keys"),
    ('Type="Derived" Source="Sponsor"', 'Type="Derived"', "origin"),
    (' MethodOID="MT.USUBJID"', "", "method"),
    ('<TranslatedText xml:lang="en">Demographics<', '<TranslatedText xml:lang="en">Demography<', "label"),
    ('<TranslatedText xml:lang="en">Sex<', '<TranslatedText xml:lang="en">Gender<', "label"),
    ('Name="AGE" DataType="integer"', 'Name="AGE" DataType="text"', "type"),
    ('Name="SEX" DataType="text" Length="1"', 'Name="SEX" DataType="text" Length="2"', "length"),
    ('xlink:href="dm.xpt"', 'xlink:href="demog.xpt"', "href"),
    ('xlink:href="dm.xpt"', 'xlink:href="/dm.xpt"', "href"),
    ('CodedValue="F"', 'CodedValue="W"', "codelist"),
    ("<CheckValue>SYSBP</CheckValue>", "<CheckValue>SYSBPX</CheckValue>", "where"),
    ('SoftHard="Soft"', 'SoftHard="Firm"', "schema"),
    ('def:StandardOID="STD.IG"', "", "standard"),
    ('Repeating="No"', 'Repeating="No', "xml"),
]


@pytest.mark.parametrize(("old", "new", "rule"), XML, ids=[f"{r}: {n[:30]}" for _, n, r in XML])
def test_a_wrong_word_in_the_file_is_caught(folder, xml, old, new, rule):
    (folder / "define.xml").write_text(spoil(xml["sdtm"].decode(), old, new), encoding="utf-8")
    assert rule in {f.rule for f in folder_faults(folder)}


def test_datasets_that_are_not_those_described_are_caught(folder):
    faults = {f.rule for f in folder_faults(folder)}
    assert faults == set()
    (folder / "dm.xpt").rename(folder / "xx.xpt")
    found = [str(f) for f in folder_faults(folder) if f.rule == "dataset"]
    assert found == ["XX: a dataset file that the define.xml does not describe", "DM: described, and there is no file of it"]


DATA = [
    (lambda f, m: (f.assign(SEX="X"), m), "codelist", "a value that is no term"),
    (lambda f, m: (f.assign(SEX=None).astype({"SEX": "str"}), m), "data", "a variable without any value"),
    (lambda f, m: (f.drop(columns="SEX"), DatasetMeta(m.name, m.label, tuple(v for v in m.variables if v.name != "SEX"))),
     "variable", "a variable that is gone"),
    (lambda f, m: (f.assign(AGE=f["AGE"] + 0.5), m), "type", "a whole number that is none"),
    (lambda f, m: (f.assign(USUBJID=None).astype({"USUBJID": "str"}), m), "mandatory", "no subject"),
    (lambda f, m: (f, replace(m, label="Another")), "label", "another label"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "rule", "why"), DATA, ids=[w for _, _, w in DATA])
def test_records_that_are_not_as_described_are_caught(folder, change, rule, why):
    frame, meta = read_xpt(folder / "dm.xpt")
    frame, described = change(frame, meta)
    write_xpt(folder / "dm.xpt", frame, described, meta.created, durable=False)
    assert rule in {f.rule for f in folder_faults(folder)}, why


def test_a_folder_without_define_xml_is_told(tmp_path):
    assert [str(f) for f in folder_faults(tmp_path)] == ["define.xml: the file is not there"]


@pytest.mark.parametrize(("texts", "kind", "why"), [
    (["2030-01-01", "2030-02-28"], "date", "whole dates"),
    (["2030-01-01", "2030-02"], "partialDate", "a day is missing"),
    (["2030-01-01T08:30", "2030-01-02T09:00:15"], "datetime", "with times"),
    (["2030-01-01", "2030-01-01T08:30"], "partialDatetime", "the time is missing here and there"),
    (["2030---15"], "incompleteDatetime", "the month is missing, the day is known"),
    (["PT30M", "-PT5M"], "durationDatetime", "durations"),
    (["2030-01-01/2030-02-01"], "intervalDatetime", "an interval"),
    (["LAST WEEK"], "text", "no ISO 8601"),
    ([], "datetime", "no value: what the standard asks for"),
])  # fmt: skip
def test_text_that_is_a_date_has_the_narrowest_type(texts, kind, why):
    facts = text_facts(pd.Series(texts, dtype="str"), 0, len(texts), 20, temporal=True)
    assert facts.type == kind, why
    assert all(conforms(kind, t) for t in texts)


def test_numbers_and_results_tell_their_type_length_and_decimals():
    facts = number_facts(pd.Series([1.5, 20.0, -3.25]), 0, 3)
    assert (facts.type, facts.length, facts.digits, facts.values) == ("float", 5, 2, ("-3.25", "1.5", "20"))
    assert number_facts(pd.Series([1.0, 20.0]), 0, 2).type == "integer"
    assert value_facts(pd.Series(["120", "98"]), 0, 2).type == "integer"
    mixed = value_facts(pd.Series(["120", "<5"]), 0, 2)
    assert (mixed.type, mixed.length) == ("text", 3)


def test_every_link_of_the_page_leads_somewhere(built, xml):
    documents = [Document("csdrg", "csdrg.pdf", "Guide")]
    page = html.fromstring(define_html(define_xml(built, "sdtm", documents)))
    ids = {e.get("id") for e in page.iter() if e.get("id")} | {e.get("name") for e in page.iter("a") if e.get("name")}
    links = [a.get("href") for a in page.iter("a") if a.get("href")]
    assert [h for h in links if h.startswith("#") and h[1:] not in ids] == []
    files = {h.partition("#")[0] for h in links if not h.startswith("#")}
    assert files == {f"{n.lower()}.xpt" for n in FolderFiles(built.out / "sdtm").names()} | {"csdrg.pdf"}
    assert define_html(xml["sdtm"]) == define_html(xml["sdtm"])


def test_the_page_opens_in_a_browser(xml, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser on this machine")
    (tmp_path / "define.html").write_bytes(define_html(xml["adam"]))
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"file://{tmp_path}/define.html"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert "Analysis Dataset" in shown.stdout and 'href="adtte.xpt"' in shown.stdout


def test_the_stylesheet_that_the_file_names_keeps_its_licence():
    assert b"The MIT License (MIT)" in stylesheet()[:200]


def test_a_hostile_file_is_not_expanded(folder):
    (folder / "secret").write_text("secret words", encoding="utf-8")
    text = (folder / "define.xml").read_text(encoding="utf-8").split("?>", 1)[1]
    entity = f'<?xml version="1.0"?><!DOCTYPE ODM [<!ENTITY x SYSTEM "file://{folder}/secret">]>'
    hostile = (entity + text.replace("<StudyName>KV-21", "<StudyName>&x;", 1)).encode()
    assert b"secret words" not in define_html(hostile)
    assert [f.rule for f in define_faults(hostile, FolderFiles(folder))] == ["xml"]
