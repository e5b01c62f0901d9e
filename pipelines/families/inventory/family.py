"""The inventory family: what to order today, what will run out, and what there is too much of."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.bundle import Replay
from models.inventory.alerts import ALERTS, inventory_alerts
from models.inventory.policy import NEVER, InventoryPlan, days_protected, plan_inventory
from models.inventory.terms import InventoryParameters, ItemTerms
from pipelines.families.demand.family import DEMAND
from pipelines.families.demand.fit import fitted_demand
from pipelines.families.demand.panel_builder import REPORT_DELAY, items_as_series
from pipelines.families.family import Family, FittedFamily, Gate, TrainingData
from pipelines.families.inventory.backtest import FORECAST, backtest, daily_parameters, replayed, textbook_demand
from pipelines.families.inventory.outlook import demand_outlook
from pipelines.families.inventory.terms import RefusedTerm, item_terms, report
from pipelines.features.stock import stock_told

TERMS_FILE: Final = "terms.json"
STOCK_ON_HAND: Final = "stock_on_hand"
LEAD_TIME_DAYS: Final = "lead_time_days"
REORDER_POINT: Final = "reorder_point"
ORDER_UP_TO: Final = "order_up_to"
ORDER_QUANTITY: Final = "order_quantity"
ORDER_METHOD: Final = "order_method"
DAYS_OF_COVER: Final = "days_of_cover"
STOCKOUT_DATE: Final = "stockout_date"
STOCKOUT_PROBABILITY: Final = "stockout_probability"
OVERSTOCK_UNITS: Final = "overstock_units"
INVENTORY_ALERT: Final = "inventory_alert"
SAFETY_STOCK: Final = "safety_stock"
REPLAYS: Final = 3
ROUNDING: Final = 1e-6  # a level of 3.0000001 units is one of 3

_ALERTS: Final = "; ".join(f"{name}: {words}" for name, words in ALERTS.items())
COLUMNS: Final[dict[str, str]] = {
    STOCK_ON_HAND: "Units on the shelf when you last told. Empty: you have not told, and we cannot say what to order.",
    LEAD_TIME_DAYS: "Days from ordering it to having it, as told for the item, or else for the store.",
    REORDER_POINT: (
        "When the units on hand and on order together fall below this, order: the next order after today's might come "
        "too late."
    ),
    ORDER_UP_TO: "Order until the units on hand and on order together come to this.",
    ORDER_QUANTITY: "Units to order today, in whole packs; 0: none.",
    ORDER_METHOD: (
        "What the level comes from, whichever would have cost the store less in the last weeks. forecast: the "
        "quantiles of the demand forecast; safety_stock: mean and spread of past sales, as in the textbook."
    ),
    DAYS_OF_COVER: "How many days the stock lasts if sales go as expected. Empty as well where none are expected.",
    STOCKOUT_DATE: "The day on which the shelf is likely to be empty. Empty: not within the days we look ahead.",
    STOCKOUT_PROBABILITY: "The chance that customers ask for more than there is before the next delivery can arrive.",
    OVERSTOCK_UNITS: "Units that will not even sell in the weeks after the usual stock is gone: think of a discount.",
    INVENTORY_ALERT: f"What to look at first, the most urgent that applies. {_ALERTS}. Empty: all is well.",
}


def fit(data: TrainingData) -> FittedFamily:
    """Plan every item that is forecast, from the stock told last, by the policy that would have cost least lately."""
    parameters: InventoryParameters = data.parameters
    data.progress("inventory: demand")
    demand = fitted_demand(data, daily_parameters(data))
    catalogue = data.catalogue.to_pyarrow().combine_chunks()
    terms, refused = item_terms(catalogue, demand.item_ids, parameters)
    report(refused)
    stock = stock_on_hand(data, demand.item_ids)
    data.progress("inventory: plan")
    outlook, policy = demand_outlook(demand.forecast, terms), replayed(data).chosen
    if policy != FORECAST:
        past = items_as_series(demand.demand).panel
        outlook = replace(outlook, cycle=textbook_demand(past, policy, days_protected(terms)))
    plan = plan_inventory(stock, outlook, terms)
    table = item_table(demand.item_ids, stock, plan, terms, demand.end, policy)
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
    gate=Gate(metric="total_cost", higher_is_better=False, answers_as_baseline=True),
    parameters=InventoryParameters,
    backtest=backtest,
    fit=fit,
    requires=(DEMAND.name,),
)


def stock_on_hand(data: TrainingData, item_ids: np.ndarray) -> np.ndarray:
    """The stock told last of each item, (items,); NaN where none was told."""
    told = stock_told(data.catalogue, data.as_of + REPORT_DELAY).to_pyarrow().combine_chunks()
    place = pc.index_in(pa.array(item_ids, pa.string()), told[c.ITEM_ID])
    stock: np.ndarray = told[c.STOCK].take(place).to_numpy().astype(np.float64)
    return stock


def item_table(
    item_ids: np.ndarray, stock: np.ndarray, plan: InventoryPlan, terms: ItemTerms, today: np.datetime64, policy: str
) -> pa.Table:
    """One row per item; what depends on the stock is null where the stock is not told."""
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
            ORDER_METHOD: pa.array([FORECAST if policy == FORECAST else SAFETY_STOCK] * len(item_ids), pa.string()),
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
    """The first item with an alert, the one with the greatest order, and the last one."""
    alert, quantity = table[INVENTORY_ALERT], table[ORDER_QUANTITY]
    first = pc.index(alert.is_valid(), True).as_py()
    greatest = int(np.argmax(quantity.fill_null(-1).to_numpy()))
    chosen = dict.fromkeys([max(first, 0), greatest, table.num_rows - 1])
    rows = [table.slice(place, 1).to_pylist()[0] for place in list(chosen)[:REPLAYS]]
    return [Replay(route="item", request={c.ITEM_ID: row[c.ITEM_ID]}, expected=row) for row in rows]
