"""How good a demand forecast was: overall, by class of demand, and at every level of the hierarchy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from models.demand.baseline import own_recent, seasonal_naive
from models.demand.forecast import HIGH, LOW, DemandForecast
from models.demand.metrics import coverage, pinball, pinball_losses, rmsse, rmsse_scale, tied_coverage, wape
from models.demand.panel import CLASSES, Panel, demand_class
from models.statistics.paired_bootstrap import PairedCases
from pipelines.families.demand.fit import HierarchyLevel, PastForecast, forecast_levels
from pipelines.families.demand.panel_builder import StoreDemand
from pipelines.families.family import Metrics

BASELINES: Final[dict[str, Callable[[Panel, int], DemandForecast]]] = {
    "seasonal_naive": seasonal_naive,
    "own_recent_sales": own_recent,
}


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
        "wape_mean": wape(outcome.units, forecast.mean, outcome.evaluated),
        "coverage_80": _coverage(outcome, forecast, outcome.evaluated),
        "coverage_80_tied": _coverage(outcome, forecast, outcome.evaluated, tied_coverage),
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


def stronger_baseline(outcome: ActualDemand, panel: Panel, horizon: int) -> tuple[str, dict[str, DemandForecast]]:
    """All BASELINES' forecasts, and the name of the one with less pinball loss in the test window."""
    found = {name: forecast(panel, horizon) for name, forecast in BASELINES.items()}
    return min(found, key=lambda name: pinball(outcome.units, found[name].quantiles, outcome.evaluated)), found


def evaluate_in_detail(
    outcome: ActualDemand,
    forecast: DemandForecast,
    baseline: str,
    baselines: Mapping[str, DemandForecast],
    panel: Panel,
) -> dict[str, Any]:
    """Metrics by class of demand, those of each of the BASELINES, and how many series have no RMSSE."""
    codes = demand_class(panel)
    return {
        "baseline": baseline,
        "by_class": {
            name: _evaluate_class(outcome, forecast, baselines[baseline], codes == code)
            for code, name in enumerate(CLASSES)
            if (codes == code).any()
        },
        "baselines": {name: evaluate(outcome, of, panel) for name, of in baselines.items()},
        "series_without_rmsse": int(np.isnan(rmsse_scale(panel.units)).sum()),
    }


def evaluate_levels(
    outcome: ActualDemand,
    forecast: DemandForecast,
    baseline: DemandForecast,
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
            "baseline_wape": wape(actual, level.sums(np.where(outcome.evaluated, baseline.mean, 0))),
            "coverage_80": coverage(actual, low, high),
            "coverage_80_tied": tied_coverage(actual, low, high),
        }
    return found


def _coverage(
    outcome: ActualDemand, forecast: DemandForecast, where: np.ndarray, metric: Callable[..., float] = coverage
) -> float | None:
    if not where.any():
        return None
    return metric(outcome.units, forecast.quantiles[..., LOW], forecast.quantiles[..., HIGH], where)


def _evaluate_class(
    outcome: ActualDemand, forecast: DemandForecast, baseline: DemandForecast, series: np.ndarray
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
        "baseline_pinball": pinball(outcome.units, baseline.quantiles, where),
        "wape": wape(outcome.units, forecast.median, where),
        "coverage_80": _coverage(outcome, forecast, where),
        "coverage_80_tied": _coverage(outcome, forecast, where, tied_coverage),
        "below_band": float((units < forecast.quantiles[..., LOW][where]).mean()),
        "above_band": float((units > forecast.quantiles[..., HIGH][where]).mean()),
        "periods_without_sale": float((units == 0).mean()),
    }


def _indices(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The index of each wanted key among the known ones, -1 where it is missing; keys are rows of text."""
    index_of = {tuple(key): index for index, key in enumerate(known.tolist())}
    return np.array([index_of.get(tuple(key), -1) for key in wanted.tolist()], dtype=np.int64)
