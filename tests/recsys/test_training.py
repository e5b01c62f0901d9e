from dataclasses import replace

import numpy as np
import pytest

from contracts.errors import NotEnoughData
from recsys.features import FEATURES
from recsys.interactions import Interactions
from recsys.items import Items
from recsys.pairs import find
from recsys.query import Query
from recsys.recommender import Recommender
from recsys.retrieval.retriever import Retriever
from recsys.splits import last_window, window_targets
from recsys.training import fit_recommender, sampled, training_groups
from tests.recsys.stores import (
    DAY,
    SMALL,
    Row,
    checkerboard,
    checkerboard_recommender,
    colour,
    interactions,
    item_ids,
)

ITEMS = Items.of(item_ids(40), names=[f"Item {n}" for n in range(40)])


def answers(recommender: Recommender) -> list[object]:
    customers = [recommender.histories.customers.value(n) for n in range(5)]
    return [recommender.recommend(Query(customer_id=customer, k=5)) for customer in customers]


@pytest.mark.parametrize("ranker", ["lambdamart", "blend"])
def test_tastes_are_kept_apart(ranker: str) -> None:
    recommender = checkerboard_recommender(SMALL if ranker == "lambdamart" else replace(SMALL, minimum_groups=10**9))
    assert recommender.parameters["ranker"] == ranker
    for number in range(80):
        customer_id = f"customer-{number:03d}"
        answer = recommender.recommend(Query(customer_id=customer_id, k=10))
        assert {colour(item.item_id) for item in answer.items} == {colour(customer_id)}


def test_the_same_events_and_seed_give_the_same_recommender() -> None:
    first, second = checkerboard_recommender(), checkerboard_recommender()
    assert first.ranker_text == second.ranker_text
    assert answers(first) == answers(second)


def test_the_future_changes_nothing_and_the_past_does() -> None:
    rows = checkerboard()
    wrong: Row = ("customer-000", "item-001", "order", 59.9)
    future: list[Row] = [(*wrong[:3], 60.0 + n / 50) for n in range(50)]
    plain, with_future = (
        fit_recommender(interactions(r, ITEMS), ITEMS, 60 * DAY, SMALL, threads=1) for r in (rows, rows + future)
    )
    assert plain.ranker_text == with_future.ranker_text
    assert answers(plain) == answers(with_future)
    with_past = fit_recommender(interactions([*rows, wrong], ITEMS), ITEMS, 60 * DAY, SMALL, threads=1)
    assert answers(plain) != answers(with_past)


def test_a_source_refuses_to_be_fitted_on_the_future() -> None:
    with pytest.raises(AssertionError, match="future"):
        Retriever.fit(interactions(checkerboard(), ITEMS), ITEMS, 30 * DAY, 2, SMALL)


def test_names_mean_nothing() -> None:
    """Renaming every item and customer renames the answers and moves no score."""
    parameters = replace(SMALL, minimum_groups=10**9)
    random = np.random.default_rng(5)
    new_item = dict(zip(item_ids(40), random.permutation([f"thing-{n}" for n in range(40)]).tolist(), strict=True))
    rows = checkerboard()
    renamed = [(f"x{customer[::-1]}", new_item[item], kind, day) for customer, item, kind, day in rows]
    others = Items.of(list(new_item.values()))
    plain = fit_recommender(interactions(rows, ITEMS), ITEMS, 60 * DAY, parameters, threads=1)
    other = fit_recommender(interactions(renamed, others), others, 60 * DAY, parameters, threads=1)
    for number in range(10):
        mine = plain.recommend(Query(customer_id=f"customer-{number:03d}", k=15)).items
        theirs = other.recommend(Query(customer_id="x" + f"customer-{number:03d}"[::-1], k=15)).items
        np.testing.assert_allclose([i.score for i in mine], [i.score for i in theirs], rtol=1e-5)
        assert {new_item[i.item_id] for i in mine[:5]} == {i.item_id for i in theirs[:5]}


def state(now: int) -> tuple[Interactions, Interactions, Retriever]:
    everything = interactions(checkerboard(), ITEMS)
    past = everything.before(now)
    return everything, past, Retriever.fit(past, ITEMS, now, 2, SMALL)


def test_training_rows_are_the_rows_that_serving_computes() -> None:
    now = 50 * DAY
    everything, past, retriever = state(now)
    targets = window_targets(everything, last_window(0, 60 * DAY, 10), 2)
    parameters = replace(SMALL, negatives_per_customer=10**6)
    groups = training_groups(retriever, past, targets, now, parameters, seed=1)
    served, labels = [], []
    for customer in np.unique(targets.rows).tolist():
        shopper = past.shoppers(np.array([customer]), now)
        candidates = retriever.candidates(shopper, np.ones(40, bool))
        label = find(targets.keys, customer * 40 + candidates.items) >= 0
        if label.any():
            served.append(retriever.features(shopper, candidates))
            labels.append(label)
    assert groups.features.shape[1] == len(FEATURES)
    np.testing.assert_array_equal(groups.features, np.concatenate(served))
    np.testing.assert_array_equal(groups.labels, np.concatenate(labels))
    assert groups.sizes.tolist() == [len(label) for label in labels]


def test_negatives_are_sampled_and_positives_are_kept() -> None:
    now = 50 * DAY
    everything, past, retriever = state(now)
    targets = window_targets(everything, last_window(0, 60 * DAY, 10), 2)
    whole, few = (
        training_groups(retriever, past, targets, now, replace(SMALL, negatives_per_customer=n), seed=1)
        for n in (10**6, 5)
    )
    assert few.labels.sum() == whole.labels.sum()
    assert len(few.labels) < len(whole.labels) / 2


def test_sampling_by_hash_is_stable() -> None:
    histories = interactions(checkerboard(), ITEMS)
    everyone = np.arange(80)
    few = sampled(everyone, histories, 20, seed=3)
    assert len(few) == 20
    assert set(sampled(everyone, histories, 19, seed=3)) < set(few)
    assert sampled(everyone, histories, 80, seed=3).tolist() == everyone.tolist()


def test_too_small_a_store_says_what_it_needs() -> None:
    rows: list[Row] = [("a", "item-000", "view", 1.0)]
    with pytest.raises(NotEnoughData, match=r"at least 20 .* has 1"):
        fit_recommender(interactions(rows, ITEMS), ITEMS, 60 * DAY, SMALL, threads=1)
