"""Concentrations and doses from CSV files, and parameters and points to CSV; all problems are listed at once.

CONC has the columns profile, time, conc and, if wanted, exclude; DOSE has profile, time, dose, route and duration. An
empty conc is missing, 0 and BLQ (BQL, BLOQ) are below the limit of quantification. A profile with concentrations needs
a dose.

Sources: docs/nca.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import FileError, Place, Problem, nearest
from engine.numbers import number_texts, rank, to_numbers
from formats.csv_read import read_csv
from nca.analysis import Parameters
from nca.areas import Bools, Floats
from nca.catalogue import CODES, REASONS, ROUTES, Reason
from nca.profiles import FIRST, LAST, MEASURED, MIDDLE, MISSING, Concentrations, Doses
from nca.slope import Ints

MAX_BYTES = 500_000_000
LISTED = 10  # problems of one kind that are listed singly
CONC = ("profile", "time", "conc")
DOSE = ("profile", "time", "dose", "route", "duration")
BELOW = ("BLQ", "BQL", "BLOQ")  # in upper or lower case: below the limit of quantification
EXCLUDE = {"Y": True, "1": True, "N": False, "0": False}
ROUTE_WORDS = {**{r: i for i, r in enumerate(ROUTES)}, "intravascular bolus": 1, "intravascular infusion": 2}


@dataclass(frozen=True, slots=True)
class Read:
    """What the two files hold; `names` are the profiles, in the order of their numbers."""

    names: list[str]
    samples: Concentrations
    doses: Doses


class _File:
    """A file as read, its lines, and the problems found in it."""

    def __init__(self, path: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
        self.shown = str(path)
        self.problems: list[Problem] = []
        self.frame, self.line = pd.DataFrame(), np.array([], dtype=np.int64)
        try:
            self.frame, self.line = self._read(path)
        except FileError as error:
            self.problems.extend(error.problems)
            return
        known = (*required, *optional)
        here = [str(c) for c in self.frame.columns]
        for name in (n for n in here if n not in known):
            self.problems.append(Problem(f'no column "{name}" is known', Place(self.shown, 1),
                                         expected=", ".join(known), nearest=nearest(name, known),
                                         do="rename or remove it"))
        for name in (n for n in required if n not in here):
            self.problems.append(Problem(f'the column "{name}" is missing', Place(self.shown, 1), found=", ".join(here),
                                         expected=", ".join(required)))
        self.complete = not self.problems

    complete = False

    def _read(self, path: Path) -> tuple[pd.DataFrame, Ints]:
        if not path.is_file():
            raise FileError(Problem("no such file", Place(self.shown)))
        if path.stat().st_size > MAX_BYTES:
            raise FileError(Problem("the file is too large", Place(self.shown), found=f"{path.stat().st_size:,} bytes",
                                    expected=f"at most {MAX_BYTES:,} bytes", do="split it by profile"))
        try:
            frame, line = read_csv(path, self.shown, "utf-8", MAX_BYTES)
        except FileError as error:
            told = [replace(p, do="save it as UTF-8") if "raw.yaml" in p.do else p for p in error.problems]
            raise FileError(told) from None
        for name in frame:
            text = frame[name].str.strip()
            frame[name] = text.mask((text == "").fillna(False).to_numpy(dtype=bool))
        return frame, line

    def tell(self, wrong: Bools, what: str, column: str, expected: str, do: str = "") -> None:
        """List the records that are wrong, each with its line, and count those beyond the first."""
        at = np.flatnonzero(wrong)
        for i in at[:LISTED]:
            value = self.frame[column].iloc[i]
            found = "nothing" if pd.isna(value) else f'"{str(value)[:60]}"'
            who = self.frame["profile"].iloc[i]
            of = "" if pd.isna(who) or column == "profile" else f", profile {str(who)[:60]}"
            self.problems.append(Problem(what, Place(self.shown, int(self.line[i])), found=found + of,
                                         expected=expected, do=do))
        if len(at) > LISTED:
            self.problems.append(Problem(f"{what}: {len(at) - LISTED:,} more records", Place(self.shown)))

    def numbers(self, column: str, what: str, *, needed: bool = True, low: float | None = None,
                expected: str = "a plain decimal number such as 0.5") -> Floats:
        """A column as numbers; what is none, missing where needed, or too low is told."""
        values, bad = to_numbers(self.frame[column])
        array = values.to_numpy(dtype=np.float64)
        infinite = np.isinf(array)
        self.tell(bad | infinite, f"{what} is no number", column, expected)
        if needed:
            self.tell(self.frame[column].isna().to_numpy(), f"{what} is missing", column, "a number")
        if low is not None:
            with np.errstate(invalid="ignore"):
                self.tell((array < low) & ~infinite, f"{what} is negative", column, f"{low:g} or more")
        return array

    def repeated(self, profile: Ints, time: Floats, what: str) -> None:
        """Two records of one profile at one time."""
        keys = pd.DataFrame({"p": profile, "t": time})
        twice = keys.duplicated(keep=False).to_numpy() & (profile >= 0) & ~np.isnan(time)
        self.tell(twice, f"two {what} of one profile at one time", "time", "times that differ within a profile",
                  "keep one of them, or their mean")


def read_files(conc: Path, dose: Path) -> Read:
    """Read and check both files.

    Raises:
        FileError: every problem of both: columns, numbers, times that repeat, routes, profiles without dose or samples.
    """
    samples, doses = _File(conc, CONC, ("exclude",)), _File(dose, DOSE)
    if not (samples.complete and doses.complete):
        raise FileError([*samples.problems, *doses.problems])
    for file in (samples, doses):
        file.tell(file.frame["profile"].isna().to_numpy(), "the profile is missing", "profile", "a name")
    both = pd.concat([samples.frame["profile"], doses.frame["profile"]], ignore_index=True)
    distinct = pd.Series(both.dropna().unique(), dtype="str")
    distinct = distinct.sort_values(ignore_index=True)  # by code point, which settles names that are one number
    names = distinct.iloc[np.argsort(rank(distinct), kind="stable")].tolist()
    place = {name: i for i, name in enumerate(names)}
    codes = [f.frame["profile"].map(place).fillna(-1).to_numpy(dtype=np.int64) for f in (samples, doses)]
    read = Read(names, _samples(samples, codes[0]), _doses(doses, codes[1]))
    if not len(samples.frame):
        samples.problems.append(Problem("the file holds no sample", Place(samples.shown), expected="one at least"))
    with_samples, with_doses = (np.isin(np.arange(len(names)), c) for c in codes)
    for file, mine, others, what, do in (
        (doses, codes[1], with_samples, "a dose of a profile without concentrations", "correct its name, or remove it"),
        (samples, codes[0], with_doses, "concentrations of a profile without a dose", "add its dose to the other file"),
    ):
        lonely = (mine >= 0) & ~np.append(others, True)[mine]
        lonely &= ~pd.Series(mine).duplicated().to_numpy()
        file.tell(lonely, what, "profile", "the same profiles in both files", do)
    if samples.problems or doses.problems:
        raise FileError([*samples.problems, *doses.problems])
    return read


def _samples(file: _File, profile: Ints) -> Concentrations:
    time = file.numbers("time", "the time")
    text = file.frame["conc"]
    file.frame["conc"] = text.mask(text.str.upper().isin(BELOW).to_numpy(dtype=bool), "0")
    conc = file.numbers("conc", "the concentration", needed=False, low=0,
                        expected="a plain decimal number such as 0.5; BLQ or 0 below the limit; empty when missing")
    excluded = np.zeros(len(time), dtype=np.bool_)
    if "exclude" in file.frame:
        said = file.frame["exclude"]
        known = said.str.upper().map(EXCLUDE)
        file.tell((said.notna() & known.isna()).to_numpy(), "exclude is neither yes nor no", "exclude",
                  "Y or 1, N or 0, or nothing")
        excluded = known.eq(True).to_numpy(dtype=bool)
    file.repeated(profile, time, "samples")
    return Concentrations(profile, time, conc, excluded)


def _doses(file: _File, profile: Ints) -> Doses:
    time = file.numbers("time", "the time")
    amount = file.numbers("dose", "the dose", low=0)
    duration = np.nan_to_num(file.numbers("duration", "the duration", needed=False, low=0))
    said = file.frame["route"].str.lower().map(ROUTE_WORDS)
    file.tell(said.isna().to_numpy(), "no such route", "route", ", ".join(ROUTE_WORDS))
    route = said.fillna(-1).to_numpy(dtype=np.int64)
    infused = route == ROUTES.index("infusion")
    file.tell(infused & ~(duration > 0), "an infusion without a duration", "duration", "more than 0")
    file.tell((route >= 0) & ~infused & (duration > 0), "a duration without an infusion", "duration", "nothing, or 0")
    file.repeated(profile, time, "doses")
    return Doses(profile, time, amount, route, duration)


# -- results


def parameters_csv(result: Parameters, names: list[str]) -> bytes:
    """profile,start,end,PPTESTCD,PPORRES,reason: every parameter that stands for an interval, by interval and code."""
    w = result.windows
    stands = np.column_stack([result.stands[c] for c in CODES])
    window, code = np.nonzero(stands)
    value = np.column_stack([result.value[c] for c in CODES])[window, code]
    reason = np.column_stack([result.reason[c] for c in CODES])[window, code]
    texts = np.array([REASONS[Reason(i)] for i in range(len(REASONS))], dtype=object)
    return _csv({
        "profile": np.array(names, dtype=object)[w.profile[window]],
        "start": number_texts(pd.Series(w.start)).to_numpy(dtype=object)[window],
        "end": _ends(w.end)[window],
        "PPTESTCD": np.array(CODES, dtype=object)[code],
        "PPORRES": _texts(value),
        "reason": texts[reason],
    })


def points_csv(result: Parameters, names: list[str]) -> bytes:
    """profile,start,end,time,conc,used,lambda_z,note: every sample of every interval and how it counts."""
    w, p, s = result.windows, result.points, result.samples
    notes = np.array([""] * 5, dtype=object)
    notes[[MISSING, MEASURED]] = "MISSING", ""
    notes[[FIRST, MIDDLE, LAST]] = "BLQ BEFORE MEASURABLE", "BLQ BETWEEN MEASURABLE", "BLQ AFTER MEASURABLE"
    note = notes[p.kind]
    note = np.where(p.moved, "TAKEN FOR THE START", note)
    note = np.where(w.dose[p.window] < 0, REASONS[Reason.NO_DOSE], note)
    note = np.where(s.excluded[p.sample] & (note == ""), "KEPT OUT OF LAMBDA Z", note)
    return _csv({
        "profile": np.array(names, dtype=object)[w.profile[p.window]],
        "start": number_texts(pd.Series(w.start)).to_numpy(dtype=object)[p.window],
        "end": _ends(w.end)[p.window],
        "time": _texts(s.time[p.sample]),
        "conc": _texts(s.conc[p.sample]),
        "used": _texts(p.value),
        "lambda_z": np.where(result.slope_points, "Y", ""),
        "note": note,
    })


def _ends(end: Floats) -> np.ndarray:
    finite = np.where(np.isfinite(end), end, 0.0)
    return np.where(np.isfinite(end), number_texts(pd.Series(finite)).to_numpy(dtype=object), "inf")


def _texts(values: Floats) -> np.ndarray:
    """Numbers as text, all digits that tell them apart; missing is empty."""
    return number_texts(pd.Series(values)).fillna("").to_numpy(dtype=object)


def _csv(columns: dict[str, np.ndarray]) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False, lineterminator="\n").encode()
