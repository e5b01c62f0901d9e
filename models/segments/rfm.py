"""Recency, frequency, money: three scores of 1 to 5, and eleven segments with plain names."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from models.segments.lifecycle import ACTIVE, COOLING, LAPSED, NEW, WON_BACK

SCORES: Final = 5
MEASURES: Final = ("recency", "frequency", "money")

CHAMPIONS: Final = "champions"
LOYAL: Final = "loyal"
POTENTIAL_LOYALISTS: Final = "potential loyalists"
NEW_CUSTOMERS: Final = "new customers"
PROMISING: Final = "promising"
NEEDS_ATTENTION: Final = "needs attention"
ABOUT_TO_SLEEP: Final = "about to sleep"
AT_RISK: Final = "at risk"
CANT_LOSE: Final = "can't lose them"
HIBERNATING: Final = "hibernating"
LOST: Final = "lost"

# Recency score 1 to 5 downwards, worth (the mean of frequency and money) 1 to 5 to the right.
_RETURNED: Final = np.array(
    [
        [LOST, LOST, HIBERNATING, AT_RISK, CANT_LOSE],
        [HIBERNATING, HIBERNATING, AT_RISK, AT_RISK, CANT_LOSE],
        [ABOUT_TO_SLEEP, ABOUT_TO_SLEEP, NEEDS_ATTENTION, NEEDS_ATTENTION, NEEDS_ATTENTION],
        [POTENTIAL_LOYALISTS, POTENTIAL_LOYALISTS, LOYAL, LOYAL, CHAMPIONS],
        [POTENTIAL_LOYALISTS, POTENTIAL_LOYALISTS, LOYAL, CHAMPIONS, CHAMPIONS],
    ]
)
# Who ordered on one day only, by recency score: the first visit is all that is known.
_ONCE: Final = np.array([LOST, HIBERNATING, ABOUT_TO_SLEEP, PROMISING, NEW_CUSTOMERS])
SEGMENTS: Final = tuple(dict.fromkeys([*_RETURNED.ravel()[::-1].tolist(), *_ONCE[::-1].tolist()]))

# The recency scores that a stage's names come from: fifths of a sleepy store's customers would call somebody new who
# came a year ago, and those of a busy one would call somebody lost who came last week.
_ROWS_OF_STAGE: Final = {NEW: (4, 5), ACTIVE: (4, 5), WON_BACK: (4, 5), COOLING: (3, 3), LAPSED: (1, 2)}


@dataclass(frozen=True)
class RfmModel:
    """The least values of scores 2 to 5, (measures, 4), ascending; infinite where no customer reaches the score.

    A score says how many fifths of the customers have less: whoever is tied shares it, and the least value is always
    1, so that one-time buyers score 1 for frequency however many they are.
    """

    edges: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray) -> Self:
        """`values` (customers, measures), more is better: recency comes negated."""
        assert values.ndim == 2
        assert values.shape[1] == len(MEASURES)
        assert len(values)
        return cls(np.array([_edges(column) for column in values.T]))

    def scores(self, values: np.ndarray) -> np.ndarray:
        """1 to 5, (customers, measures)."""
        found = [
            np.searchsorted(edges, column, side="right") for edges, column in zip(self.edges, values.T, strict=True)
        ]
        return np.column_stack(found).astype(np.int32) + 1

    def to_json(self) -> dict[str, Any]:
        return {
            name: [float(edge) if np.isfinite(edge) else None for edge in edges]
            for name, edges in zip(MEASURES, self.edges, strict=True)
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        return cls(np.array([[np.inf if edge is None else edge for edge in record[name]] for name in MEASURES]))


def rfm_values(recency_days: np.ndarray, order_days: np.ndarray, revenue: np.ndarray) -> np.ndarray:
    """What RfmModel scores, (customers, measures). Whole days: the hour of an order says nothing about a customer."""
    return np.column_stack([-np.floor(recency_days), order_days, revenue])


def rfm_segments(scores: np.ndarray, order_days: np.ndarray, stages: np.ndarray) -> np.ndarray:
    """The name of each customer's segment, (customers,).

    `scores` (customers, 3), `order_days` the number of days with an order, `stages` as `lifecycle_stages` gave them:
    whatever the fifths, nobody who came within the store's horizon is called lost, and nobody who lapsed a champion.
    """
    least, most = (np.array([_ROWS_OF_STAGE[stage][end] for stage in stages.tolist()], dtype=int) for end in (0, 1))
    row = np.clip(scores[:, 0], least, most) - 1
    worth = (scores[:, 1] + scores[:, 2] + 1) // 2 - 1
    segments: np.ndarray = np.where(order_days <= 1, _ONCE[row], _RETURNED[row, worth])
    return segments


def _edges(values: np.ndarray) -> np.ndarray:
    ranked = np.sort(values)
    candidates, first = np.unique(ranked, return_index=True)  # `first` customers have less than the candidate
    wanted = np.arange(1, SCORES) / SCORES * len(ranked)
    position = np.searchsorted(first, wanted - 1e-9)
    edges: np.ndarray = np.append(candidates, np.inf)[position].astype(float)
    return edges
