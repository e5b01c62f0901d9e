from functools import cache

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.recommender import Recommender
from recsys.training.evaluation import FREQUENT, OURS, POPULAR, Evaluation, K, evaluate
from recsys.training.examples import Examples
from recsys.training.time_split import last_window
from recsys.training.train import fit_recommender
from tests.recsys.stores import DAY, ORDER, SMALL, Row, checkerboard, interactions, item_ids

ITEMS = Items.of(item_ids(80))
WINDOW = last_window(0, 60 * DAY, 10)


@cache
def checkerboard_before_the_window() -> Recommender:
    past = interactions(checkerboard(count=80), ITEMS).before(WINDOW.start)
    return fit_recommender(past, ITEMS, WINDOW.start, SMALL, threads=1)


def evaluation_of(rows: list[Row]) -> Evaluation:
    everything = interactions(rows, ITEMS)
    recommender = fit_recommender(everything.before(WINDOW.start), ITEMS, WINDOW.start, SMALL, threads=1)
    return evaluate(recommender, Examples.next_period(everything, WINDOW, ORDER))


def checkerboard_evaluation(shuffle: bool = False, in_session: bool = False) -> Evaluation:
    everything, recommender = interactions(checkerboard(count=80), ITEMS), checkerboard_before_the_window()
    if in_session:
        return evaluate(recommender, Examples.next_item(everything, WINDOW, ORDER, seed=1))
    examples = Examples.next_period(everything, WINDOW, ORDER)
    if shuffle:
        order = np.random.default_rng(0).permutation(len(examples))
        known = {name: getattr(examples, name)[order] for name in ("customers", "session_starts", "history_ends")}
        examples = Examples(**{**vars(examples), **known})
    return evaluate(recommender, examples)


def value(found: Evaluation, metric: str) -> tuple[float, float]:
    mine, baseline = found.metrics[metric], found.baselines[POPULAR][metric]
    assert mine is not None
    assert baseline is not None
    return mine, baseline


def test_two_tastes_are_told_apart_and_popularity_cannot() -> None:
    found = checkerboard_evaluation()
    mine, baseline = value(found, "recall_at_20")
    assert baseline < 0.35
    assert mine > 1.5 * baseline
    assert found.recall[OURS].mean() == pytest.approx(mine)
    assert len(found.customers) == len(found.recall[OURS]) > 50


def test_labels_of_other_customers_leave_nothing_to_find() -> None:
    mine, baseline = value(checkerboard_evaluation(shuffle=True), "recall_at_20")
    assert abs(mine - baseline) < 0.1


def test_in_a_session_the_context_item_tells_the_taste_and_is_not_predicted() -> None:
    found = checkerboard_evaluation(in_session=True)
    mine, baseline = value(found, "recall_at_20")
    assert found.examples > 100
    assert mine > 1.5 * baseline


def test_popular_items_spend_no_place_on_the_open_page() -> None:
    recommender = checkerboard_before_the_window()
    examples = Examples.next_item(interactions(checkerboard(count=80), ITEMS), WINDOW, ORDER, seed=1)
    best = recommender.retriever.popularity.order[: K + 1].tolist()
    recalls = []
    for example, open_page in enumerate(examples.context_items.tolist()):
        shown = [item for item in best if item != open_page][:K]
        recalls.append(np.isin(examples.targets_of(example), shown).mean())
    assert np.isin(examples.context_items, best[:K]).any()
    assert checkerboard_evaluation(in_session=True).recall[POPULAR].tolist() == recalls


def test_customers_without_a_past_are_examples_and_get_the_popular_items() -> None:
    rows = checkerboard(count=80)
    rows += [(f"new-{n}", f"item-{n:03d}", "order", 59.0) for n in range(30)]
    found = evaluation_of(rows)
    assert found.examples - found.details["cases_with_history"] == 30
    without = found.details["by_history"]["without"]
    assert without[OURS] == without[POPULAR] == without[FREQUENT]


def test_known_and_new_targets_are_counted_apart() -> None:
    """Everybody's last order holds one item bought before and one that nobody ever bought."""
    rows: list[Row] = [*checkerboard(count=40)]
    rows = [row for row in rows if row[3] < 50]
    first = {customer: item for customer, item, _, _ in reversed(rows)}
    rows += [(customer, item, "order", 59.0) for customer, item in first.items()]
    rows += [(customer, "item-079", "order", 59.0) for customer in first]
    found = evaluation_of(rows)
    assert found.details["repeat_target_share"] == 0.5
    assert found.metrics["explore_recall_at_20"] == 0
    assert found.metrics["repeat_recall_at_20"] == 2 * (found.metrics["recall_at_20"] or 0) > 0


def test_recall_is_bounded_by_the_candidates() -> None:
    found = checkerboard_evaluation()
    assert 0 < found.details["repeat_target_share"] < 1
    by_source = found.details["candidate_recall_by_source"]
    assert found.metrics["candidate_recall"] == by_source["any"] == max(by_source.values())
    assert (found.metrics["recall_at_20"] or 0) <= by_source["any"]
