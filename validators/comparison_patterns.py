"""What the differing values of one variable share: a shift of days, upper case, rounding, one term for another.

Every pattern is a claim on some of the differences. The claim that covers the most of them is taken first, then the
one that covers the most of the rest, and so on; claims that say little (another date, one term for another) come after
all that say more, and what none covers is counted as such. A claim names BASE and QC, so it
reads the other way round when the two are exchanged.

Sources: SDTMIG 3.4 section 4.4.2 (precision of dates); SAS 9.4 Language Reference (special missing values).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.dates import DAY, FOREIGN, NOTHING, YEAR, seconds, spans
from engine.numbers import NUMBER, number_text
from formats.missing import special_missing_code
from validators.comparison_columns import Floats

Bools = NDArray[np.bool_]
MOST_TERMS = 10  # pairs of terms, shifts, or factors that are named one by one
DECIMALS = 12  # beyond them a number is not asked how it was rounded
DUST = 1e-12  # relative difference that the last bits of a double make
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
KNOWN_TO = {0: "year", 1: "month", 2: "day", 3: "hour", 4: "minute", 5: "second"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A claim on `records` of a variable's differences: `kind` for programs, `says` for people."""

    kind: str
    says: str
    records: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A pattern and the distinct pairs of values that it holds for.

    `least`: records that it must cover to be worth saying; `vague`: it says little.
    """

    kind: str
    says: str
    holds: Bools
    least: int = 1
    vague: bool = False

    def among(self, among: Bools, least: int = 1) -> Claim:
        """The same on all pairs, of which these were looked at."""
        return replace(self, holds=_spread(self.holds, among), least=max(least, self.least))


def number_patterns(base: Floats, qc: Floats, moment: str = "") -> list[Pattern]:
    """Patterns of differing numbers; n records. `moment` is day, second or '' by what the numbers count."""
    weights = np.ones(len(base), dtype=np.int64)
    claims = [*_missing_numbers(base, qc)]
    present = ~np.isnan(base) & ~np.isnan(qc)
    if present.any():
        claims += [c.among(present) for c in _present_numbers(base[present], qc[present], moment)]
    return _settle(claims, weights)


def text_patterns(base: list[str], qc: list[str], weights: NDArray[np.int64]) -> list[Pattern]:
    """Patterns of differing texts: distinct pairs ('' missing), and how many records hold each pair."""
    blank = np.array([not v for v in base]), np.array([not v for v in qc])
    claims = [Claim("missing in BASE", "missing in BASE, present in QC", blank[0] & ~blank[1]),
              Claim("missing in QC", "present in BASE, missing in QC", blank[1] & ~blank[0])]
    present = ~blank[0] & ~blank[1]
    if present.any():
        at = np.flatnonzero(present)
        some = pd.Series([base[i] for i in at], dtype="str"), pd.Series([qc[i] for i in at], dtype="str")
        claims += [c.among(present) for c in _present_texts(*some, weights[present])]
    return _settle(claims, weights)


def _settle(claims: list[Claim], weights: NDArray[np.int64]) -> list[Pattern]:
    """The claims that cover the most, each of what the ones before left over."""
    left, found = np.ones(len(weights), dtype=bool), []
    for vague in (False, True):
        open_claims = [c for c in claims if c.vague == vague]
        while open_claims and left.any():
            counts = [int(weights[c.holds & left].sum()) for c in open_claims]
            worth = [n if n >= c.least else 0 for n, c in zip(counts, open_claims, strict=True)]
            best = int(np.argmax(worth))
            if not worth[best]:
                break
            claim = open_claims.pop(best)
            found.append(Pattern(claim.kind, claim.says, worth[best]))
            left &= ~claim.holds
    rest = int(weights[left].sum())
    if rest:
        found.append(Pattern("other", "no common pattern" if not found else "no pattern", rest))
    return found


def _spread(holds: Bools, among: Bools) -> Bools:
    whole = np.zeros(len(among), dtype=bool)
    whole[among] = holds
    return whole


# -- numbers


def _missing_numbers(base: Floats, qc: Floats) -> Iterator[Claim]:
    gone = np.isnan(base), np.isnan(qc)
    yield Claim("missing in BASE", "missing in BASE, present in QC", gone[0] & ~gone[1])
    yield Claim("missing in QC", "present in BASE, missing in QC", gone[1] & ~gone[0])
    both = np.flatnonzero(gone[0] & gone[1])
    if len(both):
        letters = [np.char.add(".", special_missing_code(v[both])) for v in (base, qc)]
        pairs = np.char.add(np.char.add(letters[0], " -> "), letters[1])
        for pair in np.unique(pairs).tolist():
            holds = np.zeros(len(base), dtype=bool)
            holds[both[pairs == pair]] = True
            yield Claim("special missing", f"another kind of missing value, {pair}", holds)


def _present_numbers(base: Floats, qc: Floats, moment: str) -> Iterator[Claim]:
    with np.errstate(all="ignore"):
        delta = qc - base
        larger = np.maximum(np.abs(base), np.abs(qc))
        if not moment:
            yield Claim("sign", "the sign is the other", (qc == -base) & (base != 0))
            yield Claim("last bits", "only the last bits of the number differ", np.abs(delta) <= DUST * larger)
            yield from _rounded(base, qc)
        yield from _shifts(delta, moment)
        if not moment:
            yield from _factors(base, qc)


def _rounded(base: Floats, qc: Floats) -> Iterator[Claim]:
    """One is the other rounded, or cut, to some decimals; or both are rounded and a unit of the last decimal apart."""
    held = {n: (_is_whole(base * 10.0**n), _is_whole(qc * 10.0**n)) for n in range(DECIMALS + 1)}
    for n, whole in held.items():
        scale = 10.0**n
        near = np.abs(base - qc) * scale
        slack = 1e-6 + np.abs(base) * scale * 1e-14
        shrunk = np.abs(qc) < np.abs(base), np.abs(base) < np.abs(qc)
        for kind, one, other, mine, theirs in (("rounded in QC", "QC", "BASE", 1, 0),
                                               ("rounded in BASE", "BASE", "QC", 0, 1)):
            only = whole[mine] & ~whole[theirs]
            yield Claim(kind, f"{one} is {other} rounded to {_decimals(n)}", only & (near <= 0.5 + slack))
            yield Claim(kind.replace("rounded", "cut"), f"{one} is {other} cut to {_decimals(n)}",
                        only & (near < 1 - slack) & shrunk[0 if mine else 1], 2)
        if n:
            step = whole[0] & whole[1] & (np.abs(near - 1) < slack)
            yield Claim("last decimal", f"one unit of the {_nth(n)} decimal apart", step, 2)


def _is_whole(values: Floats) -> Bools:
    return np.abs(values - np.rint(values)) <= 1e-9 + np.abs(values) * 1e-15


def _shifts(delta: Floats, moment: str) -> Iterator[Claim]:
    rounded = np.array([float(f"{v:.9g}") for v in np.unique(delta)])
    codes = np.unique(delta, return_inverse=True)[1]
    values, inverse, counts = np.unique(rounded[codes], return_inverse=True, return_counts=True)
    for place in np.argsort(-counts, kind="stable")[:MOST_TERMS].tolist():
        value = float(values[place])
        if value == 0 or not np.isfinite(value):
            continue
        says = _moved(value, moment) if moment else f"QC is BASE {'+' if value > 0 else '-'} {number_text(abs(value))}"
        yield Claim("shift", says, inverse == place, 1 if moment else 2)


def _factors(base: Floats, qc: Floats) -> Iterator[Claim]:
    ratio = np.where(base != 0, qc / base, np.nan)
    tidy = np.array([float(f"{v:.9g}") for v in ratio])
    values, inverse, counts = np.unique(tidy, return_inverse=True, return_counts=True)
    for place in np.argsort(-counts, kind="stable")[:MOST_TERMS].tolist():
        value = float(values[place])
        if np.isfinite(value) and value not in (0.0, 1.0, -1.0):
            holds = inverse == place
            if len(np.unique(base[holds])) > 1:
                over = 1 / value
                told = f"QC is BASE * {number_text(value)}" if abs(value) >= 1 or abs(over - round(over)) > 1e-6 else \
                    f"QC is BASE / {number_text(round(over))}"
                yield Claim("factor", told, holds, 2)


def _moved(value: float, moment: str) -> str:
    size = abs(value) * (86400 if moment == "day" else 1)
    whole = next(((size / n, word) for n, word in UNITS if size % n == 0), (size, "second"))
    unit = whole[1] if whole[0] == 1 else f"{whole[1]}s"
    return f"QC is {number_text(whole[0])} {unit} {'later' if value > 0 else 'earlier'}"


def _decimals(n: int) -> str:
    return "whole numbers" if n == 0 else f"{n} decimal{'' if n == 1 else 's'}"


def _nth(n: int) -> str:
    return f"{n}{'th' if 10 < n < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


# -- texts


def _present_texts(base: pd.Series, qc: pd.Series, weights: NDArray[np.int64]) -> Iterator[Claim]:
    yield from _dates(base, qc)
    one, other = (pa.array(v, pa.large_string()) for v in (base, qc))
    upper, lower = [pc.utf8_upper(v) for v in (one, other)], [pc.utf8_lower(v) for v in (one, other)]
    case = _equal(lower[0], lower[1])
    for kind, says, holds in (
        ("upper case", "QC is BASE in upper case", _equal(other, upper[0])),
        ("lower case", "QC is BASE in lower case", _equal(other, lower[0])),
        ("upper case", "BASE is QC in upper case", _equal(one, upper[1])),
        ("lower case", "BASE is QC in lower case", _equal(one, lower[1])),
        ("case", "only upper and lower case differ", case),
    ):
        yield Claim(kind, says, holds & case, vague=kind == "case")
    bare = [pc.utf8_trim_whitespace(v) for v in (one, other)]
    for kind, says, holds in (
        ("leading blanks", "QC has blanks before the text", _equal(bare[1], one)),
        ("leading blanks", "BASE has blanks before the text", _equal(bare[0], other)),
        ("blanks", "only blanks differ", _equal(_squeezed(one), _squeezed(other))),
    ):
        yield Claim(kind, says, holds, vague=kind == "blanks")
    yield from _numbers_as_text(base, qc)
    yield from _cut(base, qc)
    yield from _terms(base, qc, weights)


def _equal(one: pa.Array, other: pa.Array) -> Bools:
    return np.asarray(pc.equal(one, other).to_numpy(zero_copy_only=False), dtype=bool)


def _squeezed(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(texts, pattern=r"\s+", replacement="")


def _dates(base: pd.Series, qc: pd.Series) -> Iterator[Claim]:
    """ISO 8601 on both sides: the same moment known less precisely, or moved by days or within the day."""
    span = spans(base), spans(qc)
    dated = np.logical_and.reduce([~np.isin(s.precision, (FOREIGN, NOTHING)) for s in span])
    dated &= np.maximum(span[0].precision, span[1].precision) > YEAR  # four digits alone may be any number
    if not dated.any():
        return
    clock = seconds(base), seconds(qc)
    known = [np.where(s.precision == DAY, 2 + c[1], s.precision - 1) for s, c in zip(span, clock, strict=True)]
    for one, other, mine, theirs in (("QC", "BASE", qc, base), ("BASE", "QC", base, qc)):
        vague, exact = (known[1], known[0]) if one == "QC" else (known[0], known[1])
        starts = np.array([t.startswith(m) for m, t in zip(mine, theirs, strict=True)], dtype=bool)
        for level, far in sorted({(int(v), int(e)) for v, e in zip(vague, exact, strict=True) if v < e}):
            holds = dated & starts & (vague == level) & (exact == far)
            if holds.any():
                says = f"{one} is known to the {KNOWN_TO[level]}, {other} to the {KNOWN_TO[far]}"
                yield Claim("precision", says, holds)
    days = span[1].complete - span[0].complete
    whole = dated & ~np.isnan(days)
    time = clock[1][0] - clock[0][0]
    same_clock = (time == 0) & (clock[0][1] == clock[1][1])
    for value in _commonest(days[whole & same_clock & (days != 0)]):
        yield Claim("shift", _moved(value, "day"), whole & same_clock & (days == value))
    full = whole & (clock[0][1] > 0) & (clock[1][1] > 0)
    moved = days * 86400 + time
    for value in _commonest(moved[full & ~same_clock]):
        yield Claim("shift", _moved(value, "second"), full & (moved == value), 2)
    yield Claim("time", "the same day at another time", whole & (days == 0), vague=True)
    yield Claim("date", "another date", dated, vague=True)


def _commonest(values: Floats) -> list[float]:
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return [float(v) for v in found[np.argsort(-counts, kind="stable")[:MOST_TERMS]]]


def _numbers_as_text(base: pd.Series, qc: pd.Series) -> Iterator[Claim]:
    """Both texts are numbers: the same written otherwise, or patterns of numbers."""
    held = [np.array([float(v) if NUMBER.fullmatch(v.strip()) else np.nan for v in s.tolist()]) for s in (base, qc)]
    both = ~np.isnan(held[0]) & ~np.isnan(held[1])
    if not both.any():
        return
    yield Claim("writing", "the same number written otherwise", both & (held[0] == held[1]))
    among = both & (held[0] != held[1])
    if among.any():
        for claim in _present_numbers(held[0][among], held[1][among], ""):
            yield claim.among(among, 2)


def _cut(base: pd.Series, qc: pd.Series) -> Iterator[Claim]:
    for one, other, short, whole in (("QC", "BASE", qc, base), ("BASE", "QC", base, qc)):
        lengths = np.array([len(s) if w.startswith(s) and len(s) > 3 else 0
                            for s, w in zip(short.tolist(), whole.tolist(), strict=True)])
        for length in _commonest(lengths[lengths > 0].astype(np.float64)):
            yield Claim("cut", f"{one} is {other} cut after {int(length)} characters", lengths == length)


def _terms(base: pd.Series, qc: pd.Series, weights: NDArray[np.int64]) -> Iterator[Claim]:
    """The pairs of values that stand against one another the most."""
    for place in np.argsort(-weights, kind="stable")[:MOST_TERMS].tolist():
        holds = np.zeros(len(weights), dtype=bool)
        holds[place] = True
        yield Claim("term", f'"{base.iloc[place]}" in BASE is "{qc.iloc[place]}" in QC', holds, 2, vague=True)


