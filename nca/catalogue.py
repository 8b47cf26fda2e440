"""The parameters of an analysis, as CDISC codes, and why one is not reported.

Codes are submission values of the codelists PKPARMCD (C85839), their names those of PKPARM (C85493).

Sources: CDISC SDTM terminology; tests/nca holds every code against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Route = Literal["extravascular", "bolus", "infusion"]
ROUTES: tuple[Route, ...] = ("extravascular", "bolus", "infusion")
EXTRAVASCULAR, BOLUS, INFUSION = range(3)


class Reason(IntEnum):
    """Why a parameter is not reported."""

    NONE = 0
    NO_SAMPLE = 1
    NO_MEASURABLE = 2
    FEW_MEASURABLE = 3
    NO_START = 4
    NO_END = 5
    FEW_POINTS = 6
    NOT_FALLING = 7
    R2ADJ = 8
    SPAN = 9
    EXTRAPOLATED = 10
    NO_DOSE = 11
    AMOUNT = 12
    CARRIED_OVER = 13
    SEVERAL_DOSES = 14
    TAU = 15
    NOT_AT_DOSE = 16
    UNDEFINED = 17


REASONS = {
    Reason.NONE: "",
    Reason.NO_SAMPLE: "NO SAMPLE IN THE INTERVAL",
    Reason.NO_MEASURABLE: "NO MEASURABLE CONCENTRATION",
    Reason.FEW_MEASURABLE: "TOO FEW MEASURABLE CONCENTRATIONS AFTER THE DOSE",
    Reason.NO_START: "NO CONCENTRATION AT THE START OF THE INTERVAL",
    Reason.NO_END: "NO CONCENTRATION AT THE END OF THE INTERVAL",
    Reason.FEW_POINTS: "TOO FEW POINTS FOR LAMBDA Z",
    Reason.NOT_FALLING: "TERMINAL CONCENTRATIONS DO NOT FALL",
    Reason.R2ADJ: "ADJUSTED R2 BELOW THE LIMIT",
    Reason.SPAN: "SPAN OF LAMBDA Z BELOW THE LIMIT",
    Reason.EXTRAPOLATED: "EXTRAPOLATED AREA ABOVE THE LIMIT",
    Reason.NO_DOSE: "NO DOSE AT OR BEFORE THE START OF THE INTERVAL",
    Reason.AMOUNT: "DOSE NOT KNOWN OR 0",
    Reason.CARRIED_OVER: "CONCENTRATION MAY BE LEFT FROM AN EARLIER DOSE",
    Reason.SEVERAL_DOSES: "FURTHER DOSE IN THE INTERVAL",
    Reason.TAU: "INTERVAL SHORTER THAN TAU",
    Reason.NOT_AT_DOSE: "INTERVAL DOES NOT START AT A DOSE",
    Reason.UNDEFINED: "NO FINITE VALUE",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its code, for which intervals and routes it stands, and its rule in a sentence.

    `interval` is open (END is inf), closed (a number) or any; `steady` whether it stands at steady state only (tau is
    given), for a single dose only, or in both cases.
    """

    code: str
    says: str
    interval: Literal["open", "closed", "any"] = "open"
    steady: bool | None = None
    routes: tuple[int, ...] = (EXTRAVASCULAR, BOLUS, INFUSION)


_IV = (BOLUS, INFUSION)
_EV = (EXTRAVASCULAR,)
PARAMETERS = (
    Parameter("CMAX", "highest concentration", "any"),
    Parameter("TMAX", "time since the dose of the first concentration equal to CMAX", "any"),
    Parameter("CMAXD", "CMAX / dose", "any"),
    Parameter("CMIN", "lowest concentration; at steady state within tau, the value at its end included", "closed"),
    Parameter("CMIN", "lowest concentration; at steady state within tau, the value at its end included", "open", True),
    Parameter("TMIN", "time since the dose of the first concentration equal to CMIN", "closed"),
    Parameter("TMIN", "time since the dose of the first concentration equal to CMIN", "open", True),
    Parameter("C0", "concentration at the dose: measured, else on the line through the logarithms of the first two "
              "measurable concentrations when they fall, else the first", routes=(BOLUS,)),
    Parameter("CLST", "last measurable concentration"),
    Parameter("TLST", "time since the dose of the last measurable concentration"),
    Parameter("AUCLST", "area from the start to the last measurable concentration"),
    Parameter("AUCLSTD", "AUCLST / dose"),
    Parameter("AUCALL", "area from the start to the last concentration, BLQ included where they are kept"),
    Parameter("AUMCLST", "area of time since the dose x concentration, to the last measurable concentration"),
    Parameter("LAMZ", "minus the slope of ln(concentration) over time, ordinary least squares"),
    Parameter("LAMZHL", "ln(2) / LAMZ"),
    Parameter("LAMZNPT", "points of lambda-z"),
    Parameter("LAMZLL", "time since the dose of the first point of lambda-z"),
    Parameter("LAMZUL", "time since the dose of the last point of lambda-z"),
    Parameter("LAMZSPN", "(LAMZUL - LAMZLL) / LAMZHL"),
    Parameter("R2", "squared correlation of the points of lambda-z"),
    Parameter("R2ADJ", "1 - (1 - R2) (n - 1) / (n - 2)"),
    Parameter("CORRXY", "correlation of time and ln(concentration) of the points of lambda-z"),
    Parameter("AUCIFO", "AUCLST + CLST / LAMZ"),
    Parameter("AUCIFOD", "AUCIFO / dose"),
    Parameter("AUCIFP", "AUCLST + concentration at TLST on the line of lambda-z / LAMZ"),
    Parameter("AUCPEO", "100 x (AUCIFO - AUCLST) / AUCIFO"),
    Parameter("AUCPEP", "100 x (AUCIFP - AUCLST) / AUCIFP"),
    Parameter("AUCPBEO", "100 x area from the dose to the first concentration after it / AUCIFO", steady=False,
              routes=(BOLUS,)),
    Parameter("AUMCIFO", "AUMCLST + TLST x CLST / LAMZ + CLST / LAMZ^2", steady=False),
    Parameter("AUMCPEO", "100 x (AUMCIFO - AUMCLST) / AUMCIFO", steady=False),
    Parameter("MRTEVLST", "AUMCLST / AUCLST", steady=False, routes=_EV),
    Parameter("MRTEVIFO", "AUMCIFO / AUCIFO", steady=False, routes=_EV),
    Parameter("MRTIBLST", "AUMCLST / AUCLST", steady=False, routes=(BOLUS,)),
    Parameter("MRTIBIFO", "AUMCIFO / AUCIFO", steady=False, routes=(BOLUS,)),
    Parameter("MRTICLST", "AUMCLST / AUCLST - duration / 2", steady=False, routes=(INFUSION,)),
    Parameter("MRTICIFO", "AUMCIFO / AUCIFO - duration / 2", steady=False, routes=(INFUSION,)),
    Parameter("CLFO", "dose / AUCIFO", steady=False, routes=_EV),
    Parameter("VZFO", "CLFO / LAMZ", steady=False, routes=_EV),
    Parameter("CLO", "dose / AUCIFO", steady=False, routes=_IV),
    Parameter("VZO", "CLO / LAMZ", steady=False, routes=_IV),
    Parameter("VSSO", "CLO x mean residence time to infinity", steady=False, routes=_IV),
    Parameter("AUCINT", "area from the start to the end", "closed"),
    Parameter("AUCINTD", "AUCINT / dose", "closed"),
    Parameter("CAVGINT", "AUCINT / (end - start)", "closed"),
    Parameter("AUCTAU", "area from the start over tau", "any", True),
    Parameter("AUCTAUD", "AUCTAU / dose", "any", True),
    Parameter("CAVG", "AUCTAU / tau", "any", True),
    Parameter("CTROUGH", "concentration at the end of tau", "any", True),
    Parameter("FLUCP", "100 x (highest - lowest concentration within tau) / CAVG", "any", True),
    Parameter("CLFTAU", "dose / AUCTAU", "any", True, _EV),
    Parameter("VZFTAU", "CLFTAU / LAMZ", "any", True, _EV),
    Parameter("CLTAU", "dose / AUCTAU", "any", True, _IV),
    Parameter("VZTAU", "CLTAU / LAMZ", "any", True, _IV),
)
CODES = tuple(dict.fromkeys(p.code for p in PARAMETERS))
