"""Features of (shopper, candidate, moment): one function, used alike by training and by serving."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from recsys.interactions import ItemCounters
from recsys.items import Items
from recsys.pairs import find, read, row_maxima, row_sums
from recsys.query import KINDS
from recsys.retrieval.covisitation import RELATIONS
from recsys.retrieval.source import Proposals
from recsys.shoppers import NEVER_DAYS, Shoppers

SCORED_SOURCES: Final = tuple(name for relation in RELATIONS for name in (relation.name, relation.visit_name()))


@dataclass(frozen=True)
class Candidates:
    """The items proposed to a batch of shoppers, sorted by shopper, then item; `keys` is shopper * item_count + item.

    `rows`, `items`, `keys` are (candidates,) int64; `proposals` holds what each source said, by its name.
    """

    size: int
    keys: np.ndarray
    rows: np.ndarray
    items: np.ndarray
    proposals: Mapping[str, Proposals]

    @cached_property
    def scores(self) -> Mapping[str, np.ndarray]:
        """Each source's scores, (candidates,) float32; 0 where it has nothing to say."""
        return {
            name: read(said.scores, find(said.keys, self.keys), 0.0)
            for name, said in self.proposals.items()
            if name in SCORED_SOURCES
        }

    def relative_score(self, source: str) -> np.ndarray:
        """The score as a share of the best one that the source has for the same shopper."""
        scores = self.scores[source]
        best = row_maxima(self.rows, scores, self.size)[self.rows]
        return np.asarray(np.divide(scores, best, out=np.zeros_like(scores), where=best > 0))


@dataclass(frozen=True)
class Case:
    """Everything a feature may look at."""

    shoppers: Shoppers
    candidates: Candidates
    counters: ItemCounters
    items: Items
    touched: np.ndarray  # (candidates,) int64: the place of the pair in shoppers.touches, -1 where never touched


Feature = Callable[[Case], np.ndarray]  # (candidates,), any float or integer type


def feature_matrix(shoppers: Shoppers, candidates: Candidates, counters: ItemCounters, items: Items) -> np.ndarray:
    """(candidates, features) float32 in the order of FEATURES; a function of its arguments only."""
    touched = find(shoppers.touches.keys, candidates.keys)
    case = Case(shoppers, candidates, counters, items, touched)
    matrix = np.empty((len(candidates.keys), len(FEATURES)), np.float32)
    for column, feature in enumerate(FEATURES.values()):
        matrix[:, column] = feature(case)
    return matrix


def _source_score(name: str) -> Feature:
    return lambda case: case.candidates.scores[name]


def _relative_score(name: str) -> Feature:
    return lambda case: case.candidates.relative_score(name)


def _count(kind: int) -> Feature:
    return lambda case: read(case.shoppers.touches.counts[kind], case.touched, 0.0)


def _touch(column: str, missing: float) -> Feature:
    return lambda case: read(getattr(case.shoppers.touches, column), case.touched, missing)


def _item(column: str) -> Feature:
    return lambda case: getattr(case.counters, column)[case.candidates.items]


def _trend(case: Case) -> np.ndarray:
    """The last week against the last four, 1 when nothing changes."""
    week, month = case.counters.week[case.candidates.items], case.counters.month[case.candidates.items]
    return np.asarray((4 * week + 1) / (month + 1))


def _conversion(case: Case) -> np.ndarray:
    """Of those who touched the item lately, the share that chose it."""
    items = case.candidates.items
    return np.asarray(case.counters.month[items] / (case.counters.touched[items] + 5))


def _interest_share(case: Case) -> np.ndarray:
    totals = row_sums(case.shoppers.rows, case.shoppers.interest, case.shoppers.size)
    weights = read(case.shoppers.touches.weights, case.touched, 0.0)
    return np.asarray(weights / np.maximum(totals, 1e-6)[case.candidates.rows])


def _category_affinity(case: Case) -> np.ndarray:
    codes = case.items.category
    return case.shoppers.affinity(codes).of(case.candidates.rows, codes[case.candidates.items])


def _brand_affinity(case: Case) -> np.ndarray:
    codes = case.items.brand
    return case.shoppers.affinity(codes).of(case.candidates.rows, codes[case.candidates.items])


def _shopper_kind(kind: int) -> Feature:
    def count(case: Case) -> np.ndarray:
        found = case.shoppers.rows[case.shoppers.kinds == kind]
        return np.asarray(np.bincount(found, minlength=case.shoppers.size)[case.candidates.rows])

    return count


def _shopper_items(case: Case) -> np.ndarray:
    counts = np.bincount(case.shoppers.touches.rows, minlength=case.shoppers.size)
    return np.asarray(counts[case.candidates.rows])


def _shopper_idle_days(case: Case) -> np.ndarray:
    """Days since the shopper's last interaction with anything."""
    idle = np.full(case.shoppers.size, NEVER_DAYS, np.float32)
    idle[case.shoppers.rows] = case.shoppers.ages  # entries of a shopper are oldest first: the last one stays
    return np.asarray(idle[case.candidates.rows])


FEATURES: Final[Mapping[str, Feature]] = {
    **{f"{name}_score": _source_score(name) for name in SCORED_SOURCES},
    **{f"{name}_relative": _relative_score(name) for name in SCORED_SOURCES},
    **{f"{kind}_count": _count(code) for code, kind in enumerate(KINDS)},
    "interest": _touch("weights", 0.0),
    "interest_share": _interest_share,
    "days_since_touch": _touch("last_days", NEVER_DAYS),
    "days_since_order": _touch("last_order_days", NEVER_DAYS),
    "popular_week": _item("week"),
    "popular_month": _item("month"),
    "popular_ever": _item("total"),
    "trend": _trend,
    "conversion": _conversion,
    "item_age_days": _item("age_days"),
    "repeat_share": _item("repeat_share"),
    "category_affinity": _category_affinity,
    "brand_affinity": _brand_affinity,
    **{f"shopper_{kind}s": _shopper_kind(code) for code, kind in enumerate(KINDS)},
    "shopper_items": _shopper_items,
    "shopper_idle_days": _shopper_idle_days,
}
