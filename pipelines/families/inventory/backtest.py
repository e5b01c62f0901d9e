"""Backtest of the inventory family: the forecast's orders and safety-stock orders, simulated on the last horizon.

For slow items whose sales are independent, the forecast adds little, and in a small store either method may cost less.
The store's orders are therefore made with the method that would have cost less.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from contracts.errors import NotEnoughData
from models.demand.panel import Panel
from models.inventory.demand_distribution import DemandForecaster
from models.inventory.evaluation import forecasts_at_reviews, policy_metrics, simulate_policy, window_end
from models.inventory.lead_time_demand import model_forecaster
from models.inventory.safety_stock import TEXTBOOK_METHODS, NormalDemand, safety_stock_demand
from models.inventory.simulation import SimulationTerms
from models.inventory.terms import InventoryParameters
from pipelines.families.demand.family import DEMAND
from pipelines.families.demand.fit import fit_store_demand
from pipelines.families.demand.panel_builder import StoreDemand, midnight, store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import Backtest, TrainingData
from pipelines.families.inventory.terms import item_terms

FORECAST: Final = "forecast"
MEAN_DAYS: Final = 28  # of the safety stock's moving average


@dataclass(frozen=True)
class PolicyComparison:
    """Cost and service of each policy's orders on one window."""

    start: datetime
    end: datetime
    items: int
    terms: SimulationTerms
    metrics: Mapping[str, dict[str, float]]

    @property
    def baseline(self) -> str:
        """The textbook method that costs least."""
        return min(TEXTBOOK_METHODS, key=self._cost)

    @property
    def chosen(self) -> str:
        """The forecast if it costs less than the baseline, else the baseline."""
        return FORECAST if self._cost(FORECAST) < self._cost(self.baseline) else self.baseline

    def _cost(self, policy: str) -> float:
        return self.metrics[policy]["total_cost"]


def backtest(data: TrainingData) -> Backtest:
    """The policy that would have cost least, and the cheapest textbook method as the baseline."""
    found = compare_policies(data)
    return Backtest(
        window_start=found.start,
        window_end=found.end,
        cases=found.items,
        metrics=dict(found.metrics[found.chosen]),
        baseline_metrics=dict(found.metrics[found.baseline]),
        details={
            "policy": found.chosen,
            "baseline": found.baseline,
            "by_policy": dict(found.metrics),
            "replay": vars(found.terms),
        },
    )


def compare_policies(data: TrainingData) -> PolicyComparison:
    """Simulate all policies at the store's terms, with one model fitted before the window; once in a training run.

    At each review, all policies see the sales until then. Costs are in the currency of the prices, or per unit where no
    price is known. Raises NotEnoughData.
    """
    key = (PolicyComparison, data.as_of, data.parameters, daily_parameters(data), data.seed)
    return data.cache.once(key, lambda: _compare(data), (data.events, data.catalogue))


def _compare(data: TrainingData) -> PolicyComparison:
    parameters: InventoryParameters = data.parameters
    wanted = replace(daily_parameters(data), by_channel=False)
    horizon = wanted.horizon_periods
    end = midnight(data.as_of)
    origin = end - timedelta(days=horizon)
    terms = simulation_terms(parameters, horizon)
    data.progress("inventory: reading orders")
    known = store_demand(data, wanted, origin, held_out_periods=horizon)
    later = store_demand(data, wanted, end)
    panel = continued(known, later, horizon)
    data.progress("inventory: fitting on what came before the test window")
    model = fit_store_demand(known, wanted, data)  # the demand family's backtest uses the same one
    data.progress("inventory: simulate")
    forecasters: dict[str, DemandForecaster] = {FORECAST: model_forecaster(model, terms.lead_time, terms.protected)}
    forecasters |= {method: safety_stock_forecaster(method, terms) for method in TEXTBOOK_METHODS}
    value = _unit_values(data, known.item_ids, parameters)
    start = panel.periods - horizon
    stop = window_end(start, panel.periods, terms)
    found = {}
    for name, forecaster in forecasters.items():
        forecasts = forecasts_at_reviews(forecaster, panel, start, stop, terms)
        stock = simulate_policy(forecasts, panel, start, stop, parameters.service_level, terms)
        found[name] = policy_metrics(stock, terms, parameters.service_level, value)
    return PolicyComparison(origin, end, panel.series, terms, found)


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


def _unit_values(data: TrainingData, item_ids: np.ndarray, parameters: InventoryParameters) -> np.ndarray:
    """Holding cost per unit and day, (items,): the median where an item's unit cost is unknown, 1 where all are."""
    terms, _ = item_terms(data.catalogue.to_pyarrow().combine_chunks(), item_ids, parameters)
    cost = terms.daily_holding_cost
    if np.isnan(cost).all():
        return np.ones(len(cost))
    return np.where(np.isnan(cost), np.nanmedian(cost), cost)
