"""Metrics of a probabilistic forecast: WAPE, RMSPE, RMSSE, pinball loss and coverage."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.demand.data import LEVELS, Answer, Origin
from models.demand.metrics import rmsse_scale, share_outside
from models.demand.panel import ALL_ZERO, CLASSES

HEADLINE_LEVELS: Final = (0.1, 0.5, 0.9)
_HEADLINE: Final = [LEVELS.index(level) for level in HEADLINE_LEVELS]
_LOW, _, _HIGH = _HEADLINE
# Averaged over cells; all others over origins.
POOLED: Final = ("coverage_80", "below_low", "at_low", "at_high", "above_high")
COUNTED: Final = ("series", "cells")
Metrics = dict[str, float | None]


@dataclass(frozen=True)
class Judge:
    """Scores forecasts at one origin; the scales are computed from its past."""

    origin: Origin
    squared_scale: np.ndarray
    absolute_scale: np.ndarray

    @classmethod
    def of(cls, origin: Origin) -> "Judge":
        """The judge of an origin."""
        units = origin.past.units
        return cls(origin, rmsse_scale(units), _absolute_scale(units, origin.past.first_sale))

    def scores(self, answer: Answer) -> dict[str, Any]:
        """Metrics of all series that sold before; `classes` has those of each class, also of series that never sold."""
        code = self.origin.demand_class
        classes = {name: self.metrics(answer, code == number) for number, name in enumerate(CLASSES)}
        return self.metrics(answer, code != ALL_ZERO) | {"classes": classes}

    def metrics(self, answer: Answer, chosen: np.ndarray) -> Metrics:
        """Metrics of the `chosen` series, (series,) bool, over scored cells; None where not defined.

        WAPE and RMSPE are of the median, `wape_mean`, RMSSE and bias of the mean. RMSPE is over cells that sold.
        RMSSE is averaged over the series with a scale. `pinball` is the mean over cells and HEADLINE_LEVELS, over the
        mean units of those cells; `pinball_grid` the same over LEVELS; `pinball_scaled` is the mean over series of the
        series' mean over its mean absolute step (M5's SPL). The band's ends count as within for `coverage_80`;
        `below_low` and `above_high` are the shares outside, 0.1 each for a perfect band. Where most periods sell
        nothing, the correct low end is 0 and no demand is below it; `coverage_80_tied` is comparable there as well
        (see `tied_coverage`).
        """
        is_scored = self.origin.is_scored & chosen[:, None]
        actual, mean, median = self.origin.actual[is_scored], answer.mean[is_scored], answer.median[is_scored]
        if not actual.size:
            return {"series": 0, "cells": 0}
        actual = actual.astype(np.float64)
        quantiles = answer.quantiles[is_scored]
        loss = pinball_losses(actual, quantiles)
        headline = loss[:, _HEADLINE].mean(axis=1)
        units, below, above = actual.mean(), actual < quantiles[:, _LOW], actual > quantiles[:, _HIGH]
        sold = actual > 0
        relative = (median[sold] - actual[sold]) / actual[sold]
        ends = {
            "below_low": float(below.mean()),
            "at_low": float((actual == quantiles[:, _LOW]).mean()),
            "at_high": float((actual == quantiles[:, _HIGH]).mean()),
            "above_high": float(above.mean()),
        }
        return {
            "series": int(is_scored.any(axis=1).sum()),
            "cells": len(actual),
            "wape": _over(np.abs(actual - median).mean(), units),
            "wape_mean": _over(np.abs(actual - mean).mean(), units),
            "rmspe": float(np.sqrt(np.square(relative).mean())) if sold.any() else None,
            "rmsse": _mean(np.sqrt(self._by_series(np.square(actual - mean), is_scored) / self.squared_scale)),
            "pinball": _over(headline.mean(), units),
            "pinball_grid": _over(loss.mean(), units),
            "pinball_units": float(headline.mean()),
            "pinball_scaled": _mean(self._by_series(headline, is_scored) / self.absolute_scale),
            "bias": _over((mean - actual).mean(), units),
            "coverage_80": float(1 - (below | above).mean()),
            "coverage_80_tied": tied_coverage(ends),
            **ends,
        }

    @staticmethod
    def _by_series(values: np.ndarray, is_scored: np.ndarray) -> np.ndarray:
        """The mean of the cells' values for each series, NaN without cells."""
        cells = is_scored.sum(axis=1)
        total = np.bincount(np.nonzero(is_scored)[0], values, minlength=len(cells))
        return np.where(cells > 0, total / np.maximum(cells, 1), np.nan)


def pinball_losses(actual: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """The pinball loss of each cell at LEVELS, (cells, levels)."""
    levels, error = np.asarray(LEVELS), actual[:, None] - quantiles
    return np.maximum(levels * error, (levels - 1) * error)


def tied_coverage(ends: dict[str, Any]) -> float:
    """`models.demand.metrics.tied_coverage` from the shares below, above and on the ends of the band."""
    low, high = ((ends["below_low"], ends["at_low"]), (ends["above_high"], ends["at_high"]))
    return 1 - share_outside(*low) - share_outside(*high)


def averaged(origins: list[dict[str, Any]]) -> dict[str, Any]:
    """Each metric's mean over the origins where it is defined, POOLED ones by cells; counts are summed."""
    names = dict.fromkeys(name for origin in origins for name in origin if name != "classes")
    found: dict[str, Any] = {name: _average(origins, name) for name in names}
    if found.get("at_low") is not None:
        found["coverage_80_tied"] = tied_coverage(found)
    if any("classes" in origin for origin in origins):
        found["classes"] = {name: averaged([origin["classes"][name] for origin in origins]) for name in CLASSES}
    return found


def _average(origins: list[dict[str, Any]], name: str) -> float | None:
    known = [origin for origin in origins if origin.get(name) is not None]
    if not known:
        return None
    values = [origin[name] for origin in known]
    if name in COUNTED:
        return int(sum(values))
    return float(np.average(values, weights=[origin["cells"] for origin in known] if name in POOLED else None))


def _absolute_scale(units: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Each series' mean absolute step since its first sale, (series,); NaN where it is 0 or unknown."""
    has_begun = np.arange(units.shape[1] - 1) >= first[:, None]
    steps = (np.abs(np.diff(units.astype(np.float64), axis=1)) * has_begun).sum(axis=1)
    return np.where(steps > 0, steps / np.maximum(has_begun.sum(axis=1), 1), np.nan)


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _over(value: float, units: float) -> float | None:
    return float(value / units) if units > 0 else None
