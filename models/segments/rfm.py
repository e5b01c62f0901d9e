"""RFM: scores of 1 to 5 for recency, frequency and monetary value, and eleven named segments."""

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

# Rows: recency score 1 to 5; columns: the mean of frequency and money, 1 to 5.
_RETURNED: Final = np.array(
    [
        [LOST, LOST, HIBERNATING, AT_RISK, CANT_LOSE],
        [HIBERNATING, HIBERNATING, AT_RISK, AT_RISK, CANT_LOSE],
        [ABOUT_TO_SLEEP, ABOUT_TO_SLEEP, NEEDS_ATTENTION, NEEDS_ATTENTION, NEEDS_ATTENTION],
        [POTENTIAL_LOYALISTS, POTENTIAL_LOYALISTS, LOYAL, LOYAL, CHAMPIONS],
        [POTENTIAL_LOYALISTS, POTENTIAL_LOYALISTS, LOYAL, CHAMPIONS, CHAMPIONS],
    ]
)
# Customers who ordered on one day only, by recency score.
_ONCE: Final = np.array([LOST, HIBERNATING, ABOUT_TO_SLEEP, PROMISING, NEW_CUSTOMERS])
SEGMENTS: Final = tuple(dict.fromkeys([*_RETURNED.ravel()[::-1].tolist(), *_ONCE[::-1].tolist()]))

# The recency scores that a lifecycle stage allows. By quintiles alone, a customer of a year ago would be new in a slow
# store, and one of last week lost in a busy one.
_ROWS_OF_STAGE: Final = {NEW: (4, 5), ACTIVE: (4, 5), WON_BACK: (4, 5), COOLING: (3, 3), LAPSED: (1, 2)}


@dataclass(frozen=True)
class RfmModel:
    """The least values of scores 2 to 5, (measures, 4), ascending; infinite where no customer reaches the score.

    A score is 1 plus the number of whole fifths of the customers with less: ties share a score, and the least value
    scores 1, so that one-time buyers score 1 for frequency however many they are.
    """

    edges: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray) -> Self:
        """`values` (customers, measures), higher is better: recency is negated."""
        assert values.ndim == 2
        assert values.shape[1] == len(MEASURES)
        assert len(values)
        return cls(np.array([_edges(column) for column in values.T]))

    def scores(self, values: np.ndarray) -> np.ndarray:
        """1 to 5, (customers, measures)."""
        columns = zip(self.edges, values.T, strict=True)
        scores = [np.searchsorted(edges, column, side="right") for edges, column in columns]
        return np.column_stack(scores).astype(np.int32) + 1

    def to_json(self) -> dict[str, Any]:
        return {
            name: [float(edge) if np.isfinite(edge) else None for edge in edges]
            for name, edges in zip(MEASURES, self.edges, strict=True)
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        return cls(np.array([[np.inf if edge is None else edge for edge in record[name]] for name in MEASURES]))


def rfm_values(recency_days: np.ndarray, order_days: np.ndarray, revenue: np.ndarray) -> np.ndarray:
    """The input of RfmModel, (customers, measures); recency in whole days, as the hour of an order is noise."""
    return np.column_stack([-np.floor(recency_days), order_days, revenue])


def rfm_segments(scores: np.ndarray, order_days: np.ndarray, stages: np.ndarray) -> np.ndarray:
    """The name of each customer's segment, (customers,).

    `scores` (customers, 3); `order_days`, the number of days with an order; `stages` of `lifecycle_stages`, which limit
    the recency score: a customer who ordered within the horizon is never lost, a lapsed one never a champion.
    """
    least, most = (np.array([_ROWS_OF_STAGE[stage][end] for stage in stages.tolist()], dtype=int) for end in (0, 1))
    row = np.clip(scores[:, 0], least, most) - 1
    column = (scores[:, 1] + scores[:, 2] + 1) // 2 - 1
    return np.asarray(np.where(order_days <= 1, _ONCE[row], _RETURNED[row, column]))


def _edges(values: np.ndarray) -> np.ndarray:
    ranked = np.sort(values)
    unique, first = np.unique(ranked, return_index=True)  # `first` customers have less
    wanted = np.arange(1, SCORES) / SCORES * len(ranked)
    position = np.searchsorted(first, wanted - 1e-9)
    return np.asarray(np.append(unique, np.inf)[position], dtype=float)
