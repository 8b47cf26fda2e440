"""Pharmacokinetic parameters of a subject's concentration profiles, by non-compartmental analysis.

The analysis itself is the nca room's (docs/nca.md). Here the profiles are taken from records that already hold the
value that counts for each sample (BLQ by position, samples that were not drawn), with their time since the dose.

Sources: docs/nca.md; ADaM BDS for NCA input.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from engine.numbers import number_text, rank
from engine.run.at import At
from engine.spec.binding import LISTED
from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef
from engine.spec.registry import Made, RecordParams, record_verb
from nca.analysis import Parameters, analyse
from nca.catalogue import CODES, REASONS, ROUTES, Reason, Route
from nca.profiles import Concentrations, Doses
from nca.settings import Method, Settings

COLUMNS = ("PARAM", "VALUE", "REASON", "START", "END")
TWICE, NEGATIVE = "TWO CONCENTRATIONS AT ONE TIME", "NEGATIVE CONCENTRATION"  # reasons beside those of the analysis


@record_verb(
    "nca",
    reads=None,
    says="One record for each parameter of a non-compartmental analysis of {conc} over {time} after the dose {dose}, "
    "by {profile} and over the intervals (start:end) {intervals}[, at steady state with tau {tau}]; areas by the "
    "{method} rule; lambda-z from {min_points} points or more after Tmax[ with an adjusted R2 of {min_r2adj} or more]; "
    "a value at the end of an interval extended by at most {gap} in the unit of {time}; profiles with fewer than "
    "{min_measurable} measurable concentrations after the dose give Cmax and Tmax alone[; reasons to report nothing of "
    "a profile: {leave_out}]",
    gives="nca",
    columns=COLUMNS,
    source="docs/nca.md",
    example="nca: {profile: ADPC.PCGRPID, time: ADPC.ARRLT, conc: ADPC.AVAL, dose: ADPC.DOSEA, order: ADPC.PCSEQ, "
    'intervals: ["0:inf", "0:24"]}',
)
class Nca(RecordParams):
    """Of the records of a profile one for each parameter: `nca.PARAM`, `nca.VALUE`, or `nca.REASON` why there is none.

    A profile is what agrees in `profile` within a subject; its times count from its dose, which all its records name.
    Missing concentrations are left out; 0 is a concentration below the limit. `exclude` keeps a sample out of lambda-z.
    `leave_out` names reasons why a profile as a whole is not reported, each with the condition that one of its records
    satisfies. The record made goes on from the profile's first by time, then `order`. Of a parameter that several
    intervals have, the first interval counts: `nca.START`, `nca.END`. Of a profile with two concentrations at one time,
    or a negative one, nothing is reported and its records are listed. Other settings are those of `trialmill nca`.
    """

    profile: Annotated[list[VariableRef], LISTED] = Field(min_length=1)
    time: VariableRef
    conc: VariableRef
    dose: VariableRef
    order: Annotated[list[VariableRef], LISTED] = Field(min_length=1)
    intervals: Annotated[list[str], LISTED] = ["0:inf"]
    route: Route = "extravascular"
    duration: float = Field(0, ge=0)
    exclude: Expression | None = None
    leave_out: dict[str, Expression] = {}
    tau: float | None = Field(None, gt=0)
    method: Method = "lin-up-log-down"
    min_points: int = Field(3, ge=3)
    tmax_in_slope: Literal["true", "false"] = "false"
    min_r2adj: float | None = Field(None, le=1)
    min_span: float | None = Field(None, ge=0)
    max_extrapolated: float | None = Field(None, ge=0, le=100)
    min_measurable: int = Field(1, ge=1)
    gap: float = Field(4, ge=0)

    @field_validator("intervals")
    @classmethod
    def _read(cls, texts: list[str]) -> list[str]:
        for text in texts:
            _interval(text)
        return texts

    def group(self) -> tuple[tuple[VariableRef, ...], tuple[VariableRef, ...]]:
        """See RecordParams."""
        return tuple(self.profile), (self.conc, self.time)

    def make(self, at: At) -> Made:
        """See RecordParams."""
        frame = pd.DataFrame({"who": at.subject, **{f"p{i}": at.text(r) for i, r in enumerate(self.profile)}})
        number = frame.groupby(list(frame.columns), sort=True, dropna=True).ngroup()
        profile = number.fillna(-1).to_numpy(dtype=np.int64)
        at.report(profile < 0, "it belongs to no profile and is left out of the analysis", found=at.text(self.conc))
        time, conc, dose = (at.number(r).to_numpy() for r in (self.time, self.conc, self.dose))
        ranks = [rank(at.values(r)) for r in self.order]
        order = np.lexsort([*ranks[::-1], np.where(np.isnan(time), np.inf, time), profile])
        order = order[profile[order] >= 0]
        n = int(profile.max(initial=-1)) + 1
        first = order[np.searchsorted(profile[order], np.arange(n))]
        why = self._unusable(at, profile, time, conc, dose, first)
        for reason, condition in reversed(self.leave_out.items()):
            why[profile[at.test(condition) & (profile >= 0)]] = reason
        result = self._analysed(at, profile, time, conc, dose[first], n)
        return self._made(result, why, first)

    def _unusable(self, at: At, profile: np.ndarray, time: np.ndarray, conc: np.ndarray, dose: np.ndarray,
                  first: np.ndarray) -> np.ndarray:
        """List what would make an analysis say something else than the data; why a profile cannot be analysed."""
        known = (profile >= 0) & ~np.isnan(conc)
        at.report(known & np.isnan(time), "a concentration without a time is left out of the analysis",
                  found=at.text(self.conc))
        keys = pd.DataFrame({"p": profile, "t": time})[known & ~np.isnan(time)]
        twice = keys.index[keys.duplicated(keep=False)].to_numpy()
        at.report(np.isin(np.arange(at.n), twice), "two concentrations of one profile at one time; it is not analysed",
                  found=at.text(self.conc))
        below = known & (conc < 0)
        at.report(below, "a negative concentration; its profile is not analysed", found=at.text(self.conc))
        mine = np.append(dose[first], np.nan)[profile]
        differs = (profile >= 0) & (dose != mine) & ~(np.isnan(dose) & np.isnan(mine))
        at.report(differs, "it names another dose than the first record of its profile", found=at.text(self.dose))
        why = np.full(len(first), None, dtype=object)
        why[profile[twice]] = TWICE
        why[profile[below]] = NEGATIVE
        return why

    def _analysed(self, at: At, profile: np.ndarray, time: np.ndarray, conc: np.ndarray, dose: np.ndarray,
                  n: int) -> Parameters:
        rows = np.flatnonzero((profile >= 0) & ~np.isnan(time) & (conc >= 0))
        rows = rows[~pd.DataFrame({"p": profile[rows], "t": time[rows]}).duplicated().to_numpy()]
        out = at.test(self.exclude) if self.exclude is not None else np.zeros(at.n, dtype=bool)
        samples = Concentrations(profile[rows], time[rows], conc[rows], out[rows])
        zeros = np.zeros(n)
        doses = Doses(np.arange(n), zeros, dose, np.full(n, ROUTES.index(self.route)), zeros + self.duration)
        settings = Settings(
            method=self.method, min_points=self.min_points, tmax_in_slope=self.tmax_in_slope == "true",
            min_r2adj=self.min_r2adj, min_span=self.min_span, max_extrapolated=self.max_extrapolated,
            min_measurable=self.min_measurable, gap=self.gap, tau=self.tau,
        )
        return analyse(samples, doses, [_interval(t) for t in self.intervals], settings, n)

    def _made(self, result: Parameters, why: np.ndarray, first: np.ndarray) -> Made:
        """Of each profile and code the first interval that has it."""
        n, m = len(first), len(self.intervals)
        rows, columns = [], []
        for code in CODES:
            stands = result.stands[code].reshape(n, m)
            which = np.argmax(stands, axis=1) + np.arange(n) * m
            here = np.flatnonzero(stands.any(axis=1))
            at_ = which[here]
            reasons = np.array([REASONS[Reason(int(r))] or None for r in result.reason[code][at_]], dtype=object)
            said = np.where(pd.notna(why[here]), why[here], reasons)
            value = np.where(pd.isna(said), result.value[code][at_], np.nan)
            rows.append(first[here])
            columns.append(pd.DataFrame({
                "PARAM": code, "VALUE": value, "REASON": said,
                "START": result.windows.start[at_], "END": result.windows.end[at_],
            }))
        made = pd.concat(columns, ignore_index=True)
        texts = {c: pd.Series(made[c].to_numpy(dtype=object), dtype="str") for c in ("PARAM", "REASON")}
        ends = {c: pd.Series([number_text(v) if np.isfinite(v) else "inf" for v in made[c]], dtype="str")
                for c in ("START", "END")}
        value = pd.Series(made["VALUE"].to_numpy(dtype=np.float64))
        return Made(np.concatenate(rows).astype(np.int64), {**texts, "VALUE": value, **ends})


def _interval(text: str) -> tuple[float, float]:
    """START:END of a spec; ValueError when it is none."""
    start, _, end = text.partition(":")
    try:
        numbers = float(start), float(end)
    except ValueError:
        raise ValueError(f'"{text}" is no interval; write START:END, such as "0:24" or "0:inf"') from None
    if not (np.isfinite(numbers[0]) and numbers[1] > numbers[0]):
        raise ValueError(f'"{text}" does not end after it starts')
    return numbers
