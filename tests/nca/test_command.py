"""`trialmill nca`: files in, files out, and everything wrong listed at once."""

import csv
import random
import subprocess
import sys
from pathlib import Path

import pytest

from nca.files import BELOW, EXCLUDE, ROUTE_WORDS
from trialmill.nca import Analysed

ROOT = Path(__file__).resolve().parents[2]
CONC = "profile,time,conc\nB,0,BLQ\nB,1,8\nB,2,4\nB,4,1\nB,8,\nA,0,0\nA,1,16\nA,3,4\nA,5,1\nA,7,0.25\n"
DOSE = "profile,time,dose,route,duration\nA,0,100,extravascular,\nB,0,50,Intravascular infusion,0.5\n"


def run(folder, conc=CONC, dose=DOSE, options=("--interval", "0:inf"), encoding="utf-8"):
    (folder / "conc.csv").write_bytes(conc.encode(encoding))
    (folder / "dose.csv").write_text(dose, encoding="utf-8")
    words = [sys.executable, "-m", "trialmill", "nca", str(folder / "conc.csv"), "--dose", str(folder / "dose.csv")]
    out = folder / "pp.csv"
    out.unlink(missing_ok=True)
    done = subprocess.run([*words, "--out", str(out), *options], cwd=ROOT, capture_output=True, text=True, check=False)
    return done, out


def values(out):
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(bool(r["PPORRES"]) != bool(r["reason"]) for r in rows), "a value or a reason, never both or none"
    return {(r["profile"], r["end"], r["PPTESTCD"]): r["PPORRES"] or r["reason"] for r in rows}


def test_parameters_by_profile_interval_and_code(tmp_path):
    done, out = run(tmp_path, options=("--interval", "0:inf", "--interval", "0:5", "--points", str(tmp_path / "points.csv")))
    assert done.returncode == 0, done.stderr
    assert "2 profiles" in done.stdout
    got = values(out)
    assert list(dict.fromkeys(k[:2] for k in got)) == [("A", "inf"), ("A", "5"), ("B", "inf"), ("B", "5")]
    assert got["A", "inf", "CMAX"] == "16" and got["A", "inf", "LAMZNPT"] == "3"
    assert float(got["A", "inf", "LAMZHL"]) == pytest.approx(1)
    assert got["B", "inf", "CLO"] == "TOO FEW POINTS FOR LAMBDA Z" and ("B", "inf", "CLFO") not in got
    assert (tmp_path / "points.csv").read_text(encoding="utf-8").splitlines()[:5] == [
        "profile,start,end,time,conc,used,lambda_z,note",
        "A,0,inf,0,0,0,,BLQ BEFORE MEASURABLE",
        "A,0,inf,1,16,16,,",
        "A,0,inf,3,4,4,Y,",
        "A,0,inf,5,1,1,Y,",
    ]


def test_shuffled_rows_give_the_same_bytes(tmp_path):
    _, out = run(tmp_path)
    first = out.read_bytes()
    header, *rows = CONC.splitlines()
    random.Random(3).shuffle(rows)
    _, out = run(tmp_path, "\n".join([header, *rows]) + "\n")
    assert out.read_bytes() == first


def test_every_problem_of_both_files_is_listed_with_its_line(tmp_path):
    conc = "profile,time,conc,exclude\nA,0,-1,\nA,0,2,\nA,x,3,\nA,,3,\n,5,3,\nA,6,1e,\nA,7,3,maybe\nC,1,2,\n"
    dose = "profile,time,dose,route,duration\nA,0,,oral,\nA,1,100,infusion,\nA,2,100,bolus,2\nD,0,1,bolus,\nA,0,5,bolus,\n"
    done, out = run(tmp_path, conc, dose)
    assert done.returncode == 2 and not out.exists()
    for line, what in ((2, "is negative"), (2, "two samples"), (3, "two samples"), (4, "time is no number"),
                       (5, "time is missing"), (6, "profile is missing"), (7, "concentration is no number"),
                       (8, "exclude is neither"), (9, "profile without a dose")):
        assert any(f"conc.csv:{line}" in x and what in x for x in done.stderr.splitlines()), (line, what)
    for line, what in ((2, "dose is missing"), (2, "no such route"), (3, "infusion without a duration"),
                       (4, "duration without an infusion"), (5, "profile without concentrations"), (2, "two doses"),
                       (6, "two doses")):
        assert any(f"dose.csv:{line}" in x and what in x for x in done.stderr.splitlines()), (line, what)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("conc", "dose", "said"), [
    ("profile,time,conc,exclud\nA,0,1,\n", DOSE, "exclud"),
    ("profile,time\nA,0\n", DOSE, 'column "conc" is missing'),
    ("", DOSE, "empty"),
    ("profile,time,conc\n", DOSE, "no sample"),
    ("profile,time,conc\nA,0,1,9\n", DOSE, "wider or narrower"),
    ("profile,time,conc\nA,0,inf\nA,1,nan\nA,2,1e999\n", DOSE, "is no number"),
    ("profile,time,conc\nA,0,\0\n", DOSE, "NUL"),
    (CONC, "profile,time,dose\nA,0,1\n", 'column "route" is missing'),
    (CONC, DOSE.replace("100", "-100"), "the dose is negative"),
])
def test_files_that_cannot_be_used(tmp_path, conc, dose, said):
    done, out = run(tmp_path, conc, dose)
    assert done.returncode == 2 and said in done.stderr and not out.exists()
    assert "Traceback" not in done.stderr


def test_the_words_for_below_the_limit_for_the_routes_and_for_exclude_count_as_the_guide_says(tmp_path):
    conc = "profile,time,conc,exclude\nA,0,{},\nA,1,16,{}\nA,2,8,{}\nA,3,4,n\nA,4,2,N\nA,5,1,0\n"
    dose = "profile,time,dose,route,duration\nA,0,100,{},{}\n"
    said = []
    for below, yes, no in (("0", "Y", "N"), ("BLQ", "1", "0"), ("bql", "y", ""), ("Bloq", "1", "n")):
        done, out = run(tmp_path, conc.format(below, yes, no), dose.format("extravascular", ""))
        assert done.returncode == 0, done.stderr
        said.append(out.read_bytes())
    assert len(set(said)) == 1
    for short, route, duration in (("bolus", "Intravascular Bolus", ""), ("infusion", "intravascular infusion", "0.5")):
        both = []
        for word in (short, route):
            done, out = run(tmp_path, "profile,time,conc\nA,0,0\nA,1,2\n", dose.format(word, duration))
            assert done.returncode == 0, done.stderr
            both.append(out.read_bytes())
        assert both[0] == both[1]
    guide = (ROOT / "docs" / "nca.md").read_text(encoding="utf-8")
    assert [w for w in (*ROUTE_WORDS, *BELOW, *EXCLUDE) if f"`{w}`" not in guide] == []


@pytest.mark.parametrize("text", ["<0.5", "LLOQ", "<LLOQ", "ND"])
def test_a_text_that_is_no_concentration_is_told_with_the_words_that_are(tmp_path, text):
    done, out = run(tmp_path, CONC.replace("A,0,0", f"A,0,{text}"))
    assert done.returncode == 2 and not out.exists()
    assert f'"{text}", profile A' in done.stderr and "BLQ or 0 below the limit; empty when missing" in done.stderr


def test_a_dose_after_the_start_is_told_for_every_parameter_and_sample(tmp_path):
    reason = "NO DOSE AT OR BEFORE THE START OF THE INTERVAL"
    conc = "profile,time,conc\n" + "".join(f"A,{t},{100 * 2.0**-t:g}\n" for t in (0, 1, 2, 3, 4, 6, 8))
    points = tmp_path / "points.csv"
    done, out = run(tmp_path, conc, "profile,time,dose,route,duration\nA,5,100,bolus,\n",
                    ("--interval", "0:inf", "--points", str(points)))
    assert done.returncode == 0, done.stderr
    got = values(out)
    assert ("A", "inf", "CMAX") in got and ("A", "inf", "C0") in got and set(got.values()) == {reason}
    assert points.read_text(encoding="utf-8").splitlines()[1:] == [
        f"A,0,inf,{t},{100 * 2.0**-t:g},,,{reason}" for t in (0, 1, 2, 3, 4, 6, 8)]


def test_one_profile_is_counted_as_one():
    assert Analysed(1, 1, 0).counted() == "1 profile, 1 parameter, 0 not reported"
    assert Analysed(1200, 2, 1).counted() == "1,200 profiles, 2 parameters, 1 not reported"


def test_another_encoding_is_told_without_talk_of_a_study(tmp_path):
    done, _ = run(tmp_path, CONC.replace("A,", "Ä,"), encoding="latin-1")
    assert done.returncode == 2 and "UTF-8" in done.stderr and "raw.yaml" not in done.stderr


@pytest.mark.parametrize(("options", "said"), [
    (("--interval", "5:2"), "START before END"),
    (("--interval", "0-24"), "START:END"),
    (("--interval", "0:inf", "--blq-last", "zero"), "--blq-last zero"),
    (("--interval", "0:inf", "--method", "cubic"), "no method cubic"),
    (("--interval", "0:inf", "--min-points", "2"), "two have no adjusted R2"),
    (("--interval", "0:inf", "--tau", "0"), "tau 0 is out of range"),
    (("--interval", "0:inf", "--gap", "nan"), "gap nan"),
    (("--interval", "0:inf", "--blq-first", "-1"), "BLQ first -1"),
])
def test_options_out_of_range(tmp_path, options, said):
    done, out = run(tmp_path, options=options)
    assert done.returncode == 2 and said in done.stderr and not out.exists()


def test_a_result_never_replaces_an_input(tmp_path):
    done, _ = run(tmp_path, options=("--interval", "0:inf", "--points", str(tmp_path / "conc.csv")))
    assert done.returncode == 2 and "replace an input" in done.stderr
    assert (tmp_path / "conc.csv").read_text(encoding="utf-8") == CONC


def test_names_that_are_one_number_keep_one_order(tmp_path):
    conc = "profile,time,conc\n01,0,1\n1,0,2\n1.0,0,3\n"
    dose = "profile,time,dose,route,duration\n1,0,1,bolus,\n01,0,1,bolus,\n1.0,0,1,bolus,\n"
    _, out = run(tmp_path, conc, dose)
    assert list(dict.fromkeys(k[0] for k in values(out))) == ["01", "1", "1.0"]
