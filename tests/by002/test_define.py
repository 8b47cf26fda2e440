"""define.xml of BY002: what reviewers read of methods, origins, values, terms and displays, held to data and specs."""

import io
import re
from pathlib import Path

import pypdf
import pytest
from lxml import etree

from engine.spec.displays import load_displays
from engine.spec.method_text import finished
from submission.acrf import acrf_pdf
from submission.crf_layout import crf_layout
from submission.define import Document, define_xml
from submission.define_check import BuiltFiles, define_faults
from trialmill.published import published

STUDY = Path(__file__).resolve().parents[2] / "specs" / "by002"
ODM, DEF = "{http://www.cdisc.org/ns/odm/v1.3}", "{http://www.cdisc.org/ns/def/v2.1}"
ARM = "{http://www.cdisc.org/ns/arm/v1.0}"
DOCUMENTS = {"sdtm": [Document("acrf", "acrf.pdf", "Annotated CRF", "crf")], "adam": []}


@pytest.fixture(scope="module")
def made(built):
    return published(STUDY, built)


@pytest.fixture(scope="module")
def layout(made):
    return crf_layout(made.study, made.catalogue)


@pytest.fixture(scope="module")
def xml(made, layout):
    return {package: define_xml(made, package, DOCUMENTS[package], layout) for package in made.packages}


@pytest.fixture(scope="module")
def trees(xml):
    return {package: etree.fromstring(content) for package, content in xml.items()}


def texts(tree, kind):
    return {e.get("OID"): e.findtext(f"{ODM}Description/{ODM}TranslatedText") for e in tree.iter(kind)}


def items(tree):
    return {e.get("OID"): e for e in tree.iter(f"{ODM}ItemDef")}


def terms(tree, item):
    oid = items(tree)[item].find(f"{ODM}CodeListRef").get("CodeListOID")
    (codelist,) = [c for c in tree.iter(f"{ODM}CodeList") if c.get("OID") == oid]
    return codelist, {e.get("CodedValue"): e for e in codelist if e.get("CodedValue")}


def test_both_files_are_valid_whole_and_agree_with_every_dataset(made, xml):
    for package, content in xml.items():
        assert [str(f) for f in define_faults(content, BuiltFiles(made, package))] == []


def test_a_method_explains_every_intermediate_value_that_it_names(made, trees):
    study = made.study
    working = [n for n, d in study.datasets.items() if d.working]
    named = re.compile(rf"(?<![\w.])(_[A-Z0-9]+|(?:{'|'.join(working)})\.[A-Z0-9_]+)")
    for tree in trees.values():
        for oid, text in texts(tree, f"{ODM}MethodDef").items():
            told = {line.partition(":")[0].partition(" (")[0] for line in text.split("\n")}
            told |= {t.partition(".")[2] for t in told}  # in the lines of a working dataset its variables stand alone
            lost = [n for n in named.findall(text) if n not in told and n.partition(".")[2] not in told]
            assert lost == [], (oid, text)


def test_every_method_and_comment_is_made_of_sentences(trees):
    for tree in trees.values():
        for kind in (f"{ODM}MethodDef", f"{DEF}CommentDef"):
            for oid, text in texts(tree, kind).items():
                assert all(line == finished(line) or line == "Intermediate values:" for line in text.split("\n")), oid
                assert not re.search(r" == | != |\bNone\b|\bTrue\b|\{|\}", text), (oid, text)


def test_every_page_of_an_origin_shows_the_annotation(made, trees, layout):
    reader = pypdf.PdfReader(io.BytesIO(acrf_pdf(layout, made.study)))
    shown = [" ".join(page.extract_text().split()) for page in reader.pages]
    count = 0
    for oid, item in items(trees["sdtm"]).items():
        _, dataset, variable, *value = oid.split(".")
        said = f'SUPP{dataset.removeprefix("SUPP")}.QVAL when QNAM="{value[0]}"' if variable == "QVAL" and value else ""
        for page in (p for ref in item.iter(f"{DEF}PDFPageRef") for p in ref.get("PageRefs").split()):
            assert (said or f"{dataset}.{variable}") in shown[int(page) - 1], oid
            count += 1
    assert count > 200


def test_what_was_collected_on_a_form_has_its_page(trees, layout):
    pages = {a.page for a in layout.annotations}
    origins = [o for o in trees["sdtm"].iter(f"{DEF}Origin") if o.get("Source") == "Investigator"]
    assert len(origins) > 200
    for origin in origins:
        (page,) = origin.iter(f"{DEF}PDFPageRef")
        assert page.get("Type") == "PhysicalRef"
        assert {int(p) for p in page.get("PageRefs").split()} <= pages


def test_a_vital_sign_is_described_by_test(trees):
    made = items(trees["sdtm"])
    weight, pressure = made["IT.VS.VSORRES.WEIGHT"], made["IT.VS.VSORRES.SYSBP"]
    assert (weight.get("DataType"), pressure.get("DataType")) == ("float", "integer")
    codelist, units = terms(trees["sdtm"], "IT.VS.VSORRESU.WEIGHT")
    assert set(units) == {"kg", "jin"}
    assert units["jin"].get(f"{DEF}ExtendedValue") == "Yes" and units["kg"].get(f"{DEF}ExtendedValue") is None
    assert units["kg"].find(f"{ODM}Alias").get("Name") == "C28252"
    assert codelist.get(f"{DEF}StandardOID") == "STD.CT.SDTM"


def test_dictionaries_have_the_version_of_the_export(trees):
    external = {e.get("Dictionary"): e.get("Version") for t in trees.values() for e in t.iter(f"{ODM}ExternalCodeList")}
    assert set(external) == {"MedDRA", "WHODD", "ISO 3166"}
    assert external["MedDRA"].startswith("27.1")
    coded = items(trees["adam"])["IT.ADAE.AEDECOD"].find(f"{ODM}CodeListRef").get("CodeListOID")
    assert coded.startswith("CL.MedDRA")


def test_predecessors_lead_to_submitted_variables(made, trees):
    known = {f"{d.name}.{v.name}" for d in made.datasets.values() for v in d.meta.variables}
    for tree in trees.values():
        for origin in tree.iter(f"{DEF}Origin"):
            if origin.get("Type") == "Predecessor":
                for said in origin.findtext(f"{ODM}Description/{ODM}TranslatedText").split("; "):
                    assert said.partition(" where ")[0] in known, said


def test_every_display_of_the_study_has_its_results_metadata(made, trees):
    displays = load_displays(made.study).displays
    written = {d.get("Name"): d for d in trees["adam"].iter(f"{ARM}ResultDisplay")}
    assert list(written) == list(displays) and len(written) == 34
    for name, display in displays.items():
        results = list(written[name].iter(f"{ARM}AnalysisResult"))
        assert [r.get("AnalysisPurpose") for r in results] == [r.purpose for r in display.results]
        for result, spec in zip(results, display.results, strict=True):
            groups = [d.get("ItemGroupOID") for d in result.iter(f"{ARM}AnalysisDataset")]
            assert groups == [f"IG.{d}" for d in spec.datasets]
    pk = next(r for r in written["T-14.4.3"].iter(f"{ARM}AnalysisResult"))
    assert pk.get("ParameterOID") == "IT.ADPP.PARAMCD"


def test_a_display_that_lies_in_the_package_is_referred_to(made):
    document = Document("t-14-3-8", "../tables/t-14-3-8.pdf", "Exposure", "display")
    tree = etree.fromstring(define_xml(made, "adam", [document]))
    referred = {d.get("Name"): d.find(f"{DEF}DocumentRef") for d in tree.iter(f"{ARM}ResultDisplay")}
    assert [n for n, d in referred.items() if d is not None] == ["T-14.3.8"]
    (leaf,) = [e for e in tree.iter(f"{DEF}leaf") if e.get("ID") == referred["T-14.3.8"].get("leafID")]
    assert leaf.findtext(f"{DEF}title") == "Exposure"
