"""Times of the compiled kernels against libraries and against the same code without prefetching.

Three comparisons on one thread: AnnIndex against exact search (numpy and scikit-learn); tree inference against
LightGBM's predict; each source that prefetches against a copy of its module from which the calls of `prefetch` are cut.
Every figure is a ratio of times per request: above 1 the kernel is faster. The variants take turns, and the median of
the rounds counts.

    python -m benchmarks.recommendations.kernels

The last line is one JSON object with the ratios.
"""

import argparse
import ast
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from benchmarks.recommend_speed import DAYS, planted_store
from contracts.time_units import SECONDS_PER_DAY
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import SessionLog
from recsys.data.user_history import ORDER, UserHistory
from recsys.kernels.ann_index import AnnIndex, nearest
from recsys.parameters import RecommendParameters
from recsys.ranking.tree_inference import Trees
from recsys.retrieval.candidate_pool import CandidatePool, clear
from recsys.retrieval.protocol import FitData, Source
from recsys.retrieval.retriever import SOURCES

ITEMS: Final = 100_000
CUSTOMERS: Final = 250_000
EVENTS: Final = 8  # of a customer
DIMENSIONS: Final = 64
CLUSTERS: Final = 2_000
NEAREST: Final = 30
CANDIDATES: Final = 150
FEATURES: Final = 200
SEED: Final = 7


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--requests", type=int, default=200, help="per round")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with threadpool_limits(1):
        ratios = ann_ratios(options.items, options.requests, options.rounds)
        ratios |= tree_ratios(options.requests, options.rounds)
        ratios |= prefetch_ratios(options.items, options.customers, options.requests, options.rounds)
    print(json.dumps({name: round(value, 3) for name, value in ratios.items()}))


def medians(variants: dict[str, Callable[[int], Any]], requests: int, rounds: int) -> dict[str, float]:
    """Seconds per request of each variant: the median of the rounds."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(rounds + 1):  # the first one compiles
        for name, request in list(variants.items())[:: 1 if turn % 2 else -1]:
            started = time.perf_counter()
            for number in range(requests):
                request(number)
            taken[name].append((time.perf_counter() - started) / requests)
    seconds = {name: float(np.median(times[1:])) for name, times in taken.items()}
    print({name: f"{1e6 * value:.0f} us" for name, value in seconds.items()}, flush=True)
    return seconds


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
        return best[np.argsort(-cosines[best])]

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
    ratios = {f"{name}_to_ann_index": seconds[name] / seconds["ann_index"] for name in ("numpy", "scikit_learn")}
    return {"ann_index_recall": float(np.mean(recall))} | ratios


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


def prefetch_ratios(items: int, customers: int, requests: int, rounds: int) -> dict[str, float]:
    """Each source without prefetching against the same source with it; all variants read the same arrays.

    `with_again` is a second copy with prefetching: its distance from 1 is the noise.
    """
    interactions, catalogue = planted_store(items, customers, EVENTS)
    now, log = DAYS * SECONDS_PER_DAY, SessionLog.of(interactions)
    counters = ItemCounters.of(interactions, now, ORDER)
    data = FitData(interactions, log, counters, catalogue, now, RecommendParameters(vector_epochs=0.01), SEED)
    users = _users(data, requests)
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in SOURCES:
            source_file = Path(str(sys.modules[kind.__module__].__file__))
            if "prefetch(" not in source_file.read_text():
                continue
            arrays = log.to_arrays() | kind.fit(data).to_arrays()
            variants = {}
            for name in ("with", "without", "with_again"):
                copy = _copy_of(kind, source_file, Path(folder) / f"{kind.__name__}_{name}.py", name != "without")
                variants[name] = _request(copy.from_arrays(arrays, data.parameters), users, items)
            print(kind.__name__, end=" ")
            seconds = medians(variants, requests, rounds)
            for name in ("without", "with_again"):
                ratios[f"{kind.__name__}_{name}_to_with_prefetch"] = seconds[name] / seconds["with"]
    return ratios


class _CutPrefetch(ast.NodeTransformer):
    """Removes the calls of `prefetch`, and the loops of which nothing is left."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "prefetch" else node

    def visit_For(self, node: ast.For) -> ast.For | None:
        self.generic_visit(node)
        return node if node.body else None


def _copy_of(kind: type[Source], source_file: Path, path: Path, prefetching: bool) -> type[Source]:
    """The class from a copy of its module at `path`."""
    tree = ast.parse(source_file.read_text())
    path.write_text(ast.unparse(tree if prefetching else _CutPrefetch().visit(tree)))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == path.stem and issubclass(value, tuple):
            value.__name__ += path.stem  # Numba dispatches slowly, in 1 ms, where two tuple classes have one name
    return getattr(module, kind.__name__)


def _users(data: FitData, count: int) -> list[UserHistory]:
    """Known customers, whose last three interactions are a session under way."""
    random, past = np.random.default_rng(SEED), data.interactions
    users = []
    for customer in random.integers(len(past.customers), size=count).tolist():
        span = slice(int(past.offsets[customer]), int(past.offsets[customer + 1]))
        ages = ((data.now - past.times[span]) / SECONDS_PER_DAY).astype(np.float32)
        session_start = max(len(ages) - 3, 0)
        users.append(UserHistory(past.items[span], past.kinds[span], ages, session_start, customer, len(data.log.ends)))
    return users


def _request(source: Source, users: list[UserHistory], items: int) -> Callable[[int], None]:
    """Retrieves into a pool in which other sources have written 1,000 items, then scores candidates."""
    random = np.random.default_rng(SEED)
    everything, pool = np.ones(items, bool), CandidatePool.of(items, 20)
    seen = random.integers(items, size=(len(users), 1_000)).astype(np.int32)
    candidates = random.integers(items, size=(len(users), CANDIDATES)).astype(np.int32)
    out = np.empty((len(source.pointwise_features()), CANDIDATES), np.float32)

    def request(number: int) -> None:
        clear(pool)
        pool.items[:1_000], pool.size[0] = seen[number], 1_000
        pool.item_rows[seen[number]] = np.arange(1_000)
        source.retrieve(users[number], everything, pool, 1)
        source.score_candidates(users[number], candidates[number], out)

    return request


if __name__ == "__main__":
    main()
