"""Calibration of the next order's curves on a later snapshot: true chances, and a range that holds 8 of 10 orders."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.optimize import minimize

from models.next_purchase.censored_customers import Followed, dates_after
from models.next_purchase.hazard_curves import TINY, OrderCurves

COVERAGE: Final = 0.8  # of the range: a tenth of the orders comes before it, a tenth after it
PRIOR_ORDERS: Final = 20  # so many orders weigh as much as the levels that a true curve would have
MAX_STEPS: Final = 40  # of bisection
MAX_SLOPE: Final = 3.0  # and its inverse the least: beyond, curves turn into steps on which no level can be told


@dataclass(frozen=True)
class OrderCalibration:
    """A calibrated hazard is exp(intercept) * hazard ** slope; the levels are where the range and its middle lie."""

    intercept: float
    slope: float
    low: float = (1 - COVERAGE) / 2
    middle: float = 0.5
    high: float = (1 + COVERAGE) / 2

    @classmethod
    def fit(cls, curves: OrderCurves, later: Followed, least_chance: float) -> Self:
        """Most likely hazards, then levels that would have held COVERAGE of the orders, dates counted whole.

        `later` are customers whom the curves' model has not seen, watched for the whole horizon. Only those get a range
        who order with a chance of at least `least_chance`; the levels are of them. Conformal prediction on the
        distribution's own scale (Chernozhukov et al., PNAS 2021).
        """
        intercept, slope = _most_likely(curves, later.next_days)
        shape = cls(intercept, slope)
        calibrated = shape.applied(curves)
        told = calibrated.chance_within(curves.horizon_days) >= least_chance
        rows = np.flatnonzero(told & (later.next_days <= curves.horizon_days))
        low, middle, high = _levels(calibrated.taken(rows), later.taken(rows), (shape.low, shape.middle, shape.high))
        return cls(intercept, slope, low, middle, high)

    def applied(self, curves: OrderCurves) -> OrderCurves:
        """The calibrated curves."""
        return OrderCurves(curves.edges, np.exp(self.intercept) * curves.hazards**self.slope)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("intercept", "slope", "low", "middle", "high")}


def _most_likely(curves: OrderCurves, next_days: np.ndarray) -> tuple[float, float]:
    """Intercept and slope; the prior, a normal one of spread 1 around no change, matters where little is known."""
    ordered = next_days <= curves.horizon_days
    reached = np.searchsorted(curves.edges, np.minimum(next_days, curves.horizon_days), side="left")
    after = np.clip(reached, 1, len(curves.edges) - 1)
    rows = np.arange(len(next_days))
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


def _levels(curves: OrderCurves, later: Followed, nominal: tuple[float, float, float]) -> tuple[float, ...]:
    """Low, middle and high level; the fewer orders there are, the nearer the nominal ones."""
    orders = len(later.next_days)
    if not orders:
        return nominal
    dates = dates_after(later.next_days, later.day_fraction)

    def at(level: float) -> np.ndarray:
        return dates_after(curves.days_until(level), later.day_fraction)

    low = _crossing(lambda level: float((dates < at(level)).mean()) > (1 - COVERAGE) / 2)
    missed = float((dates < at(low)).mean())
    # Where many orders come on the first date, fewer than a tenth come before the range: more may come after it.
    high = _crossing(lambda level: missed + float((dates > at(level)).mean()) <= 1 - COVERAGE)
    days = later.next_days
    middle = _crossing(lambda level: float((days <= curves.days_until(level)).mean()) > 0.5)
    weight = orders / (orders + PRIOR_ORDERS)
    return tuple(
        weight * found + (1 - weight) * usual for found, usual in zip((low, middle, high), nominal, strict=True)
    )


def _crossing(is_above: Callable[[float], bool]) -> float:
    """Where in [0, 1] a rising condition turns true, by bisection; 1 where it never does."""
    low, high = 0.0, 1.0
    for _ in range(MAX_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_above(middle) else (middle, high)
    return (low + high) / 2
