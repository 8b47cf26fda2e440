"""GF and BE of a made-up subject (first dose 2025-03-10): what each panel looks for, finds and cannot tell."""

import pytest

from tests.sdtm.made_up import built, rows, shown

SAMPLES = "SAMPLE SPEC COLDAT REPDAT QC PANEL"
VARIANTS = "SAMPLE GENE TRANSCRIPT HGVSC HGVSP VAF DEPTH ALTDEPTH CLASS TYPE LENBP"
FUSIONS = "SAMPLE GENE1 GENE2 TYPE METHOD READS"
WELLS = "SHEET SAMPLE SPEC COLDAT GENE WELL CT"
NGTS, TTS = "NEXT GENERATION TARGETED SEQUENCING", "TARGETED TRANSCRIPTOME SEQUENCING"
NPM1 = "S1 NPM1 NM_002520.7 c.860_863dup p.(Trp288Cysfs*12) 43.3 1743 755 P INDEL 4"
ITD = "S1 FLT3 NM_004119.3 c.1780_1800dup p.(Glu594_Asp600dup) 32.8 661 217 P ITD 21"
FUSION = "S1 KMT2A MLLT3 FUSION RNASEQ 479"


def sample(panel, qc="PASS", name="S1", date="2025-03-03", spec="BM"):
    return f"{name} {spec} {date} 2025-03-18 {qc} {panel}"


def gf(samples, variants=(), fusions=(), wells=(), shuffle=None):
    sources = {
        "ngs_samples": rows(SAMPLES, *samples), "ngs_variants": rows(VARIANTS, *variants),
        "ngs_fusions": rows(FUSIONS, *fusions), "qpcr": rows(WELLS, *wells),
    }  # fmt: skip
    for name in ("ngs_variants", "ngs_fusions"):  # these carry no subject of their own
        for row in sources[name]:
            row.pop("SUBJECT", None)
    datasets, issues = built(["GF"], shuffle, **sources)
    return datasets["GF"], datasets["SUPPGF"], issues


def looked_for(found):
    """Of each DETECTION record: test, gene, nucleic acid, what was looked for as GFGRPID ends, and the result."""
    rows_ = found[found["GFTSTDTL"] == "DETECTION"]
    columns = "GFTESTCD GFSYM GFSPEC GFGRPID GFSTRESC"
    return [(t, s, n, g.rsplit(" ", 1)[-1], r) for t, s, n, g, r in shown(rows_, columns)]


NOT = "NOT DETECTED"
DNA = [("SEQREAR", "FLT3", "DNA", "ITD", NOT), ("SEQREAR", "KMT2A", "DNA", "PTD", NOT),
       *(("SHRTVAR", gene, "DNA", "", NOT) for gene in ("FLT3", "NPM1", "TP53"))]  # fmt: skip
RNA = [("SEQREAR", "KMT2A", "RNA", "FUSION", NOT), ("SEQREAR", "KMT2A", "RNA", "PTD", NOT),
       ("SEQREAR", "NUP98", "RNA", "FUSION", NOT)]  # fmt: skip


@pytest.mark.parametrize(("panel", "expected"), [
    ("DNA", DNA),
    ("RNA", RNA),
    ("DNA+RNA", [DNA[0], *RNA, *DNA[2:]]),  # one record for the partial tandem duplication, which both look for
    ("FISH", [("SEQREAR", "KMT2A", "DNA", "FUSION", NOT)]),
])  # fmt: skip
def test_what_each_panel_looks_for_has_a_record_whether_found_or_not(panel, expected):
    found, _, issues = gf([sample(panel)])
    assert looked_for(found) == expected and len(found) == len(expected)
    methods = {"DNA": {NGTS}, "RNA": {TTS}, "DNA+RNA": {NGTS, TTS}, "FISH": {"FISH"}}[panel]
    assert set(found["GFMETHOD"]) == methods and not issues
    with_rna = found["GFMETHOD"] == TTS
    assert (found["GFSPEC"] == with_rna.map({True: "RNA", False: "DNA"})).all()


def test_what_all_records_of_a_specimen_share():
    found, supp, issues = gf([sample("DNA+RNA")], [NPM1, ITD], [FUSION])
    columns = "GFREFID GFINHERT GFGENREF GFSTAT VISITNUM VISIT EPOCH GFDTC GFDY"
    assert set(shown(found, columns)) == {
        ("S1", "SOMATIC VARIATION", "GRCh38", "", 1, "SCREENING", "SCREENING", "2025-03-03", -7)
    }
    assert found["GFSEQ"].tolist() == list(range(1, len(found) + 1))
    assert supp[["IDVARVAL", "QNAM", "QVAL"]].to_numpy().tolist() == [
        [str(n), "GFTISSUE", "BONE MARROW"] for n in found["GFSEQ"].astype(int)
    ]
    assert not issues


def test_a_short_variant_is_told_in_five_records_of_one_group():
    found, _, issues = gf([sample("DNA")], [NPM1])
    one = found[found["GFGRPID"] == "S1 NPM1 c.860_863dup"]
    assert shown(one, "GFTSTDTL GFORRES GFORRESU GFSTRESC GFSTRESN GFSTRESU") == [
        ("PREDICTED AMINO ACID CHANGE", "p.(Trp288Cysfs*12)", "", "p.(Trp288Cysfs*12)", "", ""),
        ("PREDICTED CODING SEQUENCE CHANGE", "c.860_863dup", "", "c.860_863dup", "", ""),
        ("READ DEPTH", "1743", "", "1743", 1743, ""),
        ("VARIANT IMPACT CLASSIFICATION", "P", "", "P", "", ""),
        ("VARIANT READ DEPTH/READ DEPTH", "43.3", "%", "43.3", 43.3, "%"),
    ]
    assert set(shown(one, "GFTESTCD GFTEST GFSYM GFSEQID GFSPEC GFMETHOD")) == {
        ("SHRTVAR", "Short Variation", "NPM1", "NM_002520.7", "DNA", NGTS)
    }
    detected = found[found["GFSTRESC"] == "DETECTED"]
    assert shown(detected, "GFTESTCD GFSYM GFGRPID GFORRES") == [("SHRTVAR", "NPM1", "", "DETECTED")]
    assert len(found) == len(DNA) + 5 and not issues


def test_two_variants_of_a_gene_are_one_detection_and_two_groups():
    tp53 = ["S1 TP53 NM_000546.6 c.743G>A p.(Arg248Gln) 34.0 1708 581 P SNV _", "S1 TP53 NM_000546.6 c.665C>T _ 4.0 900 36 VUS SNV _"]
    found, _, issues = gf([sample("DNA")], tp53)
    own = found[found["GFSYM"] == "TP53"]
    assert own["GFTSTDTL"].tolist().count("DETECTION") == 1
    assert own["GFGRPID"].value_counts().to_dict() == {"S1 TP53 c.743G>A": 5, "S1 TP53 c.665C>T": 4}  # no protein change
    assert not issues


@pytest.mark.parametrize(("vaf", "ratio"), [("32.8", 0.49), ("50", 1), ("33.3", 0.5), ("4.0", 0.04), ("90.0", 9), ("0.7", 0.01)])
def test_an_internal_tandem_duplication_with_its_allelic_ratio(vaf, ratio):
    found, _, issues = gf([sample("DNA")], [ITD.replace("32.8", vaf)])
    own = found[found["GFGRPID"] == "S1 FLT3 c.1780_1800dup ITD"]
    assert shown(own, "GFTESTCD GFTSTDTL GFSYM GFORRES GFSTRESC GFSTRESN GFDRVFL") == [
        ("SEQREAR", "ALLELIC RATIO", "FLT3", "", f"{ratio:g}", ratio, "Y"),
        ("SEQREAR", "DETECTION", "FLT3", "DETECTED", "DETECTED", "", ""),
        ("SEQREAR", "REARRANGEMENT TYPE", "FLT3", *["INTERNAL TANDEM DUPLICATION"] * 2, "", ""),
    ]
    short = found[(found["GFTESTCD"] == "SHRTVAR") & (found["GFSYM"] == "FLT3")]
    assert shown(short, "GFTSTDTL GFSTRESC") == [("DETECTION", NOT)], "no mutation of the kinase domain"
    assert not issues


def test_a_duplication_in_all_reads_has_no_ratio_and_is_listed():
    found, _, issues = gf([sample("DNA")], [ITD.replace("32.8", "100")])
    assert shown(found[found["GFTSTDTL"] == "ALLELIC RATIO"], "GFSTRESC GFSTAT") == [("", "")]
    assert [(i.severity, "without a result" in i.message) for i in issues] == [("warning", True)]


@pytest.mark.parametrize(("panel", "line", "gene", "partner", "spec", "method"), [
    ("DNA+RNA", FUSION, "KMT2A", "MLLT3", "RNA", TTS),
    ("RNA", "S1 NUP98 NSD1 FUSION RNASEQ 41", "NUP98", "NSD1", "RNA", TTS),
    ("FISH", "S1 KMT2A MLLT1 FUSION FISH _", "KMT2A", "MLLT1", "DNA", "FISH"),
])  # fmt: skip
def test_a_fusion_with_its_partner(panel, line, gene, partner, spec, method):
    found, _, issues = gf([sample(panel)], fusions=[line])
    own = found[found["GFGRPID"] == f"S1 {gene} {partner} FUSION"]
    assert shown(own, "GFTESTCD GFTSTDTL GFSYM GFSTRESC GFSPEC GFMETHOD") == [
        ("SEQREAR", detail, gene, result, spec, method)
        for detail, result in (("DETECTION", "DETECTED"), ("REARRANGEMENT GENE 1", gene), ("REARRANGEMENT GENE 2", partner),
                               ("REARRANGEMENT TYPE", "FUSION"))
    ]  # fmt: skip
    others = [r for r in looked_for(found) if r[1:4:2] != (gene, "FUSION")]
    assert all(r[4] == NOT for r in others) and len(others) == {"DNA+RNA": 6, "RNA": 2, "FISH": 0}[panel]
    assert not issues


def test_a_fusion_is_filed_under_the_gene_looked_for_on_whichever_side_it_is():
    found, _, issues = gf([sample("RNA")], fusions=["S1 MLLT3 KMT2A FUSION RNASEQ 90"])
    own = found[found["GFGRPID"] == "S1 MLLT3 KMT2A FUSION"]
    assert shown(own, "GFTSTDTL GFSYM GFSTRESC")[:3] == [
        ("DETECTION", "KMT2A", "DETECTED"), ("REARRANGEMENT GENE 1", "KMT2A", "MLLT3"), ("REARRANGEMENT GENE 2", "KMT2A", "KMT2A"),
    ]  # fmt: skip
    assert not issues


RNA_PTD, DNA_PTD = "S1 KMT2A KMT2A PTD RNASEQ 88", "S1 KMT2A NM_001197104.2 c.1_2dup _ 20.0 900 180 P PTD 3000"


@pytest.mark.parametrize(("panel", "variants", "fusions", "spec", "groups"), [
    ("RNA", [], [RNA_PTD], "RNA", ["S1 KMT2A PTD"]),
    ("DNA", [DNA_PTD], [], "DNA", ["S1 KMT2A c.1_2dup PTD"]),
    ("DNA+RNA", [], [RNA_PTD], "RNA", ["S1 KMT2A PTD"]),
    ("DNA+RNA", [DNA_PTD], [], "DNA", ["S1 KMT2A c.1_2dup PTD"]),
    ("DNA+RNA", [DNA_PTD], [RNA_PTD], "RNA", ["S1 KMT2A PTD", "S1 KMT2A c.1_2dup PTD"]),
])  # fmt: skip
def test_a_partial_tandem_duplication_is_no_fusion(panel, variants, fusions, spec, groups):
    found, _, issues = gf([sample(panel)], variants, fusions)
    kinds = found[found["GFTSTDTL"] == "REARRANGEMENT TYPE"]
    assert sorted(kinds["GFGRPID"]) == groups and set(kinds["GFSTRESC"]) == {"PARTIAL TANDEM DUPLICATION"}
    detections = {r[3]: r for r in looked_for(found) if r[1] == "KMT2A"}
    assert detections["PTD"] == ("SEQREAR", "KMT2A", spec, "PTD", "DETECTED")
    assert panel == "DNA" or detections["FUSION"][4] == NOT
    assert not issues


def test_a_specimen_that_failed_quality_control_is_not_done_for_all_that_its_panel_looks_for():
    found, _, issues = gf([sample("DNA+RNA", "FAIL"), sample("FISH", name="S2")], fusions=["S2 KMT2A MLLT1 FUSION FISH _"])
    failed = found[found["GFREFID"] == "S1"]
    assert set(shown(failed, "GFTSTDTL GFORRES GFSTRESC GFSTAT GFREASND")) == {
        ("DETECTION", "", "", "NOT DONE", "SPECIMEN QC FAILED")
    }
    assert [r[:4] for r in looked_for(failed)] == [r[:4] for r in [DNA[0], *RNA, *DNA[2:]]]
    assert found[found["GFREFID"] == "S2"]["GFSTAT"].isna().all() and not issues


def test_specimens_that_do_not_fit_their_findings_are_listed_and_nothing_is_dropped():
    samples = [sample("DNA", "FAIL"), sample("RNA", name="S2"), sample("WGS", name="S3"), sample("DNA", "?", name="S4")]
    variants = [NPM1, NPM1.replace("S1", "S2"), NPM1.replace("S1", "S4").replace("INDEL", "CNV")]
    found, _, issues = gf(samples, variants)
    assert [(g, n) for g, n in found["GFGRPID"].value_counts().items() if n == 5] and (found["GFSYM"] == "NPM1").sum() == 17
    told = {i.message.split(":")[0] for i in issues}
    assert told == {
        "a finding is reported of a specimen that did not pass quality control",
        "the finding is none that the panel of the specimen looks for",
        "no assay is known of the panel of this specimen",
        "neither passed nor failed quality control",
        "a kind of variant that is not known; it is taken for a short variant",
        "no value, though one is needed",  # why S4 was not done
    }
    assert {i.severity for i in issues} == {"warning"}


def test_rows_sent_twice_count_once_and_the_order_of_rows_changes_nothing():
    sources = ([sample("DNA+RNA"), sample("DNA+RNA")], [NPM1, ITD, NPM1], [FUSION, FUSION], [*WELLS_OF_ONE, *WELLS_OF_ONE])
    found, _, issues = gf(*sources)
    once, _, _ = gf([sample("DNA+RNA")], [NPM1, ITD], [FUSION], WELLS_OF_ONE)
    shuffled, _, _ = gf(*sources, shuffle=5)
    assert found.equals(once) and found.equals(shuffled) and not issues


WELLS_OF_ONE = [
    "2025Q1 B1 PB 45719 HOXA9 A03 21.10", "2025Q1 B1 PB 45719 HOXA9 A01 20.83", "2025Q1 B1 PB 45719 HOXA9 A04 Undetermined",
    "2025Q1 B1 PB 45719 ABL1 C01 24.04",
]  # fmt: skip


def test_every_well_is_a_record_numbered_in_the_order_of_wells():
    found, supp, issues = gf([], wells=WELLS_OF_ONE)
    assert shown(found, "GFSYM GFREPNUM GFORRES GFSTRESC GFSTRESN") == [
        ("ABL1", 1, "24.04", "24.04", 24.04),
        ("HOXA9", 1, "20.83", "20.83", 20.83),
        ("HOXA9", 2, "21.10", "21.10", 21.1),  # A02 was not delivered
        ("HOXA9", 3, "Undetermined", "UNDETERMINED", ""),
    ]
    assert set(shown(found, "GFTESTCD GFTEST GFTSTDTL GFREFID GFGRPID GFSPEC GFMETHOD GFDTC VISIT")) == {
        ("TRNSCPTN", "Transcription", "CYCLE THRESHOLD", "B1", "", "RNA",
         "QUANTITATIVE REVERSE TRANSCRIPTASE POLYMERASE CHAIN REACTION", "2025-03-03", "SCREENING"),
    }  # fmt: skip
    assert set(supp["QVAL"]) == {"BLOOD"} and not issues


def test_two_specimens_of_a_day_count_their_wells_apart():
    bone_marrow = [w.replace("B1 PB", "B0 BM") for w in WELLS_OF_ONE]
    found, supp, issues = gf([], wells=[*WELLS_OF_ONE, *bone_marrow])
    assert shown(found, "GFSYM GFREPNUM GFREFID") == [
        ("ABL1", 1, "B0"), ("ABL1", 1, "B1"), *(("HOXA9", n, s) for n in (1, 2, 3) for s in ("B0", "B1"))]  # fmt: skip
    assert supp["QVAL"].tolist() == ["BONE MARROW", "BLOOD"] * 4 and not issues


@pytest.mark.parametrize(("collected", "dtc"), [("45719", "2025-03-03"), ("45717", "2025-03-01"), ("46112", "2026-03-31")])
def test_serial_dates_of_the_1900_system(collected, dtc):
    found, _, _ = gf([], wells=[f"2025Q1 B1 BM {collected} ABL1 C01 24.04"])
    assert found["GFDTC"].tolist() == [dtc]


def test_a_specimen_after_the_cut_off_does_not_exist():
    found, _, _ = gf([sample("DNA", date="2026-04-01"), sample("FISH", name="S2")], wells=["2026Q2 B1 BM 46113 ABL1 C01 24.04"])
    assert set(found["GFREFID"]) == {"S2"}


def test_a_well_with_another_text_or_none_is_listed():
    found, _, issues = gf([], wells=["2025Q1 B1 BM 45719 ABL1 C01 low", "2025Q1 B1 BM 45719 ABL1 C02 _"])
    assert shown(found, "GFORRES GFSTRESC GFSTAT GFREASND") == [
        ("low", "low", "", ""), ("", "", "NOT DONE", "NO RESULT REPORTED")]  # fmt: skip
    assert [(i.severity, i.variable) for i in issues] == [("warning", "GFSTRESC")]


FLOW = "SAMPLE SPEC COLDAT GATE MARKER PCTPOS EVENTS"


def be(flow=(), wells=(), samples=()):
    datasets, issues = built(["BE"], flow=rows(FLOW, *flow), qpcr=rows(WELLS, *wells), ngs_samples=rows(SAMPLES, *samples))
    return datasets["BE"], issues


def test_each_specimen_was_collected_once():
    flow = ["B1 PB 2025-03-03 G CD11b 7.8 100", "B1 PB 2025-03-03 G2 CD11b 7.9 100"]
    other = ["2025Q1 B2 PB 45720 HOXA9 A01 21.1", "2025Q1 B2 PB 45720 HOXA9 A02 21.1"]
    found, issues = be(flow, [*WELLS_OF_ONE, *other], [sample("DNA", date="2025-04-07"), sample("DNA", name="S9", date="2026-04-07")])
    assert shown(found, "BESEQ BEREFID BETERM BEDECOD BEDTC BESTDTC BEENDTC BEDY BESTDY BEENDY VISIT EPOCH") == [
        (1, "B1", "Collected", "COLLECTING", *["2025-03-03"] * 3, *[-7] * 3, "SCREENING", "SCREENING"),
        (2, "B2", "Collected", "COLLECTING", *["2025-03-04"] * 3, *[-6] * 3, "UNSCHEDULED 1.01", "SCREENING"),
        (3, "S1", "Collected", "COLLECTING", *["2025-04-07"] * 3, *[29] * 3, "C2D1", "TREATMENT"),
    ]
    assert not issues


def test_two_dates_of_one_specimen_are_listed():
    found, issues = be(["B1 PB 2025-03-04 G CD11b 7.8 100"], WELLS_OF_ONE)
    assert shown(found, "BEREFID BEDTC") == [("B1", "2025-03-04")]
    assert [(i.severity, "2025-03-03" in i.message) for i in issues] == [("warning", True)]
