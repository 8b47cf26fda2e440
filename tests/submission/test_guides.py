"""Reviewer's guides of a small made-up build: what they tell, what they leave to people, and both files from one content."""

import datetime
import io
import shutil
import time
import zipfile
from pathlib import Path

import docx
import jsonschema
import pandas as pd
import pypdf
import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.errors import SpecError
from engine.spec.document import load_document
from engine.spec.reference import file_schemas
from engine.spec.study import load_study
from formats.metadata import DatasetMeta, VariableMeta
from formats.xpt_write import write_xpt
from submission.adrg import adrg
from submission.built import Built
from submission.csdrg import csdrg
from submission.guide import Flow, Guide, Heading, Table
from submission.guide_facts import GuideFinding, intermediate_lines, published_sources, steps_of, used_acronyms
from submission.guide_pdf import guide_pdf
from submission.guide_texts import GuideTexts, lint_guides, load_guide_texts
from submission.guide_word import guide_docx

ROOT = Path(__file__).resolve().parents[2]
CREATED = datetime.datetime(2030, 1, 1)
RECORDS = {
    "DM": [{"SUBJID": "01"}, {"SUBJID": "02"}],
    "AE": [{"AETERM": "Headache"}],
    "SUPPAE": [{"RDOMAIN": "AE", "QNAM": "AELIM", "QLABEL": "Dose Limiting", "QVAL": "Y"}],
    "VS": [{"VSTESTCD": "PULSE"}],
    "TI": [],
    "ADSL": [{"SUBJID": "01", "SAFFL": "Y"}, {"SUBJID": "02", "SAFFL": "Y"}],
    "ADVS": [{"PARAMCD": "PULSE", "PARAM": "Pulse", "SAFFL": "Y", "ANL01FL": "Y"}],
}
GUIDES = """
protocol:
  versions: Version 1.0 of 2029-01-01
  design: One arm, open label.
acronyms: {DLT: Dose-Limiting Toxicity, XYZ: Not Used Anywhere}
decisions: [{about: DLT, says: The investigator decides., why: protocol}]
not_submitted:
  event.CHECKED: A mark of the monitor.
  lab.READER: Not analysed.
purposes: {ADSL: Baseline, ADVS: [Safety, Baseline]}
datasets: {AE: Events of all grades.}
"""
FINDINGS = [
    GuideFinding("CDISC CORE", "CORE-000289", "VS", "VSORRES", 1200, "kept as collected", "a value without a unit"),
    GuideFinding("Trialmill", "SD07", "AE", "AEENRTPT", 3, "", "a reference without its text"),
    GuideFinding("Trialmill", "AD01", "ADSL", "", 1, "one subject was never treated"),
]


@pytest.fixture
def build(made_up_folder, tmp_path):
    """A function: the made-up study with guides.yaml, and files that a build might have published."""

    def make(guides=GUIDES, names=tuple(RECORDS)):
        folder = tmp_path / "study"
        shutil.copytree(made_up_folder, folder, dirs_exist_ok=True)
        if guides is not None:
            (folder / "guides.yaml").write_text(guides, encoding="utf-8")
        study = load_study(folder, "made_up")
        files = {"sdtm": [], "adam": []}
        for name in names:
            package = "adam" if name.startswith("AD") else "sdtm"
            if name.removeprefix("SUPP") not in study.datasets:
                continue
            files[package].append(_file(tmp_path, name, RECORDS[name]))
        return Built(study, tmp_path, {p: f for p, f in files.items() if f}, {"sdtm": {}, "adam": {}})

    return make


def _file(folder, name, records):
    frame = pd.DataFrame([{"USUBJID": f"M-0{i}", **r} for i, r in enumerate(records, 1)], dtype="str")
    variables = tuple(VariableMeta(c, c.title(), "Char", 20) for c in frame.columns)
    write_xpt(folder / f"{name.lower()}.xpt", frame, DatasetMeta(name, f"Label of {name}", variables), CREATED)
    return folder / f"{name.lower()}.xpt"


def texts_of(guide, heading):
    """All that stands below a heading, up to the next of its level or a higher one."""
    found, level = [], 0
    for block in guide.blocks:
        if isinstance(block, Heading):
            if level and block.level <= level:
                break
            level = block.level if block.text == heading else level
        elif level:
            part = Guide("", "", "", "", CREATED, [block])
            found += part.words()[1:]
    return found


def test_every_dataset_stands_with_its_records_keys_and_qualifiers(build):
    guide = csdrg(build())
    rows = {r[0]: r for b in guide.blocks if isinstance(b, Table) and "Datasets of" in b.caption for r in b.rows}
    assert (rows["AE"][4], rows["AE"][5]) == ("1", "USUBJID, AETERM")
    (supplemental,) = [b for b in guide.blocks if isinstance(b, Table) and b.caption.endswith("Supplemental qualifiers")]
    assert supplemental.rows == (("AE", "SUPPAE", "1", "AELIM"),)
    assert "Events of all grades." in texts_of(guide, "AE: Label of AE")


def test_every_field_that_is_not_submitted_has_its_sentence_or_a_draft(build):
    guide = csdrg(build())
    (table,) = [b for b in guide.blocks if isinstance(b, Table) and "Collected fields" in b.caption]
    assert [(r[1], r[4]) for r in table.rows] == [
        ("CHECKED", "A mark of the monitor."), ("UNREAD", "to be written"), ("DRAWN", "to be written"),
    ]  # fmt: skip
    (columns,) = [b for b in guide.blocks if isinstance(b, Table) and "vendor files" in b.caption]
    assert columns.rows == (("lab.csv", "READER", "Not analysed."),)
    assert [d for d in guide.drafts if "not_submitted" in d] == [
        "DRAFT: say why event.UNREAD is collected and not submitted (not_submitted).",
        "DRAFT: say why tube.DRAWN is collected and not submitted (not_submitted).",
    ]


def test_explained_findings_stand_with_their_explanation_and_others_are_drafts(build):
    built = build()
    guide = csdrg(built, FINDINGS)
    (table,) = [b for b in guide.blocks if isinstance(b, Table) and "Explained findings" in b.caption]
    assert table.rows == (
        ("CDISC CORE", "CORE-000289", "VS.VSORRES", "1,200", "a value without a unit", "kept as collected"),
    )
    assert "DRAFT: explain Trialmill SD07 on AE.AEENRTPT, 3 found: a reference without its text." in guide.drafts
    assert "one subject was never treated" in adrg(built, FINDINGS).words()
    assert "one subject was never treated" not in guide.words()


def test_findings_that_nobody_looked_for_are_not_said_to_be_none(build):
    built = build()
    for guide in (csdrg(built, None), adrg(built, None)):
        assert any("were not checked" in d for d in guide.drafts)
        assert not any("is to be explained" in w for w in guide.words())
    assert any("is to be explained" in w for w in csdrg(built, []).words())


def test_a_section_without_content_says_so(build):
    built = build(guides=None)
    guide = csdrg(built)
    assert "The package has no TI dataset." in guide.words()
    assert any("There are no legacy data" in t for t in texts_of(guide, "Legacy data conversion"))
    assert texts_of(guide, "Additional content") == ["None."]
    assert any("No dataset was split" in t for t in texts_of(guide, "Split datasets"))
    for g in (guide, adrg(built)):
        for one, other in zip(g.blocks, g.blocks[1:], strict=False):
            if isinstance(one, Heading) and isinstance(other, Heading):
                assert other.level > one.level, f"nothing under {one.said}"
        assert not isinstance(g.blocks[-1], Heading)


def test_what_was_not_run_is_told(build):
    built = build()
    for guide in (csdrg(built, [], checked=["CORE: not run"]), adrg(built, [], checked=["CORE: not run"])):
        assert "CORE: not run" in texts_of(guide, "Conformance inputs")


def test_a_split_is_told_with_its_parts(build):
    splits = [{"dataset": "VS", "by": "VSTESTCD", "parts": [{"name": "VS1", "records": 7, "values": ["PULSE", "TEMP"]}]}]
    guide = csdrg(build(), splits=splits)
    (table,) = [b for b in guide.blocks if isinstance(b, Table) and "Split" in b.caption]
    assert table.rows == (("VS", "VSTESTCD", "VS1", "7", "PULSE, TEMP"),)


def test_analysis_datasets_say_what_they_are_made_of(build):
    guide = adrg(build())
    (table,) = [b for b in guide.blocks if isinstance(b, Table) and "is made of" in b.caption]
    assert table.rows == (("ADSL", "DM, AE", "none"), ("ADVS", "VS", "ADSL")), "a working dataset stands for its sources"
    (flow,) = [b for b in guide.blocks if isinstance(b, Flow)]
    assert [s.items for s in flow.stages] == [("AE, DM, VS",), ("ADSL",), ("ADVS",)]
    (working,) = [b for b in guide.blocks if isinstance(b, Table) and "Intermediate" in b.caption]
    assert working.rows[0][:2] == ("EVENTS", "ADSL")
    assert ("ADSL.AEFL", "Any event counts.", "specification") in [
        r for b in guide.blocks if isinstance(b, Table) and "decisions" in b.caption for r in b.rows
    ]  # fmt: skip


def test_datasets_that_read_one_another_stand_in_one_step():
    sources = {"A": ["B"], "B": ["A", "X"], "C": ["A"], "D": []}
    assert steps_of(["A", "B", "C", "D"], sources) == [["A", "B", "D"], ["C"]]


def test_sources_of_a_study_leave_out_what_is_working(made_up_folder):
    assert published_sources(load_study(made_up_folder, "made_up"))["ADSL"] == ("DM", "AE")


def test_intermediate_values_of_records_are_told(made_up_folder):
    study = load_study(made_up_folder, "made_up")
    assert intermediate_lines(study, "DV") == ["_STOPDAT: stop.STOPDAT in ISO 8601, to the precision collected."]
    assert intermediate_lines(study, "AE") == []


def test_only_acronyms_that_are_used_are_listed():
    known = {"DLT": "Dose-Limiting Toxicity", "AE": "Adverse Event", "XYZ": "Unused", "SUPP--": "Supplemental Qualifiers"}
    assert list(used_acronyms(["A DLT (see SUPP--).", "SAFETY"], known)) == ["DLT", "SUPP--"]


def test_word_and_pdf_say_the_same(build):
    for guide in (csdrg(build(), FINDINGS), adrg(build(), FINDINGS)):
        word = docx.Document(io.BytesIO(guide_docx(guide)))
        said = " ".join("".join(t.text or "" for t in word.element.body.iter(f"{W}t")).split())
        pages = pypdf.PdfReader(io.BytesIO(guide_pdf(guide))).pages
        printed = "".join("".join(p.extract_text().split()) for p in pages)
        for text in guide.words():
            flat = "".join(text.split())
            assert flat in said.replace(" ", ""), text
            if len(flat) < 60:  # a longer text may go on on the next page, below its head
                assert flat in printed, text


W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def test_the_same_guide_gives_the_same_bytes_on_another_day(build, monkeypatch):
    first = csdrg(build(), FINDINGS)
    before = guide_docx(first), guide_pdf(first)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_400 * 400)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(1_000_000_000))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    again = csdrg(build(), FINDINGS)
    assert (guide_docx(again), guide_pdf(again)) == before
    with zipfile.ZipFile(io.BytesIO(before[0])) as file:
        assert {i.date_time for i in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = file.read("docProps/core.xml").decode()
    assert core.count("2030-01-01T00:00:00Z") == 2
    assert pypdf.PdfReader(io.BytesIO(before[1])).metadata.creation_date.isoformat() == "2030-01-01T00:00:00+00:00"


def test_every_font_of_the_pdf_is_embedded(build):
    for guide in (csdrg(build(), FINDINGS), adrg(build(), FINDINGS)):
        reader = pypdf.PdfReader(io.BytesIO(guide_pdf(guide)))
        fonts = [f.get_object() for p in reader.pages for f in p["/Resources"]["/Font"].values()]
        assert fonts and all("/FontFile2" in f["/FontDescriptor"] for f in fonts)


def test_drafts_are_marked_in_both_files(build):
    guide = csdrg(build(), FINDINGS)
    word = docx.Document(io.BytesIO(guide_docx(guide)))
    marked = [p.text for p in word.paragraphs if any(r.font.highlight_color is not None for r in p.runs)]
    assert marked[1:] == guide.drafts and len(guide.drafts) > 1
    text = " ".join(" ".join(p.extract_text().split()) for p in pypdf.PdfReader(io.BytesIO(guide_pdf(guide))).pages)
    assert text.count("DRAFT: ") == len(guide.drafts)


def test_bookmarks_of_the_pdf_are_the_headings(build):
    guide = adrg(build())
    reader = pypdf.PdfReader(io.BytesIO(guide_pdf(guide)))

    def flat(entries):
        return [t for e in entries for t in (flat(e) if isinstance(e, list) else [e.title])]

    assert flat(reader.outline) == [b.said for b in guide.blocks if isinstance(b, Heading)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not_submitted: {event.WHAT: It is free text.}", "not_submitted: event.WHAT is submitted"),
        ("not_submitted: {event.WHAZ: It is free text.}", "not_submitted: there is no field event.WHAZ"),
        ("purposes: {ADXX: Safety}", "purposes: the study has no dataset ADXX"),
        ("protokol: {number: A}", 'unknown key "protokol"'),
    ],
)
def test_what_is_wrong_in_guides_yaml_is_told_with_its_place(build, text, told):
    found = lint_guides(build(guides=text, names=()).study)
    assert len(found) == 1
    assert told in found[0].what
    assert str(found[0].place).startswith("made_up/guides.yaml:1")


def test_guides_yaml_is_no_spec(build):
    study = build(guides=None, names=()).study
    assert load_guide_texts(study).acronyms == {} and lint_guides(study) == []
    assert study.fingerprint == build(names=()).study.fingerprint
    assert load_guide_texts(study).acronyms != {}
    with pytest.raises(SpecError):
        load_guide_texts(build(guides="protocol: []", names=()).study)


@pytest.mark.parametrize("folder", ["specs/by002", "trialmill/scaffold/study"])
def test_the_schema_for_editors_takes_the_files_that_are_here(folder):
    schema = file_schemas({"guides": GuideTexts})["guides"]
    data = load_document(ROOT / folder / "guides.yaml", "guides.yaml").data
    jsonschema.validate(data, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, "protokol": {}}, schema)


def test_a_table_of_uneven_rows_is_refused():
    with pytest.raises(ValueError, match="a row of 1 cells"):
        Table("T", ("A", "B"), (1, 1), (("only one",),))
