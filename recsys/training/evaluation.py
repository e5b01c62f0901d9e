"""Evaluation: predict what was chosen next from what was known before, compared with a popularity baseline.

The sources know nothing that happens after an example's time. The whole catalogue competes; no negatives are sampled.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from recsys.recommender import Recommender
from recsys.training.examples import Examples
from recsys.training.ranking_metrics import RankedLists, bootstrap_interval, mean

K: Final = 20


@dataclass(frozen=True)
class Evaluation:
    """Mean metrics of the recommender and of its baseline over `examples` examples, and details for a person."""

    examples: int
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, float | None]
    details: dict[str, Any]


@dataclass(frozen=True)
class RankedExamples:
    """`lists` (examples, K) int64: the first K items of each example, -1 where there are fewer.

    `seen` (targets,) bool: whether the user's history holds the target. `retrieved`, for each source and for "any" of
    them, (targets,) bool: whether it selected the target.
    """

    lists: np.ndarray
    seen: np.ndarray
    retrieved: dict[str, np.ndarray]


def evaluate(recommender: Recommender, examples: Examples, seed: int) -> Evaluation:
    """Compare the ranked candidates of each example with its targets; `recommender` is fitted on what lies before."""
    retriever, item_count = recommender.retriever, examples.interactions.item_count
    ranked = rank_examples(recommender, examples)
    popular = retriever.popularity.top(K, retriever.everything)
    padded = np.concatenate([popular, np.full(K - len(popular), -1)])
    lists = RankedLists(ranked.lists, examples.target_keys, item_count)
    popular_lists = RankedLists(np.tile(padded, (len(examples), 1)), examples.target_keys, item_count)
    values, baseline = metric_values(lists, ranked.seen), metric_values(popular_lists, ranked.seen)
    has_history = examples.has_history
    details = {
        "targets": len(examples.targets),
        "repeat_target_share": _share(ranked.seen),
        "cases_with_history": int(has_history.sum()),
        "candidate_recall_by_source": {name: _share(found) for name, found in ranked.retrieved.items()},
        "by_history": {
            "with": _subset_means(values, baseline, has_history),
            "without": _subset_means(values, baseline, ~has_history),
        },
        "difference_95": {
            name: bootstrap_interval(values[name] - baseline[name], seed) for name in ("recall_at_20", "ndcg_at_10")
        },
    }
    metrics = _metrics(lists, values) | {"candidate_recall": _share(ranked.retrieved["any"])}
    return Evaluation(len(examples), metrics, _metrics(popular_lists, baseline), details)


def metric_values(lists: RankedLists, seen: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric per example: for all targets, for those of `seen` (targets,) (repeat), for the others (explore)."""
    found = {}
    for part, chosen in {"": lists, "repeat_": lists.only(seen), "explore_": lists.only(~seen)}.items():
        found[f"{part}recall_at_20"] = chosen.recall(K)
        found[f"{part}ndcg_at_10"] = chosen.ndcg(10)
        found[f"{part}mrr_at_20"] = chosen.mrr(K)
    return found


def rank_examples(recommender: Recommender, examples: Examples) -> RankedExamples:
    """The recommender's lists for the examples, and which targets its sources selected."""
    retriever = recommender.retriever
    retrieved = {name: np.zeros(len(examples.targets), bool) for name in ("any", *retriever.sources)}
    seen = np.zeros(len(examples.targets), bool)
    lists = np.full((len(examples), K), -1, np.int64)
    for example in range(len(examples)):
        user = examples.user(example, retriever.log, retriever.parameters.visitor_interactions)
        candidates = recommender.pipeline.candidates(user, examples.eligible(example))
        order = np.argsort(-recommender.scores(user, candidates), kind="stable")[:K]
        lists[example, : len(order)] = candidates.items[order]
        span = slice(*examples.target_offsets[example : example + 2])
        targets = examples.targets[span]
        seen[span] = np.isin(targets, user.items)
        retrieved["any"][span] = np.isin(targets, candidates.items)
        for name in retriever.sources:
            own = candidates.items[retriever.is_from(name, candidates.selected_by)]
            retrieved[name][span] = np.isin(targets, own)
    return RankedExamples(lists, seen, retrieved)


def _metrics(lists: RankedLists, values: dict[str, np.ndarray]) -> dict[str, float | None]:
    return {"coverage": lists.coverage(K)} | {name: mean(found) for name, found in values.items()}


def _subset_means(
    values: dict[str, np.ndarray], baseline: dict[str, np.ndarray], mask: np.ndarray
) -> dict[str, float | None]:
    names = ("recall_at_20", "ndcg_at_10")
    own = {name: mean(values[name][mask]) for name in names}
    return own | {f"baseline_{name}": mean(baseline[name][mask]) for name in names}


def _share(found: np.ndarray) -> float | None:
    return float(found.mean()) if len(found) else None
