"""Features of (shopper, candidate, moment): one function, used alike by training and by serving.

A feature is what a source says of the item (and its share of what it says of the best candidate), what is counted of
the item, how the item suits the shopper's taste, or what kind of shopper asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.interactions import ItemCounters
from recsys.data.user_history import NEVER_DAYS, Shopper
from recsys.kernels.jit import compiled, read_only
from recsys.request import KINDS
from recsys.retrieval.candidate_pool import Board
from recsys.retrieval.protocol import Column

TASTE: Final = ("category_affinity", "brand_affinity", "price_gap")
CONTEXT: Final = (
    *(f"shopper_{kind}s" for kind in KINDS),
    "shopper_items",
    "shopper_idle_days",
    "visit_length",
    "mean_day_size",
    "last_day_size",
)
KIND_COUNT: Final = len(KINDS)
POPULARITY_PRIOR: Final = 5.0
ITEM: Final = ("week", "month", "total", "trend", "conversion", "item_age_days", "repeat_share")
_TOTAL: Final = ITEM.index("total")


@dataclass(frozen=True)
class Candidates:
    """What was proposed to one shopper: `items` (candidates,) int32, `features` (candidates, features) float32.

    A feature of all candidates lies together, as the ranker reads them. `nominators` (candidates,) int64 has a bit for
    each column that nominated the item.
    """

    items: np.ndarray
    nominators: np.ndarray
    features: np.ndarray


def feature_names(columns: Sequence[Column], judgements: Sequence[str]) -> tuple[str, ...]:
    """The names of the features, in order."""
    shares = [f"{column.name}_relative" for column in columns if column.is_relative]
    ranks = [f"{column.name}_rank" for column in columns if column.is_ranked]
    damped = [f"{column.name}_damped" for column in columns if column.is_damped]
    said = [column.name for column in columns]
    return (*said, *shares, *ranks, *damped, *judgements, "prior", "prior_rank", *ITEM, *TASTE, *CONTEXT)


@dataclass(frozen=True)
class Describer:
    """Computes the features of candidates; everything that does not depend on the request is laid out beforehand."""

    columns: int  # on the board
    judgements: int
    relative: np.ndarray  # places on the board
    ranked: np.ndarray
    damped: np.ndarray
    item_table: np.ndarray  # (items, len(ITEM)) float32
    category: np.ndarray
    brand: np.ndarray
    log_price: np.ndarray  # (items,) float32, NaN where unknown

    @classmethod
    def of(cls, columns: Sequence[Column], judgements: int, items: Items, counters: ItemCounters) -> Self:
        def places(flag: str) -> np.ndarray:
            return np.array([place for place, column in enumerate(columns) if getattr(column, flag)], np.int64)

        return cls(
            columns=len(columns),
            judgements=judgements,
            relative=places("is_relative"),
            ranked=places("is_ranked"),
            damped=places("is_damped"),
            item_table=item_table(counters),
            category=read_only(items.category),
            brand=read_only(items.brand),
            log_price=np.log(np.where(items.price > 0, items.price, np.nan)).astype(np.float32),
        )

    @property
    def judged(self) -> slice:
        """The features that are the sources' judgements."""
        first = self.columns + len(self.relative) + len(self.ranked) + len(self.damped)
        return slice(first, first + self.judgements)

    def fill(self, shopper: Shopper, board: Board, rows: np.ndarray, prior: np.ndarray, out: np.ndarray) -> None:
        """Fill all of `out` (features, candidates) float32 but the judgements; the candidates are the board's `rows`.

        `prior` is their first blend.
        """
        items, touches = board.items, shopper.touches
        _from_scores(board, rows, self.columns, self.relative, self.ranked, self.damped, self.item_table, out)
        first = self.judged.stop
        _of_items(items, rows, prior, self.item_table, out[first:])
        first += 2 + len(ITEM)
        _taste(touches.items, touches.interest, self.category, items, rows, out[first])
        _taste(touches.items, touches.interest, self.brand, items, rows, out[first + 1])
        _price_gap(touches.items, touches.interest, self.log_price, items, rows, out[first + 2])
        _context(shopper.kinds, shopper.ages, len(touches.items), shopper.visit, out[first + len(TASTE) :])


@compiled
def prior_of(board: Board, rows: np.ndarray, priors: np.ndarray) -> np.ndarray:
    """(rows,) float32: of the board's `rows`, a blend of each column's share of its best, by weights (columns,)."""
    prior = np.zeros(len(rows), np.float32)
    for column in range(len(priors)):
        if priors[column] == 0:
            continue
        scores = board.scores[column]
        best = np.float32(0)
        for row in rows:
            best = max(best, scores[row])
        if best > 0:
            share = priors[column] / best
            for place in range(len(rows)):
                prior[place] += share * scores[rows[place]]
    return prior


def item_table(counters: ItemCounters) -> np.ndarray:
    """(items, len(ITEM)) float32: what was counted of each item, and how that has been changing."""
    trend = (4 * counters.week + 1) / (counters.month + 1)  # 1 when the last week was like the last four
    conversion = counters.month / (counters.touched + 5)  # of those who touched it lately, who chose it
    columns = (counters.week, counters.month, counters.total, trend, conversion, counters.age_days)
    return np.column_stack([*columns, counters.repeat_share]).astype(np.float32)


@compiled
def _context(kinds: np.ndarray, ages: np.ndarray, distinct_items: int, visit: int, out: np.ndarray) -> None:
    """Fill `out` (len(CONTEXT), candidates) with what kind of shopper asks."""
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
    out[KIND_COUNT + 2] = len(ages) - visit
    out[KIND_COUNT + 3] = len(ages) / days
    out[KIND_COUNT + 4] = last_day


@compiled
def _from_scores(
    board: Board,
    rows: np.ndarray,
    columns: int,
    relative: np.ndarray,
    ranked: np.ndarray,
    damped: np.ndarray,
    table: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill the features that follow from the board, from the first on."""
    for column in range(columns):
        scores = board.scores[column]
        for place in range(len(rows)):
            out[column, place] = scores[rows[place]]
    first = columns
    for column in relative:
        best = np.float32(0)
        for place in range(len(rows)):
            best = max(best, out[column, place])
        for place in range(len(rows)):
            out[first, place] = out[column, place] / best if best > 0 else 0.0
        first += 1
    for column in ranked:
        _rank(out[column], out[first])
        first += 1
    for column in damped:
        for place in range(len(rows)):
            out[first, place] = out[column, place] / np.sqrt(table[board.items[rows[place]], _TOTAL] + POPULARITY_PRIOR)
        first += 1


@compiled
def _of_items(items: np.ndarray, rows: np.ndarray, prior: np.ndarray, table: np.ndarray, out: np.ndarray) -> None:
    """Fill the first blend, the candidate's place in it, and what is counted of the item."""
    out[0] = prior
    _rank(prior, out[1])
    for place in range(len(rows)):
        item = items[rows[place]]
        for column in range(table.shape[1]):
            out[2 + column, place] = table[item, column]


@compiled
def _rank(scores: np.ndarray, out: np.ndarray) -> None:
    """The place of each score among all, 0 the best; all zeros share the place behind the others."""
    known = np.flatnonzero(scores > 0)
    out[:] = len(known)
    order = np.argsort(-scores[known], kind="mergesort")
    for place in range(len(order)):
        out[known[order[place]]] = place


@compiled
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


@compiled
def _price_gap(
    touched: np.ndarray,
    interest: np.ndarray,
    log_price: np.ndarray,
    items: np.ndarray,
    rows: np.ndarray,
    out: np.ndarray,
) -> None:
    """How far the logarithm of each candidate's price is above the shopper's mean; 0 where either is unknown."""
    total, weight = 0.0, 0.0
    for place in range(len(touched)):
        value = log_price[touched[place]]
        if not np.isnan(value):
            total += interest[place] * value
            weight += interest[place]
    for row in range(len(rows)):
        value = log_price[items[rows[row]]]
        out[row] = 0.0 if np.isnan(value) or weight == 0 else value - total / weight
