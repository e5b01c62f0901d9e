"""How the inventory family is judged: its orders and the textbook's, replayed on the last horizon before `as_of`."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import numpy as np

from contracts.errors import NotEnoughData
from models.inventory_belief import forecast_belief
from models.inventory_judgement import (
    Belief,
    beliefs_at_reviews,
    policy_metrics,
    replay_beliefs,
    window_end,
)
from models.inventory_replay import ReplayTerms
from models.inventory_safety_stock import USUAL, safety_stock_demand
from models.inventory_terms import InventoryParameters
from models.panel import Panel
from pipelines.families.declaration import Backtest, TrainingData
from pipelines.families.demand_fit import demand_parameters, fit_store_demand
from pipelines.families.demand_parameters import StoreDemandParameters
from pipelines.families.demand_store import StoreDemand, midnight, store_demand
from pipelines.families.inventory_terms import item_terms

MEAN_DAYS: Final = 28  # of the textbook's moving average


def backtest(data: TrainingData) -> Backtest:
    """Replay both policies at the store's own terms, with one model, fitted before the window.

    At each review both see what was sold until then. Costs are in the currency of the prices, or per unit where no
    price is known. Of the textbook's usual ways the one that costs least is the baseline.
    """
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
    beliefs: dict[str, Belief] = {"ours": forecast_belief(model, terms)}
    beliefs |= {spread: textbook_belief(spread, terms) for spread in USUAL}
    value = _unit_values(data, known.item_ids, parameters)
    start = panel.periods - horizon
    stop = window_end(start, panel.periods, terms)
    found = {}
    for name, belief in beliefs.items():
        believed = beliefs_at_reviews(belief, panel, start, stop, terms)
        stock = replay_beliefs(believed, panel, start, stop, parameters.service_level, terms)
        found[name] = policy_metrics(stock, terms, parameters.service_level, value)
    baseline = min(USUAL, key=lambda name: found[name]["total_cost"])
    return Backtest(
        window_start=origin,
        window_end=midnight(data.as_of),
        cases=panel.series,
        metrics=dict(found["ours"]),
        baseline_metrics=dict(found[baseline]),
        details={"baseline": baseline, "textbook": {name: found[name] for name in USUAL}, "replay": vars(terms)},
    )


def daily_parameters(data: TrainingData) -> StoreDemandParameters:
    """The parameters of demand, by the day even where the shop looks at weeks or months: orders have days."""
    wanted = demand_parameters(data)
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
        is_known=np.hstack([known.panel.is_known, np.ones(came.shape, dtype=bool)]),
    )


def textbook_belief(spread: str, terms: ReplayTerms) -> Belief:
    """Mean and z·σ of the protected time."""
    return lambda past: safety_stock_demand(past.units, past.is_known, terms.protected, spread, MEAN_DAYS)


def _unit_values(data: TrainingData, item_ids: np.ndarray, parameters: InventoryParameters) -> np.ndarray:
    """What holding a unit for a day costs, (items,): of items whose unit cost is not known the median; 1 if all are."""
    terms, _ = item_terms(data.catalogue.to_pyarrow().combine_chunks(), item_ids, parameters)
    cost = terms.daily_holding_cost
    if np.isnan(cost).all():
        return np.ones(len(cost))
    return np.where(np.isnan(cost), np.nanmedian(cost), cost)
