"""Occurrence flags: at most one record of a group, the same whatever the order of the records."""

import numpy as np

from adam.occurrence import Occurrence

EVENTS = {
    "USUBJID": ["TOY-0"] * 5,
    "TERM": ["A", "A", "B", None, "B"],
    "DAY": [3.0, 1.0, 2.0, 0.0, 2.0],
    "NUMBER": [1.0, 2.0, 3.0, 4.0, 5.0],
    "GRADE": [2.0, 1.0, None, 5.0, 1.0],
    "EM": ["Y", "Y", "Y", "Y", "Y"],
}


def flagged(at, **params):
    found = Occurrence(**params).derive(at)
    return [int(n) for n, flag in zip(at.values(_ref("NUMBER")), found, strict=True) if flag == "Y"]


def _ref(name):
    from engine.spec.refs import VariableRef  # noqa: PLC0415

    return VariableRef(None, name)


def one_subject(look, order=None):
    order = range(5) if order is None else order
    at = look({name: [values[i] for i in order] for name, values in EVENTS.items()})
    at.records.subject[:] = 0
    return at


def test_first_of_each_group_and_first_of_the_highest(look):
    """TERM B ties on the day: NUMBER decides. A record without a term is in no group, one without a grade not highest."""
    at = one_subject(look)
    assert flagged(at, by="TERM", order=["DAY", "NUMBER"]) == [2, 3]
    assert flagged(at, by="TERM", order=["DAY", "NUMBER"], highest="GRADE") == [1, 5]
    assert flagged(at, by="USUBJID", order=["DAY", "NUMBER"]) == [4]
    assert flagged(at, by="USUBJID", order=["DAY", "NUMBER"], highest="GRADE", among="TERM is present") == [1]
    assert flagged(at, by="USUBJID", order=["DAY", "NUMBER"], among="TERM == 'C'") == []


def test_subjects_are_groups_of_their_own(look):
    at = look(EVENTS)
    assert flagged(at, by="TERM", order="NUMBER") == [1, 2, 3, 5]


def test_the_order_of_records_does_not_matter(look):
    order = np.random.default_rng(3).permutation(5)
    at = one_subject(look, order)
    assert sorted(flagged(at, by="TERM", order=["DAY", "NUMBER"], highest="GRADE")) == [1, 5]


def test_a_tie_stops_the_build(look, issues):
    at = one_subject(look)
    flagged(at, by="TERM", order="DAY")
    assert [severity for severity, _ in issues(at)] == ["blocking"], "TERM B has two records on day 2"
