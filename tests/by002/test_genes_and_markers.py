"""Gene flags, molecular group, biomarker population and baseline measures of ADSL, from raw records case by case.

Every case is a made-up subject, treated from 2025-03-10 08:00 (see tests/sdtm/made_up.py); all are built together.
"""

import pytest

from tests.sdtm import made_up
from tests.sdtm.made_up import built, rows

SAMPLES = "SAMPLE SPEC COLDAT REPDAT QC PANEL"
VARIANTS = "SAMPLE GENE TRANSCRIPT HGVSC HGVSP VAF DEPTH ALTDEPTH CLASS TYPE LENBP"
FUSIONS = "SAMPLE GENE1 GENE2 TYPE METHOD READS"
FLAGS = ["NPM1FL", "KMT2AFL", "FLT3FL", "FLT3ITFL", "FLT3TKFL", "TP53FL", "NUP98FL"]


def sample(name, panel, day="2025-03-03", qc="PASS"):
    return f"{name} BM {day} 2025-03-20 {qc} {panel}"


def variant(name, gene, vaf="40", impact="P", kind="SNV"):
    return f"{name} {gene} NM_1.1 c.{gene}{kind}{vaf} _ {vaf} 1000 400 {impact} {kind} _"


def fusion(name, gene="KMT2A", partner="MLLT3", kind="FUSION", method="RNASEQ"):
    return f"{name} {gene} {partner} {kind} {method} 100"


def build(cases, shuffle=None):
    """ADSL of several subjects, {form or file: records} each; names of specimens are made their own."""
    everything, base = {}, made_up.subject()
    for number, sources in enumerate(cases, start=101):
        who = f"01-{number}"
        for name, records in {**base, **{n: base.get(n, []) + r for n, r in sources.items()}}.items():
            for record in records:
                own = record if name.startswith("ngs_") and name != "ngs_samples" else record | {"SUBJECT": who}
                own = own | ({"PERSONID": f"P{number}", "SCRNO": who} if name == "subj" else {})
                own = own | ({"SAMPLE": f"{number}{own['SAMPLE']}"} if "SAMPLE" in own else {})
                everything.setdefault(name, []).append(own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_up, "subject", dict)
        frame = built(["ADSL"], shuffle, **everything)[0]["ADSL"]
    assert len(frame) == len(cases)
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def molecular(case):
    samples, variants, fusions = case[:3]
    return {"ngs_samples": rows(SAMPLES, *samples), "ngs_variants": rows(VARIANTS, *variants), "ngs_fusions": rows(FUSIONS, *fusions)}


ALL = {n[:-2] for n in FLAGS}
DNA, RNA = {"NPM1", "FLT3", "FLT3IT", "FLT3TK", "TP53"}, {"KMT2A", "NUP98"}
S1 = [sample("S1", "DNA+RNA")]
CASES = [
    # specimens, variants, fusions -> genes that are positive, genes that are negative, molecular group
    ([], [], [], set(), set(), "NEITHER", "nothing was looked for"),
    (S1, [], [], set(), ALL, "NEITHER", "all looked for, nothing found"),
    (S1, [variant("S1", "NPM1")], [], {"NPM1"}, ALL - {"NPM1"}, "NPM1M", "a mutation"),
    (S1, [variant("S1", "NPM1", impact="LP", kind="INDEL")], [], {"NPM1"}, ALL - {"NPM1"}, "NPM1M", "likely pathogenic"),
    (S1, [variant("S1", "NPM1", impact="VUS")], [], set(), ALL, "NEITHER", "of unknown significance"),
    (S1, [variant("S1", "NPM1", impact="B")], [], set(), ALL, "NEITHER", "benign"),
    (S1, [variant("S1", "NPM1", "2.0")], [], {"NPM1"}, ALL - {"NPM1"}, "NPM1M", "from 2 %"),
    (S1, [variant("S1", "NPM1", "1.9")], [], set(), ALL, "NEITHER", "below 2 %"),
    (S1, [variant("S1", "TP53", "10")], [], {"TP53"}, ALL - {"TP53"}, "NEITHER", "TP53 from 10 %"),
    (S1, [variant("S1", "TP53", "9.9")], [], set(), ALL, "NEITHER", "TP53 below 10 %"),
    (S1, [variant("S1", "TP53", "5"), variant("S1", "TP53", "30", "VUS")], [], set(), ALL, "NEITHER", "class and share of one variant"),
    (S1, [variant("S1", "FLT3")], [], {"FLT3", "FLT3TK"}, ALL - {"FLT3", "FLT3TK"}, "NEITHER", "kinase domain"),
    (S1, [variant("S1", "FLT3", "1", kind="ITD")], [], {"FLT3", "FLT3IT"}, ALL - {"FLT3", "FLT3IT"}, "NEITHER", "any duplication"),
    (S1, [], [fusion("S1")], {"KMT2A"}, ALL - {"KMT2A"}, "KMT2A-R", "a fusion"),
    (S1, [], [fusion("S1", partner="KMT2A", kind="PTD")], set(), ALL, "NEITHER", "a partial tandem duplication is no rearrangement"),
    (S1, [], [fusion("S1", "NUP98", "NSD1")], {"NUP98"}, ALL - {"NUP98"}, "NEITHER", "NUP98"),
    (S1, [variant("S1", "NPM1")], [fusion("S1")], {"KMT2A", "NPM1"}, ALL - {"KMT2A", "NPM1"}, "KMT2A-R", "KMT2A goes first"),
    ([sample("S1", "DNA")], [variant("S1", "NPM1")], [], {"NPM1"}, DNA - {"NPM1"}, "NPM1M", "no RNA: no fusion was looked for"),
    ([sample("S1", "RNA")], [], [], set(), RNA, "NEITHER", "no DNA"),
    ([sample("S1", "DNA+RNA", qc="FAIL"), sample("S2", "FISH")], [], [fusion("S2", method="FISH")], {"KMT2A"}, set(), "KMT2A-R",
     "FISH counts where sequencing failed"),
    ([sample("S1", "DNA+RNA", qc="FAIL")], [variant("S1", "NPM1")], [], set(), set(), "NEITHER", "a failed specimen tells nothing"),
    ([*S1, sample("S2", "DNA", "2025-03-10")], [variant("S1", "NPM1"), variant("S2", "TP53")], [fusion("S1")],
     {"KMT2A", "TP53"}, ALL - {"KMT2A", "TP53"}, "KMT2A-R", "of each gene the last specimen up to the day of the first dose that tells"),
    ([*S1, sample("S2", "DNA+RNA", "2025-03-11")], [variant("S1", "NPM1"), variant("S2", "TP53")], [],
     {"NPM1"}, ALL - {"NPM1"}, "NPM1M", "not after the day of the first dose"),
    ([*S1, sample("S2", "DNA+RNA", "2025-03-05", "FAIL")], [variant("S1", "NPM1")], [], {"NPM1"}, ALL - {"NPM1"}, "NPM1M",
     "a later specimen that failed"),
    ([sample("S2", "DNA"), sample("S1", "DNA")], [variant("S1", "NPM1")], [], set(), DNA, "NEITHER", "of one day the last by its number"),
]  # fmt: skip


@pytest.fixture(scope="module")
def genes():
    return build([molecular(case) for case in CASES])


@pytest.mark.parametrize("case", range(len(CASES)), ids=[c[-1] for c in CASES])
def test_genes_before_the_first_dose(genes, case):
    positive, negative, group, why = CASES[case][3:]
    found = {n[:-2]: genes[case][n] for n in FLAGS}
    assert {n for n, v in found.items() if v == "Y"} == positive, why
    assert {n for n, v in found.items() if v == "N"} == negative, why
    assert genes[case]["MOLGR1"] == group, why


def test_the_order_of_the_raw_rows_changes_nothing(genes):
    assert build([molecular(case) for case in CASES], shuffle=3) == genes


def wells(name, day, spec="BM", targets=("24", "24", "24"), reference=("25", "25", "25"), gene="HOXA9"):
    """Serial dates of March and April 2025 are 45716 and 45747 plus the day."""
    month, number = day.split("-")
    serial = {"03": 45716, "04": 45747}[month] + int(number)
    lines = [f"Q {name} {spec} {serial} {g} {g[0]}{i} {ct}" for g, cts in ((gene, targets), ("ABL1", reference)) for i, ct in enumerate(cts)]
    return rows("SHEET SAMPLE SPEC COLDAT GENE WELL CT", *lines)


def flow(name, day, spec="PB"):
    return rows("SAMPLE SPEC COLDAT GATE MARKER PCTPOS EVENTS", f"{name} {spec} 2025-{day} G CD11b 12 100")


BASE = wells("A", "03-03")
HIGH, LOST = ("35.5",) * 3, ("25", "25", "Undetermined")
BIOMARKERS = [
    ({}, "N", "nothing measured"),
    ({"qpcr": BASE}, "N", "before treatment only"),
    ({"qpcr": BASE + wells("B", "04-07")}, "Y", "before and after"),
    ({"qpcr": BASE + wells("B", "04-07", "PB")}, "N", "in another type of specimen"),
    ({"qpcr": BASE + wells("B", "04-07", gene="MEIS1")}, "N", "of another gene"),
    ({"qpcr": wells("A", "03-03", gene="MEIS1") + wells("B", "04-07", gene="MEIS1")}, "Y", "MEIS1"),
    ({"qpcr": BASE + wells("B", "04-07", targets=["Undetermined"] * 3)}, "Y", "an undetermined target is a low level, not none"),
    ({"qpcr": BASE + wells("B", "04-07", reference=LOST)}, "N", "the reference gene undetermined in a well"),
    ({"qpcr": BASE + wells("B", "04-07", reference=HIGH)}, "N", "the reference gene above 35 cycles"),
    ({"qpcr": BASE + wells("B", "04-07", reference=("34.9", "35", "35.1"))}, "Y", "35 cycles are enough"),
    ({"qpcr": BASE + wells("B", "04-07", reference=("34.9", "35", "39"))}, "Y", "the well far from the others is left out"),
    ({"qpcr": BASE + wells("B", "04-07", reference=())}, "N", "no reference gene"),
    ({"qpcr": wells("A", "03-03", reference=HIGH) + wells("B", "04-07")}, "N", "no valid baseline"),
    ({"qpcr": wells("A", "03-10") + wells("B", "04-07")}, "N", "on the day of the first dose, before or after it"),
    ({"flow": flow("A", "03-03") + flow("B", "03-17")}, "Y", "CD11b"),
    ({"flow": flow("A", "03-03") + flow("B", "03-17", "BM")}, "N", "CD11b in another type of specimen"),
    ({"flow": flow("A", "03-03", "BM"), "qpcr": wells("B", "04-07")}, "N", "two different markers"),
]


@pytest.fixture(scope="module")
def evaluable():
    return [r["BMFL"] for r in build([sources for sources, _, _ in BIOMARKERS])]


@pytest.mark.parametrize("case", range(len(BIOMARKERS)), ids=[b[-1] for b in BIOMARKERS])
def test_biomarker_evaluable(evaluable, case):
    assert evaluable[case] == BIOMARKERS[case][1], BIOMARKERS[case][2]


def test_height_weight_and_what_is_computed_of_them():
    vs = [{"VISITOID": "SCR", "VSDAT": "03-MAR-2025", "HEIGHT": "1.75", "HEIGHTU": "m", "WEIGHT": "70.0", "WEIGHTU": "kg"},
          {"VISITOID": "C1D1", "VSDAT": "10-MAR-2025", "VSTIM": "07:40", "WEIGHT": "137", "WEIGHTU": "jin"},
          {"VISITOID": "C1D8", "VSDAT": "17-MAR-2025", "WEIGHT": "66", "WEIGHTU": "kg"}]  # fmt: skip
    whole, bare = build([{"vs": vs}, {"vs": vs[1:]}])
    assert [whole[n] for n in ("HEIGHTBL", "WEIGHTBL", "BMIBL", "BSABL")] == [175, 68.5, 22.4, 1.82]  # 22.367, 1.8248
    assert [bare[n] for n in ("HEIGHTBL", "WEIGHTBL", "BMIBL", "BSABL")] == [None, 68.5, None, None]
