"""How good a demand forecast was: overall, by class of demand, and at every level of the hierarchy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from models.demand.classification import CLASSES, demand_class
from models.demand.forecast import HIGH, LOW, DemandForecast
from models.demand.metrics import coverage, pinball, pinball_losses, rmsse, rmsse_scale, wape
from models.demand.panel import Panel
from models.statistics.paired_bootstrap import PairedCases
from pipelines.families.demand.hierarchy import HierarchyLevel, PastForecast, forecast_levels
from pipelines.families.demand.panel_builder import StoreDemand
from pipelines.families.family import Metrics

MEAN_PERIODS: Final = {"day": 28, "week": 8, "month": 3}


@dataclass(frozen=True)
class ActualDemand:
    """Units of each series and step after the origin, (series, steps), and what sold of series without a forecast.

    `evaluated` (series, steps) bool is false in periods for which the shop reported a stock-out. Periods whose
    stock-out was only inferred are evaluated: it was inferred from the very units that are evaluated here.
    """

    units: np.ndarray
    evaluated: np.ndarray
    details: dict[str, Any]


def actual_demand(known: StoreDemand, later: StoreDemand, periods: int) -> ActualDemand:
    """The units in `later` of the `periods` after `known` ends; a series that is not in `later` sold nothing."""
    index = _indices(later.series_keys, known.series_keys)
    is_there = index >= 0
    units = np.zeros((len(index), periods))
    units[is_there] = later.panel.units[index[is_there], -periods:]
    evaluated = np.ones(units.shape, dtype=bool)
    evaluated[is_there] = ~later.reported_stock_out[later.item[index[is_there]], -periods:]
    is_without_forecast = ~np.isin(np.arange(later.panel.series), index)
    sold = later.panel.units[is_without_forecast, -periods:].sum(axis=1, dtype=np.float64)
    details = {
        "series_not_forecast": int((sold > 0).sum()),
        "units_not_forecast": float(sold.sum()),
        "share_out_of_stock_as_told": float(1 - evaluated.mean()),
    }
    return ActualDemand(units, evaluated, details)


def evaluate(outcome: ActualDemand, forecast: DemandForecast, panel: Panel) -> Metrics:
    """Metrics over all series and periods that are evaluated.

    WAPE is of the median, which minimises absolute errors; RMSSE of the mean, which minimises squared errors. Totals
    are over the whole horizon, of series that are evaluated in all of it.
    """
    whole = outcome.evaluated.all(axis=1)
    total, expected = outcome.units[whole].sum(axis=1), forecast.mean[whole].sum(axis=1)
    band = forecast.total(forecast.horizon, (0.1, 0.9))[whole]
    return {
        "pinball": pinball(outcome.units, forecast.quantiles, outcome.evaluated),
        "wape": wape(outcome.units, forecast.median, outcome.evaluated),
        "rmsse": rmsse(outcome.units, forecast.mean, panel.units, outcome.evaluated),
        "coverage_80": _coverage(outcome, forecast, outcome.evaluated),
        "wape_of_total": wape(total, expected),
        "bias": float(expected.sum() / total.sum() - 1) if total.sum() > 0 else None,
        "coverage_80_of_total": coverage(total, band[:, 0], band[:, 1]) if whole.any() else None,
    }


def paired_by_item(
    outcome: ActualDemand, forecast: DemandForecast, baseline: DemandForecast, known: StoreDemand
) -> PairedCases:
    """The pinball losses of both forecasts in every evaluated period of a series; what depends is an item's series."""
    series, step = np.nonzero(outcome.evaluated)
    ours, theirs = (pinball_losses(outcome.units, each.quantiles)[series, step] for each in (forecast, baseline))
    return PairedCases(known.item[series], ours, theirs)


def evaluate_in_detail(
    outcome: ActualDemand, forecast: DemandForecast, naive: DemandForecast, panel: Panel
) -> dict[str, Any]:
    """Metrics by class of demand, a moving average as a stronger baseline, and how many series have no RMSSE."""
    codes = demand_class(panel)
    recent = panel.units[:, -MEAN_PERIODS[panel.frequency.name] :].mean(axis=1, dtype=np.float64)
    moving_average = np.repeat(recent[:, None], forecast.horizon, axis=1)
    return {
        "by_class": {
            name: _evaluate_class(outcome, forecast, naive, codes == code)
            for code, name in enumerate(CLASSES)
            if (codes == code).any()
        },
        "moving_average": {
            "periods": MEAN_PERIODS[panel.frequency.name],
            "rmsse": rmsse(outcome.units, moving_average, panel.units, outcome.evaluated),
            "wape": wape(outcome.units, moving_average, outcome.evaluated),
        },
        "series_without_rmsse": int(np.isnan(rmsse_scale(panel.units)).sum()),
    }


def evaluate_levels(
    outcome: ActualDemand,
    forecast: DemandForecast,
    naive: DemandForecast,
    levels: Sequence[HierarchyLevel],
    past: Sequence[PastForecast],
) -> dict[str, Any]:
    """Each level of the hierarchy: errors and bands of its sums, as `forecast_levels` makes them.

    Reported stock-outs count neither as forecast nor as sold.
    """
    expected = replace(forecast, mean=np.where(outcome.evaluated, forecast.mean, 0))
    found = {}
    for level, of_level in zip(levels, forecast_levels(levels, expected, past), strict=True):
        actual = level.sums(np.where(outcome.evaluated, outcome.units, 0))
        low, high = of_level.quantiles[..., LOW], of_level.quantiles[..., HIGH]
        found[level.name] = {
            "nodes": len(level.nodes),
            "wape": wape(actual, of_level.mean),
            "baseline_wape": wape(actual, level.sums(np.where(outcome.evaluated, naive.mean, 0))),
            "coverage_80": coverage(actual, low, high),
        }
    return found


def _coverage(outcome: ActualDemand, forecast: DemandForecast, where: np.ndarray) -> float | None:
    if not where.any():
        return None
    return coverage(outcome.units, forecast.quantiles[..., LOW], forecast.quantiles[..., HIGH], where)


def _evaluate_class(
    outcome: ActualDemand, forecast: DemandForecast, naive: DemandForecast, series: np.ndarray
) -> dict[str, float | int | None]:
    """`below_band` and `above_band` are 0.1 each for a perfect band of a demand that is seldom 0.

    Where more than a tenth of the periods sell nothing, the low end is 0 and no demand is below it. A perfect band then
    holds 90 %.
    """
    where = outcome.evaluated & series[:, None]
    if not where.any():
        return {"series": int(series.sum())}
    units = outcome.units[where]
    return {
        "series": int(series.sum()),
        "pinball": pinball(outcome.units, forecast.quantiles, where),
        "baseline_pinball": pinball(outcome.units, naive.quantiles, where),
        "wape": wape(outcome.units, forecast.median, where),
        "coverage_80": _coverage(outcome, forecast, where),
        "below_band": float((units < forecast.quantiles[..., LOW][where]).mean()),
        "above_band": float((units > forecast.quantiles[..., HIGH][where]).mean()),
        "periods_without_sale": float((units == 0).mean()),
    }


def _indices(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The index of each wanted key among the known ones, -1 where it is missing; keys are rows of text."""
    index_of = {tuple(key): index for index, key in enumerate(known.tolist())}
    return np.array([index_of.get(tuple(key), -1) for key in wanted.tolist()], dtype=np.int64)
