"""Evaluation: predict a later window's targets from the state at its start, beside the popular items of the last week.

A case is a customer with at least one target in the window, known before or not; its targets are the distinct items
that the customer chose in the window. Everything is asked at the window's first instant: nothing that happens inside
the window is known. The whole catalogue competes; there are no sampled negatives.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from recsys.interactions import Interactions
from recsys.metrics import Judged, bootstrap_interval, mean
from recsys.pairs import Pairs, find
from recsys.recommender import Recommender
from recsys.training import blocks

K: Final = 20


@dataclass(frozen=True)
class Evaluation:
    """Means over the cases, of the recommender and of its baseline, and what a person needs to judge them."""

    cases: int
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, float | None]
    details: dict[str, Any]


def evaluate(
    recommender: Recommender, histories: Interactions, cases: np.ndarray, targets: Pairs, now: int, seed: int
) -> Evaluation:
    """Judge on the customers `cases` (cases,), whose targets are the pairs (customer, item)."""
    relabelled = _case_targets(cases, targets)
    lists, proposed = _lists(recommender, histories, cases, relabelled, now)
    popular = recommender.retriever.popularity.top(K, recommender.retriever.counters.age_days > 0)
    padded = np.concatenate([popular, np.full(K - len(popular), -1)])
    seen = _seen_before(histories, cases, relabelled)
    mine = Judged(lists, relabelled, targets.width)
    baseline = Judged(np.tile(padded, (len(cases), 1)), relabelled, targets.width)
    has_past = np.diff(histories.offsets)[cases] > 0
    metrics = _metrics(mine, seen) | {"candidate_recall": _recall(proposed["any"], relabelled)}
    details = {
        "targets": len(relabelled),
        "repeat_target_share": float(seen.mean()),
        "cases_with_history": int(has_past.sum()),
        "candidate_recall_by_source": {name: _recall(found, relabelled) for name, found in proposed.items()},
        "by_history": {
            "with": _subset_means(mine, baseline, has_past),
            "without": _subset_means(mine, baseline, ~has_past),
        },
        "difference_95": {
            "recall_at_20": bootstrap_interval(mine.recall(K) - baseline.recall(K), seed),
            "ndcg_at_10": bootstrap_interval(mine.ndcg(10) - baseline.ndcg(10), seed),
        },
    }
    return Evaluation(len(cases), metrics, _metrics(baseline, seen), details)


def _metrics(judged: Judged, seen: np.ndarray) -> dict[str, float | None]:
    """The headline metrics, and the same for the targets that the customer knew (repeat) and did not (explore)."""
    found: dict[str, float | None] = {"coverage": judged.coverage(K)}
    parts = {"": judged, "repeat_": _only(judged, seen), "explore_": _only(judged, ~seen)}
    for name, part in parts.items():
        found[f"{name}recall_at_20"] = mean(part.recall(K))
        found[f"{name}ndcg_at_10"] = mean(part.ndcg(10))
        found[f"{name}mrr_at_20"] = mean(part.mrr(K))
    return found


def _only(judged: Judged, mask: np.ndarray) -> Judged:
    return replace(judged, targets=judged.targets[mask])


def _subset_means(mine: Judged, baseline: Judged, mask: np.ndarray) -> dict[str, float | None]:
    return {
        "recall_at_20": mean(mine.recall(K)[mask]),
        "ndcg_at_10": mean(mine.ndcg(10)[mask]),
        "baseline_recall_at_20": mean(baseline.recall(K)[mask]),
        "baseline_ndcg_at_10": mean(baseline.ndcg(10)[mask]),
    }


def _case_targets(cases: np.ndarray, targets: Pairs) -> np.ndarray:
    """The targets' keys with the place in `cases` (sorted) instead of the customer; sorted."""
    places = find(cases, targets.rows)
    return np.asarray((places * targets.width + targets.columns)[places >= 0])


def _lists(
    recommender: Recommender, histories: Interactions, cases: np.ndarray, targets: np.ndarray, now: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The first K of each case, and which targets each source, and any of them, proposed."""
    retriever = recommender.retriever
    eligible = retriever.counters.age_days > 0
    proposed = {name: np.zeros(len(targets), bool) for name in ("any", *retriever.sources)}
    lists = np.full((len(cases), K), -1, np.int64)
    start = 0
    for customers in blocks(cases):
        shoppers = histories.shoppers(customers, now)
        candidates = retriever.candidates(shoppers, eligible)
        scores = recommender.scores(shoppers, candidates)
        order = np.lexsort((-scores, candidates.rows))
        first = np.searchsorted(candidates.rows, np.arange(len(customers)))
        place = np.arange(len(order)) - first[candidates.rows]
        top = place < K
        lists[start + candidates.rows[top], place[top]] = candidates.items[order[top]]
        shift = start * histories.item_count
        proposed["any"] |= find(candidates.keys + shift, targets) >= 0
        for name in retriever.sources:
            said = candidates.proposals[name]
            proposed[name] |= find(said.keys[said.chosen] + shift, targets) >= 0
        start += len(customers)
    return lists, proposed


def _recall(found: np.ndarray, targets: np.ndarray) -> float | None:
    return float(found.mean()) if len(targets) else None


def _seen_before(histories: Interactions, cases: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(targets,) bool: whether the customer had any interaction with the item before."""
    shoppers = histories.shoppers(cases, 0)
    return find(shoppers.touches.keys, targets) >= 0
