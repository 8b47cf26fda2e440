"""ADEX, ADDLT and ADCM on hand-made records, case by case."""

import pytest

from tests.by002.hand_made import ARM, START, Specs, dose, treated


@pytest.fixture(scope="module")
def specs():
    return Specs()


@pytest.fixture(scope="module")
def adex(specs):
    """A function: records of several subjects to the value of each parameter, one dict a subject."""

    def derive(*subjects):
        rows = specs.derive("ADEX", *subjects)
        names = sorted({r["who"] for r in rows})
        return [{r["PARAMCD"]: r["AVAL"] for r in rows if r["who"] == name} for name in names]

    return derive


def visits(*days):
    """Day 1 visits of Cycles 1, 2 ...; None for one that did not take place."""
    return [
        {"VISITNUM": 100.0 * n + 1, "VISIT": f"C{n}D1", "SVPRESP": "Y", "SVOCCUR": "Y" if day else "N", "SVSTDTC": day}
        for n, day in enumerate(days, 1)
    ]


def missed(start, end, why="ADVERSE EVENT"):
    return {"ECSTDTC": start, "ECENDTC": end, "ECOCCUR": "N", "ECREASOC": why}


def strong(start, end):
    return {"CMCYP3A": "STRONG", "CMSTDTC": start, "CMENDTC": end, "CMCAT": "CONCOMITANT MEDICATION"}


CYP, AE = "STRONG CYP3A4 INHIBITOR", "ADVERSE EVENT"
TEN = [dose(START, "2025-03-19", 200)]  # ten days at the assigned 200 mg, the treatment ended
EXPOSURES = [
    ({"EX": TEN}, {"TRTDUR": 10, "NDOSDY": 10, "TDOSE": 2000, "TPDOSE": 2000, "DOSINT": 200, "RDI": 100}, "as planned"),
    ({"EX": [dose(START, "2025-03-12", 200), dose("2025-03-16", "2025-03-19", 200)]},
     {"TRTDUR": 10, "NDOSDY": 7, "TDOSE": 1400, "TPDOSE": 2000, "DOSINT": 140, "RDI": 70}, "three days missed"),
    ({"EX": [dose(START, "2025-03-12", 200), dose("2025-03-13", "2025-03-19", 100, AE)]},
     {"TDOSE": 1300, "TPDOSE": 2000, "RDI": 65, "NREDAE": 1}, "after a reduction still the assigned dose is planned"),
    ({"EX": [dose(START, "2025-03-12", 200), dose("2025-03-13", "2025-03-19", 100, CYP)], "CM": [strong("2025-03-13", "2025-03-14")]},
     {"TDOSE": 1300, "TPDOSE": 1300, "RDI": 100, "NCYPADJ": 1, "NREDAE": 0}, "halved until 5 days after the inhibitor"),
    ({"EX": TEN, "CM": [strong("2025-03-13", "2025-03-13")]}, {"TPDOSE": 1400, "TDOSE": 2000}, "6 days: its own and 5 more"),
    ({"EX": TEN, "CM": [strong("2025-03-01", "2025-03-06")]}, {"TPDOSE": 1800}, "it stopped before treatment: 2 days still"),
    ({"EX": TEN, "CM": [strong("2025-03-01", "2025-03-04")]}, {"TPDOSE": 2000}, "5 days before it: none"),
    ({"EX": TEN, "CM": [strong("2025-03-12", "2025-03-12"), strong("2025-03-14", "2025-03-14")]}, {"TPDOSE": 1200}, "two overlap: 8 days"),
    ({"EX": TEN, "CM": [strong("2025-03-18", None)]}, {"TPDOSE": 1800}, "no known end has no limit"),
    ({"EX": TEN, "CM": [strong(None, "2025-03-10")]}, {"TPDOSE": 1400}, "no known start has none either"),
    ({"EX": TEN, "CM": [{**strong("2025-03-12", "2025-03-19"), "CMCYP3A": "MODERATE"}]}, {"TPDOSE": 2000}, "moderate: no change"),
    ({"EX": [dose(START, "2025-03-19", 200), dose("2025-03-19", "2025-03-20", 100)]},
     {"NDOSDY": 11, "TDOSE": 2000, "TRTDUR": 11}, "a day in two records counts once, with the later"),
    ({"EX": [dose(START, None, 200)], "DS": []}, {"TRTDUR": 387, "NDOSDY": 387, "TDOSE": 77400}, "ongoing: to the cut-off"),
    ({"EX": [dose(f"{START}T08:00", f"{START}T08:00", 200), dose("2025-03-11", "2025-03-19", 200)]},
     {"TDOSE": 2000, "NDOSDY": 10}, "the day of a PK dose is a record of its own"),
    # reductions for an event
    ({"EX": [dose(START, "2025-03-11", 200), dose("2025-03-12", "2025-03-13", 150, AE), dose("2025-03-14", "2025-03-14", 150, AE),
             dose("2025-03-17", "2025-03-19", 100, AE)]}, {"NREDAE": 2}, "two steps, however split"),
    ({"EX": [dose(START, "2025-03-11", 150, AE), dose("2025-03-12", "2025-03-13", 75, CYP), dose("2025-03-18", "2025-03-19", 150, AE)],
      "CM": [strong("2025-03-12", "2025-03-12")]}, {"NREDAE": 1, "NCYPADJ": 1}, "back from the halved dose is no reduction"),
    ({"EX": [dose(START, "2025-03-14", 75, AE), dose("2025-03-15", "2025-03-19", 100, AE)],
      "CM": [strong("2025-03-01", "2025-03-09")]}, {"NREDAE": 2}, "150 while halved, then 100"),
    ({"EX": [dose(START, "2025-03-14", 200, AE)]}, {"NREDAE": 0}, "the assigned dose is no reduction"),
    # adjustments for an inhibitor
    ({"EX": [dose(START, "2025-03-11", 100, CYP), dose("2025-03-14", "2025-03-15", 100, CYP), dose("2025-03-16", "2025-03-17", 200),
             dose("2025-03-18", "2025-03-19", 100, CYP)]}, {"NCYPADJ": 2}, "twice, a missed day being no end"),
    # interruptions
    ({"EX": TEN, "EC": [missed("2025-03-12", "2025-03-12"), missed("2025-03-13", "2025-03-14"), missed("2025-03-16", "2025-03-16")]},
     {"NINT": 2}, "adjacent ones are one"),
    ({"EX": TEN, "EC": [missed("2025-03-12", "2025-03-12", "FORGOTTEN")]}, {"NINT": 0}, "not for an event"),
    # first cycle
    ({"EX": [dose(START, "2025-04-06", 200)]}, {"DOSEC1": 28, "DOSC1PC": 100}, "28 days"),
    ({"EX": [dose(START, "2025-04-07", 200)]}, {"DOSEC1": 28, "DOSC1PC": 100}, "Day 29 does not count"),
    ({"EX": [dose(START, "2025-03-16", 200)]}, {"DOSEC1": 7, "DOSC1PC": 25}, "a quarter"),
    # cycles
    ({"EX": [dose(START, "2025-05-31", 200)], "SV": visits(START, "2025-04-07", "2025-05-05")}, {"NCYC": 3}, "three cycles"),
    ({"EX": [dose(START, "2025-05-04", 200)], "SV": visits(START, "2025-04-07", "2025-05-05")}, {"NCYC": 2}, "none after the last dose"),
    ({"EX": [dose(START, "2025-05-05", 200)], "SV": visits(START, "2025-04-07", "2025-05-05")}, {"NCYC": 3}, "one dose is enough"),
    ({"EX": [dose(START, "2025-04-06", 200), dose("2025-05-05", "2025-05-31", 200)], "SV": visits(START, "2025-04-07", "2025-05-05")},
     {"NCYC": 2}, "a cycle without a dose"),
    ({"EX": [dose(START, "2025-05-05", 200)], "SV": visits(START, "2025-04-10", None)}, {"NCYC": 2},
     "the missed Day 1 is 28 days after the last: 8 May"),
    ({"EX": [dose(START, "2025-06-05", 200)], "SV": visits(START, None, None, None), "DS": [{**{"DSSCAT": "STUDY TREATMENT",
      "DSDECOD": "DISEASE RELAPSE", "DSTERM": "X", "EPOCH": "TREATMENT", "DSSTDTC": "2025-06-06", "DSSEQ": 9}}]}, {"NCYC": 4}, "two missed"),
]  # fmt: skip


def test_exposure(adex):
    found = adex(*[treated(**case) for case, *_ in EXPOSURES])
    for values, (_, expected, why) in zip(found, EXPOSURES, strict=True):
        assert {k: values[k] for k in expected} == pytest.approx(expected), why


def test_what_exposure_cannot_say_is_told(specs):
    late = specs.derive("ADEX", treated(SV=visits("2025-03-12", "2025-04-07")))
    assert sum("the first cycle starts after the first dose" in str(r["told"]) for r in late) == len(late)
    none = specs.derive("ADEX", treated())
    assert "no cycle with a dose" in str(none[0]["told"])


# -- dose-limiting toxicity: First dose 2025-03-10, Day 28 is 2025-04-06, treated until 2025-05-31

DLT = {"AEDLT": "Y", "AESTDTC": "2025-03-20", "AETOXGR": "3", "AEREL": "PROBABLY RELATED"}
END = "2025-04-06"
LIMITS = [
    ({}, ("Y", END), ("N", None), 0, ("N", None), 28, "Y", "evaluable on Day 28"),
    ({"AE": [DLT]}, ("Y", "2025-03-20"), ("Y", "2025-03-20"), 1, ("Y", "2025-03-20"), 28, "Y", "evaluable from the toxicity on"),
    ({"AE": [DLT, {**DLT, "AESTDTC": "2025-03-18"}]}, ("Y", "2025-03-18"), ("Y", "2025-03-18"), 2, ("Y", "2025-03-18"), 28, "Y", "the first of two"),
    ({"AE": [{**DLT, "AESTDTC": "2025-04-07"}]}, ("Y", END), ("N", None), 0, ("N", None), 28, "Y", "outside the window: no toxicity, no caution"),
    ({"AE": [{**DLT, "AEDLT": "N", "AETOXGR": "2"}]}, ("Y", END), ("N", None), 0, ("Y", "2025-03-20"), 28, "Y", "related, of grade 2"),
    ({"AE": [{**DLT, "AEDLT": "N", "AETOXGR": "1"}]}, ("Y", END), ("N", None), 0, ("N", None), 28, "Y", "of grade 1"),
    ({"AE": [{**DLT, "AEDLT": "N", "AEREL": "UNRELATED"}]}, ("Y", END), ("N", None), 0, ("N", None), 28, "Y", "not related"),
    ({"AE": [{**DLT, "AEDLT": "N", "AEREL": None}]}, ("Y", END), ("N", None), 0, ("Y", "2025-03-20"), 28, "Y", "nobody says how related"),
    ({"EX": [dose(START, "2025-03-29", 200)]}, ("N", None), ("N", None), 0, ("N", None), 20, "Y", "20 doses are too few"),
    ({"DM": {"DTHFL": "Y", "DTHDTC": "2025-04-05"}, "EX": [dose(START, "2025-04-04", 200)], "SV": []},
     ("N", None), ("N", None), 0, ("N", None), 26, "N", "died on Day 27"),
]  # fmt: skip


def test_dose_limiting_toxicity(specs):
    """DLTEVAL, DLT, NDLT, RELG2, ADHER, WINCOMP with their dates."""
    rows = specs.derive("ADDLT", *[treated(**case) for case, *_ in LIMITS])
    for number, (_, evaluable, toxic, count, caution, doses, followed, why) in enumerate(LIMITS):
        found = {r["PARAMCD"]: r for r in rows if r["who"].endswith(f"{number:03d}")}
        assert list(found) == ["ADHER", "DLT", "DLTEVAL", "NDLT", "RELG2", "WINCOMP"]
        for code, said in (("DLTEVAL", evaluable), ("DLT", toxic), ("RELG2", caution), ("WINCOMP", (followed, END))):
            row = found[code]
            assert (row["AVALC"], row["ADT"], row["AVAL"]) == (*said, 1 if said[0] == "Y" else 0), (code, why)
        assert (found["NDLT"]["AVAL"], found["ADHER"]["AVAL"], found["ADHER"]["AVALC"]) == (count, doses, None), why


def test_only_treated_subjects_of_the_escalation_have_records(specs):
    expansion = {"ARMCD": "EXP400", "ACTARMCD": "EXP400", "ARM": "BY002 400 mg QD Expansion"}
    never = {"DM": [{"RFICDTC": "2025-03-01", **ARM, "ARMNRS": "ASSIGNED, NOT TREATED"}]}
    rows = specs.derive("ADDLT", treated(DM=expansion), never, treated())
    assert {r["who"] for r in rows} == {"BY002-01-002"}


# -- medications: treated from 2025-03-10 to 2025-05-31

MEDICATIONS = [
    ("2025-03-01", "2025-03-09", {}, "Y", None, None, "stopped the day before"),
    ("2025-03-01", "2025-03-10", {}, "Y", "Y", "Y", "stopped on the day of the first dose"),
    ("2025-03-10", "2025-03-12", {}, None, "Y", "Y", "started with it"),
    ("2025-05-31", "2025-06-02", {}, None, "Y", "Y", "started on the day of the last dose"),
    ("2025-06-05", None, {}, None, None, "Y", "5 days after it"),
    ("2025-06-06", None, {}, None, None, None, "6 days after it"),
    ("2025-01", None, {"CMENRTPT": "ONGOING"}, "Y", "Y", "Y", "ongoing"),
    (None, None, {"CMSTRTPT": "BEFORE"}, "Y", "Y", "Y", "start before the first dose, on an unknown day, no known end"),
    (None, "2025-02", {}, "Y", None, None, "stopped before, so it had begun before"),
]


def test_medications_before_and_on_treatment(specs):
    """CMSTDTC, CMENDTC, what else, PREFL, ONTRTFL, CYP3AFL."""
    made = [treated(CM=[{**strong(start, end), **more}]) for start, end, more, *_ in MEDICATIONS]
    for row, (*_, before, on, inhibitor, why) in zip(specs.derive("ADCM", *made), MEDICATIONS, strict=True):
        assert (row["PREFL"], row["ONTRTFL"], row["CYP3AFL"]) == (before, on, inhibitor), why


def test_lines_of_prior_therapy(specs):
    prior = {"CMCAT": "PRIOR ANTI-LEUKEMIA THERAPY", "CMENDTC": "2025-02-01"}
    lines = [{**prior, "CMGRPID": "2", "CMSTDTC": "2024-09"}, {**prior, "CMGRPID": "1"}, strong("2025-04-01", None)]
    rows = specs.derive("ADCM", treated(CM=[*lines, prior]))
    found = {int(r["CMSEQ"]): (r["PRIORFL"], r["PRLINE"], r["PREFL"], r["ONTRTFL"], len(r["told"]) > 0) for r in rows}
    assert found[1] == ("Y", 2, "Y", None, True) and found[2][:4] == ("Y", 1, "Y", None)
    assert found[3][:4] == (None, None, None, "Y")
    assert found[4][:2] == ("Y", None), "a line without its number is told"
    assert "has no line number" in str(rows[0]["told"])


def test_history_before_the_study(specs):
    rows = specs.derive("ADMH", treated(MH=[
        {"MHCAT": "GENERAL", "MHSTDTC": "2024", "MHENDTC": "2024"}, {"MHCAT": "GENERAL", "MHSTRTPT": "BEFORE"},
        {"MHCAT": "GENERAL", "MHSTDTC": "2025-03"}, {"MHCAT": "GENERAL"},
    ]))  # fmt: skip
    found = {int(r["MHSEQ"]): (r["ASTDT"], r["ASTDTF"], r["AENDT"], r["PREFL"]) for r in rows}
    assert found == {
        1: ("2024-01-01", "M", "2024-12-31", "Y"),
        2: (None, None, None, "Y"),
        3: ("2025-03-01", "D", None, "Y"),
        4: (None, None, None, None),
    }
