"""Baselines: well-known ways to fill a list, fitted on the same past and asked at the same moments as the recommender.

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
from recsys.training.examples import Cases
from recsys.training.ranking_metrics import Judged, mean
from recsys.training.time_split import Window

FACTORS: Final = 64
ALPHAS: Final = (1.0, 10.0, 100.0)  # how much more an interaction weighs than none
REGULARISATIONS: Final = (0.1, 10.0, 100.0, 1000.0)
DEFAULT: Final = (10.0, 10.0)  # both, where nothing can be tried
NEIGHBOURS: Final = 100  # per item
MORE: Final = K + 1  # asked for, as the open page is taken out
Lists = dict[str, np.ndarray]  # name -> (cases, K) int64 items, best first


class Entries(NamedTuple):
    """One entry per known interaction: the case that knows it, its item and its time."""

    shape: tuple[int, int]  # (cases, items)
    rows: np.ndarray
    items: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, cases: Cases, starts: np.ndarray) -> Self:
        """From each case's `starts` (cases,), places in the interactions, to its moment; the open page comes last."""
        rows, places = ragged(starts, cases.cuts - starts)
        cued = np.flatnonzero(cases.cues >= 0)
        return cls(
            (len(cases), cases.interactions.item_count),
            np.concatenate([rows, cued]),
            np.concatenate([cases.interactions.items[places], cases.cues[cued]]),
            np.concatenate([cases.interactions.times[places], cases.moments[cued]]),
        )

    @property
    def pairs(self) -> Pairs:
        return Pairs.of(self.rows, self.items, self.shape[1])

    @property
    def counts(self) -> csr_matrix:
        """(cases, items) float32."""
        pairs = self.pairs
        counts = pairs.sums(np.ones(len(self.rows), np.float32))
        return csr_matrix((counts, (pairs.rows, pairs.columns)), shape=self.shape)


@dataclass(frozen=True)
class Baselines:
    """All of them, as of one moment; `popular` (items,) holds every item, the most popular first."""

    popular: np.ndarray
    als: AlternatingLeastSquares
    neighbours: ItemItemRecommender

    @classmethod
    def fit(
        cls, past: Interactions, window: Window, validation: Cases, popular: np.ndarray, seed: int, threads: int
    ) -> Self:
        """Fitted on the past alone; ALS is chosen on `validation`, cases of the past."""
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

    def lists(self, cases: Cases) -> Lists:
        """What each shows in each case; in visits also the neighbours of what this visit alone has shown."""
        known = Entries.of(cases, cases.interactions.offsets[cases.customers])
        found = {
            "popular": np.full((len(cases), 0), -1),
            "personal_frequency": personal_frequency(known, self.popular),
            "als": als_lists(self.als, known),
            "item_neighbours": neighbour_lists(self.neighbours, known),
        }
        visit = Entries.of(cases, cases.visits)
        if len(visit.rows):
            found["item_neighbours_of_visit"] = neighbour_lists(self.neighbours, visit)
        return {name: filled(lists, cases.cues, self.popular) for name, lists in found.items()}

    @property
    def settings(self) -> dict[str, float]:
        """What was chosen."""
        return {"alpha": self.als.alpha, "regularisation": self.als.regularization}


def customer_counts(interactions: Interactions) -> csr_matrix:
    """How often each customer did anything with each item, (customers, items) float32."""
    shape = (len(interactions.customers), interactions.item_count)
    return Entries(shape, interactions.rows, interactions.items, interactions.times).counts


def tuned_als(cases: Cases, seed: int, threads: int) -> AlternatingLeastSquares:
    """Not fitted yet: with the settings that recall most of the cases, all of one window, from what lies before it."""
    past = cases.interactions.before(int(cases.moments.min(initial=np.iinfo(np.int64).max)))
    counts = customer_counts(past)
    keys = cases.target_rows * past.item_count + cases.targets
    known = Entries.of(cases, cases.interactions.offsets[cases.customers])
    best, best_recall = DEFAULT, 0.0
    for setting in product(ALPHAS, REGULARISATIONS) if len(cases) else ():
        model = unfitted_als(*setting, seed, threads)
        with threadpool_limits(1, "blas"):
            model.fit(counts, show_progress=False)
        recall = mean(Judged(als_lists(model, known)[:, :K], keys, past.item_count).recall(K)) or 0.0
        if recall > best_recall:
            best, best_recall = setting, recall
    return unfitted_als(*best, seed, threads)


def unfitted_als(alpha: float, regularisation: float, seed: int, threads: int) -> AlternatingLeastSquares:
    """Of given settings."""
    with threadpool_limits(1, "blas"):
        return AlternatingLeastSquares(
            factors=FACTORS, alpha=alpha, regularization=regularisation, num_threads=threads, random_state=seed
        )


def personal_frequency(known: Entries, popular: np.ndarray) -> np.ndarray:
    """(cases, MORE): own items by count, then the latest, then the more popular; -1 where there are no more."""
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
    """(cases, MORE): by the vector that explains what is known best; -1 for a case of which nothing is known."""
    return _asked(model, known.counts, recalculate_user=True)


def neighbour_lists(model: ItemItemRecommender, known: Entries) -> np.ndarray:
    """(cases, MORE): by the sum of likenesses to what is known; -1 where there are no more."""
    return _asked(model, known.counts)


def filled(lists: np.ndarray, cues: np.ndarray, popular: np.ndarray) -> np.ndarray:
    """(cases, K): the lists without the open page, then the most popular items that they lack."""
    full = np.full((len(lists), K), -1, np.int64)
    for row, (own, cue) in enumerate(zip(lists.tolist(), cues.tolist(), strict=True)):
        wanted = dict.fromkeys([*own, *popular[: K + MORE].tolist()])
        shown = [item for item in wanted if item >= 0 and item != cue][:K]
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
