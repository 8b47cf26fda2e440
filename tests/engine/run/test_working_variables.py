"""Working variables are derived for others and never written; earliest and latest take a condition for each source."""

import pytest

from engine.errors import SpecError
from engine.run.build import build
from engine.spec.lint import lint
from engine.spec.study import load_study
from tests.engine.run.test_build import DM, RAW, STUDY, Tools, raw_tables

EX = """
dataset: EX
keys: [STUDYID, USUBJID, EXSTDTC]
records: {each: dose}
variables:
  EXSTDTC: {copy: dose.FROM}
  EXENDTC: {copy: dose.TO}
  EXDOSE: {copy: dose.MG}
  EXOCCUR: {copy: dose.TAKEN, label: Taken, type: Char}
  _SMALL: {flag: EXDOSE < 100, type: Char}
  EXADJ: {copy: _SMALL}
"""
LATEST = "{latest: [{of: EX.EXENDTC, where: \"EX.EXOCCUR == 'Y'\"}, {of: EX.EXSTDTC, where: EX._SMALL is missing}]}"


def built(tmp_path, ex=EX, latest=LATEST):
    dm = DM.replace("{latest: [EX.EXENDTC, EX.EXSTDTC]}", latest).replace(
        "  DTHFL: {exists: AE, where: \"AE.AESDTH == 'Y'\"}\n", ""
    )
    for name, text in (("study.yaml", STUDY), ("raw.yaml", RAW), ("sdtm/dm.yaml", dm), ("sdtm/ex.yaml", ex)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    study = load_study(tmp_path)
    return study, build(study, raw_tables(), Tools(), ["sdtm"])


def test_a_working_variable_is_read_by_others_and_not_written(tmp_path):
    study, result = built(tmp_path)
    frames = {b.info.name: b.frame for b in result.packages["sdtm"]}
    assert frames["EX"]["EXADJ"].fillna("").tolist() == ["", "Y", "Y"]
    assert not [c for c in frames["EX"] if c.startswith("_")]
    assert not [p for p in lint(study) if "_SMALL" in p.what]


def test_a_working_variable_without_its_type_is_an_error(tmp_path):
    with pytest.raises(SpecError, match="_SMALL: a working variable needs its type"):
        built(tmp_path, EX.replace("EXDOSE < 100, type: Char", "EXDOSE < 100"))


@pytest.mark.parametrize(
    ("latest", "end", "why"),
    [
        (LATEST, "2025-02-20", "of ends only those of doses taken"),
        ("{latest: [EX.EXENDTC, EX.EXSTDTC]}", "2025-02-22", "no condition"),
        ("{latest: [{of: EX.EXENDTC, where: EX._SMALL is missing}, EX.EXSTDTC]}", "2025-02-21", "a condition of one source only"),
        ("{latest: {of: [EX.EXENDTC, EX.EXSTDTC], where: EX._SMALL is missing}}", "2025-02-10", "one condition for both"),
    ],
)  # fmt: skip
def test_each_source_has_a_condition_of_its_own(tmp_path, latest, end, why):
    _, result = built(tmp_path, latest=latest)
    dm = next(b.frame for b in result.packages["sdtm"] if b.info.name == "DM")
    assert dm["RFXENDTC"].tolist()[0] == end, why


def test_two_conditions_on_one_source_are_refused(tmp_path):
    said = "{latest: {of: EX.EXENDTC, where: EX.EXDOSE > 1}, where: EX.EXDOSE > 2}"
    _, result = built(tmp_path, latest=said)
    assert any("two conditions" in i.message for i in result.issues)
