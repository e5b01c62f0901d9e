"""Baselines: well-known ways to fill a list, fitted on the same past and asked the same examples as the recommender.

Personal frequency: what the customer chose most often, the latest first among equals. ALS: Hu, Koren and Volinsky,
"Collaborative filtering for implicit feedback datasets", 2008; the strength of its weights and of its regularisation is
the best on the last window of the past. Item neighbours: the 100 most alike of each item, weighted by BM25. Both are
the library `implicit`'s. All may show what a customer had before, and places that they leave empty go to popular items.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any, Final, NamedTuple, Self

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recsys.data.interactions import Interactions
from recsys.kernels.pair_counts import Pairs, ragged
from recsys.training.evaluation import K
from recsys.training.examples import Examples
from recsys.training.ranking_metrics import RankedLists, mean
from recsys.training.time_split import Window

FACTORS: Final = 64
ALPHAS: Final = (1.0, 10.0, 100.0)  # how much more an interaction weighs than none
REGULARISATIONS: Final = (0.1, 10.0, 100.0, 1000.0)
DEFAULT: Final = (10.0, 10.0)  # both, where nothing can be tried
NEIGHBOURS: Final = 100  # per item
MORE: Final = K + 1  # asked for, as the open page is taken out
Lists = dict[str, np.ndarray]  # name -> (examples, K) int64 items, best first


class Entries(NamedTuple):
    """One entry per known interaction: its example, its item and its time."""

    shape: tuple[int, int]  # (examples, items)
    rows: np.ndarray
    items: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, examples: Examples, starts: np.ndarray) -> Self:
        """From `starts` (examples,), places in the interactions, to each history's end; then the context items."""
        rows, places = ragged(starts, examples.history_ends - starts)
        with_context = np.flatnonzero(examples.context_items >= 0)
        return cls(
            (len(examples), examples.interactions.item_count),
            np.concatenate([rows, with_context]),
            np.concatenate([examples.interactions.items[places], examples.context_items[with_context]]),
            np.concatenate([examples.interactions.times[places], examples.timestamps[with_context]]),
        )

    @classmethod
    def of_history(cls, examples: Examples) -> Self:
        """All that is known of each example's customer."""
        return cls.of(examples, examples.interactions.offsets[examples.customers])

    @property
    def pairs(self) -> Pairs:
        return Pairs.of(self.rows, self.items, self.shape[1])

    @property
    def counts(self) -> csr_matrix:
        """(examples, items) float32."""
        pairs = self.pairs
        counts = pairs.sums(np.ones(len(self.rows), np.float32))
        return csr_matrix((counts, (pairs.rows, pairs.columns)), shape=self.shape)


@dataclass(frozen=True)
class Baselines:
    """All of them, as of one time; `popular` (items,) holds every item, the most popular first."""

    popular: np.ndarray
    als: AlternatingLeastSquares
    neighbours: ItemItemRecommender

    @classmethod
    def fit(
        cls, past: Interactions, window: Window, validation: Examples, popular: np.ndarray, seed: int, threads: int
    ) -> Self:
        """Fitted on the past alone; ALS is chosen on `validation`, examples of the past."""
        for known in (past, validation.interactions):
            assert int(known.times.max(initial=0)) < window.start, "an interaction lies in the window"
        counts = customer_counts(past)
        als = tuned_als(validation, seed, threads)
        with threadpool_limits(1, "blas"):  # a BLAS with threads of its own makes the library several times slower
            als.fit(counts, show_progress=False)
            neighbours = ItemItemRecommender(K=NEIGHBOURS, num_threads=threads)
            # What its BM25Recommender does with its defaults, but for a warning about its own matrix.
            neighbours.fit(csr_matrix(bm25_weight(counts, K1=1.2, B=0.75)), show_progress=False)
        return cls(popular, als, neighbours)

    def lists(self, examples: Examples) -> Lists:
        """What each shows for each example; in a session also the neighbours of what this session alone has shown."""
        known = Entries.of_history(examples)
        found = {
            "popular": np.full((len(examples), 0), -1),
            "personal_frequency": personal_frequency(known, self.popular),
            "als": als_lists(self.als, known),
            "item_neighbours": neighbour_lists(self.neighbours, known),
        }
        session = Entries.of(examples, examples.session_starts)
        if len(session.rows):
            found["item_neighbours_of_session"] = neighbour_lists(self.neighbours, session)
        return {name: filled(lists, examples.context_items, self.popular) for name, lists in found.items()}

    @property
    def settings(self) -> dict[str, float]:
        """What was chosen."""
        return {"alpha": self.als.alpha, "regularisation": self.als.regularization}


def customer_counts(interactions: Interactions) -> csr_matrix:
    """How often each customer did anything with each item, (customers, items) float32."""
    shape = (len(interactions.customers), interactions.item_count)
    return Entries(shape, interactions.rows, interactions.items, interactions.times).counts


def tuned_als(examples: Examples, seed: int, threads: int) -> AlternatingLeastSquares:
    """Not fitted yet: with the settings of the best recall on the examples, all of one window, given its past."""
    past = examples.interactions.before(int(examples.timestamps.min(initial=np.iinfo(np.int64).max)))
    counts = customer_counts(past)
    known = Entries.of_history(examples)
    best, best_recall = DEFAULT, 0.0
    for setting in product(ALPHAS, REGULARISATIONS) if len(examples) else ():
        model = unfitted_als(*setting, seed, threads)
        with threadpool_limits(1, "blas"):
            model.fit(counts, show_progress=False)
        lists = RankedLists(als_lists(model, known)[:, :K], examples.target_keys, past.item_count)
        recall = mean(lists.recall(K)) or 0.0
        if recall > best_recall:
            best, best_recall = setting, recall
    return unfitted_als(*best, seed, threads)


def unfitted_als(alpha: float, regularisation: float, seed: int, threads: int) -> AlternatingLeastSquares:
    """Not fitted yet, with these settings."""
    with threadpool_limits(1, "blas"):
        return AlternatingLeastSquares(
            factors=FACTORS, alpha=alpha, regularization=regularisation, num_threads=threads, random_state=seed
        )


def personal_frequency(known: Entries, popular: np.ndarray) -> np.ndarray:
    """(examples, MORE): own items by count, then the latest, then the more popular; -1 where there are no more."""
    pairs = known.pairs
    counts = pairs.sums(np.ones(len(known.rows)))
    popularity = np.argsort(popular)[pairs.columns]
    order = np.lexsort((popularity, pairs.minima(-known.times), -counts, pairs.rows))
    first = np.searchsorted(pairs.rows, np.arange(known.shape[0]))
    places = np.arange(len(order)) - first[pairs.rows]
    lists = np.full((known.shape[0], MORE), -1, np.int64)
    kept = places < MORE
    lists[pairs.rows[kept], places[kept]] = pairs.columns[order][kept]
    return lists


def als_lists(model: AlternatingLeastSquares, known: Entries) -> np.ndarray:
    """(examples, MORE): by the vector that explains what is known best; -1 for an example of which nothing is known."""
    return _asked(model, known.counts, recalculate_user=True)


def neighbour_lists(model: ItemItemRecommender, known: Entries) -> np.ndarray:
    """(examples, MORE): by the sum of likenesses to what is known; -1 where there are no more."""
    return _asked(model, known.counts)


def filled(lists: np.ndarray, context_items: np.ndarray, popular: np.ndarray) -> np.ndarray:
    """(examples, K): the lists without the context items, then the most popular items that they lack."""
    full = np.full((len(lists), K), -1, np.int64)
    for row, (own, context_item) in enumerate(zip(lists.tolist(), context_items.tolist(), strict=True)):
        wanted = dict.fromkeys([*own, *popular[: K + MORE].tolist()])
        shown = [item for item in wanted if item >= 0 and item != context_item][:K]
        full[row, : len(shown)] = shown
    return full


def _asked(model: Any, counts: csr_matrix, **more: bool) -> np.ndarray:
    size = min(MORE, counts.shape[1])
    with threadpool_limits(1, "blas"):
        items, scores = model.recommend(
            np.arange(counts.shape[0]), counts, N=size, filter_already_liked_items=False, **more
        )
    nothing_known = (np.diff(counts.indptr) == 0)[:, None]
    return np.where((scores > 0) & ~nothing_known, items, -1).astype(np.int64)
