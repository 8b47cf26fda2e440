"""The record verb nca on a few samples: profiles within a subject, what is listed, what is left out."""

import math

import pytest
from pydantic import ValidationError

from adam.pharmacokinetics import Nca

LN2 = math.log(2)
# two subjects, two analytes: half-lives of 2 h and 4 h; the last record belongs to no profile
ROWS = [
    (0, "A", 0, 0, 100), (0, "A", 1, 32, 100), (0, "A", 3, 16, 100), (0, "A", 5, 8, 100), (0, "A", 7, 4, 100),
    (0, "B", 1, 32, 100), (0, "B", 5, 16, 100), (0, "B", 9, 8, 100), (0, "B", 13, 4, 100),
    (1, "A", 1, 32, 50), (1, "A", 3, 16, 50), (1, "A", 5, None, 50), (1, "A", 7, 8, 50), (1, None, 9, 8, 50),
]  # fmt: skip
REFS = {"profile": "ADPC.GRP", "time": "ADPC.TIME", "conc": "ADPC.AVAL", "dose": "ADPC.DOSE", "order": "ADPC.SEQ"}


def view(look, rows):
    columns = dict(zip(("GRP", "TIME", "AVAL", "DOSE"), map(list, list(zip(*rows, strict=True))[1:]), strict=True))
    columns["SEQ"] = [float(i) for i in range(len(rows))]
    return look({"A": ["x", "y"]}, {"ADPC": (columns, [r[0] for r in rows])}).far("ADPC")


def made(at, **options):
    """{(subject, profile, code): value or reason}."""
    result = Nca(**REFS, **options).make(at)
    profile, columns = at.records.take(result.rows).subject, result.columns
    group = at.values(Nca(**REFS).profile[0]).iloc[result.rows]
    said = columns["VALUE"].astype(object).where(columns["VALUE"].notna(), columns["REASON"])
    return dict(zip(zip(profile.tolist(), group, columns["PARAM"], strict=True), said, strict=True))


def messages(listed):
    """What was listed, without the value at fault."""
    assert {severity for severity, _ in listed} <= {"warning"}
    return {message.split(":")[0] for _, message in listed}


def test_a_profile_is_what_agrees_within_a_subject(look, issues):
    at = view(look, ROWS)
    got = made(at)
    assert got[0, "A", "LAMZHL"] == pytest.approx(2) and got[0, "B", "LAMZHL"] == pytest.approx(4)
    assert got[0, "A", "CMAXD"] == pytest.approx(0.32) and got[1, "A", "CMAXD"] == pytest.approx(0.64)
    assert got[1, "A", "LAMZ"] == "TOO FEW POINTS FOR LAMBDA Z"
    assert {k[:2] for k in got} == {(0, "A"), (0, "B"), (1, "A")}
    assert messages(issues(at)) == {"it belongs to no profile and is left out of the analysis"}


def test_of_two_intervals_the_first_that_has_a_parameter_counts(look):
    both = made(view(look, ROWS), intervals=["0:inf", "0:3"])
    assert both[0, "A", "CMAX"] == 32 and both[0, "A", "AUCINT"] == pytest.approx(16 + 16 / LN2 * 2)
    assert "AUCINT" not in {k[2] for k in made(view(look, ROWS))}


def test_a_profile_left_out_has_only_the_reason(look):
    got = made(view(look, ROWS), leave_out={"VOMITED": "ADPC.AVAL == 4 and ADPC.GRP == 'A'"})
    assert {v for k, v in got.items() if k[:2] == (0, "A")} == {"VOMITED"}
    assert got[0, "B", "CMAX"] == 32


@pytest.mark.parametrize(("row", "told", "reason"), [
    ((0, "A", 3, 17, 100), "two concentrations of one profile at one time; it is not analysed", "TWO CONCENTRATIONS AT ONE TIME"),
    ((0, "A", 9, -1, 100), "a negative concentration; its profile is not analysed", "NEGATIVE CONCENTRATION"),
])
def test_what_cannot_be_analysed_is_listed_and_not_reported(look, issues, row, told, reason):
    at = view(look, [*ROWS[:-1], row])
    got = made(at)
    assert {v for k, v in got.items() if k[:2] == (0, "A")} == {reason} and got[0, "B", "CMAX"] == 32
    assert messages(issues(at)) == {told}


def test_a_concentration_without_a_time_and_another_dose_are_listed(look, issues):
    at = view(look, [*ROWS[:-1], (0, "A", None, 99, 100), (0, "B", 14, 3, 200)])
    assert made(at)[0, "A", "CMAX"] == 32
    assert messages(issues(at)) == {
        "a concentration without a time is left out of the analysis",
        "it names another dose than the first record of its profile",
    }


def test_a_sample_without_a_result_may_share_a_time(look, issues):
    at = view(look, [*ROWS[:-1], (0, "A", 3, None, 100)])
    assert made(at)[0, "A", "LAMZHL"] == pytest.approx(2) and issues(at) == []


def test_order_of_records_does_not_matter(look):
    assert made(view(look, ROWS[:-1])) == pytest.approx(made(view(look, ROWS[-2::-1])))


def test_no_records_make_none(look):
    at = view(look, ROWS)
    assert len(Nca(**REFS).make(at.only(at.subject > 5)).rows) == 0


@pytest.mark.parametrize("wrong", [{"intervals": ["5:2"]}, {"intervals": ["0-24"]}, {"min_points": 2}, {"tau": 0},
                                   {"method": "cubic"}, {"route": "oral"}, {"gap": -1}])
def test_settings_out_of_range_are_mistakes_of_the_spec(wrong):
    with pytest.raises(ValidationError):
        Nca(**REFS, **wrong)
