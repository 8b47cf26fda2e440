"""A small made-up study built in memory: identity, graph, cut-off, order, supplemental qualifiers, issues."""

import numpy as np
import pandas as pd
import pytest

import engine.verbs  # noqa: F401
from engine.errors import SpecError
from engine.run.build import build
from engine.run.identity import RawTable
from engine.spec.lint import lint
from engine.spec.study import load_study

STUDY = """
study: TOY
created: "2031-01-01T00:00:00"
standards: {sdtmig: "3.4", adamig: "1.3", sdtm_terminology: 2025-03-28, adam_terminology: 2026-03-27}
packages: {sdtm: {standard: sdtmig}}
settings: {DCUTDT: 2025-06-30, SITE: "007"}
identity:
  subjects: subj
  person: subj.PERSON
  USUBJID: {prefix: TOY-, first: subj.NUMBER, by: subj.CONSENT}
  SUBJID: {prefer: dose}
"""
RAW = """
carriers: {csv: {folder: edc}}
common: {SUBJECT: text}
roles: {subject: SUBJECT}
"""
DM = """
dataset: DM
keys: [STUDYID, USUBJID]
records: {each: person}
variables:
  SUBJID: {copy: person.SUBJID}
  RFXSTDTC: {earliest: EX.EXSTDTC}
  RFXENDTC: {latest: [EX.EXENDTC, EX.EXSTDTC]}
  SITEID: {copy: study.SITE}
  DTHFL: {exists: AE, where: "AE.AESDTH == 'Y'"}
supplemental:
  PREVSUBJ: {copy: person.PREVIOUS, label: Previous Screening Subject Identifier}
"""
EX = """
dataset: EX
keys: [STUDYID, USUBJID, EXSTDTC]
records: {each: dose, where: "dose.TAKEN == 'Y'"}
variables:
  EXTRT: {set: TOYDRUG}
  EXSTDTC: {copy: dose.FROM}
  EXENDTC: {copy: dose.TO}
  EXDOSE: {copy: dose.MG}
  EXSEQ: {sequence: keys}
"""
AE = """
dataset: AE
keys: [STUDYID, USUBJID, AESTDTC, AETERM]
cut_off: AESTDTC
records:
  each: ae
  drop_exact_repeats: {of: ae, but: [RECNO], keep: ae.RECNO}
variables:
  AETERM: {copy: ae.TERM, missing: blocking}
  AESTDTC: {copy: ae.FROM}
  AESDTH: {copy: ae.DIED}
  AESEQ: {sequence: keys}
  AELNKID: {cases: [{when: "AESTDTC >= DM.RFXSTDTC", give: ON}, {when: "DM.RFXSTDTC is present", give: BEFORE}]}
supplemental:
  AEGRADE: {copy: ae.GRADE, label: Grade as Collected}
"""


def frame(columns, *rows):
    return pd.DataFrame([[None if v == "" else v for v in r] for r in rows], columns=columns.split(), dtype="str")


def raw_tables():
    frames = {
        "subj": frame(
            "SUBJECT PERSON NUMBER CONSENT",
            ["01", "P1", "01", "2025-01-01"],
            ["02", "P2", "02", "2025-01-02"],
            ["03", "P1", "03", "2025-02-01"],
        ),
        "dose": frame(
            "SUBJECT FROM TO MG TAKEN",
            ["03", "2025-02-11", "2025-02-20", "50", "Y"],
            ["03", "2025-02-05", "2025-02-10", "100", "Y"],
            ["03", "2025-02-21", "2025-02-22", "50", "N"],
        ),
        "ae": frame(
            "SUBJECT RECNO TERM FROM DIED GRADE",
            ["03", "1", "Cough", "2025-02-05", "N", "2"],
            ["03", "2", "Cough", "2025-02-05", "N", "2"],
            ["03", "3", "Rash", "2025-01-30", "", ""],
            ["03", "4", "Late", "2025-07-01", "Y", "5"],
            ["01", "1", "Fall", "2025-01", "", "1"],
            ["03", "5", "Edge", "2025-06", "", ""],
        ),
    }
    return {
        name: RawTable(
            name,
            f,
            (f"edc/{name}.csv",),
            np.zeros(len(f), dtype=np.int64),
            np.arange(2, len(f) + 2),
            "SUBJECT",
        )
        for name, f in frames.items()
    }


class Tools:
    def to_ascii(self, values):
        return values

    def to_iso(self, source, date, time, dates, times):
        return dates, np.zeros(len(dates), dtype=bool)


@pytest.fixture
def folder(tmp_path):
    for name, text in (
        ("study.yaml", STUDY),
        ("raw.yaml", RAW),
        ("sdtm/dm.yaml", DM),
        ("sdtm/ex.yaml", EX),
        ("sdtm/ae.yaml", AE),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def built(folder, raw=None, jobs=1):
    result = build(load_study(folder), raw or raw_tables(), Tools(), ["sdtm"], jobs=jobs)
    return {b.info.name: b for b in result.packages["sdtm"]}, result


def test_a_rescreened_person_is_one_subject_under_the_first_number(folder):
    datasets, _ = built(folder)
    dm = datasets["DM"].frame
    assert dm[["USUBJID", "SUBJID"]].to_numpy().tolist() == [["TOY-01", "03"], ["TOY-02", "02"]]
    assert datasets["SUPPDM"].frame[["USUBJID", "QNAM", "QVAL"]].to_numpy().tolist() == [["TOY-01", "PREVSUBJ", "01"]]


def test_dm_reads_ex_and_ae_reads_dm_without_a_circle(folder):
    datasets, _ = built(folder)
    dm = datasets["DM"].frame
    assert dm["RFXSTDTC"].tolist()[0] == "2025-02-05" and dm["RFXENDTC"].tolist()[0] == "2025-02-20"
    links = dict(zip(datasets["AE"].frame["AETERM"], datasets["AE"].frame["AELNKID"], strict=True))
    assert links["Cough"] == "ON" and links["Rash"] == "BEFORE"


def test_exact_repeats_and_records_after_the_cut_off_are_removed_and_counted(folder):
    datasets, result = built(folder)
    assert datasets["AE"].frame["AETERM"].tolist() == ["Fall", "Rash", "Cough", "Edge"]
    assert result.counts["AE"] == {
        "each": 6,
        "drop_exact_repeats": 5,
        "removed: AESTDTC after the cut-off": 1,
    }
    assert datasets["DM"].frame["DTHFL"].isna().all(), "an event after the cut-off does not exist"


def test_sequence_follows_the_keys_within_the_subject(folder):
    datasets, _ = built(folder)
    assert datasets["AE"].frame["AESEQ"].tolist() == [1, 2, 3, 4]
    assert datasets["EX"].frame[["EXSEQ", "EXDOSE"]].to_numpy().tolist() == [[1, 100], [2, 50]]


def test_supplemental_records_name_their_parent_by_sequence(folder):
    datasets, _ = built(folder)
    supp = datasets["SUPPAE"].frame
    assert supp[["USUBJID", "IDVAR", "IDVARVAL", "QVAL"]].to_numpy().tolist() == [
        ["TOY-01", "AESEQ", "1", "1"],
        ["TOY-01", "AESEQ", "3", "2"],
    ]


def test_variables_stand_in_the_order_of_sdtmig(folder):
    datasets, _ = built(folder)
    assert list(datasets["AE"].frame) == [
        "STUDYID",
        "DOMAIN",
        "USUBJID",
        "AESEQ",
        "AELNKID",
        "AETERM",
        "AESDTH",
        "AESTDTC",
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_shuffled_raw_rows_and_threads_change_nothing(folder, jobs):
    expected, _ = built(folder)
    shuffled = raw_tables()
    for name, table in shuffled.items():
        order = np.random.default_rng(5).permutation(len(table.frame))
        shuffled[name] = RawTable(
            name,
            table.frame.iloc[order].reset_index(drop=True),
            table.files,
            table.file_of,
            table.line[order],
            "SUBJECT",
        )
    found, _ = built(folder, shuffled, jobs)
    for name, dataset in expected.items():
        pd.testing.assert_frame_equal(found[name].frame, dataset.frame)
        assert found[name].info == dataset.info


def test_a_needed_value_that_is_missing_is_a_blocking_issue_with_key_and_raw_line(folder):
    raw = raw_tables()
    raw["ae"].frame.loc[2, "TERM"] = None
    _, result = built(folder, raw)
    issue = next(i for i in result.issues if i.severity == "blocking")
    assert (issue.dataset, issue.variable, issue.subject) == ("AE", "AETERM", "TOY-01")
    assert issue.key == "AESTDTC 2025-01-30" and issue.source == "edc/ae.csv line 4"


def test_an_unknown_subject_number_is_blocking(folder):
    raw = raw_tables()
    raw["ae"].frame.loc[2, "SUBJECT"] = "99"
    _, result = built(folder, raw)
    assert any("no such subject number" in i.message and i.source.endswith("line 4") for i in result.issues)


def test_records_that_carry_only_a_specimen_belong_to_its_subject(folder):
    (folder / "study.yaml").write_text(STUDY.replace("  USUBJID:", "  via: {gene: tube.TUBE}\n  USUBJID:"), encoding="utf-8")
    (folder / "sdtm" / "dm.yaml").write_text(DM.replace("supplemental:\n", "supplemental:\n  GENES: {count: gene, label: Genes}\n"), encoding="utf-8")
    raw = raw_tables()
    for name, rows, subject in (("tube", {"SUBJECT": ["03", "01"], "TUBE": ["A", "B"]}, "SUBJECT"),
                                ("gene", {"TUBE": ["A", "A", "B", "C", None]}, "")):  # fmt: skip
        frame = pd.DataFrame(rows, dtype="str")
        raw[name] = RawTable(name, frame, (f"{name}.csv",), np.zeros(len(frame), dtype=np.int64), np.arange(2, len(frame) + 2), subject)
    packages, result = built(folder, raw)
    genes = packages["SUPPDM"].frame.query("QNAM == 'GENES'")
    assert dict(zip(genes["USUBJID"], genes["QVAL"], strict=True)) == {"TOY-01": "3", "TOY-02": "0"}
    lost = [i for i in result.issues if i.dataset == "gene"]
    assert [(i.severity, i.variable, i.key, i.message, i.source) for i in lost] == [
        ("blocking", "TUBE", "", "the record carries no subject number", "gene.csv line 6"),
        ("blocking", "TUBE", "C", "no record has this tube.TUBE", "gene.csv line 5"),
    ]


def test_a_value_that_is_not_ascii_is_never_written(folder):
    raw = raw_tables()
    raw["ae"].frame.loc[2, "TERM"] = "Fiè"
    _, result = built(folder, raw)
    assert any(
        i.severity == "blocking" and "not ASCII" in i.message and "AESEQ" not in i.variable for i in result.issues
    )


def test_a_circle_is_an_error_that_prints_its_path(folder):
    text = (folder / "sdtm" / "ex.yaml").read_text().replace("{set: TOYDRUG}", "{copy: AE.AELNKID}")
    text = text.replace("EXSTDTC: {copy: dose.FROM}", "EXSTDTC: {first_of: [EXTRT, dose.FROM]}")
    (folder / "sdtm" / "ex.yaml").write_text(text)
    with pytest.raises(SpecError, match="circle") as error:
        built(folder)
    assert "ex.yaml:" in str(error.value) and "->" in str(error.value)


def test_a_source_with_several_records_per_subject_must_say_which(folder):
    text = (folder / "sdtm" / "dm.yaml").read_text().replace("{copy: study.SITE}", "{copy: EX.EXTRT}")
    (folder / "sdtm" / "dm.yaml").write_text(text)
    _, result = built(folder)
    assert any("one record per subject" in i.message and "first, last" in i.message for i in result.issues)


def test_all_unknown_keys_of_a_study_are_listed_at_once(folder):
    (folder / "sdtm" / "ex.yaml").write_text(EX.replace("{set:", "{sett:").replace("{sequence:", "{seqence:"))
    (folder / "sdtm" / "ae.yaml").write_text(AE.replace("missing: blocking", "mising: blocking"))
    with pytest.raises(SpecError) as error:
        load_study(folder)
    assert len(error.value.problems) == 3
    assert "sequence" in str(error.value) and "missing" in str(error.value)


def test_long_text_goes_on_in_supplemental_qualifiers_and_short_text_does_not(folder):
    spec = folder / "sdtm" / "ae.yaml"
    spec.write_text(AE.replace("missing: blocking}", "missing: blocking, overflow: supp}"), encoding="utf-8")
    raw = raw_tables()
    raw["ae"].frame.loc[2, "TERM"] = "Rash " * 50
    datasets, result = built(folder, raw)
    assert not result.blocking
    terms = datasets["AE"].frame["AETERM"]
    assert terms.tolist() == ["Fall", ("Rash " * 40).strip(), "Cough", "Edge"]
    supp = datasets["SUPPAE"].frame
    more = supp[supp["QNAM"] == "AETERM1"]
    assert more[["USUBJID", "IDVARVAL", "QVAL"]].to_numpy().tolist() == [["TOY-01", "2", ("Rash " * 10).strip()]]
    assert more["QLABEL"].tolist() == ["Reported Term for the Adverse Event"]


def test_long_text_without_the_word_for_it_is_blocking(folder):
    raw = raw_tables()
    raw["ae"].frame.loc[2, "TERM"] = "Rash " * 50
    _, result = built(folder, raw)
    assert any(i.severity == "blocking" and "longer than 200" in i.message for i in result.issues)


CHECK = """
checks:
  - {expect: "AESDTH == 'Y'", where: "AETERM == 'Late' or AETERM == 'Edge'", says: a fatal event is not marked so,
     found: AESDTH}
"""


def test_a_record_that_fails_a_check_is_listed_with_its_key(folder):
    (folder / "sdtm" / "ae.yaml").write_text(AE + CHECK, encoding="utf-8")
    _, result = built(folder)
    issues = [i for i in result.issues if "marked" in i.message]
    assert [(i.severity, i.dataset, i.variable, i.key) for i in issues] == [
        ("warning", "AE", "AESDTH", "AESTDTC 2025-06, AETERM Edge")
    ], "the record after the cut-off does not exist; an unknown answer is no yes"


def test_a_check_that_reads_what_does_not_exist_is_named(folder):
    (folder / "sdtm" / "ae.yaml").write_text(AE + CHECK.replace("AESDTH ==", "AESDHT =="), encoding="utf-8")
    found = lint(load_study(folder))
    assert any("AESDHT" in str(p) and "checks" in str(p) for p in found)


def test_the_sequence_number_may_be_the_last_key(folder):
    text = (folder / "sdtm" / "ae.yaml").read_text().replace("AETERM]", "AESEQ]")
    (folder / "sdtm" / "ae.yaml").write_text(text, encoding="utf-8")
    datasets, _ = built(folder)
    assert datasets["AE"].frame["AESEQ"].tolist() == [1, 2, 3, 4]
    assert datasets["AE"].info.keys[-1] == "AESEQ"
