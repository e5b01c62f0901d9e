"""Calibration of hazard curves on a later snapshot: probabilities that are right, and a range that covers 80 %."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.optimize import minimize

from models.next_purchase.censored_customers import CensoredCustomers, dates_after
from models.next_purchase.hazard_curves import TINY, HazardCurves

COVERAGE: Final = 0.8  # of the range: 10 % of the orders come before it, 10 % after it
PRIOR_ORDERS: Final = 20  # the weight of the nominal quantile levels, in orders
MAX_STEPS: Final = 40  # of bisection
MAX_SLOPE: Final = 3.0  # and its inverse the least: steeper curves are steps, which have no quantiles


@dataclass(frozen=True)
class HazardCalibration:
    """Cumulative hazard = exp(intercept) * uncalibrated ** slope; quantile levels of the range."""

    intercept: float
    slope: float
    low: float = (1 - COVERAGE) / 2
    high: float = (1 + COVERAGE) / 2

    @classmethod
    def fit(cls, curves: HazardCurves, later: CensoredCustomers, min_probability: float) -> Self:
        """The most likely hazards, then levels that would have covered COVERAGE of the orders, in whole dates.

        `later` are customers that the curves' model has not seen, observed for the whole horizon. The levels are
        learned from those who order within the horizon with a probability of at least `min_probability`, as only they
        get a range. Distributional conformal prediction (Chernozhukov et al., PNAS 2021).
        """
        intercept, slope = _most_likely(curves, later.event_days)
        uncovered = cls(intercept, slope)
        calibrated = uncovered.apply(curves)
        has_range = calibrated.event_probability(curves.horizon_days) >= min_probability
        rows = np.flatnonzero(has_range & (later.event_days <= curves.horizon_days))
        nominal = (uncovered.low, uncovered.high)
        low, high = _levels(calibrated.subset(rows), later.subset(rows), nominal)
        return cls(intercept, slope, low, high)

    def apply(self, curves: HazardCurves) -> HazardCurves:
        """The calibrated curves."""
        return HazardCurves(curves.edges, np.exp(self.intercept) * curves.hazards**self.slope)

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON."""
        return asdict(self)


def _most_likely(curves: HazardCurves, event_days: np.ndarray) -> tuple[float, float]:
    """Intercept and slope, under a standard normal prior around no change, which matters in small data."""
    ordered = event_days <= curves.horizon_days
    edge = np.searchsorted(curves.edges, np.minimum(event_days, curves.horizon_days), side="left")
    after = np.clip(edge, 1, len(curves.edges) - 1)
    rows = np.arange(len(event_days))
    before = np.log(np.maximum(np.where(ordered, curves.hazards[rows, after - 1], 0.0), TINY))
    behind = np.log(np.maximum(np.where(ordered, curves.hazards[rows, after], curves.hazards[:, -1]), TINY))

    def loss(parameters: np.ndarray) -> float:
        low, high = (np.exp(parameters[0] + _slope(parameters) * logs) for logs in (before, behind))
        likelihood = np.where(ordered, -low + np.log(np.maximum(-np.expm1(low - high), TINY)), -high)
        return float(-likelihood.sum() + (parameters**2).sum() / 2)

    best = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4})
    return float(best.x[0]), _slope(best.x)


def _slope(parameters: np.ndarray) -> float:
    return float(np.exp(np.clip(parameters[1], -np.log(MAX_SLOPE), np.log(MAX_SLOPE))))


def _levels(curves: HazardCurves, later: CensoredCustomers, nominal: tuple[float, float]) -> tuple[float, ...]:
    """Low and high quantile level, shrunk towards the nominal ones where orders are few."""
    orders = len(later.event_days)
    if not orders:
        return nominal
    dates = dates_after(later.event_days, later.day_fraction)

    def at(level: float) -> np.ndarray:
        return dates_after(curves.quantile_days(level), later.day_fraction)

    low = _crossing(lambda level: float((dates < at(level)).mean()) > (1 - COVERAGE) / 2)
    missed = float((dates < at(low)).mean())
    # Where many orders come on the first date, fewer than 10 % come before the range: more may come after it.
    high = _crossing(lambda level: missed + float((dates > at(level)).mean()) <= 1 - COVERAGE)
    weight = orders / (orders + PRIOR_ORDERS)
    return tuple(weight * fitted + (1 - weight) * usual for fitted, usual in zip((low, high), nominal, strict=True))


def _crossing(is_above: Callable[[float], bool]) -> float:
    """Where in [0, 1] a rising condition turns true, by bisection; 1 where it never does."""
    low, high = 0.0, 1.0
    for _ in range(MAX_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_above(middle) else (middle, high)
    return (low + high) / 2
