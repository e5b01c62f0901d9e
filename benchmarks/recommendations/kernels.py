"""What the kernels gain over the libraries and over plain code, measured in one run.

Three comparisons: AnnIndex against exact search (numpy and scikit-learn); tree inference against LightGBM's own
predict; the sources that prefetch against the same sources compiled without it. Every figure is a ratio of times per
request on one thread: above 1 the kernel is faster. Variants take turns, and the median of the rounds counts.

    python -m benchmarks.recommendations.kernels

The last line is one JSON object with the ratios.
"""

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

import lightgbm
import numba
import numpy as np
from numba.core import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from contracts.time_units import SECONDS_PER_DAY
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.data.vocabulary import Vocabulary
from recsys.kernels import jit as jit_module
from recsys.kernels import prefetch as prefetch_module
from recsys.kernels.ann_index import AnnIndex, nearest
from recsys.parameters import RecommendParameters
from recsys.ranking.tree_inference import Trees
from recsys.retrieval.candidate_pool import CandidatePool, clear
from recsys.retrieval.protocol import FitData

ITEMS: Final = 100_000
DIMENSIONS: Final = 64
CLUSTERS: Final = 2_000
NEAREST: Final = 30
CANDIDATES: Final = 150
FEATURES: Final = 200
SEED: Final = 7
ALS, CONTENT = "recsys.retrieval.als", "recsys.retrieval.content"
SESSION_KNN, USER_KNN = "recsys.retrieval.session_knn.source", "recsys.retrieval.user_knn"
PREFETCHING: Final = {USER_KNN: "UserKNN", SESSION_KNN: "SessionKNN", CONTENT: "Content", ALS: "ALS"}

Request = Callable[[int], Any]


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--interactions", type=int, default=2_000_000)
    parser.add_argument("--requests", type=int, default=200, help="per round")
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    with threadpool_limits(1):
        found = ann_ratios(given.items, given.requests, given.rounds) | tree_ratios(given.requests, given.rounds)
        found |= prefetch_ratios(given.items, given.interactions, given.requests, given.rounds)
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


def medians(variants: dict[str, Request], requests: int, rounds: int) -> dict[str, float]:
    """Seconds per request of each variant, the median of `rounds` in which the variants take turns."""
    for request in variants.values():
        request(0)  # compiles
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(rounds):
        order = list(variants.items())
        for name, request in order if turn % 2 else reversed(order):  # the second one finds warm caches
            started = time.perf_counter()
            for number in range(requests):
                request(number)
            taken[name].append((time.perf_counter() - started) / requests)
    found = {name: float(np.median(times)) for name, times in taken.items()}
    print({name: f"{1e6 * seconds:.0f} us" for name, seconds in found.items()}, flush=True)
    return found


def ann_ratios(items: int, requests: int, rounds: int) -> dict[str, float]:
    """AnnIndex against both exact searches, and the share of the exact nearest items that it finds."""
    random = np.random.default_rng(SEED)
    centres = random.standard_normal((CLUSTERS, DIMENSIONS))
    vectors = centres[random.integers(CLUSTERS, size=items)] + 0.7 * random.standard_normal((items, DIMENSIONS))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    queries = vectors[random.integers(items, size=requests)] + 0.05 * random.standard_normal((requests, DIMENSIONS))
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    index = AnnIndex.of(np.arange(items, dtype=np.int32), vectors, SEED).frozen()
    everything = np.ones(items, bool)
    library = NearestNeighbors(n_neighbors=NEAREST, algorithm="brute", metric="cosine", n_jobs=1).fit(vectors)

    def exact(number: int) -> np.ndarray:
        cosines = vectors @ queries[number]
        best = np.argpartition(-cosines, NEAREST)[:NEAREST]
        return np.asarray(best[np.argsort(-cosines[best])])

    def approximate(number: int) -> np.ndarray:
        return nearest(index, queries[number], everything, NEAREST)[0]

    seconds = medians(
        {
            "ann_index": approximate,
            "numpy": exact,
            "scikit_learn": lambda number: library.kneighbors(queries[number : number + 1], return_distance=False),
        },
        min(requests, 50),
        rounds,
    )
    recall = [np.isin(exact(number), approximate(number)).mean() for number in range(requests)]
    return {
        "ann_index_recall": float(np.mean(recall)),
        "numpy_to_ann_index": seconds["numpy"] / seconds["ann_index"],
        "scikit_learn_to_ann_index": seconds["scikit_learn"] / seconds["ann_index"],
    }


def tree_ratios(requests: int, rounds: int) -> dict[str, float]:
    """Our tree inference against LightGBM's predict, for the candidates of one request and the same model."""
    random = np.random.default_rng(SEED)
    features = random.standard_normal((20_000, FEATURES)).astype(np.float32)
    labels = features[:, :20].sum(axis=1) + random.standard_normal(len(features))
    options = {"objective": "regression", "num_leaves": 31, "verbose": -1, "seed": SEED, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(features, label=labels), 150)
    trees = Trees.of(booster.model_to_string())
    rows = np.asfortranarray(features[:CANDIDATES])
    np.testing.assert_array_equal(trees.scores(rows), booster.predict(rows))
    single = np.ascontiguousarray(rows)
    seconds = medians(
        {"trees": lambda _: trees.scores(rows), "lightgbm": lambda _: booster.predict(single, num_threads=1)},
        requests,
        rounds,
    )
    return {"lightgbm_to_trees": seconds["lightgbm"] / seconds["trees"]}


def prefetch_ratios(items: int, interactions: int, requests: int, rounds: int) -> dict[str, float]:
    """Each source that prefetches, without prefetching against with it, and all of them together.

    The ratio is an upper bound: other code may be generated around a call that is left out.
    """
    data = _fit_data(items, interactions)
    users = _users(data, requests)
    variants = {"with": _sources(data, True), "without": _sources(data, False)}
    found, total = {}, {"with": 0.0, "without": 0.0}
    for module in PREFETCHING:
        name = module.removeprefix("recsys.retrieval.").removesuffix(".source")
        seconds = medians(
            {f"{name} {variant}": _request(sources[module], users, items) for variant, sources in variants.items()},
            requests,
            rounds,
        )
        found[f"{name}_without_to_with_prefetch"] = seconds[f"{name} without"] / seconds[f"{name} with"]
        for variant in total:
            total[variant] += seconds[f"{name} {variant}"]
    return found | {"all_without_to_with_prefetch": total["without"] / total["with"]}


def _fit_data(size: int, count: int) -> FitData:
    """A store of popular and rare items, whose customers choose near each other's choices."""
    random = np.random.default_rng(SEED)
    customers = count // 20
    words = [f"word{number}" for number in range(5_000)]
    items = Items.of(
        [f"item-{number:06d}" for number in range(size)],
        names=[
            " ".join(words[one] for one in chosen) for chosen in random.integers(len(words), size=(size, 6)).tolist()
        ],
        categories=[f"category-{number % 200}" for number in range(size)],
    )
    customer = random.integers(customers, size=count)
    item = (customer * 37 + (random.pareto(1.0, count) * 50).astype(np.int64)) % size
    ids = Vocabulary.of(f"customer-{number:07d}" for number in range(customers))
    at = random.integers(365 * SECONDS_PER_DAY, size=count)
    kinds = random.choice(len(KINDS), count, p=[0.8, 0.1, 0.1]).astype(np.uint8)
    past = Interactions.of(ids, size, customer, item, kinds, at)
    now = 365 * SECONDS_PER_DAY
    counters = ItemCounters.of(past, now, KINDS.index("order"))
    return FitData(past, SessionLog.of(past), counters, items, now, RecommendParameters(), SEED)


def _users(data: FitData, count: int) -> list[UserHistory]:
    random, past = np.random.default_rng(SEED), data.interactions
    users = []
    for customer in random.integers(len(past.customers), size=count).tolist():
        span = slice(int(past.offsets[customer]), int(past.offsets[customer + 1]))
        ages = ((data.now - past.times[span]) / SECONDS_PER_DAY).astype(np.float32)
        size = span.stop - span.start
        users.append(UserHistory(past.items[span], past.kinds[span], ages, size, customer, len(data.log.ends)))
    return users


def _sources(data: FitData, prefetching: bool) -> dict[str, Any]:
    """Each source, fitted by a copy of its module that was compiled with or without prefetching."""
    found: dict[str, Any] = {}
    with _compiled_anew(prefetching):
        for name, source in PREFETCHING.items():
            kind = getattr(_copy_of(name), source)
            found[name] = _random_als(kind, len(data.items)) if name == ALS else kind.fit(data)
    return found


def _random_als(kind: Any, size: int) -> Any:
    """Factors need no training to be as far apart in memory as trained ones."""
    random = np.random.default_rng(SEED)
    vectors = random.standard_normal((size, DIMENSIONS)).astype(np.float32)
    return kind.of(vectors, (vectors.T @ vectors + np.eye(DIMENSIONS)).astype(np.float32))


def _request(source: Any, users: list[UserHistory], items: int) -> Request:
    pool = CandidatePool.of(items, 20)
    random = np.random.default_rng(SEED)
    everything = np.ones(items, bool)
    seen = random.integers(items, size=(len(users), 1_000)).astype(np.int32)
    candidates = random.integers(items, size=(len(users), CANDIDATES)).astype(np.int32)
    out = np.empty((len(source.pointwise_features()), CANDIDATES), np.float32)

    def request(number: int) -> None:
        clear(pool)
        pool.items[:1_000], pool.size[0] = seen[number], 1_000  # rows that other sources have written
        pool.item_rows[seen[number]] = np.arange(1_000)
        source.retrieve(users[number], everything, pool, 1)
        source.score_candidates(users[number], candidates[number], out)

    return request


@contextmanager
def _compiled_anew(prefetching: bool) -> Iterator[None]:
    """Modules imported meanwhile are compiled in memory, with the instruction or with nothing in its place."""
    own, instruction = jit_module.jit, prefetch_module.prefetch

    def in_memory(function: Any) -> Any:
        return numba.njit(nogil=True, error_model="numpy")(function)

    jit_module.jit = in_memory
    if not prefetching:
        vars(prefetch_module)["prefetch"] = _nothing
    try:
        yield
    finally:
        jit_module.jit = own
        vars(prefetch_module)["prefetch"] = instruction


@intrinsic
def _nothing(typing: Any, array: types.Array, place: types.Integer) -> tuple[Signature, Any]:
    """No instruction at all in place of the one that prefetches."""
    return types.void(array, place), lambda context, builder, signature, values: context.get_dummy_value()


def _copy_of(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    kept = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and NamedTuples look themselves up there
    spec.loader.exec_module(module)
    if kept is not None:
        sys.modules[name] = kept
    return module


if __name__ == "__main__":
    main()
