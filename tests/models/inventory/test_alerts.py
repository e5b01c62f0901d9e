"""One word per item, the most urgent first."""

from dataclasses import replace

import numpy as np

from models.inventory.alerts import ALERTS, inventory_alerts
from models.inventory.policy import plan_inventory
from tests.models.inventory.worlds import normal_totals, steady_demand, terms


def test_each_alert_has_its_stock() -> None:
    # Until the next delivery 8 ± 3 units are wanted: 7 run out more likely than not, 10 last three times in four, 13
    # nearly always, and 200 for months.
    stock = np.array([0.0, 7, 10, 13, 200, np.nan])
    demand = replace(steady_demand(2, items=6), until_delivery=normal_totals(8, 3, 6))
    plan = plan_inventory(stock, demand, terms(items=6))
    found = inventory_alerts(stock, plan).tolist()
    assert found == ["out_of_stock", "runs_out_before_delivery", "low_stock", "", "overstock", ""]
    assert set(found) - {""} == set(ALERTS)


def test_an_empty_shelf_of_what_nobody_wants_is_no_alert() -> None:
    plan = plan_inventory(np.zeros(1), steady_demand(0), terms())
    assert inventory_alerts(np.zeros(1), plan).tolist() == [""]


def test_low_stock_without_an_order_is_no_alert() -> None:
    """Where enough is on order, or the level is computed by another method than the risk."""
    stock = np.array([10.0, 10.0])
    demand = replace(steady_demand(2, items=2), until_delivery=normal_totals(8, 3, 2))
    plan = plan_inventory(stock, demand, terms(items=2, on_order=[0, 50], on_order_in_days=[4, 4]))
    assert plan.order_quantity.tolist()[1] == 0
    assert inventory_alerts(stock, plan).tolist() == ["low_stock", ""]
