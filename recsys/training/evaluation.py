"""Evaluation: predict what was chosen next from what was known before, compared with two baselines.

They are what is popular, and personal frequency: what this customer chose most often, then what is popular.

The sources know nothing that happens after an example's time. Every item that the service could show then competes, for
the baseline as well; no negatives are sampled.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from recsys.recommender import Recommender
from recsys.training.examples import Examples
from recsys.training.ranking_metrics import RankedLists, mean

K: Final = 20
OURS: Final = "ours"
POPULAR: Final = "popular items"
FREQUENT: Final = "personal frequency"
BASELINES: Final = (POPULAR, FREQUENT)


@dataclass(frozen=True)
class Evaluation:
    """Mean metrics of the recommender and of its baselines over `examples` examples, and details for a person.

    `recall` has the recall at 20 of each method, (cases,), where it is defined; `customers` (cases,) are their indices.
    """

    examples: int
    metrics: dict[str, float | None]
    baselines: dict[str, dict[str, float | None]]
    customers: np.ndarray
    recall: dict[str, np.ndarray]
    details: dict[str, Any]


@dataclass(frozen=True)
class RankedExamples:
    """`lists` (examples, K) int64: the first K items of each example, -1 where there are fewer.

    `seen` (targets,) bool: whether the user's history holds the target. `retrieved`, for each source and for "any" of
    them, (targets,) bool: whether it selected the target.
    """

    lists: np.ndarray
    frequent: np.ndarray
    seen: np.ndarray
    retrieved: dict[str, np.ndarray]


def evaluate(recommender: Recommender, examples: Examples) -> Evaluation:
    """Compare the ranked candidates of each example with its targets; `recommender` is fitted on what lies before."""
    retriever, item_count = recommender.retriever, examples.interactions.item_count
    ranked = rank_examples(recommender, examples)
    popular = retriever.popularity.top(K + 1, recommender.eligible_at(retriever.now))
    popular_lists = _without_open_page(popular, examples.context_items)
    shown = {OURS: ranked.lists, POPULAR: popular_lists, FREQUENT: ranked.frequent}
    lists = {name: RankedLists(found, examples.target_keys, item_count) for name, found in shown.items()}
    values = {name: metric_values(found, ranked.seen) for name, found in lists.items()}
    metrics = {name: _metrics(lists[name], values[name]) for name in lists}
    is_defined = ~np.isnan(values[OURS]["recall_at_20"])
    has_history = examples.has_history
    return Evaluation(
        examples=len(examples),
        metrics=metrics[OURS] | {"candidate_recall": _share(ranked.retrieved["any"])},
        baselines={name: metrics[name] for name in BASELINES},
        customers=examples.customers[is_defined],
        recall={name: values[name]["recall_at_20"][is_defined] for name in values},
        details={
            "targets": len(examples.targets),
            "repeat_target_share": _share(ranked.seen),
            "cases_with_history": int(has_history.sum()),
            "candidate_recall_by_source": {name: _share(selected) for name, selected in ranked.retrieved.items()},
            "by_history": {
                part: {name: _subset_means(of_method, mask) for name, of_method in values.items()}
                for part, mask in (("with", has_history), ("without", ~has_history))
            },
        },
    )


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
    lists, frequent = (np.full((len(examples), K), -1, np.int64) for _ in range(2))
    by_frequency = recommender.with_baseline_rankers()
    for example in range(len(examples)):
        user = examples.user(example, retriever.log, retriever.parameters.visitor_interactions)
        eligible = examples.eligible(example) & recommender.eligible_at(int(examples.timestamps[example]))
        candidates = recommender.pipeline.candidates(user, eligible)
        for ranker, first in ((recommender, lists), (by_frequency, frequent)):
            order = np.argsort(-ranker.scores(user, candidates), kind="stable")[:K]
            first[example, : len(order)] = candidates.items[order]
        span = slice(*examples.target_offsets[example : example + 2])
        targets = examples.targets[span]
        seen[span] = np.isin(targets, user.items)
        retrieved["any"][span] = np.isin(targets, candidates.items)
        for name in retriever.sources:
            own = candidates.items[retriever.is_from(name, candidates.selected_by)]
            retrieved[name][span] = np.isin(targets, own)
    return RankedExamples(lists, frequent, seen, retrieved)


def _without_open_page(popular: np.ndarray, context_items: np.ndarray) -> np.ndarray:
    """The first K of the popular items for each example, without its open page, as the other lists; (examples, K)."""
    padded = np.concatenate([popular, np.full(K + 1 - len(popular), -1)])
    lists = np.tile(padded, (len(context_items), 1))
    open_last = np.argsort(lists == context_items[:, None], axis=1, kind="stable")
    return np.take_along_axis(lists, open_last, axis=1)[:, :K]


def _metrics(lists: RankedLists, values: dict[str, np.ndarray]) -> dict[str, float | None]:
    return {"coverage": lists.coverage(K)} | {name: mean(found) for name, found in values.items()}


def _subset_means(values: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, float | None]:
    return {name: mean(values[name][mask]) for name in ("recall_at_20", "ndcg_at_10")}


def _share(found: np.ndarray) -> float | None:
    return float(found.mean()) if len(found) else None
