"""One fault planted for each family of rules: it is found where it was planted, with a message that says what to do.

The datasets are those of BY002, of the subjects that SUBJECTS names, clean before; each fault is planted in a copy.
Families are rules of `validators/standard`, and the rules of schemas and files.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.spec.catalogue import Catalogue
from engine.spec.study import load_study
from formats.xpt_read import read_xpt
from formats.xpt_write import write_xpt
from validators.described import general_rules, schema_rules
from validators.evaluate import explain, run_rules
from validators.files import file_faults, length_faults, path_faults, settled
from validators.rules import Rules, load_rules
from validators.schemas import make_schema
from validators.shelf import Shelf
from validators.terms import Terms

STUDY = Path(__file__).resolve().parents[2] / "specs" / "by002"
SUBJECTS = [*range(9), 18]  # of DM, in its order: treated, screened only, dead, alive, with a long QTc


def where(**values):
    """The first record that holds these values; a value of None is missing, one of ... is present."""

    def find(frame):
        fits = np.ones(len(frame), dtype=bool)
        for name, value in values.items():
            column = frame[name]
            fits &= (column.notna() if value is ... else column.isna() if value is None else column == value).to_numpy(dtype=bool, na_value=False)
        assert fits.any(), f"no record to plant in: {values}"
        return int(np.flatnonzero(fits)[0])

    return find


def put(dataset, at, **values):
    """Other values in one record; the record is where the fault must be found."""

    def plant(frames):
        frame = frames[dataset] = frames[dataset].copy()
        row = at(frame)
        for name, value in values.items():
            frame[name] = frame[name].astype(object)
            frame.loc[row, name] = value(frame.loc[row]) if callable(value) else value
            numbers = frame[name].dropna().map(lambda x: isinstance(x, float)).all() and frame[name].notna().any()
            frame[name] = frame[name].astype("float64" if numbers else "str")
        return dataset, row

    return plant


def twice(dataset, at, **values):
    """A record a second time, with other values; the later one is where it must be found."""

    def plant(frames):
        frame = frames[dataset]
        again = frame.iloc[[at(frame)]].assign(**values)
        frames[dataset] = pd.concat([frame, again], ignore_index=True).astype(frame.dtypes.to_dict())
        return dataset, len(frame)

    return plant


def anywhere(plant):
    """A fault that is told of the dataset, or of another record than the one at fault."""
    return lambda frames: (plant(frames)[0], None)


def gain(dataset, **values):
    """A variable more, with one value throughout; found in the dataset as a whole."""

    def plant(frames):
        frames[dataset] = frames[dataset].assign(**{n: pd.Series([v] * len(frames[dataset])) for n, v in values.items()})
        return dataset, None

    return plant


def lose(dataset, *names):
    """Variables fewer, or without names the dataset; found in the dataset as a whole."""

    def plant(frames):
        if names:
            frames[dataset] = frames[dataset].drop(columns=list(names))
        else:
            del frames[dataset]
        return dataset, None

    return plant


FIRST = where()
TREATED = where(RFXSTDTC=...)
FAULTS = [
    # -- subjects
    ("SD01", put("VS", FIRST, USUBJID="BY002-99-999"), "a subject that DM does not have"),
    ("SD14", put("DM", where(DTHFL="Y"), DTHFL="N"), "dead, and flagged otherwise"),
    ("SD15", put("DS", where(DSDECOD="DEATH"), DSSTDTC="2024-01-01"), "a death on another day than in DM"),
    ("SD16", put("DM", where(DTHFL="Y"), DTHDTC=None), "dead, nobody knows when"),
    ("SD17", put("DM", TREATED, RFENDTC="2020-01-01"), "ends before it starts"),
    ("SD18", put("DM", TREATED, RFXSTDTC="2024-03-19T08:20"), "another first dose than in EX"),
    ("SD19", put("DM", TREATED, RFICDTC="2024-01-09"), "another consent than in DS"),
    ("SD20", put("DM", where(ARMNRS=...), ARMNRS=None), "no arm, and no reason"),
    ("SD21", put("DM", TREATED, ARMCD="ESCALATION OF 100 MG A DAY"), "a code too long"),
    ("SD22", put("DM", TREATED, ACTARMCD="ESC999"), "treated otherwise than assigned"),
    ("SD23", put("DM", TREATED, ARMNRS="ASSIGNED, NOT TREATED"), "never treated, with doses"),
    ("SD24", put("DM", FIRST, AGEU=None), "an age without a unit"),
    ("SD25", put("DM", FIRST, SUBJID=lambda _: "01-002"), "two subjects of one number"),
    ("SD26", put("SUPPDM", FIRST, QNAM="RACE2"), "two races, and not MULTIPLE"),
    ("SD27", put("DS", FIRST, DSCAT=None), "a disposition without its category"),
    ("SD28", put("SE", FIRST, ETCD="NOWHERE"), "an element that TE does not have"),
    ("SD29", put("SV", where(SVPRESP="Y"), VISIT="PARTY"), "a planned visit that TV does not have"),
    ("SD30", put("VS", where(VISITDY=...), VISITDY=999.0), "a planned day that TV does not have"),
    ("SD31", put("VS", where(EPOCH=...), EPOCH="RUN-IN"), "an epoch that TA does not have"),
    # -- interventions and events
    ("SD32", put("AE", where(AESER="N"), AESHOSP="Y"), "in hospital, and not serious"),
    ("SD33", put("AE", where(AEOUT="RECOVERED/RESOLVED"), AEENDTC=None), "over, since when?"),
    ("SD34", put("MH", where(MHOCCUR=...), MHPRESP=None), "an answer that nobody asked for"),
    ("SD36", put("EX", FIRST, EXDOSU=None), "a dose without a unit"),
    ("SD37", put("EX", FIRST, EXDOSE=-100.0), "less than nothing"),
    ("SD39", put("AE", FIRST, AEPTCD=1.0), "a code of another term"),
    ("SD40", put("AE", FIRST, AEDECOD=None), "a code without its term"),
    ("SD41", put("AE", FIRST, AEBODSYS="Eye disorders"), "tabulated under another class"),
    ("SD42", put("CM", FIRST, CMTRT="OTHER"), "other than what?"),
    ("SD43", put("MH", where(MHSTDTC=...), MHSTDTC="2026-01-01"), "history of the future"),
    ("SD44", put("DV", FIRST, DVSTDTC="2019-01-01"), "broken before it applied"),
    # -- findings
    ("SD04", put("PC", where(PCSTAT="NOT DONE"), PCREASND=None), "not done, for no reason"),
    ("SD05", put("LB", where(LBSTRESN=...), LBSTRESN=99999.0), "a number that is not its text"),
    ("SD08", put("LB", where(LBLOBXFL="Y"), LBDTC="2026-01-01"), "a baseline after the first dose"),
    ("SD13", put("VS", where(VSTESTCD="TEMP"), VSSTRESU="F"), "two units of a test"),
    ("SD45", put("VS", FIRST, VSORRES=None), "neither a result nor a reason"),
    ("SD46", put("LB", where(LBSTNRLO=..., LBSTNRHI=...), LBSTNRLO=99999.0), "a range that nothing fits"),
    ("SD47", put("LB", where(LBORNRLO=...), LBORRES="CLOTTED"), "a text held against limits"),
    ("SD48", put("VS", where(VSLOBXFL=None, VSTESTCD="TEMP"), VSLOBXFL="Y"), "two baselines"),
    ("SD49", put("IE", where(IECAT="INCLUSION"), IEORRES="Y"), "an exception that is none"),
    ("SD51", put("PP", where(PPRFTDTC=...), PPRFTDTC="2020-01-01T08:00"), "a parameter of no profile"),
    ("SD53", put("SS", where(SSSTRESC="DEAD"), SSDTC="2024-01-01"), "dead before leaving"),
    # -- timing
    ("SD02", put("VS", where(VSDY=...), VSDY=77777.0), "another day than its date's"),
    ("SD03", put("AE", where(AESTDTC=..., AEENDTC=...), AEENDTC="2020-01-01"), "ends before it starts"),
    ("SD06", put("VS", FIRST, VISITNUM=777.0), "a visit that SV does not have"),
    ("SD07", put("CM", where(CMENRTPT=...), CMENTPT=None), "ongoing when?"),
    ("SD09", put("SE", FIRST, SEENDTC="2023-01-01"), "a gap between elements"),
    ("SD10", put("VS", where(EPOCH="SCREENING"), EPOCH="FOLLOW-UP"), "an epoch of another time"),
    ("SD55", put("VS", where(VSDY=...), VSDY=0.0), "there is no day 0"),
    ("SD56", put("EX", where(EXENDY=...), EXENDY=-999.0), "ends on an earlier day"),
    ("SD57", put("VS", FIRST, VSDTC="2026-03-30"), "measured after the subject had left"),
    ("SD58", put("PC", where(PCTPTNUM=...), PCTPTREF=None), "an hour after nothing"),
    ("SD59", put("PC", where(PCTPTNUM=...), PCTPT="SOME TIME"), "a number of two times"),
    ("SD60", put("VS", where(VISITNUM=1.0), VISIT="OTHER VISIT"), "a number of two visits"),
    ("SD61", put("CM", where(CMENRTPT=...), CMENRTPT="DURING"), "an end that is no point"),
    ("SD62", put("CM", where(CMENDTC=..., CMSTRTPT=None), CMSTDTC=None), "ended and never began"),
    # -- the plan
    ("SD11", put("SE", FIRST, ELEMENT="Run-in"), "another name than in the plan"),
    ("SD12", put("TS", where(TSVALCD=...), TSVCDREF=None), "a code of nothing"),
    ("SD64", put("TA", FIRST, TAETORD=1.5), "an order between orders"),
    ("SD65", put("TE", where(TEDUR=None), TEENRL=None), "an element that never ends"),
    ("SD66", put("TA", FIRST, ARM="Another arm"), "a code of two arms"),
    ("SD67", put("TV", FIRST, ARMCD="NOARM"), "a visit of no arm"),
    ("SD68", put("TI", FIRST, IETESTCD=lambda _: "INCL02"), "a code of two criteria"),
    ("SD69", put("TS", where(TSVALNF=...), TSVALNF="NOTHING"), "no null flavor"),
    ("SD70", put("TS", where(TSVALCD="C49487"), TSVAL="Y"), "a code of two values"),
    ("SD71", put("TS", where(TSPARMCD="AGEMIN"), TSVAL="18"), "an age without a unit"),
    ("SD72", anywhere(put("TS", where(TSPARMCD="INTMODEL"), TSPARMCD="OTHERMOD")), "interventional, and how?"),
    ("TR1734", put("TS", where(TSPARMCD="SSTDTC"), TSVAL="March 2024"), "a study start that is no date"),
    ("TR1736", lose("DM"), "no demographics"),
    # -- relations
    ("SD74", put("SUPPAE", FIRST, IDVARVAL="9999"), "a qualifier of no record"),
    ("SD75", put("SUPPAE", FIRST, IDVARVAL=None), "half a reference"),
    ("SD76", put("SUPPDM", FIRST, QNAM="SAFETY"), "a population flag among qualifiers"),
    ("SD77", put("RELREC", FIRST, RELID="ALONE"), "a relation with one side"),
    ("SD78", put("CO", FIRST, IDVAR=None), "a comment on half a record"),
    ("SD79", lose("RS", "RSLNKGRP"), "a link to nowhere"),
    ("SD81", put("LB", FIRST, LBCAT="LB"), "a category that is the domain"),
    # -- variables
    ("SD82", gain("LB", LBUSCHFL="Y"), "a variable of animal studies"),
    ("SD83", gain("AE", AEOCCUR="Y"), "every adverse event occurred"),
    ("SD84", gain("LB", LBLAT="LEFT"), "the left side of what?"),
    ("SD85", lose("DD", "DDDTC", "DDDY", "EPOCH"), "nobody knows when"),
    ("SD86", lose("VS", "EPOCH"), "no epoch"),
    ("SD88", lose("TI"), "exceptions to no criterion"),
    ("SD89", gain("LB", LBMOOD2="X"), "a variable that the model does not have"),
    # -- analysis datasets
    ("AD01", put("ADVS", FIRST, USUBJID="BY002-99-999"), "a subject that ADSL does not have"),
    ("AD02", put("ADVS", FIRST, TRTSDT=1.0), "another first dose than in ADSL"),
    ("AD04", put("ADVS", FIRST, PARAMN=777.0), "two numbers of a parameter"),
    ("AD05", put("ADVS", where(CHG=...), CHG=777.0), "no difference from baseline"),
    ("AD06", put("ADVS", where(ADY=...), ADY=7777.0), "another day than its date's"),
    ("AD08", put("ADSL", where(TRTSDT=...), TRTEDT=1.0), "treatment ends before it starts"),
    ("AD09", put("ADTTE", where(CNSR=0.0), EVNTDESC=None), "an event of what?"),
    ("AD10", put("ADSL", FIRST, SAFFL=None), "neither in nor out"),
    ("AD11", put("ADAE", where(TRTEMFL=...), TRTEMFL="X"), "a flag that says something else"),
    ("AD13", twice("ADSL", FIRST), "a subject twice"),
    ("AD14", put("ADSL", FIRST, AGE=17.0), "another age than in DM"),
    ("AD15", lose("ADSL", "AGEU"), "an age without a unit"),
    ("AD16", put("ADVS", where(AVISITN=...), AVISITN=777.0), "two numbers of a visit"),
    ("AD17", put("ADVS", where(AVISITN=...), AVISITN=None), "a visit without its number"),
    ("AD18", put("ADAE", where(ASTDY=...), ASTDY=0.0), "day 0"),
    ("AD19", put("ADAE", where(ASTDT=..., ASTDTF=None), ASTDTF="Q"), "no part of a date"),
    ("AD20", put("ADPC", where(ADTM=...), ADTM=1.0), "date and date-time of two days"),
    ("AD21", put("ADCM", where(ASTDT=..., AENDT=...), AENDT=1.0), "ends before it starts"),
    ("AD22", put("ADVS", where(BASE=...), BASE=777.0), "two baselines"),
    ("AD23", put("ADEG", where(CRIT1FL=...), CRIT1=None), "which criterion?"),
    ("AD24", put("ADVS", where(VSSEQ=...), VSSEQ=77777.0), "from no record"),
    ("AD25", put("ADLB", where(ANRIND="NORMAL", DTYPE=None), ANRIND="HIGH"), "high within its limits"),
    ("AD26", put("ADAE", where(AOCCFL=None), AOCCFL="Y"), "two first occurrences"),
    ("AD27", put("ADAE", where(TRTEMFL="Y"), ASTDT=1.0), "emergent before treatment"),
    ("AD28", put("ADPC", where(NFRLT=...), FRLTU=None), "hours or days?"),
    ("AD29", lose("ADSL", "TRT01P"), "a number of what?"),
    ("AD30", anywhere(put("ADSL", FIRST, TRTSDT="a day")), "a date that cannot be counted with"),
    ("AD32", lose("ADEX", "AVAL"), "parameters without values"),
    ("TR1736A", lose("ADSL"), "no analysis population"),
    # -- schemas
    ("required", put("AE", FIRST, AETERM=None), "an event of what?"),
    ("keys", twice("VS", FIRST, VSSEQ=99999.0), "a record twice"),
    ("sequence", put("VS", where(VSSEQ=2.0), VSSEQ=1.0), "two records of one number"),
    ("codelist", put("AE", FIRST, AEACN="STOPPED A BIT"), "no term of the codelist"),
    ("decode", put("LB", FIRST, LBTEST="Some Test"), "another name than CDISC's"),
    ("pair", put("SUPPDM", FIRST, QLABEL="Other label"), "two labels of a qualifier"),
    ("fixed", put("AE", FIRST, STUDYID="BY003"), "a record of another study"),
    ("iso8601", put("AE", FIRST, AESTDTC="10MAR2024"), "no ISO 8601 date"),
    ("number", put("VS", where(VSSTRESN=...), VSSTRESN=float("inf")), "an infinite number"),
    ("name", put("SUPPDM", FIRST, QNAM="lower"), "no short name"),
    ("ascii", put("CM", FIRST, CMTRT="Paracétamol"), "not ASCII"),
    ("length", put("CM", FIRST, CMTRT="A" * 201), "longer than 200 bytes"),
    ("blanks", put("CM", FIRST, CMTRT="."), "a missing value written as text"),
    ("parent", put("SUPPAE", FIRST, IDVARVAL="9999"), "a qualifier of no record"),
    ("qualifier", put("SUPPAE", FIRST, QNAM="AETERM"), "the name of a variable of AE"),
    ("variable", lose("AE", "AESER"), "a variable that the standard wants"),
    ("type", anywhere(put("AE", FIRST, AESEQ="one")), "a number written as text"),
]  # fmt: skip

# in tests/validators: rules of variables that BY002 does not have, and AD03 and AD07, which AD10 and AD19 widen; the order
# of variables is a fault of schemas (test_schemas.py), `file` is planted in files below; no spec can describe TT (SD87)
LEFT = {
    *("SD35", "SD38", "SD50", "SD52", "SD54", "SD63", "SD73", "SD80", "SD87"),
    *("AD03", "AD07", "AD12", "AD31", "AD33", "order", "file"),
}


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(load_study(STUDY))


@pytest.fixture(scope="module")
def read(built):
    """Records and description of every published file, those of a few subjects where they are of subjects."""
    files = {path.stem.upper(): read_xpt(path) for path in sorted(built.glob("*/*.xpt"))}
    some = set(files["DM"][0]["USUBJID"].iloc[SUBJECTS])
    kept = {}
    for name, (frame, meta) in files.items():
        if "USUBJID" in frame and name != "RELREC":
            frame = frame[frame["USUBJID"].isin(some)].reset_index(drop=True)  # noqa: PLW2901
        if len(frame):
            kept[name] = (frame, meta)
    return kept


@pytest.fixture(scope="module")
def rules(catalogue):
    found = load_rules(catalogue)
    return Rules([rule for rule in found.rules if not rule.study], found.explained)


def shelf_of(catalogue, read, frames):
    infos = {}
    bare = Shelf(catalogue, {}, frozenset({"sdtm", "adam"}))
    for name, (_, meta) in read.items():
        infos[name] = settled(bare.info(name), meta)
    return Shelf(catalogue, frames, frozenset({"sdtm", "adam"}), infos)


def held(shelf, rules, family, dataset):
    """What one family finds: a rule wherever it looks, a schema in one dataset."""
    if not family.islower():
        outcome = run_rules(shelf, Rules([rule for rule in rules.rules if rule.id == family]))
        return explain(outcome.faults, [e for e, _ in rules.explained], shelf)
    parent = shelf.frames.get(dataset.removeprefix("SUPP"))
    faults = make_schema(shelf.catalogue, shelf.info(dataset), parent).faults(shelf.frames[dataset])
    return explain([f for f in faults if f.rule == family], [], shelf)


def test_the_clean_datasets_have_no_fault(catalogue, read, rules):
    shelf = shelf_of(catalogue, read, {name: frame for name, (frame, _) in read.items()})
    outcome = run_rules(shelf, rules)
    faults = explain(outcome.faults, [e for e, _ in rules.explained], shelf)
    assert [(f.rule, f.dataset, f.variable, f.values[:1]) for f in faults if not f.explained] == []
    for name, (frame, _) in read.items():
        assert make_schema(catalogue, shelf.info(name), shelf.frames.get(name.removeprefix("SUPP"))).faults(frame) == []


@pytest.mark.parametrize(("family", "plant", "why"), FAULTS, ids=[f"{f} {why}" for f, _, why in FAULTS])
def test_a_planted_fault_is_found_where_it_is_and_says_what_to_do(catalogue, read, rules, family, plant, why):
    frames = {name: frame for name, (frame, _) in read.items()}
    dataset, row = plant(frames)
    found = [f for f in held(shelf_of(catalogue, read, frames), rules, family, dataset) if not f.explained]
    assert found, why
    assert not any(f.untold for f in found), "the rule was carried out"
    assert all(f.do and f.says for f in found), "each message says what to do"
    if row is not None:
        assert any(f.dataset == dataset and row in f.rows.tolist() for f in found), [(f.dataset, f.rows) for f in found]


def test_fifty_families_and_more_are_planted():
    families = {family for family, _, _ in FAULTS}
    assert len(families) >= 50
    assert families <= {*general_rules(), *schema_rules()}
    left = {*general_rules(), *schema_rules()} - families
    assert left == LEFT, "these speak of what BY002 does not have, or are planted in files or in the made-up study"


def test_every_general_rule_is_read_with_what_to_do():
    for rule in (*general_rules().values(), *schema_rules().values()):
        assert rule.head.do and rule.head.answers and rule.head.source, rule.id


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: replace(m, label="Other"), "the label of the file is another"),
        (lambda m: m.with_variables(tuple(replace(v, label="X" * 40) if v.name == "AETERM" else v for v in m.variables)), "the label in the file is another"),
        (lambda m: m.with_variables(tuple(replace(v, format="BEST12.") if v.name == "AESEQ" else v for v in m.variables)), "the format in the file is another"),
        (lambda m: m.with_variables(tuple(replace(v, length=9) if v.name == "STUDYID" else v for v in m.variables)), "the length differs between datasets"),
    ],
)  # fmt: skip
def test_a_fault_planted_in_a_file_is_found_in_it(catalogue, read, tmp_path, change, says):
    frame, meta = read["AE"]
    path = tmp_path / "ae.xpt"
    write_xpt(path, frame, change(meta), catalogue.study.file.created)
    _, there = read_xpt(path)
    shelf = Shelf(catalogue, {}, frozenset({"sdtm"}))
    faults = [*file_faults(catalogue, shelf.info("AE"), there), *length_faults([there, read["DM"][1]])]
    found = explain(faults, [], shelf)
    assert [f for f in found if says in f.says], [f.says for f in found]
    assert all(f.rule == "file" and f.do for f in found)
    assert list(path_faults("AE", path.stat().st_size, len(frame))) == []


def test_names_sizes_and_empty_files_that_cannot_be_submitted_are_told():
    assert [f.says for f in path_faults("A_E", 10, 1)] == ["no name for a dataset: A_E"]
    assert [f.says for f in path_faults("LB", 5 * 1024**3 + 1, 1)] == ["the file has 5,368,709,121 bytes"]
    assert [f.says for f in path_faults("LB", 10, 0)] == ["the file holds no record"]
    assert all(f.do for f in path_faults("A_E", 6 * 1024**3, 0))


def test_a_list_that_spec_and_standard_both_name_binds_once():
    import trialmill.verbs  # noqa: F401, PLC0415  registers the verbs of all rooms

    catalogue = Catalogue(load_study(STUDY))
    assert len(Terms(catalogue).of(catalogue.datasets["AE"], "AEOUT")) == 1  # a wrong outcome is one record, not two
