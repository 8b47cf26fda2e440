"""Who is who: the person behind every raw record, USUBJID, SUBJID and the primary participation.

Resolved before the graph, so that work splits by person. A participation is one subject number of the export;
a person who was screened twice has two. A raw record of an unknown subject number is a blocking issue. What the
study leaves out before the graph begins (participations after the cut-off, exact repeats) is counted.

Sources: SDTMIG 3.4 section 4.1.2 (USUBJID identifies a person across the application); DM assumptions 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.dates import spans
from engine.errors import DataError, Place, Problem, SpecError, nearest
from engine.numbers import rank
from engine.run.entries import raw_entry
from engine.run.issues import Issue, Severity
from engine.run.tables import Positions, Records, Table, told_place
from engine.spec.refs import VariableRef
from engine.spec.sources import RawSpec
from engine.spec.study import Study


@dataclass(slots=True)
class RawTable:
    """A raw source as read: text columns (missing as NaN) and where each record stands.

    Numeric variables of a `delivered` dataset are float64.
    """

    name: str
    frame: pd.DataFrame
    files: tuple[str, ...]
    file_of: Positions
    line: Positions
    subject_column: str = ""
    delivered: bool = False


@dataclass(slots=True)
class Identity:
    """People, their participations, and the raw tables whose records know both."""

    people: Table
    tables: dict[str, Table]
    issues: list[Issue]
    counts: dict[str, dict[str, int]]  # records left out, by source


def resolve(study: Study, raw: dict[str, RawTable], dates: dict[VariableRef, pd.Series]) -> Identity:
    """Find the person of every raw record.

    Args:
        study: its `identity` says how.
        raw: the raw sources by name.
        dates: ISO 8601 values of the date that orders participations, where the spec names one.

    Raises:
        SpecError: a source or column that the rule names does not exist.
        DataError: a participation without a person or without a number for USUBJID.
    """
    rule = study.file.identity
    subjects = _source(study, raw, rule.subjects)
    numbers = _column(study, subjects, subjects.subject_column)
    parts = pd.DataFrame({"SUBJECT": numbers}).dropna().drop_duplicates().sort_values("SUBJECT")
    parts = parts.reset_index(drop=True)
    parts["person"] = _by_subject(study, raw, rule.person, parts["SUBJECT"]) if rule.person else parts["SUBJECT"]
    parts["number"] = _by_subject(study, raw, rule.USUBJID.first, parts["SUBJECT"])
    parts["date"] = _earliest(raw, rule.USUBJID.by, dates, parts["SUBJECT"]) if rule.USUBJID.by else None
    _complete(parts, rule.person, rule.USUBJID.first)
    late = _too_late(study, parts)
    not_begun = set(parts.loc[late, "SUBJECT"])
    parts = parts[~late].reset_index(drop=True)
    parts["preferred"] = _preferred(study, raw, parts["SUBJECT"])
    # without a date, a participation comes after those that have one; the number decides ties
    parts = parts.sort_values(["person", "date", "number"], kind="stable", na_position="last", ignore_index=True)
    parts["ORDER"] = parts.groupby("person").cumcount() + 1.0
    first = parts.drop_duplicates("person")
    usubjid = rule.USUBJID.prefix + first.set_index("person")["number"]
    doubled = usubjid[usubjid.duplicated(keep=False)]
    if len(doubled):
        raise DataError(Problem("two persons would share one USUBJID", found=", ".join(sorted(set(doubled)))))
    parts["USUBJID"] = parts["person"].map(usubjid)
    last_wins = rule.SUBJID.otherwise == "last"
    choice = parts.sort_values(["preferred", "ORDER"], ascending=[False, not last_wins], kind="stable")
    primary = choice.drop_duplicates("person").index
    parts["PRIMARY"] = "N"
    parts.loc[primary, "PRIMARY"] = "Y"
    return _tables(study, raw, parts, not_begun)


def _too_late(study: Study, parts: pd.DataFrame) -> NDArray[np.bool_]:
    """Participations that cannot have begun by the date that the rule names."""
    limit = study.file.identity.not_after
    if limit is None:
        return np.zeros(len(parts), dtype=bool)
    last = spans(pd.Series([str(study.setting(limit.name))], dtype="str")).last[0]
    late: NDArray[np.bool_] = spans(parts["date"].astype("str")).first > last
    return late


def _tables(study: Study, raw: dict[str, RawTable], parts: pd.DataFrame, not_begun: set[str]) -> Identity:
    people_names = sorted(set(parts["USUBJID"]))
    codes = {name: i for i, name in enumerate(people_names)}
    parts = parts.sort_values(["USUBJID", "ORDER"], kind="stable", ignore_index=True)
    person = parts["USUBJID"].map(codes).to_numpy(dtype=np.int64)
    primary = parts[parts["PRIMARY"] == "Y"]
    earlier = parts[parts["PRIMARY"] != "Y"].drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["number"]
    n = len(people_names)
    people = Table(
        "person",
        Records(np.arange(n, dtype=np.int64), np.zeros(n, dtype=np.int64)),
        {
            "USUBJID": pd.Series(people_names, dtype="str"),
            "SUBJID": primary["number"].reset_index(drop=True).astype("str"),
            "SUBJECT": primary["SUBJECT"].reset_index(drop=True).astype("str"),
            "PREVIOUS": pd.Series(people_names, dtype="str").map(earlier).astype("str"),
        },
    )
    tables: dict[str, Table] = {
        "participation": Table(
            "participation",
            Records(person, np.zeros(len(parts), dtype=np.int64)),
            {
                "SUBJECT": parts["SUBJECT"].astype("str"),
                "USUBJID": parts["USUBJID"].astype("str"),
                "SUBJID": parts["number"].astype("str"),
                "ORDER": parts["ORDER"],
                "PRIMARY": parts["PRIMARY"].astype("str"),
            },
        )
    }
    place = pd.Series(np.arange(len(parts)), index=parts["SUBJECT"])
    issues: list[Issue] = []
    counts: dict[str, dict[str, int]] = {}
    for name in sorted(raw):
        source, counts[name] = _pruned(study, raw, raw[name], not_begun)
        subject = _subject_of(study, raw, source)
        at = np.full(len(source.frame), -1, dtype=np.int64)
        if subject is not None:
            at = subject.map(place).fillna(-1).to_numpy(dtype=np.int64)
            issues += _lost(study.raw, source, subject, at, study.file.identity.via.get(name))
        records = Records(np.where(at >= 0, person[at], -1) if len(parts) else at, np.zeros(len(at), dtype=np.int64))
        if subject is not None:
            records.sources["participation"] = at
        columns = {c: source.frame[c].reset_index(drop=True) for c in source.frame.columns}
        tables[name] = Table(
            name,
            records,
            columns,
            raw=not source.delivered,
            files=source.files,
            file_of=source.file_of,
            line=source.line,
            delivered=source.delivered,
        )
    return Identity(people, tables, issues, {name: found for name, found in counts.items() if found})


def _pruned(
    study: Study, raw: dict[str, RawTable], source: RawTable, not_begun: set[str]
) -> tuple[RawTable, dict[str, int]]:
    """The records that the build takes, and how many are left out for which reason."""
    keep = np.ones(len(source.frame), dtype=bool)
    counts: dict[str, int] = {}
    subject = _subject_of(study, raw, source) if not_begun else None
    if subject is not None:
        keep &= ~subject.isin(not_begun).to_numpy(dtype=bool)
        counts["removed: participation begins after the cut-off"] = int((~keep).sum())
    if study.file.identity.repeats == "drop":
        again = keep & _repeats(study, source)
        counts["removed: exact repeats"] = int(again.sum())
        keep &= ~again
    counts = {why: n for why, n in counts.items() if n}
    if keep.all():
        return source, counts
    rows = np.flatnonzero(keep)
    frame = source.frame.iloc[rows].reset_index(drop=True)
    return replace(source, frame=frame, file_of=source.file_of[rows], line=source.line[rows]), counts


def _repeats(study: Study, source: RawTable) -> NDArray[np.bool_]:
    """Records of a form that is filled once which equal one of a lower number in all but numbers and time of entry."""
    form = study.forms.forms.get(source.name) if study.forms is not None else None
    roles = study.raw.roles
    if form is None or form.repeating or roles.record is None:
        return np.zeros(len(source.frame), dtype=bool)
    frame = source.frame.reset_index(drop=True)
    content = [c for c in frame.columns if c not in (roles.record, roles.form_repeat, roles.entered)]
    ordered = frame.assign(**{"\0": rank(frame[roles.record])}).sort_values("\0", kind="stable")
    return ordered.duplicated(content).sort_index().to_numpy()


def _subject_of(study: Study, raw: dict[str, RawTable], source: RawTable) -> pd.Series | None:
    """The subject number of each record; None for sources that are about no subject."""
    if source.subject_column:
        return _column(study, source, source.subject_column).reset_index(drop=True)
    link = study.file.identity.via.get(source.name)
    if link is None:
        return None
    assert link.source is not None
    far = _source(study, raw, link.source)
    pairs = pd.DataFrame({"key": _column(study, far, link.name), "who": _column(study, far, far.subject_column)})
    pairs = pairs.dropna().drop_duplicates()
    if pairs["key"].duplicated().any():
        raise DataError(
            Problem(
                f"{link} belongs to several subjects",
                found=str(pairs.loc[pairs["key"].duplicated(), "key"].iloc[0]),
            )
        )
    return _column(study, source, link.name).map(pairs.set_index("key")["who"]).reset_index(drop=True)


def raw_issue(
    severity: Severity, study: RawSpec | None, source: RawTable, row: int, variable: str, message: str, *, key: str = ""
) -> Issue:
    """An issue about one column of a raw record; `key` is what identifies the record where its layout names nothing."""
    place = told_place(source.files[source.file_of[row]], int(source.line[row]), delivered=source.delivered)
    columns = {str(c): source.frame[c] for c in source.frame.columns}
    entry = raw_entry(study, source.name, columns, row, [variable], source=place)
    parts = [f"{source.subject_column} {columns[source.subject_column].iloc[row]}"] if source.subject_column else []
    known = ", ".join([*parts, *([entry.key] if entry.key else [])])
    return Issue(severity, source.name, variable, message, key=key or known, source=place, form=entry.form,
                 visit=entry.visit, fields=entry.fields, content=entry.content)  # fmt: skip


def _lost(
    study: RawSpec, source: RawTable, subject: pd.Series, at: NDArray[np.int64], link: VariableRef | None
) -> list[Issue]:
    """Records of nobody; `link` is what they are linked to a subject by, where they carry no number."""
    shown = source.frame[link.name].reset_index(drop=True) if link is not None else subject
    issues = []
    named = subject.notna().to_numpy(dtype=bool)  # a record of a delivered dataset may be about no subject
    for row in np.flatnonzero((at < 0) & (named | (not source.delivered))):
        said = shown.iloc[row] if isinstance(shown.iloc[row], str) else ""
        if isinstance(subject.iloc[row], str):
            message = "no such subject number in the export"
        else:
            message = f"no record has this {link}" if said else "the record carries no subject number"
        variable = link.name if link is not None else source.subject_column
        issues.append(raw_issue("blocking", study, source, int(row), variable, message, key=said))
    return issues


def _source(study: Study, raw: dict[str, RawTable], name: str) -> RawTable:
    if name not in raw:
        raise SpecError(
            Problem(
                f'identity: no raw source "{name}"',
                study.document.place("identity"),
                nearest=nearest(name, raw),
            )
        )
    return raw[name]


def _column(study: Study, source: RawTable, name: str) -> pd.Series:
    if name not in source.frame.columns:
        raise SpecError(
            Problem(
                f'identity: {source.name} has no "{name}"',
                study.document.place("identity"),
                nearest=nearest(name, source.frame.columns),
            )
        )
    return source.frame[name].str.strip()


def _by_subject(study: Study, raw: dict[str, RawTable], ref: VariableRef, numbers: pd.Series) -> pd.Series:
    """The one value of `ref` of each subject number; NaN where none."""
    assert ref.source is not None
    source = _source(study, raw, ref.source)
    pairs = (
        pd.DataFrame({"who": _column(study, source, source.subject_column), "value": _column(study, source, ref.name)})
        .dropna()
        .drop_duplicates()
    )
    double = pairs[pairs["who"].duplicated(keep=False)]
    if len(double):
        raise DataError(
            Problem(
                f"{ref} has several values for one subject number",
                found=f"{double['who'].iloc[0]}: {', '.join(sorted(double['value'])[:3])}",
            )
        )
    return numbers.map(pairs.set_index("who")["value"]).astype("str")


def _earliest(
    raw: dict[str, RawTable], ref: VariableRef, dates: dict[VariableRef, pd.Series], numbers: pd.Series
) -> pd.Series:
    assert ref.source is not None
    source = raw[ref.source]
    who = source.frame[source.subject_column].str.strip()
    pairs = pd.DataFrame({"who": who, "date": dates[ref].to_numpy()}).dropna().sort_values(["who", "date"])
    return numbers.map(pairs.drop_duplicates("who").set_index("who")["date"]).astype("str")


def _preferred(study: Study, raw: dict[str, RawTable], numbers: pd.Series) -> NDArray[np.bool_]:
    rule = study.file.identity.SUBJID
    if not rule.prefer:
        return np.zeros(len(numbers), dtype=bool)
    source = _source(study, raw, rule.prefer)
    who = _column(study, source, source.subject_column)
    if rule.where is not None:
        truth = rule.where.test(lambda r: source.frame[r.name].reset_index(drop=True), len(source.frame))
        who = who[truth.true]
    return numbers.isin(set(who.dropna())).to_numpy(dtype=bool)


def _complete(parts: pd.DataFrame, person: VariableRef | None, number: VariableRef) -> None:
    problems = []
    for column, ref in (("person", person), ("number", number)):
        for who in parts.loc[parts[column].isna(), "SUBJECT"]:
            problems.append(
                Problem(
                    f"identity: subject number {who} has no {ref}",
                    Place(str(ref.source)) if ref else None,
                    do="query the site",
                )
            )
    if problems:
        raise DataError(problems)
