"""The baseline of the next order: a renewal process, scaled by each customer's own mean time between orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from models.next_purchase.censored_customers import RECENCY, CensoredCustomers, gap_days, is_one_time
from models.next_purchase.hazard_curves import HazardCurves

# Time since the last order, in the customer's own mean times between orders.
ELAPSED_EDGES: Final = np.concatenate([[0.0], np.geomspace(0.05, 50.0, 24)])

# Added to each bin at the rate of the bin before, so that bins without data repeat the last known rate.
PRIOR_ORDERS: Final = 0.5


@dataclass(frozen=True)
class RenewalBaseline:
    """The hazard of an order by the time since the last one, in units of the customer's mean time between orders.

    Piecewise constant, with one set of rates for repeat buyers and one for one-time buyers, whose unit is the store's
    median time between orders.
    """

    median_gap_days: float
    hazards: np.ndarray  # (2, len(ELAPSED_EDGES)): repeat, one-time buyers; per unit; the last beyond the last edge

    @classmethod
    def fit(cls, training: Sequence[CensoredCustomers], median_gap_days: float) -> Self:
        """Orders per unit of time at risk in each bin, smoothed towards the bin before."""
        orders, exposure = (np.zeros((2, len(ELAPSED_EDGES))) for _ in range(2))
        for customers in training:
            unit = gap_days(customers.features, median_gap_days)
            start = customers.features[:, RECENCY] / unit
            ordered = customers.event_days <= customers.follow_up_days
            end = start + np.minimum(customers.event_days, customers.follow_up_days) / unit
            group = is_one_time(customers.features).astype(int)
            bins = np.searchsorted(ELAPSED_EDGES, end, side="right") - 1
            np.add.at(orders, (group[ordered], bins[ordered]), 1.0)
            for number in (0, 1):
                exposure[number] += _time_in_bins(start[group == number], end[group == number])
        hazards = [_smoothed(*counts) for counts in zip(orders, exposure, strict=True)]
        return cls(median_gap_days, np.array(hazards))

    def curves(self, features: np.ndarray, edges: np.ndarray) -> HazardCurves:
        """Each customer's curve at `edges`, given the time since the last order."""
        unit = gap_days(features, self.median_gap_days)
        group = is_one_time(features).astype(int)
        elapsed = (features[:, RECENCY, None] + edges) / unit[:, None]
        at_edges = np.concatenate(
            [np.zeros((2, 1)), np.cumsum(self.hazards[:, :-1] * np.diff(ELAPSED_EDGES), axis=1)], 1
        )
        bins = np.searchsorted(ELAPSED_EDGES, elapsed, side="right") - 1
        total = at_edges[group[:, None], bins] + self.hazards[group[:, None], bins] * (elapsed - ELAPSED_EDGES[bins])
        return HazardCurves(edges, total - total[:, :1])

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON."""
        return {"median_gap_days": self.median_gap_days, "hazards": self.hazards.tolist()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(float(stored["median_gap_days"]), np.asarray(stored["hazards"], dtype=float))


def _smoothed(orders: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Orders per unit of time, (bins,), each bin shrunk towards the one before."""
    rate = (orders.sum() + PRIOR_ORDERS) / (exposure.sum() + PRIOR_ORDERS)
    rates = []
    for count, time in zip(orders, exposure, strict=True):
        rate = (count + PRIOR_ORDERS) / (time + PRIOR_ORDERS / rate)
        rates.append(rate)
    return np.array(rates)


def _time_in_bins(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The time that the spans from start to end (customers,) spend in each bin, (bins,)."""
    above = np.append(ELAPSED_EDGES[1:], np.inf)
    spans = [np.minimum(end, high) - np.maximum(start, low) for low, high in zip(ELAPSED_EDGES, above, strict=True)]
    return np.array([np.maximum(span, 0.0).sum() for span in spans])
