"""The inventory family: what to order today, which items will run out, and which are overstocked."""

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.bundle import Replay
from models.inventory.alerts import ALERTS, inventory_alerts
from models.inventory.lead_time_demand import item_demand
from models.inventory.policy import NEVER, InventoryPlan, plan_inventory
from models.inventory.terms import InventoryParameters, ItemTerms
from pipelines.families.demand.family import DEMAND
from pipelines.families.demand.fit import fitted_demand
from pipelines.families.demand.panel_builder import REPORT_DELAY
from pipelines.families.family import Family, FittedFamily, Gate, TrainingData
from pipelines.families.inventory.backtest import (
    FORECAST,
    backtest,
    cheapest_method,
    daily_parameters,
    safety_stock_by_item,
    unit_values,
)
from pipelines.families.inventory.terms import RefusedTerm, item_terms, report
from pipelines.features.stock import reported_stock

TERMS_FILE: Final = "terms.json"
STOCK_ON_HAND: Final = "stock_on_hand"
LEAD_TIME_DAYS: Final = "lead_time_days"
REORDER_POINT: Final = "reorder_point"
ORDER_UP_TO: Final = "order_up_to"
ORDER_QUANTITY: Final = "order_quantity"
UNIT_COST: Final = "unit_cost"
ORDER_VALUE: Final = "order_value"
ORDER_METHOD: Final = "order_method"
DAYS_OF_COVER: Final = "days_of_cover"
STOCKOUT_DATE: Final = "stockout_date"
STOCKOUT_PROBABILITY: Final = "stockout_probability"
OVERSTOCK_UNITS: Final = "overstock_units"
INVENTORY_ALERT: Final = "inventory_alert"
SAFETY_STOCK: Final = "safety_stock"
HOW_TO_TELL: Final = (
    "no order can be suggested for them. State it in the catalogue file's column `stock`, or by POST /v1/items."
)
REPLAYS: Final = 3
ROUNDING: Final = 1e-6  # 3.0000001 units count as 3

log = logging.getLogger(__name__)
_ALERTS: Final = "; ".join(f"{name}: {words}" for name, words in ALERTS.items())
COLUMNS: Final[dict[str, str]] = {
    STOCK_ON_HAND: "Units in stock as last reported. Empty: no stock was reported, so no order can be suggested.",
    LEAD_TIME_DAYS: "Days from order to delivery: the item's own, or else the store's.",
    REORDER_POINT: (
        "Order when the units on hand and on order together fall below this: an order placed at the next review might "
        "come too late."
    ),
    ORDER_UP_TO: "Order so that the units on hand and on order together reach this.",
    ORDER_QUANTITY: (
        "Units to order today, in whole packs; 0: none. An order is at least the sales of one review period."
    ),
    UNIT_COST: "What one unit costs: the item's own, or else the store's share of its price.",
    ORDER_VALUE: "Units to order times the unit cost.",
    ORDER_METHOD: (
        "How the level is computed. forecast: quantiles of the demand forecast, where such orders would clearly have "
        "cost the store less in the last weeks; safety_stock: mean and standard deviation of past sales."
    ),
    DAYS_OF_COVER: "How many days the stock lasts at the expected sales. Empty where no sales are expected.",
    STOCKOUT_DATE: "The day on which the item is likely to run out. Empty: not within the forecast horizon.",
    STOCKOUT_PROBABILITY: "The probability that demand exceeds the stock before the next delivery can arrive.",
    OVERSTOCK_UNITS: "Units beyond the order-up-to level that will not sell for weeks: consider a discount.",
    INVENTORY_ALERT: f"The most urgent alert that applies. {_ALERTS}. Empty: none applies.",
}


def fit(data: TrainingData) -> FittedFamily:
    """Plan every forecast item from its latest stock, with quantiles of the forecast."""
    return _fitted(data, by_forecast=True)


def fit_baseline(data: TrainingData) -> FittedFamily:
    """The same with the textbook's safety stock, by the method that cost least in the last horizon."""
    return _fitted(data, by_forecast=False)


def _fitted(data: TrainingData, *, by_forecast: bool) -> FittedFamily:
    parameters: InventoryParameters = data.parameters
    data.progress("inventory: demand")
    wanted = daily_parameters(data)
    fitted = fitted_demand(data, wanted)
    catalogue = data.catalogue.to_pyarrow().combine_chunks()
    terms, refused = item_terms(catalogue, fitted.item_ids, parameters)
    report(refused)
    stock = stock_on_hand(data, fitted.item_ids)
    _report_unknown(stock)
    data.progress("inventory: plan")
    demand = item_demand(fitted.forecast, terms)
    if not by_forecast:
        past, value = fitted.items.panel, unit_values(data, fitted.item_ids, parameters)
        method = cheapest_method(past, value, parameters, wanted.horizon_periods)
        demand = replace(demand, cycle=safety_stock_by_item(past, method, terms.protected_days))
    plan = plan_inventory(stock, demand, terms)
    order_method = FORECAST if by_forecast else SAFETY_STOCK
    table = item_table(fitted.item_ids, stock, plan, terms, fitted.end, order_method)
    return FittedFamily(
        write_files=lambda folder: _write_files(folder, parameters, refused),
        table=table,
        columns=COLUMNS,
        replays=_replays(table),
    )


INVENTORY: Final = Family(
    name="inventory",
    kind="items",
    baseline="normal safety stock: mean + z·σ·√(lead time + review period), on the same past and service level",
    gate=Gate("total_cost", higher_is_better=False, label="total cost", unit="items"),
    parameters=InventoryParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
    requires=(DEMAND.name,),
)


def stock_on_hand(data: TrainingData, item_ids: np.ndarray) -> np.ndarray:
    """The latest reported stock of each item, (items,); NaN where none was reported.

    What was reported last is today's stock, however long after the last event. A cut in the past does not see it.
    """
    until = None if data.is_current else data.as_of + REPORT_DELAY
    reported = reported_stock(data.catalogue, until).to_pyarrow().combine_chunks()
    place = pc.index_in(pa.array(item_ids, pa.string()), reported[c.ITEM_ID])
    return reported[c.STOCK].take(place).to_numpy().astype(np.float64)


def _report_unknown(stock: np.ndarray) -> None:
    unknown = int(np.isnan(stock).sum())
    if unknown:
        log.warning("inventory: the stock of %d of %d items is unknown; %s", unknown, len(stock), HOW_TO_TELL)


def item_table(
    item_ids: np.ndarray, stock: np.ndarray, plan: InventoryPlan, terms: ItemTerms, today: np.datetime64, method: str
) -> pa.Table:
    """One row per item; values that depend on the stock are null where the stock is unknown."""
    alerts = inventory_alerts(stock, plan)
    dates = today.astype("datetime64[D]") + np.maximum(plan.stockout_day, 0)
    return pa.table(
        {
            c.ITEM_ID: pa.array(item_ids, pa.string()),
            STOCK_ON_HAND: _known(stock),
            LEAD_TIME_DAYS: terms.lead_time_days,
            REORDER_POINT: np.ceil(plan.reorder_point - ROUNDING),
            ORDER_UP_TO: np.ceil(plan.order_up_to - ROUNDING),
            ORDER_QUANTITY: _known(plan.order_quantity),
            UNIT_COST: _known(terms.unit_cost),
            ORDER_VALUE: _known(np.round(plan.order_quantity * terms.unit_cost, 2)),
            ORDER_METHOD: pa.array([method] * len(item_ids), pa.string()),
            DAYS_OF_COVER: _known(np.round(plan.days_of_cover, 1)),
            STOCKOUT_DATE: pa.array(dates, pa.date32(), mask=plan.stockout_day == NEVER),
            STOCKOUT_PROBABILITY: _known(np.round(plan.stockout_probability, 3)),
            OVERSTOCK_UNITS: _known(np.floor(plan.overstock_units)),
            INVENTORY_ALERT: pa.array(alerts, pa.string(), mask=alerts == ""),
        }
    )


def _known(values: np.ndarray) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def _write_files(folder: Path, parameters: InventoryParameters, refused: list[RefusedTerm]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stated = {"store": asdict(parameters), "refused": [asdict(term) for term in refused]}
    (folder / TERMS_FILE).write_text(json.dumps(stated, indent=2), encoding="utf-8")


def _replays(table: pa.Table) -> list[Replay]:
    """The first item with an alert, the item with the greatest order, and the last item."""
    alert, quantity = table[INVENTORY_ALERT], table[ORDER_QUANTITY]
    first = pc.index(alert.is_valid(), True).as_py()
    greatest = int(np.argmax(quantity.fill_null(-1).to_numpy()))
    chosen = dict.fromkeys([max(first, 0), greatest, table.num_rows - 1])
    rows = [table.slice(place, 1).to_pylist()[0] for place in list(chosen)[:REPLAYS]]
    return [Replay(route="item", request={c.ITEM_ID: row[c.ITEM_ID]}, expected=row) for row in rows]
