"""How a demand forecast is judged: overall, for each class of demand apart, and at every level of the hierarchy."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from models.demand.classification import CLASSES, demand_class
from models.demand.forecast import HIGH, LOW, DemandForecast
from models.demand.metrics import coverage, pinball, rmsse, rmsse_scale, wape
from models.demand.panel import Panel
from pipelines.families.demand.hierarchy import Level, PastForecast, forecast_levels
from pipelines.families.demand.outcome import Outcome
from pipelines.families.family import Metrics

MEAN_PERIODS: Final = {"day": 28, "week": 8, "month": 3}


def judge(came: Outcome, forecast: DemandForecast, panel: Panel) -> Metrics:
    """The metrics over all series and periods that count.

    WAPE judges the median, which minimises absolute errors; RMSSE the mean, which minimises squared ones. Totals are
    those of series that were for sale in the whole horizon.
    """
    whole = came.counts.all(axis=1)
    total, expected = came.units[whole].sum(axis=1), forecast.mean[whole].sum(axis=1)
    band = forecast.total(forecast.horizon, (0.1, 0.9))[whole]
    return {
        "pinball": pinball(came.units, forecast.quantiles, came.counts),
        "wape": wape(came.units, forecast.median, came.counts),
        "rmsse": rmsse(came.units, forecast.mean, panel.units, came.counts),
        "coverage_80": _coverage(came, forecast, came.counts),
        "wape_of_total": wape(total, expected),
        "bias": float(expected.sum() / total.sum() - 1) if total.sum() > 0 else None,
        "coverage_80_of_total": coverage(total, band[:, 0], band[:, 1]) if whole.any() else None,
    }


def judge_in_detail(came: Outcome, forecast: DemandForecast, naive: DemandForecast, panel: Panel) -> dict[str, Any]:
    """Each class of demand apart, a stronger plain baseline, and how many series have no RMSSE."""
    codes = demand_class(panel)
    recent = panel.units[:, -MEAN_PERIODS[panel.frequency.name] :].mean(axis=1, dtype=np.float64)
    moving_average = np.repeat(recent[:, None], forecast.horizon, axis=1)
    return {
        "by_class": {
            name: _judge_class(came, forecast, naive, codes == code)
            for code, name in enumerate(CLASSES)
            if (codes == code).any()
        },
        "moving_average": {
            "periods": MEAN_PERIODS[panel.frequency.name],
            "rmsse": rmsse(came.units, moving_average, panel.units, came.counts),
            "wape": wape(came.units, moving_average, came.counts),
        },
        "series_without_rmsse": int(np.isnan(rmsse_scale(panel.units)).sum()),
    }


def judge_levels(
    came: Outcome,
    forecast: DemandForecast,
    naive: DemandForecast,
    levels: Sequence[Level],
    past: Sequence[PastForecast],
) -> dict[str, Any]:
    """Each level of the hierarchy: errors and bands of its sums, as `forecast_levels` makes them.

    What was told to be out of stock counts neither as expected nor as sold.
    """
    expected = replace(forecast, mean=np.where(came.counts, forecast.mean, 0))
    found = {}
    for level, of_level in zip(levels, forecast_levels(levels, expected, past), strict=True):
        actual = level.sums(np.where(came.counts, came.units, 0))
        low, high = of_level.quantiles[..., LOW], of_level.quantiles[..., HIGH]
        found[level.name] = {
            "nodes": len(level.nodes),
            "wape": wape(actual, of_level.mean),
            "baseline_wape": wape(actual, level.sums(np.where(came.counts, naive.mean, 0))),
            "coverage_80": coverage(actual, low, high),
        }
    return found


def _coverage(came: Outcome, forecast: DemandForecast, where: np.ndarray) -> float | None:
    if not where.any():
        return None
    return coverage(came.units, forecast.quantiles[..., LOW], forecast.quantiles[..., HIGH], where)


def _judge_class(
    came: Outcome, forecast: DemandForecast, naive: DemandForecast, series: np.ndarray
) -> dict[str, float | int | None]:
    """`below_band` and `above_band` are 0.1 each in a perfect band of a demand that is seldom 0.

    Where more than a tenth of the periods sell nothing, the low end is 0 and nothing can fall below: the band then
    holds 90 % by right.
    """
    where = came.counts & series[:, None]
    if not where.any():
        return {"series": int(series.sum())}
    units = came.units[where]
    return {
        "series": int(series.sum()),
        "pinball": pinball(came.units, forecast.quantiles, where),
        "baseline_pinball": pinball(came.units, naive.quantiles, where),
        "wape": wape(came.units, forecast.median, where),
        "coverage_80": _coverage(came, forecast, where),
        "below_band": float((units < forecast.quantiles[..., LOW][where]).mean()),
        "above_band": float((units > forecast.quantiles[..., HIGH][where]).mean()),
        "periods_without_sale": float((units == 0).mean()),
    }
