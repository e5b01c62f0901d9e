"""Backtest of the inventory family: the forecast's orders and safety-stock orders, simulated on the last horizon.

For slow items whose sales are independent, the forecast adds little, and in a small store either method may cost less.
The baseline is the textbook method that cost least on the window before the judged one: a method that is chosen where
it is judged would look better than it is.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np

from contracts.errors import NotEnoughData
from models.demand.panel import Panel
from models.inventory.demand_distribution import DemandForecaster
from models.inventory.evaluation import forecasts_at_reviews, policy_metrics, simulate_policy, window_end
from models.inventory.lead_time_demand import model_forecaster
from models.inventory.safety_stock import DEMAND_DEVIATION, TEXTBOOK_METHODS, NormalDemand, safety_stock_demand
from models.inventory.simulation import SimulatedStock, SimulationTerms
from models.inventory.terms import InventoryParameters
from models.statistics.paired_bootstrap import PairedCases
from pipelines.families.demand.family import DEMAND
from pipelines.families.demand.fit import fit_store_demand
from pipelines.families.demand.panel_builder import StoreDemand, midnight, store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import Backtest, TrainingData
from pipelines.families.inventory.terms import item_terms

FORECAST: Final = "forecast"
MEAN_DAYS: Final = 28  # of the safety stock's moving average
DEFAULT_METHOD: Final = DEMAND_DEVIATION


@dataclass(frozen=True)
class _Store:
    """What every simulation shares."""

    terms: SimulationTerms
    service_level: float
    value: np.ndarray  # (items,) of a unit

    def stock(self, forecaster: DemandForecaster, panel: Panel, start: int) -> SimulatedStock:
        """The stock from period `start` on, where each review orders by the forecaster."""
        stop = window_end(start, panel.periods, self.terms)
        forecasts = forecasts_at_reviews(forecaster, panel, start, stop, self.terms)
        return simulate_policy(forecasts, panel, start, stop, self.service_level, self.terms)

    def metrics(self, stock: SimulatedStock) -> dict[str, float]:
        return policy_metrics(stock, self.terms, self.service_level, self.value)

    def costs(self, stock: SimulatedStock) -> np.ndarray:
        """Of each item, (items,)."""
        holding, shortage = stock.costs(self.terms, self.service_level, self.value)
        return holding + shortage


def backtest(data: TrainingData) -> Backtest:
    """Simulate the orders by the forecast, and those by the textbook method that was cheapest before.

    The model is fitted before the window. At each review, all policies see the sales until then. Costs are in the
    currency of the prices, or per unit where no price is known. Raises NotEnoughData.
    """
    parameters: InventoryParameters = data.parameters
    wanted = replace(daily_parameters(data), by_channel=False)
    horizon = wanted.horizon_periods
    end = midnight(data.as_of)
    origin = end - timedelta(days=horizon)
    terms = simulation_terms(parameters, horizon)
    data.progress("inventory: reading orders")
    known = store_demand(data, wanted, origin, held_out_periods=horizon)
    panel = continued(known, store_demand(data, wanted, end), horizon)
    store = _Store(terms, parameters.service_level, unit_values(data, known.item_ids, parameters))
    baseline = cheapest_method(known.panel, store.value, parameters, horizon)
    data.progress("inventory: fitting on what came before the test window")
    model = fit_store_demand(known, wanted, data)  # the demand family's backtest uses the same one
    data.progress("inventory: simulate")
    forecasters: dict[str, DemandForecaster] = {FORECAST: model_forecaster(model, terms.lead_time, terms.protected)}
    forecasters |= {method: safety_stock_forecaster(method, terms) for method in TEXTBOOK_METHODS}
    start = panel.periods - horizon
    stocks = {name: store.stock(forecaster, panel, start) for name, forecaster in forecasters.items()}
    costs = {name: store.costs(stock) * panel.series for name, stock in stocks.items()}  # whose mean is the total
    return Backtest(
        window_start=origin,
        window_end=end,
        cases=panel.series,
        metrics=dict(store.metrics(stocks[FORECAST])),
        baseline_metrics=dict(store.metrics(stocks[baseline])),
        paired=PairedCases.of_own_units(costs[FORECAST], costs[baseline]),
        baseline_name="safety stock",
        details={
            "baseline": baseline,
            "by_policy": {name: store.metrics(stock) for name, stock in stocks.items()},
            "replay": vars(terms),
        },
    )


def cheapest_method(past: Panel, value: np.ndarray, parameters: InventoryParameters, horizon: int) -> str:
    """The textbook method whose orders cost least on the last horizon of `past`; `value` (items,) is that of a unit.

    DEFAULT_METHOD where the past is shorter than two horizons.
    """
    start = past.periods - horizon
    if start < horizon:
        return DEFAULT_METHOD
    store = _Store(simulation_terms(parameters, horizon), parameters.service_level, value)

    def cost(method: str) -> float:
        stock = store.stock(safety_stock_forecaster(method, store.terms), past, start)
        return float(store.costs(stock).sum())

    return min(TEXTBOOK_METHODS, key=cost)


def daily_parameters(data: TrainingData) -> StoreDemandParameters:
    """The demand family's parameters, by day even where the store forecasts weeks or months, since orders have days."""
    wanted: StoreDemandParameters = data.required[DEMAND.name]
    return wanted if wanted.frequency == "day" else replace(wanted, frequency="day", horizon=None, history=None)


def simulation_terms(parameters: InventoryParameters, horizon: int) -> SimulationTerms:
    """The store's lead time and review period in whole days; raises NotEnoughData where they exceed the window."""
    terms = SimulationTerms(int(np.ceil(parameters.lead_time_days)), int(np.ceil(parameters.review_days)))
    if terms.protected > horizon:
        raise NotEnoughData(
            f"inventory is backtested on {horizon} days, which is shorter than lead time + review period, "
            f"{terms.protected} days. Give demand a longer horizon, or the store shorter terms, and longer ones to the "
            "items that have them."
        )
    return terms


def continued(known: StoreDemand, later: StoreDemand, days: int) -> Panel:
    """The panel of `known` extended by the `days` after it from `later`; an item missing there sold nothing."""
    place = np.searchsorted(later.item_ids, known.item_ids)
    place = np.minimum(place, len(later.item_ids) - 1)
    is_there = later.item_ids[place] == known.item_ids
    after = np.where(is_there[:, None], later.panel.units[place, -days:], np.float32(0))
    return replace(
        known.panel,
        units=np.hstack([known.panel.units, after]),
        is_observed=np.hstack([known.panel.is_observed, np.ones(after.shape, dtype=bool)]),
    )


def safety_stock_forecaster(method: str, terms: SimulationTerms) -> DemandForecaster:
    """Normal demand of lead time + review period, by one of the textbook methods."""
    return lambda past: safety_stock_demand(past.units, past.is_observed, terms.protected, method, MEAN_DAYS)


def safety_stock_by_item(past: Panel, method: str, days: np.ndarray) -> NormalDemand:
    """Normal demand of each item's own number of future `days`, (items,), by one of the textbook methods."""
    mean, sigma = np.zeros(past.series), np.zeros(past.series)
    for number in np.unique(days).tolist():
        alike = days == number
        found = safety_stock_demand(past.units[alike], past.is_observed[alike], number, method, MEAN_DAYS)
        mean[alike], sigma[alike] = found.mean, found.sigma
    return NormalDemand(mean, sigma)


def unit_values(data: TrainingData, item_ids: np.ndarray, parameters: InventoryParameters) -> np.ndarray:
    """Holding cost per unit and day, (items,): the median where an item's unit cost is unknown, 1 where all are."""
    terms, _ = item_terms(data.catalogue.to_pyarrow().combine_chunks(), item_ids, parameters)
    cost = terms.daily_holding_cost
    if np.isnan(cost).all():
        return np.ones(len(cost))
    return np.where(np.isnan(cost), np.nanmedian(cost), cost)
