"""Policies compared on curves that can be followed by hand."""

import pytest

from benchmarks.inventory.__main__ import OURS, compared
from models.inventory.safety_stock import DEMAND_DEVIATION, ONE_STEP_ERRORS, PAST_DEMAND, TOTAL_ERRORS


def point(cost: float, service: float) -> dict[str, float]:
    return {"total_cost": cost, "cycle_service": service, "fill_rate": service}


CURVES = {
    OURS: [point(60, 0.8), point(80, 1.0)],
    PAST_DEMAND: [point(150, 0.8), point(250, 1.0)],
    DEMAND_DEVIATION: [point(90, 0.8), point(110, 1.0)],
    ONE_STEP_ERRORS: [point(80, 0.7), point(90, 0.75)],  # never serves as well
    TOTAL_ERRORS: [point(70, 0.8), point(90, 1.0)],
}
AT_LEVEL = {name: curve[-1] for name, curve in CURVES.items()}


def test_each_comparison_is_against_the_usual_way_that_costs_least_in_it() -> None:
    found = compared(AT_LEVEL, CURVES, 0.9)
    assert found["same_level"]["strongest"] == pytest.approx(1 - 80 / 90)  # it serves less and costs less
    assert found["same_service"]["strongest"] == pytest.approx(1 - 70 / 100)
    assert found["equal_fill_rate"]["strongest"] == pytest.approx(1 - 80 / 110)
    assert found["best_level"]["strongest"] == pytest.approx(1 - 60 / 80)


def test_the_harder_way_is_reported_apart() -> None:
    found = compared(AT_LEVEL, CURVES, 0.9)
    assert found["same_service"][TOTAL_ERRORS] == pytest.approx(1 - 70 / 80)
    assert found["same_service"][TOTAL_ERRORS] < found["same_service"]["strongest"]


def test_a_way_that_never_serves_as_well_is_not_compared() -> None:
    found = compared(AT_LEVEL, CURVES, 0.9)
    assert found["same_service"][ONE_STEP_ERRORS] is None
    assert compared(AT_LEVEL, CURVES, 0.5)["same_service"]["strongest"] is None
