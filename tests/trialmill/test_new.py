"""`trialmill new` writes a study that builds at once, whole or not at all, and replaces nothing."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyreadstat
import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms
from engine.errors import CommandError, FileError
from engine.spec.registry import RECORD_VERBS, VERBS
from engine.spec.study import load_study
from trialmill.new import SCAFFOLD, new_study

ROOT = Path(__file__).resolve().parents[2]
SPECS, EXPORT = SCAFFOLD / "study", SCAFFOLD / "raw"


def mill(place, *command):
    return subprocess.run([sys.executable, "-m", "trialmill", *command], cwd=place, capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def read(out, name, *columns):
    frame, _ = pyreadstat.read_xport(out / "sdtm" / f"{name}.xpt")
    return frame[list(columns)].to_numpy().tolist()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study made and built with the very lines that the command prints."""
    place = tmp_path_factory.mktemp("new")
    done = mill(place, "new", "specs/qx-7", "--study-id", "QX-7b")
    assert done.returncode == 0, done.stderr
    said = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    assert len(said) == 2
    for line in said:
        run = mill(place, *shlex.split(line)[1:])
        assert run.returncode == 0, run.stdout + run.stderr
    return place


def test_it_builds_at_once_with_no_blocking_issue_and_nothing_to_find(made):
    out = made / "build" / "qx-7"
    assert {p.name for p in out.rglob("*.xpt")} == {"ae.xpt", "dm.xpt", "ex.xpt", "suppdm.xpt", "vs.xpt"}
    assert [(i["severity"], i["variable"], i["source"]) for i in json.loads((out / "issues.json").read_text())] == [
        ("warning", "AESTDTC", "forms/ADVERSE.csv line 5")
    ], "the one query that the comments speak of"
    lint = mill(made, "lint", "--study", "specs/qx-7")
    assert lint.returncode == 0 and lint.stdout.endswith("specs/qx-7: 0 problems\n") and lint.stderr == ""


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_the_lines_of_readme_make_a_study_and_build_it(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^(make \S+ STUDY=specs/abc101[^#\n]*)", readme, re.MULTILINE)
    assert [line.split()[1] for line in lines] == ["new", "sdtm"]
    for line in lines:
        words = shlex.split(line.replace("specs/", f"{tmp_path}/specs/").replace("raw/", f"{tmp_path}/raw/"))
        own = [f"MILL={sys.executable} -m trialmill", f"OUT={tmp_path}/out", f"RAW={tmp_path}/raw/abc101"]
        done = subprocess.run([*words, "-o", ".venv/.ready", *own], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "sdtm" / "dm.xpt").exists()


def test_the_six_subjects_of_the_example(made):
    columns = ("USUBJID", "SITEID", "BRTHDTC", "AGE", "RACE", "ACTARMCD", "ARMNRS", "RFSTDTC", "RFENDTC")
    assert read(made / "build" / "qx-7", "dm", *columns) == [
        ["QX-7b-101-001", "101", "1985-06-12", 44, "WHITE", "ACT", "", "2030-03-11", "2030-05-06"],
        ["QX-7b-101-002", "101", "1958-10", 71, "BLACK OR AFRICAN AMERICAN", "PLA", "", "2030-03-12", "2030-05-06"],
        ["QX-7b-101-003", "101", "1990-01-23", 40, "ASIAN", "", "SCREEN FAILURE", "", ""],
        ["QX-7b-102-001", "102", "1966-11-30", 63, "OTHER", "PLA", "", "2030-03-14", "2030-05-09"],
        ["QX-7b-102-002", "102", "1979-02-17", 51, "WHITE", "ACT", "", "2030-03-15", "2030-03-29"],
        ["QX-7b-102-003", "102", "1972-09-30", 57, "WHITE", "ACT", "", "2030-03-18", "2030-05-13"],
    ]
    assert read(made / "build" / "qx-7", "suppdm", "STUDYID", "USUBJID", "QNAM", "QVAL") == [
        ["QX-7b", "QX-7b-102-001", "RACEOTH", "Asian and White"]
    ]


def test_partial_dates_stay_partial_and_pounds_become_kilograms(made):
    out = made / "build" / "qx-7"
    events = {e[0]: e[1:] for e in read(out, "ae", "AETERM", "AESTDTC", "AEENDTC", "AEENRTPT")}
    assert events["runny nose"] == ["2030-04", "", "ONGOING"]
    assert events["stomach pain"] == ["2030", "2030-05-02", ""]
    assert events["rash on both arms"] == ["2030-04-01", "2030-04", ""]
    columns = ("USUBJID", "VSTESTCD", "VISITNUM", "VSORRES", "VSORRESU", "VSSTRESC", "VSSTRESU", "VSLOBXFL")
    signs = {tuple(s[:3]): s[3:] for s in read(out, "vs", *columns)}
    # 171 lb x 0.45359237 = 77.56; (98.1 F - 32) x 5/9 = 36.72
    assert signs["QX-7b-102-001", "WEIGHT", 1] == ["171", "LB", "77.6", "kg", ""]
    assert signs["QX-7b-102-001", "TEMP", 1] == ["98.1", "F", "36.7", "C", ""]
    assert signs["QX-7b-102-001", "WEIGHT", 2] == ["170", "LB", "77.1", "kg", "Y"]
    assert ("QX-7b-101-002", "WEIGHT", 3) not in signs, "not measured"


def test_a_term_that_is_not_coded_blocks_with_its_cause_once_and_asks_the_coder(made):
    raw = made / "uncoded"
    shutil.copytree(made / "raw" / "qx-7", raw)
    (raw / "manifest.csv").unlink()  # as raw.yaml says: the files are edited by hand
    terms = (raw / "coding" / "events.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (raw / "coding" / "events.csv").write_text("".join(t for t in terms if not t.startswith("head ache,")))
    done = mill(made, "build", "--study", "specs/qx-7", "--raw", "uncoded", "--out", "un")
    assert done.returncode == 1 and "1 blocking issue of 1 kind" in done.stderr
    assert 'AE.AEDECOD: not found in coding/events.csv\n  found     "head ache"' in done.stderr
    assert "For whoever keeps coding/events.csv" in done.stderr and "no value" not in done.stderr
    listed = json.loads((made / "un.issues.json").read_text())
    assert [i["message"] for i in listed if i["variable"] == "AEDECOD"] == ['not found in coding/events.csv: "head ache"']


def test_a_required_value_that_nothing_explains_is_told_beside_those_that_a_verb_explains(made):
    raw = made / "both"
    shutil.copytree(made / "raw" / "qx-7", raw)
    (raw / "manifest.csv").unlink()
    path = raw / "coding" / "events.csv"
    terms = path.read_text(encoding="utf-8").splitlines()
    place = terms[0].split(",").index("PT")
    kept = []
    for term in terms:
        cells = term.split(",")
        if cells[0] == "runny nose":
            cells[place] = ""  # in the file, without its term
        if cells[0] != "head ache":
            kept.append(",".join(cells))
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    done = mill(made, "build", "--study", "specs/qx-7", "--raw", "both", "--out", "bo")
    assert done.returncode == 1 and "2 blocking issues of 2 kinds" in done.stderr
    assert "not found in coding/events.csv" in done.stderr and "no value, though one is required" in done.stderr


def test_what_the_comments_say_to_try_works(made):
    text = (made / "specs" / "qx-7" / "study.yaml").read_text(encoding="utf-8")
    (explain,) = re.findall(r"\.venv/bin/trialmill (explain .*)", text)
    done = mill(made, *shlex.split(explain))
    assert done.returncode == 0 and "VS.VSSTRESC = 77.6" in done.stdout and "VITALS.csv line 11" in done.stdout
    study = made / "cut"
    shutil.copytree(made / "specs" / "qx-7", study)
    setting, line = re.search(r"write  (DCUTDT: \S+)  under settings.* and  (cut_off: \w+)  after the keys", text).groups()
    (study / "study.yaml").write_text(text.replace("settings:", f"settings:\n  {setting}\n#", 1), encoding="utf-8")
    ae = (study / "sdtm" / "ae.yaml").read_text(encoding="utf-8")
    (study / "sdtm" / "ae.yaml").write_text(ae.replace("records:", f"{line}\nrecords:", 1), encoding="utf-8")
    assert mill(made, "build", "--study", "cut", "--raw", "raw/qx-7", "--out", "out").returncode == 0
    counts = json.loads((made / "out" / "journal.jsonl").read_text(encoding="utf-8"))["counts"]["AE"]
    assert counts["removed: AESTDTC after the cut-off"] == 2
    (study / "sdtm" / "ae.yaml").write_text(ae.replace("FROMTM], missing: query", "FROMTM], missing: blocking"), encoding="utf-8")
    assert mill(made, "build", "--study", "cut", "--raw", "raw/qx-7", "--out", "out").returncode == 1


def test_the_templates_lint_and_build_as_they_stand(tmp_path):
    lint = mill(tmp_path, "lint", "--study", str(SPECS))
    assert lint.returncode == 0, lint.stdout
    done = mill(tmp_path, "build", "--study", str(SPECS), "--raw", str(EXPORT), "--out", "out")
    assert done.returncode == 0, done.stderr
    assert mill(tmp_path, "check", "--study", str(SPECS), "--out", "out").returncode == 0


def test_every_file_opens_with_what_it_is_and_every_verb_is_explained_where_it_is_first_used():
    files = [SPECS / f"{name}.yaml" for name in ("study", "raw", "forms", "sdtm/dm", "sdtm/ex", "sdtm/ae", "sdtm/vs", "checks", "guides")]
    assert sorted(files) == sorted(SPECS.rglob("*.yaml"))
    for path in files:
        lines = [x for x in path.read_text(encoding="utf-8").splitlines() if "yaml-language-server" not in x]
        assert lines[0].startswith("# ") and len(lines[0]) > 30, path
    comments = "\n".join(re.sub(r"^[^#]*", "", x) for p in files for x in p.read_text(encoding="utf-8").splitlines())
    study = load_study(SPECS)
    used = {line.verb.name for spec in study.datasets.values() for _, line in spec.all_lines()}
    used |= {step.verb.name for spec in study.datasets.values() for part in spec.parts for step in part.steps}
    assert used <= set(VERBS) | set(RECORD_VERBS) and len(used) > 15
    explained = {verb for names in re.findall(r"# +((?:and )?\w+(?:, \w+)*):", comments) for verb in re.findall(r"\w+", names)}
    assert used - explained == set()


def test_the_editor_finds_its_schema_from_every_file(made):
    files = [p for s in (SPECS, made / "specs" / "qx-7") for p in s.rglob("*.yaml") if p.name != "checks.yaml"]
    assert len(files) == 16
    for path in files:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        way = first.removeprefix("# yaml-language-server: $schema=")
        name = path.stem if path.parent.name != "sdtm" else "dataset"
        assert (path.parent / way).resolve() == ROOT / "docs" / "schema" / f"{name}.schema.json", path


def test_the_name_of_the_example_stays_nowhere(made):
    for path in sorted((made / "specs").rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        assert "EXAMPLE" not in text.replace("EXAMPLINE", "") and "/example" not in text, path


def test_the_study_identifier_is_the_folders_name_in_capitals(here):
    assert new_study(Path("specs/abc-101"), Path("raw/abc-101")).study == "ABC-101"
    assert load_study(Path("specs/abc-101")).name == "ABC-101"


@pytest.mark.parametrize("study", ["", " ", "A" * 21, "AB 1", "AB/1", "-AB", "AB\n", "\u00c4B", "A'B", "AB_$"])
def test_an_identifier_that_is_none_is_refused(here, study):
    with pytest.raises(CommandError, match="study identifier"):
        new_study(Path("specs/x"), Path("raw/x"), study)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("study", ["0010", "NULL", "no", "1e5", "A.B_c-9", "A" * 20])
def test_an_identifier_that_yaml_might_mistake_stays_as_it_is(here, study):
    new_study(Path("s"), Path("r"), study)
    read_back = load_study(Path("s"))
    assert (read_back.name, read_back.file.identity.USUBJID.prefix) == (study, f"{study}-")


@pytest.mark.parametrize(
    "folder", [".", "..", "../x", "specs/../x", "/", "specs/a b", "specs/a;b", "specs/$(x)", "specs/.x", "specs/-x", "-x", "specs/a\nb"]
)
def test_a_path_that_is_unsafe_is_refused(here, folder):
    for specs, raw in ((Path(folder), Path("raw/x")), (Path("specs/x"), Path(folder))):
        with pytest.raises(CommandError):
            new_study(specs, raw, "X")
    assert list(here.iterdir()) == []


def test_a_link_that_leads_elsewhere_is_refused(tmp_path, monkeypatch):
    place, other = tmp_path / "place", tmp_path / "other"
    place.mkdir(), other.mkdir()
    monkeypatch.chdir(place)
    (place / "specs").symlink_to(other)
    (place / "new").symlink_to(other / "new")
    for folder, raw in (("specs/x", "raw/x"), (str(place / "specs" / "x"), "raw/x"), ("new", "raw/x"), ("x", "specs/x")):
        with pytest.raises(CommandError, match="a link leads elsewhere"):
            new_study(Path(folder), Path(raw), "X")
    assert list(other.iterdir()) == []


@pytest.mark.parametrize(("folder", "raw"), [("x", "x"), ("x", "x/raw"), ("x/specs", "x"), ("old/sdtm/x", "r"), ("x", "old/raw")])
def test_folders_within_each_other_or_in_another_study_are_refused(here, folder, raw):
    (here / "old").mkdir()
    (here / "old" / "study.yaml").write_text("study: OLD\n")
    with pytest.raises(CommandError, match=r"folders apart|another study"):
        new_study(Path(folder), Path(raw), "X")
    assert contents(here) == {"old/study.yaml": b"study: OLD\n"}


@pytest.mark.parametrize("held", ["specs/x", "raw/x"])
def test_a_folder_that_holds_anything_is_left_as_it_is(here, held):
    (here / held).mkdir(parents=True)
    (here / held / "mine.txt").write_text("mine")
    done = mill(here, "new", "specs/x")
    assert done.returncode == 2 and f"{held}  the folder is not empty" in done.stderr and "mine.txt" in done.stderr
    assert contents(here) == {f"{held}/mine.txt": b"mine"}
    (here / held / "mine.txt").unlink()
    assert mill(here, "new", "specs/x").returncode == 0, "an empty folder is taken"


def test_the_same_export_that_is_there_already_is_kept(here):
    new_study(Path("specs/x"), Path("raw/x"))
    shutil.rmtree(here / "specs")
    assert new_study(Path("specs/x"), Path("raw/x")).raw == 0
    (here / "raw" / "x" / "forms" / "DRUG.csv").write_text("changed")
    shutil.rmtree(here / "specs")
    with pytest.raises(CommandError, match="not empty"):
        new_study(Path("specs/x"), Path("raw/x"))


def test_a_failure_on_the_way_leaves_nothing(here, monkeypatch):
    rename = Path.rename

    def fails(self, target):
        if Path(target).parent.name == "specs":
            raise OSError(28, "No space left on device", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(FileError, match="No space left"):
        new_study(Path("specs/x"), Path("raw/x"))
    assert contents(here) == {} and [p for p in here.rglob("*") if p.name not in ("specs", "raw")] == []
