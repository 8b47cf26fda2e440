"""True plasma concentrations of parent and metabolite from the doses truly taken.

A one-compartment model with first-order absorption and a metabolite, solved exactly from dose to dose; clearance is
that of the day of the dose, lower while a strong inhibitor is taken. No sampling and no assay error.

Sources: the study design, section 1.5.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from simulator.book import at
from simulator.dosing import Day
from simulator.plan import Plan

GRID_MINUTES = 2  # step on which true exposures are read off
WASHOUT = 1  # days for which an inhibitor still acts after its last day


def parameters(plan: Plan) -> dict[str, float]:
    """The person's true ka (/h), clearances (L/h) and volumes (L), apparent."""
    pk, rng = plan.scenario.trial.pk, plan.rng("parameters")
    factor = np.exp(rng.normal(0, pk.iiv, 5))
    return {
        "ka": pk.ka * float(factor[0]),
        "CLF": pk.cl * float(factor[1]),
        "VF": pk.v * float(factor[2]),
        "CLM": pk.cl_m * float(factor[3]),
        "VM": pk.v_m * float(factor[4]),
    }


def single_dose(plan: Plan, mg: float) -> dict[str, float]:
    """AUCINF (h*ng/mL), Cmax (ng/mL), Tmax and half-life (h) after one dose without an inhibitor, in closed form."""
    p = parameters(plan)
    ke = p["CLF"] / p["VF"]
    tmax = float(np.log(p["ka"] / ke) / (p["ka"] - ke))
    cmax = mg * 1000 / p["VF"] * p["ka"] / (p["ka"] - ke) * float(np.exp(-ke * tmax) - np.exp(-p["ka"] * tmax))
    return {
        "AUCINF": mg * 1000 / p["CLF"],
        "CMAX": cmax,
        "TMAX": tmax,
        "THALF": float(np.log(2) / ke),
        "AUCINF_M": mg * 1000 * _molar(plan) / p["CLM"],
    }


def _molar(plan: Plan) -> float:
    """Mass of metabolite formed from a mass of parent."""
    pk = plan.scenario.trial.pk
    return pk.formed * pk.weight["metabolite"] / pk.weight["parent"]


def concentrations(plan: Plan, days: list[Day], moments: list[datetime]) -> NDArray[np.float64]:
    """Concentrations in ng/mL at each moment (in order of time): parent and metabolite, n by 2.

    A sample at the minute of a dose is drawn before it.
    """
    p, start = parameters(plan), at(plan.on(1), 0)
    systems = {}
    for slow in (False, True):
        clearance = p["CLF"] * (plan.scenario.trial.pk.inhibited if slow else 1)
        ke, km = clearance / p["VF"], p["CLM"] / p["VM"]
        matrix = np.array([[-p["ka"], 0, 0], [p["ka"], -ke, 0], [0, ke * _molar(plan), -km]])
        values, vectors = np.linalg.eig(matrix)
        systems[slow] = values.real, vectors.real, np.linalg.inv(vectors.real)
    wanted = np.array([(m - start).total_seconds() / 3600 for m in moments])
    doses = [((at(d.on, d.hour) - start).total_seconds() / 3600, d) for d in days if d.taken]
    found = np.zeros((len(wanted), 2))
    state = np.zeros(3)
    for i, (when, day) in enumerate(doses):
        until = doses[i + 1][0] if i + 1 < len(doses) else np.inf
        if len(wanted) == 0 or when >= wanted[-1]:
            break
        state[0] += day.mg * 1000
        values, vectors, inverse = systems[plan.inhibited(day.on, WASHOUT)]
        here = (wanted > when) & (wanted <= until)
        weights = inverse @ state
        found[here] = (np.exp(np.outer(wanted[here] - when, values)) * weights) @ vectors[1:].T
        if np.isfinite(until):
            state = vectors @ (np.exp(values * (until - when)) * weights)
    result: NDArray[np.float64] = np.maximum(found, 0) / np.array([p["VF"], p["VM"]])
    return result


def exposure(plan: Plan, days: list[Day], on: date) -> dict[str, dict[str, float]]:
    """True AUC over 24 h (h*ng/mL), Cmax and Ctrough (ng/mL), Tmax (h) after the dose of a day, by analyte."""
    day = next(d for d in days if d.on == on and d.taken)
    begin = at(on, day.hour)
    steps = 24 * 60 // GRID_MINUTES
    moments = [begin + timedelta(minutes=GRID_MINUTES * i) for i in range(steps + 1)]
    day_and_before = [d for d in days if d.on <= on]  # the next dose comes after the last sample
    curve = concentrations(plan, day_and_before, moments)
    hours = GRID_MINUTES / 60
    return {
        name: {
            "AUC24": float(np.trapezoid(curve[:, i], dx=hours)),
            "CMAX": float(curve[:, i].max()),
            "TMAX": float(curve[:, i].argmax()) * hours,
            "C24": float(curve[-1, i]),
        }
        for i, name in enumerate(plan.scenario.trial.pk.analytes.values())
    }
