"""What the benchmarks of recommendations share: fit once, send one query per example, time each answer."""

import hashlib
import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.parameters import RecommendParameters
from recsys.recommender import Recommender
from recsys.request import Query
from recsys.training.train import fit_recommender

Metric = Callable[[list[str], set[str]], float]  # of the shown items and the wanted ones

RECALL_EXAMPLES: Final = 5_000  # whose candidates are counted; retrieving them takes as long as recommending
WARM_UP: Final = 20  # queries before the timed ones


@dataclass(frozen=True)
class Trial:
    """A fitted recommender and what fitting took."""

    recommender: Recommender
    fit_seconds: float


def fitted(interactions: Interactions, items: Items, as_of: int, parameters: RecommendParameters) -> Trial:
    """Fit with the product's own function; progress is printed with the seconds so far."""
    # As the command line does: threads that spin while they wait slow each other down on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    started = time.monotonic()

    def progress(step: str, done: float | None = None, total: float | None = None) -> None:
        print(f"{time.monotonic() - started:7.1f} s  {step}", flush=True)

    recommender = fit_recommender(interactions, items, as_of, parameters, progress=progress)
    return Trial(recommender, time.monotonic() - started)


def from_codes(customer: np.ndarray, item: np.ndarray, kind: int, times: np.ndarray) -> tuple[Interactions, Items]:
    """Interactions of one kind, and a catalogue of ids alone, from whole-numbered customers and items."""
    items = Items.of([item_id(value) for value in np.unique(item).tolist()])
    customers = Vocabulary.of(str(value) for value in np.unique(customer).tolist())
    interactions = Interactions.of(
        customers,
        len(items),
        _places(customers, customer, str),
        _places(items.ids, item, item_id),
        np.full(len(item), kind, np.uint8),
        times,
    )
    return interactions, items


def evaluated(
    trial: Trial, queries: Sequence[Query], targets: Sequence[set[str]], k: int, metrics: Mapping[str, Metric]
) -> dict[str, Any]:
    """The benchmark's last line: ask every query, score the first `k` items of its answer."""
    lists, milliseconds = _answers(trial, queries, k)
    recalls = _candidate_recall(trial, queries, targets)
    return {
        **scored(lists, targets, metrics),
        "candidate_recall": round(recalls["any"], 4),
        "candidate_recall_by_source": {name: round(value, 4) for name, value in recalls.items()},
        "cases": len(queries),
        "fit_seconds": round(trial.fit_seconds, 1),
        "recommend_ms_p50": round(float(np.quantile(milliseconds, 0.5)), 3),
        "recommend_ms_p99": round(float(np.quantile(milliseconds, 0.99)), 3),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "ranker_groups": dict(trial.recommender.ranker_groups),
    }


def scored(lists: Sequence[list[str]], targets: Sequence[set[str]], metrics: Mapping[str, Metric]) -> dict[str, float]:
    """The mean of each metric over the examples."""
    pairs = list(zip(lists, targets, strict=True))
    return {name: round(float(np.mean([metric(*pair) for pair in pairs])), 4) for name, metric in metrics.items()}


def _answers(trial: Trial, queries: Sequence[Query], k: int) -> tuple[list[list[str]], np.ndarray]:
    """The first `k` items of each query's answer, and the milliseconds that each took, (queries,)."""
    for query in queries[:WARM_UP]:
        trial.recommender.recommend(query)
    lists, milliseconds = [], np.empty(len(queries))
    for place, query in enumerate(queries):
        started = time.perf_counter()
        answer = trial.recommender.recommend(query)
        milliseconds[place] = 1e3 * (time.perf_counter() - started)
        lists.append([item.item_id for item in answer.items[:k]])
    return lists, milliseconds


def _candidate_recall(trial: Trial, queries: Sequence[Query], targets: Sequence[set[str]]) -> dict[str, float]:
    """The share of the targets that each source, and any, selects; over evenly spread examples."""
    found: dict[str, int] = {}
    wanted = 0
    for place in np.linspace(0, len(queries) - 1, min(RECALL_EXAMPLES, len(queries))).astype(int).tolist():
        wanted += len(targets[place])
        for source, ids in trial.recommender.candidates_by_source(queries[place]).items():
            found[source] = found.get(source, 0) + len(targets[place].intersection(ids))
    return {source: count / wanted for source, count in found.items()}


def recall(shown: list[str], wanted: set[str]) -> float:
    """The share of the wanted items that are shown."""
    return len(wanted.intersection(shown)) / len(wanted)


def hit(shown: list[str], wanted: set[str]) -> float:
    """1 where any wanted item is shown."""
    return float(bool(wanted.intersection(shown)))


def reciprocal_rank(shown: list[str], wanted: set[str]) -> float:
    """One over the rank of the first wanted item, 0 where none is shown."""
    return next((1.0 / place for place, item in enumerate(shown, 1) if item in wanted), 0.0)


def ndcg(ideal: int | None) -> Metric:
    """Discounted gain over that of a perfect list of at most `ideal` items; None: of all wanted items."""

    def metric(shown: list[str], wanted: set[str]) -> float:
        gain = sum(1.0 / np.log2(place + 1) for place, item in enumerate(shown, 1) if item in wanted)
        best = len(wanted) if ideal is None else min(ideal, len(wanted))
        return float(gain / sum(1.0 / np.log2(place + 1) for place in range(1, best + 1)))

    return metric


def grouped(rows: np.ndarray, values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each distinct row with its values, by row."""
    order = np.argsort(rows, kind="stable")
    found, starts = np.unique(rows[order], return_index=True)
    yield from zip(found.tolist(), np.split(values[order], starts[1:]), strict=True)


def item_id(number: int) -> str:
    """The id of a data set's item. Hashed: many files number items by appearance, which would help to break ties."""
    return hashlib.blake2b(str(number).encode(), digest_size=8).hexdigest()


def _places(vocabulary: Vocabulary, values: np.ndarray, name: Callable[[int], str]) -> np.ndarray:
    distinct, inverse = np.unique(values, return_inverse=True)
    return vocabulary.indices([name(value) for value in distinct.tolist()])[inverse]
