"""Features of (user, candidate, request): one function that training and serving share.

A feature is a source's score of the item (raw, as a share of the best candidate's, as a rank), an item counter, the
match between the item and the user's taste, or a property of the user.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final, Protocol, Self

import numpy as np

from recsys.data.interactions import KINDS
from recsys.data.item_counts import ItemCounters
from recsys.data.user_history import NEVER_DAYS, UserHistory
from recsys.kernels.jit import jit, read_only
from recsys.ranking.session_features import SessionFeatures
from recsys.ranking.similarity_features import ContentFeatures, FactorFeatures, VectorFeatures
from recsys.retrieval.candidate_pool import CandidatePool
from recsys.retrieval.protocol import Column
from recsys.retrieval.retriever import Retrieved, Retriever

PRE_RANKING: Final = ("pre_ranking_score", "pre_ranking_rank")
TASTE: Final = ("category_affinity", "brand_affinity", "price_gap")
CONTEXT: Final = (
    *(f"shopper_{kind}s" for kind in KINDS),
    "shopper_items",
    "shopper_idle_days",
    "session_length",
    "mean_day_size",
    "last_day_size",
)
KIND_COUNT: Final = len(KINDS)
POPULARITY_PRIOR: Final = 5.0
ITEM: Final = ("week", "month", "total", "trend", "conversion", "item_age_days", "repeat_share")
_TOTAL: Final = ITEM.index("total")


@dataclass(frozen=True)
class Candidates:
    """The candidates of one request: `items` (candidates,) int32, `features` (candidates, features) float32.

    `features` is stored by column, which is how the ranker reads it. `selected_by` (candidates,) int64 has a bit for
    each retrieval column that selected the item.
    """

    items: np.ndarray
    selected_by: np.ndarray
    features: np.ndarray


class Pointwise(Protocol):
    """Something that scores every candidate, whichever source it came from."""

    names: ClassVar[tuple[str, ...]]

    def score_candidates(self, user: UserHistory, candidates: np.ndarray, out: np.ndarray) -> None:
        """Fill `out` (names, candidates) float32 for the candidate items."""


def feature_names(columns: Sequence[Column], pointwise: Sequence[str]) -> tuple[str, ...]:
    """The names of the features, in order."""
    return (
        *(column.name for column in columns),
        *(f"{column.name}_max_normalised" for column in columns if column.is_max_normalised),
        *(f"{column.name}_rank" for column in columns if column.is_ranked),
        *(f"{column.name}_popularity_normalised" for column in columns if column.is_popularity_normalised),
        *pointwise,
        *PRE_RANKING,
        *ITEM,
        *TASTE,
        *CONTEXT,
    )


@dataclass(frozen=True)
class FeatureBuilder:
    """Computes the features of candidates; whatever does not depend on the request is prepared beforehand."""

    names: tuple[str, ...]
    columns: int  # of the pool
    max_normalised: np.ndarray  # columns of the pool
    ranked: np.ndarray
    popularity_normalised: np.ndarray
    pointwise: tuple[tuple[Pointwise, slice], ...]  # each scorer with its features
    item_table: np.ndarray  # (items, len(ITEM)) float32
    category: np.ndarray
    brand: np.ndarray
    log_price: np.ndarray  # (items,) float32, NaN where unknown

    @classmethod
    def of(cls, retriever: Retriever) -> Self:
        columns, items = retriever.columns, retriever.items

        def places(kind: str) -> np.ndarray:
            return np.array([place for place, column in enumerate(columns) if getattr(column, f"is_{kind}")], np.int64)

        derived = {kind: places(kind) for kind in ("max_normalised", "ranked", "popularity_normalised")}
        scorers: tuple[Pointwise, ...] = (
            SessionFeatures(retriever.log),
            VectorFeatures(retriever.vectors),
            ContentFeatures(retriever.content),
            FactorFeatures(retriever.factors),
        )
        pointwise, first = [], len(columns) + sum(map(len, derived.values()))
        for scorer in scorers:
            pointwise.append((scorer, slice(first, first + len(scorer.names))))
            first += len(scorer.names)
        return cls(
            names=feature_names(columns, [name for scorer in scorers for name in scorer.names]),
            columns=len(columns),
            **derived,
            pointwise=tuple(pointwise),
            item_table=item_table(retriever.counters),
            category=read_only(items.category),
            brand=read_only(items.brand),
            log_price=np.log(np.where(items.price > 0, items.price, np.nan)).astype(np.float32),
        )

    @cached_property
    def place(self) -> dict[str, int]:
        """The column of each feature."""
        return {name: place for place, name in enumerate(self.names)}

    def compute(self, user: UserHistory, retrieved: Retrieved, pre_ranking: np.ndarray) -> Candidates:
        """The candidates with their features; `pre_ranking` (candidates,) float32 are their pre-ranking scores."""
        pool, rows, aggregates = retrieved.pool, retrieved.rows, user.aggregates
        items = pool.items
        out = np.empty((len(self.names), len(rows)), np.float32)
        derived = (self.max_normalised, self.ranked, self.popularity_normalised)
        _from_scores(pool, rows, self.columns, *derived, self.item_table, out)
        first = self.pointwise[-1][1].stop
        _of_items(items, rows, pre_ranking, self.item_table, out[first:])
        first += len(PRE_RANKING) + len(ITEM)
        _taste(aggregates.items, aggregates.interest, self.category, items, rows, out[first])
        _taste(aggregates.items, aggregates.interest, self.brand, items, rows, out[first + 1])
        _price_gap(aggregates.items, aggregates.interest, self.log_price, items, rows, out[first + 2])
        _context(user.kinds, user.ages, len(aggregates.items), user.session_start, out[first + len(TASTE) :])
        for scorer, span in self.pointwise:
            scorer.score_candidates(user, retrieved.items, out[span])
        return Candidates(retrieved.items, retrieved.selected_by, out.T)


def item_table(counters: ItemCounters) -> np.ndarray:
    """(items, len(ITEM)) float32: each item's counters and ratios of them."""
    trend = (4 * counters.week + 1) / (counters.month + 1)  # 1 if the last week was like the last four
    conversion = counters.month / (counters.touched + 5)  # the share of recent viewers who chose it
    columns = (counters.week, counters.month, counters.total, trend, conversion, counters.age_days)
    return np.column_stack([*columns, counters.repeat_share]).astype(np.float32)


@jit
def _context(kinds: np.ndarray, ages: np.ndarray, distinct_items: int, session: int, out: np.ndarray) -> None:
    """Fill `out` (len(CONTEXT), candidates) with the properties of the user."""
    of_kind = np.zeros(KIND_COUNT, np.int64)
    days, last_day = 1, 0
    for entry in range(len(kinds)):
        of_kind[kinds[entry]] += 1
        days += entry > 0 and int(ages[entry]) != int(ages[entry - 1])
        last_day += int(ages[entry]) == int(ages[-1])
    for kind in range(KIND_COUNT):
        out[kind] = of_kind[kind]
    out[KIND_COUNT] = distinct_items
    out[KIND_COUNT + 1] = ages[-1] if len(ages) else NEVER_DAYS
    out[KIND_COUNT + 2] = len(ages) - session
    out[KIND_COUNT + 3] = len(ages) / days
    out[KIND_COUNT + 4] = last_day


@jit
def _from_scores(
    pool: CandidatePool,
    rows: np.ndarray,
    columns: int,
    max_normalised: np.ndarray,
    ranked: np.ndarray,
    popularity_normalised: np.ndarray,
    table: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill the pool's columns and the features derived from them."""
    for column in range(columns):
        scores = pool.scores[column]
        for place in range(len(rows)):
            out[column, place] = scores[rows[place]]
    first = columns
    for column in max_normalised:
        best = np.float32(0)
        for place in range(len(rows)):
            best = max(best, out[column, place])
        for place in range(len(rows)):
            out[first, place] = out[column, place] / best if best > 0 else 0.0
        first += 1
    for column in ranked:
        _rank(out[column], out[first])
        first += 1
    for column in popularity_normalised:
        for place in range(len(rows)):
            out[first, place] = out[column, place] / np.sqrt(table[pool.items[rows[place]], _TOTAL] + POPULARITY_PRIOR)
        first += 1


@jit
def _of_items(items: np.ndarray, rows: np.ndarray, pre_ranking: np.ndarray, table: np.ndarray, out: np.ndarray) -> None:
    """Fill the pre-ranking score, its rank, and the item counters."""
    out[0] = pre_ranking
    _rank(pre_ranking, out[1])
    for place in range(len(rows)):
        item = items[rows[place]]
        for column in range(table.shape[1]):
            out[2 + column, place] = table[item, column]


@jit
def _rank(scores: np.ndarray, out: np.ndarray) -> None:
    """The rank of each score, 0 the best; all zeros share the rank after the others."""
    known = np.flatnonzero(scores > 0)
    out[:] = len(known)
    order = np.argsort(-scores[known], kind="mergesort")
    for place in range(len(order)):
        out[known[order[place]]] = place


@jit
def _taste(
    touched: np.ndarray, interest: np.ndarray, codes: np.ndarray, items: np.ndarray, rows: np.ndarray, out: np.ndarray
) -> None:
    """The share of the interest that lies in each candidate's group (category or brand), 0 where it has none."""
    total = 0.0
    for place in range(len(touched)):
        total += interest[place] if codes[touched[place]] >= 0 else 0.0
    for row in range(len(rows)):
        code, found = codes[items[rows[row]]], 0.0
        if code >= 0 and total > 0:
            for place in range(len(touched)):
                if codes[touched[place]] == code:
                    found += interest[place]
        out[row] = found / total if found > 0 else 0.0


@jit
def _price_gap(
    touched: np.ndarray,
    interest: np.ndarray,
    log_price: np.ndarray,
    items: np.ndarray,
    rows: np.ndarray,
    out: np.ndarray,
) -> None:
    """The log price of each candidate minus the user's mean log price; 0 where either is unknown."""
    total, weight = 0.0, 0.0
    for place in range(len(touched)):
        value = log_price[touched[place]]
        if not np.isnan(value):
            total += interest[place] * value
            weight += interest[place]
    for row in range(len(rows)):
        value = log_price[items[rows[row]]]
        out[row] = 0.0 if np.isnan(value) or weight == 0 else value - total / weight
