"""Times of the compiled kernels against libraries.

Two comparisons on one thread: AnnIndex against exact search (numpy and scikit-learn); tree inference against LightGBM's
predict. Every figure is a ratio of times per request: above 1 the kernel is faster. The variants take turns, and the
median of the rounds counts.

    python -m benchmarks.recommendations.kernels

The last line is one JSON object with the ratios.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, Final

import lightgbm
import numpy as np
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from recsys.kernels.ann_index import AnnIndex, nearest
from recsys.ranking.tree_inference import Trees

ITEMS: Final = 100_000
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
    parser.add_argument("--requests", type=int, default=200, help="per round")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with threadpool_limits(1):
        ratios = ann_ratios(options.items, options.requests, options.rounds)
        ratios |= tree_ratios(options.requests, options.rounds)
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


if __name__ == "__main__":
    main()
