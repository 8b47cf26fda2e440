"""The page of a traced value: the same tree as the text, the path drawn, nothing loaded, everything escaped."""

import html
import re
import shutil
import subprocess
from itertools import pairwise

import pytest

from engine.run.lineage import Step
from trialmill.explain import told
from trialmill.trace import trace_record
from trialmill.trace_layout import MOST_DRAWN, lay_out
from trialmill.trace_page import page, write_page
from trialmill.trace_path import TracePath

from .test_explain import FILES, RESULTS

NASTY = '<script>alert(1)</script>&"\''


@pytest.fixture
def study(tmp_path, monkeypatch):
    for name, text in (FILES | RESULTS).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def traced(study, variable, *chosen):
    return trace_record(variable, study / "spec", study / "raw", study / "out", ("USUBJID=TOY-7-A1", *chosen))


@pytest.fixture
def change(study):
    """A change from baseline: two records of one dataset, two raw cells."""
    return traced(study, "RES.CHG", "ADT=2030-02-05")


def plain(text):
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def test_every_line_of_the_text_stands_on_the_page(change):
    shown = plain(page(change).split("All that was read")[1])
    details = [line.strip() for line in told(change)]
    start = next(n for n, line in enumerate(details) if line.startswith("in detail"))
    assert len(details) - start > 10
    for line in details[start + 1:]:
        for part in re.split(r"  +", line):
            assert part in shown, part


def test_the_raw_cells_of_the_page_are_those_of_the_text(change):
    cells = page(change).split("<h2>Raw cells</h2>")[1].split("</table>")[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in cells.split("<tr>")[2:]]
    assert [[plain(cell) for cell in row] for row in rows] == [
        ["forms/lab.csv line 4", "lab.RESULT", "79", ""], ["forms/lab.csv line 3", "lab.RESULT", "84", ""],
    ]
    assert [f"{name} = {value}  [{place}]" for place, name, value, _ in [[plain(c) for c in row] for row in rows]] == [
        line[12:] for line in told(change) if line.startswith(("  raw ", "            lab."))
    ]


def test_a_record_is_a_box_of_its_variables_and_raw_cells_stand_right(change):
    drawing = lay_out(change.path, change.study)
    boxes = {(box.room, box.name, box.keys): [change.path.steps[n].name for n in box.rows] for box in drawing.boxes}
    assert boxes == {
        ("working", "RES", "ADT 2030-02-05"): ["RES.CHG", "RES.AVAL", "RES.BASE"],
        ("working", "RES", "ADT 2030-02-04"): ["RES.AVAL"],
        ("raw", "forms/lab.csv", "line 4"): ["lab.RESULT"],
        ("raw", "forms/lab.csv", "line 3"): ["lab.RESULT"],
    }
    assert [box.column for box in drawing.boxes] == [0, 2, 1, 2]
    assert drawing.columns == ["intermediate", "intermediate", "raw"] and drawing.left_out == 0
    places = [(box.x, y) for box in drawing.boxes for y in (box.y, box.y + box.height)]
    assert all(0 < x < drawing.width and 0 < y < drawing.height for x, y in places)
    below = sorted((box.x, box.y, box.y + box.height) for box in drawing.boxes)
    assert all(one[0] != other[0] or one[2] < other[1] for one, other in pairwise(below))


def test_boxes_that_read_one_another_are_drawn_all_the_same(change):
    path = TracePath([Step("RES.AVAL", "1", kind="derived", at=("RES", 0)), Step("AE.X", "1", kind="derived", at=("AE", 0)),
                      Step("RES.BASE", "1", kind="derived", at=("RES", 0))], [(0, 1), (1, 2)], ["", "", ""])
    drawing = lay_out(path, change.study)
    assert [box.column for box in drawing.boxes] == [0, 1] and len(drawing.edges) == 2


def test_a_path_of_many_variables_is_drawn_in_part_and_the_page_says_so(change):
    steps = [change.step, *(Step(f"lab.C{n}", "1", "lab.csv line 2", kind="cell") for n in range(MOST_DRAWN + 9))]
    change.path = TracePath(steps, [(0, n) for n in range(1, len(steps))], [""] * len(steps))
    assert lay_out(change.path, change.study).left_out == 10
    assert "10 further variables of the path are not drawn" in page(change)
    assert f"lab.C{MOST_DRAWN + 8}<" in page(change), "in words they are all there"


def test_what_was_entered_is_escaped(study):
    raw = study / "raw" / "forms" / "ae.csv"
    raw.write_text(raw.read_text(encoding="utf-8").replace("A1,Rash", f'A1,"{NASTY.replace(chr(34), chr(34) * 2)}"'), "utf-8")
    words = study / "raw" / "words.csv"
    words.write_text(words.read_text(encoding="utf-8") + f'"{NASTY.replace(chr(34), chr(34) * 2)}",Nasty\n', "utf-8")
    trace = traced(study, "AE.AETERM", "AEDECOD=Nasty")
    text = page(trace)
    assert trace.step.value == NASTY and "<script>alert" not in text and text.count("&lt;script&gt;alert") >= 4


def test_a_page_loads_nothing_and_is_the_same_each_time(study, change):
    write_page(change, study / "one.html")
    write_page(traced(study, "RES.CHG", "ADT=2030-02-05"), study / "two.html")
    text = (study / "one.html").read_bytes()
    assert text == (study / "two.html").read_bytes()
    assert not re.search(rb"(src|href)=|@import|url\((?!#)", text)
    assert re.findall(rb"https?://[^\"]+", text) == [b"http://www.w3.org/2000/svg"]


def test_a_value_of_the_spec_alone_has_no_raw_cell(study):
    text = page(traced(study, "RES._GRP", "ADT=2030-02-05"))
    assert "the value comes from the spec alone" in text and "Nothing: the value stands in the spec." in text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")
def test_a_browser_opens_the_page_and_pointing_at_a_variable_lights_up_its_path(study, change):
    probe = (
        "<script>document.querySelectorAll('.row')[1].dispatchEvent(new Event('mouseenter'));"
        "document.body.dataset.lit=document.querySelectorAll('.row.on').length+' '+"
        "document.querySelectorAll('.edge.on').length+' '+document.getElementById('said').textContent;</script>"
    )
    path = study / "probe.html"
    path.write_text(page(change).replace("</body>", probe + "</body>"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={study / 'profile'}", "--dump-dom"]
    seen = subprocess.run(["chromium", *options, path.as_uri()], capture_output=True, text=True, timeout=60, check=True)
    said = re.search(r'data-lit="([^"]*)"', seen.stdout).group(1)
    assert said.startswith("3 2 RES.AVAL = 79"), "CHG, AVAL and its raw cell; the baseline stays grey"
