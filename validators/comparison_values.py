"""The differences of one variable between paired records.

Numbers are equal when they are the same double (-0 is 0), or within the tolerance that is given for the variable; a
special missing value equals only itself. Texts are equal without their trailing blanks, and a blank text is missing.
What differs only in writing is counted in `notes` and is no difference. Where one side holds text and the other
numbers, both compare as numbers if the texts are numbers, else as texts (a moment in ISO 8601).

Sources: SAS 9.4 Language Reference (comparison of character values, special missing values).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.dates import DAY, spans
from engine.numbers import number_text
from formats.missing import letter_bytes
from validators.comparison_columns import (
    Floats,
    Rows,
    Side,
    Texts,
    as_numbers,
    joined,
    mixed_numbers,
    shown_texts,
)
from validators.comparison_moments import as_texts, counts, moment_of, plain_number, shown_numbers
from validators.comparison_patterns import Pattern, number_patterns, text_patterns


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Numbers count as equal when they differ by at most `absolute`, or at most `relative` times the larger one."""

    absolute: float = 0.0
    relative: float = 0.0

    def __str__(self) -> str:
        """As it is given."""
        parts = [number_text(self.absolute)] if self.absolute or not self.relative else []
        return ", ".join([*parts, *([f"rel:{number_text(self.relative)}"] if self.relative else [])])

    def covers(self, base: Floats, qc: Floats) -> NDArray[np.bool_]:
        """Which pairs of present numbers are close enough."""
        with np.errstate(all="ignore"):
            apart, larger = np.abs(qc - base), np.maximum(np.abs(base), np.abs(qc))
            bits = 4 * np.finfo(np.float64).eps * larger  # 1 and 0.99 are 0.01 apart, and a little in binary
            return (apart <= self.absolute + bits) | (apart <= self.relative * larger + bits)


Tolerances = Mapping[str, Tolerance]
EXACT = Tolerance()
EVERY = ""  # the name that stands for all variables


@dataclass(slots=True)
class Changed:
    """One variable: how many of the compared pairs differ, how, and which.

    `base_rows` and `qc_rows` are the positions of the differing records, `base_values` and `qc_values` their values as
    people read them ('' a missing text, `.` a missing number). `largest` is the largest difference, as it is told.
    """

    name: str
    compared: int
    base_rows: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    qc_rows: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    base_values: list[str] = field(default_factory=list)
    qc_values: list[str] = field(default_factory=list)
    patterns: list[Pattern] = field(default_factory=list)
    largest: str = ""
    notes: list[Pattern] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many pairs differ."""
        return len(self.base_rows)


def compare_variable(base: Side, qc: Side, name: str, rows: Rows, others: Rows, tolerances: Tolerances) -> Changed:
    """Compare one variable of paired records.

    Args:
        base, qc: the datasets. rows, others: positions of the paired records.
        tolerances: by variable; EVERY for all others; exact where none is given.
    """
    texts = base.is_text(name), qc.is_text(name)
    if all(texts):
        return _both_texts(base, qc, name, rows, others, tolerances)
    kind = moment_of(base, qc, name)
    tolerance = tolerances.get(name, tolerances.get(EVERY, EXACT))
    if not any(texts):
        return _numbers(name, base.numbers(name), qc.numbers(name), rows, others, tolerance, kind)
    held = mixed_numbers(base, qc, name)
    word = "text in QC, numbers in BASE" if texts[1] else "text in BASE, numbers in QC"
    if held is not None:
        found = _numbers(name, held[0], held[1], rows, others, tolerance, kind)
        told = "compared as numbers"
    else:
        found = _texts(name, *as_texts(base, qc, name), rows, others)
        told = "compared as text" + (", moments in ISO 8601" if kind else "")
    if all(_type(side, name) for side in (base, qc)):  # of a file that leaves the type open it is no news
        found.notes.append(Pattern("type", f"{word}: {told}", len(rows)))
    return found


def _both_texts(base: Side, qc: Side, name: str, rows: Rows, others: Rows, tolerances: Tolerances) -> Changed:
    """Text in both: as text, but as numbers where a tolerance is meant for it and all texts are numbers.

    A tolerance is meant for a variable that it names, and one for all variables for those of files without types.
    """
    untyped = not any(_type(side, name) for side in (base, qc))
    tolerance = tolerances.get(name, tolerances.get(EVERY, EXACT) if untyped else EXACT)
    one, other = base.texts(name), qc.texts(name)
    if tolerance == EXACT:
        return _texts(name, one, other, rows, others)
    numbers = as_numbers(one), as_numbers(other)
    if numbers[0] is None or numbers[1] is None:
        found = _texts(name, one, other, rows, others)
        if name in tolerances:
            says = "not all texts are numbers: compared as text, without a tolerance"
            found.notes.append(Pattern("type", says, len(rows)))
        return found
    found = _numbers(name, numbers[0], numbers[1], rows, others, tolerance, "")
    mine, theirs, _ = joined(one, other)
    same = numbers[0][rows] == numbers[1][others]
    otherwise = int((same & (mine[rows] != theirs[others])).sum())
    if otherwise:
        found.notes.append(Pattern("number", "the same number written otherwise: equal", otherwise))
    return found


def _type(side: Side, name: str) -> str:
    return next((v.type for v in side.meta.variables if v.name == name), "")


def _texts(name: str, base: Texts, qc: Texts, rows: Rows, others: Rows) -> Changed:
    mine, theirs, values = joined(base, qc)
    one, other = mine[rows], theirs[others]
    at = np.flatnonzero(one != other)
    changed = Changed(name, len(rows), rows[at], others[at])
    changed.notes = _writings(base, qc, rows, others, one == other)
    if not len(at):
        return changed
    pairs = pd.DataFrame({"base": one[at], "qc": other[at]})
    known = pairs.value_counts(sort=False).sort_index().reset_index()
    for side in ("base", "qc"):
        known[f"{side}_text"] = shown_texts(values, known[side].to_numpy())
    known = known.sort_values(["base_text", "qc_text"], kind="stable")  # by values, not by the order of the file
    changed.patterns = text_patterns(known["base_text"].tolist(), known["qc_text"].tolist(),
                                     known["count"].to_numpy(dtype=np.int64))
    changed.base_values, changed.qc_values = (shown_texts(values, codes) for codes in (one[at], other[at]))
    changed.largest = _farthest(known["base_text"], known["qc_text"])
    return changed


def _writings(base: Texts, qc: Texts, rows: Rows, others: Rows, same: NDArray[np.bool_]) -> list[Pattern]:
    """Equal texts that are written otherwise: trailing blanks, and blanks where nothing stands."""
    if base.written is base.codes and qc.written is qc.codes:
        return []
    mine, theirs, _ = joined(base, qc, as_written=True)
    at = np.flatnonzero(same & (mine[rows] != theirs[others]))
    blank = base.codes[rows[at]] < 0
    return [p for p in (Pattern("trailing blanks", "equal but for trailing blanks", int((~blank).sum())),
                        Pattern("blank", "blank on one side, nothing on the other: both missing", int(blank.sum())))
            if p.records]


def _farthest(base: pd.Series, qc: pd.Series) -> str:
    """The largest difference between complete dates."""
    days = spans(qc).first - spans(base).first
    known = (spans(qc).precision == DAY) & (spans(base).precision == DAY)
    if not known.any():
        return ""
    largest = int(np.abs(days[known]).max())
    return f"{largest:,} day{'' if largest == 1 else 's'}" if largest else ""


def _numbers(
    name: str, base: Floats, qc: Floats, rows: Rows, others: Rows, tolerance: Tolerance, sas_format: str
) -> Changed:
    one, other = base[rows], qc[others]
    zeros = (one == 0) & (other == 0)
    signs = int((np.signbit(one[zeros]) != np.signbit(other[zeros])).sum()) if zeros.any() else 0
    at = np.flatnonzero(one != other)
    one, other = one[at], other[at]
    gone = np.isnan(one) & np.isnan(other)
    apart = ~gone | (letter_bytes(one) != letter_bytes(other))
    at, one, other = at[apart], one[apart], other[apart]
    changed = Changed(name, len(rows))
    if signs:
        changed.notes.append(Pattern("negative zero", "-0 on one side, 0 on the other: equal", signs))
    if tolerance.absolute or tolerance.relative:
        close = tolerance.covers(one, other)
        if close.any():
            most = plain_number(float(f"{np.abs(other - one)[close].max():.12g}"))
            says = f"apart by at most {most}, within the tolerance {tolerance}"
            changed.notes.append(Pattern("within tolerance", says, int(close.sum())))
        at, one, other = at[~close], one[~close], other[~close]
    changed.base_rows, changed.qc_rows = rows[at], others[at]
    if len(at):
        kind = counts(sas_format)
        changed.patterns = number_patterns(one, other, kind)
        changed.base_values, changed.qc_values = shown_numbers(one, sas_format), shown_numbers(other, sas_format)
        with np.errstate(all="ignore"):
            distance = np.abs(other - one)
        if not np.isnan(distance).all():
            largest = float(f"{np.nanmax(distance):.12g}")
            changed.largest = plain_number(largest) + (f" {kind}{'' if largest == 1 else 's'}" if kind else "")
    return changed


def ordered(changed: Changed, order: NDArray[np.int64]) -> Changed:
    """The same with its records in another order."""
    return replace(changed, base_rows=changed.base_rows[order], qc_rows=changed.qc_rows[order],
                   base_values=[changed.base_values[i] for i in order.tolist()],
                   qc_values=[changed.qc_values[i] for i in order.tolist()])
