"""The baseline of the next order: one mean gap after the last order, spread as the store's gaps are spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from models.next_purchase.censored_customers import RECENCY, Followed, is_one_time, own_gaps
from models.next_purchase.hazard_curves import OrderCurves

# Silence is measured in the customer's own mean gaps.
SILENCE_EDGES: Final = np.concatenate([[0.0], np.geomspace(0.05, 50.0, 24)])

# In each bin, at the rate of the bin before: what is longer than any known silence goes on as the longest.
PRIOR_ORDERS: Final = 0.5


@dataclass(frozen=True)
class OwnRhythm:
    """The hazard of an order by how many of their own mean gaps a customer has been silent for.

    Piecewise constant, for one-time buyers (who have the store's median gap) and for the others apart; given the
    silence so far, it says how the next order is spread. A renewal process with a scale of each customer's own.
    """

    usual_gap_days: float
    hazards: np.ndarray  # (2, len(SILENCE_EDGES)): repeat, one-time buyers; per own gap; the last beyond the last edge

    @classmethod
    def fit(cls, training: Sequence[Followed], usual_gap_days: float) -> Self:
        """Orders per time of silence, over everybody who was watched; and a little of the bin before in each."""
        orders, exposure = (np.zeros((2, len(SILENCE_EDGES))) for _ in range(2))
        for followed in training:
            gaps = own_gaps(followed.numbers, usual_gap_days)
            start = followed.numbers[:, RECENCY] / gaps
            ordered = followed.next_days <= followed.followed_days
            end = start + np.minimum(followed.next_days, followed.followed_days) / gaps
            kind = is_one_time(followed.numbers).astype(int)
            bins = np.searchsorted(SILENCE_EDGES, end, side="right") - 1
            np.add.at(orders, (kind[ordered], bins[ordered]), 1.0)
            for number in (0, 1):
                exposure[number] += _time_in_bins(start[kind == number], end[kind == number])
        return cls(usual_gap_days, np.array([_smoothed(*counts) for counts in zip(orders, exposure, strict=True)]))

    def curves(self, numbers: np.ndarray, edges: np.ndarray) -> OrderCurves:
        """Each customer's curve, given the silence so far."""
        gaps = own_gaps(numbers, self.usual_gap_days)
        kind = is_one_time(numbers).astype(int)
        silence = (numbers[:, RECENCY, None] + edges) / gaps[:, None]
        heights = np.concatenate(
            [np.zeros((2, 1)), np.cumsum(self.hazards[:, :-1] * np.diff(SILENCE_EDGES), axis=1)], 1
        )
        bins = np.searchsorted(SILENCE_EDGES, silence, side="right") - 1
        reached = heights[kind[:, None], bins] + self.hazards[kind[:, None], bins] * (silence - SILENCE_EDGES[bins])
        return OrderCurves(edges, reached - reached[:, :1])

    def to_json(self) -> dict[str, Any]:
        return {"usual_gap_days": self.usual_gap_days, "hazards": self.hazards.tolist()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        return cls(float(stored["usual_gap_days"]), np.asarray(stored["hazards"], dtype=float))


def _smoothed(orders: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Orders per time of silence, (bins,), from the shortest silence to the longest."""
    rate = (orders.sum() + PRIOR_ORDERS) / (exposure.sum() + PRIOR_ORDERS)
    rates = []
    for count, time in zip(orders, exposure, strict=True):
        rate = (count + PRIOR_ORDERS) / (time + PRIOR_ORDERS / rate)
        rates.append(rate)
    return np.array(rates)


def _time_in_bins(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How long the spans from start to end (customers,) lie in each bin, summed over the customers."""
    above = np.append(SILENCE_EDGES[1:], np.inf)
    spans = [np.minimum(end, high) - np.maximum(start, low) for low, high in zip(SILENCE_EDGES, above, strict=True)]
    return np.array([np.maximum(span, 0.0).sum() for span in spans])
