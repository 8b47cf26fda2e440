"""True concentrations against the closed form of one compartment with first-order absorption."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from simulator.dosing import Day, make_doses
from simulator.kinetics import concentrations, exposure, parameters, single_dose
from simulator.person import simulate_attempt
from simulator.plan import make_plan


@pytest.fixture(scope="module")
def plan(design):
    """The plan of the first scripted person, without visits."""
    return make_plan(design.scenario, design.scenario.scripts[0], 1)


def closed_form(p, mg, hours):
    ke = p["CLF"] / p["VF"]
    return mg * 1000 * p["ka"] / (p["VF"] * (p["ka"] - ke)) * (np.exp(-ke * hours) - np.exp(-p["ka"] * hours))


def test_a_single_dose_follows_the_closed_form(plan):
    dose = [Day(plan.on(1), 100, True, "PLANNED", "", 8.0)]
    hours = np.array([-0.1, 0.5, 2, 6, 12, 24])
    begin = datetime.combine(plan.on(1), datetime.min.time()) + timedelta(hours=8)
    found = concentrations(plan, dose, [begin + timedelta(hours=float(h)) for h in hours])[:, 0]
    assert found[0] == 0, "nothing before the first dose"
    assert found[1:] == pytest.approx(closed_form(parameters(plan), 100, hours[1:]), rel=1e-9)


def test_doses_add_up(plan):
    days = [Day(plan.on(n), 100, True, "PLANNED", "", 8.0) for n in (1, 2, 3)]
    begin = datetime.combine(plan.on(3), datetime.min.time()) + timedelta(hours=8)
    found = concentrations(plan, days, [begin + timedelta(hours=4)])[0, 0]
    p = parameters(plan)
    assert found == pytest.approx(sum(closed_form(p, 100, np.array(4.0 + 24 * k)) for k in range(3)), rel=1e-9)


def test_true_exposure_agrees_with_the_closed_form(plan):
    one = single_dose(plan, 100)
    days = [Day(plan.on(n), 100, True, "PLANNED", "", 8.0) for n in range(1, 22)]
    first, steady = exposure(plan, days, plan.on(1))["BY002"], exposure(plan, days, plan.on(21))["BY002"]
    assert first["CMAX"] == pytest.approx(one["CMAX"], rel=1e-4)
    assert first["TMAX"] == pytest.approx(one["TMAX"], abs=0.04)
    assert first["AUC24"] < one["AUCINF"] == pytest.approx(steady["AUC24"], rel=1e-3), (
        "AUCtau at steady state is AUCinf"
    )


def test_a_strong_inhibitor_raises_the_exposure(design):
    """Half the dose at half the clearance: about the same steady-state AUC (01-008, posaconazole from day 6)."""
    script = next(s for s in design.scenario.scripts if s.no == 8)
    truth = simulate_attempt(design.scenario, script, design.scenario.trial.seed).truth
    ratio = truth["PK"]["exposure"]["C1D15"]["BY002"]["AUC24"] / truth["PK"]["single_dose"]["AUCINF"]
    assert 0.85 < ratio < 1.05


def test_doses_of_a_day_are_those_of_the_script(design):
    script = next(s for s in design.scenario.scripts if s.no == 12)
    plan = make_plan(design.scenario, script, 1)
    taken = {plan.day(d.on): d.mg for d in make_doses(plan) if d.taken}
    assert [taken.get(n) for n in (18, 19, 22, 23, 62, 96, 97)] == [400, None, None, 300, 300, 300, None]
