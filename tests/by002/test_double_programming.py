"""Double programming: ADSL and ADTTE against a QC production of their own, and errors planted in the specs.

The QC programs (tests/qc) are plain pandas scripts written from the design; they read the published tabulations through
pyreadstat and import nothing of the project. They run as programs of their own.
"""

import ast
import json
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from .conftest import ROOT, STUDY

QC = ROOT / "tests" / "qc"
ASKED = ("--datasets", "ADSL,ADTTE", "--ignore", "length")  # lengths are settled over the package
DURATION = "  TRTDURD:  {days: [TRTSDT, TRTEDT]}"
CENSORING = "        - {at: point.LSTAC, censor: 1, says: LAST RESPONSE ASSESSMENT}\n      preceded_by: {when: \"cross.VALUE == 'DORH'\""


@pytest.fixture(scope="module")
def qc(built, export, tmp_path_factory):
    """The folder of the QC production."""
    out = tmp_path_factory.mktemp("qc")
    sdtm, eot = built / "sdtm", export / "edc" / "EOT.csv"
    for program in (("qc_adsl.py", sdtm, eot, out / "adsl.xpt"), ("qc_adtte.py", sdtm, out / "adsl.xpt", out / "adtte.xpt")):
        subprocess.run([sys.executable, *map(str, (QC / program[0], *program[1:]))], check=True, cwd=out)
    return out


def compare(*arguments):
    """The command's exit status and output."""
    from trialmill.cli import app  # noqa: PLC0415

    done = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_the_qc_programs_share_no_code_with_the_project():
    for path in QC.glob("*.py"):
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {a.name.split(".")[0] for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(str(node.module).split(".")[0])
        assert names <= {"sys", "math", "datetime", "decimal", "pathlib", "pandas", "pyreadstat", "qc_common"}, path.name


def test_two_productions_of_adsl_and_adtte_do_not_differ(built, qc, export):
    status, text = compare(built / "adam", qc, "--study", STUDY, "--raw", export, *ASKED)
    assert status == 0, text
    assert "2 datasets" in text.splitlines()[2], text.splitlines()[2]


@pytest.fixture(scope="module")
def planted(built, export, tmp_path_factory):
    """A study with two errors, rebuilt: a duration without its + 1, a duration of response censored at a wrong date."""
    from trialmill.build import build_study  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(STUDY, folder / "spec")
    shutil.copytree(built, folder / "build")
    for name, old, new in (
        ("adsl", DURATION, "  TRTDURD:  {compute: TRTEDT - TRTSDT}"),
        ("adtte", CENSORING, CENSORING.replace("point.LSTAC", "ADSL.LSTALVDT")),
    ):
        path = folder / "spec" / "adam" / f"{name}.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), encoding="utf-8")
    build_study(folder / "spec", export, folder / "build", ["adam"])
    return folder


@pytest.fixture(scope="module")
def report(planted, qc, export):
    """What compare says of the planted errors: its text, and its report as JSON."""
    where = planted / "report.json"
    status, text = compare(planted / "build" / "adam", qc, "--study", planted / "spec", "--raw", export, "--report", where, *ASKED)
    assert status == 1
    return text, json.loads(where.read_text(encoding="utf-8"))


def line_of(planted, name, start):
    lines = (planted / "spec" / "adam" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.startswith(start))


def of_variable(report, dataset, name):
    (found,) = [d for d in report[1]["datasets"] if d["name"] == dataset]
    (variable,) = [v for v in found["variables"] if v["name"] == name]
    return variable


def test_a_dropped_plus_one_leads_to_its_line_in_one_look(report, planted, export):
    text, _ = report
    variable = of_variable(report, "ADSL", "TRTDURD")
    assert variable["records"] == 24, "each treated subject, and no other"
    whole = json.dumps(variable)
    place = f"adam/adsl.yaml:{line_of(planted, 'adsl', '  TRTDURD:')}"
    assert place in whole and place in text
    assert "1" in variable["patterns"][0]["says"] and variable["patterns"][0]["records"] == 24, variable["patterns"]
    assert "edc/DOSE.csv line" in whole and "edc/DOSE.csv line" in text
    others = [v["name"] for d in report[1]["datasets"] if d["name"] == "ADSL" for v in d["variables"] if v["records"]]
    assert others == ["TRTDURD"]


def test_a_wrong_censoring_date_leads_to_the_parameter_its_line_and_the_raw_record(report, planted):
    text, _ = report
    variable = of_variable(report, "ADTTE", "ADT")
    whole = json.dumps(variable)
    assert f"adam/adtte.yaml:{line_of(planted, 'adtte', '  ADT:')}" in whole
    made = f"adam/adtte.yaml:{line_of(planted, 'adtte', '  DOR:') + 3}"  # the endpoint's own line, beside the copied variable's
    assert f"outcome.ADT, which is made at {planted / 'spec' / made}" in whole and made in text
    assert variable["records"] > 0 and "DOR" in whole and "surv.LSTALV" in whole and "edc/SURV.csv line" in text
    assert "ADTTE" in text and "ADT" in text
    differing = {v["name"] for d in report[1]["datasets"] if d["name"] == "ADTTE" for v in d["variables"] if v["records"]}
    assert {"ADT", "AVAL"} <= differing <= {"ADT", "AVAL", "SRCDOM", "SRCVAR", "SRCSEQ", "ADTF"}
