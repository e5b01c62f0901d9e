"""How the inventory family is judged: its orders and the textbook's, replayed on the last horizon before `as_of`.

Of slow items, whose sales are as independent as a textbook wants them, the forecast has little to add, and in a small
store either may come out ahead. So the store's orders are made in the way that would have cost less.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from contracts.errors import NotEnoughData
from models.demand.panel import Panel
from models.inventory.evaluation import (
    Belief,
    beliefs_at_reviews,
    policy_metrics,
    replay_beliefs,
    window_end,
)
from models.inventory.lead_time_demand import forecast_belief
from models.inventory.safety_stock import USUAL, NormalDemand, safety_stock_demand
from models.inventory.simulation import ReplayTerms
from models.inventory.terms import InventoryParameters
from pipelines.families.demand.family import DEMAND
from pipelines.families.demand.fit import fit_store_demand
from pipelines.families.demand.panel_builder import StoreDemand, midnight, store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import Backtest, TrainingData
from pipelines.families.inventory.terms import item_terms

FORECAST: Final = "forecast"
MEAN_DAYS: Final = 28  # of the textbook's moving average


@dataclass(frozen=True)
class Replayed:
    """What the orders of each policy would have cost on a window, and how they would have served."""

    start: datetime
    end: datetime
    items: int
    terms: ReplayTerms
    metrics: Mapping[str, dict[str, float]]

    @property
    def textbook(self) -> str:
        """Of the textbook's usual ways the one that costs least."""
        return min(USUAL, key=self._cost)

    @property
    def chosen(self) -> str:
        """The forecast where it costs less than all of these, else the cheapest of them."""
        return FORECAST if self._cost(FORECAST) < self._cost(self.textbook) else self.textbook

    def _cost(self, policy: str) -> float:
        return self.metrics[policy]["total_cost"]


def backtest(data: TrainingData) -> Backtest:
    """The policy that would have cost least, beside the cheapest of the textbook's usual ways."""
    found = replayed(data)
    return Backtest(
        window_start=found.start,
        window_end=found.end,
        cases=found.items,
        metrics=dict(found.metrics[found.chosen]),
        baseline_metrics=dict(found.metrics[found.textbook]),
        details={
            "policy": found.chosen,
            "baseline": found.textbook,
            "by_policy": dict(found.metrics),
            "replay": vars(found.terms),
        },
    )


def replayed(data: TrainingData) -> Replayed:
    """Replay all policies at the store's own terms, with one model, fitted before the window; once in a run.

    At each review all see what was sold until then. Costs are in the currency of the prices, or per unit where no
    price is known. Raises NotEnoughData.
    """
    key = (Replayed, data.as_of, data.parameters, daily_parameters(data), data.seed)
    return data.cache.once(key, lambda: _replayed(data), (data.events, data.catalogue))


def _replayed(data: TrainingData) -> Replayed:
    parameters: InventoryParameters = data.parameters
    wanted = replace(daily_parameters(data), by_channel=False)
    horizon = wanted.horizon_periods
    end = midnight(data.as_of)
    origin = end - timedelta(days=horizon)
    terms = replay_terms(parameters, horizon)
    data.progress("inventory: reading orders")
    known = store_demand(data, wanted, origin, held_out_periods=horizon)
    later = store_demand(data, wanted, end)
    panel = continued(known, later, horizon)
    data.progress("inventory: fitting on what came before the test window")
    model = fit_store_demand(known, wanted, data)  # where the demand family was judged before, the one it was judged by
    data.progress("inventory: replay")
    beliefs: dict[str, Belief] = {FORECAST: forecast_belief(model, terms)}
    beliefs |= {spread: textbook_belief(spread, terms) for spread in USUAL}
    value = _unit_values(data, known.item_ids, parameters)
    start = panel.periods - horizon
    stop = window_end(start, panel.periods, terms)
    found = {}
    for name, belief in beliefs.items():
        believed = beliefs_at_reviews(belief, panel, start, stop, terms)
        stock = replay_beliefs(believed, panel, start, stop, parameters.service_level, terms)
        found[name] = policy_metrics(stock, terms, parameters.service_level, value)
    return Replayed(origin, end, panel.series, terms, found)


def daily_parameters(data: TrainingData) -> StoreDemandParameters:
    """The parameters of demand, by the day even where the shop looks at weeks or months: orders have days."""
    wanted: StoreDemandParameters = data.required[DEMAND.name]
    return wanted if wanted.frequency == "day" else replace(wanted, frequency="day", horizon=None, history=None)


def replay_terms(parameters: InventoryParameters, horizon: int) -> ReplayTerms:
    """The store's lead time and review in whole days, which must fit the window. Raises NotEnoughData."""
    terms = ReplayTerms(int(np.ceil(parameters.lead_time_days)), int(np.ceil(parameters.review_days)))
    if terms.protected > horizon:
        raise NotEnoughData(
            f"inventory is judged on {horizon} days, in which nothing would arrive that was ordered for lead time + "
            f"review period, {terms.protected} days. Give demand a longer horizon, or the store shorter terms, and "
            "longer ones to the single items that have them."
        )
    return terms


def continued(known: StoreDemand, later: StoreDemand, days: int) -> Panel:
    """The panel of `known` with the `days` after it, as `later` tells them; an item that is not in it sold nothing."""
    place = np.searchsorted(later.item_ids, known.item_ids)
    place = np.minimum(place, len(later.item_ids) - 1)
    is_there = later.item_ids[place] == known.item_ids
    came = np.where(is_there[:, None], later.panel.units[place, -days:], np.float32(0))
    return replace(
        known.panel,
        units=np.hstack([known.panel.units, came]),
        is_observed=np.hstack([known.panel.is_observed, np.ones(came.shape, dtype=bool)]),
    )


def textbook_belief(spread: str, terms: ReplayTerms) -> Belief:
    """Mean and z·σ of the protected time."""
    return lambda past: safety_stock_demand(past.units, past.is_observed, terms.protected, spread, MEAN_DAYS)


def textbook_demand(past: Panel, way: str, days: np.ndarray) -> NormalDemand:
    """Mean and σ of each item's own number of `days` to come, (items,), in one of the textbook's ways."""
    mean, sigma = np.zeros(past.series), np.zeros(past.series)
    for number in np.unique(days).tolist():
        alike = days == number
        found = safety_stock_demand(past.units[alike], past.is_observed[alike], number, way, MEAN_DAYS)
        mean[alike], sigma[alike] = found.mean, found.sigma
    return NormalDemand(mean, sigma)


def _unit_values(data: TrainingData, item_ids: np.ndarray, parameters: InventoryParameters) -> np.ndarray:
    """What holding a unit for a day costs, (items,): of items whose unit cost is not known the median; 1 if all are."""
    terms, _ = item_terms(data.catalogue.to_pyarrow().combine_chunks(), item_ids, parameters)
    cost = terms.daily_holding_cost
    if np.isnan(cost).all():
        return np.ones(len(cost))
    return np.where(np.isnan(cost), np.nanmedian(cost), cost)
