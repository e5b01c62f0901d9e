"""How a demand forecast is judged: overall, and for each class of demand apart."""

from typing import Any

import numpy as np

from models.demand_forecast import DemandForecast
from models.demand_history import CLASSES, DemandHistory, demand_class
from models.demand_metrics import coverage, pinball, rmsse, rmsse_scale, wape
from pipelines.families.declaration import Metrics


def judge(
    actual: np.ndarray,
    forecast: DemandForecast,
    history: DemandHistory,
    total_band: tuple[np.ndarray, np.ndarray] | None = None,
) -> Metrics:
    """The metrics over all items and days; `actual` is (items, days), `total_band` the ends of the horizon's total.

    WAPE judges the median, which minimises absolute errors; RMSSE the mean, which minimises squared ones.
    """
    total, expected = actual.sum(axis=1), forecast.mean.sum(axis=1)
    return {
        "pinball": pinball(actual, forecast.quantiles),
        "wape": wape(actual, forecast.quantiles[..., 1]),
        "rmsse": rmsse(actual, forecast.mean, history.units),
        "coverage_80": coverage(actual, forecast.quantiles[..., 0], forecast.quantiles[..., -1]),
        "wape_of_total": wape(total, expected),
        "bias": float(expected.sum() / total.sum() - 1) if total.sum() > 0 else None,
        "coverage_80_of_total": coverage(total, *total_band) if total_band else None,
    }


def judge_in_detail(
    actual: np.ndarray, forecast: DemandForecast, naive: DemandForecast, history: DemandHistory
) -> dict[str, Any]:
    """Each class of demand apart, a stronger plain baseline, and how many items have no RMSSE."""
    item_class = demand_class(history)
    moving_average = np.repeat(history.units[:, -28:].mean(axis=1, dtype=np.float64)[:, None], actual.shape[1], axis=1)
    return {
        "by_class": {
            name: _judge_class(actual[item_class == code], forecast, naive, item_class == code)
            for code, name in enumerate(CLASSES)
            if (item_class == code).any()
        },
        "moving_average_28d": {
            "rmsse": rmsse(actual, moving_average, history.units),
            "wape": wape(actual, moving_average),
        },
        "items_without_rmsse": int(np.isnan(rmsse_scale(history.units)).sum()),
    }


def _judge_class(
    actual: np.ndarray, forecast: DemandForecast, naive: DemandForecast, items: np.ndarray
) -> dict[str, float | int | None]:
    """`below_band` and `above_band` are 0.1 each in a perfect band of a demand that is seldom 0.

    Where more than a tenth of the days sell nothing, the low end is 0 and nothing can fall below: the band then holds
    90 % by right.
    """
    quantiles = forecast.quantiles[items]
    return {
        "items": len(actual),
        "pinball": pinball(actual, quantiles),
        "baseline_pinball": pinball(actual, naive.quantiles[items]),
        "wape": wape(actual, quantiles[..., 1]),
        "coverage_80": coverage(actual, quantiles[..., 0], quantiles[..., -1]),
        "below_band": float((actual < quantiles[..., 0]).mean()),
        "above_band": float((actual > quantiles[..., -1]).mean()),
        "days_without_sale": float((actual == 0).mean()),
    }
