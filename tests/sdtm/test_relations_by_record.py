"""Records related one by one: two records for each value that a subject has on both sides."""

import numpy as np
import pytest

from engine.errors import SpecError
from engine.run.build import build
from engine.spec.study import load_study
from tests.engine.run.test_build import AE, DM, EX, RAW, STUDY, Tools, raw_tables

RELREC = """
dataset: RELREC
keys: [STUDYID, USUBJID, RELID, RDOMAIN]
records:
  relations: [{id: A, of: AE.AELNKID, to: EX.EXTRT, level: records}]
variables:
  RDOMAIN: {copy: relation.RDOMAIN}
  IDVAR: {copy: relation.IDVAR}
  IDVARVAL: {copy: relation.IDVARVAL}
  RELTYPE: {copy: relation.RELTYPE}
  RELID: {copy: relation.RELID}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sdtm").mkdir()
    for name, text in {"study": STUDY, "raw": RAW, "sdtm/dm": DM, "sdtm/ae": AE, "sdtm/relrec": RELREC,
                       "sdtm/ex": EX.replace("{set: TOYDRUG}", "{copy: dose.MG}")}.items():  # fmt: skip
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    text = (tmp_path / "sdtm" / "ae.yaml").read_text()
    start = text.index("  AELNKID")
    (tmp_path / "sdtm" / "ae.yaml").write_text(
        text[:start] + "  AELNKID: {copy: ae.GRADE}\n" + text[text.index("supplemental") :]
    )
    return tmp_path


def test_two_records_for_each_value_that_a_subject_has_on_both_sides(folder):
    raw = raw_tables()
    raw["ae"].frame["GRADE"] = ["100", "100", "50", "7", "100", None]  # of subject 01, whose dose is 03's: one person
    result = build(load_study(folder), raw, Tools(), ["sdtm"])
    relrec = next(b.frame for b in result.packages["sdtm"] if b.info.name == "RELREC")
    found = relrec[["USUBJID", "RELID", "RDOMAIN", "IDVAR", "IDVARVAL"]].to_numpy().tolist()
    assert found == [
        ["TOY-01", "A100", "AE", "AELNKID", "100"], ["TOY-01", "A100", "EX", "EXTRT", "100"],
        ["TOY-01", "A50", "AE", "AELNKID", "50"], ["TOY-01", "A50", "EX", "EXTRT", "50"],
    ]  # fmt: skip
    assert relrec["RELTYPE"].isna().all() and not np.any(relrec.duplicated())


@pytest.mark.parametrize("wrong", ["level: records, type: [ONE, MANY]", "type: [ONE]"])
def test_datasets_have_a_type_each_and_records_none(folder, wrong):
    path = folder / "sdtm" / "relrec.yaml"
    path.write_text(RELREC.replace("level: records", wrong), encoding="utf-8")
    with pytest.raises(SpecError, match="records have none"):
        load_study(folder)
