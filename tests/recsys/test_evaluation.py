import numpy as np

from recsys.evaluation import Evaluation, _metrics, evaluate
from recsys.items import Items
from recsys.metrics import Judged
from recsys.pairs import Pairs
from recsys.splits import last_window, window_targets
from recsys.training import fit_recommender
from tests.recsys.stores import DAY, SMALL, Row, checkerboard, interactions, item_ids

ITEMS = Items.of(item_ids(80))


def judge(rows: list[Row], shuffle: bool = False) -> Evaluation:
    everything = interactions(rows, ITEMS)
    window = last_window(0, 60 * DAY, 10)
    past = everything.before(window.start)
    recommender = fit_recommender(past, ITEMS, window.start, SMALL, threads=1)
    targets = window_targets(everything, window, 2)
    if shuffle:
        strangers = np.random.default_rng(0).permutation(len(everything.customers))
        targets = Pairs.of(strangers[targets.rows], targets.columns, targets.width)
    return evaluate(recommender, past, np.unique(targets.rows), targets, window.start, seed=0)


def value(found: Evaluation, metric: str) -> tuple[float, float]:
    mine, baseline = found.metrics[metric], found.baseline_metrics[metric]
    assert mine is not None
    assert baseline is not None
    return mine, baseline


def test_two_tastes_are_told_apart_and_popularity_cannot() -> None:
    found = judge(checkerboard(count=80))
    mine, baseline = value(found, "recall_at_20")
    assert baseline < 0.35
    assert mine > 1.5 * baseline
    assert found.details["difference_95"]["recall_at_20"][0] > 0


def test_labels_of_other_customers_leave_nothing_to_find() -> None:
    mine, baseline = value(judge(checkerboard(count=80), shuffle=True), "recall_at_20")
    assert abs(mine - baseline) < 0.1


def test_customers_without_a_past_are_cases_and_get_the_popular_items() -> None:
    rows = checkerboard(count=80)
    rows += [(f"new-{n}", f"item-{n:03d}", "order", 59.0) for n in range(30)]
    found = judge(rows)
    assert found.cases - found.details["cases_with_history"] == 30
    without = found.details["by_history"]["without"]
    assert without["recall_at_20"] == without["baseline_recall_at_20"]


def test_known_and_new_targets_are_counted_apart() -> None:
    judged = Judged(np.array([[1, 2, 3]]), np.array([1, 5, 6]), 10)
    metrics = _metrics(judged, seen=np.array([True, True, False]))
    assert [metrics[f"{part}recall_at_20"] for part in ("", "repeat_", "explore_")] == [1 / 3, 1 / 2, 0]


def test_recall_is_bounded_by_the_candidates() -> None:
    found = judge(checkerboard(count=80))
    assert 0 < found.details["repeat_target_share"] < 1
    assert set(found.details["candidate_recall_by_source"]) >= {"any", "history", "popular", "bought_together"}
    assert found.metrics["candidate_recall"] == found.details["candidate_recall_by_source"]["any"]
