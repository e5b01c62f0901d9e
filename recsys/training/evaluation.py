"""Evaluation: predict what was chosen after a moment from the state at that moment, beside what was popular then.

Nothing that happens after a case's moment is known to the sources. The whole catalogue competes; there are no sampled
negatives.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from recsys.recommender import Recommender
from recsys.training.examples import Cases
from recsys.training.ranking_metrics import Judged, bootstrap_interval, mean

K: Final = 20


@dataclass(frozen=True)
class Evaluation:
    """Means over the cases, of the recommender and of its baseline, and what a person needs to judge them."""

    cases: int
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, float | None]
    details: dict[str, Any]


def evaluate(recommender: Recommender, cases: Cases, seed: int) -> Evaluation:
    """Judge the ranked candidates of each case against its targets; `recommender` is fitted on what lies before."""
    retriever = recommender.retriever
    lists, proposed, seen = _lists(recommender, cases)
    popular = retriever.popularity.top(K, retriever.everything)
    padded = np.concatenate([popular, np.full(K - len(popular), -1)])
    keys = cases.target_rows * cases.interactions.item_count + cases.targets
    mine = Judged(lists, keys, cases.interactions.item_count)
    baseline = Judged(np.tile(padded, (len(cases), 1)), keys, cases.interactions.item_count)
    has_past = (cases.cuts > cases.interactions.offsets[cases.customers]) | (cases.cues >= 0)
    metrics = _metrics(mine, seen) | {"candidate_recall": _share(proposed["any"])}
    details = {
        "targets": len(keys),
        "repeat_target_share": _share(seen),
        "cases_with_history": int(has_past.sum()),
        "candidate_recall_by_source": {name: _share(found) for name, found in proposed.items()},
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
    parts = {"": judged, "repeat_": judged.only(seen), "explore_": judged.only(~seen)}
    for name, part in parts.items():
        found[f"{name}recall_at_20"] = mean(part.recall(K))
        found[f"{name}ndcg_at_10"] = mean(part.ndcg(10))
        found[f"{name}mrr_at_20"] = mean(part.mrr(K))
    return found


def _subset_means(mine: Judged, baseline: Judged, mask: np.ndarray) -> dict[str, float | None]:
    return {
        "recall_at_20": mean(mine.recall(K)[mask]),
        "ndcg_at_10": mean(mine.ndcg(10)[mask]),
        "baseline_recall_at_20": mean(baseline.recall(K)[mask]),
        "baseline_ndcg_at_10": mean(baseline.ndcg(10)[mask]),
    }


def _lists(recommender: Recommender, cases: Cases) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """The first K of each case; which targets each source, and any of them, selected; which were known before."""
    retriever = recommender.retriever
    proposed = {name: np.zeros(len(cases.targets), bool) for name in ("any", *retriever.sources)}
    seen = np.zeros(len(cases.targets), bool)
    lists = np.full((len(cases), K), -1, np.int64)
    for case in range(len(cases)):
        shopper = cases.shopper(case, retriever.log, retriever.parameters.visitor_interactions)
        eligible = retriever.everything
        if cases.cues[case] >= 0:
            eligible = eligible.copy()
            eligible[cases.cues[case]] = False
        candidates = recommender.pipeline.candidates(shopper, eligible)
        order = np.argsort(-recommender.scores(shopper, candidates), kind="stable")[:K]
        lists[case, : len(order)] = candidates.items[order]
        span = slice(cases.target_offsets[case], cases.target_offsets[case + 1])
        targets = cases.targets[span]
        seen[span] = np.isin(targets, shopper.items)
        proposed["any"][span] = np.isin(targets, candidates.items)
        for name in retriever.sources:
            own = candidates.items[retriever.is_from(name, candidates.selected_by)]
            proposed[name][span] = np.isin(targets, own)
    return lists, proposed, seen


def _share(found: np.ndarray) -> float | None:
    return float(found.mean()) if len(found) else None
