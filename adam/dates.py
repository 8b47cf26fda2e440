"""Numeric dates of analysis datasets: --DT, --DTM and --DY from ISO 8601 text, with the imputation the spec states.

A partial date is a span of days, limited further by what the spec knows (not before, not after); the first or the last
day of what is left is taken. Nothing is imputed unless the line says so, and a complete date never changes. Whether a
date was imputed is a variable of its own (--DTF, --TMF).

Sources: ADaMIG 1.3 sections 3.1.2 (imputation flags) and 3.1.3 (SAS dates); DATEFL and TIMEFL of ADaM terminology.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from engine.dates import DAY, FOREIGN, MONTH, NOTHING, YEAR, Floats, seconds, spans
from engine.run.at import At
from engine.spec.binding import LISTED
from engine.spec.expressions import Expression
from engine.spec.refs import DateRef, VariableRef
from engine.spec.registry import Params, verb
from engine.standards import load_terminology

IMPUTED_DATE = ("C81223", {MONTH: "C81212", YEAR: "C81211", NOTHING: "C81210"})  # DATEFL: D, M, Y by what is known
IMPUTED_TIME = ("C81226", {0: "C81213", 1: "C81214"})  # TIMEFL: H, M by how many parts of the time are known
SECONDS_PER_DAY = 86400.0


Limits = Annotated[list[Expression], LISTED]


def days_of(values: pd.Series) -> Floats:
    """SAS days of complete dates, texts or numbers; NaN for partial and missing ones."""
    return spans(values).complete


@verb(
    "date",
    reads="date",
    scope="record",
    source="ADaMIG 1.3 sections 3.1.2 and 3.1.3",
    says="{date} as a numeric date[; of a partial one the {impute} day it may mean][ (a missing one is {unknown}d too)]"
    "[, not before {not_before}][, not after {not_after}][; {prefer} if it may be that day][, unless {unless}]",
    example="AENDT: {date: AEENDTC, impute: last, not_after: [DTHDT, DCUTDT]}",
)
class Date(Params):
    """The SAS date of an ISO 8601 date; a partial one is missing unless `impute` says which of its days is taken.

    `first` takes the later of the first day of the month or year and of `not_before`, at most its last day and
    `not_after`; `last` the earlier of the last day and of `not_after`, at least its first day and `not_before`, in this
    order. A limit that is missing limits nothing. `prefer` is taken where the partial date may mean that day, unless
    the condition `unless` holds. A missing date stays missing unless `unknown: impute`. Limits that leave no day of
    what was collected are reported; a text that is no date stops the build.
    """

    date: DateRef
    impute: Literal["", "first", "last"] = ""
    unknown: Literal["", "impute"] = ""
    not_before: Limits = []
    not_after: Limits = []
    prefer: VariableRef | None = None
    unless: Expression | None = None

    @model_validator(mode="after")
    def _needs_impute(self) -> Date:
        stated = self.not_before or self.not_after or self.prefer or self.unknown == "impute"
        if stated and not self.impute:
            raise ValueError("limits are for partial dates: say impute: first or impute: last")
        if self.unless is not None and self.prefer is None:
            raise ValueError("unless belongs to prefer")
        return self

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        dtc = at.dtc(self.date)
        span = spans(dtc)
        at.report(
            span.precision == FOREIGN, f"{self.date} is no ISO 8601 date with a year", found=dtc, severity="blocking"
        )
        days = span.complete
        partial = (span.precision == MONTH) | (span.precision == YEAR)
        if self.unknown == "impute":
            partial |= span.precision == NOTHING
        if not self.impute or not partial.any():
            return pd.Series(days)
        first = np.where(np.isnan(span.first), -np.inf, span.first)
        last = np.where(np.isnan(span.last), np.inf, span.last)
        lower = _limit(at, self.not_before, -np.inf, np.fmax)
        upper = _limit(at, self.not_after, np.inf, np.fmin)
        if self.impute == "first":
            taken = np.minimum(np.minimum(np.maximum(first, lower), last), upper)
        else:
            taken = np.minimum(np.maximum(np.maximum(np.minimum(last, upper), first), lower), upper)
        if self.prefer is not None:
            wanted = days_of(at.values(self.prefer))
            allowed = (np.maximum(first, lower) <= wanted) & (wanted <= np.minimum(last, upper))
            if self.unless is not None:
                allowed &= ~at.test(self.unless)
            taken = np.where(allowed, wanted, taken)
        at.report(
            partial & (np.maximum(first, lower) > np.minimum(last, upper)),
            f"no day of {self.date} is left by the limits of its imputation",
            found=dtc,
        )
        return pd.Series(np.where(partial, np.where(np.isinf(taken), np.nan, taken), days))


def _limit(at: At, limits: list[Expression], start: float, join: np.ufunc) -> Floats:
    """The tightest of the limits that are known."""
    result = np.full(at.n, start)
    for each in limits:
        result = join(result, days_of(at.evaluate(each)))
    return result


@verb(
    "date_imputed",
    reads="of",
    scope="record",
    source="ADaMIG 1.3 section 3.1.2; ADaM terminology DATEFL",
    says="How much of {of} is imputed, by what is missing in {given}: the day, the month too, or the year too",
    example="AENDTF: {date_imputed: AENDT, from: AEENDTC}",
)
class DateImputed(Params):
    """--DTF: D, M or Y where the date is present and the text it comes from lacks the day, the month or all of it."""

    of: VariableRef
    given: DateRef = Field(alias="from")

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        precision = spans(at.dtc(self.given)).precision
        return _terms(at, IMPUTED_DATE, np.where(at.values(self.of).isna(), DAY, precision))


@verb(
    "datetime",
    reads="dtc",
    scope="record",
    source="ADaMIG 1.3 section 3.1.3",
    says="{dtc} as a numeric date-time[; what is unknown of its time: the {impute} it may be]",
    example="TRTSDTM: {datetime: DM.RFXSTDTC, impute: first}",
)
class DateTime(Params):
    """The SAS date-time of a complete date; missing parts of its time are imputed only if `impute` says how."""

    dtc: DateRef
    impute: Literal["", "first", "last"] = ""

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        dtc = at.dtc(self.dtc)
        if dtc.dtype == np.float64:
            return dtc * SECONDS_PER_DAY
        clock, known = seconds(dtc)
        if not self.impute:
            clock = np.where(known >= 2, clock, np.nan)
        elif self.impute == "last":
            clock = np.where(known == 0, SECONDS_PER_DAY - 1, np.where(known == 1, clock + 3599, clock))
        return pd.Series(days_of(dtc) * SECONDS_PER_DAY + clock)


@verb(
    "time_imputed",
    reads="of",
    scope="record",
    source="ADaMIG 1.3 section 3.1.2; ADaM terminology TIMEFL",
    says="How much of the time of {of} is imputed, by what is missing in {given}: the hour, or the minute",
    example="TRTSTMF: {time_imputed: TRTSDTM, from: DM.RFXSTDTC}",
)
class TimeImputed(Params):
    """--TMF: H or M where the date-time is present and the text lacks the hour or the minute.

    Seconds that no form asks for are not imputed.
    """

    of: VariableRef
    given: DateRef = Field(alias="from")

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        _, known = seconds(at.dtc(self.given))
        return _terms(at, IMPUTED_TIME, np.where(at.values(self.of).isna(), 3, known))


def _terms(at: At, codelist: tuple[str, dict[int, str]], keys: np.ndarray) -> pd.Series:
    """The terms of a codelist by C-code, chosen by a number; missing for numbers without one."""
    code, choices = codelist
    terms = load_terminology("ADaM", at.study.file.standards.adam_terminology).codelist(code)
    assert terms is not None
    result = at.constant(None)
    for key, term in choices.items():
        result = result.where(pd.Series(keys != key), terms.by_code(term).value)
    return result.astype("str")


@verb(
    "days",
    reads="of",
    scope="record",
    says="Days from the first to the second of {of}, both counted",
    example="TRTDURD: {days: [TRTSDT, TRTEDT]}",
)
class Days(Params):
    """The number of days from one date through another, both counted; missing where either is missing or partial."""

    of: list[VariableRef] = Field(min_length=2, max_length=2)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        first, second = (days_of(at.dtc(ref)) for ref in self.of)
        return pd.Series(second - first + 1)


@verb(
    "analysis_day",
    reads="date",
    scope="record",
    source="ADaMIG 1.3 section 3.3.3 (ADY)",
    says="{date} minus {reference} in days, plus 1 on or after {reference}; no day 0",
    example="ADY: {analysis_day: ADT}",
)
class AnalysisDay(Params):
    """Relative day of a numeric date; missing for subjects without a reference date."""

    date: VariableRef
    reference: VariableRef = VariableRef(None, "TRTSDT")

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        days = np.floor(days_of(at.values(self.date)) - days_of(at.values(self.reference)))
        return pd.Series(days + (days >= 0))
