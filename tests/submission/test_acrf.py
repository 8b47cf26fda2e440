"""The annotated CRF of the studies that are here: every form, every annotation on its page, nothing on top of another."""

import io
import itertools
import time
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.spec.origin_terms import COLLECTED, INVESTIGATOR
from engine.spec.origins import variable_origins
from engine.spec.study import load_study
from submission.acrf import acrf_pdf
from submission.crf_boxes import NOT_SUBMITTED, colours_of
from submission.crf_layout import crf_layout

ROOT = Path(__file__).resolve().parents[2]
STUDIES = {
    "by002": ROOT / "specs" / "by002",
    "scaffold": ROOT / "trialmill" / "scaffold" / "study",
    "no forms": ROOT / "tests" / "second_study" / "kv21",
}


@pytest.fixture(scope="module", params=STUDIES)
def study(request):
    return load_study(STUDIES[request.param], request.param)


@pytest.fixture(scope="module")
def layout(study):
    return crf_layout(study)


@pytest.fixture(scope="module")
def pdf(study, layout):
    return acrf_pdf(layout, study)


@pytest.fixture(scope="module")
def pages(pdf):
    """The text of each page, blanks and ends of lines alike."""
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def test_every_form_is_there_once_with_all_its_questions(study, layout, pages):
    forms = study.forms.forms if study.forms else {}
    assert list(layout.forms) == list(forms)
    for name, form in forms.items():
        mine = [pages[p.number - 1] for p in layout.pages if p.form == name]
        assert mine[0].count(f"{form.name} [{study.forms.oid(name)}]") == 1
        for item in form.items.values():
            assert any(item.prompt in text for text in mine), (name, item.prompt)
        for item, found in itertools.product(form.items, [study.forms.decodes]):
            for word in (found(name, item) or {}).values():
                assert any(word in text for text in mine), (name, item, word)


def test_every_annotation_can_be_found_on_the_page_that_it_names(layout, pages):
    for each in layout.annotations:
        assert each.text in pages[each.page - 1], each
        assert each.dataset in each.text and each.variable in each.text
    for form, field, page in layout.not_submitted:
        assert NOT_SUBMITTED in pages[page - 1], (form, field)


def test_everything_collected_on_a_form_has_its_page(study, layout):
    if study.forms is None:
        return
    for name, spec in study.datasets.items():
        if spec.working or study.file.packages[spec.package].standard != "sdtmig":
            continue
        for variable in [*spec.names, *spec.supplemental]:
            origins = [(o.type, o.source) for o in variable_origins(study, name, variable)]
            if (COLLECTED, INVESTIGATOR) in origins and not variable.startswith("_"):
                found = layout.pages_of(name, variable) or layout.pages_of(f"SUPP{name}", "QVAL", {"QNAM": variable})
                assert found, f"{name}.{variable}"


def test_nothing_lies_on_top_of_another_or_over_the_edge(layout):
    for page in layout.pages:
        frames = [b for b in page.boxes if b.stroke == "#404040"]
        for a, b in itertools.combinations(frames, 2):
            apart = a.x + a.w <= b.x or b.x + b.w <= a.x or a.y + a.h <= b.y or b.y + b.h <= a.y
            assert apart, (page.number, a, b)
        lines = [(t.x, t.y, t.right, t.y + t.size) for t in page.texts]
        for a, b in itertools.combinations(lines, 2):
            apart = a[2] <= b[0] + 0.5 or b[2] <= a[0] + 0.5 or a[3] <= b[1] + 0.5 or b[3] <= a[1] + 0.5
            assert apart, (page.number, a, b)
        for x, y, right, below in lines:
            assert x >= 20 and right <= page.w - 20 and y >= 20 and below <= page.h - 20, (page.number, x, y)
        for box in page.boxes:
            assert box.x >= 20 and box.x + box.w <= page.w - 20 and box.y + box.h <= page.h - 20, (page.number, box)
        for frame in frames:
            inside = [t for t in page.texts if frame.x <= t.x < frame.x + frame.w and frame.y <= t.y < frame.y + frame.h]
            assert all(t.right <= frame.x + frame.w for t in inside), (page.number, frame)


def test_annotations_are_black_and_of_nine_to_twelve_points(layout):
    found = {a.text.split()[0] for a in layout.annotations}
    for page in layout.pages:
        for text in page.texts:
            if page.form and text.text.split()[0] in found:
                assert text.colour == "#000000" and 9 <= text.size <= 12, text


def test_bookmarks_lead_by_visit_and_by_form(study, layout, pdf):
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    titles = [e.title for e in reader.outline if not isinstance(e, list)]
    if study.forms is None:
        assert titles == ["Annotated case report form"]
        return
    assert titles == ["Annotated case report form", "Contents by form", "Contents by visit", "Visits", "Forms"]
    by_visit, by_form = [e for e in reader.outline if isinstance(e, list)]
    names = {study.forms.forms[f].name: page for f, page in layout.forms.items()}
    assert {e.title: reader.get_destination_page_number(e) + 1 for e in by_form} == names
    visits = [e.title for e in by_visit if not isinstance(e, list)]
    assert visits == [v for v in [*study.forms.visits.values(), "At any time"] if v in visits]
    below = [e for group in by_visit if isinstance(group, list) for e in group]
    assert {e.title for e in below} == set(names)
    assert all(reader.get_destination_page_number(e) + 1 == names[e.title] for e in below)


def test_links_of_the_contents_lead_to_the_forms(layout, pdf):
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    numbers = {page.indirect_reference.idnum: n for n, page in enumerate(reader.pages, 1)}
    for page in layout.pages:
        links = [a.get_object() for a in reader.pages[page.number - 1].get("/Annots", [])]
        found = sorted(numbers[list.__getitem__(link["/Dest"], 0).idnum] for link in links)
        assert found == sorted(link.page for link in page.links)


def test_the_same_study_gives_the_same_bytes_on_another_day(study, layout, pdf, monkeypatch):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_400 * 400)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(1))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert acrf_pdf(crf_layout(study), study) == pdf


def test_every_font_is_embedded_and_the_time_is_the_studys(study, pdf):
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    fonts = [f.get_object() for p in reader.pages for f in p["/Resources"]["/Font"].values()]
    assert fonts and all("/FontFile2" in f["/FontDescriptor"] for f in fonts)
    assert reader.metadata.creation_date.replace(tzinfo=None) == study.file.created.replace(tzinfo=None)


def test_domains_beside_each_other_have_different_colours_where_there_are_enough():
    colours = colours_of([("AA", "BB", "CC"), ("CC", "DD"), ("AA", "DD")])
    for beside in (("AA", "BB", "CC"), ("CC", "DD"), ("AA", "DD")):
        assert len({colours[d] for d in beside}) == len(beside)


def test_a_text_without_latin_letters_is_shown_whole(study):
    if study.forms is None:
        return
    prompt = "\u4e0d\u826f\u4e8b\u4ef6\u540d\u79f0 " * 12 + "\u2265 3"
    forms = study.forms.model_copy(deep=True)
    name = next(iter(forms.forms))
    item = next(iter(forms.forms[name].items))
    forms.forms[name].items[item] = forms.forms[name].items[item].model_copy(update={"prompt": prompt})
    changed = replace(study, forms=forms)
    layout = crf_layout(changed)
    text = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(acrf_pdf(layout, changed))).pages)
    assert "".join(prompt.split()) in "".join(text.split())
    test_nothing_lies_on_top_of_another_or_over_the_edge(layout)


def test_a_long_list_of_choices_goes_on_over_pages(study):
    if study.forms is None:
        return
    forms = study.forms.model_copy(deep=True)
    name = next(iter(forms.forms))
    words = {f"C{i:03}": f"Country number {i:03} of the list" for i in range(250)}
    added = {"COUNTRY": next(iter(forms.forms[name].items.values())).model_copy(update={"type": "code", "codes": words})}
    forms.forms[name] = forms.forms[name].model_copy(update={"items": {**forms.forms[name].items, **added}})
    changed = replace(study, forms=forms)
    layout = crf_layout(changed)
    text = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(acrf_pdf(layout, changed))).pages)
    flat = "".join(text.split())
    assert all("".join(w.split()) in flat for w in words.values())
    assert text.count(NOT_SUBMITTED) == len(layout.not_submitted) + 1, "said once for the field, and on the first page"
    test_nothing_lies_on_top_of_another_or_over_the_edge(layout)
